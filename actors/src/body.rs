//! What an actor kind adds to the host: how its machine is made, written, spoken for and spoken to. One thin file a kind.

use crate::house::House;
use crate::hub::Channel;
use crate::outbox::Outbox;
use crate::ports::{Checkpoint, Event, Row, StoreError, StoredActor, StoredChange};
use crate::reply::ReplyTo;
use crate::stats::Kind;
use fitconnect_domain::class::{Caller, StoredSample};
use fitconnect_domain::{ActorKey, LetterBody, Machine, Millis};
use fitconnect_protocol::limits::MAILBOX_ACTOR;
use fitconnect_protocol::session::{Position, Topic};
use futures_util::future::BoxFuture;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::Arc;

pub type Input<B> = <<B as Body>::Machine as Machine>::Input;

pub trait Body: Sized + Unpin + 'static {
    type Machine: Machine<Input: Send + Unpin, Publish: Unpin, Tell: Unpin> + Send + Unpin + 'static;
    type Id: Copy + Eq + Hash + Debug + Display + Send + Sync + Unpin + 'static;
    const KIND: Kind;
    const MAILBOX: usize = MAILBOX_ACTOR;
    /// The machine is rebuilt from samples too, and appends to the log.
    const HAS_SAMPLES: bool = false;
    /// Something is stored of it: a lost machine can be built anew.
    const IS_STORED: bool = true;
    /// Whoever has not been answered when an input has been handled will not be.
    const ANSWERS_AT_ONCE: bool = false;

    fn key(id: Self::Id) -> ActorKey;
    fn restore(
        id: Self::Id,
        stored: &StoredActor,
        samples: Vec<StoredSample>,
        now: Millis,
    ) -> Result<Self::Machine, StoreError>;
    /// What a reload can begin with, if the machine has something to keep. It costs: asked now and then.
    fn checkpoint(_machine: &Self::Machine) -> Option<Vec<u8>> {
        None
    }
    /// The same as `restore`, with the samples that the checkpoint lacks; `None` where it does not serve.
    fn restore_from(
        _id: Self::Id,
        _stored: &StoredActor,
        _checkpoint: &Checkpoint,
        _samples: Vec<StoredSample>,
        _now: Millis,
    ) -> Result<Option<Self::Machine>, StoreError> {
        Ok(None)
    }
    /// The columns of the actor's row, as they are after these changes; `None` where they are as they were.
    fn row(machine: &Self::Machine, changes: &[StoredChange]) -> Option<Row>;
    /// A change's name in the store, and its body as MessagePack.
    fn change(change: &<Self::Machine as Machine>::Change) -> (&'static str, Vec<u8>);
    /// Earlier changes that this one rewrites, and how they are stored from then on.
    fn rewritten(_change: &<Self::Machine as Machine>::Change) -> Vec<(u64, Vec<u8>)> {
        Vec::new()
    }
    /// Fingerprint of a command: the same id with another body is refused.
    fn digest(input: &Input<Self>) -> u64;
    /// Topics that begin a new epoch when the machine is lost.
    fn channels(id: Self::Id) -> Vec<Channel>;

    /// The machine stands, and nobody has spoken to it yet.
    fn loaded(_house: &House, _id: Self::Id, _machine: &Self::Machine, _stored: &StoredActor) {}
    /// The machine is gone, since nobody speaks to it.
    fn asleep(_house: &House, _id: Self::Id) {}

    fn wake() -> Option<Input<Self>> {
        None
    }
    /// The alarm that the machine wants, as it was built.
    fn alarm(_machine: &Self::Machine) -> Option<Millis> {
        None
    }
    fn tick() -> Option<Input<Self>> {
        None
    }
    fn durable(_number: u64) -> Option<Input<Self>> {
        None
    }
    fn letter(_letter: LetterBody) -> Option<Input<Self>> {
        None
    }
    /// Whether the input goes to the log: while that is full it is answered with `busy` instead.
    fn is_samples(_input: &Input<Self>) -> bool {
        false
    }
    /// Tells the sender of an input that has no reply that it was not taken.
    fn busy(_house: &House, _input: Input<Self>) {}

    /// The topic that an input asks to follow, and the place from where.
    fn follows(_input: &Input<Self>) -> Option<(Topic, Option<Position>)> {
        None
    }
    /// A socket that has followed this topic follows it again.
    fn follow(_by: Arc<Caller>, _topic: Topic, _position: Position) -> Option<Input<Self>> {
        None
    }

    /// The word that the socket is gone. The host looks at the socket itself: such a word may be lost, or be late and of another socket.
    fn is_lost(_input: &Input<Self>) -> bool {
        false
    }
    /// What the machine is told when its socket is gone, once.
    fn lost() -> Option<Input<Self>> {
        None
    }
    /// What the machine is told before it ends.
    fn end() -> Option<Input<Self>> {
        None
    }

    /// The actor is parked: whoever hangs on it alone should come back elsewhere.
    fn parked(_house: &House, _outbox: Option<&Arc<Outbox>>) {}

    fn publish(
        house: &Arc<House>,
        id: Self::Id,
        outbox: Option<&Arc<Outbox>>,
        publish: <Self::Machine as Machine>::Publish,
    );
    fn tell(house: &Arc<House>, reply: ReplyTo, to: <Self::Machine as Machine>::Tell);
    fn event(id: Self::Id, record: <Self::Machine as Machine>::Record) -> Event;
    fn load(
        house: &Arc<House>,
        id: Self::Id,
        load: <Self::Machine as Machine>::Load,
    ) -> BoxFuture<'static, Input<Self>>;
}

/// MessagePack with field names: what is stored can be read by a later version.
pub fn pack<T: serde::Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("our own types have nothing that MessagePack lacks")
}

pub fn unpack<'b, T: serde::Deserialize<'b>>(bytes: &'b [u8], what: &str) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Damaged(format!("{what}: {error}")))
}

/// FNV-1a: stable over versions and machines.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
