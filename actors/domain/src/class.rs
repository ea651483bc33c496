//! A live class: who is in it, what they measure, what it shows, and what it leaves.
//! The rules are section 0 of `docs/domain.md`. This file holds the state and how changes change it; the decisions are in
//! `class/`: commands, samples, ticks, settlement.

pub mod attention;
pub mod board;
pub mod body;
pub mod change;
pub mod channel;
mod commands;
pub mod energy;
pub mod fold;
pub mod io;
pub mod live;
pub mod plan;
pub mod power;
pub mod ranges;
mod reload;
pub mod rider;
mod samples;
mod settle;
pub mod streams;
mod subscribe;
pub mod summary;
mod tick;
pub mod watch;
pub mod zones;

pub use change::{Change, Facts, Joined, Stage, What};
pub use io::{Caller, Input, Link, Load, Loaded, Person, Publish, Record, StoredSample, Tell, TickFrame};

use crate::time::{ClassMs, class_at, wall_at};
use crate::{AskId, Machine, Millis, Out};
use attention::Attention;
use board::Board;
use fitconnect_protocol::class::{Activity, Phase, SegmentKind, Target};
use fitconnect_protocol::limits::COOLING_MS;
use fitconnect_protocol::{ClassId, CmdId, SessionId, Slot, UserId};
use fold::Terms;
use live::Wear;
use plan::{Move, Timeline};
use rider::{Rider, Span, StreamNo};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use streams::Streams;

/// A session that follows the class.
#[derive(Clone, Debug)]
struct Viewer {
    by: Arc<Caller>,
    slot: Option<Slot>,
    topics: BTreeSet<fitconnect_protocol::session::Topic>,
    /// Last own frame, and the person's sample count then.
    mine_at: Millis,
    mine_records: u64,
}

/// A person who wants in and whose data is being loaded.
struct Joining {
    ask: AskId,
    by: Arc<Caller>,
    seat: Option<String>,
    sensors: Vec<fitconnect_protocol::class::Sensor>,
}

/// Sums that only metrics and the class's summary want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub samples: u64,
    pub doubled: u64,
    pub dropped: u64,
    pub late: u64,
    pub refused: u64,
    pub reloads: u64,
    /// Live figures that differed from the fold of the stored series: a fault of ours.
    pub mismatches: u64,
}

/// A stream's number that is judged but not yet on disk.
struct Pending {
    record: u64,
    stream: StreamNo,
    boot: u32,
    seq: u32,
}

/// Streams whose news one session waits for.
#[derive(Default)]
struct AcksDue {
    streams: Vec<StreamNo>,
    sent_at: Millis,
}

pub struct Class {
    pub id: ClassId,
    facts: Option<Facts>,
    stage: Stage,
    moves: Vec<Move>,
    timeline: Timeline,
    /// Kind and target of each run of the timeline.
    runs: Vec<(SegmentKind, Option<Target>)>,
    riders: Vec<Rider>,
    by_user: BTreeMap<UserId, Slot>,
    streams: Streams,
    board: Board,
    board_names: Arc<Vec<String>>,
    attention: Attention,
    attention_at: Option<ClassMs>,
    cooled: bool,
    settled: bool,
    settling: Option<settle::Settling>,
    /// Slots whose late samples make a new version of a summary.
    late: BTreeSet<Slot>,

    // Of this life in memory only.
    viewers: BTreeMap<SessionId, Viewer>,
    joining: BTreeMap<UserId, Vec<Joining>>,
    acks: BTreeMap<SessionId, AcksDue>,
    pending: VecDeque<Pending>,
    record: u64,
    looks: BTreeMap<Slot, Millis>,
    tick: u32,
    tick_at: Option<Millis>,
    full_at: Millis,
    slices: bool,
    desk_up: bool,
    counts: Counts,
}

impl Class {
    /// A class of which nothing is stored.
    pub fn new(id: ClassId) -> Class {
        Class {
            id,
            facts: None,
            stage: Stage::Scheduled,
            moves: Vec::new(),
            timeline: Timeline::derive(&[], &[]),
            runs: Vec::new(),
            riders: Vec::new(),
            by_user: BTreeMap::new(),
            streams: Streams::default(),
            board: Board::default(),
            board_names: Arc::default(),
            attention: Attention::default(),
            attention_at: None,
            cooled: false,
            settled: false,
            settling: None,
            late: BTreeSet::new(),
            viewers: BTreeMap::new(),
            joining: BTreeMap::new(),
            acks: BTreeMap::new(),
            pending: VecDeque::new(),
            record: 0,
            looks: BTreeMap::new(),
            tick: 0,
            tick_at: None,
            full_at: Millis(0),
            slices: false,
            desk_up: false,
            counts: Counts::default(),
        }
    }

