//! A crowd that connects, follows one topic and sits: for memory (`idle`), for the herd that comes back (`storm`), and, where
//! it does not read, for stalled viewers.

use super::{Crowd, Gone};
use crate::accounts::Account;
use crate::client::passes;
use crate::lean::sockets::Sockets;
use crate::tally::Latencies;
use fitconnect_protocol::codec;
use fitconnect_protocol::session::{Request, Response, Topic, TopicPosition};
use fitconnect_protocol::{ErrorCode, SessionId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A refused dial is tried again after about so long, while a server starts.
const DIAL_AGAIN_US: u64 = 300_000;

#[derive(Debug, Default)]
pub struct Control {
    pub quit: AtomicBool,
    /// All sockets are cut; each dials again within `jitter_us`.
    pub cut: AtomicBool,
    /// Sockets whose topic is followed, or that sit stalled.
    pub sitting: AtomicU64,
    pub dead: AtomicU64,
    /// Sockets that were lost since the start.
    pub lost: AtomicU64,
}

/// How a crowd sits.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Topic of each, by place modulo their number.
    pub topics: Vec<Topic>,
    /// After a loss each dials again at a random moment of so long.
    pub jitter_us: u64,
    /// Stops reading once the topic is followed.
    pub stalls: bool,
}

/// What was measured of dials that came through.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub welcome: Latencies,
    /// Of the return after a loss.
    pub again_welcome: Latencies,
    pub again_resumed: Latencies,
    pub reclaimed: u64,
    pub recovered: u64,
    pub not_recovered: u64,
    /// Unix-free microseconds of the first loss and of the last return.
    pub first_loss_us: Option<u64>,
    pub last_return_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Away,
    Opening,
    Asking,
    Sitting,
    Dead,
}

struct Sitter {
    stage: Stage,
    opened_us: u64,
    /// Has sat before.
    again: bool,
    session: Option<SessionId>,
    at: Option<(u32, u64)>,
}

pub struct Sitters {
    accounts: Vec<Account>,
    manner: Manner,
    control: Arc<Control>,
    sitters: Vec<Sitter>,
    later: BinaryHeap<Reverse<(u64, usize)>>,
    sitting: u64,
    pub measured: Measured,
    pub troubles: BTreeMap<String, u64>,
}

const SUBSCRIBE: u32 = 1;
const RESUME: u32 = 2;

impl Sitters {
    pub fn new(accounts: Vec<Account>, count: usize, manner: Manner, control: Arc<Control>) -> Sitters {
        let sitter = || Sitter { stage: Stage::Away, opened_us: 0, again: false, session: None, at: None };
        Sitters {
            accounts,
            manner,
            control,
            sitters: (0..count).map(|_| sitter()).collect(),
            later: BinaryHeap::new(),
            sitting: 0,
            measured: Measured::default(),
            troubles: BTreeMap::new(),
        }
    }

    fn topic(&self, who: usize) -> Topic {
        self.manner.topics[who % self.manner.topics.len()]
    }

    fn trouble(&mut self, what: String) {
        *self.troubles.entry(what).or_default() += 1;
    }

    fn ask(&mut self, who: usize, sockets: &mut Sockets) {
        let topic = self.topic(who);
        let sitter = &mut self.sitters[who];
        sitter.stage = Stage::Asking;
        let (id, request) = match (sitter.session, sitter.at) {
            (session @ Some(_), Some((epoch, offset))) => {
                (RESUME, Request::Resume { session, topics: vec![TopicPosition(topic, epoch, offset)] })
            }
            _ => (SUBSCRIBE, Request::Subscribe { topic, position: None }),
        };
        sockets.send(who, &codec::encode_request(id, &request));
    }

    fn sit(&mut self, who: usize, at_us: u64) {
        let sitter = &mut self.sitters[who];
        if sitter.stage != Stage::Asking {
            return;
        }
        sitter.stage = Stage::Sitting;
        if sitter.again {
            self.measured.again_resumed.record(at_us.saturating_sub(sitter.opened_us));
            self.measured.last_return_us = at_us;
        }
        sitter.again = true;
        self.sitting += 1;
        self.control.sitting.store(self.sitting, Ordering::Relaxed);
    }

    fn lose(&mut self, who: usize, at_us: u64) {
        if self.sitters[who].stage == Stage::Sitting {
            self.sitting -= 1;
            self.control.sitting.store(self.sitting, Ordering::Relaxed);
            self.control.lost.fetch_add(1, Ordering::Relaxed);
            self.measured.first_loss_us.get_or_insert(at_us);
        }
        self.sitters[who].stage = Stage::Away;
    }

