//! The port that the actors know, told to this body.

use super::super::super::{Engine, OwnError, StateCounts};
use super::*;
use crate::store::lease::{Lease, NOT_HELD};
use crate::store::node::Node;
use fitconnect_actors::ports::*;
use fitconnect_domain::report::Filed;
use fitconnect_domain::room::Reporting;
use fitconnect_domain::{ActorKey, LetterId};
use fitconnect_protocol::{ClassId, CmdId, GymId, ImageId, RoomId, UserId};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::sync::Arc;

impl Engine for SqlState {
    fn counts(&self) -> StateCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StateCounts {
            transactions: get(&self.counts.transactions),
            commits: get(&self.counts.commits),
            queries: get(&self.counts.queries),
            unknown: get(&self.counts.unknown),
            letters_unreadable: get(&self.counts.letters_unreadable),
            retries: self.counts.retries.read().to_vec(),
        }
    }

    fn own<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, Result<(), OwnError>> {
        async {
            self.take_over(node).await?;
            Ok(self.add_missing_words().await?)
        }
        .boxed()
    }

    fn newest(&self) -> BoxFuture<'_, Result<Option<Millis>, StoreError>> {
        self.read_newest().boxed()
    }

    fn outbox(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>> {
        self.read_outbox(limit).boxed()
    }

    fn clear_outbox(&self, told: Vec<Told>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.drop_told(&told).await }.boxed()
    }

    fn speaks_for(&self, incarnation: Uuid) {
        // A process has one incarnation.
        let _ = self.owner.set(incarnation);
    }

    fn guard(&self, lease: Arc<Lease>) {
        // A store is taken over once in the life of its process.
        let _ = self.lease.set(lease);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.read.close().await;
            for line in &self.lines {
                line.close().await;
            }
        }
        .boxed()
    }
}

