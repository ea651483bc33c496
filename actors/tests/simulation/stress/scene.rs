//! What a scenario is played with: the stores, a wall clock that can jump, devices, and one process after another over them.

use super::device::{Device, Now};
use super::view::View;
use crate::client::GYM;
use crate::clock::START;
use crate::faults::Faults;
use crate::log::SimLog;
use crate::rng::Rng;
use crate::store::SimStore;
use crate::world::Here;
use actix::prelude::*;
use fitconnect_actors::outbox::Outbox;
use fitconnect_actors::ports::{Clock, StateStore};
use fitconnect_actors::{House, Marks, Ports};
use fitconnect_domain::Millis;
use fitconnect_domain::user::Stored;
use fitconnect_protocol::room::{JoinRule, RoomCommand, RoomKind};
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::user::{Consent, Role, UserCommand};
use fitconnect_protocol::{CmdId, ErrorCode, RoomId, UserId, Uuid};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A wall that somebody sets.
pub struct Wall {
    began: Millis,
    at: Instant,
    jumped_ms: AtomicI64,
}

impl Clock for Wall {
    fn now(&self) -> Millis {
        let jumped = self.jumped_ms.load(Ordering::Relaxed);
        Millis((self.began.0 + self.at.elapsed().as_millis() as u64).saturating_add_signed(jumped))
    }
}

/// A device, by its place.
pub type Who = usize;

pub struct Scene {
    pub rng: Rng,
    pub store: Arc<SimStore>,
    pub log: Arc<SimLog>,
    pub faults: Arc<Faults>,
    pub devices: Vec<Device>,
    now: Millis,
    life: u32,
    process: Option<(Arc<House>, Arc<Wall>)>,
    /// People, sessions and rooms are numbered.
    number: u128,
}

const ANSWER_WITHIN_MS: u64 = 20_000;
const TOKEN_MS: u64 = 24 * 3_600_000;

impl Scene {
    pub fn new(seed: u64) -> Scene {
        let mut rng = Rng::new(seed);
        let faults = Arc::new(Faults::none(&mut rng));
        let store = Arc::new(SimStore::new(&mut rng, &faults));
        let log = Arc::new(SimLog::new(&mut rng, &faults));
        let (devices, process) = (Vec::new(), None);
        Scene { rng, store, log, faults, devices, now: START, life: 0, process, number: 0x1_0000 }
    }

    // ---- processes ----

