//! A run: one gym, one or two classes, a dozen clients, a house that dies now and then, and the stores that outlive it.
//! Everything is driven from here, a step at a time; between two steps the actors run on simulated time.

use crate::client::{Client, GYM, HALL};
use crate::clock::{START, SimClock};
use crate::faults::{Fault, Faults};
use crate::log::SimLog;
use crate::panics;
use crate::rng::Rng;
use crate::store::SimStore;
use crate::trace::Trace;
use crate::truth::Truth;
use crate::{ends, probe};
use actix::prelude::*;
use fitconnect_actors::ports::{Clock, StateStore};
use fitconnect_actors::stats::Kind;
use fitconnect_actors::{House, Marks, Ports, Spawner};
use fitconnect_domain::class::{Facts, Input};
use fitconnect_domain::user::Stored;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::class::{Activity, ClassClock, Segment, SegmentKind, Target};
use fitconnect_protocol::limits::HOLD_MS;
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::{Consent, HrMaxSource, Profile, Role, Sex};
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, RoomId, UserId};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A class as the play knows it.
pub struct ClassInfo {
    pub id: ClassId,
    pub cmd: CmdId,
    pub clock: ClassClock,
    pub facts: Facts,
    /// How long people gather, and how long they ride, on the wall.
    pub lobby_ms: u64,
    pub ride_ms: u64,
}

/// What outlives a process.
pub struct Run {
    pub store: Arc<SimStore>,
    pub log: Arc<SimLog>,
    pub faults: Arc<Faults>,
    pub classes: Vec<ClassInfo>,
    /// Where they talk, and everybody who may.
    pub room: RoomId,
    pub people: Vec<UserId>,
}

impl Run {
    pub fn class_of(&self, id: ClassId) -> usize {
        self.classes.iter().position(|class| class.id == id).expect("a class of this run")
    }
}

/// What a client is given for one step.
pub struct Ctx<'a> {
    pub house: &'a Arc<House>,
    pub run: &'a Run,
    pub trace: &'a mut Trace,
    pub now: Millis,
    /// Number of the process.
    pub life: u32,
    pub broken: &'a mut Vec<String>,
}

impl Ctx<'_> {
    /// A promise was broken.
    pub fn wrong(&mut self, what: String) {
        self.broken.push(what);
    }
    pub fn ms(&self) -> u64 {
        self.now.since(START)
    }
}

/// How a run ended.
pub struct Outcome {
    pub seed: u64,
    pub steps: u64,
    pub frames: u64,
    pub commits: u64,
    pub commands: u64,
    pub samples: u64,
    pub room_events: u64,
    pub lives: u32,
    pub sim_ms: u64,
    pub hash: u64,
    pub faults: Vec<(&'static str, u64)>,
    /// What was broken, and what stood in the trace before it.
    pub wrong: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Faults all the time.
    Storm,
    /// In the middle of it a while without faults: everything must recover.
    Calm {
        until: Millis,
    },
    /// No more faults: everything ends.
    Quiet {
        since: Millis,
    },
    /// Everything has ended; nobody does anything any more.
    Still {
        since: Millis,
    },
    /// Everybody has gone.
    Dark {
        since: Millis,
    },
    /// Every actor has been touched: it had slept.
    Touched {
        since: Millis,
    },
    Over,
}

type Call = Arc<Mutex<Option<Response>>>;

pub struct World {
    pub run: Run,
    pub clients: Vec<Client>,
    pub trace: Trace,
    rng: Rng,
    now: Millis,
    life: u32,
    steps: u64,
    act: Act,
    calm_at: Option<Millis>,
    storm_ends: Option<Millis>,
    creating: Vec<Option<Call>>,
    made: Vec<bool>,
    broken: Vec<String>,
    kills: u32,
    expected_panics: u64,
    probe: Option<probe::Probe>,
    touch: Vec<ends::Touched>,
    /// Messages that waited when this step began, by kind of actor.
    pub in_mailboxes: [i64; Kind::ALL.len()],
}

pub struct Here(pub ArbiterHandle);

impl Spawner for Here {
    fn arbiter(&self, _: &ActorKey) -> ArbiterHandle {
        self.0.clone()
    }
}

/// A play that has not come to its end by then goes nowhere.
const STORM_MAX_MS: u64 = 900_000;
/// A run that has not ended by then has not recovered.
const QUIET_MAX_MS: u64 = 900_000;
const CALM_MS: u64 = 40_000;
/// Sessions whose sockets are gone have ended by then.
const STILL_MS: u64 = 100_000;
/// Actors that have nothing to do sleep by then.
const DARK_MS: u64 = 150_000;
const TOUCH_MS: u64 = 1_000;

/// Runs a seed to its end.
pub fn run(seed: u64, print: bool) -> Outcome {
    panics::watch();
    let mut world = World::new(seed, print);
    while world.act != Act::Over && world.broken.is_empty() {
        world.live();
    }
    world.outcome(seed)
}

impl World {
    fn new(seed: u64, print: bool) -> World {
        let mut rng = Rng::new(seed);
        let faults = Arc::new(Faults::new(&mut rng));
        let store = Arc::new(SimStore::new(&mut rng, &faults));
        let log = Arc::new(SimLog::new(&mut rng, &faults));
        let count = if rng.hits(300) { 2 } else { 1 };
        let classes: Vec<ClassInfo> = (0..count).map(|nth| class_info(nth, &mut rng)).collect();
        let clients = people(&classes, &store, &mut rng);
        let room = RoomId(crate::commands::Commands::new_id(&mut rng, START).0);
        let may_talk = |client: &&Client| matches!(client.role, Role::Trainer | Role::Member);
        let people = clients.iter().filter(may_talk).map(|client| client.user).collect();
        World {
            run: Run { store, log, faults, classes, room, people },
            clients,
            trace: Trace::new(print),
            calm_at: rng.hits(600).then(|| START.plus(rng.between(12_000, 40_000))),
            rng,
            now: START,
            life: 0,
            steps: 0,
            act: Act::Storm,
            storm_ends: None,
            creating: (0..count).map(|_| None).collect(),
            made: vec![false; count],
            broken: Vec::new(),
            kills: 0,
            expected_panics: 0,
            probe: None,
            touch: Vec::new(),
            in_mailboxes: [0; Kind::ALL.len()],
        }
    }

