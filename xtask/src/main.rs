//! `cargo xtask …`: the one door for demo, tests, proofs and generated files. It only calls others and shows what they do.

mod arrows;
mod chromium;
mod demo;
mod fuzz;
mod node;
mod prove;
mod repo;
mod run;
mod services;
mod table;
mod test;
mod types;
mod web;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Whatever went wrong, in words for the one at the keyboard.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Everything one does with this repository",
    after_help = "New here? `cargo xtask demo` shows a live class, `cargo xtask test` runs every test."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A live class to look at: builds everything, makes a gym with people, and runs it until Ctrl-C
    Demo(demo::Options),
    /// Build the web pages into web/dist, where their sources are newer (needs Node 20)
    Web(web::Options),
    /// Set up what the tests need and run all of them; the last line counts them
    Test(test::Options),
    /// Run proofs: each shows with a real run that a promise is kept
    Prove(prove::Options),
    /// PostgreSQL, Cassandra and NATS on loopback for the tests: up, down, status
    Services(services::Options),
    /// Write what is generated from the Rust types: TypeScript, layout, AsyncAPI
    Types(types::Options),
    /// Feed mutated bytes to the protocol, sessions and a class (needs cargo-fuzz and a nightly toolchain)
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Web(options) => web::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Prove(options) => prove::run(&options),
        Command::Services(options) => services::run(&options),
        Command::Types(options) => types::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
