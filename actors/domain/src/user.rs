//! A person: body data, consents, the class one is in and what classes leave. Whoever shows this person obeys what it says here.
//! It is not the account: passwords and tokens are the shell's.

mod blocks;
mod inbox;

pub use blocks::{Blocks, Load, Loaded};
pub use inbox::Inbox;

use crate::class::Caller;
use crate::letter::{ActorKey, Letter, LetterBody};
use crate::{AskId, Effect, Machine, Millis, Out};
use blocks::Blocking;
use fitconnect_protocol::class::MemberSummary;
use fitconnect_protocol::limits::{
    INBOX_MAX, NAME_BYTES_MAX, PERSON_BLOCKING_MAX, PERSON_BLOCKS_MAX, PERSON_ROOMS_MAX, PERSON_TALKS_RESERVED,
};
use fitconnect_protocol::notice::{Notice, NoticeOf, NoticeTopic};
use fitconnect_protocol::room::RoomKind;
use fitconnect_protocol::session::{Position, Response, Snapshot, Topic};
use fitconnect_protocol::user::{Consent, HrMaxSource, OwnRoom, Profile, UserCommand, UserEvent, UserSnapshot};
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, GymId, Refusal, RoomId, SAFE_INTEGER_MAX, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Classes that a person can be in at one time: a forgotten leave must not bar the next class.
const CLASSES_MAX: usize = 16;

#[derive(Clone, Debug)]
pub enum Input {
    Command { by: Arc<Caller>, cmd: CmdId, act: UserCommand },
    Subscribe { by: Arc<Caller>, position: Option<Position> },
    Letter(LetterBody),
    Loaded(Loaded),
}

/// Everything that is stored of a person: the row, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    pub gym: GymId,
    pub name: String,
    /// Rises with each change of consent or body data.
    pub version: u64,
    pub profile: Profile,
    pub consent: Consent,
    pub classes: BTreeSet<ClassId>,
    /// Rows of before there were rooms have none.
    #[serde(default)]
    pub rooms: BTreeMap<RoomId, InRoom>,
    #[serde(default)]
    pub blocks: Blocks,
    #[serde(default)]
    pub inbox: Inbox,
    /// Nobody is told that one is there.
    #[serde(default)]
    pub unseen: bool,
}

/// A room that one is in, and up to which number one has read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InRoom {
    pub kind: RoomKind,
    pub name: String,
    pub read: u64,
    /// The other, in a room of two. Rows of before there were blocks do not say it.
    #[serde(default)]
    pub with: Option<UserId>,
}

impl InRoom {
    fn told(&self, room: RoomId) -> OwnRoom {
        OwnRoom { room, kind: self.kind, name: self.name.clone(), read: self.read, with: self.with }
    }
}

impl Stored {
    /// How far they have read in rooms of two: the other may know, where they are not unseen.
    pub fn reads(&self) -> BTreeMap<RoomId, u64> {
        let of_two = self.rooms.iter().filter(|(_, is)| is.with.is_some() && !self.unseen);
        of_two.map(|(room, is)| (*room, is.read)).collect()
    }

    pub fn new(gym: GymId, name: impl Into<String>, profile: Profile, consent: Consent) -> Stored {
        Stored {
            gym,
            name: name.into(),
            version: 1,
            profile,
            consent,
            classes: BTreeSet::new(),
            rooms: BTreeMap::new(),
            blocks: Blocks::default(),
            inbox: Inbox::default(),
            unseen: false,
        }
    }
}

/// What has happened to a person, for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    Consented {
        by: UserId,
        consent: Consent,
    },
    Measured {
        by: Option<UserId>,
        profile: Profile,
    },
    InClass {
        class: ClassId,
    },
    LeftClass {
        class: ClassId,
    },
    Summarised {
        summary: Box<MemberSummary>,
    },
    InRoom {
        room: RoomId,
        is: InRoom,
    },
    LeftRoom {
        room: RoomId,
    },
    /// `name`: as the blocked is called; `None`: it was taken back.
    Blocked {
        user: UserId,
        name: Option<String>,
    },
    BlockedBy {
        user: UserId,
        blocked: bool,
    },
    /// `instead`: the earlier notice that this one counts in.
    Noticed {
        notice: Box<Notice>,
        instead: Option<u64>,
    },
    NoticesRead {
        numbers: Vec<u64>,
    },
    Wanted {
        topic: NoticeTopic,
        wanted: bool,
    },
    Unseen {
        unseen: bool,
    },
}

