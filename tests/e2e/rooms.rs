//! Rooms over real sockets: what is written arrives once and in order, through lost sockets, a restart and a slow reader.

use crate::gym::{Gym, run};
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::{Client, Options, Push, Pushes};
use fitconnect_loadtest::error::LoadError;
use fitconnect_protocol::limits::{MEMBERS_PAGE, PRESENT_SHOWN};
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::room::{HistoryFrom, JoinRule, Mention, Reacted, Reaction, RoomCommand, RoomEvent, RoomKind};
use fitconnect_protocol::session::{Event, Position, Request, Response, Snapshot, Topic};
use fitconnect_protocol::user::{Hidden, OwnRoom, UserCommand, UserEvent};
use fitconnect_protocol::{ErrorCode, RoomId, UserId};

pub async fn dial(gym: &Gym, account: &Account) -> (Client, Pushes) {
    let token = account.token.clone().expect("a token");
    Client::connect(Options::new(&gym.address, token)).await.expect("a socket")
}

/// A team's room of this client's, open to all.
pub async fn team(client: &Client) -> RoomId {
    let cmd = client.cmd();
    let (kind, name, join) = (RoomKind::Team, "Early birds".into(), JoinRule::Open);
    let act = RoomCommand::Create { kind, name, join, members: vec![] };
    let made = client.command(Request::Room { room: RoomId(cmd.0), cmd, act }).await.expect("a room");
    assert_eq!(made, Response::Numbered { seq: 1 });
    RoomId(cmd.0)
}

pub async fn say(client: &Client, room: RoomId, text: impl Into<String>) -> u64 {
    client.room(room, RoomCommand::say(text)).await.expect("posted")
}

pub fn refused(result: Result<impl std::fmt::Debug, LoadError>) -> ErrorCode {
    match result {
        Err(LoadError::Refused(refusal)) => refusal.code,
        other => panic!("not a refusal: {other:?}"),
    }
}

/// Number and words of each message up to this number, in the order in which they came.
async fn heard(pushes: &mut Pushes, through: u64) -> Vec<(u64, String)> {
    let mut all = Vec::new();
    loop {
        let Push::Event { offset, event: Event::Room(event), .. } = pushes.recv().await.expect("an event").push else {
            continue;
        };
        let words = match event {
            RoomEvent::Posted { message } => message.text,
            RoomEvent::Deleted { message } => format!("-{}", message.seq),
            RoomEvent::Edited { message } => format!("{}: {}", message.seq, message.text),
            RoomEvent::Joined { member, .. } => format!("+{}", member.name),
            RoomEvent::Left { .. } => "left".into(),
            RoomEvent::Banned { .. } => "banned".into(),
            RoomEvent::Created { .. }
            | RoomEvent::Reacted { .. }
            | RoomEvent::Appointed { .. }
            | RoomEvent::Pinned { .. }
            | RoomEvent::Slowed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Closed { .. } => String::new(),
        };
        all.push((offset, words));
        if offset >= through {
            return all;
        }
    }
}

fn numbered(first: u64, words: &[&str]) -> Vec<(u64, String)> {
    (first..).zip(words.iter().map(|word| (*word).to_owned())).collect()
}

#[test]
fn what_is_written_is_heard_by_all_in_order() {
    let gym = Gym::open(2, 1);
    run(async {
        let (ana, mut anas) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        ana.subscribe(Topic::Room(room)).await.expect("followed");
        assert_eq!(refused(ben.subscribe(Topic::Room(room)).await), ErrorCode::NotMember);
        assert_eq!(ben.room(room, RoomCommand::Join).await.expect("in"), 2);
        ben.subscribe(Topic::Room(room)).await.expect("followed");
        assert_eq!(say(&ben, room, "who comes at 7?").await, 3);
        assert_eq!(say(&ana, room, "mee").await, 4);
        assert_eq!(ana.room(room, RoomCommand::Edit { seq: 4, text: "me".into() }).await.expect("edited"), 5);
        assert_eq!(ben.room(room, RoomCommand::Delete { seq: 3 }).await.expect("deleted"), 6);
        let told = numbered(3, &["who comes at 7?", "mee", "4: me", "-3"]);
        assert_eq!(heard(&mut bens, 6).await, told);
        assert_eq!(heard(&mut anas, 6).await, [numbered(2, &["+Rider 1"]), told].concat());
        let (page, more) = ana.history(room, HistoryFrom::After { seq: 0 }, 10).await.expect("a page");
        assert_eq!((page.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), more), (vec!["", "me"], false));
        assert_eq!(ana.room(room, RoomCommand::Remove { user: ben.welcome().user }).await.expect("out"), 7);
        assert_eq!(refused(ben.room(room, RoomCommand::Leave).await), ErrorCode::NotMember);
        loop {
            // He is told, and hears nothing of what comes after.
            if let Push::Over { topic } = bens.recv().await.expect("a push").push {
                assert_eq!(topic, Topic::Room(room));
                break;
            }
        }
    });
}

