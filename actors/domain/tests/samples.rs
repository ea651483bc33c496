//! Who may send samples, which are believed, and when they are acknowledged.

mod common;

use common::*;
use fitconnect_domain::class::by_hand::Store;
use fitconnect_domain::class::{Caller, Input, Link, Publish};
use fitconnect_protocol::class::*;
use fitconnect_protocol::sample::{Acked, Row, SourceAcked, SourceRows};
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;
use std::sync::Arc;

/// A live class with one rider, 10 s old.
fn studio() -> Studio {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 3_600, None)]);
    studio.rider(1);
    studio.plan(PlanAction::Start).at(10);
    studio
}

fn rows(from_ms: i64, bpm: &[u16]) -> Vec<Row> {
    (0..).zip(bpm).map(|(i, bpm)| hr(from_ms + i * 1_000, *bpm)).collect()
}

/// Acknowledgements that have left, by session, as `source through ranges`; own frames and lone ones alike.
fn acks(studio: &mut Studio) -> Vec<(SessionId, Vec<SourceAcked>)> {
    let flat = |acks: &[Acked]| acks.iter().flat_map(|acked| acked.2.clone()).collect::<Vec<_>>();
    let mut told = Vec::new();
    for publish in std::mem::take(&mut studio.host.published) {
        match publish {
            Publish::Direct { session, response: Response::Acked { acks, .. } } => told.push((session, flat(&acks))),
            Publish::Tick(frame) => told.extend(
                frame.mine.iter().filter(|mine| !mine.acks.is_empty()).map(|mine| (mine.session, flat(&mine.acks))),
            ),
            Publish::Direct { .. } | Publish::Passing { .. } | Publish::Event { .. } | Publish::Attention(_) => {}
        }
    }
    told
}

#[test]
fn a_sample_is_acknowledged_when_it_is_on_disk() {
    let mut studio = studio();
    studio.host.syncs = false;
    studio.follow(&member(1), Topic::Board(CLASS));
    studio.send(1, strap(1).source, 0, rows(8_000, &[120, 121, 122]));
    studio.at(13);
    assert_eq!(acks(&mut studio), []);
    // A duplicate is acknowledged only when its original is.
    studio.send(1, strap(1).source, 0, rows(8_000, &[120]));
    studio.at(15);
    assert_eq!(
        acks(&mut studio).into_iter().map(|(_, acks)| acks).collect::<Vec<_>>(),
        [[SourceAcked(strap(1).source, 0, vec![])]]
    );
    studio.host.sync();
    studio.at(16);
    let session = member(1).session;
    assert_eq!(acks(&mut studio), [(session, vec![SourceAcked(strap(1).source, 3, vec![])])]);
    studio.send(1, strap(1).source, 1, rows(9_000, &[121]));
    studio.at(17);
    assert_eq!(
        acks(&mut studio),
        [(session, vec![SourceAcked(strap(1).source, 3, vec![])])],
        "told again when it is doubled"
    );
    assert_eq!((studio.host.samples.len(), studio.host.class.counts().doubled), (3, 2));
}

#[test]
fn a_hole_stays_open_until_it_is_filled() {
    let mut studio = studio();
    studio.follow(&member(1), Topic::Board(CLASS));
    studio.send(1, strap(1).source, 3, rows(8_000, &[120, 121]));
    studio.at(12);
    let expected = SourceAcked(strap(1).source, 0, vec![(3, 5)]);
    assert_eq!(acks(&mut studio).pop().map(|(_, acks)| acks), Some(vec![expected]));
    studio.send(1, strap(1).source, 0, rows(5_000, &[117, 118, 119]));
    studio.at(13);
    assert_eq!(acks(&mut studio).pop().map(|(_, acks)| acks), Some(vec![SourceAcked(strap(1).source, 5, vec![])]));
}

#[test]
fn who_follows_nothing_is_told_once_a_second() {
    let mut studio = studio();
    for tenth in 0..30 {
        studio.at_ms(10_000 + tenth * 100).send(1, strap(1).source, tenth as Seq, vec![hr(10_000 + tenth * 100, 120)]);
    }
    studio.at(15);
    let told = acks(&mut studio);
    assert!((3..=4).contains(&told.len()), "{told:?}");
    assert_eq!(told.last().map(|(_, acks)| acks.clone()), Some(vec![SourceAcked(strap(1).source, 30, vec![])]));
}

#[test]
fn what_is_not_believed_is_dropped_counted_and_acknowledged() {
    let mut studio = studio();
    studio.follow(&member(1), Topic::Board(CLASS));
    let powerful = Row { ms: 9_000, bpm: 250, power_w: Some(200), cadence: Some(90), ..Row::default() };
    let absurd = Row { ms: 9_500, bpm: 130, power_w: Some(9_000), ..Row::default() };
    let bad = [hr(6_000, 29), hr(7_000, 231), hr(8_000, 0), powerful.clone(), absurd, hr(10_000, 30), hr(10_500, 230)];
    studio.send(1, strap(1).source, 0, bad.to_vec());
    studio.at(12);
    assert_eq!(acks(&mut studio).pop().map(|(_, acks)| acks), Some(vec![SourceAcked(strap(1).source, 7, vec![])]));
    let stored: Vec<(u16, Option<u16>)> = studio.host.samples.iter().map(|s| (s.row.bpm, s.row.power_w)).collect();
    assert_eq!(
        stored,
        [(0, Some(200)), (130, None), (30, None), (230, None)],
        "power stays where a heart rate is not believed"
    );
    assert_eq!((studio.host.class.counts().dropped, studio.host.class.riders()[0].dropped), (3, 3));
}

