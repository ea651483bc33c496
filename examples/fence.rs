//! What only the proof of the fence needs: processes that write the same few classes of one database, and a command that takes a live shard
//! from its owner. Driven by `cargo xtask prove fence` through standard input and output.
//!
//!   fence schema create|drop NAME --url URL     a schema of its own for a proof
//!   fence schema season NAME --url URL          the log that a PostgreSQL which has run for a while has
//!   fence keyspace drop NAME --url NODE         what a proof's server left in Cassandra
//!   fence setup --url URL [--unfenced]          the classes, once
//!   fence node --url URL [--unfenced]           `steal CLASS` and `write CLASS MESSAGE` in, `ok CLASS MESSAGE NUMBER` or `no CLASS MESSAGE` out
//!   fence future FILE --url sqlite              a row in the file's list of migrations that a later version might have written
//!   fence future database --url URL             the same in a database
//!   fence dump --url URL                        every stored change: CLASS NUMBER MESSAGE EPOCH

use fitconnect::store::Migrating;
use fitconnect::store::sql::{Engine as _, postgres};
use fitconnect_actors::ports::*;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::{ClassId, CmdId, GymId, UserId, Uuid};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;

const CLASSES: u64 = 8;
/// Commands that are gathered in one commit.
const GATHER: usize = 64;
const LATER: &str = "insert into fc_schema (version, applied_at_us) values (9999, 0)";
const NOBODY: UserId = UserId(Uuid::from_u128(1));

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn class(index: u64) -> ActorKey {
    ActorKey::Class(ClassId(Uuid::from_u128(0xc1a5_5000 + u128::from(index))))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let after =
        |flag: &str| words.iter().position(|word| *word == flag).and_then(|place| words.get(place + 1)).copied();
    let url = after("--url").ok_or("--url is missing")?;
    let fenced = !words.contains(&"--unfenced");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match words[..] {
            ["schema", "create", name, ..] => schema(url, &format!("create schema if not exists {name}")).await,
            ["schema", "drop", name, ..] => schema(url, &format!("drop schema if exists {name} cascade")).await,
            ["schema", "season", ..] => season(url).await,
            ["keyspace", "drop", name, ..] => drop_keyspace(url, name).await,
            ["setup", ..] => setup(url, fenced).await,
            ["future", file, _, "sqlite"] => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let pool = sqlx::SqlitePool::connect_with(options).await?;
                sqlx::query(LATER).execute(&pool).await?;
                pool.close().await;
                Ok(())
            }
            ["future", ..] => schema(url, LATER).await,
            ["node", ..] => node(url, fenced).await,
            ["dump", ..] => dump(url).await,
            _ => Err("schema, setup, node or dump".into()),
        }
    })
}

async fn schema(url: &str, statement: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&pool).await?;
    Ok(())
}

/// Segments of the log, 16 MiB each, that are there to be written again.
const SEGMENTS: usize = 24;

/// A young server fills each new segment of its log with zeros before it writes into it, and everybody waits for that; one that has run
/// for a while takes old segments again. This brings it there.
async fn season(url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    for _ in 0..SEGMENTS {
        sqlx::raw_sql("select pg_logical_emit_message(false, 'fc', 'season')").execute(&pool).await?;
        sqlx::raw_sql("select pg_switch_wal()").execute(&pool).await?;
    }
    // Twice: what the first has left behind, the second makes new again.
    for _ in 0..2 {
        sqlx::raw_sql("checkpoint").execute(&pool).await?;
    }
    Ok(())
}

async fn drop_keyspace(node: &str, name: &str) -> Result<()> {
    let session = scylla::client::session_builder::SessionBuilder::new().known_node(node).build().await?;
    session.query_unpaged(format!("drop keyspace if exists {name}"), ()).await?;
    Ok(())
}

async fn setup(url: &str, fenced: bool) -> Result<()> {
    let store = postgres::open(url, Migrating::Allowed).await?;
    let epochs = store.claim_shards().await?;
    let row = |index: u64| ClassRow {
        gym: GymId(Uuid::from_u128(1)),
        name: format!("class {index}"),
        hall: String::new(),
        trainer: String::new(),
        starts_at_ms: 0,
        stage: "running".into(),
        people: 0,
    };
    for index in 0..CLASSES {
        let mut birth = bare(class(index), epochs[usize::from(class(index).shard())], 0);
        birth.row = Some(Row::Class(row(index)));
        store.commit(vec![birth]).await;
    }
    if !fenced {
        // What the fence would have kept out must be able to come in, or the control could not show it.
        let pool = PgPool::connect(url).await?;
        for table in ["fc_class_change", "fc_command", "fc_outbox"] {
            let text = format!("alter table {table} drop constraint {table}_pkey");
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await?;
        }
    }
    store.close().await;
    Ok(())
}

fn bare(key: ActorKey, epoch: u64, rev: u64) -> Commit {
    let (row, wake_at) = (None, None);
    Commit {
        key,
        epoch,
        rev,
        row,
        changes: vec![],
        wake_at,
        letters: vec![],
        received: vec![],
        answers: vec![],
        reports: vec![],
    }
}

/// A class as a node remembers it.
struct Loaded {
    epoch: u64,
    rev: u64,
    last_seq: u64,
    numbers: BTreeMap<u128, u64>,
}

struct Node {
    store: postgres::SqlState,
    pool: PgPool,
    incarnation: Uuid,
    fenced: bool,
    classes: BTreeMap<u64, Loaded>,
}

enum Order {
    Steal(u64),
    Write(u64, u128),
}

