//! What the trainer is told before a move of the plan is made.

mod common;

use common::*;
use fitconnect_protocol::class::*;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Consent;
use fitconnect_protocol::*;

/// Two minutes of work, one of recovery, two of work, with riders at 185, 175 and 150 bpm, and one at 185 whose heart is not shared.
fn studio() -> Studio {
    let (work, rest) = (SegmentKind::Work, SegmentKind::Recover);
    let plan = vec![segment(work, 120, None), segment(rest, 60, None), segment(work, 120, None)];
    let mut studio = Studio::open(plan);
    (0..3).for_each(|n| _ = studio.rider(n));
    let private = Consent { share_with_trainer: false, ..open_consent() };
    studio.join(3, golden_profile(250), private, vec![strap(3)]);
    studio.plan(PlanAction::Start).ride_all(&[(0, 185), (1, 175), (2, 150), (3, 185)], 30);
    studio
}

fn forecast(studio: &mut Studio, action: PlanAction, at: Option<i64>) -> Forecast {
    match studio.accepted(&trainer(), ClassCommand::Forecast { action, at }) {
        Response::Foreseen(forecast) => forecast,
        other => panic!("no forecast: {other:?}"),
    }
}

fn slots(forecast: &Forecast) -> Vec<Slot> {
    forecast.near.iter().map(|near| near.slot).collect()
}

#[test]
fn who_is_near_the_limit_is_named_where_there_would_be_more_work() {
    let mut studio = studio();
    let longer = forecast(&mut studio, PlanAction::Adjust { by_s: 15 }, None);
    assert_eq!((longer.at, longer.ends, longer.later_ms), (30_000, Some(315_000), Some(15_000)));
    // Five minutes hold all that is left of the plan.
    assert_eq!((longer.more_work_ms, slots(&longer)), (15_000, vec![0, 1]));
    assert_eq!(longer.near.iter().map(|near| near.percent).collect::<Vec<_>>(), [97, 92]);
    let shorter = forecast(&mut studio, PlanAction::Adjust { by_s: -15 }, Some(33_000));
    assert_eq!((shorter.at, shorter.ends, shorter.later_ms), (33_000, Some(285_000), Some(-15_000)));
    assert_eq!((shorter.more_work_ms, slots(&shorter)), (-15_000, vec![]));
    let held = forecast(&mut studio, PlanAction::Hold, None);
    assert_eq!((held.ends, held.later_ms, held.more_work_ms > 0), (None, None, true));
    // The recovery falls away: no more work in all, and none of it later than five minutes from now.
    let skipped = forecast(&mut studio, PlanAction::Skip, None);
    assert_eq!((skipped.later_ms, skipped.more_work_ms), (Some(-60_000), 0));
}

#[test]
fn a_heart_that_is_lost_is_not_named() {
    let mut studio = studio();
    studio.at(45);
    assert_eq!(slots(&forecast(&mut studio, PlanAction::Adjust { by_s: 15 }, None)), Vec::<Slot>::new());
}

#[test]
fn a_forecast_changes_nothing_and_comes_true() {
    use PlanAction::*;
    for action in [Next, Back, Adjust { by_s: 15 }, Adjust { by_s: -15 }, Repeat, Skip, Hold, Pause, End] {
        let mut studio = studio();
        let before = studio.host.class.timeline().clone();
        let told = forecast(&mut studio, action, Some(33_000));
        assert_eq!(*studio.host.class.timeline(), before, "{action:?}");
        studio.staff(ClassCommand::Plan { action, at: Some(33_000) });
        let timeline = studio.host.class.timeline();
        assert_eq!(timeline.ends(), told.ends, "{action:?}");
        let later = timeline.ends().zip(before.ends()).map(|(then, now)| then - now);
        assert_eq!(told.later_ms, later, "{action:?}");
    }
}

#[test]
fn what_could_not_be_done_is_not_foreseen() {
    let mut studio = studio();
    let ask = |action, at| ClassCommand::Forecast { action, at };
    assert_eq!(studio.refused(&member(0), ask(PlanAction::Next, None)), ErrorCode::Forbidden);
    assert_eq!(studio.refused(&trainer(), ask(PlanAction::Start, None)), ErrorCode::WrongPhase);
    assert_eq!(studio.refused(&trainer(), ask(PlanAction::Next, Some(10_000))), ErrorCode::TooLate);
}
