//! Whatever is lost, late, doubled, moved or swapped: live figures = a fold of the stored samples = those after a restart.

mod common;

use common::*;
use fitconnect_domain::Machine;
use fitconnect_domain::class::by_hand::Store;
use fitconnect_domain::class::fold::{Figures, Terms};
use fitconnect_domain::class::live::{Wear, fold_all};
use fitconnect_domain::class::rider::Sample;
use fitconnect_domain::class::streams::Streams;
use fitconnect_domain::class::{Class, Input, Stage, StoredSample};
use fitconnect_protocol::class::*;
use fitconnect_protocol::limits::{COOLING_MS, TICK_MS};
use fitconnect_protocol::sample::{Row, SourceRows};
use fitconnect_protocol::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const PEOPLE: u16 = 3;

/// Something that happens in a random class.
#[derive(Clone, Debug)]
enum Act {
    Plan(PlanAction),
    Undo,
    Join(u16),
    /// So many milliseconds ago.
    Leave(u16, i64),
    Swap(u16, u16, SwapFrom),
    /// Somebody's watch on another's arm.
    Lend(u16, u16),
    Slow,
    Answer,
    Down,
    Up,
    Restart,
}

fn plan_action() -> impl Strategy<Value = PlanAction> {
    use PlanAction::*;
    prop_oneof![
        2 => Just(Start), 2 => Just(Pause), 3 => Just(Resume), 2 => Just(Next),
        4 => prop::sample::select(vec![Back, Repeat, Skip, Hold]),
        1 => (-40_i16..60).prop_map(|by_s| Adjust { by_s }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let person = 0..PEOPLE;
    prop_oneof![
        6 => plan_action().prop_map(Act::Plan),
        2 => Just(Act::Undo),
        3 => person.clone().prop_map(Act::Join),
        3 => (person.clone(), 0_i64..120_000).prop_map(|(n, ago)| Act::Leave(n, ago)),
        3 => (person.clone(), person.clone(), any::<bool>())
            .prop_map(|(a, b, start)| Act::Swap(a, b, if start { SwapFrom::Start } else { SwapFrom::Now })),
        1 => (person.clone(), person).prop_map(|(a, b)| Act::Lend(a, b)),
        1 => Just(Act::Slow), 2 => Just(Act::Answer), 1 => Just(Act::Down), 2 => Just(Act::Up), 1 => Just(Act::Restart),
    ]
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let kind = prop_oneof![Just(SegmentKind::Warmup), Just(SegmentKind::Work), Just(SegmentKind::Recover)];
    let target = prop_oneof![
        Just(None),
        (50_u8..70, 70_u8..95).prop_map(|(lo, hi)| Some(Target::Percent { lo, hi })),
        Just(Some(Target::Reserve { lo: 50, hi: 80 })),
        Just(Some(Target::Ftp { lo: 60, hi: 100 })),
        Just(Some(Target::Cadence { lo: 80, hi: 100 })),
    ];
    let segment = (kind, 20_u32..150, target).prop_map(|(kind, duration_s, target)| segment(kind, duration_s, target));
    prop::collection::vec(segment, 1..5)
}

/// What one sensor measured each second or so, and when each row arrives.
#[derive(Clone, Debug)]
struct Sent {
    person: u16,
    seq: Seq,
    row: Row,
    watch: bool,
    arrives: i64,
}

/// Heart rates that wander, of two sensors a person, some never sent, some doubled, some up to two minutes late.
fn sent(seconds: i64, seed: u64) -> Vec<Sent> {
    let mut random = XorShift(seed);
    let mut all = Vec::new();
    for person in 0..PEOPLE {
        for watch in [false, true] {
            let (mut bpm, mut silent_until) = (100 + random.below(60) as i64, 0);
            for (seq, second) in (0..).zip(0..seconds) {
                bpm = (bpm + random.below(13) as i64 - 6).clamp(70, 200);
                if random.percent(2) {
                    silent_until = second + random.below(25) as i64;
                }
                if second < silent_until {
                    continue;
                }
                let ms = second * 1_000 + random.below(3) as i64 * 250;
                let power_w = (!watch && random.percent(70)).then(|| 100 + random.below(200) as u16);
                let cadence = (!watch).then(|| 70 + random.below(40) as u8);
                let bpm = if random.percent(1) { 240 } else { bpm as u16 };
                let row = Row { ms: ms as u32, bpm, power_w, cadence, rr_ms: vec![] };
                let delay = match random.below(100) {
                    0..=79 => random.below(300),
                    80..=93 => random.below(12_000),
                    _ => random.below(130_000),
                };
                let sent = Sent { person, seq, row, watch, arrives: ms + delay as i64 };
                if random.percent(8) {
                    all.push(Sent { arrives: sent.arrives + random.below(20_000) as i64, ..sent.clone() });
                }
                all.push(sent);
            }
        }
    }
    all.sort_by_key(|sent| sent.arrives);
    all
}

fn watch(n: u16) -> Sensor {
    sensor(n, 1, SourceKind::Watch)
}

fn happen(studio: &mut Studio, act: &Act, moves: &mut u32) {
    let staff = trainer();
    let slot = |studio: &Studio, n: u16| {
        let riders = studio.host.class.riders();
        riders.iter().find(|rider| rider.user() == Some(member(n).user)).map(|rider| rider.slot)
    };
    match act {
        Act::Plan(action) => {
            if let Some(session::Response::Planned { id, .. }) =
                studio.host.command(&staff, ClassCommand::Plan { action: *action, at: None })
            {
                *moves = id;
            }
        }
        Act::Undo => _ = studio.host.command(&staff, ClassCommand::Undo { id: *moves }),
        Act::Join(n) => {
            let sensors = vec![strap(*n), watch(*n)];
            studio.host.command(&member(*n), ClassCommand::Join { seat: None, sensors });
        }
        Act::Leave(n, ago) => {
            let at = studio.now_ms() - ago;
            studio.host.command(&member(*n), ClassCommand::Leave { slot: None, at: Some(at) });
        }
        Act::Swap(a, b, from) => {
            if let (Some(a), Some(b)) = (slot(studio, *a), slot(studio, *b)) {
                studio.host.command(&staff, ClassCommand::Swap { a, b, from: *from });
            }
        }
        Act::Lend(whose, to) => {
            let slot = slot(studio, *to);
            studio.host.command(&staff, ClassCommand::Pair { sensor: watch(*whose), slot });
        }
        Act::Slow => studio.host.store = Store::Slow,
        Act::Answer => studio.host.answer_loads(),
        Act::Down => {
            studio.host.answer_loads();
            studio.host.store = Store::Down;
        }
        Act::Up => {
            studio.host.store = Store::Up;
            studio.host.answer_loads();
        }
        Act::Restart => studio.host.restart(),
    }
}

/// Figures whose streams are named by what they are, not by their number in one life.
type Named = (Figures, Vec<(SourceId, ReceiverId, i64)>);

fn named(figures: Figures, streams: &Streams) -> Named {
    let name = |(stream, ms): &(_, i64)| (streams.get(*stream).source, streams.get(*stream).receiver, *ms);
    let mut by_stream: Vec<_> = figures.by_stream.iter().map(name).collect();
    by_stream.sort_unstable();
    (Figures { by_stream: vec![], ..figures }, by_stream)
}

fn with_terms<T>(class: &Class, slot: Slot, with: impl FnOnce(&Terms<'_>, &Wear<'_>) -> T) -> T {
    let facts = class.facts().expect("made");
    let rider = &class.riders()[usize::from(slot)];
    let timeline = class.timeline();
    let segments = timeline.runs.iter().map(|run| &facts.segments[usize::from(run.segment)]);
    let runs: Vec<_> = segments.map(|segment| (segment.kind, segment.target)).collect();
    let terms = Terms { timeline, body: &rider.body, runs: &runs, hold_ms: facts.hold_ms, met_tenths: 20 };
    with(&terms, &Wear { streams: class.streams(), slot, present: &rider.present })
}

fn live(class: &Class, slot: Slot) -> Named {
    let figures = with_terms(class, slot, |terms, _| class.riders()[usize::from(slot)].live.finish(terms));
    named(figures, class.streams())
}

/// The whole of what is stored, folded anew.
fn folded(class: &Class, slot: Slot, stored: &[StoredSample]) -> Named {
    let streams = class.streams();
    let numbers: BTreeMap<_, _> =
        (0..).zip(streams.list()).map(|(n, stream)| ((stream.source, stream.receiver), n)).collect();
    let mut series: Vec<Sample> = stored
        .iter()
        .map(|s| {
            let stream = fitconnect_domain::class::rider::StreamNo(numbers[&(s.source, s.receiver)]);
            let bpm = (s.row.bpm > 0).then_some(s.row.bpm as u8);
            Sample::new(s.at, (stream, s.boot, s.seq), bpm, s.row.power_w, s.row.cadence)
        })
        .collect();
    series.sort_by(|a, b| streams.order(a, b));
    named(with_terms(class, slot, |terms, wear| fold_all(&series, wear, terms)), streams)
}

/// All loads are answered and all figures up to date.
fn settle_down(studio: &mut Studio) {
    studio.host.store = Store::Up;
    studio.host.answer_loads();
    for _ in 0..8 {
        studio.host.advance(TICK_MS);
    }
}

fn check_equal(studio: &mut Studio) {
    settle_down(studio);
    let class = &studio.host.class;
    let restored = Class::restore(CLASS, &studio.host.changes, studio.host.samples.clone(), studio.host.now);
    restored.check_invariants();
    for slot in 0..class.riders().len() as Slot {
        let expected = folded(class, slot, &studio.host.samples);
        assert_eq!(live(class, slot), expected, "live, slot {slot}");
        assert_eq!(live(&restored, slot), expected, "restored, slot {slot}");
        assert!(class.riders()[usize::from(slot)].live.is_exact(), "slot {slot}");
    }
    let numbers = |class: &Class| {
        let mut numbers: Vec<_> = class.streams().list().map(|s| (s.source, s.receiver, s.numbers())).collect();
        numbers.retain(|(_, _, numbers)| !numbers.is_empty());
        numbers.sort_by_key(|(source, receiver, _)| (*source, *receiver));
        numbers
    };
    for (live, stored) in numbers(class).into_iter().zip(numbers(&restored)) {
        // Dropped samples are not stored: in the live machine they are judged and done with.
        assert_eq!((live.0, live.1), (stored.0, stored.1));
        for ((_, judged, durable), (_, again, on_disk)) in live.2.iter().zip(&stored.2) {
            assert!(judged.count() >= again.count() && durable.count() >= on_disk.count());
        }
    }
    assert_eq!(class.counts().mismatches, 0, "the settlement found no difference");
}

/// A class from a checkpoint, with what came behind it, has the figures of the one that lived all along.
fn check_checkpoint(studio: &mut Studio, seen: usize, checkpoint: &[u8]) {
    settle_down(studio);
    let slots = 0..studio.host.class.riders().len() as Slot;
    let lived: Vec<_> = slots.map(|slot| live(&studio.host.class, slot)).collect();
    let running = studio.host.class.stage() == Stage::Running;
    if !studio.host.restart_from(seen, checkpoint) {
        assert!(!running, "a checkpoint of a running class serves");
        return;
    }
    studio.host.class.check_invariants();
    studio.host.send(Input::Tick);
    settle_down(studio);
    for (slot, lived) in (0..).zip(&lived) {
        let restored = &studio.host.class;
        assert_eq!(live(restored, slot), *lived, "from a checkpoint, slot {slot}");
        assert!(restored.riders()[usize::from(slot)].live.is_exact(), "slot {slot}");
    }
}

fn run(plan: Vec<Segment>, acts: &[(i64, Act)], seconds: i64, seed: u64) {
    let mut studio = Studio::open(plan);
    for n in 0..PEOPLE {
        let sensors = vec![strap(n), watch(n)];
        studio.join(n, golden_profile(250), open_consent(), sensors);
    }
    studio.plan(PlanAction::Start);
    let mut moves = 1;
    let mut kept: Option<(usize, Vec<u8>)> = None;
    let mut acts = acts.iter().peekable();
    for (index, sent) in sent(seconds, seed).into_iter().enumerate() {
        while let Some((second, act)) = acts.next_if(|(second, _)| second * 1_000 <= sent.arrives) {
            studio.at(*second);
            happen(&mut studio, act, &mut moves);
        }
        studio.at_ms(sent.arrives);
        let source = if sent.watch { watch(sent.person).source } else { strap(sent.person).source };
        let by: Arc<_> = member(sent.person);
        studio.send_by(&by, phone(sent.person), 0, vec![SourceRows(source, sent.seq, vec![sent.row])]);
        if index as u64 % 170 == seed % 170 {
            let seen = studio.host.changes.len();
            kept = studio.host.class.checkpoint().map(|checkpoint| (seen, checkpoint)).or(kept);
        }
        if index % 400 == 399 {
            check_equal(&mut studio);
        }
    }
    check_equal(&mut studio);
    if let Some((seen, checkpoint)) = kept {
        check_checkpoint(&mut studio, seen, &checkpoint);
    }
    end(&mut studio);
}

/// The class ends, cools and settles; what the summaries say is what is stored.
fn end(studio: &mut Studio) {
    if studio.host.class.timeline().ends().is_none_or(|ends| ends > studio.now_ms()) {
        let end = ClassCommand::Plan { action: PlanAction::End, at: None };
        studio.host.command(&trainer(), end);
    }
    studio.host.advance(COOLING_MS as u64 + 5_000);
    settle_down(studio);
    if studio.host.class.timeline().ends().is_none() {
        return;
    }
    assert_eq!(studio.host.class.stage(), Stage::Settled);
    let class = &studio.host.class;
    assert_eq!(class.counts().mismatches, 0);
    // What came after the settlement made later versions: the last one counts.
    let mut last: BTreeMap<Slot, MemberSummary> = BTreeMap::new();
    for (slot, summary) in studio.summaries() {
        let version = summary.version;
        let before = last.insert(slot, summary).map_or(0, |before| before.version);
        assert_eq!(version, before + 1);
    }
    assert_eq!(last.len(), class.riders().len());
    for (slot, summary) in last {
        let (figures, _) = folded(class, slot, &studio.host.samples);
        assert_eq!(summary.meps, Some(figures.score as f64 / 60_000.0));
        assert_eq!(summary.zone_s, Some(figures.zone_ms.map(|ms| ms as f64 / 1_000.0)));
        assert_eq!(summary.records, figures.records);
    }
}

#[test]
fn a_series_that_is_long_on_its_way() {
    run(vec![segment(SegmentKind::Warmup, 21, None)], &[(79, Act::Slow)], 203, 1_614_097_137_293_612_874);
}

#[test]
fn a_swap_from_the_start_leaves_a_third_person_alone() {
    let acts = [(58, Act::Swap(2, 0, SwapFrom::Now)), (122, Act::Swap(1, 0, SwapFrom::Start))];
    run(vec![segment(SegmentKind::Warmup, 20, None)], &acts, 167, 2_042_103_210_791_572_000);
}

#[test]
fn late_samples_when_everybody_has_left() {
    let acts = [(1, Act::Leave(1, 0)), (1, Act::Leave(0, 0)), (1, Act::Leave(2, 0)), (261, Act::Down)];
    run(vec![segment(SegmentKind::Warmup, 20, None)], &acts, 320, 13_500_628_238_740_107_314);
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn live_is_stored_is_restored(
        plan in segments(),
        mut acts in prop::collection::vec((1_i64..420, act()), 0..25),
        seconds in 30_i64..400,
        seed in 1..u64::MAX,
    ) {
        acts.sort_by_key(|(second, _)| *second);
        run(plan, &acts, seconds, seed);
    }
}
