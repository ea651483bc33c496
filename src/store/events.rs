//! The way of a sample from the log to where it stays, and back to whoever asks for it.

mod local;
mod shipper;
mod sqlite;

#[cfg(test)]
mod suite;

pub use local::LocalEvents;
pub use shipper::Shipper;
pub use sqlite::SqliteEvents;
