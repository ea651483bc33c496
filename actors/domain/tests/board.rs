//! What desk, board and each person see: ranks, redaction, rows, slices.

mod common;

use common::*;
use fitconnect_domain::class::{Caller, Input, Publish, TickFrame};
use fitconnect_domain::letter::LetterBody;
use fitconnect_protocol::class::*;
use fitconnect_protocol::limits::TICK_MS;
use fitconnect_protocol::session::{Response, Snapshot, Topic};
use fitconnect_protocol::tick::{BoardRow, FLAG_FULL, ROW_BYTES, Signal};
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, ShowAs};
use fitconnect_protocol::*;
use proptest::prelude::*;
use std::sync::Arc;

fn hour() -> Vec<Segment> {
    vec![segment(SegmentKind::Work, 3_600, None)]
}

fn rows(bytes: &[u8]) -> Vec<BoardRow> {
    bytes.chunks_exact(ROW_BYTES).filter_map(BoardRow::decode).collect()
}

fn ticks(studio: &mut Studio) -> Vec<TickFrame> {
    let tick = |publish| match publish {
        Publish::Tick(frame) => Some(*frame),
        Publish::Event { .. } | Publish::Attention(_) | Publish::Direct { .. } | Publish::Passing { .. } => None,
    };
    std::mem::take(&mut studio.host.published).into_iter().filter_map(tick).collect()
}

/// The next whole tick.
fn whole(studio: &mut Studio) -> TickFrame {
    studio.host.published.clear();
    studio.host.advance(limits::FULL_TICK_MS + limits::TICK_MS);
    ticks(studio).into_iter().find(|frame| frame.header.flags == FLAG_FULL).expect("a full tick")
}

#[test]
fn equal_points_at_the_same_time_share_a_rank() {
    let mut studio = Studio::open(hour());
    for (n, seat) in [(0, "10"), (1, "2"), (2, "1")] {
        studio.host.people.insert(member(n).user, person(n));
        studio.accepted(&member(n), ClassCommand::Join { seat: Some(seat.into()), sensors: vec![strap(n)] });
        studio.accepted(&member(n), ClassCommand::Boot { receiver: phone(n), boot: 0, offset: 0 });
    }
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start);
    studio.ride_all(&[(0, 160), (1, 160), (2, 120)], 62);
    let shown: Vec<_> =
        rows(&whole(&mut studio).board.all).iter().map(|row| (row.slot, row.points, row.rank)).collect();
    assert_eq!(
        shown,
        [(1, Some(4), Some(1)), (0, Some(4), Some(1)), (2, Some(2), Some(3))],
        "1, 1, 3, listed by seat: 2 before 10"
    );
}

fn person(n: u16) -> fitconnect_domain::class::Person {
    fitconnect_domain::class::Person {
        gym: GYM,
        name: format!("Member {n}"),
        rev: 1,
        profile: golden_profile(250),
        consent: open_consent(),
        blocks: Default::default(),
    }
}

#[test]
fn points_reached_earlier_rank_higher() {
    let mut studio = Studio::open(hour());
    studio.rider(0);
    studio.rider(1);
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start).ride(1, 20, 160).ride(0, 20, 160);
    let order: Vec<_> =
        rows(&whole(&mut studio).board.all).iter().map(|row| (row.slot, row.points, row.rank)).collect();
    assert_eq!(order, [(1, Some(1), Some(1)), (0, Some(1), Some(2))]);
}

