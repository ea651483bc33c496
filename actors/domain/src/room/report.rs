//! Reports of a room's messages: who may make one, and what those who decide may come to. Nobody in the room is told; what a verdict does
//! is an event like any other.

use super::commands::{Stop, Waiting, deleted, ensure};
use super::io::Load;
use super::order::Moderator;
use super::{Change, Room, Stored};
use crate::class::Caller;
use crate::report::{Decision, Entry, Filed, Report};
use crate::{AskId, Millis, Out};
use fitconnect_protocol::limits::*;
use fitconnect_protocol::report::{ReportReason, Verdict};
use fitconnect_protocol::room::{Message, Picture, RoomEvent, RoomRole};
use fitconnect_protocol::session::Response;
use fitconnect_protocol::{CmdId, ErrorCode, Refusal, UserId};
use std::collections::VecDeque;

/// What the file says of a reporter, before something is added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reporting {
    /// Reports of this person since an hour ago, in all rooms.
    pub lately: u32,
    /// Open ones of the room.
    pub open: u32,
    /// This person's report of this message is open.
    pub is_open: bool,
}

/// Reports that were decided a moment ago, with message and time: what is read meanwhile may still say that they are open.
#[derive(Default)]
pub(super) struct Decided(VecDeque<(CmdId, u64, i64)>);

impl Decided {
    fn note(&mut self, report: CmdId, seq: u64, at_ms: i64) {
        self.0.push_back((report, seq, at_ms));
        if self.0.len() > REPORTS_DECIDED_MAX {
            self.0.pop_front();
        }
    }

    fn has(&self, report: &Report) -> bool {
        let same = |seq: u64| !report.is_held() && seq == report.seq;
        self.0.iter().any(|(id, seq, at_ms)| *id == report.id || same(*seq) && report.at_ms <= *at_ms)
    }

    pub fn check_invariants(&self) {
        assert!(self.0.len() <= REPORTS_DECIDED_MAX);
    }
}

impl Room {
    /// Whether somebody decides this room's reports: a moderator, but in a talk of two staff alone, for each of the two is a side.
    pub(super) fn decides(&self, stored: &Stored, by: &Caller) -> bool {
        let role = stored.members.get(&by.user).map(|member| member.role);
        by.is_staff() || role >= Some(RoomRole::Moderator) && !stored.is_private()
    }

    pub(super) fn report(
        &self,
        command: &Waiting,
        stored: &Stored,
        seq: u64,
        reason: ReportReason,
        words: &str,
        now: Millis,
    ) -> Stop {
        self.filed(command, stored, seq, reason, words, now)
            .map_or_else(|stop| stop, |report| Stop::Files(Box::new(Entry::Opened(Box::new(report))), None))
    }

    fn filed(
        &self,
        command: &Waiting,
        stored: &Stored,
        seq: u64,
        reason: ReportReason,
        words: &str,
        now: Millis,
    ) -> Result<Report, Stop> {
        let by = command.by();
        let reporter = stored.members.get(&by.user).ok_or(ErrorCode::NotMember)?;
        ensure(words.len() <= REPORT_WORDS_BYTES_MAX, ErrorCode::TooLarge, "words: at most 500 bytes")?;
        let readable = !words.chars().any(|c| c.is_control() && c != '\n');
        ensure(readable, ErrorCode::Malformed, "words: no control characters but line ends")?;
        ensure(reason != ReportReason::Listed, ErrorCode::Malformed, "that reason is the server's own")?;
        let message = self.message(command, seq)?;
        ensure(message.by != by.user, ErrorCode::Forbidden, "nobody reports what they wrote themselves")?;
        let known = command.reporting().ok_or(Stop::Needs(Load::Reporting { user: by.user, seq }))?;
        if known.is_open {
            return Err(Stop::Done);
        }
        if known.lately >= REPORTS_PER_HOUR_MAX {
            let refusal = Refusal::new(ErrorCode::RateLimited, "so many reports an hour, and no more").after(600_000);
            return Err(refusal.into());
        }
        if known.open >= REPORTS_OPEN_MAX {
            return Err(Refusal::new(ErrorCode::Busy, "too many reports of this room are open").after(600_000).into());
        }
        Ok(Report {
            id: command.cmd(),
            gym: stored.gym,
            room: self.id,
            room_kind: stored.kind,
            room_name: stored.name.clone(),
            seq,
            reply_to: None,
            mentions: Vec::new(),
            picture: message.picture,
            author: message.by,
            author_name: message.name,
            reporter: by.user,
            reporter_name: reporter.name.clone(),
            reason,
            words: words.to_owned(),
            text: message.text,
            posted_at_ms: message.at_ms,
            at_ms: now.0 as i64,
        })
    }

