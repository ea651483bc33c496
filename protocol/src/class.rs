//! A live class on the wire: its plan, what one may do with it, what it tells, and what it leaves.
//! Times named `at` or `*_ms` inside a class are class time in milliseconds; the clock of the snapshot says how it runs.

mod desk;
mod film;

pub use desk::{Aim, Staff, StaffView, WhisperView};
pub use film::{Film, FilmView, Heard, Raised, Told};

use crate::ids::{Boot, ClassId, GymId, ReceiverId, Slot, SourceId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Milliseconds since 1970-01-01T00:00:00Z, or of class time where it says so.
pub type Timestamp = i64;

/// Where a class stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    Scheduled = 0,
    Open = 1,
    Lobby = 2,
    Live = 3,
    Paused = 4,
    /// The plan has ended; late samples still change everything.
    Cooling = 5,
    Finished = 6,
    Settled = 7,
    Cancelled = 8,
    Aborted = 9,
}

impl Phase {
    pub const ALL: [Phase; 10] = [
        Phase::Scheduled,
        Phase::Open,
        Phase::Lobby,
        Phase::Live,
        Phase::Paused,
        Phase::Cooling,
        Phase::Finished,
        Phase::Settled,
        Phase::Cancelled,
        Phase::Aborted,
    ];
}

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    Warmup,
    Work,
    Recover,
    Test,
    Cooldown,
    Transition,
}

/// What to hold in a segment. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Target {
    /// Percent of maximum heart rate.
    Percent { lo: u8, hi: u8 },
    /// Percent of heart rate reserve (Karvonen).
    Reserve { lo: u8, hi: u8 },
    /// Percent of functional threshold power.
    Ftp { lo: u16, hi: u16 },
    /// Revolutions per minute.
    Cadence { lo: u8, hi: u8 },
    /// Perceived exertion, 0–10. Never judged by a sensor.
    Rpe { lo: u8, hi: u8 },
}

/// A part of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub kind: SegmentKind,
    /// 0: until the trainer says next.
    pub duration_s: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub target: Option<Target>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub cue: Option<String>,
}

/// What kind of class it is; decides the energy of easy minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    #[default]
    Ride,
    Run,
    Row,
    Strength,
    Yoga,
    Other,
}

/// A class to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewClass {
    pub name: String,
    pub hall: String,
    #[serde(default)]
    pub activity: Activity,
    /// Unix milliseconds.
    pub starts_at_ms: Timestamp,
    /// Minutes before the start that the lobby opens by itself; without it a trainer opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub lobby_min: Option<u16>,
    pub capacity: u16,
    pub plan: Vec<Segment>,
}

/// What a trainer does to the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum PlanAction {
    Start,
    Pause,
    Resume,
    /// End this segment now.
    Next,
    /// Begin this segment again; within its first 3 s, the one before it.
    Back,
    /// Make this segment longer or shorter; it never ends in the past.
    Adjust {
        by_s: i16,
    },
    /// Run this segment once more after it has ended.
    Repeat,
    /// Take the following segment out of the plan.
    Skip,
    /// Let this segment run until `next`.
    Hold,
    /// End the class: cooling begins.
    End,
}

/// What carries a heart rate, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Strap,
    Armband,
    Machine,
    Watch,
    /// Counted by hand: unranked.
    Manual,
    /// Made by a program: unranked.
    Simulated,
}

/// A sensor that one brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Sensor {
    pub source: SourceId,
    pub kind: SourceKind,
}

/// From when a swap of straps counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SwapFrom {
    Now,
    Start,
}

/// What one may do to a class. Each travels with a `cmd` and happens once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClassCommand {
    /// Staff: open for booking.
    Open,
    /// Staff: let people in.
    Lobby,
    /// Staff: move the plan, now or at a class time that is not past.
    Plan {
        action: PlanAction,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        at: Option<Timestamp>,
    },
    /// Staff: what this move would come to. It is answered with a forecast; nothing changes.
    Forecast {
        action: PlanAction,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        at: Option<Timestamp>,
    },
    /// Staff: take a move back that came by this number.
    Undo {
        id: u32,
    },
    /// Staff: before the start.
    Cancel {
        reason: String,
    },
    /// Staff: in the middle; what was earned is settled.
    Abort {
        reason: String,
    },
    /// Step in, with the sensors that one wears.
    Join {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        seat: Option<String>,
        #[serde(default)]
        sensors: Vec<Sensor>,
    },
    /// Staff: bring a member in, or a guest by name.
    Admit {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        user: Option<UserId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        guest: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        seat: Option<String>,
        #[serde(default)]
        sensors: Vec<Sensor>,
    },
    /// Step out. `at` is the receiver's time; nothing holds beyond it. Staff may name another.
    Leave {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        slot: Option<Slot>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        at: Option<Timestamp>,
    },
    /// Wear another sensor. Staff may name another person, or nobody, which takes it off. A hub names nobody: it hears a sensor that
    /// the class does not know yet.
    Pair {
        sensor: Sensor,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        slot: Option<Slot>,
    },
    /// Staff: two people wear each other's straps.
    Swap {
        a: Slot,
        b: Slot,
        from: SwapFrom,
    },
    /// The offset of a receiver's clock to class time, once a boot, before its first sample.
    Boot {
        receiver: ReceiverId,
        boot: Boot,
        offset: Timestamp,
    },
    /// Staff: this item is being looked after.
    Acknowledge {
        item: u32,
    },
    /// I need help.
    Sos {
        on: bool,
    },
    Hand {
        up: bool,
    },
    /// Staff: words on every screen, or on one phone.
    Cue {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        to: Option<Slot>,
        /// Of words to one person: what they ask for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        aim: Option<Aim>,
    },
    /// Staff: move the plan from now on, instead of whoever did; or let go of it.
    Drive {
        on: bool,
    },
    /// The private words of this number have been on my screen.
    Shown {
        whisper: u32,
    },
}

