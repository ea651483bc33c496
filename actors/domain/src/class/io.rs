//! What goes into a class and what comes out of it, besides its changes.

use super::change::Facts;
use crate::letter::LetterBody;
use crate::time::ClassMs;
use crate::user::Blocks;
use fitconnect_protocol::class::{AttentionKind, AttentionList, ClassCommand, ClassEvent};
use fitconnect_protocol::sample::{Acked, Row, Samples};
use fitconnect_protocol::session::{Position, Response, Topic};
use fitconnect_protocol::tick::{Header, ROW_BYTES};
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{Boot, CmdId, GymId, ReceiverId, Seq, SessionId, Slot, SourceId, UserId};
use std::sync::Arc;

/// Who asks, as the session knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    pub user: UserId,
    pub gym: GymId,
    pub role: Role,
    pub session: SessionId,
    /// The hall that a hub or a screen is bound to.
    pub hall: Option<String>,
    /// As others at a desk read it.
    pub name: String,
}

impl Caller {
    pub fn is_staff(&self) -> bool {
        self.role >= Role::Trainer
    }
}

#[derive(Clone, Debug)]
pub enum Input {
    Create {
        by: UserId,
        cmd: CmdId,
        facts: Box<Facts>,
    },
    Command {
        by: Arc<Caller>,
        cmd: CmdId,
        act: ClassCommand,
    },
    Samples {
        by: Arc<Caller>,
        samples: Samples,
    },
    Subscribe {
        by: Arc<Caller>,
        topic: Topic,
        position: Option<Position>,
    },
    Unsubscribe {
        session: SessionId,
        topic: Topic,
    },
    Look {
        by: Arc<Caller>,
        slots: Vec<Slot>,
    },
    /// A session's socket was lost, or came back; or the session has ended.
    Link {
        session: SessionId,
        link: Link,
    },
    /// Records up to this number are on disk.
    Durable {
        record: u64,
    },
    Loaded(Loaded),
    Letter(LetterBody),
    /// A high five, to one or to all.
    Five {
        by: Arc<Caller>,
        to: Option<Slot>,
    },
    /// Which rows of the board this person's pages leave out.
    Hidden {
        by: Arc<Caller>,
    },
    /// The stored alarm.
    Wake,
    /// The timer of memory.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Up,
    Down,
    Ended,
}

/// A sample as it is stored and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSample {
    pub source: SourceId,
    pub receiver: ReceiverId,
    pub boot: Boot,
    pub seq: Seq,
    /// Class time: receiver's time + offset.
    pub at: ClassMs,
    pub row: Row,
}

/// Stored rows that a class asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// Name, body data and consent of a member.
    Person { user: UserId },
    /// All samples of sensors that a person has worn: everything that was recorded before this was asked.
    Series { slot: Slot, sources: Vec<SourceId> },
}

/// What was asked for; `None` where there is nobody.
#[derive(Clone, Debug)]
pub enum Loaded {
    Person {
        user: UserId,
        person: Option<Box<Person>>,
    },
    Series {
        slot: Slot,
        samples: Vec<StoredSample>,
    },
    /// The store could not answer.
    Failed(Load),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub gym: GymId,
    pub name: String,
    /// Revision of the user's row: the user tells of anything newer.
    pub rev: u64,
    pub profile: Profile,
    pub consent: Consent,
    pub blocks: Blocks,
}

/// What a class hands to the local log.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Samples(Vec<StoredSample>),
    /// An item came onto the trainer's list.
    Raised {
        at: ClassMs,
        kind: AttentionKind,
        slot: Option<Slot>,
    },
}

/// What a class tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    /// To all who follow the topic; `whole_only`: not to riders who get slices.
    Event {
        topic: Topic,
        event: ClassEvent,
        whole_only: bool,
    },
    /// To desks; the newest wins.
    Attention(AttentionList),
    Tick(Box<TickFrame>),
    /// To one session.
    Direct {
        session: SessionId,
        response: Response,
    },
    /// To one session, if it has time for it.
    Passing {
        session: SessionId,
        response: Response,
    },
}

/// Rows of one view in rank order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// What has changed since the last tick.
    pub changed: Vec<u8>,
    /// Everything that this view shows, every ten seconds and where somebody has come; else empty.
    pub all: Vec<u8>,
}

/// A rider's own frame, to be cut.
#[derive(Clone, Debug, PartialEq)]
pub struct MineFrame {
    pub session: SessionId,
    pub slot: Slot,
    pub row: [u8; ROW_BYTES],
    pub splats: u16,
    pub acks: Vec<Acked>,
}

/// A tick of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct TickFrame {
    pub header: Header,
    pub desk: Rows,
    pub board: Rows,
    /// Beyond 200 riders each gets a slice of all rows of the board, in rank order.
    pub slices: Option<Slices>,
    pub mine: Vec<MineFrame>,
}

/// What slices are cut from.
#[derive(Clone, Debug, PartialEq)]
pub struct Slices {
    pub rows: Vec<u8>,
    /// Row number by slot; `u32::MAX` where there is no row.
    pub place: Vec<u32>,
    /// Name on the board by slot.
    pub names: Arc<Vec<String>>,
}

/// What a class says to other actors without a promise: nothing yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {}
