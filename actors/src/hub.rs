//! The one place for fan-out in a process: topic -> subscribers, ring of recent events, lag. It stands outside the actors, so that
//! a fault of one loses no subscriber. The ring is filled as publishes leave an actor's queue: it never holds what is not committed.

mod board;
mod channel;
mod presence;
mod stored;

use crate::outbox::{Outbox, StateKey};
use crate::reply::ReplyTo;
use board::cut_slice;
use channel::{CaughtUp, ChannelHub, is_stored};
use dashmap::DashMap;
use fitconnect_domain::ActorKey;
use fitconnect_domain::class::{Caller, TickFrame};
use fitconnect_protocol::class::AttentionList;
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::SUBSCRIPTIONS_MAX;
use fitconnect_protocol::session::{Event, Mine, Position, Response, Snapshot, Topic};
use fitconnect_protocol::{ClassId, CloseCode, ErrorCode, Refusal, RoomId, SessionId, UserId};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use stored::Fill;

/// A topic as the process knows it: `user:me` is another one for each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    pub topic: Topic,
    user: Option<UserId>,
}

impl Channel {
    /// Whose the topic is.
    pub fn actor(&self) -> Option<ActorKey> {
        match self.topic {
            Topic::Class(class) | Topic::Board(class) | Topic::Desk(class) => Some(ActorKey::Class(class)),
            Topic::Me => self.user.map(ActorKey::User),
            Topic::Room(room) => Some(ActorKey::Room(room)),
        }
    }
    pub fn of(topic: Topic, by: &Caller) -> Channel {
        Channel { topic, user: (topic == Topic::Me).then_some(by.user) }
    }
    pub fn class(topic: Topic) -> Channel {
        Channel { topic, user: None }
    }
    pub fn me(user: UserId) -> Channel {
        Channel { topic: Topic::Me, user: Some(user) }
    }
    pub fn room(room: RoomId) -> Channel {
        Channel { topic: Topic::Room(room), user: None }
    }
    /// The topics of a class, which begin a new epoch together.
    pub fn all_of_class(class: ClassId) -> [Channel; 3] {
        [Topic::Class(class), Topic::Board(class), Topic::Desk(class)].map(Channel::class)
    }
}

/// Tells a topic's actor that somebody waits to be taken in.
pub type Call = Box<dyn Fn(Channel) + Send + Sync>;

/// Counts for the metrics.
#[derive(Debug, Default)]
pub struct HubCounts {
    pub deliveries: AtomicU64,
    pub ticks_skipped: AtomicU64,
    pub lagged: AtomicU64,
}

/// A session's socket and what it follows.
struct Follower {
    outbox: Arc<Outbox>,
    channels: Vec<Arc<ChannelHub>>,
    /// Topics that were given up after they had last been asked for: an older request may still be under way. The newest are kept.
    given_up: VecDeque<Topic>,
}

pub struct Hub {
    channels: DashMap<Channel, Arc<ChannelHub>>,
    sessions: DashMap<SessionId, Follower>,
    next_handle: AtomicU32,
    next_epoch: AtomicU32,
    call: OnceLock<Call>,
    fill: OnceLock<Fill>,
    /// Topics whose actors have somebody to take in.
    waited_for: Mutex<BTreeSet<Channel>>,
    pub counts: HubCounts,
}

impl Hub {
    /// `first_epoch`: epochs count on from here. No process may repeat one that another has given out to the same topic.
    pub fn new(first_epoch: u32) -> Hub {
        Hub {
            channels: DashMap::new(),
            sessions: DashMap::new(),
            next_handle: AtomicU32::new(1),
            next_epoch: AtomicU32::new(first_epoch),
            call: OnceLock::new(),
            fill: OnceLock::new(),
            waited_for: Mutex::default(),
            counts: HubCounts::default(),
        }
    }

    /// How a topic's actor is called; once, at start.
    pub fn on_call(&self, call: Call) {
        let _ = self.call.set(call);
    }

    fn find(&self, channel: Channel) -> Option<Arc<ChannelHub>> {
        self.channels.get(&channel).map(|found| found.value().clone())
    }

    fn channel(&self, channel: Channel) -> Arc<ChannelHub> {
        let make = || Arc::new(ChannelHub::new(channel.topic, self.new_handle(), self.new_epoch()));
        self.channels.entry(channel).or_insert_with(make).value().clone()
    }

    fn new_handle(&self) -> u32 {
        self.next_handle.fetch_add(1, Ordering::Relaxed)
    }
    fn new_epoch(&self) -> u32 {
        self.next_epoch.fetch_add(1, Ordering::Relaxed)
    }

    // ---- sockets ----

