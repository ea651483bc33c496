//! A client: one person's device, its socket, what it follows, what it has asked for. It holds the server to every promise that a
//! client can see. What it does by itself is in `roles.rs`.

use crate::check;
use crate::commands::Commands;
use crate::faults::Fault;
use crate::phone::Phone;
use crate::rng::Rng;
use crate::socket::Socket;
use crate::topics::{Checked, Topics};
use crate::world::Ctx;
use fitconnect_actors::House;
use fitconnect_actors::outbox::Outbox;
use fitconnect_domain::class::Caller;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::class::{AttentionItem, ClassCommand, ClassEvent};
use fitconnect_protocol::codec::{decode_response, encode_request};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::presence::{Presence, Present};
use fitconnect_protocol::sample::Acked;
use fitconnect_protocol::session::*;
use fitconnect_protocol::tick::Header;
use fitconnect_protocol::user::{Role, UserCommand, UserEvent};
use fitconnect_protocol::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a reply is to.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Command(CmdId),
    Subscribe(Topic),
    Unsubscribe(Topic),
    Other,
}

/// A topic that has not been answered for so long is asked for again.
const TOPIC_WAIT_MS: u64 = 8_000;

pub struct Client {
    pub index: usize,
    pub name: String,
    pub role: Role,
    pub user: UserId,
    pub class: usize,
    pub rng: Rng,
    pub socket: Option<Socket>,
    down_until: Millis,
    /// To be reclaimed.
    session: Option<SessionId>,
    /// Sockets that the server still holds, and when it finds out.
    zombies: Vec<(Millis, Arc<Outbox>)>,
    stalled_until: Option<Millis>,
    drains: u64,
    next_id: u32,
    asked: BTreeMap<u32, Asked>,
    /// Frames that are on their way, and when they arrive.
    under_way: Vec<(Millis, Vec<u8>)>,
    pub topics: Topics,
    pub commands: Commands,
    pub phones: Vec<Phone>,
    pub slot: Option<Slot>,
    pub heard: Heard,
    seen_at: Millis,
    pub script: crate::roles::Script,
    pub talk: crate::talk::Talk,
}

/// What has come by the topics, for probes.
#[derive(Default)]
pub struct Heard {
    pub cues: BTreeSet<(ClassId, String)>,
    pub roster: BTreeMap<(Topic, Slot), Millis>,
    pub weights: Vec<f64>,
    pub attention: Vec<AttentionItem>,
}

pub const HALL: &str = "Hall 1";
pub const GYM: GymId = GymId(Uuid::from_u128(0x6));

impl Client {
    pub fn new(index: usize, name: &str, role: Role, class: usize, rng: &mut Rng) -> Client {
        Client {
            index,
            name: name.into(),
            role,
            user: UserId(Uuid::from_u128(0x100 + index as u128)),
            class,
            rng: rng.fork(),
            socket: None,
            down_until: Millis(0),
            session: None,
            zombies: Vec::new(),
            stalled_until: None,
            drains: 0,
            next_id: 0,
            asked: BTreeMap::new(),
            under_way: Vec::new(),
            topics: Topics::default(),
            commands: Commands::default(),
            phones: Vec::new(),
            slot: None,
            heard: Heard::default(),
            seen_at: Millis(0),
            script: crate::roles::Script::default(),
            talk: crate::talk::Talk::default(),
        }
    }

    pub fn is_up(&self) -> bool {
        self.socket.is_some()
    }

    /// One step of its life. `acts`: it does something by itself.
    pub fn step(&mut self, ctx: &mut Ctx<'_>, acts: bool) {
        self.bury_zombies(ctx);
        if self.socket.is_none() && ctx.now >= self.down_until {
            self.connect(ctx);
        }
        self.read(ctx);
        self.suffer(ctx);
        if self.socket.is_none() || self.is_stalled(ctx) {
            return;
        }
        if acts {
            self.act(ctx);
        }
        self.ask(ctx);
        self.send_under_way(ctx);
        self.check_lanes(ctx);
    }

