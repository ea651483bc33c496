//! The trainer's list: what needs a look, ranked by need. An item clears by itself after ten seconds inside,
//! and stays silent for three minutes after it was acknowledged.

use crate::time::ClassMs;
use fitconnect_protocol::class::{AttentionItem, AttentionKind, AttentionList};
use fitconnect_protocol::limits::ATTENTION_SHOWN;
use fitconnect_protocol::{Slot, UserId};
use std::collections::BTreeMap;

const CLEARS_AFTER_MS: i64 = 10_000;
const SILENT_MS: i64 = 180_000;
/// Ranks 1–3 that nobody answers go to the second trainer and the front desk.
const ESCALATES_AFTER_MS: i64 = 30_000;
const ESCALATING_RANK: u8 = 3;
/// Sensors lost within so long, so many of them, are one fault of the receiver.
const RECEIVER_WITHIN_MS: i64 = 10_000;
const RECEIVER_PEOPLE: usize = 5;
/// So many people out of target are one item: the target is wrong, or the room is tired.
const MANY_OUT: usize = 8;

/// Something that holds for somebody now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    pub kind: AttentionKind,
    pub slot: Slot,
    pub since: ClassMs,
}

/// What an item is about.
type Key = (AttentionKind, Option<Slot>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    id: u32,
    people: u16,
    since: ClassMs,
    raised: ClassMs,
    inside_since: Option<ClassMs>,
    acknowledged: Option<(UserId, ClassMs)>,
    escalated: bool,
}

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub raised: Vec<(AttentionKind, Option<Slot>)>,
    pub any: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attention {
    items: BTreeMap<Key, Item>,
    last_id: u32,
    /// Acknowledged at, by what and whom it was about.
    silenced: BTreeMap<Key, ClassMs>,
}

impl Attention {
    /// Ids go on from here: a desk may still hold those of the life before.
    pub fn begin_ids_at(&mut self, id: u32) {
        self.last_id = id;
    }

    /// Takes what holds at `at`. `trainer_away`: nobody looks at a desk now.
    pub fn update(&mut self, at: ClassMs, conditions: &[Condition], trainer_away: bool) -> Changed {
        let mut changed = Changed::default();
        let grouped = group(conditions);
        self.silenced.retain(|_, since| at - *since < SILENT_MS);
        for (key, item) in &mut self.items {
            match grouped.get(key) {
                Some((people, _)) => {
                    item.inside_since = None;
                    changed.any |= item.people != *people;
                    item.people = *people;
                }
                // A person who is now part of a group leaves its own line at once.
                None if is_grouped(key.0, &grouped) => item.inside_since = Some(at - CLEARS_AFTER_MS),
                None => item.inside_since = item.inside_since.or(Some(at)),
            }
            if item.acknowledged.is_some_and(|(_, since)| at - since >= SILENT_MS) {
                item.acknowledged = None;
                item.raised = at;
                changed.any = true;
            }
            let urgent = key.0.rank() <= ESCALATING_RANK && item.acknowledged.is_none() && item.inside_since.is_none();
            if urgent && !item.escalated && (trainer_away || at - item.raised >= ESCALATES_AFTER_MS) {
                item.escalated = true;
                changed.any = true;
            }
        }
        let before = self.items.len();
        self.items.retain(|_, item| item.inside_since.is_none_or(|since| at - since < CLEARS_AFTER_MS));
        changed.any |= self.items.len() != before;
        for (key, (people, since)) in grouped {
            if self.items.contains_key(&key) || self.silenced.contains_key(&key) {
                continue;
            }
            self.last_id = self.last_id.wrapping_add(1);
            let item = Item {
                id: self.last_id,
                people,
                since,
                raised: at,
                inside_since: None,
                acknowledged: None,
                escalated: trainer_away && key.0.rank() <= ESCALATING_RANK,
            };
            self.items.insert(key, item);
            changed.raised.push(key);
            changed.any = true;
        }
        changed
    }

