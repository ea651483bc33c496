//! Shuts sockets whose readers take nothing. It stands outside the socket's actor, which is frozen in just that case:
//! it gets hold of the connection by itself and closes it under the actor.

mod conn;

use crate::app::App;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::web;
pub use conn::Conn;
use dashmap::DashMap;
use fitconnect_actors::outbox::Outbox;
use fitconnect_protocol::SessionId;
use fitconnect_protocol::limits::{HEARTBEAT_MS, SO_SNDBUF, STALLED_MS_MAX};
use socket2::SockRef;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of half a heartbeat.
pub const KNOCK_ROUNDS: u128 = HEARTBEAT_MS as u128 / 2_000;

/// Called by the HTTP server for each connection.
pub fn on_connect(stream: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    // Without this, loopback swallows megabytes before a stalled reader is felt.
    let _ = socket.set_send_buffer_size(SO_SNDBUF);
    let _ = socket.set_tcp_nodelay(true);
    match Conn::of(stream) {
        Ok(conn) => drop(extensions.insert(conn)),
        Err(error) => tracing::warn!(%error, "no way to get hold of a connection: it cannot be reaped"),
    }
}

/// Open sockets, for the reaper.
#[derive(Default)]
pub struct Sockets(DashMap<SessionId, (Option<Conn>, Arc<Outbox>)>);

impl Sockets {
    pub(super) fn watch(&self, conn: Option<Conn>, outbox: &Arc<Outbox>) {
        self.0.insert(outbox.by.session, (conn, outbox.clone()));
    }

    pub(super) fn unwatch(&self, outbox: &Arc<Outbox>) {
        self.0.remove_if(&outbox.by.session, |_, (_, known)| Arc::ptr_eq(known, outbox));
    }

    /// Bytes that wait for all sockets together.
    pub fn waiting_bytes(&self) -> usize {
        self.0.iter().map(|entry| entry.1.waiting().0).sum()
    }

    /// Shuts whoever has taken nothing for too long; how many.
    fn shut_stalled(&self, now_ms: u64) -> usize {
        let stalled =
            |outbox: &Outbox| outbox.waiting().1.is_some_and(|since| now_ms.saturating_sub(since) >= STALLED_MS_MAX);
        let conns: Vec<Conn> =
            self.0.iter().filter(|entry| stalled(&entry.1)).filter_map(|entry| entry.0.clone()).collect();
        conns.iter().for_each(Conn::shut);
        conns.len()
    }

    /// Asks some of the sockets to see to their heartbeat, by turns: each within half a heartbeat, whenever it came. One timer for
    /// all costs less than one each, which every poll of a socket would look at.
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
        let shut = app.sockets.shut_stalled(app.clock.now().0);
        if shut > 0 {
            tracing::debug!(shut, "stalled sockets were shut");
            app.telemetry.reaped(shut);
        }
    }
}
