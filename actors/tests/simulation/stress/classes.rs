//! A class with a board: slices of a large one, viewers that draw nothing, a class that fell.

use super::scene::{Scene, Who, code};
use crate::faults::Fault;
use crate::world::{ClassInfo, class_info};
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::class::Input;
use fitconnect_domain::time::class_at;
use fitconnect_protocol::class::{ClassCommand, Sensor, SourceKind};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{NotRecovered, Request, Response, Topic};
use fitconnect_protocol::tick::{HEADER_BYTES, Header, ROW_BYTES};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, ReceiverId, SourceId};
use std::collections::BTreeSet;

/// A class whose lobby is open, and its trainer.
async fn lobby(scene: &mut Scene, capacity: u32) -> (ClassInfo, Who) {
    let trainer = scene.person("trainer", Role::Trainer);
    scene.connect(trainer);
    let mut class = class_info(0, &mut scene.rng);
    class.facts.capacity = capacity as _;
    class.facts.lobby_min = None;
    let (by, cmd, facts) = (scene.user(trainer), class.cmd, Box::new(class.facts.clone()));
    let made = scene.house().ask_class(class.id, Input::Create { by, cmd, facts }).await;
    assert_eq!(made, Response::Done);
    let open = of_class(scene, &class, ClassCommand::Lobby);
    assert_eq!(scene.insist(trainer, &open).await, Response::Done);
    (class, trainer)
}

fn of_class(scene: &mut Scene, class: &ClassInfo, act: ClassCommand) -> Request {
    Request::Class { class: class.id, cmd: scene.cmd(), act }
}

fn join(number: u64) -> ClassCommand {
    ClassCommand::Join { seat: None, sensors: vec![Sensor { source: source(number), kind: SourceKind::Strap }] }
}

fn source(number: u64) -> SourceId {
    SourceId::new(10_000 + number).expect("small")
}

fn receiver(number: u64) -> ReceiverId {
    ReceiverId::new(100 + number).expect("small")
}

/// Riders of a class beyond 200 while others come, go and hide: whoever is in a slice has been named to that socket, and every frame
/// is whole.
pub fn board_slices(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (class, trainer) = lobby(scene, 400).await;
        let (mut crowd, offset) = (Vec::new(), class_at(&class.clock, scene.now()));
        for number in 0..BOARD_WHOLE_MAX as u64 + 12 {
            let who = scene.member(&format!("rider {number}"));
            let (by, cmd) = (scene.caller(who), scene.cmd());
            scene.house().to_class(
                class.id,
                Input::Command { by: by.clone(), cmd, act: join(number) },
                ReplyTo::Nobody,
            );
            crowd.push((by, number));
            if number % 40 == 0 {
                scene.pass(60).await;
            }
        }
        let mut riders = Vec::new();
        for number in 0..3 {
            let who = scene.member(&format!("watched {number}"));
            scene.connect(who);
            let request = of_class(scene, &class, join(900 + number));
            let Response::Joined { .. } = scene.insist(who, &request).await else { panic!("a place") };
            scene.follow(who, Topic::Board(class.id));
            riders.push(who);
            crowd.push((scene.caller(who), 900 + number));
        }
        for (by, number) in &crowd {
            let (by, cmd, receiver) = (by.clone(), scene.cmd(), receiver(*number));
            let act = ClassCommand::Boot { receiver, boot: 1, offset };
            scene.house().to_class(class.id, Input::Command { by, cmd, act }, ReplyTo::Nobody);
        }
        scene.pass(200).await;
        let start = ClassCommand::Plan { action: fitconnect_protocol::class::PlanAction::Start, at: None };
        let start = of_class(scene, &class, start);
        scene.insist(trainer, &start).await;
        for round in 0..12 {
            for nth in 0..80 {
                // Those who are watched move each time.
                let mover = crowd.len() - 1 - if nth < 3 { nth } else { scene.rng.below(crowd.len() as u64) as usize };
                let (by, rider) = crowd[mover].clone();
                let ms = (class_at(&class.clock, scene.now()) - offset) as u32;
                let row = Row { ms, bpm: scene.rng.between(80, 180) as u16, ..Row::default() };
                let sources = vec![SourceRows(source(rider), round, vec![row])];
                let samples = Samples { class: class.id, receiver: receiver(rider), boot: 1, sources };
                scene.house().to_class(class.id, Input::Samples { by, samples }, ReplyTo::Nobody);
            }
            // Those who are watched stay.
            let (leaver, cmd) = (scene.rng.below(BOARD_WHOLE_MAX as u64) as usize, scene.cmd());
            let by = crowd[leaver].0.clone();
            let act = ClassCommand::Leave { slot: None, at: None };
            scene.house().to_class(class.id, Input::Command { by, cmd, act }, ReplyTo::Nobody);
            if scene.rng.hits(200) {
                let who = *scene.rng.pick(&riders);
                scene.cut(who);
                scene.connect(who);
            }
            let ms = scene.rng.between(200, 900);
            scene.pass(ms).await;
        }
        for who in riders {
            named(scene, who);
        }
    });
}

