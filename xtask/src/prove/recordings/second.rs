//! The second class: pauses, several segments, a strap and a watch a rider; judged by the separate fold of what the server has stored.

use super::super::gym::Gym;
use super::super::{Ctx, Outcome};
use super::fold::{Course, Stored, Sums, fold};
use super::golden_profile;
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::faults::Faults;
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Ridden, Rider, RiderOptions, Stage, Worn, source_of};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Step, Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{MemberSummary, PlanAction, Segment, SegmentKind, Sensor, SourceKind};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const RIDERS: usize = 6;
const HR_MAX_TENTHS: i64 = 1_900;

/// Moves of the plan by class time after its start; it is paused twice, prolonged, repeated and skipped.
const STEPS: &[(i64, PlanAction)] = &[
    (100_000, PlanAction::Pause),
    (140_000, PlanAction::Resume),
    (200_000, PlanAction::Next),
    (240_000, PlanAction::Adjust { by_s: 15 }),
    (300_000, PlanAction::Repeat),
    (360_000, PlanAction::Pause),
    (380_000, PlanAction::Resume),
    (460_000, PlanAction::Skip),
];

/// What the second class left.
pub struct Second {
    found: Vec<(String, Vec<String>)>,
    samples: usize,
}

#[derive(Deserialize)]
struct Row {
    source: u64,
    seq: u32,
    at: i64,
    bpm: u16,
}

pub async fn ride(ctx: &Ctx, gym: &Gym, trainer: &Trainer, accounts: &[Account]) -> Result<Second> {
    let server = gym.address()?;
    let segment = |kind, duration_s| Segment { kind, duration_s, target: None, cue: None };
    let plan = vec![
        segment(SegmentKind::Warmup, 150),
        segment(SegmentKind::Work, 120),
        segment(SegmentKind::Recover, 60),
        segment(SegmentKind::Work, 120),
        segment(SegmentKind::Cooldown, 60),
    ];
    let class = trainer.create(&class_now(&trainer.client, "Second", RIDERS, plan)).await?;
    trainer.lobby(class).await?;
    let people = shipped_people();
    let tally = Arc::new(Tally::default());
    let mut riders = Vec::new();
    for (account, number) in accounts.iter().zip(0_u64..) {
        let seed = ctx.seed + 1_000 + number;
        let person = people[(ctx.seed + number * 7) as usize % people.len()].clone();
        let other = people[(ctx.seed + number * 7 + 3) as usize % people.len()].clone();
        let mut options = RiderOptions::new(&server, account, class, person.clone(), seed);
        let sensor = |number, kind| Sensor { source: source_of(seed, number), kind };
        options.worn = vec![
            Worn { sensor: sensor(0, SourceKind::Strap), track: person, from_ms: 0 },
            Worn { sensor: sensor(1, SourceKind::Watch), track: other, from_ms: 0 },
        ];
        options.profile = Some(golden_profile(None));
        options.faults = Faults { lose: 0.2, double: 0.1, disorder_ms: 8_000, ..Faults::default() };
        // The strap is silent for a while: the watch stands in.
        let (from, to) = (120_000 + 10_000 * number as u32, 150_000 + 14_000 * number as u32);
        options.faults.silent_ms.push(from..to);
        (options.begin, options.end, options.summary, options.board) = (Begin::AtOnce, End::Again, true, false);
        let mut rider = Rider::start(options, tally.clone());
        rider.reached(Stage::Riding).await?;
        riders.push(rider);
    }
    let steps: Vec<Step> =
        STEPS.iter().map(|(after_ms, action)| Step { after_ms: *after_ms, action: *action }).collect();
    trainer.drive(class, &steps).await?;
    let mut ridden = Vec::new();
    for rider in riders {
        ridden.push(rider.ridden().await?);
    }
    judge(gym, class, ridden).await
}

