//! The order of letters: those of one actor to another arrive as they were written. One of a pair is under way at a time, the next
//! goes when it has been handled for good. The rows of the store are the truth; this is what of them the process knows.

use crate::ports::StoredLetter;
use fitconnect_domain::{ActorKey, Letter, LetterId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// Letters known at one time. Above it they wait in the store, and none is delivered ahead of the scan.
const KNOWN_MAX: usize = 65_536;

struct Known {
    letter: Letter,
    /// The round of the scan in which it was seen or written.
    round: u64,
    /// No older one of the pair lies in the store without being known.
    placed: bool,
}

#[derive(Default)]
struct Inner {
    /// By receiver, sender and age.
    known: BTreeMap<(ActorKey, LetterId), Known>,
    round: u64,
    /// Everything that the store holds is known: what is newer may go at once.
    whole: bool,
    overflowed: bool,
    /// Senders that may have written what they do not know of, and since which round.
    doubted: BTreeMap<ActorKey, u64>,
}

#[derive(Default)]
pub struct Letters(Mutex<Inner>);

impl Letters {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics while holding the letters")
    }

    /// A letter has been committed by its sender. Returned where no older one of the pair is under way.
    pub fn written(&self, letter: StoredLetter) -> Option<StoredLetter> {
        let mut inner = self.inner();
        let placed = inner.whole && !inner.doubted.contains_key(&letter.id.from);
        (inner.note(&letter, placed) && inner.is_first(letter.letter.to, letter.id)).then_some(letter)
    }

    /// A page of the letters that wait, in order of their ids. Returns those to be delivered, once more if need be.
    pub fn found(&self, letters: Vec<StoredLetter>) -> Vec<StoredLetter> {
        let mut inner = self.inner();
        let round = inner.round;
        let goes = |letter: &StoredLetter| {
            // A page of the round in which the doubt arose may have been read before that.
            let placed = inner.doubted.get(&letter.id.from) != Some(&round);
            inner.note(letter, placed) && inner.is_first(letter.letter.to, letter.id)
        };
        letters.into_iter().filter(goes).collect()
    }

    /// The scan has seen every row: what it has not seen is no longer there.
    pub fn round_ended(&self) {
        let mut inner = self.inner();
        let round = inner.round;
        inner.known.retain(|_, known| known.round == round);
        inner.whole = !std::mem::take(&mut inner.overflowed);
        inner.doubted.retain(|_, since| *since == round);
        inner.round += 1;
    }

    /// A commit of this actor may have written letters without its knowing. What it writes next waits until a whole round has seen them.
    pub fn doubt(&self, from: ActorKey) {
        let mut inner = self.inner();
        let round = inner.round;
        inner.doubted.insert(from, round);
    }

    /// These have been handled, and that is committed. Returns those that are next.
    pub fn handled(&self, to: ActorKey, ids: &[LetterId]) -> Vec<StoredLetter> {
        let mut inner = self.inner();
        for id in ids {
            inner.known.remove(&(to, *id));
        }
        let mut next: Vec<StoredLetter> = ids.iter().filter_map(|id| inner.first(to, id.from)).collect();
        next.dedup_by_key(|letter| letter.id);
        next
    }
}

impl Inner {
    /// `false`: there is no room for it, or it may not be the next of its pair.
    fn note(&mut self, StoredLetter { id, letter }: &StoredLetter, placed: bool) -> bool {
        let (key, round) = ((letter.to, *id), self.round);
        if let Some(known) = self.known.get_mut(&key) {
            known.round = round;
            known.placed |= placed;
            return known.placed;
        }
        if self.known.len() >= KNOWN_MAX {
            (self.whole, self.overflowed) = (false, true);
            return false;
        }
        self.known.insert(key, Known { letter: letter.clone(), round, placed });
        placed
    }

    fn first(&self, to: ActorKey, from: ActorKey) -> Option<StoredLetter> {
        let id = |rev, number| (to, LetterId { from, rev, number });
        let (key, known) =
            self.known.range(id(0, 0)..=id(u64::MAX, u32::MAX)).next().filter(|(_, known)| known.placed)?;
        Some(StoredLetter { id: key.1, letter: known.letter.clone() })
    }

