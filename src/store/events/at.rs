//! Where the events are kept behind the log: in the folder, or in a Cassandra. What is printed of an address has no password in it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Default, PartialEq, Eq)]
pub enum EventsAt {
    #[default]
    Sqlite,
    Cassandra(Cluster),
}

/// Some nodes of a cluster (it says itself what others it has), and the keyspace.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `host:port`.
    pub nodes: Vec<String>,
    pub keyspace: String,
    /// User and password: never printed.
    pub login: Option<(String, String)>,
}

/// Longest name of a keyspace that Cassandra takes.
const KEYSPACE_MAX: usize = 48;

/// Without a word of what was given: a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "events are kept in `sqlite` (a file in the data folder) or at cassandra://user:password@host:port,host:port/keyspace \
     (the keyspace: small letters, digits and _, at most 48)"
)]
pub struct NoEvents;

impl FromStr for EventsAt {
    type Err = NoEvents;

    fn from_str(text: &str) -> Result<EventsAt, NoEvents> {
        if text == "sqlite" {
            return Ok(EventsAt::Sqlite);
        }
        let rest = text.strip_prefix("cassandra://").ok_or(NoEvents)?;
        let (rest, keyspace) = rest.rsplit_once('/').ok_or(NoEvents)?;
        let (login, nodes) = match rest.rsplit_once('@') {
            Some((login, nodes)) => (Some(login.split_once(':').ok_or(NoEvents)?), nodes),
            None => (None, rest),
        };
        let nodes: Vec<String> = nodes.split(',').map(str::to_owned).collect();
        let is_node = |node: &String| {
            node.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let named = keyspace.starts_with(|c: char| c.is_ascii_lowercase()) && keyspace.chars().all(is_word);
        if !nodes.iter().all(is_node) || !named || keyspace.len() > KEYSPACE_MAX {
            return Err(NoEvents);
        }
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(EventsAt::Cassandra(Cluster { nodes, keyspace: keyspace.to_owned(), login }))
    }
}

impl fmt::Display for EventsAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventsAt::Sqlite => f.write_str("sqlite"),
            EventsAt::Cassandra(cluster) => fmt::Display::fmt(cluster, f),
        }
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cassandra://")?;
        if let Some((user, _)) = &self.login {
            write!(f, "{user}:***@")?;
        }
        write!(f, "{}/{}", self.nodes.join(","), self.keyspace)
    }
}

impl fmt::Debug for EventsAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for EventsAt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventsAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EventsAt, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_printed_without_its_password() {
        let at: EventsAt = "cassandra://gym:s3c:r@t@a:9042,b:9043/fitconnect".parse().expect("an address");
        assert_eq!(at.to_string(), "cassandra://gym:***@a:9042,b:9043/fitconnect");
        let EventsAt::Cassandra(cluster) = at else { panic!("{at}") };
        assert_eq!(cluster.nodes, ["a:9042", "b:9043"]);
        assert_eq!(cluster.login, Some(("gym".into(), "s3c:r@t".into())));
        for wrong in
            ["cassandra://a/k", "cassandra://a:1", "cassandra://a:1/", "cassandra://a:1/K", "cassandra://a:1/k;x", "x"]
        {
            assert_eq!(wrong.parse::<EventsAt>(), Err(NoEvents), "{wrong}");
        }
    }
}
