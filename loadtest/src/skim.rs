//! Reads of a server's frame only what the lean fleet wants, without building it: whose it is, the row, the acknowledgement.
//! Not a decoder: what it does not know it skips; `protocol::codec` decodes whole frames. A test holds both together.

use fitconnect_protocol::tick::{BoardRow, HEADER_TICK};

/// What a frame says, as far as anybody here asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Skimmed<'a> {
    /// One's own row, and how far the first of one's sources is acknowledged.
    Mine {
        row: BoardRow,
        through: Option<u32>,
    },
    /// An acknowledgement alone.
    Acked {
        through: Option<u32>,
    },
    Tick {
        h: u32,
        tick: u32,
    },
    /// An event, with its text if it is a cue or a message.
    Event {
        h: u32,
        offset: u64,
        text: Option<&'a str>,
    },
    /// A push or a reply of another type: worth decoding whole.
    Other {
        t: &'a str,
    },
}

/// Id and content of a frame; `None` where it is no frame of this protocol.
pub fn skim(frame: &[u8]) -> Option<(u32, Skimmed<'_>)> {
    let mut read = Reader(frame);
    if read.array()? != 2 {
        return None;
    }
    let id = u32::try_from(read.uint()?).ok()?;
    let fields = read.map()?;
    if read.text()? != "t" {
        return None;
    }
    let t = read.text()?;
    let skimmed = match t {
        "mine" => mine(read, fields - 1)?,
        "acked" => {
            Skimmed::Acked { through: field(&mut read, fields - 1, "acks").map_or(Some(None), |()| through(read))? }
        }
        "tick" => tick(read, fields - 1)?,
        "event" => event(read, fields - 1)?,
        _ => Skimmed::Other { t },
    };
    Some((id, skimmed))
}

