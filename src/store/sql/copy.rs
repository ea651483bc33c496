//! `fitconnect migrate --from sqlite:… --to postgres:…`: a gym that has outgrown its folder. Every table is copied in order of its key,
//! page by page; a copy that was broken off goes on where it stopped; at the end number and hash of all rows are compared. Until then a
//! row in the target keeps servers from it.

use super::migrate::{MigrateError, Migrating, SQLITE};
use super::{postgres, sqlite};
use fitconnect_protocol::Uuid;
use sqlx::Row as _;
use std::path::Path;

/// Rows of one transaction.
pub const PAGE: usize = 480;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Uuid(Uuid),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Int,
    Text,
    Bytes,
}

use Kind::{Bytes, Int, Text, Uuid as Id};

/// A table whose first columns are its key.
pub struct Table {
    pub name: &'static str,
    pub key: usize,
    pub columns: &'static [(&'static str, Kind)],
}

/// All that is state. The epochs of the shards go along, so that they never go back; whose they are does not.
pub const TABLES: &[Table] = &[
    Table { name: "fc_shard", key: 1, columns: &[("shard_id", Int), ("epoch", Int)] },
    Table { name: "fc_gym", key: 1, columns: &[("gym_id", Id), ("name", Text)] },
    Table {
        name: "fc_account",
        key: 1,
        columns: &[
            ("user_id", Id),
            ("gym_id", Id),
            ("email", Text),
            ("name", Text),
            ("role", Text),
            ("hall", Text),
            ("password", Text),
        ],
    },
    Table { name: "fc_person_word", key: 2, columns: &[("user_id", Id), ("word", Bytes), ("gym_id", Id)] },
    Table { name: "fc_revoked", key: 1, columns: &[("user_id", Id), ("at_us", Int)] },
    Table {
        name: "fc_user",
        key: 1,
        columns: &[
            ("id", Id),
            ("shard_id", Int),
            ("rev", Int),
            ("last_seq", Int),
            ("wake_at_us", Int),
            ("snapshot", Bytes),
        ],
    },
    Table {
        name: "fc_user_change",
        key: 2,
        columns: &[("user_id", Id), ("seq", Int), ("at_us", Int), ("kind", Text), ("body", Bytes)],
    },
    Table {
        name: "fc_class",
        key: 1,
        columns: &[
            ("id", Id),
            ("shard_id", Int),
            ("rev", Int),
            ("last_seq", Int),
            ("wake_at_us", Int),
            ("gym_id", Id),
            ("name", Text),
            ("hall", Text),
            ("trainer", Text),
            ("starts_at_us", Int),
            ("stage", Text),
            ("people", Int),
        ],
    },
    Table {
        name: "fc_class_change",
        key: 2,
        columns: &[("class_id", Id), ("seq", Int), ("at_us", Int), ("kind", Text), ("body", Bytes)],
    },
    Table {
        name: "fc_outbox",
        key: 3,
        columns: &[("shard_id", Int), ("actor", Bytes), ("seq", Int), ("at_us", Int), ("kind", Text), ("body", Bytes)],
    },
    Table {
        name: "fc_room",
        key: 1,
        columns: &[
            ("id", Id),
            ("shard_id", Int),
            ("rev", Int),
            ("last_seq", Int),
            ("wake_at_us", Int),
            ("gym_id", Id),
            ("kind", Text),
            ("name", Text),
            ("people", Int),
            ("topic_epoch", Int),
            ("snapshot_seq", Int),
            ("snapshot", Bytes),
        ],
    },
    Table {
        name: "fc_room_event",
        key: 2,
        columns: &[("room_id", Id), ("seq", Int), ("at_us", Int), ("kind", Text), ("body", Bytes)],
    },
    Table {
        name: "fc_image",
        key: 1,
        columns: &[
            ("image_id", Id),
            ("room_id", Id),
            ("by_user", Id),
            ("at_us", Int),
            ("seq", Int),
            ("until_us", Int),
            ("width", Int),
            ("height", Int),
            ("body", Bytes),
        ],
    },
    Table { name: "fc_lexicon", key: 1, columns: &[("gym_id", Id), ("body", Bytes), ("set_by", Id), ("at_us", Int)] },
    Table {
        name: "fc_report",
        key: 1,
        columns: &[
            ("report_id", Id),
            ("gym_id", Id),
            ("room_id", Id),
            ("seq", Int),
            ("reporter", Id),
            ("at_us", Int),
            ("body", Bytes),
            ("decided_at_us", Int),
            ("decision", Bytes),
        ],
    },
    Table { name: "fc_letter", key: 2, columns: &[("to_shard", Int), ("letter_id", Bytes), ("body", Bytes)] },
    Table {
        name: "fc_command",
        key: 3,
        columns: &[("actor", Bytes), ("author", Id), ("cmd", Id), ("digest", Int), ("at_us", Int), ("answer", Bytes)],
    },
];

