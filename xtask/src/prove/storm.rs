//! Proof `storm`: the server is killed under 10,000 sockets, and all of them come back within some seconds, each dialling at a random moment:
//! all follow their class again, no dial waits, and the state store hardly notices.

use super::gym::Gym;
use super::load::{self, short};
use super::server::{Server, binary};
use super::{Ctx, Outcome};
use crate::{Result, run};
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{Segment, SegmentKind};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

const SOCKETS: usize = 10_000;
const SOCKETS_QUICK: usize = 400;
const JITTER_S: u64 = 5;
const JITTER_S_QUICK: u64 = 1;
const READY_WITHIN: Duration = Duration::from_secs(10);
const BACK_S: f64 = 10.0;
const WELCOME_P99_MS: f64 = 100.0;
const QUERIES_EACH: f64 = 0.01;

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let (sockets, jitter_s) = if ctx.quick { (SOCKETS_QUICK, JITTER_S_QUICK) } else { (SOCKETS, JITTER_S) };
    let mut outcome = Outcome::new();
    load::busy(&mut outcome);
    let serve = ["--token-life-s", "86400"];
    let mut gym = Gym::open(ctx, "storm", sockets, 1, &serve)?;
    let class = class(&gym)?;
    let accounts = gym.folder.path().join("accounts.jsonl");
    gym.accounts.save(&accounts)?;
    let mut load = Command::new(binary(ctx, "fitconnect-loadtest")?);
    load.args(["storm", "--json", "--server-dies", "--within", "60", "--url", &gym.server.url(), "--topic", &class]);
    load.args(["--sockets", &sockets.to_string(), "--jitter", &jitter_s.to_string(), "--seed", &ctx.seed.to_string()]);
    load.arg("--accounts").arg(accounts);
    let mut load = load.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let spinner = run::spinner(&format!("{sockets} sockets, a kill, and all come back"));
    let told = storm(ctx, &mut gym, BufReader::new(load.stdout.take().expect("piped")), &serve);
    spinner.finish_and_clear();
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            // It ends with the server at the latest; what it says then does not matter any more.
            let _ = (load.kill(), load.wait());
            return Err(format!("{}\n{error}", gym.server.said()).into());
        }
    };
    let status = load.wait()?;
    let Storm { report, queries, down } = told;
    let load = load::read(&report)?;
    outcome.must("the load generator", status, "ends well", status.success());
    let (lost, back) = (load.value("lost")?, load.value("back")?);
    outcome.must("sockets lost in the kill", lost, &sockets.to_string(), lost == sockets as f64);
    outcome.must("sockets that follow their class again", back, &sockets.to_string(), back == sockets as f64);
    outcome.fact("the server, from the kill to ready", format!("{down:.2?}"));
    let all_back = load.value("all_back_s")?;
    outcome.speed(
        ctx,
        "from the first loss to the last return",
        format!("{} s", short(all_back)),
        "≤ 10 s",
        all_back <= BACK_S,
    );
    let welcome = load.value("welcome_p99_ms")?;
    let what = "dial to welcome, p99";
    outcome.speed(ctx, what, format!("{} ms", short(welcome)), "≤ 100 ms", welcome <= WELCOME_P99_MS);
    let each = queries / back.max(1.0);
    let words = format!("{queries:.0}, {each:.4} a reconnect");
    outcome.speed(
        ctx,
        "SQL of the return, with all that runs beside it",
        words,
        "≤ 0.01 a reconnect",
        each <= QUERIES_EACH,
    );
    for key in ["welcome_p50_ms", "resumed_p50_ms", "resumed_p99_ms", "reclaimed", "recovered", "not_recovered"] {
        load.fact(&mut outcome, key)?;
    }
    load.troubles(&mut outcome);
    outcome.figure(format!(
        "{back:.0} of {sockets} back after {} s, dial to welcome p99 {} ms, {each:.4} SQL each",
        short(all_back),
        short(welcome)
    ));
    Ok(outcome)
}

struct Storm {
    /// What the load generator told at its end.
    report: String,
    /// Asked of the state store from when the server was ready again until all were back.
    queries: f64,
    down: Duration,
}

/// Kills the server when all sit, starts it again where it was, and waits for the end of the run.
fn storm(ctx: &Ctx, gym: &mut Gym, mut load: impl BufRead, serve: &[&str]) -> Result<Storm> {
    let mut line = String::new();
    while line.trim() != "ready" {
        line.clear();
        if load.read_line(&mut line)? == 0 {
            return Err("the load generator ended before all sockets sat".into());
        }
    }
    let (address, data) = (gym.server.address.to_string(), gym.folder.path().join("data"));
    let killed = std::time::Instant::now();
    gym.server.kill()?;
    gym.server = Server::start_at(ctx, &data, &address, serve)?;
    gym.server.ready(READY_WITHIN)?;
    let down = killed.elapsed();
    let before = queries(&gym.server)?;
    let mut report = String::new();
    load.read_to_string(&mut report)?;
    Ok(Storm { report, queries: queries(&gym.server)? - before, down })
}

fn queries(server: &Server) -> Result<f64> {
    Ok(server.metric("fitconnect_state_queries_total")? + server.metric("fitconnect_state_transactions_total")?)
}

/// The topic of a class that everybody may follow.
fn class(gym: &Gym) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address()?, gym.accounts.trainer()?).await?;
        let segment = Segment { kind: SegmentKind::Work, duration_s: 3_600, target: None, cue: None };
        let class = trainer.create(&class_now(&trainer.client, "Storm", 40, vec![segment])).await?;
        trainer.lobby(class).await?;
        Ok(format!("class:{class}"))
    })
}
