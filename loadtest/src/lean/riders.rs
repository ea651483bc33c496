//! A crowd of riders in one class or many: join, boot, board, then one sample a class second each, spread evenly over it.
//! Well-behaved phones: rows are kept until acknowledged, sent again after 5 s and on a new socket. No faults; those are the
//! single riders' (`rider.rs`).

use super::{Crowd, Gone};
use crate::accounts::Account;
use crate::client::{ServerClock, passes};
use crate::lean::sockets::Sockets;
use crate::now;
use crate::reflect::Reflection;
use crate::rider::{receiver_of, source_of};
use crate::skim::{Skimmed, skim};
use crate::tally::Latencies;
use fitconnect_protocol::class::{ClassClock, ClassCommand, Sensor, SourceKind};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Request, Response, Topic, TopicPosition};
use fitconnect_protocol::{ClassId, CmdId, SessionId, codec};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Samples go out in bunches at this distance: sixty at 15,000 riders, one wake-up each.
const BUNCH_US: u64 = 4_000;
const RESEND_US: u64 = 5_000_000;
/// Rows of one resend.
const RESEND_ROWS: u32 = 60;
/// Sending times remembered of each rider; older ones are reckoned from the rhythm.
const SENT_MAX: usize = 8;
/// Viewers of a board echo its tick so often.
const ECHO_US: u64 = 2_000_000;

/// One class of the run.
#[derive(Clone, Copy, Debug)]
pub struct RidersClass {
    pub class: ClassId,
    pub clock: ClassClock,
}

pub struct Setup {
    pub classes: Vec<RidersClass>,
    /// Rider i has account i and rides in class i modulo their number.
    pub accounts: Vec<Account>,
    /// One row a second each.
    pub tracks: Vec<Arc<Vec<Row>>>,
    pub clock: ServerClock,
    pub seed: u64,
}

/// What the run's conductor tells the fleet, and what the fleet shows it.
#[derive(Debug, Default)]
pub struct Control {
    /// Samples flow.
    pub ride: AtomicBool,
    /// Latencies and counts are kept.
    pub measure: AtomicBool,
    /// The fleet goes home.
    pub quit: AtomicBool,
    pub riding: AtomicU64,
    pub dead: AtomicU64,
    pub samples: AtomicU64,
    pub frames: AtomicU64,
    /// Rows sent and not acknowledged yet, at the last look.
    pub waiting: AtomicU64,
}

impl Control {
    pub fn set(flag: &AtomicBool, on: bool) {
        flag.store(on, Ordering::Relaxed);
    }
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// One second of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Second {
    pub samples: u64,
    pub frames: u64,
    pub board_p99_ms: f64,
}

/// What was measured while `measure` stood.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Visible sample to own board.
    pub board: Latencies,
    /// Sample to its acknowledgement.
    pub ack: Latencies,
    pub samples: u64,
    pub resent: u64,
    pub acked: u64,
    pub mine: u64,
    pub ticks: u64,
    pub events: u64,
    /// Visible samples that no board showed before four later ones.
    pub overtaken: u64,
    pub unwanted: u64,
    pub lost_sockets: u64,
    pub seconds: Vec<Second>,
}

