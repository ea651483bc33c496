use super::*;
use fitconnect_protocol::sample::Samples;
use fitconnect_protocol::user::{Consent, Role};
use fitconnect_protocol::{GymId, ReceiverId, SessionId, Uuid};

const CLASS: ClassId = ClassId(Uuid::from_u128(1));

fn session() -> Session {
    let by = Caller {
        user: UserId(Uuid::from_u128(2)),
        gym: GymId(Uuid::from_u128(3)),
        role: Role::Member,
        session: SessionId(Uuid::from_u128(4)),
        hall: None,
        name: String::new(),
    };
    let mut session = Session::new(Arc::new(by), Millis(600_000), Millis(0));
    step(&mut session, Input::Attached { expires_at: Millis(600_000) }, 0);
    session
}

/// Every effect as a word or two.
fn step(session: &mut Session, input: Input, at: u64) -> Vec<String> {
    let mut out = Out::default();
    session.handle(input, AskId(9), Millis(at), &mut out);
    session.check_invariants();
    let word = |effect: &Effect<Session>| match effect {
        Effect::Answer { reply: Response::Refused(refusal), .. } => format!("refused {}", refusal.code.as_str()),
        Effect::Answer { reply, .. } => format!("{reply:?}"),
        Effect::Tell { to: Tell::Class(_, class::Input::Link { link, .. }), .. } => format!("link {link:?}"),
        Effect::Tell { ask, to: Tell::Class(..) } => format!("to class, {}", ask.0),
        Effect::Tell { to: Tell::User(..), .. } => "to user".into(),
        Effect::Tell { to: Tell::Room(..), .. } => "to room".into(),
        Effect::Publish(publish) => format!("{publish:?}"),
        Effect::TickAt(at) => format!("tick at {}", at.0),
        Effect::Save { .. }
        | Effect::File { .. }
        | Effect::Letter(_)
        | Effect::Live(_)
        | Effect::Subscribe { .. }
        | Effect::Follow { .. }
        | Effect::Record { .. }
        | Effect::Load(_)
        | Effect::WakeAt(_)
        | Effect::Sleep => "something that a session never does".into(),
    };
    out.0.iter().map(word).collect()
}

fn samples() -> Input {
    let receiver = ReceiverId::new(1).expect("a small number");
    Input::Frame(Request::Samples(Samples { class: CLASS, receiver, boot: 0, sources: vec![] }))
}

fn consent(stamp_ms: u64) -> Input {
    let bytes = (u128::from(stamp_ms) << 80) | (7 << 76) | (8 << 60);
    let cmd = CmdId(Uuid::from_u128(bytes));
    Input::Frame(Request::User { cmd, act: UserCommand::Consent { consent: Consent::default() } })
}

#[test]
fn a_lost_socket_is_told_and_waited_for() {
    let mut session = session();
    assert_eq!(step(&mut session, samples(), 1_000), ["to class, 0"]);
    assert_eq!(step(&mut session, Input::Detached, 2_000), ["link Down", "tick at 62000"]);
    assert_eq!(step(&mut session, Input::Attached { expires_at: Millis(600_000) }, 30_000), ["link Up"]);
    assert_eq!(step(&mut session, Input::Tick, 62_000), ["tick at 630000"], "it came back");
    step(&mut session, Input::Detached, 70_000);
    assert_eq!(step(&mut session, Input::Tick, 130_000), ["link Ended", "Ended"]);
}

#[test]
fn a_session_that_is_taken_back_lasts_as_long_as_the_token_that_took_it() {
    let mut longer = session();
    step(&mut longer, Input::Detached, 590_000);
    step(&mut longer, Input::Attached { expires_at: Millis(900_000) }, 600_000);
    assert_eq!(step(&mut longer, Input::Tick, 630_000), ["tick at 930000"]);
    let mut shorter = session();
    step(&mut shorter, Input::Detached, 100_000);
    assert_eq!(
        step(&mut shorter, Input::Attached { expires_at: Millis(110_000) }, 105_000),
        ["tick at 140000"],
        "not as long as the one before"
    );
    assert_eq!(step(&mut shorter, Input::Tick, 140_000), ["Close(Unauthorised)", "Ended"]);
}

#[test]
fn a_token_ends_with_grace_and_is_refreshed_in_place() {
    let mut first = session();
    assert_eq!(step(&mut first, Input::Tick, 630_000), ["Close(Unauthorised)", "Ended"]);
    let mut second = session();
    assert_eq!(step(&mut second, Input::Refreshed { expires_at: Millis(900_000) }, 599_000), ["Done"]);
    assert_eq!(step(&mut second, Input::Tick, 630_000), ["tick at 930000"]);
}

#[test]
fn too_many_frames_are_refused_and_then_closed() {
    let mut session = session();
    let answers: Vec<String> =
        (0..FRAMES_BURST + OVER_LIMIT_MAX + 2).flat_map(|_| step(&mut session, samples(), 0)).collect();
    let refused = answers.iter().filter(|answer| *answer == "refused rate_limited").count();
    assert_eq!(refused as u32, OVER_LIMIT_MAX);
    assert_eq!(answers.iter().filter(|answer| *answer == "Close(TooFast)").count(), 2);
    assert_eq!(step(&mut session, samples(), 10_000), ["to class, 0"]);
}

#[test]
fn whoever_waits_as_told_is_not_closed_however_long() {
    let (mut session, mut now, mut refused) = (session(), 0, 0);
    while now < 500_000 {
        match step(&mut session, consent(now), now).concat().as_str() {
            "to user" => {}
            "refused rate_limited" => {
                refused += 1;
                now += 1_000 / u64::from(COMMANDS_PER_S);
            }
            other => panic!("{other} after {refused} refusals"),
        }
    }
    assert!(refused > 10 * OVER_LIMIT_MAX, "{refused}");
}

#[test]
fn a_command_is_of_today() {
    let now = 2 * CMD_AGE_MS_MAX;
    let mut session = session();
    step(&mut session, Input::Refreshed { expires_at: Millis(2 * now) }, now);
    assert_eq!(step(&mut session, consent(now), now), ["to user"]);
    assert_eq!(step(&mut session, consent(now - CMD_AGE_MS_MAX - 1), now), ["refused cmd_expired"]);
    assert_eq!(step(&mut session, consent(now + CMD_AHEAD_MS_MAX + 1), now), ["refused cmd_expired"]);
}

#[test]
fn a_resume_asks_every_topic_and_answers_by_push() {
    let mut session = session();
    let topics = vec![TopicPosition(Topic::Board(CLASS), 1, 2), TopicPosition(Topic::Me, 1, 2)];
    let asked = step(&mut session, Input::Frame(Request::Resume { session: None, topics }), 0);
    assert_eq!(asked, [format!("to class, {}", AskId::PUSH.0), "to user".into()]);
}
