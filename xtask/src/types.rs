//! `cargo xtask types`: files that are generated from the Rust types of `protocol`, written or checked.

use crate::{Result, repo, run};
use std::collections::BTreeMap;
use std::process::Command;

#[derive(clap::Args)]
pub struct Options {
    /// Write nothing; fail where a file is not what the types say
    #[arg(long)]
    check: bool,
}

pub fn run(options: &Options) -> Result<bool> {
    let drifted = drifted()?;
    if options.check {
        drifted.iter().for_each(|(path, _)| println!("{path} is not what the Rust types say: `cargo xtask types`"));
        return Ok(drifted.is_empty());
    }
    for (path, text) in &drifted {
        let file = repo::root().join(path);
        std::fs::create_dir_all(file.parent().expect("a file in a folder"))?;
        std::fs::write(&file, text).map_err(|error| format!("{path}: {error}"))?;
        println!("wrote {path}");
    }
    if drifted.is_empty() {
        println!("Generated files are what the Rust types say.");
    }
    Ok(true)
}

/// Files that differ from what the types say, with what they should be.
pub fn drifted() -> Result<Vec<(String, String)>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root());
    cargo.args(["run", "--quiet", "-p", "fitconnect-protocol", "--features", "schema", "--example", "generate"]);
    let ran = run::must("generate from the Rust types", &mut cargo)?;
    let json = ran.text.lines().find(|line| line.starts_with('{')).ok_or("the generator printed no files")?;
    let files: BTreeMap<String, String> = serde_json::from_str(json)?;
    let same = |path: &str, text: &str| std::fs::read_to_string(repo::root().join(path)).is_ok_and(|now| now == text);
    Ok(files.into_iter().filter(|(path, text)| !same(path, text)).collect())
}
