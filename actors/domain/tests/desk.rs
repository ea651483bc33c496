//! What trainers do at their desks besides moving the plan: who leads, and private words to one person.

mod common;

use common::*;
use fitconnect_domain::class::{Caller, Input, Link, Publish};
use fitconnect_protocol::class::*;
use fitconnect_protocol::session::{Response, Snapshot, Topic};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::*;
use std::sync::Arc;

/// The one who can take over.
fn second() -> Arc<Caller> {
    Arc::new(Caller { name: "Oleg".into(), ..(*caller(60_001, Role::Trainer)).clone() })
}

/// A live class with so many riders and one trainer at the desk.
fn studio(riders: u16) -> Studio {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 3_600, None)]);
    for n in 0..riders {
        studio.rider(n);
    }
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    studio
}

fn drive(on: bool) -> ClassCommand {
    ClassCommand::Drive { on }
}
fn pause() -> ClassCommand {
    ClassCommand::Plan { action: PlanAction::Pause, at: None }
}
fn whisper(to: Slot, aim: Option<Aim>) -> ClassCommand {
    ClassCommand::Cue { text: "Ease off a little".into(), to: Some(to), aim }
}

/// The newest that the desks were told of the staff: who drives, and who is here.
fn staff_told(studio: &Studio) -> (Option<String>, usize) {
    let told = studio.host.published.iter().rev().find_map(|publish| match publish {
        Publish::Event { topic: Topic::Desk(_), event: ClassEvent::Staff(view), .. } => Some(view.clone()),
        _ => None,
    });
    let view = told.expect("the desks are told of the staff");
    (view.driver.map(|driver| driver.name), view.here.len())
}

/// The newest that the desks were told of private words: shown, acted upon.
fn whisper_told(studio: &Studio) -> (bool, bool) {
    let told = studio.host.published.iter().rev().find_map(|publish| match publish {
        Publish::Event { topic: Topic::Desk(_), event: ClassEvent::Whisper(view), .. } => Some(view.clone()),
        _ => None,
    });
    let view = told.expect("the desks are told of the words");
    (view.shown.is_some(), view.acted.is_some())
}

fn whispered_to(studio: &Studio, who: &Caller) -> usize {
    let to = |publish: &&Publish| matches!(publish, Publish::Direct { session, response: Response::Whisper { .. } } if *session == who.session);
    studio.host.published.iter().filter(to).count()
}

#[test]
fn while_one_drives_another_must_take_over_first() {
    let mut studio = studio(1);
    studio.follow(&second(), Topic::Desk(CLASS));
    studio.accepted(&trainer(), drive(true));
    studio.at(2);
    assert_eq!(staff_told(&studio), (Some("Trainer".into()), 2));
    assert_eq!(studio.refused(&second(), pause()), ErrorCode::NotDriving);
    assert_eq!(studio.refused(&second(), drive(false)), ErrorCode::NotDriving);
    studio.accepted(&second(), drive(true));
    studio.accepted(&second(), pause());
    assert_eq!(studio.refused(&trainer(), ClassCommand::Undo { id: 2 }), ErrorCode::NotDriving);
    assert_eq!(staff_told(&studio).0, Some("Oleg".into()));
}

#[test]
fn who_lets_go_hands_over_to_whoever_comes() {
    let mut studio = studio(1);
    studio.accepted(&trainer(), drive(true));
    studio.accepted(&trainer(), drive(true));
    studio.accepted(&trainer(), drive(false));
    studio.at(2);
    assert_eq!(staff_told(&studio).0, None);
    studio.accepted(&second(), pause());
    assert_eq!(studio.refused(&member(0), drive(true)), ErrorCode::Forbidden);
}

#[test]
fn who_drives_is_known_after_a_restart() {
    let mut studio = studio(1);
    studio.accepted(&second(), drive(true));
    studio.accepted(&trainer(), whisper(0, None));
    studio.host.restart();
    assert_eq!(studio.refused(&trainer(), pause()), ErrorCode::NotDriving);
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
}

