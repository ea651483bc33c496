//! Which rows of the board a person's pages leave out.

mod common;

use common::*;
use fitconnect_domain::class::by_hand::Store;
use fitconnect_domain::class::{Caller, Input};
use fitconnect_protocol::class::SegmentKind;
use fitconnect_protocol::limits::HIDDEN_ASKS_MAX;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::{Consent, ShowAs};
use fitconnect_protocol::{ErrorCode, GymId, Slot, Uuid};

fn hidden(studio: &mut Studio, n: u16) -> Vec<Slot> {
    match studio.host.send(Input::Hidden { by: member(n) }) {
        Some(Response::Hidden { class, slots }) if class == CLASS => slots,
        other => panic!("{other:?}"),
    }
}

fn refused(studio: &mut Studio, by: Caller) -> ErrorCode {
    match studio.host.send(Input::Hidden { by: by.into() }) {
        Some(Response::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    }
}

fn block(studio: &mut Studio, by: u16, user: u16) {
    let (ana, ben) = (member(by).user, member(user).user);
    studio.host.people.get_mut(&ana).expect("known").blocks.own.insert(ben, "Ben".into());
    studio.host.people.get_mut(&ben).expect("known").blocks.others.insert(ana);
}

#[test]
fn the_rows_of_the_blocked_are_named_to_both_and_to_nobody_else() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    for n in 0..4 {
        studio.rider(n);
    }
    assert_eq!(hidden(&mut studio, 0), [0; 0]);
    block(&mut studio, 0, 2);
    block(&mut studio, 3, 0);
    assert_eq!([0, 1, 2, 3].map(|n| hidden(&mut studio, n)), [vec![2, 3], vec![], vec![0], vec![0]]);
}

#[test]
fn a_row_under_another_name_is_not_hidden_for_that_would_tell_whose_it_is() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    studio.rider(0);
    for (n, show_on_board) in [(1, ShowAs::Alias), (2, ShowAs::Hidden), (3, ShowAs::Name)] {
        studio.join(n, golden_profile(250), Consent { show_on_board, ..open_consent() }, vec![strap(n)]);
        block(&mut studio, 0, n);
    }
    assert_eq!(hidden(&mut studio, 0), [3]);
}

#[test]
fn strangers_are_told_nothing_and_a_store_that_fails_is_said() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    studio.rider(0);
    let elsewhere = Caller { gym: GymId(Uuid::from_u128(77)), ..(*member(0)).clone() };
    assert_eq!(refused(&mut studio, elsewhere), ErrorCode::NotFound);
    studio.host.store = Store::Down;
    assert_eq!(refused(&mut studio, (*member(0)).clone()), ErrorCode::Retry);
    studio.host.store = Store::Slow;
    for _ in 0..HIDDEN_ASKS_MAX {
        assert_eq!(studio.host.send(Input::Hidden { by: member(0) }), None, "it waits");
    }
    assert_eq!(refused(&mut studio, (*member(0)).clone()), ErrorCode::RateLimited);
}
