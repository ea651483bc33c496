//! `/v1/accounts`: what an administrator does with the accounts of a gym.

use super::openapi::{Refused, Role as RoleSchema};
use super::{Admin, Answer, ApiError, Server};
use crate::accounts::{self, AccountError, NewAccount, check_password};
use crate::auth::password;
use actix_web::web::{Json, Path, Query};
use actix_web::{HttpResponse, get, post};
use fitconnect_protocol::limits::PAGE_MAX;
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Serialize, ToSchema)]
pub struct Account {
    #[schema(value_type = Uuid)]
    user: UserId,
    email: String,
    name: String,
    #[schema(value_type = RoleSchema)]
    role: Role,
    /// The hall that a screen or a hub is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    hall: Option<String>,
}

impl From<fitconnect_actors::ports::Account> for Account {
    fn from(account: fitconnect_actors::ports::Account) -> Account {
        let fitconnect_actors::ports::Account { user, email, name, role, hall, .. } = account;
        Account { user, email, name, role, hall }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only accounts behind this e-mail: the last of the page before.
    after: Option<String>,
    /// At most so many, 1 to 200, which is what it is where it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Accounts {
    /// In order of e-mail.
    accounts: Vec<Account>,
}

/// Accounts of the gym
#[utoipa::path(tag = "accounts", params(Page), security(("bearer" = [])), responses(
    (status = 200, body = Accounts), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[get("/v1/accounts")]
pub async fn list(app: Server, Admin(claims): Admin, page: Query<Page>) -> Answer<Accounts> {
    let Page { after, limit } = page.into_inner();
    let limit = limit.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::new(ErrorCode::Malformed, format!("limit: 1 to {PAGE_MAX}")));
    }
    let found = app.state.accounts(claims.gym, after, limit).await?;
    Ok(Json(Accounts { accounts: found.into_iter().map(Account::from).collect() }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeAccount {
    #[schema(example = "ana@example.com")]
    email: String,
    name: String,
    #[schema(value_type = RoleSchema)]
    role: Role,
    /// Of a screen or a hub, and of nobody else.
    hall: Option<String>,
    /// At least 8 characters; where it is not given, one is made and told once.
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Made {
    #[serde(flatten)]
    account: Account,
    /// The password that was made: it is told only here.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// A new account in the gym
#[utoipa::path(tag = "accounts", request_body = MakeAccount, security(("bearer" = [])), responses(
    (status = 201, body = Made), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 409, body = Refused, description = "the e-mail has an account"),
))]
#[post("/v1/accounts")]
pub async fn make(app: Server, Admin(claims): Admin, body: Json<MakeAccount>) -> Result<HttpResponse, ApiError> {
    let MakeAccount { email, name, role, hall, password } = body.into_inner();
    // Before the hash, which costs: what is refused is refused cheaply.
    let new = accounts::check(NewAccount { email, name, role, hall })?;
    let (phc, told) = secret(&app, password).await?;
    let account = accounts::add(&*app.state, claims.gym, new, phc).await?;
    Ok(HttpResponse::Created().json(Made { account: account.into(), password: told }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// At least 8 characters; where it is not given, one is made and told once.
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct WasReset {
    /// The password that was made: it is told only here.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// Another password for an account of the gym
///
/// Tokens that were given out are taken back, and the sockets opened with them close.
#[utoipa::path(tag = "accounts", request_body = Reset, params(("user" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = WasReset), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
    (status = 404, body = Refused),
))]
#[post("/v1/accounts/{user}/password")]
pub async fn reset(app: Server, Admin(claims): Admin, user: Path<UserId>, body: Json<Reset>) -> Answer<WasReset> {
    let found = app.state.account(*user).await?.filter(|account| account.gym == claims.gym);
    let account = found.ok_or_else(|| ApiError::from(fitconnect_protocol::Refusal::from(ErrorCode::NotFound)))?;
    let (phc, told) = secret(&app, body.into_inner().password).await?;
    app.state.set_password(account.user, phc).await?;
    app.revoke(account.user).await?;
    Ok(Json(WasReset { password: told }))
}

/// The hash of this password, or of one that is made here and told.
async fn secret(app: &Server, given: Option<String>) -> Result<(String, Option<String>), ApiError> {
    let (password, told) = match given {
        Some(password) => (password, None),
        None => {
            let made = password::random();
            (made.clone(), Some(made))
        }
    };
    check_password(&password)?;
    Ok((app.logins.hash(password).await?, told))
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> ApiError {
        match error {
            AccountError::Refused(refusal) => refusal.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}
