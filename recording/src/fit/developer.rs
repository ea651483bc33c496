//! Developer fields (Connect IQ apps: a foot pod's power, a strap's heart rate) that stand for a field of the profile.
//! Not a decoder of other developer fields: they are only stepped over.
//! Called by the frames for each field_description and each record.

use std::collections::HashMap;

use fitparser::Value;
use fitparser::de::{FitDataMessage, FitStreamProcessor};
use fitparser::profile::MesgNum;

/// What the file's field_description messages told so far; at most 65,536 pairs of (developer, field).
#[derive(Default)]
pub(crate) struct Developer {
    natives: HashMap<(u8, u8), Native>,
}

struct Native {
    field: u8,
    base_type: u8,
}

const BYTE: u8 = 0x0d;

impl Developer {
    /// Learns a field_description and lets fitparser learn it, so that it can step over the field.
    pub(crate) fn describe(&mut self, mut message: FitDataMessage, parser: &mut FitStreamProcessor) {
        let integer = |number: u8| -> Option<i64> { message.fields.get(&number)?.try_into().ok() };
        let byte = |number: u8| integer(number).and_then(|value| u8::try_from(value).ok());
        let (Some(developer), Some(field), Some(base_type)) = (byte(0), byte(1), byte(2)) else {
            return;
        };
        let is_of_record = integer(14) == Some(MesgNum::Record.as_i64());
        // A scaled copy of a field that has no scale of its own would be a guess.
        let is_plain = integer(6).unwrap_or(1) == 1 && integer(7).unwrap_or(0) == 0;
        match byte(15).filter(|_| is_of_record && is_plain) {
            Some(native) => self.natives.insert((developer, field), Native { field: native, base_type }),
            None => self.natives.remove(&(developer, field)),
        };
        // fitparser is told "bytes" for every developer field: it adds up sizes in a u8, which overflows where the size
        // is no multiple of the type's, and it refuses the file where a scale or a unit has an odd type.
        message.fields.retain(|number, _| matches!(number, 0 | 1));
        message.fields.insert(2, Value::UInt8(BYTE));
        // On an error it does not know the field, and refuses the first message that uses it.
        let _ = parser.decode_message(message);
    }

    /// The values of a record's developer fields that stand for one of the profile, by its number.
    pub(crate) fn overrides(&self, fields: &HashMap<(u8, u8), Value>, big_endian: bool) -> Vec<(u8, i64)> {
        if self.natives.is_empty() {
            return Vec::new();
        }
        let mut values: Vec<((u8, u8), u8, i64)> = fields
            .iter()
            .filter_map(|(key, value)| {
                let native = self.natives.get(key)?;
                Some((*key, native.field, number(native.base_type, &bytes(value)?, big_endian)?))
            })
            .collect();
        // Of two that stand for the same field the first developer's wins, not the luck of the hash.
        values.sort_unstable();
        values.into_iter().map(|(_, field, value)| (field, value)).collect()
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let one = |value: &Value| match value {
        Value::Byte(byte) => Some(*byte),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(one).collect(),
        other => Some(vec![one(other)?]),
    }
}

/// One number of a FIT base type; None for arrays, for text and for the type's "invalid".
fn number(base_type: u8, bytes: &[u8], big_endian: bool) -> Option<i64> {
    let raw = match (bytes.len(), big_endian) {
        (1, _) => u32::from(bytes[0]),
        (2, false) => u32::from(u16::from_le_bytes(bytes.try_into().ok()?)),
        (2, true) => u32::from(u16::from_be_bytes(bytes.try_into().ok()?)),
        (4, false) => u32::from_le_bytes(bytes.try_into().ok()?),
        (4, true) => u32::from_be_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    let (size, invalid) = match base_type {
        0x00 | 0x02 | BYTE => (1, u32::from(u8::MAX)),
        0x0a => (1, 0),
        0x01 => (1, 0x7f),
        0x83 => (2, 0x7fff),
        0x84 => (2, u32::from(u16::MAX)),
        0x8b => (2, 0),
        0x85 => (4, 0x7fff_ffff),
        0x86 => (4, u32::MAX),
        0x88 => return float(bytes.len(), raw),
        0x8c => (4, 0),
        _ => return None,
    };
    if bytes.len() != size || raw == invalid {
        return None;
    }
    Some(match base_type {
        0x01 => i64::from(raw as u8 as i8),
        0x83 => i64::from(raw as u16 as i16),
        0x85 => i64::from(raw as i32),
        _ => i64::from(raw),
    })
}

fn float(len: usize, raw: u32) -> Option<i64> {
    let value = f32::from_bits(raw);
    (len == 4 && value.is_finite()).then(|| value.round() as i64)
}
