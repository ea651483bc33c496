//! `fanout`: many sockets follow one topic, fifty events of a hundred bytes a second, ours and the floor's in turns.
//! Ours come as cues of several trainers, for one session may give ten commands a second, and each cue is a command that is
//! committed before it is told. So the same commands are measured with one follower too, and taken off: what remains is the
//! fan-out. Latency from the publisher's stamp holds the command's way and its commit; the spread, from the first socket's
//! arrival, is the fan-out alone.

use super::publishers::Publishers;
use super::{Common, Cost, Meter, endless, landed, launch, reach};
use crate::accounts::Account;
use crate::error::LoadError;
use crate::floor::Floor;
use crate::lean::Options;
use crate::lean::followers::{Control, Followers, Measured};
use crate::process::Process;
use crate::progress;
use crate::report::Report;
use crate::trainer::{Trainer, class_now};
use fitconnect_protocol::class::ClassCommand;
use fitconnect_protocol::limits::COMMANDS_PER_S;
use fitconnect_protocol::session::{Request, Topic};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The readers are asleep, not waiting, while a burst comes in, for the floor and for the server alike: what waking this
/// process costs is paid by the sender's writes, and a server a little slower than its reader would pay it at every one.
const GATHER_US: u64 = 500;
/// After the sockets stand, before it is measured.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Fanout {
    pub sockets: usize,
    /// Events a second.
    pub rate: u32,
    /// Bytes of an event's text; `floor::TEXT_BYTES` makes a frame of 100.
    pub text_bytes: usize,
    /// Floor and server take turns so often, each for `seconds` in all.
    pub rounds: u64,
    /// This crate's binary, which is the floor too.
    pub program: PathBuf,
    /// Only the floor: how good is this machine?
    pub floor_only: bool,
}

#[derive(Default)]
struct Side {
    cost: Cost,
    measured: Measured,
}

impl Side {
    fn add(&mut self, cost: Cost, measured: &Measured) {
        self.cost.add(cost);
        self.measured.deliveries += measured.deliveries;
        self.measured.gaps += measured.gaps;
        self.measured.sent.add(&measured.sent);
        self.measured.spread.add(&measured.spread);
    }

    fn report(&self, report: &mut Report, key: &str, words: &str) {
        let Side { cost, measured } = self;
        report.figure(
            format!("{key}_deliveries_per_s"),
            format!("{words}: deliveries"),
            measured.deliveries as f64 / cost.seconds,
            "1/s",
        );
        if let Some(each_us) = cost.each_us(measured.deliveries) {
            report.figure(
                format!("{key}_us_per_delivery"),
                format!("{words}: processor time a delivery"),
                each_us,
                "µs",
            );
        }
        let own = cost.own_cpu_s / cost.seconds;
        report.figure(format!("{key}_generator_cores"), format!("{words}: generator's processors"), own, "cores");
        report.latencies(&format!("{key}_sent"), &format!("{words}: from the publisher's stamp"), &measured.sent);
        report.latencies(
            &format!("{key}_spread"),
            &format!("{words}: from the first socket's arrival"),
            &measured.spread,
        );
        report.figure(format!("{key}_gaps"), format!("{words}: events missed"), measured.gaps as f64, "events");
    }
}

/// `common` is not needed where only the floor runs.
pub async fn fanout(common: Option<&Common>, run: &Fanout, seconds: u64, seed: u64) -> Result<Report, LoadError> {
    let shown = common.is_none_or(|common| common.progress);
    let mut report = Report::new("fanout", seed);
    report.setting("sockets", run.sockets);
    report.setting("events_per_s", run.rate);
    let each = seconds.div_ceil(run.rounds.max(1));
    let (mut floor, mut ours, mut alone) = (Side::default(), Side::default(), Side::default());
    for _ in 0..run.rounds.max(1) {
        let (cost, crowd) = floor_turn(run, each, shown).await?;
        floor.add(cost, &crowd.measured);
        report.trouble(crowd.troubles);
        if let Some(common) = common.filter(|_| !run.floor_only) {
            let (cost, crowd, refused) = our_turn(common, run, each).await?;
            ours.add(cost, &crowd.measured);
            report.trouble(crowd.troubles);
            let (cost, crowd, more) = our_turn(common, &Fanout { sockets: 1, ..run.clone() }, each).await?;
            alone.add(cost, &crowd.measured);
            report.trouble(crowd.troubles);
            if refused + more > 0 {
                report.trouble([("cues refused".to_owned(), refused + more)].into());
            }
        }
    }
    floor.report(&mut report, "floor", "floor");
    if common.is_none() || run.floor_only {
        return Ok(report);
    }
    ours.report(&mut report, "server", "server");
    let command_us = alone.cost.each_us(alone.measured.deliveries);
    if let (Some(command_us), Some(gross_us)) = (command_us, ours.cost.each_us(ours.measured.deliveries)) {
        let net_us = gross_us - command_us / run.sockets.max(1) as f64;
        report.figure("command_us", "server: processor time of a cue that one socket follows", command_us, "µs");
        report.figure("server_net_us_per_delivery", "server: the same without the commands", net_us, "µs");
    }
    let ratio = |ours: &str, floor: &str| Some(report.value(ours)? / report.value(floor)?.max(0.001));
    let each = "floor_us_per_delivery";
    let ratios = [
        (
            "cpu_ratio",
            "processor time a delivery without the commands, to the floor's",
            ratio("server_net_us_per_delivery", each),
        ),
        (
            "gross_cpu_ratio",
            "processor time a delivery with the commands, to the floor's",
            ratio("server_us_per_delivery", each),
        ),
        ("sent_p99_ratio", "p99 from the publisher, to the floor's", ratio("server_sent_p99_ms", "floor_sent_p99_ms")),
        ("spread_p99_ratio", "p99 of the spread, to the floor's", ratio("server_spread_p99_ms", "floor_spread_p99_ms")),
    ];
    for (key, words, value) in ratios {
        if let Some(value) = value {
            report.figure(key, words, value, "×");
        }
    }
    Ok(report)
}

