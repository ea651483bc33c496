//! Proof `operator`: what goes wrong on an ordinary day. A full disk, a read-only folder, a wrong password, a schema from the future, two
//! servers on one folder, a clock that was set back: each is said in plain words, and nothing is damaged.

mod folder;
mod world;

use super::database::{self, Schema};
use super::gym::seed;
use super::server::Server;
use super::temp::TempFolder;
use super::{Ctx, Outcome};
use crate::Result;
use fitconnect_loadtest::accounts::Accounts;
use fitconnect_loadtest::http;
use fitconnect_loadtest::now::unix_us;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{Activity, NewClass, Segment, SegmentKind};
use std::path::Path;
use std::time::Duration;
use world::{Ended, World};

pub const READY_WITHIN: Duration = Duration::from_secs(30);

pub fn run(ctx: &Ctx) -> Result<Outcome> {
    let mut outcome = Outcome::new();
    two_servers(ctx, &mut outcome)?;
    future(ctx, &mut outcome)?;
    folder::read_only(ctx, &mut outcome)?;
    folder::full_disk(ctx, &mut outcome)?;
    set_back(ctx, &mut outcome)?;
    match database::postgres() {
        Ok(postgres) => {
            wrong_password(ctx, &postgres.address, &mut outcome)?;
            future_database(ctx, &postgres.address, &mut outcome)?;
        }
        Err(why) => outcome.fact("PostgreSQL", why.lines().next().unwrap_or_default()),
    }
    outcome.figure("each mishap is said in plain words, and nothing is damaged");
    Ok(outcome)
}

/// A server that must not have started: what it said, and that it ended by itself.
fn refused(outcome: &mut Outcome, what: &str, ended: &Ended, words: &[&str]) {
    let missing: Vec<_> = words.iter().filter(|word| !ended.said.contains(**word)).collect();
    let good = ended.failed && missing.is_empty();
    let said = ended.said.lines().last().unwrap_or_default().chars().take(160).collect::<String>();
    outcome.must(what, said, &format!("refuses, and says: {}", words.join(", ")), good);
}

fn two_servers(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let place = TempFolder::new("operator")?;
    let data = place.path().join("data");
    seed(ctx, &data, 2, 1)?;
    let mut first = Server::start(ctx, &data, &[])?;
    first.ready(READY_WITHIN)?;
    let ended = World::plain(ctx)?.serve(&data, &[])?;
    refused(outcome, "two servers on one folder", &ended, &["in use by process", &first.pid().to_string(), "--data"]);
    outcome.must("the first of them", "serves on", "serves on", first.ready(Duration::from_secs(1)).is_ok());
    first.stop()
}

fn future(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    for file in ["state.db", "events.db"] {
        let place = TempFolder::new("operator")?;
        let data = place.path().join("data");
        seed(ctx, &data, 2, 1)?;
        let path = data.join(file);
        world::helper(ctx, &["future", &path.display().to_string(), "--url", "sqlite"])?;
        let before = std::fs::read(&path)?;
        let ended = World::plain(ctx)?.serve(&data, &[])?;
        refused(outcome, &format!("{file} from the future"), &ended, &[file, "9999", "later version"]);
        let same = std::fs::read(&path)? == before;
        outcome.must(&format!("{file} afterwards"), if same { "unchanged" } else { "changed" }, "unchanged", same);
    }
    Ok(())
}

fn future_database(ctx: &Ctx, base: &str, outcome: &mut Outcome) -> Result<()> {
    let schema = Schema::new(ctx, base)?;
    let place = TempFolder::new("operator")?;
    let data = place.path().join("data");
    world::helper(ctx, &["setup", "--url", &schema.url])?;
    world::helper(ctx, &["future", "database", "--url", &schema.url])?;
    let ended = World::plain(ctx)?.serve(&data, &["--state", &schema.url])?;
    refused(outcome, "a database from the future", &ended, &["9999", "later version"]);
    Ok(())
}

