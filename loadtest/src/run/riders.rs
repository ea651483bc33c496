//! `class` and `classes`: riders on recordings in one class or in many, and what a stalled viewer in each costs the others.

use super::{Common, Cost, Meter, endless, landed, launch, reach};
use crate::accounts::Account;
use crate::error::LoadError;
use crate::follow::Follower;
use crate::lean::riders::{Control, Measured, Riders, RidersClass, Setup};
use crate::lean::{Options, sitters};
use crate::people::shipped_people;
use crate::process::Process;
use crate::progress;
use crate::report::Report;
use crate::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::PlanAction;
use fitconnect_protocol::session::{Snapshot, Topic};
use std::sync::Arc;
use std::time::Duration;

/// Sessions that share the commands of many classes: one may give ten a second.
const TRAINERS_MAX: usize = 8;
/// After the first sample the figures settle for so long.
const SETTLE: Duration = Duration::from_secs(5);
const ACKED_WITHIN: Duration = Duration::from_secs(20);
/// A stalled viewer's window: small, so that it is felt soon.
const STALLED_RECEIVE_BYTES: usize = 4 * 1024;

#[derive(Clone, Debug)]
pub struct RidersRun {
    pub classes: usize,
    pub riders_each: usize,
    /// New sockets a second while the classes fill.
    pub dials_per_s: u64,
    /// Measure turns about without and with a viewer in each class that does not read.
    pub stalled: bool,
}

pub async fn riders(common: &Common, run: &RidersRun) -> Result<Report, LoadError> {
    let count = run.classes * run.riders_each;
    let name = if run.classes == 1 { "class" } else { "classes" };
    let mut report = Report::new(name, common.seed);
    report.setting("classes", run.classes);
    report.setting("riders", count);
    let accounts = common.members(count)?;
    let before = common.pid.map(Process::usage).transpose()?;

    let stage = Stage::set(common, run).await?;
    let control = Arc::new(Control::default());
    let tracks = shipped_people().iter().map(|person| Arc::new(person.each_second())).collect();
    let clock = stage.trainers[0].client.measure_clock().await?;
    let setup = Setup { classes: stage.classes.clone(), accounts, tracks, clock, seed: common.seed };
    let mut options = Options::new(&common.server, count);
    options.dial_every_us = 1_000_000 / run.dials_per_s.max(1);
    options.gather_us = 1_000;
    let fleet = launch(Riders::new(setup, control.clone()), options);

    let bar = progress::bar(count as u64, "joining", common.progress);
    let within = Duration::from_secs(60 + 3 * count as u64 / run.dials_per_s.max(1));
    let complete = reach(&fleet, within, || {
        let (riding, dead) = (Control::get(&control.riding), Control::get(&control.dead));
        bar.set_position(riding);
        bar.set_message(if dead > 0 { format!("{dead} failed") } else { String::new() });
        riding + dead >= count as u64
    })
    .await;
    bar.finish_and_clear();
    if !complete && fleet.is_finished() {
        return landed(fleet).await.map(|_| report);
    }
    report.figure("riding", "riders that ride", Control::get(&control.riding) as f64, "riders");

    stage.plan_all(PlanAction::Start).await?;
    let viewers = Viewers::watch(common, &stage).await?;
    Control::set(&control.ride, true);
    tokio::time::sleep(SETTLE).await;
    let after = common.pid.map(Process::usage).transpose()?;

    let (calm, stalled) = measure(common, run, &control, &stage).await?;
    viewers.report(&mut report);

    // The last samples are acknowledged in the second after them.
    Control::set(&control.ride, false);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let settled = reach(&fleet, ACKED_WITHIN, || Control::get(&control.waiting) == 0).await;
    let waiting = if settled { 0 } else { Control::get(&control.waiting) };
    Control::set(&control.quit, true);
    let crowd = landed(fleet).await?;
    stage.plan_all(PlanAction::End).await?;

    tell(&mut report, &crowd.phases, calm, stalled);
    report.figure("unacknowledged", "samples never acknowledged", waiting as f64, "samples");
    if let (Some(before), Some(after)) = (before, after) {
        let kib = after.rss_kib.saturating_sub(before.rss_kib) as f64 / count.max(1) as f64;
        report.figure("kib_per_connection", "server's memory a rider, in the class", kib, "KiB");
    }
    report.trouble(crowd.troubles);
    Ok(report)
}

