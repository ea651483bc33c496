//! The event store of one machine: `events.db`. Chunks lie in order of class and window, so that shipping appends; a sensor is found
//! by the windows of its class.

use super::blob::{blob, unblob};
use crate::store::sql::migrate::{MigrateError, SQLITE_EVENTS};
use crate::store::sql::rows::{cut, many};
use crate::store::sql::sqlite::pools;
use fitconnect_actors::ports::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::{ClassId, SourceId, UserId};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use sqlx::{AssertSqlSafe, Pool, Row as _, Sqlite};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// More sensors than this: all rows of the class are read and looked through.
const SOURCES_MAX: usize = 32;
const TEN_MINUTES_MS: i64 = 10 * 60 * 1_000;

const ADD_WINDOWS: &str = "insert into hr_window (class_id, win, node) values";
const ADD_WINDOWS_TAIL: &str = "on conflict (class_id, win, node) do nothing";
const ADD_CHUNKS: &str = "insert into hr_by_class (class_id, win, node, source, samples) values";
const ADD_CHUNKS_TAIL: &str = "on conflict (class_id, win, node, source) do update set samples = excluded.samples";
const ALL_CHUNKS: &str = "select samples from hr_by_class where class_id = $1 order by win, node, source";
const CHUNKS_SINCE: &str =
    "select samples from hr_by_class where class_id = $1 and win >= $2 order by win, node, source";
const CHUNKS_OF: &str = "select h.samples from hr_window as w join hr_by_class as h \
     on h.class_id = w.class_id and h.win = w.win and h.node = w.node and h.source = $2 where w.class_id = $1 order by w.win, w.node";
const ADD_EVENTS: &str = "insert into class_event (class_id, win, node, number, at_ms, kind, body) values";
const ADD_EVENTS_TAIL: &str = "on conflict (class_id, win, node, number) do update set at_ms = excluded.at_ms, kind = excluded.kind, body = excluded.body";
const EVENTS: &str = "select win, node, number, at_ms, kind, body from class_event where class_id = $1 order by at_ms, win, node, number";
const ADD_CLASS_CHANGES: &str = "insert into class_change (class_id, seq, at_ms, kind, body) values";
/// The newer wins, as in Cassandra: after a restored backup numbers are given again.
const ADD_CLASS_CHANGES_TAIL: &str =
    "on conflict (class_id, seq) do update set at_ms = excluded.at_ms, kind = excluded.kind, body = excluded.body";
const ADD_ACTIVITY: &str = "insert into activity (user_id, month, seq, at_ms, kind, body) values";
const ADD_ACTIVITY_TAIL: &str = "on conflict (user_id, month, seq) do update set at_ms = excluded.at_ms, kind = excluded.kind, body = excluded.body";
const CLASS_CHANGES: &str =
    "select seq, at_ms, kind, body from class_change where class_id = $1 and seq >= $2 order by seq limit $3";
const ACTIVITY: &str = "select seq, at_ms, kind, body from activity where user_id = $1 and month = $2 order by seq";
const DROP_SERIES: &str = "delete from hr_by_user where user_id = $1 and class_id = $2";
const ADD_SERIES: &str = "insert into hr_by_user (user_id, t10, class_id, samples) values";
const SERIES: &str =
    "select samples from hr_by_user where user_id = $1 and t10 >= $2 and t10 <= $3 order by t10, class_id";

pub struct SqliteEvents {
    write: Pool<Sqlite>,
    read: Pool<Sqlite>,
}

fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn told(key: ActorKey, row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<Told> {
    let (seq, at) = (row.try_get::<i64, _>(0)? as u64, Millis(row.try_get::<i64, _>(1)? as u64));
    Ok(Told { key, seq, at, kind: row.try_get(2)?, body: row.try_get(3)? })
}

impl SqliteEvents {
    pub async fn open(file: &Path) -> Result<SqliteEvents, MigrateError> {
        let (write, read) = pools(file, SQLITE_EVENTS).await?;
        Ok(SqliteEvents { write, read })
    }

    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    async fn add_chunks(&self, chunks: &[Chunk]) -> sqlx::Result<()> {
        let windows: BTreeSet<_> = chunks.iter().map(|chunk| (chunk.class, chunk.window as i64, chunk.node)).collect();
        let mut tx = self.write.begin_with("begin immediate").await?;
        for part in cut(&windows.into_iter().collect::<Vec<_>>()) {
            let mut insert = sqlx::query(AssertSqlSafe(many(ADD_WINDOWS, 3, part.len(), ADD_WINDOWS_TAIL)));
            for (class, window, node) in part {
                insert = insert.bind(class.0).bind(window).bind(i64::from(*node));
            }
            insert.execute(&mut *tx).await?;
        }
        for part in cut(chunks) {
            let mut insert = sqlx::query(AssertSqlSafe(many(ADD_CHUNKS, 5, part.len(), ADD_CHUNKS_TAIL)));
            for chunk in part {
                insert = insert.bind(chunk.class.0).bind(chunk.window as i64).bind(i64::from(chunk.node));
                insert = insert.bind(chunk.source.get() as i64).bind(blob(&chunk.samples));
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn add_events(&self, events: &[ClassEventRow]) -> sqlx::Result<()> {
        let mut tx = self.write.begin_with("begin immediate").await?;
        for part in cut(events) {
            let mut insert = sqlx::query(AssertSqlSafe(many(ADD_EVENTS, 7, part.len(), ADD_EVENTS_TAIL)));
            for event in part {
                insert = insert.bind(event.class.0).bind(event.window as i64).bind(i64::from(event.node));
                insert = insert.bind(i64::from(event.number)).bind(event.at).bind(&event.kind).bind(&event.body);
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn read_events(&self, class: ClassId) -> sqlx::Result<Vec<ClassEventRow>> {
        let rows = sqlx::query(EVENTS).bind(class.0).fetch_all(&self.read).await?;
        let event = |row: sqlx::sqlite::SqliteRow| {
            Ok(ClassEventRow {
                class,
                window: row.try_get::<i64, _>(0)? as u64,
                node: row.try_get::<i64, _>(1)? as u32,
                number: row.try_get::<i64, _>(2)? as u32,
                at: row.try_get(3)?,
                kind: row.try_get(4)?,
                body: row.try_get(5)?,
            })
        };
        rows.into_iter().map(event).collect()
    }

    async fn add_changes(&self, changes: &[Told]) -> sqlx::Result<()> {
        let (mut of_classes, mut of_people) = (Vec::new(), Vec::new());
        for told in changes {
            match told.key {
                ActorKey::Class(class) => of_classes.push((class, told)),
                ActorKey::User(user) => of_people.push((user, told)),
                ActorKey::Session(_) | ActorKey::Room(_) => {}
            }
        }
        let mut tx = self.write.begin_with("begin immediate").await?;
        for part in cut(&of_classes) {
            let text = many(ADD_CLASS_CHANGES, 5, part.len(), ADD_CLASS_CHANGES_TAIL);
            let mut insert = sqlx::query(AssertSqlSafe(text));
            for (class, told) in part {
                insert = insert.bind(class.0).bind(told.seq as i64).bind(told.at.0 as i64);
                insert = insert.bind(&told.kind).bind(&told.body);
            }
            insert.execute(&mut *tx).await?;
        }
        for part in cut(&of_people) {
            let mut insert = sqlx::query(AssertSqlSafe(many(ADD_ACTIVITY, 6, part.len(), ADD_ACTIVITY_TAIL)));
            for (user, told) in part {
                insert = insert.bind(user.0).bind(told.month()).bind(told.seq as i64).bind(told.at.0 as i64);
                insert = insert.bind(&told.kind).bind(&told.body);
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn replace_series(&self, user: UserId, class: ClassId, samples: Vec<StoredSample>) -> sqlx::Result<()> {
        let mut parts = BTreeMap::<i64, Vec<StoredSample>>::new();
        for sample in samples {
            parts.entry(sample.at.div_euclid(TEN_MINUTES_MS)).or_default().push(sample);
        }
        let parts: Vec<_> = parts.into_iter().collect();
        let mut tx = self.write.begin_with("begin immediate").await?;
        sqlx::query(DROP_SERIES).bind(user.0).bind(class.0).execute(&mut *tx).await?;
        for part in cut(&parts) {
            let mut insert = sqlx::query(AssertSqlSafe(many(ADD_SERIES, 4, part.len(), "")));
            for (t10, samples) in part {
                insert = insert.bind(user.0).bind(t10).bind(class.0).bind(blob(samples));
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Rows of one blob each, unpacked as they come.
    async fn unpacked(
        &self,
        query: sqlx::query::Query<'_, Sqlite, sqlx::sqlite::SqliteArguments>,
        samples: &mut Vec<StoredSample>,
    ) -> Result<(), StoreError> {
        let mut rows = query.fetch(&self.read);
        while let Some(row) = rows.try_next().await.map_err(unavailable)? {
            samples.extend(unblob(row.try_get(0).map_err(unavailable)?)?);
        }
        Ok(())
    }
}

impl EventStore for SqliteEvents {
    fn write(&self, chunks: Vec<Chunk>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.add_chunks(&chunks).await.map_err(unavailable) }.boxed()
    }

    fn chunks(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        async move {
            let mut samples = Vec::new();
            let wanted: Option<BTreeSet<SourceId>> = sources.map(|sources| sources.into_iter().collect());
            match &wanted {
                Some(wanted) if wanted.len() <= SOURCES_MAX => {
                    for source in wanted {
                        let query = sqlx::query(CHUNKS_OF).bind(class.0).bind(source.get() as i64);
                        self.unpacked(query, &mut samples).await?;
                    }
                }
                Some(wanted) => {
                    self.unpacked(sqlx::query(ALL_CHUNKS).bind(class.0), &mut samples).await?;
                    samples.retain(|sample| wanted.contains(&sample.source));
                }
                None => self.unpacked(sqlx::query(ALL_CHUNKS).bind(class.0), &mut samples).await?,
            }
            Ok(samples)
        }
        .boxed()
    }

    fn chunks_since(&self, class: ClassId, window: u64) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        async move {
            let mut samples = Vec::new();
            self.unpacked(sqlx::query(CHUNKS_SINCE).bind(class.0).bind(window as i64), &mut samples).await?;
            Ok(samples)
        }
        .boxed()
    }

    fn write_class_events(&self, events: Vec<ClassEventRow>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.add_events(&events).await.map_err(unavailable) }.boxed()
    }

    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<ClassEventRow>, StoreError>> {
        async move { self.read_events(class).await.map_err(unavailable) }.boxed()
    }

    fn write_changes(&self, changes: Vec<Told>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.add_changes(&changes).await.map_err(unavailable) }.boxed()
    }

    fn class_changes(&self, class: ClassId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>> {
        async move {
            let ask = sqlx::query(CLASS_CHANGES).bind(class.0).bind(from_seq as i64).bind(i64::from(limit));
            let rows = ask.fetch_all(&self.read).await.map_err(unavailable)?;
            rows.iter().map(|row| told(ActorKey::Class(class), row)).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn activity(&self, user: UserId, month: i32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>> {
        async move {
            let rows =
                sqlx::query(ACTIVITY).bind(user.0).bind(month).fetch_all(&self.read).await.map_err(unavailable)?;
            rows.iter().map(|row| told(ActorKey::User(user), row)).collect::<sqlx::Result<_>>().map_err(unavailable)
        }
        .boxed()
    }

    fn write_user_series(
        &self,
        user: UserId,
        class: ClassId,
        samples: Vec<StoredSample>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.replace_series(user, class, samples).await.map_err(unavailable) }.boxed()
    }

    fn user_series(
        &self,
        user: UserId,
        from_ms: i64,
        to_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        async move {
            let (first, last) = (from_ms.div_euclid(TEN_MINUTES_MS), to_ms.div_euclid(TEN_MINUTES_MS));
            let mut samples = Vec::new();
            self.unpacked(sqlx::query(SERIES).bind(user.0).bind(first).bind(last), &mut samples).await?;
            samples.retain(|sample| (from_ms..to_ms).contains(&sample.at));
            Ok(samples)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Temporary;
    use fitconnect_protocol::sample::Row;
    use fitconnect_protocol::{ReceiverId, Uuid};

    #[test]
    fn a_disk_that_was_full_is_written_again_when_it_has_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let folder = Temporary::new().expect("a folder");
            let store = SqliteEvents::open(&folder.path().join("events.db")).await.expect("a new store");
            // Of the present line only, as if the disk got room again behind it.
            sqlx::query("pragma max_page_count = 20").fetch_all(&store.write).await.expect("set");
            let sample = StoredSample {
                source: SourceId::new(1).expect("small"),
                receiver: ReceiverId::new(1).expect("small"),
                boot: 1,
                seq: 1,
                at: 1,
                row: Row { rr_ms: vec![300; 2_000], ..Row::default() },
            };
            let class = ClassId(Uuid::from_u128(1));
            let chunks =
                |window| vec![Chunk { class, source: sample.source, node: 1, window, samples: vec![sample.clone()] }];
            let mut full = None;
            for window in 0..40 {
                full = store.write(chunks(window)).await.err();
                if full.is_some() {
                    break;
                }
            }
            let full = full.expect("twenty pages are few").to_string();
            assert!(full.contains("full"), "{full}");
            store.write(chunks(99)).await.expect("it has room");
        });
    }
}