fn wrong_password(ctx: &Ctx, base: &str, outcome: &mut Outcome) -> Result<()> {
    let Some((head, rest)) = base.split_once("://") else { return Err("an address without a scheme".into()) };
    let Some((user, host)) = rest.split_once('@') else { return Err("an address without a user".into()) };
    let Some((user, _)) = user.split_once(':') else {
        outcome.fact("a wrong password", "the PostgreSQL that was given asks for none");
        return Ok(());
    };
    let place = TempFolder::new("operator")?;
    let wrong = format!("{head}://{user}:n0t-the-pa55word@{host}");
    let ended = World::plain(ctx)?.serve(&place.path().join("data"), &["--state", &wrong])?;
    refused(outcome, "a wrong password", &ended, &["password authentication failed", ":***@"]);
    let kept = !ended.said.contains("n0t-the-pa55word");
    outcome.must("the password", if kept { "is not printed" } else { "is printed" }, "is not printed", kept);
    Ok(())
}

/// A server whose clock is an hour behind what is stored.
fn set_back(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let place = TempFolder::new("operator")?;
    let data = place.path().join("data");
    let accounts = seed(ctx, &data, 2, 1)?;
    let mut server = Server::start(ctx, &data, &["--token-life-s", "604800"])?;
    server.ready(READY_WITHIN)?;
    let class = create(&server, &accounts)?;
    server.stop()?;
    let Some(world) = World::an_hour_ago(ctx, place.path())? else {
        outcome.fact("a clock set back", "needs a C compiler, which is not here");
        return Ok(());
    };
    let mut server = world.start(&data, &["--token-life-s", "604800"], &place.path().join("late.log"))?;
    server.ready(READY_WITHIN)?;
    let log = std::fs::read_to_string(&server.log)?;
    let said = log.lines().find(|line| line.contains("set back")).unwrap_or("nothing").to_owned();
    let good = said.contains("ERROR") && said.contains("clock");
    outcome.must("a clock set back by an hour", said.chars().take(160).collect::<String>(), "is said at ERROR", good);
    // Tokens of before are of the future now: whoever has one is told why, and what to do.
    let told = has(&server, &accounts, class).err().map(|error| error.to_string()).unwrap_or_default();
    let clear = told.contains("its clock is ahead of the server's: log in again");
    outcome.must("a token of before", told, "refused, and why", clear);
    server.stop()?;
    let mut server = Server::start(ctx, &data, &["--token-life-s", "604800"])?;
    server.ready(READY_WITHIN)?;
    let whole = has(&server, &accounts, class)? && create(&server, &accounts).is_ok();
    outcome.must("with the right clock again", if whole { "as before" } else { "damaged" }, "as before", whole);
    server.stop()
}

fn address(server: &Server) -> Result<http::Server> {
    Ok(server.url().parse()?)
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// A class over HTTP, or the refusal.
pub fn create(server: &Server, accounts: &Accounts) -> Result<ClassId> {
    let address = address(server)?;
    block_on(async {
        let token = accounts.trainer()?.token(&address).await?;
        let plan = vec![Segment { kind: SegmentKind::Work, duration_s: 600, target: None, cue: None }];
        let new = NewClass {
            name: "An ordinary day".into(),
            hall: "Hall 1".into(),
            activity: Activity::Ride,
            starts_at_ms: (unix_us() / 1_000) as i64,
            lobby_min: None,
            capacity: 10,
            plan,
        };
        Ok(address.create_class(&token, &new).await?)
    })
}

/// Whether a class is there.
pub fn has(server: &Server, accounts: &Accounts, class: ClassId) -> Result<bool> {
    let address = address(server)?;
    block_on(async {
        let token = accounts.trainer()?.token(&address).await?;
        Ok(address.text_as(&format!("/v1/classes/{class}"), Some(&token)).await?.contains(&class.to_string()))
    })
}

/// Every file below a folder with its length, in order.
pub fn listing(folder: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let Ok(entries) = folder.read_dir() else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(listing(&path));
        } else {
            found.push((path.display().to_string(), path.metadata().map_or(0, |meta| meta.len())));
        }
    }
    found.sort();
    found
}
