//! Who types: a word that nobody keeps. It is told now and then, in rooms where somebody looks at it, and ends by itself.

use super::{Publish, Room};
use crate::class::Caller;
use crate::{Millis, Out};
use fitconnect_protocol::UserId;
use fitconnect_protocol::limits::{TYPING_EVERY_MS, TYPING_PEOPLE_MAX};
use std::collections::BTreeMap;

/// Whose typing was told, and when.
#[derive(Default)]
pub(super) struct Typing(BTreeMap<UserId, Millis>);

impl Typing {
    /// Whether it is told now.
    fn begins(&mut self, user: UserId, now: Millis) -> bool {
        self.0.retain(|_, at| now < at.plus(TYPING_EVERY_MS));
        !self.0.contains_key(&user) && self.0.insert(user, now).is_none()
    }

    /// The message has come: what this person types next is told at once.
    pub fn wrote(&mut self, user: UserId) {
        self.0.remove(&user);
    }

    pub fn check_invariants(&self) {
        assert!(self.0.len() <= TYPING_PEOPLE_MAX);
    }
}

impl Room {
    pub(super) fn types(&mut self, by: &Caller, now: Millis, out: &mut Out<Room>) {
        let stored = self.stored.as_ref().filter(|stored| stored.gym == by.gym);
        let Some(stored) = stored.filter(|stored| stored.members.len() <= TYPING_PEOPLE_MAX) else { return };
        let Some(member) = stored.members.get(&by.user) else { return };
        if stored.order.may_write(by.user, now).is_ok() && self.typing.begins(by.user, now) {
            out.live(Publish::Typing { user: by.user, name: member.name.clone() });
        }
    }
}
