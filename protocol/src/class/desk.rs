//! What only the trainers' desks of a class hear: who leads it, and what became of words to one person.

use super::Timestamp;
use crate::ids::{Slot, UserId};
use serde::{Deserialize, Serialize};

/// What private words ask for, so that it can be seen whether it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// A lower heart rate.
    Ease,
    /// A higher one.
    Push,
}

/// A trainer or an administrator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Staff {
    pub user: UserId,
    pub name: String,
}

/// Who leads the class, and who looks at a desk of it now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct StaffView {
    /// The one who moves the plan; whoever wants to, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub driver: Option<Staff>,
    /// At most `limits::STAFF_SHOWN`, by account.
    pub here: Vec<Staff>,
}

/// The newest private words to a person: sent, shown on a phone of theirs, acted upon. Class time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct WhisperView {
    pub id: u32,
    pub slot: Slot,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub aim: Option<Aim>,
    pub sent: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub shown: Option<Timestamp>,
    /// The heart rate has gone where the words wanted it, by 5 bpm within two minutes of their showing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub acted: Option<Timestamp>,
}
