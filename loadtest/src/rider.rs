//! A rider: joins a class with its sensors, says its clock's offset, replays what they measured in class time, and keeps every
//! row until the server has it on disk. Faults come by seed. One task each; thousands ride in the lean fleet instead.

mod feed;

use crate::accounts::Account;
use crate::client::{Arrived, Client, Options, Push, Pushes, unexpected};
use crate::error::LoadError;
use crate::faults::{Dice, Fate, Faults};
use crate::http::Server;
use crate::now;
use crate::outbox::Acknowledged;
use crate::people::Person;
use crate::reflect::Reflection;
use crate::tally::Tally;
use crate::view::ClassView;
use feed::Feed;
use fitconnect_protocol::class::{ClassCommand, MemberSummary, Phase, Sensor};
use fitconnect_protocol::sample::{Acked, Samples};
use fitconnect_protocol::session::{Event, Response, Snapshot, Subscribed, Topic};
use fitconnect_protocol::tick::BoardRow;
use fitconnect_protocol::user::{Consent, Profile, UserCommand, UserEvent};
use fitconnect_protocol::{Boot, ClassId, ReceiverId, Refusal, Seq, Slot, SourceId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Batches leave so often, real time. In a class that runs faster more often, so that a heart is not old when it leaves; ten a second
/// is half of what a session may send.
const PACE_MS: u32 = 250;
const PACE_FAST_MS: u32 = 100;
/// Times of sent rows that wait for their acknowledgement; older ones are not measured.
const SENT_TIMES_MAX: usize = 4_096;
const ORDERS_MAX: usize = 16;

/// A sensor and what it measures.
#[derive(Clone, Debug)]
pub struct Worn {
    pub sensor: Sensor,
    pub track: Arc<Person>,
    /// Where in the track it begins.
    pub from_ms: u32,
}

/// When the first row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// As soon as one has joined.
    AtOnce,
    /// When the plan starts: row 0 at its first moment.
    WithPlan,
}

/// What comes after the last row of the first sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Leave, one second of class time after it, as a file ends.
    Leave,
    /// Begin the track again.
    Again,
    /// Stay, silent.
    Stay,
}

#[derive(Clone, Debug)]
pub struct RiderOptions {
    pub server: Server,
    pub account: Account,
    pub class: ClassId,
    pub seat: Option<String>,
    /// At least one.
    pub worn: Vec<Worn>,
    /// Set before joining, where given.
    pub profile: Option<Profile>,
    pub consent: Option<Consent>,
    pub faults: Faults,
    pub seed: u64,
    /// Follow the board as an app does.
    pub board: bool,
    pub begin: Begin,
    /// How much later than that the strap's second begins: straps of a hall are not in step.
    pub phase_ms: u32,
    pub end: End,
    /// Wait for one's own summary at the end of the class.
    pub summary: bool,
}

impl RiderOptions {
    /// A member with one strap that rides this track for the whole class.
    pub fn new(server: &Server, account: &Account, class: ClassId, track: Arc<Person>, seed: u64) -> RiderOptions {
        let sensor = Sensor { source: source_of(seed, 0), kind: fitconnect_protocol::class::SourceKind::Strap };
        RiderOptions {
            server: server.clone(),
            account: account.clone(),
            class,
            seat: None,
            worn: vec![Worn { sensor, track, from_ms: 0 }],
            profile: None,
            consent: None,
            faults: Faults::default(),
            seed,
            board: true,
            begin: Begin::AtOnce,
            phase_ms: 0,
            end: End::Again,
            summary: false,
        }
    }
}

/// A sensor's id that differs by seed and number.
pub fn source_of(seed: u64, number: u64) -> SourceId {
    SourceId::new(mixed(seed, 0x5eed + number)).expect("53 bits")
}

/// Where in a second a strap begins, for a rider with this seed, in milliseconds.
pub fn phase_of(seed: u64) -> u32 {
    (mixed(seed, 0x9a5e) % 1_000) as u32
}

pub fn receiver_of(seed: u64) -> ReceiverId {
    ReceiverId::new(mixed(seed, 0xbeef)).expect("53 bits")
}

/// 53 bits of splitmix64 (Steele, Lea, Flood 2014).
fn mixed(seed: u64, salt: u64) -> u64 {
    let mut z = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 11
}

