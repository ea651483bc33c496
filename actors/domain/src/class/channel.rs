//! Which source counts: one at a time, chosen by sample time. Strap before armband, machine, watch;
//! the next best takes over after 5 s of silence, a better one returns after 10 s without a break.

use super::rider::StreamNo;
use crate::time::ClassMs;
use fitconnect_protocol::class::SourceKind;
use serde::{Deserialize, Serialize};

/// A source silent for longer than this no longer counts.
pub const SILENT_MS: i64 = 5_000;
/// A better source must have been steady for so long to take over from one that still speaks.
pub const STEADY_MS: i64 = 10_000;

/// What one source of a person has done, as far as the choice needs it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Heard {
    stream: StreamNo,
    kind: SourceKind,
    last: ClassMs,
    steady_since: ClassMs,
    /// When it was taken off, or its wearer left.
    until: ClassMs,
}

/// The choice among one person's sources of one quantity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    heard: Vec<Heard>,
    counting: Option<StreamNo>,
}

impl Channel {
    /// Hears a sample, in order of time. Whether it counts. The source is the person's until `until`.
    pub fn hear(&mut self, stream: StreamNo, kind: SourceKind, at: ClassMs, until: ClassMs) -> bool {
        let index = match self.heard.iter().position(|heard| heard.stream == stream) {
            Some(index) => index,
            None => {
                self.heard.push(Heard { stream, kind, last: at, steady_since: at, until });
                self.heard.len() - 1
            }
        };
        let heard = &mut self.heard[index];
        if at - heard.last > SILENT_MS {
            heard.steady_since = at;
        }
        (heard.last, heard.kind, heard.until) = (at, kind, until);
        let candidate = *heard;
        let Some(current) = self.counting.and_then(|no| self.heard.iter().find(|heard| heard.stream == no)) else {
            self.counting = Some(stream);
            return true;
        };
        if current.stream == stream {
            return true;
        }
        let silent = at - current.last > SILENT_MS || at >= current.until;
        let better = kind < current.kind && at - candidate.steady_since >= STEADY_MS;
        if silent || better {
            self.counting = Some(stream);
        }
        silent || better
    }

    pub fn counting(&self) -> Option<StreamNo> {
        self.counting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fitconnect_protocol::class::SourceKind::{Strap, Watch};

    /// Feeds (second, stream, kind) and returns who counted, a letter a sample: `s`trap, `w`atch, `.` for not counted.
    fn who(samples: &[(i64, SourceKind)]) -> String {
        let mut channel = Channel::default();
        let letter = |kind| if kind == Strap { 's' } else { 'w' };
        samples
            .iter()
            .map(
                |(s, kind)| {
                    if channel.hear(StreamNo(*kind as u32), *kind, s * 1_000, ClassMs::MAX) {
                        letter(*kind)
                    } else {
                        '.'
                    }
                },
            )
            .collect()
    }

    #[test]
    fn the_strap_counts_and_the_watch_waits() {
        let both: Vec<_> = (0..4).flat_map(|s| [(s, Strap), (s, Watch)]).collect();
        assert_eq!(who(&both), "s.s.s.s.");
    }

    #[test]
    fn the_watch_takes_over_after_five_silent_seconds() {
        assert_eq!(who(&[(0, Strap), (0, Watch), (4, Watch), (5, Watch), (6, Watch)]), "s...w");
    }

    #[test]
    fn what_is_no_longer_worn_is_not_waited_for() {
        let mut channel = Channel::default();
        assert!(channel.hear(StreamNo(0), Strap, 0, 1_500));
        assert!(!channel.hear(StreamNo(1), Strap, 1_000, ClassMs::MAX));
        assert!(channel.hear(StreamNo(1), Strap, 2_000, ClassMs::MAX));
    }

    #[test]
    fn the_strap_returns_after_ten_steady_seconds() {
        let samples: Vec<_> = (0..14).flat_map(|s| [(s, Watch), (s, Strap)]).collect();
        assert_eq!(who(&samples), format!("{}{}", "w.".repeat(10), "ws.s.s.s"));
        let broken: Vec<_> =
            (0..14).flat_map(|s| [Some((s, Watch)), (!(3..9).contains(&s)).then_some((s, Strap))]).flatten().collect();
        assert!(!who(&broken).contains('s'), "silence of more than five seconds starts the ten again");
    }
}
