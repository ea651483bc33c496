//! High fives: a rider claps another's hand, or everybody's. Those of one tick are told together, to phones that have time for it; only the
//! number of each person is kept. Whoever is hidden from the board gives none and gets none, and nothing goes between the blocked.

use super::change::{Stage, What};
use super::io::{Caller, Load, Publish};
use super::{Class, ClassMs};
use crate::user::Blocks;
use crate::{Effect, Millis, Out};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::ShowAs;
use fitconnect_protocol::{Slot, UserId};
use std::collections::BTreeMap;

/// What is given and not told yet, and what is told and not stored yet.
#[derive(Default)]
pub(super) struct Fives {
    /// When each gave last: to one, and to all.
    gave: BTreeMap<Slot, (Millis, Millis)>,
    /// Blocks of those who have given, as they were read.
    blocks: BTreeMap<Slot, Blocks>,
    /// Hands that wait for the giver's blocks.
    waiting: BTreeMap<Slot, Vec<Option<Slot>>>,
    /// Each hand since they were told last, as far as names are wanted.
    hands: Vec<(Slot, Option<Slot>)>,
    to_one: BTreeMap<Slot, u32>,
    to_all: u32,
    /// Of those to all: what was one's own, or a blocked person's.
    less: BTreeMap<Slot, u32>,
    told_at: Millis,
    /// By receiver.
    unsaved: BTreeMap<Slot, u32>,
    saved_at: Millis,
}

impl Fives {
    /// `false`: it is too early for another one.
    fn may_give(&mut self, by: Slot, to: Option<Slot>, now: Millis) -> bool {
        let (one, all) = self.gave.entry(by).or_default();
        let (last, every) = if to.is_some() { (one, FIVE_EVERY_MS) } else { (all, FIVE_ALL_EVERY_MS) };
        if *last != Millis(0) && now.since(*last) < every {
            return false;
        }
        *last = now;
        true
    }
}

impl Class {
    /// Somebody holds up a hand. Nobody is answered: what cannot be is nothing.
    pub(super) fn five(&mut self, by: &Caller, to: Option<Slot>, now: Millis, out: &mut Out<Class>) {
        let Some(slot) = self.by_user.get(&by.user).copied() else { return };
        let known = to.is_none_or(|to| to != slot && usize::from(to) < self.riders.len());
        if self.stage != Stage::Running || !known || !self.takes_fives(slot) || !self.fives.may_give(slot, to, now) {
            return;
        }
        if self.fives.blocks.contains_key(&slot) {
            return self.clap(slot, to);
        }
        let waiting = self.fives.waiting.entry(slot).or_default();
        if waiting.is_empty() {
            out.0.push(Effect::Load(Load::Person { user: by.user }));
        }
        if waiting.len() < FIVES_WAITING_MAX {
            waiting.push(to);
        }
    }

    /// Present, with an account, and shown on the board.
    fn takes_fives(&self, slot: Slot) -> bool {
        let rider = &self.riders[usize::from(slot)];
        rider.is_present() && rider.user().is_some() && rider.shown_as() != ShowAs::Hidden
    }

    /// A person's row has been read, or could not be.
    pub(super) fn fives_read(&mut self, user: UserId, blocks: Option<&Blocks>) {
        let Some(slot) = self.by_user.get(&user).copied() else { return };
        let waiting = self.fives.waiting.remove(&slot).unwrap_or_default();
        let Some(blocks) = blocks.filter(|_| !waiting.is_empty()) else { return };
        self.fives.blocks.insert(slot, blocks.clone());
        for to in waiting {
            self.clap(slot, to);
        }
    }

    /// Two people have blocked each other, or not any more: read again before the next one.
    pub(super) fn fives_blocked(&mut self, by: UserId, user: UserId) {
        for slot in [by, user].iter().filter_map(|user| self.by_user.get(user)) {
            self.fives.blocks.remove(slot);
        }
    }

