//! The shell: everything that touches the world. Sockets, HTTP, accounts, stores, configuration, metrics.
//! Decisions are in `actors/domain`, the bodies that run them in `actors`.

#![allow(clippy::duplicate_mod, reason = "one body of SQL is compiled for two engines: store/sql/body.rs")]

pub mod accounts;
pub mod api;
pub mod app;
pub mod auth;
pub mod clock;
pub mod config;
pub mod http;
pub mod image;
pub mod import;
pub mod ride;
pub mod seed;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod ws;

/// Version of this build.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");