#[test]
fn order_holds_over_a_restart() {
    let gym = Gym::open(2, 1);
    let (room, ben) = run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        assert_eq!(ben.room(room, RoomCommand::Join).await.expect("in"), 2);
        ben.subscribe(Topic::Room(room)).await.expect("followed");
        let said = say(&ben, room, "rules of the house").await;
        let user = ben.welcome().user;
        assert_eq!(ana.room(room, RoomCommand::Pin { seq: said, pinned: true }).await.expect("pinned"), 4);
        assert_eq!(ana.room(room, RoomCommand::Slow { seconds: 1 }).await.expect("slow"), 5);
        assert_eq!(ana.room(room, RoomCommand::Ban { user, banned: true }).await.expect("out"), 6);
        while !matches!(bens.recv().await.expect("a push").push, Push::Over { topic } if topic == Topic::Room(room)) {}
        (room, user)
    });
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (bens, _pushes) = dial(&gym, &gym.members[1]).await;
        assert_eq!(refused(bens.room(room, RoomCommand::Join).await), ErrorCode::Forbidden);
        let told = ana.subscribe(Topic::Room(room)).await.expect("followed");
        let Some(Snapshot::Room(snapshot)) = told.snapshot else { panic!("a room") };
        assert_eq!((snapshot.pins, snapshot.slow_s, snapshot.people), (vec![3], 1, 1));
        assert_eq!(ana.room(room, RoomCommand::Ban { user: ben, banned: false }).await.expect("taken back"), 7);
        assert_eq!(bens.room(room, RoomCommand::Join).await.expect("in again"), 8);
        assert_eq!(say(&bens, room, "sorry").await, 9);
        assert_eq!(say(&bens, room, "and again").await, 10, "the kit waits as long as it is told to");
    });
}

#[test]
fn a_command_sent_twice_happens_once_and_has_one_number() {
    let gym = Gym::open(1, 1);
    let (room, request) = run(async {
        let (ana, _pushes) = dial(&gym, &gym.members[0]).await;
        let room = team(&ana).await;
        let act = RoomCommand::say("once");
        let request = Request::Room { room, cmd: ana.cmd(), act };
        let (first, second) = tokio::join!(ana.command(request.clone()), ana.command(request.clone()));
        assert_eq!(
            (first.expect("done"), second.expect("the same")),
            (Response::Numbered { seq: 2 }, Response::Numbered { seq: 2 })
        );
        (room, request)
    });
    let gym = Gym::open_in(gym.close(), 1, 1);
    run(async {
        let (ana, _pushes) = dial(&gym, &gym.members[0]).await;
        assert_eq!(ana.command(request).await.expect("known"), Response::Numbered { seq: 2 }, "over a restart too");
        assert_eq!(say(&ana, room, "next").await, 3);
    });
}

