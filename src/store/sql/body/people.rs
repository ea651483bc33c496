//! Gyms, accounts and lists of classes.

use super::super::super::rows::{cut, many};
use super::super::taken;
use super::names::{add_words, drop_words};
use super::*;
use fitconnect_actors::body::unpack;
use fitconnect_actors::ports::*;
use fitconnect_domain::ActorKey;
use fitconnect_domain::user::Stored;
use fitconnect_protocol::limits::PAGE_MAX;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, GymId, UserId};
use sqlx::AssertSqlSafe;

const ADD_GYM: &str = "insert into fc_gym (gym_id, name) values ($1, $2) on conflict (gym_id) do nothing";
const GYMS: &str = "select gym_id, name from fc_gym order by gym_id";
const PERSON: &str = "select snapshot from fc_user where id = $1";
const ACCOUNT: &str = "select user_id, gym_id, email, name, role, hall, password from fc_account where user_id = $1";
const ACCOUNT_BY_EMAIL: &str =
    "select user_id, gym_id, email, name, role, hall, password from fc_account where email = $1";
const SET_PASSWORD: &str = "update fc_account set password = $2 where user_id = $1 returning user_id";
const ACCOUNTS: &str = "select user_id, gym_id, email, name, role, hall, password from fc_account where gym_id = $1 and email > $2 order by email limit $3";
const SCREENS: &str = "select user_id, gym_id, email, name, role, hall, password from fc_account \
     where gym_id = $1 and role = 'screen' order by name, user_id limit $2";
const REMOVE_ACCOUNT: &str = "delete from fc_account where user_id = $1 returning user_id";
const REVOKE: &str = "insert into fc_revoked (user_id, at_us) values ($1, $2) \
     on conflict (user_id) do update set at_us = excluded.at_us where fc_revoked.at_us < excluded.at_us";
const REVOKED: &str = "select user_id, at_us from fc_revoked";
const FORGET_REVOKED: &str = "delete from fc_revoked where at_us < $1";
const CLASSES: &str = "select id, gym_id, name, hall, trainer, starts_at_us, stage, people from fc_class \
     where gym_id = $1 and starts_at_us >= $2 and starts_at_us < $3 order by starts_at_us, id limit $4";

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

async fn insert(conn: &mut Conn, accounts: &[(Account, UserRow)]) -> Result<(), Broke<()>> {
    let mut tx = within(conn.begin_with(BEGIN)).await?;
    let work = async {
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
        let named = accounts.iter().map(|(account, _)| (account.user.0, account.gym.0, account.name.as_str()));
        add_words(&mut tx, &named.collect::<Vec<_>>()).await
    };
    within(work).await?;
    commit(tx, ()).await
}

impl SqlState {
    pub(super) async fn insert_accounts(&self, accounts: &[(Account, UserRow)]) -> Result<(), StoreError> {
        let mut tries = Tries::new("accounts", &self.counts.retries);
        let mut unknown = false;
        loop {
            let mut line = Line::take(self.common()).await.map_err(unavailable)?;
            let result = insert(line.conn(), accounts).await;
            line.back(result.as_ref().err().map(Broke::error));
            let error = match result {
                Ok(()) => return Ok(()),
                Err(Broke::Before(error)) => error,
                Err(Broke::AtCommit(error, ())) => {
                    unknown = true;
                    error
                }
            };
            if let (true, Some((first, _))) = (unknown, accounts.first()) {
                // All or none: where the first is there, with this very id, it was we who wrote it.
                if self.read_account(first.user).await?.is_some_and(|found| found.email == first.email) {
                    return Ok(());
                }
            }
            if let Some(what) = taken(&error) {
                return Err(StoreError::Taken(what));
            }
            tries.again(error).await.map_err(unavailable)?;
        }
    }

    pub(super) async fn update_password(&self, user: UserId, password: &str) -> Result<bool, StoreError> {
        let set = || sqlx::query(SET_PASSWORD).bind(user.0).bind(password);
        let found = retry!(self, "password", on_line!(self.common(), |line| set().fetch_optional(line)));
        found.map(|row| row.is_some()).map_err(unavailable)
    }

