//! `slow`: a room in which some read nothing for a while. What it costs those who read, and how soon the others are up to date when they
//! read again. Stretches in which all read and in which some do not take turns, so that a drift of the machine hits both alike.

use super::publishers::Publishers;
use super::{Common, landed, launch, reach, room};
use crate::error::LoadError;
use crate::lean::Options;
use crate::lean::followers::{Control, Followers};
use crate::progress;
use crate::report::Report;
use fitconnect_protocol::limits::COMMANDS_PER_S;
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::session::{Request, Topic};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What comes in so many microseconds is read together, by all alike.
const GATHER_US: u64 = 500;
/// A stalled reader's window: small, so that the server feels it soon.
const RECEIVE_BYTES: usize = 4 * 1024;
/// After the sockets stand, before it is measured.
const SETTLE: Duration = Duration::from_secs(2);
/// How long one may take to be up to date again before the next stretch begins.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Slow {
    pub members: usize,
    /// Of these, how many stall.
    pub stalled: usize,
    /// Messages a second.
    pub rate: u32,
    pub text_bytes: usize,
    /// Stretches of each kind.
    pub rounds: u64,
}

pub async fn slow(common: &Common, run: &Slow) -> Result<Report, LoadError> {
    let mut report = Report::new("slow", common.seed);
    report.setting("members", run.members);
    report.setting("stalled", run.stalled);
    report.setting("messages_per_s", run.rate);
    let accounts = common.members(run.members)?;
    let writers = run.rate.div_ceil(COMMANDS_PER_S / 2).max(1) as usize;
    let (clients, room) = room::open(common, &accounts, writers).await?;
    let (reading, stalling) = accounts.split_at(run.members - run.stalled);
    let newest = Arc::<AtomicU64>::default();
    let control = || Arc::new(Control { newest: newest.clone(), ..Control::default() });
    let (fast, slow) = (control(), control());
    let options = |count| Options { gather_us: GATHER_US, ..Options::new(&common.server, count) };
    let topic = Some(Topic::Room(room));
    let readers = launch(Followers::new(reading.to_vec(), reading.len(), topic, fast.clone()), options(reading.len()));
    let narrow = Options { receive_bytes: Some(RECEIVE_BYTES), ..options(stalling.len()) };
    let stallers = launch(Followers::new(stalling.to_vec(), stalling.len(), topic, slow.clone()), narrow);
    let bar = progress::bar(run.members as u64, "connecting", common.progress);
    let following = || fast.following.load(Ordering::Relaxed) + slow.following.load(Ordering::Relaxed);
    reach(&readers, Duration::from_secs(60), || {
        bar.set_position(following());
        following() >= run.members as u64
    })
    .await;
    bar.finish_and_clear();
    report.figure("following", "members that follow", following() as f64, "");
    let publishers = Publishers::start(clients, run.rate, run.text_bytes, move |text, cmd| Request::Room {
        room,
        cmd,
        act: RoomCommand::say(text),
    });
    tokio::time::sleep(SETTLE).await;
    // Of those who stall, what they missed is of interest throughout.
    slow.measure.store(true, Ordering::Relaxed);
    let each = common.seconds.div_ceil(2 * run.rounds.max(1));
    for _ in 0..run.rounds.max(1) {
        stretch(common, &fast, each, "all read").await;
        fast.beside.store(true, Ordering::Relaxed);
        slow.stall.store(true, Ordering::Relaxed);
        stretch(common, &fast, each, "some do not read").await;
        slow.stall.store(false, Ordering::Relaxed);
        fast.beside.store(false, Ordering::Relaxed);
        tokio::time::sleep(SETTLE).await;
        reach(&stallers, CATCH_UP_MAX, || slow.behind.load(Ordering::Relaxed) == 0).await;
    }
    let behind = slow.behind.load(Ordering::Relaxed);
    let refused = publishers.stop().await;
    fast.quit.store(true, Ordering::Relaxed);
    slow.quit.store(true, Ordering::Relaxed);
    let (readers, stallers) = (landed(readers).await?, landed(stallers).await?);
    tell(&mut report, &readers, &stallers, behind);
    report.trouble(readers.troubles);
    report.trouble(stallers.troubles);
    if refused > 0 {
        report.trouble([("messages refused".to_owned(), refused)].into());
    }
    Ok(report)
}

async fn stretch(common: &Common, readers: &Control, seconds: u64, what: &'static str) {
    readers.measure.store(true, Ordering::Relaxed);
    let mut before = readers.deliveries.load(Ordering::Relaxed);
    progress::seconds(seconds, what, common.progress, || {
        let sum = readers.deliveries.load(Ordering::Relaxed);
        format!("{} deliveries/s", sum - std::mem::replace(&mut before, sum))
    })
    .await;
    readers.measure.store(false, Ordering::Relaxed);
}

fn tell(report: &mut Report, readers: &Followers, stallers: &Followers, behind: u64) {
    report.latencies("calm", "sent to arrived, while all read", &readers.measured.sent);
    report.latencies("beside", "sent to arrived, while some do not read", &readers.beside.sent);
    let grown = readers.beside.sent.ms(99.0) / readers.measured.sent.ms(99.0).max(0.001);
    report.figure("grown", "p99 while some do not read to p99 while all do", grown, "×");
    let missed = readers.measured.gaps + readers.beside.gaps;
    report.figure("missed", "messages that readers missed", missed as f64, "");
    report.figure(
        "deliveries",
        "messages measured",
        (readers.measured.deliveries + readers.beside.deliveries) as f64,
        "",
    );
    report.figure("stalled_missed", "messages that the stalled missed", stallers.measured.gaps as f64, "");
    report.figure("behind", "stalled members that were never up to date again", behind as f64, "");
    let stalls = stallers.measured.caught_up.len() as f64;
    report.figure("stalls", "times that a member stalled and was up to date again", stalls, "");
    report.latencies("caught_up", "reading again to the newest message", &stallers.measured.caught_up);
    let lagging = stallers.troubles.get("lagging").copied().unwrap_or(0);
    report.figure("lagged", "times that the server told a stalled member that it lags", lagging as f64, "");
}
