//! What each kind of client does by itself: a trainer drives the plan, riders come, send, leave and change their minds, a hub hears
//! straps, a screen watches. Everything by seed.

use crate::client::Client;
use crate::phone::Phone;
use crate::store::POISON;
use crate::truth::Truth;
use crate::world::{Ctx, Run};
use fitconnect_domain::Millis;
use fitconnect_protocol::class::{ClassCommand, PlanAction, Sensor, SourceKind, SwapFrom};
use fitconnect_protocol::codec::encode_request;
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::user::{Profile, Role, UserCommand};
use fitconnect_protocol::{ClassId, CmdId, ReceiverId, SourceId};
use std::collections::BTreeMap;

/// What a client has under way of its part in the play.
#[derive(Default)]
pub struct Script {
    /// The command that the next act waits for, by class.
    acts: BTreeMap<usize, CmdId>,
    gathered_at: BTreeMap<usize, Millis>,
    riding_since: BTreeMap<usize, Millis>,
    pub guests: u64,
    swaps: u32,
    pub left: bool,
    poisoned_at: Millis,
    /// What was asked for a step ago is given up.
    regrets: bool,
    /// Of the last thing that must be told from all others.
    number: u64,
}

pub fn source_of(index: usize, nth: u64) -> SourceId {
    SourceId::new(1_000 + index as u64 * 10 + nth).expect("small")
}

pub fn guest_source(class: usize, nth: u64) -> SourceId {
    SourceId::new(9_000 + class as u64 * 100 + nth).expect("small")
}

impl Client {
    pub fn act(&mut self, ctx: &mut Ctx<'_>) {
        match self.role {
            Role::Trainer | Role::Admin => self.train(ctx),
            Role::Member => self.ride(ctx),
            Role::Hub => self.hear(ctx),
            Role::Screen => {}
        }
        if matches!(self.role, Role::Trainer | Role::Member) {
            self.talk(ctx);
        }
        let now = ctx.now;
        for phone in 0..self.phones.len() {
            let class = ctx.run.class_of(self.phones[phone].class);
            let truth = Truth::of(ctx.run, class);
            if truth.lobby && !truth.cooled && !self.script.left {
                self.phones[phone].measure(&ctx.run.classes[class].clock, now);
            }
            self.say_boots(phone, now);
        }
    }

    /// A receiver's clock is told before its first sample.
    fn say_boots(&mut self, phone: usize, now: Millis) {
        let (class, receiver) = (self.phones[phone].class, self.phones[phone].receiver);
        let unsaid: Vec<(u32, i64)> = self.phones[phone]
            .boots
            .iter_mut()
            .filter(|started| !started.said)
            .map(|started| {
                started.said = true;
                (started.boot, started.offset)
            })
            .collect();
        for (boot, offset) in unsaid {
            self.class_command(class, ClassCommand::Boot { receiver, boot, offset }, false, now);
        }
    }

    /// A command has been accepted.
    pub fn accepted(&mut self, request: &Request, response: &Response) {
        match (request, response) {
            (_, Response::Joined { slot }) if self.role == Role::Member => self.slot = Some(*slot),
            (Request::Class { act: ClassCommand::Boot { receiver, boot, .. }, .. }, Response::Booted { .. }) => {
                let of_phone = self.phones.iter_mut().filter(|phone| phone.receiver == *receiver);
                for started in of_phone.flat_map(|phone| &mut phone.boots).filter(|started| started.boot == *boot) {
                    started.known = true;
                }
            }
            (_, _) => {}
        }
    }

    // ---- the trainer ----

    fn train(&mut self, ctx: &mut Ctx<'_>) {
        for class in 0..ctx.run.classes.len() {
            self.drive(class, ctx);
        }
    }

    fn drive(&mut self, class: usize, ctx: &mut Ctx<'_>) {
        let truth = Truth::of(ctx.run, class);
        let busy = self.script.acts.get(&class).is_some_and(|cmd| {
            self.commands
                .list
                .iter()
                .any(|command| command.cmd == *cmd && command.answer.is_none() && command.refused.is_none())
        });
        if !truth.created || truth.cooled || busy {
            return;
        }
        let (id, now) = (ctx.run.classes[class].id, ctx.now);
        if !truth.lobby {
            let cmd = self.class_command(id, ClassCommand::Lobby, true, now);
            self.script.acts.insert(class, cmd);
            return;
        }
        let gathered_at = *self.script.gathered_at.entry(class).or_insert(now.plus(ctx.run.classes[class].lobby_ms));
        if !truth.started {
            if now >= gathered_at {
                self.move_plan(class, PlanAction::Start, ctx);
            }
            return;
        }
        let since = *self.script.riding_since.entry(class).or_insert(now);
        if truth.ended {
            return;
        }
        if now.since(since) >= ctx.run.classes[class].ride_ms {
            return self.move_plan(class, PlanAction::End, ctx);
        }
        self.meddle(class, &truth, ctx);
    }

