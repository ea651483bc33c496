//! What clients say to each other: they come into a room and go, write, change their words, react, type, read, and block each other.
//! Everything by seed, and at the end held against what is stored.

use crate::client::{Client, GYM};
use crate::stress::view::View;
use crate::topics::Checked;
use crate::world::{Ctx, Run, World};
use fitconnect_domain::class::Caller;
use fitconnect_domain::{ActorKey, Millis, room, user};
use fitconnect_protocol::codec::encode_request;
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::room::{JoinRule, Reaction, RoomCommand, RoomEvent, RoomKind};
use fitconnect_protocol::session::{Request, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::user::{Role, UserCommand};
use fitconnect_protocol::{CmdId, RoomId, SessionId, UserId, Uuid};
use std::sync::Arc;

/// A client's part in the room.
#[derive(Default)]
pub struct Talk {
    pub view: Option<View>,
    made: bool,
    inside: bool,
    /// It has left, and says so to the topic.
    gives_up: bool,
    /// Of coming or going, not answered yet.
    moves: Option<CmdId>,
    number: u64,
    /// The highest mark that was accepted.
    read: u64,
}

impl Client {
    pub fn talk(&mut self, ctx: &mut Ctx<'_>) {
        let (room, now) = (ctx.run.room, ctx.now);
        if self.role == Role::Trainer && !self.talk.made {
            self.talk.made = true;
            let cmd = CmdId(room.0);
            let act = RoomCommand::Create {
                kind: RoomKind::Team,
                name: "team".into(),
                join: JoinRule::Open,
                members: vec![],
            };
            self.commands.add(cmd, ActorKey::Room(room), Request::Room { room, cmd, act }, true, &mut self.rng);
            self.talk.moves = Some(cmd);
            return;
        }
        if std::mem::take(&mut self.talk.gives_up) {
            self.unsubscribe(Topic::Room(room), ctx);
        }
        let last = ctx.run.store.room(room, <[RoomEvent]>::len) as u64;
        if last == 0 {
            return;
        }
        if self.role == Role::Member
            && self.talk.moves.is_none()
            && self.rng.hits(if self.talk.inside { 2 } else { 60 })
        {
            let act = if self.talk.inside { RoomCommand::Leave } else { RoomCommand::Join };
            self.talk.moves = Some(self.in_room(room, act, true, now));
        }
        if !self.talk.inside {
            return;
        }
        if self.rng.hits(30) {
            let mentions = if self.rng.hits(400) { vec![self.another(ctx)] } else { vec![] };
            self.write_to(room, mentions, now);
        }
        if self.rng.hits(5) {
            let numbers = (1..=self.rng.between(1, 20)).collect();
            let make = |cmd| Request::User { cmd, act: UserCommand::ReadNotices { numbers } };
            self.command(ActorKey::User(self.user), make, false, now);
        }
        let seq = self.rng.between(1, last);
        if self.rng.hits(8) {
            self.in_room(room, RoomCommand::Edit { seq, text: format!("other words {now:?}") }, true, now);
        }
        if self.rng.hits(4) {
            self.in_room(room, RoomCommand::Delete { seq }, true, now);
        }
        if self.rng.hits(25) {
            let reaction = *self.rng.pick(&[Reaction::Thumb, Reaction::Fire, Reaction::Clap]);
            let on = self.rng.hits(700);
            self.in_room(room, RoomCommand::React { seq, reaction, on }, false, now);
        }
        if self.role == Role::Trainer && self.rng.hits(6) {
            let pinned = self.rng.hits(600);
            self.in_room(room, RoomCommand::Pin { seq, pinned }, false, now);
        }
        if self.rng.hits(20) {
            let bytes = encode_request(0, &Request::Typing { room });
            if let Some(socket) = &self.socket {
                socket.request(ctx.house, &bytes, now);
            }
        }
        if self.rng.hits(40) {
            let is = *self.rng.pick(&[Presence::Away, Presence::Online, Presence::InClass, Presence::Hidden]);
            let bytes = encode_request(0, &Request::Here { is });
            if let Some(socket) = &self.socket {
                socket.request(ctx.house, &bytes, now);
            }
        }
        if self.rng.hits(20) {
            self.command(ActorKey::User(self.user), |cmd| read(cmd, room, seq), false, now);
        }
        if self.rng.hits(5) {
            self.change_block(ctx);
        }
    }

    /// Words that nobody has written before.
    pub fn write(&mut self, room: RoomId, now: Millis) -> CmdId {
        self.write_to(room, vec![], now)
    }

    fn write_to(&mut self, room: RoomId, mentions: Vec<UserId>, now: Millis) -> CmdId {
        self.talk.number += 1;
        let text = format!("words {} of {}", self.talk.number, self.name);
        self.in_room(room, RoomCommand::Post { text, reply_to: None, mentions, image: None }, true, now)
    }

    fn another(&mut self, ctx: &Ctx<'_>) -> UserId {
        let others: Vec<UserId> = ctx.run.people.iter().copied().filter(|user| *user != self.user).collect();
        *self.rng.pick(&others)
    }

    fn change_block(&mut self, ctx: &Ctx<'_>) {
        let other = self.another(ctx);
        let blocked = self.rng.hits(500);
        let make = |cmd| Request::User { cmd, act: UserCommand::Block { user: other, blocked } };
        self.command(ActorKey::User(self.user), make, false, ctx.now);
    }

    fn in_room(&mut self, room: RoomId, act: RoomCommand, kept: bool, now: Millis) -> CmdId {
        // Whether it changes something is known to the room alone.
        let kept = kept && !matches!(act, RoomCommand::Join | RoomCommand::Leave);
        self.command(ActorKey::Room(room), |cmd| Request::Room { room, cmd, act }, kept, now)
    }

    /// A command of the room or of reading has been answered for good.
    pub fn talked(&mut self, cmd: CmdId, request: &Request, accepted: bool) {
        if let Request::User { act: UserCommand::Read { through, .. }, .. } = request
            && accepted
        {
            self.talk.read = self.talk.read.max(*through);
        }
        let Request::Room { room, act, .. } = request else { return };
        if self.talk.moves != Some(cmd) {
            return;
        }
        self.talk.moves = None;
        self.talk.inside = accepted && !matches!(act, RoomCommand::Leave);
        self.talk.gives_up = !self.talk.inside;
        if self.talk.inside {
            self.topics.want(Topic::Room(*room));
        }
    }

    pub fn room_told(&mut self, run: &Run, told: &Subscribed) -> Checked {
        let Topic::Room(room) = told.topic else { return Ok(()) };
        let stored = run.store.room(room, <[RoomEvent]>::len) as u64;
        if told.offset > stored {
            return Err(format!("the room is said to stand at {}, {stored} events are stored", told.offset));
        }
        if let Some(Snapshot::Room(snapshot)) = &told.snapshot {
            self.talk.view = Some(View::of(snapshot, told.offset));
        }
        Ok(())
    }

    pub fn room_event(&mut self, run: &Run, offset: u64, event: &RoomEvent) -> Checked {
        run.store.room(run.room, |stored| {
            let known = stored.get(offset as usize - 1);
            let known = known.ok_or_else(|| format!("{event:?} was told and is not stored"))?;
            let same = match (known, event) {
                (RoomEvent::Posted { message: known }, RoomEvent::Posted { message }) => known.cmd == message.cmd,
                (known, event) => std::mem::discriminant(known) == std::mem::discriminant(event),
            };
            if same { Ok(()) } else { Err(format!("number {offset} was told as {event:?}, stored is {known:?}")) }
        })?;
        if let Some(view) = &mut self.talk.view {
            view.apply(offset, event);
        }
        Ok(())
    }

    /// It shows what was written at this place, or came later.
    pub fn shows(&self, seq: u64) -> bool {
        self.talk.view.as_ref().is_some_and(|view| view.since >= seq || view.messages.contains_key(&seq))
    }
}

fn read(cmd: CmdId, room: RoomId, through: u64) -> Request {
    Request::User { cmd, act: UserCommand::Read { room, through } }
}

/// The end of a run: what everybody shows of the room is what is stored, and accounts say the same as the room and as each other.
pub fn wrong(world: &World) -> Vec<String> {
    let mut wrong = Vec::new();
    let events = world.run.store.room(world.run.room, <[RoomEvent]>::to_vec);
    let truth = View::of_events(&events);
    let topic = Topic::Room(world.run.room);
    for client in &world.clients {
        let inside = truth.members.contains(&client.user);
        if client.topics.is_live(topic) {
            match client.talk.view.as_ref().map(|view| view.differs(&truth)) {
                Some(None) => {}
                Some(Some(difference)) => wrong.push(format!("{}: {difference}", client.name)),
                None => wrong.push(format!("{} follows the room and was shown nothing", client.name)),
            }
            if !inside {
                wrong.push(format!("{} follows the room and is not in it", client.name));
            }
        }
        let Some(stored) = world.run.store.stored_person(client.user) else { continue };
        let own = stored.rooms.get(&world.run.room);
        if own.is_some() != inside {
            wrong.push(format!("{}: the account says {own:?}, in the room {inside}", client.name));
        }
        for blocked in stored.blocks.own.keys() {
            let theirs = world.run.store.stored_person(*blocked);
            if !theirs.is_some_and(|theirs| theirs.blocks.others.contains(&client.user)) {
                wrong.push(format!("{} has blocked {blocked}, who does not know it", client.name));
            }
        }
        for by in &stored.blocks.others {
            let theirs = world.run.store.stored_person(*by);
            if !theirs.is_some_and(|theirs| theirs.blocks.own.contains_key(&client.user)) {
                wrong.push(format!("{} is hidden by {by}, who has not blocked", client.name));
            }
        }
        written_once(client, &events, &mut wrong);
        noticed_once(&world.run, client.user, &events, &mut wrong);
    }
    wrong
}

fn written_once(client: &Client, events: &[RoomEvent], wrong: &mut Vec<String>) {
    for command in &client.commands.list {
        let Request::Room { cmd, act: RoomCommand::Post { .. }, .. } = &command.request else { continue };
        let is = |event: &&RoomEvent| matches!(event, RoomEvent::Posted { message } if message.cmd == *cmd);
        let times = events.iter().filter(is).count();
        if times != usize::from(command.answer.is_some()) {
            wrong.push(format!("{:?}: answered {:?}, stored {times} times", command.request, command.answer));
        }
        if let Some(Response::Numbered { seq }) = &command.answer
            && !matches!(&events[*seq as usize - 1], RoomEvent::Posted { message } if message.cmd == *cmd)
        {
            wrong.push(format!("{:?} is not number {seq}", command.request));
        }
    }
}

/// Whoever is named in a message finds it in the inbox once, unless it was read before it came, or one of the two has blocked the other.
fn noticed_once(run: &Run, user: UserId, events: &[RoomEvent], wrong: &mut Vec<String>) {
    run.store.person_changes(user, |changes| {
        // Whoever has left since had read what they had read.
        let marks = changes.iter().filter_map(|change| match change {
            user::Change::InRoom { room, is } if *room == run.room => Some(is.read),
            _ => None,
        });
        let read = marks.max();
        for event in events {
            let RoomEvent::Posted { message } = event else { continue };
            if message.by == user || message.mentions.iter().all(|mention| mention.user != user) {
                continue;
            }
            let of = |change: &&user::Change| {
                matches!(change, user::Change::Noticed { notice, .. }
                    if notice.of.place().is_some_and(|place| place.seq == message.seq && place.room == run.room))
            };
            let blocks = |change: &user::Change| {
                matches!(change, user::Change::Blocked { user, .. } | user::Change::BlockedBy { user, .. } if *user == message.by)
            };
            let times = changes.iter().filter(of).count();
            let must = !changes.iter().any(blocks) && read.is_none_or(|read| read < message.seq);
            if times > 1 || must && times == 0 {
                wrong.push(format!("{user} is named in number {}: {times} notices", message.seq));
            }
        }
    });
}

/// Where it was written.
pub fn place(run: &Run, written: CmdId) -> Option<u64> {
    let is = |event: &RoomEvent| matches!(event, RoomEvent::Posted { message } if message.cmd == written);
    run.store.room(run.room, |events| events.iter().position(is)).map(|place| place as u64 + 1)
}

/// Something that is asked of the room without meaning it.
pub fn touch(run: &Run) -> (ActorKey, room::Input) {
    let session = SessionId(Uuid::nil());
    let (user, role) = (UserId(Uuid::nil()), Role::Trainer);
    let by = Arc::new(Caller { user, gym: GYM, role, session, hall: None, name: String::new() });
    (ActorKey::Room(run.room), room::Input::Subscribe { by, room: run.room, position: None })
}

/// Marks of a person's reading never go back.
pub fn marks(run: &Run, client: &Client, wrong: &mut Vec<String>) {
    let (mut last, mut forgotten) = (0, 0);
    run.store.person_changes(client.user, |changes| {
        for change in changes {
            match change {
                user::Change::InRoom { is, .. } if is.read < last => {
                    wrong.push(format!("{}: a mark goes back from {last} to {}", client.name, is.read));
                }
                user::Change::InRoom { is, .. } => last = is.read,
                // Whoever comes again begins where the room is then: what was read before the account knew of the leaving is forgotten too.
                user::Change::LeftRoom { .. } => (forgotten, last) = (last.max(forgotten), 0),
                _ => {}
            }
        }
    });
    if client.talk.inside && last < client.talk.read && forgotten < client.talk.read {
        wrong.push(format!("{}: read up to {}, stored is {last}", client.name, client.talk.read));
    }
}
