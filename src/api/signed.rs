//! Whose request it is: the claims of the bearer token, which a handler takes as an argument.

use super::{ApiError, Server};
use crate::auth::Claims;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use fitconnect_protocol::ErrorCode;
use std::future::{Ready, ready};

/// Anybody with a good token.
pub struct Signed(pub Claims);

/// A trainer or an administrator.
pub struct Staff(pub Claims);

/// An administrator.
pub struct Admin(pub Claims);

impl FromRequest for Signed {
    type Error = ApiError;
    type Future = Ready<Result<Signed, ApiError>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(claims(request).map(Signed))
    }
}

impl FromRequest for Staff {
    type Error = ApiError;
    type Future = Ready<Result<Staff, ApiError>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(claims(request).and_then(|claims| {
            if claims.is_staff() { Ok(Staff(claims)) } else { Err(ApiError(ErrorCode::Forbidden.into())) }
        }))
    }
}

impl FromRequest for Admin {
    type Error = ApiError;
    type Future = Ready<Result<Admin, ApiError>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(claims(request).and_then(|claims| {
            if claims.is_admin() { Ok(Admin(claims)) } else { Err(ApiError(ErrorCode::Forbidden.into())) }
        }))
    }
}

fn claims(request: &HttpRequest) -> Result<Claims, ApiError> {
    let app = request.app_data::<Server>().expect("configure() is given the server");
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = bearer else {
        return Err(ApiError::new(ErrorCode::Unauthorised, "send the access token as `Authorization: Bearer …`"));
    };
    app.believe(token.trim()).map_err(ApiError::from)
}
