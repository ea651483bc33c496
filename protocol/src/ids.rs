//! Identities, each a type of its own so that one is never taken for another.
//! On the wire a UUID is a `bin` of 16 bytes; in JSON it is the usual text.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(schema_with = "crate::ids::uuid_schema"))] pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}({})", stringify!($name), self.0) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
        #[cfg(feature = "schema")]
        impl ts_rs::TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;
            fn name(_: &ts_rs::Config) -> String { "Uint8Array".into() }
            fn inline(_: &ts_rs::Config) -> String { "Uint8Array".into() }
        }
    )+};
}

uuid_id! {
    /// A person with an account.
    UserId,
    /// One scheduled class.
    ClassId,
    /// A room of people who write to each other.
    RoomId,
    /// A picture that was sent to a room.
    ImageId,
    /// A gym; every class, hall and account belongs to one.
    GymId,
    /// One device's session; outlives its socket by [`crate::limits::SESSION_GRACE_MS`].
    SessionId,
    /// A command, made by the client as a UUIDv7 stamped with the server's time as the client knows it.
    CmdId,
}

impl CmdId {
    /// Unix milliseconds in the stamp, or `None` if this is not a UUIDv7.
    pub fn stamped_ms(&self) -> Option<u64> {
        if self.0.get_version_num() != 7 {
            return None;
        }
        let b = self.0.as_bytes();
        Some(b[..6].iter().fold(0, |ms, byte| ms << 8 | u64::from(*byte)))
    }
}

impl RoomId {
    /// The one room of two people, whoever of them asks: the bytes of their ids, added without carry (XOR).
    pub fn direct(a: UserId, b: UserId) -> RoomId {
        RoomId(Uuid::from_u128(a.0.as_u128() ^ b.0.as_u128()))
    }
}

/// The largest whole number that a JavaScript number holds exactly.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

macro_rules! device_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(type = "number"))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(range(max = 9007199254740991u64)))] u64);

        impl $name {
            /// `None` above [`SAFE_INTEGER_MAX`].
            pub fn new(id: u64) -> Option<Self> { (id <= SAFE_INTEGER_MAX).then_some(Self(id)) }
            pub fn get(self) -> u64 { self.0 }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let id = u64::deserialize(d)?;
                Self::new(id).ok_or_else(|| serde::de::Error::custom(concat!(stringify!($name), " above 2^53 - 1")))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    )+};
}

device_id! {
    /// A sensor: the same strap is the same source, whoever hears it. Made from its hardware address.
    SourceId,
    /// What hears sensors: a phone, a hub. Its clock stamps the samples.
    ReceiverId,
}

/// A start of a receiver; its monotonic clock runs without a break within one boot.
pub type Boot = u32;
/// Number of a sample within (source, receiver, boot), from 0.
pub type Seq = u32;
/// A participant's place in a class's tables, 0 to [`crate::limits::RIDERS_MAX`] - 1.
pub type Slot = u16;

#[cfg(feature = "schema")]
pub(crate) fn uuid_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "uuid", "description": "bin of 16 bytes on the wire" })
}

/// Schema of a MessagePack `bin`.
#[cfg(feature = "schema")]
pub(crate) fn bin_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "format": "binary", "description": "MessagePack bin" })
}
