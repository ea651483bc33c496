//! What the operator may set: from a file, the environment and the command line, the later winning. Unknown keys are refused,
//! every value knows where it came from. The one secret, a database's password, is never printed.

mod flags;
mod layer;

pub use flags::Flags;

use crate::store::events::EventsAt;
use crate::store::{LogOptions, Migrating, StateAt};
use figment::error::Kind;
use figment::providers::{Format, Serialized, Toml};
use figment::{Figment, Source};
use fitconnect_protocol::limits::CLOCK_RATE_MAX;
use fitconnect_protocol::session::AckMode;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The file that is read when none is named and it is there.
pub const FILE: &str = "fitconnect.toml";
/// What the names of environment variables begin with.
pub const ENV: &str = "FITCONNECT_";

/// Threads of one kind: more than cores of any machine that a gym has.
const THREADS_MAX: u64 = 256;

/// Every option. `docs/operations.md` has the same table in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of everything that is stored.
    pub data: PathBuf,
    /// Where accounts, classes and people are kept.
    pub state: StateAt,
    /// Where samples and what happens in classes are kept behind the log.
    pub events: EventsAt,
    /// Whether a server that starts brings the schema up to date.
    pub migrate_at_start: bool,
    /// Host and port; port 0 takes a free one.
    pub listen: String,
    /// Origins of foreign pages that may talk to the server, besides its own.
    #[serde(deserialize_with = "one_or_many")]
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "one_or_many")]
    pub proxies: Vec<IpAddr>,
    /// How fast class time runs, 1 to 20.
    pub clock_rate: u32,
    /// Seconds that an access token is good for.
    pub token_life_s: u64,
    /// Threads that serve HTTP and sockets.
    pub workers: usize,
    /// Threads on which the actors live.
    pub arbiters: usize,
    /// What is logged: a level, or levels by module.
    pub log: String,
    pub log_format: LogFormat,
    /// The login page shows the demo's accounts.
    pub demo: bool,
    /// Milliseconds that a stopping server gives its clients to leave.
    pub shutdown_grace_ms: u64,
    /// Milliseconds over which the clients of a stopping server are told to come back.
    pub drain_spread_ms: u32,
    /// When a sample is acknowledged.
    pub ack: Ack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people: one line an event.
    Pretty,
    /// For programs: one JSON object a line.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// When it is on this node's disk.
    Local,
    /// When a quorum of the event store's copies has it too; as `local` while the event store is away.
    Quorum,
}

impl From<Ack> for AckMode {
    fn from(ack: Ack) -> AckMode {
        match ack {
            Ack::Local => AckMode::Local,
            Ack::Quorum => AckMode::Quorum,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: "data".into(),
            state: StateAt::Sqlite,
            events: EventsAt::Sqlite,
            migrate_at_start: true,
            listen: "127.0.0.1:8080".into(),
            origins: Vec::new(),
            proxies: Vec::new(),
            clock_rate: 1,
            token_life_s: 3_600,
            workers: cores(),
            // An actor's step is short beside a socket's write; a second thread for them only moves their memory about.
            arbiters: cores().div_ceil(2),
            log: "info".into(),
            log_format: LogFormat::Pretty,
            demo: false,
            shutdown_grace_ms: 10_000,
            drain_spread_ms: 5_000,
            ack: Ack::Local,
        }
    }
}

impl Config {
    /// How the stores are opened.
    pub fn store(&self) -> crate::store::Options {
        let log = match self.ack {
            Ack::Local => LogOptions::default(),
            Ack::Quorum => LogOptions::quorum(),
        };
        let migrating = if self.migrate_at_start { Migrating::Allowed } else { Migrating::Forbidden };
        let (folder, state, events) = (self.data.clone(), self.state.clone(), self.events.clone());
        crate::store::Options { folder, state, events, migrating, log }
    }

    /// Folder of the keys that sign tokens.
    pub fn keys_dir(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// What is wrong with values that can be read but not used.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut range = |key: &str, value: u64, from: u64, to: u64, unit: &str| {
            if !(from..=to).contains(&value) {
                problems.push(format!("{key} is {value}, it must be {from} to {to}{unit}"));
            }
        };
        range("clock_rate", self.clock_rate.into(), 1, CLOCK_RATE_MAX.into(), "");
        range("token_life_s", self.token_life_s, 60, 7 * 86_400, " seconds");
        range("shutdown_grace_ms", self.shutdown_grace_ms, 0, 300_000, " milliseconds");
        range("drain_spread_ms", self.drain_spread_ms.into(), 0, 600_000, " milliseconds");
        range("workers", self.workers as u64, 1, THREADS_MAX, "");
        range("arbiters", self.arbiters as u64, 1, THREADS_MAX, "");
        if self.listen.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
            problems.push(format!("listen is {:?}, it must be host:port, as in 0.0.0.0:8080", self.listen));
        }
        for origin in self.origins.iter().filter(|origin| !crate::auth::origin::is_origin(origin)) {
            problems
                .push(format!("origins has {origin:?}, an origin looks like https://app.example.com, without a path"));
        }
        if self.ack == Ack::Quorum && self.events == EventsAt::Sqlite {
            problems.push("ack is \"quorum\", which needs events = cassandra://…: a file has no quorum".into());
        }
        if let Err(error) = crate::telemetry::filter(&self.log) {
            problems.push(format!("log is {:?}: {error}; write a level or `info,fitconnect=debug`", self.log));
        }
        problems
    }
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A value in use and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub key: String,
    /// As it would stand in the file.
    pub value: String,
    /// `default`, a file's path, a variable's or a flag's name.
    pub from: String,
}

