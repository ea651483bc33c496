//! What the HTTP connection writes: the outbox's frames, drained here, and whatever the socket's actor says itself. An actor that
//! is polled for every delivery costs more than the delivery: this body polls it only when something has woken the actor.

use crate::app::App;
use actix_web::web;
use bytes::Bytes;
use fitconnect_actors::outbox::Outbox;
use fitconnect_domain::Millis;
use fitconnect_protocol::CloseCode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::{HEARTBEAT_GRACE_MS, HEARTBEAT_MS};
use futures_util::Stream;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// What the socket's actor and its body have in common; both live on one thread.
#[derive(Default)]
pub struct Line {
    /// Whose frames are written. `None`: nobody has said hello, or the socket closes.
    pub outbox: RefCell<Option<Arc<Outbox>>>,
    /// When the client was last heard.
    pub read_at: Cell<Millis>,
    /// The body asks the actor to close with this.
    pub close: Cell<Option<CloseCode>>,
}

/// Wakes the connection's task and remembers that it was for the actor.
struct ActorWake {
    woken: AtomicBool,
    task: Mutex<Waker>,
}

impl Wake for ActorWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.task.lock().expect("nobody panics while holding the waker").wake_by_ref();
        }
    }
}

/// The body of the upgraded response.
pub struct Pipe<S> {
    app: web::Data<App>,
    line: Rc<Line>,
    /// The actor's own frames: pongs, closes, what an earlier session left.
    actor: Pin<Box<S>>,
    wake: Arc<ActorWake>,
    waker: Waker,
    /// The connection's task.
    task: Waker,
    /// The outbox that wakes this task.
    drained: Option<Arc<Outbox>>,
    /// Taken out of the outbox and not yet written.
    ready: VecDeque<Frame>,
    written_at: Millis,
}

impl<S> Pipe<S> {
    pub fn new(app: web::Data<App>, line: Rc<Line>, actor: S) -> Pipe<S> {
        let task = Waker::noop().clone();
        let wake = Arc::new(ActorWake { woken: AtomicBool::new(true), task: Mutex::new(task.clone()) });
        let waker = Waker::from(wake.clone());
        let written_at = app.clock.now();
        Pipe { app, line, actor: Box::pin(actor), wake, waker, task, drained: None, ready: VecDeque::new(), written_at }
    }

    /// Makes `task` the one that is woken, by the actor's wakers and by the outbox.
    fn woken_by(&mut self, task: &Waker) {
        if !self.task.will_wake(task) {
            self.task.clone_from(task);
            self.wake.task.lock().expect("nobody panics while holding the waker").clone_from(task);
            self.drained = None;
            self.follow();
        }
    }

    /// Drains the outbox that the actor carries now.
    fn follow(&mut self) {
        let outbox = self.line.outbox.borrow();
        if outbox.as_ref().map(Arc::as_ptr) != self.drained.as_ref().map(Arc::as_ptr) {
            if let Some(outbox) = &*outbox {
                outbox.drained_by(&self.task);
            }
            self.drained.clone_from(&outbox);
        }
    }

    /// Takes some of what waits in the outbox, and does what it was woken for besides.
    fn drain(&mut self) {
        let Some(outbox) = self.drained.as_ref().filter(|outbox| outbox.is_awake()) else { return };
        let now = self.app.clock.now();
        let mut close = outbox.drain(now.0, |frame| self.ready.push_back(frame));
        if outbox.take_lagging() {
            self.app.house.hub.catch_up(outbox, now.0);
        }
        if outbox.take_knock() {
            if now.since(self.line.read_at.get()) > u64::from(HEARTBEAT_MS) + HEARTBEAT_GRACE_MS {
                close = close.or(Some(CloseCode::Silent));
            } else if self.ready.is_empty() && now.since(self.written_at) >= u64::from(HEARTBEAT_MS) {
                self.ready.push_back(Frame::EMPTY);
            }
        }
        if !self.ready.is_empty() {
            self.written_at = now;
        }
        if let Some(code) = close {
            self.line.close.set(Some(code));
            self.wake.woken.store(true, Ordering::Release);
        }
    }

    /// The next frame of the outbox. The connection asks until its own small buffer is full, and writes once.
    fn next(&mut self) -> Option<Frame> {
        if self.ready.is_empty() {
            self.drain();
        }
        let frame = self.ready.pop_front();
        // A board in many parts, once: the room is given back.
        if self.ready.is_empty() && self.ready.capacity() > 32 {
            self.ready.shrink_to(4);
        }
        frame
    }
}

impl<S, E> Stream for Pipe<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pipe = self.get_mut();
        pipe.woken_by(task.waker());
        loop {
            if let Some(frame) = pipe.next() {
                return Poll::Ready(Some(Ok(frame.into_wire())));
            }
            if !pipe.wake.woken.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            // A swap, not a store: what the last to wake has written is seen.
            pipe.wake.woken.swap(false, Ordering::AcqRel);
            let said = pipe.actor.as_mut().poll_next(&mut Context::from_waker(&pipe.waker));
            // The actor may carry another outbox now: first the waker, then a look, for what comes in between wakes.
            pipe.follow();
            if said.is_ready() {
                // Whoever has said something is asked again.
                pipe.wake.woken.store(true, Ordering::Release);
                pipe.written_at = pipe.app.clock.now();
                return said;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;
    use actix_http::ws::{OpCode, Parser};
    use bytes::BytesMut;

    /// Every length on both sides of where the header grows is read back by a decoder that is not ours.
    #[test]
    fn frames_are_read_back() {
        let mut wire = BytesMut::new();
        let messages: Vec<Vec<u8>> = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].map(|len| vec![0x5A; len]).into();
        for message in &messages {
            let frame = Frame::from(&message[..]);
            assert_eq!((&frame[..], frame.message()), (&message[..], message.clone().into()));
            wire.extend_from_slice(&frame.into_wire());
        }
        wire.extend_from_slice(&Frame::EMPTY.into_wire());
        for message in messages.iter().chain([&Vec::new()]) {
            let (last, kind, read) = Parser::parse(&mut wire, false, 1 << 20).unwrap().expect("a whole frame");
            assert!(last && kind == OpCode::Binary);
            assert_eq!(read.unwrap_or_default(), *message);
        }
        assert!(wire.is_empty());
    }
}
