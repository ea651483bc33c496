//! Node and npm: whether they are there, and `npm ci` where what is installed is older than its lock.

use crate::{Result, repo, run};
use std::path::Path;
use std::process::Command;

/// Oldest major version that the packages of web/ run on.
const MAJOR_MIN: u32 = 20;

/// Why pages cannot be built here, in words; `None` where they can.
pub fn missing() -> Option<String> {
    let how =
        "Node 20 or newer builds the pages: your system's package `nodejs`, or a build from nodejs.org on the PATH.";
    let Ok(output) = Command::new("node").arg("--version").output() else {
        return Some(format!("There is no `node` here. {how}"));
    };
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major: Option<u32> = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major| major < MAJOR_MIN) {
        return Some(format!("`node` is {version}. {how}"));
    }
    if !run::found("npm") {
        return Some(format!("There is `node` but no `npm` beside it. {how}"));
    }
    None
}

/// A command of npm in a folder of the repository.
pub fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).env("NO_COLOR", "1").env("FORCE_COLOR", "0").env("npm_config_update_notifier", "false");
    npm
}

/// Installs a folder's packages as locked; nothing to do where that was done after the lock's last change.
pub fn install(folder: &Path) -> Result<()> {
    let lock = repo::newest(&[folder.join("package-lock.json"), folder.join("package.json")], &[]);
    let installed = repo::newest(&[folder.join("node_modules/.package-lock.json")], &[]);
    if installed.is_some() && installed >= lock {
        return Ok(());
    }
    let name = folder.strip_prefix(repo::root()).unwrap_or(folder).display().to_string();
    run::must(&format!("npm ci in {name}"), npm(folder).args(["ci", "--no-audit", "--no-fund"]))?;
    Ok(())
}
