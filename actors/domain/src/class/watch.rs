//! What one person's heart rate says to a trainer: falls, over maximum, high for long, out of target.
//! Looks at the median of five samples, so that one slipped beat alarms nobody. No diagnosis: this is no medical device.

use super::fold::{Terms, heart_deviation, max_scale};
use super::plan::Edge;
use crate::time::ClassMs;
use fitconnect_protocol::class::{AttentionKind, Phase, SegmentKind};
use fitconnect_protocol::user::HrMaxSource;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const FALL_BPM: u8 = 40;
const FALL_WITHIN_MS: i64 = 20_000;
const OVER_MAX_MS: i64 = 30_000;
/// A maximum from a formula is off by 10 bpm or so: over it means over it by that much.
const FORMULA_ERROR_TENTHS: u32 = 100;
const HIGH_THOUSANDTHS: u32 = 950;
const HIGH_MS: i64 = 180_000;
const HIGH_IN_RECOVERY_MS: i64 = 60_000;
const OUT_OF_TARGET_POINTS: i64 = 5;
const OUT_OF_TARGET_MS: i64 = 60_000;
const OUT_OF_TARGET_FROM_MS: i64 = 90_000;
const OUT_OF_TARGET_SEGMENT_MS: i64 = 150_000;
/// A longer break between samples ends every "for so long".
const BREAK_MS: i64 = 10_000;
const MEDIAN_OF: usize = 5;

/// A fall that has not been made good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Fell {
    level: u8,
    since: ClassMs,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    last_five: VecDeque<u8>,
    /// Medians of the last 20 s.
    medians: VecDeque<(ClassMs, u8)>,
    last_at: Option<ClassMs>,
    fell: Option<Fell>,
    over_since: Option<ClassMs>,
    high_since: Option<ClassMs>,
    out_since: Option<(u16, ClassMs)>,
    /// The run of the last sample, when it began, and whether it is a recovery.
    run: Option<(u16, ClassMs, bool)>,
    /// The maximum was exceeded for half a minute: it is probably too low.
    pub max_low: bool,
}

impl Watch {
    /// Hears the newest counted heart rate, in order of time.
    pub fn hear(&mut self, at: ClassMs, bpm: u8, terms: &Terms<'_>) {
        if self.last_at.is_some_and(|last| at - last > BREAK_MS) {
            let (fell, max_low) = (self.fell, self.max_low);
            *self = Watch { fell, max_low, ..Watch::default() };
        }
        self.last_at = Some(at);
        if self.last_five.len() == MEDIAN_OF {
            self.last_five.pop_front();
        }
        self.last_five.push_back(bpm);
        let edge = terms.timeline.state_at(at);
        let median = median(&self.last_five);
        self.watch_fall(at, median, &edge, terms);
        self.watch_level(at, median, &edge, terms);
        self.watch_target(at, median, &edge, terms);
    }

    fn watch_fall(&mut self, at: ClassMs, median: u8, edge: &Edge, terms: &Terms<'_>) {
        if self.last_five.len() < MEDIAN_OF {
            return;
        }
        while self.medians.front().is_some_and(|(then, _)| *then < at - FALL_WITHIN_MS) {
            self.medians.pop_front();
        }
        let highest = self.medians.iter().map(|(_, median)| *median).max().unwrap_or(median);
        self.medians.push_back((at, median));
        if self.fell.is_some_and(|fell| median + FALL_BPM > fell.level) {
            self.fell = None;
        }
        let resting = match kind_of(edge, terms) {
            Some(SegmentKind::Recover | SegmentKind::Cooldown) => true,
            Some(SegmentKind::Warmup | SegmentKind::Work | SegmentKind::Test | SegmentKind::Transition) => false,
            None => true,
        };
        if !resting && self.fell.is_none() && highest >= median + FALL_BPM {
            self.fell = Some(Fell { level: highest, since: at });
        }
    }

