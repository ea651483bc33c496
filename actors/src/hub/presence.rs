//! Who is there: of a room's followers, those whose pages have said so a moment ago. Once a second each room's followers are told what it
//! is now, where it has changed; nothing of it is numbered, kept or asked for again.

use super::channel::{ChannelHub, Inner};
use super::{Channel, Hub};
use crate::outbox::{Outbox, Put, StateKey};
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::frame::Frame;
use fitconnect_protocol::limits::{HERE_LOST_MS, PRESENT_SHOWN};
use fitconnect_protocol::presence::{Presence, Present};
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::{RoomId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Those who are there, of all devices; who hides is not.
type There = BTreeMap<UserId, Presence>;

/// What a follower has been told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    online: u32,
    in_class: u32,
    away: u32,
    people: Vec<Present>,
}

impl Told {
    /// All of them, or of many nobody by name.
    fn all(there: &There) -> Told {
        let count = |of: Presence| there.values().filter(|is| **is == of).count() as u32;
        let (online, in_class, away) = (count(Presence::Online), count(Presence::InClass), count(Presence::Away));
        let named = if there.len() > PRESENT_SHOWN { 0 } else { there.len() };
        let people = there.iter().take(named).map(|(user, is)| Present(*user, *is)).collect();
        Told { online, in_class, away, people }
    }

    /// The same counts, and those by name whom somebody looks at.
    fn of(&self, there: &There, looked_at: &BTreeSet<UserId>) -> Told {
        let present = |user: &UserId| there.get(user).map(|is| Present(*user, *is));
        Told { people: looked_at.iter().filter_map(present).collect(), ..*self }
    }

    fn frame(&self, h: u32) -> Frame {
        let Told { online, in_class, away, people } = self;
        let people = people.clone();
        encode(0, &Response::Presence { h, online: *online, in_class: *in_class, away: *away, people })
    }
}

impl Hub {
    /// The page of this socket says how its person is there, for the next few seconds.
    pub fn here(&self, outbox: &Arc<Outbox>, is: Presence, now_ms: u64) {
        outbox.here(is, now_ms);
    }

    /// Whom of a room's people the page of this socket looks at.
    pub fn look_at(&self, outbox: &Outbox, room: RoomId, people: Vec<UserId>) {
        outbox.look_at(room, people);
    }

    /// Nobody is told who is there in this room, or they are again: one of the two has blocked the other.
    pub fn silence_presence(&self, channel: Channel, silent: bool) {
        if let Some(found) = self.find(channel) {
            found.inner().silent = silent;
        }
    }

    /// Tells what has changed since the last time, room by room.
    pub fn tell_presence(&self, now_ms: u64) {
        let channels = self.channels.iter().map(|entry| *entry.key());
        let is_room = |channel: Channel| match channel.topic {
            Topic::Room(room) => Some((channel, room)),
            Topic::Class(_) | Topic::Board(_) | Topic::Desk(_) | Topic::Me => None,
        };
        let mut rooms: Vec<_> = channels.filter_map(is_room).collect();
        rooms.sort_unstable();
        for (channel, room) in rooms {
            if let Some(found) = self.channels.get(&channel) {
                found.tell_presence(room, now_ms);
            }
        }
    }
}

impl ChannelHub {
    fn tell_presence(&self, room: RoomId, now_ms: u64) {
        let mut inner = self.inner();
        let there = inner.there(now_ms);
        let all = Arc::new(Told::all(&there));
        let h = self.handle();
        let mut frame_of_all = None;
        for subscriber in &mut inner.subscribers {
            let look = subscriber.outbox.looks_at(room);
            let told = look.map_or_else(|| all.clone(), |people| Arc::new(all.of(&there, &people)));
            if subscriber.presence.as_ref() == Some(&told) {
                continue;
            }
            let frame = match Arc::ptr_eq(&told, &all) {
                true => frame_of_all.get_or_insert_with(|| told.frame(h)).clone(),
                false => told.frame(h),
            };
            // Where the lane is full, the next round tells it.
            if subscriber.outbox.state(StateKey::Presence(h), &[frame], now_ms) != Put::Full {
                subscriber.presence = Some(told);
            }
        }
    }
}

