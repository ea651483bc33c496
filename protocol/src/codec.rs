//! Frames to bytes and back. A frame is `[id, body]`; ticks and samples, which are most of all frames, take a short way.

mod kinds;

use crate::class::Film;
use crate::error::{ErrorCode, Refusal};
use crate::frame::Frame;
use crate::limits::*;
use crate::sample::Samples;
use crate::session::{Request, Response};
use bytes::Bytes;

/// A frame that could not be read. Where its id could be, the client is told under it.
#[derive(Clone, Debug, PartialEq)]
pub struct BadFrame {
    pub id: Option<u32>,
    pub refusal: Refusal,
}

/// `[id, response]` as bytes.
pub fn encode(id: u32, response: &Response) -> Frame {
    Frame::with(|out| write(&(id, response), out))
}

/// `[id, request]` as bytes, for clients.
pub fn encode_request(id: u32, request: &Request) -> Bytes {
    let mut out = Vec::with_capacity(128);
    write(&(id, request), &mut out);
    out.into()
}

/// A film as bytes: it travels over HTTP, without an id.
pub fn encode_film(film: &Film) -> Bytes {
    let mut out = Vec::with_capacity(1 << 16);
    write(film, &mut out);
    out.into()
}

fn write<T: serde::Serialize>(frame: &T, out: &mut Vec<u8>) {
    let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
    frame
        .serialize(&mut serializer)
        .expect("our own frames have no type that MessagePack lacks, and memory does not fail");
}

/// The server's frame, for clients.
pub fn decode_response(bytes: &[u8]) -> Result<(u32, Response), rmp_serde::decode::Error> {
    rmp_serde::from_slice(bytes)
}

/// A client's frame: its id and its request. Unknown types and malformed bodies are told apart, and both keep the id.
pub fn decode(bytes: &[u8]) -> Result<(u32, Request), BadFrame> {
    let (id, body) = split(bytes)?;
    // A struct skips the key `t`, so the commonest frame needs none of the buffering that a tagged enum costs.
    let request = if is_samples(body) {
        rmp_serde::from_slice::<Samples>(body).map(Request::Samples)
    } else {
        rmp_serde::from_slice::<Request>(body)
    };
    if request.is_ok() && !is_samples(body) && !kinds::are_words(body) {
        return Err(bad(id, Refusal::new(ErrorCode::Malformed, "keys, and what stands under the key t, are texts")));
    }
    match request {
        Ok(request) => check(&request).map(|()| (id, request)).map_err(|refusal| bad(id, refusal)),
        Err(error) => Err(bad(id, explain(body, &error.to_string()))),
    }
}

fn bad(id: u32, refusal: Refusal) -> BadFrame {
    BadFrame { id: Some(id), refusal }
}

fn explain(body: &[u8], error: &str) -> Refusal {
    #[derive(serde::Deserialize)]
    struct Tagged {
        t: String,
    }
    let Ok(tagged) = rmp_serde::from_slice::<Tagged>(body) else {
        return Refusal::new(ErrorCode::Malformed, "the body is not a map with a text under the key t");
    };
    if error.contains("unknown variant") && error.contains(tagged.t.as_str()) {
        return Refusal::new(ErrorCode::Unsupported, format!("unknown type {:?}", clip(&tagged.t)));
    }
    Refusal::new(ErrorCode::Malformed, format!("{}: {}", clip(&tagged.t), clip(error)))
}

/// Words of a client in our answer: short, and whole characters.
fn clip(text: &str) -> String {
    text.chars().take(120).collect()
}

/// The two parts of `[id, body]`.
fn split(bytes: &[u8]) -> Result<(u32, &[u8]), BadFrame> {
    let wrong = |message: &str| BadFrame { id: None, refusal: Refusal::new(ErrorCode::Malformed, message) };
    let (&head, rest) = bytes.split_first().ok_or_else(|| wrong("an empty frame"))?;
    if head != 0x92 {
        return Err(wrong("a frame is an array of two: [id, body]"));
    }
    let (&mark, rest) = rest.split_first().ok_or_else(|| wrong("a frame without an id"))?;
    let width = match mark {
        0x00..=0x7f => return Ok((u32::from(mark), rest)),
        0xcc => 1,
        0xcd => 2,
        0xce => 4,
        _ => return Err(wrong("the id is not an unsigned number of at most 32 bits")),
    };
    if rest.len() < width {
        return Err(wrong("a frame without a body"));
    }
    let (number, rest) = rest.split_at(width);
    Ok((number.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)), rest))
}

/// Whether the first entry of the body is `t: "samples"`.
fn is_samples(body: &[u8]) -> bool {
    body.first().is_some_and(|head| head & 0xf0 == 0x80) && body[1..].starts_with(b"\xa1t\xa7samples")
}

/// The bounds that keep one frame's work small; its bytes are bounded already.
fn check(request: &Request) -> Result<(), Refusal> {
    let too_large = |what: String| Err(Refusal::new(ErrorCode::TooLarge, what));
    match request {
        Request::Samples(samples) => {
            let rows: usize = samples.sources.iter().map(|source| source.2.len()).sum();
            if samples.sources.len() > SAMPLE_SOURCES_MAX || rows > SAMPLE_ROWS_MAX {
                return too_large(format!(
                    "at most {SAMPLE_SOURCES_MAX} sources and {SAMPLE_ROWS_MAX} rows in a batch"
                ));
            }
            if samples.sources.iter().flat_map(|source| &source.2).any(|row| row.rr_ms.len() > ROW_RR_MAX) {
                return too_large(format!("at most {ROW_RR_MAX} RR intervals in a row"));
            }
        }
        Request::Resume { topics, .. } if topics.len() > SUBSCRIPTIONS_MAX => {
            return too_large(format!("at most {SUBSCRIPTIONS_MAX} topics in a resume"));
        }
        Request::Look { slots, .. } if slots.len() > LOOK_MAX => {
            return too_large(format!("at most {LOOK_MAX} slots to look at"));
        }
        Request::History { limit, .. } if *limit == 0 || *limit > HISTORY_MAX => {
            return too_large(format!("1 to {HISTORY_MAX} messages in a page"));
        }
        Request::Members { q, after, .. }
            if q.len().max(after.as_ref().map_or(0, |last| last.name.len())) > SEARCH_BYTES_MAX =>
        {
            return too_large(format!("a name of at most {SEARCH_BYTES_MAX} bytes"));
        }
        Request::LookAt { people, .. } if people.len() > LOOK_PEOPLE_MAX => {
            return too_large(format!("at most {LOOK_PEOPLE_MAX} people to look at"));
        }
        Request::Hello { .. }
        | Request::Refresh { .. }
        | Request::Resume { .. }
        | Request::Subscribe { .. }
        | Request::Unsubscribe { .. }
        | Request::Clock { .. }
        | Request::Class { .. }
        | Request::User { .. }
        | Request::Seen { .. }
        | Request::Look { .. }
        | Request::Room { .. }
        | Request::History { .. }
        | Request::Members { .. }
        | Request::LookAt { .. }
        | Request::Typing { .. }
        | Request::Got { .. }
        | Request::Five { .. }
        | Request::Hidden { .. }
        | Request::Here { .. } => {}
    }
    Ok(())
}
