//! Opening a log that was left behind, by a clean stop, a kill or a power cut. What was acknowledged is whole; behind it there may be
//! a torn group, which is cut off and said. Anything else that does not pass is damage, and a human must decide.

use super::segment::{self, Head, Payload, Read, Segment};
use super::window::Window;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{} is damaged at byte {at}: what was written after it is whole, so this is no torn write but a fault of the disk. Restore \
         the folder from a backup, or move {files} away and start again; samples in there that the event store does not have yet \
         are lost, then",
        path.display()
    )]
    Damaged { path: PathBuf, at: usize, files: String },
    #[error("{}, byte {at}: a later version of the server wrote this; start that version", path.display())]
    Later { path: PathBuf, at: usize },
}

impl LogError {
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> LogError + '_ {
        move |source| LogError::Io { path: path.to_path_buf(), source }
    }
}

/// What was cut off: a write that had not been acknowledged to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub path: PathBuf,
    /// The first byte that is gone.
    pub at: usize,
    pub bytes: usize,
}

#[derive(Debug, Default)]
pub struct Recovered {
    /// Oldest first; all sealed.
    pub windows: Vec<Arc<Window>>,
    pub next_segment: u64,
    pub last_window: u64,
    pub events: u64,
    pub cut: Option<Cut>,
}

/// A segment's file, walked from its start to where it ends.
struct Walked {
    id: u64,
    path: PathBuf,
    head: Option<Head>,
    /// End of the last record that passes.
    good: usize,
    last_group: Option<u64>,
    sealed: bool,
    events: u64,
    /// Up to the last byte that is not zero.
    written: usize,
    /// A later group or the seal stands behind the place that does not pass.
    goes_on: bool,
}

pub fn recover(folder: &Path) -> Result<Recovered, LogError> {
    let mut walked = Vec::new();
    let mut next_segment = 0;
    for (id, path) in files(folder)? {
        next_segment = id + 1;
        walked.push(walk(id, path)?);
    }
    let used = walked.iter().rposition(|segment| segment.head.is_some()).map_or(0, |last| last + 1);
    for (index, segment) in walked.iter().enumerate() {
        let must_be_whole = index + 1 < used;
        if segment.goes_on || (must_be_whole && !segment.sealed) {
            let files = files_of_window(&walked, index);
            return Err(LogError::Damaged { path: segment.path.clone(), at: segment.good, files });
        }
    }
    let mut recovered = Recovered { next_segment, ..Recovered::default() };
    for segment in walked.drain(used..) {
        // Made ready and not used yet, or the very first write to it was torn.
        if segment.written > 0 {
            recovered.cut = Some(Cut { path: segment.path.clone(), at: 0, bytes: segment.written });
        }
        fs::remove_file(&segment.path).map_err(LogError::io(&segment.path))?;
    }
    let mut windows = BTreeMap::<u64, Vec<Walked>>::new();
    for segment in walked {
        let window = segment.head.map_or(0, |head| head.window);
        windows.entry(window).or_default().push(segment);
    }
    for (id, segments) in windows {
        recovered.last_window = id;
        take_window(id, segments, &mut recovered)?;
    }
    sync_folder(folder)?;
    Ok(recovered)
}

/// Cuts the copy of a segment that was being written to: what stands behind its last whole record is of no one moment.
pub fn cut_copy(id: u64, path: &Path) -> Result<(), LogError> {
    let copy = walk(id, path.to_path_buf())?;
    if copy.sealed || copy.written <= copy.good {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path).map_err(LogError::io(path))?;
    let length = file.metadata().map_err(LogError::io(path))?.len();
    let cut = file.set_len(copy.good as u64).and_then(|()| file.set_len(length)).and_then(|()| file.sync_all());
    cut.map_err(LogError::io(path))
}

/// All files of the window that a segment belongs to: they go together or not at all.
fn files_of_window(walked: &[Walked], index: usize) -> String {
    let window_of = |segment: &Walked| segment.head.map(|head| head.window);
    let (before, after) = walked.split_at(index);
    let first =
        before.iter().rposition(|other| window_of(other) != window_of(&walked[index])).map_or(0, |last| last + 1);
    // Whose own head cannot be read is followed by the other parts of its window.
    let rest = after.iter().skip(1).take_while(|other| other.head.is_some_and(|head| head.part != 0)).count();
    let files = walked[first..=index + rest].iter().map(|segment| segment.path.display().to_string());
    files.collect::<Vec<_>>().join(", ")
}

fn take_window(id: u64, segments: Vec<Walked>, recovered: &mut Recovered) -> Result<(), LogError> {
    let Some(head) = segments.first().and_then(|first| first.head) else { return Ok(()) };
    if head.part != 0 {
        // The store has all of it: its first segment is the first to go.
        return segments
            .iter()
            .try_for_each(|segment| fs::remove_file(&segment.path).map_err(LogError::io(&segment.path)));
    }
    let window = Window::new(id, head.node);
    for segment in segments {
        let path = &segment.path;
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(LogError::io(path))?;
        let mut end = segment.good;
        if !segment.sealed {
            if segment.written > end {
                recovered.cut = Some(Cut { path: path.clone(), at: end, bytes: segment.written - end });
            }
            end = seal(&file, segment.id, end).map_err(LogError::io(path))?;
        }
        recovered.events += segment.events;
        window.add_bytes(end as u64);
        window.add_segment(Arc::new(Segment::new(segment.id, segment.path, file, end as u64)));
    }
    window.seal();
    recovered.windows.push(Arc::new(window));
    Ok(())
}

/// Cuts the file off at `end` and closes it for ever.
fn seal(file: &File, id: u64, end: usize) -> io::Result<usize> {
    file.set_len(end as u64)?;
    file.write_all_at(&segment::seal_record(id), end as u64)?;
    file.sync_all()?;
    Ok(end + segment::SEAL_BYTES)
}

/// Segments in order of their number; what was left half made is removed.
fn files(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, LogError> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(LogError::io(folder))? {
        let path = entry.map_err(LogError::io(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(id) = segment::id_of(name) {
            files.insert(id, path);
        } else if name.ends_with(".tmp") {
            fs::remove_file(&path).map_err(LogError::io(&path))?;
        }
    }
    Ok(files)
}

fn walk(id: u64, path: PathBuf) -> Result<Walked, LogError> {
    let bytes = fs::read(&path).map_err(LogError::io(&path))?;
    let mut walked = Walked {
        id,
        head: None,
        good: 0,
        last_group: None,
        sealed: false,
        events: 0,
        written: bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1),
        goes_on: false,
        path,
    };
    loop {
        match segment::read(id, &bytes, walked.good) {
            Read::Record { payload, next } => {
                match payload {
                    Payload::Head(head) => walked.head = Some(head),
                    Payload::Group(number) => walked.last_group = Some(number),
                    Payload::Seal => walked.sealed = true,
                    Payload::Event(_) => walked.events += 1,
                }
                walked.good = next;
                if walked.sealed {
                    return Ok(walked);
                }
            }
            Read::Later => return Err(LogError::Later { path: walked.path, at: walked.good }),
            Read::End | Read::Bad => break,
        }
    }
    walked.goes_on = segment::goes_on_behind(id, &bytes, walked.good..walked.written, walked.last_group.unwrap_or(0));
    Ok(walked)
}

/// A created, renamed or removed name is on disk when its folder is.
pub fn sync_folder(folder: &Path) -> Result<(), LogError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(LogError::io(folder))
}
