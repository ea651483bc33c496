//! How a class ends: cooling, settlement, summaries and their later versions, whatever the store does meanwhile.

mod common;

use common::*;
use fitconnect_domain::class::by_hand::Store;
use fitconnect_domain::class::{Input, Stage, StoredSample, What};
use fitconnect_domain::{ActorKey, LetterBody};
use fitconnect_protocol::class::*;
use fitconnect_protocol::limits::{COOLING_MS, LOADS_MAX};
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::user::Profile;
use fitconnect_protocol::*;

const COOLING_S: i64 = COOLING_MS / 1_000;

/// A minute of work with so many riders at 160 bpm, all settled but the last rides.
fn ridden(riders: u16) -> Studio {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, Some(Target::Percent { lo: 80, hi: 90 }))]);
    for n in 0..riders {
        studio.rider(n);
    }
    studio.plan(PlanAction::Start);
    let all: Vec<(u16, u16)> = (0..riders).map(|n| (n, 160)).collect();
    studio.ride_all(&all, 70);
    studio
}

/// `slot vVERSION points rank` of each summary that was saved.
fn summaries(studio: &Studio) -> Vec<String> {
    let line = |(slot, summary): (Slot, MemberSummary)| {
        let rank = summary.rank.map_or("–".into(), |rank| rank.to_string());
        format!("{slot} v{} {}s {}p #{rank}", summary.version, summary.hr_seconds, summary.points.unwrap_or(0))
    };
    studio.summaries().into_iter().map(line).collect()
}

fn stages(studio: &Studio) -> Vec<&'static str> {
    studio
        .host
        .changes
        .iter()
        .map(|change| change.what.kind())
        .filter(|kind| ["staged", "cooled", "settled"].contains(kind))
        .collect()
}

#[test]
fn a_class_cools_five_minutes_and_settles() {
    let mut studio = ridden(2);
    assert_eq!(studio.host.class.phase_at(studio.now_ms()), Phase::Cooling);
    studio.at(60 + COOLING_S - 1);
    assert_eq!(studio.host.class.stage(), Stage::Running);
    studio.at(60 + COOLING_S);
    assert_eq!(studio.host.class.stage(), Stage::Settled);
    assert_eq!(summaries(&studio), ["0 v1 60s 4p #1", "1 v1 60s 4p #1"], "nothing counts beyond the end");
    assert_eq!(stages(&studio), ["staged", "cooled", "staged", "settled"]);
    let letters: Vec<_> =
        studio.host.letters.iter().filter(|letter| matches!(letter.body, LetterBody::Summary(_))).collect();
    assert_eq!(
        letters.iter().map(|letter| letter.to).collect::<Vec<_>>(),
        [0, 1].map(|n| ActorKey::User(member(n).user))
    );
    let summary = studio.last_summary();
    assert_eq!((summary.from, summary.to, summary.records), (0, 60_000, 60));
    assert_eq!((summary.meps, summary.splats, summary.hr_avg), (Some(4.0), Some(1), 160.0));
    let compliance = RunCompliance { run: 0, in_target_s: 15.0, with_data_s: 15.0, judged_s: 15.0, score: Some(1.0) };
    assert_eq!(summary.compliance, [compliance]);
    let Some(What::Settled(class)) = studio.host.changes.last().map(|change| change.what.clone()) else {
        panic!("settled last")
    };
    assert_eq!((class.people, class.points, class.hr_seconds, class.zone_s[4]), (2, 8, 120.0, 60.0));
    assert!(studio.host.asleep);
}

#[test]
fn a_late_sample_makes_the_next_version_of_ones_own_summary() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    studio.rider(0);
    studio.rider(1);
    studio.plan(PlanAction::Start).ride_all(&[(0, 160), (1, 150)], 30);
    studio.at(60 + COOLING_S);
    assert_eq!(summaries(&studio), ["0 v1 34s 2p #1", "1 v1 34s 1p #2"]);
    studio.at(4_000).send(1, strap(1).source, 30, (30..60).map(|s| hr(s * 1_000, 190)).collect());
    studio.host.advance(1_000);
    assert_eq!(summaries(&studio).last().map(String::as_str), Some("1 v2 60s 3p #2"), "ranks are frozen");
    assert_eq!(studio.host.letters.last().map(|letter| letter.to), Some(ActorKey::User(member(1).user)));
    assert!(studio.host.asleep);
    // The process dies between the sample and the summary.
    studio.host.store = Store::Down;
    studio.send(0, strap(0).source, 30, vec![hr(30_000, 160)]);
    studio.host.restart();
    studio.host.store = Store::Up;
    studio.host.advance(1_000);
    assert_eq!(summaries(&studio).last().map(String::as_str), Some("0 v2 35s 2p #1"));
    assert_eq!(studio.host.class.counts().mismatches, 0);
    // It dies before the alarm was stored: whoever wakes the class next brings it to mind.
    let late = StoredSample { seq: 31, at: 31_000, ..studio.host.samples.last().expect("a sample").clone() };
    studio.host.samples.push(late);
    studio.host.restart();
    studio.follow(&trainer(), Topic::Class(CLASS));
    studio.host.advance(1_000);
    assert_eq!(summaries(&studio).last().map(String::as_str), Some("0 v3 36s 2p #1"));
}