    fn is_stalled(&mut self, ctx: &Ctx<'_>) -> bool {
        if self.stalled_until.is_some_and(|until| ctx.now >= until || !ctx.run.faults.are_on()) {
            self.stalled_until = None;
        }
        self.stalled_until.is_some()
    }

    // ---- the socket ----

    fn caller(&mut self) -> Caller {
        let session = SessionId(Uuid::from_u128(u128::from(self.rng.next()) << 64 | u128::from(self.rng.next())));
        let hall = matches!(self.role, Role::Hub | Role::Screen).then(|| HALL.to_owned());
        Caller { user: self.user, gym: GYM, role: self.role, session, hall, name: String::new() }
    }

    fn connect(&mut self, ctx: &mut Ctx<'_>) {
        let by = self.caller();
        let mut socket = Socket::open(ctx.house, by, ctx.now);
        let wanted = self.session.take();
        ctx.trace.line(ctx.now.0 - crate::clock::START.0, format_args!("{} connects, reclaims {wanted:?}", self.name));
        // A client that speaks before it resumes.
        if self.rng.hits(100)
            && let Some(topic) = self.topics.list.keys().next().copied()
        {
            socket.request(ctx.house, &encode_request(0, &Request::Subscribe { topic, position: None }), ctx.now);
        }
        let positions = self.topics.positions();
        let id = self.id(Asked::Other);
        for TopicPosition(topic, ..) in &positions {
            self.topics.list.entry(*topic).or_default().asked = Some(ctx.now);
        }
        let mut early = Vec::new();
        let stays = socket.resume(ctx.house, id, wanted, positions, ctx.now, |frame| early.push(frame.to_vec()));
        if !stays {
            Socket::gone(&socket.outbox, ctx.house);
            return self.lost(ctx, 500);
        }
        self.session = Some(socket.session());
        self.socket = Some(socket);
    }

    /// The socket is gone for the client; the server may still hold it.
    pub fn lost(&mut self, ctx: &mut Ctx<'_>, back_after_ms: u64) {
        let now = ctx.now;
        if let Some(socket) = self.socket.take() {
            if ctx.run.faults.happens(Fault::HalfOpen) {
                let found_at = now.plus(self.rng.between(100, 9_000));
                self.zombies.push((found_at, socket.outbox));
            } else {
                Socket::gone(&socket.outbox, ctx.house);
            }
        }
        self.forget_socket(now, back_after_ms);
    }

    /// Everything that hung on the socket.
    fn forget_socket(&mut self, now: Millis, back_after_ms: u64) {
        self.down_until = now.plus(back_after_ms);
        self.stalled_until = None;
        self.asked.clear();
        self.under_way.clear();
        self.topics.socket_lost();
        self.commands.socket_lost(now);
        self.phones.iter_mut().for_each(Phone::socket_lost);
    }

    /// The process died: nothing of a socket is left on the other side.
    pub fn process_died(&mut self, now: Millis) {
        self.socket = None;
        self.zombies.clear();
        let after = self.rng.between(0, 4_000);
        self.forget_socket(now, after);
    }

    fn bury_zombies(&mut self, ctx: &Ctx<'_>) {
        let (found, left) = std::mem::take(&mut self.zombies).into_iter().partition(|(at, _)| *at <= ctx.now);
        self.zombies = left;
        let found: Vec<(Millis, Arc<Outbox>)> = found;
        found.iter().for_each(|(_, outbox)| Socket::gone(outbox, ctx.house));
    }

