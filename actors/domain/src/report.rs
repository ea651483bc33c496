//! What is filed about a message: who reported it, its words at that moment, and what was decided. Not part of a room's numbered events:
//! members are not told of it. The room files it, the store keeps it, `/v1/reports` shows it.

use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::{Picture, RoomKind};
use fitconnect_protocol::{CmdId, GymId, ImageId, RoomId, UserId};
use serde::{Deserialize, Serialize};

/// A report as it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The command that made it; of a message that was held back the one that would have posted it.
    pub id: CmdId,
    pub gym: GymId,
    pub room: RoomId,
    /// What the room was called then; a talk of two has no name.
    pub room_kind: RoomKind,
    pub room_name: String,
    /// The message's number; 0: it was held back, and has none.
    pub seq: u64,
    /// What a message that was held back answers.
    #[serde(default)]
    pub reply_to: Option<u64>,
    /// Whom a message that was held back means.
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// The message's picture.
    #[serde(default)]
    pub picture: Option<Picture>,
    pub author: UserId,
    pub author_name: String,
    pub reporter: UserId,
    pub reporter_name: String,
    pub reason: ReportReason,
    /// The reporter's.
    pub words: String,
    /// The message's, as they were.
    pub text: String,
    /// When the message was posted, Unix milliseconds.
    pub posted_at_ms: i64,
    /// Unix milliseconds.
    pub at_ms: i64,
}

impl Report {
    /// The message is nowhere but here.
    pub fn is_held(&self) -> bool {
        self.seq == 0
    }
}

/// Who decided, what, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub by: UserId,
    pub name: String,
    pub verdict: Verdict,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// A report as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Filed {
    pub report: Report,
    pub decision: Option<Decision>,
}

/// What an actor files with its commit besides its own changes: reports, and which pictures belong to a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Where the same person's report of this message is open, that one stays and this one is nothing.
    Opened(Box<Report>),
    /// This report is decided, and with it every open one of the same message.
    Decided { report: CmdId, room: RoomId, seq: u64, decision: Decision },
    /// A message shows this picture from now on; `None`: one that is held back, which has no number yet.
    Hung { image: ImageId, seq: Option<u64>, at_ms: i64 },
    /// The message is no more, and what it showed goes with it.
    TakenDown { room: RoomId, seq: u64, at_ms: i64 },
}
