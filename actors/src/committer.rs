//! Group commit across actors: while one transaction commits, the next gathers. An actor has at most one commit under way.

use crate::ports::{Commit, Committed, StateStore};
use fitconnect_protocol::CmdId;
use fitconnect_protocol::limits::COMMIT_BATCH_MAX;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

type Job = (Commit, oneshot::Sender<Committed>);

/// Hands commits over; a clone is the same committer.
#[derive(Clone)]
pub struct Committer {
    /// One queue a line of the store, so that a slow transaction on one holds up no other.
    lines: Arc<[mpsc::Sender<Job>]>,
}

/// Commits that may wait on one line: every actor of a busy node, once.
const JOBS_MAX: usize = 65_536;

impl Committer {
    /// The futures do the work, one a line; whoever starts the house spawns them.
    pub fn new(state: Arc<dyn StateStore>) -> (Committer, Vec<impl Future<Output = ()> + Send + 'static>) {
        let line = |_| {
            let (jobs, queue) = mpsc::channel(JOBS_MAX);
            (jobs, run(state.clone(), queue))
        };
        let (lines, work): (Vec<_>, Vec<_>) = (0..state.lines().max(1)).map(line).unzip();
        (Committer { lines: lines.into() }, work)
    }

    /// The result comes when the transaction has ended, or [`Committed::Unknown`] when nobody can say.
    pub fn submit(&self, commit: Commit) -> impl Future<Output = Committed> + 'static {
        let (done, result) = oneshot::channel();
        let line = &self.lines[usize::from(commit.key.shard()) % self.lines.len()];
        let sent = line.try_send((commit, done)).is_ok();
        async move {
            if !sent {
                return Committed::Unknown("too many commits wait".into());
            }
            result.await.unwrap_or_else(|_| Committed::Unknown("the committer has ended".into()))
        }
    }
}

async fn run(state: Arc<dyn StateStore>, mut queue: mpsc::Receiver<Job>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, COMMIT_BATCH_MAX).await > 0 {
        let (commits, waiting): (Vec<Commit>, Vec<_>) = batch.drain(..).unzip();
        let count = commits.len();
        let told = tracing::enabled!(tracing::Level::DEBUG).then(|| commits.iter().map(cmds).collect::<Vec<_>>());
        let unknown = |why: &str| vec![Committed::Unknown(why.into()); count];
        let results = match AssertUnwindSafe(state.commit(commits)).catch_unwind().await {
            Ok(results) if results.len() == count => results,
            Ok(_) => unknown("the store answered for another number of commits"),
            // Nothing would ever be committed again if it took this task along.
            Err(_) => unknown("the store panicked"),
        };
        for (cmds, result) in told.iter().flatten().zip(&results) {
            cmds.iter().for_each(|cmd| tracing::debug!(%cmd, ?result, "a command was committed"));
        }
        for (done, result) in waiting.into_iter().zip(results) {
            // An actor that is gone reads its row again when it comes back.
            let _ = done.send(result);
        }
    }
}

/// The commands whose answers are part of it.
fn cmds(commit: &Commit) -> Vec<CmdId> {
    commit.answers.iter().map(|answer| answer.cmd).collect()
}
