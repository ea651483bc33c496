//! A class looked back at: the stored class runs again on its own clock before one viewer, and what that viewer hears is the film.
//! It shows what is known now of each moment, late samples included, and to nobody more than is allowed now.

use super::change::{Change, Stage, What};
use super::io::{Caller, Input, Load, Loaded, Publish, StoredSample};
use super::rider::Who;
use super::{Class, Facts};
use crate::time::{ClassMs, wall_at};
use crate::{AskId, Effect, Machine, Millis, Out};
use fitconnect_protocol::class::{BoardSnapshot, ClassSnapshot, Film, FilmView, Heard, Told};
use fitconnect_protocol::session::{Snapshot, Topic};
use fitconnect_protocol::user::{Consent, Role};
use fitconnect_protocol::{ClassId, SessionId, Slot, UserId, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Class time between two ticks of a film.
const STEP_MS: i64 = 1_000;
/// The class runs for so long before the film begins: what was lost, stale or raised then is so again.
const LEAD_MS: i64 = 60_000;
const VIEWER: Uuid = Uuid::nil();

/// What is stored of a class: changes in the order in which they were saved, samples in any order.
pub struct Stored {
    pub id: ClassId,
    pub changes: Vec<Change>,
    pub samples: Vec<StoredSample>,
}

impl Stored {
    pub fn facts(&self) -> Option<&Facts> {
        match &self.changes.first()?.what {
            What::Created(facts) => Some(facts),
            _ => None,
        }
    }

    /// Members that have been in the class.
    pub fn members(&self) -> Vec<UserId> {
        let joined = self.changes.iter().filter_map(|change| match &change.what {
            What::Joined(joined) => Some(joined.who),
            _ => None,
        });
        joined.filter_map(Who::user).collect()
    }

    /// What `view` hears from class time `from` to `to`. `None` where the class was not made by then.
    /// `consents`: what its members share now; then and now, the stricter counts.
    pub fn film(
        mut self,
        view: FilmView,
        from: ClassMs,
        to: ClassMs,
        consents: &BTreeMap<UserId, Consent>,
    ) -> Option<Film> {
        self.restrict(consents);
        self.samples.sort_unstable_by_key(|each| (each.at, each.source, each.receiver, each.boot, each.seq));
        self.samples.dedup_by_key(|each| (each.source, each.receiver, each.boot, each.seq));
        Reel::open(&self, view, from)?.run(to)
    }

    fn restrict(&mut self, consents: &BTreeMap<UserId, Consent>) {
        let mut members = BTreeMap::<Slot, UserId>::new();
        for change in &mut self.changes {
            let (slot, consent) = match &mut change.what {
                What::Joined(joined) => {
                    joined.who.user().map(|user| members.insert(joined.slot, user));
                    (joined.slot, &mut joined.consent)
                }
                What::Shared { slot, consent } => (*slot, consent),
                _ => continue,
            };
            if let Some(now) = members.get(&slot).and_then(|user| consents.get(user)) {
                *consent = consent.and(now);
            }
        }
    }
}

/// A class that runs again, what is still to happen in it, and what has been heard.
struct Reel<'s> {
    class: Class,
    view: FilmView,
    from: ClassMs,
    /// Up to where the class has run.
    at: ClassMs,
    changes: &'s [Change],
    samples: &'s [StoredSample],
    /// All samples up to here have been taken in.
    taken: usize,
    all: &'s [StoredSample],
    snapshots: (Option<ClassSnapshot>, Option<BoardSnapshot>),
    heard: Vec<Heard>,
}

