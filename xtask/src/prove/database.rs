//! A PostgreSQL for proofs: one that runs, or one that is started for the run; each server gets a schema of its own in it.

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

/// A schema that goes with this value.
pub struct Schema {
    /// The database, with this schema first.
    pub url: String,
    base: String,
    name: String,
    helper: PathBuf,
}

impl Schema {
    pub fn new(ctx: &Ctx, base: &str) -> Result<Schema> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fc_prove_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let helper = helper(ctx)?;
        let sign = if base.contains('?') { '&' } else { '?' };
        let url = format!("{base}{sign}options[search_path]={name}");
        let schema = Schema { url, base: base.to_owned(), name, helper };
        schema.say("create")?;
        Ok(schema)
    }

    fn say(&self, what: &str) -> Result<()> {
        let mut command = Command::new(&self.helper);
        let output = command.args(["schema", what, &self.name, "--url", &self.base]).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr).trim()).into())
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Err(error) = self.say("drop") {
            eprintln!("a schema stays behind: {error}");
        }
    }
}

/// A schema for each data folder of a proof's servers: a server that comes back to its folder finds its state.
pub struct Databases {
    // They go before the database does.
    schemas: Mutex<BTreeMap<PathBuf, Schema>>,
    postgres: Service,
}

impl Databases {
    pub fn new(postgres: Service) -> Databases {
        Databases { postgres, schemas: Mutex::default() }
    }

    /// The flags with which a server, or a command, uses the folder's schema.
    pub fn flags(&self, ctx: &Ctx, data: &Path) -> Result<Vec<String>> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let url = match schemas.get(data) {
            Some(schema) => schema.url.clone(),
            None => {
                let schema = Schema::new(ctx, &self.postgres.address)?;
                schemas.entry(data.to_owned()).or_insert(schema).url.clone()
            }
        };
        Ok(vec!["--state".into(), url])
    }
}

/// The flags for the state of a folder in this run; none: it is in the folder.
pub fn flags(ctx: &Ctx, data: &Path) -> Result<Vec<String>> {
    ctx.state.as_ref().map_or(Ok(Vec::new()), |databases| databases.flags(ctx, data))
}

/// The database, or why there is none: then a proof on it is skipped, and says how to get one.
pub fn postgres() -> std::result::Result<Service, String> {
    services::ensure(Kind::Postgres).map_err(|error| error.to_string())
}
