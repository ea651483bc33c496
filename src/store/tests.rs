//! The stores together: a sample is found from the moment it is durable, wherever it is on its way, once.

use super::events::scratch::Keyspace;
use super::sql::suite::{bare, class_row};
use super::*;
use fitconnect_actors::ports::{Commit, Committed, Durable, Event, RoomRow, Row as StateRow, StoredChange, Writer};
use fitconnect_domain::ActorKey;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::sample::Row;
use fitconnect_protocol::{ClassId, GymId, ReceiverId, RoomId, SourceId};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CLASS: ClassId = ClassId(Uuid::from_u128(3));
const ANA: Writer = Writer { key: ActorKey::Class(CLASS), life: 1 };

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn deaf() -> DurableSink {
    Arc::new(|_| {})
}

/// Windows of a moment: shipping runs all the time.
fn hurried(folder: &Path) -> Options {
    let log = LogOptions {
        group: Duration::from_millis(1),
        window: Duration::from_millis(3),
        segment_bytes: 16 * 1024,
        safe_delay: Duration::ZERO,
        ..LogOptions::default()
    };
    Options { log, ..Options::new(folder) }
}

/// Windows that end only with the store.
fn held_back(folder: &Path) -> Options {
    let mut options = hurried(folder);
    options.log.window = Duration::from_secs(3_600);
    options
}

fn sample(seq: u32) -> StoredSample {
    StoredSample {
        source: SourceId::new(1 + u64::from(seq % 4)).expect("small"),
        receiver: ReceiverId::new(9).expect("small"),
        boot: 1,
        seq,
        at: i64::from(seq) * 1_000,
        row: Row { ms: seq * 1_000, bpm: 130, ..Row::default() },
    }
}

fn samples(seqs: std::ops::Range<u32>) -> Event {
    Event::Samples { class: CLASS, samples: seqs.map(sample).collect() }
}

fn raised(at: i64) -> Event {
    Event::Class { class: CLASS, at, kind: "raised", body: vec![at as u8] }
}

async fn seqs(store: &Store) -> Vec<u32> {
    let mut seqs: Vec<u32> =
        store.events.samples(CLASS, None).await.expect("a read").iter().map(|sample| sample.seq).collect();
    seqs.sort_unstable();
    seqs
}

#[test]
fn a_sample_is_found_wherever_it_is_and_once() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        found_wherever_it_is(hurried(folder.path())).await;
    });
}

#[test]
fn a_sample_is_found_wherever_it_is_and_once_with_cassandra() {
    let Some(keyspace) = Keyspace::new() else { return };
    run(async {
        let folder = Temporary::new().expect("a folder");
        let events = EventsAt::Cassandra(keyspace.0.clone());
        found_wherever_it_is(Options { events, ..hurried(folder.path()) }).await;
    });
}

async fn found_wherever_it_is(options: Options) {
    let store = open(options.clone(), deaf()).await.expect("a new folder");
    let mut next = 0;
    for number in 0..400 {
        let size = 1 + number as u32 % 7;
        assert!(store.events.append(ANA, number, samples(next..next + size)));
        next += size;
        if number % 3 == 0 {
            assert_eq!(seqs(&store).await, (0..next).collect::<Vec<_>>(), "after append {number}");
        }
        if number % 50 == 0 {
            // In real time, so that windows end and are shipped in between.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let of_one = store.events.samples(CLASS, Some(vec![SourceId::new(1).expect("small")])).await.expect("a read");
    assert_eq!(of_one.len(), (0..next).filter(|seq| seq % 4 == 0).count());
    let until = Instant::now() + Duration::from_secs(20);
    while store.stats().windows_shipped <= 3 {
        assert!(Instant::now() < until, "{:?}", store.stats());
        tokio::task::yield_now().await;
    }
    store.close().await;
    let store = open(options, deaf()).await.expect("opened again");
    assert_eq!(seqs(&store).await, (0..next).collect::<Vec<_>>(), "and after a restart");
    store.close().await;
}

/// With `ack = quorum` nothing is told before Cassandra has it, and what is told lies there.
#[test]
fn a_quorum_is_told_of_what_it_has() {
    let Some(keyspace) = Keyspace::new() else { return };
    run(async {
        let folder = Temporary::new().expect("a folder");
        let events = EventsAt::Cassandra(keyspace.0.clone());
        let log = LogOptions { quorum: true, ..hurried(folder.path()).log };
        let (tell, mut told) = tokio::sync::mpsc::channel(1_000);
        let sink: DurableSink = Arc::new(move |durable| tell.try_send(durable).expect("the test listens"));
        let store = open(Options { events, log, ..Options::new(folder.path()) }, sink).await.expect("a new folder");
        for number in 1..=50_u32 {
            assert!(store.events.append(ANA, number.into(), samples(number..number + 1)));
            let heard = told.recv().await.expect("the store lives");
            assert_eq!(heard, Durable::Through { writer: ANA, number: number.into() });
            let there = store.rows.chunks(CLASS, None).await.expect("a read");
            assert!(there.iter().any(|sample| sample.seq == number), "{number} was told and is not there");
        }
        assert_eq!(store.stats().ack_fallbacks, 0);
        store.close().await;
    });
}

#[test]
fn a_close_ships_what_is_there_and_a_second_shipping_changes_nothing() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let store = open(held_back(folder.path()), deaf()).await.expect("a new folder");
        assert!(store.events.append(ANA, 1, samples(0..500)));
        assert!(store.events.append(ANA, 2, raised(7)));
        assert!(store.events.append(ANA, 3, raised(5)));
        let events = store.events.class_events(CLASS).await.expect("a read");
        assert_eq!(events, [(5, "raised".into(), vec![5]), (7, "raised".into(), vec![7])]);
        assert_eq!(store.rows.chunks(CLASS, None).await, Ok(vec![]), "not shipped yet");
        store.close().await;
        for _ in 0..2 {
            // The newest window stays in the log, so each start ships it again.
            let store = open(held_back(folder.path()), deaf()).await.expect("opened again");
            assert_eq!(seqs(&store).await, (0..500).collect::<Vec<_>>());
            assert_eq!(store.events.class_events(CLASS).await, Ok(events.clone()));
            store.close().await;
        }
        let rows = SqliteEvents::open(&folder.path().join("events.db")).await.expect("the rows alone");
        assert_eq!(rows.chunks(CLASS, None).await.expect("a read").len(), 500);
        assert_eq!(rows.class_events(CLASS).await.expect("a read").len(), 2);
        rows.close().await;
    });
}