/// Trainers and classes.
struct Stage {
    trainers: Vec<Trainer>,
    classes: Vec<RidersClass>,
}

impl Stage {
    async fn set(common: &Common, run: &RidersRun) -> Result<Stage, LoadError> {
        let account = common.trainer().await?;
        let mut trainers = Vec::new();
        for _ in 0..run.classes.clamp(1, TRAINERS_MAX) {
            let (trainer, mut pushes) = Trainer::connect(&common.server, &account).await?;
            // Nobody looks at what a driving trainer is pushed.
            tokio::spawn(async move { while pushes.recv().await.is_some() {} });
            trainers.push(trainer);
        }
        let mut stage = Stage { trainers, classes: Vec::new() };
        let bar = progress::bar(run.classes as u64, "classes", common.progress);
        for number in 0..run.classes {
            let trainer = stage.trainer(number);
            let name = format!("Load {}", number + 1);
            let class = trainer.create(&class_now(&trainer.client, &name, run.riders_each, endless())).await?;
            trainer.lobby(class).await?;
            let subscribed = trainer.client.subscribe(Topic::Class(class)).await?;
            let Some(Snapshot::Class(snapshot)) = subscribed.snapshot else {
                return Err(LoadError::BadAnswer("a class without its snapshot".into()));
            };
            trainer.client.unsubscribe(Topic::Class(class)).await?;
            stage.classes.push(RidersClass { class, clock: snapshot.clock });
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(stage)
    }

    fn trainer(&self, number: usize) -> &Trainer {
        &self.trainers[number % self.trainers.len()]
    }

    async fn plan_all(&self, action: PlanAction) -> Result<(), LoadError> {
        let moves = self.trainers.iter().enumerate().map(|(first, trainer)| async move {
            for RidersClass { class, .. } in self.classes.iter().skip(first).step_by(self.trainers.len()) {
                trainer.plan(*class, action).await?;
            }
            Ok::<(), LoadError>(())
        });
        futures_util::future::try_join_all(moves).await.map(drop)
    }
}

/// A desk and a TV of the first class: what they get is part of the load.
struct Viewers {
    desk: Follower,
    board: Follower,
    _clients: [Trainer; 2],
}

impl Viewers {
    async fn watch(common: &Common, stage: &Stage) -> Result<Viewers, LoadError> {
        let account: Account = common.trainer().await?;
        let class: ClassId = stage.classes[0].class;
        let (desk, desk_pushes) = Trainer::connect(&common.server, &account).await?;
        let (board, board_pushes) = Trainer::connect(&common.server, &account).await?;
        Ok(Viewers {
            desk: Follower::follow(&desk.client, desk_pushes, class, &[Topic::Class(class), Topic::Desk(class)])
                .await?,
            board: Follower::follow(&board.client, board_pushes, class, &[Topic::Board(class)]).await?,
            _clients: [desk, board],
        })
    }

