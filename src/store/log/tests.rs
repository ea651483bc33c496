//! The log as a story: what was acknowledged is there after any end, and what is not is said.

use super::recover::{LogError, recover};
use super::*;
use crate::store::Temporary;
use fitconnect_actors::ports::Durable;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::sample::Row;
use fitconnect_protocol::{ClassId, ReceiverId, SourceId, Uuid};
use proptest::prelude::*;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

const CLASS: ClassId = ClassId(Uuid::from_u128(3));
const ANA: By = By { key: ActorKey::Class(CLASS), life: 1 };

fn sample(seq: u32) -> StoredSample {
    StoredSample {
        source: SourceId::new(1 + u64::from(seq % 3)).expect("small"),
        receiver: ReceiverId::new(9).expect("small"),
        boot: 1,
        seq,
        at: i64::from(seq) * 1_000,
        row: Row { ms: seq * 1_000, bpm: 120 + (seq % 50) as u16, ..Row::default() },
    }
}

fn samples(seqs: std::ops::Range<u32>) -> Event {
    Event::Samples { class: CLASS, samples: seqs.map(sample).collect() }
}

/// Windows that end only when the test says so, in small files.
fn options() -> LogOptions {
    LogOptions {
        group: Duration::from_millis(1),
        window: Duration::from_secs(3_600),
        segment_bytes: 64 * 1024,
        ..LogOptions::default()
    }
}

struct Opened {
    log: Log,
    told: Receiver<Durable>,
}

fn open(folder: &Path, options: LogOptions) -> Opened {
    let (tell, told) = sync_channel(10_000);
    let sink: DurableSink = Arc::new(move |durable| tell.send(durable).expect("the test listens"));
    let held = Arc::new(Lock::take(folder).expect("free"));
    let log = Log::open(&folder.join("log"), 1, options, Arc::default(), sink, held).expect("a whole log");
    Opened { log, told }
}

impl Opened {
    fn add(&self, number: u64, event: &Event) {
        assert!(self.log.append(ANA, number, event), "taken");
    }
    /// One group of its own.
    fn group(&self, number: u64, event: &Event) {
        self.add(number, event);
        self.flush().expect("written");
    }
    fn flush(&self) -> Result<(), Failed> {
        block_on(self.log.flushed())
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn seqs_of(windows: &[Arc<Window>]) -> Vec<u32> {
    let of_class = windows.iter().map(|window| window.of_class(CLASS, None).expect("readable"));
    let mut seqs: Vec<u32> = of_class.flat_map(|part| part.samples.into_values().flatten()).map(|s| s.seq).collect();
    seqs.sort_unstable();
    seqs
}

fn copy(from: &Path) -> Temporary {
    let to = Temporary::new().expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a file");
        // The helper may be half done with its next file.
        if entry.path().extension().is_some_and(|kind| kind == "seg") {
            fs::copy(entry.path(), to.path().join(entry.file_name())).expect("copied");
        }
    }
    to
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind == "seg")).collect();
    files.sort();
    files
}

#[test]
fn one_message_a_group_says_how_far_it_is_durable() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), LogOptions { group: Duration::from_secs(60), ..options() });
    (1..=5).for_each(|number| opened.add(number, &samples(number as u32..number as u32 + 1)));
    opened.flush().expect("written");
    let told: Vec<Durable> = opened.told.try_iter().collect();
    assert_eq!(told, [Durable::Through { writer: ANA, number: 5 }]);
    assert_eq!(seqs_of(&opened.log.unshipped()), [1, 2, 3, 4, 5], "and read while the window is open");
    opened.group(6, &samples(6..7));
    assert_eq!(seqs_of(&opened.log.unshipped()), [1, 2, 3, 4, 5, 6]);
    opened.log.join();
    assert!(!opened.log.append(ANA, 7, &samples(7..8)), "closed");
    assert!(opened.log.unshipped()[0].is_sealed());
}

#[test]
fn a_group_is_due_after_its_time_without_a_push() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), options());
    opened.add(1, &samples(0..1));
    assert_eq!(opened.told.recv(), Ok(Durable::Through { writer: ANA, number: 1 }));
}

