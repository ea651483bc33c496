//! Proof `chat-pages`: rooms in real pages. A member on two devices, another member and a trainer write over bad sockets, over a server that
//! is killed and pages that are loaded anew; each message is there once, in one order, on all pages and in the store.

use super::browser::{self, Browser, join, ok};
use super::gym::Gym;
use super::server::Server;
use super::{Ctx, Outcome, rooms};
use crate::Result;
use fitconnect_loadtest::trainer::{Trainer, class_now};
use fitconnect_protocol::class::{PlanAction, Segment, SegmentKind};
use fitconnect_protocol::report::ReportReason;
use fitconnect_protocol::room::{RoomCommand, RoomEvent};
use fitconnect_protocol::user::{Consent, ShowAs, UserCommand};
use fitconnect_protocol::{ClassId, RoomId};
use serde_json::{Value, json};
use std::time::Duration;

const FAULTS: [&str; 5] = ["drop", "delay", "double", "reorder", "close"];
/// Of all frames, both ways, so many are spoilt.
const RATE: f64 = 0.25;
const WRITERS: [&str; 3] = ["ana", "ben", "coach"];
/// A frame that is dropped is asked for again after ten seconds; a socket that is dead is left after as many.
const SETTLED_WITHIN_MS: u64 = 120_000;
const READY_WITHIN: Duration = Duration::from_secs(30);
const ARGS: [&str; 2] = ["--token-life-s", "604800"];

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    if let Some(skipped) = browser::missing()? {
        return Ok(skipped);
    }
    let mut gym = Gym::open(ctx, "chat-pages", 3, 1, &ARGS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcome = Outcome::new();
    let ran = runtime.block_on(talk(ctx, &mut gym, &mut outcome));
    ran.map_err(|error| format!("{}\n{error}", gym.server.said()))?;
    Ok(outcome)
}

/// The pages, and what was written in them.
struct Talk {
    browser: Browser,
    written: Vec<String>,
    /// Lines that a step of the script wrote by itself.
    besides: usize,
}

impl Talk {
    fn write(&mut self, who: &str, texts: &[String]) -> Result<()> {
        self.browser.must(&json!({ "do": "write", "who": who, "texts": texts }))?;
        self.written.extend_from_slice(texts);
        Ok(())
    }

    /// Until all pages show the same and nothing waits.
    fn settle(&mut self, what: &str, outcome: &mut Outcome) -> Result<Value> {
        let texts = self.written.len() + self.besides;
        let same = self.browser.ask(&json!({ "do": "same", "texts": texts, "within_ms": SETTLED_WITHIN_MS }))?;
        let figure =
            format!("{} on the pages, {} apart, after {} ms", same["counts"], join(&same["apart"]), same["ms"]);
        outcome.must(&format!("{what}: messages"), figure, &format!("{texts}, the same on all"), ok(&same));
        Ok(same)
    }

    fn step(&mut self, what: &str, promised: &str, command: &Value, outcome: &mut Outcome) -> Result<Value> {
        let mut seen = self.browser.ask(command)?;
        self.besides += seen["wrote"].as_u64().unwrap_or(0) as usize;
        let (kept, map) = (ok(&seen), seen.as_object_mut().ok_or("no answer")?);
        map.retain(|key, _| !["step", "ok", "wrote"].contains(&key.as_str()));
        outcome.must(what, &seen, promised, kept);
        Ok(seen)
    }
}

