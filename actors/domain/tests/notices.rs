//! What a room writes into people's inboxes.

mod common;

use common::talk::*;
use fitconnect_domain::LetterBody;
use fitconnect_protocol::notice::NoticeOf;
use fitconnect_protocol::report::Verdict;
use fitconnect_protocol::room::*;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;

/// Notices written since the last look: to whom, and what.
fn notices(hand: &mut Hand) -> Vec<(UserId, NoticeOf)> {
    let letters = std::mem::take(&mut hand.letters).into_iter();
    let notice = |letter: fitconnect_domain::Letter| match (letter.to, letter.body) {
        (fitconnect_domain::ActorKey::User(user), LetterBody::Notice { of, .. }) => Some((user, of)),
        _ => None,
    };
    letters.filter_map(notice).collect()
}

fn to(text: &str, reply_to: Option<u64>, mentions: &[UserId]) -> RoomCommand {
    RoomCommand::Post { text: text.into(), reply_to, mentions: mentions.to_vec(), image: None }
}

#[test]
fn whoever_is_named_or_answered_is_told_once() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    assert_eq!(notices(&mut hand), [], "who comes by themselves knows it");
    assert_eq!(hand.act(&ana(), to("@P2 @P3?", None, &[user(2), user(3), user(2), user(1)])), "3");
    let names: Vec<_> = hand.message(3).expect("it").mentions.into_iter().map(|mention| mention.name).collect();
    assert_eq!(names, ["P2", "P1"], "those who are in the room, each once");
    let told = notices(&mut hand);
    assert!(
        matches!(&told[..], [(who, NoticeOf::Mentioned { place })] if *who == user(2)
        && (place.seq, place.name.as_str(), place.room_name.as_str()) == (3, "P1", "Early birds")),
        "{told:?}"
    );
    hand.act(&ben(), to("yes", Some(3), &[]));
    assert!(
        matches!(&notices(&mut hand)[..], [(who, NoticeOf::Answered { place })] if *who == user(1) && place.seq == 4)
    );
    hand.act(&ben(), to("yes, @P1", Some(3), &[user(1)]));
    assert!(matches!(&notices(&mut hand)[..], [(_, NoticeOf::Mentioned { .. })]), "one notice, not two");
    hand.act(&ben(), to("I am", Some(4), &[]));
    assert_eq!(notices(&mut hand), [], "one's own");
    assert_eq!(hand.act(&ana(), to("all", None, &[user(2); 9])), "too_large");
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "7");
    assert_eq!(hand.message(3).expect("it").mentions, [], "a name is a word too");
}

#[test]
fn what_lies_far_back_is_looked_up_to_know_whose_it_is() {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    hand.act(&ben(), post("the first"));
    for n in 0..40 {
        hand.act(&ana(), post(&format!("{n}")));
    }
    notices(&mut hand);
    hand.act(&ana(), to("as he said", Some(3), &[]));
    assert!(matches!(&notices(&mut hand)[..], [(who, NoticeOf::Answered { .. })] if *who == user(2)));
    assert_eq!(hand.act(&ana(), to("a join is no message", Some(2), &[])), "45");
    assert_eq!(notices(&mut hand), []);
    hand.store_is_up = false;
    assert_eq!(hand.act(&ana(), to("again", Some(4), &[])), "retry", "memory has it no more");
}

#[test]
fn who_is_brought_in_or_judged_is_told() {
    let mut hand = Hand::team();
    hand.act(&ana(), RoomCommand::Add { user: user(2) });
    assert!(
        matches!(&notices(&mut hand)[..], [(who, NoticeOf::BroughtIn { name, .. })] if *who == user(2) && name == "P1")
    );
    hand.act(&trainer(), RoomCommand::Add { user: user(3) });
    assert!(matches!(&notices(&mut hand)[..], [(_, NoticeOf::BroughtIn { name, .. })] if name.is_empty()));
    assert_eq!(hand.act(&ben(), post("fool")), "4");
    hand.act(&caller(3, Role::Member), report(4));
    let id = hand.filed[0].report.id;
    hand.act(&ana(), RoomCommand::Decide { report: id, verdict: Verdict::Delete });
    let told = notices(&mut hand);
    let [
        (author, NoticeOf::Deleted { seq: 4, .. }),
        (reporter, NoticeOf::Decided { verdict: Verdict::Delete, held: false, .. }),
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((*author, *reporter), (user(2), user(3)));
    assert_eq!(notices(&mut Hand::direct()), [], "a talk of two is seen by itself");
}
