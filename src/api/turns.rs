//! One after the other, person by person: what is dear to the server nobody does twice at the same time.

use dashmap::DashSet;
use fitconnect_protocol::UserId;
use std::sync::LazyLock;

/// Who does it now.
pub struct Turns(LazyLock<DashSet<UserId>>);

/// One person's turn, while it lasts.
pub struct Turn {
    turns: &'static Turns,
    user: UserId,
}

impl Turns {
    pub const fn new() -> Turns {
        Turns(LazyLock::new(DashSet::new))
    }

    /// `None` where this person does it already.
    pub fn take(&'static self, user: UserId) -> Option<Turn> {
        self.0.insert(user).then_some(Turn { turns: self, user })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::Uuid;

    #[test]
    fn one_person_has_one_turn_at_a_time_and_others_have_theirs() {
        static TURNS: Turns = Turns::new();
        let [ana, ben] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
        let turn = TURNS.take(ana);
        assert!(turn.is_some() && TURNS.take(ana).is_none() && TURNS.take(ben).is_some());
        drop(turn);
        assert!(TURNS.take(ana).is_some());
    }
}
