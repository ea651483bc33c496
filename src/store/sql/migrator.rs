//! Brings a schema up to date: the same for every engine. Each migration may run twice, so a crash between one and its note costs nothing.

use super::super::fault::tried;
use super::super::migrate::{MigrateError, Migration, Status};
use super::{Db, TABLE_THERE};
use sqlx::{AssertSqlSafe, Pool, Row as _};

const NOTED: &str = "insert into fc_schema (version, applied_at_us) values ($1, $2) on conflict (version) do nothing";

/// What is there, and what is missing.
pub async fn status(pool: &Pool<Db>, migrations: &[Migration]) -> Result<Status, MigrateError> {
    let known = migrations.last().map_or(0, |(number, ..)| *number);
    let found = tried(async || version(pool).await).await.map_err(MigrateError::Unreadable)?;
    if found > known {
        return Err(MigrateError::FromTheFuture { found, known });
    }
    let pending = migrations.iter().filter(|(number, ..)| *number > found).copied().collect();
    Ok(Status { found, known, pending })
}

pub async fn apply(pool: &Pool<Db>, migrations: &[Migration]) -> Result<(), MigrateError> {
    for (number, name, statement) in migrations {
        let applied = tried(async || apply_one(pool, *number, statement).await).await;
        applied.map_err(|source| MigrateError::Failed { name, source })?;
        tracing::info!(migration = name, "the schema is further");
    }
    Ok(())
}

async fn apply_one(pool: &Pool<Db>, number: i64, statement: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await?;
    sqlx::query(NOTED).bind(number).bind(now_us()).execute(pool).await.map(drop)
}

/// The last migration that was applied; 0 in an empty store.
async fn version(pool: &Pool<Db>) -> sqlx::Result<i64> {
    let there: i64 = sqlx::query(TABLE_THERE).bind("fc_schema").fetch_one(pool).await?.try_get(0)?;
    if there == 0 {
        return Ok(0);
    }
    sqlx::query("select coalesce(max(version), 0) from fc_schema").fetch_one(pool).await?.try_get(0)
}

/// For the record only: nothing is decided by it.
fn now_us() -> i64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as i64)
}
