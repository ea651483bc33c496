//! `/v1/people`: members of one's gym, to be written to. It tells names and ids, and nothing else of anybody.

use super::openapi::Refused;
use super::{Answer, Server, Signed};
use actix_web::get;
use actix_web::web::{Json, Query};
use fitconnect_domain::words::words_of;
use fitconnect_protocol::limits::{NAME_BYTES_MAX, PEOPLE_FOUND_MAX};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ErrorCode, Refusal, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Beginnings of words of the name, in any order and case: `an ko` finds Anna Korn. Three words count.
    q: String,
}

#[derive(Serialize, ToSchema)]
pub struct Person {
    #[schema(value_type = Uuid)]
    user: UserId,
    name: String,
}

#[derive(Serialize, ToSchema)]
pub struct People {
    /// In order of name, 20 at most; oneself is not among them, and nobody who has blocked, or is blocked.
    people: Vec<Person>,
    /// There are others: more letters find them.
    more: bool,
}

/// Find people of the gym by name
#[utoipa::path(tag = "me", params(Wanted), security(("bearer" = [])), responses(
    (status = 200, body = People), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[get("/v1/people")]
pub async fn find(app: Server, Signed(claims): Signed, wanted: Query<Wanted>) -> Answer<People> {
    if claims.role < Role::Member {
        return Err(Refusal::new(ErrorCode::Forbidden, "a screen or a hub writes to nobody").into());
    }
    let words: Vec<String> = words_of(&wanted.q).into_iter().collect();
    if words.is_empty() || wanted.q.len() > NAME_BYTES_MAX {
        return Err(Refusal::new(ErrorCode::Malformed, "q: the beginning of a name").into());
    }
    let hidden = app.state.person(claims.user).await?.map(|person| person.blocks).unwrap_or_default();
    // As many more as may be left out.
    let limit = PEOPLE_FOUND_MAX + 2 + hidden.len();
    let found = app.state.people(claims.gym, words, limit as u32).await?;
    let mut people: Vec<Person> = found
        .into_iter()
        .filter(|(user, _)| *user != claims.user && !hidden.hide(*user))
        .map(|(user, name)| Person { user, name })
        .collect();
    let more = people.len() > PEOPLE_FOUND_MAX;
    people.truncate(PEOPLE_FOUND_MAX);
    Ok(Json(People { people, more }))
}
