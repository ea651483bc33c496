//! `storm`: everybody comes back at once. All sockets are cut, by us or by the server's death, dial again within the jitter,
//! and resume. How long until the last one follows its topic again, and how long did each wait for the first frame?

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

#[derive(Clone, Debug)]
pub struct Storm {
    pub sockets: usize,
    pub dials_per_s: u64,
    /// Each dials again at a random moment of so long.
    pub jitter: Duration,
    pub topic: Topic,
    /// Somebody else ends the server and starts it again; we only wait for it. `pid` is then the old server's.
    pub server_dies: bool,
    /// How long the return may take.
    pub within: Duration,
}

/// `ready` is called when all sit: the moment to end the server, where somebody does.
pub async fn storm(common: &Common, run: &Storm, ready: impl FnOnce()) -> Result<Report, LoadError> {
    let mut report = Report::new("storm", common.seed);
    report.setting("sockets", run.sockets);
    report.setting("jitter_s", run.jitter.as_secs_f64());
    let control = Arc::new(Control::default());
    let manner = Manner { topics: vec![run.topic], jitter_us: run.jitter.as_micros() as u64, stalls: false };
    let accounts = common.some_members(run.sockets)?;
    let mut options = Options::new(&common.server, run.sockets);
    options.dial_every_us = 1_000_000 / run.dials_per_s.max(1);
    // The herd is the point: nothing of ours holds it back.
    options.dialing_max = run.sockets;
    let fleet = launch(Sitters::new(accounts, run.sockets, manner, control.clone()), options);
    let everybody =
        || control.sitting.load(Ordering::Relaxed) + control.dead.load(Ordering::Relaxed) >= run.sockets as u64;
    let bar = progress::bar(run.sockets as u64, "connecting", common.progress);
    reach(&fleet, Duration::from_secs(60 + 3 * run.sockets as u64 / run.dials_per_s.max(1)), || {
        bar.set_position(control.sitting.load(Ordering::Relaxed));
        everybody()
    })
    .await;
    let sat = control.sitting.load(Ordering::Relaxed);
    let before = common.pid.filter(|_| !run.server_dies).map(Process::usage).transpose()?;
    ready();
    if !run.server_dies {
        control.cut.store(true, Ordering::Relaxed);
    }
    let all_lost = || control.lost.load(Ordering::Relaxed) >= sat;
    let back = reach(&fleet, run.within, || {
        bar.set_position(control.sitting.load(Ordering::Relaxed));
        all_lost() && everybody()
    })
    .await;
    bar.finish_and_clear();
    let after = common.pid.filter(|_| !run.server_dies).map(Process::usage).transpose()?;
    let lost = control.lost.load(Ordering::Relaxed);
    let sitting = control.sitting.load(Ordering::Relaxed);
    control.quit.store(true, Ordering::Relaxed);
    let crowd = landed(fleet).await?;
    let measured = &crowd.measured;

    report.figure("lost", "sockets lost", lost as f64, "sockets");
    report.figure(
        "back",
        "sockets that follow again",
        if back { sitting.min(lost) } else { measured.again_resumed.len() } as f64,
        "sockets",
    );
    let took_us = measured.first_loss_us.map_or(0, |from| measured.last_return_us.saturating_sub(from));
    report.figure("all_back_s", "from the first loss to the last return", took_us as f64 / 1e6, "s");
    report.latencies("welcome", "dial to the first frame, on return", &measured.again_welcome);
    report.latencies("resumed", "dial to the topic resumed", &measured.again_resumed);
    report.figure("reclaimed", "sessions reclaimed", measured.reclaimed as f64, "sessions");
    report.figure("recovered", "topics without a gap", measured.recovered as f64, "topics");
    report.figure("not_recovered", "topics by snapshot", measured.not_recovered as f64, "topics");
    if let (Some(before), Some(after)) = (before, after) {
        report.figure("server_cpu_s", "server's processor time of the return", after.cpu_s - before.cpu_s, "s");
    }
    report.trouble(crowd.troubles);
    Ok(report)
}
