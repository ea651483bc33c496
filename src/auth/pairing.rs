//! Screens that ask to be let in: each shows six digits, somebody of the staff says them back, and the screen fetches its account.
//! In memory alone: a screen whose code is unknown asks for another.

use super::attempts::Attempts;
use super::login::network;
use fitconnect_domain::Millis;
use fitconnect_protocol::UserId;
use fitconnect_protocol::limits::{LOGINS_PER_MINUTE, PAIRING_MS, PAIRINGS_MAX, PAIRINGS_PER_MINUTE};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a screen shows, and what it fetches its account with.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Six digits.
    pub code: String,
    /// The screen's own, which nobody sees.
    pub secret: String,
    pub expires_at: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    /// Somebody has said the digits, and the account is being made.
    Confirming,
    Confirmed(UserId),
}

struct Pairing {
    offer: Offer,
    state: State,
}

/// How far a screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Waits,
    /// Its account. Told as often as it asks until the offer ends: an answer may get lost.
    Is(UserId),
    Unknown,
}

/// Why digits were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPaired {
    /// No screen shows them.
    Unknown,
    /// Too many tries: the next is allowed in so many milliseconds.
    TooMany(u32),
}

struct Inner {
    pairings: Vec<Pairing>,
    /// Codes asked for, by address: all screens of a gym may be behind one.
    offers: Attempts,
    /// Wrong digits, by person.
    tries: Attempts,
}

pub struct Pairings(Mutex<Inner>);

impl Default for Pairings {
    fn default() -> Pairings {
        let offers = Attempts::per_minute(PAIRINGS_PER_MINUTE);
        let tries = Attempts::per_minute(LOGINS_PER_MINUTE);
        Pairings(Mutex::new(Inner { pairings: Vec::new(), offers, tries }))
    }
}

impl Pairings {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new code for a screen at this address, or in how many milliseconds it may ask again.
    pub fn offer(&self, from: IpAddr, now: Millis) -> Result<Offer, u32> {
        let mut inner = self.inner();
        inner.offers.take(network(from), now)?;
        inner.pairings.retain(|pairing| pairing.offer.expires_at > now);
        if inner.pairings.len() >= PAIRINGS_MAX {
            let next = inner.pairings.iter().map(|pairing| pairing.offer.expires_at.since(now)).min();
            return Err(next.unwrap_or(PAIRING_MS) as u32);
        }
        let code = loop {
            let code = format!("{:06}", rand::random_range(0..1_000_000));
            if inner.pairings.iter().all(|pairing| pairing.offer.code != code) {
                break code;
            }
        };
        let secret = format!("{:032x}", rand::random::<u128>());
        let offer = Offer { code, secret, expires_at: now.plus(PAIRING_MS) };
        inner.pairings.push(Pairing { offer: offer.clone(), state: State::Waiting });
        Ok(offer)
    }

    /// Whether a screen shows this code. It is `by`'s from then on, to be [`confirmed`](Pairings::confirmed) or given back.
    pub fn take(&self, code: &str, by: UserId, now: Millis) -> Result<(), NotPaired> {
        let mut inner = self.inner();
        inner.tries.take(by, now).map_err(NotPaired::TooMany)?;
        let shown = inner.pairings.iter_mut().find(|pairing| pairing.offer.code == code);
        let shown = shown.filter(|pairing| pairing.state == State::Waiting && pairing.offer.expires_at > now);
        shown.ok_or(NotPaired::Unknown)?.state = State::Confirming;
        inner.tries.give_back(by);
        Ok(())
    }

    /// The account of the screen that shows this code; `None` gives the code back.
    pub fn confirmed(&self, code: &str, screen: Option<UserId>) {
        let mut inner = self.inner();
        if let Some(pairing) = inner.pairings.iter_mut().find(|pairing| pairing.offer.code == code) {
            pairing.state = screen.map_or(State::Waiting, State::Confirmed);
        }
    }

    /// Asked by the screen itself.
    pub fn claim(&self, secret: &str, now: Millis) -> Claim {
        let inner = self.inner();
        let known = inner.pairings.iter().find(|pairing| pairing.offer.secret == secret);
        match known.filter(|pairing| pairing.offer.expires_at > now).map(|pairing| pairing.state) {
            None => Claim::Unknown,
            Some(State::Waiting | State::Confirming) => Claim::Waits,
            Some(State::Confirmed(screen)) => Claim::Is(screen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::Uuid;
    use std::net::Ipv4Addr;

    const NOW: Millis = Millis(1_000_000);
    const STAFF: UserId = UserId(Uuid::from_u128(1));
    const SCREEN: UserId = UserId(Uuid::from_u128(2));

    fn hall(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn a_code_is_taken_once_and_its_screen_fetches_the_account_as_often_as_it_needs() {
        let pairings = Pairings::default();
        let offer = pairings.offer(hall(1), NOW).expect("a code");
        assert!(offer.code.len() == 6 && offer.code.bytes().all(|byte| byte.is_ascii_digit()), "{}", offer.code);
        assert_eq!(pairings.claim(&offer.secret, NOW), Claim::Waits);
        assert_eq!(pairings.take("nonsense", STAFF, NOW), Err(NotPaired::Unknown));
        assert_eq!(pairings.take(&offer.code, STAFF, NOW), Ok(()));
        assert_eq!(pairings.take(&offer.code, STAFF, NOW), Err(NotPaired::Unknown), "another has it");
        pairings.confirmed(&offer.code, None);
        assert_eq!(pairings.take(&offer.code, STAFF, NOW), Ok(()), "the account could not be made: once more");
        pairings.confirmed(&offer.code, Some(SCREEN));
        assert_eq!(pairings.claim(&offer.secret, NOW), Claim::Is(SCREEN));
        assert_eq!(pairings.claim(&offer.secret, NOW), Claim::Is(SCREEN));
        assert_eq!(pairings.claim(&offer.code, NOW), Claim::Unknown, "who sees the digits has no secret");
        assert_eq!(pairings.claim(&offer.secret, NOW.plus(PAIRING_MS)), Claim::Unknown);
    }

    #[test]
    fn a_code_ends() {
        let pairings = Pairings::default();
        let offer = pairings.offer(hall(1), NOW).expect("a code");
        assert_eq!(pairings.take(&offer.code, STAFF, NOW.plus(PAIRING_MS)), Err(NotPaired::Unknown));
    }

    #[test]
    fn guessing_is_slow() {
        let pairings = Pairings::default();
        for _ in 0..LOGINS_PER_MINUTE {
            assert_eq!(pairings.take("1", STAFF, NOW), Err(NotPaired::Unknown));
        }
        assert_eq!(pairings.take("1", STAFF, NOW), Err(NotPaired::TooMany(60_000)));
        assert_eq!(pairings.take("1", SCREEN, NOW), Err(NotPaired::Unknown), "one's tries are one's own");
    }

    #[test]
    fn memory_is_bounded_and_a_full_house_says_when_there_is_room() {
        let pairings = Pairings::default();
        for number in 0..PAIRINGS_MAX as u32 {
            pairings.offer(hall(number), NOW).expect("room");
        }
        assert_eq!(pairings.offer(hall(u32::MAX), NOW).map(drop), Err(PAIRING_MS as u32));
        assert!(pairings.offer(hall(u32::MAX - 1), NOW.plus(PAIRING_MS)).is_ok());
    }
}
