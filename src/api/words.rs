//! `/v1/words`: the words that a gym does not want to read in its rooms, and what becomes of a message that holds one.

use super::openapi::{OnWords as OnWordsSchema, Refused};
use super::{Answer, ApiError, Server, Staff};
use actix_web::web::Json;
use actix_web::{get, put};
use fitconnect_actors::ports::SetLexicon;
use fitconnect_domain::lexicon::Lexicon;
use fitconnect_protocol::report::OnWords;
use fitconnect_protocol::{ErrorCode, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWords {
    #[schema(value_type = OnWordsSchema)]
    on_words: OnWords,
    /// Single words, 500 at most, each of 60 bytes at most. Case, `ё` and letters that look alike do not matter.
    words: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Words {
    #[schema(value_type = OnWordsSchema)]
    on_words: OnWords,
    /// In order, each once.
    words: Vec<String>,
    /// Who set the list; absent while nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    by: Option<UserId>,
    /// When, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
}

fn told(set: Option<SetLexicon>) -> Words {
    let (by, at_ms) = (set.as_ref().map(|set| set.by), set.as_ref().map(|set| set.at.0));
    let Lexicon { on_words, words } = set.map(|set| set.lexicon).unwrap_or_default();
    Words { on_words, words: words.into_iter().collect(), by, at_ms }
}

/// The gym's list of words (staff)
#[utoipa::path(tag = "reports", security(("bearer" = [])), responses(
    (status = 200, body = Words), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[get("/v1/words")]
pub async fn list(app: Server, Staff(claims): Staff) -> Answer<Words> {
    Ok(Json(told(app.state.lexicon(claims.gym).await?)))
}

/// Sets the gym's list of words (staff)
///
/// Rooms go by it within five seconds. What was written before stays.
#[utoipa::path(tag = "reports", request_body = NewWords, security(("bearer" = [])), responses(
    (status = 200, body = Words), (status = 400, body = Refused), (status = 401, body = Refused), (status = 403, body = Refused),
))]
#[put("/v1/words")]
pub async fn replace(app: Server, Staff(claims): Staff, new: Json<NewWords>) -> Answer<Words> {
    let NewWords { on_words, words } = new.into_inner();
    let lexicon =
        Lexicon::new(on_words, words).map_err(|why| ApiError::new(ErrorCode::Malformed, format!("words: {why}")))?;
    let set = SetLexicon { lexicon, by: claims.user, at: app.clock.now() };
    app.state.set_lexicon(claims.gym, set.clone()).await?;
    tracing::info!(gym = %claims.gym, by = %claims.user, words = set.lexicon.words.len(), "a list of words is set");
    Ok(Json(told(Some(set))))
}