/// What a rider may be told to do.
#[derive(Clone, Debug)]
pub enum Order {
    /// The sensor measures nothing from now on, or again.
    Silent(bool),
    /// It measures so many bpm from now on, or the track again.
    Measure(Option<u16>),
    /// The network goes for so long.
    Offline(Duration),
    Sos(bool),
    Hand(bool),
    Consent(Consent),
    Leave,
    /// No more rows; what waits is still sent. The task ends when all is acknowledged.
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Connecting,
    /// The class is not open yet.
    Waiting,
    Joined,
    /// The first row has been measured.
    Riding,
    /// Nothing more is measured.
    Done,
}

/// A rider as others see it while it rides.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub stage: Stage,
    pub slot: Option<Slot>,
    /// The newest own row, and when it came.
    pub row: Option<(BoardRow, u64)>,
    pub splats: u16,
    pub measured: u64,
    pub acked: u64,
    pub waiting: u64,
}

/// What a rider leaves: enough to compare with what the server has.
#[derive(Clone, Debug)]
pub struct Ridden {
    pub slot: Slot,
    pub receiver: ReceiverId,
    pub boot: Boot,
    /// Class time of receiver time 0.
    pub offset: i64,
    /// Per sensor: rows measured and what was acknowledged of them.
    pub sources: Vec<(SourceId, Seq, Acknowledged)>,
    pub row: Option<BoardRow>,
    pub summary: Option<MemberSummary>,
    /// Why samples were not taken, and how often.
    pub refusals: BTreeMap<&'static str, u64>,
}

/// A rider's handle. Dropping it ends the ride.
pub struct Rider {
    /// Its first sensor.
    pub source: SourceId,
    pub status: watch::Receiver<Status>,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<Result<Ridden, LoadError>>,
}

impl Rider {
    pub fn start(options: RiderOptions, tally: Arc<Tally>) -> Rider {
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let first =
            Status { stage: Stage::Connecting, slot: None, row: None, splats: 0, measured: 0, acked: 0, waiting: 0 };
        let (told, status) = watch::channel(first);
        let source = options.worn[0].sensor.source;
        let task = tokio::spawn(ride(options, taken, told, tally));
        Rider { source, status, orders, task }
    }

    pub async fn order(&self, order: Order) {
        // One who has ended obeys no more, and says so by its result.
        let _ = self.orders.send(order).await;
    }

    /// Waits until the rider has come so far.
    pub async fn reached(&mut self, stage: Stage) -> Result<(), LoadError> {
        let waited = self.status.wait_for(|status| status.stage >= stage).await;
        waited.map(drop).map_err(|_| LoadError::TimedOut("a rider that has ended"))
    }

    pub async fn ridden(self) -> Result<Ridden, LoadError> {
        let ended = self.task.await;
        ended.unwrap_or_else(|error| Err(LoadError::Limit(format!("a rider's task ended: {error}"))))
    }
}

async fn ride(
    options: RiderOptions,
    orders: mpsc::Receiver<Order>,
    told: watch::Sender<Status>,
    tally: Arc<Tally>,
) -> Result<Ridden, LoadError> {
    let token = options.account.token(&options.server).await?;
    let (client, pushes) = Client::connect(Options::new(&options.server, token)).await?;
    if let Some(profile) = options.profile.clone() {
        client.user(UserCommand::Profile { profile }).await?;
    }
    if let Some(consent) = options.consent {
        client.user(UserCommand::Consent { consent }).await?;
    }
    if options.summary {
        client.subscribe(Topic::Me).await?;
    }
    let subscribed = client.subscribe(Topic::Class(options.class)).await?;
    let view = class_view(&subscribed)?;
    let mut ride = Ride {
        dice: Dice::new(options.faults.clone(), options.seed),
        receiver: receiver_of(options.seed),
        // A start of the process is a boot: its monotonic clock begins anew with it.
        boot: (now::unix_us() / 1_000 % u64::from(u32::MAX)) as Boot,
        options,
        client,
        pushes,
        orders,
        told,
        tally,
        view,
        slot: 0,
        boot_us: 0,
        offset: 0,
        feeds: Vec::new(),
        begun: false,
        over: false,
        leaving: false,
        reflection: Reflection::default(),
        sent_times: VecDeque::new(),
        row: None,
        summary: None,
        refusals: BTreeMap::new(),
    };
    ride.enter().await?;
    ride.go().await
}

fn class_view(subscribed: &Subscribed) -> Result<ClassView, LoadError> {
    match &subscribed.snapshot {
        Some(Snapshot::Class(snapshot)) => Ok(ClassView::new(snapshot)),
        other => {
            Err(LoadError::BadAnswer(format!("a class without its snapshot: {other:?}").chars().take(200).collect()))
        }
    }
}

