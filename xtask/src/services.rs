//! `cargo xtask services`: real databases on loopback for tests and proofs, with data in a folder that goes away.
//! For each it takes what is there, in this order: an address in the environment, a program on this machine, `docker compose`,
//! packages of the system or of a language's registry (it asks first; `--yes` or CI=true means yes).

mod cassandra;
mod cockroach;
mod compose;
mod install;
mod launch;
mod nats;
mod postgres;
mod record;

use crate::{Result, table};
pub use launch::Launch;
use record::Record;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

/// A database that tests speak to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    Postgres,
    Cassandra,
    Nats,
    /// No package has it: it is used where it is there.
    Cockroach,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Postgres, Kind::Cassandra, Kind::Nats, Kind::Cockroach];
    /// Those that can be had anywhere.
    const COMMON: [Kind; 3] = [Kind::Postgres, Kind::Cassandra, Kind::Nats];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Postgres => "postgres",
            Kind::Cassandra => "cassandra",
            Kind::Nats => "nats",
            Kind::Cockroach => "cockroach",
        }
    }

    /// The variable with its address: given by whoever has one, set by us for the tests.
    pub fn variable(self) -> &'static str {
        match self {
            Kind::Postgres => "FITCONNECT_TEST_POSTGRES_URL",
            Kind::Cassandra => "FITCONNECT_TEST_CASSANDRA",
            Kind::Nats => "FITCONNECT_TEST_NATS_URL",
            Kind::Cockroach => "FITCONNECT_TEST_COCKROACH_URL",
        }
    }

    /// How to run what is on this machine; `None` where nothing is.
    fn found(self) -> Result<Option<Launch>> {
        match self {
            Kind::Postgres => postgres::found(),
            Kind::Cassandra => cassandra::found(),
            Kind::Nats => nats::found(),
            Kind::Cockroach => cockroach::found(),
        }
    }

    /// Ways to get it from packages, the preferred first.
    fn packages(self) -> Vec<install::Way> {
        match self {
            Kind::Postgres => postgres::packages(),
            Kind::Cassandra => cassandra::packages(),
            Kind::Nats => nats::packages(),
            Kind::Cockroach => Vec::new(),
        }
    }
}

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Start them and print the variables that the tests look for
    Up {
        /// Only these; without names, all but CockroachDB, which no package has
        names: Vec<Kind>,
        /// Install packages without asking
        #[arg(long)]
        yes: bool,
    },
    /// Stop them and delete what they stored
    Down {
        /// Only these; without names, all
        names: Vec<Kind>,
    },
    /// Stop one and start it again with what it had stored
    Restart {
        name: Kind,
        /// Without a word, as a power cut would
        #[arg(long)]
        kill: bool,
    },
    /// What runs, and where
    Status,
}

pub fn run(options: &Options) -> Result<bool> {
    match &options.what {
        What::Up { names, yes } => up(&wanted(names, &Kind::COMMON), *yes),
        What::Down { names } => {
            for kind in wanted(names, &Kind::ALL) {
                match Record::read(kind)? {
                    Some(record) => {
                        record.down()?;
                        println!("{} is stopped, its data is gone", kind.name());
                    }
                    None => println!("{} was not started by us", kind.name()),
                }
            }
            Ok(true)
        }
        What::Restart { name, kill } => {
            let mut service = obtain(*name, false)?;
            service.stop(*kill)?;
            service.start()?;
            Ok(true)
        }
        What::Status => status(),
    }
}

fn wanted(names: &[Kind], all: &[Kind]) -> BTreeSet<Kind> {
    if names.is_empty() { all } else { names }.iter().copied().collect()
}

fn up(kinds: &BTreeSet<Kind>, yes: bool) -> Result<bool> {
    let mut good = true;
    let mut exports = Vec::new();
    for kind in kinds {
        match obtain(*kind, yes) {
            Ok(service) => exports.push(format!("export {}={}", kind.variable(), service.address)),
            Err(error) => {
                good = false;
                eprintln!("✗ {}: {error}", kind.name());
            }
        }
    }
    println!("{}", exports.join("\n"));
    Ok(good)
}

