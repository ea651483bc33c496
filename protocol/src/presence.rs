//! Who of a room's members is there now, as their pages say. It is kept in memory alone, and ends by itself.

use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// How one is there. Of a person's devices the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// The page is open, and nobody looks at it.
    Away,
    Online,
    /// Trains just now.
    InClass,
    /// One's own choice: nobody is told that one is there.
    Hidden,
}

/// Somebody who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Present(pub UserId, pub Presence);
