//! The task that owns a client's socket: dials, opens, resumes, keeps the heartbeat, sorts what comes in, comes back.

use super::positions::{Positions, Verdict};
use super::{Answer, Arrived, Counters, Options, Order, Push, ServerClock, Shared, Welcome, lock, unexpected};
use crate::error::LoadError;
use crate::now;
use bytes::Bytes;
use fitconnect_protocol::limits::{ECHO_EVERY_MS, HEARTBEAT_GRACE_MS};
use fitconnect_protocol::session::{Event, Request, Response};
use fitconnect_protocol::tick::Header;
use fitconnect_protocol::{SUBPROTOCOL, SessionId, codec};
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

const DIAL_WITHIN: Duration = Duration::from_secs(10);
/// First wait before a dial, doubled up to the longest; each is cut to a random part of itself.
const BACKOFF_MS: u64 = 100;
const BACKOFF_MS_MAX: u64 = 5_000;
/// `4029 too_fast` asks for a minute.
const TOO_FAST_WAIT: Duration = Duration::from_secs(60);
/// How often heartbeat and echoes are looked after.
const CARE_EVERY: Duration = Duration::from_millis(500);

type Socket = WebSocketStream<TcpStream>;

struct Pending {
    request: Request,
    /// None: the link itself asked.
    reply: Option<oneshot::Sender<Result<Answer, LoadError>>>,
}

struct Link {
    options: Options,
    orders: mpsc::Receiver<Order>,
    pushes: mpsc::Sender<Arrived>,
    shared: Arc<Shared>,
    next_id: u32,
    pending: BTreeMap<u32, Pending>,
    positions: Positions,
    session: Option<SessionId>,
    /// The newest tick of each board since the last echo.
    newest: BTreeMap<u32, u32>,
    /// The server said when to come back.
    wait: Option<Duration>,
}

/// Why a socket is no more.
enum Over {
    Lost {
        code: u16,
        reason: String,
    },
    /// Nobody holds a handle any longer.
    Dropped,
}

type First = oneshot::Sender<Result<(), LoadError>>;

pub(super) async fn run(
    options: Options,
    orders: mpsc::Receiver<Order>,
    pushes: mpsc::Sender<Arrived>,
    shared: Arc<Shared>,
    first: First,
) {
    let mut link = Link {
        options,
        orders,
        pushes,
        shared,
        next_id: 1,
        pending: BTreeMap::new(),
        positions: Positions::default(),
        session: None,
        newest: BTreeMap::new(),
        wait: None,
    };
    link.live(first).await;
}

impl Link {
    async fn live(&mut self, first: First) {
        let mut first = Some(first);
        let mut failures = 0;
        loop {
            let (code, reason, may_return) = match self.open().await {
                Ok(mut socket) => {
                    if let Some(first) = first.take() {
                        // The caller may have given up; then the orders' channel is closed and `talk` ends.
                        let _ = first.send(Ok(()));
                    }
                    failures = 0;
                    match self.talk(&mut socket).await {
                        Over::Dropped => {
                            // A polite end; the server may be gone already.
                            let _ = socket.close(None).await;
                            return;
                        }
                        Over::Lost { code, reason } => (code, reason, code < 4500),
                    }
                }
                Err(error) => {
                    failures += 1;
                    let may_return = error.may_return();
                    if let Some(first) = first.take_if(|_| !(self.options.reconnect && may_return)) {
                        let _ = first.send(Err(error));
                        return;
                    }
                    let code = if let LoadError::Closed { code, .. } = &error { *code } else { 1006 };
                    (code, error.to_string(), may_return)
                }
            };
            self.lost();
            if !(may_return && self.options.reconnect) {
                return self.end(code, reason);
            }
            self.push(Push::Down { code, reason });
            if code == 4029 {
                self.wait = Some(TOO_FAST_WAIT);
            }
            let wait = self.wait.take().unwrap_or_else(|| backoff(failures));
            if !self.rest(wait).await {
                return;
            }
            Counters::add(&self.shared.counters.reconnects, 1);
        }
    }

