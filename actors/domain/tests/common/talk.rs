//! A room by hand, and who talks in it.

use fitconnect_domain::class::Caller;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::out::FollowFrom;
use fitconnect_domain::report::{Entry, Filed};
use fitconnect_domain::room::{Input, Load, Loaded, Loose, Order, Person, Publish, Reporting, Room, Stored};
use fitconnect_domain::user::Blocks;
use fitconnect_domain::{AskId, Effect, Letter, Machine, Millis, Out};
use fitconnect_protocol::report::ReportReason;
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::{Position, Response};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const T0: Millis = Millis(1_795_500_000_000);
pub const GYM: GymId = GymId(Uuid::from_u128(0x6_0000));
pub const ROOM: RoomId = RoomId(Uuid::from_u128(0x100));

pub fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x1_0000 + n))
}

pub fn caller(n: u128, role: Role) -> Arc<Caller> {
    Arc::new(Caller {
        user: user(n),
        gym: GYM,
        role,
        session: SessionId(Uuid::from_u128(n)),
        hall: None,
        name: String::new(),
    })
}
pub fn ana() -> Arc<Caller> {
    caller(1, Role::Member)
}
pub fn ben() -> Arc<Caller> {
    caller(2, Role::Member)
}
pub fn trainer() -> Arc<Caller> {
    caller(9, Role::Trainer)
}

/// A room by hand: saves land at once, what is loaded comes from what was saved.
pub struct Hand {
    pub room: Room,
    pub asks: u64,
    /// What is stored, by number, as it is now.
    pub events: Vec<RoomEvent>,
    pub published: Vec<(Position, RoomEvent)>,
    pub gone: Vec<UserId>,
    pub silent: Vec<bool>,
    pub letters: Vec<Letter>,
    pub answers: BTreeMap<AskId, Response>,
    pub follows: Vec<(Position, FollowFrom)>,
    /// Who has blocked whom, as their rows say it.
    pub blocks: BTreeMap<UserId, Blocks>,
    /// Whose typing was told.
    /// How far others were told that somebody is.
    pub marks: Vec<(UserId, u64, u64)>,
    /// How far people have read, as their rows say.
    pub reads: BTreeMap<UserId, u64>,
    pub typed: Vec<String>,
    /// The file of reports.
    pub filed: Vec<Filed>,
    /// Pictures that were sent, those that messages show, and messages that show theirs no more.
    pub sent: Vec<Loose>,
    pub hung: Vec<(ImageId, Option<u64>)>,
    pub taken_down: Vec<u64>,
    /// The gym's list, and how often it was asked for.
    pub lexicon: Lexicon,
    pub lexicon_reads: std::cell::Cell<usize>,
    /// Nothing new is read from it: what was filed last is under way.
    pub file_is_late: bool,
    pub store_is_up: bool,
    pub tick_at: Option<Millis>,
    pub now: Millis,
}

impl Hand {
    pub fn new() -> Hand {
        Hand {
            room: Room::new(ROOM),
            asks: 0,
            events: Vec::new(),
            published: Vec::new(),
            gone: Vec::new(),
            silent: Vec::new(),
            letters: Vec::new(),
            answers: BTreeMap::new(),
            follows: Vec::new(),
            blocks: BTreeMap::new(),
            marks: Vec::new(),
            reads: BTreeMap::new(),
            typed: Vec::new(),
            filed: Vec::new(),
            sent: Vec::new(),
            hung: Vec::new(),
            taken_down: Vec::new(),
            lexicon: Lexicon::default(),
            lexicon_reads: std::cell::Cell::default(),
            file_is_late: false,
            store_is_up: true,
            tick_at: None,
            now: T0,
        }
    }

    /// A talk of Ana and Ben.
    pub fn direct() -> Hand {
        let mut hand = Hand { room: Room::new(RoomId::direct(user(1), user(2))), ..Hand::new() };
        assert_eq!(hand.act(&ana(), create(RoomKind::Direct, JoinRule::Fixed, &[user(2)])), "1");
        hand
    }

    /// A team of Ana's, open to all.
    pub fn team() -> Hand {
        let mut hand = Hand::new();
        assert_eq!(hand.act(&ana(), create(RoomKind::Team, JoinRule::Open, &[])), "1");
        hand
    }

