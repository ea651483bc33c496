//! The writing half of a socket. It takes frames out of the session's outbox and gives them to the kernel, on the thread of its worker
//! and without a task of its own. What the kernel does not take stays here, and the connection's task goes on with it when it may.

use super::bell::Bell;
use crate::app::App;
use actix_web::web;
use bytes::Bytes;
use fitconnect_actors::outbox::Outbox;
use fitconnect_domain::Millis;
use fitconnect_protocol::CloseCode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::{DRAIN_FRAMES_MAX, HEARTBEAT_GRACE_MS, HEARTBEAT_MS, STALLED_MS_MAX};
use socket2::SockRef;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use tokio::net::tcp::OwnedWriteHalf;

/// What the connection's task does next.
pub enum Turn {
    Read,
    /// The outbox or the heartbeat asks for it.
    Close(CloseCode),
    Lost,
}

pub struct Wire {
    app: web::Data<App>,
    stream: OwnedWriteHalf,
    /// Of the worker that this socket lives on.
    bell: Arc<Bell>,
    /// When the client was last heard, ms.
    heard_at: AtomicU64,
    out: Mutex<Out>,
}

struct Out {
    /// Whose frames are written. `None`: nobody has said hello, or the socket closes.
    outbox: Option<Arc<Outbox>>,
    /// Taken out of the outbox, or said by the socket itself, and not yet written; of the first `written` bytes are gone.
    ready: VecDeque<Bytes>,
    written: usize,
    /// When the kernel last took something.
    moved_at: Millis,
    /// The kernel takes nothing more for now.
    blocked: bool,
    /// The line is cut.
    lost: bool,
    /// The connection's task is asked to close with this.
    close: Option<CloseCode>,
    /// The connection's task.
    task: Waker,
}

impl Out {
    /// So many bytes have left.
    fn took(&mut self, bytes: usize) {
        self.written += bytes;
        while let Some(first) = self.ready.front().map(Bytes::len).filter(|first| *first <= self.written) {
            self.written -= first;
            self.ready.pop_front();
        }
        // A board in many parts, once: the room is given back.
        if self.ready.is_empty() && self.ready.capacity() > 32 {
            self.ready.shrink_to(4);
        }
    }
}

