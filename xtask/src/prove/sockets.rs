//! Proof `sockets`: the member's page and the hall's screen over a bad socket, then over a server that is killed and comes back, then
//! over one of another build. Both recover by themselves, and never show a number older than 3 s as live.

use super::browser::{self, Browser, ok};
use super::gym::Gym;
use super::server::Server;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind};
use serde_json::{Value, json};
use std::time::Duration;

const FAULTS: [&str; 5] = ["drop", "delay", "double", "reorder", "cut"];
/// Of all frames that the server sends, so many are spoilt.
const RATE: f64 = 0.5;
/// After the last spoilt frame a page may still wait for its next dial.
const AFTER_FAULTS_MS: u64 = 6_000;
const BACK_WITHIN_MS: u64 = 2_000;
/// A machine that does other things too is waited for longer; the figure is judged at full size.
const BACK_WAITED_MS: u64 = 20_000;
const READY_WITHIN: Duration = Duration::from_secs(30);

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let mut gym = Gym::open(ctx, "sockets", 1, 1, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(spoil(ctx, &mut gym, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

async fn spoil(ctx: &Ctx, gym: &mut Gym, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", 20, plan)).await?;
    trainer.lobby(class).await?;
    trainer.plan(class, PlanAction::Start).await?;

    let staff = gym.accounts.trainer()?.clone();
    let (email, password) = (staff.email.unwrap_or_default(), staff.password.unwrap_or_default());
    let more = ["--screen-email", email.as_str(), "--screen-password", password.as_str()];
    let member = gym.accounts.members(1)?[0].clone();
    let mut browser = Browser::open("sockets.mjs", &gym.server.url(), &member, &class.to_string(), &more)?;
    browser.must(&json!({ "do": "open" }))?;
    browser.must(&json!({ "do": "live", "within_ms": 10_000 }))?;

    let seconds = if ctx.quick { 3 } else { 12 };
    for kind in FAULTS {
        browser.must(&json!({ "do": "fault", "kind": kind, "rate": RATE, "seed": ctx.seed % 1_000_000 }))?;
        let seen = browser.ask(&json!({ "do": "honest", "seconds": seconds }))?;
        honest(&format!("frames: {kind}"), &seen, outcome);
        browser.must(&json!({ "do": "fault", "kind": "none" }))?;
        let back = browser.ask(&json!({ "do": "live", "within_ms": AFTER_FAULTS_MS }))?;
        outcome.must(&format!("frames: {kind}: live again after"), ms(&back), "≤ 6 s", ok(&back));
    }
    let spoilt = browser.ask(&json!({ "do": "honest", "seconds": 1 }))?;
    outcome.fact("frames spoilt", &spoilt["counts"]);

    let mut slowest = 0;
    for _ in 0..if ctx.quick { 1 } else { 3 } {
        slowest = slowest.max(killed(ctx, gym, &mut browser, seconds, outcome)?);
    }
    let what = format!("{slowest} ms");
    outcome.speed(ctx, "the server is back: pages live after", what, "≤ 2 s", slowest <= BACK_WITHIN_MS);

    browser.must(&json!({ "do": "build", "build": "next" }))?;
    killed(ctx, gym, &mut browser, 1, outcome)?;
    let said = browser.ask(&json!({ "do": "update" }))?;
    outcome.must("another build: said, and not taken in a class", ok(&said), "true", ok(&said));

    let kept = browser.ask(&json!({ "do": "kept" }))?;
    outcome.must("samples that the phone could not send", &kept["rows"], "the newest beat", ok(&kept));
    let errors = browser.ask(&json!({ "do": "errors" }))?;
    outcome.must("errors of the pages", &errors["errors"], "none", ok(&errors));
    outcome.figure(format!("live {slowest} ms after the server, nothing old shown as live"));
    browser.close()
}

/// `kill -9`, some seconds of nothing, a new server at the same address. How long the pages took from then on.
fn killed(ctx: &Ctx, gym: &mut Gym, browser: &mut Browser, seconds: u32, outcome: &mut Outcome) -> Result<u64> {
    gym.server.kill()?;
    let away = browser.ask(&json!({ "do": "away", "within_ms": 5_000 }))?;
    outcome.must("server killed: pages say so after", ms(&away), "≤ 5 s", ok(&away));
    let seen = browser.ask(&json!({ "do": "honest", "seconds": seconds + 4 }))?;
    honest("server killed", &seen, outcome);
    let (data, listen) = (gym.folder.path().join("data"), gym.server.address.to_string());
    gym.server = Server::start_at(ctx, &data, &listen, &["--token-life-s", "604800"])?;
    gym.server.ready(READY_WITHIN)?;
    let back = browser.ask(&json!({ "do": "live", "within_ms": BACK_WAITED_MS }))?;
    outcome.must("server back: live again", &back["value"], "both pages", ok(&back));
    Ok(back["ms"].as_u64().unwrap_or(u64::MAX))
}

fn honest(what: &str, seen: &Value, outcome: &mut Outcome) {
    let figure = format!(
        "phone {} ms ({} looks at an old one), wall {} ms",
        seen["hero_live_age_ms"], seen["hero_old"], seen["wall_frozen_ms"]
    );
    outcome.must(&format!("{what}: oldest number shown as live"), figure, "≤ 3 s", ok(seen));
}

fn ms(step: &Value) -> String {
    format!("{} ms", step["ms"])
}
