//! Takes sealed windows to the event store, in order, and lets the log have its files back when they are safe there.
//! Shipping a window again writes the same rows: after a crash everything that is still on disk is shipped once more.

use crate::store::log::{Log, Window};
use crate::store::stats::Counts;
use fitconnect_actors::ports::{EventStore, StoreError};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// Chunks of one write: a transaction of a few megabytes.
const CHUNKS_MAX: usize = 4_096;
/// How often files are taken back when nothing else happens.
const LOOK: Duration = Duration::from_millis(500);
/// A store that does not answer is asked again after this, doubled up to the other.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(10);

pub struct Shipper {
    pub log: Arc<Log>,
    pub store: Arc<dyn EventStore>,
    pub counts: Arc<Counts>,
}

impl Shipper {
    /// On a thread of its own: parsing a window takes tens of milliseconds. Ends when the log has ended.
    pub fn start(self) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("shipper".into()).spawn(move || runtime.block_on(self.run()))
    }

    async fn run(self) {
        let mut damaged = BTreeSet::new();
        let mut pause = LOOK;
        loop {
            // Asked before: what was sealed at the very end is shipped too.
            let ended = self.log.has_ended();
            match self.ship_all(&mut damaged).await {
                Ok(()) => {
                    pause = LOOK;
                    self.log.store_caught_up();
                }
                Err(error) => {
                    self.counts.ship_failures.fetch_add(1, Ordering::Relaxed);
                    pause = if pause == LOOK { AGAIN } else { (pause * 2).min(AGAIN_MAX) };
                    self.log.store_away(&error.to_string());
                    tracing::warn!(%error, again_ms = pause.as_millis() as u64, "the event store does not take the log's windows");
                }
            }
            self.log.take_back();
            if ended {
                return;
            }
            // Either way it is time to look.
            let _ = tokio::time::timeout(pause, self.log.sealed()).await;
        }
    }

    async fn ship_all(&self, damaged: &mut BTreeSet<u64>) -> Result<(), StoreError> {
        for window in self.log.unshipped() {
            if !window.is_sealed() || damaged.contains(&window.id) {
                continue;
            }
            match self.ship(&window).await {
                Ok(()) => self.log.shipped(&window),
                Err(StoreError::Damaged(what)) => {
                    // The others must not wait for it; it stays on disk, and whoever wants to read it is told.
                    tracing::error!(what, window = window.id, "a window of the log cannot be read: kept, not shipped");
                    damaged.insert(window.id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn ship(&self, window: &Window) -> Result<(), StoreError> {
        let (mut chunks, events) = window.rows()?;
        self.counts.chunks_shipped.fetch_add(chunks.len() as u64, Ordering::Relaxed);
        while !chunks.is_empty() {
            let rest = chunks.split_off(chunks.len().min(CHUNKS_MAX));
            self.store.write(std::mem::replace(&mut chunks, rest)).await?;
        }
        if !events.is_empty() {
            self.store.write_class_events(events).await?;
        }
        self.counts.windows_shipped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