    fn watch_level(&mut self, at: ClassMs, median: u8, edge: &Edge, terms: &Terms<'_>) {
        self.run = edge.run.map(|run| {
            (run, terms.timeline.runs[usize::from(run)].starts.unwrap_or(edge.at), is_recovery(edge, terms))
        });
        let Some(max) = terms.body.zones_max() else { return };
        let formula = terms.body.hr_max.is_some_and(|max| max.source == HrMaxSource::Formula);
        let over = u32::from(median) * 10 > u32::from(max.tenths());
        let over_by_enough = u32::from(median) * 10 >= u32::from(max.tenths()) + FORMULA_ERROR_TENTHS;
        let is_over = if formula { over_by_enough } else { over };
        since(&mut self.over_since, is_over, at);
        since(&mut self.high_since, max.at_least(median, HIGH_THOUSANDTHS), at);
        self.max_low |= self.over_since.is_some_and(|since| at - since >= OVER_MAX_MS);
    }

    fn watch_target(&mut self, at: ClassMs, median: u8, edge: &Edge, terms: &Terms<'_>) {
        if !self.is_out_of_target(at, median, edge, terms) {
            self.out_since = None;
            return;
        }
        let Some(run) = edge.run else { return };
        if self.out_since.is_none_or(|(then, _)| then != run) {
            self.out_since = Some((run, at));
        }
    }

    fn is_out_of_target(&self, at: ClassMs, median: u8, edge: &Edge, terms: &Terms<'_>) -> bool {
        let (Some(run), Phase::Live, Some(max)) = (edge.run, edge.phase, terms.body.zones_max()) else { return false };
        let planned_ms = terms.timeline.runs[usize::from(run)].planned_ms;
        let long_enough = planned_ms == 0 || planned_ms >= OUT_OF_TARGET_SEGMENT_MS;
        if !long_enough || edge.elapsed + at - edge.at < OUT_OF_TARGET_FROM_MS {
            return false;
        }
        let Some((kind, Some(target))) = terms.runs.get(usize::from(run)).copied() else { return false };
        heart_deviation(median, max, kind, target, terms.body)
            .is_some_and(|deviation| deviation > OUT_OF_TARGET_POINTS * max_scale(max))
    }

    /// When it last heard something.
    pub fn heard_until(&self) -> Option<ClassMs> {
        self.last_at
    }

    /// What holds as of the last sample, and since when.
    pub fn conditions(&self) -> impl Iterator<Item = (AttentionKind, ClassMs)> {
        let at = self.last_at.unwrap_or(ClassMs::MIN);
        let lasts = |since: ClassMs, ms: i64| at - since >= ms;
        let recovering_since = self.run.filter(|(_, _, recovery)| *recovery).map(|(_, starts, _)| starts);
        let fell = self.fell.map(|fell| (AttentionKind::Fell, fell.since));
        let over =
            self.over_since.filter(|since| lasts(*since, OVER_MAX_MS)).map(|since| (AttentionKind::OverMax, since));
        let high = self.high_since.filter(|since| {
            let in_recovery = recovering_since.is_some_and(|starts| lasts((*since).max(starts), HIGH_IN_RECOVERY_MS));
            in_recovery || lasts(*since, HIGH_MS)
        });
        let high = high.map(|since| (AttentionKind::High, since));
        let out = self.out_since.filter(|(_, since)| lasts(*since, OUT_OF_TARGET_MS));
        let out = out.map(|(_, since)| (AttentionKind::OutOfTarget, since));
        [fell, over, high, out].into_iter().flatten()
    }

    /// The median of the last five heart rates; none before there are five.
    pub fn level(&self) -> Option<u8> {
        (self.last_five.len() == MEDIAN_OF).then(|| median(&self.last_five))
    }

    /// Whether the last heart rate stood at 95 % or more: losing it then is worth a look.
    pub fn was_high(&self) -> bool {
        self.high_since.is_some()
    }
}

fn since(since: &mut Option<ClassMs>, holds: bool, at: ClassMs) {
    *since = if holds { since.or(Some(at)) } else { None };
}

fn kind_of(edge: &Edge, terms: &Terms<'_>) -> Option<SegmentKind> {
    terms.runs.get(usize::from(edge.run?)).map(|(kind, _)| *kind)
}

fn is_recovery(edge: &Edge, terms: &Terms<'_>) -> bool {
    kind_of(edge, terms) == Some(SegmentKind::Recover)
}

fn median(values: &VecDeque<u8>) -> u8 {
    let mut sorted: Vec<u8> = values.iter().copied().collect();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