#[test]
fn a_store_that_is_only_dropped_lets_go_of_its_folder_and_loses_nothing() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let store = open(held_back(folder.path()), deaf()).await.expect("a new folder");
        assert!(store.events.append(ANA, 1, samples(0..9)));
        let events = store.events.clone();
        drop(store);
        let started = Instant::now();
        let store = loop {
            match open(held_back(folder.path()), deaf()).await {
                Ok(store) => break store,
                Err(OpenError::InUse { .. }) if started.elapsed() < Duration::from_secs(20) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        assert!(!events.append(ANA, 2, samples(9..10)), "the old one takes nothing more");
        assert_eq!(seqs(&store).await, (0..9).collect::<Vec<_>>());
        store.close().await;
    });
}

#[test]
fn a_folder_serves_one_process_at_a_time() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let store = open(Options::new(folder.path()), deaf()).await.expect("a new folder");
        let Err(error) = open(Options::new(folder.path()), deaf()).await else { panic!("two at once") };
        let text = error.to_string();
        let process = std::process::id().to_string();
        assert!(
            matches!(error, OpenError::InUse { .. }) && text.contains(&process) && text.contains("--data"),
            "{text}"
        );
        store.close().await;
        open(Options::new(folder.path()), deaf()).await.expect("free again").close().await;
    });
}

#[test]
fn a_store_of_a_later_version_is_refused_and_left_alone() {
    run(async {
        for file in ["state.db", "events.db"] {
            let folder = Temporary::new().expect("a folder");
            open(Options::new(folder.path()), deaf()).await.expect("a new folder").close().await;
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join(file));
            let pool = sqlx::SqlitePool::connect_with(options).await.expect("the file alone");
            let later = "insert into fc_schema (version, applied_at_us) values (9999, 0)";
            sqlx::query(later).execute(&pool).await.expect("written");
            pool.close().await;
            let Err(error) = open(Options::new(folder.path()), deaf()).await else { panic!("{file} is of the future") };
            let text = format!("{error}");
            assert!(text.contains(file) && text.contains("9999") && text.contains("later version"), "{text}");
        }
    });
}

#[test]
fn marks_rise_and_end_with_the_last_number() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let last = Arc::new(AtomicU64::new(0));
        let heard = last.clone();
        let sink: DurableSink = Arc::new(move |durable| match durable {
            Durable::Through { writer, number } => {
                assert_eq!(writer, ANA);
                assert!(heard.swap(number, Ordering::SeqCst) < number, "never back");
            }
            Durable::Failed { .. } => panic!("nothing failed"),
        });
        let store = open(hurried(folder.path()), sink).await.expect("a new folder");
        for number in 1..=2_000 {
            assert!(store.events.append(ANA, number, samples(number as u32..number as u32 + 1)));
        }
        store.close().await;
        assert_eq!(last.load(Ordering::SeqCst), 2_000);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn health_data_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;
    run(async {
        let parent = Temporary::new().expect("a folder");
        let folder = parent.path().join("data");
        open(Options::new(&folder), deaf()).await.expect("a new folder").close().await;
        let mode = fs::metadata(&folder).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    });
}

