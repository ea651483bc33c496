//! What a move of the plan would come to, before it is made: the same timeline with the move in it, and who is near the limit.

use super::board::{View, row};
use super::commands::{Decision, ensure};
use super::plan::{Move, Timeline};
use super::{Class, change::Stage};
use crate::class::Caller;
use crate::time::ClassMs;
use fitconnect_protocol::ErrorCode;
use fitconnect_protocol::class::{Forecast, Near, Phase, PlanAction, Segment, SegmentKind};
use fitconnect_protocol::limits::{FORECAST_NEAR_MAX, PLAN_MOVES_MAX, SEGMENTS_MAX};
use fitconnect_protocol::tick::Signal;

/// Work is compared over so long after the move: what comes later, the trainer will have moved again.
const WORK_WITHIN_MS: i64 = 5 * 60_000;
/// Percent of the maximum from which more work is a risk: the fifth zone.
const NEAR_PERCENT: u8 = 90;
/// A move may be planned so far ahead.
const MOVE_AHEAD_MS: i64 = 10 * 60 * 1000;

impl Class {
    /// The move and the timeline with it, if it may be made.
    pub(super) fn moved(&self, action: PlanAction, when: Option<ClassMs>, at: ClassMs) -> Decision<(Move, Timeline)> {
        ensure(self.stage == Stage::Running, ErrorCode::WrongPhase, "open the lobby first")?;
        let when = when.unwrap_or(at);
        ensure(when >= at, ErrorCode::TooLate, "a move of the plan cannot lie in the past")?;
        ensure(when <= at + MOVE_AHEAD_MS, ErrorCode::Malformed, "a move lies at most ten minutes ahead")?;
        ensure(self.moves.len() < PLAN_MOVES_MAX, ErrorCode::TooLarge, "this plan has been moved a thousand times")?;
        let allowed = match (action, self.timeline.state_at(when).phase) {
            (PlanAction::Start, phase) => phase == Phase::Lobby,
            (PlanAction::Pause, phase) => phase == Phase::Live,
            (PlanAction::Resume, phase) => phase == Phase::Paused,
            (_, phase) => matches!(phase, Phase::Live | Phase::Paused),
        };
        ensure(allowed, ErrorCode::WrongPhase, "the plan is not where this has a sense")?;
        let each = Move { id: self.next_move(), at: when, action, undone: false };
        let facts = self.facts.as_ref().expect("a running class has facts");
        let next = Timeline::derive(&facts.segments, &[self.moves.as_slice(), std::slice::from_ref(&each)].concat());
        ensure(next.runs.len() <= SEGMENTS_MAX, ErrorCode::TooLarge, "a plan has at most 120 segments")?;
        ensure(next != self.timeline, ErrorCode::WrongPhase, "this would change nothing")?;
        Ok((each, next))
    }

    /// What the move would come to, as a desk may know it.
    pub(super) fn forecast(
        &self,
        by: &Caller,
        action: PlanAction,
        when: Option<ClassMs>,
        at: ClassMs,
    ) -> Decision<Forecast> {
        self.staff(by)?;
        let (each, next) = self.moved(action, when, at)?;
        let segments = &self.facts.as_ref().expect("a running class has facts").segments;
        let within = (each.at, each.at + WORK_WITHIN_MS);
        let more_work_ms = work_within(&next, segments, within) - work_within(&self.timeline, segments, within);
        let later_ms = next.ends().zip(self.timeline.ends()).map(|(next, now)| next - now);
        let near = if more_work_ms > 0 { self.near(at) } else { Vec::new() };
        Ok(Forecast { at: each.at, ends: next.ends(), later_ms, more_work_ms, near })
    }

    /// Those near the limit whose heart the desk sees now, nearest first.
    fn near(&self, at: ClassMs) -> Vec<Near> {
        let rows = self.riders.iter().filter(|rider| rider.is_present()).filter_map(|rider| row(rider, at, View::Desk));
        let live = rows.filter(|row| matches!(row.signal, Signal::Live | Signal::Ageing));
        let percents = live.filter_map(|row| Some(Near { slot: row.slot, percent: row.percent? }));
        let mut near: Vec<Near> = percents.filter(|near| near.percent >= NEAR_PERCENT).collect();
        near.sort_by_key(|near| (std::cmp::Reverse(near.percent), near.slot));
        near.truncate(FORECAST_NEAR_MAX);
        near
    }
}

/// Milliseconds of work that a timeline has between two moments.
fn work_within(timeline: &Timeline, segments: &[Segment], (from, to): (ClassMs, ClassMs)) -> i64 {
    let ends = timeline.edges.iter().skip(1).map(|edge| edge.at).chain([ClassMs::MAX]);
    let works = timeline.edges.iter().zip(ends).filter(|(edge, _)| {
        let run = edge.run.filter(|_| edge.phase == Phase::Live).map(|run| &timeline.runs[usize::from(run)]);
        let kind = run.map(|run| segments[usize::from(run.segment)].kind);
        matches!(kind, Some(SegmentKind::Work | SegmentKind::Test))
    });
    works.map(|(edge, ends)| (ends.min(to) - edge.at.max(from)).max(0)).sum()
}
