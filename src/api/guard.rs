//! Around every request: a trace id, the origin check, the headers that a browser keeps pages in bounds with, and the count.

use super::{ApiError, Server};
use crate::auth::origin;
use crate::telemetry::trace::TraceId;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};
use fitconnect_protocol::ErrorCode;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tracing::Instrument;

/// What a page may load and talk to: its own server, nothing inline, no script made from text. The second policy names the one
/// service worker.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html fitconnect-worker fitconnect-beat";

/// Our pages keep the screen awake; pairing a strap (Web Bluetooth) is theirs by default. Nothing else of the device is wanted.
const PERMISSIONS_POLICY: &str =
    "screen-wake-lock=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (header::PERMISSIONS_POLICY, PERMISSIONS_POLICY),
];

/// Where the trace id is told.
const TRACE: HeaderName = HeaderName::from_static("x-trace-id");

pub async fn guard(
    app: Server,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (started, trace) = (Instant::now(), TraceId::new());
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (asked, host) = (text(header::ORIGIN), text(header::HOST));
    let listed = asked.clone().filter(|asked| origin::is_listed(asked, &app.config.origins));
    let route = request.match_pattern().unwrap_or_default();
    let span = trace.http(request.method().as_str(), &route);

    let mut response = if !origin::is_allowed(asked.as_deref(), host.as_deref(), &app.config.origins) {
        app.telemetry.origin_refused();
        let refused = ApiError::new(ErrorCode::Forbidden, "this origin is not on the list").error_response();
        request.into_response(refused)
    } else if listed.is_some() && is_preflight(&request) {
        request.into_response(HttpResponse::NoContent())
    } else {
        let answer = trace.scope(next.call(request).instrument(span)).await;
        answer?.map_into_boxed_body()
    };

    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(TRACE, HeaderValue::try_from(trace.to_string()).expect("hex digits"));
    if let Some(origin) = listed {
        share(headers, &origin);
    }
    count(&app, response.status(), started);
    Ok(response)
}

fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// A page of a listed origin may read the answer.
fn share(headers: &mut HeaderMap, origin: &str) {
    let Ok(origin) = HeaderValue::try_from(origin) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

fn count(app: &Server, status: StatusCode, started: Instant) {
    let metrics = &app.telemetry.metrics;
    let hundreds = usize::from(status.as_u16() / 100).clamp(1, 5);
    metrics.http[hundreds - 1].fetch_add(1, Ordering::Relaxed);
    metrics.http_time.took(started.elapsed());
}