impl Measured {
    pub fn deliveries(&self) -> u64 {
        self.mine + self.ticks + self.events
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Away,
    Greeting,
    Joining,
    Booting { booted: bool, boarded: bool },
    Riding,
    Dead,
}

const JOIN: u32 = 1;
const BOOT: u32 = 2;
const BOARD: u32 = 3;
const RESUME: u32 = 4;

struct Rider {
    stage: Stage,
    session: Option<SessionId>,
    /// Position on the board's topic, for a resume.
    board: Option<(u32, u64)>,
    join: CmdId,
    boot: CmdId,
    boot_us: u64,
    /// Milliseconds of the receiver's clock at row 0.
    base_ms: Option<u32>,
    first_row: u32,
    next: u32,
    acked: u32,
    sent_us: [u64; SENT_MAX],
    resent_us: u64,
    reflection: Reflection,
    newest: Option<(u32, u32)>,
    echoed_us: u64,
}

pub struct Riders {
    setup: Setup,
    control: Arc<Control>,
    riders: Vec<Rider>,
    /// Commands to send again, and when.
    later: BinaryHeap<Reverse<(u64, usize)>>,
    period_us: u64,
    /// When sampling began, and how many samples were due since.
    began_us: Option<u64>,
    due: u64,
    riding: u64,
    measuring: bool,
    second_us: u64,
    second: Latencies,
    last: (u64, u64),
    sums: (u64, u64),
    /// The stretch that is being measured, and those before it.
    measured: Measured,
    pub phases: Vec<Measured>,
    /// Why sockets went and commands were refused.
    pub troubles: BTreeMap<String, u64>,
}

impl Riders {
    pub fn new(setup: Setup, control: Arc<Control>) -> Riders {
        let rate = setup.classes.first().map_or(1, |class| class.clock.rate.max(1));
        let riders = (0..setup.accounts.len()).map(|who| Rider::new(who as u32)).collect();
        Riders {
            setup,
            control,
            riders,
            later: BinaryHeap::new(),
            period_us: 1_000_000 / u64::from(rate),
            began_us: None,
            due: 0,
            riding: 0,
            measuring: false,
            second_us: 0,
            second: Latencies::default(),
            last: (0, 0),
            sums: (0, 0),
            measured: Measured::default(),
            phases: Vec::new(),
            troubles: BTreeMap::new(),
        }
    }

    /// Rows sent and never acknowledged.
    pub fn waiting(&self) -> u64 {
        self.riders
            .iter()
            .filter(|rider| rider.stage != Stage::Dead)
            .map(|rider| u64::from(rider.next - rider.acked))
            .sum()
    }

    fn class(&self, who: usize) -> &RidersClass {
        &self.setup.classes[who % self.setup.classes.len()]
    }

    fn cmd(&self) -> CmdId {
        crate::http::cmd_at(self.setup.clock.now_ms().max(0.0) as u64)
    }

    fn seed(&self, who: usize) -> u64 {
        self.setup.seed.wrapping_mul(1_000_003).wrapping_add(who as u64)
    }

    fn trouble(&mut self, what: String) {
        *self.troubles.entry(what).or_default() += 1;
    }

    fn join(&mut self, who: usize, sockets: &mut Sockets) {
        let sensor = Sensor { source: source_of(self.seed(who), 0), kind: SourceKind::Strap };
        let act = ClassCommand::Join { seat: None, sensors: vec![sensor] };
        let request = Request::Class { class: self.class(who).class, cmd: self.riders[who].join, act };
        self.riders[who].stage = Stage::Joining;
        sockets.send(who, &codec::encode_request(JOIN, &request));
    }

    fn boot(&mut self, who: usize, sockets: &mut Sockets) {
        let RidersClass { class, clock } = *self.class(who);
        let rider = &mut self.riders[who];
        let (mut booted, mut boarded) = (false, false);
        if let Stage::Booting { booted: was, boarded: on } = rider.stage {
            (booted, boarded) = (was, on);
        }
        rider.stage = Stage::Booting { booted, boarded };
        if !booted {
            if rider.boot_us == 0 {
                rider.boot_us = now::mono_us();
            }
            let server_ms = self.setup.clock.at_us(rider.boot_us);
            let offset = clock.class_ms as f64 + f64::from(clock.rate) * (server_ms - clock.wall_ms as f64);
            let cmd = rider.boot;
            let act =
                ClassCommand::Boot { receiver: receiver_of(self.seed(who)), boot: 1, offset: offset.round() as i64 };
            sockets.send(who, &codec::encode_request(BOOT, &Request::Class { class, cmd, act }));
        }
        if !boarded {
            let request = Request::Subscribe { topic: Topic::Board(class), position: None };
            sockets.send(who, &codec::encode_request(BOARD, &request));
        }
    }

    fn advance(&mut self, who: usize, booted_now: bool) {
        let Stage::Booting { booted, boarded } = self.riders[who].stage else { return };
        let (booted, boarded) = (booted || booted_now, boarded || !booted_now);
        self.riders[who].stage = Stage::Booting { booted, boarded };
        if booted && boarded {
            self.riding_now(who);
        }
    }

    fn riding_now(&mut self, who: usize) {
        self.riders[who].stage = Stage::Riding;
        self.riding += 1;
        self.control.riding.store(self.riding, Ordering::Relaxed);
    }

    fn die(&mut self, who: usize, why: String) {
        self.riders[who].stage = Stage::Dead;
        self.control.dead.fetch_add(1, Ordering::Relaxed);
        self.trouble(why);
    }

