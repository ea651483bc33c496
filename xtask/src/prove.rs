//! `cargo xtask prove`: real runs that show that a promise is kept. A proof is a name, words, and a function that measures and judges.
//! A new one is a file in `prove/` and a line in [`PROOFS`].

mod attention;
mod bad_input;
mod browser;
mod budgets;
mod chat_pages;
mod conformance;
mod database;
mod desk;
mod everyone;
mod fanout;
mod fence;
pub mod gym;
mod hot_room;
mod kill;
mod load;
mod many_classes;
mod once;
mod one_class;
mod operator;
mod outage;
pub mod outcome;
mod phone;
mod presence;
mod reconnects;
mod recordings;
mod rooms;
pub mod server;
mod simulation;
mod slow_readers;
mod sockets;
mod storm;
mod stress;
pub mod temp;
mod throughput;
mod tv_soak;
mod wall;

use crate::{Result, table};
pub use outcome::{Outcome, Verdict};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// One promise and the run that shows it.
pub struct Proof {
    pub name: &'static str,
    pub words: &'static str,
    pub run: fn(&Ctx) -> Result<Outcome>,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "recordings",
        words: "Every shipped recording, ridden over a bad line, ends with the figures of an independent program",
        run: recordings::run,
    },
    Proof {
        name: "one-class",
        words: "15,000 riders in one class on two cores: each sees itself in time, every sample is acknowledged",
        run: one_class::run,
    },
    Proof {
        name: "many-classes",
        words: "200 classes at once are in time, and one viewer in each that does not read costs the others nothing",
        run: many_classes::run,
    },
    Proof {
        name: "fanout",
        words: "One topic to 1,000 sockets costs little more than the smallest server that could do it",
        run: fanout::run,
    },
    Proof {
        name: "kill",
        words: "Killed at a random second, the server is back within 3 s and nothing that was acknowledged is gone",
        run: kill::run,
    },
    Proof {
        name: "fence",
        words: "Four servers on one database, frozen, killed and robbed of live shards: nothing acknowledged is lost or doubled",
        run: fence::run,
    },
    Proof {
        name: "operator",
        words: "A full disk, a read-only folder, a wrong password, the future, two servers, a wrong clock: said plainly, nothing damaged",
        run: operator::run,
    },
    Proof {
        name: "recordings-on-databases",
        words: "The same figures from recordings with the state in PostgreSQL and the events in Cassandra",
        run: |ctx| on_databases(ctx, recordings::run),
    },
    Proof {
        name: "kill-on-databases",
        words: "Killed at a random second, on PostgreSQL and Cassandra, the server is back and nothing acknowledged is gone",
        run: |ctx| on_databases(ctx, kill::run),
    },
    Proof {
        name: "once",
        words: "Commands sent again, at once, later and after kills of the server: each happened once, with one answer",
        run: once::run,
    },
    Proof {
        name: "reconnects",
        words: "Sockets lost by the thousand and a server killed again and again: what everybody heard of a room is what is stored",
        run: reconnects::run,
    },
    Proof {
        name: "slow-readers",
        words: "Members of a room who stop reading cost the others nothing, hold little, and are soon up to date again",
        run: slow_readers::run,
    },
    Proof {
        name: "presence",
        words: "Five thousand in one room are told who is there, a few times a second at most, and nobody who has gone stays there as a ghost",
        run: presence::run,
    },
    Proof {
        name: "storm",
        words: "Ten thousand sockets come back after the server was killed: all within ten seconds, and the database hardly notices",
        run: storm::run,
    },
    Proof {
        name: "hot-room",
        words: "2,000 durable messages a second in one room on PostgreSQL, acknowledged in time, heard in order",
        run: hot_room::run,
    },
    Proof {
        name: "wall",
        words: "The hall's screen moves, says what is lost, follows the trainer and obeys consents, in a real browser",
        run: wall::run,
    },
    Proof {
        name: "tv-soak",
        words: "A hall's screen, let in by six digits, runs for two hours before 200 people as it began, and is put out within a second",
        run: tv_soak::run,
    },
    Proof {
        name: "budgets",
        words: "What the pages cost: loading, taps, ticks, what is painted after what, each beside its budget",
        run: budgets::run,
    },
    Proof {
        name: "desk",
        words: "The trainer's desk: each control at once on desk, hall and phone, each rank answered, and its tab may die",
        run: desk::run,
    },
    Proof {
        name: "phone",
        words: "A strap on a phone, in a real browser: no packet is lost by a dead line, a reload or a lost strap",
        run: phone::run,
    },
    Proof {
        name: "sockets",
        words: "Over a bad socket and a server that dies, pages recover by themselves and show nothing old as live",
        run: sockets::run,
    },
    Proof {
        name: "chat-pages",
        words: "Two members and a trainer write over bad sockets, kills and reloads: each message once, in one order, on every page",
        run: chat_pages::run,
    },
    Proof {
        name: "everyone",
        words: "Member's pages and trainer's desk: no violation or overlap in any language, theme and width, all by keyboard",
        run: everyone::run,
    },
    Proof {
        name: "attention",
        words: "The trainer's list is quiet while nothing happens, and each rank is raised by what earns it",
        run: attention::run,
    },
    Proof {
        name: "bad-input",
        words: "Whatever is sent, the answer is a clear error or close code; nothing is lost, nothing panics",
        run: bad_input::run,
    },
    Proof {
        name: "conformance",
        words: "Every engine passes the suite of its role: SQLite, PostgreSQL (also through a proxy that plays faults) and Cassandra",
        run: conformance::run,
    },
    Proof {
        name: "outage",
        words: "Cassandra and PostgreSQL go and come back in a running class: nothing acknowledged is missing or a lie",
        run: outage::run,
    },
    Proof {
        name: "throughput",
        words: "20,000 samples a second reach Cassandra, 2,000 commands a second of one actor reach PostgreSQL",
        run: throughput::run,
    },
    Proof {
        name: "stress",
        words: "Scenarios in which one thing goes wrong, each under many seeds: it ends as it must, or is shown with its replay",
        run: stress::run,
    },
    Proof {
        name: "simulation",
        words: "On simulated time, with every fault by seed, nothing is lost, doubled, disordered or forgotten",
        run: simulation::run,
    },
];

