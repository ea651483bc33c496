//! The client kit against a scripted server: what it says, what it keeps through a lost socket, what it finds missing.

use crate::script::{Peer, Script};
use fitconnect_loadtest::LoadError;
use fitconnect_loadtest::client::{Client, Options, Push, Pushes};
use fitconnect_protocol::class::{ClassCommand, ClassEvent};
use fitconnect_protocol::session::{Event, Position, Request, Response, Subscribed, Topic, TopicPosition};
use fitconnect_protocol::{ClassId, ErrorCode, Refusal, SessionId, Uuid};
use std::sync::atomic::Ordering;

const SESSION: u128 = 10;

fn class() -> ClassId {
    ClassId(Uuid::from_u128(3))
}

async fn connected(script: &Script) -> (Client, Pushes, Peer) {
    let options = Options::new(&script.server, "abc");
    let (connected, peer) = tokio::join!(Client::connect(options), script.greet("abc", SESSION));
    let (client, pushes) = connected.expect("a welcome");
    (client, pushes, peer)
}

fn subscribed(h: u32, epoch: u32, offset: u64, recovered: bool) -> Response {
    let topic = Topic::Class(class());
    Response::Subscribed(Box::new(Subscribed { topic, h, epoch, offset, recovered, reason: None, snapshot: None }))
}

fn cue(h: u32, o: u64) -> Response {
    Response::Event { h, o, e: Event::Class(ClassEvent::Cue { text: format!("cue {o}") }) }
}

/// Offsets of the events up to this one; everything else is passed over.
async fn events_to(pushes: &mut Pushes, last: u64) -> Vec<u64> {
    let mut offsets = Vec::new();
    while offsets.last() != Some(&last) {
        if let Push::Event { offset, .. } = pushes.recv().await.expect("the session lives").push {
            offsets.push(offset);
        }
    }
    offsets
}

async fn follow(client: &Client, peer: &mut Peer) {
    let answer = async {
        let (id, request) = peer.must_hear().await;
        assert_eq!(request, Request::Subscribe { topic: Topic::Class(class()), position: None });
        peer.send(id, subscribed(1, 5, 100, false)).await;
    };
    let (followed, ()) = tokio::join!(client.subscribe(Topic::Class(class())), answer);
    assert_eq!(followed.expect("subscribed").offset, 100);
}

#[tokio::test]
async fn a_command_keeps_its_cmd_through_retry_and_through_a_lost_socket() {
    let script = Script::new().await;
    let (client, _pushes, mut peer) = connected(&script).await;
    let script_side = async {
        let (id, first) = peer.must_hear().await;
        peer.send(id, Response::Refused(Refusal::from(ErrorCode::Retry).after(1))).await;
        let (_, second) = peer.must_hear().await;
        // The socket goes before the answer.
        drop(peer);
        let mut peer = script.greet("abc", 11).await;
        let (id, resume) = peer.must_hear().await;
        let session = SessionId(Uuid::from_u128(SESSION));
        assert_eq!(resume, Request::Resume { session: Some(session), topics: vec![] });
        peer.send(id, Response::Resuming { session, reclaimed: true, topics: 0 }).await;
        let (id, third) = peer.must_hear().await;
        peer.send(id, Response::Done).await;
        assert!(first == second && second == third, "{first:?} {second:?} {third:?}");
        let Request::Class { cmd, .. } = first else { panic!("{first:?}") };
        let stamped = cmd.stamped_ms().expect("a UUIDv7");
        assert!((1_795_459_200_000..1_795_459_260_000).contains(&stamped), "the server's time: {stamped}");
        peer
    };
    let (answer, _peer) = tokio::join!(client.class(class(), ClassCommand::Lobby), script_side);
    assert_eq!(answer.expect("done in the end"), Response::Done);
    assert_eq!(client.counters().reconnects.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_resume_names_every_topic_with_its_position_and_events_go_on_without_a_hole() {
    let script = Script::new().await;
    let (client, mut pushes, mut peer) = connected(&script).await;
    follow(&client, &mut peer).await;
    peer.send(0, cue(1, 101)).await;
    assert_eq!(events_to(&mut pushes, 101).await, [101]);
    client.cut().await;
    let mut peer = script.greet("abc", 11).await;
    let (id, request) = peer.must_hear().await;
    let topics = vec![TopicPosition(Topic::Class(class()), 5, 101)];
    let session = SessionId(Uuid::from_u128(SESSION));
    assert_eq!(request, Request::Resume { session: Some(session), topics });
    peer.send(id, Response::Resuming { session, reclaimed: true, topics: 1 }).await;
    peer.send(0, subscribed(7, 5, 103, true)).await;
    for offset in 102..=104 {
        peer.send(0, cue(7, offset)).await;
    }
    assert_eq!(events_to(&mut pushes, 104).await, [102, 103, 104]);
    assert_eq!(client.counters().gaps.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_missing_event_is_asked_for_once_and_a_double_is_passed_over() {
    let script = Script::new().await;
    let (client, mut pushes, mut peer) = connected(&script).await;
    follow(&client, &mut peer).await;
    for offset in [101, 101, 103, 104] {
        peer.send(0, cue(1, offset)).await;
    }
    let (id, request) = peer.must_hear().await;
    let position = Some(Position { epoch: 5, offset: 101 });
    assert_eq!(request, Request::Subscribe { topic: Topic::Class(class()), position });
    peer.send(id, subscribed(2, 5, 104, true)).await;
    for offset in 102..=105 {
        peer.send(0, cue(2, offset)).await;
    }
    assert_eq!(events_to(&mut pushes, 105).await, [101, 102, 103, 104, 105]);
    let counters = client.counters();
    assert_eq!((counters.gaps.load(Ordering::Relaxed), counters.doubles.load(Ordering::Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_close_that_says_stay_away_ends_the_session_with_its_code() {
    let script = Script::new().await;
    let (client, mut pushes, peer) = connected(&script).await;
    peer.close(4503, "kicked").await;
    let last = loop {
        match pushes.recv().await.expect("a last word").push {
            Push::Ended { code, reason } => break (code, reason),
            _ => continue,
        }
    };
    assert_eq!(last, (4503, "kicked".to_owned()));
    assert!(matches!(client.subscribe(Topic::Me).await, Err(LoadError::Closed { .. })));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_where_nobody_wants_to_wait() {
    let script = Script::new().await;
    let mut options = Options::new(&script.server, "abc");
    options.reconnect = false;
    drop(script);
    assert!(matches!(Client::connect(options).await, Err(LoadError::Unreachable { .. })));
}
