//! The socket: a pipe. Its task reads, decodes and hands on, `wire` writes; the session behind both outlives them. A socket that does
//! not take what is written to it is not read either: a client that does not listen cannot ask for more.

mod bell;
mod opening;
mod reaper;
mod wire;

pub use opening::{open, upgradable, upgrade};
pub use reaper::{KNOCK_ROUNDS, Sockets, reap};

use crate::app::App;
use crate::auth::Claims;
use crate::telemetry::trace::TraceId;
use actix_http::ws::{self, Codec, Frame, Message, ProtocolError};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::{Sleep, sleep, timeout};
use actix_web::web;
use bell::Bell;
use bytes::{Bytes, BytesMut};
use fitconnect_actors::outbox::Outbox;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::Millis;
use fitconnect_domain::class::Caller;
use fitconnect_domain::session::Input;
use fitconnect_protocol::codec::{self, BadFrame};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Request, Response, TopicPosition};
use fitconnect_protocol::{CloseCode, ErrorCode, Refusal, SessionId};
use std::cell::RefCell;
use std::future::poll_fn;
use std::mem;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio_util::codec::{Decoder, Encoder};
use wire::{Turn, Wire};

/// Malformed frames that a socket may send before it is taken for a broken client.
const BAD_FRAMES_MAX: u32 = 20;

/// Reads of one socket before another one's turn.
const READS: usize = 8;

/// What all sockets of a worker read into: between two reads only the beginning of an unfinished frame is kept of any.
struct Reading {
    chunk: Box<[u8]>,
    frames: BytesMut,
}

thread_local! {
    static READING: RefCell<Reading> =
        RefCell::new(Reading { chunk: vec![0; READ_BYTES].into(), frames: BytesMut::with_capacity(READ_BYTES) });
}

/// Bytes that a socket that panicked has left in the buffer of this worker.
#[cfg(test)]
pub fn leave_behind(bytes: &[u8]) {
    READING.with_borrow_mut(|reading| reading.frames.extend_from_slice(bytes));
}

pub struct Socket {
    app: web::Data<App>,
    stream: OwnedReadHalf,
    codec: Codec,
    /// Read, and not yet a whole frame.
    begun: BytesMut,
    wire: Arc<Wire>,
    /// Nobody has said hello, and this long it is waited for.
    hello: Option<Pin<Box<Sleep>>>,
    outbox: Option<Arc<Outbox>>,
    /// Of the token that this socket was opened with, or has shown since.
    expires_at: Millis,
    bad: u32,
    closing: bool,
    /// One id for everything that is logged of this socket.
    trace: TraceId,
}

impl Socket {
    /// Serves the socket until it closes or is lost. `begun` came behind the opening; `claims` are of the token in it.
    pub async fn serve(app: web::Data<App>, stream: TcpStream, begun: BytesMut, claims: Option<Claims>) {
        app.telemetry.socket_opened();
        let (reading, writing) = stream.into_split();
        let wire = Wire::new(app.clone(), writing, Bell::of_this_worker());
        let mut socket = Socket {
            app,
            stream: reading,
            codec: Codec::new().max_size(FRAME_BYTES_MAX),
            begun,
            wire,
            hello: None,
            outbox: None,
            expires_at: Millis(0),
            bad: 0,
            closing: false,
            trace: TraceId::new(),
        };
        match claims {
            Some(claims) => socket.welcome(claims),
            None => socket.hello = Some(Box::pin(sleep(Duration::from_millis(HELLO_MS_MAX)))),
        }
        let mut begun = mem::take(&mut socket.begun);
        socket.decode(&mut begun);
        socket.begun = begun;
        poll_fn(|task| socket.poll(task)).await;
        socket.leave().await;
    }

    /// Tells the session at once, and lets the last frames arrive: a stream that is dropped with something unread takes them along.
    async fn leave(mut self) {
        self.detach();
        if self.wire.is_lost() {
            return;
        }
        let last = async {
            poll_fn(|task| self.wire.poll_unblocked(task)).await;
            self.wire.shut_writing();
            let mut rest = [0; 256];
            while matches!(self.stream.read(&mut rest).await, Ok(1..)) {}
        };
        // Whoever does not close its side has had its time.
        let _ = timeout(Duration::from_millis(CLOSING_MS_MAX), last).await;
    }

