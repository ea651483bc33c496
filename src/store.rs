//! The only place that knows which databases run. A folder with a lock: `state.db`, `events.db` and the local log in `log/`.

mod at;
pub mod backup;
pub mod events;
pub mod lease;
pub mod log;
pub mod node;
mod outbox;
pub mod schema;
pub mod sql;
mod stats;

#[cfg(test)]
mod tests;

pub use at::{NoState, StateAt};
pub use log::{LogError, LogOptions};
pub use schema::move_to;
pub use sql::OwnError;
pub use sql::migrate::{MigrateError, Migrating};
pub use stats::StoreStats;

use crate::clock::WallClock;
use events::{CassandraEvents, Checkpoints, EventsAt, LocalEvents, Shipper, SqliteEvents};
use fitconnect_actors::ports::{Clock, DurableSink, EventLog, EventStore, StateStore, StoreError};
use fitconnect_domain::Millis;
use fitconnect_protocol::Uuid;
use lease::{Held, Lease};
use log::Log;
use node::Node;
use outbox::Teller;
use rustix::fs::{FlockOperation, flock};
use sql::heart::Heart;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Clocks of good machines differ by less.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(10);

/// This machine, in the keys of what it ships. One until there are several.
const NODE: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data folder {}: {source}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the data folder {} is in use by process {process}: stop that one first, or take another folder with --data",
        path.display()
    )]
    InUse { path: PathBuf, process: String },
    /// `place` is a file's path, or a database's address without its password.
    #[error("{place}: {source}")]
    Schema {
        place: String,
        #[source]
        source: MigrateError,
    },
    /// `place` is an address without its password.
    #[error("{place}: {source}")]
    Events {
        place: String,
        #[source]
        source: StoreError,
    },
    #[error(transparent)]
    Log(#[from] LogError),
}

impl OpenError {
    fn folder(path: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
        move |source| OpenError::Folder { path: path.to_path_buf(), source }
    }
}

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    pub folder: PathBuf,
    pub state: StateAt,
    pub events: EventsAt,
    pub migrating: Migrating,
    pub log: LogOptions,
}

impl Options {
    pub fn new(folder: &Path) -> Options {
        let (state, events) = (StateAt::default(), EventsAt::default());
        let migrating = Migrating::Allowed;
        Options { folder: folder.to_path_buf(), state, events, migrating, log: LogOptions::default() }
    }
}

/// The stores of one process.
pub struct Store {
    pub state: Arc<dyn StateStore>,
    pub events: Arc<dyn EventLog>,
    /// Behind the log; members' own series are written here when a class has settled.
    pub rows: Arc<dyn EventStore>,
    pub reader: StatsReader,
    log: Stopped,
    sql_state: Arc<dyn sql::Engine>,
    kept: Kept,
    shipper: JoinHandle<()>,
    folder: PathBuf,
    at: StateAt,
    lease: Arc<OnceLock<Arc<Lease>>>,
    heart: Option<Heart>,
    teller: Option<Teller>,
}

/// Opens the folder, makes it on the first start. `sink` hears what becomes durable, from the log's own thread.
pub async fn open(options: Options, sink: DurableSink) -> Result<Store, OpenError> {
    let Options { folder, state, events, migrating, log } = options;
    let quorum = log.quorum;
    let held = Arc::new(Lock::take(&folder)?);
    let schema = |file: &'static str| {
        let place = folder.join(file).display().to_string();
        move |source| OpenError::Schema { place, source }
    };
    let sql_state: Arc<dyn sql::Engine> = match &state {
        StateAt::Sqlite => {
            Arc::new(sql::sqlite::open_if(&folder.join("state.db"), migrating).await.map_err(schema("state.db"))?)
        }
        StateAt::Postgres(url) => {
            let place = state.to_string();
            Arc::new(sql::postgres::open(url, migrating).await.map_err(|source| OpenError::Schema { place, source })?)
        }
    };
    let kept = match &events {
        EventsAt::Sqlite => {
            let file = folder.join("events.db");
            Kept::Sqlite(Arc::new(SqliteEvents::open(&file).await.map_err(schema("events.db"))?))
        }
        EventsAt::Cassandra(cluster) => {
            let place = events.to_string();
            let opened = CassandraEvents::open(cluster).await;
            Kept::Cassandra(Arc::new(opened.map_err(|source| OpenError::Events { place, source })?))
        }
    };
    let counts = Arc::new(stats::Counts::default());
    let log = Arc::new(Log::open(&folder.join("log"), NODE, log, counts.clone(), sink, held)?);
    let rows = kept.rows();
    let checkpoints = Checkpoints::open(&folder.join("checkpoints")).map_err(OpenError::folder(&folder))?;
    let shipper = Shipper { log: log.clone(), store: rows.clone(), counts: counts.clone() };
    let shipper = shipper.start().map_err(OpenError::folder(&folder))?;
    let lease = Arc::new(OnceLock::new());
    Ok(Store {
        state: sql_state.clone(),
        events: Arc::new(Held { log: LocalEvents::new(log.clone(), rows.clone(), checkpoints), lease: lease.clone() }),
        rows,
        reader: StatsReader {
            counts,
            log: log.clone(),
            state: sql_state.clone(),
            kept: kept.clone(),
            quorum,
            clock: Arc::new(WallClock::start()),
        },
        log: Stopped(log),
        sql_state,
        kept,
        shipper,
        folder,
        at: state,
        lease,
        heart: None,
        teller: None,
    })
}

impl Store {
    pub fn stats(&self) -> StoreStats {
        self.reader.read()
    }