    fn suffer(&mut self, ctx: &mut Ctx<'_>) {
        let Some(socket) = &self.socket else { return };
        if socket.is_stalled(ctx.now) {
            ctx.trace.line(ctx.ms(), format_args!("{} is cut: it reads nothing", self.name));
            Socket::gone(&socket.outbox, ctx.house);
            self.socket = None;
            return self.forget_socket(ctx.now, 1_000);
        }
        if ctx.run.faults.happens(Fault::SocketLost) {
            // Most come back at once, some after the session has been given up.
            let after = if self.rng.hits(100) { SESSION_GRACE_MS + 5_000 } else { self.rng.between(0, 12_000) };
            ctx.trace.line(ctx.ms(), format_args!("{} loses its socket for {after} ms", self.name));
            if self.rng.hits(100) {
                self.session = None;
            }
            // Its session hears of the loss behind more than its mailbox holds.
            if self.rng.hits(200) {
                self.flood(ctx);
            }
            return self.lost(ctx, after);
        }
        if ctx.run.faults.happens(Fault::Stalled) {
            let ms = self.rng.between(500, 14_000);
            ctx.trace.line(ctx.ms(), format_args!("{} reads nothing for {ms} ms", self.name));
            self.stalled_until = Some(ctx.now.plus(ms));
        }
        if ctx.run.faults.happens(Fault::Flood) {
            self.flood(ctx);
        }
    }

    fn flood(&mut self, ctx: &mut Ctx<'_>) {
        ctx.trace.line(ctx.ms(), format_args!("{} floods", self.name));
        for _ in 0..150 {
            self.send(ctx, &Request::Clock { t0: 1.0 }, None);
        }
    }

    /// It goes and does not come back.
    pub fn leave_for_good(&mut self, house: &Arc<House>, now: Millis) {
        if let Some(socket) = self.socket.take() {
            Socket::gone(&socket.outbox, house);
        }
        self.forget_socket(now, u64::from(u32::MAX));
    }

    /// What waits for a socket is bounded, a lane each.
    fn check_lanes(&self, ctx: &mut Ctx<'_>) {
        let Some(socket) = &self.socket else { return };
        let (bytes, _) = socket.outbox.waiting();
        let bound = LANE_CONTROL_BYTES_MAX + LANE_EVENT_BYTES_MAX + LANE_STATE_BYTES_MAX + LANE_EPHEMERAL_BYTES_MAX;
        // A control lane is bounded by what its client asks for; no client here asks for more than twice a lane.
        if bytes > bound + LANE_CONTROL_BYTES_MAX {
            ctx.wrong(format!("{}: {bytes} bytes wait for one socket", self.name));
        }
    }

    // ---- writing ----

    fn id(&mut self, asked: Asked) -> u32 {
        self.next_id += 1;
        self.asked.insert(self.next_id, asked);
        self.next_id
    }

    /// Sends at once, or as late as the line is.
    fn send(&mut self, ctx: &mut Ctx<'_>, request: &Request, asked: Option<Asked>) {
        let id = asked.map_or(0, |asked| self.id(asked));
        let bytes = encode_request(id, request);
        if let Some(socket) = &self.socket {
            socket.request(ctx.house, &bytes, ctx.now);
        }
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now;
        for (cmd, request) in self.commands.due(now) {
            ctx.trace.line(ctx.ms(), format_args!("{} -> {request:?}", self.name));
            self.send(ctx, &request, Some(Asked::Command(cmd)));
        }
        let due = |followed: &crate::topics::Followed| {
            let asked = followed.asked.is_some_and(|at| now.since(at) < TOPIC_WAIT_MS);
            followed.wanted && !followed.leaving && followed.handle.is_none() && !asked
        };
        let topics: Vec<(Topic, Option<Position>)> = self
            .topics
            .list
            .iter()
            .filter(|(_, followed)| due(followed))
            .map(|(topic, followed)| (*topic, followed.position))
            .collect();
        for (topic, position) in topics {
            self.topics.list.entry(topic).or_default().asked = Some(now);
            self.send(ctx, &Request::Subscribe { topic, position }, Some(Asked::Subscribe(topic)));
        }
        if now.since(self.seen_at) >= ECHO_EVERY_MS {
            self.seen_at = now;
            let seen: Vec<(u32, u32)> =
                self.topics.list.values().filter_map(|each| each.handle.zip(each.tick)).collect();
            for (h, tick) in seen {
                self.send(ctx, &Request::Seen { h, tick }, None);
            }
        }
        self.send_samples(ctx);
    }

