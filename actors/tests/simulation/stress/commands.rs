//! Commands once: doubled, from two devices, over a restart, long after, and with other words under the same id.

use super::scene::{Scene, Who, code, numbered};
use crate::faults::Fault;
use fitconnect_protocol::limits::{CMD_AGE_MS_MAX, CMD_AHEAD_MS_MAX, CMD_RECENT_MS};
use fitconnect_protocol::report::OnWords;
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::session::{Request, Topic};
use fitconnect_protocol::{CmdId, ErrorCode, RoomId};

/// The same command in one breath, and again later: one message, one number.
pub fn doubled(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for number in 0..10 {
            let words = format!("words {number}");
            let post = scene.post(room, &words);
            let times = scene.rng.between(2, 5);
            let ids: Vec<u32> = (0..times).map(|_| scene.send(people[0], &post)).collect();
            let mut seqs = Vec::new();
            for id in ids {
                seqs.push(numbered(&scene.answer(people[0], id).await));
            }
            scene.pass(600).await;
            seqs.push(numbered(&scene.ask(people[0], &post).await));
            assert!(seqs.iter().all(|seq| *seq == seqs[0]), "{seqs:?}");
            assert_eq!(scene.count(room, &words), 1);
        }
        scene.pass(500).await;
        scene.all_show(room, &people);
    });
}

/// A message that is held back is sent again, as a socket does that was lost before the answer: it is held once, and the room goes on.
pub fn held_and_sent_again(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        scene.store.set_words(OnWords::Report, &["dope"]);
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for number in 0..6 {
            let post = scene.post(room, &format!("dope {number}"));
            let lost = scene.rng.hits(500);
            let first = scene.send(people[1], &post);
            if lost {
                let ms = scene.rng.between(0, 30);
                scene.pass_unread(ms).await;
                scene.cut(people[1]);
                scene.connect(people[1]);
                scene.pass(200).await;
            } else {
                assert_eq!(code(&scene.answer(people[1], first).await), Some(ErrorCode::Held));
            }
            let beside = scene.post(room, &format!("words {number}"));
            let beside = scene.send(people[0], &beside);
            for _ in 0..scene.rng.between(1, 4) {
                assert_eq!(code(&scene.ask(people[1], &post).await), Some(ErrorCode::Held), "as it was answered");
            }
            numbered(&scene.answer(people[0], beside).await);
            scene.pass(300).await;
        }
        assert_eq!(scene.store.held(), 6, "each is filed once");
        scene.all_show(room, &people);
    });
}

/// Two devices of one person send the same command at once: one message, both hear its number.
pub fn two_devices_with_the_same_cmd(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let tablet = scene.another(people[0]);
        scene.connect(tablet);
        scene.follow(tablet, Topic::Room(room));
        scene.pass(200).await;
        for number in 0..8 {
            let post = scene.post(room, &format!("words {number}"));
            let first = scene.send(people[0], &post);
            let ms = scene.rng.between(0, 20);
            scene.pass_unread(ms).await;
            let second = scene.send(tablet, &post);
            let one = numbered(&scene.answer(people[0], first).await);
            let other = numbered(&scene.answer(tablet, second).await);
            assert_eq!(one, other);
            assert_eq!(scene.count(room, &format!("words {number}")), 1);
            scene.pass(300).await;
        }
        scene.all_show(room, &[people[0], people[1], tablet]);
    });
}

/// Two people happen to use one id: these are two commands.
pub fn two_people_with_the_same_cmd(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let post = scene.post(room, "the same words");
        let (a, b) = (scene.send(people[0], &post), scene.send(people[1], &post));
        let one = numbered(&scene.answer(people[0], a).await);
        let other = numbered(&scene.answer(people[1], b).await);
        assert_ne!(one, other);
        assert_eq!(scene.count(room, "the same words"), 2);
    });
}

/// Other words under an id that was used: refused, at once, while it is under way, and after a restart.
pub fn mismatch(scene: &mut Scene) {
    let (people, room, cmd) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let cmd = scene.cmd();
        let first = scene.send(people[0], &words(room, cmd, "first"));
        if scene.rng.hits(500) {
            scene.pass(100).await;
        }
        let other = scene.ask(people[0], &words(room, cmd, "other")).await;
        assert_eq!(code(&other), Some(ErrorCode::CmdMismatch));
        numbered(&scene.answer(people[0], first).await);
        (people, room, cmd)
    });
    scene.process(async |scene: &mut Scene| {
        let other = scene.insist(people[0], &words(room, cmd, "other")).await;
        assert_eq!(code(&other), Some(ErrorCode::CmdMismatch));
        numbered(&scene.insist(people[0], &words(room, cmd, "first")).await);
        assert_eq!((scene.count(room, "first"), scene.count(room, "other")), (1, 0));
    });
}

fn words(room: RoomId, cmd: CmdId, text: &str) -> Request {
    Request::Room { room, cmd, act: RoomCommand::say(text) }
}

