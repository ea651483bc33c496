//! What the log and the event store keep, in few bytes: samples as differences to the one before, everything else plain.
//! About 10 to 24 bytes a sample. Not MessagePack: at 20,000 samples a second the names alone would be a megabyte.

use fitconnect_actors::ports::Event;
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::sample::Row;
use fitconnect_protocol::{ClassId, ReceiverId, SourceId};
use uuid::Uuid;

/// First byte of a record's payload. Below 16: the log's own.
pub const SAMPLES: u8 = 16;
pub const CLASS_EVENT: u8 = 17;

/// Source and receiver are below 2^53.
const DEVICE_BYTES: usize = 7;

const SAME_SOURCE: u8 = 1;
const SAME_RECEIVER: u8 = 2;
const SAME_BOOT: u8 = 4;
const NEXT_SEQ: u8 = 8;
const HAS_POWER: u8 = 16;
const HAS_CADENCE: u8 = 32;
const HAS_RR: u8 = 64;

/// A heart rate is a byte, unless it is none that a heart has.
const WIDE_BPM: u8 = 255;

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    Samples { class: ClassId, samples: Vec<StoredSample> },
    Class { class: ClassId, at: i64, kind: String, body: Vec<u8> },
}

/// The bytes are whole, and still say nothing: a later version wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

pub fn put_event(out: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Samples { class, samples } => {
            out.push(SAMPLES);
            out.extend_from_slice(class.0.as_bytes());
            put_samples(out, samples);
        }
        Event::Class { class, at, kind, body } => {
            out.push(CLASS_EVENT);
            out.extend_from_slice(class.0.as_bytes());
            put_signed(out, *at);
            put_bytes(out, kind.as_bytes());
            put_bytes(out, body);
        }
    }
}

pub fn event(bytes: &[u8]) -> Result<Recorded, Unreadable> {
    let mut from = Reader(bytes);
    match from.byte()? {
        SAMPLES => Ok(Recorded::Samples { class: from.class()?, samples: from.samples()? }),
        CLASS_EVENT => Ok(Recorded::Class {
            class: from.class()?,
            at: from.signed()?,
            kind: String::from_utf8(from.bytes()?.to_vec()).map_err(|_| Unreadable)?,
            body: from.bytes()?.to_vec(),
        }),
        _ => Err(Unreadable),
    }
}

/// A count, then the samples.
pub fn put_samples(out: &mut Vec<u8>, samples: &[StoredSample]) {
    put(out, samples.len() as u64);
    let mut before: Option<&StoredSample> = None;
    for sample in samples {
        put_sample(out, sample, before);
        before = Some(sample);
    }
}

pub fn samples(bytes: &[u8]) -> Result<Vec<StoredSample>, Unreadable> {
    Reader(bytes).samples()
}

fn put_sample(out: &mut Vec<u8>, sample: &StoredSample, before: Option<&StoredSample>) {
    let row = &sample.row;
    let mut flags = 0;
    if let Some(before) = before {
        let same_source = before.source == sample.source;
        flags |= if same_source { SAME_SOURCE } else { 0 };
        flags |= if before.receiver == sample.receiver { SAME_RECEIVER } else { 0 };
        flags |= if before.boot == sample.boot { SAME_BOOT } else { 0 };
        flags |= if same_source && before.seq.checked_add(1) == Some(sample.seq) { NEXT_SEQ } else { 0 };
    }
    flags |= if row.power_w.is_some() { HAS_POWER } else { 0 };
    flags |= if row.cadence.is_some() { HAS_CADENCE } else { 0 };
    flags |= if row.rr_ms.is_empty() { 0 } else { HAS_RR };
    out.push(flags);
    if flags & SAME_SOURCE == 0 {
        out.extend_from_slice(&sample.source.get().to_le_bytes()[..DEVICE_BYTES]);
    }
    if flags & SAME_RECEIVER == 0 {
        out.extend_from_slice(&sample.receiver.get().to_le_bytes()[..DEVICE_BYTES]);
    }
    if flags & SAME_BOOT == 0 {
        put(out, u64::from(sample.boot));
    }
    if flags & NEXT_SEQ == 0 {
        put(out, u64::from(sample.seq));
    }
    put_signed(out, sample.at.wrapping_sub(before.map_or(0, |before| before.at)));
    // A receiver's clock and class time differ by one offset a boot: the difference of their differences is 0 or near it.
    let ms = i64::from(row.ms);
    put_signed(
        out,
        before.map_or(ms, |before| (ms - i64::from(before.row.ms)).wrapping_sub(sample.at.wrapping_sub(before.at))),
    );
    match u8::try_from(row.bpm) {
        Ok(bpm) if bpm < WIDE_BPM => out.push(bpm),
        Ok(_) | Err(_) => {
            out.push(WIDE_BPM);
            put(out, u64::from(row.bpm));
        }
    }
    if let Some(power) = row.power_w {
        put(out, u64::from(power));
    }
    if let Some(cadence) = row.cadence {
        out.push(cadence);
    }
    if flags & HAS_RR != 0 {
        put(out, row.rr_ms.len() as u64);
        row.rr_ms.iter().for_each(|rr| put(out, u64::from(*rr)));
    }
}

