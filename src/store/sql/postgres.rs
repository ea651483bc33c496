//! The PostgreSQL wire: CockroachDB, or PostgreSQL 15 and later. Both at SERIALIZABLE, with the same statements; what differs is in the
//! schema alone.

use super::fault::tried;
use super::migrate::{COCKROACH, MigrateError, Migrating, Migration, Status, postgres};
use super::turn::Turn;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Pool, Row as _};
use std::time::Duration;

#[path = "body.rs"]
mod body;
#[path = "copy_body.rs"]
pub(super) mod copy_body;
#[path = "migrator.rs"]
pub(super) mod migrator;

pub use body::SqlState;

/// The engine, for the body.
type Db = sqlx::Postgres;
const BEGIN: &str = "begin isolation level serializable";
const BEGIN_READ: &str = "begin isolation level serializable read only";
/// Another process may come to it at any time.
const SHARED: bool = true;
const TABLE_THERE: &str =
    "select count(*) from information_schema.tables where table_name = $1 and table_schema = current_schema()";
/// What the row that is the lock of the schema needs.
const LOCK_TABLES: [&str; 1] = ["0019_lock"];
/// The server ends a statement sooner; this is for a server, or a network, that says nothing at all.
const DEADLINE: Option<Duration> = Some(Duration::from_secs(5));
const STATEMENT: Duration = Duration::from_secs(4);
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// A transaction of ours that waits for us so long has been forgotten, or its process was frozen: whoever succeeds it needs its rows.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(3);
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

impl Server {
    pub fn migrations(self) -> Vec<Migration> {
        match self {
            Server::Cockroach => COCKROACH.to_vec(),
            Server::Postgres => postgres(),
        }
    }
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

/// Opens the database and brings its schema up to date, if that is allowed.
pub async fn open(url: &str, migrating: Migrating) -> Result<SqlState, MigrateError> {
    let plain = address(url).map_err(MigrateError::Address)?;
    migrate(&plain, migrating).await?;
    let options = manners(plain);
    let pool = |max: u32| {
        let pool = PgPoolOptions::new().max_connections(max).acquire_timeout(CONNECT).idle_timeout(None);
        pool.connect_lazy_with(options.clone())
    };
    Ok(SqlState::new((0..WRITERS).map(|_| pool(1)).collect(), pool(READERS)))
}

/// Lines for the copy of a whole gym: without deadlines, and without a word to the owner.
pub async fn copy_pool(url: &str, migrating: Migrating) -> Result<Pool<Db>, MigrateError> {
    let options = address(url).map_err(MigrateError::Address)?;
    migrate(&options, migrating).await?;
    patient(&options).await
}

/// How far the schema of a database is, and which of the two it is.
pub async fn status(url: &str) -> Result<(Server, Status), MigrateError> {
    let pool = patient(&address(url).map_err(MigrateError::Address)?).await?;
    let found = status_of(&pool).await;
    pool.close().await;
    found
}

async fn status_of(pool: &Pool<Db>) -> Result<(Server, Status), MigrateError> {
    let server = tried(async || server(pool).await).await.map_err(MigrateError::Unreadable)?;
    Ok((server, migrator::status(pool, &server.migrations()).await?))
}

/// Without deadlines: an index over a year of classes takes its time. One line works, the other says that we live.
async fn patient(options: &PgConnectOptions) -> Result<Pool<Db>, MigrateError> {
    let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(CONNECT);
    let options = options.clone().application_name("fitconnect migrate");
    tried(async || pool.clone().connect_with(options.clone()).await).await.map_err(MigrateError::Unreadable)
}

async fn migrate(options: &PgConnectOptions, migrating: Migrating) -> Result<(), MigrateError> {
    let pool = patient(options).await?;
    let done = migrate_on(&pool, migrating).await;
    pool.close().await;
    done
}

async fn migrate_on(pool: &Pool<Db>, migrating: Migrating) -> Result<(), MigrateError> {
    let (server, status) = status_of(pool).await?;
    migrating.check(&status)?;
    if status.pending.is_empty() {
        return Ok(());
    }
    let all = server.migrations();
    let tables: Vec<_> = all.iter().filter(|(_, name, _)| LOCK_TABLES.contains(name)).map(|each| each.2).collect();
    let turn = Turn::wait(pool, &tables).await.map_err(MigrateError::Unreadable)?;
    // Whoever had the turn before us may have done it.
    let done = match migrator::status(pool, &all).await {
        Ok(status) => migrator::apply(pool, &status.pending).await,
        Err(error) => Err(error),
    };
    turn.give_back().await.map_err(MigrateError::Unreadable)?;
    done
}

/// Which of the two it is.
pub async fn server(pool: &Pool<Db>) -> sqlx::Result<Server> {
    let version: String = sqlx::query("select version()").fetch_one(pool).await?.try_get(0)?;
    Ok(if version.contains("CockroachDB") { Server::Cockroach } else { Server::Postgres })
}

/// Which unique column of an account an error speaks of.
fn taken(error: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(said) = error else { return None };
    let is_email = said.constraint() == Some("fc_account_email");
    said.is_unique_violation().then_some(if is_email { "email" } else { "id" })
}
