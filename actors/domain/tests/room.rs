//! A room told as a story, and with commands in any order: numbers without a hole, nothing said that was not saved, nothing kept of what
//! was deleted.

use fitconnect_domain::class::Caller;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::out::FollowFrom;
use fitconnect_domain::report::{Entry, Filed};
use fitconnect_domain::room::{Input, Load, Loaded, Order, Person, Publish, Reporting, Room, Stored};
use fitconnect_domain::user::Blocks;
use fitconnect_domain::{ActorKey, AskId, Effect, Letter, LetterBody, Machine, Millis, Out};
use fitconnect_protocol::report::{OnWords, ReportReason, Verdict};
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::{NotRecovered, Position, Response, Snapshot};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const T0: Millis = Millis(1_795_500_000_000);
const GYM: GymId = GymId(Uuid::from_u128(0x6_0000));
const ROOM: RoomId = RoomId(Uuid::from_u128(0x100));

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(0x1_0000 + n))
}

fn caller(n: u128, role: Role) -> Arc<Caller> {
    Arc::new(Caller {
        user: user(n),
        gym: GYM,
        role,
        session: SessionId(Uuid::from_u128(n)),
        hall: None,
        name: String::new(),
    })
}
fn ana() -> Arc<Caller> {
    caller(1, Role::Member)
}
fn ben() -> Arc<Caller> {
    caller(2, Role::Member)
}
fn trainer() -> Arc<Caller> {
    caller(9, Role::Trainer)
}

/// A room by hand: saves land at once, what is loaded comes from what was saved.
struct Hand {
    room: Room,
    asks: u64,
    /// What is stored, by number, as it is now.
    events: Vec<RoomEvent>,
    published: Vec<(Position, RoomEvent)>,
    gone: Vec<UserId>,
    silent: Vec<bool>,
    letters: Vec<Letter>,
    answers: BTreeMap<AskId, Response>,
    follows: Vec<(Position, FollowFrom)>,
    /// Who has blocked whom, as their rows say it.
    blocks: BTreeMap<UserId, Blocks>,
    /// Whose typing was told.
    typed: Vec<String>,
    /// The file of reports.
    filed: Vec<Filed>,
    /// The gym's list, and how often it was asked for.
    lexicon: Lexicon,
    lexicon_reads: std::cell::Cell<usize>,
    /// Nothing new is read from it: what was filed last is under way.
    file_is_late: bool,
    store_is_up: bool,
    tick_at: Option<Millis>,
    now: Millis,
}

