//! `POST /v1/login` and `POST /v1/token/refresh`: access tokens, by password and by a token that is still good.

use super::openapi::{Refused, Role as RoleSchema};
use super::{Answer, ApiError, Server, Signed};
use crate::auth::address;
use crate::auth::login::LoginError;
use actix_web::web::Json;
use actix_web::{HttpRequest, post};
use fitconnect_actors::ports::Account;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, GymId, UserId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(example = "trainer-1@fitconnect-demo.test")]
    email: String,
    password: String,
}

/// An access token and whose it is.
#[derive(Serialize, ToSchema)]
pub struct LoggedIn {
    /// For `Authorization: Bearer …`, and for the socket's subprotocol `bearer.…`.
    token: String,
    /// Unix milliseconds; ask for a new one before.
    expires_at_ms: u64,
    #[schema(value_type = Uuid)]
    user: UserId,
    #[schema(value_type = Uuid)]
    gym: GymId,
    #[schema(value_type = RoleSchema)]
    role: Role,
    name: String,
    /// The hall that a screen or a hub is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    hall: Option<String>,
}

impl LoggedIn {
    pub(super) fn new(app: &Server, account: &Account) -> LoggedIn {
        let claims = app.claims(account);
        LoggedIn {
            token: app.keys.mint(&claims),
            expires_at_ms: claims.expires_at().0,
            user: claims.user,
            gym: claims.gym,
            role: claims.role,
            name: claims.name,
            hall: claims.hall,
        }
    }
}

/// Log in by e-mail and password
///
/// Ten wrong attempts a minute for one account and for one address; then `rate_limited`. An unknown e-mail is answered like a
/// wrong password.
#[utoipa::path(tag = "accounts", request_body = Login, responses(
    (status = 200, body = LoggedIn), (status = 400, body = Refused), (status = 401, body = Refused),
    (status = 429, body = Refused, description = "too many attempts: wait for retry_after_ms"),
    (status = 503, body = Refused, description = "too many log-ins at once"),
))]
#[post("/v1/login")]
pub async fn login(app: Server, request: HttpRequest, body: Json<Login>) -> Answer<LoggedIn> {
    let Login { email, password } = body.into_inner();
    let from = client(&app, &request);
    let outcome = app.logins.login(&*app.state, &email, password, from, app.clock.now()).await;
    if let Some(counter) = counter(&app, &outcome) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Json(LoggedIn::new(&app, &outcome?)))
}

/// Whose attempt it is.
pub(super) fn client(app: &Server, request: &HttpRequest) -> IpAddr {
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok());
    address::client(request.peer_addr().map(|peer| peer.ip()), forwarded, &app.config.proxies)
}

fn counter<'a>(app: &'a Server, outcome: &Result<Account, LoginError>) -> Option<&'a AtomicU64> {
    let metrics = &app.telemetry.metrics;
    match outcome {
        Ok(_) => Some(&metrics.logins_ok),
        Err(LoginError::Refused(refusal)) if refusal.code == ErrorCode::Unauthorised => Some(&metrics.logins_wrong),
        Err(LoginError::Refused(refusal)) if refusal.code == ErrorCode::RateLimited => Some(&metrics.logins_limited),
        Err(_) => None,
    }
}

/// A new token for one that is still good
///
/// Role, name and hall are those of the account now. A live socket takes the new token in a `refresh` frame.
#[utoipa::path(tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = LoggedIn), (status = 401, body = Refused, description = "expired, forged, or the account is gone"),
))]
#[post("/v1/token/refresh")]
pub async fn refresh(app: Server, Signed(claims): Signed) -> Answer<LoggedIn> {
    let account = app.state.account(claims.user).await?;
    let account = account.ok_or_else(|| ApiError::new(ErrorCode::Unauthorised, "this account is gone"))?;
    Ok(Json(LoggedIn::new(&app, &account)))
}
