//! The commands of `fitconnect`.

mod account;
mod backup;
mod migrate;
mod seed;
mod token;

use clap::{Args, Parser, Subcommand};
use fitconnect::clock::WallClock;
use fitconnect::config::{self, ConfigError, Flags, Loaded};
use fitconnect::ride::{self, RideArgs};
use fitconnect::serve::{Server, keep_pages_small, raise_file_limit, stop_signal};
use fitconnect::store::{self, Store};
use fitconnect_actors::ports::Clock;
use fitconnect_domain::Millis;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Parser)]
#[command(name = "fitconnect", version = fitconnect::BUILD, about = "The realtime backend of a gym: live classes, heart rates, points")]
#[command(
    after_help = "Begin with:  fitconnect seed && fitconnect serve --demo\nand open http://127.0.0.1:8080 in a browser."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = SERVE_HELP)]
    Serve(Flags),
    /// Make a gym with accounts, or find those of an earlier run; the server must not be running on the folder
    #[command(after_help = seed::HELP)]
    Seed(seed::Seed),
    /// Add an account, list them, give one another password; with the embedded store the server must not be running
    Account(account::Account),
    /// Print an access token of an account; the server must not be running on the folder
    #[command(after_help = token::HELP)]
    Token(token::Token),
    /// Bring the schema of the state up to date, or move a gym from its folder into a database
    #[command(after_help = migrate::HELP)]
    Migrate(migrate::Migrate),
    /// Copy the folder, while its server runs or not
    #[command(after_help = backup::HELP)]
    Backup(backup::Backup),
    /// Make a folder from a backup
    #[command(after_help = backup::HELP)]
    Restore(backup::Restore),
    /// Ride a FIT, TCX or GPX file on its own clock and print what it leaves of the rider
    Ride(RideArgs),
    /// Print every option in use and where it comes from, as a file that --config takes
    Config(Flags),
    /// Print the version
    Version,
}

const SERVE_HELP: &str = "\
Every option can stand in fitconnect.toml (clock_rate = 20) and in the environment (FITCONNECT_CLOCK_RATE=20); a flag wins over a
variable, a variable over the file. An unknown key is refused. `fitconnect config` prints what is in use.

Examples:
  fitconnect serve                                        on http://127.0.0.1:8080, everything in ./data
  fitconnect serve --data /srv/gym --listen 0.0.0.0:80    in a gym's network
  fitconnect serve --listen 127.0.0.1:0                   on a free port; the address is printed
  fitconnect serve --demo --clock-rate 20                 classes run twenty times faster than the wall
  fitconnect serve --log info,fitconnect=debug --log-format json
  fitconnect serve --proxies 127.0.0.1                    behind a proxy of yours that speaks TLS

SIGTERM or Ctrl-C stops it: clients are told when to come back, and nothing that was acknowledged is lost.";

/// Where the folder is, for commands that need nothing else of the configuration.
#[derive(Debug, Args)]
pub struct Place {
    /// Folder of the server [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file [default: fitconnect.toml if it is there; variable FITCONNECT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where accounts are kept: sqlite, or postgres://… of the server [default: sqlite; variable FITCONNECT_STATE]
    #[arg(long, value_name = "WHERE")]
    state: Option<String>,
    /// Life of tokens in seconds, 60 to 604800 [default: 3600]
    #[arg(long, value_name = "SECONDS", visible_alias = "ttl")]
    token_life_s: Option<u64>,
}

impl Place {
    fn load(self) -> Result<Loaded, ConfigError> {
        let Place { data, config, state, token_life_s } = self;
        load(&Flags { data, config, state, token_life_s, ..Flags::default() })
    }
}

/// What is said before the process ends in vain.
pub enum Failure {
    /// What was asked for makes no sense.
    Usage(String),
    /// It could not be done.
    Failed(String),
}

impl Failure {
    pub fn code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(words) | Failure::Failed(words) => f.write_str(words),
        }
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Failed(error.to_string())
    }
}

pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(flags) => serve(&flags),
        Command::Seed(seed) => seed::run(seed),
        Command::Account(account) => account::run(account),
        Command::Token(token) => token::run(token),
        Command::Migrate(args) => migrate::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => backup::restore(args),
        Command::Ride(args) => print(&block_on(ride::run(args, now()))?),
        Command::Config(flags) => print_config(&load(&flags).map_err(usage)?),
        Command::Version => print(&format!("fitconnect {}", fitconnect::BUILD)),
    }
}

fn serve(flags: &Flags) -> Result<(), Failure> {
    let config = load(flags).map_err(usage)?.config;
    fitconnect::telemetry::init(&config)?;
    raise_file_limit();
    keep_pages_small();
    block_on(async {
        let server = Server::open(config).await?;
        let ready = |address| {
            // Whoever started us may have closed our output: that is no reason not to serve.
            let _ = print(&format!("listening on http://{address}"));
        };
        Ok(server.run(ready, stop_signal()).await?)
    })
}

/// The options as TOML, each with its origin behind it.
fn print_config(loaded: &Loaded) -> Result<(), Failure> {
    let lines = loaded.origins.iter().map(|each| (format!("{} = {}", each.key, each.value), &each.from));
    let lines: Vec<_> = lines.collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let lines: Vec<_> = lines.iter().map(|(line, from)| format!("{line:<width$}  # {from}")).collect();
    print(&lines.join("\n"))
}

fn load(flags: &Flags) -> Result<Loaded, ConfigError> {
    config::load(flags, std::env::vars())
}

fn usage(error: ConfigError) -> Failure {
    Failure::Usage(error.to_string())
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    Ok(writeln!(out, "{text}").and_then(|()| out.flush())?)
}

fn block_on<F: Future>(work: F) -> F::Output {
    actix_web::rt::System::new().block_on(work)
}

fn now() -> Millis {
    WallClock::start().now()
}

/// The folder's stores, for a command that then ends.
async fn open(config: &config::Config) -> Result<Store, store::OpenError> {
    store::open(config.store(), Arc::new(|_| {})).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_teaches_every_option() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("serve").expect("a command").render_long_help().to_string();
        for key in config::keys() {
            assert!(help.contains(&format!("--{}", key.replace('_', "-"))), "{key} is missing in\n{help}");
        }
        assert!(help.contains("Examples:") && help.contains("FITCONNECT_"));
    }

    #[test]
    fn a_switch_may_stand_alone_before_another() {
        let cli = Cli::try_parse_from(["fitconnect", "serve", "--demo", "--clock-rate", "20"]).expect("sound");
        let Command::Serve(flags) = cli.command else { panic!("serve") };
        assert_eq!((flags.demo, flags.clock_rate), (Some(true), Some(20)));
        let cli = Cli::try_parse_from(["fitconnect", "serve", "--demo=false"]).expect("sound");
        assert!(matches!(cli.command, Command::Serve(Flags { demo: Some(false), .. })));
    }
}
