//! What an error of a database means for whoever tries: once more, nobody knows, or no. The codes are SQLSTATEs; SQLite's are numbers of
//! its own that are none of these.

use rand::RngExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A transaction is tried so often, and for so long. In tests longer: the proxy spoils a quarter of all, for hundreds of seeds, on
/// machines that do other things too.
const TRIES_MAX: u32 = if cfg!(test) { 24 } else { 8 };
const TRIED_MAX: Duration = Duration::from_secs(if cfg!(test) { 30 } else { 2 });
/// The longest pause before the second try; doubled for each that follows, up to this.
const PAUSE: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was changed, the same again may succeed: 40001 (serialization), 40P01 (deadlock).
    Again,
    /// The line is gone, or the server cannot say what it did (40003): at COMMIT nobody knows; before it nothing was changed.
    Lost,
    /// The database cannot be reached: no line to it was to be had.
    Away,
    /// It said no, and will say so again.
    No,
}

pub fn fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(said) => match said.code().as_deref() {
            Some("40001" | "40P01") => Fault::Again,
            // 57P0x: the server goes down or was told to end this line; 08xxx: the line.
            Some("40003" | "57P01" | "57P02" | "57P03") => Fault::Lost,
            Some(code) if code.len() == 5 && code.starts_with("08") => Fault::Lost,
            Some(_) | None => Fault::No,
        },
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Fault::Lost,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Fault::Away,
        _ => Fault::No,
    }
}

/// Works of the store that are tried again, each with a counter.
pub const WORKS: [&str; 14] = [
    "commit", "outcome", "load", "claim", "own", "accounts", "password", "gym", "sweep", "letters", "due", "read",
    "schema", "outbox",
];

/// How often each of [`WORKS`] was tried again.
#[derive(Debug, Default)]
pub struct Retries([AtomicU64; WORKS.len()]);

impl Retries {
    fn count(&self, work: &'static str) {
        if let Some(place) = WORKS.iter().position(|known| *known == work) {
            self.0[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn read(&self) -> [(&'static str, u64); WORKS.len()] {
        std::array::from_fn(|place| (WORKS[place], self.0[place].load(Ordering::Relaxed)))
    }
}

/// The tries of one piece of work. Nothing outside the database may happen within one.
pub struct Tries<'c> {
    work: &'static str,
    retries: &'c Retries,
    began: Instant,
    made: u32,
}

impl<'c> Tries<'c> {
    pub fn new(work: &'static str, retries: &'c Retries) -> Tries<'c> {
        Tries { work, retries, began: Instant::now(), made: 1 }
    }

    /// Waits a moment where another try makes sense; gives the error back where it does not.
    pub async fn again(&mut self, error: sqlx::Error) -> sqlx::Result<()> {
        if matches!(fault(&error), Fault::No | Fault::Away) || self.made >= TRIES_MAX {
            return Err(error);
        }
        let most = (PAUSE * (1 << self.made)).min(PAUSE_MAX);
        let pause = most.mul_f64(rand::rng().random_range(0.1..1.0));
        if self.began.elapsed() + pause > TRIED_MAX {
            return Err(error);
        }
        self.made += 1;
        self.retries.count(self.work);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Work on the schema, which nobody counts, again where that makes sense.
pub async fn tried<T>(mut attempt: impl AsyncFnMut() -> sqlx::Result<T>) -> sqlx::Result<T> {
    let retries = Retries::default();
    let mut tries = Tries::new("schema", &retries);
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => tries.again(error).await?,
        }
    }
}
