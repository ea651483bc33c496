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
        let sentence = !said.is_empty() && said.len() <= SENTENCE_BYTES_MAX && !said.contains("panicked");
        match output.status.code() {
            Some(0) if serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok() => ridden.ridden += 1,
            Some(1 | 2) if sentence => ridden.refused += 1,
            code => {
                let said: String = said.chars().take(200).collect();
                ridden.wrong.push(format!("{number}-{name}: exit {code:?}, said {said:?}"));
            }
        }
        std::fs::remove_file(&path)?;
    }
    spinner.finish_and_clear();
    Ok(ridden)
}

/// A few bends anywhere, many where the file begins, or the end cut off.
fn bend(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    match rng.random_range(0..4) {
        0 => bytes.truncate(rng.random_range(0..bytes.len())),
        1 => {
            let head = bytes.len().min(256);
            let mut front = bytes[..head].to_vec();
            mutate(&mut front, rng);
            bytes.splice(..head, front);
        }
        _ => (0..rng.random_range(1..20)).for_each(|_| mutate_in_place(bytes, rng)),
    }
}

fn mutate_in_place(bytes: &mut [u8], rng: &mut StdRng) {
    let at = rng.random_range(0..bytes.len());
    bytes[at] = rng.random();
}