#[test]
fn urgent_items_go_on_at_once_where_the_one_who_drives_is_away() {
    let escalated = |studio: &Studio| studio.host.class.attention().items[0].escalated;
    let mut studio = studio(1);
    studio.follow(&second(), Topic::Desk(CLASS));
    studio.accepted(&trainer(), drive(true));
    studio.at(2);
    studio.accepted(&member(0), ClassCommand::Sos { on: true });
    studio.at(4);
    assert!(!escalated(&studio), "the one who drives has half a minute");
    studio.host.send(Input::Link { session: trainer().session, link: Link::Down });
    studio.at(6);
    assert!(escalated(&studio), "the second trainer is there alone");
}

#[test]
fn private_words_are_sent_shown_and_acted_upon() {
    let mut studio = studio(2);
    studio.follow(&member(0), Topic::Class(CLASS));
    studio.ride(0, 30, 160);
    studio.accepted(&trainer(), whisper(0, Some(Aim::Ease)));
    assert_eq!((whispered_to(&studio, &member(0)), whisper_told(&studio)), (1, (false, false)));
    assert_eq!(studio.refused(&member(1), ClassCommand::Shown { whisper: 1 }), ErrorCode::Gone);
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
    assert_eq!(whisper_told(&studio), (true, false));
    studio.ride(0, 10, 157);
    assert_eq!(whisper_told(&studio), (true, false), "three beats are the heart's own");
    studio.ride(0, 10, 154);
    assert_eq!(whisper_told(&studio), (true, true));
}

#[test]
fn what_became_of_private_words_is_known_after_a_restart() {
    let mut studio = studio(1);
    studio.follow(&member(0), Topic::Class(CLASS));
    studio.ride(0, 30, 160);
    studio.accepted(&trainer(), whisper(0, Some(Aim::Ease)));
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
    studio.host.restart();
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.ride(0, 10, 150);
    assert_eq!(whisper_told(&studio), (true, true));
    studio.host.restart();
    studio.follow(&second(), Topic::Desk(CLASS));
    let Some((_, Snapshot::Board(board))) = studio.host.snapshots.last() else { panic!("a snapshot of the desk") };
    assert!(board.whispers[0].acted.is_some());
}

#[test]
fn what_the_heart_does_is_not_told_of_one_who_does_not_share_it() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 3_600, None)]);
    studio.rider(0);
    let consent = user::Consent { share_with_trainer: false, ..open_consent() };
    studio.host.send(Input::Letter(fitconnect_domain::LetterBody::Consent { user: member(0).user, consent, rev: 2 }));
    studio.follow(&trainer(), Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    studio.ride(0, 30, 160);
    studio.accepted(&trainer(), whisper(0, Some(Aim::Ease)));
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
    studio.ride(0, 30, 120);
    assert_eq!(whisper_told(&studio), (true, false));
}

#[test]
fn a_phone_that_was_away_is_told_when_it_comes_back() {
    let mut studio = studio(1);
    studio.accepted(&trainer(), whisper(0, None));
    assert_eq!(whispered_to(&studio, &member(0)), 0);
    studio.at(20);
    studio.follow(&member(0), Topic::Class(CLASS));
    assert_eq!(whispered_to(&studio, &member(0)), 1);
    studio.accepted(&member(0), ClassCommand::Shown { whisper: 1 });
    studio.follow(&member(0), Topic::Class(CLASS));
    assert_eq!(whispered_to(&studio, &member(0)), 1, "once shown, it is not told again");
}

