//! Topics whose events are all stored, under numbers that their actor gives. The count outlives the process and every fault of the
//! actor; what is no longer in the ring is read from the store while the reader's live frames are held back.

use super::channel::{ChannelHub, Inner, Kept, Subscriber};
use super::{Channel, Hub, HubCounts, event_frame};
use crate::outbox::{Outbox, StateKey};
use crate::reply::ReplyTo;
use fitconnect_domain::out::FollowFrom;
use fitconnect_protocol::UserId;
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::session::{Event, Position, Response, Subscribed, Topic};
use fitconnect_protocol::{ErrorCode, Refusal};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Starts to bring a reader up from the store.
pub type Fill = Box<dyn Fn(Channel, Arc<Outbox>) + Send + Sync>;

impl Hub {
    /// How a reader is brought up from the store; once, at start.
    pub fn on_fill(&self, fill: Fill) {
        let _ = self.fill.set(fill);
    }

    pub(super) fn start_fill(&self, channel: Channel, outbox: &Arc<Outbox>) {
        if let Some(fill) = self.fill.get() {
            fill(channel, outbox.clone());
        }
    }

    /// The topic's actor has been loaded: its topic stands at `at`, and these are its newest events, numbered.
    pub fn stand(&self, channel: Channel, at: Position, newest: Vec<(u64, Event)>, now_ms: u64) {
        if self.channel(channel).stand(at, newest, now_ms) {
            self.waited_for().insert(channel);
        }
    }

    /// Nobody follows it and its actor sleeps: the next one finds its place in the store.
    pub fn forget_if_idle(&self, channel: Channel) {
        self.channels.remove_if(&channel, |_, found| Arc::strong_count(found) == 1 && found.is_idle());
    }

    /// The event that brings the topic to `at`, to all who follow.
    pub fn publish_at(&self, channel: Channel, at: Position, event: Event, now_ms: u64) {
        if let Some(found) = self.find(channel) {
            found.begin_count(at);
            debug_assert_eq!(found.position(), Position { offset: at.offset - 1, ..at }, "numbers follow each other");
            found.publish(event, false, now_ms, &self.counts);
        }
    }

    /// Who comes back is told this at `offset`, not what was told there at first.
    pub fn rewrite(&self, channel: Channel, offset: u64, event: Event) {
        if let Some(found) = self.find(channel) {
            found.rewrite(offset, event);
        }
    }

    /// The caller follows the topic, which stands at `at`: with what it missed, or with the whole.
    pub fn follow(&self, to: ReplyTo, topic: Topic, at: Position, from: FollowFrom, now_ms: u64) {
        let ReplyTo::Frame { outbox, id } = to else { return };
        let Some(found) = self.hang(&outbox, topic) else {
            if id != 0 {
                let refusal = Refusal::new(ErrorCode::Gone, "the topic was given up meanwhile");
                outbox.control(encode(id, &Response::Refused(refusal)), now_ms);
            }
            return;
        };
        if found.follow(&outbox, id, at, from, now_ms, &self.counts) {
            self.start_fill(Channel::of(topic, &outbox.by), &outbox);
        }
    }

    /// Somebody types: to all who follow and have room for it.
    pub fn typing(&self, channel: Channel, user: UserId, name: String, now_ms: u64) {
        let Some(found) = self.find(channel) else { return };
        let frame = encode(0, &Response::Typing { h: found.handle(), user, name });
        found.inner().subscribers.iter().for_each(|subscriber| subscriber.outbox.ephemeral(&frame, now_ms));
    }

    /// To the other of two: how far this one is.
    pub fn marks(&self, channel: Channel, of: UserId, got: u64, read: u64, now_ms: u64) {
        let Some(found) = self.find(channel) else { return };
        let h = found.handle();
        let frame = [encode(0, &Response::Marks { h, got, read })];
        let inner = found.inner();
        for subscriber in inner.subscribers.iter().filter(|subscriber| subscriber.outbox.by.user != of) {
            subscriber.outbox.state(StateKey::Marks(h), &frame, now_ms);
        }
    }

