//! Reactions. The first in a quiet time is told at once; those of the moments after it gather and are one event, with one commit.

use super::commands::Waiting;
use super::{Change, Room};
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::ErrorCode;
use fitconnect_protocol::limits::{REACTIONS_GATHER_MS, REACTIONS_GATHERED_MAX, REACTORS_MAX};
use fitconnect_protocol::room::{Message, Reacted, RoomEvent, Toggle};
use fitconnect_protocol::session::Response;

/// Reactions that wait for the end of their moment, with those who wait for their answers.
#[derive(Default)]
pub(super) struct Gathering {
    waiting: Vec<(AskId, Toggle)>,
    until: Option<Millis>,
}

impl Gathering {
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn check_invariants(&self) {
        assert!(self.waiting.len() <= REACTIONS_GATHERED_MAX);
        assert!(self.waiting.is_empty() || self.until.is_some(), "what gathers is waited for");
    }
}

impl Room {
    /// Somebody who may adds a reaction to this message, or takes it back.
    pub(super) fn gather(
        &mut self,
        command: &Waiting,
        message: Message,
        toggle: Toggle,
        now: Millis,
        out: &mut Out<Room>,
    ) {
        self.keep_known(message);
        self.gathering.waiting.push((command.ask(), toggle));
        let is_quiet = self.gathering.until.is_none_or(|until| until <= now);
        if is_quiet || self.gathering.waiting.len() >= REACTIONS_GATHERED_MAX {
            self.react(now, out);
        }
    }

    /// The moment is over.
    pub(super) fn tick(&mut self, now: Millis, out: &mut Out<Room>) {
        if self.gathering.until.is_some_and(|until| until <= now) {
            self.gathering.until = None;
            self.react(now, out);
        }
    }

    /// What has gathered happens: one event of all that changes something, and one number for all who wait.
    fn react(&mut self, now: Millis, out: &mut Out<Room>) {
        let waiting = std::mem::take(&mut self.gathering.waiting);
        if waiting.is_empty() {
            return;
        }
        let (mut asks, mut toggles) = (Vec::new(), Vec::new());
        let mut changed: Vec<Message> = Vec::new();
        for (ask, toggle) in waiting {
            let place = changed.iter().position(|message| message.seq == toggle.seq);
            let known = place.map(|place| &changed[place]).or_else(|| self.known(toggle.seq));
            // Deleted meanwhile.
            let Some(mut message) = known.filter(|message| message.deleted_by.is_none()).cloned() else {
                out.refuse(ask, ErrorCode::NoMessage);
                continue;
            };
            match toggled(&mut message, &toggle) {
                Toggled::Full => {
                    out.refuse_with(ask, ErrorCode::TooLarge, "so many have reacted that no more are counted");
                    continue;
                }
                Toggled::Already => {}
                Toggled::Yes => {
                    toggles.push(toggle);
                    match place {
                        Some(place) => changed[place] = message,
                        None => changed.push(message),
                    }
                }
            }
            asks.push(ask);
        }
        if toggles.is_empty() {
            asks.into_iter().for_each(|ask| out.answer(ask, Response::Numbered { seq: self.position().offset }));
            return;
        }
        let rewrites = changed.into_iter().map(|message| (message.seq, RoomEvent::Posted { message })).collect();
        self.happen(Change { event: RoomEvent::Reacted { toggles, at_ms: now.0 as i64 }, rewrites }, &asks, now, out);
        let until = now.plus(REACTIONS_GATHER_MS);
        self.gathering.until = Some(until);
        out.0.push(Effect::TickAt(until));
    }
}

enum Toggled {
    Yes,
    /// It was so.
    Already,
    Full,
}

/// A message as it is with this reaction, or without it.
fn toggled(message: &mut Message, toggle: &Toggle) -> Toggled {
    let reactors: usize = message.reactions.iter().map(|reacted| reacted.by.len()).sum();
    let place = message.reactions.iter().position(|reacted| reacted.reaction == toggle.reaction);
    let has = place.is_some_and(|place| message.reactions[place].by.contains(&toggle.by));
    match (toggle.on, place) {
        (on, _) if on == has => return Toggled::Already,
        (true, _) if reactors >= REACTORS_MAX => return Toggled::Full,
        (true, Some(place)) => message.reactions[place].by.push(toggle.by),
        (true, None) => message.reactions.push(Reacted { reaction: toggle.reaction, by: vec![toggle.by] }),
        (false, _) => {
            let of_kind = message.reactions.iter_mut().filter(|reacted| reacted.reaction == toggle.reaction);
            of_kind.for_each(|reacted| reacted.by.retain(|user| *user != toggle.by));
            message.reactions.retain(|reacted| !reacted.by.is_empty());
        }
    }
    Toggled::Yes
}

/// The same, for one who is told of it.
pub(super) fn apply(message: &mut Message, toggle: &Toggle) {
    if message.deleted_by.is_none() {
        toggled(message, toggle);
    }
}
