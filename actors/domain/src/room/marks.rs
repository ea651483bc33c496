//! How far the other of two is: up to where everything has arrived on a device of theirs, and up to where they have read. Kept in memory;
//! after that how far somebody has read stands in their own row. Whoever is unseen says nothing of it.

use super::io::Load;
use super::{Publish, Room};
use crate::class::Caller;
use crate::{Effect, Out};
use fitconnect_protocol::UserId;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    got: u64,
    read: u64,
    /// Their row has been asked for.
    asked: bool,
}

/// Of both of them, at most.
#[derive(Default)]
pub(super) struct Marks(BTreeMap<UserId, Mark>);

impl Marks {
    pub fn check_invariants(&self) {
        assert!(self.0.len() <= 2 && self.0.values().all(|mark| mark.read <= mark.got), "what is read has arrived");
    }
}

impl Room {
    /// Everything up to this number has arrived on a device of theirs.
    pub(super) fn got(&mut self, by: &Caller, through: u64, out: &mut Out<Room>) {
        self.mark(by.user, through, 0, out);
    }

    /// They have read up to this number.
    pub(super) fn read(&mut self, user: UserId, through: u64, out: &mut Out<Room>) {
        self.mark(user, through, through, out);
    }

    fn mark(&mut self, user: UserId, got: u64, read: u64, out: &mut Out<Room>) {
        let seq = self.seq();
        if self.is_closed() || !self.are_two(user) {
            return;
        }
        let mark = self.marks.0.entry(user).or_default();
        let before = *mark;
        mark.read = mark.read.max(read.min(seq));
        mark.got = mark.got.max(got.min(seq)).max(mark.read);
        if *mark != before {
            out.live(Publish::Marks { of: user, got: mark.got, read: mark.read });
        }
    }

    /// To one who has come: how far the other is. What is not known here is looked up, and told then.
    pub(super) fn tell_marks(&mut self, to: UserId, out: &mut Out<Room>) {
        if self.is_closed() || !self.are_two(to) {
            return;
        }
        let members = self.stored.iter().flat_map(|stored| stored.members.keys());
        for other in members.copied().filter(|user| *user != to).collect::<Vec<_>>() {
            let mark = self.marks.0.entry(other).or_default();
            if !std::mem::replace(&mut mark.asked, true) {
                out.0.push(Effect::Load(Load::Read { user: other }));
            }
            if mark.got > 0 {
                out.live(Publish::Marks { of: other, got: mark.got, read: mark.read });
            }
        }
    }

    /// What their row says, or that it could not be read: the next who comes asks again.
    pub(super) fn loaded_read(&mut self, user: UserId, through: Option<u64>, out: &mut Out<Room>) {
        match through {
            Some(through) => self.read(user, through, out),
            None => _ = self.marks.0.get_mut(&user).map(|mark| mark.asked = false),
        }
    }

    fn are_two(&self, user: UserId) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.is_private() && stored.members.contains_key(&user))
    }
}