impl Change {
    /// The event's name in the store.
    pub fn kind(&self) -> &'static str {
        match self {
            Change::Consented { .. } => "consented",
            Change::Measured { .. } => "measured",
            Change::InClass { .. } => "in_class",
            Change::LeftClass { .. } => "left_class",
            Change::Summarised { .. } => "summarised",
            Change::InRoom { .. } => "in_room",
            Change::LeftRoom { .. } => "left_room",
            Change::Blocked { .. } => "blocked",
            Change::BlockedBy { .. } => "blocked_by",
            Change::Noticed { .. } => "noticed",
            Change::NoticesRead { .. } => "notices_read",
            Change::Wanted { .. } => "wanted",
            Change::Unseen { .. } => "unseen",
        }
    }
}

/// What the topic `user:me` tells, numbered.
#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    Event(UserEvent),
    /// To a room of two: how far one has read there.
    Read {
        room: RoomId,
        through: u64,
    },
}

/// Nothing is told or logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

pub struct User {
    id: UserId,
    stored: Option<Stored>,
    blocking: Vec<Blocking>,
}

impl User {
    /// `None`: there is no such person.
    pub fn restore(id: UserId, stored: Option<Stored>) -> User {
        User { id, stored, blocking: Vec::new() }
    }

    /// The row as it is to be written.
    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }

    fn decide(
        &mut self,
        by: &Caller,
        act: UserCommand,
        ask: AskId,
        now: Millis,
        out: &mut Out<User>,
    ) -> Result<(), Refusal> {
        let stored = self.stored.as_ref().filter(|stored| stored.gym == by.gym);
        let stored = stored.ok_or_else(|| Refusal::new(ErrorCode::NotFound, "there is no such person in your gym"))?;
        let own = by.user == self.id;
        let change = match act {
            UserCommand::Consent { consent } if own => Change::Consented { by: by.user, consent },
            UserCommand::Profile { profile } if own => {
                let profile = typed_by_member(profile, &stored.profile)?;
                Change::Measured { by: Some(by.user), profile }
            }
            UserCommand::ApproveHrMax { .. } if by.is_staff() => {
                if stored.profile.hr_max.is_none() {
                    return Err(Refusal::new(ErrorCode::NotFound, "this member has typed no maximum"));
                }
                self.approve(out);
                let profile = Profile { hr_max_approved: true, ..stored_profile(&self.stored) };
                Change::Measured { by: Some(by.user), profile }
            }
            UserCommand::Read { room, through } if own => {
                let known = stored.rooms.get(&room).ok_or(ErrorCode::NotMember)?;
                if through > SAFE_INTEGER_MAX {
                    return Err(Refusal::new(ErrorCode::Malformed, "no room has such a number"));
                }
                if through <= known.read {
                    out.answer(ask, Response::Done);
                    return Ok(());
                }
                Change::InRoom { room, is: InRoom { read: through, ..known.clone() } }
            }
            UserCommand::Block { user, blocked } if own => match self.block(by, user, blocked, ask, out)? {
                Some(change) => change,
                None => return Ok(()),
            },
            UserCommand::ReadNotices { numbers } if own => {
                if numbers.len() > INBOX_MAX {
                    return Err(Refusal::new(ErrorCode::TooLarge, "numbers: at most fifty"));
                }
                let numbers = stored.inbox.unread_of(&numbers);
                if numbers.is_empty() {
                    out.answer(ask, Response::Done);
                    return Ok(());
                }
                Change::NoticesRead { numbers }
            }
            UserCommand::Unseen { unseen } if own => {
                if stored.unseen == unseen {
                    out.answer(ask, Response::Done);
                    return Ok(());
                }
                Change::Unseen { unseen }
            }
            UserCommand::Want { topic, wanted } if own => {
                if stored.inbox.is_wanted(topic) == wanted {
                    out.answer(ask, Response::Done);
                    return Ok(());
                }
                Change::Wanted { topic, wanted }
            }
            UserCommand::Consent { .. }
            | UserCommand::Profile { .. }
            | UserCommand::ApproveHrMax { .. }
            | UserCommand::Read { .. }
            | UserCommand::Block { .. }
            | UserCommand::ReadNotices { .. }
            | UserCommand::Unseen { .. }
            | UserCommand::Want { .. } => {
                return Err(ErrorCode::Forbidden.into());
            }
        };
        self.happen(change, Some(ask), now, out);
        Ok(())
    }

    fn approve(&self, out: &mut Out<User>) {
        for class in self.stored.iter().flat_map(|stored| &stored.classes) {
            out.letter(Letter { to: ActorKey::Class(*class), body: LetterBody::HrMaxApproved { user: self.id } });
        }
    }

    /// Durable, and at once in memory; whoever follows is told.
    fn happen(&mut self, change: Change, ask: Option<AskId>, _now: Millis, out: &mut Out<User>) {
        let Some(stored) = &mut self.stored else { return };
        let event = match &change {
            Change::Consented { consent, .. } => {
                stored.consent = *consent;
                stored.version += 1;
                for class in &stored.classes {
                    let body = LetterBody::Consent { user: self.id, rev: stored.version, consent: *consent };
                    out.letter(Letter { to: ActorKey::Class(*class), body });
                }
                UserEvent::Consent { consent: *consent }
            }
            Change::Measured { profile, .. } => {
                stored.profile = profile.clone();
                stored.version += 1;
                UserEvent::Profile { profile: profile.clone() }
            }
            Change::InClass { class } => {
                stored.classes.insert(*class);
                while stored.classes.len() > CLASSES_MAX {
                    // Ids begin with the time: the first is the oldest.
                    stored.classes.pop_first();
                }
                UserEvent::InClass { class: Some(*class) }
            }
            Change::LeftClass { class } => {
                stored.classes.remove(class);
                UserEvent::InClass { class: stored.classes.last().copied() }
            }
            Change::Summarised { summary } => {
                stored.classes.remove(&summary.class);
                UserEvent::Summary { summary: summary.clone() }
            }
            Change::InRoom { room, is } => {
                stored.rooms.insert(*room, is.clone());
                stored.inbox.read_room(*room, is.read);
                UserEvent::InRoom { room: is.told(*room) }
            }
            Change::LeftRoom { room } => {
                stored.rooms.remove(room);
                UserEvent::LeftRoom { room: *room }
            }
            Change::Blocked { user, name } => {
                match name {
                    Some(name) => _ = stored.blocks.own.insert(*user, name.clone()),
                    None => _ = stored.blocks.own.remove(user),
                }
                stored.blocks.event(*user)
            }
            Change::BlockedBy { user, blocked } => {
                match blocked {
                    true => stored.blocks.others.insert(*user),
                    false => stored.blocks.others.remove(user),
                };
                stored.blocks.event(*user)
            }
            Change::Noticed { notice, instead } => {
                stored.inbox.noticed(notice, *instead);
                UserEvent::Noticed { notice: notice.clone(), instead: *instead }
            }
            Change::NoticesRead { numbers } => {
                stored.inbox.read(numbers);
                UserEvent::NoticesRead { numbers: numbers.clone() }
            }
            Change::Wanted { topic, wanted } => {
                stored.inbox.want(*topic, *wanted);
                UserEvent::Wanted { topic: *topic, wanted: *wanted }
            }
            Change::Unseen { unseen } => {
                stored.unseen = *unseen;
                UserEvent::Unseen { unseen: *unseen }
            }
        };
        if let Change::Blocked { user, name } = &change {
            self.tell_blocked(*user, name.is_some(), out);
        }
        if let Change::BlockedBy { user, blocked } = &change {
            self.tell_classes(*user, self.id, *blocked, out);
        }
        match ask {
            Some(ask) => out.save_and_answer(change, ask, Response::Done),
            None => out.save(change),
        }
        let read = match &event {
            UserEvent::InRoom { room } if room.with.is_some() => Some((room.room, room.read)),
            _ => None,
        };
        let seen = self.stored.as_ref().is_some_and(|stored| !stored.unseen);
        out.publish(Publish::Event(event));
        if let Some((room, through)) = read.filter(|_| seen) {
            out.publish(Publish::Read { room, through });
        }
    }

    fn letter(&mut self, letter: LetterBody, now: Millis, out: &mut Out<User>) {
        let Some(stored) = &self.stored else { return };
        match letter {
            LetterBody::InClass { class, rev } => {
                // The class read the row before the last change was written.
                if rev < stored.version {
                    let body = LetterBody::Consent { user: self.id, rev: stored.version, consent: stored.consent };
                    out.letter(Letter { to: ActorKey::Class(class), body });
                }
                self.happen(Change::InClass { class }, None, now, out);
            }
            LetterBody::LeftClass { class } => {
                if stored.classes.contains(&class) {
                    self.happen(Change::LeftClass { class }, None, now, out);
                }
            }
            LetterBody::Summary(summary) => {
                let raise = summary.hr_max_raise_tenths.map(|tenths| f64::from(tenths) / 10.0);
                let raise = raise.filter(|max| stored.profile.hr_max.is_none_or(|known| known < *max));
                let first = (summary.version == 1)
                    .then(|| NoticeOf::Summary { class: summary.class, class_name: summary.class_name.clone() });
                self.happen(Change::Summarised { summary }, None, now, out);
                if let Some(of) = first {
                    self.notice(of, now.0 as i64, now, out);
                }
                if let Some(max) = raise {
                    let profile = Profile {
                        hr_max: Some(max),
                        hr_max_source: Some(HrMaxSource::Auto),
                        hr_max_approved: true,
                        ..stored_profile(&self.stored)
                    };
                    self.happen(Change::Measured { by: None, profile }, None, now, out);
                }
            }
            LetterBody::InRoom { room, kind, name, read, with } => {
                // Where there are so many, the chat of a class that is long over gives its place; a talk of two has one in any case.
                let of_class = |(room, is): (&RoomId, &InRoom)| (is.kind == RoomKind::Class).then_some(*room);
                let full = stored.rooms.len() >= PERSON_ROOMS_MAX && !stored.rooms.contains_key(&room);
                // Ids begin with the time: the first is the oldest.
                let oldest = stored.rooms.iter().find_map(of_class).filter(|_| full);
                let reserved = with.is_some() && stored.rooms.len() < PERSON_ROOMS_MAX + PERSON_TALKS_RESERVED;
                if let Some(room) = oldest {
                    self.happen(Change::LeftRoom { room }, None, now, out);
                }
                if !full || oldest.is_some() || reserved {
                    self.happen(Change::InRoom { room, is: InRoom { kind, name, read, with } }, None, now, out);
                }
                self.close_room(room, with, out);
            }
            LetterBody::LeftRoom { room } => {
                if stored.rooms.contains_key(&room) {
                    self.happen(Change::LeftRoom { room }, None, now, out);
                }
            }
            LetterBody::Blocked { by, blocked, .. } => {
                let others = &stored.blocks.others;
                // Who is blocked by so many is still refused whatever is directed at the rest: their own rows say it.
                let room = !blocked || others.len() < PERSON_BLOCKS_MAX;
                if others.contains(&by) != blocked && room {
                    self.happen(Change::BlockedBy { user: by, blocked }, None, now, out);
                }
            }
            LetterBody::Notice { of, at_ms } => self.notice(of, at_ms, now, out),
            LetterBody::Consent { .. } | LetterBody::HrMaxApproved { .. } => {}
        }
    }

    fn subscribe(&self, by: &Caller, position: Option<Position>, ask: AskId, now: Millis, out: &mut Out<User>) {
        let Some(stored) = self.stored.as_ref().filter(|_| by.user == self.id) else {
            return out.refuse(ask, ErrorCode::NotFound);
        };
        let snapshot = Snapshot::User(Box::new(UserSnapshot {
            user: self.id,
            gym: stored.gym,
            name: stored.name.clone(),
            profile: stored.profile.clone(),
            consent: stored.consent,
            in_class: stored.classes.last().copied(),
            rooms: stored.rooms.iter().map(|(room, is)| is.told(*room)).collect(),
            hidden: stored.blocks.told(),
            inbox: stored.inbox.told(|user| stored.blocks.hide(user)),
            unwanted: stored.inbox.unwanted(),
            unseen: stored.unseen,
            at_ms: now.0 as i64,
        }));
        out.0.push(Effect::Subscribe { ask, topic: Topic::Me, position, snapshot: Box::new(snapshot) });
    }
}

