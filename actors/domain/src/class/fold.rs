//! The figures of one person: a fold over samples in order of time. The same code runs live, on reload and in an import.
//! Every sum is a whole number, so the figures depend on what was measured and never on when it arrived.

use super::body::Body;
use super::channel::Channel;
use super::energy;
use super::plan::{Edge, Timeline};
use super::rider::{Sample, StreamNo};
use super::zones::{HrMax, MINUTE_MS, POINTS_PER_MINUTE, SPLAT_THOUSANDTHS, zone};
use crate::time::ClassMs;
use fitconnect_protocol::class::{Phase, SegmentKind, SourceKind, Target};
use serde::{Deserialize, Serialize};

/// Heart rate lags behind effort with a time constant of about 58 s: a segment is judged from here on.
const HR_JUDGED_FROM_MS: i64 = 45_000;
/// Power and cadence answer at once.
const POWER_JUDGED_FROM_MS: i64 = 5_000;
/// How far from the target still counts: points of percent of heart rate, thousandths of power, rpm of cadence.
const HR_TOLERANCE: i64 = 2;
const POWER_TOLERANCE_THOUSANDTHS: i64 = 50;
const CADENCE_TOLERANCE: i64 = 5;

/// What the fold needs to know of the class and of the person.
pub struct Terms<'a> {
    pub timeline: &'a Timeline,
    pub body: &'a Body,
    /// Target and kind of each run.
    pub runs: &'a [(SegmentKind, Option<Target>)],
    pub hold_ms: i64,
    pub met_tenths: u16,
}

impl Terms<'_> {
    /// When the class ends, as far as is foreseen.
    pub fn ends(&self) -> ClassMs {
        self.timeline.ends().unwrap_or(ClassMs::MAX)
    }
}

/// Held and judged milliseconds of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTally {
    pub in_target_ms: i64,
    pub with_data_ms: i64,
}

/// Sums of one person. Energies and loads are in [`energy::UNIT`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Heart rates that were believed.
    pub records: u32,
    pub hr_ms: i64,
    pub hr_bpm_ms: i64,
    pub hr_max: u8,
    pub zone_ms: [i64; 6],
    /// Weight × milliseconds in live segments; a point is [`MINUTE_MS`] of them.
    pub score: u64,
    /// When the last whole point was reached.
    pub reached_at: ClassMs,
    pub splat_ms: i64,
    pub edwards_ms: i64,
    pub banister: Option<i64>,
    pub keytel: Option<i64>,
    pub kcal: Option<i64>,
    pub runs: Vec<RunTally>,
    /// Heart rate from a source that is never ranked has counted.
    pub unrankable: bool,
    /// Milliseconds by stream, of those that counted.
    pub by_stream: Vec<(StreamNo, i64)>,
}

impl Figures {
    /// Points as shown.
    pub fn points(&self) -> u64 {
        self.score / MINUTE_MS
    }
    /// Splats as shown.
    pub fn splats(&self) -> u64 {
        self.splat_ms as u64 / MINUTE_MS
    }
}

/// A heart rate, or power and cadence, that holds from its sample on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    from: ClassMs,
    /// Nothing holds beyond: the hold's length, a leave, a swap.
    until: ClassMs,
    sample: Sample,
}

/// The fold up to its last sample. What holds after that is open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    figures: Figures,
    heart: Channel,
    power: Channel,
    held_heart: Option<Held>,
    held_power: Option<Held>,
    edge: usize,
}

impl Fold {
    /// Takes the next sample in order of time; it may hold until `until` at most.
    /// Returns whether its heart rate counts. Nothing counts or holds beyond the end of the class.
    pub fn take(&mut self, sample: Sample, kind: SourceKind, until: ClassMs, terms: &Terms<'_>) -> bool {
        if sample.at >= terms.ends() {
            return false;
        }
        self.figures.records += u32::from(sample.bpm().is_some());
        let held = Held { from: sample.at, until: until.min(sample.at + terms.hold_ms), sample };
        let pedals = sample.power().is_some() || sample.cadence().is_some();
        if pedals && self.power.hear(sample.stream, kind, sample.at, until) {
            self.close_power(sample.at, terms);
            self.held_power = Some(held);
        }
        if sample.bpm().is_none() || !self.heart.hear(sample.stream, kind, sample.at, until) {
            return false;
        }
        self.close_heart(sample.at, terms);
        self.held_heart = Some(held);
        self.figures.unrankable |= matches!(kind, SourceKind::Manual | SourceKind::Simulated);
        true
    }

    /// The figures up to the last counted sample.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The newest heart rate that counts, while it waits for the next.
    pub fn held_heart(&self) -> Option<Sample> {
        self.held_heart.map(|held| held.sample)
    }

