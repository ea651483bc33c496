//! What members do to each other in a room, at once.

use super::scene::{Scene, Who, code, numbered};
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::room::Input;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::room::{HistoryFrom, Reaction, RoomCommand};
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::{ErrorCode, RoomId};
use std::collections::BTreeSet;

const REACTIONS: [Reaction; 6] =
    [Reaction::Thumb, Reaction::Heart, Reaction::Laugh, Reaction::Fire, Reaction::Strong, Reaction::Clap];

/// Hundreds of reactions while one reads nothing: in the end all show the same.
pub fn reactions_under_lag(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem", "dan"]).await;
        scene.pour(people[0], room, 8, 10).await;
        scene.reads(people[3], false);
        let callers: Vec<_> = people.iter().map(|who| scene.caller(*who)).collect();
        for _ in 0..300 {
            let (by, cmd) = (scene.rng.pick(&callers).clone(), scene.cmd());
            let (seq, reaction, on) = (scene.rng.between(2, 9), *scene.rng.pick(&REACTIONS), scene.rng.hits(600));
            let act = RoomCommand::React { seq, reaction, on };
            scene.house().to_room(room, Input::Command { by, cmd, act }, ReplyTo::Nobody);
            if scene.rng.hits(200) {
                let ms = scene.rng.between(1, 200);
                scene.pass(ms).await;
            }
            if scene.rng.hits(20) {
                scene.pour(people[1], room, 12, 1_500).await;
            }
        }
        scene.pass(1_000).await;
        scene.reads(people[3], true);
        if scene.devices[people[3]].socket.is_none() {
            scene.connect(people[3]);
        }
        scene.pass(3_000).await;
        scene.all_show(room, &people);
    });
}

/// A message is deleted while reactions to it gather: they are refused, or they came first; deleted it has none.
pub fn reacted_to_what_goes(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for _ in 0..8 {
            let post = scene.post(room, "soon gone");
            let seq = numbered(&scene.ask(people[0], &post).await);
            let mut ids = Vec::new();
            for reaction in REACTIONS.iter().take(3) {
                let react = scene.in_room(room, RoomCommand::React { seq, reaction: *reaction, on: true });
                ids.push(scene.send(people[1], &react));
            }
            let ms = scene.rng.between(0, 350);
            scene.pass(ms).await;
            let delete = scene.in_room(room, RoomCommand::Delete { seq });
            numbered(&scene.ask(people[0], &delete).await);
            for id in ids {
                let answer = scene.answer(people[1], id).await;
                let lawful = matches!(answer, Response::Numbered { .. }) || code(&answer) == Some(ErrorCode::NoMessage);
                assert!(lawful, "{answer:?}");
            }
            scene.pass(700).await;
        }
        scene.all_show(room, &people);
        assert!(scene.stored(room).messages.values().all(|message| message.reactions.is_empty()));
    });
}

/// Somebody types without end: told now and then, never more than a lane holds, and to nobody in a large room.
pub fn typing_flood(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let stalls = scene.rng.hits(500);
        scene.reads(people[1], !stalls);
        let by = scene.caller(people[0]);
        for _ in 0..300 {
            scene.house().to_room(room, Input::Typing { by: by.clone() }, ReplyTo::Nobody);
            scene.pass(20).await;
        }
        scene.reads(people[1], true);
        scene.pass(200).await;
        let times = typed(scene, people[1]);
        let most = 300 * 25 / TYPING_EVERY_MS as usize + 2;
        assert!((1..=most).contains(&times), "{times} times of {most}");
        assert!(scene.devices[people[1]].bytes_most <= LANE_EPHEMERAL_BYTES_MAX + LANE_CONTROL_BYTES_MAX);
        crowd(scene, room, TYPING_PEOPLE_MAX).await;
        let before = typed(scene, people[1]);
        scene.pass(TYPING_EVERY_MS).await;
        scene.house().to_room(room, Input::Typing { by }, ReplyTo::Nobody);
        scene.pass(200).await;
        assert_eq!(typed(scene, people[1]), before, "in a large room it is not told");
        scene.all_show(room, &people);
    });
}

fn typed(scene: &Scene, who: Who) -> usize {
    scene.devices[who].pushes.iter().filter(|push| matches!(push, Response::Typing { .. })).count()
}

