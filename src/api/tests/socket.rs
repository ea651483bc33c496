//! Heartbeats, over a real socket with a clock that stands until it is moved.

use super::*;
use crate::http;
use crate::ws::{self, KNOCK_ROUNDS};
use fitconnect_protocol::limits::{HEARTBEAT_GRACE_MS, HEARTBEAT_MS};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::Role as WsRole;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

impl Bench {
    /// A server on a port of its own, and a member's socket whose session has begun.
    async fn dial(&self) -> WebSocketStream<TcpStream> {
        self.dial_with(&self.token(Role::Member)).await.expect("an upgrade")
    }

    /// The same with this token; the answer where there is no upgrade.
    pub(super) async fn dial_with(&self, token: &str) -> Result<WebSocketStream<TcpStream>, Error> {
        let (mut socket, _) = self.upgrade("/v1/ws", token).await?;
        assert!(!read(&mut socket).await.into_data().is_empty(), "a welcome");
        Ok(socket)
    }

    /// What a server of its own answers to an upgrade at this path.
    async fn upgrade(&self, path: &str, token: &str) -> Result<(WebSocketStream<TcpStream>, Response), Error> {
        let app = self.app.clone();
        let (address, server) = http::listen(app, ("127.0.0.1", 0)).expect("a free port");
        actix_web::rt::spawn(server);
        let mut request = format!("ws://{address}{path}").into_client_request().expect("an address");
        let offered = format!("fitconnect.v1, bearer.{token}");
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().expect("a header"));
        let stream = TcpStream::connect(address).await.expect("a server that listens");
        client_async(request, stream).await
    }

    /// Time goes by, and the reaper makes a whole round.
    fn pass_and_knock(&self, ms: u64) {
        self.pass(ms);
        (0..KNOCK_ROUNDS).for_each(|round| self.app.sockets.knock(round));
    }
}

pub(super) async fn read(socket: &mut WebSocketStream<TcpStream>) -> Message {
    let next = actix_web::rt::time::timeout(Duration::from_secs(10), socket.next()).await;
    next.expect("a frame before long").expect("an open socket").expect("a whole frame")
}

#[actix_web::test]
async fn a_quiet_line_gets_heartbeats_and_a_silent_client_is_closed() {
    let bench = Bench::new().await;
    let mut socket = bench.dial().await;
    bench.pass_and_knock(HEARTBEAT_MS.into());
    assert_eq!(read(&mut socket).await, Message::Binary("".into()));
    socket.send(Message::Ping("here".into())).await.expect("an open socket");
    assert_eq!(read(&mut socket).await, Message::Pong("here".into()));
    // Without the ping this would be too long.
    bench.pass_and_knock(HEARTBEAT_MS.into());
    assert_eq!(read(&mut socket).await, Message::Binary("".into()));
    bench.pass_and_knock(HEARTBEAT_GRACE_MS + 1);
    let Message::Close(Some(close)) = read(&mut socket).await else { panic!("a close with a reason") };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (4003, "silent"));
}

#[actix_web::test]
async fn a_reader_that_was_behind_gets_every_frame_whole_and_in_order_and_is_not_read_meanwhile() {
    let bench = Bench::new().await;
    let mut socket = bench.dial().await;
    let outbox = bench.app.house.hub.outboxes().pop().expect("the session's");
    // Far more than the buffers of both kernels, in frames that no buffer ends with.
    let frame =
        |number: u32| [&number.to_be_bytes()[..], &vec![number as u8; 1 + number as usize * 7 % 9_000]].concat();
    const FRAMES: u32 = 3_000;
    (0..FRAMES).for_each(|number| outbox.control((&frame(number)[..]).into(), NOW_MS));
    actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    assert!(outbox.waiting().0 > 1_000_000, "the kernel took {} bytes less", outbox.waiting().0);
    socket.send(Message::Ping("behind all of it".into())).await.expect("an open socket");
    for number in 0..FRAMES {
        assert_eq!(read(&mut socket).await.into_data(), frame(number), "frame {number}");
    }
    assert_eq!(read(&mut socket).await, Message::Pong("behind all of it".into()));
}

#[actix_web::test]
async fn an_upgrade_that_is_refused_says_why() {
    let bench = Bench::new().await;
    for (path, token, status) in [("/v1/ws", "forged", 401), ("/v1/nothing", "forged", 404)] {
        let Err(Error::Http(answer)) = bench.upgrade(path, token).await else { panic!("{path} was upgraded") };
        assert_eq!(answer.status(), status, "{path}");
        let why: Value = serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).expect("an object");
        assert!(why["message"].as_str().is_some_and(|words| !words.is_empty()), "{why}");
    }
}

#[actix_web::test]
async fn what_another_socket_left_unread_in_a_fault_is_not_taken_for_ours() {
    let bench = Bench::new().await;
    // The beginning of a frame that would swallow whatever comes behind it.
    ws::leave_behind(&[0x82, 0xFE, 0x7F, 0xFF]);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let dialled = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a listener");
    let (ours, _) = listener.accept().await.expect("somebody dials");
    let claims = bench.app.believe(&bench.token(Role::Member)).expect("a good token");
    actix_web::rt::spawn(ws::Socket::serve(bench.app.clone(), ours, Default::default(), Some(claims)));
    let mut socket = WebSocketStream::from_raw_socket(dialled, WsRole::Client, None).await;
    assert!(!read(&mut socket).await.into_data().is_empty(), "a welcome");
    socket.send(Message::Ping("mine".into())).await.expect("an open socket");
    assert_eq!(read(&mut socket).await, Message::Pong("mine".into()));
}