fn named(scene: &Scene, who: Who) {
    let (mut slices, mut names) = (0, BTreeSet::new());
    for push in &scene.devices[who].pushes {
        let Response::Mine(mine) = push else { continue };
        names.extend(mine.names.iter().map(|(slot, _)| *slot));
        let Some(slice) = &mine.slice else { continue };
        slices += 1;
        let header = Header::decode(slice).expect("a header");
        let rows = &slice[HEADER_BYTES..];
        assert_eq!((rows.len() % ROW_BYTES, rows.len() / ROW_BYTES), (0, usize::from(header.rows)));
        for row in rows.chunks_exact(ROW_BYTES) {
            let slot = u16::from_le_bytes([row[0], row[1]]);
            assert!(
                names.contains(&slot),
                "{}: place {slot} is in a slice and was never named",
                scene.devices[who].name
            );
        }
    }
    assert!(slices > 4, "{} got {slices} slices", scene.devices[who].name);
}

/// A viewer that draws nothing gets no more ticks, and the whole board when it draws again.
pub fn viewer_that_draws_nothing(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (class, trainer) = lobby(scene, 20).await;
        let rider = scene.member("rider");
        scene.connect(rider);
        let request = of_class(scene, &class, join(1));
        scene.insist(rider, &request).await;
        scene.follow(trainer, Topic::Desk(class.id));
        scene.pass(ECHO_LAG_MS_MAX + 3_000).await;
        let before = ticks(scene, trainer).len();
        assert!(before > 3);
        scene.pass(3_000).await;
        assert_eq!(ticks(scene, trainer).len(), before, "nobody draws them");
        let (h, tick) = *ticks(scene, trainer).last().expect("it was just seen");
        scene.send_quiet(trainer, &Request::Seen { h, tick });
        scene.pass(1_500).await;
        let after = ticks(scene, trainer);
        assert!(after.len() > before, "it draws again");
        assert!(
            scene.devices[trainer].pushes.iter().rev().any(|push| match push {
                Response::Tick { b, .. } =>
                    Header::decode(b).is_some_and(|header| header.flags & 1 == 1 && header.tick > tick),
                _ => false,
            }),
            "the whole"
        );
    });
}

fn ticks(scene: &Scene, who: Who) -> Vec<(u32, u32)> {
    let tick = |push: &Response| match push {
        Response::Tick { h, b } => Header::decode(b).map(|header| (*h, header.tick)),
        _ => None,
    };
    scene.devices[who].pushes.iter().filter_map(tick).collect()
}

/// The class falls under its viewers: its topics begin a new epoch, everybody is told, and hears what comes.
pub fn class_falls_under_its_viewers(scene: &mut Scene) {
    scene.process(async |scene: &mut Scene| {
        let (class, trainer) = lobby(scene, 20).await;
        let (topic, ana) = (Topic::Class(class.id), scene.member("ana"));
        scene.connect(ana);
        scene.follow(ana, topic);
        scene.pass(300).await;
        for round in 0..4 {
            let epoch = scene.devices[ana].last_told(topic).epoch;
            let loses_line = scene.rng.hits(500);
            if loses_line {
                scene.cut(ana);
            }
            scene.faults.set(Fault::UnknownBefore, 1_000);
            let cue = ClassCommand::Cue { text: format!("lost {round}"), to: None, aim: None };
            let cue = of_class(scene, &class, cue);
            assert_eq!(code(&scene.ask(trainer, &cue).await), Some(ErrorCode::Retry));
            scene.faults.set(Fault::UnknownBefore, 0);
            if loses_line {
                scene.connect(ana);
            }
            scene.pass(1_000).await;
            let told = scene.devices[ana].last_told(topic);
            assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::EpochChanged)));
            assert_ne!(told.epoch, epoch);
            assert_eq!(scene.insist(trainer, &cue).await, Response::Done);
            scene.pass(300).await;
            let last = scene.devices[ana].events.last().expect("she hears it");
            assert_eq!((last.0, last.1), (topic, 1), "the first of the new count");
        }
    });
}

/// A class of a dead process: its position is worth nothing in the next one, and nobody believes it.
pub fn epoch_of_a_class_over_a_restart(scene: &mut Scene) {
    let (class, trainer, ana) = scene.process(async |scene: &mut Scene| {
        let (class, trainer) = lobby(scene, 20).await;
        let ana = scene.member("ana");
        scene.connect(ana);
        scene.follow(ana, Topic::Class(class.id));
        scene.pass(200).await;
        for number in 0..scene.rng.between(1, 9) {
            let cue = ClassCommand::Cue { text: format!("cue {number}"), to: None, aim: None };
            let cue = of_class(scene, &class, cue);
            assert_eq!(scene.ask(trainer, &cue).await, Response::Done);
        }
        scene.pass(200).await;
        (class, trainer, ana)
    });
    scene.process(async |scene: &mut Scene| {
        scene.connect(trainer);
        // As many as before, or more: the same offset is another event.
        for number in 0..10 {
            let cue = ClassCommand::Cue { text: format!("new {number}"), to: None, aim: None };
            let cue = of_class(scene, &class, cue);
            assert_eq!(scene.insist(trainer, &cue).await, Response::Done);
            scene.pass(120).await;
        }
        scene.connect(ana);
        scene.pass(500).await;
        let told = scene.devices[ana].last_told(Topic::Class(class.id));
        assert_eq!((told.recovered, told.reason), (false, Some(NotRecovered::EpochChanged)));
    });
}
