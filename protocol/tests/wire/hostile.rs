//! Bytes from anyone: reading them never panics, never takes more than they are worth, and always says what is wrong.

use crate::{frames, rooms};
use fitconnect_protocol::codec::{self, BadFrame};
use fitconnect_protocol::limits::{FRAME_BYTES_MAX, ROW_RR_MAX, SAMPLE_ROWS_MAX, SAMPLE_SOURCES_MAX};
use fitconnect_protocol::room::RoomCommand;
use fitconnect_protocol::sample::{Row, Samples, SourceRows};
use fitconnect_protocol::session::{Request, Topic};
use fitconnect_protocol::tick::{BoardRow, Header, ROW_BYTES, Signal, rows};
use fitconnect_protocol::{ErrorCode, Slot};
use proptest::prelude::*;

/// A refusal's words are short enough to send back, whatever was sent.
const MESSAGE_BYTES_MAX: usize = 1_000;

fn read(bytes: &[u8]) -> Result<(u32, Request), BadFrame> {
    let read = codec::decode(bytes);
    if let Err(bad) = &read {
        assert!(!bad.refusal.message.is_empty() && bad.refusal.message.len() <= MESSAGE_BYTES_MAX, "{bad:?}");
    }
    let _ = codec::decode_response(bytes);
    read
}

fn code(bytes: &[u8]) -> ErrorCode {
    read(bytes).expect_err("a bad frame").refusal.code
}

fn golden() -> Vec<Vec<u8>> {
    let requests = frames::requests().into_iter().map(|(_, id, request)| codec::encode_request(id, &request));
    let responses = frames::responses().into_iter().map(|(_, id, response)| codec::encode(id, &response).message());
    requests.chain(responses).map(|bytes| bytes.to_vec()).collect()
}

#[test]
fn each_fault_has_its_code() {
    assert_eq!(code(b""), ErrorCode::Malformed);
    assert_eq!(code(b"\x92"), ErrorCode::Malformed);
    assert_eq!(code(b"\x91\x01"), ErrorCode::Malformed);
    assert_eq!(code(b"\x92\xff\x80"), ErrorCode::Malformed);
    assert_eq!(code(b"\x92\x01\x80"), ErrorCode::Malformed);
    assert_eq!(code(b"\x92\x01\x81\xa1t\xa5dance"), ErrorCode::Unsupported);
    assert_eq!(code(b"\x92\x01\x81\xa1t\xa5hello"), ErrorCode::Malformed);
    assert_eq!(code(b"{\"t\":\"hello\"}"), ErrorCode::Malformed);
    let bad = read(b"\x92\xcd\x01\x2c\x81\xa1t\xa5dance").expect_err("unknown");
    assert_eq!(bad.id, Some(300), "the client learns which of its frames it was");
}

#[test]
fn a_kind_is_a_word_wherever_it_stands() {
    let act = RoomCommand::Join;
    let good = codec::encode_request(1, &Request::Room { room: rooms::room(), cmd: frames::cmd(), act }).to_vec();
    let at = good.windows(5).position(|bytes| bytes == b"\xa4join").expect("the act's kind");
    // The place of a command in our source is no name of it: it would be another command tomorrow.
    let numbered = [&good[..at], &[2], &good[at + 5..]].concat();
    let bad = read(&numbered).expect_err("a number");
    assert_eq!((bad.refusal.code, bad.id), (ErrorCode::Malformed, Some(1)));
    assert!(bad.refusal.message.contains("under the key t"), "{}", bad.refusal.message);
    assert!(read(&good).is_ok());
}

#[test]
fn an_unknown_field_is_passed_over() {
    assert_eq!(read(b"\x92\x01\x83\xa1t\xa4seen\xa1h\x03\xa4tick\x04"), Ok((1, Request::Seen { h: 3, tick: 4 })));
    assert_eq!(
        read(b"\x92\x01\x84\xa1t\xa4seen\xa1h\x03\xa3new\xc0\xa4tick\x04"),
        Ok((1, Request::Seen { h: 3, tick: 4 }))
    );
}

