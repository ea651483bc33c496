//! What a machine wants done: effects, in the order in which they shall leave.

use crate::report::Entry;
use crate::{Letter, Machine, Millis};
use fitconnect_protocol::{
    ErrorCode, Refusal,
    session::{NotRecovered, Position, Response, Snapshot, Topic},
};

/// Stands for the one who waits for an answer; the host knows who that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskId(pub u64);

impl AskId {
    pub const NOBODY: AskId = AskId(0);
    /// The caller itself, but as a push instead of a reply.
    pub const PUSH: AskId = AskId(u64::MAX);
}

/// One thing to be done. Behind a `Save`, a `File`, a `Letter` or a `WakeAt` nothing leaves until it has been committed,
/// except `Record`, `Load`, `TickAt` and what [`Effect::Live`] publishes.
pub enum Effect<M: Machine> {
    /// To the one who asked.
    Answer { ask: AskId, reply: Response },
    /// Durable, with the answers to its commands.
    Save { change: M::Change, answers: Vec<(AskId, Response)> },
    /// Into the file of reports, with the answers to its commands: part of the same transaction, and no change of the actor.
    File { entry: Entry, answers: Vec<(AskId, Response)> },
    /// To another actor: a row of the same transaction, delivered until it has been handled.
    Letter(Letter),
    /// To another actor without a promise. `ask` hands the one who waits on to it.
    Tell { ask: AskId, to: M::Tell },
    /// To a topic's subscribers, numbered.
    Publish(M::Publish),
    /// To a topic's subscribers at once, ahead of what waits for a commit: the board's ticks.
    Live(M::Publish),
    /// The one who asked follows a topic from here on.
    Subscribe { ask: AskId, topic: Topic, position: Option<Position>, snapshot: Box<Snapshot> },
    /// The one who asked follows a topic whose events are all stored, and which stands at `at`.
    Follow { ask: AskId, topic: Topic, at: Position, from: FollowFrom },
    /// To the local log, at once; the number comes back when it is durable.
    Record { number: u64, record: M::Record },
    /// Stored rows wanted.
    Load(M::Load),
    /// The one stored alarm; `None` puts it off.
    WakeAt(Option<Millis>),
    /// A timer of memory only.
    TickAt(Millis),
    /// Nothing to do: the memory may go.
    Sleep,
}

/// Where a follower of a stored topic begins.
#[derive(Debug, PartialEq)]
pub enum FollowFrom {
    /// With what it missed, from this offset on.
    Missed { first: u64 },
    /// With the whole, as it is at the topic's place.
    Snapshot { reason: NotRecovered, snapshot: Box<Snapshot> },
}

/// The list that a machine writes its effects to.
pub struct Out<M: Machine>(pub Vec<Effect<M>>);

impl<M: Machine> Default for Out<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M: Machine> Out<M> {
    pub fn answer(&mut self, ask: AskId, reply: Response) {
        self.0.push(Effect::Answer { ask, reply });
    }
    /// A refusal is an answer: it changes nothing and is not stored.
    pub fn refuse(&mut self, ask: AskId, refusal: impl Into<Refusal>) {
        self.answer(ask, Response::Refused(refusal.into()));
    }
    pub fn refuse_with(&mut self, ask: AskId, code: ErrorCode, message: impl Into<String>) {
        self.refuse(ask, Refusal::new(code, message));
    }
    pub fn save(&mut self, change: M::Change) {
        self.0.push(Effect::Save { change, answers: Vec::new() });
    }
    pub fn save_and_answer(&mut self, change: M::Change, ask: AskId, reply: Response) {
        self.0.push(Effect::Save { change, answers: vec![(ask, reply)] });
    }
    pub fn file(&mut self, entry: Entry, answers: Vec<(AskId, Response)>) {
        self.0.push(Effect::File { entry, answers });
    }
    pub fn letter(&mut self, letter: Letter) {
        self.0.push(Effect::Letter(letter));
    }
    pub fn tell(&mut self, ask: AskId, to: M::Tell) {
        self.0.push(Effect::Tell { ask, to });
    }
    pub fn publish(&mut self, publish: M::Publish) {
        self.0.push(Effect::Publish(publish));
    }
    pub fn live(&mut self, publish: M::Publish) {
        self.0.push(Effect::Live(publish));
    }
}
