//! What the tests of this crate share: a small FIT writer, a seeded generator and one way to look at a recording.
//! Not a FIT encoder for anything else: sizes are not checked, so that wrong files can be written too.
//! Used by the integration tests.
#![allow(dead_code)]

use fitconnect_recording::{ReadError, Recording, read};

/// One line a record: `at bpm power cadence rr`, `-` for nothing.
pub fn lines(recording: &Recording) -> Vec<String> {
    let word = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
    let line = |record: &fitconnect_recording::Record| {
        let (bpm, power) = (word(record.bpm.map(u32::from)), word(record.power_w.map(u32::from)));
        let mut line = format!("{} {bpm} {power} {}", record.at_ms, word(record.cadence.map(u32::from)));
        if !record.rr_ms.is_empty() {
            line.push_str(&format!(" rr{:?}", record.rr_ms));
        }
        line
    };
    recording.records.iter().map(line).collect()
}

#[track_caller]
pub fn check(bytes: &[u8], expected: &[&str]) -> Recording {
    let recording = read(bytes).unwrap_or_else(|error| panic!("refused: {error}"));
    assert_eq!(lines(&recording), expected);
    recording
}

#[track_caller]
pub fn refused(bytes: &[u8], message: &str) -> ReadError {
    let error = read(bytes).expect_err("should be refused");
    assert_eq!(error.to_string(), message);
    error
}

pub const FIT_EPOCH_MS: i64 = 631_065_600_000;
pub const T0: u32 = 1_000_000_000;

/// Record (20) with timestamp, heart rate, cadence and power, as most devices write it.
pub const RECORD: &[[u8; 3]] = &[[253, 4, 0x86], [3, 1, 0x02], [4, 1, 0x02], [7, 2, 0x84]];

#[derive(Default)]
pub struct Fit {
    data: Vec<u8>,
}

impl Fit {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn define(mut self, local: u8, global: u16, fields: &[[u8; 3]]) -> Self {
        self.data.extend([0x40 | local, 0, 0]);
        self.data.extend(global.to_le_bytes());
        self.data.push(fields.len() as u8);
        self.data.extend(fields.concat());
        self
    }

    pub fn define_with_developer(mut self, local: u8, global: u16, fields: &[[u8; 3]], developer: &[[u8; 3]]) -> Self {
        let at = self.data.len();
        self = self.define(local, global, fields);
        self.data[at] |= 0x20;
        self.data.push(developer.len() as u8);
        self.data.extend(developer.concat());
        self
    }

    pub fn data(mut self, local: u8, parts: &[&[u8]]) -> Self {
        self.data.push(local);
        self.data.extend(parts.concat());
        self
    }

    pub fn compressed(mut self, local: u8, offset: u8, parts: &[&[u8]]) -> Self {
        self.data.push(0x80 | (local << 5) | (offset & 0x1f));
        self.data.extend(parts.concat());
        self
    }

    /// A record of `RECORD`'s fields, `at` seconds after T0.
    pub fn record(self, at: u32, bpm: u8, cadence: u8, power: u16) -> Self {
        self.data(0, &[&(T0 + at).to_le_bytes(), &[bpm, cadence], &power.to_le_bytes()])
    }

    pub fn build(&self) -> Vec<u8> {
        let mut file = vec![14, 0x20, 0, 8];
        file.extend((self.data.len() as u32).to_le_bytes());
        file.extend(b".FIT");
        file.extend(crc(&file).to_le_bytes());
        file.extend(&self.data);
        file.extend(crc(&file).to_le_bytes());
        file
    }
}

/// The file's checksum made right again, where its header still tells where that is.
pub fn repair(file: &mut [u8]) {
    let Some(length) = file.get(4..8).and_then(|length| length.try_into().ok()) else {
        return;
    };
    let end = usize::from(file[0]) + u32::from_le_bytes(length) as usize;
    if end + 2 <= file.len() {
        let checksum = crc(&file[..end]);
        file[end..end + 2].copy_from_slice(&checksum.to_le_bytes());
    }
}

fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xa001 })
    })
}

/// Marsaglia's xorshift64: the same numbers for the same seed, everywhere.
pub struct XorShift(pub u64);

impl XorShift {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}
