//! What happens by itself: the lobby opens, the plan ends, five minutes of cooling pass, the class settles.
//! Settlement reads each rider's stored series, a bounded number at a time, and goes on where it stopped.

use super::change::{Change, Stage, What};
use super::io::StoredSample;
use super::live::Wear;
use super::rider::Sample;
use super::samples::{believe, sample_of};
use super::summary::{self, Case};
use super::{Class, board};
use crate::letter::{ActorKey, Letter, LetterBody};
use crate::{Millis, Out};
use fitconnect_protocol::Slot;
use fitconnect_protocol::class::{ClassEvent, MemberSummary, Phase};
use std::collections::VecDeque;

/// After the store could not answer, nothing is asked for so long.
const LOAD_AGAIN_MS: u64 = 1_000;

/// A settlement under way.
#[derive(Default)]
pub(super) struct Settling {
    /// Who has no summary yet; those whose series is on its way are no longer here.
    todo: VecDeque<Slot>,
    /// The board is frozen: ranks are final.
    ranked: bool,
}

impl Class {
    /// The alarm has fired: whatever is due happens.
    pub(super) fn wake(&mut self, now: Millis, out: &mut Out<Class>) {
        while self.alarm().is_some_and(|at| at <= now) {
            match self.stage {
                Stage::Scheduled | Stage::Open => self.enter_stage(Stage::Running, now, out),
                Stage::Running if self.cooled => self.enter_stage(Stage::Finished, now, out),
                Stage::Running => self.cool(now, out),
                Stage::Finished | Stage::Settled | Stage::Aborted | Stage::Cancelled => return self.go_on(now, out),
            }
        }
    }

    fn enter_stage(&mut self, stage: Stage, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        if stage == Stage::Finished {
            self.save_fives(at, out);
        }
        self.happen_and_tell(at, None, What::Staged { stage, reason: None }, out);
    }

    fn cool(&mut self, now: Millis, out: &mut Out<Class>) {
        let at = self.timeline.ends().unwrap_or_else(|| self.class_at(now));
        self.happen_and_tell(at, None, What::Cooled, out);
    }

    /// What is left to do after the end: settle, then tell of what came late.
    pub(super) fn go_on(&mut self, now: Millis, out: &mut Out<Class>) {
        match self.stage {
            Stage::Finished | Stage::Aborted if !self.settled => self.settle(now, out),
            Stage::Settled | Stage::Aborted => self.settle_late(now, out),
            Stage::Scheduled | Stage::Open | Stage::Running | Stage::Finished | Stage::Cancelled => {}
        }
    }

    /// Whether something waits for the store that could not answer.
    pub(super) fn must_ask_again(&self) -> bool {
        let waiting = self.settling.is_some() || self.settled && !self.late.is_empty();
        waiting && self.loads.is_empty()
    }

    fn settle(&mut self, now: Millis, out: &mut Out<Class>) {
        if self.settling.is_none() {
            let todo = self.riders.iter().filter(|rider| rider.summary.version == 0).map(|rider| rider.slot).collect();
            self.settling = Some(Settling { todo, ranked: false });
        }
        self.refresh(now, out);
        // Ranks compare everybody: first all figures must be right.
        let ranked = self.settling.as_ref().is_some_and(|settling| settling.ranked);
        if !ranked && self.unfresh.is_empty() && self.loads.is_empty() {
            self.freeze();
        }
        self.load_next(now, out);
    }

    /// The board as it stays.
    fn freeze(&mut self) {
        let scores: Vec<_> = (0..self.riders.len() as Slot)
            .map(|slot| {
                let figures = self.with_rider(slot, |rider, _, terms| rider.live.finish(terms));
                figures.map_or((0, 0), |figures| (figures.points(), figures.reached_at))
            })
            .collect();
        self.board.rank(&mut self.riders, |rider| scores[usize::from(rider.slot)]);
        if let Some(settling) = &mut self.settling {
            settling.ranked = true;
        }
    }

    fn load_next(&mut self, now: Millis, out: &mut Out<Class>) {
        while self.may_load(now) {
            let Some(settling) = self.settling.as_mut().filter(|settling| settling.ranked) else { return };
            let Some(slot) = settling.todo.pop_front() else { break };
            if self.loads.contains(&slot) || self.riders[usize::from(slot)].summary.version > 0 {
                continue;
            }
            if self.streams.sources_of(slot).is_empty() {
                self.summarise(slot, &[], out);
            } else {
                self.ask_series(slot, out);
            }
        }
        let done = self.settling.as_ref().is_some_and(|settling| settling.ranked && settling.todo.is_empty());
        if done && self.loads.is_empty() && self.unfresh.is_empty() {
            self.finish_settlement(now, out);
        }
    }

