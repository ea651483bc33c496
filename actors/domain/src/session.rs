//! One device's session: who it is, what it may send and how fast, and the minute in which a lost socket may come back.
//! It decides nothing about classes or people: it hands requests on to them, on the user's behalf. Nothing here is durable.

mod bucket;

use crate::class::{self, Caller, Link};
use crate::room;
use crate::user;
use crate::{AskId, Effect, Machine, Millis, Out};
use bucket::Bucket;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::session::{Position, Request, Response, Topic, TopicPosition};
use fitconnect_protocol::user::{Role, UserCommand};
use fitconnect_protocol::{ClassId, CloseCode, CmdId, ErrorCode, Refusal, RoomId, Slot, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Input {
    /// A socket carries the session from now on: the first, or another after a loss. Its own token counts from here on.
    Attached { expires_at: Millis },
    /// A frame was read. `ask` is its id.
    Frame(Request),
    /// A frame that could not be read; the socket has told the client.
    Bad,
    /// The token was checked and is good: same person, a later end.
    Refreshed { expires_at: Millis },
    /// The socket is gone.
    Detached,
    /// The person's rights were taken away, or staff ended the session.
    Kicked,
    /// Nobody will come back for it: its person goes on under another session.
    Ended,
    /// The timer of memory.
    Tick,
}

/// To whom a session speaks.
#[derive(Clone, Debug)]
pub enum Tell {
    Class(ClassId, class::Input),
    User(UserId, user::Input),
    Room(RoomId, room::Input),
}

/// What a session wants of its own socket and of the hub.
#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    Close(CloseCode),
    Unsubscribe(Topic),
    /// The viewer has drawn this tick.
    Seen {
        h: u32,
        tick: u32,
    },
    /// One is there, for the next few seconds.
    Here {
        is: Presence,
    },
    /// Whom of a room's people one looks at.
    LookAt {
        room: RoomId,
        people: Vec<UserId>,
    },
    /// The session is over: nobody will come back for it.
    Ended,
}

/// Nothing of a session is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

pub struct Session {
    by: Arc<Caller>,
    attached: bool,
    expires_at: Millis,
    detached_at: Millis,
    tick_at: Option<Millis>,
    topics: BTreeSet<Topic>,
    /// Classes that know this session: they are told when its link breaks.
    classes: BTreeSet<ClassId>,
    frames: Bucket,
    commands: Bucket,
    /// Refusals for the rate. They come back too: who waits as told may go on for days, who does not listen is closed.
    over: Bucket,
    ended: bool,
}

impl Session {
    pub fn new(by: Arc<Caller>, expires_at: Millis, now: Millis) -> Session {
        Session {
            by,
            attached: false,
            expires_at,
            detached_at: now,
            tick_at: None,
            topics: BTreeSet::new(),
            classes: BTreeSet::new(),
            frames: Bucket::new(FRAMES_PER_S, FRAMES_BURST, now),
            commands: Bucket::new(COMMANDS_PER_S, COMMANDS_BURST, now),
            over: Bucket::new(FRAMES_PER_S, OVER_LIMIT_MAX, now),
            ended: false,
        }
    }

    pub fn caller(&self) -> &Arc<Caller> {
        &self.by
    }

