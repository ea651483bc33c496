//! Kinds are words. Serde would also take a number for the kind of a tagged type, or for the name of a field: its place in our source, which
//! nobody has promised, so that one wrong byte of a `post` would be a `leave`.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Whether every key is a text, and so is what stands under each key `t`.
pub(super) fn are_words(body: &[u8]) -> bool {
    rmp_serde::from_slice::<Kinds>(body).is_ok()
}

struct Kinds;

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Kinds, D::Error> {
        d.deserialize_any(Walk)
    }
}

/// Says nothing of what is no list and no map.
struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Kinds;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of MessagePack")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Kinds, M::Error> {
        while let Some(key) = map.next_key::<Text<'_>>()? {
            if key.0 == "t" {
                map.next_value::<Text<'_>>()?;
            } else {
                map.next_value::<Kinds>()?;
            }
        }
        Ok(Kinds)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Kinds, S::Error> {
        while seq.next_element::<Kinds>()?.is_some() {}
        Ok(Kinds)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Kinds, D::Error> {
        IgnoredAny::deserialize(d).map(|_| Kinds)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Kinds, E> {
        Ok(Kinds)
    }
    fn visit_unit<E: Error>(self) -> Result<Kinds, E> {
        Ok(Kinds)
    }
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] &'a str);
