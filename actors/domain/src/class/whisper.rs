//! Private words from the trainer to one person, and what became of them: sent, shown on a phone, acted upon by the heart.

use super::change::What;
use super::commands::{Decision, ensure};
use super::io::{Caller, Publish};
use super::{Class, ClassMs};
use crate::Out;
use fitconnect_protocol::class::{Aim, ClassEvent, WhisperView};
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::{ErrorCode, SessionId, Slot};

/// The heart has answered when it has moved by so much …
const ACTED_BPM: u8 = 5;
/// … within so long of the words' showing: it lags the legs by a minute or so.
const ACTED_WITHIN_MS: i64 = 120_000;
/// Words that a phone could not be told are told when it comes back within this.
const TOLD_AGAIN_MS: i64 = 60_000;

/// The newest words to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Whisper {
    view: WhisperView,
    /// Heart rate when they were shown.
    level: Option<u8>,
}

impl Class {
    pub(super) fn apply_whisper(&mut self, slot: Slot, text: &str, aim: Option<Aim>, at: ClassMs) {
        self.whispered += 1;
        let view = WhisperView { id: self.whispered, slot, text: text.into(), aim, sent: at, shown: None, acted: None };
        self.whispers.insert(slot, Whisper { view, level: None });
    }

    pub(super) fn apply_shown(&mut self, slot: Slot, id: u32, level: Option<u8>, at: ClassMs) {
        if let Some(whisper) = self.whispers.get_mut(&slot).filter(|whisper| whisper.view.id == id) {
            whisper.view.shown = Some(at);
            whisper.level = level;
        }
    }

    pub(super) fn apply_acted(&mut self, slot: Slot, id: u32, at: ClassMs) {
        if let Some(whisper) = self.whispers.get_mut(&slot).filter(|whisper| whisper.view.id == id) {
            whisper.view.acted = Some(at);
        }
    }

    /// A phone says that it has shown these words; `None` where that is known.
    pub(super) fn shown(&self, by: &Caller, id: u32) -> Decision<Option<What>> {
        let slot = self.own(by)?;
        let known = self.whispers.get(&slot).filter(|whisper| whisper.view.id == id);
        ensure(known.is_some(), ErrorCode::Gone, "newer words have come, or there were none")?;
        let new = known.is_some_and(|whisper| whisper.view.shown.is_none());
        let rider = &self.riders[usize::from(slot)];
        let level = rider.watch.level().filter(|_| rider.consent.share_with_trainer);
        Ok(new.then_some(What::Shown { slot, whisper: id, level }))
    }

    /// To the phones of the person, and to the desks that they were sent.
    pub(super) fn whisper(&self, slot: Slot, out: &mut Out<Class>) {
        let sessions = self.viewers.iter().filter(|(_, viewer)| viewer.slot == Some(slot));
        for (session, _) in sessions {
            self.whisper_to(*session, slot, out);
        }
        self.publish_whisper(slot, out);
    }

    fn whisper_to(&self, session: SessionId, slot: Slot, out: &mut Out<Class>) {
        let Some(Whisper { view, .. }) = self.whispers.get(&slot) else { return };
        let response = Response::Whisper { class: self.id, id: view.id, text: view.text.clone() };
        out.publish(Publish::Direct { session, response });
    }

    /// A phone has come: words that nobody has been shown yet are told again.
    pub(super) fn whisper_again(&self, session: SessionId, at: ClassMs, out: &mut Out<Class>) {
        let Some(slot) = self.viewers.get(&session).and_then(|viewer| viewer.slot) else { return };
        let Some(Whisper { view, .. }) = self.whispers.get(&slot) else { return };
        if view.shown.is_none() && at - view.sent <= TOLD_AGAIN_MS {
            self.whisper_to(session, slot, out);
        }
    }

    pub(super) fn publish_whisper(&self, slot: Slot, out: &mut Out<Class>) {
        let Some(Whisper { view, .. }) = self.whispers.get(&slot) else { return };
        let event = ClassEvent::Whisper(view.clone());
        out.publish(Publish::Event { topic: Topic::Desk(self.id), event, whole_only: true });
    }

    pub(super) fn whisper_views(&self) -> Vec<WhisperView> {
        self.whispers.values().map(|whisper| whisper.view.clone()).collect()
    }

    /// Whose heart has gone where the words wanted it.
    pub(super) fn watch_whispers(&mut self, at: ClassMs, out: &mut Out<Class>) {
        let mut acted = Vec::new();
        for (slot, whisper) in &self.whispers {
            let (Some(aim), Some(shown), Some(level)) = (whisper.view.aim, whisper.view.shown, whisper.level) else {
                continue;
            };
            if whisper.view.acted.is_some() || at - shown > ACTED_WITHIN_MS {
                continue;
            }
            let Some(now) = self.riders[usize::from(*slot)].watch.level() else { continue };
            let moved = match aim {
                Aim::Ease => now + ACTED_BPM <= level,
                Aim::Push => now >= level + ACTED_BPM,
            };
            if moved {
                acted.push(What::Acted { slot: *slot, whisper: whisper.view.id });
            }
        }
        for what in acted {
            self.happen_and_tell(at, None, what, out);
        }
    }
}
