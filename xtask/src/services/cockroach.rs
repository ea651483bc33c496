//! CockroachDB, where somebody has put its program on the path: one node, without certificates, on loopback.

use super::launch::{self, Launch, free_port, new_folder};
use crate::Result;

pub fn found() -> Result<Option<Launch>> {
    let Some(program) = launch::find("cockroach", &[]) else { return Ok(None) };
    let folder = new_folder("cockroach", None)?;
    let (port, http) = (free_port()?, free_port()?);
    let args = vec![
        "start-single-node".into(),
        "--insecure".into(),
        format!("--listen-addr=127.0.0.1:{port}"),
        format!("--http-addr=127.0.0.1:{http}"),
        format!("--store={}", folder.join("data").display()),
    ];
    Ok(Some(Launch {
        program,
        args,
        env: Vec::new(),
        folder,
        user: None,
        ready: "CockroachDB node starting".into(),
        ready_s: 60,
        address: format!("postgres://root@127.0.0.1:{port}/defaultdb?sslmode=disable"),
    }))
}
