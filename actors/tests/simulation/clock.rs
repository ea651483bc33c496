//! The wall of a run: simulated time since the process began, after the time of the processes before it.

use fitconnect_actors::ports::Clock;
use fitconnect_domain::Millis;
use tokio::time::Instant;

/// When every run begins.
pub const START: Millis = Millis(1_795_543_200_000);

#[derive(Clone, Copy)]
pub struct SimClock {
    began: Millis,
    at: Instant,
}

impl SimClock {
    /// The clock of a process that begins at `began`. Inside its runtime.
    pub fn start(began: Millis) -> SimClock {
        SimClock { began, at: Instant::now() }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        self.began.plus(self.at.elapsed().as_millis() as u64)
    }
}
