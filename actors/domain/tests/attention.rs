//! Each rank of the trainer's list, raised by people who do what earns it; and a class of real people that leaves it quiet.

mod common;

use common::*;
use fitconnect_domain::class::{Input, Link, Publish, Record};
use fitconnect_protocol::class::*;
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::user::{HrMaxSource, Profile};
use fitconnect_protocol::*;
use fitconnect_recording::{read, shipped};

/// A live class that a trainer looks at: so many riders, in one long segment of this kind.
fn studio(riders: u16, kind: SegmentKind, target: Option<Target>) -> Studio {
    let mut studio = Studio::open(vec![segment(kind, 3_600, target)]);
    for n in 0..riders {
        studio.rider(n);
    }
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    studio
}

/// The list, a line an item: what, whom or how many, `!` where it was passed on.
fn lines(studio: &Studio) -> Vec<String> {
    let line = |item: &AttentionItem| {
        let who = item.slot.map_or(format!("{} people", item.people), |slot| slot.to_string());
        format!("{:?} {who}{}", item.kind, if item.escalated { "!" } else { "" })
    };
    studio.host.class.attention().items.iter().map(line).collect()
}

#[test]
fn rank_1_the_person_pressed_sos() {
    let mut studio = studio(2, SegmentKind::Work, None);
    studio.at(5);
    studio.accepted(&member(1), ClassCommand::Sos { on: true });
    studio.at(7);
    assert_eq!(lines(&studio), ["Sos 1"]);
    let told = studio
        .host
        .published
        .iter()
        .any(|publish| matches!(publish, Publish::Attention(list) if list.items.len() == 1));
    assert!(told, "desks are told");
    studio.at(37);
    assert_eq!(lines(&studio), ["Sos 1!"], "nobody answered for 30 s");
    studio.accepted(&member(1), ClassCommand::Sos { on: false });
    studio.at(49);
    assert_eq!(lines(&studio), [""; 0]);
}

#[test]
fn rank_2_a_heart_rate_falls() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.ride(0, 30, 150).ride(0, 2, 100);
    assert_eq!(lines(&studio), [""; 0], "two samples are a slipped strap");
    studio.ride(0, 3, 100);
    assert_eq!(lines(&studio), ["Fell 0"]);
    studio.ride(0, 20, 145);
    assert_eq!(lines(&studio), [""; 0], "it came back");
}

#[test]
fn rank_2_is_no_news_in_recovery() {
    let mut studio = studio(1, SegmentKind::Recover, None);
    studio.ride(0, 30, 150).ride(0, 10, 100);
    assert_eq!(lines(&studio), [""; 0]);
}

#[test]
fn rank_2_the_signal_is_lost_straight_after_95_percent() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.ride(0, 30, 185).at(48);
    assert_eq!(lines(&studio), [""; 0]);
    studio.at(51);
    assert_eq!(lines(&studio), ["LostHigh 0"]);
    studio.ride(0, 12, 150);
    assert_eq!(lines(&studio), [""; 0]);
}

#[test]
fn rank_3_over_the_maximum_for_30_seconds() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.ride(0, 30, 191);
    assert_eq!(lines(&studio), [""; 0]);
    studio.ride(0, 5, 191);
    assert_eq!(lines(&studio), ["OverMax 0"]);
    let low = |publish: &Publish| match publish {
        Publish::Event { topic: Topic::Desk(_), event: ClassEvent::Roster { entries }, .. } => {
            entries.iter().filter_map(|entry| entry.desk.as_ref()).any(|desk| desk.hr_max_low)
        }
        Publish::Event { .. }
        | Publish::Attention(_)
        | Publish::Tick(_)
        | Publish::Direct { .. }
        | Publish::Passing { .. } => false,
    };
    assert!(studio.host.published.iter().any(low), "the desk is told that the maximum is probably low");
}

