//! Logging in by e-mail and password: limited by account and by address, and the same to look at whether or not the account is there.

use super::attempts::Attempts;
use super::password::Passwords;
use fitconnect_actors::ports::{Account, StateStore, StoreError};
use fitconnect_domain::Millis;
use fitconnect_protocol::limits::{EMAIL_BYTES_MAX, LOGINS_PER_MINUTE};
use fitconnect_protocol::{ErrorCode, Refusal};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub struct Logins {
    passwords: Passwords,
    attempts: Mutex<Attempts>,
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Logins {
    /// `at_once`: passwords that are checked at the same time, one a core.
    pub fn new(at_once: usize) -> Logins {
        Logins { passwords: Passwords::new(at_once), attempts: Mutex::new(Attempts::per_minute(LOGINS_PER_MINUTE)) }
    }

    /// The account of this e-mail, if that is its password.
    pub async fn login(
        &self,
        state: &dyn StateStore,
        email: &str,
        password: String,
        from: IpAddr,
        now: Millis,
    ) -> Result<Account, LoginError> {
        let email = normal(email)?;
        let from = network(from);
        self.take(from, &email, now)?;
        // An account without a password is only entered by token.
        let account = state.account_by_email(email.clone()).await?.filter(|account| !account.password.is_empty());
        let phc = account.as_ref().map(|account| account.password.clone());
        let fits = self.passwords.check(password, phc).await.map_err(LoginError::Refused)?;
        let Some(account) = account.filter(|_| fits) else {
            return Err(refused(ErrorCode::Unauthorised, "wrong e-mail or password"));
        };
        let mut attempts = self.attempts();
        attempts.give_back(from);
        attempts.give_back(email);
        Ok(account)
    }

    /// A hash of a new password, as a PHC string.
    pub async fn hash(&self, password: String) -> Result<String, Refusal> {
        self.passwords.make(password).await
    }

    /// Whether this is the account's password; an attempt like a log-in.
    pub async fn confirm(
        &self,
        account: &Account,
        password: String,
        from: IpAddr,
        now: Millis,
    ) -> Result<(), LoginError> {
        let (from, email) = (network(from), account.email.clone());
        self.take(from, &email, now)?;
        let phc = Some(account.password.clone()).filter(|phc| !phc.is_empty());
        if !self.passwords.check(password, phc).await.map_err(LoginError::Refused)? {
            return Err(refused(ErrorCode::Forbidden, "this is not the password now"));
        }
        let mut attempts = self.attempts();
        attempts.give_back(from);
        attempts.give_back(email);
        Ok(())
    }

    fn take(&self, from: IpAddr, email: &str, now: Millis) -> Result<(), LoginError> {
        let mut attempts = self.attempts();
        // The address first: one that is over its limit cannot shut out an account.
        let taken = attempts.take(from, now).and_then(|()| attempts.take(email, now));
        taken.map_err(|wait_ms| {
            LoginError::Refused(Refusal::new(ErrorCode::RateLimited, "too many attempts to log in").after(wait_ms))
        })
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(code: ErrorCode, message: &str) -> LoginError {
    LoginError::Refused(Refusal::new(code, message))
}

/// E-mails are kept and compared in lower case.
fn normal(email: &str) -> Result<String, LoginError> {
    let email = email.trim().to_lowercase();
    if email.is_empty() || email.len() > EMAIL_BYTES_MAX {
        return Err(refused(ErrorCode::Malformed, "email: an address of at most 254 bytes"));
    }
    Ok(email)
}

/// What counts as one address: a subscriber of IPv6 has a whole /64 of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => four.into(),
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_address() {
        let net = |text: &str| network(text.parse().expect(text));
        assert_eq!(net("2001:db8:1:2:3::4"), net("2001:db8:1:2:ffff::1"));
        assert_ne!(net("2001:db8:1:2::1"), net("2001:db8:1:3::1"));
        assert_eq!(net("::ffff:192.0.2.1"), net("192.0.2.1"));
        assert_ne!(net("192.0.2.1"), net("192.0.2.2"));
    }
}