impl StateStore for SqlState {
    fn claim_shards(&self) -> BoxFuture<'_, Result<Vec<u64>, StoreError>> {
        async {
            self.add_missing_words().await?;
            self.claim(Uuid::now_v7()).await.map_err(unavailable)
        }
        .boxed()
    }

    fn lines(&self) -> usize {
        self.lines.len()
    }

    fn load(&self, key: ActorKey) -> BoxFuture<'_, Result<StoredActor, StoreError>> {
        self.load_actor(key).boxed()
    }

    fn commit(&self, commits: Vec<Commit>) -> BoxFuture<'_, Vec<Committed>> {
        async move {
            if self.lease.get().is_some_and(|lease| !lease.is_held()) {
                return vec![Committed::Unknown(NOT_HELD.into()); commits.len()];
            }
            let mut by_line: Vec<(Vec<usize>, Vec<&Commit>)> = vec![Default::default(); self.lines.len()];
            for (place, commit) in commits.iter().enumerate() {
                let (places, part) = &mut by_line[self.line_of(commit.key)];
                places.push(place);
                part.push(commit);
            }
            let mut results = vec![Committed::Fenced; commits.len()];
            let parts = by_line.iter().enumerate().filter(|(_, (places, _))| !places.is_empty());
            let parts = parts.map(|(line, (places, part))| async move { (places, self.commit_on(line, part).await) });
            for (places, part) in join_all(parts).await {
                for (place, result) in places.iter().zip(part) {
                    results[*place] = result;
                }
            }
            results
        }
        .boxed()
    }

    fn answer(
        &self,
        key: ActorKey,
        author: UserId,
        cmd: CmdId,
    ) -> BoxFuture<'_, Result<Option<StoredAnswer>, StoreError>> {
        self.read_answer(key, author, cmd).boxed()
    }

    fn due(&self, now: Millis, limit: u32) -> BoxFuture<'_, Result<Vec<ActorKey>, StoreError>> {
        self.read_due(now, limit).boxed()
    }

    fn letters(&self, after: Option<LetterId>, limit: u32) -> BoxFuture<'_, Result<Vec<StoredLetter>, StoreError>> {
        self.read_letters(after, limit).boxed()
    }

    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            self.forget_reports(now).await?;
            self.forget_images(now).await?;
            self.sweep_answers(now).await
        }
        .boxed()
    }

    fn person(&self, user: UserId) -> BoxFuture<'_, Result<Option<StoredPerson>, StoreError>> {
        self.read_person(user).boxed()
    }

    fn add_gym(&self, gym: GymId, name: String) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.insert_gym(gym, &name).await }.boxed()
    }

    fn gyms(&self) -> BoxFuture<'_, Result<Vec<(GymId, String)>, StoreError>> {
        self.read_gyms().boxed()
    }

    fn add_accounts(&self, accounts: Vec<(Account, UserRow)>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.insert_accounts(&accounts).await }.boxed()
    }

    fn set_password(&self, user: UserId, password: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        async move { self.update_password(user, &password).await }.boxed()
    }

    fn add_image(&self, image: StoredImage, jpeg: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.write_image(&image, &jpeg).await }.boxed()
    }

    fn image(&self, image: ImageId) -> BoxFuture<'_, Result<Option<StoredImage>, StoreError>> {
        self.read_image(image).boxed()
    }

    fn image_bytes(&self, image: ImageId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.read_image_bytes(image).boxed()
    }

    fn images_since(&self, by: UserId, since: Millis) -> BoxFuture<'_, Result<u32, StoreError>> {
        self.count_images(by, since).boxed()
    }

    fn people(
        &self,
        gym: GymId,
        words: Vec<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(UserId, String)>, StoreError>> {
        async move { self.find_people(gym, &words, limit).await }.boxed()
    }

    fn screens(&self, gym: GymId) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        self.read_screens(gym).boxed()
    }

    fn remove_account(&self, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.delete_account(user).boxed()
    }

    fn revoke(&self, user: UserId, at: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        self.note_revoked(user, at).boxed()
    }

    fn revoked(&self, since: Millis) -> BoxFuture<'_, Result<Vec<(UserId, Millis)>, StoreError>> {
        self.read_revoked(since).boxed()
    }

    fn account_by_email(&self, email: String) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        async move { self.read_account_by_email(&email).await }.boxed()
    }

    fn account(&self, user: UserId) -> BoxFuture<'_, Result<Option<Account>, StoreError>> {
        self.read_account(user).boxed()
    }

    fn accounts(
        &self,
        gym: GymId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        async move { self.read_accounts(gym, after.as_deref().unwrap_or_default(), limit).await }.boxed()
    }

    fn classes(
        &self,
        gym: GymId,
        from_ms: i64,
        to_ms: i64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<ClassListed>, StoreError>> {
        self.read_classes(gym, from_ms, to_ms, limit).boxed()
    }

    fn user_changes(
        &self,
        user: UserId,
        kind: &'static str,
        before: Option<u64>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        self.read_user_changes(user, kind, before, limit).boxed()
    }

    fn class_changes(
        &self,
        class: ClassId,
        from_seq: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        self.read_class_changes(class, from_seq, limit).boxed()
    }

    fn room_events(&self, room: RoomId, from_seq: u64, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        self.read_room_events(room, from_seq, limit).boxed()
    }

    fn room_messages(&self, room: RoomId, page: Page, limit: u32) -> BoxFuture<'_, Result<Vec<Numbered>, StoreError>> {
        self.read_room_messages(room, page, limit).boxed()
    }

    fn rooms(
        &self,
        gym: GymId,
        kind: &'static str,
        listing: Listing,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<RoomListed>, StoreError>> {
        self.list_rooms(gym, kind, listing, limit).boxed()
    }

    fn lexicon(&self, gym: GymId) -> BoxFuture<'_, Result<Option<SetLexicon>, StoreError>> {
        self.read_lexicon(gym).boxed()
    }

    fn set_lexicon(&self, gym: GymId, set: SetLexicon) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.write_lexicon(gym, &set).await }.boxed()
    }

    fn report(&self, id: CmdId) -> BoxFuture<'_, Result<Option<Filed>, StoreError>> {
        self.read_report(id).boxed()
    }

    fn reports(
        &self,
        gym: GymId,
        room: Option<RoomId>,
        after: Option<(Millis, CmdId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Filed>, StoreError>> {
        self.read_reports(gym, room, after, limit).boxed()
    }

    fn reporting(
        &self,
        user: UserId,
        since: Millis,
        room: RoomId,
        seq: u64,
    ) -> BoxFuture<'_, Result<Reporting, StoreError>> {
        self.read_reporting(user, since, room, seq).boxed()
    }

    fn reporters(&self, room: RoomId, seq: u64) -> BoxFuture<'_, Result<Vec<UserId>, StoreError>> {
        self.read_reporters(room, seq).boxed()
    }
}
