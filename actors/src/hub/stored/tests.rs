use super::super::*;
use fitconnect_domain::out::FollowFrom;
use fitconnect_protocol::codec::decode_response;
use fitconnect_protocol::limits::{LANE_EVENT_BYTES_MAX, RING_EVENTS_MAX};
use fitconnect_protocol::room::RoomEvent;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, RoomId, Uuid};

const ROOM: RoomId = RoomId(Uuid::from_u128(1));
const EPOCH: u32 = 7;

fn outbox(n: u128) -> Arc<Outbox> {
    let (user, session) = (UserId(Uuid::from_u128(n)), SessionId(Uuid::from_u128(n)));
    Outbox::new(Arc::new(Caller {
        user,
        gym: GymId(Uuid::from_u128(6)),
        role: Role::Member,
        session,
        hall: None,
        name: String::new(),
    }))
}

fn event(name: &str) -> Event {
    let (user, by) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    // The name is told by its length: events of a size.
    Event::Room(RoomEvent::Left { user, by, at_ms: name.len() as i64 })
}

/// The hub, one who follows, and the readers for whom the store is asked.
struct Bench {
    hub: Hub,
    fills: Arc<Mutex<Vec<SessionId>>>,
    offset: u64,
}

impl Bench {
    /// A room that stands at `offset` with nothing in memory.
    fn at(offset: u64) -> Bench {
        let (hub, fills) = (Hub::new(100), Arc::<Mutex<Vec<SessionId>>>::default());
        let asked = fills.clone();
        hub.on_fill(Box::new(move |_, outbox| asked.lock().expect("whole").push(outbox.by.session)));
        hub.stand(Channel::room(ROOM), Position { epoch: EPOCH, offset }, Vec::new(), 0);
        Bench { hub, fills, offset }
    }

    fn here(&self) -> Position {
        Position { epoch: EPOCH, offset: self.offset }
    }

    fn comes(&self, n: u128) -> Arc<Outbox> {
        let outbox = outbox(n);
        self.hub.attach(&outbox, 0);
        outbox
    }

    fn follow(&self, outbox: &Arc<Outbox>, first: u64) {
        let to = ReplyTo::Frame { outbox: outbox.clone(), id: 7 };
        self.hub.follow(to, Topic::Room(ROOM), self.here(), FollowFrom::Missed { first }, 0);
    }

    fn publish(&mut self, count: usize) {
        for _ in 0..count {
            self.offset += 1;
            self.hub.publish_at(Channel::room(ROOM), self.here(), event(""), 0);
        }
    }

    /// What a filler does with one page, as long as it is asked to.
    fn fill(&self, outbox: &Arc<Outbox>, page: u64) -> bool {
        let channel = Channel::room(ROOM);
        let Some(next) = self.hub.next_to_fill(channel, outbox, 0) else { return false };
        let events = (next..=self.offset.min(next + page - 1)).map(|_| event("")).collect();
        self.hub.fill(channel, outbox, next, events, 0);
        true
    }

    fn fills(&self) -> usize {
        self.fills.lock().expect("whole").len()
    }
}

