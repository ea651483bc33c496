//! The runs: each sets the stage, lets a fleet loose, measures for a while, and gives a report. The terminal and the proofs
//! call the same functions.

mod fanout;
mod idle;
mod presence;
mod publishers;
mod riders;
mod room;
mod slow;
mod storm;

pub use fanout::{Fanout, fanout};
pub use idle::{Idle, idle};
pub use presence::{InRoom, presence};
pub use riders::{RidersRun, riders};
pub use slow::{Slow, slow};
pub use storm::{Storm, storm};

use crate::accounts::{Account, Accounts};
use crate::error::LoadError;
use crate::http::Server;
use crate::lean::{Crowd, Options};
use crate::now;
use crate::process::{Process, Usage};
use crate::report::Report;
use fitconnect_protocol::class::{Segment, SegmentKind};
use std::time::Duration;
use tokio::task::JoinHandle;

/// What every run wants to know.
#[derive(Clone, Debug)]
pub struct Common {
    pub server: Server,
    /// The server's process, whose cost is read; without it these figures are left out.
    pub pid: Option<Process>,
    pub accounts: Accounts,
    pub seconds: u64,
    pub seed: u64,
    /// Progress bars, where there is a terminal.
    pub progress: bool,
}

impl Common {
    /// An account with a trainer's rights and its token.
    async fn trainer(&self) -> Result<Account, LoadError> {
        let account = self.accounts.trainer()?;
        let token = account.token(&self.server).await?;
        Ok(Account { token: Some(token), ..account.clone() })
    }

    /// The first members, each with a token.
    fn members(&self, wanted: usize) -> Result<Vec<Account>, LoadError> {
        let members = self.accounts.members(wanted)?;
        match members.iter().position(|member| member.token.is_none()) {
            None => Ok(members.to_vec()),
            Some(index) => {
                Err(LoadError::Limit(format!("member {} of the file has no token: make it with --tokens", index + 1)))
            }
        }
    }

    /// Some members, as many as there are of those wanted.
    fn some_members(&self, wanted: usize) -> Result<Vec<Account>, LoadError> {
        self.members(wanted.min(self.accounts.members.len()).max(1))
    }
}

/// A segment that lasts until the trainer says next: a class for measuring.
fn endless() -> Vec<Segment> {
    vec![Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None }]
}

/// A fleet on a thread of its own; what it was comes back with its crowd.
fn launch<C: Crowd + Send + 'static>(mut crowd: C, options: Options) -> JoinHandle<Result<C, LoadError>> {
    tokio::task::spawn_blocking(move || crate::lean::run(&mut crowd, &options).map(|()| crowd))
}

async fn landed<C>(fleet: JoinHandle<Result<C, LoadError>>) -> Result<C, LoadError> {
    fleet.await.unwrap_or_else(|error| Err(LoadError::Limit(format!("the fleet's thread ended: {error}"))))
}

/// Waits until a number is reached, looking ten times a second. Gives up when the fleet has ended by itself.
async fn reach<C>(fleet: &JoinHandle<Result<C, LoadError>>, within: Duration, mut there: impl FnMut() -> bool) -> bool {
    let until = now::mono_us() + within.as_micros() as u64;
    while !there() {
        if fleet.is_finished() || now::mono_us() >= until {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    true
}

/// Processor time of server and generator over a stretch.
struct Meter {
    pid: Option<Process>,
    began_us: u64,
    server: Usage,
    own: Usage,
}

/// What a stretch has cost.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    seconds: f64,
    server_cpu_s: Option<f64>,
    own_cpu_s: f64,
}

impl Meter {
    fn start(pid: Option<Process>) -> Result<Meter, LoadError> {
        let server = pid.map(Process::usage).transpose()?.unwrap_or_default();
        Ok(Meter { pid, began_us: now::mono_us(), server, own: Process::own().usage()? })
    }

    fn stop(&self) -> Result<Cost, LoadError> {
        let server = self.pid.map(Process::usage).transpose()?;
        Ok(Cost {
            seconds: (now::mono_us() - self.began_us) as f64 / 1e6,
            server_cpu_s: server.map(|usage| usage.cpu_s - self.server.cpu_s),
            own_cpu_s: Process::own().usage()?.cpu_s - self.own.cpu_s,
        })
    }
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.seconds += other.seconds;
        self.own_cpu_s += other.own_cpu_s;
        self.server_cpu_s = match (self.server_cpu_s, other.server_cpu_s) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }

    /// Microseconds of the server for one of so many.
    fn each_us(&self, count: u64) -> Option<f64> {
        self.server_cpu_s.map(|cpu_s| cpu_s * 1e6 / count.max(1) as f64)
    }

    fn report(&self, report: &mut Report, deliveries: u64) {
        if let Some(cpu_s) = self.server_cpu_s {
            report.figure("server_cores", "server's processors", cpu_s / self.seconds, "cores");
        }
        if let Some(each_us) = self.each_us(deliveries) {
            report.figure("server_us_per_delivery", "server's processor time a delivery", each_us, "µs");
        }
        report.figure("generator_cores", "generator's processors", self.own_cpu_s / self.seconds, "cores");
    }
}
