//! Gets a server from packages: asks first, shows what it runs, says plainly what it cannot get and how to.

use crate::{Result, run};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::Command;

/// One way to get a server.
pub struct Way {
    /// For the question, and for whoever does it by hand.
    pub words: String,
    /// Why it is not a way here.
    pub missing: Option<String>,
    pub get: Box<dyn Fn() -> Result<()>>,
}

/// CI=true: nobody is there to be asked.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1")
}

/// Where downloads stay for the next time.
pub fn cache(name: &str) -> Result<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let caches = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".cache")));
    let caches = caches.ok_or("neither $XDG_CACHE_HOME nor $HOME says where a cache may lie")?;
    Ok(caches.join("fitconnect").join(name))
}

/// Takes the first way that there is.
pub fn one_of(name: &str, ways: &[Way], yes: bool) -> Result<()> {
    let mut lines = vec![format!(
        "there is none here: no address in the environment, no program, no Docker daemon. Ways to get {name}:"
    )];
    for way in ways {
        if let Some(missing) = &way.missing {
            lines.push(format!("  - {} ({missing})", way.words));
            continue;
        }
        if !(yes || is_ci() || asked(&way.words)?) {
            lines.push(format!("  - {} (`cargo xtask services up {name} --yes` does it)", way.words));
            continue;
        }
        match (way.get)() {
            Ok(()) => return Ok(()),
            Err(error) => lines.push(format!("  - {} (tried: {error})", way.words)),
        }
    }
    Err(lines.join("\n").into())
}

fn asked(what: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    eprint!("{what}? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The system's packages, where we are root on a system with apt.
pub fn apt(packages: &'static [&'static str]) -> Way {
    let words = format!("apt-get install {}", packages.join(" "));
    let missing = if !run::found("apt-get") {
        Some("no apt on this system".into())
    } else if !rustix::process::geteuid().is_root() {
        Some("needs root".into())
    } else {
        None
    };
    let get = move || {
        let apt = || {
            let mut apt = Command::new("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        run::watch("apt-get update", apt().arg("update"))?;
        let mut install = apt();
        install.args(["install", "-y", "--no-install-recommends"]).args(packages);
        run::must(&format!("apt-get install {}", packages.join(" ")), &mut install).map(drop)
    };
    Way { words, missing, get: Box::new(get) }
}
