//! Commands once: which are under way, and the answers of the last minutes. The machine meets each accepted command once.

use crate::ports::StoredAnswer;
use crate::reply::ReplyTo;
use fitconnect_domain::Millis;
use fitconnect_protocol::limits::{CMD_AHEAD_MS_MAX, CMD_RECENT_MAX, CMD_RECENT_MS};
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
    /// So many wait with it already that this one must ask again.
    Crowded(ReplyTo),
    /// The id was used for another command.
    Mismatch(ReplyTo),
}

#[derive(Default)]
pub struct Commands {
    known: BTreeMap<CmdKey, State>,
    by_age: VecDeque<(Millis, CmdKey)>,
    /// Answers of this moment and before may have been forgotten for their number.
    forgotten: Millis,
}

impl Commands {
    pub fn load(&mut self, answers: Vec<StoredAnswer>) {
        if answers.len() >= CMD_RECENT_MAX {
            // There may be others before them.
            self.forgotten = answers.first().map_or(Millis(0), |oldest| oldest.at);
        }
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
            Some(State::Pending { repeats, .. }) if repeats.len() >= REPEATS_MAX => Met::Crowded(reply),
            Some(State::Pending { repeats, .. }) => {
                repeats.push(reply);
                Met::Waits
            }
            None => {
                // Decided no sooner than its stamp allows: what has been decided since is remembered.
                let remembered = |at: u64| self.forgotten == Millis(0) || at > self.forgotten.0 + CMD_AHEAD_MS_MAX;
                let recent = key.1.stamped_ms().is_some_and(|at| at + CMD_RECENT_MS / 2 > now.0 && remembered(at));
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
        while self
            .by_age
            .front()
            .is_some_and(|(then, _)| at.since(*then) > CMD_RECENT_MS || self.by_age.len() > CMD_RECENT_MAX)
        {
            let Some((then, oldest)) = self.by_age.pop_front() else { return };
            self.known.remove(&oldest);
            if at.since(then) <= CMD_RECENT_MS {
                self.forgotten = then;
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

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));
    const NOW: Millis = Millis(1_795_500_000_000);

    /// A command stamped so long ago.
    fn cmd(ago_ms: u64, n: u64) -> CmdKey {
        let stamp = u128::from(NOW.0 - ago_ms) << 80;
        (ANA, CmdId(Uuid::from_u128(stamp | 7 << 76 | 2 << 62 | u128::from(n))))
    }

    fn met(commands: &mut Commands, key: CmdKey) -> &'static str {
        match commands.meet(key, 5, ReplyTo::Nobody, NOW) {
            Met::Fresh(_) => "fresh",
            Met::LookUp(_) => "looked up",
            Met::Waits => "waits",
            Met::Known(..) => "known",
            Met::Crowded(_) => "crowded",
            Met::Mismatch(_) => "mismatch",
        }
    }

    #[test]
    fn nobody_waits_without_a_word() {
        let mut commands = Commands::default();
        let key = cmd(0, 1);
        assert_eq!(met(&mut commands, key), "fresh");
        commands.begin(key, 5);
        for _ in 0..REPEATS_MAX {
            assert_eq!(met(&mut commands, key), "waits");
        }
        assert_eq!(met(&mut commands, key), "crowded");
        assert_eq!(commands.done(key, 5, vec![1], NOW).len(), REPEATS_MAX);
        assert_eq!(met(&mut commands, key), "known");
    }

    #[test]
    fn what_may_have_been_forgotten_is_looked_up() {
        let mut commands = Commands::default();
        assert_eq!((met(&mut commands, cmd(0, 1)), met(&mut commands, cmd(400_000, 1))), ("fresh", "looked up"));
        for n in 0..=CMD_RECENT_MAX as u64 {
            // A second of them, two minutes ago.
            let at = Millis(NOW.0 - 120_000 + n * 1_000 / CMD_RECENT_MAX as u64);
            commands.done(cmd(120_000, n), 5, vec![1], at);
        }
        assert_eq!(met(&mut commands, cmd(120_000, 0)), "looked up", "there was no room for it");
        assert_eq!(met(&mut commands, cmd(120_000, 1)), "known");
        assert_eq!(met(&mut commands, cmd(70_000, 1)), "looked up", "it may have been stamped ahead by a minute");
        assert_eq!(met(&mut commands, cmd(50_000, 1)), "fresh");
    }
}
