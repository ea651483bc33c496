//! Coming back: over the ring, from the store, into a new epoch, and while everything changes.

use super::device::GIVEN_UP_MS;
use super::scene::{Scene, Who, numbered};
use crate::faults::Fault;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::user;
use fitconnect_protocol::RoomId;
use fitconnect_protocol::limits::{RING_EVENTS_MAX, RING_MS_MAX};
use fitconnect_protocol::room::RoomEvent;
use fitconnect_protocol::session::{Event, NotRecovered, Position, Request, Response, Snapshot, Topic};
use fitconnect_protocol::user::UserCommand;

/// A member loses the line again and again while others write.
pub fn under_traffic(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        for number in 0..40 {
            let writer = people[scene.rng.below(2) as usize];
            let post = scene.post(room, &format!("words {number}"));
            scene.send(writer, &post);
            match scene.rng.below(4) {
                0 if scene.devices[people[2]].socket.is_some() => scene.cut(people[2]),
                1 if scene.devices[people[2]].socket.is_none() => scene.connect(people[2]),
                _ => {}
            }
            let ms = scene.rng.between(100, 250);
            scene.pass(ms).await;
        }
        if scene.devices[people[2]].socket.is_none() {
            scene.connect(people[2]);
        }
        scene.pass(2_000).await;
        scene.all_show(room, &people);
        let heard = scene.devices[people[2]].heard(Topic::Room(room));
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]) && scene.devices[people[2]].topics.doubled == 0);
        assert!(scene.devices[people[2]].told.iter().skip(1).all(|told| told.recovered), "each time recovered");
    });
}

/// Dialled again before the first resume has been answered: the second socket has the session, the first is closed.
pub fn in_the_middle_of_a_resume(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for round in 0..8 {
            let post = scene.post(room, &format!("round {round}"));
            scene.send(people[0], &post);
            let zombie = scene.vanish(people[1]);
            let ms = scene.rng.between(0, 30);
            scene.pass(ms).await;
            scene.connect(people[1]);
            let ms = scene.rng.between(0, 10);
            scene.pass_unread(ms).await;
            let second = scene.vanish(people[1]);
            scene.connect(people[1]);
            scene.pass(300).await;
            for outbox in zombie.into_iter().chain(second) {
                crate::socket::Socket::gone(&outbox, &scene.house());
            }
        }
        scene.pass(1_000).await;
        scene.all_show(room, &people);
        assert_eq!(scene.house().hub.sizes().0, 2, "one socket each");
    });
}

/// Followed and given up faster than anybody answers: in the end it is followed, or it is not, as was said last.
pub fn subscribe_and_give_up(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let (topic, ben) = (Topic::Room(room), people[1]);
        let rounds = scene.rng.between(2, 8);
        for round in 0..rounds {
            scene.unfollow(ben, topic);
            let post = scene.post(room, &format!("round {round}"));
            scene.send(people[0], &post);
            let ms = scene.rng.between(0, 60);
            scene.pass(ms).await;
            let ends = round + 1 == rounds;
            if !ends || scene.rng.hits(500) {
                scene.follow(ben, topic);
            }
            let ms = scene.rng.between(0, 60);
            scene.pass(ms).await;
        }
        scene.pass(500).await;
        let follows = scene.devices[ben].topics.is_live(topic);
        let before = scene.devices[ben].heard(topic).len();
        let post = scene.post(room, "at the end");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass(500).await;
        let heard = scene.devices[ben].heard(topic).len() - before;
        assert_eq!(heard, usize::from(follows), "it follows or it does not");
        scene.all_show(room, &people[..1]);
    });
}

/// The same topic asked for twice in one breath: both are answered, nothing is missing behind the second.
pub fn subscribed_twice_at_once(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for round in 0..10 {
            let post = scene.post(room, &format!("round {round}"));
            scene.send(people[0], &post);
            scene.follow(people[1], Topic::Room(room));
            scene.follow(people[1], Topic::Room(room));
            let ms = scene.rng.between(0, 150);
            scene.pass(ms).await;
        }
        scene.pass(1_000).await;
        assert!(scene.devices[people[1]].told.len() >= 21, "each is answered");
        scene.all_show(room, &people);
    });
}

