//! The class as an actor: how its machine is rebuilt, what of it is stored and logged, where its words go.

use crate::body::{Body, Input, fingerprint, pack, unpack};
use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::{Checkpoint, ClassRow, Event, Row, StoreError, StoredActor, StoredChange};
use crate::reply::ReplyTo;
use crate::stats::Kind;
use fitconnect_domain::class::{
    self, Caller, Change, Class, Load, Loaded, Person, Publish, Record, Stage, StoredSample, Tell,
};
use fitconnect_domain::{ActorKey, LetterBody, Millis};
use fitconnect_protocol::session::{Event as TopicEvent, Position, Response, Topic};
use fitconnect_protocol::{ClassId, ErrorCode, Refusal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

pub struct ClassBody;

impl Body for ClassBody {
    type Machine = Class;
    type Id = ClassId;
    const KIND: Kind = Kind::Class;
    const HAS_SAMPLES: bool = true;

    fn key(id: ClassId) -> ActorKey {
        ActorKey::Class(id)
    }

    fn restore(
        id: ClassId,
        stored: &StoredActor,
        samples: Vec<StoredSample>,
        now: Millis,
    ) -> Result<Class, StoreError> {
        if stored.rev == 0 {
            return Ok(Class::new(id));
        }
        Ok(Class::restore(id, &changes(stored)?, samples, now))
    }

    fn checkpoint(class: &Class) -> Option<Vec<u8>> {
        class.checkpoint()
    }

    fn restore_from(
        id: ClassId,
        stored: &StoredActor,
        checkpoint: &Checkpoint,
        samples: Vec<StoredSample>,
        now: Millis,
    ) -> Result<Option<Class>, StoreError> {
        let changes = changes(stored)?;
        let seen = usize::try_from(checkpoint.seq).unwrap_or(usize::MAX);
        let Some((before, after)) = changes.split_at_checked(seen) else { return Ok(None) };
        Ok(Class::restore_from(id, before, &checkpoint.body, after, samples, now))
    }

    fn row(class: &Class, _: &[StoredChange]) -> Option<Row> {
        let facts = class.facts()?;
        Some(Row::Class(ClassRow {
            gym: facts.gym,
            name: facts.name.clone(),
            hall: facts.hall.clone(),
            trainer: facts.trainer.clone(),
            starts_at_ms: facts.starts_at_ms,
            stage: stage_name(class.stage()).into(),
            people: class.riders().len() as u32,
        }))
    }

    fn change(change: &Change) -> (&'static str, Vec<u8>) {
        (change.what.kind(), pack(change))
    }

    fn digest(input: &Input<Self>) -> u64 {
        match input {
            class::Input::Command { act, .. } => fingerprint(&pack(act)),
            // Its id is made from the command's: there is nothing to confuse.
            class::Input::Create { .. } => 0,
            other => unreachable!("not a command: {other:?}"),
        }
    }

    fn channels(id: ClassId) -> Vec<Channel> {
        Channel::all_of_class(id).into()
    }

    fn wake() -> Option<class::Input> {
        Some(class::Input::Wake)
    }
    fn alarm(class: &Class) -> Option<Millis> {
        class.alarm()
    }
    fn tick() -> Option<class::Input> {
        Some(class::Input::Tick)
    }
    fn durable(record: u64) -> Option<class::Input> {
        Some(class::Input::Durable { record })
    }
    fn letter(letter: LetterBody) -> Option<class::Input> {
        Some(class::Input::Letter(letter))
    }
    fn is_samples(input: &class::Input) -> bool {
        matches!(input, class::Input::Samples { .. })
    }

    fn follows(input: &class::Input) -> Option<(Topic, Option<Position>)> {
        match input {
            class::Input::Subscribe { topic, position, .. } => Some((*topic, *position)),
            _ => None,
        }
    }
    fn follow(by: Arc<Caller>, topic: Topic, position: Position) -> Option<class::Input> {
        Some(class::Input::Subscribe { by, topic, position: Some(position) })
    }

    fn busy(house: &House, input: class::Input) {
        if let class::Input::Samples { by, samples } = input {
            let refusal = Refusal::from(ErrorCode::Busy);
            house.hub.direct(by.session, &Response::Unwanted { class: samples.class, refusal }, house.clock.now().0);
        }
    }

    fn publish(house: &Arc<House>, id: ClassId, _: Option<&Arc<Outbox>>, publish: Publish) {
        let now = house.clock.now().0;
        match publish {
            Publish::Event { topic, event, whole_only } => {
                house.hub.publish(Channel::class(topic), TopicEvent::Class(event), whole_only, now);
            }
            Publish::Attention(list) => house.hub.attention(id, list, now),
            Publish::Tick(frame) => house.hub.tick(id, *frame, now),
            Publish::Direct { session, response } => house.hub.direct(session, &response, now),
            Publish::Passing { session, response } => house.hub.passing(session, &response, now),
        }
    }

    fn tell(_: &Arc<House>, _: ReplyTo, to: Tell) {
        match to {}
    }

    fn event(class: ClassId, record: Record) -> Event {
        match record {
            Record::Samples(samples) => Event::Samples { class, samples },
            Record::Raised { at, kind, slot } => Event::Class { class, at, kind: "raised", body: pack(&(kind, slot)) },
        }
    }

    fn load(house: &Arc<House>, class: ClassId, load: Load) -> BoxFuture<'static, class::Input> {
        let house = house.clone();
        async move {
            let loaded = match &load {
                Load::Person { user } => house.state.person(*user).await.map(|person| Loaded::Person {
                    user: *user,
                    person: person.map(|person| {
                        let (gym, name, rev) = (person.gym, person.name, person.version);
                        let (profile, consent, blocks) = (person.profile, person.consent, person.blocks);
                        Box::new(Person { gym, name, rev, profile, consent, blocks })
                    }),
                }),
                Load::Series { slot, sources } => {
                    let samples = house.events.samples(class, Some(sources.clone())).await;
                    samples.map(|samples| Loaded::Series { slot: *slot, samples })
                }
            };
            class::Input::Loaded(loaded.unwrap_or_else(|error| {
                tracing::warn!(%class, %error, "what a class asked for could not be loaded");
                Loaded::Failed(load)
            }))
        }
        .boxed()
    }
}

/// Numbered from 1, without a hole.
fn changes(stored: &StoredActor) -> Result<Vec<Change>, StoreError> {
    stored.changes.iter().map(|body| unpack(body, "a class's change")).collect()
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Scheduled => "scheduled",
        Stage::Open => "open",
        Stage::Running => "running",
        Stage::Finished => "finished",
        Stage::Settled => "settled",
        Stage::Cancelled => "cancelled",
        Stage::Aborted => "aborted",
    }
}
