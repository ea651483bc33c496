//! A socket without a network: what the shell's socket does with its outbox, its session and the hub, call for call.

use fitconnect_actors::House;
use fitconnect_actors::outbox::Outbox;
use fitconnect_actors::reply::ReplyTo;
use fitconnect_domain::Millis;
use fitconnect_domain::class::Caller;
use fitconnect_domain::session::Input;
use fitconnect_protocol::codec;
use fitconnect_protocol::limits::*;
use fitconnect_protocol::session::{Request, Response, TopicPosition};
use fitconnect_protocol::{CloseCode, SessionId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

pub struct Socket {
    pub outbox: Arc<Outbox>,
    /// Of its token.
    until: Millis,
    /// A socket drains when it has been woken, and only then.
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A token of a day.
const TOKEN_MS: u64 = 24 * 3_600_000;

impl Socket {
    fn new(by: Arc<Caller>, until: Millis) -> Socket {
        let (outbox, woken) = (Outbox::new(by), Arc::<Woken>::default());
        outbox.drained_by(&woken.clone().into());
        Socket { outbox, until, woken }
    }

    /// The person is known: a session begins.
    pub fn open(house: &Arc<House>, by: Caller, now: Millis) -> Socket {
        Socket::open_until(house, by, now.plus(TOKEN_MS))
    }

    /// With a token that ends then.
    pub fn open_until(house: &Arc<House>, by: Caller, until: Millis) -> Socket {
        let socket = Socket::new(Arc::new(by), until);
        house.open_session(until, &socket.outbox);
        socket
    }

    pub fn session(&self) -> SessionId {
        self.outbox.by.session
    }

    /// Takes a lost session back where it still waits; then every topic answers by itself. `false`: the socket must close.
    pub fn resume(
        &mut self,
        house: &Arc<House>,
        id: u32,
        wanted: Option<SessionId>,
        topics: Vec<TopicPosition>,
        now: Millis,
        read: impl FnMut(&[u8]),
    ) -> bool {
        let own = self.outbox.clone();
        let known = wanted.filter(|wanted| *wanted != own.by.session).and_then(|id| house.lost_session(id, &own.by));
        let carried = known.is_some();
        let reclaimed = known.is_some_and(|by| {
            self.carry(by, read);
            let taken = house.reclaim_session(self.until, &self.outbox);
            if taken {
                house.session_ended(own.by.session, Some(&own));
            }
            taken
        });
        if carried && !reclaimed {
            return false;
        }
        let session = self.session();
        let answer = Response::Resuming { session, reclaimed, topics: topics.len() as u32 };
        self.outbox.control(codec::encode(id, &answer), now.0);
        let resume = Request::Resume { session: None, topics };
        house.to_session(session, Input::Frame(resume), ReplyTo::Nobody);
        true
    }

    fn carry(&mut self, by: Arc<Caller>, read: impl FnMut(&[u8])) {
        let before = std::mem::replace(self, Socket::new(by, self.until));
        before.drain_from(read);
        before.outbox.shut();
    }

    fn drain_from(&self, mut read: impl FnMut(&[u8])) -> Option<CloseCode> {
        loop {
            // All of it leaves at once: no time passes while something is left.
            let close = self.outbox.drain(0, |frame| read(&frame));
            if !self.outbox.is_awake() {
                return close;
            }
        }
    }

    /// Writes what waits, where it has been woken.
    pub fn drain(&self, house: &Arc<House>, now: Millis, read: impl FnMut(&[u8])) -> Option<CloseCode> {
        if !self.woken.0.swap(false, Ordering::Relaxed) {
            return None;
        }
        let close = self.drain_from(read);
        if self.outbox.take_lagging() {
            house.hub.catch_up(&self.outbox, now.0);
        }
        close
    }

    /// One frame was read. `id` 0 wants no reply.
    pub fn request(&self, house: &Arc<House>, bytes: &[u8], now: Millis) {
        match codec::decode(bytes) {
            Ok((id, request)) => {
                let expected = match request {
                    Request::Samples(_) | Request::Seen { .. } => false,
                    Request::Subscribe { .. } => true,
                    _ => id != 0,
                };
                let reply = ReplyTo::Frame { outbox: self.outbox.clone(), id };
                let reply = if expected { reply } else { ReplyTo::Nobody };
                house.to_session(self.session(), Input::Frame(request), reply);
            }
            Err(bad) => {
                let id = bad.id.unwrap_or(0);
                self.outbox.control(codec::encode(id, &Response::Refused(bad.refusal)), now.0);
                house.to_session(self.session(), Input::Bad, ReplyTo::Nobody);
            }
        }
    }

    /// Nothing was taken for too long: the reaper cuts it.
    pub fn is_stalled(&self, now: Millis) -> bool {
        let (_, since) = self.outbox.waiting();
        since.is_some_and(|since| now.since(Millis(since)) > STALLED_MS_MAX)
    }

    /// The server finds the socket gone.
    pub fn gone(outbox: &Arc<Outbox>, house: &Arc<House>) {
        outbox.shut();
        // Another socket may carry the session by now.
        if house.hub.detach(outbox) {
            house.to_session(outbox.by.session, Input::Detached, ReplyTo::Nobody);
        }
    }
}