#[test]
fn lists_are_bounded() {
    let batch = |sources: usize, rows: usize, rr: usize| {
        let row = Row { ms: 1, bpm: 60, rr_ms: vec![800; rr], ..Row::default() };
        let rows = vec![row; rows];
        let sources = (0..sources as u64).map(|n| SourceRows(frames::source(n), 0, rows.clone())).collect();
        let samples = Samples { class: frames::class(), receiver: frames::receiver(), boot: 0, sources };
        codec::encode_request(1, &Request::Samples(samples))
    };
    assert!(read(&batch(SAMPLE_SOURCES_MAX, 1, ROW_RR_MAX)).is_ok());
    assert!(read(&batch(1, SAMPLE_ROWS_MAX, 0)).is_ok());
    assert_eq!(code(&batch(SAMPLE_SOURCES_MAX + 1, 1, 0)), ErrorCode::TooLarge);
    assert_eq!(code(&batch(2, SAMPLE_ROWS_MAX, 0)), ErrorCode::TooLarge);
    assert_eq!(code(&batch(1, 1, ROW_RR_MAX + 1)), ErrorCode::TooLarge);
    let look = Request::Look { topic: Topic::Me, slots: (0..100).collect::<Vec<Slot>>() };
    assert_eq!(code(&codec::encode_request(1, &look)), ErrorCode::TooLarge);
}

/// As deep as a frame's bytes allow, on a stack smaller than that of any of our threads.
#[test]
fn deep_nesting_takes_no_stack() {
    let deep = |open: &[u8]| {
        let mut bytes = b"\x92\x01\x82\xa1t\xa4seen\xa1x".to_vec();
        while bytes.len() + open.len() <= FRAME_BYTES_MAX {
            bytes.extend_from_slice(open);
        }
        bytes
    };
    let frames = [deep(b"\x91"), deep(b"\x81\xa0"), deep(b"\x81\x91"), deep(b"\xdd\x00\x00\x00\x01")];
    let reader = std::thread::Builder::new().stack_size(1024 * 1024);
    let reader = reader.spawn(move || frames.iter().map(|frame| code(frame)).collect::<Vec<_>>()).expect("a thread");
    assert_eq!(reader.join().expect("no overflow"), [ErrorCode::Malformed; 4]);
}