#[test]
fn settlement_asks_for_a_few_at_a_time_and_goes_on_after_a_restart() {
    let riders = LOADS_MAX as u16 + 8;
    let mut studio = ridden(riders);
    studio.host.store = Store::Slow;
    studio.at(60 + COOLING_S + 5);
    assert_eq!((studio.host.class.stage(), summaries(&studio).len()), (Stage::Finished, 0));
    studio.host.answer_loads();
    assert_eq!(summaries(&studio).len(), LOADS_MAX);
    studio.host.restart();
    studio.host.advance(1_000);
    assert_eq!((studio.host.class.stage(), summaries(&studio).len()), (Stage::Finished, LOADS_MAX));
    studio.host.answer_loads();
    studio.host.advance(1_000);
    assert_eq!((studio.host.class.stage(), summaries(&studio).len()), (Stage::Settled, usize::from(riders)));
    let mut each = summaries(&studio);
    each.sort();
    each.dedup();
    assert_eq!(each.len(), usize::from(riders), "nobody twice");
    let Some(What::Settled(class)) = studio.host.changes.last().map(|change| change.what.clone()) else {
        panic!("settled last")
    };
    assert_eq!(class.points, 4 * u64::from(riders));
}

#[test]
fn settlement_waits_for_a_store_that_is_down() {
    let mut studio = ridden(3);
    studio.host.store = Store::Down;
    studio.at(60 + COOLING_S + 30);
    assert_eq!((studio.host.class.stage(), summaries(&studio).len()), (Stage::Finished, 0));
    studio.host.store = Store::Up;
    studio.host.advance(2_000);
    assert_eq!((studio.host.class.stage(), summaries(&studio).len()), (Stage::Settled, 3));
}

#[test]
fn late_samples_in_settlement_change_nothing_twice() {
    let mut studio = ridden(2);
    studio.host.store = Store::Slow;
    studio.at(60 + COOLING_S + 1);
    // Asked for and not yet answered: this comes too late for the answer, not for the summary.
    studio.send(0, strap(0).source, 1_000, vec![hr(30_500, 180)]);
    studio.host.answer_loads();
    studio.host.answer_loads();
    assert_eq!((studio.host.class.stage(), studio.last_summary().version), (Stage::Settled, 1));
    let records: Vec<u32> = studio.summaries().iter().map(|(_, summary)| summary.records).collect();
    assert_eq!(records, [61, 60]);
    assert_eq!(studio.host.class.counts().mismatches, 0);
}

#[test]
fn an_aborted_class_settles_what_was_earned() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 600, None)]);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 60, 160);
    studio.staff(ClassCommand::Abort { reason: "fire alarm".into() });
    studio.host.advance(1_000);
    assert_eq!((studio.host.class.stage(), summaries(&studio)), (Stage::Aborted, vec!["0 v1 60s 4p #1".to_owned()]));
    assert_eq!(stages(&studio).last(), Some(&"settled"));
    studio.send(0, strap(0).source, 200, vec![hr(200, 150)]);
    studio.host.advance(1_000);
    assert_eq!(
        summaries(&studio).last().map(String::as_str),
        Some("0 v2 60s 3p #1"),
        "400 ms at 150 are in a lower zone"
    );
}

#[test]
fn a_cancelled_class_sends_everybody_home() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 600, None)]);
    studio.rider(0);
    studio.staff(ClassCommand::Cancel { reason: "no water".into() });
    let left = LetterBody::LeftClass { class: CLASS };
    assert_eq!(
        studio.host.letters.last().map(|letter| (letter.to, &letter.body)),
        Some((ActorKey::User(member(0).user), &left))
    );
    studio.send(0, strap(0).source, 0, vec![hr(0, 150)]);
    assert_eq!(studio.unwanted(), [ErrorCode::Gone]);
}

