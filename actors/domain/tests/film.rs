//! Looking back at a class: what a film of it shows, and what it must not show.

mod common;

use common::*;
use fitconnect_domain::class::board::{self, View};
use fitconnect_domain::class::film::Stored;
use fitconnect_protocol::class::*;
use fitconnect_protocol::tick::{BoardRow, HEADER_BYTES, Header, ROW_BYTES, Signal};
use fitconnect_protocol::user::{Consent, ShowAs};
use fitconnect_protocol::*;
use std::collections::BTreeMap;

const RIDERS: u16 = 6;

fn stored(studio: &Studio) -> Stored {
    Stored { id: CLASS, changes: studio.host.changes.clone(), samples: studio.host.samples.clone() }
}

fn film(studio: &Studio, view: FilmView, from_s: i64, to_s: i64) -> Film {
    stored(studio).film(view, from_s * 1_000, to_s * 1_000, &BTreeMap::new()).expect("the class was there")
}

/// What a page that plays the film has on its screen after each of its seconds.
fn screens(film: &Film) -> BTreeMap<i64, BTreeMap<Slot, BoardRow>> {
    let mut rows = BTreeMap::new();
    let mut screens = BTreeMap::new();
    for heard in &film.heard {
        let Told::Tick { b } = &heard.what else { continue };
        let header = Header::decode(b).expect("a header");
        assert_eq!((header.class_ms, usize::from(header.rows)), (heard.at, (b.len() - HEADER_BYTES) / ROW_BYTES));
        if header.flags != 0 {
            rows.clear();
        }
        for row in b[HEADER_BYTES..].chunks_exact(ROW_BYTES).map(|row| BoardRow::decode(row).expect("a row")) {
            rows.insert(row.slot, row);
        }
        screens.insert(heard.at, rows.clone());
    }
    screens
}

fn lists(film: &Film) -> Vec<(i64, AttentionList)> {
    let list = |heard: &Heard| match &heard.what {
        Told::Attention { list } => Some((heard.at, list.clone())),
        _ => None,
    };
    film.heard.iter().filter_map(list).collect()
}

/// Six riders for five minutes: one falls silent, one goes far beyond the maximum, one leaves and comes back, two swap straps, the plan is moved.
fn class(mut each_second: impl FnMut(&mut Studio)) -> Studio {
    let (work, rest) = (SegmentKind::Work, SegmentKind::Recover);
    let mut studio = Studio::open(vec![segment(work, 120, None), segment(rest, 60, None), segment(work, 300, None)]);
    (0..RIDERS).for_each(|n| _ = studio.rider(n));
    studio.follow(&trainer(), fitconnect_protocol::session::Topic::Desk(CLASS));
    studio.plan(PlanAction::Start);
    for second in 0..300 {
        let people: Vec<(u16, u16)> =
            (0..RIDERS).filter(|n| *n != 1 || second < 80).map(|n| (n, bpm(n, second))).collect();
        studio.ride_all(&people, 1);
        match second {
            40 => _ = studio.accepted(&member(2), ClassCommand::Leave { slot: None, at: None }),
            70 => _ = studio.accepted(&member(2), ClassCommand::Join { seat: None, sensors: vec![] }),
            130 => _ = studio.staff(ClassCommand::Swap { a: 3, b: 4, from: SwapFrom::Now }),
            140 => _ = studio.staff(ClassCommand::Cue { text: "Breathe".into(), to: None, aim: None }),
            150 => _ = studio.staff(ClassCommand::Plan { action: PlanAction::Next, at: Some(153_000) }),
            _ => {}
        }
        each_second(&mut studio);
    }
    studio
}

fn bpm(n: u16, second: i64) -> u16 {
    // The golden maximum is 190.
    let over = if n == 5 && (90..180).contains(&second) { 80 } else { 0 };
    (110 + n as i64 * 4 + second / 6 + over).min(205) as u16
}

