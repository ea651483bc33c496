//! Commits: a batch is one transaction, whose statements are about many actors each. An actor whose fence holds is left out alone.

use super::super::super::rows::{actor_bytes, cut, letter_bytes, many};
use super::rooms::{REV_ROOM, fence_rooms, new_room, rewrite};
use super::*;
use super::{images, reports};
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::*;
use fitconnect_domain::report::Entry;
use fitconnect_domain::{ActorKey, Letter, LetterId};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// The fence: the revision rises where it and the shard's epoch are what the actor believes. What has no row here changed nothing.
const FENCE_CLASSES: (&str, &str) = (
    "with v (id, rev, epoch, more, set_wake, wake, gym, name, hall, trainer, starts, stage, people) as (values",
    ") update fc_class set rev = fc_class.rev + 1, last_seq = fc_class.last_seq + v.more, \
     wake_at_us = case when v.set_wake then v.wake else fc_class.wake_at_us end, \
     gym_id = coalesce(v.gym, fc_class.gym_id), name = coalesce(v.name, fc_class.name), hall = coalesce(v.hall, fc_class.hall), \
     trainer = coalesce(v.trainer, fc_class.trainer), starts_at_us = coalesce(v.starts, fc_class.starts_at_us), \
     stage = coalesce(v.stage, fc_class.stage), people = coalesce(v.people, fc_class.people) \
     from v where fc_class.id = v.id and fc_class.rev = v.rev \
     and exists (select 1 from fc_shard as s where s.shard_id = fc_class.shard_id and s.epoch = v.epoch) \
     returning fc_class.id, fc_class.rev",
);
const FENCE_USERS: (&str, &str) = (
    "with v (id, rev, epoch, more, set_wake, wake, snapshot) as (values",
    ") update fc_user set rev = fc_user.rev + 1, last_seq = fc_user.last_seq + v.more, \
     wake_at_us = case when v.set_wake then v.wake else fc_user.wake_at_us end, snapshot = coalesce(v.snapshot, fc_user.snapshot) \
     from v where fc_user.id = v.id and fc_user.rev = v.rev \
     and exists (select 1 from fc_shard as s where s.shard_id = fc_user.shard_id and s.epoch = v.epoch) \
     returning fc_user.id, fc_user.rev",
);
const NEW_CLASS: &str = "insert into fc_class (id, shard_id, rev, last_seq, wake_at_us, gym_id, name, hall, trainer, starts_at_us, stage, people) \
     select $1, s.shard_id, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from fc_shard as s where s.shard_id = $11 and s.epoch = $12 \
     on conflict (id) do nothing returning rev";
const FENCE_NOBODY: &str = "select epoch from fc_shard where shard_id = $1 and epoch = $2";
const LETTERS_THERE: &str = "select letter_id from fc_letter where letter_id in";
const DROP_LETTERS: &str = "delete from fc_letter where letter_id in";
const REV_CLASS: &str =
    "select c.rev, s.epoch from fc_class as c join fc_shard as s on s.shard_id = c.shard_id where c.id = $1";
const REV_USER: &str =
    "select u.rev, s.epoch from fc_user as u join fc_shard as s on s.shard_id = u.shard_id where u.id = $1";
/// The shard's epoch, and whether a letter is still there.
const WAITS: &str = "select s.epoch, (select count(l.letter_id) from fc_letter as l where l.letter_id = $1) from fc_shard as s where s.shard_id = $2";

/// The revision that each actor has now; `None`: its fence held.
pub(super) type Granted = Vec<Option<u64>>;

/// `($1, $2, …)`
fn places(count: usize) -> String {
    many("", count, 1, "").trim().to_owned()
}

/// Which of these letters are still there.
async fn there(conn: &mut Conn, commits: &[&Commit]) -> sqlx::Result<BTreeSet<Vec<u8>>> {
    let wanted: Vec<Vec<u8>> = commits.iter().flat_map(|commit| commit.received.iter().map(letter_bytes)).collect();
    let mut found = BTreeSet::new();
    for part in cut(&wanted) {
        let text = format!("{LETTERS_THERE} {}", places(part.len()));
        let ask = part.iter().fold(sqlx::query(AssertSqlSafe(text)), |ask, id| ask.bind(id));
        for row in ask.fetch_all(&mut *conn).await? {
            found.insert(row.try_get(0)?);
        }
    }
    Ok(found)
}

