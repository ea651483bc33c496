//! The socket: a pipe. Its actor decodes and hands on, its body (`pipe`) writes; the session behind both outlives them. The only
//! folder that names actix-web-actors. The actor is polled only while its HTTP body is, so a stalled reader freezes it: the reaper
//! stands outside.

mod opening;
mod pipe;
mod reaper;

pub use opening::open;
pub use reaper::{Conn, KNOCK_ROUNDS, Sockets, on_connect, reap};

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
use pipe::Line;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Malformed frames that a socket may send before it is taken for a broken client.
const BAD_FRAMES_MAX: u32 = 20;

pub struct Socket {
    app: web::Data<App>,
    conn: Option<Conn>,
    /// Whose token the opening carried; taken when the session begins.
    claims: Option<Claims>,
    outbox: Option<Arc<Outbox>>,
    /// What is shared with the body.
    line: Rc<Line>,
    bad: u32,
    closing: bool,
    /// One id for everything that is logged of this socket.
    trace: TraceId,
}

type Ctx = WebsocketContext<Socket>;

impl Socket {
    fn new(app: web::Data<App>, conn: Option<Conn>, claims: Option<Claims>, line: Rc<Line>) -> Socket {
        Socket { app, conn, claims, outbox: None, line, bad: 0, closing: false, trace: TraceId::new() }
    }

    fn now(&self) -> Millis {
        self.app.clock.now()
    }

    /// The person is known: a session begins, and the client is told.
    fn welcome(&mut self, claims: Claims, ctx: &mut Ctx) {
        let session = SessionId(uuid::Uuid::now_v7());
        let by = Caller {
            user: claims.user,
            gym: claims.gym,
            role: claims.role,
            session,
            hall: claims.hall.clone(),
            name: claims.name.clone(),
        };
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
        if !self.app.revoked.is_good(&claims) {
            // Taken back in this very moment, when this socket was not yet among those that were closed.
            outbox.close(CloseCode::Unauthorised, now.0);
        }
    }

    /// A new outbox for this identity; the one before, if any, takes nothing more.
    fn carry(&mut self, by: Arc<Caller>, ctx: &mut Ctx) -> Arc<Outbox> {
        let outbox = Outbox::new(by);
        self.line.outbox.replace(Some(outbox.clone()));
        let close = self.outbox.replace(outbox.clone()).and_then(|before| {
            // What still waits there leaves with the actor's own frames, before any of the new outbox.
            let close = before.empty(self.now().0, |frame| ctx.binary(frame.message()));
            self.app.sockets.unwatch(&before);
            before.shut();
            close
        });
        self.app.sockets.watch(self.conn.clone(), &outbox);
        if let Some(code) = close {
            self.close(code, ctx);
        }
        outbox
    }

    /// Writes what waits, then the close.
    fn close(&mut self, code: CloseCode, ctx: &mut Ctx) {
        if self.closing {
            return;
        }
        self.app.telemetry.closed(code);
        let (code, description) = (ws::CloseCode::Other(code.code()), Some(code.reason().into()));
        self.end(Some(ws::CloseReason { code, description }), ctx);
    }

    /// The last frames, a close with `reason`, and nothing after it.
    fn end(&mut self, reason: Option<ws::CloseReason>, ctx: &mut Ctx) {
        self.closing = true;
        self.line.outbox.take();
        if let Some(outbox) = self.outbox.clone() {
            outbox.empty(self.now().0, |frame| ctx.binary(frame.message()));
        }
        ctx.close(reason);
        ctx.stop();
    }

    // ---- reading ----

    fn binary(&mut self, bytes: &Bytes, ctx: &mut Ctx) {
        self.line.read_at.set(self.now());
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
        if let Request::Class { cmd, .. } | Request::User { cmd, .. } | Request::Room { cmd, .. } = &request {
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
        match self.app.believe(&token) {
            Ok(claims) => self.welcome(claims, ctx),
            Err(why) => {
                tracing::debug!(%why, "hello refused");
                self.close(CloseCode::Unauthorised, ctx);
            }
        }
    }

    fn refresh(&mut self, id: u32, token: &str, outbox: &Arc<Outbox>) {
        let now = self.now();
        let reply = ReplyTo::Frame { outbox: outbox.clone(), id };
        match self.app.believe(token) {
            Ok(claims) if claims.user == outbox.by.user && claims.role == outbox.by.role => {
                let expires_at = claims.expires_at();
                self.app.house.to_session(outbox.by.session, Input::Refreshed { expires_at }, reply);
            }
            Ok(_) => reply.refuse(ErrorCode::Forbidden, now),
            Err(why) => reply.answer(&Response::Refused(Refusal::from(why)), now),
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
}

/// Closes when the body asks for it.
struct Asked;

impl ActorFuture<Socket> for Asked {
    type Output = ();

    fn poll(self: Pin<&mut Self>, socket: &mut Socket, ctx: &mut Ctx, _: &mut Context<'_>) -> Poll<()> {
        // The body wakes the whole actor: there is no waker to leave.
        if let Some(code) = socket.line.close.take() {
            socket.close(code, ctx);
        }
        Poll::Pending
    }
}

impl Actor for Socket {
    type Context = Ctx;

    fn started(&mut self, ctx: &mut Ctx) {
        self.app.telemetry.socket_opened();
        ctx.spawn(Asked);
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
                self.line.read_at.set(self.now());
                ctx.pong(&bytes);
            }
            Ok(Frame::Pong(_) | Frame::Nop) => self.line.read_at.set(self.now()),
            Ok(Frame::Close(reason)) => self.end(reason, ctx),
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
