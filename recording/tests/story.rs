//! What devices and exporters really write, one oddity a test, as files made here.
//! Not hostile input: see hostile.rs. Not whole activities: see shipped.rs.
//! Run by cargo test.

mod common;

use common::{FIT_EPOCH_MS, Fit, RECORD, T0, check, refused};
use fitconnect_recording::{Format, Lap};

#[test]
fn a_fit_record_has_heart_rate_power_and_cadence() {
    let file = Fit::new().define(0, 20, RECORD).record(0, 120, 80, 200).record(1, 121, 81, 0).build();
    let ride = check(&file, &["0 120 200 80", "1000 121 0 81"]);
    assert_eq!((ride.format, ride.started_at_ms), (Format::Fit, FIT_EPOCH_MS + i64::from(T0) * 1_000));
    assert_eq!((ride.sport, ride.device, ride.ftp_w, ride.laps), (None, None, None, vec![]));
}

#[test]
fn invalid_values_are_none_and_an_empty_record_is_passed_over() {
    let file = Fit::new().define(0, 20, RECORD).record(0, 0, 255, 100).record(1, 255, 255, 0xffff);
    check(&file.record(2, 255, 70, 0xffff).build(), &["0 - 100 -", "2000 - - 70"]);
}

#[test]
fn a_clock_that_jumps_back_is_sorted_and_equal_times_are_merged() {
    let file = Fit::new().define(0, 20, RECORD).record(5, 125, 85, 205).record(3, 123, 83, 203);
    check(&file.record(5, 126, 255, 0xffff).build(), &["0 123 203 83", "2000 126 205 85"]);
}

#[test]
fn intervals_belong_to_the_record_before_them() {
    let rr = |values: [u16; 2]| [values[0].to_le_bytes(), values[1].to_le_bytes()].concat();
    let file = Fit::new().define(0, 20, RECORD).define(1, 78, &[[0, 4, 0x84]]);
    let file = file.data(1, &[&rr([500, 0xffff])]).record(0, 120, 255, 0xffff).data(1, &[&rr([501, 502])]);
    let file = file.record(1, 121, 255, 0xffff).data(1, &[&rr([0xffff, 0xffff])]).data(1, &[&rr([503, 0])]);
    check(&file.build(), &["0 120 - - rr[500, 501, 502]", "1000 121 - - rr[503]"]);
}

#[test]
fn compressed_timestamps_count_on_and_roll_over() {
    let short = [[3u8, 1, 0x02]];
    let begin = 31 - (T0 % 32);
    let file = Fit::new().define(0, 20, RECORD).define(1, 20, &short).record(begin, 120, 80, 200);
    let file = file.compressed(1, 31, &[&[121]]).compressed(1, 1, &[&[122]]).compressed(1, 0, &[&[123]]);
    check(&file.build(), &["0 121 200 80", "2000 122 - -", "33000 123 - -"]);
}

#[test]
fn a_big_endian_file_reads_the_same() {
    let mut file = Fit::new().define(0, 20, RECORD);
    file = file.data(0, &[&T0.to_le_bytes(), &[100, 60], &150u16.to_le_bytes()]);
    let little = file.build();
    let mut big = little.clone();
    big[16] = 1;
    big[17..19].copy_from_slice(&20u16.to_be_bytes());
    let data = big.len() - 2 - 8;
    big[data..data + 4].copy_from_slice(&T0.to_be_bytes());
    big[data + 6..data + 8].copy_from_slice(&150u16.to_be_bytes());
    common::repair(&mut big);
    check(&little, &["0 100 150 60"]);
    check(&big, &["0 100 150 60"]);
}

/// field_description: developer, field, base type, scale, native message, native field.
const DESCRIPTION: &[[u8; 3]] = &[[0, 1, 2], [1, 1, 2], [2, 1, 2], [6, 1, 2], [14, 2, 0x84], [15, 1, 2]];

