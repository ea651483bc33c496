//! A trainer who makes the segment a second longer, again and again, while the database goes and comes: each move that was
//! acknowledged counts once, none that was not counts twice.

use crate::Result;
use fitconnect_loadtest::client::{Client, passes};
use fitconnect_loadtest::error::LoadError;
use fitconnect_loadtest::trainer::Trainer;
use fitconnect_protocol::ClassId;
use fitconnect_protocol::class::{ClassCommand, PlanAction, PlanView};
use fitconnect_protocol::session::{Request, Snapshot, Topic};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Five a second: less than a session may send.
const PACE: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Counts {
    acknowledged: AtomicU64,
    retries: AtomicU64,
    stop: AtomicBool,
}

pub struct Moves {
    counts: Arc<Counts>,
    before: PlanView,
    task: JoinHandle<Result<(), LoadError>>,
}

pub struct Judged {
    acknowledged: u64,
    /// By the plan's version, and by the seconds that it has grown.
    stored: (u64, i64),
    pub retries: u64,
}

impl Moves {
    pub async fn start(trainer: &Trainer, class: ClassId) -> Result<Moves> {
        let before = plan(&trainer.client, class).await?;
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(go(trainer.client.clone(), class, counts.clone()));
        Ok(Moves { counts, before, task })
    }

    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    pub async fn finish(self, trainer: &Trainer, class: ClassId) -> Result<Judged> {
        self.counts.stop.store(true, Ordering::Relaxed);
        self.task.await??;
        let after = plan(&trainer.client, class).await?;
        let grown = after.ends.unwrap_or_default() - self.before.ends.unwrap_or_default();
        Ok(Judged {
            acknowledged: self.counts.acknowledged.load(Ordering::Relaxed),
            stored: (u64::from(after.version - self.before.version), grown / 1_000),
            retries: self.counts.retries.load(Ordering::Relaxed),
        })
    }
}

impl Judged {
    pub fn words(&self) -> String {
        format!(
            "{} acknowledged; {} moves stored, the plan is {} s longer",
            self.acknowledged, self.stored.0, self.stored.1
        )
    }

    pub fn is_true(&self) -> bool {
        self.acknowledged > 0 && self.stored == (self.acknowledged, self.acknowledged as i64)
    }
}

async fn go(client: Client, class: ClassId, counts: Arc<Counts>) -> Result<(), LoadError> {
    while !counts.stop.load(Ordering::Relaxed) {
        let act = ClassCommand::Plan { action: PlanAction::Adjust { by_s: 1 }, at: None };
        // The same command until it is answered: once, however often it must be sent.
        let request = Request::Class { class, cmd: client.cmd(), act };
        loop {
            match client.ask(request.clone()).await {
                Ok(_) => break,
                Err(LoadError::Refused(refusal)) if passes(refusal.code) => {
                    counts.retries.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PACE).await;
                }
                Err(error) => return Err(error),
            }
        }
        counts.acknowledged.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

async fn plan(client: &Client, class: ClassId) -> Result<PlanView> {
    match client.subscribe(Topic::Class(class)).await?.snapshot {
        Some(Snapshot::Class(snapshot)) => Ok(snapshot.plan),
        other => Err(format!("a class without its snapshot: {other:?}").into()),
    }
}