/// The process dies between the commit and the answer: asked again, the next one gives the answer that was stored.
pub fn restart_between_save_and_answer(scene: &mut Scene) {
    killed_around_a_commit(scene, true);
}

/// The process dies before the commit: asked again it happens, once.
pub fn restart_before_the_save(scene: &mut Scene) {
    killed_around_a_commit(scene, false);
}

fn killed_around_a_commit(scene: &mut Scene, saved: bool) {
    let (people, room, post) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let post = scene.post(room, "in between");
        if !saved {
            scene.faults.set(Fault::SlowCommit, 1_000);
        }
        scene.send(people[0], &post);
        // Nobody reads from here on.
        for _ in 0..40 {
            if saved && scene.count(room, "in between") == 1 {
                break;
            }
            scene.pass_unread(1).await;
        }
        assert_eq!(scene.count(room, "in between"), usize::from(saved));
        (people, room, post)
    });
    scene.faults.set(Fault::SlowCommit, 0);
    scene.process(async |scene: &mut Scene| {
        let seq = numbered(&scene.insist(people[0], &post).await);
        assert_eq!((seq, scene.count(room, "in between")), (2, 1));
        scene.connect(people[1]);
        scene.pass(1_000).await;
        scene.all_show(room, &people);
    });
}

/// Sent again when memory has forgotten it: the store knows the answer.
pub fn again_much_later(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let post = scene.post(room, "long ago");
        let seq = numbered(&scene.ask(people[0], &post).await);
        for _ in 0..3 {
            let ms = scene.rng.between(CMD_RECENT_MS, 3 * CMD_RECENT_MS);
            scene.pass_unread(ms).await;
            // Other answers push it out of memory.
            let other = scene.post(room, "other");
            numbered(&scene.insist(people[0], &other).await);
            assert_eq!(numbered(&scene.insist(people[0], &post).await), seq);
        }
        assert_eq!(scene.count(room, "long ago"), 1);
    });
}

/// Older than a day, or stamped ahead of the clock: refused.
pub fn out_of_time(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let old = scene.cmd_of(CMD_AGE_MS_MAX + 1_000);
        let answer = scene.ask(people[0], &words(room, old, "too old")).await;
        assert_eq!(code(&answer), Some(ErrorCode::CmdExpired));
        let ahead = scene.now().0 + CMD_AHEAD_MS_MAX + 1_000;
        let CmdId(chance) = scene.cmd();
        let stamp = u128::from(ahead) << 80 | chance.as_u128() & ((1 << 80) - 1);
        let answer = scene.ask(people[0], &words(room, CmdId(uuid(stamp)), "from the future")).await;
        assert_eq!(code(&answer), Some(ErrorCode::CmdExpired));
        let within = scene.cmd_of(CMD_AGE_MS_MAX - 60_000);
        numbered(&scene.ask(people[0], &words(room, within, "just in time")).await);
        assert_eq!(scene.stored(room).at, 2);
    });
}

fn uuid(number: u128) -> fitconnect_protocol::Uuid {
    fitconnect_protocol::Uuid::from_u128(number)
}

/// A refusal is not kept: the same command is decided anew by what holds then.
pub fn refused_and_then_allowed(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let ben = scene.member("ben");
        scene.connect(ben);
        let post = scene.post(room, "let me in");
        assert_eq!(code(&scene.ask(ben, &post).await), Some(ErrorCode::NotMember));
        let join = scene.in_room(room, RoomCommand::Join);
        numbered(&scene.ask(ben, &join).await);
        numbered(&scene.ask(ben, &post).await);
        assert_eq!(scene.count(room, "let me in"), 1);
        scene.pass(300).await;
        scene.all_show(room, &people);
    });
}

/// Everybody sends everything again over sockets that are lost, with commits whose outcome nobody knows: each once.
pub fn outboxes_over_bad_lines(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        for fault in [Fault::UnknownBefore, Fault::UnknownAfter, Fault::SlowCommit] {
            scene.faults.set(fault, 120);
        }
        let mut open: Vec<(Who, Request)> = Vec::new();
        for number in 0..24 {
            let who = *scene.rng.pick(&people.clone());
            let post = scene.post(room, &format!("words {number}"));
            if scene.devices[who].socket.is_none() {
                scene.connect(who);
            }
            scene.send(who, &post);
            open.push((who, post));
            let ms = scene.rng.between(20, 200);
            scene.pass(ms).await;
            if scene.rng.hits(250) {
                scene.cut(who);
            }
        }
        for (who, post) in open {
            numbered(&scene.insist(who, &post).await);
        }
        for fault in [Fault::UnknownBefore, Fault::UnknownAfter, Fault::SlowCommit] {
            scene.faults.set(fault, 0);
        }
        for who in &people {
            if scene.devices[*who].socket.is_none() {
                scene.connect(*who);
            }
        }
        scene.pass(3_000).await;
        for number in 0..24 {
            assert_eq!(scene.count(room, &format!("words {number}")), 1);
        }
        scene.all_show(room, &people);
    });
}
