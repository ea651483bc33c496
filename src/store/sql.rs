//! State in SQL: one body of portable statements, an engine a module. The engine says how transactions begin, how it is opened and what
//! its errors mean; nothing else differs.

pub mod migrate;
pub(in crate::store) mod rows;
pub mod sqlite;

#[cfg(test)]
mod suite;

pub use sqlite::{SqlState, open};
