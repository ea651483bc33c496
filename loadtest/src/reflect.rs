//! How long until one's own board shows a sample, defined so that nothing is guessed.
//!
//! A sample is *visible* where its heart rate differs from the one before it. Its latency runs from the moment its frame was
//! written to the arrival of the first own-board frame that shows its heart rate, or that of a later visible sample. Samples
//! that are not visible have no such moment; how long they wait is told by their acknowledgement, which is measured of all.

/// Visible samples that wait at most. A rider that is further behind loses the oldest, and it is counted.
const WAITING_MAX: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
pub struct Reflection {
    last_bpm: u8,
    waiting: [(u8, u64); WAITING_MAX],
    count: u8,
}

/// Latencies of the samples that a frame showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownAfter {
    latencies_us: [u64; WAITING_MAX],
    count: u8,
}

impl ShownAfter {
    pub fn as_slice(&self) -> &[u64] {
        &self.latencies_us[..usize::from(self.count)]
    }
}

impl Reflection {
    /// A sample left. Gives the time of one that had to make room: it waited longer than until now.
    pub fn sent(&mut self, bpm: u8, at_us: u64) -> Option<u64> {
        if bpm == 0 || bpm == self.last_bpm {
            return None;
        }
        self.last_bpm = bpm;
        let mut dropped = None;
        if usize::from(self.count) == WAITING_MAX {
            dropped = Some(self.waiting[0].1);
            self.waiting.copy_within(1.., 0);
            self.count -= 1;
        }
        self.waiting[usize::from(self.count)] = (bpm, at_us);
        self.count += 1;
        dropped
    }

    /// The own board shows this heart rate.
    pub fn shown(&mut self, bpm: Option<u8>, at_us: u64) -> ShownAfter {
        let mut shown = ShownAfter::default();
        let waiting = &self.waiting[..usize::from(self.count)];
        let Some(newest) = waiting.iter().position(|(waits, _)| Some(*waits) == bpm) else { return shown };
        for (to, (_, sent_at)) in shown.latencies_us.iter_mut().zip(&waiting[..=newest]) {
            *to = at_us.saturating_sub(*sent_at);
        }
        shown.count = newest as u8 + 1;
        self.waiting.copy_within(newest + 1.., 0);
        self.count -= shown.count;
        shown
    }

    /// Nothing that was sent before is waited for: the socket was lost.
    pub fn forget(&mut self) {
        *self = Reflection::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_changed_heart_rate_is_waited_for_and_only_its_own_frame_ends_the_wait() {
        let mut mine = Reflection::default();
        mine.sent(120, 1_000);
        mine.sent(120, 1_001_000);
        assert_eq!(mine.shown(Some(119), 1_500).as_slice(), [] as [u64; 0], "a frame from before");
        assert_eq!(mine.shown(None, 1_600).as_slice(), [] as [u64; 0]);
        assert_eq!(mine.shown(Some(120), 301_000).as_slice(), [300_000]);
        assert_eq!(mine.shown(Some(120), 900_000).as_slice(), [] as [u64; 0], "once");
    }

    #[test]
    fn a_later_sample_ends_the_wait_of_those_before_it() {
        let mut mine = Reflection::default();
        for (bpm, at) in [(120, 0), (121, 10), (122, 20)] {
            mine.sent(bpm, at);
        }
        assert_eq!(mine.shown(Some(121), 100).as_slice(), [100, 90]);
        assert_eq!(mine.shown(Some(122), 200).as_slice(), [180]);
    }

    #[test]
    fn one_that_is_never_shown_is_given_back() {
        let mut mine = Reflection::default();
        let dropped: Vec<Option<u64>> = (0..6).map(|n| mine.sent(100 + n, u64::from(n))).collect();
        assert_eq!(dropped, [None, None, None, None, Some(0), Some(1)]);
        mine.sent(0, 9);
        assert_eq!(mine.shown(Some(105), 10).as_slice().len(), 4);
    }
}
