//! What a room's events write into people's inboxes. Nothing of it has words of a message.

use super::Room;
use super::commands::ensure;
use crate::letter::{ActorKey, Letter, LetterBody};
use crate::report::Report;
use crate::{Millis, Out};
use fitconnect_protocol::limits::MENTIONS_MAX;
use fitconnect_protocol::notice::{NoticeOf, Place};
use fitconnect_protocol::report::Verdict;
use fitconnect_protocol::room::{Mention, Message, RoomEvent};
use fitconnect_protocol::{ErrorCode, Refusal, UserId};
use std::collections::BTreeSet;

impl Room {
    /// Those of these people who are in the room, each once.
    pub(super) fn mentioned(&self, users: &[UserId]) -> Result<Vec<Mention>, Refusal> {
        ensure(users.len() <= MENTIONS_MAX, ErrorCode::TooLarge, "mentions: at most eight")?;
        let mut mentions: Vec<Mention> = Vec::new();
        for user in users {
            let there = self.stored.as_ref().and_then(|stored| stored.members.get(user));
            if let Some(member) = there.filter(|_| mentions.iter().all(|known| known.user != *user)) {
                mentions.push(Mention { user: *user, name: member.name.clone() });
            }
        }
        Ok(mentions)
    }

    /// What this event means to somebody who need not be here.
    pub(super) fn write_notices(&self, event: &RoomEvent, now: Millis, out: &mut Out<Room>) {
        match event {
            RoomEvent::Posted { message } => self.notice_posted(message, now, out),
            RoomEvent::Deleted { message } if message.deleted_by != Some(message.by) => {
                let (room, room_name, seq) = (self.id, self.room_name(), message.seq);
                self.notify(message.by, NoticeOf::Deleted { room, room_name, seq }, now, out);
            }
            RoomEvent::Joined { member, by, .. } if *by != member.user => {
                self.brought_in(member.user, *by, now, out);
            }
            RoomEvent::Created { members, .. } if !self.is_of_two() => {
                let Some((maker, others)) = members.split_first() else { return };
                others.iter().for_each(|member| self.brought_in(member.user, maker.user, now, out));
            }
            RoomEvent::Created { .. }
            | RoomEvent::Edited { .. }
            | RoomEvent::Deleted { .. }
            | RoomEvent::Reacted { .. }
            | RoomEvent::Joined { .. }
            | RoomEvent::Left { .. }
            | RoomEvent::Appointed { .. }
            | RoomEvent::Pinned { .. }
            | RoomEvent::Slowed { .. }
            | RoomEvent::Muted { .. }
            | RoomEvent::Banned { .. }
            | RoomEvent::Closed { .. } => {}
        }
    }

    /// To all who reported it, or wrote what was held back: how it was decided.
    pub(super) fn notice_decided(
        &self,
        report: &Report,
        reporters: &[UserId],
        verdict: Verdict,
        now: Millis,
        out: &mut Out<Room>,
    ) {
        let (room, held) = (self.id, report.is_held());
        let concerned: BTreeSet<UserId> = reporters.iter().copied().chain([report.reporter]).collect();
        for user in concerned {
            let room_name = self.room_name();
            self.notify(user, NoticeOf::Decided { room, room_name, verdict, held }, now, out);
        }
    }

    fn notice_posted(&self, message: &Message, now: Millis, out: &mut Out<Room>) {
        if self.is_of_two() {
            // Whatever is written there is for the other.
            return;
        }
        let by = message.by;
        let (room, room_name, seq, name) = (self.id, self.room_name(), message.seq, message.name.clone());
        let place = Place { room, room_name, seq, by, name };
        let others = message.mentions.iter().map(|mention| mention.user).filter(|user| *user != by);
        for user in others.clone() {
            self.notify(user, NoticeOf::Mentioned { place: place.clone() }, now, out);
        }
        let answered = message.reply_to.and_then(|seq| self.known(seq)).map(|answered| answered.by);
        let is_member = |user: &UserId| self.stored.as_ref().is_some_and(|stored| stored.members.contains_key(user));
        if let Some(user) =
            answered.filter(|user| *user != by && is_member(user) && !others.clone().any(|other| other == *user))
        {
            self.notify(user, NoticeOf::Answered { place }, now, out);
        }
    }

    fn brought_in(&self, user: UserId, by: UserId, now: Millis, out: &mut Out<Room>) {
        // Staff who are not in the room themselves stay the gym's.
        let by_member = self.stored.as_ref().and_then(|stored| stored.members.get(&by));
        let name = by_member.map(|member| member.name.clone()).unwrap_or_default();
        self.notify(user, NoticeOf::BroughtIn { room: self.id, room_name: self.room_name(), by, name }, now, out);
    }

    fn notify(&self, user: UserId, of: NoticeOf, now: Millis, out: &mut Out<Room>) {
        out.letter(Letter { to: ActorKey::User(user), body: LetterBody::Notice { of, at_ms: now.0 as i64 } });
    }

    fn is_of_two(&self) -> bool {
        self.stored.as_ref().is_some_and(super::Stored::is_private)
    }

    fn room_name(&self) -> String {
        self.stored.as_ref().map(|stored| stored.name.clone()).unwrap_or_default()
    }
}