    pub(super) async fn read_screens(&self, gym: GymId) -> Result<Vec<Account>, StoreError> {
        let ask = || sqlx::query(SCREENS).bind(gym.0).bind(i64::from(PAGE_MAX));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line)));
        rows.map_err(unavailable)?.iter().map(account).collect()
    }

    pub(super) async fn delete_account(&self, user: UserId) -> Result<bool, StoreError> {
        let delete = || sqlx::query(REMOVE_ACCOUNT).bind(user.0);
        let found = retry!(self, "account", on_line!(self.common(), |line| delete().fetch_optional(line)));
        retry!(self, "account", on_line!(self.common(), |line| drop_words(line, user.0))).map_err(unavailable)?;
        found.map(|row| row.is_some()).map_err(unavailable)
    }

    pub(super) async fn note_revoked(&self, user: UserId, at: Millis) -> Result<(), StoreError> {
        let note = || sqlx::query(REVOKE).bind(user.0).bind(us(at));
        retry!(self, "revoked", on_line!(self.common(), |line| note().execute(line))).map(drop).map_err(unavailable)
    }

    pub(super) async fn read_revoked(&self, since: Millis) -> Result<Vec<(UserId, Millis)>, StoreError> {
        let forget = || sqlx::query(FORGET_REVOKED).bind(us(since));
        let forgotten = retry!(self, "revoked", on_line!(self.common(), |line| forget().execute(line)));
        forgotten.map_err(unavailable)?;
        let rows = retry!(self, "read", on_line!(&self.read, |line| sqlx::query(REVOKED).fetch_all(line)));
        let each = |row: &SqlRow| Ok((UserId(uuid(row, 0)?), Millis(row.try_get::<i64, _>(1)? as u64 / 1_000)));
        rows.map_err(unavailable)?.iter().map(each).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    pub(super) async fn insert_gym(&self, gym: GymId, name: &str) -> Result<(), StoreError> {
        let add = || sqlx::query(ADD_GYM).bind(gym.0).bind(name);
        retry!(self, "gym", on_line!(self.common(), |line| add().execute(line))).map(drop).map_err(unavailable)
    }

    pub(super) async fn read_gyms(&self) -> Result<Vec<(GymId, String)>, StoreError> {
        let rows = retry!(self, "read", on_line!(&self.read, |line| sqlx::query(GYMS).fetch_all(line)));
        let gym = |row: &SqlRow| Ok((GymId(uuid(row, 0)?), row.try_get(1)?));
        rows.map_err(unavailable)?.iter().map(gym).collect::<sqlx::Result<_>>().map_err(unavailable)
    }

    pub(super) async fn read_person(&self, user: UserId) -> Result<Option<StoredPerson>, StoreError> {
        let ask = || sqlx::query(PERSON).bind(user.0);
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line))).map_err(unavailable)?;
        let Some(row) = row else { return Ok(None) };
        let snapshot: Vec<u8> = row.try_get(0).map_err(unavailable)?;
        let stored: Stored = unpack(&snapshot, "a person's row")?;
        let reads = stored.reads();
        let Stored { gym, name, version, profile, consent, blocks, .. } = stored;
        Ok(Some(StoredPerson { gym, name, version, profile, consent, blocks, reads }))
    }

    pub(super) async fn read_account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        let ask = || sqlx::query(ACCOUNT).bind(user.0);
        let found = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line)));
        found.map_err(unavailable)?.as_ref().map(account).transpose()
    }

    pub(super) async fn read_account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let ask = || sqlx::query(ACCOUNT_BY_EMAIL).bind(email.to_lowercase());
        let found = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line)));
        found.map_err(unavailable)?.as_ref().map(account).transpose()
    }

    pub(super) async fn read_accounts(&self, gym: GymId, after: &str, limit: u32) -> Result<Vec<Account>, StoreError> {
        let ask = || sqlx::query(ACCOUNTS).bind(gym.0).bind(after).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line)));
        rows.map_err(unavailable)?.iter().map(account).collect()
    }

    pub(super) async fn read_classes(
        &self,
        gym: GymId,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> Result<Vec<ClassListed>, StoreError> {
        let (from_us, to_us) = (from_ms.saturating_mul(1_000), to_ms.saturating_mul(1_000));
        let ask = || sqlx::query(CLASSES).bind(gym.0).bind(from_us).bind(to_us).bind(i64::from(limit));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(class_listed).collect::<sqlx::Result<_>>().map_err(unavailable)
    }
}
