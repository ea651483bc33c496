//! Takes the outbox of the state store to the event store: each change once its transaction has committed, of each actor in order. What is
//! told twice is the same row, so a row goes only when the event store has answered, and a second teller does no harm.

use super::sql::Engine;
use super::stats::Counts;
use crate::clock::WallClock;
use fitconnect_actors::ports::{Clock, EventStore, StoreError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Rows of one round.
const ROWS: u32 = 480;
/// How often it is looked whether something was committed.
const LOOK: Duration = Duration::from_millis(500);
/// A store that does not answer is asked again after this, doubled up to the other.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// At the end it gets so long; the rest waits for the next start.
const LAST_ROUNDS: Duration = Duration::from_secs(5);

pub struct Teller {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Teller {
    /// Tells from now on, on the runtime of the caller.
    pub fn start(state: Arc<dyn Engine>, store: Arc<dyn EventStore>, counts: Arc<Counts>) -> Teller {
        let (stop, stopped) = watch::channel(false);
        let outbox = Outbox { state, store, counts, clock: WallClock::start() };
        Teller { stop, task: tokio::spawn(outbox.tell_until(stopped)) }
    }

    /// Tells what was committed before, as far as the store takes it, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::error!("the outbox's teller panicked: the outbox keeps what it did not tell");
        }
    }
}

struct Outbox {
    state: Arc<dyn Engine>,
    store: Arc<dyn EventStore>,
    counts: Arc<Counts>,
    clock: WallClock,
}

impl Outbox {
    async fn tell_until(self, mut stopped: watch::Receiver<bool>) {
        let mut pause = LOOK;
        // What this process had committed, or may have, when the outbox was last seen empty; what an earlier one left is looked for first.
        let mut empty_at = None;
        while !*stopped.borrow() {
            let counts = self.state.counts();
            let committed = (counts.commits, counts.unknown);
            if empty_at != Some(committed) {
                match self.rounds(|| *stopped.borrow()).await {
                    Ok(()) => (pause, empty_at) = (LOOK, Some(committed)),
                    Err(error) => {
                        self.counts.outbox_failures.fetch_add(1, Ordering::Relaxed);
                        pause = if pause == LOOK { AGAIN } else { (pause * 2).min(AGAIN_MAX) };
                        tracing::warn!(%error, again_ms = pause.as_millis() as u64, "the event store is not told what changed: the outbox keeps it");
                    }
                }
            }
            // A dropped sender is an end too.
            if let Ok(Err(_)) = tokio::time::timeout(pause, stopped.changed()).await {
                return;
            }
        }
        let last = tokio::time::timeout(LAST_ROUNDS, self.rounds(|| false)).await;
        if let Err(error) = last.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer".into()))) {
            tracing::warn!(%error, "the outbox waits for the next start");
        }
    }

    /// Until nothing waits, or `enough`.
    async fn rounds(&self, enough: impl Fn() -> bool) -> Result<(), StoreError> {
        loop {
            let waiting = self.state.outbox(ROWS).await?;
            let oldest = waiting.iter().map(|told| told.at).min();
            let lag_ms = oldest.map_or(0, |oldest| self.clock.now().since(oldest));
            self.counts.outbox_lag_ms.store(lag_ms, Ordering::Relaxed);
            let rows = waiting.len();
            if rows == 0 {
                return Ok(());
            }
            self.store.write_changes(waiting.clone()).await?;
            self.state.clear_outbox(waiting).await?;
            self.counts.outbox_told.fetch_add(rows as u64, Ordering::Relaxed);
            if enough() {
                return Ok(());
            }
        }
    }
}
