//! SQLite: one writer, several readers, write-ahead log, every commit on disk before it is answered.

use super::migrate::{MigrateError, Migrating, Migration, SQLITE, Status};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

#[path = "body.rs"]
mod body;
#[allow(dead_code, reason = "gyms move one way: here it is read only")]
#[path = "copy_body.rs"]
pub(super) mod copy_body;
#[path = "migrator.rs"]
pub(super) mod migrator;

pub use body::SqlState;

/// The engine, for the body.
type Db = sqlx::Sqlite;
/// One writer at a time from the first statement on: nothing is ever restarted.
const BEGIN: &str = "begin immediate";
const BEGIN_READ: &str = "begin";
/// The lock of the folder keeps everybody else out.
const SHARED: bool = false;
/// A disk has none: it ends, or the machine does.
const DEADLINE: Option<Duration> = None;

const READERS: u32 = 4;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;
const BUSY: Duration = Duration::from_secs(5);

const TABLE_THERE: &str = "select count(*) from sqlite_master where type = 'table' and name = $1";

/// Opens `file`, makes it where there is none, and brings its schema up to date.
pub async fn open(file: &Path) -> Result<SqlState, MigrateError> {
    open_if(file, Migrating::Allowed).await
}

pub async fn open_if(file: &Path, migrating: Migrating) -> Result<SqlState, MigrateError> {
    let (write, read) = pools_if(file, SQLITE, migrating).await?;
    Ok(SqlState::new(vec![write], read))
}

/// How far the schema of a file is. Nothing is made or changed.
pub async fn status(file: &Path) -> Result<Status, MigrateError> {
    if !file.exists() {
        return Ok(Status { found: 0, known: SQLITE.len() as i64, pending: SQLITE.to_vec() });
    }
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(MigrateError::Unreadable)?;
    let status = migrator::status(&pool, SQLITE).await;
    pool.close().await;
    status
}

/// Which unique column of an account an error speaks of.
fn taken(error: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(said) = error else { return None };
    let is_email = said.message().contains("fc_account.email");
    said.is_unique_violation().then_some(if is_email { "email" } else { "id" })
}

/// One that writes and one that reads, of a file that has been brought up to date.
pub async fn pools(file: &Path, migrations: &[Migration]) -> Result<(sqlx::Pool<Db>, sqlx::Pool<Db>), MigrateError> {
    pools_if(file, migrations, Migrating::Allowed).await
}

async fn pools_if(
    file: &Path,
    migrations: &[Migration],
    migrating: Migrating,
) -> Result<(sqlx::Pool<Db>, sqlx::Pool<Db>), MigrateError> {
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
    let status = migrator::status(&write, migrations).await?;
    migrating.check(&status)?;
    migrator::apply(&write, &status.pending).await?;
    let read = forever(SqlitePoolOptions::new().max_connections(READERS));
    let read =
        read.connect_with(options.read_only(true).create_if_missing(false)).await.map_err(MigrateError::Unreadable)?;
    Ok((write, read))
}
