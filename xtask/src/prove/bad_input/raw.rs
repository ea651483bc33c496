//! A socket without manners: sends any bytes, hears frames and how it was closed.

use crate::Result;
use fitconnect_loadtest::http::Server;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{SUBPROTOCOL, codec};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

/// A server that says nothing for so long says nothing.
const HEAR_WITHIN: Duration = Duration::from_secs(15);

pub struct Raw(WebSocketStream<TcpStream>);

/// What came.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Frame(u32, Box<Response>),
    /// Closed with a code and a reason.
    Closed(u16, String),
    /// The connection ended without a word.
    Cut,
}

/// What the opening carries.
#[derive(Clone, Copy, Default)]
pub struct Opening<'o> {
    pub token: Option<&'o str>,
    pub origin: Option<&'o str>,
    /// Instead of ours.
    pub subprotocol: Option<&'o str>,
    /// Behind the path.
    pub query: &'o str,
}

impl Raw {
    /// Opens a socket; a refusal is the HTTP status.
    pub async fn dial(server: &Server, opening: Opening<'_>) -> Result<std::result::Result<Raw, u16>> {
        let url = format!("ws://{}/v1/ws{}", server.authority, opening.query);
        let mut request = url.into_client_request()?;
        let offered = opening.subprotocol.unwrap_or(SUBPROTOCOL);
        let offered = opening.token.map_or(offered.to_owned(), |token| format!("{offered}, bearer.{token}"));
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("sec-websocket-protocol"), HeaderValue::from_str(&offered)?);
        if let Some(origin) = opening.origin {
            headers.insert(HeaderName::from_static("origin"), HeaderValue::from_str(origin)?);
        }
        let stream = TcpStream::connect(server.addr).await?;
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Ok(Raw(socket))),
            Err(Error::Http(answer)) => Ok(Err(answer.status().as_u16())),
            Err(error) => Err(error.into()),
        }
    }

    /// One that is let in and has heard its welcome.
    pub async fn enter(server: &Server, token: &str) -> Result<Raw> {
        let opening = Opening { token: Some(token), ..Opening::default() };
        let mut raw =
            Raw::dial(server, opening).await?.map_err(|status| format!("the opening was refused with {status}"))?;
        match raw.hear().await? {
            Heard::Frame(0, response) if matches!(*response, Response::Welcome { .. }) => Ok(raw),
            other => Err(format!("no welcome but {other:?}").into()),
        }
    }

    /// Sends as a binary frame. A socket that the server has closed meanwhile takes nothing: what it said is heard next.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.send(Message::binary(bytes.to_vec())).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    pub async fn hear(&mut self) -> Result<Heard> {
        loop {
            let next = tokio::time::timeout(HEAR_WITHIN, self.0.next()).await.map_err(|_| "the server said nothing")?;
            match next {
                Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => {}
                Some(Ok(Message::Binary(bytes))) => {
                    let (id, response) = codec::decode_response(&bytes)?;
                    return Ok(Heard::Frame(id, Box::new(response)));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Ok(Heard::Closed(frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Close(None))) | Some(Err(_)) | None => return Ok(Heard::Cut),
                Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            }
        }
    }

    /// The reply to this id, or how the socket ended.
    pub async fn reply(&mut self, id: u32) -> Result<Heard> {
        loop {
            match self.hear().await? {
                Heard::Frame(other, _) if other != id => {}
                heard => return Ok(heard),
            }
        }
    }
}

/// In a word: the tag of a reply, the code of a refusal, the number of a close.
pub fn word(heard: &Heard) -> String {
    match heard {
        Heard::Frame(_, response) => match &**response {
            Response::Refused(refusal) | Response::Unwanted { refusal, .. } => refusal.code.as_str().to_owned(),
            other => {
                let json = serde_json::to_value(other).unwrap_or_default();
                json["t"].as_str().unwrap_or("?").to_owned()
            }
        },
        Heard::Closed(code, reason) => format!("closed {code} {reason}"),
        Heard::Cut => "cut without a word".into(),
    }
}
