//! One process at a time changes a shared schema: a row is the lock, its holder's counter says that it is alive. There are no advisory
//! locks on CockroachDB, and a session's lock would end with its line.

use super::fault::tried;
use crate::store::lease::{BEAT, LOOK_EVERY, SUSPECT};
use fitconnect_protocol::Uuid;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row as _};
use std::time::Instant;
use tokio::task::JoinHandle;

const TAKE: &str = "insert into fc_lock (name, holder, hb) values ('schema', $1, 0) on conflict (name) do nothing";
const HOLDER: &str = "select holder, hb from fc_lock where name = 'schema'";
const TAKE_OVER: &str = "update fc_lock set holder = $1, hb = hb + 1 where name = 'schema' and holder = $2 and hb = $3";
const BEATS: &str = "update fc_lock set hb = hb + 1 where name = 'schema' and holder = $1";
const GIVE_BACK: &str = "delete from fc_lock where name = 'schema' and holder = $1";

/// Two made a table at once, and PostgreSQL tells one of them so: by the key of its catalogue (23505), the table (42P07), the type of
/// the table's rows (42710), or a catalogue's row that was changed meanwhile (XX000); CockroachDB says 40001.
fn raced(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|said| said.code());
    matches!(code.as_deref(), Some("23505" | "42P07" | "42710" | "40001" | "XX000"))
}

/// Held until it is given back.
pub struct Turn {
    pool: PgPool,
    me: Uuid,
    beats: JoinHandle<()>,
}

impl Turn {
    /// Waits for the turn. `tables`: the statements that make the table of the lock; they may run twice, and at one time in two processes.
    pub async fn wait(pool: &PgPool, tables: &[&'static str]) -> sqlx::Result<Turn> {
        for statement in tables {
            while let Err(error) = sqlx::raw_sql(AssertSqlSafe(*statement)).execute(pool).await {
                if !raced(&error) {
                    return Err(error);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        let me = Uuid::now_v7();
        let mut seen: Option<(Instant, Uuid, i64)> = None;
        loop {
            if tried(async || sqlx::query(TAKE).bind(me).execute(pool).await).await?.rows_affected() > 0 {
                break;
            }
            let row = tried(async || sqlx::query(HOLDER).fetch_optional(pool).await).await?;
            let Some(row) = row else { continue };
            let (holder, hb): (Uuid, i64) = (row.try_get(0)?, row.try_get(1)?);
            if holder == me {
                // We have it already: it was the answer that got lost.
                break;
            }
            match seen {
                Some((since, was, counted)) if (was, counted) == (holder, hb) => {
                    let dead = since.elapsed() >= SUSPECT;
                    let over = async || sqlx::query(TAKE_OVER).bind(me).bind(holder).bind(hb).execute(pool).await;
                    if dead && tried(over).await?.rows_affected() > 0 {
                        tracing::warn!("another process that changed the schema has died: this one goes on");
                        break;
                    }
                }
                Some(_) | None => {
                    tracing::info!("another process changes the schema: waiting for it");
                    seen = Some((Instant::now(), holder, hb));
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (line, holder) = (pool.clone(), me);
        let beats = tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                // The next one may succeed; without any, another takes the turn, and each statement may run twice.
                let _ = sqlx::query(BEATS).bind(holder).execute(&line).await;
            }
        });
        Ok(Turn { pool: pool.clone(), me, beats })
    }

    pub async fn give_back(self) -> sqlx::Result<()> {
        self.beats.abort();
        tried(async || sqlx::query(GIVE_BACK).bind(self.me).execute(&self.pool).await).await.map(drop)
    }
}