/// Three groups; where the last one begins and ends in the only used segment.
fn three_groups() -> (Temporary, Opened, usize, usize) {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), options());
    opened.group(1, &samples(0..4));
    opened.group(2, &samples(4..8));
    let start = opened.log.unshipped()[0].segments()[0].durable() as usize;
    // Three records in the last group.
    (0..3).for_each(|n| opened.add(3 + n, &samples(8 + n as u32 * 2..10 + n as u32 * 2)));
    opened.flush().expect("written");
    let end = opened.log.unshipped()[0].segments()[0].durable() as usize;
    (folder, opened, start, end)
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_of_the_last_group() {
    let (folder, opened, start, end) = three_groups();
    let tears: [fn(&mut Vec<u8>, usize, usize); 4] = [
        |bytes, at, _| bytes.truncate(at),
        |bytes, at, _| bytes[at..].fill(0),
        |bytes, at, end| bytes[at..end].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31) ^ 0x5a),
        // The last page came, one before it did not.
        |bytes, at, end| bytes[at..(at + 16).min(end)].fill(0),
    ];
    for at in start..end {
        for (kind, tear) in tears.iter().enumerate() {
            let torn = copy(&folder.path().join("log"));
            let file = segments(torn.path())[0].clone();
            let mut bytes = fs::read(&file).expect("a file");
            tear(&mut bytes, at, end);
            fs::write(&file, &bytes).expect("written");
            let recovered = recover(torn.path()).unwrap_or_else(|error| panic!("tear {kind} at {at}: {error}"));
            let seqs = seqs_of(&recovered.windows);
            assert!(seqs.starts_with(&[0, 1, 2, 3, 4, 5, 6, 7]), "tear {kind} at {at}: {seqs:?}");
            if kind == 1 {
                let cut = recovered.cut.map(|cut| cut.at);
                assert!(cut.is_none_or(|cut| (start..=at).contains(&cut)), "tear at {at} was cut at {cut:?}");
            }
            let again = recover(torn.path()).expect("whole now");
            assert_eq!((seqs_of(&again.windows), again.cut), (seqs, None), "a second look changes nothing");
        }
    }
    let whole = copy(&folder.path().join("log"));
    let recovered = recover(whole.path()).expect("whole");
    assert_eq!((seqs_of(&recovered.windows).len(), recovered.cut), (14, None), "a kill tears nothing");
    drop(opened);
}

#[test]
fn damage_before_a_later_group_is_no_torn_write() {
    let (folder, _opened, start, end) = three_groups();
    for at in (0..start).chain([end]) {
        let damaged = copy(&folder.path().join("log"));
        let file = segments(damaged.path())[0].clone();
        let mut bytes = fs::read(&file).expect("a file");
        if at == end {
            bytes[0..30].fill(0);
        } else {
            bytes[at] ^= 0x10;
        }
        fs::write(&file, &bytes).expect("written");
        let error = recover(damaged.path()).expect_err("damage");
        let LogError::Damaged { files, .. } = &error else { panic!("byte {at}: {error}") };
        assert_eq!(*files, file.display().to_string());
        assert!(error.to_string().contains("Restore"), "{error}");
    }
}

#[test]
fn damage_in_a_sealed_segment_is_told_with_all_files_of_its_window() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), LogOptions { segment_bytes: 512, ..options() });
    (0..40).for_each(|n| opened.group(n, &samples(n as u32 * 4..n as u32 * 4 + 4)));
    opened.log.join();
    let log = folder.path().join("log");
    let files = segments(&log);
    assert!(files.len() > 3, "one window in several segments");
    let recovered = recover(&log).expect("whole");
    assert_eq!((recovered.windows.len(), seqs_of(&recovered.windows).len()), (1, 160));
    // Ready but unused segments are gone now.
    let files = segments(&log);
    let file = File::options().write(true).open(&files[1]).expect("a file");
    file.write_all_at(b"xx", 100).expect("written");
    let LogError::Damaged { path, files: named, .. } = recover(&log).expect_err("damage") else { panic!("damage") };
    assert_eq!((path, named.split(", ").count()), (files[1].clone(), files.len()));
}

