//! (being written)
pub mod sql;
