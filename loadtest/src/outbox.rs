//! What one sensor has measured and the server has not acknowledged: the memory of a phone that loses nothing.
//! Knows no socket and no clock; times come in as arguments. The rider owns one for each sensor.

use fitconnect_protocol::sample::{Row, SourceAcked, SourceRows};
use fitconnect_protocol::{Seq, SourceId};
use std::collections::VecDeque;

/// Rows kept for one sensor: four hours at 1 Hz. Above it the newest are refused: what was measured first matters most.
pub const OUTBOX_ROWS_MAX: usize = 4 * 3600;
/// Rows of one frame: with RR intervals they fit a frame twice.
pub const FRAME_ROWS_MAX: usize = 600;
/// After so long without an acknowledgement a row is sent again, real time.
pub const RESEND_MS: f64 = 5_000.0;

#[derive(Clone, Debug)]
struct Kept {
    seq: Seq,
    row: Row,
    /// Not before: milliseconds of the receiver's clock. Disorder and holding back move it.
    due_ms: u32,
    /// When it was last handed out, real milliseconds.
    sent_at: Option<f64>,
    sendings: u32,
}

/// What `take_due` hands out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub sources: Vec<SourceRows>,
    /// Rows in it, and how many of them were sent before.
    pub rows: usize,
    pub again: usize,
}

#[derive(Clone, Debug)]
pub struct Outbox {
    pub source: SourceId,
    next: Seq,
    kept: VecDeque<Kept>,
    acked: Acknowledged,
    refused: u64,
}

/// Numbers that the server has said are on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged {
    pub through: Seq,
    /// Half-open, apart, above `through`.
    pub ranges: Vec<(Seq, Seq)>,
}

impl Acknowledged {
    pub fn holds(&self, seq: Seq) -> bool {
        seq < self.through || self.ranges.iter().any(|(from, to)| (*from..*to).contains(&seq))
    }
    pub fn count(&self) -> u64 {
        u64::from(self.through) + self.ranges.iter().map(|(from, to)| u64::from(to - from)).sum::<u64>()
    }
}

impl Outbox {
    pub fn new(source: SourceId) -> Outbox {
        Outbox { source, next: 0, kept: VecDeque::new(), acked: Acknowledged::default(), refused: 0 }
    }

    /// Takes a measured row, to be sent from `due_ms` of the receiver's clock on. False where there is no room.
    pub fn push(&mut self, row: Row, due_ms: u32) -> bool {
        if self.kept.len() >= OUTBOX_ROWS_MAX {
            self.refused += 1;
            return false;
        }
        self.kept.push_back(Kept { seq: self.next, row, due_ms, sent_at: None, sendings: 0 });
        self.next += 1;
        true
    }

    /// Rows that should go out now: new ones that are due, and old ones that nobody acknowledged in time.
    /// The frame still takes `rows` rows, and `runs` runs of consecutive ones in all.
    pub fn take_due(&mut self, receiver_ms: u32, real_ms: f64, rows: usize, runs: usize, batch: &mut Batch) {
        let resend = |kept: &Kept| kept.sent_at.is_none_or(|at| real_ms - at >= RESEND_MS);
        for kept in self.kept.iter_mut().filter(|kept| kept.due_ms <= receiver_ms && resend(kept)).take(rows) {
            let room = batch.sources.len() < runs;
            let follows = |run: &&mut SourceRows| run.0 == self.source && run.1 + run.2.len() as Seq == kept.seq;
            let run = batch.sources.last_mut().filter(follows);
            match run {
                Some(SourceRows(_, _, rows)) => rows.push(kept.row.clone()),
                None if !room => return,
                None => batch.sources.push(SourceRows(self.source, kept.seq, vec![kept.row.clone()])),
            }
            batch.again += usize::from(kept.sendings > 0);
            batch.rows += 1;
            kept.sent_at = Some(real_ms);
            kept.sendings += 1;
        }
    }

    /// Everything that waits is sent again at once: the socket is a new one.
    pub fn reconnected(&mut self) {
        for kept in &mut self.kept {
            kept.sent_at = None;
        }
    }

    /// Rows that were refused with `busy` or a like word are sent again a second from now, not sooner.
    pub fn unwanted(&mut self, real_ms: f64) {
        for kept in self.kept.iter_mut().filter(|kept| kept.sent_at.is_some()) {
            kept.sent_at = Some(real_ms - RESEND_MS + 1_000.0);
        }
    }

    /// Drops what is on the server's disk and gives the numbers newly acknowledged.
    pub fn acknowledged(&mut self, SourceAcked(source, through, ranges): &SourceAcked) -> Vec<Seq> {
        if *source != self.source {
            return Vec::new();
        }
        let known = Acknowledged { through: self.acked.through.max(*through), ranges: ranges.clone() };
        let mut new = Vec::new();
        self.kept.retain(|kept| {
            let gone = known.holds(kept.seq);
            if gone {
                new.push(kept.seq);
            }
            !gone
        });
        self.acked.through = known.through;
        for range in known.ranges {
            self.acked.add(range);
        }
        self.acked.tidy();
        new
    }

