//! The load generator and client kit: a fleet that speaks the protocol like any foreign client.
//! Knows the protocol and the recordings, nothing of the server. The binary drives it from a terminal; proofs and the
//! demo drive it as a library.

pub mod accounts;
pub mod client;
pub mod error;
pub mod faults;
pub mod floor;
pub mod follow;
pub mod frame;
pub mod http;
pub mod lean;
pub mod now;
pub mod outbox;
pub mod people;
pub mod process;
pub mod progress;
pub mod reflect;
pub mod report;
pub mod rider;
pub mod run;
pub mod skim;
pub mod tally;
pub mod trainer;
pub mod view;

pub use error::LoadError;
