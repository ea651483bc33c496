//! Runs a machine of the domain inside an actix actor: one input at a time, effects in order, saves before what follows them,
//! commands once, one stored alarm, and a new life from what is stored whenever memory may be wrong.

mod life;
mod mail;

pub use mail::{Mail, Post};

use crate::asks::Asks;
use crate::body::{Body, Input};
use crate::commands::{CmdKey, Commands, Met};
use crate::house::House;
use crate::outbox::Outbox;
use crate::outgoing::{Action, Outgoing};
use crate::ports::{Event, StoredAnswer, StoredChange, StoredLetter, Writer};
use crate::reply::ReplyTo;
use actix::prelude::*;
use fitconnect_domain::{ActorKey, AskId, Effect, LetterId, Machine, Millis, Out};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Position, Response, Topic};
use fitconnect_protocol::{ErrorCode, Refusal};
use futures_util::FutureExt as _;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

enum Stage<M> {
    Asleep,
    Loading,
    Awake(Box<M>),
    /// Three panics within a minute: a human must look.
    Broken,
}

/// Someone who waits for the machine's answer; for a command its key and fingerprint too.
struct Asked {
    reply: ReplyTo,
    command: Option<(CmdKey, u64)>,
    /// The topic that is asked for, and from where.
    follows: Option<(Topic, Option<Position>)>,
    /// The answer is part of a commit, whatever it says.
    stored: bool,
}

pub struct Host<B: Body> {
    id: B::Id,
    house: Arc<House>,
    stage: Stage<B::Machine>,
    waiting: VecDeque<Post<B>>,
    asks: Asks<Asked>,
    last_ask: u64,
    outgoing: Outgoing<B::Machine>,
    commands: Commands,
    /// Letters that this life has been given, and whether that is committed; each is handled once.
    letters: BTreeMap<LetterId, bool>,
    letters_by_age: VecDeque<LetterId>,
    /// Letters of the commit under way.
    received: Vec<LetterId>,
    /// Number of the machine's life: what was asked for in an earlier one comes too late.
    life: u64,
    writer: Writer,
    rev: u64,
    epoch: u64,
    last_seq: u64,
    wake_at: Option<Millis>,
    wake_timer: Option<SpawnHandle>,
    tick_timer: Option<SpawnHandle>,
    used_at: Millis,
    sleepy: bool,
    /// The timer of that runs.
    dozes: bool,
    panics: VecDeque<Millis>,
    failures: u32,
    /// The last machine was lost: what it had handed to the committer may be stored.
    fell: bool,
    /// A session's socket, and whether the machine knows that it is gone.
    pub(crate) outbox: Option<Arc<Outbox>>,
    lost: bool,
}

/// Followers that are taken in at one go: others of the arbiter want their turn.
const FOLLOWERS_AT_ONCE: usize = 256;
/// Letter ids remembered: a scan may deliver a letter that has just been handled.
const LETTERS_KNOWN_MAX: usize = 4_096;
/// A machine that has nothing to do stays so long: the next message comes soon, or not at all.
const LINGER: Duration = Duration::from_secs(30);

impl<B: Body> Host<B> {
    /// An actor whose machine is loaded when the first message comes.
    pub fn new(id: B::Id, house: Arc<House>) -> Self {
        Host {
            writer: Writer { key: B::key(id), life: 0 },
            id,
            house,
            stage: Stage::Asleep,
            waiting: VecDeque::new(),
            asks: Asks::default(),
            last_ask: 0,
            outgoing: Outgoing::default(),
            commands: Commands::default(),
            letters: BTreeMap::new(),
            letters_by_age: VecDeque::new(),
            received: Vec::new(),
            life: 0,
            rev: 0,
            epoch: 0,
            last_seq: 0,
            wake_at: None,
            wake_timer: None,
            tick_timer: None,
            used_at: Millis(0),
            sleepy: false,
            dozes: false,
            panics: VecDeque::new(),
            failures: 0,
            fell: false,
            outbox: None,
            lost: false,
        }
    }

