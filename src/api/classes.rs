//! Classes of one's gym: lists, one with its plan, a new one, and what one has left. Live figures come through the socket.

use super::openapi::{
    ClassSummary as SummarySchema, MakeClass, Phase as PhaseSchema, Refused, Segment as SegmentSchema,
};
use super::{Answer, ApiError, Server, Signed, Staff};
use crate::auth::Claims;
use actix_web::web::{Json, Path, Query};
use actix_web::{get, post};
use fitconnect_actors::ports::ClassListed;
use fitconnect_domain::Millis;
use fitconnect_domain::class::{Change, Facts, Input, What};
use fitconnect_protocol::class::{ClassClock, ClassSummary, NewClass, Phase, Segment, Timestamp};
use fitconnect_protocol::limits::{CMD_AGE_MS_MAX, CMD_AHEAD_MS_MAX, HOLD_MS, PAGE_MAX};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, Refusal, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const HOUR_MS: i64 = 3_600_000;
/// Longest stretch of one list.
const STRETCH_MS_MAX: i64 = 62 * 24 * HOUR_MS;
/// Stored changes that are read at once.
const CHANGES_PAGE: u32 = 2_000;

/// A class as a list shows it.
#[derive(Serialize, ToSchema)]
pub struct Class {
    #[schema(value_type = Uuid)]
    class: ClassId,
    name: String,
    hall: String,
    trainer: String,
    /// Unix milliseconds.
    starts_at_ms: Timestamp,
    /// From lobby to cooling it is `live` here; the socket says more.
    #[schema(value_type = PhaseSchema)]
    phase: Phase,
    /// In it now.
    people: u32,
}

impl TryFrom<ClassListed> for Class {
    type Error = ApiError;
    fn try_from(ClassListed { class, row }: ClassListed) -> Result<Class, ApiError> {
        let phase =
            phase(&row.stage).ok_or_else(|| ApiError::internal(&format!("class {class} at stage {}", row.stage)))?;
        let (name, hall, trainer) = (row.name, row.hall, row.trainer);
        Ok(Class { class, name, hall, trainer, starts_at_ms: row.starts_at_ms, phase, people: row.people })
    }
}

fn phase(stage: &str) -> Option<Phase> {
    Some(match stage {
        "scheduled" => Phase::Scheduled,
        "open" => Phase::Open,
        "running" => Phase::Live,
        "finished" => Phase::Finished,
        "settled" => Phase::Settled,
        "cancelled" => Phase::Cancelled,
        "aborted" => Phase::Aborted,
        _ => return None,
    })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Stretch {
    /// Classes that start at this time or later, Unix milliseconds; 12 hours ago where it is not given.
    from: Option<i64>,
    /// Classes that start before this time, Unix milliseconds; 36 hours after `from` where it is not given, at most 62 days.
    to: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Classes {
    /// In order of start, at most 200: ask again from the last one's start for more.
    classes: Vec<Class>,
}

/// Classes of one's gym, without parameters today's
///
/// A screen or a hub sees those of its hall.
#[utoipa::path(tag = "classes", params(Stretch), security(("bearer" = [])), responses(
    (status = 200, body = Classes), (status = 400, body = Refused), (status = 401, body = Refused),
))]
#[get("/v1/classes")]
pub async fn list(app: Server, Signed(claims): Signed, stretch: Query<Stretch>) -> Answer<Classes> {
    let from = stretch.from.unwrap_or(app.clock.now().0 as i64 - 12 * HOUR_MS);
    let to = stretch.to.unwrap_or(from.saturating_add(36 * HOUR_MS));
    if to.checked_sub(from).is_none_or(|length| !(0..=STRETCH_MS_MAX).contains(&length)) {
        return Err(ApiError::new(ErrorCode::Malformed, "to: after from, by at most 62 days"));
    }
    let listed = app.state.classes(claims.gym, from, to, PAGE_MAX).await?;
    // A ride that somebody rides alone is nobody else's affair: it has no trainer.
    let here = |listed: &ClassListed| {
        !listed.row.trainer.is_empty() && claims.hall.as_ref().is_none_or(|hall| *hall == listed.row.hall)
    };
    let classes = listed.into_iter().filter(here).map(Class::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Classes { classes }))
}

/// A class with its plan as it was made.
#[derive(Serialize, ToSchema)]
pub struct ClassInFull {
    #[serde(flatten)]
    class: Class,
    capacity: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    lobby_min: Option<u16>,
    #[schema(value_type = Vec<SegmentSchema>)]
    plan: Vec<Segment>,
}

