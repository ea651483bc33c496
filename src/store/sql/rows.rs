//! Keys as bytes, and placeholders for statements of many rows.

use fitconnect_actors::ports::StoreError;
use fitconnect_domain::{ActorKey, LetterId};
use fitconnect_protocol::{ClassId, RoomId, SessionId, UserId, Uuid};

/// Rows of one insert: large enough to pay, few sizes so that prepared statements are reused.
pub const ROWS: [usize; 3] = [40, 8, 1];

/// An actor's key in 17 bytes: kind, id.
pub fn actor_bytes(key: &ActorKey) -> [u8; 17] {
    let (kind, id) = match key {
        ActorKey::Class(id) => (1, id.0),
        ActorKey::User(id) => (2, id.0),
        ActorKey::Session(id) => (3, id.0),
        ActorKey::Room(id) => (4, id.0),
    };
    let mut bytes = [kind; 17];
    bytes[1..].copy_from_slice(id.as_bytes());
    bytes
}

pub fn actor_of(bytes: &[u8]) -> Option<ActorKey> {
    let id = Uuid::from_slice(bytes.get(1..17)?).ok()?;
    match bytes[0] {
        1 => Some(ActorKey::Class(ClassId(id))),
        2 => Some(ActorKey::User(UserId(id))),
        3 => Some(ActorKey::Session(SessionId(id))),
        4 => Some(ActorKey::Room(RoomId(id))),
        _ => None,
    }
}

/// A letter's id in 29 bytes, in order of sender, revision and number.
pub fn letter_bytes(id: &LetterId) -> Vec<u8> {
    [&actor_bytes(&id.from)[..], &id.rev.to_be_bytes(), &id.number.to_be_bytes()].concat()
}

pub fn letter_of(bytes: &[u8]) -> Result<LetterId, StoreError> {
    let damaged = || StoreError::Damaged("a letter's id".into());
    if bytes.len() != 29 {
        return Err(damaged());
    }
    let from = actor_of(bytes).ok_or_else(damaged)?;
    let rev = u64::from_be_bytes(bytes[17..25].try_into().expect("eight bytes"));
    let number = u32::from_be_bytes(bytes[25..29].try_into().expect("four bytes"));
    Ok(LetterId { from, rev, number })
}

/// `head ($1, $2), ($3, $4) tail`
pub fn many(head: &str, columns: usize, rows: usize, tail: &str) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    let all: Vec<String> = (0..rows).map(row).collect();
    format!("{head} {} {tail}", all.join(", "))
}

/// Cuts a list into the sizes of [`ROWS`].
pub fn cut<T>(mut list: &[T]) -> Vec<&[T]> {
    let mut parts = Vec::new();
    for size in ROWS {
        while list.len() >= size {
            let (part, rest) = list.split_at(size);
            parts.push(part);
            list = rest;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_lists_are_cut() {
        let from = ActorKey::User(UserId(Uuid::from_u128(7)));
        let id = LetterId { from, rev: 300, number: 2 };
        assert_eq!(letter_of(&letter_bytes(&id)), Ok(id));
        assert!(letter_of(&[9; 29]).is_err() && letter_of(b"short").is_err());
        assert_eq!(many("values", 2, 2, "x"), "values ($1, $2), ($3, $4) x");
        let sizes: Vec<usize> = cut(&[0; 97]).iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [40, 40, 8, 8, 1]);
    }
}
