//! Counters of the stores, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Counts {
    pub bytes_waiting: AtomicU64,
    pub bytes: AtomicU64,
    pub groups: AtomicU64,
    pub groups_failed: AtomicU64,
    pub records: AtomicU64,
    pub samples: AtomicU64,
    pub busy: AtomicU64,
    pub sync_us_last: AtomicU64,
    pub group_us_last: AtomicU64,
    pub windows_shipped: AtomicU64,
    pub chunks_shipped: AtomicU64,
    pub ship_failures: AtomicU64,
    pub outbox_told: AtomicU64,
    pub outbox_failures: AtomicU64,
    pub outbox_lag_ms: AtomicU64,
    /// 1 while a sample is acknowledged by the event store.
    pub ack_quorum: AtomicU64,
    pub ack_fallbacks: AtomicU64,
}

/// The stores at one moment. Counters are since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreStats {
    /// Bytes of the log that the event store does not have.
    pub log_bytes_waiting: u64,
    /// Sealed windows among them.
    pub log_windows_waiting: u64,
    /// Why the log takes nothing now.
    pub log_trouble: Option<String>,
    pub log_bytes: u64,
    pub log_groups: u64,
    pub log_groups_failed: u64,
    pub log_records: u64,
    pub log_samples: u64,
    /// Appends that were refused.
    pub log_busy: u64,
    /// The last sync alone, and the last group with its write.
    pub log_sync_last: Duration,
    pub log_group_last: Duration,
    pub windows_shipped: u64,
    pub chunks_shipped: u64,
    pub ship_failures: u64,
    /// Age of the oldest window that the event store does not have, in whole seconds.
    pub ship_lag: Duration,
    /// Changes that the event store was told, attempts that failed, and the age of the oldest that waited when it was last looked.
    pub outbox_told: u64,
    pub outbox_failures: u64,
    pub outbox_lag: Duration,
    /// Batches that may be under way to the event store, where it is a cluster.
    pub ship_pace: Option<u64>,
    /// Whether samples are to be acknowledged by the event store, whether they are now, and how often that ended.
    pub ack_quorum_wanted: bool,
    pub ack_quorum: bool,
    pub ack_fallbacks: u64,
    /// Transactions of the state store, and the actors' commits in them.
    pub state_transactions: u64,
    pub state_commits: u64,
    /// Statements outside of those transactions.
    pub state_queries: u64,
    /// Commits whose outcome was not known and was read again; tries after the first, by work.
    pub state_unknown: u64,
    pub state_retries: Vec<(&'static str, u64)>,
    pub letters_unreadable: u64,
}

impl Counts {
    pub fn read(&self) -> StoreStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreStats {
            log_bytes_waiting: get(&self.bytes_waiting),
            log_bytes: get(&self.bytes),
            log_groups: get(&self.groups),
            log_groups_failed: get(&self.groups_failed),
            log_records: get(&self.records),
            log_samples: get(&self.samples),
            log_busy: get(&self.busy),
            log_sync_last: Duration::from_micros(get(&self.sync_us_last)),
            log_group_last: Duration::from_micros(get(&self.group_us_last)),
            windows_shipped: get(&self.windows_shipped),
            chunks_shipped: get(&self.chunks_shipped),
            ship_failures: get(&self.ship_failures),
            outbox_told: get(&self.outbox_told),
            outbox_failures: get(&self.outbox_failures),
            outbox_lag: Duration::from_millis(get(&self.outbox_lag_ms)),
            ack_quorum: get(&self.ack_quorum) == 1,
            ack_fallbacks: get(&self.ack_fallbacks),
            ..StoreStats::default()
        }
    }
}
