//! One class of the demo: the trainer opens it, the riders come, the plan runs, everybody's figures are settled.

use super::{Demo, people};
use crate::Result;
use fitconnect_loadtest::client::{Client, Options, Pushes};
use fitconnect_loadtest::faults::Faults;
use fitconnect_loadtest::follow::{Follower, Seen};
use fitconnect_loadtest::people::{WINDOW_MS, hiit45};
use fitconnect_loadtest::rider::{Begin, Rider, RiderOptions, Worn, phase_of};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_loadtest::view::ClassView;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{Phase, PlanAction, SegmentKind};
use fitconnect_protocol::session::Topic;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const NAME: &str = "HIIT 45";
/// Where nobody looks at a terminal, a line so often.
const LINE_EVERY: Duration = Duration::from_secs(15);

#[derive(serde::Deserialize)]
struct Classes {
    classes: Vec<Listed>,
}

#[derive(serde::Deserialize)]
struct Listed {
    class: ClassId,
    name: String,
    phase: Phase,
}

/// Runs one class from its lobby to its settlement, or what is left of one that was interrupted.
pub async fn run(demo: &Demo, number: u64) -> Result<()> {
    let account = demo.accounts.trainer()?;
    let (trainer, _) = Trainer::connect(&demo.server, account).await?;
    let class = match interrupted(demo, number).await? {
        Some(class) => class,
        None => open(demo, &trainer).await?,
    };
    let (desk, pushes) = desk(demo).await?;
    let follower = Follower::follow(&desk, pushes, class, &[Topic::Class(class), Topic::Desk(class)]).await?;
    let view = view(&follower)?;
    println!("{NAME}: {}/login?next=/tv%3Fclass%3D{class}", format_args!("http://{}", demo.server.authority));

    let tally = Arc::new(Tally::default());
    let ridden_ms = ridden_ms(&view, &desk);
    let _riders: Vec<_> =
        (0..demo.riders).map(|rider| ride(demo, class, rider, ridden_ms, tally.clone())).collect::<Result<_>>()?;
    if view.phase == Phase::Lobby {
        let mut follower = follower.clone();
        let all = demo.riders;
        let arrived = follower.until(|seen| seen.roster.len() >= all);
        // Who does not come in time comes later, as in life.
        let _ = tokio::time::timeout(Duration::from_secs(10), arrived).await;
        trainer.plan(class, PlanAction::Start).await?;
    }
    let settled = watch(demo, &trainer, class, follower, &tally).await?;
    println!("{settled}");
    Ok(())
}

/// The class that an earlier demo left in the middle.
async fn interrupted(demo: &Demo, number: u64) -> Result<Option<ClassId>> {
    if number > 0 {
        return Ok(None);
    }
    let token = demo.accounts.trainer()?.token(&demo.server).await?;
    let listed: Classes = serde_json::from_value(demo.server.json("GET", "/v1/classes", Some(&token), None).await?)?;
    let runs =
        |listed: &&Listed| listed.name == NAME && matches!(listed.phase, Phase::Lobby | Phase::Live | Phase::Paused);
    Ok(listed.classes.iter().rev().find(runs).map(|listed| listed.class))
}

async fn open(demo: &Demo, trainer: &Trainer) -> Result<ClassId> {
    let reference = people::casting(&demo.people, 0, demo.seed);
    let plan = hiit45(&reference.track, reference.hr_max);
    let class = trainer.create(&class_now(&trainer.client, NAME, demo.riders.max(60), plan)).await?;
    trainer.lobby(class).await?;
    Ok(class)
}

/// A second session of staff: it looks at the desk as the trainer's screen does.
async fn desk(demo: &Demo) -> Result<(Client, Pushes)> {
    let account = demo.accounts.staff.last().ok_or("no staff")?;
    let token = account.token(&demo.server).await?;
    Ok(Client::connect(Options::new(&demo.server, token)).await?)
}

fn view(follower: &Follower) -> Result<ClassView> {
    Ok(follower.with(|seen| seen.view.clone()).ok_or("a class without its snapshot")?)
}

