//! Proof `stress`: scenarios that check themselves, each under many seeds, over the real actors, hub and stores on simulated time. They
//! are a test of `fitconnect-actors` (`actors/tests/simulation/stress`); here they are counted and judged.

use super::{Ctx, Outcome};
use crate::{Result, repo, run};
use std::process::Command;

/// The promise, and how many seeds each scenario is played under.
const SCENARIOS_MIN: u64 = 40;
const SEEDS: u64 = 200;
const SEEDS_QUICK: u64 = 12;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    // One scenario of one seed is a replay.
    let seeds = match (&ctx.only, ctx.quick) {
        (Some(_), _) => 1,
        (None, true) => SEEDS_QUICK,
        (None, false) => SEEDS,
    };
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["test", "-p", "fitconnect-actors", "--test", "simulation"]);
    cargo.args(["every_scenario_ends_as_it_must", "--", "--nocapture"]);
    cargo.env("FITCONNECT_STRESS_SEEDS", seeds.to_string()).env("FITCONNECT_STRESS_FROM", ctx.seed.to_string());
    if let Some(only) = &ctx.only {
        cargo.env("FITCONNECT_STRESS_ONLY", only);
    }
    let ran = run::watch(&format!("scenarios under {seeds} seeds"), &mut cargo)?;
    let figure = |word: &str| -> Option<u64> {
        let rest = ran.text.lines().find_map(|line| line.trim().strip_prefix("stress ")?.strip_prefix(word))?;
        rest.trim().parse().ok()
    };
    let (Some(scenarios), Some(plays), Some(failed)) = (figure("scenarios "), figure("plays "), figure("failed "))
    else {
        return Err(format!("{}\nthe scenarios did not say how they ended", run::tail(&ran.text)).into());
    };
    let mut outcome = Outcome::new();
    let enough = ctx.only.is_some() || scenarios >= SCENARIOS_MIN;
    outcome.must("scenarios, each with its own checks", scenarios, &format!("≥ {SCENARIOS_MIN}"), enough);
    outcome.must("plays", plays, &format!("{}", scenarios * seeds), plays == scenarios * seeds);
    outcome.must("plays that did not end as they must", failed, "0", failed == 0);
    outcome.must("the test's own verdict", if ran.ok { "passed" } else { "failed" }, "passed", ran.ok);
    let line = format!("{scenarios} scenarios under {seeds} seeds, {failed} of {plays} plays failed");
    outcome.figure(if failed > 0 { format!("{}\n{line}", run::tail(&told(&ran.text))) } else { line });
    Ok(outcome)
}

/// Which failed, why, and how each is played again.
fn told(text: &str) -> String {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        inside |= line.starts_with("stress ") && line.contains(" failed under seed ");
        if inside {
            lines.push(line);
        }
        inside &= !line.starts_with("replay: ");
    }
    lines.join("\n")
}

#[test]
fn a_failed_play_is_told_with_its_replay() {
    let text = "played a 1 3\n\nstress b failed under seed 7:\nleft: 1\nright: 2\nreplay: cargo xtask prove stress --seed 7 --only b\n\nplayed c 1 2";
    let expected =
        "stress b failed under seed 7:\nleft: 1\nright: 2\nreplay: cargo xtask prove stress --seed 7 --only b";
    assert_eq!(told(text), expected);
}
