//! The tables of refusals and of closes. Codes are stable words; clients translate codes, never sentences.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident $code:literal $meaning:literal),+ $(,)?) => {
        /// Why a request was refused: a stable word with a meaning that the docs list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
        pub enum ErrorCode { $(#[doc = $meaning] #[serde(rename = $code)] $name),+ }

        impl ErrorCode {
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name),+];
            pub fn as_str(self) -> &'static str { match self { $(ErrorCode::$name => $code),+ } }
            /// What it means and what to do.
            pub fn meaning(self) -> &'static str { match self { $(ErrorCode::$name => $meaning),+ } }
        }
    };
}

codes! {
    Unsupported "unsupported" "the server does not know this type of frame: an older server, or a typing error",
    Malformed "malformed" "the frame is not what its type says: see the message for the field",
    TooLarge "too_large" "a list or text is longer than its bound: send less at a time",
    Unauthorised "unauthorised" "no valid token: log in again",
    Forbidden "forbidden" "your role does not allow this: ask a trainer or an administrator",
    NotFound "not_found" "there is no such thing, or not for you",
    Gone "gone" "it has ended: what you ask for is no longer possible",
    RateLimited "rate_limited" "too many frames: wait for retry_after_ms",
    Busy "busy" "the server cannot take more now: keep what you have and slow down",
    Retry "retry" "the outcome is not known or the owner is away: send the same cmd again",
    CmdExpired "cmd_expired" "the command is older than 24 hours or stamped ahead of the server's clock: make a new one",
    CmdMismatch "cmd_mismatch" "this cmd was used for another command: make a new one",
    WrongPhase "wrong_phase" "the class is not in a phase that allows this",
    ClassFull "class_full" "every place is taken",
    NotJoined "not_joined" "you are not in this class: join first",
    RoomFull "room_full" "too many people are in this room",
    RoomExists "room_exists" "this room has been made already: join it",
    NotMember "not_member" "you are not in this room: join first, or ask a moderator to add you",
    Blocked "blocked" "one of the two has blocked the other: nothing goes between them",
    Unfit "unfit" "the message holds a word that the gym does not want: say it otherwise",
    Held "held" "the message holds a word that the gym does not want: it waits for the staff to let it through",
    NoMessage "no_message" "there is no message of this number, or it was deleted",
    EmailTaken "email_taken" "this e-mail has an account already",
    SeatTaken "seat_taken" "somebody sits there",
    NoBoot "no_boot" "this receiver has not said its clock's offset for this boot: send boot first",
    ClockSkew "clock_skew" "the sample lies more than two seconds in the future: measure the clock and start a new boot",
    UnknownSource "unknown_source" "this sensor belongs to nobody in the class: pair it first",
    SourceTaken "source_taken" "another person wears this sensor: a trainer can swap it",
    NoTrainer "no_trainer" "a trainer must be present",
    NotDriving "not_driving" "another trainer drives this class: take over first",
    BadPlan "bad_plan" "the plan cannot be run: see the message",
    BadFile "bad_file" "the file cannot be read as what it should be: see the message",
    TooLate "too_late" "the time for this has passed",
    ShuttingDown "shutting_down" "the server goes away: come back as told",
    Internal "internal" "a fault of ours, logged under the trace id in the message",
}

/// A refusal: it changes nothing and is not stored; sent again, it may be decided anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Refusal {
    pub code: ErrorCode,
    /// For a developer's eyes, in English.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub retry_after_ms: Option<u32>,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }
    pub fn after(mut self, retry_after_ms: u32) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.meaning())
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

macro_rules! closes {
    ($($name:ident $code:literal $reason:literal $meaning:literal),+ $(,)?) => {
        /// Why the server closed a socket. 4000–4499: come back; 4500–4999: do not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum CloseCode { $(#[doc = $meaning] $name),+ }

        impl CloseCode {
            pub const ALL: &[CloseCode] = &[$(CloseCode::$name),+];
            pub fn code(self) -> u16 { match self { $(CloseCode::$name => $code),+ } }
            pub fn reason(self) -> &'static str { match self { $(CloseCode::$name => $reason),+ } }
            pub fn meaning(self) -> &'static str { match self { $(CloseCode::$name => $meaning),+ } }
        }
    };
}

closes! {
    GoingAway 4001 "going_away" "the server goes away; GoAway said when to come back",
    Replaced 4002 "replaced" "another socket has reclaimed this session",
    Silent 4003 "silent" "no frame came for longer than the heartbeat allows",
    TooSlow 4008 "too_slow" "nothing was read for ten seconds",
    TooFast 4029 "too_fast" "far too many frames; wait a minute",
    BadFrame 4500 "bad_frame" "the frame cannot be read as this protocol: mend the client",
    Unauthorised 4501 "unauthorised" "no valid token: log in again",
    Kicked 4503 "kicked" "the session was ended by its owner or by staff",
    TooOld 4505 "version_too_old" "the server no longer speaks this version: update",
}

impl CloseCode {
    /// Whether the client may come back with what it has.
    pub fn may_return(self) -> bool {
        self.code() < 4500
    }
}