    fn detach(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            outbox.shut();
            self.app.sockets.unwatch(&outbox);
            // The session may be carried by another socket by now.
            if self.app.house.hub.detach(&outbox) {
                self.app.house.to_session(outbox.by.session, Input::Detached, ReplyTo::Nobody);
            }
        }
    }

    fn now(&self) -> Millis {
        self.app.clock.now()
    }

    /// The person is known: a session begins, and the client is told.
    fn welcome(&mut self, claims: Claims) {
        let session = SessionId(uuid::Uuid::now_v7());
        let by = Caller {
            user: claims.user,
            gym: claims.gym,
            role: claims.role,
            session,
            hall: claims.hall.clone(),
            name: claims.name.clone(),
        };
        let outbox = self.carry(Arc::new(by));
        let now = self.now();
        let welcome = Response::Welcome {
            session,
            protocol: fitconnect_protocol::VERSION,
            build: crate::BUILD.into(),
            heartbeat_ms: HEARTBEAT_MS,
            frame_bytes_max: FRAME_BYTES_MAX as u32,
            server_time_ms: now.0 as i64,
            clock_rate: self.app.config.clock_rate,
            ack: self.app.config.ack.into(),
            user: claims.user,
            gym: claims.gym,
            role: claims.role,
            features: Vec::new(),
        };
        outbox.control(codec::encode(0, &welcome), now.0);
        self.expires_at = claims.expires_at();
        self.app.house.open_session(self.expires_at, &outbox);
        if !self.app.revoked.is_good(&claims) {
            // Taken back in this very moment, when this socket was not yet among those that were closed.
            outbox.close(CloseCode::Unauthorised, now.0);
        }
    }

    /// A new outbox for this identity; the one before, if any, takes nothing more.
    fn carry(&mut self, by: Arc<Caller>) -> Arc<Outbox> {
        let outbox = Outbox::new(by);
        if let Some(before) = self.outbox.replace(outbox.clone()) {
            self.app.sockets.unwatch(&before);
        }
        self.wire.carry(&outbox);
        self.app.sockets.watch(&self.wire, &outbox);
        outbox
    }

    /// Writes what waits, then the close.
    fn close(&mut self, code: CloseCode) {
        if self.closing {
            return;
        }
        self.app.telemetry.closed(code);
        let (code, description) = (ws::CloseCode::Other(code.code()), Some(code.reason().into()));
        self.end(Some(ws::CloseReason { code, description }));
    }

    /// The last frames, a close with `reason`, and nothing after it.
    fn end(&mut self, reason: Option<ws::CloseReason>) {
        self.closing = true;
        let close = self.encode(Message::Close(reason));
        self.wire.end(close);
    }

    /// A frame that is no message of ours.
    fn encode(&mut self, message: Message) -> Bytes {
        let mut frame = BytesMut::new();
        self.codec.encode(message, &mut frame).expect("only an unfinished fragment cannot be encoded");
        frame.freeze()
    }

    // ---- reading ----

    /// Ready when there is nothing more to read or to say.
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        for _ in 0..READS {
            match ready!(self.wire.poll_turn(task)) {
                Turn::Read => {}
                Turn::Close(code) => self.close(code),
                Turn::Lost => return Poll::Ready(()),
            }
            let waited = self.hello.as_mut().is_some_and(|hello| hello.as_mut().poll(task).is_ready());
            if waited {
                self.close(CloseCode::Unauthorised);
            }
            if self.closing || ready!(self.read(task)).is_break() {
                return Poll::Ready(());
            }
        }
        // It has more to say; the others of this worker come first.
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once, and handles what has become whole by it. Break: the socket is over.
    fn read(&mut self, task: &mut Context<'_>) -> Poll<ControlFlow<()>> {
        READING.with_borrow_mut(|Reading { chunk, frames }| {
            let mut read = ReadBuf::new(chunk);
            match ready!(Pin::new(&mut self.stream).poll_read(task, &mut read)) {
                Ok(()) if !read.filled().is_empty() => {}
                lost => {
                    tracing::debug!(?lost, "the socket is lost");
                    return Poll::Ready(ControlFlow::Break(()));
                }
            }
            // Before, not after: who panics in the middle leaves something.
            frames.clear();
            frames.extend_from_slice(&mem::take(&mut self.begun));
            frames.extend_from_slice(read.filled());
            self.decode(frames);
            self.begun = BytesMut::from(&frames[..]);
            Poll::Ready(if self.closing { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }

    /// Handles all whole frames of `frames`, and leaves what is not whole yet.
    fn decode(&mut self, frames: &mut BytesMut) {
        while !self.closing
            && let Some(frame) = self.codec.decode(frames).transpose()
        {
            self.handle(frame);
        }
    }

    fn handle(&mut self, frame: Result<Frame, ProtocolError>) {
        // What a socket has to say is for debugging; a span for each frame would be felt.
        let _in = tracing::enabled!(tracing::Level::DEBUG).then(|| self.trace.socket().entered());
        match frame {
            Ok(Frame::Binary(bytes)) => self.binary(&bytes),
            Ok(Frame::Ping(bytes)) => {
                self.wire.heard();
                let pong = self.encode(Message::Pong(bytes));
                self.wire.say(pong);
            }
            Ok(Frame::Pong(_)) => self.wire.heard(),
            Ok(Frame::Close(reason)) => self.end(reason),
            // Fragments are for messages that are larger than ours may be.
            Ok(Frame::Text(_) | Frame::Continuation(_)) => self.close(CloseCode::BadFrame),
            Err(error) => {
                tracing::debug!(%error, "the socket cannot be read");
                self.close(CloseCode::BadFrame);
            }
        }
    }

    fn binary(&mut self, bytes: &Bytes) {
        self.wire.heard();
        // An empty frame is a heartbeat.
        if bytes.is_empty() {
            return;
        }
        match codec::decode(bytes) {
            Ok((id, request)) => self.request(id, request),
            Err(bad) => self.bad_frame(bad),
        }
    }

    fn bad_frame(&mut self, BadFrame { id, refusal }: BadFrame) {
        self.bad += 1;
        tracing::debug!(code = refusal.code.as_str(), message = refusal.message, "bad frame");
        self.app.telemetry.bad_frame();
        let (Some(outbox), Some(id)) = (&self.outbox, id) else { return self.close(CloseCode::BadFrame) };
        outbox.control(codec::encode(id, &Response::Refused(refusal)), self.now().0);
        if self.bad > BAD_FRAMES_MAX {
            return self.close(CloseCode::BadFrame);
        }
        self.app.house.to_session(outbox.by.session, Input::Bad, ReplyTo::Nobody);
    }

    fn request(&mut self, id: u32, request: Request) {
        if let Request::Class { cmd, .. } | Request::User { cmd, .. } | Request::Room { cmd, .. } = &request {
            // From here on the command's own id is the trace: every floor down to the row logs it.
            tracing::debug!(%cmd, "a command came in");
        }
        let Some(outbox) = self.outbox.clone() else { return self.hello(request) };
        match request {
            Request::Refresh { token } => self.refresh(id, &token, &outbox),
            Request::Resume { session, topics } => self.resume(id, session, topics, outbox),
            request => {
                let push = matches!(request, Request::Subscribe { .. });
                let reply =
                    if id == 0 && !push { ReplyTo::Nobody } else { ReplyTo::Frame { outbox: outbox.clone(), id } };
                let expected = !matches!(request, Request::Samples(_) | Request::Seen { .. });
                let reply = if expected { reply } else { ReplyTo::Nobody };
                self.app.house.to_session(outbox.by.session, Input::Frame(request), reply);
            }
        }
    }

    /// The first frame of a client that could not put its token into the subprotocol.
    fn hello(&mut self, request: Request) {
        let Request::Hello { token } = request else { return self.close(CloseCode::Unauthorised) };
        match self.app.believe(&token) {
            Ok(claims) => {
                self.hello = None;
                self.welcome(claims);
            }
            Err(why) => {
                tracing::debug!(%why, "hello refused");
                self.close(CloseCode::Unauthorised);
            }
        }
    }

    fn refresh(&mut self, id: u32, token: &str, outbox: &Arc<Outbox>) {
        let now = self.now();
        let reply = ReplyTo::Frame { outbox: outbox.clone(), id };
        match self.app.believe(token) {
            Ok(claims) if claims.user == outbox.by.user && claims.role == outbox.by.role => {
                let expires_at = claims.expires_at();
                self.expires_at = expires_at;
                self.app.house.to_session(outbox.by.session, Input::Refreshed { expires_at }, reply);
            }
            Ok(_) => reply.refuse(ErrorCode::Forbidden, now),
            Err(why) => reply.answer(&Response::Refused(Refusal::from(why)), now),
        }
    }

    /// Takes a lost session back where it is this person's and still waits; then every topic answers by itself.
    fn resume(&mut self, id: u32, wanted: Option<SessionId>, topics: Vec<TopicPosition>, own: Arc<Outbox>) {
        let house = self.app.house.clone();
        let wanted = wanted.filter(|wanted| *wanted != own.by.session);
        let known = wanted.and_then(|wanted| house.lost_session(wanted, &own.by));
        let reclaimed = known.is_some_and(|by| {
            let outbox = self.carry(by);
            let taken = house.reclaim_session(self.expires_at, &outbox);
            if taken {
                house.session_ended(own.by.session, Some(&own));
            }
            taken
        });
        let Some(outbox) = self.outbox.clone() else { return };
        if !reclaimed && !Arc::ptr_eq(&outbox, &own) {
            // The old session ended in this very moment: the new one goes on.
            return self.close(CloseCode::GoingAway);
        }
        let session = outbox.by.session;
        let answer = Response::Resuming { session, reclaimed, topics: topics.len() as u32 };
        outbox.control(codec::encode(id, &answer), self.now().0);
        house.to_session(session, Input::Frame(Request::Resume { session: None, topics }), ReplyTo::Nobody);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.detach();
        self.app.telemetry.socket_closed();
    }
}