/// Offsets of events that leave, `recovered` and `ended` as words.
fn drained(outbox: &Outbox) -> Vec<String> {
    let mut all = Vec::new();
    let word = |response| match response {
        Response::Subscribed(told) => {
            format!("{} at {}", if told.recovered { "recovered" } else { "new" }, told.offset)
        }
        Response::Event { o, .. } => o.to_string(),
        Response::Ended { .. } => "ended".into(),
        Response::Lagging { .. } => "lagging".into(),
        other => format!("{other:?}"),
    };
    loop {
        outbox.drain(0, |frame| all.push(word(decode_response(&frame).expect("our own frame").1)));
        if !outbox.is_awake() {
            return all;
        }
    }
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[test]
fn what_is_in_memory_is_sent_at_once() {
    let mut bench = Bench::at(40);
    bench.publish(3);
    let viewer = bench.comes(1);
    bench.follow(&viewer, 42);
    assert_eq!(drained(&viewer), ["recovered at 43", "42", "43"]);
    bench.publish(1);
    assert_eq!((drained(&viewer), bench.fills()), (numbers(44..=44), 0));
}

#[test]
fn what_is_not_in_memory_comes_from_the_store_before_anything_newer() {
    let mut bench = Bench::at(40);
    let viewer = bench.comes(1);
    bench.follow(&viewer, 11);
    assert_eq!(bench.fills(), 1);
    assert_eq!(drained(&viewer), ["recovered at 40"]);
    // Meanwhile the room goes on: nothing of it may overtake.
    bench.publish(2);
    assert_eq!(drained(&viewer), [""; 0]);
    assert!(bench.fill(&viewer, 10) && bench.fill(&viewer, 10));
    assert_eq!(drained(&viewer), numbers(11..=30));
    bench.publish(1);
    assert!(bench.fill(&viewer, 10));
    assert!(!bench.fill(&viewer, 10), "from here on memory has it");
    assert_eq!(drained(&viewer), numbers(31..=43));
    bench.publish(1);
    assert_eq!((drained(&viewer), bench.fills()), (numbers(44..=44), 1));
}

#[test]
fn a_full_lane_stops_the_store_and_its_drain_asks_again() {
    let mut bench = Bench::at(100_000);
    let viewer = bench.comes(1);
    bench.follow(&viewer, 1);
    while bench.fill(&viewer, 200) {}
    let bytes = viewer.waiting().0;
    assert!(bytes < LANE_EVENT_BYTES_MAX + 1_000, "{bytes} bytes wait");
    let first = drained(&viewer);
    assert!(viewer.take_lagging());
    bench.hub.catch_up(&viewer, 0);
    assert_eq!(bench.fills(), 2);
    let next = first.len() as u64;
    bench.publish(RING_EVENTS_MAX + 5);
    bench.fill(&viewer, 3);
    assert_eq!(drained(&viewer), numbers(next..=next + 2));
}

#[test]
fn one_who_reads_too_slowly_is_pulled_up_from_memory_or_from_the_store() {
    let mut bench = Bench::at(0);
    let viewer = bench.comes(1);
    bench.follow(&viewer, 1);
    bench.publish(3 * RING_EVENTS_MAX);
    let mut all = drained(&viewer);
    assert!(viewer.take_lagging() && all.len() < RING_EVENTS_MAX);
    for _ in 0..100 {
        bench.hub.catch_up(&viewer, 0);
        while bench.fill(&viewer, 50) {}
        all.extend(drained(&viewer));
    }
    assert!(bench.fills() > 0, "memory no longer had the first of them");
    let events: Vec<String> = all.into_iter().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(events, numbers(1..=3 * RING_EVENTS_MAX as u64));
}

#[test]
fn the_count_survives_the_actor_and_what_nobody_heard_of_is_told() {
    let mut bench = Bench::at(0);
    let viewer = bench.comes(1);
    bench.follow(&viewer, 1);
    bench.publish(2);
    assert_eq!(drained(&viewer), ["recovered at 0", "1", "2"]);
    let channel = Channel::room(ROOM);
    bench.hub.begin_epoch(&[channel]);
    // The commit whose answer was lost had written 3 and 4.
    bench.offset = 4;
    let newest = (1..=4).map(|offset| (offset, event(""))).collect();
    bench.hub.stand(channel, bench.here(), newest, 0);
    let (waiting, topic, position) = bench.hub.next_waiting(&[channel]).expect("somebody waits");
    assert_eq!((topic, position), (Topic::Room(ROOM), Position { epoch: EPOCH, offset: 2 }));
    bench.follow(&waiting, position.offset + 1);
    assert_eq!(drained(&viewer), ["recovered at 4", "3", "4"]);
    assert_eq!(bench.fills(), 0);
}

#[test]
fn who_is_sent_out_is_told_and_hears_no_more() {
    let mut bench = Bench::at(0);
    let (ana, ben) = (bench.comes(1), bench.comes(2));
    bench.follow(&ana, 1);
    bench.follow(&ben, 1);
    bench.publish(1);
    bench.hub.expel(Channel::room(ROOM), ben.by.user, 0);
    bench.publish(1);
    assert_eq!(drained(&ana), ["recovered at 0", "1", "2"]);
    assert_eq!(drained(&ben), ["recovered at 0", "ended", "1"]);
    assert!(bench.hub.next_to_fill(Channel::room(ROOM), &ben, 0).is_none());
}

#[test]
fn a_room_that_nobody_follows_is_forgotten_when_its_actor_sleeps() {
    let mut bench = Bench::at(0);
    let (viewer, channel) = (bench.comes(1), Channel::room(ROOM));
    bench.follow(&viewer, 1);
    bench.hub.forget_if_idle(channel);
    bench.publish(1);
    assert_eq!(drained(&viewer), ["recovered at 0", "1"]);
    bench.hub.detach(&viewer);
    bench.hub.forget_if_idle(channel);
    assert_eq!(bench.hub.sizes(), (0, 0));
}

#[test]
fn the_first_event_of_a_room_begins_its_epoch() {
    let (hub, viewer, channel) = (Hub::new(100), outbox(1), Channel::room(ROOM));
    hub.attach(&viewer, 0);
    hub.stand(channel, Position { epoch: 0, offset: 0 }, Vec::new(), 0);
    let at = Position { epoch: EPOCH, offset: 1 };
    hub.publish_at(channel, at, event(""), 0);
    let to = ReplyTo::Frame { outbox: viewer.clone(), id: 7 };
    hub.follow(to, Topic::Room(ROOM), at, FollowFrom::Missed { first: 1 }, 0);
    assert_eq!(drained(&viewer), ["recovered at 1", "1"]);
}
