//! From the store back to a machine: the fold of the changes, then of all stored samples.
//! It must equal the machine that lived all along; only who follows and who is connected begins anew.

use super::Class;
use super::change::{Change, Stage};
use super::io::StoredSample;
use super::live::Wear;
use super::rider::Sample;
use crate::Millis;
use crate::time::ClassMs;
use fitconnect_protocol::limits::LOST_MS;
use fitconnect_protocol::{ClassId, Slot, SourceId};
use std::collections::BTreeMap;

impl Class {
    /// A class from everything that is stored of it: changes in the order in which they were saved, samples in any order.
    pub fn restore(id: ClassId, changes: &[Change], samples: Vec<StoredSample>, now: Millis) -> Class {
        let mut class = Class::folded(id, changes, samples, now);
        let at = class.class_at(now);
        class.awake_since = at;
        for rider in &mut class.riders {
            // Until something new arrives, nobody knows whether it is still so.
            rider.shown.fresh = rider.shown.fresh.map(|fresh| fresh.min(at - LOST_MS - 1));
        }
        class
    }

    /// The class as it was at `now`, where nothing but this had come by then.
    pub(super) fn folded(id: ClassId, changes: &[Change], mut samples: Vec<StoredSample>, now: Millis) -> Class {
        let mut class = Class::new(id);
        for change in changes {
            class.apply(change);
        }
        // Stored with the last change; what the samples say comes on top.
        class.armed = class.alarm();
        // In order of their numbers, so that there are never more ranges than in the end.
        samples.sort_unstable_by_key(|stored| (stored.source, stored.receiver, stored.boot, stored.seq));
        samples.dedup_by_key(|stored| (stored.source, stored.receiver, stored.boot, stored.seq));
        class.judge_stored(&samples);
        class.counts.samples = samples.len() as u64;
        let by_source = class.by_source(samples);
        let at = class.class_at(now);
        for slot in 0..class.riders.len() as Slot {
            class.restore_rider(slot, &by_source, at);
        }
        class.unfresh.clear();
        class.attention.begin_ids_at((at / 100) as u32);
        class.board.stale = true;
        if matches!(class.stage, Stage::Settled | Stage::Aborted) && class.settled {
            class.restore_ranks();
        }
        class
    }

    /// What is stored has been judged and is on disk.
    pub(super) fn judge_stored(&mut self, samples: &[StoredSample]) {
        for stored in samples {
            let Some(stream) = self.streams.number(stored.source, stored.receiver) else { continue };
            let stream = self.streams.get_mut(stream);
            stream.judge(stored.boot, stored.seq);
            stream.durable(stored.boot, stored.seq);
        }
    }

    fn by_source(&mut self, samples: Vec<StoredSample>) -> BTreeMap<SourceId, Vec<Sample>> {
        let mut by_source: BTreeMap<SourceId, Vec<Sample>> = BTreeMap::new();
        for sample in self.judged(samples) {
            by_source.entry(self.streams.get(sample.stream).source).or_default().push(sample);
        }
        by_source
    }

    fn restore_rider(&mut self, slot: Slot, by_source: &BTreeMap<SourceId, Vec<Sample>>, now: ClassMs) {
        let sources = self.streams.sources_of(slot);
        let stored = sources.iter().filter_map(|source| by_source.get(source)).flatten().copied().collect();
        let series = self.riders[usize::from(slot)].live.whole(stored, &self.streams);
        self.with_rider(slot, |rider, streams, terms| {
            let super::Rider { live, watch, present, .. } = rider;
            let wear = Wear { streams, slot, present };
            live.take_series(&series, &wear, terms, |sample| {
                if let Some(bpm) = sample.bpm().filter(|_| watch.heard_until().is_none_or(|until| until < sample.at)) {
                    watch.hear(sample.at, bpm, terms);
                }
            });
            rider.show_newest(now, terms);
        });
        let rider = &self.riders[usize::from(slot)];
        // Samples that came after the last summary, which nobody has told of yet.
        if rider.summary.version > 0 && rider.live.figures().records != rider.summary.records {
            self.late.insert(slot);
        }
    }
}
