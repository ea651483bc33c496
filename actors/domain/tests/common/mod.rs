//! What the tests of a class share: people, a gym, a class that runs by hand, and a bad line between phone and class.
#![allow(dead_code)]

pub mod talk;

use fitconnect_domain::Millis;
use fitconnect_domain::class::by_hand::ByHand;
use fitconnect_domain::class::{Caller, Facts, Input, Person, Publish, What};
use fitconnect_domain::user::Blocks;
use fitconnect_protocol::class::*;
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Response, Topic};
use fitconnect_protocol::user::*;
use fitconnect_protocol::*;
use std::sync::Arc;

/// The wall's time at class time 0.
pub const T0: Millis = Millis(1_795_500_000_000);
pub const GYM: GymId = GymId(Uuid::from_u128(0x6_0000));
pub const CLASS: ClassId = ClassId(Uuid::from_u128(0xC_0000));
pub const HALL: &str = "Hall 1";

/// The `n`-th account, on a session of its own.
pub fn caller(n: u16, role: Role) -> Arc<Caller> {
    let id = |kind: u128| Uuid::from_u128(kind << 32 | u128::from(n));
    let hall = matches!(role, Role::Hub | Role::Screen).then(|| HALL.to_owned());
    Arc::new(Caller { user: UserId(id(1)), gym: GYM, role, session: SessionId(id(2)), hall, name: format!("{role:?}") })
}
pub fn member(n: u16) -> Arc<Caller> {
    caller(n, Role::Member)
}
pub fn trainer() -> Arc<Caller> {
    caller(60_000, Role::Trainer)
}

/// The golden profile: male, 40 years, 80 kg, 60 at rest, 190 at most, measured.
pub fn golden_profile(ftp_w: u16) -> Profile {
    Profile {
        sex: Some(Sex::Male),
        born: Some("1986-06-01".into()),
        weight_kg: Some(80.0),
        hr_rest: Some(60),
        hr_max: Some(190.0),
        hr_max_source: Some(HrMaxSource::Measured),
        ftp_w: Some(ftp_w),
        ..Profile::default()
    }
}

/// Everything is granted.
pub fn open_consent() -> Consent {
    Consent {
        show_on_board: ShowAs::Name,
        show_hr: true,
        show_calories: true,
        share_with_trainer: true,
        ..Consent::default()
    }
}

pub fn segment(kind: SegmentKind, duration_s: u32, target: Option<Target>) -> Segment {
    Segment { kind, duration_s, target, cue: None }
}

pub fn facts(segments: Vec<Segment>) -> Facts {
    Facts {
        gym: GYM,
        name: "HIIT 45".into(),
        hall: HALL.into(),
        trainer: "Ana".into(),
        activity: Activity::Ride,
        starts_at_ms: T0.0 as i64,
        lobby_min: None,
        capacity: 20_000,
        segments,
        clock: ClassClock { class_ms: 0, wall_ms: T0.0 as i64, rate: 1 },
        hold_ms: limits::HOLD_MS,
        solo: false,
    }
}

/// The sensor of the `n`-th person: each has up to ten.
pub fn sensor(n: u16, which: u8, kind: SourceKind) -> Sensor {
    Sensor { source: SourceId::new(u64::from(n) * 10 + u64::from(which)).expect("small"), kind }
}
pub fn strap(n: u16) -> Sensor {
    sensor(n, 0, SourceKind::Strap)
}
/// The phone of the `n`-th person.
pub fn phone(n: u16) -> ReceiverId {
    ReceiverId::new(1_000_000 + u64::from(n)).expect("small")
}

/// A class that runs by hand. Times in seconds are class time.
pub struct Studio {
    pub host: ByHand,
    pub trainer: Arc<Caller>,
}

impl Studio {
    /// A class in its lobby at class time 0.
    pub fn open(segments: Vec<Segment>) -> Studio {
        Studio::with(facts(segments))
    }

    pub fn with(facts: Facts) -> Studio {
        let mut studio = Studio { host: ByHand::new(CLASS, T0), trainer: trainer() };
        let create = Input::Create { by: studio.trainer.user, cmd: CmdId(Uuid::nil()), facts: Box::new(facts) };
        assert_eq!(studio.host.send(create), Some(Response::Done));
        studio.staff(ClassCommand::Lobby);
        studio
    }

    /// The same in class milliseconds.
    pub fn at_ms(&mut self, ms: i64) -> &mut Studio {
        let clock = self.host.class.facts().expect("made").clock;
        self.host.advance_to(fitconnect_domain::time::wall_at(&clock, ms));
        self
    }
    pub fn at(&mut self, second: i64) -> &mut Studio {
        self.at_ms(second * 1_000)
    }
    pub fn now_ms(&self) -> i64 {
        self.host.class.class_at(self.host.now)
    }