#[test]
fn a_lobby_opens_by_itself() {
    let mut facts = facts(vec![segment(SegmentKind::Work, 600, None)]);
    facts.lobby_min = Some(10);
    facts.starts_at_ms += 3_600_000;
    let mut host = fitconnect_domain::class::by_hand::ByHand::new(CLASS, T0);
    let create = Input::Create { by: trainer().user, cmd: CmdId(Uuid::nil()), facts: Box::new(facts) };
    host.send(create);
    host.advance(3_000_000 - 1);
    assert_eq!(host.class.stage(), Stage::Scheduled);
    host.advance(1);
    assert_eq!((host.class.stage(), host.class.phase_at(3_000_000)), (Stage::Running, Phase::Lobby));
}

#[test]
fn a_maximum_is_raised_for_the_next_class() {
    let raise = |bpm: &[(i64, u16)], max: f64| {
        let mut studio = Studio::open(vec![segment(SegmentKind::Work, 600, None)]);
        studio.join(0, Profile { hr_max: Some(max), ..golden_profile(250) }, open_consent(), vec![strap(0)]);
        studio.plan(PlanAction::Start);
        for (seconds, bpm) in bpm {
            studio.ride(0, *seconds, *bpm);
        }
        let points = studio.host.class.riders()[0].live.figures().points();
        studio.at(600 + COOLING_S);
        assert!(
            studio.last_summary().points.is_some_and(|given| u64::from(given) >= points),
            "points given never change"
        );
        studio.last_summary().hr_max_raise_tenths
    };
    assert_eq!(raise(&[(60, 180), (40, 194), (20, 180)], 190.0), Some(1_940));
    assert_eq!(raise(&[(60, 180), (30, 194), (20, 180)], 190.0), None, "less than half a minute of medians");
    assert_eq!(raise(&[(10, 180), (40, 215)], 190.0), Some(2_000), "at most ten");
    assert_eq!(raise(&[(35, 192), (35, 196), (35, 193)], 190.0), Some(1_960), "the highest that lasted");
    assert_eq!(raise(&[(15, 194), (15, 199), (15, 194)], 190.0), Some(1_940));
    assert_eq!(raise(&[(100, 190)], 190.0), None);
    assert_eq!(raise(&[(20, 194), (3, 180), (20, 194)], 190.0), None, "it must last");
}

#[test]
fn a_summary_says_where_its_figures_come_from() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 300, None)]);
    let watch = sensor(0, 1, SourceKind::Watch);
    studio.join(
        0,
        Profile { born: Some("1966-01-01".into()), ..golden_profile(250) },
        open_consent(),
        vec![strap(0), watch],
    );
    studio.plan(PlanAction::Start).at(10);
    studio.ride(0, 50, 150);
    studio.send(0, strap(0).source, 1_000, vec![hr(59_500, 250)]);
    for s in 100..200 {
        studio.at(s).send(0, watch.source, s as Seq, vec![hr(s * 1_000, 140)]);
    }
    studio.at(300 + COOLING_S);
    let Provenance { sources, gaps, dropped, hr_max_tenths, kcal_extrapolated, .. } = studio.last_summary().provenance;
    assert_eq!(sources, [(strap(0), 54.0), (watch, 104.0)]);
    let gap = |from: i64, to: i64| Gap { from: from * 1_000, to: to * 1_000 };
    assert_eq!(gaps, [gap(0, 10), gap(64, 100), gap(204, 300)]);
    assert_eq!((dropped, hr_max_tenths, kcal_extrapolated), (1, Some(1_900), true));
}

#[test]
fn a_leave_ends_what_holds() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 300, None)]);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 60, 160);
    // The phone says, a while later, when its owner stepped off.
    studio.at(70);
    studio.accepted(&member(0), ClassCommand::Leave { slot: None, at: Some(30_500) });
    assert_eq!(studio.refused(&member(0), ClassCommand::Leave { slot: None, at: None }), ErrorCode::NotJoined);
    studio.at(100);
    studio.accepted(&member(0), ClassCommand::Join { seat: None, sensors: vec![] });
    studio.ride(0, 10, 160).at(300 + COOLING_S);
    let summary = studio.last_summary();
    assert_eq!((summary.hr_seconds, summary.from, summary.to), (30.5 + 14.0, 0, 300_000));
}