#[test]
fn a_developer_field_is_stepped_over_or_stands_for_power() {
    let file = Fit::new().define(2, 206, DESCRIPTION);
    let file = file.data(2, &[&[0, 0, 0x84, 255], &20u16.to_le_bytes(), &[7]]);
    let file = file.data(2, &[&[0, 1, 0x88, 255], &0xffffu16.to_le_bytes(), &[255]]);
    let fields = [[253, 4, 0x86], [3, 1, 0x02]];
    let file = file.define_with_developer(0, 20, &fields, &[[0, 2, 0], [1, 4, 0]]);
    let record =
        |at: u32, watts: u16| [&(T0 + at).to_le_bytes()[..], &[120], &watts.to_le_bytes(), &[0, 0, 128, 63]].concat();
    let file = file.data(0, &[&record(0, 250)]).data(0, &[&record(1, 0xffff)]);
    check(&file.build(), &["0 120 250 -", "1000 120 - -"]);
}

#[test]
fn a_developer_field_of_an_odd_size_or_scale_is_stepped_over() {
    let file = Fit::new().define(2, 206, DESCRIPTION);
    let file = file.data(2, &[&[0, 0, 0x84, 10], &20u16.to_le_bytes(), &[7]]);
    let file = file.data(2, &[&[0, 1, 0x86, 255], &20u16.to_le_bytes(), &[7]]);
    let file = file.define_with_developer(0, 20, &[[253, 4, 0x86], [3, 1, 2]], &[[0, 2, 0], [1, 255, 0]]);
    let file = file.data(0, &[&T0.to_le_bytes(), &[120], &[9, 9], &[7; 255]]);
    check(&file.build(), &["0 120 - -"]);
}

#[test]
fn a_field_of_an_odd_type_is_skipped_and_the_rest_read() {
    let file = Fit::new().define(0, 20, &[[253, 4, 0x86], [3, 3, 0x84], [7, 2, 0x84]]);
    let file = file.data(0, &[&T0.to_le_bytes(), &[1, 2, 3], &200u16.to_le_bytes()]);
    check(&file.build(), &["0 - 200 -"]);
}

#[test]
fn chained_parts_are_one_activity() {
    let threshold = Fit::new().define(3, 7, &[[3, 2, 0x84]]).data(3, &[&248u16.to_le_bytes()]);
    let first = Fit::new().define(0, 20, RECORD).record(0, 120, 80, 200);
    let second = Fit::new().define(0, 20, RECORD).record(1, 121, 81, 201);
    let ride =
        check(&[threshold.build(), first.build(), second.build()].concat(), &["0 120 200 80", "1000 121 201 81"]);
    assert_eq!(ride.ftp_w, Some(248));
}

#[test]
fn laps_count_from_the_first_record() {
    let file = Fit::new().define(0, 20, RECORD).record(3, 120, 80, 200).record(9, 121, 80, 200);
    let file = file.define(1, 19, &[[253, 4, 0x86], [2, 4, 0x86], [7, 4, 0x86]]);
    let lap = |start: u32, end: u32, elapsed_ms: u32| {
        [end.to_le_bytes(), (T0 + start).to_le_bytes(), elapsed_ms.to_le_bytes()].concat()
    };
    let file = file.data(1, &[&lap(0, T0 + 5, 37_100)]).data(1, &[&lap(5, u32::MAX, 4_713)]);
    let ride = check(&file.build(), &["0 120 200 80", "6000 121 200 80"]);
    assert_eq!(ride.laps, [Lap { start_ms: 0, end_ms: 2_000 }, Lap { start_ms: 2_000, end_ms: 6_713 }]);
}

