//! The floor: the smallest server that could do a fan-out. Raw TCP, frames by hand, one buffer made once an event and written
//! to every socket; no upgrade, no identity, no order across restarts. What it costs nobody can go below; ours is measured
//! against it in the same run, in a process of its own like ours.

use crate::error::LoadError;
use crate::frame;
use crate::lean::followers::Stamp;
use crate::now;
use fitconnect_protocol::class::ClassEvent;
use fitconnect_protocol::codec;
use fitconnect_protocol::limits::{LISTEN_BACKLOG, SO_SNDBUF};
use fitconnect_protocol::session::{Event, Response};
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Text of an event that makes a frame of 100 bytes with the WebSocket header, ours and the floor's alike.
pub const TEXT_BYTES: usize = 64;

/// One event as the server sends it: the floor's bytes are the same as ours.
pub fn event_frame(number: u32, text_bytes: usize) -> Vec<u8> {
    let text = Stamp { sent_us: now::unix_us(), number }.text(text_bytes);
    let event = Response::Event { h: 1, o: u64::from(number) + 1, e: Event::Class(ClassEvent::Cue { text }) };
    let mut out = Vec::with_capacity(128);
    frame::put_server(&mut out, frame::BINARY, &codec::encode(0, &event));
    out
}

/// Serves until the process is ended: accepts whoever comes and sends `rate` events a second to all.
pub fn serve(listen: SocketAddr, rate: u32, text_bytes: usize, told: impl FnOnce(SocketAddr)) -> Result<(), LoadError> {
    let broken = |what: &str| LoadError::io(format!("floor: {what}"));
    crate::process::room_for_sockets(20_000).or_else(|_| crate::process::room_for_sockets(1_000))?;
    let socket = Socket::new(Domain::for_address(listen), Type::STREAM, None).map_err(broken("socket"))?;
    socket.set_reuse_address(true).map_err(broken("socket"))?;
    socket.bind(&listen.into()).map_err(broken("bind"))?;
    socket.listen(LISTEN_BACKLOG as i32).map_err(broken("listen"))?;
    socket.set_nonblocking(true).map_err(broken("listen"))?;
    let listener: TcpListener = socket.into();
    told(listener.local_addr().map_err(broken("address"))?);

    let every_us = 1_000_000 / u64::from(rate.max(1));
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut due_us = now::mono_us();
    for number in 0.. {
        accept(&listener, &mut streams)?;
        due_us += every_us;
        std::thread::sleep(Duration::from_micros(due_us.saturating_sub(now::mono_us())));
        let frame = event_frame(number, text_bytes);
        // A reader that is behind by a whole buffer is let go: the floor keeps nothing for anybody.
        streams.retain_mut(|stream| matches!(stream.write(&frame), Ok(taken) if taken == frame.len()));
    }
    Ok(())
}

fn accept(listener: &TcpListener, streams: &mut Vec<TcpStream>) -> Result<(), LoadError> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let ready = stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true));
                let ready = ready.and_then(|()| socket2::SockRef::from(&stream).set_send_buffer_size(SO_SNDBUF));
                if ready.is_ok() {
                    streams.push(stream);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The dialler has gone again before it was served.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(source) => return Err(LoadError::Io { what: "floor: accept".into(), source }),
        }
    }
}

/// A floor in a process of its own; ended when dropped.
pub struct Floor {
    child: Child,
    pub addr: SocketAddr,
}

impl Floor {
    /// Starts `program floor`, which is this crate's binary, and waits for its address.
    pub fn start(program: &std::path::Path, rate: u32, text_bytes: usize) -> Result<Floor, LoadError> {
        let mut child = Command::new(program)
            .args([
                "floor",
                "--listen",
                "127.0.0.1:0",
                "--rate",
                &rate.to_string(),
                "--text-bytes",
                &text_bytes.to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(LoadError::io(format!("{} cannot be started as the floor", program.display())))?;
        let mut line = String::new();
        let said = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let addr = said.and_then(Result::ok).and_then(|_| line.trim().strip_prefix("listening on ")?.parse().ok());
        match addr {
            Some(addr) => Ok(Floor { child, addr }),
            None => {
                end(&mut child);
                Err(LoadError::BadAnswer(format!("the floor said {line:?} instead of its address")))
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // It has ended by itself where this fails.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skim::{Skimmed, skim};

    #[test]
    fn an_event_is_a_frame_of_about_a_hundred_bytes_that_readers_understand() {
        let bytes = event_frame(7, TEXT_BYTES);
        assert!((95..=105).contains(&bytes.len()), "{} bytes", bytes.len());
        let frame::Parsed::Frame { payload, .. } = frame::parse(&bytes) else { panic!("no frame") };
        let Some((0, Skimmed::Event { offset: 8, text: Some(text), .. })) = skim(payload) else { panic!("no event") };
        assert_eq!(Stamp::read(text).map(|stamp| stamp.number), Some(7));
    }
}
