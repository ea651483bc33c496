//! `/v1/me…`: one's own account and password, and what classes have left. Body data and consents change through the socket.

use super::openapi::{Consent as ConsentSchema, MemberSummary as SummarySchema, Profile as ProfileSchema, Refused};
use super::{Answer, ApiError, Server, Signed};
use crate::accounts;
use crate::api::openapi::Role as RoleSchema;
use actix_web::web::{Json, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use fitconnect_domain::user::Change as Stored;
use fitconnect_protocol::class::MemberSummary;
use fitconnect_protocol::limits::PAGE_MAX;
use fitconnect_protocol::user::{Consent, Profile, Role};
use fitconnect_protocol::{ErrorCode, GymId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The changes of a person that hold summaries.
const SUMMARISED: &str = "summarised";
const SUMMARIES: u32 = 20;

#[derive(Serialize, ToSchema)]
pub struct Me {
    #[schema(value_type = Uuid)]
    user: UserId,
    #[schema(value_type = Uuid)]
    gym: GymId,
    email: String,
    name: String,
    #[schema(value_type = RoleSchema)]
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    hall: Option<String>,
    #[schema(value_type = ProfileSchema)]
    profile: Profile,
    #[schema(value_type = ConsentSchema)]
    consent: Consent,
}

/// One's own account, body data and consents
#[utoipa::path(tag = "me", security(("bearer" = [])), responses((status = 200, body = Me), (status = 401, body = Refused)))]
#[get("/v1/me")]
pub async fn me(app: Server, Signed(claims): Signed) -> Answer<Me> {
    let gone = || ApiError::new(ErrorCode::Unauthorised, "this account is gone");
    let account = app.state.account(claims.user).await?.ok_or_else(gone)?;
    let person = app.state.person(claims.user).await?.ok_or_else(gone)?;
    Ok(Json(Me {
        user: account.user,
        gym: account.gym,
        email: account.email,
        name: person.name,
        role: account.role,
        hall: account.hall,
        profile: person.profile,
        consent: person.consent,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password now.
    password: String,
    /// At least 8 characters.
    new: String,
}

/// Another password for oneself
///
/// A wrong password now counts as an attempt to log in. Tokens that were given out stay good until they expire.
#[utoipa::path(tag = "me", request_body = NewPassword, security(("bearer" = [])), responses(
    (status = 204), (status = 400, body = Refused), (status = 401, body = Refused),
    (status = 403, body = Refused, description = "this is not the password now"), (status = 429, body = Refused),
))]
#[post("/v1/me/password")]
pub async fn password(
    app: Server,
    Signed(claims): Signed,
    request: HttpRequest,
    body: Json<NewPassword>,
) -> Result<HttpResponse, ApiError> {
    let NewPassword { password, new } = body.into_inner();
    accounts::check_password(&new)?;
    let account = app.state.account(claims.user).await?;
    let account = account.ok_or_else(|| ApiError::new(ErrorCode::Unauthorised, "this account is gone"))?;
    let from = super::login::client(&app, &request);
    app.logins.confirm(&account, password, from, app.clock.now()).await?;
    let phc = app.logins.hash(new).await?;
    app.state.set_password(claims.user, phc).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only summaries before this place: `next` of the page before.
    before: Option<u64>,
    /// At most so many, 1 to 200; 20 where it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Summaries {
    /// Newest first. A class may come again with a higher version: late samples have changed it.
    #[schema(value_type = Vec<SummarySchema>)]
    summaries: Vec<MemberSummary>,
    /// Where the next page begins; none on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// What classes have left of me
#[utoipa::path(tag = "me", params(Page), security(("bearer" = [])), responses(
    (status = 200, body = Summaries), (status = 400, body = Refused), (status = 401, body = Refused),
))]
#[get("/v1/me/summaries")]
pub async fn summaries(app: Server, Signed(claims): Signed, page: Query<Page>) -> Answer<Summaries> {
    let limit = page.limit.unwrap_or(SUMMARIES);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::new(ErrorCode::Malformed, format!("limit: 1 to {PAGE_MAX}")));
    }
    let changes = app.state.user_changes(claims.user, SUMMARISED, page.before, limit).await?;
    let last = changes.last().map(|(seq, _)| *seq);
    let next = last.filter(|_| changes.len() == limit as usize);
    let summaries = changes.iter().map(|(_, body)| summary(body)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Summaries { summaries, next }))
}

fn summary(body: &[u8]) -> Result<MemberSummary, ApiError> {
    match rmp_serde::from_slice(body) {
        Ok(Stored::Summarised { summary }) => Ok(*summary),
        Ok(other) => Err(ApiError::internal(&format!("{} among summaries", other.kind()))),
        Err(error) => Err(ApiError::internal(&format!("a stored summary: {error}"))),
    }
}
