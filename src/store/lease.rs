//! For how long this process may believe that the shards are its own. A lease is renewed in the database; where that does not succeed
//! in time, nothing is acknowledged any more, since by then another may have taken over. Time is that of our own monotonic clock only.

use fitconnect_actors::ports::*;
use fitconnect_domain::Millis;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::{ClassId, SourceId};
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The owner's counter rises so often.
pub const BEAT: Duration = Duration::from_millis(600);
/// Without a renewal for so long, the owner stops acknowledging.
pub const HELD: Duration = Duration::from_millis(2_400);
/// A counter that stood still for so long is that of a dead owner. Longer than [`HELD`]: it has stopped by then.
pub const SUSPECT: Duration = Duration::from_millis(3_600);
/// How often one who waits looks at another's counter.
pub const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub struct Lease {
    anchor: Instant,
    /// Milliseconds after the anchor; `u64::MAX`: for as long as the process lives.
    until: AtomicU64,
    lost: watch::Sender<Option<String>>,
}

impl Lease {
    /// Held until it is renewed for the first time, from `sent` on.
    pub fn new(sent: Instant) -> Arc<Lease> {
        let lease = Lease { anchor: sent, until: AtomicU64::new(0), lost: watch::Sender::new(None) };
        lease.renewed(sent);
        Arc::new(lease)
    }

    /// Of a store that nobody else can reach.
    pub fn for_ever() -> Arc<Lease> {
        let lease = Lease { anchor: Instant::now(), until: AtomicU64::new(u64::MAX), lost: watch::Sender::new(None) };
        Arc::new(lease)
    }

    /// A renewal that was sent at this moment has succeeded.
    pub fn renewed(&self, sent: Instant) {
        let until = sent.saturating_duration_since(self.anchor) + HELD;
        self.until.fetch_max(until.as_millis() as u64, Ordering::AcqRel);
    }

    pub fn is_held(&self) -> bool {
        self.lost.borrow().is_none() && (self.anchor.elapsed().as_millis() as u64) < self.until.load(Ordering::Acquire)
    }

    /// Another has taken over.
    pub fn is_lost(&self, why: String) {
        self.lost.send_replace(Some(why));
    }

    /// Waits until another has taken over, and says who.
    pub async fn lost(&self) -> String {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The sender is ours: it is there as long as we are.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Said where a commit comes while nobody knows whose the shards are.
pub const NOT_HELD: &str =
    "this server could not renew its ownership of the database in time: it acknowledges nothing until it can";

/// An event log that takes nothing while the lease is not held.
pub struct Held<L> {
    pub log: L,
    pub lease: Arc<OnceLock<Arc<Lease>>>,
}

impl<L> Held<L> {
    fn is_held(&self) -> bool {
        self.lease.get().is_none_or(|lease| lease.is_held())
    }
}

impl<L: EventLog> EventLog for Held<L> {
    fn append(&self, writer: Writer, number: u64, event: Event) -> bool {
        self.is_held() && self.log.append(writer, number, event)
    }

    fn is_open(&self) -> bool {
        self.is_held() && self.log.is_open()
    }

    fn samples(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.log.samples(class, sources)
    }

    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<ClassEvent>, StoreError>> {
        self.log.class_events(class)
    }

    fn samples_since(&self, class: ClassId, since: Millis) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.log.samples_since(class, since)
    }

    fn keep_checkpoint(&self, class: ClassId, checkpoint: Option<Checkpoint>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.log.keep_checkpoint(class, checkpoint)
    }

    fn checkpoint(&self, class: ClassId) -> BoxFuture<'_, Result<Option<Checkpoint>, StoreError>> {
        self.log.checkpoint(class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_itself_or_by_another() {
        let now = Instant::now();
        assert!(Lease::new(now).is_held());
        let Some(long_ago) = now.checked_sub(HELD) else { return };
        let lease = Lease::new(long_ago);
        assert!(!lease.is_held(), "counted from before the renewal was sent");
        lease.renewed(now);
        assert!(lease.is_held());
        lease.is_lost("taken".into());
        lease.renewed(Instant::now());
        assert!(!lease.is_held(), "what is another's comes back only with a new life");
        assert!(Lease::for_ever().is_held());
    }
}
