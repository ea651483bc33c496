//! A crowd that follows one topic and measures how long its events take: the receiving side of `fanout` and `slow`.
//! The same crowd reads the server's frames and the floor's, so that the generator costs the same in both.

use super::{Crowd, Gone};
use crate::accounts::Account;
use crate::client::passes;
use crate::lean::sockets::Sockets;
use crate::now;
use crate::skim::{Skimmed, skim};
use crate::tally::Latencies;
use fitconnect_protocol::codec;
use fitconnect_protocol::session::{Request, Response, Topic};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Events of one run: an hour at 50 a second.
const EVENTS_MAX: usize = 200_000;

/// What stands in an event's text: when it was sent and which it is. The rest is filling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Unix microseconds of this machine: publisher and reader may be two processes.
    pub sent_us: u64,
    pub number: u32,
}

impl Stamp {
    /// `bytes` of text that begin with the stamp.
    pub fn text(self, bytes: usize) -> String {
        let mut text = format!("{:016x}{:08x}", self.sent_us, self.number);
        text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
        text
    }

    pub fn read(text: &str) -> Option<Stamp> {
        let sent_us = u64::from_str_radix(text.get(..16)?, 16).ok()?;
        let number = u32::from_str_radix(text.get(16..24)?, 16).ok()?;
        Some(Stamp { sent_us, number })
    }
}

#[derive(Debug, Default)]
pub struct Control {
    pub measure: AtomicBool,
    /// What is measured counts as `beside`: others of the topic do not read.
    pub beside: AtomicBool,
    /// Nobody reads while this stands.
    pub stall: AtomicBool,
    /// The newest event that any follower of the topic has had; crowds of one topic share it.
    pub newest: Arc<AtomicU64>,
    /// Followers who have read again and are not at the newest event yet.
    pub behind: AtomicU64,
    pub quit: AtomicBool,
    pub following: AtomicU64,
    pub dead: AtomicU64,
    pub deliveries: AtomicU64,
}

/// What was measured while `measure` stood.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub deliveries: u64,
    /// From the publisher's stamp to the arrival.
    pub sent: Latencies,
    /// From the first arrival at any socket to this one: the fan-out alone, without the way to the topic.
    pub spread: Latencies,
    pub gaps: u64,
    /// From reading again after a stall to the newest event.
    pub caught_up: Latencies,
}

struct Follower {
    /// 0: not followed yet.
    last: u64,
    up: bool,
    behind: bool,
}

pub struct Followers {
    accounts: Vec<Account>,
    /// `None`: a raw server that sends by itself.
    topic: Option<Topic>,
    control: Arc<Control>,
    followers: Vec<Follower>,
    later: BinaryHeap<Reverse<(u64, usize)>>,
    /// Arrival of each event at the first socket.
    first_us: Vec<u64>,
    following: u64,
    measuring: bool,
    stalled: bool,
    /// When the last stall ended.
    again_us: u64,
    behind: u64,
    total: u64,
    pub measured: Measured,
    /// While others did not read.
    pub beside: Measured,
    pub troubles: BTreeMap<String, u64>,
}

impl Followers {
    pub fn new(accounts: Vec<Account>, count: usize, topic: Option<Topic>, control: Arc<Control>) -> Followers {
        Followers {
            accounts,
            topic,
            control,
            followers: (0..count).map(|_| Follower { last: 0, up: false, behind: false }).collect(),
            later: BinaryHeap::new(),
            first_us: Vec::new(),
            following: 0,
            measuring: false,
            stalled: false,
            again_us: 0,
            behind: 0,
            total: 0,
            measured: Measured::default(),
            beside: Measured::default(),
            troubles: BTreeMap::new(),
        }
    }

    fn trouble(&mut self, what: String) {
        *self.troubles.entry(what).or_default() += 1;
    }

    fn up(&mut self, who: usize, up: bool) {
        if self.followers[who].up != up {
            self.followers[who].up = up;
            self.following = if up { self.following + 1 } else { self.following - 1 };
            self.control.following.store(self.following, Ordering::Relaxed);
        }
    }

    fn caught_up(&mut self, who: usize) {
        if std::mem::replace(&mut self.followers[who].behind, false) {
            self.behind -= 1;
            self.control.behind.store(self.behind, Ordering::Relaxed);
        }
    }

    fn subscribe(&mut self, who: usize, sockets: &mut Sockets) {
        if let Some(topic) = self.topic {
            sockets.send(who, &codec::encode_request(1, &Request::Subscribe { topic, position: None }));
        }
    }

