//! Shuts sockets whose readers take nothing, and reminds the others of their heartbeat.

use super::wire::Wire;
use crate::app::App;
use actix_web::web;
use dashmap::DashMap;
use fitconnect_actors::outbox::Outbox;
use fitconnect_domain::Millis;
use fitconnect_protocol::SessionId;
use fitconnect_protocol::limits::HEARTBEAT_MS;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of half a heartbeat.
pub const KNOCK_ROUNDS: u128 = HEARTBEAT_MS as u128 / 2_000;

/// Open sockets, for the reaper.
#[derive(Default)]
pub struct Sockets(DashMap<SessionId, (Arc<Wire>, Arc<Outbox>)>);

impl Sockets {
    pub(super) fn watch(&self, wire: &Arc<Wire>, outbox: &Arc<Outbox>) {
        self.0.insert(outbox.by.session, (wire.clone(), outbox.clone()));
    }

    pub(super) fn unwatch(&self, outbox: &Arc<Outbox>) {
        self.0.remove_if(&outbox.by.session, |_, (_, known)| Arc::ptr_eq(known, outbox));
    }

    /// Bytes that wait in user space for all sockets together, and for the one that has most.
    pub fn waiting_bytes(&self) -> (usize, usize) {
        let each = self.0.iter().map(|entry| entry.0.waiting() + entry.1.waiting().0);
        each.fold((0, 0), |(sum, most), bytes| (sum + bytes, most.max(bytes)))
    }

    /// Shuts whoever has taken nothing for too long; how many.
    fn shut_stalled(&self, now: Millis) -> usize {
        let stalled = self.0.iter().filter(|entry| entry.0.is_stalled(now));
        stalled.map(|entry| entry.0.shut()).count()
    }

    /// Asks some of the sockets to see to their heartbeat, by turns: each within half a heartbeat, whenever it came. One timer for
    /// all costs less than one each.
    pub fn knock(&self, round: u128) {
        let turn = |session: &SessionId| session.0.as_u128() % KNOCK_ROUNDS == round % KNOCK_ROUNDS;
        self.0.iter().filter(|entry| turn(entry.key())).for_each(|entry| entry.1.knock());
    }
}

/// Looks every second.
pub async fn reap(app: web::Data<App>) {
    for round in 0.. {
        actix_web::rt::time::sleep(Duration::from_secs(1)).await;
        app.sockets.knock(round);
        let shut = app.sockets.shut_stalled(app.clock.now());
        if shut > 0 {
            tracing::debug!(shut, "stalled sockets were shut");
            app.telemetry.reaped(shut);
        }
    }
}
