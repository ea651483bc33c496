//! The event store of a real gym: Cassandra, or what speaks the same. Every write is idempotent and has the time of its event, so
//! that a window that is shipped again writes the same rows. Batches are of one partition.
//!
//! A class's samples lie by tenth of an hour of arrival and by slot of their sensor; `class_bucket` says which there are. A member's
//! own series lie by day; `hr_day` says which there are.

mod pace;
mod schema;
mod session;

use super::blob::{blob, unblob};
use super::{Cluster, EventsAt};
use crate::clock::WallClock;
use crate::store::lock;
use fitconnect_actors::ports::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::limits::{EVENT_BATCH_BYTES_MAX, EVENT_BATCH_ROWS_MAX, EVENT_BATCHES_MAX};
use fitconnect_protocol::{ClassId, SourceId, UserId, Uuid};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use pace::Pace;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use session::{Fault, Line};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, OnceCell, Semaphore};

/// Windows are numbered by their second: ten minutes of arrival are a bucket. A settlement reads each sensor's buckets of a class.
const BUCKET_WINDOWS: u64 = 600;
/// Sensors of a bucket lie in so many partitions: those of the largest class have some megabytes each. Never changes.
const SLOTS: i8 = 8;
/// More sensors than this: all rows of the class are read and looked through.
const SOURCES_MAX: usize = 32;
/// Partitions that one reader asks for at a time.
const READS: usize = 8;
const TEN_MINUTES_MS: i64 = 10 * 60 * 1_000;
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// How often a batch is tried that came while the cluster had too much to do, and the first pause, doubled each time.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(50);
/// Buckets that are known to be noted.
const NOTED_MAX: usize = 4_096;

pub struct CassandraEvents {
    inner: Arc<Inner>,
    /// Of the thread on which the driver's tasks live: those who ask have runtimes that come and go.
    handle: tokio::runtime::Handle,
    stop: Arc<Notify>,
}

struct Inner {
    cluster: Cluster,
    line: OnceCell<Line>,
    pace: Pace,
    /// All writers together.
    under_way: Semaphore,
    noted: Mutex<BTreeSet<(ClassId, i32)>>,
    clock: WallClock,
    /// Microseconds of the last series: two versions of one never have the same.
    last_us: Mutex<i64>,
}

impl CassandraEvents {
    /// A cluster that does not answer is looked for again whenever something is to be written or read; one that answers and cannot
    /// be used is an error.
    pub async fn open(cluster: &Cluster) -> Result<CassandraEvents, StoreError> {
        let failed = |error: std::io::Error| StoreError::Unavailable(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (handle, stop) = (runtime.handle().clone(), Arc::new(Notify::new()));
        let stopped = stop.clone();
        let living = move || runtime.block_on(stopped.notified());
        std::thread::Builder::new().name("cassandra".into()).spawn(living).map_err(failed)?;
        let inner = Arc::new(Inner {
            cluster: cluster.clone(),
            line: OnceCell::new(),
            pace: Pace::default(),
            under_way: Semaphore::new(EVENT_BATCHES_MAX),
            noted: Mutex::default(),
            clock: WallClock::start(),
            last_us: Mutex::default(),
        });
        let events = CassandraEvents { inner, handle, stop };
        let connected = events.on(|inner| async move { Ok(inner.line().await.err()) }).await?;
        match connected {
            None => Ok(events),
            Some(Fault::Refused(why)) => Err(StoreError::Unavailable(why)),
            Some(Fault::Away(why) | Fault::Pressed(why)) => {
                let at = EventsAt::Cassandra(cluster.clone());
                tracing::warn!(%at, why, "the event store does not answer: the log keeps what it is to have");
                Ok(events)
            }
        }
    }

    pub fn close(&self) {
        self.stop.notify_one();
    }

    /// Batches under way at most, now.
    pub fn pace(&self) -> usize {
        self.inner.pace.limit()
    }

    fn on<T: Send + 'static, F: Future<Output = Result<T, StoreError>> + Send + 'static>(
        &self,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let done = self.handle.spawn(work(self.inner.clone()));
        async move { done.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string()))) }.boxed()
    }
}

impl Drop for CassandraEvents {
    fn drop(&mut self) {
        self.close();
    }
}

fn bucket(window: u64) -> i32 {
    i32::try_from(window / BUCKET_WINDOWS).unwrap_or(i32::MAX)
}

