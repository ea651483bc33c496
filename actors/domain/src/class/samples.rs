//! Samples: who may send them, which are new, which are believed, and when they are acknowledged.
//! Nothing is broadcast here: ticks show what samples change.

use super::change::Stage;
use super::io::{Caller, Publish, Record, StoredSample};
use super::live::{Placed, Wear};
use super::rider::{Sample, StreamNo};
use super::streams::{KnownSensor, Streams, Verdict};
use super::{AcksDue, Class, Pending};
use crate::time::ClassMs;
use crate::{Effect, Millis, Out};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::sample::{Acked, Row, Samples, SourceRows};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, ReceiverId, Refusal, Seq, SessionId, Slot, SourceId, UserId};
use std::collections::BTreeMap;

/// Acknowledgements that no own frame has taken along leave alone after so long: with the fourth tick, within a second.
const ACKS_ALONE_MS: u64 = 4 * TICK_MS;
/// A sample that came so long after it was taken is counted as late.
const LATE_FROM_MS: i64 = TAIL_MS;

/// One frame of samples on its way in.
struct Batch<'a> {
    by: &'a Caller,
    receiver: ReceiverId,
    boot: u32,
    /// Class time at which the receiver's clock stood at 0.
    offset: i64,
    /// Class time and real time of arrival.
    at: ClassMs,
    now: Millis,
    /// The record's number if anything is to be recorded.
    record: u64,
    stored: Vec<StoredSample>,
    refusals: Vec<Refusal>,
}

impl Class {
    pub(super) fn samples(&mut self, by: &Caller, samples: Samples, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        let Samples { receiver, boot, sources, .. } = samples;
        let mut batch = Batch {
            by,
            receiver,
            boot,
            offset: 0,
            at,
            now,
            record: self.record + 1,
            stored: Vec::new(),
            refusals: Vec::new(),
        };
        match self.check_sender(by, receiver, boot, at) {
            Ok(offset) => {
                batch.offset = offset;
                for source in sources {
                    self.take_source(&mut batch, source);
                }
            }
            Err(refusal) => {
                let rows: usize = sources.iter().map(|source| source.2.len()).sum();
                self.refuse(&mut batch, rows, refusal);
            }
        }
        if !batch.stored.is_empty() {
            self.record = batch.record;
            out.0.push(Effect::Record { number: batch.record, record: Record::Samples(batch.stored) });
        }
        for refusal in batch.refusals {
            let response = Response::Unwanted { class: self.id, refusal };
            out.live(Publish::Direct { session: by.session, response });
        }
    }

    /// A refusal is told once a frame, however many rows it meets.
    fn refuse(&mut self, batch: &mut Batch<'_>, rows: usize, refusal: Refusal) {
        self.counts.refused += rows as u64;
        if batch.refusals.iter().all(|told| told.code != refusal.code) {
            batch.refusals.push(refusal);
        }
    }

