//! What goes wrong with one rider, by seed: frames lost, doubled and out of order, a sensor silent or over the maximum.
//! Decides only; the rider does it. The same seed gives the same faults.

use fitconnect_protocol::sample::Row;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::ops::Range;

/// Everything off by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of frames that never leave, 0–1. What was in them is sent again.
    pub lose: f64,
    /// Share of frames that leave twice.
    pub double: f64,
    /// A row leaves late by up to so many milliseconds of class time, so rows overtake each other.
    pub disorder_ms: u32,
    /// Rows measured from here on (milliseconds of the track) are kept until the class is cooling.
    pub hold_back_from_ms: Option<u32>,
    /// The sensor measures nothing in these stretches of the track.
    pub silent_ms: Vec<Range<u32>>,
    /// In these stretches it measures so many bpm.
    pub over_max_ms: Vec<(Range<u32>, u16)>,
    /// The socket is cut so often, in real seconds on average; 0 = never.
    pub cut_every_s: f64,
}

/// Faults with their dice.
pub struct Dice {
    pub faults: Faults,
    rng: StdRng,
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Sent,
    Lost,
    Doubled,
}

impl Faults {
    /// Now and then something happens to one of the demo's riders: every eighth loses the sensor for a while, every
    /// twelfth is over the maximum for a minute.
    pub fn demo(seed: u64, length_ms: u32, hr_max: f64) -> Faults {
        let mut rng = StdRng::seed_from_u64(seed);
        let stretch = |rng: &mut StdRng, ms: u32| {
            let from = rng.random_range(60_000..length_ms.max(180_001) - 60_000);
            from..from + ms
        };
        let mut faults = Faults::default();
        if rng.random_ratio(1, 8) {
            let ms = rng.random_range(15_000..60_000);
            faults.silent_ms.push(stretch(&mut rng, ms));
        }
        if rng.random_ratio(1, 12) {
            let bpm = (hr_max + 4.0).ceil().clamp(60.0, 229.0) as u16;
            faults.over_max_ms.push((stretch(&mut rng, 60_000), bpm));
        }
        faults
    }

    /// The row as the sensor measured it, or nothing where it was silent.
    pub fn measured(&self, mut row: Row) -> Option<Row> {
        if self.silent_ms.iter().any(|silent| silent.contains(&row.ms)) {
            return None;
        }
        if let Some((_, bpm)) = self.over_max_ms.iter().find(|(stretch, _)| stretch.contains(&row.ms)) {
            row.bpm = *bpm;
        }
        Some(row)
    }

    pub fn is_held_back(&self, track_ms: u32) -> bool {
        self.hold_back_from_ms.is_some_and(|from| track_ms >= from)
    }
}

impl Dice {
    pub fn new(faults: Faults, seed: u64) -> Dice {
        Dice { faults, rng: StdRng::seed_from_u64(seed) }
    }

    /// How late a row leaves, class milliseconds.
    pub fn delay_ms(&mut self) -> u32 {
        if self.faults.disorder_ms == 0 { 0 } else { self.rng.random_range(0..=self.faults.disorder_ms) }
    }

    pub fn fate(&mut self) -> Fate {
        let roll: f64 = self.rng.random();
        if roll < self.faults.lose {
            Fate::Lost
        } else if roll < self.faults.lose + self.faults.double {
            Fate::Doubled
        } else {
            Fate::Sent
        }
    }

    /// Seconds until the socket is cut: exponential, so that cuts have no memory.
    pub fn next_cut_s(&mut self) -> Option<f64> {
        let mean = self.faults.cut_every_s;
        (mean > 0.0).then(|| -mean * (1.0 - self.rng.random::<f64>()).ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_fates_in_about_the_shares_asked_for() {
        let faults = Faults { lose: 0.3, double: 0.1, disorder_ms: 10_000, ..Faults::default() };
        let roll = |seed| {
            let mut dice = Dice::new(faults.clone(), seed);
            (0..10_000).map(|_| (dice.fate(), dice.delay_ms())).collect::<Vec<_>>()
        };
        let fates = roll(1);
        assert_eq!(fates, roll(1));
        assert_ne!(fates, roll(2));
        let share = |fate| fates.iter().filter(|(rolled, _)| *rolled == fate).count();
        assert!((2_800..3_200).contains(&share(Fate::Lost)), "{}", share(Fate::Lost));
        assert!((850..1_150).contains(&share(Fate::Doubled)), "{}", share(Fate::Doubled));
        assert!(fates.iter().all(|(_, delay)| *delay <= 10_000));
    }

    #[test]
    fn a_silent_sensor_measures_nothing_and_one_over_max_what_was_asked() {
        let silent_ms = vec![10..20, 50..60];
        let faults = Faults { silent_ms, over_max_ms: vec![(30..40, 210)], ..Faults::default() };
        let measured = |ms| faults.measured(Row { ms, bpm: 100, ..Row::default() }).map(|row| row.bpm);
        assert_eq!(
            [measured(9), measured(10), measured(19), measured(20), measured(35)],
            [Some(100), None, None, Some(100), Some(210)]
        );
        assert!(!faults.is_held_back(u32::MAX));
    }

    #[test]
    fn the_demo_has_some_faults_and_not_many() {
        let faulty = (0..400).filter(|seed| Faults::demo(*seed, 2_700_000, 185.0) != Faults::default()).count();
        assert!((40..140).contains(&faulty), "{faulty} of 400");
    }
}
