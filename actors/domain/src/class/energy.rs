//! Energy and training load of one millisecond at a heart rate, as whole numbers of a very small unit:
//! sums are exact, so that live figures equal a recomputation whatever the order of arrival.

use super::body::Body;
use fitconnect_protocol::user::Sex;

/// Units of a kilocalorie, of a TRIMP: one in 10^12.
pub const UNIT: f64 = 1e12;
const PER_MINUTE: f64 = UNIT / 60_000.0;

/// Version of the formulas in this file and in `zones.rs`, kept with every summary.
pub const FORMULAS: u16 = 1;

/// Ages of Keytel's sample; outside them the figure is flagged.
pub const KEYTEL_AGES: std::ops::RangeInclusive<u8> = 18..=45;

/// Gross energy from heart rate in units a millisecond, never below 0
/// (Keytel et al., J Sports Sci 2005;23:289: r² 0.734, stages at 57–90 % of maximum).
/// `None` without weight or age. Sex unknown: the mean of both.
pub fn keytel(bpm: u8, body: &Body) -> Option<i64> {
    let (hr, kg, age) = (f64::from(bpm), body.weight_kg?, f64::from(body.age?));
    let male = (-55.0969 + 0.6309 * hr + 0.1988 * kg + 0.2017 * age) / 4.184;
    let female = (-20.4022 + 0.4472 * hr - 0.1263 * kg + 0.074 * age) / 4.184;
    let per_minute = by_sex(body.sex, male.max(0.0), female.max(0.0));
    Some((per_minute * PER_MINUTE).round() as i64)
}

/// Energy of an activity in units a millisecond: MET × kg × hours (Ainsworth et al., Compendium of Physical Activities, 2011).
pub fn met(met_tenths: u16, body: &Body) -> Option<i64> {
    let per_hour = f64::from(met_tenths) / 10.0 * body.weight_kg?;
    Some((per_hour / 60.0 * PER_MINUTE).round() as i64)
}

/// What we show as energy: Keytel at 50 % of maximum and above, below that the activity's MET. Adults only: neither
/// formula was made with children; and not with zones off, where heart rate does not follow effort.
pub fn shown(bpm: u8, body: &Body, met_tenths: u16) -> Option<i64> {
    if body.age? < 18 {
        return None;
    }
    if body.zones_max()?.at_least(bpm, 500) { keytel(bpm, body) } else { met(met_tenths, body) }
}

/// Banister's training impulse in units a millisecond (constants: Morton, Fitz-Clarke, Banister, J Appl Physiol 1990;69:1171),
/// per sample: from the mean heart rate it would be too low, the curve is convex.
/// `None` without resting or maximal heart rate, or with zones off. Sex unknown: the mean of both.
pub fn banister(bpm: u8, body: &Body) -> Option<i64> {
    let (rest, max) = (f64::from(body.hr_rest?), body.zones_max()?.bpm());
    let reserve = ((f64::from(bpm) - rest) / (max - rest)).max(0.0);
    let male = reserve * 0.64 * (1.92 * reserve).exp();
    let female = reserve * 0.86 * (1.67 * reserve).exp();
    Some((by_sex(body.sex, male, female) * PER_MINUTE).round() as i64)
}

fn by_sex(sex: Option<Sex>, male: f64, female: f64) -> f64 {
    match sex {
        Some(Sex::Male) => male,
        Some(Sex::Female) => female,
        None => (male + female) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::tests::{body, man};
    use super::*;

    fn near(units_per_ms: Option<i64>, minutes: f64, expected: f64) {
        let got = units_per_ms.expect("a figure") as f64 * 60_000.0 * minutes / UNIT;
        assert!((got - expected).abs() < 0.006, "{got} is not {expected}");
    }

    #[test]
    fn published_vectors() {
        near(keytel(150, &man()), 1.0, 15.179);
        near(keytel(150, &body(Sex::Female, 30, 60.0)), 1.0, 9.876);
        near(banister(150, &man()), 30.0, 50.22);
        near(banister(150, &body(Sex::Female, 40, 80.0)), 30.0, 56.76);
        near(met(80, &man()), 1.0, 10.67);
    }

    #[test]
    fn unknown_is_unknown() {
        let mut unknown = man();
        unknown.sex = None;
        let both = [Sex::Male, Sex::Female].map(|sex| keytel(150, &body(sex, 40, 80.0)).expect("a figure"));
        assert_eq!(keytel(150, &unknown), Some((both[0] + both[1]) / 2));
        unknown.weight_kg = None;
        assert_eq!((keytel(150, &unknown), shown(150, &unknown, 20)), (None, None));
        let mut child = man();
        child.age = Some(15);
        assert_eq!(shown(150, &child, 20), None);
        assert_eq!(keytel(40, &man()), Some(0), "never negative");
    }
}