    /// What deciding this report does; what it needs is looked up first.
    pub(super) fn decide_report(
        &self,
        command: &Waiting,
        stored: &Stored,
        report: CmdId,
        verdict: Verdict,
        now: Millis,
    ) -> Result<Stop, Stop> {
        let by = command.by();
        ensure(self.decides(stored, by), ErrorCode::Forbidden, "staff and moderators decide")?;
        let found = command.filed().ok_or(Stop::Needs(Load::Report { report }))?;
        let Filed { report, decision } = found.ok_or(ErrorCode::NotFound)?;
        ensure(report.room == self.id, ErrorCode::NotFound, "it is of another room")?;
        if decision.is_some() || self.decided.has(report) {
            return Err(Stop::Done);
        }
        ensure(report.author != by.user, ErrorCode::Forbidden, "nobody decides about what they wrote themselves")?;
        let change = self.carried_out(command, stored, report, verdict, now)?;
        let decision = Decision { by: by.user, name: by.name.clone(), verdict, at_ms: now.0 as i64 };
        let entry = Entry::Decided { report: report.id, room: self.id, seq: report.seq, decision };
        Ok(Stop::Files(Box::new(entry), change.map(Box::new)))
    }

    /// The event that a verdict comes to; `None` where it is so already.
    fn carried_out(
        &self,
        command: &Waiting,
        stored: &Stored,
        report: &Report,
        verdict: Verdict,
        now: Millis,
    ) -> Result<Option<Change>, Stop> {
        let (by, author) = (command.by(), report.author);
        let role = |user: UserId| stored.members.get(&user).map(|member| member.role);
        let above = by.is_staff() || role(by.user) > role(author);
        let moderator = Moderator { by: by.user, stored, moderates: true, above, at_ms: now.0 as i64 };
        let event = match verdict {
            Verdict::Dismiss => return Ok(None),
            Verdict::Delete if report.is_held() => return Ok(None),
            Verdict::Post => return self.let_through(stored, report, now).map(Some),
            Verdict::Delete => {
                let message = match self.message(command, report.seq) {
                    Ok(message) => message,
                    Err(Stop::Refused(_)) => return Ok(None),
                    Err(stop) => return Err(stop),
                };
                let message = deleted(message, by.user);
                let rewrites = self.rewrites(command, &message);
                return Ok(Some(Change { event: RoomEvent::Deleted { message }, rewrites }));
            }
            Verdict::Mute { for_s: 0 } => {
                return Err(Refusal::new(ErrorCode::Malformed, "for_s: at least a second").into());
            }
            Verdict::Mute { for_s } => moderator.mute(author, for_s),
            Verdict::Ban => moderator.ban(author, true),
        };
        match event {
            Ok(event) => Ok(Some(event.into())),
            Err(Stop::Done) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    /// A message that was held back is posted, by whoever wrote it and under the command that would have posted it.
    fn let_through(&self, stored: &Stored, report: &Report, now: Millis) -> Result<Change, Stop> {
        ensure(report.is_held(), ErrorCode::Malformed, "the message was not held back")?;
        let author = stored.members.get(&report.author).ok_or(ErrorCode::NotMember)?;
        let message = Message {
            seq: stored.seq + 1,
            at_ms: now.0 as i64,
            by: report.author,
            name: author.name.clone(),
            cmd: report.id,
            text: report.text.clone(),
            reply_to: report.reply_to,
            mentions: self.mentioned(&report.mentions)?,
            picture: report.picture,
            edited: None,
            deleted_by: None,
            reactions: Vec::new(),
        };
        Ok(RoomEvent::Posted { message }.into())
    }

    /// Filed, with what it does, in one commit; told is only what it does.
    pub(super) fn file(&mut self, ask: AskId, entry: Entry, change: Option<Change>, now: Millis, out: &mut Out<Room>) {
        let answer = match &entry {
            Entry::Decided { report, seq, decision, .. } => {
                self.decided.note(*report, *seq, decision.at_ms);
                Response::Numbered { seq: self.seq() }
            }
            Entry::Opened(report) if report.is_held() => {
                if let Some(Picture { image, .. }) = report.picture {
                    out.file(Entry::Hung { image, seq: None, at_ms: now.0 as i64 }, Vec::new());
                }
                Response::Refused(ErrorCode::Held.into())
            }
            Entry::Opened(_) | Entry::Hung { .. } | Entry::TakenDown { .. } => Response::Numbered { seq: self.seq() },
        };
        match change {
            Some(change) => {
                out.file(entry, Vec::new());
                self.happen(change, &[ask], now, out);
            }
            None => out.file(entry, vec![(ask, answer)]),
        }
    }
}
