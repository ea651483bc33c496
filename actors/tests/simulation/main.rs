//! Session, class, user, room, host, house, hub and stores on simulated time, with everything going wrong by seed. Invariants are held
//! after every step; the same seed gives the same trace.
//!
//! `FITCONNECT_SIM_SEEDS=200` runs so many seeds, from `FITCONNECT_SIM_FROM` on; `FITCONNECT_SIM_SEED=n` replays one and prints its trace.

mod check;
mod client;
mod clock;
mod commands;
mod ends;
mod faults;
mod log;
mod panics;
mod parked;
mod phone;
mod probe;
mod rng;
mod roles;
mod socket;
mod store;
mod stress;
mod talk;
mod topics;
mod trace;
mod truth;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use world::Outcome;

/// Seeds of a plain `cargo test`.
const SEEDS: u64 = 30;
/// Runs at one time.
const THREADS: usize = 2;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Each run on a thread of its own: nothing of one is left for the next.
fn on_thread(seed: u64, print: bool) -> Outcome {
    std::thread::spawn(move || world::run(seed, print)).join().expect("a run catches its panics")
}

#[test]
fn every_seed_keeps_every_promise() {
    if let Some(seed) = number("FITCONNECT_SIM_SEED") {
        let outcome = on_thread(seed, true);
        println!("seed {seed}: {} steps, trace {:016x}", outcome.steps, outcome.hash);
        assert!(outcome.wrong.is_none(), "{}", outcome.wrong.unwrap_or_default());
        return;
    }
    let from = number("FITCONNECT_SIM_FROM").unwrap_or(1);
    let seeds = number("FITCONNECT_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(from);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let outcome = on_thread(seed, false);
                    if let Some(wrong) = &outcome.wrong {
                        println!("\nseed {seed} broke a promise:\n{wrong}\nreplay: FITCONNECT_SIM_SEED={seed} cargo test -p fitconnect-actors --test simulation -- --nocapture\n");
                    }
                    outcomes.lock().expect("no run panicked").push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no run panicked");
    outcomes.sort_by_key(|outcome| outcome.seed);
    report(&outcomes);
    let failed: Vec<u64> =
        outcomes.iter().filter(|outcome| outcome.wrong.is_some()).map(|outcome| outcome.seed).collect();
    assert!(failed.is_empty(), "seeds that broke a promise: {failed:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let seed = number("FITCONNECT_SIM_FROM").unwrap_or(1);
    let seeds = (number("FITCONNECT_SIM_SEEDS").unwrap_or(SEEDS) / 100).max(3);
    for seed in seed..seed + seeds {
        let (first, second) = (on_thread(seed, false), on_thread(seed, false));
        assert_eq!((first.hash, first.steps, first.frames), (second.hash, second.steps, second.frames), "seed {seed}");
        println!("sim trace_of_{seed} {:016x}", first.hash);
    }
}

/// Lines that programs read: `sim <figure> <number>`.
fn report(outcomes: &[Outcome]) {
    let sum = |each: fn(&Outcome) -> u64| outcomes.iter().map(each).sum::<u64>();
    println!("sim seeds {}", outcomes.len());
    println!("sim steps {}", sum(|outcome| outcome.steps));
    println!("sim simulated_s {}", sum(|outcome| outcome.sim_ms) / 1_000);
    println!("sim processes {}", sum(|outcome| u64::from(outcome.lives)));
    println!("sim frames {}", sum(|outcome| outcome.frames));
    println!("sim commits {}", sum(|outcome| outcome.commits));
    println!("sim commands {}", sum(|outcome| outcome.commands));
    println!("sim samples {}", sum(|outcome| outcome.samples));
    println!("sim room_events {}", sum(|outcome| outcome.room_events));
    println!("sim broken {}", outcomes.iter().filter(|outcome| outcome.wrong.is_some()).count());
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    for (word, count) in outcomes.iter().flat_map(|outcome| &outcome.faults) {
        *faults.entry(word).or_default() += count;
    }
    for (word, count) in faults {
        println!("sim fault_{word} {count}");
    }
}
