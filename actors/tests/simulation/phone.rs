//! A receiver and its sensors: it numbers samples, keeps what is not acknowledged and sends it again. What is acknowledged must be
//! in the log by then, and is never sent again.

use crate::log::SimLog;
use fitconnect_domain::Millis;
use fitconnect_domain::time::class_at;
use fitconnect_protocol::class::ClassClock;
use fitconnect_protocol::limits::{BPM_MAX, BPM_MIN, SAMPLE_SOURCES_MAX};
use fitconnect_protocol::sample::{Acked, Row, Samples, SourceRows};
use fitconnect_protocol::{Boot, ClassId, ReceiverId, SourceId};
use std::collections::BTreeMap;

/// What is not acknowledged is sent again after this.
const SEND_AGAIN_MS: u64 = 5_000;
/// Rows of one frame: small, so that there are many frames.
const FRAME_ROWS: usize = 40;
const SAMPLE_EVERY_MS: u64 = 1_000;

pub struct Waiting {
    row: Row,
    sent: Option<Millis>,
}

/// One start of the receiver's clock.
pub struct Started {
    pub boot: Boot,
    pub offset: i64,
    /// The class knows the offset.
    pub known: bool,
    /// The command that says it has been made.
    pub said: bool,
    next: BTreeMap<SourceId, u32>,
    waiting: BTreeMap<(SourceId, u32), Waiting>,
}

pub struct Phone {
    pub class: ClassId,
    pub receiver: ReceiverId,
    pub boots: Vec<Started>,
    pub sources: Vec<SourceId>,
    sampled_at: Millis,
    pub taken: u64,
    pub acked: u64,
}

impl Phone {
    pub fn new(class: ClassId, receiver: ReceiverId) -> Phone {
        Phone { class, receiver, boots: Vec::new(), sources: Vec::new(), sampled_at: Millis(0), taken: 0, acked: 0 }
    }

    /// The receiver starts, or starts again: a new clock, numbers from 0.
    pub fn start(&mut self, clock: &ClassClock, now: Millis) {
        let boot = self.boots.len() as Boot + 1;
        let (next, waiting) = (BTreeMap::new(), BTreeMap::new());
        let offset = class_at(clock, now);
        self.boots.push(Started { boot, offset, known: false, said: false, next, waiting });
    }

    pub fn is_empty(&self) -> bool {
        self.boots.iter().all(|started| started.waiting.is_empty())
    }

    pub fn waiting(&self) -> usize {
        self.boots.iter().map(|started| started.waiting.len()).sum()
    }

    /// One sample of each sensor a second.
    pub fn measure(&mut self, clock: &ClassClock, now: Millis) {
        if now.since(self.sampled_at) < SAMPLE_EVERY_MS {
            return;
        }
        self.sampled_at = now;
        let Some(started) = self.boots.last_mut() else { return };
        let Ok(ms) = u32::try_from(class_at(clock, now) - started.offset) else { return };
        for source in &self.sources {
            let seq = started.next.entry(*source).or_default();
            let row = Row { ms, bpm: beat(*source, *seq), ..Row::default() };
            started.waiting.insert((*source, *seq), Waiting { row, sent: None });
            *seq += 1;
            self.taken += 1;
        }
    }

    /// On a new socket everything is sent again.
    pub fn socket_lost(&mut self) {
        self.boots.iter_mut().flat_map(|started| started.waiting.values_mut()).for_each(|waiting| waiting.sent = None);
    }

    /// The class does not know this clock: it must be told first.
    pub fn forget_boots(&mut self) {
        self.boots.iter_mut().for_each(|started| (started.known, started.said) = (false, false));
    }

    pub fn frame(&mut self, now: Millis) -> Option<Samples> {
        let due = |waiting: &Waiting| waiting.sent.is_none_or(|at| now.since(at) >= SEND_AGAIN_MS);
        let started = self.boots.iter_mut().find(|started| started.known && started.waiting.values().any(due))?;
        let mut sources: Vec<SourceRows> = Vec::new();
        for ((source, seq), waiting) in started.waiting.iter_mut().filter(|(_, waiting)| due(waiting)).take(FRAME_ROWS)
        {
            let row = waiting.row.clone();
            let full = sources.len() == SAMPLE_SOURCES_MAX;
            match sources.last_mut() {
                Some(run) if run.0 == *source && run.1 + run.2.len() as u32 == *seq => run.2.push(row),
                _ if full => break,
                _ => sources.push(SourceRows(*source, *seq, vec![row])),
            }
            waiting.sent = Some(now);
        }
        Some(Samples { class: self.class, receiver: self.receiver, boot: started.boot, sources })
    }

    pub fn acked(&mut self, Acked(receiver, boot, sources): &Acked, log: &SimLog) -> Result<(), String> {
        if *receiver != self.receiver {
            return Err(format!("{receiver} is not our receiver, it is acknowledged to us"));
        }
        let class = self.class;
        let Some(started) = self.boots.iter_mut().find(|started| started.boot == *boot) else {
            return Err(format!("boot {boot} is acknowledged and was never made"));
        };
        for acked in sources {
            let (source, through, ranges) = (acked.0, acked.1, &acked.2);
            let made = started.next.get(&source).copied().unwrap_or(0);
            for (from, to) in std::iter::once((0, through)).chain(ranges.iter().copied()) {
                if to > made {
                    return Err(format!("number {to} of {source} is acknowledged, only {made} were made"));
                }
                let told: Vec<u32> =
                    started.waiting.range((source, from)..(source, to)).map(|((_, seq), _)| *seq).collect();
                for seq in told {
                    let waiting = started.waiting.remove(&(source, seq)).expect("it was just seen");
                    self.acked += 1;
                    let key = (source, *receiver, *boot, seq);
                    if is_believed(&waiting.row) && !log.samples_of(class, |stored| stored.contains_key(&key)) {
                        return Err(format!("sample {key:?} is acknowledged and not in the log"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A heart that goes up and down, with a beat now and then that nobody believes.
fn beat(source: SourceId, seq: u32) -> u16 {
    let mixed = source.get().wrapping_mul(0x9e37_79b9).wrapping_add(u64::from(seq) / 7).wrapping_mul(0x85eb_ca6b) >> 7;
    match seq % 53 {
        17 => 250,
        31 => 0,
        _ => 95 + (mixed % 95) as u16,
    }
}

/// What is not believed is acknowledged without being stored.
fn is_believed(row: &Row) -> bool {
    (BPM_MIN..=BPM_MAX).contains(&row.bpm)
}
