//! `fitconnect backup` and `restore` of a folder, while its server runs or not. State first, then the log, then the events: what the log
//! hands on in between is in both, and the same sample twice is one. So a backup is the class as it was, with nothing acknowledged missing
//! from before it began.

use super::log::{cut_copy, segment_id};
use super::{LogError, OpenError, Options};
use crate::clock::WallClock;
use fitconnect_actors::ports::Clock as _;
use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MANIFEST: &str = "manifest.json";
/// How a backup is laid out; another number is another layout.
const LAYOUT: u32 = 1;
const DATABASES: [&str; 2] = ["state.db", "events.db"];
/// Copied as they are, where they are there.
const PLAIN: [&str; 2] = ["keys", "demo.json"];
const BUSY: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("there is nothing to back up in {}", .0.display())]
    Nothing(PathBuf),
    #[error("{} is not empty: nothing is overwritten", .0.display())]
    NotEmpty(PathBuf),
    #[error("{}: {source}", path.display())]
    Database { path: PathBuf, source: sqlx::Error },
    #[error("{} is not a whole backup: {why}", path.display())]
    NotWhole { path: PathBuf, why: String },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the restored folder cannot be opened: {0}")]
    Open(#[from] OpenError),
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
    move |source| BackupError::Io { path: path.to_path_buf(), source }
}

/// A file of a backup, checked when it is restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub path: PathBuf,
    pub bytes: u64,
    pub crc32c: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    layout: u32,
    /// The program that wrote it.
    version: String,
    files: Vec<Entry>,
}

const NEW_EPOCHS: &str = "update fc_room set topic_epoch = case when topic_epoch < $1 then $1 else topic_epoch + 1 end";

/// Copies a folder to `to`, which must not be there or be empty. It may be in use.
pub async fn backup(folder: &Path, to: &Path) -> Result<Vec<Entry>, BackupError> {
    if !DATABASES.iter().any(|file| folder.join(file).exists()) {
        return Err(BackupError::Nothing(folder.into()));
    }
    empty_folder(to)?;
    database(folder, to, DATABASES[0]).await?;
    log(&folder.join("log"), &to.join("log"))?;
    database(folder, to, DATABASES[1]).await?;
    for name in PLAIN {
        plain(&folder.join(name), &to.join(name))?;
    }
    let mut files = Vec::new();
    list(to, Path::new(""), &mut files)?;
    let manifest = Manifest { layout: LAYOUT, version: crate::BUILD.into(), files };
    let text = serde_json::to_vec_pretty(&manifest).expect("plain values");
    // The last file of all: without it a backup is none.
    write(&to.join(MANIFEST), &text)?;
    sync(to)?;
    Ok(manifest.files)
}

/// Makes `folder` from a backup. It must not be there or be empty. At the end it is opened once, as a server would.
pub async fn restore(from: &Path, folder: &Path) -> Result<Vec<Entry>, BackupError> {
    let not_whole = |why: String| BackupError::NotWhole { path: from.into(), why };
    let path = from.join(MANIFEST);
    let text = fs::read(&path).map_err(|error| not_whole(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| not_whole(error.to_string()))?;
    if manifest.layout != LAYOUT {
        return Err(not_whole(format!("layout {} is of another version ({})", manifest.layout, manifest.version)));
    }
    let mut found = Vec::new();
    list(from, Path::new(""), &mut found)?;
    found.retain(|entry| entry.path != Path::new(MANIFEST));
    for entry in &manifest.files {
        if !found.contains(entry) {
            return Err(not_whole(format!("{} is missing or was changed", entry.path.display())));
        }
    }
    empty_folder(folder)?;
    for entry in &manifest.files {
        let to = folder.join(&entry.path);
        if let Some(parent) = to.parent() {
            private(parent)?;
        }
        copy(&from.join(&entry.path), &to)?;
    }
    sync(folder)?;
    let store = super::open(Options::new(folder), std::sync::Arc::new(|_| {})).await?;
    store.close().await;
    begin_rooms_anew(folder).await?;
    Ok(manifest.files)
}

/// Numbers that rooms gave out after the backup will be given out again, to other events: positions of before mean nothing any more.
async fn begin_rooms_anew(folder: &Path) -> Result<(), BackupError> {
    let path = folder.join(DATABASES[0]);
    if !path.exists() {
        return Ok(());
    }
    let now_s = (WallClock::start().now().0 / 1_000) as i64;
    let failed = |source| BackupError::Database { path: path.clone(), source };
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(false).busy_timeout(BUSY);
    let mut line = options.connect().await.map_err(failed)?;
    sqlx::query(NEW_EPOCHS).bind(now_s).execute(&mut line).await.map_err(failed)?;
    sqlx::Connection::close(line).await.map_err(failed)
}

fn private(folder: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_at(folder))
}