impl Wire {
    pub fn new(app: web::Data<App>, stream: OwnedWriteHalf, bell: Arc<Bell>) -> Arc<Wire> {
        let now = app.clock.now();
        let out = Out {
            outbox: None,
            ready: VecDeque::new(),
            written: 0,
            moved_at: now,
            blocked: false,
            lost: false,
            close: None,
            task: Waker::noop().clone(),
        };
        Arc::new(Wire { app, stream, bell, heard_at: AtomicU64::new(now.0), out: Mutex::new(out) })
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        // A socket that has panicked is shut; it has nothing left to keep in order.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has come from the client.
    pub fn heard(&self) {
        self.heard_at.store(self.app.clock.now().0, Ordering::Relaxed);
    }

    /// Writes the frames of this outbox from now on, behind those of the one before.
    pub fn carry(self: &Arc<Wire>, outbox: &Arc<Outbox>) {
        outbox.drained_by(&Waker::from(self.clone()));
        let mut out = self.out();
        if let Some(before) = out.outbox.replace(outbox.clone()) {
            self.empty(&mut out, &before);
            before.shut();
        }
        drop(out);
        // What came in before the waker was there.
        self.flush();
    }

    /// Takes everything that waits in an outbox that is left.
    fn empty(&self, out: &mut Out, outbox: &Outbox) {
        let close = outbox.empty(self.app.clock.now().0, |frame| out.ready.push_back(frame.into_wire()));
        out.close = out.close.or(close);
    }

    /// A frame of the socket's own.
    pub fn say(&self, frame: Bytes) {
        self.out().ready.push_back(frame);
        self.flush();
    }

    /// The last frames, then `frame`, and nothing after it.
    pub fn end(&self, frame: Bytes) {
        let mut out = self.out();
        if let Some(outbox) = out.outbox.take() {
            self.empty(&mut out, &outbox);
        }
        out.ready.push_back(frame);
        drop(out);
        self.flush();
    }

    /// Writes what the kernel takes.
    pub fn flush(&self) {
        let mut out = self.out();
        if !out.blocked && !out.lost {
            self.pour(&mut out);
            if out.blocked || out.lost || out.close.is_some() {
                out.task.wake_by_ref();
            }
        }
    }

    fn pour(&self, out: &mut Out) {
        loop {
            if out.ready.is_empty() {
                self.drain(out);
            }
            if out.ready.is_empty() {
                return;
            }
            let now = self.app.clock.now();
            match self.write(out) {
                Ok(bytes) => {
                    out.moved_at = now;
                    out.took(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    out.blocked = error.kind() == ErrorKind::WouldBlock;
                    out.lost = !out.blocked;
                    return;
                }
            }
        }
    }

    /// Gives the kernel what is ready, in one call.
    fn write(&self, out: &Out) -> io::Result<usize> {
        let first = out.ready.front().map_or(&[][..], |first| &first[out.written..]);
        if out.ready.len() == 1 {
            return self.stream.try_write(first);
        }
        let mut slices = [IoSlice::new(&[]); DRAIN_FRAMES_MAX];
        slices[0] = IoSlice::new(first);
        let rest = slices.iter_mut().skip(1).zip(out.ready.iter().skip(1));
        rest.for_each(|(slice, frame)| *slice = IoSlice::new(frame));
        let count = out.ready.len().min(DRAIN_FRAMES_MAX);
        self.stream.try_write_vectored(&slices[..count])
    }

    /// Takes some of what waits in the outbox, and does what it was woken for besides.
    fn drain(&self, out: &mut Out) {
        let Some(outbox) = out.outbox.as_ref().filter(|outbox| outbox.is_awake()) else { return };
        // After the look: who has knocked counts on this time or a later one.
        let now = self.app.clock.now();
        let close = outbox.drain(now.0, |frame| out.ready.push_back(frame.into_wire()));
        if outbox.take_lagging() {
            self.app.house.hub.catch_up(outbox, now.0);
        }
        out.close = out.close.or(close);
        if outbox.take_knock() {
            let heard_at = Millis(self.heard_at.load(Ordering::Relaxed));
            if now.since(heard_at) > u64::from(HEARTBEAT_MS) + HEARTBEAT_GRACE_MS {
                out.close = out.close.or(Some(CloseCode::Silent));
            } else if out.ready.is_empty() && now.since(out.moved_at) >= u64::from(HEARTBEAT_MS) {
                out.ready.push_back(Frame::EMPTY.into_wire());
            }
        }
    }

    // ---- for the connection's task ----

    /// Goes on with what the kernel would not take; ready when it takes again.
    pub fn poll_unblocked(&self, task: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut out = self.out();
            out.task.clone_from(task.waker());
            if !out.blocked {
                return Poll::Ready(());
            }
            drop(out);
            let writable = ready!(self.stream.as_ref().poll_write_ready(task));
            let mut out = self.out();
            out.blocked = false;
            match writable {
                Ok(()) => self.pour(&mut out),
                Err(_) => out.lost = true,
            }
        }
    }

    /// What the connection's task is to do now. It is woken when the line blocks, is lost, or must be closed.
    pub fn poll_turn(&self, task: &mut Context<'_>) -> Poll<Turn> {
        ready!(self.poll_unblocked(task));
        let mut out = self.out();
        if out.lost {
            return Poll::Ready(Turn::Lost);
        }
        Poll::Ready(out.close.take().map_or(Turn::Read, Turn::Close))
    }

    pub fn is_lost(&self) -> bool {
        self.out().lost
    }

    // ---- for the reaper ----

    /// The client has taken nothing for too long, with bytes waiting for it.
    pub fn is_stalled(&self, now: Millis) -> bool {
        let out = self.out();
        out.blocked && now.since(out.moved_at) >= STALLED_MS_MAX
    }

    /// Bytes that wait for the kernel, besides those in the lanes.
    pub fn waiting(&self) -> usize {
        let out = self.out();
        out.ready.iter().map(Bytes::len).sum::<usize>() - out.written
    }

    /// Ends the connection in both directions. Its task finds it lost.
    pub fn shut(&self) {
        // A connection that the peer has ended meanwhile is as good as shut.
        let _ = SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Both);
    }

    /// Nothing more is said; what was written still arrives.
    pub fn shut_writing(&self) {
        let _ = SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Write);
    }
}

/// The outbox wakes the wire, and the wire rings its worker's bell.
impl Wake for Wire {
    fn wake(self: Arc<Wire>) {
        self.bell.clone().ring(self);
    }

    fn wake_by_ref(self: &Arc<Wire>) {
        self.bell.ring(self.clone());
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
