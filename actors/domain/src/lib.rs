//! The brains of the house: state machines that decide. No I/O, no clock, no randomness, no runtime.
//! The host (`fitconnect-actors`) feeds them inputs and obeys their effects; tests and the simulation do the same by hand.

pub mod class;
pub mod letter;
pub mod lexicon;
pub mod out;
pub mod report;
pub mod room;
pub mod session;
pub mod time;
pub mod user;
pub mod words;

pub use letter::{ActorKey, Letter, LetterBody, LetterId};
pub use out::{AskId, Effect, Out};
pub use time::Millis;

use fitconnect_protocol::{CmdId, UserId};

/// A state machine behind an actor.
pub trait Machine: Sized {
    /// What happens to it.
    type Input;
    /// What it makes durable: a fact, in the past tense.
    type Change;
    /// What its topics tell.
    type Publish;
    /// Stored rows that it may want; they come back as an input.
    type Load;
    /// What it says to other actors without a promise of delivery.
    type Tell;
    /// What it hands to the local log.
    type Record;

    /// Synchronous, total, deterministic: the same inputs at the same times give the same effects.
    /// `ask` stands for the one who waits for an answer, [`AskId::NOBODY`] where nobody does.
    fn handle(&mut self, input: Self::Input, ask: AskId, now: Millis, out: &mut Out<Self>);

    /// Author and id of an input that is a command: the host sees to it that the machine meets each once.
    fn command(_input: &Self::Input) -> Option<(UserId, CmdId)> {
        None
    }

    /// Panics where the state contradicts itself. Called after each input in debug builds, property tests and the simulation.
    fn check_invariants(&self) {}
}
