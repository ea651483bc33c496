//! Proof `one-class`: 15,000 riders at 1 Hz in one class on two cores, the generator included. What a rider gets a second: one frame
//! with its own row, the top, its neighbours and the acknowledgement. Before it, what a connection costs that only sits there.

use super::gym::Gym;
use super::load::{self, Load, short};
use super::{Ctx, Outcome};
use crate::Result;

const RIDERS: usize = 15_000;
const RIDERS_QUICK: usize = 300;
/// Sockets whose memory is measured.
const SITTING: usize = 10_000;
const SECONDS: u64 = 60;
const SECONDS_QUICK: u64 = 10;
/// The riders' tokens outlast the run.
const TOKENS: [&str; 2] = ["--token-life-s", "86400"];

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    sit(ctx, &mut outcome)?;
    ride(ctx, &mut outcome)?;
    Ok(outcome)
}

/// Connections, each with its session actor and one topic.
fn sit(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let sitting = if ctx.quick { RIDERS_QUICK } else { SITTING };
    let gym = Gym::open(ctx, "one-class-idle", sitting, 1, &TOKENS)?;
    let count = sitting.to_string();
    let title = format!("{sitting} connections that say nothing");
    let load = load::run(ctx, &gym, &title, &format!("idle --connections {count} --seconds 5"))?;
    let stand = load.value("connections")?;
    outcome.must("connections that stand", stand, &count, stand == sitting as f64);
    let kib = load.value("kib_per_connection")?;
    let what = "memory a connection, with session actor and one subscription";
    outcome.speed(ctx, what, format!("{} KiB", short(kib)), "≤ 22 KiB", kib <= 22.0);
    load.fact(outcome, "welcome_p99_ms")?;
    load.troubles(outcome);
    Ok(())
}

fn ride(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let (riders, seconds) = if ctx.quick { (RIDERS_QUICK, SECONDS_QUICK) } else { (RIDERS, SECONDS) };
    let gym = Gym::open(ctx, "one-class", riders, 1, &TOKENS)?;
    let title = format!("{riders} riders for {seconds} s");
    let load = load::run(ctx, &gym, &title, &format!("class --riders {riders} --seconds {seconds}"))?;
    everybody(outcome, &load, riders)?;
    let samples = load.value("samples_per_s")? / riders as f64;
    outcome.speed(ctx, "samples a rider and second", short(samples), "≥ 0.99", samples >= 0.99);
    let frames = load.value("mine_per_s")? / riders as f64;
    outcome.speed(ctx, "own frames a rider and second", short(frames), "≥ 0.95", frames >= 0.95);
    let cores = load.value("server_cores")?;
    outcome.speed(ctx, "server's processors", format!("{} cores", short(cores)), "≤ 0.6 cores", cores <= 0.6);
    let board = load.value("board_p99_ms")?;
    outcome.speed(ctx, "sample to own board, p99", format!("{} ms", short(board)), "≤ 400 ms", board <= 400.0);
    for key in [
        "board_p50_ms",
        "board_p999_ms",
        "ack_p50_ms",
        "ack_max_ms",
        "server_us_per_delivery",
        "generator_cores",
        "kib_per_connection",
        "desk_tick_bytes",
        "tv_tick_bytes",
    ] {
        load.fact(outcome, key)?;
    }
    load.troubles(outcome);
    outcome.figure(format!(
        "{riders} riders, {} cores, p99 {} ms, every sample acknowledged after it was on disk",
        short(cores),
        short(board)
    ));
    Ok(())
}

/// Everybody rode to the end, and every sample was taken and acknowledged.
pub fn everybody(outcome: &mut Outcome, load: &Load, riders: usize) -> Result<()> {
    let riding = load.value("riding")?;
    outcome.must("riders", riding, &riders.to_string(), riding == riders as f64);
    for (key, what) in [
        ("unacknowledged", "samples never acknowledged"),
        ("unwanted", "samples refused"),
        ("lost_sockets", "sockets lost"),
    ] {
        let count = load.value(key)?;
        outcome.must(what, count, "0", count == 0.0);
    }
    Ok(())
}
