//! A schema of its own for each test, in a PostgreSQL or CockroachDB that the environment names. It goes when the test ends.

use fitconnect_protocol::Uuid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

/// Where tests find a PostgreSQL, and a CockroachDB. `cargo xtask test` sets the first.
pub const POSTGRES: &str = "FITCONNECT_TEST_POSTGRES_URL";
pub const COCKROACH: &str = "FITCONNECT_TEST_COCKROACH_URL";

pub struct Schema {
    /// The database with this schema first.
    pub url: String,
    base: String,
    name: String,
}

impl Schema {
    /// `None`, said aloud, where the environment names no such database.
    pub async fn new(variable: &str) -> Option<Schema> {
        let Some(base) = std::env::var(variable).ok().filter(|url| !url.is_empty()) else {
            eprintln!("SKIPPED: {variable} is not set; `cargo xtask test` sets it, or give the address of one");
            return None;
        };
        let name = format!("fc_test_{}", Uuid::now_v7().simple());
        execute(&base, &format!("create schema {name}")).await;
        let sign = if base.contains('?') { '&' } else { '?' };
        Some(Schema { url: format!("{base}{sign}options[search_path]={name}"), base, name })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (base, drop) = (self.base.clone(), format!("drop schema if exists {} cascade", self.name));
        let gone = std::thread::spawn(move || super::suite::run(execute(&base, &drop)));
        // The test has its own word to say where this one failed.
        let _ = gone.join();
    }
}

async fn execute(url: &str, statement: &str) {
    let options: PgConnectOptions = url.parse().expect("an address");
    let mut line = options.connect().await.expect("the database answers");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut line).await.expect("done");
}