async fn talk(ctx: &Ctx, gym: &mut Gym, outcome: &mut Outcome) -> Result<()> {
    named(gym).await?;
    let class = running_class(gym).await?;
    let (ana, ben) = (gym.accounts.members(2)?[0].clone(), gym.accounts.members(2)?[1].clone());
    let coach = gym.accounts.trainer()?.clone();
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let others = [of(&ben.email), of(&ben.password), of(&coach.email), of(&coach.password)];
    let names = ["--ben-email", "--ben-password", "--coach-email", "--coach-password"];
    let more: Vec<&str> = names.iter().zip(&others).flat_map(|(name, value)| [*name, value.as_str()]).collect();
    let browser = Browser::open("chat-pages.mjs", &gym.server.url(), &ana, &class.to_string(), &more)?;
    let mut talk = Talk { browser, written: vec![], besides: 0 };
    talk.browser.must(&json!({ "do": "open" }))?;

    spoilt(ctx, &mut talk, outcome)?;
    killed(ctx, gym, &mut talk, outcome)?;
    reloaded(&mut talk, outcome)?;

    let promised = "seen by the others within 2 s, over 5 s after the last key, and with the message at once";
    talk.step("somebody types", promised, &json!({ "do": "typing", "text": "typed slowly" }), outcome)?;
    let promised = "counted on all pages, joined by a tap, taken back";
    talk.step("a reaction", promised, &json!({ "do": "reacted", "text": "typed slowly" }), outcome)?;
    let texts: Vec<String> = (1..=2 + ctx.seed % 5).map(|number| format!("unread {number}")).collect();
    let promised = "counted on both devices, read on both, the divider stays";
    talk.step("unread", promised, &json!({ "do": "unread", "texts": texts }), outcome)?;
    let many: Vec<String> = (1..=3).map(|number| format!("above {number}")).collect();
    let promised = "what is read stays in its place, a pill counts";
    talk.step("written while one reads above", promised, &json!({ "do": "scrolled", "texts": many }), outcome)?;
    talk.step(
        "the trainer keeps order",
        "pinned, deleted, silenced, let write again",
        &json!({ "do": "order" }),
        outcome,
    )?;
    let promised = "failed, kept over a reload, tried again";
    talk.step("a refused message", promised, &json!({ "do": "retried", "text": "tried again" }), outcome)?;
    let promised = "offered while typed, in the inbox of both devices, leads there, is read then";
    talk.step("a name in a message", promised, &json!({ "do": "named", "hers": "typed slowly" }), outcome)?;
    let promised = "shown on all pages at the size that is kept, gone when it is deleted";
    talk.step("a picture", promised, &json!({ "do": "pictured", "text": "look at this" }), outcome)?;
    let command = json!({ "do": "searched", "words": "2 UNR", "text": "unread 2" });
    talk.step("search", "found by the beginnings of words, and gone to", &command, outcome)?;
    let promised = "arrived, read, reported, blocked, out of the ranking and taken back, each in two taps";
    let command = json!({ "do": "between", "his": "tried again", "text": "for you alone" });
    talk.step("a talk of two", promised, &command, outcome)?;
    let promised = "called what it is, counted on the desk, answered by one tap, and nobody waits any more";
    let command = json!({ "do": "asked", "text": "Is the sauna open on Sunday?", "answer": "From ten to six" });
    talk.step("a question to the front desk", promised, &command, outcome)?;
    let (room, text) = reported(gym).await?;
    let promised = "its owner finds the words, deletes them";
    let command = json!({ "do": "moderated", "room": room.to_string(), "text": text });
    talk.step("a reported message in a team", promised, &command, outcome)?;
    let last = talk.settle("at the end", outcome)?;

    stored(gym, RoomId(class.0), &talk.written, &last, outcome).await?;
    let looks = if ctx.quick {
        json!({ "do": "looks", "langs": ["ru", "en"], "themes": ["light"], "widths": [320, 1280] })
    } else {
        json!({ "do": "looks" })
    };
    let looks = talk.browser.ask(&looks)?;
    outcome.fact("looks (place × language × theme × width)", &looks["looks"]);
    let found = looks["error"].as_str().map_or_else(|| join(&looks["problems"]), str::to_owned);
    outcome.must("axe violations and overlaps", found, "none", ok(&looks));
    let errors = talk.browser.ask(&json!({ "do": "errors" }))?;
    outcome.fact("frames spoilt", &errors["counts"]);
    outcome.must("errors of the pages", join(&errors["errors"]), "none", ok(&errors));
    outcome.figure(format!("{} messages, each once and in one order on four pages", talk.written.len() + talk.besides));
    talk.browser.close()
}

/// A team of the first member, in which the third has reported what the second wrote.
async fn reported(gym: &Gym) -> Result<(RoomId, &'static str)> {
    const TEXT: &str = "words that hurt";
    let (address, members) = (gym.address()?, gym.accounts.members(3)?);
    let (owner, _pushes) = rooms::dial(&address, &members[0]).await?;
    let room = rooms::room(&owner).await?;
    let (writer, _pushes) = rooms::dial(&address, &members[1]).await?;
    let (reader, _pushes) = rooms::dial(&address, &members[2]).await?;
    for client in [&writer, &reader] {
        client.room(room, RoomCommand::Join).await?;
    }
    let seq = writer.room(room, RoomCommand::say(TEXT)).await?;
    let report = RoomCommand::Report { seq, reason: ReportReason::Insult, words: String::new() };
    reader.room(room, report).await?;
    Ok((room, TEXT))
}

/// The first two are in the ranking by name.
async fn named(gym: &Gym) -> Result<()> {
    for account in gym.accounts.members(2)? {
        let consent = Consent { show_on_board: ShowAs::Name, ..Consent::default() };
        rooms::dial(&gym.address()?, account).await?.0.user(UserCommand::Consent { consent }).await?;
    }
    Ok(())
}

async fn running_class(gym: &Gym) -> Result<ClassId> {
    let (trainer, _pushes) = Trainer::connect(&gym.address()?, gym.accounts.trainer()?).await?;
    let plan = vec![Segment { kind: SegmentKind::Work, duration_s: 0, target: None, cue: None }];
    let class = trainer.create(&class_now(&trainer.client, "HIIT 45", 20, plan)).await?;
    trainer.lobby(class).await?;
    trainer.plan(class, PlanAction::Start).await?;
    Ok(class)
}

