//! Faults one at a time, each with the answer that the tables promise.

use super::raw::{Heard, Opening, Raw, word};
use crate::Result;
use fitconnect_loadtest::accounts::Account;
use fitconnect_loadtest::http::{Server, cmd_at};
use fitconnect_loadtest::now;
use fitconnect_loadtest::trainer::Trainer;
use fitconnect_protocol::class::{ClassCommand, PlanAction, Sensor, SourceKind};
use fitconnect_protocol::limits::{CMD_AGE_MS_MAX, FRAME_BYTES_MAX, FRAMES_BURST, HELLO_MS_MAX, OVER_LIMIT_MAX};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Request, Response, Topic};
use fitconnect_protocol::{ClassId, CmdId, ReceiverId, SourceId, Uuid, codec};

/// One fault, what was promised and what came.
pub struct Case {
    pub what: &'static str,
    pub promised: String,
    pub found: String,
}

/// Clients whose tokens are their own.
struct Attack<'a> {
    server: &'a Server,
    class: ClassId,
    accounts: &'a [Account],
    used: usize,
    cases: Vec<Case>,
}

pub async fn all(server: &Server, class: ClassId, accounts: &[Account], trainer: &Trainer) -> Result<Vec<Case>> {
    let mut attack = Attack { server, class, accounts, used: 0, cases: Vec::new() };
    attack.openings().await?;
    attack.frames().await?;
    attack.commands().await?;
    attack.samples(trainer).await?;
    Ok(attack.cases)
}

fn cmd() -> CmdId {
    cmd_at(now::unix_us() / 1_000)
}

fn source(n: u64) -> SourceId {
    SourceId::new(0xbad_0000 + n).expect("small")
}