    /// One process, from its start to its death or to the end of the run.
    fn live(&mut self) {
        self.life += 1;
        self.trace.line(self.now.since(START), format_args!("process {} starts", self.life));
        self.creating.iter_mut().for_each(|call| *call = None);
        let runtime = || {
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
        };
        let system = actix::System::with_tokio_rt(runtime);
        system.block_on(self.play());
    }

    async fn play(&mut self) {
        let clock = SimClock::start(self.now);
        let marks = Arc::new(Marks::default());
        self.run.store.restarted();
        self.run.log.open(marks.sink());
        self.run.store.claim_shards().await.expect("it is never away at the start");
        let here = Arbiter::current();
        let ports = Ports {
            clock: Arc::new(clock),
            state: self.run.store.clone(),
            events: self.run.log.clone(),
            spawner: Box::new(Here(here.clone())),
            marks,
        };
        let house = House::open(ports, &here);
        actix::spawn(self.run.log.clone().run());
        while self.act != Act::Over && self.broken.is_empty() {
            let ms = match self.rng.below(10) {
                0..3 => self.rng.between(1, 20),
                3..9 => self.rng.between(30, 150),
                _ => self.rng.between(200, 400),
            };
            tokio::time::sleep(Duration::from_millis(ms)).await;
            self.now = clock.now();
            if self.step(&house) {
                return self.die();
            }
        }
    }

    /// The process is killed: what is not stored is lost.
    fn die(&mut self) {
        self.trace.line(self.now.since(START), format_args!("process {} is killed", self.life));
        self.now = self.now.plus(self.rng.between(200, 6_000));
        let now = self.now;
        self.clients.iter_mut().for_each(|client| client.process_died(now));
    }

    /// `true`: the process dies now.
    fn step(&mut self, house: &Arc<House>) -> bool {
        self.steps += 1;
        // Before anybody says anything: what was said a step ago has been handled by now, or is not going to be.
        self.in_mailboxes = Kind::ALL.map(|kind| house.stats.of(kind).mailbox.load(Ordering::Relaxed));
        self.run.store.step();
        self.run.log.step();
        self.create(house);
        let mut clients = std::mem::take(&mut self.clients);
        let mut ctx = Ctx {
            house,
            run: &self.run,
            trace: &mut self.trace,
            now: self.now,
            life: self.life,
            broken: &mut self.broken,
        };
        let still = matches!(self.act, Act::Still { .. } | Act::Dark { .. } | Act::Touched { .. });
        for client in &mut clients {
            client.step(&mut ctx, !still);
        }
        self.clients = clients;
        self.go_on(house);
        self.broken.extend(self.run.store.take_wrong());
        self.broken.extend(self.run.log.take_wrong());
        let (poisoned, others) = panics::take();
        self.expected_panics += poisoned;
        self.broken.extend(others);
        self.kills < 3 && self.act == Act::Storm && self.run.faults.happens(Fault::Killed) && {
            self.kills += 1;
            true
        }
    }