#[test]
fn a_swap_from_the_start_moves_figures_and_not_samples() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 300, None)]);
    let (a, b) = (studio.rider(0), studio.rider(1));
    studio.plan(PlanAction::Start).ride_all(&[(0, 180), (1, 120)], 200);
    let stored = studio.host.samples.clone();
    studio.staff(ClassCommand::Swap { a, b, from: SwapFrom::Start });
    studio.host.advance(1_000);
    let average = |studio: &Studio, slot: Slot| {
        let figures = studio.host.class.riders()[usize::from(slot)].live.figures();
        figures.hr_bpm_ms / figures.hr_ms
    };
    assert_eq!((average(&studio, a), average(&studio, b)), (120, 180));
    assert_eq!(studio.host.samples, stored);
    studio.staff(ClassCommand::Swap { a, b, from: SwapFrom::Now });
    studio.ride_all(&[(0, 180), (1, 120)], 40);
    studio.at(300 + COOLING_S);
    let bpm: Vec<f64> =
        studio.summaries().iter().map(|(_, summary)| (summary.hr_avg * summary.hr_seconds).round()).collect();
    // 201 s of the other's strap, the second after the swap's start included, then one's own until it goes silent.
    assert_eq!(bpm, [120.0 * 201.0 + 180.0 * 44.0, 180.0 * 201.0 + 120.0 * 44.0]);
}

#[test]
fn the_end_can_be_taken_back_for_five_seconds() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 300, None)]);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 60, 160).plan(PlanAction::End);
    studio.at(62);
    assert_eq!(studio.host.class.phase_at(62_000), Phase::Cooling);
    studio.staff(ClassCommand::Undo { id: 2 });
    assert_eq!(studio.host.class.phase_at(62_000), Phase::Live);
    studio.ride(0, 30, 160).plan(PlanAction::End);
    studio.at(98);
    assert_eq!(studio.refused(&trainer(), ClassCommand::Undo { id: 3 }), ErrorCode::TooLate);
    studio.at(92 + COOLING_S);
    assert_eq!(studio.host.class.stage(), Stage::Settled);
    let summary = studio.last_summary();
    assert_eq!((summary.hr_seconds, summary.to, summary.meps), (92.0, 92_000, Some(92.0 * 4.0 / 60.0)));
}

#[test]
fn class_time_runs_twenty_times_as_fast() {
    let mut facts = facts(vec![segment(SegmentKind::Work, 1_200, None)]);
    facts.clock.rate = 20;
    let mut studio = Studio::with(facts);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 1_200, 160);
    assert_eq!(studio.host.now, T0.plus(60_000));
    studio.host.advance(COOLING_MS as u64 / 20);
    assert_eq!((studio.host.class.stage(), summaries(&studio)), (Stage::Settled, vec!["0 v1 1200s 80p #1".to_owned()]));
}

#[test]
fn who_rides_alone_drives_the_plan() {
    let mut alone = facts(vec![segment(SegmentKind::Work, 300, None)]);
    alone.solo = true;
    let mut host = fitconnect_domain::class::by_hand::ByHand::new(CLASS, T0);
    let create = Input::Create { by: member(0).user, cmd: CmdId(Uuid::nil()), facts: Box::new(alone) };
    host.send(create);
    let mut studio = Studio { host, trainer: trainer() };
    studio.rider(0);
    let other = member(1);
    assert_eq!(studio.refused(&other, ClassCommand::Join { seat: None, sensors: vec![] }), ErrorCode::Forbidden);
    let drive = |action| ClassCommand::Plan { action, at: None };
    assert_eq!(studio.refused(&other, drive(PlanAction::Start)), ErrorCode::Forbidden);
    studio.accepted(&member(0), drive(PlanAction::Start));
    studio.ride(0, 60, 160);
    studio.accepted(&member(0), drive(PlanAction::Pause));
    studio.ride(0, 60, 160);
    studio.accepted(&member(0), drive(PlanAction::Resume));
    studio.ride(0, 60, 160);
    studio.accepted(&member(0), drive(PlanAction::End));
    studio.host.advance(COOLING_MS as u64);
    let summary = studio.last_summary();
    assert_eq!((summary.hr_seconds, summary.meps, studio.host.raised.len()), (180.0, Some(8.0), 0));
}
