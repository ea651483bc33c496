//! A person: body data that figures are made with, consents, and the commands that change them.

use crate::class::{MemberSummary, Timestamp};
use crate::ids::{ClassId, GymId, RoomId, UserId};
use crate::notice::{Notice, NoticeTopic};
use crate::room::RoomKind;
use serde::{Deserialize, Serialize};

/// What an account may do. A higher role may do all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Watches one hall: a TV.
    Screen,
    /// Hands over samples of the sensors that are assigned in its hall.
    Hub,
    Member,
    Trainer,
    Admin,
}

/// Sex as the formulas know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    Male,
    Female,
}

/// Where a maximum heart rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum HrMaxSource {
    /// Found in a test.
    Measured,
    /// Raised by the system after a class.
    Auto,
    /// Typed by the member; ranks after a trainer's approval.
    Entered,
    /// From age; about ± 10 bpm.
    Formula,
}

/// Body data that figures are made with. Unknown is unknown, never a guess.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub sex: Option<Sex>,
    /// Date of birth, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub born: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub weight_kg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_rest: Option<u16>,
    /// bpm; from age where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max_source: Option<HrMaxSource>,
    /// A trainer has approved a maximum that the member typed.
    pub hr_max_approved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub ftp_w: Option<u16>,
    /// No zones, no percent, no rank, no percent alarms. The reason is never kept.
    pub zones_off: bool,
}

/// How one appears on the board and the TV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ShowAs {
    Hidden,
    #[default]
    Alias,
    Name,
}

/// What one shares. Nothing is granted until it is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Consent {
    pub show_on_board: ShowAs,
    /// Heart rate, percent and zone on the board.
    pub show_hr: bool,
    pub show_calories: bool,
    /// Heart rate, percent and zone on the trainer's desk.
    pub share_with_trainer: bool,
    /// A guardian's consent; without it one under 18 is hidden.
    pub guardian: bool,
    pub research: bool,
    pub marketing: bool,
}

impl Consent {
    /// What both allow.
    pub fn and(&self, other: &Consent) -> Consent {
        Consent {
            show_on_board: self.show_on_board.min(other.show_on_board),
            show_hr: self.show_hr && other.show_hr,
            show_calories: self.show_calories && other.show_calories,
            share_with_trainer: self.share_with_trainer && other.share_with_trainer,
            guardian: self.guardian && other.guardian,
            research: self.research && other.research,
            marketing: self.marketing && other.marketing,
        }
    }
}

/// Changes to one's own account, on any device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum UserCommand {
    /// Whole consent as it is from now on; running classes obey within a second.
    Consent { consent: Consent },
    /// Whole body data; counts from the next class.
    Profile { profile: Profile },
    /// A trainer approves a typed maximum of this member.
    ApproveHrMax { user: UserId },
    /// One has read a room up to this number, on any device. A smaller number than before changes nothing.
    Read { room: RoomId, through: u64 },
    /// Nothing of this person is shown to one any more, and nothing of oneself to them; or it is taken back.
    Block { user: UserId, blocked: bool },
    /// One has read these notices of the inbox; what is there no more changes nothing.
    ReadNotices { numbers: Vec<u64> },
    /// Nobody is told that one is there, or they are again. Each device obeys by what it says of itself ([`crate::presence::Presence`]).
    Unseen { unseen: bool },
    /// Whether notices about this come at all.
    Want { topic: NoticeTopic, wanted: bool },
}

/// Somebody of whom nothing is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Hidden {
    pub user: UserId,
    /// Where one has blocked them oneself: how they are called in the list from which that is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub name: Option<String>,
}

/// A room that one is in. What is unread are the numbers of its topic above `read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct OwnRoom {
    pub room: RoomId,
    pub kind: RoomKind,
    pub name: String,
    pub read: u64,
    /// The other, in a room of two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub with: Option<UserId>,
}

/// What the topic `user:me` tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum UserEvent {
    Consent {
        consent: Consent,
    },
    Profile {
        profile: Profile,
    },
    /// A class has settled, or a late sample made a new version.
    Summary {
        summary: Box<MemberSummary>,
    },
    /// The class one is in, or none.
    InClass {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        class: Option<ClassId>,
    },
    /// One came into a room, or has read further in it: notices about messages up to there are read too.
    InRoom {
        room: OwnRoom,
    },
    LeftRoom {
        room: RoomId,
    },
    /// One has blocked this person, or they have blocked one: whatever they wrote is hidden from here on, wherever it stands.
    Hidden {
        person: Hidden,
    },
    /// Neither has blocked the other any more.
    Shown {
        user: UserId,
    },
    /// Something for the inbox. The oldest beyond fifty is gone with it.
    Noticed {
        notice: Box<Notice>,
        /// The earlier one that this one counts in: it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        instead: Option<u64>,
    },
    NoticesRead {
        numbers: Vec<u64>,
    },
    Wanted {
        topic: NoticeTopic,
        wanted: bool,
    },
    /// From now on one's devices say `hidden`, or what is so.
    Unseen {
        unseen: bool,
    },
}

/// The topic `user:me` as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct UserSnapshot {
    pub user: UserId,
    pub gym: GymId,
    pub name: String,
    pub profile: Profile,
    pub consent: Consent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub in_class: Option<ClassId>,
    /// In order of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<OwnRoom>>"))]
    pub rooms: Vec<OwnRoom>,
    /// Of whom nothing is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Hidden>>"))]
    pub hidden: Vec<Hidden>,
    /// The inbox, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Notice>>"))]
    pub inbox: Vec<Notice>,
    /// Notices about these do not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<NoticeTopic>>"))]
    pub unwanted: Vec<NoticeTopic>,
    /// One's devices say `hidden`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<bool>"))]
    pub unseen: bool,
    pub at_ms: Timestamp,
}
