//! A host of one class that runs by hand: it obeys every effect in memory, on a clock that is moved by the caller.
//! A file that is ridden or imported runs on it, and so do the tests; nothing here is stored or sent.

use super::io::{Caller, Input, Load, Loaded, Person, Publish, Record, StoredSample};
use super::{Change, Class};
use crate::{AskId, Effect, Letter, Machine, Millis, Out};
use fitconnect_protocol::class::ClassCommand;
use fitconnect_protocol::session::{Response, Snapshot, Topic};
use fitconnect_protocol::{ClassId, CmdId, UserId, Uuid};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How the store answers loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Up,
    /// With what was there when it was asked, at [`ByHand::answer_loads`].
    Slow,
    Down,
}

pub struct ByHand {
    pub class: Class,
    pub now: Millis,
    /// Everything that was saved, in order.
    pub changes: Vec<Change>,
    /// Everything that was recorded, in order of arrival.
    pub samples: Vec<StoredSample>,
    /// Items that came onto the trainer's list.
    pub raised: Vec<Record>,
    pub letters: Vec<Letter>,
    /// What was told, the board's ticks included; the caller empties it.
    pub published: Vec<Publish>,
    pub snapshots: Vec<(Topic, Snapshot)>,
    /// Who is known to the store.
    pub people: BTreeMap<UserId, Person>,
    /// Records are on disk at once; else they wait for [`ByHand::sync`].
    pub syncs: bool,
    pub store: Store,
    /// Ticks are run; without them nothing is shown.
    pub ticks: bool,
    /// The machine said that its memory may go.
    pub asleep: bool,
    /// As stored, and whether it has gone off in this life.
    alarm: Option<Millis>,
    rang: bool,
    tick_at: Option<Millis>,
    unsynced: Option<u64>,
    last_ask: u64,
    /// Answers of a slow store that are on their way.
    loaded: Vec<Loaded>,
    inputs: VecDeque<(Input, AskId)>,
    answers: BTreeMap<AskId, Response>,
}

impl ByHand {
    pub fn new(id: ClassId, now: Millis) -> ByHand {
        ByHand {
            class: Class::new(id),
            now,
            changes: Vec::new(),
            samples: Vec::new(),
            raised: Vec::new(),
            letters: Vec::new(),
            published: Vec::new(),
            snapshots: Vec::new(),
            people: BTreeMap::new(),
            syncs: true,
            store: Store::Up,
            ticks: true,
            asleep: false,
            alarm: None,
            rang: false,
            tick_at: None,
            unsynced: None,
            last_ask: 0,
            loaded: Vec::new(),
            inputs: VecDeque::new(),
            answers: BTreeMap::new(),
        }
    }

    /// Hands an input over and everything that follows from it. The answer, where there is one at once.
    pub fn send(&mut self, input: Input) -> Option<Response> {
        self.last_ask += 1;
        let ask = AskId(self.last_ask);
        self.inputs.push_back((input, ask));
        self.run();
        self.answers.remove(&ask)
    }

    /// A command of somebody; its id does not matter here, where nothing is sent twice.
    pub fn command(&mut self, by: &Arc<Caller>, act: ClassCommand) -> Option<Response> {
        self.send(Input::Command { by: by.clone(), cmd: CmdId(Uuid::nil()), act })
    }

    /// Lets time pass; alarms and ticks fire when they are due.
    pub fn advance_to(&mut self, until: Millis) {
        loop {
            let tick_at = self.tick_at.filter(|_| self.ticks);
            let alarm = self.alarm.filter(|_| !self.rang);
            let Some(next) = alarm.into_iter().chain(tick_at).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if alarm.is_some_and(|at| at <= self.now) {
                self.rang = true;
                self.send(Input::Wake);
            } else {
                self.tick_at = None;
                self.send(Input::Tick);
            }
        }
        self.now = self.now.max(until);
    }

    pub fn advance(&mut self, ms: u64) {
        self.advance_to(self.now.plus(ms));
    }

    /// Everything recorded so far is on disk.
    pub fn sync(&mut self) {
        if let Some(record) = self.unsynced.take() {
            self.send(Input::Durable { record });
        }
    }

    /// The slow store has answered everything that it was asked.
    pub fn answer_loads(&mut self) {
        for loaded in std::mem::take(&mut self.loaded) {
            self.send(Input::Loaded(loaded));
        }
    }

    /// The process dies and comes back: only what is stored is left.
    pub fn restart(&mut self) {
        self.begin(Class::restore(self.class.id, &self.changes, self.samples.clone(), self.now));
    }

    /// The same with a checkpoint that was taken when so many changes had been saved; `false` where it does not serve.
    pub fn restart_from(&mut self, seen: usize, checkpoint: &[u8]) -> bool {
        let (before, after) = self.changes.split_at(seen);
        let samples = self.samples.clone();
        match Class::restore_from(self.class.id, before, checkpoint, after, samples, self.now) {
            Some(class) => self.begin(class),
            None => return false,
        }
        true
    }

    fn begin(&mut self, class: Class) {
        self.class = class;
        (self.tick_at, self.unsynced) = (None, None);
        self.inputs.clear();
        self.loaded.clear();
        self.rang = false;
    }

    fn run(&mut self) {
        while let Some((input, ask)) = self.inputs.pop_front() {
            self.asleep = false;
            let mut out = Out::default();
            self.class.handle(input, ask, self.now, &mut out);
            if cfg!(debug_assertions) {
                self.class.check_invariants();
            }
            for effect in out.0 {
                self.obey(effect);
            }
        }
    }

    fn obey(&mut self, effect: Effect<Class>) {
        match effect {
            Effect::Answer { ask, reply } => _ = self.answers.insert(ask, reply),
            Effect::Save { change, answers } => {
                self.changes.push(change);
                self.answers.extend(answers);
            }
            Effect::File { .. } => unreachable!("a class has no reports"),
            Effect::Letter(letter) => self.letters.push(letter),
            Effect::Tell { to, .. } => match to {},
            Effect::Publish(publish) | Effect::Live(publish) => self.published.push(publish),
            Effect::Subscribe { topic, snapshot, .. } => self.snapshots.push((topic, *snapshot)),
            Effect::Follow { .. } => unreachable!("a class's topics are not stored"),
            Effect::Record { number, record } => self.record(number, record),
            Effect::Load(load) => {
                let loaded = self.load(load);
                match self.store {
                    Store::Slow => self.loaded.push(loaded),
                    Store::Up | Store::Down => self.inputs.push_back((Input::Loaded(loaded), AskId::NOBODY)),
                }
            }
            Effect::WakeAt(at) => (self.alarm, self.rang) = (at, false),
            Effect::TickAt(at) => self.tick_at = Some(at),
            Effect::Sleep => self.asleep = true,
        }
    }

    fn record(&mut self, number: u64, record: Record) {
        match record {
            Record::Samples(samples) => self.samples.extend(samples),
            Record::Raised { .. } => self.raised.push(record),
        }
        if self.syncs {
            self.inputs.push_back((Input::Durable { record: number }, AskId::NOBODY));
        } else {
            self.unsynced = Some(number);
        }
    }

    fn load(&self, load: Load) -> Loaded {
        if self.store == Store::Down {
            return Loaded::Failed(load);
        }
        match load {
            Load::Person { user } => Loaded::Person { user, person: self.people.get(&user).cloned().map(Box::new) },
            Load::Series { slot, sources } => {
                let samples = self.samples.iter().filter(|stored| sources.contains(&stored.source)).cloned().collect();
                Loaded::Series { slot, samples }
            }
        }
    }
}
