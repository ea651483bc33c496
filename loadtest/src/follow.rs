//! A viewer that remembers: follows the topics of a class and keeps what they have shown. What a TV or a desk knows, without
//! a screen; proofs ask it.

use crate::client::{Arrived, Client, Push, Pushes};
use crate::error::LoadError;
use crate::view::ClassView;
use fitconnect_protocol::class::{AttentionItem, AttentionList, BoardSnapshot, ClassEvent, RosterEntry};
use fitconnect_protocol::session::{Event, Snapshot, Subscribed, Topic};
use fitconnect_protocol::tick::{BoardRow, FLAG_FULL, FLAG_MORE, Header, rows};
use fitconnect_protocol::{ClassId, Slot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Events kept for whoever asks what happened; a proof's class has a few hundred.
const EVENTS_MAX: usize = 20_000;

/// What has been seen of one class.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub view: Option<ClassView>,
    /// The newest tick's header, and when it came (our microseconds).
    pub header: Option<(Header, u64)>,
    /// Newest row by slot; gone where a full frame lacked it.
    pub rows: BTreeMap<Slot, BoardRow>,
    pub roster: BTreeMap<Slot, RosterEntry>,
    pub attention: AttentionList,
    /// Every item that was ever on the list, by its number, as it first came.
    pub raised: BTreeMap<u32, AttentionItem>,
    /// Events of `class:<id>` with the moment of their arrival.
    pub events: Vec<(u64, ClassEvent)>,
    pub ticks: u64,
    pub bytes: u64,
    pub downs: u64,
    pub recovered: u64,
    pub not_recovered: u64,
    pub ended: Option<(u16, String)>,
    /// Slots of the full frame that is being received in parts.
    full: BTreeSet<Slot>,
}

/// Shared with the task that reads.
#[derive(Clone)]
pub struct Follower {
    seen: Arc<Mutex<Seen>>,
    news: watch::Receiver<u64>,
}