/// The configuration as it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub config: Config,
    pub origins: Vec<Origin>,
}

/// Everything that is wrong, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Reads file, environment and flags. `variables` is the process's environment; what does not begin with [`ENV`] is ignored.
pub fn load(flags: &Flags, variables: impl IntoIterator<Item = (String, String)>) -> Result<Loaded, ConfigError> {
    let (environment, named) = layer::environment(variables);
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    let mut wrong = Vec::new();
    if let Some(path) = file(flags.config.as_deref().or(named.as_deref()))? {
        let toml = Toml::file_exact(&path);
        wrong.extend(unknown(&toml, &format!("in {}", path.display())));
        figment = figment.merge(toml);
    }
    for layer in [environment, flags.layer()] {
        wrong.extend(unknown(&layer, layer.place()));
        figment = figment.merge(layer);
    }
    if !wrong.is_empty() {
        return Err(ConfigError(wrong));
    }
    let config: Config =
        figment.extract_lossy().map_err(|error| ConfigError(error.into_iter().map(explain).collect()))?;
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    let origins = origins(&figment, &config);
    Ok(Loaded { config, origins })
}

/// The file to read: the one that was named, or [`FILE`] where it is there.
fn file(named: Option<&Path>) -> Result<Option<PathBuf>, ConfigError> {
    match named {
        Some(path) if path.is_file() => Ok(Some(path.into())),
        Some(path) => Err(ConfigError(vec![format!("there is no configuration file {}", path.display())])),
        None => Ok(Some(PathBuf::from(FILE)).filter(|path| path.is_file())),
    }
}

/// Names of all options in order.
pub fn keys() -> Vec<String> {
    let value = serde_json::to_value(Config::default()).expect("plain values");
    value.as_object().expect("a struct").keys().cloned().collect()
}

fn unknown(provider: &impl figment::Provider, place: &str) -> Vec<String> {
    // What cannot be read at all is reported when everything is extracted.
    let Ok(data) = provider.data() else { return Vec::new() };
    let known = keys();
    let given = data.into_values().flat_map(|dict| dict.into_keys());
    given.filter(|key| !known.contains(key)).map(|key| unknown_key(&key, &known, place)).collect()
}

fn unknown_key(key: &str, known: &[String], place: &str) -> String {
    let distance = |each: &String| strsim::damerau_levenshtein(key, each);
    let nearest = known.iter().min_by_key(|each| distance(each)).expect("there are options");
    if distance(nearest) <= 1 + key.len() / 3 {
        return format!("unknown key {key} {place}: did you mean {nearest}?");
    }
    format!("unknown key {key} {place}; the keys are {}", known.join(", "))
}

/// A value that cannot be read: what, which and where.
fn explain(error: figment::Error) -> String {
    let key = error.path.join(".");
    let place = error.metadata.as_ref().map(|metadata| match (&metadata.source, error.profile.as_ref()) {
        (Some(Source::File(path)), _) => format!(" ({})", path.display()),
        (Some(source), _) => format!(" ({source})"),
        (None, Some(profile)) => format!(" ({})", metadata.interpolate(profile, &error.path)),
        (None, None) => format!(" ({})", metadata.name),
    });
    let kind = match &error.kind {
        Kind::UnknownVariant(found, known) => format!("{found:?} is none of {}", known.join(", ")),
        other => other.to_string(),
    };
    let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
    format!("{key}{kind}{}", place.unwrap_or_default())
}

fn origins(figment: &Figment, config: &Config) -> Vec<Origin> {
    let values = serde_json::to_value(config).expect("plain values");
    let from = |key: &str| {
        let metadata = figment.find_metadata(key)?;
        match &metadata.source {
            Some(Source::File(path)) => Some(path.display().to_string()),
            Some(Source::Code(_)) | None if metadata.name.contains("Config") => None,
            _ => Some(metadata.interpolate(figment.profile(), &[key])),
        }
    };
    let each = |(key, value): (&String, &serde_json::Value)| Origin {
        key: key.clone(),
        value: value.to_string(),
        from: from(key).unwrap_or_else(|| "default".into()),
    };
    values.as_object().expect("a struct").iter().map(each).collect()
}

/// A list, or a text with commas: an environment variable has no lists.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let texts = match Given::deserialize(deserializer)? {
        Given::Text(text) => text.split(',').map(|each| each.trim().to_owned()).collect(),
        Given::List(list) => list,
    };
    let texts = texts.into_iter().filter(|each| !each.is_empty());
    texts.map(|each| each.parse().map_err(|error| serde::de::Error::custom(format!("{each:?}: {error}")))).collect()
}

#[cfg(test)]
mod tests;
