//! What one sees of a running server: logs with one trace id from socket to store, and metrics for Prometheus.
//! Nobody's name, address or id is in a label; ids are in logs only where somebody must act.

mod export;
mod metrics;
mod process;
pub mod trace;

pub use metrics::{Fanout, Metrics, Timing};

use crate::config::{Config, LogFormat};
use crate::store::StoreStats;
use fitconnect_actors::stats::Stats;
use fitconnect_protocol::CloseCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;

/// The log filter of these words.
pub fn filter(words: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(words)
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("log filter: {0}")]
    Filter(#[from] ParseError),
    #[error("logging has begun already: {0}")]
    Twice(#[from] TryInitError),
}

/// Begins to log to stderr. Once a process.
pub fn init(config: &Config) -> Result<(), TelemetryError> {
    use std::io::{IsTerminal, stderr};
    use tracing_subscriber::util::SubscriberInitExt;
    let builder = tracing_subscriber::fmt().with_env_filter(filter(&config.log)?).with_writer(stderr);
    match config.log_format {
        LogFormat::Pretty => builder.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Reads the stores' counters when somebody asks for the metrics.
pub type StoreReader = Box<dyn Fn() -> StoreStats + Send + Sync>;

/// The counters of one server, and whether it serves.
#[derive(Default)]
pub struct Telemetry {
    pub metrics: Arc<Metrics>,
    store: OnceLock<StoreReader>,
    ready: AtomicBool,
}

/// Counters that others keep and that are read when somebody asks for the metrics.
pub trait Sources: Send + Sync + 'static {
    fn actors(&self) -> &Stats;
    fn fanout(&self) -> Fanout;
    fn telemetry(&self) -> &Telemetry;
}

impl Telemetry {
    pub fn new() -> Telemetry {
        Telemetry::default()
    }

    /// Where the stores' counters are read. Once, at start.
    pub fn watch_store(&self, reader: StoreReader) {
        let _ = self.store.set(reader);
    }

    /// The stores now.
    pub fn stores(&self) -> Option<StoreStats> {
        self.store.get().map(|read| read())
    }

    /// Whether new clients may come: from the moment of listening until the server begins to go away.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub fn socket_opened(&self) {
        self.metrics.sockets.fetch_add(1, Ordering::Relaxed);
        self.metrics.sockets_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub fn socket_closed(&self) {
        self.metrics.sockets.fetch_sub(1, Ordering::Relaxed);
    }

    /// The server has closed a socket with this code.
    pub fn closed(&self, code: CloseCode) {
        if let Some(place) = CloseCode::ALL.iter().position(|each| *each == code) {
            self.metrics.sockets_closed[place].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many sockets took nothing for too long and were shut.
    pub fn reaped(&self, sockets: usize) {
        self.metrics.sockets_reaped.fetch_add(sockets as u64, Ordering::Relaxed);
    }

    /// A frame could not be read.
    pub fn bad_frame(&self) {
        self.metrics.frames_bad.fetch_add(1, Ordering::Relaxed);
    }

    /// A token was not believed, on HTTP or on a socket.
    pub fn token_refused(&self) {
        self.metrics.tokens_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A foreign page asked.
    pub fn origin_refused(&self) {
        self.metrics.origins_refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// All metrics as OpenMetrics text.
pub fn text(sources: Arc<dyn Sources>) -> String {
    let mut text = String::with_capacity(16 * 1024);
    prometheus_client::encoding::text::encode(&mut text, &export::registry(sources))
        .expect("a String takes everything");
    text
}

#[cfg(test)]
mod tests;