/// How much of the plan has run, in class time: riders of an interrupted class go on from there.
fn ridden_ms(view: &ClassView, client: &Client) -> u32 {
    let now = view.class_ms(client.clock().now_ms());
    view.live_from().map_or(0, |from| (now - from as f64).clamp(0.0, f64::from(WINDOW_MS)) as u32)
}

fn ride(demo: &Demo, class: ClassId, number: usize, ridden_ms: u32, tally: Arc<Tally>) -> Result<Rider> {
    let account = &demo.accounts.members(demo.riders)?[number];
    let cast = people::casting(&demo.people, number, demo.seed);
    let seed = demo.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
    let mut options = RiderOptions::new(&demo.server, account, class, cast.track.clone(), seed);
    options.seat = Some(format!("{}{}", ["A", "B", "C", "D", "E"][number / 8 % 5], number % 8 + 1 + number / 40 * 8));
    options.faults = Faults::demo(seed, WINDOW_MS, cast.hr_max);
    options.worn = options.worn.into_iter().map(|worn| Worn { from_ms: ridden_ms, ..worn }).collect();
    options.phase_ms = phase_of(seed);
    options.begin = if ridden_ms > 0 { Begin::AtOnce } else { Begin::WithPlan };
    Ok(Rider::start(options, tally))
}

/// Cues at each segment, and a line of what is going on, until everything is settled.
async fn watch(demo: &Demo, trainer: &Trainer, class: ClassId, follower: Follower, tally: &Tally) -> Result<String> {
    let mut show = Show::new();
    let mut cued = None;
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        every.tick().await;
        let seen = follower.seen();
        if let Some((code, reason)) = &seen.ended {
            return Err(format!("the desk's socket was closed: {code} {reason}").into());
        }
        let Some(view) = &seen.view else { continue };
        let run = seen.header.map(|(header, _)| header.run).filter(|run| usize::from(*run) < view.plan.runs.len());
        if run.is_some() && run != cued && view.phase == Phase::Live {
            cued = run;
            let words = run.and_then(|run| view.plan.runs[usize::from(run)].segment.cue.clone());
            if let Some(words) = words {
                trainer.cue(class, words).await?;
            }
        }
        show.line(&line(&seen, view, run, tally));
        if view.phase >= Phase::Settled {
            show.end();
            return Ok(format!(
                "{NAME} is settled: {} riders, {} samples.",
                demo.riders,
                tally.samples.load(Ordering::Relaxed)
            ));
        }
    }
}

fn line(seen: &Seen, view: &ClassView, run: Option<u16>, tally: &Tally) -> String {
    let live = seen.rows.values().filter(|row| row.bpm.is_some()).count();
    let phase = format!("{:?}", view.phase).to_lowercase();
    let segment = run.map_or(String::new(), |run| {
        let kind = match view.plan.runs[usize::from(run)].segment.kind {
            SegmentKind::Warmup => "warm-up",
            SegmentKind::Work => "work",
            SegmentKind::Recover => "recover",
            SegmentKind::Test => "test",
            SegmentKind::Cooldown => "cool-down",
            SegmentKind::Transition => "transition",
        };
        let left = seen.header.map_or(0, |(header, _)| header.left_ms.min(86_400_000) / 1_000);
        format!(", {kind} {}/{}, {}:{:02} left", run + 1, view.plan.runs.len(), left / 60, left % 60)
    });
    let (samples, acked) = (tally.samples.load(Ordering::Relaxed), tally.acked.load(Ordering::Relaxed));
    let attention = seen.attention.items.len() + usize::from(seen.attention.more);
    format!("{phase}{segment} · {live} hearts · {samples} samples, {acked} on disk · {attention} to look at")
}

/// The line on a terminal that changes; elsewhere a new one now and then.
struct Show {
    bar: Option<ProgressBar>,
    last: Option<Instant>,
}

impl Show {
    fn new() -> Show {
        let bar = std::io::stderr().is_terminal().then(|| crate::run::spinner(NAME));
        Show { bar, last: None }
    }

    fn line(&mut self, text: &str) {
        if let Some(bar) = &self.bar {
            return bar.set_message(text.to_owned());
        }
        if self.last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last = Some(Instant::now());
            println!("{text}");
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
