//! Stores that are away, slow, or silent about what they did; owners that lose their shard; clocks that jump; processes that die.

use super::scene::{Scene, Who, code, numbered};
use crate::faults::Fault;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::{ErrorCode, RoomId};

async fn all_again(scene: &mut Scene, people: &[Who], room: RoomId, open: Vec<(Who, Request, String)>) {
    for (who, request, _) in &open {
        numbered(&scene.insist(*who, request).await);
    }
    for who in people {
        if scene.devices[*who].socket.is_none() {
            scene.connect(*who);
        }
    }
    scene.pass(3_000).await;
    scene.all_show(room, people);
    for (_, _, words) in &open {
        assert_eq!(scene.count(room, words), 1, "{words:?} once");
    }
}

fn written(scene: &mut Scene, people: &[Who], room: RoomId, number: u64) -> (Who, Request, String) {
    let (who, words) = (*scene.rng.pick(people), format!("words {number}"));
    let post = scene.post(room, &words);
    if scene.devices[who].socket.is_none() {
        scene.connect(who);
    }
    scene.send(who, &post);
    (who, post, words)
}

/// The store is away for seconds: those who write are told to try again, nobody is told of what is not stored.
pub fn outage(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        let mut open = Vec::new();
        for number in 0..30 {
            if number == 8 {
                let ms = scene.rng.between(500, 8_000);
                scene.store.away_for(ms);
            }
            open.push(written(scene, &people, room, number));
            let ms = scene.rng.between(50, 300);
            scene.pass(ms).await;
            let stored = scene.stored(room).at;
            for who in &people {
                let shown = scene.devices[*who].views.get(&room).map_or(0, |view| view.at);
                assert!(shown <= stored, "{} is told of {shown}, stored is {stored}", scene.devices[*who].name);
            }
        }
        all_again(scene, &people, room, open).await;
    });
}

async fn under(scene: &mut Scene, faults: &[(Fault, u64)]) {
    let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
    for (fault, per_mille) in faults {
        scene.faults.set(*fault, *per_mille);
    }
    let mut open = Vec::new();
    for number in 0..30 {
        open.push(written(scene, &people, room, number));
        let ms = scene.rng.between(10, 250);
        scene.pass(ms).await;
        if scene.rng.hits(60) {
            let who = *scene.rng.pick(&people);
            scene.cut(who);
        }
    }
    for (fault, _) in faults {
        scene.faults.set(*fault, 0);
    }
    all_again(scene, &people, room, open).await;
}

/// Commits whose outcome nobody knows, done and not done.
pub fn unknown_commits(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        under(scene, &[(Fault::UnknownBefore, 200), (Fault::UnknownAfter, 200)]).await;
    });
}

/// Another owner takes the shard between two commits: nothing of the earlier life is written behind it.
pub fn stolen_shard(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| under(scene, &[(Fault::StolenEpoch, 200)]).await);
}

/// Commits of seconds, and reads that fail: order is kept.
pub fn slow_commits(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| under(scene, &[(Fault::SlowCommit, 400), (Fault::LoadFailed, 200)]).await);
}

/// The store itself panics.
pub fn store_falls_over(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| under(scene, &[(Fault::StorePanicked, 60)]).await);
}

/// The room's machine is built anew again and again while members come back: no event is lost at the seam.
pub fn room_falls_while_members_return(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        scene.faults.set(Fault::UnknownAfter, 400);
        let mut open = Vec::new();
        for number in 0..20 {
            open.push(written(scene, &people[..2], room, number));
            scene.cut(people[2]);
            let ms = scene.rng.between(0, 60);
            scene.pass(ms).await;
            scene.connect(people[2]);
            let ms = scene.rng.between(20, 200);
            scene.pass(ms).await;
        }
        scene.faults.set(Fault::UnknownAfter, 0);
        all_again(scene, &people, room, open).await;
        assert!(scene.devices[people[2]].told.iter().skip(1).all(|told| told.recovered), "each time recovered");
    });
}

