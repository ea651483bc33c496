//! Proof `fanout`: one topic to 1,000 sockets, 50 events of 100 bytes a second, against the floor in the same run: raw TCP, one
//! buffer made once and written to every socket. Our events are cues, which are committed before they are told: what the same
//! commands cost with one follower is taken off the processor time, and latency is counted from the first socket's arrival.

use super::gym::Gym;
use super::load::{self, short};
use super::{Ctx, Outcome};
use crate::Result;

const SOCKETS: usize = 1_000;
const SOCKETS_QUICK: usize = 100;
const RATE: u32 = 50;
const SECONDS: u64 = 60;
const SECONDS_QUICK: u64 = 6;
/// Turns of ten seconds: what else the machine does falls on the floor and on the server alike.
const ROUNDS: u64 = 6;
/// Processor time and p99, as parts of the floor's.
const RATIO_MAX: f64 = 1.3;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (sockets, seconds, rounds) =
        if ctx.quick { (SOCKETS_QUICK, SECONDS_QUICK, 1) } else { (SOCKETS, SECONDS, ROUNDS) };
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    let gym = Gym::open(ctx, "fanout", sockets, 1, &["--token-life-s", "86400"])?;
    let args = format!("fanout --sockets {sockets} --rate {RATE} --seconds {seconds} --rounds {rounds}");
    let load = load::run(ctx, &gym, &format!("{sockets} sockets, {RATE} events a second"), &args)?;
    for (key, what) in [("floor_gaps", "floor: events missed"), ("server_gaps", "server: events missed")] {
        let count = load.value(key)?;
        outcome.must(what, count, "0", count == 0.0);
    }
    let wanted = sockets as f64 * f64::from(RATE);
    let delivered = load.value("server_deliveries_per_s")?;
    outcome.speed(ctx, "deliveries a second", short(delivered), &short(wanted), delivered >= 0.98 * wanted);
    let promised = format!("≤ {RATIO_MAX} × the floor's");
    let (cpu, spread) = (load.value("cpu_ratio")?, load.value("spread_p99_ratio")?);
    outcome.speed(ctx, "processor time a delivery", format!("{} ×", short(cpu)), &promised, cpu <= RATIO_MAX);
    let what = "p99 from the first socket's arrival";
    outcome.speed(ctx, what, format!("{} ×", short(spread)), &promised, spread <= RATIO_MAX);
    for key in [
        "floor_us_per_delivery",
        "server_net_us_per_delivery",
        "server_us_per_delivery",
        "command_us",
        "gross_cpu_ratio",
        "floor_spread_p50_ms",
        "server_spread_p50_ms",
        "floor_spread_p99_ms",
        "server_spread_p99_ms",
        "floor_sent_p99_ms",
        "server_sent_p50_ms",
        "server_sent_p99_ms",
        "floor_generator_cores",
        "server_generator_cores",
    ] {
        load.fact(&mut outcome, key)?;
    }
    load.troubles(&mut outcome);
    outcome.figure(format!("{} × the floor's processor time a delivery, {} × its p99", short(cpu), short(spread)));
    Ok(outcome)
}
