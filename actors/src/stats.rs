//! Counters of the house by actor kind, cheap enough for every message. The shell's metrics read them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Session,
    Class,
    User,
    Room,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Session, Kind::Class, Kind::User, Kind::Room];
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Session => "session",
            Kind::Class => "class",
            Kind::User => "user",
            Kind::Room => "room",
        }
    }
}

/// Upper bounds of the handling time's buckets, in microseconds; the last bucket has none.
pub const HANDLING_US: [u64; 8] = [5, 20, 50, 100, 500, 2_000, 10_000, 50_000];

#[derive(Debug, Default)]
pub struct KindStats {
    pub alive: AtomicI64,
    /// Messages accepted and not yet handled, over all actors of the kind.
    pub mailbox: AtomicI64,
    pub handled: AtomicU64,
    pub handling_us_sum: AtomicU64,
    /// By [`HANDLING_US`], each with its own.
    pub handling: [AtomicU64; HANDLING_US.len() + 1],
    /// Machines that were dropped and loaded again after a fault.
    pub restarts: AtomicU64,
    pub panics: AtomicU64,
    /// Parked for a human: three panics within a minute.
    pub broken: AtomicI64,
    /// Messages refused because a mailbox was full.
    pub full: AtomicU64,
}

impl KindStats {
    pub fn handled(&self, took: Duration) {
        let us = took.as_micros() as u64;
        let bucket = HANDLING_US.iter().position(|bound| us <= *bound).unwrap_or(HANDLING_US.len());
        self.handled.fetch_add(1, Ordering::Relaxed);
        self.handling_us_sum.fetch_add(us, Ordering::Relaxed);
        self.handling[bucket].fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
pub struct Stats {
    kinds: [KindStats; Kind::ALL.len()],
    pub commits: AtomicU64,
    pub commits_failed: AtomicU64,
    pub letters: AtomicU64,
    pub repeats: AtomicU64,
}

impl Stats {
    pub fn of(&self, kind: Kind) -> &KindStats {
        &self.kinds[kind as usize]
    }
}
