//! `idle`: many connections, each with its session and one topic followed, and nothing said. What does one cost in memory?

use super::{Common, landed, launch, reach};
use crate::error::LoadError;
use crate::lean::Options;
use crate::lean::sitters::{Control, Manner, Sitters};
use crate::process::Process;
use crate::progress;
use crate::report::Report;
use fitconnect_protocol::session::Topic;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Allocators and kernels give back late: the figure is read after so long.
const SETTLE: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
pub struct Idle {
    pub connections: usize,
    pub dials_per_s: u64,
    /// What each follows; one's own inbox by default.
    pub topic: Topic,
}

pub async fn idle(common: &Common, run: &Idle) -> Result<Report, LoadError> {
    let mut report = Report::new("idle", common.seed);
    report.setting("connections", run.connections);
    let before = common.pid.map(Process::usage).transpose()?;
    let control = Arc::new(Control::default());
    let manner = Manner { topics: vec![run.topic], jitter_us: 5_000_000, stalls: false };
    let accounts = common.some_members(run.connections)?;
    let mut options = Options::new(&common.server, run.connections);
    options.dial_every_us = 1_000_000 / run.dials_per_s.max(1);
    let fleet = launch(Sitters::new(accounts, run.connections, manner, control.clone()), options);
    let bar = progress::bar(run.connections as u64, "connecting", common.progress);
    reach(&fleet, Duration::from_secs(60 + 3 * run.connections as u64 / run.dials_per_s.max(1)), || {
        bar.set_position(control.sitting.load(Ordering::Relaxed));
        control.sitting.load(Ordering::Relaxed) + control.dead.load(Ordering::Relaxed) >= run.connections as u64
    })
    .await;
    bar.finish_and_clear();
    tokio::time::sleep(SETTLE).await;
    let sitting = control.sitting.load(Ordering::Relaxed);
    let full = common.pid.map(Process::usage).transpose()?;
    let meter = super::Meter::start(common.pid)?;
    progress::seconds(common.seconds, "idle", common.progress, String::new).await;
    let cost = meter.stop()?;
    let lost = control.lost.load(Ordering::Relaxed);
    control.quit.store(true, Ordering::Relaxed);
    let crowd = landed(fleet).await?;

    report.figure("connections", "connections that stand", sitting as f64, "sockets");
    if let (Some(before), Some(full)) = (before, full) {
        let kib = full.rss_kib.saturating_sub(before.rss_kib) as f64 / sitting.max(1) as f64;
        report.figure("kib_per_connection", "server's memory a connection", kib, "KiB");
        report.figure("server_rss_kib", "server's memory", full.rss_kib as f64, "KiB");
    }
    if let Some(cpu_s) = cost.server_cpu_s {
        report.figure("server_cores", "server's processors, idle", cpu_s / cost.seconds, "cores");
    }
    report.latencies("welcome", "dial to the first frame", &crowd.measured.welcome);
    report.figure("lost_sockets", "sockets lost", lost as f64, "sockets");
    report.trouble(crowd.troubles);
    Ok(report)
}