async fn crowd(scene: &mut Scene, room: RoomId, count: usize) {
    for number in 0..count {
        let who = scene.member(&format!("one of many {number}"));
        let (by, cmd) = (scene.caller(who), scene.cmd());
        scene.house().to_room(room, Input::Command { by, cmd, act: RoomCommand::Join }, ReplyTo::Nobody);
        if number % 32 == 0 {
            scene.pass(40).await;
        }
    }
    scene.pass(1_500).await;
}

/// Silenced and slowed, over a restart: as long as was said, from the first moment on.
pub fn silence_over_a_restart(scene: &mut Scene) {
    let (people, room) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        let user = scene.user(people[1]);
        let mute = scene.in_room(room, RoomCommand::Mute { user, for_s: 60 });
        numbered(&scene.ask(people[0], &mute).await);
        let slow = scene.in_room(room, RoomCommand::Slow { seconds: 120 });
        numbered(&scene.ask(people[0], &slow).await);
        let post = scene.post(room, "the first");
        numbered(&scene.ask(people[2], &post).await);
        (people, room)
    });
    scene.process(async |scene: &mut Scene| {
        people.iter().for_each(|who| scene.connect(*who));
        scene.pass(500).await;
        let post = scene.post(room, "muted");
        assert_eq!(code(&scene.ask(people[1], &post).await), Some(ErrorCode::Forbidden));
        let post = scene.post(room, "too early");
        assert_eq!(code(&scene.ask(people[2], &post).await), Some(ErrorCode::RateLimited));
        scene.pass_unread(62_000).await;
        let post = scene.post(room, "free again");
        numbered(&scene.insist(people[1], &post).await);
        scene.pass_unread(60_000).await;
        let post = scene.post(room, "and the other");
        numbered(&scene.insist(people[2], &post).await);
        scene.pass(500).await;
        scene.all_show(room, &people);
    });
}

/// Banned on two devices while both read: both are told that it is over, and nothing is told behind it.
pub fn banned_on_two_devices(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let tablet = scene.another(people[1]);
        scene.connect(tablet);
        scene.follow(tablet, Topic::Room(room));
        scene.pass(200).await;
        scene.reads(tablet, scene.rng.clone().hits(500));
        for number in 0..scene.rng.between(0, 30) {
            let post = scene.post(room, &format!("before {number}"));
            scene.send(people[0], &post);
            scene.pass(110).await;
        }
        let ban = scene.in_room(room, RoomCommand::Ban { user: scene.user(people[1]), banned: true });
        numbered(&scene.ask(people[0], &ban).await);
        scene.reads(tablet, true);
        scene.pass(1_500).await;
        let heard: Vec<usize> = [people[1], tablet].iter().map(|who| scene.devices[*who].events.len()).collect();
        let post = scene.post(room, "behind the door");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass(500).await;
        for (who, heard) in [people[1], tablet].into_iter().zip(heard) {
            assert_eq!(scene.devices[who].events.len(), heard, "{} hears on", scene.devices[who].name);
            assert!(!scene.devices[who].topics.is_live(Topic::Room(room)));
        }
        let join = scene.in_room(room, RoomCommand::Join);
        assert_eq!(code(&scene.ask(tablet, &join).await), Some(ErrorCode::Forbidden));
        scene.all_show(room, &people[..1]);
    });
}

/// Coming and going from two devices at once: a member once, or not.
pub fn joins_and_leaves_that_cross(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let ben = scene.member("ben");
        let tablet = scene.another(ben);
        scene.connect(ben);
        scene.connect(tablet);
        scene.follow(ben, Topic::Me);
        scene.pass(200).await;
        for _ in 0..12 {
            let mut ids = Vec::new();
            for who in [ben, tablet] {
                let act = if scene.rng.hits(500) { RoomCommand::Join } else { RoomCommand::Leave };
                let request = scene.in_room(room, act);
                ids.push((who, scene.send(who, &request)));
                let ms = scene.rng.between(0, 30);
                scene.pass(ms).await;
            }
            for (who, id) in ids {
                let answer = scene.answer(who, id).await;
                let lawful = matches!(answer, Response::Numbered { .. }) || code(&answer) == Some(ErrorCode::NotMember);
                assert!(lawful, "{answer:?}");
            }
        }
        scene.pass(3_000).await;
        let is_in = scene.stored(room).members.contains(&scene.user(ben));
        assert_eq!(scene.devices[ben].rooms.contains_key(&room), is_in, "the account says the same as the room");
        scene.all_show(room, &people);
    });
}

