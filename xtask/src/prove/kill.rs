//! Proof `kill`: the server is killed at a random second of a class, again and again; with it, the log's end is torn behind the last
//! record that a client saw acknowledged. It is back within 3 s, and nothing that was acknowledged is gone.

use super::gym::{running_class, seed};
use super::recordings::golden_profile;
use super::server::Server;
use super::temp::TempFolder;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::accounts::Accounts;
use fitconnect_loadtest::client::{Client, Options as ClientOptions};
use fitconnect_loadtest::people::shipped_people;
use fitconnect_loadtest::rider::{Begin, End, Order, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::Trainer;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{ClassSnapshot, PlanAction};
use fitconnect_protocol::session::{Snapshot, Topic};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RIDERS: usize = 40;
const BACK_WITHIN: Duration = Duration::from_secs(3);
const CURSOR_WITHIN_MS: i64 = 100;
/// Classes that are killed at one time, each with a server of its own.
const LANES: usize = 4;
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);
const FINISH_WITHIN: Duration = Duration::from_secs(60);

struct Size {
    kills: usize,
    seconds: u64,
    riders: usize,
}

/// What one kill did.
#[derive(Default)]
struct Killed {
    back: Duration,
    torn: usize,
    cursor_ms: i64,
    lost: usize,
    acked: usize,
    wrong: Vec<String>,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let size = if ctx.quick {
        Size { kills: 1, seconds: 8, riders: 8 }
    } else {
        Size { kills: 20, seconds: 90, riders: RIDERS }
    };
    super::server::binary(ctx, "fitconnect")?;
    let lanes: Vec<Result<Vec<Killed>>> = std::thread::scope(|scope| {
        let lane = |lane: usize| {
            let size = &size;
            move || (lane..size.kills).step_by(LANES).map(|round| round_of(ctx, size, round)).collect()
        };
        let lanes: Vec<_> = (0..LANES).map(|each| scope.spawn(lane(each))).collect();
        let joined =
            lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err("a round panicked: see above".into())));
        joined.collect()
    });
    let mut all = Vec::new();
    for lane in lanes {
        all.extend(lane?);
    }
    let mut outcome = Outcome::new();
    let slowest = all.iter().map(|killed| killed.back).max().unwrap_or_default();
    let cursor = all.iter().map(|killed| killed.cursor_ms).max().unwrap_or_default();
    let lost: usize = all.iter().map(|killed| killed.lost).sum();
    let acked: usize = all.iter().map(|killed| killed.acked).sum();
    let wrong: Vec<String> = all.iter().flat_map(|killed| killed.wrong.clone()).collect();
    outcome.fact(
        "kills",
        format!("{}, {} with the log torn", all.len(), all.iter().filter(|killed| killed.torn > 0).count()),
    );
    outcome.fact("bytes torn off", all.iter().map(|killed| killed.torn).sum::<usize>());
    outcome.speed(ctx, "back after the restart, slowest", format!("{slowest:.2?}"), "≤ 3 s", slowest <= BACK_WITHIN);
    outcome.must("plan cursor off by, most", format!("{cursor} ms"), "≤ 100 ms", cursor <= CURSOR_WITHIN_MS);
    outcome.must(
        "acknowledged before a kill, gone after it",
        format!("{lost} of {acked}"),
        "0",
        lost == 0 && acked > 0,
    );
    let found = if wrong.is_empty() { "equal".to_owned() } else { wrong.join("; ") };
    outcome.must("figures of every rider", found, "equal to a fold of what was measured", wrong.is_empty());
    outcome.figure(format!("{} kills, {lost} of {acked} acknowledged samples lost, back in {slowest:.2?}", all.len()));
    Ok(outcome)
}

fn round_of(ctx: &Ctx, size: &Size, round: usize) -> Result<Killed> {
    let mut rng = StdRng::seed_from_u64(ctx.seed.wrapping_add(round as u64));
    let after = Duration::from_millis(rng.random_range(2_000..size.seconds * 1_000 - 2_000));
    let tear = round % 2 == 1 || ctx.quick;
    eprintln!("kill {} of {} after {after:?}{}", round + 1, size.kills, if tear { ", log torn" } else { "" });
    let folder = TempFolder::new("kill")?;
    let data = folder.path().join("data");
    let accounts = seed(ctx, &data, size.riders, 1)?;
    let mut server = Server::start(ctx, &data, &["--token-life-s", "604800"])?;
    server.ready(Duration::from_secs(30))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(class_with_kill(ctx, size, after, tear, &mut rng, &data, &accounts, &mut server));
    outcome.map_err(|error| format!("{}\n{error}", server.said()).into())
}