    fn clap(&mut self, by: Slot, to: Option<Slot>) {
        let Some(blocks) = self.fives.blocks.get(&by) else { return };
        match to {
            Some(to) => {
                let hidden = self.riders[usize::from(to)].user().is_none_or(|user| blocks.hide(user));
                if hidden || !self.takes_fives(to) {
                    return;
                }
                *self.fives.to_one.entry(to).or_default() += 1;
            }
            None => {
                let hidden = blocks.own.keys().chain(&blocks.others).filter_map(|user| self.by_user.get(user));
                let hidden: std::collections::BTreeSet<Slot> = hidden.copied().chain([by]).collect();
                for slot in hidden {
                    *self.fives.less.entry(slot).or_default() += 1;
                }
                self.fives.to_all += 1;
            }
        }
        if self.fives.hands.len() < FIVES_NAMED_MAX {
            self.fives.hands.push((by, to));
        }
    }

    /// What came since the last time is told to each who got some, and counted.
    pub(super) fn tell_fives(&mut self, now: Millis, out: &mut Out<Class>) {
        let every = if self.slices { FIVES_TOLD_LARGE_MS } else { 0 };
        if now.since(self.fives.told_at) >= every && (self.fives.to_all > 0 || !self.fives.to_one.is_empty()) {
            self.fives.told_at = now;
            self.count_fives(out);
        }
        if !self.fives.unsaved.is_empty() && now.since(self.fives.saved_at) >= FIVES_SAVED_MS {
            self.fives.saved_at = now;
            self.save_fives(self.class_at(now), out);
        }
    }

    fn count_fives(&mut self, out: &mut Out<Class>) {
        let one = std::mem::take(&mut self.fives.to_one);
        let less = std::mem::take(&mut self.fives.less);
        let (all, hands) = (std::mem::take(&mut self.fives.to_all), std::mem::take(&mut self.fives.hands));
        let receivers: Vec<Slot> = match all {
            0 => one.keys().copied().collect(),
            _ => (0..self.riders.len() as Slot).collect(),
        };
        let mut got: BTreeMap<Slot, u32> = BTreeMap::new();
        for slot in receivers.into_iter().filter(|slot| self.takes_fives(*slot)) {
            let of = |counts: &BTreeMap<Slot, u32>| counts.get(&slot).copied().unwrap_or(0);
            let count = of(&one) + all.saturating_sub(of(&less));
            if count > 0 {
                got.insert(slot, count);
            }
        }
        for (slot, count) in &got {
            *self.fives.unsaved.entry(*slot).or_default() += count;
        }
        for (session, viewer) in &self.viewers {
            let Some((slot, count)) = viewer.slot.and_then(|slot| got.get(&slot).map(|count| (slot, *count))) else {
                continue;
            };
            let names = self.givers_to(slot, &hands);
            let total = self.fives_of(slot);
            let response = Response::Fives { class: self.id, count, names, total };
            out.live(Publish::Passing { session: *session, response });
        }
    }

    /// The first of those who gave this person a hand, as the board calls them.
    fn givers_to(&self, slot: Slot, hands: &[(Slot, Option<Slot>)]) -> Vec<String> {
        let user = self.riders[usize::from(slot)].user();
        let hides = |by: &Slot| {
            let blocks = self.fives.blocks.get(by);
            user.is_none_or(|user| blocks.is_none_or(|blocks| blocks.hide(user)))
        };
        let mut givers: Vec<Slot> = Vec::new();
        for (by, to) in hands {
            let meant = *by != slot && to.is_none_or(|to| to == slot) && !givers.contains(by);
            if meant && !hides(by) && givers.len() < FIVES_NAMES_MAX {
                givers.push(*by);
            }
        }
        givers.into_iter().map(|by| self.riders[usize::from(by)].board_name()).collect()
    }

    fn fives_of(&self, slot: Slot) -> u32 {
        self.riders[usize::from(slot)].fives + self.fives.unsaved.get(&slot).copied().unwrap_or(0)
    }

    /// Before the class ends, and now and then: the numbers are stored.
    pub(super) fn save_fives(&mut self, at: ClassMs, out: &mut Out<Class>) {
        let counts: Vec<(Slot, u32)> = std::mem::take(&mut self.fives.unsaved).into_iter().collect();
        if !counts.is_empty() {
            self.happen(at, None, What::Fived { counts }, out);
        }
    }

    pub(super) fn apply_fived(&mut self, counts: &[(Slot, u32)]) {
        for (slot, count) in counts {
            if let Some(rider) = self.riders.get_mut(usize::from(*slot)) {
                rider.fives += count;
            }
        }
    }
}
