//! A room told as a story, and with commands in any order: numbers without a hole, nothing said that was not saved, nothing kept of what
//! was deleted.

mod common;

use common::talk::*;
use fitconnect_domain::class::Caller;
use fitconnect_domain::out::FollowFrom;
use fitconnect_domain::room::{Input, Room};
use fitconnect_domain::user::Blocks;
use fitconnect_domain::{ActorKey, Letter, LetterBody};
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::{NotRecovered, Position, Response, Snapshot};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[test]
fn whoever_is_in_it_writes_and_reads() {
    let mut hand = Hand::team();
    assert_eq!(hand.act(&ben(), post("hi")), "not_member");
    assert_eq!(hand.follow(&ben(), None), None);
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "2");
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "2", "he is in it already");
    assert_eq!(hand.act(&ben(), post("hi\nall")), "3");
    assert_eq!(
        hand.act(&ana(), RoomCommand::Post { text: "hi".into(), reply_to: Some(3), mentions: vec![], image: None }),
        "4"
    );
    assert_eq!(
        hand.act(&ana(), RoomCommand::Post { text: "hi".into(), reply_to: Some(9), mentions: vec![], image: None }),
        "no_message"
    );
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
fn members_come_by_name_page_by_page_each_once() {
    let mut hand = Hand::team();
    for n in 100..220_u128 {
        assert!(hand.act(&caller(n, Role::Member), RoomCommand::Join).parse::<u64>().is_ok());
    }
    let all = |hand: &mut Hand, q: &str| {
        let (mut all, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let (names, next) = hand.members(&ana(), q, after).expect("a page");
            sizes.push(names.len());
            all.extend(names);
            match next {
                Some(_) => after = next,
                None => return (all, sizes),
            }
        }
    };
    let (names, sizes) = all(&mut hand, "");
    assert_eq!((names.len(), sizes), (121, vec![50, 50, 21]), "those of one name do not get lost between two pages");
    assert!(names.is_sorted(), "{names:?}");
    let called = |q: &str| names.iter().filter(|name| name.to_lowercase() == q).count();
    assert_eq!(all(&mut hand, "Pa").1, [called("pa")]);
    assert_eq!(all(&mut hand, "pa pb").1, [0]);
    assert_eq!(hand.members(&ben(), "", None), Err(ErrorCode::NotMember));
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
    assert_eq!(made(&ana(), RoomKind::Team, Fixed, &[user(2)]), "malformed", "nobody could leave");
    assert_eq!(made(&trainer(), RoomKind::Challenge, Fixed, &[user(2)]), "malformed");
    let crowd: Vec<UserId> = (20..90).map(user).collect();
    assert_eq!(made(&ana(), RoomKind::Team, Invited, &crowd), "too_large");
}

#[test]
fn of_two_nobody_is_above_the_other() {
    for (by, kind, seq) in [(ana(), RoomKind::Direct, 2), (trainer(), RoomKind::Trainer, 2)] {
        let mut hand = Hand::new();
        let id = if kind == RoomKind::Direct { RoomId::direct(by.user, user(2)) } else { ROOM };
        hand.room = Room::new(id);
        assert_eq!(hand.act(&by, create(kind, JoinRule::Fixed, &[user(2)])), "1");
        assert_eq!(hand.act(&ben(), post("mine")), "2");
        for act in [
            RoomCommand::Delete { seq },
            RoomCommand::Appoint { user: user(2), role: RoomRole::Moderator },
            RoomCommand::Slow { seconds: 30 },
            RoomCommand::Mute { user: user(2), for_s: 60 },
            RoomCommand::Ban { user: user(2), banned: true },
        ] {
            assert_eq!(hand.act(&by, act.clone()), "forbidden", "{kind:?} {act:?}");
        }
        assert_eq!(hand.act(&ben(), RoomCommand::Delete { seq }), "3");
    }
}

#[test]
fn at_the_front_desk_staff_keep_order() {
    let mut hand = Hand::new();
    assert_eq!(hand.act(&ana(), create(RoomKind::Support, JoinRule::Invited, &[])), "1");
    assert_eq!(hand.act(&trainer(), RoomCommand::Join), "2");
    assert_eq!(hand.act(&trainer(), post("how can I help?")), "3");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Mute { user: user(9), for_s: 60 }), "forbidden");
    assert_eq!(hand.act(&ana(), RoomCommand::Add { user: user(2) }), "forbidden");
    assert_eq!(hand.act(&trainer(), RoomCommand::Delete { seq: 3 }), "4");
}

#[test]
fn who_was_never_here_is_banned_only_if_they_could_come() {
    let mut hand = Hand::team();
    let ban = |n| RoomCommand::Ban { user: user(n), banned: true };
    assert_eq!(hand.act(&ana(), ban(5)), "not_found", "of another gym");
    assert_eq!(hand.act(&ana(), ban(6)), "not_found", "nobody");
    assert_eq!(hand.act(&ana(), ban(2)), "2");
    assert_eq!(hand.act(&ben(), RoomCommand::Join), "forbidden");
    hand.store_is_up = false;
    let back = RoomCommand::Ban { user: user(2), banned: false };
    assert_eq!(hand.act(&ana(), back), "3", "nobody is looked up to be let back");
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

fn any_command() -> impl Strategy<Value = (u128, RoomCommand)> {
    let seq = 1..60_u64;
    let who = (1..8_u128).prop_map(user);
    let role = prop_oneof![Just(RoomRole::Member), Just(RoomRole::Moderator), Just(RoomRole::Owner)];
    let act = prop_oneof![
        8 => ("[a-c]{0,3}", proptest::option::of(seq.clone())).prop_map(|(text, reply_to)| RoomCommand::Post { text, reply_to, mentions: vec![], image: None }),
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

#[test]
fn of_two_each_is_told_how_far_the_other_is() {
    let mut hand = Hand::direct();
    for n in 2..=4 {
        assert_eq!(hand.act(&ana(), post(&n.to_string())), n.to_string());
    }
    hand.reads = BTreeMap::from([(user(2), 2)]);
    hand.follow(&ana(), None);
    assert_eq!(std::mem::take(&mut hand.marks), [(user(2), 2, 2)], "as his row says");
    let got = |hand: &mut Hand, through| _ = hand.give(Input::Got { by: ben(), through });
    got(&mut hand, 4);
    got(&mut hand, 4);
    got(&mut hand, 3);
    assert_eq!(std::mem::take(&mut hand.marks), [(user(2), 4, 2)], "what is told rises");
    hand.give(Input::Read { user: user(2), through: 900 });
    assert_eq!(std::mem::take(&mut hand.marks), [(user(2), 4, 4)], "nobody reads what is not written");
    hand.give(Input::Got { by: caller(3, Role::Member), through: 4 });
    hand.follow(&ana(), None);
    assert_eq!(std::mem::take(&mut hand.marks), [(user(2), 4, 4)], "whoever comes again is told again");
    hand.give(Input::Letter(LetterBody::Blocked { by: user(2), user: user(1), blocked: true }));
    hand.follow(&ana(), None);
    hand.give(Input::Read { user: user(1), through: 4 });
    assert_eq!(hand.marks, [], "between the blocked nothing is told");

    let mut team = Hand::team();
    team.give(Input::Got { by: ana(), through: 1 });
    team.give(Input::Read { user: user(1), through: 1 });
    assert_eq!(team.marks, [], "a team would be told of everybody");
}
