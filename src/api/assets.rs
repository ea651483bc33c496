//! A file out of the binary, as a browser wants it: compressed once, with a tag, and kept as long as its name allows.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::OnceLock;

/// Smaller files gain nothing.
const GZIP_BYTES_MIN: usize = 1_024;

pub struct Asset {
    mime: &'static str,
    bytes: Bytes,
    tag: String,
    /// Made when it is first wanted.
    gzip: OnceLock<Option<Bytes>>,
}

/// How long a browser may keep a file without asking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Its name changes with its content.
    ForEver,
    /// Asks each time; unchanged, it is not sent again.
    Ask,
}

impl Asset {
    pub fn new(name: &str, bytes: impl Into<Bytes>) -> Asset {
        let bytes = bytes.into();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Asset { mime: mime(name), tag: format!("\"{:016x}\"", hasher.finish()), bytes, gzip: OnceLock::new() }
    }

    pub fn answer(&self, request: &HttpRequest, keep: Keep) -> HttpResponse {
        let asked = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let known = asked(header::IF_NONE_MATCH).is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == self.tag));
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((header::ETAG, self.tag.as_str())).insert_header((header::VARY, "Accept-Encoding"));
        response.insert_header((
            header::CACHE_CONTROL,
            match keep {
                Keep::ForEver => "public, max-age=31536000, immutable",
                Keep::Ask => "no-cache",
            },
        ));
        if known {
            return response.finish();
        }
        response.content_type(self.mime);
        let wants_gzip = asked(header::ACCEPT_ENCODING).is_some_and(|list| list.split(',').any(is_gzip));
        match self.gzipped().filter(|_| wants_gzip) {
            Some(gzip) => response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip),
            None => response.body(self.bytes.clone()),
        }
    }

    fn gzipped(&self) -> Option<Bytes> {
        let is_text = self.mime.starts_with("text/") || self.mime.contains("json") || self.mime.contains("svg");
        let make = || (is_text && self.bytes.len() >= GZIP_BYTES_MIN).then(|| gzip(&self.bytes));
        self.gzip.get_or_init(make).clone()
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes everything").into()
}

/// `gzip`, `gzip;q=0.5`, but not `gzip;q=0`.
fn is_gzip(coding: &str) -> bool {
    let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
    let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0));
    name.trim() == "gzip" && !refused
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for takes in ["gzip", " gzip", "gzip;q=0.5", "gzip; q=1.0"] {
            assert!(is_gzip(takes), "{takes}");
        }
        for not in ["gzip;q=0", "gzip; q=0.0", "br", "x-gzip", ""] {
            assert!(!is_gzip(not), "{not}");
        }
    }
}
