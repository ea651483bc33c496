//! The outbox: what changed, written by the transactions that changed it, until the event store has it.

use super::super::super::rows::{actor_bytes, actor_of, cut, many};
use super::*;
use fitconnect_actors::ports::{StoreError, Told};
use sqlx::AssertSqlSafe;

const WAITING: &str = "select actor, seq, at_us, kind, body from fc_outbox order by shard_id, actor, seq limit $1";
const GONE: &str = "delete from fc_outbox where (shard_id, actor, seq) in (values";

fn told(row: &SqlRow) -> Result<Told, StoreError> {
    let actor: Vec<u8> = row.try_get(0).map_err(unavailable)?;
    let read = || -> sqlx::Result<_> {
        Ok((row.try_get::<i64, _>(1)?, row.try_get::<i64, _>(2)?, row.try_get(3)?, row.try_get(4)?))
    };
    let (seq, at_us, kind, body) = read().map_err(unavailable)?;
    let key = actor_of(&actor).ok_or_else(|| StoreError::Damaged("an actor in fc_outbox".into()))?;
    Ok(Told { key, seq: seq as u64, at: millis(at_us), kind, body })
}

impl SqlState {
    pub(super) async fn read_outbox(&self, limit: u32) -> Result<Vec<Told>, StoreError> {
        let ask = || sqlx::query(WAITING).bind(i64::from(limit));
        let rows = retry!(self, "outbox", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(told).collect()
    }

    pub(super) async fn drop_told(&self, told: &[Told]) -> Result<(), StoreError> {
        for part in cut(told) {
            let text = many(GONE, 3, part.len(), ")");
            let gone = || {
                let ask = sqlx::query(AssertSqlSafe(text.clone()));
                part.iter().fold(ask, |ask, told| {
                    let actor = actor_bytes(&told.key).to_vec();
                    ask.bind(i64::from(told.key.shard())).bind(actor).bind(told.seq as i64)
                })
            };
            let done = retry!(self, "outbox", on_line!(self.common(), |line| gone().execute(line)));
            done.map_err(unavailable)?;
        }
        Ok(())
    }
}