    /// What an item is about, where it is still on the list.
    pub fn find(&self, id: u32) -> Option<Key> {
        self.items.iter().find(|(_, item)| item.id == id).map(|(key, _)| *key)
    }

    /// Somebody looks after it.
    pub fn acknowledge(&mut self, kind: AttentionKind, slot: Option<Slot>, by: UserId, at: ClassMs) {
        self.silenced.insert((kind, slot), at);
        if let Some(item) = self.items.get_mut(&(kind, slot)) {
            item.acknowledged = Some((by, at));
        }
    }

    /// The first rows: not acknowledged before acknowledged, then by rank, then the oldest.
    pub fn list(&self) -> AttentionList {
        let mut items: Vec<(&Key, &Item)> = self.items.iter().collect();
        items.sort_by_key(|(key, item)| (item.acknowledged.is_some(), key.0.rank(), item.since, item.id));
        let more = items.len().saturating_sub(ATTENTION_SHOWN) as u16;
        let shown = items.into_iter().take(ATTENTION_SHOWN).map(|((kind, slot), item)| AttentionItem {
            item: item.id,
            kind: *kind,
            slot: *slot,
            people: item.people,
            since: item.since,
            acknowledged_by: item.acknowledged.map(|(by, _)| by),
            escalated: item.escalated,
        });
        AttentionList { items: shown.collect(), more }
    }