    /// The figures with everything that still holds, ended at `end` at the latest.
    pub fn finish(mut self, end: ClassMs, terms: &Terms<'_>) -> Figures {
        self.close_heart(end, terms);
        self.close_power(end, terms);
        self.figures
    }

    fn close_heart(&mut self, at: ClassMs, terms: &Terms<'_>) {
        let Some(held) = self.held_heart.take() else { return };
        let Some(bpm) = held.sample.bpm() else { return };
        let end = held.until.min(at).min(terms.ends());
        if end <= held.from {
            return;
        }
        let ms = end - held.from;
        let figures = &mut self.figures;
        figures.hr_ms += ms;
        figures.hr_bpm_ms += i64::from(bpm) * ms;
        figures.hr_max = figures.hr_max.max(bpm);
        match figures.by_stream.iter_mut().find(|(stream, _)| *stream == held.sample.stream) {
            Some((_, sum)) => *sum += ms,
            None => figures.by_stream.push((held.sample.stream, ms)),
        }
        add(&mut figures.keytel, energy::keytel(bpm, terms.body), ms);
        add(&mut figures.kcal, energy::shown(bpm, terms.body, terms.met_tenths), ms);
        add(&mut figures.banister, energy::banister(bpm, terms.body), ms);
        if let Some(max) = terms.body.zones_max() {
            let zone = usize::from(zone(bpm, max));
            figures.zone_ms[zone] += ms;
            figures.edwards_ms += zone as i64 * ms;
        }
        self.edge = each_part(terms.timeline, self.edge, held.from, end, |edge, from, to| {
            earn(figures, bpm, edge, from, to, terms);
        });
    }

    fn close_power(&mut self, at: ClassMs, terms: &Terms<'_>) {
        let Some(held) = self.held_power.take() else { return };
        let end = held.until.min(at).min(terms.ends());
        if end <= held.from {
            return;
        }
        let figures = &mut self.figures;
        self.edge = each_part(terms.timeline, self.edge, held.from, end, |edge, from, to| {
            judge_power(figures, held.sample, edge, from, to, terms);
        });
    }
}

fn add(sum: &mut Option<i64>, rate: Option<i64>, ms: i64) {
    if let Some(rate) = rate {
        *sum = Some(sum.unwrap_or(0) + rate * ms);
    }
}

/// Splits `[from, to)` at the timeline's edges.
fn each_part(
    timeline: &Timeline,
    hint: usize,
    from: ClassMs,
    to: ClassMs,
    mut part: impl FnMut(&Edge, ClassMs, ClassMs),
) -> usize {
    let mut index = timeline.edge_at(from, hint);
    let mut at = from;
    while at < to {
        let end = timeline.edges.get(index + 1).map_or(to, |next| next.at.min(to));
        part(&timeline.edges[index], at, end);
        at = end;
        if at < to {
            index += 1;
        }
    }
    index
}

/// Points, splats and compliance: in live segments only.
fn earn(figures: &mut Figures, bpm: u8, edge: &Edge, from: ClassMs, to: ClassMs, terms: &Terms<'_>) {
    if edge.phase != Phase::Live {
        return;
    }
    let Some(max) = terms.body.zones_max() else { return };
    let ms = to - from;
    let weight = POINTS_PER_MINUTE[usize::from(zone(bpm, max))];
    if weight > 0 {
        let before = figures.score;
        figures.score += weight * ms as u64;
        if figures.score / MINUTE_MS > before / MINUTE_MS {
            let over = figures.score % MINUTE_MS;
            figures.reached_at = to - (over / weight) as i64;
        }
    }
    if max.at_least(bpm, SPLAT_THOUSANDTHS) {
        figures.splat_ms += ms;
    }
    judge_heart(figures, bpm, max, edge, from, to, terms);
}

fn judge_heart(figures: &mut Figures, bpm: u8, max: HrMax, edge: &Edge, from: ClassMs, to: ClassMs, terms: &Terms<'_>) {
    let Some(run) = edge.run.map(usize::from) else { return };
    let Some((kind, Some(target))) = terms.runs.get(run).copied() else { return };
    let Some(deviation) = heart_deviation(bpm, max, kind, target, terms.body) else { return };
    if !terms.timeline.runs[run].judges_heart() {
        return;
    }
    let judged = judged_ms(edge, from, to, HR_JUDGED_FROM_MS);
    tally(figures, run, judged, deviation <= HR_TOLERANCE * max_scale(max));
}

/// One point of percent, in the unit of [`heart_deviation`].
pub fn max_scale(max: HrMax) -> i64 {
    i64::from(max.tenths())
}

