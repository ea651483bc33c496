//! An actor whose machine panics again and again is parked: it answers that a human must look, until the process is started again.

use crate::clock::{START, SimClock};
use crate::faults::{Fault, Faults};
use crate::log::SimLog;
use crate::panics;
use crate::rng::Rng;
use crate::store::{POISON, SimStore};
use crate::world::{ClassInfo, Here, class_info};
use actix::prelude::*;
use fitconnect_actors::ports::StateStore;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_actors::stats::Kind;
use fitconnect_actors::{House, Marks, Ports};
use fitconnect_domain::class::{Caller, Input};
use fitconnect_protocol::class::ClassCommand;
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{CmdId, ErrorCode, ReceiverId, SessionId, SourceId, UserId, Uuid};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

struct Bench {
    store: Arc<SimStore>,
    log: Arc<SimLog>,
    faults: Arc<Faults>,
    class: ClassInfo,
    rng: Rng,
}

const TRAINER: UserId = UserId(Uuid::from_u128(1));

impl Bench {
    fn new(faults: &[Fault]) -> Bench {
        panics::watch();
        let mut rng = Rng::new(1);
        let faults = Arc::new(Faults::only(faults));
        faults.switch(false);
        let store = Arc::new(SimStore::new(&mut rng, &faults));
        store.damage_every(Duration::ZERO);
        let log = Arc::new(SimLog::new(&mut rng, &faults));
        let class = class_info(0, &mut rng);
        Bench { store, log, faults, class, rng }
    }

    /// Runs one process.
    fn process<T>(&mut self, play: impl AsyncFnOnce(&mut Bench, Arc<House>) -> T) -> T {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
        };
        actix::System::with_tokio_rt(runtime).block_on(async {
            let marks = Arc::new(Marks::default());
            self.store.restarted();
            self.log.open(marks.sink());
            self.store.claim_shards().await.expect("shards");
            let here = Arbiter::current();
            let ports = Ports {
                clock: Arc::new(SimClock::start(START)),
                state: self.store.clone(),
                events: self.log.clone(),
                spawner: Box::new(Here(here.clone())),
                marks,
            };
            let house = House::open(ports, &here);
            actix::spawn(self.log.clone().run());
            play(self, house).await
        })
    }

    async fn create(&self, house: &Arc<House>) -> Response {
        let (cmd, facts) = (self.class.cmd, Box::new(self.class.facts.clone()));
        house.ask_class(self.class.id, Input::Create { by: TRAINER, cmd, facts }).await
    }

    fn trainer() -> Arc<Caller> {
        let (user, session) = (TRAINER, SessionId(Uuid::nil()));
        Arc::new(Caller {
            user,
            gym: crate::client::GYM,
            role: Role::Trainer,
            session,
            hall: None,
            name: String::new(),
        })
    }

    fn command(&mut self, act: ClassCommand) -> Input {
        let chance = u128::from(self.rng.next() >> 2);
        let cmd = CmdId(Uuid::from_u128(u128::from(START.0) << 80 | 0x7 << 76 | 0x8000_0000_0000_0000 | chance));
        Input::Command { by: Bench::trainer(), cmd, act }
    }

    async fn ask(&mut self, house: &Arc<House>, act: ClassCommand) -> Response {
        let input = self.command(act);
        house.ask_class(self.class.id, input).await
    }

    /// Words on every screen: allowed at any time.
    async fn cue(&mut self, house: &Arc<House>) -> Response {
        self.ask(house, ClassCommand::Cue { text: "well done".into(), to: None, aim: None }).await
    }
}

fn code(response: &Response) -> Option<ErrorCode> {
    match response {
        Response::Refused(refusal) => Some(refusal.code),
        _ => None,
    }
}

#[test]
fn a_machine_that_cannot_be_built_is_parked_until_the_next_process() {
    let mut bench = Bench::new(&[Fault::DamagedBuild]);
    bench.process(async |bench: &mut Bench, house: Arc<House>| {
        assert_eq!(bench.create(&house).await, Response::Done);
    });
    bench.faults.switch(true);
    bench.process(async |bench: &mut Bench, house: Arc<House>| {
        let mut said = Vec::new();
        for _ in 0..6 {
            said.push(code(&bench.cue(&house).await).expect("a refusal"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // The first ones wait for a machine; when the third could not be built, nobody waits any more.
        assert!(said.iter().all(|code| matches!(code, ErrorCode::Retry | ErrorCode::Internal)), "{said:?}");
        assert_eq!(said.last(), Some(&ErrorCode::Internal));
        let stats = house.stats.of(Kind::Class);
        let (panics, broken, alive) = (&stats.panics, &stats.broken, &stats.alive);
        assert_eq!(panics.load(Ordering::Relaxed), 3);
        assert_eq!((broken.load(Ordering::Relaxed), alive.load(Ordering::Relaxed)), (1, 1), "the actor itself lives");
        bench.faults.switch(false);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(code(&bench.cue(&house).await), Some(ErrorCode::Internal), "it stays parked");
    });
    bench.process(async |bench: &mut Bench, house: Arc<House>| {
        assert_eq!(bench.cue(&house).await, Response::Done, "nothing was lost");
    });
    let (expected, others) = panics::take();
    assert_eq!((expected, others), (3, Vec::<String>::new()));
}

#[test]
fn three_panics_within_a_minute_park_and_a_late_commit_does_not_unpark() {
    let mut bench = Bench::new(&[Fault::DamagedRead, Fault::UnknownBefore]);
    bench.process(async |bench: &mut Bench, house: Arc<House>| {
        assert_eq!(bench.create(&house).await, Response::Done);
        assert_eq!(bench.ask(&house, ClassCommand::Lobby).await, Response::Done);
    });
    bench.faults.switch(true);
    bench.process(async |bench: &mut Bench, house: Arc<House>| {
        let class = bench.class.id;
        let receiver = ReceiverId::new(1).expect("small");
        for _ in 0..3 {
            // A commit is under way, whose outcome nobody will know, when the sample comes that the machine stumbles over.
            let boot = bench.command(ClassCommand::Boot { receiver, boot: 1, offset: START.0 as i64 });
            house.to_class(class, boot, ReplyTo::Nobody);
            let rows = vec![Row { ms: 0, bpm: 120, ..Row::default() }];
            let sources = vec![SourceRows(SourceId::new(POISON).expect("small"), 0, rows)];
            let samples = Samples { class, receiver, boot: 1, sources };
            house.to_class(class, Input::Samples { by: Bench::trainer(), samples }, ReplyTo::Nobody);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let stats = house.stats.of(Kind::Class);
        assert_eq!(stats.panics.load(Ordering::Relaxed), 3);
        bench.faults.switch(false);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(code(&bench.cue(&house).await), Some(ErrorCode::Internal), "it stays parked");
        assert_eq!(stats.broken.load(Ordering::Relaxed), 1);
    });
    let (expected, others) = panics::take();
    assert_eq!((expected, others), (3, Vec::<String>::new()));
}
