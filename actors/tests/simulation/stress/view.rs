//! A room as a client shows it: a snapshot, and the events behind it.

use fitconnect_protocol::UserId;
use fitconnect_protocol::room::{Message, Reacted, RoomEvent, RoomSnapshot, Toggle};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Everything that was written behind this number is there.
    pub since: u64,
    pub at: u64,
    pub messages: BTreeMap<u64, Message>,
    pub members: BTreeSet<UserId>,
    pub pins: Vec<u64>,
    pub slow_s: u16,
}

impl View {
    pub fn of(snapshot: &RoomSnapshot, at: u64) -> View {
        View {
            since: at,
            at,
            messages: snapshot.recent.iter().map(|message| (message.seq, message.clone())).collect(),
            members: snapshot.members.iter().map(|member| member.user).collect(),
            pins: snapshot.pins.clone(),
            slow_s: snapshot.slow_s,
        }
    }

    /// What is stored, from the first event on.
    pub fn of_events(events: &[RoomEvent]) -> View {
        let mut view = View::default();
        (1..).zip(events).for_each(|(seq, event)| view.apply(seq, event));
        view
    }

    pub fn apply(&mut self, seq: u64, event: &RoomEvent) {
        self.at = seq;
        match event {
            RoomEvent::Created { members, .. } => self.members = members.iter().map(|member| member.user).collect(),
            RoomEvent::Posted { message } => _ = self.messages.insert(message.seq, message.clone()),
            RoomEvent::Edited { message } => {
                // One that was overtaken by a later edit comes without words.
                let newest = self.messages.get(&message.seq).is_none_or(|known| known.edited <= message.edited);
                if newest && !message.text.is_empty() && self.shows(message.seq) {
                    self.put(message);
                }
            }
            RoomEvent::Deleted { message } => {
                self.pins.retain(|pin| *pin != message.seq);
                self.put(message);
            }
            RoomEvent::Reacted { toggles, .. } => toggles.iter().for_each(|toggle| self.toggle(toggle)),
            RoomEvent::Joined { member, .. } => _ = self.members.insert(member.user),
            RoomEvent::Left { user, .. } | RoomEvent::Banned { user, banned: true, .. } => {
                self.members.remove(user);
            }
            RoomEvent::Pinned { seq, pinned, .. } => {
                self.pins.retain(|pin| pin != seq);
                if *pinned {
                    self.pins.push(*seq);
                }
            }
            RoomEvent::Slowed { seconds, .. } => self.slow_s = *seconds,
            RoomEvent::Appointed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Banned { .. }
            | RoomEvent::Closed { .. } => {}
        }
    }

    fn shows(&self, seq: u64) -> bool {
        self.messages.get(&seq).is_none_or(|known| known.deleted_by.is_none())
    }

    /// Words and their fate; reactions are counted by themselves.
    fn put(&mut self, message: &Message) {
        if let Some(known) = self.messages.get_mut(&message.seq) {
            let reactions = std::mem::take(&mut known.reactions);
            *known = message.clone();
            known.reactions = if message.deleted_by.is_some() { Vec::new() } else { reactions };
        }
    }

    fn toggle(&mut self, toggle: &Toggle) {
        let known = self.messages.get_mut(&toggle.seq).filter(|known| known.deleted_by.is_none());
        let Some(message) = known else { return };
        let of_kind = message.reactions.iter_mut().find(|reacted| reacted.reaction == toggle.reaction);
        match (toggle.on, of_kind) {
            (true, Some(reacted)) if reacted.by.contains(&toggle.by) => {}
            (true, Some(reacted)) => reacted.by.push(toggle.by),
            (true, None) => {
                message.reactions.push(Reacted { reaction: toggle.reaction, by: vec![toggle.by] });
            }
            (false, Some(reacted)) => reacted.by.retain(|user| *user != toggle.by),
            (false, None) => {}
        }
        message.reactions.retain(|reacted| !reacted.by.is_empty());
    }

    /// What is not as it is stored. Nothing: a client that has come so far shows the truth.
    pub fn differs(&self, truth: &View) -> Option<String> {
        if self.at != truth.at {
            return Some(format!("it is at {}, the room at {}", self.at, truth.at));
        }
        let missing = truth.messages.keys().find(|seq| **seq > self.since && !self.messages.contains_key(seq));
        if let Some(missing) = missing {
            return Some(format!("message {missing} is missing"));
        }
        for (seq, message) in &self.messages {
            let known = truth.messages.get(seq).map(plain);
            if known.as_ref() != Some(&plain(message)) {
                return Some(format!("it shows {message:?}, stored is {known:?}"));
            }
        }
        let same = self.members == truth.members && self.pins == truth.pins && self.slow_s == truth.slow_s;
        (!same).then(|| {
            format!("it shows {:?} {:?}, stored is {:?} {:?}", self.members, self.pins, truth.members, truth.pins)
        })
    }
}

/// Reactions in an order that does not tell who was first.
fn plain(message: &Message) -> Message {
    let mut plain = message.clone();
    plain.reactions.iter_mut().for_each(|reacted| reacted.by.sort());
    plain.reactions.sort_by_key(|reacted| reacted.reaction);
    plain
}
