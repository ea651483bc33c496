//! Proof `throughput`: 20,000 samples a second acknowledged after fsync and shipped to Cassandra, with a backlog that does not grow;
//! 2,000 durable commands a second of one hot actor in PostgreSQL. What each store used of the machine stands beside.

use super::{Ctx, Outcome};
use crate::services::{self, Kind, Service};
use crate::{Result, repo, run};
use serde::Deserialize;
use std::process::Command;

const SAMPLES_PER_S: f64 = 20_000.0;
const COMMANDS_PER_S: f64 = 2_000.0;
const COMMAND_P99_MS: f64 = 50.0;
const RELOAD_MS: f64 = 1_500.0;
/// Readings of the backlog a second.
const READINGS_PER_S: usize = 2;
/// The backlog rises and falls with each window of ten seconds.
const WINDOW_S: usize = 10;

#[derive(Deserialize)]
struct Samples {
    seconds: f64,
    appended: u64,
    acknowledged: u64,
    ack_p50_ms: f64,
    ack_p99_ms: f64,
    cpu_s: f64,
    backlog: Vec<u64>,
    pace: Option<u64>,
    drained_s: f64,
    stored: u64,
}

#[derive(Deserialize)]
struct Reload {
    riders: u64,
    minutes: u64,
    checkpoint_bytes: u64,
    checkpoint_ms: f64,
    samples: u64,
    read_ms: f64,
    reload_ms: f64,
    equal: u64,
    points: u64,
}

#[derive(Deserialize)]
struct Commands {
    seconds: f64,
    commands: u64,
    commits: u64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_s: f64,
    stored: u64,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (cassandra, postgres) = match (services::private(Kind::Cassandra), services::private(Kind::Postgres)) {
        (Ok(cassandra), Ok(postgres)) => (cassandra, postgres),
        (Err(error), _) | (_, Err(error)) => return Ok(Outcome::skipped(&error.to_string())),
    };
    run::must("build the bench", bench(ctx).arg("--no-run"))?;
    let mut outcome = Outcome::new();
    let (samples, cassandra_cpu) =
        measured::<Samples>(ctx, &["samples", if ctx.quick { "5" } else { "60" }], &cassandra)?;
    judge_samples(ctx, &samples, cassandra_cpu, &mut outcome);
    let size = if ctx.quick { ["reload", "300", "4"] } else { ["reload", "15000", "45"] };
    let (reload, _) = measured::<Reload>(ctx, &size, &cassandra)?;
    judge_reload(ctx, &reload, &mut outcome);
    drop(cassandra);
    let (commands, postgres_cpu) =
        measured::<Commands>(ctx, &["commands", if ctx.quick { "3" } else { "30" }], &postgres)?;
    judge_commands(ctx, &commands, postgres_cpu, &mut outcome);
    outcome.figure(format!(
        "{:.0} samples/s through to Cassandra, {:.0} commands/s on one actor with p99 {:.1} ms",
        samples.acknowledged as f64 / samples.seconds,
        commands.commands as f64 / commands.seconds,
        commands.p99_ms
    ));
    Ok(outcome)
}

fn judge_samples(ctx: &Ctx, ran: &Samples, cassandra_cpu: f64, outcome: &mut Outcome) {
    let rate = ran.acknowledged as f64 / ran.seconds;
    let kept = rate >= SAMPLES_PER_S;
    let length = format!("{:.0}/s over {:.0} s", rate, ran.seconds);
    outcome.speed(ctx, "samples acknowledged after fsync", length, "≥ 20,000/s", kept);
    outcome.fact("append to acknowledged, p50 and p99", format!("{:.0} and {:.0} ms", ran.ack_p50_ms, ran.ack_p99_ms));
    outcome.must(
        "read back from Cassandra",
        format!("{} of {}", ran.stored, ran.appended),
        "all",
        ran.stored == ran.appended && ran.stored > 0,
    );
    let highest = |from_end_s: usize| {
        let end = ran.backlog.len().saturating_sub(from_end_s * READINGS_PER_S);
        let begin = end.saturating_sub(WINDOW_S * READINGS_PER_S);
        ran.backlog[begin..end].iter().copied().max().unwrap_or_default() as f64 / 1_048_576.0
    };
    let (before, last) = (highest(30 - WINDOW_S), highest(0));
    let words = format!("{before:.1} MiB, then {last:.1} MiB; drained {:.1} s after the end", ran.drained_s);
    // Twice a window can wait: one that fills, one that is being shipped.
    outcome.speed(ctx, "backlog, highest of 10 s, 30 s apart", words, "does not grow", last <= before * 1.15);
    outcome.fact("batches that may be under way", ran.pace.unwrap_or_default());
    cpu(outcome, "CPU of log and shipper", ran.cpu_s, ran.seconds, ran.appended, "sample");
    cpu(outcome, "CPU of Cassandra", cassandra_cpu, ran.seconds, ran.appended, "sample");
}