struct Ride {
    options: RiderOptions,
    client: Client,
    pushes: Pushes,
    orders: mpsc::Receiver<Order>,
    told: watch::Sender<Status>,
    tally: Arc<Tally>,
    view: ClassView,
    dice: Dice,
    receiver: ReceiverId,
    boot: Boot,
    slot: Slot,
    /// When the receiver's clock read 0.
    boot_us: u64,
    offset: i64,
    feeds: Vec<Feed>,
    begun: bool,
    /// Nothing more is measured.
    over: bool,
    leaving: bool,
    reflection: Reflection,
    /// First sending of rows of the first sensor.
    sent_times: VecDeque<(Seq, u64)>,
    row: Option<BoardRow>,
    summary: Option<MemberSummary>,
    refusals: BTreeMap<&'static str, u64>,
}

impl Ride {
    /// Joins and says the clock's offset.
    async fn enter(&mut self) -> Result<(), LoadError> {
        self.told.send_modify(|status| status.stage = Stage::Waiting);
        while !self.view.is_open() {
            if self.view.phase >= Phase::Cooling {
                return Err(LoadError::Limit("the class has ended before this rider came".into()));
            }
            let Some(arrived) = self.pushes.recv().await else { return Err(ended()) };
            self.take(arrived)?;
        }
        let class = self.options.class;
        let sensors = self.options.worn.iter().map(|worn| worn.sensor).collect();
        let seat = self.options.seat.clone();
        match self.client.class(class, ClassCommand::Join { seat, sensors }).await? {
            Response::Joined { slot } => self.slot = slot,
            other => return Err(unexpected("join", &other)),
        }
        self.client.measure_clock().await?;
        if self.options.board {
            self.client.subscribe(Topic::Board(class)).await?;
        }
        self.boot_us = now::mono_us();
        let offset = self.view.class_ms(self.client.clock().at_us(self.boot_us)).round() as i64;
        let boot = ClassCommand::Boot { receiver: self.receiver, boot: self.boot, offset };
        match self.client.class(class, boot).await? {
            Response::Booted { offset } => self.offset = offset,
            other => return Err(unexpected("boot", &other)),
        }
        self.feeds = self.options.worn.iter().map(Feed::new).collect();
        Tally::count(&self.tally.joined, 1);
        let slot = self.slot;
        self.told.send_modify(|status| (status.stage, status.slot) = (Stage::Joined, Some(slot)));
        Ok(())
    }

    async fn go(mut self) -> Result<Ridden, LoadError> {
        let pace_ms = (1_000 / self.view.clock.rate.max(1)).clamp(PACE_FAST_MS, PACE_MS);
        let mut pace = tokio::time::interval(Duration::from_millis(pace_ms.into()));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut cut_us = self.next_cut();
        let mut followed = true;
        while !self.is_finished() {
            tokio::select! {
                arrived = self.pushes.recv() => match arrived {
                    Some(arrived) => self.take(arrived)?,
                    None => return Err(ended()),
                },
                order = self.orders.recv(), if followed => match order {
                    Some(order) => self.obey(order).await?,
                    None => followed = false,
                },
                _ = pace.tick() => {
                    if cut_us.is_some_and(|at| now::mono_us() >= at) {
                        cut_us = self.next_cut();
                        self.client.cut().await;
                    }
                    self.beat().await?;
                }
            }
        }
        self.told.send_modify(|status| status.stage = Stage::Done);
        let sources =
            self.feeds.iter().map(|feed| (feed.outbox.source, feed.outbox.measured(), feed.outbox.on_disk().clone()));
        Ok(Ridden {
            slot: self.slot,
            receiver: self.receiver,
            boot: self.boot,
            offset: self.offset,
            sources: sources.collect(),
            row: self.row,
            summary: self.summary,
            refusals: self.refusals,
        })
    }

    fn is_finished(&self) -> bool {
        let sent = self.feeds.iter().all(|feed| feed.outbox.waiting() == 0);
        self.over && sent && (self.summary.is_some() || !self.options.summary)
    }

    fn next_cut(&mut self) -> Option<u64> {
        self.dice.next_cut_s().map(|seconds| now::mono_us() + (seconds * 1e6) as u64)
    }

    fn receiver_ms(&self) -> u32 {
        ((now::mono_us() - self.boot_us) * u64::from(self.view.clock.rate) / 1_000) as u32
    }

