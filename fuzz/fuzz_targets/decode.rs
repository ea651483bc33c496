//! Any bytes as a frame: read or refused, and what was read can be sent again and read as the same.
#![no_main]

use fitconnect_protocol::{codec, tick};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((id, request)) = codec::decode(bytes) {
        let sent = codec::encode_request(id, &request);
        let (id, request) = codec::decode(&sent).expect("what was read can be sent");
        assert_eq!(codec::encode_request(id, &request), sent);
    }
    if let Ok((id, response)) = codec::decode_response(bytes) {
        let sent = codec::encode(id, &response);
        let (id, response) = codec::decode_response(&sent).expect("what was read can be sent");
        assert_eq!(codec::encode(id, &response), sent);
    }
    if tick::Header::decode(bytes).is_some() {
        assert!(tick::rows(bytes).count() * tick::ROW_BYTES <= bytes.len());
    }
});
