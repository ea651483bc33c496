//! `/v1/rooms`: which rooms a gym has, for those who may come into them. What is in one is not told here: see `rooms.rs`.

use super::openapi::{JoinRule as JoinSchema, Refused, RoomKind as KindSchema};
use super::rooms::may;
use super::{Answer, ApiError, Server, Signed};
use crate::auth::Claims;
use actix_web::get;
use actix_web::web::{Json, Path, Query};
use fitconnect_actors::ports::{Listing, RoomListed, StoreError};
use fitconnect_actors::{posted, room_event, room_kind_name};
use fitconnect_domain::Millis;
use fitconnect_domain::room::Right;
use fitconnect_domain::words::{begin_words_of, words_of};
use fitconnect_protocol::limits::{NAME_BYTES_MAX, PAGE_MAX, ROOM_LINE_BYTES_MAX, ROOMS_LOOKED_MAX, ROOMS_PAGE_MAX};
use fitconnect_protocol::room::{JoinRule, Message, RoomEvent, RoomKind, RoomMember};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, GymId, Refusal, RoomId, UserId, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sought {
    /// `support`: what members have asked the front desk, for staff. `team`: teams that anybody of the gym may join, for all.
    #[param(value_type = KindSchema)]
    kind: RoomKind,
    /// Beginnings of words of a team's name, in any order and case.
    q: Option<String>,
    /// Behind these: `next` of the answer before.
    after: Option<String>,
}

/// Who made a room.
#[derive(Serialize, ToSchema)]
pub struct Maker {
    #[schema(value_type = Uuid)]
    user: UserId,
    name: String,
}

/// The newest message of a room.
#[derive(Serialize, ToSchema)]
pub struct Last {
    /// Unix milliseconds.
    at_ms: i64,
    /// Where it is the maker's, nobody has answered it yet.
    #[schema(value_type = Uuid)]
    by: UserId,
    name: String,
    /// Its beginning, 200 bytes at most; none of a message that was deleted.
    text: String,
    picture: bool,
    deleted: bool,
}

