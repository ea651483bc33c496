//! Progress to look at while a run lasts. Silent where nobody looks: indicatif draws only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A bar over `total` of something; hidden where it would disturb a program's output.
pub fn bar(total: u64, what: &'static str, shown: bool) -> ProgressBar {
    let bar = if shown { ProgressBar::new(total) } else { ProgressBar::hidden() };
    let style =
        ProgressStyle::with_template("{prefix:>12} {wide_bar} {pos}/{len} {msg}").expect("the template is ours");
    bar.set_style(style);
    bar.set_length(total);
    bar.set_prefix(what);
    bar
}

/// Waits so many seconds under a bar.
pub async fn seconds(count: u64, what: &'static str, shown: bool, mut message: impl FnMut() -> String) {
    let bar = bar(count, what, shown);
    for _ in 0..count {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bar.inc(1);
        bar.set_message(message());
    }
    bar.finish_and_clear();
}
