//! Proof `outage`: in a running class, Cassandra is killed and comes back two minutes later; then PostgreSQL is killed and comes back.
//! Nothing that was acknowledged is missing, no socket is lost, the backlog drains, and commands get `retry` or the truth.

mod commands;

use super::gym::{Gym, running_class};
use super::kill::stored_rows;
use super::recordings::golden_profile;
use super::server::{Server, get};
use super::{Ctx, Outcome};
use crate::Result;
use crate::services::{self, Kind, Service};
use commands::Moves;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Order, Ridden, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::Trainer;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::PlanAction;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A class goes on for so long before something is taken from it, and afterwards.
const CALM: Duration = Duration::from_secs(12);
const SEEN_WITHIN: Duration = Duration::from_secs(20);
const DRAINED_WITHIN: Duration = Duration::from_secs(90);
const FINISH_WITHIN: Duration = Duration::from_secs(60);
/// A rider's own row is at most so old, whatever happens behind.
const ROW_AGE_MAX: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

struct Size {
    riders: usize,
    cassandra_away: Duration,
    postgres_away: Duration,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let size = if ctx.quick {
        Size { riders: 8, cassandra_away: Duration::from_secs(6), postgres_away: Duration::from_secs(4) }
    } else {
        Size { riders: 40, cassandra_away: Duration::from_secs(120), postgres_away: Duration::from_secs(5) }
    };
    let (cassandra, postgres) = match (services::private(Kind::Cassandra), services::private(Kind::Postgres)) {
        (Ok(cassandra), Ok(postgres)) => (cassandra, postgres),
        (Err(error), _) | (_, Err(error)) => return Ok(Outcome::skipped(&error.to_string())),
    };
    let events = format!("cassandra://{}/fitconnect", cassandra.address);
    let state = postgres.address.clone();
    let args = ["--events", &events, "--ack", "quorum", "--state", &state, "--token-life-s", "604800"];
    let mut gym = Gym::open_at(ctx, "outage", size.riders, 1, &["--state", &state], &args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(Outage { ctx, size: &size, cassandra, postgres }.class(&mut gym, &args, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

struct Outage<'a> {
    ctx: &'a Ctx,
    size: &'a Size,
    cassandra: Service,
    postgres: Service,
}

impl Outage<'_> {
    async fn class(mut self, gym: &mut Gym, args: &[&str], outcome: &mut Outcome) -> Result<()> {
        let address = gym.address()?;
        let (trainer, _pushes) = Trainer::connect(&address, gym.accounts.trainer()?).await?;
        let class = running_class(&trainer, "Outage", self.size.riders, 3_600).await?;
        let tally = Arc::new(Tally::default());
        let mut riders = Vec::new();
        let people = shipped_people();
        for (account, number) in gym.accounts.members(self.size.riders)?.iter().zip(0_u64..) {
            let track = people[(self.ctx.seed + number) as usize % people.len()].clone();
            let mut options = RiderOptions::new(&address, account, class, track, self.ctx.seed * 1_000 + number);
            options.profile = Some(golden_profile(None));
            (options.begin, options.end) = (Begin::AtOnce, End::Again);
            riders.push(Rider::start(options, tally.clone()));
        }
        for rider in &mut riders {
            rider.reached(Stage::Riding).await?;
        }
        let calm = if self.ctx.quick { CALM / 4 } else { CALM };
        tokio::time::sleep(calm).await;
        self.without_cassandra(&gym.server, &trainer, class, &riders, &tally, outcome).await?;
        tokio::time::sleep(calm).await;
        self.without_postgres(&trainer, class, &riders, &tally, outcome).await?;
        tokio::time::sleep(calm).await;
        let ridden = finish(riders).await?;
        outcome.fact("samples sent for the first time", Tally::get(&tally.samples));
        outcome.fact(
            "acknowledgements, p50 and p99",
            format!("{:.0} and {:.0} ms", tally.ack().ms(50.0), tally.ack().ms(99.0)),
        );
        // What Cassandra has, and nothing else: the server starts again without its local log.
        gym.server.stop()?;
        let data = gym.folder.path().join("data");
        std::fs::remove_dir_all(data.join("log"))?;
        gym.server = Server::start(self.ctx, &data, args)?;
        gym.server.ready(Duration::from_secs(30))?;
        let (missing, measured) = missing(gym, class, &ridden).await?;
        outcome.must(
            "acknowledged, and not in Cassandra",
            format!("{missing} of {measured}"),
            "0",
            missing == 0 && measured > 0,
        );
        outcome.figure(format!(
            "Cassandra away for {} s and PostgreSQL for {} s: {missing} of {measured} acknowledged samples missing",
            self.size.cassandra_away.as_secs(),
            self.size.postgres_away.as_secs()
        ));
        Ok(())
    }

    async fn without_cassandra(
        &mut self,
        server: &Server,
        trainer: &Trainer,
        class: ClassId,
        riders: &[Rider],
        tally: &Tally,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let before = Noticed::now(tally);
        wait("acknowledged by Cassandra's quorum", SEEN_WITHIN, || {
            let shipped = server.metric("fitconnect_spool_shipped_total")? > 0.0;
            let all_told = server.metric("fitconnect_outbox_lag_seconds")? == 0.0;
            Ok(server.metric("fitconnect_ack_quorum")? == 1.0 && shipped && all_told)
        })
        .await?;
        let acked_before = tally.ack().len();
        self.cassandra.stop(true)?;
        let killed = Instant::now();
        wait("the server to see that Cassandra is away", SEEN_WITHIN, || {
            Ok(server.metric("fitconnect_ack_quorum")? == 0.0)
        })
        .await?;
        outcome.fact("Cassandra's absence was seen after", format!("{:.1?}", killed.elapsed()));
        let (status, words) = get(server.address, "/readyz")?;
        let said = status == 200 && words.contains("ack is local");
        outcome.must("/readyz", words.trim().replace('\n', "; "), "ready, and says that ack is local", said);
        // Changes that Cassandra is to hear of wait in the outbox.
        let told_before = server.metric("fitconnect_outbox_told_total")?;
        trainer.plan(class, PlanAction::Pause).await?;
        trainer.plan(class, PlanAction::Resume).await?;
        let left = self.size.cassandra_away.saturating_sub(killed.elapsed());
        tokio::time::sleep(left).await;
        let oldest = oldest_row(riders);
        let backlog = server.metric("fitconnect_spool_bytes")?;
        outcome.must(
            "acknowledged meanwhile",
            tally.ack().len() - acked_before,
            "> 0",
            tally.ack().len() > acked_before,
        );
        outcome.speed(self.ctx, "oldest row of a rider", format!("{oldest:.1?}"), "≤ 3 s", oldest <= ROW_AGE_MAX);
        let told_away = server.metric("fitconnect_outbox_told_total")? - told_before;
        let begun = Instant::now();
        self.cassandra.start()?;
        outcome.fact("Cassandra needed to start", format!("{:.1?}", begun.elapsed()));
        let back = Instant::now();
        wait("the backlog to drain", DRAINED_WITHIN, || Ok(server.metric("fitconnect_ack_quorum")? == 1.0)).await?;
        let after = server.metric("fitconnect_spool_bytes")?;
        outcome.must(
            "backlog at the end of the outage, and when drained",
            format!("{:.0} KiB, {:.0} KiB after {:.1?}", backlog / 1024.0, after / 1024.0, back.elapsed()),
            "drained",
            after < backlog,
        );
        wait("what changed to be told", DRAINED_WITHIN, || {
            Ok(server.metric("fitconnect_outbox_told_total")? >= told_before + 2.0
                && server.metric("fitconnect_outbox_lag_seconds")? == 0.0)
        })
        .await?;
        let told = server.metric("fitconnect_outbox_told_total")? - told_before;
        outcome.must(
            "changes told during the outage, and when it was over",
            format!("{told_away} and {told}"),
            "0 and 2",
            told_away == 0.0 && told == 2.0,
        );
        before.judge("without Cassandra", true, tally, outcome);
        Ok(())
    }

    async fn without_postgres(
        &mut self,
        trainer: &Trainer,
        class: ClassId,
        riders: &[Rider],
        tally: &Tally,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let before = Noticed::now(tally);
        let moves = Moves::start(trainer, class).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.postgres.stop(true)?;
        tokio::time::sleep(self.size.postgres_away).await;
        self.postgres.start()?;
        let back = Instant::now();
        let known = moves.acknowledged();
        wait("a command to be acknowledged again", SEEN_WITHIN, || Ok(moves.acknowledged() > known)).await?;
        outcome.must(
            "commands are taken again after",
            format!("{:.1?}", back.elapsed()),
            "without a restart of ours",
            true,
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
        let judged = moves.finish(trainer, class).await?;
        outcome.must("commands acknowledged, and stored", judged.words(), "equal", judged.is_true());
        outcome.speed(self.ctx, "answers `retry` meanwhile", judged.retries, "> 0", judged.retries > 0);
        // The class was loaded anew: its riders come back to it on the sockets that they have.
        wait("riders to be shown again", SEEN_WITHIN, || Ok(oldest_row(riders) <= ROW_AGE_MAX)).await?;
        before.judge("without PostgreSQL", false, tally, outcome);
        Ok(())
    }
}

/// What clients have noticed so far.
struct Noticed {
    reconnects: u64,
    refused: u64,
}

impl Noticed {
    fn now(tally: &Tally) -> Noticed {
        Noticed { reconnects: Tally::get(&tally.reconnects), refused: Tally::get(&tally.refused) }
    }

    fn judge(&self, when: &str, silent: bool, tally: &Tally, outcome: &mut Outcome) {
        let Noticed { reconnects, refused } = Noticed::now(tally);
        let (reconnects, refused) = (reconnects - self.reconnects, refused - self.refused);
        let words = format!("{reconnects} sockets lost, {refused} batches sent back");
        let promised = if silent { "none" } else { "no socket lost" };
        outcome.must(&format!("clients noticed {when}"), words, promised, reconnects == 0 && (refused == 0 || !silent));
    }
}

fn oldest_row(riders: &[Rider]) -> Duration {
    let now = fitconnect_loadtest::now::mono_us();
    let age = |rider: &Rider| rider.status.borrow().row.map_or(u64::MAX, |(_, at)| now.saturating_sub(at));
    Duration::from_micros(riders.iter().map(age).max().unwrap_or_default())
}

async fn finish(riders: Vec<Rider>) -> Result<Vec<Ridden>> {
    for rider in &riders {
        rider.order(Order::Finish).await;
    }
    let mut ridden = Vec::new();
    for rider in riders {
        let ended = tokio::time::timeout(FINISH_WITHIN, rider.ridden()).await;
        ridden.push(ended.map_err(|_| "a rider's samples were not all acknowledged within a minute of the end")??);
    }
    Ok(ridden)
}

/// Samples that were acknowledged and are not stored, and how many were measured.
async fn missing(gym: &Gym, class: ClassId, ridden: &[Ridden]) -> Result<(u64, u64)> {
    let stored = stored_rows(&gym.address()?, &gym.accounts, class).await?;
    let kept: BTreeSet<(u64, u32)> = stored.into_iter().collect();
    let (mut missing, mut measured) = (0, 0);
    for (source, count, acked) in ridden.iter().flat_map(|ridden| &ridden.sources) {
        measured += u64::from(*count);
        missing += (0..*count).filter(|seq| acked.holds(*seq) && !kept.contains(&(source.get(), *seq))).count() as u64;
    }
    Ok((missing, measured))
}

async fn wait(what: &str, within: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !is_so()? {
        if began.elapsed() > within {
            return Err(format!("waited {within:?} in vain for {what}").into());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
