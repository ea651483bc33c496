//! The opening, topics and positions, requests and what answers them.
//! Client: `[id, request]`; server: `[id, reply]`, or `[0, push]`. A body is a map whose key `t` names its type.

use crate::class::{AttentionList, BoardSnapshot, ClassCommand, ClassEvent, ClassSnapshot, Forecast};
use crate::error::Refusal;
use crate::ids::{ClassId, CmdId, GymId, RoomId, SessionId, Slot, UserId};
use crate::presence::{Presence, Present};
use crate::room::{HistoryFrom, Mention, Message, RoomCommand, RoomEvent, RoomMember, RoomSnapshot};
use crate::sample::{Acked, Samples};
use crate::user::{Role, UserCommand, UserEvent, UserSnapshot};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What one may follow: `class:<id>`, `class:<id>:board`, `class:<id>:desk`, `user:me`, `room:<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Phase, plan and cues of a class.
    Class(ClassId),
    /// What TV and members see of the people in it.
    Board(ClassId),
    /// What staff see.
    Desk(ClassId),
    /// One's own inbox.
    Me,
    /// What happens in a room, numbered for as long as it lasts.
    Room(RoomId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topic::Class(id) => write!(f, "class:{id}"),
            Topic::Board(id) => write!(f, "class:{id}:board"),
            Topic::Desk(id) => write!(f, "class:{id}:desk"),
            Topic::Me => f.write_str("user:me"),
            Topic::Room(id) => write!(f, "room:{id}"),
        }
    }
}

impl FromStr for Topic {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a topic is class:<id>, class:<id>:board, class:<id>:desk, user:me or room:<id>";
        let mut parts = text.split(':');
        let (kind, key, view) = (parts.next(), parts.next(), parts.next());
        if parts.next().is_some() {
            return Err(WRONG);
        }
        match (kind, key, view) {
            (Some("class"), Some(id), None) => id.parse().map(Topic::Class).map_err(|_| WRONG),
            (Some("class"), Some(id), Some("board")) => id.parse().map(Topic::Board).map_err(|_| WRONG),
            (Some("class"), Some(id), Some("desk")) => id.parse().map(Topic::Desk).map_err(|_| WRONG),
            (Some("user"), Some("me"), None) => Ok(Topic::Me),
            (Some("room"), Some(id), None) => id.parse().map(Topic::Room).map_err(|_| WRONG),
            _ => Err(WRONG),
        }
    }
}

impl Serialize for Topic {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use super::Topic;
    impl schemars::JsonSchema for Topic {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Topic".into()
        }
        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({ "type": "string", "pattern": "^(class:[0-9a-f-]{36}(:board|:desk)?|user:me|room:[0-9a-f-]{36})$" })
        }
    }
    impl ts_rs::TS for Topic {
        type WithoutGenerics = Self;
        type OptionInnerType = Self;
        fn name(_: &ts_rs::Config) -> String {
            "string".into()
        }
        fn inline(_: &ts_rs::Config) -> String {
            "string".into()
        }
    }
}

/// A place in a topic's events: the last one that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Position {
    pub epoch: u32,
    pub offset: u64,
}

/// `[topic, epoch, offset]` of a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TopicPosition(pub Topic, pub u32, pub u64);

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Request {
    /// First frame of a client that cannot put its token into the subprotocol.
    Hello {
        token: String,
    },
    /// A new token of the same person, before the old one ends.
    Refresh {
        token: String,
    },
    /// After a reconnect: the session to reclaim and every topic with its position.
    Resume {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        session: Option<SessionId>,
        topics: Vec<TopicPosition>,
    },
    Subscribe {
        topic: Topic,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        position: Option<Position>,
    },
    Unsubscribe {
        topic: Topic,
    },
    /// A round trip of clocks; `t0` comes back as it was.
    Clock {
        t0: f64,
    },
    Class {
        class: ClassId,
        cmd: CmdId,
        act: ClassCommand,
    },
    User {
        cmd: CmdId,
        act: UserCommand,
    },
    Samples(Samples),
    /// Echo of the newest tick, every 2 s; no reply.
    Seen {
        h: u32,
        tick: u32,
    },
    /// Rows of a large class that this viewer wants besides the top.
    Look {
        topic: Topic,
        slots: Vec<Slot>,
    },
    Room {
        room: RoomId,
        cmd: CmdId,
        act: RoomCommand,
    },
    /// A page of a room's messages.
    History {
        room: RoomId,
        from: HistoryFrom,
        limit: u16,
    },
    /// People of a room, in the order of their names.
    Members {
        room: RoomId,
        /// Beginnings of words of the name, in any order and case; empty: everybody.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
        q: String,
        /// The last of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        after: Option<Mention>,
    },
    /// Whom of a room's people one looks at: of many, these alone are told to be there. One room at a time; no reply.
    LookAt {
        room: RoomId,
        people: Vec<UserId>,
    },
    /// One types in this room; no reply, and nothing is kept of it.
    Typing {
        room: RoomId,
    },
    /// Everything of this room up to this number has arrived here: told to the other of two, and kept in memory alone; no reply.
    Got {
        room: RoomId,
        through: u64,
    },
    /// A high five to one person of the class, or to all; no reply, and only the number that each has got is kept.
    Five {
        class: ClassId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        to: Option<Slot>,
    },
    /// Rows of a class's board that this person's pages leave out: those that show the name of somebody whom one has blocked, or who has
    /// blocked one. To be asked by those who hide somebody, again when the board's people have changed.
    Hidden {
        class: ClassId,
    },
    /// One is there, for the next few seconds; no reply.
    Here {
        is: Presence,
    },
}

/// What a snapshot holds, by topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Snapshot {
    Class(Box<ClassSnapshot>),
    Board(Box<BoardSnapshot>),
    User(Box<UserSnapshot>),
    Room(Box<RoomSnapshot>),
}

/// An event of any topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(untagged)]
pub enum Event {
    Class(ClassEvent),
    User(UserEvent),
    Room(RoomEvent),
}

/// Why a topic could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum NotRecovered {
    /// No position was given.
    New,
    /// The topic's count began again: a restart or a fault of the server.
    EpochChanged,
    /// The missed events are no longer kept.
    TooOld,
    /// The position lies ahead of the topic.
    Ahead,
}

/// A topic is followed from here on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Subscribed {
    pub topic: Topic,
    /// Stands for the topic in later pushes.
    pub h: u32,
    pub epoch: u32,
    pub offset: u64,
    /// True: exactly the missed events follow as pushes. False: a snapshot, and why.
    pub recovered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub reason: Option<NotRecovered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub snapshot: Option<Snapshot>,
}

/// When a sample is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// On the disk of this node.
    Local,
    /// On a quorum of the event store.
    Quorum,
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Response {
    /// First frame of the server.
    Welcome {
        session: SessionId,
        /// Major and minor version.
        protocol: (u16, u16),
        build: String,
        heartbeat_ms: u32,
        frame_bytes_max: u32,
        server_time_ms: i64,
        /// How fast class time runs; receivers stamp in class milliseconds.
        clock_rate: u32,
        ack: AckMode,
        user: UserId,
        gym: GymId,
        role: Role,
        features: Vec<String>,
    },
    /// Done, with nothing to add.
    Done,
    Refused(Refusal),
    Subscribed(Box<Subscribed>),
    /// The session was reclaimed or not; a `subscribed` push follows for each topic.
    Resuming {
        session: SessionId,
        reclaimed: bool,
        topics: u32,
    },
    /// Server's Unix milliseconds at receipt and at answer.
    Clock {
        t0: f64,
        t1: f64,
        t2: f64,
    },
    Joined {
        slot: Slot,
    },
    /// The offset that counts: the first one that was said for this boot.
    Booted {
        offset: i64,
    },
    /// The move's number, for an undo, and when it takes effect.
    Planned {
        id: u32,
        at: i64,
    },
    /// What the move would come to.
    Foreseen(Forecast),
    /// Rows that are left out, all of them.
    Hidden {
        class: ClassId,
        slots: Vec<Slot>,
    },

    /// An event of a topic: offset follows offset without a hole.
    Event {
        h: u32,
        o: u64,
        e: Event,
    },
    /// Packed rows of a board: see the layout.
    Tick {
        h: u32,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "schema", ts(type = "Uint8Array"), schemars(schema_with = "crate::ids::bin_schema"))]
        b: Vec<u8>,
    },
    /// One's own row from the unredacted board with its acknowledgement; beyond 200 riders with a slice of the board.
    Mine(Mine),
    /// Acknowledgements alone, where no row is due.
    Acked {
        class: ClassId,
        acks: Vec<Acked>,
    },
    Attention {
        h: u32,
        list: AttentionList,
    },
    /// Samples that were not taken: keep them, or mend what the code says.
    Unwanted {
        class: ClassId,
        refusal: Refusal,
    },
    /// Private words from the trainer.
    Whisper {
        class: ClassId,
        /// To be told back when it has been shown; the same words may come twice.
        id: u32,
        text: String,
    },
    /// Events wait: this reader is behind and will be pulled up from its position.
    Lagging {
        h: u32,
    },
    /// The server goes away; come back after so long.
    GoAway {
        code: u16,
        reconnect_after_ms: u32,
    },
    /// It has happened in the room, under this number.
    Numbered {
        seq: u64,
    },
    /// Messages in order of their numbers; `more` lie beyond the end that was asked towards.
    Page {
        room: RoomId,
        messages: Vec<Message>,
        more: bool,
    },
    /// People of a room, in the order of their names; `more` come after the last.
    Members {
        room: RoomId,
        members: Vec<RoomMember>,
        more: bool,
    },
    /// Somebody types in a room that is followed.
    Typing {
        h: u32,
        user: UserId,
        name: String,
    },
    /// How far the other of a room of two is: everything up to `got` has arrived on a device of theirs, up to `read` they have read.
    Marks {
        h: u32,
        got: u64,
        read: u64,
    },
    /// The topic is no longer followed: it is not for you any more.
    Ended {
        h: u32,
    },
    /// High fives that one has got since the last of these.
    Fives {
        class: ClassId,
        count: u32,
        /// Of the first who gave them, as the board calls them; three at most.
        names: Vec<String>,
        /// All of this class.
        total: u32,
    },
    /// Who is there in a room that is followed: all of it, each time.
    Presence {
        h: u32,
        online: u32,
        in_class: u32,
        away: u32,
        /// In order of their ids: those of them whom one looks at; where one looks at nobody, all, unless they are many.
        people: Vec<Present>,
    },
}

/// A rider's own frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Mine {
    pub class: ClassId,
    /// One board row, unredacted.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(feature = "schema", ts(type = "Uint8Array"), schemars(schema_with = "crate::ids::bin_schema"))]
    pub row: Vec<u8>,
    pub splats: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Acked>>"))]
    pub acks: Vec<Acked>,
    /// A packed frame with the top and one's neighbours, beyond 200 riders.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        ts(optional, type = "Uint8Array"),
        schemars(schema_with = "crate::ids::bin_schema")
    )]
    pub slice: Option<Vec<u8>>,
    /// Names in the slice that are new to this socket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<(Slot, String)>>"))]
    pub names: Vec<(Slot, String)>,
}