#[test]
fn some_people_have_no_rank() {
    let mut studio = Studio::open(hour());
    let profile = golden_profile(250);
    studio.rider(0);
    studio.join(
        1,
        Profile { hr_max_source: Some(HrMaxSource::Entered), ..profile.clone() },
        open_consent(),
        vec![strap(1)],
    );
    studio.join(2, Profile { zones_off: true, ..profile.clone() }, open_consent(), vec![strap(2)]);
    studio.join(3, Profile::default(), open_consent(), vec![strap(3)]);
    studio.join(4, profile, open_consent(), vec![sensor(4, 0, SourceKind::Simulated)]);
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start);
    studio.ride_all(&[(0, 160), (1, 160), (2, 160), (3, 160), (4, 160)], 40);
    let fresh =
        ticks(&mut studio).into_iter().flat_map(|frame| rows(&frame.board.changed)).filter(|row| row.slot == 3).last();
    let bpm_only = fresh.map(|row| (row.bpm, row.percent, row.zone, row.points));
    assert_eq!(bpm_only, Some((Some(160), None, None, None)), "a guest has bpm only");
    let shown = |studio: &mut Studio| {
        let mut shown: Vec<_> =
            rows(&whole(studio).board.all).iter().map(|row| (row.slot, row.points, row.rank)).collect();
        shown.sort_unstable();
        shown
    };
    let points = Some(2);
    let expected =
        |typed| [(0, points, Some(1)), (1, points, typed), (2, None, None), (3, None, None), (4, points, None)];
    assert_eq!(shown(&mut studio), expected(None));
    studio.host.send(Input::Letter(LetterBody::HrMaxApproved { user: member(1).user }));
    assert_eq!(shown(&mut studio), expected(Some(1)), "a trainer has approved the maximum");
}

#[test]
fn a_withdrawn_consent_is_obeyed_within_a_second() {
    let mut studio = Studio::open(hour());
    studio.rider(0);
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start).ride(0, 30, 160);
    let last_row = |studio: &mut Studio| ticks(studio).iter().flat_map(|frame| rows(&frame.board.changed)).last();
    assert_eq!(last_row(&mut studio).map(|row| (row.bpm, row.percent, row.zone)), Some((Some(160), Some(84), Some(4))));
    let tell = |studio: &mut Studio, consent| {
        studio.host.send(Input::Letter(LetterBody::Consent { user: member(0).user, rev: 2, consent }));
        let event = studio.host.published.iter().rev().find_map(|publish| match publish {
            Publish::Event { topic: Topic::Board(_), event, .. } => Some(event.clone()),
            _ => None,
        });
        event.expect("the board is told")
    };
    let alias = RosterEntry { slot: 0, name: "№ 1".into(), seat: None, desk: None };
    assert_eq!(tell(&mut studio, Consent::default()), ClassEvent::Roster { entries: vec![alias] });
    studio.host.advance(1_000);
    let row = last_row(&mut studio).expect("a row");
    assert_eq!((row.bpm, row.percent, row.zone, row.kcal), (None, None, None, None));
    assert_eq!((row.points, row.rank), (Some(1), Some(1)), "points and rank stay");
    let hidden = Consent { show_on_board: ShowAs::Hidden, ..Consent::default() };
    assert_eq!(tell(&mut studio, hidden), ClassEvent::Gone { slots: vec![0] });
    assert_eq!(rows(&whole(&mut studio).board.all), []);
}

#[test]
fn a_heart_rate_ages_goes_stale_and_is_lost() {
    let mut studio = Studio::open(hour());
    studio.rider(0);
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start).ride_all(&[(0, 150)], 20);
    let mut told = Vec::new();
    for quarter in 0..60 {
        studio.at_ms(20_000 + quarter * 250);
        for frame in ticks(&mut studio) {
            let changed = rows(&frame.board.changed);
            told.extend(changed.iter().map(|row| (frame.header.class_ms - 19_000, row.signal)));
        }
    }
    told.dedup_by_key(|(_, signal)| *signal);
    let signals: Vec<_> = told.iter().map(|(_, signal)| *signal).collect();
    assert_eq!(signals, [Signal::Live, Signal::Ageing, Signal::Stale, Signal::LostSensor]);
    let late: Vec<_> = told[1..].iter().zip([1_500, 3_000, 10_000]).map(|((age, _), from)| age - from).collect();
    assert!(late.iter().all(|late| (1..=TICK_MS as i64).contains(late)), "told by the next tick: {late:?}");
}

