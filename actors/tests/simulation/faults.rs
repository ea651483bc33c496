//! What goes wrong in a run: how often each kind does, drawn by seed, and how often it did. Off in calm times and at the end.

use crate::rng::Rng;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Every kind of fault that is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A commit whose outcome is not known, and that did not happen.
    UnknownBefore,
    /// A commit whose outcome is not known, and that happened.
    UnknownAfter,
    /// Another owner raised the epoch of the shard: the fence holds.
    StolenEpoch,
    SlowCommit,
    /// The state store answers nobody for a while.
    StateDown,
    /// An actor could not be loaded, once.
    LoadFailed,
    /// What was read was damaged: the machine is built, and panics when a certain sample comes.
    DamagedRead,
    /// What was read was damaged: the machine cannot be built, its making panics.
    DamagedBuild,
    /// The store itself panics.
    StorePanicked,
    /// Letters that have been handled are read again.
    LettersAgain,
    LogFull,
    /// A group of the log was lost, or was not but nobody knows.
    LogFailed,
    LogSlow,
    /// Stored samples could not be read, once.
    SamplesUnread,
    SocketLost,
    /// The client has a new socket while the server still holds the old one.
    HalfOpen,
    /// A client reads nothing for a while.
    Stalled,
    FrameLost,
    FrameDoubled,
    FrameLate,
    /// A client sends far too much at once.
    Flood,
    /// The process dies and starts again on what is stored.
    Killed,
}

use Fault::*;

/// Each kind with its word and how often it is tried, in thousandths of its occasions, at most.
const KINDS: &[(Fault, &str, u64)] = &[
    (UnknownBefore, "commit_unknown_not_done", 100),
    (UnknownAfter, "commit_unknown_done", 100),
    (StolenEpoch, "epoch_stolen", 80),
    (SlowCommit, "commit_slow", 150),
    (StateDown, "state_down", 12),
    (LoadFailed, "load_failed", 300),
    (DamagedRead, "read_damaged", 400),
    (DamagedBuild, "build_panicked", 300),
    (StorePanicked, "store_panicked", 5),
    (LettersAgain, "letters_again", 300),
    (LogFull, "log_full", 10),
    (LogFailed, "log_failed", 20),
    (LogSlow, "log_slow", 60),
    (SamplesUnread, "samples_unread", 250),
    (SocketLost, "socket_lost", 15),
    (HalfOpen, "socket_half_open", 500),
    (Stalled, "client_stalled", 6),
    (FrameLost, "frame_lost", 300),
    (FrameDoubled, "frame_doubled", 150),
    (FrameLate, "frame_late", 250),
    (Flood, "client_flood", 3),
    (Killed, "process_killed", 4),
];

/// A rate, in millionths.
const ALWAYS: u64 = 1_000_000;

pub struct Faults {
    inner: Mutex<Inner>,
}

struct Inner {
    on: bool,
    rng: Rng,
    rates: BTreeMap<Fault, u64>,
    counts: BTreeMap<Fault, u64>,
}

impl Faults {
    /// Each seed leaves some kinds out and does others often: a run in which everything fails a little finds less.
    pub fn new(rng: &mut Rng) -> Faults {
        let mut rng = rng.fork();
        let rate = |(fault, _, max): &(Fault, &str, u64)| {
            let share = *rng.pick(&[0, 0, 200, 500, 1_000, 1_000]);
            (*fault, max * share)
        };
        let rates = KINDS.iter().map(rate).collect();
        Faults { inner: Mutex::new(Inner { on: true, rng, rates, counts: BTreeMap::new() }) }
    }

    /// Nothing goes wrong but what [`Faults::set`] says.
    pub fn none(rng: &mut Rng) -> Faults {
        let (rates, counts) = (BTreeMap::new(), BTreeMap::new());
        Faults { inner: Mutex::new(Inner { on: true, rng: rng.fork(), rates, counts }) }
    }

    /// This kind happens so often from now on, in thousandths of its occasions.
    pub fn set(&self, fault: Fault, per_mille: u64) {
        self.inner.lock().expect("one thread").rates.insert(fault, per_mille * ALWAYS / 1_000);
    }

    /// These kinds whenever there is an occasion, and no others.
    pub fn only(kinds: &[Fault]) -> Faults {
        let rates = kinds.iter().map(|fault| (*fault, ALWAYS)).collect();
        Faults { inner: Mutex::new(Inner { on: true, rng: Rng::new(0), rates, counts: BTreeMap::new() }) }
    }

    pub fn switch(&self, on: bool) {
        self.inner.lock().expect("one thread").on = on;
    }

    pub fn are_on(&self) -> bool {
        self.inner.lock().expect("one thread").on
    }

    /// Whether it happens now; if so it is counted.
    pub fn happens(&self, fault: Fault) -> bool {
        let mut inner = self.inner.lock().expect("one thread");
        let rate = inner.rates.get(&fault).copied().unwrap_or(0);
        let happens = inner.on && rate > 0 && inner.rng.below(ALWAYS) < rate;
        if happens {
            *inner.counts.entry(fault).or_default() += 1;
        }
        happens
    }

    /// How often each kind happened, by its word.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let inner = self.inner.lock().expect("one thread");
        KINDS.iter().map(|(fault, word, _)| (*word, inner.counts.get(fault).copied().unwrap_or(0))).collect()
    }
}