    /// One process, from its start until `play` is over: then it is gone as if killed.
    pub fn process<T>(&mut self, play: impl AsyncFnOnce(&mut Scene) -> T) -> T {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
        };
        self.life += 1;
        let result = actix::System::with_tokio_rt(runtime).block_on(async {
            let marks = Arc::new(Marks::default());
            self.store.restarted();
            self.log.open(marks.sink());
            self.store.claim_shards().await.expect("shards");
            let here = Arbiter::current();
            let wall = Arc::new(Wall { began: self.now, at: Instant::now(), jumped_ms: AtomicI64::new(0) });
            let ports = Ports {
                clock: wall.clone(),
                state: self.store.clone(),
                events: self.log.clone(),
                spawner: Box::new(Here(here.clone())),
                marks,
            };
            let house = House::open(ports, &here);
            actix::spawn(self.log.clone().run());
            self.process = Some((house, wall));
            let result = play(self).await;
            self.now = self.now();
            result
        });
        self.process = None;
        self.now = self.now.plus(self.rng.between(100, 2_000));
        self.devices.iter_mut().for_each(Device::forget_socket);
        result
    }

    pub fn house(&self) -> Arc<House> {
        self.process.as_ref().expect("a process runs").0.clone()
    }

    pub fn now(&self) -> Millis {
        self.process.as_ref().map_or(self.now, |(_, wall)| wall.now())
    }

    /// The wall clock is set, by so much.
    pub fn jump(&self, ms: i64) {
        self.process.as_ref().expect("a process runs").1.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn moment(&self) -> Now {
        Now { life: self.life, at: self.now() }
    }

    /// Time passes; everybody who reads does.
    pub async fn pass(&mut self, ms: u64) {
        let until = Instant::now() + Duration::from_millis(ms);
        while Instant::now() < until {
            let step = Duration::from_millis(self.rng.between(1, 40)).min(until - Instant::now());
            tokio::time::sleep(step).await;
            self.read();
        }
        assert_eq!(self.store.take_wrong(), Vec::<String>::new(), "the store is told only what can be");
    }

    /// The same without anybody reading.
    pub async fn pass_unread(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    pub fn read(&mut self) {
        let (house, now) = (self.house(), self.moment());
        self.devices.iter_mut().for_each(|device| device.read(&house, &now));
    }

    // ---- devices ----

    fn next_number(&mut self) -> u128 {
        self.number += 2;
        self.number
    }

    /// A person with one device.
    pub fn person(&mut self, name: &str, role: Role) -> Who {
        let user = UserId(Uuid::from_u128(self.next_number() << 64 | 0x77));
        let stored = Stored::new(GYM, name, crate::world::profile(), Consent::default());
        self.store.add_person(user, &stored);
        self.devices.push(Device::new(name, user, role));
        self.devices.len() - 1
    }

    pub fn member(&mut self, name: &str) -> Who {
        self.person(name, Role::Member)
    }

    /// The same person on another device.
    pub fn another(&mut self, who: Who) -> Who {
        let device =
            Device::new(&format!("{}'s other", self.devices[who].name), self.devices[who].user, self.devices[who].role);
        self.devices.push(device);
        self.devices.len() - 1
    }

    pub fn user(&self, who: Who) -> UserId {
        self.devices[who].user
    }

    /// A caller without a device, for what many do.
    pub fn caller(&mut self, who: Who) -> Arc<fitconnect_domain::class::Caller> {
        let session = fitconnect_protocol::SessionId(Uuid::from_u128(self.next_number()));
        Arc::new(self.devices[who].caller(session))
    }

    pub fn connect(&mut self, who: Who) {
        let until = self.now().plus(TOKEN_MS);
        self.connect_until(who, until);
    }

    /// With a token that ends then.
    pub fn connect_until(&mut self, who: Who, until: Millis) {
        let (house, now, id) = (self.house(), self.moment(), self.next_number());
        self.devices[who].connect(&house, id, &now, until);
    }

    /// The line is lost, and the server notices.
    pub fn cut(&mut self, who: Who) {
        let house = self.house();
        self.devices[who].cut(&house, true);
    }

    /// The line is lost, and the server still holds the socket.
    pub fn vanish(&mut self, who: Who) -> Option<Arc<Outbox>> {
        let house = self.house();
        self.devices[who].cut(&house, false)
    }

    pub fn reads(&mut self, who: Who, reads: bool) {
        self.devices[who].reads = reads;
    }

    pub fn follow(&mut self, who: Who, topic: Topic) {
        let (house, now) = (self.house(), self.now());
        self.devices[who].follow(&house, topic, now);
    }

    pub fn unfollow(&mut self, who: Who, topic: Topic) {
        let (house, now) = (self.house(), self.now());
        self.devices[who].unfollow(&house, topic, now);
    }

    // ---- asking ----

    pub fn send(&mut self, who: Who, request: &Request) -> u32 {
        let (house, now) = (self.house(), self.now());
        self.devices[who].send(&house, request, now)
    }

    /// Wants no reply.
    pub fn send_quiet(&self, who: Who, request: &Request) {
        self.raw(who, &fitconnect_protocol::codec::encode_request(0, request));
    }

    pub fn raw(&self, who: Who, bytes: &[u8]) {
        self.devices[who].raw(&self.house(), bytes, self.now());
    }

    pub async fn answer(&mut self, who: Who, id: u32) -> Response {
        for _ in 0..ANSWER_WITHIN_MS / 20 {
            if let Some(answer) = self.devices[who].answer(id) {
                return answer.clone();
            }
            self.pass(20).await;
        }
        panic!("{} waits in vain for an answer", self.devices[who].name)
    }

    pub async fn ask(&mut self, who: Who, request: &Request) -> Response {
        let id = self.send(who, request);
        self.answer(who, id).await
    }

    /// Asks again, over new sockets where need be, until it is answered for good: what a client does with its outbox.
    pub async fn insist(&mut self, who: Who, request: &Request) -> Response {
        for _ in 0..200 {
            if self.devices[who].socket.is_none() {
                self.connect(who);
            }
            let id = self.send(who, request);
            for _ in 0..150 {
                if self.devices[who].answer(id).is_some() || self.devices[who].socket.is_none() {
                    break;
                }
                self.pass(20).await;
            }
            match self.devices[who].answer(id).cloned() {
                Some(Response::Refused(refusal)) if is_passing(refusal.code) => self.pass(200).await,
                Some(answer) => return answer,
                None => {}
            }
        }
        panic!("{} asked for {request:?} for a long time", self.devices[who].name)
    }

    /// A command's id, stamped so long ago.
    pub fn cmd_of(&mut self, age_ms: u64) -> CmdId {
        let stamp = u128::from(self.now().0 - age_ms);
        let chance = u128::from(self.rng.next()) & 0x3fff_ffff_ffff_ffff;
        CmdId(Uuid::from_u128(stamp << 80 | 0x7 << 76 | 0x8000_0000_0000_0000 | chance))
    }

    pub fn cmd(&mut self) -> CmdId {
        self.cmd_of(0)
    }

    pub fn in_room(&mut self, room: RoomId, act: RoomCommand) -> Request {
        Request::Room { room, cmd: self.cmd(), act }
    }

    pub fn post(&mut self, room: RoomId, text: &str) -> Request {
        self.in_room(room, RoomCommand::say(text))
    }

    pub fn as_user(&mut self, act: UserCommand) -> Request {
        Request::User { cmd: self.cmd(), act }
    }

    /// A team's room with these in it; all of them follow it. Everybody must be connected.
    pub async fn team(&mut self, people: &[Who]) -> RoomId {
        let cmd = self.cmd();
        let members = people[1..].iter().map(|who| self.user(*who)).collect();
        let act = RoomCommand::Create { kind: RoomKind::Team, name: "team".into(), join: JoinRule::Open, members };
        let room = RoomId(cmd.0);
        let made = self.ask(people[0], &Request::Room { room, cmd, act }).await;
        assert_eq!(made, Response::Numbered { seq: 1 });
        people.iter().for_each(|who| self.follow(*who, Topic::Room(room)));
        self.pass(200).await;
        room
    }

    /// Connected members in a team's room.
    pub async fn members(&mut self, names: &[&str]) -> (Vec<Who>, RoomId) {
        let people: Vec<Who> = names.iter().map(|name| self.member(name)).collect();
        people.iter().for_each(|who| self.connect(*who));
        let room = self.team(&people).await;
        (people, room)
    }

    /// Many messages by one who is not held back by a socket's rate.
    pub async fn pour(&mut self, who: Who, room: RoomId, count: u64, bytes: usize) {
        let by = self.caller(who);
        for number in 0..count {
            let (cmd, text) = (self.cmd(), format!("{number:04} {}", "x".repeat(bytes)));
            let act = RoomCommand::say(text);
            let input = fitconnect_domain::room::Input::Command { by: by.clone(), cmd, act };
            self.house().to_room(room, input, fitconnect_actors::reply::ReplyTo::Nobody);
            if number % 64 == 63 {
                self.pass(30).await;
            }
        }
        self.pass(1_500).await;
    }

    // ---- what must hold ----

    pub fn stored(&self, room: RoomId) -> View {
        self.store.room(room, View::of_events)
    }

    /// Everybody who follows this room shows what is stored.
    pub fn all_show(&self, room: RoomId, people: &[Who]) {
        let truth = self.stored(room);
        for who in people {
            let device = &self.devices[*who];
            assert!(device.topics.is_live(Topic::Room(room)), "{} does not follow the room", device.name);
            let view = device.views.get(&room).unwrap_or_else(|| panic!("{} has seen nothing", device.name));
            if let Some(difference) = view.differs(&truth) {
                panic!("{}: {difference}", device.name);
            }
        }
    }

    /// How often a message with these words is stored.
    pub fn count(&self, room: RoomId, words: &str) -> usize {
        self.stored(room).messages.values().filter(|message| message.text == words).count()
    }
}

/// Whoever is told this asks again.
pub fn is_passing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Retry | ErrorCode::Busy | ErrorCode::RateLimited | ErrorCode::Gone)
}

pub fn code(response: &Response) -> Option<ErrorCode> {
    match response {
        Response::Refused(refusal) => Some(refusal.code),
        _ => None,
    }
}

pub fn numbered(response: &Response) -> u64 {
    match response {
        Response::Numbered { seq } => *seq,
        other => panic!("it should have happened: {other:?}"),
    }
}
