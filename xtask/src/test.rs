//! `cargo xtask test`: sets up what the tests need, runs all of them and counts. Each step is a line of the table.

use crate::prove::{self, Verdict};
use crate::services::{self, Kind, Service};
use crate::{Result, arrows, chromium, node, repo, run, table, types, web};
use std::process::Command;

#[derive(clap::Args)]
pub struct Options {
    /// Only these steps; without names, all of them
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Show the steps in words
    #[arg(long)]
    list: bool,
}

/// What a step came to.
enum Done {
    /// Tests passed and failed; what the failed ones said.
    Ran { passed: u32, failed: u32, said: String },
    /// Why, and how to get what is missing.
    Skipped(String),
}

struct Step {
    name: &'static str,
    words: &'static str,
    run: fn(&[Service]) -> Result<Done>,
    /// Speaks to the databases of [`ENGINES`].
    engines: bool,
}

/// Lines shown of what failed in the Rust tests.
const FAILURE_LINES: usize = 200;

/// What tests and proofs run on besides SQLite.
const ENGINES: [Kind; 3] = [Kind::Postgres, Kind::Cassandra, Kind::Cockroach];

const STEPS: &[Step] = &[
    Step { name: "format", words: "every Rust file is formatted", run: |_| format(), engines: false },
    Step { name: "arrows", words: "crates depend on each other one way only", run: |_| one_way(), engines: false },
    Step { name: "types", words: "generated files are what the Rust types say", run: |_| generated(), engines: false },
    Step { name: "web", words: "the pages: unit tests, types, build, size", run: |_| pages(), engines: false },
    Step {
        name: "golden",
        words: "an independent decoder reads every golden frame",
        run: |_| golden(),
        engines: false,
    },
    Step {
        name: "asyncapi",
        words: "the AsyncAPI document passes its own parser",
        run: |_| asyncapi(),
        engines: false,
    },
    Step { name: "clippy", words: "lints, in all targets, none allowed", run: |_| clippy(), engines: false },
    Step { name: "rust", words: "every Rust test", run: rust, engines: true },
    Step { name: "proofs", words: "the short form of every proof", run: |_| proofs(), engines: true },
];

pub fn run(options: &Options) -> Result<bool> {
    if options.list {
        let rows: Vec<_> = STEPS.iter().map(|step| vec![step.name.into(), step.words.into()]).collect();
        println!("{}", table::render(&["step", "what"], &rows));
        return Ok(true);
    }
    let known = |name: &&String| STEPS.iter().any(|step| step.name == **name);
    if let Some(unknown) = options.steps.iter().find(|name| !known(name)) {
        return Err(format!("there is no step {unknown:?}: `cargo xtask test --list`").into());
    }
    let wanted = |step: &&Step| options.steps.is_empty() || options.steps.iter().any(|name| name == step.name);
    let (mut passed, mut failed) = (0, 0);
    let mut rows = Vec::new();
    let mut engines = Vec::new();
    if STEPS.iter().filter(wanted).any(|step| step.engines) {
        for kind in ENGINES {
            let words = match services::ensure(kind) {
                Ok(engine) => {
                    engines.push(engine);
                    continue;
                }
                Err(error) => error.to_string(),
            };
            eprintln!("{}: {words}", kind.name());
            let why = format!("no test ran on it: {}", words.lines().next().unwrap_or_default());
            rows.push([kind.name(), "skipped", "", "", &why].map(str::to_owned).to_vec());
        }
    }
    for step in STEPS.iter().filter(wanted) {
        let done = (step.run)(&engines).unwrap_or_else(|error| failure(error.to_string()));
        let cells = match done {
            Done::Ran { passed: p, failed: f, said } => {
                passed += p;
                failed += f;
                if f > 0 {
                    println!("\n── {} ──\n{said}\n", step.name);
                }
                [if f == 0 { "passed" } else { "FAILED" }.into(), p.to_string(), f.to_string(), step.words.into()]
            }
            Done::Skipped(why) => ["skipped".into(), String::new(), String::new(), why],
        };
        rows.push([vec![step.name.into()], cells.to_vec()].concat());
    }
    println!("\n{}\n", table::render(&["step", "outcome", "passed", "failed", "what"], &rows));
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(args);
    cargo
}

/// A step that is one test: its command's exit status.
fn one(title: &str, command: &mut Command) -> Result<Done> {
    let ran = run::watch(title, command)?;
    Ok(if ran.ok { success() } else { failure(run::tail(&ran.text)) })
}

fn success() -> Done {
    Done::Ran { passed: 1, failed: 0, said: String::new() }
}

fn failure(said: String) -> Done {
    Done::Ran { passed: 0, failed: 1, said }
}

fn format() -> Result<Done> {
    one("cargo fmt", &mut cargo(&["fmt", "--all", "--check", "--", "--color", "never"]))
}

fn one_way() -> Result<Done> {
    let wrong = arrows::wrong()?;
    Ok(if wrong.is_empty() { success() } else { failure(wrong.join("\n")) })
}

fn generated() -> Result<Done> {
    let drifted: Vec<_> = types::drifted()?.into_iter().map(|(path, _)| path).collect();
    let said = format!("not what the Rust types say, `cargo xtask types` writes them: {}", drifted.join(", "));
    Ok(if drifted.is_empty() { success() } else { failure(said) })
}