#[test]
fn words_that_were_taken_back_are_told_to_nobody_who_comes_later() {
    let gym = Gym::open(2, 1);
    let (room, at) = run(async {
        let (ana, _pushes) = dial(&gym, &gym.members[0]).await;
        let room = team(&ana).await;
        let epoch = ana.subscribe(Topic::Room(room)).await.expect("followed").epoch;
        let at = Position { epoch, offset: 1 };
        say(&ana, room, "a slip").await;
        say(&ana, room, "a secret").await;
        ana.room(room, RoomCommand::Edit { seq: 2, text: "mended once".into() }).await.expect("edited");
        ana.room(room, RoomCommand::Edit { seq: 2, text: "mended".into() }).await.expect("edited");
        ana.room(room, RoomCommand::Delete { seq: 3 }).await.expect("deleted");
        (room, at)
    });
    let told = |gym: &Gym| {
        run(async {
            let (ana, mut pushes) = dial(gym, &gym.members[0]).await;
            assert!(ana.subscribe_from(Topic::Room(room), Some(at)).await.expect("followed").recovered);
            let mut texts = Vec::new();
            while texts.len() < 5 {
                let arrived = pushes.recv().await.expect("an open link");
                let Push::Event { event: Event::Room(event), .. } = arrived.push else { continue };
                let (RoomEvent::Posted { message } | RoomEvent::Edited { message } | RoomEvent::Deleted { message }) =
                    event
                else {
                    panic!("something else happened: {event:?}")
                };
                texts.push((message.seq, message.text, message.deleted_by.is_some()));
            }
            texts
        })
    };
    let expected = [(2, "mended"), (3, ""), (2, ""), (2, "mended"), (3, "")];
    let expected = expected.map(|(seq, text)| (seq, text.to_owned(), seq == 3));
    assert_eq!(told(&gym), expected, "from memory");
    let gym = Gym::open_in(gym.close(), 2, 1);
    assert_eq!(told(&gym), expected, "from the store");
}

#[test]
fn a_reader_that_was_away_gets_exactly_what_it_missed_from_memory_and_from_the_store() {
    let gym = Gym::open(2, 1);
    let (room, at) = run(async {
        let (ana, mut pushes) = dial(&gym, &gym.members[0]).await;
        let room = team(&ana).await;
        let told = ana.subscribe(Topic::Room(room)).await.expect("followed");
        say(&ana, room, "heard").await;
        assert_eq!(heard(&mut pushes, 2).await, numbered(2, &["heard"]));
        ana.unsubscribe(Topic::Room(room)).await.expect("no longer");
        say(&ana, room, "missed").await;
        let at = Position { epoch: told.epoch, offset: 2 };
        let told = ana.subscribe_from(Topic::Room(room), Some(at)).await.expect("followed again");
        assert!(told.recovered && told.snapshot.is_none());
        assert_eq!(heard(&mut pushes, 3).await, numbered(3, &["missed"]));
        (room, at)
    });
    // A new process knows the numbers of the old one.
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let (ana, mut pushes) = dial(&gym, &gym.members[0]).await;
        let told = ana.subscribe_from(Topic::Room(room), Some(at)).await.expect("followed");
        assert!(told.recovered, "{:?}", told.reason);
        assert_eq!(heard(&mut pushes, 3).await, numbered(3, &["missed"]));
        // More than the hub keeps in memory, while another device reads none of it.
        let writers = futures_util::future::join_all((0..8).map(|_| dial(&gym, &gym.members[0]))).await;
        let write = |(nth, (writer, _pushes)): (usize, &(Client, Pushes))| {
            let writer = writer.clone();
            async move {
                for n in 0..140 {
                    say(&writer, room, format!("{nth}.{n} {}", "x".repeat(400))).await;
                }
            }
        };
        let last = 3 + 8 * 140;
        futures_util::future::join_all(writers.iter().enumerate().map(write)).await;
        let (late, mut lates) = dial(&gym, &gym.members[0]).await;
        let told = late.subscribe_from(Topic::Room(room), Some(at)).await.expect("followed");
        assert_eq!((told.recovered, told.offset), (true, last));
        let numbers: Vec<u64> = heard(&mut lates, last).await.into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(numbers, (3..=last).collect::<Vec<_>>(), "exactly the missed, in order");
        assert_eq!(late.counters().gaps.load(std::sync::atomic::Ordering::Relaxed), 0);
    });
}

#[test]
fn who_is_written_to_finds_the_room_and_reads_it_on_every_device() {
    let gym = Gym::open(2, 1);
    run(async {
        let (ana, _pushes) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let (tablet, mut tablets) = dial(&gym, &gym.members[1]).await;
        for device in [&ben, &tablet] {
            device.subscribe(Topic::Me).await.expect("followed");
        }
        let (a, b) = (ana.welcome().user, ben.welcome().user);
        let room = RoomId::direct(a, b);
        let (kind, join) = (RoomKind::Direct, JoinRule::Fixed);
        let create = RoomCommand::Create { kind, name: String::new(), join, members: vec![b] };
        assert_eq!(ana.room(room, create).await.expect("made"), 1);
        let own = |name: &str, read| OwnRoom { room, kind, name: name.into(), read, with: Some(a) };
        assert_eq!(in_room(&mut bens).await, own("Rider 0", 1));
        assert_eq!(in_room(&mut tablets).await, own("Rider 0", 1));
        let said = say(&ana, room, "hi").await;
        ben.user(UserCommand::Read { room, through: said }).await.expect("read");
        assert_eq!(in_room(&mut tablets).await, own("Rider 0", said), "the other device hears it");
        let Some(Snapshot::User(me)) = ben.subscribe(Topic::Me).await.expect("again").snapshot else { panic!("one") };
        assert_eq!(me.rooms, [own("Rider 0", said)]);
    });
}

