//! Proof `once`: people write to rooms, and send three of ten commands again: at once, later, and after the server was killed. Each
//! happened once, under the number that every one of its answers gave.

use super::gym::Gym;
use super::rooms::{dial, post, room, whole};
use super::server::Server;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::client::Client;
use fitconnect_protocol::room::{RoomCommand, RoomEvent};
use fitconnect_protocol::session::{Request, Response};
use fitconnect_protocol::{CmdId, RoomId};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Of a hundred commands so many are sent again.
const AGAIN_PERCENT: u32 = 30;
/// A session may send ten commands a second.
const PACE: Duration = Duration::from_millis(106);
/// Earlier commands of a writer from which one is taken to be sent again.
const KEPT: usize = 200;
const BACK_WITHIN: Duration = Duration::from_secs(30);

struct Size {
    commands: u64,
    writers: usize,
    rooms: usize,
    kills: u32,
}

#[derive(Default)]
struct Sent {
    commands: AtomicU64,
    again: AtomicU64,
    differed: AtomicU64,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let size = if ctx.quick {
        Size { commands: 600, writers: 12, rooms: 2, kills: 2 }
    } else {
        Size { commands: 1_000_000, writers: 400, rooms: 8, kills: 10 }
    };
    let gym = Gym::open(ctx, "once", size.writers, 1, &["--token-life-s", "604800"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(proof(ctx, &size, gym))
}

async fn proof(ctx: &Ctx, size: &Size, mut gym: Gym) -> Result<Outcome> {
    let (address, accounts) = (gym.address()?, gym.accounts.members(size.writers)?.to_vec());
    let mut writers: Vec<Client> = Vec::new();
    for account in &accounts {
        writers.push(dial(&address, account).await?.0);
    }
    let mut rooms = Vec::new();
    for _ in 0..size.rooms {
        rooms.push(room(&writers[0]).await?);
    }
    for (nth, writer) in writers.iter().enumerate() {
        writer.room(rooms[nth % rooms.len()], RoomCommand::Join).await?;
    }
    let (sent, began) = (Arc::new(Sent::default()), Instant::now());
    let each = size.commands / size.writers as u64;
    let work: Vec<_> = (0..)
        .zip(&writers)
        .map(|(nth, writer)| {
            let rng = StdRng::seed_from_u64(ctx.seed.wrapping_mul(1_000).wrapping_add(nth));
            let place = rooms[nth as usize % rooms.len()];
            tokio::spawn(write(writer.clone(), place, format!("{nth}"), each, rng, sent.clone()))
        })
        .collect();
    let total = each * size.writers as u64;
    for kill in 1..=size.kills {
        let at = total * u64::from(kill) / u64::from(size.kills + 1);
        while sent.commands.load(Ordering::Relaxed) < at && !work.iter().all(|each| each.is_finished()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        eprintln!("kill {kill} after {at} commands, {:.0?}", began.elapsed());
        gym.server.kill()?;
        let data = gym.folder.path().join("data");
        gym.server = Server::start_at(ctx, &data, &address_of(&gym), &["--token-life-s", "604800"])?;
        gym.server.ready(BACK_WITHIN)?;
    }
    let mut answers: BTreeMap<CmdId, u64> = BTreeMap::new();
    for done in try_join_all(work).await? {
        answers.extend(done?);
    }
    let took = began.elapsed();
    let found = check(&gym, &accounts[0], &rooms, &answers).await?;
    let mut outcome = Outcome::new();
    let again = sent.again.load(Ordering::Relaxed);
    outcome.fact("commands, and how many of them once more", format!("{}, {again}", answers.len()));
    outcome.fact("kill -9 of the server", size.kills);
    outcome.fact("commands a second, repeats among them", (answers.len() as u64 + again) / took.as_secs().max(1));
    let differed = sent.differed.load(Ordering::Relaxed);
    outcome.must("answers to a repeat that differed", differed, "0", differed == 0 && again > 0);
    outcome.must("acknowledged and not there", found.missing, "0", found.missing == 0 && !answers.is_empty());
    outcome.must("happened twice", found.twice, "0", found.twice == 0);
    outcome.must("there under another number", found.elsewhere, "0", found.elsewhere == 0);
    outcome.must("there and never sent", found.unknown, "0", found.unknown == 0);
    outcome.figure(format!(
        "{} commands, {again} of them sent again, {} kills: each happened once",
        answers.len(),
        size.kills
    ));
    Ok(outcome)
}

fn address_of(gym: &Gym) -> String {
    gym.server.address.to_string()
}

/// Sends its commands, one after the other; the number that each was given.
async fn write(
    client: Client,
    room: RoomId,
    name: String,
    count: u64,
    mut rng: StdRng,
    sent: Arc<Sent>,
) -> Result<Vec<(CmdId, u64)>> {
    let mut done: Vec<(Request, CmdId, u64)> = Vec::new();
    let mut numbers = Vec::new();
    let mut beat = tokio::time::interval(PACE);
    for n in 0..count {
        beat.tick().await;
        let request = post(room, &client, format!("{name}.{n}"));
        let Request::Room { cmd, .. } = request else { return Err("not a room's command".into()) };
        let again = rng.random_range(0..100) < AGAIN_PERCENT;
        let at_once = again && rng.random_bool(0.5);
        let (first, second) = if at_once {
            beat.tick().await;
            let (first, second) = tokio::join!(number(&client, &request), number(&client, &request));
            (first?, Some(second?))
        } else {
            (number(&client, &request).await?, None)
        };
        sent.commands.fetch_add(1, Ordering::Relaxed);
        done.push((request, cmd, first));
        numbers.push((cmd, first));
        if done.len() > KEPT {
            done.swap_remove(0);
        }
        let (known, repeated) = match (again, second) {
            (false, _) => continue,
            (true, Some(second)) => (first, second),
            (true, None) => {
                let (earlier, _, known) = &done[rng.random_range(0..done.len())];
                beat.tick().await;
                (*known, number(&client, earlier).await?)
            }
        };
        sent.again.fetch_add(1, Ordering::Relaxed);
        sent.differed.fetch_add(u64::from(known != repeated), Ordering::Relaxed);
    }
    Ok(numbers)
}

async fn number(client: &Client, request: &Request) -> Result<u64> {
    match client.command(request.clone()).await? {
        Response::Numbered { seq } => Ok(seq),
        other => Err(format!("a message was answered with {other:?}").into()),
    }
}

#[derive(Default)]
struct Found {
    missing: usize,
    twice: usize,
    elsewhere: usize,
    unknown: usize,
}

/// Holds what is stored against what was answered.
async fn check(gym: &Gym, account: &Account, rooms: &[RoomId], answers: &BTreeMap<CmdId, u64>) -> Result<Found> {
    let mut stored: BTreeMap<CmdId, Vec<u64>> = BTreeMap::new();
    for room in rooms {
        for (seq, event) in (1..).zip(whole(gym, account, *room).await?) {
            if let RoomEvent::Posted { message } = event {
                stored.entry(message.cmd).or_default().push(seq);
            }
        }
    }
    let mut found = Found::default();
    for (cmd, seq) in answers {
        match stored.get(cmd).map(Vec::as_slice) {
            None | Some([]) => found.missing += 1,
            Some([one]) => found.elsewhere += usize::from(one != seq),
            Some(_) => found.twice += 1,
        }
    }
    found.unknown = stored.keys().filter(|cmd| !answers.contains_key(cmd)).count();
    Ok(found)
}
