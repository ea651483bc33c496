//! Migrations: applied twice, from every earlier version, by two at once; their sum is the schema that is kept beside them.

use super::migrate::{Migrating, SQLITE};
use super::scratch::{self, Schema};
use super::suite::run;
use super::turn::Turn;
use super::{postgres, sqlite};
use crate::store::Temporary;
use expect_test::expect_file;
use fitconnect_actors::ports::StateStore;
use fitconnect_protocol::{GymId, UserId, Uuid};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};

async fn sqlite_schema(pool: &SqlitePool) -> String {
    let text = "select coalesce(sql, name) from sqlite_master order by type desc, name";
    let rows = sqlx::query(text).fetch_all(pool).await.expect("a schema");
    rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
}

async fn postgres_schema(pool: &PgPool) -> String {
    let columns = "select table_name || ' ' || column_name || ' ' || data_type || case when is_nullable = 'NO' then ' not null' else '' end \
         || coalesce(' collate ' || collation_name, '') from information_schema.columns \
         where table_schema = current_schema() order by table_name, ordinal_position";
    let indexes = "select replace(indexdef, schemaname || '.', '') from pg_indexes where schemaname = current_schema() order by indexname";
    let mut lines = Vec::new();
    for text in [columns, indexes] {
        let rows = sqlx::query(text).fetch_all(pool).await.expect("a schema");
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0) + "\n"));
    }
    lines.concat()
}

#[test]
fn sqlite_from_every_version_and_twice() {
    run(async {
        let kept = expect_file!["../../../migrations/sqlite/schema.txt"];
        for version in 0..=SQLITE.len() {
            let folder = Temporary::new().expect("a folder");
            let file = folder.path().join("state.db");
            let (write, read) = sqlite::pools(&file, &SQLITE[..version]).await.expect("an old store");
            read.close().await;
            sqlite::migrator::apply(&write, &SQLITE[version..]).await.expect("brought up to date");
            let schema = sqlite_schema(&write).await;
            sqlite::migrator::apply(&write, SQLITE).await.expect("and once more");
            assert_eq!(sqlite_schema(&write).await, schema, "from version {version}");
            kept.assert_eq(&schema);
            assert_eq!(sqlite::status(&file).await.expect("a status").pending, []);
            write.close().await;
        }
    });
}

#[test]
fn postgres_from_every_version_and_twice() {
    run(async {
        let kept = expect_file!["../../../migrations/cockroach/schema.postgres.txt"];
        let all = super::migrate::postgres();
        for version in 0..=all.len() {
            let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
            let pool = PgPool::connect(&schema.url).await.expect("the database answers");
            postgres::migrator::apply(&pool, &all[..version]).await.expect("an old store");
            postgres::migrator::apply(&pool, &all[version..]).await.expect("brought up to date");
            let found = postgres_schema(&pool).await;
            postgres::migrator::apply(&pool, &all).await.expect("and once more");
            assert_eq!(postgres_schema(&pool).await, found, "from version {version}");
            kept.assert_eq(&found);
            pool.close().await;
        }
    });
}

#[test]
fn people_of_before_there_was_a_search_are_found_too() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let file = folder.path().join("state.db");
        let (write, read) = sqlite::pools(&file, SQLITE).await.expect("a new store");
        for n in 0..450_u128 {
            let text = "insert into fc_account (user_id, gym_id, email, name, role, password) values ($1, $2, $3, $4, 'member', '')";
            let account = sqlx::query(text).bind(Uuid::from_u128(n + 1)).bind(Uuid::nil());
            let account = account.bind(format!("{n}@example.org")).bind(format!("Rider {n}"));
            account.execute(&write).await.expect("an account");
        }
        read.close().await;
        write.close().await;
        let store = sqlite::open(&file).await.expect("opened");
        store.claim_shards().await.expect("ours");
        let found = store.people(GymId(Uuid::nil()), vec!["449".into()], 9).await.expect("a read");
        assert_eq!(found, [(UserId(Uuid::from_u128(450)), "Rider 449".into())]);
        super::Engine::close(&store).await;
    });
}

#[test]
fn a_schema_that_may_not_be_changed_is_left_alone() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let file = folder.path().join("state.db");
        let (write, read) = sqlite::pools(&file, &SQLITE[..16]).await.expect("an old store");
        let Err(error) = sqlite::open_if(&file, Migrating::Forbidden).await else { panic!("it is old") };
        let text = error.to_string();
        assert!(text.contains("version 16") && text.contains("fitconnect migrate up"), "{text}");
        let before = sqlite_schema(&write).await;
        assert!(!before.contains("fc_node"));
        read.close().await;
        write.close().await;
    });
}

#[test]
fn several_at_once_change_a_shared_schema_in_turn_and_one_from_the_future_is_refused() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let open = || postgres::open(&schema.url, Migrating::Allowed);
        let (first, second, third) = tokio::join!(open(), open(), open());
        for opened in [first, second, third] {
            super::Engine::close(&opened.expect("opened")).await;
        }
        let pool = PgPool::connect(&schema.url).await.expect("the database answers");
        let left: i64 = sqlx::query("select count(*) from fc_lock").fetch_one(&pool).await.expect("a count").get(0);
        assert_eq!(left, 0, "the turn is given back");
        sqlx::query("insert into fc_schema (version, applied_at_us) values (9999, 0)")
            .execute(&pool)
            .await
            .expect("in");
        let Err(error) = open().await else { panic!("it is of the future") };
        assert!(error.to_string().contains("9999") && error.to_string().contains("later version"), "{error}");
        pool.close().await;
    });
}

#[test]
fn many_who_make_the_lock_at_once_all_get_their_turn() {
    run(async {
        for _ in 0..6 {
            let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
            let pool = PgPool::connect(&schema.url).await.expect("the database answers");
            let all = super::migrate::postgres();
            let tables = [all[0].2, all[18].2];
            // Lines that stand already: nobody is late.
            drop(futures_util::future::join_all((0..8).map(|_| pool.acquire())).await);
            let turns = (0..8).map(|_| async { Turn::wait(&pool, &tables).await?.give_back().await });
            for turn in futures_util::future::join_all(turns).await {
                turn.expect("a turn");
            }
            pool.close().await;
        }
    });
}

#[test]
fn one_that_died_while_it_changed_the_schema_is_followed_by_the_next() {
    run(async {
        let Some(schema) = Schema::new(scratch::POSTGRES).await else { return };
        let pool = PgPool::connect(&schema.url).await.expect("the database answers");
        let all = super::migrate::postgres();
        postgres::migrator::apply(&pool, &all[..12]).await.expect("half of it");
        for statement in [all[18].2, "insert into fc_lock (name, holder, hb) values ('schema', gen_random_uuid(), 7)"] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&pool).await.expect("as it was left");
        }
        let opened = postgres::open(&schema.url, Migrating::Allowed).await.expect("taken over");
        super::Engine::close(&opened).await;
        expect_file!["../../../migrations/cockroach/schema.postgres.txt"].assert_eq(&postgres_schema(&pool).await);
        pool.close().await;
    });
}
