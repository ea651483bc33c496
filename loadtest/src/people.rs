//! People to ride as: 45-minute windows of the shipped recordings, one every five minutes: 43 of them.
//! Not accounts: who logs in is told by `accounts`. Used by the riders, the lean fleet and the demo.

use fitconnect_protocol::class::{Segment, SegmentKind, Target};
use fitconnect_protocol::limits::{BPM_MAX, BPM_MIN, CADENCE_MAX, POWER_W_MAX, ROW_RR_MAX};
use fitconnect_protocol::sample::Row;
use fitconnect_recording::{Record, Recording, shipped};
use std::sync::Arc;

pub const WINDOW_MS: u32 = 45 * 60 * 1000;
pub const WINDOW_EVERY_MS: u32 = 5 * 60 * 1000;
/// A window is a person where so much of it has a heart rate.
const COVERED_MIN: f64 = 0.8;
/// How long a record stands for what the strap measured: a smart-recorded file leaves out what hardly changed, the strap did
/// not. As an import holds it.
const HOLD_MS: u32 = 15_000;

/// One stretch of a recording, as one sensor would send it.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// File and where the window begins: `ride_hr_1h26_fr935 +10 min`.
    pub name: String,
    /// `ms` counts from the window's begin and rises strictly; `bpm` 0 where none was measured.
    pub rows: Vec<Row>,
    pub length_ms: u32,
}

impl Person {
    /// A whole recording as one person.
    pub fn whole(name: &str, recording: &Recording) -> Person {
        let length_ms = recording.records.last().map_or(0, |last| last.at_ms + 1_000);
        Person { name: name.into(), rows: recording.records.iter().map(row).collect(), length_ms }
    }

    /// Heart rates in order of size.
    fn heart_rates(&self) -> Vec<u16> {
        let mut bpm: Vec<u16> = self.rows.iter().map(|row| row.bpm).filter(|bpm| *bpm > 0).collect();
        bpm.sort_unstable();
        bpm
    }

    /// The heart rate that `percent` of all records do not exceed; 0 without any.
    pub fn percentile(&self, percent: f64) -> u16 {
        let bpm = self.heart_rates();
        let last = bpm.len().saturating_sub(1);
        bpm.get((last as f64 * percent / 100.0).round() as usize).copied().unwrap_or(0)
    }

    /// The maximum at which this person looks like one who follows the class: the 98th percentile of the window is
    /// 88–97 % of it. `choice` in 0–1 picks the place in between.
    pub fn hr_max(&self, choice: f64) -> f64 {
        let share = 0.88 + 0.09 * choice.clamp(0.0, 1.0);
        (f64::from(self.percentile(98.0)) / share * 10.0).round() / 10.0
    }

    /// One row for every second, as a strap measures: the newest record; 0 bpm in a hole.
    pub fn each_second(&self) -> Vec<Row> {
        let mut next = 0;
        (0..self.length_ms / 1_000)
            .map(|second| {
                let at = second * 1_000 + 999;
                while self.rows.get(next).is_some_and(|row| row.ms <= at) {
                    next += 1;
                }
                let newest = next.checked_sub(1).map(|index| &self.rows[index]);
                let held = newest.filter(|row| at - row.ms < HOLD_MS).cloned().unwrap_or_default();
                Row { ms: second * 1_000, rr_ms: Vec::new(), ..held }
            })
            .collect()
    }
}

/// A record as it goes over the wire: what nobody would believe is left out.
fn row(record: &Record) -> Row {
    let mut rr_ms = record.rr_ms.clone();
    rr_ms.truncate(ROW_RR_MAX);
    Row {
        ms: record.at_ms,
        bpm: record.bpm.unwrap_or(0),
        power_w: record.power_w.filter(|watts| *watts <= POWER_W_MAX),
        cadence: record.cadence.filter(|rpm| *rpm <= CADENCE_MAX),
        rr_ms,
    }
}

/// The people of the shipped recordings, always the same in the same order.
pub fn shipped_people() -> Vec<Arc<Person>> {
    let mut people = Vec::new();
    for name in shipped::names() {
        let bytes = shipped::bytes(name).expect("a shipped name has its bytes");
        let recording = fitconnect_recording::read(bytes).expect("a shipped recording is whole");
        let short = name.split('.').next().unwrap_or(name);
        people.extend(windows(short, &recording).into_iter().map(Arc::new));
    }
    people
}

/// The windows of one recording; none where it is shorter than a window.
pub fn windows(name: &str, recording: &Recording) -> Vec<Person> {
    let length_ms = recording.records.last().map_or(0, |last| last.at_ms + 1_000);
    (0..)
        .map(|index| index * WINDOW_EVERY_MS)
        .take_while(|from| from + WINDOW_MS <= length_ms)
        .map(|from| {
            let rows: Vec<Row> = recording.window(from, WINDOW_MS).iter().map(row).collect();
            Person { name: format!("{name} +{} min", from / 60_000), rows, length_ms: WINDOW_MS }
        })
        .filter(|person| covered(person) >= COVERED_MIN)
        .collect()
}

