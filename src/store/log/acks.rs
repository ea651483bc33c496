//! When what is on disk is reported as durable. `ack = local`: at once. `ack = quorum`: when the event store has its window too, so that
//! the loss of this machine's disk loses nothing; while the event store is away, at once again, and that is said.

use crate::store::lock;
use crate::store::stats::Counts;
use fitconnect_actors::ports::{Durable, DurableSink, Writer as By};
use fitconnect_protocol::limits::ACK_QUORUM_WAIT_MS;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub struct Acks {
    sink: DurableSink,
    quorum: bool,
    counts: Arc<Counts>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// By window, oldest first: since when something of it waits, and how far each writer has come.
    windows: VecDeque<(u64, Instant, BTreeMap<By, u64>)>,
    /// The event store does not answer.
    away: bool,
}

impl Acks {
    pub fn new(sink: DurableSink, quorum: bool, counts: Arc<Counts>) -> Acks {
        counts.ack_quorum.store(u64::from(quorum), Ordering::Relaxed);
        Acks { sink, quorum, counts, held: Mutex::default() }
    }

    /// A group of this window is on disk.
    pub fn on_disk(&self, window: u64, marks: BTreeMap<By, u64>) {
        // The sink is told under the lock: of one writer it must never hear a lower number after a higher one.
        let mut held = lock(&self.held);
        if !self.quorum || held.away {
            return self.tell(marks);
        }
        match held.windows.back_mut() {
            Some((last, _, waiting)) if *last == window => waiting.extend(marks),
            Some(_) | None => held.windows.push_back((window, Instant::now(), marks)),
        }
        let waits = held.windows.front().map(|(_, since, _)| since.elapsed());
        if waits > Some(Duration::from_millis(ACK_QUORUM_WAIT_MS)) {
            self.fall_back(&mut held, "it does not keep up");
        }
    }

    pub fn failed(&self, writer: By) {
        let _held = lock(&self.held);
        (self.sink)(Durable::Failed { writer });
    }

    /// The event store has the window.
    pub fn shipped(&self, window: u64) {
        let mut held = lock(&self.held);
        while held.windows.front().is_some_and(|(oldest, ..)| *oldest <= window) {
            if let Some((_, _, marks)) = held.windows.pop_front() {
                self.tell(marks);
            }
        }
    }

    /// The event store did not take a window.
    pub fn store_away(&self, why: &str) {
        let mut held = lock(&self.held);
        if self.quorum && !held.away {
            self.fall_back(&mut held, why);
        }
    }

    /// The event store has everything that was sealed.
    pub fn store_caught_up(&self) {
        let mut held = lock(&self.held);
        if self.quorum && held.away {
            held.away = false;
            self.counts.ack_quorum.store(1, Ordering::Relaxed);
            tracing::info!("samples are acknowledged by the event store again");
        }
    }

    fn fall_back(&self, held: &mut Held, why: &str) {
        held.away = true;
        self.counts.ack_quorum.store(0, Ordering::Relaxed);
        self.counts.ack_fallbacks.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(why, "the event store is away: samples are acknowledged by this machine's disk alone");
        for (_, _, marks) in std::mem::take(&mut held.windows) {
            self.tell(marks);
        }
    }

    fn tell(&self, marks: BTreeMap<By, u64>) {
        for (writer, number) in marks {
            (self.sink)(Durable::Through { writer, number });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_domain::ActorKey;
    use fitconnect_protocol::{ClassId, Uuid};

    const ANA: By = By { key: ActorKey::Class(ClassId(Uuid::from_u128(3))), life: 1 };

    fn acks() -> (Acks, Arc<Mutex<Vec<u64>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let sink: DurableSink = Arc::new(move |durable| match durable {
            Durable::Through { number, .. } => lock(&heard).push(number),
            Durable::Failed { .. } => panic!("nothing failed"),
        });
        (Acks::new(sink, true, Arc::default()), told)
    }

    fn told(told: &Mutex<Vec<u64>>) -> Vec<u64> {
        std::mem::take(&mut *lock(told))
    }

    #[test]
    fn a_window_is_told_when_the_store_has_it() {
        let (acks, heard) = acks();
        acks.on_disk(10, BTreeMap::from([(ANA, 1)]));
        acks.on_disk(10, BTreeMap::from([(ANA, 2)]));
        acks.on_disk(11, BTreeMap::from([(ANA, 3)]));
        assert_eq!(told(&heard), [0_u64; 0]);
        acks.shipped(10);
        assert_eq!(told(&heard), [2]);
        acks.shipped(11);
        assert_eq!(told(&heard), [3]);
    }

    #[test]
    fn a_store_that_is_away_is_waited_for_no_longer_until_it_has_caught_up() {
        let (acks, heard) = acks();
        acks.on_disk(10, BTreeMap::from([(ANA, 1)]));
        acks.store_away("it is down");
        assert_eq!(told(&heard), [1]);
        acks.on_disk(11, BTreeMap::from([(ANA, 2)]));
        assert_eq!(told(&heard), [2], "from then on the disk is enough");
        acks.shipped(11);
        acks.store_caught_up();
        acks.on_disk(12, BTreeMap::from([(ANA, 3)]));
        assert_eq!(told(&heard), [0_u64; 0]);
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!((read(&acks.counts.ack_quorum), read(&acks.counts.ack_fallbacks)), (1, 1));
    }
}
