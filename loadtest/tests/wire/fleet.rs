//! The lean fleet against a scripted class: joins, rides, is acknowledged, comes back with what was not.

use crate::script::{Peer, Script};
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::ServerClock;
use fitconnect_loadtest::lean::riders::{Control, Riders, RidersClass, Setup};
use fitconnect_loadtest::lean::{Options, run};
use fitconnect_protocol::class::{ClassClock, ClassCommand};
use fitconnect_protocol::sample::{Acked, Row, Samples, SourceAcked};
use fitconnect_protocol::session::{Mine, Request, Response, Subscribed, Topic};
use fitconnect_protocol::tick::{BoardRow, Signal};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, SessionId, Uuid};
use std::sync::Arc;

/// Twenty samples a second, so that the test is short.
const RATE: u32 = 20;

fn class() -> ClassId {
    ClassId(Uuid::from_u128(3))
}

fn row(bpm: u16) -> BoardRow {
    BoardRow {
        slot: 0,
        bpm: u8::try_from(bpm).ok(),
        percent: None,
        zone: None,
        signal: Signal::Live,
        over_max: false,
        hand: false,
        points: None,
        kcal: None,
        rank: None,
    }
}

/// What the server says to these samples: the newest heart rate, and everything acknowledged.
fn mine(samples: &Samples) -> Response {
    let run = &samples.sources[0];
    let through = run.1 + run.2.len() as u32;
    let acked = Acked(samples.receiver, samples.boot, vec![SourceAcked(run.0, through, vec![])]);
    let newest = run.2.last().expect("a batch has rows");
    Response::Mine(Mine {
        class: class(),
        row: row(newest.bpm).encode().into(),
        splats: 0,
        acks: vec![acked],
        slice: None,
        names: vec![],
    })
}

async fn let_in(peer: &mut Peer) {
    let (id, request) = peer.must_hear().await;
    assert!(matches!(request, Request::Class { act: ClassCommand::Join { .. }, .. }), "{request:?}");
    peer.send(id, Response::Joined { slot: 0 }).await;
    for _ in 0..2 {
        match peer.must_hear().await {
            (id, Request::Class { act: ClassCommand::Boot { offset, .. }, .. }) => {
                peer.send(id, Response::Booted { offset }).await
            }
            (id, Request::Subscribe { topic, .. }) => peer.send(id, followed(topic)).await,
            other => panic!("neither boot nor subscribe: {other:?}"),
        }
    }
}

fn followed(topic: Topic) -> Response {
    Response::Subscribed(Box::new(Subscribed {
        topic,
        h: 1,
        epoch: 9,
        offset: 4,
        recovered: false,
        reason: None,
        snapshot: None,
    }))
}

async fn samples(peer: &mut Peer) -> Samples {
    match peer.must_hear().await {
        (0, Request::Samples(samples)) => samples,
        other => panic!("no samples: {other:?}"),
    }
}

#[tokio::test]
async fn a_rider_is_acknowledged_and_after_a_lost_socket_sends_what_was_not() {
    let script = Script::new().await;
    let control = Arc::new(Control::default());
    Control::set(&control.ride, true);
    Control::set(&control.measure, true);
    let clock = ClassClock { class_ms: 0, wall_ms: 0, rate: RATE };
    let track: Vec<Row> =
        (0..200).map(|second| Row { ms: second, bpm: 100 + second as u16 % 50, ..Row::default() }).collect();
    let setup = Setup {
        classes: vec![RidersClass { class: class(), clock }],
        accounts: vec![Account::with_token("abc", Role::Member)],
        tracks: vec![Arc::new(track)],
        clock: ServerClock { ahead_ms: 1_000.0, trip_ms: 0.0 },
        seed: 1,
    };
    let mut crowd = Riders::new(setup, control.clone());
    let options = Options::new(&script.server, 1);
    let fleet = tokio::task::spawn_blocking(move || run(&mut crowd, &options).map(|()| crowd));

    let mut peer = script.greet("abc", 10).await;
    let_in(&mut peer).await;
    for seq in 0..10 {
        let samples = samples(&mut peer).await;
        assert_eq!((samples.sources[0].1, samples.sources[0].2.len()), (seq, 1), "one sample at a time, in order");
        peer.send(0, mine(&samples)).await;
    }
    // Three more come and get no answer; then the socket is gone.
    for _ in 0..3 {
        samples(&mut peer).await;
    }
    drop(peer);
    let mut peer = script.greet("abc", 11).await;
    let (id, request) = peer.must_hear().await;
    let session = Some(SessionId(Uuid::from_u128(10)));
    assert!(
        matches!(&request, Request::Resume { session: named, topics } if *named == session && topics.len() == 1),
        "{request:?}"
    );
    peer.send(id, Response::Resuming { session: SessionId(Uuid::from_u128(10)), reclaimed: true, topics: 1 }).await;
    let again = samples(&mut peer).await;
    assert_eq!(again.sources[0].1, 10, "from the first that was not acknowledged");
    assert!(again.sources[0].2.len() >= 3, "with what was measured meanwhile");
    assert!(again.sources[0].2.windows(2).all(|pair| pair[1].ms - pair[0].ms == 1_000), "a sample every class second");
    peer.send(0, mine(&again)).await;

    // The fleet shows its sums once a second: on until it has surely read what was said above.
    let read = Control::get(&control.frames);
    while Control::get(&control.frames) < read + 20 {
        let next = samples(&mut peer).await;
        peer.send(0, mine(&next)).await;
    }
    Control::set(&control.quit, true);
    let crowd = fleet.await.expect("no panic").expect("a fleet that ran");
    let measured = &crowd.phases[0];
    assert_eq!((measured.lost_sockets, measured.unwanted), (1, 0));
    assert!(measured.mine >= 11 && measured.acked >= 13, "{} {}", measured.mine, measured.acked);
    assert!(measured.board.len() >= 10, "each sample differs from the one before: {}", measured.board.len());
    assert!(measured.board.max_ms() < 5_000.0);
}