/// LEB128.
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag.
fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value << 1 ^ value >> 63) as u64);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Unreadable)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Unreadable> {
        T::try_from(self.number()?).map_err(|_| Unreadable)
    }

    fn signed(&mut self) -> Result<i64, Unreadable> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn bytes(&mut self) -> Result<&'b [u8], Unreadable> {
        let count = self.small()?;
        self.take(count)
    }

    fn class(&mut self) -> Result<ClassId, Unreadable> {
        Ok(ClassId(Uuid::from_slice(self.take(16)?).map_err(|_| Unreadable)?))
    }

    fn device(&mut self) -> Result<u64, Unreadable> {
        let mut id = [0; 8];
        id[..DEVICE_BYTES].copy_from_slice(self.take(DEVICE_BYTES)?);
        Ok(u64::from_le_bytes(id))
    }

    fn samples(&mut self) -> Result<Vec<StoredSample>, Unreadable> {
        let count: usize = self.small()?;
        // A sample has at least four bytes: a wrong count must not take memory.
        if count > self.0.len() / 4 {
            return Err(Unreadable);
        }
        let mut samples: Vec<StoredSample> = Vec::with_capacity(count);
        for _ in 0..count {
            let sample = self.sample(samples.last())?;
            samples.push(sample);
        }
        Ok(samples)
    }

    fn sample(&mut self, before: Option<&StoredSample>) -> Result<StoredSample, Unreadable> {
        let flags = self.byte()?;
        let has = |flag: u8| flags & flag != 0;
        let same = |flag: u8| if has(flag) { before.ok_or(Unreadable).map(Some) } else { Ok(None) };
        let source = match same(SAME_SOURCE)? {
            Some(before) => before.source,
            None => SourceId::new(self.device()?).ok_or(Unreadable)?,
        };
        let receiver = match same(SAME_RECEIVER)? {
            Some(before) => before.receiver,
            None => ReceiverId::new(self.device()?).ok_or(Unreadable)?,
        };
        let boot = match same(SAME_BOOT)? {
            Some(before) => before.boot,
            None => self.small()?,
        };
        let seq = match same(NEXT_SEQ)? {
            Some(before) => before.seq.checked_add(1).ok_or(Unreadable)?,
            None => self.small()?,
        };
        let step = self.signed()?;
        let at = before.map_or(0, |before| before.at).wrapping_add(step);
        let ms = self.signed()?;
        let ms = before.map_or(ms, |before| i64::from(before.row.ms).wrapping_add(step).wrapping_add(ms));
        let ms = u32::try_from(ms).map_err(|_| Unreadable)?;
        let bpm = match self.byte()? {
            WIDE_BPM => self.small()?,
            bpm => u16::from(bpm),
        };
        let power_w = if has(HAS_POWER) { Some(self.small()?) } else { None };
        let cadence = if has(HAS_CADENCE) { Some(self.byte()?) } else { None };
        let mut rr_ms = Vec::new();
        if has(HAS_RR) {
            let count: usize = self.small()?;
            if count > self.0.len() {
                return Err(Unreadable);
            }
            rr_ms.reserve_exact(count);
            for _ in 0..count {
                rr_ms.push(self.small()?);
            }
        }
        Ok(StoredSample { source, receiver, boot, seq, at, row: Row { ms, bpm, power_w, cadence, rr_ms } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_sample() -> impl Strategy<Value = StoredSample> {
        let ids = (0..3_u64, 0..(1_u64 << 53), 0..2_u64, any::<u32>(), any::<u32>(), any::<bool>());
        let row = (
            any::<u32>(),
            any::<u16>(),
            any::<Option<u16>>(),
            any::<Option<u8>>(),
            prop::collection::vec(any::<u16>(), 0..10),
        );
        (ids, any::<i64>(), row).prop_map(
            |((near, far, receiver, boot, seq, is_near), at, (ms, bpm, power_w, cadence, rr_ms))| StoredSample {
                source: SourceId::new(if is_near { near } else { far }).expect("below 2^53"),
                receiver: ReceiverId::new(receiver).expect("below 2^53"),
                boot: boot % 2,
                seq: if is_near { seq % 3 } else { seq },
                at,
                row: Row { ms, bpm, power_w, cadence, rr_ms },
            },
        )
    }

    proptest! {
        #[test]
        fn samples_come_back_as_they_went(kept in prop::collection::vec(any_sample(), 0..40)) {
            let mut bytes = Vec::new();
            put_samples(&mut bytes, &kept);
            prop_assert_eq!(samples(&bytes), Ok(kept));
        }

        #[test]
        fn class_events_come_back_as_they_went(at in any::<i64>(), body in prop::collection::vec(any::<u8>(), 0..300)) {
            let class = ClassId(Uuid::from_u128(7));
            let mut bytes = Vec::new();
            put_event(&mut bytes, &Event::Class { class, at, kind: "raised", body: body.clone() });
            prop_assert_eq!(event(&bytes), Ok(Recorded::Class { class, at, kind: "raised".into(), body }));
        }

        #[test]
        fn any_bytes_are_an_error_or_a_record_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = event(&bytes);
            let _ = samples(&bytes);
        }
    }

    #[test]
    fn a_sample_is_small() {
        let sample = |source: u64, seq: u32| StoredSample {
            source: SourceId::new(source).expect("below 2^53"),
            receiver: ReceiverId::new(source ^ 0x1234_5678_9abc).expect("below 2^53"),
            boot: 41_234,
            seq,
            at: 1_795_459_200_000 + i64::from(seq) * 1_000,
            row: Row { ms: seq * 1_000, bpm: 150, power_w: Some(210), cadence: Some(88), rr_ms: vec![] },
        };
        let mut ten_riders = Vec::new();
        put_samples(
            &mut ten_riders,
            &(0..10).map(|rider| sample(0x1f_0000_0000_0000 + rider * 7, 2_000)).collect::<Vec<_>>(),
        );
        let mut one_rider = Vec::new();
        put_samples(&mut one_rider, &(0..10).map(|seq| sample(0x1f_0000_0000_0000, 2_000 + seq)).collect::<Vec<_>>());
        assert!(ten_riders.len() <= 245, "{} bytes for ten riders", ten_riders.len());
        assert!(one_rider.len() <= 110, "{} bytes for ten seconds", one_rider.len());
    }
}