fn order(line: &str) -> Option<Order> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["steal", index] => Some(Order::Steal(index.parse().ok()?)),
        ["write", index, message] => Some(Order::Write(index.parse().ok()?, message.parse().ok()?)),
        _ => None,
    }
}

async fn node(url: &str, fenced: bool) -> Result<()> {
    let store = postgres::open(url, Migrating::Forbidden).await?;
    let incarnation = Uuid::now_v7();
    if fenced {
        store.speaks_for(incarnation);
    }
    let pool = PgPool::connect(url).await?;
    let mut node = Node { store, pool, incarnation, fenced, classes: BTreeMap::new() };
    let (orders, mut queue) = tokio::sync::mpsc::channel(1_024);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if let Some(order) = order(&line)
                && orders.blocking_send(order).is_err()
            {
                return;
            }
        }
    });
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, GATHER).await > 0 {
        let mut writes: BTreeMap<u64, Vec<u128>> = BTreeMap::new();
        for order in batch.drain(..) {
            match order {
                Order::Steal(index) => node.steal(index).await,
                Order::Write(index, message) => writes.entry(index).or_default().push(message),
            }
        }
        node.write(writes).await?;
    }
    Ok(())
}

impl Node {
    /// Takes a shard from whoever has it, alive or not.
    async fn steal(&mut self, index: u64) {
        self.classes.remove(&index);
        let shard = i64::from(class(index).shard());
        for _ in 0..20 {
            let steal = "update fc_shard set owner = $1, epoch = epoch + 1 where shard_id = $2";
            let done = sqlx::query(steal).bind(self.incarnation).bind(shard).execute(&self.pool).await;
            if done.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn load(&mut self, index: u64) -> bool {
        if self.classes.contains_key(&index) {
            return true;
        }
        let Ok(stored) = self.store.load(class(index)).await else { return false };
        let number = |answer: &StoredAnswer| u64::from_be_bytes(answer.reply[..8].try_into().expect("eight bytes"));
        let numbers = stored.answers.iter().map(|answer| (answer.cmd.0.as_u128(), number(answer))).collect();
        let Some(last_seq) = (stored.rev > 0).then_some(stored.last_seq) else { return false };
        self.classes.insert(index, Loaded { epoch: stored.epoch, rev: stored.rev, last_seq, numbers });
        true
    }

    /// The fence switched off: what the commit believes is made true just before it is written.
    async fn believe(&self, commit: &mut Commit) {
        if self.fenced {
            return;
        }
        if let Ok(now) = self.store.load(commit.key).await {
            (commit.epoch, commit.rev) = (now.epoch, now.rev);
        }
    }

    async fn write(&mut self, writes: BTreeMap<u64, Vec<u128>>) -> Result<()> {
        let (mut commits, mut said) = (Vec::new(), Vec::new());
        let mut parts = Vec::new();
        for (index, mut messages) in writes {
            messages.sort_unstable();
            messages.dedup();
            if !self.load(index).await {
                said.extend(messages.iter().map(|message| format!("no {index} {message}")));
                continue;
            }
            let loaded = &self.classes[&index];
            let (old, new): (Vec<u128>, Vec<u128>) =
                messages.into_iter().partition(|message| loaded.numbers.contains_key(message));
            said.extend(old.iter().map(|message| format!("ok {index} {message} {}", loaded.numbers[message])));
            if new.is_empty() {
                continue;
            }
            let mut commit = bare(class(index), loaded.epoch, loaded.rev);
            for (message, seq) in new.iter().zip(loaded.last_seq + 1..) {
                let mut body = message.to_be_bytes().to_vec();
                body.extend(loaded.epoch.to_be_bytes());
                commit.changes.push(StoredChange { seq, at: Millis(1), kind: "written", body, rewrites: vec![] });
                let (cmd, reply) = (CmdId(Uuid::from_u128(*message)), seq.to_be_bytes().to_vec());
                commit.answers.push(StoredAnswer { author: NOBODY, cmd, digest: 0, at: Millis(1), reply });
            }
            self.believe(&mut commit).await;
            parts.push((index, new, commit.rev));
            commits.push(commit);
        }
        let results = self.store.commit(commits).await;
        for ((index, messages, _), result) in parts.into_iter().zip(results) {
            match result {
                Committed::Done(rev) => {
                    let loaded = self.classes.get_mut(&index).expect("it was loaded");
                    loaded.rev = rev;
                    for message in messages {
                        loaded.last_seq += 1;
                        loaded.numbers.insert(message, loaded.last_seq);
                        said.push(format!("ok {index} {message} {}", loaded.last_seq));
                    }
                }
                // This actor alone is dropped; it is read anew when somebody wants it.
                Committed::Fenced | Committed::Unknown(_) => {
                    if self.fenced {
                        self.classes.remove(&index);
                    }
                    said.extend(messages.iter().map(|message| format!("no {index} {message}")));
                }
            }
        }
        let mut out = std::io::stdout().lock();
        said.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        Ok(out.flush()?)
    }
}

async fn dump(url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    let mut out = std::io::stdout().lock();
    for index in 0..CLASSES {
        let ActorKey::Class(id) = class(index) else { continue };
        let text = "select seq, body from fc_class_change where class_id = $1 order by seq, body";
        for row in sqlx::query(text).bind(id.0).fetch_all(&pool).await? {
            let (seq, body): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let message = u128::from_be_bytes(body[..16].try_into()?);
            let epoch = u64::from_be_bytes(body[16..24].try_into()?);
            writeln!(out, "{index} {seq} {message} {epoch}")?;
        }
    }
    Ok(())
}
