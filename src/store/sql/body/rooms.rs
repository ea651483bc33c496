//! Rooms in the store: their rows behind the fence, their events by number, and the messages among them.

use super::super::super::rows::{cut, many};
use super::commit::{Granted, note};
use super::*;
use fitconnect_actors::ports::*;
use fitconnect_protocol::{GymId, RoomId};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

const FENCE_ROOMS: (&str, &str) = (
    "with v (id, rev, epoch, more, set_wake, wake, people, snapshot_seq, snapshot) as (values",
    ") update fc_room set rev = fc_room.rev + 1, last_seq = fc_room.last_seq + v.more, \
     wake_at_us = case when v.set_wake then v.wake else fc_room.wake_at_us end, people = coalesce(v.people, fc_room.people), \
     snapshot_seq = coalesce(v.snapshot_seq, fc_room.snapshot_seq), snapshot = coalesce(v.snapshot, fc_room.snapshot) \
     from v where fc_room.id = v.id and fc_room.rev = v.rev \
     and exists (select 1 from fc_shard as s where s.shard_id = fc_room.shard_id and s.epoch = v.epoch) \
     returning fc_room.id, fc_room.rev",
);
const NEW_ROOM: &str = "insert into fc_room (id, shard_id, rev, last_seq, wake_at_us, gym_id, kind, name, people, topic_epoch, snapshot_seq, snapshot) \
     select $1, s.shard_id, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from fc_shard as s where s.shard_id = $11 and s.epoch = $12 \
     on conflict (id) do nothing returning rev";
const REWRITE: &str = "update fc_room_event set body = $3 where room_id = $1 and seq = $2";
pub(super) const REV_ROOM: &str =
    "select r.rev, s.epoch from fc_room as r join fc_shard as s on s.shard_id = r.shard_id where r.id = $1";
pub(super) const LOAD_ROOM: &str =
    "select rev, last_seq, wake_at_us, snapshot, topic_epoch, snapshot_seq from fc_room where id = $1";
pub(super) const ROOM_EVENTS: &str =
    "select seq, body from fc_room_event where room_id = $1 and seq >= $2 order by seq limit $3";
const MESSAGES_BEFORE: &str = "select seq, body from fc_room_event where room_id = $1 and seq < $2 and kind = 'posted' order by seq desc limit $3";
const MESSAGES_AFTER: &str =
    "select seq, body from fc_room_event where room_id = $1 and seq > $2 and kind = 'posted' order by seq limit $3";
/// Numbers follow the time, but for what a clock that was set back has turned round.
const MESSAGES_SINCE: &str = "select seq, body from fc_room_event where room_id = $1 and kind = 'posted' and seq >= \
     (select e.seq from fc_room_event as e where e.room_id = $1 and e.at_us >= $2 order by e.at_us, e.seq limit 1) order by seq limit $3";

/// The first event says who made the room, and how one comes in. It is never written anew.
const ROOMS_NAMED: &str = "select r.id, r.name, r.people, c.body, c.at_us from fc_room as r \
     join fc_room_event as c on c.room_id = r.id and c.seq = 1 \
     where r.gym_id = $1 and r.kind = $2 and (r.name, r.id) > ($3, $4) order by r.name, r.id limit $5";
/// Nothing is written for this order: the newest message of each room of the kind is looked up.
const ROOMS_LIVELY: &str = "with r as (select f.id, f.name, f.people, (select e.seq from fc_room_event as e \
     where e.room_id = f.id and e.kind = 'posted' order by e.seq desc limit 1) as said \
     from fc_room as f where f.gym_id = $1 and f.kind = $2) \
     select r.id, r.name, r.people, c.body, coalesce(m.at_us, c.at_us), m.body from r \
     join fc_room_event as c on c.room_id = r.id and c.seq = 1 \
     left join fc_room_event as m on m.room_id = r.id and m.seq = r.said \
     where (coalesce(m.at_us, c.at_us), r.id) < ($3, $4) order by coalesce(m.at_us, c.at_us) desc, r.id desc limit $5";

pub(super) async fn new_room(conn: &mut Conn, room: Uuid, row: &RoomRow, commit: &Commit) -> sqlx::Result<Option<u64>> {
    // A room is made with its row: what has none is no beginning.
    let Some((seq, snapshot)) = &row.snapshot else { return Ok(None) };
    let new = sqlx::query(NEW_ROOM).bind(room).bind(commit.changes.len() as i64).bind(commit.wake_at.flatten().map(us));
    let new = new.bind(row.gym.0).bind(row.kind).bind(&row.name).bind(i64::from(row.people));
    let new = new.bind(i64::from(row.topic_epoch)).bind(*seq as i64).bind(snapshot);
    let new = new.bind(i64::from(commit.key.shard())).bind(commit.epoch as i64);
    let found = new.fetch_optional(conn).await?;
    found.map(|row| row.try_get::<i64, _>(0).map(|rev| rev as u64)).transpose()
}

