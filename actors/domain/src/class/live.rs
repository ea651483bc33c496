//! A person's figures while samples still come: tallies up to a minute ago, the samples since, and the fold of both.
//! What is older than that minute is put in its place by folding the stored series anew.

use super::fold::{Figures, Fold, Terms};
use super::rider::{Sample, Span, StreamNo};
use super::streams::Streams;
use crate::time::ClassMs;
use fitconnect_protocol::Slot;
use fitconnect_protocol::class::SourceKind;
use fitconnect_protocol::limits::{LATE_WAITING_MAX, TAIL_MS, TAIL_SAMPLES_MAX};
use fitconnect_protocol::{Boot, Seq};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Which samples count for one person, and how long each may hold.
pub struct Wear<'a> {
    pub streams: &'a Streams,
    pub slot: Slot,
    pub present: &'a [Span],
}

impl Wear<'_> {
    /// The sensor's kind and the moment beyond which nothing holds; `None` where the sample is not this person's.
    pub fn of(&self, sample: &Sample) -> Option<(SourceKind, ClassMs)> {
        let sensor = self.streams.sensor_of(sample.stream);
        if sensor.wearer_at(sample.at) != Some(self.slot) {
            return None;
        }
        let span = self.present.iter().find(|span| span.holds(sample.at))?;
        Some((sensor.kind, span.until().min(sensor.worn_until(sample.at))))
    }

    /// Feeds a fold with the next sample; whether its heart rate counts.
    pub fn feed(&self, fold: &mut Fold, sample: Sample, terms: &Terms<'_>) -> bool {
        match self.of(&sample) {
            Some((kind, until)) => fold.take(sample, kind, until, terms),
            None => false,
        }
    }
}

/// What a new sample did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is the newest; whether its heart rate counts, as far as is known before the next refresh.
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
    loading: bool,
    /// The figures were wrong when the series was asked for.
    doubted: bool,
    /// Sensors changed hands while the series was being loaded: what comes may lack some of them.
    outdated: bool,
}

impl Live {
    pub fn place(&mut self, sample: Sample, wear: &Wear<'_>, terms: &Terms<'_>) -> Placed {
        if self.base_at.is_some_and(|at| sample.at <= at) {
            self.late.push(sample);
            self.wants_series = true;
            return Placed::Late;
        }
        if self.tail.back().is_none_or(|last| wear.streams.order(last, &sample) == Ordering::Less) {
            self.tail.push_back(sample);
            let counts = !self.dirty && wear.feed(&mut self.head, sample, terms);
            self.trim(wear, terms);
            return Placed::Newest { counts };
        }
        let index = self.tail.partition_point(|other| wear.streams.order(other, &sample) == Ordering::Less);
        self.tail.insert(index, sample);
        self.dirty = true;
        Placed::Within
    }

    /// Whether one more sample of time `at` may wait in memory.
    pub fn has_room(&self, at: ClassMs) -> bool {
        let late = self.base_at.is_some_and(|base| at <= base);
        if late { self.late.len() < LATE_WAITING_MAX } else { self.tail.len() < TAIL_SAMPLES_MAX }
    }

    /// Moves what is older than a minute from the tail into the base. Not while the series is on its way:
    /// it may lack what has come since it was asked for.
    fn trim(&mut self, wear: &Wear<'_>, terms: &Terms<'_>) {
        if self.loading {
            return;
        }
        let Some(newest) = self.tail.back().map(|sample| sample.at) else { return };
        while self.tail.front().is_some_and(|oldest| oldest.at < newest - TAIL_MS) {
            let oldest = self.tail.pop_front().expect("the front was just seen");
            wear.feed(&mut self.base, oldest, terms);
            self.base_at = Some(oldest.at);
        }
    }

    /// The plan has changed from `from` on. What still holds is split only when the next sample comes.
    pub fn plan_changed(&mut self, from: ClassMs) {
        if self.base_at.is_some_and(|at| from <= at) {
            self.wants_series = true;
        } else if self.tail.back().is_some_and(|last| from <= last.at) {
            self.dirty = true;
        }
    }

    /// The person was there, or not there, from `from` on: how long a sample may hold was fixed when it was taken.
    pub fn presence_changed(&mut self, from: ClassMs, hold_ms: i64) {
        if self.base_at.is_some_and(|at| from <= at + hold_ms) {
            self.wants_series = true;
        } else if self.tail.back().is_some_and(|last| from <= last.at + hold_ms) {
            self.dirty = true;
        }
    }

    /// A sensor was taken over from another person, or given away: samples may be missing here.
    pub fn sensors_changed(&mut self) {
        self.wants_series = true;
        self.outdated |= self.loading;
    }

