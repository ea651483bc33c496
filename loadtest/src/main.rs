//! `fitconnect-loadtest`: the load generator from a terminal. Sets up nothing but classes; accounts come as a file that
//! `fitconnect seed` prints.

use clap::{Args, Parser, Subcommand};
use fitconnect_loadtest::accounts::{Account, Accounts};
use fitconnect_loadtest::http::Server;
use fitconnect_loadtest::process::Process;
use fitconnect_loadtest::report::Report;
use fitconnect_loadtest::{LoadError, floor, run};
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::user::Role;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Loads a FitConnect server with people who ride, watch and come back, and says what it costs.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  fitconnect seed --data DIR --members 15000 --trainers 1 --tokens > accounts.jsonl\n  fitconnect-loadtest class --url http://127.0.0.1:8080 --accounts accounts.jsonl --pid $(pidof fitconnect) --riders 15000"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// N riders on recordings in one class, one sample a second each.
    Class {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 1_000)]
        riders: usize,
        #[arg(long, default_value_t = 1_000)]
        dials_per_s: u64,
    },
    /// Many classes at once.
    Classes {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 200)]
        classes: usize,
        /// Riders of each class.
        #[arg(long, default_value_t = 40)]
        riders: usize,
        #[arg(long, default_value_t = 1_000)]
        dials_per_s: u64,
        /// Measure in turns without and with one viewer in each class that does not read.
        #[arg(long)]
        stalled: bool,
    },
    /// Many sockets on one topic, against the floor.
    Fanout {
        #[command(flatten)]
        common: OptionalServer,
        #[arg(long, default_value_t = 1_000)]
        sockets: usize,
        /// Events a second.
        #[arg(long, default_value_t = 50)]
        rate: u32,
        /// Bytes of an event's text; the default makes frames of 100 bytes.
        #[arg(long, default_value_t = floor::TEXT_BYTES)]
        text_bytes: usize,
        /// Floor and server take turns so often.
        #[arg(long, default_value_t = 2)]
        rounds: u64,
        /// Only the floor; no server is needed.
        #[arg(long)]
        floor_only: bool,
    },
    /// One room in which some read nothing for a while: what it costs the others, and how soon they are up to date again.
    Slow {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 1_000)]
        members: usize,
        /// Of these, how many stop reading.
        #[arg(long, default_value_t = 100)]
        stalled: usize,
        /// Messages a second.
        #[arg(long, default_value_t = 20)]
        rate: u32,
        /// Bytes of a message: a stalled reader's buffers must fill while it stalls.
        #[arg(long, default_value_t = 2_048)]
        text_bytes: usize,
        /// Stretches in which all read and in which some do not take turns so often.
        #[arg(long, default_value_t = 4)]
        rounds: u64,
    },
    /// One room in which everybody says how they are there: what a member hears of it, and how soon who is gone is gone.
    Presence {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 5_000)]
        members: usize,
        /// Of these, how many fall silent, come back, and lose their sockets.
        #[arg(long, default_value_t = 500)]
        going: usize,
        /// Of these, how many look at a list of members.
        #[arg(long, default_value_t = 50)]
        looking: usize,
    },
    /// N connections that say nothing: memory of each.
    Idle {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 10_000)]
        connections: usize,
        #[arg(long, default_value_t = 2_000)]
        dials_per_s: u64,
        /// `user:me`, or a topic of a class.
        #[arg(long, default_value = "user:me")]
        topic: Topic,
    },
    /// N sockets are cut and come back, dials spread over the jitter.
    Storm {
        #[command(flatten)]
        common: CommonArgs,
        #[arg(long, default_value_t = 10_000)]
        sockets: usize,
        #[arg(long, default_value_t = 2_000)]
        dials_per_s: u64,
        /// Seconds over which the dials are spread.
        #[arg(long, default_value_t = 5.0)]
        jitter: f64,
        #[arg(long, default_value = "user:me")]
        topic: Topic,
        /// Cut nothing; wait for the server to die and come back. Prints `ready` when it may.
        #[arg(long)]
        server_dies: bool,
        /// How long the return may take, seconds.
        #[arg(long, default_value_t = 60)]
        within: u64,
    },
    /// The floor itself: sends events to whoever connects, until it is ended.
    Floor {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        #[arg(long, default_value_t = 50)]
        rate: u32,
        #[arg(long, default_value_t = floor::TEXT_BYTES)]
        text_bytes: usize,
    },
}

