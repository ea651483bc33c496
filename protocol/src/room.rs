//! A room: people who write to each other. Everything that happens in it has a number, without a hole, for as long as the room lasts.

use crate::class::Timestamp;
use crate::ids::{CmdId, GymId, ImageId, RoomId, UserId};
use crate::report::{ReportReason, Verdict};
use serde::{Deserialize, Serialize};

/// What a room is for. It says who may make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// The chat of a class: its id is the class's. Made by staff.
    Class,
    /// The whole gym's: its id is the gym's. Made by staff.
    Gym,
    /// A team's, made by any member.
    Team,
    /// A trainer and one client. Made by staff.
    Trainer,
    /// Two people: its id is [`RoomId::direct`] of them. Made by either.
    Direct,
    /// A challenge's. Made by staff.
    Challenge,
    /// A member and the front desk: all staff may read and write. Made by any member.
    Support,
}

/// How one comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum JoinRule {
    /// Everybody of the gym may join.
    Open,
    /// A moderator adds people.
    Invited,
    /// Nobody comes or goes: those who were there at the beginning.
    Fixed,
}

/// What a member may do. A higher role may do all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    Member,
    /// Adds and removes people, deletes others' messages.
    Moderator,
    Owner,
}

/// What one does in a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum RoomCommand {
    /// Makes the room. Its maker is its owner; `members` are there from the beginning.
    Create {
        kind: RoomKind,
        name: String,
        join: JoinRule,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<UserId>>"))]
        members: Vec<UserId>,
    },
    Join,
    Leave,
    /// A moderator brings somebody in.
    Add {
        user: UserId,
    },
    /// A moderator sends somebody out.
    Remove {
        user: UserId,
    },
    /// The owner says what another may do.
    Appoint {
        user: UserId,
        role: RoomRole,
    },
    Post {
        text: String,
        /// The message that this answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        reply_to: Option<u64>,
        /// Whom the words mean by `@name`. Those who are in the room find it in their inbox; others are only words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<UserId>>"))]
        mentions: Vec<UserId>,
        /// A picture that one has sent to this room (`POST /v1/rooms/{room}/images`); then there need be no words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        image: Option<ImageId>,
    },
    /// One's own message, with other words.
    Edit {
        seq: u64,
        text: String,
    },
    /// Adds a reaction to a message, or takes it back. One may have several on a message, each once.
    React {
        seq: u64,
        reaction: Reaction,
        on: bool,
    },
    /// One's own message, or as a moderator anybody's: its words are gone, its number stays.
    Delete {
        seq: u64,
    },
    /// A moderator, or either of two, hangs a message on the wall, or takes it down.
    Pin {
        seq: u64,
        pinned: bool,
    },
    /// A moderator says how many seconds lie between two messages of one member; 0: none.
    Slow {
        seconds: u16,
    },
    /// A moderator silences a member for so long; 0 takes it back.
    Mute {
        user: UserId,
        for_s: u32,
    },
    /// A moderator sends somebody out, who cannot come back until it is taken back.
    Ban {
        user: UserId,
        banned: bool,
    },
    /// A member points at another's message. Its words as they are now are kept for those who decide; nobody else is told.
    Report {
        seq: u64,
        reason: ReportReason,
        /// In one's own words, if that helps.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        #[cfg_attr(feature = "schema", ts(optional, as = "Option<String>"))]
        words: String,
    },
    /// Staff, or a moderator of a room of more than two, decide a report, and with it every other open one of the same message. A report
    /// that was decided stays as it was.
    Decide {
        /// The command that reported.
        report: CmdId,
        verdict: Verdict,
    },
}

impl RoomCommand {
    /// A message of words alone.
    pub fn say(text: impl Into<String>) -> RoomCommand {
        RoomCommand::Post { text: text.into(), reply_to: None, mentions: Vec::new(), image: None }
    }
}

/// What one answers without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// 👍
    Thumb,
    /// ❤️
    Heart,
    /// 😂
    Laugh,
    /// 🔥
    Fire,
    /// 💪
    Strong,
    /// 👏
    Clap,
}

