//! The shell's counters: plain atomics, so that counting costs nothing. Actors have theirs in `fitconnect_actors::stats`.

use fitconnect_protocol::CloseCode;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Metrics {
    pub sockets: AtomicI64,
    pub sockets_opened: AtomicU64,
    /// By place in `CloseCode::ALL`: closes that the server chose.
    pub sockets_closed: [AtomicU64; CloseCode::ALL.len()],
    pub sockets_reaped: AtomicU64,
    pub frames_bad: AtomicU64,
    /// HTTP requests by hundreds of their status: 1xx to 5xx.
    pub http: [AtomicU64; 5],
    pub http_time: Timing,
    pub logins_ok: AtomicU64,
    pub logins_wrong: AtomicU64,
    pub logins_limited: AtomicU64,
    pub tokens_refused: AtomicU64,
    pub origins_refused: AtomicU64,
}

/// Upper bounds of a timing's buckets, in microseconds; the last bucket has none.
pub const TIMING_US: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];

/// How long something took, as a histogram.
#[derive(Debug, Default)]
pub struct Timing {
    sum_us: AtomicU64,
    buckets: [AtomicU64; TIMING_US.len() + 1],
}

impl Timing {
    pub fn took(&self, took: Duration) {
        let us = took.as_micros() as u64;
        let bucket = TIMING_US.iter().position(|bound| us <= *bound).unwrap_or(TIMING_US.len());
        self.sum_us.fetch_add(us, Ordering::Relaxed);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    /// Sum in seconds, and each bucket with its upper bound in seconds.
    pub(super) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let bounds = TIMING_US.iter().map(|us| *us as f64 / 1e6).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|count| count.load(Ordering::Relaxed));
        (self.sum_us.load(Ordering::Relaxed) as f64 / 1e6, bounds.zip(counts).collect())
    }
}

/// What the hub and the sockets' outboxes do, read when the metrics are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fanout {
    /// Topics with a subscriber or a ring.
    pub topics: u64,
    /// Bytes that wait in user space for all sockets, and for the one that has most.
    pub waiting_bytes: u64,
    pub waiting_bytes_most: u64,
    /// Frames put into outboxes.
    pub deliveries: u64,
    /// Ticks that a viewer was not given because it echoed none.
    pub ticks_skipped: u64,
    /// Readers that fell behind and were pulled up.
    pub lagged: u64,
}
