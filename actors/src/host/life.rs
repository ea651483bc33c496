//! The lives of a host's machine: loading, sleeping, alarms, commits and their failure, panics.

use super::{Asked, Host, LINGER, Stage};
use crate::body::Body;
use crate::house::House;
use crate::ports::{Checkpoint, Committed, Durable, StoreError, StoredActor};
use actix::prelude::*;
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, AskId, Millis};
use fitconnect_protocol::limits::{CHECKPOINT_MS, CHECKPOINT_SLACK_MS};
use fitconnect_protocol::{ClassId, ErrorCode};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// So many panics within a minute park the actor.
const PANICS_MAX: usize = 3;
const PANICS_WITHIN_MS: u64 = 60_000;
/// A store that does not answer is asked again after this, doubled up to a hundred times.
const RELOAD_MS: u64 = 50;
/// Rebuilding from more samples than this would hold up the other actors of the arbiter.
const SAMPLES_INLINE_MAX: usize = 5_000;

impl<B: Body> Host<B> {
    pub(super) fn begin(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(B::MAILBOX);
        let stats = self.house.stats.of(B::KIND);
        stats.alive.fetch_add(1, Ordering::Relaxed);
        self.used_at = self.now();
    }

    // ---- loading ----

    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        self.stage = Stage::Loading;
        if self.outgoing.in_flight() {
            // What the committer holds of this actor must land first.
            return;
        }
        let (house, key, id) = (self.house.clone(), self.key(), self.id);
        let loaded = async move {
            let stored = house.state.load(key).await?;
            let class = match key {
                ActorKey::Class(class) if B::HAS_SAMPLES && stored.rev > 0 => Some(class),
                _ => None,
            };
            if let Some(class) = class
                && let Some(machine) = from_checkpoint::<B>(&house, id, class, &stored).await
            {
                return Ok((stored, machine));
            }
            let samples = match class {
                Some(class) => house.events.samples(class, None).await?,
                None => Vec::new(),
            };
            let now = house.clock.now();
            let machine = restore::<B>(id, &stored, samples, now).await?;
            Ok::<_, NotLoaded>((stored, machine))
        };
        let loaded = AssertUnwindSafe(loaded).catch_unwind();
        ctx.spawn(loaded.into_actor(self).map(|loaded, host, ctx| match loaded {
            Ok(Ok((stored, machine))) => host.loaded(stored, machine, ctx),
            Ok(Err(why)) => host.not_loaded(why, ctx),
            Err(_) => host.not_loaded(NotLoaded::Panicked, ctx),
        }));
    }

    fn loaded(&mut self, stored: StoredActor, machine: B::Machine, ctx: &mut Context<Self>) {
        self.failures = 0;
        if std::mem::take(&mut self.fell) {
            self.house.doubt_letters(self.key());
        }
        (self.rev, self.epoch, self.last_seq) = (stored.rev, stored.epoch, stored.last_seq);
        B::loaded(&self.house, self.id, &machine, &stored);
        self.commands.clear();
        self.commands.load(stored.answers);
        self.wake_at = B::alarm(&machine);
        if self.wake_at != stored.wake_at {
            // It was stored for something that the log has lost since, or before something that it holds.
            self.outgoing.wake_at(self.wake_at);
        }
        self.stage = Stage::Awake(Box::new(machine));
        (self.used_at, self.sleepy) = (self.now(), false);
        if B::HAS_SAMPLES {
            self.follow_log(ctx);
            self.keep_checkpoints(ctx);
        }
        self.wake_when_due(ctx);
        match B::tick() {
            // What it showed and did by itself goes on, though nobody may ask.
            Some(tick) => self.step(tick, AskId::NOBODY, self.now(), ctx),
            // It fell, and perhaps nobody asks any more.
            None => self.doze(ctx),
        }
        for post in std::mem::take(&mut self.waiting) {
            self.post(post, ctx);
        }
        self.take_in(ctx);
    }

    fn not_loaded(&mut self, why: NotLoaded, ctx: &mut Context<Self>) {
        self.failures += 1;
        let parked = match &why {
            NotLoaded::Store(StoreError::Damaged(what)) => {
                tracing::error!(actor = %self.key(), what, "what is stored of this actor cannot be read");
                true
            }
            NotLoaded::Store(StoreError::Unavailable(_) | StoreError::Taken(_)) => false,
            NotLoaded::Panicked => self.count_panic(self.now()),
        };
        if parked {
            return self.park();
        }
        tracing::warn!(actor = %self.key(), %why, failures = self.failures, "not loaded, will try again");
        for post in std::mem::take(&mut self.waiting) {
            self.turn_away(post, ErrorCode::Retry);
        }
        let wait_ms = RELOAD_MS << self.failures.min(7);
        ctx.run_later(Duration::from_millis(wait_ms), |host, ctx| {
            if matches!(host.stage, Stage::Loading) {
                host.load(ctx);
            }
        });
    }

    /// Now and then what the machine knows is kept, for as long as this life lasts.
    fn keep_checkpoints(&mut self, ctx: &mut Context<Self>) {
        let life = self.life;
        ctx.run_later(Duration::from_millis(CHECKPOINT_MS), move |host, ctx| {
            if host.life == life && matches!(host.stage, Stage::Awake(_)) {
                host.keep_checkpoint(ctx);
                host.keep_checkpoints(ctx);
            }
        });
    }

    /// Not while memory is ahead of what is stored: next time, then.
    fn keep_checkpoint(&mut self, ctx: &mut Context<Self>) {
        let Stage::Awake(machine) = &self.stage else { return };
        let ActorKey::Class(class) = self.key() else { return };
        if !self.outgoing.is_idle() {
            return;
        }
        let Some(body) = B::checkpoint(machine) else { return };
        let since = Millis(self.now().0.saturating_sub(CHECKPOINT_SLACK_MS));
        let checkpoint = Checkpoint { seq: self.last_seq, since, body };
        let house = self.house.clone();
        let kept = async move {
            if let Err(error) = house.events.keep_checkpoint(class, Some(checkpoint)).await {
                tracing::warn!(%class, %error, "a checkpoint could not be kept: a reload will take longer");
            }
        };
        ctx.spawn(kept.into_actor(self));
    }

    /// Is told what becomes durable of this life's records.
    fn follow_log(&mut self, ctx: &mut Context<Self>) {
        let (life, marks) = self.house.follow_log(self.key());
        self.writer.life = life;
        self.next_mark(marks, ctx);
    }

    fn next_mark(&mut self, mut marks: watch::Receiver<Durable>, ctx: &mut Context<Self>) {
        let life = self.writer.life;
        let changed = async move { marks.changed().await.is_ok().then_some(marks) };
        ctx.spawn(changed.into_actor(self).map(move |marks, host, ctx| {
            let Some(mut marks) = marks else { return };
            if host.writer.life != life || !matches!(host.stage, Stage::Awake(_)) {
                return;
            }
            let mark = *marks.borrow_and_update();
            match mark {
                Durable::Through { number, .. } => {
                    if let Some(input) = B::durable(number) {
                        host.step(input, AskId::NOBODY, host.now(), ctx);
                    }
                    host.next_mark(marks, ctx);
                }
                Durable::Failed { .. } => host.fall("the log failed", ctx),
            }
        }));
    }

    // ---- sleep, alarms and ticks ----

    /// The machine has nothing to do. It goes after a while, if nothing comes.
    pub(super) fn doze(&mut self, ctx: &mut Context<Self>) {
        self.sleepy = true;
        if !self.dozes {
            self.doze_for(LINGER, ctx);
        }
    }

    /// One timer an actor: its context polls every one that it has whenever something comes, and a busy actor dozes off each time.
    fn doze_for(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        self.dozes = true;
        ctx.run_later(wait, |host, ctx| {
            host.dozes = false;
            if !host.sleepy {
                return;
            }
            match LINGER.saturating_sub(Duration::from_millis(host.now().since(host.used_at))) {
                Duration::ZERO => host.sleep(ctx),
                left => host.doze_for(left, ctx),
            }
        });
    }

    fn sleep(&mut self, ctx: &mut Context<Self>) {
        if !matches!(self.stage, Stage::Awake(_)) {
            return;
        }
        self.sleepy = false;
        if !self.outgoing.is_idle() || !self.asks.is_empty() {
            // Its last words have not left: later, if nothing comes.
            return self.doze(ctx);
        }
        self.house.forget_log(self.writer);
        self.stage = Stage::Asleep;
        self.life += 1;
        self.commands.clear();
        B::asleep(&self.house, self.id);
    }

    /// The stored alarm rings from the actor's own timer while it is loaded.
    pub(super) fn wake_when_due(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.wake_timer.take() {
            ctx.cancel_future(timer);
        }
        let Some(at) = self.wake_at else { return };
        let wait = Duration::from_millis(at.since(self.now()));
        self.wake_timer = Some(ctx.run_later(wait, |host, ctx| {
            host.wake_timer = None;
            if let (Some(input), Stage::Awake(_)) = (B::wake(), &host.stage) {
                host.step(input, AskId::NOBODY, host.now(), ctx);
            }
        }));
    }

    pub(super) fn tick_when_due(&mut self, at: Millis, ctx: &mut Context<Self>) {
        if let Some(timer) = self.tick_timer.take() {
            ctx.cancel_future(timer);
        }
        let wait = Duration::from_millis(at.since(self.now()));
        self.tick_timer = Some(ctx.run_later(wait, |host, ctx| {
            host.tick_timer = None;
            if let (Some(input), Stage::Awake(_)) = (B::tick(), &host.stage) {
                host.step(input, AskId::NOBODY, host.now(), ctx);
            }
        }));
    }

    // ---- commits ----

    pub(super) fn commit(&mut self, ctx: &mut Context<Self>) {
        let Stage::Awake(machine) = &self.stage else { return };
        let Some(commit) =
            self.outgoing.take_commit(self.writer.key, self.epoch, self.rev, |changes| B::row(machine, changes))
        else {
            return;
        };
        self.house.stats.commits.fetch_add(1, Ordering::Relaxed);
        self.received = commit.received.clone();
        let landed = self.house.committer.submit(commit);
        ctx.spawn(landed.into_actor(self).map(|result, host, ctx| host.landed(result, ctx)));
    }

    fn landed(&mut self, result: Committed, ctx: &mut Context<Self>) {
        self.outgoing.landed();
        match self.stage {
            Stage::Awake(_) => {}
            // The machine was lost while this was under way.
            Stage::Loading => return self.load(ctx),
            Stage::Asleep | Stage::Broken => return,
        }
        match result {
            Committed::Done(rev) => {
                self.rev = rev;
                let received = std::mem::take(&mut self.received);
                for id in &received {
                    self.letters.entry(*id).and_modify(|committed| *committed = true);
                }
                self.house.letters_handled(self.key(), &received);
                self.flush(ctx);
            }
            Committed::Fenced => self.fall("fenced", ctx),
            Committed::Unknown(why) => self.fall(&why, ctx),
        }
    }

    // ---- faults ----

    pub(super) fn panicked(&mut self, now: Millis, ctx: &mut Context<Self>) {
        if self.count_panic(now) {
            self.give_up_asks(ErrorCode::Internal);
            return self.park();
        }
        self.fall("panic", ctx);
    }

    /// Whether there have been so many that a human must look.
    fn count_panic(&mut self, now: Millis) -> bool {
        let stats = self.house.stats.of(B::KIND);
        stats.panics.fetch_add(1, Ordering::Relaxed);
        self.panics.push_back(now);
        self.panics.retain(|at| now.since(*at) <= PANICS_WITHIN_MS);
        tracing::error!(actor = %self.key(), panics = self.panics.len(), "a machine panicked");
        self.panics.len() >= PANICS_MAX || !B::IS_STORED
    }

    fn park(&mut self) {
        self.outgoing.abandon();
        self.stage = Stage::Broken;
        self.house.stats.of(B::KIND).broken.fetch_add(1, Ordering::Relaxed);
        tracing::error!(actor = %self.key(), "parked: it answers nobody until the server is started again");
        B::parked(&self.house, self.outbox.as_ref());
        for post in std::mem::take(&mut self.waiting) {
            self.turn_away(post, ErrorCode::Internal);
        }
    }

    /// Memory may be ahead of the truth: everybody who waits is told to try again, and the machine is built anew from what is stored.
    pub(super) fn fall(&mut self, why: &str, ctx: &mut Context<Self>) {
        tracing::warn!(actor = %self.key(), why, "the machine is dropped and loaded again");
        let stats = self.house.stats.of(B::KIND);
        stats.restarts.fetch_add(1, Ordering::Relaxed);
        self.house.stats.commits_failed.fetch_add(1, Ordering::Relaxed);
        // Those who follow wait from here on, until there is a machine that takes them in.
        self.house.hub.begin_epoch(&B::channels(self.id));
        self.give_up_asks(ErrorCode::Retry);
        self.outgoing.abandon();
        (self.life, self.fell) = (self.life + 1, true);
        self.letters.clear();
        self.letters_by_age.clear();
        for timer in self.tick_timer.take().into_iter().chain(self.wake_timer.take()) {
            ctx.cancel_future(timer);
        }
        self.house.forget_log(self.writer);
        self.writer.life = u64::MAX;
        self.load(ctx);
    }

    fn give_up_asks(&mut self, code: ErrorCode) {
        let now = self.now();
        for Asked { reply, follows, .. } in self.asks.take_all() {
            self.house.turn_away_ask(reply, follows, code);
        }
        for waiting in self.commands.abandon() {
            waiting.refuse(code, now);
        }
    }
}

