//! The client kit: one session with the server that outlives its sockets. Requests with answers, commands that happen once,
//! topics that lose nothing, pushes in order, the server's clock. What a foreign client would write first.
//! The task behind a handle, which owns the socket, is in `client/link.rs`.

mod link;
mod positions;

use crate::error::LoadError;
use crate::http::{Server, cmd_at};
use crate::now;
use fitconnect_protocol::class::{AttentionList, ClassCommand};
use fitconnect_protocol::presence::Present;
use fitconnect_protocol::room::{HistoryFrom, Message, RoomCommand};
use fitconnect_protocol::sample::{Acked, Samples};
use fitconnect_protocol::session::{AckMode, Event, Mine, Position, Request, Response, Subscribed, Topic};
use fitconnect_protocol::user::{Role, UserCommand};
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, GymId, Refusal, RoomId, SessionId, UserId};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Pushes that wait for their reader. A reader that is further behind loses ticks (newest wins), and events are asked for again.
pub const PUSHES_MAX: usize = 4_096;
/// Requests that wait for the link.
const ORDERS_MAX: usize = 256;
/// A command is tried for so long, with one and the same `cmd`.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);
/// Round trips of a measurement of the clock.
const CLOCK_TRIPS: usize = 5;

/// How to reach the server, and as whom.
#[derive(Clone, Debug)]
pub struct Options {
    pub server: Server,
    pub token: String,
    /// Address to dial from; for more sockets than one address has ports.
    pub from: Option<IpAddr>,
    /// Come back after the socket was lost, until the server says not to.
    pub reconnect: bool,
    /// Echo the newest tick of each board every two seconds, as viewers do. Off: a viewer that the server will think stalled.
    pub echo: bool,
}

impl Options {
    pub fn new(server: &Server, token: impl Into<String>) -> Options {
        Options { server: server.clone(), token: token.into(), from: None, reconnect: true, echo: true }
    }
}

/// What the server said first.
#[derive(Clone, Debug, PartialEq)]
pub struct Welcome {
    pub session: SessionId,
    pub user: UserId,
    pub gym: GymId,
    pub role: Role,
    pub clock_rate: u32,
    pub ack: AckMode,
    pub heartbeat_ms: u32,
    pub build: String,
}

/// The server's wall clock, told by this process's monotonic one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerClock {
    /// Server's Unix milliseconds minus ours since start.
    pub ahead_ms: f64,
    /// Round trip of the measurement; infinite where it is only known from `Welcome`.
    pub trip_ms: f64,
}

impl ServerClock {
    /// Server's Unix milliseconds at a moment of ours.
    pub fn at_us(&self, mono_us: u64) -> f64 {
        self.ahead_ms + mono_us as f64 / 1_000.0
    }
    pub fn now_ms(&self) -> f64 {
        self.at_us(now::mono_us())
    }

    /// From one round trip: sent and received by our clock, received and answered by the server's.
    fn measured(t0: f64, t1: f64, t2: f64, t3: f64) -> ServerClock {
        ServerClock { ahead_ms: ((t1 - t0) + (t2 - t3)) / 2.0, trip_ms: (t3 - t0) - (t2 - t1) }
    }
}

/// What came unasked, in order, with the moment of its arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    pub at_us: u64,
    pub push: Push,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Push {
    /// There is a socket again; whether the session of before was still there.
    Up {
        welcome: Welcome,
        reclaimed: bool,
    },
    Down {
        code: u16,
        reason: String,
    },
    /// A topic after a reconnect or a gap: with a snapshot where its events could not be recovered.
    Subscribed(Box<Subscribed>),
    Event {
        topic: Topic,
        offset: u64,
        event: Event,
    },
    Tick {
        topic: Topic,
        frame: Vec<u8>,
    },
    Mine(Mine),
    Acked {
        class: ClassId,
        acks: Vec<Acked>,
    },
    Attention {
        topic: Topic,
        list: AttentionList,
    },
    Unwanted {
        class: ClassId,
        refusal: Refusal,
    },
    Whisper {
        class: ClassId,
        text: String,
    },
    Lagging {
        topic: Topic,
    },
    /// Somebody types in a room.
    Typing {
        topic: Topic,
        user: UserId,
    },
    /// Who is there in a room.
    Presence {
        topic: Topic,
        online: u32,
        in_class: u32,
        away: u32,
        /// Those of them by name whom one looks at; where they are few, all.
        people: Vec<Present>,
    },
    /// How far the other of two is.
    Marks {
        topic: Topic,
        got: u64,
        read: u64,
    },
    /// The topic is not for this client any more.
    Over {
        topic: Topic,
    },
    GoAway {
        code: u16,
        reconnect_after_ms: u32,
    },
    /// The session is over and nothing will come back: the link's last word.
    Ended {
        code: u16,
        reason: String,
    },
}

