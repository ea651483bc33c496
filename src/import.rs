//! An activity file becomes a ride of its own: the same machine as a class, on the recording's clock, then stored like one.
//! `fitconnect ride` and the API's import call this; reading is `recording`'s work, deciding the domain's.

use fitconnect_actors::body::{fingerprint, pack, unpack};
use fitconnect_actors::ports::*;
use fitconnect_domain::class::ride::{Ridden, Ride, RideRow, ride};
use fitconnect_domain::class::{Change, StoredSample, What};
use fitconnect_domain::{ActorKey, Letter, LetterBody, Millis};
use fitconnect_protocol::class::{Activity, MemberSummary, Sensor, SourceKind};
use fitconnect_protocol::limits::SAMPLE_ROWS_MAX;
use fitconnect_protocol::{ClassId, GymId, ReceiverId, Refusal, SourceId, UserId};
use fitconnect_recording::{ReadError, Recording};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the file was read, but cannot be ridden: {0}")]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the disk does not take the samples now: try again")]
    Busy,
}

/// Whose the file is.
#[derive(Clone, Debug)]
pub struct Importer {
    pub user: UserId,
    pub person: StoredPerson,
}

/// What an import left.
#[derive(Clone, Debug)]
pub struct Imported {
    pub class: ClassId,
    pub summary: MemberSummary,
    /// The same file of the same person was here before: nothing was written.
    pub duplicate: bool,
}

/// Reads and rides a file; nothing is stored. `fallback_ftp_w` counts where the file has none.
pub fn read_and_ride(bytes: &[u8], importer: &Importer) -> Result<Ridden, ImportError> {
    let recording = fitconnect_recording::read(bytes)?;
    let terms = terms(bytes, &recording, importer);
    let rows = recording.records.into_iter().map(|record| RideRow {
        at_ms: record.at_ms,
        bpm: record.bpm,
        power_w: record.power_w,
        cadence: record.cadence,
        rr_ms: record.rr_ms,
    });
    ride(&terms, rows).map_err(ImportError::Refused)
}

/// What an import would leave; nothing is stored.
pub async fn ride_of(bytes: Vec<u8>, importer: Importer, state: &dyn StateStore) -> Result<Imported, ImportError> {
    let class = class_of(&bytes, importer.user);
    let duplicate = state.load(ActorKey::Class(class)).await?.rev > 0;
    Ok(Imported { class, summary: ridden(bytes, importer).await?.member, duplicate })
}

/// Riding takes a core for a while: not on a thread that serves.
async fn ridden(bytes: Vec<u8>, importer: Importer) -> Result<Ridden, ImportError> {
    let ridden = tokio::task::spawn_blocking(move || read_and_ride(&bytes, &importer)).await;
    ridden.map_err(|panic| StoreError::Damaged(format!("riding the file panicked: {panic}")))?
}

/// Rides a file and keeps it: samples first, then the class with its summary and the letter to its rider, in one commit.
pub async fn import(
    bytes: Vec<u8>,
    importer: Importer,
    state: &dyn StateStore,
    events: &dyn EventLog,
    now: Millis,
) -> Result<Imported, ImportError> {
    let class = class_of(&bytes, importer.user);
    let key = ActorKey::Class(class);
    let stored = state.load(key).await?;
    if stored.rev > 0 {
        return Ok(Imported { class, summary: summary_of(&stored.changes)?, duplicate: true });
    }
    let gym = importer.person.gym;
    let user = importer.user;
    let ridden = ridden(bytes, importer).await?;
    keep_samples(class, &ridden.samples, events).await?;
    let summary = ridden.member.clone();
    match state.commit(vec![commit(key, stored.epoch, gym, user, ridden, now)]).await.pop() {
        Some(Committed::Done(_)) => Ok(Imported { class, summary, duplicate: false }),
        Some(Committed::Fenced) => {
            Err(StoreError::Unavailable("another import of this file is under way".into()).into())
        }
        Some(Committed::Unknown(why)) => Err(StoreError::Unavailable(why).into()),
        None => Err(StoreError::Unavailable("the store did not answer".into()).into()),
    }
}

