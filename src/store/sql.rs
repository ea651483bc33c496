//! State in SQL: one body of portable statements, an engine a module. The engine says how transactions begin, how it is opened and what
//! its errors mean; nothing else differs.

pub mod fault;
pub mod migrate;
pub mod postgres;
pub(in crate::store) mod rows;
pub mod sqlite;

#[cfg(test)]
mod scratch;
#[cfg(test)]
mod suite;

use fitconnect_actors::ports::StateStore;
use futures_util::future::BoxFuture;

/// What the house around the stores needs of one, besides the port.
pub trait Engine: StateStore {
    fn counts(&self) -> StateCounts;
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What a store counts.
#[derive(Clone, Debug, Default)]
pub struct StateCounts {
    /// Transactions, and actors' commits in them.
    pub transactions: u64,
    pub commits: u64,
    /// Commits of which it was not known whether they had happened, and which were read again.
    pub unknown: u64,
    pub letters_unreadable: u64,
    /// Tries after the first, by work.
    pub retries: Vec<(&'static str, u64)>,
}
