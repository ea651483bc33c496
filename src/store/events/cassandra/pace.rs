//! How many batches are under way: half as many when the cluster says that it is too much, one more after each round that went well.

use fitconnect_protocol::limits::EVENT_BATCHES_MAX;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
pub struct Pace {
    limit: AtomicUsize,
    /// Batches that went well since the limit was changed.
    well: AtomicUsize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { limit: AtomicUsize::new(EVENT_BATCHES_MAX), well: AtomicUsize::new(0) }
    }
}

impl Pace {
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    pub fn pressed(&self) {
        self.limit.store((self.limit() / 2).max(1), Ordering::Relaxed);
        self.well.store(0, Ordering::Relaxed);
    }

    pub fn went_well(&self) {
        let limit = self.limit();
        if limit < EVENT_BATCHES_MAX && self.well.fetch_add(1, Ordering::Relaxed) + 1 >= limit {
            self.limit.store(limit + 1, Ordering::Relaxed);
            self.well.store(0, Ordering::Relaxed);
        }
    }
}

#[test]
fn fewer_under_pressure_and_slowly_more() {
    let pace = Pace::default();
    for _ in 0..20 {
        pace.pressed();
    }
    assert_eq!(pace.limit(), 1);
    (0..3).for_each(|_| pace.went_well());
    assert_eq!(pace.limit(), 3, "one, then two in a row");
    (0..10_000).for_each(|_| pace.went_well());
    assert_eq!(pace.limit(), EVENT_BATCHES_MAX);
}
