//! The socket: a pipe. It decodes, hands on and writes; the session behind it outlives it. The only file that names
//! actix-web-actors. Its actor is polled only while its HTTP body is, so a stalled reader freezes it: the reaper stands outside.

mod opening;
mod reaper;

pub use opening::open;
pub use reaper::{Conn, Sockets, on_connect, reap};

use crate::app::App;
use crate::auth::Claims;
use crate::telemetry::trace::TraceId;
use actix::prelude::{Actor, ActorContext, ActorFuture, AsyncContext, StreamHandler};
use actix_web::web;
use actix_web_actors::ws::{self, Message as Frame, ProtocolError, WebsocketContext};
use bytes::Bytes;
use fitconnect_actors::outbox::Outbox;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::Millis;
use fitconnect_domain::class::Caller;
use fitconnect_domain::session::Input;
use fitconnect_protocol::codec::{self, BadFrame};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{AckMode, Request, Response, TopicPosition};
use fitconnect_protocol::{CloseCode, ErrorCode, Refusal, SessionId};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Malformed frames that a socket may send before it is taken for a broken client.
const BAD_FRAMES_MAX: u32 = 20;

pub struct Socket {
    app: web::Data<App>,
    conn: Option<Conn>,
    /// Whose token the opening carried; taken when the session begins.
    claims: Option<Claims>,
    outbox: Option<Arc<Outbox>>,
    read_at: Millis,
    written_at: Millis,
    bad: u32,
    closing: bool,
    /// One id for everything that is logged of this socket.
    trace: TraceId,
}

type Ctx = WebsocketContext<Socket>;

impl Socket {
    fn new(app: web::Data<App>, conn: Option<Conn>, claims: Option<Claims>) -> Socket {
        let now = app.clock.now();
        Socket {
            app,
            conn,
            claims,
            outbox: None,
            read_at: now,
            written_at: now,
            bad: 0,
            closing: false,
            trace: TraceId::new(),
        }
    }

    fn now(&self) -> Millis {
        self.app.clock.now()
    }

    /// The person is known: a session begins, and the client is told.
    fn welcome(&mut self, claims: Claims, ctx: &mut Ctx) {
        let session = SessionId(uuid::Uuid::now_v7());
        let by = Caller { user: claims.user, gym: claims.gym, role: claims.role, session, hall: claims.hall.clone() };
        let outbox = self.carry(Arc::new(by), ctx);
        let now = self.now();
        let welcome = Response::Welcome {
            session,
            protocol: fitconnect_protocol::VERSION,
            build: crate::BUILD.into(),
            heartbeat_ms: HEARTBEAT_MS,
            frame_bytes_max: FRAME_BYTES_MAX as u32,
            server_time_ms: now.0 as i64,
            clock_rate: self.app.config.clock_rate,
            ack: AckMode::Local,
            user: claims.user,
            gym: claims.gym,
            role: claims.role,
            features: Vec::new(),
        };
        outbox.control(codec::encode(0, &welcome), now.0);
        self.app.house.open_session(claims.expires_at(), &outbox);
    }

    /// A new outbox for this identity; the one before, if any, takes nothing more.
    fn carry(&mut self, by: Arc<Caller>, ctx: &mut Ctx) -> Arc<Outbox> {
        let outbox = Outbox::new(by);
        if let Some(before) = self.outbox.replace(outbox.clone()) {
            self.drain_from(&before, ctx);
            while before.is_awake() && !self.closing {
                self.drain_from(&before, ctx);
            }
            self.app.sockets.unwatch(&before);
            before.shut();
        }
        self.app.sockets.watch(self.conn.clone(), &outbox);
        outbox
    }

    fn close(&mut self, code: CloseCode, ctx: &mut Ctx) {
        if std::mem::replace(&mut self.closing, true) {
            return;
        }
        self.app.telemetry.closed(code);
        ctx.close(Some(ws::CloseReason {
            code: ws::CloseCode::Other(code.code()),
            description: Some(code.reason().into()),
        }));
        ctx.stop();
    }

    // ---- writing ----

    fn drain(&mut self, ctx: &mut Ctx) {
        let Some(outbox) = self.outbox.clone() else { return };
        self.drain_from(&outbox, ctx);
        if outbox.take_lagging() {
            self.app.house.hub.catch_up(&outbox, self.now().0);
        }
        if outbox.take_knock() {
            self.heartbeat(ctx);
        }
    }