    /// What is not hot: the opening, replies, refusals.
    fn other(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        let (id, response) = match codec::decode_response(payload) {
            Ok(read) => read,
            Err(error) => return self.trouble(format!("unreadable: {error}")),
        };
        match response {
            Response::Welcome { session, .. } => {
                let before = self.riders[who].session.replace(session);
                match (before, self.riders[who].board) {
                    (Some(before), Some((epoch, offset))) => {
                        let topics = vec![TopicPosition(Topic::Board(self.class(who).class), epoch, offset)];
                        let request = Request::Resume { session: Some(before), topics };
                        sockets.send(who, &codec::encode_request(RESUME, &request));
                    }
                    _ => {
                        if self.riders[who].join.0.is_nil() {
                            (self.riders[who].join, self.riders[who].boot) = (self.cmd(), self.cmd());
                        }
                        self.join(who, sockets);
                    }
                }
            }
            Response::Joined { .. } if id == JOIN => self.boot(who, sockets),
            Response::Booted { .. } if id == BOOT => self.advance(who, true),
            Response::Resuming { session, .. } if id == RESUME => {
                self.riders[who].session = Some(session);
                self.riding_now(who);
                self.resend(who, at_us, sockets);
            }
            Response::Subscribed(subscribed) => {
                self.riders[who].board = Some((subscribed.epoch, subscribed.offset));
                if id == BOARD {
                    self.advance(who, false);
                }
            }
            Response::Refused(refusal) if id != 0 => {
                if passes(refusal.code) {
                    let wait_us =
                        u64::from(refusal.retry_after_ms.unwrap_or(500)) * 1_000 + rand::random_range(0..250_000);
                    self.later.push(Reverse((at_us + wait_us, who)));
                    self.trouble(format!("asked again: {}", refusal.code.as_str()));
                } else {
                    sockets.drop_socket(who);
                    self.die(who, format!("refused: {refusal}"));
                }
            }
            Response::Unwanted { refusal, .. } => {
                self.measured.unwanted += u64::from(self.measuring);
                self.trouble(format!("samples refused: {}", refusal.code.as_str()));
            }
            Response::GoAway { .. }
            | Response::Lagging { .. }
            | Response::Typing { .. }
            | Response::Fives { .. }
            | Response::Presence { .. }
            | Response::Marks { .. }
            | Response::Attention { .. }
            | Response::Whisper { .. }
            | Response::Done
            | Response::Refused(_)
            | Response::Resuming { .. }
            | Response::Clock { .. }
            | Response::Joined { .. }
            | Response::Booted { .. }
            | Response::Planned { .. }
            | Response::Foreseen(_)
            | Response::Hidden { .. }
            | Response::Numbered { .. }
            | Response::Page { .. }
            | Response::Members { .. }
            | Response::Ended { .. }
            | Response::Event { .. }
            | Response::Tick { .. }
            | Response::Mine(_)
            | Response::Acked { .. } => {}
        }
    }

    fn row(&self, who: usize, seq: u32) -> Row {
        let track = &self.setup.tracks[who % self.setup.tracks.len()];
        let rider = &self.riders[who];
        let row = &track[(rider.first_row + seq) as usize % track.len()];
        Row { ms: rider.base_ms.unwrap_or(0) + seq * 1_000, ..row.clone() }
    }

    fn samples(&self, who: usize, from: u32, to: u32) -> bytes::Bytes {
        let rows = (from..to).map(|seq| self.row(who, seq)).collect();
        let seed = self.seed(who);
        let sources = vec![SourceRows(source_of(seed, 0), from, rows)];
        let samples = Samples { class: self.class(who).class, receiver: receiver_of(seed), boot: 1, sources };
        codec::encode_request(0, &Request::Samples(samples))
    }

