//! One actor's outgoing queue, across all calls of its machine. Effects leave in order; behind a save nothing leaves until it has
//! committed. The machine goes on deciding meanwhile: what gathers is the next commit.

use crate::ports::{Commit, StoredAnswer, StoredChange};
use fitconnect_domain::out::FollowFrom;
use fitconnect_domain::report::Entry;
use fitconnect_domain::{ActorKey, AskId, Letter, LetterId, Machine, Millis};
use fitconnect_protocol::session::{Position, Response, Snapshot, Topic};
use std::collections::VecDeque;

/// Something that leaves when all before it has been committed.
pub enum Action<M: Machine> {
    Answer {
        ask: AskId,
        reply: Response,
    },
    Publish(M::Publish),
    Tell {
        ask: AskId,
        to: M::Tell,
    },
    Subscribe {
        ask: AskId,
        topic: Topic,
        position: Option<Position>,
        snapshot: Box<Snapshot>,
    },
    Follow {
        ask: AskId,
        topic: Topic,
        at: Position,
        from: FollowFrom,
    },
    /// A letter of the commit that this waits for; its id is known when that is done.
    Deliver {
        number: u32,
        letter: Letter,
    },
}

/// What the next commit holds so far.
#[derive(Default)]
struct Gathering {
    changes: Vec<StoredChange>,
    wake_at: Option<Option<Millis>>,
    letters: Vec<(u32, Letter)>,
    received: Vec<LetterId>,
    answers: Vec<StoredAnswer>,
    reports: Vec<Entry>,
}

impl Gathering {
    fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.wake_at.is_none()
            && self.letters.is_empty()
            && self.received.is_empty()
            && self.answers.is_empty()
            && self.reports.is_empty()
    }
}

pub struct Outgoing<M: Machine> {
    /// With the number of the commit that each waits for.
    actions: VecDeque<(u64, Action<M>)>,
    gathering: Gathering,
    /// Number of the commit that gathers; those below it have been handed over.
    number: u64,
    in_flight: bool,
}

impl<M: Machine> Default for Outgoing<M> {
    fn default() -> Self {
        Outgoing { actions: VecDeque::new(), gathering: Gathering::default(), number: 1, in_flight: false }
    }
}

impl<M: Machine> Outgoing<M> {
    /// The commit that an action which is queued now must wait for.
    fn waits_for(&self) -> u64 {
        match (self.gathering.is_empty(), self.in_flight) {
            (false, _) => self.number,
            (true, true) => self.number - 1,
            (true, false) => 0,
        }
    }

    pub fn push(&mut self, action: Action<M>) {
        self.actions.push_back((self.waits_for(), action));
    }

    pub fn save(&mut self, change: StoredChange) {
        self.gathering.changes.push(change);
    }
    pub fn file(&mut self, entry: Entry) {
        self.gathering.reports.push(entry);
    }
    pub fn wake_at(&mut self, at: Option<Millis>) {
        self.gathering.wake_at = Some(at);
    }
    pub fn answer_stored(&mut self, answer: StoredAnswer) {
        self.gathering.answers.push(answer);
    }
    pub fn received(&mut self, id: LetterId) {
        self.gathering.received.push(id);
    }
    pub fn letter(&mut self, letter: Letter) {
        let number = self.gathering.letters.len() as u32;
        self.gathering.letters.push((number, letter.clone()));
        self.push(Action::Deliver { number, letter });
    }

    /// The next commit, where something has gathered and none is under way.
    pub fn take_commit(
        &mut self,
        key: ActorKey,
        epoch: u64,
        rev: u64,
        row: impl FnOnce(&[StoredChange]) -> Option<crate::ports::Row>,
    ) -> Option<Commit> {
        if self.in_flight || self.gathering.is_empty() {
            return None;
        }
        let Gathering { changes, wake_at, letters, received, answers, reports } = std::mem::take(&mut self.gathering);
        let row = if changes.is_empty() { None } else { row(&changes) };
        self.number += 1;
        self.in_flight = true;
        Some(Commit { key, epoch, rev, row, changes, wake_at, letters, received, answers, reports })
    }

    /// The commit under way has ended, well or not.
    pub fn landed(&mut self) {
        self.in_flight = false;
    }

    /// The first action that no longer waits.
    pub fn pop(&mut self) -> Option<Action<M>> {
        let done = if self.in_flight { self.number - 2 } else { self.number - 1 };
        let (waits_for, _) = self.actions.front()?;
        if *waits_for > done {
            return None;
        }
        let (_, action) = self.actions.pop_front()?;
        if self.actions.is_empty() {
            // Most actors have nothing to say most of the time, and there are many.
            self.actions = VecDeque::new();
        }
        Some(action)
    }

    pub fn len(&self) -> usize {
        self.actions.len()
    }
    pub fn in_flight(&self) -> bool {
        self.in_flight
    }
    /// Nothing waits and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.actions.is_empty() && self.gathering.is_empty() && !self.in_flight
    }

    /// The machine is lost: what has not left never will. A commit under way still lands.
    pub fn abandon(&mut self) {
        self.actions.clear();
        self.gathering = Gathering::default();
    }
}
