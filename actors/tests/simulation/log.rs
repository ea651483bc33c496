//! The local log in memory: groups that become durable together, and faults by seed. What is durable outlives the processes of a run.

use crate::faults::{Fault, Faults};
use crate::rng::Rng;
use fitconnect_actors::ports::{Checkpoint, Durable, DurableSink, Event, EventLog, StoreError, Writer};
use fitconnect_domain::Millis;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::limits::LOG_GROUP_MS;
use fitconnect_protocol::{ClassId, ReceiverId, SourceId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// (source, receiver, boot, seq): what a sample is.
pub type Key = (SourceId, ReceiverId, u32, u32);

struct Appended {
    writer: Writer,
    number: u64,
    event: Event,
}

struct Inner {
    rng: Rng,
    sink: DurableSink,
    group: Vec<Appended>,
    /// Groups begun and ended, for those who read after what the log holds.
    begun: u64,
    ended: u64,
    /// Lives that have lost something: nothing of them is reported any more.
    dead: BTreeSet<Writer>,
    durable: BTreeMap<ClassId, BTreeMap<Key, StoredSample>>,
    checkpoints: BTreeMap<ClassId, Checkpoint>,
    full_until: Option<Instant>,
    wrong: Vec<String>,
}

pub struct SimLog {
    faults: Arc<Faults>,
    inner: Mutex<Inner>,
    ended: Notify,
}

impl SimLog {
    pub fn new(rng: &mut Rng, faults: &Arc<Faults>) -> SimLog {
        let inner = Inner {
            rng: rng.fork(),
            sink: Arc::new(|_| ()),
            group: Vec::new(),
            begun: 0,
            ended: 0,
            dead: BTreeSet::new(),
            durable: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            full_until: None,
            wrong: Vec::new(),
        };
        SimLog { faults: faults.clone(), inner: Mutex::new(inner), ended: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding the log")
    }

    /// A process begins. What the one before had not synced is there, or is not.
    pub fn open(&self, sink: DurableSink) {
        let mut inner = self.inner();
        (inner.sink, inner.full_until, inner.ended) = (sink, None, inner.begun);
        inner.dead.clear();
        for appended in std::mem::take(&mut inner.group) {
            if inner.rng.hits(500) {
                inner.write(appended.event);
            }
        }
    }

    /// Makes what was appended durable, a group at a time. Runs as long as the process.
    pub async fn run(self: Arc<SimLog>) {
        loop {
            sleep(Duration::from_millis(LOG_GROUP_MS)).await;
            if self.inner().group.is_empty() {
                continue;
            }
            if self.faults.happens(Fault::LogSlow) {
                let ms = self.inner().rng.between(200, 3_000);
                sleep(Duration::from_millis(ms)).await;
            }
            // Taken and written in one go: a process that dies leaves the whole group in doubt.
            let marks = self.write_group();
            let us = self.inner().rng.between(200, 9_000);
            sleep(Duration::from_micros(us)).await;
            let sink = {
                let mut inner = self.inner();
                inner.ended = inner.begun;
                inner.sink.clone()
            };
            marks.into_iter().for_each(|mark| sink(mark));
            self.ended.notify_waiters();
        }
    }

    fn write_group(&self) -> Vec<Durable> {
        let failed = self.faults.happens(Fault::LogFailed);
        let mut inner = self.inner();
        let mut marks: BTreeMap<Writer, u64> = BTreeMap::new();
        inner.begun += 1;
        for Appended { writer, number, event } in std::mem::take(&mut inner.group) {
            if inner.dead.contains(&writer) {
                continue;
            }
            marks.insert(writer, number);
            // A failed write may have reached the disk all the same.
            if !failed || inner.rng.hits(500) {
                inner.write(event);
            }
        }
        if failed {
            inner.dead.extend(marks.keys().copied());
            return marks.into_keys().map(|writer| Durable::Failed { writer }).collect();
        }
        marks.into_iter().map(|(writer, number)| Durable::Through { writer, number }).collect()
    }

    /// Called once a step: the log may be full for a while.
    pub fn step(&self) {
        if self.faults.happens(Fault::LogFull) {
            let mut inner = self.inner();
            let ms = inner.rng.between(200, 5_000);
            inner.full_until = Some(Instant::now() + Duration::from_millis(ms));
        }
    }

    pub fn samples_of<T>(&self, class: ClassId, look: impl FnOnce(&BTreeMap<Key, StoredSample>) -> T) -> T {
        look(self.inner().durable.entry(class).or_default())
    }

    pub fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().wrong)
    }
}

impl Inner {
    fn write(&mut self, event: Event) {
        let Event::Samples { class, samples } = event else { return };
        for sample in samples {
            let key = (sample.source, sample.receiver, sample.boot, sample.seq);
            let stored = self.durable.entry(class).or_default();
            if let Some(other) = stored.insert(key, sample.clone())
                && other != sample
            {
                self.wrong.push(format!("a sample was stored twice, and differs: {other:?} {sample:?}"));
            }
        }
    }
}

impl EventLog for SimLog {
    fn append(&self, writer: Writer, number: u64, event: Event) -> bool {
        if !self.is_open() {
            return false;
        }
        self.inner().group.push(Appended { writer, number, event });
        true
    }

    fn is_open(&self) -> bool {
        !self.faults.are_on() || self.inner().full_until.is_none_or(|until| Instant::now() >= until)
    }

    fn samples(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        async move {
            let wanted = {
                let inner = self.inner();
                inner.begun + u64::from(!inner.group.is_empty())
            };
            loop {
                let ended = self.ended.notified();
                if self.inner().ended >= wanted {
                    break;
                }
                ended.await;
            }
            if self.faults.happens(Fault::SamplesUnread) {
                return Err(StoreError::Unavailable("unread".into()));
            }
            let samples: Vec<StoredSample> = self.samples_of(class, |stored| {
                let wanted =
                    |sample: &&StoredSample| sources.as_ref().is_none_or(|sources| sources.contains(&sample.source));
                stored.values().filter(wanted).cloned().collect()
            });
            let us = self.inner().rng.between(500, 60_000);
            sleep(Duration::from_micros(us)).await;
            Ok(samples)
        }
        .boxed()
    }

    /// All of them: at least those that are wanted.
    fn samples_since(&self, class: ClassId, _: Millis) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.samples(class, None)
    }

    fn keep_checkpoint(&self, class: ClassId, checkpoint: Option<Checkpoint>) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut inner = self.inner();
        match checkpoint {
            Some(checkpoint) => inner.checkpoints.insert(class, checkpoint),
            None => inner.checkpoints.remove(&class),
        };
        drop(inner);
        async { Ok(()) }.boxed()
    }

    fn checkpoint(&self, class: ClassId) -> BoxFuture<'_, Result<Option<Checkpoint>, StoreError>> {
        let checkpoint = self.inner().checkpoints.get(&class).cloned();
        async { Ok(checkpoint) }.boxed()
    }

    fn class_events(&self, _: ClassId) -> BoxFuture<'_, Result<Vec<(i64, String, Vec<u8>)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}