    /// One sample of one rider, measured whether there is a socket or not.
    fn sample(&mut self, who: usize, now_us: u64, sockets: &mut Sockets) {
        let rate = self.class(who).clock.rate;
        let rider = &mut self.riders[who];
        if rider.boot_us == 0 || rider.stage == Stage::Dead {
            return;
        }
        let receiver_ms = now_us.saturating_sub(rider.boot_us) * u64::from(rate) / 1_000;
        rider.base_ms.get_or_insert(receiver_ms as u32);
        let seq = rider.next;
        rider.next += 1;
        rider.sent_us[seq as usize % SENT_MAX] = now_us;
        if rider.stage != Stage::Riding {
            return;
        }
        let old = rider.acked < seq && now_us.saturating_sub(self.sent_at(who, self.riders[who].acked)) >= RESEND_US;
        if old && now_us.saturating_sub(self.riders[who].resent_us) >= RESEND_US {
            return self.resend(who, now_us, sockets);
        }
        let frame = self.samples(who, seq, seq + 1);
        let echo = self.riders[who].newest.filter(|_| now_us.saturating_sub(self.riders[who].echoed_us) >= ECHO_US);
        if let Some((h, tick)) = echo {
            self.riders[who].echoed_us = now_us;
            let seen = codec::encode_request(0, &Request::Seen { h, tick });
            sockets.send_all(who, &[&frame, &seen]);
        } else {
            sockets.send(who, &frame);
        }
        let bpm = u8::try_from(self.row(who, seq).bpm).unwrap_or(0);
        let overtaken = self.riders[who].reflection.sent(bpm, now::mono_us());
        self.sums.0 += 1;
        if self.measuring {
            self.measured.samples += 1;
            if let Some(sent_us) = overtaken {
                self.measured.overtaken += 1;
                self.board_us(now_us.saturating_sub(sent_us));
            }
        }
    }

    /// All that waits, with the newest.
    fn resend(&mut self, who: usize, now_us: u64, sockets: &mut Sockets) {
        let rider = &mut self.riders[who];
        rider.resent_us = now_us;
        let (from, to) = (rider.acked, rider.next);
        let mut at = from;
        while at < to {
            let end = to.min(at + RESEND_ROWS);
            let frame = self.samples(who, at, end);
            sockets.send(who, &frame);
            at = end;
        }
        self.sums.0 += 1;
        if self.measuring {
            self.measured.samples += 1;
            self.measured.resent += u64::from(to - from);
        }
    }

    /// When a row was sent: remembered of the last few, reckoned from the rhythm before.
    fn sent_at(&self, who: usize, seq: u32) -> u64 {
        let rider = &self.riders[who];
        let newest = rider.next.saturating_sub(1);
        if seq + SENT_MAX as u32 > newest {
            return rider.sent_us[seq as usize % SENT_MAX];
        }
        rider.sent_us[newest as usize % SENT_MAX].saturating_sub(u64::from(newest - seq) * self.period_us)
    }

    fn acked(&mut self, who: usize, through: u32, at_us: u64) {
        let (from, to) = (self.riders[who].acked, through.min(self.riders[who].next));
        if to <= from {
            return;
        }
        if self.measuring {
            for seq in from..to {
                let latency = at_us.saturating_sub(self.sent_at(who, seq));
                self.measured.ack.record(latency);
            }
            self.measured.acked += u64::from(to - from);
        }
        self.riders[who].acked = to;
    }

    fn board_us(&mut self, us: u64) {
        self.measured.board.record(us);
        self.second.record(us);
    }

    /// Sends what is due: the k-th sample of all is rider k modulo their number's.
    fn ride(&mut self, now_us: u64, sockets: &mut Sockets) {
        let riders = self.riders.len() as u64;
        let began = *self.began_us.get_or_insert(now_us);
        // In 128 bits: a long run times many riders is more than 64 hold in between.
        let due = (u128::from(now_us - began) * u128::from(riders) / u128::from(self.period_us)) as u64;
        while self.due < due {
            self.sample((self.due % riders) as usize, now::mono_us(), sockets);
            self.due += 1;
        }
    }

