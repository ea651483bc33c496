//! Packed board frames: whole, changed and cut, from rows that are encoded already.

use fitconnect_domain::class::io::Slices;
use fitconnect_protocol::Slot;
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::{SLICE_NEIGHBOURS, SLICE_TOP, TICK_PART_BYTES_MAX};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::tick::{FLAG_FULL, FLAG_MORE, HEADER_BYTES, Header, ROW_BYTES, ROW_RANK, ROW_SLOT};
use std::collections::BTreeMap;

const ROWS_A_PART: usize = (TICK_PART_BYTES_MAX - HEADER_BYTES) / ROW_BYTES;

pub type Packed = [u8; ROW_BYTES];

pub fn slot_of(row: &[u8]) -> Slot {
    u16::from_le_bytes([row[ROW_SLOT], row[ROW_SLOT + 1]])
}

/// What a view shows now, by slot: for those who come and for those who have lost a frame.
#[derive(Default)]
pub struct Shown {
    rows: BTreeMap<Slot, Packed>,
}

impl Shown {
    pub fn change(&mut self, rows: &[u8]) {
        for row in rows.chunks_exact(ROW_BYTES) {
            self.rows.insert(slot_of(row), row.try_into().expect("a chunk of this size"));
        }
    }

    pub fn replace(&mut self, rows: &[u8]) {
        self.rows.clear();
        self.change(rows);
    }

    pub fn remove(&mut self, slot: Slot) {
        self.rows.remove(&slot);
    }

    /// All rows in rank order; who has no rank comes last.
    pub fn all(&self) -> Vec<u8> {
        let mut rows: Vec<&Packed> = self.rows.values().collect();
        rows.sort_by_key(|row| (u16::from_le_bytes([row[ROW_RANK], row[ROW_RANK + 1]]), slot_of(&row[..])));
        rows.into_iter().flatten().copied().collect()
    }
}

/// `rows` as frames of a topic; a full board may need several.
pub fn frames(handle: u32, header: &Header, rows: &[u8], full: bool) -> Vec<Frame> {
    let mut parts: Vec<&[u8]> = rows.chunks(ROWS_A_PART * ROW_BYTES).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    let frame = |(index, part): (usize, &[u8])| {
        let more = if full && index < last { FLAG_MORE } else { 0 };
        let flags = if full { FLAG_FULL | more } else { 0 };
        encode(0, &Response::Tick { h: handle, b: Header { flags, ..*header }.packed(part) })
    };
    parts.into_iter().enumerate().map(frame).collect()
}

/// The top and the neighbours of one rider, and whose rows they are.
pub fn cut_slice(header: &Header, epoch: u32, slices: &Slices, slot: Slot) -> (Vec<u8>, Vec<Slot>) {
    let count = slices.rows.len() / ROW_BYTES;
    let top = 0..SLICE_TOP.min(count);
    let place = slices.place.get(usize::from(slot)).copied().filter(|place| (*place as usize) < count);
    let around = place.map_or(0..0, |place| {
        let place = place as usize;
        place.saturating_sub(SLICE_NEIGHBOURS).max(top.end)..(place + SLICE_NEIGHBOURS + 1).min(count).max(top.end)
    });
    let rows = [
        &slices.rows[top.start * ROW_BYTES..top.end * ROW_BYTES],
        &slices.rows[around.start * ROW_BYTES..around.end * ROW_BYTES],
    ]
    .concat();
    let slots = rows.chunks_exact(ROW_BYTES).map(slot_of).collect();
    (Header { epoch, ..*header }.packed(&rows), slots)
}