/// Who has reacted in one way, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Reacted {
    pub reaction: Reaction,
    pub by: Vec<UserId>,
}

/// A reaction came or went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Toggle {
    /// Of the message.
    pub seq: u64,
    pub by: UserId,
    pub reaction: Reaction,
    pub on: bool,
}

/// Somebody by name, as messages name them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Mention {
    pub user: UserId,
    pub name: String,
}

/// A picture of a message: `GET /v1/images/{image}` has it, as JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Picture {
    pub image: ImageId,
    /// Pixels.
    pub width: u16,
    pub height: u16,
}

/// A message as it is now: edits show, and what was deleted has no words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Message {
    /// Its number in the room.
    pub seq: u64,
    pub at_ms: Timestamp,
    pub by: UserId,
    pub name: String,
    /// The command that posted it: whoever sent it knows it by that.
    pub cmd: CmdId,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub reply_to: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Mention>>"))]
    pub mentions: Vec<Mention>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub picture: Option<Picture>,
    /// Number of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub edited: Option<u64>,
    /// Who deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub deleted_by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Reacted>>"))]
    pub reactions: Vec<Reacted>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RoomMember {
    pub user: UserId,
    pub name: String,
    pub role: RoomRole,
}

/// What the topic `room:<id>` tells. Its offset is the room's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum RoomEvent {
    Created {
        gym: GymId,
        kind: RoomKind,
        name: String,
        join: JoinRule,
        members: Vec<RoomMember>,
        at_ms: Timestamp,
    },
    /// Where it was edited or deleted since, it is told as it is now.
    Posted {
        message: Message,
    },
    Edited {
        message: Message,
    },
    /// Reactions of a short time, in the order in which they came.
    Reacted {
        toggles: Vec<Toggle>,
        at_ms: Timestamp,
    },
    /// A moderator or the author took the words of this message away.
    Deleted {
        message: Message,
    },
    Joined {
        member: RoomMember,
        by: UserId,
        at_ms: Timestamp,
    },
    Left {
        user: UserId,
        by: UserId,
        at_ms: Timestamp,
    },
    Appointed {
        user: UserId,
        role: RoomRole,
        by: UserId,
        at_ms: Timestamp,
    },
    Pinned {
        seq: u64,
        pinned: bool,
        by: UserId,
        at_ms: Timestamp,
    },
    Slowed {
        seconds: u16,
        by: UserId,
        at_ms: Timestamp,
    },
    Muted {
        user: UserId,
        /// 0: not any more.
        until_ms: Timestamp,
        by: UserId,
        at_ms: Timestamp,
    },
    /// Whoever is banned has left with this.
    Banned {
        user: UserId,
        banned: bool,
        by: UserId,
        at_ms: Timestamp,
    },
    /// One of two has blocked the other, or taken it back: while one of them has, nothing is written.
    Closed {
        closed: bool,
        by: UserId,
        at_ms: Timestamp,
    },
}

/// The topic `room:<id>` as it is at its offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RoomSnapshot {
    pub room: RoomId,
    pub gym: GymId,
    pub kind: RoomKind,
    pub name: String,
    pub join: JoinRule,
    /// One's own; staff may look into a room of their gym without being in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub role: Option<RoomRole>,
    /// How many are in it.
    pub people: u32,
    /// The first of them, in order of their ids.
    pub members: Vec<RoomMember>,
    /// The newest messages, oldest first.
    pub recent: Vec<Message>,
    /// Numbers of pinned messages, in the order in which they were pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<u64>>"))]
    pub pins: Vec<u64>,
    /// Seconds between two messages of one member.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<u16>"))]
    pub slow_s: u16,
    /// Until when one is silent oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub muted_until_ms: Option<Timestamp>,
    /// One of two has blocked the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<bool>"))]
    pub closed: bool,
}

fn is_zero(seconds: &u16) -> bool {
    *seconds == 0
}

/// Which page of a room's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum HistoryFrom {
    /// The newest with numbers below this.
    Before { seq: u64 },
    /// The oldest with numbers above this.
    After { seq: u64 },
    /// The oldest of this moment and later.
    Since { at_ms: Timestamp },
}
