//! `fitconnect migrate`: the schema, and the way from a folder to a database.

use super::{Failure, block_on, print, usage};
use clap::{Args, Subcommand};
use fitconnect::config::{self, Config, Flags};
use fitconnect::store::schema;
use fitconnect::store::{StateAt, move_to};
use std::path::PathBuf;

pub const HELP: &str = "\
A server does `up` by itself when it starts, unless migrate_at_start = false. Several may start at once: one migrates, the others wait.

Examples:
  fitconnect migrate status                                  how far the schema is
  fitconnect migrate plan                                    the statements that are missing
  FITCONNECT_STATE=postgres://… fitconnect migrate up        bring it up to date
  fitconnect migrate --from sqlite:data --to postgres://user:password@host:5432/gym
                             move a gym; the server must not run. Broken off, it goes on. Nothing is removed from the folder:
                             heart rates and keys stay there, so the server keeps --data and gets --state";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Migrate {
    #[command(subcommand)]
    what: Option<What>,
    /// The folder to leave, as in sqlite:data
    #[arg(long, value_name = "sqlite:DIR", requires = "to")]
    from: Option<String>,
    /// The empty database to go to [variable: FITCONNECT_STATE]
    #[arg(long, value_name = "postgres://…", requires = "from")]
    to: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Bring the schema up to date
    Up(Place),
    /// Say how far the schema is; nothing is changed
    Status(Place),
    /// Print the statements that are missing; nothing is changed
    Plan(Place),
}

#[derive(Debug, Args)]
struct Place {
    /// Folder of the server [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file [default: fitconnect.toml if it is there; variable FITCONNECT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the state is kept: sqlite, or postgres://… [default: sqlite; variable FITCONNECT_STATE]
    #[arg(long, value_name = "WHERE")]
    state: Option<String>,
}

impl Place {
    fn load(self) -> Result<Config, Failure> {
        let Place { data, config, state } = self;
        let flags = Flags { data, config, state, ..Flags::default() };
        Ok(config::load(&flags, std::env::vars()).map_err(usage)?.config)
    }
}

pub fn run(args: Migrate) -> Result<(), Failure> {
    match (args.what, args.from, args.to) {
        (Some(What::Up(place)), _, _) => up(&place.load()?),
        (Some(What::Status(place)), _, _) => status(&place.load()?, false),
        (Some(What::Plan(place)), _, _) => status(&place.load()?, true),
        (None, Some(from), Some(to)) => move_gym(&from, &to),
        (None, _, _) => {
            Err(Failure::Usage("migrate up, status or plan; or --from sqlite:DIR --to postgres://…".into()))
        }
    }
}

fn up(config: &Config) -> Result<(), Failure> {
    let before = block_on(schema::status(&config.store()))?;
    block_on(schema::up(&config.store()))?;
    print(&format!(
        "{} ({}): schema version {}, it was {}",
        before.place, before.engine, before.status.known, before.status.found
    ))
}

fn status(config: &Config, plan: bool) -> Result<(), Failure> {
    let found = block_on(schema::status(&config.store()))?;
    let pending = &found.status.pending;
    if plan {
        let statements = pending.iter().map(|(_, name, statement)| format!("-- {name}\n{}", statement.trim_end()));
        return print(&statements.collect::<Vec<_>>().join("\n"));
    }
    let missing = match pending.len() {
        0 => "up to date".to_owned(),
        count => format!("{count} behind: `fitconnect migrate plan` shows them, `up` applies them"),
    };
    let (found, place, engine) = (&found.status, &found.place, found.engine);
    print(&format!("{place} ({engine}): schema version {} of {}, {missing}", found.found, found.known))
}

fn move_gym(from: &str, to: &str) -> Result<(), Failure> {
    let Some(folder) = from.strip_prefix("sqlite:") else {
        return Err(Failure::Usage("--from: a folder, as in sqlite:data".into()));
    };
    let Ok(StateAt::Postgres(url)) = to.parse() else {
        return Err(Failure::Usage("--to: a database, as in postgres://user:password@host:5432/gym".into()));
    };
    let said = |table: &'static str, rows: u64| eprintln!("{table}: {rows}");
    let copied = block_on(move_to(folder.as_ref(), &url, said))?;
    let lines: Vec<_> =
        copied.iter().map(|(table, found)| format!("{table:<16} {:>10} rows, equal", found.rows)).collect();
    print(&format!(
        "{}\nnow start the server with the same --data and --state {}",
        lines.join("\n"),
        StateAt::Postgres(url)
    ))
}
