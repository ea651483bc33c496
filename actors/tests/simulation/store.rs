//! The state store in memory, with the fence of the real ones, and with faults by seed. It outlives the processes of a run.

use crate::faults::{Fault, Faults};
use crate::rng::Rng;
use fitconnect_actors::body::{pack, unpack};
use fitconnect_actors::ports::*;
use fitconnect_domain::class::{Change, What};
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_domain::report::{Entry, Filed};
use fitconnect_domain::room::{POSTED, Reporting};
use fitconnect_domain::user::{self, Stored};
use fitconnect_domain::{ActorKey, LetterId, Millis};
use fitconnect_protocol::class::{Sensor, SourceKind};
use fitconnect_protocol::limits::{CMD_RECENT_MS, RING_EVENTS_MAX};
use fitconnect_protocol::report::OnWords;
use fitconnect_protocol::room::RoomEvent;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{ClassId, CmdId, GymId, ImageId, RoomId, SourceId, UserId, Uuid};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A sensor that nobody wears, except where a read was damaged; a place that nobody has.
pub const POISON: u64 = 666;
pub const NO_PLACE: u16 = 60_000;
/// What the store says when it panics.
pub const PANIC: &str = "the store fell over";
/// So long after a damaged read there is no other: three panics within a minute park an actor, as they should.
pub const DAMAGE_EVERY: Duration = Duration::from_secs(40);
/// Letters that were handled and may be read once more.
const HANDLED_KEPT: usize = 8;

#[derive(Default)]
struct Kept {
    rev: u64,
    snapshot: Option<Vec<u8>>,
    topic_epoch: u32,
    snapshot_seq: u64,
    row: Option<ClassRow>,
    changes: Vec<StoredChange>,
    wake_at: Option<Millis>,
    answers: BTreeMap<(UserId, CmdId), StoredAnswer>,
}

struct Inner {
    rng: Rng,
    shards: Vec<u64>,
    actors: BTreeMap<ActorKey, Kept>,
    letters: Vec<StoredLetter>,
    handled: VecDeque<StoredLetter>,
    /// What is stored of classes and persons, decoded as it is written: what clients see is held against it.
    classes: BTreeMap<ClassId, Vec<Change>>,
    persons: BTreeMap<UserId, Vec<user::Change>>,
    /// A room's as they are stored now.
    rooms: BTreeMap<RoomId, Vec<RoomEvent>>,
    down_until: Option<Instant>,
    damage_after: Option<Instant>,
    damage_every: Duration,
    /// What must never happen.
    wrong: Vec<String>,
    commits: u64,
    loads: BTreeMap<ActorKey, u64>,
    /// Every gym's.
    lexicon: Option<Lexicon>,
    /// Messages that were held back.
    held: usize,
}

pub struct SimStore {
    faults: Arc<Faults>,
    inner: Mutex<Inner>,
}

