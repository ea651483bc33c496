//! What waits for a person to read it: the newest notices, whoever writes them, and which of them are wanted.

use super::{Change, User};
use crate::{Millis, Out};
use fitconnect_protocol::limits::INBOX_MAX;
use fitconnect_protocol::notice::{Notice, NoticeOf, NoticeTopic};
use fitconnect_protocol::{RoomId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inbox {
    /// Number of the newest notice that there ever was.
    newest: u64,
    /// In order of their numbers.
    notices: VecDeque<Notice>,
    unwanted: BTreeSet<NoticeTopic>,
}

impl Inbox {
    fn wants(&self, of: &NoticeOf) -> bool {
        of.topic().is_none_or(|topic| !self.unwanted.contains(&topic))
    }

    /// How it would stand in the inbox, and which one it counts in.
    fn next(&self, of: NoticeOf, at_ms: i64) -> (Notice, Option<u64>) {
        let same = |known: &&Notice| !known.read && same_kind(&known.of, &of);
        let known = self.notices.iter().find(same);
        let times = known.map_or(0, |known| known.times).saturating_add(1);
        (Notice { number: self.newest + 1, at_ms, read: false, times, of }, known.map(|known| known.number))
    }

    /// Those of these that are there and unread, each once, in order.
    pub(super) fn unread_of(&self, numbers: &[u64]) -> Vec<u64> {
        let unread = self.notices.iter().filter(|notice| !notice.read && numbers.contains(&notice.number));
        unread.map(|notice| notice.number).collect()
    }

    pub(super) fn is_wanted(&self, topic: NoticeTopic) -> bool {
        !self.unwanted.contains(&topic)
    }

    pub(super) fn noticed(&mut self, notice: &Notice, instead: Option<u64>) {
        self.newest = notice.number;
        self.notices.retain(|known| Some(known.number) != instead);
        self.notices.push_back(notice.clone());
        if self.notices.len() > INBOX_MAX {
            self.notices.pop_front();
        }
    }

    pub(super) fn read(&mut self, numbers: &[u64]) {
        let read = self.notices.iter_mut().filter(|notice| numbers.contains(&notice.number));
        read.for_each(|notice| notice.read = true);
    }

    /// What is written there is read up to this number: so are notices of it.
    pub(super) fn read_room(&mut self, room: RoomId, through: u64) {
        let of = |notice: &Notice| notice.of.place().is_some_and(|place| place.room == room && place.seq <= through);
        self.notices.iter_mut().filter(|notice| of(notice)).for_each(|notice| notice.read = true);
    }

    pub(super) fn want(&mut self, topic: NoticeTopic, wanted: bool) {
        match wanted {
            true => self.unwanted.remove(&topic),
            false => self.unwanted.insert(topic),
        };
    }

    /// Without those of people of whom nothing is shown.
    pub(super) fn told(&self, hides: impl Fn(UserId) -> bool) -> Vec<Notice> {
        self.notices.iter().filter(|notice| !notice.of.by().is_some_and(&hides)).cloned().collect()
    }

    pub(super) fn unwanted(&self) -> Vec<NoticeTopic> {
        self.unwanted.iter().copied().collect()
    }

    pub(super) fn check_invariants(&self) {
        assert!(self.notices.len() <= INBOX_MAX);
        assert!(self.notices.iter().zip(self.notices.iter().skip(1)).all(|(a, b)| a.number < b.number), "in order");
        assert!(self.notices.back().is_none_or(|newest| newest.number == self.newest));
    }
}

/// Of one person in one room, and to the same end: the newer takes the place of the older.
fn same_kind(a: &NoticeOf, b: &NoticeOf) -> bool {
    match (a, b) {
        (NoticeOf::Mentioned { place: a }, NoticeOf::Mentioned { place: b })
        | (NoticeOf::Answered { place: a }, NoticeOf::Answered { place: b }) => a.room == b.room && a.by == b.by,
        (NoticeOf::BroughtIn { room: a, .. }, NoticeOf::BroughtIn { room: b, .. }) => a == b,
        _ => false,
    }
}

impl User {
    /// Something for the inbox: there, unless it is not wanted, of somebody of whom nothing is shown, or read already.
    pub(super) fn notice(&mut self, of: NoticeOf, at_ms: i64, now: Millis, out: &mut Out<User>) {
        let Some(stored) = &self.stored else { return };
        let hidden = of.by().is_some_and(|by| stored.blocks.hide(by));
        let read = of.place().and_then(|place| stored.rooms.get(&place.room).map(|room| room.read >= place.seq));
        if hidden || read == Some(true) || !stored.inbox.wants(&of) {
            return;
        }
        let (notice, instead) = stored.inbox.next(of, at_ms);
        self.happen(Change::Noticed { notice: Box::new(notice), instead }, None, now, out);
    }
}
