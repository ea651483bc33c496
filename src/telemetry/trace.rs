//! The trace id: made where something comes in (a socket, an HTTP request), carried in the span field `trace`, told to the client
//! where something went wrong.

use std::fmt;
use tracing::Span;

/// 64 random bits in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u64);

tokio::task_local! {
    static CURRENT: TraceId;
}

impl TraceId {
    pub fn new() -> TraceId {
        TraceId(rand::random())
    }

    /// The id under which this task works; a new one outside of any.
    pub fn current() -> TraceId {
        CURRENT.try_with(|trace| *trace).unwrap_or_default()
    }

    /// Runs something under this id.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// Span of one socket's life.
    pub fn socket(self) -> Span {
        tracing::info_span!("socket", trace = %self)
    }

    /// Span of one HTTP request. The path is the route's pattern: ids and queries stay out of the log.
    pub fn http(self, method: &str, route: &str) -> Span {
        tracing::info_span!("http", trace = %self, method, route)
    }
}

impl Default for TraceId {
    fn default() -> TraceId {
        TraceId::new()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