/// Raises the revisions of all whose fence does not hold.
async fn fence(conn: &mut Conn, commits: &[&Commit]) -> sqlx::Result<Granted> {
    let there = there(conn, commits).await?;
    let mut granted: Granted = vec![None; commits.len()];
    let (mut classes, mut users, mut rooms) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (place, commit) in commits.iter().enumerate() {
        if !commit.received.iter().all(|id| there.contains(&letter_bytes(id))) {
            continue;
        }
        match (commit.key, &commit.row) {
            (ActorKey::Class(class), Some(Row::Class(row))) if commit.rev == 0 => {
                granted[place] = new_class(conn, class.0, row, commit).await?;
            }
            (ActorKey::Room(room), Some(Row::Room(row))) if commit.rev == 0 => {
                granted[place] = new_room(conn, room.0, row, commit).await?;
            }
            // One who is twice in a batch is in two lives: the first goes, the second believes in a revision that has passed.
            (ActorKey::Class(class), _) if commit.rev > 0 => drop(classes.entry(class.0).or_insert(place)),
            (ActorKey::User(user), _) if commit.rev > 0 => drop(users.entry(user.0).or_insert(place)),
            (ActorKey::Room(room), _) if commit.rev > 0 => drop(rooms.entry(room.0).or_insert(place)),
            // Nothing is stored of it: it has only received letters that mean nothing to it.
            (_, _) if commit.changes.is_empty() => {
                let ours = sqlx::query(FENCE_NOBODY).bind(i64::from(commit.key.shard())).bind(commit.epoch as i64);
                granted[place] = ours.fetch_optional(&mut *conn).await?.map(|_| 0);
            }
            (_, _) => {}
        }
    }
    fence_classes(conn, commits, &classes, &mut granted).await?;
    fence_users(conn, commits, &users, &mut granted).await?;
    fence_rooms(conn, commits, &rooms, &mut granted).await?;
    Ok(granted)
}

async fn new_class(conn: &mut Conn, class: Uuid, row: &ClassRow, commit: &Commit) -> sqlx::Result<Option<u64>> {
    let new =
        sqlx::query(NEW_CLASS).bind(class).bind(commit.changes.len() as i64).bind(commit.wake_at.flatten().map(us));
    let new = new.bind(row.gym.0).bind(&row.name).bind(&row.hall).bind(&row.trainer).bind(row.starts_at_ms * 1_000);
    let new = new.bind(&row.stage).bind(i64::from(row.people)).bind(i64::from(commit.key.shard()));
    let found = new.bind(commit.epoch as i64).fetch_optional(conn).await?;
    found.map(|row| row.try_get::<i64, _>(0).map(|rev| rev as u64)).transpose()
}

async fn fence_classes(
    conn: &mut Conn,
    commits: &[&Commit],
    places: &BTreeMap<Uuid, usize>,
    granted: &mut Granted,
) -> sqlx::Result<()> {
    for part in cut(&places.iter().collect::<Vec<_>>()) {
        let (head, tail) = FENCE_CLASSES;
        let mut ask = sqlx::query(AssertSqlSafe(many(head, 13, part.len(), tail)));
        for (id, place) in part {
            let commit = commits[**place];
            let row = match &commit.row {
                Some(Row::Class(row)) => Some(row),
                Some(Row::User(_) | Row::Room(_)) | None => None,
            };
            ask = ask.bind(**id).bind(commit.rev as i64).bind(commit.epoch as i64).bind(commit.changes.len() as i64);
            ask = ask.bind(commit.wake_at.is_some()).bind(commit.wake_at.flatten().map(us));
            ask = ask.bind(row.map(|row| row.gym.0)).bind(row.map(|row| row.name.as_str()));
            ask = ask.bind(row.map(|row| row.hall.as_str())).bind(row.map(|row| row.trainer.as_str()));
            ask = ask.bind(row.map(|row| row.starts_at_ms * 1_000)).bind(row.map(|row| row.stage.as_str()));
            ask = ask.bind(row.map(|row| i64::from(row.people)));
        }
        note(&ask.fetch_all(&mut *conn).await?, places, granted)?;
    }
    Ok(())
}

async fn fence_users(
    conn: &mut Conn,
    commits: &[&Commit],
    places: &BTreeMap<Uuid, usize>,
    granted: &mut Granted,
) -> sqlx::Result<()> {
    for part in cut(&places.iter().collect::<Vec<_>>()) {
        let (head, tail) = FENCE_USERS;
        let mut ask = sqlx::query(AssertSqlSafe(many(head, 7, part.len(), tail)));
        for (id, place) in part {
            let commit = commits[**place];
            let snapshot = match &commit.row {
                Some(Row::User(row)) => Some(row.snapshot.as_slice()),
                Some(Row::Class(_) | Row::Room(_)) | None => None,
            };
            ask = ask.bind(**id).bind(commit.rev as i64).bind(commit.epoch as i64).bind(commit.changes.len() as i64);
            ask = ask.bind(commit.wake_at.is_some()).bind(commit.wake_at.flatten().map(us)).bind(snapshot);
        }
        note(&ask.fetch_all(&mut *conn).await?, places, granted)?;
    }
    Ok(())
}

