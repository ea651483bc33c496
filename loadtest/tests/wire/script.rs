//! The other end of a socket, by script: says exactly what a test wants, loses what a test wants lost. The real server cannot
//! be told to lose an event or an answer; how it behaves is proved elsewhere, against itself.

use fitconnect_loadtest::http::Server;
use fitconnect_protocol::session::{AckMode, Request, Response};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{GymId, SUBPROTOCOL, SessionId, UserId, Uuid, codec};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Upgrade, Response as Agreed};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Longest wait for what must come; a test that hangs says where.
const WITHIN: Duration = Duration::from_secs(20);

pub struct Script {
    listener: TcpListener,
    pub server: Server,
}

pub struct Peer(WebSocketStream<TcpStream>);

impl Script {
    pub async fn new() -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = listener.local_addr().expect("bound").to_string().parse().expect("an address");
        Script { listener, server }
    }

    /// The next socket, upgraded; the token must be this one.
    pub async fn accept(&self, token: &str) -> Peer {
        let (stream, _) =
            tokio::time::timeout(WITHIN, self.listener.accept()).await.expect("a dial").expect("a socket");
        let wanted = format!("{SUBPROTOCOL}, bearer.{token}");
        #[allow(clippy::result_large_err)]
        let agree = |request: &Upgrade, mut agreed: Agreed| -> Result<Agreed, ErrorResponse> {
            assert_eq!(request.headers()["Sec-WebSocket-Protocol"], wanted.as_str());
            agreed.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().expect("a header"));
            Ok(agreed)
        };
        Peer(tokio_tungstenite::accept_hdr_async(stream, agree).await.expect("an upgrade"))
    }

    /// The next socket, greeted.
    pub async fn greet(&self, token: &str, session: u128) -> Peer {
        let mut peer = self.accept(token).await;
        peer.send(0, welcome(session)).await;
        peer
    }
}

impl Peer {
    pub async fn send(&mut self, id: u32, response: Response) {
        self.0.send(Message::Binary(codec::encode(id, &response).message())).await.expect("an open socket");
    }

    /// The next request; heartbeats are passed over. `None`: the socket has ended.
    pub async fn hear(&mut self) -> Option<(u32, Request)> {
        loop {
            let message = tokio::time::timeout(WITHIN, self.0.next()).await.expect("a frame in time");
            match message? {
                Ok(Message::Binary(bytes)) if bytes.is_empty() => {}
                Ok(Message::Binary(bytes)) => return Some(codec::decode(&bytes).expect("a good frame")),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    pub async fn must_hear(&mut self) -> (u32, Request) {
        self.hear().await.expect("the socket is open")
    }

    pub async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        // The client may have gone first.
        let _ = self.0.close(Some(frame)).await;
        while self.hear().await.is_some() {}
    }
}

pub fn welcome(session: u128) -> Response {
    Response::Welcome {
        session: SessionId(Uuid::from_u128(session)),
        protocol: fitconnect_protocol::VERSION,
        build: "script".into(),
        heartbeat_ms: 25_000,
        frame_bytes_max: 65_536,
        server_time_ms: 1_795_459_200_000,
        clock_rate: 1,
        ack: AckMode::Local,
        user: UserId(Uuid::from_u128(1)),
        gym: GymId(Uuid::from_u128(2)),
        role: Role::Member,
        features: vec![],
    }
}
