//! `cargo xtask demo`: a gym with people in it. Builds the pages and the server, makes accounts, and runs a live class with riders
//! on real recordings, each through its own socket, until it is stopped. Started again, it goes on with what it had.

mod lesson;
pub mod people;

use crate::prove::server::{self, Build, Server};
use crate::{Result, repo, web};
use fitconnect_loadtest::accounts::Accounts;
use fitconnect_loadtest::people::{Person, shipped_people};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const GYM: &str = "FitConnect Demo";
/// Riders that one machine carries beside a server in its dev build.
const RIDERS_MAX: u16 = 1_000;
/// Tokens outlive any demo.
const TOKEN_LIFE_S: &str = "604800";
const READY_WITHIN: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Options {
    /// People in the class
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=RIDERS_MAX as i64))]
    riders: u16,
    /// How fast class time runs: at 20 a class of 45 minutes takes 2:15
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    speed: u32,
    /// Decides who rides which recording and what goes wrong
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Stop after so many seconds; without it, Ctrl-C stops
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Where everything is kept; another run goes on with it
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Address of the server; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// What a running demo knows.
struct Demo {
    server: fitconnect_loadtest::http::Server,
    accounts: Accounts,
    people: Vec<Arc<Person>>,
    riders: usize,
    seed: u64,
}

pub fn run(options: &Options) -> Result<bool> {
    let pages = web::build(false)?;
    let program = server::build(Build::Demo)?.join("fitconnect");
    std::fs::create_dir_all(&options.data).map_err(|error| format!("{}: {error}", options.data.display()))?;
    let people = shipped_people();
    let accounts = accounts(options, &program, &people)?;

    let args =
        ["--demo", "--clock-rate", &options.speed.to_string(), "--token-life-s", TOKEN_LIFE_S].map(str::to_owned);
    let mut server = Server::spawn(&program, &options.data, &options.listen, &args, &options.data.join("server.log"))?;
    server.ready(READY_WITHIN)?;
    greet(&server, &accounts, &pages);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let url = server.url();
    let outcome = runtime.block_on(async {
        let demo = Demo { server: url.parse()?, accounts, people, riders: options.riders.into(), seed: options.seed };
        tokio::select! {
            ended = demo.classes() => ended,
            () = stopped(options.seconds) => Ok(()),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Err(error) = outcome {
        return Err(format!("{}\n{error}", server.said()).into());
    }
    server.stop()?;
    println!("\nStopped. Everything is in {}; `cargo xtask demo` goes on with it.", options.data.display());
    Ok(true)
}

impl Demo {
    /// One class after the other; the first is the one that was running when the demo stopped, if any.
    async fn classes(&self) -> Result<()> {
        for number in 0.. {
            lesson::run(self, number).await?;
        }
        Ok(())
    }
}

/// Ctrl-C, a polite kill, or the time that was given.
async fn stopped(seconds: Option<u64>) {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a signal handler");
    let time = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = time => {}
    }
}

/// Makes the gym's accounts where they are not there yet; the server's own command gives their tokens.
fn accounts(options: &Options, program: &std::path::Path, people: &[Arc<Person>]) -> Result<Accounts> {
    let profiles = options.data.join("demo-people.jsonl");
    std::fs::write(&profiles, people::profiles(people, options.riders.into(), options.seed))?;
    let mut seed = Command::new(program);
    seed.current_dir(repo::root()).stdin(Stdio::null());
    seed.arg("seed").arg("--data").arg(std::path::absolute(&options.data)?);
    seed.args(["--gym", GYM, "--members", "0", "--trainers", "0", "--tokens", "--token-life-s", TOKEN_LIFE_S]);
    seed.arg("--profiles").arg(std::path::absolute(&profiles)?);
    let output = seed.output()?;
    if !output.status.success() {
        return Err(format!("{}\nthe accounts could not be made", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Accounts::parse(&String::from_utf8(output.stdout)?)?)
}

/// Where to look, and who one may be.
fn greet(server: &Server, accounts: &Accounts, pages: &web::Pages) {
    let url = server.url();
    println!("\nFitConnect runs at {url}\n");
    match pages {
        web::Pages::Missing(why) => println!("  The pages are not built. {why} Then: cargo xtask web\n"),
        web::Pages::Built | web::Pages::Fresh => {
            println!("  phone          {url}/app\n  TV wall        {url}/login?next=/tv");
            println!("                 or {url}/tv, which shows six digits for the desk's list of screens");
            let trainer = accounts.trainer().ok().and_then(|account| account.email.as_deref()).unwrap_or("a trainer");
            println!("  trainer's desk {url}/coach   log in as {trainer}");
        }
    }
    println!("  API reference  {url}/docs");
    println!("  Log            {}\n", server.log.display());
    for account in accounts.staff.iter().chain(accounts.members.iter().take(2)) {
        let (Some(email), Some(password)) = (&account.email, &account.password) else { continue };
        println!("  {:<9} {email:<32} {password}", format!("{:?}", account.role).to_lowercase());
    }
    println!("  … and so on: all share this password.\n\nCtrl-C ends it.\n");
}