    fn is_first(&self, to: ActorKey, id: LetterId) -> bool {
        let (oldest, newest) = (LetterId { rev: 0, number: 0, ..id }, id);
        self.known.range((to, oldest)..(to, newest)).next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_domain::LetterBody;
    use fitconnect_protocol::{ClassId, UserId, Uuid};

    const CLASS: ActorKey = ActorKey::Class(ClassId(Uuid::from_u128(1)));
    const ANA: ActorKey = ActorKey::User(UserId(Uuid::from_u128(2)));
    const BEN: ActorKey = ActorKey::User(UserId(Uuid::from_u128(3)));

    fn letter(from: ActorKey, rev: u64) -> StoredLetter {
        let body = LetterBody::LeftClass { class: ClassId(Uuid::from_u128(1)) };
        StoredLetter { id: LetterId { from, rev, number: 0 }, letter: Letter { to: CLASS, body } }
    }

    fn revs(letters: &[StoredLetter]) -> Vec<u64> {
        letters.iter().map(|letter| letter.id.rev).collect()
    }

    #[test]
    fn one_of_a_pair_is_under_way_at_a_time() {
        let letters = Letters::default();
        assert!(letters.written(letter(ANA, 1)).is_none(), "older rows may wait in the store");
        assert_eq!(revs(&letters.found(vec![letter(ANA, 1)])), [1]);
        letters.round_ended();
        assert!(letters.written(letter(ANA, 2)).is_none(), "the first has not been handled");
        assert!(letters.written(letter(BEN, 1)).is_some(), "another's are another matter");
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 1).id])), [2]);
        assert_eq!(revs(&letters.found(vec![letter(ANA, 2), letter(ANA, 3)])), [2], "again, and in order");
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 2).id, letter(ANA, 3).id])), [0_u64; 0]);
    }

    #[test]
    fn nothing_overtakes_a_letter_that_its_sender_does_not_know_of() {
        let letters = Letters::default();
        letters.round_ended();
        letters.doubt(ANA);
        assert!(letters.written(letter(ANA, 2)).is_none());
        letters.round_ended();
        assert!(letters.written(letter(ANA, 3)).is_none(), "that round may have begun before");
        assert_eq!(revs(&letters.found(vec![letter(ANA, 1), letter(ANA, 2), letter(ANA, 3)])), [1]);
        letters.round_ended();
        letters.handled(CLASS, &[1, 2, 3].map(|rev| letter(ANA, rev).id));
        assert!(letters.written(letter(ANA, 4)).is_some());
    }

    #[test]
    fn what_is_handled_makes_no_way_for_one_that_may_not_be_the_next() {
        let letters = Letters::default();
        letters.round_ended();
        assert!(letters.written(letter(ANA, 1)).is_some());
        // The second has been committed, and its sender fell before it knew.
        letters.doubt(ANA);
        assert!(letters.written(letter(ANA, 3)).is_none());
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 1).id])), [0_u64; 0]);
        assert_eq!(revs(&letters.found(vec![letter(ANA, 3)])), [0_u64; 0], "a page that may have been read before");
        letters.round_ended();
        assert_eq!(revs(&letters.found(vec![letter(ANA, 2), letter(ANA, 3)])), [2]);
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 2).id])), [3]);
    }

    #[test]
    fn before_the_store_has_been_read_nothing_overtakes_what_waits_in_it() {
        let letters = Letters::default();
        assert_eq!(revs(&letters.found(vec![letter(ANA, 1)])), [1]);
        // The second lies on the page that comes next.
        assert!(letters.written(letter(ANA, 3)).is_none());
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 1).id])), [0_u64; 0]);
        assert_eq!(revs(&letters.found(vec![letter(ANA, 2), letter(ANA, 3)])), [2]);
        assert_eq!(revs(&letters.handled(CLASS, &[letter(ANA, 2).id])), [3]);
    }

    #[test]
    fn what_the_store_no_longer_holds_bars_nobody() {
        let letters = Letters::default();
        letters.found(vec![letter(ANA, 1)]);
        letters.round_ended();
        // Handled by a commit whose outcome nobody knew: the next round does not see it.
        letters.found(vec![letter(ANA, 2)]);
        letters.round_ended();
        assert_eq!(revs(&letters.found(vec![letter(ANA, 2)])), [2]);
    }
}