impl Table {
    pub fn names(&self, count: usize) -> String {
        self.columns[..count].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    pub fn backwards(&self) -> String {
        self.columns[..self.key].iter().map(|(name, _)| format!("{name} desc")).collect::<Vec<_>>().join(", ")
    }
}

/// Number of rows and a hash over all of them (FNV-1a): it finds what was lost or changed by accident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub rows: u64,
    pub hash: u64,
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint { rows: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Fingerprint {
    pub fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        for cell in row {
            match cell {
                Cell::Null => self.bytes(0, &[]),
                Cell::Uuid(value) => self.bytes(1, value.as_bytes()),
                Cell::Int(value) => self.bytes(2, &value.to_be_bytes()),
                Cell::Text(value) => self.bytes(3, value.as_bytes()),
                Cell::Bytes(value) => self.bytes(4, value),
            }
        }
    }

    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_be_bytes();
        for byte in [kind].iter().chain(&length).chain(bytes) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the source: {0}")]
    Source(MigrateError),
    #[error("the target: {0}")]
    Target(MigrateError),
    #[error("{table}: {source}")]
    Table { table: &'static str, source: sqlx::Error },
    #[error("the target has rows in {0} already, and no copy of this folder was begun there: take an empty database")]
    NotEmpty(&'static str),
    #[error("a copy from another folder was begun in the target: end that one first, or take an empty database")]
    Another,
    #[error(
        "{table} differs: {} rows in the source, {} in the target. Nothing was removed from the source; take an empty database and begin \
         again", from.rows, to.rows
    )]
    Differs { table: &'static str, from: Fingerprint, to: Fingerprint },
}

const BEGUN: &str = "select holder from fc_lock where name = 'copy'";
const BEGIN_COPY: &str = "insert into fc_lock (name, holder, hb) values ('copy', $1, 0) on conflict (name) do nothing";
const END_COPY: &str = "delete from fc_lock where name = 'copy' and holder = $1";

/// Copies everything and compares. `source` is the identity of the folder; `said` hears how far each table is.
pub async fn copy(
    file: &Path,
    source: Uuid,
    url: &str,
    mut said: impl FnMut(&'static str, u64),
) -> Result<Vec<(&'static str, Fingerprint)>, CopyError> {
    let (write, from) = sqlite::pools(file, SQLITE).await.map_err(CopyError::Source)?;
    let to = postgres::copy_pool(url, Migrating::Allowed).await.map_err(CopyError::Target)?;
    let failed = |table| move |source| CopyError::Table { table, source };
    let begun = sqlx::query(BEGUN).fetch_optional(&to).await.map_err(failed("fc_lock"))?;
    match begun.map(|row| row.try_get::<Uuid, _>(0)).transpose().map_err(failed("fc_lock"))? {
        Some(holder) if holder != source => return Err(CopyError::Another),
        Some(_) => {}
        None => {
            for table in TABLES {
                if postgres::copy_body::last(&to, table).await.map_err(failed(table.name))?.is_some() {
                    return Err(CopyError::NotEmpty(table.name));
                }
            }
            sqlx::query(BEGIN_COPY).bind(source).execute(&to).await.map_err(failed("fc_lock"))?;
        }
    }
    let mut copied = Vec::new();
    for table in TABLES {
        // Pages were written in order of the key, each whole: behind the last key nothing is there.
        let mut after = postgres::copy_body::last(&to, table).await.map_err(failed(table.name))?;
        let mut rows = 0;
        loop {
            let page = sqlite::copy_body::page(&from, table, after.as_deref()).await.map_err(failed(table.name))?;
            let Some(last) = page.last() else { break };
            postgres::copy_body::write(&to, table, &page).await.map_err(failed(table.name))?;
            after = Some(last[..table.key].to_vec());
            rows += page.len() as u64;
            said(table.name, rows);
        }
        let from = sqlite::copy_body::fingerprint(&from, table).await.map_err(failed(table.name))?;
        let to = postgres::copy_body::fingerprint(&to, table).await.map_err(failed(table.name))?;
        if from != to {
            return Err(CopyError::Differs { table: table.name, from, to });
        }
        copied.push((table.name, from));
    }
    sqlx::query(END_COPY).bind(source).execute(&to).await.map_err(failed("fc_lock"))?;
    from.close().await;
    write.close().await;
    to.close().await;
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::super::scratch::{POSTGRES, Schema};
    use super::super::suite::{CASES, run};
    use super::super::{Engine, OwnError};
    use super::*;
    use crate::store::{Temporary, node::Node};
    use fitconnect_actors::ports::StateStore;
    use sqlx::AssertSqlSafe;

    /// A folder in which something of everything is stored.
    async fn filled() -> Temporary {
        let folder = Temporary::new().expect("a folder");
        let store = sqlite::open(&folder.path().join("state.db")).await.expect("a new store");
        store.claim_shards().await.expect("all shards");
        let crowd = CASES.iter().find(|(name, _)| *name == "a_crowd_commits_at_once").expect("a case");
        crowd.1(&store).await;
        store.add_gym(fitconnect_protocol::GymId(Uuid::from_u128(7)), "Зал".into()).await.expect("a gym");
        store.close().await;
        folder
    }

    #[test]
    fn a_copy_that_was_broken_off_goes_on_and_is_compared() {
        run(async {
            let Some(schema) = Schema::new(POSTGRES).await else { return };
            let folder = filled().await;
            let file = folder.path().join("state.db");
            let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let copied = copy(&file, me, &schema.url, |_, _| {}).await.expect("copied");
            let users = copied.iter().find(|(table, _)| *table == "fc_user").expect("a table").1;
            assert_eq!(users.rows, 100);
            let Err(error) = copy(&file, me, &schema.url, |_, _| {}).await else { panic!("it is full") };
            assert!(matches!(error, CopyError::NotEmpty("fc_shard")), "{error}");
            // As if it had been killed in the middle of the people.
            let direct = sqlx::PgPool::connect(&schema.url).await.expect("the database answers");
            for text in [
                "insert into fc_lock (name, holder, hb) values ('copy', '00000000-0000-0000-0000-000000000001', 0)",
                "delete from fc_user where id > (select id from fc_user order by id limit 1 offset 40)",
                "delete from fc_user_change",
                "delete from fc_class",
            ] {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&direct).await.expect("done");
            }
            let store = postgres::open(&schema.url, Migrating::Forbidden).await.expect("opened");
            let node = Node { id: other, incarnation: other, addr: "a server".into() };
            assert!(matches!(store.own(&node).await, Err(OwnError::Unfinished)), "half a gym is nobody's");
            assert!(matches!(copy(&file, other, &schema.url, |_, _| {}).await, Err(CopyError::Another)));
            assert_eq!(copy(&file, me, &schema.url, |_, _| {}).await.expect("went on"), copied);
            store.own(&node).await.expect("whole now");
            let person = fitconnect_domain::ActorKey::User(fitconnect_protocol::UserId(Uuid::from_u128(1_008)));
            let stored = store.load(person).await.expect("a read");
            assert_eq!((stored.rev, stored.epoch, stored.snapshot), (2, 2, Some(vec![8])), "epochs do not go back");
            store.close().await;
            direct.close().await;
        });
    }

    #[test]
    fn a_changed_row_is_found() {
        run(async {
            let Some(schema) = Schema::new(POSTGRES).await else { return };
            let folder = filled().await;
            let file = folder.path().join("state.db");
            let me = Uuid::from_u128(1);
            copy(&file, me, &schema.url, |_, _| {}).await.expect("copied");
            let direct = sqlx::PgPool::connect(&schema.url).await.expect("the database answers");
            for text in [
                "insert into fc_lock (name, holder, hb) values ('copy', '00000000-0000-0000-0000-000000000001', 0)",
                "update fc_user set rev = rev + 1 where id = (select id from fc_user order by id limit 1)",
            ] {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&direct).await.expect("done");
            }
            let Err(error) = copy(&file, me, &schema.url, |_, _| {}).await else { panic!("it differs") };
            assert!(matches!(error, CopyError::Differs { table: "fc_user", .. }), "{error}");
            direct.close().await;
        });
    }
}
