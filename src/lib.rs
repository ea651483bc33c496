//! The shell: everything that touches the world. Sockets, HTTP, accounts, stores, configuration, metrics.
//! Decisions are in `actors/domain`, the bodies that run them in `actors`.

pub mod api;
pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod import;
pub mod ride;
pub mod seed;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod ws;

/// Version of this build.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");
