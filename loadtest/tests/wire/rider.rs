//! A single rider against a scripted class: joins, says its clock, replays its track, leaves as a file ends, and goes home only
//! when everything is acknowledged.

use crate::script::{Peer, Script};
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::people::Person;
use fitconnect_loadtest::rider::{End, Rider, RiderOptions};
use fitconnect_loadtest::tally::Tally;
use fitconnect_protocol::class::{Activity, ClassClock, ClassCommand, ClassSnapshot, Phase, PlanView};
use fitconnect_protocol::sample::{Acked, Row, Samples, SourceAcked};
use fitconnect_protocol::session::{Request, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, GymId, SessionId, Uuid};
use std::sync::Arc;

const SESSION: u128 = 10;

fn class() -> ClassId {
    ClassId(Uuid::from_u128(3))
}

fn snapshot() -> Response {
    // Twenty times as fast as life, and class time is 0 when the server greets.
    let clock = ClassClock { class_ms: 0, wall_ms: 1_795_459_200_000, rate: 20 };
    let snapshot = ClassSnapshot {
        class: class(),
        gym: GymId(Uuid::from_u128(2)),
        name: "Script".into(),
        hall: "Hall 1".into(),
        trainer: "Vera".into(),
        activity: Activity::Ride,
        starts_at_ms: 0,
        phase: Phase::Live,
        clock,
        plan: PlanView { version: 0, runs: vec![], current: None, ends: None },
        slot: None,
    };
    let (topic, snapshot) = (Topic::Class(class()), Some(Snapshot::Class(Box::new(snapshot))));
    Response::Subscribed(Box::new(Subscribed {
        topic,
        h: 1,
        epoch: 5,
        offset: 0,
        recovered: false,
        reason: None,
        snapshot,
    }))
}

/// Answers everything before the first sample; gives that and the offset of the rider's boot.
async fn let_in(peer: &mut Peer) -> (Samples, i64) {
    let mut said = 0;
    loop {
        match peer.must_hear().await {
            (id, Request::Subscribe { topic: Topic::Class(_), .. }) => peer.send(id, snapshot()).await,
            (id, Request::Clock { t0 }) => {
                let now = 1_795_459_200_000.0;
                peer.send(id, Response::Clock { t0, t1: now, t2: now }).await;
            }
            (id, Request::Class { act: ClassCommand::Join { sensors, .. }, .. }) => {
                assert_eq!(sensors.len(), 1);
                peer.send(id, Response::Joined { slot: 4 }).await;
            }
            (id, Request::Class { act: ClassCommand::Boot { offset, .. }, .. }) => {
                said = offset;
                peer.send(id, Response::Booted { offset }).await;
            }
            (0, Request::Samples(samples)) => return (samples, said),
            other => panic!("not expected: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_ride_ends_one_second_after_its_last_row_and_only_when_all_is_on_disk() {
    let script = Script::new().await;
    let rows = (0..4).map(|second| Row { ms: second * 1_000, bpm: 120 + second as u16, ..Row::default() }).collect();
    let track = Arc::new(Person { name: "four".into(), rows, length_ms: 4_000 });
    let account = Account::with_token("abc", Role::Member);
    let mut options = RiderOptions::new(&script.server, &account, class(), track, 7);
    (options.board, options.end) = (false, End::Leave);
    let tally = Arc::new(Tally::default());
    let rider = Rider::start(options, tally.clone());

    let mut peer = script.greet("abc", SESSION).await;
    let (first, offset) = let_in(&mut peer).await;
    let source = first.sources[0].0;
    assert_eq!((first.sources[0].1, first.sources[0].2[0].bpm), (0, 120));
    let zero = first.sources[0].2[0].ms;
    // Nothing is acknowledged and the network goes: on a new socket all of it comes again, from the first row on.
    drop(peer);
    let mut peer = script.greet("abc", 11).await;
    let (mut again, mut left_at) = (None, None);
    let mut rows = std::collections::BTreeSet::new();
    while rows.len() < 4 || left_at.is_none() {
        match peer.must_hear().await {
            (id, Request::Resume { .. }) => {
                let session = SessionId(Uuid::from_u128(SESSION));
                peer.send(id, Response::Resuming { session, reclaimed: true, topics: 1 }).await;
            }
            (0, Request::Samples(samples)) => {
                let run = &samples.sources[0];
                again.get_or_insert(run.1);
                rows.extend((run.1..).take(run.2.len()));
            }
            (id, Request::Class { act: ClassCommand::Leave { at, .. }, .. }) => {
                left_at = at;
                peer.send(id, Response::Done).await;
            }
            other => panic!("not expected: {other:?}"),
        }
    }
    assert_eq!(again, Some(0), "what was not acknowledged is sent again, from its first row");
    assert_eq!(left_at, Some(offset + i64::from(zero) + 4_000), "one second of class time after the last row");
    let acks = vec![Acked(first.receiver, first.boot, vec![SourceAcked(source, 4, vec![])])];
    peer.send(0, Response::Acked { class: class(), acks }).await;
    let ridden = rider.ridden().await.expect("a whole ride");
    assert_eq!((ridden.slot, ridden.offset, ridden.sources.len()), (4, offset, 1));
    let (_, measured, on_disk) = &ridden.sources[0];
    assert_eq!((*measured, on_disk.through), (4, 4));
    assert_eq!(Tally::get(&tally.acked), 4);
    assert_eq!(Tally::get(&tally.reconnects), 1);
}
