//! Sensors, who wears them and since when, and which of their samples have been judged and are on disk.
//! A stream is one sensor as one receiver hears it; a sample's key is (source, receiver, boot, seq).

use super::ranges::Ranges;
use super::rider::{Sample, StreamNo};
use crate::time::ClassMs;
use fitconnect_protocol::class::{Sensor, SourceKind};
use fitconnect_protocol::limits::STREAM_BOOTS_MAX;
use fitconnect_protocol::sample::{Acked, SourceAcked};
use fitconnect_protocol::{Boot, ReceiverId, Seq, SessionId, Slot, SourceId, UserId};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// From `from` on the sensor is on this person, or on nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worn {
    pub from: ClassMs,
    pub slot: Option<Slot>,
}

/// A sensor known to the class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSensor {
    pub source: SourceId,
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
        if self.wearer_now() != slot || self.worn.is_empty() {
            self.worn.push(Worn { from, slot });
        }
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
    pub kind: SourceKind,
    /// Its sensor's place in the list of sensors.
    sensor: usize,
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
    sensors: Vec<KnownSensor>,
    sensor_index: BTreeMap<SourceId, usize>,
    /// Sensors that each person has ever worn, by slot.
    wardrobes: Vec<Vec<usize>>,
    numbers: BTreeMap<(SourceId, ReceiverId), StreamNo>,
    list: Vec<Stream>,
    /// Offset to class time of each receiver's boot. Never changes.
    pub offsets: BTreeMap<(ReceiverId, Boot), i64>,
    /// Whose account a receiver speaks for: the first that said its offset.
    pub receivers: BTreeMap<ReceiverId, UserId>,
    receivers_of: BTreeMap<UserId, usize>,
}

impl Streams {
    pub fn sensor(&self, source: SourceId) -> Option<&KnownSensor> {
        self.sensor_index.get(&source).map(|index| &self.sensors[*index])
    }
    pub fn sensors(&self) -> impl Iterator<Item = &KnownSensor> {
        self.sensors.iter()
    }
    pub fn sensor_count(&self) -> usize {
        self.sensors.len()
    }

    /// The sensor is on `slot` from `from` on. Returns who wore it until now.
    pub fn wear(&mut self, sensor: &Sensor, owner: Option<UserId>, slot: Option<Slot>, from: ClassMs) -> Option<Slot> {
        let Sensor { source, kind } = *sensor;
        let index = *self.sensor_index.entry(source).or_insert(self.sensors.len());
        if index == self.sensors.len() {
            self.sensors.push(KnownSensor { source, kind, owner, worn: Vec::new() });
        }
        let known = &mut self.sensors[index];
        known.owner = known.owner.or(owner);
        let before = known.wearer_now();
        known.wear(slot, from);
        if let Some(slot) = slot {
            self.hang(slot, index);
        }
        before
    }

    /// Two people wear each other's sensors from `now` on.
    pub fn swap_from(&mut self, now: ClassMs, a: Slot, b: Slot) {
        for (index, other) in self.exchanged(a, b) {
            if self.sensors[index].wearer_now().is_some_and(|slot| slot == a || slot == b) {
                self.sensors[index].wear(Some(other), now);
                self.hang(other, index);
            }
        }
    }

    /// Whatever one of two people has worn, the other has worn.
    pub fn swap_all(&mut self, a: Slot, b: Slot) {
        for (index, _) in self.exchanged(a, b) {
            for worn in &mut self.sensors[index].worn {
                worn.slot = match worn.slot {
                    Some(slot) if slot == a => Some(b),
                    Some(slot) if slot == b => Some(a),
                    other => other,
                };
            }
            self.hang(a, index);
            self.hang(b, index);
        }
    }

    /// Sensors that one of the two has ever worn, each once, with the one who does not wear it now.
    fn exchanged(&self, a: Slot, b: Slot) -> Vec<(usize, Slot)> {
        let mut indices: Vec<usize> = self.wardrobe(a).chain(self.wardrobe(b)).collect();
        indices.sort_unstable();
        indices.dedup();
        let other = |index: usize| if self.sensors[index].wearer_now() == Some(a) { b } else { a };
        indices.into_iter().map(|index| (index, other(index))).collect()
    }

