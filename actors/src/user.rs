//! The person as an actor: one row, written whole; nothing but its own inbox to speak to.

use crate::body::{Body, fingerprint, pack, unpack};
use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::{Event, Row, StoreError, StoredActor, StoredChange, UserRow};
use crate::reply::ReplyTo;
use crate::stats::Kind;
use fitconnect_domain::class::{Caller, StoredSample};
use fitconnect_domain::room;
use fitconnect_domain::user::{Change, Input, Load, Loaded, Never, Publish, Stored, User};
use fitconnect_domain::{ActorKey, LetterBody, Millis};
use fitconnect_protocol::UserId;
use fitconnect_protocol::session::{Event as TopicEvent, Position, Topic};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

pub struct UserBody;

impl Body for UserBody {
    type Machine = User;
    type Id = UserId;
    const KIND: Kind = Kind::User;
    const MAILBOX: usize = 256;

    fn key(id: UserId) -> ActorKey {
        ActorKey::User(id)
    }

    fn restore(id: UserId, stored: &StoredActor, _: Vec<StoredSample>, _: Millis) -> Result<User, StoreError> {
        let row: Option<Stored> = stored.snapshot.as_deref().map(|row| unpack(row, "a person's row")).transpose()?;
        Ok(User::restore(id, row))
    }

    fn row(user: &User, _: &[StoredChange]) -> Option<Row> {
        user.stored().map(|stored| Row::User(UserRow { snapshot: pack(stored) }))
    }

    fn change(change: &Change) -> (&'static str, Vec<u8>) {
        (change.kind(), pack(change))
    }

    fn digest(input: &Input) -> u64 {
        match input {
            Input::Command { act, .. } => fingerprint(&pack(act)),
            Input::Subscribe { .. } | Input::Letter(_) | Input::Loaded(_) => unreachable!("not a command: {input:?}"),
        }
    }

    fn channels(id: UserId) -> Vec<Channel> {
        vec![Channel::me(id)]
    }

    fn letter(letter: LetterBody) -> Option<Input> {
        Some(Input::Letter(letter))
    }

    fn follows(input: &Input) -> Option<(Topic, Option<Position>)> {
        match input {
            Input::Subscribe { position, .. } => Some((Topic::Me, *position)),
            Input::Command { .. } | Input::Letter(_) | Input::Loaded(_) => None,
        }
    }
    fn follow(by: Arc<Caller>, _: Topic, position: Position) -> Option<Input> {
        Some(Input::Subscribe { by, position: Some(position) })
    }

    fn publish(house: &Arc<House>, id: UserId, _: Option<&Arc<Outbox>>, publish: Publish) {
        match publish {
            Publish::Event(event) => {
                house.hub.publish(Channel::me(id), TopicEvent::User(event), false, house.clock.now().0);
            }
            Publish::Read { room, through } => {
                house.to_room(room, room::Input::Read { user: id, through }, ReplyTo::Nobody);
            }
        }
    }

    fn tell(_: &Arc<House>, _: ReplyTo, to: Never) {
        match to {}
    }

    fn event(_: UserId, record: Never) -> Event {
        match record {}
    }

    fn load(house: &Arc<House>, id: UserId, load: Load) -> BoxFuture<'static, Input> {
        let house = house.clone();
        async move {
            let person = house.state.person(load.user).await.map(|person| person.map(|found| (found.gym, found.name)));
            Input::Loaded(match person {
                Ok(person) => Loaded::Person { user: load.user, person },
                Err(error) => {
                    tracing::warn!(user = %id, %error, "whom a block is about could not be looked up");
                    Loaded::Failed(load)
                }
            })
        }
        .boxed()
    }
}