#[derive(Args)]
struct CommonArgs {
    /// The server, `http://host:port`.
    #[arg(long, env = "FITCONNECT_URL")]
    url: Server,
    /// JSON lines of accounts, as `fitconnect seed --tokens` prints them.
    #[arg(long)]
    accounts: PathBuf,
    #[command(flatten)]
    rest: RestArgs,
}

#[derive(Args)]
struct OptionalServer {
    /// The server, `http://host:port`.
    #[arg(long, env = "FITCONNECT_URL", required_unless_present = "floor_only")]
    url: Option<Server>,
    /// JSON lines of accounts, as `fitconnect seed --tokens` prints them.
    #[arg(long, required_unless_present = "floor_only")]
    accounts: Option<PathBuf>,
    #[command(flatten)]
    rest: RestArgs,
}

#[derive(Args)]
struct RestArgs {
    /// A trainer's token, where the accounts have no trainer.
    #[arg(long, env = "FITCONNECT_TRAINER_TOKEN", hide_env_values = true)]
    trainer_token: Option<String>,
    /// Process of the server, whose processor time and memory are read.
    #[arg(long)]
    pid: Option<u32>,
    /// How long is measured.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The report as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Write a page with plots.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl RestArgs {
    fn common(&self, server: Server, accounts: &Path) -> Result<run::Common, LoadError> {
        let mut accounts = Accounts::load(accounts)?;
        if let Some(token) = &self.trainer_token {
            accounts.staff.insert(0, Account::with_token(token, Role::Trainer));
        }
        let pid = self.pid.map(Process);
        Ok(run::Common { server, pid, accounts, seconds: self.seconds, seed: self.seed, progress: !self.json })
    }

    fn tell(&self, report: &Report) -> Result<(), LoadError> {
        if let Some(path) = &self.report {
            report.write_html(path)?;
        }
        if self.json {
            println!("{}", report.json());
        } else {
            print!("{}", report.table());
        }
        Ok(())
    }
}

impl CommonArgs {
    fn common(&self) -> Result<run::Common, LoadError> {
        self.rest.common(self.url.clone(), &self.accounts)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match go(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error and what lies under it, in one sentence.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

async fn go(command: Command) -> Result<(), LoadError> {
    match command {
        Command::Class { common, riders, dials_per_s } => {
            let run = run::RidersRun { classes: 1, riders_each: riders, dials_per_s, stalled: false };
            common.rest.tell(&run::riders(&common.common()?, &run).await?)
        }
        Command::Classes { common, classes, riders, dials_per_s, stalled } => {
            let run = run::RidersRun { classes: classes.max(1), riders_each: riders, dials_per_s, stalled };
            common.rest.tell(&run::riders(&common.common()?, &run).await?)
        }
        Command::Fanout { common, sockets, rate, text_bytes, rounds, floor_only } => {
            let program = std::env::current_exe().map_err(LoadError::io("our own program cannot be found"))?;
            let run = run::Fanout { sockets, rate, text_bytes, rounds, program, floor_only };
            let server = match (common.url, common.accounts) {
                (Some(url), Some(accounts)) => Some(common.rest.common(url, &accounts)?),
                (_, _) => None,
            };
            common.rest.tell(&run::fanout(server.as_ref(), &run, common.rest.seconds, common.rest.seed).await?)
        }
        Command::Slow { common, members, stalled, rate, text_bytes, rounds } => {
            let run = run::Slow { members, stalled: stalled.min(members), rate, text_bytes, rounds };
            common.rest.tell(&run::slow(&common.common()?, &run).await?)
        }
        Command::Presence { common, members, going, looking } => {
            let run = run::InRoom { members, going: going.min(members), looking: looking.min(members) };
            common.rest.tell(&run::presence(&common.common()?, &run).await?)
        }
        Command::Idle { common, connections, dials_per_s, topic } => {
            let run = run::Idle { connections, dials_per_s, topic };
            common.rest.tell(&run::idle(&common.common()?, &run).await?)
        }
        Command::Storm { common, sockets, dials_per_s, jitter, topic, server_dies, within } => {
            let jitter =
                Duration::try_from_secs_f64(jitter).map_err(|error| LoadError::Limit(format!("--jitter: {error}")))?;
            let run =
                run::Storm { sockets, dials_per_s, jitter, topic, server_dies, within: Duration::from_secs(within) };
            let server = common.common()?;
            let report = run::storm(&server, &run, || {
                if server_dies {
                    println!("ready");
                }
            });
            common.rest.tell(&report.await?)
        }
        Command::Floor { listen, rate, text_bytes } => {
            floor::serve(listen, rate, text_bytes, |addr| println!("listening on {addr}"))
        }
    }
}
