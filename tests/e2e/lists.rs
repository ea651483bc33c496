//! Which rooms a gym has, over real sockets and HTTP: what waits at the front desk for staff, and teams that one may join.

use crate::gym::{Gym, run};
use crate::rooms::{dial, refused, say, team};
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::Client;
use fitconnect_loadtest::error::LoadError;
use fitconnect_loadtest::now::mono_us;
use fitconnect_protocol::room::{JoinRule, RoomCommand, RoomKind};
use fitconnect_protocol::session::{Request, Topic};
use fitconnect_protocol::user::UserCommand;
use fitconnect_protocol::{ErrorCode, RoomId};
use serde_json::{Value, json};

/// What this account is answered, or the word of its refusal.
async fn get(gym: &Gym, who: &Account, path: &str) -> Result<Value, String> {
    match gym.address.json("GET", path, who.token.as_deref(), None).await {
        Ok(found) => Ok(found),
        Err(LoadError::Http { message, .. }) => Err(message.split(':').next().unwrap_or_default().into()),
        Err(other) => panic!("{other}"),
    }
}

async fn rooms(gym: &Gym, who: &Account, query: &str) -> Value {
    get(gym, who, &format!("/v1/rooms?{query}")).await.expect("a list")
}

fn names(found: &Value) -> Vec<&str> {
    found["rooms"].as_array().expect("a list").iter().map(|each| each["name"].as_str().expect("a name")).collect()
}

async fn make(client: &Client, kind: RoomKind, name: &str, join: JoinRule) -> RoomId {
    let cmd = client.cmd();
    let act = RoomCommand::Create { kind, name: name.into(), join, members: vec![] };
    client.command(Request::Room { room: RoomId(cmd.0), cmd, act }).await.expect("a room");
    RoomId(cmd.0)
}

fn letters(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Until what is written next has another millisecond: of one and the same the room with the larger id comes first.
async fn later() {
    let before = mono_us();
    while mono_us() < before + 1_000 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_is_asked_at_the_front_desk_is_found_and_answered_by_staff() {
    let gym = Gym::open(2, 1);
    let (hers, his) = run(async {
        let (ben, _bens) = dial(&gym, &gym.members[1]).await;
        let his = make(&ben, RoomKind::Support, "Rider 1", JoinRule::Invited).await;
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let hers = make(&ana, RoomKind::Support, "Rider 0", JoinRule::Invited).await;
        say(&ana, hers, "Can I freeze my card?").await;
        team(&ana).await;
        assert_eq!(get(&gym, &gym.members[0], "/v1/rooms?kind=support").await, Err("forbidden".into()));
        let found = rooms(&gym, &gym.trainer, "kind=support").await;
        assert_eq!((names(&found), &found["next"]), (vec!["Rider 0", "Rider 1"], &Value::Null));
        let (first, second) = (&found["rooms"][0], &found["rooms"][1]);
        let asked = json!({ "user": ana.welcome().user, "name": "Rider 0" });
        assert_eq!((&first["room"], &first["maker"], &first["people"]), (&json!(hers), &asked, &json!(1)));
        assert_eq!((&first["last"]["text"], &first["last"]["by"]), (&json!("Can I freeze my card?"), &asked["user"]));
        assert_eq!((&second["room"], &second["last"]), (&json!(his), &Value::Null), "he has not said what yet");

        let (tom, _toms) = dial(&gym, &gym.trainer).await;
        tom.subscribe(Topic::Room(hers)).await.expect("staff look into it");
        assert_eq!(refused(tom.room(hers, RoomCommand::say("Yes")).await), ErrorCode::NotMember);
        tom.room(hers, RoomCommand::Join).await.expect("in");
        say(&tom, hers, "Yes, for a month").await;
        later().await;
        say(&ben, his, format!("My locker: {}", "замок ".repeat(100))).await;
        (hers, his)
    });
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let found = rooms(&gym, &gym.trainer, "kind=support").await;
        let (first, second) = (&found["rooms"][0], &found["rooms"][1]);
        assert_eq!((&first["room"], &second["room"]), (&json!(his), &json!(hers)), "what was written last comes first");
        let text = first["last"]["text"].as_str().expect("words");
        assert!(text.starts_with("My locker: замок") && (190..=200).contains(&text.len()), "a line of it: {text}");
        assert_eq!((&second["last"]["name"], &second["people"]), (&json!("Rider 2"), &json!(2)), "it is answered");
        let (tom, _toms) = dial(&gym, &gym.trainer).await;
        tom.room(his, RoomCommand::Join).await.expect("in");
        tom.room(his, RoomCommand::Delete { seq: 2 }).await.expect("deleted");
        let found = rooms(&gym, &gym.trainer, "kind=support").await;
        let last = &found["rooms"][0]["last"];
        assert_eq!((&last["text"], &last["deleted"]), (&json!(""), &json!(true)));
        // Behind a place, as a longer list would have it.
        let at = last["at_ms"].as_i64().expect("a time");
        let rest = rooms(&gym, &gym.trainer, &format!("kind=support&after={his}.{at}")).await;
        assert_eq!(names(&rest), ["Rider 0"]);
        for wrong in ["kind=support&after=x", "kind=support&after=x.1", "kind=class", "kind=direct", "kind=support&x=1"]
        {
            let path = format!("/v1/rooms?{wrong}");
            assert_eq!(get(&gym, &gym.trainer, &path).await, Err("malformed".into()), "{wrong}");
        }
    });
}

