//! The local log: what a sensor says is on this machine's disk before anybody is told so. Append-only segment files, one write and one
//! sync every 20 ms for all that gathered; cut into windows of ten seconds, which the shipper takes to the event store.
//! It is not a queue of the event store's: it answers readers until the store can.

mod acks;
pub mod codec;
mod keeper;
mod recover;
mod segment;
mod window;
mod writer;

#[cfg(test)]
mod tests;

pub use recover::{Cut, LogError, cut_copy};
pub use segment::id_of as segment_id;
pub use window::{OfClass, Window};

use crate::clock::WallClock;
use crate::store::stats::Counts;
use crate::store::{Lock, lock};
use acks::Acks;
use fitconnect_actors::ports::{DurableSink, Event, Writer as By};
use fitconnect_domain::ActorKey;
use fitconnect_protocol::limits::{
    LOG_BYTES_MAX, LOG_GROUP_BYTES_MAX, LOG_GROUP_MS, LOG_WINDOW_MS, LOG_WINDOW_QUORUM_MS,
};
use keeper::Shelf;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use writer::PREFIX;

/// A window of 20,000 samples a second fits one segment.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// A group of this size does not wait for its 20 ms.
const GROUP_BYTES_SOON: usize = 256 * 1024;
/// Memory that a group keeps for the next one.
const GROUP_BYTES_KEPT: usize = 2 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct LogOptions {
    /// How long a group gathers.
    pub group: Duration,
    pub window: Duration,
    pub segment_bytes: u64,
    /// Above so many bytes that the event store does not have, appends are refused.
    pub bytes_max: u64,
    /// A window that the event store has stays for so long.
    pub safe_delay: Duration,
    /// What is on disk is reported when the event store has it too.
    pub quorum: bool,
}

impl LogOptions {
    /// A sample is acknowledged by the event store, so it is soon taken there.
    pub fn quorum() -> LogOptions {
        LogOptions { window: Duration::from_millis(LOG_WINDOW_QUORUM_MS), quorum: true, ..LogOptions::default() }
    }
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            group: Duration::from_millis(LOG_GROUP_MS),
            window: Duration::from_millis(LOG_WINDOW_MS),
            segment_bytes: SEGMENT_BYTES,
            bytes_max: LOG_BYTES_MAX,
            safe_delay: Duration::from_secs(15),
            quorum: false,
        }
    }
}

/// The group did not reach the disk.
#[derive(Clone, Debug)]
pub struct Failed(pub String);

/// What gathers for one write.
struct Group {
    /// Events framed behind [`PREFIX`] bytes; checksums come when the segment is known.
    bytes: Vec<u8>,
    records: u32,
    samples: u64,
    marks: BTreeMap<By, u64>,
    waiters: Vec<oneshot::Sender<Result<(), Failed>>>,
}

impl Default for Group {
    fn default() -> Group {
        Group { bytes: vec![0; PREFIX], records: 0, samples: 0, marks: BTreeMap::new(), waiters: Vec::new() }
    }
}

impl Group {
    fn is_empty(&self) -> bool {
        self.bytes.len() == PREFIX
    }

    fn add(&mut self, writer: By, number: u64, event: &Event) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; segment::FRAME]);
        codec::put_event(&mut self.bytes, event);
        let length = (self.bytes.len() - start - segment::FRAME) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.records += 1;
        if let Event::Samples { samples, .. } = event {
            self.samples += samples.len() as u64;
        }
        let mark = self.marks.entry(writer).or_default();
        *mark = number.max(*mark);
    }

    fn drop_events(&mut self) {
        self.bytes.truncate(PREFIX);
        (self.records, self.samples) = (0, 0);
        self.marks.clear();
    }

    fn clear(&mut self) {
        self.drop_events();
        self.bytes.shrink_to(GROUP_BYTES_KEPT);
        self.waiters.clear();
    }
}

#[derive(Default)]
struct Inbox {
    group: Group,
    /// When the group's first event came.
    since: Option<Instant>,
    /// Somebody waits for the disk, or the group is large.
    hurry: bool,
    /// A group is on its way to the disk.
    writing: bool,
    stop: bool,
    /// The writer has ended.
    ended: bool,
    /// A write or a sync failed: nothing is taken any more.
    broken: Option<String>,
    /// The last life of an actor that lost a record.
    failed: BTreeMap<ActorKey, u64>,
}

