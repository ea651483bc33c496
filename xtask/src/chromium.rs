//! A Chromium for the tests of pages: the one in `$CHROMIUM`, one on the PATH, or the system's package where we may install it.

use crate::{Result, run};
use std::path::PathBuf;
use std::process::Command;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

pub const HOW: &str = "Chromium is not here: install your system's package `chromium`, or point $CHROMIUM at one.";

/// Where it is.
pub fn find() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(path.into()).filter(|path: &PathBuf| path.is_file());
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&paths).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

/// Installs it as root on a system with apt; elsewhere nothing happens. What it finds afterwards.
pub fn ensure() -> Result<Option<PathBuf>> {
    let found = find();
    if found.is_some() || !rustix::process::geteuid().is_root() || !run::found("apt-get") {
        return Ok(found);
    }
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    let updated = run::watch("apt-get update", apt().arg("update"))?;
    let installed =
        run::watch("apt-get install chromium", apt().args(["install", "-y", "--no-install-recommends", "chromium"]))?;
    if !installed.ok {
        eprintln!("{}\n{}", run::tail(&updated.text), run::tail(&installed.text));
    }
    Ok(find())
}
