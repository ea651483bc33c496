//! The tick: four times a second what has changed since is shown, once a class second the trainer's list is made.
//! Ranks change only here, so that a burst of samples costs one broadcast; beyond 200 riders once a second.

use super::attention::Condition;
use super::board::{View, encode_news, live_score};
use super::change::Stage;
use super::io::{MineFrame, Publish, Record, Rows, Slices, TickFrame};
use super::rider::Rider;
use super::samples::take_acks;
use super::{Class, board};
use crate::time::ClassMs;
use crate::{Effect, Millis, Out};
use fitconnect_protocol::class::{AttentionKind, Phase};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::tick::{ABSENT_U16, FLAG_FULL, Header, NO_END, NO_RUN, ROW_BYTES, Signal};
use fitconnect_protocol::{Slot, class::ClassEvent};
use std::sync::Arc;

/// Ranking of a class that is shown in slices: every fourth tick, once a second.
const RANK_EVERY_MS: u64 = 4 * TICK_MS;
/// Own frames of a class that is shown in slices: the tick after a sample, at 1 Hz each, however ticks and samples fall …
const MINE_EVERY_MS: u64 = 650;
/// … and where no sample comes, so often if the row has changed.
const MINE_SILENT_MS: u64 = 3_000;
/// The list of what needs a look, in class time: every fourth tick where that is the wall's.
const ATTENTION_EVERY_MS: i64 = 4 * TICK_MS as i64;
/// A lost signal is worth a line after so long.
const LOST_FOR_MS: i64 = 20_000;
/// A row asked for is sent so long after it was asked for last.
const LOOK_FOR_MS: u64 = 60_000;

impl Class {
    pub(super) fn on_tick(&mut self, now: Millis, out: &mut Out<Class>) {
        self.ticked_at = self.tick_at.take().unwrap_or(now);
        self.refresh(now, out);
        if self.stage == Stage::Running {
            let every = if self.slices { RANK_EVERY_MS } else { 0 };
            if self.board.stale && now.since(self.ranked_at) >= every {
                self.ranked_at = now;
                self.board.rank(&mut self.riders, live_score);
            }
            self.look_after(now, out);
            if !self.viewers.is_empty() {
                self.show(now, out);
            }
            self.tell_fives(now, out);
        } else {
            self.go_on(now, out);
        }
        self.send_acks(now, out);
    }

    // ---- attention ----

    fn look_after(&mut self, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        let solo = self.facts.as_ref().is_none_or(|facts| facts.solo);
        if !solo && self.attention_at.is_none_or(|last| at - last >= ATTENTION_EVERY_MS) {
            self.attention_at = Some(at);
            self.update_attention(at, out);
            self.watch_whispers(at, out);
        }
        self.tell_staff(out);
        self.tell_loose(out);
        if std::mem::take(&mut self.attention_due) {
            out.live(Publish::Attention(self.attention.list()));
        }
    }

    fn update_attention(&mut self, at: ClassMs, out: &mut Out<Class>) {
        let phase = self.phase_at(at);
        let mut conditions = Vec::new();
        let mut low = Vec::new();
        for rider in self.riders.iter_mut().filter(|rider| rider.is_present()) {
            conditions_of(rider, at, phase, self.awake_since, &mut conditions);
            if rider.watch.max_low && !rider.sent.max_low {
                rider.sent.max_low = true;
                low.push(rider.slot);
            }
        }
        let changed = self.attention.update(at, &conditions, self.trainer_away());
        for (kind, slot) in changed.raised {
            self.record += 1;
            out.0.push(Effect::Record { number: self.record, record: Record::Raised { at, kind, slot } });
        }
        self.attention_due |= changed.any;
        for slot in low {
            let entries = vec![self.desk_entry(&self.riders[usize::from(slot)])];
            let event = ClassEvent::Roster { entries };
            out.publish(Publish::Event { topic: Topic::Desk(self.id), event, whole_only: true });
        }
    }

    // ---- the board ----

    fn show(&mut self, now: Millis, out: &mut Out<Class>) {
        let at = self.class_at(now);
        self.tick = self.tick.wrapping_add(1);
        let full = now.since(self.full_at) >= FULL_TICK_MS;
        if full {
            self.full_at = now;
        }
        self.looks.retain(|_, asked| now.since(*asked) < LOOK_FOR_MS);
        let desk = if self.desks.is_empty() { Rows::default() } else { self.rows(at, View::Desk, full) };
        let board = if self.boards == 0 { Rows::default() } else { self.rows(at, View::Board, full) };
        let mine = self.mine(at, now);
        let slices = (self.slices && !mine.is_empty()).then(|| self.cut(at));
        let frame = TickFrame { header: self.header(at, full), desk, board, slices, mine };
        out.live(Publish::Tick(Box::new(frame)));
    }

    /// The host fills in the epoch and counts the rows that it sends.
    fn header(&self, at: ClassMs, full: bool) -> Header {
        let run = if self.stage == Stage::Running { self.timeline.state_at(at).run } else { None };
        let left = self.timeline.left_at(at).filter(|_| run.is_some());
        Header {
            epoch: 0,
            tick: self.tick,
            class_ms: at,
            phase: self.phase_at(at) as u8,
            flags: if full { FLAG_FULL } else { 0 },
            run: run.unwrap_or(NO_RUN),
            left_ms: left.map_or(NO_END, |ms| ms.min(i64::from(NO_END) - 1) as u32),
            rows: 0,
            riders: self.present.min(usize::from(u16::MAX)) as u16,
        }
    }

