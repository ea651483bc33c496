//! Whose the shards are. An owner writes under the epoch that it was given; whoever takes the shards raises it. A living owner's counter
//! rises; one that stands still for long enough is a dead one's. No clock of the database and none of another machine is believed.

use super::super::super::OwnError;
use super::super::super::rows::many;
use super::super::SHARED;
use super::*;
use crate::store::lease::{LOOK_EVERY, SUSPECT};
use crate::store::node::Node;
use fitconnect_actors::ports::SHARDS;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;
use std::time::Instant;

const CLAIM: &str = "insert into fc_shard (shard_id, owner, epoch) values";
const CLAIM_TAIL: &str =
    "on conflict (shard_id) do update set owner = excluded.owner, epoch = fc_shard.epoch + 1 returning shard_id, epoch";
const OWNED: &str = "select shard_id, epoch from fc_shard where owner = $1";
const RIVALS: &str =
    "select node_id, incarnation, hb, addr from fc_node where state = 'up' and node_id <> $1 order by node_id";
/// A copy that was begun here and has not ended.
const COPYING: &str = "select name from fc_lock where name = 'copy'";
const BURY: &str = "update fc_node set state = 'dead' where node_id = $1";
const ENTER: &str = "insert into fc_node (node_id, incarnation, hb, addr, state, weight) values ($1, $2, 1, $3, 'up', 1) \
     on conflict (node_id) do update set incarnation = excluded.incarnation, hb = fc_node.hb + 1, addr = excluded.addr, state = 'up'";

/// Another node that says to be up: its incarnation and its counter.
type Rivals = BTreeMap<Uuid, (Uuid, i64)>;

fn epochs(rows: &[SqlRow]) -> sqlx::Result<Vec<u64>> {
    let mut epochs = vec![0; SHARDS];
    for row in rows {
        epochs[row.try_get::<i64, _>(0)? as usize] = row.try_get::<i64, _>(1)? as u64;
    }
    Ok(epochs)
}

async fn claim_in(conn: &mut Conn, owner: Uuid) -> sqlx::Result<Vec<u64>> {
    let mut insert = sqlx::query(AssertSqlSafe(many(CLAIM, 3, SHARDS, CLAIM_TAIL)));
    for shard in 0..SHARDS as i64 {
        insert = insert.bind(shard).bind(owner).bind(1_i64);
    }
    epochs(&insert.fetch_all(conn).await?)
}

async fn claim_on(conn: &mut Conn, owner: Uuid) -> Result<Vec<u64>, Broke<Vec<u64>>> {
    let mut tx = within(conn.begin_with(BEGIN)).await?;
    let epochs = within(claim_in(&mut tx, owner)).await?;
    commit(tx, epochs).await
}

/// Those that say to be up, and how the first of them calls itself.
async fn rivals_in(conn: &mut Conn, node: Uuid) -> sqlx::Result<(Rivals, Option<String>)> {
    let rows = sqlx::query(RIVALS).bind(node).fetch_all(conn).await?;
    let addr = rows.first().map(|row| row.try_get(3)).transpose()?;
    let rival = |row: &SqlRow| Ok((uuid(row, 0)?, (uuid(row, 1)?, row.try_get(2)?)));
    Ok((rows.iter().map(rival).collect::<sqlx::Result<_>>()?, addr))
}

/// Takes everything over from these, if nobody else says to be up and none of them has moved. `None`: look again.
async fn enter_on(conn: &mut Conn, node: &Node, dead: &Rivals) -> Result<Option<Vec<u64>>, Broke<Option<Vec<u64>>>> {
    let mut tx = within(conn.begin_with(BEGIN)).await?;
    let work = async {
        if rivals_in(&mut tx, node.id).await?.0.iter().any(|(id, seen)| dead.get(id) != Some(seen)) {
            return Ok(None);
        }
        for id in dead.keys() {
            sqlx::query(BURY).bind(id).execute(&mut *tx).await?;
        }
        sqlx::query(ENTER).bind(node.id).bind(node.incarnation).bind(&node.addr).execute(&mut *tx).await?;
        claim_in(&mut tx, node.incarnation).await.map(Some)
    };
    let epochs = within(work).await?;
    commit(tx, epochs).await
}

impl SqlState {
    /// Takes all shards, whoever has them. `owner` is new with each call: where the outcome is unknown, it says whose they are.
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
                    if self.owns(owner).await? {
                        return Ok(epochs);
                    }
                    error
                }
            };
            tries.again(error).await?;
        }
    }

    async fn owns(&self, owner: Uuid) -> sqlx::Result<bool> {
        let ask = || sqlx::query(OWNED).bind(owner);
        let rows = retry!(self, "outcome", on_line!(self.common(), |line| ask().fetch_all(line)))?;
        Ok(rows.len() == SHARDS)
    }

    async fn enter(&self, node: &Node, dead: &Rivals) -> sqlx::Result<bool> {
        let mut tries = Tries::new("own", &self.counts.retries);
        loop {
            let mut line = Line::take(self.common()).await?;
            let result = enter_on(line.conn(), node, dead).await;
            line.back(result.as_ref().err().map(Broke::error));
            let error = match result {
                Ok(epochs) => return Ok(epochs.is_some()),
                Err(Broke::Before(error)) => error,
                Err(Broke::AtCommit(error, _)) => {
                    if self.owns(node.incarnation).await? {
                        return Ok(true);
                    }
                    error
                }
            };
            tries.again(error).await?;
        }
    }

    /// Becomes the owner of all shards, or says whose they are. Takes [`SUSPECT`] where an owner died without a word.
    pub(super) async fn take_over(&self, node: &Node) -> Result<(), OwnError> {
        let ask = || sqlx::query(COPYING);
        let copying = retry!(self, "own", on_line!(self.common(), |line| ask().fetch_optional(line)));
        if copying.map_err(unavailable)?.is_some() {
            return Err(OwnError::Unfinished);
        }
        let began = Instant::now();
        let mut first: Option<Rivals> = None;
        loop {
            // Before the counters are read: they stood still for at least so long.
            let watched = began.elapsed();
            let ask = retry!(self, "own", on_line!(self.common(), |line| rivals_in(line, node.id)));
            let (rivals, addr) = ask.map_err(unavailable)?;
            let seen = first.get_or_insert_with(|| rivals.clone());
            let moved = rivals.iter().any(|(id, counter)| seen.get(id) != Some(counter));
            if let (true, Some(addr)) = (moved, addr) {
                return Err(OwnError::Alive { addr });
            }
            // Where nobody else can come to the database, whoever says to be up is dead.
            if (rivals.is_empty() || watched >= SUSPECT || !SHARED)
                && self.enter(node, &rivals).await.map_err(unavailable)?
            {
                if !rivals.is_empty() {
                    tracing::warn!(dead = rivals.len(), "taken over from an owner that did not move any more");
                }
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
