//! Proof `bad-input`: whatever is sent, the answer is a clear error or close code, nothing that was acknowledged is lost, nothing
//! panics. An honest rider rides through all of it.

mod cases;
mod files;
mod flood;
mod raw;

use super::gym::{Gym, running_class};
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Order, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::Trainer;
use std::sync::Arc;
use std::time::Duration;

/// Accounts that attack; the one before them is honest.
const ATTACKERS: usize = 200;
const FINISH_WITHIN: Duration = Duration::from_secs(30);

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let frames = if ctx.quick { 3_000 } else { 100_000 };
    let recordings = if ctx.quick { 40 } else { 1_000 };
    let mut outcome = Outcome::new();
    let mut gym = Gym::open(ctx, "bad-input", ATTACKERS + 1, 1, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime
        .block_on(attack(ctx, &gym, frames, &mut outcome))
        .map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    gym.server.stop()?;
    let log = std::fs::read_to_string(&gym.server.log)?;
    let panics = log.matches("panicked").count();
    outcome.must("panics of the server", panics, "0", panics == 0);
    let ridden = files::ride(ctx, recordings, gym.folder.path())?;
    outcome.fact("mutated recordings ridden all the same", ridden.ridden);
    outcome.fact("mutated recordings refused with a sentence", ridden.refused);
    let rest = ridden.wrong.len();
    outcome.must(
        "mutated recordings that ended otherwise",
        format!("{rest} {}", ridden.wrong.join("; ")),
        "0",
        rest == 0,
    );
    outcome.figure(format!("{frames} mutated frames and {recordings} mutated recordings, {panics} panics"));
    Ok(outcome)
}

async fn attack(ctx: &Ctx, gym: &Gym, frames: u64, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let class = running_class(&trainer, "Under attack", ATTACKERS + 1, 3 * 3_600).await?;
    let [honest, attackers @ ..] = gym.accounts.members(ATTACKERS + 1)? else { return Err("no members".into()) };
    let track = shipped_people().swap_remove(ctx.seed as usize % 40);
    let mut rider =
        Rider::start(RiderOptions::new(&server, honest, class, track, ctx.seed), Arc::new(Tally::default()));
    rider.reached(Stage::Riding).await?;

    for case in cases::all(&server, class, attackers, &trainer).await? {
        let kept = case.found == case.promised;
        outcome.must(case.what, case.found, &case.promised, kept);
    }
    let flood = flood::run(&server, class, attackers, frames, ctx.seed).await?;
    outcome.fact("mutated frames sent", flood.frames);
    outcome.fact("over so many sockets", flood.sockets);
    outcome.fact("answered or refused", format!("{:?}", flood.answers));
    outcome.fact("closed", format!("{:?}", flood.closes));
    outcome.must("sockets that ended without a code of the table", flood.uncoded, "0", flood.uncoded == 0);

    rider.order(Order::Finish).await;
    let ridden = tokio::time::timeout(FINISH_WITHIN, rider.ridden())
        .await
        .map_err(|_| "the honest rider's samples were not all acknowledged")??;
    let measured: u64 = ridden.sources.iter().map(|(_, measured, _)| u64::from(*measured)).sum();
    let acked: u64 = ridden.sources.iter().map(|(_, _, acked)| acked.count()).sum();
    outcome.must(
        "honest rider: measured, acknowledged",
        format!("{measured}, {acked}"),
        "equal",
        measured == acked && measured > 0,
    );
    let health = super::server::get(gym.server.address, "/healthz")?.0;
    outcome.must("health afterwards", health, "200", health == 200);
    Ok(())
}
