//! Every shipped recording through the machine, over a bad line, against the figures of an independent program.

mod common;

use common::*;
use fitconnect_domain::class::Stage;
use fitconnect_domain::class::ride::{Ride, RideRow, ride};
use fitconnect_protocol::class::*;
use fitconnect_protocol::limits;
use fitconnect_protocol::sample::Row;
use fitconnect_protocol::user::{Consent, Profile};
use fitconnect_recording::{Record, Recording, read, shipped};
use serde_json::Value;

fn recording(name: &str) -> Recording {
    read(shipped::bytes(name).expect("shipped")).expect(name)
}

fn golden(name: &str) -> Value {
    let golden: Value = serde_json::from_str(shipped::golden()).expect("JSON");
    golden[name].clone()
}

fn row(record: &Record) -> Row {
    Row {
        ms: record.at_ms,
        bpm: record.bpm.unwrap_or(0),
        power_w: record.power_w,
        cadence: record.cadence,
        rr_ms: record.rr_ms.clone(),
    }
}

/// `digits` is how many the golden value was rounded to.
#[track_caller]
fn near(what: &str, got: f64, golden: &Value, digits: i32) {
    let golden = golden.as_f64().unwrap_or_else(|| panic!("no golden {what}"));
    let tolerance = 0.51 * 10_f64.powi(-digits);
    assert!((got - golden).abs() <= tolerance, "{what}: {got}, golden {golden}");
}

#[track_caller]
fn check(name: &str, summary: &MemberSummary, heart: &Value, whole: &Value) {
    let known = |value: Option<f64>| value.unwrap_or_else(|| panic!("{name}: a figure is missing"));
    assert_eq!(u64::from(summary.records), whole["records"].as_u64().expect("records"), "{name}");
    near(&format!("{name} hr_seconds"), summary.hr_seconds, &heart["hr_seconds"], 3);
    near(&format!("{name} hr_avg"), summary.hr_avg, &heart["hr_avg"], 2);
    for (zone, seconds) in summary.zone_s.expect("zones").iter().enumerate() {
        near(&format!("{name} zone {zone}"), *seconds, &heart["mz_zone_s"][zone], 3);
    }
    near(&format!("{name} meps"), known(summary.meps), &heart["meps"], 3);
    assert_eq!(summary.points, heart["meps"].as_f64().map(|meps| meps as u32), "{name}");
    near(&format!("{name} splats"), known(summary.splat_minutes), &heart["splat_minutes"], 3);
    near(&format!("{name} edwards"), known(summary.edwards), &heart["edwards"], 3);
    near(&format!("{name} banister"), known(summary.banister), &heart["banister_male"], 3);
    near(&format!("{name} keytel"), known(summary.keytel_kcal), &heart["keytel_kcal"], 2);
    check_power(name, summary.power.as_ref(), &whole["power"], summary.hr_seconds);
}

#[track_caller]
fn check_power(name: &str, power: Option<&PowerSummary>, golden: &Value, seconds: f64) {
    if golden.is_null() {
        return assert!(power.is_none_or(|power| power.avg == 0.0), "{name}: power out of nowhere");
    }
    let power = power.expect("power");
    near(&format!("{name} avg"), power.avg, &golden["avg"], 2);
    near(&format!("{name} work"), power.work_kj, &golden["work_kj"], 3);
    near(&format!("{name} np"), power.np_strict30, &golden["np_strict30"], 2);
    let tss = power.tss.expect("an FTP") / golden["tss"].as_f64().expect("a golden TSS");
    // The golden program counts a second or two less of a ride.
    assert!((tss - 1.0).abs() < 0.03, "{name}: TSS {tss} of the golden one");
    for (length, watts) in golden["mean_max_w"].as_object().expect("best efforts") {
        let length: u32 = length.parse().expect("seconds");
        near(&format!("{name} best {length} s"), power.mean_max_w[&length], watts, 1);
    }
    if seconds < 600.0 {
        return;
    }
    let device = |key: &str| golden[key].as_f64().expect("a device's figure");
    assert!((power.np_strict30 - device("device_np")).abs() <= 1.0, "{name}: NP of the device");
    assert!((power.tss.expect("an FTP") / device("device_tss") - 1.0).abs() <= 0.03, "{name}: TSS of the device");
}