#[test]
fn what_may_not_be_sent_is_refused_with_a_reason() {
    use ErrorCode::*;
    let mut studio = studio();
    studio.rider(2);
    let source = |source, bpm| vec![SourceRows(source, 0, rows(9_000, &[bpm]))];
    let check = |studio: &mut Studio, by: &Arc<Caller>, receiver, boot, sources, code: ErrorCode| {
        studio.send_by(by, receiver, boot, sources);
        assert_eq!(studio.unwanted(), [code]);
        assert_eq!(studio.host.samples, []);
    };
    check(&mut studio, &member(1), phone(1), 9, source(strap(1).source, 120), NoBoot);
    check(&mut studio, &member(1), phone(2), 0, source(strap(1).source, 120), Forbidden);
    check(&mut studio, &member(1), phone(1), 0, source(strap(2).source, 120), Forbidden);
    check(&mut studio, &member(1), phone(1), 0, source(strap(7).source, 120), UnknownSource);
    check(&mut studio, &member(3), phone(3), 0, source(strap(1).source, 120), Forbidden);
    check(
        &mut studio,
        &member(1),
        phone(1),
        0,
        vec![SourceRows(strap(1).source, Seq::MAX - 1, rows(9_000, &[1, 2]))],
        Malformed,
    );
    check(&mut studio, &member(1), phone(1), 0, vec![SourceRows(strap(1).source, 0, rows(12_001, &[120]))], ClockSkew);
    let elsewhere = Arc::new(Caller { gym: GymId(Uuid::from_u128(9)), ..(*member(1)).clone() });
    check(&mut studio, &elsewhere, phone(1), 0, source(strap(1).source, 120), NotFound);
    let screen = caller(90, Role::Screen);
    check(&mut studio, &screen, phone(1), 0, source(strap(1).source, 120), Forbidden);
    // Two seconds ahead are allowed, and one bad source does not spoil a frame.
    studio.send_by(
        &member(1),
        phone(1),
        0,
        vec![SourceRows(strap(7).source, 0, rows(0, &[120])), SourceRows(strap(1).source, 0, rows(12_000, &[120]))],
    );
    assert_eq!((studio.unwanted(), studio.host.samples.len()), (vec![UnknownSource], 1));
}

#[test]
fn a_class_takes_samples_from_its_lobby_to_seven_days_after() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    studio.rider(1);
    studio.send(1, strap(1).source, 0, rows(0, &[100]));
    studio.plan(PlanAction::Start).at(60 + 300 + 1);
    studio.send(1, strap(1).source, 1, rows(30_000, &[100]));
    assert_eq!((studio.unwanted(), studio.host.samples.len()), (vec![], 2));
    studio.at(360 + 7 * 24 * 3600).send(1, strap(1).source, 2, rows(31_000, &[100]));
    assert_eq!((studio.unwanted(), studio.host.samples.len()), (vec![], 3));
    studio.at(361 + 7 * 24 * 3600).send(1, strap(1).source, 3, rows(32_000, &[100]));
    assert_eq!((studio.unwanted(), studio.host.samples.len()), (vec![ErrorCode::TooLate], 3));
}

#[test]
fn a_hub_sends_for_the_sensors_of_its_hall() {
    let mut studio = studio();
    studio.rider(2);
    let hub = caller(50, Role::Hub);
    let receiver = ReceiverId::new(77).expect("small");
    studio.accepted(&hub, ClassCommand::Boot { receiver, boot: 3, offset: 1_000 });
    let both =
        vec![SourceRows(strap(1).source, 0, rows(8_000, &[120])), SourceRows(strap(2).source, 0, rows(8_000, &[130]))];
    studio.send_by(&hub, receiver, 3, both.clone());
    assert_eq!(studio.unwanted(), []);
    assert_eq!(studio.host.samples.iter().map(|s| (s.at, s.row.bpm)).collect::<Vec<_>>(), [(9_000, 120), (9_000, 130)]);
    studio.at(13);
    assert_eq!(
        acks(&mut studio),
        [(hub.session, vec![SourceAcked(strap(1).source, 1, vec![]), SourceAcked(strap(2).source, 1, vec![])])]
    );
    let other = Arc::new(Caller { hall: Some("Hall 2".into()), ..(*hub).clone() });
    studio.send_by(&other, receiver, 3, both);
    assert_eq!(studio.unwanted(), [ErrorCode::Forbidden]);
    assert_eq!(studio.refused(&other, ClassCommand::Boot { receiver, boot: 4, offset: 0 }), ErrorCode::NotJoined);
}

