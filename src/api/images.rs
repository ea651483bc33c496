//! Pictures in rooms: sent before the message that shows them, kept for as long as it is there.

use super::openapi::Refused;
use super::rooms::may;
use super::turns::Turns;
use super::{Answer, ApiError, Server, Signed};
use crate::image;
use actix_web::http::header;
use actix_web::web::{Json, Path, Payload};
use actix_web::{HttpResponse, get, post};
use fitconnect_actors::ports::StoredImage;
use fitconnect_domain::Millis;
use fitconnect_domain::room::Right;
use fitconnect_protocol::limits::{IMAGE_BYTES_MAX, IMAGE_LOOSE_MS, IMAGES_PER_HOUR_MAX};
use fitconnect_protocol::room::Picture;
use fitconnect_protocol::{ErrorCode, ImageId, Refusal, RoomId, Uuid};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// One at a time: it takes a core, and up to 150 MB.
static AT_ONCE: Semaphore = Semaphore::const_new(1);
/// So many may wait for their turn, each with its file in memory; more are told to come again.
static PLACES: Semaphore = Semaphore::const_new(8);
/// Who sends one now: one person takes one of these places.
static SENDING: Turns = Turns::new();
/// Who waits for longer than this is told to come again.
const WAIT: Duration = Duration::from_secs(10);
const BUSY_MS: u32 = 1_000;
const HOUR_MS: u64 = 3_600_000;

/// A picture by its id, as large as it is kept.
#[derive(Serialize, ToSchema)]
pub struct Shown {
    /// Names it in `room{act: post}`.
    #[schema(value_type = Uuid)]
    image: ImageId,
    /// Pixels.
    width: u16,
    height: u16,
}

impl From<Picture> for Shown {
    fn from(Picture { image, width, height }: Picture) -> Shown {
        Shown { image, width, height }
    }
}

/// Send a picture that a message will show
///
/// JPEG, PNG or WebP, 10 MiB and 25 million pixels at most. It is encoded anew: nothing of the file is kept but what one sees. Without a message
/// within a day it is forgotten.
#[utoipa::path(tag = "rooms", params(("room" = Uuid, Path)), security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, body = Shown), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused), (status = 413, body = Refused), (status = 429, body = Refused), (status = 503, body = Refused),
))]
#[post("/v1/rooms/{room}/images")]
pub async fn send(app: Server, Signed(claims): Signed, room: Path<Uuid>, file: Payload) -> Answer<Shown> {
    let room = RoomId(*room);
    may(&app, &claims, room, Right::Write).await?;
    let now = app.clock.now();
    let since = Millis(now.0.saturating_sub(HOUR_MS));
    if app.state.images_since(claims.user, since).await? >= IMAGES_PER_HOUR_MAX {
        let refusal = Refusal::new(ErrorCode::RateLimited, "so many pictures an hour, and no more").after(600_000);
        return Err(refusal.into());
    }
    let busy = || Refusal::from(ErrorCode::Busy).after(BUSY_MS);
    let _own = SENDING.take(claims.user).ok_or_else(busy)?;
    let _place = PLACES.try_acquire().map_err(|_| busy())?;
    let too_large = || ApiError::new(ErrorCode::TooLarge, format!("a picture has at most {IMAGE_BYTES_MAX} bytes"));
    let file = file.to_bytes_limited(IMAGE_BYTES_MAX).await.map_err(|_| too_large())?;
    let file = file.map_err(|_| ApiError::new(ErrorCode::Malformed, "the picture did not arrive whole"))?;
    let turn = tokio::time::timeout(WAIT, AT_ONCE.acquire()).await.map_err(|_| busy())?;
    let turn = turn.expect("the semaphore is never closed");
    let encoded = tokio::task::spawn_blocking(move || {
        // Whoever sent it may be gone: the core is taken until this has ended.
        let _turn = turn;
        image::encode(&file)
    });
    let encoded = encoded.await.map_err(|error| ApiError::internal(&error))??;
    let (image, image::Encoded { width, height, jpeg }) = (ImageId(Uuid::now_v7()), encoded);
    let picture = Picture { image, width, height };
    let until = Some(Millis(now.0 + IMAGE_LOOSE_MS));
    let stored = StoredImage { picture, room, by: claims.user, at: now, seq: None, until };
    app.state.add_image(stored, jpeg).await?;
    Ok(Json(picture.into()))
}

/// A picture of a message, as JPEG
///
/// For those who may read the room, and, where the message is reported, those who decide that. Of a deleted message for the latter alone.
#[utoipa::path(tag = "rooms", params(("image" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = Vec<u8>, content_type = "image/jpeg"), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused),
))]
#[get("/v1/images/{image}")]
pub async fn one(app: Server, Signed(claims): Signed, image: Path<Uuid>) -> Result<HttpResponse, ApiError> {
    let image = ImageId(*image);
    let missing = || ApiError::from(Refusal::from(ErrorCode::NotFound));
    let found = app.state.image(image).await?.ok_or_else(missing)?;
    // One's own, before it is shown.
    let own = found.seq.is_none() && found.by == claims.user;
    if !own {
        let shown = found.until.is_none();
        let read = may(&app, &claims, found.room, if shown { Right::Read } else { Right::Decide }).await;
        if let Err(refused) = read {
            // In a talk of two staff read nothing, but what has been reported they decide.
            let decides = shown && may(&app, &claims, found.room, Right::Decide).await.is_ok();
            let reported = match found.seq.filter(|_| decides) {
                Some(seq) => !app.state.reporters(found.room, seq).await?.is_empty(),
                None => false,
            };
            if !reported {
                return Err(refused);
            }
        }
    }
    let jpeg = app.state.image_bytes(image).await?.ok_or_else(missing)?;
    let kept = (header::CACHE_CONTROL, "private, max-age=86400, immutable");
    // Kept for whoever asked: another account of the same browser asks anew.
    let whose = (header::VARY, "Authorization");
    Ok(HttpResponse::Ok().content_type("image/jpeg").insert_header(kept).insert_header(whose).body(jpeg))
}
