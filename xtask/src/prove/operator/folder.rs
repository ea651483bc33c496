//! A folder that cannot be written to, and a disk that is full: in a mount of their own, or, where that is not allowed, by the rights of the
//! folder.

use super::world::World;
use super::{READY_WITHIN, create, has, listing, refused};
use crate::Result;
use crate::prove::gym::seed;
use crate::prove::temp::TempFolder;
use crate::prove::{Ctx, Outcome};
use fitconnect_loadtest::accounts::Accounts;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RECOVERS_WITHIN: Duration = Duration::from_secs(20);
/// Bytes of the small disk.
const DISK: &str = "192m";

/// The way to a mount of one's own, `None` where this machine allows none.
fn unshare() -> Option<&'static str> {
    let ways = ["unshare --mount", "unshare --map-root-user --mount"];
    ways.into_iter().find(|way| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{way} mount -t tmpfs none /tmp")]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|done| done.success())
    })
}

pub fn read_only(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let place = TempFolder::new("operator")?;
    let data = place.path().join("data");
    seed(ctx, &data, 2, 1)?;
    let before = listing(&data);
    let ended = match unshare() {
        Some(way) => {
            let data = data.display();
            let mount = format!("mount --bind '{data}' '{data}' && mount -o remount,bind,ro '{data}'");
            let body = format!("exec {way} sh -c \"{mount} && exec \\\"\\$SERVER\\\" \\\"\\$@\\\"\" sh \"$@\"");
            World::script(ctx, place.path(), "read-only", &body)?.serve(&place.path().join("data"), &[])?
        }
        None => {
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o500))?;
            let ended = World::plain(ctx)?.serve(&data, &[]);
            std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;
            ended?
        }
    };
    let why = if ended.said.contains("Read-only") { "Read-only" } else { "ermission denied" };
    refused(outcome, "a read-only folder", &ended, &["the data folder", why]);
    let same = listing(&data) == before;
    outcome.must("the read-only folder", if same { "unchanged" } else { "changed" }, "unchanged", same);
    Ok(())
}

pub fn full_disk(ctx: &Ctx, outcome: &mut Outcome) -> Result<()> {
    let Some(way) = unshare() else {
        outcome.fact("a full disk", "needs the right to mount: run it as root, or allow user namespaces");
        return Ok(());
    };
    let place = TempFolder::new("operator")?;
    let (disk, tokens) = (place.path().join("disk"), place.path().join("tokens"));
    std::fs::create_dir(&disk)?;
    let steps = format!(
        "mount -t tmpfs -o size={DISK} none '{}' && \\\"\\$SERVER\\\" seed --data '{}' --members 2 --trainers 1 --tokens > '{}'",
        disk.display(),
        disk.join("data").display(),
        tokens.display()
    );
    let body = format!("exec {way} sh -c \"{steps} && exec \\\"\\$SERVER\\\" \\\"\\$@\\\"\" sh \"$@\"");
    let world = World::script(ctx, place.path(), "full-disk", &body)?;
    let data = disk.join("data");
    let mut server = world.start(&data, &["--token-life-s", "604800"], &place.path().join("server.log"))?;
    server.ready(READY_WITHIN)?;
    let accounts = Accounts::parse(&std::fs::read_to_string(&tokens)?)?;
    let class = create(&server, &accounts)?;
    // The server's own view of its mounts.
    let filler =
        Path::new("/proc").join(server.pid().to_string()).join("root").join(disk.strip_prefix("/")?).join("filler");
    fill(&filler)?;
    let refusal = (0..50).find_map(|_| create(&server, &accounts).err()).map(|error| error.to_string());
    let said = refusal.clone().unwrap_or_else(|| "taken".into());
    outcome.must("a class on a full disk", said, "refused", refusal.is_some());
    let log = std::fs::read_to_string(&server.log)?;
    let words = log.lines().find(|line| line.contains("full") || line.contains("No space left"));
    let shown: String = words.unwrap_or("nothing").chars().take(160).collect();
    outcome.must("in the server's log", shown, "that the disk is full", words.is_some());
    std::fs::remove_file(&filler)?;
    let began = Instant::now();
    let again = loop {
        match create(&server, &accounts) {
            Ok(class) => break Some(class),
            Err(_) if began.elapsed() < RECOVERS_WITHIN => std::thread::sleep(Duration::from_millis(50)),
            Err(_) => break None,
        }
    };
    let took = format!("{:.1?}", began.elapsed());
    outcome.must("with room again, without a restart", took, "takes classes", again.is_some());
    let there = has(&server, &accounts, class)?;
    outcome.must("what was acknowledged before", if there { "is there" } else { "is gone" }, "is there", there);
    server.stop()
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let mut part = vec![1_u8; 1024 * 1024];
    while !part.is_empty() {
        if file.write_all(&part).is_err() {
            part.truncate(part.len() / 2);
        }
    }
    Ok(())
}
