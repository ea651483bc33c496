//! What can go wrong with a run, one variant for each thing that a caller can do something about.

use fitconnect_protocol::Refusal;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0:?} is no address of a server: write http://host:port")]
    BadUrl(String),
    #[error("{addr} cannot be reached")]
    Unreachable { addr: String, source: io::Error },
    #[error("the server answered {status}: {message}")]
    Http { status: u16, message: String },
    #[error("the server's answer cannot be read: {0}")]
    BadAnswer(String),
    #[error("refused, {0}")]
    Refused(Refusal),
    #[error("the server closed the socket with {code} {reason}")]
    Closed { code: u16, reason: String },
    #[error("no answer in time: {0}")]
    TimedOut(&'static str),
    #[error("accounts, line {line}: {what}")]
    Accounts { line: usize, what: String },
    #[error("{wanted} accounts of {role} are wanted and the file has {has}: `fitconnect seed --tokens` makes more")]
    TooFewAccounts { role: &'static str, wanted: usize, has: usize },
    #[error("{0}")]
    Limit(String),
    #[error("{what}")]
    Io { what: String, source: io::Error },
}

impl LoadError {
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> LoadError {
        let what = what.into();
        move |source| LoadError::Io { what, source }
    }

    /// Whether coming back may help.
    pub fn may_return(&self) -> bool {
        match self {
            LoadError::Unreachable { .. } | LoadError::TimedOut(_) | LoadError::Io { .. } => true,
            LoadError::Closed { code, .. } => *code < 4500,
            LoadError::Http { status, .. } => *status == 429 || *status >= 500,
            LoadError::BadUrl(_)
            | LoadError::BadAnswer(_)
            | LoadError::Refused(_)
            | LoadError::Accounts { .. }
            | LoadError::TooFewAccounts { .. }
            | LoadError::Limit(_) => false,
        }
    }
}
