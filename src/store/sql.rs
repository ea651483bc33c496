//! State in SQL: one body of portable statements, an engine a module. The engine says how transactions begin, how it is opened and what
//! its errors mean; nothing else differs.

pub mod copy;
pub mod fault;
pub mod heart;
pub mod migrate;
pub mod postgres;
pub(in crate::store) mod rows;
pub mod sqlite;
mod turn;

#[cfg(test)]
mod denied;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod scratch;
#[cfg(test)]
pub(in crate::store) mod suite;

use super::lease::Lease;
use super::node::Node;
use fitconnect_actors::ports::{StateStore, StoreError, Told};
use fitconnect_domain::Millis;
use fitconnect_protocol::Uuid;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What the house around the stores needs of one, besides the port.
pub trait Engine: StateStore {
    fn counts(&self) -> StateCounts;
    /// Takes all shards over, unless their owner is alive.
    fn own<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, Result<(), OwnError>>;
    /// When the last command was answered: a clock that is behind it was set back.
    fn newest(&self) -> BoxFuture<'_, Result<Option<Millis>, StoreError>>;
    /// What the event store has not been told: of each actor the oldest first, at most so many.
    fn outbox(&self, limit: u32) -> BoxFuture<'_, Result<Vec<Told>, StoreError>>;
    /// The event store has these.
    fn clear_outbox(&self, told: Vec<Told>) -> BoxFuture<'_, Result<(), StoreError>>;
    /// From now on actors are loaded only where their shard belongs to this incarnation.
    fn speaks_for(&self, incarnation: Uuid);
    /// From now on nothing is committed while this is not held.
    fn guard(&self, lease: Arc<Lease>);
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Why the shards are not ours.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    #[error(
        "the database is owned by another server, which is alive: {addr}; stop that one first, or take another database with --state"
    )]
    Alive { addr: String },
    #[error("a gym is being copied into this database: run `fitconnect migrate --from … --to …` to its end first")]
    Unfinished,
    #[error("the database does not answer: {0}")]
    Store(#[from] StoreError),
}

/// What a store counts.
#[derive(Clone, Debug, Default)]
pub struct StateCounts {
    /// Transactions, and actors' commits in them.
    pub transactions: u64,
    pub commits: u64,
    /// Statements outside of those transactions.
    pub queries: u64,
    /// Commits of which it was not known whether they had happened, and which were read again.
    pub unknown: u64,
    pub letters_unreadable: u64,
    /// Tries after the first, by work.
    pub retries: Vec<(&'static str, u64)>,
}