async fn comes_back_from_the_store(scene: &mut Scene, count: u64, bytes: usize) {
    let (people, room) = scene.members(&["ana", "ben"]).await;
    let post = scene.post(room, "before");
    scene.ask(people[0], &post).await;
    scene.pass(200).await;
    scene.cut(people[1]);
    scene.pour(people[0], room, count, bytes).await;
    scene.connect(people[1]);
    let post = scene.post(room, "after");
    scene.send(people[0], &post);
    scene.pass(4_000).await;
    assert!(scene.devices[people[1]].last_told(Topic::Room(room)).recovered);
    scene.all_show(room, &people);
    assert_eq!(scene.stored(room).at, count + 3);
    assert_eq!(scene.devices[people[1]].heard(Topic::Room(room)).len() as u64, count + 2, "each once");
}

/// More was missed than the ring keeps.
pub fn ring_overrun(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let more = scene.rng.between(1, 60);
        comes_back_from_the_store(scene, RING_EVENTS_MAX as u64 + more, 1).await;
    });
}

/// Few were missed, of more bytes than the ring keeps.
pub fn ring_overrun_in_bytes(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| comes_back_from_the_store(scene, 330, 3_900).await);
}

/// Read from the store on a slow disk that fails now and then, while the room goes on.
pub fn filled_while_all_write(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        scene.cut(people[1]);
        scene.pour(people[0], room, RING_EVENTS_MAX as u64 + 40, 20).await;
        scene.faults.set(Fault::LoadFailed, 200);
        scene.connect(people[1]);
        for number in 0..20 {
            let post = scene.post(room, &format!("meanwhile {number}"));
            scene.send(people[2], &post);
            let ms = scene.rng.between(100, 140);
            scene.pass(ms).await;
        }
        scene.faults.set(Fault::LoadFailed, 0);
        scene.pass(5_000).await;
        scene.all_show(room, &people);
    });
}

/// A position that the room has not come to: said so, with the whole.
pub fn ahead_of_the_room(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let at = scene.devices[people[0]].topics.list[&Topic::Room(room)].position.expect("it follows");
        let far = Position { offset: at.offset + scene.rng.between(1, 9), ..at };
        let told = ask_from(scene, people[0], room, far).await;
        assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::Ahead)));
        assert!(matches!(told.snapshot, Some(Snapshot::Room(_))));
    });
}

/// A position of another epoch, as after a restored backup.
pub fn epoch_of_another_life(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana"]).await;
        let at = scene.devices[people[0]].topics.list[&Topic::Room(room)].position.expect("it follows");
        let told = ask_from(scene, people[0], room, Position { epoch: at.epoch - 1, ..at }).await;
        assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::EpochChanged)));
        assert!(told.snapshot.is_some() && told.epoch == at.epoch);
    });
}

async fn ask_from(
    scene: &mut Scene,
    who: Who,
    room: RoomId,
    position: Position,
) -> fitconnect_protocol::session::Subscribed {
    match scene.ask(who, &Request::Subscribe { topic: Topic::Room(room), position: Some(position) }).await {
        Response::Subscribed(told) => *told,
        other => panic!("asked from {position:?}: {other:?}"),
    }
}

