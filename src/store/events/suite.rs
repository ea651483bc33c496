//! What every event store must do, as tests over the trait. An engine joins with one line at `engine!`.

use super::scratch::Keyspace;
use super::{CassandraEvents, SqliteEvents};
use crate::store::Temporary;
use fitconnect_actors::ports::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::sample::Row;
use fitconnect_protocol::{ClassId, ReceiverId, SourceId, UserId, Uuid};
use std::future::Future;

const CLASS: ClassId = ClassId(Uuid::from_u128(3));
const OTHER: ClassId = ClassId(Uuid::from_u128(4));
const ANA: UserId = UserId(Uuid::from_u128(2));

/// A fresh store and whatever keeps it alive; `None`, said aloud, where there is no such engine.
async fn sqlite() -> Option<(SqliteEvents, Temporary)> {
    let folder = Temporary::new().expect("a folder");
    Some((SqliteEvents::open(&folder.path().join("events.db")).await.expect("a new store"), folder))
}

async fn cassandra() -> Option<(CassandraEvents, Keyspace)> {
    let keyspace = Keyspace::new()?;
    Some((CassandraEvents::open(&keyspace.0).await.expect("a new keyspace"), keyspace))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

macro_rules! engine {
    ($engine:ident) => {
        engine! { $engine:
            chunks_come_back_by_class_and_by_sensor,
            a_window_shipped_twice_is_there_once,
            the_same_sensor_in_another_window_or_node_is_another_row,
            many_sensors_are_read_as_few,
            class_events_come_back_in_order_of_time,
            a_members_series_is_replaced_whole_and_cut_by_time,
            nobody_has_nothing,
            a_class_of_an_hour_is_found_in_all_its_parts,
            a_series_moves_with_its_days,
            the_newest_windows_are_found_alone,
            changes_are_found_by_class_and_by_month,
        }
    };
    ($engine:ident: $($case:ident),+ $(,)?) => {
        mod $engine {
            $(#[test] fn $case() {
                super::run(async {
                    let Some((store, _keep)) = super::$engine().await else { return };
                    super::$case(&store).await;
                })
            })+
        }
    };
}

engine!(sqlite);
engine!(cassandra);

fn source(id: u64) -> SourceId {
    SourceId::new(id).expect("below 2^53")
}

fn sample(of: u64, seq: u32) -> StoredSample {
    StoredSample {
        source: source(of),
        receiver: ReceiverId::new((1 << 53) - 1).expect("below 2^53"),
        boot: 7,
        seq,
        at: i64::from(seq) * 1_000,
        row: Row { ms: seq * 1_000, bpm: 140, power_w: Some(200), cadence: None, rr_ms: vec![430, 425] },
    }
}

fn chunk(class: ClassId, of: u64, window: u64, seqs: std::ops::Range<u32>) -> Chunk {
    Chunk { class, source: source(of), node: 1, window, samples: seqs.map(|seq| sample(of, seq)).collect() }
}

async fn seqs(store: &dyn EventStore, class: ClassId, sources: Option<Vec<u64>>) -> Vec<(u64, u32)> {
    let sources = sources.map(|sources| sources.into_iter().map(source).collect());
    let samples = store.chunks(class, sources).await.expect("a read");
    let mut seqs: Vec<_> = samples.iter().map(|sample| (sample.source.get(), sample.seq)).collect();
    seqs.sort_unstable();
    seqs
}

async fn chunks_come_back_by_class_and_by_sensor(store: &dyn EventStore) {
    let last = (1 << 53) - 1;
    let chunks = vec![chunk(CLASS, 1, 10, 0..3), chunk(CLASS, last, 10, 0..2), chunk(OTHER, 1, 10, 5..6)];
    store.write(chunks).await.expect("written");
    let of_one = store.chunks(CLASS, Some(vec![source(1)])).await.expect("a read");
    assert_eq!(of_one, [sample(1, 0), sample(1, 1), sample(1, 2)], "every field");
    assert_eq!(seqs(store, CLASS, None).await, [(1, 0), (1, 1), (1, 2), (last, 0), (last, 1)]);
    assert_eq!(seqs(store, CLASS, Some(vec![last, 1, 1])).await.len(), 5, "a sensor that is named twice counts once");
    assert_eq!(seqs(store, CLASS, Some(vec![])).await, []);
    assert_eq!(seqs(store, OTHER, None).await, [(1, 5)]);
}

