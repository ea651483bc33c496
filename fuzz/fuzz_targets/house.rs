//! Sessions of a member, a trainer and a hub in front of one class, driven by bytes: frames, passing time, lost sockets, a slow disk
//! and a store that fails. No panic, no broken invariant, whatever is sent; and what was stored makes the class again.
#![no_main]

use fitconnect_domain::class::{self, Caller, Class, Facts, Load, Loaded, Person, Record, StoredSample};
use fitconnect_domain::session::{self, Session};
use fitconnect_domain::{AskId, Effect, Machine, Millis, Out};
use fitconnect_protocol::class::{Activity, ClassClock, Segment, SegmentKind};
use fitconnect_protocol::codec;
use fitconnect_protocol::session::Request;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ClassId, CmdId, GymId, SessionId, UserId, Uuid};
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;
use std::sync::Arc;

const START: u64 = 1_795_543_200_000;
const CLASS: ClassId = ClassId(Uuid::from_u128(1));
const GYM: GymId = GymId(Uuid::from_u128(2));
const ROLES: [Role; 3] = [Role::Member, Role::Trainer, Role::Hub];
/// Effects that one step may cause before we call it a storm.
const STORM: usize = 10_000;

struct House {
    now: Millis,
    class: Class,
    sessions: Vec<Session>,
    cmds: u128,
    changes: Vec<class::Change>,
    samples: Vec<StoredSample>,
    records: VecDeque<u64>,
    loads: VecDeque<Load>,
    wake_at: Option<Millis>,
    tick_at: Option<Millis>,
    session_tick_at: [Option<Millis>; 3],
}

impl House {
    fn new() -> House {
        let now = Millis(START);
        let caller = |(role, n): (Role, u128)| {
            let (user, session) = (UserId(Uuid::from_u128(10 + n)), SessionId(Uuid::from_u128(20 + n)));
            Arc::new(Caller { user, gym: GYM, role, session, hall: Some("Ride".into()) })
        };
        let sessions = ROLES.into_iter().zip(0..).map(caller);
        let mut house = House {
            now,
            class: Class::new(CLASS),
            sessions: sessions.map(|by| Session::new(by, now.plus(24 * 3_600_000), now)).collect(),
            cmds: 0,
            changes: Vec::new(),
            samples: Vec::new(),
            records: VecDeque::new(),
            loads: VecDeque::new(),
            wake_at: None,
            tick_at: None,
            session_tick_at: [None; 3],
        };
        let by = house.sessions[1].caller().user;
        let cmd = house.cmd();
        house.class(class::Input::Create { by, cmd, facts: Box::new(facts()) }, AskId(1));
        (0..3).for_each(|who| house.session(who, session::Input::Attached, AskId::NOBODY));
        house
    }

    fn cmd(&mut self) -> CmdId {
        self.cmds += 1;
        CmdId(Uuid::from_u128(u128::from(self.now.0) << 80 | 0x7000 << 64 | 0x8000_0000_0000_0000 | self.cmds))
    }

    fn session(&mut self, who: usize, input: session::Input, ask: AskId) {
        let mut out = Out::default();
        self.sessions[who].handle(input, ask, self.now, &mut out);
        self.sessions[who].check_invariants();
        for effect in out.0 {
            match effect {
                Effect::Tell { ask, to: session::Tell::Class(CLASS, input) } => self.class(input, ask),
                Effect::TickAt(at) => self.session_tick_at[who] = Some(at),
                _ => {}
            }
        }
    }

    fn class(&mut self, input: class::Input, ask: AskId) {
        let mut out = Out::default();
        self.class.handle(input, ask, self.now, &mut out);
        self.class.check_invariants();
        assert!(out.0.len() < STORM, "{} effects of one input", out.0.len());
        for effect in out.0 {
            match effect {
                Effect::Save { change, .. } => self.changes.push(change),
                Effect::Record { number, record } => {
                    self.records.push_back(number);
                    if let Record::Samples(samples) = record {
                        self.samples.extend(samples);
                    }
                }
                Effect::Load(load) => self.loads.push_back(load),
                Effect::WakeAt(at) => self.wake_at = at,
                Effect::TickAt(at) => self.tick_at = Some(at),
                Effect::Answer { .. }
                | Effect::Letter(_)
                | Effect::Tell { .. }
                | Effect::Publish(_)
                | Effect::Live(_)
                | Effect::Subscribe { .. }
                | Effect::Follow { .. }
                | Effect::Sleep => {}
            }
        }
    }