#[test]
fn rank_3_a_formula_is_off_by_ten() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 3_600, None)]);
    let formula = Profile { hr_max: None, hr_max_source: None, ..golden_profile(250) };
    studio.join(0, formula.clone(), open_consent(), vec![strap(0)]);
    studio.join(
        1,
        Profile { hr_max_source: Some(HrMaxSource::Entered), hr_max: Some(180.0), ..formula },
        open_consent(),
        vec![strap(1)],
    );
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    studio.ride_all(&[(0, 189), (1, 189)], 40);
    assert_eq!(lines(&studio), ["OverMax 1"], "208 − 0.7 × 40 = 180, and 189 is within its error");
    studio.ride_all(&[(0, 190), (1, 189)], 40);
    assert_eq!(lines(&studio), ["OverMax 1!", "OverMax 0"]);
}

#[test]
fn rank_4_high_for_three_minutes_or_one_in_recovery() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.ride(0, 180, 182);
    assert_eq!(lines(&studio), [""; 0]);
    studio.ride(0, 6, 182);
    assert_eq!(lines(&studio), ["High 0"]);
    let mut studio = studio_of_recovery();
    studio.ride(0, 66, 182);
    assert_eq!(lines(&studio), ["High 0"]);
}

fn studio_of_recovery() -> Studio {
    studio(1, SegmentKind::Recover, None)
}

#[test]
fn rank_5_a_sensor_is_lost_or_a_receiver() {
    let mut studio = studio(6, SegmentKind::Work, None);
    let all: Vec<(u16, u16)> = (0..6).map(|n| (n, 140)).collect();
    studio.ride_all(&all, 30).ride_all(&all[1..], 21);
    assert_eq!(lines(&studio), ["SensorLost 0"]);
    studio.ride_all(&all, 20).at(100);
    assert_eq!(lines(&studio), ["ReceiverLost 6 people"]);
    studio.ride_all(&all, 12);
    assert_eq!(lines(&studio), [""; 0]);
}

#[test]
fn rank_6_out_of_target_for_a_minute() {
    let target = Some(Target::Percent { lo: 70, hi: 80 });
    let mut studio = studio(9, SegmentKind::Work, target);
    // 80 % of 190 is 152; five points more are 161.5.
    let people = |out: u16| (0..9).map(|n| (n, if n < out { 163 } else { 161 })).collect::<Vec<(u16, u16)>>();
    studio.ride_all(&people(1), 150);
    assert_eq!(lines(&studio), [""; 0], "judged from 90 s on");
    studio.ride_all(&people(1), 6);
    assert_eq!(lines(&studio), ["OutOfTarget 0"]);
    studio.ride_all(&people(8), 75);
    assert_eq!(lines(&studio), ["ManyOutOfTarget 8 people"]);
}

#[test]
fn an_acknowledged_item_says_so_and_stays_silent() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.ride(0, 190, 182);
    let item = studio.host.class.attention().items[0].item;
    assert_eq!(studio.refused(&member(0), ClassCommand::Acknowledge { item }), ErrorCode::Forbidden);
    studio.staff(ClassCommand::Acknowledge { item });
    assert_eq!(studio.host.class.attention().items[0].acknowledged_by, Some(trainer().user));
    studio.ride(0, 20, 150);
    assert_eq!(lines(&studio), [""; 0]);
    assert_eq!(studio.refused(&trainer(), ClassCommand::Acknowledge { item }), ErrorCode::Gone);
    // It stays silent after a restart too.
    studio.host.restart();
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.ride(0, 100, 182);
    assert_eq!(lines(&studio), [""; 0]);
    studio.ride(0, 100, 182);
    assert_eq!(lines(&studio), ["High 0"]);
    let again = studio.host.class.attention().items[0].item;
    assert!(again != item, "an id is not used again in the next life");
}

#[test]
fn without_a_trainer_the_urgent_go_on_at_once() {
    let mut studio = studio(1, SegmentKind::Work, None);
    studio.host.send(Input::Link { session: trainer().session, link: Link::Down });
    studio.ride(0, 36, 191);
    assert_eq!(lines(&studio), ["OverMax 0!"]);
}

