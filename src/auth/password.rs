//! Passwords as argon2id hashes. A check costs about 20 MB and some tens of milliseconds of a core, so only a few run at once,
//! on threads that may block, and few wait for them.

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use fitconnect_protocol::limits::{LOGINS_WAITING_MAX, PASSWORD_BYTES_MAX};
use fitconnect_protocol::{ErrorCode, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Checks passwords, a few at a time.
pub struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Stands in for the hash of an account that is not there, so that both answers take as long.
    stand_in: Arc<str>,
}

impl Passwords {
    /// `at_once`: checks that run at the same time, one a core.
    pub fn new(at_once: usize) -> Passwords {
        let nobody: [u8; 16] = rand::random();
        let stand_in = hash(&String::from_utf8_lossy(&nobody)).into();
        Passwords { at_once: Arc::new(Semaphore::new(at_once.max(1))), waiting: Arc::default(), stand_in }
    }

    /// A hash of a new password; waits its turn like a check.
    pub async fn make(&self, password: String) -> Result<String, Refusal> {
        let _waits = Waits::enter(&self.waiting)?;
        let permit = self.at_once.clone().acquire_owned().await.expect("the semaphore is never closed");
        let made = tokio::task::spawn_blocking(move || {
            let made = hash(&password);
            drop(permit);
            made
        });
        made.await.map_err(|_| Refusal::new(ErrorCode::Internal, "the password's hash broke off"))
    }

    /// Whether this is the password behind the hash. Without a hash it is not, after as long a time.
    pub async fn check(&self, password: String, phc: Option<String>) -> Result<bool, Refusal> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(Refusal::new(
                ErrorCode::TooLarge,
                format!("a password has at most {PASSWORD_BYTES_MAX} bytes"),
            ));
        }
        let _waits = Waits::enter(&self.waiting)?;
        let permit = self.at_once.clone().acquire_owned().await.expect("the semaphore is never closed");
        let known = phc.is_some();
        let phc = phc.map_or_else(|| self.stand_in.clone(), Arc::from);
        let check = move || {
            let fits = fits(&password, &phc);
            drop(permit);
            fits
        };
        let fits = tokio::task::spawn_blocking(check).await;
        fits.map(|fits| fits && known).map_err(|_| Refusal::new(ErrorCode::Internal, "the password check broke off"))
    }
}

/// Argon2id with a random salt, as a PHC string. Blocks for some tens of milliseconds.
pub fn hash(password: &str) -> String {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.expect("the default parameters are valid and the system has random numbers").to_string()
}

/// Three groups of four letters and digits that are not mistaken for each other: 59 bits.
pub fn random() -> String {
    const LETTERS: &[u8; 30] = b"abcdefghjkmnpqrstuvwxyz2345678";
    let letter = || char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    let groups: Vec<String> = (0..3).map(|_| (0..4).map(|_| letter()).collect()).collect();
    groups.join("-")
}

/// Whether this is the password behind the hash. Blocks as long.
pub fn fits(password: &str, phc: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), phc).is_ok()
}

/// One of the few that may wait.
struct Waits(Arc<AtomicUsize>);

impl Waits {
    fn enter(waiting: &Arc<AtomicUsize>) -> Result<Waits, Refusal> {
        let waits = Waits(waiting.clone());
        if waiting.fetch_add(1, Ordering::Relaxed) >= LOGINS_WAITING_MAX {
            return Err(Refusal::new(ErrorCode::Busy, "too many log-ins at once").after(2_000));
        }
        Ok(waits)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_account_fits() {
        let passwords = Passwords::new(1);
        let phc = hash("correct horse");
        assert!(phc.starts_with("$argon2id$v=19$"), "{phc}");
        assert_eq!(passwords.check("correct horse".into(), Some(phc.clone())).await, Ok(true));
        assert_eq!(passwords.check("battery staple".into(), Some(phc)).await, Ok(false));
        assert_eq!(passwords.check("correct horse".into(), None).await, Ok(false));
        assert_eq!(passwords.check(String::new(), Some(String::new())).await, Ok(false), "no password was ever set");
    }

    #[tokio::test]
    async fn few_wait_and_the_rest_is_told_to_come_back() {
        let passwords = Arc::new(Passwords::new(1));
        let held = passwords.at_once.clone().acquire_owned().await.expect("open");
        let waiting: Vec<_> = (0..LOGINS_WAITING_MAX)
            .map(|_| {
                tokio::spawn({
                    let passwords = passwords.clone();
                    async move { passwords.check("x".repeat(PASSWORD_BYTES_MAX), None).await }
                })
            })
            .collect();
        while passwords.waiting.load(Ordering::Relaxed) < LOGINS_WAITING_MAX {
            tokio::task::yield_now().await;
        }
        let refused = passwords.check("x".into(), None).await.expect_err("too many");
        assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::Busy, Some(2_000)));
        for each in waiting {
            each.abort();
            assert!(each.await.is_err(), "it never ran");
        }
        drop(held);
        assert_eq!(passwords.check("x".into(), None).await, Ok(false), "those who left have made room");
    }

    #[tokio::test]
    async fn a_password_has_a_bound() {
        let refused = Passwords::new(1).check("x".repeat(PASSWORD_BYTES_MAX + 1), None).await;
        assert_eq!(refused.expect_err("too long").code, ErrorCode::TooLarge);
    }
}
