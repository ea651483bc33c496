//! Frames of rooms: every command, event, snapshot and word.

use crate::frames::{START, class, cmd, gym, user};
use fitconnect_protocol::notice::{NoticeOf, NoticeTopic, Place};
use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::{Event, Request, Response, Snapshot};
use fitconnect_protocol::user::OwnRoom;
use fitconnect_protocol::*;

pub fn room() -> RoomId {
    RoomId(class().0)
}

pub fn image() -> ImageId {
    ImageId(class().0)
}

pub fn own() -> OwnRoom {
    OwnRoom { room: room(), kind: RoomKind::Direct, name: "Ben".into(), read: 41, with: Some(other()) }
}

pub fn other() -> UserId {
    UserId(Uuid::from_u128(user().0.as_u128() + 1))
}

pub fn requests() -> Vec<Request> {
    let pages = pages().into_iter().map(|from| Request::History { room: room(), from, limit: 50 });
    let acts = commands().into_iter().map(|act| Request::Room { room: room(), cmd: cmd(), act });
    let last = Mention { user: other(), name: "Ben".into() };
    let others = [
        Request::Typing { room: room() },
        Request::Got { room: room(), through: 42 },
        Request::Members { room: room(), q: String::new(), after: None },
        Request::Members { room: room(), q: "ан".into(), after: Some(last) },
        Request::LookAt { room: room(), people: vec![user(), other()] },
    ];
    acts.chain(pages).chain(others).collect()
}

pub fn replies() -> Vec<Response> {
    vec![
        Response::Numbered { seq: 4_294_967_297 },
        Response::Page { room: room(), messages: messages(), more: true },
        Response::Page { room: room(), messages: vec![], more: false },
        Response::Members { room: room(), members: members(), more: true },
    ]
}

pub fn pushes() -> Vec<Response> {
    let events = events().into_iter().map(|e| Response::Event { h: 5, o: 42, e: Event::Room(e) });
    events
        .chain([
            Response::Typing { h: 5, user: other(), name: "Ben".into() },
            Response::Marks { h: 5, got: 42, read: 41 },
            Response::Ended { h: 5 },
        ])
        .collect()
}

pub fn commands() -> Vec<RoomCommand> {
    let create = |kind, join| RoomCommand::Create { kind, name: "Early birds".into(), join, members: vec![other()] };
    let mut all: Vec<_> =
        kinds().into_iter().zip(rules().into_iter().cycle()).map(|(k, join)| create(k, join)).collect();
    all.extend(reactions().into_iter().map(|reaction| RoomCommand::React { seq: 42, reaction, on: true }));
    all.extend(roles().into_iter().map(|role| RoomCommand::Appoint { user: other(), role }));
    all.extend(reports().into_iter().map(|reason| RoomCommand::Report { seq: 42, reason, words: String::new() }));
    all.extend(verdicts().into_iter().map(|verdict| RoomCommand::Decide { report: cmd(), verdict }));
    all.extend([
        RoomCommand::Report { seq: 42, reason: ReportReason::Other, words: "Er war's.".into() },
        RoomCommand::Create { kind: RoomKind::Gym, name: "Gym".into(), join: JoinRule::Open, members: vec![] },
        RoomCommand::Join,
        RoomCommand::Leave,
        RoomCommand::Add { user: other() },
        RoomCommand::Remove { user: other() },
        RoomCommand::say("Кто завтра в 7:00?"),
        RoomCommand::Post { text: "Me!\nAnd Ben.".into(), reply_to: Some(41), mentions: vec![], image: None },
        RoomCommand::Post { text: "@Ben?".into(), reply_to: None, mentions: vec![other()], image: Some(image()) },
        RoomCommand::Edit { seq: 42, text: "Me, and Ben.".into() },
        RoomCommand::Delete { seq: 42 },
        RoomCommand::React { seq: 42, reaction: Reaction::Heart, on: false },
        RoomCommand::Pin { seq: 40, pinned: true },
        RoomCommand::Slow { seconds: 30 },
        RoomCommand::Mute { user: other(), for_s: 600 },
        RoomCommand::Ban { user: other(), banned: true },
    ]);
    all
}

pub fn reports() -> Vec<ReportReason> {
    use ReportReason::*;
    vec![Spam, Insult, Threat, Sexual, Private, Other, Listed]
}

pub fn verdicts() -> Vec<Verdict> {
    vec![Verdict::Dismiss, Verdict::Delete, Verdict::Mute { for_s: 3_600 }, Verdict::Ban, Verdict::Post]
}

pub fn reactions() -> Vec<Reaction> {
    use Reaction::*;
    vec![Thumb, Heart, Laugh, Fire, Strong, Clap]
}

pub fn kinds() -> Vec<RoomKind> {
    use RoomKind::*;
    vec![Class, Gym, Team, Trainer, Direct, Challenge, Support]
}