#[test]
fn ones_own_row_is_whole_and_a_tick_has_what_changed() {
    let mut studio = Studio::open(hour());
    studio.join(
        0,
        golden_profile(250),
        Consent { show_on_board: ShowAs::Hidden, ..Consent::default() },
        vec![strap(0)],
    );
    studio.rider(1);
    studio.follow(&member(0), Topic::Board(CLASS));
    studio.plan(PlanAction::Start).ride_all(&[(0, 170), (1, 150)], 20);
    ticks(&mut studio);
    studio.send(0, strap(0).source, 20, vec![hr(20_000, 171)]);
    studio.at_ms(20_250);
    let frames = ticks(&mut studio);
    let [frame] = &frames[..] else { panic!("one tick: {frames:?}") };
    assert_eq!(frame.board.changed, [0; 0], "a hidden person has no row");
    let [mine] = &frame.mine[..] else { panic!("one own frame") };
    let own = BoardRow::decode(&mine.row).expect("a row");
    assert_eq!(
        (mine.session, own.bpm, own.percent, own.signal),
        (member(0).session, Some(171), Some(90), Signal::Live)
    );
    assert_eq!(mine.acks.len(), 1);
    studio.at_ms(21_250);
    assert!(ticks(&mut studio).iter().all(|frame| frame.mine.is_empty()), "no news, no frame");
    let ticked_ms = 20_250 / TICK_MS as u32 * TICK_MS as u32;
    assert_eq!((frame.header.riders, frame.header.left_ms, frame.header.run), (2, 3_600_000 - ticked_ms, 0));
}

#[test]
fn who_may_follow_what() {
    let mut studio = Studio::open(hour());
    studio.rider(0);
    let code = |studio: &mut Studio, by: &Arc<Caller>, topic| match studio.follow(by, topic) {
        Some(Response::Refused(refusal)) => Some(refusal.code),
        None => None,
        other => panic!("{other:?}"),
    };
    let desk = Topic::Desk(CLASS);
    let screen = caller(70, Role::Screen);
    let elsewhere = Arc::new(Caller { hall: Some("Hall 2".into()), ..(*screen).clone() });
    let foreign = Arc::new(Caller { gym: GymId(Uuid::from_u128(9)), ..(*trainer()).clone() });
    for topic in [Topic::Class(CLASS), Topic::Board(CLASS)] {
        assert_eq!(code(&mut studio, &member(0), topic), None);
        assert_eq!(code(&mut studio, &screen, topic), None);
        assert_eq!(code(&mut studio, &elsewhere, topic), Some(ErrorCode::Forbidden));
        assert_eq!(code(&mut studio, &foreign, topic), Some(ErrorCode::NotFound));
    }
    assert_eq!(code(&mut studio, &member(0), desk), Some(ErrorCode::Forbidden));
    assert_eq!(code(&mut studio, &screen, desk), Some(ErrorCode::Forbidden));
    assert_eq!(code(&mut studio, &trainer(), desk), None);
    let Some((_, Snapshot::Board(board))) = studio.host.snapshots.last() else { panic!("a snapshot") };
    let entry = board.roster[0].clone();
    assert_eq!((entry.name.as_str(), entry.desk.and_then(|desk| desk.user)), ("Member 0", Some(member(0).user)));
    assert!(board.attention.is_some());
}

#[test]
fn beyond_200_riders_each_gets_a_slice_once_a_second() {
    let mut studio = Studio::open(hour());
    for n in 0..250 {
        studio.rider(n);
        studio.follow(&member(n), Topic::Board(CLASS));
    }
    studio.plan(PlanAction::Start);
    let people: Vec<(u16, u16)> = (0..250).map(|n| (n, 100 + n % 80)).collect();
    studio.ride_all(&people, 3);
    ticks(&mut studio);
    studio.ride_all(&people, 10);
    let frames = ticks(&mut studio);
    let mine: usize = frames.iter().map(|frame| frame.mine.len()).sum();
    assert_eq!(mine, 2_500);
    assert!(frames.len().abs_diff(10_000 / TICK_MS as usize) <= 1, "{} ticks", frames.len());
    let slices = frames.iter().find_map(|frame| frame.slices.as_ref()).expect("slices");
    let shown = rows(&slices.rows);
    assert_eq!(shown.len(), 250);
    for (slot, place) in slices.place.iter().enumerate() {
        assert_eq!(usize::from(shown[*place as usize].slot), slot);
    }
    assert!(shown.windows(2).all(|pair| pair[0].rank <= pair[1].rank), "in rank order");
    assert_eq!(slices.names[7], "Member 7");
    assert!(frames.iter().all(|frame| frame.mine.is_empty() || frame.slices.is_some()));
    let Some((_, Snapshot::Board(board))) = studio.host.snapshots.last() else { panic!("a snapshot") };
    assert_eq!(board.roster, [], "names come with the slices");
}

