//! A class at twenty times the speed of life, in which everything happens that the list is for; it is answered on the page.

use super::super::browser::Browser;
use super::super::browser::ok;
use super::super::gym::Gym;
use super::super::recordings::golden_profile;
use super::super::{Ctx, Outcome};
use super::{film, said, slot};
use crate::Result;
use crate::demo::people;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Order, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{ClassCommand, PlanAction, Segment, SegmentKind, Target};
use fitconnect_protocol::user::{Consent, Role, ShowAs};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

const RIDERS: usize = 8;
/// One who wears another's strap: far slower, so that it can be seen whose points are whose.
const SLOW: usize = 7;
const SLOW_BPM: u16 = 100;
/// One with a phone, to whom the trainer whispers.
const WHISPERED: usize = 6;
const EASED_BPM: u16 = 130;
/// In the target, which is 70–80 % of 190.
const CALM_BPM: u16 = 140;
/// Half a way from the maximum, and longer than the 20 s of class time within which a fall counts.
const BETWEEN_BPM: u16 = 165;
const STEP: Duration = Duration::from_millis(1_500);
/// A minute of class time, so that everybody has a heart rate to fall from.
const SETTLED: Duration = Duration::from_secs(3);
/// What the first five riders do, and what the list makes of it, the least urgent first.
const CAUSES: [(&str, u8, usize, Order); 4] = [
    ("sensor_lost", 5, 4, Order::Silent(true)),
    ("high", 4, 3, Order::Measure(Some(182))),
    ("over_max", 3, 2, Order::Measure(Some(196))),
    ("fell", 2, 1, Order::Measure(Some(95))),
];

pub fn run(ctx: &Ctx, runtime: &Runtime, outcome: &mut Outcome) -> Result<()> {
    let profiles = people::profiles(&shipped_people(), RIDERS, ctx.seed);
    let gym = Gym::of(ctx, "desk-list", &profiles, &["--clock-rate", "20", "--token-life-s", "604800"])?;
    let ran = runtime.block_on(answer(ctx, &gym, outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()).into())
}

async fn answer(ctx: &Ctx, gym: &Gym, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let target = Some(Target::Percent { lo: 70, hi: 80 });
    // Without a target at first: who is far above it is out of it as well.
    let segment = |target| Segment { kind: SegmentKind::Work, duration_s: 3 * 3_600, target, cue: None };
    let plan = vec![segment(None), segment(target)];
    let class = trainer.create(&class_now(&trainer.client, "Script", RIDERS, plan)).await?;
    trainer.lobby(class).await?;
    let riders = calm(ctx, gym, class).await?;
    trainer.act(class, ClassCommand::Drive { on: true }).await?;
    riders[SLOW].order(Order::Measure(Some(SLOW_BPM))).await;
    trainer.plan(class, PlanAction::Start).await?;
    let staff = gym.accounts.trainer()?;
    let phone = gym.accounts.members(RIDERS)?[WHISPERED].email.clone().ok_or("a member without an e-mail")?;
    let mut browser = Browser::open("desk.mjs", &gym.server.url(), staff, &class.to_string(), &["--member", &phone])?;
    browser.must(&json!({ "do": "open" }))?;
    tokio::time::sleep(SETTLED).await;

    // Nobody answers until all five are there: each more urgent one comes to stand above the others.
    for (kind, rank, rider, order) in CAUSES {
        riders[rider].order(order).await;
        raised(&mut browser, outcome, kind, rank)?;
    }
    riders[0].order(Order::Sos(true)).await;
    raised(&mut browser, outcome, "sos", 1)?;
    let list = browser.ask(&json!({ "do": "list" }))?;
    let ranks: Vec<u64> =
        list["rows"].as_array().into_iter().flatten().filter_map(|row| row["rank"].as_u64()).collect();
    outcome.must("all at once, from the top", format!("{ranks:?}"), "[1, 2, 3, 4, 5]", ranks == [1, 2, 3, 4, 5]);
    let other = gym.accounts.staff.iter().find(|each| each.role == Role::Trainer && each.email != staff.email);
    let email = other.and_then(|account| account.email.clone()).ok_or("a gym with one trainer")?;
    let second = browser.ask(&json!({ "do": "escalated", "kind": "sos", "email": email }))?;
    outcome.must(
        "nobody answers a call for help: the second trainer's desk",
        said(&second, "spoken"),
        "says so",
        ok(&second),
    );
    browser.must(&json!({ "do": "shots", "name": "desk-list" }))?;

    for kind in ["sos", "fell", "over_max", "high", "sensor_lost"] {
        answered(&mut browser, outcome, kind)?;
    }
    for rider in &riders[..5] {
        settle(rider).await;
    }
    for kind in ["sos", "fell", "over_max", "high", "sensor_lost"] {
        cleared(&mut browser, outcome, kind)?;
    }
    film::look_back(gym, class, &mut browser, &riders, outcome).await?;
    whispered(&mut browser, outcome, &riders[WHISPERED]).await?;
    let swapped = browser.ask(&json!({ "do": "swap", "a": slot(&riders[5])?, "b": slot(&riders[SLOW])? }))?;
    let points = format!(
        "{} and {}, then {} and {}",
        swapped["before"][0], swapped["before"][1], swapped["after"][0], swapped["after"][1]
    );
    outcome.must("straps swapped from the start of class: points", points, "change places", ok(&swapped));
    riders[SLOW].order(Order::Measure(Some(CALM_BPM))).await;
    trainer.plan(class, PlanAction::Next).await?;
    riders[5].order(Order::Measure(Some(165))).await;
    raised(&mut browser, outcome, "out_of_target", 6)?;
    answered(&mut browser, outcome, "out_of_target")?;
    settle(&riders[5]).await;
    cleared(&mut browser, outcome, "out_of_target")?;
    trainer.act(class, ClassCommand::Abort { reason: "Fire drill".into() }).await?;
    film::replay(&mut browser, outcome)?;
    browser.close()
}