fn judge_reload(ctx: &Ctx, ran: &Reload, outcome: &mut Outcome) {
    let words = format!("{:.2} s, {:.2} s of it reading", ran.reload_ms / 1e3, ran.read_ms / 1e3);
    let what = format!("{} riders reloaded after {} minutes", ran.riders, ran.minutes);
    outcome.speed(ctx, &what, words, "≤ 1.5 s", ran.reload_ms <= RELOAD_MS);
    let words = format!("{} of {} riders, {} points together", ran.equal, ran.riders, ran.points);
    outcome.must("figures as before", words, "all equal", ran.equal == ran.riders && ran.points > 0);
    let kept = format!("{:.1} MiB in {:.0} ms", ran.checkpoint_bytes as f64 / 1_048_576.0, ran.checkpoint_ms);
    outcome.fact("checkpoint, and samples read behind it", format!("{kept}, {}", ran.samples));
}

fn judge_commands(ctx: &Ctx, ran: &Commands, postgres_cpu: f64, outcome: &mut Outcome) {
    let rate = ran.commands as f64 / ran.seconds;
    let words = format!("{rate:.0}/s in {} transactions", ran.commits);
    outcome.speed(ctx, "durable commands of one hot actor", words, "≥ 2,000/s", rate >= COMMANDS_PER_S);
    let words = format!("{:.1} and {:.1} ms", ran.p50_ms, ran.p99_ms);
    outcome.speed(ctx, "command to durable, p50 and p99", words, "p99 ≤ 50 ms", ran.p99_ms <= COMMAND_P99_MS);
    let words = format!("{} of {}", ran.stored, ran.commands);
    outcome.must("commands stored", words, "all", ran.stored == ran.commands && ran.stored > 0);
    cpu(outcome, "CPU of the state store's client", ran.cpu_s, ran.seconds, ran.commands, "command");
    cpu(outcome, "CPU of PostgreSQL", postgres_cpu, ran.seconds, ran.commands, "command");
}

fn cpu(outcome: &mut Outcome, what: &str, cpu_s: f64, seconds: f64, count: u64, each: &str) {
    let us = cpu_s * 1e6 / count.max(1) as f64;
    outcome.fact(what, format!("{:.2} cores, {us:.1} µs a {each}", cpu_s / seconds));
}

/// Runs one part; its report, and the CPU seconds that the database used meanwhile.
fn measured<T: for<'de> Deserialize<'de>>(ctx: &Ctx, part: &[&str], store: &Service) -> Result<(T, f64)> {
    let before = store.cpu_s().unwrap_or_default();
    let mut command = bench(ctx);
    command.arg("--").args(part).arg(&store.address);
    let ran = run::must(&part.join(" "), &mut command)?;
    let used = store.cpu_s().unwrap_or_default() - before;
    let report = ran.text.lines().find(|line| line.starts_with('{')).ok_or("the bench told nothing")?;
    Ok((serde_json::from_str(report)?, used))
}

/// The release build; in the short form the dev build, whose parts the tests have made already.
fn bench(ctx: &Ctx) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["bench", "--package", "fitconnect", "--bench", "throughput"]);
    cargo.args(["--profile", if ctx.quick { "dev" } else { "release" }]);
    cargo
}
