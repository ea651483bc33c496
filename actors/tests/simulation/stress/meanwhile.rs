//! What others did while one was away, or was being brought up: sent out, blocked, words taken away and written anew.

use super::scene::{Scene, code, numbered};
use fitconnect_protocol::ErrorCode;
use fitconnect_protocol::limits::RING_EVENTS_MAX;
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::UserCommand;

/// Sent out while away: nothing of the room is told any more.
pub fn into_a_room_that_one_has_lost(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let (ana, ben) = (people[0], people[1]);
        scene.cut(ben);
        let out = scene.in_room(room, RoomCommand::Remove { user: scene.user(ben) });
        numbered(&scene.ask(ana, &out).await);
        let post = scene.post(room, "not for ben");
        numbered(&scene.ask(ana, &post).await);
        scene.devices[ben].forbidden.push("not for ben".into());
        scene.connect(ben);
        scene.pass(500).await;
        let post = scene.post(room, "not for ben either");
        numbered(&scene.ask(ana, &post).await);
        scene.pass(500).await;
        assert!(scene.devices[ben].pushes.iter().any(|push| code(push) == Some(ErrorCode::NotMember)));
        assert!(!scene.devices[ben].topics.is_live(Topic::Room(room)));
    });
}

/// Blocked while away: one's own topic says it, and the room of the two takes nothing.
pub fn blocked_meanwhile(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (ana, ben) = (scene.member("ana"), scene.member("ben"));
        scene.connect(ana);
        scene.connect(ben);
        let room = super::people::direct(scene, ana, ben).await;
        scene.follow(ben, Topic::Me);
        scene.pass(200).await;
        scene.cut(ben);
        let (of_ben, late) = (scene.user(ben), scene.rng.hits(500));
        let block = scene.as_user(UserCommand::Block { user: of_ben, blocked: true });
        let id = scene.send(ana, &block);
        if !late {
            scene.pass(1_500).await;
        }
        scene.connect(ben);
        assert_eq!(scene.answer(ana, id).await, Response::Done);
        scene.pass(2_500).await;
        assert!(scene.devices[ben].hidden.contains(&scene.user(ana)), "it hides ana");
        let post = scene.post(room, "hello?");
        assert_eq!(code(&scene.ask(ben, &post).await), Some(ErrorCode::Blocked));
        scene.all_show(room, &[ana, ben]);
    });
}

/// Words that were taken away while one was away are in no frame, from memory or from the store.
pub fn deleted_meanwhile(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.cut(people[1]);
        let mut seqs = Vec::new();
        for number in 0..6 {
            let post = scene.post(room, &format!("secret {number}"));
            seqs.push(numbered(&scene.ask(people[0], &post).await));
        }
        let far = scene.rng.hits(300);
        if far {
            scene.pour(people[0], room, RING_EVENTS_MAX as u64 + 10, 1).await;
        }
        for (number, seq) in seqs.iter().enumerate() {
            let act = match number % 2 {
                0 => RoomCommand::Delete { seq: *seq },
                _ => RoomCommand::Edit { seq: *seq, text: format!("better words {number}") },
            };
            let request = scene.in_room(room, act);
            numbered(&scene.ask(people[0], &request).await);
        }
        scene.devices[people[1]].forbidden.push("secret".into());
        scene.connect(people[1]);
        scene.pass(4_000).await;
        scene.all_show(room, &people);
    });
}

/// Edits and deletions while the words themselves are on their way from the store.
pub fn edited_while_it_is_read(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.cut(people[1]);
        scene.pour(people[0], room, RING_EVENTS_MAX as u64 + 100, 8).await;
        scene.connect(people[1]);
        for _ in 0..30 {
            let seq = scene.rng.between(2, 120);
            let act = match scene.rng.below(3) {
                0 => RoomCommand::Delete { seq },
                _ => RoomCommand::Edit { seq, text: format!("edited {}", scene.rng.below(1_000)) },
            };
            let request = scene.in_room(room, act);
            scene.send(people[0], &request);
            let ms = scene.rng.between(90, 130);
            scene.pass(ms).await;
        }
        scene.pass(4_000).await;
        scene.all_show(room, &people);
    });
}