pub(super) async fn fence_rooms(
    conn: &mut Conn,
    commits: &[&Commit],
    places: &BTreeMap<Uuid, usize>,
    granted: &mut Granted,
) -> sqlx::Result<()> {
    for part in cut(&places.iter().collect::<Vec<_>>()) {
        let (head, tail) = FENCE_ROOMS;
        let mut ask = sqlx::query(AssertSqlSafe(many(head, 9, part.len(), tail)));
        for (id, place) in part {
            let commit = commits[**place];
            let row = match &commit.row {
                Some(Row::Room(row)) => Some(row),
                Some(Row::Class(_) | Row::User(_)) | None => None,
            };
            let snapshot = row.and_then(|row| row.snapshot.as_ref());
            ask = ask.bind(**id).bind(commit.rev as i64).bind(commit.epoch as i64).bind(commit.changes.len() as i64);
            ask = ask.bind(commit.wake_at.is_some()).bind(commit.wake_at.flatten().map(us));
            ask = ask.bind(row.map(|row| i64::from(row.people))).bind(snapshot.map(|(seq, _)| *seq as i64));
            ask = ask.bind(snapshot.map(|(_, body)| body.as_slice()));
        }
        note(&ask.fetch_all(&mut *conn).await?, places, granted)?;
    }
    Ok(())
}

/// Earlier events as they are stored from now on, in the order in which they were changed.
pub(super) async fn rewrite(conn: &mut Conn, changes: &[(Uuid, &StoredChange)]) -> sqlx::Result<()> {
    for (room, change) in changes {
        for (seq, body) in &change.rewrites {
            sqlx::query(REWRITE).bind(*room).bind(*seq as i64).bind(body).execute(&mut *conn).await?;
        }
    }
    Ok(())
}

fn listed(row: &SqlRow, last: Option<Vec<u8>>) -> sqlx::Result<RoomListed> {
    let (people, at_us): (i64, i64) = (row.try_get(2)?, row.try_get(4)?);
    let (room, name, made) = (RoomId(uuid(row, 0)?), row.try_get(1)?, row.try_get(3)?);
    Ok(RoomListed { room, name, people: people as u32, made, last, at: Millis(at_us as u64 / 1_000) })
}

fn numbered(row: &SqlRow) -> sqlx::Result<Numbered> {
    Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?))
}

impl SqlState {
    pub(super) async fn read_room_events(
        &self,
        room: RoomId,
        from_seq: u64,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        let ask = || sqlx::query(ROOM_EVENTS).bind(room.0).bind(from_seq as i64).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    pub(super) async fn read_room_messages(
        &self,
        room: RoomId,
        page: Page,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        let number = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        let (text, from) = match page {
            Page::Before(seq) => (MESSAGES_BEFORE, number(seq)),
            Page::After(seq) => (MESSAGES_AFTER, number(seq)),
            Page::Since(at) => (MESSAGES_SINCE, us(at)),
        };
        let ask = || sqlx::query(text).bind(room.0).bind(from).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    pub(super) async fn list_rooms(
        &self,
        gym: GymId,
        kind: &'static str,
        listing: Listing,
        limit: u32,
    ) -> Result<Vec<RoomListed>, StoreError> {
        let limit = i64::from(limit);
        let rows = match listing {
            Listing::Named { after } => {
                // No room has an empty name.
                let (name, room) = after.map_or((String::new(), Uuid::nil()), |(name, room)| (name, room.0));
                let ask = || sqlx::query(ROOMS_NAMED).bind(gym.0).bind(kind).bind(&name).bind(room).bind(limit);
                let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line)));
                rows.and_then(|rows| rows.iter().map(|row| listed(row, None)).collect())
            }
            Listing::Lively { after } => {
                let (at, room) = after.map_or((i64::MAX, Uuid::max()), |(at, room)| (us(at), room.0));
                let ask = || sqlx::query(ROOMS_LIVELY).bind(gym.0).bind(kind).bind(at).bind(room).bind(limit);
                let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line)));
                rows.and_then(|rows| rows.iter().map(|row| listed(row, row.try_get(5)?)).collect())
            }
        };
        rows.map_err(unavailable)
    }
}
