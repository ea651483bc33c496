//! `/v1/pairings` and `/v1/screens`: a hall's screen is let in by the six digits that it shows, and put out again.

use super::login::{LoggedIn, client};
use super::openapi::Refused;
use super::{Answer, ApiError, Server, Staff};
use crate::accounts::{self, NewAccount};
use crate::auth::pairing::{Claim, NotPaired};
use actix_web::web::{Json, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use fitconnect_actors::ports::Account;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, Refusal, UserId, Uuid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub struct Offered {
    /// Six digits for the screen to show.
    #[schema(example = "482913")]
    code: String,
    /// What the screen fetches its token with; it shows it to nobody.
    secret: String,
    /// Unix milliseconds; ask for another before.
    expires_at_ms: u64,
}

/// A screen asks to be let in
///
/// Nobody is logged in: the screen shows the code, and one of the staff sends it to `POST /v1/screens`.
#[utoipa::path(tag = "screens", responses(
    (status = 201, body = Offered), (status = 429, body = Refused, description = "too many codes: wait for retry_after_ms"),
))]
#[post("/v1/pairings")]
pub async fn offer(app: Server, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let offer = app.pairings.offer(client(&app, &request), app.clock.now()).map_err(too_many)?;
    let offered = Offered { code: offer.code, secret: offer.secret, expires_at_ms: offer.expires_at.0 };
    Ok(HttpResponse::Created().json(offered))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    secret: String,
}

/// A screen asks whether it was let in
///
/// Its token can only watch, in its own hall, and lives for half a year unless it is taken back.
#[utoipa::path(tag = "screens", request_body = Secret, responses(
    (status = 200, body = LoggedIn), (status = 202, description = "nobody has sent the code yet: ask again in a second"),
    (status = 404, body = Refused, description = "the code has ended: ask for another"),
))]
#[post("/v1/pairings/claim")]
pub async fn claim(app: Server, body: Json<Secret>) -> Result<HttpResponse, ApiError> {
    let gone = || ApiError::new(ErrorCode::NotFound, "this code has ended: ask for another");
    match app.pairings.claim(&body.secret, app.clock.now()) {
        Claim::Unknown => Err(gone()),
        Claim::Waits => Ok(HttpResponse::Accepted().json(serde_json::json!({}))),
        Claim::Is(screen) => {
            let account = app.state.account(screen).await?.ok_or_else(gone)?;
            Ok(HttpResponse::Ok().json(LoggedIn::new(&app, &account)))
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Screen {
    #[schema(value_type = Uuid)]
    user: UserId,
    name: String,
    hall: String,
}

impl From<Account> for Screen {
    fn from(account: Account) -> Screen {
        Screen { user: account.user, name: account.name, hall: account.hall.unwrap_or_default() }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Screens {
    /// In order of name.
    screens: Vec<Screen>,
}

/// Screens of the gym
#[utoipa::path(tag = "screens", security(("bearer" = [])), responses(
    (status = 200, body = Screens), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[get("/v1/screens")]
pub async fn list(app: Server, Staff(claims): Staff) -> Answer<Screens> {
    let found = app.state.screens(claims.gym).await?;
    Ok(Json(Screens { screens: found.into_iter().map(Screen::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The six digits that the screen shows.
    #[schema(example = "482913")]
    code: String,
    #[schema(example = "Hall 1")]
    hall: String,
    name: String,
}

/// Lets a screen in
#[utoipa::path(tag = "screens", request_body = Pair, security(("bearer" = [])), responses(
    (status = 201, body = Screen), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused, description = "no screen shows this code now"),
    (status = 429, body = Refused, description = "too many wrong codes: wait for retry_after_ms"),
))]
#[post("/v1/screens")]
pub async fn pair(app: Server, Staff(claims): Staff, body: Json<Pair>) -> Result<HttpResponse, ApiError> {
    let Pair { code, hall, name } = body.into_inner();
    // An account needs an address; this one leads nowhere (RFC 2606) and has no password, so nobody logs in with it.
    let email = format!("screen-{}@screens.invalid", Uuid::now_v7().simple());
    let new = accounts::check(NewAccount { email, name, role: Role::Screen, hall: Some(hall) })?;
    app.pairings.take(&code, claims.user, app.clock.now()).map_err(|why| match why {
        NotPaired::Unknown => ApiError::new(ErrorCode::NotFound, "no screen shows this code now"),
        NotPaired::TooMany(wait_ms) => too_many(wait_ms),
    })?;
    let made = accounts::add(&*app.state, claims.gym, new, String::new()).await;
    app.pairings.confirmed(&code, made.as_ref().ok().map(|account| account.user));
    let account = made?;
    tracing::info!(screen = %account.user, by = %claims.user, hall = account.hall, "a screen is let in");
    Ok(HttpResponse::Created().json(Screen::from(account)))
}

/// Puts a screen out
///
/// Its token is not believed any more, and its socket closes with 4501.
#[utoipa::path(tag = "screens", params(("user" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 204), (status = 401, body = Refused), (status = 403, body = Refused), (status = 404, body = Refused),
))]
#[delete("/v1/screens/{user}")]
pub async fn unpair(app: Server, Staff(claims): Staff, user: Path<UserId>) -> Result<HttpResponse, ApiError> {
    let found = app.state.account(*user).await?;
    let screen = found.filter(|account| account.gym == claims.gym && account.role == Role::Screen);
    let screen = screen.ok_or_else(|| ApiError::from(Refusal::from(ErrorCode::NotFound)))?;
    app.revoke(screen.user).await?;
    app.state.remove_account(screen.user).await?;
    tracing::info!(screen = %screen.user, by = %claims.user, "a screen is put out");
    Ok(HttpResponse::NoContent().finish())
}

fn too_many(wait_ms: u32) -> ApiError {
    Refusal::new(ErrorCode::RateLimited, "too many tries").after(wait_ms).into()
}
