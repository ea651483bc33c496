//! What sockets do: read slowly or not at all, send rubbish or far too much, outlive their token, go away with the server.

use super::scene::{Scene, code, numbered};
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::session;
use fitconnect_protocol::codec::encode_request;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::{CloseCode, ErrorCode};

const ALL_LANES: usize =
    LANE_CONTROL_BYTES_MAX + LANE_EVENT_BYTES_MAX + LANE_STATE_BYTES_MAX + LANE_EPHEMERAL_BYTES_MAX;

/// One who reads nothing for a while is pulled up; the others notice nothing.
pub fn slow_reader(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben", "cem"]).await;
        scene.reads(people[2], false);
        scene.pour(people[0], room, 150, 800).await;
        scene.all_show(room, &people[..2]);
        assert!(scene.devices[people[2]].bytes_most <= ALL_LANES, "{}", scene.devices[people[2]].bytes_most);
        scene.reads(people[2], true);
        scene.pass(1_000).await;
        scene.all_show(room, &people);
        let lagging = |push: &Response| matches!(push, Response::Lagging { .. });
        assert!(scene.devices[people[2]].pushes.iter().any(lagging), "it was told");
        assert_eq!(scene.devices[people[2]].topics.doubled, 0);
    });
}

/// One who never reads is cut, and what waits for it stays bounded; it comes back without loss.
pub fn reads_nothing_at_all(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.reads(people[1], false);
        for _ in 0..14 {
            scene.pour(people[0], room, 64, 700).await;
        }
        assert_eq!(scene.devices[people[1]].closed, Some(CloseCode::TooSlow));
        assert!(scene.devices[people[1]].bytes_most <= ALL_LANES);
        scene.reads(people[1], true);
        scene.connect(people[1]);
        scene.pass(3_000).await;
        scene.all_show(room, &people);
    });
}

/// Lagging again and again, a little at a time: every pull begins where the last one ended.
pub fn stops_and_goes(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for _ in 0..12 {
            let reads = scene.rng.hits(500);
            scene.reads(people[1], reads);
            let (count, bytes) = (scene.rng.between(1, 60), scene.rng.between(10, 1_200) as usize);
            scene.pour(people[0], room, count, bytes).await;
        }
        scene.reads(people[1], true);
        if scene.devices[people[1]].socket.is_none() {
            // It stood still for too long.
            scene.connect(people[1]);
        }
        scene.pass(2_000).await;
        scene.all_show(room, &people);
        assert_eq!(scene.devices[people[1]].topics.doubled, 0);
    });
}

/// Far too much at once: refused, then closed; what others do is not touched.
pub fn flood(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for _ in 0..12 {
            for _ in 0..50 {
                scene.raw(people[1], &encode_request(0, &Request::Clock { t0: 0.0 }));
            }
            scene.pass(40).await;
        }
        assert_eq!(scene.devices[people[1]].closed, Some(CloseCode::TooFast));
        let post = scene.post(room, "still here");
        numbered(&scene.ask(people[0], &post).await);
        scene.connect(people[1]);
        scene.pass(1_000).await;
        scene.all_show(room, &people);
    });
}

/// Bytes that are no frame, and frames with bytes changed: an answer or nothing, never a fall; then all is well.
pub fn malformed_frames(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        for _ in 0..60 {
            let text = format!("words {}", scene.rng.below(1_000_000));
            let post = scene.post(room, &text);
            let mut bytes = encode_request(0, &post).to_vec();
            for _ in 0..scene.rng.between(1, 4) {
                // Behind the number, which is 0: an answer to a number that was never given would say nothing.
                let at = scene.rng.between(2, bytes.len() as u64 - 1) as usize;
                match scene.rng.below(3) {
                    0 => bytes[at] = scene.rng.below(256) as u8,
                    1 => bytes.truncate(at.max(8)),
                    _ => bytes.insert(at, scene.rng.below(256) as u8),
                }
            }
            scene.raw(people[1], &bytes);
            scene.pass(120).await;
            if scene.devices[people[1]].socket.is_none() {
                scene.connect(people[1]);
            }
        }
        let post = scene.post(room, "well formed");
        numbered(&scene.insist(people[1], &post).await);
        scene.pass(1_000).await;
        scene.all_show(room, &people);
        let stats = &scene.house().stats;
        let fallen: u64 = fitconnect_actors::stats::Kind::ALL
            .iter()
            .map(|kind| stats.of(*kind).panics.load(std::sync::atomic::Ordering::Relaxed))
            .sum();
        assert_eq!(fallen, 0, "nothing panicked");
    });
}

/// The token ends while the reader is being pulled up: closed with the reason, and on with a new one from where it was.
pub fn token_ends_in_a_resume(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.cut(people[1]);
        scene.pour(people[0], room, RING_EVENTS_MAX as u64 + 50, 200).await;
        let after = scene.rng.between(0, 2_500);
        // Its grace is nearly over: it ends somewhere in the resume, or before.
        let until = scene.now().0 + after - TOKEN_GRACE_MS;
        scene.connect_until(people[1], fitconnect_domain::Millis(until));
        scene.reads(people[1], false);
        let ms = scene.rng.between(0, after + 1);
        scene.pass(ms).await;
        scene.reads(people[1], true);
        scene.pass(4_000).await;
        assert_eq!(scene.devices[people[1]].closed, Some(CloseCode::Unauthorised));
        scene.connect(people[1]);
        scene.pass(3_000).await;
        scene.all_show(room, &people);
        assert_eq!(scene.devices[people[1]].topics.doubled, 0);
    });
}

