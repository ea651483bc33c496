//! Sensors, who wears them and since when, and which of their samples have been judged and are on disk.
//! A stream is one sensor as one receiver hears it; a sample's key is (source, receiver, boot, seq).

use super::ranges::Ranges;
use super::rider::{Sample, StreamNo};
use crate::time::ClassMs;
use fitconnect_protocol::class::{Sensor, SourceKind};
use fitconnect_protocol::limits::STREAM_BOOTS_MAX;
use fitconnect_protocol::sample::{Acked, SourceAcked};
use fitconnect_protocol::{Boot, ReceiverId, Seq, SessionId, Slot, SourceId, UserId};
use std::collections::BTreeMap;

/// From `from` on the sensor is on this person, or on nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worn {
    pub from: ClassMs,
    pub slot: Option<Slot>,
}

/// A sensor known to the class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSensor {
    pub kind: SourceKind,
    /// Whose phone may send for it; `None`: only staff and hubs.
    pub owner: Option<UserId>,
    /// In order of time.
    pub worn: Vec<Worn>,
}

impl KnownSensor {
    fn index_at(&self, at: ClassMs) -> Option<usize> {
        self.worn.iter().rposition(|worn| worn.from <= at)
    }
    pub fn wearer_at(&self, at: ClassMs) -> Option<Slot> {
        self.worn[self.index_at(at)?].slot
    }
    /// When the one who wears it at `at` takes it off.
    pub fn worn_until(&self, at: ClassMs) -> ClassMs {
        self.index_at(at).and_then(|index| self.worn.get(index + 1)).map_or(ClassMs::MAX, |next| next.from)
    }
    pub fn wearer_now(&self) -> Option<Slot> {
        self.worn.last().and_then(|worn| worn.slot)
    }
    /// The sensor is on `slot` from `from` on; what was said of later moments is void.
    pub fn wear(&mut self, slot: Option<Slot>, from: ClassMs) {
        self.worn.retain(|worn| worn.from < from);
        self.worn.push(Worn { from, slot });
    }
}

#[derive(Clone, Debug, PartialEq)]
struct BootSeen {
    boot: Boot,
    judged: Ranges,
    durable: Ranges,
}

/// One sensor as one receiver hears it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    pub source: SourceId,
    pub receiver: ReceiverId,
    boots: Vec<BootSeen>,
    /// Who sent last: the acknowledgement goes there.
    pub sender: Option<SessionId>,
    /// The boot whose acknowledgement has news for the sender.
    ack_due: Option<Boot>,
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    New,
    Seen,
    /// Too many holes or boots: the sender must fill them first.
    Refused,
}

/// All sensors and streams of a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streams {
    pub sensors: BTreeMap<SourceId, KnownSensor>,
    numbers: BTreeMap<(SourceId, ReceiverId), StreamNo>,
    list: Vec<Stream>,
    /// Offset to class time of each receiver's boot. Never changes.
    pub offsets: BTreeMap<(ReceiverId, Boot), i64>,
    /// Whose account a receiver speaks for: the first that said its offset.
    pub receivers: BTreeMap<ReceiverId, UserId>,
}

impl Streams {
    pub fn number(&mut self, source: SourceId, receiver: ReceiverId) -> StreamNo {
        if let Some(number) = self.numbers.get(&(source, receiver)) {
            return *number;
        }
        let number = StreamNo(self.list.len() as u32);
        self.list.push(Stream { source, receiver, boots: Vec::new(), sender: None, ack_due: None });
        self.numbers.insert((source, receiver), number);
        number
    }

    pub fn get(&self, number: StreamNo) -> &Stream {
        &self.list[number.0 as usize]
    }
    pub fn get_mut(&mut self, number: StreamNo) -> &mut Stream {
        &mut self.list[number.0 as usize]
    }
    pub fn sensor_of(&self, number: StreamNo) -> Option<&KnownSensor> {
        self.sensors.get(&self.get(number).source)
    }

    /// Who wore the sample's sensor when it was taken.
    pub fn wearer_of(&self, sample: &Sample) -> Option<Slot> {
        self.sensor_of(sample.stream)?.wearer_at(sample.at)
    }

    /// Sensors that somebody wears now.
    pub fn worn_by(&self, slot: Slot) -> impl Iterator<Item = Sensor> + '_ {
        let worn = self.sensors.iter().filter(move |(_, sensor)| sensor.wearer_now() == Some(slot));
        worn.map(|(source, sensor)| Sensor { source: *source, kind: sensor.kind })
    }

    /// Streams of sensors that the person has ever worn.
    pub fn streams_of(&self, slot: Slot) -> Vec<StreamNo> {
        let wore = |sensor: &KnownSensor| sensor.worn.iter().any(|worn| worn.slot == Some(slot));
        let sources: Vec<SourceId> = self.sensors.iter().filter(|(_, sensor)| wore(sensor)).map(|(source, _)| *source).collect();
        let streams = self.list.iter().enumerate().filter(|(_, stream)| sources.contains(&stream.source));
        streams.map(|(index, _)| StreamNo(index as u32)).collect()
    }
}

impl Stream {
    fn boot(&mut self, boot: Boot) -> Option<&mut BootSeen> {
        let index = match self.boots.iter().position(|seen| seen.boot == boot) {
            Some(index) => index,
            None if self.boots.len() >= STREAM_BOOTS_MAX => return None,
            None => {
                self.boots.push(BootSeen { boot, judged: Ranges::default(), durable: Ranges::default() });
                self.boots.len() - 1
            }
        };
        self.boots.get_mut(index)
    }

    /// Judges a number once.
    pub fn judge(&mut self, boot: Boot, seq: Seq) -> Verdict {
        let Some(seen) = self.boot(boot) else { return Verdict::Refused };
        if seen.judged.contains(seq) {
            // Its acknowledgement may have been lost.
            self.ack_due = Some(boot);
            return Verdict::Seen;
        }
        if !seen.judged.insert(seq) {
            return Verdict::Refused;
        }
        Verdict::New
    }

    /// The number is on disk, or was dropped and need not be.
    pub fn durable(&mut self, boot: Boot, seq: Seq) {
        if let Some(seen) = self.boot(boot) {
            seen.durable.insert(seq);
            self.ack_due = Some(boot);
        }
    }

    pub fn has_news(&self) -> bool {
        self.ack_due.is_some()
    }

    /// What is acknowledged of the boot that has news; the news is then told.
    pub fn take_ack(&mut self) -> Option<Acked> {
        let boot = self.ack_due.take()?;
        let seen = self.boots.iter().find(|seen| seen.boot == boot)?;
        let acked = SourceAcked(self.source, seen.durable.through(), seen.durable.beyond().to_vec());
        Some(Acked(self.receiver, boot, vec![acked]))
    }

    /// Judged numbers, over all boots.
    pub fn judged(&self) -> u64 {
        self.boots.iter().map(|seen| seen.judged.count()).sum()
    }

    pub fn check_invariants(&self) {
        for seen in &self.boots {
            seen.judged.check_invariants();
            seen.durable.check_invariants();
            assert!(seen.durable.through() <= seen.judged.through(), "acknowledged before it was judged");
        }
    }
}
