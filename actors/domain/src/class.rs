//! A live class: who is in it, what they measure, what it shows, and what it leaves.
//! The rules are section 0 of `docs/domain.md`. This file holds the state and how changes change it; the decisions are in
//! `class/`: commands, samples, ticks, settlement.

pub mod attention;
pub mod board;
pub mod body;
pub mod by_hand;
pub mod change;
pub mod channel;
mod checkpoint;
mod commands;
pub mod energy;
pub mod film;
mod fives;
pub mod fold;
mod forecast;
mod hidden;
pub mod io;
pub mod live;
mod loose;
pub mod plan;
pub mod power;
pub mod ranges;
mod reload;
pub mod ride;
pub mod rider;
mod samples;
mod settle;
mod staff;
pub mod streams;
mod subscribe;
pub mod summary;
mod tick;
pub mod watch;
mod whisper;
pub mod zones;

pub use change::{Change, Facts, Joined, Stage, What};
pub use io::{Caller, Input, Link, Load, Loaded, Person, Publish, Record, StoredSample, Tell, TickFrame};

use crate::time::{ClassMs, class_at, wall_at};
use crate::{AskId, Machine, Millis, Out};
use attention::Attention;
use board::Board;
use fitconnect_protocol::class::{
    Activity, AttentionList, Phase, SegmentKind, Sensor, Staff, StaffView, SwapFrom, Target,
};
use fitconnect_protocol::limits::{BOARD_WHOLE_MAX, COOLING_MS, LOADS_MAX, TICK_MS};
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::tick::ROW_BYTES;
use fitconnect_protocol::{ClassId, CmdId, SessionId, Slot, UserId};
use fives::Fives;
use fold::Terms;
use live::Wear;
use plan::{Move, Timeline};
use rider::{Rider, Span, StreamNo, Summarised};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use streams::Streams;
use whisper::Whisper;

/// A session that follows the class.
#[derive(Clone, Debug)]
struct Viewer {
    by: Arc<Caller>,
    slot: Option<Slot>,
    topics: BTreeSet<Topic>,
    /// Last own frame, its row, and the person's sample count then.
    mine_at: Millis,
    mine_records: u64,
    mine_row: [u8; ROW_BYTES],
}

/// A person who wants in and whose data is being loaded.
struct Joining {
    ask: AskId,
    by: Arc<Caller>,
    seat: Option<String>,
    sensors: Vec<Sensor>,
}

/// Sums that only metrics and the class's summary want.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples that were new and believed.
    pub samples: u64,
    pub doubled: u64,
    /// Samples that were not believed.
    pub dropped: u64,
    /// Samples that came more than a minute after they were taken.
    pub late: u64,
    pub refused: u64,
    /// Series asked for besides those of the settlement.
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

/// Streams whose news one session waits for, and since when.
struct AcksDue {
    streams: Vec<StreamNo>,
    since: Millis,
}

pub struct Class {
    pub id: ClassId,
    facts: Option<Facts>,
    /// Who made it.
    owner: Option<UserId>,
    stage: Stage,
    moves: Vec<Move>,
    timeline: Timeline,
    /// Kind and target of each run of the timeline.
    runs: Vec<(SegmentKind, Option<Target>)>,
    riders: Vec<Rider>,
    by_user: BTreeMap<UserId, Slot>,
    /// How many are in the class now.
    present: usize,
    streams: Streams,
    board: Board,
    attention: Attention,
    /// Who moves the plan; any trainer, where there is none.
    driver: Option<Staff>,
    /// The newest private words to each person.
    whispers: BTreeMap<Slot, Whisper>,
    whispered: u32,
    cooled: bool,
    settled: bool,
    sums: summary::Sums,
    /// Slots whose late samples make a new version of a summary.
    late: BTreeSet<Slot>,
    fives: Fives,

