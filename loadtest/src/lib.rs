//! The load generator and client kit: a fleet that speaks the protocol like any foreign client.
//! Knows the protocol and the recordings, nothing of the server. The binary drives it from a terminal; proofs and the
//! demo drive it as a library.

pub mod accounts;
pub mod client;
pub mod error;
pub mod faults;
pub mod frame;
pub mod http;
pub mod now;
pub mod outbox;
pub mod people;
pub mod reflect;
pub mod skim;

pub use error::LoadError;
