//! Two who write to each other, blocks, read marks over devices, and letters to actors that fall.

use super::scene::{Scene, Who, code, numbered};
use crate::faults::Fault;
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::room::{JoinRule, RoomCommand, RoomKind};
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::user::UserCommand;
use fitconnect_protocol::{ErrorCode, RoomId, UserId};

fn direct_request(scene: &mut Scene, by: Who, with: Who) -> (RoomId, Request) {
    let room = RoomId::direct(scene.user(by), scene.user(with));
    let members = vec![scene.user(with)];
    let act = RoomCommand::Create { kind: RoomKind::Direct, name: String::new(), join: JoinRule::Fixed, members };
    (room, scene.in_room(room, act))
}

/// The room of two, followed by both.
pub async fn direct(scene: &mut Scene, ana: Who, ben: Who) -> RoomId {
    let (room, request) = direct_request(scene, ana, ben);
    numbered(&scene.insist(ana, &request).await);
    scene.follow(ana, Topic::Room(room));
    scene.follow(ben, Topic::Room(room));
    scene.pass(1_500).await;
    room
}

/// Both want the room of the two at the same moment: there is one.
pub fn both_make_the_room(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (ana, ben) = (scene.member("ana"), scene.member("ben"));
        for who in [ana, ben] {
            scene.connect(who);
            scene.follow(who, Topic::Me);
        }
        scene.pass(200).await;
        let (room, first) = direct_request(scene, ana, ben);
        let (_, second) = direct_request(scene, ben, ana);
        let (a, b) = (scene.send(ana, &first), scene.send(ben, &second));
        let answers = [scene.answer(ana, a).await, scene.answer(ben, b).await];
        let made = answers.iter().filter(|answer| matches!(answer, Response::Numbered { seq: 1 })).count();
        let exists = answers.iter().filter(|answer| code(answer) == Some(ErrorCode::RoomExists)).count();
        assert_eq!((made, exists), (1, 1), "{answers:?}");
        scene.pass(2_500).await;
        for (who, other) in [(ana, ben), (ben, ana)] {
            let own = scene.devices[who].rooms.get(&room).expect("it is in one's account");
            assert_eq!((own.with, own.name.as_str()), (Some(scene.user(other)), scene.devices[other].name.as_str()));
        }
    });
}

/// Both block, and take it back in any order: hidden until the last of the two has, then shown, on every device.
pub fn blocks_that_cross(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (ana, ben) = (scene.member("ana"), scene.member("ben"));
        let other = scene.another(ana);
        for who in [ana, ben, other] {
            scene.connect(who);
            scene.follow(who, Topic::Me);
        }
        let room = direct(scene, ana, ben).await;
        let mut acts = Vec::new();
        for blocked in [true, false] {
            for (by, user) in [(ana, scene.user(ben)), (ben, scene.user(ana))] {
                let request = scene.as_user(UserCommand::Block { user, blocked });
                acts.push((by, scene.send(by, &request)));
                let ms = scene.rng.between(0, 300);
                scene.pass(ms).await;
            }
            for (by, id) in std::mem::take(&mut acts) {
                let answer = scene.answer(by, id).await;
                assert_eq!(answer, Response::Done);
            }
            scene.pass(3_000).await;
            for (who, hides) in [(ana, ben), (other, ben), (ben, ana)] {
                let user = scene.user(hides);
                assert_eq!(scene.devices[who].hidden.contains(&user), blocked, "{}", scene.devices[who].name);
            }
        }
        let post = scene.post(room, "good again");
        numbered(&scene.ask(ben, &post).await);
        scene.pass(500).await;
        scene.all_show(room, &[ana, ben]);
    });
}

/// Marks from two devices at once: the highest stands, on both, and after a restart.
pub fn read_marks_over_devices(scene: &mut Scene) {
    let (phone, tablet, room, highest) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let (phone, tablet) = (people[1], scene.another(people[1]));
        scene.connect(tablet);
        for who in [phone, tablet] {
            scene.follow(who, Topic::Me);
        }
        scene.pour(people[0], room, 40, 4).await;
        let mut highest = 0;
        for _ in 0..24 {
            let through = scene.rng.between(1, 41);
            highest = highest.max(through);
            let who = if scene.rng.hits(500) { phone } else { tablet };
            let request = scene.as_user(UserCommand::Read { room, through });
            scene.send(who, &request);
            let ms = scene.rng.between(0, 200);
            scene.pass(ms).await;
        }
        scene.pass(1_500).await;
        for who in [phone, tablet] {
            assert_eq!(scene.devices[who].rooms[&room].read, highest, "{}", scene.devices[who].name);
        }
        (phone, tablet, room, highest)
    });
    scene.process(async |scene: &mut Scene| {
        scene.connect(phone);
        scene.connect(tablet);
        scene.pass(500).await;
        for who in [phone, tablet] {
            assert_eq!(scene.devices[who].rooms[&room].read, highest, "{}", scene.devices[who].name);
        }
    });
}