#[test]
fn a_claimed_length_takes_no_memory() {
    for claim in
        [&b"\xdd\xff\xff\xff\xff"[..], b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"]
    {
        for field in [&b"\x92\x01\x82\xa1t\xa4seen\xa1h"[..], b"\x92\x01\x82\xa1t\xa7samples\xa7sources", b"\x92\x01"] {
            assert_eq!(code(&[field, claim].concat()), ErrorCode::Malformed);
        }
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip { at: prop::sample::Index, bit: u8 },
    Cut { at: prop::sample::Index },
    Put { at: prop::sample::Index, byte: u8 },
    Drop { at: prop::sample::Index },
    Splice { at: prop::sample::Index, from: prop::sample::Index, len: usize },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        at().prop_map(|at| Mutation::Cut { at }),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Put { at, byte }),
        at().prop_map(|at| Mutation::Drop { at }),
        (at(), at(), 1..32usize).prop_map(|(at, from, len)| Mutation::Splice { at, from, len }),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    match mutation {
        Mutation::Flip { at, bit } => bytes[at.index(len)] ^= 1 << bit,
        Mutation::Cut { at } => bytes.truncate(at.index(len)),
        Mutation::Put { at, byte } => bytes.insert(at.index(len), *byte),
        Mutation::Drop { at } => drop(bytes.remove(at.index(len))),
        Mutation::Splice { at, from, len: n } => {
            let from = from.index(len);
            let piece = bytes[from..len.min(from + n)].to_vec();
            let at = at.index(len);
            bytes.splice(at..at, piece);
        }
    }
}

fn row() -> impl Strategy<Value = Row> {
    let rr = prop::collection::vec(any::<u16>(), 0..=ROW_RR_MAX);
    (any::<u32>(), any::<u16>(), any::<Option<u16>>(), any::<Option<u8>>(), rr)
        .prop_map(|(ms, bpm, power_w, cadence, rr_ms)| Row { ms, bpm, power_w, cadence, rr_ms })
}

fn batch() -> impl Strategy<Value = Samples> {
    let source = (0..1u64 << 53, any::<u32>(), prop::collection::vec(row(), 0..20))
        .prop_map(|(id, seq, rows)| SourceRows(fitconnect_protocol::SourceId::new(id).expect("below 2^53"), seq, rows));
    (any::<u32>(), prop::collection::vec(source, 0..SAMPLE_SOURCES_MAX)).prop_map(|(boot, sources)| Samples {
        class: frames::class(),
        receiver: frames::receiver(),
        boot,
        sources,
    })
}

fn board_row() -> impl Strategy<Value = BoardRow> {
    let small = || prop::option::of(0..u8::MAX);
    let wide = || prop::option::of(0..u16::MAX);
    let state = (prop::option::of(0..=5u8), prop::sample::select(Signal::ALL.to_vec()), any::<bool>(), any::<bool>());
    (any::<Slot>(), small(), small(), state, wide(), wide(), wide()).prop_map(
        |(slot, bpm, percent, (zone, signal, over_max, hand), points, kcal, rank)| BoardRow {
            slot,
            bpm,
            percent,
            zone,
            signal,
            over_max,
            hand,
            points,
            kcal,
            rank,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), framed in any::<bool>()) {
        let bytes = if framed { [b"\x92\x01", bytes.as_slice()].concat() } else { bytes };
        let _ = read(&bytes);
        let _ = (Header::decode(&bytes), rows(&bytes).count());
    }

    #[test]
    fn mutated_frames_are_read_or_refused(
        pick in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let golden = golden();
        let mut bytes = golden[pick.index(golden.len())].clone();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        if let Ok((id, request)) = read(&bytes) {
            let again = codec::encode_request(id, &request);
            // NaN is not equal to itself: compare what is sent.
            let (id, request) = codec::decode(&again).expect("what was read can be sent");
            prop_assert_eq!(codec::encode_request(id, &request), again);
        }
    }

    #[test]
    fn batches_come_back_as_they_were(id in any::<u32>(), batch in batch()) {
        let request = Request::Samples(batch);
        prop_assert_eq!(codec::decode(&codec::encode_request(id, &request)), Ok((id, request)));
    }

    #[test]
    fn board_rows_come_back_as_they_were(row in board_row(), rest in 0..ROW_BYTES) {
        let bytes = row.encode();
        prop_assert_eq!(BoardRow::decode(&bytes), Some(row));
        prop_assert_eq!(BoardRow::decode(&bytes[..rest]), None);
    }

    #[test]
    fn headers_come_back_as_they_were(
        (epoch, tick, left_ms) in any::<(u32, u32, u32)>(), class_ms in -(1i64 << 53)..1 << 53,
        (phase, flags) in any::<(u8, u8)>(), (run, rows, riders) in any::<(u16, u16, u16)>(),
    ) {
        let header = Header { epoch, tick, class_ms, phase, flags, run, left_ms, rows, riders };
        prop_assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn topics_come_back_as_they_were(text in "(class:[0-9a-f-]{0,40}(:board|:desk|:x)?|user:(me|you)|.{0,30})") {
        if let Ok(topic) = text.parse::<Topic>() {
            prop_assert_eq!(topic.to_string().parse::<Topic>(), Ok(topic));
        }
    }
}
