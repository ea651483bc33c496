//! Time as the domain knows it: the wall clock as an argument, class time as a rate of it, and the calendar of birthdays.

use fitconnect_protocol::class::ClassClock;

/// Unix time in milliseconds, from a clock that does not jump back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    pub fn plus(self, ms: u64) -> Millis {
        Millis(self.0 + ms)
    }
    /// Milliseconds since `earlier`, 0 where that lies ahead.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Class time in milliseconds.
pub type ClassMs = i64;

/// Class time at a moment of the wall.
pub fn class_at(clock: &ClassClock, now: Millis) -> ClassMs {
    clock.class_ms + i64::from(clock.rate) * (now.0 as i64 - clock.wall_ms)
}

/// The first moment of the wall at which class time is `at` or later.
pub fn wall_at(clock: &ClassClock, at: ClassMs) -> Millis {
    let rate = i64::from(clock.rate);
    let ahead = at - clock.class_ms;
    let ms = clock.wall_ms + ahead.div_euclid(rate) + i64::from(ahead.rem_euclid(rate) != 0);
    Millis(ms.max(0) as u64)
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: i32,
    pub month: u8,
    pub day: u8,
}

impl Date {
    /// From `YYYY-MM-DD`; `None` where that is no day between 1900 and 2200.
    pub fn parse(text: &str) -> Option<Date> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let date =
            Date { year: text[..4].parse().ok()?, month: text[5..7].parse().ok()?, day: text[8..].parse().ok()? };
        let leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
        let days = match date.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        ((1900..2200).contains(&date.year) && (1..=days).contains(&date.day)).then_some(date)
    }

    /// The day in UTC. Algorithm: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    pub fn at(now: Millis) -> Date {
        let z = (now.0 / 86_400_000) as i64 + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
        Date {
            year: (year_of_era + era * 400 + i64::from(month <= 2)) as i32,
            month,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
        }
    }

    /// Whole years from here to `day`; `None` for a birth that lies ahead or over 120 years back.
    pub fn age_on(self, day: Date) -> Option<u8> {
        let before_birthday = (day.month, day.day) < (self.month, self.day);
        let years = day.year - self.year - i32::from(before_birthday);
        (0..=120).contains(&years).then_some(years as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_time_runs_at_its_rate_and_back() {
        let clock = ClassClock { class_ms: 1_000, wall_ms: 500, rate: 20 };
        assert_eq!(class_at(&clock, Millis(510)), 1_200);
        assert_eq!(wall_at(&clock, 1_200), Millis(510));
        assert_eq!(wall_at(&clock, 1_201), Millis(511), "never early");
        assert_eq!(class_at(&clock, Millis(400)), -1_000, "before the anchor");
    }

    #[test]
    fn the_calendar_knows_leap_days_and_birthdays() {
        let day = |text| Date::parse(text).expect(text);
        assert_eq!(Date::at(Millis(951_782_400_000)), day("2000-02-29"));
        assert_eq!(Date::at(Millis(1_795_459_200_000)), day("2026-11-23"));
        assert_eq!(Date::parse("2023-02-29"), None);
        assert_eq!(Date::parse("1986-1-02"), None);
        assert_eq!(day("1986-11-24").age_on(day("2026-11-23")), Some(39));
        assert_eq!(day("1986-11-23").age_on(day("2026-11-23")), Some(40));
        assert_eq!(day("2027-01-01").age_on(day("2026-11-23")), None);
    }
}