fn slot(source: SourceId) -> i8 {
    // Fibonacci hashing: devices of one maker have numbers near each other.
    (source.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as i8 % SLOTS
}

/// The time that a window's rows are written with, in microseconds.
fn written_at(window: u64) -> i64 {
    window as i64 * 1_000_000
}

fn day(at_ms: i64) -> i32 {
    let day = at_ms.div_euclid(DAY_MS);
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// Rows by partition, cut into batches. `size` is about what a row takes.
fn batches<K: Ord, R>(rows: impl Iterator<Item = (K, usize, R)>) -> Vec<Vec<R>> {
    let mut parts = BTreeMap::<K, Vec<(usize, R)>>::new();
    for (key, size, row) in rows {
        parts.entry(key).or_default().push((size, row));
    }
    let mut batches = Vec::new();
    for rows in parts.into_values() {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (size, row) in rows {
            if !batch.is_empty() && (batch.len() == EVENT_BATCH_ROWS_MAX || bytes + size > EVENT_BATCH_BYTES_MAX) {
                batches.push(std::mem::take(&mut batch));
                bytes = 0;
            }
            bytes += size;
            batch.push(row);
        }
        batches.push(batch);
    }
    batches
}

/// What is read of one partition.
struct Part {
    bucket: i32,
    slot: i8,
    of: Of,
}

#[derive(Clone, Copy)]
enum Of {
    All,
    Source(SourceId),
    /// Windows of this number and later.
    Since(u64),
}

fn parts(buckets: &[i32], of: Of) -> Vec<Part> {
    buckets.iter().flat_map(|bucket| (0..SLOTS).map(move |slot| Part { bucket: *bucket, slot, of })).collect()
}

/// What the keys of a row take, about.
const KEYS_BYTES: usize = 56;

impl Inner {
    async fn line(&self) -> Result<&Line, Fault> {
        self.line.get_or_try_init(|| Line::open(&self.cluster)).await
    }

    /// All of it, or an error; what was written before it is written again next time.
    async fn send<R: SerializeRow>(&self, statement: &PreparedStatement, batches: Vec<Vec<R>>) -> Result<(), Fault> {
        let line = self.line().await?;
        let mut waiting: VecDeque<_> = batches.into_iter().map(|batch| (batch, 0)).collect();
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.pace.limit()
                && let Some((batch, tries)) = waiting.pop_front()
            {
                under_way.push(async move {
                    if tries > 0 {
                        tokio::time::sleep(PAUSE * (1 << tries)).await;
                    }
                    let _turn = self.under_way.acquire().await;
                    let done = line.write(statement, &batch).await;
                    (batch, tries, done)
                });
            }
            let Some((batch, tries, done)) = under_way.next().await else { return Ok(()) };
            match done {
                Ok(()) => self.pace.went_well(),
                Err(Fault::Pressed(why)) if tries < TRIES => {
                    tracing::debug!(why, under_way = self.pace.limit(), "Cassandra has too much to do");
                    self.pace.pressed();
                    waiting.push_back((batch, tries + 1));
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn write_chunks(&self, chunks: Vec<Chunk>) -> Result<(), Fault> {
        let line = self.line().await?;
        let mut first_at = BTreeMap::new();
        for chunk in &chunks {
            let at = first_at.entry((chunk.class, bucket(chunk.window))).or_insert(chunk.window);
            *at = chunk.window.min(*at);
        }
        first_at.retain(|key, _| !lock(&self.noted).contains(key));
        // Noted first: rows that no reader finds would be lost rows.
        let rows = first_at
            .iter()
            .map(|((class, bucket), window)| (*class, KEYS_BYTES, (class.0, *bucket, written_at(*window))));
        self.send(&line.add_bucket, batches(rows)).await?;
        let rows = chunks.iter().map(|chunk| {
            let (bucket, slot, samples) = (bucket(chunk.window), slot(chunk.source), blob(&chunk.samples));
            let (window, node) = (chunk.window as i64, chunk.node as i32);
            let at = written_at(chunk.window);
            let size = KEYS_BYTES + samples.len();
            let source = chunk.source.get() as i64;
            ((chunk.class, bucket, slot), size, (chunk.class.0, bucket, slot, source, window, node, samples, at))
        });
        self.send(&line.add_chunk, batches(rows)).await?;
        let mut noted = lock(&self.noted);
        if noted.len() + first_at.len() > NOTED_MAX {
            noted.clear();
        }
        noted.extend(first_at.into_keys());
        Ok(())
    }

    async fn read_chunks(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> Result<Vec<StoredSample>, StoreError> {
        let wanted: Option<BTreeSet<SourceId>> = sources.map(BTreeSet::from_iter);
        if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(Vec::new());
        }
        let line = self.line().await?;
        let buckets = self.buckets(class).await?;
        let few = wanted.as_ref().filter(|wanted| wanted.len() <= SOURCES_MAX);
        let parts: Vec<Part> = match few {
            Some(few) => few
                .iter()
                .flat_map(|source| {
                    buckets.iter().map(|bucket| Part { bucket: *bucket, slot: slot(*source), of: Of::Source(*source) })
                })
                .collect(),
            None => parts(&buckets, Of::All),
        };
        let mut samples = self.read_parts(line, class, parts).await?;
        if let Some(wanted) = wanted.filter(|wanted| wanted.len() > SOURCES_MAX) {
            samples.retain(|sample| wanted.contains(&sample.source));
        }
        Ok(samples)
    }

    async fn read_chunks_since(&self, class: ClassId, window: u64) -> Result<Vec<StoredSample>, StoreError> {
        let line = self.line().await?;
        let mut buckets = self.buckets(class).await?;
        buckets.retain(|found| *found >= bucket(window));
        self.read_parts(line, class, parts(&buckets, Of::Since(window))).await
    }

    async fn buckets(&self, class: ClassId) -> Result<Vec<i32>, Fault> {
        let line = self.line().await?;
        let buckets = line.read::<(i32,)>(&line.buckets, (class.0,)).await?;
        buckets.map_ok(|(bucket,)| bucket).try_collect().await
    }

    /// Some partitions at a time, in order.
    async fn read_parts(&self, line: &Line, class: ClassId, parts: Vec<Part>) -> Result<Vec<StoredSample>, StoreError> {
        let read = |Part { bucket, slot, of }: Part| async move {
            let rows = match of {
                Of::Source(source) => {
                    let key = (class.0, bucket, slot, source.get() as i64);
                    line.read::<(Vec<u8>,)>(&line.chunks_of, key).await?
                }
                Of::Since(window) => {
                    let key = (class.0, bucket, slot, window as i64);
                    line.read::<(Vec<u8>,)>(&line.chunks_since, key).await?
                }
                Of::All => line.read::<(Vec<u8>,)>(&line.chunks, (class.0, bucket, slot)).await?,
            };
            let unpacked = rows.map_err(StoreError::from).and_then(|(bytes,)| async move { unblob(&bytes) });
            unpacked
                .try_fold(Vec::new(), |mut all, part| async move {
                    all.extend(part);
                    Ok(all)
                })
                .await
        };
        let mut parts = stream::iter(parts).map(read).buffered(READS);
        let mut samples = Vec::new();
        while let Some(part) = parts.next().await {
            samples.extend(part?);
        }
        Ok(samples)
    }

    async fn write_events(&self, events: Vec<ClassEventRow>) -> Result<(), Fault> {
        let line = self.line().await?;
        let rows = events.iter().map(|event| {
            let (window, node, number) = (event.window as i64, event.node as i32, event.number as i32);
            let size = KEYS_BYTES + event.kind.len() + event.body.len();
            let (kind, body) = (event.kind.as_str(), event.body.as_slice());
            let at = written_at(event.window);
            (event.class, size, (event.class.0, window, node, number, event.at, kind, body, at))
        });
        self.send(&line.add_event, batches(rows)).await
    }

    async fn read_events(&self, class: ClassId) -> Result<Vec<ClassEventRow>, Fault> {
        let line = self.line().await?;
        let rows = line.read::<(i64, i32, i32, i64, String, Vec<u8>)>(&line.events, (class.0,)).await?;
        let mut events: Vec<_> = rows
            .map_ok(|(window, node, number, at, kind, body)| {
                let (window, node, number) = (window as u64, node as u32, number as u32);
                ClassEventRow { class, node, window, number, at, kind, body }
            })
            .try_collect()
            .await?;
        events.sort_by_key(|event: &ClassEventRow| (event.at, event.window, event.node, event.number));
        Ok(events)
    }

    async fn write_told(&self, changes: Vec<Told>) -> Result<(), Fault> {
        let line = self.line().await?;
        let (mut of_classes, mut of_people) = (Vec::new(), Vec::new());
        for told in &changes {
            let size = KEYS_BYTES + told.kind.len() + told.body.len();
            let (seq, at) = (told.seq as i64, told.at.0 as i64);
            let (kind, body, written_at) = (told.kind.as_str(), told.body.as_slice(), at * 1_000);
            match told.key {
                ActorKey::Class(class) => {
                    of_classes.push((class, size, (class.0, seq, at, kind, body, written_at)));
                }
                ActorKey::User(user) => {
                    let month = told.month();
                    of_people.push(((user, month), size, (user.0, month, seq, at, kind, body, written_at)));
                }
                ActorKey::Session(_) | ActorKey::Room(_) => {}
            }
        }
        self.send(&line.add_class_change, batches(of_classes.into_iter())).await?;
        self.send(&line.add_activity, batches(of_people.into_iter())).await
    }

    async fn read_told(
        &self,
        key: ActorKey,
        statement: &PreparedStatement,
        of: impl SerializeRow,
    ) -> Result<Vec<Told>, Fault> {
        let rows = self.line().await?.read::<(i64, i64, String, Vec<u8>)>(statement, of).await?;
        let told = |(seq, at, kind, body)| Told { key, seq: seq as u64, at: Millis(at as u64), kind, body };
        rows.map_ok(told).try_collect().await
    }

    /// A later version of a series has a later time, whatever the wall says.
    fn next_us(&self) -> i64 {
        let mut last = lock(&self.last_us);
        *last = (self.clock.now().0 as i64 * 1_000).max(*last + 2);
        *last
    }

    /// What is new first, then what is no more: a reader between them finds too much rather than nothing.
    async fn replace_series(&self, user: UserId, class: ClassId, samples: Vec<StoredSample>) -> Result<(), Fault> {
        let line = self.line().await?;
        let now = self.next_us();
        let all = line.read::<(i32, Uuid)>(&line.days, (user.0, i32::MIN, i32::MAX)).await?;
        let mut old: BTreeSet<i32> =
            all.try_filter_map(|(day, of)| async move { Ok((of == class.0).then_some(day)) }).try_collect().await?;
        let mut parts = BTreeMap::<i64, Vec<StoredSample>>::new();
        for sample in samples {
            parts.entry(sample.at.div_euclid(TEN_MINUTES_MS)).or_default().push(sample);
        }
        let day_of = |t10: &i64| day(t10.saturating_mul(TEN_MINUTES_MS));
        let days: BTreeSet<i32> = parts.keys().map(day_of).collect();
        let rows = days.iter().map(|day| ((), KEYS_BYTES, (user.0, *day, class.0, now)));
        self.send(&line.add_day, batches(rows)).await?;
        let rows = parts.iter().map(|(t10, samples)| {
            let (day, samples) = (day_of(t10), blob(samples));
            (day, KEYS_BYTES + samples.len(), (user.0, day, class.0, *t10, samples, now))
        });
        self.send(&line.add_series, batches(rows)).await?;
        let gone = old.union(&days).map(|day| vec![(now - 1, user.0, *day, class.0)]).collect();
        self.send(&line.drop_series, gone).await?;
        old.retain(|day| !days.contains(day));
        let gone = old.iter().map(|day| vec![(now - 1, user.0, *day, class.0)]).collect();
        self.send(&line.drop_day, gone).await
    }

    async fn read_series(&self, user: UserId, from_ms: i64, to_ms: i64) -> Result<Vec<StoredSample>, StoreError> {
        let line = self.line().await?;
        let days = line.read::<(i32, Uuid)>(&line.days, (user.0, day(from_ms), day(to_ms))).await?;
        let days: BTreeSet<i32> = days.map_ok(|(day, _)| day).try_collect().await?;
        let mut parts = Vec::new();
        for day in days {
            let rows = line.read::<(Uuid, i64, Vec<u8>)>(&line.series, (user.0, day)).await?;
            let mut of_day: Vec<_> = rows.try_collect().await?;
            of_day.sort_by_key(|(class, t10, _)| (*t10, *class));
            parts.extend(of_day);
        }
        let mut samples = Vec::new();
        for (_, _, bytes) in parts {
            samples.extend(unblob(&bytes)?);
        }
        samples.retain(|sample| (from_ms..to_ms).contains(&sample.at));
        Ok(samples)
    }
}

impl EventStore for CassandraEvents {
    fn write(&self, chunks: Vec<Chunk>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.on(|inner| async move { Ok(inner.write_chunks(chunks).await?) })
    }

    fn chunks(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.on(move |inner| async move { inner.read_chunks(class, sources).await })
    }

    fn chunks_since(&self, class: ClassId, window: u64) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.on(move |inner| async move { inner.read_chunks_since(class, window).await })
    }

    fn write_class_events(&self, events: Vec<ClassEventRow>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.on(|inner| async move { Ok(inner.write_events(events).await?) })
    }

    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<ClassEventRow>, StoreError>> {
        self.on(move |inner| async move { Ok(inner.read_events(class).await?) })
    }

    fn write_changes(&self, changes: Vec<Told>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.on(|inner| async move { Ok(inner.write_told(changes).await?) })
    }

    fn class_changes(&self, class: ClassId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>> {
        self.on(move |inner| async move {
            let of = (class.0, from_seq as i64, limit.min(i32::MAX as u32) as i32);
            Ok(inner.read_told(ActorKey::Class(class), &inner.line().await?.class_changes, of).await?)
        })
    }

    fn activity(&self, user: UserId, month: i32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>> {
        self.on(move |inner| async move {
            Ok(inner.read_told(ActorKey::User(user), &inner.line().await?.activity, (user.0, month)).await?)
        })
    }

    fn write_user_series(
        &self,
        user: UserId,
        class: ClassId,
        samples: Vec<StoredSample>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.on(move |inner| async move { Ok(inner.replace_series(user, class, samples).await?) })
    }

    fn user_series(
        &self,
        user: UserId,
        from_ms: i64,
        to_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.on(move |inner| async move { inner.read_series(user, from_ms, to_ms).await })
    }
}
