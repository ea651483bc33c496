//! `docs/protocol.md`: written by hand in `protocol.md` beside this file, with every number and table put in from the constants.

use crate::class::{ClassCommand, Phase};
use crate::error::{CloseCode, ErrorCode};
use crate::ids::{ClassId, CmdId};
use crate::session::{Request, Response};
use crate::tick::{self, Signal};
use crate::{SUBPROTOCOL, codec, limits};
use std::fmt::Write;

const TEXT: &str = include_str!("protocol.md");

/// Name, offset and bytes of what stands in a tick's header and in its rows, in words of the handbook.
const HEADER: &[(&str, usize, usize)] = &[
    ("epoch of the topic", tick::HEADER_EPOCH, 4),
    ("number of the tick", tick::HEADER_TICK, 4),
    ("class time in ms, float64", tick::HEADER_CLASS_MS, 8),
    ("phase", tick::HEADER_PHASE, 1),
    ("flags: 1 FULL, 2 MORE", tick::HEADER_FLAGS, 1),
    ("run of the plan", tick::HEADER_RUN, 2),
    ("ms of class time that it still lasts", tick::HEADER_LEFT_MS, 4),
    ("rows in this frame", tick::HEADER_ROWS, 2),
    ("people in the class", tick::HEADER_RIDERS, 2),
];
const ROW: &[(&str, usize, usize)] = &[
    ("slot", tick::ROW_SLOT, 2),
    ("heart rate, bpm", tick::ROW_BPM, 1),
    ("percent of maximum", tick::ROW_PERCENT, 1),
    ("state", tick::ROW_STATE, 1),
    ("points", tick::ROW_POINTS, 2),
    ("kcal", tick::ROW_KCAL, 2),
    ("rank", tick::ROW_RANK, 2),
];

pub fn text() -> String {
    let number = |n: u64| n.to_string();
    let seconds = |ms: u64| (ms / 1000).to_string();
    let values = [
        ("subprotocol", SUBPROTOCOL.into()),
        ("hello_s", seconds(limits::HELLO_MS_MAX)),
        ("frame_bytes_max", number(limits::FRAME_BYTES_MAX as u64)),
        ("heartbeat_s", seconds(limits::HEARTBEAT_MS.into())),
        ("heartbeat_grace_s", seconds(limits::HEARTBEAT_GRACE_MS)),
        ("echo_s", seconds(limits::ECHO_EVERY_MS)),
        ("sample_rows_max", number(limits::SAMPLE_ROWS_MAX as u64)),
        ("sample_sources_max", number(limits::SAMPLE_SOURCES_MAX as u64)),
        ("history_max", number(limits::HISTORY_MAX.into())),
        ("here_every_s", number(limits::HERE_EVERY_MS / 1_000)),
        ("image_mib", number(limits::IMAGE_BYTES_MAX as u64 / (1 << 20))),
        ("image_megapixels", number(limits::IMAGE_PIXELS_MAX / 1_000_000)),
        ("image_side", number(limits::IMAGE_SIDE_MAX.into())),
        ("images_per_hour", number(limits::IMAGES_PER_HOUR_MAX.into())),
        ("mentions_max", number(limits::MENTIONS_MAX as u64)),
        ("inbox_max", number(limits::INBOX_MAX as u64)),
        ("search_looked", number(limits::SEARCH_LOOKED_MAX as u64)),
        ("look_people_max", number(limits::LOOK_PEOPLE_MAX as u64)),
        ("roster_max", number(limits::ROOM_ROSTER_MAX as u64)),
        ("members_page", number(limits::MEMBERS_PAGE as u64)),
        ("present_shown", number(limits::PRESENT_SHOWN as u64)),
        ("five_every_s", number(limits::FIVE_EVERY_MS / 1_000)),
        ("five_all_every_s", number(limits::FIVE_ALL_EVERY_MS / 1_000)),
        ("typing_every_s", number(limits::TYPING_EVERY_MS / 1_000)),
        ("typing_shown_s", number(limits::TYPING_SHOWN_MS / 1_000)),
        ("typing_people_max", number(limits::TYPING_PEOPLE_MAX as u64)),
        ("reports_per_hour", number(limits::REPORTS_PER_HOUR_MAX.into())),
        ("report_kept_days", number(limits::REPORT_KEPT_MS / 86_400_000)),
        ("lexicon_words_max", number(limits::LEXICON_WORDS_MAX as u64)),
        ("lexicon_fresh_s", number(limits::LEXICON_FRESH_MS / 1_000)),
        ("gather_ms", number(limits::REACTIONS_GATHER_MS)),
        ("reactors_max", number(limits::REACTORS_MAX as u64)),
        ("board_whole_max", number(limits::BOARD_WHOLE_MAX as u64)),
        ("header_bytes", number(tick::HEADER_BYTES as u64)),
        ("row_bytes", number(tick::ROW_BYTES as u64)),
        ("absent_u8", number(tick::ABSENT_U8.into())),
        ("absent_u16", number(tick::ABSENT_U16.into())),
        ("header_table", places(HEADER, tick::HEADER_BYTES)),
        ("row_table", places(ROW, tick::ROW_BYTES)),
        ("signals", list(Signal::ALL.iter().map(|signal| (*signal as u8, format!("{signal:?}"))))),
        ("phases", list(Phase::ALL.iter().map(|phase| (*phase as u8, format!("{phase:?}"))))),
        ("errors", lines(ErrorCode::ALL.iter().map(|code| format!("| `{}` | {} |", code.as_str(), code.meaning())))),
        (
            "closes",
            lines(CloseCode::ALL.iter().map(|c| format!("| {} | `{}` | {} |", c.code(), c.reason(), c.meaning()))),
        ),
        ("example", example()),
    ];
    let text = values.iter().fold(TEXT.to_owned(), |text, (name, value)| {
        let place = format!("{{{{{name}}}}}");
        assert!(text.contains(&place), "the handbook has no place for {name}");
        text.replace(&place, value)
    });
    assert!(!text.contains("{{"), "a place in the handbook has no value");
    text
}

/// Lines of a table; the places must follow each other without a hole.
fn places(all: &[(&str, usize, usize)], bytes: usize) -> String {
    let end = all.iter().fold(0, |end, (name, at, len)| {
        assert_eq!(end, *at, "a hole before {name}");
        at + len
    });
    assert_eq!(end, bytes, "all bytes are told");
    lines(all.iter().map(|(name, at, len)| format!("| {at} | {len} | {name} |")))
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join("\n")
}

/// `0 waiting, 1 live, …`.
fn list(all: impl Iterator<Item = (u8, String)>) -> String {
    let words = |name: &str| {
        let spaced =
            name.char_indices().flat_map(|(at, c)| (at > 0 && c.is_uppercase()).then_some(' ').into_iter().chain([c]));
        spaced.collect::<String>().to_lowercase()
    };
    all.map(|(number, name)| format!("{number} {}", words(&name))).collect::<Vec<_>>().join(", ")
}

fn example() -> String {
    let id = |n: u128| uuid::Uuid::from_u128(0x01a2_0eb6_f100_7000_8000_0000_0000_0000 + n);
    let open = Request::Class { class: ClassId(id(1)), cmd: CmdId(id(2)), act: ClassCommand::Open };
    format!("{}\n{}", hex(&codec::encode_request(1, &open)), hex(&codec::encode(1, &Response::Done)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes what is written");
        hex
    })
}
