//! A second opinion: the figures of a class with pauses, several segments and two sensors a person, counted millisecond by
//! millisecond from the stored samples by a program that shares no code with the class.

mod common;

use common::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::class::*;
use fitconnect_protocol::limits::COOLING_MS;
use proptest::prelude::*;
use std::collections::BTreeMap;

const MAX_BPM: i64 = 190;

/// What the plan does at one millisecond.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    Lobby,
    /// Run and how long it has been ridden.
    Live(usize, i64),
    Paused,
}

/// The plan, one entry a millisecond, and when it was over. Moves in order of time, each before its millisecond is ridden.
fn walk_plan(segments: &[Segment], moves: &[(i64, PlanAction)], until: i64) -> (Vec<Moment>, i64) {
    let (mut run, mut ridden, mut started, mut paused) = (0, 0, false, false);
    let mut moments = Vec::new();
    for ms in 0..until {
        if started && !paused && run < segments.len() && ridden == i64::from(segments[run].duration_s) * 1_000 {
            (run, ridden) = (run + 1, 0);
        }
        for (_, action) in moves.iter().filter(|(at, _)| *at == ms) {
            match action {
                PlanAction::Start => started = true,
                PlanAction::Pause if started => paused = true,
                PlanAction::Resume => paused = false,
                PlanAction::Next if started => (run, ridden) = (run + 1, 0),
                _ => {}
            }
        }
        let moment = match (started, run >= segments.len(), paused) {
            (false, ..) => Moment::Lobby,
            (_, true, _) => return (moments, ms),
            (_, _, true) => Moment::Paused,
            (_, _, false) => Moment::Live(run, ridden),
        };
        moments.push(moment);
        if matches!(moment, Moment::Live(..)) {
            ridden += 1;
        }
    }
    (moments, until)
}

#[derive(Debug, Default, PartialEq)]
struct Counted {
    hr_ms: i64,
    zone_ms: [i64; 6],
    score: i64,
    splat_ms: i64,
    /// In target and with data, by run.
    runs: Vec<(i64, i64)>,
}

/// Strap before watch; the other takes over after five silent seconds, the strap returns after ten steady ones.
fn which_count(samples: &[StoredSample], strap: fitconnect_protocol::SourceId) -> Vec<(i64, i64)> {
    let mut counted = Vec::new();
    let mut current: Option<bool> = None;
    // When each last spoke, and since when without a break: the watch's, the strap's.
    let (mut last, mut since) = ([None::<i64>; 2], [0_i64; 2]);
    for sample in samples {
        let is_strap = sample.source == strap;
        let me = usize::from(is_strap);
        if last[me].is_none_or(|last| sample.at - last > 5_000) {
            since[me] = sample.at;
        }
        last[me] = Some(sample.at);
        let takes = match current {
            None => true,
            Some(who) if who == is_strap => true,
            Some(who) => {
                let silent = last[usize::from(who)].is_some_and(|last| sample.at - last > 5_000);
                silent || is_strap && sample.at - since[me] >= 10_000
            }
        };
        if takes {
            current = Some(is_strap);
            counted.push((sample.at, i64::from(sample.row.bpm)));
        }
    }
    counted
}

fn count(
    samples: &[StoredSample],
    strap: fitconnect_protocol::SourceId,
    segments: &[Segment],
    moments: &[Moment],
    over: i64,
) -> Counted {
    let mut figures = Counted { runs: vec![(0, 0); segments.len()], ..Counted::default() };
    let inside: Vec<StoredSample> = samples.iter().filter(|sample| sample.at < over).cloned().collect();
    let heart = which_count(&inside, strap);
    for (index, (at, bpm)) in heart.iter().enumerate() {
        let next = heart.get(index + 1).map_or(over, |(next, _)| *next);
        for ms in *at..next.min(at + 5_000).min(over) {
            figures.hr_ms += 1;
            let zone = [50, 60, 70, 80, 90].iter().filter(|percent| bpm * 100 >= *percent * MAX_BPM).count();
            figures.zone_ms[zone] += 1;
            let Moment::Live(run, ridden) = moments[ms as usize] else { continue };
            figures.score += [0, 1, 2, 3, 4, 4][zone];
            figures.splat_ms += i64::from(bpm * 100 >= 84 * MAX_BPM);
            let segment = &segments[run];
            let Some(Target::Percent { lo, hi }) = segment.target else { continue };
            if segment.duration_s < 60 || ridden < 45_000 {
                continue;
            }
            let low_enough = bpm * 100 <= (i64::from(hi) + 2) * MAX_BPM;
            let high_enough = bpm * 100 >= (i64::from(lo) - 2) * MAX_BPM || segment.kind != SegmentKind::Work;
            figures.runs[run].0 += i64::from(low_enough && high_enough);
            figures.runs[run].1 += 1;
        }
    }
    figures
}

