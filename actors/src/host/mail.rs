//! What is put into a host's mailbox, and the count of it.

use crate::body::{Body, Input};
use crate::outbox::Outbox;
use crate::ports::StoredLetter;
use crate::reply::ReplyTo;
use crate::stats::{Kind, Stats};
use actix::Message;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is put into a host's mailbox.
pub enum Post<B: Body> {
    Input(Input<B>, ReplyTo),
    Letter(StoredLetter),
    /// Something stored is due: be awake.
    Nudge,
    /// Another socket carries the session.
    Attach(Arc<Outbox>, Input<B>),
    /// Nobody will ask any more.
    Stop,
}

/// A post on its way. It is counted as long as it waits, whatever becomes of it.
pub struct Mail<B: Body> {
    post: Post<B>,
    waits: Waits,
}

struct Waits {
    stats: Arc<Stats>,
    kind: Kind,
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.stats.of(self.kind).mailbox.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<B: Body> Mail<B> {
    pub fn new(post: Post<B>, stats: &Arc<Stats>) -> Self {
        stats.of(B::KIND).mailbox.fetch_add(1, Ordering::Relaxed);
        Mail { post, waits: Waits { stats: stats.clone(), kind: B::KIND } }
    }

    pub fn open(self) -> Post<B> {
        drop(self.waits);
        self.post
    }
}

impl<B: Body> Message for Mail<B> {
    type Result = ();
}
