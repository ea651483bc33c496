//! A gym on a fresh server: accounts with tokens from the server's own command, and a class that runs. What most proofs begin with.

use super::Ctx;
use super::server::{Server, binary};
use super::temp::TempFolder;
use crate::Result;
use fitconnect_loadtest::accounts::Accounts;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A server with accounts. Its folder goes with it.
pub struct Gym {
    pub server: Server,
    pub accounts: Accounts,
    pub folder: TempFolder,
}

impl Gym {
    /// Members and trainers by number; `args` go to `fitconnect serve`.
    pub fn open(ctx: &Ctx, name: &str, members: usize, trainers: usize, args: &[&str]) -> Result<Gym> {
        let folder = TempFolder::new(name)?;
        let data = folder.path().join("data");
        let accounts = seed(ctx, &data, members, trainers)?;
        let mut server = Server::start(ctx, &data, args)?;
        server.ready(READY_WITHIN)?;
        Ok(Gym { server, accounts, folder })
    }

    /// The same where the server keeps its state elsewhere: `place` is said to the command that makes the accounts too.
    pub fn open_at(
        ctx: &Ctx,
        name: &str,
        members: usize,
        trainers: usize,
        place: &[&str],
        args: &[&str],
    ) -> Result<Gym> {
        let folder = TempFolder::new(name)?;
        let data = folder.path().join("data");
        let (members, trainers, number) = (members.to_string(), trainers.to_string(), ctx.seed.to_string());
        let people = ["--members", &members, "--trainers", &trainers, "--seed", &number];
        let accounts = run_seed(ctx, &data, &[place, &people].concat())?;
        let mut server = Server::start(ctx, &data, args)?;
        server.ready(READY_WITHIN)?;
        Ok(Gym { server, accounts, folder })
    }

    /// The server as the load generator addresses it.
    pub fn address(&self) -> Result<fitconnect_loadtest::http::Server> {
        Ok(self.server.url().parse()?)
    }
}

impl Gym {
    /// A gym of these people: accounts as `fitconnect seed --profiles` reads them.
    pub fn of(ctx: &Ctx, name: &str, profiles: &str, args: &[&str]) -> Result<Gym> {
        let folder = TempFolder::new(name)?;
        let data = folder.path().join("data");
        let file = folder.path().join("people.jsonl");
        std::fs::write(&file, profiles)?;
        let file = file.display().to_string();
        let accounts = run_seed(ctx, &data, &["--members", "0", "--trainers", "0", "--profiles", &file])?;
        let mut server = Server::start(ctx, &data, args)?;
        server.ready(READY_WITHIN)?;
        Ok(Gym { server, accounts, folder })
    }
}

/// Makes accounts in a folder that no server has open.
pub fn seed(ctx: &Ctx, data: &Path, members: usize, trainers: usize) -> Result<Accounts> {
    let (members, trainers, number) = (members.to_string(), trainers.to_string(), ctx.seed.to_string());
    run_seed(ctx, data, &["--members", &members, "--trainers", &trainers, "--seed", &number])
}

fn run_seed(ctx: &Ctx, data: &Path, args: &[&str]) -> Result<Accounts> {
    let mut seed = Command::new(binary(ctx, "fitconnect")?);
    seed.stdin(Stdio::null()).arg("seed").arg("--data").arg(data).arg("--tokens").args(args);
    seed.args(super::database::state_flags(ctx, data)?);
    let output = seed.output()?;
    if !output.status.success() {
        return Err(format!("{}\nthe accounts could not be made", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Accounts::parse(&String::from_utf8(output.stdout)?)?)
}

/// A class with one long work segment, made, opened and started by this trainer.
pub async fn running_class(trainer: &Trainer, name: &str, riders: usize, seconds: u32) -> Result<ClassId> {
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: seconds, target: None, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, name, riders, plan)).await?;
    trainer.lobby(class).await?;
    trainer.plan(class, PlanAction::Start).await?;
    Ok(class)
}
