//! A class as large as there is, minute by minute on its own clock; its last minute and a half goes through the real log into Cassandra.
//! Then everything that a reload does is done and timed, and the figures are compared with those of the machine that lived all along.

use fitconnect::clock::WallClock;
use fitconnect::store::events::{Cluster, EventsAt};
use fitconnect::store::{self, Options, Store, Temporary};
use fitconnect_actors::ClassBody;
use fitconnect_actors::body::Body;
use fitconnect_actors::ports::{
    Checkpoint, ClassRow, Clock, Commit, Committed, Event, Row as StateRow, StoredChange, Writer,
};
use fitconnect_domain::class::by_hand::ByHand;
use fitconnect_domain::class::{Caller, Facts, Input, Person};
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::class::{
    Activity, ClassClock, ClassCommand, PlanAction, Segment, SegmentKind, Sensor, SourceKind,
};
use fitconnect_protocol::limits::{CHECKPOINT_MS, CHECKPOINT_SLACK_MS, COMMIT_BATCH_MAX, HOLD_MS};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex};
use fitconnect_protocol::{ClassId, CmdId, GymId, ReceiverId, SessionId, SourceId, UserId, Uuid};
use std::sync::Arc;
use std::time::{Duration, Instant};

const T0: Millis = Millis(1_795_500_000_000);
const GYM: GymId = GymId(Uuid::from_u128(6));
const CLASS: ClassId = ClassId(Uuid::from_u128(12));
/// Phones send so many rows at once.
const ROWS: u32 = 10;