    fn move_plan(&mut self, class: usize, action: PlanAction, ctx: &Ctx<'_>) {
        let id = ctx.run.classes[class].id;
        let cmd = self.class_command(id, ClassCommand::Plan { action, at: None }, true, ctx.now);
        self.script.acts.insert(class, cmd);
    }

    /// Now and then a move of the plan, a cue, a guest, a swap, a look at somebody.
    fn meddle(&mut self, class: usize, truth: &Truth, ctx: &mut Ctx<'_>) {
        use PlanAction::*;
        let (id, now) = (ctx.run.classes[class].id, ctx.now);
        if self.rng.hits(15) {
            let by_s = if self.rng.hits(500) { 15 } else { -15 };
            let actions = [Pause, Resume, Resume, Resume, Next, Back, Adjust { by_s }, Repeat, Skip, Hold];
            let action = *self.rng.pick(&actions);
            return self.move_plan(class, action, ctx);
        }
        if truth.paused && self.rng.hits(40) {
            return self.move_plan(class, Resume, ctx);
        }
        if self.rng.hits(4)
            && let Some(last) = truth.last_move
        {
            let cmd = self.class_command(id, ClassCommand::Undo { id: last }, true, now);
            self.script.acts.insert(class, cmd);
            return;
        }
        if self.rng.hits(12) {
            self.say(class, ctx.run, now);
        }
        if self.script.guests < 3 && self.rng.hits(10) {
            let nth = self.script.guests;
            self.script.guests += 1;
            let sensors = vec![Sensor { source: guest_source(class, nth), kind: SourceKind::Strap }];
            let act = ClassCommand::Admit { user: None, guest: Some(format!("guest {nth}")), seat: None, sensors };
            self.class_command(id, act, true, now);
        }
        if self.script.swaps < 2 && truth.people > 1 && self.rng.hits(6) {
            self.script.swaps += 1;
            let a = self.rng.below(u64::from(truth.people)) as u16;
            let b = (a + 1) % truth.people;
            let from = if self.rng.hits(300) { SwapFrom::Start } else { SwapFrom::Now };
            self.class_command(id, ClassCommand::Swap { a, b, from }, true, now);
        }
        if self.rng.hits(20)
            && let Some(item) = self.heard.attention.first().map(|item| item.item)
        {
            self.class_command(id, ClassCommand::Acknowledge { item }, true, now);
        }
    }

    /// Words that nobody has said before. Returns them.
    pub fn say(&mut self, class: usize, run: &Run, now: Millis) -> String {
        self.script.number += 1;
        let text = format!("cue {} of {}", self.script.number, self.name);
        let act = ClassCommand::Cue { text: text.clone(), to: None, aim: None };
        self.class_command(run.classes[class].id, act, true, now);
        text
    }

    // ---- a rider ----

