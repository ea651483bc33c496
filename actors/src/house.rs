//! Everything that the actors of one process have in common, and the way to each of them: id -> mailbox, made when first asked for.
//! Besides, the two scans that wake sleepers: alarms that are due and letters that wait.

use crate::body::{Body, Input};
use crate::class::ClassBody;
use crate::committer::Committer;
use crate::fill::fill;
use crate::host::{Host, Mail, Post};
use crate::hub::Hub;
use crate::letters::Letters;
use crate::outbox::Outbox;
use crate::ports::{Clock, Durable, DurableSink, EventLog, StateStore, StoreError, StoredLetter, Writer};
use crate::reply::ReplyTo;
use crate::room::RoomBody;
use crate::session::SessionBody;
use crate::stats::Stats;
use crate::user::UserBody;
use actix::dev::SendError;
use actix::prelude::*;
use dashmap::DashMap;
use fitconnect_domain::class::{self, Caller};
use fitconnect_domain::room;
use fitconnect_domain::session::{self, Session};
use fitconnect_domain::{ActorKey, LetterId, Millis};
use fitconnect_protocol::limits::{FILLS_MAX, PRESENCE_EVERY_MS};
use fitconnect_protocol::session::{Position, Response, Topic};
use fitconnect_protocol::{ClassId, CloseCode, ErrorCode, Refusal, RoomId, SessionId, UserId};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};

/// Where actors run: arbiters apart from the HTTP workers, chosen by the hash of the key.
pub trait Spawner: Send + Sync {
    fn arbiter(&self, key: &ActorKey) -> ArbiterHandle;
}

/// Mailboxes of one kind of actor. The recipient is shared, never cloned: each clone of an address would carry a free slot.
pub struct Registry<B: Body> {
    actors: DashMap<B::Id, Arc<Recipient<Mail<B>>>>,
}

impl<B: Body> Default for Registry<B> {
    fn default() -> Self {
        Registry { actors: DashMap::new() }
    }
}

impl<B: Body> Registry<B> {
    fn find(&self, id: B::Id) -> Option<Arc<Recipient<Mail<B>>>> {
        self.actors.get(&id).map(|found| found.value().clone())
    }

    fn find_or_start(&self, id: B::Id, house: &Arc<House>) -> Arc<Recipient<Mail<B>>> {
        if let Some(found) = self.find(id) {
            return found;
        }
        let start = || {
            let house = house.clone();
            let arbiter = house.spawner.arbiter(&B::key(id));
            let address = Host::<B>::start_in_arbiter(&arbiter, move |ctx| {
                ctx.set_mailbox_capacity(B::MAILBOX);
                Host::new(id, house)
            });
            Arc::new(address.recipient())
        };
        self.actors.entry(id).or_insert_with(start).value().clone()
    }

    fn forget(&self, id: B::Id, gone: &Arc<Recipient<Mail<B>>>) {
        self.actors.remove_if(&id, |_, known| Arc::ptr_eq(known, gone));
    }
}

pub struct House {
    pub clock: Arc<dyn Clock>,
    pub state: Arc<dyn StateStore>,
    pub events: Arc<dyn EventLog>,
    pub hub: Hub,
    pub stats: Arc<Stats>,
    pub(crate) committer: Committer,
    letters: Letters,
    spawner: Box<dyn Spawner>,
    pub(crate) classes: Registry<ClassBody>,
    pub(crate) users: Registry<UserBody>,
    pub(crate) rooms: Registry<RoomBody>,
    pub(crate) sessions: Registry<SessionBody>,
    /// Turns of those who are brought up from the store.
    pub(crate) fills: Semaphore,
    /// Whose each session is, so that only its owner takes it back.
    callers: DashMap<SessionId, Arc<Caller>>,
    marks: Arc<Marks>,
    lives: AtomicU64,
}

/// Where each writer of the log hears what has become durable.
#[derive(Default)]
pub struct Marks(DashMap<Writer, watch::Sender<Durable>>);

impl Marks {
    /// What the log calls.
    pub fn sink(self: &Arc<Marks>) -> DurableSink {
        let marks = self.clone();
        Arc::new(move |durable| {
            let (Durable::Through { writer, .. } | Durable::Failed { writer }) = durable;
            if let Some(found) = marks.0.get(&writer) {
                // A life that has lost something is told so, whatever is said of it later.
                found.send_if_modified(|mark| {
                    let lost = matches!(mark, Durable::Failed { .. });
                    if !lost {
                        *mark = durable;
                    }
                    !lost
                });
            }
        })
    }
}

