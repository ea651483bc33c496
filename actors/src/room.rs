//! The room as an actor: a row now and then, its events one by one, and a topic whose offsets are the numbers of its events.

use crate::body::{Body, fingerprint, pack, unpack};
use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::{Event, Page, RoomRow, Row, StoreError, StoredActor, StoredChange, StoredImage, StoredPerson};
use crate::reply::ReplyTo;
use crate::stats::Kind;
use fitconnect_domain::class::{Caller, StoredSample};
use fitconnect_domain::report::Filed;
use fitconnect_domain::room::{self, Change, Input, Load, Loaded, Loose, POSTED, Person, Publish, Room, Stored};
use fitconnect_domain::user::Never;
use fitconnect_domain::{ActorKey, LetterBody, Millis};
use fitconnect_protocol::limits::{IMAGE_LOOSE_MS, ROOM_SNAPSHOT_EVERY};
use fitconnect_protocol::room::{HistoryFrom, Message, RoomEvent, RoomKind};
use fitconnect_protocol::session::{Event as TopicEvent, Position, Topic};
use fitconnect_protocol::{CmdId, RoomId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The time in which a person's reports are counted.
const HOUR_MS: u64 = 3_600_000;

pub struct RoomBody;

impl Body for RoomBody {
    type Machine = Room;
    type Id = RoomId;
    const KIND: Kind = Kind::Room;

    fn key(id: RoomId) -> ActorKey {
        ActorKey::Room(id)
    }

    fn restore(id: RoomId, stored: &StoredActor, _: Vec<StoredSample>, _: Millis) -> Result<Room, StoreError> {
        let Some(row) = stored.snapshot.as_deref() else { return Ok(Room::new(id)) };
        let row: Stored = unpack(row, "a room's row")?;
        Ok(Room::restore(id, stored.topic_epoch, row, events(stored)?))
    }

    /// Written when something that others look for has changed, and whole each time so many numbers have been given.
    fn row(room: &Room, changes: &[StoredChange]) -> Option<Row> {
        let stored = room.stored()?;
        let (first, last) = (changes.first()?.seq, changes.last()?.seq);
        let whole = first == 1 || last / ROOM_SNAPSHOT_EVERY != (first - 1) / ROOM_SNAPSHOT_EVERY;
        let talk = |change: &StoredChange| change.kind == POSTED || !change.rewrites.is_empty();
        if !whole && changes.iter().all(talk) {
            return None;
        }
        Some(Row::Room(RoomRow {
            gym: stored.gym,
            kind: kind_name(stored.kind),
            name: stored.name.clone(),
            people: stored.members.len() as u32,
            topic_epoch: room.position().epoch,
            snapshot: whole.then(|| (stored.seq, pack(stored))),
        }))
    }

    fn change(change: &Change) -> (&'static str, Vec<u8>) {
        (room::kind(&change.event), pack(&change.event))
    }

    fn rewritten(change: &Change) -> Vec<(u64, Vec<u8>)> {
        change.rewrites.iter().map(|(seq, event)| (*seq, pack(event))).collect()
    }

    fn tick() -> Option<Input> {
        Some(Input::Tick)
    }

    fn digest(input: &Input) -> u64 {
        match input {
            Input::Command { act, .. } => fingerprint(&pack(act)),
            Input::Subscribe { .. }
            | Input::History { .. }
            | Input::Members { .. }
            | Input::Loaded(_)
            | Input::Letter(_)
            | Input::Tick
            | Input::Typing { .. }
            | Input::Got { .. }
            | Input::Read { .. }
            | Input::May { .. } => {
                unreachable!("not a command: {input:?}")
            }
        }
    }

    fn channels(id: RoomId) -> Vec<Channel> {
        vec![Channel::room(id)]
    }

    fn letter(letter: LetterBody) -> Option<Input> {
        Some(Input::Letter(letter))
    }

    fn loaded(house: &House, id: RoomId, room: &Room, stored: &StoredActor) {
        let newest = events(stored).unwrap_or_default();
        let newest = newest.into_iter().map(|(seq, event)| (seq, TopicEvent::Room(event))).collect();
        house.hub.stand(Channel::room(id), room.position(), newest, house.clock.now().0);
        house.hub.silence_presence(Channel::room(id), room.is_closed());
    }

    fn asleep(house: &House, id: RoomId) {
        house.hub.forget_if_idle(Channel::room(id));
    }

    fn follows(input: &Input) -> Option<(Topic, Option<Position>)> {
        match input {
            Input::Subscribe { room, position, .. } => Some((Topic::Room(*room), *position)),
            Input::Command { .. }
            | Input::History { .. }
            | Input::Members { .. }
            | Input::Loaded(_)
            | Input::Letter(_)
            | Input::Tick
            | Input::Typing { .. }
            | Input::Got { .. }
            | Input::Read { .. }
            | Input::May { .. } => None,
        }
    }
    fn follow(by: Arc<Caller>, topic: Topic, position: Position) -> Option<Input> {
        let Topic::Room(room) = topic else { return None };
        Some(Input::Subscribe { by, room, position: Some(position) })
    }

    fn publish(house: &Arc<House>, id: RoomId, _: Option<&Arc<Outbox>>, publish: Publish) {
        let now = house.clock.now().0;
        match publish {
            Publish::Event { at, event, rewrites } => {
                let channel = Channel::room(id);
                for (offset, event) in rewrites {
                    house.hub.rewrite(channel, offset, TopicEvent::Room(event));
                }
                house.hub.publish_at(channel, at, TopicEvent::Room(*event), now);
            }
            Publish::Typing { user, name } => house.hub.typing(Channel::room(id), user, name, now),
            Publish::Marks { of, got, read } => house.hub.marks(Channel::room(id), of, got, read, now),
            Publish::Silent(silent) => house.hub.silence_presence(Channel::room(id), silent),
            Publish::Gone { user } => house.hub.expel(Channel::room(id), user, now),
        }
    }

    fn tell(_: &Arc<House>, _: ReplyTo, to: Never) {
        match to {}
    }

    fn event(_: RoomId, record: Never) -> Event {
        match record {}
    }

    fn load(house: &Arc<House>, id: RoomId, load: Load) -> BoxFuture<'static, Input> {
        let house = house.clone();
        async move {
            let loaded = match load {
                Load::Person { user } => house.state.person(user).await.map(|person| {
                    let known = |found: StoredPerson| Person { gym: found.gym, name: found.name, blocks: found.blocks };
                    Loaded::Person { user, person: person.map(known).map(Box::new) }
                }),
                Load::Read { user } => house.state.person(user).await.map(|person| {
                    let through = person.and_then(|person| person.reads.get(&id).copied());
                    Loaded::Read { user, through }
                }),
                Load::Message { seq } => message(&house, id, seq).await.map(|message| Loaded::Message { seq, message }),
                Load::Image { image } => house.state.image(image).await.map(|found| {
                    // What a message shows, or showed before it was held back, is not loose.
                    let is_loose = |found: &StoredImage| {
                        found.seq.is_none() && found.until.is_some_and(|until| until.since(found.at) <= IMAGE_LOOSE_MS)
                    };
                    let found = found.filter(is_loose);
                    let loose = |found: StoredImage| Loose { room: found.room, by: found.by, picture: found.picture };
                    Loaded::Image { image, found: found.map(loose) }
                }),
                Load::Reporting { user, seq } => {
                    let since = Millis(house.clock.now().0.saturating_sub(HOUR_MS));
                    let found = house.state.reporting(user, since, id, seq).await;
                    found.map(|found| Loaded::Reporting { user, seq, found })
                }
                Load::Lexicon { gym } => house.state.lexicon(gym).await.map(|set| {
                    let lexicon = set.map(|set| set.lexicon).unwrap_or_default();
                    Loaded::Lexicon { gym, found: lexicon.folded() }
                }),
                Load::Report { report } => filed(&house, report).await,
                Load::Page { ask, from, limit } => {
                    let page = page(&house, id, from, limit).await;
                    page.map(|messages| Loaded::Page { ask, from, limit, messages })
                }
            };
            Input::Loaded(loaded.unwrap_or_else(|error| {
                tracing::warn!(room = %id, %error, "what a room asked for could not be loaded");
                Loaded::Failed(load)
            }))
        }
        .boxed()
    }
}