    pub fn facts(&self) -> Option<&Facts> {
        self.facts.as_ref()
    }
    pub fn stage(&self) -> Stage {
        self.stage
    }
    pub fn counts(&self) -> Counts {
        self.counts
    }
    pub fn riders(&self) -> &[Rider] {
        &self.riders
    }
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Class time; the wall's time before the class is made.
    pub fn class_at(&self, now: Millis) -> ClassMs {
        self.facts.as_ref().map_or(now.0 as i64, |facts| class_at(&facts.clock, now))
    }

    /// Where the class stands at class time `at`.
    pub fn phase_at(&self, at: ClassMs) -> Phase {
        match self.stage {
            Stage::Scheduled => Phase::Scheduled,
            Stage::Open => Phase::Open,
            Stage::Running => self.timeline.state_at(at).phase,
            Stage::Finished => Phase::Finished,
            Stage::Settled => Phase::Settled,
            Stage::Cancelled => Phase::Cancelled,
            Stage::Aborted => Phase::Aborted,
        }
    }

    /// The next moment at which the class must act though nobody asks.
    fn alarm(&self) -> Option<Millis> {
        let facts = self.facts.as_ref()?;
        let starts = class_at(&facts.clock, Millis(facts.starts_at_ms.max(0) as u64));
        let at = match self.stage {
            Stage::Scheduled | Stage::Open => starts - i64::from(facts.lobby_min?) * 60_000,
            Stage::Running => {
                let ends = self.timeline.ends()?;
                if self.cooled { ends + COOLING_MS } else { ends }
            }
            // Settlement goes on where it stopped.
            Stage::Finished | Stage::Aborted if !self.settled => ClassMs::MIN / 2,
            Stage::Finished | Stage::Aborted | Stage::Settled | Stage::Cancelled => return None,
        };
        Some(wall_at(&facts.clock, at))
    }

    /// Whether the board is worth a tick.
    fn ticks(&self) -> bool {
        self.stage == Stage::Running && (!self.viewers.is_empty() || self.riders.iter().any(Rider::is_present))
    }

    /// Changes the state by something that has happened. The only way in which durable state changes.
    fn apply(&mut self, change: &Change) {
        match &change.what {
            What::Created(facts) => {
                self.facts = Some((**facts).clone());
                self.rederive();
            }
            What::Staged { stage, .. } => self.stage = *stage,
            What::Cooled => self.cooled = true,
            What::Moved(each) => {
                self.moves.push(each.clone());
                self.rederive();
            }
            What::Undone { id } => {
                if let Some(undone) = self.moves.iter_mut().find(|each| each.id == *id) {
                    undone.undone = true;
                }
                self.rederive();
            }
            What::Joined(joined) => self.apply_joined(joined, change.at),
            What::Left { slot } => {
                let rider = &mut self.riders[usize::from(*slot)];
                if let Some(span) = rider.present.last_mut() {
                    span.to = Some(change.at.max(span.from));
                }
                self.changed_from(*slot, change.at);
            }
            What::Returned { slot } => self.riders[usize::from(*slot)].present.push(Span { from: change.at, to: None }),
            What::Paired { sensor, owner, slot } => self.apply_paired(sensor, *owner, *slot, change.at),
            What::Swapped { a, b, from } => self.apply_swapped(*a, *b, *from, change.at),
            What::Booted { receiver, boot, offset } => {
                self.streams.offsets.insert((*receiver, *boot), *offset);
                if let Some(by) = change.by {
                    self.streams.receivers.entry(*receiver).or_insert(by);
                }
            }
            What::Shared { slot, consent } => {
                self.riders[usize::from(*slot)].consent = *consent;
                self.rename(*slot);
            }
            What::HrMaxApproved { slot } => {
                if let Some(max) = &mut self.riders[usize::from(*slot)].body.hr_max {
                    max.approved = true;
                }
                self.board.stale = true;
            }
            What::Sos { slot, on } => self.riders[usize::from(*slot)].sos = *on,
            What::Acknowledged { kind, slot } => {
                if let Some(by) = change.by {
                    self.attention.acknowledge(*kind, *slot, by, change.at);
                }
            }
            What::Cued { .. } => {}
            What::Summarised { slot, summary } => self.riders[usize::from(*slot)].summary = summary.version,
            What::Settled(_) => {
                self.settled = true;
                if self.stage == Stage::Finished {
                    self.stage = Stage::Settled;
                }
            }
        }
    }