    /// This person no longer follows the topic, on no device.
    pub fn expel(&self, channel: Channel, user: UserId, now_ms: u64) {
        let Some(found) = self.find(channel) else { return };
        for outbox in found.expel(user, now_ms) {
            if let Some(mut follower) = self.sessions.get_mut(&outbox.by.session) {
                follower.channels.retain(|known| !Arc::ptr_eq(known, &found));
            }
        }
    }

    /// The first event that this reader needs from the store; `None` where there is nothing more to read for it now.
    pub fn next_to_fill(&self, channel: Channel, outbox: &Arc<Outbox>, now_ms: u64) -> Option<u64> {
        self.find(channel)?.next_to_fill(outbox, now_ms, &self.counts)
    }

    /// Events that were read for this reader, from number `first` on.
    pub fn fill(&self, channel: Channel, outbox: &Arc<Outbox>, first: u64, events: Vec<Event>, now_ms: u64) {
        if let Some(found) = self.find(channel) {
            found.fill(outbox, first, events, now_ms, &self.counts);
        }
    }
}

impl ChannelHub {
    fn position(&self) -> Position {
        let inner = self.inner();
        Position { epoch: inner.epoch, offset: inner.offset }
    }

    /// The first event of all says in which epoch the topic counts.
    fn begin_count(&self, at: Position) {
        let mut inner = self.inner();
        if inner.offset == 0 && at.offset == 1 {
            inner.epoch = at.epoch;
        }
    }

    /// Whether anybody waits to be taken in.
    fn stand(&self, at: Position, newest: Vec<(u64, Event)>, now_ms: u64) -> bool {
        let mut inner = self.inner();
        if (inner.epoch, inner.offset) != (at.epoch, at.offset) || inner.ring.is_empty() {
            // What was committed without our hearing of it, or all of it where the process is new.
            inner.wait_all();
            let first = newest.first().map_or(at.offset + 1, |(first, _)| *first);
            if inner.epoch != at.epoch || first > inner.offset + 1 || inner.ring.is_empty() {
                (inner.epoch, inner.offset) = (at.epoch, first - 1);
                inner.empty_ring();
            }
            let known = inner.offset;
            for (offset, event) in newest.into_iter().filter(|(offset, _)| *offset > known) {
                let frame = event_frame(self.handle(), offset, event);
                inner.keep(Kept { offset, at_ms: now_ms, whole_only: false, frame });
            }
            inner.offset = at.offset;
        }
        !inner.waiting.is_empty()
    }

    /// The actor begins a new life. The count goes on, and what waits in a socket's lanes belongs to it; those who follow wait to be
    /// taken in from where they are.
    pub(super) fn begin_life(&self) -> bool {
        let mut inner = self.inner();
        inner.wait_all();
        !inner.waiting.is_empty()
    }

    fn is_idle(&self) -> bool {
        let inner = self.inner();
        inner.subscribers.is_empty() && inner.waiting.is_empty()
    }

    /// `true`: what it missed must be read from the store.
    fn follow(
        &self,
        outbox: &Arc<Outbox>,
        id: u32,
        at: Position,
        from: FollowFrom,
        now_ms: u64,
        counts: &HubCounts,
    ) -> bool {
        let mut inner = self.inner();
        let (first, reason, snapshot) = match from {
            FollowFrom::Missed { first } => (first, None, None),
            FollowFrom::Snapshot { reason, snapshot } => (at.offset + 1, Some(reason), Some(*snapshot)),
        };
        let reply = Subscribed {
            topic: self.topic,
            h: self.handle(),
            epoch: at.epoch,
            offset: at.offset,
            recovered: reason.is_none(),
            reason,
            snapshot,
        };
        outbox.control(encode(id, &Response::Subscribed(Box::new(reply))), now_ms);
        inner.waiting.remove(&outbox.by.session);
        let place = inner.put(Subscriber::new(outbox.clone()));
        if first > inner.offset || inner.keeps(first) {
            inner.pump(place, first, now_ms, counts);
            return false;
        }
        let subscriber = &mut inner.subscribers[place];
        (subscriber.lagging_from, subscriber.filling) = (Some(first), true);
        true
    }

