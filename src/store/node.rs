//! Who this process is to others on the same database: a node, which lives in its data folder, and an incarnation of it, which is new with
//! every start.

use super::OpenError;
use fitconnect_protocol::Uuid;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

const FILE: &str = "node";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: Uuid,
    pub incarnation: Uuid,
    /// For people: address, process, machine.
    pub addr: String,
}

impl Node {
    /// The node of a folder whose lock is ours. A folder that was copied is another node: the file says where it lay.
    pub fn of(folder: &Path, listen: &str) -> Result<Node, OpenError> {
        let path = folder.join(FILE);
        let place = fs::metadata(folder).map_err(OpenError::folder(folder))?;
        let place = format!("{}:{}", place.dev(), place.ino());
        let known = fs::read_to_string(&path).unwrap_or_default();
        let known = known.split_once(' ').filter(|(_, lay)| lay.trim() == place);
        let id = match known.and_then(|(id, _)| id.parse().ok()) {
            Some(id) => id,
            None => {
                let id = Uuid::now_v7();
                write(folder, &path, &format!("{id} {place}\n")).map_err(OpenError::folder(&path))?;
                id
            }
        };
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let addr = match host.trim() {
            "" => format!("{listen}, process {}", std::process::id()),
            host => format!("{listen}, process {} on {host}", std::process::id()),
        };
        Ok(Node { id, incarnation: Uuid::now_v7(), addr })
    }
}

/// Whole or not at all.
fn write(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Temporary;

    #[test]
    fn a_folder_is_one_node_and_its_copy_another() {
        let (here, there) = (Temporary::new().expect("a folder"), Temporary::new().expect("a folder"));
        let first = Node::of(here.path(), "127.0.0.1:1").expect("a node");
        let second = Node::of(here.path(), "127.0.0.1:1").expect("a node");
        assert_eq!(first.id, second.id);
        assert_ne!(first.incarnation, second.incarnation);
        fs::copy(here.path().join(FILE), there.path().join(FILE)).expect("copied");
        assert_ne!(Node::of(there.path(), "127.0.0.1:1").expect("a node").id, first.id);
    }
}