    fn heard(&mut self, who: usize, id: u32, response: Response, at_us: u64, sockets: &mut Sockets) {
        match response {
            Response::Welcome { session, .. } => {
                let sitter = &self.sitters[who];
                let took = at_us.saturating_sub(sitter.opened_us);
                let latencies =
                    if sitter.again { &mut self.measured.again_welcome } else { &mut self.measured.welcome };
                latencies.record(took);
                if !sitter.again {
                    self.sitters[who].session = Some(session);
                }
                self.ask(who, sockets);
            }
            Response::Resuming { session, reclaimed, .. } => {
                self.measured.reclaimed += u64::from(reclaimed);
                self.sitters[who].session = Some(session);
            }
            Response::Subscribed(subscribed) => {
                if self.sitters[who].again {
                    self.measured.recovered += u64::from(subscribed.recovered);
                    self.measured.not_recovered += u64::from(!subscribed.recovered);
                }
                self.sitters[who].at = Some((subscribed.epoch, subscribed.offset));
                self.sit(who, at_us);
            }
            Response::Refused(refusal)
                if id != 0 && (passes(refusal.code) || refusal.code == ErrorCode::ShuttingDown) =>
            {
                self.trouble(format!("asked again: {}", refusal.code.as_str()));
                let wait_us = u64::from(refusal.retry_after_ms.unwrap_or(500)) * 1_000 + rand::random_range(0..250_000);
                self.later.push(Reverse((at_us + wait_us, who)));
            }
            Response::Refused(refusal) if id != 0 => {
                self.sitters[who].stage = Stage::Dead;
                self.control.dead.fetch_add(1, Ordering::Relaxed);
                self.trouble(format!("refused: {refusal}"));
            }
            Response::Event { o, .. } => {
                if let Some(at) = &mut self.sitters[who].at {
                    at.1 = o;
                }
            }
            Response::Refused(_)
            | Response::Done
            | Response::Clock { .. }
            | Response::Joined { .. }
            | Response::Booted { .. }
            | Response::Planned { .. }
            | Response::Foreseen(_)
            | Response::Hidden { .. }
            | Response::Numbered { .. }
            | Response::Page { .. }
            | Response::Members { .. }
            | Response::Ended { .. }
            | Response::Tick { .. }
            | Response::Mine(_)
            | Response::Acked { .. }
            | Response::Attention { .. }
            | Response::Unwanted { .. }
            | Response::Whisper { .. }
            | Response::Lagging { .. }
            | Response::Typing { .. }
            | Response::Fives { .. }
            | Response::Presence { .. }
            | Response::Marks { .. }
            | Response::GoAway { .. } => {}
        }
    }
}

impl Crowd for Sitters {
    fn token(&self, who: usize) -> &str {
        let account = self.accounts.get(who % self.accounts.len().max(1));
        account.and_then(|account| account.token.as_deref()).unwrap_or_default()
    }

    fn opened(&mut self, who: usize, _at_us: u64, sockets: &mut Sockets) {
        self.sitters[who].stage = Stage::Opening;
        // The wait for the first frame counts from the dial.
        self.sitters[who].opened_us = sockets.dialled_at(who);
    }

    fn frame(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        match codec::decode_response(payload) {
            Ok((id, response)) => self.heard(who, id, response, at_us, sockets),
            Err(error) => self.trouble(format!("unreadable: {error}")),
        }
    }

    fn gone(&mut self, who: usize, why: Gone, at_us: u64) -> Option<u64> {
        let sat = self.sitters[who].stage == Stage::Sitting;
        self.lose(who, at_us);
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        if !why.may_return() {
            self.sitters[who].stage = Stage::Dead;
            self.control.dead.fetch_add(1, Ordering::Relaxed);
            self.trouble(why.word());
            return None;
        }
        self.trouble(why.word());
        let wait_us = if sat {
            rand::random_range(0..=self.manner.jitter_us)
        } else {
            rand::random_range(DIAL_AGAIN_US / 2..DIAL_AGAIN_US)
        };
        Some(at_us + wait_us)
    }

    fn pass(&mut self, now_us: u64, sockets: &mut Sockets) -> Option<u64> {
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        if self.control.cut.swap(false, Ordering::Relaxed) {
            for who in 0..self.sitters.len() {
                sockets.drop_socket(who);
                if self.sitters[who].stage != Stage::Dead {
                    self.lose(who, now_us);
                    sockets.dial_at(who, now_us + rand::random_range(0..=self.manner.jitter_us));
                }
            }
        }
        while let Some(Reverse((at_us, who))) = self.later.peek().copied() {
            if at_us > now_us {
                break;
            }
            self.later.pop();
            if self.sitters[who].stage == Stage::Asking {
                self.ask(who, sockets);
            }
        }
        Some(self.later.peek().map_or(u64::MAX, |Reverse((at_us, _))| *at_us))
    }

    fn reads(&self, who: usize) -> bool {
        !(self.manner.stalls && self.sitters[who].stage == Stage::Sitting)
    }
}