fn told(summary: &MemberSummary, segments: usize) -> Counted {
    let ms = |seconds: f64| (seconds * 1_000.0).round() as i64;
    let mut runs = vec![(0, 0); segments];
    for run in &summary.compliance {
        runs[usize::from(run.run)] = (ms(run.in_target_s), ms(run.with_data_s));
    }
    Counted {
        hr_ms: ms(summary.hr_seconds),
        zone_ms: summary.zone_s.expect("zones").map(ms),
        score: ms(summary.meps.expect("points") * 60.0),
        splat_ms: ms(summary.splat_minutes.expect("splats") * 60.0),
        runs,
    }
}

/// Rides a random class over the bad line and compares each summary with the second opinion.
fn check(segments: &[Segment], moves: &[(i64, PlanAction)], seed: u64) {
    let mut studio = Studio::open(segments.to_vec());
    let watch = |n| sensor(n, 1, SourceKind::Watch);
    for n in 0..2 {
        studio.join(n, golden_profile(250), open_consent(), vec![strap(n), watch(n)]);
    }
    let mut random = XorShift(seed);
    let mut sent = Vec::new();
    for n in 0..2 {
        for (source, step) in [(strap(n).source, 1_000), (watch(n).source, 1_300)] {
            let (mut at, mut bpm, mut seq) = (random.below(3_000) as i64, 120 + random.below(50) as i64, 0);
            while at < 500_000 {
                bpm = (bpm + random.below(15) as i64 - 7).clamp(80, 189);
                sent.push((at, (n, source, seq, hr(at, bpm as u16))));
                seq += 1;
                at += step + random.below(200) as i64;
                if random.percent(2) {
                    at += random.below(25_000) as i64;
                }
            }
        }
    }
    sent.sort_by_key(|(at, _)| *at);
    let mut moves_left = moves.iter().peekable();
    for (at, (n, source, seq, row)) in bad_line(sent, seed) {
        while let Some((when, action)) = moves_left.next_if(|(when, _)| *when <= at) {
            let plan = ClassCommand::Plan { action: *action, at: None };
            studio.at_ms(*when).host.command(&trainer(), plan);
        }
        studio.at_ms(at).send(n, source, seq, vec![row]);
    }
    studio.at_ms(560_000);
    studio.host.command(&trainer(), ClassCommand::Plan { action: PlanAction::Resume, at: None });
    studio.host.advance(900_000 + COOLING_MS as u64);
    let mut all_moves = moves.to_vec();
    all_moves.push((560_000, PlanAction::Resume));
    let (moments, over) = walk_plan(segments, &all_moves, 2_000_000);
    let mut stored = studio.host.samples.clone();
    // Of several versions the last one counts.
    let last: BTreeMap<_, _> = studio.summaries().into_iter().collect();
    assert_eq!(last.len(), 2);
    for (slot, summary) in last {
        let own = [strap(slot).source, watch(slot).source];
        stored.sort_by_key(|sample| (sample.at, sample.source != own[0], sample.source));
        let samples: Vec<StoredSample> = stored.iter().filter(|sample| own.contains(&sample.source)).cloned().collect();
        assert_eq!(told(&summary, segments.len()), count(&samples, own[0], segments, &moments, over), "slot {slot}");
    }
}

fn segments() -> impl Strategy<Value = Vec<Segment>> {
    let kind = prop_oneof![Just(SegmentKind::Work), Just(SegmentKind::Recover)];
    let target = prop_oneof![Just(None), (50_u8..75, 75_u8..95).prop_map(|(lo, hi)| Some(Target::Percent { lo, hi })),];
    prop::collection::vec((kind, 30_u32..200, target).prop_map(|(kind, s, target)| segment(kind, s, target)), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn summaries_equal_the_second_opinion(
        segments in segments(),
        start in 0_i64..60_000,
        mut more in prop::collection::vec((0_i64..500_000, prop::sample::select(vec![PlanAction::Pause, PlanAction::Resume, PlanAction::Next])), 0..8),
        seed in 1..u64::MAX,
    ) {
        more.retain(|(at, _)| *at > start);
        more.sort_by_key(|(at, _)| *at);
        more.dedup_by_key(|(at, _)| *at);
        more.insert(0, (start, PlanAction::Start));
        check(&segments, &more, seed);
    }
}
