//! The plan on the class's clock: from the segments and the trainer's moves to the timeline that everything is folded by.
//! A pure function of both, so that a reload, an undo and a forecast are the same computation.

use crate::time::ClassMs;
use fitconnect_protocol::class::{Phase, PlanAction, PlanView, Run, Segment};
use fitconnect_protocol::limits::{SEGMENT_S_MAX, SEGMENTS_MAX};
use serde::{Deserialize, Serialize};

/// A trainer's move, in force from `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub id: u32,
    pub at: ClassMs,
    pub action: PlanAction,
    pub undone: bool,
}

/// From `at` on, until the next edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub at: ClassMs,
    /// Lobby, live, paused or cooling.
    pub phase: Phase,
    pub run: Option<u16>,
    /// Milliseconds of the run that have been ridden at `at`.
    pub elapsed: i64,
}

/// A run of a segment as it was ridden or is foreseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRun {
    /// Which segment of the plan as written.
    pub segment: u16,
    /// As last set; 0: until the trainer says next.
    pub planned_ms: i64,
    pub starts: Option<ClassMs>,
    pub ends: Option<ClassMs>,
}

impl PlannedRun {
    /// Whether it lasts long enough for heart rate, which lags, to be judged.
    pub fn judges_heart(&self) -> bool {
        self.planned_ms == 0 || self.planned_ms >= HR_JUDGED_SEGMENT_MS
    }
}

/// Every edge of the class, past and foreseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// In order of time; the first is the lobby and lies before everything.
    pub edges: Vec<Edge>,
    pub runs: Vec<PlannedRun>,
}

/// Heart rate is judged only where a segment is planned to last so long.
const HR_JUDGED_SEGMENT_MS: i64 = 60_000;
/// Within so much of a segment, `back` means the segment before it.
const BACK_TO_PREVIOUS_MS: i64 = 3_000;

impl Timeline {
    /// The timeline of `segments` under `moves`. Moves that have no sense where they stand change nothing.
    pub fn derive(segments: &[Segment], moves: &[Move]) -> Timeline {
        let mut moves: Vec<&Move> = moves.iter().filter(|m| !m.undone).collect();
        moves.sort_by_key(|m| (m.at, m.id));
        let mut course = Course::new(segments);
        for each in moves {
            course.run_until(each.at);
            course.apply(each.action, each.at);
        }
        course.run_until(ClassMs::MAX);
        course.timeline
    }

    /// Index of the edge in force at `at`. `hint` is where the caller looked last.
    pub fn edge_at(&self, at: ClassMs, hint: usize) -> usize {
        let mut index = hint.min(self.edges.len() - 1);
        while self.edges[index].at > at && index > 0 {
            index -= 1;
        }
        while self.edges.get(index + 1).is_some_and(|next| next.at <= at) {
            index += 1;
        }
        index
    }

    pub fn state_at(&self, at: ClassMs) -> Edge {
        self.edges[self.edge_at(at, self.edges.len() - 1)]
    }

    /// When the run in force at `at` ends if nobody moves the plan; `None` outside a run, when paused or held.
    pub fn left_at(&self, at: ClassMs) -> Option<i64> {
        let edge = self.state_at(at);
        let run = &self.runs[usize::from(edge.run?)];
        let ridden = if edge.phase == Phase::Live { edge.elapsed + at - edge.at } else { edge.elapsed };
        (run.planned_ms > 0).then_some((run.planned_ms - ridden).max(0))
    }

    /// The next edge after `at`.
    pub fn next_edge(&self, at: ClassMs) -> Option<Edge> {
        self.edges.iter().find(|edge| edge.at > at).copied()
    }

    /// When the class began and when it ends; the end may be foreseen, or not be known.
    pub fn starts(&self) -> Option<ClassMs> {
        self.edges.iter().find(|edge| edge.phase == Phase::Live).map(|edge| edge.at)
    }
    pub fn ends(&self) -> Option<ClassMs> {
        self.edges.last().filter(|edge| edge.phase == Phase::Cooling).map(|edge| edge.at)
    }

