//! The lean fleet: thousands of sockets on one thread over epoll, frames by hand, next to no memory each. What the sockets
//! say is a crowd's business (`lean/riders.rs`, `followers.rs`, `present.rs`, `sitters.rs`); this file dials, reads, writes and comes back.
//! Half of a measurement on one machine is the generator: what it does not cost, the server may.

pub mod followers;
pub mod present;
pub mod riders;
pub mod sitters;
pub mod sockets;

use crate::error::LoadError;
use crate::frame::{self, Parsed};
use crate::now;
use mio::Events;
use mio::event::Event;
use sockets::{Progress, Sockets};
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::Duration;

const READ_BYTES: usize = 256 * 1024;
const EVENTS_MAX: usize = 4_096;
/// The crowd is asked at least so often.
const PASS_EVERY_US: u64 = 100_000;
const CARE_EVERY_US: u64 = 1_000_000;
/// A dial or an upgrade that takes longer has failed.
const OPEN_WITHIN_US: u64 = 20_000_000;

/// How a fleet dials.
#[derive(Clone, Debug)]
pub struct Options {
    pub addr: SocketAddr,
    pub authority: String,
    /// No upgrade: frames follow at once, as from the floor.
    pub raw: bool,
    pub count: usize,
    /// One dial after the other at this distance.
    pub dial_every_us: u64,
    /// Dials at a time.
    pub dialing_max: usize,
    /// What gathers in so many microseconds is read together: fewer wake-ups, latencies longer by at most that.
    pub gather_us: u64,
    pub heartbeat_us: u64,
    /// Kernel's receive buffer, for sockets that are to stall soon.
    pub receive_bytes: Option<usize>,
}

impl Options {
    pub fn new(server: &crate::http::Server, count: usize) -> Options {
        Options {
            addr: server.addr,
            authority: server.authority.clone(),
            raw: false,
            count,
            dial_every_us: 1_000,
            dialing_max: 256,
            gather_us: 0,
            heartbeat_us: 25_000_000,
            receive_bytes: None,
        }
    }
}

/// Why a socket is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Nobody answered the dial, or not in time.
    Unreachable(ErrorKind),
    /// The upgrade was refused with this status.
    Refused(u16),
    /// The server closed it.
    Closed { code: u16, reason: String },
    /// It broke without a word.
    Lost,
    /// The server sent what is no frame.
    Bad(&'static str),
}

impl Gone {
    /// One or two words for a count.
    pub fn word(&self) -> String {
        match self {
            Gone::Unreachable(kind) => format!("unreachable: {kind}"),
            Gone::Refused(status) => format!("refused: HTTP {status}"),
            Gone::Closed { code, reason } => format!("closed: {code} {reason}"),
            Gone::Lost => "lost".into(),
            Gone::Bad(what) => format!("bad frame: {what}"),
        }
    }

    pub fn may_return(&self) -> bool {
        match self {
            Gone::Unreachable(_) | Gone::Lost => true,
            Gone::Refused(status) => *status == 429 || *status >= 500,
            Gone::Closed { code, .. } => *code < 4500,
            Gone::Bad(_) => false,
        }
    }
}

/// What the sockets of a fleet say and hear. `who` counts from 0.
pub trait Crowd {
    fn token(&self, who: usize) -> &str;
    /// The upgrade is through; the server's first frame is still to come.
    fn opened(&mut self, who: usize, at_us: u64, sockets: &mut Sockets);
    fn frame(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets);
    /// When to dial again, if ever.
    fn gone(&mut self, who: usize, why: Gone, at_us: u64) -> Option<u64>;
    /// Does what is due and says when it wants to be asked again; `None`: it is over.
    fn pass(&mut self, now_us: u64, sockets: &mut Sockets) -> Option<u64>;
    /// Whether this one reads at all.
    fn reads(&self, _who: usize) -> bool {
        true
    }
    /// Those that did not read and do again. What has come meanwhile is no news to the kernel: it must be asked for.
    fn read_again(&mut self) -> Vec<usize> {
        Vec::new()
    }
}