#[test]
fn a_window_whose_first_segment_is_gone_is_in_the_store() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), LogOptions { segment_bytes: 512, ..options() });
    (0..20).for_each(|n| opened.group(n, &samples(n as u32 * 4..n as u32 * 4 + 4)));
    opened.log.join();
    let log = folder.path().join("log");
    fs::remove_file(&segments(&log)[0]).expect("removed");
    let recovered = recover(&log).expect("no damage");
    assert!(recovered.windows.is_empty());
    assert!(segments(&log).is_empty());
}

#[test]
fn a_failed_sync_fails_the_group_and_is_never_tried_again() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), options());
    opened.group(1, &samples(0..2));
    opened.log.shared.fail_sync.store(true, Ordering::Relaxed);
    opened.add(2, &samples(2..4));
    opened.flush().expect_err("said");
    opened.log.shared.fail_sync.store(false, Ordering::Relaxed);
    let told: Vec<Durable> = opened.told.try_iter().collect();
    assert_eq!(told, [Durable::Through { writer: ANA, number: 1 }, Durable::Failed { writer: ANA }]);
    assert!(!opened.log.is_open());
    assert!(!opened.log.append(By { life: 2, ..ANA }, 1, &samples(4..5)), "nothing is taken any more");
    opened.flush().expect("nothing waits");
    assert_eq!(seqs_of(&opened.log.unshipped()), [0, 1], "what had been acknowledged can be read");
    opened.log.join();
    drop(opened);
    let again = open(folder.path(), options());
    assert!(again.log.is_open(), "a new start sees what is really there");
    assert!(seqs_of(&again.log.unshipped()).starts_with(&[0, 1]));
}

#[test]
fn without_room_groups_fail_and_a_later_life_goes_on() {
    let folder = Temporary::new().expect("a folder");
    let log = folder.path().join("log");
    let opened = open(folder.path(), LogOptions { window: Duration::ZERO, ..options() });
    opened.group(1, &samples(0..1));
    fs::rename(&log, folder.path().join("away")).expect("moved");
    // Segments that stood ready are used first.
    let mut number = 1;
    while opened.flush().is_ok() {
        number += 1;
        if !opened.log.append(ANA, number, &samples(number as u32..number as u32 + 1)) {
            break;
        }
    }
    let told: Vec<Durable> = opened.told.try_iter().collect();
    assert_eq!(told.last(), Some(&Durable::Failed { writer: ANA }));
    assert!(!opened.log.append(ANA, number + 1, &samples(0..1)), "this life would vouch for what was lost");
    let next = By { life: 2, ..ANA };
    fs::rename(folder.path().join("away"), &log).expect("moved back");
    let started = Instant::now();
    while !opened.log.is_open() {
        assert!(started.elapsed() < Duration::from_secs(20), "it never opens again");
        std::thread::yield_now();
    }
    assert!(opened.log.append(next, 1, &samples(500..501)));
    opened.flush().expect("written");
    assert_eq!(opened.told.try_iter().last(), Some(Durable::Through { writer: next, number: 1 }));
}

#[test]
fn above_its_bytes_the_log_is_closed_until_the_store_has_them() {
    let folder = Temporary::new().expect("a folder");
    let opened = open(folder.path(), LogOptions { bytes_max: 1_000, window: Duration::ZERO, ..options() });
    let mut number = 0;
    while opened.log.is_open() {
        number += 1;
        opened.group(number, &samples(0..20));
        assert!(number < 100, "bounded");
    }
    assert!(!opened.log.append(ANA, number + 1, &samples(0..1)));
    for window in opened.log.unshipped() {
        opened.log.shipped(&window);
    }
    assert!(opened.log.is_open());
}

