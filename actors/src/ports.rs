//! What the actors need of the world, as traits: state, events, clock, arbiters. The shell implements them once an engine;
//! the simulation implements them in memory. One conformance suite runs over every implementation.

use fitconnect_domain::class::StoredSample;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::report::{Entry, Filed};
use fitconnect_domain::room::Reporting;
use fitconnect_domain::time::Date;
use fitconnect_domain::user::Blocks;
use fitconnect_domain::{ActorKey, Letter, LetterId, Millis};
use fitconnect_protocol::room::Picture;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, GymId, ImageId, RoomId, SourceId, UserId};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Number of shards; never changes, so that a key's shard is the same for ever.
pub const SHARDS: usize = 256;

/// The wall as the actors see it: Unix time anchored once to a monotonic clock, so that it never jumps.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// Why a store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was changed, or it is not known whether it was: read again before you go on.
    #[error("the store could not answer: {0}")]
    Unavailable(String),
    /// The row is there already, or its unique column is.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// What is stored cannot be read: a later version wrote it, or the disk is damaged.
    #[error("damaged: {0}")]
    Damaged(String),
}

// ---- state ----

/// A change as the store keeps it: the actor's `seq`-th.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChange {
    /// From 1, without a hole.
    pub seq: u64,
    /// Unix milliseconds at which it was decided.
    pub at: Millis,
    /// The event's name.
    pub kind: &'static str,
    /// MessagePack.
    pub body: Vec<u8>,
    /// Earlier changes of the same actor that are stored with these bodies from now on.
    pub rewrites: Vec<(u64, Vec<u8>)>,
}

/// The answer to a command that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub author: UserId,
    pub cmd: CmdId,
    /// Of the command's body: the same id with another body is a mistake of the client.
    pub digest: u64,
    pub at: Millis,
    /// The encoded `Response`.
    pub reply: Vec<u8>,
}

/// Columns of an actor's own row that others look for, replaced whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Class(ClassRow),
    User(UserRow),
    Room(RoomRow),
}

/// How a class is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    pub gym: GymId,
    pub name: String,
    pub hall: String,
    pub trainer: String,
    pub starts_at_ms: i64,
    /// The stage's name in lower case: `scheduled`, `open`, `running`, `finished`, `settled`, `cancelled`, `aborted`.
    pub stage: String,
    pub people: u32,
}

/// A person's row: everything, as MessagePack of `domain::user::Stored`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub snapshot: Vec<u8>,
}

/// How a room is found, and what it is rebuilt from besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    pub gym: GymId,
    /// The kind's name on the wire.
    pub kind: &'static str,
    pub name: String,
    pub people: u32,
    /// Epoch of the topic; stored once, when the room is made.
    pub topic_epoch: u32,
    /// MessagePack of `domain::room::Stored` as of this number; `None`: what is stored stays.
    pub snapshot: Option<(u64, Vec<u8>)>,
}

/// One actor's part of a transaction. All of it happens, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub key: ActorKey,
    /// The epoch of the actor's shard under which it was loaded.
    pub epoch: u64,
    /// Revision that the actor believes its row to have; 0: there is no row yet. The commit makes it one more.
    pub rev: u64,
    pub row: Option<Row>,
    pub changes: Vec<StoredChange>,
    /// `Some`: the stored alarm is this from now on.
    pub wake_at: Option<Option<Millis>>,
    /// Sent with this commit, numbered within it: their ids are (key, rev + 1, number).
    pub letters: Vec<(u32, Letter)>,
    /// Handled with this commit: each row must still be there, and is gone with it.
    pub received: Vec<LetterId>,
    pub answers: Vec<StoredAnswer>,
    /// Reports, and what becomes of pictures, in order.
    pub reports: Vec<Entry>,
}

/// What became of one actor's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Durable; the row's revision now.
    Done(u64),
    /// The fence held: the actor is not ours, an older life of it is still writing, or a letter had been handled. Nothing was changed.
    Fenced,
    /// It is not known whether it happened: read `rev` again.
    Unknown(String),
}

/// Everything stored of an actor, read in one transaction with its shard's epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredActor {
    /// 0: there is no row.
    pub rev: u64,
    pub epoch: u64,
    /// A person's row, or a room's.
    pub snapshot: Option<Vec<u8>>,
    /// A room's: the epoch of its topic.
    pub topic_epoch: u32,
    /// A class's changes in order; of a room the newest, as many as the hub keeps and at least those that its row lacks. (A person's are
    /// not read: the row says it all.)
    pub changes: Vec<Vec<u8>>,
    /// The number of the last change.
    pub last_seq: u64,
    pub wake_at: Option<Millis>,
    /// Of the last ten minutes.
    pub answers: Vec<StoredAnswer>,
}

