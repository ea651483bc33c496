//! Whose the shards are. An owner writes under the epoch that it was given; whoever takes the shards raises it.

use super::super::super::rows::many;
use super::*;
use fitconnect_actors::ports::SHARDS;
use sqlx::AssertSqlSafe;

const CLAIM: &str = "insert into fc_shard (shard_id, owner, epoch) values";
const CLAIM_TAIL: &str =
    "on conflict (shard_id) do update set owner = excluded.owner, epoch = fc_shard.epoch + 1 returning shard_id, epoch";
const OWNED: &str = "select shard_id, epoch from fc_shard where owner = $1";

fn epochs(rows: &[SqlRow]) -> sqlx::Result<Vec<u64>> {
    let mut epochs = vec![0; SHARDS];
    for row in rows {
        epochs[row.try_get::<i64, _>(0)? as usize] = row.try_get::<i64, _>(1)? as u64;
    }
    Ok(epochs)
}

async fn claim_on(conn: &mut Conn, owner: Uuid) -> Result<Vec<u64>, Broke<Vec<u64>>> {
    let mut tx = within(conn.begin_with(BEGIN)).await?;
    let text = many(CLAIM, 3, SHARDS, CLAIM_TAIL);
    let mut insert = sqlx::query(AssertSqlSafe(text));
    for shard in 0..SHARDS as i64 {
        insert = insert.bind(shard).bind(owner).bind(1_i64);
    }
    let rows = within(insert.fetch_all(&mut *tx)).await?;
    let epochs = epochs(&rows)?;
    commit(tx, epochs).await
}

impl SqlState {
    /// Takes all shards. `owner` is new with each call: where the outcome is unknown, it says whose they are.
    pub(super) async fn claim(&self, owner: Uuid) -> sqlx::Result<Vec<u64>> {
        let mut tries = Tries::new("claim", &self.counts.retries);
        loop {
            let mut line = Line::take(self.common()).await?;
            let result = claim_on(line.conn(), owner).await;
            line.back(result.as_ref().err().map(Broke::error));
            let error = match result {
                Ok(epochs) => return Ok(epochs),
                Err(Broke::Before(error)) => error,
                Err(Broke::AtCommit(error, epochs)) => {
                    let ask = || sqlx::query(OWNED).bind(owner);
                    let rows = retry!(self, "outcome", on_line!(self.common(), |line| ask().fetch_all(line)))?;
                    if rows.len() == SHARDS {
                        return Ok(epochs);
                    }
                    error
                }
            };
            tries.again(error).await?;
        }
    }
}