impl SimStore {
    pub fn new(rng: &mut Rng, faults: &Arc<Faults>) -> SimStore {
        let inner = Inner {
            rng: rng.fork(),
            shards: vec![1; SHARDS],
            actors: BTreeMap::new(),
            letters: Vec::new(),
            handled: VecDeque::new(),
            classes: BTreeMap::new(),
            persons: BTreeMap::new(),
            rooms: BTreeMap::new(),
            down_until: None,
            damage_after: None,
            damage_every: DAMAGE_EVERY,
            wrong: Vec::new(),
            commits: 0,
            loads: BTreeMap::new(),
            lexicon: None,
            held: 0,
        };
        SimStore { faults: faults.clone(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding the store")
    }

    // ---- what the run itself looks at ----

    pub fn add_person(&self, user: UserId, stored: &Stored) {
        let kept = Kept { rev: 1, snapshot: Some(pack(stored)), ..Kept::default() };
        self.inner().actors.insert(ActorKey::User(user), kept);
    }

    /// From now on these words are looked for in each gym.
    pub fn set_words(&self, on_words: OnWords, words: &[&str]) {
        let words = words.iter().map(|word| (*word).to_owned());
        self.inner().lexicon = Some(Lexicon::new(on_words, words).expect("words"));
    }

    /// How many messages have been held back.
    pub fn held(&self) -> usize {
        self.inner().held
    }

    /// A person's row is this from now on, or cannot be read. Returns what it was.
    pub fn damage_person(&self, user: UserId, row: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut inner = self.inner();
        let kept = inner.actors.get_mut(&ActorKey::User(user)).expect("a person who is stored");
        kept.snapshot.replace(row.unwrap_or_else(|| vec![0xc1]))
    }

    /// Reads are damaged as often as this.
    pub fn damage_every(&self, every: Duration) {
        self.inner().damage_every = every;
    }

    /// Timers of a process that has died mean nothing to the next.
    pub fn restarted(&self) {
        let mut inner = self.inner();
        (inner.down_until, inner.damage_after) = (None, None);
    }

    pub fn changes<T>(&self, class: ClassId, look: impl FnOnce(&[Change]) -> T) -> T {
        look(self.inner().classes.get(&class).map_or(&[][..], Vec::as_slice))
    }

    pub fn person_changes<T>(&self, user: UserId, look: impl FnOnce(&[user::Change]) -> T) -> T {
        look(self.inner().persons.get(&user).map_or(&[][..], Vec::as_slice))
    }

    /// A room's events as they are stored now.
    pub fn room<T>(&self, room: RoomId, look: impl FnOnce(&[RoomEvent]) -> T) -> T {
        look(self.inner().rooms.get(&room).map_or(&[][..], Vec::as_slice))
    }

    pub fn stored_person(&self, user: UserId) -> Option<Stored> {
        let inner = self.inner();
        let row = inner.actors.get(&ActorKey::User(user))?.snapshot.as_deref()?;
        unpack(row, "a person").ok()
    }

    pub fn answer_of(&self, key: ActorKey, author: UserId, cmd: CmdId) -> Option<Response> {
        let inner = self.inner();
        let answer = inner.actors.get(&key)?.answers.get(&(author, cmd))?;
        unpack(&answer.reply, "an answer").ok()
    }

    pub fn letters_waiting(&self) -> Vec<StoredLetter> {
        self.inner().letters.clone()
    }

    /// Everything that must never have happened, once.
    pub fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().wrong)
    }

    pub fn commits(&self) -> u64 {
        self.inner().commits
    }

    /// How often an actor was loaded.
    pub fn loads(&self, key: ActorKey) -> u64 {
        self.inner().loads.get(&key).copied().unwrap_or(0)
    }

    // ---- faults ----

    /// Called once a step: the store may go away for a while.
    pub fn step(&self) {
        if self.faults.happens(Fault::StateDown) {
            let mut inner = self.inner();
            let ms = inner.rng.between(200, 6_000);
            inner.down_until = Some(Instant::now() + Duration::from_millis(ms));
        }
    }

    /// It answers nobody for so long.
    pub fn away_for(&self, ms: u64) {
        self.inner().down_until = Some(Instant::now() + Duration::from_millis(ms));
    }

    fn is_down(&self) -> bool {
        self.faults.are_on() && self.inner().down_until.is_some_and(|until| Instant::now() < until)
    }

    async fn pause(&self) {
        let us = self.inner().rng.between(0, 4_000);
        sleep(Duration::from_micros(us)).await;
    }

    /// Not where it would count against an actor: three panics within a minute park it.
    async fn pause_or_panic(&self) {
        self.pause().await;
        if self.faults.happens(Fault::StorePanicked) {
            panic!("{PANIC}");
        }
    }

