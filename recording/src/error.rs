//! Why a file could not be read: one plain sentence each, with the place, fit to be shown to the person who sent the file.
//! Not a log message and not a code; the server maps variants to its own codes.
//! Made by the readers, returned by `read`.

use std::fmt;

use crate::limits::{INPUT_BYTES_MAX, SPAN_MS_MAX};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("not a FIT, TCX or GPX file: it begins with {begins}")]
    NotARecording { begins: String },
    #[error("the file has {bytes} bytes, more than the {INPUT_BYTES_MAX} taken")]
    TooLarge { bytes: usize },
    #[error("the {format} file ends too early, {place}")]
    Cut { format: Format, place: Place },
    #[error("the {format} file is damaged {place}: {what}")]
    Damaged { format: Format, place: Place, what: String },
    #[error("the {format} file holds more than {max} {what} ({place})")]
    TooMany { format: Format, what: &'static str, max: usize, place: Place },
    #[error("the times in this file span {days} days, more than {}: was its clock set on the way?", SPAN_MS_MAX / DAY_MS)]
    SpanTooLong { days: i64 },
    #[error("no heart rate or power in this file")]
    NoSamples,
}

/// What the bytes are, whatever the file is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Fit,
    Tcx,
    Gpx,
}

/// Where in the file: a byte offset from 0 for FIT, a line from 1 for XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Byte { at: usize },
    ByteOf { at: usize, of: usize },
    Line { line: usize },
    Element { name: String, line: usize },
}

pub(crate) const DAY_MS: i64 = 24 * 3_600 * 1_000;

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fit => "FIT",
            Self::Tcx => "TCX",
            Self::Gpx => "GPX",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte { at } => write!(f, "at byte {at}"),
            Self::ByteOf { at, of } => write!(f, "at byte {at} of {of}"),
            Self::Line { line } => write!(f, "at line {line}"),
            Self::Element { name, line } => write!(f, "inside <{name}> at line {line}"),
        }
    }
}