#[allow(clippy::too_many_arguments)]
async fn class_with_kill(
    ctx: &Ctx,
    size: &Size,
    after: Duration,
    tear: bool,
    rng: &mut StdRng,
    data: &Path,
    accounts: &Accounts,
    server: &mut Server,
) -> Result<Killed> {
    let address: fitconnect_loadtest::http::Server = server.url().parse()?;
    let (trainer, _pushes) = Trainer::connect(&address, accounts.trainer()?).await?;
    let class = running_class(&trainer, "To be killed", size.riders, 3_600).await?;
    let mut riders = Vec::new();
    let people = shipped_people();
    for (account, number) in accounts.members(size.riders)?.iter().zip(0_u64..) {
        let track = people[(ctx.seed + number) as usize % people.len()].clone();
        let mut options = RiderOptions::new(&address, account, class, track, ctx.seed * 1_000 + number);
        options.profile = Some(golden_profile(None));
        (options.begin, options.end, options.board) = (Begin::AtOnce, End::Again, number == 0);
        riders.push(Rider::start(options, Arc::new(Tally::default())));
    }
    for rider in &mut riders {
        rider.reached(Stage::Riding).await?;
    }
    let began = Instant::now();
    tokio::time::sleep(after).await;
    let before = snapshot(&address, accounts, class).await?;
    let behind = if tear { Some(unacknowledged(data, &riders).await?) } else { None };
    server.kill()?;
    // What a client has seen acknowledged must be there afterwards; what was written behind that may go.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let acked = acked_by(&riders);
    let mut killed = Killed { acked: acked.iter().sum::<u64>() as usize, ..Killed::default() };
    if let Some((sizes, _)) = behind.filter(|(_, known)| *known == acked) {
        killed.torn = tear_log(data, &sizes, rng)?;
    }
    let listen = server.address.to_string();
    let restarted = Instant::now();
    *server = Server::start_at(ctx, data, &listen, &["--token-life-s", "604800"])?;
    server.ready(Duration::from_secs(30))?;
    let after = snapshot(&address, accounts, class).await?;
    killed.back = restarted.elapsed();
    killed.cursor_ms = cursor_difference(&before, &after);
    killed.lost = missing(&address, accounts, class, &acked, &riders).await?;
    let left = Duration::from_secs(size.seconds).saturating_sub(began.elapsed());
    tokio::time::sleep(left).await;
    for rider in &riders {
        rider.order(Order::Finish).await;
    }
    let mut ridden = Vec::new();
    for rider in riders {
        let ended = tokio::time::timeout(FINISH_WITHIN, rider.ridden()).await;
        ridden.push(ended.map_err(|_| "a rider's samples were not all acknowledged within a minute of the end")??);
    }
    // The trainer's own socket was cut by the kill: its kit has come back by itself.
    trainer.plan(class, PlanAction::End).await?;
    let stored = samples(&address, accounts, class).await?;
    for rider in &ridden {
        for (source, measured, _) in &rider.sources {
            let kept: BTreeSet<u32> =
                stored.iter().filter(|row| row.source == source.get()).map(|row| row.seq).collect();
            if kept.len() != *measured as usize {
                killed.wrong.push(format!("rider {}: {} of {measured} rows stored", rider.slot + 1, kept.len()));
            }
        }
    }
    Ok(killed)
}

#[derive(Deserialize)]
struct Row {
    source: u64,
    seq: u32,
}

/// Source and number of every stored sample.
pub async fn stored_rows(
    address: &fitconnect_loadtest::http::Server,
    accounts: &Accounts,
    class: ClassId,
) -> Result<Vec<(u64, u32)>> {
    Ok(samples(address, accounts, class).await?.into_iter().map(|row| (row.source, row.seq)).collect())
}