    /// Measures what is due and sends what should go.
    async fn beat(&mut self) -> Result<(), LoadError> {
        let receiver_ms = self.receiver_ms();
        let class_ms = (self.offset + i64::from(receiver_ms)) as f64;
        self.begin(receiver_ms);
        let ended = self.view.has_ended(class_ms);
        for feed in &mut self.feeds {
            if self.begun && !self.over {
                feed.measure(receiver_ms, &mut self.dice, self.options.end == End::Again);
            }
            // Held back, or late by disorder: in cooling everything goes.
            if ended {
                feed.outbox.release(receiver_ms);
            }
        }
        let all_measured = self.begun && self.options.end != End::Again && self.feeds.iter().all(Feed::is_over);
        if all_measured && self.options.end == End::Leave && !self.leaving {
            self.leave_after_last(receiver_ms).await?;
        }
        self.over |= ended || all_measured && self.options.end != End::Leave || self.leaving;
        self.send(receiver_ms).await;
        self.tell();
        Ok(())
    }

    fn begin(&mut self, receiver_ms: u32) {
        if self.begun {
            return;
        }
        let zero = match self.options.begin {
            Begin::AtOnce => Some(receiver_ms),
            Begin::WithPlan => self.view.live_from().map(|starts| (starts - self.offset).max(0) as u32),
        };
        let Some(zero) = zero.filter(|zero| *zero <= receiver_ms) else { return };
        self.begun = true;
        let zero = zero + self.options.phase_ms;
        self.feeds.iter_mut().for_each(|feed| feed.begin(zero));
        self.told.send_modify(|status| status.stage = Stage::Riding);
    }

    /// A file ends one second after its last sample.
    async fn leave_after_last(&mut self, receiver_ms: u32) -> Result<(), LoadError> {
        let last = self.feeds.iter().filter_map(|feed| feed.last_ms).max().unwrap_or(receiver_ms);
        let at = last.saturating_add(1_000);
        if at > receiver_ms {
            return Ok(());
        }
        self.leaving = true;
        let at = self.offset + i64::from(at);
        self.leave(at).await
    }