    /// Whether the stored series should be asked for now.
    pub fn wants_series(&self) -> bool {
        self.wants_series && !self.loading
    }
    /// The stored series has been asked for.
    pub fn begin_loading(&mut self) {
        self.doubted = self.wants_series;
        (self.loading, self.wants_series, self.outdated) = (true, false, false);
    }
    /// It could not be had.
    pub fn loading_failed(&mut self) {
        (self.loading, self.wants_series) = (false, true);
    }

    /// Whether the figures are those of everything that has come.
    pub fn is_exact(&self) -> bool {
        !self.dirty && !self.wants_series && !self.doubted && self.late.is_empty()
    }

    /// The stored series with what came since, in order of time: the whole truth.
    pub fn whole(&self, stored: Vec<Sample>, streams: &Streams) -> Vec<Sample> {
        let mut series = stored;
        series.extend(&self.late);
        series.extend(&self.tail);
        series.sort_unstable_by(|a, b| streams.order(a, b));
        series.dedup_by(|a, b| streams.order(a, b) == Ordering::Equal);
        series
    }

    /// Starts anew from the whole series. `heard` is told of each heart rate that counts.
    pub fn take_series(
        &mut self,
        series: &[Sample],
        wear: &Wear<'_>,
        terms: &Terms<'_>,
        mut heard: impl FnMut(&Sample),
    ) {
        let wants_series = self.outdated;
        *self = Live { wants_series, ..Live::default() };
        let Some(newest) = series.last().map(|sample| sample.at) else { return };
        let tail_from = series.partition_point(|sample| sample.at < newest - TAIL_MS);
        for sample in &series[..tail_from] {
            if wear.feed(&mut self.base, *sample, terms) {
                heard(sample);
            }
            self.base_at = Some(sample.at);
        }
        self.tail.extend(&series[tail_from..]);
        self.head = self.base.clone();
        for sample in &self.tail {
            if wear.feed(&mut self.head, *sample, terms) {
                heard(sample);
            }
        }
    }

    /// What a checkpoint keeps: the tallies, where they end, and the samples since. `None` while something older is missing.
    pub fn kept(&self) -> Option<(&Fold, Option<ClassMs>, &VecDeque<Sample>)> {
        let whole = !self.wants_series && !self.loading && !self.doubted && !self.outdated && self.late.is_empty();
        whole.then_some((&self.base, self.base_at, &self.tail))
    }

    pub fn from_kept(base: Fold, base_at: Option<ClassMs>, tail: Vec<Sample>) -> Live {
        Live { base, base_at, tail: tail.into(), dirty: true, ..Live::default() }
    }

    pub fn tail_has(&self, key: (StreamNo, Boot, Seq)) -> bool {
        self.tail.iter().rev().any(|sample| (sample.stream, sample.boot, sample.seq) == key)
    }

    /// Brings the head up to date. Whether there was anything to do.
    pub fn refresh(&mut self, wear: &Wear<'_>, terms: &Terms<'_>) -> bool {
        if !self.dirty {
            return false;
        }
        self.head = self.base.clone();
        for sample in &self.tail {
            wear.feed(&mut self.head, *sample, terms);
        }
        self.dirty = false;
        true
    }

    /// Figures up to the last counted sample. Up to date after [`Live::refresh`].
    pub fn figures(&self) -> &Figures {
        self.head.figures()
    }

    /// The newest heart rate that counts.
    pub fn newest(&self) -> Option<Sample> {
        self.head.held_heart()
    }

    /// Figures with everything that still holds, to the end of the class.
    pub fn finish(&self, terms: &Terms<'_>) -> Figures {
        self.head.clone().finish(ClassMs::MAX, terms)
    }

    pub fn check_invariants(&self, streams: &Streams) {
        let mut pairs = self.tail.iter().zip(self.tail.iter().skip(1));
        assert!(pairs.all(|(a, b)| streams.order(a, b) == Ordering::Less), "the tail is in order");
        if let (Some(base), Some(first)) = (self.base_at, self.tail.front()) {
            assert!(base <= first.at, "the base ends before the tail begins");
        }
    }
}

/// The figures of a whole series in order of time: what everything else must equal.
pub fn fold_all<'s>(series: impl IntoIterator<Item = &'s Sample>, wear: &Wear<'_>, terms: &Terms<'_>) -> Figures {
    let mut fold = Fold::default();
    for sample in series {
        wear.feed(&mut fold, *sample, terms);
    }
    fold.finish(ClassMs::MAX, terms)
}
