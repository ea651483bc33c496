//! A folder of one run below the target folder (a real disk, where a temporary folder may be memory), gone with its owner.

use crate::{Result, repo};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub struct TempFolder(PathBuf);

impl TempFolder {
    pub fn new(name: &str) -> Result<TempFolder> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = repo::target().join("prove").join(format!("{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(TempFolder(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // A folder that stays behind costs space, nothing else.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
