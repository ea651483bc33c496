//! Proof `conformance`: the suites that every engine must pass, run on each engine that can be had here, and counted.

use super::{Ctx, Outcome};
use crate::services::{self, Kind};
use crate::{Result, repo, run};
use std::collections::BTreeMap;
use std::process::Command;

/// Modules with the suites: what stands behind is the engine, then the case.
const SUITES: [(&str, &str); 2] = [("store::sql::suite::", "state"), ("store::events::suite::", "events")];
/// Every case of the state suite through a proxy that restarts, cuts and delays, seed by seed.
const FAULTS: &str = "store::sql::faulty::every_case_comes_out_the_same_under_faults";
const FAULT_SEEDS: u64 = 200;
const FAULT_SEEDS_QUICK: u64 = 4;
/// Must pass, wherever the proof runs: by role and engine.
const PROMISED: [(&str, &str, Option<Kind>); 5] = [
    ("state", "sqlite", None),
    ("state", "postgres", Some(Kind::Postgres)),
    ("state", "cockroach", Some(Kind::Cockroach)),
    ("events", "sqlite", None),
    ("events", "cassandra", Some(Kind::Cassandra)),
];

#[derive(Default)]
struct Count {
    passed: u32,
    failed: Vec<String>,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let mut outcome = Outcome::new();
    let mut test = suites();
    test.args(SUITES.map(|(module, _)| module));
    let mut up = Vec::new();
    for kind in [Kind::Postgres, Kind::Cassandra, Kind::Cockroach] {
        match services::ensure(kind) {
            Ok(service) => {
                test.env(kind.variable(), &service.address);
                up.push(service);
            }
            Err(error) => outcome.fact(kind.name(), error.to_string().lines().next().unwrap_or_default()),
        }
    }
    let ran = run::watch("the suites of every engine", &mut test)?;
    let counts = count(&ran.text);
    let mut passed = 0;
    for (role, engine, needs) in PROMISED {
        if needs.is_some_and(|kind| !up.iter().any(|service| service.kind == kind)) {
            continue;
        }
        let count = counts.get(&(role, engine.to_owned()));
        let (good, failed) = count.map_or((0, &[][..]), |count| (count.passed, &count.failed));
        passed += good;
        let words = if failed.is_empty() { format!("{good} passed") } else { format!("failed: {}", failed.join(", ")) };
        outcome.must(&format!("{role} on {engine}"), words, "all pass", good > 0 && failed.is_empty());
    }
    if !ran.ok && counts.values().all(|count| count.failed.is_empty()) {
        return Err(format!("{}\nthe suites did not run", run::tail(&ran.text)).into());
    }
    let mut figure = format!("{passed} cases passed on {} engines", 2 + up.len());
    if let Some(postgres) = up.iter().find(|service| service.kind == Kind::Postgres) {
        figure += &under_faults(ctx, &postgres.address, &mut outcome)?;
    }
    outcome.figure(figure);
    Ok(outcome)
}

fn suites() -> Command {
    let mut test = Command::new("cargo");
    test.current_dir(repo::root()).args(["test", "--package", "fitconnect", "--lib", "--no-fail-fast", "--"]);
    test
}

/// The state suite through the proxy. Gives its part of the proof's figure.
fn under_faults(ctx: &Ctx, address: &str, outcome: &mut Outcome) -> Result<String> {
    let seeds = if ctx.quick { FAULT_SEEDS_QUICK } else { FAULT_SEEDS };
    let mut test = suites();
    // Not captured: the case and seed that runs is what there is to look at.
    test.args(["--exact", FAULTS, "--nocapture"]);
    test.env(Kind::Postgres.variable(), address).env("FITCONNECT_TEST_SEEDS", seeds.to_string());
    let ran = run::watch("the state suite through the fault proxy", &mut test)?;
    let promised = format!("all pass, {seeds} seeds");
    let Some((counts, tricks)) = ran.ok.then(|| fault_counts(&ran.text, seeds)).flatten() else {
        eprintln!("{}", run::tail(&ran.text));
        outcome.must("state on postgres through faults", "failed: see above", &promised, false);
        return Ok(String::new());
    };
    outcome.must("state on postgres through faults", counts, &promised, true);
    outcome.fact("faults played", tricks);
    Ok(format!(", and on postgres through faults of {seeds} seeds"))
}

/// From the test's line `10 cases, 200 seeds, 31 retries: RestartStatement 7, …`: both halves, where it ran as many as it was to.
fn fault_counts(text: &str, seeds: u64) -> Option<(String, String)> {
    let line = text.lines().find(|line| line.contains(&format!(" cases, {seeds} seeds, ")))?;
    let (counts, tricks) = line.split_once(": ")?;
    Some((counts.to_owned(), tricks.to_owned()))
}

/// From cargo's lines `test store::events::suite::cassandra::a_case ... ok`.
fn count(text: &str) -> BTreeMap<(&'static str, String), Count> {
    let mut counts = BTreeMap::<_, Count>::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("test ")) {
        for (module, role) in SUITES {
            let Some((engine, case)) = line.strip_prefix(module).and_then(|rest| rest.split_once("::")) else {
                continue;
            };
            let Some((case, outcome)) = case.split_once(" ... ") else { continue };
            let count = counts.entry((role, engine.to_owned())).or_default();
            match outcome {
                "ok" => count.passed += 1,
                _ => count.failed.push(case.to_owned()),
            }
        }
    }
    counts
}

#[test]
fn cases_are_counted_by_engine() {
    let text = "test store::events::suite::cassandra::a ... ok\ntest store::events::suite::cassandra::b ... FAILED\n\
                test store::sql::suite::sqlite::a ... ok\ntest store::log::tests::x ... ok";
    let counts = count(text);
    let cassandra = &counts[&("events", "cassandra".to_owned())];
    assert_eq!((cassandra.passed, cassandra.failed.as_slice()), (1, &["b".to_owned()][..]));
    assert_eq!((counts[&("state", "sqlite".to_owned())].passed, counts.len()), (1, 2));
}

#[test]
fn a_run_through_faults_counts_only_with_all_its_seeds() {
    let text = "10 cases, 200 seeds, 31 retries: CutBefore 7, CutAfter 2\ntest result: ok";
    let counts = ("10 cases, 200 seeds, 31 retries".to_owned(), "CutBefore 7, CutAfter 2".to_owned());
    assert_eq!(fault_counts(text, 200), Some(counts));
    assert_eq!(fault_counts(text, 4), None);
    assert_eq!(fault_counts("test result: ok. 0 passed", 200), None);
}