/// What a proof is told.
pub struct Ctx {
    /// The short form: small, on the dev build; speed is shown but not judged.
    pub quick: bool,
    /// All that is random in the run comes from here.
    pub seed: u64,
    /// One scenario of a proof that has several.
    pub only: Option<String>,
    /// Where the servers of the run keep state and events; `None`: in their folders.
    pub databases: Option<Arc<database::Databases>>,
}

/// A proof whose servers keep state in PostgreSQL and events in Cassandra.
fn on_databases(ctx: &Ctx, run: fn(&Ctx) -> Result<Outcome>) -> Result<Outcome> {
    match database::Databases::ensure() {
        Ok(databases) => {
            run(&Ctx { quick: ctx.quick, seed: ctx.seed, only: None, databases: Some(Arc::new(databases)) })
        }
        Err(why) => Ok(Outcome::skipped(&why.to_string())),
    }
}

#[derive(clap::Args)]
pub struct Options {
    /// Only these proofs; without names, all of them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Show the proofs in words
    #[arg(long)]
    list: bool,
    /// The short form that the tests run: dev build, small numbers, speed shown but not judged
    #[arg(long)]
    quick: bool,
    /// One JSON object a proof instead of tables
    #[arg(long)]
    json: bool,
    /// Seed of all that is random; without it a new one, printed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// One scenario of `stress`, under that seed alone
    #[arg(long, value_name = "SCENARIO")]
    only: Option<String>,
}

pub fn run(options: &Options) -> Result<bool> {
    if options.list {
        let rows: Vec<_> = PROOFS.iter().map(|proof| vec![proof.name.into(), proof.words.into()]).collect();
        println!("{}", table::render(&["proof", "what it shows"], &rows));
        return Ok(true);
    }
    let known = |name: &&String| PROOFS.iter().any(|proof| proof.name == **name);
    if let Some(unknown) = options.names.iter().find(|name| !known(name)) {
        return Err(format!("there is no proof {unknown:?}: `cargo xtask prove --list`").into());
    }
    let wanted = |proof: &&Proof| options.names.is_empty() || options.names.iter().any(|name| name == proof.name);
    let (quick, seed) = (options.quick, options.seed.unwrap_or_else(new_seed));
    let ctx = Ctx { quick, seed, only: options.only.clone(), databases: None };
    let mut lines = Vec::new();
    let mut good = true;
    for proof in PROOFS.iter().filter(wanted) {
        let outcome = hold(proof, &ctx);
        good &= outcome.verdict() != Verdict::Fail;
        if options.json {
            println!("{}", outcome.json(proof.name, &ctx));
            continue;
        }
        let line = outcome.line(proof.name);
        println!("\n{}\n{}\n\n{line}", proof.words, outcome.table(&ctx));
        lines.push(line);
    }
    if lines.len() > 1 {
        println!("\n{}", lines.join("\n"));
    }
    Ok(good)
}

/// Every proof in its short form, under a fixed seed: what `cargo xtask test` runs.
pub fn all_quick() -> Vec<(Verdict, String)> {
    let ctx = Ctx { quick: true, seed: 1, only: None, databases: None };
    let judge = |proof: &Proof| {
        let outcome = hold(proof, &ctx);
        let said = format!("\n{}\n{}\n\n{}", proof.words, outcome.table(&ctx), outcome.line(proof.name));
        println!("{said}");
        (outcome.verdict(), said)
    };
    PROOFS.iter().map(judge).collect()
}

/// Runs one; an error or a panic in it is a proof that failed.
fn hold(proof: &Proof, ctx: &Ctx) -> Outcome {
    eprintln!("── {} (seed {}{}) ──", proof.name, ctx.seed, if ctx.quick { ", quick" } else { "" });
    let run = std::panic::catch_unwind(AssertUnwindSafe(|| (proof.run)(ctx)));
    match run {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::broken(&error.to_string()),
        Err(_) => Outcome::broken("the proof itself panicked: see above"),
    }
}

fn new_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos() as u64 % 1_000_000_007
}
