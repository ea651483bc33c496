//! The live board as packed little-endian rows inside a `bin`: a header, then rows in rank order.
//! Every size and offset is a constant here and is generated into TypeScript. 200 people fit 2.3 KB.

use crate::ids::Slot;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 28;
pub const HEADER_EPOCH: usize = 0;
pub const HEADER_TICK: usize = 4;
/// Class time of the tick in milliseconds, as f64: exact up to 2^53.
pub const HEADER_CLASS_MS: usize = 8;
pub const HEADER_PHASE: usize = 16;
pub const HEADER_FLAGS: usize = 17;
/// Which run of the plan, [`NO_RUN`] outside it.
pub const HEADER_RUN: usize = 18;
/// Milliseconds of class time that the run still lasts, [`NO_END`] where it is held.
pub const HEADER_LEFT_MS: usize = 20;
pub const HEADER_ROWS: usize = 24;
/// People in the class now.
pub const HEADER_RIDERS: usize = 26;

/// Bytes of a row.
pub const ROW_BYTES: usize = 11;
pub const ROW_SLOT: usize = 0;
pub const ROW_BPM: usize = 2;
pub const ROW_PERCENT: usize = 3;
pub const ROW_STATE: usize = 4;
pub const ROW_POINTS: usize = 5;
pub const ROW_KCAL: usize = 7;
pub const ROW_RANK: usize = 9;

/// This frame holds every row; rows that it lacks are gone.
pub const FLAG_FULL: u8 = 1;
/// More parts of the same full frame follow.
pub const FLAG_MORE: u8 = 2;

/// Not shown, not known or not given.
pub const ABSENT_U8: u8 = 0xFF;
pub const ABSENT_U16: u16 = 0xFFFF;
pub const NO_RUN: u16 = 0xFFFF;
pub const NO_END: u32 = 0xFFFF_FFFF;

/// Bits of the state byte: zone 0–5 (0 = below 50 %), [`ZONE_ABSENT`] where there is none.
pub const STATE_ZONE_MASK: u8 = 0b0000_0111;
pub const ZONE_ABSENT: u8 = 7;
pub const STATE_SIGNAL_SHIFT: u8 = 3;
pub const STATE_SIGNAL_MASK: u8 = 0b0011_1000;
pub const STATE_OVER_MAX: u8 = 0b0100_0000;
pub const STATE_HAND: u8 = 0b1000_0000;

/// How fresh a row's heart rate is, and why it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Signal {
    /// Nothing has come yet.
    #[default]
    Waiting = 0,
    /// At most 1.5 s old.
    Live = 1,
    /// Older than 1.5 s: shown as live, by a page that no tick reaches any more for as long as it is not stale.
    Ageing = 2,
    /// Older than 3 s: shown dim, with its age.
    Stale = 3,
    /// Older than 10 s though the receiver is connected: the sensor.
    LostSensor = 4,
    /// Older than 10 s and the receiver is away.
    LostNetwork = 5,
    Left = 6,
}

impl Signal {
    pub const ALL: [Signal; 7] = [
        Signal::Waiting,
        Signal::Live,
        Signal::Ageing,
        Signal::Stale,
        Signal::LostSensor,
        Signal::LostNetwork,
        Signal::Left,
    ];
}

/// The first bytes of a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    pub epoch: u32,
    pub tick: u32,
    pub class_ms: i64,
    /// [`crate::class::Phase`] as its number.
    pub phase: u8,
    pub flags: u8,
    pub run: u16,
    pub left_ms: u32,
    pub rows: u16,
    pub riders: u16,
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[HEADER_EPOCH..][..4].copy_from_slice(&self.epoch.to_le_bytes());
        b[HEADER_TICK..][..4].copy_from_slice(&self.tick.to_le_bytes());
        b[HEADER_CLASS_MS..][..8].copy_from_slice(&(self.class_ms as f64).to_le_bytes());
        b[HEADER_PHASE] = self.phase;
        b[HEADER_FLAGS] = self.flags;
        b[HEADER_RUN..][..2].copy_from_slice(&self.run.to_le_bytes());
        b[HEADER_LEFT_MS..][..4].copy_from_slice(&self.left_ms.to_le_bytes());
        b[HEADER_ROWS..][..2].copy_from_slice(&self.rows.to_le_bytes());
        b[HEADER_RIDERS..][..2].copy_from_slice(&self.riders.to_le_bytes());
        b
    }

    /// A whole frame: this header, which counts them, and the encoded `rows`.
    pub fn packed(&self, rows: &[u8]) -> Vec<u8> {
        let header = Header { rows: (rows.len() / ROW_BYTES) as u16, ..*self };
        [&header.encode()[..], rows].concat()
    }

    /// `None` where the bytes are too few.
    pub fn decode(b: &[u8]) -> Option<Header> {
        if b.len() < HEADER_BYTES {
            return None;
        }
        Some(Header {
            epoch: u32::from_le_bytes(array(b, HEADER_EPOCH)),
            tick: u32::from_le_bytes(array(b, HEADER_TICK)),
            class_ms: f64::from_le_bytes(array(b, HEADER_CLASS_MS)) as i64,
            phase: b[HEADER_PHASE],
            flags: b[HEADER_FLAGS],
            run: u16::from_le_bytes(array(b, HEADER_RUN)),
            left_ms: u32::from_le_bytes(array(b, HEADER_LEFT_MS)),
            rows: u16::from_le_bytes(array(b, HEADER_ROWS)),
            riders: u16::from_le_bytes(array(b, HEADER_RIDERS)),
        })
    }
}

