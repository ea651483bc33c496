//! Checkpoints of running classes: files beside the log, replaced whole. One that is torn, old or gone costs a longer reload, nothing else.

use fitconnect_actors::ports::{Checkpoint, StoreError};
use fitconnect_domain::Millis;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::limits::CHECKPOINT_KEPT_MS;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Checksum, change, moment.
const HEAD: usize = 4 + 8 + 8;

#[derive(Clone, Debug)]
pub struct Checkpoints(PathBuf);

impl Checkpoints {
    pub fn open(folder: &Path) -> io::Result<Checkpoints> {
        fs::create_dir_all(folder)?;
        let checkpoints = Checkpoints(folder.to_path_buf());
        checkpoints.drop_old();
        Ok(checkpoints)
    }

    fn path(&self, class: ClassId) -> PathBuf {
        self.0.join(class.0.simple().to_string())
    }

    pub fn keep(&self, class: ClassId, checkpoint: Option<&Checkpoint>) -> Result<(), StoreError> {
        let path = self.path(class);
        let failed = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let Some(checkpoint) = checkpoint else {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                Ok(()) | Err(_) => Ok(()),
            };
        };
        let part = path.with_extension("part");
        let mut bytes = vec![0; 4];
        bytes.extend(checkpoint.seq.to_le_bytes());
        bytes.extend(checkpoint.since.0.to_le_bytes());
        bytes.extend(&checkpoint.body);
        let sum = crc32c::crc32c(&bytes[4..]);
        bytes[..4].copy_from_slice(&sum.to_le_bytes());
        let written = File::create(&part)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&part, &path));
        self.drop_old();
        written.map_err(failed)
    }

    pub fn read(&self, class: ClassId) -> Option<Checkpoint> {
        let bytes = fs::read(self.path(class)).ok()?;
        let (head, body) = bytes.split_at_checked(HEAD)?;
        let (sum, numbers) = head.split_at(4);
        if crc32c::crc32c(&bytes[4..]).to_le_bytes() != sum {
            return None;
        }
        let (seq, since) = numbers.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
        Some(Checkpoint { seq: number(seq)?, since: Millis(number(since)?), body: body.to_vec() })
    }

    /// Of classes that have ended long ago.
    fn drop_old(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let age = entry.metadata().ok().and_then(|meta| meta.modified().ok()).and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > Duration::from_millis(CHECKPOINT_KEPT_MS)) {
                // What cannot be removed is tried again with the next one.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Temporary;
    use fitconnect_protocol::Uuid;

    #[test]
    fn the_newest_is_read_back_and_a_damaged_one_is_none() {
        let folder = Temporary::new().expect("a folder");
        let checkpoints = Checkpoints::open(&folder.path().join("checkpoints")).expect("made");
        let class = ClassId(Uuid::from_u128(3));
        assert_eq!(checkpoints.read(class), None);
        for seq in 1..=2 {
            let checkpoint = Checkpoint { seq, since: Millis(7), body: vec![seq as u8; 100] };
            checkpoints.keep(class, Some(&checkpoint)).expect("kept");
            assert_eq!(checkpoints.read(class), Some(checkpoint));
        }
        let path = checkpoints.path(class);
        let mut bytes = fs::read(&path).expect("there");
        bytes[50] ^= 1;
        fs::write(&path, bytes).expect("written");
        assert_eq!(checkpoints.read(class), None);
        checkpoints.keep(class, None).expect("removed");
        checkpoints.keep(class, None).expect("gone already");
    }
}
