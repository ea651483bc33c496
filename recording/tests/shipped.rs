//! The shipped recordings: each read whole, with the figures of the independent program, and nothing private in them.
//! Not the formulas: zones, points and power figures of golden.json are tested where they are computed.
//! Run by cargo test.

use fitconnect_recording::{Format, Record, Recording, read, shipped};
use fitparser::Value;

#[test]
fn each_has_the_golden_records_time_and_maximum() {
    let golden: serde_json::Value = serde_json::from_str(shipped::golden()).unwrap();
    assert_eq!(golden.as_object().unwrap().len(), shipped::names().len());
    for name in shipped::names() {
        let (recording, golden) = (load(name), &golden[name]);
        let with_heart_rate: Vec<&Record> = recording.records.iter().filter(|record| record.bpm.is_some()).collect();
        assert_eq!(with_heart_rate.len() as u64, golden["records"].as_u64().unwrap(), "{name}");
        let elapsed_ms = with_heart_rate.last().unwrap().at_ms - with_heart_rate[0].at_ms;
        assert_eq!(f64::from(elapsed_ms) / 1_000.0, golden["elapsed_s"].as_f64().unwrap(), "{name}");
        let hr_max = with_heart_rate.iter().filter_map(|record| record.bpm).max();
        assert_eq!(hr_max.map(u64::from), golden["hr_max"].as_u64(), "{name}");
        let Some(average) = golden["power"]["avg"].as_f64() else {
            continue;
        };
        let sum: u32 = recording.records.iter().filter_map(|record| record.power_w).map(u32::from).sum();
        assert!((f64::from(sum) / recording.records.len() as f64 - average).abs() < 0.005, "{name}");
        assert_eq!(recording.ftp_w.map(u64::from), golden["power"]["ftp"].as_u64(), "{name}");
    }
}

#[test]
fn each_says_what_it_is() {
    let facts = |name: &&str| {
        let Recording { format, sport, device, ftp_w, laps, .. } = load(name);
        let (sport, device) = (sport.unwrap_or_default(), device.unwrap_or_default());
        format!("{format} {sport} | {device} | ftp {} | {} laps", ftp_w.unwrap_or(0), laps.len())
    };
    let all: Vec<String> = shipped::names().iter().map(facts).collect();
    assert_eq!(
        all,
        [
            "FIT cycling | garmin edge 530 | ftp 248 | 15 laps",
            "FIT cycling | garmin edge1000 | ftp 200 | 1 laps",
            "FIT cycling | garmin fr935 | ftp 0 | 8 laps",
            "FIT cycling | garmin edge1000 | ftp 200 | 5 laps",
            "FIT multisport | garmin fr935 | ftp 0 | 3 laps",
            "TCX running | fenix 6 Sapphire | ftp 0 | 1 laps",
            "TCX other | fenix 6 Sapphire | ftp 0 | 1 laps",
            "TCX running | Polar M400 | ftp 0 | 2 laps",
            "GPX running | Garmin Connect | ftp 0 | 0 laps",
        ]
    );
}

#[test]
fn only_the_gpx_was_recorded_smartly() {
    for name in shipped::names() {
        let recording = load(name);
        match recording.format {
            Format::Gpx => assert_eq!(recording.median_step_ms(), 5_000),
            Format::Fit | Format::Tcx => assert_eq!(recording.median_step_ms(), 1_000, "{name}"),
        }
    }
}

#[test]
fn times_rise_and_start_at_zero_and_laps_lie_inside() {
    for name in shipped::names() {
        let recording = load(name);
        assert_eq!(recording.records[0].at_ms, 0);
        assert!(recording.records.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms), "{name}");
        assert!(recording.laps.iter().all(|lap| lap.start_ms <= lap.end_ms), "{name}");
        assert!(recording.laps.windows(2).all(|pair| pair[0].start_ms <= pair[1].start_ms), "{name}");
    }
}