fn shown(studio: &Studio) -> BTreeMap<Slot, BoardRow> {
    let at = studio.now_ms();
    let rows = studio.host.class.riders().iter().filter_map(|rider| board::row(rider, at, View::Desk));
    rows.map(|row| (row.slot, row)).collect()
}

/// Of these people, what does not hang on the moment of a tick.
fn figures(rows: &BTreeMap<Slot, BoardRow>, of: impl Fn(&Slot) -> bool) -> Vec<[Option<u16>; 4]> {
    let rows = rows.iter().filter(|(slot, _)| of(slot)).map(|(_, row)| row);
    rows.map(|row| [row.bpm.map(u16::from), row.zone.map(u16::from), row.points, row.kcal]).collect()
}

#[test]
fn a_film_shows_what_the_desk_showed() {
    let mut live = BTreeMap::new();
    let studio = class(|studio| _ = live.insert(studio.now_ms(), shown(studio)));
    let film = film(&studio, FilmView::Desk, 1, 300);
    let screens = screens(&film);
    assert_eq!((screens.len(), film.from, film.to), (300, 1_000, 300_000));
    for (at, rows) in &screens {
        // The desk shows the sample of a second with the next tick; what was done between two seconds, it shows before the film does.
        let done = [41, 71, 131].map(|second| second * 1_000);
        let Some(lived) = live.get(&(at + 1_000)).filter(|_| !done.contains(&(at + 1_000))) else { continue };
        let heard = |slot: &Slot| rows[slot].signal == Signal::Live;
        assert_eq!(figures(rows, heard), figures(lived, heard), "at {at}");
    }
    let silent = &screens[&100_000][&1];
    assert_eq!((silent.signal, silent.bpm), (Signal::LostSensor, None));
    assert_eq!(screens[&60_000][&2].signal, Signal::Left);
    assert_eq!(screens[&75_000][&2].signal, Signal::Live);
    let told: Vec<&ClassEvent> = film
        .heard
        .iter()
        .filter_map(|heard| match &heard.what {
            Told::Event { e } => Some(e),
            _ => None,
        })
        .collect();
    assert!(told.iter().any(|event| matches!(event, ClassEvent::Cue { text } if text == "Breathe")));
    assert!(told.iter().any(|event| matches!(event, ClassEvent::Plan { action: PlanAction::Next, at: 153_000, .. })));
}

#[test]
fn a_film_lists_what_the_trainer_had_to_look_at() {
    let mut live = BTreeMap::new();
    let studio = class(|studio| {
        let kinds = |list: AttentionList| list.items.into_iter().map(|item| (item.kind, item.slot)).collect::<Vec<_>>();
        live.insert(studio.now_ms(), kinds(studio.host.class.attention()));
    });
    let film = film(&studio, FilmView::Desk, 1, 300);
    for (kind, slot) in [(AttentionKind::SensorLost, Some(1)), (AttentionKind::OverMax, Some(5))] {
        let lived = live.iter().find(|(_, items)| items.contains(&(kind, slot))).map(|(at, _)| *at);
        let lived = lived.expect("it was raised");
        let filmed = lists(&film)
            .into_iter()
            .find(|(_, list)| list.items.iter().any(|item| (item.kind, item.slot) == (kind, slot)));
        let filmed = filmed.expect("the film has it").0;
        assert!((filmed - lived).abs() <= 1_000, "{kind:?}: {filmed} for {lived}");
    }
}

#[test]
fn what_somebody_had_seen_to_before_the_film_begins_stands_as_seen() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 600, None)]);
    studio.rider(0);
    studio.follow(&trainer(), fitconnect_protocol::session::Topic::Desk(CLASS));
    studio.plan(PlanAction::Start).ride(0, 30, 120);
    studio.accepted(&member(0), ClassCommand::Sos { on: true });
    studio.ride(0, 5, 120);
    let item = studio.host.class.attention().items[0].item;
    studio.staff(ClassCommand::Acknowledge { item });
    studio.ride(0, 60, 120);
    let film = film(&studio, FilmView::Desk, 50, 80);
    let (at, first) = &lists(&film)[0];
    let items: Vec<_> = first.items.iter().map(|item| (item.kind, item.acknowledged_by)).collect();
    assert_eq!((*at, items), (50_000, vec![(AttentionKind::Sos, Some(trainer().user))]));
}