impl Hand {
    fn new() -> Hand {
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
            typed: Vec::new(),
            filed: Vec::new(),
            lexicon: Lexicon::default(),
            lexicon_reads: std::cell::Cell::default(),
            file_is_late: false,
            store_is_up: true,
            tick_at: None,
            now: T0,
        }
    }

    /// A talk of Ana and Ben.
    fn direct() -> Hand {
        let mut hand = Hand { room: Room::new(RoomId::direct(user(1), user(2))), ..Hand::new() };
        assert_eq!(hand.act(&ana(), create(RoomKind::Direct, JoinRule::Fixed, &[user(2)])), "1");
        hand
    }

    /// A team of Ana's, open to all.
    fn team() -> Hand {
        let mut hand = Hand::new();
        assert_eq!(hand.act(&ana(), create(RoomKind::Team, JoinRule::Open, &[])), "1");
        hand
    }

    fn give(&mut self, input: Input) -> AskId {
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
                    Effect::Publish(Publish::Gone { user }) => self.gone.push(user),
                    Effect::Publish(Publish::Silent(silent)) => self.silent.push(silent),
                    Effect::Follow { at, from, .. } => self.follows.push((at, from)),
                    Effect::Load(load) => inputs.push((Input::Loaded(self.load(load)), AskId::NOBODY)),
                    Effect::TickAt(at) => self.tick_at = Some(at),
                    Effect::Sleep => {}
                    Effect::Letter(letter) => self.letters.push(letter),
                    Effect::Tell { .. }
                    | Effect::Publish(Publish::Typing { .. })
                    | Effect::Live(_)
                    | Effect::Subscribe { .. }
                    | Effect::Record { .. }
                    | Effect::WakeAt(_) => panic!("a room never does this"),
                }
            }
        }
        ask
    }

    fn file(&mut self, entry: Entry) {
        match entry {
            Entry::Opened(report) => self.filed.push(Filed { report: *report, decision: None }),
            Entry::Decided { report, seq, decision, .. } => {
                let same = |filed: &&mut Filed| filed.report.id == report || seq > 0 && filed.report.seq == seq;
                for filed in self.filed.iter_mut().filter(same) {
                    filed.decision.get_or_insert(decision.clone());
                }
            }
        }
    }

    /// Whom of the file's reports nobody has decided.
    fn open(&self) -> Vec<u64> {
        self.filed.iter().filter(|filed| filed.decision.is_none()).map(|filed| filed.report.seq).collect()
    }

    fn load(&self, load: Load) -> Loaded {
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
            Load::Message { seq } => Loaded::Message { seq, message: self.message(seq).map(Box::new) },
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
                Loaded::Report { report, filed: filed.map(Box::new) }
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

    fn stored(&self, seq: u64) -> Option<Option<Message>> {
        let event = self.events.get(seq as usize - 1)?;
        Some(if let RoomEvent::Posted { message } = event { Some(message.clone()) } else { None })
    }

    fn message(&self, seq: u64) -> Option<Message> {
        self.stored(seq).flatten()
    }

    /// What a command came to: its number, or the code of its refusal.
    fn act(&mut self, by: &Arc<Caller>, act: RoomCommand) -> String {
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
    fn tick(&mut self) {
        self.now = self.tick_at.take().expect("a timer");
        self.give(Input::Tick);
    }

    fn page(&mut self, by: &Arc<Caller>, from: HistoryFrom, limit: u16) -> Result<(Vec<String>, bool), ErrorCode> {
        let ask = self.give(Input::History { by: by.clone(), from, limit });
        match self.answers.remove(&ask).expect("an answer") {
            Response::Page { messages, more, .. } => Ok((messages.into_iter().map(|m| m.text).collect(), more)),
            Response::Refused(refusal) => Err(refusal.code),
            other => panic!("{other:?}"),
        }
    }

    fn follow(&mut self, by: &Arc<Caller>, position: Option<Position>) -> Option<(Position, FollowFrom)> {
        self.give(Input::Subscribe { by: by.clone(), room: ROOM, position });
        self.follows.pop()
    }

    /// Built anew from a row of number `row` and the newest events, as a store would.
    fn restored(&self, row: u64) -> Room {
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

fn create(kind: RoomKind, join: JoinRule, members: &[UserId]) -> RoomCommand {
    RoomCommand::Create { kind, name: "Early birds".into(), join, members: members.to_vec() }
}

fn post(text: &str) -> RoomCommand {
    RoomCommand::Post { text: text.into(), reply_to: None }
}

#[test]
fn whoever_is_in_it_writes_and_reads() {
    let mut hand = Hand::team();
    assert_eq!(hand.act(&ben(), post("hi")), "not_member");
    assert_eq!(hand.follow(&ben(), None), None);
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "2");
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "2", "he is in it already");
    assert_eq!(hand.act(&ben(), post("hi\nall")), "3");
    assert_eq!(hand.act(&ana(), RoomCommand::Post { text: "hi".into(), reply_to: Some(3) }), "4");
    assert_eq!(hand.act(&ana(), RoomCommand::Post { text: "hi".into(), reply_to: Some(9) }), "no_message");
    assert_eq!(hand.act(&ana(), post("  \n ")), "malformed");
    assert_eq!(hand.act(&ana(), post(&"x".repeat(4_097))), "too_large");
    assert_eq!(hand.message(3).expect("a message").name, "P2");
    let (at, from) = hand.follow(&ben(), None).expect("followed");
    let FollowFrom::Snapshot { reason: NotRecovered::New, snapshot } = from else { panic!("a snapshot") };
    let Snapshot::Room(snapshot) = *snapshot else { panic!("of a room") };
    assert_eq!((at.offset, snapshot.people, snapshot.role), (4, 2, Some(RoomRole::Member)));
    assert_eq!(snapshot.recent.iter().map(|m| m.seq).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_position_is_good_for_ever_and_another_epochs_is_not() {
    let mut hand = Hand::team();
    let here = hand.room.position();
    assert_eq!(hand.act(&ana(), post("a")), "2");
    let first = |from: &FollowFrom| if let FollowFrom::Missed { first } = from { Some(*first) } else { None };
    let (at, from) = hand.follow(&ana(), Some(here)).expect("followed");
    assert_eq!((at.offset, first(&from)), (2, Some(2)));
    let reason = |hand: &mut Hand, position| match hand.follow(&ana(), Some(position)).expect("followed").1 {
        FollowFrom::Snapshot { reason, .. } => reason,
        FollowFrom::Missed { first } => panic!("from {first}"),
    };
    assert_eq!(reason(&mut hand, Position { epoch: here.epoch + 1, offset: 1 }), NotRecovered::EpochChanged);
    assert_eq!(reason(&mut hand, Position { offset: 3, ..here }), NotRecovered::Ahead);
}

#[test]
fn one_edits_ones_own_words_and_a_moderator_deletes_anybodys() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(hand.act(&ben(), post("helo")), "3");
    assert_eq!(hand.act(&ana(), RoomCommand::Edit { seq: 3, text: "hello".into() }), "forbidden");
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 3, text: "hello".into() }), "4");
    assert_eq!(hand.message(3).map(|m| (m.text, m.edited)), Some(("hello".into(), Some(4))));
    for n in 0..40 {
        hand.act(&ana(), post(&format!("{n}")));
    }
    // By now it is no longer in memory.
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 3, text: "good day".into() }), "45");
    assert_eq!(hand.message(3).map(|m| (m.text, m.edited)), Some(("good day".into(), Some(45))));
    assert_eq!(hand.act(&ben(), RoomCommand::Delete { seq: 5 }), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "46");
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 3, text: "again".into() }), "no_message");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 2 }), "no_message", "it is no message");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 400 }), "no_message");
    assert_eq!(hand.message(3).map(|m| (m.text, m.deleted_by)), Some((String::new(), Some(user(1)))));
    hand.store_is_up = false;
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 6 }), "retry");
}

