//! The clocks of the generator: a monotonic one for everything that is measured, the wall's only for the age of commands.
//! The one place of this crate that reads a clock. Called by everybody here.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods)]
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

/// Microseconds of this process's monotonic clock, from the first call.
pub fn mono_us() -> u64 {
    start().elapsed().as_micros() as u64
}

/// The same in milliseconds, as `Clock` frames carry it.
pub fn mono_ms() -> f64 {
    start().elapsed().as_nanos() as f64 / 1e6
}

/// Unix microseconds of this machine. Good for a stamp that another process of the same machine reads.
#[allow(clippy::disallowed_methods)]
pub fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
