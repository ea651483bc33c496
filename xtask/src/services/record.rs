//! What was started and is to be stopped again: one JSON file a service below the target folder.

use super::launch::Launch;
use super::{Kind, compose};
use crate::{Result, repo, run};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a server is looked at while we wait for it.
const LOOK: Duration = Duration::from_millis(50);
/// A server that does not stop within this time is killed.
const STOP_S: u64 = 30;
const TICKS_A_SECOND: f64 = 100.0;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub kind: String,
    pub address: String,
    pub by: By,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum By {
    /// A process of ours. `since` tells it from another that got the same number later.
    Process {
        launch: Launch,
        pid: i32,
        since: u64,
    },
    Compose,
}

fn path(kind: &str) -> PathBuf {
    repo::target().join("services").join(format!("{kind}.json"))
}

/// Fields of /proc/PID/stat behind the name: the first is the state.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

/// When a process began, in ticks since the machine's start; `None` where there is none, or only its corpse.
fn since(pid: i32) -> Option<u64> {
    let fields = stat(pid)?;
    if fields.first().is_some_and(|state| state == "Z") {
        return None;
    }
    fields.get(19)?.parse().ok()
}

impl Record {
    pub fn read(kind: Kind) -> Result<Option<Record>> {
        let path = path(kind.name());
        match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(format!("{}: {error}", path.display()).into()),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display()).into()),
        }
    }

    pub fn compose(kind: Kind, address: String) -> Result<Record> {
        let record = Record { kind: kind.name().into(), address, by: By::Compose };
        record.write()?;
        Ok(record)
    }

    /// Starts a program and waits until it answers.
    pub fn launch(name: &str, launch: Launch) -> Result<Record> {
        let address = launch.address.clone();
        let mut record = Record { kind: name.into(), address, by: By::Process { launch, pid: 0, since: 0 } };
        record.start().inspect_err(|_| {
            if let Err(error) = record.down() {
                eprintln!("{}: what did not start could not be tidied: {error}", record.kind);
            }
        })?;
        Ok(record)
    }

    fn write(&self) -> Result<()> {
        let path = path(&self.kind);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
        fs::write(&path, serde_json::to_vec_pretty(self)?).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(())
    }

    pub fn words(&self) -> String {
        match &self.by {
            By::Process { launch, pid, .. } => format!("process {pid}, {}", launch.folder.display()),
            By::Compose => "docker compose".into(),
        }
    }

    pub fn is_alive(&self) -> bool {
        match &self.by {
            By::Process { pid, since: began, .. } => since(*pid) == Some(*began),
            By::Compose => compose::address(&self.kind).is_some_and(|address| address == self.address),
        }
    }

    pub fn cpu_s(&self) -> Option<f64> {
        let By::Process { pid, .. } = &self.by else { return None };
        // PostgreSQL works in children: each has its own account.
        let own = |pid: i32| {
            let fields = stat(pid)?;
            let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
            Some(ticks(11)? + ticks(12)? + ticks(13)? + ticks(14)?)
        };
        let children = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
            let child: i32 = entry.file_name().to_str()?.parse().ok()?;
            (stat(child)?.get(1)?.parse() == Ok(*pid)).then_some(child)
        });
        let ticks: u64 = children.filter_map(own).sum::<u64>() + own(*pid)?;
        Some(ticks as f64 / TICKS_A_SECOND)
    }

    pub fn start(&mut self) -> Result<()> {
        let By::Process { launch, pid, since: began } = &mut self.by else { return compose::start(&self.kind) };
        let spinner = run::spinner(&format!("{} at {}", self.kind, launch.address));
        let asked = Instant::now();
        let mut child = launch.spawn()?;
        *pid = i32::try_from(child.id()).expect("a process number");
        *began = since(*pid).unwrap_or_default();
        let (log, ready) = (launch.log(), launch.ready.clone());
        let until = asked + Duration::from_secs(launch.ready_s);
        self.write()?;
        loop {
            let said = fs::read(&log).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            if said.contains(&ready) {
                break;
            }
            let ended = child.try_wait()?;
            if ended.is_some() || Instant::now() > until {
                spinner.finish_and_clear();
                let why = ended.map_or("did not answer in time".into(), |status| format!("ended with {status}"));
                return Err(format!("{}\n{} {why}", run::tail(&said), self.kind).into());
            }
            if let Some(line) = said.lines().next_back() {
                spinner.set_message(line.to_owned());
            }
            std::thread::sleep(LOOK);
        }
        // Its end is waited for, so that it leaves no corpse behind while we live.
        std::thread::spawn(move || child.wait());
        spinner.finish_and_clear();
        eprintln!("✓ {} at {} ({:.1} s)", self.kind, self.address, asked.elapsed().as_secs_f64());
        Ok(())
    }

    pub fn stop(&mut self, kill: bool) -> Result<()> {
        let By::Process { pid, since: began, .. } = &self.by else { return compose::stop(&self.kind, kill) };
        let alive = || since(*pid) == Some(*began);
        let Some(group) = Pid::from_raw(*pid) else { return Ok(()) };
        let mut signal = if kill { Signal::KILL } else { Signal::INT };
        let mut until = Instant::now() + Duration::from_secs(STOP_S);
        if alive() {
            kill_process_group(group, signal)?;
        }
        while alive() {
            if Instant::now() > until {
                signal = Signal::KILL;
                until += Duration::from_secs(STOP_S);
                kill_process_group(group, signal)?;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Stops it and deletes its data.
    pub fn down(&self) -> Result<()> {
        match &self.by {
            By::Process { launch, .. } => {
                self.clone().stop(false)?;
                if launch.folder.is_dir() {
                    fs::remove_dir_all(&launch.folder)?;
                }
            }
            By::Compose => compose::down(&self.kind)?,
        }
        match fs::remove_file(path(&self.kind)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