/// What a house is made of.
pub struct Ports {
    pub clock: Arc<dyn Clock>,
    pub state: Arc<dyn StateStore>,
    pub events: Arc<dyn EventLog>,
    pub spawner: Box<dyn Spawner>,
    /// The sink of these was given to the log when it was opened.
    pub marks: Arc<Marks>,
}

/// A class time that a caller in the process waits for an answer.
const CALL_WAIT: Duration = Duration::from_secs(10);
const SCAN_EVERY: Duration = Duration::from_secs(1);
const SCAN_LIMIT: u32 = 512;

impl House {
    /// Builds the house and starts what runs in it besides actors, on `background`.
    pub fn open(ports: Ports, background: &ArbiterHandle) -> Arc<House> {
        let (committer, work) = Committer::new(ports.state.clone());
        // Spread over all numbers: two processes that start within a minute must not count through the same epochs.
        let first_epoch = (ports.clock.now().0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        let house = Arc::new(House {
            clock: ports.clock,
            state: ports.state,
            events: ports.events,
            hub: Hub::new(first_epoch),
            stats: Arc::default(),
            committer,
            letters: Letters::default(),
            spawner: ports.spawner,
            classes: Registry::default(),
            users: Registry::default(),
            rooms: Registry::default(),
            sessions: Registry::default(),
            fills: Semaphore::new(FILLS_MAX),
            callers: DashMap::new(),
            marks: ports.marks,
            lives: AtomicU64::new(1),
        });
        let weak = Arc::downgrade(&house);
        house.hub.on_call(Box::new(move |channel| {
            if let (Some(house), Some(actor)) = (weak.upgrade(), channel.actor()) {
                house.nudge(actor);
            }
        }));
        let (weak, filler) = (Arc::downgrade(&house), background.clone());
        house.hub.on_fill(Box::new(move |channel, outbox| {
            if let Some(house) = weak.upgrade() {
                filler.spawn(fill(house, channel, outbox));
            }
        }));
        for line in work {
            background.spawn(line);
        }
        background.spawn(scan(house.clone()));
        background.spawn(tell_presence(house.clone()));
        house
    }

    // ---- ways to actors ----

    fn post<B: Body>(self: &Arc<Self>, registry: &Registry<B>, id: B::Id, mut post: Post<B>) {
        // The second try meets an actor that has been started anew.
        for _ in 0..2 {
            let found = registry.find_or_start(id, self);
            match found.try_send(Mail::new(post, &self.stats)) {
                Ok(()) => return,
                Err(SendError::Closed(back)) => {
                    registry.forget(id, &found);
                    post = back.open();
                }
                Err(SendError::Full(back)) => {
                    self.stats.of(B::KIND).full.fetch_add(1, Ordering::Relaxed);
                    post = back.open();
                    break;
                }
            }
        }
        // A letter comes again from its row; a caller is told.
        if let Post::Input(input, reply) = post {
            self.turn_away::<B>(input, reply, ErrorCode::Busy);
        }
    }

    /// An input that cannot be taken now.
    pub(crate) fn turn_away<B: Body>(&self, input: Input<B>, reply: ReplyTo, code: ErrorCode) {
        match reply {
            ReplyTo::Nobody => B::busy(self, input),
            reply => self.turn_away_ask(reply, B::follows(&input), code),
        }
    }

    /// One who asked is told to ask again. A topic that was asked for as a push, where no answer could name it, waits instead.
    pub(crate) fn turn_away_ask(&self, reply: ReplyTo, follows: Option<(Topic, Option<Position>)>, code: ErrorCode) {
        if let (ReplyTo::Frame { outbox, id: 0 }, Some((topic, Some(position)))) = (&reply, follows) {
            self.hub.wait(outbox, topic, position);
            return;
        }
        reply.refuse(code, self.clock.now());
    }

    /// Something waits for the actor.
    fn nudge(self: &Arc<Self>, actor: ActorKey) {
        match actor {
            ActorKey::Class(class) => self.post(&self.classes, class, Post::Nudge),
            ActorKey::User(user) => self.post(&self.users, user, Post::Nudge),
            ActorKey::Room(room) => self.post(&self.rooms, room, Post::Nudge),
            ActorKey::Session(_) => {}
        }
    }

    pub fn to_class(self: &Arc<Self>, class: ClassId, input: class::Input, reply: ReplyTo) {
        self.post(&self.classes, class, Post::Input(input, reply));
    }

    pub fn to_user(self: &Arc<Self>, user: UserId, input: fitconnect_domain::user::Input, reply: ReplyTo) {
        self.post(&self.users, user, Post::Input(input, reply));
    }

    pub fn to_room(self: &Arc<Self>, room: RoomId, input: room::Input, reply: ReplyTo) {
        self.post(&self.rooms, room, Post::Input(input, reply));
    }

    /// Asks a class and waits for its answer.
    pub async fn ask_class(self: &Arc<Self>, class: ClassId, input: class::Input) -> Response {
        let (sender, answer) = oneshot::channel();
        self.to_class(class, input, ReplyTo::Call(sender));
        match tokio::time::timeout(CALL_WAIT, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) | Err(_) => Response::Refused(Refusal::from(ErrorCode::Retry)),
        }
    }

