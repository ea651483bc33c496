//! `GET /v1/classes/{id}/film`: a stretch of a class as those who followed it heard it, for pages that look back.

use super::classes::facts;
use super::openapi::Refused;
use super::{ApiError, Server, Signed};
use crate::app::App;
use crate::auth::Claims;
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, get};
use fitconnect_actors::body::unpack;
use fitconnect_domain::ActorKey;
use fitconnect_domain::class::film::Stored;
use fitconnect_protocol::class::{FilmView, Raised, Timestamp};
use fitconnect_protocol::codec::encode_film;
use fitconnect_protocol::limits::{FILM_MS_MAX, FILM_RAISED_MAX, FILM_RIDERS_MAX};
use fitconnect_protocol::user::{Consent, Role};
use fitconnect_protocol::{ClassId, ErrorCode, Refusal, Slot, UserId, Uuid};
use serde::Deserialize;
use std::collections::BTreeMap;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

const MESSAGE_PACK: &str = "application/msgpack";
/// How long a client waits before it asks again.
const BUSY_MS: u32 = 1_000;
/// Films that are made at once: each takes a core for its time, and its class's samples in memory.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Stretch {
    /// Whose eyes look back: `board`, the hall's, or `desk`, the trainer's.
    #[param(value_type = String)]
    view: FilmView,
    /// Class time, milliseconds.
    from: Timestamp,
    /// Class time, milliseconds: at most ten minutes later. What has not happened yet is not in the film.
    to: Timestamp,
}

/// A stretch of a class, to look back (staff; a screen the board of its hall)
///
/// MessagePack, the type `Film` of the wire's types. It shows what is known now of each moment, and of each person
/// what was shared then and is shared now.
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path), Stretch), security(("bearer" = [])), responses(
    (status = 200, content_type = "application/msgpack", body = Vec<u8>), (status = 400, body = Refused),
    (status = 401, body = Refused), (status = 403, body = Refused), (status = 404, body = Refused),
    (status = 413, body = Refused, description = "this class is too large to be looked back at"),
    (status = 503, body = Refused, description = "others look back: ask again after retry_after_ms"),
))]
#[get("/v1/classes/{id}/film")]
pub async fn film(
    app: Server,
    Signed(claims): Signed,
    id: Path<Uuid>,
    stretch: Query<Stretch>,
) -> Result<HttpResponse, ApiError> {
    let Stretch { view, from, to } = stretch.into_inner();
    may_look(&claims, view)?;
    if !to.checked_sub(from).is_some_and(|length| (1..=FILM_MS_MAX).contains(&length)) {
        return Err(ApiError::new(ErrorCode::Malformed, "to: after from, by at most ten minutes of class time"));
    }
    let busy = |_| Refusal::new(ErrorCode::Busy, "others look back at a class now").after(BUSY_MS);
    let turn = AT_ONCE.try_acquire().map_err(busy)?;
    let class = ClassId(*id);
    let clock = facts(&app, &claims, class).await?.clock;
    let now = fitconnect_domain::time::class_at(&clock, app.clock.now());
    let (stored, consents) = stored(&app, class).await?;
    let made = tokio::task::spawn_blocking(move || {
        // Whoever asked may be gone: the core is taken until this has ended.
        let _turn = turn;
        stored.film(view, from, to.min(now), &consents)
    });
    let made = made.await;
    let made = made.map_err(|error| ApiError::internal(&error))?.filter(|film| film.from <= film.to);
    let mut film = made.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "there is nothing of that time"))?;
    if view == FilmView::Desk {
        film.raised = raised(&app, class).await?;
    }
    Ok(HttpResponse::Ok().content_type(MESSAGE_PACK).body(encode_film(&film)))
}

fn may_look(claims: &Claims, view: FilmView) -> Result<(), ApiError> {
    let may = match view {
        FilmView::Desk => claims.role >= Role::Trainer,
        FilmView::Board => claims.role >= Role::Trainer || claims.role == Role::Screen,
    };
    if may { Ok(()) } else { Err(ApiError::new(ErrorCode::Forbidden, "only staff and the hall's screens look back")) }
}

/// All that is kept of a class, and what its members share now.
async fn stored(app: &App, id: ClassId) -> Result<(Stored, BTreeMap<UserId, Consent>), ApiError> {
    let kept = app.state.load(ActorKey::Class(id)).await?;
    let changes = kept.changes.iter().map(|body| unpack(body, "a class's change")).collect::<Result<_, _>>()?;
    let mut stored = Stored { id, changes, samples: Vec::new() };
    let members = stored.members();
    if members.len() > FILM_RIDERS_MAX {
        let why = format!("a class of more than {FILM_RIDERS_MAX} people is not looked back at");
        return Err(ApiError::new(ErrorCode::TooLarge, why));
    }
    let mut consents = BTreeMap::new();
    for user in members {
        // Who is gone has taken everything back.
        let consent = app.state.person(user).await?.map(|person| person.consent).unwrap_or_default();
        consents.insert(user, consent);
    }
    stored.samples = app.events.samples(id, None).await?;
    Ok((stored, consents))
}

/// What has come onto the trainer's list, the newest if there is too much.
async fn raised(app: &App, class: ClassId) -> Result<Vec<Raised>, ApiError> {
    let mut raised = Vec::new();
    for (at, kind, body) in app.events.class_events(class).await? {
        if kind == "raised" {
            let (kind, slot): (_, Option<Slot>) = unpack(&body, "an alarm")?;
            raised.push(Raised { at, kind, slot });
        }
    }
    Ok(raised.split_off(raised.len().saturating_sub(FILM_RAISED_MAX)))
}
