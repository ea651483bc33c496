//! One sensor of a rider: walks its track in the receiver's time and fills the outbox.

use super::Worn;
use crate::faults::Dice;
use crate::outbox::{Batch, FRAME_ROWS_MAX, Outbox};
use crate::people::Person;
use fitconnect_protocol::limits::SAMPLE_SOURCES_MAX;
use fitconnect_protocol::sample::Row;
use std::sync::Arc;

/// Runs of consecutive rows in one frame: each is an entry of the batch.
pub(super) const RUNS_MAX: usize = SAMPLE_SOURCES_MAX;

pub(super) struct Feed {
    pub outbox: Outbox,
    track: Arc<Person>,
    from_ms: u32,
    next: usize,
    /// Receiver's time of the track's first row.
    zero: u32,
    /// Receiver's time of the last row.
    pub last_ms: Option<u32>,
    pub silent: bool,
    pub instead: Option<u16>,
}

impl Feed {
    pub fn new(worn: &Worn) -> Feed {
        Feed {
            outbox: Outbox::new(worn.sensor.source),
            track: worn.track.clone(),
            from_ms: worn.from_ms,
            next: worn.track.rows.partition_point(|row| row.ms < worn.from_ms),
            zero: 0,
            last_ms: None,
            silent: false,
            instead: None,
        }
    }

    pub fn begin(&mut self, zero: u32) {
        self.zero = zero;
    }

    pub fn is_over(&self) -> bool {
        self.next >= self.track.rows.len()
    }

    /// Takes every row up to the receiver's time.
    pub fn measure(&mut self, receiver_ms: u32, dice: &mut Dice, again: bool) {
        loop {
            if self.is_over() && again && !self.track.rows.is_empty() {
                self.zero += self.track.length_ms.max(1).saturating_sub(self.from_ms).max(1);
                (self.from_ms, self.next) = (0, 0);
            }
            let Some(row) = self.track.rows.get(self.next) else { return };
            let at = self.zero + row.ms.saturating_sub(self.from_ms);
            if at > receiver_ms {
                return;
            }
            self.next += 1;
            let Some(measured) = dice.faults.measured(row.clone()).filter(|_| !self.silent) else { continue };
            let due =
                if dice.faults.is_held_back(row.ms) { u32::MAX } else { receiver_ms.saturating_add(dice.delay_ms()) };
            let bpm = self.instead.unwrap_or(measured.bpm);
            self.outbox.push(Row { ms: at, bpm, ..measured }, due);
            self.last_ms = Some(at);
        }
    }
}

/// What all sensors have to send now, in one frame.
pub(super) fn batch(feeds: &mut [Feed], receiver_ms: u32, real_ms: f64) -> Batch {
    let mut batch = Batch::default();
    for feed in feeds {
        feed.outbox.take_due(receiver_ms, real_ms, FRAME_ROWS_MAX - batch.rows, RUNS_MAX, &mut batch);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Faults;
    use fitconnect_protocol::SourceId;
    use fitconnect_protocol::class::{Sensor, SourceKind};
    use fitconnect_protocol::sample::SourceRows;

    fn feed(from_ms: u32) -> Feed {
        let rows =
            (0..10).map(|second| Row { ms: second * 1_000, bpm: 100 + second as u16, ..Row::default() }).collect();
        let track = Arc::new(Person { name: "ten".into(), rows, length_ms: 10_000 });
        let sensor = Sensor { source: SourceId::new(1).expect("small"), kind: SourceKind::Strap };
        Feed::new(&Worn { sensor, track, from_ms })
    }

    /// `ms:bpm` of all that is due.
    fn sent(feed: &mut Feed, receiver_ms: u32) -> Vec<String> {
        let batch = batch(std::slice::from_mut(feed), receiver_ms, 0.0);
        let rows = batch.sources.iter().flat_map(|SourceRows(_, _, rows)| rows);
        rows.map(|row| format!("{}:{}", row.ms, row.bpm)).collect()
    }

    #[test]
    fn rows_come_when_the_receivers_clock_reaches_them_and_the_track_begins_again() {
        let (mut feed, mut dice) = (feed(8_000), Dice::new(Faults::default(), 1));
        feed.begin(500);
        feed.measure(499, &mut dice, true);
        assert_eq!(sent(&mut feed, 499), [""; 0]);
        feed.measure(1_500, &mut dice, true);
        assert_eq!(sent(&mut feed, 1_500), ["500:108", "1500:109"]);
        feed.measure(3_500, &mut dice, true);
        assert_eq!(sent(&mut feed, 3_500), ["2500:100", "3500:101"]);
        assert!(!feed.is_over());
    }

    #[test]
    fn what_is_held_back_waits_for_its_release_and_a_silent_sensor_leaves_no_row() {
        let faults = Faults { hold_back_from_ms: Some(8_000), ..Faults::default() };
        let (mut feed, mut dice) = (feed(6_000), Dice::new(faults, 1));
        feed.silent = true;
        feed.measure(0, &mut dice, false);
        feed.silent = false;
        feed.measure(99_000, &mut dice, false);
        assert!(feed.is_over());
        assert_eq!(sent(&mut feed, 99_000), ["1000:107"]);
        feed.outbox.release(99_000);
        assert_eq!(sent(&mut feed, 99_000), ["2000:108", "3000:109"]);
        assert_eq!(feed.last_ms, Some(3_000));
    }

    #[test]
    fn a_frame_holds_no_more_runs_than_the_server_takes() {
        let faults = Faults { disorder_ms: 60_000, ..Faults::default() };
        let rows = (0..400).map(|second| Row { ms: second * 10, bpm: 100, ..Row::default() }).collect();
        let track = Arc::new(Person { name: "fast".into(), rows, length_ms: 4_000 });
        let sensor = Sensor { source: SourceId::new(1).expect("small"), kind: SourceKind::Strap };
        let mut feed = Feed::new(&Worn { sensor, track, from_ms: 0 });
        feed.measure(4_000, &mut Dice::new(faults, 3), false);
        let mut rows = 0;
        loop {
            let batch = batch(std::slice::from_mut(&mut feed), 34_000, 0.0);
            assert!(batch.sources.len() <= RUNS_MAX);
            rows += batch.rows;
            if batch.rows == 0 {
                break;
            }
        }
        assert!((150..250).contains(&rows), "about half are due: {rows}");
    }
}