#[test]
fn the_indoor_ride_keeps_every_beat() {
    let ride = load("indoor_ride_intervals_rr_edge530.fit");
    assert_eq!(ride.records.iter().map(|record| record.rr_ms.len()).sum::<usize>(), 2_705);
    assert_eq!(ride.started_at_ms, 1_644_252_472_000);
    // The one hole of the ride: two seconds, after which the device has a heart rate but no power.
    let [before, after] = &ride.records[841..=842] else { unreachable!() };
    assert_eq!(
        (after.at_ms - before.at_ms, before.power_w, after.power_w, after.bpm),
        (2_000, Some(46), None, Some(175))
    );
}

#[test]
fn the_polar_hole_is_398_7_seconds() {
    let run = load("run_65min_polar_m400_gap.tcx");
    let hole = run.records.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max();
    assert_eq!(hole, Some(398_719));
}

#[test]
fn a_class_takes_a_window_of_a_ride() {
    let ride = load("ride_power_hr_2h19_edge1000.fit");
    let window = ride.window(300_000, 45 * 60_000);
    assert_eq!((window.len(), window[0].at_ms, window[2_699].at_ms), (2_700, 0, 2_699_000));
    assert_eq!(window[0].bpm, ride.records[300].bpm);
    assert!(ride.window(u32::MAX, u32::MAX).is_empty());
    assert_eq!(ride.window(0, u32::MAX), ride.records);
}

#[test]
fn the_text_files_are_there_too() {
    let lines = |name: &str| std::str::from_utf8(shipped::bytes(name).unwrap()).unwrap().lines().count();
    assert_eq!(lines(shipped::BLE_NOTIFICATIONS), 1_072);
    assert!(lines(shipped::REST_INTERVALS) > 4_000);
    assert_eq!(shipped::bytes("other.fit"), None);
}

#[test]
fn no_fit_file_holds_a_position_a_serial_number_or_a_name() {
    // user_profile, and Garmin's undocumented messages about the body, the sensors and the satellites.
    const BLANKED: [u16; 6] = [3, 79, 140, 141, 147, 233];
    for name in shipped::names().iter().filter(|name| name.ends_with(".fit")) {
        for message in fitparser::from_bytes(shipped::bytes(name).unwrap()).unwrap() {
            let kind = message.kind().as_u16();
            let is_empty = |value: &Value| matches!(value, Value::String(text) if text.is_empty());
            for field in message.fields().iter().filter(|field| !is_empty(field.value())) {
                let at = format!("{name}: message {kind}, {} = {:?}", field.name(), field.value());
                let is_position = field.name().ends_with("_lat") || field.name().ends_with("_long");
                let is_identity = ["serial_number", "ant_device_number"].contains(&field.name());
                assert!(!is_position && !is_identity, "{at}");
                assert!(!BLANKED.contains(&kind) || field.number() == 253, "{at}");
                // Undocumented bounding boxes of laps and sessions.
                assert!(![18, 19, 20].contains(&kind) || !matches!(field.value(), Value::SInt32(_)), "{at}");
                assert!(!["friendly_name", "name", "sport_profile_name"].contains(&field.name()), "{at}");
            }
        }
    }
}

#[test]
fn no_xml_file_holds_a_position_or_a_serial_number() {
    for name in shipped::names().iter().filter(|name| !name.ends_with(".fit")) {
        let text = std::str::from_utf8(shipped::bytes(name).unwrap()).unwrap();
        for word in ["Position", "Latitude", "Longitude"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
        for attribute in ["lat=\"", "lon=\""] {
            assert!(text.split(attribute).skip(1).all(|rest| rest.starts_with("0\"")), "{name}: {attribute}");
        }
        assert!(text.split("<UnitId>").skip(1).all(|rest| rest.starts_with("0<")), "{name}");
        assert!(text.split("<name>").skip(1).all(|rest| rest.starts_with('<')), "{name}");
    }
}

#[track_caller]
fn load(name: &str) -> Recording {
    read(shipped::bytes(name).expect("shipped")).unwrap_or_else(|error| panic!("{name}: {error}"))
}
