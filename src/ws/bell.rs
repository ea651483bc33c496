//! Who has something to write. A worker has one bell for all its sockets: whoever puts a frame into an outbox rings it, and one task
//! writes to all that have rung, one after the other. Waking each connection's own task would cost as much as half the write.

use super::wire::Wire;
use std::cell::OnceCell;
use std::future::poll_fn;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// Sockets that are written to before the worker looks at what it is sent: about a third of a millisecond.
const ROUND: usize = 64;

#[derive(Default)]
pub struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    /// Each is in it once for an outbox, so there are no more than sockets.
    wires: Vec<Arc<Wire>>,
    /// The writing task, where it sleeps.
    asleep: Option<Waker>,
}

thread_local! {
    static OF_THIS_WORKER: OnceCell<Arc<Bell>> = const { OnceCell::new() };
}

impl Bell {
    /// The bell of this thread. The first who asks starts its task.
    pub fn of_this_worker() -> Arc<Bell> {
        OF_THIS_WORKER.with(|bell| {
            let start = || {
                let bell = Arc::<Bell>::default();
                actix_web::rt::spawn(bell.clone().write());
                bell
            };
            bell.get_or_init(start).clone()
        })
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.0.lock().expect("nobody panics while holding the bell")
    }

    /// This socket's outbox has something; from any thread.
    pub fn ring(&self, wire: Arc<Wire>) {
        let mut rung = self.rung();
        rung.wires.push(wire);
        let asleep = rung.asleep.take();
        drop(rung);
        if let Some(task) = asleep {
            task.wake();
        }
    }

    /// Waits until somebody has rung; `wires` gets all that have.
    fn poll_rung(&self, wires: &mut Vec<Arc<Wire>>, task: &Context<'_>) -> Poll<()> {
        let mut rung = self.rung();
        if rung.wires.is_empty() {
            rung.asleep = Some(task.waker().clone());
            return Poll::Pending;
        }
        mem::swap(&mut rung.wires, wires);
        Poll::Ready(())
    }

    async fn write(self: Arc<Bell>) {
        let mut wires: Vec<Arc<Wire>> = Vec::new();
        loop {
            poll_fn(|task| self.poll_rung(&mut wires, task)).await;
            for (written, wire) in wires.drain(..).enumerate() {
                if written % ROUND == ROUND - 1 {
                    tokio::task::yield_now().await;
                }
                // One socket's fault must not silence the others of its worker.
                if catch_unwind(AssertUnwindSafe(|| wire.flush())).is_err() {
                    tracing::error!("a socket panicked while it was written to and is shut");
                    wire.shut();
                }
            }
        }
    }
}
