//! The options as flags. Each says its unit and its default; what is not given leaves the value of file or environment.

use super::layer::Layer;
use super::{Ack, LogFormat};
use figment::value::Value;
use serde::Serialize;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Clone, Debug, Default, PartialEq, Serialize, clap::Args)]
pub struct Flags {
    /// Configuration file (TOML, the keys are the names of these flags with _ for -) [default: fitconnect.toml if it is there;
    /// variable FITCONNECT_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Folder of everything that is stored: accounts, classes, samples, keys. One server at a time [default: data]
    #[arg(long, value_name = "DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,

    /// Where accounts, classes and people are kept: sqlite, or postgres://user:password@host:5432/database of a CockroachDB or
    /// PostgreSQL; better given as FITCONNECT_STATE, since flags can be seen by others of the machine [default: sqlite]
    #[arg(long, value_name = "WHERE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,

    /// Where samples are kept behind the log: sqlite, or cassandra://user:password@host:port,host:port/keyspace; better given as
    /// FITCONNECT_EVENTS where it has a password [default: sqlite]
    #[arg(long, value_name = "WHERE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,

    /// Whether a server that starts brings the schema up to date; if not, `fitconnect migrate up` does [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrate_at_start: Option<bool>,

    /// Host and port to serve on; port 0 takes a free one, which is printed [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,

    /// Origin of foreign pages that may talk to the server; may be repeated [default: its own pages only]
    #[arg(long, value_name = "ORIGIN")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,

    /// Address of a proxy of yours whose X-Forwarded-For is believed; may be repeated [default: none]
    #[arg(long, value_name = "IP")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<IpAddr>,

    /// How many times faster than the wall class time runs, 1 to 20; for demos and proofs [default: 1]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_rate: Option<u32>,

    /// Life of an access token in seconds, 60 to 604800 [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_life_s: Option<u64>,

    /// Threads that serve HTTP and sockets, 1 to 256 [default: one a core]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,

    /// Threads on which classes, people and sessions live, 1 to 256 [default: one for two cores]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arbiters: Option<usize>,

    /// What is logged: error, warn, info, debug, trace, or levels by module [default: info]
    #[arg(long, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,

    /// How it is logged, on stderr [default: pretty]
    #[arg(long, value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,

    /// Whether the login page offers the accounts that `seed` made, with their password [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demo: Option<bool>,

    /// Milliseconds that a stopping server gives its clients to leave, 0 to 300000 [default: 10000]
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_grace_ms: Option<u64>,

    /// Milliseconds over which a stopping server spreads the return of its clients, 0 to 600000 [default: 5000]
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_spread_ms: Option<u32>,

    /// When a sample is acknowledged: local (it is on this disk) or quorum (the event store's copies have it; needs Cassandra)
    /// [default: local]
    #[arg(long, value_name = "MODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
}

impl Flags {
    /// What was given, as a source of values.
    pub(super) fn layer(&self) -> Layer {
        let values = Value::serialize(self).ok().and_then(Value::into_dict).unwrap_or_default();
        Layer::new("on the command line", values, |key| format!("--{}", key.replace('_', "-")))
    }
}
