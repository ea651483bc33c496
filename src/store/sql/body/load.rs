//! Reading an actor back, and what the scans look for: alarms that are due, letters that wait.

use super::super::super::rows::{actor_bytes, letter_bytes, letter_of};
use super::rooms::{LOAD_ROOM, ROOM_EVENTS};
use super::*;
use fitconnect_actors::body::unpack;
use fitconnect_actors::ports::*;
use fitconnect_domain::{ActorKey, LetterId};
use fitconnect_protocol::limits::{CMD_AGE_MS_MAX, CMD_RECENT_MAX, CMD_RECENT_MS, RING_EVENTS_MAX};
use fitconnect_protocol::{ClassId, CmdId, UserId};

const LOAD_CLASS: &str = "select rev, last_seq, wake_at_us from fc_class where id = $1";
const LOAD_USER: &str = "select rev, last_seq, wake_at_us, snapshot from fc_user where id = $1";
const EPOCH: &str = "select epoch, owner from fc_shard where shard_id = $1";
const CLASS_CHANGES: &str =
    "select seq, body from fc_class_change where class_id = $1 and seq >= $2 order by seq limit $3";
const USER_CHANGES: &str =
    "select seq, body from fc_user_change where user_id = $1 and kind = $2 and seq < $3 order by seq desc limit $4";
/// Those of the ten minutes before the last: whoever asks again does so after that.
const RECENT_ANSWERS: &str = "select author, cmd, digest, at_us, answer from fc_command where actor = $1 and at_us >= \
     (select coalesce(max(c.at_us), 0) from fc_command as c where c.actor = $1) - $2 order by at_us desc limit $3";
const ANSWER: &str =
    "select author, cmd, digest, at_us, answer from fc_command where actor = $1 and author = $2 and cmd = $3";
const NEWEST: &str = "select max(at_us) from fc_command";
const DUE: &str = "select id, cast(1 as bigint), wake_at_us from fc_class where wake_at_us is not null and wake_at_us <= $1 \
     union all select id, cast(2 as bigint), wake_at_us from fc_user where wake_at_us is not null and wake_at_us <= $1 order by 3, 1 limit $2";
const LETTERS: &str = "select letter_id, body from fc_letter where letter_id > $1 order by letter_id limit $2";
/// So many at a time, so that no sweep holds up a commit for long.
const SWEEP: &str = "delete from fc_command where (actor, author, cmd) in \
     (select c.actor, c.author, c.cmd from fc_command as c where c.at_us < $1 order by c.at_us limit $2)";
const SWEPT_AT_ONCE: i64 = 1_000;
/// Unreadable letters that are remembered as having been told of.
const UNREADABLE_MAX: usize = 1_024;

fn answer(row: &SqlRow) -> sqlx::Result<StoredAnswer> {
    Ok(StoredAnswer {
        author: UserId(uuid(row, 0)?),
        cmd: CmdId(uuid(row, 1)?),
        digest: row.try_get::<i64, _>(2)? as u64,
        at: millis(row.try_get(3)?),
        reply: row.try_get(4)?,
    })
}

fn numbered(row: &SqlRow) -> sqlx::Result<Numbered> {
    Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?))
}

/// All of an actor as of one moment, and whose its shard was.
async fn load_on(conn: &mut Conn, key: ActorKey) -> sqlx::Result<(StoredActor, Option<Uuid>)> {
    let mut tx = conn.begin_with(BEGIN_READ).await?;
    let mut stored = StoredActor::default();
    let row = match key {
        ActorKey::Class(id) => sqlx::query(LOAD_CLASS).bind(id.0).fetch_optional(&mut *tx).await?,
        ActorKey::User(id) => sqlx::query(LOAD_USER).bind(id.0).fetch_optional(&mut *tx).await?,
        ActorKey::Room(id) => sqlx::query(LOAD_ROOM).bind(id.0).fetch_optional(&mut *tx).await?,
        ActorKey::Session(_) => return Ok((stored, None)),
    };
    let epoch = sqlx::query(EPOCH).bind(i64::from(key.shard())).fetch_optional(&mut *tx).await?;
    let (epoch, owner) = match epoch {
        Some(row) => (row.try_get::<i64, _>(0)?, row.try_get::<Option<Uuid>, _>(1)?),
        None => (0, None),
    };
    stored.epoch = epoch as u64;
    if let Some(row) = row {
        stored.rev = row.try_get::<i64, _>(0)? as u64;
        stored.last_seq = row.try_get::<i64, _>(1)? as u64;
        stored.wake_at = row.try_get::<Option<i64>, _>(2)?.map(millis);
        match key {
            ActorKey::Class(id) => {
                let rows = sqlx::query(CLASS_CHANGES).bind(id.0).bind(0_i64).bind(i64::MAX).fetch_all(&mut *tx).await?;
                stored.changes = rows.iter().map(|row| row.try_get(1)).collect::<sqlx::Result<_>>()?;
            }
            ActorKey::User(_) => stored.snapshot = Some(row.try_get(3)?),
            ActorKey::Room(id) => {
                stored.snapshot = Some(row.try_get(3)?);
                stored.topic_epoch = row.try_get::<i64, _>(4)? as u32;
                let kept = (stored.last_seq as i64).saturating_sub(RING_EVENTS_MAX as i64);
                let behind = row.try_get::<i64, _>(5)?.min(kept);
                let rows =
                    sqlx::query(ROOM_EVENTS).bind(id.0).bind(behind + 1).bind(i64::MAX).fetch_all(&mut *tx).await?;
                stored.changes = rows.iter().map(|row| row.try_get(1)).collect::<sqlx::Result<_>>()?;
            }
            ActorKey::Session(_) => {}
        }
        let answers = sqlx::query(RECENT_ANSWERS).bind(actor_bytes(&key).to_vec()).bind(CMD_RECENT_MS as i64 * 1_000);
        let answers = answers.bind(CMD_RECENT_MAX as i64);
        stored.answers = answers.fetch_all(&mut *tx).await?.iter().rev().map(answer).collect::<sqlx::Result<_>>()?;
    }
    // Its end may still say that what was read never stood together.
    tx.commit().await?;
    Ok((stored, owner))
}

