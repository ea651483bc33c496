//! A person's figures while samples still come: tallies up to a minute ago, the samples since, and the fold of both.
//! What is older than that minute is put in its place by folding the stored series anew.

use super::fold::{Figures, Fold, Terms};
use super::rider::{Sample, Span};
use super::streams::Streams;
use crate::time::ClassMs;
use fitconnect_protocol::Slot;
use fitconnect_protocol::class::SourceKind;
use fitconnect_protocol::limits::TAIL_MS;
use std::collections::VecDeque;

/// Late samples of one person that wait for the stored series; more than this are told to come again.
pub const LATE_WAITING_MAX: usize = 20_000;

/// Which samples count for one person, and how long each may hold.
pub struct Wear<'a> {
    pub streams: &'a Streams,
    pub slot: Slot,
    pub present: &'a [Span],
}

impl Wear<'_> {
    /// The sensor's kind and the moment beyond which nothing holds; `None` where the sample is not this person's.
    pub fn of(&self, sample: &Sample) -> Option<(SourceKind, ClassMs)> {
        let sensor = self.streams.sensor_of(sample.stream)?;
        if sensor.wearer_at(sample.at) != Some(self.slot) {
            return None;
        }
        let span = self.present.iter().find(|span| span.holds(sample.at))?;
        Some((sensor.kind, span.until().min(sensor.worn_until(sample.at))))
    }

    fn feed(&self, fold: &mut Fold, sample: Sample, terms: &Terms<'_>) -> bool {
        match self.of(&sample) {
            Some((kind, until)) => fold.take(sample, kind, until, terms),
            None => false,
        }
    }
}

/// What a new sample did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is the newest; whether its heart rate counts.
    Newest { counts: bool },
    /// It lies within the last minute.
    Within,
    /// It is older: the stored series is wanted.
    Late,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Everything up to the first sample of the tail.
    base: Fold,
    base_at: Option<ClassMs>,
    head: Fold,
    tail: VecDeque<Sample>,
    late: Vec<Sample>,
    /// The head no longer equals base and tail.
    dirty: bool,
    /// The base is wrong: only the stored series helps.
    wants_series: bool,
    pub loading: bool,
}

impl Live {
    pub fn place(&mut self, sample: Sample, wear: &Wear<'_>, terms: &Terms<'_>) -> Placed {
        if self.tail.back().is_none_or(|last| last.key() < sample.key()) && self.base_at.is_none_or(|at| at <= sample.at) {
            self.tail.push_back(sample);
            let counts = !self.dirty && wear.feed(&mut self.head, sample, terms);
            self.trim(wear, terms);
            return Placed::Newest { counts };
        }
        if self.base_at.is_some_and(|at| sample.at <= at) {
            self.late.push(sample);
            self.wants_series = true;
            return Placed::Late;
        }
        let index = self.tail.partition_point(|other| other.key() < sample.key());
        self.tail.insert(index, sample);
        self.dirty = true;
        Placed::Within
    }

    pub fn may_take_late(&self) -> bool {
        self.late.len() < LATE_WAITING_MAX
    }

    /// Moves what is older than a minute from the tail into the base.
    fn trim(&mut self, wear: &Wear<'_>, terms: &Terms<'_>) {
        let Some(newest) = self.tail.back().map(|sample| sample.at) else { return };
        while self.tail.front().is_some_and(|oldest| oldest.at < newest - TAIL_MS) {
            let oldest = self.tail.pop_front().expect("the front was just seen");
            wear.feed(&mut self.base, oldest, terms);
            self.base_at = Some(oldest.at);
        }
    }

    /// What happens from `from` on has changed: a move of the plan, a leave, a swap.
    pub fn changed_from(&mut self, from: ClassMs, hold_ms: i64) {
        // What the base's last sample holds was bounded when it was taken.
        if self.base_at.is_some_and(|at| from < at + hold_ms) {
            self.wants_series = true;
        } else if self.tail.back().is_some_and(|last| from < last.at + hold_ms) {
            self.dirty = true;
        }
    }

    /// Whether the stored series should be asked for now.
    pub fn wants_series(&self) -> bool {
        self.wants_series && !self.loading
    }

    /// Everything that is stored of this person has come; with what came meanwhile it is the whole truth.
    pub fn take_series(&mut self, mut series: Vec<Sample>, wear: &Wear<'_>, terms: &Terms<'_>) {
        series.append(&mut self.late);
        series.extend(self.tail.drain(..));
        series.sort_unstable_by_key(Sample::key);
        series.dedup_by_key(|sample| sample.key());
        *self = Live::default();
        let newest = series.last().map_or(0, |sample| sample.at);
        for sample in series {
            if sample.at < newest - TAIL_MS {
                wear.feed(&mut self.base, sample, terms);
                self.base_at = Some(sample.at);
            } else {
                self.tail.push_back(sample);
            }
        }
        self.refold(wear, terms);
    }

    /// Brings the head up to date.
    pub fn refresh(&mut self, wear: &Wear<'_>, terms: &Terms<'_>) -> bool {
        if self.dirty {
            self.refold(wear, terms);
            return true;
        }
        false
    }

    fn refold(&mut self, wear: &Wear<'_>, terms: &Terms<'_>) {
        self.head = self.base.clone();
        for sample in &self.tail {
            wear.feed(&mut self.head, *sample, terms);
        }
        self.dirty = false;
    }

    /// Figures up to the last counted sample. Up to date after [`Live::refresh`].
    pub fn figures(&self) -> &Figures {
        self.head.figures()
    }

    /// Figures with everything that still holds, ended at `end`.
    pub fn finish(&self, end: ClassMs, terms: &Terms<'_>) -> Figures {
        self.head.clone().finish(end, terms)
    }

    /// The samples of the last minute, oldest first.
    pub fn tail(&self) -> impl DoubleEndedIterator<Item = &Sample> {
        self.tail.iter()
    }

    pub fn check_invariants(&self) {
        assert!(self.tail.iter().zip(self.tail.iter().skip(1)).all(|(a, b)| a.key() < b.key()), "the tail is in order");
        if let (Some(base), Some(first)) = (self.base_at, self.tail.front()) {
            assert!(base <= first.at, "the base ends before the tail begins");
        }
    }
}

/// The figures of a whole series in order of time: what everything else must equal.
pub fn fold_all<'s>(series: impl IntoIterator<Item = &'s Sample>, end: ClassMs, wear: &Wear<'_>, terms: &Terms<'_>) -> Figures {
    let mut fold = Fold::default();
    for sample in series {
        wear.feed(&mut fold, *sample, terms);
    }
    fold.finish(end, terms)
}
