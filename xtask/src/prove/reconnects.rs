//! Proof `reconnects`: people follow rooms in which others write, lose their sockets again and again, and the server is killed. What each
//! of them heard is held against what is stored: nothing lost, nothing twice, nothing out of order, unless they were told that they
//! begin anew.

use super::gym::Gym;
use super::rooms::{dial, post, room, whole};
use super::server::Server;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::{Client, Push, Pushes};
use fitconnect_loadtest::now;
use fitconnect_loadtest::tally::Latencies;
use fitconnect_protocol::RoomId;
use fitconnect_protocol::room::{RoomCommand, RoomEvent};
use fitconnect_protocol::session::{Event, Position, Topic};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const MISSED: u64 = 300;
const RESUME_P99_MS: f64 = 50.0;
/// Between two messages of one writer.
const PACE: Duration = Duration::from_millis(200);
const BACK_WITHIN: Duration = Duration::from_secs(30);
/// At the end everybody must have heard everything within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

struct Size {
    followers: usize,
    writers: usize,
    rooms: usize,
    cuts: u64,
    kills: u32,
    resumes: usize,
}

/// What all of a run share.
struct Run {
    cuts: AtomicU64,
    over: AtomicBool,
}

/// What one follower heard.
struct Heard {
    /// Words by number.
    words: BTreeMap<u64, String>,
    wrong: Vec<String>,
    anew: u64,
    recovered: u64,
    reconnects: u64,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let size = if ctx.quick {
        Size { followers: 12, writers: 4, rooms: 2, cuts: 60, kills: 2, resumes: 20 }
    } else {
        Size { followers: 200, writers: 40, rooms: 10, cuts: 10_000, kills: 100, resumes: 400 }
    };
    let gym = Gym::open(ctx, "reconnects", size.followers + size.writers, 1, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(proof(ctx, &size, gym))
}

async fn proof(ctx: &Ctx, size: &Size, mut gym: Gym) -> Result<Outcome> {
    let address = gym.address()?;
    let accounts = gym.accounts.members(size.followers + size.writers)?.to_vec();
    let (followers, writers) = accounts.split_at(size.followers);
    let (owner, _pushes) = dial(&address, &writers[0]).await?;
    let mut rooms = Vec::new();
    for _ in 0..size.rooms {
        rooms.push(room(&owner).await?);
    }
    let shared = Arc::new(Run { cuts: AtomicU64::new(0), over: AtomicBool::new(false) });
    let mut writing = Vec::new();
    for (nth, account) in writers.iter().enumerate() {
        let (client, _pushes) = dial(&address, account).await?;
        let place = rooms[nth % rooms.len()];
        client.room(place, RoomCommand::Join).await?;
        writing.push(tokio::spawn(write(client, place, nth, shared.clone())));
    }
    let (heads, ends) = watch::channel(BTreeMap::<RoomId, u64>::new());
    let mut hearing = Vec::new();
    for (account, nth) in followers.iter().zip(0_u64..) {
        let (client, pushes) = dial(&address, account).await?;
        let place = rooms[nth as usize % rooms.len()];
        client.room(place, RoomCommand::Join).await?;
        let from = client.subscribe(Topic::Room(place)).await?.offset;
        let rng = StdRng::seed_from_u64(ctx.seed.wrapping_mul(10_000).wrapping_add(nth));
        tokio::spawn(cut(client.clone(), rng, size.cuts, shared.clone()));
        hearing.push(tokio::spawn(hear(client, pushes, place, from, ends.clone())));
    }
    for kill in 1..=size.kills {
        let at = size.cuts * u64::from(kill) / u64::from(size.kills + 1);
        while shared.cuts.load(Ordering::Relaxed) < at {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gym.server.kill()?;
        let (data, listen) = (gym.folder.path().join("data"), gym.server.address.to_string());
        gym.server = Server::start_at(ctx, &data, &listen, &["--token-life-s", "604800"])?;
        gym.server.ready(BACK_WITHIN)?;
    }
    while shared.cuts.load(Ordering::Relaxed) < size.cuts {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shared.over.store(true, Ordering::Relaxed);
    try_join_all(writing).await?.into_iter().collect::<Result<Vec<()>>>()?;
    let mut stored: BTreeMap<RoomId, Vec<String>> = BTreeMap::new();
    for place in &rooms {
        let events = whole(&gym, &writers[0], *place).await?;
        stored.insert(*place, events.iter().map(words).collect());
    }
    heads.send_replace(stored.iter().map(|(place, events)| (*place, events.len() as u64)).collect());
    let mut outcome = Outcome::new();
    judge(size, &rooms, &stored, try_join_all(hearing).await?, &mut outcome);
    resumes(ctx, size, &gym, &writers[0], rooms[0], &mut outcome).await?;
    Ok(outcome)
}

/// Writes until the run is over.
async fn write(client: Client, place: RoomId, nth: usize, run: Arc<Run>) -> Result<()> {
    let mut beat = tokio::time::interval(PACE);
    for n in 0_u64.. {
        beat.tick().await;
        if run.over.load(Ordering::Relaxed) {
            break;
        }
        client.command(post(place, &client, format!("{nth}.{n}"))).await?;
    }
    Ok(())
}

/// Loses the socket now and then, for a moment or for a while.
async fn cut(client: Client, mut rng: StdRng, cuts: u64, run: Arc<Run>) {
    while run.cuts.fetch_add(1, Ordering::Relaxed) < cuts {
        tokio::time::sleep(Duration::from_millis(rng.random_range(300..2_500))).await;
        if rng.random_bool(0.5) {
            client.cut().await;
        } else {
            client.offline(Duration::from_millis(rng.random_range(50..1_500))).await;
        }
    }
}

/// Hears a room until its last number, which is told at the end.
async fn hear(
    client: Client,
    mut pushes: Pushes,
    place: RoomId,
    mut last: u64,
    mut ends: watch::Receiver<BTreeMap<RoomId, u64>>,
) -> Heard {
    let mut heard = Heard { words: BTreeMap::new(), wrong: Vec::new(), anew: 0, recovered: 0, reconnects: 0 };
    let mut head = None;
    while head.is_none_or(|head| last < head) {
        let push = tokio::select! {
            arrived = pushes.recv() => match arrived {
                Some(arrived) => arrived.push,
                None => break,
            },
            _ = ends.changed(), if head.is_none() => {
                head = ends.borrow().get(&place).copied();
                continue;
            }
            () = tokio::time::sleep(SETTLED_WITHIN), if head.is_some() => {
                heard.wrong.push(format!("heard up to {last} of {head:?}"));
                break;
            }
        };
        match push {
            Push::Event { offset, event: Event::Room(event), .. } => {
                if offset != last + 1 {
                    heard.wrong.push(format!("{offset} after {last}"));
                }
                last = offset;
                heard.words.insert(offset, words(&event));
            }
            Push::Subscribed(told) if told.recovered => heard.recovered += 1,
            Push::Subscribed(told) => {
                heard.anew += 1;
                last = told.offset;
            }
            _ => {}
        }
    }
    let counters = client.counters();
    heard.reconnects = counters.reconnects.load(Ordering::Relaxed);
    for (what, count) in [("gaps", &counters.gaps), ("doubles", &counters.doubles), ("untaken", &counters.untaken)] {
        let count = count.load(Ordering::Relaxed);
        if count > 0 {
            heard.wrong.push(format!("{count} {what}"));
        }
    }
    heard
}

fn words(event: &RoomEvent) -> String {
    match event {
        RoomEvent::Posted { message } => message.text.clone(),
        RoomEvent::Joined { member, .. } => format!("+{}", member.user),
        RoomEvent::Created { .. } => "created".into(),
        other => format!("{other:?}"),
    }
}

fn judge(
    size: &Size,
    rooms: &[RoomId],
    stored: &BTreeMap<RoomId, Vec<String>>,
    all: Vec<Heard>,
    outcome: &mut Outcome,
) {
    let sum = |of: fn(&Heard) -> u64| all.iter().map(of).sum::<u64>();
    let events: u64 = sum(|heard| heard.words.len() as u64);
    let mut wrong: Vec<String> = all.iter().flat_map(|heard| heard.wrong.clone()).collect();
    for (nth, heard) in all.iter().enumerate() {
        let known = &stored[&rooms[nth % rooms.len()]];
        let other = |(seq, words): &(&u64, &String)| known.get(**seq as usize - 1) != Some(*words);
        wrong.extend(heard.words.iter().filter(other).map(|(seq, words)| format!("{seq} was told as {words:?}")));
    }
    let (reconnects, recovered, anew) =
        (sum(|heard| heard.reconnects), sum(|heard| heard.recovered), sum(|heard| heard.anew));
    outcome.fact("kill -9 of the server", size.kills);
    outcome.fact("events heard, by so many", format!("{events}, {}", all.len()));
    outcome.must("reconnects", reconnects, "as many as cuts, at least half", reconnects >= size.cuts / 2);
    outcome.must("topics recovered exactly", recovered, "> 0", recovered > 0);
    outcome.fact("topics that began anew, as they were told", anew);
    let found = if wrong.is_empty() { "0".to_owned() } else { wrong[..wrong.len().min(5)].join("; ") };
    outcome.must("lost, doubled, out of order or other than stored", found, "0", wrong.is_empty() && events > 0);
    outcome.figure(format!("{reconnects} reconnects, {} kills: {} of {events} events wrong", size.kills, wrong.len()));
}

/// How long one who missed 300 events waits for the last of them, on a socket that has just opened.
async fn resumes(
    ctx: &Ctx,
    size: &Size,
    gym: &Gym,
    account: &Account,
    place: RoomId,
    outcome: &mut Outcome,
) -> Result<()> {
    let topic = Topic::Room(place);
    let mut took = Latencies::default();
    let mut missed = 0;
    for _ in 0..size.resumes {
        let (client, mut pushes) = dial(&gym.address()?, account).await?;
        let told = client.subscribe(topic).await?;
        client.unsubscribe(topic).await?;
        missed = MISSED.min(told.offset);
        let began = now::mono_us();
        let at = Position { epoch: told.epoch, offset: told.offset - missed };
        client.subscribe_from(topic, Some(at)).await?;
        loop {
            let arrived = pushes.recv().await.ok_or("the link ended")?;
            if matches!(arrived.push, Push::Event { offset, .. } if offset == told.offset) {
                took.record(arrived.at_us.saturating_sub(began));
                break;
            }
        }
    }
    let words = format!("{:.1} and {:.1} ms", took.ms(50.0), took.ms(99.0));
    let what = format!("resume of {missed} missed events, p50 and p99");
    outcome.speed(ctx, &what, words, "p99 ≤ 50 ms", took.ms(99.0) <= RESUME_P99_MS && missed == MISSED);
    Ok(())
}
