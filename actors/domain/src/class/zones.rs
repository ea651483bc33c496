//! Zones, effort points and splats by the exact ratio of heart rate to its maximum. Whole numbers throughout:
//! the order in which intervals are added cannot change a sum.

use serde::{Deserialize, Serialize};

/// A maximum heart rate in tenths of a bpm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HrMax(u16);

impl HrMax {
    /// From bpm; `None` outside 80–250.
    pub fn new(bpm: f64) -> Option<HrMax> {
        (80.0..=250.0).contains(&bpm).then(|| HrMax((bpm * 10.0).round() as u16))
    }
    pub fn tenths(self) -> u16 {
        self.0
    }
    pub fn bpm(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// 208 − 0.7 × age, ± 10 bpm (Tanaka, Monahan, Seals, JACC 2001;37:153).
    pub fn tanaka(age: u8) -> HrMax {
        HrMax(2_080 - 7 * u16::from(age))
    }

    /// Whether `bpm` is at or above so many thousandths of the maximum: the exact ratio, never the rounded percent.
    pub fn at_least(self, bpm: u8, thousandths: u32) -> bool {
        u32::from(bpm) * 10_000 >= thousandths * u32::from(self.0)
    }

    /// Whole percent of the maximum, rounded down.
    pub fn percent(self, bpm: u8) -> u16 {
        (u32::from(bpm) * 1_000 / u32::from(self.0)) as u16
    }
}

/// 0 below 50 %, then the five zones from 50, 60, 70, 80 and 90 % (Edwards 1993; Myzone's colours grey to red).
pub fn zone(bpm: u8, max: HrMax) -> u8 {
    (1..=5).rev().find(|zone| max.at_least(bpm, 400 + 100 * u32::from(*zone))).unwrap_or(0)
}

/// Effort points a minute by zone (Myzone's MEPs).
pub const POINTS_PER_MINUTE: [u64; 6] = [0, 1, 2, 3, 4, 4];
/// A splat is a minute at or above this (Orangetheory).
pub const SPLAT_THOUSANDTHS: u32 = 840;
pub const MINUTE_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_begin_at_the_exact_ratio() {
        let max = HrMax::new(190.0).expect("a maximum");
        let first: Vec<u8> = (0..=5).map(|z| (0..=u8::MAX).find(|bpm| zone(*bpm, max) == z).expect("a bpm")).collect();
        assert_eq!(first, [0, 95, 114, 133, 152, 171]);
        assert_eq!(zone(170, max), 4, "89.47 %: the rounded percent would lie nearer to 90");
        assert!(max.at_least(160, SPLAT_THOUSANDTHS) && !max.at_least(159, SPLAT_THOUSANDTHS));
        assert_eq!((max.percent(159), max.percent(190), max.percent(193)), (83, 100, 101));
    }

    #[test]
    fn tanaka_at_forty_is_180() {
        assert_eq!(HrMax::tanaka(40).bpm(), 180.0);
        assert_eq!(HrMax::new(300.0), None);
    }
}
