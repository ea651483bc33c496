//! The state store, once for every engine. Statements are portable: no engine's dialect, positions as `$1`, times in microseconds UTC.
//! A batch of commits is one transaction; an actor whose fence holds is left out alone.

use super::super::rows::{actor_bytes, cut, letter_bytes, letter_of, many};
use super::{BEGIN, Db};
use fitconnect_actors::body::{pack, unpack};
use fitconnect_actors::ports::*;
use fitconnect_domain::user::Stored;
use fitconnect_domain::{ActorKey, Letter, LetterId, Millis};
use fitconnect_protocol::limits::{CMD_AGE_MS_MAX, CMD_RECENT_MS};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, CmdId, GymId, UserId, Uuid};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, Row as _, Transaction};
use std::sync::atomic::{AtomicU64, Ordering};

type Tx = Transaction<'static, Db>;
type SqlRow = <Db as sqlx::Database>::Row;

pub struct SqlState {
    write: sqlx::Pool<Db>,
    read: sqlx::Pool<Db>,
    transactions: AtomicU64,
    commits: AtomicU64,
}

impl SqlState {
    pub(super) fn new(write: sqlx::Pool<Db>, read: sqlx::Pool<Db>) -> SqlState {
        SqlState { write, read, transactions: AtomicU64::new(0), commits: AtomicU64::new(0) }
    }

