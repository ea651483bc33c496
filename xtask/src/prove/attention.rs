//! Proof `attention`: forty riders of the demo's kind for a whole class give at most one new item of ranks 4–6 a minute; each rank is
//! raised by a script that earns it, acknowledged, and clears by itself.

mod script;

use super::gym::Gym;
use super::{Ctx, Outcome};
use crate::Result;
use crate::demo::people;
use fitconnect_loadtest::client::{Client, Options};
use fitconnect_loadtest::faults::Faults;
use fitconnect_loadtest::follow::Follower;
use fitconnect_loadtest::people::{WINDOW_MS, hiit45, shipped_people};
use fitconnect_loadtest::rider::{Begin, End, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{AttentionKind, Phase, PlanAction};
use fitconnect_protocol::session::Topic;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const RIDERS: usize = 40;
const MINUTE_MS: i64 = 60_000;
/// Items of these ranks are counted.
const QUIET_RANKS: std::ops::RangeInclusive<u8> = 4..=6;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let cast = shipped_people();
    let profiles = people::profiles(&cast, RIDERS + script::RIDERS, ctx.seed);
    let gym = Gym::of(ctx, "attention", &profiles, &["--clock-rate", "20", "--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let both = async {
        let (quiet, earned) = tokio::join!(quiet(ctx, &gym), script::run(ctx, &gym));
        script::judge(earned?, &mut outcome);
        judge(ctx, quiet?, &mut outcome);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    runtime.block_on(both).map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

/// An item that came onto the list, as the server has written it down.
#[derive(Debug, Deserialize)]
struct Raised {
    at: i64,
    kind: String,
    body: (AttentionKind, Option<u16>),
}

struct Quiet {
    raised: Vec<Raised>,
    from: i64,
    to: i64,
}

/// A whole class HIIT 45, in which now and then something happens.
async fn quiet(ctx: &Ctx, gym: &Gym) -> Result<Quiet> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let cast = shipped_people();
    let reference = people::casting(&cast, 0, ctx.seed);
    let plan = hiit45(&reference.track, reference.hr_max);
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", RIDERS, plan)).await?;
    trainer.lobby(class).await?;
    let (_desk, mut follower) = desk(gym, class).await?;
    let mut riders = Vec::new();
    for (account, number) in gym.accounts.members(RIDERS)?.iter().zip(0..) {
        let role = people::casting(&cast, number, ctx.seed);
        let seed = ctx.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let mut options = RiderOptions::new(&server, account, class, role.track.clone(), seed);
        options.faults = Faults::demo(seed, WINDOW_MS, role.hr_max);
        (options.begin, options.end, options.board) = (Begin::WithPlan, End::Again, false);
        riders.push(Rider::start(options, Arc::new(Tally::default())));
    }
    for rider in &mut riders {
        rider.reached(Stage::Joined).await?;
    }
    let (_, from) = trainer.plan(class, PlanAction::Start).await?;
    if ctx.quick {
        // Ten minutes of class time say whether it works at all.
        tokio::time::sleep(Duration::from_secs(30)).await;
        trainer.plan(class, PlanAction::End).await?;
    }
    follower.until(|seen| seen.view.as_ref().is_some_and(|view| view.phase >= Phase::Cooling)).await?;
    let to =
        follower.with(|seen| seen.header.map(|(header, _)| header.class_ms)).unwrap_or(from + i64::from(WINDOW_MS));
    Ok(Quiet { raised: raised(gym, class).await?, from, to })
}

/// The desk lasts as long as its client.
async fn desk(gym: &Gym, class: ClassId) -> Result<(Client, Follower)> {
    let server = gym.address()?;
    let account = gym.accounts.staff.last().ok_or("no staff")?;
    let (client, pushes) = Client::connect(Options::new(&server, account.token(&server).await?)).await?;
    let follower = Follower::follow(&client, pushes, class, &[Topic::Class(class), Topic::Desk(class)]).await?;
    Ok((client, follower))
}

async fn raised(gym: &Gym, class: ClassId) -> Result<Vec<Raised>> {
    let server = gym.address()?;
    let token = gym.accounts.trainer()?.token(&server).await?;
    let text = server.text_as(&format!("/v1/classes/{class}/events"), Some(&token)).await?;
    let all: Vec<Raised> = text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    Ok(all.into_iter().filter(|raised| raised.kind == "raised").collect())
}

fn judge(ctx: &Ctx, quiet: Quiet, outcome: &mut Outcome) {
    let minutes = ((quiet.to - quiet.from) as f64 / MINUTE_MS as f64).max(1.0);
    let counted: Vec<&Raised> =
        quiet.raised.iter().filter(|raised| QUIET_RANKS.contains(&raised.body.0.rank())).collect();
    let mut by_kind = BTreeMap::new();
    for raised in &quiet.raised {
        *by_kind.entry(format!("{:?}", raised.body.0)).or_insert(0) += 1;
    }
    let mut by_minute = BTreeMap::new();
    for raised in &counted {
        *by_minute.entry((raised.at - quiet.from).div_euclid(MINUTE_MS)).or_insert(0) += 1;
    }
    let busiest = by_minute.values().max().copied().unwrap_or(0);
    let each_minute = counted.len() as f64 / minutes;
    outcome.fact("class time of the quiet class", format!("{minutes:.0} min, {RIDERS} riders"));
    outcome.fact("what came onto the list", format!("{by_kind:?}"));
    outcome.fact("busiest minute", busiest);
    outcome.must(
        "new items of ranks 4–6 a minute",
        format!("{each_minute:.2}"),
        "≤ 1",
        each_minute <= 1.0 && minutes > if ctx.quick { 5.0 } else { 40.0 },
    );
    outcome.figure(format!("{each_minute:.2} new items of ranks 4–6 a minute among {RIDERS} riders"));
}
