//! What others mean for one, over real sockets: it waits in the inbox of every device, through a restart. And words that are looked for.

use crate::gym::{Gym, run};
use crate::rooms::{dial, say, team};
use fitconnect_loadtest::client::{Client, Push, Pushes};
use fitconnect_protocol::RoomId;
use fitconnect_protocol::notice::{Notice, NoticeOf, NoticeTopic};
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::session::{Event, Snapshot, Topic};
use fitconnect_protocol::user::{UserCommand, UserEvent, UserSnapshot};
use serde_json::Value;

/// The next event of the inbox.
async fn told(pushes: &mut Pushes) -> UserEvent {
    loop {
        let push = pushes.recv().await.expect("a push").push;
        let Push::Event { event: Event::User(event), .. } = push else { continue };
        if matches!(event, UserEvent::Noticed { .. } | UserEvent::NoticesRead { .. } | UserEvent::Wanted { .. }) {
            return event;
        }
    }
}

async fn me(client: &Client) -> Box<UserSnapshot> {
    match client.subscribe(Topic::Me).await.expect("followed").snapshot {
        Some(Snapshot::User(me)) => me,
        other => panic!("{other:?}"),
    }
}

fn seqs(inbox: &[Notice]) -> Vec<(u64, u32, bool)> {
    let seq = |notice: &Notice| notice.of.place().map_or(0, |place| place.seq);
    inbox.iter().map(|notice| (seq(notice), notice.times, notice.read)).collect()
}

#[test]
fn who_is_named_finds_it_on_every_device_and_after_a_restart() {
    let gym = Gym::open(2, 1);
    let room: RoomId = run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let (tablet, mut tablets) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        ben.room(room, RoomCommand::Join).await.expect("in");
        me(&ben).await;
        me(&tablet).await;
        let named = |text: &str| RoomCommand::Post {
            text: text.into(),
            reply_to: None,
            mentions: vec![ben.welcome().user],
            image: None,
        };
        assert_eq!(ana.room(room, named("@Rider 1, seven?")).await.expect("posted"), 3);
        for pushes in [&mut bens, &mut tablets] {
            let UserEvent::Noticed { notice, instead: None } = told(pushes).await else { panic!("a notice") };
            let NoticeOf::Mentioned { place } = &notice.of else { panic!("{notice:?}") };
            assert_eq!((place.seq, place.name.as_str(), place.room_name.as_str()), (3, "Rider 0", "Early birds"));
        }
        ana.room(room, named("@Rider 1?")).await.expect("posted");
        let UserEvent::Noticed { notice, instead: Some(1) } = told(&mut tablets).await else { panic!("one of two") };
        assert_eq!((notice.number, notice.times), (2, 2));
        let said = say(&ben, room, "yes").await;
        ana.room(room, RoomCommand::Delete { seq: 3 }).await.expect("deleted");
        ana.user(UserCommand::Want { topic: NoticeTopic::Mention, wanted: false }).await.expect("off");
        let answer = RoomCommand::Post { text: "at seven".into(), reply_to: Some(4), mentions: vec![], image: None };
        ben.room(room, answer).await.expect("posted");
        assert!(me(&ana).await.inbox.is_empty(), "she does not want to hear of it");
        let again = RoomCommand::Post { text: "fine".into(), reply_to: Some(said), mentions: vec![], image: None };
        ana.room(room, again).await.expect("posted");
        told(&mut tablets).await;
        room
    });
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        assert_eq!(me(&ana).await.unwanted, [NoticeTopic::Mention]);
        let found = me(&ben).await.inbox;
        assert_eq!(seqs(&found), [(4, 2, false), (8, 1, false)]);
        ben.user(UserCommand::ReadNotices { numbers: vec![found[1].number] }).await.expect("read");
        assert_eq!(told(&mut bens).await, UserEvent::NoticesRead { numbers: vec![found[1].number] });
        ben.user(UserCommand::Read { room, through: 5 }).await.expect("read");
        assert_eq!(seqs(&me(&ben).await.inbox), [(4, 2, true), (8, 1, true)], "read where it stands is read here");
    });
}

#[test]
fn a_message_is_found_by_the_beginnings_of_its_words() {
    let gym = Gym::open(3, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, _bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        ben.room(room, RoomCommand::Join).await.expect("in");
        for n in 0..30 {
            say(&ana, room, format!("Приседания, подход {n}")).await;
        }
        let gone = say(&ben, room, "Присед отменён").await;
        let changed = say(&ben, room, "other words").await;
        ben.room(room, RoomCommand::Edit { seq: changed, text: "присед в субботу".into() }).await.expect("edited");
        ben.room(room, RoomCommand::Delete { seq: gone }).await.expect("deleted");
        let search = async |member: usize, q: &str, before: Option<u64>| {
            let q: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
            let path = format!("/v1/rooms/{room}/messages?q={q}{before}");
            let text = gym.address.text_as(&path, gym.members[member].token.as_deref()).await;
            text.map(|text| serde_json::from_str::<Value>(&text).expect("JSON")).map_err(|error| error.to_string())
        };
        let seqs = |found: &Value| -> Vec<u64> {
            found["found"].as_array().expect("a list").iter().filter_map(|each| each["seq"].as_u64()).collect()
        };
        let first = search(0, "ПРИСЁД", None).await.expect("found");
        assert_eq!(seqs(&first), std::iter::once(changed).chain((14..=32).rev()).collect::<Vec<_>>(), "as it is now");
        let before = first["before"].as_u64().expect("there is more");
        let rest = search(0, "присед", Some(before)).await.expect("found");
        assert_eq!((seqs(&rest).len(), &rest["before"]), (11, &Value::Null));
        assert_eq!(seqs(&search(0, "подход 7", None).await.expect("found")), [10]);
        assert_eq!(seqs(&search(1, "дания", None).await.expect("nothing")), [0; 0], "from their beginnings");
        ana.user(UserCommand::Block { user: ben.welcome().user, blocked: true }).await.expect("blocked");
        assert_eq!(seqs(&search(0, "суб", None).await.expect("nothing")), [0; 0], "of the blocked nothing is shown");
        assert!(search(2, "присед", None).await.is_err(), "who is not in the room finds nothing");
        assert!(search(0, " ", None).await.is_err());
    });
}
