//! `cargo xtask fuzz`: cargo-fuzz over frames, sessions and a class, begun from the golden frames.

use crate::{Result, repo, run};
use std::process::Command;

#[derive(clap::Args)]
pub struct Options {
    /// What to feed: `decode` (frames alone) or `house` (sessions and a class)
    #[arg(default_value = "house", value_parser = ["decode", "house"])]
    target: String,
    /// For so long
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

#[derive(serde::Deserialize)]
struct Golden {
    name: String,
    hex: String,
}

pub fn run(options: &Options) -> Result<bool> {
    if !run::found("cargo-fuzz") {
        return Err(
            "There is no cargo-fuzz here: `cargo install cargo-fuzz`, and a nightly toolchain for its sanitizers."
                .into(),
        );
    }
    seed(&options.target)?;
    let mut fuzz = Command::new("cargo");
    fuzz.current_dir(repo::root().join("fuzz")).args(["+nightly", "fuzz", "run", &options.target, "--"]);
    fuzz.arg(format!("-max_total_time={}", options.seconds)).args(["-max_len=4096", "-timeout=10"]);
    // The variables of this cargo would bind the other one to this toolchain.
    fuzz.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    Ok(fuzz.status()?.success())
}

/// A class that runs, as steps of `house`: frames of the trainer (0x10) and the member (0x00), and what the host does between them.
const STORY: &[(u8, &str)] = &[
    (0x10, "class.open"),
    (0x10, "class.lobby"),
    (0x00, "subscribe 3"),
    (0x10, "subscribe 4"),
    (0x00, "class.join"),
    (LOADED, ""),
    (0x00, "class.pair"),
    (0x00, "class.boot"),
    (0x10, "class.plan 2"),
    (PASS, ""),
    (0x00, "samples"),
    (DURABLE, ""),
    (PASS, ""),
    (0x10, "class.plan 5"),
    (0x00, "class.leave"),
    (PASS, ""),
];
const PASS: u8 = 0x0b;
const DURABLE: u8 = 0x0e;
const LOADED: u8 = 0x0f;

/// The golden frames as first inputs: for `house`, each as a step of the member and of the trainer, and the story.
fn seed(target: &str) -> Result<()> {
    let golden = std::fs::read_to_string(repo::root().join("protocol/tests/golden/frames.json"))?;
    let golden: Vec<Golden> = serde_json::from_str(&golden)?;
    let corpus = repo::root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&corpus)?;
    for (number, frame) in golden.iter().enumerate() {
        let bytes = unhex(&frame.hex)?;
        let bytes = match (target, u8::try_from(bytes.len())) {
            ("house", Ok(len)) => {
                [&[0x00, len][..], &bytes, &[0x10, len], &bytes, &[0x0f, 2, 0x0a, 50, 0x0e, 0]].concat()
            }
            ("house", Err(_)) => continue,
            _ => bytes,
        };
        std::fs::write(corpus.join(format!("golden-{number}-{}", frame.name.replace(' ', "-"))), bytes)?;
    }
    if target == "house" {
        std::fs::write(corpus.join("story"), story(&golden)?)?;
    }
    Ok(())
}

fn story(golden: &[Golden]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (op, name) in STORY {
        if name.is_empty() {
            out.extend([*op, 2]);
            continue;
        }
        let frame =
            golden.iter().find(|frame| frame.name == *name).ok_or_else(|| format!("no golden frame {name:?}"))?;
        let bytes = unhex(&frame.hex)?;
        out.extend([*op, u8::try_from(bytes.len())?]);
        out.extend(bytes);
    }
    Ok(out)
}

pub fn unhex(hex: &str) -> Result<Vec<u8>> {
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2).unwrap_or_default(), 16);
    Ok((0..hex.len()).step_by(2).map(byte).collect::<std::result::Result<_, _>>()?)
}