    /// An actor of which nothing is stored.
    pub fn awake(id: B::Id, house: Arc<House>, machine: B::Machine, outbox: Option<Arc<Outbox>>) -> Self {
        let mut host = Host::new(id, house);
        host.stage = Stage::Awake(Box::new(machine));
        host.outbox = outbox;
        host
    }

    fn key(&self) -> ActorKey {
        self.writer.key
    }
    fn now(&self) -> Millis {
        self.house.clock.now()
    }

    fn post(&mut self, post: Post<B>, ctx: &mut Context<Self>) {
        match self.stage {
            Stage::Awake(_) => self.take(post, ctx),
            Stage::Asleep => {
                self.keep(post);
                self.load(ctx);
            }
            Stage::Loading => self.keep(post),
            Stage::Broken if matches!(post, Post::Stop) => ctx.stop(),
            Stage::Broken => self.turn_away(post, ErrorCode::Internal),
        }
    }

    fn keep(&mut self, post: Post<B>) {
        if self.waiting.len() >= LOADING_INPUTS_MAX {
            return self.turn_away(post, ErrorCode::Busy);
        }
        self.waiting.push_back(post);
    }

    /// A letter that is turned away comes again.
    fn turn_away(&self, post: Post<B>, code: ErrorCode) {
        if let Post::Input(input, reply) = post {
            self.house.turn_away::<B>(input, reply, code);
        }
    }

    fn take(&mut self, post: Post<B>, ctx: &mut Context<Self>) {
        match post {
            Post::Input(input, reply) => self.input(input, reply, ctx),
            Post::Letter(letter) => self.letter(letter, ctx),
            Post::Nudge => {
                self.wake_when_due(ctx);
                self.take_in(ctx);
            }
            Post::Attach(outbox, attached) => {
                (self.outbox, self.lost) = (Some(outbox), false);
                self.step(attached, AskId::NOBODY, self.now(), ctx);
            }
            Post::Stop => {
                if let Some(end) = B::end() {
                    self.step(end, AskId::NOBODY, self.now(), ctx);
                }
                ctx.stop();
            }
        }
    }

    /// Takes in those who followed this actor's topics in an earlier life, some at a time.
    fn take_in(&mut self, ctx: &mut Context<Self>) {
        let channels = B::channels(self.id);
        for _ in 0..FOLLOWERS_AT_ONCE {
            if !matches!(self.stage, Stage::Awake(_)) || self.outgoing.len() >= OUTGOING_MAX {
                return;
            }
            let Some((outbox, topic, position)) = self.house.hub.next_waiting(&channels) else { return };
            let Some(input) = B::follow(outbox.by.clone(), topic, position) else { return };
            self.input(input, ReplyTo::Frame { outbox, id: 0 }, ctx);
        }
        ctx.run_later(Duration::ZERO, |host, ctx| host.take_in(ctx));
    }

    /// The machine of a session is told that its socket is gone, whoever noticed it and whatever was lost on the way.
    fn look_at_socket(&mut self, ctx: &mut Context<Self>) {
        let gone = self.outbox.as_ref().is_some_and(|outbox| outbox.is_closed());
        if !gone || std::mem::replace(&mut self.lost, true) {
            return;
        }
        if let Some(lost) = B::lost() {
            self.step(lost, AskId::NOBODY, self.now(), ctx);
        }
    }

