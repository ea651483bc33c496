//! The log's helper thread: makes zeroed segments ahead of need, so that the writer waits for its own bytes only, and takes back the
//! windows that the event store has.

use super::recover::{LogError, sync_folder};
use super::segment::{Segment, file_name};
use super::window::Window;
use crate::store::{Lock, lock};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Segments that stand ready.
const READY: usize = 2;
/// Files kept for another use: four windows are on disk at a time when the store keeps up.
const OLD_MAX: usize = 4;
/// After a full disk it is tried again so often.
const AGAIN: Duration = Duration::from_millis(500);
static ZEROES: [u8; 64 * 1024] = [0; 64 * 1024];

/// Between the writer, the shipper and the keeper.
#[derive(Debug)]
pub struct Shelf {
    state: Mutex<State>,
    changed: Condvar,
    folder: PathBuf,
    segment_bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Segment>,
    retired: Vec<Arc<Window>>,
    /// Sealed segments that will wait: what they do not use goes back to the disk.
    to_trim: Vec<Arc<Segment>>,
    old: Vec<Old>,
    next: u64,
    /// Why no segment can be made.
    trouble: Option<String>,
    stop: bool,
}

/// A file that has served: as large as a segment, and zeroes behind what was used.
#[derive(Debug)]
struct Old {
    path: PathBuf,
    used: u64,
}

enum Job {
    Retire(Arc<Window>),
    Trim(Arc<Segment>),
    Make { id: u64, old: Option<Old> },
    Stop,
}

impl Shelf {
    pub fn new(folder: PathBuf, segment_bytes: u64, next: u64) -> Shelf {
        Shelf { state: Mutex::new(State { next, ..State::default() }), changed: Condvar::new(), folder, segment_bytes }
    }

    /// The keeper's life. It holds the folder's lock for as long as it may write there.
    pub fn start(self: &Arc<Self>, held: Arc<Lock>) -> io::Result<JoinHandle<()>> {
        let shelf = self.clone();
        std::thread::Builder::new().name("log-keeper".into()).spawn(move || {
            shelf.keep();
            drop(held);
        })
    }

    /// The next segment; waits while one is being made. `Err`: the disk has no room for one.
    pub fn take(&self) -> Result<Segment, String> {
        let mut state = lock(&self.state);
        loop {
            if let Some(segment) = state.ready.pop_front() {
                self.changed.notify_all();
                return Ok(segment);
            }
            if let Some(trouble) = &state.trouble {
                return Err(trouble.clone());
            }
            if state.stop {
                return Err("the log is closed".into());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No segment stands ready, and none can be made.
    pub fn trouble(&self) -> Option<String> {
        let state = lock(&self.state);
        if state.ready.is_empty() { state.trouble.clone() } else { None }
    }

    pub fn retire(&self, window: Arc<Window>) {
        lock(&self.state).retired.push(window);
        self.changed.notify_all();
    }
    pub fn trim(&self, segment: Arc<Segment>) {
        lock(&self.state).to_trim.push(segment);
        self.changed.notify_all();
    }
    pub fn stop(&self) {
        lock(&self.state).stop = true;
        self.changed.notify_all();
    }

    fn keep(&self) {
        loop {
            match self.next_job() {
                Job::Retire(window) => {
                    if let Err(error) = self.take_back(&window) {
                        tracing::warn!(%error, window = window.id, "a shipped window stays on disk");
                    }
                }
                Job::Trim(segment) => {
                    if let Err(error) = segment.file.set_len(segment.durable()) {
                        tracing::warn!(%error, path = %segment.path.display(), "not trimmed");
                    }
                }
                Job::Make { id, old } => {
                    let made = self.make(id, old);
                    let mut state = lock(&self.state);
                    match made {
                        Ok(segment) => {
                            state.ready.push_back(segment);
                            state.trouble = None;
                            self.changed.notify_all();
                        }
                        Err(error) => {
                            if state.trouble.is_none() {
                                tracing::error!(%error, "the log gets no room on its disk");
                            }
                            state.trouble = Some(error.to_string());
                            self.changed.notify_all();
                            // Something retired ends the wait: it is room.
                            let waited = self
                                .changed
                                .wait_timeout_while(state, AGAIN, |state| !state.stop && state.retired.is_empty());
                            drop(waited.unwrap_or_else(PoisonError::into_inner));
                        }
                    }
                }
                Job::Stop => return,
            }
        }
    }

    fn next_job(&self) -> Job {
        let mut state = lock(&self.state);
        loop {
            // Before its window is taken back: afterwards the file is another segment.
            if let Some(segment) = state.to_trim.pop() {
                return Job::Trim(segment);
            }
            if let Some(window) = state.retired.pop() {
                return Job::Retire(window);
            }
            if state.stop {
                return Job::Stop;
            }
            if state.ready.len() < READY {
                let id = state.next;
                state.next += 1;
                return Job::Make { id, old: state.old.pop() };
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first segment goes first, and is gone on disk before the next: a window without it is known to be in the store.
    fn take_back(&self, window: &Window) -> Result<(), LogError> {
        for segment in window.segments() {
            let whole = segment.file.metadata().map_err(LogError::io(&segment.path))?.len() == self.segment_bytes;
            if whole && lock(&self.state).old.len() < OLD_MAX {
                let old = segment.path.with_extension("old.tmp");
                fs::rename(&segment.path, &old).map_err(LogError::io(&segment.path))?;
                lock(&self.state).old.push(Old { path: old, used: segment.durable() });
            } else {
                fs::remove_file(&segment.path).map_err(LogError::io(&segment.path))?;
            }
            sync_folder(&self.folder)?;
        }
        Ok(())
    }

    /// Zeroes throughout, on disk, under its name.
    fn make(&self, id: u64, old: Option<Old>) -> Result<Segment, LogError> {
        let path = self.folder.join(file_name(id));
        let Old { path: draft, used } =
            old.unwrap_or_else(|| Old { path: path.with_extension("tmp"), used: self.segment_bytes });
        let made = zeroed(&draft, used).and_then(|file| {
            fs::rename(&draft, &path)?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            let _ = fs::remove_file(&draft);
            LogError::Io { path: path.clone(), source: error }
        })?;
        sync_folder(&self.folder)?;
        Ok(Segment::new(id, path, file, 0))
    }
}

/// Writes zeroes up to `bytes`, so that a later write changes no more than the blocks it fills.
fn zeroed(path: &Path, bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    for at in (0..bytes).step_by(ZEROES.len()) {
        let part = ZEROES.len().min((bytes - at) as usize);
        file.write_all_at(&ZEROES[..part], at)?;
    }
    file.sync_all()?;
    Ok(file)
}
