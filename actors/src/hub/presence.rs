//! Who is there: of a room's followers, those whose pages have said so a moment ago. Once a second each room's followers are told what it
//! is now, where it has changed; nothing of it is numbered, kept or asked for again.

use super::Hub;
use super::channel::{ChannelHub, Inner};
use crate::outbox::{Outbox, StateKey};
use fitconnect_protocol::UserId;
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::limits::{HERE_LOST_MS, PRESENT_SHOWN};
use fitconnect_protocol::presence::{Presence, Present};
use fitconnect_protocol::session::{Response, Topic};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a room's followers have been told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    online: u32,
    in_class: u32,
    away: u32,
    people: Vec<Present>,
}

impl Told {
    /// A person is what the last of their devices in the order of [`Presence`] is; who hides is not there.
    fn of(devices: impl Iterator<Item = (UserId, Presence)>) -> Told {
        let mut people: BTreeMap<UserId, Presence> = BTreeMap::new();
        for (user, is) in devices {
            people.entry(user).and_modify(|known| *known = is.max(*known)).or_insert(is);
        }
        people.retain(|_, is| *is != Presence::Hidden);
        let count = |of: Presence| people.values().filter(|is| **is == of).count() as u32;
        let (online, in_class, away) = (count(Presence::Online), count(Presence::InClass), count(Presence::Away));
        // The first in the order in which a snapshot names members: all of them whom a page shows.
        let people = people.iter().take(PRESENT_SHOWN).map(|(user, is)| Present(*user, *is)).collect();
        Told { online, in_class, away, people }
    }
}

impl Hub {
    /// The page of this socket says how its person is there, for the next few seconds.
    pub fn here(&self, outbox: &Arc<Outbox>, is: Presence, now_ms: u64) {
        outbox.here(is, now_ms);
    }

    /// Nobody is told who is there in this room, or they are again: one of the two has blocked the other.
    pub fn silence_presence(&self, channel: super::Channel, silent: bool) {
        if let Some(found) = self.find(channel) {
            found.inner().silent = silent;
        }
    }

    /// Tells what has changed since the last time, room by room.
    pub fn tell_presence(&self, now_ms: u64) {
        let rooms = self.channels.iter().map(|entry| *entry.key());
        let mut rooms: Vec<_> = rooms.filter(|channel| matches!(channel.topic, Topic::Room(_))).collect();
        rooms.sort_unstable();
        for room in rooms {
            if let Some(found) = self.channels.get(&room) {
                found.tell_presence(now_ms);
            }
        }
    }
}

impl ChannelHub {
    fn tell_presence(&self, now_ms: u64) {
        let mut inner = self.inner();
        let told = inner.present(now_ms);
        let changed = inner.presence.as_ref() != Some(&told);
        let new = |inner: &Inner| inner.subscribers.iter().any(|subscriber| !subscriber.knows_presence);
        if !changed && !new(&inner) {
            return;
        }
        let h = self.handle();
        let Told { online, in_class, away, people } = &told;
        let response =
            Response::Presence { h, online: *online, in_class: *in_class, away: *away, people: people.clone() };
        let frame = encode(0, &response);
        for subscriber in inner.subscribers.iter_mut().filter(|subscriber| changed || !subscriber.knows_presence) {
            let put = subscriber.outbox.state(StateKey::Presence(h), std::slice::from_ref(&frame), now_ms);
            // Where the lane is full, the next round tells it.
            subscriber.knows_presence = put != crate::outbox::Put::Full;
        }
        inner.presence = Some(told);
    }
}

impl Inner {
    fn present(&self, now_ms: u64) -> Told {
        if self.silent {
            return Told::default();
        }
        let here = |outbox: &Outbox| outbox.is_here(now_ms, HERE_LOST_MS).map(|is| (outbox.by.user, is));
        Told::of(self.subscribers.iter().filter_map(|subscriber| here(&subscriber.outbox)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Channel;
    use crate::reply::ReplyTo;
    use fitconnect_domain::class::Caller;
    use fitconnect_domain::out::FollowFrom;
    use fitconnect_protocol::codec::decode_response;
    use fitconnect_protocol::session::Position;
    use fitconnect_protocol::user::Role;
    use fitconnect_protocol::{GymId, RoomId, SessionId, Uuid};

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
        assert_eq!((online + away, people.len()), (5_000, PRESENT_SHOWN));
    }
}
