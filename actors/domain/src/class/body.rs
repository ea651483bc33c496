//! The body data that one class is computed with: fixed when a person joins, whatever the profile says later.

use super::zones::HrMax;
use crate::time::{Date, Millis};
use fitconnect_protocol::user::{HrMaxSource, Profile, Sex};
use serde::{Deserialize, Serialize};

/// A maximum and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownMax {
    pub value: HrMax,
    pub source: HrMaxSource,
    /// A trainer has seen it; only a typed one needs that.
    pub approved: bool,
}

/// A profile as of one day. Unknown is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    pub sex: Option<Sex>,
    pub age: Option<u8>,
    pub weight_kg: Option<f64>,
    pub hr_rest: Option<u16>,
    pub hr_max: Option<KnownMax>,
    pub ftp_w: Option<u16>,
    /// No zones, percent, rank or percent alarms.
    pub zones_off: bool,
}

impl Body {
    /// The profile on the day of `now`; a maximum that is not given comes from age.
    pub fn on_day(profile: &Profile, now: Millis) -> Body {
        let born = profile.born.as_deref().and_then(Date::parse);
        let age = born.and_then(|born| born.age_on(Date::at(now)));
        let given = profile.hr_max.and_then(HrMax::new).map(|value| KnownMax {
            value,
            source: profile.hr_max_source.unwrap_or(HrMaxSource::Entered),
            approved: profile.hr_max_approved,
        });
        let formula =
            age.map(|age| KnownMax { value: HrMax::tanaka(age), source: HrMaxSource::Formula, approved: true });
        let hr_max = given.or(formula);
        // A resting rate at or above the maximum would turn reserve upside down.
        let below_max = |rest: &u16| hr_max.is_none_or(|max| f64::from(*rest) + 20.0 <= max.value.bpm());
        Body {
            sex: profile.sex,
            age,
            weight_kg: profile.weight_kg.filter(|kg| (20.0..=350.0).contains(kg)),
            hr_rest: profile.hr_rest.filter(|rest| (25..=120).contains(rest)).filter(below_max),
            hr_max,
            ftp_w: profile.ftp_w.filter(|ftp| (30..=700).contains(ftp)),
            zones_off: profile.zones_off,
        }
    }

    /// The maximum that zones, percent and points are made with; none with zones off.
    pub fn zones_max(&self) -> Option<HrMax> {
        if self.zones_off { None } else { self.hr_max.map(|max| max.value) }
    }

    /// Whether points may be compared with others'. A typed maximum waits for a trainer.
    pub fn may_rank(&self) -> bool {
        !self.zones_off && self.hr_max.is_some_and(|max| max.source != HrMaxSource::Entered || max.approved)
    }

    pub fn is_minor(&self) -> bool {
        self.age.is_some_and(|age| age < 18)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn body(sex: Sex, age: u8, weight_kg: f64) -> Body {
        let max =
            KnownMax { value: HrMax::new(190.0).expect("a maximum"), source: HrMaxSource::Measured, approved: true };
        Body {
            sex: Some(sex),
            age: Some(age),
            weight_kg: Some(weight_kg),
            hr_rest: Some(60),
            hr_max: Some(max),
            ftp_w: Some(250),
            zones_off: false,
        }
    }

    /// The golden profile.
    pub fn man() -> Body {
        body(Sex::Male, 40, 80.0)
    }

    #[test]
    fn a_profile_becomes_a_body_on_a_day() {
        let profile = Profile { born: Some("1986-11-23".into()), hr_rest: Some(200), ..Profile::default() };
        let body = Body::on_day(&profile, Millis(1_795_459_200_000));
        assert_eq!(body.age, Some(40));
        assert_eq!(body.hr_max.map(|max| (max.value.bpm(), max.source)), Some((180.0, HrMaxSource::Formula)));
        assert_eq!(body.hr_rest, None, "a resting rate above the maximum is a typing error");
        let typed = Profile { hr_max: Some(190.0), hr_max_source: Some(HrMaxSource::Entered), ..Profile::default() };
        assert!(!Body::on_day(&typed, Millis(0)).may_rank());
        assert!(Body::on_day(&Profile { hr_max_approved: true, ..typed }, Millis(0)).may_rank());
        assert_eq!(Body::on_day(&Profile::default(), Millis(0)).hr_max, None, "a guest has bpm only");
    }
}
