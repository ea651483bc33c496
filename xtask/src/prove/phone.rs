//! Proof `phone`: a strap that the browser's own Bluetooth stack sees sends the packets of a real ride to the member's page. The line
//! goes dead for a minute, the tab is loaded anew, the strap is lost and found. Every packet that the page received is on the server's
//! disk, once; the summary equals a separate fold of those packets, and the golden figures less the time without a strap.

mod packets;

use super::browser::{self, Browser, ok};
use super::gym::Gym;
use super::recordings::fold::{Course, Stored, Sums, fold};
use super::recordings::golden_profile;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{MemberSummary, PlanAction, Segment, SegmentKind, Target};
use fitconnect_protocol::user::{Consent, Role, ShowAs};
use fitconnect_recording::shipped;
use packets::Packet;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const HR_MAX_TENTHS: i64 = 1_900;
/// What one second of each zone may differ by where the strap's beats came at other moments than in the file.
const ZONE_S_MAX: f64 = 2.0;
/// The page asks each second what waits, and the server acknowledges once a second.
const EMPTY_WITHIN_MS: u64 = 30_000;
/// From the end of the plan to the summary: cooling, with room.
const SETTLED_WITHIN: Duration = Duration::from_secs(150);

/// How the ride goes, by the number of the packet that is due.
struct Script {
    rate: u32,
    packets: usize,
    cut_at: usize,
    cut_for: Duration,
    reload_at: usize,
    lose_at: usize,
    find_at: usize,
}

fn script(quick: bool) -> Script {
    if quick {
        let cut_for = Duration::from_secs(4);
        return Script { rate: 20, packets: 560, cut_at: 80, cut_for, reload_at: 240, lose_at: 400, find_at: 430 };
    }
    let cut_for = Duration::from_secs(60);
    Script { rate: 4, packets: 1_072, cut_at: 150, cut_for, reload_at: 480, lose_at: 700, find_at: 740 }
}