/// Share of the window in which a believable heart rate holds.
fn covered(person: &Person) -> f64 {
    let beating: Vec<u32> =
        person.rows.iter().filter(|row| (BPM_MIN..=BPM_MAX).contains(&row.bpm)).map(|row| row.ms).collect();
    let ends = beating.iter().skip(1).copied().chain([person.length_ms]);
    let held: u32 = beating.iter().zip(ends).map(|(from, to)| (to - from).min(HOLD_MS)).sum();
    f64::from(held) / f64::from(person.length_ms.max(1))
}

/// The plan of the class "HIIT 45": warm-up, ten times two minutes of work and one of recovery, cool-down. Its targets are
/// what the reference window, ridden with this maximum, spends in each part, so that who rides alike is inside.
pub fn hiit45(reference: &Person, hr_max: f64) -> Vec<Segment> {
    let parts = [(SegmentKind::Warmup, 420)]
        .into_iter()
        .chain((0..10).flat_map(|_| [(SegmentKind::Work, 120), (SegmentKind::Recover, 60)]))
        .chain([(SegmentKind::Cooldown, 480)]);
    let mut from_ms = 0;
    parts
        .map(|(kind, duration_s)| {
            let to_ms = from_ms + duration_s * 1_000;
            // Windows begin in the middle of a ride: nobody is judged by how another one warms up or cools down.
            let target = match kind {
                SegmentKind::Work | SegmentKind::Recover | SegmentKind::Test => {
                    target(reference, hr_max, from_ms..to_ms)
                }
                SegmentKind::Warmup | SegmentKind::Cooldown | SegmentKind::Transition => None,
            };
            from_ms = to_ms;
            let cue = match kind {
                SegmentKind::Warmup => Some("Easy, find your rhythm".to_owned()),
                SegmentKind::Work => Some("Push".to_owned()),
                SegmentKind::Recover => Some("Let it roll".to_owned()),
                SegmentKind::Cooldown => Some("Slowly down".to_owned()),
                SegmentKind::Test | SegmentKind::Transition => None,
            };
            Segment { kind, duration_s, target, cue }
        })
        .collect()
}

/// From five points under to five points over what the reference does there.
fn target(reference: &Person, hr_max: f64, part: std::ops::Range<u32>) -> Option<Target> {
    let mut percent: Vec<f64> = reference
        .rows
        .iter()
        .filter(|row| part.contains(&row.ms) && row.bpm > 0)
        .map(|row| f64::from(row.bpm) / hr_max * 100.0)
        .collect();
    percent.sort_unstable_by(f64::total_cmp);
    let middle = *percent.get(percent.len() / 2)?;
    Some(Target::Percent { lo: (middle - 5.0).clamp(30.0, 95.0) as u8, hi: (middle + 5.0).clamp(35.0, 100.0) as u8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recordings_give_43_people_each_of_45_minutes() {
        let people = shipped_people();
        assert_eq!(people.len(), 43);
        for person in &people {
            assert_eq!(person.each_second().len(), 2_700, "{}", person.name);
            assert!(person.rows.windows(2).all(|pair| pair[0].ms < pair[1].ms), "{}", person.name);
            let high = f64::from(person.percentile(98.0));
            for choice in [0.0, 0.5, 1.0] {
                let share = high / person.hr_max(choice);
                assert!((0.879..=0.971).contains(&share), "{}: {share}", person.name);
            }
        }
    }

    #[test]
    fn each_second_holds_a_record_over_a_smart_recorders_steps_and_not_over_a_hole() {
        let beat = |ms, bpm| Row { ms, bpm, ..Row::default() };
        let person = Person { name: "one".into(), rows: vec![beat(1_200, 90), beat(19_000, 95)], length_ms: 20_000 };
        let seconds: Vec<u16> = person.each_second().iter().map(|row| row.bpm).collect();
        assert_eq!(seconds, [[0].as_slice(), &[90; 15], &[0, 0, 0], &[95]].concat());
    }

    #[test]
    fn hiit_45_lasts_45_minutes_and_its_targets_are_ordered() {
        let people = shipped_people();
        let reference = &people[0];
        let plan = hiit45(reference, reference.hr_max(0.5));
        assert_eq!(plan.iter().map(|segment| segment.duration_s).sum::<u32>(), 2_700);
        for segment in &plan {
            if matches!(segment.kind, SegmentKind::Warmup | SegmentKind::Cooldown) {
                assert_eq!(segment.target, None);
                continue;
            }
            let Some(Target::Percent { lo, hi }) = segment.target else { panic!("no target in {segment:?}") };
            assert!(lo < hi && hi <= 100, "{segment:?}");
        }
    }
}
