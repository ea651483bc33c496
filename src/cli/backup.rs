//! `fitconnect backup` and `fitconnect restore`.

use super::{Failure, block_on, print, usage};
use clap::Args;
use fitconnect::config::{self, Flags};
use fitconnect::store::StateAt;
use fitconnect::store::backup::{self, Entry};
use std::path::PathBuf;

pub const HELP: &str = "\
The server may run meanwhile. What was acknowledged before the command began is in the backup. It holds health data, password hashes and
the keys that sign tokens: keep it encrypted. Where the state is in a database, back that up too (docs/operations.md).

Examples:
  fitconnect backup --data /srv/gym --to /backup/2026-11-24
  fitconnect restore --from /backup/2026-11-24 --data /srv/gym-again";

#[derive(Debug, Args)]
pub struct Backup {
    /// Folder that is made; it must not be there or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Folder of the server [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file [default: fitconnect.toml if it is there; variable FITCONNECT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// A backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder that is made; it must not be there or be empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

pub fn run(args: Backup) -> Result<(), Failure> {
    let flags = Flags { data: args.data, config: args.config, ..Flags::default() };
    let config = config::load(&flags, std::env::vars()).map_err(usage)?.config;
    let files = block_on(backup::backup(&config.data, &args.to))?;
    let more = match config.state {
        StateAt::Sqlite => String::new(),
        StateAt::Postgres(_) => format!("\nthe state is not in it: back up {} too", config.state),
    };
    print(&format!("{} is a whole backup: {}{more}", args.to.display(), sum(&files)))
}

pub fn restore(args: Restore) -> Result<(), Failure> {
    let files = block_on(backup::restore(&args.from, &args.data))?;
    print(&format!("{} can be served: {}", args.data.display(), sum(&files)))
}

fn sum(files: &[Entry]) -> String {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    format!("{} files, {:.1} MB", files.len(), bytes as f64 / 1e6)
}
