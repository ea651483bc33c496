//! Which rows of the board a person's pages leave out. The board is one and the same for all who follow it; only who has to do with a block
//! asks, so that it costs the others nothing.

use super::Class;
use super::io::{Caller, Load, Person};
use crate::{AskId, Effect, Out};
use fitconnect_protocol::limits::HIDDEN_ASKS_MAX;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::ShowAs;
use fitconnect_protocol::{ErrorCode, Slot, UserId};

impl Class {
    pub(super) fn hidden(&mut self, by: &Caller, ask: AskId, out: &mut Out<Class>) {
        if self.facts.as_ref().is_none_or(|facts| facts.gym != by.gym) {
            return out.refuse_with(ask, ErrorCode::NotFound, "there is no such class in your gym");
        }
        let waiting = self.hiding.entry(by.user).or_default();
        if waiting.len() >= HIDDEN_ASKS_MAX {
            return out.refuse_with(ask, ErrorCode::RateLimited, "you have asked already");
        }
        if waiting.is_empty() {
            out.0.push(Effect::Load(Load::Person { user: by.user }));
        }
        waiting.push(ask);
    }

    /// A person's row has been read, or could not be.
    pub(super) fn tell_hidden(&mut self, user: UserId, person: Option<&Person>, failed: bool, out: &mut Out<Class>) {
        for ask in self.hiding.remove(&user).unwrap_or_default() {
            match person {
                None if failed => out.refuse(ask, ErrorCode::Retry),
                None => out.refuse(ask, ErrorCode::NotFound),
                Some(person) => out.answer(ask, Response::Hidden { class: self.id, slots: self.hidden_from(person) }),
            }
        }
    }

    /// Under another name nobody is hidden: that the row goes would tell whose it is.
    fn hidden_from(&self, person: &Person) -> Vec<Slot> {
        let named = self.riders.iter().filter(|rider| rider.shown_as() == ShowAs::Name);
        named
            .filter(|rider| rider.user().is_some_and(|user| person.blocks.hide(user)))
            .map(|rider| rider.slot)
            .collect()
    }
}
