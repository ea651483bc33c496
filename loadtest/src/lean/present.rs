//! A crowd in one room that says how it is there, as pages do, and holds what it is told of each other against that.

use super::{Crowd, Gone};
use crate::accounts::Account;
use crate::client::passes;
use crate::lean::sockets::Sockets;
use fitconnect_protocol::codec;
use fitconnect_protocol::limits::{HERE_EVERY_MS, PRESENT_SHOWN};
use fitconnect_protocol::presence::Presence;
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::{RoomId, UserId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const HERE_EVERY_US: u64 = HERE_EVERY_MS * 1_000;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug, Default)]
pub struct Control {
    pub measure: AtomicBool,
    /// The first of the crowd say nothing any more, with their sockets open.
    pub silent: AtomicBool,
    /// The first of the crowd lose their sockets, and stay away.
    pub cut: AtomicBool,
    pub quit: AtomicBool,
    pub following: AtomicU64,
    /// How many are there, in truth.
    pub truth: AtomicU64,
    /// What those who stay have been told, once all of them have been told the same.
    pub known: AtomicU64,
    pub dead: AtomicU64,
}

/// What was measured while `measure` stood, and everybody was there.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub frames: u64,
    pub bytes: u64,
    /// The most that one socket has got within a second.
    pub second_max: u32,
    /// Frames whose counts do not add up to all who are there: somebody was told to have gone.
    pub miscounted: u64,
    /// Frames that name others than whom the page looks at.
    pub misnamed: u64,
    /// Frames to those who look at people.
    pub looked: u64,
}

#[derive(Default)]
struct Page {
    up: bool,
    user: Option<UserId>,
    looks_at: BTreeSet<UserId>,
    /// Beginning of the second that is counted, and frames in it.
    second_us: u64,
    in_second: u32,
    /// How many it was told last.
    told: u64,
}

pub struct Present {
    accounts: Vec<Account>,
    room: RoomId,
    /// The first of the crowd, who will go.
    going: usize,
    /// The last of the crowd, who look at people.
    looking: usize,
    /// People whom each of those looks at.
    looked_at: usize,
    control: Arc<Control>,
    pages: Vec<Page>,
    /// When each says again that it is there.
    here: BinaryHeap<Reverse<(u64, usize)>>,
    following: u64,
    looks: bool,
    measuring: bool,
    pub measured: Measured,
    pub troubles: BTreeMap<String, u64>,
}

impl Present {
    pub fn new(accounts: Vec<Account>, room: RoomId, going: usize, looking: usize, control: Arc<Control>) -> Present {
        Present {
            pages: accounts.iter().map(|_| Page::default()).collect(),
            looked_at: 50.min(accounts.len() / 2),
            accounts,
            room,
            going,
            looking,
            control,
            here: BinaryHeap::new(),
            following: 0,
            looks: false,
            measuring: false,
            measured: Measured::default(),
            troubles: BTreeMap::new(),
        }
    }

    fn trouble(&mut self, what: String) {
        *self.troubles.entry(what).or_default() += 1;
    }

    fn subscribe(&self, who: usize, sockets: &mut Sockets) {
        let request = Request::Subscribe { topic: Topic::Room(self.room), position: None };
        sockets.send(who, &codec::encode_request(1, &request));
    }

    /// Somebody says how they are there: otherwise than before, more often than not.
    fn say(&self, who: usize, sockets: &mut Sockets) {
        let is = [Presence::Online, Presence::InClass, Presence::Away][rand::random_range(0..3)];
        sockets.send(who, &codec::encode_request(0, &Request::Here { is }));
    }

    /// The last of the crowd open the list of members, each at another place.
    fn look(&mut self, sockets: &mut Sockets) {
        let count = self.pages.len();
        for who in count - self.looking..count {
            let begin = rand::random_range(0..count);
            let others = (0..self.looked_at).filter_map(|n| self.pages[(begin + n) % count].user);
            let people: BTreeSet<_> = others.collect();
            let request = Request::LookAt { room: self.room, people: people.iter().copied().collect() };
            sockets.send(who, &codec::encode_request(0, &request));
            self.pages[who].looks_at = people;
        }
    }

