//! Gathers samples in the order of the file and makes a `Recording` of them: sorted, merged, counted from the first.
//! Not a parser; absolute times (Unix milliseconds) come in, no format is known here except for its name in errors.
//! Called by the three readers.

use crate::error::DAY_MS;
use crate::limits::{LAPS_MAX, NAME_CHARS_MAX, RECORDS_MAX, SPAN_MS_MAX};
use crate::{Format, Lap, Place, ReadError, Record, Recording};

pub(crate) struct Assembler {
    format: Format,
    pub(crate) sport: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) ftp_w: Option<u16>,
    samples: Vec<Sample>,
    laps: Vec<(i64, i64)>,
    early_rr_ms: Vec<u16>,
}

/// The measured values of one record as a reader found them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    pub(crate) bpm: Option<u16>,
    pub(crate) power_w: Option<u16>,
    pub(crate) cadence: Option<u8>,
}

struct Sample {
    at_ms: i64,
    record: Record,
}

impl Assembler {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            sport: None,
            device: None,
            ftp_w: None,
            samples: Vec::new(),
            laps: Vec::new(),
            early_rr_ms: Vec::new(),
        }
    }

    /// Takes one record; one that measured nothing is passed over.
    pub(crate) fn record(
        &mut self,
        at_ms: i64,
        measured: Measured,
        place: impl Fn() -> Place,
    ) -> Result<(), ReadError> {
        // 0 and the type's maximum are what devices write when a sensor is paired but silent.
        let bpm = measured.bpm.filter(|&bpm| bpm != 0 && bpm != 255);
        let power_w = measured.power_w.filter(|&watts| watts != u16::MAX);
        let cadence = measured.cadence.filter(|&cadence| cadence != u8::MAX);
        if bpm.is_none() && power_w.is_none() && cadence.is_none() {
            return Ok(());
        }
        if self.samples.len() == RECORDS_MAX {
            return Err(self.too_many("records", RECORDS_MAX, place()));
        }
        let rr_ms = std::mem::take(&mut self.early_rr_ms);
        self.samples.push(Sample { at_ms, record: Record { at_ms: 0, bpm, power_w, cadence, rr_ms } });
        Ok(())
    }

    /// Takes an interval between beats: it belongs to the record before it, or to the first if there is none yet.
    pub(crate) fn rr(&mut self, rr_ms: u16) {
        match self.samples.last_mut() {
            Some(sample) => sample.record.rr_ms.push(rr_ms),
            None => self.early_rr_ms.push(rr_ms),
        }
    }

    pub(crate) fn lap(&mut self, start_ms: i64, end_ms: i64, place: impl Fn() -> Place) -> Result<(), ReadError> {
        if self.laps.len() == LAPS_MAX {
            return Err(self.too_many("laps", LAPS_MAX, place()));
        }
        self.laps.push((start_ms, end_ms.max(start_ms)));
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Recording, ReadError> {
        // Stable: of two records with one time the one later in the file stays later, and wins.
        self.samples.sort_by_key(|sample| sample.at_ms);
        let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) else {
            return Err(ReadError::NoSamples);
        };
        let (started_at_ms, span_ms) = (first.at_ms, last.at_ms.saturating_sub(first.at_ms));
        if span_ms > SPAN_MS_MAX {
            return Err(ReadError::SpanTooLong { days: span_ms / DAY_MS });
        }
        if !self.samples.iter().any(|sample| sample.record.bpm.is_some() || sample.record.power_w.is_some()) {
            return Err(ReadError::NoSamples);
        }
        let since_start = |at_ms: i64| -> u32 {
            u32::try_from(at_ms.saturating_sub(started_at_ms).clamp(0, SPAN_MS_MAX)).expect("31 days fit into 32 bits")
        };
        let mut records: Vec<Record> = Vec::with_capacity(self.samples.len());
        for Sample { at_ms, record } in self.samples {
            let record = Record { at_ms: since_start(at_ms), ..record };
            match records.last_mut() {
                Some(before) if before.at_ms == record.at_ms => merge(before, record),
                _ => records.push(record),
            }
        }
        self.laps.sort_unstable();
        let laps = self.laps.iter().map(|&(start, end)| Lap { start_ms: since_start(start), end_ms: since_start(end) });
        Ok(Recording {
            format: self.format,
            started_at_ms,
            sport: self.sport.map(|sport| short(&sport).to_lowercase()),
            device: self.device.map(|device| short(&device)),
            ftp_w: self.ftp_w,
            laps: laps.collect(),
            records,
        })
    }

    fn too_many(&self, what: &'static str, max: usize, place: Place) -> ReadError {
        ReadError::TooMany { format: self.format, what, max, place }
    }
}

/// A name of at most `NAME_CHARS_MAX` characters, without line breaks or other control characters.
pub(crate) fn short(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

fn merge(before: &mut Record, mut later: Record) {
    before.bpm = later.bpm.or(before.bpm);
    before.power_w = later.power_w.or(before.power_w);
    before.cadence = later.cadence.or(before.cadence);
    before.rr_ms.append(&mut later.rr_ms);
}
