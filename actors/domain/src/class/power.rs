//! Power of a whole ride: mean, normalised power, intensity, stress, work and best efforts, from the series of one source.

use fitconnect_protocol::class::PowerSummary;
use std::collections::BTreeMap;

/// Lengths of the best efforts, seconds.
pub const BEST_EFFORTS_S: [u32; 4] = [5, 60, 300, 1200];
const ROLLING_S: usize = 30;

/// One value a second. A record stands for its second; where records are further apart, each stands until the next.
pub fn summary(watts: &[f64], ftp_w: Option<u16>) -> Option<PowerSummary> {
    if watts.is_empty() {
        return None;
    }
    let seconds = watts.len() as f64;
    let work_j: f64 = watts.iter().sum();
    let avg = work_j / seconds;
    let np = normalised(watts).unwrap_or(avg);
    let intensity = ftp_w.map(|ftp| np / f64::from(ftp));
    let tss =
        intensity.zip(ftp_w).map(|(intensity, ftp)| seconds * np * intensity / (f64::from(ftp) * 3_600.0) * 100.0);
    let best = BEST_EFFORTS_S.iter().filter_map(|s| best_mean(watts, *s as usize).map(|best| (*s, best)));
    Some(PowerSummary {
        avg,
        np_strict30: np,
        intensity,
        tss,
        work_kj: work_j / 1_000.0,
        mean_max_w: best.collect::<BTreeMap<_, _>>(),
    })
}

/// Fourth root of the mean fourth power of the 30 s rolling mean, from the first whole 30 s on
/// (A. Coggan, in Allen & Coggan, Training and Racing with a Power Meter, 2006). A device starts the same way.
fn normalised(watts: &[f64]) -> Option<f64> {
    let means = rolling_means(watts, ROLLING_S);
    let (sum, count) = means.fold((0.0, 0_u32), |(sum, count), mean| (sum + mean.powi(4), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).powf(0.25))
}

fn best_mean(watts: &[f64], seconds: usize) -> Option<f64> {
    rolling_means(watts, seconds).reduce(f64::max)
}

fn rolling_means(watts: &[f64], width: usize) -> impl Iterator<Item = f64> + '_ {
    let mut sums = Vec::with_capacity(watts.len() + 1);
    sums.push(0.0);
    for watt in watts {
        sums.push(sums[sums.len() - 1] + watt);
    }
    (width..=watts.len()).map(move |end| (sums[end] - sums[end - width]) / width as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_at_threshold_is_100() {
        let hour = summary(&[250.0; 3_600], Some(250)).expect("power");
        assert!((hour.np_strict30 - 250.0).abs() < 1e-9);
        assert_eq!(hour.tss.map(f64::round), Some(100.0));
        assert_eq!(hour.work_kj, 900.0);
        assert_eq!(hour.mean_max_w.keys().copied().collect::<Vec<_>>(), BEST_EFFORTS_S);
        let short = summary(&[100.0, 300.0], None).expect("power");
        assert_eq!((short.avg, short.np_strict30, short.intensity), (200.0, 200.0, None));
    }
}
