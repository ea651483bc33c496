//! SQLite: one writer, several readers, write-ahead log, every commit on disk before it is answered.

use super::migrate::{MigrateError, Migration, SQLITE};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::path::Path;
use std::time::Duration;

#[path = "body.rs"]
mod body;

pub use body::SqlState;

/// The engine, for the body.
type Db = sqlx::Sqlite;
/// One writer at a time from the first statement on: nothing is ever restarted.
const BEGIN: &str = "begin immediate";
const BEGIN_READ: &str = "begin";
/// A disk has none: it ends, or the machine does.
const DEADLINE: Option<Duration> = None;

const READERS: u32 = 4;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
const BUSY: Duration = Duration::from_secs(5);

/// Opens `file`, makes it where there is none, and brings its schema up to date.
pub async fn open(file: &Path) -> Result<SqlState, MigrateError> {
    let (write, read) = pools(file, SQLITE).await?;
    Ok(SqlState::new(vec![write], read))
}

/// Which unique column of an account an error speaks of.
fn taken(error: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(said) = error else { return None };
    let is_email = said.message().contains("fc_account.email");
    said.is_unique_violation().then_some(if is_email { "email" } else { "id" })
}

/// One that writes and one that reads, of a file that has been brought up to date.
pub async fn pools(file: &Path, migrations: &[Migration]) -> Result<(sqlx::Pool<Db>, sqlx::Pool<Db>), MigrateError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(STATEMENTS)
        .busy_timeout(BUSY);
    let forever = |options: SqlitePoolOptions| options.idle_timeout(None).max_lifetime(None).test_before_acquire(false);
    // A full disk makes SQLite end the transaction by itself, which the driver does not see: it would begin no other on that line.
    let ended = SqlitePoolOptions::new().before_acquire(|line, _| {
        let ended = !line.is_in_transaction();
        Box::pin(async move { Ok(ended) })
    });
    let write = forever(ended.max_connections(1).min_connections(1));
    let write = write.connect_with(options.clone()).await.map_err(MigrateError::Unreadable)?;
    migrate(&write, migrations).await?;
    let read = forever(SqlitePoolOptions::new().max_connections(READERS));
    let read =
        read.connect_with(options.read_only(true).create_if_missing(false)).await.map_err(MigrateError::Unreadable)?;
    Ok((write, read))
}

async fn migrate(pool: &sqlx::Pool<Db>, migrations: &[Migration]) -> Result<(), MigrateError> {
    let known = migrations.last().map_or(0, |(number, ..)| *number);
    let found = version(pool).await.map_err(MigrateError::Unreadable)?;
    if found > known {
        return Err(MigrateError::FromTheFuture { found, known });
    }
    for (number, name, statement) in migrations.iter().filter(|(number, ..)| *number > found) {
        let failed = |source| MigrateError::Failed { name, source };
        sqlx::query(AssertSqlSafe(*statement)).execute(pool).await.map_err(failed)?;
        let noted = "insert into fc_schema (version, applied_at_us) values ($1, $2) on conflict (version) do nothing";
        sqlx::query(noted).bind(number).bind(now_us()).execute(pool).await.map_err(failed)?;
    }
    Ok(())
}

/// The last migration that was applied; 0 in an empty store.
async fn version(pool: &sqlx::Pool<Db>) -> sqlx::Result<i64> {
    let there = "select count(*) from sqlite_master where type = 'table' and name = 'fc_schema'";
    let there: i64 = sqlx::query(there).fetch_one(pool).await?.try_get(0)?;
    if there == 0 {
        return Ok(0);
    }
    sqlx::query("select coalesce(max(version), 0) from fc_schema").fetch_one(pool).await?.try_get(0)
}

/// For the record only: nothing is decided by it.
fn now_us() -> i64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as i64)
}
