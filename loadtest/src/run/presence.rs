//! `presence`: a room in which thousands say how they are there, and are told who else is. What a member hears of it, what it costs the
//! server, and how soon those who are gone are gone for the others.

use super::{Common, Meter, landed, launch, reach, room};
use crate::error::LoadError;
use crate::lean::Options;
use crate::lean::present::{Control, Present};
use crate::report::Report;
use crate::{now, progress};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// After the sockets stand: those who came last are told by then, and the lists of members are open.
const SETTLE: Duration = Duration::from_secs(3);
/// Longer than anybody may be told to be there who is not.
const GONE_WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub struct InRoom {
    pub members: usize,
    /// Of these, how many fall silent, come back, and lose their sockets.
    pub going: usize,
    /// Of these, how many look at a list of members.
    pub looking: usize,
}

pub async fn presence(common: &Common, run: &InRoom) -> Result<Report, LoadError> {
    let mut report = Report::new("presence", common.seed);
    report.setting("members", run.members);
    report.setting("going", run.going);
    report.setting("looking", run.looking);
    let accounts = common.members(run.members)?;
    let (_writers, id) = room::open(common, &accounts, 1).await?;
    let (all, staying) = (run.members as u64, (run.members - run.going) as u64);
    let control = Arc::new(Control::default());
    control.truth.store(all, Ordering::Relaxed);
    let crowd = Present::new(accounts, id, run.going, run.looking, control.clone());
    let fleet = launch(crowd, Options::new(&common.server, run.members));
    let bar = progress::bar(all, "connecting", common.progress);
    reach(&fleet, Duration::from_secs(120), || {
        let following = control.following.load(Ordering::Relaxed);
        bar.set_position(following);
        following >= all
    })
    .await;
    bar.finish_and_clear();
    report.figure("following", "members that follow", control.following.load(Ordering::Relaxed) as f64, "");
    let known = || control.known.load(Ordering::Relaxed);
    reach(&fleet, GONE_WITHIN, || known() == all).await;
    tokio::time::sleep(SETTLE).await;

    let meter = Meter::start(common.pid)?;
    control.measure.store(true, Ordering::Relaxed);
    progress::seconds(common.seconds, "everybody is there", common.progress, || format!("{} are known", known())).await;
    control.measure.store(false, Ordering::Relaxed);
    let cost = meter.stop()?;

    // How long until all who stay are told it, once this has become true.
    let told_within = async |truth: u64| {
        control.truth.store(truth, Ordering::Relaxed);
        let began = now::mono_us();
        reach(&fleet, GONE_WITHIN, || known() == truth).await;
        (now::mono_us() - began) as f64 / 1e6
    };
    control.silent.store(true, Ordering::Relaxed);
    let ghost_s = told_within(staying).await;
    control.silent.store(false, Ordering::Relaxed);
    let back_s = told_within(all).await;
    control.cut.store(true, Ordering::Relaxed);
    let cut_s = told_within(staying).await;
    control.quit.store(true, Ordering::Relaxed);
    let crowd = landed(fleet).await?;

    let measured = &crowd.measured;
    let each = |sum: u64| sum as f64 / cost.seconds / run.members as f64;
    report.figure(
        "second_max",
        "frames of presence to one member within a second, at most",
        measured.second_max.into(),
        "",
    );
    report.figure("frames_each", "frames of presence to a member", each(measured.frames), "1/s");
    report.figure("bytes_each", "bytes of presence to a member", each(measured.bytes), "B/s");
    report.figure("miscounted", "frames that said somebody had gone who had not", measured.miscounted as f64, "");
    report.figure("misnamed", "frames that named others than the member looks at", measured.misnamed as f64, "");
    report.figure("looked", "frames to those who look at a list of members", measured.looked as f64, "");
    report.figure("ghost_s", "from the first silence to when all knew who had gone", ghost_s, "s");
    report.figure("back_s", "from speaking again to when all knew it", back_s, "s");
    report.figure("cut_s", "from lost sockets to when all knew it", cut_s, "s");
    cost.report(&mut report, measured.frames);
    report.trouble(crowd.troubles);
    Ok(report)
}
