//! Reads activity files, FIT, TCX and GPX, from bytes into samples of heart rate, power and cadence.
//! Not a library of tracks: positions, distance and altitude are dropped here, and nothing is scored or stored.
//! Called by the server's import, by `fitconnect ride FILE` and by the load generator.

mod assemble;
mod error;
mod fit;
mod gpx;
pub mod limits;
pub mod shipped;
mod sniff;
mod tcx;
mod xml;

pub use error::{Format, Place, ReadError};

/// One activity, in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub format: Format,
    /// Time of the first record, milliseconds since 1970 (UTC).
    pub started_at_ms: i64,
    /// The file's own word in lower case: "cycling", "running", "other"; "multisport" where a FIT file has several.
    pub sport: Option<String>,
    /// The device as the file names it.
    pub device: Option<String>,
    /// The rider's threshold power, only where the file has one.
    pub ftp_w: Option<u16>,
    pub laps: Vec<Lap>,
    /// At least one; each has a heart rate, a power or a cadence; times rise strictly.
    pub records: Vec<Record>,
}

/// A lap, milliseconds since `started_at_ms`; one that began before the first record begins at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lap {
    pub start_ms: u32,
    pub end_ms: u32,
}

/// What was measured at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Milliseconds since `started_at_ms`.
    pub at_ms: u32,
    pub bpm: Option<u16>,
    pub power_w: Option<u16>,
    /// As recorded: revolutions a minute on a bike, strides (not steps) a minute on a run.
    pub cadence: Option<u8>,
    /// Beat to beat intervals that ended since the record before, oldest first.
    pub rr_ms: Vec<u16>,
}

/// Reads an activity file; the format is told from the content, never from the file's name.
pub fn read(bytes: &[u8]) -> Result<Recording, ReadError> {
    if bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    if bytes.len() > limits::INPUT_BYTES_MAX {
        return Err(ReadError::TooLarge { bytes: bytes.len() });
    }
    match sniff::format(bytes)? {
        Format::Fit => fit::read(bytes),
        Format::Tcx => tcx::read(bytes),
        Format::Gpx => gpx::read(bytes),
    }
}

impl Recording {
    /// The usual time between two records: 1,000 for a device that records each second, more for smart recording.
    /// 0 where there is only one record.
    pub fn median_step_ms(&self) -> u32 {
        let mut steps: Vec<u32> = self.records.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
        if steps.is_empty() {
            return 0;
        }
        let middle = steps.len() / 2;
        *steps.select_nth_unstable(middle).1
    }

    /// The records of `from_ms .. from_ms + len_ms`, their times counted from `from_ms`.
    pub fn window(&self, from_ms: u32, len_ms: u32) -> Vec<Record> {
        let first = self.records.partition_point(|record| record.at_ms < from_ms);
        let inside = self.records[first..].iter().take_while(|record| record.at_ms - from_ms < len_ms);
        inside.map(|record| Record { at_ms: record.at_ms - from_ms, ..record.clone() }).collect()
    }
}