    fn apply_joined(&mut self, joined: &Joined, at: ClassMs) {
        let Joined { slot, who, name, seat, body, consent, sensors } = joined;
        self.riders.push(Rider {
            slot: *slot,
            who: *who,
            name: name.clone(),
            seat: seat.clone(),
            body: *body,
            consent: *consent,
            present: vec![Span { from: at, to: None }],
            live: live::Live::default(),
            shown: rider::Shown::default(),
            watch: watch::Watch::default(),
            sent: rider::Sent::default(),
            rank: 0,
            session: None,
            linked: false,
            sos: false,
            dropped: 0,
            records: 0,
            summary: 0,
        });
        if let rider::Who::User(user) = who {
            self.by_user.insert(*user, *slot);
        }
        let owner = self.riders[usize::from(*slot)].user();
        for sensor in sensors {
            self.apply_paired(sensor, owner, Some(*slot), at);
        }
        self.rename(*slot);
        self.slices |= self.riders.len() > fitconnect_protocol::limits::BOARD_WHOLE_MAX;
        self.board.stale = true;
    }

    fn apply_paired(&mut self, sensor: &fitconnect_protocol::class::Sensor, owner: Option<UserId>, slot: Option<Slot>, at: ClassMs) {
        let known = self.streams.sensors.entry(sensor.source).or_insert_with(|| streams::KnownSensor {
            kind: sensor.kind,
            owner,
            worn: Vec::new(),
        });
        known.owner = known.owner.or(owner);
        let before = known.wearer_now();
        known.wear(slot, at);
        for slot in before.into_iter().chain(slot) {
            self.changed_from(slot, at);
        }
    }

    fn apply_swapped(&mut self, a: Slot, b: Slot, from: fitconnect_protocol::class::SwapFrom, at: ClassMs) {
        let from_start = from == fitconnect_protocol::class::SwapFrom::Start;
        for sensor in self.streams.sensors.values_mut() {
            let other = match sensor.wearer_now() {
                Some(slot) if slot == a => b,
                Some(slot) if slot == b => a,
                Some(_) | None => continue,
            };
            let begin = if from_start { sensor.worn.first().map_or(at, |worn| worn.from) } else { at };
            sensor.wear(Some(other), begin);
        }
        let begin = if from_start { ClassMs::MIN / 2 } else { at };
        self.changed_from(a, begin);
        self.changed_from(b, begin);
    }

    /// The person's figures are wrong from `from` on.
    fn changed_from(&mut self, slot: Slot, from: ClassMs) {
        let hold_ms = self.facts.as_ref().map_or(0, |facts| facts.hold_ms);
        self.riders[usize::from(slot)].live.changed_from(from, hold_ms);
        self.board.stale = true;
    }

    fn rename(&mut self, slot: Slot) {
        let name = self.riders[usize::from(slot)].board_name();
        let names = Arc::make_mut(&mut self.board_names);
        match names.get_mut(usize::from(slot)) {
            Some(known) => *known = name,
            None => names.push(name),
        }
    }

    /// The timeline after a move; whoever was folded beyond the first difference is folded again.
    fn rederive(&mut self) {
        let Some(facts) = &self.facts else { return };
        let timeline = Timeline::derive(&facts.segments, &self.moves);
        self.runs = timeline
            .runs
            .iter()
            .map(|run| &facts.segments[usize::from(run.segment)])
            .map(|segment| (segment.kind, segment.target))
            .collect();
        let differs = self.timeline.differs_from(&timeline);
        self.timeline = timeline;
        if let Some(from) = differs {
            for slot in 0..self.riders.len() as Slot {
                self.changed_from(slot, from);
            }
        }
    }

    /// Decides that something has happened: durable, and at once in memory.
    fn happen(&mut self, at: ClassMs, by: Option<UserId>, what: What, out: &mut Out<Class>) {
        let change = Change { at, by, what };
        self.apply(&change);
        out.save(change);
    }

    /// The same as an answer to a command.
    fn happen_for(&mut self, ask: AskId, reply: fitconnect_protocol::session::Response, change: Change, out: &mut Out<Class>) {
        self.apply(&change);
        out.save_and_answer(change, ask, reply);
    }

