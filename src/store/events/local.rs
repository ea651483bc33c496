//! The event log of one machine: appends go to the local log; reads join what the event store has with what the log still holds.

use super::Checkpoints;
use crate::store::log::{Log, OfClass};
use fitconnect_actors::ports::*;
use fitconnect_domain::Millis;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::limits::LOG_WINDOW_MS;
use fitconnect_protocol::{ClassId, SourceId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Parsed windows that are kept for the next reader, from the newest back.
const PARSED_MAX: usize = 4;
/// More samples than this are put in order apart from the actors.
const SORT_INLINE_MAX: usize = 5_000;

pub struct LocalEvents {
    log: Arc<Log>,
    store: Arc<dyn EventStore>,
    checkpoints: Checkpoints,
}

impl LocalEvents {
    pub fn new(log: Arc<Log>, store: Arc<dyn EventStore>, checkpoints: Checkpoints) -> LocalEvents {
        LocalEvents { log, store, checkpoints }
    }

    /// What the log holds of a class. It must be asked before the store: what is shipped in between is in both, not in neither.
    fn in_log(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> impl Future<Output = Result<Vec<OfClass>, StoreError>> + Send + use<> {
        // From here on, so that it covers what was appended before the call.
        let flushed = self.log.flushed();
        let log = self.log.clone();
        async move {
            flushed.await.map_err(|failed| StoreError::Unavailable(failed.0))?;
            let windows = log.unshipped();
            if windows.is_empty() {
                return Ok(Vec::new());
            }
            aside(move || {
                let sources = sources.map(BTreeSet::from_iter);
                let old = windows.len().saturating_sub(PARSED_MAX);
                let parts = windows.iter().enumerate().map(|(index, window)| {
                    let part = window.of_class(class, sources.as_ref());
                    if index < old {
                        window.forget();
                    }
                    part
                });
                parts.collect()
            })
            .await
        }
    }
}

/// Runs something that reads files or takes long, away from the actors.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("a read of the log broke off: {error}"))))
}

/// Each sample once, by its identity.
fn each_once(mut samples: Vec<StoredSample>) -> Vec<StoredSample> {
    let identity = |sample: &StoredSample| (sample.source, sample.receiver, sample.boot, sample.seq);
    samples.sort_unstable_by_key(identity);
    samples.dedup_by_key(|sample| identity(sample));
    samples
}

impl EventLog for LocalEvents {
    fn append(&self, writer: Writer, number: u64, event: Event) -> bool {
        self.log.append(writer, number, &event)
    }

    fn is_open(&self) -> bool {
        self.log.is_open()
    }

    fn samples(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        let in_log = self.in_log(class, sources.clone());
        async move {
            let in_log = in_log.await?;
            let mut samples = self.store.chunks(class, sources).await?;
            samples.extend(in_log.into_iter().flat_map(|part| part.samples.into_values().flatten()));
            if samples.len() <= SORT_INLINE_MAX {
                return Ok(each_once(samples));
            }
            aside(move || Ok(each_once(samples))).await
        }
        .boxed()
    }

    fn samples_since(&self, class: ClassId, since: Millis) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        let in_log = self.in_log(class, None);
        // A window is numbered by the second of its beginning, or higher: what came in it came within its length.
        let window = (since.0.saturating_sub(LOG_WINDOW_MS)) / 1_000;
        async move {
            let in_log = in_log.await?;
            let mut samples = self.store.chunks_since(class, window).await?;
            samples.extend(in_log.into_iter().flat_map(|part| part.samples.into_values().flatten()));
            if samples.len() <= SORT_INLINE_MAX {
                return Ok(each_once(samples));
            }
            aside(move || Ok(each_once(samples))).await
        }
        .boxed()
    }

    fn keep_checkpoint(&self, class: ClassId, checkpoint: Option<Checkpoint>) -> BoxFuture<'_, Result<(), StoreError>> {
        let checkpoints = self.checkpoints.clone();
        aside(move || checkpoints.keep(class, checkpoint.as_ref())).boxed()
    }

    fn checkpoint(&self, class: ClassId) -> BoxFuture<'_, Result<Option<Checkpoint>, StoreError>> {
        let checkpoints = self.checkpoints.clone();
        aside(move || Ok(checkpoints.read(class))).boxed()
    }

    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<(i64, String, Vec<u8>)>, StoreError>> {
        let in_log = self.in_log(class, None);
        async move {
            let in_log = in_log.await?;
            let mut rows = self.store.class_events(class).await?;
            rows.extend(in_log.into_iter().flat_map(|part| part.events));
            let place = |row: &ClassEventRow| (row.at, row.window, row.node, row.number);
            rows.sort_unstable_by_key(place);
            rows.dedup_by_key(|row| place(row));
            Ok(rows.into_iter().map(|row| (row.at, row.kind, row.body)).collect())
        }
        .boxed()
    }
}
