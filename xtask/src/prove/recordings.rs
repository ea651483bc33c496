//! Proof `recordings`: every shipped recording, ridden through a real socket with loss, doubles, disorder and late samples, ends with
//! the figures of an independent program. A second class with pauses, segments and two sensors a rider equals a separate fold.

pub mod fold;
mod second;

use super::gym::Gym;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::faults::Faults;
use fitconnect_loadtest::people::Person;
use fitconnect_loadtest::rider::{Begin, End, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{MemberSummary, PlanAction, Segment, SegmentKind};
use fitconnect_protocol::user::{HrMaxSource, Profile, Sex};
use fitconnect_recording::{read, shipped};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Those that the short form rides.
const SHORT: [&str; 2] = ["ride_5laps_pause_edge1000.fit", "rowing_short_fr935.fit"];
/// The last quarter is sent in cooling, but no more than this.
const HELD_BACK_MS_MAX: u32 = 15 * 60 * 1_000;
/// A device's own power figures are compared on rides longer than this.
const POWER_FROM_S: f64 = 600.0;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let names: Vec<&str> = if ctx.quick { SHORT.to_vec() } else { shipped::names().to_vec() };
    let gym = Gym::open(
        ctx,
        "recordings",
        names.len() + second::RIDERS,
        1,
        &["--clock-rate", "20", "--token-life-s", "604800"],
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(ride_all(ctx, &gym, &names, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

async fn ride_all(ctx: &Ctx, gym: &Gym, names: &[&str], outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let accounts = gym.accounts.members(names.len() + second::RIDERS)?;
    let (first, rest) = accounts.split_at(names.len());
    let tally = Arc::new(Tally::default());
    let mut riders = Vec::new();
    for ((name, account), number) in names.iter().zip(first).zip(0..) {
        riders.push((*name, start(gym, &trainer, account, name, ctx.seed + number, tally.clone()).await?));
    }
    let second = second::ride(ctx, gym, &trainer, rest).await?;
    let golden: Value = serde_json::from_str(shipped::golden())?;
    let mut exact = 0;
    for (name, rider) in riders {
        let ridden = rider.ridden().await.map_err(|error| format!("{name}: {error}"))?;
        let summary = ridden.summary.ok_or_else(|| format!("{name}: no summary"))?;
        let wrong = differences(&golden[name], &summary);
        exact += usize::from(wrong.is_empty());
        let found = if wrong.is_empty() { "equal".to_owned() } else { wrong.join("; ") };
        outcome.must(name, found, "equal to golden", wrong.is_empty());
    }
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    outcome.fact("samples sent the first time", count(&tally.samples));
    outcome.fact("sent again", count(&tally.resent));
    outcome.fact("frames lost on purpose", count(&tally.frames_lost));
    outcome.fact("frames doubled on purpose", count(&tally.frames_doubled));
    second.judge(outcome);
    outcome.figure(format!("{exact} of {} recordings exact", names.len()));
    Ok(())
}

/// A class of its own for one recording: one work segment longer than it, golden profile.
async fn start(
    gym: &Gym,
    trainer: &Trainer,
    account: &Account,
    name: &str,
    seed: u64,
    tally: Arc<Tally>,
) -> Result<Rider> {
    let bytes = shipped::bytes(name).ok_or_else(|| format!("{name} does not ship"))?;
    let recording = read(bytes)?;
    let track = Arc::new(Person::whole(name, &recording));
    let seconds = track.length_ms / 1_000 + 120;
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: seconds, target: None, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, name, 1, plan)).await?;
    trainer.lobby(class).await?;
    let held_back_ms = (track.length_ms / 4).min(HELD_BACK_MS_MAX);
    let mut options = RiderOptions::new(&gym.address()?, account, class, track.clone(), seed);
    options.profile = Some(golden_profile(recording.ftp_w));
    options.faults = Faults {
        lose: 0.3,
        double: 0.1,
        disorder_ms: 10_000,
        hold_back_from_ms: Some(track.length_ms - held_back_ms),
        ..Faults::default()
    };
    (options.begin, options.end, options.summary, options.board) = (Begin::WithPlan, End::Leave, true, false);
    let mut rider = Rider::start(options, tally);
    rider.reached(Stage::Joined).await?;
    trainer.plan(class, PlanAction::Start).await?;
    Ok(rider)
}

/// Male, 40 years, 80 kg, rest 60, maximum 190; FTP 250 where the file has none.
pub fn golden_profile(ftp_w: Option<u16>) -> Profile {
    let year = 1970 + fitconnect_loadtest::now::unix_us() / 1_000_000 / 31_556_952;
    Profile {
        sex: Some(Sex::Male),
        born: Some(format!("{}-01-01", year - 40)),
        weight_kg: Some(80.0),
        hr_rest: Some(60),
        hr_max: Some(190.0),
        hr_max_source: Some(HrMaxSource::Entered),
        hr_max_approved: false,
        ftp_w: Some(ftp_w.unwrap_or(250)),
        zones_off: false,
    }
}

/// What differs from the golden figures by more than 0.001, or by more than the device's own error for power.
fn differences(golden: &Value, summary: &MemberSummary) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, found: Option<f64>, expected: &Value, tolerance: f64| {
        let Some(expected) = expected.as_f64() else { return };
        let found = found.unwrap_or(f64::NAN);
        // Not a number is not near.
        let near = (found - expected).abs() <= tolerance;
        if !near {
            wrong.push(format!("{what} {found:.3}, not {expected:.3}"));
        }
    };
    compare("records", Some(f64::from(summary.records)), &golden["records"], 0.0);
    compare("seconds", Some(summary.hr_seconds), &golden["hr_seconds"], 1e-3);
    compare("mean", Some(summary.hr_avg), &golden["hr_avg"], 6e-3);
    compare("highest", Some(f64::from(summary.hr_max)), &golden["hr_max"], 0.0);
    for zone in 0..6 {
        compare(&format!("zone {zone}"), summary.zone_s.map(|zones| zones[zone]), &golden["mz_zone_s"][zone], 1e-3);
    }
    compare("points", summary.meps, &golden["meps"], 1e-3);
    compare("splat minutes", summary.splat_minutes, &golden["splat_minutes"], 1e-3);
    compare("Edwards", summary.edwards, &golden["edwards"], 1e-3);
    compare("Banister", summary.banister, &golden["banister_male"], 1e-3);
    compare("Keytel", summary.keytel_kcal, &golden["keytel_kcal"], 6e-3);
    let long = golden["elapsed_s"].as_f64().is_some_and(|seconds| seconds > POWER_FROM_S);
    let power = &golden["power"];
    if long && power.is_object() {
        let found = summary.power.as_ref();
        compare("NP", found.map(|power| power.np_strict30), &power["device_np"], 1.0);
        let tss = power["device_tss"].as_f64().unwrap_or_default();
        compare("TSS", found.and_then(|power| power.tss), &power["device_tss"], 0.03 * tss);
    }
    wrong
}
