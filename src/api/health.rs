//! What operators and their machines ask: is it alive, may clients come, how is it doing.

use super::{ApiError, Server};
use crate::app::App;
use crate::telemetry::{self, Fanout, Sources, Telemetry};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, get};
use fitconnect_actors::stats::Stats;
use fitconnect_protocol::{ErrorCode, Refusal};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The store must answer the question whether it is there within this time.
const STORE_WAIT: Duration = Duration::from_secs(2);
/// New clients may come all the same.
const FALLEN_BACK: &str =
    "ready\nack is local, not quorum: the event store is away, samples are on this machine's disk alone\n";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process runs
///
/// Says nothing of stores: restart the process if this does not answer.
#[utoipa::path(tag = "server", responses((status = 200, content_type = "text/plain", body = String)))]
#[get("/healthz")]
pub async fn alive() -> HttpResponse {
    plain("ok\n")
}

/// Whether new clients may come
///
/// Not before the server listens, not while it goes away, not while its store does not answer or its log takes nothing.
#[utoipa::path(tag = "server", responses(
    (status = 200, content_type = "text/plain", body = String), (status = 503, body = super::openapi::Refused),
))]
#[get("/readyz")]
pub async fn ready(app: Server) -> Result<HttpResponse, ApiError> {
    if !app.telemetry.is_ready() {
        return Err(ApiError::new(ErrorCode::ShuttingDown, "the server is starting or going away"));
    }
    if !app.events.is_open() {
        return Err(ApiError::new(
            ErrorCode::Busy,
            "the local log takes nothing: see fitconnect_spool_bytes and the disk, and whether the database can be reached",
        ));
    }
    let asked = tokio::time::timeout(STORE_WAIT, app.state.gyms()).await;
    asked.map_err(|_| Refusal::new(ErrorCode::Retry, "the state store does not answer"))??;
    let fallen_back = app.telemetry.stores().is_some_and(|store| store.ack_quorum_wanted && !store.ack_quorum);
    Ok(plain(if fallen_back { FALLEN_BACK } else { "ready\n" }))
}

/// Counters for Prometheus
#[utoipa::path(tag = "server", responses((status = 200, content_type = "application/openmetrics-text", body = String)))]
#[get("/metrics")]
pub async fn metrics(app: Server) -> HttpResponse {
    let text = telemetry::text(app.into_inner());
    HttpResponse::Ok().insert_header((CONTENT_TYPE, OPEN_METRICS)).insert_header((CACHE_CONTROL, "no-store")).body(text)
}

fn plain(text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").insert_header((CACHE_CONTROL, "no-store")).body(text)
}

impl Sources for App {
    fn actors(&self) -> &Stats {
        &self.house.stats
    }

    fn fanout(&self) -> Fanout {
        let hub = &self.house.hub;
        let (waiting_bytes, waiting_bytes_most) = self.sockets.waiting_bytes();
        Fanout {
            topics: hub.sizes().1 as u64,
            waiting_bytes: waiting_bytes as u64,
            waiting_bytes_most: waiting_bytes_most as u64,
            deliveries: hub.counts.deliveries.load(Ordering::Relaxed),
            ticks_skipped: hub.counts.ticks_skipped.load(Ordering::Relaxed),
            lagged: hub.counts.lagged.load(Ordering::Relaxed),
        }
    }

    fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
}