#[test]
fn words_to_the_hall_have_no_aim_and_a_new_desk_finds_the_newest_to_each() {
    let mut studio = studio(1);
    let aimed = ClassCommand::Cue { text: "Faster".into(), to: None, aim: Some(Aim::Push) };
    assert_eq!(studio.refused(&trainer(), aimed), ErrorCode::Malformed);
    studio.accepted(&trainer(), whisper(0, None));
    studio.accepted(&trainer(), whisper(0, Some(Aim::Push)));
    studio.follow(&second(), Topic::Desk(CLASS));
    let Some((_, Snapshot::Board(board))) = studio.host.snapshots.last() else { panic!("a snapshot of the desk") };
    assert_eq!(board.whispers.iter().map(|each| (each.id, each.aim)).collect::<Vec<_>>(), [(2, Some(Aim::Push))]);
}

#[test]
fn a_move_can_be_taken_back_for_five_seconds_of_the_trainers_however_fast_the_class_runs() {
    let mut fast = facts(vec![segment(SegmentKind::Work, 3_600, None)]);
    fast.clock.rate = 20;
    let mut studio = Studio::with(fast);
    studio.plan(PlanAction::Start).at(60);
    let paused = |studio: &mut Studio| match studio.staff(ClassCommand::Plan { action: PlanAction::Pause, at: None }) {
        Response::Planned { id, .. } => id,
        other => panic!("not planned: {other:?}"),
    };
    let id = paused(&mut studio);
    studio.at(60 + 4 * 20).staff(ClassCommand::Undo { id });
    let id = paused(&mut studio);
    studio.at(60 + 10 * 20);
    assert_eq!(studio.refused(&trainer(), ClassCommand::Undo { id }), ErrorCode::TooLate);
}

/// What a new desk finds in the basket, and what an open one was told last.
fn loose(studio: &mut Studio) -> (Vec<SourceId>, Vec<SourceId>) {
    studio.host.advance(1_000);
    let told = studio.host.published.iter().rev().find_map(|publish| match publish {
        Publish::Event { event: ClassEvent::Loose { sensors }, .. } => Some(sensors.clone()),
        _ => None,
    });
    studio.host.send(Input::Unsubscribe { session: second().session, topic: Topic::Desk(CLASS) });
    studio.follow(&second(), Topic::Desk(CLASS));
    let Some((_, Snapshot::Board(board))) = studio.host.snapshots.last() else { panic!("a snapshot of the desk") };
    let sources = |sensors: &[Sensor]| sensors.iter().map(|sensor| sensor.source).collect::<Vec<_>>();
    (sources(&board.loose), sources(&told.unwrap_or_default()))
}

#[test]
fn straps_that_the_hall_hears_and_nobody_wears_are_handed_out_at_the_desk() {
    let mut studio = studio(1);
    let hub = caller(50_000, Role::Hub);
    let hears = |n: u16| ClassCommand::Pair { sensor: strap(n), slot: None };
    assert_eq!(loose(&mut studio).0, []);
    studio.accepted(&hub, hears(70));
    studio.at(5);
    studio.accepted(&hub, hears(71));
    studio.accepted(&hub, hears(70));
    let both = vec![strap(71).source, strap(70).source];
    assert_eq!(loose(&mut studio), (both.clone(), both));
    // A walk-in, and a strap from the basket.
    let guest = ClassCommand::Admit { user: None, guest: Some("Walk-in".into()), seat: None, sensors: vec![] };
    let Response::Joined { slot } = studio.accepted(&trainer(), guest) else { panic!("not let in") };
    studio.accepted(&trainer(), ClassCommand::Pair { sensor: strap(70), slot: Some(slot) });
    assert_eq!(loose(&mut studio), (vec![strap(71).source], vec![strap(71).source]));
    assert_eq!(studio.refused(&hub, ClassCommand::Pair { sensor: strap(72), slot: Some(slot) }), ErrorCode::Forbidden);
    // It is laid back when its wearer goes home.
    studio.accepted(&trainer(), ClassCommand::Leave { slot: Some(slot), at: None });
    assert_eq!(loose(&mut studio).0, [strap(70).source, strap(71).source]);
}