    /// The first moment at which two timelines differ for what is folded by them.
    pub fn differs_from(&self, other: &Timeline) -> Option<ClassMs> {
        let edges = self.edges.iter().zip(&other.edges).find(|(a, b)| a != b).map(|(a, b)| a.at.min(b.at));
        let longer = match self.edges.len().cmp(&other.edges.len()) {
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Less => Some(other.edges[self.edges.len()].at),
            std::cmp::Ordering::Greater => Some(self.edges[other.edges.len()].at),
        };
        // A run's planned length decides whether its target is judged, from its very start.
        let differ =
            |(a, b): &(&PlannedRun, &PlannedRun)| a.segment != b.segment || a.judges_heart() != b.judges_heart();
        let runs = self.runs.iter().zip(&other.runs).find(differ);
        let runs = runs.and_then(|(a, b)| a.starts.into_iter().chain(b.starts).min());
        edges.or(longer).into_iter().chain(runs).min()
    }

    pub fn view(&self, segments: &[Segment], version: u32, now: ClassMs) -> PlanView {
        let runs = self.runs.iter().map(|run| Run {
            segment: segments[usize::from(run.segment)].clone(),
            planned_ms: run.planned_ms,
            starts: run.starts,
            ends: run.ends,
        });
        PlanView { version, runs: runs.collect(), current: self.state_at(now).run, ends: self.ends() }
    }
}

/// A plan that can be run, or why not.
pub fn check(segments: &[Segment]) -> Result<(), String> {
    if segments.is_empty() || segments.len() > SEGMENTS_MAX {
        return Err(format!("a plan has 1 to {SEGMENTS_MAX} segments"));
    }
    let total: u64 = segments.iter().map(|segment| u64::from(segment.duration_s)).sum();
    if total > u64::from(SEGMENT_S_MAX) {
        return Err("a plan lasts at most 24 hours".into());
    }
    use fitconnect_protocol::class::Target;
    for (index, segment) in segments.iter().enumerate() {
        let (lo, hi) = match segment.target {
            Some(
                Target::Percent { lo, hi }
                | Target::Reserve { lo, hi }
                | Target::Cadence { lo, hi }
                | Target::Rpe { lo, hi },
            ) => (u16::from(lo), u16::from(hi)),
            Some(Target::Ftp { lo, hi }) => (lo, hi),
            None => continue,
        };
        if lo > hi {
            return Err(format!("segment {index}: the target's lower end lies above its upper end"));
        }
    }
    Ok(())
}

/// The walk along the clock that builds a timeline.
struct Course<'a> {
    segments: &'a [Segment],
    timeline: Timeline,
    current: usize,
    phase: Phase,
    /// Ridden part of the current run, up to `since`.
    elapsed: i64,
    since: ClassMs,
}

impl<'a> Course<'a> {
    fn new(segments: &'a [Segment]) -> Self {
        let runs = (0..segments.len()).map(|index| planned(segments, index as u16)).collect();
        let lobby = Edge { at: ClassMs::MIN, phase: Phase::Lobby, run: None, elapsed: 0 };
        Course {
            segments,
            timeline: Timeline { edges: vec![lobby], runs },
            current: 0,
            phase: Phase::Lobby,
            elapsed: 0,
            since: ClassMs::MIN,
        }
    }

    /// Lets runs end by themselves up to and with `until`.
    fn run_until(&mut self, until: ClassMs) {
        while self.phase == Phase::Live {
            let planned_ms = self.timeline.runs[self.current].planned_ms;
            if planned_ms == 0 {
                return;
            }
            let end = self.since + planned_ms - self.elapsed;
            if end > until {
                return;
            }
            self.finish_run(end);
        }
    }

