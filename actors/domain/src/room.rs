//! A room: who is in it and what they wrote. Everything that happens gets the next number; the numbers are the offsets of its topic.
//! This file holds the state and how events change it; what is allowed is in `room/commands.rs`, what is shown in `room/read.rs`.

mod commands;
pub mod io;
mod lexicon;
mod marks;
mod notices;
mod order;
mod post;
mod reactions;
mod read;
mod report;
mod typing;

pub use io::{Change, Input, Load, Loaded, Loose, Person, Publish, Right};
pub use order::Order;
pub use report::Reporting;

use crate::letter::{ActorKey, Letter, LetterBody};
use crate::user::Never;
use crate::{AskId, Effect, Machine, Millis, Out};
use commands::Waiting;
use fitconnect_protocol::limits::{ROOM_MEMBERS_MAX, ROOM_RECENT_MAX, ROOM_WAITING_MAX};
use fitconnect_protocol::room::{JoinRule, Message, RoomEvent, RoomKind, RoomMember, RoomRole};
use fitconnect_protocol::session::{Position, Response};
use fitconnect_protocol::{CmdId, GymId, RoomId, UserId};
use marks::Marks;
use reactions::Gathering;
use report::Decided;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use typing::Typing;

/// Messages that were changed lately: until that is stored, what is read of them is old.
const TOUCHED_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub role: RoomRole,
}

/// What is stored of a room besides its events: the row as of number `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub seq: u64,
    pub gym: GymId,
    pub kind: RoomKind,
    pub name: String,
    pub join: JoinRule,
    pub members: BTreeMap<UserId, Member>,
    #[serde(default)]
    pub order: Order,
}

impl Stored {
    /// A talk of two: staff have no business in it unless they are one of them.
    fn is_private(&self) -> bool {
        matches!(self.kind, RoomKind::Direct | RoomKind::Trainer)
    }
}

pub struct Room {
    pub id: RoomId,
    /// Of its numbers: another one only after a backup was restored.
    epoch: u32,
    /// `None`: nobody has made it. As of the last number.
    stored: Option<Stored>,
    /// The newest messages as they are now.
    recent: VecDeque<Message>,
    touched: VecDeque<Message>,
    waiting: Vec<Waiting>,
    /// Pages that are being read.
    pages: usize,
    /// When members of a slow room wrote last (Unix milliseconds).
    wrote: BTreeMap<UserId, i64>,
    gathering: Gathering,
    typing: Typing,
    marks: Marks,
    decided: Decided,
    lexicon: lexicon::Lexicon,
}

impl Room {
    /// A room of which nothing is stored.
    pub fn new(id: RoomId) -> Room {
        Room {
            id,
            epoch: 0,
            stored: None,
            recent: VecDeque::new(),
            touched: VecDeque::new(),
            waiting: Vec::new(),
            pages: 0,
            wrote: BTreeMap::new(),
            gathering: Gathering::default(),
            typing: Typing::default(),
            marks: Marks::default(),
            decided: Decided::default(),
            lexicon: lexicon::Lexicon::default(),
        }
    }

    /// A room from its row and its newest events, in order of their numbers; at least those behind the row.
    pub fn restore(id: RoomId, epoch: u32, stored: Stored, events: Vec<(u64, RoomEvent)>) -> Room {
        let mut room = Room { epoch, ..Room::new(id) };
        let known = stored.seq;
        room.stored = Some(stored);
        for (seq, event) in events {
            room.apply_messages(&event);
            if seq > known {
                room.apply_people(seq, &event);
            }
            room.remember_writer(&event);
        }
        room.touched.clear();
        room
    }

