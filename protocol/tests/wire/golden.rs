//! The bytes of every frame, checked against `tests/golden/frames.json`. A change there is a change of the wire:
//! `UPDATE=1 cargo test -p fitconnect-protocol` writes it, and the diff shows which frames. `tests/golden.mjs` reads the same file.

use crate::frames;
use fitconnect_protocol::codec;
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/frames.json");

#[test]
fn bytes_have_not_changed() {
    let now = render();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, &now).expect("the tree can be written");
    }
    let golden = std::fs::read_to_string(FILE).expect("golden frames: UPDATE=1 writes them");
    for (golden, now) in golden.lines().zip(now.lines()) {
        assert_eq!(golden, now, "a frame has other bytes than before: UPDATE=1 where that is meant");
    }
    assert_eq!(golden.lines().count(), now.lines().count(), "frames came or went: UPDATE=1 where that is meant");
}

#[test]
fn frames_come_back_as_they_were() {
    for (name, id, request) in frames::requests() {
        let bytes = codec::encode_request(id, &request);
        assert_eq!(codec::decode(&bytes), Ok((id, request.clone())), "{name}");
        let json = serde_json::to_string(&request).expect("JSON");
        assert_eq!(
            serde_json::from_str::<fitconnect_protocol::session::Request>(&json).ok(),
            Some(request),
            "{name}: {json}"
        );
    }
    for (name, id, response) in frames::responses() {
        let bytes = codec::encode(id, &response);
        assert_eq!(codec::decode_response(&bytes).ok(), Some((id, response.clone())), "{name}");
        let json = serde_json::to_string(&response).expect("JSON");
        assert_eq!(
            serde_json::from_str::<fitconnect_protocol::session::Response>(&json).ok(),
            Some(response),
            "{name}: {json}"
        );
    }
}

/// One frame a line: where it comes from, its bytes, and what an independent decoder must find in them.
fn render() -> String {
    let mut lines = Vec::new();
    for (name, id, request) in frames::requests() {
        lines.push(line("client", &name, &codec::encode_request(id, &request), &(id, request)));
    }
    for (name, id, response) in frames::responses() {
        lines.push(line("server", &name, &codec::encode(id, &response), &(id, response)));
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn line(from: &str, name: &str, bytes: &[u8], frame: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(frame).expect("JSON");
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!(r#"{{"from":"{from}","name":"{name}","hex":"{hex}","json":{json}}}"#)
}
