//! Pictures of messages: sent before, shown once, gone with the message.

mod common;

use common::talk::*;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::room::Loose;
use fitconnect_protocol::report::{OnWords, Verdict};
use fitconnect_protocol::room::*;
use fitconnect_protocol::*;

fn image(n: u128) -> ImageId {
    ImageId(Uuid::from_u128(n))
}

fn sent(n: u128, by: u128, room: RoomId) -> Loose {
    Loose { room, by: user(by), picture: Picture { image: image(n), width: 4, height: 3 } }
}

fn show(text: &str, n: u128) -> RoomCommand {
    RoomCommand::Post { text: text.into(), reply_to: None, mentions: vec![], image: Some(image(n)) }
}

fn gallery() -> Hand {
    let mut hand = Hand::team();
    hand.act(&ben(), RoomCommand::Join);
    let elsewhere = RoomId(Uuid::from_u128(7));
    hand.sent = vec![sent(1, 1, ROOM), sent(2, 2, ROOM), sent(3, 1, elsewhere), sent(4, 1, ROOM)];
    hand
}

#[test]
fn one_shows_what_one_has_sent_to_this_room_and_each_picture_once() {
    let mut hand = gallery();
    assert_eq!(hand.act(&ana(), show("", 1)), "3", "a picture needs no words");
    assert_eq!(hand.message(3).expect("it").picture, Some(hand.sent[0].picture));
    assert_eq!(hand.hung, [(image(1), Some(3))]);
    for (picture, why) in [(1, "shown already"), (2, "another's"), (3, "of another room"), (9, "never sent")] {
        assert_eq!(hand.act(&ana(), show("look", picture)), "not_found", "{why}");
    }
    assert_eq!(hand.act(&ana(), post(" ")), "malformed", "without one there are words");
    assert_eq!(hand.act(&ana(), RoomCommand::Edit { seq: 3, text: String::new() }), "4");
    assert_eq!(hand.message(3).expect("it").picture.expect("it").width, 4, "an edit leaves it there");
    hand.store_is_up = false;
    assert_eq!(hand.act(&ana(), show("now", 4)), "retry");
}

#[test]
fn a_picture_goes_with_its_message() {
    let mut hand = gallery();
    hand.act(&ana(), show("mine", 1));
    hand.act(&ben(), show("his", 2));
    for n in 0..40 {
        hand.act(&ana(), post(&format!("{n}")));
    }
    assert_eq!(hand.act(&ana(), RoomCommand::Delete { seq: 3 }), "45", "far back: looked up");
    assert_eq!((hand.message(3).expect("it").picture, &hand.taken_down[..]), (None, &[3][..]));
    assert_eq!(hand.act(&ana(), report(4)), "45");
    let report = hand.filed[0].report.clone();
    assert_eq!(report.picture.map(|picture| picture.image), Some(image(2)), "those who decide see it");
    hand.act(&trainer(), RoomCommand::Decide { report: report.id, verdict: Verdict::Delete });
    assert_eq!(hand.taken_down, [3, 4]);
    hand.act(&ana(), RoomCommand::Delete { seq: 9 });
    assert_eq!(hand.taken_down, [3, 4], "words alone take nothing down");
}

#[test]
fn what_is_held_back_keeps_its_picture_for_those_who_decide() {
    let lexicon = Lexicon::new(OnWords::Report, ["дурак".to_owned()]).expect("a list");
    let mut hand = Hand { lexicon, ..gallery() };
    assert_eq!(hand.act(&ana(), show("дурак", 1)), "held");
    assert_eq!(hand.hung, [(image(1), None)]);
    let report = hand.filed[0].report.id;
    hand.act(&trainer(), RoomCommand::Decide { report, verdict: Verdict::Post });
    assert_eq!(hand.message(3).expect("posted").picture, Some(hand.sent[0].picture));
    assert_eq!(hand.hung[1], (image(1), Some(3)));
}