/// One class of one's gym, with its plan
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = ClassInFull), (status = 401, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/classes/{id}")]
pub async fn one(app: Server, Signed(claims): Signed, id: Path<Uuid>) -> Answer<ClassInFull> {
    let class = ClassId(*id);
    let facts = facts(&app, &claims, class).await?;
    let until = facts.starts_at_ms.saturating_add(1);
    let listed = app.state.classes(facts.gym, facts.starts_at_ms, until, PAGE_MAX).await?;
    let listed = listed.into_iter().find(|listed| listed.class == class).ok_or_else(not_found)?;
    Ok(Json(ClassInFull {
        class: listed.try_into()?,
        capacity: facts.capacity,
        lobby_min: facts.lobby_min,
        plan: facts.segments,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct Made {
    #[schema(value_type = Uuid)]
    class: ClassId,
}

/// Make a class (staff)
#[utoipa::path(tag = "classes", request_body = MakeClass, security(("bearer" = [])), responses(
    (status = 200, body = Made), (status = 400, body = Refused), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 422, body = Refused, description = "the plan cannot be run"),
    (status = 503, body = Refused, description = "send the same body again"),
))]
#[post("/v1/classes")]
pub async fn make(
    app: Server,
    Staff(claims): Staff,
    body: Json<serde_json::Map<String, serde_json::Value>>,
) -> Answer<Made> {
    let (cmd, new) = read(body.into_inner())?;
    in_time(cmd, app.clock.now())?;
    tracing::debug!(%cmd, "a command came in");
    // The class is named by the command that makes it: sent again, to any node, it finds the same class.
    let class = ClassId(cmd.0);
    let facts = Box::new(facts_of(&app, &claims, new));
    match app.house.ask_class(class, Input::Create { by: claims.user, cmd, facts }).await {
        Response::Refused(refusal) => Err(refusal.into()),
        _ => Ok(Json(Made { class })),
    }
}

fn read(mut body: serde_json::Map<String, serde_json::Value>) -> Result<(CmdId, NewClass), ApiError> {
    let wrong = |error: serde_json::Error| ApiError::new(ErrorCode::Malformed, error.to_string());
    let cmd = body.remove("cmd").ok_or_else(|| ApiError::new(ErrorCode::Malformed, "cmd: a UUIDv7 is missing"))?;
    let cmd = serde_json::from_value(cmd).map_err(wrong)?;
    Ok((cmd, serde_json::from_value(body.into()).map_err(wrong)?))
}

/// On the socket the session sees to this.
pub(super) fn in_time(cmd: CmdId, now: Millis) -> Result<(), ApiError> {
    let stamped = cmd.stamped_ms().ok_or(ErrorCode::CmdExpired).map_err(Refusal::from)?;
    if stamped + CMD_AGE_MS_MAX < now.0 || stamped > now.0 + CMD_AHEAD_MS_MAX {
        return Err(Refusal::from(ErrorCode::CmdExpired).into());
    }
    Ok(())
}

fn facts_of(app: &Server, claims: &Claims, new: NewClass) -> Facts {
    let now = app.clock.now().0 as i64;
    Facts {
        gym: claims.gym,
        name: new.name,
        hall: new.hall,
        trainer: claims.name.clone(),
        activity: new.activity,
        starts_at_ms: new.starts_at_ms,
        lobby_min: new.lobby_min,
        capacity: new.capacity,
        segments: new.plan,
        clock: ClassClock { class_ms: now, wall_ms: now, rate: app.config.clock_rate },
        hold_ms: HOLD_MS,
        solo: false,
    }
}

#[derive(Serialize, ToSchema)]
pub struct Summary {
    #[schema(value_type = SummarySchema)]
    summary: ClassSummary,
}

/// What a class has left of itself (staff)
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Summary), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused), (status = 409, body = Refused, description = "it has not settled yet"),
))]
#[get("/v1/classes/{id}/summary")]
pub async fn summary(app: Server, Staff(claims): Staff, id: Path<Uuid>) -> Answer<Summary> {
    let class = ClassId(*id);
    facts(&app, &claims, class).await?;
    let mut from = 1;
    loop {
        let changes = app.state.class_changes(class, from, CHANGES_PAGE).await?;
        let Some((last, _)) = changes.last() else {
            return Err(ApiError::new(ErrorCode::WrongPhase, "this class has not settled yet"));
        };
        from = last + 1;
        for (_, body) in &changes {
            if let What::Settled(summary) = change(body)?.what {
                return Ok(Json(Summary { summary: *summary }));
            }
        }
    }
}

/// What a class was made with, if it is of this person's gym and hall.
pub(super) async fn facts(app: &Server, claims: &Claims, class: ClassId) -> Result<Facts, ApiError> {
    let first = app.state.class_changes(class, 1, 1).await?;
    let (_, body) = first.first().ok_or_else(not_found)?;
    let What::Created(facts) = change(body)?.what else {
        return Err(ApiError::internal(&format!("class {class} does not begin with its making")));
    };
    let here = claims.hall.as_ref().is_none_or(|hall| *hall == facts.hall);
    if facts.gym == claims.gym && here { Ok(*facts) } else { Err(not_found()) }
}

pub(super) fn change(body: &[u8]) -> Result<Change, ApiError> {
    rmp_serde::from_slice(body).map_err(|error| ApiError::internal(&format!("a stored change of a class: {error}")))
}

fn not_found() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "there is no such class in your gym")
}
