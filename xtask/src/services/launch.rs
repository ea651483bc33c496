//! How a server program is run: everything needed to start it again in the same folder, kept as JSON.

use crate::Result;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Of its data, conf and log; deleted by `down`.
    pub folder: PathBuf,
    /// Who runs it, where we are root and it refuses to be.
    pub user: Option<(u32, u32)>,
    /// What it prints when it answers.
    pub ready: String,
    pub ready_s: u64,
    pub address: String,
}

impl Launch {
    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// In a process group of its own: a Ctrl-C for us is none for it.
    pub fn spawn(&self) -> Result<Child> {
        // The log of the last time would say that it is ready.
        let log = File::create(self.log())?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().cloned()).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        as_user(&mut command, self.user);
        command.spawn().map_err(|error| format!("{} cannot be started: {error}", self.program.display()).into())
    }
}

pub fn as_user(command: &mut Command, user: Option<(u32, u32)>) {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
}

/// A port that nobody has now.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A new folder on a real disk (what lies in memory would not know what a sync costs), for this user if any.
pub fn new_folder(name: &str, user: Option<(u32, u32)>) -> Result<PathBuf> {
    let disk = Path::new("/var/tmp");
    let above = if disk.is_dir() { disk.to_path_buf() } else { std::env::temp_dir() };
    let folder = above.join(format!("fitconnect-{name}-{}-{:08x}", std::process::id(), rand::random::<u32>()));
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(&folder, Some(uid), Some(gid))?;
    }
    Ok(folder)
}

/// A file that only its owner can read.
pub fn secret_file(path: &Path, text: &str, user: Option<(u32, u32)>) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    if let Some((uid, gid)) = user {
        std::os::unix::fs::chown(path, Some(uid), Some(gid))?;
    }
    Ok(())
}

/// The first of these programs that is on the path or in one of the folders.
pub fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&paths).collect();
    on_path.iter().chain(folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