    // Of this life in memory only.
    /// The alarm as it is stored.
    armed: Option<Millis>,
    viewers: BTreeMap<SessionId, Viewer>,
    sessions_of: BTreeMap<UserId, BTreeSet<SessionId>>,
    /// Whose samples a session sends.
    senders: BTreeMap<SessionId, BTreeSet<Slot>>,
    joining: BTreeMap<UserId, Vec<Joining>>,
    /// Who wants to know which rows are hidden, until it is known from whom.
    hiding: BTreeMap<UserId, Vec<AskId>>,
    acks: BTreeMap<SessionId, AcksDue>,
    pending: VecDeque<Pending>,
    record: u64,
    /// Riders whose figures are to be brought up to date, and those whose series is on its way.
    unfresh: BTreeSet<Slot>,
    loads: BTreeSet<Slot>,
    /// No series is asked for before this: the store could not answer.
    load_again_at: Millis,
    settling: Option<settle::Settling>,
    looks: BTreeMap<Slot, Millis>,
    names: Vec<String>,
    /// The names as the last tick had them; `None` where they have changed since.
    board_names: Option<Arc<Vec<String>>>,
    tick: u32,
    tick_at: Option<Millis>,
    /// When the last tick was due: the next follows from there, so that delays do not add up.
    ticked_at: Millis,
    ranked_at: Millis,
    full_at: Millis,
    slices: bool,
    desks: BTreeSet<SessionId>,
    boards: usize,
    attention_at: Option<ClassMs>,
    /// Desks have not been told of the newest list.
    attention_due: bool,
    /// Who was at the desks when they were told last.
    staff_told: Option<StaffView>,
    /// A sensor may have found or lost its wearer.
    loose_due: bool,
    /// What was lost before this life began is not news.
    awake_since: ClassMs,
    counts: Counts,
}