    fn input(&mut self, input: Input<B>, reply: ReplyTo, ctx: &mut Context<Self>) {
        let now = self.now();
        if B::is_lost(&input) {
            return;
        }
        let is_samples = B::is_samples(&input);
        if is_samples && !self.house.events.is_open() {
            return B::busy(&self.house, input);
        }
        // What would wait behind a commit that does not come is told to try again.
        if self.outgoing.len() >= OUTGOING_MAX && (is_samples || !reply.is_nobody()) {
            return self.house.turn_away::<B>(input, reply, ErrorCode::Retry);
        }
        let Some(key) = B::Machine::command(&input) else {
            let follows = B::follows(&input);
            let ask = if reply.is_nobody() { AskId::NOBODY } else { self.ask(reply, None, follows) };
            return self.step(input, ask, now, ctx);
        };
        let digest = B::digest(&input);
        let repeats = &self.house.stats.repeats;
        match self.commands.meet(key, digest, reply, now) {
            Met::Fresh(reply) => self.decide(key, digest, input, reply, now, ctx),
            Met::LookUp(reply) => self.look_up(key, digest, input, reply, ctx),
            Met::Waits => _ = repeats.fetch_add(1, Ordering::Relaxed),
            Met::Known(answer, reply) => {
                repeats.fetch_add(1, Ordering::Relaxed);
                answer_stored(&answer, reply, now);
            }
            Met::Crowded(reply) => reply.refuse(ErrorCode::Busy, now),
            Met::Mismatch(reply) => reply.refuse(ErrorCode::CmdMismatch, now),
        }
    }

    fn decide(
        &mut self,
        key: CmdKey,
        digest: u64,
        input: Input<B>,
        reply: ReplyTo,
        now: Millis,
        ctx: &mut Context<Self>,
    ) {
        tracing::debug!(cmd = %key.1, actor = %self.key(), "a command is decided");
        self.commands.begin(key, digest);
        let ask = self.ask(reply, Some((key, digest)), None);
        self.step(input, ask, now, ctx);
    }

    /// A command too old to be remembered here may have happened all the same.
    fn look_up(&mut self, key: CmdKey, digest: u64, input: Input<B>, reply: ReplyTo, ctx: &mut Context<Self>) {
        self.commands.begin(key, digest);
        let (state, actor, life) = (self.house.state.clone(), self.key(), self.life);
        let found = async move { state.answer(actor, key.0, key.1).await };
        let found = AssertUnwindSafe(found).catch_unwind();
        ctx.spawn(found.into_actor(self).map(move |found, host, ctx| {
            let now = host.now();
            if host.life != life {
                // Those who waited with it have been told; by now the same command may be under way anew.
                return reply.refuse(ErrorCode::Retry, now);
            }
            match found {
                Ok(Ok(Some(known))) if known.digest != digest => {
                    host.commands.forget(key);
                    reply.refuse(ErrorCode::CmdMismatch, now);
                }
                Ok(Ok(Some(known))) => {
                    for waiting in
                        std::iter::once(reply).chain(host.commands.done(key, digest, known.reply.clone(), now))
                    {
                        answer_stored(&known.reply, waiting, now);
                    }
                }
                Ok(Ok(None)) if matches!(host.stage, Stage::Awake(_)) => {
                    host.decide(key, digest, input, reply, now, ctx)
                }
                Ok(Ok(None) | Err(_)) | Err(_) => {
                    for waiting in std::iter::once(reply).chain(host.commands.forget(key)) {
                        waiting.refuse(ErrorCode::Retry, now);
                    }
                }
            }
        }));
    }

    fn letter(&mut self, StoredLetter { id, letter }: StoredLetter, ctx: &mut Context<Self>) {
        match self.letters.get(&id) {
            // Read before its row was gone.
            Some(true) => return self.house.letters_handled(self.key(), &[id]),
            Some(false) => return,
            None => _ = self.letters.insert(id, false),
        }
        self.letters_by_age.push_back(id);
        if self.letters_by_age.len() > LETTERS_KNOWN_MAX
            && let Some(oldest) = self.letters_by_age.pop_front()
        {
            self.letters.remove(&oldest);
        }
        self.outgoing.received(id);
        match B::letter(letter.body) {
            Some(input) => self.step(input, AskId::NOBODY, self.now(), ctx),
            None => self.flush(ctx),
        }
    }

