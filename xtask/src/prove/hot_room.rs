//! Proof `hot-room`: hundreds write into one room whose state is in PostgreSQL. Each message is acknowledged when it is durable, in time,
//! and those who follow hear all of them in order.

use super::database::{Schema, postgres};
use super::gym::Gym;
use super::rooms::{dial, post, room, whole};
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::client::{Client, Push, Pushes};
use fitconnect_protocol::RoomId;
use fitconnect_protocol::room::{RoomCommand, RoomEvent};
use fitconnect_protocol::session::{Event, Response, Topic};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};

const PER_S: f64 = 2_000.0;
const P99_MS: f64 = 50.0;
/// A session may send ten commands a second.
const PACE: Duration = Duration::from_millis(106);
const FOLLOWERS: usize = 4;
/// Questions for words that are nowhere.
const SEARCHES: usize = 9;
/// What is said before it counts: connections, caches, the first commits.
const WARM: Duration = Duration::from_secs(3);

struct Size {
    writers: usize,
    seconds: u64,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let postgres = match postgres() {
        Ok(found) => found,
        Err(why) => return Ok(Outcome::skipped(&why)),
    };
    let schema = Schema::new(ctx, &postgres.address)?;
    if !ctx.quick {
        schema.season()?;
    }
    let state = ["--state", schema.url.as_str()];
    let size = if ctx.quick { Size { writers: 20, seconds: 4 } } else { Size { writers: 240, seconds: 30 } };
    let serve = [&state[..], &["--token-life-s", "604800"]].concat();
    let gym = Gym::open_at(ctx, "hot-room", size.writers + FOLLOWERS, 1, &state, &serve)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(proof(ctx, &size, &gym))
}

async fn proof(ctx: &Ctx, size: &Size, gym: &Gym) -> Result<Outcome> {
    let address = gym.address()?;
    let accounts = gym.accounts.members(size.writers + FOLLOWERS)?;
    let mut people: Vec<(Client, Pushes)> = Vec::new();
    for account in accounts {
        people.push(dial(&address, account).await?);
    }
    let place = room(&people[0].0).await?;
    for (client, _) in &people {
        client.room(place, RoomCommand::Join).await?;
    }
    let followers = people.split_off(size.writers);
    let mut hearing = Vec::new();
    for (client, pushes) in followers {
        let from = client.subscribe(Topic::Room(place)).await?.offset;
        hearing.push(tokio::spawn(hear(client, pushes, from)));
    }
    let (began, ends) = (Instant::now(), WARM + Duration::from_secs(size.seconds));
    let writing = people.iter().zip(0_u32..).map(|((client, _), nth)| {
        // Spread over the pace, so that they do not write at one moment.
        let first = PACE * nth / size.writers as u32;
        tokio::spawn(write(client.clone(), place, first, began, ends))
    });
    let writing: Vec<_> = writing.collect();
    let mut told: Vec<Told> = Vec::new();
    for each in try_join_all(writing).await? {
        told.extend(each?);
    }
    let events = whole(gym, &accounts[0], place).await?;
    let mut heard = Vec::new();
    for each in hearing {
        heard.push(tokio::time::timeout(Duration::from_secs(30), stop_at(each, events.len() as u64)).await??);
    }
    let token = accounts[0].token(&address).await?;
    // Nothing of it is there: all that one question looks at is looked at.
    let (mut searches, mut looked) = (Vec::new(), 0);
    for _ in 0..SEARCHES {
        let asked = Instant::now();
        let path = format!("/v1/rooms/{place}/messages?q=nowhere");
        let answer: serde_json::Value = serde_json::from_str(&address.text_as(&path, Some(&token)).await?)?;
        let nothing = answer["found"].as_array().is_some_and(Vec::is_empty);
        let ended = answer["before"].as_u64().unwrap_or(1);
        looked = (events.len() as u64 + 1).saturating_sub(ended);
        searches.push((asked.elapsed().as_secs_f64() * 1e3, nothing));
    }
    searches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let stored = told.iter().filter(|told| is_stored(&events, told)).count();
    let mut counted: Vec<f64> = told.iter().filter(|told| told.at >= WARM).map(|told| told.ms).collect();
    counted.sort_by(f64::total_cmp);
    let percentile = |percent: usize| counted.get(counted.len() * percent / 100).copied().unwrap_or(f64::INFINITY);
    let rate = counted.len() as f64 / size.seconds as f64;
    let mut outcome = Outcome::new();
    if !ctx.quick {
        outcome.fact("PostgreSQL's log", "seasoned: its segments are there to be written again");
    }
    outcome.fact("writers, followers", format!("{}, {FOLLOWERS}", size.writers));
    outcome.speed(ctx, "messages acknowledged a second", format!("{rate:.0}"), "≥ 2,000", rate >= PER_S);
    let words = format!("{:.1} and {:.1} ms", percentile(50), percentile(99));
    outcome.speed(ctx, "sent to acknowledged, p50 and p99", words, "p99 ≤ 50 ms", percentile(99) <= P99_MS);
    let found_nothing = searches.iter().all(|(_, nothing)| *nothing);
    outcome.must(
        "what nobody wrote is found",
        if found_nothing { "never" } else { "somewhere" },
        "never",
        found_nothing,
    );
    let median = searches[SEARCHES / 2].0;
    outcome
        .fact(&format!("a search through the newest {looked} events, median of {SEARCHES}"), format!("{median:.1} ms"));
    let all = format!("{stored} of {}", told.len());
    outcome.must("acknowledged and stored under their numbers", all, "all", stored == told.len() && stored > 0);
    let good = heard.iter().all(|wrong| wrong.is_empty());
    let words = if good { "all, in order".into() } else { heard.concat().join("; ") };
    outcome.must("heard by those who follow", words, "all, in order", good);
    outcome.figure(format!("{rate:.0} durable messages/s in one room, p99 {:.1} ms", percentile(99)));
    Ok(outcome)
}