    fn apply(&mut self, action: PlanAction, at: ClassMs) {
        match (self.phase, action) {
            (Phase::Lobby, PlanAction::Start) => {
                self.phase = Phase::Live;
                self.begin_run(at);
            }
            (Phase::Live, PlanAction::Pause) => {
                self.elapsed += at - self.since;
                self.since = at;
                self.phase = Phase::Paused;
                self.edge(at);
            }
            (Phase::Paused, PlanAction::Resume) => {
                self.since = at;
                self.phase = Phase::Live;
                self.edge(at);
            }
            (Phase::Live | Phase::Paused, _) => self.apply_in_run(action, at),
            (_, _) => {}
        }
    }

    fn apply_in_run(&mut self, action: PlanAction, at: ClassMs) {
        let ridden = if self.phase == Phase::Live { self.elapsed + at - self.since } else { self.elapsed };
        let segment = self.timeline.runs[self.current].segment;
        match action {
            PlanAction::Next => self.finish_run(at),
            PlanAction::End => {
                self.timeline.runs[self.current].ends = Some(at);
                self.timeline.runs.truncate(self.current + 1);
                self.cool(at);
            }
            PlanAction::Back => {
                let again = planned(self.segments, segment);
                let before = (self.current > 0 && ridden < BACK_TO_PREVIOUS_MS)
                    .then(|| self.timeline.runs[self.current - 1].segment);
                self.timeline.runs.insert(self.current + 1, again);
                if let Some(before) = before {
                    self.timeline.runs.insert(self.current + 1, planned(self.segments, before));
                }
                self.finish_run(at);
            }
            PlanAction::Adjust { by_s } => {
                let run = &mut self.timeline.runs[self.current];
                if run.planned_ms == 0 {
                    return;
                }
                run.planned_ms = (run.planned_ms + i64::from(by_s) * 1_000).max(ridden).max(1);
                self.run_until(at);
            }
            PlanAction::Hold => self.timeline.runs[self.current].planned_ms = 0,
            PlanAction::Repeat => self.timeline.runs.insert(self.current + 1, planned(self.segments, segment)),
            PlanAction::Skip => {
                if self.current + 1 < self.timeline.runs.len() {
                    self.timeline.runs.remove(self.current + 1);
                }
            }
            PlanAction::Start | PlanAction::Pause | PlanAction::Resume => {}
        }
    }

    fn begin_run(&mut self, at: ClassMs) {
        self.timeline.runs[self.current].starts = Some(at);
        self.elapsed = 0;
        self.since = at;
        self.edge(at);
    }

    fn finish_run(&mut self, at: ClassMs) {
        self.timeline.runs[self.current].ends = Some(at);
        if self.current + 1 == self.timeline.runs.len() {
            return self.cool(at);
        }
        self.current += 1;
        self.begin_run(at);
    }

    fn cool(&mut self, at: ClassMs) {
        self.phase = Phase::Cooling;
        self.edge(at);
    }

    fn edge(&mut self, at: ClassMs) {
        let run = (self.phase != Phase::Cooling).then_some(self.current as u16);
        let edge = Edge { at, phase: self.phase, run, elapsed: if run.is_some() { self.elapsed } else { 0 } };
        // Two moves at one moment leave the later one's edge.
        match self.timeline.edges.last_mut() {
            Some(last) if last.at == at => *last = edge,
            _ => self.timeline.edges.push(edge),
        }
    }
}

