//! The PostgreSQL wire: CockroachDB, or PostgreSQL 15 and later. Both at SERIALIZABLE, with the same statements; what differs is in the
//! schema alone.

use super::migrate::{COCKROACH, MigrateError, Migration, postgres};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Pool, Row as _};
use std::time::Duration;

#[path = "body.rs"]
mod body;

pub use body::SqlState;

/// The engine, for the body.
type Db = sqlx::Postgres;
const BEGIN: &str = "begin isolation level serializable";
const BEGIN_READ: &str = "begin isolation level serializable read only";
/// The server ends a statement sooner; this is for a server, or a network, that says nothing at all.
const DEADLINE: Option<Duration> = Some(Duration::from_secs(5));
const STATEMENT: Duration = Duration::from_secs(4);
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// A transaction of ours that waits for us so long has been forgotten.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);
/// How long a line to the server may take to be had.
const CONNECT: Duration = Duration::from_secs(2);

/// Lines that write, and that read: few, since a commit holds many actors' changes.
const WRITERS: usize = 4;
const READERS: u32 = 8;
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 128;

/// Who answers on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Cockroach,
    Postgres,
}

/// The address of a database, without its password when it is printed.
pub fn address(url: &str) -> Result<PgConnectOptions, String> {
    let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| match error {
        // The driver's sentence may repeat the address, which has the password in it.
        sqlx::Error::Configuration(source) if !source.to_string().contains("://") => source.to_string(),
        _ => "it is not an address as in postgres://user:password@host:5432/database".to_owned(),
    })?;
    if options.get_database().is_none() {
        return Err("it names no database, as in postgres://user@host:5432/fitconnect".into());
    }
    Ok(options)
}

fn manners(options: PgConnectOptions) -> PgConnectOptions {
    let ms = |limit: Duration| limit.as_millis().to_string();
    options.application_name("fitconnect").statement_cache_capacity(STATEMENTS).options([
        ("statement_timeout", ms(STATEMENT)),
        ("lock_timeout", ms(LOCK_WAIT)),
        ("idle_in_transaction_session_timeout", ms(IDLE_IN_TRANSACTION)),
    ])
}

/// Opens the database and brings its schema up to date.
pub async fn open(url: &str) -> Result<SqlState, MigrateError> {
    let options = manners(address(url).map_err(MigrateError::Address)?);
    let pool = |max: u32| PgPoolOptions::new().max_connections(max).acquire_timeout(CONNECT).idle_timeout(None);
    // Its first line is the one on which a wrong password is heard.
    let first = pool(1).connect_with(options.clone()).await.map_err(MigrateError::Unreadable)?;
    migrate(&first).await?;
    let mut lines = vec![first];
    lines.extend((1..WRITERS).map(|_| pool(1).connect_lazy_with(options.clone())));
    Ok(SqlState::new(lines, pool(READERS).connect_lazy_with(options)))
}

/// Which of the two it is.
pub async fn server(pool: &Pool<Db>) -> sqlx::Result<Server> {
    let version: String = sqlx::query("select version()").fetch_one(pool).await?.try_get(0)?;
    Ok(if version.contains("CockroachDB") { Server::Cockroach } else { Server::Postgres })
}

async fn migrate(pool: &Pool<Db>) -> Result<(), MigrateError> {
    let migrations: Vec<Migration> = match server(pool).await.map_err(MigrateError::Unreadable)? {
        Server::Cockroach => COCKROACH.to_vec(),
        Server::Postgres => postgres(),
    };
    let known = migrations.last().map_or(0, |(number, ..)| *number);
    let found = version(pool).await.map_err(MigrateError::Unreadable)?;
    if found > known {
        return Err(MigrateError::FromTheFuture { found, known });
    }
    for (number, name, statement) in migrations.iter().filter(|(number, ..)| *number > found) {
        let failed = |source| MigrateError::Failed { name, source };
        sqlx::raw_sql(AssertSqlSafe(*statement)).execute(pool).await.map_err(failed)?;
        let noted = "insert into fc_schema (version, applied_at_us) values ($1, $2) on conflict (version) do nothing";
        sqlx::query(noted).bind(number).bind(now_us()).execute(pool).await.map_err(failed)?;
    }
    Ok(())
}

/// The last migration that was applied; 0 in an empty store.
async fn version(pool: &Pool<Db>) -> sqlx::Result<i64> {
    let there = "select count(*) from information_schema.tables where table_name = 'fc_schema' and table_schema = current_schema()";
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

/// Which unique column of an account an error speaks of.
fn taken(error: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(said) = error else { return None };
    let is_email = said.constraint() == Some("fc_account_email");
    said.is_unique_violation().then_some(if is_email { "email" } else { "id" })
}
