//! The sockets of a lean fleet: a stream, what is half read and half written, and the dials to come. No protocol here.

use super::{Gone, Options};
use crate::frame;
use crate::now;
use fitconnect_protocol::SUBPROTOCOL;
use mio::net::TcpStream;
use mio::{Interest, Poll, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Dials from one loopback address: well under the ports that it has (28,000 by default), closed ones wait a minute.
const DIALS_PER_ADDRESS: usize = 5_000;
/// Bytes that wait for one socket; a server that takes nothing for so long is broken.
const OUT_BYTES_MAX: usize = 1024 * 1024;

enum Stage {
    Dialing,
    Upgrading,
    Open,
}

struct Conn {
    stream: TcpStream,
    stage: Stage,
    since_us: u64,
    said_us: u64,
    /// A frame that has not come whole.
    carry: Vec<u8>,
    /// What the kernel has not taken.
    out: Vec<u8>,
}

pub struct Sockets {
    options: Options,
    registry: Registry,
    conns: Vec<Option<Box<Conn>>>,
    dials: BinaryHeap<Reverse<(u64, usize)>>,
    dialing: usize,
    open: usize,
    scratch: Vec<u8>,
    /// Frames and bytes written.
    pub written: (u64, u64),
}

/// What a writable socket has come to.
pub enum Progress {
    Nothing,
    /// A raw one stands; others must upgrade first.
    Opened,
}

impl Sockets {
    pub fn new(options: &Options) -> io::Result<(Sockets, Poll)> {
        let poll = Poll::new()?;
        let start = now::mono_us();
        let dials = (0..options.count).map(|who| Reverse((start + who as u64 * options.dial_every_us, who)));
        let sockets = Sockets {
            options: options.clone(),
            registry: poll.registry().try_clone()?,
            conns: (0..options.count).map(|_| None).collect(),
            dials: dials.collect(),
            dialing: 0,
            open: 0,
            scratch: Vec::new(),
            written: (0, 0),
        };
        Ok((sockets, poll))
    }

    pub fn open(&self) -> usize {
        self.open
    }

    /// Sends one binary frame.
    pub fn send(&mut self, who: usize, payload: &[u8]) {
        self.send_as(who, frame::BINARY, payload);
    }

    /// Sends several binary frames in one write.
    pub fn send_all(&mut self, who: usize, payloads: &[&[u8]]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for payload in payloads {
            frame::put_client(&mut scratch, frame::BINARY, payload, key(who));
        }
        self.write(who, &scratch, payloads.len() as u64);
        self.scratch = scratch;
    }

    pub(super) fn send_as(&mut self, who: usize, opcode: u8, payload: &[u8]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        frame::put_client(&mut scratch, opcode, payload, key(who));
        self.write(who, &scratch, 1);
        self.scratch = scratch;
    }

    fn write(&mut self, who: usize, bytes: &[u8], frames: u64) {
        let Some(conn) = self.conns[who].as_mut().filter(|conn| matches!(conn.stage, Stage::Open)) else { return };
        self.written = (self.written.0 + frames, self.written.1 + bytes.len() as u64);
        conn.said_us = now::mono_us();
        if conn.out.is_empty() {
            // An error is seen again by the reader, which knows what to do.
            let taken = conn.stream.write(bytes).unwrap_or(0);
            conn.out.extend_from_slice(&bytes[taken..]);
        } else if conn.out.len() < OUT_BYTES_MAX {
            conn.out.extend_from_slice(bytes);
        }
    }

    /// Closes the socket as a lost network would, without a word.
    pub fn drop_socket(&mut self, who: usize) {
        let Some(conn) = self.conns[who].take() else { return };
        match conn.stage {
            Stage::Dialing | Stage::Upgrading => self.dialing -= 1,
            Stage::Open => self.open -= 1,
        }
    }

    pub fn dial_at(&mut self, who: usize, at_us: u64) {
        self.dials.push(Reverse((at_us, who)));
    }

    pub fn is_open(&self, who: usize) -> bool {
        self.conns[who].as_ref().is_some_and(|conn| matches!(conn.stage, Stage::Open))
    }

    /// When the socket was dialled.
    pub fn dialled_at(&self, who: usize) -> u64 {
        self.conns[who].as_ref().map_or(0, |conn| conn.since_us)
    }

    pub(super) fn is_upgrading(&self, who: usize) -> bool {
        self.conns[who].as_ref().is_some_and(|conn| matches!(conn.stage, Stage::Upgrading))
    }

    pub(super) fn next_dial(&mut self, now_us: u64) -> Option<usize> {
        let Reverse((at_us, who)) = *self.dials.peek()?;
        if at_us > now_us || self.dialing >= self.options.dialing_max {
            return None;
        }
        self.dials.pop();
        Some(who)
    }

    /// When the next dial is due; far away while enough are on their way.
    pub(super) fn dial_due(&self) -> u64 {
        match self.dials.peek() {
            Some(Reverse((at_us, _))) if self.dialing < self.options.dialing_max => *at_us,
            _ => u64::MAX,
        }
    }

    pub(super) fn dial(&mut self, who: usize, now_us: u64) -> io::Result<()> {
        if self.conns[who].is_some() {
            return Ok(());
        }
        let addr = self.options.addr;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = self.options.receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(from) = source(addr, who) {
            socket.bind(&from.into())?;
        }
        match socket.connect(&addr.into()) {
            Ok(()) => {}
            // In progress: the socket becomes writable.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.registry.register(&mut stream, Token(who), Interest::READABLE | Interest::WRITABLE)?;
        let conn = Conn {
            stream,
            stage: Stage::Dialing,
            since_us: now_us,
            said_us: now_us,
            carry: Vec::new(),
            out: Vec::new(),
        };
        self.conns[who] = Some(Box::new(conn));
        self.dialing += 1;
        Ok(())
    }

    /// The kernel takes bytes again, or a dial has come through.
    pub(super) fn writable(&mut self, who: usize, token: &str) -> io::Result<Progress> {
        let Some(conn) = self.conns[who].as_mut() else { return Ok(Progress::Nothing) };
        if let Stage::Dialing = conn.stage {
            if let Some(error) = conn.stream.take_error()? {
                return Err(error);
            }
            match conn.stream.peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(Progress::Nothing),
                Err(error) => return Err(error),
            }
            if self.options.raw {
                self.upgrade_done(who);
                return Ok(Progress::Opened);
            }
            conn.stage = Stage::Upgrading;
            conn.out = upgrade(&self.options.authority, token);
        }
        while !conn.out.is_empty() {
            match conn.stream.write(&conn.out) {
                Ok(taken) => drop(conn.out.drain(..taken)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if conn.out.is_empty() {
            conn.out = Vec::new();
        }
        Ok(Progress::Nothing)
    }

    pub(super) fn upgrade_done(&mut self, who: usize) {
        let heartbeat_us = self.options.heartbeat_us;
        if let Some(conn) = &mut self.conns[who] {
            conn.stage = Stage::Open;
            // The first ping is jittered by place, so that a crowd that came together does not ping together.
            conn.said_us = now::mono_us().saturating_sub(who as u64 * 7_919 % 1_000 * heartbeat_us / 1_000);
            self.dialing -= 1;
            self.open += 1;
        }
    }

    /// Sends heartbeats that are due and gives those whose opening takes too long. `now_us` was read before the crowd's
    /// pass, so a send may lie a little after it.
    pub(super) fn care(&mut self, now_us: u64, open_within_us: u64) -> Vec<usize> {
        let mut late = Vec::new();
        for who in 0..self.conns.len() {
            let Some(conn) = &self.conns[who] else { continue };
            match conn.stage {
                Stage::Open
                    if !self.options.raw && now_us.saturating_sub(conn.said_us) >= self.options.heartbeat_us =>
                {
                    self.send(who, &[])
                }
                Stage::Dialing | Stage::Upgrading if now_us.saturating_sub(conn.since_us) >= open_within_us => {
                    late.push(who)
                }
                Stage::Open | Stage::Dialing | Stage::Upgrading => {}
            }
        }
        late
    }

    pub(super) fn stream(&mut self, who: usize) -> Option<&mut TcpStream> {
        self.conns[who].as_mut().map(|conn| &mut conn.stream)
    }

    pub(super) fn take_carry(&mut self, who: usize) -> Vec<u8> {
        self.conns[who].as_mut().map(|conn| std::mem::take(&mut conn.carry)).unwrap_or_default()
    }

    pub(super) fn carry(&mut self, who: usize, rest: &[u8]) {
        if let Some(conn) = self.conns[who].as_mut().filter(|_| !rest.is_empty()) {
            conn.carry = rest.to_vec();
        }
    }
}

/// A masking key that differs by socket and is never zero.
fn key(who: usize) -> [u8; 4] {
    ((who as u32).wrapping_mul(0x9e37_79b1) | 0x0101_0101).to_be_bytes()
}

/// One loopback address has too few ports for a large fleet: 127.0.0.2, .3, … each take a part.
fn source(addr: SocketAddr, who: usize) -> Option<SocketAddr> {
    let IpAddr::V4(v4) = addr.ip() else { return None };
    let last = u8::try_from(2 + who / DIALS_PER_ADDRESS).ok()?;
    v4.is_loopback().then(|| SocketAddr::new(Ipv4Addr::new(127, 0, 0, last).into(), 0))
}

/// The opening of RFC 6455, section 4.1. The key is the RFC's own example: nobody here is fooled by a cache.
fn upgrade(authority: &str, token: &str) -> Vec<u8> {
    format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}, bearer.{token}\r\n\r\n"
    )
    .into_bytes()
}

/// Length of the server's head where it has agreed; `None` while it has not come whole.
pub(super) fn upgraded(bytes: &[u8]) -> Option<Result<usize, Gone>> {
    /// The answer to the RFC's example key.
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|status| status.parse().ok());
    Some(match status {
        Some(101) if head.contains(ACCEPT) => Ok(end + 4),
        Some(status) => Err(Gone::Refused(status)),
        None => Err(Gone::Bad("an answer that is not HTTP/1.1")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_fleet_dials_from_several_addresses_of_the_loopback() {
        let server = "127.0.0.1:80".parse().expect("an address");
        let from = |who| source(server, who).expect("loopback").ip().to_string();
        assert_eq!(
            [from(0), from(4_999), from(5_000), from(14_999)],
            ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.4"]
        );
        assert_eq!(source("192.0.2.1:80".parse().expect("an address"), 1), None);
    }

    #[test]
    fn an_upgrade_is_taken_only_with_the_right_answer() {
        assert_eq!(upgraded(b"HTTP/1.1 101 Switching"), None);
        let good = b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x82\x00";
        assert_eq!(upgraded(good), Some(Ok(good.len() - 2)));
        assert_eq!(upgraded(b"HTTP/1.1 101 x\r\n\r\n"), Some(Err(Gone::Refused(101))));
        assert_eq!(upgraded(b"HTTP/1.1 401 x\r\n\r\n"), Some(Err(Gone::Refused(401))));
        assert_eq!(upgraded(b"220 smtp\r\n\r\n"), Some(Err(Gone::Bad("an answer that is not HTTP/1.1"))));
    }
}
