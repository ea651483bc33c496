//! Bytes on the wire, WebSocket headers included: 4 from the server, 8 from a client (its mask).

use crate::frames;
use fitconnect_protocol::class::Phase;
use fitconnect_protocol::codec;
use fitconnect_protocol::limits::{FULL_TICK_MS, TICK_MS};
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Request, Response};
use fitconnect_protocol::tick::{HEADER_BYTES, ROW_BYTES};

const FROM_SERVER: usize = 4;
const FROM_CLIENT: usize = 8;

/// One person an hour into the class, as the handle 3 of a socket that follows a few topics.
fn batch(sources: u64, rows: u32) -> usize {
    let row = |n| Row { ms: 3_600_000 + 1_000 * n, bpm: 142, ..Row::default() };
    let sources = (0..sources).map(|n| SourceRows(frames::source(n), 3_600, (0..rows).map(row).collect())).collect();
    let samples = Samples { class: frames::class(), receiver: frames::receiver(), boot: 3, sources };
    codec::encode_request(0, &Request::Samples(samples)).len() + FROM_CLIENT
}

fn tick(riders: u16) -> usize {
    codec::encode(0, &Response::Tick { h: 3, b: frames::tick(riders) }).len() + FROM_SERVER
}

#[test]
fn a_sample_costs_at_most_24_bytes_in_a_batch() {
    let phone = batch(1, 10) as f64 / 10.0;
    assert!(phone <= 24.0, "a phone's batch of ten: {phone} bytes a sample");
    let hub = batch(14, 5) as f64 / 70.0;
    assert!(hub <= 24.0, "a hub's batch of 14 straps, five seconds: {hub} bytes a sample");
}

#[test]
fn a_board_row_costs_at_most_12_bytes() {
    const { assert!(ROW_BYTES <= 12) };
    assert_eq!(frames::board_row(7).encode().len(), ROW_BYTES);
    assert_eq!(tick(41) - tick(40), ROW_BYTES, "nothing is spent between rows");
}

#[test]
fn a_tick_of_200_people_fits_2300_bytes() {
    let bytes = tick(200);
    assert!(bytes <= 2_300, "{bytes}");
}

#[test]
fn a_viewer_of_200_people_gets_at_most_2800_bytes_a_second() {
    // At 1 Hz of change each of the four ticks carries the 50 people whose sample came since the last, and the full board comes on top.
    let ticks = 1_000 / TICK_MS as usize;
    let changed = ticks * tick(200 / ticks as u16);
    let full = tick(200) as f64 * 1_000.0 / FULL_TICK_MS as f64;
    let bytes = changed as f64 + full;
    assert!(bytes <= 2_800.0, "{bytes}");
}

#[test]
fn the_board_is_at_most_12_percent_of_the_same_as_json() {
    let rows: Vec<_> = (0..200).map(frames::board_row).map(json_row).collect();
    let json = serde_json::json!({
        "t": "tick", "h": 3, "epoch": 7, "tick": 70_000, "class_ms": frames::START, "phase": Phase::Live, "full": true,
        "run": 2, "left_ms": 58_750, "riders": 200, "rows": rows,
    });
    let (packed, json) = (tick(200), serde_json::to_string(&json).expect("JSON").len() + FROM_SERVER);
    let percent = 100.0 * packed as f64 / json as f64;
    assert!(percent <= 12.0, "{packed} of {json} bytes: {percent:.2} %");
    const { assert!(HEADER_BYTES <= 3 * ROW_BYTES) };
}

fn json_row(row: fitconnect_protocol::tick::BoardRow) -> serde_json::Value {
    serde_json::json!({
        "slot": row.slot, "bpm": row.bpm, "percent": row.percent, "zone": row.zone, "signal": "live",
        "over_max": row.over_max, "hand": row.hand, "points": row.points, "kcal": row.kcal, "rank": row.rank,
    })
}
