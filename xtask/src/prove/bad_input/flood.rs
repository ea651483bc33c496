//! Mutated frames in great numbers: golden frames of clients, with the running class and fresh commands in them, bent by seed.
//! After each few a `clock` with a known id is sent: its answer, or a close with a code, says that all before it were dealt with.

use super::raw::{Heard, Raw, word};
use crate::{Result, repo};
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::http::{Server, cmd_at};
use fitconnect_loadtest::now;
use fitconnect_protocol::session::Request;
use fitconnect_protocol::{ClassId, CloseCode, codec};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sockets that attack at the same time, and frames between two looks.
const AT_ONCE: usize = 8;
const BATCH: usize = 16;
const PROBE: u32 = 0xfeed_beef;

#[derive(Default)]
pub struct Flood {
    pub frames: u64,
    pub sockets: u64,
    /// Replies and refusals by word.
    pub answers: BTreeMap<String, u64>,
    pub closes: BTreeMap<String, u64>,
    /// Sockets that ended without a code of the table.
    pub uncoded: u64,
}

pub async fn run(server: &Server, class: ClassId, accounts: &[Account], frames: u64, seed: u64) -> Result<Flood> {
    let golden = Arc::new(golden()?);
    let mut tasks = Vec::new();
    for number in 0..AT_ONCE {
        let (server, golden) = (server.clone(), golden.clone());
        let accounts: Vec<_> = accounts.iter().skip(number).step_by(AT_ONCE).cloned().collect();
        let share = frames.div_ceil(AT_ONCE as u64);
        let rng = StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(number as u64));
        tasks.push(tokio::spawn(async move { attack(&server, class, &accounts, share, &golden, rng).await }));
    }
    let mut all = Flood::default();
    for task in tasks {
        let one = task.await??;
        all.frames += one.frames;
        all.sockets += one.sockets;
        all.uncoded += one.uncoded;
        one.answers.into_iter().for_each(|(word, n)| *all.answers.entry(word).or_default() += n);
        one.closes.into_iter().for_each(|(word, n)| *all.closes.entry(word).or_default() += n);
    }
    Ok(all)
}

async fn attack(
    server: &Server,
    class: ClassId,
    accounts: &[Account],
    frames: u64,
    golden: &[Vec<u8>],
    mut rng: StdRng,
) -> Result<Flood> {
    let mut flood = Flood::default();
    for account in accounts.iter().cycle() {
        if flood.frames >= frames {
            break;
        }
        let mut raw = Raw::enter(server, &account.token(server).await?).await?;
        flood.sockets += 1;
        while flood.frames < frames && flood.batch(&mut raw, class, golden, &mut rng).await? {}
    }
    Ok(flood)
}

impl Flood {
    /// Some frames and the probe; false where the socket was closed.
    async fn batch(&mut self, raw: &mut Raw, class: ClassId, golden: &[Vec<u8>], rng: &mut StdRng) -> Result<bool> {
        for _ in 0..BATCH {
            let mut bytes = golden.choose(rng).expect("there are golden frames").clone();
            real(&mut bytes, class);
            mutate(&mut bytes, rng);
            raw.send(&bytes).await;
            self.frames += 1;
        }
        raw.send(&codec::encode_request(PROBE, &Request::Clock { t0: 0.0 })).await;
        loop {
            let heard = raw.hear().await?;
            match &heard {
                Heard::Frame(PROBE, _) => return Ok(true),
                Heard::Frame(_, _) => *self.answers.entry(word(&heard)).or_default() += 1,
                Heard::Closed(code, _) => {
                    self.uncoded += u64::from(!CloseCode::ALL.iter().any(|close| close.code() == *code));
                    *self.closes.entry(word(&heard)).or_default() += 1;
                    return Ok(false);
                }
                Heard::Cut => {
                    self.uncoded += 1;
                    *self.closes.entry(word(&heard)).or_default() += 1;
                    return Ok(false);
                }
            }
        }
    }
}

/// The golden frames of clients.
fn golden() -> Result<Vec<Vec<u8>>> {
    #[derive(serde::Deserialize)]
    struct Golden {
        from: String,
        hex: String,
    }
    let text = std::fs::read_to_string(repo::root().join("protocol/tests/golden/frames.json"))?;
    let all: Vec<Golden> = serde_json::from_str(&text)?;
    let client = all.iter().filter(|frame| frame.from == "client");
    client.map(|frame| crate::fuzz::unhex(&frame.hex)).collect()
}

/// Puts the running class and a fresh command where the golden ones stand, so that what survives the bending is really done.
fn real(bytes: &mut [u8], class: ClassId) {
    let cmd = cmd_at(now::unix_us() / 1_000);
    for (key, id) in [(&b"\xa5class\xc4\x10"[..], class.0), (b"\xa3cmd\xc4\x10", cmd.0)] {
        let places: Vec<_> =
            bytes.windows(key.len()).enumerate().filter(|(_, window)| *window == key).map(|(at, _)| at).collect();
        for at in places {
            let from = at + key.len();
            if let Some(place) = bytes.get_mut(from..from + 16) {
                place.copy_from_slice(id.as_bytes());
            }
        }
    }
}

/// One to three bends: a flipped bit, a byte lost, put in or replaced, a cut, a piece twice.
pub fn mutate(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    for _ in 0..rng.random_range(1..=3) {
        if bytes.is_empty() {
            return bytes.push(rng.random());
        }
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..6) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, rng.random()),
            3 => bytes[at] = rng.random(),
            4 => bytes.truncate(at),
            _ => {
                let piece = bytes[at..(at + rng.random_range(1..32)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}