/// A room's position is good over a restart; one of `user:me` is not, and that is said.
pub fn over_a_restart(scene: &mut Scene) {
    let (people, room) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        people.iter().for_each(|who| scene.follow(*who, Topic::Me));
        let post = scene.post(room, "before the end");
        scene.ask(people[0], &post).await;
        scene.cut(people[1]);
        let post = scene.post(room, "missed");
        scene.ask(people[0], &post).await;
        (people, room)
    });
    scene.process(async |scene: &mut Scene| {
        people.iter().for_each(|who| scene.connect(*who));
        scene.pass(1_000).await;
        for who in &people {
            assert!(scene.devices[*who].last_told(Topic::Room(room)).recovered);
            let me = scene.devices[*who].last_told(Topic::Me);
            assert_eq!((me.recovered, me.reason), (false, Some(NotRecovered::EpochChanged)));
        }
        let post = scene.post(room, "after the beginning");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass(300).await;
        scene.all_show(room, &people);
    });
}

fn weigh(scene: &mut Scene, who: Who, kg: f64) {
    let (by, cmd) = (scene.caller(who), scene.cmd());
    let profile = fitconnect_protocol::user::Profile { weight_kg: Some(kg), ..crate::world::profile() };
    let input = user::Input::Command { by, cmd, act: UserCommand::Profile { profile } };
    scene.house().to_user(scene.user(who), input, ReplyTo::Nobody);
}

/// More was missed of one's own topic than memory keeps, and nothing is stored of it: said so.
pub fn too_old_by_number(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let ana = scene.member("ana");
        scene.connect(ana);
        scene.follow(ana, Topic::Me);
        scene.pass(200).await;
        weigh(scene, ana, 60.0);
        scene.pass(200).await;
        scene.cut(ana);
        for number in 0..RING_EVENTS_MAX as u64 + 5 {
            weigh(scene, ana, 60.0 + number as f64 / 16.0);
            if number % 64 == 0 {
                scene.pass(20).await;
            }
        }
        scene.pass(1_000).await;
        scene.connect(ana);
        scene.pass(500).await;
        let told = scene.devices[ana].last_told(Topic::Me);
        assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::TooOld)));
        assert_eq!(told.offset, RING_EVENTS_MAX as u64 + 6);
    });
}

/// The same by age.
pub fn too_old_by_age(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let ana = scene.member("ana");
        let other = scene.another(ana);
        scene.connect(ana);
        scene.connect(other);
        scene.follow(ana, Topic::Me);
        scene.follow(other, Topic::Me);
        scene.pass(200).await;
        scene.cut(ana);
        weigh(scene, ana, 61.0);
        scene.pass(200).await;
        scene.pass_unread(RING_MS_MAX + 1_000).await;
        weigh(scene, ana, 62.0);
        scene.pass(200).await;
        scene.connect(ana);
        scene.pass(500).await;
        let told = scene.devices[ana].last_told(Topic::Me);
        assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::TooOld)));
    });
}

/// Forty rooms in one frame: each answers, each brings what was missed.
pub fn many_topics_in_one_frame(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (ana, ben) = (scene.member("ana"), scene.member("ben"));
        scene.connect(ana);
        scene.connect(ben);
        let mut rooms = Vec::new();
        for _ in 0..40 {
            rooms.push(scene.team(&[ana, ben]).await);
        }
        scene.cut(ben);
        for room in &rooms {
            let post = scene.post(*room, "missed");
            numbered(&scene.insist(ana, &post).await);
        }
        scene.connect(ben);
        scene.pass(2_000).await;
        for room in rooms {
            assert!(scene.devices[ben].last_told(Topic::Room(room)).recovered);
            scene.all_show(room, &[ana, ben]);
        }
    });
}

/// After the session was given up: another session, and nothing missing.
pub fn after_the_session_was_given_up(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let session = scene.devices[people[1]].session;
        scene.cut(people[1]);
        let post = scene.post(room, "a minute ago");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass_unread(GIVEN_UP_MS).await;
        scene.connect(people[1]);
        scene.pass(500).await;
        assert_ne!(scene.devices[people[1]].session, session);
        scene.all_show(room, &people);
        let posted = |(_, _, event): &&(Topic, u64, Event)| matches!(event, Event::Room(RoomEvent::Posted { .. }));
        assert_eq!(scene.devices[people[1]].events.iter().filter(posted).count(), 1);
    });
}