impl Inner {
    /// A person is what the last of their devices in the order of [`Presence`] is.
    fn there(&self, now_ms: u64) -> There {
        let mut there = There::new();
        if self.silent {
            return there;
        }
        for outbox in self.subscribers.iter().map(|subscriber| &subscriber.outbox) {
            if let Some(is) = outbox.is_here(now_ms, HERE_LOST_MS) {
                there.entry(outbox.by.user).and_modify(|known| *known = is.max(*known)).or_insert(is);
            }
        }
        there.retain(|_, is| *is != Presence::Hidden);
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::ReplyTo;
    use fitconnect_domain::class::Caller;
    use fitconnect_domain::out::FollowFrom;
    use fitconnect_protocol::codec::decode_response;
    use fitconnect_protocol::session::Position;
    use fitconnect_protocol::user::Role;
    use fitconnect_protocol::{GymId, SessionId, Uuid};

    const ROOM: RoomId = RoomId(Uuid::from_u128(7));

    fn follows(hub: &Hub, person: u128, device: u128) -> Arc<Outbox> {
        let id = Uuid::from_u128;
        let by = Caller {
            user: UserId(id(person)),
            gym: GymId(id(1)),
            role: Role::Member,
            session: SessionId(id(person << 8 | device)),
            hall: None,
            name: String::new(),
        };
        let outbox = Outbox::new(Arc::new(by));
        hub.attach(&outbox, 0);
        let at = Position { epoch: 1, offset: 0 };
        let to = ReplyTo::Frame { outbox: outbox.clone(), id: 0 };
        hub.follow(to, Topic::Room(ROOM), at, FollowFrom::Missed { first: 1 }, 0);
        outbox.empty(0, |_| {});
        outbox
    }

    /// Counts of online, in class and away, and who.
    type Heard = (u32, u32, u32, Vec<(u128, Presence)>);

    /// What the socket is told of presence.
    fn told(outbox: &Outbox) -> Vec<Heard> {
        let mut told = Vec::new();
        outbox.empty(0, |frame| {
            if let Ok((0, Response::Presence { online, in_class, away, people, .. })) = decode_response(&frame) {
                let people = people.into_iter().map(|Present(user, is)| (user.0.as_u128(), is)).collect();
                told.push((online, in_class, away, people));
            }
        });
        told
    }

    #[test]
    fn what_changed_is_told_once_and_a_newcomer_is_told_what_is() {
        let hub = Hub::new(1);
        let (ana, ben) = (follows(&hub, 1, 1), follows(&hub, 2, 1));
        hub.here(&ana, Presence::Online, 1_000);
        hub.here(&ben, Presence::InClass, 1_000);
        hub.tell_presence(1_500);
        let both = vec![(1, Presence::Online), (2, Presence::InClass)];
        assert_eq!(told(&ana), [(1, 1, 0, both.clone())]);
        hub.tell_presence(2_500);
        assert_eq!(told(&ana), [], "nothing has changed");
        let cem = follows(&hub, 3, 1);
        hub.tell_presence(3_500);
        assert_eq!((told(&cem), told(&ana)), (vec![(1, 1, 0, both)], vec![]));
        hub.here(&ben, Presence::Away, 4_000);
        hub.tell_presence(4_500);
        assert_eq!(told(&cem), [(1, 0, 1, vec![(1, Presence::Online), (2, Presence::Away)])], "never as one who left");
    }

    #[test]
    fn a_person_is_what_the_best_of_their_devices_is_and_hidden_if_one_says_so() {
        let hub = Hub::new(1);
        let (phone, laptop, ben) = (follows(&hub, 1, 1), follows(&hub, 1, 2), follows(&hub, 2, 1));
        hub.here(&phone, Presence::InClass, 0);
        hub.here(&laptop, Presence::Away, 0);
        hub.tell_presence(100);
        assert_eq!(told(&ben), [(0, 1, 0, vec![(1, Presence::InClass)])], "once, though on two devices");
        hub.here(&laptop, Presence::Hidden, 200);
        hub.tell_presence(1_100);
        assert_eq!(told(&ben), [(0, 0, 0, vec![])], "at once, and on all devices");
        hub.here(&laptop, Presence::Online, 1_200);
        hub.detach(&phone);
        hub.tell_presence(2_100);
        assert_eq!(told(&ben), [(1, 0, 0, vec![(1, Presence::Online)])]);
    }

    #[test]
    fn whoever_vanishes_is_no_ghost_for_longer_than_ten_seconds() {
        let hub = Hub::new(1);
        let (ana, ben) = (follows(&hub, 1, 1), follows(&hub, 2, 1));
        let (mut now, mut gone_at) = (0, None);
        hub.here(&ana, Presence::Online, now);
        while gone_at.is_none() && now < 60_000 {
            now += 1_000;
            hub.here(&ben, Presence::Online, now);
            hub.tell_presence(now);
            gone_at = told(&ben).into_iter().find(|(online, ..)| *online == 1).map(|_| now);
        }
        assert!(gone_at.is_some_and(|at| at <= 10_000), "{gone_at:?}");
    }

    #[test]
    fn between_two_who_have_blocked_nothing_is_told() {
        let hub = Hub::new(1);
        let (ana, ben) = (follows(&hub, 1, 1), follows(&hub, 2, 1));
        hub.here(&ana, Presence::Online, 0);
        hub.tell_presence(100);
        assert_eq!(told(&ben).len(), 1);
        hub.silence_presence(Channel::room(ROOM), true);
        hub.tell_presence(1_100);
        assert_eq!(told(&ben), [(0, 0, 0, vec![])]);
        hub.silence_presence(Channel::room(ROOM), false);
        hub.tell_presence(2_100);
        assert_eq!(told(&ben), [(1, 0, 0, vec![(1, Presence::Online)])]);
    }

    #[test]
    fn five_thousand_members_are_counted_and_a_slice_is_named() {
        let hub = Hub::new(1);
        let all: Vec<_> = (1..=5_000).map(|person| follows(&hub, person, 1)).collect();
        let mut frames = 0;
        for round in 0..40_u64 {
            let now = round * 250;
            // Somebody comes or goes all the time.
            all.iter().filter(|outbox| outbox.by.user.0.as_u128() % 7 != u128::from(round % 7)).for_each(|outbox| {
                hub.here(outbox, if round % 2 == 0 { Presence::Online } else { Presence::Away }, now);
            });
            if round % 4 == 0 {
                hub.tell_presence(now);
            }
            frames += told(&all[4_000]).len();
        }
        assert!((5..=10).contains(&frames), "{frames} frames in ten seconds to one member");
        let newcomer = follows(&hub, 6_000, 1);
        hub.tell_presence(10_100);
        let (online, _, away, people) = told(&newcomer).pop().expect("the newest");
        assert_eq!((online + away, people), (5_000, vec![]), "nobody asked for a name");
        // Somebody opens the list of members, scrolls, and closes it.
        let id = |person| UserId(Uuid::from_u128(person));
        let named = |people: &[u128], now| {
            hub.look_at(&newcomer, ROOM, people.iter().map(|person| id(*person)).collect());
            hub.tell_presence(now);
            told(&newcomer).pop().map(|(.., people)| people.into_iter().map(|(user, _)| user).collect::<Vec<_>>())
        };
        assert_eq!(named(&[4_000, 7, 9_999], 10_200), Some(vec![7, 4_000]));
        assert_eq!(named(&[7, 4_000], 10_300), None, "nothing else is there");
        assert_eq!(named(&[8], 10_400), Some(vec![8]));
        assert_eq!(named(&[], 10_500), Some(vec![]));
        hub.look_at(&newcomer, RoomId(Uuid::from_u128(8)), vec![id(7)]);
        hub.tell_presence(10_600);
        assert_eq!(told(&newcomer), [], "another room's list says nothing of this one");
    }
}