async fn samples(address: &fitconnect_loadtest::http::Server, accounts: &Accounts, class: ClassId) -> Result<Vec<Row>> {
    let token = accounts.trainer()?.token(address).await?;
    let text = address.text_as(&format!("/v1/classes/{class}/samples"), Some(&token)).await?;
    Ok(text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}

/// How many of those that riders had seen acknowledged are not stored.
async fn missing(
    address: &fitconnect_loadtest::http::Server,
    accounts: &Accounts,
    class: ClassId,
    acked: &[u64],
    riders: &[Rider],
) -> Result<usize> {
    let stored = samples(address, accounts, class).await?;
    let mut lost = 0;
    for (acked, rider) in acked.iter().zip(riders) {
        let source = rider.source.get();
        let kept = stored.iter().filter(|row| row.source == source && u64::from(row.seq) < *acked).count() as u64;
        lost += acked.saturating_sub(kept) as usize;
    }
    Ok(lost)
}

async fn snapshot(
    address: &fitconnect_loadtest::http::Server,
    accounts: &Accounts,
    class: ClassId,
) -> Result<ClassSnapshot> {
    let token = accounts.trainer()?.token(address).await?;
    let (client, _pushes) = Client::connect(ClientOptions::new(address, token)).await?;
    match client.subscribe(Topic::Class(class)).await?.snapshot {
        Some(Snapshot::Class(snapshot)) => Ok(*snapshot),
        other => Err(format!("a class without its snapshot: {other:?}").into()),
    }
}

/// Class time and plan stand on the clock and the runs of the snapshot: both must be the same as before.
fn cursor_difference(before: &ClassSnapshot, after: &ClassSnapshot) -> i64 {
    let at = |snapshot: &ClassSnapshot, wall_ms: i64| {
        snapshot.clock.class_ms + i64::from(snapshot.clock.rate) * (wall_ms - snapshot.clock.wall_ms)
    };
    let wall_ms = after.clock.wall_ms;
    let starts =
        |snapshot: &ClassSnapshot| snapshot.plan.runs.first().and_then(|run| run.starts).unwrap_or(i64::MAX / 2);
    ((at(after, wall_ms) - starts(after)) - (at(before, wall_ms) - starts(before))).abs()
}

fn acked_by(riders: &[Rider]) -> Vec<u64> {
    riders.iter().map(|rider| rider.status.borrow().acked).collect()
}

/// Waits until something has been written since the last acknowledgement that any client has seen. Gives how far the log was
/// written at that acknowledgement, and what had been acknowledged.
async fn unacknowledged(data: &Path, riders: &[Rider]) -> Result<(Vec<(PathBuf, usize)>, Vec<u64>)> {
    let began = Instant::now();
    let (mut acked, mut sizes) = (acked_by(riders), log_sizes(data)?);
    while began.elapsed() < WRITTEN_WITHIN {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = log_sizes(data)?;
        let seen = acked_by(riders);
        if seen != acked {
            // The sizes that were read before this acknowledgement was seen may lack what it speaks of.
            (acked, sizes) = (seen, log_sizes(data)?);
        } else if now
            .iter()
            .any(|(path, end)| sizes.iter().find(|(known, _)| known == path).is_none_or(|(_, kept)| end > kept))
        {
            return Ok((sizes, acked));
        }
    }
    Err("nothing was written behind an acknowledgement".into())
}

/// Every segment file with the last byte that is written.
fn log_sizes(data: &Path) -> Result<Vec<(PathBuf, usize)>> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(data.join("log"))? {
        let path = entry?.path();
        match fs::read(&path) {
            Ok(bytes) => sizes.push((path, written(&bytes))),
            // The server is at work: what it has shipped it removes.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sizes)
}

fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// Tears what was written after `before`: nothing of that had been seen acknowledged. As after a power cut, a random part of it is
/// zeros, and a random byte of the rest is another.
fn tear_log(data: &Path, before: &[(PathBuf, usize)], rng: &mut StdRng) -> Result<usize> {
    let mut torn = 0;
    for entry in fs::read_dir(data.join("log"))? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        let end = written(&bytes);
        let kept = before.iter().find(|(known, _)| *known == path).map_or(end, |(_, kept)| *kept);
        if end <= kept {
            continue;
        }
        let from = rng.random_range(kept..end);
        let file = File::options().write(true).open(&path)?;
        file.write_all_at(&vec![0; end - from], from as u64)?;
        torn += end - from;
    }
    Ok(torn)
}