    /// Transactions, and actors' commits in them.
    pub fn counts(&self) -> (u64, u64) {
        (self.transactions.load(Ordering::Relaxed), self.commits.load(Ordering::Relaxed))
    }

    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

fn unavailable(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => StoreError::Taken("email"),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn us(at: Millis) -> i64 {
    (at.0 as i64).saturating_mul(1_000)
}
fn millis(us: i64) -> Millis {
    Millis((us / 1_000).max(0) as u64)
}
fn uuid(row: &SqlRow, column: usize) -> sqlx::Result<Uuid> {
    row.try_get::<Uuid, _>(column)
}

// ---- commits ----

const FENCE_CLASS: &str = "update fc_class set rev = rev + 1, last_seq = last_seq + $3, wake_at_us = case when $4 then $5 else wake_at_us end \
     where id = $1 and rev = $2 and exists (select 1 from fc_shard as s where s.shard_id = fc_class.shard_id and s.epoch = $6) returning rev";
const NEW_CLASS: &str = "insert into fc_class (id, shard_id, rev, last_seq, wake_at_us, gym_id, name, hall, trainer, starts_at_us, stage, people) \
     select $1, s.shard_id, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from fc_shard as s where s.shard_id = $11 and s.epoch = $12 \
     on conflict (id) do nothing returning rev";
const CLASS_ROW: &str = "update fc_class set gym_id = $2, name = $3, hall = $4, trainer = $5, starts_at_us = $6, stage = $7, people = $8 where id = $1";
const FENCE_USER: &str = "update fc_user set rev = rev + 1, last_seq = last_seq + $3, wake_at_us = case when $4 then $5 else wake_at_us end, \
     snapshot = coalesce($7, snapshot) \
     where id = $1 and rev = $2 and exists (select 1 from fc_shard as s where s.shard_id = fc_user.shard_id and s.epoch = $6) returning rev";
const FENCE_NOBODY: &str = "select epoch from fc_shard where shard_id = $1 and epoch = $2";
const LETTER_THERE: &str = "select to_shard from fc_letter where letter_id = $1";
const DROP_LETTER: &str = "delete from fc_letter where letter_id = $1";

/// Writes that follow the fences, gathered over all actors of a batch.
#[derive(Default)]
struct Writes<'c> {
    class_changes: Vec<(Uuid, &'c StoredChange)>,
    user_changes: Vec<(Uuid, &'c StoredChange)>,
    letters: Vec<(LetterId, &'c Letter)>,
    answers: Vec<([u8; 17], &'c StoredAnswer)>,
    received: Vec<&'c LetterId>,
}

/// Raises the actor's revision where it and the shard's epoch are what the actor believes. `None`: they are not.
async fn fence(tx: &mut Tx, commit: &Commit) -> sqlx::Result<Option<u64>> {
    for id in &commit.received {
        if sqlx::query(LETTER_THERE).bind(letter_bytes(id)).fetch_optional(&mut **tx).await?.is_none() {
            return Ok(None);
        }
    }
    let epoch = commit.epoch as i64;
    let set_wake = commit.wake_at.is_some();
    let wake = commit.wake_at.flatten().map(us);
    let count = commit.changes.len() as i64;
    let shard = i64::from(commit.key.shard());
    let found = match (commit.key, &commit.row) {
        (ActorKey::Class(class), Some(Row::Class(row))) if commit.rev == 0 => {
            let new = sqlx::query(NEW_CLASS)
                .bind(class.0)
                .bind(count)
                .bind(wake)
                .bind(row.gym.0)
                .bind(&row.name)
                .bind(&row.hall);
            let new =
                new.bind(&row.trainer).bind(row.starts_at_ms * 1_000).bind(&row.stage).bind(i64::from(row.people));
            new.bind(shard).bind(epoch).fetch_optional(&mut **tx).await?
        }
        (ActorKey::Class(class), row) if commit.rev > 0 => {
            let fenced = sqlx::query(FENCE_CLASS)
                .bind(class.0)
                .bind(commit.rev as i64)
                .bind(count)
                .bind(set_wake)
                .bind(wake)
                .bind(epoch);
            let found = fenced.fetch_optional(&mut **tx).await?;
            if let (Some(_), Some(Row::Class(row))) = (&found, row) {
                let set = sqlx::query(CLASS_ROW)
                    .bind(class.0)
                    .bind(row.gym.0)
                    .bind(&row.name)
                    .bind(&row.hall)
                    .bind(&row.trainer);
                set.bind(row.starts_at_ms * 1_000)
                    .bind(&row.stage)
                    .bind(i64::from(row.people))
                    .execute(&mut **tx)
                    .await?;
            }
            found
        }
        (ActorKey::User(user), row) if commit.rev > 0 => {
            let snapshot = match row {
                Some(Row::User(row)) => Some(&row.snapshot),
                Some(Row::Class(_)) | None => None,
            };
            let fenced = sqlx::query(FENCE_USER)
                .bind(user.0)
                .bind(commit.rev as i64)
                .bind(count)
                .bind(set_wake)
                .bind(wake)
                .bind(epoch);
            fenced.bind(snapshot).fetch_optional(&mut **tx).await?
        }
        // Nothing is stored of it: it has only received letters that mean nothing to it.
        (_, _) if commit.changes.is_empty() => {
            let ours = sqlx::query(FENCE_NOBODY).bind(shard).bind(epoch).fetch_optional(&mut **tx).await?;
            return Ok(ours.map(|_| 0));
        }
        (_, _) => None,
    };
    found.map(|row| row.try_get::<i64, _>(0).map(|rev| rev as u64)).transpose()
}

impl<'c> Writes<'c> {
    fn gather(&mut self, commit: &'c Commit, rev: u64) {
        let changes = commit.changes.iter();
        match commit.key {
            ActorKey::Class(class) => self.class_changes.extend(changes.map(|change| (class.0, change))),
            ActorKey::User(user) => self.user_changes.extend(changes.map(|change| (user.0, change))),
            ActorKey::Session(_) => {}
        }
        let from = commit.key;
        self.letters
            .extend(commit.letters.iter().map(|(number, letter)| (LetterId { from, rev, number: *number }, letter)));
        self.answers.extend(commit.answers.iter().map(|answer| (actor_bytes(&from), answer)));
        self.received.extend(&commit.received);
    }

    async fn write(self, tx: &mut Tx) -> sqlx::Result<()> {
        for (table, changes) in
            [("fc_class_change (class_id", &self.class_changes), ("fc_user_change (user_id", &self.user_changes)]
        {
            let head = format!("insert into {table}, seq, at_us, kind, body) values");
            for part in cut(changes) {
                let mut insert = sqlx::query(AssertSqlSafe(many(&head, 5, part.len(), "")));
                for (id, change) in part {
                    insert = insert
                        .bind(*id)
                        .bind(change.seq as i64)
                        .bind(us(change.at))
                        .bind(change.kind)
                        .bind(&change.body);
                }
                insert.execute(&mut **tx).await?;
            }
        }
        for part in cut(&self.letters) {
            let text = many("insert into fc_letter (to_shard, letter_id, body) values", 3, part.len(), "");
            let mut insert = sqlx::query(AssertSqlSafe(text));
            for (id, letter) in part {
                insert = insert.bind(i64::from(letter.to.shard())).bind(letter_bytes(id)).bind(pack(*letter));
            }
            insert.execute(&mut **tx).await?;
        }
        for part in cut(&self.answers) {
            let head = "insert into fc_command (actor, author, cmd, digest, at_us, answer) values";
            let mut insert = sqlx::query(AssertSqlSafe(many(head, 6, part.len(), "")));
            for (actor, answer) in part {
                insert = insert.bind(actor.to_vec()).bind(answer.author.0).bind(answer.cmd.0);
                insert = insert.bind(answer.digest as i64).bind(us(answer.at)).bind(&answer.reply);
            }
            insert.execute(&mut **tx).await?;
        }
        for id in self.received {
            sqlx::query(DROP_LETTER).bind(letter_bytes(id)).execute(&mut **tx).await?;
        }
        Ok(())
    }
}

/// How far a batch came before an error.
enum Broke {
    /// Rolled back: nothing was changed.
    Before(sqlx::Error),
    /// The line was lost at COMMIT: it may have happened.
    AtCommit(sqlx::Error),
}

impl SqlState {
    async fn batch(&self, commits: &[Commit]) -> Result<Vec<Committed>, Broke> {
        let mut tx = self.write.begin_with(BEGIN).await.map_err(Broke::Before)?;
        let mut results = Vec::with_capacity(commits.len());
        let mut writes = Writes::default();
        for commit in commits {
            match fence(&mut tx, commit).await.map_err(Broke::Before)? {
                Some(rev) => {
                    writes.gather(commit, rev);
                    results.push(Committed::Done(rev));
                }
                None => results.push(Committed::Fenced),
            }
        }
        writes.write(&mut tx).await.map_err(Broke::Before)?;
        tx.commit().await.map_err(Broke::AtCommit)?;
        self.transactions.fetch_add(1, Ordering::Relaxed);
        self.commits.fetch_add(commits.len() as u64, Ordering::Relaxed);
        Ok(results)
    }

    /// One actor alone, after its batch broke.
    async fn alone(&self, commit: Commit, may_have_happened: bool) -> Committed {
        if may_have_happened {
            match self.rev(commit.key).await {
                // Nobody but us writes this actor under this epoch.
                Ok(rev) if rev == commit.rev + 1 => return Committed::Done(rev),
                Ok(_) => {}
                Err(error) => return Committed::Unknown(error.to_string()),
            }
        }
        match self.batch(std::slice::from_ref(&commit)).await {
            Ok(results) => results.into_iter().next().unwrap_or(Committed::Fenced),
            Err(Broke::Before(error) | Broke::AtCommit(error)) => Committed::Unknown(error.to_string()),
        }
    }

    async fn rev(&self, key: ActorKey) -> sqlx::Result<u64> {
        let (text, id) = match key {
            ActorKey::Class(id) => ("select rev from fc_class where id = $1", id.0),
            ActorKey::User(id) => ("select rev from fc_user where id = $1", id.0),
            ActorKey::Session(_) => return Ok(0),
        };
        let row = sqlx::query(text).bind(id).fetch_optional(&self.write).await?;
        row.map_or(Ok(0), |row| row.try_get::<i64, _>(0).map(|rev| rev as u64))
    }
}

// ---- loading ----

const LOAD_CLASS: &str = "select rev, last_seq, wake_at_us from fc_class where id = $1";
const LOAD_USER: &str = "select rev, last_seq, wake_at_us, snapshot from fc_user where id = $1";
const EPOCH: &str = "select epoch from fc_shard where shard_id = $1";
const CLASS_CHANGES: &str =
    "select seq, body from fc_class_change where class_id = $1 and seq >= $2 order by seq limit $3";
const USER_CHANGES: &str =
    "select seq, body from fc_user_change where user_id = $1 and kind = $2 and seq < $3 order by seq desc limit $4";
/// Those of the ten minutes before the last: whoever asks again does so after that.
const RECENT_ANSWERS: &str = "select author, cmd, digest, at_us, answer from fc_command where actor = $1 and at_us >= \
     (select coalesce(max(c.at_us), 0) from fc_command as c where c.actor = $1) - $2";
const ANSWER: &str =
    "select author, cmd, digest, at_us, answer from fc_command where actor = $1 and author = $2 and cmd = $3";

fn answer(row: &SqlRow) -> sqlx::Result<StoredAnswer> {
    Ok(StoredAnswer {
        author: UserId(uuid(row, 0)?),
        cmd: CmdId(uuid(row, 1)?),
        digest: row.try_get::<i64, _>(2)? as u64,
        at: millis(row.try_get(3)?),
        reply: row.try_get(4)?,
    })
}

impl SqlState {
    async fn load_actor(&self, key: ActorKey) -> sqlx::Result<StoredActor> {
        let mut tx = self.read.begin().await?;
        let mut stored = StoredActor::default();
        let row = match key {
            ActorKey::Class(id) => sqlx::query(LOAD_CLASS).bind(id.0).fetch_optional(&mut *tx).await?,
            ActorKey::User(id) => sqlx::query(LOAD_USER).bind(id.0).fetch_optional(&mut *tx).await?,
            ActorKey::Session(_) => return Ok(stored),
        };
        let epoch = sqlx::query(EPOCH).bind(i64::from(key.shard())).fetch_optional(&mut *tx).await?;
        stored.epoch = epoch.map_or(Ok(0), |row| row.try_get::<i64, _>(0))? as u64;
        let Some(row) = row else { return Ok(stored) };
        stored.rev = row.try_get::<i64, _>(0)? as u64;
        stored.last_seq = row.try_get::<i64, _>(1)? as u64;
        stored.wake_at = row.try_get::<Option<i64>, _>(2)?.map(millis);
        match key {
            ActorKey::Class(id) => {
                let rows = sqlx::query(CLASS_CHANGES).bind(id.0).bind(0_i64).bind(i64::MAX).fetch_all(&mut *tx).await?;
                stored.changes = rows.iter().map(|row| row.try_get(1)).collect::<sqlx::Result<_>>()?;
            }
            ActorKey::User(_) => stored.snapshot = Some(row.try_get(3)?),
            ActorKey::Session(_) => {}
        }
        let answers = sqlx::query(RECENT_ANSWERS).bind(actor_bytes(&key).to_vec()).bind(CMD_RECENT_MS as i64 * 1_000);
        stored.answers = answers.fetch_all(&mut *tx).await?.iter().map(answer).collect::<sqlx::Result<_>>()?;
        Ok(stored)
    }
}

// ---- people and lists ----

const CLAIM: &str =
    "on conflict (shard_id) do update set owner = excluded.owner, epoch = fc_shard.epoch + 1 returning shard_id, epoch";
const ADD_GYM: &str = "insert into fc_gym (gym_id, name) values ($1, $2) on conflict (gym_id) do nothing";
const GYMS: &str = "select gym_id, name from fc_gym order by gym_id";
const PERSON: &str = "select snapshot from fc_user where id = $1";
const ACCOUNT: &str = "select user_id, gym_id, email, name, role, hall, password from fc_account where user_id = $1";
const ACCOUNT_BY_EMAIL: &str =
    "select user_id, gym_id, email, name, role, hall, password from fc_account where email = $1";
const ACCOUNTS: &str = "select user_id, gym_id, email, name, role, hall, password from fc_account where gym_id = $1 and email > $2 order by email limit $3";
const CLASSES: &str = "select id, gym_id, name, hall, trainer, starts_at_us, stage, people from fc_class \
     where gym_id = $1 and starts_at_us >= $2 and starts_at_us < $3 order by starts_at_us, id limit $4";
const DUE: &str =
    "select id from fc_class where wake_at_us is not null and wake_at_us <= $1 order by wake_at_us limit $2";
const LETTERS: &str = "select letter_id, body from fc_letter where letter_id > $1 order by letter_id limit $2";
const SWEEP: &str = "delete from fc_command where at_us < $1";

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Screen => "screen",
        Role::Hub => "hub",
        Role::Member => "member",
        Role::Trainer => "trainer",
        Role::Admin => "admin",
    }
}

fn role_of(name: &str) -> Result<Role, StoreError> {
    let all = [Role::Screen, Role::Hub, Role::Member, Role::Trainer, Role::Admin];
    let found = all.into_iter().find(|role| role_name(*role) == name);
    found.ok_or_else(|| StoreError::Damaged(format!("an account with the role {name:?}")))
}

fn account(row: &SqlRow) -> Result<Account, StoreError> {
    let role: String = row.try_get(4).map_err(unavailable)?;
    Ok(Account {
        user: UserId(uuid(row, 0).map_err(unavailable)?),
        gym: GymId(uuid(row, 1).map_err(unavailable)?),
        email: row.try_get(2).map_err(unavailable)?,
        name: row.try_get(3).map_err(unavailable)?,
        role: role_of(&role)?,
        hall: row.try_get(5).map_err(unavailable)?,
        password: row.try_get(6).map_err(unavailable)?,
    })
}

fn class_listed(row: &SqlRow) -> sqlx::Result<ClassListed> {
    let starts_at_us: i64 = row.try_get(5)?;
    let people: i64 = row.try_get(7)?;
    Ok(ClassListed {
        class: ClassId(uuid(row, 0)?),
        row: ClassRow {
            gym: GymId(uuid(row, 1)?),
            name: row.try_get(2)?,
            hall: row.try_get(3)?,
            trainer: row.try_get(4)?,
            starts_at_ms: starts_at_us / 1_000,
            stage: row.try_get(6)?,
            people: people as u32,
        },
    })
}

fn numbered(row: &SqlRow) -> sqlx::Result<(u64, Vec<u8>)> {
    Ok((row.try_get::<i64, _>(0)? as u64, row.try_get(1)?))
}

impl SqlState {
    async fn insert_accounts(&self, accounts: &[(Account, UserRow)]) -> sqlx::Result<()> {
        let mut tx = self.write.begin_with(BEGIN).await?;
        for part in cut(accounts) {
            let head = "insert into fc_account (user_id, gym_id, email, name, role, hall, password) values";
            let mut insert = sqlx::query(AssertSqlSafe(many(head, 7, part.len(), "")));
            for (account, _) in part {
                insert = insert.bind(account.user.0).bind(account.gym.0).bind(&account.email).bind(&account.name);
                insert = insert.bind(role_name(account.role)).bind(&account.hall).bind(&account.password);
            }
            insert.execute(&mut *tx).await?;
            let head = "insert into fc_user (id, shard_id, rev, last_seq, snapshot) values";
            let mut insert = sqlx::query(AssertSqlSafe(many(head, 5, part.len(), "")));
            for (account, row) in part {
                let shard = i64::from(ActorKey::User(account.user).shard());
                insert = insert.bind(account.user.0).bind(shard).bind(1_i64).bind(0_i64).bind(&row.snapshot);
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn claim(&self) -> sqlx::Result<Vec<u64>> {
        let owner = Uuid::now_v7();
        let mut tx = self.write.begin_with(BEGIN).await?;
        let text = many("insert into fc_shard (shard_id, owner, epoch) values", 3, SHARDS, CLAIM);
        let mut insert = sqlx::query(AssertSqlSafe(text));
        for shard in 0..SHARDS as i64 {
            insert = insert.bind(shard).bind(owner).bind(1_i64);
        }
        let mut epochs = vec![0; SHARDS];
        for row in insert.fetch_all(&mut *tx).await? {
            epochs[row.try_get::<i64, _>(0)? as usize] = row.try_get::<i64, _>(1)? as u64;
        }
        tx.commit().await?;
        Ok(epochs)
    }
}

impl StateStore for SqlState {
    fn claim_shards(&self) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        async { self.claim().await.map_err(unavailable) }.boxed()
    }

    fn load(&self, key: ActorKey) -> BoxFuture<'_, Result<StoredActor, StoreError>> {
        async move { self.load_actor(key).await.map_err(unavailable) }.boxed()
    }

    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Committed>> {
        async move {
            let (error, may_have_happened) = match self.batch(&commits).await {
                Ok(results) => return results,
                Err(Broke::Before(error)) => (error, false),
                Err(Broke::AtCommit(error)) => (error, true),
            };
            tracing::warn!(%error, actors = commits.len(), "a batch of commits broke: one transaction an actor");
            let mut results = Vec::with_capacity(commits.len());
            for commit in commits {
                results.push(self.alone(commit, may_have_happened).await);
            }
            results
        }
        .boxed()
    }

    fn answer(
        &self,
        key: ActorKey,
        author: UserId,
        cmd: CmdId,
    ) -> BoxFuture<'_, Result<Option<StoredAnswer>, StoreError>> {
        async move {
            let found = sqlx::query(ANSWER).bind(actor_bytes(&key).to_vec()).bind(author.0).bind(cmd.0);
            let found = found.fetch_optional(&self.read).await.map_err(unavailable)?;
            found.as_ref().map(answer).transpose().map_err(unavailable)
        }
        .boxed()
    }

    fn due(&self, now: Millis, limit: u32) -> BoxFuture<'_, Result<Vec<ActorKey>, StoreError>> {
        async move {
            let rows = sqlx::query(DUE)
                .bind(us(now))
                .bind(i64::from(limit))
                .fetch_all(&self.read)
                .await
                .map_err(unavailable)?;
            let key = |row: &SqlRow| uuid(row, 0).map(|id| ActorKey::Class(ClassId(id)));
            rows.iter().map(key).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> BoxFuture<'_, Result<Vec<StoredLetter>, StoreError>> {
        async move {
            let after = after.as_ref().map(letter_bytes).unwrap_or_default();
            let rows = sqlx::query(LETTERS)
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&self.read)
                .await
                .map_err(unavailable)?;
            let letter = |row: &SqlRow| {
                let id = letter_of(&row.try_get::<Vec<u8>, _>(0).map_err(unavailable)?)?;
                let body: Vec<u8> = row.try_get(1).map_err(unavailable)?;
                Ok(StoredLetter { id, letter: unpack(&body, "a letter")? })
            };
            rows.iter().map(letter).collect()
        }
        .boxed()
    }

    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            let before = us(Millis(now.0.saturating_sub(CMD_AGE_MS_MAX)));
            let swept = sqlx::query(SWEEP).bind(before).execute(&self.write).await.map_err(unavailable)?;
            Ok(swept.rows_affected())
        }
        .boxed()
    }