/// A stored sample as `GET /v1/me/classes/{id}/samples` tells it.
#[derive(Debug, Deserialize)]
struct Row {
    at: i64,
    seq: u32,
    bpm: u16,
    #[serde(default)]
    rr_ms: Vec<u16>,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let script = script(ctx.quick);
    let gym =
        Gym::of(ctx, "phone", &people(), &["--clock-rate", &script.rate.to_string(), "--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(ride(&gym, &script, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

/// One member with the golden profile, and a trainer.
fn people() -> String {
    let consent =
        Consent { show_on_board: ShowAs::Name, show_hr: true, share_with_trainer: true, ..Consent::default() };
    let line = |email: &str, name: &str, role: Role| {
        let profile = golden_profile(None);
        json!({ "email": email, "name": name, "role": role, "profile": profile, "consent": consent })
    };
    format!("{}\n{}\n", line("ana@gym.example", "Ana", Role::Member), line("mira@gym.example", "Mira", Role::Trainer))
}

async fn ride(gym: &Gym, script: &Script, outcome: &mut Outcome) -> Result<()> {
    let server = gym.address()?;
    let (trainer, _pushes) = Trainer::connect(&server, gym.accounts.trainer()?).await?;
    let target = Some(Target::Percent { lo: 70, hi: 85 });
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: 0, target, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", 20, plan)).await?;
    trainer.lobby(class).await?;
    let (_, began) = trainer.plan(class, PlanAction::Start).await?;

    let member = &gym.accounts.members(1)?[0];
    let file = gym.folder.path().join(shipped::BLE_NOTIFICATIONS);
    std::fs::write(&file, shipped::bytes(shipped::BLE_NOTIFICATIONS).ok_or("the packets do not ship")?)?;
    let file = file.display().to_string();
    let mut browser = Browser::open("phone.mjs", &gym.server.url(), member, &class.to_string(), &["--packets", &file])?;
    let received = perform(script, &mut browser, outcome)?;
    let (_, ended) = trainer.plan(class, PlanAction::End).await?;

    let packets = packets::read(&std::fs::read_to_string(&file)?)?;
    let token = member.token(&server).await?;
    let text = server.text_as(&format!("/v1/me/classes/{class}/samples"), Some(&token)).await?;
    let rows: Vec<Row> = text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    complete(&packets, &received, &rows, outcome);

    let summary = settled(&server, &token, class).await?;
    let joined = joined(gym, class).await?;
    let stored: Vec<Stored> =
        rows.iter().map(|row| Stored { at: row.at, sensor: 0, seq: row.seq, bpm: row.bpm }).collect();
    let course = Course { live: vec![(began, ended)], present: (joined, ended) };
    equal(&fold(&stored, &course, HR_MAX_TENTHS), &summary, outcome);
    // The last packet holds until the end of the class, at most five seconds; in the file it holds one.
    let tail_s = rows.last().map_or(0.0, |last| (ended - last.at).clamp(0, 5_000) as f64 / 1e3 - 1.0);
    golden(script, &packets, &received, tail_s, &summary, outcome)?;

    let page = browser.must(&json!({ "do": "summary", "within_ms": 120_000 }))?;
    let shown = page["points"].as_u64().map(|points| points as f64);
    let points = summary.points.map(f64::from);
    outcome.must("points on the page of results", &page["points"], "as the server has them", shown == points);
    browser.must(&json!({ "do": "shots", "name": "phone-summary", "langs": ["ru"] }))?;
    for look in ["axe", "overlap", "errors"] {
        let said = browser.ask(&json!({ "do": look }))?;
        let problems = if look == "errors" { &said["errors"] } else { &said["problems"] };
        outcome.must(&format!("results: {look}"), problems, "none", said["ok"] == true);
    }
    outcome.figure(format!("{} packets received, {} stored", received.len(), rows.len()));
    browser.close()
}

/// What happens to the phone. Gives the numbers of the packets that the page received.
fn perform(script: &Script, browser: &mut Browser, outcome: &mut Outcome) -> Result<Vec<usize>> {
    browser.said("login")?;
    browser.must(&json!({ "do": "join" }))?;
    browser.must(&json!({ "do": "strap" }))?;
    browser.must(&json!({ "do": "feed", "rate": script.rate, "to": script.packets }))?;
    browser.must(&json!({ "do": "at", "packet": script.cut_at / 2 }))?;
    let live = json!({ "do": "hero", "look": "live", "from": "class", "within_ms": 5_000 });
    browser.must(&live)?;
    browser.must(&json!({ "do": "shots", "name": "phone-live", "langs": ["ru"] }))?;
    for look in ["axe", "overlap"] {
        // While one looks no packet comes, and the heart grows old.
        browser.must(&live)?;
        let said = browser.ask(&json!({ "do": look }))?;
        outcome.must(&format!("live: {look}"), &said["problems"], "none", said["ok"] == true);
    }

    browser.must(&json!({ "do": "at", "packet": script.cut_at }))?;
    browser.must(&json!({ "do": "cut" }))?;
    let dead = std::time::Instant::now();
    // The heart goes on being shown, from the strap itself.
    let step = browser.ask(&json!({ "do": "hero", "look": "live", "from": "sensor", "within_ms": 6_000 }))?;
    outcome.must("a dead line: shown from the strap after", format!("{} ms", step["ms"]), "≤ 6 s", ok(&step));
    std::thread::sleep(script.cut_for.saturating_sub(dead.elapsed()));
    let kept = browser.must(&json!({ "do": "waiting" }))?;
    outcome.fact("samples that waited in the phone", &kept["rows"]);
    browser.must(&json!({ "do": "mend" }))?;
    let step = browser.ask(&json!({ "do": "hero", "look": "live", "from": "class", "within_ms": 25_000 }))?;
    outcome.must("the line is back: shown from the class after", format!("{} ms", step["ms"]), "≤ 25 s", ok(&step));

    browser.must(&json!({ "do": "at", "packet": script.reload_at }))?;
    browser.must(&json!({ "do": "reload" }))?;
    browser.must(&json!({ "do": "hero", "look": "live", "within_ms": 10_000 }))?;
    browser.must(&json!({ "do": "at", "packet": script.lose_at }))?;
    browser.must(&json!({ "do": "lose" }))?;
    let step = browser.ask(&json!({ "do": "hero", "look": "lost", "within_ms": 15_000 }))?;
    outcome.must("a lost strap: said after", format!("{} ms", step["ms"]), "≤ 15 s", ok(&step));
    browser.must(&json!({ "do": "at", "packet": script.find_at }))?;
    browser.must(&json!({ "do": "find" }))?;
    let step = browser.ask(&json!({ "do": "hero", "look": "live", "within_ms": 20_000 }))?;
    outcome.must("found again after", format!("{} ms", step["ms"]), "≤ 20 s", ok(&step));

    let fed = browser.must(&json!({ "do": "fed" }))?;
    let step = browser.ask(&json!({ "do": "empty", "within_ms": EMPTY_WITHIN_MS }))?;
    outcome.must("samples left in the phone at the end", &step["rows"], "0", ok(&step));
    let step = browser.ask(&json!({ "do": "errors" }))?;
    outcome.must("errors of the page", &step["errors"], "none", ok(&step));
    let received = fed["received"].as_array().ok_or("no list of packets")?;
    Ok(received.iter().filter_map(Value::as_u64).map(|number| number as usize).collect())
}

/// Every packet that the page received is stored, once, in order, with its intervals.
fn complete(packets: &[Packet], received: &[usize], rows: &[Row], outcome: &mut Outcome) {
    let wanted: Vec<(u16, &[u16])> =
        received.iter().map(|number| (packets[*number].bpm, packets[*number].rr_ms.as_slice())).collect();
    let stored: Vec<(u16, &[u16])> = rows.iter().map(|row| (row.bpm, row.rr_ms.as_slice())).collect();
    outcome.fact("packets sent while the strap was near", received.len());
    let missing = wanted.len() as i64 - stored.len() as i64;
    outcome.must("received and not stored", missing, "0", missing == 0);
    let first = wanted.iter().zip(&stored).position(|(wanted, stored)| wanted != stored);
    let found = first.map_or("none".to_owned(), |at| format!("at {at}: {:?}, not {:?}", stored[at], wanted[at]));
    outcome.must("stored otherwise than received", found, "none", first.is_none());
}

/// The summary is what a separate fold makes of the stored samples.
fn equal(sums: &Sums, summary: &MemberSummary, outcome: &mut Outcome) {
    let zones = summary.zone_s.unwrap_or([f64::NAN; 6]);
    let worst = (0..6).map(|zone| (zones[zone] - sums.zone_ms[zone] as f64 / 1e3).abs()).fold(0.0, f64::max);
    let points = (summary.meps.unwrap_or(f64::NAN) - sums.points as f64 / 6e4).abs();
    // Not a number is not near.
    outcome.must("zones against a separate fold, s", format!("{worst:.3}"), "≤ 0.001", worst < 1e-3);
    outcome.must("points against a separate fold", format!("{points:.4}"), "≤ 0.001", points < 1e-3);
}

/// The golden zones less what was not received: the same packets at the file's own times.
fn golden(
    script: &Script,
    packets: &[Packet],
    received: &[usize],
    tail_s: f64,
    summary: &MemberSummary,
    outcome: &mut Outcome,
) -> Result<()> {
    let at =
        |number: usize| Stored { at: packets[number].at_ms, sensor: 0, seq: number as u32, bpm: packets[number].bpm };
    let ends = packets[script.packets - 1].at_ms + 1_000;
    let course = Course { live: vec![], present: (0, ends) };
    let whole = fold(&(0..script.packets).map(at).collect::<Vec<_>>(), &course, HR_MAX_TENTHS);
    if script.packets == packets.len() {
        let golden: Value = serde_json::from_str(shipped::golden())?;
        let golden = &golden["indoor_ride_intervals_rr_edge530.fit"]["mz_zone_s"];
        let off = (0..6)
            .map(|zone| (golden[zone].as_f64().unwrap_or(f64::NAN) - whole.zone_ms[zone] as f64 / 1e3).abs())
            .fold(0.0, f64::max);
        outcome.must("all packets against the golden zones, s", format!("{off:.1}"), "≤ 2", off <= ZONE_S_MAX);
    }
    let expected = fold(&received.iter().map(|number| at(*number)).collect::<Vec<_>>(), &course, HR_MAX_TENTHS);
    let zones = summary.zone_s.unwrap_or([f64::NAN; 6]);
    for (zone, found) in zones.into_iter().enumerate() {
        let wanted = expected.zone_ms[zone] as f64 / 1e3;
        let last = received.last().filter(|last| **last + 1 == script.packets);
        let last = last.is_some_and(|last| zone_of(packets[*last].bpm) == zone);
        let wanted = if last { wanted + tail_s } else { wanted };
        let near = (found - wanted).abs() <= ZONE_S_MAX;
        outcome.must(&format!("zone {zone}, s"), format!("{found:.1}"), &format!("{wanted:.1} ± 2"), near);
    }
    Ok(())
}

fn zone_of(bpm: u16) -> usize {
    (5..=9).filter(|tenth| i64::from(bpm) * 100 >= tenth * HR_MAX_TENTHS).count()
}

/// When the member joined, class time.
async fn joined(gym: &Gym, class: ClassId) -> Result<i64> {
    let server = gym.address()?;
    let token = gym.accounts.trainer()?.token(&server).await?;
    let changes = server.text_as(&format!("/v1/classes/{class}/changes"), Some(&token)).await?;
    for line in changes.lines() {
        let change: Value = serde_json::from_str(line)?;
        if change["what"].get("Joined").is_some() {
            return change["at"].as_i64().ok_or_else(|| "a change without its time".into());
        }
    }
    Err("the member never joined".into())
}

async fn settled(server: &fitconnect_loadtest::http::Server, token: &str, class: ClassId) -> Result<MemberSummary> {
    let until = tokio::time::Instant::now() + SETTLED_WITHIN;
    loop {
        let page = server.json("GET", "/v1/me/summaries", Some(token), None).await?;
        let summaries: Vec<MemberSummary> = serde_json::from_value(page["summaries"].clone())?;
        if let Some(found) = summaries.into_iter().find(|summary| summary.class == class) {
            return Ok(found);
        }
        if tokio::time::Instant::now() > until {
            return Err("the class did not settle".into());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