async fn a_window_shipped_twice_is_there_once(store: &dyn EventStore) {
    for _ in 0..2 {
        store.write(vec![chunk(CLASS, 1, 10, 0..3), chunk(CLASS, 2, 10, 0..3)]).await.expect("written");
    }
    assert_eq!(seqs(store, CLASS, None).await.len(), 6);
}

async fn the_same_sensor_in_another_window_or_node_is_another_row(store: &dyn EventStore) {
    let elsewhere = Chunk { node: 2, ..chunk(CLASS, 1, 10, 4..6) };
    store.write(vec![chunk(CLASS, 1, 10, 0..2)]).await.expect("written");
    store.write(vec![chunk(CLASS, 1, 11, 2..4), elsewhere]).await.expect("written");
    assert_eq!(seqs(store, CLASS, Some(vec![1])).await.len(), 6);
}

async fn many_sensors_are_read_as_few(store: &dyn EventStore) {
    store.write((0..300).map(|of| chunk(CLASS, of, 10, 0..1)).collect()).await.expect("written");
    assert_eq!(seqs(store, CLASS, Some((0..200).collect())).await.len(), 200);
    assert_eq!(seqs(store, CLASS, None).await.len(), 300);
}

async fn class_events_come_back_in_order_of_time(store: &dyn EventStore) {
    let event = |number: u32, at: i64| ClassEventRow {
        class: CLASS,
        node: 1,
        window: 10,
        number,
        at,
        kind: format!("raised {number}"),
        body: vec![number as u8; 3],
    };
    let events: Vec<_> = (0..100).map(|number| event(number, -i64::from(number))).collect();
    store.write_class_events(events.clone()).await.expect("written");
    store.write_class_events(events.clone()).await.expect("written again");
    let expected: Vec<_> = events.into_iter().rev().collect();
    assert_eq!(store.class_events(CLASS).await, Ok(expected));
    assert_eq!(store.class_events(OTHER).await, Ok(vec![]));
}

async fn a_members_series_is_replaced_whole_and_cut_by_time(store: &dyn EventStore) {
    let series = |seqs: std::ops::Range<u32>| seqs.map(|seq| sample(1, seq)).collect::<Vec<_>>();
    store.write_user_series(ANA, CLASS, series(0..1_500)).await.expect("written");
    store.write_user_series(ANA, CLASS, series(100..1_400)).await.expect("version 2");
    store.write_user_series(ANA, OTHER, series(1_500..1_600)).await.expect("another class");
    let all = store.user_series(ANA, 0, i64::MAX).await.expect("a read");
    assert_eq!(all, series(100..1_400).into_iter().chain(series(1_500..1_600)).collect::<Vec<_>>());
    assert_eq!(store.user_series(ANA, 599_000, 602_000).await, Ok(series(599..602)), "from, and not to");
    assert_eq!(store.user_series(UserId(Uuid::from_u128(9)), 0, i64::MAX).await, Ok(vec![]));
}

async fn nobody_has_nothing(store: &dyn EventStore) {
    store.write(vec![]).await.expect("nothing to write");
    store.write_class_events(vec![]).await.expect("nothing to write");
    assert_eq!(seqs(store, CLASS, None).await, []);
    assert_eq!(seqs(store, CLASS, Some(vec![1])).await, []);
}

async fn a_class_of_an_hour_is_found_in_all_its_parts(store: &dyn EventStore) {
    // Windows are numbered by their second, and late ones come first.
    for minute in (0..60).rev() {
        let chunks = (0..40).map(|of| chunk(CLASS, of, 1_795_459_200 + minute * 60, minute as u32..minute as u32 + 1));
        store.write(chunks.collect()).await.expect("written");
    }
    assert_eq!(seqs(store, CLASS, None).await.len(), 60 * 40);
    let of_one = store.chunks(CLASS, Some(vec![source(17)])).await.expect("a read");
    assert_eq!(of_one, (0..60).map(|seq| sample(17, seq)).collect::<Vec<_>>(), "in order of arrival");
    assert_eq!(seqs(store, CLASS, Some((0..35).collect())).await.len(), 60 * 35);
}

