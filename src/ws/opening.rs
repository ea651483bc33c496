//! `GET /v1/ws`: origin, subprotocol and token, before anything is upgraded.

use super::pipe::{Line, Pipe};
use super::{Conn, Socket};
use crate::app::App;
use crate::auth::{Claims, origin};
use actix_http::ws::Codec;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, WebsocketContext};
use fitconnect_protocol::limits::FRAME_BYTES_MAX;
use fitconnect_protocol::{ErrorCode, Refusal, SUBPROTOCOL};
use std::cell::Cell;
use std::rc::Rc;

/// Prefix of the subprotocol that carries the access token.
const BEARER: &str = "bearer.";

/// Upgrades a request to a socket, or says why not: 400 another protocol, 401 a token that is not believed, 403 a foreign origin.
pub async fn open(
    request: HttpRequest,
    body: web::Payload,
    app: web::Data<App>,
) -> Result<HttpResponse, actix_web::Error> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !origin::is_allowed(text(header::ORIGIN), text(header::HOST), &app.config.origins) {
        return Ok(refused(403, Refusal::new(ErrorCode::Forbidden, "this origin is not on the list")));
    }
    let offered: Vec<&str> =
        text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',').map(str::trim).collect();
    if !offered.contains(&SUBPROTOCOL) {
        return Ok(refused(400, Refusal::new(ErrorCode::Unsupported, format!("the subprotocol is {SUBPROTOCOL}"))));
    }
    let token = offered.iter().find_map(|each| each.strip_prefix(BEARER));
    let claims: Option<Claims> = match token.map(|token| app.believe(token)).transpose() {
        Ok(claims) => claims,
        Err(why) => return Ok(refused(401, Refusal::from(why))),
    };
    let mut response = ws::handshake_with_protocols(&request, &[SUBPROTOCOL])?;
    let line = Rc::new(Line { read_at: Cell::new(app.clock.now()), ..Line::default() });
    let socket = Socket::new(app.clone(), request.conn_data::<Conn>().cloned(), claims, line.clone());
    let actor = WebsocketContext::with_codec(socket, body, Codec::new().max_size(FRAME_BYTES_MAX));
    Ok(response.streaming(Pipe::new(app, line, actor)))
}

fn refused(status: u16, refusal: Refusal) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status of the table above");
    HttpResponse::build(status).json(refusal)
}
