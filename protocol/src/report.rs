//! Reports: a member points at a message, with its words as they were; staff or a moderator decide.

use serde::{Deserialize, Serialize};

/// Why somebody points at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Advertising, or the same words again and again.
    Spam,
    /// Words that insult or bait somebody.
    Insult,
    /// A threat, or a call to harm somebody or oneself.
    Threat,
    /// Sexual words or advances that nobody asked for.
    Sexual,
    /// Somebody's address, number or health, told without their leave.
    Private,
    Other,
    /// It holds a word of the gym's list, and waits to be let through: the server's own reason.
    Listed,
}

/// What becomes of a message that holds a word of the gym's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OnWords {
    /// It is refused with `unfit`.
    Refuse,
    /// It is refused with `held`, and waits in the queue of reports until somebody lets it through.
    Report,
}

/// What a report comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is wrong with the message.
    Dismiss,
    /// Its words are taken away.
    Delete,
    /// Its author is silent in the room for so long.
    Mute { for_s: u32 },
    /// Its author leaves the room and does not come back until that is taken back.
    Ban,
    /// A message that was held back is posted, as of now.
    Post,
}
