//! The file of reports: rows of a room's own commits, and the queue of those that nobody has decided.

use super::super::super::rows::{cut, many};
use super::*;
use fitconnect_actors::body::{pack, unpack};
use fitconnect_actors::ports::*;
use fitconnect_domain::report::{Decision, Entry, Filed, Report};
use fitconnect_domain::room::Reporting;
use fitconnect_protocol::limits::{REPORT_KEPT_MS, REPORTS_OPEN_MAX};
use fitconnect_protocol::{CmdId, GymId, RoomId, UserId};
use sqlx::AssertSqlSafe;

/// Where this person's report of this message is open, or the id is taken, that one stays.
const OPEN: (&str, &str) =
    ("insert into fc_report (report_id, gym_id, room_id, seq, reporter, at_us, body) values", "on conflict do nothing");
/// This report, and where its message has a number, all of that.
const DECIDE: &str = "update fc_report set decided_at_us = $3, decision = $4 where room_id = $1 and seq = $2 and (seq > 0 or report_id = $5) and decided_at_us is null";
const REPORT: &str = "select body, decision from fc_report where report_id = $1";
const QUEUE: &str = "select body, decision from fc_report where gym_id = $1 and decided_at_us is null \
     and (at_us > $2 or (at_us = $2 and report_id > $3)) order by at_us, report_id limit $4";
const QUEUE_OF_ROOM: &str = "select body, decision from fc_report where gym_id = $1 and room_id = $5 and decided_at_us is null \
     and (at_us > $2 or (at_us = $2 and report_id > $3)) order by at_us, report_id limit $4";
/// A person's reports since a moment, the open ones of a room (no more than matter), and whether this one is among them.
const REPORTING: &str = "select (select count(*) from fc_report as a where a.reporter = $1 and a.at_us > $2), \
     (select count(*) from (select b.report_id from fc_report as b where b.room_id = $3 and b.decided_at_us is null limit $5) as o), \
     (select count(*) from fc_report as c where c.room_id = $3 and c.seq = $4 and c.reporter = $1 and c.decided_at_us is null)";
const REPORTERS: &str = "select distinct reporter from fc_report where room_id = $1 and seq = $2 and decided_at_us is null order by reporter limit $3";
const FORGET: &str = "delete from fc_report where decided_at_us < $1";

/// What these commits file, in order.
pub(super) async fn file(conn: &mut Conn, entries: &[&Entry]) -> sqlx::Result<()> {
    // A decision is about what was filed before it; what is filed between two of them goes together.
    for part in entries.chunk_by(|a, b| matches!((a, b), (Entry::Opened(_), Entry::Opened(_)))) {
        let opened: Vec<&Report> = part.iter().filter_map(|entry| opened(entry)).collect();
        open(conn, &opened).await?;
        for entry in part {
            if let Entry::Decided { report, room, seq, decision } = entry {
                let decide = sqlx::query(DECIDE).bind(room.0).bind(*seq as i64).bind(decision.at_ms * 1_000);
                decide.bind(pack(decision)).bind(report.0).execute(&mut *conn).await?;
            }
        }
    }
    Ok(())
}

fn opened(entry: &Entry) -> Option<&Report> {
    match entry {
        Entry::Opened(report) => Some(report),
        Entry::Decided { .. } | Entry::Hung { .. } | Entry::TakenDown { .. } => None,
    }
}

async fn open(conn: &mut Conn, reports: &[&Report]) -> sqlx::Result<()> {
    for part in cut(reports) {
        let (head, tail) = OPEN;
        let mut insert = sqlx::query(AssertSqlSafe(many(head, 7, part.len(), tail)));
        for report in part {
            insert = insert.bind(report.id.0).bind(report.gym.0).bind(report.room.0).bind(report.seq as i64);
            insert = insert.bind(report.reporter.0).bind(report.at_ms * 1_000).bind(pack(*report));
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

fn filed(row: &SqlRow) -> Result<Filed, StoreError> {
    let body: Vec<u8> = row.try_get(0).map_err(unavailable)?;
    let decision: Option<Vec<u8>> = row.try_get(1).map_err(unavailable)?;
    let decision: Option<Decision> = decision.map(|body| unpack(&body, "a decision")).transpose()?;
    Ok(Filed { report: unpack(&body, "a report")?, decision })
}

impl SqlState {
    pub(super) async fn read_report(&self, id: CmdId) -> Result<Option<Filed>, StoreError> {
        let ask = || sqlx::query(REPORT).bind(id.0);
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_optional(line))).map_err(unavailable)?;
        row.as_ref().map(filed).transpose()
    }

    pub(super) async fn read_reports(
        &self,
        gym: GymId,
        room: Option<RoomId>,
        after: Option<(Millis, CmdId)>,
        limit: u32,
    ) -> Result<Vec<Filed>, StoreError> {
        let (at, id) = after.map_or((Millis(0), Uuid::nil()), |(at, id)| (at, id.0));
        let text = if room.is_some() { QUEUE_OF_ROOM } else { QUEUE };
        let ask = || {
            let ask = sqlx::query(text).bind(gym.0).bind(us(at)).bind(id).bind(i64::from(limit));
            room.iter().fold(ask, |ask, room| ask.bind(room.0))
        };
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(filed).collect()
    }

    pub(super) async fn read_reporting(
        &self,
        user: UserId,
        since: Millis,
        room: RoomId,
        seq: u64,
    ) -> Result<Reporting, StoreError> {
        let ask = || {
            let ask = sqlx::query(REPORTING).bind(user.0).bind(us(since)).bind(room.0).bind(seq as i64);
            ask.bind(i64::from(REPORTS_OPEN_MAX))
        };
        let row = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_one(line))).map_err(unavailable)?;
        let count = |column| row.try_get::<i64, _>(column).map_err(unavailable);
        Ok(Reporting { lately: count(0)? as u32, open: count(1)? as u32, is_open: count(2)? > 0 })
    }

    pub(super) async fn read_reporters(&self, room: RoomId, seq: u64) -> Result<Vec<UserId>, StoreError> {
        let ask = || sqlx::query(REPORTERS).bind(room.0).bind(seq as i64).bind(i64::from(REPORTS_OPEN_MAX));
        let rows = retry!(self, "read", on_line!(&self.read, |line| ask().fetch_all(line))).map_err(unavailable)?;
        rows.iter().map(|row| row.try_get(0).map(UserId).map_err(unavailable)).collect()
    }

    /// Reports that were decided so long ago that nobody asks for them any more.
    pub(super) async fn forget_reports(&self, now: Millis) -> Result<(), StoreError> {
        let before = us(Millis(now.0.saturating_sub(REPORT_KEPT_MS)));
        let gone = || sqlx::query(FORGET).bind(before);
        retry!(self, "sweep", on_line!(self.common(), |line| gone().execute(line))).map_err(unavailable).map(drop)
    }
}
