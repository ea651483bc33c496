//! Constants for TypeScript: where what stands in a packed tick, the tables of refusals and closes, limits that clients keep.

use crate::class::Phase;
use crate::error::{CloseCode, ErrorCode};
use crate::tick::{LAYOUT, Signal};
use crate::{SUBPROTOCOL, VERSION, limits};
use std::fmt::Write;

const HEAD: &str = "\
// Generated from protocol/src by `cargo xtask types`: change the Rust constants, not this file.

import type { ErrorCode, Phase } from './protocol'
";

/// Bounds that a client has to keep or may rely on; see `protocol/src/limits.rs` for the reason of each.
const LIMITS: &[(&str, u64)] = &[
    ("SAMPLE_ROWS_MAX", limits::SAMPLE_ROWS_MAX as u64),
    ("SAMPLE_SOURCES_MAX", limits::SAMPLE_SOURCES_MAX as u64),
    ("SUBSCRIPTIONS_MAX", limits::SUBSCRIPTIONS_MAX as u64),
    ("HERE_EVERY_MS", limits::HERE_EVERY_MS),
    ("LOOK_PEOPLE_MAX", limits::LOOK_PEOPLE_MAX as u64),
    ("IMAGE_BYTES_MAX", limits::IMAGE_BYTES_MAX as u64),
    ("IMAGE_SIDE_MAX", limits::IMAGE_SIDE_MAX as u64),
    ("MENTIONS_MAX", limits::MENTIONS_MAX as u64),
    ("INBOX_MAX", limits::INBOX_MAX as u64),
    ("TYPING_EVERY_MS", limits::TYPING_EVERY_MS),
    ("TYPING_SHOWN_MS", limits::TYPING_SHOWN_MS),
    ("FIVE_ALL_EVERY_MS", limits::FIVE_ALL_EVERY_MS),
    ("LOOK_MAX", limits::LOOK_MAX as u64),
    ("RIDERS_MAX", limits::RIDERS_MAX as u64),
    ("BOARD_WHOLE_MAX", limits::BOARD_WHOLE_MAX as u64),
    ("NAME_BYTES_MAX", limits::NAME_BYTES_MAX as u64),
    ("CUE_BYTES_MAX", limits::CUE_BYTES_MAX as u64),
    ("MESSAGE_BYTES_MAX", limits::MESSAGE_BYTES_MAX as u64),
    ("SEAT_BYTES_MAX", limits::SEAT_BYTES_MAX as u64),
    ("SEGMENTS_MAX", limits::SEGMENTS_MAX as u64),
    ("HEARTBEAT_MS", limits::HEARTBEAT_MS as u64),
    ("HEARTBEAT_GRACE_MS", limits::HEARTBEAT_GRACE_MS),
    ("HELLO_MS_MAX", limits::HELLO_MS_MAX),
    ("SESSION_GRACE_MS", limits::SESSION_GRACE_MS),
    ("CMD_AGE_MS_MAX", limits::CMD_AGE_MS_MAX),
    ("ECHO_EVERY_MS", limits::ECHO_EVERY_MS),
    ("TICK_MS", limits::TICK_MS),
    ("FULL_TICK_MS", limits::FULL_TICK_MS),
    ("COUNTDOWN_MS", limits::COUNTDOWN_MS as u64),
    ("UNDO_MS", limits::UNDO_MS as u64),
    ("FILM_MS_MAX", limits::FILM_MS_MAX as u64),
    ("AGEING_MS", limits::AGEING_MS as u64),
    ("STALE_MS", limits::STALE_MS as u64),
    ("LOST_MS", limits::LOST_MS as u64),
    ("CLOCK_RATE_MAX", limits::CLOCK_RATE_MAX as u64),
];

pub fn constants() -> String {
    let mut out = String::from(HEAD);
    write_constants(&mut out).expect("a String takes what is written");
    out
}

fn write_constants(out: &mut String) -> std::fmt::Result {
    writeln!(out, "\n/** The WebSocket subprotocol, and its major and minor version. */")?;
    writeln!(out, "export const SUBPROTOCOL = '{SUBPROTOCOL}'")?;
    writeln!(out, "export const VERSION = [{}, {}] as const", VERSION.0, VERSION.1)?;

    writeln!(out, "\n// A packed tick: a header, then rows in rank order; little-endian. `class_ms` is a float64.")?;
    for (name, value) in LAYOUT {
        writeln!(out, "export const {name} = {value}")?;
    }

    writeln!(out, "\n/** A row's signal: bits of the state byte. */")?;
    writeln!(out, "export const SIGNAL = {{")?;
    for signal in Signal::ALL {
        writeln!(out, "  {}: {},", screaming(&format!("{signal:?}")), signal as u8)?;
    }
    writeln!(out, "}} as const")?;

    writeln!(out, "\n/** Phases by their number in a tick's header. */")?;
    writeln!(out, "export const PHASES: readonly Phase[] = [")?;
    for phase in Phase::ALL {
        writeln!(out, "  {},", json(&phase))?;
    }
    writeln!(out, "]")?;

    writeln!(out, "\n/** What each refusal means. */")?;
    writeln!(out, "export const ERRORS: Readonly<Record<ErrorCode, string>> = {{")?;
    for code in ErrorCode::ALL {
        writeln!(out, "  {}: {},", code.as_str(), json(&code.meaning()))?;
    }
    writeln!(out, "}}")?;

    writeln!(out, "\n/** Why the server closed a socket; with `mayReturn` the client comes back with what it has. */")?;
    writeln!(
        out,
        "export const CLOSES: Readonly<Record<number, {{ reason: string; meaning: string; mayReturn: boolean }}>> = {{"
    )?;
    for close in CloseCode::ALL {
        let (code, reason, meaning) = (close.code(), json(&close.reason()), json(&close.meaning()));
        writeln!(out, "  {code}: {{ reason: {reason}, meaning: {meaning}, mayReturn: {} }},", close.may_return())?;
    }
    writeln!(out, "}}")?;

    writeln!(out, "\n/** Bounds that a client keeps or relies on. */")?;
    writeln!(out, "export const LIMITS = {{")?;
    for (name, value) in LIMITS {
        writeln!(out, "  {name}: {value},")?;
    }
    writeln!(out, "}} as const")
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain words")
}

/// `LostSensor` to `LOST_SENSOR`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            out.push('_');
        }
        out.extend(letter.to_uppercase());
    }
    out
}
