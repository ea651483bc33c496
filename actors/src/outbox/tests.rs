use super::*;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, SessionId, UserId, Uuid};
use std::sync::atomic::AtomicU32;
use std::task::Wake;

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn outbox() -> (Arc<Outbox>, Arc<Task>) {
    let id = Uuid::from_u128(1);
    let by = Caller {
        user: UserId(id),
        gym: GymId(id),
        role: Role::Member,
        session: SessionId(id),
        hall: None,
        name: String::new(),
    };
    let (outbox, task) = (Outbox::new(Arc::new(by)), Arc::<Task>::default());
    outbox.drained_by(&task.clone().into());
    (outbox, task)
}

fn drained(outbox: &Outbox) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let close = outbox.drain(0, |frame| all.push(String::from_utf8_lossy(&frame).into_owned()));
        all.extend(close.map(|code| format!("close {}", code.code())));
        if !outbox.is_awake() {
            return all;
        }
    }
}

#[test]
fn lanes_leave_in_their_order_after_one_wake() {
    let (outbox, wakes) = outbox();
    outbox.ephemeral(&Frame::from(b"typing"), 0);
    outbox.state(StateKey::Mine, &[Frame::from(b"row")], 0);
    outbox.event(&Frame::from(b"event"), 0);
    outbox.control(Frame::from(b"reply"), 0);
    outbox.close(CloseCode::Kicked, 0);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(drained(&outbox), ["reply", "event", "row", "typing", "close 4503"]);
    assert_eq!(outbox.waiting(), (0, None));
}

#[test]
fn the_newest_state_wins_and_an_event_is_never_lost_silently() {
    let (outbox, _) = outbox();
    assert_eq!(outbox.state(StateKey::Board(1), &[Frame::from(b"old")], 5), Put::Taken);
    assert_eq!(outbox.state(StateKey::Board(1), &[Frame::from(b"new")], 6), Put::Replaced);
    assert_eq!(outbox.waiting(), (3, Some(5)));
    let large = Frame::from(&[b'x'; LANE_EVENT_BYTES_MAX / 2]);
    assert!(outbox.event(&large, 7) && outbox.event(&large, 7));
    assert!(!outbox.event(&large, 7), "full");
    assert_eq!(drained(&outbox).len(), 3);
    assert!(outbox.take_lagging() && !outbox.take_lagging());
    assert!(outbox.event(&Frame::from(&[0; 2 * LANE_EVENT_BYTES_MAX]), 8), "alone it may be large");
}

#[test]
fn an_outbox_that_is_left_hands_on_everything_and_the_close() {
    let (outbox, _) = outbox();
    let count = 2 * DRAIN_FRAMES_MAX + 1;
    (0..count).for_each(|_| outbox.control(Frame::from(b"reply"), 0));
    outbox.close(CloseCode::Kicked, 0);
    let mut handed = 0;
    assert_eq!(outbox.empty(1, |_| handed += 1), Some(CloseCode::Kicked));
    assert_eq!((handed, outbox.waiting()), (count, (0, None)));
}

#[test]
fn names_of_a_slice_are_told_once_until_they_are_forgotten() {
    let (outbox, _) = outbox();
    assert_eq!(outbox.new_names([1, 2, 1].into_iter()), [1, 2]);
    assert_eq!(outbox.new_names(3..100), (3..100).collect::<Vec<_>>());
    assert_eq!(outbox.new_names([1, 99].into_iter()), [1]);
}
