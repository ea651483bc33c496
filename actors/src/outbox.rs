//! What waits for one socket: four lanes, each bounded in bytes. Senders put frames in and wake the socket; the socket drains.
//! It is neither the socket nor the session: it is what both and the hub hold in common.

use fitconnect_domain::class::Caller;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::{CloseCode, RoomId, UserId};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

/// What a frame replaces in the state lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateKey {
    /// The board of the topic with this handle.
    Board(u32),
    /// The attention list of the desk with this handle.
    Attention(u32),
    /// One's own row.
    Mine,
    /// Who is there in the room of the topic with this handle.
    Presence(u32),
    /// How far the other of two is, in the room of the topic with this handle.
    Marks(u32),
}

/// A room, and people of it.
type Look = (RoomId, Arc<BTreeSet<UserId>>);

#[derive(Default)]
struct Lanes {
    control: VecDeque<Frame>,
    control_bytes: usize,
    event: VecDeque<Frame>,
    event_bytes: usize,
    /// A board in parts is several frames under one key.
    state: VecDeque<(StateKey, Vec<Frame>)>,
    state_bytes: usize,
    ephemeral: VecDeque<Frame>,
    ephemeral_bytes: usize,
    close: Option<CloseCode>,
    /// Since when something waits without the socket having drained.
    waiting_since: Option<u64>,
    /// The task that drains, once it has said so.
    task: Option<Waker>,
    /// Names of slices that this socket has been told, by slot, oldest first. Few enough to be looked through.
    names: VecDeque<u16>,
}

impl Lanes {
    fn has_frames(&self) -> bool {
        !(self.control.is_empty() && self.event.is_empty() && self.state.is_empty() && self.ephemeral.is_empty())
    }

    fn is_empty(&self) -> bool {
        !self.has_frames() && self.close.is_none()
    }

    /// The next frame of the first lane that has one; of a state all frames, which belong together. How many.
    fn take_some(&mut self, mut each: impl FnMut(Frame)) -> usize {
        let single = [(&mut self.control, &mut self.control_bytes), (&mut self.event, &mut self.event_bytes)];
        for (lane, bytes) in single {
            if let Some(frame) = lane.pop_front() {
                *bytes -= frame.len();
                each(frame);
                return 1;
            }
        }
        if let Some((_, frames)) = self.state.pop_front() {
            self.state_bytes -= frames.iter().map(|frame| frame.len()).sum::<usize>();
            let count = frames.len();
            frames.into_iter().for_each(each);
            return count;
        }
        let Some(frame) = self.ephemeral.pop_front() else { return 0 };
        self.ephemeral_bytes -= frame.len();
        each(frame);
        1
    }
}

/// What became of a frame of the state lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Taken,
    /// An older frame under the same key had not left: what it told of is lost, the whole must follow.
    Replaced,
    /// No room: this frame is lost.
    Full,
}

/// The frames of one socket.
pub struct Outbox {
    pub by: Arc<Caller>,
    lanes: Mutex<Lanes>,
    awake: AtomicBool,
    /// The rider gets slices of a board that is too large to be sent whole.
    sliced: AtomicBool,
    /// Topics that have more for this socket than its lane could take.
    lagging: AtomicBool,
    /// It is time to see to the heartbeat.
    knocked: AtomicBool,
    closed: AtomicBool,
    /// When the page said last how its person is there, and how: the time with two bits. 0: it never has.
    here: AtomicU64,
    /// Whom of which room's people the page looks at.
    look: Mutex<Option<Look>>,
    pub dropped: AtomicU64,
}

impl Outbox {
    pub fn new(by: Arc<Caller>) -> Arc<Outbox> {
        Arc::new(Outbox {
            by,
            lanes: Mutex::default(),
            awake: AtomicBool::new(false),
            sliced: AtomicBool::new(false),
            lagging: AtomicBool::new(false),
            knocked: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            here: AtomicU64::new(0),
            look: Mutex::default(),
            dropped: AtomicU64::new(0),
        })
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().expect("nobody panics while holding the lanes")
    }

