//! What is stored of a class, line by line: its changes and its samples. For staff who want to know, for other programs, and for
//! whoever recomputes our figures.

use super::classes::{change, facts};
use super::openapi::Refused;
use super::{ApiError, Server, Signed, Staff};
use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use fitconnect_actors::body::unpack;
use fitconnect_domain::class::{Change, Class, StoredSample};
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::{ClassId, ErrorCode, UserId, Uuid};
use serde::Serialize;

const LINES: &str = "application/jsonl";
/// Stored changes that are read at once.
const CHANGES_PAGE: u32 = 2_000;

#[derive(Serialize)]
struct SampleLine<'s> {
    source: u64,
    receiver: u64,
    boot: u32,
    seq: u32,
    /// Class time, milliseconds.
    at: i64,
    /// 0: none was measured.
    bpm: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    power_w: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cadence: Option<u8>,
    #[serde(skip_serializing_if = "<[u16]>::is_empty")]
    rr_ms: &'s [u16],
}

/// Everything that has happened in a class, one JSON object a line, in order (staff)
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, content_type = "application/jsonl", body = String), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/classes/{id}/changes")]
pub async fn changes(app: Server, Staff(claims): Staff, id: Path<Uuid>) -> Result<HttpResponse, ApiError> {
    let class = ClassId(*id);
    facts(&app, &claims, class).await?;
    let (mut lines, mut from) = (Vec::new(), 1);
    loop {
        let page = app.state.class_changes(class, from, CHANGES_PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        from = last + 1;
        for (_, body) in &page {
            line(&mut lines, &change(body)?)?;
        }
    }
    Ok(HttpResponse::Ok().content_type(LINES).body(lines))
}

/// All samples that are stored of a class, one JSON object a line, in order of class time (staff)
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, content_type = "application/jsonl", body = String), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/classes/{id}/samples")]
pub async fn samples(app: Server, Staff(claims): Staff, id: Path<Uuid>) -> Result<HttpResponse, ApiError> {
    let class = ClassId(*id);
    facts(&app, &claims, class).await?;
    let all = app.events.samples(class, None).await?;
    Ok(HttpResponse::Ok().content_type(LINES).body(sample_lines(all)?))
}

/// My own samples of a class, of every sensor while I wore it, one JSON object a line, in order of class time
///
/// A strap that was swapped from the class's start brings its samples along.
#[utoipa::path(tag = "me", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, content_type = "application/jsonl", body = String), (status = 401, body = Refused),
    (status = 404, body = Refused, description = "there is no such class, or you were not in it"),
))]
#[get("/v1/me/classes/{id}/samples")]
pub async fn own(app: Server, Signed(claims): Signed, id: Path<Uuid>) -> Result<HttpResponse, ApiError> {
    let class = ClassId(*id);
    facts(&app, &claims, class).await?;
    let stored = app.state.load(ActorKey::Class(class)).await?;
    let happened = stored.changes.iter().map(|body| unpack(body, "a class's change"));
    let happened: Vec<Change> = happened.collect::<Result<_, _>>()?;
    let all = app.events.samples(class, None).await?;
    let now = app.clock.now();
    let worn = tokio::task::spawn_blocking(move || worn_by(claims.user, class, &happened, all, now)).await;
    let worn = worn.map_err(|error| ApiError::internal(&error))?;
    let worn = worn.ok_or_else(|| ApiError::new(ErrorCode::NotFound, "you were not in this class"))?;
    Ok(HttpResponse::Ok().content_type(LINES).body(sample_lines(worn)?))
}

/// Who wore what is told by the class itself, rebuilt from its changes.
fn worn_by(
    user: UserId,
    id: ClassId,
    happened: &[Change],
    all: Vec<StoredSample>,
    now: Millis,
) -> Option<Vec<StoredSample>> {
    let class = Class::restore(id, happened, Vec::new(), now);
    let slot = class.riders().iter().find(|rider| rider.user() == Some(user))?.slot;
    let wearer = |each: &StoredSample| class.streams().sensor(each.source).and_then(|sensor| sensor.wearer_at(each.at));
    Some(all.into_iter().filter(|each| wearer(each) == Some(slot)).collect())
}

fn sample_lines(mut all: Vec<StoredSample>) -> Result<Vec<u8>, ApiError> {
    all.sort_unstable_by_key(|each| (each.at, each.source, each.receiver, each.boot, each.seq));
    let mut lines = Vec::with_capacity(all.len() * 96);
    for each in &all {
        let (source, receiver) = (each.source.get(), each.receiver.get());
        let row = &each.row;
        let (bpm, power_w, cadence, rr_ms) = (row.bpm, row.power_w, row.cadence, row.rr_ms.as_slice());
        let (boot, seq, at) = (each.boot, each.seq, each.at);
        line(&mut lines, &SampleLine { source, receiver, boot, seq, at, bpm, power_w, cadence, rr_ms })?;
    }
    Ok(lines)
}

fn line<T: Serialize>(lines: &mut Vec<u8>, value: &T) -> Result<(), ApiError> {
    serde_json::to_writer(&mut *lines, value).map_err(|error| ApiError::internal(&error))?;
    lines.push(b'\n');
    Ok(())
}

/// What happened in a class besides its changes, one JSON object a line, in order of class time (staff)
///
/// `raised`: something came onto the trainer's list; its body is the kind and the place, or none where it is about many.
#[utoipa::path(tag = "classes", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, content_type = "application/jsonl", body = String), (status = 401, body = Refused),
    (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[get("/v1/classes/{id}/events")]
pub async fn events(app: Server, Staff(claims): Staff, id: Path<Uuid>) -> Result<HttpResponse, ApiError> {
    let class = ClassId(*id);
    facts(&app, &claims, class).await?;
    let mut lines = Vec::new();
    for (at, kind, body) in app.events.class_events(class).await? {
        let body: serde_json::Value = rmp_serde::from_slice(&body).map_err(|error| ApiError::internal(&error))?;
        line(&mut lines, &serde_json::json!({ "at": at, "kind": kind, "body": body }))?;
    }
    Ok(HttpResponse::Ok().content_type(LINES).body(lines))
}