fn stored_profile(stored: &Option<Stored>) -> Profile {
    stored.as_ref().map(|stored| stored.profile.clone()).unwrap_or_default()
}

/// What a member types: believed where it can be true. A maximum that was typed waits for a trainer's approval; one that
/// was measured or raised stays what it is unless the number is changed.
fn typed_by_member(mut profile: Profile, known: &Profile) -> Result<Profile, Refusal> {
    let wrong = |what: &str| Err(Refusal::new(ErrorCode::Malformed, what));
    if profile.born.as_deref().is_some_and(|born| crate::time::Date::parse(born).is_none()) {
        return wrong("born is a day as YYYY-MM-DD");
    }
    if profile.weight_kg.is_some_and(|kg| !(20.0..=350.0).contains(&kg)) {
        return wrong("weight_kg lies between 20 and 350");
    }
    if profile.hr_rest.is_some_and(|rest| !(25..=120).contains(&rest)) {
        return wrong("hr_rest lies between 25 and 120");
    }
    if profile.hr_max.is_some_and(|max| !(80.0..=250.0).contains(&max)) {
        return wrong("hr_max lies between 80 and 250");
    }
    if profile.ftp_w.is_some_and(|ftp| !(30..=700).contains(&ftp)) {
        return wrong("ftp_w lies between 30 and 700");
    }
    if profile.hr_max == known.hr_max {
        profile.hr_max_source = known.hr_max_source;
        profile.hr_max_approved = known.hr_max_approved;
    } else {
        profile.hr_max_source = profile.hr_max.map(|_| HrMaxSource::Entered);
        profile.hr_max_approved = false;
    }
    Ok(profile)
}

