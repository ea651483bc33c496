//! One topic: its epoch and count, its ring of recent events, its subscribers and how far each of them is.

use super::board::{self, Shown};
use super::presence::Told;
use super::{HubCounts, event_frame};
use crate::outbox::{Outbox, Put, StateKey};
use fitconnect_domain::class::io::Rows;
use fitconnect_protocol::SessionId;
use fitconnect_protocol::class::{AttentionList, ClassEvent};
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Event, NotRecovered, Position, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::tick::Header;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An event that is kept for those who come back.
pub(super) struct Kept {
    pub offset: u64,
    pub at_ms: u64,
    pub whole_only: bool,
    pub frame: Frame,
}

pub(super) struct Subscriber {
    pub outbox: Arc<Outbox>,
    /// The next event that it needs, where its lane was full.
    pub lagging_from: Option<u64>,
    /// That is being read from the store.
    pub filling: bool,
    /// Since when it has had ticks without saying that it has drawn one. Where none is sent, there is nothing to say.
    unseen_since: Option<u64>,
    /// It has lost a board frame: the next one is whole.
    needs_full: bool,
    /// Who is there, as it was told last.
    pub presence: Option<Arc<Told>>,
}

/// One who followed, and whom the topic's actor must take in again.
pub(super) struct Waiting {
    pub outbox: Arc<Outbox>,
    position: Position,
    /// The actor has been asked, in its present life.
    asked: bool,
}

/// Where a reader who was behind stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaughtUp {
    /// It has what its lane takes.
    Yes,
    /// It is too far behind for the ring and waits for the topic's actor.
    Waits,
    /// It is too far behind for the ring and must be brought up from the store.
    Fills,
}

pub(super) struct Inner {
    pub epoch: u32,
    /// Of the last event.
    pub offset: u64,
    pub ring: VecDeque<Kept>,
    pub ring_bytes: usize,
    pub subscribers: Vec<Subscriber>,
    pub places: HashMap<SessionId, usize>,
    pub waiting: BTreeMap<SessionId, Waiting>,
    /// Those of them for whom the actor is still to be asked, in order.
    unasked: VecDeque<SessionId>,
    shown: Shown,
    header: Option<Header>,
    quiet_ticks: u8,
    /// Who is there is told to nobody.
    pub silent: bool,
}

/// A header without rows goes out at least every so many ticks: the viewer's clock and the plan's cursor live on it.
const QUIET_TICKS_MAX: u8 = 4;

pub struct ChannelHub {
    pub topic: Topic,
    /// Each epoch has its own: what waits of an earlier one in a socket's lanes is not taken for the new count.
    handle: AtomicU32,
    inner: Mutex<Inner>,
}