/// How far a heart rate lies outside its target, 0 inside: in points of percent × [`max_scale`], exactly.
/// Warm-up, recovery and cool-down have an upper bound only. `None` where the target is not one of heart rate.
pub fn heart_deviation(bpm: u8, max: HrMax, kind: SegmentKind, target: Target, body: &Body) -> Option<i64> {
    let (value, lo, hi, scale) = match target {
        Target::Percent { lo, hi } => (i64::from(bpm) * 1_000, lo, hi, i64::from(max.tenths())),
        Target::Reserve { lo, hi } => {
            let rest = i64::from(body.hr_rest?) * 10;
            ((i64::from(bpm) * 10 - rest) * 100, lo, hi, i64::from(max.tenths()) - rest)
        }
        Target::Ftp { .. } | Target::Cadence { .. } | Target::Rpe { .. } => return None,
    };
    let above = value - i64::from(hi) * scale;
    let below = if only_upper(kind) { 0 } else { i64::from(lo) * scale - value };
    // Reserve is measured in its own percent; bring it to the common unit.
    Some(above.max(below).max(0) * i64::from(max.tenths()) / scale)
}

/// Nobody is out of target by resting too well.
pub fn only_upper(kind: SegmentKind) -> bool {
    match kind {
        SegmentKind::Warmup | SegmentKind::Recover | SegmentKind::Cooldown => true,
        SegmentKind::Work | SegmentKind::Test | SegmentKind::Transition => false,
    }
}

fn judge_power(figures: &mut Figures, sample: Sample, edge: &Edge, from: ClassMs, to: ClassMs, terms: &Terms<'_>) {
    if edge.phase != Phase::Live {
        return;
    }
    let Some(run) = edge.run.map(usize::from) else { return };
    let Some((kind, Some(target))) = terms.runs.get(run).copied() else { return };
    let (value, lo, hi, tolerance) = match (target, sample.power(), sample.cadence()) {
        (Target::Ftp { lo, hi }, Some(power), _) => {
            let Some(ftp) = terms.body.ftp_w.map(i64::from) else { return };
            // Thousandths of FTP; the tolerance is a share of the bound itself.
            let (lo, hi) = (i64::from(lo) * 10, i64::from(hi) * 10);
            let value = i64::from(power) * 1_000 / ftp;
            let (lo, hi) = (
                lo * (1_000 - POWER_TOLERANCE_THOUSANDTHS) / 1_000,
                hi * (1_000 + POWER_TOLERANCE_THOUSANDTHS) / 1_000,
            );
            (value, lo, hi, 0)
        }
        (Target::Cadence { lo, hi }, _, Some(cadence)) => {
            (i64::from(cadence), i64::from(lo), i64::from(hi), CADENCE_TOLERANCE)
        }
        (_, _, _) => return,
    };
    let inside = value <= hi + tolerance && (only_upper(kind) || value >= lo - tolerance);
    tally(figures, run, judged_ms(edge, from, to, POWER_JUDGED_FROM_MS), inside);
}

/// The part of `[from, to)` that lies at or behind `judged_from` of the run's ridden time.
pub fn judged_ms(edge: &Edge, from: ClassMs, to: ClassMs, judged_from: i64) -> i64 {
    let begins = edge.at.saturating_add(judged_from - edge.elapsed);
    (to - from.max(begins)).max(0)
}

fn tally(figures: &mut Figures, run: usize, ms: i64, inside: bool) {
    if ms == 0 {
        return;
    }
    if figures.runs.len() <= run {
        figures.runs.resize(run + 1, RunTally::default());
    }
    let tally = &mut figures.runs[run];
    tally.with_data_ms += ms;
    if inside {
        tally.in_target_ms += ms;
    }
}

/// Milliseconds of a run that are judged for its target, ridden or foreseen up to `until`.
pub fn judged_of_run(timeline: &Timeline, run: u16, target: Option<Target>, until: ClassMs) -> i64 {
    let judged_from = match target {
        Some(Target::Percent { .. } | Target::Reserve { .. }) => HR_JUDGED_FROM_MS,
        Some(Target::Ftp { .. } | Target::Cadence { .. }) => POWER_JUDGED_FROM_MS,
        Some(Target::Rpe { .. }) | None => return 0,
    };
    if judged_from == HR_JUDGED_FROM_MS && !timeline.runs[usize::from(run)].judges_heart() {
        return 0;
    }
    let parts =
        timeline.edges.iter().enumerate().filter(|(_, edge)| edge.run == Some(run) && edge.phase == Phase::Live);
    parts
        .map(|(index, edge)| {
            let end = timeline.edges.get(index + 1).map_or(until, |next| next.at.min(until));
            judged_ms(edge, edge.at, end.max(edge.at), judged_from)
        })
        .sum()
}
