//! The load generator as a process of its own, in the build of the server: what this program costs must not be measured.

use super::gym::Gym;
use super::server::binary;
use super::{Ctx, Outcome};
use crate::{Result, run};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::Command;

/// What a run has told: its report as it is printed for programs.
#[derive(Deserialize)]
pub struct Load {
    figures: Vec<Figure>,
    troubles: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Figure {
    key: String,
    words: String,
    value: f64,
    unit: String,
}

/// Runs `fitconnect-loadtest` with these arguments, none of which has a space, against the gym's server.
pub fn run(ctx: &Ctx, gym: &Gym, title: &str, args: &str) -> Result<Load> {
    let accounts = gym.folder.path().join("accounts.jsonl");
    gym.accounts.save(&accounts)?;
    let mut load = Command::new(binary(ctx, "fitconnect-loadtest")?);
    load.args(args.split(' ')).arg("--accounts").arg(accounts).args(["--url", &gym.server.url(), "--json"]);
    load.args(["--pid", &gym.server.pid().to_string(), "--seed", &ctx.seed.to_string()]);
    let ran = run::must(title, &mut load).map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    read(&ran.text)
}

/// The report in what the load generator said.
pub fn read(said: &str) -> Result<Load> {
    let json = said.find('{').map_or("", |at| &said[at..]);
    let mut reports = serde_json::Deserializer::from_str(json).into_iter();
    let report = reports.next().ok_or_else(|| format!("{}\nthe load generator told nothing", run::tail(said)))?;
    Ok(report?)
}

impl Load {
    fn figure(&self, key: &str) -> Result<&Figure> {
        let figure = self.figures.iter().find(|figure| figure.key == key);
        figure.ok_or_else(|| format!("the load generator did not tell {key}").into())
    }

    pub fn value(&self, key: &str) -> Result<f64> {
        Ok(self.figure(key)?.value)
    }

    /// What the figure is of, in the words of the run.
    pub fn words(&self, key: &str) -> Result<&str> {
        Ok(&self.figure(key)?.words)
    }

    /// A count that must be just this.
    pub fn must_be(&self, outcome: &mut Outcome, what: &str, key: &str, count: f64) -> Result<()> {
        let value = self.value(key)?;
        outcome.must(what, value, &count.to_string(), value == count);
        Ok(())
    }

    /// A figure for everybody to see, as the run names it.
    pub fn fact(&self, outcome: &mut Outcome, key: &str) -> Result<()> {
        let Figure { words, value, unit, .. } = self.figure(key)?;
        outcome.fact(words, format!("{} {unit}", short(*value)));
        Ok(())
    }

    /// What went wrong on the way, if anything.
    pub fn troubles(&self, outcome: &mut Outcome) {
        for (what, count) in &self.troubles {
            outcome.fact(&format!("trouble: {what}"), count);
        }
    }
}

/// Three digits that mean something.
pub fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// What else the machine did: speed is to be read with it.
pub fn busy(outcome: &mut Outcome) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = load.split_whitespace().take(3).collect();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    outcome.fact("load of the machine before (1, 5, 15 min), cores", format!("{}, {cores}", load.join(" ")));
}
