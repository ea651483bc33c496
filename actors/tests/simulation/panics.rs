//! Panics of a run: those of a poisoned machine are counted, every other is a fault.

use crate::store::{NO_PLACE, PANIC};
use std::cell::RefCell;
use std::sync::Once;

#[derive(Default)]
struct Seen {
    watched: bool,
    poisoned: u64,
    others: Vec<String>,
}

thread_local!(static SEEN: RefCell<Seen> = RefCell::default());
static HOOK: Once = Once::new();

/// From here on panics of this thread are collected instead of printed.
pub fn watch() {
    SEEN.with_borrow_mut(|seen| *seen = Seen { watched: true, ..Seen::default() });
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = SEEN.with_borrow_mut(|seen| {
                let text = info.to_string();
                if text.contains(&format!("index is {NO_PLACE}")) {
                    seen.poisoned += 1;
                } else if text.contains(PANIC) {
                    // Counted as a fault where it is made.
                } else {
                    seen.others.push(text);
                }
                seen.watched
            });
            if !ours {
                before(info);
            }
        }));
    });
}

/// How many were expected since this was asked last, and what the others said.
pub fn take() -> (u64, Vec<String>) {
    SEEN.with_borrow_mut(|seen| (std::mem::take(&mut seen.poisoned), std::mem::take(&mut seen.others)))
}
