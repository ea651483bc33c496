//! A script of `web/e2e` as a process: one command a line in, one answer a line out, and news in between.

use super::Outcome;
use crate::{Result, chromium, node, repo};
use fitconnect_loadtest::accounts::Account;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// The longest step looks at three languages in six widths.
const STEP_MAX: Duration = Duration::from_secs(240);
const LINES_MAX: usize = 1_024;

/// What a proof that needs a browser comes to where there is none.
pub fn missing() -> Result<Option<Outcome>> {
    if let Some(why) = node::missing() {
        return Ok(Some(Outcome::skipped(&why)));
    }
    Ok(chromium::ensure()?.is_none().then(|| Outcome::skipped(chromium::HOW)))
}

/// Whether a step did what it should.
pub fn ok(step: &Value) -> bool {
    step["ok"].as_bool().unwrap_or(false)
}

/// Words of a list, or that there are none.
pub fn join(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() { "none".into() } else { words.join("; ") }
}

pub struct Browser {
    child: Child,
    commands: ChildStdin,
    lines: Receiver<String>,
    /// Lines that nobody has asked for yet.
    waiting: VecDeque<Value>,
}

impl Browser {
    /// `script` is a file of `web/e2e`; `more` are further arguments of its own.
    pub fn open(script: &str, url: &str, account: &Account, class: &str, more: &[&str]) -> Result<Browser> {
        let (Some(email), Some(password)) = (&account.email, &account.password) else {
            return Err("an account without e-mail and password".into());
        };
        let mut node = Command::new("node");
        node.current_dir(repo::root().join("web")).arg(format!("e2e/{script}")).args(["--json", "--url", url]);
        node.args(["--email", email, "--password", password, "--class", class]).args(more);
        node.arg("--out").arg(repo::target().join("shots"));
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
        let (out, commands) = (child.stdout.take().expect("piped"), child.stdin.take().expect("piped"));
        let (said, lines) = sync_channel(LINES_MAX);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Browser { child, commands, lines, waiting: VecDeque::new() })
    }

    /// Gives a command that must go well.
    pub fn must(&mut self, command: &Value) -> Result<Value> {
        let answer = self.ask(command)?;
        if answer["ok"].as_bool() == Some(true) { Ok(answer) } else { Err(format!("{command}: {answer}").into()) }
    }

    /// Gives a command and waits for its answer.
    pub fn ask(&mut self, command: &Value) -> Result<Value> {
        writeln!(self.commands, "{command}")?;
        self.said(command["do"].as_str().unwrap_or_default())
    }

    /// The next line of this step.
    pub fn said(&mut self, step: &str) -> Result<Value> {
        if let Some(at) = self.waiting.iter().position(|line| line["step"] == step) {
            return Ok(self.waiting.remove(at).expect("it was just seen"));
        }
        let until = Instant::now() + STEP_MAX;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let line = self.lines.recv_timeout(left).map_err(|_| format!("the browser said nothing of {step:?}"))?;
            let line: Value = serde_json::from_str(&line).map_err(|error| format!("{line}: {error}"))?;
            if line["step"] == step {
                return Ok(line);
            }
            if line["step"] == "fault" {
                return Err(format!("the browser: {line}").into());
            }
            self.waiting.push_back(line);
        }
        Err(format!("the browser said nothing of {step:?}").into())
    }

    /// Lines of this step that have come are of the past.
    pub fn forget(&mut self, step: &str) {
        while let Ok(line) = self.lines.try_recv() {
            self.waiting.extend(serde_json::from_str(&line).ok() as Option<Value>);
        }
        self.waiting.retain(|line| line["step"] != step);
    }

    pub fn close(&mut self) -> Result<()> {
        writeln!(self.commands, r#"{{"do":"quit"}}"#)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}