    fn frame(&mut self, request: Request, ask: AskId, now: Millis, out: &mut Out<Session>) {
        if let Err(wait_ms) = self.frames.take(now) {
            return self.too_fast(wait_ms, ask, now, out);
        }
        match request {
            Request::Samples(samples) => {
                let class = samples.class;
                self.know(class);
                out.tell(AskId::NOBODY, Tell::Class(class, class::Input::Samples { by: self.by.clone(), samples }));
            }
            Request::Seen { h, tick } => out.publish(Publish::Seen { h, tick }),
            Request::Clock { t0 } => {
                let ms = now.0 as f64;
                out.answer(ask, Response::Clock { t0, t1: ms, t2: ms });
            }
            Request::Subscribe { topic, position } => self.subscribe(topic, position, ask, out),
            Request::Unsubscribe { topic } => self.unsubscribe(topic, ask, out),
            Request::Resume { topics, .. } => self.resume(topics, out),
            Request::Class { class, cmd, act } => {
                if self.may_command(cmd, ask, now, out) {
                    self.know(class);
                    out.tell(ask, Tell::Class(class, class::Input::Command { by: self.by.clone(), cmd, act }));
                }
            }
            Request::User { cmd, act } => {
                if self.may_command(cmd, ask, now, out) {
                    let whose = match &act {
                        UserCommand::ApproveHrMax { user } => *user,
                        UserCommand::Consent { .. }
                        | UserCommand::Profile { .. }
                        | UserCommand::Read { .. }
                        | UserCommand::Block { .. }
                        | UserCommand::ReadNotices { .. }
                        | UserCommand::Unseen { .. }
                        | UserCommand::Want { .. } => self.by.user,
                    };
                    out.tell(ask, Tell::User(whose, user::Input::Command { by: self.by.clone(), cmd, act }));
                }
            }
            Request::Room { room, cmd, act } => {
                if self.may_command(cmd, ask, now, out) {
                    let input = room::Input::Command { by: self.by.clone(), cmd, act };
                    out.tell(ask, Tell::Room(room, input));
                }
            }
            Request::History { room, from, limit } => {
                out.tell(ask, Tell::Room(room, room::Input::History { by: self.by.clone(), from, limit }));
            }
            Request::Members { room, q, after } => {
                out.tell(ask, Tell::Room(room, room::Input::Members { by: self.by.clone(), q, after }));
            }
            Request::LookAt { room, people } => out.publish(Publish::LookAt { room, people }),
            Request::Typing { room } => {
                out.tell(AskId::NOBODY, Tell::Room(room, room::Input::Typing { by: self.by.clone() }));
            }
            Request::Got { room, through } => {
                out.tell(AskId::NOBODY, Tell::Room(room, room::Input::Got { by: self.by.clone(), through }));
            }
            Request::Five { class, to } => {
                out.tell(AskId::NOBODY, Tell::Class(class, class::Input::Five { by: self.by.clone(), to }));
            }
            Request::Hidden { class } => {
                out.tell(ask, Tell::Class(class, class::Input::Hidden { by: self.by.clone() }));
            }
            // Of screens and receivers nobody wants to know.
            Request::Here { is } if self.by.role >= Role::Member => out.publish(Publish::Here { is }),
            Request::Here { .. } => {}
            Request::Look { topic, slots } => self.look(topic, slots, ask, out),
            // The socket checks tokens: cryptography is no decision.
            Request::Hello { .. } | Request::Refresh { .. } => {
                out.refuse_with(ask, ErrorCode::Malformed, "the opening is over");
            }
        }
    }

    fn too_fast(&mut self, wait_ms: u32, ask: AskId, now: Millis, out: &mut Out<Session>) {
        if self.over.take(now).is_err() {
            return out.publish(Publish::Close(CloseCode::TooFast));
        }
        out.refuse(ask, Refusal::from(ErrorCode::RateLimited).after(wait_ms));
    }

    /// A command's id is stamped with the time: one that is too old or ahead could not be remembered for its 24 hours.
    fn may_command(&mut self, cmd: CmdId, ask: AskId, now: Millis, out: &mut Out<Session>) -> bool {
        if let Err(wait_ms) = self.commands.take(now) {
            self.too_fast(wait_ms, ask, now, out);
            return false;
        }
        let in_time = cmd.stamped_ms().is_some_and(|at| at + CMD_AGE_MS_MAX >= now.0 && at <= now.0 + CMD_AHEAD_MS_MAX);
        if !in_time {
            out.refuse(ask, ErrorCode::CmdExpired);
        }
        in_time
    }

    /// Remembers to tell this class of a lost link.
    fn know(&mut self, class: ClassId) {
        if self.classes.len() < SUBSCRIPTIONS_MAX {
            self.classes.insert(class);
        }
    }

    fn subscribe(&mut self, topic: Topic, position: Option<Position>, ask: AskId, out: &mut Out<Session>) {
        if self.topics.len() >= SUBSCRIPTIONS_MAX && !self.topics.contains(&topic) {
            return out.refuse_with(ask, ErrorCode::TooLarge, "a session follows at most 256 topics");
        }
        self.topics.insert(topic);
        match topic {
            Topic::Class(class) | Topic::Board(class) | Topic::Desk(class) => {
                self.know(class);
                out.tell(ask, Tell::Class(class, class::Input::Subscribe { by: self.by.clone(), topic, position }));
            }
            Topic::Me => {
                out.tell(ask, Tell::User(self.by.user, user::Input::Subscribe { by: self.by.clone(), position }))
            }
            Topic::Room(room) => {
                out.tell(ask, Tell::Room(room, room::Input::Subscribe { by: self.by.clone(), room, position }))
            }
        }
    }

