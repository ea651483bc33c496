use super::*;
use fitconnect_domain::class::io::Rows;
use fitconnect_protocol::class::ClassEvent;
use fitconnect_protocol::codec::decode_response;
use fitconnect_protocol::limits::{ECHO_LAG_MS_MAX, LANE_EVENT_BYTES_MAX, RING_EVENTS_MAX};
use fitconnect_protocol::tick::{BoardRow, FLAG_FULL, Header, NO_END, Signal, rows};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, Uuid};

const CLASS: ClassId = ClassId(Uuid::from_u128(1));
const TOPIC: Topic = Topic::Board(CLASS);

fn outbox(session: u128) -> Arc<Outbox> {
    let session = SessionId(Uuid::from_u128(session));
    let by = Caller {
        user: UserId(Uuid::from_u128(5)),
        gym: GymId(Uuid::from_u128(6)),
        role: Role::Member,
        session,
        hall: None,
        name: String::new(),
    };
    Outbox::new(Arc::new(by))
}

fn snapshot() -> Snapshot {
    Snapshot::Board(Box::default())
}

/// A hub with one socket that follows the board.
fn hub() -> (Hub, Arc<Outbox>) {
    let hub = Hub::new(100);
    let viewer = outbox(1);
    hub.attach(&viewer, 0);
    follow(&hub, &viewer, None);
    (hub, viewer)
}

fn follow(hub: &Hub, outbox: &Arc<Outbox>, position: Option<Position>) {
    hub.subscribe(ReplyTo::Frame { outbox: outbox.clone(), id: 7 }, TOPIC, position, snapshot(), 0);
}

fn cue(hub: &Hub, text: &str) {
    hub.publish(Channel::class(TOPIC), Event::Class(ClassEvent::Cue { text: text.into() }), false, 0);
}

/// What leaves, a word or two a frame.
fn drained(outbox: &Outbox) -> Vec<String> {
    drained_with_handles(outbox).into_iter().map(|(_, words)| words).collect()
}

/// The same, with the handle that each frame names.
fn drained_with_handles(outbox: &Outbox) -> Vec<(u32, String)> {
    let mut all = Vec::new();
    loop {
        outbox.drain(0, |frame| all.push(in_words(decode_response(&frame).expect("our own frame").1)));
        if !outbox.is_awake() {
            return all;
        }
    }
}

fn in_words(response: Response) -> (u32, String) {
    match response {
        Response::Subscribed(subscribed) => match (subscribed.recovered, subscribed.reason) {
            (true, _) => (subscribed.h, format!("recovered at {}", subscribed.offset)),
            (false, reason) => {
                (subscribed.h, format!("snapshot at {}, {:?}", subscribed.offset, reason.expect("a reason")))
            }
        },
        Response::Event { h, o, e: Event::Class(ClassEvent::Cue { text }) } => {
            (h, format!("{o} {}", &text[..text.len().min(8)]))
        }
        Response::Tick { h, b } => {
            let header = Header::decode(&b).expect("a header");
            let slots: Vec<String> = rows(&b).map(|row| row.slot.to_string()).collect();
            let full = header.flags & FLAG_FULL > 0;
            (h, format!("{} {}", if full { "full" } else { "changed" }, slots.join(",")))
        }
        Response::Lagging { h } => (h, "lagging".into()),
        Response::Refused(refusal) => (0, format!("refused: {}", refusal.code.as_str())),
        other => (0, format!("{other:?}")),
    }
}

fn row(slot: u16, rank: u16) -> [u8; 11] {
    let row = BoardRow {
        slot,
        bpm: Some(150),
        percent: Some(80),
        zone: Some(4),
        signal: Signal::Live,
        over_max: false,
        hand: false,
        points: Some(3),
        kcal: None,
        rank: Some(rank),
    };
    row.encode()
}

fn tick(hub: &Hub, changed: &[[u8; 11]], now_ms: u64) {
    let header =
        Header { epoch: 0, tick: 1, class_ms: 0, phase: 3, flags: 0, run: 0, left_ms: NO_END, rows: 0, riders: 9 };
    let board = Rows { changed: changed.concat(), all: Vec::new() };
    hub.tick(CLASS, TickFrame { header, desk: Rows::default(), board, slices: None, mine: Vec::new() }, now_ms);
}

#[test]
fn one_who_comes_back_gets_exactly_what_was_missed() {
    let (hub, viewer) = hub();
    assert_eq!(drained(&viewer), ["snapshot at 0, New"]);
    for text in ["a", "b", "c"] {
        cue(&hub, text);
    }
    assert_eq!(drained(&viewer), ["1 a", "2 b", "3 c"]);
    let again = outbox(1);
    hub.attach(&again, 0);
    follow(&hub, &again, Some(Position { epoch: 100, offset: 1 }));
    assert_eq!(drained(&again), ["recovered at 3", "2 b", "3 c"]);
    for (position, reason) in [((99, 1), "EpochChanged"), ((100, 9), "Ahead")] {
        follow(&hub, &again, Some(Position { epoch: position.0, offset: position.1 }));
        assert_eq!(drained(&again), [format!("snapshot at 3, {reason}")]);
    }
    (0..=RING_EVENTS_MAX).for_each(|_| cue(&hub, "x"));
    let late = outbox(2);
    hub.attach(&late, 0);
    follow(&hub, &late, Some(Position { epoch: 100, offset: 1 }));
    assert_eq!(drained(&late), ["snapshot at 1004, TooOld"]);
}

