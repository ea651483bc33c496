//! A message that is to be posted: what it may hold, and its picture, which was sent before it.

use super::commands::{Stop, Waiting, ensure, words};
use super::io::Load;
use super::{Room, Stored};
use crate::report::Entry;
use crate::{Millis, Out};
use fitconnect_protocol::report::OnWords;
use fitconnect_protocol::room::{Message, Picture, RoomCommand, RoomEvent};
use fitconnect_protocol::{ErrorCode, ImageId, Refusal};

impl Room {
    pub(super) fn post(
        &self,
        command: &Waiting,
        stored: &Stored,
        moderates: bool,
        now: Millis,
    ) -> Result<RoomEvent, Stop> {
        let RoomCommand::Post { text, reply_to, mentions, image } = command.act() else {
            unreachable!("another command: {:?}", command.act())
        };
        let by = command.by().user;
        let author = stored.members.get(&by).ok_or(ErrorCode::NotMember)?;
        words(text, image.is_some())?;
        stored.order.may_write(by, now)?;
        if !moderates {
            self.slowed(stored, by, now)?;
        }
        let known = reply_to.is_none_or(|seq| (1..=stored.seq).contains(&seq));
        ensure(known, ErrorCode::NoMessage, "what is answered has not been written")?;
        let mentions = self.mentioned(mentions)?;
        if let Some(seq) = reply_to.filter(|seq| self.known(*seq).is_none() && command.message().is_none()) {
            return Err(Stop::Needs(Load::Message { seq }));
        }
        let message = Message {
            seq: stored.seq + 1,
            at_ms: now.0 as i64,
            by,
            name: author.name.clone(),
            cmd: command.cmd(),
            text: text.clone(),
            reply_to: *reply_to,
            mentions,
            picture: image.map(|image| self.sent(command, image)).transpose()?,
            edited: None,
            deleted_by: None,
            reactions: Vec::new(),
        };
        match self.unfit(stored, text)? {
            Some(OnWords::Refuse) => Err(ErrorCode::Unfit.into()),
            Some(OnWords::Report) => Err(self.hold(command, stored, message, now)),
            None => Ok(RoomEvent::Posted { message }),
        }
    }

    /// A picture that this person has sent to this room, and no message shows.
    fn sent(&self, command: &Waiting, image: ImageId) -> Result<Picture, Stop> {
        let found = command.loose().ok_or(Stop::Needs(Load::Image { image }))?;
        let shown = |message: &Message| message.picture.is_some_and(|picture| picture.image == image);
        let own = found.filter(|loose| loose.room == self.id && loose.by == command.by().user);
        // What is read may not know yet of what was decided a moment ago.
        let loose = own.filter(|_| !self.recent.iter().any(shown));
        let missing = || {
            Refusal::new(ErrorCode::NotFound, "the picture must be sent to this room first, by you, for each message")
        };
        Ok(loose.ok_or_else(missing)?.picture)
    }

    /// What a message shows is kept with it, and goes with it.
    pub(super) fn file_pictures(&self, event: &RoomEvent, seq: u64, now: Millis, out: &mut Out<Room>) {
        let at_ms = now.0 as i64;
        match event {
            RoomEvent::Posted { message: Message { picture: Some(Picture { image, .. }), .. } } => {
                out.file(Entry::Hung { image: *image, seq: Some(seq), at_ms }, Vec::new());
            }
            RoomEvent::Deleted { message } if self.known(message.seq).is_some_and(|known| known.picture.is_some()) => {
                out.file(Entry::TakenDown { room: self.id, seq: message.seq, at_ms }, Vec::new());
            }
            _ => {}
        }
    }
}