#[test]
fn history_goes_back_and_forth_and_says_whether_there_is_more() {
    let mut hand = Hand::team();
    for n in 2..=9 {
        assert_eq!(hand.act(&ana(), post(&n.to_string())), n.to_string());
    }
    let page = |texts: &[&str], more| Ok((texts.iter().map(|t| (*t).to_owned()).collect(), more));
    assert_eq!(hand.page(&ana(), HistoryFrom::Before { seq: 8 }, 3), page(&["5", "6", "7"], true));
    assert_eq!(hand.page(&ana(), HistoryFrom::Before { seq: 4 }, 3), page(&["2", "3"], false));
    assert_eq!(hand.page(&ana(), HistoryFrom::After { seq: 6 }, 3), page(&["7", "8", "9"], false));
    assert_eq!(hand.page(&ana(), HistoryFrom::Since { at_ms: 0 }, 2), page(&["2", "3"], true));
    assert_eq!(hand.page(&ben(), HistoryFrom::Since { at_ms: 0 }, 2), Err(ErrorCode::NotMember));
    assert!(hand.page(&trainer(), HistoryFrom::Since { at_ms: 0 }, 2).is_ok(), "staff look into a team");
    hand.store_is_up = false;
    assert_eq!(hand.page(&ana(), HistoryFrom::After { seq: 1 }, 3), Err(ErrorCode::Retry));
    for _ in 0..12 {
        hand.act(&ana(), post(&"long ".repeat(800)));
    }
    hand.store_is_up = true;
    let (texts, more) = hand.page(&ana(), HistoryFrom::After { seq: 9 }, 12).expect("a page");
    assert!(texts.len() < 12 && more, "a page is bounded in bytes");
}

#[test]
fn nobody_comes_into_a_talk_of_two() {
    let direct =
        |hand: &mut Hand, by: &Arc<Caller>, other| hand.act(by, create(RoomKind::Direct, JoinRule::Fixed, &[other]));
    let mut hand = Hand::new();
    assert_eq!(direct(&mut hand, &ana(), user(2)), "malformed", "not under this id");
    hand.room = Room::new(RoomId::direct(user(2), user(1)));
    assert_eq!(direct(&mut hand, &ana(), user(2)), "1");
    let told = |letter: &Letter| match &letter.body {
        LetterBody::InRoom { name, .. } => name.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(hand.letters.iter().map(told).collect::<Vec<_>>(), ["P2", "P1"], "called by the other");
    assert_eq!(direct(&mut hand, &ben(), user(1)), "room_exists");
    assert_eq!(hand.act(&trainer(), RoomCommand::Join), "forbidden");
    assert_eq!(hand.act(&trainer(), RoomCommand::Add { user: user(9) }), "forbidden");
    assert_eq!(hand.act(&trainer(), RoomCommand::Delete { seq: 1 }), "not_member");
    assert_eq!(hand.follow(&trainer(), None), None);
    assert_eq!(hand.act(&ben(), RoomCommand::Leave), "forbidden");
    assert_eq!(hand.act(&ben(), post("hi")), "2");
}

#[test]
fn rooms_are_made_by_those_who_may() {
    let made = |by: &Arc<Caller>, kind, join, others: &[UserId]| Hand::new().act(by, create(kind, join, others));
    use JoinRule::{Fixed, Invited, Open};
    assert_eq!(made(&ana(), RoomKind::Class, Open, &[]), "forbidden");
    assert_eq!(made(&trainer(), RoomKind::Class, Open, &[]), "1");
    assert_eq!(made(&trainer(), RoomKind::Gym, Open, &[]), "malformed", "not under this id");
    assert_eq!(made(&ana(), RoomKind::Support, Invited, &[]), "1");
    assert_eq!(made(&ana(), RoomKind::Trainer, Fixed, &[user(2)]), "forbidden");
    assert_eq!(made(&trainer(), RoomKind::Trainer, Fixed, &[user(2)]), "1");
    assert_eq!(made(&ana(), RoomKind::Team, Invited, &[user(2), user(3)]), "1");
    assert_eq!(made(&ana(), RoomKind::Team, Invited, &[user(5)]), "not_found", "of another gym");
    assert_eq!(made(&ana(), RoomKind::Team, Invited, &[user(6)]), "not_found", "nobody");
    assert_eq!(made(&caller(8, Role::Screen), RoomKind::Team, Open, &[]), "forbidden");
    let crowd: Vec<UserId> = (20..90).map(user).collect();
    assert_eq!(made(&ana(), RoomKind::Team, Invited, &crowd), "too_large");
}

#[test]
fn who_is_sent_out_hears_it_last() {
    let mut hand = Hand::team();
    assert_eq!(hand.act(&ana(), RoomCommand::Add { user: user(2) }), "2");
    assert_eq!(hand.act(&ana(), RoomCommand::Add { user: user(3) }), "3");
    assert_eq!(hand.act(&ben(), RoomCommand::Remove { user: user(3) }), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Appoint { user: user(2), role: RoomRole::Moderator }), "4");
    assert_eq!(hand.act(&ben(), RoomCommand::Remove { user: user(1) }), "forbidden", "the owner is above him");
    assert_eq!(hand.act(&ben(), RoomCommand::Remove { user: user(3) }), "5");
    assert_eq!(hand.act(&ben(), RoomCommand::Leave), "6");
    assert_eq!(hand.gone, [user(3), user(2)]);
    let last: Vec<&Letter> = hand.letters.iter().rev().take(2).collect();
    let left = |n| Letter { to: ActorKey::User(user(n)), body: LetterBody::LeftRoom { room: ROOM } };
    assert_eq!(last, [&left(2), &left(3)]);
    assert_eq!(hand.act(&ben(), RoomCommand::Leave), "not_member");
    assert_eq!(hand.follow(&ben(), Some(Position { offset: 1, ..hand.room.position() })), None);
}

