//! What goes into a room and what comes out of it, besides its events.

use crate::AskId;
use crate::class::Caller;
use crate::letter::LetterBody;
use crate::lexicon::Folded;
use crate::report::Filed;
use crate::room::Reporting;
use crate::user::Blocks;
use fitconnect_protocol::room::{HistoryFrom, Mention, Message, Picture, RoomCommand, RoomEvent};
use fitconnect_protocol::session::Position;
use fitconnect_protocol::{CmdId, GymId, ImageId, RoomId, UserId};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Input {
    Command {
        by: Arc<Caller>,
        cmd: CmdId,
        act: RoomCommand,
    },
    Subscribe {
        by: Arc<Caller>,
        room: RoomId,
        position: Option<Position>,
    },
    History {
        by: Arc<Caller>,
        from: HistoryFrom,
        limit: u16,
    },
    /// A page of its people, in the order of their names.
    Members {
        by: Arc<Caller>,
        q: String,
        after: Option<Mention>,
    },
    /// Somebody types: told, if they may write, and forgotten.
    Typing {
        by: Arc<Caller>,
    },
    /// Everything up to this number has arrived on a device of theirs.
    Got {
        by: Arc<Caller>,
        through: u64,
    },
    /// One of two has read up to this number: their own account says so.
    Read {
        user: UserId,
        through: u64,
    },
    /// Whether this caller has this right here; the shell asks before it shows something of the room.
    May {
        by: Arc<Caller>,
        right: Right,
    },
    Loaded(Loaded),
    Letter(LetterBody),
    /// The timer of memory.
    Tick,
}

/// What the shell asks of a room for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To see what is written in it.
    Read,
    /// To write in it.
    Write,
    /// To see its reports.
    Decide,
}

/// What has happened, for good: an event, and earlier ones that are stored otherwise from now on. What was deleted or written anew is
/// nowhere read again as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub event: RoomEvent,
    pub rewrites: Vec<(u64, RoomEvent)>,
}

impl From<RoomEvent> for Change {
    fn from(event: RoomEvent) -> Change {
        Change { event, rewrites: Vec::new() }
    }
}

/// Somebody as a room knows them before they come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub gym: GymId,
    pub name: String,
    pub blocks: Blocks,
}

/// A picture that nobody shows yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loose {
    pub room: RoomId,
    pub by: UserId,
    pub picture: Picture,
}

/// Stored rows that a room asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Somebody's gym, name and blocks.
    Person { user: UserId },
    /// How far one of two has read.
    Read { user: UserId },
    /// One message, as it is now.
    Message { seq: u64 },
    /// A picture that a message shall show.
    Image { image: ImageId },
    /// What is filed about a person who reports this message.
    Reporting { user: UserId, seq: u64 },
    /// The gym's list of words.
    Lexicon { gym: GymId },
    /// One report.
    Report { report: CmdId },
    /// Messages, the nearest to where it begins first: one more than asked for, where there is one.
    Page { ask: AskId, from: HistoryFrom, limit: u16 },
}

/// What was asked for; `None` where there is no such thing.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    Person {
        user: UserId,
        person: Option<Box<Person>>,
    },
    /// None: nobody shall know, or there is no such person.
    Read {
        user: UserId,
        through: Option<u64>,
    },
    Message {
        seq: u64,
        message: Option<Box<Message>>,
    },
    Image {
        image: ImageId,
        /// None where there is none, or a message shows it already.
        found: Option<Loose>,
    },
    Reporting {
        user: UserId,
        seq: u64,
        found: Reporting,
    },
    Lexicon {
        gym: GymId,
        found: Folded,
    },
    Report {
        report: CmdId,
        filed: Option<Box<Filed>>,
        /// Whose reports of its message are open.
        reporters: Vec<UserId>,
    },
    Page {
        ask: AskId,
        from: HistoryFrom,
        limit: u16,
        messages: Vec<Message>,
    },
    /// The store could not answer.
    Failed(Load),
}

/// What a room tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    /// To all who follow it, at this place of the topic. From then on earlier places tell what `rewrites` says.
    Event { at: Position, event: Box<RoomEvent>, rewrites: Vec<(u64, RoomEvent)> },
    /// To all who follow it and have time for it, without a number.
    Typing { user: UserId, name: String },
    /// To the other of two: what has arrived at this one, and what this one has read.
    Marks { of: UserId, got: u64, read: u64 },
    /// Who is there is told to nobody any more, or it is again.
    Silent(bool),
    /// This person follows it no longer, on no device.
    Gone { user: UserId },
}