/// Many pin at once: ten hang at most, the same ten on every page.
pub fn pins_at_once(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let appoint =
            RoomCommand::Appoint { user: scene.user(people[1]), role: fitconnect_protocol::room::RoomRole::Moderator };
        let appoint = scene.in_room(room, appoint);
        numbered(&scene.ask(people[0], &appoint).await);
        scene.pour(people[0], room, 16, 2).await;
        let mut ids = Vec::new();
        for seq in 3..19 {
            let who = people[usize::from(scene.rng.hits(500))];
            let pin = scene.in_room(room, RoomCommand::Pin { seq, pinned: true });
            ids.push((who, scene.send(who, &pin)));
            if scene.rng.hits(300) {
                scene.pass(60).await;
            }
        }
        let mut pinned = 0;
        for (who, id) in ids {
            match scene.answer(who, id).await {
                Response::Numbered { .. } => pinned += 1,
                answer => assert_eq!(code(&answer), Some(ErrorCode::TooLarge)),
            }
        }
        assert_eq!(pinned, ROOM_PINS_MAX);
        let delete = scene.in_room(room, RoomCommand::Delete { seq: scene.stored(room).pins[3] });
        numbered(&scene.ask(people[0], &delete).await);
        scene.pass(500).await;
        assert_eq!(scene.stored(room).pins.len(), ROOM_PINS_MAX - 1, "what is deleted comes down");
        scene.all_show(room, &people);
    });
}

/// Pages backwards while the room goes on: every message once, as it is.
pub fn history_while_all_write(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.pour(people[0], room, 150, 30).await;
        let (mut before, mut seen) = (scene.stored(room).at + 1, BTreeSet::new());
        loop {
            let request = Request::History { room, from: HistoryFrom::Before { seq: before }, limit: 40 };
            let Response::Page { messages, more, .. } = scene.ask(people[1], &request).await else {
                panic!("a page was asked for")
            };
            for message in &messages {
                assert!(message.seq < before && seen.insert(message.seq), "{} twice, or out of place", message.seq);
            }
            before = messages.first().map_or(0, |message| message.seq);
            let seq = scene.rng.between(2, 140);
            let act = match scene.rng.below(3) {
                0 => RoomCommand::Delete { seq },
                1 => RoomCommand::Edit { seq, text: "other words".into() },
                _ => RoomCommand::say("and more"),
            };
            let request = scene.in_room(room, act);
            scene.ask(people[0], &request).await;
            if !more {
                break;
            }
        }
        let all: BTreeSet<u64> = (2..=151).collect();
        assert_eq!(seen, all);
        scene.pass(500).await;
        scene.all_show(room, &people);
    });
}

/// Several edits of one message by its author's two devices: the last one stands, and is the only one with words.
pub fn edits_that_cross(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let tablet = scene.another(people[0]);
        scene.connect(tablet);
        let post = scene.post(room, "as it was");
        let seq = numbered(&scene.ask(people[0], &post).await);
        scene.cut(people[1]);
        let mut ids = Vec::new();
        for number in 0..10 {
            let who = if scene.rng.hits(500) { people[0] } else { tablet };
            let edit = scene.in_room(room, RoomCommand::Edit { seq, text: format!("wording {number}") });
            ids.push((numbered_later(scene, who, &edit), number));
            let ms = scene.rng.between(0, 40);
            scene.pass(ms).await;
        }
        let mut last = (0, 0);
        for ((who, id), number) in ids {
            last = last.max((numbered(&scene.answer(who, id).await), number));
        }
        let stands = format!("wording {}", last.1);
        assert_eq!(scene.stored(room).messages[&seq].text, stands);
        for number in (0..10).filter(|number| *number != last.1) {
            scene.devices[people[1]].forbidden.push(format!("wording {number}"));
        }
        scene.connect(people[1]);
        scene.pass(1_000).await;
        scene.all_show(room, &people);
    });
}

fn numbered_later(scene: &mut Scene, who: Who, request: &Request) -> (Who, u32) {
    (who, scene.send(who, request))
}