#[test]
fn a_moderator_pins_and_what_is_deleted_comes_down() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    let pin = |seq, pinned| RoomCommand::Pin { seq, pinned };
    for n in 3..=13 {
        assert_eq!(hand.act(&ben(), post("rules")), n.to_string());
    }
    assert_eq!(hand.act(&ben(), pin(3, true)), "forbidden");
    assert_eq!(hand.act(&ana(), pin(2, true)), "no_message", "it is no message");
    assert_eq!(hand.act(&ana(), pin(3, true)), "14");
    assert_eq!(hand.act(&ana(), pin(3, true)), "14", "it hangs there");
    for n in 4..=12 {
        assert_eq!(hand.act(&ana(), pin(n, true)), (n + 11).to_string());
    }
    assert_eq!(hand.act(&ana(), pin(13, true)), "too_large");
    assert_eq!(hand.act(&ana(), pin(4, false)), "24");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "25");
    assert_eq!(hand.room.stored().expect("a room").order.pins, [5, 6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn in_a_slow_room_members_wait_between_two_messages() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(hand.act(&ben(), RoomCommand::Slow { seconds: 30 }), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Slow { seconds: 3_601 }), "malformed");
    assert_eq!(hand.act(&ana(), RoomCommand::Slow { seconds: 30 }), "3");
    assert_eq!(hand.act(&ben(), post("one")), "4");
    assert_eq!(hand.act(&ana(), post("a moderator")), "5");
    assert_eq!(hand.act(&ana(), post("need not wait")), "6");
    hand.now = T0.plus(29_999);
    let ask = hand.give(Input::Command { by: ben(), cmd: CmdId(Uuid::from_u128(77)), act: post("two") });
    let Some(Response::Refused(refusal)) = hand.answers.remove(&ask) else { panic!("too soon") };
    assert_eq!((refusal.code, refusal.retry_after_ms), (ErrorCode::RateLimited, Some(1)));
    hand.room = hand.restored(3);
    assert_eq!(hand.act(&ben(), post("two")), "rate_limited", "a start does not help");
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 4, text: "1".into() }), "7");
    hand.now = T0.plus(30_000);
    assert_eq!(hand.act(&ben(), post("two")), "8");
    assert_eq!(hand.act(&ana(), RoomCommand::Slow { seconds: 0 }), "9");
    assert_eq!(hand.act(&ben(), post("three")), "10");
}

#[test]
fn one_who_is_silenced_does_not_write_until_it_is_over_or_taken_back() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    let mute = |n, for_s| RoomCommand::Mute { user: user(n), for_s };
    assert_eq!(hand.act(&ben(), post("shouts")), "3");
    assert_eq!(hand.act(&ben(), mute(1, 60)), "forbidden");
    assert_eq!(hand.act(&ana(), mute(1, 60)), "forbidden", "not herself");
    assert_eq!(hand.act(&ana(), mute(4, 60)), "not_found");
    assert_eq!(hand.act(&ana(), mute(2, 60)), "4");
    assert_eq!(hand.act(&ben(), post("more")), "forbidden");
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 3, text: "more".into() }), "forbidden");
    assert_eq!(hand.act(&ben(), RoomCommand::Delete { seq: 3 }), "5", "what is said may be taken back");
    hand.act(&ben(), RoomCommand::Leave);
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(hand.act(&ben(), post("back")), "forbidden", "leaving does not help");
    let (_, from) = hand.follow(&ben(), None).expect("he reads");
    let FollowFrom::Snapshot { snapshot, .. } = from else { panic!("a snapshot") };
    let Snapshot::Room(snapshot) = *snapshot else { panic!("of a room") };
    assert_eq!(snapshot.muted_until_ms, Some(T0.0 as i64 + 60_000));
    assert_eq!(hand.act(&ana(), mute(2, 0)), "8");
    assert_eq!(hand.act(&ana(), mute(2, 0)), "8", "he may write already");
    assert_eq!(hand.act(&ben(), post("sorry")), "9");
    hand.act(&ana(), mute(2, 60));
    hand.now = T0.plus(60_000);
    assert_eq!(hand.act(&ben(), post("again")), "11");
    hand.act(&ana(), mute(2, 60));
    hand.act(&ben(), RoomCommand::Leave);
    assert_eq!(hand.act(&ana(), mute(2, 0)), "14", "of one who has left");
}

#[test]
fn one_who_is_banned_is_out_and_stays_out() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    let ban = |n, banned| RoomCommand::Ban { user: user(n), banned };
    assert_eq!(hand.act(&ben(), ban(3, true)), "forbidden");
    assert_eq!(hand.act(&ana(), ban(2, false)), "2", "he is not banned");
    assert_eq!(hand.act(&ana(), ban(2, true)), "3");
    assert_eq!(hand.gone, [user(2)]);
    let left = Letter { to: ActorKey::User(user(2)), body: LetterBody::LeftRoom { room: ROOM } };
    assert_eq!(hand.letters.last(), Some(&left));
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Add { user: user(2) }), "forbidden");
    assert_eq!(hand.act(&ben(), post("hi")), "not_member");
    assert_eq!(hand.act(&ana(), ban(3, true)), "4", "before he comes");
    assert_eq!(hand.act(&caller(3, Role::Member), RoomCommand::Join), "forbidden");
    assert_eq!(hand.act(&ana(), ban(2, false)), "5");
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "6");
}

#[test]
fn a_talk_of_two_has_a_wall_and_no_warden() {
    let mut hand = Hand::new();
    hand.room = Room::new(RoomId::direct(user(1), user(2)));
    assert_eq!(hand.act(&ana(), create(RoomKind::Direct, JoinRule::Fixed, &[user(2)])), "1");
    assert_eq!(hand.act(&ana(), post("where we meet")), "2");
    assert_eq!(hand.act(&ben(), RoomCommand::Pin { seq: 2, pinned: true }), "3");
    for act in [
        RoomCommand::Ban { user: user(2), banned: true },
        RoomCommand::Mute { user: user(2), for_s: 9 },
        RoomCommand::Slow { seconds: 9 },
    ] {
        assert_eq!(hand.act(&ana(), act), "forbidden");
    }
}