    /// Wakes the socket that drains, unless it is awake.
    fn wake(&self, lanes: MutexGuard<'_, Lanes>) {
        if self.awake.swap(true, Ordering::AcqRel) {
            return;
        }
        let task = lanes.task.clone();
        drop(lanes);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Marks that something waits since `now`, and wakes.
    fn waits(&self, mut lanes: MutexGuard<'_, Lanes>, now_ms: u64) {
        lanes.waiting_since.get_or_insert(now_ms);
        self.wake(lanes);
    }

    /// This task drains from now on: it is woken when something comes. What is there already, it finds itself awake for.
    pub fn drained_by(&self, task: &Waker) {
        self.lanes().task = Some(task.clone());
    }

    /// A reply, an error, a close: never dropped. A client has few under way, because a socket that does not drain is not read.
    pub fn control(&self, frame: Frame, now_ms: u64) {
        if self.is_closed() {
            return;
        }
        let mut lanes = self.lanes();
        lanes.control_bytes += frame.len();
        lanes.control.push_back(frame);
        self.waits(lanes, now_ms);
    }

    /// The next event of a topic. `false`: the lane is full, the topic must come back to this socket.
    pub fn event(&self, frame: &Frame, now_ms: u64) -> bool {
        if self.is_closed() {
            return true;
        }
        let mut lanes = self.lanes();
        // A frame larger than the lane goes when the lane is empty.
        if lanes.event_bytes + frame.len() > LANE_EVENT_BYTES_MAX && !lanes.event.is_empty() {
            self.lagging.store(true, Ordering::Release);
            self.wake(lanes);
            return false;
        }
        lanes.event_bytes += frame.len();
        lanes.event.push_back(frame.clone());
        self.waits(lanes, now_ms);
        true
    }

    /// The newest state under `key`, in one or more frames.
    pub fn state(&self, key: StateKey, frames: &[Frame], now_ms: u64) -> Put {
        if self.is_closed() {
            return Put::Taken;
        }
        let mut lanes = self.lanes();
        let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
        let known = lanes.state.iter().position(|(other, _)| *other == key);
        let freed = known.map_or(0, |at| lanes.state[at].1.iter().map(|frame| frame.len()).sum());
        if lanes.state_bytes - freed + bytes > LANE_STATE_BYTES_MAX && lanes.state.len() > usize::from(known.is_some())
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Put::Full;
        }
        lanes.state_bytes = lanes.state_bytes - freed + bytes;
        let put = match known {
            Some(at) => {
                lanes.state[at].1 = frames.to_vec();
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Put::Replaced
            }
            None => {
                lanes.state.push_back((key, frames.to_vec()));
                Put::Taken
            }
        };
        self.waits(lanes, now_ms);
        put
    }

    /// Typing, bursts of reactions: dropped when nobody has time for them.
    pub fn ephemeral(&self, frame: &Frame, now_ms: u64) {
        let mut lanes = self.lanes();
        if self.is_closed() || lanes.ephemeral_bytes + frame.len() > LANE_EPHEMERAL_BYTES_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        lanes.ephemeral_bytes += frame.len();
        lanes.ephemeral.push_back(frame.clone());
        self.waits(lanes, now_ms);
    }

    /// The socket shall close when it has written what waits in the control lane.
    pub fn close(&self, code: CloseCode, now_ms: u64) {
        let mut lanes = self.lanes();
        lanes.close.get_or_insert(code);
        self.waits(lanes, now_ms);
    }