#[test]
fn used_files_serve_again_and_numbers_of_windows_do_not() {
    let folder = Temporary::new().expect("a folder");
    let quick = LogOptions { window: Duration::ZERO, safe_delay: Duration::ZERO, ..options() };
    let mut last = 0;
    for round in 0..3 {
        let opened = open(folder.path(), quick.clone());
        for number in 1..30 {
            opened.group(number, &samples(round * 100 + number as u32..round * 100 + number as u32 + 1));
            for window in opened.log.unshipped() {
                if window.is_sealed() {
                    assert!(window.id >= last, "window {} after {last}", window.id);
                    last = window.id;
                    opened.log.shipped(&window);
                }
            }
            opened.log.take_back();
        }
        opened.log.join();
        for window in opened.log.unshipped() {
            opened.log.shipped(&window);
        }
        opened.log.take_back();
        assert!(segments(&folder.path().join("log")).len() < 20, "files are taken back");
    }
    let left = recover(&folder.path().join("log")).expect("whole");
    assert!(left.last_window >= last, "the newest stays, for its number");
    let seqs = seqs_of(&left.windows);
    assert!(seqs.iter().all(|seq| *seq >= 200), "nothing of an earlier use comes back: {seqs:?}");
}

/// Writes until it is killed, and prints what it has been told is durable. Run by the test below in a process of its own.
#[test]
#[ignore = "a child of the next test"]
fn child_that_writes() {
    let Ok(folder) = std::env::var("FITCONNECT_TEST_LOG") else { return };
    let opened = open(Path::new(&folder), LogOptions { window: Duration::from_millis(40), ..options() });
    for number in 1.. {
        opened.add(number, &samples(number as u32..number as u32 + 1));
        if number % 50 == 0 {
            opened.flush().expect("written");
        }
        for durable in opened.told.try_iter() {
            if let Durable::Through { number, .. } = durable {
                let _ = writeln!(std::io::stdout(), "\ndurable {number}").and_then(|()| std::io::stdout().flush());
            }
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let program = std::env::current_exe().expect("this test");
    for round in 0..8 {
        let folder = Temporary::new().expect("a folder");
        let mut child = Command::new(&program)
            .args(["--exact", "store::log::tests::child_that_writes", "--ignored", "--nocapture"])
            .env("FITCONNECT_TEST_LOG", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut durable = 0;
        for (lines, line) in
            output.lines().map_while(Result::ok).filter(|line| line.starts_with("durable ")).enumerate()
        {
            durable = line["durable ".len()..].parse().expect("a number");
            if lines == 3 + round * 9 {
                // SIGKILL; what it printed after this line is read, too.
                child.kill().expect("killed");
            }
        }
        child.wait().expect("ended");
        assert!(durable > 0, "it wrote");
        let recovered = recover(&folder.path().join("log")).expect("a kill damages nothing");
        let seqs = seqs_of(&recovered.windows);
        let missing: Vec<u32> = (1..=durable).filter(|seq| seqs.binary_search(seq).is_err()).collect();
        assert_eq!(missing, Vec::<u32>::new(), "round {round}: acknowledged up to {durable}");
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "each once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Groups of any size, segments too small for them, windows that end now and then: all comes back, in as many lives as one likes.
    #[test]
    fn whatever_is_written_comes_back(sizes in prop::collection::vec((1_u32..60, any::<bool>()), 1..40), ends in 0_u64..4) {
        let folder = Temporary::new().expect("a folder");
        let small = LogOptions { segment_bytes: 700, window: Duration::from_millis(ends), ..options() };
        let mut next = 0;
        for life in sizes.chunks(15) {
            let opened = open(folder.path(), small.clone());
            for (number, (size, flush)) in life.iter().enumerate() {
                opened.add(number as u64, &samples(next..next + size));
                next += size;
                if *flush {
                    opened.flush().expect("written");
                }
            }
            opened.flush().expect("written");
            prop_assert_eq!(seqs_of(&opened.log.unshipped()), (0..next).collect::<Vec<_>>());
            opened.log.join();
        }
        let recovered = recover(&folder.path().join("log")).expect("whole");
        prop_assert_eq!(seqs_of(&recovered.windows), (0..next).collect::<Vec<_>>());
        prop_assert_eq!(recovered.cut, None);
    }
}