#[test]
fn a_backup_of_a_running_store_is_whole_and_a_changed_one_is_refused() {
    run(async {
        let (folder, place) = (Temporary::new().expect("a folder"), Temporary::new().expect("a folder"));
        let store = open(hurried(folder.path()), deaf()).await.expect("a new folder");
        fs::create_dir(folder.path().join("keys")).expect("a folder");
        fs::write(folder.path().join("keys/1.pem"), "a key").expect("a file");
        let mut next = 0;
        for round in 0..20 {
            // Acknowledged before the backup begins; more is appended while it runs.
            assert!(store.events.append(ANA, round, samples(next..next + 50)));
            next += 50;
            assert_eq!(seqs(&store).await.len(), next as usize);
            let to = place.path().join(format!("backup-{round}"));
            let before = next;
            let copying = backup::backup(folder.path(), &to);
            let appending = async {
                for number in 0..20 {
                    assert!(store.events.append(ANA, 1_000 + round * 20 + number, samples(next..next + 1)));
                    next += 1;
                    tokio::task::yield_now().await;
                }
            };
            let (copied, ()) = tokio::join!(copying, appending);
            assert!(copied.expect("a backup").iter().any(|file| file.path == Path::new("keys/1.pem")));
            let again = place.path().join(format!("again-{round}"));
            backup::restore(&to, &again).await.expect("restored");
            let restored = open(hurried(&again), deaf()).await.expect("opened");
            let found = seqs(&restored).await;
            assert_eq!(found[..before as usize], (0..before).collect::<Vec<_>>()[..], "round {round}");
            restored.close().await;
            fs::remove_dir_all(&again).expect("gone");
        }
        store.close().await;
        let good = place.path().join("backup-0");
        let taken = backup::restore(&good, folder.path()).await.expect_err("it is not empty").to_string();
        assert!(taken.contains("not empty"), "{taken}");
        fs::write(good.join("keys/1.pem"), "another").expect("changed");
        let error = backup::restore(&good, &place.path().join("bad")).await.expect_err("changed").to_string();
        assert!(error.contains("keys/1.pem") && error.contains("changed"), "{error}");
        assert!(backup::backup(&place.path().join("nowhere"), &place.path().join("x")).await.is_err());
    });
}

#[test]
fn what_is_committed_reaches_the_event_store() {
    run(async {
        let folder = Temporary::new().expect("a folder");
        let key = ActorKey::Class(CLASS);
        let change = |seq| StoredChange { seq, at: Millis(seq), kind: "opened", body: vec![7], rewrites: vec![] };
        let commit =
            |epoch, rev, seq| Commit { epoch, rev, row: class_row(1), changes: vec![change(seq)], ..bare(key) };
        let mut store = open(hurried(folder.path()), deaf()).await.expect("a new store");
        store.own("here").await.expect("nobody else");
        let epoch = store.state.load(key).await.expect("a read").epoch;
        assert_eq!(store.state.commit(vec![commit(epoch, 0, 1)]).await, [Committed::Done(1)]);
        let until = Instant::now() + Duration::from_secs(20);
        while store.stats().outbox_told < 1 || !store.sql_state.outbox(10).await.expect("a read").is_empty() {
            assert!(Instant::now() < until, "{:?}", store.stats());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Committed and stopped at once: it is told at the end.
        assert_eq!(store.state.commit(vec![commit(epoch, 1, 2)]).await, [Committed::Done(2)]);
        store.close().await;
        let store = open(hurried(folder.path()), deaf()).await.expect("the same store");
        let seqs: Vec<_> = store.rows.class_changes(CLASS, 0, 10).await.expect("a read");
        assert_eq!(seqs.iter().map(|told| told.seq).collect::<Vec<_>>(), [1, 2]);
        store.close().await;
    });
}

#[test]
fn a_restored_room_begins_a_new_epoch() {
    run(async {
        let (folder, place) = (Temporary::new().expect("a folder"), Temporary::new().expect("a folder"));
        let store = open(hurried(folder.path()), deaf()).await.expect("a new folder");
        store.state.claim_shards().await.expect("all shards");
        let key = ActorKey::Room(RoomId(Uuid::from_u128(8)));
        let epoch = store.state.load(key).await.expect("a read").epoch;
        let row = RoomRow {
            gym: GymId(Uuid::from_u128(1)),
            kind: "team",
            name: "Early birds".into(),
            people: 1,
            topic_epoch: 5,
            snapshot: Some((0, b"row".to_vec())),
        };
        let birth = Commit { epoch, row: Some(StateRow::Room(row)), ..bare(key) };
        assert_eq!(store.state.commit(vec![birth]).await, [Committed::Done(1)]);
        let topic_epoch = async |store: &Store| store.state.load(key).await.expect("a read").topic_epoch;
        assert_eq!(topic_epoch(&store).await, 5);
        let (to, mut from) = (place.path().join("backup"), folder.path().to_path_buf());
        let mut last = 5;
        for again in 0..2 {
            let to = to.with_extension(again.to_string());
            backup::backup(&from, &to).await.expect("a backup");
            from = place.path().join(format!("again-{again}"));
            backup::restore(&to, &from).await.expect("restored");
            let restored = open(hurried(&from), deaf()).await.expect("opened");
            let epoch = topic_epoch(&restored).await;
            assert!(epoch > last, "{epoch} after {last}: even within one second");
            last = epoch;
            restored.close().await;
        }
        store.close().await;
    });
}
