//! `POST /v1/rides`: a session without a class. It is a class of one, driven by its rider through the socket; nobody else finds it.

use super::classes::in_time;
use super::openapi::{Activity as ActivitySchema, Refused};
use super::{Answer, Server, Signed};
use actix_web::post;
use actix_web::web::Json;
use fitconnect_domain::class::{Facts, Input};
use fitconnect_protocol::class::{Activity, ClassClock, Segment, SegmentKind};
use fitconnect_protocol::limits::HOLD_MS;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, CmdId, ErrorCode, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Nobody's hall and nobody's trainer, as of an imported ride.
const NO_HALL: &str = "–";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRide {
    /// UUIDv7 stamped with the server's time: sent again, it begins the same ride only once.
    #[schema(value_type = Uuid)]
    cmd: CmdId,
    /// As the summary will name it.
    name: String,
    #[schema(value_type = ActivitySchema)]
    activity: Activity,
}

#[derive(Serialize, ToSchema)]
pub struct Begun {
    /// Join it and start its plan through the socket, as a class's trainer does.
    #[schema(value_type = Uuid)]
    class: ClassId,
}

/// Begin a ride of one's own, without a class
#[utoipa::path(tag = "me", request_body = NewRide, security(("bearer" = [])), responses(
    (status = 200, body = Begun), (status = 400, body = Refused), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 503, body = Refused, description = "send the same body again"),
))]
#[post("/v1/rides")]
pub async fn begin(app: Server, Signed(claims): Signed, body: Json<NewRide>) -> Answer<Begun> {
    let NewRide { cmd, name, activity } = body.into_inner();
    if claims.role < Role::Member {
        return Err(Refusal::new(ErrorCode::Forbidden, "a screen or a hub does not ride").into());
    }
    let now = app.clock.now();
    in_time(cmd, now)?;
    let at = now.0 as i64;
    let facts = Facts {
        gym: claims.gym,
        name,
        hall: NO_HALL.into(),
        trainer: String::new(),
        activity,
        starts_at_ms: at,
        lobby_min: None,
        capacity: 1,
        // Until the rider ends it.
        segments: vec![Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None }],
        clock: ClassClock { class_ms: at, wall_ms: at, rate: app.config.clock_rate },
        hold_ms: HOLD_MS,
        solo: true,
    };
    let class = ClassId(cmd.0);
    match app.house.ask_class(class, Input::Create { by: claims.user, cmd, facts: Box::new(facts) }).await {
        Response::Refused(refusal) => Err(refusal.into()),
        _ => Ok(Json(Begun { class })),
    }
}