#[test]
fn a_restart_is_no_loss_of_sensors() {
    let mut studio = studio(6, SegmentKind::Work, None);
    let all: Vec<(u16, u16)> = (0..6).map(|n| (n, 140)).collect();
    studio.ride_all(&all, 30).at(45);
    studio.host.restart();
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.ride_all(&all[..2], 5);
    let signals: Vec<_> = studio.host.class.riders().iter().map(|rider| rider.signal(studio.now_ms())).collect();
    assert_eq!(signals[..2], [tick::Signal::Live; 2]);
    assert_eq!(signals[2..], [tick::Signal::LostNetwork; 4], "until something new arrives");
    studio.ride_all(&all, 60);
    assert_eq!(studio.host.raised, []);
}

#[test]
fn zones_off_means_no_percent_alarms() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 3_600, Some(Target::Percent { lo: 60, hi: 70 }))]);
    let off = Profile { zones_off: true, ..golden_profile(250) };
    studio.join(0, off, open_consent(), vec![strap(0)]);
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start).ride(0, 300, 200);
    assert_eq!(lines(&studio), [""; 0]);
    studio.ride(0, 8, 150);
    assert_eq!(lines(&studio), ["Fell 0"], "a fall is a fall");
}

/// 45-minute windows of the shipped rides and runs, one every five minutes; the maximum is such that the 98th percentile of
/// a window is 88–97 % of it. The plan's targets come from a reference window, and people follow it as real people do.
#[test]
fn forty_real_people_leave_it_quiet() {
    const MINUTES: u32 = 45;
    let mut windows = Vec::new();
    for name in ["ride_power_hr_2h19_edge1000.fit", "ride_hr_1h26_fr935.fit", "run_65min_polar_m400_gap.tcx"] {
        let recording = read(shipped::bytes(name).expect("shipped")).expect(name);
        let last = recording.records.last().expect("a record").at_ms;
        for from in (0..).step_by(300_000).take_while(|from| from + MINUTES * 60_000 <= last) {
            windows.push(recording.window(from, MINUTES * 60_000));
        }
    }
    let mut studio = Studio::open(vec![
        segment(SegmentKind::Warmup, 300, None),
        segment(SegmentKind::Work, MINUTES * 60 - 600, Some(Target::Percent { lo: 60, hi: 97 })),
        segment(SegmentKind::Cooldown, 300, None),
    ]);
    let mut rows: Vec<(i64, u16, u32, u16)> = Vec::new();
    for n in 0..40_u16 {
        let window = &windows[usize::from(n) % windows.len()];
        let mut bpm: Vec<u16> = window.iter().filter_map(|record| record.bpm).collect();
        bpm.sort_unstable();
        let high = f64::from(bpm[bpm.len() * 98 / 100]);
        let max = (high / (0.88 + 0.09 * f64::from(n % 10) / 10.0)).max(100.0).round();
        let profile = Profile { hr_max: Some(max), ..golden_profile(250) };
        studio.join(n, profile, open_consent(), vec![strap(n)]);
        let delay = i64::from(n) * 23 % 1_000;
        let bpm = window
            .iter()
            .zip(0..)
            .filter_map(|(record, seq)| Some((i64::from(record.at_ms) + delay, n, seq, record.bpm?)));
        rows.extend(bpm);
    }
    rows.sort_unstable();
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    for (ms, n, seq, bpm) in rows {
        studio.at_ms(ms).send(n, strap(n).source, seq, vec![hr(ms, bpm)]);
        studio.host.published.clear();
    }
    studio.at(i64::from(MINUTES) * 60 + 1);
    let mut by_minute = std::collections::BTreeMap::new();
    let mut kinds = std::collections::BTreeMap::new();
    for raised in &studio.host.raised {
        let Record::Raised { at, kind, .. } = raised else { continue };
        *kinds.entry(*kind).or_insert(0) += 1;
        if kind.rank() >= 4 {
            *by_minute.entry(at / 60_000).or_insert(0) += 1;
        }
    }
    println!("{kinds:?} in {MINUTES} minutes: {by_minute:?}");
    assert!(by_minute.values().all(|new| *new <= 1), "at most one new item of ranks 4 to 6 a minute: {by_minute:?}");
}