async fn calm(ctx: &Ctx, gym: &Gym, class: ClassId) -> Result<Vec<Rider>> {
    let server = gym.address()?;
    let people = shipped_people();
    let mut riders = Vec::new();
    for (account, number) in gym.accounts.members(RIDERS)?.iter().zip(0_u64..) {
        let mut options = RiderOptions::new(&server, account, class, people[0].clone(), ctx.seed + 9_000 + number);
        options.profile = Some(golden_profile(None));
        options.consent = Some(Consent { share_with_trainer: true, show_on_board: ShowAs::Name, ..Consent::default() });
        (options.begin, options.end, options.board) = (Begin::WithPlan, End::Again, false);
        let mut rider = Rider::start(options, Arc::new(Tally::default()));
        rider.reached(Stage::Joined).await?;
        rider.order(Order::Measure(Some(CALM_BPM))).await;
        riders.push(rider);
    }
    Ok(riders)
}

/// Words to one person: sent, shown on the phone, acted upon by the heart.
async fn whispered(browser: &mut Browser, outcome: &mut Outcome, rider: &Rider) -> Result<()> {
    browser.must(&json!({ "do": "whisper", "slot": slot(rider)? }))?;
    let shown = browser.ask(&json!({ "do": "shown" }))?;
    outcome.must("a whisper is shown on the phone, and the desk says so", said(&shown, "words"), "shown", ok(&shown));
    rider.order(Order::Measure(Some(EASED_BPM))).await;
    let acted = browser.ask(&json!({ "do": "acted" }))?;
    outcome.must("the heart falls, and the desk says that it worked", ok(&acted), "true", ok(&acted));
    Ok(())
}

async fn settle(rider: &Rider) {
    rider.order(Order::Sos(false)).await;
    rider.order(Order::Silent(false)).await;
    // Down in two steps: a fall would be a line of its own.
    rider.order(Order::Measure(Some(BETWEEN_BPM))).await;
    tokio::time::sleep(STEP).await;
    rider.order(Order::Measure(Some(CALM_BPM))).await;
}

fn raised(browser: &mut Browser, outcome: &mut Outcome, kind: &str, rank: u8) -> Result<()> {
    let step = browser.ask(&json!({ "do": "raised", "kind": kind }))?;
    let right = ok(&step) && step["rank"] == rank;
    outcome.must(&format!("{kind} is raised and ranked"), said(&step, "rank"), &rank.to_string(), right);
    Ok(())
}

fn answered(browser: &mut Browser, outcome: &mut Outcome, kind: &str) -> Result<()> {
    let step = browser.ask(&json!({ "do": "acknowledge", "kind": kind }))?;
    outcome.must(&format!("{kind} is acknowledged and stands below"), ok(&step), "true", ok(&step));
    Ok(())
}

fn cleared(browser: &mut Browser, outcome: &mut Outcome, kind: &str) -> Result<()> {
    let step = browser.ask(&json!({ "do": "cleared", "kind": kind }))?;
    outcome.must(&format!("{kind} clears when its cause is gone"), ok(&step), "true", ok(&step));
    Ok(())
}