fn clippy() -> Result<Done> {
    let all = one("cargo clippy", &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    if !matches!(all, Done::Ran { failed: 0, .. }) {
        return Ok(all);
    }
    let mut schema = cargo(&["clippy", "-p", "fitconnect-protocol", "--features", "schema", "--all-targets"]);
    one("cargo clippy, protocol with schema", schema.args(["--", "-D", "warnings"]))
}

fn rust(engines: &[Service]) -> Result<Done> {
    let mut test = cargo(&["test", "--workspace", "--no-fail-fast"]);
    test.envs(engines.iter().map(|engine| (engine.kind.variable(), &engine.address)));
    let ran = run::watch("cargo test", &mut test)?;
    let (passed, failed) = cargo_counts(&ran.text);
    // What did not compile has no count, and is a failure all the same.
    let failed = if ran.ok { failed } else { failed.max(1) };
    let said = if ran.ok { String::new() } else { cargo_failures(&ran.text) };
    Ok(Done::Ran { passed, failed, said })
}

/// Sums of cargo's lines `test result: ok. 21 passed; 0 failed; …`.
fn cargo_counts(text: &str) -> (u32, u32) {
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: "));
    results.fold((0, 0), |(passed, failed), line| {
        (passed + before(line, " passed").unwrap_or(0), failed + before(line, " failed").unwrap_or(0))
    })
}

/// The number that stands before a word.
fn before(line: &str, word: &str) -> Option<u32> {
    let head = &line[..line.find(word)?];
    head.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What the tests that failed said, and what did not compile; without the frames of backtraces, which bury it.
fn cargo_failures(text: &str) -> String {
    let is_frame = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("at ") || line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
    };
    let mut inside = false;
    let told = text.lines().filter(|line| {
        inside |= *line == "failures:";
        let kept = inside || line.starts_with("error");
        inside &= !line.starts_with("test result: ");
        kept
    });
    told.filter(|line| !is_frame(line)).take(FAILURE_LINES).collect::<Vec<_>>().join("\n")
}

fn pages() -> Result<Done> {
    if let Some(why) = node::missing() {
        return Ok(Done::Skipped(why));
    }
    let folder = repo::root().join("web");
    node::install(&folder)?;
    let ran = run::watch("npm test in web", node::npm(&folder).arg("test"))?;
    web::build(false)?;
    let count = |word: &str| {
        let plain = ran.text.lines().map(str::trim_start).filter(|line| line.starts_with("Tests "));
        plain.filter_map(|line| before(line, word)).sum::<u32>()
    };
    let failed = count(" failed");
    let failed = if ran.ok { failed } else { failed.max(1) };
    // Type check, build and size stand behind the unit tests in the same script.
    Ok(Done::Ran { passed: count(" passed").max(u32::from(ran.ok)), failed, said: run::tail(&ran.text) })
}

fn golden() -> Result<Done> {
    if let Some(why) = node::missing() {
        return Ok(Done::Skipped(why));
    }
    node::install(&repo::root().join("web"))?;
    one("golden frames in Node", Command::new("node").current_dir(repo::root()).arg("protocol/tests/golden.mjs"))
}

fn asyncapi() -> Result<Done> {
    if let Some(why) = node::missing() {
        return Ok(Done::Skipped(why));
    }
    let folder = repo::root().join("xtask/asyncapi");
    node::install(&folder)?;
    let document = repo::root().join("docs/asyncapi.json");
    one("AsyncAPI parser", Command::new("node").current_dir(&folder).arg("check.mjs").arg(document))
}

fn proofs() -> Result<Done> {
    if chromium::ensure()?.is_none() {
        eprintln!("{}", chromium::HOW);
    }
    let proofs = prove::all_quick();
    let count = |wanted: Verdict| proofs.iter().filter(|(verdict, _)| *verdict == wanted).count() as u32;
    // Once more at the end, where they are found: between there are thousands of lines.
    let said = proofs.iter().filter(|(verdict, _)| *verdict == Verdict::Fail).map(|(_, said)| said.as_str()).collect();
    Ok(Done::Ran { passed: count(Verdict::Pass), failed: count(Verdict::Fail), said })
}

#[test]
fn cargo_is_counted() {
    let text = "test result: ok. 21 passed; 0 failed; 0 ignored\nx\ntest result: FAILED. 3 passed; 2 failed; 0 ignored";
    assert_eq!(cargo_counts(text), (24, 2));
    assert_eq!(before("Tests  3 failed | 12 passed (15)", " passed"), Some(12));
}

#[test]
fn a_failure_is_shown_whatever_follows_it() {
    let text = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\npanicked: no\n  12: core::panicking\n             at /lib.rs:3\n\n\
                failures:\n    a\n\ntest result: FAILED. 1 passed; 1 failed\n\nrunning 300 tests\ntest b ... ok\ntest result: ok. 300 passed\n\
                error: 1 target failed:\n    `-p fitconnect --lib`";
    let told = cargo_failures(text);
    assert!(
        told.contains("panicked: no") && told.contains("---- a stdout") && told.contains("error: 1 target"),
        "{told}"
    );
    assert!(!told.contains("panicking") && !told.contains("300 passed"), "{told}");
}