    /// A frame as it came, with our class and a command that is in time: else most would be refused at the door.
    fn frame(&mut self, who: usize, bytes: &[u8]) {
        let Ok((id, mut request)) = codec::decode(bytes) else {
            return self.session(who, session::Input::Bad, AskId::NOBODY);
        };
        let fresh = self.cmd();
        match &mut request {
            Request::Class { class, cmd, .. } => (*class, *cmd) = (CLASS, fresh),
            Request::User { cmd, .. } | Request::Room { cmd, .. } => *cmd = fresh,
            Request::Samples(samples) => samples.class = CLASS,
            Request::Hello { .. }
            | Request::Refresh { .. }
            | Request::Resume { .. }
            | Request::Subscribe { .. }
            | Request::Unsubscribe { .. }
            | Request::Clock { .. }
            | Request::Seen { .. }
            | Request::Look { .. }
            | Request::History { .. } => {}
        }
        self.session(who, session::Input::Frame(request), AskId(u64::from(id)));
    }

    /// Time passes; alarms and timers that are due fire once each, in their order.
    fn pass(&mut self, ms: u64) {
        let until = self.now.plus(ms);
        for _ in 0..64 {
            let due = [self.wake_at, self.tick_at].into_iter().flatten().min().filter(|at| *at <= until);
            let Some(at) = due else { break };
            self.now = self.now.max(at);
            if self.wake_at == Some(at) {
                self.wake_at = None;
                self.class(class::Input::Wake, AskId::NOBODY);
            } else {
                self.tick_at = None;
                self.class(class::Input::Tick, AskId::NOBODY);
            }
        }
        self.now = until;
        for who in 0..3 {
            if self.session_tick_at[who].take_if(|at| *at <= until).is_some() {
                self.session(who, session::Input::Tick, AskId::NOBODY);
            }
        }
    }

    fn answer_load(&mut self, how: u8) {
        let Some(load) = self.loads.pop_front() else { return };
        let loaded = match load {
            load if how % 4 == 0 => Loaded::Failed(load),
            Load::Person { user } => Loaded::Person { user, person: (how % 4 != 1).then(|| Box::new(person(how))) },
            Load::Series { slot, sources } => {
                let samples = self.samples.iter().filter(|sample| sources.contains(&sample.source)).cloned().collect();
                Loaded::Series { slot, samples }
            }
        };
        self.class(class::Input::Loaded(loaded), AskId::NOBODY);
    }

    /// One step; what is left of the bytes.
    fn step<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let [op, arg, rest @ ..] = bytes else { return &[] };
        let who = usize::from(op >> 4) % 3;
        match op % 16 {
            0..=9 => {
                let (frame, rest) = rest.split_at(rest.len().min(usize::from(*arg)));
                self.frame(who, frame);
                return rest;
            }
            10 => self.pass(u64::from(*arg) * 10),
            11 => self.pass(u64::from(*arg) * 5_000),
            12 => self.session(who, session::Input::Detached, AskId::NOBODY),
            13 => self.session(who, session::Input::Attached, AskId::NOBODY),
            14 => {
                if let Some(record) = self.records.drain(..).last() {
                    self.class(class::Input::Durable { record }, AskId::NOBODY);
                }
            }
            _ => self.answer_load(*arg),
        }
        rest
    }
}

fn facts() -> Facts {
    let segment = |kind| Segment { kind, duration_s: 60, target: None, cue: None };
    Facts {
        gym: GYM,
        name: "HIIT".into(),
        hall: "Ride".into(),
        trainer: "Mira".into(),
        activity: Activity::Ride,
        starts_at_ms: START as i64,
        lobby_min: Some(5),
        capacity: 3,
        segments: vec![segment(SegmentKind::Warmup), segment(SegmentKind::Work), segment(SegmentKind::Recover)],
        clock: ClassClock { class_ms: START as i64, wall_ms: START as i64, rate: 20 },
        hold_ms: fitconnect_protocol::limits::HOLD_MS,
        solo: false,
    }
}

fn person(how: u8) -> Person {
    let profile = Profile {
        born: Some(if how & 4 == 0 { "1986-02-28" } else { "2012-02-29" }.into()),
        weight_kg: (how & 8 == 0).then_some(80.0),
        hr_rest: Some(60),
        hr_max: (how & 16 == 0).then_some(190.0),
        zones_off: how & 32 != 0,
        ..Profile::default()
    };
    Person { gym: GYM, name: "Anna".into(), rev: 1, profile, consent: Consent::default() }
}

fuzz_target!(|bytes: &[u8]| {
    let mut house = House::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = house.step(rest);
    }
    Class::restore(CLASS, &house.changes, house.samples, house.now).check_invariants();
});
