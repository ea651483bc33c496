//! `GET /v1/ws`: origin, subprotocol and token, before anything is upgraded. An upgrade passes the same routes as any request; only
//! when it has been answered with 101 does the stream leave HTTP.

use super::Socket;
use crate::app::App;
use crate::auth::{Claims, origin};
use actix_codec::Framed;
use actix_http::body::{BodySize, BoxBody, to_bytes};
use actix_http::h1::{Codec, SendResponse};
use actix_http::{ConnectionType, HttpMessage, Request, Response, StatusCode};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header;
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, web};
use fitconnect_protocol::{ErrorCode, Refusal, SUBPROTOCOL};
use futures_util::SinkExt;

/// Prefix of the subprotocol that carries the access token.
const BEARER: &str = "bearer.";

/// A request whose stream can be taken over.
struct Upgradable;

/// On an answer of 101: whose token the opening carried.
struct Admitted(Option<Claims>);

/// Answers 101, or says why not: 400 another protocol, 401 a token that is not believed, 403 a foreign origin.
pub async fn open(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, actix_web::Error> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if !origin::is_allowed(text(header::ORIGIN), text(header::HOST), &app.config.origins) {
        return Ok(refused(
            StatusCode::FORBIDDEN,
            Refusal::new(ErrorCode::Forbidden, "this origin is not on the list"),
        ));
    }
    let unsupported = |why: String| refused(StatusCode::BAD_REQUEST, Refusal::new(ErrorCode::Unsupported, why));
    let offered: Vec<&str> =
        text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',').map(str::trim).collect();
    if !offered.contains(&SUBPROTOCOL) {
        return Ok(unsupported(format!("the subprotocol is {SUBPROTOCOL}")));
    }
    let token = offered.iter().find_map(|each| each.strip_prefix(BEARER));
    let claims: Option<Claims> = match token.map(|token| app.believe(token)).transpose() {
        Ok(claims) => claims,
        Err(why) => return Ok(refused(StatusCode::UNAUTHORIZED, Refusal::from(why))),
    };
    let mut switching = actix_http::ws::handshake(request.head())?;
    if request.extensions().get::<Upgradable>().is_none() {
        return Ok(unsupported("a WebSocket opens with HTTP/1.1 and without a body".into()));
    }
    let mut switching = switching.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)).finish();
    switching.extensions_mut().insert(Admitted(claims));
    Ok(switching.map_into_boxed_body().into())
}

fn refused(status: StatusCode, refusal: Refusal) -> HttpResponse {
    HttpResponse::build(status).json(refusal)
}

/// Marks what came with a stream that can be taken over.
pub fn upgradable(request: &Request) {
    request.extensions_mut().insert(Upgradable);
}

/// Sends the answer, and where it is 101, serves the socket until it closes.
pub async fn upgrade(
    app: web::Data<App>,
    mut answer: Response<BoxBody>,
    mut framed: Framed<TcpStream, Codec>,
) -> Result<(), actix_web::Error> {
    let Some(Admitted(claims)) = answer.extensions_mut().remove::<Admitted>() else {
        let (mut answer, body) = answer.into_parts();
        let body = to_bytes(body).await.map_err(ErrorInternalServerError)?;
        answer.head_mut().set_connection_type(ConnectionType::Close);
        SendResponse::new(framed, answer.set_body(body)).await?;
        return Ok(());
    };
    framed.send((answer.drop_body(), BodySize::None).into()).await?;
    let parts = framed.into_parts();
    Socket::serve(app, parts.io, parts.read_buf, claims).await;
    Ok(())
}