impl SqlState {
    pub(super) async fn load_actor(&self, key: ActorKey) -> Result<StoredActor, StoreError> {
        let loaded = retry!(self, "load", on_line!(&self.read, |line| load_on(line, key)));
        let (stored, owner) = loaded.map_err(unavailable)?;
        match self.owner.get() {
            Some(us) if owner != Some(*us) && !matches!(key, ActorKey::Session(_)) => {
                Err(StoreError::Unavailable(format!("shard {} has another owner by now", key.shard())))
            }
            Some(_) | None => Ok(stored),
        }
    }

    pub(super) async fn read_answer(
        &self,
        key: ActorKey,
        author: UserId,
        cmd: CmdId,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let ask = || sqlx::query(ANSWER).bind(actor_bytes(&key).to_vec()).bind(author.0).bind(cmd.0);
        let found = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line)));
        found.map_err(unavailable)?.as_ref().map(answer).transpose().map_err(unavailable)
    }

    pub(super) async fn read_newest(&self) -> Result<Option<Millis>, StoreError> {
        let row = retry!(self, "read", on_line!(&self.read, |line| sqlx::query(NEWEST).fetch_one(line)));
        let newest: Option<i64> = row.and_then(|row| row.try_get(0)).map_err(unavailable)?;
        Ok(newest.map(millis))
    }

    pub(super) async fn read_due(&self, now: Millis, limit: u32) -> Result<Vec<ActorKey>, StoreError> {
        let ask = || sqlx::query(DUE).bind(us(now)).bind(i64::from(limit));
        let rows = retry!(self, "due", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        let key = |row: &SqlRow| {
            let id = uuid(row, 0)?;
            let is_class = row.try_get::<i64, _>(1)? == 1;
            Ok(if is_class { ActorKey::Class(ClassId(id)) } else { ActorKey::User(UserId(id)) })
        };
        rows.iter().map(key).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    /// A letter that cannot be read stands in nobody's way: it is passed over, counted and told of once.
    pub(super) async fn read_letters(
        &self,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<Vec<StoredLetter>, StoreError> {
        let mut after = after.as_ref().map(letter_bytes).unwrap_or_default();
        let mut found: Vec<StoredLetter> = Vec::new();
        loop {
            let missing = i64::from(limit) - found.len() as i64;
            let ask = || sqlx::query(LETTERS).bind(after.clone()).bind(missing);
            let rows = retry!(self, "letters", on_line!(&self.read, |line| ask().fetch_all(line)));
            let rows = rows.map_err(unavailable)?;
            for row in &rows {
                let id: Vec<u8> = row.try_get(0).map_err(unavailable)?;
                let body: Vec<u8> = row.try_get(1).map_err(unavailable)?;
                let read = letter_of(&id).and_then(|id| Ok(StoredLetter { id, letter: unpack(&body, "a letter")? }));
                match read {
                    Ok(letter) => found.push(letter),
                    Err(error) => self.is_unreadable(&id, &error),
                }
                after = id;
            }
            if (rows.len() as i64) < missing || found.len() as u32 >= limit {
                return Ok(found);
            }
        }
    }

    fn is_unreadable(&self, id: &[u8], error: &StoreError) {
        let mut told = self.unreadable.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.len() < UNREADABLE_MAX && told.insert(id.to_vec()) {
            self.counts.letters_unreadable.fetch_add(1, Ordering::Relaxed);
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            tracing::error!(%id, %error, "a letter cannot be read and is passed over: it waits in fc_letter");
        }
    }

    pub(super) async fn sweep_answers(&self, now: Millis) -> Result<u64, StoreError> {
        let before = us(Millis(now.0.saturating_sub(CMD_AGE_MS_MAX)));
        let mut swept = 0;
        loop {
            let gone = || sqlx::query(SWEEP).bind(before).bind(SWEPT_AT_ONCE);
            let done = retry!(self, "sweep", on_line!(self.common(), |line| gone().execute(line)));
            let done = done.map_err(unavailable)?.rows_affected();
            swept += done;
            if (done as i64) < SWEPT_AT_ONCE {
                return Ok(swept);
            }
        }
    }

    pub(super) async fn read_user_changes(
        &self,
        user: UserId,
        kind: &'static str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        let before = before.map_or(i64::MAX, |before| before as i64);
        let ask = || sqlx::query(USER_CHANGES).bind(user.0).bind(kind).bind(before).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    pub(super) async fn read_class_changes(
        &self,
        class: ClassId,
        from_seq: u64,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        let ask = || sqlx::query(CLASS_CHANGES).bind(class.0).bind(from_seq as i64).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
    }
}
