//! Order in a room: what hangs on its wall, how slowly people write, who is silent for a while and who may not come back.

use super::commands::{Stop, ensure};
use super::{Room, Stored};
use crate::letter::LetterBody;
use crate::{Millis, Out};
use fitconnect_protocol::limits::{ROOM_BANNED_MAX, ROOM_MUTED_MAX, ROOM_PINS_MAX, ROOM_SLOW_S_MAX};
use fitconnect_protocol::room::RoomEvent;
use fitconnect_protocol::{ErrorCode, Refusal, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Seconds between two messages of one member; 0 where there is no such rule.
    pub slow_s: u16,
    /// Numbers of pinned messages, in the order in which they were pinned.
    pub pins: Vec<u64>,
    /// Who does not write, until when (Unix milliseconds). Kept over leaving and coming back; what is over goes with the next change.
    pub muted: BTreeMap<UserId, i64>,
    pub banned: BTreeSet<UserId>,
    /// Those of two who have blocked the other.
    #[serde(default)]
    pub closed: BTreeSet<UserId>,
}

impl Order {
    pub(super) fn apply(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::Pinned { seq, pinned, .. } => {
                self.pins.retain(|other| other != seq);
                if *pinned {
                    self.pins.push(*seq);
                }
            }
            RoomEvent::Deleted { message } => self.pins.retain(|seq| *seq != message.seq),
            RoomEvent::Slowed { seconds, .. } => self.slow_s = *seconds,
            RoomEvent::Muted { user, until_ms, at_ms, .. } => {
                self.muted.retain(|other, until| other != user && *until > *at_ms);
                if *until_ms > *at_ms {
                    self.muted.insert(*user, *until_ms);
                }
            }
            RoomEvent::Banned { user, banned: true, .. } => _ = self.banned.insert(*user),
            RoomEvent::Banned { user, banned: false, .. } => _ = self.banned.remove(user),
            RoomEvent::Closed { by, closed: true, .. } => _ = self.closed.insert(*by),
            RoomEvent::Closed { by, closed: false, .. } => _ = self.closed.remove(by),
            RoomEvent::Created { .. }
            | RoomEvent::Posted { .. }
            | RoomEvent::Edited { .. }
            | RoomEvent::Reacted { .. }
            | RoomEvent::Joined { .. }
            | RoomEvent::Left { .. }
            | RoomEvent::Appointed { .. } => {}
        }
    }

    pub fn muted_until(&self, user: UserId, now: Millis) -> Option<i64> {
        self.muted.get(&user).copied().filter(|until| *until > now.0 as i64)
    }

    /// Whether anything may be written at all.
    pub(super) fn is_open(&self) -> Result<(), Refusal> {
        ensure(self.closed.is_empty(), ErrorCode::Blocked, ErrorCode::Blocked.meaning())
    }

    /// Whether this member may write now.
    pub(super) fn may_write(&self, user: UserId, now: Millis) -> Result<(), Refusal> {
        self.is_open()?;
        match self.muted_until(user, now) {
            Some(until) => {
                let left = (until - now.0 as i64).try_into().unwrap_or(u32::MAX);
                Err(Refusal::new(ErrorCode::Forbidden, "a moderator has silenced you for a while").after(left))
            }
            None => Ok(()),
        }
    }

    pub(super) fn check_invariants(&self) {
        assert!(self.pins.len() <= ROOM_PINS_MAX && self.banned.len() <= ROOM_BANNED_MAX);
        assert!(self.muted.len() <= ROOM_MUTED_MAX && self.slow_s <= ROOM_SLOW_S_MAX && self.closed.len() <= 2);
    }
}

/// Who gives an order, of what weight, and when.
pub(super) struct Moderator<'a> {
    pub by: UserId,
    pub stored: &'a Stored,
    pub moderates: bool,
    /// Whether one with this id is under them.
    pub above: bool,
    pub at_ms: i64,
}