#[test]
fn one_who_is_blocked_writes_no_more_and_every_device_hides_them() {
    let gym = Gym::open(2, 1);
    let (a, b, room) = run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (phone, mut phones) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let (a, b) = (ana.welcome().user, ben.welcome().user);
        phone.subscribe(Topic::Me).await.expect("followed");
        ben.subscribe(Topic::Me).await.expect("followed");
        let room = RoomId::direct(a, b);
        let members = vec![a];
        let create =
            RoomCommand::Create { kind: RoomKind::Direct, name: String::new(), join: JoinRule::Fixed, members };
        assert_eq!(ben.room(room, create).await.expect("made"), 1);
        assert_eq!(in_room(&mut phones).await.with, Some(b));
        ben.subscribe(Topic::Room(room)).await.expect("followed");
        ana.user(UserCommand::Block { user: b, blocked: true }).await.expect("blocked");
        let name = Some("Rider 1".into());
        assert_eq!(hidden(&mut phones).await, Hidden { user: b, name }, "her other device hides him");
        assert_eq!(hidden(&mut bens).await, Hidden { user: a, name: None });
        until_closed(&mut bens, true).await;
        assert_eq!(refused(ben.room(room, post("why?")).await), ErrorCode::Blocked);
        (a, b, room)
    });
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        assert_eq!(refused(ben.room(room, post("and now?")).await), ErrorCode::Blocked);
        let Some(Snapshot::User(me)) = ben.subscribe(Topic::Me).await.expect("followed").snapshot else {
            panic!("one")
        };
        assert_eq!(me.hidden, [Hidden { user: a, name: None }]);
        let Some(Snapshot::Room(told)) = ben.subscribe(Topic::Room(room)).await.expect("followed").snapshot else {
            panic!("a room")
        };
        assert!(told.closed);
        ana.user(UserCommand::Block { user: b, blocked: false }).await.expect("taken back");
        until_closed(&mut bens, false).await;
        assert_eq!(say(&ben, room, "sorry").await, 4);
    });
}

#[test]
fn reactions_gather_and_are_there_after_a_restart() {
    let gym = Gym::open(2, 1);
    let react = |reaction, on| RoomCommand::React { seq: 3, reaction, on };
    let (room, a, b) = run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (ben, mut bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        ben.room(room, RoomCommand::Join).await.expect("in");
        ben.subscribe(Topic::Room(room)).await.expect("followed");
        assert_eq!(say(&ana, room, "personal best!").await, 3);
        assert_eq!(ana.room(room, react(Reaction::Fire, true)).await.expect("told at once"), 4);
        let (one, two, three) = tokio::join!(
            ben.room(room, react(Reaction::Fire, true)),
            ben.room(room, react(Reaction::Heart, true)),
            ana.room(room, react(Reaction::Clap, true)),
        );
        assert_eq!([one.expect("done"), two.expect("done"), three.expect("done")], [5; 3], "one event of all");
        let told = heard(&mut bens, 5).await;
        assert_eq!(told.len(), 3, "the message and two events of reactions: {told:?}");
        ben.room(room, react(Reaction::Heart, false)).await.expect("taken back");
        (room, ana.welcome().user, ben.welcome().user)
    });
    let gym = Gym::open_in(gym.close(), 2, 1);
    run(async {
        let (ana, _anas) = dial(&gym, &gym.members[0]).await;
        let (page, _) = ana.history(room, HistoryFrom::After { seq: 0 }, 10).await.expect("a page");
        let mut found = page[0].reactions.clone();
        found.sort_by_key(|reacted| reacted.reaction);
        let reacted = |reaction, by| Reacted { reaction, by };
        assert_eq!(found, [reacted(Reaction::Fire, vec![a, b]), reacted(Reaction::Clap, vec![a])]);
        assert_eq!(ana.room(room, react(Reaction::Fire, true)).await.expect("so already"), 6, "nothing happened");
        assert_eq!(ana.room(room, react(Reaction::Fire, false)).await.expect("taken back"), 7);
    });
}

