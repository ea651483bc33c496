//! No variant without a golden frame: a new one does not compile here until it is named, and fails until a frame has it.

use crate::{frames, rooms};
use fitconnect_protocol::class::*;
use fitconnect_protocol::notice::{NoticeOf, NoticeTopic};
use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::*;
use fitconnect_protocol::user::*;
use std::collections::BTreeSet;

/// Fails to compile where a variant is not named, and panics where a named one is not among the values.
macro_rules! all_seen {
    ($values:expr, $kind:ident: $($variant:ident),+ $(,)?) => {{
        let name = |value: &$kind| match value { $($kind::$variant { .. } => stringify!($variant)),+ };
        let seen: BTreeSet<_> = $values.iter().map(name).collect();
        let all: BTreeSet<_> = [$(stringify!($variant)),+].into();
        let missing: Vec<_> = all.difference(&seen).collect();
        assert!(missing.is_empty(), "{} without a golden frame: {missing:?}", stringify!($kind));
    }};
}

#[test]
fn every_frame_is_there() {
    let requests: Vec<_> = frames::requests().into_iter().map(|frame| frame.2).collect();
    all_seen!(requests, Request: Hello, Refresh, Resume, Subscribe, Unsubscribe, Clock, Class, User, Samples, Seen, Look,
        Room, History, Members, LookAt, Typing, Got, Five, Hidden, Here);
    let responses: Vec<_> = frames::responses().into_iter().map(|frame| frame.2).collect();
    all_seen!(responses, Response: Welcome, Done, Refused, Subscribed, Resuming, Clock, Joined, Booted, Planned, Foreseen, Hidden,
        Event, Tick, Mine, Acked, Attention, Unwanted, Whisper, Lagging, GoAway, Numbered, Page, Members, Typing, Ended, Fives, Presence, Marks);
}

#[test]
fn every_command_and_event_is_there() {
    all_seen!(frames::class_commands(), ClassCommand: Open, Lobby, Plan, Forecast, Undo, Cancel, Abort, Join, Admit, Leave, Pair,
        Swap, Boot, Acknowledge, Sos, Hand, Cue, Drive, Shown);
    all_seen!(frames::class_events(), ClassEvent: Phase, Plan, Roster, Gone, Cue, Staff, Whisper, Loose);
    all_seen!(frames::user_commands(), UserCommand: Consent, Profile, ApproveHrMax, Read, Block, ReadNotices, Want, Unseen);
    all_seen!(frames::user_events(), UserEvent: Consent, Profile, Summary, InClass, InRoom, LeftRoom, Hidden, Shown, Noticed,
        NoticesRead, Wanted, Unseen);
    all_seen!(frames::snapshots(), Snapshot: Class, Board, User, Room);
    all_seen!(frames::topics(), Topic: Class, Board, Desk, Me, Room);
    all_seen!(rooms::commands(), RoomCommand: Create, Join, Leave, Add, Remove, Appoint, Post, Edit, Delete, React, Pin, Slow, Mute, Ban, Report, Decide);
    all_seen!(rooms::events(), RoomEvent: Created, Posted, Edited, Deleted, Reacted, Joined, Left, Appointed, Pinned, Slowed, Muted, Banned, Closed);
}

#[test]
fn every_word_is_there() {
    all_seen!(frames::plan_actions(), PlanAction: Start, Pause, Resume, Next, Back, Adjust, Repeat, Skip, Hold, End);
    all_seen!(frames::targets(), Target: Percent, Reserve, Ftp, Cadence, Rpe);
    all_seen!(frames::segment_kinds(), SegmentKind: Warmup, Work, Recover, Test, Cooldown, Transition);
    all_seen!(frames::activities(), Activity: Ride, Run, Row, Strength, Yoga, Other);
    all_seen!(frames::roles(), Role: Screen, Hub, Member, Trainer, Admin);
    all_seen!(frames::shows(), ShowAs: Hidden, Alias, Name);
    all_seen!(frames::reasons(), NotRecovered: New, EpochChanged, TooOld, Ahead);
    let kinds: Vec<_> = frames::sensors().into_iter().map(|sensor| sensor.kind).collect();
    all_seen!(kinds, SourceKind: Strap, Armband, Machine, Watch, Manual, Simulated);
    let kinds: Vec<_> = frames::attention().into_iter().map(|item| item.kind).collect();
    all_seen!(kinds, AttentionKind: Sos, Fell, LostHigh, OverMax, High, SensorLost, ReceiverLost, OutOfTarget, ManyOutOfTarget);
    let profiles = frames::profiles();
    let sources: Vec<_> = profiles.iter().filter_map(|profile| profile.hr_max_source).collect();
    all_seen!(sources, HrMaxSource: Measured, Auto, Entered, Formula);
    let sexes: Vec<_> = profiles.iter().filter_map(|profile| profile.sex).collect();
    all_seen!(sexes, Sex: Male, Female);
    all_seen!(rooms::kinds(), RoomKind: Class, Gym, Team, Trainer, Direct, Challenge, Support);
    all_seen!(rooms::reactions(), Reaction: Thumb, Heart, Laugh, Fire, Strong, Clap);
    all_seen!(rooms::reports(), ReportReason: Spam, Insult, Threat, Sexual, Private, Other, Listed);
    all_seen!(rooms::verdicts(), Verdict: Dismiss, Delete, Mute, Ban, Post);
    all_seen!(rooms::notices(), NoticeOf: Mentioned, Answered, BroughtIn, Summary, Deleted, Decided);
    all_seen!(rooms::notice_topics(), NoticeTopic: Mention, Room, Class);
    all_seen!(rooms::rules(), JoinRule: Open, Invited, Fixed);
    all_seen!(rooms::roles(), RoomRole: Member, Moderator, Owner);
    all_seen!(rooms::pages(), HistoryFrom: Before, After, Since);
    all_seen!(Phase::ALL, Phase: Scheduled, Open, Lobby, Live, Paused, Cooling, Finished, Settled, Cancelled, Aborted);
}