    /// A socket carries this session from now on.
    pub fn attach(&self, outbox: &Arc<Outbox>, now_ms: u64) {
        let follower = Follower { outbox: outbox.clone(), channels: Vec::new(), given_up: VecDeque::new() };
        if let Some(before) = self.sessions.insert(outbox.by.session, follower) {
            before.channels.iter().for_each(|channel| channel.leave(&before.outbox));
            before.outbox.close(CloseCode::Replaced, now_ms);
        }
    }

    /// The socket is gone; what it followed ends with it. `false`: another socket carries the session by now.
    pub fn detach(&self, outbox: &Arc<Outbox>) -> bool {
        let own = |_: &SessionId, follower: &Follower| Arc::ptr_eq(&follower.outbox, outbox);
        let Some((_, follower)) = self.sessions.remove_if(&outbox.by.session, own) else { return false };
        follower.channels.iter().for_each(|channel| channel.leave(outbox));
        true
    }

    /// Sockets and followed topics.
    pub fn sizes(&self) -> (usize, usize) {
        (self.sessions.len(), self.channels.len())
    }

    /// Every socket, for the reaper and for the end of the house.
    pub fn outboxes(&self) -> Vec<Arc<Outbox>> {
        self.sessions.iter().map(|entry| entry.outbox.clone()).collect()
    }

    // ---- topics ----

    /// The socket asks to follow the topic: what it gave up before no longer counts.
    pub fn asked(&self, outbox: &Arc<Outbox>, topic: Topic) {
        if let Some(mut follower) = self.sessions.get_mut(&outbox.by.session) {
            follower.given_up.retain(|other| *other != topic);
        }
    }

    /// The caller follows the topic from here on. What it missed follows when its position is still kept, else the snapshot goes.
    pub fn subscribe(&self, to: ReplyTo, topic: Topic, position: Option<Position>, snapshot: Snapshot, now_ms: u64) {
        let ReplyTo::Frame { outbox, id } = to else { return };
        let Some(channel) = self.hang(&outbox, topic) else {
            if id != 0 {
                let refusal = Refusal::new(ErrorCode::Gone, "the topic was given up meanwhile");
                outbox.control(encode(id, &Response::Refused(refusal)), now_ms);
            }
            return;
        };
        channel.subscribe(&outbox, id, position, snapshot, now_ms, &self.counts);
    }

    /// Notes that the socket follows a topic, where it still carries its session and has not given the topic up.
    fn hang(&self, outbox: &Arc<Outbox>, topic: Topic) -> Option<Arc<ChannelHub>> {
        let channel = self.channel(Channel::of(topic, &outbox.by));
        let mut follower = self.sessions.get_mut(&outbox.by.session)?;
        if !Arc::ptr_eq(&follower.outbox, outbox) || follower.given_up.contains(&topic) {
            return None;
        }
        if !follower.channels.iter().any(|known| Arc::ptr_eq(known, &channel)) {
            follower.channels.push(channel.clone());
        }
        Some(channel)
    }

    pub fn unsubscribe(&self, outbox: &Arc<Outbox>, topic: Topic) {
        let Some(mut follower) = self.sessions.get_mut(&outbox.by.session) else { return };
        if !Arc::ptr_eq(&follower.outbox, outbox) {
            return;
        }
        follower.given_up.retain(|other| *other != topic);
        follower.given_up.push_back(topic);
        if follower.given_up.len() > SUBSCRIPTIONS_MAX {
            follower.given_up.pop_front();
        }
        let Some(channel) = self.find(Channel::of(topic, &outbox.by)) else { return };
        follower.channels.retain(|known| !Arc::ptr_eq(known, &channel));
        drop(follower);
        channel.leave(outbox);
    }

    /// Numbers an event and hands it to all who follow. `whole_only`: not to riders who get slices.
    pub fn publish(&self, channel: Channel, event: Event, whole_only: bool, now_ms: u64) {
        if let Some(found) = self.find(channel) {
            found.publish(event, whole_only, now_ms, &self.counts);
        }
    }

    /// The newest attention list for the desks of a class.
    pub fn attention(&self, class: ClassId, list: AttentionList, now_ms: u64) {
        if let Some(found) = self.find(Channel::class(Topic::Desk(class))) {
            found.attention(list, now_ms);
        }
    }

    /// A frame for one session, where it is connected.
    pub fn direct(&self, session: SessionId, response: &Response, now_ms: u64) {
        if let Some(follower) = self.sessions.get(&session) {
            follower.outbox.control(encode(0, response), now_ms);
        }
    }

    /// The same, if the session has time for it.
    pub fn passing(&self, session: SessionId, response: &Response, now_ms: u64) {
        if let Some(follower) = self.sessions.get(&session) {
            follower.outbox.ephemeral(&encode(0, response), now_ms);
        }
    }

