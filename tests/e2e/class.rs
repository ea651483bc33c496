//! A class from its creation to its settlement, with one rider on a real recording.

use crate::gym::{Gym, run};
use crate::rooms::dial;
use fitconnect_loadtest::client::Client;
use fitconnect_loadtest::people::{Person, shipped_people};
use fitconnect_loadtest::rider::{Begin, End, Rider, RiderOptions, Stage};
use fitconnect_loadtest::tally::Tally;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{ClassCommand, Phase, PlanAction, Segment, SegmentKind};
use fitconnect_protocol::session::{Request, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::user::{Consent, ShowAs, UserCommand};
use fitconnect_recording::{read, shipped};
use std::sync::Arc;

pub fn plan(seconds: u32) -> Vec<Segment> {
    vec![Segment { kind: SegmentKind::Work, duration_s: seconds, target: None, cue: None }]
}

#[test]
fn a_rider_gets_the_golden_figures() {
    let gym = Gym::open(1, 20);
    let name = "ride_5laps_pause_edge1000.fit";
    let recording = read(shipped::bytes(name).expect("it ships")).expect("it reads");
    let golden: serde_json::Value = serde_json::from_str(shipped::golden()).expect("JSON");
    run(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address, &gym.trainer).await.expect("a trainer");
        let class = trainer.create(&class_now(&trainer.client, "Test", 10, plan(300))).await.expect("a class");
        trainer.lobby(class).await.expect("a lobby");
        let track = Arc::new(Person::whole(name, &recording));
        let mut options = RiderOptions::new(&gym.address, &gym.members[0], class, track, 1);
        (options.begin, options.end, options.summary) = (Begin::WithPlan, End::Leave, true);
        let mut rider = Rider::start(options, Arc::new(Tally::default()));
        rider.reached(Stage::Joined).await.expect("joined");
        trainer.plan(class, PlanAction::Start).await.expect("started");
        let ridden = rider.ridden().await.expect("ridden");
        let summary = ridden.summary.expect("a summary");
        assert_eq!(
            summary.zone_s.map(|zones| zones.to_vec()),
            serde_json::from_value(golden[name]["mz_zone_s"].clone()).expect("zones")
        );
        let meps = golden[name]["meps"].as_f64().expect("points");
        assert!((summary.meps.expect("points") - meps).abs() < 1e-3, "{:?} is not {meps}", summary.meps);
    });
    assert!(shipped_people().len() > 40);
}

#[test]
fn a_class_goes_on_after_a_restart() {
    let gym = Gym::open(1, 1);
    let class = run(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address, &gym.trainer).await.expect("a trainer");
        let class = trainer.create(&class_now(&trainer.client, "Test", 10, plan(300))).await.expect("a class");
        trainer.lobby(class).await.expect("a lobby");
        trainer.plan(class, PlanAction::Start).await.expect("started");
        class
    });
    let gym = Gym::open_in(gym.close(), 1, 1);
    run(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address, &gym.trainer).await.expect("a trainer");
        let subscribed = trainer.client.subscribe(Topic::Class(class)).await.expect("the class");
        let Some(Snapshot::Class(snapshot)) = subscribed.snapshot else { panic!("a class has its snapshot") };
        assert_eq!((snapshot.phase, snapshot.plan.current), (Phase::Live, Some(0)));
    });
}

#[test]
fn the_rows_of_two_who_are_blocked_are_named_to_both() {
    let gym = Gym::open(2, 1);
    run(async {
        let (trainer, _pushes) = Trainer::connect(&gym.address, &gym.trainer).await.expect("a trainer");
        let class = trainer.create(&class_now(&trainer.client, "Test", 10, plan(300))).await.expect("a class");
        trainer.lobby(class).await.expect("a lobby");
        let ((ana, _anas), (ben, _bens)) = (dial(&gym, &gym.members[0]).await, dial(&gym, &gym.members[1]).await);
        let join = async |client: &Client| {
            let consent = Consent { show_on_board: ShowAs::Name, ..Consent::default() };
            client.user(UserCommand::Consent { consent }).await.expect("consented");
            match client.class(class, ClassCommand::Join { seat: None, sensors: vec![] }).await {
                Ok(Response::Joined { slot }) => slot,
                other => panic!("{other:?}"),
            }
        };
        let (hers, his) = (join(&ana).await, join(&ben).await);
        let hidden = async |client: &Client| match client.command(Request::Hidden { class }).await {
            Ok(Response::Hidden { slots, .. }) => slots,
            other => panic!("{other:?}"),
        };
        assert_eq!(hidden(&ana).await, [0; 0]);
        let user = ben.welcome().user;
        ana.user(UserCommand::Block { user, blocked: true }).await.expect("blocked");
        assert_eq!(hidden(&ana).await, [his]);
        // His account says so itself when her letter has come.
        let mut bens = ben.subscribe(Topic::Me).await;
        while bens.as_ref().is_ok_and(hides_nobody) {
            ben.unsubscribe(Topic::Me).await.expect("left");
            bens = ben.subscribe(Topic::Me).await;
        }
        assert_eq!(hidden(&ben).await, [hers]);
        ana.user(UserCommand::Block { user, blocked: false }).await.expect("taken back");
        assert_eq!(hidden(&ana).await, [0; 0]);
    });
}

fn hides_nobody(me: &Subscribed) -> bool {
    match &me.snapshot {
        Some(Snapshot::User(me)) => me.hidden.is_empty(),
        other => panic!("{other:?}"),
    }
}