/// A new token in time keeps the socket.
pub fn refreshed_in_time(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        scene.cut(people[1]);
        let until = scene.now().plus(20_000);
        scene.connect_until(people[1], until);
        let late = scene.rng.between(0, 20_000 + TOKEN_GRACE_MS - 2_000);
        scene.pass_unread(late).await;
        let session = scene.devices[people[1]].session.expect("it is connected");
        let refreshed = session::Input::Refreshed { expires_at: scene.now().plus(3_600_000) };
        scene.house().to_session(session, refreshed, ReplyTo::Nobody);
        scene.pass_unread(60_000).await;
        let post = scene.post(room, "an hour more");
        numbered(&scene.ask(people[1], &post).await);
        assert_eq!(scene.devices[people[1]].closed, None);
        scene.all_show(room, &people);
    });
}

/// Rights taken away: closed with the reason, and nothing is told behind it.
pub fn kicked(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let session = scene.devices[people[1]].session.expect("it is connected");
        let post = scene.post(room, "around it");
        scene.send(people[0], &post);
        scene.house().to_session(session, session::Input::Kicked, ReplyTo::Nobody);
        scene.pass(500).await;
        assert_eq!(scene.devices[people[1]].closed, Some(CloseCode::Kicked));
        let before = scene.devices[people[1]].events.len();
        let post = scene.post(room, "behind it");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass(500).await;
        assert_eq!(scene.devices[people[1]].events.len(), before);
        assert_eq!(scene.house().hub.sizes().0, 1, "one socket is left");
    });
}

/// The server says when to come back, spread; commands that were under way are answered by the next process as by this one.
pub fn goes_away(scene: &mut Scene) {
    let names: Vec<String> = (0..12).map(|number| format!("member {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (people, room, requests) = scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&names).await;
        let mut requests = Vec::new();
        for who in &people {
            let post = scene.post(room, &format!("last words of {who}"));
            scene.send(*who, &post);
            requests.push((*who, post));
        }
        let ms = scene.rng.between(0, 12);
        scene.pass_unread(ms).await;
        scene.house().go_away(4_000);
        scene.pass(200).await;
        let mut after = Vec::new();
        for who in &people {
            assert_eq!(scene.devices[*who].closed, Some(CloseCode::GoingAway));
            let told = scene.devices[*who].pushes.iter().find_map(|push| match push {
                Response::GoAway { reconnect_after_ms, .. } => Some(*reconnect_after_ms),
                _ => None,
            });
            after.push(told.expect("each was told"));
        }
        after.sort();
        after.dedup();
        assert!(after.len() == people.len() && after.iter().all(|ms| *ms < 4_000), "spread: {after:?}");
        (people, room, requests)
    });
    scene.process(async |scene: &mut Scene| {
        for (who, request) in &requests {
            numbered(&scene.insist(*who, request).await);
        }
        scene.pass(1_000).await;
        scene.all_show(room, &people);
        for who in &people {
            assert_eq!(scene.count(room, &format!("last words of {who}")), 1);
        }
    });
}

/// Back on a new socket before the server has found the old one gone: each word once, and the old one is closed.
pub fn half_open(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let mut zombies = Vec::new();
        for round in 0..6 {
            zombies.extend(scene.vanish(people[1]));
            let post = scene.post(room, &format!("round {round}"));
            scene.send(people[0], &post);
            let ms = scene.rng.between(0, 400);
            scene.pass(ms).await;
            scene.connect(people[1]);
            scene.pass(200).await;
        }
        let session = scene.devices[people[1]].session;
        for outbox in zombies {
            crate::socket::Socket::gone(&outbox, &scene.house());
        }
        scene.pass(500).await;
        assert_eq!(scene.devices[people[1]].session, session);
        assert_eq!(scene.house().hub.sizes().0, 2, "the newest socket stays");
        scene.all_show(room, &people);
        assert_eq!(scene.devices[people[1]].topics.doubled, 0);
    });
}

/// A session is taken back by its owner alone.
pub fn another_s_session(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        let of_ana = scene.devices[people[0]].session;
        scene.cut(people[1]);
        scene.devices[people[1]].session = of_ana;
        scene.connect(people[1]);
        scene.pass(500).await;
        assert_ne!(scene.devices[people[1]].session, of_ana);
        let post = scene.post(room, "both are here");
        numbered(&scene.ask(people[0], &post).await);
        scene.pass(300).await;
        scene.all_show(room, &people);
    });
}

/// More at once than a session's mailbox holds: told to try again, and it lives.
pub fn mailbox_full(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (people, room) = scene.members(&["ana", "ben"]).await;
        // Their frames may come; the mailbox is full before the rate is.
        scene.pass_unread(10_000).await;
        let ids: Vec<u32> =
            (0..MAILBOX_SESSION + 30).map(|_| scene.send(people[1], &Request::Clock { t0: 0.0 })).collect();
        let mut busy = 0;
        for id in ids {
            match scene.answer(people[1], id).await {
                Response::Clock { .. } => {}
                answer if code(&answer) == Some(ErrorCode::Busy) => busy += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(busy >= 20, "{busy} were told to try again");
        let post = scene.post(room, "it lives");
        numbered(&scene.insist(people[1], &post).await);
        // An account's mailbox too.
        scene.follow(people[1], Topic::Me);
        scene.pass(300).await;
        for _ in 0..400 {
            let by = scene.caller(people[1]);
            let input = fitconnect_domain::user::Input::Subscribe { by, position: None };
            scene.house().to_user(scene.user(people[1]), input, ReplyTo::Nobody);
        }
        scene.pass(300).await;
        let house = scene.house();
        let full = &house.stats.of(fitconnect_actors::stats::Kind::User).full;
        assert!(full.load(std::sync::atomic::Ordering::Relaxed) > 0);
        scene.all_show(room, &people);
    });
}
