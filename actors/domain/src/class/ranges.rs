//! Which numbers have been seen: half-open ranges, merged as they touch. Loss, doubling and disorder of samples end here.

use fitconnect_protocol::limits::SEQ_RANGES_MAX;
use serde::{Deserialize, Serialize};

/// Ordered ranges that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    pub fn contains(&self, number: u32) -> bool {
        match self.0.last() {
            // Numbers come mostly in order: the last range answers.
            Some((from, to)) if *from <= number => number < *to,
            _ => self.0.iter().any(|(from, to)| *from <= number && number < *to),
        }
    }

    /// `false` where one more range would be too many.
    pub fn insert(&mut self, number: u32) -> bool {
        let next = number + 1;
        if let Some((from, to)) = self.0.last_mut()
            && *from <= number
        {
            if number < *to {
                return true;
            }
            if number == *to {
                *to = next;
                return true;
            }
        }
        let at = self.0.partition_point(|(from, _)| *from <= number);
        let touches_left = at > 0 && self.0[at - 1].1 >= number;
        if touches_left && self.0[at - 1].1 > number {
            return true;
        }
        let touches_right = self.0.get(at).is_some_and(|(from, _)| *from == next);
        match (touches_left, touches_right) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = next,
            (false, true) => self.0[at].0 = number,
            (false, false) if self.0.len() >= SEQ_RANGES_MAX => return false,
            (false, false) => self.0.insert(at, (number, next)),
        }
        true
    }

    /// Every number below this has been seen.
    pub fn through(&self) -> u32 {
        self.0.first().filter(|(from, _)| *from == 0).map_or(0, |(_, to)| *to)
    }

    /// The ranges beyond [`Ranges::through`].
    pub fn beyond(&self) -> &[(u32, u32)] {
        if self.through() > 0 { &self.0[1..] } else { &self.0 }
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| u64::from(to - from)).sum()
    }

    pub fn check_invariants(&self) {
        assert!(self.0.iter().all(|(from, to)| from < to), "an empty range: {:?}", self.0);
        assert!(self.0.windows(2).all(|pair| pair[0].1 < pair[1].0), "ranges that touch: {:?}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn equals_a_set(numbers in prop::collection::vec(0_u32..200, 0..300)) {
            let mut ranges = Ranges::default();
            let mut set = BTreeSet::new();
            for number in numbers {
                prop_assert!(ranges.insert(number));
                set.insert(number);
                ranges.check_invariants();
            }
            prop_assert_eq!(ranges.count(), set.len() as u64);
            for number in 0..201 {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
            let through = (0..).find(|n| !set.contains(n)).expect("an end");
            prop_assert_eq!(ranges.through(), through);
        }
    }

    #[test]
    fn holes_are_bounded() {
        let mut ranges = Ranges::default();
        let taken = (0..2_000).step_by(2).filter(|n| ranges.insert(*n)).count();
        assert_eq!(taken, SEQ_RANGES_MAX);
        assert!(ranges.insert(1), "filling a hole is always possible");
    }
}
