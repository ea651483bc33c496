//! What the stores cost on this machine: `cargo bench -p fitconnect --bench store [-- log|state|read] [SECONDS]`.
//! The log takes 20,000 samples a second in batches of 10, synced and shipped; the state store takes commits in batches of 256.

use fitconnect::store::{self, Options, Store, Temporary};
use fitconnect_actors::body::pack;
use fitconnect_actors::ports::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::user::Stored;
use fitconnect_domain::{ActorKey, Letter, LetterBody, LetterId, Millis};
use fitconnect_protocol::limits::COMMIT_BATCH_MAX;
use fitconnect_protocol::sample::Row as SampleRow;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, GymId, ReceiverId, SourceId, UserId, Uuid};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SAMPLES_PER_S: u64 = 20_000;
const BATCH: u64 = 10;
const CLASSES: u64 = 200;
const PEOPLE: usize = 15_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let wanted = |name: &str| {
        let named = arguments.iter().any(|argument| argument == name);
        named || !arguments.iter().any(|argument| ["log", "state"].contains(&argument.as_str()))
    };
    let seconds = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(30);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if wanted("log") {
        runtime.block_on(log(seconds));
    }
    if wanted("state") {
        runtime.block_on(state());
    }
}

/// CPU that this process has used.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
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
        row: SampleRow { ms: second as u32 * 1_000, bpm: 120 + rider as u16 * 3, ..SampleRow::default() },
    };
    let riders = (number / CLASSES % 10) * BATCH;
    (ClassId(Uuid::from_u128(u128::from(class) + 1)), (riders..riders + BATCH).map(sample).collect())
}

/// When each batch was appended, and how long it took until it was on disk.
#[derive(Default)]
struct Waits {
    appended: Vec<Instant>,
    waits: Vec<Duration>,
    /// By class: the next number that is not durable.
    next: Vec<u64>,
}

