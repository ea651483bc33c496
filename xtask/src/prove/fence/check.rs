//! What must hold between what clients saw acknowledged and what is stored.

use crate::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A message that a client saw acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    pub class: u64,
    pub message: u128,
    pub number: u64,
    pub began: Instant,
    pub ended: Instant,
}

/// A stored change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub class: u64,
    pub number: u64,
    pub message: u128,
    pub epoch: u64,
}

impl Row {
    pub fn parse(line: &str) -> Result<Row> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [class, number, message, epoch] = words[..] else { return Err(format!("{line:?} is no change").into()) };
        let (class, number, message, epoch) = (class.parse()?, number.parse()?, message.parse()?, epoch.parse()?);
        Ok(Row { class, number, message, epoch })
    }
}

/// How often each promise was broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    pub lost: usize,
    pub doubled: usize,
    pub numbers_twice: usize,
    pub gaps: usize,
    pub epochs_back: usize,
    /// A message that was begun after another's acknowledgement has a lower number.
    pub order: usize,
}

impl Violations {
    pub fn sum(&self) -> usize {
        self.lost + self.doubled + self.numbers_twice + self.gaps + self.epochs_back + self.order
    }
}

pub fn check(acks: &[Ack], rows: &[Row]) -> Violations {
    let mut found = Violations::default();
    let stored: BTreeSet<(u64, u128, u64)> = rows.iter().map(|row| (row.class, row.message, row.number)).collect();
    found.lost = acks.iter().filter(|ack| !stored.contains(&(ack.class, ack.message, ack.number))).count();
    let mut by_class: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    rows.iter().for_each(|row| by_class.entry(row.class).or_default().push(*row));
    for rows in by_class.values_mut() {
        rows.sort_unstable_by_key(|row| (row.number, row.epoch));
        let messages: BTreeSet<u128> = rows.iter().map(|row| row.message).collect();
        let numbers: BTreeSet<u64> = rows.iter().map(|row| row.number).collect();
        found.doubled += rows.len() - messages.len();
        found.numbers_twice += rows.len() - numbers.len();
        found.gaps += numbers.iter().zip(1..).filter(|(number, wanted)| **number != *wanted).count().min(1);
        found.epochs_back += rows.windows(2).filter(|pair| pair[1].epoch < pair[0].epoch).count();
    }
    let mut by_class: BTreeMap<u64, Vec<Ack>> = BTreeMap::new();
    acks.iter().for_each(|ack| by_class.entry(ack.class).or_default().push(*ack));
    for acks in by_class.values() {
        let (mut begun, mut ended) = (acks.clone(), acks.clone());
        begun.sort_unstable_by_key(|ack| ack.began);
        ended.sort_unstable_by_key(|ack| ack.ended);
        let (mut seen, mut highest) = (0, 0);
        for ack in begun {
            while let Some(before) = ended.get(seen).filter(|before| before.ended < ack.began) {
                highest = highest.max(before.number);
                seen += 1;
            }
            found.order += usize::from(ack.number <= highest);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn row(number: u64, message: u128, epoch: u64) -> Row {
        Row { class: 0, number, message, epoch }
    }

    #[test]
    fn each_violation_is_seen() {
        let now = Instant::now();
        let ack = |message, number, began, ended| {
            let at = |ms| now + Duration::from_millis(ms);
            Ack { class: 0, message, number, began: at(began), ended: at(ended) }
        };
        let good = [row(1, 10, 1), row(2, 11, 1), row(3, 12, 2)];
        assert_eq!(check(&[ack(10, 1, 0, 1), ack(11, 2, 2, 3)], &good), Violations::default());
        assert_eq!(check(&[ack(13, 4, 0, 1)], &good).lost, 1);
        assert_eq!(check(&[], &[row(1, 10, 1), row(2, 10, 1)]).doubled, 1);
        assert_eq!(check(&[], &[row(1, 10, 1), row(1, 11, 1)]).numbers_twice, 1);
        assert_eq!(check(&[], &[row(1, 10, 1), row(3, 11, 1)]).gaps, 1);
        assert_eq!(check(&[], &[row(1, 10, 2), row(2, 11, 1)]).epochs_back, 1);
        assert_eq!(check(&[ack(11, 2, 0, 1), ack(10, 1, 2, 3)], &good).order, 1);
    }
}
