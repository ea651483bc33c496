//! PostgreSQL and Cassandra for proofs: those that run, or that are started for the run; each server gets a schema of its own in the one
//! and a keyspace of its own in the other.

use super::Ctx;
use super::server::{Build, build};
use crate::services::{self, Kind, Service};
use crate::{Result, repo, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// The program that makes schemas, and that the proof of the fence drives.
pub fn helper(ctx: &Ctx) -> Result<PathBuf> {
    if ctx.quick {
        return Ok(build(Build::Tests)?.join("examples/fence"));
    }
    let folder = build(Build::Release)?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repo::root()).args(["build", "--release", "-p", "fitconnect", "-p", "fitconnect-loadtest"]);
    run::must("build the example (release)", cargo.args(["--example", "fence"]))?;
    Ok(folder.join("examples/fence"))
}

/// A schema of PostgreSQL, or a keyspace of Cassandra, that goes with this value.
pub struct Schema {
    /// The database, with this schema first; of Cassandra what `--events` takes.
    pub url: String,
    /// Of which it is: the helper's word and the database's address.
    what: &'static str,
    base: String,
    name: String,
    helper: PathBuf,
}

impl Schema {
    pub fn new(ctx: &Ctx, base: &str) -> Result<Schema> {
        let name = next_name();
        let sign = if base.contains('?') { '&' } else { '?' };
        let url = format!("{base}{sign}options[search_path]={name}");
        let schema = Schema { url, what: "schema", base: base.to_owned(), name, helper: helper(ctx)? };
        schema.say("create")?;
        Ok(schema)
    }

    /// The server makes its keyspace itself.
    fn keyspace(ctx: &Ctx, node: &str) -> Result<Schema> {
        let name = next_name();
        let url = format!("cassandra://{node}/{name}");
        Ok(Schema { url, what: "keyspace", base: node.to_owned(), name, helper: helper(ctx)? })
    }

    /// The server's log is as that of a server that has run for a while.
    pub fn season(&self) -> Result<()> {
        self.say("season")
    }

    fn say(&self, what: &str) -> Result<()> {
        let mut command = Command::new(&self.helper);
        let output = command.args([self.what, what, &self.name, "--url", &self.base]).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr).trim()).into())
    }
}

fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("fc_prove_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Err(error) = self.say("drop") {
            eprintln!("a {} stays behind: {error}", self.what);
        }
    }
}

/// Where the servers of a proof keep state and events: a schema and a keyspace for each data folder, so that a server that comes back
/// to its folder finds them again.
pub struct Databases {
    // They go before the databases do.
    schemas: Mutex<BTreeMap<PathBuf, (Schema, Schema)>>,
    postgres: Service,
    cassandra: Service,
}

impl Databases {
    /// Those that can be had here; else why not, and how to get one.
    pub fn ensure() -> Result<Databases> {
        let (postgres, cassandra) = (services::ensure(Kind::Postgres)?, services::ensure(Kind::Cassandra)?);
        Ok(Databases { postgres, cassandra, schemas: Mutex::default() })
    }

    fn urls(&self, ctx: &Ctx, data: &Path) -> Result<(String, String)> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((state, events)) = schemas.get(data) {
            return Ok((state.url.clone(), events.url.clone()));
        }
        let made = (Schema::new(ctx, &self.postgres.address)?, Schema::keyspace(ctx, &self.cassandra.address)?);
        let (state, events) = schemas.entry(data.to_owned()).or_insert(made);
        Ok((state.url.clone(), events.url.clone()))
    }
}

/// The flags with which a command uses the state of a folder in this run; none: it is in the folder.
pub fn state_flags(ctx: &Ctx, data: &Path) -> Result<Vec<String>> {
    let Some(databases) = &ctx.databases else { return Ok(Vec::new()) };
    let (state, _) = databases.urls(ctx, data)?;
    Ok(vec!["--state".into(), state])
}

/// The same of a server, which keeps events too.
pub fn server_flags(ctx: &Ctx, data: &Path) -> Result<Vec<String>> {
    let Some(databases) = &ctx.databases else { return Ok(Vec::new()) };
    let (state, events) = databases.urls(ctx, data)?;
    Ok(vec!["--state".into(), state, "--events".into(), events])
}

/// PostgreSQL alone, or why there is none: then a proof on it is skipped, and says how to get one.
pub fn postgres() -> std::result::Result<Service, String> {
    services::ensure(Kind::Postgres).map_err(|error| error.to_string())
}