pub fn rules() -> Vec<JoinRule> {
    vec![JoinRule::Open, JoinRule::Invited, JoinRule::Fixed]
}

pub fn roles() -> Vec<RoomRole> {
    vec![RoomRole::Member, RoomRole::Moderator, RoomRole::Owner]
}

pub fn pages() -> Vec<HistoryFrom> {
    vec![HistoryFrom::Before { seq: 42 }, HistoryFrom::After { seq: 0 }, HistoryFrom::Since { at_ms: START }]
}

fn messages() -> Vec<Message> {
    let plain = Message {
        seq: 40,
        at_ms: START,
        by: user(),
        name: "Анна К.".into(),
        cmd: cmd(),
        text: "Кто завтра в 7:00?".into(),
        reply_to: None,
        mentions: vec![],
        picture: None,
        edited: None,
        deleted_by: None,
        reactions: vec![Reacted { reaction: Reaction::Fire, by: vec![user(), other()] }],
    };
    let mentions = vec![Mention { user: other(), name: "Ben".into() }];
    let picture = Some(Picture { image: image(), width: 1_600, height: 1_200 });
    let edited = Message {
        seq: 41,
        picture,
        text: "@Ben".into(),
        reply_to: Some(40),
        mentions,
        edited: Some(43),
        ..plain.clone()
    };
    let deleted =
        Message { seq: 42, text: String::new(), deleted_by: Some(other()), reactions: vec![], ..plain.clone() };
    vec![plain, edited, deleted]
}

fn members() -> Vec<RoomMember> {
    let member = |role| RoomMember { user: other(), name: "Ben".into(), role };
    roles().into_iter().map(member).collect()
}

pub fn events() -> Vec<RoomEvent> {
    let [message, edited, deleted] = messages().try_into().expect("three");
    let (user, by, at_ms) = (other(), user(), START);
    vec![
        RoomEvent::Created {
            gym: gym(),
            kind: RoomKind::Team,
            name: "Early birds".into(),
            join: JoinRule::Invited,
            members: members(),
            at_ms,
        },
        RoomEvent::Posted { message },
        RoomEvent::Edited { message: edited },
        RoomEvent::Deleted { message: deleted },
        RoomEvent::Reacted {
            toggles: vec![
                Toggle { seq: 40, by: user, reaction: Reaction::Heart, on: true },
                Toggle { seq: 41, by, reaction: Reaction::Clap, on: false },
            ],
            at_ms,
        },
        RoomEvent::Joined { member: members().remove(0), by, at_ms },
        RoomEvent::Left { user, by, at_ms },
        RoomEvent::Appointed { user, role: RoomRole::Moderator, by, at_ms },
        RoomEvent::Pinned { seq: 40, pinned: true, by, at_ms },
        RoomEvent::Slowed { seconds: 30, by, at_ms },
        RoomEvent::Muted { user, until_ms: START + 600_000, by, at_ms },
        RoomEvent::Banned { user, banned: false, by, at_ms },
        RoomEvent::Closed { closed: true, by, at_ms },
    ]
}

pub fn snapshots() -> Vec<Snapshot> {
    let whole = RoomSnapshot {
        room: room(),
        gym: gym(),
        kind: RoomKind::Team,
        name: "Early birds".into(),
        join: JoinRule::Invited,
        role: Some(RoomRole::Owner),
        people: 3,
        members: members(),
        recent: messages(),
        pins: vec![40],
        slow_s: 30,
        muted_until_ms: Some(START + 600_000),
        closed: true,
    };
    let bare = RoomSnapshot { pins: vec![], slow_s: 0, muted_until_ms: None, closed: false, ..whole.clone() };
    let looked_into = RoomSnapshot { role: None, members: vec![], recent: vec![], ..bare };
    vec![Snapshot::Room(Box::new(whole)), Snapshot::Room(Box::new(looked_into))]
}

pub fn notices() -> Vec<NoticeOf> {
    let place = Place { room: room(), room_name: "Early birds".into(), seq: 42, by: other(), name: "Ben".into() };
    let (room, room_name) = (room(), String::from("Early birds"));
    vec![
        NoticeOf::Mentioned { place: place.clone() },
        NoticeOf::Answered { place },
        NoticeOf::BroughtIn { room, room_name: room_name.clone(), by: other(), name: "Ben".into() },
        NoticeOf::Summary { class: class(), class_name: "HIIT 45".into() },
        NoticeOf::Deleted { room, room_name: room_name.clone(), seq: 41 },
        NoticeOf::Decided { room, room_name, verdict: Verdict::Mute { for_s: 600 }, held: false },
    ]
}

pub fn notice_topics() -> Vec<NoticeTopic> {
    vec![NoticeTopic::Mention, NoticeTopic::Room, NoticeTopic::Class]
}