#[test]
fn a_tcx_may_be_without_positions_and_with_any_prefix() {
    let file = tcx(r#"
        <Trackpoint><Time>2024-05-01T10:00:00.250Z</Time><HeartRateBpm><Value>100</Value></HeartRateBpm>
          <Extensions><x:TPX xmlns:x="urn:x"><x:Watts>210</x:Watts><x:RunCadence>82</x:RunCadence></x:TPX></Extensions></Trackpoint>
        <Trackpoint><Time>2024-05-01T12:00:02+02:00</Time><HeartRateBpm><Value>101.0</Value></HeartRateBpm><Cadence>90</Cadence>
          <Extensions><TPX><RunCadence>82</RunCadence><Watts/></TPX></Extensions></Trackpoint>
        <Trackpoint><Time>2024-05-01T10:00:03Z</Time><AltitudeMeters>10</AltitudeMeters></Trackpoint>
        <Trackpoint><Time>yesterday</Time><HeartRateBpm><Value>102</Value></HeartRateBpm></Trackpoint>
        <Trackpoint><Time>2024-05-01T10:00:04</Time><HeartRateBpm><Value>many</Value></HeartRateBpm><Cadence>300</Cadence>
          <Extensions><TPX><Watts>-3</Watts><Speed>1</Speed></TPX></Extensions></Trackpoint>
        <Trackpoint><Time>2024-05-01T10:00:05Z</Time><HeartRateBpm><Value><![CDATA[10]]>&#51;</Value></HeartRateBpm></Trackpoint>"#);
    let ride = check(file.as_bytes(), &["0 100 210 82", "1750 101 - 90", "4750 103 - -"]);
    assert_eq!((ride.started_at_ms, ride.sport.as_deref()), (1_714_557_600_250, Some("biking")));
    assert_eq!(ride.device.as_deref(), Some("Dürer & Co"));
    assert_eq!(ride.laps, [Lap { start_ms: 0, end_ms: 9_750 }]);
}

#[test]
fn a_gpx_has_its_values_in_anybodys_extension() {
    let file = r#"<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
      <g:gpx creator="Strava &amp; GPX" xmlns:g="http://www.topografix.com/GPX/1/1"><g:wpt lat="0" lon="0"><time>2024-05-01T09:00:00Z</time></g:wpt>
      <g:trk><name>&b;</name><type>cycling</type><g:trkseg>
      <g:trkpt lat="0" lon="0"><time>2024-05-01T10:00:00Z</time><extensions><power>190</power>
        <gpxtpx:TrackPointExtension><gpxtpx:hr>140</gpxtpx:hr><gpxtpx:cad>88</gpxtpx:cad></gpxtpx:TrackPointExtension></extensions></g:trkpt>
      <trkpt><time>2024-05-01T10:00:05Z</time><extensions><pwr:PowerInWatts>191</pwr:PowerInWatts><gpxdata:hr>141</gpxdata:hr></extensions></trkpt>
      <trkpt><extensions><hr>150</hr></extensions></trkpt>
      </g:trkseg></g:trk></g:gpx> "#;
    let ride = check(file.as_bytes(), &["0 140 190 88", "5000 141 191 -"]);
    assert_eq!(
        (ride.format, ride.sport.as_deref(), ride.device.as_deref()),
        (Format::Gpx, Some("cycling"), Some("Strava & GPX"))
    );
    assert_eq!(ride.median_step_ms(), 5_000);
}

#[test]
fn a_file_without_heart_rate_or_power_is_refused() {
    let none = "no heart rate or power in this file";
    refused(&Fit::new().build(), none);
    refused(&Fit::new().define(0, 20, RECORD).record(0, 255, 90, 0xffff).build(), none);
    refused(tcx("").as_bytes(), none);
    refused(b"<gpx/>", none);
}

#[test]
fn a_clock_set_on_the_way_is_refused() {
    let file = Fit::new().define(0, 20, RECORD).record(0, 120, 80, 200).record(40 * 86_400, 120, 80, 200);
    refused(&file.build(), "the times in this file span 40 days, more than 31: was its clock set on the way?");
}

fn tcx(trackpoints: &str) -> String {
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><TrainingCenterDatabase><Activities><Activity Sport=\"Biking\">\
         <Lap StartTime=\"2024-05-01T10:00:00Z\"><TotalTimeSeconds>10.0</TotalTimeSeconds>\
         <AverageHeartRateBpm><Value>99</Value></AverageHeartRateBpm><Cadence>77</Cadence><Track>{trackpoints}</Track></Lap>\
         <Creator><Name>D\u{fc}rer &amp; Co</Name></Creator></Activity></Activities></TrainingCenterDatabase>"
    )
}