/// A letter that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLetter {
    pub id: LetterId,
    pub letter: Letter,
}

/// What a class list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassListed {
    pub class: ClassId,
    pub row: ClassRow,
}

/// A person as a class reads them when they come in.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPerson {
    pub gym: GymId,
    pub name: String,
    /// `domain::user::Stored::version`.
    pub version: u64,
    pub profile: Profile,
    pub consent: Consent,
    /// Whom this person does not want to hear of, and who does not want to hear of them.
    pub blocks: Blocks,
    /// How far they have read in rooms of two; nothing of one who is unseen.
    pub reads: BTreeMap<RoomId, u64>,
}

/// An account: who may log in, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub user: UserId,
    pub gym: GymId,
    /// Lower case.
    pub email: String,
    pub name: String,
    pub role: Role,
    /// The hall that a screen or a hub is bound to.
    pub hall: Option<String>,
    /// PHC string of argon2id.
    pub password: String,
}

/// A picture that was sent to a room, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    pub picture: Picture,
    pub room: RoomId,
    pub by: UserId,
    pub at: Millis,
    /// The message that shows it.
    pub seq: Option<u64>,
    /// When it is forgotten; `None`: not before its message.
    pub until: Option<Millis>,
}

/// A gym's list of words, with who set it and when.
#[derive(Clone, Debug, PartialEq)]
pub struct SetLexicon {
    pub lexicon: Lexicon,
    pub by: UserId,
    pub at: Millis,
}

/// A room's messages, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// With numbers below this, downwards.
    Before(u64),
    /// With numbers above this, upwards.
    After(u64),
    /// Of this moment and later, upwards.
    Since(Millis),
}

/// Which rooms of a gym, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// By their names, behind this one.
    Named { after: Option<(String, RoomId)> },
    /// Those in which something was written last first, behind this one; where nothing was, the moment counts at which it was made.
    Lively { after: Option<(Millis, RoomId)> },
}

/// A room in a list of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomListed {
    pub room: RoomId,
    pub name: String,
    pub people: u32,
    /// Its first event: who made it, and how.
    pub made: Vec<u8>,
    /// Its newest message; of lively ones alone.
    pub last: Option<Vec<u8>>,
    /// Where it stands among lively ones; when it was made among named ones.
    pub at: Millis,
}

/// A stored change: its number and its body.
pub type Numbered = (u64, Vec<u8>);

/// Users, classes, letters, answers, shards.
pub trait StateStore: Send + Sync {
    /// Takes every shard for this process and raises its epoch. At start, before anything is written. Returns the epochs by shard.
    fn claim_shards(&self) -> BoxFuture<'_, Result<Vec<u64>, StoreError>>;
    /// Transactions that may run at one time. Commits of one shard are given to it one after another: those of shard `s` by the caller
    /// `s % lines`.
    fn lines(&self) -> usize {
        1
    }
    fn load(&self, key: ActorKey) -> BoxFuture<'_, Result<StoredActor, StoreError>>;
    /// One transaction for all; an actor whose fence holds is left out alone. One result an actor, in order.
    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Committed>>;
    /// The answer to a command older than those that were loaded.
    fn answer(
        &self,
        key: ActorKey,
        author: UserId,
        cmd: CmdId,
    ) -> BoxFuture<'_, Result<Option<StoredAnswer>, StoreError>>;
    /// Actors whose stored alarm is due, oldest first.
    fn due(&self, now: Millis, limit: u32) -> BoxFuture<'_, Result<Vec<ActorKey>, StoreError>>;
    /// Letters that have not been handled, oldest first, behind `after`.
    fn letters(&self, after: Option<LetterId>, limit: u32) -> BoxFuture<'_, Result<Vec<StoredLetter>, StoreError>>;
    /// Forgets answers older than their 24 hours, reports that were decided long ago, and pictures whose time has come; how many answers.
    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<u64, StoreError>>;