impl ChannelHub {
    pub fn new(topic: Topic, handle: u32, epoch: u32) -> ChannelHub {
        let inner = Inner {
            epoch,
            offset: 0,
            ring: VecDeque::new(),
            ring_bytes: 0,
            subscribers: Vec::new(),
            places: HashMap::new(),
            waiting: BTreeMap::new(),
            unasked: VecDeque::new(),
            shown: Shown::default(),
            header: None,
            quiet_ticks: 0,
            silent: false,
        };
        ChannelHub { topic, handle: AtomicU32::new(handle), inner: Mutex::new(inner) }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whatever a panic has left is made good by the epoch that begins after it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn epoch(&self) -> u32 {
        self.inner().epoch
    }

    pub fn handle(&self) -> u32 {
        self.handle.load(Ordering::Relaxed)
    }

    pub fn subscribe(
        &self,
        outbox: &Arc<Outbox>,
        id: u32,
        position: Option<Position>,
        snapshot: Snapshot,
        now_ms: u64,
        counts: &HubCounts,
    ) {
        let mut inner = self.inner();
        let missed = inner.missed_since(position);
        let reply = Subscribed {
            topic: self.topic,
            h: self.handle(),
            epoch: inner.epoch,
            offset: inner.offset,
            recovered: missed.is_ok(),
            reason: missed.err(),
            snapshot: missed.is_err().then_some(snapshot),
        };
        let is_board = matches!(reply.snapshot, Some(Snapshot::Board(_))) || missed.is_ok();
        outbox.control(encode(id, &Response::Subscribed(Box::new(reply))), now_ms);
        let next = missed.unwrap_or(inner.offset + 1);
        inner.waiting.remove(&outbox.by.session);
        let place = inner.put(Subscriber::new(outbox.clone()));
        inner.pump(place, next, now_ms, counts);
        if is_board && !outbox.is_sliced() {
            self.send_full(&mut inner, place, now_ms);
        }
    }

    /// The whole board as it was at the last tick, for one who comes.
    fn send_full(&self, inner: &mut Inner, place: usize, now_ms: u64) {
        let Some(header) = inner.header else { return };
        let frames = board::frames(self.handle(), &header, &inner.shown.all(), true);
        let subscriber = &mut inner.subscribers[place];
        let put = subscriber.outbox.state(StateKey::Board(self.handle()), &frames, now_ms);
        subscriber.put(put, now_ms);
    }

    pub fn leave(&self, outbox: &Arc<Outbox>) {
        let mut inner = self.inner();
        let session = outbox.by.session;
        if inner.waiting.get(&session).is_some_and(|waiting| Arc::ptr_eq(&waiting.outbox, outbox)) {
            inner.waiting.remove(&session);
        }
        let Some(place) = inner.places.get(&session).copied() else { return };
        if Arc::ptr_eq(&inner.subscribers[place].outbox, outbox) {
            inner.take_out(place);
        }
    }

    pub fn publish(&self, event: Event, whole_only: bool, now_ms: u64, counts: &HubCounts) {
        let mut inner = self.inner();
        if let Event::Class(ClassEvent::Gone { slots }) = &event {
            slots.iter().for_each(|slot| inner.shown.remove(*slot));
        }
        inner.offset += 1;
        let offset = inner.offset;
        let handle = self.handle();
        let frame = event_frame(handle, offset, event);
        inner.keep(Kept { offset, at_ms: now_ms, whole_only, frame: frame.clone() });
        let mut delivered = 0;
        for subscriber in &mut inner.subscribers {
            if subscriber.lagging_from.is_some() || whole_only && subscriber.outbox.is_sliced() {
                continue;
            }
            if subscriber.outbox.event(&frame, now_ms) {
                delivered += 1;
            } else {
                subscriber.lag(offset, handle, now_ms, counts);
            }
        }
        counts.deliveries.fetch_add(delivered, Ordering::Relaxed);
    }

    /// Another event in the place of one that is kept, if it still is.
    pub fn rewrite(&self, offset: u64, event: Event) {
        let mut inner = self.inner();
        let Ok(place) = inner.ring.binary_search_by_key(&offset, |kept| kept.offset) else { return };
        let frame = event_frame(self.handle(), offset, event);
        let before = std::mem::replace(&mut inner.ring[place].frame, frame.clone());
        inner.ring_bytes = inner.ring_bytes - before.len() + frame.len();
    }

    pub fn attention(&self, list: AttentionList, now_ms: u64) {
        let inner = self.inner();
        let h = self.handle();
        let frame = encode(0, &Response::Attention { h, list });
        for subscriber in &inner.subscribers {
            subscriber.outbox.state(StateKey::Attention(h), std::slice::from_ref(&frame), now_ms);
        }
    }

    pub fn tick(&self, header: &Header, rows: &Rows, now_ms: u64, counts: &HubCounts) {
        let mut inner = self.inner();
        let header = Header { epoch: inner.epoch, ..*header };
        let full = !rows.all.is_empty();
        if full {
            inner.shown.replace(&rows.all);
        } else {
            inner.shown.change(&rows.changed);
        }
        let moved = inner.header.is_none_or(|before| (before.phase, before.run) != (header.phase, header.run));
        inner.header = Some(header);
        inner.quiet_ticks =
            if full || moved || !rows.changed.is_empty() { 0 } else { (inner.quiet_ticks + 1) % QUIET_TICKS_MAX };
        if inner.subscribers.is_empty() || inner.quiet_ticks != 0 {
            return;
        }
        let handle = self.handle();
        let changed = board::frames(handle, &header, if full { &rows.all } else { &rows.changed }, full);
        let mut whole = full.then(|| changed.clone());
        let Inner { subscribers, shown, .. } = &mut *inner;
        let key = StateKey::Board(handle);
        let mut delivered = 0;
        for subscriber in subscribers.iter_mut().filter(|subscriber| !subscriber.outbox.is_sliced()) {
            if subscriber.unseen_since.is_some_and(|since| now_ms.saturating_sub(since) > ECHO_LAG_MS_MAX) {
                // Its kernel buffers are full of old ticks: it gets the whole when it has said that it reads again.
                subscriber.needs_full = true;
                counts.ticks_skipped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let mut all = || whole.get_or_insert_with(|| board::frames(handle, &header, &shown.all(), true)).clone();
            let put = if subscriber.needs_full {
                subscriber.outbox.state(key, &all(), now_ms)
            } else {
                match subscriber.outbox.state(key, &changed, now_ms) {
                    // The changes of the tick before have not left: only the whole makes them good.
                    Put::Replaced => subscriber.outbox.state(key, &all(), now_ms),
                    put => put,
                }
            };
            subscriber.put(put, now_ms);
            delivered += 1;
        }
        counts.deliveries.fetch_add(delivered, Ordering::Relaxed);
    }

    pub fn seen(&self, outbox: &Arc<Outbox>) {
        let mut inner = self.inner();
        if let Some(place) = inner.places.get(&outbox.by.session).copied() {
            inner.subscribers[place].unseen_since = None;
        }
    }

    /// Sends on what the lane could not take.
    pub fn catch_up(&self, outbox: &Arc<Outbox>, now_ms: u64, counts: &HubCounts) -> CaughtUp {
        let mut inner = self.inner();
        let Some(place) = inner.places.get(&outbox.by.session).copied() else { return CaughtUp::Yes };
        if inner.subscribers[place].filling {
            return CaughtUp::Yes;
        }
        let Some(next) = inner.subscribers[place].lagging_from.take() else { return CaughtUp::Yes };
        if !inner.keeps(next) {
            if is_stored(self.topic) {
                let subscriber = &mut inner.subscribers[place];
                (subscriber.lagging_from, subscriber.filling) = (Some(next), true);
                return CaughtUp::Fills;
            }
            // It must not hear of later events before it has been brought to them.
            inner.take_out(place);
            let position = Position { epoch: inner.epoch, offset: next - 1 };
            inner.wait(outbox.clone(), position);
            return CaughtUp::Waits;
        }
        inner.pump(place, next, now_ms, counts);
        CaughtUp::Yes
    }

    /// A new count begins, under a new handle; nothing is known of what is shown. Everybody who follows waits from here on until
    /// the topic's actor takes them in again. Whether anybody does.
    pub fn begin_epoch(&self, epoch: u32, handle: u32) -> bool {
        let mut inner = self.inner();
        let before = Position { epoch: inner.epoch, offset: inner.offset };
        (inner.epoch, inner.offset, inner.ring_bytes) = (epoch, 0, 0);
        self.handle.store(handle, Ordering::Relaxed);
        inner.ring.clear();
        (inner.shown, inner.header, inner.quiet_ticks) = (Shown::default(), None, 0);
        inner.ask_again();
        for subscriber in inner.forget_subscribers() {
            inner.wait(subscriber.outbox, before);
        }
        !inner.waiting.is_empty()
    }

    /// This socket shall be taken in by the topic's actor when it can.
    pub fn wait(&self, outbox: &Arc<Outbox>, position: Position) {
        self.inner().wait(outbox.clone(), position);
    }

    /// The next who waits and for whom the actor has not been asked.
    pub fn next_waiting(&self) -> Option<(Arc<Outbox>, Position)> {
        let mut inner = self.inner();
        while let Some(session) = inner.unasked.pop_front() {
            if let Some(waiting) = inner.waiting.get_mut(&session).filter(|waiting| !waiting.asked) {
                waiting.asked = true;
                return Some((waiting.outbox.clone(), waiting.position));
            }
        }
        None
    }

    /// Whether anybody waits for whom the actor has not been asked.
    pub fn is_waited_for(&self) -> bool {
        !self.inner().unasked.is_empty()
    }
}

/// Whether all events of the topic are stored, under numbers that its actor gives.
pub fn is_stored(topic: Topic) -> bool {
    match topic {
        Topic::Room(_) => true,
        Topic::Class(_) | Topic::Board(_) | Topic::Desk(_) | Topic::Me => false,
    }
}

impl Subscriber {
    pub fn new(outbox: Arc<Outbox>) -> Subscriber {
        Subscriber { outbox, lagging_from: None, filling: false, unseen_since: None, needs_full: true, presence: None }
    }

    /// A board frame was put into its lane, or found no room.
    fn put(&mut self, put: Put, now_ms: u64) {
        self.needs_full = put == Put::Full;
        if !self.needs_full {
            self.unseen_since.get_or_insert(now_ms);
        }
    }

    fn lag(&mut self, from: u64, handle: u32, now_ms: u64, counts: &HubCounts) {
        self.lagging_from = Some(from);
        counts.lagged.fetch_add(1, Ordering::Relaxed);
        self.outbox.control(encode(0, &Response::Lagging { h: handle }), now_ms);
    }
}

impl Inner {
    /// The actor shall be asked anew for all who wait.
    pub fn ask_again(&mut self) {
        self.unasked = self.waiting.keys().copied().collect();
        self.waiting.values_mut().for_each(|waiting| waiting.asked = false);
    }

    pub fn forget_subscribers(&mut self) -> Vec<Subscriber> {
        self.places.clear();
        std::mem::take(&mut self.subscribers)
    }

    pub fn wait(&mut self, outbox: Arc<Outbox>, position: Position) {
        let session = outbox.by.session;
        let before = self.waiting.insert(session, Waiting { outbox, position, asked: false });
        if before.is_none_or(|before| before.asked) {
            self.unasked.push_back(session);
        }
    }

    /// The first event after `position`, where all that follow it are kept.
    fn missed_since(&self, position: Option<Position>) -> Result<u64, NotRecovered> {
        let position = position.ok_or(NotRecovered::New)?;
        if position.epoch != self.epoch {
            return Err(NotRecovered::EpochChanged);
        }
        if position.offset > self.offset {
            return Err(NotRecovered::Ahead);
        }
        let kept_from = self.ring.front().map_or(self.offset + 1, |oldest| oldest.offset);
        if position.offset + 1 < kept_from {
            return Err(NotRecovered::TooOld);
        }
        Ok(position.offset + 1)
    }

    pub fn put(&mut self, subscriber: Subscriber) -> usize {
        let session = subscriber.outbox.by.session;
        match self.places.get(&session).copied() {
            Some(place) => {
                self.subscribers[place] = subscriber;
                place
            }
            None => {
                self.subscribers.push(subscriber);
                self.places.insert(session, self.subscribers.len() - 1);
                self.subscribers.len() - 1
            }
        }
    }

    pub fn take_out(&mut self, place: usize) {
        let gone = self.subscribers.swap_remove(place);
        self.places.remove(&gone.outbox.by.session);
        if let Some(moved) = self.subscribers.get(place) {
            self.places.insert(moved.outbox.by.session, place);
        }
    }

    pub fn keep(&mut self, kept: Kept) {
        let now_ms = kept.at_ms;
        self.ring_bytes += kept.frame.len();
        self.ring.push_back(kept);
        // The newest event stays, however large: a subscriber may be lagging on it.
        while self.ring.len() > 1 {
            let oldest = &self.ring[0];
            let over = self.ring.len() > RING_EVENTS_MAX
                || self.ring_bytes > RING_BYTES_MAX
                || now_ms.saturating_sub(oldest.at_ms) > RING_MS_MAX;
            if !over {
                return;
            }
            self.ring_bytes -= oldest.frame.len();
            self.ring.pop_front();
        }
    }

    /// Hands kept events from `next` on to one subscriber, as many as its lane takes.
    pub fn pump(&mut self, place: usize, next: u64, now_ms: u64, counts: &HubCounts) {
        let from = self.ring.partition_point(|kept| kept.offset < next);
        let Inner { ring, subscribers, .. } = self;
        let subscriber = &mut subscribers[place];
        for kept in ring.range(from..) {
            if kept.whole_only && subscriber.outbox.is_sliced() {
                continue;
            }
            if !subscriber.outbox.event(&kept.frame, now_ms) {
                subscriber.lagging_from = Some(kept.offset);
                return;
            }
            counts.deliveries.fetch_add(1, Ordering::Relaxed);
        }
    }
}