    fn told(&mut self, who: usize, counted: u64, named: &BTreeSet<UserId>, bytes: usize, at_us: u64) {
        let truth = self.control.truth.load(Ordering::Relaxed);
        let page = &mut self.pages[who];
        page.told = counted;
        if at_us >= page.second_us + SECOND_US {
            (page.second_us, page.in_second) = (at_us, 0);
        }
        page.in_second += 1;
        if !self.measuring {
            return;
        }
        let measured = &mut self.measured;
        measured.frames += 1;
        measured.bytes += bytes as u64;
        measured.second_max = measured.second_max.max(page.in_second);
        measured.miscounted += u64::from(counted != truth);
        measured.looked += u64::from(!page.looks_at.is_empty());
        let all_named = truth <= PRESENT_SHOWN as u64 && page.looks_at.is_empty();
        measured.misnamed += u64::from(!all_named && *named != page.looks_at);
    }

    fn heard(&mut self, who: usize, response: Response, bytes: usize, at_us: u64, sockets: &mut Sockets) {
        match response {
            Response::Welcome { user, .. } => {
                self.pages[who].user = Some(user);
                self.subscribe(who, sockets);
            }
            Response::Subscribed(_) => {
                self.pages[who].up = true;
                self.following += 1;
                self.control.following.store(self.following, Ordering::Relaxed);
                self.say(who, sockets);
                self.here.push(Reverse((at_us + rand::random_range(0..HERE_EVERY_US), who)));
            }
            Response::Presence { online, in_class, away, people, .. } => {
                let named = people.into_iter().map(|present| present.0).collect();
                self.told(who, u64::from(online + in_class + away), &named, bytes, at_us);
            }
            Response::Refused(refusal) if passes(refusal.code) => {
                self.trouble(format!("asked again: {}", refusal.code.as_str()));
                self.subscribe(who, sockets);
            }
            Response::Refused(refusal) => {
                self.control.dead.fetch_add(1, Ordering::Relaxed);
                self.trouble(format!("refused: {refusal}"));
            }
            // People of the room come in while others follow it already.
            _ => {}
        }
    }
}

impl Crowd for Present {
    fn token(&self, who: usize) -> &str {
        self.accounts[who].token.as_deref().unwrap_or_default()
    }

    fn opened(&mut self, _who: usize, _at_us: u64, _sockets: &mut Sockets) {}

    fn frame(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        match codec::decode_response(payload) {
            Ok((_, response)) => self.heard(who, response, payload.len(), at_us, sockets),
            Err(error) => self.trouble(format!("unreadable: {error}")),
        }
    }

    fn gone(&mut self, who: usize, why: Gone, at_us: u64) -> Option<u64> {
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        self.trouble(why.word());
        if std::mem::take(&mut self.pages[who].up) {
            self.control.dead.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(at_us + rand::random_range(150_000..300_000))
    }

    fn pass(&mut self, now_us: u64, sockets: &mut Sockets) -> Option<u64> {
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        let silent = self.control.silent.load(Ordering::Relaxed);
        self.measuring = self.control.measure.load(Ordering::Relaxed);
        if self.following == self.pages.len() as u64 && !std::mem::replace(&mut self.looks, true) {
            self.look(sockets);
        }
        let mut told = self.pages[self.going..].iter().map(|page| page.told);
        if let Some(first) = told.next().filter(|first| told.all(|other| other == *first)) {
            self.control.known.store(first, Ordering::Relaxed);
        }
        if self.control.cut.swap(false, Ordering::Relaxed) {
            for who in 0..self.going {
                self.pages[who].up = false;
                sockets.drop_socket(who);
            }
        }
        while let Some(Reverse((at_us, who))) = self.here.peek().copied() {
            if at_us > now_us {
                break;
            }
            self.here.pop();
            if self.pages[who].up {
                if !(silent && who < self.going) {
                    self.say(who, sockets);
                }
                self.here.push(Reverse((at_us + HERE_EVERY_US, who)));
            }
        }
        Some(self.here.peek().map_or(u64::MAX, |Reverse((at_us, _))| *at_us))
    }

    fn reads(&self, _who: usize) -> bool {
        true
    }
}