/// Killed again and again under traffic.
pub fn kills(scene: &mut Scene) {
    let (people, room) = scene.process(async |scene: &mut Scene| scene.members(&["ana", "ben", "cem"]).await);
    let mut open = Vec::new();
    for life in 0..6 {
        open = scene.process(async |scene: &mut Scene| {
            for who in &people {
                scene.connect(*who);
                let ms = scene.rng.between(0, 200);
                scene.pass(ms).await;
            }
            for number in 0..6 {
                open.push(written(scene, &people, room, life * 100 + number));
                let ms = scene.rng.between(0, 120);
                scene.pass(ms).await;
            }
            open
        });
    }
    scene.process(async |scene: &mut Scene| all_again(scene, &people, room, open).await);
}

/// The clock jumps ahead and back: numbers go on, ids that lie ahead are refused, silence lasts as long as was said.
pub fn clock_jumps(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for round in 0..8 {
            let hours = scene.rng.between(0, 3) as i64 - 1;
            let ms = hours * 3_600_000 + scene.rng.between(0, 60_000) as i64;
            scene.jump(ms);
            let words = format!("round {round}");
            let post = scene.post(room, &words);
            // A stalled lane of an hour is not one: its socket may be taken for dead, and comes back.
            numbered(&scene.insist(people[0], &post).await);
            assert_eq!(scene.count(room, &words), 1);
            scene.pass(300).await;
        }
        for who in &people {
            if scene.devices[*who].socket.is_none() {
                scene.connect(*who);
            }
        }
        scene.pass(1_000).await;
        scene.all_show(room, &people);
        assert_eq!(scene.stored(room).at, 9);
        let early = scene.cmd();
        scene.jump(-120_000);
        let act = RoomCommand::say("from tomorrow");
        let answer = scene.ask(people[0], &Request::Room { room, cmd: early, act }).await;
        assert_eq!(code(&answer), Some(ErrorCode::CmdExpired), "stamped ahead of the clock");
    });
}

/// A room that nobody asks for sleeps; woken it goes on where it was.
pub fn sleeps_and_wakes(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let key = fitconnect_domain::ActorKey::Room(room);
        for round in 0..4 {
            let loads = scene.store.loads(key);
            let away = scene.rng.hits(500);
            if away {
                scene.cut(people[1]);
            }
            scene.pass_unread(40_000).await;
            let post = scene.post(room, &format!("round {round}"));
            numbered(&scene.insist(people[0], &post).await);
            assert!(scene.store.loads(key) > loads, "it had slept");
            if away {
                scene.connect(people[1]);
            }
            scene.pass(500).await;
            scene.all_show(room, &people);
        }
        assert!(people.iter().all(|who| scene.devices[*who].topics.doubled == 0));
    });
}

/// An account that cannot be read is parked: its person is told so, everybody else goes on; mended, the next process serves it.
pub fn parked(scene: &mut Scene) {
    let (people, room, sound) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let sound = scene.store.damage_person(scene.user(people[1]), None);
        (people, room, sound)
    });
    scene.process(async |scene: &mut Scene| {
        people.iter().for_each(|who| scene.connect(*who));
        scene.pass(1_000).await;
        let read = scene.as_user(fitconnect_protocol::user::UserCommand::Read { room, through: 1 });
        assert_eq!(code(&scene.ask(people[1], &read).await), Some(ErrorCode::Internal));
        for who in &people {
            let post = scene.post(room, &format!("{who} writes all the same"));
            numbered(&scene.ask(*who, &post).await);
        }
        scene.pass(500).await;
        scene.all_show(room, &people);
        let by = scene.caller(people[1]);
        let input = fitconnect_domain::user::Input::Subscribe { by, position: None };
        scene.house().to_user(scene.user(people[1]), input, ReplyTo::Nobody);
        scene.store.damage_person(scene.user(people[1]), sound);
    });
    scene.process(async |scene: &mut Scene| {
        people.iter().for_each(|who| scene.connect(*who));
        scene.follow(people[1], Topic::Me);
        scene.pass(1_000).await;
        let read = scene.as_user(fitconnect_protocol::user::UserCommand::Read { room, through: 1 });
        assert_eq!(scene.insist(people[1], &read).await, Response::Done);
        assert!(scene.devices[people[1]].topics.is_live(Topic::Me));
    });
}