    /// A tick of a class's board: the views to those who watch, and to each rider its own.
    pub fn tick(&self, class: ClassId, frame: TickFrame, now_ms: u64) {
        for (topic, rows) in [(Topic::Desk(class), &frame.desk), (Topic::Board(class), &frame.board)] {
            if let Some(found) = self.find(Channel::class(topic)) {
                found.tick(&frame.header, rows, now_ms, &self.counts);
            }
        }
        let epoch = self.find(Channel::class(Topic::Board(class))).map_or(0, |board| board.epoch());
        for mine in frame.mine {
            let Some(follower) = self.sessions.get(&mine.session) else { continue };
            let outbox = &follower.outbox;
            let mut own = Mine {
                class,
                row: mine.row.to_vec(),
                splats: mine.splats,
                acks: mine.acks,
                slice: None,
                names: Vec::new(),
            };
            if let Some(slices) = &frame.slices {
                outbox.set_sliced();
                let (slice, slots) = cut_slice(&frame.header, epoch, slices, mine.slot);
                own.slice = Some(slice);
                let name = |slot: u16| slices.names.get(usize::from(slot)).map(|name| (slot, name.clone()));
                own.names = outbox.new_names(slots.into_iter()).into_iter().filter_map(name).collect();
            }
            outbox.state(StateKey::Mine, &[encode(0, &Response::Mine(own))], now_ms);
            self.counts.deliveries.fetch_add(1, Ordering::Relaxed);
        }
    }

    // ---- lag ----

    /// The viewer has drawn this tick.
    pub fn seen(&self, outbox: &Arc<Outbox>, handle: u32) {
        if let Some(follower) = self.sessions.get(&outbox.by.session)
            && let Some(channel) = follower.channels.iter().find(|channel| channel.handle() == handle)
        {
            channel.seen(outbox);
        }
    }

    /// The socket has room again: its lagging topics go on from where it stands.
    pub fn catch_up(&self, outbox: &Arc<Outbox>, now_ms: u64) {
        let channels = match self.sessions.get(&outbox.by.session) {
            Some(follower) if Arc::ptr_eq(&follower.outbox, outbox) => follower.channels.clone(),
            Some(_) | None => return,
        };
        for channel in channels {
            let behind = Channel::of(channel.topic, &outbox.by);
            match channel.catch_up(outbox, now_ms, &self.counts) {
                CaughtUp::Yes => {}
                CaughtUp::Waits => {
                    self.waited_for().insert(behind);
                    self.call(behind);
                }
                CaughtUp::Fills => self.start_fill(behind, outbox),
            }
        }
    }

    // ---- faults of a topic's actor ----

    /// The topics begin anew, but for the count of those that are stored. Whoever follows them waits until their actor has a machine again and takes them in.
    pub fn begin_epoch(&self, channels: &[Channel]) {
        for channel in channels {
            let Some(found) = self.find(*channel) else { continue };
            let waited_for = match is_stored(channel.topic) {
                true => found.begin_life(),
                false => found.begin_epoch(self.new_epoch(), self.new_handle()),
            };
            if waited_for {
                self.waited_for().insert(*channel);
            }
        }
    }

    /// This socket could not be taken in now: it is, as soon as the topic's actor can. `false`: it is no longer wanted.
    pub fn wait(&self, outbox: &Arc<Outbox>, topic: Topic, position: Position) -> bool {
        let Some(channel) = self.hang(outbox, topic) else { return false };
        channel.wait(outbox, position);
        self.waited_for().insert(Channel::of(topic, &outbox.by));
        true
    }

    /// The next of those who wait for this actor's topics, as the actor has a machine that can take them in.
    pub fn next_waiting(&self, channels: &[Channel]) -> Option<(Arc<Outbox>, Topic, Position)> {
        for channel in channels {
            if !self.waited_for().contains(channel) {
                continue;
            }
            let Some(found) = self.find(*channel) else { continue };
            if let Some((outbox, position)) = found.next_waiting() {
                return Some((outbox, channel.topic, position));
            }
            self.waited_for().remove(channel);
            // Somebody may have come in between.
            if found.is_waited_for() {
                self.waited_for().insert(*channel);
            }
        }
        None
    }

    /// Calls every actor that has somebody to take in: it may have been too busy to hear.
    pub fn call_all(&self) {
        let channels: Vec<Channel> = self.waited_for().iter().copied().collect();
        channels.into_iter().for_each(|channel| self.call(channel));
    }

    fn waited_for(&self) -> MutexGuard<'_, BTreeSet<Channel>> {
        self.waited_for.lock().expect("nobody panics while holding this list")
    }

    fn call(&self, channel: Channel) {
        if let Some(call) = self.call.get() {
            call(channel);
        }
    }
}

/// The frame of an event at its place.
fn event_frame(handle: u32, offset: u64, event: Event) -> Frame {
    encode(0, &Response::Event { h: handle, o: offset, e: event })
}

#[cfg(test)]
mod tests;
