//! Proof `tv-soak`: a hall's screen that hangs for two hours of class time before 200 people, ten times as fast as life, on a processor
//! slowed down four times. It is let in by its six digits and put out again, as a trainer does it.

use super::browser::{self, Browser, join, ok};
use super::gym::Gym;
use super::wall::ride;
use super::{Ctx, Outcome};
use crate::Result;
use crate::demo::people;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::progress;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind, Target};
use serde_json::{Value, json};
use std::time::Duration;

const PEOPLE: usize = 200;
const PEOPLE_QUICK: usize = 60;
/// Class time runs so fast.
const RATE: u64 = 10;
const CLASS: Duration = Duration::from_secs(2 * 3_600);
const CLASS_QUICK: Duration = Duration::from_secs(400);
/// Buffers fill, code is compiled: what comes after is held against what is there then.
const WARM: Duration = Duration::from_secs(60);
const WARM_QUICK: Duration = Duration::from_secs(15);
const CPU_SLOWDOWN: u64 = 4;
const HEAP_MB_MAX: f64 = 5.0;
/// Tiles come and go with the pages of a full wall: nodes that differ by this part are the same.
const NODES_PART: f64 = 0.05;
const PUT_OUT_WITHIN_MS: f64 = 1_000.0;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let count = if ctx.quick { PEOPLE_QUICK } else { PEOPLE };
    let profiles = people::profiles(&shipped_people(), count, ctx.seed);
    let gym = Gym::of(ctx, "tv-soak", &profiles, &["--clock-rate", &RATE.to_string(), "--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(soak(ctx, &gym, count, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

async fn soak(ctx: &Ctx, gym: &Gym, count: usize, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let segment = |kind, lo, hi| Segment { kind, duration_s: 600, target: Some(Target::Percent { lo, hi }), cue: None };
    let plan = (0..10).flat_map(|_| [segment(SegmentKind::Work, 75, 85), segment(SegmentKind::Recover, 50, 70)]);
    let new = class_now(&trainer.client, "HIIT 45", count, plan.collect());
    let hall = new.hall.clone();
    let class = trainer.create(&new).await?;
    trainer.lobby(class).await?;
    let _riders = ride(ctx, gym, class, count).await?;
    trainer.plan(class, PlanAction::Start).await?;

    let staff = gym.accounts.trainer()?;
    let slow = CPU_SLOWDOWN.to_string();
    let more = ["--hall", &hall, "--slowdown", &slow];
    let mut browser = Browser::open("tv-soak.mjs", &gym.server.url(), staff, &class.to_string(), &more)?;
    let step = browser.must(&json!({ "do": "offered", "within_ms": 10_000 }))?;
    outcome.must("digits on a screen that nobody has logged in", &step["code"], "six", digits(&step["code"]) == 6);
    let step = browser.ask(&json!({ "do": "pair", "within_ms": 5_000 }))?;
    outcome.must(
        "let in by a trainer: the class on the screen after",
        format!("{} ms", step["ms"]),
        "≤ 5 s",
        ok(&step),
    );

    let (warm, class_time) = if ctx.quick { (WARM_QUICK, CLASS_QUICK) } else { (WARM, CLASS) };
    let length = class_time / RATE as u32;
    progress::seconds(warm.as_secs(), "warming up", true, String::new).await;
    let before = browser.must(&json!({ "do": "begin" }))?;
    progress::seconds(length.as_secs(), "on the wall", true, String::new).await;
    let after = browser.must(&json!({ "do": "end" }))?;
    let number = |step: &Value, key: &str| step[key].as_f64().ok_or_else(|| format!("no {key} in {step}"));
    let (heap_before, heap) = (number(&before, "heap_mb")?, number(&after, "heap_mb")?);
    let (nodes_before, nodes) = (number(&before, "nodes")?, number(&after, "nodes")?);
    outcome.fact("class time", format!("{} min before {count} people, {RATE} × life", class_time.as_secs() / 60));
    outcome.fact("frames that the screen got", &after["frames"]);
    let grown = heap - heap_before;
    let words = format!("{heap_before:.1} -> {heap:.1} MB");
    outcome.must("heap after a collection", words, "grows ≤ 5 MB", grown <= HEAP_MB_MAX);
    let words = format!("{nodes_before:.0} -> {nodes:.0}");
    outcome.must("nodes of the page", words, "constant", (nodes - nodes_before).abs() <= nodes_before * NODES_PART);
    let (long, longest) = (number(&after, "long_tasks")?, number(&after, "longest_ms")?);
    let what = format!("tasks over 50 ms, processor {CPU_SLOWDOWN} × slower");
    outcome.speed(ctx, &what, format!("{long:.0}, the longest {longest:.0} ms"), "0", long == 0.0);
    let step = browser.ask(&json!({ "do": "moving", "at_least": 10, "within_ms": 4_000 }))?;
    outcome.must("the wall moves still", &step["changed"], "10 tiles", ok(&step));

    let step = browser.ask(&json!({ "do": "unpair", "within_ms": PUT_OUT_WITHIN_MS }))?;
    let put_out = step["error"].as_str().map_or_else(|| format!("{} ms", step["ms"]), str::to_owned);
    outcome.must("put out by the trainer: nothing of the class after", &put_out, "≤ 1 s", ok(&step));
    let step = browser.ask(&json!({ "do": "errors" }))?;
    outcome.must("errors of the pages", join(&step["errors"]), "none", ok(&step));
    outcome.figure(format!(
        "{} min of class before {count} people: heap {grown:+.1} MB, {long:.0} long tasks, put out after {put_out}",
        class_time.as_secs() / 60
    ));
    browser.close()
}

fn digits(code: &Value) -> usize {
    code.as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).count()
}