    /// Dials, upgrades, and hears the first frame; after that asks for everything that was open.
    async fn open(&mut self) -> Result<Socket, LoadError> {
        let opening = async {
            let mut socket = self.dial().await?;
            let (welcome, clock) = hear_welcome(&mut socket).await?;
            Ok::<_, LoadError>((socket, welcome, clock))
        };
        let opened = tokio::time::timeout(DIAL_WITHIN, opening)
            .await
            .map_err(|_| LoadError::TimedOut("the server's first frame"))?;
        let (mut socket, welcome, clock) = opened?;
        {
            let mut known = lock(&self.shared.clock);
            // A measured clock is better than the one of a greeting.
            if known.trip_ms.is_infinite() {
                *known = clock;
            }
        }
        *lock(&self.shared.welcome) = Some(welcome.clone());
        let reclaimed = self.resume(&mut socket, &welcome).await?;
        self.push(Push::Up { welcome, reclaimed });
        self.repeat(&mut socket).await?;
        Ok(socket)
    }

    async fn dial(&self) -> Result<Socket, LoadError> {
        let Options { server, token, from, .. } = &self.options;
        let unreachable = |source| LoadError::Unreachable { addr: server.authority.clone(), source };
        let socket =
            if server.addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(unreachable)?;
        if let Some(from) = from {
            socket.bind(SocketAddr::new(*from, 0)).map_err(unreachable)?;
        }
        let stream = socket.connect(server.addr).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let bad_url = |_| LoadError::BadUrl(server.authority.clone());
        let mut request = format!("ws://{}/v1/ws", server.authority).into_client_request().map_err(bad_url)?;
        let protocols = format!("{SUBPROTOCOL}, bearer.{token}")
            .parse()
            .map_err(|_| LoadError::Limit("this token fits no header".into()))?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocols);
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let message = String::from_utf8_lossy(body).chars().take(200).collect();
                Err(LoadError::Http { status: answer.status().as_u16(), message })
            }
            Err(error) => Err(unreachable(std::io::Error::other(error))),
        }
    }

    /// Reclaims the session and every topic in one frame. True where the session was still there.
    async fn resume(&mut self, socket: &mut Socket, welcome: &Welcome) -> Result<bool, LoadError> {
        let topics = self.positions.all();
        let Some(before) = self.session.replace(welcome.session) else { return Ok(false) };
        let id = self.id();
        let request = Request::Resume { session: Some(before), topics };
        say(socket, id, &request).await?;
        let answered = async {
            loop {
                let (got, response) = hear(socket).await?;
                match response {
                    Response::Resuming { session, reclaimed, .. } if got == id => {
                        self.session = Some(session);
                        return Ok(reclaimed);
                    }
                    Response::Refused(refusal) if got == id => return Err(LoadError::Refused(refusal)),
                    // What the server pushes before it has answered.
                    other => self.pushed(other, now::mono_us()),
                }
            }
        };
        tokio::time::timeout(DIAL_WITHIN, answered).await.map_err(|_| LoadError::TimedOut("the answer to resume"))?
    }

    /// Sends again what has no answer yet; a command's `cmd` makes that harmless.
    async fn repeat(&mut self, socket: &mut Socket) -> Result<(), LoadError> {
        for (id, pending) in &self.pending {
            say(socket, *id, &pending.request).await?;
        }
        Ok(())
    }

    async fn talk(&mut self, socket: &mut Socket) -> Over {
        let heartbeat_ms =
            lock(&self.shared.welcome).as_ref().map_or(25_000, |welcome| u64::from(welcome.heartbeat_ms).max(1_000));
        let mut heard_at = now::mono_us();
        // The first ping is jittered: many clients that came together do not ping together.
        let mut said_at = heard_at.saturating_sub(rand::random_range(0..heartbeat_ms * 1_000));
        let mut echoed_at = heard_at;
        let mut care = tokio::time::interval(CARE_EVERY);
        care.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let sent = tokio::select! {
                message = socket.next() => {
                    heard_at = now::mono_us();
                    match self.heard(message, heard_at) {
                        Ok(None) => Ok(false),
                        Ok(Some(again)) => say(socket, again.0, &again.1).await.map(|()| true),
                        Err(over) => return over,
                    }
                }
                order = self.orders.recv() => match order {
                    None => return Over::Dropped,
                    Some(Order::Cut) => return lost("cut on purpose"),
                    Some(Order::Offline(wait)) => {
                        self.wait = Some(wait);
                        return lost("offline on purpose");
                    }
                    Some(order) => match self.order(order) {
                        Some((id, request)) => say(socket, id, &request).await.map(|()| true),
                        None => Ok(false),
                    },
                },
                _ = care.tick() => {
                    let at = now::mono_us();
                    if at - heard_at > (heartbeat_ms + HEARTBEAT_GRACE_MS) * 1_000 {
                        return lost("the server has fallen silent");
                    }
                    if self.options.echo && at - echoed_at >= ECHO_EVERY_MS * 1_000 && !self.newest.is_empty() {
                        echoed_at = at;
                        self.echo(socket).await.map(|()| true)
                    } else if at - said_at >= heartbeat_ms * 1_000 {
                        send(socket, Bytes::new()).await.map(|()| true)
                    } else {
                        Ok(false)
                    }
                }
            };
            match sent {
                Ok(true) => said_at = now::mono_us(),
                Ok(false) => {}
                Err(error) => return lost(&error.to_string()),
            }
        }
    }

    async fn echo(&mut self, socket: &mut Socket) -> Result<(), LoadError> {
        for (h, tick) in std::mem::take(&mut self.newest) {
            say(socket, 0, &Request::Seen { h, tick }).await?;
        }
        Ok(())
    }

    /// What goes out for an order.
    fn order(&mut self, order: Order) -> Option<(u32, Request)> {
        match order {
            Order::Tell(request) => Some((0, request)),
            Order::Ask { request, reply } => {
                let id = self.id();
                if let Request::Subscribe { topic, position: Some(at) } = &request {
                    self.positions.remember(*topic, *at);
                }
                self.pending.insert(id, Pending { request: request.clone(), reply: Some(reply) });
                Some((id, request))
            }
            Order::Cut | Order::Offline(_) => None,
        }
    }

    /// A message from the socket; sometimes with a request that it makes necessary.
    fn heard(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
        at_us: u64,
    ) -> Result<Option<(u32, Request)>, Over> {
        let bytes = match message {
            None => return Err(lost("the socket was closed")),
            Some(Err(error)) => return Err(lost(&error.to_string())),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(close))) => {
                let (code, reason) =
                    close.map_or((1005, String::new()), |close| (u16::from(close.code), close.reason.to_string()));
                return Err(Over::Lost { code, reason });
            }
            Some(Ok(Message::Text(_))) => return Err(lost("a text frame from the server")),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Ok(None),
        };
        Counters::add(&self.shared.counters.frames, 1);
        Counters::add(&self.shared.counters.bytes, bytes.len() as u64);
        if bytes.is_empty() {
            return Ok(None);
        }
        match codec::decode_response(&bytes) {
            Ok((0, Response::Event { h, o, e })) => Ok(self.event(h, o, e, at_us)),
            Ok((0, response)) => {
                self.pushed(response, at_us);
                Ok(None)
            }
            Ok((id, response)) => {
                self.replied(id, response, at_us);
                Ok(None)
            }
            Err(error) => Err(Over::Lost {
                code: u16::from(CloseCode::Protocol),
                reason: format!("a frame that cannot be read: {error}"),
            }),
        }
    }

    fn event(&mut self, h: u32, offset: u64, event: Event, at_us: u64) -> Option<(u32, Request)> {
        match self.positions.event(h, offset) {
            Verdict::Next(topic) => {
                if !self.push_at(Push::Event { topic, offset, event }, at_us) {
                    // Nobody took it: the next event will show the gap, and it is asked for again.
                    self.positions.missed(topic);
                }
                None
            }
            Verdict::Double => {
                Counters::add(&self.shared.counters.doubles, 1);
                None
            }
            Verdict::Gap { topic, from, first: true } => {
                Counters::add(&self.shared.counters.gaps, 1);
                let id = self.id();
                let request = Request::Subscribe { topic, position: Some(from) };
                self.pending.insert(id, Pending { request: request.clone(), reply: None });
                Some((id, request))
            }
            Verdict::Gap { first: false, .. } | Verdict::Unknown => None,
        }
    }

    fn replied(&mut self, id: u32, response: Response, at_us: u64) {
        if let Response::Subscribed(subscribed) = &response {
            self.positions.subscribed(subscribed);
        }
        let Some(pending) = self.pending.remove(&id) else { return };
        if let (Request::Unsubscribe { topic }, Response::Done) = (&pending.request, &response) {
            self.positions.unsubscribed(*topic);
        }
        match (pending.reply, response) {
            // The asker may have given up.
            (Some(reply), response) => drop(reply.send(Ok(Answer { at_us, response }))),
            (None, Response::Subscribed(subscribed)) => drop(self.push_at(Push::Subscribed(subscribed), at_us)),
            (None, _) => {}
        }
    }

    fn pushed(&mut self, response: Response, at_us: u64) {
        let push = match response {
            Response::Subscribed(subscribed) => {
                self.positions.subscribed(&subscribed);
                Push::Subscribed(subscribed)
            }
            Response::Tick { h, b } => {
                let Some(topic) = self.positions.topic(h) else { return };
                if let Some(header) = Header::decode(&b) {
                    self.newest.insert(h, header.tick);
                }
                Push::Tick { topic, frame: b }
            }
            Response::Mine(mine) => Push::Mine(mine),
            Response::Acked { class, acks } => Push::Acked { class, acks },
            Response::Attention { h, list } => {
                let Some(topic) = self.positions.topic(h) else { return };
                Push::Attention { topic, list }
            }
            Response::Unwanted { class, refusal } => Push::Unwanted { class, refusal },
            Response::Whisper { class, text, .. } => Push::Whisper { class, text },
            Response::Lagging { h } => {
                let Some(topic) = self.positions.topic(h) else { return };
                Push::Lagging { topic }
            }
            Response::Typing { h, user, .. } => {
                let Some(topic) = self.positions.topic(h) else { return };
                Push::Typing { topic, user }
            }
            Response::Presence { h, online, in_class, away, people } => {
                let Some(topic) = self.positions.topic(h) else { return };
                Push::Presence { topic, online, in_class, away, people }
            }
            Response::Marks { h, got, read } => {
                let Some(topic) = self.positions.topic(h) else { return };
                Push::Marks { topic, got, read }
            }
            // Nobody here claps.
            Response::Fives { .. } => return,
            Response::Ended { h } => {
                let Some(topic) = self.positions.topic(h) else { return };
                self.positions.unsubscribed(topic);
                Push::Over { topic }
            }
            Response::GoAway { code, reconnect_after_ms } => {
                self.wait = Some(Duration::from_millis(u64::from(reconnect_after_ms)));
                Push::GoAway { code, reconnect_after_ms }
            }
            // An event before its reply to a resume: the positions decide.
            Response::Event { h, o, e } => {
                // A gap here is seen again with the next event, on the open socket.
                let _ = self.event(h, o, e, at_us);
                return;
            }
            Response::Welcome { .. }
            | Response::Done
            | Response::Refused(_)
            | Response::Resuming { .. }
            | Response::Clock { .. }
            | Response::Joined { .. }
            | Response::Booted { .. }
            | Response::Planned { .. }
            | Response::Foreseen(_)
            | Response::Hidden { .. }
            | Response::Numbered { .. }
            | Response::Page { .. }
            | Response::Members { .. } => return,
        };
        self.push_at(push, at_us);
    }

    fn push(&self, push: Push) {
        self.push_at(push, now::mono_us());
    }

    /// False where there was no room.
    fn push_at(&self, push: Push, at_us: u64) -> bool {
        match self.pushes.try_send(Arrived { at_us, push }) {
            Ok(()) | Err(TrySendError::Closed(_)) => true,
            Err(TrySendError::Full(_)) => {
                Counters::add(&self.shared.counters.untaken, 1);
                false
            }
        }
    }

    fn id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(1);
        id
    }

    /// The socket is gone: handles are void, and a clock's round trip with it.
    fn lost(&mut self) {
        self.positions.disconnected();
        self.newest.clear();
        let trips: Vec<u32> = self
            .pending
            .iter()
            .filter(|(_, each)| matches!(each.request, Request::Clock { .. }))
            .map(|(id, _)| *id)
            .collect();
        for id in trips {
            self.fail(id, LoadError::TimedOut("the clock's round trip, the socket was lost"));
        }
    }

    fn fail(&mut self, id: u32, error: LoadError) {
        if let Some(reply) = self.pending.remove(&id).and_then(|pending| pending.reply) {
            let _ = reply.send(Err(error));
        }
    }

    fn end(&mut self, code: u16, reason: String) {
        for id in self.pending.keys().copied().collect::<Vec<u32>>() {
            self.fail(id, LoadError::Closed { code, reason: reason.clone() });
        }
        self.push(Push::Ended { code, reason });
    }

    /// Waits; requests that come meanwhile are kept, what wants no reply is lost. False where nobody holds a handle any more.
    async fn rest(&mut self, wait: Duration) -> bool {
        let until = tokio::time::sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return true,
                order = self.orders.recv() => match order {
                    None => return false,
                    Some(Order::Offline(longer)) => until.set(tokio::time::sleep(longer)),
                    Some(Order::Tell(_) | Order::Cut) => {}
                    Some(order @ Order::Ask { .. }) => {
                        // It is pending now, and goes out with all that is.
                        let _ = self.order(order);
                    }
                },
            }
        }
    }
}

