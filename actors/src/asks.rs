//! Those who wait for an actor's answers, in the order in which they asked. Not a tree: one that was used once keeps a node of more
//! than a kilobyte, in each of ten thousand actors.

use fitconnect_domain::AskId;
use std::collections::VecDeque;

/// Numbers grow with each ask, and most answers come in that order.
pub struct Asks<T>(VecDeque<(AskId, T)>);

impl<T> Default for Asks<T> {
    fn default() -> Self {
        Asks(VecDeque::new())
    }
}

impl<T> Asks<T> {
    /// `ask` is larger than every number before it.
    pub fn insert(&mut self, ask: AskId, asked: T) {
        debug_assert!(self.0.back().is_none_or(|(last, _)| *last < ask), "asks are numbered in order");
        self.0.push_back((ask, asked));
    }

    fn place(&self, ask: AskId) -> Option<usize> {
        self.0.binary_search_by_key(&ask, |(known, _)| *known).ok()
    }

    pub fn get_mut(&mut self, ask: AskId) -> Option<&mut T> {
        let place = self.place(ask)?;
        Some(&mut self.0[place].1)
    }

    pub fn remove(&mut self, ask: AskId) -> Option<T> {
        let place = self.place(ask)?;
        let (_, asked) = self.0.remove(place)?;
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        Some(asked)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.0).into_iter().map(|(_, asked)| asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_is_answered_once_in_any_order() {
        let mut asks = Asks::default();
        (1..=4).for_each(|number| asks.insert(AskId(number), number * 10));
        assert_eq!(
            (asks.remove(AskId(3)), asks.remove(AskId(3)), asks.get_mut(AskId(1))),
            (Some(30), None, Some(&mut 10))
        );
        asks.insert(AskId(9), 90);
        assert_eq!((asks.remove(AskId(1)), asks.remove(AskId(9)), asks.get_mut(AskId(5))), (Some(10), Some(90), None));
        assert_eq!(asks.take_all().collect::<Vec<_>>(), [20, 40]);
        assert!(asks.is_empty());
    }
}