    pub fn give(&mut self, input: Input) -> AskId {
        self.asks += 1;
        let ask = AskId(self.asks);
        let mut inputs = vec![(input, ask)];
        while let Some((input, ask)) = inputs.pop() {
            let mut out = Out::default();
            self.room.handle(input, ask, self.now, &mut out);
            self.room.check_invariants();
            for effect in out.0 {
                match effect {
                    Effect::Answer { ask, reply } => _ = self.answers.insert(ask, reply),
                    Effect::Save { change, answers } => {
                        self.events.push(change.event);
                        for (seq, event) in change.rewrites {
                            self.events[seq as usize - 1] = event;
                        }
                        self.answers.extend(answers);
                    }
                    Effect::File { entry, answers } => {
                        self.file(entry);
                        self.answers.extend(answers);
                    }
                    Effect::Publish(Publish::Event { at, event, .. }) => self.published.push((at, *event)),
                    Effect::Live(Publish::Typing { name, .. }) => self.typed.push(name),
                    Effect::Live(Publish::Marks { of, got, read }) => self.marks.push((of, got, read)),
                    Effect::Publish(Publish::Gone { user }) => self.gone.push(user),
                    Effect::Publish(Publish::Silent(silent)) => self.silent.push(silent),
                    Effect::Follow { at, from, .. } => self.follows.push((at, from)),
                    Effect::Load(load) => inputs.push((Input::Loaded(self.load(load)), AskId::NOBODY)),
                    Effect::TickAt(at) => self.tick_at = Some(at),
                    Effect::Sleep => {}
                    Effect::Letter(letter) => self.letters.push(letter),
                    Effect::Tell { .. }
                    | Effect::Publish(Publish::Typing { .. } | Publish::Marks { .. })
                    | Effect::Live(_)
                    | Effect::Subscribe { .. }
                    | Effect::Record { .. }
                    | Effect::WakeAt(_) => panic!("a room never does this"),
                }
            }
        }
        ask
    }

    pub fn file(&mut self, entry: Entry) {
        match entry {
            Entry::Opened(report) => self.filed.push(Filed { report: *report, decision: None }),
            Entry::Hung { image, seq, .. } => self.hung.push((image, seq)),
            Entry::TakenDown { seq, .. } => self.taken_down.push(seq),
            Entry::Decided { report, seq, decision, .. } => {
                let same = |filed: &&mut Filed| filed.report.id == report || seq > 0 && filed.report.seq == seq;
                for filed in self.filed.iter_mut().filter(same) {
                    filed.decision.get_or_insert(decision.clone());
                }
            }
        }
    }

    /// Whom of the file's reports nobody has decided.
    pub fn open(&self) -> Vec<u64> {
        self.filed.iter().filter(|filed| filed.decision.is_none()).map(|filed| filed.report.seq).collect()
    }

    pub fn load(&self, load: Load) -> Loaded {
        if !self.store_is_up {
            return Loaded::Failed(load);
        }
        match load {
            // The fifth account is another gym's, the sixth nobody's.
            Load::Person { user: wanted } if wanted == user(6) => Loaded::Person { user: wanted, person: None },
            Load::Person { user: wanted } => {
                let gym = if wanted == user(5) { GymId(Uuid::from_u128(7)) } else { GYM };
                let name = format!("P{:x}", wanted.0.as_u128() & 0xf);
                let blocks = self.blocks.get(&wanted).cloned().unwrap_or_default();
                Loaded::Person { user: wanted, person: Some(Box::new(Person { gym, name, blocks })) }
            }
            Load::Read { user } => Loaded::Read { user, through: self.reads.get(&user).copied() },
            Load::Message { seq } => Loaded::Message { seq, message: self.message(seq).map(Box::new) },
            Load::Image { image } => {
                let found = self.sent.iter().find(|sent| sent.picture.image == image).copied();
                let shown = self.hung.iter().any(|(hung, seq)| *hung == image && seq.is_some());
                Loaded::Image { image, found: found.filter(|_| !shown) }
            }
            Load::Reporting { user, seq } => {
                let own = |filed: &&Filed| filed.report.reporter == user;
                let open = |filed: &&Filed| filed.decision.is_none();
                let here = |filed: &Filed| filed.report.seq == seq;
                let lately = self.filed.iter().filter(own).count() as u32;
                let is_open = self.filed.iter().filter(own).filter(open).any(here);
                let open = self.filed.iter().filter(open).count() as u32;
                Loaded::Reporting { user, seq, found: Reporting { lately, open, is_open } }
            }
            Load::Lexicon { gym } => {
                self.lexicon_reads.set(self.lexicon_reads.get() + 1);
                Loaded::Lexicon { gym, found: self.lexicon.folded() }
            }
            Load::Report { report } => {
                let mut filed = self.filed.iter().find(|filed| filed.report.id == report).cloned();
                if self.file_is_late {
                    filed.iter_mut().for_each(|filed| filed.decision = None);
                }
                let seq = filed.as_ref().map(|filed| filed.report.seq);
                let open = self.filed.iter().filter(|other| other.decision.is_none() && Some(other.report.seq) == seq);
                let reporters = open.map(|other| other.report.reporter).collect();
                Loaded::Report { report, filed: filed.map(Box::new), reporters }
            }
            Load::Page { ask, from, limit } => {
                let mut messages: Vec<Message> = (1..).map_while(|seq| self.stored(seq)).flatten().collect();
                messages.retain(|message| match from {
                    HistoryFrom::Before { seq } => message.seq < seq,
                    HistoryFrom::After { seq } => message.seq > seq,
                    HistoryFrom::Since { at_ms } => message.at_ms >= at_ms,
                });
                if matches!(from, HistoryFrom::Before { .. }) {
                    messages.reverse();
                }
                messages.truncate(usize::from(limit) + 1);
                Loaded::Page { ask, from, limit, messages }
            }
        }
    }