    fn ride(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now;
        let class = ctx.run.classes[self.class].id;
        let truth = Truth::of(ctx.run, self.class);
        if !truth.lobby || truth.cooled {
            return;
        }
        if self.slot.is_none() {
            let joining = self.commands.list.iter().any(|command| !command.is_over() && is_join(&command.request));
            if !joining && self.rng.hits(100) {
                self.join(class, now);
            }
            return;
        }
        if self.phones.is_empty() {
            let receiver = ReceiverId::new(500 + self.index as u64).expect("small");
            let mut phone = Phone::new(class, receiver);
            phone.sources.push(source_of(self.index, 0));
            if self.index.is_multiple_of(2) {
                phone.sources.push(source_of(self.index, 1));
            }
            phone.start(&ctx.run.classes[self.class].clock, now);
            self.phones.push(phone);
        }
        if self.rng.hits(2) && self.phones[0].boots.len() < 5 {
            self.phones[0].start(&ctx.run.classes[self.class].clock, now);
        }
        if self.rng.hits(if self.script.left { 30 } else { 3 }) {
            if self.script.left {
                self.join(class, now);
            } else {
                self.class_command(class, ClassCommand::Leave { slot: None, at: None }, true, now);
            }
            self.script.left = !self.script.left;
        }
        if self.rng.hits(25) {
            self.change_mind(now);
        }
        if self.rng.hits(10) {
            self.weigh(now);
        }
        if self.rng.hits(3) {
            let on = self.rng.hits(500);
            self.class_command(class, ClassCommand::Sos { on }, true, now);
        }
        if self.rng.hits(5) {
            let up = self.rng.hits(500);
            self.class_command(class, ClassCommand::Hand { up }, false, now);
        }
        if self.rng.hits(20) {
            let to = self.rng.hits(600).then(|| self.rng.below(u64::from(truth.people.max(1))) as u16);
            let bytes = encode_request(0, &Request::Five { class, to });
            if let Some(socket) = &self.socket {
                socket.request(ctx.house, &bytes, now);
            }
        }
        if std::mem::take(&mut self.script.regrets) {
            self.unsubscribe(Topic::Board(class), ctx);
        } else if self.rng.hits(8) {
            let board = Topic::Board(class);
            if self.topics.list.contains_key(&board) {
                self.unsubscribe(board, ctx);
            } else {
                self.topics.want(board);
                // One who changes his mind before he is answered.
                self.script.regrets = self.rng.hits(300);
            }
        }
    }

    fn join(&mut self, class: ClassId, now: Millis) {
        let mut sensors = vec![Sensor { source: source_of(self.index, 0), kind: SourceKind::Strap }];
        if self.index.is_multiple_of(2) {
            sensors.push(Sensor { source: source_of(self.index, 1), kind: SourceKind::Watch });
        }
        self.class_command(class, ClassCommand::Join { seat: None, sensors }, false, now);
    }

    pub fn change_mind(&mut self, now: Millis) {
        use fitconnect_protocol::user::{Consent, ShowAs};
        let consent = Consent {
            show_on_board: *self.rng.pick(&[ShowAs::Name, ShowAs::Alias, ShowAs::Hidden]),
            show_hr: self.rng.hits(500),
            show_calories: self.rng.hits(500),
            share_with_trainer: self.rng.hits(500),
            ..Consent::default()
        };
        self.user_command(UserCommand::Consent { consent }, now);
    }

    /// A weight that this person has never had.
    pub fn weigh(&mut self, now: Millis) -> f64 {
        self.script.number += 1;
        let weight = 50.0 + self.script.number as f64 / 8.0;
        let profile = Profile { weight_kg: Some(weight), ..crate::world::profile() };
        self.user_command(UserCommand::Profile { profile }, now);
        weight
    }

    // ---- a hub ----

    fn hear(&mut self, ctx: &mut Ctx<'_>) {
        let truth = Truth::of(ctx.run, self.class);
        if !truth.lobby {
            return;
        }
        let (class, now) = (ctx.run.classes[self.class].id, ctx.now);
        if self.phones.is_empty() {
            let mut phone = Phone::new(class, ReceiverId::new(400 + self.index as u64).expect("small"));
            phone.start(&ctx.run.classes[self.class].clock, now);
            self.phones.push(phone);
        }
        for source in &truth.sources {
            if !self.phones[0].sources.contains(source) && self.phones[0].sources.len() < 6 {
                self.phones[0].sources.push(*source);
            }
        }
        // A strap that nobody wears: refused, except by a machine that was built from a damaged read.
        let started = self.phones[0].boots.last().filter(|started| started.known);
        if let Some(started) = started
            && now.since(self.script.poisoned_at) >= 2_000
        {
            self.script.poisoned_at = now;
            let rows = vec![Row { ms: 0, bpm: 120, ..Row::default() }];
            let sources = vec![SourceRows(SourceId::new(POISON).expect("small"), 0, rows)];
            let receiver = self.phones[0].receiver;
            let samples = Samples { class, receiver, boot: started.boot, sources };
            let bytes = encode_request(0, &Request::Samples(samples));
            if let Some(socket) = &self.socket {
                socket.request(ctx.house, &bytes, now);
            }
        }
    }
}

fn is_join(request: &Request) -> bool {
    matches!(request, Request::Class { act: ClassCommand::Join { .. }, .. })
}