/// One person's line of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardRow {
    pub slot: Slot,
    pub bpm: Option<u8>,
    pub percent: Option<u8>,
    /// 0–5; `None` where there is no heart rate, no profile or no consent.
    pub zone: Option<u8>,
    pub signal: Signal,
    pub over_max: bool,
    pub hand: bool,
    pub points: Option<u16>,
    pub kcal: Option<u16>,
    /// `None` where the person is not ranked.
    pub rank: Option<u16>,
}

impl BoardRow {
    pub fn encode(&self) -> [u8; ROW_BYTES] {
        let mut b = [0; ROW_BYTES];
        let state = self.zone.unwrap_or(ZONE_ABSENT) & STATE_ZONE_MASK
            | (self.signal as u8) << STATE_SIGNAL_SHIFT
            | if self.over_max { STATE_OVER_MAX } else { 0 }
            | if self.hand { STATE_HAND } else { 0 };
        b[ROW_SLOT..][..2].copy_from_slice(&self.slot.to_le_bytes());
        b[ROW_BPM] = self.bpm.unwrap_or(ABSENT_U8);
        b[ROW_PERCENT] = self.percent.unwrap_or(ABSENT_U8);
        b[ROW_STATE] = state;
        b[ROW_POINTS..][..2].copy_from_slice(&self.points.unwrap_or(ABSENT_U16).to_le_bytes());
        b[ROW_KCAL..][..2].copy_from_slice(&self.kcal.unwrap_or(ABSENT_U16).to_le_bytes());
        b[ROW_RANK..][..2].copy_from_slice(&self.rank.unwrap_or(ABSENT_U16).to_le_bytes());
        b
    }

    /// `None` where the bytes are too few.
    pub fn decode(b: &[u8]) -> Option<BoardRow> {
        if b.len() < ROW_BYTES {
            return None;
        }
        let state = b[ROW_STATE];
        let zone = state & STATE_ZONE_MASK;
        let signal = (state & STATE_SIGNAL_MASK) >> STATE_SIGNAL_SHIFT;
        Some(BoardRow {
            slot: u16::from_le_bytes(array(b, ROW_SLOT)),
            bpm: Some(b[ROW_BPM]).filter(|v| *v != ABSENT_U8),
            percent: Some(b[ROW_PERCENT]).filter(|v| *v != ABSENT_U8),
            zone: Some(zone).filter(|v| *v != ZONE_ABSENT),
            signal: Signal::ALL.get(usize::from(signal)).copied().unwrap_or_default(),
            over_max: state & STATE_OVER_MAX != 0,
            hand: state & STATE_HAND != 0,
            points: present(b, ROW_POINTS),
            kcal: present(b, ROW_KCAL),
            rank: present(b, ROW_RANK),
        })
    }
}

/// Rows of a packed frame behind its header.
pub fn rows(frame: &[u8]) -> impl Iterator<Item = BoardRow> + '_ {
    frame.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(ROW_BYTES).filter_map(BoardRow::decode)
}

fn present(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(array(b, at))).filter(|v| *v != ABSENT_U16)
}

fn array<const N: usize>(b: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&b[at..at + N]);
    out
}

/// Name and value of every layout constant, for the TypeScript generator.
pub const LAYOUT: &[(&str, u64)] = &[
    ("HEADER_BYTES", HEADER_BYTES as u64),
    ("HEADER_EPOCH", HEADER_EPOCH as u64),
    ("HEADER_TICK", HEADER_TICK as u64),
    ("HEADER_CLASS_MS", HEADER_CLASS_MS as u64),
    ("HEADER_PHASE", HEADER_PHASE as u64),
    ("HEADER_FLAGS", HEADER_FLAGS as u64),
    ("HEADER_RUN", HEADER_RUN as u64),
    ("HEADER_LEFT_MS", HEADER_LEFT_MS as u64),
    ("HEADER_ROWS", HEADER_ROWS as u64),
    ("HEADER_RIDERS", HEADER_RIDERS as u64),
    ("ROW_BYTES", ROW_BYTES as u64),
    ("ROW_SLOT", ROW_SLOT as u64),
    ("ROW_BPM", ROW_BPM as u64),
    ("ROW_PERCENT", ROW_PERCENT as u64),
    ("ROW_STATE", ROW_STATE as u64),
    ("ROW_POINTS", ROW_POINTS as u64),
    ("ROW_KCAL", ROW_KCAL as u64),
    ("ROW_RANK", ROW_RANK as u64),
    ("FLAG_FULL", FLAG_FULL as u64),
    ("FLAG_MORE", FLAG_MORE as u64),
    ("ABSENT_U8", ABSENT_U8 as u64),
    ("ABSENT_U16", ABSENT_U16 as u64),
    ("NO_RUN", NO_RUN as u64),
    ("NO_END", NO_END as u64),
    ("STATE_ZONE_MASK", STATE_ZONE_MASK as u64),
    ("ZONE_ABSENT", ZONE_ABSENT as u64),
    ("STATE_SIGNAL_SHIFT", STATE_SIGNAL_SHIFT as u64),
    ("STATE_SIGNAL_MASK", STATE_SIGNAL_MASK as u64),
    ("STATE_OVER_MAX", STATE_OVER_MAX as u64),
    ("STATE_HAND", STATE_HAND as u64),
];
