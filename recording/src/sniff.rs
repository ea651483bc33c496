//! Tells the format from the first bytes: ".FIT" at 8..12, or the root element of an XML file.
//! Not a validator: a file that begins well may still be refused by its reader.
//! Called by `read`.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::{Format, ReadError};

pub(crate) fn format(bytes: &[u8]) -> Result<Format, ReadError> {
    if bytes.get(8..12) == Some(b".FIT") {
        return Ok(Format::Fit);
    }
    match root_element(bytes).as_deref() {
        Some("TrainingCenterDatabase") => Ok(Format::Tcx),
        Some("gpx") => Ok(Format::Gpx),
        Some(other) => Err(ReadError::NotARecording { begins: format!("<{}>", crate::assemble::short(other)) }),
        None => Err(ReadError::NotARecording { begins: beginning(bytes) }),
    }
}

fn root_element(bytes: &[u8]) -> Option<String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if text.first() != Some(&b'<') {
        return None;
    }
    let mut reader = Reader::from_reader(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(start.local_name().as_ref().to_owned()),
            Event::Eof | Event::End(_) => return None,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

/// Names what people really send instead: the archive an export came in.
fn beginning(bytes: &[u8]) -> String {
    if bytes.starts_with(b"PK\x03\x04") {
        return "a zip archive (unpack it first)".to_owned();
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return "a gzip archive (unpack it first)".to_owned();
    }
    let hex: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", hex.join(" "))
}
