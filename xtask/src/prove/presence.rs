//! Proof `presence`: thousands in one room say how they are there. A member hears of it now and then, never of strangers by name, never that
//! somebody has gone who has not; and whoever is gone is so for everybody within ten seconds.

use super::gym::Gym;
use super::load::{self, short};
use super::{Ctx, Outcome};
use crate::Result;

const MEMBERS: usize = 5_000;
/// More than are named in any case.
const MEMBERS_QUICK: usize = 200;
const SECONDS: u64 = 60;
const SECONDS_QUICK: u64 = 6;
const FRAMES_MAX: f64 = 4.0;
const GHOST_S: f64 = 10.0;
/// Whoever loses the socket is gone at once, told with the next round.
const CUT_S: f64 = 2.0;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (members, seconds) = if ctx.quick { (MEMBERS_QUICK, SECONDS_QUICK) } else { (MEMBERS, SECONDS) };
    let (going, looking) = (members / 10, members / 100);
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    let gym = Gym::open(ctx, "presence", members, 1, &["--token-life-s", "86400"])?;
    let args = format!("presence --members {members} --going {going} --looking {looking} --seconds {seconds}");
    let load = load::run(ctx, &gym, &format!("{members} members say that they are there"), &args)?;
    let count = |key: &str| load.value(key);
    load.must_be(&mut outcome, "members that follow", "following", members as f64)?;
    let most = count("second_max")?;
    outcome.must("frames to one member within a second, at most", most, "1 to 4", (1.0..=FRAMES_MAX).contains(&most));
    outcome.must("frames to those who look at a list", count("looked")?, "> 0", count("looked")? > 0.0);
    for key in ["miscounted", "misnamed"] {
        load.must_be(&mut outcome, load.words(key)?, key, 0.0)?;
    }
    let ghost_s = count("ghost_s")?;
    let words = format!("{} s", short(ghost_s));
    outcome.must("a tenth falls silent: all know it within", words, "≤ 10 s", ghost_s <= GHOST_S);
    let cut_s = count("cut_s")?;
    let words = format!("{} s", short(cut_s));
    outcome.speed(ctx, "a tenth loses its sockets: all know it within", words, "≤ 2 s", cut_s <= CUT_S);
    for key in ["back_s", "frames_each", "bytes_each", "server_cores", "server_us_per_delivery", "generator_cores"] {
        load.fact(&mut outcome, key)?;
    }
    load.troubles(&mut outcome);
    outcome.figure(format!(
        "{members} members: {most:.0} frames a second to one at most, {} B/s, {} cores of server, no ghost after {} s",
        short(count("bytes_each")?),
        short(count("server_cores")?),
        short(ghost_s)
    ));
    Ok(outcome)
}
