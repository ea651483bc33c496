//! Proof `wall`: the hall's screen in a real browser. It moves, says when a sensor is lost and for how long, follows the trainer,
//! shows nobody more than they consent to, in Russian and in English, with 40 and with 200 people.

use super::browser::{self, Browser, join, ok};
use super::gym::Gym;
use super::{Ctx, Outcome};
use crate::Result;
use crate::demo::people;
use fitconnect_loadtest::client::{Client, Options};
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Order, Rider, RiderOptions, Stage, phase_of};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind, Target};
use fitconnect_protocol::user::{Consent, ShowAs, UserCommand};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The screen shows a move of the plan this soon after it took effect.
const FOLLOWS_WITHIN_MS: f64 = 100.0;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let mut outcome = Outcome::new();
    for people in if ctx.quick { vec![40] } else { vec![40, 200] } {
        one_size(ctx, people, &mut outcome).map_err(|error| format!("with {people} people: {error}"))?;
    }
    outcome.figure("the wall moves, follows and obeys");
    Ok(outcome)
}

fn one_size(ctx: &Ctx, count: usize, outcome: &mut Outcome) -> Result<()> {
    let cast = shipped_people();
    let profiles = people::profiles(&cast, count, ctx.seed);
    let gym = Gym::of(ctx, "wall", &profiles, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ran = runtime.block_on(watch(ctx, &gym, count, outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()).into())
}

async fn watch(ctx: &Ctx, gym: &Gym, count: usize, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let segment = |kind, target| Segment { kind, duration_s: 600, target, cue: None };
    let percent = |lo, hi| Some(Target::Percent { lo, hi });
    let plan = vec![
        segment(SegmentKind::Warmup, percent(50, 70)),
        segment(SegmentKind::Work, percent(75, 85)),
        segment(SegmentKind::Recover, percent(50, 70)),
        segment(SegmentKind::Work, percent(80, 90)),
    ];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", count, plan)).await?;
    trainer.lobby(class).await?;
    let riders = ride(ctx, gym, class, count).await?;
    trainer.plan(class, PlanAction::Start).await?;

    let staff = gym.accounts.trainer()?;
    let mut browser = Browser::open("wall.mjs", &gym.server.url(), staff, &class.to_string(), &[])?;
    let named = |what: &str| format!("{count} people: {what}");
    let step = browser.said("open")?;
    outcome.fact(&named("page opened, ms"), &step["ms"]);
    let step = browser.ask(&json!({ "do": "moving", "at_least": count.min(10), "within_ms": 2_000 }))?;
    outcome.must(&named("tiles that moved within 2 s of the opening"), &step["changed"], "10", ok(&step));
    // A heart may stand still for some seconds. A painted wall turns its pages of 50 every 12 s.
    let (all, within_ms) = if count <= 60 { (count, 20_000) } else { (45, 10_000) };
    let step = browser.ask(&json!({ "do": "moving", "at_least": all, "within_ms": within_ms }))?;
    let promised = format!("{all} of {}", step["tiles"]);
    outcome.must(&named("… and soon after"), &step["changed"], &promised, ok(&step));

    // Slot 0 consents to everything, slot 7 to nothing.
    let silent = riders[0].status.borrow().slot.ok_or("a rider without a place")?;
    riders[0].order(Order::Silent(true)).await;
    let step = browser.ask(&json!({ "do": "lost", "slot": silent, "within_ms": 20_000 }))?;
    outcome.must(&named("a lost sensor"), &step["tile"]["age"], "said, with its age", ok(&step));
    riders[0].order(Order::Silent(false)).await;
    let step = browser.ask(&json!({ "do": "live", "slot": silent, "within_ms": 10_000 }))?;
    outcome.must(&named("found again"), ok(&step), "true", ok(&step));
    let alias = riders[7].status.borrow().slot.ok_or("a rider without a place")?;
    let name = gym.accounts.members(8)?[7].name.clone().unwrap_or_default();
    let step = browser.ask(&json!({ "do": "alias", "slot": alias, "not": name, "within_ms": 1_000 }))?;
    outcome.must(
        &named("one who has consented to nothing"),
        &step["tile"]["name"],
        "an alias without heart rate",
        ok(&step),
    );
    withdraw(gym, &mut browser, &riders, outcome, &named).await?;
    follow(ctx, &trainer, class, &mut browser, outcome, &named).await?;
    looks(ctx, count, &mut browser, outcome, &named)
}

pub(super) async fn ride(ctx: &Ctx, gym: &Gym, class: ClassId, count: usize) -> Result<Vec<Rider>> {
    let server = gym.address()?;
    let cast = shipped_people();
    let mut riders = Vec::new();
    for (account, number) in gym.accounts.members(count)?.iter().zip(0..) {
        let role = people::casting(&cast, number, ctx.seed);
        let seed = ctx.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let mut options = RiderOptions::new(&server, account, class, role.track.clone(), seed);
        options.seat =
            Some(format!("{}{}", ["A", "B", "C", "D", "E"][number / 8 % 5], number % 8 + 1 + number / 40 * 8));
        (options.begin, options.end, options.board) = (Begin::AtOnce, End::Again, false);
        options.phase_ms = phase_of(seed);
        riders.push(Rider::start(options, Arc::new(Tally::default())));
    }
    for rider in &mut riders {
        rider.reached(Stage::Riding).await?;
    }
    Ok(riders)
}

/// Somebody takes the consent back while everybody looks.
async fn withdraw(
    gym: &Gym,
    browser: &mut Browser,
    riders: &[Rider],
    outcome: &mut Outcome,
    named: &impl Fn(&str) -> String,
) -> Result<()> {
    let server = gym.address()?;
    let account = &gym.accounts.members(2)?[1];
    let name = account.name.clone().unwrap_or_default();
    let slot = riders[1].status.borrow().slot.ok_or("a rider without a place")?;
    let (client, _pushes) = Client::connect(Options::new(&server, account.token(&server).await?)).await?;
    // The page that this person is on, where there are several, before it is measured how long the rest takes.
    let step = browser.ask(&json!({ "do": "live", "slot": slot, "within_ms": 10_000 }))?;
    outcome.must(&named("one who has consented"), &step["tile"]["name"], "a tile with a heart rate", ok(&step));
    client.user(UserCommand::Consent { consent: Consent::default() }).await?;
    let step = browser.ask(&json!({ "do": "alias", "slot": slot, "not": name, "within_ms": 1_000 }))?;
    outcome.must(&named("consent withdrawn, seen after"), format!("{} ms", step["ms"]), "≤ 1 s", ok(&step));
    let consent = Consent { show_on_board: ShowAs::Hidden, ..Consent::default() };
    client.user(UserCommand::Consent { consent }).await?;
    let step = browser.ask(&json!({ "do": "gone", "slot": slot, "within_ms": 1_000 }))?;
    outcome.must(&named("hidden, gone after"), format!("{} ms", step["ms"]), "≤ 1 s", ok(&step));
    Ok(())
}

/// The trainer moves the plan; the screen says when it was painted, on the server's clock.
async fn follow(
    ctx: &Ctx,
    trainer: &Trainer,
    class: ClassId,
    browser: &mut Browser,
    outcome: &mut Outcome,
    named: &impl Fn(&str) -> String,
) -> Result<()> {
    trainer.client.measure_clock().await?;
    let mut slowest: f64 = 0.0;
    browser.forget("plan");
    for _ in 0..2 {
        let (_, at) = trainer.plan(class, PlanAction::Next).await?;
        let seen = browser.said("plan")?;
        let painted = seen["painted_ms"]
            .as_f64()
            .or(seen["server_ms"].as_f64())
            .ok_or("a change of the plan without its time")?;
        // The class's clock runs at the wall's rate here, from the same zero.
        slowest = slowest.max((painted - at as f64).abs());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    outcome.speed(
        ctx,
        &named("a move of the plan, painted after"),
        format!("{slowest:.0} ms"),
        "≤ 100 ms",
        slowest <= FOLLOWS_WITHIN_MS,
    );
    Ok(())
}

/// Pictures, accessibility and overlaps in both languages.
fn looks(
    ctx: &Ctx,
    count: usize,
    browser: &mut Browser,
    outcome: &mut Outcome,
    named: &impl Fn(&str) -> String,
) -> Result<()> {
    let step = browser.ask(&json!({ "do": "shots", "name": count.to_string(), "langs": ["ru", "en"] }))?;
    outcome.fact(&named("pictures"), join(&step["files"]));
    let step = browser.ask(&json!({ "do": "axe" }))?;
    outcome.must(&named("axe violations"), join(&step["problems"]), "none", ok(&step));
    let widths = if ctx.quick { json!([320, 1920]) } else { json!([320, 390, 768, 1280, 1920, 3840]) };
    let langs = json!(["ru", "en", "pseudo"]);
    let step = browser.ask(&json!({ "do": "overlap", "langs": langs, "widths": widths }))?;
    outcome.must(&named("overlapping texts"), join(&step["problems"]), "none", ok(&step));
    let step = browser.ask(&json!({ "do": "modes", "langs": langs, "widths": widths }))?;
    outcome.must(
        &named("ranking, target, timer, welcome: violations and overlaps"),
        join(&step["problems"]),
        "none",
        ok(&step),
    );
    let step = browser.ask(&json!({ "do": "errors" }))?;
    outcome.must(&named("errors of the page"), join(&step["errors"]), "none", ok(&step));
    browser.close()
}
