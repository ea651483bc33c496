//! What a class leaves of each member and of itself, from the ordered series of a person's samples.

use super::Counts;
use super::change::Facts;
use super::channel::Channel;
use super::energy::{FORMULAS, KEYTEL_AGES, UNIT};
use super::fold::{Figures, Fold, Terms, judged_of_run};
use super::live::Wear;
use super::power;
use super::rider::{Rider, Sample, StreamNo};
use super::streams::Streams;
use super::zones::{HrMax, MINUTE_MS};
use crate::time::ClassMs;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{
    ClassSummary, Gap, MemberSummary, PowerSummary, Provenance, RunCompliance, Sensor, SourceKind,
};
use fitconnect_protocol::limits::HOLD_MS;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const GAPS_MAX: usize = 20;
/// Under this share of data a segment has no score.
const COVERAGE_MIN: f64 = 0.5;
/// The maximum is too low when the median of five samples has been above it for so long …
const RAISE_FOR_MS: i64 = 30_000;
/// … and is never raised by more at once.
const RAISE_TENTHS_MAX: u16 = 100;
const MEDIAN_OF: usize = 5;
/// A longer break between samples begins the half minute anew.
const BREAK_MS: i64 = 10_000;
/// Steps up to this are the pace of a power meter that speaks each second; longer ones are holes …
const POWER_STEP_MS_MAX: i64 = 1_500;
/// … before which a value stands for its second.
const POWER_SECOND_MS: i64 = 1_000;

/// All that a summary is made of, besides the samples.
pub(super) struct Case<'a> {
    pub id: ClassId,
    pub facts: &'a Facts,
    pub rider: &'a Rider,
    pub streams: &'a Streams,
    pub terms: &'a Terms<'a>,
    pub rank: Option<u32>,
}

/// A heart rate that counted, and until when it may have held.
struct Counted {
    at: ClassMs,
    until: ClassMs,
    bpm: u8,
    kind: SourceKind,
}

/// The next version of a member's summary. `series` is in order of time.
pub(super) fn member(case: &Case<'_>, series: &[Sample]) -> MemberSummary {
    let Case { id, facts, rider, terms, rank, .. } = case;
    let body = &rider.body;
    let max = body.zones_max();
    let (figures, heart) = walk(case, series);
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    let minutes = |ms: i64| ms as f64 / MINUTE_MS as f64;
    let units = |sum: Option<i64>| sum.map(|sum| sum as f64 / UNIT);
    let (from, to) = presence(case);
    MemberSummary {
        class: *id,
        class_name: facts.name.clone(),
        activity: facts.activity,
        slot: rider.slot,
        version: rider.summary.version + 1,
        from,
        to,
        records: figures.records,
        hr_seconds: seconds(figures.hr_ms),
        hr_avg: if figures.hr_ms > 0 { figures.hr_bpm_ms as f64 / figures.hr_ms as f64 } else { 0.0 },
        hr_max: u16::from(figures.hr_max),
        zone_s: max.map(|_| figures.zone_ms.map(seconds)),
        points: max.map(|_| figures.points() as u32),
        meps: max.map(|_| minutes(figures.score as i64)),
        splats: max.map(|_| figures.splats() as u32),
        splat_minutes: max.map(|_| minutes(figures.splat_ms)),
        edwards: max.map(|_| minutes(figures.edwards_ms)),
        banister: units(figures.banister),
        kcal: units(figures.kcal),
        keytel_kcal: units(figures.keytel),
        rank: *rank,
        compliance: compliance(&figures, terms),
        power: power_of(case, series),
        hr_max_raise_tenths: max.and_then(|max| raised(&heart, max)),
        fives: rider.fives,
        provenance: Provenance {
            sources: sources(&figures, case.streams),
            gaps: gaps(&heart, case),
            dropped: rider.dropped,
            hr_max_tenths: body.hr_max.map(|max| max.value.tenths()),
            hr_max_source: body.hr_max.map(|max| max.source),
            formulas: FORMULAS,
            kcal_extrapolated: figures.kcal.is_some() && body.age.is_some_and(|age| !KEYTEL_AGES.contains(&age)),
        },
    }
}

/// From the first join to the last leave, or the end of the class.
fn presence(case: &Case<'_>) -> (ClassMs, ClassMs) {
    let spans = &case.rider.present;
    let from = spans.first().map_or(0, |span| span.from);
    let to = spans.last().map_or(from, |span| span.until().min(case.terms.ends()));
    (from, to.max(from))
}