/// Sums of one client.
#[derive(Debug, Default)]
pub struct Counters {
    pub frames: AtomicU64,
    pub bytes: AtomicU64,
    pub reconnects: AtomicU64,
    /// Events that did not follow the one before; each was asked for again.
    pub gaps: AtomicU64,
    /// Events that came a second time and were passed over.
    pub doubles: AtomicU64,
    /// Pushes dropped because nobody took them.
    pub untaken: AtomicU64,
}

impl Counters {
    fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

/// What handles and link share.
struct Shared {
    welcome: Mutex<Option<Welcome>>,
    clock: Mutex<ServerClock>,
    counters: Counters,
}

enum Order {
    Ask {
        request: Request,
        reply: oneshot::Sender<Result<Answer, LoadError>>,
    },
    /// No reply wanted.
    Tell(Request),
    /// As if the network had gone.
    Cut,
    /// The next dials fail until this is over.
    Offline(Duration),
}

/// An answer and when it came.
struct Answer {
    at_us: u64,
    response: Response,
}

pub type Pushes = mpsc::Receiver<Arrived>;

/// A handle; the session ends when the last one is dropped.
#[derive(Clone)]
pub struct Client {
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

impl Client {
    /// Dials and waits for the server's first frame.
    pub async fn connect(options: Options) -> Result<(Client, Pushes), LoadError> {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let (pushes, pushed) = mpsc::channel(PUSHES_MAX);
        let clock =
            Mutex::new(ServerClock { ahead_ms: now::unix_us() as f64 / 1e3 - now::mono_ms(), trip_ms: f64::INFINITY });
        let shared = Arc::new(Shared { welcome: Mutex::new(None), clock, counters: Counters::default() });
        let (first, ready) = oneshot::channel();
        tokio::spawn(link::run(options, taken, pushes, shared.clone(), first));
        ready.await.map_err(|_| LoadError::TimedOut("the link"))??;
        Ok((Client { orders, shared }, pushed))
    }

    pub fn welcome(&self) -> Welcome {
        lock(&self.shared.welcome).clone().expect("a handle is given out after the first Welcome")
    }
    pub fn clock(&self) -> ServerClock {
        *lock(&self.shared.clock)
    }
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// A request and its answer. A refusal is an error here. Waits through a lost socket.
    pub async fn ask(&self, request: Request) -> Result<Response, LoadError> {
        match self.answer(request).await?.response {
            Response::Refused(refusal) => Err(LoadError::Refused(refusal)),
            response => Ok(response),
        }
    }

