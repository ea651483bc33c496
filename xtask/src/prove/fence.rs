//! Proof `fence`: four processes write the same classes of one database, are frozen, killed, and robbed of live shards. Nothing that was
//! acknowledged is lost or doubled, numbers have no gap, epochs never go back. The same with the fence switched off shows violations: the
//! check can see them.

mod check;
mod node;

use super::database::{self, Schema};
use super::{Ctx, Outcome};
use crate::Result;
use check::{Ack, Row, Violations, check};
use node::{Node, Said};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const NODES: usize = 4;
const CLASSES: u64 = 8;
const CLIENTS: u64 = 6;
/// A client that hears nothing for so long asks another node.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);
/// After the end a message that nobody has acknowledged is still asked for, for so long.
const SETTLE: Duration = Duration::from_secs(8);

/// What was done to the nodes.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    frozen: u32,
    killed: u32,
    robbed: u32,
}

struct Run {
    acks: Vec<Ack>,
    rows: Vec<Row>,
    faults: Faults,
    found: Violations,
}

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let postgres = match database::postgres() {
        Ok(postgres) => postgres,
        Err(why) => return Ok(Outcome::skipped(&why)),
    };
    let seconds = if ctx.quick { 8 } else { 60 };
    let fenced = one_run(ctx, &postgres.address, true, Duration::from_secs(seconds))?;
    let control = one_run(ctx, &postgres.address, false, Duration::from_secs(if ctx.quick { 6 } else { 20 }))?;
    let mut outcome = Outcome::new();
    let Faults { frozen, killed, robbed } = fenced.faults;
    outcome.fact("nodes, clients, classes", format!("{NODES}, {CLIENTS}, {CLASSES}, for {seconds} s"));
    outcome.fact("frozen, killed, live shards taken", format!("{frozen}, {killed}, {robbed}"));
    outcome.must("acknowledged", fenced.acks.len(), "> 0", !fenced.acks.is_empty());
    outcome.must("faults", frozen + killed + robbed, "> 0", frozen > 0 && killed > 0 && robbed > 0);
    let found = &fenced.found;
    outcome.must("acknowledged and lost", found.lost, "0", found.lost == 0);
    outcome.must("messages stored twice", found.doubled, "0", found.doubled == 0);
    outcome.must("numbers given twice", found.numbers_twice, "0", found.numbers_twice == 0);
    outcome.must("gaps in the numbers", found.gaps, "0", found.gaps == 0);
    outcome.must("epochs that went back", found.epochs_back, "0", found.epochs_back == 0);
    outcome.must("later than its acknowledgement", found.order, "0", found.order == 0);
    let all = control.found.sum();
    outcome.must("violations with the fence switched off", all, "> 0: the check sees them", all > 0);
    outcome.fact("the control in detail", format!("{:?}, {} acknowledged", control.found, control.acks.len()));
    outcome.figure(format!(
        "{} acknowledged, {} stored under {frozen} freezes, {killed} kills, {robbed} thefts: 0 violations; {all} without the fence",
        fenced.acks.len(),
        fenced.rows.len()
    ));
    Ok(outcome)
}

fn one_run(ctx: &Ctx, base: &str, fenced: bool, length: Duration) -> Result<Run> {
    let schema = Schema::new(ctx, base)?;
    let program = database::helper(ctx)?;
    let more: &[&str] = if fenced { &[] } else { &["--unfenced"] };
    helper(&program, "setup", &schema.url, more)?;
    let said = Arc::new(Said::default());
    let start = |number: usize| Node::start(&program, &schema.url, more, number, said.clone());
    let nodes = (0..NODES).map(start).collect::<Result<Vec<_>>>()?;
    let nodes = Arc::new(Mutex::new(nodes));
    for class in 0..CLASSES {
        lock(&nodes)[class as usize % NODES].say(&format!("steal {class}"));
    }
    let until = Instant::now() + length;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (nodes, said) = (nodes.clone(), said.clone());
            let rng = StdRng::seed_from_u64(ctx.seed.wrapping_mul(31).wrapping_add(client));
            std::thread::spawn(move || write(client, rng, &nodes, &said, until))
        })
        .collect();
    let faults = torment(ctx, &nodes, start, until)?;
    let mut acks = Vec::new();
    for client in clients {
        acks.extend(client.join().map_err(|_| "a client panicked: see above")?);
    }
    lock(&nodes).clear();
    let rows = helper(&program, "dump", &schema.url, &[])?.lines().map(Row::parse).collect::<Result<Vec<_>>>()?;
    let found = check(&acks, &rows);
    Ok(Run { acks, rows, faults, found })
}

fn lock(nodes: &Mutex<Vec<Node>>) -> std::sync::MutexGuard<'_, Vec<Node>> {
    nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn helper(program: &Path, what: &str, url: &str, more: &[&str]) -> Result<String> {
    let output = Command::new(program).args([what, "--url", url]).args(more).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// One client: a message to a class, again and again to whichever node, until it is acknowledged.
fn write(client: u64, mut rng: StdRng, nodes: &Mutex<Vec<Node>>, said: &Said, until: Instant) -> Vec<Ack> {
    let mut acks = Vec::new();
    let mut known = vec![None; CLASSES as usize];
    while Instant::now() < until {
        let class = rng.random_range(0..CLASSES);
        let message = u128::from(rng.random::<u64>()) << 8 | u128::from(client);
        let began = Instant::now();
        let mut node = known[class as usize].unwrap_or_else(|| rng.random_range(0..NODES));
        while Instant::now() < until + SETTLE {
            let hear = said.expect(message);
            lock(nodes)[node].say(&format!("write {class} {message}"));
            if let Some(number) = hear.wait(ANSWER_WITHIN) {
                acks.push(Ack { class, message, number, began, ended: Instant::now() });
                known[class as usize] = Some(node);
                break;
            }
            node = rng.random_range(0..NODES);
            known[class as usize] = None;
        }
    }
    acks
}

/// Freezes, kills and robs by seed.
fn torment(
    ctx: &Ctx,
    nodes: &Mutex<Vec<Node>>,
    start: impl Fn(usize) -> Result<Node>,
    until: Instant,
) -> Result<Faults> {
    let mut rng = StdRng::seed_from_u64(ctx.seed);
    let mut faults = Faults::default();
    let mut thaw: Vec<(usize, Instant)> = Vec::new();
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(rng.random_range(150..450)));
        let mut nodes = lock(nodes);
        for (node, at) in std::mem::take(&mut thaw) {
            if at <= Instant::now() {
                nodes[node].thaw();
            } else {
                thaw.push((node, at));
            }
        }
        let node = rng.random_range(0..NODES);
        match rng.random_range(0..10) {
            0..3 if !thaw.iter().any(|(frozen, _)| *frozen == node) => {
                nodes[node].freeze();
                faults.frozen += 1;
                thaw.push((node, Instant::now() + Duration::from_millis(rng.random_range(300..2_500))));
            }
            3 => {
                thaw.retain(|(frozen, _)| *frozen != node);
                nodes[node] = start(node)?;
                faults.killed += 1;
            }
            _ => {
                nodes[node].say(&format!("steal {}", rng.random_range(0..CLASSES)));
                faults.robbed += 1;
            }
        }
    }
    // Whoever is left goes on; every class gets an owner that lives.
    let mut nodes = lock(nodes);
    nodes.iter_mut().for_each(Node::thaw);
    for class in 0..CLASSES {
        nodes[class as usize % NODES].say(&format!("steal {class}"));
    }
    Ok(faults)
}
