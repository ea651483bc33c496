//! Cuts a FIT file into messages: fitparser reads each, after this has checked that the bytes for it are there.
//! Not a decoder of values. The checks are needed: fitparser 0.11 trusts sizes, and by overflow, by a slice out of range
//! or by a line on stderr for each odd field a hostile file could stop or flood a server. Called by the FIT reader.

use std::collections::HashMap;

use fitparser::de::{FitDataMessage, FitObject, FitStreamProcessor};
use fitparser::profile::MesgNum;
use fitparser::{ErrorKind, Value};

use super::developer::Developer;
use crate::limits::{FIT_MESSAGES_MAX, FIT_ODD_FIELDS_MAX, FIT_PARTS_MAX};
use crate::{Format, Place, ReadError};

pub(crate) struct Message {
    pub(crate) kind: MesgNum,
    /// Seconds of the FIT epoch, from the message or from its compressed header.
    pub(crate) time: Option<u32>,
    /// Offset of the message in the file.
    pub(crate) at: usize,
    fields: HashMap<u8, Value>,
    overrides: Vec<(u8, i64)>,
}

pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the messages of the part end and its checksum begins; None between parts.
    end: Option<usize>,
    parser: FitStreamProcessor,
    shapes: [Option<Shape>; 16],
    developer: Developer,
    /// The last full timestamp, to which a compressed one adds five bits.
    clock: u32,
    parts: usize,
    messages: usize,
    odd_fields: usize,
}

#[derive(Clone, Copy)]
struct Shape {
    /// Of a data message, its header byte counted.
    message_bytes: usize,
    big_endian: bool,
}

impl Message {
    pub(crate) fn field(&self, number: u8) -> Option<&Value> {
        self.fields.get(&number)
    }

    pub(crate) fn integer(&self, number: u8) -> Option<i64> {
        self.field(number)?.try_into().ok()
    }