    pub fn stored(&self, seq: u64) -> Option<Option<Message>> {
        let event = self.events.get(seq as usize - 1)?;
        Some(if let RoomEvent::Posted { message } = event { Some(message.clone()) } else { None })
    }

    pub fn message(&self, seq: u64) -> Option<Message> {
        self.stored(seq).flatten()
    }

    /// What a command came to: its number, or the code of its refusal.
    pub fn act(&mut self, by: &Arc<Caller>, act: RoomCommand) -> String {
        let cmd = CmdId(if matches!(act, RoomCommand::Create { .. }) {
            ROOM.0
        } else {
            Uuid::from_u128(u128::from(self.asks))
        });
        let ask = self.give(Input::Command { by: by.clone(), cmd, act });
        if !self.answers.contains_key(&ask) {
            self.tick();
        }
        match self.answers.remove(&ask).expect("an answer") {
            Response::Numbered { seq } => seq.to_string(),
            Response::Refused(refusal) => refusal.code.as_str().into(),
            other => format!("{other:?}"),
        }
    }

    /// Time passes until the timer of memory.
    pub fn tick(&mut self) {
        self.now = self.tick_at.take().expect("a timer");
        self.give(Input::Tick);
    }

    pub fn page(&mut self, by: &Arc<Caller>, from: HistoryFrom, limit: u16) -> Result<(Vec<String>, bool), ErrorCode> {
        let ask = self.give(Input::History { by: by.clone(), from, limit });
        match self.answers.remove(&ask).expect("an answer") {
            Response::Page { messages, more, .. } => Ok((messages.into_iter().map(|m| m.text).collect(), more)),
            Response::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    /// Names of a page of members; whom the next page begins after, where there is one.
    pub fn members(
        &mut self,
        by: &Arc<Caller>,
        q: &str,
        after: Option<Mention>,
    ) -> Result<(Vec<String>, Option<Mention>), ErrorCode> {
        let ask = self.give(Input::Members { by: by.clone(), q: q.into(), after });
        match self.answers.remove(&ask).expect("an answer") {
            Response::Members { members, more, .. } => {
                let last = members.last().map(|last| Mention { user: last.user, name: last.name.clone() });
                Ok((members.into_iter().map(|each| each.name).collect(), last.filter(|_| more)))
            }
            Response::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    pub fn follow(&mut self, by: &Arc<Caller>, position: Option<Position>) -> Option<(Position, FollowFrom)> {
        self.give(Input::Subscribe { by: by.clone(), room: ROOM, position });
        self.follows.pop()
    }

    /// Built anew from a row of number `row` and the newest events, as a store would.
    pub fn restored(&self, row: u64) -> Room {
        let mut as_of = Hand::new().room;
        let events = |from: u64, through: u64| {
            let numbered = (1..).zip(self.events.iter().cloned());
            numbered.filter(move |(seq, _)| (from..=through).contains(seq)).collect::<Vec<_>>()
        };
        let epoch = self.room.position().epoch;
        let RoomEvent::Created { gym, kind, name, join, .. } = self.events[0].clone() else { panic!("the first") };
        let empty = Stored { seq: 0, gym, kind, name, join, members: BTreeMap::new(), order: Order::default() };
        as_of = Room::restore(as_of.id, epoch, empty, events(1, row));
        let stored = as_of.stored().expect("a row").clone();
        Room::restore(ROOM, epoch, stored, events(row.saturating_sub(2).max(1), u64::MAX))
    }
}

pub fn create(kind: RoomKind, join: JoinRule, members: &[UserId]) -> RoomCommand {
    RoomCommand::Create { kind, name: "Early birds".into(), join, members: members.to_vec() }
}

pub fn post(text: &str) -> RoomCommand {
    RoomCommand::say(text)
}

pub fn report(seq: u64) -> RoomCommand {
    RoomCommand::Report { seq, reason: ReportReason::Insult, words: "he does it again".into() }
}