/// Between those who append, the writer, readers and the shipper.
pub struct Shared {
    options: LogOptions,
    inbox: Mutex<Inbox>,
    wake: Condvar,
    /// Oldest first; the last may be open.
    windows: Mutex<VecDeque<Arc<Window>>>,
    /// A window has been sealed, or it is time to end.
    sealed: Notify,
    counts: Arc<Counts>,
    acks: Acks,
    /// Tests make the next sync fail.
    fail_sync: AtomicBool,
}

impl Shared {
    fn sync(&self, file: &File) -> io::Result<()> {
        let started = Instant::now();
        if self.fail_sync.load(Ordering::Relaxed) {
            return Err(io::Error::other("a sync failed on purpose"));
        }
        file.sync_data()?;
        self.counts.sync_us_last.store(started.elapsed().as_micros() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn backlog(&self) -> usize {
        lock(&self.windows).iter().filter(|window| window.shipped().is_none()).count()
    }
}

/// The writer's thread has ended, well or not: nobody waits for it any more.
struct Ending(Arc<Shared>, Arc<Shelf>);

impl Drop for Ending {
    fn drop(&mut self) {
        let Ending(shared, shelf) = self;
        let mut inbox = lock(&shared.inbox);
        inbox.ended = true;
        inbox.group = Group::default();
        drop(inbox);
        shared.sealed.notify_one();
        shelf.stop();
    }
}

pub struct Log {
    shared: Arc<Shared>,
    shelf: Arc<Shelf>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    /// Opens what is there; says on the way what had to be cut off.
    pub fn open(
        folder: &Path,
        node: u32,
        options: LogOptions,
        counts: Arc<Counts>,
        sink: DurableSink,
        held: Arc<Lock>,
    ) -> Result<Log, LogError> {
        fs::create_dir_all(folder).map_err(LogError::io(folder))?;
        let recovered = recover::recover(folder)?;
        if let Some(Cut { path, at, bytes }) = &recovered.cut {
            tracing::warn!(path = %path.display(), at, bytes, "the log ended in a torn write: cut off; nothing in it had been acknowledged");
        }
        if !recovered.windows.is_empty() {
            tracing::info!(
                windows = recovered.windows.len(),
                records = recovered.events,
                "the log holds windows for the event store"
            );
        }
        counts.bytes_waiting.store(recovered.windows.iter().map(|window| window.bytes()).sum(), Ordering::Relaxed);
        let shelf = Arc::new(Shelf::new(folder.to_path_buf(), options.segment_bytes, recovered.next_segment));
        let acks = Acks::new(sink, options.quorum, counts.clone());
        let shared = Arc::new(Shared {
            options,
            inbox: Mutex::default(),
            wake: Condvar::new(),
            windows: Mutex::new(recovered.windows.into()),
            sealed: Notify::new(),
            counts,
            acks,
            fail_sync: AtomicBool::new(false),
        });
        let writer = writer::Writer {
            shared: shared.clone(),
            shelf: shelf.clone(),
            clock: Box::new(WallClock::start()),
            node,
            last_window: recovered.last_window,
            current: None,
            in_trouble: false,
        };
        let keeping = shelf.start(held.clone()).map_err(LogError::io(folder))?;
        let ending = Ending(shared.clone(), shelf.clone());
        let writing = std::thread::Builder::new().name("log-writer".into()).spawn(move || {
            writer.run();
            drop((ending, held));
        });
        let threads = Mutex::new(vec![writing.map_err(LogError::io(folder))?, keeping]);
        Ok(Log { shared, shelf, threads })
    }

    /// Takes an event; what has become of it is told to the sink. `false`: not taken.
    pub fn append(&self, writer: By, number: u64, event: &Event) -> bool {
        let shared = &self.shared;
        let taken = shared.counts.bytes_waiting.load(Ordering::Relaxed) <= shared.options.bytes_max && {
            let mut inbox = lock(&shared.inbox);
            let fell = match inbox.failed.get(&writer.key) {
                Some(life) if *life < writer.life => {
                    inbox.failed.remove(&writer.key);
                    false
                }
                Some(_) => true,
                None => false,
            };
            let full = inbox.group.bytes.len() > LOG_GROUP_BYTES_MAX;
            if fell || full || inbox.stop || inbox.ended || inbox.broken.is_some() {
                false
            } else {
                inbox.group.add(writer, number, event);
                let first = inbox.since.is_none();
                let large = inbox.group.bytes.len() >= GROUP_BYTES_SOON && !inbox.hurry;
                if first {
                    inbox.since = Some(Instant::now());
                }
                inbox.hurry |= large;
                if first || large {
                    shared.wake.notify_one();
                }
                true
            }
        };
        if !taken {
            shared.counts.busy.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    pub fn is_open(&self) -> bool {
        let room = self.shared.counts.bytes_waiting.load(Ordering::Relaxed) <= self.shared.options.bytes_max;
        room && self.trouble().is_none()
    }

    /// Why nothing is taken now.
    pub fn trouble(&self) -> Option<String> {
        let inbox = lock(&self.shared.inbox);
        let broken = inbox.broken.clone().or_else(|| (inbox.stop || inbox.ended).then(|| "the log is closed".into()));
        drop(inbox);
        broken.or_else(|| self.shelf.trouble())
    }

    /// Resolves when all that was appended before has reached the disk, or has failed.
    pub fn flushed(&self) -> impl Future<Output = Result<(), Failed>> + Send + use<> {
        let mut inbox = lock(&self.shared.inbox);
        let idle = inbox.group.is_empty() && !inbox.writing;
        let waits = (!idle && !inbox.ended).then(|| {
            let (done, waits) = oneshot::channel();
            inbox.group.waiters.push(done);
            inbox.hurry = true;
            self.shared.wake.notify_one();
            waits
        });
        drop(inbox);
        async move {
            match waits {
                Some(waits) => waits.await.unwrap_or_else(|_| Err(Failed("the log is closed".into()))),
                None => Ok(()),
            }
        }
    }

    /// Windows that the event store does not have, oldest first.
    pub fn unshipped(&self) -> Vec<Arc<Window>> {
        let windows = lock(&self.shared.windows);
        windows.iter().filter(|window| window.shipped().is_none()).cloned().collect()
    }

    /// Resolves when a window has been sealed since the last call, or the log has ended.
    pub async fn sealed(&self) {
        self.shared.sealed.notified().await;
    }

    /// The event store has all of it.
    pub fn shipped(&self, window: &Window) {
        window.set_shipped(Instant::now());
        self.shared.acks.shipped(window.id);
        self.shared.counts.bytes_waiting.fetch_sub(window.bytes(), Ordering::Relaxed);
        window.forget();
    }

    /// Takes back windows whose safe delay has passed. The newest stays, so that its number is never given again.
    pub fn take_back(&self) {
        let mut windows = lock(&self.shared.windows);
        while windows.len() > 1 {
            let Some(oldest) = windows.front() else { return };
            let safe = oldest.shipped().is_some_and(|at| at.elapsed() >= self.shared.options.safe_delay);
            // A reader that still looks at it keeps its files.
            if !safe || Arc::strong_count(oldest) > 1 {
                return;
            }
            if let Some(oldest) = windows.pop_front() {
                self.shelf.retire(oldest);
            }
        }
    }

    /// The event store did not take a window.
    pub fn store_away(&self, why: &str) {
        self.shared.acks.store_away(why);
    }

    /// The event store has every window that is sealed.
    pub fn store_caught_up(&self) {
        self.shared.acks.store_caught_up();
    }

    pub fn has_ended(&self) -> bool {
        lock(&self.shared.inbox).ended
    }

    /// Takes nothing more; what was taken goes to disk, and the window is sealed.
    pub fn stop(&self) {
        lock(&self.shared.inbox).stop = true;
        self.shared.wake.notify_one();
    }

    /// Waits for the threads. Not for an arbiter.
    pub fn join(&self) {
        self.stop();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
    }
}
