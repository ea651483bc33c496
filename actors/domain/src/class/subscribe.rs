//! Who follows a class, what they may see, and what they find when they come.
//! A lost socket is never a leave: it takes a viewer away and says that a phone is out of reach.

use super::change::Facts;
use super::io::{Caller, Link};
use super::rider::Rider;
use super::{Class, Viewer};
use crate::time::ClassMs;
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::class::{BoardSnapshot, ClassSnapshot, DeskEntry, PlanView, RosterEntry};
use fitconnect_protocol::limits::{LOOKS_MAX, VIEWERS_MAX};
use fitconnect_protocol::session::{Position, Snapshot, Topic};
use fitconnect_protocol::tick::ROW_BYTES;
use fitconnect_protocol::user::{Role, ShowAs};
use fitconnect_protocol::{ErrorCode, Refusal, SessionId, Slot};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Class {
    pub(super) fn subscribe(
        &mut self,
        by: Arc<Caller>,
        topic: Topic,
        position: Option<Position>,
        ask: AskId,
        now: Millis,
        out: &mut Out<Class>,
    ) {
        let at = self.class_at(now);
        match self.snapshot(&by, topic, at) {
            Ok(snapshot) => {
                let session = by.session;
                self.follow(by, topic);
                out.0.push(Effect::Subscribe { ask, topic, position, snapshot: Box::new(snapshot) });
                if topic == Topic::Class(self.id) {
                    self.whisper_again(session, at, out);
                }
            }
            Err(refused) => out.refuse(ask, refused),
        }
    }

    fn snapshot(&self, by: &Caller, topic: Topic, at: ClassMs) -> Result<Snapshot, Refusal> {
        let facts = self.facts.as_ref().filter(|facts| facts.gym == by.gym);
        let facts = facts.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "there is no such class in your gym"))?;
        if matches!(by.role, Role::Screen | Role::Hub) && by.hall.as_deref() != Some(&facts.hall) {
            return Err(Refusal::new(ErrorCode::Forbidden, "a screen follows the classes of its own hall"));
        }
        let known = self.viewers.contains_key(&by.session);
        if !known && self.viewers.len() >= VIEWERS_MAX {
            return Err(Refusal::new(ErrorCode::Busy, "too many follow this class").after(10_000));
        }
        match topic {
            Topic::Class(id) if id == self.id => Ok(Snapshot::Class(Box::new(self.class_snapshot(facts, by, at)))),
            Topic::Board(id) if id == self.id => {
                // Names come with the slices.
                let sliced = self.slices && by.role == Role::Member;
                let shown = self.riders.iter().filter(|rider| !sliced && rider.shown_as() != ShowAs::Hidden);
                let roster = shown.map(|rider| self.board_entry(rider)).collect();
                Ok(Snapshot::Board(Box::new(BoardSnapshot { roster, ..BoardSnapshot::default() })))
            }
            Topic::Desk(id) if id == self.id => {
                if !by.is_staff() {
                    return Err(Refusal::new(ErrorCode::Forbidden, "the desk is for staff"));
                }
                let roster = self.riders.iter().map(|rider| self.desk_entry(rider)).collect();
                let attention = Some(self.attention.list());
                let (staff, whispers, loose) = (Some(self.staff_view()), self.whisper_views(), self.loose());
                Ok(Snapshot::Board(Box::new(BoardSnapshot { roster, attention, staff, whispers, loose })))
            }
            Topic::Class(_) | Topic::Board(_) | Topic::Desk(_) | Topic::Me | Topic::Room(_) => {
                Err(ErrorCode::NotFound.into())
            }
        }
    }

    fn class_snapshot(&self, facts: &Facts, by: &Caller, at: ClassMs) -> ClassSnapshot {
        ClassSnapshot {
            class: self.id,
            gym: facts.gym,
            name: facts.name.clone(),
            hall: facts.hall.clone(),
            trainer: facts.trainer.clone(),
            activity: facts.activity,
            starts_at_ms: facts.starts_at_ms,
            phase: self.phase_at(at),
            clock: facts.clock,
            plan: self.plan_view(at),
            slot: self.by_user.get(&by.user).copied(),
        }
    }

    /// The plan as it has run and as it will, from class time `at`.
    pub(super) fn plan_view(&self, at: ClassMs) -> PlanView {
        let segments = self.facts.as_ref().map_or(&[][..], |facts| &facts.segments);
        let undone = self.moves.iter().filter(|each| each.undone).count();
        self.timeline.view(segments, (self.moves.len() + undone) as u32, at)
    }

    /// What TV and members see of a person. An alias has no seat: everybody in the hall sees who sits there.
    pub(super) fn board_entry(&self, rider: &Rider) -> RosterEntry {
        let seat = rider.seat.clone().filter(|_| rider.shown_as() == ShowAs::Name);
        RosterEntry { slot: rider.slot, name: rider.board_name(), seat, desk: None }
    }

    /// What staff see of a person.
    pub(super) fn desk_entry(&self, rider: &Rider) -> RosterEntry {
        let shares = rider.consent.share_with_trainer;
        let hr_max = rider.body.zones_max().filter(|_| shares);
        let desk = DeskEntry {
            user: rider.user(),
            guest: rider.user().is_none(),
            zones_off: rider.body.zones_off,
            ranked: rider.is_ranked(),
            hr_max_tenths: hr_max.map(|max| max.tenths()),
            hr_max_low: shares && rider.watch.max_low,
            sensors: self.streams.worn_by(rider.slot).collect(),
        };
        RosterEntry { slot: rider.slot, name: rider.name.clone(), seat: rider.seat.clone(), desk: Some(desk) }
    }

    fn follow(&mut self, by: Arc<Caller>, topic: Topic) {
        let (session, user) = (by.session, by.user);
        let slot = self.by_user.get(&user).copied();
        let viewer = self.viewers.entry(session).or_insert_with(|| Viewer {
            by,
            slot,
            topics: BTreeSet::new(),
            mine_at: Millis(0),
            mine_records: 0,
            mine_row: [0; ROW_BYTES],
        });
        self.sessions_of.entry(user).or_default().insert(session);
        if !viewer.topics.insert(topic) {
            return;
        }
        match topic {
            Topic::Desk(_) => {
                self.whole_at_once(self.desks.is_empty());
                self.desks.insert(session);
            }
            Topic::Board(_) => {
                self.whole_at_once(self.boards == 0);
                self.boards += 1;
            }
            Topic::Class(_) | Topic::Me | Topic::Room(_) => {}
        }
    }

    /// Rows that nobody has followed are sent whole with the next tick.
    fn whole_at_once(&mut self, first: bool) {
        if first {
            self.full_at = Millis(0);
        }
    }

    pub(super) fn unsubscribe(&mut self, session: SessionId, topic: Topic) {
        let Some(viewer) = self.viewers.get_mut(&session) else { return };
        if !viewer.topics.remove(&topic) {
            return;
        }
        match topic {
            Topic::Desk(_) => _ = self.desks.remove(&session),
            Topic::Board(_) => self.boards -= 1,
            Topic::Class(_) | Topic::Me | Topic::Room(_) => {}
        }
        let user = viewer.by.user;
        if !viewer.topics.is_empty() {
            return;
        }
        self.viewers.remove(&session);
        if let Some(sessions) = self.sessions_of.get_mut(&user) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.sessions_of.remove(&user);
            }
        }
    }

    /// A person has joined: sessions of theirs that follow the class get own frames from now on.
    pub(super) fn bind_viewers(&mut self, slot: Slot) {
        let Some(user) = self.riders[usize::from(slot)].user() else { return };
        for session in self.sessions_of.get(&user).into_iter().flatten() {
            if let Some(viewer) = self.viewers.get_mut(session) {
                viewer.slot = Some(slot);
            }
        }
    }

    /// A desk wants these rows whatever their rank.
    pub(super) fn look(&mut self, by: &Caller, slots: &[Slot], now: Millis) {
        if !self.desks.contains(&by.session) {
            return;
        }
        for slot in slots.iter().filter(|slot| usize::from(**slot) < self.riders.len()) {
            self.looks.insert(*slot, now);
        }
        while self.looks.len() > LOOKS_MAX {
            let oldest = self.looks.iter().min_by_key(|(slot, at)| (**at, **slot)).map(|(slot, _)| *slot);
            oldest.and_then(|slot| self.looks.remove(&slot));
        }
    }

    /// A socket was lost or came back, or the session is over. Subscriptions belong to the socket: it names them anew.
    pub(super) fn link(&mut self, session: SessionId, link: Link) {
        let topics = self.viewers.get(&session).map(|viewer| viewer.topics.clone()).unwrap_or_default();
        for topic in topics {
            self.unsubscribe(session, topic);
        }
        for slot in self.senders.get(&session).into_iter().flatten() {
            self.riders[usize::from(*slot)].linked = link == Link::Up;
        }
        if link != Link::Ended {
            return;
        }
        self.acks.remove(&session);
        for slot in self.senders.remove(&session).unwrap_or_default() {
            self.riders[usize::from(slot)].session = None;
        }
    }
}
