//! What a client follows, and the promise it holds the server to: every event once, in order, without a hole; or a plain word that
//! the topic could not be recovered, with a snapshot.

use fitconnect_domain::Millis;
use fitconnect_protocol::limits::{RING_EVENTS_MAX, RING_MS_MAX};
use fitconnect_protocol::session::{NotRecovered, Position, Subscribed, Topic, TopicPosition};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Followed {
    pub wanted: bool,
    pub position: Option<Position>,
    /// The process that the position is of: offsets of another mean nothing.
    life: u32,
    /// When the last event or snapshot came.
    heard_at: Millis,
    pub handle: Option<u32>,
    /// Asked for on this socket, and not answered.
    pub asked: Option<Millis>,
    /// An unsubscribe is under way.
    pub leaving: bool,
    pub tick: Option<u32>,
    pub ticked_at: Option<Millis>,
}

#[derive(Default)]
pub struct Topics {
    pub list: BTreeMap<Topic, Followed>,
    handles: BTreeMap<u32, Topic>,
    /// Handles that stand for nothing any more, with the drain in which they died: what left before may come with that one.
    dead: BTreeMap<u32, u64>,
    /// Events that came twice because the topic was asked for twice on one socket.
    pub doubled: u64,
}

pub type Checked<T = ()> = Result<T, String>;

impl Topics {
    pub fn want(&mut self, topic: Topic) {
        let followed = self.list.entry(topic).or_default();
        (followed.wanted, followed.leaving) = (true, false);
    }

    /// It is no longer for us: it ends by itself, or has.
    pub fn ended(&mut self, handle: u32, drain: u64) {
        if let Some(topic) = self.handles.get(&handle).copied() {
            self.bury(topic, drain);
        }
    }

    /// A new socket gives new handles.
    pub fn socket_lost(&mut self) {
        self.handles.clear();
        self.dead.clear();
        // A room that one has left is not asked for again.
        self.list.retain(|topic, followed| !(is_stored(*topic) && followed.leaving));
        for followed in self.list.values_mut() {
            (followed.handle, followed.asked, followed.tick, followed.leaving) = (None, None, None, false);
        }
        self.list.retain(|_, followed| followed.wanted);
    }

    pub fn positions(&self) -> Vec<TopicPosition> {
        let known = self.list.iter().filter(|(_, followed)| followed.wanted);
        known
            .filter_map(|(topic, followed)| followed.position.map(|at| TopicPosition(*topic, at.epoch, at.offset)))
            .collect()
    }

    /// What is wanted and has neither a handle nor a position to resume from.
    pub fn unfollowed(&self) -> Vec<Topic> {
        let open = |followed: &Followed| followed.wanted && followed.position.is_none() && followed.handle.is_none();
        self.list.iter().filter(|(_, followed)| open(followed)).map(|(topic, _)| *topic).collect()
    }

    pub fn is_given_up(&self, topic: Topic) -> bool {
        self.list.get(&topic).is_none_or(|followed| followed.leaving)
    }

    pub fn is_live(&self, topic: Topic) -> bool {
        self.list.get(&topic).is_some_and(|followed| followed.handle.is_some())
    }

    fn bury(&mut self, topic: Topic, drain: u64) {
        let Some(handle) = self.list.get_mut(&topic).and_then(|followed| followed.handle.take()) else { return };
        self.handles.remove(&handle);
        self.dead.insert(handle, drain);
    }

    pub fn subscribed(&mut self, told: &Subscribed, life: u32, now: Millis, drain: u64) -> Checked {
        let topic = told.topic;
        let Some(followed) = self.list.get(&topic).filter(|followed| followed.wanted).cloned() else {
            return Err(format!("{topic} is followed though it was given up"));
        };
        let same = followed.handle == Some(told.h);
        if !same {
            self.bury(topic, drain);
        }
        self.dead.remove(&told.h);
        self.handles.insert(told.h, topic);
        let entry = self.list.get_mut(&topic).expect("it was just seen");
        entry.handle = Some(told.h);
        entry.asked = None;
        if told.recovered {
            let Some(at) = followed.position else {
                // Given up and asked for again: an older request is answered, and the newer one will be.
                entry.position = Some(Position { epoch: told.epoch, offset: told.offset });
                (entry.life, entry.heard_at) = (life, now);
                return Ok(());
            };
            // What is stored outlives processes: a position in it is good for ever.
            let same_life = followed.life == life || is_stored(topic);
            if at.epoch != told.epoch || !same_life || at.offset > told.offset {
                let whose = if followed.life == life { "this" } else { "another" };
                return Err(format!("{topic}: recovered from {at:?} of {whose} process at {told:?}"));
            }
            return Ok(());
        }
        entry.position = Some(Position { epoch: told.epoch, offset: told.offset });
        (entry.life, entry.heard_at) = (life, now);
        let reason = told.reason.ok_or_else(|| format!("{topic}: not recovered, and no reason"))?;
        if told.snapshot.is_none() {
            return Err(format!("{topic}: not recovered, and no snapshot"));
        }
        let lawful = match (reason, followed.position) {
            (NotRecovered::New, Some(_)) => true,
            (NotRecovered::EpochChanged | NotRecovered::TooOld, Some(_)) if is_stored(topic) => false,
            // Asked for twice: the second answer is about the position of before the first.
            (NotRecovered::EpochChanged, Some(at)) => at.epoch != told.epoch || at.offset <= told.offset,
            (NotRecovered::TooOld, Some(at)) => {
                let many = told.offset.saturating_sub(at.offset) as usize >= RING_EVENTS_MAX;
                many || now.since(followed.heard_at) >= RING_MS_MAX / 2
            }
            // Given up and asked for again: an older request is answered.
            (_, None) => true,
            (NotRecovered::Ahead, Some(_)) => false,
        };
        if lawful { Ok(()) } else { Err(format!("{topic}: {reason:?} from {:?} at {told:?}", followed.position)) }
    }

    /// The topic of an event that is new; `None` for one that came twice, or for a topic that is given up.
    pub fn event(&mut self, handle: u32, offset: u64, now: Millis, drain: u64) -> Checked<Option<Topic>> {
        let Some(topic) = self.heard(handle, drain)? else { return Ok(None) };
        let followed = self.list.get_mut(&topic).expect("a handle stands for a topic");
        let at = followed.position.as_mut().ok_or_else(|| format!("{topic}: an event without a position"))?;
        if offset <= at.offset {
            self.doubled += 1;
            return Ok(None);
        }
        if offset != at.offset + 1 {
            return Err(format!("{topic}: event {offset} after {at:?}: a hole"));
        }
        at.offset = offset;
        followed.heard_at = now;
        Ok(Some(topic))
    }

    /// What a handle stands for. One that stands for nothing is an error unless it has only just died.
    pub fn heard(&self, handle: u32, drain: u64) -> Checked<Option<Topic>> {
        if let Some(topic) = self.handles.get(&handle) {
            return Ok(Some(*topic));
        }
        match self.dead.get(&handle) {
            Some(died) if *died < drain => Err(format!("handle {handle} still speaks, it was given up long ago")),
            Some(_) => Ok(None),
            None => Err(format!("handle {handle} was never given out")),
        }
    }

    pub fn unsubscribed(&mut self, topic: Topic, drain: u64) {
        self.bury(topic, drain);
        // Unless it has been asked for again meanwhile.
        if self.list.get(&topic).is_some_and(|followed| followed.leaving) {
            self.list.remove(&topic);
        }
    }
}

/// Every event of it is stored, and none is too old.
fn is_stored(topic: Topic) -> bool {
    matches!(topic, Topic::Room(_))
}
