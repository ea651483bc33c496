//! The session as an actor: it speaks to classes and persons on the user's behalf, and to its own socket.

use crate::body::Body;
use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::{Event, Row, StoreError, StoredActor, StoredChange};
use crate::reply::ReplyTo;
use crate::stats::Kind;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::session::{Input, Never, Publish, Session, Tell};
use fitconnect_domain::{ActorKey, Millis, class, room, user};
use fitconnect_protocol::limits::MAILBOX_SESSION;
use fitconnect_protocol::session::Topic;
use fitconnect_protocol::{CloseCode, SessionId};
use futures_util::future::BoxFuture;
use std::sync::Arc;

pub struct SessionBody;

impl Body for SessionBody {
    type Machine = Session;
    type Id = SessionId;
    const KIND: Kind = Kind::Session;
    const MAILBOX: usize = MAILBOX_SESSION;
    const IS_STORED: bool = false;
    const ANSWERS_AT_ONCE: bool = true;

    fn key(id: SessionId) -> ActorKey {
        ActorKey::Session(id)
    }

    fn restore(id: SessionId, _: &StoredActor, _: Vec<StoredSample>, _: Millis) -> Result<Session, StoreError> {
        Err(StoreError::Damaged(format!("session {id}: nothing of a session is stored")))
    }

    fn row(_: &Session, _: &[StoredChange]) -> Option<Row> {
        None
    }

    fn change(change: &Never) -> (&'static str, Vec<u8>) {
        match *change {}
    }

    fn digest(_: &Input) -> u64 {
        0
    }

    fn channels(_: SessionId) -> Vec<Channel> {
        Vec::new()
    }

    fn tick() -> Option<Input> {
        Some(Input::Tick)
    }

    fn is_lost(input: &Input) -> bool {
        matches!(input, Input::Detached)
    }
    fn lost() -> Option<Input> {
        Some(Input::Detached)
    }
    fn end() -> Option<Input> {
        Some(Input::Ended)
    }

    fn parked(house: &House, outbox: Option<&Arc<Outbox>>) {
        if let Some(outbox) = outbox {
            outbox.close(CloseCode::GoingAway, house.clock.now().0);
            house.session_ended(outbox.by.session, Some(outbox));
        }
    }

    fn publish(house: &Arc<House>, id: SessionId, outbox: Option<&Arc<Outbox>>, publish: Publish) {
        let Some(outbox) = outbox else { return };
        let now = house.clock.now().0;
        match publish {
            Publish::Close(code) => outbox.close(code, now),
            Publish::Unsubscribe(topic) => house.hub.unsubscribe(outbox, topic),
            Publish::Seen { h, .. } => house.hub.seen(outbox, h),
            Publish::Here { is } => house.hub.here(outbox, is, now),
            Publish::LookAt { room, people } => house.hub.look_at(outbox, room, people),
            Publish::Ended => house.session_ended(id, Some(outbox)),
        }
    }

    fn tell(house: &Arc<House>, reply: ReplyTo, to: Tell) {
        let topic = match &to {
            Tell::Class(_, class::Input::Subscribe { topic, .. }) => Some(*topic),
            Tell::User(_, user::Input::Subscribe { .. }) => Some(Topic::Me),
            Tell::Room(room, room::Input::Subscribe { .. }) => Some(Topic::Room(*room)),
            Tell::Class(..) | Tell::User(..) | Tell::Room(..) => None,
        };
        if let (Some(topic), ReplyTo::Frame { outbox, .. }) = (topic, &reply) {
            house.hub.asked(outbox, topic);
        }
        match to {
            Tell::Class(class, input) => house.to_class(class, input, reply),
            Tell::User(user, input) => house.to_user(user, input, reply),
            Tell::Room(room, input) => house.to_room(room, input, reply),
        }
    }

    fn event(_: SessionId, record: Never) -> Event {
        match record {}
    }

    fn load(_: &Arc<House>, _: SessionId, load: Never) -> BoxFuture<'static, Input> {
        match load {}
    }
}