#[test]
fn nothing_goes_between_two_of_whom_one_has_blocked_the_other() {
    let block = |by, other, blocked| Input::Letter(LetterBody::Blocked { by: user(by), user: user(other), blocked });
    let mut hand = Hand::direct();
    assert_eq!(hand.act(&ben(), post("hi")), "2");
    hand.give(block(2, 1, true));
    hand.give(block(2, 1, true));
    assert_eq!(hand.published.last().map(|(at, event)| (at.offset, event.clone())), Some((3, closed(2, true))), "once");
    for (who, act) in [
        (ana(), post("hello?")),
        (ben(), post("hm")),
        (ben(), RoomCommand::Edit { seq: 2, text: "bye".into() }),
        (ana(), RoomCommand::Pin { seq: 2, pinned: true }),
    ] {
        assert_eq!(hand.act(&who, act), "blocked");
    }
    assert_eq!(hand.act(&ben(), RoomCommand::Delete { seq: 2 }), "4", "what is said may be taken back");
    assert_eq!(hand.restored(3).stored(), hand.room.stored());
    hand.give(block(1, 2, true));
    hand.give(block(2, 1, false));
    assert_eq!(hand.act(&ben(), post("hi")), "blocked", "by the other still");
    hand.give(block(1, 2, false));
    assert_eq!(hand.silent, [true, true, true, false], "who is there is told again when neither has");
    assert_eq!(hand.act(&ben(), post("hi")), "8");
    hand.give(block(1, 3, true));
    assert_eq!(hand.act(&ana(), post("hi")), "9", "a third has no business here");
    let mut team = Hand::team();
    team.act(&ben(), RoomCommand::Join);
    team.give(block(2, 1, true));
    assert_eq!(team.act(&ana(), post("all of you")), "3", "others hear it; the pages of the two hide it");
}

fn closed(by: u128, closed: bool) -> RoomEvent {
    RoomEvent::Closed { closed, by: user(by), at_ms: T0.0 as i64 }
}

#[test]
fn nobody_is_brought_in_by_one_whom_they_have_blocked() {
    let own = |other| Blocks { own: BTreeMap::from([(user(other), "P".into())]), ..Blocks::default() };
    let direct = |blocks: &[(UserId, Blocks)]| {
        let room = Room::new(RoomId::direct(user(1), user(2)));
        let mut hand = Hand { room, blocks: blocks.iter().cloned().collect(), ..Hand::new() };
        hand.act(&ana(), create(RoomKind::Direct, JoinRule::Fixed, &[user(2)]))
    };
    assert_eq!(direct(&[(user(2), own(1))]), "blocked");
    assert_eq!(direct(&[(user(1), own(2))]), "blocked", "though the other does not know of it yet");
    let others = Blocks { others: [user(1)].into(), ..Blocks::default() };
    assert_eq!(direct(&[(user(2), others)]), "blocked", "though her own row is not read");
    assert_eq!(direct(&[(user(2), own(3))]), "1");
    let mut team = Hand { blocks: [(user(2), own(1))].into(), ..Hand::team() };
    assert_eq!(team.act(&ana(), RoomCommand::Add { user: user(2) }), "blocked");
    assert_eq!(team.act(&ben(), RoomCommand::Join), "2", "of his own will");
}

fn react(seq: u64, reaction: Reaction, on: bool) -> RoomCommand {
    RoomCommand::React { seq, reaction, on }
}

#[test]
fn reactions_of_a_moment_are_one_event_and_each_has_its_answer() {
    use Reaction::{Fire, Heart};
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(hand.act(&ana(), post("personal best!")), "3");
    assert_eq!(hand.act(&trainer(), react(3, Fire, true)), "not_member", "staff that looks in");
    assert_eq!(hand.act(&ben(), react(2, Fire, true)), "no_message");
    assert_eq!(hand.act(&ben(), react(3, Fire, true)), "4", "the first is told at once");
    let mut asks = Vec::new();
    for (who, reaction, on) in [(ana(), Fire, true), (ben(), Heart, true), (ben(), Fire, false), (ben(), Fire, false)] {
        let cmd = CmdId(Uuid::from_u128(900 + asks.len() as u128));
        asks.push(hand.give(Input::Command { by: who, cmd, act: react(3, reaction, on) }));
    }
    assert!(asks.iter().all(|ask| !hand.answers.contains_key(ask)), "the others wait");
    assert_eq!(hand.events.len(), 4);
    hand.tick();
    assert!(asks.iter().all(|ask| hand.answers.remove(ask) == Some(Response::Numbered { seq: 5 })));
    let RoomEvent::Reacted { toggles, .. } = hand.events[4].clone() else { panic!("one event") };
    assert_eq!(toggles.len(), 3, "what was so already is not told");
    let both = vec![Reacted { reaction: Fire, by: vec![user(1)] }, Reacted { reaction: Heart, by: vec![user(2)] }];
    assert_eq!(hand.message(3).map(|message| message.reactions), Some(both.clone()), "as it is stored");
    hand.room = hand.restored(4);
    assert_eq!(hand.act(&ben(), react(3, Heart, true)), "5", "it is so already");
    assert_eq!(hand.act(&ana(), RoomCommand::Edit { seq: 3, text: "personal best".into() }), "6");
    assert_eq!(hand.message(3).map(|message| message.reactions), Some(both), "an edit keeps them");
    assert_eq!(hand.act(&ana(), react(3, Heart, true)), "7");
    let cmd = CmdId(Uuid::from_u128(950));
    let late = hand.give(Input::Command { by: ana(), cmd, act: react(3, Fire, false) });
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "8");
    hand.tick();
    let Some(Response::Refused(refusal)) = hand.answers.remove(&late) else { panic!("it was deleted meanwhile") };
    assert_eq!(refusal.code, ErrorCode::NoMessage);
    assert_eq!(hand.message(3).map(|message| message.reactions), Some(vec![]), "and so are its reactions");
}

