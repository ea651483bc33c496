//! A node of the proof as a process, and what the nodes say.

use crate::Result;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Lines for a node that are kept while it is frozen.
const ORDERS_MAX: usize = 4_096;

/// Who waits for which message.
#[derive(Default)]
pub struct Said(Mutex<BTreeMap<u128, SyncSender<Option<u64>>>>);

/// One client's wait for one message.
pub struct Hear(Receiver<Option<u64>>);

impl Said {
    pub fn expect(&self, message: u128) -> Hear {
        let (sender, receiver) = sync_channel(1);
        self.waiting().insert(message, sender);
        Hear(receiver)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<u128, SyncSender<Option<u64>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `ok CLASS MESSAGE NUMBER` or `no CLASS MESSAGE`.
    fn hear(&self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (message, number) = match words[..] {
            ["ok", _, message, number] => (message.parse(), number.parse().ok()),
            ["no", _, message] => (message.parse(), None),
            _ => return,
        };
        if let Some(sender) = message.ok().and_then(|message: u128| self.waiting().remove(&message)) {
            // Whoever waited has gone on to another node.
            let _ = sender.try_send(number);
        }
    }
}

impl Hear {
    /// The number that the message got; `None`: refused, or nothing was heard.
    pub fn wait(self, within: Duration) -> Option<u64> {
        self.0.recv_timeout(within).ok().flatten()
    }
}

/// A running node; killed when dropped.
pub struct Node {
    child: Child,
    orders: SyncSender<String>,
}

impl Node {
    pub fn start(program: &Path, url: &str, more: &[&str], number: usize, said: Arc<Said>) -> Result<Node> {
        let mut command = Command::new(program);
        command.args(["node", "--url", url]).args(more).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().map_err(|error| format!("node {number}: {error}"))?;
        let out = child.stdout.take().expect("piped");
        let input = child.stdin.take().expect("piped");
        let (orders, queue) = sync_channel(ORDERS_MAX);
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(std::result::Result::ok).for_each(|line| said.hear(&line));
        });
        std::thread::spawn(move || hand_on(input, &queue));
        Ok(Node { child, orders })
    }

    /// Never waits: what a frozen node does not take is lost, as on a network.
    pub fn say(&mut self, line: &str) {
        let _ = self.orders.try_send(line.to_owned());
    }

    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // One that has ended feels nothing.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn hand_on(mut input: ChildStdin, queue: &Receiver<String>) {
    while let Ok(line) = queue.recv() {
        if writeln!(input, "{line}").and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}
