//! Commands that a client has sent: repeated under the same id until they are answered for good, and now and then once more.
//! An answer must be the same however often it is asked for, and must be stored before it is given.

use crate::rng::Rng;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::class::ClassCommand;
use fitconnect_protocol::session::{Request, Response};
use fitconnect_protocol::{CmdId, ErrorCode, Uuid};

pub struct Command {
    pub cmd: CmdId,
    pub to: ActorKey,
    pub request: Request,
    /// Its answer is stored with a change; else it may be decided anew.
    pub kept: bool,
    pub answer: Option<Response>,
    /// Refused for good.
    pub refused: Option<ErrorCode>,
    pub again_at: Millis,
    pub tries: u32,
    repeats: u32,
}

impl Command {
    /// Nothing more is to be asked.
    pub fn is_over(&self) -> bool {
        self.refused.is_some() || self.answer.is_some() && self.repeats == 0
    }
}

/// How long a client waits for an answer before it asks again.
const ASK_AGAIN_MS: u64 = 4_000;

#[derive(Default)]
pub struct Commands {
    pub list: Vec<Command>,
    pub accepted: u64,
}

impl Commands {
    /// An id stamped with now, or, one time in five, as by a phone whose command has waited in a tunnel: minutes ago.
    pub fn new_id(rng: &mut Rng, now: Millis) -> CmdId {
        let old = if rng.hits(200) { rng.between(60_000, 3_000_000) } else { 0 };
        let stamp = u128::from(now.0 - old);
        let chance = u128::from(rng.next()) & 0x3fff_ffff_ffff_ffff;
        let more = u128::from(rng.below(0x1000));
        CmdId(Uuid::from_u128(stamp << 80 | 0x7 << 76 | more << 64 | 0x8000_0000_0000_0000 | chance))
    }

    pub fn add(&mut self, cmd: CmdId, to: ActorKey, request: Request, kept: bool, rng: &mut Rng) {
        let repeats = if rng.hits(300) { rng.between(1, 3) as u32 } else { 0 };
        let command =
            Command { cmd, to, request, kept, answer: None, refused: None, again_at: Millis(0), tries: 0, repeats };
        self.list.push(command);
    }

    /// What is to be sent now.
    pub fn due(&mut self, now: Millis) -> Vec<(CmdId, Request)> {
        let mut due = Vec::new();
        for command in self.list.iter_mut().filter(|command| !command.is_over() && command.again_at <= now) {
            command.again_at = now.plus(ASK_AGAIN_MS);
            command.tries += 1;
            due.push((command.cmd, command.request.clone()));
        }
        due
    }

    pub fn are_over(&self) -> bool {
        self.list.iter().all(Command::is_over)
    }

    /// No more than these repeats: the run comes to its end.
    pub fn stop_repeating(&mut self) {
        self.list.iter_mut().for_each(|command| command.repeats = 0);
    }

    /// The socket is lost: everything open is asked again on the next.
    pub fn socket_lost(&mut self, now: Millis) {
        for command in self.list.iter_mut().filter(|command| command.answer.is_none()) {
            command.again_at = now;
        }
    }

    /// What was asked, where it was refused for good.
    pub fn refused(&self, cmd: CmdId) -> Option<Request> {
        let refused = |command: &&Command| command.cmd == cmd && command.refused.is_some();
        self.list.iter().find(refused).map(|command| command.request.clone())
    }

    /// Takes an answer. An error says which promise was broken; `Some` is a command that has just been accepted.
    pub fn answered(
        &mut self,
        cmd: CmdId,
        told: &Response,
        rng: &mut Rng,
        now: Millis,
    ) -> Result<Option<&Command>, String> {
        let Some(command) = self.list.iter_mut().find(|command| command.cmd == cmd) else { return Ok(None) };
        if let Response::Refused(refusal) = told {
            return refused(command, refusal.code, rng, now).map(|()| None);
        }
        match &command.answer {
            Some(known) if known != told && command.kept => {
                return Err(format!("the answer to {cmd} was {known:?} and is {told:?}"));
            }
            Some(_) => command.repeats = command.repeats.saturating_sub(1),
            None => {
                command.answer = Some(told.clone());
                self.accepted += 1;
            }
        }
        command.again_at = now.plus(rng.between(10, 30_000));
        Ok(Some(command))
    }
}

fn refused(command: &mut Command, code: ErrorCode, rng: &mut Rng, now: Millis) -> Result<(), String> {
    // An item of the trainer's list that has cleared.
    let cleared = matches!(&command.request, Request::Class { act: ClassCommand::Acknowledge { .. }, .. });
    match code {
        ErrorCode::Gone if cleared => {
            command.refused = Some(code);
            Ok(())
        }
        ErrorCode::Retry | ErrorCode::Busy | ErrorCode::RateLimited | ErrorCode::Gone => {
            command.again_at = now.plus(rng.between(20, 2_000));
            Ok(())
        }
        _ if command.answer.is_some() && command.kept => {
            Err(format!("{:?} was accepted and is now refused: {code:?}", command.request))
        }
        ErrorCode::Internal | ErrorCode::CmdMismatch | ErrorCode::CmdExpired | ErrorCode::Malformed => {
            Err(format!("{:?} was refused: {code:?}", command.request))
        }
        code => {
            command.refused = Some(code);
            Ok(())
        }
    }
}
