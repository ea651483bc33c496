//! A second fold of stored samples, made as plainly as can be and sharing no code with the product's: for every sample that counts,
//! every millisecond that it holds is looked at one by one. Slow, and easy to check against section 0 of the rules.

/// A stored sample of one sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// Class time.
    pub at: i64,
    /// 0 is the strap, 1 the watch.
    pub sensor: usize,
    /// Breaks ties of one sensor: the order in which it was measured.
    pub seq: u32,
    pub bpm: u16,
}

/// What the class did: half-open stretches of class time.
#[derive(Clone, Debug, Default)]
pub struct Course {
    pub live: Vec<(i64, i64)>,
    /// Join to leave, or to the end of the class.
    pub present: (i64, i64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    pub hr_ms: i64,
    pub zone_ms: [i64; 6],
    /// Points × 60,000.
    pub points: i64,
    pub splat_ms: i64,
    pub strap_ms: i64,
}

const HOLD_MS: i64 = 5_000;
const SILENT_MS: i64 = 5_000;
const STEADY_MS: i64 = 10_000;

/// `hr_max` in tenths of a bpm.
pub fn fold(samples: &[Stored], course: &Course, hr_max: i64) -> Sums {
    let mut samples: Vec<Stored> =
        samples.iter().filter(|each| each.at >= course.present.0 && each.at < course.present.1).copied().collect();
    samples.sort_by_key(|each| (each.at, each.sensor, each.seq));
    let counting = choose(&samples);
    let mut sums = Sums::default();
    for (index, sample) in counting.iter().enumerate() {
        let next = counting.get(index + 1).map_or(i64::MAX, |next| next.at);
        let until = next.min(sample.at + HOLD_MS).min(course.present.1);
        for ms in sample.at..until {
            let zone = zone(i64::from(sample.bpm), hr_max);
            sums.hr_ms += 1;
            sums.zone_ms[zone] += 1;
            sums.strap_ms += i64::from(sample.sensor == 0);
            if course.live.iter().any(|(from, to)| (*from..*to).contains(&ms)) {
                sums.points += [0, 1, 2, 3, 4, 4][zone];
                sums.splat_ms += i64::from(i64::from(sample.bpm) * 10 * 100 >= 84 * hr_max);
            }
        }
    }
    sums
}

fn zone(bpm: i64, hr_max: i64) -> usize {
    // Exact: bpm / max ≥ 50 %, 60 % …
    (5..=9).filter(|tenth| bpm * 10 * 10 >= tenth * hr_max).count()
}

/// One sensor counts at a time: the strap, the watch after 5 s of its silence, the strap again after 10 s without a break.
fn choose(samples: &[Stored]) -> Vec<Stored> {
    let mut last: [Option<i64>; 2] = [None; 2];
    let mut steady_since = [0_i64; 2];
    let mut current: Option<usize> = None;
    let mut counting = Vec::new();
    for sample in samples {
        let own = sample.sensor;
        if last[own].is_none_or(|last| sample.at - last > SILENT_MS) {
            steady_since[own] = sample.at;
        }
        last[own] = Some(sample.at);
        let takes = match current {
            None => true,
            Some(other) if other == own => true,
            Some(other) => {
                let silent = last[other].is_some_and(|last| sample.at - last > SILENT_MS);
                silent || own < other && sample.at - steady_since[own] >= STEADY_MS
            }
        };
        if takes {
            current = Some(own);
            counting.push(*sample);
        }
    }
    counting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64, sensor: usize, bpm: u16) -> Stored {
        Stored { at: s * 1_000, sensor, seq: s as u32, bpm }
    }

    #[test]
    fn a_gap_earns_five_seconds_and_a_pause_no_points() {
        let samples = [at(0, 0, 171), at(20, 0, 100)];
        let course = Course { live: vec![(0, 3_000)], present: (0, 22_000) };
        let sums = fold(&samples, &course, 1_900);
        assert_eq!((sums.hr_ms, sums.zone_ms[5], sums.zone_ms[1]), (7_000, 5_000, 2_000));
        assert_eq!((sums.points, sums.splat_ms), (12_000, 3_000));
    }

    #[test]
    fn the_watch_stands_in() {
        let samples: Vec<Stored> = (0..40)
            .flat_map(|s| (!(5..20).contains(&s)).then(|| at(s, 0, 150)).into_iter().chain([at(s, 1, 90)]))
            .collect();
        let sums = fold(&samples, &Course { live: vec![], present: (0, 40_000) }, 1_900);
        // The strap's last sample before its silence holds 5 s; the watch takes over at 10 s, and it returns at 30 s.
        assert_eq!((sums.hr_ms, sums.strap_ms), (39_000, 9_000 + 10_000));
    }
}
