//! Reads FIT activities: the record, hrv, lap, session, sport, zones_target and file_id messages of all chained parts.
//! Not read: positions, the `hr` messages of swim straps that report after the fact, workouts, settings. Raw field
//! numbers and values are used, not fitparser's profile names: those cost allocations and fail on odd types.

mod developer;
mod frames;

use chrono::{NaiveDate, NaiveDateTime};
use fitparser::Value;
use fitparser::profile::{FieldDataType, MesgNum, get_field_variant_as_string};

use crate::assemble::{Assembler, Measured};
use crate::{Format, Place, ReadError, Recording};
use frames::{Frames, Message};

pub(crate) fn read(bytes: &[u8]) -> Result<Recording, ReadError> {
    let mut frames = Frames::new(bytes);
    let mut ride = Ride { out: Assembler::new(Format::Fit), sessions: Vec::new() };
    while let Some(message) = frames.next()? {
        ride.take(&message)?;
    }
    ride.out.sport = sport(&ride.sessions).or(ride.out.sport);
    ride.out.finish()
}

struct Ride {
    out: Assembler,
    /// The sports of the sessions, each once; bounded by the 256 values of the field.
    sessions: Vec<i64>,
}

impl Ride {
    /// Field numbers are those of the FIT profile (Garmin FIT SDK 21.202, Profile.xlsx).
    fn take(&mut self, message: &Message) -> Result<(), ReadError> {
        match message.kind {
            MesgNum::Record => return self.record(message),
            MesgNum::Lap => return self.lap(message),
            MesgNum::Hrv => self.hrv(message.field(0)),
            MesgNum::ZonesTarget => self.ftp(message.integer(3)),
            MesgNum::Session => {
                self.ftp(message.integer(45));
                let sport = message.integer(5).filter(|sport| !self.sessions.contains(sport));
                self.sessions.extend(sport);
            }
            MesgNum::Sport => {
                let name = message.integer(0).and_then(|sport| variant(FieldDataType::Sport, sport));
                self.out.sport = self.out.sport.take().or(name);
            }
            MesgNum::FileId => {
                let device = device(message);
                self.out.device = self.out.device.take().or(device);
            }
            _ => {}
        }
        Ok(())
    }

    fn record(&mut self, message: &Message) -> Result<(), ReadError> {
        let Some(time) = message.time else {
            return Ok(());
        };
        let measured = Measured {
            bpm: message.measured(3).and_then(|bpm| u16::try_from(bpm).ok()),
            cadence: message.measured(4).and_then(|cadence| u8::try_from(cadence).ok()),
            power_w: message.measured(7).and_then(|watts| u16::try_from(watts).ok()),
        };
        self.out.record(unix_ms(time), measured, || Place::Byte { at: message.at })
    }

    fn lap(&mut self, message: &Message) -> Result<(), ReadError> {
        let Some(start) = message.integer(2).and_then(|start| u32::try_from(start).ok()) else {
            return Ok(());
        };
        let start_ms = unix_ms(start);
        // total_elapsed_time is finer, but an Edge 1000 counts a pause into the lap after it, from before that lap's start.
        let end_ms = match (message.time, message.integer(7)) {
            (Some(end), _) => unix_ms(end),
            (None, elapsed_ms) => start_ms.saturating_add(elapsed_ms.unwrap_or(0)),
        };
        self.out.lap(start_ms, end_ms, || Place::Byte { at: message.at })
    }

    fn hrv(&mut self, intervals: Option<&Value>) {
        let intervals = match intervals {
            Some(Value::Array(intervals)) => intervals.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => return,
        };
        for interval in intervals {
            if let Value::UInt16(rr_ms @ 1..) = interval {
                self.out.rr(*rr_ms);
            }
        }
    }

    fn ftp(&mut self, watts: Option<i64>) {
        let watts = watts.and_then(|watts| u16::try_from(watts).ok()).filter(|&watts| watts != 0);
        self.out.ftp_w = self.out.ftp_w.or(watts);
    }
}

/// One sport, or "multisport" where the sessions differ; the changes between (transition) are no sport of their own.
fn sport(sessions: &[i64]) -> Option<String> {
    let transition = fitparser::profile::field_types::Sport::Transition.as_i64();
    let mut sports = sessions.iter().filter(|&&sport| sport != transition);
    let (first, second) = (sports.next()?, sports.next());
    if second.is_some() {
        return Some("multisport".to_owned());
    }
    variant(FieldDataType::Sport, *first)
}

fn device(message: &Message) -> Option<String> {
    if let Some(Value::String(name)) = message.field(8)
        && !name.is_empty()
    {
        return Some(name.clone());
    }
    let maker = variant(FieldDataType::Manufacturer, message.integer(1)?)?;
    // Product numbers are a maker's own; the profile lists only Garmin's.
    let product = message.integer(2).filter(|_| maker == "garmin");
    match product.and_then(|product| variant(FieldDataType::GarminProduct, product)) {
        Some(product) => Some(format!("{maker} {}", product.replace('_', " "))),
        None => Some(maker),
    }
}

fn variant(kind: FieldDataType, value: i64) -> Option<String> {
    kind.is_named_variant(value).then(|| get_field_variant_as_string(kind, value))
}

/// FIT counts seconds from 1989-12-31T00:00:00Z.
fn unix_ms(fit_s: u32) -> i64 {
    const EPOCH: NaiveDateTime =
        NaiveDate::from_ymd_opt(1989, 12, 31).expect("a date").and_hms_opt(0, 0, 0).expect("a time");
    (EPOCH.and_utc().timestamp() + i64::from(fit_s)) * 1_000
}
