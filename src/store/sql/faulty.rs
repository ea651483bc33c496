//! Every case of the suite through the proxy, seed by seed: whatever is restarted, cut or unknown, it comes out the same.
//! `FITCONNECT_TEST_SEEDS` says how many seeds; the proof takes 200.

use super::migrate::Migrating;
use super::proxy::{Played, Proxy, TRICKS};
use super::scratch::{self, Schema};
use super::suite::{CASES, run};
use super::{Engine, postgres};
use fitconnect_actors::ports::StateStore;
use futures_util::future::join_all;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row as _};
use std::sync::Arc;

const SEEDS: u64 = 4;
/// Side by side: what is delayed or tried again waits, and costs nothing.
const PARTS: u64 = 4;
/// From so many seeds on, every trick must have been played.
const SEEDS_FOR_ALL: u64 = 20;

fn seeds() -> u64 {
    std::env::var("FITCONNECT_TEST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// Empties every table but the list of migrations.
async fn empty(pool: &PgPool) {
    let tables = "select table_name::text from information_schema.tables where table_schema = current_schema() and table_name <> 'fc_schema'";
    for row in sqlx::query(tables).fetch_all(pool).await.expect("a list") {
        let text = format!("delete from {}", row.get::<String, _>(0));
        sqlx::query(AssertSqlSafe(text)).execute(pool).await.expect("empty");
    }
}

/// Every case with every so many-th seed, in a schema of its own. Returns how often was tried again.
async fn part(first: u64, played: Arc<Played>) -> Option<u64> {
    let schema = Schema::new(scratch::POSTGRES).await?;
    postgres::open(&schema.url, Migrating::Allowed).await.expect("a new store").close().await;
    let direct = PgPool::connect(&schema.url).await.expect("the database answers");
    let mut retries = 0;
    for (case, body) in CASES {
        for seed in (first..=seeds()).step_by(PARTS as usize) {
            eprintln!("{case}, seed {seed}");
            empty(&direct).await;
            let proxy = Proxy::start(&schema.url, seed, played.clone()).await;
            let store = postgres::open(&proxy.url, Migrating::Forbidden).await.expect("opened");
            store.claim_shards().await.expect("all shards");
            body(&store).await;
            retries += store.counts().retries.iter().map(|(_, tries)| tries).sum::<u64>();
            store.close().await;
        }
    }
    direct.close().await;
    Some(retries)
}

#[test]
fn every_case_comes_out_the_same_under_faults() {
    run(async {
        let played = Arc::new(Played::default());
        let parts = (1..=PARTS).map(|first| part(first, played.clone()));
        let Some(retries) = join_all(parts).await.into_iter().sum::<Option<u64>>() else { return };
        let counts: Vec<String> = TRICKS.iter().map(|trick| format!("{trick:?} {}", played.of(*trick))).collect();
        println!("{} cases, {} seeds, {retries} retries: {}", CASES.len(), seeds(), counts.join(", "));
        let all = TRICKS.iter().all(|trick| played.of(*trick) > 0);
        assert!(all || seeds() < SEEDS_FOR_ALL, "a trick was never played");
        assert!(retries > 0, "nothing was ever tried again");
    });
}
