//! The gym's list of words over a room: asked for now and then while people write, and what becomes of a message that holds one. In a talk
//! of two nobody reads along, not even a list.

use super::commands::{Stop, Waiting};
use super::io::Load;
use super::{Room, Stored};
use crate::lexicon::Folded;
use crate::report::{Entry, Report};
use crate::{Effect, Millis, Out};
use fitconnect_protocol::ErrorCode;
use fitconnect_protocol::limits::{LEXICON_FRESH_MS, REPORTS_OPEN_MAX, REPORTS_PER_HOUR_MAX};
use fitconnect_protocol::report::{OnWords, ReportReason};
use fitconnect_protocol::room::{Message, RoomCommand};

/// The list as it was a moment ago.
#[derive(Default)]
pub(super) struct Lexicon {
    known: Option<Folded>,
    fresh_until: Millis,
}

impl Room {
    /// Before somebody writes: whoever has a list goes by it until the next one has come.
    pub(super) fn refresh_lexicon(&mut self, act: &RoomCommand, now: Millis, out: &mut Out<Room>) {
        let writes = matches!(act, RoomCommand::Post { .. } | RoomCommand::Edit { .. });
        let Some(stored) = self.stored.as_ref().filter(|stored| writes && !stored.is_private()) else { return };
        if self.lexicon.known.is_some() && self.lexicon.fresh_until <= now {
            self.lexicon.fresh_until = now.plus(LEXICON_FRESH_MS);
            out.0.push(Effect::Load(Load::Lexicon { gym: stored.gym }));
        }
    }

    pub(super) fn lexicon_is(&mut self, found: &Folded, now: Millis) {
        self.lexicon.known = Some(found.clone());
        self.lexicon.fresh_until = now.plus(LEXICON_FRESH_MS);
    }

    /// What the gym wants of these words; `None`: nothing is wrong with them.
    pub(super) fn unfit(&self, stored: &Stored, text: &str) -> Result<Option<OnWords>, Stop> {
        if stored.is_private() {
            return Ok(None);
        }
        let known = self.lexicon.known.as_ref().ok_or(Stop::Needs(Load::Lexicon { gym: stored.gym }))?;
        Ok(known.is_in(text).then_some(known.on_words))
    }

    /// A message that would be posted waits in the file instead. Who has as many waiting as one may have is refused.
    pub(super) fn hold(&self, command: &Waiting, stored: &Stored, message: Message, now: Millis) -> Stop {
        let Some(known) = command.reporting() else {
            return Stop::Needs(Load::Reporting { user: message.by, seq: 0 });
        };
        if known.lately >= REPORTS_PER_HOUR_MAX || known.open >= REPORTS_OPEN_MAX {
            return ErrorCode::Unfit.into();
        }
        let report = Report {
            id: command.cmd(),
            gym: stored.gym,
            room: self.id,
            room_kind: stored.kind,
            room_name: stored.name.clone(),
            seq: 0,
            reply_to: message.reply_to,
            mentions: message.mentions.iter().map(|mention| mention.user).collect(),
            picture: message.picture,
            author: message.by,
            author_name: message.name.clone(),
            reporter: message.by,
            reporter_name: message.name,
            reason: ReportReason::Listed,
            words: String::new(),
            text: message.text,
            posted_at_ms: now.0 as i64,
            at_ms: now.0 as i64,
        };
        Stop::Files(Box::new(Entry::Opened(Box::new(report))), None)
    }
}