    fn person(&self, user: UserId) -> BoxFuture<'_, Result<Option<StoredPerson>, StoreError>>;
    /// Makes a gym with this id and name if it is not there.
    fn add_gym(&self, gym: GymId, name: String) -> BoxFuture<'_, Result<(), StoreError>>;
    fn gyms(&self) -> BoxFuture<'_, Result<Vec<(GymId, String)>, StoreError>>;
    /// Makes accounts with their persons' rows, all or none; `Taken("email")` where one is in use.
    fn add_accounts(&self, accounts: Vec<(Account, UserRow)>) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Gives an account another password, as a PHC string; `false` where there is no such account.
    fn set_password(&self, user: UserId, password: String) -> BoxFuture<'_, Result<bool, StoreError>>;
    fn account_by_email(&self, email: String) -> BoxFuture<'_, Result<Option<Account>, StoreError>>;
    fn account(&self, user: UserId) -> BoxFuture<'_, Result<Option<Account>, StoreError>>;
    /// Accounts of a gym in order of email, behind `after`.
    fn accounts(
        &self,
        gym: GymId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Account>, StoreError>>;
    /// Members and staff of a gym whose names have words that begin with all of these, as [`fitconnect_domain::words::words_of`] makes
    /// them, in order of name. More than [`fitconnect_protocol::limits::PEOPLE_WORDS_MAX`] words are not looked at.
    fn people(
        &self,
        gym: GymId,
        words: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(UserId, String)>, StoreError>>;
    /// Screens of a gym in order of name: the first of them, where there are more than a page.
    fn screens(&self, gym: GymId) -> BoxFuture<'_, Result<Vec<Account>, StoreError>>;
    /// Takes an account away; its person's row stays. `false` where there is no such account.
    fn remove_account(&self, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>>;
    /// Notes that no token given to this person until `at` is good any more.
    fn revoke(&self, user: UserId, at: Millis) -> BoxFuture<'_, Result<(), StoreError>>;
    /// What was noted from `since` on; older notes are forgotten.
    fn revoked(&self, since: Millis) -> BoxFuture<'_, Result<Vec<(UserId, Millis)>, StoreError>>;
    /// Classes of a gym that start in `[from_ms, to_ms)`, in order of start.
    fn classes(
        &self,
        gym: GymId,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<ClassListed>, StoreError>>;
    /// A person's changes of one kind, newest first, below `before`: a member's summaries are `summarised`.
    fn user_changes(
        &self,
        user: UserId,
        kind: &'static str,
        before: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>>;
    /// A class's stored changes in order, from `from_seq`.
    fn class_changes(
        &self,
        class: ClassId,
        from_seq: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>>;
    /// A room's events in order, from `from_seq`.
    fn room_events(&self, room: RoomId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>>;
    /// Those of a room's events that are messages.
    fn room_messages(&self, room: RoomId, page: Page, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>>;
    /// Rooms of a gym of one kind, by its name on the wire.
    fn rooms(
        &self,
        gym: GymId,
        kind: &'static str,
        listing: Listing,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<RoomListed>, StoreError>>;
    /// A picture that no message shows yet.
    fn add_image(&self, image: StoredImage, jpeg: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>>;
    fn image(&self, image: ImageId) -> BoxFuture<'_, Result<Option<StoredImage>, StoreError>>;
    /// JPEG.
    fn image_bytes(&self, image: ImageId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
    /// How many this person has sent after a moment.
    fn images_since(&self, by: UserId, since: Millis) -> BoxFuture<'_, Result<u32, StoreError>>;
    /// A gym's list of words; `None` where nobody has set one.
    fn lexicon(&self, gym: GymId) -> BoxFuture<'_, Result<Option<SetLexicon>, StoreError>>;
    fn set_lexicon(&self, gym: GymId, set: SetLexicon) -> BoxFuture<'_, Result<(), StoreError>>;
    /// One report, by the command that made it.
    fn report(&self, id: CmdId) -> BoxFuture<'_, Result<Option<Filed>, StoreError>>;
    /// Open reports of a gym, or of one of its rooms, oldest first, behind the time and id of `after`.
    fn reports(
        &self,
        gym: GymId,
        room: Option<RoomId>,
        after: Option<(Millis, CmdId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Filed>, StoreError>>;
    /// What is filed about a person who reports this message: their reports after `since` in all rooms, and what is open here.
    fn reporting(
        &self,
        user: UserId,
        since: Millis,
        room: RoomId,
        seq: u64,
    ) -> BoxFuture<'_, Result<Reporting, StoreError>>;
    /// Whose reports of this message are open, in order of their ids.
    fn reporters(&self, room: RoomId, seq: u64) -> BoxFuture<'_, Result<Vec<UserId>, StoreError>>;
}

// ---- events ----

/// Who appends: an actor in one of its lives. A later life is told nothing of an earlier one's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Writer {
    pub key: ActorKey,
    pub life: u64,
}

/// What goes into the local log on its way to the event store.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Samples {
        class: ClassId,
        samples: Vec<StoredSample>,
    },
    /// Anything else that happened in a class, as MessagePack.
    Class {
        class: ClassId,
        at: i64,
        kind: &'static str,
        body: Vec<u8>,
    },
}

/// What has become durable, at most one message a writer and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durable {
    /// Everything up to this number of this writer is on disk.
    Through { writer: Writer, number: u64 },
    /// The disk refused: this writer's records that have not been reported may be lost; nothing of them was acknowledged.
    Failed { writer: Writer },
}

/// Receives what has become durable; called from the log's own thread, must not block.
pub type DurableSink = Arc<dyn Fn(Durable) + Send + Sync>;

/// Class time, kind and body of an event.
pub type ClassEvent = (i64, String, Vec<u8>);

/// A running class as its machine was at one moment, so that a reload need not read all its samples. It may be old, or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Number of the last change in it; every change up to it is stored.
    pub seq: u64,
    /// Samples that it lacks were appended at this moment or later.
    pub since: Millis,
    pub body: Vec<u8>,
}

/// Samples and class events: appended at once, durable within a few tens of milliseconds, readable from then on.
pub trait EventLog: Send + Sync {
    /// `false`: too much waits; the caller answers `busy`.
    fn append(&self, writer: Writer, number: u64, event: Event) -> bool;
    /// Whether appends are taken now.
    fn is_open(&self) -> bool;
    /// All durable samples of these sensors in this class (of all sensors where `None`), after what the log still holds of it.
    /// In no order, each once.
    fn samples(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>>;
    /// At least all durable samples of this class that were appended at `since` or later; otherwise like `samples`.
    fn samples_since(&self, class: ClassId, since: Millis) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>>;
    /// Class events other than samples in order of time: (class time, kind, body).
    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<ClassEvent>, StoreError>>;
    /// Keeps a checkpoint beside the log, in place of the one before; `None`: there is none any more.
    fn keep_checkpoint(&self, class: ClassId, checkpoint: Option<Checkpoint>) -> BoxFuture<'_, Result<(), StoreError>>;
    fn checkpoint(&self, class: ClassId) -> BoxFuture<'_, Result<Option<Checkpoint>, StoreError>>;
}

/// The rows behind the log: the event store proper. SQLite by default, Cassandra in production.
/// Writing a chunk again writes the same rows.
pub trait EventStore: Send + Sync {
    fn write(&self, chunks: Vec<Chunk>) -> BoxFuture<'_, Result<(), StoreError>>;
    fn chunks(
        &self,
        class: ClassId,
        sources: Option<Vec<SourceId>>,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>>;
    /// At least all chunks of the class in windows of this number and later.
    fn chunks_since(&self, class: ClassId, window: u64) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>>;
    fn write_class_events(&self, events: Vec<ClassEventRow>) -> BoxFuture<'_, Result<(), StoreError>>;
    fn class_events(&self, class: ClassId) -> BoxFuture<'_, Result<Vec<ClassEventRow>, StoreError>>;
    /// What changed in classes and people, from the outbox of the state store.
    fn write_changes(&self, changes: Vec<Told>) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Changes of a class from this number on, at most so many.
    fn class_changes(&self, class: ClassId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>>;
    /// Changes of a person in one month (see [`Told::month`]), in order.
    fn activity(&self, user: UserId, month: i32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>>;
    /// A member's own series, written when a class has settled.
    fn write_user_series(
        &self,
        user: UserId,
        class: ClassId,
        samples: Vec<StoredSample>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
    fn user_series(
        &self,
        user: UserId,
        from_ms: i64,
        to_ms: i64,
    ) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>>;
}

/// One source's samples of one class in one window of the log. Its key carries node and window, so that a window that is
/// shipped again writes the same rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub class: ClassId,
    pub source: SourceId,
    pub node: u32,
    pub window: u64,
    pub samples: Vec<StoredSample>,
}

/// A stored change as the event store is told of it. Told again it is the same row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub key: ActorKey,
    pub seq: u64,
    pub at: Millis,
    pub kind: String,
    pub body: Vec<u8>,
}

impl Told {
    /// Months since January of the year 0, UTC.
    pub fn month(&self) -> i32 {
        month(self.at)
    }
}

/// Months since January of the year 0, UTC.
pub fn month(at: Millis) -> i32 {
    let Date { year, month, .. } = Date::at(at);
    year * 12 + i32::from(month) - 1
}

/// An event of a class in the event store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassEventRow {
    pub class: ClassId,
    pub node: u32,
    pub window: u64,
    /// Place within the window.
    pub number: u32,
    /// Class time.
    pub at: i64,
    pub kind: String,
    pub body: Vec<u8>,
}