async fn keep_samples(class: ClassId, samples: &[StoredSample], events: &dyn EventLog) -> Result<(), ImportError> {
    let writer = Writer { key: ActorKey::Class(class), life: 0 };
    for (number, part) in (1..).zip(samples.chunks(SAMPLE_ROWS_MAX)) {
        if !events.append(writer, number, Event::Samples { class, samples: part.to_vec() }) {
            return Err(ImportError::Busy);
        }
    }
    // What is read back is on disk.
    let kept = events.samples(class, None).await?;
    if kept.len() < samples.len() { Err(ImportError::Busy) } else { Ok(()) }
}

fn commit(key: ActorKey, epoch: u64, gym: GymId, user: UserId, ridden: Ridden, now: Millis) -> Commit {
    let changes = (1..).zip(&ridden.changes).map(|(seq, change)| StoredChange {
        seq,
        at: now,
        kind: change.what.kind(),
        body: pack(change),
        rewrites: vec![],
    });
    let row = ClassRow {
        gym,
        name: ridden.class.name.clone(),
        hall: "–".into(),
        trainer: String::new(),
        starts_at_ms: ridden.class.from,
        stage: "settled".into(),
        people: 1,
    };
    let letter = Letter { to: ActorKey::User(user), body: LetterBody::Summary(Box::new(ridden.member.clone())) };
    Commit {
        key,
        epoch,
        rev: 0,
        row: Some(Row::Class(row)),
        changes: changes.collect(),
        wake_at: None,
        letters: vec![(0, letter)],
        received: Vec::new(),
        answers: Vec::new(),
        reports: Vec::new(),
    }
}

fn summary_of(changes: &[Vec<u8>]) -> Result<MemberSummary, StoreError> {
    for body in changes.iter().rev() {
        let change: Change = unpack(body, "a class's change")?;
        if let What::Summarised { summary, .. } = change.what {
            return Ok(*summary);
        }
    }
    Err(StoreError::Damaged("an imported ride without a summary".into()))
}

/// The same file of the same person is the same ride.
fn class_of(bytes: &[u8], user: UserId) -> ClassId {
    let own = fingerprint(user.0.as_bytes());
    let (low, high) = (fingerprint(bytes), fingerprint(&[bytes, &own.to_le_bytes()[..]].concat()));
    ClassId(
        uuid::Builder::from_custom_bytes((u128::from(high) << 64 | u128::from(low ^ own)).to_be_bytes()).into_uuid(),
    )
}

fn terms(bytes: &[u8], recording: &Recording, importer: &Importer) -> Ride {
    let Importer { user, person } = importer;
    let mut profile = person.profile.clone();
    // The file knows the threshold of its day.
    profile.ftp_w = recording.ftp_w.or(profile.ftp_w);
    let sport = recording.sport.clone().unwrap_or_else(|| "activity".into());
    let device = fingerprint(recording.device.as_deref().unwrap_or("file").as_bytes()) >> 11;
    Ride {
        class: class_of(bytes, *user),
        gym: person.gym,
        user: *user,
        rider: person.name.clone(),
        name: sport.clone(),
        activity: activity(&sport),
        profile,
        consent: person.consent,
        started_at_ms: recording.started_at_ms.max(0) as u64,
        sensor: Sensor { source: SourceId::new(device).expect("53 bits"), kind: SourceKind::Strap },
        receiver: ReceiverId::new(device).expect("53 bits"),
    }
}

fn activity(sport: &str) -> Activity {
    match sport {
        "cycling" | "biking" | "indoor_cycling" => Activity::Ride,
        "running" | "treadmill_running" => Activity::Run,
        "rowing" => Activity::Row,
        "strength_training" | "training" => Activity::Strength,
        "yoga" => Activity::Yoga,
        _ => Activity::Other,
    }
}