/// In a class of one work segment that is longer than the recording, through the bad line; the last quarter, at most
/// 15 minutes, comes only while the class cools.
fn through_a_class(name: &str, seed: u64) -> (MemberSummary, Studio) {
    let recording = recording(name);
    let last = recording.records.last().expect("a record").at_ms;
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, last / 1_000 + 600, None)]);
    let profile = golden_profile(recording.ftp_w.unwrap_or(250));
    studio.plan(PlanAction::Start);
    studio.join(1, profile, open_consent(), vec![strap(1)]);
    let ends = i64::from(last) + 1_000;
    let cooling_from = i64::from(last) - (i64::from(last) / 4).min(15 * 60_000);
    let frames: Vec<_> =
        recording.records.chunks(3).enumerate().map(|(index, rows)| (index as u32 * 3, rows)).collect();
    let (late, live): (Vec<_>, Vec<_>) = frames
        .into_iter()
        .map(|frame| (i64::from(frame.1[frame.1.len() - 1].at_ms), frame))
        .partition(|(at, _)| *at >= cooling_from);
    let mut arrivals = bad_line(live, seed);
    let late = late.into_iter().map(|(at, frame)| (ends + 1_000 + (at - cooling_from) / 10, frame)).collect();
    arrivals.extend(bad_line(late, seed + 1));
    arrivals.sort_by_key(|(at, _)| *at);
    let mut ended = false;
    for (at, (first, rows)) in arrivals {
        if at >= ends && !ended {
            studio.at_ms(ends).plan(PlanAction::End);
            ended = true;
        }
        studio.at_ms(at).send(1, strap(1).source, first, rows.iter().map(row).collect());
    }
    assert!(studio.now_ms() < ends + limits::COOLING_MS, "everything comes while the class cools");
    studio.at_ms(ends + limits::COOLING_MS + 1_000);
    assert_eq!(studio.unwanted(), [], "{name}");
    assert_eq!(studio.host.class.stage(), Stage::Settled);
    (studio.last_summary(), studio)
}

#[test]
fn every_recording_over_a_bad_line_has_the_golden_figures() {
    for (seed, name) in (7_001..).step_by(10).zip(shipped::names()) {
        let (summary, studio) = through_a_class(name, seed);
        let golden = golden(name);
        println!("{name}, seed {seed}: {:?}", studio.host.class.counts());
        check(name, &summary, &golden, &golden);
        let counts = studio.host.class.counts();
        assert_eq!((counts.mismatches, counts.dropped, counts.refused), (0, 0, 0), "{name}");
        assert!(counts.doubled > 0, "{name}: the line doubled nothing");
        assert_eq!(counts.samples, recording(name).records.len() as u64, "{name}");
    }
}

#[test]
fn ride_solo() {
    for name in shipped::names() {
        let recording = recording(name);
        let solo = Ride {
            class: CLASS,
            gym: GYM,
            user: member(1).user,
            rider: "Member 1".into(),
            name: (*name).into(),
            activity: Activity::Ride,
            profile: Profile { born: Some("1978-01-01".into()), ..golden_profile(recording.ftp_w.unwrap_or(250)) },
            consent: Consent::default(),
            started_at_ms: recording.started_at_ms as u64,
            sensor: strap(1),
            receiver: phone(1),
        };
        // The golden profile is forty years old on the day of the recording.
        let year = 1970 + recording.started_at_ms / 31_556_952_000;
        let profile = Profile { born: Some(format!("{}-01-01", year - 40)), ..solo.profile.clone() };
        let solo = Ride { profile, ..solo };
        let rows = recording.records.iter().map(|record| RideRow {
            at_ms: record.at_ms,
            bpm: record.bpm,
            power_w: record.power_w,
            cadence: record.cadence,
            rr_ms: record.rr_ms.clone(),
        });
        let ridden = ride(&solo, rows).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let golden = golden(name);
        let import = if golden["as_import"].is_null() { &golden } else { &golden["as_import"] };
        check(name, &ridden.member, import, &golden);
        assert_eq!(ridden.samples.len(), recording.records.len(), "{name}");
        assert_eq!((ridden.class.people, ridden.class.samples), (1, recording.records.len() as u64), "{name}");
        let ends = recording.started_at_ms + i64::from(recording.records.last().expect("a record").at_ms) + 1_000;
        assert_eq!((ridden.member.from, ridden.member.to), (recording.started_at_ms, ends), "{name}");
    }
}
