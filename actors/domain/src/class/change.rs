//! What has happened to a class, for good: each change is an event with its time and its author, stored in order.
//! A class is the fold of its changes and of its samples; nothing else is recovery.

use super::body::Body;
use super::plan::Move;
use super::rider::Who;
use crate::time::ClassMs;
use fitconnect_protocol::class::{
    Activity, Aim, AttentionKind, ClassClock, ClassSummary, MemberSummary, Segment, Sensor, Staff, SwapFrom, Timestamp,
};
use fitconnect_protocol::user::Consent;
use fitconnect_protocol::{Boot, GymId, ReceiverId, Slot, UserId};
use serde::{Deserialize, Serialize};

/// An event of the class: when (class time), by whom, what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub at: ClassMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    pub what: What,
}

/// What a class is, fixed when it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub gym: GymId,
    pub name: String,
    pub hall: String,
    pub trainer: String,
    pub activity: Activity,
    /// Unix milliseconds.
    pub starts_at_ms: Timestamp,
    pub lobby_min: Option<u16>,
    pub capacity: u16,
    pub segments: Vec<Segment>,
    pub clock: ClassClock,
    /// How long a sample holds; longer for smart-recorded files.
    pub hold_ms: i64,
    /// A ride or an import of one person: no trainer is needed.
    pub solo: bool,
}

/// How far a class has come in its life; from lobby to cooling the timeline says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    Scheduled,
    Open,
    /// Lobby, live, paused and cooling.
    Running,
    Finished,
    Settled,
    Cancelled,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    pub slot: Slot,
    pub who: Who,
    pub name: String,
    pub seat: Option<String>,
    pub body: Body,
    pub consent: Consent,
    pub sensors: Vec<Sensor>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    Created(Box<Facts>),
    Staged {
        stage: Stage,
        reason: Option<String>,
    },
    /// The plan has come to its end.
    Cooled,
    Moved(Move),
    Undone {
        id: u32,
    },
    Joined(Box<Joined>),
    /// Nothing holds from the change's time on.
    Left {
        slot: Slot,
    },
    Returned {
        slot: Slot,
    },
    Paired {
        sensor: Sensor,
        owner: Option<UserId>,
        slot: Option<Slot>,
    },
    Swapped {
        a: Slot,
        b: Slot,
        from: SwapFrom,
    },
    Booted {
        receiver: ReceiverId,
        boot: Boot,
        offset: i64,
    },
    Shared {
        slot: Slot,
        consent: Consent,
    },
    HrMaxApproved {
        slot: Slot,
    },
    Sos {
        slot: Slot,
        on: bool,
    },
    Acknowledged {
        kind: AttentionKind,
        slot: Option<Slot>,
    },
    Cued {
        text: String,
        to: Option<Slot>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        aim: Option<Aim>,
    },
    /// Private words have been on the person's screen.
    Shown {
        slot: Slot,
        whisper: u32,
        /// Heart rate then; none where it is not known, or not shared with the trainer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<u8>,
    },
    /// The heart has gone where they wanted it.
    Acted {
        slot: Slot,
        whisper: u32,
    },
    /// Who moves the plan from now on; whoever wants to, where it is nobody.
    Driven {
        driver: Option<Staff>,
    },
    Summarised {
        slot: Slot,
        summary: Box<MemberSummary>,
    },
    Settled(Box<ClassSummary>),
    /// High fives that each got since this was stored last.
    Fived {
        counts: Vec<(Slot, u32)>,
    },
}

impl What {
    /// The event's name in the store.
    pub fn kind(&self) -> &'static str {
        match self {
            What::Created(_) => "created",
            What::Staged { .. } => "staged",
            What::Cooled => "cooled",
            What::Moved(_) => "moved",
            What::Undone { .. } => "undone",
            What::Joined(_) => "joined",
            What::Left { .. } => "left",
            What::Returned { .. } => "returned",
            What::Paired { .. } => "paired",
            What::Swapped { .. } => "swapped",
            What::Booted { .. } => "booted",
            What::Shared { .. } => "shared",
            What::HrMaxApproved { .. } => "hr_max_approved",
            What::Sos { .. } => "sos",
            What::Acknowledged { .. } => "acknowledged",
            What::Cued { .. } => "cued",
            What::Shown { .. } => "shown",
            What::Acted { .. } => "acted",
            What::Driven { .. } => "driven",
            What::Summarised { .. } => "summarised",
            What::Settled(_) => "settled",
            What::Fived { .. } => "fived",
        }
    }
}
