//! High fives: who gives and gets, what is told, and what stays.

mod common;

use common::*;
use fitconnect_domain::LetterBody;
use fitconnect_domain::class::{Input, Publish};
use fitconnect_domain::user::Blocks;
use fitconnect_protocol::class::PlanAction;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::{Consent, ShowAs};
use fitconnect_protocol::{SessionId, Slot};

/// Riders who follow the board: the `n`-th has place `n`.
fn studio(riders: u16) -> Studio {
    let mut studio = Studio::open(vec![segment(fitconnect_protocol::class::SegmentKind::Work, 3_600, None)]);
    for n in 0..riders {
        studio.rider(n);
        studio.follow(&member(n), Topic::Board(CLASS));
    }
    studio.plan(PlanAction::Start);
    studio.host.advance(500);
    studio.host.published.clear();
    studio
}

fn give(studio: &mut Studio, n: u16, to: Option<Slot>) {
    studio.host.send(Input::Five { by: member(n), to });
}

/// What each was told since the last look: session's person, how many, of whom, in all.
fn told(studio: &mut Studio) -> Vec<(u16, u32, Vec<String>, u32)> {
    studio.host.advance(TICK_MS + 10);
    let person = |session: SessionId| session.0.as_u128() as u16;
    let told = studio.host.published.drain(..).filter_map(|publish| match publish {
        Publish::Passing { session, response: Response::Fives { count, names, total, .. } } => {
            Some((person(session), count, names, total))
        }
        _ => None,
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

fn names(of: &[u16]) -> Vec<String> {
    of.iter().map(|n| format!("Member {n}")).collect()
}

#[test]
fn hands_of_one_tick_are_told_together_with_three_names() {
    let mut studio = studio(6);
    for n in 1..6 {
        give(&mut studio, n, Some(0));
    }
    give(&mut studio, 1, None);
    assert_eq!(
        told(&mut studio),
        [
            (0, 6, names(&[1, 2, 3]), 6),
            (2, 1, names(&[1]), 1),
            (3, 1, names(&[1]), 1),
            (4, 1, names(&[1]), 1),
            (5, 1, names(&[1]), 1)
        ],
        "five to one person, one to all the others; nobody gets their own"
    );
    assert_eq!(told(&mut studio), [], "once");
}

#[test]
fn whoever_claps_too_often_is_passed_over() {
    let mut studio = studio(2);
    for _ in 0..5 {
        give(&mut studio, 0, Some(1));
        give(&mut studio, 0, None);
    }
    assert_eq!(told(&mut studio), [(1, 2, names(&[0]), 2)]);
    studio.host.advance(FIVE_EVERY_MS);
    give(&mut studio, 0, Some(1));
    give(&mut studio, 0, None);
    assert_eq!(told(&mut studio), [(1, 1, names(&[0]), 3)], "one again, all not yet");
}

#[test]
fn whoever_hides_from_the_board_gives_none_and_gets_none() {
    let mut studio = studio(3);
    let hidden = Consent { show_on_board: ShowAs::Hidden, ..open_consent() };
    let letter = LetterBody::Consent { user: member(2).user, rev: 2, consent: hidden };
    studio.host.send(Input::Letter(letter));
    give(&mut studio, 2, None);
    give(&mut studio, 2, Some(0));
    give(&mut studio, 0, None);
    give(&mut studio, 0, Some(2));
    assert_eq!(told(&mut studio), [(1, 1, names(&[0]), 1)]);
}

#[test]
fn nothing_goes_between_the_blocked_whoever_of_the_two_wanted_it() {
    let mut studio = studio(4);
    let (ben, cem) = (member(1).user, member(2).user);
    let blocks = Blocks { own: [(ben, "Ben".into())].into(), others: [cem].into() };
    studio.host.people.get_mut(&member(0).user).expect("known").blocks = blocks;
    give(&mut studio, 0, None);
    give(&mut studio, 0, Some(1));
    assert_eq!(told(&mut studio), [(3, 1, names(&[0]), 1)], "neither whom one blocked nor who blocked one");
    // Taken back: the class is told, and reads it anew.
    studio.host.people.get_mut(&member(0).user).expect("known").blocks = Blocks::default();
    studio.host.send(Input::Letter(LetterBody::Blocked { by: member(0).user, user: ben, blocked: false }));
    studio.host.advance(FIVE_ALL_EVERY_MS);
    give(&mut studio, 0, None);
    assert_eq!(told(&mut studio).len(), 3, "all of them again");
}

#[test]
fn what_was_got_stays_over_a_restart_and_stands_in_the_summary() {
    let mut studio = studio(3);
    give(&mut studio, 0, Some(1));
    give(&mut studio, 2, Some(1));
    assert_eq!(told(&mut studio), [(1, 2, names(&[0, 2]), 2)]);
    studio.host.advance(FIVES_SAVED_MS + 500);
    studio.host.restart();
    studio.follow(&member(1), Topic::Board(CLASS));
    studio.host.advance(500);
    studio.host.published.clear();
    give(&mut studio, 0, Some(1));
    assert_eq!(told(&mut studio), [(1, 1, names(&[0]), 3)]);
    studio.plan(PlanAction::End);
    studio.host.advance(COOLING_MS as u64 + 60_000);
    let of = |slot: Slot| studio.summaries().into_iter().rfind(|(of, _)| *of == slot).expect("settled").1.fives;
    assert_eq!((of(0), of(1), of(2)), (0, 3, 0));
}

#[test]
fn a_large_class_is_told_once_a_second() {
    let mut studio = studio(BOARD_WHOLE_MAX as u16 + 2);
    studio.host.advance(2_000);
    studio.host.published.clear();
    give(&mut studio, 0, None);
    assert_eq!(told(&mut studio).len(), BOARD_WHOLE_MAX + 1);
    give(&mut studio, 1, None);
    assert_eq!(told(&mut studio), [], "not with each tick");
    studio.host.advance(FIVES_TOLD_LARGE_MS);
    assert_eq!(told(&mut studio).len(), BOARD_WHOLE_MAX + 1);
}