impl<'s> Reel<'s> {
    fn open(stored: &'s Stored, view: FilmView, from: ClassMs) -> Option<Reel<'s>> {
        let clock = stored.facts()?.clock;
        let made = stored.changes.first()?.at;
        let at = (from - LEAD_MS).max(made);
        if from < made {
            return None;
        }
        let happened = stored.changes.iter().take_while(|change| change.at <= at).count();
        let taken = stored.samples.partition_point(|sample| sample.at <= at);
        let (before, changes) = stored.changes.split_at(happened);
        let (early, samples) = stored.samples.split_at(taken);
        let class = Class::folded(stored.id, before, early.to_vec(), wall_at(&clock, at));
        let (snapshots, heard, all) = ((None, None), Vec::new(), stored.samples.as_slice());
        let mut reel = Reel { class, view, from, at, changes, samples, taken, all, snapshots, heard };
        reel.follow(reel.topic());
        Some(reel)
    }

    fn topic(&self) -> Topic {
        match self.view {
            FilmView::Board => Topic::Board(self.class.id),
            FilmView::Desk => Topic::Desk(self.class.id),
        }
    }

    fn run(mut self, to: ClassMs) -> Option<Film> {
        while self.at < self.from {
            self.step(self.from);
        }
        // Who comes now finds it as it is.
        self.heard.clear();
        self.class.full_at = Millis(0);
        self.follow(Topic::Class(self.class.id));
        self.follow(self.topic());
        self.tick();
        if self.view == FilmView::Desk {
            let list = self.class.attention();
            self.heard.push(Heard { at: self.at, what: Told::Attention { list } });
        }
        while self.at < to {
            self.step(to);
        }
        let (class, people) = self.snapshots;
        Some(Film {
            from: self.from,
            to: self.at,
            class: class?,
            people: people?,
            heard: self.heard,
            raised: Vec::new(),
        })
    }

    /// The trainer who leads at a desk, or the hall's screen.
    fn viewer(&self) -> Option<Arc<Caller>> {
        let facts = self.class.facts()?;
        let user = self.class.driver.as_ref().map_or(UserId(VIEWER), |driver| driver.user);
        let (role, hall) = match self.view {
            FilmView::Board => (Role::Screen, Some(facts.hall.clone())),
            FilmView::Desk => (Role::Trainer, None),
        };
        Some(Arc::new(Caller { user, gym: facts.gym, role, session: SessionId(VIEWER), hall, name: String::new() }))
    }

    fn follow(&mut self, topic: Topic) {
        if let Some(by) = self.viewer() {
            self.class.unsubscribe(by.session, topic);
            self.handle(Input::Subscribe { by, topic, position: None });
        }
    }

    /// To the next second of the film or to `until`, whichever comes first.
    fn step(&mut self, until: ClassMs) {
        let next = (self.at + STEP_MS).min(until);
        self.at = next;
        while let Some((change, rest)) = self.changes.split_first().filter(|(change, _)| change.at <= next) {
            self.changes = rest;
            self.happens(change);
        }
        let due = self.samples.partition_point(|sample| sample.at <= next);
        let (due, rest) = self.samples.split_at(due);
        self.samples = rest;
        self.taken += due.len();
        self.class.judge_stored(due);
        for sample in self.class.judged(due.to_vec()) {
            if let Some(slot) = self.class.streams.wearer_of(&sample) {
                self.class.place(slot, sample, SessionId(VIEWER), next);
            }
        }
        self.tick();
    }

    /// A class that has ended has nothing more to show.
    fn tick(&mut self) {
        if self.class.stage() != Stage::Running {
            return;
        }
        // Whether a phone was in reach is not kept: a silence is put down to its sensor.
        self.class.riders.iter_mut().for_each(|rider| rider.linked = true);
        // First the figures of those whose series has to be read: here it is at hand.
        let mut out = Out::default();
        self.class.refresh(self.now(), &mut out);
        self.hear(out);
        self.handle(Input::Tick);
    }

    fn now(&self) -> Millis {
        self.class.facts().map_or(Millis(0), |facts| wall_at(&facts.clock, self.at))
    }

    fn happens(&mut self, change: &Change) {
        // What the class leaves of itself is written after its end.
        if matches!(change.what, What::Summarised { .. } | What::Settled(_)) {
            return;
        }
        let mut out = Out::default();
        self.class.apply(change);
        self.class.tell_of(change, &mut out);
        self.hear(out);
        if matches!(change.what, What::Driven { .. }) {
            let by = self.viewer();
            for viewer in self.class.viewers.values_mut() {
                viewer.by = by.clone().unwrap_or_else(|| viewer.by.clone());
            }
        }
    }

    fn handle(&mut self, input: Input) {
        let mut out = Out::default();
        self.class.handle(input, AskId::NOBODY, self.now(), &mut out);
        self.hear(out);
    }

    fn hear(&mut self, out: Out<Class>) {
        for effect in out.0 {
            match effect {
                Effect::Publish(publish) | Effect::Live(publish) => self.told(publish),
                Effect::Subscribe { snapshot, .. } => match *snapshot {
                    Snapshot::Class(class) => self.snapshots.0 = Some(*class),
                    Snapshot::Board(people) => self.snapshots.1 = Some(*people),
                    Snapshot::User(_) | Snapshot::Room(_) => {}
                },
                Effect::Load(Load::Series { slot, sources }) => {
                    let known = self.all[..self.taken].iter().filter(|each| sources.contains(&each.source));
                    let samples = known.cloned().collect();
                    self.handle(Input::Loaded(Loaded::Series { slot, samples }));
                }
                // It has happened long ago: nothing is saved, sent or asked again.
                Effect::Load(Load::Person { .. })
                | Effect::Answer { .. }
                | Effect::Save { .. }
                | Effect::File { .. }
                | Effect::Letter(_)
                | Effect::Tell { .. }
                | Effect::Follow { .. }
                | Effect::Record { .. }
                | Effect::WakeAt(_)
                | Effect::TickAt(_)
                | Effect::Sleep => {}
            }
        }
    }

    fn told(&mut self, publish: Publish) {
        let what = match publish {
            Publish::Event { topic, event, .. } if topic == self.topic() || topic == Topic::Class(self.class.id) => {
                Told::Event { e: event }
            }
            Publish::Attention(list) if self.view == FilmView::Desk => Told::Attention { list },
            Publish::Tick(frame) => {
                let rows = match self.view {
                    FilmView::Board => frame.board,
                    FilmView::Desk => frame.desk,
                };
                let full = frame.header.flags != 0;
                Told::Tick { b: frame.header.packed(if full { &rows.all } else { &rows.changed }) }
            }
            Publish::Event { .. } | Publish::Attention(_) | Publish::Direct { .. } | Publish::Passing { .. } => return,
        };
        self.heard.push(Heard { at: self.at, what });
    }
}