impl From<Message> for Last {
    fn from(Message { at_ms, by, name, mut text, picture, deleted_by, .. }: Message) -> Last {
        let ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
        text.truncate(ends.take_while(|end| *end <= ROOM_LINE_BYTES_MAX).last().unwrap_or(0));
        Last { at_ms, by, name, text, picture: picture.is_some(), deleted: deleted_by.is_some() }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Listed {
    #[schema(value_type = Uuid)]
    room: RoomId,
    name: String,
    people: u32,
    /// Who asked; of the front desk alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    maker: Option<Maker>,
    /// Of the front desk alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Last>,
}

#[derive(Serialize, ToSchema)]
pub struct Rooms {
    /// Of the front desk those in which something was written last first, teams in the order of their names; at most 50.
    rooms: Vec<Listed>,
    /// There are others: ask again with this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Rooms of one's gym: what was asked at the front desk (staff), or teams that one may join
///
/// Rooms of other kinds, and teams that one must be added to, are in no list. One question for teams looks at 1,000 rooms; `next` says where
/// the next one goes on. Of teams none that were made by people who have blocked one, or are blocked.
#[utoipa::path(tag = "rooms", params(Sought), security(("bearer" = [])), responses(
    (status = 200, body = Rooms), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[get("/v1/rooms")]
pub async fn list(app: Server, Signed(claims): Signed, sought: Query<Sought>) -> Answer<Rooms> {
    let Sought { kind, q, after } = sought.into_inner();
    let after = after.as_deref().map(behind).transpose()?;
    match kind {
        RoomKind::Support if !claims.is_staff() => {
            Err(Refusal::new(ErrorCode::Forbidden, "staff see what was asked at the front desk").into())
        }
        RoomKind::Support => front_desk(&app, claims.gym, after).await.map(Json),
        RoomKind::Team if claims.role < Role::Member => {
            Err(Refusal::new(ErrorCode::Forbidden, "a screen or a hub joins no team").into())
        }
        RoomKind::Team => teams(&app, &claims, q.unwrap_or_default(), after).await.map(Json),
        RoomKind::Class | RoomKind::Gym | RoomKind::Trainer | RoomKind::Direct | RoomKind::Challenge => {
            Err(ApiError::new(ErrorCode::Malformed, "kind: support or team"))
        }
    }
}

/// Where a page begins: a room, and what it stands there by.
type Behind<'a> = (RoomId, &'a str);

fn behind(after: &str) -> Result<Behind<'_>, ApiError> {
    let parts = after.split_once('.').filter(|(_, by)| by.len() <= NAME_BYTES_MAX);
    let place = parts.and_then(|(room, by)| Some((RoomId(room.parse().ok()?), by)));
    place.ok_or_else(no_place)
}

fn no_place() -> ApiError {
    ApiError::new(ErrorCode::Malformed, "after: `next` of the answer before")
}

async fn front_desk(app: &Server, gym: GymId, after: Option<Behind<'_>>) -> Result<Rooms, ApiError> {
    let moment = |(room, at): Behind<'_>| Some((Millis(at.parse().ok()?), room));
    let after = after.map(|after| moment(after).ok_or_else(no_place)).transpose()?;
    let (kind, limit) = (room_kind_name(RoomKind::Support), ROOMS_PAGE_MAX as u32 + 1);
    let mut found = app.state.rooms(gym, kind, Listing::Lively { after }, limit).await?;
    let more = found.len() > ROOMS_PAGE_MAX;
    found.truncate(ROOMS_PAGE_MAX);
    let next = found.last().filter(|_| more).map(|last| format!("{}.{}", last.room, last.at.0));
    let mut rooms = Vec::with_capacity(found.len());
    for RoomListed { room, name, people, made, last, .. } in found {
        let maker = made_by(&made)?.maker;
        let last = last.map(|body| posted(&body)).transpose()?.flatten().map(Last::from);
        rooms.push(Listed { room, name, people, maker, last });
    }
    Ok(Rooms { rooms, next })
}

async fn teams(app: &Server, claims: &Claims, q: String, after: Option<Behind<'_>>) -> Result<Rooms, ApiError> {
    if q.len() > NAME_BYTES_MAX {
        return Err(ApiError::new(ErrorCode::Malformed, "q: the beginning of a name"));
    }
    let words = words_of(&q);
    let hidden = app.state.person(claims.user).await?.map(|person| person.blocks).unwrap_or_default();
    let shows = |each: &RoomListed| -> Result<bool, ApiError> {
        let Made { join, maker, .. } = made_by(&each.made)?;
        let shown = maker.is_none_or(|maker| !hidden.hide(maker.user));
        Ok(join == JoinRule::Open && shown && begin_words_of(&words, &each.name))
    };
    let mut after = after.map(|(room, name)| (name.to_owned(), room));
    let (mut rooms, mut looked) = (Vec::new(), 0);
    loop {
        let (kind, listing) = (room_kind_name(RoomKind::Team), Listing::Named { after: after.clone() });
        let page = app.state.rooms(claims.gym, kind, listing, PAGE_MAX).await?;
        let whole = page.len() as u32 == PAGE_MAX;
        for each in page {
            if rooms.len() == ROOMS_PAGE_MAX || looked == ROOMS_LOOKED_MAX {
                return Ok(Rooms { rooms, next: after.map(|(name, room)| format!("{room}.{name}")) });
            }
            looked += 1;
            after = Some((each.name.clone(), each.room));
            if shows(&each)? {
                let RoomListed { room, name, people, .. } = each;
                rooms.push(Listed { room, name, people, maker: None, last: None });
            }
        }
        if !whole {
            return Ok(Rooms { rooms, next: None });
        }
    }
}

/// What a room was made as.
struct Made {
    gym: GymId,
    kind: RoomKind,
    name: String,
    join: JoinRule,
    maker: Option<Maker>,
}

/// From a room's first event.
fn made_by(body: &[u8]) -> Result<Made, StoreError> {
    let RoomEvent::Created { gym, kind, name, join, members, .. } = room_event(body)? else {
        return Err(StoreError::Damaged("a room's first event is not that it was made".into()));
    };
    // Whoever made it stands first; at the front desk as a member.
    let maker = members.into_iter().next();
    Ok(Made { gym, kind, name, join, maker: maker.map(|RoomMember { user, name, .. }| Maker { user, name }) })
}

/// What one sees of a room before one is in it.
#[derive(Serialize, ToSchema)]
pub struct Door {
    #[schema(value_type = Uuid)]
    room: RoomId,
    #[schema(value_type = KindSchema)]
    kind: RoomKind,
    name: String,
    #[schema(value_type = JoinSchema)]
    join: JoinRule,
}

/// One room, for whoever may read or join it
#[utoipa::path(tag = "rooms", params(("room" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Door), (status = 401, body = Refused), (status = 404, body = Refused), (status = 409, body = Refused),
))]
#[get("/v1/rooms/{room}")]
pub async fn one(app: Server, Signed(claims): Signed, room: Path<Uuid>) -> Answer<Door> {
    let room = RoomId(*room);
    let first = app.state.room_events(room, 1, 1).await?;
    let made = first.first().map(|(_, body)| made_by(body)).transpose()?.filter(|made| made.gym == claims.gym);
    let Made { kind, name, join, .. } = made.ok_or_else(|| ApiError::from(Refusal::from(ErrorCode::NotFound)))?;
    if join != JoinRule::Open || claims.role < Role::Member {
        may(&app, &claims, room, Right::Read).await?;
    }
    Ok(Json(Door { room, kind, name, join }))
}
