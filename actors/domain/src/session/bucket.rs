//! A token bucket: so many a second, and a burst. In thousandths of a token, so that nothing is lost to rounding.

use crate::Millis;

#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    per_s: u32,
    burst: u32,
    left: u64,
    at: Millis,
}

impl Bucket {
    pub fn new(per_s: u32, burst: u32, now: Millis) -> Bucket {
        Bucket { per_s, burst, left: u64::from(burst) * 1_000, at: now }
    }

    /// Takes one, or says after how many milliseconds there is one.
    pub fn take(&mut self, now: Millis) -> Result<(), u32> {
        let gained = now.since(self.at).saturating_mul(u64::from(self.per_s));
        self.left = self.left.saturating_add(gained).min(u64::from(self.burst) * 1_000);
        self.at = self.at.max(now);
        if self.left >= 1_000 {
            self.left -= 1_000;
            return Ok(());
        }
        Err((1_000 - self.left).div_ceil(u64::from(self.per_s)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_so_many_a_second() {
        let mut bucket = Bucket::new(10, 3, Millis(0));
        let taken = (0..5).filter(|_| bucket.take(Millis(0)).is_ok()).count();
        assert_eq!(taken, 3);
        assert_eq!(bucket.take(Millis(0)), Err(100));
        assert_eq!(bucket.take(Millis(99)), Err(1));
        assert_eq!(bucket.take(Millis(100)), Ok(()));
        assert_eq!(
            (0..100).filter(|ms| bucket.take(Millis(1_000_000 + ms / 50)).is_ok()).count(),
            3,
            "never more than the burst"
        );
        assert!(bucket.take(Millis(5)).is_err(), "a clock that stands still gives nothing");
    }
}