fn walk(case: &Case<'_>, series: &[Sample]) -> (Figures, Vec<Counted>) {
    let wear = Wear { streams: case.streams, slot: case.rider.slot, present: &case.rider.present };
    let mut fold = Fold::default();
    let mut heart = Vec::with_capacity(series.len());
    for sample in series {
        let Some((kind, until)) = wear.of(sample) else { continue };
        if fold.take(*sample, kind, until, case.terms) {
            let until = until.min(sample.at + case.terms.hold_ms).min(case.terms.ends());
            heart.push(Counted { at: sample.at, until, bpm: sample.bpm().unwrap_or(0), kind });
        }
    }
    (fold.finish(ClassMs::MAX, case.terms), heart)
}

fn compliance(figures: &Figures, terms: &Terms<'_>) -> Vec<RunCompliance> {
    let run = |(index, (_, target)): (usize, &(_, _))| {
        let judged = judged_of_run(terms.timeline, index as u16, *target, terms.ends());
        let tally = figures.runs.get(index).copied().unwrap_or_default();
        let covered = tally.with_data_ms > 0 && tally.with_data_ms as f64 >= judged as f64 * COVERAGE_MIN;
        (judged > 0).then(|| RunCompliance {
            run: index as u16,
            in_target_s: tally.in_target_ms as f64 / 1_000.0,
            with_data_s: tally.with_data_ms as f64 / 1_000.0,
            judged_s: judged as f64 / 1_000.0,
            score: covered.then(|| tally.in_target_ms as f64 / tally.with_data_ms as f64),
        })
    };
    terms.runs.iter().enumerate().filter_map(run).collect()
}

/// Seconds of each sensor whose heart rate counted, whichever receiver heard it.
fn sources(figures: &Figures, streams: &Streams) -> Vec<(Sensor, f64)> {
    let mut by_source: BTreeMap<_, (Sensor, i64)> = BTreeMap::new();
    for (stream, ms) in &figures.by_stream {
        let stream = streams.get(*stream);
        let sensor = Sensor { source: stream.source, kind: stream.kind };
        by_source.entry(stream.source).or_insert((sensor, 0)).1 += ms;
    }
    by_source.into_values().map(|(sensor, ms)| (sensor, ms as f64 / 1_000.0)).collect()
}

/// The longest stretches without a heart rate, from each join to its leave, in order of time.
fn gaps(heart: &[Counted], case: &Case<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for span in &case.rider.present {
        let end = span.until().min(case.terms.ends());
        let mut since = span.from;
        for counted in heart.iter().filter(|counted| span.holds(counted.at)) {
            if counted.at > since {
                gaps.push(Gap { from: since, to: counted.at });
            }
            since = counted.until;
        }
        if end > since && end < ClassMs::MAX {
            gaps.push(Gap { from: since, to: end });
        }
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.to - gap.from));
    gaps.truncate(GAPS_MAX);
    gaps.sort_by_key(|gap| gap.from);
    gaps
}

/// A higher maximum, in tenths of a bpm, where the five-sample median was above the known one for half a minute:
/// the highest level that it held for so long.
fn raised(heart: &[Counted], max: HrMax) -> Option<u16> {
    let mut five: VecDeque<u8> = VecDeque::new();
    // Medians of the last half minute, each lower than all before it thrown away: the front is the lowest.
    let mut lowest: VecDeque<(ClassMs, u8)> = VecDeque::new();
    let (mut steady_since, mut last) = (None, None);
    let mut best = 0;
    let measured = heart.iter().filter(|counted| !matches!(counted.kind, SourceKind::Manual | SourceKind::Simulated));
    for Counted { at, bpm, .. } in measured {
        if last.is_none_or(|last| at - last > BREAK_MS) {
            (five, lowest) = (VecDeque::new(), VecDeque::new());
            steady_since = None;
        }
        last = Some(*at);
        five.push_back(*bpm);
        if five.len() > MEDIAN_OF {
            five.pop_front();
        }
        if five.len() < MEDIAN_OF {
            continue;
        }
        let mut sorted: Vec<u8> = five.iter().copied().collect();
        sorted.sort_unstable();
        let median = sorted[MEDIAN_OF / 2];
        while lowest.back().is_some_and(|(_, other)| *other >= median) {
            lowest.pop_back();
        }
        lowest.push_back((*at, median));
        while lowest.front().is_some_and(|(then, _)| at - then > RAISE_FOR_MS) {
            lowest.pop_front();
        }
        let since = *steady_since.get_or_insert(*at);
        if at - since >= RAISE_FOR_MS {
            best = best.max(lowest.front().map_or(0, |(_, median)| u16::from(*median) * 10));
        }
    }
    (best > max.tenths()).then(|| best.min(max.tenths() + RAISE_TENTHS_MAX))
}