    /// Runs `with` on one rider with all that a fold needs.
    fn with_rider<T>(&mut self, slot: Slot, with: impl FnOnce(&mut Rider, &Streams, &Terms<'_>) -> T) -> Option<T> {
        let facts = self.facts.as_ref()?;
        let rider = self.riders.get_mut(usize::from(slot))?;
        let body = rider.body;
        let terms = Terms {
            timeline: &self.timeline,
            body: &body,
            runs: &self.runs,
            hold_ms: facts.hold_ms,
            met_tenths: met_tenths(facts.activity),
        };
        Some(with(rider, &self.streams, &terms))
    }

    /// Brings every rider's figures up to date and asks for the series of those who need it.
    fn refresh(&mut self, out: &mut Out<Class>) {
        for slot in 0..self.riders.len() as Slot {
            self.refresh_one(slot, out);
        }
    }

    fn refresh_one(&mut self, slot: Slot, out: &mut Out<Class>) {
        let refreshed = self.with_rider(slot, |rider, streams, terms| {
            let wear = Wear { streams, slot, present: &rider.present };
            rider.live.refresh(&wear, terms)
        });
        self.board.stale |= refreshed.unwrap_or(false);
        if self.riders[usize::from(slot)].live.wants_series() {
            self.riders[usize::from(slot)].live.loading = true;
            self.counts.reloads += 1;
            self.ask_series(slot, out);
        }
    }

    fn ask_series(&mut self, slot: Slot, out: &mut Out<Class>) {
        let streams = self.streams.streams_of(slot);
        let sources: BTreeSet<_> = streams.into_iter().map(|stream| self.streams.get(stream).source).collect();
        out.0.push(crate::Effect::Load(Load::Series { slot, sources: sources.into_iter().collect() }));
    }

    /// Keeps the one alarm and the ticks going, and goes to sleep when nothing is to be done.
    fn reschedule(&mut self, before: Option<Millis>, now: Millis, out: &mut Out<Class>) {
        let alarm = self.alarm();
        if alarm != before {
            out.0.push(crate::Effect::WakeAt(alarm));
        }
        if self.ticks() {
            if self.tick_at.is_none() {
                self.tick_in(fitconnect_protocol::limits::TICK_MS, now, out);
            }
            return;
        }
        self.tick_at = None;
        let idle = self.viewers.is_empty() && self.joining.is_empty() && self.pending.is_empty() && self.settling.is_none();
        if idle && self.late.is_empty() {
            out.0.push(crate::Effect::Sleep);
        }
    }

    fn tick_in(&mut self, ms: u64, now: Millis, out: &mut Out<Class>) {
        let at = now.plus(ms);
        self.tick_at = Some(at);
        out.0.push(crate::Effect::TickAt(at));
    }
}

/// Energy of easy minutes by kind of class: hatha yoga 2.3, else 2.0 (Ainsworth 2011), in tenths.
fn met_tenths(activity: Activity) -> u16 {
    match activity {
        Activity::Yoga => 23,
        Activity::Ride | Activity::Run | Activity::Row | Activity::Strength | Activity::Other => 20,
    }
}

impl Machine for Class {
    type Input = Input;
    type Change = Change;
    type Publish = Publish;
    type Load = Load;
    type Tell = Tell;
    type Record = Record;

    fn handle(&mut self, input: Input, ask: AskId, now: Millis, out: &mut Out<Class>) {
        let before = self.alarm();
        match input {
            Input::Create { by, facts, .. } => self.create(by, *facts, ask, now, out),
            Input::Command { by, act, .. } => self.decide(by, act, ask, now, out),
            Input::Samples { by, samples } => self.samples(&by, samples, now, out),
            Input::Subscribe { by, topic, position } => self.subscribe(by, topic, position, ask, now, out),
            Input::Unsubscribe { session, topic } => self.unsubscribe(session, topic),
            Input::Look { by, slots } => self.look(&by, &slots, now),
            Input::Link { session, link } => self.link(session, link),
            Input::Durable { record } => self.durable(record),
            Input::Loaded(loaded) => self.loaded(loaded, now, out),
            Input::Letter(letter) => self.letter(letter, now, out),
            Input::Wake => self.wake(now, out),
            Input::Tick => self.on_tick(now, out),
        }
        self.reschedule(before, now, out);
    }

    fn command(input: &Input) -> Option<(UserId, CmdId)> {
        match input {
            Input::Create { by, cmd, .. } => Some((*by, *cmd)),
            Input::Command { by, cmd, .. } => Some((by.user, *cmd)),
            Input::Samples { .. }
            | Input::Subscribe { .. }
            | Input::Unsubscribe { .. }
            | Input::Look { .. }
            | Input::Link { .. }
            | Input::Durable { .. }
            | Input::Loaded(_)
            | Input::Letter(_)
            | Input::Wake
            | Input::Tick => None,
        }
    }

    fn check_invariants(&self) {
        self.attention.check_invariants();
        for (index, rider) in self.riders.iter().enumerate() {
            assert_eq!(usize::from(rider.slot), index, "a slot is a place in the list");
            rider.live.check_invariants();
            let figures = rider.live.figures();
            if rider.body.zones_max().is_some() {
                assert_eq!(figures.zone_ms.iter().sum::<i64>(), figures.hr_ms, "every millisecond is in one zone");
            }
            assert!(figures.score <= 4 * figures.hr_ms as u64, "at most four points a minute");
            let spans = &rider.present;
            assert!(spans.windows(2).all(|pair| pair[0].to.is_some_and(|to| to <= pair[1].from)), "spans in order");
        }
        assert!(self.pending.iter().zip(self.pending.iter().skip(1)).all(|(a, b)| a.record <= b.record));
    }
}
