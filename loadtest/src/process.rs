//! What the server costs, from outside: processor time and memory of a process as the kernel counts them; and room for many
//! sockets in ours. Linux only, like the targets.

use crate::error::LoadError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;

/// A process by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub u32);

/// A moment of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor time since its start, of all its threads, user and system.
    pub cpu_s: f64,
    pub rss_kib: u64,
}

impl Process {
    pub fn own() -> Process {
        Process(std::process::id())
    }

    pub fn usage(self) -> Result<Usage, LoadError> {
        let read = |file: &str| {
            let path = format!("/proc/{}/{file}", self.0);
            fs::read_to_string(&path)
                .map_err(LoadError::io(format!("{path} cannot be read: is the server's --pid right?")))
        };
        let wrong = || LoadError::BadAnswer(format!("/proc/{} is not as proc(5) says", self.0));
        let ticks = cpu_ticks(&read("stat")?).ok_or_else(wrong)?;
        let rss_kib = rss_kib(&read("status")?).ok_or_else(wrong)?;
        Ok(Usage { cpu_s: ticks as f64 / rustix::param::clock_ticks_per_second() as f64, rss_kib })
    }
}

/// utime + stime of proc(5)'s stat, fields 14 and 15. The name before them may hold spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let utime: u64 = fields.nth(11)?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

fn rss_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Raises the limit of open files so far that `sockets` and some more fit.
pub fn room_for_sockets(sockets: usize) -> Result<(), LoadError> {
    let wanted = sockets as u64 + 256;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let raised = [
        // Within the hard limit anybody may; beyond it only root.
        Rlimit { current: Some(wanted), maximum: limit.maximum },
        Rlimit { current: Some(wanted), maximum },
    ];
    if raised.into_iter().any(|limit| setrlimit(Resource::Nofile, limit).is_ok()) {
        return Ok(());
    }
    let hard = limit.maximum.map_or("none".into(), |maximum| maximum.to_string());
    Err(LoadError::Limit(format!(
        "{wanted} open files are wanted and the hard limit is {hard}: raise it with ulimit -Hn as root"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_as_its_manual_says() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 4 0 100 1 2";
        assert_eq!(cpu_ticks(stat), Some(200));
        assert_eq!(rss_kib("Name:\tx\nVmRSS:\t    1234 kB\n"), Some(1234));
        assert_eq!((cpu_ticks("42 (x"), rss_kib("")), (None, None));
        let own = Process::own().usage().expect("our own process");
        assert!(own.rss_kib > 100);
        assert!(Process(u32::MAX).usage().is_err());
    }
}
