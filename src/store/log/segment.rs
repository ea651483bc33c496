//! A segment file and the records in it: `length u32, crc32c u32, payload`, little-endian. The checksum begins with the segment's
//! number, so that bytes of an earlier use never pass. Length 0 is the end.
//!
//! A segment is a head, then groups (each a group record and its events, one write and one sync each), then a seal. The next group
//! is written only when the one before is on disk: whatever is broken with a later group behind it has been damaged, not torn.

use crc32c::{crc32c, crc32c_append};
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Length and checksum.
pub const FRAME: usize = 8;
const HEAD: u8 = 1;
const GROUP: u8 = 2;
const SEAL: u8 = 3;
/// Layout of what stands in a segment; another one is refused.
const VERSION: u8 = 1;

pub const HEAD_BYTES: usize = FRAME + 1 + 1 + 4 + 8 + 4;
pub const GROUP_BYTES: usize = FRAME + 1 + 8;
pub const SEAL_BYTES: usize = FRAME + 1 + 8;

/// A segment in use or waiting to be shipped.
#[derive(Debug)]
pub struct Segment {
    pub id: u64,
    pub path: PathBuf,
    pub file: File,
    /// Bytes that are on disk: readers go so far.
    durable: AtomicU64,
}

impl Segment {
    pub fn new(id: u64, path: PathBuf, file: File, durable: u64) -> Segment {
        Segment { id, path, file, durable: AtomicU64::new(durable) }
    }
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }
    pub fn set_durable(&self, bytes: u64) {
        self.durable.store(bytes, Ordering::Release);
    }
}

/// Name of a segment's file.
pub fn file_name(id: u64) -> String {
    format!("{id:016x}.seg")
}

pub fn id_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// Which window a segment belongs to, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub node: u32,
    pub window: u64,
    pub part: u32,
}

/// A record's payload, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'b> {
    Head(Head),
    Group(u64),
    Seal,
    Event(&'b [u8]),
}

/// What stands at a place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'b> {
    Record {
        payload: Payload<'b>,
        next: usize,
    },
    /// Nothing has been written here.
    End,
    /// Something that does not pass.
    Bad,
    /// It passes, and a later version wrote it.
    Later,
}

fn checksum(segment: u64, length: [u8; 4], payload: &[u8]) -> u32 {
    crc32c_append(crc32c_append(crc32c(&segment.to_le_bytes()), &length), payload)
}

/// Fills in length and checksum of a record whose payload stands behind [`FRAME`] bytes.
pub fn seal_frame(segment: u64, record: &mut [u8]) {
    let (frame, payload) = record.split_at_mut(FRAME);
    let length = (payload.len() as u32).to_le_bytes();
    frame[..4].copy_from_slice(&length);
    frame[4..].copy_from_slice(&checksum(segment, length, payload).to_le_bytes());
}

fn record<const N: usize>(segment: u64, parts: &[&[u8]]) -> [u8; N] {
    let mut record = [0; N];
    let mut at = FRAME;
    for part in parts {
        record[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    seal_frame(segment, &mut record);
    record
}

pub fn head_record(segment: u64, head: Head) -> [u8; HEAD_BYTES] {
    let Head { node, window, part } = head;
    record(segment, &[&[HEAD, VERSION], &node.to_le_bytes(), &window.to_le_bytes(), &part.to_le_bytes()])
}

pub fn group_record(segment: u64, number: u64) -> [u8; GROUP_BYTES] {
    record(segment, &[&[GROUP], &number.to_le_bytes()])
}

pub fn seal_record(segment: u64) -> [u8; SEAL_BYTES] {
    record(segment, &[&[SEAL], &segment.to_le_bytes()])
}

fn le_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn le_u64(bytes: &[u8]) -> u64 {
    u64::from(le_u32(bytes)) | u64::from(le_u32(&bytes[4..])) << 32
}

/// The record at `at`.
pub fn read(segment: u64, bytes: &[u8], at: usize) -> Read<'_> {
    let Some(frame) = bytes.get(at..at + FRAME) else {
        return if bytes.get(at..).is_none_or(|rest| rest.iter().all(|byte| *byte == 0)) {
            Read::End
        } else {
            Read::Bad
        };
    };
    let length = le_u32(frame) as usize;
    if length == 0 {
        return Read::End;
    }
    let next = (at + FRAME).saturating_add(length);
    let Some(payload) = bytes.get(at + FRAME..next) else { return Read::Bad };
    if le_u32(&frame[4..]) != checksum(segment, [frame[0], frame[1], frame[2], frame[3]], payload) {
        return Read::Bad;
    }
    let body = &payload[1..];
    let payload = match payload[0] {
        HEAD if body.first() == Some(&VERSION) && body.len() == 17 => {
            Payload::Head(Head { node: le_u32(&body[1..]), window: le_u64(&body[5..]), part: le_u32(&body[13..]) })
        }
        GROUP if body.len() == 8 => Payload::Group(le_u64(body)),
        SEAL => Payload::Seal,
        0..16 => return Read::Later,
        _ => Payload::Event(payload),
    };
    Read::Record { payload, next }
}

/// Whether a group above `number`, or the seal, begins anywhere in `places`: then everything before it had reached the disk.
pub fn goes_on_behind(segment: u64, bytes: &[u8], places: Range<usize>, number: u64) -> bool {
    let lengths = [GROUP_BYTES - FRAME, SEAL_BYTES - FRAME];
    let end = places.end.min(bytes.len().saturating_sub(FRAME));
    (places.start..end).any(|at| {
        if !lengths.contains(&(le_u32(&bytes[at..]) as usize)) {
            return false;
        }
        match read(segment, bytes, at) {
            Read::Record { payload: Payload::Group(later), .. } => later > number,
            Read::Record { payload: Payload::Seal, .. } => true,
            Read::Record { .. } | Read::End | Read::Bad | Read::Later => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_pass_in_their_own_segment_only() {
        let head = Head { node: 3, window: 9, part: 1 };
        let bytes = head_record(7, head);
        assert_eq!(read(7, &bytes, 0), Read::Record { payload: Payload::Head(head), next: HEAD_BYTES });
        assert_eq!(read(8, &bytes, 0), Read::Bad, "bytes of an earlier use");
        for at in 0..bytes.len() {
            let mut broken = bytes;
            broken[at] ^= 1;
            assert_eq!(read(7, &broken, 0), Read::Bad, "bit at {at}");
        }
    }

    #[test]
    fn an_empty_place_is_the_end() {
        assert_eq!(read(7, &[0; 64], 0), Read::End);
        assert_eq!(read(7, &[0; 5], 0), Read::End);
        assert_eq!(read(7, &[0, 0, 1], 0), Read::Bad);
        assert_eq!(read(7, &[], 0), Read::End);
    }

    #[test]
    fn names_carry_the_number() {
        assert_eq!(id_of(&file_name(0x1f)), Some(0x1f));
        assert_eq!(id_of("1f.seg"), None);
        assert_eq!(id_of("000000000000001f.tmp"), None);
    }
}