impl<B: Body> Drop for Host<B> {
    fn drop(&mut self) {
        self.house.stats.of(B::KIND).alive.fetch_sub(1, Ordering::Relaxed);
        self.house.forget_log(self.writer);
        if B::IS_STORED {
            // The actor itself is lost: those who follow it wait for its successor, and a commit may be under way.
            self.house.hub.begin_epoch(&B::channels(self.id));
            self.house.doubt_letters(self.key());
        }
    }
}

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
enum NotLoaded {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("reading or building it panicked")]
    Panicked,
}

/// The machine by its last checkpoint. `None`, and no more than a word in the log, where that does not serve.
async fn from_checkpoint<B: Body>(
    house: &Arc<House>,
    id: B::Id,
    class: ClassId,
    stored: &StoredActor,
) -> Option<B::Machine> {
    let tried = async {
        let Some(checkpoint) = house.events.checkpoint(class).await? else { return Ok(None) };
        let machine = build_from::<B>(house, id, class, stored, checkpoint).await?;
        if machine.is_none() {
            // It will not serve the next time either: the class has ended.
            house.events.keep_checkpoint(class, None).await?;
        }
        Ok::<_, NotLoaded>(machine)
    };
    tried.await.unwrap_or_else(|why| {
        tracing::warn!(%class, %why, "a checkpoint could not be used: all samples are read");
        None
    })
}

async fn build_from<B: Body>(
    house: &Arc<House>,
    id: B::Id,
    class: ClassId,
    stored: &StoredActor,
    checkpoint: Checkpoint,
) -> Result<Option<B::Machine>, NotLoaded> {
    let samples = house.events.samples_since(class, checkpoint.since).await?;
    let now = house.clock.now();
    if samples.len() <= SAMPLES_INLINE_MAX {
        return Ok(B::restore_from(id, stored, &checkpoint, samples, now)?);
    }
    let stored = stored.clone();
    let restored = tokio::task::spawn_blocking(move || B::restore_from(id, &stored, &checkpoint, samples, now)).await;
    Ok(restored.map_err(|_| NotLoaded::Panicked)??)
}

async fn restore<B: Body>(
    id: B::Id,
    stored: &StoredActor,
    samples: Vec<StoredSample>,
    now: Millis,
) -> Result<B::Machine, NotLoaded> {
    if samples.len() <= SAMPLES_INLINE_MAX {
        return Ok(B::restore(id, stored, samples, now)?);
    }
    let stored = stored.clone();
    let restored = tokio::task::spawn_blocking(move || B::restore(id, &stored, samples, now)).await;
    Ok(restored.map_err(|_| NotLoaded::Panicked)??)
}
