//! How far a class has come, as the store has it: what the play goes by, so that a lost answer does not stop it.

use crate::world::Run;
use fitconnect_domain::class::{Stage, What};
use fitconnect_protocol::SourceId;
use fitconnect_protocol::class::PlanAction;

#[derive(Clone, Debug, Default)]
pub struct Truth {
    pub created: bool,
    pub lobby: bool,
    pub started: bool,
    pub paused: bool,
    pub ended: bool,
    pub cooled: bool,
    pub settled: bool,
    pub people: u16,
    pub last_move: Option<u32>,
    /// Sensors that came with somebody.
    pub sources: Vec<SourceId>,
}

impl Truth {
    pub fn of(run: &Run, class: usize) -> Truth {
        run.store.changes(run.classes[class].id, |changes| {
            let mut truth = Truth::default();
            let mut moves: Vec<(u32, PlanAction)> = Vec::new();
            for change in changes {
                match &change.what {
                    What::Created(_) => truth.created = true,
                    What::Staged { stage, .. } => truth.lobby |= *stage >= Stage::Running,
                    What::Cooled => truth.cooled = true,
                    What::Settled(_) => truth.settled = true,
                    What::Moved(each) => moves.push((each.id, each.action)),
                    What::Undone { id } => {
                        moves.retain(|(known, _)| known != id);
                        // What brought the class to its end may be taken back. Where it is over all the same, it settles in any case.
                        truth.cooled = false;
                    }
                    What::Joined(joined) => {
                        truth.people += 1;
                        truth.sources.extend(joined.sensors.iter().map(|sensor| sensor.source));
                    }
                    _ => {}
                }
            }
            truth.started = moves.iter().any(|(_, action)| *action == PlanAction::Start);
            truth.ended = moves.iter().any(|(_, action)| *action == PlanAction::End);
            truth.last_move = moves.last().map(|(id, _)| *id);
            let steps = moves.iter().rev().find(|(_, action)| matches!(action, PlanAction::Pause | PlanAction::Resume));
            truth.paused = steps.is_some_and(|(_, action)| *action == PlanAction::Pause);
            truth
        })
    }
}
