//! Refusals over HTTP: the same `{code, message, retry_after_ms?}` as on the socket, under the status that fits.

use crate::auth::TokenError;
use crate::auth::login::LoginError;
use crate::telemetry::trace::TraceId;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use fitconnect_actors::ports::StoreError;
use fitconnect_protocol::{ErrorCode, Refusal};

/// How long a client waits before it asks a store again that could not answer.
const STORE_RETRY_MS: u32 = 1_000;

#[derive(Debug)]
pub struct ApiError(pub Refusal);

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError(Refusal::new(code, message))
    }

    /// A fault of ours: the log has the words, the client the id to find them by.
    pub fn internal(what: &dyn std::fmt::Display) -> ApiError {
        let trace = TraceId::current();
        tracing::error!(%trace, error = %what, "a request failed");
        ApiError::new(ErrorCode::Internal, format!("a fault of ours, logged under {trace}"))
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status(self.0.code)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(ms) = self.0.retry_after_ms {
            response.insert_header((header::RETRY_AFTER, ms.div_ceil(1_000)));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(&self.0)
    }
}

/// The status of each refusal.
pub fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unsupported | ErrorCode::Malformed | ErrorCode::ClockSkew | ErrorCode::CmdExpired => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Unauthorised => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::Blocked => StatusCode::FORBIDDEN,
        ErrorCode::NotFound | ErrorCode::UnknownSource | ErrorCode::NoMessage => StatusCode::NOT_FOUND,
        ErrorCode::Gone => StatusCode::GONE,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Busy | ErrorCode::Retry | ErrorCode::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::CmdMismatch
        | ErrorCode::WrongPhase
        | ErrorCode::ClassFull
        | ErrorCode::NotJoined
        | ErrorCode::RoomFull
        | ErrorCode::RoomExists
        | ErrorCode::NotMember
        | ErrorCode::EmailTaken
        | ErrorCode::SeatTaken
        | ErrorCode::NoBoot
        | ErrorCode::SourceTaken
        | ErrorCode::NoTrainer
        | ErrorCode::NotDriving
        | ErrorCode::TooLate => StatusCode::CONFLICT,
        ErrorCode::BadPlan | ErrorCode::BadFile | ErrorCode::Unfit | ErrorCode::Held => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        ApiError(refusal)
    }
}

impl From<TokenError> for ApiError {
    fn from(why: TokenError) -> ApiError {
        ApiError(why.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        match error {
            StoreError::Unavailable(why) => {
                tracing::warn!(trace = %TraceId::current(), %why, "the store could not answer");
                Refusal::new(ErrorCode::Retry, "the store could not answer").after(STORE_RETRY_MS).into()
            }
            StoreError::Taken(_) | StoreError::Damaged(_) => ApiError::internal(&error),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> ApiError {
        match error {
            LoginError::Refused(refusal) => refusal.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}
