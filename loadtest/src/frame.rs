//! WebSocket frames by hand (RFC 6455, section 5.2): what the lean fleet writes and reads, and what the floor writes.
//! Not a WebSocket library: no fragments, no extensions; the client kit uses tungstenite, and a test holds both together.

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// Largest payload that is taken from a server; a full board comes in parts of 32 KiB.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// A whole frame, and how many bytes it took.
    Frame { opcode: u8, payload: &'a [u8], used: usize },
    /// More bytes are wanted.
    More,
    /// No frame of a server: masked, fragmented or too long.
    Wrong(&'static str),
}

/// Appends a client's frame. A key that hides nothing is enough: nobody stands between us and the server.
pub fn put_client(out: &mut Vec<u8>, opcode: u8, payload: &[u8], key: [u8; 4]) {
    put_header(out, opcode, payload.len(), MASKED);
    out.extend_from_slice(&key);
    let from = out.len();
    out.extend_from_slice(payload);
    for (byte, key) in out[from..].iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a server's frame.
pub fn put_server(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_header(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn put_header(out: &mut Vec<u8>, opcode: u8, len: usize, masked: u8) {
    out.push(FIN | opcode);
    match len {
        0..=125 => out.push(masked | len as u8),
        126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// The server's frame at the beginning of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let [first, second, ..] = *bytes else { return Parsed::More };
    if first & 0xf0 != FIN {
        return Parsed::Wrong("a fragment or an extension");
    }
    if second & MASKED != 0 {
        return Parsed::Wrong("a masked frame from a server");
    }
    let (len, header) = match second {
        126 => match bytes.get(2..4) {
            Some(len) => (usize::from(u16::from_be_bytes([len[0], len[1]])), 4),
            None => return Parsed::More,
        },
        127 => match bytes.get(2..10) {
            Some(len) => (len.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)), 10),
            None => return Parsed::More,
        },
        short => (usize::from(short), 2),
    };
    if len > PAYLOAD_BYTES_MAX {
        return Parsed::Wrong("a frame longer than any that a server sends");
    }
    match bytes.get(header..header + len) {
        Some(payload) => Parsed::Frame { opcode: first & 0x0f, payload, used: header + len },
        None => Parsed::More,
    }
}

/// Code and reason of a close frame's payload.
pub fn close(payload: &[u8]) -> (u16, String) {
    match payload {
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason).into_owned()),
        // 1005: no code was given (RFC 6455, section 7.1.5).
        _ => (1005, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    const LENGTHS: [usize; 7] = [0, 1, 125, 126, 300, 65_535, 65_536];

    #[tokio::test]
    async fn tungstenite_reads_what_is_written_here() {
        for len in LENGTHS {
            let payload: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
            let (ours, theirs) = tokio::io::duplex(256 * 1024);
            let mut server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
            let mut bytes = Vec::new();
            put_client(&mut bytes, BINARY, &payload, [1, 2, 3, 4]);
            let (_read, mut write) = tokio::io::split(ours);
            write.write_all(&bytes).await.expect("the pipe is wide enough");
            let got = server.next().await.expect("a message").expect("a good frame");
            assert_eq!(got, Message::Binary(payload.into()), "{len} bytes");
        }
    }

    #[tokio::test]
    async fn what_tungstenite_writes_is_read_here() {
        for len in LENGTHS {
            let payload: Vec<u8> = (0..len).map(|at| (at * 3) as u8).collect();
            let (mut ours, theirs) = tokio::io::duplex(256 * 1024);
            let mut server = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
            server.send(Message::Binary(payload.clone().into())).await.expect("the pipe is wide enough");
            drop(server);
            let mut bytes = Vec::new();
            ours.read_to_end(&mut bytes).await.expect("a pipe");
            for cut in [0, 1, 2, 3, bytes.len() / 2, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut.min(bytes.len() - 1)]), Parsed::More, "{cut} of {len}");
            }
            assert_eq!(parse(&bytes), Parsed::Frame { opcode: BINARY, payload: &payload, used: bytes.len() });
            let mut same = Vec::new();
            put_server(&mut same, BINARY, &payload);
            assert_eq!(bytes, same);
        }
    }

    #[test]
    fn what_no_server_sends_is_refused() {
        assert!(matches!(parse(&[0x02, 0x00]), Parsed::Wrong(_)), "a fragment");
        assert!(matches!(parse(&[0x82, 0x80]), Parsed::Wrong(_)), "masked");
        assert!(matches!(parse(&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]), Parsed::Wrong(_)), "4 GiB");
        assert_eq!(close(&[0x0f, 0xa8, b'x']), (4008, "x".into()));
    }
}
