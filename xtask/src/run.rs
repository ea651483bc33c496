//! Runs a command with something to look at: on a terminal a spinner with its newest line, elsewhere a line when it begins and ends.
//! What it prints is kept and shown where it fails.

use crate::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lines kept of what a command prints: enough for every compiler error, not for a runaway.
const LINES_MAX: usize = 20_000;
/// Lines shown of a command that failed.
const LINES_SHOWN: usize = 120;

/// How a command ended, and what it printed on both channels.
pub struct Ran {
    pub ok: bool,
    pub text: String,
}

/// Runs a command to its end. `Err` only where it cannot be started.
pub fn watch(title: &str, command: &mut Command) -> Result<Ran> {
    let began = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", command.get_program().to_string_lossy()))?;
    let spinner = spinner(title);
    let lines = Mutex::new(Vec::new());
    let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    std::thread::scope(|scope| {
        scope.spawn(|| follow(out, &lines, &spinner));
        follow(err, &lines, &spinner);
    });
    let ok = child.wait()?.success();
    spinner.finish_and_clear();
    eprintln!("{} {title} ({:.1} s)", if ok { "✓" } else { "✗" }, began.elapsed().as_secs_f64());
    let text = lines.into_inner().expect("no reader panicked").join("\n");
    Ok(Ran { ok, text })
}

/// The same, where a failure ends everything: its last lines are the error.
pub fn must(title: &str, command: &mut Command) -> Result<Ran> {
    let ran = watch(title, command)?;
    if ran.ok { Ok(ran) } else { Err(format!("{}\n{title}: failed", tail(&ran.text)).into()) }
}

/// The end of a long text, without the lines in which cargo counts crates.
pub fn tail(text: &str) -> String {
    let counted = |line: &str| {
        ["Compiling ", "Checking ", "Downloaded ", "Downloading "]
            .iter()
            .any(|word| line.trim_start().starts_with(word))
    };
    let lines: Vec<_> = text.lines().filter(|line| !counted(line)).collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

/// Whether a program of this name can be started.
pub fn found(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// A spinner with a title and a changing message; without a terminal, the title once.
pub fn spinner(title: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("… {title}");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}").expect("a valid template");
    let spinner = ProgressBar::new_spinner().with_style(style).with_prefix(title.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

fn follow(channel: impl Read, lines: &Mutex<Vec<String>>, spinner: &ProgressBar) {
    for line in BufReader::new(channel).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        spinner.set_message(line.trim().to_owned());
        let mut lines = lines.lock().expect("no reader panicked");
        if lines.len() < LINES_MAX {
            lines.push(line);
        }
    }
}
