//! What the kernel knows of this process. Linux only; elsewhere, and where /proc cannot be read, these metrics are left out.

use std::fs;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// User and system together.
    pub cpu_s: f64,
    pub resident_bytes: u64,
    pub open_fds: u64,
    pub threads: u64,
}

/// Ticks a second in /proc/self/stat: `USER_HZ`, 100 on every Linux.
const TICKS_PER_S: f64 = 100.0;

impl Process {
    pub fn read() -> Option<Process> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in brackets may hold anything; numbered fields begin behind it with the third.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident_kib: u64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(Process {
            cpu_s: (number(14)? + number(15)?) as f64 / TICKS_PER_S,
            resident_bytes: resident_kib * 1024,
            // The folder is open itself while it is read.
            open_fds: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
            threads: number(20)?,
        })
    }
}