async fn judge(gym: &Gym, class: ClassId, ridden: Vec<Ridden>) -> Result<Second> {
    let server = gym.address()?;
    let token = gym.accounts.trainer()?.token(&server).await?;
    let text = server.text_as(&format!("/v1/classes/{class}/samples"), Some(&token)).await?;
    let rows: Vec<Row> = text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let changes = server.text_as(&format!("/v1/classes/{class}/changes"), Some(&token)).await?;
    let changes: Vec<serde_json::Value> =
        changes.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let live = live_stretches(&changes)?;
    let ends = live.last().ok_or("the plan was not run")?.1;
    let joined: BTreeMap<u64, i64> = changes.iter().filter_map(joined).collect();
    let mut found = Vec::new();
    for rider in ridden {
        let summary = rider.summary.ok_or("a rider without a summary")?;
        let sensors: Vec<u64> = rider.sources.iter().map(|(source, ..)| source.get()).collect();
        let own = rows.iter().filter_map(|row| {
            let sensor = sensors.iter().position(|source| *source == row.source)?;
            (row.bpm > 0).then_some(Stored { at: row.at, sensor, seq: row.seq, bpm: row.bpm })
        });
        let own: Vec<Stored> = own.collect();
        let from = *joined.get(&u64::from(rider.slot)).ok_or("a rider who never joined")?;
        let sums = fold(&own, &Course { live: live.clone(), present: (from, ends) }, HR_MAX_TENTHS);
        found.push((format!("second class, rider {}", rider.slot + 1), differences(&sums, &summary)));
    }
    Ok(Second { found, samples: rows.len() })
}

fn joined(change: &serde_json::Value) -> Option<(u64, i64)> {
    let joined = change["what"].get("Joined")?;
    Some((joined["slot"].as_u64()?, change["at"].as_i64()?))
}

/// When the plan ran, from its start, pauses and end as the server has stored them.
fn live_stretches(changes: &[serde_json::Value]) -> Result<Vec<(i64, i64)>> {
    let mut stretches = Vec::new();
    let mut since = None;
    for change in changes {
        let what = &change["what"];
        let at = what["Moved"]["at"].as_i64().or(change["at"].as_i64()).ok_or("a change without its time")?;
        let action = what["Moved"]["action"]["t"].as_str().unwrap_or_default();
        let ends = what.as_str() == Some("Cooled");
        match action {
            "start" | "resume" => since = Some(at),
            "pause" => stretches.extend(since.take().map(|from| (from, at))),
            _ if ends => stretches.extend(since.take().map(|from| (from, at))),
            _ => {}
        }
    }
    Ok(stretches)
}

fn differences(sums: &Sums, summary: &MemberSummary) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, found: Option<f64>, expected: f64| {
        let found = found.unwrap_or(f64::NAN);
        // Not a number is not near.
        let near = (found - expected).abs() < 1e-3;
        if !near {
            wrong.push(format!("{what} {found:.3}, not {expected:.3}"));
        }
    };
    compare("seconds", Some(summary.hr_seconds), sums.hr_ms as f64 / 1e3);
    for zone in 0..6 {
        compare(&format!("zone {zone}"), summary.zone_s.map(|zones| zones[zone]), sums.zone_ms[zone] as f64 / 1e3);
    }
    compare("points", summary.meps, sums.points as f64 / 6e4);
    compare("splat minutes", summary.splat_minutes, sums.splat_ms as f64 / 6e4);
    let strap = summary.provenance.sources.iter().find(|(sensor, _)| sensor.kind == SourceKind::Strap);
    compare("seconds of the strap", strap.map(|(_, seconds)| *seconds).or(Some(0.0)), sums.strap_ms as f64 / 1e3);
    wrong
}

impl Second {
    pub fn judge(self, outcome: &mut Outcome) {
        outcome.fact("stored samples of the second class", self.samples);
        for (who, wrong) in self.found {
            let found = if wrong.is_empty() { "equal".to_owned() } else { wrong.join("; ") };
            outcome.must(&who, found, "equal to a separate fold", wrong.is_empty());
        }
    }
}
