//! What people may do in a room, and what refuses them. A refusal changes nothing. What must be looked up first is, and then the command
//! is decided from the beginning, by what holds at that moment.

use super::io::{Change, Load, Loaded, Loose, Person};
use super::order::Moderator;
use super::{Reporting, Room, Stored};
use crate::class::Caller;
use crate::report::{Entry, Filed};
use crate::{AskId, Effect, Millis, Out};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::room::{JoinRule, Message, RoomCommand, RoomEvent, RoomKind, RoomMember, RoomRole, Toggle};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{CmdId, ErrorCode, GymId, Refusal, RoomId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A command, and what has been looked up for it.
pub(super) struct Waiting {
    by: Arc<Caller>,
    cmd: CmdId,
    act: RoomCommand,
    ask: AskId,
    for_what: Option<Load>,
    people: BTreeMap<UserId, Option<Box<Person>>>,
    message: Option<Option<Message>>,
    loose: Option<Option<Loose>>,
    reporting: Option<Reporting>,
    filed: Option<Option<Box<Filed>>>,
    /// Who has reported the same message.
    reporters: Vec<UserId>,
}

impl Waiting {
    pub(super) fn ask(&self) -> AskId {
        self.ask
    }

    pub(super) fn by(&self) -> &Caller {
        &self.by
    }

    pub(super) fn cmd(&self) -> CmdId {
        self.cmd
    }

    pub(super) fn act(&self) -> &RoomCommand {
        &self.act
    }

    /// The message that was looked up, if one was.
    pub(super) fn message(&self) -> Option<Option<&Message>> {
        self.message.as_ref().map(Option::as_ref)
    }

    pub(super) fn loose(&self) -> Option<Option<Loose>> {
        self.loose
    }

    pub(super) fn reporting(&self) -> Option<Reporting> {
        self.reporting
    }

    pub(super) fn filed(&self) -> Option<Option<&Filed>> {
        self.filed.as_ref().map(Option::as_deref)
    }

    /// Somebody of this gym.
    fn person(&self, gym: GymId, user: UserId) -> Result<&Person, Stop> {
        let found = self.people.get(&user).ok_or(Stop::Needs(Load::Person { user }))?;
        Ok(found.as_deref().filter(|person| person.gym == gym).ok_or(ErrorCode::NotFound)?)
    }

    pub(super) fn new(by: Arc<Caller>, cmd: CmdId, act: RoomCommand, ask: AskId) -> Waiting {
        let (message, loose, reporting, filed) = (None, None, None, None);
        let (people, reporters) = (BTreeMap::new(), Vec::new());
        Waiting { by, cmd, act, ask, for_what: None, people, message, loose, reporting, filed, reporters }
    }
}

/// Why a command is not decided to happen.
pub(super) enum Stop {
    Refused(Refusal),
    /// It is so already.
    Done,
    Needs(Load),
    /// It happens together with others of its kind.
    Gathers(Box<Message>, Toggle),
    /// It goes into the file of reports, with what it does in the room.
    Files(Box<Entry>, Option<Box<Change>>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

impl From<ErrorCode> for Stop {
    fn from(code: ErrorCode) -> Stop {
        Stop::Refused(code.into())
    }
}

pub(super) fn ensure(holds: bool, code: ErrorCode, message: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new(code, message)) }
}

/// Words of a message: something to read, lines allowed; beside a picture there may be none.
pub(super) fn words(text: &str, has_picture: bool) -> Result<(), Refusal> {
    let fits = text.len() <= MESSAGE_BYTES_MAX;
    ensure(fits, ErrorCode::TooLarge, "a message has at most 4,096 bytes")?;
    let there = has_picture || !text.trim().is_empty();
    let readable = there && !text.chars().any(|c| c.is_control() && c != '\n');
    ensure(readable, ErrorCode::Malformed, "a message has words, and no control characters but line ends")
}

impl Room {
    pub(super) fn command(&mut self, mut command: Waiting, now: Millis, out: &mut Out<Room>) {
        match self.decide(&command, now) {
            Ok(change) => {
                self.remember(command.message.flatten());
                self.happen(change, &[command.ask], now, out);
            }
            Err(Stop::Gathers(message, toggle)) => self.gather(&command, *message, toggle, now, out),
            Err(Stop::Files(entry, change)) => {
                let verdict = match &*entry {
                    Entry::Decided { decision, .. } => Some(decision.verdict),
                    Entry::Opened(_) | Entry::Hung { .. } | Entry::TakenDown { .. } => None,
                };
                self.remember(command.message.take().flatten());
                self.file(command.ask, *entry, change.map(|change| *change), now, out);
                if let (Some(verdict), Some(Some(filed))) = (verdict, command.filed()) {
                    self.notice_decided(&filed.report, &command.reporters, verdict, now, out);
                }
            }
            Err(Stop::Refused(refused)) => out.refuse(command.ask, refused),
            Err(Stop::Done) => out.answer(command.ask, Response::Numbered { seq: self.seq() }),
            Err(Stop::Needs(_)) if self.waiting.len() >= ROOM_WAITING_MAX => {
                out.refuse(command.ask, Refusal::from(ErrorCode::Busy).after(500));
            }
            Err(Stop::Needs(load)) => {
                let asked = self.waiting.iter().any(|other| other.for_what == Some(load));
                command.for_what = Some(load);
                self.waiting.push(command);
                if !asked {
                    out.0.push(Effect::Load(load));
                }
            }
        }
    }

    /// What was looked up to decide is known from here on: whose it is, and what it shows.
    fn remember(&mut self, message: Option<Message>) {
        if let Some(message) = message.filter(|message| self.known(message.seq).is_none()) {
            self.keep_known(message);
        }
    }

    /// What somebody waited for has been read: their commands are decided, in the order in which they came.
    pub(super) fn loaded(&mut self, loaded: Loaded, now: Millis, out: &mut Out<Room>) {
        let load = match &loaded {
            Loaded::Person { user, .. } => Load::Person { user: *user },
            Loaded::Read { user, through } => return self.loaded_read(*user, Some(through.unwrap_or(0)), out),
            Loaded::Failed(Load::Read { user }) => return self.loaded_read(*user, None, out),
            Loaded::Message { seq, .. } => Load::Message { seq: *seq },
            Loaded::Image { image, .. } => Load::Image { image: *image },
            Loaded::Reporting { user, seq, .. } => Load::Reporting { user: *user, seq: *seq },
            Loaded::Lexicon { gym, found } => {
                self.lexicon_is(found, now);
                Load::Lexicon { gym: *gym }
            }
            Loaded::Report { report, .. } => Load::Report { report: *report },
            Loaded::Page { .. } | Loaded::Failed(Load::Page { .. }) => return self.paged(loaded, out),
            Loaded::Failed(load) => *load,
        };
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.for_what == Some(load));
        self.waiting = waiting;
        for mut command in ready {
            match &loaded {
                Loaded::Person { user, person } => _ = command.people.insert(*user, person.clone()),
                Loaded::Message { message, .. } => command.message = Some(message.as_deref().cloned()),
                Loaded::Image { found, .. } => command.loose = Some(*found),
                Loaded::Reporting { found, .. } => command.reporting = Some(*found),
                Loaded::Lexicon { .. } => {}
                Loaded::Report { filed, reporters, .. } => {
                    command.filed = Some(filed.clone());
                    command.reporters.clone_from(reporters);
                }
                Loaded::Failed(_) | Loaded::Page { .. } | Loaded::Read { .. } => {
                    out.refuse(command.ask, ErrorCode::Retry);
                    continue;
                }
            }
            self.command(command, now, out);
        }
    }

    fn decide(&self, command: &Waiting, now: Millis) -> Result<Change, Stop> {
        let event = self.decide_event(command, now)?;
        if let RoomEvent::Edited { message } | RoomEvent::Deleted { message } = &event {
            let rewrites = self.rewrites(command, message);
            return Ok(Change { event, rewrites });
        }
        Ok(event.into())
    }

    /// How earlier events are stored from now on: the message as it is, and what told of it as it was before without words.
    pub(super) fn rewrites(&self, command: &Waiting, message: &Message) -> Vec<(u64, RoomEvent)> {
        let now = (message.seq, RoomEvent::Posted { message: message.clone() });
        let before = self.message(command, message.seq).ok().and_then(|before| before.edited);
        let told = before.map(|edit| {
            let message = Message { text: String::new(), ..message.clone() };
            (edit, RoomEvent::Edited { message })
        });
        std::iter::once(now).chain(told).collect()
    }

    fn decide_event(&self, command: &Waiting, now: Millis) -> Result<RoomEvent, Stop> {
        let (by, at_ms) = (&command.by, now.0 as i64);
        ensure(by.role >= Role::Member, ErrorCode::Forbidden, "screens and hubs do not write")?;
        if let RoomCommand::Create { kind, name, join, members } = &command.act {
            return self.create(command, *kind, name, *join, members, at_ms);
        }
        let stored = self.stored.as_ref().filter(|stored| stored.gym == by.gym).ok_or(ErrorCode::NotFound)?;
        let role = stored.members.get(&by.user).map(|member| member.role);
        // Of two nobody is above the other, whoever made the room.
        let moderates = (role >= Some(RoomRole::Moderator) || by.is_staff()) && !stored.is_private();
        let moderator = |user: UserId| {
            let theirs = stored.members.get(&user).map(|member| member.role);
            let above = user != by.user && (by.is_staff() || role > theirs);
            Moderator { by: by.user, stored, moderates, above, at_ms }
        };
        match &command.act {
            RoomCommand::Create { .. } => Err(ErrorCode::RoomExists.into()),
            RoomCommand::Join => {
                let open = stored.join == JoinRule::Open || by.is_staff() && stored.join == JoinRule::Invited;
                let open = open && (!stored.is_private() || role.is_some());
                ensure(open || role.is_some(), ErrorCode::Forbidden, "a moderator must add you")?;
                self.joined(command, stored, by.user, at_ms)
            }
            RoomCommand::Add { user } => {
                ensure(stored.join != JoinRule::Fixed, ErrorCode::Forbidden, "nobody comes into this room")?;
                ensure(moderates, ErrorCode::Forbidden, "a moderator adds people")?;
                self.joined(command, stored, *user, at_ms)
            }
            RoomCommand::Leave => {
                role.ok_or(ErrorCode::NotMember)?;
                ensure(stored.join != JoinRule::Fixed, ErrorCode::Forbidden, "nobody leaves this room")?;
                Ok(RoomEvent::Left { user: by.user, by: by.user, at_ms })
            }
            RoomCommand::Remove { user } => {
                ensure(stored.join != JoinRule::Fixed, ErrorCode::Forbidden, "nobody leaves this room")?;
                let theirs = stored.members.get(user).map(|member| member.role).ok_or(ErrorCode::NotFound)?;
                let above = role > Some(theirs) || by.is_staff();
                ensure(moderates && above, ErrorCode::Forbidden, "a moderator sends members out, the owner anybody")?;
                Ok(RoomEvent::Left { user: *user, by: by.user, at_ms })
            }
            RoomCommand::Appoint { user, role: theirs } => {
                let may = (role == Some(RoomRole::Owner) || by.is_staff()) && !stored.is_private();
                ensure(may, ErrorCode::Forbidden, "the owner appoints")?;
                let before = stored.members.get(user).map(|member| member.role).ok_or(ErrorCode::NotFound)?;
                if before == *theirs {
                    return Err(Stop::Done);
                }
                Ok(RoomEvent::Appointed { user: *user, role: *theirs, by: by.user, at_ms })
            }
            RoomCommand::Post { .. } => self.post(command, stored, moderates, now),
            RoomCommand::Edit { seq, text } => {
                role.ok_or(ErrorCode::NotMember)?;
                stored.order.may_write(by.user, now)?;
                let message = self.message(command, *seq)?;
                words(text, message.picture.is_some())?;
                ensure(message.by == by.user, ErrorCode::Forbidden, "one edits what one wrote")?;
                if self.unfit(stored, text)?.is_some() {
                    return Err(ErrorCode::Unfit.into());
                }
                Ok(RoomEvent::Edited {
                    message: Message { text: text.clone(), edited: Some(stored.seq + 1), ..message },
                })
            }
            RoomCommand::React { seq, reaction, on } => {
                role.ok_or(ErrorCode::NotMember)?;
                stored.order.may_write(by.user, now)?;
                let message = Box::new(self.message(command, *seq)?);
                let toggle = Toggle { seq: *seq, by: by.user, reaction: *reaction, on: *on };
                Err(Stop::Gathers(message, toggle))
            }
            RoomCommand::Delete { seq } => {
                ensure(role.is_some() || moderates, ErrorCode::NotMember, "you are not in this room")?;
                let message = self.message(command, *seq)?;
                let may = message.by == by.user || moderates;
                ensure(may, ErrorCode::Forbidden, "one deletes what one wrote, a moderator anything")?;
                Ok(RoomEvent::Deleted { message: deleted(message, by.user) })
            }
            RoomCommand::Pin { seq, pinned } => {
                let may = moderates || stored.is_private() && role.is_some();
                ensure(may, ErrorCode::Forbidden, "a moderator pins")?;
                stored.order.is_open()?;
                let pins = &stored.order.pins;
                if pins.contains(seq) == *pinned {
                    return Err(Stop::Done);
                }
                if *pinned {
                    ensure(pins.len() < ROOM_PINS_MAX, ErrorCode::TooLarge, "ten messages are pinned: take one down")?;
                    self.message(command, *seq)?;
                }
                Ok(RoomEvent::Pinned { seq: *seq, pinned: *pinned, by: by.user, at_ms })
            }
            RoomCommand::Slow { seconds } => moderator(by.user).slow(*seconds),
            RoomCommand::Mute { user, for_s } => moderator(*user).mute(*user, *for_s),
            RoomCommand::Ban { user, banned } => {
                let event = moderator(*user).ban(*user, *banned)?;
                // Whose account is gone may be taken from the list all the same.
                if *banned && !stored.members.contains_key(user) {
                    command.person(stored.gym, *user)?;
                }
                Ok(event)
            }
            RoomCommand::Report { seq, reason, words } => Err(self.report(command, stored, *seq, *reason, words, now)),
            RoomCommand::Decide { report, verdict } => {
                Err(self.decide_report(command, stored, *report, *verdict, now).unwrap_or_else(|stop| stop))
            }
        }
    }

    fn create(
        &self,
        command: &Waiting,
        kind: RoomKind,
        name: &str,
        join: JoinRule,
        others: &[UserId],
        at_ms: i64,
    ) -> Result<RoomEvent, Stop> {
        let by = &command.by;
        ensure(self.stored.is_none(), ErrorCode::RoomExists, ErrorCode::RoomExists.meaning())?;
        let others: BTreeSet<UserId> = others.iter().copied().filter(|user| *user != by.user).collect();
        ensure(others.len() < ROOM_FOUNDERS_MAX, ErrorCode::TooLarge, "a room is made with at most 64 people")?;
        may_create(self.id, by, command.cmd, kind, join, &others)?;
        let named = !name.trim().is_empty() || kind == RoomKind::Direct;
        let fits = named && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
        ensure(fits, ErrorCode::TooLarge, "the name has 1 to 80 bytes and no control characters")?;
        // At the front desk staff keep order, not who asks.
        let own = if kind == RoomKind::Support { RoomRole::Member } else { RoomRole::Owner };
        let everybody = std::iter::once((by.user, own));
        let members = everybody.chain(others.iter().map(|user| (*user, RoomRole::Member)));
        let members = members
            .map(|(user, role)| self.person(command, by.gym, user).map(|name| RoomMember { user, name, role }))
            .collect::<Result<_, Stop>>()?;
        // Whether the other knows of it yet or not.
        let own = command.people.get(&by.user).and_then(Option::as_ref);
        let hidden = own.is_some_and(|own| others.iter().any(|user| own.blocks.hide(*user)));
        ensure(!hidden, ErrorCode::Blocked, "you have blocked one of them")?;
        Ok(RoomEvent::Created { gym: by.gym, kind, name: name.into(), join, members, at_ms })
    }

    fn joined(&self, command: &Waiting, stored: &Stored, user: UserId, at_ms: i64) -> Result<RoomEvent, Stop> {
        if stored.members.contains_key(&user) {
            return Err(Stop::Done);
        }
        ensure(!stored.order.banned.contains(&user), ErrorCode::Forbidden, "a moderator has banned this person")?;
        if stored.members.len() >= ROOM_MEMBERS_MAX {
            return Err(ErrorCode::RoomFull.into());
        }
        let name = self.person(command, stored.gym, user)?;
        let member = RoomMember { user, name, role: RoomRole::Member };
        Ok(RoomEvent::Joined { member, by: command.by.user, at_ms })
    }

    /// The name of somebody of this gym, whom the caller may bring in.
    fn person(&self, command: &Waiting, gym: GymId, user: UserId) -> Result<String, Stop> {
        let person = command.person(gym, user)?;
        if person.blocks.hide(command.by.user) {
            return Err(ErrorCode::Blocked.into());
        }
        Ok(person.name.clone())
    }

    /// A message that still has words, as it is now.
    pub(super) fn message(&self, command: &Waiting, seq: u64) -> Result<Message, Stop> {
        let known = self.known(seq).or(command.message.as_ref().and_then(Option::as_ref));
        match known.filter(|message| message.deleted_by.is_none()) {
            Some(message) => Ok(message.clone()),
            None if known.is_some() || command.message.is_some() => Err(ErrorCode::NoMessage.into()),
            None if (1..=self.seq()).contains(&seq) => Err(Stop::Needs(Load::Message { seq })),
            None => Err(ErrorCode::NoMessage.into()),
        }
    }
}

