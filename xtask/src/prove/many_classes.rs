//! Proof `many-classes`: 200 classes of 40 riders at once, everybody with the whole board four times a second; then one viewer in
//! each class that does not read, in turns, which the others must not feel.

use super::gym::Gym;
use super::load::{self, short};
use super::one_class::everybody;
use super::{Ctx, Outcome};
use crate::Result;

const CLASSES: usize = 200;
const CLASSES_QUICK: usize = 5;
const RIDERS: usize = 40;
const SECONDS: u64 = 60;
const SECONDS_QUICK: u64 = 12;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (classes, seconds) = if ctx.quick { (CLASSES_QUICK, SECONDS_QUICK) } else { (CLASSES, SECONDS) };
    let riders = classes * RIDERS;
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    let gym = Gym::open(ctx, "many-classes", riders, 1, &["--token-life-s", "86400"])?;
    let args = format!("classes --classes {classes} --riders {RIDERS} --seconds {seconds} --stalled");
    let load = load::run(ctx, &gym, &format!("{classes} classes of {RIDERS} riders for twice {seconds} s"), &args)?;
    everybody(&mut outcome, &load, riders)?;
    let samples = load.value("samples_per_s")?;
    outcome.speed(ctx, "samples a second", short(samples), &riders.to_string(), samples >= 0.99 * riders as f64);
    let board = load.value("board_p99_ms")?;
    outcome.speed(ctx, "sample to own board, p99", format!("{} ms", short(board)), "≤ 250 ms", board <= 250.0);
    let stalled = load.value("stalled_board_p99_ms")?;
    outcome.fact("the same, with a stalled viewer in each class", format!("{} ms", short(stalled)));
    let more = (load.value("stalled_ratio")? - 1.0) * 100.0;
    outcome.speed(ctx, "what stalled viewers add to it", format!("{more:.1} %"), "< 10 %", more < 10.0);
    for key in [
        "board_p50_ms",
        "board_p999_ms",
        "ack_p99_ms",
        "deliveries_per_s",
        "server_cores",
        "stalled_server_cores",
        "server_us_per_delivery",
        "generator_cores",
        "kib_per_connection",
    ] {
        load.fact(&mut outcome, key)?;
    }
    load.troubles(&mut outcome);
    outcome.figure(format!("{classes} × {RIDERS} riders, p99 {} ms, stalled viewers add {more:.1} %", short(board)));
    Ok(outcome)
}