pub async fn run(riders: u32, minutes: u32, node: &str) {
    let folder = Temporary::new().expect("a folder");
    let cluster = Cluster { nodes: vec![node.to_owned()], keyspace: "reload".into(), login: None };
    let options = Options { events: EventsAt::Cassandra(cluster), ..Options::new(folder.path()) };
    let store = store::open(options, Arc::new(|_| {})).await.expect("Cassandra answers");
    let (mut host, hub) = class(riders, minutes);
    let seconds = minutes * 60;
    let slack_from = seconds - ((CHECKPOINT_MS + CHECKPOINT_SLACK_MS) / 1_000) as u32;
    let kept_at = seconds - (CHECKPOINT_MS / 1_000) as u32;
    let clock = WallClock::start();
    let (mut since, mut kept, mut number) = (Millis(0), None, 0);
    for second in (0..seconds).step_by(ROWS as usize) {
        if second >= slack_from && since == Millis(0) {
            since = clock.now();
        }
        if second >= kept_at && kept.is_none() {
            let started = Instant::now();
            let body = host.class.checkpoint().expect("it runs");
            let took = started.elapsed();
            let bytes = body.len();
            let checkpoint = Checkpoint { seq: host.changes.len() as u64, since, body };
            store.events.keep_checkpoint(CLASS, Some(checkpoint)).await.expect("kept");
            kept = Some((bytes, took));
        }
        ride(&mut host, &hub, riders, second);
        let samples = std::mem::take(&mut host.samples);
        if second >= slack_from {
            for part in samples.chunks(600) {
                number += 1;
                let writer = Writer { key: ActorKey::Class(CLASS), life: 1 };
                assert!(store.events.append(writer, number, Event::Samples { class: CLASS, samples: part.to_vec() }));
            }
        }
        host.published.clear();
    }
    let (bytes, took) = kept.expect("long enough for a checkpoint");
    save(&store, &host).await;
    // As in life: all but the newest windows have been shipped.
    let until = Instant::now() + Duration::from_secs(60);
    while store.stats().windows_shipped == 0 || store.stats().log_windows_waiting > 0 {
        assert!(Instant::now() < until, "not shipped: {:?}", store.stats());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let started = Instant::now();
    let stored = store.state.load(ActorKey::Class(CLASS)).await.expect("a read");
    let checkpoint = store.events.checkpoint(CLASS).await.expect("a read").expect("it was kept");
    let samples = store.events.samples_since(CLASS, checkpoint.since).await.expect("a read");
    let (read, count) = (started.elapsed(), samples.len());
    let restored = ClassBody::restore_from(CLASS, &stored, &checkpoint, samples, host.now);
    let restored = restored.expect("readable").expect("the checkpoint serves");
    let reloaded = started.elapsed();
    let same = |(lived, again): (&fitconnect_domain::class::rider::Rider, &fitconnect_domain::class::rider::Rider)| {
        again.live.is_exact() && lived.live.figures() == again.live.figures()
    };
    let equal = host.class.riders().iter().zip(restored.riders()).filter(|pair| same(*pair)).count();
    let points: u64 = restored.riders().iter().map(|rider| rider.live.figures().points()).sum();
    let report = serde_json::json!({
        "riders": riders,
        "minutes": minutes,
        "checkpoint_bytes": bytes,
        "checkpoint_ms": took.as_secs_f64() * 1e3,
        "samples": count,
        "read_ms": read.as_secs_f64() * 1e3,
        "reload_ms": reloaded.as_secs_f64() * 1e3,
        "equal": equal,
        "points": points,
    });
    store.close().await;
    println!("{report}");
}

fn class(riders: u32, minutes: u32) -> (ByHand, Arc<Caller>) {
    let caller = |n: u32, role| {
        let id = |kind: u128| Uuid::from_u128(kind << 64 | u128::from(n));
        Arc::new(Caller {
            user: UserId(id(1)),
            gym: GYM,
            role,
            session: SessionId(id(2)),
            hall: None,
            name: String::new(),
        })
    };
    let trainer = caller(u32::MAX, Role::Trainer);
    let mut host = ByHand::new(CLASS, T0);
    host.ticks = false;
    let plan = Segment { kind: SegmentKind::Work, duration_s: minutes * 60 + 600, target: None, cue: None };
    let facts = Facts {
        gym: GYM,
        name: "Large".into(),
        hall: "Hall 1".into(),
        trainer: "Ana".into(),
        activity: Activity::Ride,
        starts_at_ms: T0.0 as i64,
        lobby_min: None,
        capacity: riders as u16,
        segments: vec![plan],
        clock: ClassClock { class_ms: 0, wall_ms: T0.0 as i64, rate: 1 },
        hold_ms: HOLD_MS,
        solo: false,
    };
    host.send(Input::Create { by: trainer.user, cmd: CmdId(Uuid::nil()), facts: Box::new(facts) });
    let accepted =
        |answer: Option<Response>| assert!(!matches!(answer, None | Some(Response::Refused(_))), "{answer:?}");
    accepted(host.command(&trainer, ClassCommand::Lobby));
    for n in 0..riders {
        let by = caller(n, Role::Member);
        let profile = Profile {
            sex: Some(Sex::Female),
            born: Some("1990-05-31".into()),
            weight_kg: Some(61.0),
            hr_rest: Some(52),
            hr_max: Some(f64::from(175 + n % 20)),
            hr_max_source: Some(HrMaxSource::Measured),
            ..Profile::default()
        };
        let person = Person {
            gym: GYM,
            name: format!("Member {n}"),
            rev: 1,
            profile,
            consent: Consent::default(),
            blocks: Default::default(),
        };
        host.people.insert(by.user, person);
        let sensors = vec![Sensor { source: source(n), kind: SourceKind::Strap }];
        accepted(host.command(&by, ClassCommand::Join { seat: None, sensors }));
    }
    accepted(host.command(&trainer, ClassCommand::Boot { receiver: receiver(), boot: 1, offset: 0 }));
    accepted(host.command(&trainer, ClassCommand::Plan { action: PlanAction::Start, at: None }));
    (host, trainer)
}

fn source(n: u32) -> SourceId {
    SourceId::new(u64::from(n) + 1).expect("small")
}

fn receiver() -> ReceiverId {
    ReceiverId::new(77).expect("small")
}

/// Ten seconds of everybody.
fn ride(host: &mut ByHand, by: &Arc<Caller>, riders: u32, second: u32) {
    host.advance_to(T0.plus(u64::from(second + ROWS) * 1_000));
    for n in 0..riders {
        let row = |second: u32| Row { ms: second * 1_000, bpm: 95 + ((second / 7 + n) % 80) as u16, ..Row::default() };
        let rows = (second..second + ROWS).map(row).collect();
        let sources = vec![SourceRows(source(n), second, rows)];
        let samples = Samples { class: CLASS, receiver: receiver(), boot: 1, sources };
        host.send(Input::Samples { by: by.clone(), samples });
    }
}

/// The class's changes as its actor would have stored them.
async fn save(store: &Store, host: &ByHand) {
    let key = ActorKey::Class(CLASS);
    let epoch = store.state.claim_shards().await.expect("all shards")[usize::from(key.shard())];
    let changes: Vec<StoredChange> = host
        .changes
        .iter()
        .zip(1..)
        .map(|(change, seq)| {
            let (kind, body) = ClassBody::change(change);
            StoredChange { seq, at: T0, kind, body, rewrites: vec![] }
        })
        .collect();
    for (part, rev) in changes.chunks(COMMIT_BATCH_MAX).zip(0..) {
        let row = ClassRow {
            gym: GYM,
            name: "Large".into(),
            hall: "Hall 1".into(),
            trainer: "Ana".into(),
            starts_at_ms: T0.0 as i64,
            stage: "running".into(),
            people: host.class.riders().len() as u32,
        };
        let commit = Commit {
            key,
            epoch,
            rev,
            row: Some(StateRow::Class(row)),
            changes: part.to_vec(),
            wake_at: None,
            letters: vec![],
            received: vec![],
            answers: vec![],
            reports: vec![],
        };
        assert_eq!(store.state.commit(vec![commit]).await, [Committed::Done(rev + 1)]);
    }
}