#[test]
fn typing_reaches_the_others_and_is_kept_nowhere() {
    let gym = Gym::open(2, 1);
    run(async {
        let (ana, mut anas) = dial(&gym, &gym.members[0]).await;
        let (ben, _bens) = dial(&gym, &gym.members[1]).await;
        let room = team(&ana).await;
        ana.subscribe(Topic::Room(room)).await.expect("followed");
        ben.room(room, RoomCommand::Join).await.expect("in");
        // Three times in a moment, then the message: it is told once.
        for _ in 0..3 {
            ben.tell(Request::Typing { room }).await;
        }
        assert_eq!(say(&ben, room, "hi").await, 3, "it has no number");
        let mut typed = Vec::new();
        loop {
            match anas.recv().await.expect("a push").push {
                Push::Typing { topic, user } => typed.push((topic, user)),
                Push::Event { offset: 3, .. } => break,
                _ => {}
            }
        }
        // The message overtakes what has no lane of its own, never the other way round.
        while typed.is_empty() {
            if let Push::Typing { topic, user } = anas.recv().await.expect("a push").push {
                typed.push((topic, user));
            }
        }
        assert_eq!(typed, [(Topic::Room(room), ben.welcome().user)]);
    });
}

fn post(text: &str) -> RoomCommand {
    RoomCommand::say(text)
}

async fn hidden(pushes: &mut Pushes) -> Hidden {
    loop {
        let push = pushes.recv().await.expect("a push").push;
        if let Push::Event { event: Event::User(UserEvent::Hidden { person }), .. } = push {
            return person;
        }
    }
}

async fn until_closed(pushes: &mut Pushes, now: bool) {
    loop {
        let push = pushes.recv().await.expect("a push").push;
        if let Push::Event { event: Event::Room(RoomEvent::Closed { closed, .. }), .. } = push {
            return assert_eq!(closed, now);
        }
    }
}

async fn in_room(pushes: &mut Pushes) -> OwnRoom {
    loop {
        let push = pushes.recv().await.expect("a push").push;
        if let Push::Event { event: Event::User(UserEvent::InRoom { room }), .. } = push {
            return room;
        }
    }
}

#[test]
fn of_a_large_room_members_come_by_name_and_presence_names_whom_one_looks_at() {
    let gym = Gym::open(80, 1);
    run(async {
        let (ana, mut anas) = dial(&gym, &gym.members[0]).await;
        let room = team(&ana).await;
        let mut others = Vec::new();
        for member in &gym.members[1..] {
            let (other, mut pushes) = dial(&gym, member).await;
            tokio::spawn(async move { while pushes.recv().await.is_some() {} });
            other.room(room, RoomCommand::Join).await.expect("in");
            other.subscribe(Topic::Room(room)).await.expect("followed");
            others.push(other);
        }
        for other in &others {
            other.tell(Request::Here { is: Presence::Online }).await;
        }
        ana.subscribe(Topic::Room(room)).await.expect("followed");
        let page = async |q: &str, after| match ana.ask(Request::Members { room, q: q.into(), after }).await {
            Ok(Response::Members { members, more, .. }) => (members, more),
            other => panic!("{other:?}"),
        };
        let (first, more) = page("", None).await;
        assert_eq!((first.len(), more), (MEMBERS_PAGE, true));
        let last = first.last().map(|last| Mention { user: last.user, name: last.name.clone() });
        let (rest, more) = page("", last).await;
        assert_eq!((first.len() + rest.len(), more), (80, false));
        let (found, _) = page("rid 79", None).await;
        assert_eq!(found.iter().map(|each| each.name.as_str()).collect::<Vec<_>>(), ["Rider 79"]);
        let named = async |pushes: &mut Pushes, wanted: &[UserId]| loop {
            if let Push::Presence { online, people, .. } = pushes.recv().await.expect("a push").push
                && online > PRESENT_SHOWN as u32
                && people.iter().map(|each| each.0).eq(wanted.iter().copied())
            {
                return;
            }
        };
        named(&mut anas, &[]).await;
        let whom = found[0].user;
        ana.tell(Request::LookAt { room, people: vec![whom] }).await;
        named(&mut anas, &[whom]).await;
    });
}
