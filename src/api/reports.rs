//! `/v1/reports`: the queue of messages that members have pointed at. It is decided over the socket, `room{act: decide}`.

use super::images::Shown;
use super::openapi::{Refused, ReportReason as ReasonSchema, RoomKind as KindSchema, Verdict as VerdictSchema};
use super::rooms::may;
use super::{Answer, ApiError, Server, Signed};
use crate::auth::Claims;
use actix_web::get;
use actix_web::web::{Json, Path, Query};
use fitconnect_domain::Millis;
use fitconnect_domain::report::{Decision as Decided, Filed};
use fitconnect_domain::room::Right;
use fitconnect_protocol::limits::REPORTS_PAGE_MAX;
use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::RoomKind;
use fitconnect_protocol::{CmdId, ErrorCode, Refusal, RoomId, UserId, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Serialize, ToSchema)]
pub struct Decision {
    #[schema(value_type = Uuid)]
    by: UserId,
    name: String,
    #[schema(value_type = VerdictSchema)]
    verdict: Verdict,
    /// Unix milliseconds.
    at_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Report {
    /// Names it in `room{act: decide}`.
    #[schema(value_type = Uuid)]
    report: CmdId,
    #[schema(value_type = Uuid)]
    room: RoomId,
    #[schema(value_type = KindSchema)]
    room_kind: RoomKind,
    /// As it was called then; empty in a talk of two.
    room_name: String,
    /// The message's number in the room; 0 where it was held back, and is nowhere else.
    seq: u64,
    #[schema(value_type = Uuid)]
    author: UserId,
    author_name: String,
    /// Told to the gym's staff alone, and not to whoever wrote the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    reporter: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reporter_name: Option<String>,
    #[schema(value_type = ReasonSchema)]
    reason: ReportReason,
    /// What the reporter says besides; often empty, and so for those who are not told who it was.
    words: String,
    /// The message's words as they were when it was reported, whatever became of it.
    text: String,
    /// The message's picture: `GET /v1/images/{image}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<Shown>,
    /// When the message was posted, Unix milliseconds.
    posted_at_ms: i64,
    /// When it was reported, Unix milliseconds.
    at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

impl Report {
    /// As these claims may see it.
    fn told(Filed { report, decision }: Filed, claims: &Claims) -> Report {
        let knows_who = claims.is_staff() && report.author != claims.user;
        let decision = decision.map(|Decided { by, name, verdict, at_ms }| Decision { by, name, verdict, at_ms });
        Report {
            report: report.id,
            room: report.room,
            room_kind: report.room_kind,
            room_name: report.room_name,
            seq: report.seq,
            author: report.author,
            author_name: report.author_name,
            reporter: knows_who.then_some(report.reporter),
            reporter_name: knows_who.then_some(report.reporter_name),
            reason: report.reason,
            words: if knows_who { report.words } else { String::new() },
            text: report.text,
            picture: report.picture.map(Shown::from),
            posted_at_ms: report.posted_at_ms,
            at_ms: report.at_ms,
            decision,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only of this room: its moderators may ask too.
    room: Option<Uuid>,
    /// Behind this report: `next` of the page before.
    after: Option<Uuid>,
    /// At most so many, 1 to 50; 50 where it is not given.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Reports {
    /// Open ones, oldest first.
    reports: Vec<Report>,
    /// Where the next page begins; none on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    next: Option<CmdId>,
}

/// Reports that nobody has decided: of the gym (staff), or of one room (its moderators too)
#[utoipa::path(tag = "reports", params(Wanted), security(("bearer" = [])), responses(
    (status = 200, body = Reports), (status = 400, body = Refused), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/reports")]
pub async fn list(app: Server, Signed(claims): Signed, wanted: Query<Wanted>) -> Answer<Reports> {
    let limit = wanted.limit.unwrap_or(REPORTS_PAGE_MAX);
    if !(1..=REPORTS_PAGE_MAX).contains(&limit) {
        return Err(ApiError::new(ErrorCode::Malformed, format!("limit: 1 to {REPORTS_PAGE_MAX}")));
    }
    let room = wanted.room.map(RoomId);
    decides(&app, &claims, room).await?;
    let after = match wanted.after.map(CmdId) {
        Some(id) => {
            let found = app.state.report(id).await?.filter(|filed| filed.report.gym == claims.gym);
            let found = found.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "after: there is no such report"))?;
            Some((Millis(found.report.at_ms.max(0) as u64), id))
        }
        None => None,
    };
    let mut found = app.state.reports(claims.gym, room, after, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|filed| filed.report.id);
    Ok(Json(Reports { reports: found.into_iter().map(|filed| Report::told(filed, &claims)).collect(), next }))
}

/// One report, and who decided it how and when
///
/// It is kept for 180 days after that.
#[utoipa::path(tag = "reports", params(("report" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Report), (status = 401, body = Refused), (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/reports/{report}")]
pub async fn one(app: Server, Signed(claims): Signed, report: Path<Uuid>) -> Answer<Report> {
    let found = app.state.report(CmdId(*report)).await?.filter(|filed| filed.report.gym == claims.gym);
    let room = found.as_ref().map(|filed| filed.report.room);
    // Who may not see any learns nothing of this one.
    decides(&app, &claims, room).await?;
    let found = found.ok_or_else(|| ApiError::from(Refusal::from(ErrorCode::NotFound)))?;
    Ok(Json(Report::told(found, &claims)))
}

/// Whether these claims may see reports of the gym, or of this room.
async fn decides(app: &Server, claims: &Claims, room: Option<RoomId>) -> Result<(), ApiError> {
    let Some(room) = room.filter(|_| !claims.is_staff()) else {
        return if claims.is_staff() { Ok(()) } else { Err(Refusal::from(ErrorCode::Forbidden).into()) };
    };
    may(app, claims, room, Right::Decide).await
}
