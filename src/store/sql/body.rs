//! The state store, once for every engine. Statements are portable: no engine's dialect, positions as `$1`, times in microseconds UTC.
//! This file is the lines to the database, their deadlines and tries; what is said on them is in `body/`.

#[path = "body/commit.rs"]
mod commit;
#[path = "body/images.rs"]
mod images;
#[path = "body/lexicons.rs"]
mod lexicons;
#[path = "body/load.rs"]
mod load;
#[path = "body/names.rs"]
mod names;
#[path = "body/outbox.rs"]
mod outbox;
#[path = "body/own.rs"]
mod own;
#[path = "body/people.rs"]
mod people;
#[path = "body/port.rs"]
mod port;
#[path = "body/reports.rs"]
mod reports;
#[path = "body/rooms.rs"]
mod rooms;

use super::super::fault::{Fault, Retries, Tries, fault};
use super::{BEGIN, BEGIN_READ, DEADLINE, Db};
use crate::store::lease::Lease;
use fitconnect_actors::ports::StoreError;
use fitconnect_domain::Millis;
use fitconnect_protocol::Uuid;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool, Row as _, Transaction};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

type Conn = <Db as sqlx::Database>::Connection;
type SqlRow = <Db as sqlx::Database>::Row;

pub struct SqlState {
    /// One line each: an actor always commits on the same, so that it never meets itself.
    lines: Vec<Pool<Db>>,
    read: Pool<Db>,
    counts: Counts,
    /// Letters of which it was said that they cannot be read.
    unreadable: Mutex<BTreeSet<Vec<u8>>>,
    /// Without one, whoever opened the store answers for being its only owner.
    lease: OnceLock<Arc<Lease>>,
    /// As whom it reads: actors of another's shards are not loaded.
    owner: OnceLock<Uuid>,
}

#[derive(Default)]
struct Counts {
    transactions: AtomicU64,
    commits: AtomicU64,
    queries: AtomicU64,
    unknown: AtomicU64,
    letters_unreadable: AtomicU64,
    retries: Retries,
}

impl SqlState {
    pub(super) fn new(lines: Vec<Pool<Db>>, read: Pool<Db>) -> SqlState {
        SqlState {
            lines,
            read,
            counts: Counts::default(),
            unreadable: Mutex::default(),
            lease: OnceLock::new(),
            owner: OnceLock::new(),
        }
    }

    /// The line of work that belongs to no actor.
    fn common(&self) -> &Pool<Db> {
        &self.lines[0]
    }
}

// ---- lines ----

/// A line to the database, held for one piece of work. One that is dropped instead of given back is shut: what is under way on it is
/// nobody's any more.
struct Line(Option<PoolConnection<Db>>);

impl Line {
    async fn take(pool: &Pool<Db>) -> sqlx::Result<Line> {
        Ok(Line(Some(pool.acquire().await?)))
    }

    fn conn(&mut self) -> &mut Conn {
        self.0.as_mut().expect("it is given back once, at the end")
    }

    /// Where the line itself failed, it is shut and another will be opened.
    fn back(mut self, error: Option<&sqlx::Error>) {
        if error.is_none_or(|error| matches!(fault(error), Fault::No | Fault::Again)) {
            self.0.take();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            // Taken out of the pool, it is shut without a word when it goes.
            drop(line.detach());
        }
    }
}

/// Not longer than the engine's deadline, where it has one.
async fn within<T>(work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let Some(deadline) = DEADLINE else { return work.await };
    let late =
        || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time"));
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| Err(late()))
}

/// How far a transaction came before an error.
enum Broke<T> {
    /// Nothing was changed.
    Before(sqlx::Error),
    /// The line was lost at COMMIT: it may have happened, and then this is what it came to.
    AtCommit(sqlx::Error, T),
}

impl<T> From<sqlx::Error> for Broke<T> {
    fn from(error: sqlx::Error) -> Broke<T> {
        Broke::Before(error)
    }
}

impl<T> Broke<T> {
    fn error(&self) -> &sqlx::Error {
        match self {
            Broke::Before(error) | Broke::AtCommit(error, _) => error,
        }
    }
}

/// Ends a transaction that came to `value`.
async fn commit<T>(tx: Transaction<'_, Db>, value: T) -> Result<T, Broke<T>> {
    match within(tx.commit()).await {
        Ok(()) => Ok(value),
        Err(error) if fault(&error) == Fault::Lost => Err(Broke::AtCommit(error, value)),
        // The database said that it did not.
        Err(error) => Err(Broke::Before(error)),
    }
}

/// One piece of work on a line of the pool.
macro_rules! on_line {
    ($pool:expr, |$line:ident| $work:expr) => {
        match Line::take($pool).await {
            Err(error) => Err(error),
            Ok(mut held) => {
                let result = {
                    let $line = held.conn();
                    within($work).await
                };
                held.back(result.as_ref().err());
                result
            }
        }
    };
}

/// Work that may be done any number of times, again where that makes sense.
macro_rules! retry {
    ($store:expr, $work:literal, $attempt:expr) => {{
        let mut tries = Tries::new($work, &$store.counts.retries);
        loop {
            $store.counts.queries.fetch_add(1, Ordering::Relaxed);
            match $attempt {
                Ok(found) => break Ok(found),
                Err(error) => {
                    if let Err(error) = tries.again(error).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}

use {on_line, retry};

// ---- values ----

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn us(at: Millis) -> i64 {
    (at.0 as i64).saturating_mul(1_000)
}

fn millis(us: i64) -> Millis {
    Millis((us / 1_000).max(0) as u64)
}

fn uuid(row: &SqlRow, column: usize) -> sqlx::Result<Uuid> {
    row.try_get::<Uuid, _>(column)
}