    fn person(&self, user: UserId) -> BoxFuture<'_, Result<Option<StoredPerson>, StoreError>> {
        async move {
            let row = sqlx::query(PERSON).bind(user.0).fetch_optional(&self.read).await.map_err(unavailable)?;
            let Some(row) = row else { return Ok(None) };
            let snapshot: Vec<u8> = row.try_get(0).map_err(unavailable)?;
            let Stored { gym, name, version, profile, consent, .. } = unpack(&snapshot, "a person's row")?;
            Ok(Some(StoredPerson { gym, name, version, profile, consent }))
        }
        .boxed()
    }

    fn add_gym(&self, gym: GymId, name: String) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            sqlx::query(ADD_GYM).bind(gym.0).bind(name).execute(&self.write).await.map_err(unavailable)?;
            Ok(())
        }
        .boxed()
    }

    fn gyms(&self) -> BoxFuture<'_, Result<Vec<(GymId, String)>, StoreError>> {
        async move {
            let rows = sqlx::query(GYMS).fetch_all(&self.read).await.map_err(unavailable)?;
            let gym = |row: &SqlRow| Ok((GymId(uuid(row, 0)?), row.try_get(1)?));
            rows.iter().map(gym).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn add_accounts(&self, accounts: Vec<(Account, UserRow)>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.insert_accounts(&accounts).await.map_err(unavailable) }.boxed()
    }

    fn account_by_email(&self, email: String) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        async move {
            let found = sqlx::query(ACCOUNT_BY_EMAIL)
                .bind(email.to_lowercase())
                .fetch_optional(&self.read)
                .await
                .map_err(unavailable)?;
            found.as_ref().map(account).transpose()
        }
        .boxed()
    }

    fn account(&self, user: UserId) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        async move {
            let found = sqlx::query(ACCOUNT).bind(user.0).fetch_optional(&self.read).await.map_err(unavailable)?;
            found.as_ref().map(account).transpose()
        }
        .boxed()
    }

    fn accounts(
        &self,
        gym: GymId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        async move {
            let found = sqlx::query(ACCOUNTS).bind(gym.0).bind(after.unwrap_or_default()).bind(i64::from(limit));
            found.fetch_all(&self.read).await.map_err(unavailable)?.iter().map(account).collect()
        }
        .boxed()
    }

    fn classes(
        &self,
        gym: GymId,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<ClassListed>, StoreError>> {
        async move {
            let found =
                sqlx::query(CLASSES).bind(gym.0).bind(from_ms.saturating_mul(1_000)).bind(to_ms.saturating_mul(1_000));
            let rows = found.bind(i64::from(limit)).fetch_all(&self.read).await.map_err(unavailable)?;
            rows.iter().map(class_listed).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn user_changes(
        &self,
        user: UserId,
        kind: &'static str,
        before: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(u64, Vec<u8>)>, StoreError>> {
        async move {
            let before = before.map_or(i64::MAX, |before| before as i64);
            let found = sqlx::query(USER_CHANGES).bind(user.0).bind(kind).bind(before).bind(i64::from(limit));
            let rows = found.fetch_all(&self.read).await.map_err(unavailable)?;
            rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn class_changes(
        &self,
        class: ClassId,
        from_seq: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(u64, Vec<u8>)>, StoreError>> {
        async move {
            let found = sqlx::query(CLASS_CHANGES).bind(class.0).bind(from_seq as i64).bind(i64::from(limit));
            let rows = found.fetch_all(&self.read).await.map_err(unavailable)?;
            rows.iter().map(numbered).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }
}
