//! Letters between actors: rows of the sender's transaction, delivered until the receiver has committed their id.

use fitconnect_protocol::notice::NoticeOf;
use fitconnect_protocol::room::RoomKind;
use fitconnect_protocol::{ClassId, RoomId, SessionId, UserId, class::MemberSummary, user::Consent};
use serde::{Deserialize, Serialize};

/// Which actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ActorKey {
    Class(ClassId),
    User(UserId),
    Session(SessionId),
    Room(RoomId),
}

impl ActorKey {
    /// Which of the 256 shards the actor belongs to: the same on every node, in every version.
    pub fn shard(&self) -> u8 {
        let id = match self {
            ActorKey::Class(id) => id.0,
            ActorKey::User(id) => id.0,
            ActorKey::Session(id) => id.0,
            ActorKey::Room(id) => id.0,
        };
        // FNV-1a: a UUIDv7 begins with the time, so its bytes must be mixed.
        let hash = id
            .as_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
        (hash ^ hash >> 32) as u8
    }

    pub fn kind(&self) -> &'static str {
        match self {
            ActorKey::Class(_) => "class",
            ActorKey::User(_) => "user",
            ActorKey::Session(_) => "session",
            ActorKey::Room(_) => "room",
        }
    }
}

impl std::fmt::Display for ActorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ActorKey::Class(id) => write!(f, "class:{id}"),
            ActorKey::User(id) => write!(f, "user:{id}"),
            ActorKey::Session(id) => write!(f, "session:{id}"),
            ActorKey::Room(id) => write!(f, "room:{id}"),
        }
    }
}

/// Given by the sender's host; unique for ever: sender, its revision, and a number within the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LetterId {
    pub from: ActorKey,
    pub rev: u64,
    pub number: u32,
}

/// A letter before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    pub to: ActorKey,
    pub body: LetterBody,
}

/// What actors write to each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LetterBody {
    /// To a user: you are in this class; it saw your row as of `rev`.
    InClass { class: ClassId, rev: u64 },
    /// To a user: you are no longer in it.
    LeftClass { class: ClassId },
    /// To a user: what the class leaves of you.
    Summary(Box<MemberSummary>),
    /// To a class: this is what the person shares from now on.
    Consent { user: UserId, rev: u64, consent: Consent },
    /// To a class: a trainer has approved the person's typed maximum.
    HrMaxApproved { user: UserId },
    /// To a user: you are in this room, whose talk began to be yours behind `read`.
    InRoom {
        room: RoomId,
        kind: RoomKind,
        name: String,
        read: u64,
        /// The other, in a room of two.
        #[serde(default)]
        with: Option<UserId>,
    },
    /// To a user: you are no longer in it.
    LeftRoom { room: RoomId },
    /// To a user, to the rooms of the two, and to the classes of the one: the one has blocked the other, or taken it back.
    Blocked { by: UserId, user: UserId, blocked: bool },
    /// To a user: something for the inbox, of this moment (Unix milliseconds).
    Notice { of: NoticeOf, at_ms: i64 },
}
