//! How often one has tried within the last minute: a sliding window over two counters a key, in bounded memory.

use fitconnect_domain::Millis;
use fitconnect_protocol::limits::LOGIN_KEYS_MAX;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

const MINUTE_MS: u64 = 60_000;

pub struct Attempts {
    per_minute: u32,
    hasher: RandomState,
    /// Attempts by key since `began`, and in the minute before it.
    fresh: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    began: Millis,
}

impl Attempts {
    /// So many attempts of each key.
    pub fn per_minute(per_minute: u32) -> Attempts {
        Attempts {
            per_minute,
            hasher: RandomState::new(),
            fresh: HashMap::new(),
            old: HashMap::new(),
            began: Millis(0),
        }
    }

    /// Counts an attempt of this key, or says in how many milliseconds the next one is allowed.
    pub fn take(&mut self, key: impl Hash, now: Millis) -> Result<(), u32> {
        self.turn(now);
        let key = self.hasher.hash_one(key);
        let since = now.since(self.began);
        let fresh = self.fresh.get(&key).copied().unwrap_or(0);
        let old = u64::from(self.old.get(&key).copied().unwrap_or(0));
        // The minute before counts for the part of it that the last 60 seconds still cover.
        let used = u64::from(fresh) + old * (MINUTE_MS - since) / MINUTE_MS;
        let full = fresh == 0 && self.fresh.len() >= LOGIN_KEYS_MAX;
        if used >= u64::from(self.per_minute) || full {
            return Err((MINUTE_MS - since).max(1) as u32);
        }
        *self.fresh.entry(key).or_default() += 1;
        Ok(())
    }

    /// An attempt that succeeded does not count: forty people behind one address may log in within a minute.
    pub fn give_back(&mut self, key: impl Hash) {
        if let Some(count) = self.fresh.get_mut(&self.hasher.hash_one(key)) {
            *count = count.saturating_sub(1);
        }
    }

    fn turn(&mut self, now: Millis) {
        let since = now.since(self.began);
        if since < MINUTE_MS {
            return;
        }
        let last = std::mem::take(&mut self.fresh);
        self.old = if since < 2 * MINUTE_MS { last } else { HashMap::new() };
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::limits::LOGINS_PER_MINUTE;

    fn taken(attempts: &mut Attempts, key: &str, at: u64, times: u32) -> u32 {
        (0..times).filter(|_| attempts.take(key, Millis(at)).is_ok()).count() as u32
    }

    #[test]
    fn a_key_has_its_number_a_minute_and_others_have_theirs() {
        let mut attempts = Attempts::per_minute(LOGINS_PER_MINUTE);
        assert_eq!(taken(&mut attempts, "ana", 1_000_000, 50), LOGINS_PER_MINUTE);
        assert_eq!(attempts.take("ana", Millis(1_010_000)), Err(50_000), "how long to wait");
        assert_eq!(taken(&mut attempts, "bo", 1_010_000, 50), LOGINS_PER_MINUTE);
    }

    #[test]
    fn the_window_slides_and_then_forgets() {
        let mut attempts = Attempts::per_minute(LOGINS_PER_MINUTE);
        taken(&mut attempts, "ana", 1_000_000, 10);
        assert_eq!(taken(&mut attempts, "ana", 1_060_000, 50), 0, "the turn of the minute is no second chance");
        assert_eq!(taken(&mut attempts, "ana", 1_090_000, 50), LOGINS_PER_MINUTE / 2);
        assert_eq!(taken(&mut attempts, "ana", 1_400_000, 50), LOGINS_PER_MINUTE);
    }

    #[test]
    fn success_gives_its_attempt_back() {
        let mut attempts = Attempts::per_minute(LOGINS_PER_MINUTE);
        for _ in 0..100 {
            assert_eq!(attempts.take("hall", Millis(5)), Ok(()));
            attempts.give_back("hall");
        }
    }

    #[test]
    fn memory_is_bounded_by_refusing_keys_that_are_new() {
        let mut attempts = Attempts::per_minute(LOGINS_PER_MINUTE);
        assert_eq!(attempts.take("known", Millis(0)), Ok(()));
        for key in 1..LOGIN_KEYS_MAX {
            assert_eq!(attempts.take(key, Millis(0)), Ok(()));
        }
        assert!(attempts.take("new", Millis(0)).is_err());
        assert_eq!(attempts.take("known", Millis(0)), Ok(()));
        assert_eq!(attempts.fresh.len(), LOGIN_KEYS_MAX);
    }
}
