//! Unix time anchored once to a monotonic clock: a wall clock that is set while the server runs changes nothing.

use fitconnect_actors::ports::Clock;
use fitconnect_domain::Millis;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub struct WallClock {
    anchor: Instant,
    unix_ms: u64,
}

impl WallClock {
    /// The one place that looks at the wall.
    #[allow(clippy::disallowed_methods)]
    pub fn start() -> WallClock {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        WallClock { anchor: Instant::now(), unix_ms }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Millis {
        Millis(self.unix_ms + self.anchor.elapsed().as_millis() as u64)
    }
}
