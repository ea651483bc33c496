//! Whose tokens are no longer believed, from when back: kept in the store, and here for every look. A token lives long where it
//! may be taken back, as a hall screen's does.

use super::token::Claims;
use fitconnect_domain::Millis;
use fitconnect_protocol::UserId;
use fitconnect_protocol::limits::SCREEN_TOKEN_LIFE_S;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The second of the revocation, by person: of those within the longest life of a token.
#[derive(Default)]
pub struct Revoked(RwLock<HashMap<UserId, u64>>);

impl Revoked {
    /// What the store has kept.
    pub fn new(kept: impl IntoIterator<Item = (UserId, Millis)>) -> Revoked {
        Revoked(RwLock::new(kept.into_iter().map(|(user, at)| (user, at.0 / 1_000)).collect()))
    }

    /// No token that was given to this person until `at` is believed any more.
    pub fn revoke(&self, user: UserId, at: Millis) {
        let mut seconds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let at = at.0 / 1_000;
        seconds.retain(|_, second| *second + SCREEN_TOKEN_LIFE_S >= at);
        let second = seconds.entry(user).or_default();
        *second = at.max(*second);
    }

    fn second(&self, user: UserId) -> Option<u64> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&user).copied()
    }

    pub fn is_good(&self, claims: &Claims) -> bool {
        self.second(claims.user).is_none_or(|second| claims.iat > second)
    }

    /// When a token of this person is dated that is given out at `now`: tokens know seconds, and the one of the revocation is over.
    pub fn date(&self, user: UserId, now: Millis) -> Millis {
        self.second(user).map_or(now, |second| now.max(Millis((second + 1) * 1_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_actors::ports::Account;
    use fitconnect_protocol::user::Role;
    use fitconnect_protocol::{GymId, Uuid};

    #[test]
    fn what_was_given_before_is_over_and_what_is_given_after_is_good() {
        let person = |id| Account {
            user: UserId(Uuid::from_u128(id)),
            gym: GymId(Uuid::from_u128(9)),
            email: "tv@example.com".into(),
            name: "TV".into(),
            role: Role::Screen,
            hall: Some("Hall 1".into()),
            password: String::new(),
        };
        let (tv, other) = (person(1), person(2));
        let at = Millis(1_000_000_500);
        let before = Claims::of(&tv, at, 3_600);
        let revoked = Revoked::default();
        assert!(revoked.is_good(&before));
        revoked.revoke(tv.user, at);
        revoked.revoke(tv.user, Millis(5));
        assert!(!revoked.is_good(&before), "and an older word changes nothing");
        assert!(revoked.is_good(&Claims::of(&other, at, 3_600)));
        assert!(revoked.is_good(&Claims::of(&tv, revoked.date(tv.user, at), 3_600)), "within the same second");
        assert_eq!(revoked.date(tv.user, Millis(2_000_000_000)), Millis(2_000_000_000));
        assert!(!Revoked::new([(tv.user, at)]).is_good(&before), "after a start too");
        revoked.revoke(other.user, at.plus(SCREEN_TOKEN_LIFE_S * 1_000));
        assert!(!revoked.is_good(&before), "as long as a token may live");
        revoked.revoke(other.user, at.plus(SCREEN_TOKEN_LIFE_S * 1_000 + 1_000));
        assert_eq!(revoked.0.read().expect("whole").len(), 1, "and no longer");
    }
}
