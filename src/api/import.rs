//! `POST /v1/import`: an activity file becomes a ride of its own, through the same machine as a live class.

use super::openapi::{MemberSummary as SummarySchema, Refused};
use super::{Answer, ApiError, Server, Signed};
use crate::import::{ImportError, Importer, ride_of};
use actix_web::post;
use actix_web::web::{Bytes, Json, Query};
use fitconnect_protocol::class::MemberSummary;
use fitconnect_protocol::{ClassId, ErrorCode, Refusal};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// How long a client waits before it brings a file again that the disk did not take.
const BUSY_MS: u32 = 5_000;

/// Files that are ridden at once: each takes a core for its time.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct How {
    /// Read and ride the file, and keep nothing: to see what would come of it.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// The ride, kept like a class.
    #[schema(value_type = Uuid)]
    class: ClassId,
    #[schema(value_type = SummarySchema)]
    summary: MemberSummary,
    /// This file was here before: nothing was written.
    duplicate: bool,
}

/// Import a FIT, TCX or GPX file
///
/// The body is the file itself, at most 64 MiB; what it is, is told from its content. The same file of the same person is one ride.
#[utoipa::path(tag = "me", params(How), security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = Imported), (status = 422, body = Refused, description = "it cannot be read: the message says where"),
        (status = 401, body = Refused), (status = 413, body = Refused), (status = 503, body = Refused),
    ),
)]
#[post("/v1/import")]
pub async fn import(app: Server, Signed(claims): Signed, how: Query<How>, file: Bytes) -> Answer<Imported> {
    let person = app.state.person(claims.user).await?;
    let person = person.ok_or_else(|| ApiError::new(ErrorCode::Unauthorised, "this account is gone"))?;
    let busy = |_| Refusal::new(ErrorCode::Busy, "other files are being imported").after(BUSY_MS);
    let _turn = AT_ONCE.try_acquire().map_err(busy)?;
    let importer = Importer { user: claims.user, person };
    let imported = if how.dry_run {
        ride_of(file.to_vec(), importer, &*app.state).await?
    } else {
        crate::import::import(file.to_vec(), importer, &*app.state, &*app.events, app.clock.now()).await?
    };
    Ok(Json(Imported { class: imported.class, summary: imported.summary, duplicate: imported.duplicate }))
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> ApiError {
        match error {
            ImportError::Read(why) => ApiError::new(ErrorCode::BadFile, why.to_string()),
            ImportError::Refused(refusal) => refusal.into(),
            ImportError::Store(error) => error.into(),
            ImportError::Busy => {
                Refusal::new(ErrorCode::Busy, "the disk does not take the samples now").after(BUSY_MS).into()
            }
        }
    }
}
