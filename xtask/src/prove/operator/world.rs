//! The world as a server finds it: as it is, or with a clock, a folder or a disk that is not as it should be.

use crate::Result;
use crate::prove::Ctx;
use crate::prove::database;
use crate::prove::server::{Server, binary};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server that must not start has ended by then.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The clock of the wall an hour late, for the program that is started with it; the monotonic one as it is.
const CLOCK: &str = "#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, \"clock_gettime\");
    int result = real(id, at);
    if (id == CLOCK_REALTIME && result == 0) at->tv_sec -= 3600;
    return result;
}
";

/// How a server ended that was not wanted.
pub struct Ended {
    pub failed: bool,
    pub said: String,
}

/// A program that starts the server in this world.
pub struct World {
    program: PathBuf,
}

impl World {
    pub fn plain(ctx: &Ctx) -> Result<World> {
        Ok(World { program: binary(ctx, "fitconnect")? })
    }

    /// A shell script in front of the server. `$SERVER` is the program, `\"$@\"` its arguments.
    pub fn script(ctx: &Ctx, place: &Path, name: &str, body: &str) -> Result<World> {
        let program = place.join(name);
        let server = binary(ctx, "fitconnect")?;
        std::fs::write(&program, format!("#!/bin/sh\nSERVER='{}'\nexport SERVER\n{body}\n", server.display()))?;
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))?;
        Ok(World { program })
    }

    /// `None` where there is no C compiler.
    pub fn an_hour_ago(ctx: &Ctx, place: &Path) -> Result<Option<World>> {
        let (source, library) = (place.join("clock.c"), place.join("clock.so"));
        std::fs::write(&source, CLOCK)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").stdin(Stdio::null());
        if !cc.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let body = format!("LD_PRELOAD='{}' exec \"$SERVER\" \"$@\"", library.display());
        World::script(ctx, place, "an-hour-ago", &body).map(Some)
    }

    /// Starts a server that serves.
    pub fn start(&self, data: &Path, args: &[&str], log: &Path) -> Result<Server> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Server::spawn(&self.program, data, "127.0.0.1:0", &args, log)
    }

    /// Starts a server that must end by itself, and hears what it says.
    pub fn serve(&self, data: &Path, args: &[&str]) -> Result<Ended> {
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let began = Instant::now();
        while child.try_wait()?.is_none() {
            if began.elapsed() > ENDS_WITHIN {
                let _ = child.kill();
                let said = child.wait_with_output()?;
                let said = String::from_utf8_lossy(&said.stdout).into_owned() + "\nit went on";
                return Ok(Ended { failed: false, said });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        Ok(Ended { failed: !output.status.success(), said: said.trim().to_owned() })
    }
}

/// The program that only proofs have.
pub fn helper(ctx: &Ctx, args: &[&str]) -> Result<()> {
    let output = Command::new(database::helper(ctx)?).args(args).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{args:?}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