fn planned(segments: &[Segment], segment: u16) -> PlannedRun {
    let planned_ms = i64::from(segments[usize::from(segment)].duration_s) * 1_000;
    PlannedRun { segment, planned_ms, starts: None, ends: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::class::SegmentKind;

    fn segments() -> Vec<Segment> {
        let segment = |kind, duration_s| Segment { kind, duration_s, target: None, cue: None };
        vec![segment(SegmentKind::Warmup, 60), segment(SegmentKind::Work, 120), segment(SegmentKind::Cooldown, 30)]
    }

    /// `edges` as `second phase run@elapsed`, the moves given as (second, action).
    fn check(moves: &[(i64, PlanAction)], edges: &[&str]) {
        let moves: Vec<Move> = (1..)
            .zip(moves)
            .map(|(id, (s, action))| Move { id, at: s * 1_000, action: *action, undone: false })
            .collect();
        let timeline = Timeline::derive(&segments(), &moves);
        let shown: Vec<String> = timeline.edges[1..]
            .iter()
            .map(|e| match e.run {
                Some(run) => format!("{} {:?} {run}@{}", e.at / 1_000, e.phase, e.elapsed / 1_000),
                None => format!("{} {:?}", e.at / 1_000, e.phase),
            })
            .collect();
        assert_eq!(shown, edges);
    }

    #[test]
    fn a_plan_that_nobody_touches_runs_to_its_end() {
        use PlanAction::*;
        check(&[], &[]);
        check(&[(10, Start)], &["10 Live 0@0", "70 Live 1@0", "190 Live 2@0", "220 Cooling"]);
    }

    #[test]
    fn a_pause_moves_all_that_follows() {
        use PlanAction::*;
        check(
            &[(0, Start), (90, Pause), (100, Resume)],
            &["0 Live 0@0", "60 Live 1@0", "90 Paused 1@30", "100 Live 1@30", "190 Live 2@0", "220 Cooling"],
        );
        check(
            &[(0, Start), (30, Pause), (40, Next), (50, Resume)],
            &["0 Live 0@0", "30 Paused 0@30", "40 Paused 1@0", "50 Live 1@0", "170 Live 2@0", "200 Cooling"],
        );
    }

    #[test]
    fn the_trainer_moves_the_plan() {
        use PlanAction::*;
        check(&[(0, Start), (20, Next)], &["0 Live 0@0", "20 Live 1@0", "140 Live 2@0", "170 Cooling"]);
        check(&[(0, Start), (80, Back)], &["0 Live 0@0", "60 Live 1@0", "80 Live 2@0", "200 Live 3@0", "230 Cooling"]);
        check(
            &[(0, Start), (62, Back)],
            &["0 Live 0@0", "60 Live 1@0", "62 Live 2@0", "122 Live 3@0", "242 Live 4@0", "272 Cooling"],
        );
        check(&[(0, Start), (10, Adjust { by_s: 15 })], &["0 Live 0@0", "75 Live 1@0", "195 Live 2@0", "225 Cooling"]);
        check(&[(0, Start), (50, Adjust { by_s: -15 })], &["0 Live 0@0", "50 Live 1@0", "170 Live 2@0", "200 Cooling"]);
        check(
            &[(0, Start), (10, Repeat)],
            &["0 Live 0@0", "60 Live 1@0", "120 Live 2@0", "240 Live 3@0", "270 Cooling"],
        );
        check(&[(0, Start), (10, Skip)], &["0 Live 0@0", "60 Live 1@0", "90 Cooling"]);
        check(&[(0, Start), (10, Hold)], &["0 Live 0@0"]);
        check(&[(0, Start), (10, Hold), (100, Next)], &["0 Live 0@0", "100 Live 1@0", "220 Live 2@0", "250 Cooling"]);
        check(&[(0, Start), (70, End)], &["0 Live 0@0", "60 Live 1@0", "70 Cooling"]);
        check(&[(0, Start), (500, Next)], &["0 Live 0@0", "60 Live 1@0", "180 Live 2@0", "210 Cooling"]);
    }

    #[test]
    fn an_undone_move_leaves_no_trace() {
        let segments = segments();
        let start = Move { id: 1, at: 0, action: PlanAction::Start, undone: false };
        let next = Move { id: 2, at: 5_000, action: PlanAction::Next, undone: true };
        let plain = Timeline::derive(&segments, std::slice::from_ref(&start));
        assert_eq!(Timeline::derive(&segments, &[start, next]), plain);
        assert_eq!(plain.left_at(10_000), Some(50_000));
        assert_eq!(plain.ends(), Some(210_000));
    }
}