    fn unsubscribe(&mut self, topic: Topic, ask: AskId, out: &mut Out<Session>) {
        self.topics.remove(&topic);
        out.publish(Publish::Unsubscribe(topic));
        match topic {
            Topic::Class(class) | Topic::Board(class) | Topic::Desk(class) => {
                let input = class::Input::Unsubscribe { session: self.by.session, topic };
                out.tell(AskId::NOBODY, Tell::Class(class, input));
            }
            Topic::Me | Topic::Room(_) => {}
        }
        out.answer(ask, Response::Done);
    }

    /// Every topic answers by itself, as a push. The socket has found out which session this is.
    fn resume(&mut self, topics: Vec<TopicPosition>, out: &mut Out<Session>) {
        for TopicPosition(topic, epoch, offset) in topics {
            self.subscribe(topic, Some(Position { epoch, offset }), AskId::PUSH, out);
        }
    }

    fn look(&mut self, topic: Topic, slots: Vec<Slot>, ask: AskId, out: &mut Out<Session>) {
        let Topic::Desk(class) = topic else {
            return out.refuse_with(ask, ErrorCode::Malformed, "only a desk looks at chosen rows");
        };
        out.tell(AskId::NOBODY, Tell::Class(class, class::Input::Look { by: self.by.clone(), slots }));
        out.answer(ask, Response::Done);
    }

    fn tell_link(&self, link: Link, out: &mut Out<Session>) {
        for class in &self.classes {
            out.tell(AskId::NOBODY, Tell::Class(*class, class::Input::Link { session: self.by.session, link }));
        }
    }

    fn attached(&mut self, expires_at: Millis, out: &mut Out<Session>) {
        (self.attached, self.expires_at) = (true, expires_at);
        // Subscriptions belong to the socket; the client names them again when it resumes.
        self.topics.clear();
        self.tell_link(Link::Up, out);
    }

    fn detached(&mut self, now: Millis, out: &mut Out<Session>) {
        if std::mem::take(&mut self.attached) {
            self.detached_at = now;
            self.tell_link(Link::Down, out);
        }
    }

    fn end(&mut self, out: &mut Out<Session>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.tell_link(Link::Ended, out);
            out.publish(Publish::Ended);
        }
    }

    fn tick(&mut self, now: Millis, out: &mut Out<Session>) {
        self.tick_at = None;
        if now >= self.expires_at.plus(TOKEN_GRACE_MS) {
            if self.attached {
                out.publish(Publish::Close(CloseCode::Unauthorised));
            }
            self.end(out);
        } else if !self.attached && now >= self.detached_at.plus(SESSION_GRACE_MS) {
            self.end(out);
        }
    }

    /// One timer for what comes first: the token's end or the end of waiting.
    fn reschedule(&mut self, out: &mut Out<Session>) {
        let mut next = self.expires_at.plus(TOKEN_GRACE_MS);
        if !self.attached {
            next = next.min(self.detached_at.plus(SESSION_GRACE_MS));
        }
        if !self.ended && self.tick_at.is_none_or(|at| next < at) {
            self.tick_at = Some(next);
            out.0.push(Effect::TickAt(next));
        }
    }
}

impl Machine for Session {
    type Input = Input;
    type Change = Never;
    type Publish = Publish;
    type Load = Never;
    type Tell = Tell;
    type Record = Never;

    fn handle(&mut self, input: Input, ask: AskId, now: Millis, out: &mut Out<Session>) {
        match input {
            Input::Frame(request) => return self.frame(request, ask, now, out),
            Input::Bad => self.too_fast(0, AskId::NOBODY, now, out),
            Input::Attached { expires_at } => self.attached(expires_at, out),
            Input::Refreshed { expires_at } => {
                self.expires_at = self.expires_at.max(expires_at);
                out.answer(ask, Response::Done);
            }
            Input::Detached => self.detached(now, out),
            Input::Kicked => {
                out.publish(Publish::Close(CloseCode::Kicked));
                self.end(out);
            }
            Input::Ended => self.end(out),
            Input::Tick => self.tick(now, out),
        }
        self.reschedule(out);
    }

    fn check_invariants(&self) {
        assert!(self.topics.len() <= SUBSCRIPTIONS_MAX && self.classes.len() <= SUBSCRIPTIONS_MAX);
    }
}

#[cfg(test)]
mod tests;