/// Runs a fleet until its crowd is over. Blocks: give it a thread.
pub fn run<C: Crowd>(crowd: &mut C, options: &Options) -> Result<(), LoadError> {
    crate::process::room_for_sockets(options.count)?;
    let broken = |source| LoadError::Io { what: "epoll".into(), source };
    let (mut sockets, mut poll) = Sockets::new(options).map_err(broken)?;
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut buffer = vec![0; READ_BYTES];
    let mut care_us = now::mono_us();
    loop {
        let now_us = now::mono_us();
        while let Some(who) = sockets.next_dial(now_us) {
            if let Err(error) = sockets.dial(who, now_us) {
                gone(crowd, &mut sockets, who, Gone::Unreachable(error.kind()), now_us);
            }
        }
        let Some(due_us) = crowd.pass(now_us, &mut sockets) else { return Ok(()) };
        for who in crowd.read_again() {
            read(crowd, &mut sockets, who, true, &mut buffer);
        }
        if now_us >= care_us {
            care_us = now_us + CARE_EVERY_US;
            for who in sockets.care(now_us, OPEN_WITHIN_US) {
                gone(crowd, &mut sockets, who, Gone::Unreachable(ErrorKind::TimedOut), now_us);
            }
        }
        let wake_us = due_us.min(sockets.dial_due()).min(now_us + PASS_EVERY_US);
        let wait = Duration::from_micros(wake_us.saturating_sub(now::mono_us()));
        match poll.poll(&mut events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(error)),
        }
        for event in &events {
            happened(crowd, &mut sockets, event, &mut buffer);
        }
        if options.gather_us > 0 && !events.is_empty() {
            std::thread::sleep(Duration::from_micros(options.gather_us));
        }
    }
}

fn gone<C: Crowd>(crowd: &mut C, sockets: &mut Sockets, who: usize, why: Gone, at_us: u64) {
    sockets.drop_socket(who);
    if let Some(again_us) = crowd.gone(who, why, at_us) {
        sockets.dial_at(who, again_us);
    }
}

fn happened<C: Crowd>(crowd: &mut C, sockets: &mut Sockets, event: &Event, buffer: &mut [u8]) {
    let who = event.token().0;
    let ended = event.is_error() || event.is_read_closed() || event.is_write_closed();
    if event.is_writable() || event.is_error() {
        match sockets.writable(who, crowd.token(who)) {
            Ok(Progress::Opened) => crowd.opened(who, now::mono_us(), sockets),
            Ok(Progress::Nothing) => {}
            Err(error) => return gone(crowd, sockets, who, Gone::Unreachable(error.kind()), now::mono_us()),
        }
    }
    if !crowd.reads(who) && sockets.is_open(who) {
        if ended {
            gone(crowd, sockets, who, Gone::Lost, now::mono_us());
        }
        return;
    }
    if event.is_readable() || ended {
        read(crowd, sockets, who, ended, buffer);
    }
}

/// Takes what has come. Edge-triggered: a read that did not fill the buffer has emptied the socket.
fn read<C: Crowd>(crowd: &mut C, sockets: &mut Sockets, who: usize, to_the_end: bool, buffer: &mut [u8]) {
    loop {
        let Some(stream) = sockets.stream(who) else { return };
        let len = match stream.read(buffer) {
            Ok(0) => return gone(crowd, sockets, who, Gone::Lost, now::mono_us()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return gone(crowd, sockets, who, Gone::Lost, now::mono_us()),
        };
        let at_us = now::mono_us();
        if let Err(why) = take(crowd, sockets, who, &buffer[..len], at_us) {
            return gone(crowd, sockets, who, why, at_us);
        }
        if len < buffer.len() && !to_the_end {
            return;
        }
    }
}

fn take<C: Crowd>(crowd: &mut C, sockets: &mut Sockets, who: usize, bytes: &[u8], at_us: u64) -> Result<(), Gone> {
    let carried = sockets.take_carry(who);
    if carried.is_empty() {
        let used = frames(crowd, sockets, who, bytes, at_us)?;
        sockets.carry(who, &bytes[used..]);
        return Ok(());
    }
    let whole = [carried.as_slice(), bytes].concat();
    let used = frames(crowd, sockets, who, &whole, at_us)?;
    sockets.carry(who, &whole[used..]);
    Ok(())
}

/// Hands each whole frame on and gives the bytes used.
fn frames<C: Crowd>(crowd: &mut C, sockets: &mut Sockets, who: usize, bytes: &[u8], at_us: u64) -> Result<usize, Gone> {
    let mut used = 0;
    if sockets.is_upgrading(who) {
        let Some(head) = sockets::upgraded(bytes) else { return Ok(0) };
        used = head?;
        sockets.upgrade_done(who);
        crowd.opened(who, at_us, sockets);
    }
    // The crowd may drop the socket at any frame; what was behind it is nobody's.
    while sockets.is_open(who) {
        let (opcode, payload) = match frame::parse(&bytes[used..]) {
            Parsed::Frame { opcode, payload, used: len } => {
                used += len;
                (opcode, payload)
            }
            Parsed::More => break,
            Parsed::Wrong(what) => return Err(Gone::Bad(what)),
        };
        match opcode {
            frame::BINARY if payload.is_empty() => {}
            frame::BINARY => crowd.frame(who, payload, at_us, sockets),
            frame::PING => sockets.send_as(who, frame::PONG, payload),
            frame::PONG => {}
            frame::CLOSE => {
                let (code, reason) = frame::close(payload);
                return Err(Gone::Closed { code, reason });
            }
            _ => return Err(Gone::Bad("neither binary nor control")),
        }
    }
    Ok(used)
}