#[test]
fn teams_that_one_may_join_are_found_by_the_beginnings_of_their_names() {
    let gym = Gym::open(3, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, _bens) = dial(&gym, &gym.members[1]).await;
        let carl = &gym.members[2];
        let early = team(&ana).await;
        let secret = make(&ana, RoomKind::Team, "Early secrets", JoinRule::Invited).await;
        make(&ben, RoomKind::Team, "Утренние птицы", JoinRule::Open).await;
        make(&ben, RoomKind::Support, "Early front desk", JoinRule::Invited).await;
        let found = rooms(&gym, carl, "kind=team").await;
        assert_eq!(names(&found), ["Early birds", "Утренние птицы"]);
        assert_eq!(found["rooms"][0], json!({ "room": early, "name": "Early birds", "people": 1 }), "and no more");
        assert_eq!(names(&rooms(&gym, carl, &format!("kind=team&q={}", letters("ПТИ утр"))).await), ["Утренние птицы"]);
        assert_eq!(names(&rooms(&gym, carl, "kind=team&q=arly").await), [""; 0], "from their beginnings");
        assert_eq!(names(&rooms(&gym, &gym.trainer, "kind=team&q=ear").await), ["Early birds"]);

        // One room, before one is in it.
        let door = get(&gym, carl, &format!("/v1/rooms/{early}")).await;
        assert_eq!(door, Ok(json!({ "room": early, "kind": "team", "name": "Early birds", "join": "open" })));
        assert_eq!(get(&gym, carl, &format!("/v1/rooms/{secret}")).await, Err("not_member".into()));
        let own = get(&gym, &gym.members[0], &format!("/v1/rooms/{secret}")).await.expect("she is in it");
        assert_eq!(own["join"], json!("invited"));
        let nowhere = RoomId(ana.cmd().0);
        assert_eq!(get(&gym, carl, &format!("/v1/rooms/{nowhere}")).await, Err("not_found".into()));

        let user = carl.user.expect("an id");
        ana.user(UserCommand::Block { user, blocked: true }).await.expect("blocked");
        let (carls, _pushes) = dial(&gym, carl).await;
        // Her own row says it at once, his when her letter has come.
        carls.user(UserCommand::Block { user: ana.welcome().user, blocked: true }).await.expect("blocked");
        assert_eq!(names(&rooms(&gym, carl, "kind=team").await), ["Утренние птицы"], "none of whom one is hidden from");

        for n in 0..51 {
            make(&ben, RoomKind::Team, &format!("Zebras {n:02}"), JoinRule::Open).await;
        }
        let first = rooms(&gym, carl, "kind=team&q=zeb").await;
        assert_eq!((names(&first).len(), names(&first)[49]), (50, "Zebras 49"));
        let next = letters(first["next"].as_str().expect("there is one more"));
        let rest = rooms(&gym, carl, &format!("kind=team&q=zeb&after={next}")).await;
        assert_eq!((names(&rest), &rest["next"]), (vec!["Zebras 50"], &Value::Null));
    });
}