#[test]
fn beyond_1000_riders_a_desk_gets_the_top_and_what_it_looks_at() {
    let mut studio = Studio::open(hour());
    for n in 0..1_100 {
        studio.rider(n);
    }
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.follow(&trainer(), Topic::Board(CLASS));
    studio.plan(PlanAction::Start);
    let people: Vec<(u16, u16)> = (0..1_100).map(|n| (n, if n < 300 { 175 } else { 100 })).collect();
    studio.ride_all(&people, 20);
    studio.accepted(&member(999), ClassCommand::Sos { on: true });
    studio.host.send(Input::Look { by: trainer(), slots: vec![1_050, 7, 2_000] });
    studio.host.send(Input::Look { by: member(1), slots: vec![1_060] });
    studio.host.advance(2_000);
    let frame = whole(&mut studio);
    let slots: Vec<Slot> = rows(&frame.desk.all).iter().map(|row| row.slot).collect();
    assert_eq!((slots.len(), &slots[200..]), (202, &[999, 1_050][..]));
    assert_eq!(frame.board.all.len(), 200 * ROW_BYTES, "the board has the top");
    studio.host.advance(61_000);
    assert_eq!(rows(&whole(&mut studio).desk.all).len(), 201, "a look lasts a minute");
}

fn consents() -> impl Strategy<Value = Consent> {
    let show = prop_oneof![Just(ShowAs::Hidden), Just(ShowAs::Alias), Just(ShowAs::Name)];
    (show, any::<[bool; 4]>()).prop_map(|(show_on_board, [show_hr, show_calories, share_with_trainer, guardian])| {
        Consent { show_on_board, show_hr, show_calories, share_with_trainer, guardian, ..Consent::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_shown_without_consent(people in prop::collection::vec((consents(), any::<bool>()), 1..6)) {
        let mut studio = Studio::open(hour());
        for (n, (consent, minor)) in (0..).zip(&people) {
            let born = if *minor { "2012-06-01" } else { "1986-06-01" };
            studio.join(n, Profile { born: Some(born.into()), ..golden_profile(250) }, *consent, vec![strap(n)]);
        }
        studio.follow(&trainer(), Topic::Board(CLASS));
        studio.follow(&trainer(), Topic::Desk(CLASS));
        studio.plan(PlanAction::Start);
        let all: Vec<(u16, u16)> = (0..people.len() as u16).map(|n| (n, 160)).collect();
        studio.ride_all(&all, 40);
        studio.host.published.clear();
        studio.follow(&member(0), Topic::Board(CLASS));
        let Some((_, Snapshot::Board(board))) = studio.host.snapshots.pop() else { panic!("a snapshot") };
        studio.ride_all(&all, 11);
        let frames = ticks(&mut studio);
        let frame = frames.iter().find(|frame| frame.header.flags == FLAG_FULL).expect("a full tick");
        let (board_rows, desk_rows) = (rows(&frame.board.all), rows(&frame.desk.all));
        prop_assert_eq!(desk_rows.len(), people.len(), "staff see everybody");
        for (slot, (consent, minor)) in (0..).zip(&people) {
            let hidden = consent.show_on_board == ShowAs::Hidden || *minor && !consent.guardian;
            let row = board_rows.iter().find(|row| row.slot == slot);
            let entry = board.roster.iter().find(|entry| entry.slot == slot);
            prop_assert_eq!((row.is_none(), entry.is_none()), (hidden, hidden));
            if let (Some(row), Some(entry)) = (row, entry) {
                let hr = [row.bpm.is_some(), row.percent.is_some(), row.zone.is_some()];
                prop_assert_eq!(hr, [consent.show_hr; 3]);
                prop_assert_eq!(row.kcal.is_some(), consent.show_calories && !minor);
                prop_assert!(row.points.is_some() && row.rank.is_some());
                prop_assert_eq!(entry.name.contains("Member"), consent.show_on_board == ShowAs::Name);
                prop_assert_eq!(entry.desk.is_none(), true);
            }
            let row = desk_rows.iter().find(|row| row.slot == slot).expect("a row");
            prop_assert_eq!(row.bpm.is_some(), consent.share_with_trainer);
        }
    }
}