    fn report(&self, report: &mut Report) {
        for (key, words, follower) in [("desk", "a desk", &self.desk), ("tv", "a TV", &self.board)] {
            let (ticks, bytes) = follower.with(|seen| (seen.ticks, seen.bytes));
            report.figure(format!("{key}_ticks"), format!("ticks that {words} got"), ticks as f64, "frames");
            report.figure(
                format!("{key}_tick_bytes"),
                format!("a tick of {words}"),
                bytes as f64 / ticks.max(1) as f64,
                "bytes",
            );
        }
    }
}

/// One stretch, or four turns about without and with stalled viewers, so that a drift of the machine hits both alike.
async fn measure(
    common: &Common,
    run: &RidersRun,
    control: &Control,
    stage: &Stage,
) -> Result<(Cost, Option<Cost>), LoadError> {
    if !run.stalled {
        return Ok((stretch(common, control, common.seconds, "measuring").await?, None));
    }
    let (mut calm, mut stalled) = (Cost::default(), Cost::default());
    for _ in 0..2 {
        calm.add(stretch(common, control, common.seconds.div_ceil(2), "calm").await?);
        let sitting = Arc::new(sitters::Control::default());
        let topics = stage.classes.iter().map(|class| Topic::Board(class.class)).collect();
        let manner = sitters::Manner { topics, jitter_us: 1_000_000, stalls: true };
        let mut options = Options::new(&common.server, run.classes);
        options.receive_bytes = Some(STALLED_RECEIVE_BYTES);
        let crowd = sitters::Sitters::new(vec![common.trainer().await?], run.classes, manner, sitting.clone());
        let fleet = launch(crowd, options);
        reach(&fleet, Duration::from_secs(30), || Control::get(&sitting.sitting) >= run.classes as u64).await;
        stalled.add(stretch(common, control, common.seconds.div_ceil(2), "stalled").await?);
        Control::set(&sitting.quit, true);
        landed(fleet).await?;
    }
    Ok((calm, Some(stalled)))
}

async fn stretch(common: &Common, control: &Control, seconds: u64, what: &'static str) -> Result<Cost, LoadError> {
    let meter = Meter::start(common.pid)?;
    Control::set(&control.measure, true);
    let mut before = (Control::get(&control.samples), Control::get(&control.frames));
    progress::seconds(seconds, what, common.progress, || {
        let sums = (Control::get(&control.samples), Control::get(&control.frames));
        let message = format!("{} samples/s, {} frames/s", sums.0 - before.0, sums.1 - before.1);
        before = sums;
        message
    })
    .await;
    Control::set(&control.measure, false);
    let cost = meter.stop()?;
    // The fleet sees the flag in its next pass; a stretch is one for it too.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(cost)
}

/// Stretches turn about: calm, stalled, calm, stalled.
fn tell(report: &mut Report, phases: &[Measured], calm_cost: Cost, stalled_cost: Option<Cost>) {
    let turns = if stalled_cost.is_some() { 2 } else { 1 };
    let calm = merged(phases.iter().step_by(turns));
    report.figure("samples_per_s", "samples", calm.samples as f64 / calm_cost.seconds, "1/s");
    report.figure("deliveries_per_s", "frames to riders", calm.deliveries() as f64 / calm_cost.seconds, "1/s");
    report.figure("mine_per_s", "own-board frames", calm.mine as f64 / calm_cost.seconds, "1/s");
    report.latencies("board", "sample to own board", &calm.board);
    report.latencies("ack", "sample to acknowledgement", &calm.ack);
    calm_cost.report(report, calm.deliveries());
    report.figure("overtaken", "samples that no board showed before four later ones", calm.overtaken as f64, "samples");
    report.figure("resent", "rows sent again", calm.resent as f64, "rows");
    report.figure("unwanted", "samples refused", calm.unwanted as f64, "frames");
    report.figure("lost_sockets", "sockets lost", calm.lost_sockets as f64, "sockets");
    let seconds = &calm.seconds;
    report.line("samples", "1/s", seconds.iter().map(|second| second.samples as f64).collect());
    report.line("frames to riders", "1/s", seconds.iter().map(|second| second.frames as f64).collect());
    report.line("sample to own board, p99", "ms", seconds.iter().map(|second| second.board_p99_ms).collect());
    let Some(cost) = stalled_cost else { return };
    let stalled = merged(phases.iter().skip(1).step_by(2));
    report.latencies("stalled_board", "sample to own board, with stalled viewers", &stalled.board);
    if let Some(cpu_s) = cost.server_cpu_s {
        report.figure(
            "stalled_server_cores",
            "server's processors, with stalled viewers",
            cpu_s / cost.seconds,
            "cores",
        );
    }
    let ratio = stalled.board.ms(99.0) / calm.board.ms(99.0).max(0.001);
    report.figure("stalled_ratio", "p99 with stalled viewers to p99 without", ratio, "×");
}

fn merged<'m>(phases: impl Iterator<Item = &'m Measured>) -> Measured {
    let mut sum = Measured::default();
    for phase in phases {
        sum.board.add(&phase.board);
        sum.ack.add(&phase.ack);
        sum.samples += phase.samples;
        sum.resent += phase.resent;
        sum.acked += phase.acked;
        sum.mine += phase.mine;
        sum.ticks += phase.ticks;
        sum.events += phase.events;
        sum.overtaken += phase.overtaken;
        sum.unwanted += phase.unwanted;
        sum.lost_sockets += phase.lost_sockets;
        sum.seconds.extend_from_slice(&phase.seconds);
    }
    sum
}
