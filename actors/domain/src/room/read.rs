//! What a room shows, and to whom: its topic, and pages of what was written.

use super::commands::ensure;
use super::io::{Load, Loaded, Right};
use super::{Room, Stored};
use crate::class::Caller;
use crate::out::FollowFrom;
use crate::words::{begin_words_of, words_of};
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::limits::{HISTORY_BYTES_MAX, LOADS_MAX, MEMBERS_PAGE, ROOM_RECENT_BYTES_MAX, ROOM_ROSTER_MAX};
use fitconnect_protocol::room::{HistoryFrom, Mention, Message, RoomMember, RoomSnapshot};
use fitconnect_protocol::session::{NotRecovered, Position, Response, Snapshot, Topic};
use fitconnect_protocol::{ErrorCode, Refusal};

impl Room {
    /// The room, for one who may look into it: its members, and staff where it is not a talk of two.
    pub(super) fn seen_by(&self, by: &Caller) -> Result<&Stored, Refusal> {
        let stored = self.stored.as_ref().filter(|stored| stored.gym == by.gym);
        let stored = stored.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "there is no such room in your gym"))?;
        if stored.members.contains_key(&by.user) || by.is_staff() && !stored.is_private() {
            return Ok(stored);
        }
        Err(ErrorCode::NotMember.into())
    }

    /// Answers whether this caller has this right.
    pub(super) fn may(&self, by: &Caller, right: Right, now: Millis, ask: AskId, out: &mut Out<Room>) {
        let stored = self.stored.as_ref().filter(|stored| stored.gym == by.gym).ok_or(ErrorCode::NotFound);
        let has = match right {
            Right::Read => self.seen_by(by).map(|_| ()),
            Right::Write => stored.map_err(Refusal::from).and_then(|stored| {
                stored.members.get(&by.user).ok_or(ErrorCode::NotMember)?;
                stored.order.may_write(by.user, now)
            }),
            Right::Decide => stored.map_err(Refusal::from).and_then(|stored| {
                ensure(self.decides(stored, by), ErrorCode::Forbidden, ErrorCode::Forbidden.meaning())
            }),
        };
        match has {
            Ok(()) => out.answer(ask, Response::Done),
            Err(refused) => out.refuse(ask, refused),
        }
    }

    pub(super) fn subscribe(&mut self, by: &Caller, position: Option<Position>, ask: AskId, out: &mut Out<Room>) {
        let stored = match self.seen_by(by) {
            Ok(stored) => stored,
            Err(refused) => return out.refuse(ask, refused),
        };
        let at = self.position();
        let from = match position {
            None => Err(NotRecovered::New),
            Some(position) if position.epoch != at.epoch => Err(NotRecovered::EpochChanged),
            Some(position) if position.offset > at.offset => Err(NotRecovered::Ahead),
            Some(position) => Ok(position.offset + 1),
        };
        let from = match from {
            Ok(first) => FollowFrom::Missed { first },
            Err(reason) => {
                FollowFrom::Snapshot { reason, snapshot: Box::new(Snapshot::Room(Box::new(self.snapshot(stored, by)))) }
            }
        };
        out.0.push(Effect::Follow { ask, topic: Topic::Room(self.id), at, from });
        self.tell_marks(by.user, out);
    }

    fn snapshot(&self, stored: &Stored, by: &Caller) -> RoomSnapshot {
        let (members, order) = (stored.members.iter().take(ROOM_ROSTER_MAX), &stored.order);
        let mut recent = nearest(self.recent.iter().rev().cloned(), ROOM_RECENT_BYTES_MAX);
        recent.reverse();
        RoomSnapshot {
            room: self.id,
            gym: stored.gym,
            kind: stored.kind,
            name: stored.name.clone(),
            join: stored.join,
            role: stored.members.get(&by.user).map(|member| member.role),
            people: stored.members.len() as u32,
            members: members
                .map(|(user, member)| RoomMember { user: *user, name: member.name.clone(), role: member.role })
                .collect(),
            recent,
            pins: order.pins.clone(),
            slow_s: order.slow_s,
            // Whether it is over, the reader sees by its clock.
            muted_until_ms: order.muted.get(&by.user).copied(),
            closed: !order.closed.is_empty(),
        }
    }

    pub(super) fn history(&mut self, by: &Caller, from: HistoryFrom, limit: u16, ask: AskId, out: &mut Out<Room>) {
        if let Err(refused) = self.seen_by(by) {
            return out.refuse(ask, refused);
        }
        if self.pages >= LOADS_MAX {
            return out.refuse(ask, Refusal::from(ErrorCode::Busy).after(500));
        }
        self.pages += 1;
        out.0.push(Effect::Load(Load::Page { ask, from, limit }));
    }

    /// A page of members, in the order of their names.
    pub(super) fn members(&self, by: &Caller, q: &str, after: Option<Mention>, ask: AskId, out: &mut Out<Room>) {
        let stored = match self.seen_by(by) {
            Ok(stored) => stored,
            Err(refused) => return out.refuse(ask, refused),
        };
        let words = words_of(q);
        let after = after.map(|last| (last.name.to_lowercase(), last.user));
        let named =
            stored.members.iter().filter(|(_, member)| words.is_empty() || begin_words_of(&words, &member.name));
        let placed = named.map(|(user, member)| ((member.name.to_lowercase(), *user), member));
        let mut found: Vec<_> = placed.filter(|(place, _)| after.as_ref().is_none_or(|after| place > after)).collect();
        let more = found.len() > MEMBERS_PAGE;
        if more {
            found.select_nth_unstable_by(MEMBERS_PAGE, |(a, _), (b, _)| a.cmp(b));
            found.truncate(MEMBERS_PAGE);
        }
        found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let members = found
            .into_iter()
            .map(|((_, user), member)| RoomMember { user, name: member.name.clone(), role: member.role })
            .collect();
        out.answer(ask, Response::Members { room: self.id, members, more });
    }

    /// A page has been read, or could not be.
    pub(super) fn paged(&mut self, loaded: Loaded, out: &mut Out<Room>) {
        match loaded {
            Loaded::Page { ask, from, limit, messages } => {
                self.pages -= 1;
                let found = messages.len();
                let mut page = nearest(messages.into_iter().take(usize::from(limit)), HISTORY_BYTES_MAX);
                let more = page.len() < found;
                if matches!(from, HistoryFrom::Before { .. }) {
                    page.reverse();
                }
                // What was changed since it was read.
                page.iter_mut().for_each(|message| {
                    if let Some(known) = self.known(message.seq) {
                        *message = known.clone();
                    }
                });
                out.answer(ask, Response::Page { room: self.id, messages: page, more });
            }
            Loaded::Failed(Load::Page { ask, .. }) => {
                self.pages -= 1;
                out.refuse(ask, ErrorCode::Retry);
            }
            Loaded::Person { .. }
            | Loaded::Read { .. }
            | Loaded::Message { .. }
            | Loaded::Image { .. }
            | Loaded::Reporting { .. }
            | Loaded::Report { .. }
            | Loaded::Lexicon { .. }
            | Loaded::Failed(_) => {}
        }
    }
}

/// As many of the first as these bytes hold; one at least.
fn nearest(messages: impl Iterator<Item = Message>, bytes_max: usize) -> Vec<Message> {
    let mut bytes = 0;
    let fits = |message: &Message| {
        let first = bytes == 0;
        let reactors: usize = message.reactions.iter().map(|reacted| 24 + 18 * reacted.by.len()).sum();
        bytes += 96 + message.text.len() + message.name.len() + reactors;
        first || bytes <= bytes_max
    };
    messages.take_while(fits).collect()
}
