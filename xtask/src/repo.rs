//! Where things are in the tree.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder with the workspace's Cargo.toml.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Time of the newest file at or below the paths, `None` where there is none. Folders in `skip` are passed over.
pub fn newest(paths: &[PathBuf], skip: &[&str]) -> Option<SystemTime> {
    paths.iter().filter_map(|path| newest_below(path, skip)).max()
}

fn newest_below(path: &Path, skip: &[&str]) -> Option<SystemTime> {
    let meta = path.metadata().ok()?;
    if !meta.is_dir() {
        return meta.modified().ok();
    }
    if path.file_name().is_some_and(|name| skip.iter().any(|skip| name == *skip)) {
        return None;
    }
    let entries = path.read_dir().ok()?.flatten();
    entries.filter_map(|entry| newest_below(&entry.path(), skip)).max()
}
