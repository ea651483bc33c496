//! Mutated FIT, TCX and GPX files through `fitconnect ride`: each is ridden, or refused with a sentence.

use super::flood::mutate;
use crate::Result;
use crate::prove::{Ctx, server};
use fitconnect_recording::shipped;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;
use std::process::{Command, Stdio};

/// Longest sentence on a refusal: words for a person, not a dump.
const SENTENCE_BYTES_MAX: usize = 600;

#[derive(Default)]
pub struct Ridden {
    pub ridden: usize,
    pub refused: usize,
    /// What was neither, by the number of the file.
    pub wrong: Vec<String>,
}

pub fn ride(ctx: &Ctx, files: usize, folder: &Path) -> Result<Ridden> {
    let program = server::binary(ctx, "fitconnect")?;
    let mut rng = StdRng::seed_from_u64(ctx.seed);
    let names = shipped::names();
    let spinner = crate::run::spinner("mutated recordings");
    let mut ridden = Ridden::default();
    for number in 0..files {
        let name = names[number % names.len()];
        let mut bytes = shipped::bytes(name).expect("a shipped name has its bytes").to_vec();
        bend(&mut bytes, &mut rng);
        let path = folder.join(format!("{number}-{name}"));
        std::fs::write(&path, &bytes)?;
        spinner.set_message(format!("{number} of {files}"));
        let output = Command::new(&program)
            .arg("ride")
            .arg(&path)
            .args(["--max", "190", "--json"])
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        // The FIT library has words of its own about odd fields; ours is the last line.
        let last = said.lines().next_back().unwrap_or_default();
        let sentence = !last.is_empty() && last.len() <= SENTENCE_BYTES_MAX && !said.contains("panicked");
        match output.status.code() {
            Some(0) if serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok() => ridden.ridden += 1,
            Some(1 | 2) if sentence => ridden.refused += 1,
            code => {
                let said: String = last.chars().take(200).collect();
                ridden.wrong.push(format!("{number}-{name}: exit {code:?}, said {said:?}"));
            }
        }
        std::fs::remove_file(&path)?;
    }
    spinner.finish_and_clear();
    Ok(ridden)
}

/// A few bytes anywhere, the head, or the end cut off; or digits of a text, which leave it whole. Half of the FIT files get a checksum
/// that fits, so that what lies behind it is read.
fn bend(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    match rng.random_range(0..4) {
        0 => bytes.truncate(rng.random_range(0..bytes.len())),
        1 => {
            let head = bytes.len().min(256);
            let mut front = bytes[..head].to_vec();
            mutate(&mut front, rng);
            bytes.splice(..head, front);
        }
        2 => (0..rng.random_range(1..20)).for_each(|_| {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = rng.random();
        }),
        _ => (0..200).for_each(|_| {
            let at = rng.random_range(0..bytes.len());
            if bytes[at].is_ascii_digit() {
                bytes[at] = rng.random_range(b'0'..=b'9');
            }
        }),
    }
    if bytes.get(8..12) == Some(b".FIT") && rng.random() {
        let end = bytes.len() - 2;
        let crc = fit_crc(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
    }
}

/// CRC-16 of the FIT protocol, a nibble at a time (Garmin, FIT Protocol, section CRC).
fn fit_crc(bytes: &[u8]) -> u16 {
    const TABLE: [u16; 16] = [
        0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01,
        0x8801, 0x4400,
    ];
    bytes.iter().fold(0, |crc, byte| {
        let nibble =
            |crc: u16, nibble: u8| crc >> 4 & 0x0FFF ^ TABLE[usize::from(crc & 0xF)] ^ TABLE[usize::from(nibble)];
        nibble(nibble(crc, byte & 0xF), byte >> 4)
    })
}

#[test]
fn the_checksum_is_that_of_the_recordings() {
    for name in shipped::names().iter().filter(|name| name.ends_with(".fit")) {
        let bytes = shipped::bytes(name).expect("shipped");
        let end = bytes.len() - 2;
        assert_eq!(fit_crc(&bytes[..end]).to_le_bytes(), bytes[end..], "{name}");
    }
}