pub(super) fn note(rows: &[SqlRow], places: &BTreeMap<Uuid, usize>, granted: &mut Granted) -> sqlx::Result<()> {
    for row in rows {
        if let Some(place) = places.get(&uuid(row, 0)?) {
            granted[*place] = Some(row.try_get::<i64, _>(1)? as u64);
        }
    }
    Ok(())
}

/// Writes that follow the fences, gathered over all actors of a batch.
#[derive(Default)]
struct Writes<'c> {
    class_changes: Vec<(Uuid, &'c StoredChange)>,
    user_changes: Vec<(Uuid, &'c StoredChange)>,
    outbox: Vec<(ActorKey, &'c StoredChange)>,
    room_events: Vec<(Uuid, &'c StoredChange)>,
    letters: Vec<(LetterId, &'c Letter)>,
    answers: Vec<([u8; 17], &'c StoredAnswer)>,
    received: Vec<&'c LetterId>,
    reports: Vec<&'c Entry>,
}

impl<'c> Writes<'c> {
    fn gather(&mut self, commit: &'c Commit, rev: u64) {
        let changes = commit.changes.iter();
        match commit.key {
            ActorKey::Class(class) => self.class_changes.extend(changes.map(|change| (class.0, change))),
            ActorKey::User(user) => self.user_changes.extend(changes.map(|change| (user.0, change))),
            ActorKey::Room(room) => self.room_events.extend(changes.map(|change| (room.0, change))),
            ActorKey::Session(_) => {}
        }
        // A room's events stay where an edit or a deletion finds them.
        if !matches!(commit.key, ActorKey::Room(_)) {
            self.outbox.extend(commit.changes.iter().map(|change| (commit.key, change)));
        }
        let from = commit.key;
        self.letters
            .extend(commit.letters.iter().map(|(number, letter)| (LetterId { from, rev, number: *number }, letter)));
        self.answers.extend(commit.answers.iter().map(|answer| (actor_bytes(&from), answer)));
        self.received.extend(&commit.received);
        self.reports.extend(&commit.reports);
    }

    async fn write(self, conn: &mut Conn) -> sqlx::Result<()> {
        let tables = [
            ("fc_class_change (class_id", &self.class_changes),
            ("fc_user_change (user_id", &self.user_changes),
            ("fc_room_event (room_id", &self.room_events),
        ];
        for (table, changes) in tables {
            let head = format!("insert into {table}, seq, at_us, kind, body) values");
            for part in cut(changes) {
                let mut insert = sqlx::query(AssertSqlSafe(many(&head, 5, part.len(), "")));
                for (id, change) in part {
                    insert = insert.bind(*id).bind(change.seq as i64).bind(us(change.at));
                    insert = insert.bind(change.kind).bind(&change.body);
                }
                insert.execute(&mut *conn).await?;
            }
        }
        for part in cut(&self.outbox) {
            let head = "insert into fc_outbox (shard_id, actor, seq, at_us, kind, body) values";
            let mut insert = sqlx::query(AssertSqlSafe(many(head, 6, part.len(), "")));
            for (key, change) in part {
                insert = insert.bind(i64::from(key.shard())).bind(actor_bytes(key).to_vec()).bind(change.seq as i64);
                insert = insert.bind(us(change.at)).bind(change.kind).bind(&change.body);
            }
            insert.execute(&mut *conn).await?;
        }
        rewrite(conn, &self.room_events).await?;
        reports::file(conn, &self.reports).await?;
        images::file(conn, &self.reports).await?;
        for part in cut(&self.letters) {
            let text = many("insert into fc_letter (to_shard, letter_id, body) values", 3, part.len(), "");
            let mut insert = sqlx::query(AssertSqlSafe(text));
            for (id, letter) in part {
                insert = insert.bind(i64::from(letter.to.shard())).bind(letter_bytes(id)).bind(pack(*letter));
            }
            insert.execute(&mut *conn).await?;
        }
        for part in cut(&self.answers) {
            let head = "insert into fc_command (actor, author, cmd, digest, at_us, answer) values";
            let mut insert = sqlx::query(AssertSqlSafe(many(head, 6, part.len(), "")));
            for (actor, answer) in part {
                insert = insert.bind(actor.to_vec()).bind(answer.author.0).bind(answer.cmd.0);
                insert = insert.bind(answer.digest as i64).bind(us(answer.at)).bind(&answer.reply);
            }
            insert.execute(&mut *conn).await?;
        }
        for part in cut(&self.received) {
            let text = format!("{DROP_LETTERS} {}", places(part.len()));
            let gone = part.iter().fold(sqlx::query(AssertSqlSafe(text)), |gone, id| gone.bind(letter_bytes(id)));
            gone.execute(&mut *conn).await?;
        }
        Ok(())
    }
}

impl SqlState {
    /// The line of an actor: that of its shard.
    pub(super) fn line_of(&self, key: ActorKey) -> usize {
        usize::from(key.shard()) % self.lines.len()
    }

    async fn batch(&self, line: usize, commits: &[&Commit]) -> Result<Granted, Broke<Granted>> {
        let mut line = Line::take(&self.lines[line]).await?;
        let result = one_batch(line.conn(), commits).await;
        line.back(result.as_ref().err().map(Broke::error));
        result
    }

    /// Commits on one line. Where an actor's own part is what the database refuses, each goes alone.
    pub(super) async fn commit_on(&self, line: usize, commits: &[&Commit]) -> Vec<Committed> {
        match self.tried(line, commits).await {
            Ok(granted) => {
                self.counts.transactions.fetch_add(1, Ordering::Relaxed);
                self.counts.commits.fetch_add(commits.len() as u64, Ordering::Relaxed);
                granted.into_iter().map(|rev| rev.map_or(Committed::Fenced, Committed::Done)).collect()
            }
            Err(error) if fault(&error) == Fault::No && commits.len() > 1 => {
                tracing::warn!(%error, actors = commits.len(), "a batch of commits broke: one transaction an actor");
                let mut results = Vec::with_capacity(commits.len());
                for commit in commits {
                    results.extend(Box::pin(self.commit_on(line, std::slice::from_ref(commit))).await);
                }
                results
            }
            Err(error) => vec![Committed::Unknown(error.to_string()); commits.len()],
        }
    }

    async fn tried(&self, line: usize, commits: &[&Commit]) -> sqlx::Result<Granted> {
        let mut tries = Tries::new("commit", &self.counts.retries);
        loop {
            let error = match self.batch(line, commits).await {
                Ok(granted) => return Ok(granted),
                Err(Broke::Before(error)) => error,
                Err(Broke::AtCommit(error, granted)) => {
                    self.counts.unknown.fetch_add(1, Ordering::Relaxed);
                    if self.happened(line, commits, &granted).await? {
                        return Ok(granted);
                    }
                    // Not yet, at least: done again it waits for the first, and is fenced by it.
                    error
                }
            };
            tries.again(error).await?;
        }
    }

    /// Whether a transaction whose end nobody heard has happened. All of it did, or nothing: one actor that knows is enough. Under the
    /// epoch at which it wrote nobody else writes it.
    async fn happened(&self, line: usize, commits: &[&Commit], granted: &Granted) -> sqlx::Result<bool> {
        let written = commits.iter().zip(granted).filter_map(|(commit, rev)| Some((commit, (*rev)?)));
        for (commit, rev) in written.filter(|(_, rev)| *rev > 0) {
            let (text, id) = match commit.key {
                ActorKey::Class(id) => (REV_CLASS, id.0),
                ActorKey::User(id) => (REV_USER, id.0),
                ActorKey::Room(id) => (REV_ROOM, id.0),
                ActorKey::Session(_) => continue,
            };
            let pool = &self.lines[line];
            let row = retry!(self, "outcome", on_line!(pool, |line| sqlx::query(text).bind(id).fetch_optional(line)))?;
            let Some(row) = row else { return Ok(false) };
            let (found, epoch) = (row.try_get::<i64, _>(0)? as u64, row.try_get::<i64, _>(1)? as u64);
            if epoch == commit.epoch {
                return Ok(found == rev);
            }
        }
        // Of those of whom nothing is stored, a letter knows: it was there, and under our epoch nobody else takes it away.
        let nobodies = commits.iter().zip(granted).filter(|(_, rev)| **rev == Some(0));
        for (commit, letter) in nobodies.filter_map(|(commit, _)| Some((commit, commit.received.first()?))) {
            let ask = || sqlx::query(WAITS).bind(letter_bytes(letter)).bind(i64::from(commit.key.shard()));
            let pool = &self.lines[line];
            let row = retry!(self, "outcome", on_line!(pool, |line| ask().fetch_optional(line)))?;
            let Some(row) = row else { return Ok(false) };
            let (epoch, waits) = (row.try_get::<i64, _>(0)? as u64, row.try_get::<i64, _>(1)?);
            if epoch == commit.epoch {
                return Ok(waits == 0);
            }
        }
        Ok(false)
    }
}

async fn one_batch(conn: &mut Conn, commits: &[&Commit]) -> Result<Granted, Broke<Granted>> {
    let mut tx = within(conn.begin_with(BEGIN)).await?;
    let work = async {
        let granted = fence(&mut tx, commits).await?;
        let mut writes = Writes::default();
        for (commit, rev) in commits.iter().zip(&granted) {
            rev.iter().for_each(|rev| writes.gather(commit, *rev));
        }
        writes.write(&mut tx).await?;
        Ok(granted)
    };
    let granted = within(work).await?;
    commit(tx, granted).await
}