fn power_of(case: &Case<'_>, series: &[Sample]) -> Option<PowerSummary> {
    let watts = watts(case, series);
    power::summary(&watts, case.rider.body.ftp_w)
}

/// One value a second of the source of power that counts. A row of it without power is a second without power;
/// holes are left out, as the devices do.
fn watts(case: &Case<'_>, series: &[Sample]) -> Vec<f64> {
    let wear = Wear { streams: case.streams, slot: case.rider.slot, present: &case.rider.present };
    let meters: BTreeSet<StreamNo> =
        series.iter().filter(|sample| sample.power().is_some()).map(|sample| sample.stream).collect();
    let mut channel = Channel::default();
    let mut counted: Vec<(ClassMs, u16)> = Vec::new();
    for sample in series.iter().filter(|sample| meters.contains(&sample.stream) && sample.at < case.terms.ends()) {
        let Some((kind, until)) = wear.of(sample) else { continue };
        if channel.hear(sample.stream, kind, sample.at, until) {
            counted.push((sample.at, sample.power().unwrap_or(0)));
        }
    }
    let smart = case.terms.hold_ms > HOLD_MS;
    let stands = |step: Option<i64>| match step {
        Some(step) if smart => step.min(case.terms.hold_ms),
        Some(step) if step <= POWER_STEP_MS_MAX => step,
        Some(_) | None => POWER_SECOND_MS,
    };
    let mut seconds = Seconds::default();
    for (index, (at, power)) in counted.iter().enumerate() {
        let step = counted.get(index + 1).map(|(next, _)| next - at);
        seconds.add(f64::from(*power), stands(step));
    }
    seconds.finish()
}

/// Values of any length, laid end to end and cut into seconds.
#[derive(Default)]
struct Seconds {
    whole: Vec<f64>,
    sum: f64,
    ms: i64,
}

impl Seconds {
    fn add(&mut self, value: f64, mut ms: i64) {
        while ms > 0 {
            let part = ms.min(1_000 - self.ms);
            self.sum += value * part as f64;
            self.ms += part;
            ms -= part;
            if self.ms == 1_000 {
                self.whole.push(self.sum / 1_000.0);
                (self.sum, self.ms) = (0.0, 0);
            }
        }
    }

    fn finish(mut self) -> Vec<f64> {
        if self.ms >= 500 {
            self.whole.push(self.sum / self.ms as f64);
        }
        self.whole
    }
}

/// Sums of the members' first summaries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    points: u64,
    hr_seconds: f64,
    zone_s: [f64; 6],
    zoned: u32,
    dropped: u64,
}

impl Sums {
    pub fn add(&mut self, summary: &MemberSummary) {
        self.points += u64::from(summary.points.unwrap_or(0));
        self.hr_seconds += summary.hr_seconds;
        self.dropped += u64::from(summary.provenance.dropped);
        if let Some(zones) = summary.zone_s {
            self.zoned += 1;
            self.zone_s.iter_mut().zip(zones).for_each(|(sum, s)| *sum += s);
        }
    }

    pub fn class_summary(
        &self,
        class: ClassId,
        facts: &Facts,
        timeline: &super::plan::Timeline,
        people: usize,
        counts: Counts,
        now: ClassMs,
    ) -> ClassSummary {
        let from = timeline.starts().unwrap_or(now);
        ClassSummary {
            class,
            name: facts.name.clone(),
            from,
            to: timeline.ends().unwrap_or(now).max(from),
            people: people as u32,
            points: self.points,
            hr_seconds: self.hr_seconds,
            zone_s: self.zone_s.map(|sum| if self.zoned > 0 { sum / f64::from(self.zoned) } else { 0.0 }),
            samples: counts.samples,
            dropped: self.dropped,
            late: counts.late,
        }
    }
}
