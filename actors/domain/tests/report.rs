//! Messages that members point at, what is decided about them, and words that a gym does not want to read.

mod common;

use common::talk::*;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::report::Filed;
use fitconnect_domain::room::Input;
use fitconnect_domain::{ActorKey, Letter, LetterBody};
use fitconnect_protocol::notice::NoticeOf;
use fitconnect_protocol::report::{OnWords, ReportReason, Verdict};
use fitconnect_protocol::room::*;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;

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
    let decided = |letter: &&Letter| matches!(&letter.body, LetterBody::Notice { of: NoticeOf::Decided { .. }, .. });
    let told: Vec<ActorKey> = hand.letters.iter().filter(decided).map(|letter| letter.to).collect();
    assert_eq!(told, [user(1), user(3)].map(ActorKey::User), "all who had reported it hear of it");
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
    let reply =
        RoomCommand::Post { text: "сам дурак".into(), reply_to: Some(1), mentions: vec![], image: None };
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
