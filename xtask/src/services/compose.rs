//! The same servers as containers, where a Docker daemon answers: `compose.yaml` beside this file.

use super::Kind;
use super::record::Record;
use crate::{Result, repo, run};
use std::process::Command;

fn compose(args: &[&str]) -> Command {
    let mut docker = Command::new("docker");
    docker.args(["compose", "--project-name", "fitconnect-test", "--file", "xtask/src/services/compose.yaml"]);
    docker.args(args).current_dir(repo::root());
    docker
}

/// A daemon answers, and knows `compose`: the program alone is not enough.
pub fn is_there() -> bool {
    let works = |args: &[&str]| Command::new("docker").args(args).output().is_ok_and(|ran| ran.status.success());
    run::found("docker") && works(&["info"]) && works(&["compose", "version"])
}

pub fn up(kind: Kind) -> Result<Record> {
    let name = kind.name();
    run::must(&format!("docker compose up {name}"), &mut compose(&["up", "--detach", "--wait", name]))?;
    let address = address(name).ok_or_else(|| format!("docker compose says no port of {name}"))?;
    Record::compose(kind, address)
}

/// Where its container listens; `None` where it does not run.
pub fn address(name: &str) -> Option<String> {
    let inside = match name {
        "postgres" => "5432",
        "cassandra" => "9042",
        "cockroach" => "26257",
        _ => "4222",
    };
    let ran = compose(&["port", name, inside]).output().ok().filter(|ran| ran.status.success())?;
    let port = String::from_utf8(ran.stdout).ok()?.trim().rsplit_once(':')?.1.to_owned();
    Some(match name {
        "postgres" => format!("postgres://fitconnect:fitconnect-test@127.0.0.1:{port}/postgres"),
        "cassandra" => format!("127.0.0.1:{port}"),
        "cockroach" => format!("postgres://root@127.0.0.1:{port}/defaultdb?sslmode=disable"),
        _ => format!("nats://127.0.0.1:{port}"),
    })
}

pub fn start(name: &str) -> Result<()> {
    run::must(&format!("docker compose start {name}"), &mut compose(&["up", "--detach", "--wait", name])).map(drop)
}

pub fn stop(name: &str, kill: bool) -> Result<()> {
    let word = if kill { "kill" } else { "stop" };
    run::must(&format!("docker compose {word} {name}"), &mut compose(&[word, name])).map(drop)
}

pub fn down(name: &str) -> Result<()> {
    run::must(&format!("docker compose rm {name}"), &mut compose(&["rm", "--stop", "--force", "--volumes", name]))
        .map(drop)
}