    fn finish_settlement(&mut self, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        self.settling = None;
        let Some(facts) = &self.facts else { return };
        let summary = self.sums.class_summary(self.id, facts, &self.timeline, self.riders.len(), self.counts, at);
        self.happen(at, None, What::Settled(Box::new(summary)), out);
        if self.stage == Stage::Settled {
            self.publish_class(ClassEvent::Phase { phase: Phase::Settled, at, reason: None }, out);
        }
    }

    fn settle_late(&mut self, now: Millis, out: &mut Out<Class>) {
        for slot in self.late.clone() {
            if self.may_load(now) && !self.loads.contains(&slot) {
                self.ask_series(slot, out);
            }
        }
    }

    /// The stored series of a person has come: for figures that lay too far back, for a summary, or for its next version.
    pub(super) fn series_loaded(&mut self, slot: Slot, samples: Vec<StoredSample>, now: Millis, out: &mut Out<Class>) {
        if !self.loads.remove(&slot) {
            return;
        }
        let stored = self.judged(samples);
        let rider = &self.riders[usize::from(slot)];
        let series = rider.live.whole(stored, &self.streams);
        let first = rider.summary.version == 0 && self.settling.as_ref().is_some_and(|settling| settling.ranked);
        let again = self.settled && self.late.contains(&slot);
        if first || again {
            self.check_live(slot, &series);
        }
        let at = self.class_at(now);
        self.with_rider(slot, |rider, streams, terms| {
            let wear = Wear { streams, slot, present: &rider.present };
            rider.live.take_series(&series, &wear, terms, |_| ());
            rider.show_newest(at, terms);
        });
        self.board.stale = true;
        if self.riders[usize::from(slot)].live.wants_series() {
            // Sensors changed hands meanwhile: this was not the whole.
            if first {
                self.settling.iter_mut().for_each(|settling| settling.todo.push_back(slot));
            } else {
                self.unfresh.insert(slot);
            }
        } else if first || again {
            self.summarise(slot, &series, out);
        }
        self.go_on(now, out);
    }

    pub(super) fn series_failed(&mut self, slot: Slot, now: Millis) {
        if !self.loads.remove(&slot) {
            return;
        }
        self.load_again_at = now.plus(LOAD_AGAIN_MS);
        self.riders[usize::from(slot)].live.loading_failed();
        self.unfresh.insert(slot);
        if let Some(settling) = &mut self.settling
            && settling.ranked
        {
            settling.todo.push_back(slot);
        }
    }

    /// Stored samples as memory keeps them, without those that would never have been taken.
    pub(super) fn judged(&mut self, samples: Vec<StoredSample>) -> Vec<Sample> {
        let known = samples.into_iter().filter_map(|stored| {
            let stream = self.streams.number(stored.source, stored.receiver)?;
            let row = believe(stored.row).0?;
            Some(sample_of(&StoredSample { row, ..stored }, stream))
        });
        known.collect()
    }

    /// Live figures must be those of the stored series; where they are not, the series counts and the fault is told.
    fn check_live(&mut self, slot: Slot, series: &[Sample]) {
        let equal = self.with_rider(slot, |rider, streams, terms| {
            let wear = Wear { streams, slot, present: &rider.present };
            !rider.live.is_exact() || rider.live.finish(terms) == super::live::fold_all(series, &wear, terms)
        });
        self.counts.mismatches += u64::from(equal == Some(false));
    }

    fn summarise(&mut self, slot: Slot, series: &[Sample], out: &mut Out<Class>) {
        let Some(facts) = self.facts.clone() else { return };
        let id = self.id;
        let summary = self.with_rider(slot, |rider, streams, terms| {
            let rank =
                if rider.summary.version == 0 { rider.is_ranked().then_some(rider.rank) } else { rider.summary.rank };
            summary::member(&Case { id, facts: &facts, rider, streams, terms, rank }, series)
        });
        let Some(summary) = summary else { return };
        self.late.remove(&slot);
        let at = self.timeline.ends().unwrap_or_default();
        self.tell_member(slot, &summary, out);
        let change = Change { at, by: None, what: What::Summarised { slot, summary: Box::new(summary) } };
        self.apply(&change);
        out.save(change);
    }

    fn tell_member(&self, slot: Slot, summary: &MemberSummary, out: &mut Out<Class>) {
        if let Some(user) = self.riders[usize::from(slot)].user() {
            out.letter(Letter { to: ActorKey::User(user), body: LetterBody::Summary(Box::new(summary.clone())) });
        }
    }

    /// The ranks of a class that has settled, as restored.
    pub(super) fn restore_ranks(&mut self) {
        self.board.rank(&mut self.riders, board::live_score);
        for rider in &mut self.riders {
            if let Some(rank) = rider.summary.rank {
                rider.rank = rank;
            }
        }
    }
}