    /// A room's events that are wanted, in order; `wanted` is told the number of the first one that it took.
    async fn read_room(
        &self,
        room: RoomId,
        limit: u32,
        wanted: impl Fn(Option<u64>, &StoredChange) -> bool,
    ) -> Result<Vec<Numbered>, StoreError> {
        // One event is read for an actor, several are for its readers.
        match limit {
            1 => self.pause().await,
            _ => self.pause_or_panic().await,
        }
        if self.is_down() || self.faults.happens(Fault::LoadFailed) {
            return self.unavailable();
        }
        let mut found: Vec<Numbered> = Vec::new();
        if let Some(kept) = self.inner().actors.get(&ActorKey::Room(room)) {
            for change in &kept.changes {
                if found.len() < limit as usize && wanted(found.first().map(|first| first.0), change) {
                    found.push((change.seq, change.body.clone()));
                }
            }
        }
        self.pause().await;
        Ok(found)
    }

    fn unavailable<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::Unavailable("away".into()))
    }

    /// An actor whose read may fail, or be damaged.
    fn read(&self, key: ActorKey) -> Result<StoredActor, StoreError> {
        if self.is_down() || self.faults.happens(Fault::LoadFailed) {
            return self.unavailable();
        }
        let mut stored = self.inner().stored(key);
        if matches!(key, ActorKey::Class(_)) && stored.rev > 0 {
            self.damage(&mut stored);
        }
        Ok(stored)
    }

    fn damage(&self, stored: &mut StoredActor) {
        let now = Instant::now();
        if self.inner().damage_after.is_some_and(|after| now < after) {
            return;
        }
        let slot = Some(NO_PLACE);
        let what = if self.faults.happens(Fault::DamagedRead) {
            let source = SourceId::new(POISON).expect("small");
            What::Paired { sensor: Sensor { source, kind: SourceKind::Strap }, owner: None, slot }
        } else if self.faults.happens(Fault::DamagedBuild) {
            What::Left { slot: NO_PLACE }
        } else {
            return;
        };
        let mut inner = self.inner();
        inner.damage_after = Some(now + inner.damage_every);
        stored.changes.push(pack(&Change { at: 0, by: None, what }));
    }

    fn land(&self, commit: Commit) -> Committed {
        if self.is_down() || self.faults.happens(Fault::UnknownBefore) {
            return Committed::Unknown("not done".into());
        }
        if self.faults.happens(Fault::StolenEpoch) {
            self.inner().shards[usize::from(commit.key.shard())] += 1;
        }
        let committed = self.inner().apply(commit);
        if matches!(committed, Committed::Done(_)) && self.faults.happens(Fault::UnknownAfter) {
            return Committed::Unknown("done".into());
        }
        committed
    }
}

impl Inner {
    fn stored(&self, key: ActorKey) -> StoredActor {
        let epoch = self.shards[usize::from(key.shard())];
        let Some(kept) = self.actors.get(&key) else { return StoredActor { epoch, ..StoredActor::default() } };
        let newest = kept.answers.values().map(|answer| answer.at).max().unwrap_or_default();
        let mut answers: Vec<StoredAnswer> =
            kept.answers.values().filter(|answer| newest.since(answer.at) <= CMD_RECENT_MS).cloned().collect();
        answers.sort_by_key(|answer| answer.at);
        let last_seq = kept.changes.last().map_or(0, |change| change.seq);
        let from = match key {
            ActorKey::Class(_) => 1,
            ActorKey::Room(_) => kept.snapshot_seq.min(last_seq.saturating_sub(RING_EVENTS_MAX as u64)) + 1,
            ActorKey::User(_) | ActorKey::Session(_) => u64::MAX,
        };
        StoredActor {
            rev: kept.rev,
            epoch,
            snapshot: kept.snapshot.clone(),
            topic_epoch: kept.topic_epoch,
            changes: kept
                .changes
                .iter()
                .filter(|change| change.seq >= from)
                .map(|change| change.body.clone())
                .collect(),
            last_seq,
            wake_at: kept.wake_at,
            answers,
        }
    }