    fn expel(&self, user: UserId, now_ms: u64) -> Vec<Arc<Outbox>> {
        let mut inner = self.inner();
        inner.waiting.retain(|_, waiting| waiting.outbox.by.user != user);
        let theirs = inner.subscribers.iter().filter(|subscriber| subscriber.outbox.by.user == user);
        let theirs: Vec<Arc<Outbox>> = theirs.map(|subscriber| subscriber.outbox.clone()).collect();
        for outbox in &theirs {
            if let Some(place) = inner.places.get(&outbox.by.session).copied() {
                inner.take_out(place);
            }
            outbox.control(encode(0, &Response::Ended { h: self.handle() }), now_ms);
        }
        theirs
    }

    fn next_to_fill(&self, outbox: &Arc<Outbox>, now_ms: u64, counts: &HubCounts) -> Option<u64> {
        let mut inner = self.inner();
        let place = inner.place_of(outbox)?;
        let subscriber = &mut inner.subscribers[place];
        let next = subscriber.lagging_from.filter(|_| subscriber.filling)?;
        if next <= inner.offset && !inner.keeps(next) {
            return Some(next);
        }
        let subscriber = &mut inner.subscribers[place];
        (subscriber.lagging_from, subscriber.filling) = (None, false);
        inner.pump(place, next, now_ms, counts);
        None
    }

    fn fill(&self, outbox: &Arc<Outbox>, first: u64, events: Vec<Event>, now_ms: u64, counts: &HubCounts) {
        let handle = self.handle();
        let frames: Vec<_> = (first..).zip(events).map(|(offset, event)| event_frame(handle, offset, event)).collect();
        let mut inner = self.inner();
        let Some(place) = inner.place_of(outbox) else { return };
        let subscriber = &mut inner.subscribers[place];
        if subscriber.lagging_from != Some(first) || !subscriber.filling {
            return;
        }
        if frames.is_empty() {
            tracing::error!(topic = %self.topic, first, "events of a stored topic are missing in the store");
            outbox.control(encode(0, &Response::Ended { h: handle }), now_ms);
            inner.take_out(place);
            return;
        }
        for (offset, frame) in (first..).zip(&frames) {
            subscriber.lagging_from = Some(offset);
            if !outbox.event(frame, now_ms) {
                // It comes back when its lane has drained.
                subscriber.filling = false;
                return;
            }
            counts.deliveries.fetch_add(1, Ordering::Relaxed);
        }
        subscriber.lagging_from = Some(first + frames.len() as u64);
    }
}

impl Inner {
    /// Whether the ring holds this event and all that follow.
    pub(super) fn keeps(&self, offset: u64) -> bool {
        self.ring.front().is_some_and(|oldest| oldest.offset <= offset)
    }

    fn empty_ring(&mut self) {
        self.ring.clear();
        self.ring_bytes = 0;
    }

    /// Everybody who follows waits from where they are.
    fn wait_all(&mut self) {
        self.ask_again();
        let at = Position { epoch: self.epoch, offset: self.offset };
        for subscriber in self.forget_subscribers() {
            let offset = subscriber.lagging_from.map_or(at.offset, |next| next - 1);
            self.wait(subscriber.outbox, Position { offset, ..at });
        }
    }

    fn place_of(&self, outbox: &Arc<Outbox>) -> Option<usize> {
        let place = self.places.get(&outbox.by.session).copied()?;
        Arc::ptr_eq(&self.subscribers[place].outbox, outbox).then_some(place)
    }
}

#[cfg(test)]
mod tests;
