//! The log's own thread: every 20 ms what has gathered becomes one write and one sync, and is then reported. Nothing else writes to a
//! segment in use.

use super::keeper::Shelf;
use super::segment::{self, FRAME, GROUP_BYTES, HEAD_BYTES, Head, SEAL_BYTES, Segment};
use super::window::Window;
use super::{Failed, Group, Inbox, Shared};
use crate::store::lock;
use fitconnect_actors::ports::Clock;
use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Room before a group's events: a segment's head, used by its first group, and the group's own record.
pub const PREFIX: usize = HEAD_BYTES + GROUP_BYTES;

pub struct Writer {
    pub shared: Arc<Shared>,
    pub shelf: Arc<Shelf>,
    pub clock: Box<dyn Clock>,
    pub node: u32,
    pub last_window: u64,
    pub current: Option<Current>,
    /// The last group was lost, and that has been said.
    pub in_trouble: bool,
}

/// Where the next group goes.
pub struct Current {
    window: Arc<Window>,
    segment: Arc<Segment>,
    part: u32,
    at: u64,
    groups: u64,
    /// When its window began.
    since: Instant,
}

/// Why a group did not reach the disk.
enum Trouble {
    /// There is no room: nothing was written, and a later group may find some.
    NoRoom(String),
    /// A write or a sync failed: what is on disk is not known, and never tried again.
    Broken(io::Error),
}

impl Writer {
    pub fn run(mut self) {
        let mut spare = Group::default();
        loop {
            let (mut group, stop) = self.next_group(std::mem::take(&mut spare));
            match self.write(&mut group) {
                Ok(()) => {
                    self.in_trouble &= group.is_empty();
                    self.report(&mut group);
                }
                Err(trouble) => self.fail(&mut group, trouble),
            }
            if stop || self.is_due() {
                self.seal_window();
            }
            if stop {
                return;
            }
            group.clear();
            spare = group;
        }
    }