    fn wardrobe(&self, slot: Slot) -> impl Iterator<Item = usize> + '_ {
        self.wardrobes.get(usize::from(slot)).into_iter().flatten().copied()
    }

    fn hang(&mut self, slot: Slot, index: usize) {
        let slot = usize::from(slot);
        if self.wardrobes.len() <= slot {
            self.wardrobes.resize_with(slot + 1, Vec::new);
        }
        if !self.wardrobes[slot].contains(&index) {
            self.wardrobes[slot].push(index);
        }
    }

    /// A receiver's clock is known, and from its first word on it speaks for `by`.
    pub fn boot(&mut self, receiver: ReceiverId, boot: Boot, offset: i64, by: Option<UserId>) {
        self.offsets.insert((receiver, boot), offset);
        let Some(by) = by else { return };
        if let Entry::Vacant(vacant) = self.receivers.entry(receiver) {
            vacant.insert(by);
            *self.receivers_of.entry(by).or_default() += 1;
        }
    }
    pub fn receivers_of(&self, user: UserId) -> usize {
        self.receivers_of.get(&user).copied().unwrap_or(0)
    }

    /// The number of a known sensor's stream; `None` where nobody has paired the sensor.
    pub fn number(&mut self, source: SourceId, receiver: ReceiverId) -> Option<StreamNo> {
        if let Some(number) = self.numbers.get(&(source, receiver)) {
            return Some(*number);
        }
        let sensor = *self.sensor_index.get(&source)?;
        let number = StreamNo(self.list.len() as u32);
        let kind = self.sensors[sensor].kind;
        self.list.push(Stream { source, receiver, kind, sensor, boots: Vec::new(), sender: None, ack_due: None });
        self.numbers.insert((source, receiver), number);
        Some(number)
    }

    pub fn get(&self, number: StreamNo) -> &Stream {
        &self.list[number.0 as usize]
    }
    pub fn get_mut(&mut self, number: StreamNo) -> &mut Stream {
        &mut self.list[number.0 as usize]
    }
    pub fn sensor_of(&self, number: StreamNo) -> &KnownSensor {
        &self.sensors[self.get(number).sensor]
    }

    /// Who wore the sample's sensor when it was taken.
    pub fn wearer_of(&self, sample: &Sample) -> Option<Slot> {
        self.sensor_of(sample.stream).wearer_at(sample.at)
    }

    /// The one order of samples: by time, the better sensor first. It depends on nothing but what was measured.
    pub fn order(&self, a: &Sample, b: &Sample) -> Ordering {
        let rest = |sample: &Sample| {
            let stream = self.get(sample.stream);
            (stream.kind, stream.source, stream.receiver, sample.boot, sample.seq)
        };
        a.at.cmp(&b.at).then_with(|| rest(a).cmp(&rest(b)))
    }

    /// Sensors that somebody wears now.
    pub fn worn_by(&self, slot: Slot) -> impl Iterator<Item = Sensor> + '_ {
        let worn = self
            .wardrobe(slot)
            .map(|index| &self.sensors[index])
            .filter(move |sensor| sensor.wearer_now() == Some(slot));
        worn.map(|sensor| Sensor { source: sensor.source, kind: sensor.kind })
    }

    /// Sensors that the person has ever worn.
    pub fn sources_of(&self, slot: Slot) -> Vec<SourceId> {
        let mut sources: Vec<SourceId> = self.wardrobe(slot).map(|index| self.sensors[index].source).collect();
        sources.sort_unstable();
        sources
    }

    /// Streams by their numbers.
    pub fn list(&self) -> impl Iterator<Item = &Stream> {
        self.list.iter()
    }

    pub fn check_invariants(&self) {
        self.list.iter().for_each(Stream::check_invariants);
        for sensor in &self.sensors {
            assert!(
                sensor.worn.windows(2).all(|pair| pair[0].from < pair[1].from),
                "a sensor is worn in order of time"
            );
        }
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

    /// What a checkpoint says of a boot: seen, and on disk.
    pub fn take_numbers(&mut self, boot: Boot, durable: Ranges) {
        if let Some(seen) = self.boot(boot) {
            (seen.judged, seen.durable) = (durable.clone(), durable);
        }
    }

    pub fn is_durable(&self, boot: Boot, seq: Seq) -> bool {
        self.boots.iter().any(|seen| seen.boot == boot && seen.durable.contains(seq))
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

    /// Boot, judged numbers and durable numbers, by boot.
    pub fn numbers(&self) -> Vec<(Boot, Ranges, Ranges)> {
        let mut numbers: Vec<_> =
            self.boots.iter().map(|seen| (seen.boot, seen.judged.clone(), seen.durable.clone())).collect();
        numbers.sort_unstable_by_key(|(boot, ..)| *boot);
        numbers
    }

    pub fn check_invariants(&self) {
        for seen in &self.boots {
            seen.judged.check_invariants();
            seen.durable.check_invariants();
            assert!(seen.durable.through() <= seen.judged.through(), "acknowledged before it was judged");
        }
    }
}