    fn event(&mut self, who: usize, offset: u64, text: Option<&str>) {
        let follower = &mut self.followers[who];
        let gap = follower.last != 0 && offset != follower.last + 1;
        follower.last = offset;
        let newest = self.control.newest.fetch_max(offset, Ordering::Relaxed).max(offset);
        if self.followers[who].behind && offset == newest {
            self.caught_up(who);
            self.measured.caught_up.record(now::mono_us().saturating_sub(self.again_us));
        }
        let Some(stamp) = text.and_then(Stamp::read) else { return };
        let at_us = now::unix_us();
        let number = stamp.number as usize;
        if number >= EVENTS_MAX {
            return;
        }
        if self.first_us.len() <= number {
            self.first_us.resize(number + 1, 0);
        }
        let first = &mut self.first_us[number];
        if *first == 0 {
            *first = at_us;
        }
        self.total += 1;
        if self.measuring {
            let beside = self.control.beside.load(Ordering::Relaxed);
            let measured = if beside { &mut self.beside } else { &mut self.measured };
            measured.deliveries += 1;
            measured.gaps += u64::from(gap);
            measured.sent.record(at_us.saturating_sub(stamp.sent_us));
            measured.spread.record(at_us.saturating_sub(*first));
        }
    }

    fn other(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        let response = match codec::decode_response(payload) {
            Ok((_, response)) => response,
            Err(error) => return self.trouble(format!("unreadable: {error}")),
        };
        match response {
            Response::Welcome { .. } => self.subscribe(who, sockets),
            Response::Subscribed(subscribed) => {
                self.followers[who].last = subscribed.offset;
                self.up(who, true);
            }
            Response::Refused(refusal) if passes(refusal.code) => {
                self.later.push(Reverse((at_us + rand::random_range(250_000..750_000), who)));
            }
            Response::Refused(refusal) => {
                self.control.dead.fetch_add(1, Ordering::Relaxed);
                self.trouble(format!("refused: {refusal}"));
            }
            Response::Lagging { .. } => self.trouble("lagging".into()),
            Response::Done
            | Response::Resuming { .. }
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
            | Response::Typing { .. }
            | Response::Fives { .. }
            | Response::Presence { .. }
            | Response::Marks { .. }
            | Response::Event { .. }
            | Response::Tick { .. }
            | Response::Mine(_)
            | Response::Acked { .. }
            | Response::Attention { .. }
            | Response::Unwanted { .. }
            | Response::Whisper { .. }
            | Response::GoAway { .. } => {}
        }
    }
}

impl Crowd for Followers {
    fn token(&self, who: usize) -> &str {
        let account = self.accounts.get(who % self.accounts.len().max(1));
        account.and_then(|account| account.token.as_deref()).unwrap_or_default()
    }

    fn opened(&mut self, who: usize, _at_us: u64, _sockets: &mut Sockets) {
        if self.topic.is_none() {
            self.up(who, true);
        }
    }

    fn frame(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        match skim(payload) {
            Some((_, Skimmed::Event { offset, text, .. })) => self.event(who, offset, text),
            Some((_, Skimmed::Other { .. })) => self.other(who, payload, at_us, sockets),
            Some((_, Skimmed::Mine { .. } | Skimmed::Acked { .. } | Skimmed::Tick { .. })) => {}
            None => self.trouble("unreadable".into()),
        }
    }

    fn gone(&mut self, who: usize, why: Gone, at_us: u64) -> Option<u64> {
        self.up(who, false);
        self.caught_up(who);
        self.followers[who].last = 0;
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        let may_return = why.may_return();
        self.trouble(why.word());
        if !may_return {
            self.control.dead.fetch_add(1, Ordering::Relaxed);
        }
        may_return.then(|| at_us + rand::random_range(500_000..2_000_000))
    }

    fn pass(&mut self, now_us: u64, sockets: &mut Sockets) -> Option<u64> {
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        self.measuring = self.control.measure.load(Ordering::Relaxed);
        self.control.deliveries.store(self.total, Ordering::Relaxed);
        while let Some(Reverse((at_us, who))) = self.later.peek().copied() {
            if at_us > now_us {
                break;
            }
            self.later.pop();
            self.subscribe(who, sockets);
        }
        Some(self.later.peek().map_or(u64::MAX, |Reverse((at_us, _))| *at_us))
    }

    fn reads(&self, who: usize) -> bool {
        !(self.stalled && self.followers[who].up)
    }

    fn read_again(&mut self) -> Vec<usize> {
        let stall = self.control.stall.load(Ordering::Relaxed);
        if stall || !std::mem::replace(&mut self.stalled, stall) {
            self.stalled = stall;
            return Vec::new();
        }
        self.again_us = now::mono_us();
        let again: Vec<usize> = (0..self.followers.len()).filter(|who| self.followers[*who].up).collect();
        again.iter().for_each(|who| self.followers[*who].behind = true);
        self.behind = again.len() as u64;
        self.control.behind.store(self.behind, Ordering::Relaxed);
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_back_from_a_text_of_the_length_asked_for() {
        let stamp = Stamp { sent_us: 1_795_459_200_123_456, number: 77 };
        let text = stamp.text(60);
        assert_eq!((text.len(), Stamp::read(&text)), (60, Some(stamp)));
        assert_eq!(Stamp::read(&stamp.text(0)), Some(stamp));
        assert_eq!(Stamp::read("Push"), None);
    }
}
