//! Whoever waits for an answer: a frame of a socket, a caller inside the process, or nobody.

use crate::outbox::Outbox;
use fitconnect_domain::Millis;
use fitconnect_protocol::codec::encode;
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{ErrorCode, Refusal};
use std::sync::Arc;
use tokio::sync::oneshot;

#[derive(Default)]
pub enum ReplyTo {
    #[default]
    Nobody,
    /// `id` 0: as a push.
    Frame {
        outbox: Arc<Outbox>,
        id: u32,
    },
    Call(oneshot::Sender<Response>),
}

impl ReplyTo {
    pub fn is_nobody(&self) -> bool {
        matches!(self, ReplyTo::Nobody)
    }

    pub fn answer(self, response: &Response, now: Millis) {
        match self {
            ReplyTo::Nobody => {}
            ReplyTo::Frame { outbox, id } => outbox.control(encode(id, response), now.0),
            // A caller that no longer waits has its reasons.
            ReplyTo::Call(sender) => drop(sender.send(response.clone())),
        }
    }

    pub fn refuse(self, code: ErrorCode, now: Millis) {
        self.answer(&Response::Refused(Refusal::from(code)), now);
    }
}