/// A report, and who else has reported its message.
async fn filed(house: &House, report: CmdId) -> Result<Loaded, StoreError> {
    let filed = house.state.report(report).await?;
    let reporters = match &filed {
        Some(Filed { report, decision: None }) if !report.is_held() => {
            house.state.reporters(report.room, report.seq).await?
        }
        Some(Filed { report, .. }) => vec![report.reporter],
        None => Vec::new(),
    };
    Ok(Loaded::Report { report, filed: filed.map(Box::new), reporters })
}

async fn message(house: &House, room: RoomId, seq: u64) -> Result<Option<Box<Message>>, StoreError> {
    let found = house.state.room_events(room, seq, 1).await?;
    let Some((_, body)) = found.first().filter(|(found, _)| *found == seq) else { return Ok(None) };
    Ok(posted(body)?.map(Box::new))
}

async fn page(house: &House, room: RoomId, from: HistoryFrom, limit: u16) -> Result<Vec<Message>, StoreError> {
    let page = match from {
        HistoryFrom::Before { seq } => Page::Before(seq),
        HistoryFrom::After { seq } => Page::After(seq),
        HistoryFrom::Since { at_ms } => Page::Since(Millis(at_ms.max(0) as u64)),
    };
    let found = house.state.room_messages(room, page, u32::from(limit) + 1).await?;
    Ok(found.iter().map(|(_, body)| posted(body)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The message of a stored event, where it is one.
pub fn posted(body: &[u8]) -> Result<Option<Message>, StoreError> {
    match event(body)? {
        RoomEvent::Posted { message } => Ok(Some(message)),
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
        | RoomEvent::Closed { .. } => Ok(None),
    }
}

/// A stored event of a room.
pub fn event(body: &[u8]) -> Result<RoomEvent, StoreError> {
    unpack(body, "a room's event")
}

/// The newest events, with their numbers.
fn events(stored: &StoredActor) -> Result<Vec<(u64, RoomEvent)>, StoreError> {
    let first = stored.last_seq + 1 - stored.changes.len() as u64;
    (first..).zip(&stored.changes).map(|(seq, body)| Ok((seq, event(body)?))).collect()
}

/// The kind's name on the wire.
pub fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Class => "class",
        RoomKind::Gym => "gym",
        RoomKind::Team => "team",
        RoomKind::Trainer => "trainer",
        RoomKind::Direct => "direct",
        RoomKind::Challenge => "challenge",
        RoomKind::Support => "support",
    }
}