impl Follower {
    /// Subscribes to these topics of the class and follows until the client's handles are dropped.
    pub async fn follow(
        client: &Client,
        mut pushes: Pushes,
        class: ClassId,
        topics: &[Topic],
    ) -> Result<Follower, LoadError> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        for topic in topics {
            let subscribed = client.subscribe(*topic).await?;
            lock(&seen).subscribed(&subscribed);
        }
        let (told, news) = watch::channel(0);
        let kept = seen.clone();
        tokio::spawn(async move {
            while let Some(arrived) = pushes.recv().await {
                lock(&kept).take(class, arrived);
                told.send_modify(|news| *news += 1);
            }
        });
        Ok(Follower { seen, news })
    }

    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Asks without copying.
    pub fn with<T>(&self, ask: impl FnOnce(&Seen) -> T) -> T {
        ask(&lock(&self.seen))
    }

    /// Waits until what was seen is as wanted.
    pub async fn until(&mut self, mut wanted: impl FnMut(&Seen) -> bool) -> Result<(), LoadError> {
        loop {
            self.news.borrow_and_update();
            if self.with(&mut wanted) {
                return Ok(());
            }
            self.news
                .changed()
                .await
                .map_err(|_| LoadError::TimedOut("what the viewer should see, its session has ended"))?;
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn subscribed(&mut self, subscribed: &Subscribed) {
        if subscribed.recovered {
            self.recovered += 1;
        } else {
            self.not_recovered += 1;
        }
        match &subscribed.snapshot {
            Some(Snapshot::Class(snapshot)) => self.view = Some(ClassView::new(snapshot)),
            Some(Snapshot::Board(board)) => self.board(board),
            Some(Snapshot::User(_) | Snapshot::Room(_)) | None => {}
        }
    }

    fn board(&mut self, board: &BoardSnapshot) {
        self.roster = board.roster.iter().map(|entry| (entry.slot, entry.clone())).collect();
        if let Some(list) = &board.attention {
            self.listed(list);
        }
    }

    fn take(&mut self, class: ClassId, Arrived { at_us, push }: Arrived) {
        match push {
            Push::Subscribed(subscribed) => self.subscribed(&subscribed),
            Push::Event { topic, event: Event::Class(event), .. } => {
                self.event(topic == Topic::Class(class), event, at_us)
            }
            Push::Tick { topic, frame } if topic == Topic::Board(class) || topic == Topic::Desk(class) => {
                self.tick(&frame, at_us)
            }
            Push::Attention { list, .. } => self.listed(&list),
            Push::Down { .. } => self.downs += 1,
            Push::Ended { code, reason } => self.ended = Some((code, reason)),
            Push::Up { .. }
            | Push::Event { .. }
            | Push::Tick { .. }
            | Push::Mine(_)
            | Push::Acked { .. }
            | Push::Unwanted { .. }
            | Push::Whisper { .. }
            | Push::Lagging { .. }
            | Push::Over { .. }
            | Push::Typing { .. }
            | Push::Presence { .. }
            | Push::Marks { .. }
            | Push::GoAway { .. } => {}
        }
    }

    fn event(&mut self, of_class: bool, event: ClassEvent, at_us: u64) {
        match &event {
            ClassEvent::Roster { entries } => {
                self.roster.extend(entries.iter().map(|entry| (entry.slot, entry.clone())))
            }
            ClassEvent::Gone { slots } => {
                for slot in slots {
                    self.roster.remove(slot);
                    self.rows.remove(slot);
                }
            }
            ClassEvent::Phase { .. }
            | ClassEvent::Plan { .. }
            | ClassEvent::Cue { .. }
            | ClassEvent::Staff(_)
            | ClassEvent::Whisper(_)
            | ClassEvent::Loose { .. } => {}
        }
        if !of_class {
            return;
        }
        if let Some(view) = &mut self.view {
            view.apply(&event);
        }
        if self.events.len() < EVENTS_MAX {
            self.events.push((at_us, event));
        }
    }

    fn tick(&mut self, frame: &[u8], at_us: u64) {
        let Some(header) = Header::decode(frame) else { return };
        self.ticks += 1;
        self.bytes += frame.len() as u64;
        self.header = Some((header, at_us));
        for row in rows(frame) {
            self.full.insert(row.slot);
            self.rows.insert(row.slot, row);
        }
        if header.flags & FLAG_FULL == 0 {
            self.full.clear();
        } else if header.flags & FLAG_MORE == 0 {
            let full = std::mem::take(&mut self.full);
            self.rows.retain(|slot, _| full.contains(slot));
        }
    }

    fn listed(&mut self, list: &AttentionList) {
        for item in &list.items {
            self.raised.entry(item.item).or_insert_with(|| item.clone());
        }
        self.attention = list.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::tick::Signal;

    fn frame(flags: u8, slots: &[Slot]) -> Vec<u8> {
        let rows = slots.len() as u16;
        let header = Header { epoch: 1, tick: 1, class_ms: 0, phase: 3, flags, run: 0, left_ms: 0, rows, riders: 9 };
        let row = |slot: &Slot| BoardRow {
            slot: *slot,
            bpm: Some(100),
            percent: None,
            zone: None,
            signal: Signal::Live,
            over_max: false,
            hand: false,
            points: None,
            kcal: None,
            rank: None,
        };
        header.encode().into_iter().chain(slots.iter().flat_map(|slot| row(slot).encode())).collect()
    }

    #[test]
    fn a_full_frame_in_parts_takes_away_what_it_lacks() {
        let mut seen = Seen::default();
        seen.tick(&frame(0, &[1, 2, 3, 4]), 0);
        seen.tick(&frame(FLAG_FULL | FLAG_MORE, &[1, 2]), 0);
        assert_eq!(seen.rows.len(), 4, "not before its last part");
        seen.tick(&frame(FLAG_FULL, &[3]), 0);
        assert_eq!(seen.rows.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        seen.tick(&frame(0, &[7]), 0);
        assert_eq!(seen.rows.len(), 4);
    }
}
