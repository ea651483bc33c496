//! Ranking and rows: what desk, board and the person see, each redacted before it is encoded.

use super::rider::{Rider, Sent};
use crate::time::ClassMs;
use fitconnect_protocol::Slot;
use fitconnect_protocol::tick::{ABSENT_U16, BoardRow, ROW_BYTES, Signal};
use fitconnect_protocol::user::ShowAs;

/// Whose eyes a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Staff: what the person shares with the trainer.
    Desk,
    /// TV and members: by each one's consent.
    Board,
    /// The person.
    Own,
}

/// Slots in rank order: the ranked by points, then who has points but no rank, by seat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    pub order: Vec<Slot>,
    pub stale: bool,
}

type RankKey = (bool, std::cmp::Reverse<u64>, ClassMs);

impl Board {
    /// Orders the riders and gives the ranked their rank: equal points reached at the same time share one (1, 1, 3).
    /// `score` says points and when they were reached.
    pub fn rank(&mut self, riders: &mut [Rider], score: impl Fn(&Rider) -> (u64, ClassMs)) {
        self.stale = false;
        let mut keyed: Vec<(RankKey, (usize, &str), Slot)> =
            riders.iter().map(|rider| (rank_key(rider, &score), seat_key(rider), rider.slot)).collect();
        keyed.sort_unstable();
        let mut ranks = Vec::with_capacity(keyed.len());
        let mut rank = 0;
        for (index, (key, _, slot)) in keyed.iter().enumerate() {
            if index == 0 || keyed[index - 1].0 != *key {
                rank = index as u32 + 1;
            }
            ranks.push((*slot, rank));
        }
        self.order = ranks.iter().map(|(slot, _)| *slot).collect();
        for (slot, rank) in ranks {
            riders[usize::from(slot)].rank = rank;
        }
    }
}

/// Points and when they were reached, as the board shows them.
pub fn live_score(rider: &Rider) -> (u64, ClassMs) {
    let figures = rider.live.figures();
    (figures.points(), figures.reached_at)
}

fn rank_key(rider: &Rider, score: impl Fn(&Rider) -> (u64, ClassMs)) -> RankKey {
    if !rider.is_ranked() {
        return (true, std::cmp::Reverse(0), 0);
    }
    let (points, reached_at) = score(rider);
    (false, std::cmp::Reverse(points), reached_at)
}

/// Seats in the order in which people count them: 2 before 10.
fn seat_key(rider: &Rider) -> (usize, &str) {
    rider.seat.as_deref().map_or((usize::MAX, ""), |seat| (seat.len(), seat))
}

/// A person's row for these eyes; `None` where it may not be shown at all.
pub fn row(rider: &Rider, at: ClassMs, view: View) -> Option<BoardRow> {
    let (show_hr, show_kcal) = match view {
        View::Own => (true, true),
        View::Desk => (rider.consent.share_with_trainer, rider.consent.share_with_trainer),
        View::Board if rider.shown_as() == ShowAs::Hidden => return None,
        View::Board => (rider.consent.show_hr, rider.consent.show_calories),
    };
    let signal = rider.signal(at);
    let current = matches!(signal, Signal::Live | Signal::Ageing | Signal::Stale);
    let bpm = rider.shown.bpm.filter(|_| show_hr && current);
    let max = rider.body.zones_max();
    let figures = rider.live.figures();
    let kcal = figures.kcal.map(|units| (units as f64 / super::energy::UNIT) as u64);
    Some(BoardRow {
        slot: rider.slot,
        bpm,
        percent: bpm.zip(max).map(|(bpm, max)| max.percent(bpm).min(254) as u8),
        zone: bpm.zip(max).map(|(bpm, max)| super::zones::zone(bpm, max)),
        signal,
        over_max: bpm.zip(max).is_some_and(|(bpm, max)| u32::from(bpm) * 10 > u32::from(max.tenths())),
        hand: rider.shown.hand,
        points: max.map(|_| below_absent(figures.points())),
        kcal: kcal.filter(|_| show_kcal).map(below_absent),
        rank: rider.is_ranked().then(|| below_absent(u64::from(rider.rank))),
    })
}

fn below_absent(value: u64) -> u16 {
    value.min(u64::from(ABSENT_U16) - 1) as u16
}

/// Encodes a row and says whether it differs from what was sent last.
pub fn encode_news(rider: &Rider, at: ClassMs, view: View) -> (Option<[u8; ROW_BYTES]>, bool) {
    let bytes = row(rider, at, view).map(|row| row.encode());
    let Sent { desk, board, .. } = rider.sent;
    let last = match view {
        View::Desk => desk,
        View::Board => board,
        View::Own => None,
    };
    (bytes, bytes != last)
}
