//! What a client follows and how far it has come: the memory that makes a resume exact and a silent loss visible.
//! Pure; the link asks it about every event.

use fitconnect_protocol::session::{Position, Subscribed, Topic, TopicPosition};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Positions {
    topics: BTreeMap<Topic, Place>,
    handles: BTreeMap<u32, Topic>,
}

#[derive(Debug)]
struct Place {
    at: Position,
    /// A gap was seen and the missing events have been asked for.
    healing: bool,
}

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Next(Topic),
    /// It has come before.
    Double,
    /// Something before it is missing: ask from here. `first`: nobody has asked yet.
    Gap {
        topic: Topic,
        from: Position,
        first: bool,
    },
    /// No topic has this handle.
    Unknown,
}

impl Positions {
    /// The server's word that a topic is followed from here on.
    pub fn subscribed(&mut self, subscribed: &Subscribed) {
        let head = Position { epoch: subscribed.epoch, offset: subscribed.offset };
        // Recovered: the events behind our own position follow, so that one stays.
        let kept = self
            .topics
            .get(&subscribed.topic)
            .map(|place| place.at)
            .filter(|at| subscribed.recovered && at.epoch == head.epoch);
        self.topics.insert(subscribed.topic, Place { at: kept.unwrap_or(head), healing: false });
        self.handles.retain(|_, topic| *topic != subscribed.topic);
        self.handles.insert(subscribed.h, subscribed.topic);
    }

    pub fn unsubscribed(&mut self, topic: Topic) {
        self.topics.remove(&topic);
        self.handles.retain(|_, known| *known != topic);
    }

    /// A position that somebody kept elsewhere, before it is asked for.
    pub fn remember(&mut self, topic: Topic, at: Position) {
        self.topics.insert(topic, Place { at, healing: false });
    }

    /// The last event that passed was not taken after all.
    pub fn missed(&mut self, topic: Topic) {
        if let Some(place) = self.topics.get_mut(&topic) {
            place.at.offset = place.at.offset.saturating_sub(1);
        }
    }

    /// The socket is a new one: its handles are not the old ones.
    pub fn disconnected(&mut self) {
        self.handles.clear();
        for place in self.topics.values_mut() {
            place.healing = false;
        }
    }

    pub fn topic(&self, handle: u32) -> Option<Topic> {
        self.handles.get(&handle).copied()
    }

    /// Every topic with its position, for a resume.
    pub fn all(&self) -> Vec<TopicPosition> {
        self.topics.iter().map(|(topic, place)| TopicPosition(*topic, place.at.epoch, place.at.offset)).collect()
    }

    pub fn event(&mut self, handle: u32, offset: u64) -> Verdict {
        let Some(topic) = self.topic(handle) else { return Verdict::Unknown };
        let Some(place) = self.topics.get_mut(&topic) else { return Verdict::Unknown };
        if offset <= place.at.offset {
            return Verdict::Double;
        }
        if offset == place.at.offset + 1 {
            place.at.offset = offset;
            return Verdict::Next(topic);
        }
        let first = !std::mem::replace(&mut place.healing, true);
        Verdict::Gap { topic, from: place.at, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::session::NotRecovered;

    fn subscribed(h: u32, epoch: u32, offset: u64, recovered: bool) -> Subscribed {
        let reason = (!recovered).then_some(NotRecovered::New);
        Subscribed { topic: Topic::Me, h, epoch, offset, recovered, reason, snapshot: None }
    }

    #[test]
    fn events_in_order_pass_doubles_do_not_and_a_gap_is_asked_for_once() {
        let mut positions = Positions::default();
        positions.subscribed(&subscribed(1, 9, 5, false));
        let from = Position { epoch: 9, offset: 6 };
        assert_eq!(positions.event(1, 6), Verdict::Next(Topic::Me));
        assert_eq!(positions.event(1, 6), Verdict::Double);
        assert_eq!(positions.event(1, 8), Verdict::Gap { topic: Topic::Me, from, first: true });
        assert_eq!(positions.event(1, 9), Verdict::Gap { topic: Topic::Me, from, first: false });
        positions.subscribed(&subscribed(2, 9, 9, true));
        assert_eq!(positions.event(1, 7), Verdict::Unknown, "the handle is a new one");
        for offset in 7..=9 {
            assert_eq!(positions.event(2, offset), Verdict::Next(Topic::Me), "{offset}");
        }
    }

    #[test]
    fn a_snapshot_takes_the_place_of_what_was_missed() {
        let mut positions = Positions::default();
        positions.subscribed(&subscribed(1, 9, 5, false));
        positions.disconnected();
        assert_eq!(positions.event(1, 6), Verdict::Unknown);
        assert_eq!(positions.all(), [TopicPosition(Topic::Me, 9, 5)]);
        positions.subscribed(&subscribed(1, 10, 2, false));
        assert_eq!(positions.event(1, 3), Verdict::Next(Topic::Me));
        positions.unsubscribed(Topic::Me);
        assert_eq!(positions.all(), []);
    }
}
