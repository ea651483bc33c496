//! The recordings that come with FitConnect, compiled in: real people, without positions, serial numbers or names.
//! Not read from disk and not a catalogue for members; where each file comes from is told in data/README.md.
//! Used by tests, by the demo and by the load generator.

/// Names of the recordings `read` takes, in the order of data/README.md.
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// A file by its name: a recording of `names()`, or one of [`BLE_NOTIFICATIONS`] and [`REST_INTERVALS`].
pub fn bytes(name: &str) -> Option<&'static [u8]> {
    RECORDINGS.iter().chain(&TEXTS).find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

/// Figures that an independent program computed from the recordings (JSON, one object a file; see data/README.md).
pub fn golden() -> &'static str {
    include_str!("../data/golden.json")
}

/// 1,072 Heart Rate Measurement notifications (0x2A37) made from the indoor ride, `<t_ms> <hex>` a line.
pub const BLE_NOTIFICATIONS: &str = "ble_2a37_from_real_ride.txt";

/// Intervals between beats at rest for an hour, milliseconds, one a line.
pub const REST_INTERVALS: &str = "rest_nni_60min_ms.txt";

type File = (&'static str, &'static [u8]);

static RECORDINGS: [File; 9] = [
    ("indoor_ride_intervals_rr_edge530.fit", include_bytes!("../data/indoor_ride_intervals_rr_edge530.fit")),
    ("ride_power_hr_2h19_edge1000.fit", include_bytes!("../data/ride_power_hr_2h19_edge1000.fit")),
    ("ride_hr_1h26_fr935.fit", include_bytes!("../data/ride_hr_1h26_fr935.fit")),
    ("ride_5laps_pause_edge1000.fit", include_bytes!("../data/ride_5laps_pause_edge1000.fit")),
    ("rowing_short_fr935.fit", include_bytes!("../data/rowing_short_fr935.fit")),
    ("run_20min_fenix6.tcx", include_bytes!("../data/run_20min_fenix6.tcx")),
    ("yoga_hr_only_fenix6.tcx", include_bytes!("../data/yoga_hr_only_fenix6.tcx")),
    ("run_65min_polar_m400_gap.tcx", include_bytes!("../data/run_65min_polar_m400_gap.tcx")),
    ("activity_hr_cad_garmin.gpx", include_bytes!("../data/activity_hr_cad_garmin.gpx")),
];

static TEXTS: [File; 2] = [
    (BLE_NOTIFICATIONS, include_bytes!("../data/ble_2a37_from_real_ride.txt")),
    (REST_INTERVALS, include_bytes!("../data/rest_nni_60min_ms.txt")),
];

static NAMES: [&str; RECORDINGS.len()] = {
    let mut names = [""; RECORDINGS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = RECORDINGS[i].0;
        i += 1;
    }
    names
};
