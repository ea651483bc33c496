//! One person in a class: who it is, when present, what is worn and what has been measured.

use super::body::Body;
use super::fold::Terms;
use super::live::Live;
use super::watch::Watch;
use crate::time::ClassMs;
use fitconnect_protocol::tick::{ROW_BYTES, Signal};
use fitconnect_protocol::user::{Consent, ShowAs};
use fitconnect_protocol::{SessionId, Slot, UserId};
use serde::{Deserialize, Serialize};

/// A stream's place in the class's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamNo(pub u32);

/// A judged sample. Compact: a minute of each is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Stored time: receiver's time + offset.
    pub at: ClassMs,
    pub stream: StreamNo,
    pub boot: u32,
    pub seq: u32,
    power: u16,
    bpm: u8,
    cadence: u8,
}

impl Sample {
    pub fn new(
        at: ClassMs,
        (stream, boot, seq): (StreamNo, u32, u32),
        bpm: Option<u8>,
        power: Option<u16>,
        cadence: Option<u8>,
    ) -> Self {
        Sample {
            at,
            stream,
            boot,
            seq,
            bpm: bpm.unwrap_or(0),
            power: power.unwrap_or(u16::MAX),
            cadence: cadence.unwrap_or(u8::MAX),
        }
    }
    pub fn bpm(&self) -> Option<u8> {
        Some(self.bpm).filter(|bpm| *bpm != 0)
    }
    pub fn power(&self) -> Option<u16> {
        Some(self.power).filter(|power| *power != u16::MAX)
    }
    pub fn cadence(&self) -> Option<u8> {
        Some(self.cadence).filter(|cadence| *cadence != u8::MAX)
    }
}

/// From join to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: ClassMs,
    pub to: Option<ClassMs>,
}

impl Span {
    pub fn holds(&self, at: ClassMs) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
    pub fn until(&self) -> ClassMs {
        self.to.unwrap_or(ClassMs::MAX)
    }
}

/// A member with an account, or a guest with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    User(UserId),
    Guest,
}

impl Who {
    pub fn user(self) -> Option<UserId> {
        match self {
            Who::User(user) => Some(user),
            Who::Guest => None,
        }
    }
}

/// The newest heart rate and how fresh it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub bpm: Option<u8>,
    /// Class time of its sample or of its arrival, whichever is earlier.
    pub fresh: Option<ClassMs>,
    pub hand: bool,
}

/// What was last sent of this person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub desk: Option<[u8; ROW_BYTES]>,
    pub board: Option<[u8; ROW_BYTES]>,
    /// Desks know that the maximum is probably too low.
    pub max_low: bool,
}

/// What later versions of a summary need of the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summarised {
    /// 0 before settlement.
    pub version: u32,
    pub records: u32,
    /// Frozen at settlement.
    pub rank: Option<u32>,
}

/// A person in a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Rider {
    pub slot: Slot,
    pub who: Who,
    pub name: String,
    pub seat: Option<String>,
    pub body: Body,
    pub consent: Consent,
    pub present: Vec<Span>,
    pub live: Live,
    pub shown: Shown,
    pub watch: Watch,
    pub sent: Sent,
    /// Place among the ranked; 0 until the first ranking.
    pub rank: u32,
    /// The session whose phone sends for this person, and whether it is connected.
    pub session: Option<SessionId>,
    pub linked: bool,
    /// Since when the person asks for help.
    pub sos: Option<ClassMs>,
    pub dropped: u32,
    /// High fives, as they are stored.
    pub fives: u32,
    /// Samples that were new, in this life.
    pub records: u64,
    pub summary: Summarised,
}

impl Rider {
    pub fn user(&self) -> Option<UserId> {
        self.who.user()
    }

    pub fn is_present(&self) -> bool {
        self.present.last().is_some_and(|span| span.to.is_none())
    }

    /// Whether points are compared with others'.
    pub fn is_ranked(&self) -> bool {
        self.body.may_rank() && !self.live.figures().unrankable
    }

    /// How the board may show this person; a minor is hidden without a guardian's consent.
    pub fn shown_as(&self) -> ShowAs {
        if self.body.is_minor() && !self.consent.guardian { ShowAs::Hidden } else { self.consent.show_on_board }
    }

    /// The name on the board: by consent, else a number that says nothing.
    pub fn board_name(&self) -> String {
        match self.shown_as() {
            ShowAs::Name => self.name.clone(),
            ShowAs::Alias | ShowAs::Hidden => format!("№ {}", self.slot + 1),
        }
    }

    /// Shows the newest heart rate that counts, and lets the watch hear it once. `now` is class time.
    pub fn show_newest(&mut self, now: ClassMs, terms: &Terms<'_>) {
        let Some(newest) = self.live.newest() else { return };
        let Some(bpm) = newest.bpm() else { return };
        if self.watch.heard_until().is_none_or(|until| until < newest.at) {
            self.watch.hear(newest.at, bpm, terms);
        }
        self.shown.bpm = Some(bpm);
        self.shown.fresh = Some(newest.at.min(now));
    }

    /// How fresh the heart rate is at class time `at`.
    pub fn signal(&self, at: ClassMs) -> Signal {
        use fitconnect_protocol::limits::{AGEING_MS, LOST_MS, STALE_MS};
        if !self.is_present() {
            return Signal::Left;
        }
        let Some(fresh) = self.shown.fresh else { return Signal::Waiting };
        match at - fresh {
            age if age <= AGEING_MS => Signal::Live,
            age if age <= STALE_MS => Signal::Ageing,
            age if age <= LOST_MS => Signal::Stale,
            _ if self.linked => Signal::LostSensor,
            _ => Signal::LostNetwork,
        }
    }
}