impl Moderator<'_> {
    fn may(&self) -> Result<(), Refusal> {
        let may = self.moderates && !self.stored.is_private();
        ensure(may, ErrorCode::Forbidden, "a moderator keeps order, and there is none in a talk of two")
    }

    pub fn slow(&self, seconds: u16) -> Result<RoomEvent, Stop> {
        self.may()?;
        ensure(seconds <= ROOM_SLOW_S_MAX, ErrorCode::Malformed, "seconds: at most an hour")?;
        if self.stored.order.slow_s == seconds {
            return Err(Stop::Done);
        }
        Ok(RoomEvent::Slowed { seconds, by: self.by, at_ms: self.at_ms })
    }

    /// `for_s` 0 takes it back.
    pub fn mute(&self, user: UserId, for_s: u32) -> Result<RoomEvent, Stop> {
        self.may()?;
        let order = &self.stored.order;
        let is_muted = order.muted.get(&user).is_some_and(|until| *until > self.at_ms);
        if for_s == 0 && !is_muted {
            return Err(Stop::Done);
        }
        // Taken back it may be from one who has left and wants to come back.
        if for_s > 0 && !self.stored.members.contains_key(&user) {
            return Err(ErrorCode::NotFound.into());
        }
        ensure(self.above, ErrorCode::Forbidden, "nobody silences themselves or one above them")?;
        let running = order.muted.values().filter(|until| **until > self.at_ms).count();
        ensure(for_s == 0 || is_muted || running < ROOM_MUTED_MAX, ErrorCode::TooLarge, "too many are silent")?;
        let until_ms = if for_s == 0 { 0 } else { self.at_ms + i64::from(for_s) * 1_000 };
        Ok(RoomEvent::Muted { user, until_ms, by: self.by, at_ms: self.at_ms })
    }

    /// Of one who is in the room, or who was.
    pub fn ban(&self, user: UserId, banned: bool) -> Result<RoomEvent, Stop> {
        self.may()?;
        if self.stored.order.banned.contains(&user) == banned {
            return Err(Stop::Done);
        }
        ensure(!banned || self.above, ErrorCode::Forbidden, "nobody bans themselves or one above them")?;
        let room = self.stored.order.banned.len() < ROOM_BANNED_MAX;
        ensure(!banned || room, ErrorCode::TooLarge, "too many are banned: take some back")?;
        Ok(RoomEvent::Banned { user, banned, by: self.by, at_ms: self.at_ms })
    }
}

impl Room {
    /// One of two has blocked the other, or taken it back. In a room of more nobody is hindered by that.
    pub(super) fn letter(&mut self, letter: LetterBody, now: Millis, out: &mut Out<Room>) {
        let LetterBody::Blocked { by, user, blocked } = letter else { return };
        let Some(stored) = self.stored.as_ref().filter(|stored| stored.is_private()) else { return };
        let both = [by, user].iter().all(|one| stored.members.contains_key(one));
        if both && stored.order.closed.contains(&by) != blocked {
            let event = RoomEvent::Closed { closed: blocked, by, at_ms: now.0 as i64 };
            self.happen(event.into(), &[], now, out);
        }
    }

    /// When this member may write again in a slow room; in memory alone, and from the newest messages after a start.
    pub(super) fn slowed(&self, stored: &Stored, user: UserId, now: Millis) -> Result<(), Refusal> {
        let pause_ms = i64::from(stored.order.slow_s) * 1_000;
        let last = self.wrote.get(&user).copied().filter(|_| pause_ms > 0);
        match last.map(|last| last + pause_ms - now.0 as i64).filter(|left| *left > 0) {
            Some(left) => {
                Err(Refusal::new(ErrorCode::RateLimited, "people write slowly in this room").after(left as u32))
            }
            None => Ok(()),
        }
    }

    /// Somebody has written: remembered for as long as it matters.
    pub(super) fn remember_writer(&mut self, event: &RoomEvent) {
        let pause_ms = self.stored.as_ref().map_or(0, |stored| i64::from(stored.order.slow_s) * 1_000);
        if pause_ms == 0 {
            self.wrote.clear();
        } else if let RoomEvent::Posted { message } = event {
            self.wrote.insert(message.by, message.at_ms);
            let people = self.stored.as_ref().map_or(0, |stored| stored.members.len());
            if self.wrote.len() > people {
                // Somebody has left, and may come back.
                self.wrote.retain(|_, at| *at + pause_ms > message.at_ms);
            }
        }
    }
}