/// Letters to an account that falls again and again arrive, each once.
pub fn letters_to_the_fallen(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (ana, ben) = (scene.member("ana"), scene.member("ben"));
        scene.connect(ana);
        scene.connect(ben);
        scene.follow(ben, Topic::Me);
        scene.pass(200).await;
        scene.faults.set(Fault::UnknownBefore, 250);
        scene.faults.set(Fault::UnknownAfter, 250);
        scene.faults.set(Fault::LettersAgain, 300);
        let mut rooms = Vec::new();
        for number in 0..8 {
            let cmd = scene.cmd();
            let (kind, join, members) = (RoomKind::Team, JoinRule::Open, vec![scene.user(ben)]);
            let act = RoomCommand::Create { kind, name: format!("team {number}"), join, members };
            let room = RoomId(cmd.0);
            numbered(&scene.insist(ana, &Request::Room { room, cmd, act }).await);
            rooms.push(room);
        }
        for fault in [Fault::UnknownBefore, Fault::UnknownAfter, Fault::LettersAgain] {
            scene.faults.set(fault, 0);
        }
        scene.pass(6_000).await;
        assert!(scene.store.letters_waiting().is_empty(), "every letter was handled");
        let ben_user = scene.user(ben);
        for room in &rooms {
            let times = scene.store.person_changes(ben_user, |changes| {
                let is = |change: &&fitconnect_domain::user::Change| {
                    matches!(change, fitconnect_domain::user::Change::InRoom { room: of, .. } if of == room)
                };
                changes.iter().filter(is).count()
            });
            assert_eq!(times, 1, "a letter is handled once");
        }
        let shown: Vec<RoomId> = scene.devices[ben].rooms.keys().copied().collect();
        rooms.sort();
        assert_eq!(shown, rooms, "and the device knows of all");
    });
}

/// Who is there is known within seconds, and whoever vanishes, with the process or without, is no ghost for longer than ten.
pub fn no_ghosts(scene: &mut Scene) {
    let here = |scene: &mut Scene, who: Who, is| scene.send_quiet(who, &Request::Here { is });
    let (people, room) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        here(scene, people[0], Presence::InClass);
        here(scene, people[1], Presence::Online);
        scene.pass(2_500).await;
        let ana = scene.user(people[0]);
        assert_eq!(sees(scene, people[1], room, ana), Some(Presence::InClass));
        here(scene, people[0], Presence::Hidden);
        scene.pass(1_500).await;
        assert_eq!(sees(scene, people[1], room, ana), None, "her own choice acts at once");
        here(scene, people[0], Presence::Online);
        scene.pass(1_500).await;
        assert_eq!(sees(scene, people[1], room, ana), Some(Presence::Online));
        // Her phone is gone without a word; the server holds its socket.
        let held = scene.vanish(people[0]);
        for _ in 0..5 {
            here(scene, people[1], Presence::Online);
            scene.pass(2_000).await;
        }
        assert_eq!(sees(scene, people[1], room, ana), None, "ten seconds later");
        drop(held);
        scene.connect(people[0]);
        here(scene, people[0], Presence::Online);
        scene.pass(1_500).await;
        assert_eq!(sees(scene, people[1], room, ana), Some(Presence::Online));
        (people, room)
    });
    scene.process(async |scene: &mut Scene| {
        scene.connect(people[1]);
        here(scene, people[1], Presence::Online);
        scene.pass(3_000).await;
        let told = scene.devices[people[1]].there.get(&room).cloned().unwrap_or_default();
        assert_eq!(told, [(scene.user(people[1]), Presence::Online)].into(), "of those before the kill nobody");
    });
}

fn sees(scene: &Scene, who: Who, room: RoomId, other: UserId) -> Option<Presence> {
    scene.devices[who].there.get(&room)?.get(&other).copied()
}

/// A member of another's list is brought into a room only where neither has blocked the other, whoever is faster.
pub fn added_while_blocked(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "cem"]).await;
        let ben = scene.member("ben");
        scene.connect(ben);
        let (of_ana, of_ben) = (scene.user(people[0]), scene.user(ben));
        let block = scene.as_user(UserCommand::Block { user: of_ana, blocked: true });
        let blocked = scene.send(ben, &block);
        let ms = scene.rng.between(0, 400);
        scene.pass(ms).await;
        let early = scene.devices[ben].answer(blocked).is_some();
        let add = scene.in_room(room, RoomCommand::Add { user: of_ben });
        let answer = scene.ask(people[0], &add).await;
        if early {
            assert_eq!(code(&answer), Some(ErrorCode::Blocked), "the block was durable before");
        }
        scene.pass(1_000).await;
        let is_in = scene.stored(room).members.contains(&of_ben);
        assert_eq!(is_in, matches!(answer, Response::Numbered { .. }), "as it was answered");
        scene.all_show(room, &people);
    });
}