    /// Asks a room and waits for its answer.
    pub async fn ask_room(self: &Arc<Self>, room: RoomId, input: room::Input) -> Response {
        let (sender, answer) = oneshot::channel();
        self.to_room(room, input, ReplyTo::Call(sender));
        match tokio::time::timeout(CALL_WAIT, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) | Err(_) => Response::Refused(Refusal::from(ErrorCode::Retry)),
        }
    }

    /// A letter has been committed by its sender.
    pub(crate) fn letter_written(self: &Arc<Self>, letter: StoredLetter) {
        if let Some(letter) = self.letters.written(letter) {
            self.deliver(letter);
        }
    }

    /// Letters have been handled by their receiver, for good.
    pub(crate) fn letters_handled(self: &Arc<Self>, to: ActorKey, ids: &[LetterId]) {
        self.letters.handled(to, ids).into_iter().for_each(|letter| self.deliver(letter));
    }

    /// An actor may have written letters without its knowing.
    pub(crate) fn doubt_letters(&self, from: ActorKey) {
        self.letters.doubt(from);
    }

    fn deliver(self: &Arc<Self>, letter: StoredLetter) {
        self.stats.letters.fetch_add(1, Ordering::Relaxed);
        match letter.letter.to {
            ActorKey::Class(class) => self.post(&self.classes, class, Post::Letter(letter)),
            ActorKey::User(user) => self.post(&self.users, user, Post::Letter(letter)),
            ActorKey::Room(room) => self.post(&self.rooms, room, Post::Letter(letter)),
            ActorKey::Session(_) => {
                tracing::error!(id = ?letter.id, "a letter to a session: nothing of sessions is stored")
            }
        }
    }

    // ---- sessions ----

    /// Starts a session for a socket that has just opened.
    pub fn open_session(self: &Arc<Self>, expires_at: Millis, outbox: &Arc<Outbox>) {
        let (house, own, by) = (self.clone(), outbox.clone(), outbox.by.clone());
        let id = by.session;
        let machine = Session::new(by.clone(), expires_at, self.clock.now());
        self.hub.attach(outbox, self.clock.now().0);
        let arbiter = self.spawner.arbiter(&ActorKey::Session(id));
        let address = Host::<SessionBody>::start_in_arbiter(&arbiter, move |ctx| {
            ctx.set_mailbox_capacity(SessionBody::MAILBOX);
            Host::awake(id, house, machine, Some(own))
        });
        self.callers.insert(id, by);
        self.sessions.actors.insert(id, Arc::new(address.recipient()));
        self.to_session(id, session::Input::Attached { expires_at }, ReplyTo::Nobody);
    }

    /// The identity of a session that waits for a socket, if it is this person's.
    pub fn lost_session(&self, id: SessionId, by: &Caller) -> Option<Arc<Caller>> {
        let known = self.callers.get(&id)?.value().clone();
        let same = Caller { session: known.session, ..by.clone() } == *known;
        same.then_some(known)
    }

    /// Another socket carries a session from now on; `outbox.by` is the session's identity, the end is that of the socket's own token.
    pub fn reclaim_session(self: &Arc<Self>, expires_at: Millis, outbox: &Arc<Outbox>) -> bool {
        let Some(found) = self.sessions.find(outbox.by.session) else { return false };
        self.hub.attach(outbox, self.clock.now().0);
        let attach = Post::Attach(outbox.clone(), session::Input::Attached { expires_at });
        let taken = found.try_send(Mail::new(attach, &self.stats)).is_ok();
        if !taken {
            self.hub.detach(outbox);
        }
        taken
    }

    /// Hands something of a socket to its session. A session that is gone has ended.
    pub fn to_session(self: &Arc<Self>, id: SessionId, input: session::Input, reply: ReplyTo) {
        let Some(found) = self.sessions.find(id) else { return reply.refuse(ErrorCode::Gone, self.clock.now()) };
        let (back, code) = match found.try_send(Mail::new(Post::Input(input, reply), &self.stats)) {
            Ok(()) => return,
            Err(SendError::Full(back)) => {
                self.stats.of(SessionBody::KIND).full.fetch_add(1, Ordering::Relaxed);
                (back, ErrorCode::Busy)
            }
            Err(SendError::Closed(back)) => {
                self.sessions.forget(id, &found);
                (back, ErrorCode::Gone)
            }
        };
        if let Post::Input(_, reply) = back.open() {
            reply.refuse(code, self.clock.now());
        }
    }

    /// A session is over: its actor stops, its socket follows nothing any more.
    pub fn session_ended(&self, id: SessionId, outbox: Option<&Arc<Outbox>>) {
        self.callers.remove(&id);
        if let Some((_, actor)) = self.sessions.actors.remove(&id) {
            // Where its mailbox is full, it finds its socket gone and ends by itself a minute later.
            drop(actor.try_send(Mail::new(Post::Stop, &self.stats)));
        }
        if let Some(outbox) = outbox {
            self.hub.detach(outbox);
        }
    }

    // ---- the log ----

    /// A new life of a writer, and where it hears what of it has become durable.
    pub(crate) fn follow_log(&self, key: ActorKey) -> (u64, watch::Receiver<Durable>) {
        let writer = Writer { key, life: self.lives.fetch_add(1, Ordering::Relaxed) };
        let (sender, marks) = watch::channel(Durable::Through { writer, number: 0 });
        self.marks.0.insert(writer, sender);
        (writer.life, marks)
    }

    pub(crate) fn forget_log(&self, writer: Writer) {
        self.marks.0.remove(&writer);
    }

    // ---- the end ----

    /// Tells every socket to come back after a while, spread so that they do not come at once.
    pub fn go_away(&self, reconnect_within_ms: u32) {
        let now = self.clock.now();
        let outboxes = self.hub.outboxes();
        let count = outboxes.len().max(1) as u64;
        for (index, outbox) in outboxes.into_iter().enumerate() {
            let reconnect_after_ms = (u64::from(reconnect_within_ms) * index as u64 / count) as u32;
            let code = CloseCode::GoingAway;
            let frame = Response::GoAway { code: code.code(), reconnect_after_ms };
            outbox.control(fitconnect_protocol::codec::encode(0, &frame), now.0);
            outbox.close(code, now.0);
        }
    }
}