fn mine(mut read: Reader<'_>, fields: usize) -> Option<Skimmed<'_>> {
    let (mut row, mut acked) = (None, None);
    for _ in 0..fields {
        match read.text()? {
            "row" => row = BoardRow::decode(read.bin()?),
            "acks" => {
                acked = through(Reader(read.0))?;
                read.skip()?;
                break;
            }
            _ => read.skip()?,
        }
    }
    Some(Skimmed::Mine { row: row?, through: acked })
}

/// `[[receiver, boot, [[source, through, ranges]]]]`: the first `through`.
fn through(mut read: Reader<'_>) -> Option<Option<u32>> {
    if read.array()? == 0 {
        return Some(None);
    }
    read.array()?;
    read.skip()?;
    read.skip()?;
    if read.array()? == 0 {
        return Some(None);
    }
    read.array()?;
    read.skip()?;
    Some(u32::try_from(read.uint()?).ok())
}

fn tick(mut read: Reader<'_>, fields: usize) -> Option<Skimmed<'_>> {
    let (mut h, mut number) = (None, None);
    for _ in 0..fields {
        match read.text()? {
            "h" => h = u32::try_from(read.uint()?).ok(),
            "b" => {
                let bytes = read.bin()?.get(HEADER_TICK..HEADER_TICK + 4)?;
                number = Some(u32::from_le_bytes(bytes.try_into().ok()?));
            }
            _ => read.skip()?,
        }
    }
    Some(Skimmed::Tick { h: h?, tick: number? })
}

fn event(mut read: Reader<'_>, fields: usize) -> Option<Skimmed<'_>> {
    let (mut h, mut offset, mut text) = (None, None, None);
    for _ in 0..fields {
        match read.text()? {
            "h" => h = u32::try_from(read.uint()?).ok(),
            "o" => offset = Some(read.uint()?),
            "e" => {
                text = said(Reader(read.0));
                read.skip()?;
            }
            _ => read.skip()?,
        }
    }
    Some(Skimmed::Event { h: h?, offset: offset?, text })
}

/// The text of a cue, or of the message in an event of a room.
fn said(mut event: Reader<'_>) -> Option<&str> {
    let mut fields = event.map()?;
    while fields > 0 {
        fields -= 1;
        match event.text()? {
            "text" => return event.text(),
            "message" => fields = event.map()?,
            _ => event.skip()?,
        }
    }
    None
}

/// Goes to the value of `name` among the next `fields` entries.
fn field(read: &mut Reader<'_>, fields: usize, name: &str) -> Option<()> {
    for _ in 0..fields {
        if read.text()? == name {
            return Some(());
        }
        read.skip()?;
    }
    None
}

/// The rest of some MessagePack.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn mark(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn uint(&mut self) -> Option<u64> {
        match self.mark()? {
            small @ 0x00..=0x7f => Some(u64::from(small)),
            0xcc => self.number(1),
            0xcd => self.number(2),
            0xce => self.number(4),
            0xcf => self.number(8),
            _ => None,
        }
    }

    fn array(&mut self) -> Option<usize> {
        match self.mark()? {
            fix @ 0x90..=0x9f => Some(usize::from(fix & 0x0f)),
            0xdc => self.number(2).map(|len| len as usize),
            0xdd => self.number(4).map(|len| len as usize),
            _ => None,
        }
    }

    /// Number of entries; never 0 here, each of our maps names its type.
    fn map(&mut self) -> Option<usize> {
        let len = match self.mark()? {
            fix @ 0x80..=0x8f => usize::from(fix & 0x0f),
            0xde => self.number(2)? as usize,
            0xdf => self.number(4)? as usize,
            _ => return None,
        };
        Some(len).filter(|len| *len > 0)
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = match self.mark()? {
            fix @ 0xa0..=0xbf => usize::from(fix & 0x1f),
            0xd9 => self.number(1)? as usize,
            0xda => self.number(2)? as usize,
            0xdb => self.number(4)? as usize,
            _ => return None,
        };
        std::str::from_utf8(self.take(len)?).ok()
    }

    fn bin(&mut self) -> Option<&'a [u8]> {
        let len = match self.mark()? {
            0xc4 => self.number(1)?,
            0xc5 => self.number(2)?,
            0xc6 => self.number(4)?,
            _ => return None,
        };
        self.take(len as usize)
    }

    /// Goes over one value. Values that wait are counted, not nested: no frame makes the stack deep.
    fn skip(&mut self) -> Option<()> {
        let mut waiting = 1u64;
        while waiting > 0 {
            waiting -= 1;
            let bytes = match self.mark()? {
                0x00..=0x7f | 0xe0..=0xff | 0xc0..=0xc3 => 0,
                fix @ 0x80..=0x8f => {
                    waiting += 2 * u64::from(fix & 0x0f);
                    0
                }
                fix @ 0x90..=0x9f => {
                    waiting += u64::from(fix & 0x0f);
                    0
                }
                fix @ 0xa0..=0xbf => u64::from(fix & 0x1f),
                0xc4 | 0xd9 => self.number(1)?,
                0xc5 | 0xda => self.number(2)?,
                0xc6 | 0xdb => self.number(4)?,
                0xc7 => self.number(1)? + 1,
                0xc8 => self.number(2)? + 1,
                0xc9 => self.number(4)? + 1,
                0xcc | 0xd0 => 1,
                0xcd | 0xd1 | 0xd4 => 2,
                0xca | 0xce | 0xd2 => 4,
                0xcb | 0xcf | 0xd3 => 8,
                0xd5 => 3,
                0xd6 => 5,
                0xd7 => 9,
                0xd8 => 17,
                0xdc => {
                    waiting += self.number(2)?;
                    0
                }
                0xdd => {
                    waiting += self.number(4)?;
                    0
                }
                0xde => {
                    waiting += 2 * self.number(2)?;
                    0
                }
                0xdf => {
                    waiting += 2 * self.number(4)?;
                    0
                }
            };
            self.take(usize::try_from(bytes).ok()?)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::class::ClassEvent;
    use fitconnect_protocol::codec::encode;
    use fitconnect_protocol::room::{Message, RoomEvent};
    use fitconnect_protocol::sample::{Acked, SourceAcked};
    use fitconnect_protocol::session::{Event, Mine, Response};
    use fitconnect_protocol::tick::{Header, Signal};
    use fitconnect_protocol::{ClassId, CmdId, ReceiverId, SourceId, UserId, Uuid};

    fn class() -> ClassId {
        ClassId(Uuid::from_u128(7))
    }

    fn row() -> BoardRow {
        BoardRow {
            slot: 300,
            bpm: Some(151),
            percent: Some(80),
            zone: Some(4),
            signal: Signal::Live,
            over_max: false,
            hand: true,
            points: Some(12),
            kcal: None,
            rank: Some(3),
        }
    }

    fn acks(through: u32) -> Vec<Acked> {
        let (receiver, source) = (ReceiverId::new(1 << 40).expect("small"), SourceId::new(9).expect("small"));
        vec![Acked(receiver, 70_000, vec![SourceAcked(source, through, vec![(through + 2, through + 4)])])]
    }

    fn check(response: Response, expected: Skimmed<'_>) {
        let bytes = encode(0, &response);
        assert_eq!(skim(&bytes), Some((0, expected)));
        // Cut anywhere it is refused or gives what it had; it never panics and never runs on.
        for cut in 0..bytes.len() {
            let _ = skim(&bytes[..cut]);
        }
    }

    #[test]
    fn a_riders_own_frame_gives_row_and_acknowledgement() {
        let mine = |acks, slice| Mine {
            class: class(),
            row: row().encode().into(),
            splats: 2,
            acks,
            slice,
            names: vec![(1, "Ana".into())],
        };
        for through in [0, 127, 128, 70_000] {
            let response = Response::Mine(mine(acks(through), Some(vec![0; 200])));
            check(response, Skimmed::Mine { row: row(), through: Some(through) });
        }
        check(Response::Mine(mine(vec![], None)), Skimmed::Mine { row: row(), through: None });
        check(Response::Acked { class: class(), acks: acks(5) }, Skimmed::Acked { through: Some(5) });
        check(Response::Acked { class: class(), acks: vec![] }, Skimmed::Acked { through: None });
    }

    #[test]
    fn ticks_events_and_the_rest_are_told_apart() {
        let header =
            Header { epoch: 1, tick: 77, class_ms: 5, phase: 3, flags: 0, run: 0, left_ms: 0, rows: 0, riders: 9 };
        check(Response::Tick { h: 400, b: header.encode().into() }, Skimmed::Tick { h: 400, tick: 77 });
        let text = "x".repeat(60);
        let cue = Response::Event { h: 3, o: 70_000, e: Event::Class(ClassEvent::Cue { text: text.clone() }) };
        check(cue, Skimmed::Event { h: 3, offset: 70_000, text: Some(&text) });
        let message = Message {
            seq: 9,
            at_ms: 1,
            by: UserId(Uuid::from_u128(1)),
            name: "Ana".into(),
            cmd: CmdId(Uuid::from_u128(2)),
            text: text.clone(),
            reply_to: Some(3),
            mentions: vec![],
            picture: None,
            edited: None,
            deleted_by: None,
            reactions: vec![],
        };
        let posted = Response::Event { h: 3, o: 9, e: Event::Room(RoomEvent::Posted { message }) };
        check(posted, Skimmed::Event { h: 3, offset: 9, text: Some(&text) });
        let gone = Response::Event { h: 3, o: 1, e: Event::Class(ClassEvent::Gone { slots: vec![1, 2] }) };
        check(gone, Skimmed::Event { h: 3, offset: 1, text: None });
        check(Response::Clock { t0: 1.5, t1: 2.5, t2: 3.5 }, Skimmed::Other { t: "clock" });
        assert_eq!(skim(b""), None);
        assert_eq!(skim(&[0x92, 0x00, 0xdf, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn every_value_of_messagepack_is_skipped_whole() {
        let value = serde_like();
        let mut read = Reader(&value);
        assert_eq!(read.skip(), Some(()));
        assert_eq!(read.0, b"end");
    }

    /// An array of one of each kind of value, then `end`.
    fn serde_like() -> Vec<u8> {
        let mut out = vec![0xdc, 0, 14];
        out.extend_from_slice(&[0xc0, 0xc3, 0xcc, 1, 0xcd, 1, 2, 0xd3, 1, 2, 3, 4, 5, 6, 7, 8]);
        out.extend_from_slice(&[0xca, 0, 0, 0, 0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xd6, 1, 0, 0, 0, 0]);
        out.extend_from_slice(&[0xc7, 2, 9, 0, 0, 0xd9, 2, b'a', b'b', 0xc5, 0, 1, 0xff]);
        out.extend_from_slice(&[0x81, 0xa1, b'k', 0x92, 1, 2, 0xde, 0, 1, 1, 0xe0, 0xff]);
        out.extend_from_slice(b"end");
        out
    }
}