#[test]
fn a_message_takes_so_many_reactions_and_no_more() {
    let mut hand = Hand::team();
    assert_eq!(hand.act(&ana(), post("free beer")), "2");
    for n in 100..300 {
        let member = caller(n, Role::Member);
        hand.act(&member, RoomCommand::Join);
        hand.now = hand.now.plus(1_000);
        assert_ne!(hand.act(&member, react(2, Reaction::Clap, true)), "too_large");
    }
    hand.now = hand.now.plus(1_000);
    assert_eq!(hand.act(&ana(), react(2, Reaction::Clap, true)), "too_large");
    assert_eq!(hand.message(2).map(|message| message.reactions[0].by.len()), Some(200));
}

#[test]
fn words_that_were_edited_away_are_nowhere_read_again() {
    let mut hand = Hand::team();
    assert_eq!(hand.act(&ana(), post("secret one")), "2");
    for (text, seq) in [("secret two", "3"), ("secret three", "4"), ("plain", "5")] {
        assert_eq!(hand.act(&ana(), RoomCommand::Edit { seq: 2, text: text.into() }), seq);
    }
    assert!(!format!("{:?}", hand.events).contains("secret"), "{:?}", hand.events);
    assert_eq!(hand.message(2).map(|message| message.text), Some("plain".into()));
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 2 }), "6");
    assert!(!format!("{:?}", hand.events).contains("plain"), "{:?}", hand.events);
}

#[test]
fn typing_is_told_now_and_then_to_a_room_that_is_small_enough() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    let types = |by| Input::Typing { by };
    for by in [ben(), ben(), ana(), caller(3, Role::Member), trainer()] {
        hand.give(types(by));
    }
    assert_eq!(hand.typed, ["P2", "P1"], "members, each once in a while");
    assert_eq!(hand.act(&ben(), post("hi")), "3");
    hand.give(types(ben()));
    assert_eq!(hand.typed.len(), 3, "what comes after a message is told at once");
    hand.now = hand.now.plus(3_000);
    hand.give(types(ana()));
    assert_eq!(hand.typed.len(), 4);
    hand.act(&ana(), RoomCommand::Mute { user: user(2), for_s: 60 });
    hand.give(types(ben()));
    assert_eq!(hand.typed.len(), 4, "not of one who may not write");
    for n in 100..299 {
        hand.act(&caller(n, Role::Member), RoomCommand::Join);
    }
    hand.now = hand.now.plus(3_000);
    hand.give(types(ana()));
    assert_eq!((hand.typed.len(), hand.events.len()), (4, 203), "201 people: nobody looks at it, and nothing is kept");
}

fn report(seq: u64) -> RoomCommand {
    RoomCommand::Report { seq, reason: ReportReason::Insult, words: "he does it again".into() }
}

#[test]
fn a_report_keeps_the_words_as_they_were_and_tells_nobody() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(hand.act(&ben(), post("fool")), "3");
    assert_eq!(hand.act(&caller(3, Role::Member), report(3)), "not_member");
    assert_eq!(hand.act(&ben(), report(3)), "forbidden", "one's own");
    assert_eq!(hand.act(&ana(), report(4)), "no_message");
    assert_eq!(hand.act(&ana(), report(3)), "3");
    assert_eq!(hand.act(&ana(), report(3)), "3", "it is open already");
    assert_eq!(hand.act(&ben(), RoomCommand::Edit { seq: 3, text: "friend".into() }), "4");
    let [filed] = hand.filed.as_slice() else { panic!("one report: {:?}", hand.filed) };
    let said = (filed.report.text.as_str(), filed.report.author_name.as_str(), filed.report.reporter_name.as_str());
    assert_eq!(said, ("fool", "P2", "P1"));
    assert_eq!((hand.events.len(), hand.published.len()), (4, 4), "nobody is told of a report");
    let words = RoomCommand::Report { seq: 3, reason: ReportReason::Other, words: "x".repeat(501) };
    assert_eq!(hand.act(&ana(), words), "too_large");
    for seq in 5..24 {
        assert_eq!(hand.act(&ben(), post("fool again")), seq.to_string());
        assert_eq!(hand.act(&ana(), report(seq)), seq.to_string());
    }
    hand.act(&ben(), post("and again"));
    assert_eq!(hand.act(&ana(), report(24)), "rate_limited", "twenty an hour");
}

