//! Proof `everyone`: the member's pages and the trainer's desk in three languages, two or three themes and six widths without a violation
//! or an overlap; each main task by keyboard alone; colour visions, forced colours, less motion and text of twice the size.

use super::browser::{self, Browser, ok};
use super::gym::Gym;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind, Target};
use fitconnect_recording::shipped;
use serde_json::{Value, json};

/// A short ride with laps: quickly read, and with everything that a summary shows.
const FILE: &str = "indoor_ride_intervals_rr_edge530.fit";

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let gym = Gym::open(ctx, "everyone", 4, 1, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(look(ctx, &gym, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

async fn look(ctx: &Ctx, gym: &Gym, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let segment = |kind, lo, hi| Segment { kind, duration_s: 600, target: Some(Target::Percent { lo, hi }), cue: None };
    let plan = vec![segment(SegmentKind::Warmup, 50, 70), segment(SegmentKind::Work, 75, 85)];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", 20, plan)).await?;
    trainer.lobby(class).await?;
    trainer.plan(class, PlanAction::Start).await?;

    let file = gym.folder.path().join(FILE);
    std::fs::write(&file, shipped::bytes(FILE).ok_or("the ride does not ship")?)?;
    let file = file.display().to_string();
    let member = &gym.accounts.members(1)?[0];
    let mut browser = Browser::open("everyone.mjs", &gym.server.url(), member, &class.to_string(), &["--file", &file])?;
    let keyboard = browser.ask(&json!({ "do": "keyboard" }))?;
    outcome.must("main tasks by keyboard alone", said(&keyboard), "all", ok(&keyboard));

    let places = if ctx.quick {
        json!({ "do": "places", "langs": ["ru", "en"], "themes": ["light"], "widths": [320, 390] })
    } else {
        json!({ "do": "places" })
    };
    let places = browser.ask(&places)?;
    outcome.fact("looks (place × language × theme × width)", &places["looks"]);
    outcome.must("axe violations and overlaps", said(&places), "none", ok(&places));
    let staff = gym.accounts.trainer()?;
    let staffs = |step: &str| {
        let mut command = json!({ "do": step, "email": staff.email, "password": staff.password });
        if ctx.quick {
            command["langs"] = json!(["ru", "en"]);
            command["themes"] = json!(["light"]);
            command["widths"] = json!([390, 1280]);
        }
        command
    };
    let desk = browser.ask(&staffs("desk"))?;
    outcome.fact("looks at the trainer's desk", &desk["looks"]);
    outcome.must("the desk by keyboard, axe violations and overlaps", said(&desk), "none", ok(&desk));
    let screens = browser.ask(&staffs("screens"))?;
    outcome.fact("looks at a screen's pairing", &screens["looks"]);
    outcome.must(
        "a screen let in and put out by keyboard, axe violations and overlaps",
        said(&screens),
        "none",
        ok(&screens),
    );
    for (step, what) in [
        ("visions", "forced colours: borders stay, nothing overlaps"),
        ("motion", "elements that move where less motion is asked for"),
        ("zoom", "text of 200 %: nothing wider than its window"),
        ("errors", "errors of the pages"),
    ] {
        let seen = browser.ask(&json!({ "do": step }))?;
        outcome.must(what, said(&seen), "none", ok(&seen));
    }
    outcome.figure(format!("{} looks, no violation", count(&places) + count(&desk) + count(&screens)));
    browser.close()
}

fn count(step: &Value) -> u64 {
    step["looks"].as_u64().unwrap_or(0)
}

/// What there is to say of a step: its problems, or that there are none.
fn said(step: &Value) -> String {
    let lists = ["problems", "errors"].iter().filter_map(|list| step[list].as_array());
    let words: Vec<&str> = lists.flatten().filter_map(Value::as_str).collect();
    match step["error"].as_str() {
        Some(error) => error.to_owned(),
        None if words.is_empty() => "none".into(),
        None => words.join("; "),
    }
}
