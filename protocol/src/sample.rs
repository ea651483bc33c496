//! Samples in batches, and their acknowledgement.
//! A sample's identity is (source, receiver, boot, seq): lost ones are sent again, doubled ones change nothing.

use crate::ids::{Boot, ClassId, ReceiverId, Seq, SourceId};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeSeq,
};
use std::fmt;

/// A batch of one receiver's samples for one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Samples {
    pub class: ClassId,
    pub receiver: ReceiverId,
    pub boot: Boot,
    /// At most [`crate::limits::SAMPLE_SOURCES_MAX`], with [`crate::limits::SAMPLE_ROWS_MAX`] rows in all.
    pub sources: Vec<SourceRows>,
}

/// `[source, first_seq, rows]`: consecutive samples of one sensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SourceRows(pub SourceId, pub Seq, pub Vec<Row>);

/// One sample as `[ms, bpm, power?, cadence?, rr?]`.
///
/// `ms` is the receiver's clock since its boot, in class milliseconds (it runs at `Welcome.clock_rate`);
/// `bpm` 0 means that no heart rate was measured; power in watts, cadence in revolutions per minute, RR in milliseconds, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
#[cfg_attr(
    feature = "schema",
    ts(type = "[ms: number, bpm: number, power?: number | null, cadence?: number | null, rr?: number[]]")
)]
pub struct Row {
    pub ms: u32,
    pub bpm: u16,
    pub power_w: Option<u16>,
    pub cadence: Option<u8>,
    pub rr_ms: Vec<u16>,
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let len = if !self.rr_ms.is_empty() {
            5
        } else if self.cadence.is_some() {
            4
        } else if self.power_w.is_some() {
            3
        } else {
            2
        };
        let mut seq = s.serialize_seq(Some(len))?;
        seq.serialize_element(&self.ms)?;
        seq.serialize_element(&self.bpm)?;
        if len > 2 {
            seq.serialize_element(&self.power_w)?;
        }
        if len > 3 {
            seq.serialize_element(&self.cadence)?;
        }
        if len > 4 {
            seq.serialize_element(&self.rr_ms)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct RowVisitor;
        impl<'de> Visitor<'de> for RowVisitor {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[ms, bpm, power?, cadence?, rr?]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Row, A::Error> {
                let missing = |field| serde::de::Error::custom(format!("a row without {field}"));
                let ms = seq.next_element()?.ok_or_else(|| missing("ms"))?;
                let bpm = seq.next_element()?.ok_or_else(|| missing("bpm"))?;
                let power_w = seq.next_element::<Option<u16>>()?.flatten();
                let cadence = seq.next_element::<Option<u8>>()?.flatten();
                let rr_ms = seq.next_element::<Vec<u16>>()?.unwrap_or_default();
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Row { ms, bpm, power_w, cadence, rr_ms })
            }
        }
        d.deserialize_seq(RowVisitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Row {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Row".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array", "minItems": 2, "maxItems": 5,
            "description": "[ms since boot in class time, bpm (0 = none), power W?, cadence rpm?, RR intervals ms?]",
            "items": [
                { "type": "integer" }, { "type": "integer" }, { "type": ["integer", "null"] },
                { "type": ["integer", "null"] }, { "type": "array", "items": { "type": "integer" } }
            ]
        })
    }
}

/// What is on disk of one receiver's boot. What is not in it is sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Acked(pub ReceiverId, pub Boot, pub Vec<SourceAcked>);

/// `[source, through, ranges]`: every number below `through` is acknowledged, and those in the half-open `ranges`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SourceAcked(pub SourceId, pub Seq, pub Vec<(Seq, Seq)>);