#[test]
fn a_decision_does_what_it_says_once_and_closes_all_reports_of_the_message() {
    let mut hand = Hand::team();
    let carl = caller(3, Role::Member);
    hand.act(&ben(), RoomCommand::Join);
    hand.act(&carl, RoomCommand::Join);
    for (text, seq) in [("fool", "4"), ("buy pills", "5"), ("good day", "6"), ("buy more", "7")] {
        assert_eq!(hand.act(&ben(), post(text)), seq);
        for by in [&ana(), &carl] {
            assert_eq!(hand.act(by, report(seq.parse().expect("a number"))), seq);
        }
    }
    let id = |hand: &Hand, seq| hand.filed.iter().find(|filed| filed.report.seq == seq).expect("it is filed").report.id;
    let decide = |hand: &Hand, seq, verdict| RoomCommand::Decide { report: id(hand, seq), verdict };
    let delete = decide(&hand, 4, Verdict::Delete);
    assert_eq!(hand.act(&carl, delete.clone()), "forbidden", "he is no moderator");
    assert_eq!(hand.act(&ben(), delete.clone()), "forbidden");
    assert_eq!(hand.act(&ana(), delete.clone()), "8");
    assert_eq!(hand.open(), [5, 5, 6, 6, 7, 7]);
    assert_eq!(hand.message(4).map(|m| (m.text, m.deleted_by)), Some((String::new(), Some(user(1)))));
    assert_eq!(hand.filed[0].report.text, "fool", "evidence stays");
    let decision = hand.filed[1].decision.clone().expect("decided with the other");
    assert_eq!((decision.by, decision.verdict), (user(1), Verdict::Delete));
    hand.file_is_late = true;
    let other = RoomCommand::Decide { report: hand.filed[1].report.id, verdict: Verdict::Ban };
    assert_eq!(hand.act(&trainer(), other), "8", "it was decided a moment ago");
    hand.file_is_late = false;
    assert_eq!(hand.act(&trainer(), delete), "8");
    let dismiss = decide(&hand, 6, Verdict::Dismiss);
    assert_eq!(hand.act(&trainer(), dismiss), "8");
    assert_eq!(hand.message(6).map(|m| m.text), Some("good day".into()));
    let mute = decide(&hand, 5, Verdict::Mute { for_s: 60 });
    assert_eq!(hand.act(&ana(), mute), "9");
    assert_eq!(hand.act(&ben(), post("what?")), "forbidden");
    let ban = decide(&hand, 7, Verdict::Ban);
    assert_eq!(hand.act(&ana(), ban), "10");
    assert_eq!((hand.act(&ben(), post("hey")), hand.open()), ("not_member".into(), vec![]));
    assert_eq!(
        hand.act(&ana(), RoomCommand::Decide { report: CmdId(Uuid::nil()), verdict: Verdict::Ban }),
        "not_found"
    );
}

#[test]
fn a_word_of_the_gyms_list_is_refused_in_rooms_of_more_than_two() {
    let words = |on_words| Lexicon::new(on_words, ["дурак".to_owned()]).expect("a list");
    let mut hand = Hand { lexicon: words(OnWords::Refuse), ..Hand::team() };
    assert_eq!(hand.act(&ana(), post("Ты ДУРAК!")), "unfit");
    assert_eq!(hand.act(&ana(), post("дураки все")), "2", "whole words");
    assert_eq!(hand.act(&ana(), RoomCommand::Edit { seq: 2, text: "дурак".into() }), "unfit");
    assert_eq!((hand.events.len(), hand.lexicon_reads.get()), (2, 1), "it is not asked for at each message");
    hand.lexicon = Lexicon::default();
    assert_eq!(hand.act(&ana(), post("дурак")), "unfit", "as it was a moment ago");
    hand.now = hand.now.plus(5_000);
    hand.act(&ana(), post("и ещё"));
    assert_eq!(hand.act(&ana(), post("дурак")), "4", "and as it is now");
    assert_eq!(hand.lexicon_reads.get(), 2);
    let mut two = Hand { lexicon: words(OnWords::Refuse), ..Hand::direct() };
    assert_eq!((two.act(&ana(), post("дурак")), two.lexicon_reads.get()), ("2".into(), 0), "nobody reads along");
    let mut down = Hand { store_is_up: false, ..Hand::team() };
    assert_eq!(down.act(&ana(), post("привет")), "retry", "what the gym wants is not known");
}

#[test]
fn what_is_held_back_is_posted_when_it_is_let_through() {
    let lexicon = Lexicon::new(OnWords::Report, ["дурак".to_owned()]).expect("a list");
    let mut hand = Hand { lexicon, ..Hand::team() };
    hand.act(&ben(), RoomCommand::Join);
    let cmd = CmdId(Uuid::from_u128(777));
    let reply = RoomCommand::Post { text: "сам дурак".into(), reply_to: Some(1) };
    let ask = hand.give(Input::Command { by: ben(), cmd, act: reply });
    let Some(Response::Refused(refusal)) = hand.answers.remove(&ask) else { panic!("it is held back") };
    assert_eq!((refusal.code, hand.events.len()), (ErrorCode::Held, 2));
    assert_eq!(hand.act(&ben(), post("дурак")), "held");
    let decide = |hand: &Hand, nth: usize, verdict| RoomCommand::Decide { report: hand.filed[nth].report.id, verdict };
    let [through, back] = [decide(&hand, 0, Verdict::Post), decide(&hand, 1, Verdict::Dismiss)];
    assert_eq!(hand.act(&ben(), through.clone()), "forbidden");
    assert_eq!(hand.act(&trainer(), through.clone()), "3");
    let posted = hand.message(3).expect("posted");
    assert_eq!((posted.text.as_str(), posted.by, posted.cmd, posted.reply_to), ("сам дурак", user(2), cmd, Some(1)));
    assert_eq!(hand.act(&trainer(), through), "3", "once");
    assert_eq!(hand.act(&trainer(), back), "3", "each by itself, and this one never");
    assert_eq!((hand.events.len(), hand.open()), (3, vec![]));
    hand.lexicon = Lexicon::default();
    hand.now = hand.now.plus(5_000);
    hand.act(&ana(), post("hm"));
    hand.act(&ana(), post("дурак"));
    assert_eq!(hand.act(&ben(), report(5)), "5");
    let through = decide(&hand, 2, Verdict::Post);
    assert_eq!(hand.act(&trainer(), through), "malformed", "it was not held back");
    for n in 3..20 {
        hand.filed.push(Filed { ..hand.filed[0].clone() });
        assert_eq!(hand.filed.len(), n + 1);
    }
    hand.lexicon = Lexicon::new(OnWords::Report, ["дурак".to_owned()]).expect("a list");
    hand.now = hand.now.plus(5_000);
    hand.act(&ben(), post("hm"));
    assert_eq!(hand.act(&ben(), post("дурак")), "unfit", "so many an hour, and no more are kept");
}