    /// The offset of the receiver's clock, where this caller may send by it and the class takes samples.
    fn check_sender(&self, by: &Caller, receiver: ReceiverId, boot: u32, at: ClassMs) -> Result<i64, Refusal> {
        let facts = self.facts.as_ref().filter(|facts| facts.gym == by.gym);
        let facts = facts.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "there is no such class in your gym"))?;
        match self.stage {
            Stage::Running | Stage::Finished => {}
            Stage::Settled | Stage::Aborted => {
                let settled = self.timeline.ends().map_or(at, |ends| ends + COOLING_MS);
                if at > settled + LATE_MS {
                    return Err(Refusal::new(ErrorCode::TooLate, "samples are taken for seven days after a class"));
                }
            }
            Stage::Scheduled | Stage::Open => {
                return Err(Refusal::new(ErrorCode::WrongPhase, "the class has not opened its lobby"));
            }
            Stage::Cancelled => return Err(Refusal::new(ErrorCode::Gone, "the class was cancelled")),
        }
        let here = by.hall.as_deref() == Some(&facts.hall);
        let may_send = match by.role {
            Role::Hub => here,
            Role::Member => self.by_user.contains_key(&by.user),
            Role::Trainer | Role::Admin => true,
            Role::Screen => false,
        };
        if !may_send {
            return Err(Refusal::new(ErrorCode::Forbidden, "send from the class's hall, or join it first"));
        }
        match self.streams.receivers.get(&receiver) {
            Some(owner) if *owner != by.user => {
                Err(Refusal::new(ErrorCode::Forbidden, "this receiver speaks for another account"))
            }
            Some(_) | None => {
                self.streams.offsets.get(&(receiver, boot)).copied().ok_or_else(|| ErrorCode::NoBoot.into())
            }
        }
    }

    fn take_source(&mut self, batch: &mut Batch<'_>, SourceRows(source, first, rows): SourceRows) {
        let count = rows.len();
        let checked = self.check_source(batch, source, first, count);
        let stream = match checked {
            Ok(stream) => stream,
            Err(refusal) => return self.refuse(batch, count, refusal),
        };
        for (seq, row) in (first..).zip(rows) {
            if let Err(refusal) = self.take_row(batch, stream, seq, row) {
                self.refuse(batch, 1, refusal);
            }
        }
    }

    fn check_source(
        &mut self,
        batch: &Batch<'_>,
        source: SourceId,
        first: Seq,
        count: usize,
    ) -> Result<StreamNo, Refusal> {
        let sensor = self.streams.sensor(source).ok_or(ErrorCode::UnknownSource)?;
        if !may_send_for(batch.by, sensor) {
            return Err(Refusal::new(ErrorCode::Forbidden, "this sensor belongs to another person"));
        }
        if u64::from(first) + count as u64 >= u64::from(Seq::MAX) {
            return Err(Refusal::new(ErrorCode::Malformed, "sample numbers end at 2^32 - 1: start a new boot"));
        }
        let stream = self.streams.number(source, batch.receiver).ok_or(ErrorCode::UnknownSource)?;
        self.streams.get_mut(stream).sender = Some(batch.by.session);
        Ok(stream)
    }

    fn take_row(&mut self, batch: &mut Batch<'_>, stream: StreamNo, seq: Seq, row: Row) -> Result<(), Refusal> {
        let at = batch.offset + i64::from(row.ms);
        if at > batch.at + SAMPLE_AHEAD_MS_MAX {
            return Err(ErrorCode::ClockSkew.into());
        }
        let slot = self.streams.sensor_of(stream).wearer_at(at);
        let has_room = slot.is_none_or(|slot| self.riders[usize::from(slot)].live.has_room(at));
        if !has_room || self.pending.len() >= PENDING_MAX {
            return Err(Refusal::from(ErrorCode::Busy).after(5_000));
        }
        let boot = batch.boot;
        match self.streams.get_mut(stream).judge(boot, seq) {
            Verdict::Refused => {
                return Err(Refusal::new(ErrorCode::Busy, "too many holes: send the missing samples first"));
            }
            Verdict::Seen => {
                self.counts.doubled += 1;
                self.owe_ack(stream, batch.now);
                return Ok(());
            }
            Verdict::New => {}
        }
        let (row, dropped) = believe(row);
        if dropped {
            self.counts.dropped += 1;
            if let Some(slot) = slot {
                self.riders[usize::from(slot)].dropped += 1;
            }
        }
        let Some(row) = row else {
            // Nothing to be written: it is as good as on disk.
            self.streams.get_mut(stream).durable(boot, seq);
            self.owe_ack(stream, batch.now);
            return Ok(());
        };
        self.counts.samples += 1;
        self.counts.late += u64::from(batch.at - at > LATE_FROM_MS);
        self.pending.push_back(Pending { record: batch.record, stream, boot, seq });
        let source = self.streams.get(stream).source;
        let stored = StoredSample { source, receiver: batch.receiver, boot, seq, at, row };
        if let Some(slot) = slot {
            self.place(slot, sample_of(&stored, stream), batch.by.session, batch.at);
        }
        batch.stored.push(stored);
        Ok(())
    }

    /// Puts a new sample into its wearer's figures. `now` is class time.
    pub(super) fn place(&mut self, slot: Slot, sample: Sample, session: SessionId, now: ClassMs) {
        let placed = self.with_rider(slot, |rider, streams, terms| {
            let before = (rider.live.figures().points(), rider.live.figures().unrankable);
            let wear = Wear { streams, slot, present: &rider.present };
            let placed = rider.live.place(sample, &wear, terms);
            if placed == (Placed::Newest { counts: true }) {
                rider.show_newest(now, terms);
            }
            rider.records += 1;
            (placed, before != (rider.live.figures().points(), rider.live.figures().unrankable))
        });
        let Some((placed, scored)) = placed else { return };
        self.board.stale |= scored;
        match placed {
            Placed::Newest { counts: true } => self.sent_by(slot, session),
            Placed::Newest { counts: false } => {}
            Placed::Within | Placed::Late => _ = self.unfresh.insert(slot),
        }
        if self.riders[usize::from(slot)].summary.version > 0 {
            self.late.insert(slot);
        }
    }

    /// This session hears the person now.
    fn sent_by(&mut self, slot: Slot, session: SessionId) {
        let rider = &mut self.riders[usize::from(slot)];
        rider.linked = true;
        if rider.session == Some(session) {
            return;
        }
        let before = rider.session.replace(session);
        if let Some(slots) = before.and_then(|before| self.senders.get_mut(&before)) {
            slots.remove(&slot);
        }
        self.senders.entry(session).or_default().insert(slot);
    }

    /// Records up to this number are on disk.
    pub(super) fn durable(&mut self, record: u64, now: Millis) {
        while self.pending.front().is_some_and(|pending| pending.record <= record) {
            let Pending { stream, boot, seq, .. } = self.pending.pop_front().expect("the front was just seen");
            self.streams.get_mut(stream).durable(boot, seq);
            self.owe_ack(stream, now);
        }
    }

    fn owe_ack(&mut self, stream: StreamNo, now: Millis) {
        let Some(session) = self.streams.get(stream).sender else { return };
        let due = self.acks.entry(session).or_insert(AcksDue { streams: Vec::new(), since: now });
        if !due.streams.contains(&stream) {
            due.streams.push(stream);
        }
    }

    /// Acknowledgements that no own frame took along.
    pub(super) fn send_acks(&mut self, now: Millis, out: &mut Out<Class>) {
        let due = self.acks.iter().filter(|(_, due)| now.since(due.since) >= ACKS_ALONE_MS);
        let sessions: Vec<SessionId> = due.map(|(session, _)| *session).collect();
        for session in sessions {
            let acks = take_acks(&mut self.acks, &mut self.streams, session);
            if !acks.is_empty() {
                let response = Response::Acked { class: self.id, acks };
                out.live(Publish::Direct { session, response });
            }
        }
    }
}

