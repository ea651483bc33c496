//! Notices: what happened elsewhere and concerns one. They wait in one's inbox until they are read, on any device.

use crate::class::Timestamp;
use crate::ids::{ClassId, RoomId, UserId};
use crate::report::Verdict;
use serde::{Deserialize, Serialize};

/// What a notice is about: each can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum NoticeTopic {
    /// Somebody means one: by name, or with an answer.
    Mention,
    /// One was brought into a room.
    Room,
    /// One's classes.
    Class,
}

/// Where a message stands, and whose it is. It has no words: what is deleted is then read nowhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Place {
    pub room: RoomId,
    /// As the room was called then; a talk of two has no name.
    pub room_name: String,
    pub seq: u64,
    pub by: UserId,
    pub name: String,
}

/// What one is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum NoticeOf {
    /// Somebody named one in a message.
    Mentioned { place: Place },
    /// Somebody answered one's message.
    Answered { place: Place },
    /// Somebody brought one into a room.
    BroughtIn { room: RoomId, room_name: String, by: UserId, name: String },
    /// A class has left its summary.
    Summary { class: ClassId, class_name: String },
    /// Moderators took the words of one's message away. Always told.
    Deleted { room: RoomId, room_name: String, seq: u64 },
    /// One's report was decided, or one's message that was held back. Always told.
    Decided {
        room: RoomId,
        room_name: String,
        verdict: Verdict,
        /// It was one's own message.
        held: bool,
    },
}

/// One notice in the inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Notice {
    /// Rises with each; the newest has the highest.
    pub number: u64,
    pub at_ms: Timestamp,
    pub read: bool,
    /// So many of the same kind, by the same person in the same room, since one has read the last; this is the newest of them.
    pub times: u32,
    pub of: NoticeOf,
}

impl NoticeOf {
    /// Which switch it obeys; `None`: it is always told.
    pub fn topic(&self) -> Option<NoticeTopic> {
        match self {
            NoticeOf::Mentioned { .. } | NoticeOf::Answered { .. } => Some(NoticeTopic::Mention),
            NoticeOf::BroughtIn { .. } => Some(NoticeTopic::Room),
            NoticeOf::Summary { .. } => Some(NoticeTopic::Class),
            NoticeOf::Deleted { .. } | NoticeOf::Decided { .. } => None,
        }
    }

    /// The message that it is about.
    pub fn place(&self) -> Option<&Place> {
        match self {
            NoticeOf::Mentioned { place } | NoticeOf::Answered { place } => Some(place),
            NoticeOf::BroughtIn { .. }
            | NoticeOf::Summary { .. }
            | NoticeOf::Deleted { .. }
            | NoticeOf::Decided { .. } => None,
        }
    }

    /// Whose doing it is.
    pub fn by(&self) -> Option<UserId> {
        match self {
            NoticeOf::Mentioned { place } | NoticeOf::Answered { place } => Some(place.by),
            NoticeOf::BroughtIn { by, .. } => Some(*by),
            NoticeOf::Summary { .. } | NoticeOf::Deleted { .. } | NoticeOf::Decided { .. } => None,
        }
    }
}