#[test]
fn a_full_lane_lags_and_is_pulled_up_in_order() {
    let (hub, viewer) = hub();
    drained(&viewer);
    let long = "y".repeat(1_000);
    let count = LANE_EVENT_BYTES_MAX / 1_000 + 10;
    (0..count).for_each(|_| cue(&hub, &long));
    let mut offsets = Vec::new();
    while offsets.len() < count + 1 {
        let words = drained(&viewer);
        assert!(!words.is_empty(), "it goes on: {offsets:?}");
        offsets.extend(words.iter().map(|word| word.split(' ').next().expect("a word").to_owned()));
        assert_eq!(viewer.take_lagging(), offsets.len() < count + 1);
        hub.catch_up(&viewer, 0);
    }
    let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
    assert_eq!(offsets.iter().filter(|word| *word != "lagging").cloned().collect::<Vec<_>>(), numbers);
}

#[test]
fn a_lost_change_of_the_board_is_made_good_by_the_whole() {
    let (hub, viewer) = hub();
    drained(&viewer);
    tick(&hub, &[row(4, 2), row(5, 1)], 0);
    assert_eq!(drained(&viewer), ["full 5,4"], "the first is whole, in rank order");
    tick(&hub, &[row(4, 2)], 250);
    assert_eq!(drained(&viewer), ["changed 4"]);
    tick(&hub, &[row(4, 2)], 500);
    tick(&hub, &[row(5, 1)], 750);
    assert_eq!(drained(&viewer), ["full 5,4"], "slot 4's change had not left");
    tick(&hub, &[row(4, 2)], ECHO_LAG_MS_MAX + 1);
    assert_eq!(drained(&viewer), [""; 0], "it has not echoed for too long");
    hub.seen(&viewer, 1);
    tick(&hub, &[row(5, 1)], ECHO_LAG_MS_MAX + 3);
    assert_eq!(drained(&viewer), ["full 5,4"]);
}

#[test]
fn one_who_has_been_sent_nothing_need_not_echo() {
    let (hub, viewer) = hub();
    drained(&viewer);
    tick(&hub, &[row(4, 2)], 10 * ECHO_LAG_MS_MAX);
    assert_eq!(drained(&viewer), ["full 4"], "the screen was on long before the class began");
    hub.seen(&viewer, 1);
    tick(&hub, &[row(4, 2)], 20 * ECHO_LAG_MS_MAX);
    assert_eq!(drained(&viewer), ["changed 4"], "and stays on over a break");
}

#[test]
fn in_a_new_epoch_every_follower_waits_to_be_taken_in() {
    let (hub, viewer) = hub();
    let channels = Channel::all_of_class(CLASS);
    cue(&hub, "a");
    tick(&hub, &[row(4, 2)], 0);
    drained(&viewer);
    cue(&hub, "b");
    assert!(hub.next_waiting(&channels).is_none());
    hub.begin_epoch(&channels);
    cue(&hub, "nobody is told of this");
    let (outbox, topic, position) = hub.next_waiting(&channels).expect("the viewer");
    assert_eq!((outbox.by.session, topic, position), (viewer.by.session, TOPIC, Position { epoch: 100, offset: 2 }));
    assert!(hub.next_waiting(&channels).is_none(), "the actor has been asked");
    hub.begin_epoch(&channels);
    assert!(hub.next_waiting(&channels).is_some(), "it was lost before it could");
    follow(&hub, &viewer, Some(position));
    assert!(hub.next_waiting(&channels).is_none());
    cue(&hub, "c");
    let seen = drained_with_handles(&viewer);
    let (old, new) = (1, 3);
    assert_eq!(
        seen,
        [(new, "snapshot at 0, EpochChanged".into()), (old, "2 b".into()), (new, "1 c".into())],
        "what waited of the old count has another handle, and no board of before is shown"
    );
}

#[test]
fn one_who_is_too_far_behind_hears_nothing_until_it_is_taken_in() {
    let (hub, viewer) = hub();
    let called = Arc::new(AtomicU32::new(0));
    let counted = called.clone();
    hub.on_call(Box::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    }));
    drained(&viewer);
    let long = "y".repeat(1_000);
    (0..LANE_EVENT_BYTES_MAX / 1_000 + RING_EVENTS_MAX + 10).for_each(|_| cue(&hub, &long));
    drained(&viewer);
    assert!(viewer.take_lagging());
    hub.catch_up(&viewer, 0);
    assert_eq!(called.load(Ordering::Relaxed), 1);
    cue(&hub, "x");
    assert_eq!(drained(&viewer), [""; 0], "this would be a hole");
    let (outbox, _, position) = hub.next_waiting(&Channel::all_of_class(CLASS)).expect("the viewer");
    follow(&hub, &outbox, Some(position));
    assert_eq!(drained(&viewer), ["snapshot at 1035, TooOld"]);
}

#[test]
fn what_was_given_up_is_not_followed_by_an_older_request() {
    let (hub, viewer) = hub();
    drained(&viewer);
    hub.unsubscribe(&viewer, TOPIC);
    follow(&hub, &viewer, None);
    assert_eq!(drained(&viewer), ["refused: gone"]);
    hub.asked(&viewer, TOPIC);
    follow(&hub, &viewer, None);
    assert_eq!(drained(&viewer), ["snapshot at 0, New"]);
}

#[test]
fn another_socket_replaces_the_first() {
    let (hub, first) = hub();
    drained(&first);
    let second = outbox(1);
    hub.attach(&second, 0);
    cue(&hub, "a");
    assert_eq!(drained(&first), [""; 0]);
    assert!(!hub.detach(&first), "the session is carried by the second");
    assert!(hub.detach(&second));
    assert_eq!(hub.sizes().0, 0);
}