impl Class {
    /// A class of which nothing is stored.
    pub fn new(id: ClassId) -> Class {
        Class {
            id,
            facts: None,
            owner: None,
            stage: Stage::Scheduled,
            moves: Vec::new(),
            timeline: Timeline::derive(&[], &[]),
            runs: Vec::new(),
            riders: Vec::new(),
            by_user: BTreeMap::new(),
            present: 0,
            streams: Streams::default(),
            board: Board::default(),
            attention: Attention::default(),
            driver: None,
            whispers: BTreeMap::new(),
            whispered: 0,
            cooled: false,
            settled: false,
            sums: summary::Sums::default(),
            late: BTreeSet::new(),
            fives: Fives::default(),
            armed: None,
            viewers: BTreeMap::new(),
            sessions_of: BTreeMap::new(),
            senders: BTreeMap::new(),
            joining: BTreeMap::new(),
            hiding: BTreeMap::new(),
            acks: BTreeMap::new(),
            pending: VecDeque::new(),
            record: 0,
            unfresh: BTreeSet::new(),
            loads: BTreeSet::new(),
            load_again_at: Millis(0),
            settling: None,
            looks: BTreeMap::new(),
            names: Vec::new(),
            board_names: None,
            tick: 0,
            tick_at: None,
            ticked_at: Millis(0),
            ranked_at: Millis(0),
            full_at: Millis(0),
            slices: false,
            desks: BTreeSet::new(),
            boards: 0,
            attention_at: None,
            attention_due: false,
            staff_told: None,
            loose_due: false,
            awake_since: ClassMs::MIN,
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
    pub fn streams(&self) -> &Streams {
        &self.streams
    }
    /// Slots in rank order as of the last ranking.
    pub fn order(&self) -> &[Slot] {
        &self.board.order
    }
    pub fn attention(&self) -> AttentionList {
        self.attention.list()
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
    pub fn alarm(&self) -> Option<Millis> {
        let facts = self.facts.as_ref()?;
        let starts = class_at(&facts.clock, Millis(facts.starts_at_ms.max(0) as u64));
        let at = match self.stage {
            Stage::Scheduled | Stage::Open => starts - i64::from(facts.lobby_min?) * 60_000,
            Stage::Running => {
                let ends = self.timeline.ends()?;
                if self.cooled { ends + COOLING_MS } else { ends }
            }
            // At once: settlement goes on where it stopped, and what came late is told.
            Stage::Finished | Stage::Aborted if !self.settled => ClassMs::MIN / 2,
            Stage::Settled | Stage::Aborted if !self.late.is_empty() => ClassMs::MIN / 2,
            Stage::Finished | Stage::Aborted | Stage::Settled | Stage::Cancelled => return None,
        };
        Some(wall_at(&facts.clock, at))
    }

    /// Whether a tick would do something: show a board, acknowledge, ask again for what could not be had.
    fn ticks(&self) -> bool {
        let somebody = !self.viewers.is_empty() || self.present > 0 || !self.unfresh.is_empty();
        let live = self.stage == Stage::Running && somebody;
        live || !self.acks.is_empty() || self.must_ask_again()
    }

    /// Changes the state by something that has happened. The only way in which durable state changes.
    fn apply(&mut self, change: &Change) {
        match &change.what {
            What::Created(facts) => {
                self.facts = Some((**facts).clone());
                self.owner = change.by;
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
                self.cooled &= self.timeline.ends().is_some_and(|ends| ends <= change.at);
            }
            What::Joined(joined) => self.apply_joined(joined, change.at),
            What::Left { slot } => {
                let rider = &mut self.riders[usize::from(*slot)];
                self.present -= usize::from(rider.is_present());
                if let Some(span) = rider.present.last_mut() {
                    span.to = Some(change.at.max(span.from));
                }
                self.presence_changed(*slot, change.at);
            }
            What::Returned { slot } => {
                self.riders[usize::from(*slot)].present.push(Span { from: change.at, to: None });
                self.present += 1;
                self.presence_changed(*slot, change.at);
            }
            What::Paired { sensor, owner, slot } => self.apply_paired(sensor, *owner, *slot, change.at),
            What::Swapped { a, b, from } => {
                match from {
                    SwapFrom::Now => self.streams.swap_from(change.at, *a, *b),
                    SwapFrom::Start => self.streams.swap_all(*a, *b),
                }
                self.sensors_changed(*a);
                self.sensors_changed(*b);
            }
            What::Booted { receiver, boot, offset } => self.streams.boot(*receiver, *boot, *offset, change.by),
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
            What::Sos { slot, on } => {
                let sos = &mut self.riders[usize::from(*slot)].sos;
                *sos = if *on { sos.or(Some(change.at)) } else { None };
            }
            What::Acknowledged { kind, slot } => {
                if let Some(by) = change.by {
                    self.attention.acknowledge(*kind, *slot, by, change.at);
                    self.attention_due = true;
                }
            }
            What::Cued { text, to, aim } => {
                if let Some(slot) = to {
                    self.apply_whisper(*slot, text, *aim, change.at);
                }
            }
            What::Shown { slot, whisper, level } => self.apply_shown(*slot, *whisper, *level, change.at),
            What::Acted { slot, whisper } => self.apply_acted(*slot, *whisper, change.at),
            What::Fived { counts } => self.apply_fived(counts),
            What::Driven { driver } => self.driver = driver.clone(),
            What::Summarised { slot, summary } => {
                let rider = &mut self.riders[usize::from(*slot)];
                if rider.summary.version == 0 {
                    self.sums.add(summary);
                }
                rider.summary = Summarised { version: summary.version, records: summary.records, rank: summary.rank };
                rider.dropped = rider.dropped.max(summary.provenance.dropped);
            }
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
            sos: None,
            dropped: 0,
            fives: 0,
            records: 0,
            summary: Summarised::default(),
        });
        self.present += 1;
        if let rider::Who::User(user) = who {
            self.by_user.insert(*user, *slot);
        }
        let owner = self.riders[usize::from(*slot)].user();
        for sensor in sensors {
            self.apply_paired(sensor, owner, Some(*slot), at);
        }
        self.rename(*slot);
        self.slices |= self.riders.len() > BOARD_WHOLE_MAX;
        self.board.stale = true;
    }

    fn apply_paired(&mut self, sensor: &Sensor, owner: Option<UserId>, slot: Option<Slot>, at: ClassMs) {
        self.loose_due = true;
        let known = self.streams.sensor(sensor.source).is_some();
        let before = self.streams.wear(sensor, owner, slot, at);
        // A sensor that nobody had paired has sent nothing.
        for slot in before.into_iter().chain(slot).filter(|_| known && before != slot) {
            self.sensors_changed(slot);
        }
    }

    /// What the person wore was, in part, another's or nobody's.
    fn sensors_changed(&mut self, slot: Slot) {
        self.riders[usize::from(slot)].live.sensors_changed();
        self.unfresh.insert(slot);
    }

    /// The person was there, or not there, from `from` on.
    fn presence_changed(&mut self, slot: Slot, from: ClassMs) {
        let hold_ms = self.facts.as_ref().map_or(0, |facts| facts.hold_ms);
        self.riders[usize::from(slot)].live.presence_changed(from, hold_ms);
        self.unfresh.insert(slot);
        self.board.stale = true;
        self.loose_due = true;
    }

    fn rename(&mut self, slot: Slot) {
        let name = self.riders[usize::from(slot)].board_name();
        match self.names.get_mut(usize::from(slot)) {
            Some(known) => *known = name,
            None => self.names.push(name),
        }
        self.board_names = None;
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
        let Some(from) = differs else { return };
        for rider in &mut self.riders {
            rider.live.plan_changed(from);
            if !rider.live.is_exact() {
                self.unfresh.insert(rider.slot);
            }
        }
    }

    /// Decides that something has happened: durable, and at once in memory.
    fn happen(&mut self, at: ClassMs, by: Option<UserId>, what: What, out: &mut Out<Class>) {
        let change = Change { at, by, what };
        self.apply(&change);
        out.save(change);
    }

    /// The same, and the topics are told.
    fn happen_and_tell(&mut self, at: ClassMs, by: Option<UserId>, what: What, out: &mut Out<Class>) {
        let change = Change { at, by, what };
        self.apply(&change);
        out.save(change.clone());
        self.tell_of(&change, out);
    }

    /// Decides it as an answer to a command.
    fn happen_for(&mut self, ask: AskId, reply: Response, change: Change, out: &mut Out<Class>) {
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

    /// Brings figures up to date and asks for the series of those who need it.
    fn refresh(&mut self, now: Millis, out: &mut Out<Class>) {
        for slot in std::mem::take(&mut self.unfresh) {
            self.refresh_one(slot, now, out);
        }
    }

    fn refresh_one(&mut self, slot: Slot, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        let refreshed = self.with_rider(slot, |rider, streams, terms| {
            let wear = Wear { streams, slot, present: &rider.present };
            let refreshed = rider.live.refresh(&wear, terms);
            if refreshed {
                rider.show_newest(at, terms);
            }
            refreshed
        });
        self.board.stale |= refreshed.unwrap_or(false);
        if !self.riders[usize::from(slot)].live.wants_series() {
            return;
        }
        if self.may_load(now) {
            self.counts.reloads += 1;
            self.ask_series(slot, out);
        } else {
            self.unfresh.insert(slot);
        }
    }

    fn may_load(&self, now: Millis) -> bool {
        self.loads.len() < LOADS_MAX && now >= self.load_again_at
    }

    fn ask_series(&mut self, slot: Slot, out: &mut Out<Class>) {
        self.riders[usize::from(slot)].live.begin_loading();
        self.loads.insert(slot);
        out.0.push(crate::Effect::Load(Load::Series { slot, sources: self.streams.sources_of(slot) }));
    }

    /// Keeps the one alarm and the ticks going, and goes to sleep when nothing is to be done.
    fn reschedule(&mut self, now: Millis, out: &mut Out<Class>) {
        let alarm = self.alarm();
        if alarm != self.armed {
            self.armed = alarm;
            out.0.push(crate::Effect::WakeAt(alarm));
        }
        if self.ticks() {
            if self.tick_at.is_none() {
                let next = self.ticked_at.plus(TICK_MS);
                // A tick that was missed is not made up for.
                let at = if next > now { next } else { now.plus(TICK_MS) };
                self.tick_at = Some(at);
                out.0.push(crate::Effect::TickAt(at));
            }
            return;
        }
        self.tick_at = None;
        let asked = !(self.joining.is_empty() && self.hiding.is_empty());
        let quiet = self.viewers.is_empty() && !asked && self.pending.is_empty();
        if quiet && self.loads.is_empty() && self.settling.is_none() && self.late.is_empty() {
            out.0.push(crate::Effect::Sleep);
        }
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
        match input {
            Input::Create { by, facts, .. } => self.create(by, *facts, ask, now, out),
            Input::Command { by, act, .. } => self.decide(by, act, ask, now, out),
            Input::Samples { by, samples } => self.samples(&by, samples, now, out),
            Input::Subscribe { by, topic, position } => self.subscribe(by, topic, position, ask, now, out),
            Input::Unsubscribe { session, topic } => self.unsubscribe(session, topic),
            Input::Look { by, slots } => self.look(&by, &slots, now),
            Input::Link { session, link } => self.link(session, link),
            Input::Durable { record } => self.durable(record, now),
            Input::Loaded(loaded) => self.loaded(loaded, now, out),
            Input::Letter(letter) => self.letter(letter, now, out),
            Input::Five { by, to } => self.five(&by, to, now, out),
            Input::Hidden { by } => self.hidden(&by, ask, out),
            Input::Wake => self.wake(now, out),
            Input::Tick => self.on_tick(now, out),
        }
        self.reschedule(now, out);
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
            | Input::Five { .. }
            | Input::Hidden { .. }
            | Input::Wake
            | Input::Tick => None,
        }
    }

    fn check_invariants(&self) {
        self.streams.check_invariants();
        assert_eq!(self.riders.iter().filter(|rider| rider.is_present()).count(), self.present);
        for (index, rider) in self.riders.iter().enumerate() {
            assert_eq!(usize::from(rider.slot), index, "a slot is a place in the list");
            rider.live.check_invariants(&self.streams);
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