    /// A command that must be accepted.
    #[track_caller]
    pub fn accepted(&mut self, by: &Arc<Caller>, act: ClassCommand) -> Response {
        let answer = self.host.command(by, act.clone()).expect("an answer");
        assert!(!matches!(answer, Response::Refused(_)), "{act:?}: {answer:?}");
        answer
    }
    /// A command that must be refused, and with which word.
    #[track_caller]
    pub fn refused(&mut self, by: &Arc<Caller>, act: ClassCommand) -> ErrorCode {
        match self.host.command(by, act.clone()) {
            Some(Response::Refused(refusal)) => refusal.code,
            other => panic!("{act:?}: {other:?}"),
        }
    }
    #[track_caller]
    pub fn staff(&mut self, act: ClassCommand) -> Response {
        let trainer = self.trainer.clone();
        self.accepted(&trainer, act)
    }
    #[track_caller]
    pub fn plan(&mut self, action: PlanAction) -> &mut Studio {
        self.staff(ClassCommand::Plan { action, at: None });
        self
    }

    /// The `n`-th person comes in with these sensors and a phone whose clock is class time.
    #[track_caller]
    pub fn join(&mut self, n: u16, profile: Profile, consent: Consent, sensors: Vec<Sensor>) -> Slot {
        let by = member(n);
        let person =
            Person { gym: GYM, name: format!("Member {n}"), rev: 1, profile, consent, blocks: Blocks::default() };
        self.host.people.insert(by.user, person);
        let Response::Joined { slot } = self.accepted(&by, ClassCommand::Join { seat: None, sensors }) else {
            panic!("not joined")
        };
        self.accepted(&by, ClassCommand::Boot { receiver: phone(n), boot: 0, offset: 0 });
        slot
    }

    /// Somebody with the golden profile, who shows everything.
    #[track_caller]
    pub fn rider(&mut self, n: u16) -> Slot {
        self.join(n, golden_profile(250), open_consent(), vec![strap(n)])
    }

    /// Rows of one sensor of the `n`-th person, by its phone.
    pub fn send(&mut self, n: u16, source: SourceId, first: Seq, rows: Vec<Row>) {
        self.send_by(&member(n), phone(n), 0, vec![SourceRows(source, first, rows)]);
    }

    pub fn send_by(&mut self, by: &Arc<Caller>, receiver: ReceiverId, boot: Boot, sources: Vec<SourceRows>) {
        self.host.send(Input::Samples { by: by.clone(), samples: Samples { class: CLASS, receiver, boot, sources } });
    }

    /// One heart rate a second of the `n`-th person's strap, numbered by its second, from now on for so long.
    pub fn ride(&mut self, n: u16, seconds: i64, bpm: u16) -> &mut Studio {
        self.ride_all(&[(n, bpm)], seconds)
    }

    /// The same for several people at once.
    pub fn ride_all(&mut self, people: &[(u16, u16)], seconds: i64) -> &mut Studio {
        let from = self.now_ms() / 1_000;
        for second in from..from + seconds {
            self.at(second);
            for (n, bpm) in people {
                self.send(*n, strap(*n).source, second as Seq, vec![hr(second * 1_000, *bpm)]);
            }
        }
        self.at(from + seconds)
    }

    pub fn follow(&mut self, by: &Arc<Caller>, topic: Topic) -> Option<Response> {
        self.host.send(Input::Subscribe { by: by.clone(), topic, position: None })
    }

    /// Every summary that was saved, in order.
    pub fn summaries(&self) -> Vec<(Slot, MemberSummary)> {
        let saved = self.host.changes.iter().filter_map(|change| {
            let What::Summarised { slot, summary } = &change.what else { return None };
            Some((*slot, (**summary).clone()))
        });
        saved.collect()
    }
    pub fn last_summary(&self) -> MemberSummary {
        self.summaries().pop().expect("a summary").1
    }

    /// What was refused of samples since the last look.
    pub fn unwanted(&mut self) -> Vec<ErrorCode> {
        let codes = self.host.published.iter().filter_map(|publish| match publish {
            Publish::Direct { response: Response::Unwanted { refusal, .. }, .. } => Some(refusal.code),
            _ => None,
        });
        let codes = codes.collect();
        self.host.published.clear();
        codes
    }
}

pub fn hr(ms: i64, bpm: u16) -> Row {
    Row { ms: ms as u32, bpm, ..Row::default() }
}

/// Marsaglia's xorshift64: the same numbers for the same seed, everywhere.
pub struct XorShift(pub u64);

impl XorShift {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// A bad line: when each of `sent` (millisecond, what) arrives. 30 % are lost and sent again after 5 s until they come,
/// 10 % come twice, and each takes up to 10 s.
pub fn bad_line<T: Clone>(sent: Vec<(i64, T)>, seed: u64) -> Vec<(i64, T)> {
    let mut random = XorShift(seed);
    let mut arrives = Vec::new();
    for (at, what) in sent {
        let mut at = at;
        while random.percent(30) {
            at += 5_000;
        }
        arrives.push((at + random.below(10_000) as i64, what.clone()));
        if random.percent(10) {
            arrives.push((at + random.below(10_000) as i64, what));
        }
    }
    arrives.sort_by_key(|(at, _)| *at);
    arrives
}
