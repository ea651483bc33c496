//! What goes over the wire: the only source of every frame, row, code and limit. Pure data, no I/O.
//! The TypeScript types, the golden frames and the AsyncAPI document are generated from here.
//! Everybody depends on this crate; it depends on nobody of ours.

pub mod class;
pub mod codec;
pub mod error;
pub mod frame;
pub mod ids;
pub mod limits;
pub mod notice;
pub mod presence;
pub mod report;
pub mod room;
pub mod sample;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session;
pub mod tick;
pub mod user;

pub use error::{CloseCode, ErrorCode, Refusal};
pub use ids::*;
pub use uuid::Uuid;

/// The WebSocket subprotocol that this crate describes.
pub const SUBPROTOCOL: &str = "fitconnect.v1";
/// Major and minor version of the protocol; a minor version only adds.
pub const VERSION: (u16, u16) = (1, 0);