/// All three write while frames are lost, late, doubled or out of order, and while sockets close.
fn spoilt(ctx: &Ctx, talk: &mut Talk, outcome: &mut Outcome) -> Result<()> {
    let each = if ctx.quick { 2 } else { 5 };
    for (at, kind) in FAULTS.into_iter().enumerate() {
        let seed = ctx.seed % 1_000_000 + 10 * at as u64;
        talk.browser.must(&json!({ "do": "fault", "kind": kind, "rate": RATE, "seed": seed }))?;
        for number in 1..=each {
            for who in WRITERS {
                talk.write(who, &[format!("{who} {kind} {number}")])?;
            }
        }
        // What was lost last is seen to be missing by what comes next.
        std::thread::sleep(Duration::from_secs(2));
        talk.browser.must(&json!({ "do": "fault", "kind": "none" }))?;
        talk.write("ben", &[format!("after {kind}")])?;
        talk.settle(kind, outcome)?;
    }
    Ok(())
}

/// The server is killed; two write, one of them loads the page anew; a new server comes to the same address.
fn killed(ctx: &Ctx, gym: &mut Gym, talk: &mut Talk, outcome: &mut Outcome) -> Result<()> {
    for round in 1..=if ctx.quick { 1 } else { 3 } {
        talk.write("coach", &[format!("before kill {round}")])?;
        gym.server.kill()?;
        talk.browser.must(&json!({ "do": "away" }))?;
        let anas = [format!("ana dead {round}.1"), format!("ana dead {round}.2")];
        talk.write("ana", &anas)?;
        talk.write("ben", &[format!("ben dead {round}")])?;
        let waits = talk.browser.ask(&json!({ "do": "waits", "who": "ana", "texts": anas }))?;
        outcome.must("server killed: what was written waits", join(&waits["value"]), "both", ok(&waits));
        talk.browser.must(&json!({ "do": "reload", "who": "ana" }))?;
        let (data, listen) = (gym.folder.path().join("data"), gym.server.address.to_string());
        gym.server = Server::start_at(ctx, &data, &listen, &ARGS)?;
        gym.server.ready(READY_WITHIN)?;
        talk.settle("server killed and started again", outcome)?;
    }
    Ok(())
}

/// The line is dead one way, the page is loaded anew: what the server never heard, and what it heard without an answer.
fn reloaded(talk: &mut Talk, outcome: &mut Outcome) -> Result<()> {
    for (way, what) in
        [("dumb", "never heard, page loaded anew"), ("deaf", "heard without an answer, page loaded anew")]
    {
        talk.browser.must(&json!({ "do": "silence", "who": "ana", "way": way }))?;
        let text = format!("ana {way}");
        talk.write("ana", std::slice::from_ref(&text))?;
        talk.browser.must(&json!({ "do": "waits", "who": "ana", "texts": [text] }))?;
        // Long enough for what was sent to be stored, where only its answer is held back.
        std::thread::sleep(Duration::from_millis(500));
        talk.browser.must(&json!({ "do": "silence", "who": "ana", "way": "" }))?;
        talk.browser.must(&json!({ "do": "reload", "who": "ana" }))?;
        talk.settle(what, outcome)?;
    }
    Ok(())
}

/// What the server keeps is what the pages show, each once, each writer's in the order in which it was written.
async fn stored(gym: &Gym, room: RoomId, written: &[String], last: &Value, outcome: &mut Outcome) -> Result<()> {
    let events = rooms::whole(gym, gym.accounts.trainer()?, room).await?;
    let posted: Vec<String> = events
        .into_iter()
        .filter_map(|event| match event {
            RoomEvent::Posted { message } if message.deleted_by.is_none() => Some(message.text),
            _ => None,
        })
        .collect();
    let shown: Vec<&str> = last["texts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let shown: Vec<&str> = shown.into_iter().filter(|text| posted.iter().any(|stored| stored == text)).collect();
    let apart = posted.iter().zip(&shown).position(|(stored, shown)| stored != shown);
    let apart = apart.map_or_else(|| "none".into(), |at| format!("“{}” is shown as “{}”", posted[at], shown[at]));
    let figure = format!("{} and {}, first apart: {apart}", posted.len(), shown.len());
    outcome.must("stored messages, and shown ones in the same order", figure, "the same", posted == shown);
    let twice = written.iter().filter(|text| posted.iter().filter(|stored| stored == text).count() != 1).count();
    outcome.must("written messages that are not stored once", twice, "0", twice == 0);
    let disordered = WRITERS.iter().filter(|who| order(&posted, who) != order(written, who)).count();
    outcome.must("writers whose messages are out of order", disordered, "0", disordered == 0);
    Ok(())
}

fn order<'a>(texts: &'a [String], who: &str) -> Vec<&'a str> {
    texts.iter().map(String::as_str).filter(|text| text.starts_with(who)).collect()
}