    fn ask(
        &mut self,
        reply: ReplyTo,
        command: Option<(CmdKey, u64)>,
        follows: Option<(Topic, Option<Position>)>,
    ) -> AskId {
        self.last_ask += 1;
        let ask = AskId(self.last_ask);
        self.asks.insert(ask, Asked { reply, command, follows, stored: false });
        ask
    }

    /// Gives one input to the machine and obeys it.
    fn step(&mut self, input: Input<B>, ask: AskId, now: Millis, ctx: &mut Context<Self>) {
        let Stage::Awake(machine) = &mut self.stage else { return };
        let begun = Instant::now();
        let mut out = Out::default();
        let handled = catch_unwind(AssertUnwindSafe(|| {
            machine.handle(input, ask, now, &mut out);
            if cfg!(debug_assertions) {
                machine.check_invariants();
            }
        }));
        if handled.is_err() {
            return self.panicked(now, ctx);
        }
        self.used_at = now;
        self.sleepy = false;
        for effect in out.0 {
            if !self.obey(effect, now, ctx) {
                return self.fall("the log took no more", ctx);
            }
        }
        self.flush(ctx);
        if B::ANSWERS_AT_ONCE {
            self.asks.remove(ask);
        }
        self.house.stats.of(B::KIND).handled(begun.elapsed());
    }

    /// `false`: the log refuses what the machine believes to have recorded.
    fn obey(&mut self, effect: Effect<B::Machine>, now: Millis, ctx: &mut Context<Self>) -> bool {
        match effect {
            Effect::Answer { ask, reply } => self.outgoing.push(Action::Answer { ask, reply }),
            Effect::Save { change, answers } => self.save(&change, answers, now),
            Effect::File { entry, answers } => {
                self.outgoing.file(entry);
                self.answer_stored(answers, now);
            }
            Effect::Letter(letter) => self.outgoing.letter(letter),
            Effect::Tell { ask, to } => self.outgoing.push(Action::Tell { ask, to }),
            Effect::Publish(publish) => self.outgoing.push(Action::Publish(publish)),
            Effect::Live(publish) => B::publish(&self.house, self.id, self.outbox.as_ref(), publish),
            Effect::Subscribe { ask, topic, position, snapshot } => {
                self.outgoing.push(Action::Subscribe { ask, topic, position, snapshot });
            }
            Effect::Follow { ask, topic, at, from } => self.outgoing.push(Action::Follow { ask, topic, at, from }),
            Effect::Record { number, record } => return self.record(number, record),
            Effect::Load(load) => self.load_for_machine(load, ctx),
            Effect::WakeAt(at) => {
                self.outgoing.wake_at(at);
                self.wake_at = at;
                self.wake_when_due(ctx);
            }
            Effect::TickAt(at) => self.tick_when_due(at, ctx),
            Effect::Sleep => self.doze(ctx),
        }
        true
    }

    /// Samples that the log does not take are lost with the machine that believes to have them, and are sent again. Anything else
    /// is not worth a machine: one that falls for it would do the same again at once.
    fn record(&mut self, number: u64, record: <B::Machine as Machine>::Record) -> bool {
        let event = B::event(self.id, record);
        let is_samples = matches!(event, Event::Samples { .. });
        let taken = self.house.events.append(self.writer, number, event);
        if !taken && !is_samples {
            tracing::warn!(actor = %self.key(), "an event is left out: the log is full");
        }
        taken || !is_samples
    }

    fn save(&mut self, change: &<B::Machine as Machine>::Change, answers: Vec<(AskId, Response)>, now: Millis) {
        let (kind, body) = B::change(change);
        self.last_seq += 1;
        let rewrites = B::rewritten(change);
        self.outgoing.save(StoredChange { seq: self.last_seq, at: now, kind, body, rewrites });
        self.answer_stored(answers, now);
    }

