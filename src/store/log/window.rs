//! A window of the log: what arrived within ten seconds, in one segment or more. Once sealed it never changes. Readers and the
//! shipper parse it into classes and sources; what was parsed is kept for the next reader.

use super::codec::{self, Recorded};
use super::segment::{self, Payload, Read, Segment};
use crate::store::lock;
use fitconnect_actors::ports::{Chunk, ClassEventRow, StoreError};
use fitconnect_domain::class::StoredSample;
use fitconnect_protocol::{ClassId, SourceId};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

#[derive(Debug)]
pub struct Window {
    pub id: u64,
    pub node: u32,
    segments: Mutex<Vec<Arc<Segment>>>,
    sealed: AtomicBool,
    bytes: AtomicU64,
    /// When the event store had all of it.
    shipped: OnceLock<Instant>,
    parsed: Mutex<Parsed>,
    /// Once sealed and parsed: a reader of another class need not look.
    classes: OnceLock<BTreeSet<ClassId>>,
}

/// What a window holds of one class.
#[derive(Clone, Debug, Default)]
pub struct OfClass {
    pub samples: BTreeMap<SourceId, Vec<StoredSample>>,
    pub events: Vec<ClassEventRow>,
}

#[derive(Debug, Default)]
struct Parsed {
    classes: BTreeMap<ClassId, OfClass>,
    /// Segments that have been parsed to their end, and the place in the next.
    segments: usize,
    at: usize,
    events: u32,
}

impl Window {
    pub fn new(id: u64, node: u32) -> Window {
        Window {
            id,
            node,
            segments: Mutex::default(),
            sealed: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            shipped: OnceLock::new(),
            parsed: Mutex::default(),
            classes: OnceLock::new(),
        }
    }

    pub fn add_segment(&self, segment: Arc<Segment>) {
        lock(&self.segments).push(segment);
    }
    pub fn segments(&self) -> Vec<Arc<Segment>> {
        lock(&self.segments).clone()
    }
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
    pub fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }
    pub fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }
    pub fn set_shipped(&self, at: Instant) {
        let _ = self.shipped.set(at);
    }
    pub fn shipped(&self) -> Option<Instant> {
        self.shipped.get().copied()
    }

    /// What is on disk of one class, of these sensors or of all. Reads files: not for an arbiter.
    pub fn of_class(&self, class: ClassId, sources: Option<&BTreeSet<SourceId>>) -> Result<OfClass, StoreError> {
        if self.classes.get().is_some_and(|classes| !classes.contains(&class)) {
            return Ok(OfClass::default());
        }
        let mut parsed = lock(&self.parsed);
        self.parse(&mut parsed)?;
        let Some(all) = parsed.classes.get(&class) else { return Ok(OfClass::default()) };
        let Some(sources) = sources else { return Ok(all.clone()) };
        let samples = sources.iter().filter_map(|source| Some((*source, all.samples.get(source)?.clone()))).collect();
        Ok(OfClass { samples, events: Vec::new() })
    }

    /// All of it, as rows of the event store.
    pub fn rows(&self) -> Result<(Vec<Chunk>, Vec<ClassEventRow>), StoreError> {
        let mut parsed = lock(&self.parsed);
        self.parse(&mut parsed)?;
        let (mut chunks, mut events) = (Vec::new(), Vec::new());
        for (class, of_class) in &parsed.classes {
            events.extend(of_class.events.iter().cloned());
            chunks.extend(of_class.samples.iter().map(|(source, samples)| Chunk {
                class: *class,
                source: *source,
                node: self.node,
                window: self.id,
                samples: samples.clone(),
            }));
        }
        Ok((chunks, events))
    }

    /// Frees what was parsed.
    pub fn forget(&self) {
        *lock(&self.parsed) = Parsed::default();
    }

    /// Goes on where the last call ended.
    fn parse(&self, parsed: &mut Parsed) -> Result<(), StoreError> {
        let sealed = self.is_sealed();
        let segments = self.segments();
        while let Some(segment) = segments.get(parsed.segments) {
            let more = segment.durable() as usize - parsed.at;
            if more > 0 {
                self.parse_segment(segment, more, parsed).inspect_err(|_| *parsed = Parsed::default())?;
            }
            if !sealed && parsed.segments + 1 == segments.len() {
                return Ok(());
            }
            parsed.segments += 1;
            parsed.at = 0;
        }
        if sealed {
            let _ = self.classes.set(parsed.classes.keys().copied().collect());
        }
        Ok(())
    }

    fn parse_segment(&self, segment: &Segment, more: usize, parsed: &mut Parsed) -> Result<(), StoreError> {
        let damaged = |why: String| StoreError::Damaged(format!("{}: {why}", segment.path.display()));
        let mut bytes = vec![0; more];
        segment.file.read_exact_at(&mut bytes, parsed.at as u64).map_err(|error| damaged(error.to_string()))?;
        let mut at = 0;
        while let Read::Record { payload, next } = segment::read(segment.id, &bytes, at) {
            if let Payload::Event(event) = payload {
                let event = codec::event(event)
                    .map_err(|_| damaged(format!("a later version wrote byte {}", parsed.at + at)))?;
                self.take(event, parsed);
            }
            at = next;
        }
        if at != more {
            return Err(damaged(format!("byte {} cannot be read", parsed.at + at)));
        }
        parsed.at += at;
        Ok(())
    }

    fn take(&self, event: Recorded, parsed: &mut Parsed) {
        match event {
            Recorded::Samples { class, samples } => {
                let of_class = parsed.classes.entry(class).or_default();
                for sample in samples {
                    of_class.samples.entry(sample.source).or_default().push(sample);
                }
            }
            Recorded::Class { class, at, kind, body } => {
                let number = parsed.events;
                parsed.events += 1;
                let row = ClassEventRow { class, node: self.node, window: self.id, number, at, kind, body };
                parsed.classes.entry(class).or_default().events.push(row);
            }
        }
    }
}