    /// One of two has blocked the other.
    pub fn is_closed(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| !stored.order.closed.is_empty())
    }

    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }

    /// Where the topic stands.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.seq() }
    }

    fn seq(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.seq)
    }

    /// Durable, at once in memory, and told: one number for all three, and for all who asked for it.
    fn happen(&mut self, change: Change, asks: &[AskId], now: Millis, out: &mut Out<Room>) {
        let seq = self.seq() + 1;
        if seq == 1 {
            // In seconds: no other beginning of this room has had it.
            self.epoch = (now.0 / 1_000) as u32;
        }
        let (event, rewrites) = (change.event.clone(), change.rewrites.clone());
        self.file_pictures(&event, seq, now, out);
        self.apply_messages(&event);
        self.apply_people(seq, &event);
        self.remember_writer(&event);
        let answers = asks.iter().map(|ask| (*ask, Response::Numbered { seq })).collect();
        out.0.push(Effect::Save { change, answers });
        self.write_letters(&event, seq, out);
        self.write_notices(&event, now, out);
        let closed = matches!(event, RoomEvent::Closed { .. }).then(|| self.is_closed());
        let gone = match &event {
            RoomEvent::Left { user, .. } | RoomEvent::Banned { user, banned: true, .. } => Some(*user),
            _ => None,
        };
        out.publish(Publish::Event { at: self.position(), event: Box::new(event), rewrites });
        if let Some(closed) = closed {
            out.publish(Publish::Silent(closed));
        }
        if let Some(user) = gone {
            out.publish(Publish::Gone { user });
        }
    }

    /// Those who come or go find it in their own account.
    fn write_letters(&self, event: &RoomEvent, seq: u64, out: &mut Out<Room>) {
        let Some(stored) = &self.stored else { return };
        let mut comes = |user: UserId, name: &str, with: Option<UserId>| {
            let (kind, name) = (stored.kind, name.to_owned());
            let body = LetterBody::InRoom { room: self.id, kind, name, read: seq, with };
            out.letter(Letter { to: ActorKey::User(user), body });
        };
        match event {
            RoomEvent::Created { members, .. } => {
                for member in members {
                    // A talk of two is called by the other.
                    let other = members.iter().find(|other| stored.is_private() && other.user != member.user);
                    comes(member.user, other.map_or(&stored.name, |other| &other.name), other.map(|other| other.user));
                }
            }
            RoomEvent::Joined { member, .. } => comes(member.user, &stored.name, None),
            RoomEvent::Left { user, .. } | RoomEvent::Banned { user, banned: true, .. } => {
                out.letter(Letter { to: ActorKey::User(*user), body: LetterBody::LeftRoom { room: self.id } });
            }
            RoomEvent::Posted { .. }
            | RoomEvent::Edited { .. }
            | RoomEvent::Deleted { .. }
            | RoomEvent::Reacted { .. }
            | RoomEvent::Appointed { .. }
            | RoomEvent::Pinned { .. }
            | RoomEvent::Slowed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Banned { .. }
            | RoomEvent::Closed { .. } => {}
        }
    }

    fn apply_people(&mut self, seq: u64, event: &RoomEvent) {
        if let RoomEvent::Created { gym, kind, name, join, members, .. } = event {
            let members = members.iter().map(|each| (each.user, member(each))).collect();
            let (name, order) = (name.clone(), Order::default());
            self.stored = Some(Stored { seq, gym: *gym, kind: *kind, name, join: *join, members, order });
        }
        let Some(stored) = &mut self.stored else { return };
        stored.seq = seq;
        stored.order.apply(event);
        match event {
            RoomEvent::Joined { member: joined, .. } => _ = stored.members.insert(joined.user, member(joined)),
            RoomEvent::Left { user, .. } | RoomEvent::Banned { user, banned: true, .. } => {
                stored.members.remove(user);
            }
            RoomEvent::Appointed { user, role, .. } => {
                if let Some(member) = stored.members.get_mut(user) {
                    member.role = *role;
                }
            }
            RoomEvent::Created { .. }
            | RoomEvent::Posted { .. }
            | RoomEvent::Edited { .. }
            | RoomEvent::Deleted { .. }
            | RoomEvent::Reacted { .. }
            | RoomEvent::Pinned { .. }
            | RoomEvent::Slowed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Banned { .. }
            | RoomEvent::Closed { .. } => {}
        }
    }

    fn apply_messages(&mut self, event: &RoomEvent) {
        match event {
            RoomEvent::Posted { message } => {
                self.typing.wrote(message.by);
                self.recent.push_back(message.clone());
                if self.recent.len() > ROOM_RECENT_MAX {
                    self.recent.pop_front();
                }
            }
            RoomEvent::Edited { message } | RoomEvent::Deleted { message } => self.keep_known(message.clone()),
            RoomEvent::Reacted { toggles, .. } => {
                for toggle in toggles {
                    let all = self.recent.iter_mut().chain(&mut self.touched);
                    for message in all.filter(|message| message.seq == toggle.seq) {
                        reactions::apply(message, toggle);
                    }
                }
            }
            RoomEvent::Created { .. }
            | RoomEvent::Joined { .. }
            | RoomEvent::Left { .. }
            | RoomEvent::Appointed { .. }
            | RoomEvent::Pinned { .. }
            | RoomEvent::Slowed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Banned { .. }
            | RoomEvent::Closed { .. } => {}
        }
    }

    /// Memory has this message, as it is now.
    fn keep_known(&mut self, message: Message) {
        if let Some(known) = self.recent.iter_mut().find(|known| known.seq == message.seq) {
            *known = message;
            return;
        }
        self.touched.retain(|known| known.seq != message.seq);
        self.touched.push_back(message);
        if self.touched.len() > TOUCHED_MAX {
            self.touched.pop_front();
        }
    }

    /// A message as it is now, where memory has it.
    fn known(&self, seq: u64) -> Option<&Message> {
        self.recent.iter().chain(&self.touched).find(|message| message.seq == seq)
    }
}