    /// Answers of the commit that gathers.
    fn answer_stored(&mut self, answers: Vec<(AskId, Response)>, now: Millis) {
        for (ask, reply) in answers {
            let asked = self.asks.get_mut(ask).and_then(|asked| {
                asked.stored = true;
                asked.command
            });
            if let Some(((author, cmd), digest)) = asked {
                let reply = crate::body::pack(&reply);
                self.outgoing.answer_stored(StoredAnswer { author, cmd, digest, at: now, reply });
            }
            self.outgoing.push(Action::Answer { ask, reply });
        }
    }

    fn load_for_machine(&mut self, load: <B::Machine as Machine>::Load, ctx: &mut Context<Self>) {
        let life = self.life;
        let loaded = AssertUnwindSafe(B::load(&self.house, self.id, load)).catch_unwind();
        ctx.spawn(loaded.into_actor(self).map(move |loaded, host, ctx| match loaded {
            Ok(input) if host.life == life => host.step(input, AskId::NOBODY, host.now(), ctx),
            // The machine waits for what will not come.
            Err(_) if host.life == life => host.panicked(host.now(), ctx),
            Ok(_) | Err(_) => {}
        }));
    }

    /// Lets go what may leave, and hands the next commit over.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        while let Some(action) = self.outgoing.pop() {
            self.act(action, now);
        }
        self.commit(ctx);
    }

    fn act(&mut self, action: Action<B::Machine>, now: Millis) {
        match action {
            Action::Answer { ask, reply } => self.answer(ask, reply, now),
            Action::Publish(publish) => B::publish(&self.house, self.id, self.outbox.as_ref(), publish),
            Action::Tell { ask, to } => {
                let reply = self.reply_of(ask);
                B::tell(&self.house, reply, to);
            }
            Action::Subscribe { ask, topic, position, snapshot } => {
                let reply = self.reply_of(ask);
                self.house.hub.subscribe(reply, topic, position, *snapshot, now.0);
            }
            Action::Follow { ask, topic, at, from } => {
                let reply = self.reply_of(ask);
                self.house.hub.follow(reply, topic, at, from, now.0);
            }
            Action::Deliver { number, letter } => {
                let id = LetterId { from: self.key(), rev: self.rev, number };
                self.house.letter_written(StoredLetter { id, letter });
            }
        }
    }

    fn reply_of(&mut self, ask: AskId) -> ReplyTo {
        if ask == AskId::PUSH {
            return self.outbox.clone().map_or(ReplyTo::Nobody, |outbox| ReplyTo::Frame { outbox, id: 0 });
        }
        self.asks.remove(ask).map(|asked| asked.reply).unwrap_or_default()
    }

    fn answer(&mut self, ask: AskId, reply: Response, now: Millis) {
        if ask == AskId::PUSH {
            return self.reply_of(ask).answer(&reply, now);
        }
        let Some(Asked { reply: to, command, stored, .. }) = self.asks.remove(ask) else { return };
        to.answer(&reply, now);
        let Some((key, digest)) = command else { return };
        let repeats = match reply {
            // A refusal changes nothing and is not kept: sent again, it may be decided anew. But what was held back is filed.
            Response::Refused(_) if !stored => self.commands.forget(key),
            _ => self.commands.done(key, digest, crate::body::pack(&reply), now),
        };
        repeats.into_iter().for_each(|waiting| waiting.answer(&reply, now));
    }
}

fn answer_stored(answer: &[u8], reply: ReplyTo, now: Millis) {
    match rmp_serde::from_slice::<Response>(answer) {
        Ok(response) => reply.answer(&response, now),
        Err(error) => {
            tracing::error!(%error, "a stored answer cannot be read");
            reply.answer(
                &Response::Refused(Refusal::new(ErrorCode::Internal, "the answer that was given cannot be read")),
                now,
            );
        }
    }
}

impl<B: Body> Actor for Host<B> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.begin(ctx);
    }
}

impl<B: Body> Handler<Mail<B>> for Host<B> {
    type Result = ();
    fn handle(&mut self, mail: Mail<B>, ctx: &mut Context<Self>) {
        self.post(mail.open(), ctx);
        self.look_at_socket(ctx);
    }
}
