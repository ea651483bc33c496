//! A class as a client knows it from its topic: phase, plan, clock. Snapshot first, events after.
//! Pure; riders, trainers and followers keep one each.

use fitconnect_protocol::class::{ClassClock, ClassEvent, ClassSnapshot, Phase, PlanAction, PlanView, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct ClassView {
    pub name: String,
    pub phase: Phase,
    pub clock: ClassClock,
    pub plan: PlanView,
    pub cues: u64,
}

impl ClassView {
    pub fn new(snapshot: &ClassSnapshot) -> ClassView {
        ClassView {
            name: snapshot.name.clone(),
            phase: snapshot.phase,
            clock: snapshot.clock,
            plan: snapshot.plan.clone(),
            cues: 0,
        }
    }

    pub fn apply(&mut self, event: &ClassEvent) {
        match event {
            ClassEvent::Phase { phase, .. } => self.phase = *phase,
            ClassEvent::Plan { action, undone, plan, .. } => {
                self.plan = plan.clone();
                self.phase = moved(self.phase, *action, *undone);
            }
            ClassEvent::Cue { .. } => self.cues += 1,
            ClassEvent::Roster { .. }
            | ClassEvent::Gone { .. }
            | ClassEvent::Staff(_)
            | ClassEvent::Whisper(_)
            | ClassEvent::Loose { .. } => {}
        }
    }

    /// Class time at a moment of the server's wall clock.
    pub fn class_ms(&self, server_ms: f64) -> f64 {
        self.clock.class_ms as f64 + f64::from(self.clock.rate) * (server_ms - self.clock.wall_ms as f64)
    }

    /// When the plan began, where it has.
    pub fn live_from(&self) -> Option<Timestamp> {
        self.plan.runs.first().and_then(|run| run.starts)
    }

    /// People may come in.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Lobby | Phase::Live | Phase::Paused)
    }

    /// The plan has ended at class time `at`, or the class otherwise.
    pub fn has_ended(&self, at: f64) -> bool {
        self.phase >= Phase::Cooling
            || self.live_from().is_some() && self.plan.ends.is_some_and(|ends| ends as f64 <= at)
    }
}

/// The phase after a move of the plan, or after it was taken back. Its end by itself is told as a phase.
fn moved(phase: Phase, action: PlanAction, undone: bool) -> Phase {
    match (action, undone) {
        (PlanAction::Start, false)
        | (PlanAction::Resume, false)
        | (PlanAction::Pause, true)
        | (PlanAction::End, true) => Phase::Live,
        (PlanAction::Pause, false) | (PlanAction::Resume, true) => Phase::Paused,
        (PlanAction::Start, true) => Phase::Lobby,
        (PlanAction::End, false) => Phase::Cooling,
        (
            PlanAction::Next
            | PlanAction::Back
            | PlanAction::Adjust { .. }
            | PlanAction::Repeat
            | PlanAction::Skip
            | PlanAction::Hold,
            _,
        ) => phase,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::class::{Run, Segment, SegmentKind};

    fn view() -> ClassView {
        ClassView {
            name: "x".into(),
            phase: Phase::Lobby,
            clock: ClassClock { class_ms: 1_000, wall_ms: 500, rate: 20 },
            plan: PlanView { version: 0, runs: vec![], current: None, ends: None },
            cues: 0,
        }
    }

    fn plan(action: PlanAction, undone: bool, starts: Option<Timestamp>, ends: Option<Timestamp>) -> ClassEvent {
        let segment = Segment { kind: SegmentKind::Work, duration_s: 60, target: None, cue: None };
        let run = Run { segment, planned_ms: 60_000, starts, ends };
        ClassEvent::Plan {
            id: 1,
            action,
            at: 0,
            undone,
            plan: PlanView { version: 1, runs: vec![run], current: None, ends },
        }
    }

    #[test]
    fn the_plans_moves_make_the_phase() {
        let mut view = view();
        assert_eq!(view.class_ms(510.0), 1_200.0);
        assert!(view.is_open() && view.live_from().is_none() && !view.has_ended(1e12));
        view.apply(&plan(PlanAction::Start, false, Some(5), Some(60_005)));
        assert_eq!((view.phase, view.live_from()), (Phase::Live, Some(5)));
        view.apply(&plan(PlanAction::Pause, false, Some(5), None));
        assert_eq!(view.phase, Phase::Paused);
        view.apply(&plan(PlanAction::Resume, false, Some(5), Some(61_000)));
        assert!(!view.has_ended(60_999.0) && view.has_ended(61_000.0));
        view.apply(&ClassEvent::Phase { phase: Phase::Cooling, at: 61_000, reason: None });
        assert!(view.has_ended(0.0) && !view.is_open());
    }
}