#[test]
fn neither_of_two_decides_about_the_other() {
    let mut hand = Hand::direct();
    assert_eq!(hand.act(&ana(), post("you fool")), "2");
    assert_eq!(hand.act(&ben(), post("no, you")), "3");
    assert_eq!(hand.act(&ben(), report(2)), "3");
    assert_eq!(hand.act(&ana(), report(3)), "3");
    let decide = |hand: &Hand, verdict| RoomCommand::Decide { report: hand.filed[1].report.id, verdict };
    let delete = decide(&hand, Verdict::Delete);
    assert_eq!(hand.act(&ana(), delete.clone()), "forbidden", "she made the room, and is a side");
    let ban = decide(&hand, Verdict::Ban);
    assert_eq!(hand.act(&trainer(), ban), "forbidden", "nobody is sent out of a talk of two");
    assert_eq!(hand.act(&trainer(), delete), "4", "staff, who see the words that were reported and no others");
    assert_eq!(hand.message(3).map(|m| m.text), Some(String::new()));
}

fn any_command() -> impl Strategy<Value = (u128, RoomCommand)> {
    let seq = 1..60_u64;
    let who = (1..8_u128).prop_map(user);
    let role = prop_oneof![Just(RoomRole::Member), Just(RoomRole::Moderator), Just(RoomRole::Owner)];
    let act = prop_oneof![
        8 => ("[a-c]{0,3}", proptest::option::of(seq.clone())).prop_map(|(text, reply_to)| RoomCommand::Post { text, reply_to }),
        3 => (seq.clone(), "[d-f]{1,3}").prop_map(|(seq, text)| RoomCommand::Edit { seq, text }),
        3 => seq.clone().prop_map(|seq| RoomCommand::Delete { seq }),
        6 => (seq.clone(), any::<bool>()).prop_map(|(seq, on)| react(seq, Reaction::Fire, on)),
        3 => Just(RoomCommand::Join),
        1 => Just(RoomCommand::Leave),
        2 => who.clone().prop_map(|user| RoomCommand::Add { user }),
        1 => who.clone().prop_map(|user| RoomCommand::Remove { user }),
        1 => (seq.clone(), any::<bool>()).prop_map(|(seq, pinned)| RoomCommand::Pin { seq, pinned }),
        1 => (who.clone(), any::<bool>()).prop_map(|(user, banned)| RoomCommand::Ban { user, banned }),
        1 => (who.clone(), 0..2_u32).prop_map(|(user, for_s)| RoomCommand::Mute { user, for_s }),
        2 => seq.clone().prop_map(report),
        1 => (0..2_u16).prop_map(|seconds| RoomCommand::Slow { seconds }),
        1 => (who, role).prop_map(|(user, role)| RoomCommand::Appoint { user, role }),
    ];
    ((1..5_u128), act)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn numbers_have_no_hole_whatever_happens(commands in proptest::collection::vec(any_command(), 1..120), row in 1..40_u64) {
        let mut hand = Hand::team();
        for (n, act) in commands {
            let before = hand.events.len();
            let answer = hand.act(&caller(n, Role::Member), act);
            // Either it has a number and happened, or nothing did.
            let happened = hand.events.len() - before;
            prop_assert!(happened <= 1);
            if happened == 1 {
                prop_assert_eq!(answer, hand.events.len().to_string());
            }
        }
        let epoch = hand.room.position().epoch;
        let numbers: Vec<u64> = hand.published.iter().map(|(at, _)| at.offset).collect();
        prop_assert_eq!(numbers, (1..=hand.events.len() as u64).collect::<Vec<_>>(), "every saved event is told once, in order");
        prop_assert!(hand.published.iter().all(|(at, _)| at.epoch == epoch));
        // Whoever applies what is told sees what whoever reads it later sees.
        let mut seen: BTreeMap<u64, Message> = BTreeMap::new();
        for (at, event) in &hand.published {
            match event {
                RoomEvent::Posted { message } => {
                    prop_assert_eq!(message.seq, at.offset);
                    seen.insert(message.seq, message.clone());
                }
                RoomEvent::Edited { message } | RoomEvent::Deleted { message } => {
                    prop_assert!(seen.insert(message.seq, message.clone()).is_some());
                }
                RoomEvent::Reacted { toggles, .. } => {
                    for Toggle { seq, by, reaction, on } in toggles {
                        let reactions = &mut seen.get_mut(seq).expect("a message").reactions;
                        let mut users: Vec<UserId> = reactions.pop().map_or(Vec::new(), |reacted| reacted.by);
                        prop_assert_eq!(users.contains(by), !on, "only what changes something is told");
                        users.retain(|user| user != by);
                        users.extend(on.then_some(*by));
                        reactions.extend((!users.is_empty()).then_some(Reacted { reaction: *reaction, by: users }));
                    }
                }
                _ => {}
            }
        }
        for seq in 1..=hand.events.len() as u64 {
            prop_assert_eq!(hand.message(seq), seen.get(&seq).cloned());
        }
        prop_assert!(seen.values().all(|message| message.deleted_by.is_none() || message.text.is_empty()));
        // A reload from any row comes to the same room.
        let restored = hand.restored(row.min(hand.events.len() as u64));
        prop_assert_eq!(restored.stored(), hand.room.stored());
        prop_assert_eq!(restored.position(), hand.room.position());
    }
}