fn member(member: &RoomMember) -> Member {
    Member { name: member.name.clone(), role: member.role }
}

/// An event's name in the store.
pub fn kind(event: &RoomEvent) -> &'static str {
    match event {
        RoomEvent::Created { .. } => "created",
        RoomEvent::Posted { .. } => POSTED,
        RoomEvent::Edited { .. } => "edited",
        RoomEvent::Deleted { .. } => "deleted",
        RoomEvent::Reacted { .. } => "reacted",
        RoomEvent::Joined { .. } => "joined",
        RoomEvent::Left { .. } => "left",
        RoomEvent::Appointed { .. } => "appointed",
        RoomEvent::Pinned { .. } => "pinned",
        RoomEvent::Slowed { .. } => "slowed",
        RoomEvent::Muted { .. } => "muted",
        RoomEvent::Banned { .. } => "banned",
        RoomEvent::Closed { .. } => "closed",
    }
}

/// The kind of those events that are messages.
pub const POSTED: &str = "posted";

impl Machine for Room {
    type Input = Input;
    type Change = Change;
    type Publish = Publish;
    type Load = Load;
    type Tell = Never;
    type Record = Never;

    fn handle(&mut self, input: Input, ask: AskId, now: Millis, out: &mut Out<Room>) {
        match input {
            Input::Command { by, cmd, act } => {
                self.refresh_lexicon(&act, now, out);
                self.command(Waiting::new(by, cmd, act, ask), now, out);
            }
            Input::Subscribe { by, position, .. } => self.subscribe(&by, position, ask, out),
            Input::History { by, from, limit } => self.history(&by, from, limit, ask, out),
            Input::Members { by, q, after } => self.members(&by, &q, after, ask, out),
            Input::Loaded(loaded) => self.loaded(loaded, now, out),
            Input::Letter(letter) => self.letter(letter, now, out),
            Input::Tick => self.tick(now, out),
            Input::Typing { by } => self.types(&by, now, out),
            Input::Got { by, through } => self.got(&by, through, out),
            Input::Read { user, through } => self.read(user, through, out),
            Input::May { by, right } => self.may(&by, right, now, ask, out),
        }
        if self.gathering.is_idle() && self.waiting.is_empty() && self.pages == 0 {
            out.0.push(Effect::Sleep);
        }
    }

    fn command(input: &Input) -> Option<(UserId, CmdId)> {
        match input {
            Input::Command { by, cmd, .. } => Some((by.user, *cmd)),
            Input::Subscribe { .. }
            | Input::History { .. }
            | Input::Members { .. }
            | Input::Loaded(_)
            | Input::Letter(_)
            | Input::Tick
            | Input::Typing { .. }
            | Input::Got { .. }
            | Input::Read { .. }
            | Input::May { .. } => None,
        }
    }

    fn check_invariants(&self) {
        assert!(self.recent.len() <= ROOM_RECENT_MAX && self.touched.len() <= TOUCHED_MAX);
        assert!(self.waiting.len() <= ROOM_WAITING_MAX);
        self.gathering.check_invariants();
        self.typing.check_invariants();
        self.marks.check_invariants();
        self.decided.check_invariants();
        assert!(self.recent.iter().zip(self.recent.iter().skip(1)).all(|(a, b)| a.seq < b.seq), "messages in order");
        if let Some(stored) = &self.stored {
            assert!(stored.members.len() <= ROOM_MEMBERS_MAX);
            assert!(stored.members.keys().all(|user| !stored.order.banned.contains(user)), "nobody is in and banned");
            stored.order.check_invariants();
            assert!(self.recent.back().is_none_or(|newest| newest.seq <= stored.seq));
        }
        let silent = self.recent.iter().chain(&self.touched).filter(|message| message.deleted_by.is_some());
        assert!(
            silent.into_iter().all(|message| {
                message.text.is_empty()
                    && message.reactions.is_empty()
                    && message.mentions.is_empty()
                    && message.picture.is_none()
            }),
            "what was deleted has no words"
        );
    }
}