async fn floor_turn(run: &Fanout, seconds: u64, shown: bool) -> Result<(Cost, Followers), LoadError> {
    let floor = Floor::start(&run.program, run.rate, run.text_bytes)?;
    let options = Options {
        addr: floor.addr,
        authority: floor.addr.to_string(),
        raw: true,
        count: run.sockets,
        dial_every_us: 200,
        dialing_max: 128,
        gather_us: GATHER_US,
        heartbeat_us: 25_000_000,
        receive_bytes: None,
    };
    turn(None, run, options, Vec::new(), Some(Process(floor.pid())), seconds, ("floor", shown)).await
}

async fn our_turn(common: &Common, run: &Fanout, seconds: u64) -> Result<(Cost, Followers, u64), LoadError> {
    let account = common.trainer().await?;
    let sessions = run.rate.div_ceil(COMMANDS_PER_S - 1).max(1);
    let mut trainers = Vec::new();
    for _ in 0..sessions {
        let (trainer, mut pushes) = Trainer::connect(&common.server, &account).await?;
        tokio::spawn(async move { while pushes.recv().await.is_some() {} });
        trainers.push(trainer);
    }
    let class = trainers[0].create(&class_now(&trainers[0].client, "Fan-out", 1, endless())).await?;
    trainers[0].lobby(class).await?;
    let clients = trainers.iter().map(|trainer| trainer.client.clone()).collect();
    let publishers = Publishers::start(clients, run.rate, run.text_bytes, move |text, cmd| Request::Class {
        class,
        cmd,
        act: ClassCommand::Cue { text, to: None, aim: None },
    });
    let accounts = common.some_members(run.sockets)?;
    let options = Options { dial_every_us: 1_000, gather_us: GATHER_US, ..Options::new(&common.server, run.sockets) };
    let (cost, crowd) =
        turn(Some(Topic::Class(class)), run, options, accounts, common.pid, seconds, ("server", common.progress))
            .await?;
    let refused = publishers.stop().await;
    trainers[0].act(class, ClassCommand::Cancel { reason: "the run is over".into() }).await?;
    Ok((cost, crowd, refused))
}

/// Connects everybody, measures for a while, lets them go.
async fn turn(
    topic: Option<Topic>,
    run: &Fanout,
    options: Options,
    accounts: Vec<Account>,
    pid: Option<Process>,
    seconds: u64,
    (what, shown): (&'static str, bool),
) -> Result<(Cost, Followers), LoadError> {
    let control = Arc::new(Control::default());
    let fleet = launch(Followers::new(accounts, run.sockets, topic, control.clone()), options);
    let bar = progress::bar(run.sockets as u64, "connecting", shown);
    reach(&fleet, Duration::from_secs(60), || {
        bar.set_position(control.following.load(Ordering::Relaxed));
        control.following.load(Ordering::Relaxed) + control.dead.load(Ordering::Relaxed) >= run.sockets as u64
    })
    .await;
    bar.finish_and_clear();
    tokio::time::sleep(SETTLE).await;
    let meter = Meter::start(pid)?;
    control.measure.store(true, Ordering::Relaxed);
    let mut before = control.deliveries.load(Ordering::Relaxed);
    progress::seconds(seconds, what, shown, || {
        let sum = control.deliveries.load(Ordering::Relaxed);
        format!("{} deliveries/s", sum - std::mem::replace(&mut before, sum))
    })
    .await;
    control.measure.store(false, Ordering::Relaxed);
    let cost = meter.stop()?;
    control.quit.store(true, Ordering::Relaxed);
    Ok((cost, landed(fleet).await?))
}