/// A message that was acknowledged: when it was sent, how long that took, its number and words.
struct Told {
    at: Duration,
    ms: f64,
    seq: u64,
    text: String,
}

async fn write(client: Client, room: RoomId, first: Duration, began: Instant, ends: Duration) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let mut beat = tokio::time::interval_at((began + first).into(), PACE);
    loop {
        beat.tick().await;
        let at = began.elapsed();
        if at >= ends {
            return Ok(told);
        }
        let text = format!("{first:?}.{}", told.len());
        let sent = Instant::now();
        match client.command(post(room, &client, text.clone())).await? {
            Response::Numbered { seq } => {
                told.push(Told { at, ms: sent.elapsed().as_secs_f64() * 1e3, seq, text });
            }
            other => return Err(format!("a message was answered with {other:?}").into()),
        }
    }
}

fn is_stored(events: &[RoomEvent], told: &Told) -> bool {
    let event = (told.seq as usize).checked_sub(1).and_then(|place| events.get(place));
    matches!(event, Some(RoomEvent::Posted { message }) if message.text == told.text)
}

/// A follower at work: its last number, and what was wrong.
type Hearing = tokio::task::JoinHandle<(u64, Vec<String>)>;

/// Hears events in order until nothing has come for a moment.
async fn hear(_client: Client, mut pushes: Pushes, mut last: u64) -> (u64, Vec<String>) {
    let mut wrong = Vec::new();
    while let Ok(Some(arrived)) = tokio::time::timeout(2 * WARM, pushes.recv()).await {
        if let Push::Event { offset, event: Event::Room(_), .. } = arrived.push {
            if offset != last + 1 {
                wrong.push(format!("{offset} after {last}"));
            }
            last = offset;
        }
    }
    (last, wrong)
}

/// What a follower found wrong, up to the last number of all.
async fn stop_at(hearing: Hearing, through: u64) -> Result<Vec<String>> {
    let (last, mut wrong) = hearing.await?;
    if last != through {
        wrong.push(format!("heard up to {last} of {through}"));
    }
    Ok(wrong)
}