impl Attack<'_> {
    fn found(&mut self, what: &'static str, promised: &str, found: impl Into<String>) {
        self.cases.push(Case { what, promised: promised.into(), found: found.into() });
    }

    /// A socket of somebody who has not attacked yet: limits are a session's.
    async fn raw(&mut self) -> Result<Raw> {
        let token = self.token().await?;
        Raw::enter(self.server, &token).await
    }

    async fn token(&mut self) -> Result<String> {
        self.used += 1;
        Ok(self.accounts[self.used % self.accounts.len()].token(self.server).await?)
    }

    /// One frame on a socket of its own, and what it earns.
    async fn one(&mut self, what: &'static str, promised: &str, bytes: &[u8]) -> Result<()> {
        let mut raw = self.raw().await?;
        raw.send(bytes).await;
        let heard = raw.reply(1).await?;
        self.found(what, promised, word(&heard));
        Ok(())
    }

    async fn openings(&mut self) -> Result<()> {
        let token = self.token().await?;
        let good = Opening { token: Some(&token), ..Opening::default() };
        let forged = forge(&token);
        let status = |dialled: std::result::Result<Raw, u16>| {
            dialled.map_or_else(|status| status.to_string(), |_| "let in".into())
        };
        let cases = [
            ("a foreign origin", "403", Opening { origin: Some("https://elsewhere.example"), ..good }),
            ("a forged token", "401", Opening { token: Some(&forged), ..good }),
            ("a token that is none", "401", Opening { token: Some("let-me-in"), ..good }),
            ("another subprotocol", "400", Opening { subprotocol: Some("chat"), token: None, ..good }),
        ];
        for (what, promised, opening) in cases {
            let dialled = Raw::dial(self.server, opening).await?;
            self.found(what, promised, status(dialled));
        }
        let query = format!("?token={token}");
        let nobody = Opening { query: &query, ..Opening::default() };
        let mut raw = Raw::dial(self.server, nobody).await?.map_err(|status| format!("refused with {status}"))?;
        let began = std::time::Instant::now();
        let heard = raw.hear().await?;
        let in_time = began.elapsed().as_millis() as u64 >= HELLO_MS_MAX - 500;
        self.found("a token in the URL and no hello", "closed 4501 unauthorised", word(&heard));
        self.found("… after the time for a hello", "yes", if in_time { "yes" } else { "no" });
        for (what, token) in [("a forged token in hello", forged), ("an empty token in hello", String::new())] {
            let mut raw =
                Raw::dial(self.server, Opening::default()).await?.map_err(|status| format!("refused with {status}"))?;
            raw.send(&codec::encode_request(1, &Request::Hello { token })).await;
            let heard = raw.hear().await?;
            self.found(what, "closed 4501 unauthorised", word(&heard));
        }
        let mut raw = self.raw().await?;
        raw.send(&codec::encode_request(1, &Request::Refresh { token: forge(&token) })).await;
        let heard = raw.reply(1).await?;
        self.found("a forged token in refresh", "unauthorised", word(&heard));
        Ok(())
    }

    async fn frames(&mut self) -> Result<()> {
        let clock = codec::encode_request(1, &Request::Clock { t0: 1.0 });
        self.one("an unknown type", "unsupported", b"\x92\x01\x81\xa1t\xa5dance").await?;
        self.one("a frame that was cut short", "malformed", &clock[..clock.len() - 3]).await?;
        self.one("a map instead of an array", "closed 4500 bad_frame", b"\x81\xa1t\xa5clock").await?;
        self.one("JSON in a binary frame", "closed 4500 bad_frame", br#"[1,{"t":"clock","t0":1}]"#).await?;
        self.one("a frame that is too long", "closed 4500 bad_frame", &vec![0x92; FRAME_BYTES_MAX + 1]).await?;
        let hello = codec::encode_request(1, &Request::Hello { token: "again".into() });
        self.one("a second hello", "malformed", &hello).await?;
        let mut raw = self.raw().await?;
        raw.send_text("[1,{\"t\":\"clock\",\"t0\":1}]").await;
        let heard = raw.hear().await?;
        self.found("a text frame", "closed 4500 bad_frame", word(&heard));
        self.too_fast(&clock).await
    }

    /// Frames above the rate are refused, and at some point it is enough.
    async fn too_fast(&mut self, clock: &[u8]) -> Result<()> {
        let mut raw = self.raw().await?;
        let mut words = std::collections::BTreeSet::new();
        for _ in 0..(FRAMES_BURST + OVER_LIMIT_MAX) * 2 {
            raw.send(clock).await;
            let heard = raw.hear().await?;
            words.insert(word(&heard));
            if matches!(heard, Heard::Closed(..) | Heard::Cut) {
                break;
            }
        }
        let words: Vec<_> = words.into_iter().collect();
        self.found("frames without a pause", "clock, closed 4029 too_fast, rate_limited", words.join(", "));
        Ok(())
    }

    async fn commands(&mut self) -> Result<()> {
        let (here, nowhere) = (self.class, ClassId(Uuid::from_u128(0x1234)));
        let request = |class, cmd, act| codec::encode_request(1, &Request::Class { class, cmd, act });
        let join = || ClassCommand::Join { seat: None, sensors: vec![] };
        let hand = ClassCommand::Hand { up: true };
        let end = ClassCommand::Plan { action: PlanAction::End, at: None };
        let old = cmd_at(now::unix_us() / 1_000 - CMD_AGE_MS_MAX - 1_000);
        let ahead = cmd_at(now::unix_us() / 1_000 + 3_600_000);
        self.one("a member ends the class", "forbidden", &request(here, cmd(), end)).await?;
        self.one("a class that is not there", "not_found", &request(nowhere, cmd(), join())).await?;
        self.one("a hand raised in another's class", "not_joined", &request(here, cmd(), hand)).await?;
        self.one("a command of yesterday", "cmd_expired", &request(here, old, join())).await?;
        self.one("a command of tomorrow", "cmd_expired", &request(here, ahead, join())).await?;
        self.one("a command without a time", "cmd_expired", &request(here, CmdId(Uuid::from_u128(7)), join())).await?;
        let desk = codec::encode_request(1, &Request::Subscribe { topic: Topic::Desk(here), position: None });
        self.one("a member at the desk", "forbidden", &desk).await?;

        let (mut raw, again) = (self.raw().await?, cmd());
        let (join, leave) =
            (request(here, again, join()), request(here, again, ClassCommand::Leave { slot: None, at: None }));
        raw.send(&join).await;
        let first = raw.reply(1).await?;
        raw.send(&join).await;
        let second = raw.reply(1).await?;
        self.found("a command twice: the first", "joined", word(&first));
        self.found("… the same answer again", "yes", if first == second { "yes" } else { "no" });
        raw.send(&leave).await;
        let heard = raw.reply(1).await?;
        self.found("its id for another command", "cmd_mismatch", word(&heard));
        Ok(())
    }

    async fn samples(&mut self, trainer: &Trainer) -> Result<()> {
        let receiver = ReceiverId::new(0xbad_beef).expect("small");
        let batch = |class, number, boot, ms| {
            let row = |n: u32| Row { ms: ms + 1_000 * n, bpm: 150, ..Row::default() };
            let sources = vec![SourceRows(source(number), 0, (0..3).map(row).collect())];
            codec::encode_request(0, &Request::Samples(Samples { class, receiver, boot, sources }))
        };
        let command = |act| codec::encode_request(1, &Request::Class { class: self.class, cmd: cmd(), act });
        let sensors = vec![Sensor { source: source(1), kind: SourceKind::Strap }];
        let offset = trainer.client.clock().now_ms() as i64 - 60_000;
        let here = self.class;
        let opening = [
            command(ClassCommand::Join { seat: None, sensors }),
            command(ClassCommand::Boot { receiver, boot: 1, offset }),
        ];
        let mut owner = self.raw().await?;
        for frame in opening {
            owner.send(&frame).await;
            owner.reply(1).await?;
        }
        let mut thief = self.raw().await?;
        for (what, promised, frame) in [
            ("samples for a class that is not there", "not_found", batch(ClassId(Uuid::from_u128(0x1234)), 1, 1, 0)),
            ("samples of a boot without an offset", "no_boot", batch(here, 1, 2, 0)),
            ("samples from the future", "clock_skew", batch(here, 1, 1, 600_000)),
        ] {
            owner.send(&frame).await;
            let heard = push(&mut owner, |response| matches!(response, Response::Unwanted { .. })).await?;
            self.found(what, promised, word(&heard));
        }
        thief.send(&batch(here, 1, 1, 0)).await;
        let heard = push(&mut thief, |response| matches!(response, Response::Unwanted { .. })).await?;
        self.found("samples of somebody else's strap", "forbidden", word(&heard));
        for (what, times) in [("samples that are new", 1), ("the same samples replayed", 3)] {
            for _ in 0..times {
                owner.send(&batch(here, 1, 1, 0)).await;
            }
            let heard = push(&mut owner, |response| through(response) == Some(3)).await?;
            let found = if let Heard::Frame(_, response) = heard { through(&response) } else { None };
            self.found(
                what,
                "acknowledged through 3",
                found.map_or("no".into(), |n| format!("acknowledged through {n}")),
            );
        }
        Ok(())
    }
}

/// The first push that is as wanted, or how the socket ended.
async fn push(raw: &mut Raw, wanted: impl Fn(&Response) -> bool) -> Result<Heard> {
    loop {
        match raw.hear().await? {
            Heard::Frame(_, response) if !wanted(&response) => {}
            heard => return Ok(heard),
        }
    }
}

/// Through which number the first sensor is acknowledged.
fn through(response: &Response) -> Option<u32> {
    let acks = match response {
        Response::Mine(mine) => &mine.acks,
        Response::Acked { acks, .. } => acks,
        _ => return None,
    };
    acks.first()?.2.first().map(|source| source.1)
}

/// The same token with another signature.
fn forge(token: &str) -> String {
    let (body, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let turned: String = signature.chars().rev().collect();
    format!("{body}.{turned}")
}
