//! Sessions that take turns to say something, so that events come evenly: one session may give ten commands a second.

use crate::client::Client;
use crate::lean::followers::Stamp;
use crate::now;
use fitconnect_protocol::CmdId;
use fitconnect_protocol::session::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

pub struct Publishers {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Publishers {
    /// `rate` commands a second of all together; `command` makes one of a stamped text of `text_bytes` and a command's id.
    pub fn start(
        clients: Vec<Client>,
        rate: u32,
        text_bytes: usize,
        command: impl Fn(String, CmdId) -> Request + Send + Clone + 'static,
    ) -> Publishers {
        let (stop, refused, number) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU32::new(0)));
        let every = Duration::from_secs(1) / rate.max(1);
        let (began, count) = (tokio::time::Instant::now(), clients.len() as u32);
        let publish = |(client, turn): (Client, u32)| {
            let (stop, refused, number, command) = (stop.clone(), refused.clone(), number.clone(), command.clone());
            let mut turns = tokio::time::interval_at(began + every * turn, every * count);
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    turns.tick().await;
                    let stamp = Stamp { sent_us: now::unix_us(), number: number.fetch_add(1, Ordering::Relaxed) };
                    let said = command(stamp.text(text_bytes), client.cmd());
                    let (client, refused) = (client.clone(), refused.clone());
                    tokio::spawn(async move {
                        if client.command(said).await.is_err() {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            })
        };
        let tasks = clients.into_iter().zip(0..).map(publish).collect();
        Publishers { stop, refused, tasks }
    }

    /// How many commands were refused.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            // A publisher that panicked would have been seen as silence.
            let _ = task.await;
        }
        self.refused.load(Ordering::Relaxed)
    }
}