    /// Becomes the one who writes: takes all shards over, unless another server that is alive has them. `listen` tells others who we are.
    /// The lease ends where the ownership cannot be renewed, and is lost where another has taken over.
    pub async fn own(&mut self, listen: &str) -> Result<Arc<Lease>, OwnError> {
        let node = Node::of(&self.folder, listen).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let sent = Instant::now();
        self.sql_state.own(&node).await?;
        self.sql_state.speaks_for(node.incarnation);
        let lease = match &self.at {
            StateAt::Sqlite => Lease::for_ever(),
            StateAt::Postgres(url) => {
                let lease = Lease::new(sent);
                let heart = Heart::start(url, node, lease.clone());
                self.heart = Some(heart.map_err(|error| StoreError::Unavailable(error.to_string()))?);
                lease
            }
        };
        self.sql_state.guard(lease.clone());
        // A store is owned once in the life of its process.
        let _ = self.lease.set(lease.clone());
        self.teller = Some(Teller::start(self.sql_state.clone(), self.rows.clone(), self.reader.counts.clone()));
        Ok(lease)
    }

    /// By how much this clock is behind what is stored, where it is: somebody has set it back, or set it forward before.
    pub async fn behind(&self, now: Millis) -> Result<Option<Duration>, StoreError> {
        let newest = self.sql_state.newest().await?;
        let behind = newest.map(|newest| Duration::from_millis(newest.since(now)));
        Ok(behind.filter(|behind| *behind > CLOCK_BEHIND_MAX))
    }

    /// Writes what waits, ships what it can, and lets go of the folder.
    pub async fn close(self) {
        let Store { log, shipper, sql_state, kept, heart, teller, .. } = self;
        if let Some(teller) = teller {
            teller.stop().await;
        }
        let ended = tokio::task::spawn_blocking(move || {
            log.0.join();
            let ended = shipper.join().is_ok();
            heart.into_iter().for_each(Heart::stop);
            ended
        });
        if !ended.await.unwrap_or(false) {
            tracing::error!("the shipper panicked: the log keeps what it did not ship");
        }
        kept.close().await;
        sql_state.close().await;
    }
}

/// Where events are kept behind the log.
#[derive(Clone)]
enum Kept {
    Sqlite(Arc<SqliteEvents>),
    Cassandra(Arc<CassandraEvents>),
}

impl Kept {
    fn rows(&self) -> Arc<dyn EventStore> {
        match self {
            Kept::Sqlite(events) => events.clone(),
            Kept::Cassandra(events) => events.clone(),
        }
    }

    async fn close(&self) {
        match self {
            Kept::Sqlite(events) => events.close().await,
            Kept::Cassandra(events) => events.close(),
        }
    }

    /// Batches that may be under way.
    fn pace(&self) -> Option<u64> {
        match self {
            Kept::Sqlite(_) => None,
            Kept::Cassandra(events) => Some(events.pace() as u64),
        }
    }
}

/// A store that is dropped without being closed ends its threads all the same; nobody waits for them, then.
struct Stopped(Arc<Log>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Reads the stores' counters, for as long as somebody wants to know.
#[derive(Clone)]
pub struct StatsReader {
    counts: Arc<stats::Counts>,
    log: Arc<Log>,
    state: Arc<dyn sql::Engine>,
    kept: Kept,
    quorum: bool,
    clock: Arc<WallClock>,
}

impl StatsReader {
    pub fn read(&self) -> StoreStats {
        let unshipped = self.log.unshipped();
        let now_s = self.clock.now().0 / 1_000;
        let lag_s = unshipped.first().map_or(0, |oldest| now_s.saturating_sub(oldest.id));
        let state = self.state.counts();
        StoreStats {
            ship_lag: Duration::from_secs(lag_s),
            ship_pace: self.kept.pace(),
            ack_quorum_wanted: self.quorum,
            log_windows_waiting: unshipped.iter().filter(|window| window.is_sealed()).count() as u64,
            log_trouble: self.log.trouble(),
            state_transactions: state.transactions,
            state_queries: state.queries,
            state_commits: state.commits,
            state_unknown: state.unknown,
            state_retries: state.retries,
            letters_unreadable: state.letters_unreadable,
            ..self.counts.read()
        }
    }
}

/// The folder is ours until the last thread that writes to it has ended.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing it is what lets go")] File);

impl Lock {
    fn take(folder: &Path) -> Result<Lock, OpenError> {
        // Health data and password hashes: nobody else's.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(OpenError::folder(folder))?;
        let path = folder.join("lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = file.map_err(OpenError::folder(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut process = String::new();
                let read = file.read_to_string(&mut process).map(|_| process.trim().to_owned());
                let process = read.ok().filter(|process| !process.is_empty()).unwrap_or_else(|| "(unknown)".into());
                return Err(OpenError::InUse { path: folder.to_path_buf(), process });
            }
            Err(error) => return Err(OpenError::Folder { path, source: error.into() }),
        }
        let noted = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        noted.map_err(OpenError::folder(&path))?;
        Ok(Lock(file))
    }
}

/// A folder that goes when this does: for tests, and for rides that nobody keeps.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    pub fn new() -> Result<Temporary, OpenError> {
        let path = std::env::temp_dir().join(format!("fitconnect-{}", Uuid::now_v7()));
        DirBuilder::new().mode(0o700).create(&path).map_err(OpenError::folder(&path))?;
        Ok(Temporary(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is the system's to tidy.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A panic elsewhere does not make what a lock guards unusable here: every critical section leaves it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
