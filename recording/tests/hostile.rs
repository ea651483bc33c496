//! Files that are cut, changed, foreign or made to hurt: each is read or refused with a sentence, fast, without a panic.
//! Not the meaning of good files: see story.rs.
//! Run by cargo test.

mod common;

use std::time::{Duration, Instant};

use common::{Fit, RECORD, T0, XorShift, refused, repair};
use fitconnect_recording::{ReadError, limits, read, shipped};

#[test]
fn foreign_files_are_named() {
    refused(b"", "the file is empty");
    refused(&[0x00, 0x9f, 0x12, 0xff, 0x61], "not a FIT, TCX or GPX file: it begins with the bytes 00 9f 12 ff");
    refused(b"<!DOCTYPE html>\n<html><body>", "not a FIT, TCX or GPX file: it begins with <html>");
    refused(b"PK\x03\x04 export", "not a FIT, TCX or GPX file: it begins with a zip archive (unpack it first)");
    refused(&[0x1f, 0x8b, 8], "not a FIT, TCX or GPX file: it begins with a gzip archive (unpack it first)");
    let too_large = vec![b' '; limits::INPUT_BYTES_MAX + 1];
    refused(&too_large, "the file has 67108865 bytes, more than the 67108864 taken");
}

#[test]
fn a_damaged_fit_file_says_where() {
    let good = Fit::new().define(0, 20, RECORD).record(0, 120, 80, 200).build();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = good.clone();
        change(&mut file);
        file
    };
    let cut = &shipped::bytes("ride_5laps_pause_edge1000.fit").unwrap()[..5_120];
    refused(cut, "the FIT file ends too early, at byte 5120 of 7771");
    refused(&good[..13], "the FIT file ends too early, at byte 13 of 14");
    refused(
        &with(&|file| file[33] ^= 1),
        "the FIT file is damaged at byte 41: the checksum is wrong, some byte before it was changed",
    );
    refused(&with(&|file| file[2] ^= 1), "the FIT file is damaged at byte 0: the header's checksum is wrong");
    refused(&with(&|file| file[0] = 13), "the FIT file is damaged at byte 0: no FIT header begins here");
    refused(&with(&|file| file.push(0)), "the FIT file is damaged at byte 43: no FIT header begins here");
    refused(&with(&|file| file[32] = 5), "the FIT file is damaged at byte 32: a message whose kind was never defined");
    refused(
        &with(&|file| file[21] = 200),
        "the FIT file is damaged at byte 32: a message longer than the rest of the file's part",
    );
    refused(
        &with(&|file| file[19] = 200),
        "the FIT file is damaged at byte 14: a definition longer than the rest of the file's part",
    );
    let unknown = Fit::new().define_with_developer(0, 20, RECORD, &[[0, 2, 0]]);
    let unknown = unknown.data(0, &[&T0.to_le_bytes(), &[120, 80, 200, 0, 0, 0]]).build();
    refused(&unknown, "the FIT file is damaged at byte 36: a developer field that was never described");
}

#[test]
fn a_damaged_xml_file_says_where() {
    refused(b"<gpx>\n<trk>\n<name>x", "the GPX file ends too early, inside <name> at line 3");
    refused(b"<gpx>\n<trk>\n<nam", "the GPX file ends too early, inside <trk> at line 3");
    refused(b"<gpx>\n</trk>", "the GPX file is damaged at line 2: expected `</gpx>`, but `</trk>` was found");
    refused(b"<gpx>\n<trk>\xff", "the GPX file is damaged at line 2: the text is not UTF-8");
    let deep = "<gpx>".repeat(65);
    refused(deep.as_bytes(), "the GPX file holds more than 64 levels of elements (at line 1)");
}

#[test]
fn every_cut_is_read_or_refused() {
    for name in shipped::names() {
        let file = shipped::bytes(name).unwrap();
        for part in 0..64 {
            let cut = &file[..file.len() * part / 64];
            let error = read(cut).expect_err("a part of a file is no file");
            // With less than its first element or header nobody can tell what a file was.
            let is_told = matches!(error, ReadError::Cut { .. }) || part == 0;
            assert!(is_told && error.to_string().len() < 120, "{name} cut at {}: {error}", cut.len());
        }
    }
}