    // ---- the play ----

    /// A class is made by a call, which is repeated until it is answered.
    fn create(&mut self, house: &Arc<House>) {
        for (nth, class) in self.run.classes.iter().enumerate() {
            if self.made[nth] {
                continue;
            }
            let answer = self.creating[nth].as_ref().and_then(|call| call.lock().expect("one thread").take());
            match answer {
                Some(Response::Done) => {
                    self.made[nth] = true;
                    continue;
                }
                Some(Response::Refused(refusal)) if matches!(refusal.code, ErrorCode::Retry | ErrorCode::Busy) => {
                    self.creating[nth] = None;
                }
                Some(other) => self.broken.push(format!("a class was not made: {other:?}")),
                None => {}
            }
            if self.creating[nth].is_some() {
                continue;
            }
            let call = Call::default();
            self.creating[nth] = Some(call.clone());
            let (house, id, cmd) = (house.clone(), class.id, class.cmd);
            let (by, facts) = (self.clients[0].user, Box::new(class.facts.clone()));
            actix::spawn(async move {
                let answer = house.ask_class(id, Input::Create { by, cmd, facts }).await;
                *call.lock().expect("one thread") = Some(answer);
            });
        }
    }

    fn go_on(&mut self, house: &Arc<House>) {
        match self.act {
            Act::Storm => self.storm(),
            Act::Calm { until } => self.calm(until),
            Act::Quiet { since } => self.quiet(since),
            Act::Still { since } => self.still(since, house),
            Act::Dark { since } => self.dark(since, house),
            Act::Touched { since } if self.now.since(since) < TOUCH_MS => {}
            Act::Touched { .. } => {
                self.broken.extend(self.touch.iter().filter_map(|touched| touched.awake(&self.run.store)));
                self.act = Act::Over;
            }
            Act::Over => {}
        }
    }

    fn storm(&mut self) {
        if self.calm_at.is_some_and(|at| self.now >= at) {
            self.calm_at = None;
            self.run.faults.switch(false);
            self.trace.line(self.now.since(START), format_args!("calm"));
            self.act = Act::Calm { until: self.now.plus(CALM_MS) };
            return;
        }
        let ended = (0..self.run.classes.len()).all(|class| {
            let truth = Truth::of(&self.run, class);
            truth.ended || truth.cooled
        });
        if !ended {
            if self.now.since(START) > STORM_MAX_MS {
                self.broken.push("the play goes nowhere".into());
            }
            return;
        }
        // Cooling and settlement see faults too, for a while.
        let now = self.now;
        let rng = &mut self.rng;
        let ends = *self.storm_ends.get_or_insert_with(|| now.plus(rng.between(0, 60_000)));
        if now >= ends {
            self.run.faults.switch(false);
            self.trace.line(now.since(START), format_args!("quiet"));
            self.act = Act::Quiet { since: now };
        }
    }

    fn calm(&mut self, until: Millis) {
        if self.probe.is_none() && self.now.plus(CALM_MS / 2) >= until {
            self.probe = Some(probe::Probe::begin(self));
        }
        if self.now < until {
            return;
        }
        if let Some(probe) = self.probe.take() {
            let silent = probe.silent(self);
            self.broken.extend(silent);
        }
        self.trace.line(self.now.since(START), format_args!("storm again"));
        self.run.faults.switch(true);
        self.act = Act::Storm;
    }

    fn quiet(&mut self, since: Millis) {
        self.clients.iter_mut().for_each(|client| client.commands.stop_repeating());
        let lacks = ends::lacks(self);
        if self.now.since(since) > QUIET_MAX_MS {
            return self.broken.push(format!("it did not recover: {}", lacks.join("; ")));
        }
        if !lacks.is_empty() {
            return;
        }
        match &self.probe {
            None => self.probe = Some(probe::Probe::begin_at_the_end(self)),
            Some(probe) if probe.silent(self).is_empty() => {
                self.trace.line(self.now.since(START), format_args!("still"));
                self.act = Act::Still { since: self.now };
            }
            Some(_) => {}
        }
    }

    fn still(&mut self, since: Millis, house: &Arc<House>) {
        if self.now.since(since) < STILL_MS {
            return;
        }
        let wrong = ends::wrong(self, house);
        self.broken.extend(wrong);
        let now = self.now;
        self.clients.iter_mut().for_each(|client| client.leave_for_good(house, now));
        self.trace.line(now.since(START), format_args!("dark"));
        self.act = Act::Dark { since: now };
    }