/// Who is there, told round by round.
async fn tell_presence(house: Arc<House>) {
    loop {
        tokio::time::sleep(Duration::from_millis(PRESENCE_EVERY_MS)).await;
        house.hub.tell_presence(house.clock.now().0);
    }
}

/// Wakes sleepers whose alarm is due and delivers letters that wait, at start and every second.
async fn scan(house: Arc<House>) {
    let mut letters_after = None;
    let mut rounds = 0_u64;
    loop {
        house.hub.call_all();
        match AssertUnwindSafe(scan_once(&house, &mut letters_after)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "alarms and letters could not be read"),
            Err(_) => tracing::error!("the store panicked while alarms and letters were read"),
        }
        if rounds.is_multiple_of(3_600)
            && let Err(error) = house.state.sweep(house.clock.now()).await
        {
            tracing::warn!(%error, "old answers could not be swept");
        }
        rounds += 1;
        tokio::time::sleep(SCAN_EVERY).await;
    }
}

async fn scan_once(house: &Arc<House>, after: &mut Option<LetterId>) -> Result<(), StoreError> {
    for key in house.state.due(house.clock.now(), SCAN_LIMIT).await? {
        house.nudge(key);
    }
    let letters = house.state.letters(*after, SCAN_LIMIT).await?;
    let ended = letters.len() < SCAN_LIMIT as usize;
    // The end of the list: from the front again, for what nobody has handled.
    *after = if ended { None } else { letters.last().map(|letter| letter.id) };
    house.letters.found(letters).into_iter().for_each(|letter| house.deliver(letter));
    if ended {
        house.letters.round_ended();
    }
    Ok(())
}