    /// People on the shown part of the list: their rows are sent whatever their rank on the board.
    pub fn slots(&self) -> Vec<Slot> {
        self.list().items.iter().filter_map(|item| item.slot).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// How many people it is about, and since when, by what it is about.
type Grouped = BTreeMap<Key, (u16, ClassMs)>;

fn is_grouped(kind: AttentionKind, grouped: &Grouped) -> bool {
    let group = match kind {
        AttentionKind::SensorLost => AttentionKind::ReceiverLost,
        AttentionKind::OutOfTarget => AttentionKind::ManyOutOfTarget,
        AttentionKind::Sos
        | AttentionKind::Fell
        | AttentionKind::LostHigh
        | AttentionKind::OverMax
        | AttentionKind::High
        | AttentionKind::ReceiverLost
        | AttentionKind::ManyOutOfTarget => return false,
    };
    grouped.contains_key(&(group, None))
}

/// Many of a kind become one.
fn group(conditions: &[Condition]) -> Grouped {
    let of = |kind: AttentionKind| conditions.iter().filter(move |c| c.kind == kind);
    let mut lost: Vec<Condition> = of(AttentionKind::SensorLost).copied().collect();
    lost.sort_unstable_by_key(|c| (c.since, c.slot));
    let together = largest_burst(&lost).map(|(first, count)| &lost[first..first + count]);
    let out = of(AttentionKind::OutOfTarget).count();
    let mut grouped = Grouped::new();
    if let Some(burst) = together {
        grouped.insert((AttentionKind::ReceiverLost, None), (burst.len() as u16, burst[0].since));
    }
    if out >= MANY_OUT {
        let since = of(AttentionKind::OutOfTarget).map(|c| c.since).min();
        grouped.insert((AttentionKind::ManyOutOfTarget, None), (out as u16, since.unwrap_or_default()));
    }
    let in_burst = |c: &Condition| {
        together.is_some_and(|burst| (burst[0].since..=burst[burst.len() - 1].since).contains(&c.since))
    };
    for condition in conditions {
        let swallowed = match condition.kind {
            AttentionKind::SensorLost => in_burst(condition),
            AttentionKind::OutOfTarget => out >= MANY_OUT,
            AttentionKind::Sos
            | AttentionKind::Fell
            | AttentionKind::LostHigh
            | AttentionKind::OverMax
            | AttentionKind::High
            | AttentionKind::ReceiverLost
            | AttentionKind::ManyOutOfTarget => false,
        };
        if !swallowed {
            grouped.insert((condition.kind, Some(condition.slot)), (1, condition.since));
        }
    }
    grouped
}

/// First index and length of the largest group within [`RECEIVER_WITHIN_MS`], if it is large enough.
fn largest_burst(sorted: &[Condition]) -> Option<(usize, usize)> {
    let mut best = None;
    let mut end = 0;
    for first in 0..sorted.len() {
        end = end.max(first);
        while end < sorted.len() && sorted[end].since - sorted[first].since <= RECEIVER_WITHIN_MS {
            end += 1;
        }
        let count = end - first;
        if count >= RECEIVER_PEOPLE && best.is_none_or(|(_, most)| count > most) {
            best = Some((first, count));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttentionKind::*;

    fn of(kind: AttentionKind, slots: &[Slot]) -> Vec<Condition> {
        slots.iter().map(|slot| Condition { kind, slot: *slot, since: 0 }).collect()
    }

    fn lines(attention: &Attention) -> Vec<String> {
        let item = |item: &AttentionItem| {
            let who = item.slot.map_or(format!("{} people", item.people), |slot| slot.to_string());
            let marks = [("!", item.escalated), ("✓", item.acknowledged_by.is_some())];
            let marks: String = marks.iter().filter(|(_, on)| *on).map(|(mark, _)| *mark).collect();
            format!("{:?} {who}{marks}", item.kind)
        };
        attention.list().items.iter().map(item).collect()
    }

    #[test]
    fn an_item_is_ranked_and_clears_by_itself() {
        let mut attention = Attention::default();
        let both: Vec<_> = [of(High, &[1]), of(Sos, &[2])].concat();
        attention.update(0, &both, false);
        assert_eq!(lines(&attention), ["Sos 2", "High 1"]);
        attention.update(1_000, &of(Sos, &[2]), false);
        attention.update(10_000, &of(Sos, &[2]), false);
        assert_eq!(lines(&attention).len(), 2, "nine seconds inside");
        attention.update(11_000, &of(Sos, &[2]), false);
        assert_eq!(lines(&attention), ["Sos 2"]);
        attention.update(30_000, &of(Sos, &[2]), false);
        assert_eq!(lines(&attention), ["Sos 2!"], "nobody answered for 30 s");
    }

    #[test]
    fn an_acknowledged_item_is_silent_for_three_minutes() {
        let mut attention = Attention::default();
        attention.update(0, &of(High, &[1]), false);
        attention.acknowledge(High, Some(1), UserId(uuid()), 1_000);
        assert_eq!(lines(&attention), ["High 1✓"]);
        attention.update(2_000, &[], false);
        attention.update(12_000, &[], false);
        assert!(attention.is_empty());
        assert!(!attention.update(100_000, &of(High, &[1]), false).any, "within three minutes");
        assert_eq!(attention.update(181_000, &of(High, &[1]), false).raised, [(High, Some(1))]);
    }

    #[test]
    fn many_of_a_kind_are_one() {
        let mut attention = Attention::default();
        attention.update(0, &of(SensorLost, &[1, 2, 3, 4]), false);
        assert_eq!(lines(&attention).len(), 4);
        attention.update(1_000, &of(SensorLost, &[1, 2, 3, 4, 5]), false);
        assert_eq!(lines(&attention), ["ReceiverLost 5 people"]);
        let mut attention = Attention::default();
        attention.update(0, &of(OutOfTarget, &[1, 2, 3, 4, 5, 6, 7, 8]), false);
        assert_eq!(lines(&attention), ["ManyOutOfTarget 8 people"]);
    }

    #[test]
    fn without_a_trainer_it_goes_on_at_once() {
        let mut attention = Attention::default();
        attention.update(0, &[of(Fell, &[3]), of(High, &[4])].concat(), true);
        assert_eq!(lines(&attention), ["Fell 3!", "High 4"]);
    }

    fn uuid() -> fitconnect_protocol::Uuid {
        fitconnect_protocol::Uuid::from_u128(7)
    }
}
