//! The bodies of the house: hosts that run the domain's machines inside actix actors, and what stands between them.
//! Decisions are the domain's, engines the shell's; here are order, durability and fan-out.

mod asks;
pub mod body;
mod class;
mod commands;
mod committer;
mod fill;
mod host;
pub mod house;
pub mod hub;
mod letters;
pub mod outbox;
mod outgoing;
pub mod ports;
pub mod reply;
mod room;
mod session;
pub mod stats;
mod user;

/// For those who measure a reload without a house around it.
pub use class::ClassBody;
pub use house::{House, Marks, Ports, Spawner};
pub use reply::ReplyTo;
/// A room's stored event, the message of one, and what a store calls a kind of room.
pub use room::{event as room_event, kind_name as room_kind_name, posted};