impl Machine for User {
    type Input = Input;
    type Change = Change;
    type Publish = Publish;
    type Load = Load;
    type Tell = Never;
    type Record = Never;

    fn handle(&mut self, input: Input, ask: AskId, now: Millis, out: &mut Out<User>) {
        match input {
            Input::Command { by, act, .. } => {
                if let Err(refused) = self.decide(&by, act, ask, now, out) {
                    out.refuse(ask, refused);
                }
            }
            Input::Subscribe { by, position } => self.subscribe(&by, position, ask, now, out),
            Input::Letter(letter) => self.letter(letter, now, out),
            Input::Loaded(loaded) => self.loaded(loaded, now, out),
        }
        if self.blocking.is_empty() {
            out.0.push(Effect::Sleep);
        }
    }

    fn command(input: &Input) -> Option<(UserId, CmdId)> {
        match input {
            Input::Command { by, cmd, .. } => Some((by.user, *cmd)),
            Input::Subscribe { .. } | Input::Letter(_) | Input::Loaded(_) => None,
        }
    }

    fn check_invariants(&self) {
        assert!(self.blocking.len() <= PERSON_BLOCKING_MAX);
        if let Some(stored) = &self.stored {
            stored.blocks.check_invariants();
            stored.inbox.check_invariants();
            assert!(
                stored.classes.len() <= CLASSES_MAX
                    && stored.rooms.len() <= PERSON_ROOMS_MAX + PERSON_TALKS_RESERVED
                    && stored.name.len() <= NAME_BYTES_MAX
            );
        }
    }
}

#[cfg(test)]
mod tests;
