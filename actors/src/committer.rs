//! Group commit across actors: while one transaction commits, the next gathers. An actor has at most one commit under way.

use crate::ports::{Commit, Committed, StateStore};
use fitconnect_protocol::limits::COMMIT_BATCH_MAX;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

type Job = (Commit, oneshot::Sender<Committed>);

/// Hands commits over; a clone is the same committer.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Job>,
}

/// Commits that may wait: every actor of a busy node, once.
const JOBS_MAX: usize = 65_536;

impl Committer {
    /// The future does the work; whoever starts the house spawns it.
    pub fn new(state: Arc<dyn StateStore>) -> (Committer, impl Future<Output = ()> + Send + 'static) {
        let (jobs, queue) = mpsc::channel(JOBS_MAX);
        (Committer { jobs }, run(state, queue))
    }

    /// The result comes when the transaction has ended, or [`Committed::Unknown`] when nobody can say.
    pub fn submit(&self, commit: Commit) -> impl Future<Output = Committed> + 'static {
        let (done, result) = oneshot::channel();
        let sent = self.jobs.try_send((commit, done)).is_ok();
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
        let (commits, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let count = commits.len();
        let unknown = |why: &str| vec![Committed::Unknown(why.into()); count];
        let results = match AssertUnwindSafe(state.commit(commits)).catch_unwind().await {
            Ok(results) if results.len() == count => results,
            Ok(_) => unknown("the store answered for another number of commits"),
            // Nothing would ever be committed again if it took this task along.
            Err(_) => unknown("the store panicked"),
        };
        for (done, result) in waiting.into_iter().zip(results) {
            // An actor that is gone reads its row again when it comes back.
            let _ = done.send(result);
        }
    }
}
