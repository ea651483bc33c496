//! Proof `slow-readers`: a tenth of a room's members stop reading for ten seconds at a time. The others do not feel it, the server holds
//! little for those who stall, and they are up to date soon after they read again.

use super::gym::Gym;
use super::load::{self, short};
use super::server::Server;
use super::{Ctx, Outcome};
use crate::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MEMBERS: usize = 1_000;
const MEMBERS_QUICK: usize = 100;
/// Less than what makes a reader lost, with what its buffers swallow first.
const STALL_S: u64 = 8;
const ROUNDS: u64 = 4;
const RATE: u32 = 20;
const GROWN_MAX: f64 = 1.1;
const HELD_BYTES_MAX: f64 = 64.0 * 1024.0;
const CAUGHT_UP_MS: f64 = 1_000.0;
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (members, rounds) = if ctx.quick { (MEMBERS_QUICK, 1) } else { (MEMBERS, ROUNDS) };
    let stalled = members / 10;
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    let gym = Gym::open(ctx, "slow-readers", members, 1, &["--token-life-s", "86400"])?;
    let seconds = 2 * rounds * STALL_S;
    let args =
        format!("slow --members {members} --stalled {stalled} --rate {RATE} --seconds {seconds} --rounds {rounds}");
    let title = format!("{members} members, of whom {stalled} stop reading");
    let over = AtomicBool::new(false);
    let (load, held) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| most_held(&gym.server, &over));
        let load = load::run(ctx, &gym, &title, &args);
        over.store(true, Ordering::Relaxed);
        (load, looking.join())
    });
    let (load, held) = (load?, held.map_err(|_| "the look at the metrics ended")??);
    let count = |key: &str| load.value(key);
    load.must_be(&mut outcome, "members that follow", "following", members as f64)?;
    load.must_be(&mut outcome, "stalls that ended up to date", "stalls", (stalled as u64 * rounds) as f64)?;
    outcome.must("readers that the server pulled up", count("lagged")?, "> 0", count("lagged")? > 0.0);
    for (key, what) in
        [("missed", "messages that readers missed"), ("stalled_missed", "messages that the stalled missed")]
    {
        load.must_be(&mut outcome, what, key, 0.0)?;
    }
    let words = format!("{:.1} KiB", held / 1024.0);
    outcome.must("held in user space for one socket, at most", words.clone(), "≤ 64 KiB", held <= HELD_BYTES_MAX);
    let caught_up = count("caught_up_max_ms")?;
    outcome.speed(
        ctx,
        "reading again to up to date, longest",
        format!("{} ms", short(caught_up)),
        "≤ 1 s",
        caught_up <= CAUGHT_UP_MS,
    );
    let grown = count("grown")?;
    outcome.speed(
        ctx,
        "the others' p99 to what it is when all read",
        format!("{} ×", short(grown)),
        "< 1.1 ×",
        grown < GROWN_MAX,
    );
    for key in
        ["calm_p50_ms", "calm_p99_ms", "beside_p50_ms", "beside_p99_ms", "caught_up_p50_ms", "lagged", "deliveries"]
    {
        load.fact(&mut outcome, key)?;
    }
    load.troubles(&mut outcome);
    outcome.figure(format!(
        "the others' p99 {} ×, {words} held for a stalled member at most, up to date {} ms after it reads again",
        short(grown),
        short(caught_up)
    ));
    Ok(outcome)
}

/// The most that has waited for one socket at any look.
fn most_held(server: &Server, over: &AtomicBool) -> Result<f64> {
    let mut most: f64 = 0.0;
    while !over.load(Ordering::Relaxed) {
        most = most.max(server.metric("fitconnect_outbox_bytes_most")?);
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(most)
}