async fn a_series_moves_with_its_days(store: &dyn EventStore) {
    let day_s = 24 * 3_600;
    let on = |days: [u32; 2]| days.map(|day| sample(1, day * day_s + 10)).to_vec();
    store.write_user_series(ANA, OTHER, on([2, 4])).await.expect("another class");
    store.write_user_series(ANA, CLASS, on([1, 2])).await.expect("written");
    store.write_user_series(ANA, CLASS, on([2, 3])).await.expect("moved by a day");
    let seqs = |samples: Vec<StoredSample>| samples.into_iter().map(|sample| sample.seq / day_s).collect::<Vec<_>>();
    assert_eq!(seqs(store.user_series(ANA, 0, i64::MAX).await.expect("a read")), [2, 2, 3, 4]);
    store.write_user_series(ANA, CLASS, vec![]).await.expect("nothing is left of it");
    assert_eq!(seqs(store.user_series(ANA, 0, i64::MAX).await.expect("a read")), [2, 4]);
}

async fn the_newest_windows_are_found_alone(store: &dyn EventStore) {
    let minute = |minute: u64| 1_795_459_200 + minute * 60;
    for of_minute in 0..30 {
        let chunks = (0..20).map(|of| chunk(CLASS, of, minute(of_minute), of_minute as u32..of_minute as u32 + 1));
        store.write(chunks.collect()).await.expect("written");
    }
    for from in [0, 9, 10, 29] {
        let samples = store.chunks_since(CLASS, minute(from)).await.expect("a read");
        let oldest = samples.iter().map(|sample| sample.seq).min();
        assert_eq!((samples.len() as u64, oldest), ((30 - from) * 20, Some(from as u32)));
    }
    assert_eq!(store.chunks_since(CLASS, minute(30)).await, Ok(vec![]));
}

async fn changes_are_found_by_class_and_by_month(store: &dyn EventStore) {
    // 2026-01-31 23:59:59 and the second after it, UTC.
    let (january, february) = (Millis(1_769_903_999_000), Millis(1_769_904_000_000));
    let told = |key, seq, at| Told { key, seq, at, kind: "moved".into(), body: vec![seq as u8; 300] };
    let of_class = |seq| told(ActorKey::Class(CLASS), seq, january);
    let of_ana = |seq, at| told(ActorKey::User(ANA), seq, at);
    let mut all: Vec<Told> = (1..=200).map(of_class).collect();
    all.extend([
        told(ActorKey::Class(OTHER), 1, january),
        of_ana(1, january),
        of_ana(2, february),
        of_ana(3, february),
    ]);
    store.write_changes(all.clone()).await.expect("written");
    store.write_changes(all).await.expect("told again");
    let page = store.class_changes(CLASS, 150, 20).await.expect("a read");
    assert_eq!(page, (150..170).map(of_class).collect::<Vec<_>>());
    assert_eq!(store.class_changes(CLASS, 0, 1_000).await.expect("a read").len(), 200, "told twice, there once");
    let again = Told { at: february, body: vec![9], ..of_class(200) };
    store.write_changes(vec![again.clone()]).await.expect("written");
    assert_eq!(
        store.class_changes(CLASS, 200, 10).await,
        Ok(vec![again]),
        "a number that is given again is the newer change"
    );
    assert_eq!(month(january), 2026 * 12);
    assert_eq!(store.activity(ANA, month(january)).await, Ok(vec![of_ana(1, january)]));
    assert_eq!(store.activity(ANA, month(february)).await, Ok(vec![of_ana(2, february), of_ana(3, february)]));
    assert_eq!(store.activity(ANA, month(february) + 1).await, Ok(vec![]));
}
