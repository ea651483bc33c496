//! Walks an XML file element by element, streaming: what TCX and GPX have in common.
//! Not a tree and not namespace-aware (prefixes vary between vendors, local names do not); a DTD is skipped and an
//! entity it defines is never expanded, so none can explode. Called by the TCX and GPX readers.

use std::fmt::Display;

use chrono::{DateTime, NaiveDateTime};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use crate::limits::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_TEXT_BYTES_MAX};
use crate::{Format, Place, ReadError};

/// What a reader does with the elements. A path holds local names, the root first, the element itself last.
pub(crate) trait Visit {
    fn open(&mut self, path: &[String], attributes: &BytesStart<'_>);
    fn close(&mut self, path: &[String], text: &str, place: &dyn Fn() -> Place) -> Result<(), ReadError>;
}

pub(crate) fn walk(format: Format, bytes: &[u8], visitor: &mut impl Visit) -> Result<(), ReadError> {
    let mut reader = Reader::from_reader(bytes);
    // `<ns3:TPX/>` then comes as a start and an end: one case less for the readers.
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(refusal(format, bytes, reader.error_position(), &path, error)),
        };
        let place = || line(bytes, reader.buffer_position());
        match event {
            Event::Start(start) => {
                if path.len() == XML_DEPTH_MAX {
                    let what = "levels of elements";
                    return Err(ReadError::TooMany { format, what, max: XML_DEPTH_MAX, place: place() });
                }
                text.clear();
                path.push(start.local_name().as_ref().to_owned());
                visitor.open(&path, &start);
            }
            Event::End(_) => {
                visitor.close(&path, text.trim(), &place)?;
                text.clear();
                path.pop();
                // What follows the root (padding, a second document) is nothing of this activity.
                if path.is_empty() {
                    return Ok(());
                }
            }
            Event::Text(part) => push(&mut text, &part),
            Event::CData(part) => push(&mut text, &part),
            Event::GeneralRef(reference) => push(&mut text, &character(&reference)),
            Event::Eof => return Err(cut(format, bytes, bytes.len() as u64, &path)),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// An attribute by its local name.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    // The check for doubles compares every attribute with every other: a hostile element would take hours.
    let mut attributes = element.attributes();
    let mut found = attributes.with_checks(false).take(XML_ATTRIBUTES_MAX).flatten();
    let attribute = found.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let mut value = String::new();
    push(&mut value, &quick_xml::escape::unescape(&attribute.value).unwrap_or_default());
    Some(value)
}

/// `2021-01-19T23:30:50.000Z` in Unix milliseconds; a time without a zone is taken as UTC, as both formats ask for.
pub(crate) fn time_ms(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(local.and_utc().timestamp_millis())
}

/// A count such as `145`, or `145.0` as some exports write it; anything else is no value.
pub(crate) fn count<T: TryFrom<u32>>(text: &str) -> Option<T> {
    let number = text.parse::<f64>().ok()?.round();
    if !(0.0..=f64::from(u32::MAX)).contains(&number) {
        return None;
    }
    T::try_from(number as u32).ok()
}

fn push(text: &mut String, part: &str) {
    let room = XML_TEXT_BYTES_MAX.saturating_sub(text.len());
    text.extend(part.char_indices().take_while(|(at, _)| *at < room).map(|(_, character)| character));
}

/// The five entities of XML itself and character references; whatever a DTD defines reads as nothing.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    quick_xml::escape::resolve_xml_entity(reference).unwrap_or_default().to_owned()
}

fn refusal(format: Format, bytes: &[u8], at: u64, path: &[String], error: Error) -> ReadError {
    // A syntax error of quick-xml always means that the end came before the closing mark.
    if let Error::Syntax(_) = error {
        return cut(format, bytes, at, path);
    }
    let (at, what) = match error {
        // quick-xml does not say where; the first byte that is no UTF-8 does.
        Error::Encoding(_) => {
            let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
            (valid as u64, "the text is not UTF-8".to_owned())
        }
        Error::IllFormed(error) => (at, brief(error)),
        other => (at, brief(other)),
    };
    ReadError::Damaged { format, place: line(bytes, at), what }
}

fn cut(format: Format, bytes: &[u8], at: u64, path: &[String]) -> ReadError {
    let at = at.min(bytes.len() as u64);
    let place = match (path.last(), line(bytes, at)) {
        (Some(name), Place::Line { line }) => Place::Element { name: crate::assemble::short(name), line },
        (_, place) => place,
    };
    ReadError::Cut { format, place }
}

fn line(bytes: &[u8], at: u64) -> Place {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    Place::Line { line: 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() }
}

/// The parser's own words, cut: they may quote an element's name of any length.
fn brief(error: impl Display) -> String {
    error.to_string().chars().take(120).collect()
}