    /// Once a second: the timeline, and what the conductor looks at.
    fn each_second(&mut self, now_us: u64) {
        self.second_us = now_us + 1_000_000;
        self.control.samples.store(self.sums.0, Ordering::Relaxed);
        self.control.frames.store(self.sums.1, Ordering::Relaxed);
        self.control.waiting.store(self.waiting(), Ordering::Relaxed);
        let before = std::mem::replace(&mut self.last, self.sums);
        if self.measuring {
            let (samples, frames) = (self.sums.0 - before.0, self.sums.1 - before.1);
            self.measured.seconds.push(Second { samples, frames, board_p99_ms: self.second.ms(99.0) });
        }
        self.second.0.reset();
    }
}

impl Rider {
    fn new(who: u32) -> Rider {
        Rider {
            stage: Stage::Away,
            session: None,
            board: None,
            join: CmdId(fitconnect_protocol::Uuid::nil()),
            boot: CmdId(fitconnect_protocol::Uuid::nil()),
            boot_us: 0,
            base_ms: None,
            // People of the same recording are not in the same second of it.
            first_row: who.wrapping_mul(37) % 1_800,
            next: 0,
            acked: 0,
            sent_us: [0; SENT_MAX],
            resent_us: 0,
            reflection: Reflection::default(),
            newest: None,
            echoed_us: 0,
        }
    }
}

impl Crowd for Riders {
    fn token(&self, who: usize) -> &str {
        self.setup.accounts[who].token.as_deref().unwrap_or_default()
    }

    fn opened(&mut self, who: usize, _at_us: u64, _sockets: &mut Sockets) {
        self.riders[who].stage = Stage::Greeting;
    }

    fn frame(&mut self, who: usize, payload: &[u8], at_us: u64, sockets: &mut Sockets) {
        let Some((_, skimmed)) = skim(payload) else { return self.trouble("unreadable".into()) };
        self.sums.1 += 1;
        match skimmed {
            Skimmed::Mine { row, through } => {
                let shown = self.riders[who].reflection.shown(row.bpm, at_us);
                if self.measuring {
                    self.measured.mine += 1;
                    for us in shown.as_slice() {
                        self.board_us(*us);
                    }
                }
                self.acked(who, through.unwrap_or(0), at_us);
            }
            Skimmed::Acked { through } => {
                self.measured.events += u64::from(self.measuring);
                self.acked(who, through.unwrap_or(0), at_us);
            }
            Skimmed::Tick { h, tick } => {
                self.measured.ticks += u64::from(self.measuring);
                self.riders[who].newest = Some((h, tick));
            }
            Skimmed::Event { offset, .. } => {
                self.measured.events += u64::from(self.measuring);
                if let Some(board) = &mut self.riders[who].board {
                    board.1 = offset;
                }
            }
            Skimmed::Other { .. } => self.other(who, payload, at_us, sockets),
        }
    }

    fn gone(&mut self, who: usize, why: Gone, at_us: u64) -> Option<u64> {
        if self.riders[who].stage == Stage::Riding {
            self.riding -= 1;
            self.control.riding.store(self.riding, Ordering::Relaxed);
            self.measured.lost_sockets += u64::from(self.measuring);
        }
        if self.control.quit.load(Ordering::Relaxed) {
            return None;
        }
        if !why.may_return() {
            self.die(who, why.word());
            return None;
        }
        self.trouble(why.word());
        let rider = &mut self.riders[who];
        rider.stage = Stage::Away;
        rider.newest = None;
        rider.reflection.forget();
        Some(at_us + rand::random_range(500_000..2_000_000))
    }

    fn pass(&mut self, now_us: u64, sockets: &mut Sockets) -> Option<u64> {
        let quit = self.control.quit.load(Ordering::Relaxed);
        let measure = self.control.measure.load(Ordering::Relaxed) && !quit;
        if measure && !self.measuring {
            // What lay between is no second of the measurement.
            self.second_us = now_us + 1_000_000;
            self.last = self.sums;
            self.second.0.reset();
        }
        if self.measuring && !measure {
            self.phases.push(std::mem::take(&mut self.measured));
        }
        self.measuring = measure;
        if quit {
            return None;
        }
        while let Some(Reverse((at_us, who))) = self.later.peek().copied() {
            if at_us > now_us {
                break;
            }
            self.later.pop();
            match self.riders[who].stage {
                Stage::Joining => self.join(who, sockets),
                Stage::Booting { .. } => self.boot(who, sockets),
                Stage::Away | Stage::Greeting | Stage::Riding | Stage::Dead => {}
            }
        }
        if self.control.ride.load(Ordering::Relaxed) {
            self.ride(now_us, sockets);
        }
        if now_us >= self.second_us {
            self.each_second(now_us);
        }
        let waits = self.later.peek().map_or(u64::MAX, |Reverse((at_us, _))| *at_us);
        let next = if self.began_us.is_some() { now_us + BUNCH_US } else { u64::MAX };
        Some(next.min(waits).min(self.second_us))
    }
}
