//! `/v1/rooms/{room}/…`: what of a room is not told over the socket. Whether somebody may see it, the room itself says.

use super::openapi::Refused;
use super::turns::Turns;
use super::{Answer, ApiError, Server, Signed};
use crate::auth::Claims;
use actix_web::get;
use actix_web::web::{Json, Path, Query};
use fitconnect_actors::ports::Page;
use fitconnect_actors::posted;
use fitconnect_domain::class::Caller;
use fitconnect_domain::room::{Input, Right};
use fitconnect_domain::words::{begin_words_of, words_of};
use fitconnect_protocol::limits::{SEARCH_BYTES_MAX, SEARCH_FOUND_MAX, SEARCH_LOOKED_MAX, SEARCH_WORDS_MAX};
use fitconnect_protocol::room::Message;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{ErrorCode, Refusal, RoomId, SessionId, UserId, Uuid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// Searches at one time: each reads thousands of messages.
static AT_ONCE: Semaphore = Semaphore::const_new(4);
/// Who searches now: one person takes one of these places.
static SEARCHING: Turns = Turns::new();
/// Who finds others searching comes again after this.
const BUSY_MS: u32 = 500;
/// Messages that are read at one time.
const READ: u32 = 500;

/// Whether the room grants these claims this right.
pub(super) async fn may(app: &Server, claims: &Claims, room: RoomId, right: Right) -> Result<(), ApiError> {
    let by = Arc::new(Caller {
        user: claims.user,
        gym: claims.gym,
        role: claims.role,
        session: SessionId(claims.jti),
        hall: claims.hall.clone(),
        name: claims.name.clone(),
    });
    match app.house.ask_room(room, Input::May { by, right }).await {
        Response::Refused(refusal) => Err(refusal.into()),
        _ => Ok(()),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Beginnings of words of the message, in any order and case: `sat squ` finds “Squats on Saturday”. At most five, 200 bytes.
    q: String,
    /// Only messages with numbers below this: `before` of the answer before.
    before: Option<u64>,
}

/// A message as it is now.
#[derive(Serialize, ToSchema)]
pub struct Found {
    seq: u64,
    /// Unix milliseconds.
    at_ms: i64,
    #[schema(value_type = Uuid)]
    by: UserId,
    name: String,
    text: String,
}

impl From<Message> for Found {
    fn from(message: Message) -> Found {
        let Message { seq, at_ms, by, name, text, .. } = message;
        Found { seq, at_ms, by, name, text }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Search {
    /// The newest first, at most 20.
    found: Vec<Found>,
    /// There are older messages than were looked at: ask again with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    /// When the oldest message that was looked at was written, Unix milliseconds; none where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<i64>,
}

/// Find messages of a room by the beginnings of their words
///
/// One question looks at 5,000 messages at most; `before` says where the next one goes on. Nothing of people who have blocked, or are blocked.
#[utoipa::path(tag = "rooms", params(("room" = Uuid, Path), Wanted), security(("bearer" = [])), responses(
    (status = 200, body = Search), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused), (status = 503, body = Refused),
))]
#[get("/v1/rooms/{room}/messages")]
pub async fn search(app: Server, Signed(claims): Signed, room: Path<Uuid>, wanted: Query<Wanted>) -> Answer<Search> {
    let words = words_of(&wanted.q);
    if words.is_empty() || words.len() > SEARCH_WORDS_MAX || wanted.q.len() > SEARCH_BYTES_MAX {
        return Err(ApiError::new(ErrorCode::Malformed, "q: one to five words, or their beginnings"));
    }
    let room = RoomId(*room);
    may(&app, &claims, room, Right::Read).await?;
    let busy = |_| Refusal::new(ErrorCode::Busy, "others search now").after(BUSY_MS);
    let _turn = AT_ONCE.try_acquire().map_err(busy)?;
    let _own = SEARCHING
        .take(claims.user)
        .ok_or_else(|| Refusal::new(ErrorCode::Busy, "one search after the other").after(BUSY_MS))?;
    let hidden = app.state.person(claims.user).await?.map(|person| person.blocks).unwrap_or_default();
    let shows = |message: &Message| {
        message.deleted_by.is_none() && !hidden.hide(message.by) && begin_words_of(&words, &message.text)
    };
    let (mut found, mut looked) = (Vec::new(), 0);
    let (mut before, mut since_ms) = (Some(wanted.before.unwrap_or(u64::MAX)), None);
    while let Some(below) = before.filter(|_| looked < SEARCH_LOOKED_MAX && found.len() < SEARCH_FOUND_MAX) {
        let page = app.state.room_messages(room, Page::Before(below), READ).await?;
        let whole = page.len() as u32 == READ;
        let (mut full, mut last) = (false, None);
        for (seq, body) in page {
            let Some(message) = posted(&body)? else { continue };
            (looked, last, since_ms) = (looked + 1, Some(seq), Some(message.at_ms));
            if shows(&message) {
                found.push(message.into());
                full = found.len() == SEARCH_FOUND_MAX;
            }
            if full {
                break;
            }
        }
        before = last.filter(|_| whole || full);
    }
    Ok(Json(Search { found, before, since_ms }))
}
