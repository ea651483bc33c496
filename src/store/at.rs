//! Where the state is kept: in the folder, or in a database with an address. What is printed of an address has no password in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// The embedded engine, or an address on the PostgreSQL wire.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum StateAt {
    #[default]
    Sqlite,
    /// With its password, if it has one: never printed.
    Postgres(String),
}

/// Without a word of what was given: a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state is kept in `sqlite` (a file in the data folder) or at postgres://user:password@host:5432/database")]
pub struct NoState;

impl FromStr for StateAt {
    type Err = NoState;

    fn from_str(text: &str) -> Result<StateAt, NoState> {
        match text {
            "sqlite" => Ok(StateAt::Sqlite),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(StateAt::Postgres(url.to_owned()))
            }
            _ => Err(NoState),
        }
    }
}

/// The password of an address as `***`, wherever it stands.
fn masked(url: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let address = match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) => match address[scheme + 3..at].split_once(':') {
            Some((user, _)) => format!("{}{user}:***{}", &address[..scheme + 3], &address[at..]),
            None => address.to_owned(),
        },
        (_, _) => address.to_owned(),
    };
    let Some(query) = query else { return address };
    let mask = |pair: &str| if pair.starts_with("password=") { "password=***".to_owned() } else { pair.to_owned() };
    format!("{address}?{}", query.split('&').map(mask).collect::<Vec<_>>().join("&"))
}

impl fmt::Display for StateAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateAt::Sqlite => f.write_str("sqlite"),
            StateAt::Postgres(url) => f.write_str(&masked(url)),
        }
    }
}

impl fmt::Debug for StateAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for StateAt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StateAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StateAt, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        for (url, printed) in [
            ("postgres://gym:s3cret@db:5432/gym", "postgres://gym:***@db:5432/gym"),
            ("postgres://gym:s3c:r@t@db/gym?sslmode=require", "postgres://gym:***@db/gym?sslmode=require"),
            ("postgresql://db/gym?user=gym&password=s3cret", "postgresql://db/gym?user=gym&password=***"),
            ("postgres://gym@db/gym", "postgres://gym@db/gym"),
        ] {
            let at: StateAt = url.parse().expect("an address");
            assert_eq!((at.to_string(), format!("{at:?}")), (printed.to_owned(), printed.to_owned()));
        }
        assert!(!"mysql://gym:s3cret@db".parse::<StateAt>().expect_err("no").to_string().contains("s3cret"));
    }
}