#[test]
fn a_thousand_mutations_of_each_format_do_no_harm() {
    let tcx = shortened(
        "run_20min_fenix6.tcx",
        "</Trackpoint>",
        "</Track></Lap></Activity></Activities></TrainingCenterDatabase>",
    );
    let gpx = shortened("activity_hr_cad_garmin.gpx", "</trkpt>", "</trkseg></trk></gpx>");
    let fit = shipped::bytes("rowing_short_fr935.fit").unwrap().to_vec();
    let developer = Fit::new().define(2, 206, &[[0, 1, 2], [1, 1, 2], [2, 1, 2], [14, 2, 0x84], [15, 1, 2]]);
    let developer = developer.data(2, &[&[0, 0, 0x84], &20u16.to_le_bytes(), &[7]]);
    let developer = developer.define_with_developer(0, 20, RECORD, &[[0, 2, 0]]);
    let developer = developer.data(0, &[&T0.to_le_bytes(), &[120, 80, 200, 0, 250, 0]]).build();
    let begin = Instant::now();
    let mut read_anyway = 0;
    for (format, file) in [fit, developer, tcx, gpx].iter().enumerate() {
        read(file).expect("the original is good");
        for seed in 1..=1_000 {
            let mut random = XorShift((seed + 1_000 * format as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut mutated = file.clone();
            for _ in 0..=random.below(3) {
                mutate(&mut mutated, &mut random);
            }
            // Half of them get past the checksum, to what lies behind it.
            if random.below(2) == 0 && !mutated.is_empty() {
                repair(&mut mutated);
            }
            match read(&mutated) {
                Ok(recording) => read_anyway += usize::from(!recording.records.is_empty()),
                Err(error) => assert!(error.to_string().chars().count() < 250, "{error}"),
            }
        }
    }
    assert!(read_anyway > 100, "only {read_anyway}: the mutations hit nothing but checksums");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn files_made_to_hurt_are_refused_early() {
    let begin = Instant::now();
    let odd = (0..200).fold(Fit::new(), |file, _| file.define(0, 20, &[[3, 3, 0x84]; 255])).build();
    let message = "the FIT file holds more than 64 fields whose size does not fit their type (at byte 14)";
    refused(&odd, message);
    let parts: Vec<u8> = (0..1_000).flat_map(|_| Fit::new().build()).collect();
    refused(&parts, "the FIT file holds more than 64 parts (at byte 1024)");
    let empty_messages =
        (0..limits::FIT_MESSAGES_MAX + 1).fold(Fit::new().define(0, 1, &[]), |file, _| file.data(0, &[]));
    refused(&empty_messages.build(), "the FIT file holds more than 2000000 messages (at byte 2000019)");
    let attributes: String = (0..200_000).map(|i| format!(" a{i}=\"\"")).collect();
    refused(format!("<gpx{attributes}/>").as_bytes(), "no heart rate or power in this file");
    let long_name = "x".repeat(1_000_000);
    let error = read(format!("<gpx><{long_name}></gpx>").as_bytes()).expect_err("does not close");
    assert!(error.to_string().len() < 250);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn too_many_records_are_refused() {
    let point = "<trkpt><time>2024-05-01T10:00:00Z</time><hr>99</hr></trkpt>";
    let file = format!("<gpx><trk><trkseg>{}</trkseg></trk></gpx>", point.repeat(limits::RECORDS_MAX + 1));
    refused(file.as_bytes(), "the GPX file holds more than 500000 records (at line 1)");
}

fn mutate(file: &mut Vec<u8>, random: &mut XorShift) {
    let at = random.below(file.len());
    match random.below(4) {
        0 => file.truncate(at),
        1 => {
            let span = file[at..file.len().min(at + 1 + random.below(64))].to_vec();
            let to = random.below(file.len());
            file.splice(to..to, span);
        }
        2 => drop(file.drain(at..file.len().min(at + 1 + random.below(16)))),
        _ => {
            for _ in 0..=random.below(8) {
                let at = random.below(file.len());
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
}

/// The first 60 points of a shipped file, closed again: a thousand reads of the whole would take a minute.
fn shortened(name: &str, point_end: &str, file_end: &str) -> Vec<u8> {
    let text = std::str::from_utf8(shipped::bytes(name).unwrap()).unwrap();
    let (end, _) = text.match_indices(point_end).nth(59).unwrap();
    [&text[..end], point_end, file_end].concat().into_bytes()
}