    async fn answer(&self, request: Request) -> Result<Answer, LoadError> {
        let (reply, answer) = oneshot::channel();
        let gone = || LoadError::Closed { code: 1006, reason: "the session has ended".into() };
        self.orders.send(Order::Ask { request, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Sends without asking for a reply. While there is no socket it is dropped, as the network would drop it.
    pub async fn tell(&self, request: Request) {
        // An ended session has told its end as a push.
        let _ = self.orders.send(Order::Tell(request)).await;
    }

    pub async fn samples(&self, samples: Samples) {
        self.tell(Request::Samples(samples)).await;
    }

    /// A new command id, stamped with the server's time as it is known here.
    pub fn cmd(&self) -> CmdId {
        cmd_at(self.clock().now_ms().max(0.0) as u64)
    }

    /// Does something to a class, once, however often it must be sent.
    pub async fn class(&self, class: ClassId, act: ClassCommand) -> Result<Response, LoadError> {
        self.command(Request::Class { class, cmd: self.cmd(), act }).await
    }

    pub async fn user(&self, act: UserCommand) -> Result<Response, LoadError> {
        self.command(Request::User { cmd: self.cmd(), act }).await
    }

    /// Does something in a room, once; its number there.
    pub async fn room(&self, room: RoomId, act: RoomCommand) -> Result<u64, LoadError> {
        match self.command(Request::Room { room, cmd: self.cmd(), act }).await? {
            Response::Numbered { seq } => Ok(seq),
            other => Err(unexpected("a room's command", &other)),
        }
    }

    /// Messages of a room, and whether there are more.
    pub async fn history(
        &self,
        room: RoomId,
        from: HistoryFrom,
        limit: u16,
    ) -> Result<(Vec<Message>, bool), LoadError> {
        match self.command(Request::History { room, from, limit }).await? {
            Response::Page { messages, more, .. } => Ok((messages, more)),
            other => Err(unexpected("history", &other)),
        }
    }

    /// A request with a `cmd`, sent again with the same one while the server says `retry`, `busy` or `rate_limited`.
    pub async fn command(&self, request: Request) -> Result<Response, LoadError> {
        let tried = async {
            loop {
                match self.ask(request.clone()).await {
                    Err(LoadError::Refused(refusal)) if passes(refusal.code) => {
                        let wait = u64::from(refusal.retry_after_ms.unwrap_or(250)) + rand::random_range(0..100);
                        tokio::time::sleep(Duration::from_millis(wait)).await;
                    }
                    other => return other,
                }
            }
        };
        tokio::time::timeout(COMMAND_WITHIN, tried).await.unwrap_or(Err(LoadError::TimedOut("a command")))
    }

    pub async fn subscribe(&self, topic: Topic) -> Result<Subscribed, LoadError> {
        self.subscribe_from(topic, None).await
    }

    /// Follows a topic from a known position: exactly what was missed, or a snapshot and why.
    pub async fn subscribe_from(&self, topic: Topic, position: Option<Position>) -> Result<Subscribed, LoadError> {
        match self.command(Request::Subscribe { topic, position }).await? {
            Response::Subscribed(subscribed) => Ok(*subscribed),
            other => Err(unexpected("subscribe", &other)),
        }
    }

    pub async fn unsubscribe(&self, topic: Topic) -> Result<(), LoadError> {
        self.ask(Request::Unsubscribe { topic }).await.map(drop)
    }

    /// Measures the server's clock: the best of five round trips, kept for this client's commands too.
    pub async fn measure_clock(&self) -> Result<ServerClock, LoadError> {
        let mut best: Option<ServerClock> = None;
        for _ in 0..CLOCK_TRIPS {
            let answer = self.answer(Request::Clock { t0: now::mono_ms() }).await?;
            let t3 = answer.at_us as f64 / 1_000.0;
            match answer.response {
                Response::Clock { t0, t1, t2 } => {
                    let measured = ServerClock::measured(t0, t1, t2, t3);
                    if best.is_none_or(|best| measured.trip_ms < best.trip_ms) {
                        best = Some(measured);
                    }
                }
                Response::Refused(refusal) => return Err(LoadError::Refused(refusal)),
                other => return Err(unexpected("clock", &other)),
            }
        }
        let best = best.expect("five trips were made");
        *lock(&self.shared.clock) = best;
        Ok(best)
    }

    /// Cuts the socket as a lost network would; the link comes back by itself where it may.
    pub async fn cut(&self) {
        let _ = self.orders.send(Order::Cut).await;
    }

    /// Cuts the socket and stays away for so long.
    pub async fn offline(&self, how_long: Duration) {
        let _ = self.orders.send(Order::Offline(how_long)).await;
    }
}

/// Whether the same command may be sent again soon.
pub fn passes(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Retry | ErrorCode::Busy | ErrorCode::RateLimited)
}

pub(crate) fn unexpected(what: &str, response: &Response) -> LoadError {
    LoadError::BadAnswer(format!("{what} was answered with {response:?}").chars().take(200).collect())
}

/// A poisoned lock means that another task has panicked; the data are plain values and still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_measured_in_the_middle_of_the_trip() {
        // Sent at 100, 40 ms there, 2 ms at the server, 40 ms back; the server is 1,000 ahead.
        let clock = ServerClock::measured(100.0, 1_140.0, 1_142.0, 182.0);
        assert_eq!(clock, ServerClock { ahead_ms: 1_000.0, trip_ms: 80.0 });
        assert_eq!(clock.at_us(500_000), 1_500.0);
    }
}