/// How class time runs: `class_ms + rate × (wall - wall_ms)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ClassClock {
    pub class_ms: Timestamp,
    /// Unix milliseconds of the server.
    pub wall_ms: Timestamp,
    pub rate: u32,
}

/// One run of a segment, past, present or foreseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Run {
    pub segment: Segment,
    /// Planned length as last set, 0 where it is held.
    pub planned_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub starts: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub ends: Option<Timestamp>,
}

/// The plan as it has run and as it will.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PlanView {
    /// Rises with each move.
    pub version: u32,
    pub runs: Vec<Run>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub current: Option<u16>,
    /// Where the plan ends if nobody touches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub ends: Option<Timestamp>,
}

/// What a move of the plan would come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Forecast {
    /// When the move would take effect.
    pub at: Timestamp,
    /// Where the plan would end; none where a segment is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub ends: Option<Timestamp>,
    /// How much later than it does now, ms; negative: earlier. None where one of both ends is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub later_ms: Option<i64>,
    /// Work in the five minutes after the move, ms more than without it; negative: less.
    pub more_work_ms: i64,
    /// Where there would be more work: those who are near their limit already, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Near>>"))]
    pub near: Vec<Near>,
}

/// Somebody near the limit, as the desk sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Near {
    pub slot: Slot,
    /// Of the maximum.
    pub percent: u8,
}

/// One person as a board or a desk names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RosterEntry {
    pub slot: Slot,
    /// Name or alias, as this projection may show it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub seat: Option<String>,
    /// Only on the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub desk: Option<DeskEntry>,
}

/// What only staff see of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct DeskEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub user: Option<UserId>,
    pub guest: bool,
    pub zones_off: bool,
    pub ranked: bool,
    /// bpm × 10, where the person shares with the trainer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max_tenths: Option<u16>,
    /// The maximum is probably too low: the person has been above it.
    pub hr_max_low: bool,
    pub sensors: Vec<Sensor>,
}

/// What the trainer should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// The person pressed SOS.
    Sos,
    /// Heart rate fell, or the sensor slipped: look.
    Fell,
    /// The signal was lost straight after 95 % or more: look.
    LostHigh,
    /// Over the maximum for 30 s.
    OverMax,
    /// At 95 % or more for long.
    High,
    SensorLost,
    /// Five or more lost within 10 s: look at the receiver.
    ReceiverLost,
    OutOfTarget,
    /// Eight people or more are out of target.
    ManyOutOfTarget,
}

impl AttentionKind {
    /// 1 is the most urgent, 6 the least.
    pub fn rank(self) -> u8 {
        match self {
            AttentionKind::Sos => 1,
            AttentionKind::Fell | AttentionKind::LostHigh => 2,
            AttentionKind::OverMax => 3,
            AttentionKind::High => 4,
            AttentionKind::SensorLost | AttentionKind::ReceiverLost => 5,
            AttentionKind::OutOfTarget | AttentionKind::ManyOutOfTarget => 6,
        }
    }
}

/// One line of the trainer's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AttentionItem {
    pub item: u32,
    pub kind: AttentionKind,
    /// Nobody where it is about many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub slot: Option<Slot>,
    /// How many people it is about.
    pub people: u16,
    pub since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub acknowledged_by: Option<UserId>,
    /// Went to the second trainer and the front desk.
    pub escalated: bool,
}

/// The first rows of the list, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AttentionList {
    pub items: Vec<AttentionItem>,
    pub more: u16,
}

/// What a class's topics tell, in order, numbered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClassEvent {
    Phase {
        phase: Phase,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", ts(optional))]
        reason: Option<String>,
    },
    /// The plan was moved: by `action` at `at`, or by an undo of move `id`.
    Plan {
        id: u32,
        action: PlanAction,
        at: Timestamp,
        undone: bool,
        plan: PlanView,
    },
    /// People came or changed.
    Roster {
        entries: Vec<RosterEntry>,
    },
    /// People are no longer shown.
    Gone {
        slots: Vec<Slot>,
    },
    Cue {
        text: String,
    },
    /// Only on the desk.
    Staff(StaffView),
    /// Only on the desk.
    Whisper(WhisperView),
    /// Only on the desk: the sensors that nobody wears, all of them.
    Loose {
        sensors: Vec<Sensor>,
    },
}