fn empty_folder(folder: &Path) -> Result<(), BackupError> {
    private(folder)?;
    match fs::read_dir(folder).map_err(io_at(folder))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty(folder.into())),
    }
}

/// One moment of a database, as a file of its own.
async fn database(folder: &Path, to: &Path, name: &str) -> Result<(), BackupError> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(());
    }
    let failed = |source| BackupError::Database { path: path.clone(), source };
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(false).busy_timeout(BUSY);
    let mut line = options.connect().await.map_err(failed)?;
    let target = to.join(name);
    let text = target.to_str().ok_or_else(|| BackupError::Io {
        path: target.clone(),
        source: io::Error::other("a database can only be copied to a path that is text"),
    })?;
    sqlx::query("vacuum into $1").bind(text).execute(&mut line).await.map_err(failed)?;
    sqlx::Connection::close(line).await.map_err(failed)?;
    File::open(&target).and_then(|file| file.sync_all()).map_err(io_at(&target))
}

/// The log's segments, the newest first: an older one is sealed by then. One that goes away meanwhile is in the event store.
fn log(from: &Path, to: &Path) -> Result<(), BackupError> {
    if !from.exists() {
        return Ok(());
    }
    private(to)?;
    let mut segments = Vec::new();
    for entry in fs::read_dir(from).map_err(io_at(from))? {
        let path = entry.map_err(io_at(from))?.path();
        let id = path.file_name().and_then(|name| name.to_str()).and_then(segment_id);
        segments.extend(id.map(|id| (id, path)));
    }
    segments.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    for (id, path) in segments {
        let target = to.join(path.file_name().expect("a segment has a name"));
        let Ok(before) = fs::metadata(&path) else { continue };
        match copy(&path, &target) {
            Err(BackupError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            copied => copied?,
        }
        if fs::metadata(&path).is_ok_and(|after| after.ino() == before.ino()) {
            cut_copy(id, &target)?;
        } else {
            fs::remove_file(&target).map_err(io_at(&target))?;
        }
    }
    sync(to)
}

fn plain(from: &Path, to: &Path) -> Result<(), BackupError> {
    if from.is_dir() {
        private(to)?;
        for entry in fs::read_dir(from).map_err(io_at(from))? {
            let entry = entry.map_err(io_at(from))?;
            plain(&entry.path(), &to.join(entry.file_name()))?;
        }
        return sync(to);
    }
    if from.exists() { copy(from, to) } else { Ok(()) }
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(io_at(from))?;
    let mut options = File::options();
    let mut target = options.write(true).create_new(true).mode(0o600).open(to).map_err(io_at(to))?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(io_at(to))
}

fn write(path: &Path, text: &[u8]) -> Result<(), BackupError> {
    let unfinished = path.with_extension("new");
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
    let mut file = file.map_err(io_at(&unfinished))?;
    io::Write::write_all(&mut file, text).and_then(|()| file.sync_all()).map_err(io_at(&unfinished))?;
    fs::rename(&unfinished, path).map_err(io_at(path))
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(io_at(folder))
}

/// Every file below, with its check.
fn list(root: &Path, below: &Path, found: &mut Vec<Entry>) -> Result<(), BackupError> {
    let folder = root.join(below);
    let mut names: Vec<_> =
        fs::read_dir(&folder).map_err(io_at(&folder))?.collect::<Result<_, _>>().map_err(io_at(&folder))?;
    names.sort_by_key(|entry| entry.file_name());
    for entry in names {
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            list(root, &path, found)?;
            continue;
        }
        let mut file = File::open(entry.path()).map_err(io_at(&entry.path()))?;
        let (mut bytes, mut crc32c, mut part) = (0, 0, vec![0; 256 * 1024]);
        loop {
            let read = file.read(&mut part).map_err(io_at(&entry.path()))?;
            if read == 0 {
                break;
            }
            crc32c = crc32c::crc32c_append(crc32c, &part[..read]);
            bytes += read as u64;
        }
        found.push(Entry { path, bytes, crc32c });
    }
    Ok(())
}
