//! NATS with JetStream.

use super::install::{self, Way};
use super::launch::{self, Launch, free_port, new_folder};
use crate::{Result, run};
use std::path::PathBuf;
use std::process::Command;

/// Its Go module at this version, where the system has no package of it.
const MODULE: &str = "github.com/nats-io/nats-server/v2@v2.12.3";

pub fn found() -> Result<Option<Launch>> {
    let Some(program) = launch::find("nats-server", &[install::cache("nats")?, PathBuf::from("/usr/sbin")]) else {
        return Ok(None);
    };
    let folder = new_folder("nats", None)?;
    let port = free_port()?;
    let store = folder.join("data").display().to_string();
    let args = ["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream", "--store_dir", &store];
    Ok(Some(Launch {
        program,
        args: args.map(str::to_owned).into(),
        env: Vec::new(),
        folder,
        user: None,
        ready: "Server is ready".into(),
        ready_s: 30,
        address: format!("nats://127.0.0.1:{port}"),
    }))
}

pub fn packages() -> Vec<Way> {
    vec![install::apt(&["nats-server"]), go()]
}

fn go() -> Way {
    let get = || {
        let mut go = Command::new("go");
        go.args(["install", MODULE]).env("GOBIN", install::cache("nats")?);
        run::must(&format!("go install {MODULE}"), &mut go).map(drop)
    };
    let missing = (!run::found("go")).then(|| "no Go here".into());
    Way { words: format!("go install {MODULE}"), missing, get: Box::new(get) }
}