    fn drain_from(&mut self, outbox: &Arc<Outbox>, ctx: &mut Ctx) {
        let mut wrote = false;
        let now = self.now();
        let close = outbox.drain(now.0, |frame| {
            wrote = true;
            ctx.binary(frame);
        });
        if wrote {
            self.written_at = now;
        }
        if let Some(code) = close {
            self.close(code, ctx);
        }
    }

    // ---- reading ----

    fn binary(&mut self, bytes: &Bytes, ctx: &mut Ctx) {
        self.read_at = self.now();
        // An empty frame is a heartbeat.
        if bytes.is_empty() {
            return;
        }
        match codec::decode(bytes) {
            Ok((id, request)) => self.request(id, request, ctx),
            Err(bad) => self.bad_frame(bad, ctx),
        }
    }

    fn bad_frame(&mut self, BadFrame { id, refusal }: BadFrame, ctx: &mut Ctx) {
        self.bad += 1;
        tracing::debug!(code = refusal.code.as_str(), message = refusal.message, "bad frame");
        self.app.telemetry.bad_frame();
        let (Some(outbox), Some(id)) = (&self.outbox, id) else { return self.close(CloseCode::BadFrame, ctx) };
        outbox.control(codec::encode(id, &Response::Refused(refusal)), self.now().0);
        if self.bad > BAD_FRAMES_MAX {
            return self.close(CloseCode::BadFrame, ctx);
        }
        self.app.house.to_session(outbox.by.session, Input::Bad, ReplyTo::Nobody);
    }

    fn request(&mut self, id: u32, request: Request, ctx: &mut Ctx) {
        if let Request::Class { cmd, .. } | Request::User { cmd, .. } = &request {
            // From here on the command's own id is the trace: every floor down to the row logs it.
            tracing::debug!(%cmd, "a command came in");
        }
        let Some(outbox) = self.outbox.clone() else { return self.hello(request, ctx) };
        match request {
            Request::Refresh { token } => self.refresh(id, &token, &outbox),
            Request::Resume { session, topics } => self.resume(id, session, topics, outbox, ctx),
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
    fn hello(&mut self, request: Request, ctx: &mut Ctx) {
        let Request::Hello { token } = request else { return self.close(CloseCode::Unauthorised, ctx) };
        match self.app.keys.verify(&token, self.now()) {
            Ok(claims) => self.welcome(claims, ctx),
            Err(why) => {
                tracing::debug!(%why, "hello refused");
                self.app.telemetry.token_refused();
                self.close(CloseCode::Unauthorised, ctx);
            }
        }
    }

    fn refresh(&mut self, id: u32, token: &str, outbox: &Arc<Outbox>) {
        let now = self.now();
        let reply = ReplyTo::Frame { outbox: outbox.clone(), id };
        match self.app.keys.verify(token, now) {
            Ok(claims) if claims.user == outbox.by.user && claims.role == outbox.by.role => {
                let expires_at = claims.expires_at();
                self.app.house.to_session(outbox.by.session, Input::Refreshed { expires_at }, reply);
            }
            Ok(_) => reply.refuse(ErrorCode::Forbidden, now),
            Err(why) => {
                self.app.telemetry.token_refused();
                reply.answer(&Response::Refused(Refusal::from(why)), now);
            }
        }
    }

    /// Takes a lost session back where it is this person's and still waits; then every topic answers by itself.
    fn resume(
        &mut self,
        id: u32,
        wanted: Option<SessionId>,
        topics: Vec<TopicPosition>,
        own: Arc<Outbox>,
        ctx: &mut Ctx,
    ) {
        let house = self.app.house.clone();
        let wanted = wanted.filter(|wanted| *wanted != own.by.session);
        let known = wanted.and_then(|wanted| house.lost_session(wanted, &own.by));
        let reclaimed = known.is_some_and(|by| {
            let outbox = self.carry(by, ctx);
            let taken = house.reclaim_session(&outbox);
            if taken {
                house.session_ended(own.by.session, Some(&own));
            }
            taken
        });
        let Some(outbox) = self.outbox.clone() else { return };
        if !reclaimed && !Arc::ptr_eq(&outbox, &own) {
            // The old session ended in this very moment: the new one goes on.
            return self.close(CloseCode::GoingAway, ctx);
        }
        let session = outbox.by.session;
        let answer = Response::Resuming { session, reclaimed, topics: topics.len() as u32 };
        outbox.control(codec::encode(id, &answer), self.now().0);
        house.to_session(session, Input::Frame(Request::Resume { session: None, topics }), ReplyTo::Nobody);
    }

    // ---- time ----

    /// The reaper has knocked: has the client said nothing for too long, have we?
    fn heartbeat(&mut self, ctx: &mut Ctx) {
        let now = self.now();
        if now.since(self.read_at) > u64::from(HEARTBEAT_MS) + HEARTBEAT_GRACE_MS {
            return self.close(CloseCode::Silent, ctx);
        }
        if now.since(self.written_at) >= u64::from(HEARTBEAT_MS) {
            ctx.binary(Bytes::new());
            self.written_at = now;
        }
    }
}

/// Drains the outbox whenever the socket is woken: no message for it, and nothing allocated.
#[derive(Default)]
struct Drain {
    /// Which outbox wakes which task.
    wakes: Option<(Arc<Outbox>, Waker)>,
}

impl ActorFuture<Socket> for Drain {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, socket: &mut Socket, ctx: &mut Ctx, task: &mut Context<'_>) -> Poll<()> {
        let Some(outbox) = &socket.outbox else { return Poll::Pending };
        // First the waker, then a look: what comes in between wakes.
        let known = |(known, waker): &(Arc<Outbox>, Waker)| Arc::ptr_eq(known, outbox) && waker.will_wake(task.waker());
        if !self.wakes.as_ref().is_some_and(known) {
            outbox.drained_by(task.waker());
            self.wakes = Some((outbox.clone(), task.waker().clone()));
        }
        if outbox.is_awake() {
            socket.drain(ctx);
        }
        Poll::Pending
    }
}

impl Actor for Socket {
    type Context = Ctx;