#[test]
fn wherever_a_film_begins_it_shows_the_same() {
    let studio = class(|_| ());
    let whole = screens(&film(&studio, FilmView::Desk, 1, 300));
    for from in [2, 41, 69, 85, 100, 131, 152, 170, 250] {
        let part = film(&studio, FilmView::Desk, from, (from + 40).min(300));
        for (at, rows) in screens(&part) {
            assert_eq!(whole[&at], rows, "from {from} at {at}");
        }
    }
}

#[test]
fn late_samples_are_where_they_belong() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 120, None)]);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 30, 120);
    // Twenty seconds of the strap come all at once, when they are over.
    studio.at(50);
    let rows = (30..50).map(|second| hr(second * 1_000, 150)).collect();
    studio.send(0, strap(0).source, 30, rows);
    studio.ride(0, 10, 150);
    let screens = screens(&film(&studio, FilmView::Desk, 25, 60));
    let seen: Vec<Option<u8>> = [29, 31, 40, 49].map(|second| screens[&(second * 1_000)][&0].bpm).into();
    assert_eq!(seen, [Some(120), Some(150), Some(150), Some(150)]);
}

#[test]
fn a_film_shows_nobody_more_than_was_or_is_allowed() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 120, None)]);
    let alias = Consent { show_on_board: ShowAs::Alias, show_hr: false, ..open_consent() };
    studio.join(0, golden_profile(250), open_consent(), vec![strap(0)]);
    studio.join(1, golden_profile(250), open_consent(), vec![strap(1)]);
    studio.join(2, golden_profile(250), alias, vec![strap(2)]);
    studio.plan(PlanAction::Start).ride_all(&[(0, 130), (1, 140), (2, 150)], 60);
    let hidden = Consent { show_on_board: ShowAs::Hidden, share_with_trainer: false, ..open_consent() };
    let now = BTreeMap::from([(member(1).user, hidden), (member(2).user, open_consent())]);
    let board = stored(&studio).film(FilmView::Board, 30_000, 60_000, &now).expect("a film");
    let names: Vec<&str> = board.people.roster.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["Member 0", "№ 3"]);
    let last = &screens(&board)[&60_000];
    assert_eq!(last.keys().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!((last[&0].bpm, last[&2].bpm), (Some(130), None));
    assert!(lists(&board).is_empty(), "the list is the trainer's");
    let desk = stored(&studio).film(FilmView::Desk, 30_000, 60_000, &now).expect("a film");
    assert_eq!(screens(&desk)[&60_000][&1].bpm, None, "what is no longer shared is no longer seen");
}

#[test]
fn before_a_class_was_made_there_is_nothing_to_see() {
    let studio = class(|_| ());
    assert!(stored(&studio).film(FilmView::Desk, -1_000, 5_000, &BTreeMap::new()).is_none());
}

#[test]
fn a_class_that_has_ended_is_seen_to_its_end() {
    let mut studio = Studio::open(vec![segment(SegmentKind::Work, 60, None)]);
    studio.rider(0);
    studio.plan(PlanAction::Start).ride(0, 60, 120);
    studio.at(60 + limits::COOLING_MS / 1_000 + 10);
    assert_eq!(studio.host.class.phase_at(studio.now_ms()), Phase::Settled);
    let seen = film(&studio, FilmView::Board, 50, 60 + limits::COOLING_MS / 1_000 + 10);
    assert_eq!(seen.class.phase, Phase::Live);
    let phases: Vec<Phase> = seen
        .heard
        .iter()
        .filter_map(|heard| match &heard.what {
            Told::Event { e: ClassEvent::Phase { phase, .. } } => Some(*phase),
            _ => None,
        })
        .collect();
    assert_eq!(phases, [Phase::Cooling, Phase::Finished]);
    assert_eq!(screens(&seen)[&59_000][&0].bpm, Some(120));
}