    pub fn unsubscribe(&mut self, topic: Topic, ctx: &mut Ctx<'_>) {
        if let Some(followed) = self.topics.list.get_mut(&topic).filter(|followed| !followed.leaving) {
            followed.leaving = true;
            self.send(ctx, &Request::Unsubscribe { topic }, Some(Asked::Unsubscribe(topic)));
        }
    }

    fn send_samples(&mut self, ctx: &mut Ctx<'_>) {
        for phone in 0..self.phones.len() {
            while let Some(samples) = self.phones[phone].frame(ctx.now) {
                let bytes = encode_request(0, &Request::Samples(samples)).to_vec();
                if ctx.run.faults.happens(Fault::FrameLost) {
                    continue;
                }
                let late = |client: &mut Client, fault| {
                    let after = if ctx.run.faults.happens(fault) { client.rng.between(100, 4_000) } else { 0 };
                    ctx.now.plus(after)
                };
                let at = late(self, Fault::FrameLate);
                if ctx.run.faults.happens(Fault::FrameDoubled) {
                    let again = ctx.now.plus(self.rng.between(0, 2_000));
                    self.under_way.push((again, bytes.clone()));
                }
                self.under_way.push((at, bytes));
            }
        }
    }

    fn send_under_way(&mut self, ctx: &Ctx<'_>) {
        let (due, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.under_way).into_iter().partition(|(at, _)| *at <= ctx.now);
        self.under_way = left;
        if let Some(socket) = &self.socket {
            due.iter().for_each(|(_, bytes)| socket.request(ctx.house, bytes, ctx.now));
        }
    }

    /// Sends a command, and again until it is answered.
    pub fn command(&mut self, to: ActorKey, make: impl FnOnce(CmdId) -> Request, kept: bool, now: Millis) -> CmdId {
        let cmd = Commands::new_id(&mut self.rng, now);
        let request = make(cmd);
        self.commands.add(cmd, to, request, kept, &mut self.rng);
        cmd
    }

    pub fn class_command(&mut self, class: ClassId, act: ClassCommand, kept: bool, now: Millis) -> CmdId {
        self.command(ActorKey::Class(class), |cmd| Request::Class { class, cmd, act }, kept, now)
    }

    pub fn user_command(&mut self, act: UserCommand, now: Millis) -> CmdId {
        self.command(ActorKey::User(self.user), |cmd| Request::User { cmd, act }, true, now)
    }

    // ---- reading ----

    fn read(&mut self, ctx: &mut Ctx<'_>) {
        if self.socket.is_none() || self.is_stalled(ctx) {
            return;
        }
        self.drains += 1;
        let mut frames = Vec::new();
        let socket = self.socket.as_ref().expect("it was just seen");
        let close = socket.drain(ctx.house, ctx.now, |frame| frames.push(frame.to_vec()));
        for frame in frames {
            ctx.trace.frame(ctx.now.0, self.index, &frame);
            if let Err(why) = self.take(&frame, ctx) {
                ctx.wrong(format!("{}: {why}", self.name));
            }
            if self.socket.is_none() {
                return;
            }
        }
        if let Some(code) = close {
            ctx.trace.line(ctx.ms(), format_args!("{} is closed: {code:?}", self.name));
            let socket = self.socket.take().expect("it was just seen");
            Socket::gone(&socket.outbox, ctx.house);
            let after = self.rng.between(0, 2_000);
            self.forget_socket(ctx.now, after);
        }
    }