    /// Waits until a group is due, or the window; leaves `spare` to gather in.
    fn next_group(&self, spare: Group) -> (Group, bool) {
        let shared = &self.shared;
        let mut inbox = lock(&shared.inbox);
        loop {
            let group_due = inbox.since.map(|since| since + shared.options.group);
            let due = [group_due, self.window_due()].into_iter().flatten().min();
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            if inbox.stop || inbox.hurry || left == Some(Duration::ZERO) {
                break;
            }
            inbox = match left {
                Some(left) => {
                    shared.wake.wait_timeout(inbox, left).map_or_else(|error| error.into_inner().0, |(inbox, _)| inbox)
                }
                None => shared.wake.wait(inbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let Inbox { group, since, hurry, writing, stop, .. } = &mut *inbox;
        (*since, *hurry, *writing) = (None, false, true);
        (std::mem::replace(group, spare), *stop)
    }

    fn window_due(&self) -> Option<Instant> {
        self.current.as_ref().map(|current| current.since + self.shared.options.window)
    }
    fn is_due(&self) -> bool {
        self.window_due().is_some_and(|due| due <= Instant::now())
    }

    fn write(&mut self, group: &mut Group) -> Result<(), Trouble> {
        if group.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        self.make_room(group.bytes.len() as u64)?;
        let Some(current) = &mut self.current else { return Err(Trouble::NoRoom("no segment".into())) };
        let id = current.segment.id;
        let framed = &mut group.bytes;
        fill_frames(id, framed);
        let from = if current.at == 0 { 0 } else { HEAD_BYTES };
        if current.at == 0 {
            let head = Head { node: self.node, window: current.window.id, part: current.part };
            framed[..HEAD_BYTES].copy_from_slice(&segment::head_record(id, head));
        }
        framed[HEAD_BYTES..PREFIX].copy_from_slice(&segment::group_record(id, current.groups));
        current.segment.file.write_all_at(&framed[from..], current.at).map_err(Trouble::Broken)?;
        self.shared.sync(&current.segment.file).map_err(Trouble::Broken)?;
        let written = (framed.len() - from) as u64;
        current.at += written;
        current.groups += 1;
        current.segment.set_durable(current.at);
        current.window.add_bytes(written);
        let counts = &self.shared.counts;
        counts.bytes_waiting.fetch_add(written, Ordering::Relaxed);
        counts.groups.fetch_add(1, Ordering::Relaxed);
        counts.bytes.fetch_add(written, Ordering::Relaxed);
        counts.records.fetch_add(u64::from(group.records), Ordering::Relaxed);
        counts.samples.fetch_add(group.samples, Ordering::Relaxed);
        counts.group_us_last.store(started.elapsed().as_micros() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Sees to it that `current` has room for a group and its seal.
    fn make_room(&mut self, bytes: u64) -> Result<(), Trouble> {
        let capacity = self.shared.options.segment_bytes;
        let fits = |current: &Current| current.at == 0 || current.at + bytes + SEAL_BYTES as u64 <= capacity;
        match &self.current {
            Some(current) if fits(current) => return Ok(()),
            Some(_) => return self.next_part(),
            None => {}
        }
        let segment = Arc::new(self.shelf.take().map_err(Trouble::NoRoom)?);
        // By the second of its beginning, whatever its length.
        self.last_window = (self.last_window + 1).max(self.clock.now().0 / 1_000);
        let window = Arc::new(Window::new(self.last_window, self.node));
        window.add_segment(segment.clone());
        lock(&self.shared.windows).push_back(window.clone());
        self.current = Some(Current { window, segment, part: 0, at: 0, groups: 0, since: Instant::now() });
        Ok(())
    }

    /// The segment is full before its window is over.
    fn next_part(&mut self) -> Result<(), Trouble> {
        match self.shelf.take() {
            Ok(segment) => {
                self.seal_segment().map_err(Trouble::Broken)?;
                let segment = Arc::new(segment);
                if let Some(current) = &mut self.current {
                    current.window.add_segment(segment.clone());
                    (current.segment, current.at, current.groups) = (segment, 0, 0);
                    current.part += 1;
                }
                Ok(())
            }
            Err(why) => {
                // What is there can be shipped, and makes room.
                self.end_window().map_err(Trouble::Broken)?;
                Err(Trouble::NoRoom(why))
            }
        }
    }

    /// On disk before anything stands in the next segment.
    fn seal_segment(&mut self) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let segment = &current.segment;
        segment.file.write_all_at(&segment::seal_record(segment.id), current.at)?;
        self.shared.sync(&segment.file)?;
        segment.set_durable(current.at + SEAL_BYTES as u64);
        if self.shared.backlog() > 3 {
            self.shelf.trim(segment.clone());
        }
        Ok(())
    }

    fn end_window(&mut self) -> io::Result<()> {
        self.seal_segment()?;
        if let Some(current) = self.current.take() {
            current.window.seal();
            self.shared.sealed.notify_one();
        }
        Ok(())
    }

    fn seal_window(&mut self) {
        if let Err(error) = self.end_window() {
            self.fail(&mut Group::default(), Trouble::Broken(error));
        }
    }

    fn report(&self, group: &mut Group) {
        if let Some(current) = &self.current {
            self.shared.acks.on_disk(current.window.id, std::mem::take(&mut group.marks));
        }
        self.done(group, Ok(()));
    }

    fn fail(&mut self, group: &mut Group, trouble: Trouble) {
        let (why, broken) = match trouble {
            Trouble::NoRoom(why) => (why, false),
            Trouble::Broken(error) => (error.to_string(), true),
        };
        if !std::mem::replace(&mut self.in_trouble, true) {
            tracing::error!(why, broken, "the log loses groups: nothing of them is acknowledged");
        }
        self.shared.counts.groups_failed.fetch_add(1, Ordering::Relaxed);
        let mut writers: BTreeSet<_> = group.marks.keys().copied().collect();
        let mut inbox = lock(&self.shared.inbox);
        if broken {
            inbox.broken = Some(why.clone());
            // What was in use may hold half a group: it is never written again, and recovery judges it.
            self.current = None;
            writers.extend(inbox.group.marks.keys().copied());
            inbox.group.drop_events();
        }
        for writer in &writers {
            // A later number of this life must never be reported: it would vouch for the lost ones.
            inbox.group.marks.remove(writer);
            let life = inbox.failed.entry(writer.key).or_default();
            *life = writer.life.max(*life);
        }
        drop(inbox);
        for writer in writers {
            self.shared.acks.failed(writer);
        }
        self.done(group, Err(Failed(why)));
    }

    /// Answers those who waited for the group.
    fn done(&self, group: &mut Group, result: Result<(), Failed>) {
        lock(&self.shared.inbox).writing = false;
        for waiter in group.waiters.drain(..) {
            // One who has gone does not mind.
            let _ = waiter.send(result.clone());
        }
    }
}

/// Lengths stand already; the checksums need the segment.
fn fill_frames(segment: u64, bytes: &mut [u8]) {
    let mut at = PREFIX;
    while at < bytes.len() {
        let length = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let end = at + FRAME + length;
        segment::seal_frame(segment, &mut bytes[at..end]);
        at = end;
    }
}