    /// A value of a record: the device's own, else that of a developer field declared to stand for it.
    pub(crate) fn measured(&self, number: u8) -> Option<i64> {
        let stands_for = || self.overrides.iter().find(|(native, _)| *native == number).map(|(_, value)| *value);
        self.integer(number).or_else(stands_for)
    }
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            end: None,
            parser: FitStreamProcessor::new(),
            shapes: [None; 16],
            developer: Developer::default(),
            clock: 0,
            parts: 0,
            messages: 0,
            odd_fields: 0,
        }
    }

    /// The next data message, or None at the end of the last part.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, ReadError> {
        loop {
            match self.end {
                None if self.at == self.bytes.len() => return Ok(None),
                None => self.open_part()?,
                Some(end) if self.at == end => self.close_part()?,
                Some(end) => {
                    let begin = self.at;
                    let big_endian = self.check_message(end)?;
                    if let FitObject::DataMessage(message) = self.advance()? {
                        return Ok(Some(self.message(begin, big_endian, message)));
                    }
                }
            }
        }
    }

    fn open_part(&mut self) -> Result<(), ReadError> {
        let header = &self.bytes[self.at..];
        self.parts += 1;
        if self.parts > FIT_PARTS_MAX {
            return Err(self.too_many("parts", FIT_PARTS_MAX));
        }
        let header_bytes = usize::from(header[0]);
        if header_bytes != 12 && header_bytes != 14 {
            return Err(self.damaged(self.at, "no FIT header begins here"));
        }
        if header.len() < header_bytes {
            return Err(self.cut(self.at + header_bytes));
        }
        if header[8..12] != *b".FIT" {
            return Err(self.damaged(self.at, "no FIT header begins here"));
        }
        let FitObject::Header(header) = self.advance()? else {
            return Err(self.damaged(self.at, "no FIT header begins here"));
        };
        let announced = self.at + header.data_size() as usize;
        if announced + 2 > self.bytes.len() {
            return Err(self.cut(announced + 2));
        }
        self.end = Some(announced);
        Ok(())
    }

    fn close_part(&mut self) -> Result<(), ReadError> {
        self.advance()?;
        self.parser.reset();
        self.end = None;
        self.shapes = [None; 16];
        self.developer = Developer::default();
        self.clock = 0;
        Ok(())
    }

    /// Refuses a message that reaches over the end of its part, before fitparser reads it. Tells the byte order.
    fn check_message(&mut self, end: usize) -> Result<bool, ReadError> {
        let rest = &self.bytes[self.at..end];
        let header = rest[0];
        self.messages += 1;
        if self.messages > FIT_MESSAGES_MAX {
            return Err(self.too_many("messages", FIT_MESSAGES_MAX));
        }
        let is_definition = header & 0xc0 == 0x40;
        if is_definition {
            return self.check_definition(rest);
        }
        let local = if header & 0x80 == 0 { header & 0x0f } else { (header >> 5) & 0x03 };
        let Some(shape) = self.shapes[usize::from(local)] else {
            return Err(self.damaged(self.at, "a message whose kind was never defined"));
        };
        if rest.len() < shape.message_bytes {
            return Err(self.damaged(self.at, "a message longer than the rest of the file's part"));
        }
        Ok(shape.big_endian)
    }

    fn check_definition(&mut self, rest: &[u8]) -> Result<bool, ReadError> {
        const FIXED: usize = 6;
        let too_long = || self.damaged(self.at, "a definition longer than the rest of the file's part");
        let fields_end = FIXED + 3 * usize::from(*rest.get(FIXED - 1).ok_or_else(too_long)?);
        let fields = rest.get(FIXED..fields_end).ok_or_else(too_long)?;
        let developer_fields = match rest[0] & 0x20 {
            0 => &[][..],
            _ => {
                let count = usize::from(*rest.get(fields_end).ok_or_else(too_long)?);
                rest.get(fields_end + 1..fields_end + 1 + 3 * count).ok_or_else(too_long)?
            }
        };
        for field in fields.chunks_exact(3) {
            self.odd_fields += usize::from(!usize::from(field[1]).is_multiple_of(base_type_bytes(field[2])));
        }
        if self.odd_fields > FIT_ODD_FIELDS_MAX {
            return Err(self.too_many("fields whose size does not fit their type", FIT_ODD_FIELDS_MAX));
        }
        let all_fields = fields.chunks_exact(3).chain(developer_fields.chunks_exact(3));
        let message_bytes = 1 + all_fields.map(|field| usize::from(field[1])).sum::<usize>();
        let shape = Shape { message_bytes, big_endian: rest[2] == 1 };
        self.shapes[usize::from(rest[0] & 0x0f)] = Some(shape);
        Ok(shape.big_endian)
    }

    fn advance(&mut self) -> Result<FitObject, ReadError> {
        let begin = self.at;
        match self.parser.deserialize_next(&self.bytes[begin..]) {
            Ok((rest, object)) => {
                self.at = self.bytes.len() - rest.len();
                Ok(object)
            }
            Err(error) => Err(self.explain(begin, *error)),
        }
    }

    fn message(&mut self, at: usize, big_endian: bool, message: FitDataMessage) -> Message {
        let kind = MesgNum::from(message.global_message_number());
        let time = self.time(&message);
        let overrides = match kind {
            MesgNum::Record => self.developer.overrides(&message.developer_fields, big_endian),
            _ => Vec::new(),
        };
        if kind != MesgNum::FieldDescription {
            return Message { kind, time, at, fields: message.fields, overrides };
        }
        self.developer.describe(message, &mut self.parser);
        Message { kind, time, at, fields: HashMap::new(), overrides }
    }

    fn time(&mut self, message: &FitDataMessage) -> Option<u32> {
        if let Some(Value::UInt32(time)) = message.fields.get(&253) {
            self.clock = *time;
            return Some(*time);
        }
        // The header's five bits replace the clock's lowest five; a smaller number means that they rolled over.
        let offset = u32::from(message.time_offset()?);
        self.clock = self.clock.wrapping_add(offset.wrapping_sub(self.clock) & 0x1f);
        Some(self.clock)
    }

    fn explain(&self, at: usize, error: ErrorKind) -> ReadError {
        match error {
            ErrorKind::InvalidCrc((_, FitObject::Header(_), ..)) => self.damaged(at, "the header's checksum is wrong"),
            ErrorKind::InvalidCrc(_) => self.damaged(at, "the checksum is wrong, some byte before it was changed"),
            ErrorKind::ParseError(..) => self.damaged(at, "a developer field that was never described"),
            other => self.damaged(at, &other.to_string()),
        }
    }

    fn damaged(&self, at: usize, what: &str) -> ReadError {
        ReadError::Damaged { format: Format::Fit, place: Place::Byte { at }, what: what.to_owned() }
    }

    fn cut(&self, announced: usize) -> ReadError {
        ReadError::Cut { format: Format::Fit, place: Place::ByteOf { at: self.bytes.len(), of: announced } }
    }

    fn too_many(&self, what: &'static str, max: usize) -> ReadError {
        ReadError::TooMany { format: Format::Fit, what, max, place: Place::Byte { at: self.at } }
    }
}

/// FIT protocol, table of base types; the top bit only says that byte order matters.
fn base_type_bytes(base_type: u8) -> usize {
    match base_type & 0x9f {
        0x83 | 0x84 | 0x8b => 2,
        0x85 | 0x86 | 0x88 | 0x8c => 4,
        0x89 | 0x8e | 0x8f | 0x90 => 8,
        _ => 1,
    }
}
