//! What the stores of a real gym take, for the proof `throughput`: one JSON object on stdout.
//! `samples SECONDS HOST:PORT` — 20,400 samples a second in batches of 10 into the event log, shipped to this Cassandra.
//! `reload RIDERS MINUTES HOST:PORT` — a class that ran so long, loaded again from its checkpoint and what came behind it.
//! `commands SECONDS URL` — commands of one hot actor, gathered as its host gathers them, in this PostgreSQL.

use fitconnect::store::events::{Cluster, EventsAt};
use fitconnect::store::{self, Options, StateAt, Store, Temporary};
use fitconnect_actors::ports::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::limits::COMMIT_BATCH_MAX;
use fitconnect_protocol::sample::Row as SampleRow;
use fitconnect_protocol::{ClassId, CmdId, GymId, ReceiverId, SourceId, UserId, Uuid};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[path = "throughput/reload.rs"]
mod reload;

/// A little more than is promised: the last group is on its way when the clock stops.
const SAMPLES_PER_S: u64 = 20_400;
const BATCH: u64 = 10;
const CLASSES: u64 = 200;
const COMMANDS_PER_S: u64 = 2_500;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match arguments.as_slice() {
        ["samples", seconds, node] => runtime.block_on(samples(seconds.parse().expect("seconds"), node)),
        ["commands", seconds, url] => runtime.block_on(commands(seconds.parse().expect("seconds"), url)),
        ["reload", riders, minutes, node] => {
            let (riders, minutes) = (riders.parse().expect("riders"), minutes.parse().expect("minutes"));
            runtime.block_on(reload::run(riders, minutes, node));
        }
        _ => println!("say `samples SECONDS HOST:PORT` or `commands SECONDS URL`"),
    }
}

/// CPU seconds that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
}

fn milliseconds(mut waits: Vec<Duration>, percent: usize) -> f64 {
    waits.sort_unstable();
    waits.get(waits.len().saturating_sub(1) * percent / 100).map_or(0.0, Duration::as_secs_f64) * 1_000.0
}

fn batch(number: u64) -> (ClassId, Vec<StoredSample>) {
    let class = number % CLASSES;
    let second = number * BATCH / SAMPLES_PER_S;
    let sample = |rider: u64| StoredSample {
        source: SourceId::new(0x1f_0000_0000_0000 + class * 1_000 + rider).expect("below 2^53"),
        receiver: ReceiverId::new(0x0a_0000_0000_0000 + class * 1_000 + rider).expect("below 2^53"),
        boot: 40_000,
        seq: (number / CLASSES) as u32,
        at: 1_795_459_200_000 + second as i64 * 1_000 + rider as i64,
        row: SampleRow { ms: second as u32 * 1_000, bpm: 120 + rider as u16 % 50, ..SampleRow::default() },
    };
    let riders = (number / CLASSES % 10) * BATCH;
    (ClassId(Uuid::from_u128(u128::from(class) + 1)), (riders..riders + BATCH).map(sample).collect())
}

/// When each batch was appended, and how long it took until it was on disk.
struct Waits {
    appended: Vec<Instant>,
    waits: Vec<Duration>,
    /// By class: how many of its batches are durable.
    durable: Vec<u64>,
}

