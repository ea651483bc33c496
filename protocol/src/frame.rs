//! A message as it goes out: in one WebSocket frame. The frame is made once, with the message, and every socket sends the same bytes.

use bytes::Bytes;
use std::ops::Deref;

/// One final, binary, unmasked frame, as a server sends it (RFC 6455, 5.2). Derefs to the message in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

const FINAL_BINARY: u8 = 0x82;
/// The longest header: two bytes and a length of eight.
const HEAD_BYTES_MAX: usize = 10;

impl Frame {
    /// The frame without a message: a heartbeat.
    pub const EMPTY: Frame = Frame(Bytes::from_static(&[FINAL_BINARY, 0]));

    /// Frames what `write` appends.
    pub fn with(write: impl FnOnce(&mut Vec<u8>)) -> Frame {
        let mut wire = Vec::with_capacity(128);
        wire.extend_from_slice(&[0; HEAD_BYTES_MAX]);
        write(&mut wire);
        let len = wire.len() - HEAD_BYTES_MAX;
        // The header ends where the message begins; what is left before it is cut off.
        let head = head_bytes(len);
        let start = HEAD_BYTES_MAX - head;
        wire[start] = FINAL_BINARY;
        match head {
            2 => wire[start + 1] = len as u8,
            4 => {
                wire[start + 1] = 126;
                wire[start + 2..HEAD_BYTES_MAX].copy_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                wire[start + 1] = 127;
                wire[start + 2..HEAD_BYTES_MAX].copy_from_slice(&(len as u64).to_be_bytes());
            }
        }
        Frame(Bytes::from(wire).slice(start..))
    }

    /// The message alone.
    pub fn message(&self) -> Bytes {
        self.0.slice(self.head()..)
    }

    /// Header and message.
    pub fn into_wire(self) -> Bytes {
        self.0
    }

    fn head(&self) -> usize {
        match self.0[1] {
            126 => 4,
            127 => HEAD_BYTES_MAX,
            _ => 2,
        }
    }
}

fn head_bytes(len: usize) -> usize {
    match len {
        0..126 => 2,
        126..=0xFFFF => 4,
        _ => HEAD_BYTES_MAX,
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[self.head()..]
    }
}

impl From<&[u8]> for Frame {
    fn from(message: &[u8]) -> Frame {
        Frame::with(|wire| wire.extend_from_slice(message))
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    fn from(message: &[u8; N]) -> Frame {
        Frame::from(&message[..])
    }
}