    /// Lets rows that were held back until now go.
    pub fn release(&mut self, receiver_ms: u32) {
        for kept in &mut self.kept {
            kept.due_ms = kept.due_ms.min(receiver_ms);
        }
    }

    pub fn on_disk(&self) -> &Acknowledged {
        &self.acked
    }
    /// Rows without an acknowledgement.
    pub fn waiting(&self) -> usize {
        self.kept.len()
    }
    /// Rows measured, without those refused for want of room.
    pub fn measured(&self) -> Seq {
        self.next
    }
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Acknowledged {
    fn add(&mut self, (from, to): (Seq, Seq)) {
        if from < to {
            self.ranges.push((from, to));
        }
    }

    /// Joins what touches.
    fn tidy(&mut self) {
        self.ranges.sort_unstable();
        let mut tidy: Vec<(Seq, Seq)> = Vec::with_capacity(self.ranges.len());
        for (from, to) in self.ranges.drain(..) {
            if from <= self.through {
                self.through = self.through.max(to);
                continue;
            }
            match tidy.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => tidy.push((from, to)),
            }
        }
        self.ranges = tidy;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceId {
        SourceId::new(5).expect("small")
    }

    fn filled(rows: u32) -> Outbox {
        let mut outbox = Outbox::new(source());
        for ms in 0..rows {
            assert!(outbox.push(Row { ms, bpm: 100, ..Row::default() }, ms * 1_000));
        }
        outbox
    }

    /// `first+length` of each run handed out.
    fn due(outbox: &mut Outbox, receiver_ms: u32, real_ms: f64) -> Vec<String> {
        let mut batch = Batch::default();
        outbox.take_due(receiver_ms, real_ms, FRAME_ROWS_MAX, 32, &mut batch);
        batch.sources.iter().map(|SourceRows(_, first, rows)| format!("{first}+{}", rows.len())).collect()
    }

    fn ack(outbox: &mut Outbox, through: Seq, ranges: &[(Seq, Seq)]) -> Vec<Seq> {
        outbox.acknowledged(&SourceAcked(source(), through, ranges.to_vec()))
    }

    #[test]
    fn a_row_is_sent_once_until_five_seconds_have_passed() {
        let mut outbox = filled(3);
        assert_eq!(due(&mut outbox, 1_000, 0.0), ["0+2"]);
        assert_eq!(due(&mut outbox, 1_000, 4_999.0), [""; 0]);
        assert_eq!(due(&mut outbox, 2_000, 4_999.0), ["2+1"]);
        assert_eq!(due(&mut outbox, 2_000, 5_000.0), ["0+2"], "again, and only what is old enough");
    }

    #[test]
    fn a_reconnect_sends_all_that_waits_at_once() {
        let mut outbox = filled(4);
        assert_eq!(due(&mut outbox, 9_000, 0.0), ["0+4"]);
        assert_eq!(ack(&mut outbox, 1, &[(2, 3)]), [0, 2]);
        outbox.reconnected();
        assert_eq!(due(&mut outbox, 9_000, 1.0), ["1+1", "3+1"]);
    }

    #[test]
    fn acknowledgements_only_grow_whatever_order_they_come_in() {
        let mut outbox = filled(10);
        due(&mut outbox, 99_000, 0.0);
        assert_eq!(ack(&mut outbox, 4, &[(6, 8)]), [0, 1, 2, 3, 6, 7]);
        assert_eq!(ack(&mut outbox, 2, &[]), [] as [Seq; 0], "an old one");
        assert_eq!(outbox.on_disk(), &Acknowledged { through: 4, ranges: vec![(6, 8)] });
        assert_eq!(ack(&mut outbox, 6, &[]), [4, 5]);
        assert_eq!(outbox.on_disk(), &Acknowledged { through: 8, ranges: vec![] }, "what touches is joined");
        assert_eq!((outbox.waiting(), outbox.on_disk().count(), outbox.measured()), (2, 8, 10));
        let other = SourceAcked(SourceId::new(6).expect("small"), 10, vec![]);
        assert_eq!(outbox.acknowledged(&other), [] as [Seq; 0]);
    }

    #[test]
    fn a_full_outbox_refuses_the_newest_and_counts_it() {
        let mut outbox = filled(OUTBOX_ROWS_MAX as u32);
        assert!(!outbox.push(Row::default(), 0));
        assert_eq!((outbox.refused(), outbox.measured()), (1, OUTBOX_ROWS_MAX as Seq));
        ack(&mut outbox, 1, &[]);
        assert!(outbox.push(Row::default(), 0));
    }

    #[test]
    fn what_was_refused_waits_a_second_and_what_was_held_back_goes_when_released() {
        let mut outbox = filled(2);
        due(&mut outbox, 0, 100.0);
        outbox.unwanted(200.0);
        assert_eq!(due(&mut outbox, 0, 1_199.0), [""; 0]);
        assert_eq!(due(&mut outbox, 0, 1_200.0), ["0+1"]);
        outbox.release(10);
        assert_eq!(due(&mut outbox, 10, 1_300.0), ["1+1"]);
    }
}