    fn take(&mut self, frame: &[u8], ctx: &mut Ctx<'_>) -> Checked {
        let (id, response) = decode_response(frame).map_err(|error| format!("a frame cannot be read: {error}"))?;
        match &response {
            Response::Tick { .. } | Response::Mine(_) | Response::Acked { .. } | Response::Clock { .. } => {}
            _ => ctx.trace.line(ctx.ms(), format_args!("{} <- {id} {response:?}", self.name)),
        }
        match self.asked.remove(&id) {
            Some(asked) => self.replied(asked, response, ctx),
            None if id == 0 => self.pushed(response, ctx),
            None => Err(format!("a reply to {id}, which was answered or never asked: {response:?}")),
        }
    }

    fn replied(&mut self, asked: Asked, response: Response, ctx: &mut Ctx<'_>) -> Checked {
        let session_gone = matches!(&response, Response::Refused(refusal) if refusal.code == ErrorCode::Gone);
        match asked {
            Asked::Command(cmd) => self.answered(cmd, &response, ctx)?,
            Asked::Subscribe(topic) => match response {
                Response::Subscribed(told) if told.topic == topic => self.subscribed(&told, ctx)?,
                Response::Refused(_) => {}
                other => return Err(format!("{topic} was asked for, this came: {other:?}")),
            },
            Asked::Unsubscribe(topic) => match response {
                Response::Done => self.topics.unsubscribed(topic, self.drains),
                Response::Refused(_) => {
                    if let Some(followed) = self.topics.list.get_mut(&topic) {
                        followed.leaving = false;
                    }
                }
                other => return Err(format!("{topic} was given up, this came: {other:?}")),
            },
            Asked::Other => {}
        }
        // Or a topic was given up before it was answered.
        let meanwhile = matches!(asked, Asked::Subscribe(topic) if self.topics.is_given_up(topic));
        if session_gone && !meanwhile && matches!(asked, Asked::Other | Asked::Subscribe(_)) {
            self.lost(ctx, 200);
        }
        Ok(())
    }

    fn answered(&mut self, cmd: CmdId, response: &Response, ctx: &mut Ctx<'_>) -> Checked {
        let (user, now) = (self.user, ctx.now);
        let Some(command) = self.commands.answered(cmd, response, &mut self.rng, now)? else {
            if let Some(request) = self.commands.refused(cmd) {
                self.talked(cmd, &request, false);
            }
            return Ok(());
        };
        check::answer(ctx.run, user, command, response)?;
        let request = command.request.clone();
        self.accepted(&request, response);
        self.talked(cmd, &request, true);
        Ok(())
    }

    fn subscribed(&mut self, told: &Subscribed, ctx: &Ctx<'_>) -> Checked {
        self.topics.subscribed(told, ctx.life, ctx.now, self.drains)?;
        self.room_told(ctx.run, told)?;
        check::snapshot(ctx.run, self.user, told)
    }

    fn pushed(&mut self, response: Response, ctx: &mut Ctx<'_>) -> Checked {
        match response {
            Response::Subscribed(told) => self.subscribed(&told, ctx),
            Response::Event { h, o, e } => match self.topics.event(h, o, ctx.now, self.drains)? {
                Some(topic) => self.event(topic, o, &e, ctx),
                None => Ok(()),
            },
            Response::Tick { h, b } => self.tick(h, &b, ctx.now),
            Response::Attention { h, list } => {
                if self.topics.heard(h, self.drains)?.is_some() {
                    self.heard.attention = list.items;
                }
                Ok(())
            }
            Response::Mine(mine) => self.acked(&mine.acks, ctx),
            Response::Acked { acks, .. } => self.acked(&acks, ctx),
            Response::Unwanted { class, refusal } => {
                if refusal.code == ErrorCode::NoBoot {
                    self.phones.iter_mut().filter(|phone| phone.class == class).for_each(Phone::forget_boots);
                }
                Ok(())
            }
            Response::Presence { h, people, .. } => {
                if people.iter().any(|Present(_, is)| *is == Presence::Hidden) {
                    return Err("somebody who hides is shown".into());
                }
                self.topics.heard(h, self.drains).map(drop)
            }
            Response::Marks { h, got, read } => {
                if read > got {
                    return Err("read before it has arrived".into());
                }
                self.topics.heard(h, self.drains).map(drop)
            }
            Response::Lagging { h } | Response::Typing { h, .. } => self.topics.heard(h, self.drains).map(drop),
            Response::Ended { h } => {
                self.topics.ended(h, self.drains);
                Ok(())
            }
            Response::Fives { count, names, total, .. } => {
                let lawful = count > 0 && names.len() <= FIVES_NAMES_MAX && u64::from(total) >= u64::from(count);
                if lawful { Ok(()) } else { Err(format!("{count} high fives of {names:?}, {total} in all")) }
            }
            Response::Whisper { .. } | Response::GoAway { .. } | Response::Clock { .. } => Ok(()),
            // A topic of a resume, or a frame that wanted no reply.
            Response::Refused(_) => Ok(()),
            Response::Welcome { .. }
            | Response::Done
            | Response::Resuming { .. }
            | Response::Joined { .. }
            | Response::Booted { .. }
            | Response::Planned { .. }
            | Response::Foreseen(_)
            | Response::Hidden { .. }
            | Response::Numbered { .. }
            | Response::Page { .. }
            | Response::Members { .. } => Err(format!("a push that is a reply: {response:?}")),
        }
    }

