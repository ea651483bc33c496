//! Commands once: which are under way, and the answers of the last minutes. The machine meets each accepted command once.

use crate::ports::StoredAnswer;
use crate::reply::ReplyTo;
use fitconnect_domain::Millis;
use fitconnect_protocol::limits::CMD_RECENT_MS;
use fitconnect_protocol::{CmdId, UserId};
use std::collections::{BTreeMap, VecDeque};

/// Repeats that wait for one command: a client sends again after its timeout, not in a loop.
const REPEATS_MAX: usize = 8;

/// Author and id.
pub type CmdKey = (UserId, CmdId);

enum State {
    Pending { digest: u64, repeats: Vec<ReplyTo> },
    Done { digest: u64, reply: Vec<u8> },
}

/// What to do with a command that comes in.
pub enum Met {
    /// The machine decides it.
    Fresh(ReplyTo),
    /// Older than what is remembered here: the store may know it.
    LookUp(ReplyTo),
    /// It is under way; the caller waits with it.
    Waits,
    /// It has happened; this was the answer.
    Known(Vec<u8>, ReplyTo),
    /// The id was used for another command.
    Mismatch(ReplyTo),
}

#[derive(Default)]
pub struct Commands {
    known: BTreeMap<CmdKey, State>,
    by_age: VecDeque<(Millis, CmdKey)>,
}

impl Commands {
    pub fn load(&mut self, answers: Vec<StoredAnswer>) {
        for answer in answers {
            self.remember((answer.author, answer.cmd), answer.digest, answer.reply, answer.at);
        }
    }

    pub fn meet(&mut self, key: CmdKey, digest: u64, reply: ReplyTo, now: Millis) -> Met {
        match self.known.get_mut(&key) {
            Some(State::Pending { digest: other, .. } | State::Done { digest: other, .. }) if *other != digest => {
                Met::Mismatch(reply)
            }
            Some(State::Done { reply: answer, .. }) => Met::Known(answer.clone(), reply),
            Some(State::Pending { repeats, .. }) => {
                if repeats.len() < REPEATS_MAX {
                    repeats.push(reply);
                }
                Met::Waits
            }
            None => {
                let recent = key.1.stamped_ms().is_some_and(|at| at + CMD_RECENT_MS / 2 > now.0);
                if recent { Met::Fresh(reply) } else { Met::LookUp(reply) }
            }
        }
    }

    /// It is under way. Who waits for it already, while it was looked up, goes on waiting.
    pub fn begin(&mut self, key: CmdKey, digest: u64) {
        self.known.entry(key).or_insert(State::Pending { digest, repeats: Vec::new() });
    }

    /// It was refused, or the machine was lost: it may be decided anew. Who waited for it gets the same answer.
    pub fn forget(&mut self, key: CmdKey) -> Vec<ReplyTo> {
        match self.known.remove(&key) {
            Some(State::Pending { repeats, .. }) => repeats,
            Some(done @ State::Done { .. }) => {
                self.known.insert(key, done);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// It has been committed. Who waited for it gets the answer.
    pub fn done(&mut self, key: CmdKey, digest: u64, reply: Vec<u8>, now: Millis) -> Vec<ReplyTo> {
        let repeats = match self.known.remove(&key) {
            Some(State::Pending { repeats, .. }) => repeats,
            Some(State::Done { .. }) | None => Vec::new(),
        };
        self.remember(key, digest, reply, now);
        repeats
    }

    fn remember(&mut self, key: CmdKey, digest: u64, reply: Vec<u8>, at: Millis) {
        self.known.insert(key, State::Done { digest, reply });
        self.by_age.push_back((at, key));
        while self.by_age.front().is_some_and(|(then, _)| at.since(*then) > CMD_RECENT_MS) {
            if let Some((_, oldest)) = self.by_age.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// Everybody who waits for a command that will not be answered in this life.
    pub fn abandon(&mut self) -> Vec<ReplyTo> {
        let pending: Vec<CmdKey> = self
            .known
            .iter()
            .filter(|(_, state)| matches!(state, State::Pending { .. }))
            .map(|(key, _)| *key)
            .collect();
        pending.into_iter().flat_map(|key| self.forget(key)).collect()
    }

    pub fn clear(&mut self) {
        *self = Commands::default();
    }
}