/// `class:<id>` as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ClassSnapshot {
    pub class: ClassId,
    pub gym: GymId,
    pub name: String,
    pub hall: String,
    pub trainer: String,
    pub activity: Activity,
    /// Unix milliseconds.
    pub starts_at_ms: Timestamp,
    pub phase: Phase,
    pub clock: ClassClock,
    pub plan: PlanView,
    /// One's own place, where one has joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub slot: Option<Slot>,
}

/// `class:<id>:board` or `class:<id>:desk` as it is now; a full tick follows at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct BoardSnapshot {
    /// Empty for a rider of a class too large to show whole: names come with the slices.
    pub roster: Vec<RosterEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub attention: Option<AttentionList>,
    /// Only on the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub staff: Option<StaffView>,
    /// Only on the desk: the newest of each person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<WhisperView>>"))]
    pub whispers: Vec<WhisperView>,
    /// Only on the desk: sensors that are heard and that nobody in the class wears, at most `limits::LOOSE_SHOWN`, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<Vec<Sensor>>"))]
    pub loose: Vec<Sensor>,
}

/// How well a segment's target was held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RunCompliance {
    pub run: u16,
    pub in_target_s: f64,
    pub with_data_s: f64,
    /// Seconds of the run that are judged at all.
    pub judged_s: f64,
    /// 0–1; none where fewer than half of the judged seconds have data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub score: Option<f64>,
}

/// Power of a whole class or file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PowerSummary {
    /// W.
    pub avg: f64,
    /// W; normalised power with rolling means from second 30 (Coggan 2003).
    pub np_strict30: f64,
    /// NP / FTP; none without FTP.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub intensity: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub tss: Option<f64>,
    pub work_kj: f64,
    /// Best mean power by length in seconds: 5, 60, 300, 1200 where the ride is long enough.
    #[serde(deserialize_with = "whole_keys")]
    pub mean_max_w: BTreeMap<u32, f64>,
}

/// Keys that are numbers in MessagePack and, within a tagged type, texts in JSON.
fn whole_keys<'de, D: serde::Deserializer<'de>>(d: D) -> Result<BTreeMap<u32, f64>, D::Error> {
    #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    #[serde(untagged)]
    enum Key {
        Number(u32),
        Text(String),
    }
    let number = |key| match key {
        Key::Number(number) => Ok(number),
        Key::Text(text) => text.parse().map_err(serde::de::Error::custom),
    };
    let map = BTreeMap::<Key, f64>::deserialize(d)?;
    map.into_iter().map(|(key, value)| Ok((number(key)?, value))).collect()
}

/// A stretch without a heart rate, class time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Gap {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Provenance {
    /// Sensors whose heart rate counted, with the seconds of each.
    pub sources: Vec<(Sensor, f64)>,
    /// The longest gaps, at most 20.
    pub gaps: Vec<Gap>,
    /// Samples that were not believed.
    pub dropped: u32,
    /// bpm × 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max_tenths: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max_source: Option<crate::user::HrMaxSource>,
    /// Version of the formulas.
    pub formulas: u16,
    /// Energy is outside the ages of its formula's sample (18–45).
    pub kcal_extrapolated: bool,
}

/// What a class leaves of one member. A later version replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct MemberSummary {
    pub class: ClassId,
    pub class_name: String,
    pub activity: Activity,
    pub slot: Slot,
    pub version: u32,
    /// Class time.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Samples that were believed.
    pub records: u32,
    pub hr_seconds: f64,
    /// bpm, weighted by time.
    pub hr_avg: f64,
    pub hr_max: u16,
    /// Seconds below 50 % of the maximum, then in zones 1–5; none without a maximum or with zones off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub zone_s: Option<[f64; 6]>,
    /// Effort points as shown: whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub points: Option<u32>,
    /// The exact quotient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub meps: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub splats: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub splat_minutes: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub edwards: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub banister: Option<f64>,
    /// Keytel at 50 % of maximum and above, rest by MET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub kcal: Option<f64>,
    /// Keytel alone at every heart rate, never below 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub keytel_kcal: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub rank: Option<u32>,
    pub compliance: Vec<RunCompliance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub power: Option<PowerSummary>,
    /// bpm × 10 from the next class on, where this one showed that the maximum was too low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub hr_max_raise_tenths: Option<u16>,
    /// High fives that were got.
    #[serde(default, skip_serializing_if = "none_yet")]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<u32>"))]
    pub fives: u32,
    pub provenance: Provenance,
}

fn none_yet(count: &u32) -> bool {
    *count == 0
}

/// What a class leaves of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ClassSummary {
    pub class: ClassId,
    pub name: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub people: u32,
    pub points: u64,
    pub hr_seconds: f64,
    /// Mean seconds a person, below 50 % then zones 1–5.
    pub zone_s: [f64; 6],
    pub samples: u64,
    pub dropped: u64,
    pub late: u64,
}
