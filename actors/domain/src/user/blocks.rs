//! Who does not want to hear of whom. Both of the two keep it, so that the pages of both hide the other, and the rooms of the two are closed.

use super::{Change, User};
use crate::class::Caller;
use crate::letter::{ActorKey, Letter, LetterBody};
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::limits::{PERSON_BLOCKING_MAX, PERSON_BLOCKS_MAX};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::{Hidden, UserEvent};
use fitconnect_protocol::{ErrorCode, GymId, Refusal, RoomId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Whom one has blocked, with the name of that moment.
    pub own: BTreeMap<UserId, String>,
    /// Who has blocked one.
    pub others: BTreeSet<UserId>,
}

impl Blocks {
    /// Whether nothing of the other is shown, whoever of the two wanted it.
    pub fn hide(&self, other: UserId) -> bool {
        self.own.contains_key(&other) || self.others.contains(&other)
    }

    pub fn len(&self) -> usize {
        self.own.len() + self.others.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn told(&self) -> Vec<Hidden> {
        let own = self.own.iter().map(|(user, name)| Hidden { user: *user, name: Some(name.clone()) });
        let others = self.others.iter().filter(|user| !self.own.contains_key(*user));
        own.chain(others.map(|user| Hidden { user: *user, name: None })).collect()
    }

    /// What the pages are told of this person.
    pub(super) fn event(&self, user: UserId) -> UserEvent {
        match self.own.get(&user) {
            None if !self.others.contains(&user) => UserEvent::Shown { user },
            name => UserEvent::Hidden { person: Hidden { user, name: name.cloned() } },
        }
    }

    pub(super) fn check_invariants(&self) {
        assert!(self.own.len() <= PERSON_BLOCKS_MAX && self.others.len() <= PERSON_BLOCKS_MAX);
    }
}

/// A block that waits until it is known whom it is about.
pub(super) struct Blocking {
    gym: GymId,
    ask: AskId,
    user: UserId,
}

/// Somebody's row is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    pub user: UserId,
}

/// What was asked for; `None` where there is no such person.
#[derive(Clone, Debug, PartialEq)]
pub enum Loaded {
    Person {
        user: UserId,
        person: Option<(GymId, String)>,
    },
    /// The store could not answer.
    Failed(Load),
}

impl User {
    /// `Ok(None)`: it is so already, or it must be known first who that is.
    pub(super) fn block(
        &mut self,
        by: &Caller,
        user: UserId,
        blocked: bool,
        ask: AskId,
        out: &mut Out<User>,
    ) -> Result<Option<Change>, Refusal> {
        if self.has_blocked(user) == blocked {
            out.answer(ask, Response::Done);
            return Ok(None);
        }
        if !blocked {
            return Ok(Some(Change::Blocked { user, name: None }));
        }
        if user == self.id {
            return Err(Refusal::new(ErrorCode::Malformed, "nobody blocks themselves"));
        }
        if self.blocking.len() >= PERSON_BLOCKING_MAX {
            return Err(Refusal::from(ErrorCode::Busy).after(500));
        }
        self.blocking.push(Blocking { gym: by.gym, ask, user });
        out.0.push(Effect::Load(Load { user }));
        Ok(None)
    }

    pub(super) fn loaded(&mut self, loaded: Loaded, now: Millis, out: &mut Out<User>) {
        let (Loaded::Person { user, .. } | Loaded::Failed(Load { user })) = loaded;
        let (ready, waiting) =
            std::mem::take(&mut self.blocking).into_iter().partition(|blocking| blocking.user == user);
        self.blocking = waiting;
        for Blocking { gym, ask, .. } in ready {
            let name = match &loaded {
                Loaded::Person { person, .. } => {
                    person.as_ref().filter(|(theirs, _)| *theirs == gym).map(|(_, name)| name)
                }
                Loaded::Failed(_) => {
                    out.refuse(ask, ErrorCode::Retry);
                    continue;
                }
            };
            let own = self.stored.as_ref().map_or(0, |stored| stored.blocks.own.len());
            match name {
                None => out.refuse_with(ask, ErrorCode::NotFound, "there is no such person in your gym"),
                // Another device was first.
                Some(_) if self.has_blocked(user) => out.answer(ask, Response::Done),
                Some(_) if own >= PERSON_BLOCKS_MAX => {
                    out.refuse_with(ask, ErrorCode::TooLarge, "you have blocked 500 people: take some back");
                }
                Some(name) => self.happen(Change::Blocked { user, name: Some(name.clone()) }, Some(ask), now, out),
            }
        }
    }

    fn has_blocked(&self, user: UserId) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.blocks.own.contains_key(&user))
    }

    /// To the other, to the rooms of the two, and to the classes that one is in.
    pub(super) fn tell_blocked(&self, user: UserId, blocked: bool, out: &mut Out<User>) {
        let Some(stored) = &self.stored else { return };
        // Their talk may be in nobody's account: where one is in as many rooms as one can be.
        let direct = RoomId::direct(self.id, user);
        let others = stored.rooms.iter().filter(|(room, is)| **room != direct && is.with == Some(user));
        let rooms = std::iter::once(direct).chain(others.map(|(room, _)| *room)).map(ActorKey::Room);
        for to in std::iter::once(ActorKey::User(user)).chain(rooms) {
            out.letter(Letter { to, body: LetterBody::Blocked { by: self.id, user, blocked } });
        }
        self.tell_classes(self.id, user, blocked, out);
    }

    /// They read this person's row again: by then it is stored.
    pub(super) fn tell_classes(&self, by: UserId, user: UserId, blocked: bool, out: &mut Out<User>) {
        for class in self.stored.iter().flat_map(|stored| &stored.classes) {
            out.letter(Letter { to: ActorKey::Class(*class), body: LetterBody::Blocked { by, user, blocked } });
        }
    }

    /// One came into a room of two with somebody whom one had blocked while it was made.
    pub(super) fn close_room(&self, room: RoomId, with: Option<UserId>, out: &mut Out<User>) {
        if let Some(user) = with.filter(|user| self.has_blocked(*user)) {
            let body = LetterBody::Blocked { by: self.id, user, blocked: true };
            out.letter(Letter { to: ActorKey::Room(room), body });
        }
    }
}