    async fn leave(&mut self, at: i64) -> Result<(), LoadError> {
        let act = ClassCommand::Leave { slot: None, at: Some(at) };
        match self.client.class(self.options.class, act).await {
            Ok(_) => Ok(()),
            // The class has ended by itself meanwhile: nothing to leave.
            Err(LoadError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn send(&mut self, receiver_ms: u32) {
        let real_ms = now::mono_ms();
        loop {
            let batch = feed::batch(&mut self.feeds, receiver_ms, real_ms);
            if batch.rows == 0 {
                return;
            }
            let full = batch.rows >= crate::outbox::FRAME_ROWS_MAX || batch.sources.len() >= feed::RUNS_MAX;
            Tally::count(&self.tally.samples, (batch.rows - batch.again) as u64);
            Tally::count(&self.tally.resent, batch.again as u64);
            let fate = self.dice.fate();
            if fate == Fate::Lost {
                Tally::count(&self.tally.frames_lost, 1);
            } else {
                self.note_sent(&batch);
                let samples = Samples {
                    class: self.options.class,
                    receiver: self.receiver,
                    boot: self.boot,
                    sources: batch.sources,
                };
                if fate == Fate::Doubled {
                    Tally::count(&self.tally.frames_doubled, 1);
                    self.client.samples(samples.clone()).await;
                }
                self.client.samples(samples).await;
            }
            if !full {
                return;
            }
        }
    }

    /// Remembers when rows of the first sensor left for the first time.
    fn note_sent(&mut self, batch: &crate::outbox::Batch) {
        let at_us = now::mono_us();
        let first = self.feeds[0].outbox.source;
        for run in batch.sources.iter().filter(|run| run.0 == first && batch.again == 0) {
            for (row, seq) in run.2.iter().zip(run.1..) {
                if self.sent_times.len() == SENT_TIMES_MAX {
                    self.sent_times.pop_front();
                }
                self.sent_times.push_back((seq, at_us));
                self.reflection.sent(u8::try_from(row.bpm).unwrap_or(0), at_us);
            }
        }
    }

    fn tell(&self) {
        let sum = |of: fn(&Feed) -> u64| self.feeds.iter().map(of).sum::<u64>();
        let measured = sum(|feed| u64::from(feed.outbox.measured()));
        let acked = sum(|feed| feed.outbox.on_disk().count());
        let waiting = sum(|feed| feed.outbox.waiting() as u64);
        self.told.send_if_modified(|status| {
            let changed = (status.measured, status.acked, status.waiting) != (measured, acked, waiting);
            (status.measured, status.acked, status.waiting) = (measured, acked, waiting);
            changed
        });
    }

    async fn obey(&mut self, order: Order) -> Result<(), LoadError> {
        let class = self.options.class;
        match order {
            Order::Silent(on) => self.feeds.iter_mut().for_each(|feed| feed.silent = on),
            Order::Measure(bpm) => self.feeds.iter_mut().for_each(|feed| feed.instead = bpm),
            Order::Offline(how_long) => self.client.offline(how_long).await,
            Order::Sos(on) => drop(self.client.class(class, ClassCommand::Sos { on }).await?),
            Order::Hand(up) => drop(self.client.class(class, ClassCommand::Hand { up }).await?),
            Order::Consent(consent) => drop(self.client.user(UserCommand::Consent { consent }).await?),
            Order::Leave => {
                self.over = true;
                let at = self.offset + i64::from(self.receiver_ms());
                self.leave(at).await?;
            }
            Order::Finish => self.over = true,
        }
        Ok(())
    }

    fn take(&mut self, Arrived { at_us, push }: Arrived) -> Result<(), LoadError> {
        match push {
            Push::Mine(mine) if mine.class == self.options.class => {
                Tally::count(&self.tally.mine, 1);
                if let Some(row) = BoardRow::decode(&mine.row) {
                    self.tally.board_us(self.reflection.shown(row.bpm, at_us).as_slice());
                    self.row = Some(row);
                    self.told.send_modify(|status| (status.row, status.splats) = (Some((row, at_us)), mine.splats));
                }
                self.acknowledged(&mine.acks, at_us);
            }
            Push::Acked { class, acks } if class == self.options.class => self.acknowledged(&acks, at_us),
            Push::Event { topic: Topic::Class(class), event: Event::Class(event), .. }
                if class == self.options.class =>
            {
                self.view.apply(&event);
            }
            Push::Event { topic: Topic::Me, event: Event::User(UserEvent::Summary { summary }), .. } => {
                if summary.class == self.options.class {
                    self.summary = Some(*summary);
                }
            }
            Push::Subscribed(subscribed) => {
                if let Some(Snapshot::Class(snapshot)) = &subscribed.snapshot {
                    self.view = ClassView::new(snapshot);
                }
            }
            Push::Unwanted { refusal, .. } => self.unwanted(&refusal),
            Push::Tick { .. } => Tally::count(&self.tally.ticks, 1),
            Push::Up { .. } => {
                for feed in &mut self.feeds {
                    feed.outbox.reconnected();
                }
            }
            Push::Down { .. } => {
                Tally::count(&self.tally.reconnects, 1);
                self.reflection.forget();
                self.sent_times.clear();
            }
            Push::Ended { code, reason } => return Err(LoadError::Closed { code, reason }),
            Push::Mine(_)
            | Push::Acked { .. }
            | Push::Event { .. }
            | Push::Attention { .. }
            | Push::Whisper { .. }
            | Push::Lagging { .. }
            | Push::Over { .. }
            | Push::Typing { .. }
            | Push::Presence { .. }
            | Push::Marks { .. }
            | Push::GoAway { .. } => {}
        }
        Ok(())
    }

    fn acknowledged(&mut self, acks: &[Acked], at_us: u64) {
        let ours = acks.iter().filter(|acked| acked.0 == self.receiver && acked.1 == self.boot);
        for source in ours.flat_map(|acked| &acked.2) {
            for (index, feed) in self.feeds.iter_mut().enumerate() {
                let new = feed.outbox.acknowledged(source);
                Tally::count(&self.tally.acked, new.len() as u64);
                if index > 0 || new.is_empty() {
                    continue;
                }
                let tally = &self.tally;
                self.sent_times.retain(|(seq, sent_us)| {
                    let on_disk = new.binary_search(seq).is_ok();
                    if on_disk {
                        tally.ack_us(at_us.saturating_sub(*sent_us));
                    }
                    !on_disk
                });
            }
        }
    }

    fn unwanted(&mut self, refusal: &Refusal) {
        Tally::count(&self.tally.refused, 1);
        *self.refusals.entry(refusal.code.as_str()).or_default() += 1;
        for feed in &mut self.feeds {
            feed.outbox.unwanted(now::mono_ms());
        }
    }
}

fn ended() -> LoadError {
    LoadError::Closed { code: 1006, reason: "the session has ended".into() }
}
