//! What a run counts and measures: sums, and latencies as histograms in microseconds (HdrHistogram, three digits).
//! Shared by tasks of one process; the lean fleet has one of its own without locks.

use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Longest latency that is told apart: two minutes.
const LATENCY_US_MAX: u64 = 120_000_000;

/// Latencies.
#[derive(Clone, Debug)]
pub struct Latencies(pub Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Latencies(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order and the digits few"))
    }
}

impl Latencies {
    pub fn record(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }
    pub fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("all histograms have the same bounds");
    }
    /// Milliseconds that `percent` of all do not exceed; 0 without any.
    pub fn ms(&self, percent: f64) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.value_at_percentile(percent) as f64 / 1_000.0 }
    }
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1_000.0
    }
    pub fn len(&self) -> u64 {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sums of many riders.
#[derive(Debug, Default)]
pub struct Tally {
    pub joined: AtomicU64,
    pub samples: AtomicU64,
    pub resent: AtomicU64,
    pub frames_lost: AtomicU64,
    pub frames_doubled: AtomicU64,
    pub acked: AtomicU64,
    pub mine: AtomicU64,
    pub ticks: AtomicU64,
    pub refused: AtomicU64,
    pub reconnects: AtomicU64,
    /// Sample to own board, as `reflect` defines it.
    board: Mutex<Latencies>,
    /// Sample to its acknowledgement.
    ack: Mutex<Latencies>,
}

impl Tally {
    pub fn count(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub fn board_us(&self, latencies: &[u64]) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.iter().for_each(|us| board.record(*us));
    }
    pub fn ack_us(&self, us: u64) {
        self.ack.lock().unwrap_or_else(PoisonError::into_inner).record(us);
    }
    pub fn board(&self) -> Latencies {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub fn ack(&self) -> Latencies {
        self.ack.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_told_in_milliseconds_to_three_digits() {
        let mut latencies = Latencies::default();
        assert_eq!((latencies.ms(99.0), latencies.is_empty()), (0.0, true));
        for ms in 1..=1_000 {
            latencies.record(ms * 1_000);
        }
        for (percent, expected) in [(50.0, 500.0), (99.0, 990.0), (99.9, 999.0)] {
            let got = latencies.ms(percent);
            assert!((got - expected).abs() <= expected / 500.0, "p{percent}: {got}");
        }
        latencies.record(u64::MAX);
        assert!(latencies.max_ms() >= 120_000.0, "what is longer counts as the longest");
    }
}