#[test]
fn the_first_offset_of_a_boot_counts() {
    let mut studio = studio();
    let boot = |offset| ClassCommand::Boot { receiver: phone(1), boot: 5, offset };
    assert_eq!(studio.accepted(&member(1), boot(4_000)), Response::Booted { offset: 4_000 });
    assert_eq!(studio.accepted(&member(1), boot(9_000)), Response::Booted { offset: 4_000 });
    assert_eq!(studio.refused(&member(2), boot(4_000)), ErrorCode::Forbidden);
    assert_eq!(
        studio.refused(&member(1), ClassCommand::Boot { receiver: phone(1), boot: 6, offset: 60_000 }),
        ErrorCode::ClockSkew
    );
}

#[test]
fn two_receivers_of_one_strap_are_one_source() {
    let mut studio = studio();
    let hub = caller(50, Role::Hub);
    let receiver = ReceiverId::new(77).expect("small");
    studio.accepted(&hub, ClassCommand::Boot { receiver, boot: 0, offset: 0 });
    for second in 10..40 {
        studio.at(second);
        studio.send(1, strap(1).source, second as Seq, vec![hr(second * 1_000, 150)]);
        studio.send_by(
            &hub,
            receiver,
            0,
            vec![SourceRows(strap(1).source, second as Seq, vec![hr(second * 1_000 + 40, 150)])],
        );
    }
    studio.at(41);
    let figures = studio.host.class.riders()[0].live.figures();
    assert_eq!((figures.hr_ms, figures.records, studio.host.samples.len()), (29_000, 60, 60));
}

#[test]
fn a_lost_socket_is_no_leave() {
    let mut studio = studio();
    studio.ride(1, 10, 120);
    let link = |studio: &mut Studio, link| {
        studio.host.send(Input::Link { session: member(1).session, link });
    };
    let signal = |studio: &Studio| studio.host.class.riders()[0].signal(studio.now_ms());
    use tick::Signal::*;
    assert_eq!(signal(&studio), Live);
    link(&mut studio, Link::Down);
    assert_eq!(signal(&studio), Live, "what is fresh is fresh");
    studio.at(23);
    assert_eq!(signal(&studio), Stale);
    studio.at(31);
    assert_eq!(signal(&studio), LostNetwork);
    link(&mut studio, Link::Up);
    assert_eq!(signal(&studio), LostSensor, "the phone is back, the strap is not");
    link(&mut studio, Link::Ended);
    assert!(studio.host.class.riders()[0].is_present());
    studio.send(1, strap(1).source, 30, rows(30_000, &[125]));
    assert_eq!(signal(&studio), Live);
}

#[test]
fn old_samples_are_counted_but_not_shown_as_fresh() {
    let mut studio = studio();
    studio.at(300).send(1, strap(1).source, 0, (0..200).map(|s| hr(10_000 + s * 1_000, 150)).collect());
    let rider = &studio.host.class.riders()[0];
    assert_eq!(rider.live.figures().hr_ms, 199_000);
    assert_eq!(rider.signal(studio.now_ms()), tick::Signal::LostSensor);
}

#[test]
fn a_flood_is_told_to_slow_down() {
    let mut studio = studio();
    studio.at(60);
    let mut sent = 0;
    for _ in 0..20 {
        let rows = (0..900).map(|i| hr(59_000 + i % 1_000, 150)).collect();
        studio.send(1, strap(1).source, sent, rows);
        sent += 900;
    }
    assert_eq!(studio.unwanted(), vec![ErrorCode::Busy; 11]);
    assert_eq!(studio.host.samples.len(), limits::TAIL_SAMPLES_MAX);
    let holes =
        (0..900).map(|i| SourceRows(strap(1).source, 100_000 + 2 * i, rows(9_000 + i64::from(i), &[120]))).collect();
    studio.at(200).send_by(&member(1), phone(1), 0, holes);
    assert_eq!(studio.unwanted(), [ErrorCode::Busy], "more holes than are remembered");
}

#[test]
fn late_ones_wait_for_the_series_up_to_a_bound() {
    let mut studio = studio();
    studio.ride(1, 120, 150);
    studio.host.store = Store::Down;
    let mut boot = 1;
    let mut sent = 0;
    while studio.unwanted().is_empty() {
        if sent % 9_000 == 0 {
            studio.accepted(&member(1), ClassCommand::Boot { receiver: phone(1), boot, offset: 0 });
            boot += 1;
        }
        let rows = (0..900).map(|i| hr(11_000 + i, 150)).collect();
        studio.send_by(&member(1), phone(1), boot - 1, vec![SourceRows(strap(1).source, sent, rows)]);
        sent += 900;
    }
    assert!((sent as usize) > limits::LATE_WAITING_MAX && (sent as usize) < limits::LATE_WAITING_MAX + 1_800);
    studio.host.store = Store::Up;
    studio.host.advance(3_000);
    assert!(studio.host.class.riders()[0].live.is_exact());
    assert_eq!(studio.host.samples.len() as u64, studio.host.class.counts().samples);
}