    /// The socket is gone: nothing is taken any more.
    pub fn shut(&self) {
        self.closed.store(true, Ordering::Release);
        *self.lanes() = Lanes::default();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Hands what waits to the socket in the order of the lanes, some frames at a time: what is left keeps it awake. Returns the
    /// close that was asked for, when nothing is left before it.
    pub fn drain(&self, now_ms: u64, mut each: impl FnMut(Frame)) -> Option<CloseCode> {
        self.awake.store(false, Ordering::Release);
        let mut lanes = self.lanes();
        let mut handed = 0;
        while handed < DRAIN_FRAMES_MAX {
            let some = lanes.take_some(&mut each);
            handed += some;
            if some == 0 {
                break;
            }
        }
        if lanes.has_frames() {
            lanes.waiting_since = Some(now_ms);
            self.awake.store(true, Ordering::Release);
            return None;
        }
        lanes.waiting_since = None;
        // A socket that once had much to say gives the room back.
        if lanes.control.capacity() > 32 {
            lanes.control.shrink_to(4);
        }
        if lanes.event.capacity() > 32 {
            lanes.event.shrink_to(4);
        }
        lanes.close.take()
    }

    /// Hands on everything that waits, for a socket that leaves this outbox. Returns the close that was asked for.
    pub fn empty(&self, now_ms: u64, mut each: impl FnMut(Frame)) -> Option<CloseCode> {
        loop {
            let close = self.drain(now_ms, &mut each);
            if close.is_some() || !self.is_awake() {
                return close;
            }
        }
    }

    /// Whether topics wait to send more; asked once after a drain.
    pub fn take_lagging(&self) -> bool {
        self.lagging.swap(false, Ordering::AcqRel)
    }

    /// Asks the socket to see to its heartbeat.
    pub fn knock(&self) {
        self.knocked.store(true, Ordering::Release);
        self.wake(self.lanes());
    }

    /// Whether somebody has knocked; asked once after a drain.
    pub fn take_knock(&self) -> bool {
        self.knocked.swap(false, Ordering::AcqRel)
    }

    /// Woken, and not drained since.
    pub fn is_awake(&self) -> bool {
        self.awake.load(Ordering::Acquire)
    }

    /// Frame that wait, and since when nothing has been drained.
    pub fn waiting(&self) -> (usize, Option<u64>) {
        let lanes = self.lanes();
        let bytes = lanes.control_bytes + lanes.event_bytes + lanes.state_bytes + lanes.ephemeral_bytes;
        (bytes, lanes.waiting_since.filter(|_| !lanes.is_empty()))
    }

    /// The page says how its person is there.
    pub fn here(&self, is: Presence, now_ms: u64) {
        self.here.store((now_ms + 1) << 2 | is as u64, Ordering::Relaxed);
    }

    /// How its person is there, where the page has said so within this time.
    pub fn is_here(&self, now_ms: u64, within_ms: u64) -> Option<Presence> {
        let said = self.here.load(Ordering::Relaxed);
        let fresh = said != 0 && now_ms < (said >> 2) + within_ms;
        let all = [Presence::Away, Presence::Online, Presence::InClass, Presence::Hidden];
        fresh.then(|| all[(said & 3) as usize])
    }

    /// From now on the page looks at these people of this room, and at nobody else.
    pub fn look_at(&self, room: RoomId, people: Vec<UserId>) {
        let people = people.into_iter().collect::<BTreeSet<_>>();
        *self.look.lock().expect("nobody panics while looking") =
            (!people.is_empty()).then_some((room, Arc::new(people)));
    }

    /// Whom of this room's people the page looks at.
    pub fn looks_at(&self, room: RoomId) -> Option<Arc<BTreeSet<UserId>>> {
        let look = self.look.lock().expect("nobody panics while looking");
        look.as_ref().filter(|(at, _)| *at == room).map(|(_, people)| people.clone())
    }

    pub fn is_sliced(&self) -> bool {
        self.sliced.load(Ordering::Relaxed)
    }
    pub fn set_sliced(&self) {
        self.sliced.store(true, Ordering::Relaxed);
    }

    /// Slots whose names this socket has not been told; they count as told from now on.
    pub fn new_names(&self, slots: impl Iterator<Item = u16>) -> Vec<u16> {
        let mut lanes = self.lanes();
        let mut new = Vec::new();
        for slot in slots {
            if lanes.names.contains(&slot) {
                continue;
            }
            if lanes.names.len() >= SLICE_NAMES_MAX {
                lanes.names.pop_front();
            }
            lanes.names.push_back(slot);
            new.push(slot);
        }
        new
    }
}

#[cfg(test)]
mod tests;