    fn event(&mut self, topic: Topic, offset: u64, event: &Event, ctx: &mut Ctx<'_>) -> Checked {
        if let (Topic::Room(_), Event::Room(event)) = (topic, event) {
            return self.room_event(ctx.run, offset, event);
        }
        check::event(ctx.run, topic, self.user, event)?;
        match (topic, event) {
            (Topic::Class(class), Event::Class(ClassEvent::Cue { text })) => {
                self.heard.cues.insert((class, text.clone()));
            }
            (_, Event::Class(ClassEvent::Roster { entries })) => {
                for entry in entries {
                    self.heard.roster.insert((topic, entry.slot), ctx.now);
                }
            }
            (_, Event::Class(ClassEvent::Gone { slots })) => {
                for slot in slots {
                    self.heard.roster.insert((topic, *slot), ctx.now);
                }
            }
            (_, Event::User(UserEvent::Profile { profile })) => self.heard.weights.extend(profile.weight_kg),
            (_, _) => {}
        }
        Ok(())
    }

    fn tick(&mut self, handle: u32, bytes: &[u8], now: Millis) -> Checked {
        let Some(topic) = self.topics.heard(handle, self.drains)? else { return Ok(()) };
        let header = Header::decode(bytes).ok_or("a tick without a header")?;
        let followed = self.topics.list.get_mut(&topic).expect("a handle stands for a topic");
        if followed.position.is_some_and(|at| at.epoch != header.epoch) {
            return Err(format!("{topic}: a tick of epoch {} in {:?}", header.epoch, followed.position));
        }
        (followed.tick, followed.ticked_at) = (Some(header.tick), Some(now));
        Ok(())
    }

    fn acked(&mut self, acks: &[Acked], ctx: &Ctx<'_>) -> Checked {
        for acked in acks {
            match self.phones.iter_mut().find(|phone| phone.receiver == acked.0) {
                Some(phone) => phone.acked(acked, &ctx.run.log)?,
                None => return Err(format!("{} is not our receiver, it is acknowledged to us", acked.0)),
            }
        }
        Ok(())
    }

    /// What is still to come before this client has all that it is owed.
    pub fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.socket.is_none() {
            lacks.push(format!("{} is not connected", self.name));
        }
        for (topic, followed) in &self.topics.list {
            if followed.wanted && followed.handle.is_none() {
                lacks.push(format!("{} does not follow {topic}", self.name));
            }
        }
        for command in self.commands.list.iter().filter(|command| !command.is_over()) {
            lacks.push(format!("{} waits for {:?}", self.name, command.request));
        }
        for phone in self.phones.iter().filter(|phone| !phone.is_empty()) {
            lacks.push(format!("{} samples of {} are not acknowledged", phone.waiting(), self.name));
        }
        lacks
    }
}