    fn dark(&mut self, since: Millis, house: &Arc<House>) {
        if self.now.since(since) < DARK_MS {
            return;
        }
        let left = ends::left(house);
        self.broken.extend(left);
        self.touch = ends::touch(self, house);
        self.act = Act::Touched { since: self.now };
    }

    pub fn now(&self) -> Millis {
        self.now
    }

    /// A context for a client outside its step.
    pub fn with_client<T>(&mut self, index: usize, with: impl FnOnce(&mut Client, &Run, Millis) -> T) -> T {
        with(&mut self.clients[index], &self.run, self.now)
    }

    fn outcome(self, seed: u64) -> Outcome {
        let wrong = (!self.broken.is_empty())
            .then(|| format!("{}\n\nbefore it:\n{}", self.broken.join("\n"), self.trace.newest()));
        let phones = self.clients.iter().flat_map(|client| &client.phones);
        Outcome {
            seed,
            steps: self.steps,
            frames: self.trace.frames,
            commits: self.run.store.commits(),
            commands: self.clients.iter().map(|client| client.commands.accepted).sum(),
            samples: phones.map(|phone| phone.acked).sum(),
            room_events: self.run.store.room(self.run.room, <[_]>::len) as u64,
            lives: self.life,
            sim_ms: self.now.since(START),
            hash: self.trace.hash(),
            faults: self.run.faults.counts().into_iter().chain([("machine_panicked", self.expected_panics)]).collect(),
            wrong,
        }
    }
}

// ---- who and what there is ----

pub fn profile() -> Profile {
    Profile {
        sex: Some(Sex::Female),
        born: Some("1990-05-05".into()),
        hr_rest: Some(60),
        hr_max: Some(185.0),
        hr_max_source: Some(HrMaxSource::Measured),
        ..Profile::default()
    }
}

fn people(classes: &[ClassInfo], store: &SimStore, rng: &mut Rng) -> Vec<Client> {
    let mut clients = vec![
        Client::new(0, "trainer", Role::Trainer, 0, rng),
        Client::new(1, "screen", Role::Screen, 0, rng),
        Client::new(2, "hub", Role::Hub, 0, rng),
    ];
    for nth in 0..rng.between(3, 7) as usize {
        clients.push(Client::new(3 + nth, &format!("rider {nth}"), Role::Member, nth % classes.len(), rng));
    }
    for client in &mut clients {
        store.add_person(client.user, &Stored::new(GYM, client.name.clone(), profile(), Consent::default()));
        for (nth, class) in classes.iter().enumerate() {
            let topics: &[Topic] = match client.role {
                Role::Trainer | Role::Admin => &[Topic::Class(class.id), Topic::Desk(class.id)],
                Role::Screen => &[Topic::Class(class.id), Topic::Board(class.id)],
                Role::Member if nth == client.class => &[Topic::Class(class.id), Topic::Board(class.id), Topic::Me],
                Role::Member | Role::Hub => &[],
            };
            topics.iter().for_each(|topic| client.topics.want(*topic));
        }
    }
    clients
}

pub fn class_info(nth: usize, rng: &mut Rng) -> ClassInfo {
    let rate = *rng.pick(&[2, 5, 20, 20]);
    let cmd = crate::commands::Commands::new_id(rng, START);
    let clock = ClassClock { class_ms: START.0 as i64, wall_ms: START.0 as i64, rate };
    let segment = |rng: &mut Rng, kind| {
        let duration_s = rng.between(10, 60) as u32 * rate;
        let target = rng.hits(500).then_some(Target::Percent { lo: 60, hi: 80 });
        Segment { kind, duration_s, target, cue: None }
    };
    let mut segments =
        vec![segment(rng, SegmentKind::Warmup), segment(rng, SegmentKind::Work), segment(rng, SegmentKind::Recover)];
    if rng.hits(500) {
        segments.push(Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None });
    }
    let facts = Facts {
        gym: GYM,
        name: format!("class {nth}"),
        hall: HALL.into(),
        trainer: "trainer".into(),
        activity: Activity::Ride,
        starts_at_ms: START.0 as i64 + 20_000,
        lobby_min: rng.hits(200).then_some(0),
        capacity: 30,
        segments,
        clock,
        hold_ms: HOLD_MS,
        solo: false,
    };
    let (lobby_ms, ride_ms) = (rng.between(4_000, 15_000), rng.between(30_000, 110_000));
    ClassInfo { id: ClassId(cmd.0), cmd, clock, facts, lobby_ms, ride_ms }
}