    /// All of it, or nothing.
    fn apply(&mut self, commit: Commit) -> Committed {
        let Commit { key, epoch, rev, row, changes, wake_at, letters, received, answers, reports } = commit;
        let ours = self.shards[usize::from(key.shard())] == epoch;
        let known = self.actors.get(&key).map_or(0, |kept| kept.rev);
        let waits = |id: &LetterId| self.letters.iter().any(|letter| letter.id == *id && letter.letter.to == key);
        if !ours || known != rev || !received.iter().all(waits) {
            return Committed::Fenced;
        }
        self.commits += 1;
        for entry in reports {
            match entry {
                Entry::Opened(report) if report.is_held() => self.held += 1,
                other => self.wrong.push(format!("{key}: nobody here reports, decides or shows pictures: {other:?}")),
            }
        }
        self.note(key, &changes);
        let kept = self.actors.entry(key).or_default();
        kept.rev += 1;
        for change in changes {
            let next = kept.changes.last().map_or(1, |last| last.seq + 1);
            if change.seq != next {
                self.wrong.push(format!("{key}: change {} is stored where {next} belongs", change.seq));
            }
            let rewrites = change.rewrites.clone();
            kept.changes.push(change);
            for (seq, body) in rewrites {
                match kept.changes.get_mut(seq as usize - 1) {
                    Some(earlier) => earlier.body = body,
                    None => self.wrong.push(format!("{key}: change {seq} is rewritten and was never written")),
                }
            }
        }
        for answer in answers {
            let (author, cmd) = (answer.author, answer.cmd);
            if kept.answers.insert((author, cmd), answer).is_some() {
                self.wrong.push(format!("{key}: the command {cmd} of {author} happened twice"));
            }
        }
        if let Some(wake_at) = wake_at {
            kept.wake_at = wake_at;
        }
        match row {
            Some(Row::Class(row)) => kept.row = Some(row),
            Some(Row::User(row)) => kept.snapshot = Some(row.snapshot),
            Some(Row::Room(row)) => {
                if let Some((seq, snapshot)) = row.snapshot {
                    (kept.snapshot, kept.snapshot_seq) = (Some(snapshot), seq);
                }
                if rev == 0 {
                    kept.topic_epoch = row.topic_epoch;
                }
            }
            None => {}
        }
        let rev = kept.rev;
        for id in received {
            let at = self.letters.iter().position(|letter| letter.id == id).expect("it was just seen");
            let letter = self.letters.remove(at);
            self.handled.push_back(letter);
            if self.handled.len() > HANDLED_KEPT {
                self.handled.pop_front();
            }
        }
        for (number, letter) in letters {
            self.letters.push(StoredLetter { id: LetterId { from: key, rev, number }, letter });
        }
        Committed::Done(rev)
    }

    fn note(&mut self, key: ActorKey, changes: &[StoredChange]) {
        for change in changes {
            let read =
                match key {
                    ActorKey::Class(class) => unpack(&change.body, "a change")
                        .map(|change| self.classes.entry(class).or_default().push(change)),
                    ActorKey::User(user) => unpack(&change.body, "a change")
                        .map(|change| self.persons.entry(user).or_default().push(change)),
                    ActorKey::Room(room) => self.note_room(room, change),
                    ActorKey::Session(_) => Err(StoreError::Damaged("a session stores nothing".into())),
                };
            if let Err(error) = read {
                self.wrong.push(format!("{key}: what is stored cannot be read again: {error}"));
            }
        }
    }
}

impl Inner {
    fn note_room(&mut self, room: RoomId, change: &StoredChange) -> Result<(), StoreError> {
        let events = self.rooms.entry(room).or_default();
        events.push(unpack(&change.body, "an event")?);
        for (seq, body) in &change.rewrites {
            // That it was written is looked at where it is applied.
            if let Some(earlier) = events.get_mut(*seq as usize - 1) {
                *earlier = unpack(body, "an event")?;
            }
        }
        Ok(())
    }
}

