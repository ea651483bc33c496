//! A running class as it was at one moment, in few bytes, so that a reload folds a minute instead of an hour. Only what is on disk goes
//! in: per stream the numbers that are, per person the tallies up to a minute ago and the samples since. What a reload adds is every
//! stored sample outside those numbers, by the same way in as live.

use super::change::{Change, Stage};
use super::fold::Fold;
use super::io::StoredSample;
use super::live::{Live, Placed, Wear};
use super::ranges::Ranges;
use super::rider::{Sample, StreamNo};
use super::watch::Watch;
use super::{Class, Pending};
use crate::Millis;
use crate::time::ClassMs;
use fitconnect_protocol::limits::LOST_MS;
use fitconnect_protocol::{Boot, ClassId, ReceiverId, Seq, Slot, SourceId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How it is written. Another layout is not read: the class is then folded from all its samples.
const LAYOUT: u8 = 1;

/// By boot: what is on disk.
type Numbers = Vec<(Boot, Ranges)>;

#[derive(Serialize, Deserialize)]
struct Kept {
    layout: u8,
    samples: u64,
    /// In the order of their numbers.
    streams: Vec<(SourceId, ReceiverId, Numbers)>,
    /// By slot; `None` where the figures were not those of everything on disk.
    riders: Vec<Option<KeptRider>>,
}

#[derive(Serialize, Deserialize)]
struct KeptRider {
    base: Fold,
    base_at: Option<ClassMs>,
    tail: Vec<Sample>,
    watch: Watch,
    dropped: u32,
}

/// A stream, a boot and a number.
type Key = (StreamNo, Boot, Seq);

impl Class {
    /// `None` where there is nothing to keep: a class that does not run is short, or folded for the last time.
    pub fn checkpoint(&self) -> Option<Vec<u8>> {
        if self.stage != Stage::Running {
            return None;
        }
        let (waiting, doubtful) = self.not_on_disk();
        let rider = |rider: &super::Rider| {
            let (base, base_at, tail) = rider.live.kept().filter(|_| !doubtful.contains(&rider.slot))?;
            let waiting = waiting.get(&rider.slot);
            let on_disk =
                |sample: &&Sample| waiting.is_none_or(|keys| !keys.contains(&(sample.stream, sample.boot, sample.seq)));
            let tail = tail.iter().filter(on_disk).copied().collect();
            let (base, watch) = (base.clone(), rider.watch.clone());
            Some(KeptRider { base, base_at, tail, watch, dropped: rider.dropped })
        };
        let streams = self.streams.list().map(|stream| {
            let numbers = stream.numbers().into_iter().map(|(boot, _, durable)| (boot, durable)).collect();
            (stream.source, stream.receiver, numbers)
        });
        let kept = Kept {
            layout: LAYOUT,
            samples: self.counts.samples.saturating_sub(self.pending.len() as u64),
            streams: streams.collect(),
            riders: self.riders.iter().map(rider).collect(),
        };
        rmp_serde::to_vec(&kept).ok()
    }

    /// Samples in tails that are not yet on disk, by slot, and those of whom such a sample may have gone into the tallies already.
    fn not_on_disk(&self) -> (BTreeMap<Slot, BTreeSet<Key>>, BTreeSet<Slot>) {
        let mut waiting = BTreeMap::<Slot, BTreeSet<Key>>::new();
        let mut doubtful = BTreeSet::new();
        for Pending { stream, boot, seq, .. } in &self.pending {
            let key = (*stream, *boot, *seq);
            let wearers: BTreeSet<Slot> =
                self.streams.sensor_of(*stream).worn.iter().filter_map(|worn| worn.slot).collect();
            let has = |slot: &Slot| self.riders[usize::from(*slot)].live.tail_has(key);
            match wearers.iter().find(|slot| has(slot)) {
                Some(slot) => _ = waiting.entry(*slot).or_default().insert(key),
                None => doubtful.extend(wearers),
            }
        }
        (waiting, doubtful)
    }

    /// A class from a checkpoint: the changes up to it and those behind it, and at least every stored sample that it lacks.
    /// `None` where the checkpoint does not serve: then all samples must be read.
    pub fn restore_from(
        id: ClassId,
        before: &[Change],
        checkpoint: &[u8],
        after: &[Change],
        mut samples: Vec<StoredSample>,
        now: Millis,
    ) -> Option<Class> {
        let kept: Kept = rmp_serde::from_slice(checkpoint).ok().filter(|kept: &Kept| kept.layout == LAYOUT)?;
        let mut class = Class::new(id);
        before.iter().for_each(|change| class.apply(change));
        class.take_kept(kept)?;
        // As when they happened: whoever they reach behind the tallies wants the whole series.
        after.iter().for_each(|change| class.apply(change));
        let settling = class.riders.iter().any(|rider| rider.summary.version > 0);
        if settling || !matches!(class.stage, Stage::Running | Stage::Finished) {
            return None;
        }
        class.armed = class.alarm();
        samples.sort_unstable_by_key(|stored| (stored.source, stored.receiver, stored.boot, stored.seq));
        samples.dedup_by_key(|stored| (stored.source, stored.receiver, stored.boot, stored.seq));
        samples.retain(|stored| class.is_new(stored));
        class.judge_stored(&samples);
        class.counts.samples += samples.len() as u64;
        class.bring_up_to_date();
        let mut samples = class.judged(samples);
        samples.sort_unstable_by(|a, b| class.streams.order(a, b));
        samples.into_iter().for_each(|sample| class.take_stored(sample));
        class.bring_up_to_date();
        let at = class.class_at(now);
        for slot in 0..class.riders.len() as Slot {
            class.with_rider(slot, |rider, _, terms| {
                rider.show_newest(at, terms);
                // Until something new arrives, nobody knows whether it is still so.
                rider.shown.fresh = rider.shown.fresh.map(|fresh| fresh.min(at - LOST_MS - 1));
            });
        }
        let wanting = class.riders.iter().filter(|rider| rider.live.wants_series()).map(|rider| rider.slot);
        class.unfresh = wanting.collect();
        class.awake_since = at;
        class.attention.begin_ids_at((at / 100) as u32);
        class.board.stale = true;
        Some(class)
    }

    fn take_kept(&mut self, kept: Kept) -> Option<()> {
        if kept.riders.len() != self.riders.len() {
            return None;
        }
        for (source, receiver, boots) in kept.streams {
            let stream = self.streams.number(source, receiver)?;
            let stream = self.streams.get_mut(stream);
            boots.into_iter().for_each(|(boot, durable)| stream.take_numbers(boot, durable));
        }
        self.counts.samples = kept.samples;
        for (rider, kept) in self.riders.iter_mut().zip(kept.riders) {
            match kept {
                Some(KeptRider { base, base_at, tail, watch, dropped }) => {
                    rider.live = Live::from_kept(base, base_at, tail);
                    (rider.watch, rider.dropped) = (watch, dropped);
                }
                None => rider.live.sensors_changed(),
            }
        }
        Some(())
    }

    fn is_new(&mut self, stored: &StoredSample) -> bool {
        let Some(stream) = self.streams.number(stored.source, stored.receiver) else { return false };
        !self.streams.get(stream).is_durable(stored.boot, stored.seq)
    }

    fn bring_up_to_date(&mut self) {
        for slot in 0..self.riders.len() as Slot {
            self.with_rider(slot, |rider, streams, terms| {
                let super::Rider { live, present, .. } = rider;
                live.refresh(&Wear { streams, slot, present }, terms);
            });
        }
    }

    fn take_stored(&mut self, sample: Sample) {
        let Some(slot) = self.streams.wearer_of(&sample) else { return };
        self.with_rider(slot, |rider, streams, terms| {
            let super::Rider { live, watch, present, .. } = rider;
            let placed = live.place(sample, &Wear { streams, slot, present }, terms);
            let unheard = watch.heard_until().is_none_or(|until| until < sample.at);
            if let Some(bpm) = sample.bpm().filter(|_| unheard && placed == Placed::Newest { counts: true }) {
                watch.hear(sample.at, bpm, terms);
            }
        });
    }
}