fn status() -> Result<bool> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let cells = match (given(kind), Record::read(kind)?) {
            (Some(address), _) => ["given".into(), address, format!("${}", kind.variable())],
            (None, Some(record)) if record.is_alive() => ["up".into(), record.address.clone(), record.words()],
            (None, Some(record)) => ["died".into(), record.address.clone(), record.words()],
            (None, None) => ["down".into(), String::new(), String::new()],
        };
        let cpu = Record::read(kind)?.and_then(|record| record.cpu_s()).map(|cpu| format!("{cpu:.1}"));
        rows.push([vec![kind.name().to_owned()], cells.to_vec(), vec![cpu.unwrap_or_default()]].concat());
    }
    println!("{}", table::render(&["service", "state", "address", "by", "CPU s"], &rows));
    Ok(true)
}

fn given(kind: Kind) -> Option<String> {
    std::env::var(kind.variable()).ok().filter(|address| !address.is_empty())
}

/// A database that answers. If this run started it, it goes with this value.
pub struct Service {
    pub kind: Kind,
    pub address: String,
    /// `None`: another's, at an address that we were given.
    record: Option<Record>,
    ours: bool,
}

impl Service {
    /// Stops it; what it stored stays. With `kill` without a word, as a power cut would.
    pub fn stop(&mut self, kill: bool) -> Result<()> {
        self.record_mut()?.stop(kill)
    }

    /// Starts it again at the same address, with what it had stored; returns when it answers.
    pub fn start(&mut self) -> Result<()> {
        self.record_mut()?.start()
    }

    /// CPU seconds that it has used, where it is a process of ours.
    pub fn cpu_s(&self) -> Option<f64> {
        self.record.as_ref().and_then(Record::cpu_s)
    }

    fn record_mut(&mut self) -> Result<&mut Record> {
        let kind = self.kind;
        self.record.as_mut().ok_or_else(|| format!("{} is not ours to stop and start", kind.name()).into())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(record) = self.record.as_ref().filter(|_| self.ours)
            && let Err(error) = record.down()
        {
            eprintln!("{} could not be stopped: {error}", self.kind.name());
        }
    }
}

/// One that runs, or else one that is started now and goes when the value is dropped. For tests and proofs.
pub fn ensure(kind: Kind) -> Result<Service> {
    let before = given(kind).is_some() || Record::read(kind)?.is_some_and(|record| record.is_alive());
    let mut service = obtain(kind, install::is_ci())?;
    service.ours = !before;
    Ok(service)
}

/// One that nobody else speaks to, new and empty: for proofs that stop it. A program only; where only an address was given, an error.
pub fn private(kind: Kind) -> Result<Service> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let launch = match kind.found()? {
        Some(launch) => launch,
        None => {
            install::one_of(kind.name(), &kind.packages(), install::is_ci())?;
            kind.found()?.ok_or_else(|| format!("{} was installed and is still not there", kind.name()))?
        }
    };
    let name = format!("{}-{}-{}", kind.name(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let record = Record::launch(&name, launch)?;
    Ok(Service { kind, address: record.address.clone(), record: Some(record), ours: true })
}

/// In the order that is promised above.
fn obtain(kind: Kind, yes: bool) -> Result<Service> {
    let service = |address: String, record| Service { kind, address, record, ours: false };
    let record = Record::read(kind)?;
    if let Some(address) = given(kind) {
        // Set by ourselves for a child: then we may still stop it.
        return Ok(service(address.clone(), record.filter(|record| record.address == address)));
    }
    if let Some(record) = record {
        if record.is_alive() {
            return Ok(service(record.address.clone(), Some(record)));
        }
        record.down()?;
    }
    let record = if let Some(launch) = kind.found()? {
        Record::launch(kind.name(), launch)?
    } else if compose::is_there() {
        compose::up(kind)?
    } else {
        install::one_of(kind.name(), &kind.packages(), yes)?;
        let launch = kind.found()?.ok_or_else(|| format!("{} was installed and is still not there", kind.name()))?;
        Record::launch(kind.name(), launch)?
    };
    Ok(service(record.address.clone(), Some(record)))
}