impl StateStore for SimStore {
    fn claim_shards(&self) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        let mut inner = self.inner();
        inner.shards.iter_mut().for_each(|epoch| *epoch += 1);
        let epochs = inner.shards.clone();
        async move { Ok(epochs) }.boxed()
    }

    fn load(&self, key: ActorKey) -> BoxFuture<'_, Result<StoredActor, StoreError>> {
        async move {
            *self.inner().loads.entry(key).or_default() += 1;
            self.pause().await;
            self.read(key)
        }
        .boxed()
    }

    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Committed>> {
        async move {
            self.pause_or_panic().await;
            if self.faults.happens(Fault::SlowCommit) {
                let ms = self.inner().rng.between(100, 3_000);
                sleep(Duration::from_millis(ms)).await;
            }
            let landed = commits.into_iter().map(|commit| self.land(commit)).collect();
            self.pause().await;
            landed
        }
        .boxed()
    }

    fn answer(
        &self,
        key: ActorKey,
        author: UserId,
        cmd: CmdId,
    ) -> BoxFuture<'_, Result<Option<StoredAnswer>, StoreError>> {
        async move {
            self.pause_or_panic().await;
            if self.is_down() || self.faults.happens(Fault::LoadFailed) {
                return self.unavailable();
            }
            let found = self.inner().actors.get(&key).and_then(|kept| kept.answers.get(&(author, cmd)).cloned());
            // It was read; how long the answer takes is another matter.
            let most = if self.inner().rng.hits(200) { 4_000 } else { 100 };
            let ms = self.inner().rng.between(0, most);
            sleep(Duration::from_millis(ms)).await;
            Ok(found)
        }
        .boxed()
    }

    fn due(&self, now: Millis, limit: u32) -> BoxFuture<'_, Result<Vec<ActorKey>, StoreError>> {
        async move {
            self.pause_or_panic().await;
            if self.is_down() {
                return self.unavailable();
            }
            let inner = self.inner();
            let due = |kept: &Kept| kept.wake_at.filter(|at| *at <= now);
            let mut keys: Vec<_> =
                inner.actors.iter().filter_map(|(key, kept)| due(kept).map(|at| (at, *key))).collect();
            keys.sort();
            Ok(keys.into_iter().take(limit as usize).map(|(_, key)| key).collect())
        }
        .boxed()
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> BoxFuture<'_, Result<Vec<StoredLetter>, StoreError>> {
        async move {
            self.pause_or_panic().await;
            if self.is_down() {
                return self.unavailable();
            }
            let mut letters: Vec<StoredLetter> = Vec::new();
            {
                let inner = self.inner();
                if self.faults.happens(Fault::LettersAgain) {
                    letters.extend(inner.handled.iter().cloned());
                }
                letters.extend(inner.letters.iter().filter(|letter| Some(letter.id) > after).cloned());
            }
            letters.sort_by_key(|letter| letter.id);
            letters.truncate(limit as usize);
            self.pause().await;
            Ok(letters)
        }
        .boxed()
    }

    fn sweep(&self, _: Millis) -> BoxFuture<'_, Result<u64, StoreError>> {
        async { Ok(0) }.boxed()
    }

    fn person(&self, user: UserId) -> BoxFuture<'_, Result<Option<StoredPerson>, StoreError>> {
        async move {
            self.pause().await;
            if self.is_down() || self.faults.happens(Fault::LoadFailed) {
                return self.unavailable();
            }
            let person = self.stored_person(user).map(|stored| StoredPerson {
                reads: stored.reads(),
                gym: stored.gym,
                name: stored.name,
                version: stored.version,
                profile: stored.profile,
                consent: stored.consent,
                blocks: stored.blocks,
            });
            let ms = self.inner().rng.between(0, 60);
            sleep(Duration::from_millis(ms)).await;
            Ok(person)
        }
        .boxed()
    }

    fn room_events(&self, room: RoomId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        async move { self.read_room(room, limit, |_, change| change.seq >= from_seq).await }.boxed()
    }

    fn room_messages(&self, room: RoomId, page: Page, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        async move {
            let messages = self.read_room(room, u32::MAX, |first, change| {
                let inside = match page {
                    Page::Before(seq) => change.seq < seq,
                    Page::After(seq) => change.seq > seq,
                    Page::Since(at) => first.is_some_and(|first| change.seq >= first) || change.at >= at,
                };
                inside && change.kind == POSTED
            });
            let mut messages = messages.await?;
            if matches!(page, Page::Before(_)) {
                messages.reverse();
            }
            messages.truncate(limit as usize);
            Ok(messages)
        }
        .boxed()
    }

    fn lexicon(&self, _: GymId) -> BoxFuture<'_, Result<Option<SetLexicon>, StoreError>> {
        async {
            let lexicon = self.inner().lexicon.clone();
            Ok(lexicon.map(|lexicon| SetLexicon { lexicon, by: UserId(Uuid::nil()), at: Millis(0) }))
        }
        .boxed()
    }

    // What follows is the shell's, or for rooms with reports and pictures: no actor asks for it here.

    fn rooms(
        &self,
        _: GymId,
        _: &'static str,
        _: Listing,
        _: u32,
    ) -> BoxFuture<'_, Result<Vec<RoomListed>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn set_lexicon(&self, _: GymId, _: SetLexicon) -> BoxFuture<'_, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }
    fn report(&self, _: CmdId) -> BoxFuture<'_, Result<Option<Filed>, StoreError>> {
        async { Ok(None) }.boxed()
    }
    fn reports(
        &self,
        _: GymId,
        _: Option<RoomId>,
        _: Option<(Millis, CmdId)>,
        _: u32,
    ) -> BoxFuture<'_, Result<Vec<Filed>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn add_image(&self, _: StoredImage, _: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }
    fn image(&self, _: ImageId) -> BoxFuture<'_, Result<Option<StoredImage>, StoreError>> {
        async { Ok(None) }.boxed()
    }
    fn image_bytes(&self, _: ImageId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        async { Ok(None) }.boxed()
    }
    fn images_since(&self, _: UserId, _: Millis) -> BoxFuture<'_, Result<u32, StoreError>> {
        async { Ok(0) }.boxed()
    }
    fn reporting(&self, _: UserId, _: Millis, _: RoomId, _: u64) -> BoxFuture<'_, Result<Reporting, StoreError>> {
        async { Ok(Reporting::default()) }.boxed()
    }

    fn reporters(&self, _: RoomId, _: u64) -> BoxFuture<'_, Result<Vec<UserId>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn add_gym(&self, _: GymId, _: String) -> BoxFuture<'_, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }
    fn gyms(&self) -> BoxFuture<'_, Result<Vec<(GymId, String)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn add_accounts(&self, _: Vec<(Account, UserRow)>) -> BoxFuture<'_, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }
    fn set_password(&self, _: UserId, _: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        async { Ok(false) }.boxed()
    }
    fn people(&self, _: GymId, _: Vec<String>, _: u32) -> BoxFuture<'_, Result<Vec<(UserId, String)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn screens(&self, _: GymId) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn remove_account(&self, _: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        async { Ok(false) }.boxed()
    }
    fn revoke(&self, _: UserId, _: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        async { Ok(()) }.boxed()
    }
    fn revoked(&self, _: Millis) -> BoxFuture<'_, Result<Vec<(UserId, Millis)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn account_by_email(&self, _: String) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        async { Ok(None) }.boxed()
    }
    fn account(&self, _: UserId) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        async { Ok(None) }.boxed()
    }
    fn accounts(&self, _: GymId, _: Option<String>, _: u32) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn classes(&self, _: GymId, _: i64, _: i64, _: u32) -> BoxFuture<'_, Result<Vec<ClassListed>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn user_changes(
        &self,
        _: UserId,
        _: &'static str,
        _: Option<u64>,
        _: u32,
    ) -> BoxFuture<'_, Result<Vec<(u64, Vec<u8>)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
    fn class_changes(&self, _: ClassId, _: u64, _: u32) -> BoxFuture<'_, Result<Vec<(u64, Vec<u8>)>, StoreError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}