    fn started(&mut self, ctx: &mut Ctx) {
        self.app.telemetry.socket_opened();
        ctx.spawn(Drain::default());
        match self.claims.take() {
            Some(claims) => self.welcome(claims, ctx),
            None => {
                ctx.run_later(Duration::from_millis(HELLO_MS_MAX), |socket, ctx| {
                    if socket.outbox.is_none() {
                        socket.close(CloseCode::Unauthorised, ctx);
                    }
                });
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.app.telemetry.socket_closed();
        if let Some(outbox) = self.outbox.take() {
            outbox.shut();
            self.app.sockets.unwatch(&outbox);
            // The session may be carried by another socket by now.
            if self.app.house.hub.detach(&outbox) {
                self.app.house.to_session(outbox.by.session, Input::Detached, ReplyTo::Nobody);
            }
        }
    }
}

impl StreamHandler<Result<Frame, ProtocolError>> for Socket {
    fn handle(&mut self, frame: Result<Frame, ProtocolError>, ctx: &mut Ctx) {
        if self.closing {
            return;
        }
        // What a socket has to say is for debugging; a span for each frame would be felt.
        let _in = tracing::enabled!(tracing::Level::DEBUG).then(|| self.trace.socket().entered());
        match frame {
            Ok(Frame::Binary(bytes)) => self.binary(&bytes, ctx),
            Ok(Frame::Ping(bytes)) => {
                self.read_at = self.now();
                ctx.pong(&bytes);
            }
            Ok(Frame::Pong(_) | Frame::Nop) => self.read_at = self.now(),
            Ok(Frame::Close(reason)) => {
                self.closing = true;
                ctx.close(reason);
                ctx.stop();
            }
            // Fragments are for messages that are larger than ours may be.
            Ok(Frame::Text(_) | Frame::Continuation(_)) => self.close(CloseCode::BadFrame, ctx),
            // The line is cut: there is nobody to close it for.
            Err(ProtocolError::Io(error)) => {
                tracing::debug!(%error, "the socket is lost");
                self.closing = true;
                ctx.stop();
            }
            Err(error) => {
                tracing::debug!(%error, "the socket cannot be read");
                self.close(CloseCode::BadFrame, ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut Ctx) {
        ctx.stop();
    }
}
