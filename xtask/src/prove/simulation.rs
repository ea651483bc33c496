//! Proof `simulation`: session, class, user, room, host, house, hub and stores on simulated time, with every kind of fault by seed. The
//! run itself is a test of `fitconnect-actors`, built with the invariants of the machines switched on; here it is counted and judged.

use super::{Ctx, Outcome};
use crate::{Result, repo, run};
use std::collections::BTreeMap;
use std::process::Command;

const SEEDS: u64 = 2_000;
/// What fits into a minute of two cores.
const SEEDS_QUICK: u64 = 500;

/// What the run says of itself: a word, and the label of its figure.
const FIGURES: &[(&str, &str)] = &[
    ("steps", "steps, with every invariant held after each"),
    ("simulated_s", "simulated seconds"),
    ("processes", "processes of the server, each on what the one before had stored"),
    ("frames", "frames that clients held against what is stored"),
    ("commits", "commits"),
    ("commands", "commands accepted, each stored once"),
    ("room_events", "events of rooms, shown by all who follow as they are stored"),
    ("samples", "samples acknowledged, each in the log"),
];

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let seeds = if ctx.quick { SEEDS_QUICK } else { SEEDS };
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["test", "-p", "fitconnect-actors", "--test", "simulation"]);
    // The scenarios of this test are a proof of their own.
    cargo.args(["--", "--nocapture", "--skip", "every_scenario"]);
    cargo.env("FITCONNECT_SIM_SEEDS", seeds.to_string()).env("FITCONNECT_SIM_FROM", ctx.seed.to_string());
    let ran = run::watch(&format!("{seeds} seeds of the simulation"), &mut cargo)?;
    let figures = figures(&ran.text);
    let Some(done) = figures.get("seeds").copied() else {
        return Err(format!("{}\nthe simulation did not say what it did", run::tail(&ran.text)).into());
    };
    let broken = figures.get("broken").copied().unwrap_or(done);
    let mut outcome = Outcome::new();
    outcome.must("seeds", done, &format!("{seeds}"), done == seeds);
    for (word, label) in FIGURES {
        outcome.fact(label, figures.get(*word).copied().unwrap_or(0));
    }
    let faults: Vec<_> = figures.iter().filter_map(|(word, n)| Some((word.strip_prefix("fault_")?, *n))).collect();
    for (fault, count) in &faults {
        outcome.fact(&format!("fault: {}", fault.replace('_', " ")), count);
    }
    let silent: Vec<_> = faults.iter().filter(|(_, count)| *count == 0).map(|(fault, _)| *fault).collect();
    // A few seeds need not draw every kind.
    let all = !faults.is_empty() && (silent.is_empty() || ctx.quick);
    outcome.must("kinds of fault that never happened", silent.len(), "0", all);
    outcome.must("seeds that lost, doubled, disordered or forgot something", broken, "0", broken == 0);
    let again = figures.keys().filter(|word| word.starts_with("trace_of_")).count();
    outcome.must("seeds run twice, with the same trace", again, "≥ 3", again >= 3 && (ran.ok || broken > 0));
    outcome.must("the test's own verdict", if ran.ok { "passed" } else { "failed" }, "passed", ran.ok);
    let injected: u64 = faults.iter().map(|(_, count)| count).sum();
    let figure = format!("{done} seeds, {injected} faults of {} kinds, {broken} broken promises", faults.len());
    // A seed that broke something is shown with how to run it again.
    outcome.figure(if broken > 0 { format!("{}\n{figure}", run::tail(&told(&ran.text))) } else { figure });
    Ok(outcome)
}

/// Lines `sim <word> <number>`; a trace is a number in hexadecimal.
fn figures(text: &str) -> BTreeMap<String, u64> {
    let figure = |line: &str| {
        let (word, number) = line.trim().strip_prefix("sim ")?.split_once(' ')?;
        let radix = if word.starts_with("trace_of_") { 16 } else { 10 };
        Some((word.to_owned(), u64::from_str_radix(number.trim(), radix).ok()?))
    };
    text.lines().filter_map(figure).collect()
}

fn told(text: &str) -> String {
    let lines = text.lines().filter(|line| line.contains("broke a promise") || line.starts_with("replay: "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn figures_are_read() {
    let read = figures("running 2 tests\nsim seeds 30\nsim trace_of_1 00ff\nsim fault_killed x\nsim broken 0\n");
    let expected = [("broken", 0), ("seeds", 30), ("trace_of_1", 255)];
    assert_eq!(read, expected.map(|(word, n)| (word.to_owned(), n)).into());
}
