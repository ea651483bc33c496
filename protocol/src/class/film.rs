//! A stretch of a class as somebody who followed it would have heard it: what a page plays to look back.

use super::{AttentionKind, AttentionList, BoardSnapshot, ClassEvent, ClassSnapshot, Timestamp};
use crate::ids::Slot;
use serde::{Deserialize, Serialize};

/// Whose eyes look back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum FilmView {
    /// The hall's.
    Board,
    /// The trainer's.
    Desk,
}

/// From `from` to `to`, class time: the snapshots at `from`, then all that was told, in order of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Film {
    pub from: Timestamp,
    /// Nothing is known beyond it: where the class still runs, it may be earlier than what was asked for.
    pub to: Timestamp,
    pub class: ClassSnapshot,
    pub people: BoardSnapshot,
    pub heard: Vec<Heard>,
    /// Only for the desk: what has come onto the trainer's list in the whole class, the newest `limits::FILM_RAISED_MAX`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Raised>>"))]
    pub raised: Vec<Raised>,
}

/// What was told at this class time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Heard {
    pub at: Timestamp,
    pub what: Told,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Told {
    Event {
        e: ClassEvent,
    },
    /// Packed rows of the board, once a second of class time: see the layout.
    Tick {
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "schema", ts(type = "Uint8Array"), schemars(schema_with = "crate::ids::bin_schema"))]
        b: Vec<u8>,
    },
    Attention {
        list: AttentionList,
    },
}

/// Something came onto the trainer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Raised {
    pub at: Timestamp,
    pub kind: AttentionKind,
    /// Nobody where it is about many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub slot: Option<Slot>,
}
