//! What was seen in a run, in order: a hash of all of it, the newest lines of it, and all lines where somebody wants to read them.

use std::collections::VecDeque;
use std::fmt::Arguments;

const LINES_KEPT: usize = 60;

pub struct Trace {
    hash: u64,
    pub frames: u64,
    print: bool,
    newest: VecDeque<String>,
}

impl Trace {
    pub fn new(print: bool) -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, frames: 0, print, newest: VecDeque::new() }
    }

    /// FNV-1a over everything that was told.
    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// A frame that a client was sent.
    pub fn frame(&mut self, ms: u64, client: usize, bytes: &[u8]) {
        self.frames += 1;
        self.mix(&ms.to_le_bytes());
        self.mix(&[client as u8]);
        self.mix(bytes);
    }

    pub fn line(&mut self, ms: u64, what: Arguments<'_>) {
        let mut text = format!("{:>9.3} {what}", ms as f64 / 1_000.0);
        if text.len() > 400 {
            let cut = (0..=400).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(cut);
            text.push('…');
        }
        self.mix(text.as_bytes());
        if self.print {
            println!("{text}");
        }
        if self.newest.len() == LINES_KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(text);
    }

    pub fn newest(&self) -> String {
        self.newest.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}