async fn log(seconds: u64) {
    let folder = Temporary::new().expect("a folder");
    let waits = Arc::new(Mutex::new(Waits { next: vec![0; CLASSES as usize], ..Waits::default() }));
    let heard = waits.clone();
    let sink: DurableSink = Arc::new(move |durable| {
        let Durable::Through { writer, number } = durable else { panic!("the disk refused") };
        let ActorKey::Class(class) = writer.key else { return };
        let mut waits = heard.lock().expect("whole");
        let class = class.0.as_u128() as usize - 1;
        // Numbers of one class are CLASSES apart.
        while waits.next[class] * CLASSES + class as u64 <= number {
            let place = (waits.next[class] * CLASSES) as usize + class;
            let wait = waits.appended[place].elapsed();
            waits.waits.push(wait);
            waits.next[class] += 1;
        }
    });
    let store = store::open(Options::new(folder.path()), sink).await.expect("a new folder");
    let (started, cpu_before) = (Instant::now(), cpu());
    let mut appending = Duration::ZERO;
    let (mut number, mut half) = (0_u64, 0);
    while started.elapsed() < Duration::from_secs(seconds) {
        let due = (started.elapsed().as_micros() as u64 * SAMPLES_PER_S / BATCH / 1_000_000).saturating_sub(number);
        for _ in 0..due {
            let (class, samples) = batch(number);
            waits.lock().expect("whole").appended.push(Instant::now());
            let before = Instant::now();
            let writer = Writer { key: ActorKey::Class(class), life: 1 };
            assert!(store.events.append(writer, number, Event::Samples { class, samples }), "the log took it");
            appending += before.elapsed();
            number += 1;
        }
        if half == 0 && started.elapsed() > Duration::from_secs(seconds) / 2 {
            half = store.stats().log_bytes_waiting;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stats = store.stats();
    let used = cpu() - cpu_before;
    let mut sorted = waits.lock().expect("whole").waits.clone();
    sorted.sort_unstable();
    let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    let samples = number * BATCH;
    println!("log: {samples} samples in {seconds} s, {BATCH} a batch, {CLASSES} classes");
    println!("  append             {:>8.3} µs a sample", appending.as_secs_f64() * 1e6 / samples as f64);
    println!(
        "  whole process      {:>8.3} µs CPU a sample (generator, log, shipping to events.db)",
        used.as_secs_f64() * 1e6 / samples as f64
    );
    println!("  on disk            {:>8.1} bytes a sample", stats.log_bytes as f64 / stats.log_samples as f64);
    println!("  append -> durable  p50 {:?}  p99 {:?}  max {:?}", at(50), at(99), at(100));
    println!("  groups {}, last sync {:?}, refused {}", stats.log_groups, stats.log_sync_last, stats.log_busy);
    println!(
        "  windows shipped {}, waiting {} ({} bytes; {half} at half time)",
        stats.windows_shipped, stats.log_windows_waiting, stats.log_bytes_waiting
    );
    read(&store).await;
    store.close().await;
}

async fn read(store: &Store) {
    let (class, samples) = batch(7);
    let started = Instant::now();
    let all = store.events.samples(class, None).await.expect("a read").len();
    println!("read: a class of {all} samples in {:?}", started.elapsed());
    let started = Instant::now();
    let mut of_one = 0;
    for _ in 0..100 {
        of_one = store.events.samples(class, Some(vec![samples[3].source])).await.expect("a read").len();
    }
    println!("read: one sensor of it, {of_one} samples, in {:?}", started.elapsed() / 100);
}

async fn state() {
    let folder = Temporary::new().expect("a folder");
    let store = store::open(Options::new(folder.path()), Arc::new(|_| {})).await.expect("a new folder");
    store.state.claim_shards().await.expect("all shards");
    let gym = GymId(Uuid::from_u128(1));
    let users: Vec<UserId> = (0..PEOPLE).map(|_| UserId(Uuid::now_v7())).collect();
    let snapshot = pack(&Stored::new(gym, "Somebody", Profile::default(), Consent::default()));
    let account = |user: UserId| Account {
        user,
        gym,
        email: format!("{user}@example.org"),
        name: "Somebody".into(),
        role: Role::Member,
        hall: None,
        password: String::new(),
    };
    let started = Instant::now();
    let accounts = users.iter().map(|user| (account(*user), UserRow { snapshot: snapshot.clone() })).collect();
    store.state.add_accounts(accounts).await.expect("accounts");
    println!("state: {PEOPLE} accounts in {:?}", started.elapsed());
    // As in a class that all join: the class writes changes, answers and letters, each person handles a letter.
    let class = ClassId(Uuid::now_v7());
    let key = ActorKey::Class(class);
    let (mut rev, mut seq) = (0, 0);
    let (mut class_took, mut people_took, mut commits) = (Duration::ZERO, Duration::ZERO, 0);
    let cpu_before = cpu();
    for part in users.chunks(COMMIT_BATCH_MAX) {
        let row = ClassRow {
            gym,
            name: "HIIT".into(),
            hall: "A".into(),
            trainer: "Tom".into(),
            starts_at_ms: 0,
            stage: "open".into(),
            people: seq as u32,
        };
        let change =
            |seq: u64, kind| StoredChange { seq, at: Millis(1_000), kind, body: vec![7; 120], rewrites: vec![] };
        let answer = |author| StoredAnswer {
            author,
            cmd: CmdId(Uuid::now_v7()),
            digest: 7,
            at: Millis(1_000),
            reply: vec![7; 60],
        };
        let letter = |user: &UserId| Letter { to: ActorKey::User(*user), body: LetterBody::InClass { class, rev: 1 } };
        let commit = Commit {
            key,
            epoch: 1,
            rev,
            row: Some(Row::Class(row)),
            changes: part.iter().zip(seq + 1..).map(|(_, seq)| change(seq, "joined")).collect(),
            wake_at: None,
            letters: part.iter().zip(0..).map(|(user, number)| (number, letter(user))).collect(),
            received: vec![],
            answers: part.iter().map(|user| answer(*user)).collect(),
            reports: vec![],
        };
        seq += part.len() as u64;
        let started = Instant::now();
        assert_eq!(store.state.commit(vec![commit]).await, [Committed::Done(rev + 1)]);
        class_took += started.elapsed();
        rev += 1;
        let person = |(user, number): (&UserId, u32)| Commit {
            key: ActorKey::User(*user),
            epoch: 1,
            rev: 1,
            row: Some(Row::User(UserRow { snapshot: snapshot.clone() })),
            changes: vec![change(1, "in_class")],
            wake_at: None,
            letters: vec![],
            received: vec![LetterId { from: key, rev, number }],
            answers: vec![],
            reports: vec![],
        };
        let batch: Vec<Commit> = part.iter().zip(0..).map(person).collect();
        let started = Instant::now();
        let done = store.state.commit(batch).await;
        people_took += started.elapsed();
        commits += done.len();
        assert!(done.iter().all(|done| *done == Committed::Done(2)));
    }
    let used = cpu() - cpu_before;
    let per_s = |count: usize, took: Duration| count as f64 / took.as_secs_f64();
    println!(
        "  joins in one class       {:>8.0} a second (change + answer + letter each, {COMMIT_BATCH_MAX} a commit)",
        per_s(PEOPLE, class_took)
    );
    println!(
        "  commits of as many people {:>7.0} a second (letter handled, change, row; {COMMIT_BATCH_MAX} actors a transaction)",
        per_s(commits, people_took)
    );
    println!("  both                     {:>8.1} µs CPU a person", used.as_secs_f64() * 1e6 / PEOPLE as f64);
    let started = Instant::now();
    let stored = store.state.load(key).await.expect("a read");
    println!(
        "  the class is loaded in {:?}: {} changes, {} answers",
        started.elapsed(),
        stored.changes.len(),
        stored.answers.len()
    );
    store.close().await;
}