fn backoff(failures: u32) -> Duration {
    let longest = (BACKOFF_MS << failures.min(10)).min(BACKOFF_MS_MAX);
    Duration::from_millis(rand::random_range(longest / 2..=longest))
}

fn lost(reason: &str) -> Over {
    // 1006: no close frame came (RFC 6455, section 7.1.5).
    Over::Lost { code: 1006, reason: reason.to_owned() }
}

async fn say(socket: &mut Socket, id: u32, request: &Request) -> Result<(), LoadError> {
    send(socket, codec::encode_request(id, request)).await
}

async fn send(socket: &mut Socket, frame: Bytes) -> Result<(), LoadError> {
    let sent = socket.send(Message::Binary(frame)).await;
    sent.map_err(|error| LoadError::Io { what: "the socket".into(), source: std::io::Error::other(error) })
}

/// The next frame that is not a heartbeat.
async fn hear(socket: &mut Socket) -> Result<(u32, Response), LoadError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => {}
            Some(Ok(Message::Binary(bytes))) => {
                return codec::decode_response(&bytes).map_err(|error| LoadError::BadAnswer(error.to_string()));
            }
            Some(Ok(Message::Close(close))) => {
                let (code, reason) =
                    close.map_or((1005, String::new()), |close| (u16::from(close.code), close.reason.to_string()));
                return Err(LoadError::Closed { code, reason });
            }
            Some(Ok(Message::Text(_))) => return Err(LoadError::BadAnswer("a text frame".into())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(error)) => {
                return Err(LoadError::Io { what: "the socket".into(), source: std::io::Error::other(error) });
            }
            None => return Err(LoadError::Closed { code: 1006, reason: "closed before a word".into() }),
        }
    }
}

async fn hear_welcome(socket: &mut Socket) -> Result<(Welcome, ServerClock), LoadError> {
    let (_, response) = hear(socket).await?;
    let at_ms = now::mono_ms();
    match response {
        Response::Welcome {
            session, user, gym, role, clock_rate, ack, heartbeat_ms, build, server_time_ms, ..
        } => {
            let clock = ServerClock { ahead_ms: server_time_ms as f64 - at_ms, trip_ms: f64::INFINITY };
            Ok((Welcome { session, user, gym, role, clock_rate, ack, heartbeat_ms, build }, clock))
        }
        other => Err(unexpected("opening", &other)),
    }
}
