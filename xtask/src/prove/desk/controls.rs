//! A class at the speed of life: each control is pressed on the desk, and every page says when it painted what came of it.

use super::super::browser::Browser;
use super::super::browser::ok;
use super::super::gym::Gym;
use super::super::{Ctx, Outcome};
use super::{said, strap};
use crate::Result;
use crate::demo::people;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{Segment, SegmentKind, Target};
use fitconnect_protocol::user::Role;
use serde_json::json;
use std::sync::Arc;
use tokio::runtime::Runtime;

const RIDERS: usize = 40;
/// Between the first screen and the last that shows the same.
const APART_MS: f64 = 100.0;
/// A desk that is opened anew shows the class.
const REOPENED_MS: u64 = 5_000;

/// What is pressed, in this order, and by what the pages show it.
const CONTROLS: [(&str, &[&str]); 10] = [
    ("start", &["phase"]),
    ("more", &["clock"]),
    ("less", &["clock"]),
    ("pause", &["phase"]),
    ("resume", &["phase"]),
    ("next", &["run"]),
    ("repeat", &["count"]),
    ("skip", &["count"]),
    ("back", &["run"]),
    // The phone counts up where there is no end.
    ("hold", &["held", "clock"]),
];

/// The largest distance between two screens, ms.
pub fn run(ctx: &Ctx, runtime: &Runtime, outcome: &mut Outcome) -> Result<f64> {
    // One more than ride: the member with the phone.
    let profiles = people::profiles(&shipped_people(), RIDERS + 1, ctx.seed);
    let gym = Gym::of(ctx, "desk", &profiles, &["--token-life-s", "604800"])?;
    let ran = runtime.block_on(press(ctx, &gym, outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()).into())
}

async fn press(ctx: &Ctx, gym: &Gym, outcome: &mut Outcome) -> Result<f64> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let segment = |kind, lo, hi| Segment { kind, duration_s: 600, target: Some(Target::Percent { lo, hi }), cue: None };
    let plan = vec![
        segment(SegmentKind::Warmup, 50, 70),
        segment(SegmentKind::Work, 75, 85),
        segment(SegmentKind::Recover, 50, 70),
        segment(SegmentKind::Work, 80, 90),
    ];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", RIDERS + 2, plan)).await?;
    trainer.lobby(class).await?;
    let _riders = ride(ctx, gym, class).await?;
    let members = gym.accounts.members(RIDERS + 1)?;
    let email = members[RIDERS].email.clone().ok_or("a member without an e-mail")?;
    let staff = gym.accounts.trainer()?;
    let mut browser = Browser::open("desk.mjs", &gym.server.url(), staff, &class.to_string(), &["--member", &email])?;
    let opened = browser.must(&json!({ "do": "open" }))?;
    outcome.must("people on the desk's wall", &opened["tiles"], "41", opened["tiles"] == RIDERS + 1);

    let guest = browser.ask(&json!({ "do": "guest", "name": "Walk-in" }))?;
    outcome.must("one without an account is let in", said(&guest, "tiles"), "42", guest["tiles"] == RIDERS + 2);
    strap::hand_out(&trainer, class, &mut browser, "Walk-in", outcome).await?;

    let mut worst: f64 = 0.0;
    for (name, kinds) in CONTROLS {
        let seen = browser.ask(&json!({ "do": "control", "name": name, "kinds": kinds }))?;
        worst = worst.max(judge(ctx, outcome, &format!("“{name}”: desk, hall and phone"), &seen));
    }
    let foreseen = browser.ask(&json!({ "do": "foresee", "name": "next" }))?;
    let words = foreseen["words"].as_str().unwrap_or_default();
    let came_true = foreseen["after"].as_str().is_some_and(|ends| words.contains(ends));
    let what = "“next” out of a held segment is foretold, and the plan then ends when it was said";
    outcome.must(
        what,
        words,
        "comes true",
        came_true && ok(&foreseen) && foreseen["before"].is_null() && foreseen["gone"] == true,
    );
    let undone = browser.ask(&json!({ "do": "undo" }))?;
    outcome.must("a pause taken back: pages that moved", said(&undone, "moved"), "[]", ok(&undone));

    let other = gym.accounts.staff.iter().find(|each| each.role == Role::Trainer && each.email != staff.email);
    let email = other.and_then(|account| account.email.clone()).ok_or("a gym with one trainer")?;
    let second = browser.ask(&json!({ "do": "second", "email": email }))?;
    let what = "a second trainer is locked, takes over, pauses and goes on, hands back";
    worst = worst.max(judge(ctx, outcome, what, &second));
    outcome.fact("… the first desk knew after, ms", &second["taken_ms"]);

    let crashed = browser.ask(&json!({ "do": "crash" }))?;
    worst = worst.max(judge(ctx, outcome, "the desk's tab dies before “next” takes effect: hall and phone", &crashed));
    let reopened = browser.ask(&json!({ "do": "reopen" }))?;
    outcome.must(
        "the desk is opened anew: it shows the hall's segment",
        said(&reopened, "desk"),
        "true",
        ok(&reopened),
    );
    let soon = reopened["ms"].as_u64().is_some_and(|ms| ms <= REOPENED_MS);
    outcome.speed(ctx, "… after", format!("{} ms", reopened["ms"]), "≤ 5 s", soon);

    let pictures = browser.must(&json!({ "do": "shots", "name": "desk-live" }))?;
    outcome.fact("pictures", &pictures["files"]);
    let ended = browser.ask(&json!({ "do": "control", "name": "end", "kinds": ["phase"] }))?;
    worst = worst.max(judge(ctx, outcome, "“end”, held: desk, hall and phone", &ended));
    let errors = browser.ask(&json!({ "do": "errors" }))?;
    outcome.must("errors of the pages", said(&errors, "errors"), "[]", ok(&errors));
    browser.close()?;
    Ok(worst)
}

async fn ride(ctx: &Ctx, gym: &Gym, class: ClassId) -> Result<Vec<Rider>> {
    let server = gym.address()?;
    let cast = shipped_people();
    let mut riders = Vec::new();
    for (account, number) in gym.accounts.members(RIDERS)?.iter().zip(0..) {
        let role = people::casting(&cast, number, ctx.seed);
        let seed = ctx.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
        let mut options = RiderOptions::new(&server, account, class, role.track.clone(), seed);
        (options.begin, options.end, options.board) = (Begin::AtOnce, End::Again, false);
        riders.push(Rider::start(options, Arc::new(Tally::default())));
    }
    for rider in &mut riders {
        rider.reached(Stage::Riding).await?;
    }
    Ok(riders)
}

/// Whether it was seen everywhere decides always; how far apart, at full size.
fn judge(ctx: &Ctx, outcome: &mut Outcome, what: &str, step: &serde_json::Value) -> f64 {
    let Some(apart) = step["apart_ms"].as_f64().filter(|_| ok(step)) else {
        outcome.must(what, said(step, "apart_ms"), "seen", false);
        return 0.0;
    };
    outcome.must(what, "seen", "seen", true);
    let counted = step["counted_ms"].as_f64();
    let words = counted.map_or(format!("{apart} ms"), |counted| format!("{apart} ms, the 3-2-1 {counted} ms"));
    let worst = counted.unwrap_or(0.0).max(apart);
    outcome.speed(ctx, "… apart", words, "≤ 100 ms", worst <= APART_MS);
    worst
}