/// What is acknowledged to this session now, one entry a receiver's boot.
pub(super) fn take_acks(
    acks: &mut BTreeMap<SessionId, AcksDue>,
    streams: &mut Streams,
    session: SessionId,
) -> Vec<Acked> {
    let mut taken: Vec<Acked> = Vec::new();
    for stream in acks.remove(&session).map(|due| due.streams).unwrap_or_default() {
        let Some(Acked(receiver, boot, sources)) = streams.get_mut(stream).take_ack() else { continue };
        match taken.iter_mut().find(|acked| (acked.0, acked.1) == (receiver, boot)) {
            Some(acked) => acked.2.extend(sources),
            None => taken.push(Acked(receiver, boot, sources)),
        }
    }
    taken
}

/// A phone sends for its owner's sensors, a hub and staff for every sensor of the class.
fn may_send_for(by: &Caller, sensor: &KnownSensor) -> bool {
    let own = |owner: UserId| owner == by.user;
    by.role == Role::Hub || by.is_staff() || sensor.owner.is_some_and(own)
}

/// What is believed of a row, and whether its heart rate was not. `None` where nothing is left of it.
pub(super) fn believe(mut row: Row) -> (Option<Row>, bool) {
    let believed = row.bpm == 0 || (BPM_MIN..=BPM_MAX).contains(&row.bpm);
    if !believed {
        row.bpm = 0;
    }
    row.power_w = row.power_w.filter(|power| *power <= POWER_W_MAX);
    row.cadence = row.cadence.filter(|cadence| *cadence <= CADENCE_MAX);
    row.rr_ms.truncate(ROW_RR_MAX);
    let empty = row.bpm == 0 && row.power_w.is_none() && row.cadence.is_none();
    ((!empty).then_some(row), !believed)
}

/// A believed sample as memory keeps it.
pub(super) fn sample_of(stored: &StoredSample, stream: StreamNo) -> Sample {
    let bpm = u8::try_from(stored.row.bpm).ok().filter(|bpm| *bpm != 0);
    Sample::new(stored.at, (stream, stored.boot, stored.seq), bpm, stored.row.power_w, stored.row.cadence)
}