/// A message without its words, and all that speaks of them.
pub(super) fn deleted(message: Message, by: UserId) -> Message {
    let (text, mentions, reactions) = (String::new(), Vec::new(), Vec::new());
    Message { text, mentions, reactions, picture: None, deleted_by: Some(by), ..message }
}

/// Who makes which room, and under which id.
fn may_create(
    id: RoomId,
    by: &Caller,
    cmd: CmdId,
    kind: RoomKind,
    join: JoinRule,
    others: &BTreeSet<UserId>,
) -> Result<(), Refusal> {
    let wrong = |message: &str| ensure(false, ErrorCode::Malformed, message);
    let staff = || ensure(by.is_staff(), ErrorCode::Forbidden, "staff make rooms of this kind");
    // Out of every other room one can go, and be sent.
    let of_two = matches!(kind, RoomKind::Direct | RoomKind::Trainer);
    ensure(of_two || join != JoinRule::Fixed, ErrorCode::Malformed, "only rooms of two are fixed")?;
    match kind {
        // A class's id is not looked up: it is staff's to say which room belongs to which class.
        RoomKind::Class => return staff(),
        RoomKind::Gym if id.0 == by.gym.0 => return staff(),
        RoomKind::Gym => return wrong("the gym's room has the gym's id"),
        RoomKind::Direct => {
            let pair = others.len() == 1 && others.iter().all(|other| RoomId::direct(by.user, *other) == id);
            ensure(pair, ErrorCode::Malformed, "two people's room has the XOR of their ids")?;
            return ensure(join == JoinRule::Fixed, ErrorCode::Malformed, "nobody joins two people");
        }
        RoomKind::Trainer => {
            staff()?;
            ensure(others.len() == 1 && join == JoinRule::Fixed, ErrorCode::Malformed, "a trainer and one client")?;
        }
        RoomKind::Challenge => staff()?,
        RoomKind::Support => {
            ensure(
                join == JoinRule::Invited && others.is_empty(),
                ErrorCode::Malformed,
                "staff come in by themselves",
            )?;
        }
        RoomKind::Team => {}
    }
    ensure(id.0 == cmd.0, ErrorCode::Malformed, "the room's id is the command that makes it")
}
