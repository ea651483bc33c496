//! The real server as a process: started, watched, killed. What it prints goes to a file beside its data folder.

use super::Ctx;
use crate::{Result, repo, run, web};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A server must print its address within this time, and end within this time when asked to.
const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(15);
/// How often a state outside this process is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Which build of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The dev build of the server alone: the quickest to have.
    Demo,
    /// The dev build as the tests have it, with the features that they share: nothing is compiled twice in one gate.
    Tests,
    Release,
}

impl Build {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Build::Demo => &["build", "-p", "fitconnect"],
            Build::Tests => &["test", "--workspace", "--no-run"],
            Build::Release => &["build", "--release", "-p", "fitconnect", "-p", "fitconnect-loadtest"],
        }
    }

    fn folder(self) -> PathBuf {
        repo::target().join(if self == Build::Release { "release" } else { "debug" })
    }
}

/// Builds once a run and says in which folder the programs are.
pub fn build(build: Build) -> Result<PathBuf> {
    type Built = OnceLock<std::result::Result<(), String>>;
    static BUILT: [Built; 3] = [const { OnceLock::new() }; 3];
    let make = || {
        // The server has the pages in it.
        web::build(false).map_err(|error| error.to_string())?;
        let mut cargo = Command::new("cargo");
        cargo.current_dir(repo::root()).args(build.arguments());
        let title = if build == Build::Release { "build the server (release)" } else { "build the server" };
        run::must(title, &mut cargo).map(drop).map_err(|error| error.to_string())
    };
    BUILT[build as usize].get_or_init(make).clone()?;
    Ok(build.folder())
}

/// One of the two programs: of the release build, in the short form of the dev build.
pub fn binary(ctx: &Ctx, name: &str) -> Result<PathBuf> {
    Ok(build(if ctx.quick { Build::Tests } else { Build::Release })?.join(name))
}

/// A running `fitconnect serve`; killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Where its log is, to be shown when a proof fails.
    pub log: PathBuf,
}

impl Server {
    /// Starts one on a free port of the loopback and returns when it has said its address.
    pub fn start(ctx: &Ctx, data: &Path, args: &[&str]) -> Result<Server> {
        Server::start_at(ctx, data, "127.0.0.1:0", args)
    }

    /// The same at an address: where clients come back to a server that was killed.
    pub fn start_at(ctx: &Ctx, data: &Path, listen: &str, args: &[&str]) -> Result<Server> {
        let mut args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        args.extend(super::database::server_flags(ctx, data)?);
        Server::spawn(&binary(ctx, "fitconnect")?, data, listen, &args, &data.with_extension("log"))
    }

    /// The same of a program that is known. It is in a group of its own, so that a Ctrl-C does not reach it.
    pub fn spawn(program: &Path, data: &Path, listen: &str, args: &[String], log: &Path) -> Result<Server> {
        let log = log.to_owned();
        let errors = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(program);
        command.process_group(0).arg("serve").arg("--data").arg(data).args(["--listen", listen]).args(args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn()?;
        let out = child.stdout.take().expect("piped");
        let (said, hear) = std::sync::mpsc::sync_channel(1);
        let mut copy = File::options().append(true).open(&log)?;
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                let _ = writeln!(copy, "{line}");
                if let Some(at) = line.split_once("listening on http://").map(|(_, at)| at.trim().to_owned()) {
                    let _ = said.try_send(at);
                }
            }
        });
        let Ok(address) = hear.recv_timeout(START_MAX) else {
            let _ = (child.kill(), child.wait());
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{}\nthe server did not say its address", run::tail(&text)).into());
        };
        let address = address.parse().map_err(|error| format!("{address:?} is no address: {error}"))?;
        Ok(Server { child, address, log })
    }

    /// For who measures it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until `/readyz` says yes and tells how long that took.
    pub fn ready(&mut self, within: Duration) -> Result<Duration> {
        let began = Instant::now();
        while began.elapsed() < within {
            if get(self.address, "/readyz").is_ok_and(|(status, _)| status == 200) {
                return Ok(began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{}\nthe server has ended: {status}", self.said()).into());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(format!("{}\nthe server was not ready within {within:?}", self.said()).into())
    }

    /// `kill -9`, and gone when this returns.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits; an error where it does not, or ends with a failure.
    pub fn stop(&mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        while began.elapsed() < STOP_MAX {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("{}\nthe server ended with {status}", self.said()).into()),
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
        Err(format!("{}\nthe server did not end within {STOP_MAX:?}", self.said()).into())
    }

    /// A metric's value.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = get(self.address, "/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.and_then(|value| value.split_whitespace().next()?.parse().ok());
        value.ok_or_else(|| format!("/metrics does not have {name}").into())
    }

    /// The end of its log.
    pub fn said(&self) -> String {
        run::tail(&std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// Status and body of a GET.
pub fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP answer")?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).ok_or("no HTTP status")?;
    Ok((status, body.to_owned()))
}
