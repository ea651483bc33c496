//! A ride alone, from a file or from a recording: the same machine as a class, on the recording's own clock.
//! Live and recomputed are one code path, not two.

use super::by_hand::ByHand;
use super::io::{Caller, Input, Person, StoredSample};
use super::{Change, Facts, What};
use crate::Millis;
use crate::user::Blocks;
use fitconnect_protocol::class::{
    Activity, ClassClock, ClassCommand, ClassSummary, MemberSummary, PlanAction, Segment, SegmentKind, Sensor,
};
use fitconnect_protocol::limits::{COOLING_MS, HOLD_MS, HOLD_SMART_MS, SAMPLE_ROWS_MAX};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, GymId, ReceiverId, Refusal, SessionId, UserId, Uuid};
use std::sync::Arc;

/// A recording whose usual step is longer was made by a device that records when something changes.
const SMART_STEP_MS: u32 = 1_500;
/// The last sample holds for so long.
const LAST_HOLDS_MS: u64 = 1_000;

/// Who rides, and what is known of the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Ride {
    /// The class that the ride becomes.
    pub class: ClassId,
    pub gym: GymId,
    pub user: UserId,
    /// Of the rider, and of the ride.
    pub rider: String,
    pub name: String,
    pub activity: Activity,
    /// Of the day of the recording.
    pub profile: Profile,
    pub consent: Consent,
    /// Unix milliseconds of the recording's time 0.
    pub started_at_ms: u64,
    /// What measured, and what wrote it down.
    pub sensor: Sensor,
    pub receiver: ReceiverId,
}

/// What was measured at one time of the recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RideRow {
    pub at_ms: u32,
    pub bpm: Option<u16>,
    pub power_w: Option<u16>,
    pub cadence: Option<u8>,
    pub rr_ms: Vec<u16>,
}

/// What a ride leaves: everything that a store keeps of it, and its summaries.
#[derive(Clone, Debug, PartialEq)]
pub struct Ridden {
    pub changes: Vec<Change>,
    pub samples: Vec<StoredSample>,
    pub member: MemberSummary,
    pub class: ClassSummary,
}

/// Rides `rows`, in order of time, from the first to one second after the last, cools and settles.
/// An error says what the class would not take.
pub fn ride(ride: &Ride, rows: impl IntoIterator<Item = RideRow>) -> Result<Ridden, Refusal> {
    let rows: Vec<RideRow> = rows.into_iter().collect();
    let last = rows.last().ok_or_else(|| Refusal::new(ErrorCode::Malformed, "there is nothing to ride"))?;
    if rows.windows(2).any(|pair| pair[0].at_ms > pair[1].at_ms) {
        return Err(Refusal::new(ErrorCode::Malformed, "the rows are not in order of time"));
    }
    let ends = ride.started_at_ms + u64::from(last.at_ms) + LAST_HOLDS_MS;
    let by = Arc::new(Caller {
        user: ride.user,
        gym: ride.gym,
        role: Role::Member,
        session: SessionId(Uuid::nil()),
        hall: None,
        name: String::new(),
    });
    let mut host = ByHand::new(ride.class, Millis(ride.started_at_ms));
    host.ticks = false;
    let (name, profile, consent) = (ride.rider.clone(), ride.profile.clone(), ride.consent);
    host.people.insert(ride.user, Person { gym: ride.gym, name, rev: 0, profile, consent, blocks: Blocks::default() });
    begin(ride, &by, median_step_ms(&rows), &mut host)?;
    send(ride, &by, rows, &mut host)?;
    host.advance_to(Millis(ends));
    accepted(host.command(&by, ClassCommand::Plan { action: PlanAction::End, at: None }))?;
    host.advance_to(Millis(ends + COOLING_MS as u64));
    finish(host)
}

fn begin(ride: &Ride, by: &Arc<Caller>, step_ms: u32, host: &mut ByHand) -> Result<(), Refusal> {
    let started = ride.started_at_ms as i64;
    let facts = Facts {
        gym: ride.gym,
        name: ride.name.clone(),
        hall: "–".into(),
        trainer: String::new(),
        activity: ride.activity,
        starts_at_ms: started,
        lobby_min: None,
        capacity: 1,
        segments: vec![Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None }],
        clock: ClassClock { class_ms: started, wall_ms: started, rate: 1 },
        hold_ms: if step_ms > SMART_STEP_MS { HOLD_SMART_MS } else { HOLD_MS },
        solo: true,
    };
    accepted(host.send(Input::Create { by: ride.user, cmd: CmdId(Uuid::nil()), facts: Box::new(facts) }))?;
    accepted(host.command(by, ClassCommand::Join { seat: None, sensors: vec![ride.sensor] }))?;
    accepted(host.command(by, ClassCommand::Boot { receiver: ride.receiver, boot: 0, offset: started }))?;
    accepted(host.command(by, ClassCommand::Plan { action: PlanAction::Start, at: None }))
}

/// Every frame is sent at the time of its last sample.
fn send(ride: &Ride, by: &Arc<Caller>, rows: Vec<RideRow>, host: &mut ByHand) -> Result<(), Refusal> {
    let mut first = 0;
    for frame in rows.chunks(SAMPLE_ROWS_MAX) {
        let last = frame.last().map_or(0, |row| row.at_ms);
        host.advance_to(Millis(ride.started_at_ms + u64::from(last)));
        let rows = frame.iter().map(|row| Row {
            ms: row.at_ms,
            bpm: row.bpm.unwrap_or(0),
            power_w: row.power_w,
            cadence: row.cadence,
            rr_ms: row.rr_ms.clone(),
        });
        let sources = vec![SourceRows(ride.sensor.source, first, rows.collect())];
        first += frame.len() as u32;
        host.send(Input::Samples {
            by: by.clone(),
            samples: Samples { class: ride.class, receiver: ride.receiver, boot: 0, sources },
        });
        for published in host.published.drain(..) {
            if let super::Publish::Direct { response: Response::Unwanted { refusal, .. }, .. } = published {
                return Err(refusal);
            }
        }
    }
    Ok(())
}

fn finish(host: ByHand) -> Result<Ridden, Refusal> {
    let member = host.changes.iter().find_map(|change| {
        let What::Summarised { summary, .. } = &change.what else { return None };
        Some((**summary).clone())
    });
    let class = host.changes.iter().find_map(|change| {
        let What::Settled(summary) = &change.what else { return None };
        Some((**summary).clone())
    });
    let (member, class) =
        member.zip(class).ok_or_else(|| Refusal::new(ErrorCode::Internal, "the ride did not settle"))?;
    Ok(Ridden { changes: host.changes, samples: host.samples, member, class })
}

fn accepted(answer: Option<Response>) -> Result<(), Refusal> {
    match answer {
        Some(Response::Refused(refusal)) => Err(refusal),
        Some(_) => Ok(()),
        None => Err(Refusal::new(ErrorCode::Internal, "the class did not answer")),
    }
}

/// The usual time between two rows, 0 where there is only one.
fn median_step_ms(rows: &[RideRow]) -> u32 {
    let mut steps: Vec<u32> = rows.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(0)
}
