//! A person's device in a scenario: one socket, what it follows, what it asked. It fails the scenario where the server breaks a promise
//! that a client can see. Nothing of it happens by itself but reading.

use super::view::View;
use crate::client::GYM;
use crate::socket::Socket;
use crate::topics::Topics;
use fitconnect_actors::House;
use fitconnect_domain::Millis;
use fitconnect_domain::class::Caller;
use fitconnect_protocol::codec::{decode_response, encode_request};
use fitconnect_protocol::limits::SESSION_GRACE_MS;
use fitconnect_protocol::presence::{Presence, Present};
use fitconnect_protocol::session::{Event, Request, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::user::{OwnRoom, Role, UserEvent};
use fitconnect_protocol::{CloseCode, RoomId, SessionId, UserId, Uuid};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub struct Device {
    pub name: String,
    pub user: UserId,
    pub role: Role,
    pub socket: Option<Socket>,
    pub session: Option<SessionId>,
    /// `false`: it takes nothing from its socket.
    pub reads: bool,
    pub closed: Option<CloseCode>,
    pub topics: Topics,
    pub views: BTreeMap<RoomId, View>,
    /// Events as they came, each once.
    pub events: Vec<(Topic, u64, Event)>,
    /// Answers about topics, in order.
    pub told: Vec<Subscribed>,
    /// Every other push.
    pub pushes: Vec<Response>,
    /// Rooms, and of whom nothing is shown, as `user:me` tells it.
    pub rooms: BTreeMap<RoomId, OwnRoom>,
    pub hidden: BTreeSet<UserId>,
    /// Who is there, as it was told last on this socket.
    pub there: BTreeMap<RoomId, BTreeMap<UserId, Presence>>,
    /// Words that no frame may carry.
    pub forbidden: Vec<String>,
    pub bytes_most: usize,
    next_id: u32,
    asked: BTreeMap<u32, Asked>,
    drains: u64,
}

enum Asked {
    /// The topic's answer goes where all of them go.
    Topic(Topic),
    Left(Topic),
    Open,
    Answered(Box<Response>),
}

pub struct Now {
    pub life: u32,
    pub at: Millis,
}

impl Device {
    pub fn new(name: &str, user: UserId, role: Role) -> Device {
        Device {
            name: name.into(),
            user,
            role,
            socket: None,
            session: None,
            reads: true,
            closed: None,
            topics: Topics::default(),
            views: BTreeMap::new(),
            events: Vec::new(),
            told: Vec::new(),
            pushes: Vec::new(),
            rooms: BTreeMap::new(),
            hidden: BTreeSet::new(),
            there: BTreeMap::new(),
            forbidden: Vec::new(),
            bytes_most: 0,
            next_id: 0,
            asked: BTreeMap::new(),
            drains: 0,
        }
    }

    pub fn caller(&self, session: SessionId) -> Caller {
        let hall = matches!(self.role, Role::Hub | Role::Screen).then(|| crate::client::HALL.to_owned());
        Caller { user: self.user, gym: GYM, role: self.role, session, hall, name: self.name.clone() }
    }

    /// A new socket, whose token ends at `until`; what was followed is asked for in one frame.
    pub fn connect(&mut self, house: &Arc<House>, id: u128, now: &Now, until: Millis) {
        self.forget_socket();
        let session = SessionId(Uuid::from_u128(id));
        let mut socket = Socket::open_until(house, self.caller(session), until);
        let positions = self.topics.positions();
        self.next_id += 1;
        let (asked, wanted) = (self.next_id, self.session.take());
        self.asked.insert(asked, Asked::Open);
        let mut early = Vec::new();
        if !socket.resume(house, asked, wanted, positions, now.at, |frame| early.push(frame.to_vec())) {
            // Its session could not be taken back just now: as a client does, at once under a new one.
            Socket::gone(&socket.outbox, house);
            return self.connect(house, id + 1, now, until);
        }
        self.session = Some(socket.session());
        self.socket = Some(socket);
        self.closed = None;
        early.iter().for_each(|frame| self.take(frame, now));
        // What has no position yet is asked for by name.
        for topic in self.topics.unfollowed() {
            self.follow(house, topic, now.at);
        }
    }

    pub fn forget_socket(&mut self) {
        self.socket = None;
        self.there.clear();
        self.asked.clear();
        self.topics.socket_lost();
    }

    /// The line is cut. `found`: the server notices at once.
    pub fn cut(&mut self, house: &Arc<House>, found: bool) -> Option<Arc<fitconnect_actors::outbox::Outbox>> {
        let socket = self.socket.take();
        self.forget_socket();
        let outbox = socket?.outbox.clone();
        if found {
            Socket::gone(&outbox, house);
            return None;
        }
        Some(outbox)
    }

    // ---- asking ----

    pub fn raw(&self, house: &Arc<House>, bytes: &[u8], now: Millis) {
        if let Some(socket) = &self.socket {
            socket.request(house, bytes, now);
        }
    }

    /// Returns the number under which the answer is found.
    pub fn send(&mut self, house: &Arc<House>, request: &Request, now: Millis) -> u32 {
        self.next_id += 1;
        self.asked.insert(self.next_id, Asked::Open);
        self.raw(house, &encode_request(self.next_id, request), now);
        self.next_id
    }

    pub fn follow(&mut self, house: &Arc<House>, topic: Topic, now: Millis) {
        self.topics.want(topic);
        let position = self.topics.list.get(&topic).and_then(|followed| followed.position);
        self.next_id += 1;
        self.asked.insert(self.next_id, Asked::Topic(topic));
        self.raw(house, &encode_request(self.next_id, &Request::Subscribe { topic, position }), now);
    }

    pub fn unfollow(&mut self, house: &Arc<House>, topic: Topic, now: Millis) {
        if let Some(followed) = self.topics.list.get_mut(&topic) {
            followed.leaving = true;
        }
        self.next_id += 1;
        self.asked.insert(self.next_id, Asked::Left(topic));
        self.raw(house, &encode_request(self.next_id, &Request::Unsubscribe { topic }), now);
    }

    pub fn answer(&self, id: u32) -> Option<&Response> {
        match self.asked.get(&id)? {
            Asked::Answered(response) => Some(response),
            Asked::Topic(_) | Asked::Left(_) | Asked::Open => None,
        }
    }

    // ---- reading ----

    pub fn read(&mut self, house: &Arc<House>, now: &Now) {
        let Some(socket) = &self.socket else { return };
        let (bytes, _) = socket.outbox.waiting();
        self.bytes_most = self.bytes_most.max(bytes);
        if !self.reads {
            if socket.is_stalled(now.at) {
                // The reaper cuts what takes nothing.
                self.closed = Some(CloseCode::TooSlow);
                self.cut(house, true);
            }
            return;
        }
        self.drains += 1;
        let mut frames = Vec::new();
        let close = socket.drain(house, now.at, |frame| frames.push(frame.to_vec()));
        frames.iter().for_each(|frame| self.take(frame, now));
        if let Some(code) = close {
            self.cut(house, true);
            self.closed = Some(code);
        }
    }

    fn take(&mut self, frame: &[u8], now: &Now) {
        for words in &self.forbidden {
            let found = frame.windows(words.len()).any(|window| window == words.as_bytes());
            assert!(!found, "{} is told {words:?}, which was taken away", self.name);
        }
        let (id, response) = decode_response(frame).expect("a frame can be read");
        match self.asked.get_mut(&id) {
            Some(Asked::Topic(topic)) => {
                let topic = *topic;
                self.asked.remove(&id);
                match response {
                    Response::Subscribed(told) => {
                        assert_eq!(told.topic, topic, "the answer is about what was asked for");
                        self.subscribed(*told, now);
                    }
                    Response::Refused(_) => {
                        if let Some(followed) = self.topics.list.get_mut(&topic) {
                            followed.wanted = followed.position.is_some();
                        }
                        self.pushes.push(response);
                    }
                    other => panic!("{topic} was asked for, this came: {other:?}"),
                }
            }
            Some(Asked::Left(topic)) => {
                let topic = *topic;
                self.asked.remove(&id);
                if response == Response::Done {
                    self.topics.unsubscribed(topic, self.drains);
                }
            }
            Some(asked @ Asked::Open) => *asked = Asked::Answered(Box::new(response)),
            Some(Asked::Answered(first)) => panic!("{id} is answered twice: {first:?}, {response:?}"),
            None => self.pushed(response, now),
        }
    }

    fn subscribed(&mut self, told: Subscribed, now: &Now) {
        let checked = self.topics.subscribed(&told, now.life, now.at, self.drains);
        checked.unwrap_or_else(|why| panic!("{}: {why}", self.name));
        match (&told.topic, &told.snapshot) {
            (Topic::Room(room), Some(Snapshot::Room(snapshot))) => {
                let view = View::of(snapshot, told.offset);
                self.views.insert(*room, view);
            }
            (Topic::Me, Some(Snapshot::User(user))) => {
                self.rooms = user.rooms.iter().map(|room| (room.room, room.clone())).collect();
                self.hidden = user.hidden.iter().map(|hidden| hidden.user).collect();
            }
            (_, _) => {}
        }
        self.told.push(told);
    }

    fn pushed(&mut self, response: Response, now: &Now) {
        match response {
            Response::Subscribed(told) => self.subscribed(*told, now),
            Response::Event { h, o, e } => {
                let known = self.topics.event(h, o, now.at, self.drains);
                let Some(topic) = known.unwrap_or_else(|why| panic!("{}: {why}", self.name)) else { return };
                self.event(topic, o, &e);
                self.events.push((topic, o, e));
            }
            Response::Presence { h, people, .. } => {
                let heard = self.topics.heard(h, self.drains);
                if let Some(Topic::Room(room)) = heard.unwrap_or_else(|why| panic!("{}: {why}", self.name)) {
                    self.there.insert(room, people.into_iter().map(|Present(user, is)| (user, is)).collect());
                }
            }
            Response::Lagging { h } | Response::Typing { h, .. } => {
                let heard = self.topics.heard(h, self.drains);
                heard.unwrap_or_else(|why| panic!("{}: {why}", self.name));
                self.pushes.push(response);
            }
            Response::Ended { h } => {
                let topic = self.topics.heard(h, self.drains).expect("a handle that was given out");
                if let Some(topic) = topic {
                    self.topics.list.entry(topic).or_default().leaving = true;
                    self.topics.unsubscribed(topic, self.drains);
                }
                self.pushes.push(response);
            }
            other => self.pushes.push(other),
        }
    }

    fn event(&mut self, topic: Topic, offset: u64, event: &Event) {
        match (topic, event) {
            (Topic::Room(room), Event::Room(event)) => {
                self.views.entry(room).or_default().apply(offset, event);
            }
            (_, Event::User(UserEvent::InRoom { room })) => {
                let before = self.rooms.insert(room.room, room.clone());
                let back = before.is_some_and(|before| before.read > room.read);
                assert!(!back, "{}: a read mark goes back", self.name);
            }
            (_, Event::User(UserEvent::LeftRoom { room })) => _ = self.rooms.remove(room),
            (_, Event::User(UserEvent::Hidden { person })) => _ = self.hidden.insert(person.user),
            (_, Event::User(UserEvent::Shown { user })) => _ = self.hidden.remove(user),
            (_, _) => {}
        }
    }

    /// Events of a topic, by number.
    pub fn heard(&self, topic: Topic) -> Vec<u64> {
        self.events.iter().filter(|(of, ..)| *of == topic).map(|(_, offset, _)| *offset).collect()
    }

    pub fn last_told(&self, topic: Topic) -> &Subscribed {
        let told = self.told.iter().rev().find(|told| told.topic == topic);
        told.unwrap_or_else(|| panic!("{} has not been answered about {topic}", self.name))
    }
}

/// Longer than a session waits for its socket.
pub const GIVEN_UP_MS: u64 = SESSION_GRACE_MS + 5_000;
