//! The owner's heart: a thread with a line of its own that raises the node's counter, whatever else the process does. Its first missed
//! beats cost nothing; without one for long enough the lease ends; where another has taken over, the server is told to stop.

use super::postgres;
use crate::store::lease::{BEAT, Lease};
use crate::store::node::Node;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const RENEW: &str = "update fc_node set hb = hb + 1 where node_id = $1 and incarnation = $2 and state = 'up'";
const LEAVE: &str = "update fc_node set state = 'gone' where node_id = $1 and incarnation = $2 and state = 'up'";
const OWNER: &str =
    "select n.addr from fc_node as n join fc_shard as s on s.owner = n.incarnation where s.shard_id = 0";
/// A beat that takes longer is given up, and its line with it.
const BEAT_WITHIN: Duration = Duration::from_millis(1_000);

pub struct Heart {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Heart {
    /// Beats for a node that has just taken over.
    pub fn start(url: &str, node: Node, lease: Arc<Lease>) -> Result<Heart, std::io::Error> {
        let options = postgres::address(url).map_err(std::io::Error::other)?.application_name("fitconnect owner");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let beat = move || runtime.block_on(Beating { options, node, lease, line: None }.run(stopped));
        let thread = std::thread::Builder::new().name("heart".into()).spawn(beat)?;
        Ok(Heart { stop, thread })
    }

    /// Leaves, so that the next owner need not wait. Blocks for a moment.
    pub fn stop(self) {
        // A heart that has stopped by itself has nothing to leave.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

struct Beating {
    options: PgConnectOptions,
    node: Node,
    lease: Arc<Lease>,
    line: Option<PgConnection>,
}

impl Beating {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let sent = Instant::now();
            match tokio::time::timeout(BEAT_WITHIN, self.beat()).await {
                Ok(Ok(true)) => self.lease.renewed(sent),
                Ok(Ok(false)) => {
                    let by = self.owner().await;
                    return self.lease.is_lost(by);
                }
                Ok(Err(error)) => self.missed(&error.to_string()),
                Err(_) => self.missed("the database did not answer in time"),
            }
            if tokio::time::timeout(BEAT.saturating_sub(sent.elapsed()), &mut stopped).await.is_ok() {
                break;
            }
        }
        if let Ok(Err(error)) = tokio::time::timeout(BEAT_WITHIN, self.say(LEAVE)).await {
            tracing::warn!(%error, "the database was not told that this server has gone: the next will wait for it");
        }
        if let Some(line) = self.line.take() {
            // The server ends the line where we do not.
            let _ = tokio::time::timeout(BEAT_WITHIN, line.close()).await;
        }
    }

    fn missed(&mut self, why: &str) {
        self.line = None;
        let held = self.lease.is_held();
        tracing::warn!(why, held, "the ownership of the database could not be renewed");
    }

    async fn beat(&mut self) -> sqlx::Result<bool> {
        self.say(RENEW).await.map(|rows| rows > 0)
    }

    async fn say(&mut self, statement: &'static str) -> sqlx::Result<u64> {
        let line = match &mut self.line {
            Some(line) => line,
            none => none.insert(self.options.connect().await?),
        };
        let done = sqlx::query(statement).bind(self.node.id).bind(self.node.incarnation).execute(line).await?;
        Ok(done.rows_affected())
    }

    /// Who has taken over.
    async fn owner(&mut self) -> String {
        let Some(line) = &mut self.line else { return String::new() };
        let ask = tokio::time::timeout(BEAT_WITHIN, sqlx::query(OWNER).fetch_optional(line)).await;
        let addr = ask.ok().and_then(Result::ok).flatten().and_then(|row| row.try_get::<String, _>(0).ok());
        addr.unwrap_or_else(|| "(unknown)".into())
    }
}
