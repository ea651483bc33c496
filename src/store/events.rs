//! The way of a sample from the log to where it stays, and back to whoever asks for it.

mod at;
mod blob;
mod cassandra;
mod checkpoints;
mod local;
mod shipper;
mod sqlite;

#[cfg(test)]
pub(in crate::store) mod scratch;
#[cfg(test)]
mod suite;

pub use at::{Cluster, EventsAt, NoEvents};
pub use cassandra::CassandraEvents;
pub use checkpoints::Checkpoints;
pub use local::LocalEvents;
pub use shipper::Shipper;
pub use sqlite::SqliteEvents;