    /// Up to 1,000 riders all rows in rank order; beyond, the top, and on desks those who need a look and those asked for.
    fn rows(&mut self, at: ClassMs, view: View, full: bool) -> Rows {
        let mut rows = Rows::default();
        let order = &self.board.order;
        let top = if self.riders.len() > DESK_WHOLE_MAX { DESK_TOP.min(order.len()) } else { order.len() };
        let mut shown: Vec<Slot> = order[..top].to_vec();
        if top < order.len() && view == View::Desk {
            let mut more: Vec<Slot> = self.attention.slots();
            more.extend(self.looks.keys());
            more.retain(|slot| order[..top].iter().all(|other| other != slot));
            more.sort_unstable_by_key(|slot| (self.riders[usize::from(*slot)].rank, *slot));
            more.dedup();
            shown.extend(more);
        }
        for slot in shown {
            let rider = &mut self.riders[usize::from(slot)];
            let (bytes, news) = encode_news(rider, at, view);
            let sent = match view {
                View::Desk => &mut rider.sent.desk,
                View::Board | View::Own => &mut rider.sent.board,
            };
            *sent = bytes;
            let Some(bytes) = bytes else { continue };
            if news {
                rows.changed.extend(bytes);
            }
            if full {
                rows.all.extend(bytes);
            }
        }
        rows
    }

    /// All rows of the board in rank order, for the hub to cut.
    fn cut(&mut self, at: ClassMs) -> Slices {
        let mut rows = Vec::with_capacity(self.riders.len() * ROW_BYTES);
        let mut place = vec![u32::MAX; self.riders.len()];
        for slot in &self.board.order {
            let Some(row) = board::row(&self.riders[usize::from(*slot)], at, View::Board) else { continue };
            place[usize::from(*slot)] = (rows.len() / ROW_BYTES) as u32;
            rows.extend(row.encode());
        }
        let names = self.board_names.get_or_insert_with(|| Arc::new(self.names.clone()));
        Slices { rows, place, names: names.clone() }
    }

    /// Own frames: up to 200 riders each tick that has news for them; beyond, one a second in the tick after a sample.
    fn mine(&mut self, at: ClassMs, now: Millis) -> Vec<MineFrame> {
        let Class { viewers, riders, acks, streams, slices, .. } = self;
        let mut frames = Vec::new();
        for (session, viewer) in viewers {
            let Some(slot) = viewer.slot else { continue };
            let rider = &riders[usize::from(slot)];
            let since = now.since(viewer.mine_at);
            let heard = rider.records != viewer.mine_records;
            if *slices && !(heard && since >= MINE_EVERY_MS || since >= MINE_SILENT_MS) {
                continue;
            }
            let row = own_row(rider, at);
            if !heard && row == viewer.mine_row && !acks.contains_key(session) {
                continue;
            }
            (viewer.mine_at, viewer.mine_records, viewer.mine_row) = (now, rider.records, row);
            let splats = rider.live.figures().splats().min(u64::from(ABSENT_U16) - 1) as u16;
            let acks = take_acks(acks, streams, *session);
            frames.push(MineFrame { session: *session, slot, row, splats, acks });
        }
        frames
    }
}

fn own_row(rider: &Rider, at: ClassMs) -> [u8; ROW_BYTES] {
    board::row(rider, at, View::Own).expect("nobody is hidden from oneself").encode()
}

/// What holds for a person who is in the class. Before the start and after the end only what a body says for itself.
fn conditions_of(rider: &Rider, at: ClassMs, phase: Phase, awake_since: ClassMs, conditions: &mut Vec<Condition>) {
    let mut holds = |kind, since| conditions.push(Condition { kind, slot: rider.slot, since });
    if let Some(since) = rider.sos {
        holds(AttentionKind::Sos, since);
    }
    let riding = matches!(phase, Phase::Live | Phase::Paused);
    let lost = match rider.signal(at) {
        Signal::LostSensor | Signal::LostNetwork => true,
        Signal::Waiting | Signal::Live | Signal::Ageing | Signal::Stale | Signal::Left => false,
    };
    for (kind, since) in rider.watch.conditions() {
        let still = match kind {
            AttentionKind::Fell => true,
            AttentionKind::OverMax => !lost,
            AttentionKind::High | AttentionKind::OutOfTarget => !lost && riding,
            AttentionKind::Sos
            | AttentionKind::LostHigh
            | AttentionKind::SensorLost
            | AttentionKind::ReceiverLost
            | AttentionKind::ManyOutOfTarget => false,
        };
        if still {
            holds(kind, since);
        }
    }
    let Some(fresh) = rider.shown.fresh.filter(|_| lost && riding) else { return };
    let since = fresh.max(awake_since);
    if at - since >= LOST_FOR_MS {
        let kind = if rider.watch.was_high() { AttentionKind::LostHigh } else { AttentionKind::SensorLost };
        holds(kind, since);
    }
}