async fn samples(seconds: u64, node: &str) {
    let folder = Temporary::new().expect("a folder");
    let waits = Waits { appended: Vec::new(), waits: Vec::new(), durable: vec![0; CLASSES as usize] };
    let waits = Arc::new(Mutex::new(waits));
    let heard = waits.clone();
    let sink: DurableSink = Arc::new(move |durable| {
        let Durable::Through { writer, number } = durable else { panic!("the disk refused") };
        let ActorKey::Class(class) = writer.key else { return };
        let mut waits = heard.lock().expect("whole");
        let class = class.0.as_u128() as usize - 1;
        // Numbers of one class are CLASSES apart.
        while waits.durable[class] * CLASSES + class as u64 <= number {
            let place = (waits.durable[class] * CLASSES) as usize + class;
            let wait = waits.appended[place].elapsed();
            waits.waits.push(wait);
            waits.durable[class] += 1;
        }
    });
    let cluster = Cluster { nodes: vec![node.to_owned()], keyspace: "fitconnect".into(), login: None };
    let options = Options { events: EventsAt::Cassandra(cluster), ..Options::new(folder.path()) };
    let store = store::open(options, sink).await.expect("Cassandra answers");
    let (started, cpu_before) = (Instant::now(), cpu());
    let (mut number, mut backlog) = (0_u64, Vec::new());
    while started.elapsed() < Duration::from_secs(seconds) {
        let due = (started.elapsed().as_micros() as u64 * SAMPLES_PER_S / BATCH / 1_000_000).saturating_sub(number);
        for _ in 0..due {
            let (class, samples) = batch(number);
            waits.lock().expect("whole").appended.push(Instant::now());
            let writer = Writer { key: ActorKey::Class(class), life: 1 };
            assert!(store.events.append(writer, number, Event::Samples { class, samples }), "the log took it");
            number += 1;
        }
        if started.elapsed().as_millis() as usize / 500 > backlog.len() {
            backlog.push(store.stats().log_bytes_waiting);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (stats, used) = (store.stats(), cpu() - cpu_before);
    let durable: u64 = waits.lock().expect("whole").durable.iter().sum::<u64>() * BATCH;
    let waits = waits.lock().expect("whole").waits.clone();
    let drained = Instant::now();
    close(store).await;
    let report = serde_json::json!({
        "seconds": started.elapsed().as_secs_f64() - drained.elapsed().as_secs_f64(),
        "appended": number * BATCH,
        "acknowledged": durable,
        "ack_p50_ms": milliseconds(waits.clone(), 50),
        "ack_p99_ms": milliseconds(waits, 99),
        "cpu_s": used,
        "backlog": backlog,
        "pace": stats.ship_pace,
        "drained_s": drained.elapsed().as_secs_f64(),
        "stored": stored(node).await,
    });
    println!("{report}");
}

async fn close(store: Store) {
    store.close().await;
}

/// What Cassandra has afterwards, read back class by class.
async fn stored(node: &str) -> u64 {
    let cluster = Cluster { nodes: vec![node.to_owned()], keyspace: "fitconnect".into(), login: None };
    let events = store::events::CassandraEvents::open(&cluster).await.expect("Cassandra answers");
    let mut stored = 0;
    for class in 0..CLASSES {
        stored +=
            events.chunks(ClassId(Uuid::from_u128(u128::from(class) + 1)), None).await.expect("a read").len() as u64;
    }
    stored
}

async fn commands(seconds: u64, url: &str) {
    let folder = Temporary::new().expect("a folder");
    let state: StateAt = url.parse().expect("an address");
    let store = store::open(Options { state, ..Options::new(folder.path()) }, Arc::new(|_| {})).await.expect("a store");
    let epochs = store.state.claim_shards().await.expect("all shards");
    let class = ClassId(Uuid::now_v7());
    let key = ActorKey::Class(class);
    let epoch = epochs[usize::from(key.shard())];
    let row = ClassRow {
        gym: GymId(Uuid::from_u128(1)),
        name: "Hot".into(),
        hall: "A".into(),
        trainer: "Tom".into(),
        starts_at_ms: 0,
        stage: "running".into(),
        people: 200,
    };
    let (started, cpu_before) = (Instant::now(), cpu());
    let (mut waiting, mut waits, mut asked) = (VecDeque::new(), Vec::new(), 0_u64);
    let (mut rev, mut seq) = (0, 0);
    while started.elapsed() < Duration::from_secs(seconds) || !waiting.is_empty() {
        let due = started.elapsed().min(Duration::from_secs(seconds)).as_micros() as u64 * COMMANDS_PER_S / 1_000_000;
        while asked < due {
            waiting.push_back(started + Duration::from_micros(asked * 1_000_000 / COMMANDS_PER_S));
            asked += 1;
        }
        if waiting.is_empty() {
            tokio::time::sleep(Duration::from_micros(500)).await;
            continue;
        }
        let part: Vec<Instant> = waiting.drain(..waiting.len().min(COMMIT_BATCH_MAX)).collect();
        let change =
            |seq: u64| StoredChange { seq, at: Millis(1_000), kind: "cued", body: vec![7; 120], rewrites: vec![] };
        let answer = |_: &Instant| StoredAnswer {
            author: UserId(Uuid::from_u128(9)),
            cmd: CmdId(Uuid::now_v7()),
            digest: 7,
            at: Millis(1_000),
            reply: vec![7; 60],
        };
        let commit = Commit {
            key,
            epoch,
            rev,
            row: Some(Row::Class(row.clone())),
            changes: part.iter().zip(seq + 1..).map(|(_, seq)| change(seq)).collect(),
            wake_at: None,
            letters: vec![],
            received: vec![],
            answers: part.iter().map(answer).collect(),
            reports: vec![],
        };
        seq += part.len() as u64;
        assert_eq!(store.state.commit(vec![commit]).await, [Committed::Done(rev + 1)]);
        rev += 1;
        waits.extend(part.iter().map(|came| came.elapsed()));
    }
    let report = serde_json::json!({
        "seconds": started.elapsed().as_secs_f64(),
        "commands": asked,
        "commits": rev,
        "p50_ms": milliseconds(waits.clone(), 50),
        "p99_ms": milliseconds(waits, 99),
        "cpu_s": cpu() - cpu_before,
        "stored": store.state.load(key).await.expect("a read").last_seq,
    });
    close(store).await;
    println!("{report}");
}
