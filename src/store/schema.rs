//! How far the schema of the state is, and bringing it up to date, for operators who want to do it themselves.

use super::sql::migrate::{Migrating, Status};
use super::sql::{self, Engine as _, copy};
use super::{Lock, OpenError, Options, StateAt, node::Node};
use std::path::Path;

/// A schema and where it is.
pub struct Found {
    pub place: String,
    pub engine: &'static str,
    pub status: Status,
}

/// Nothing is made or changed.
pub async fn status(options: &Options) -> Result<Found, OpenError> {
    match &options.state {
        StateAt::Sqlite => {
            let file = options.folder.join("state.db");
            let place = file.display().to_string();
            let status = sql::sqlite::status(&file).await;
            let status = status.map_err(|source| OpenError::Schema { place: place.clone(), source })?;
            Ok(Found { place, engine: "SQLite", status })
        }
        StateAt::Postgres(url) => {
            let place = options.state.to_string();
            let found = sql::postgres::status(url).await;
            let (server, status) = found.map_err(|source| OpenError::Schema { place: place.clone(), source })?;
            let engine = match server {
                sql::postgres::Server::Cockroach => "CockroachDB",
                sql::postgres::Server::Postgres => "PostgreSQL",
            };
            Ok(Found { place, engine, status })
        }
    }
}

/// Brings it up to date. A file's folder must not be in use.
pub async fn up(options: &Options) -> Result<(), OpenError> {
    match &options.state {
        StateAt::Sqlite => {
            let _held = Lock::take(&options.folder)?;
            let file = options.folder.join("state.db");
            let opened = sql::sqlite::open_if(&file, Migrating::Allowed).await;
            let place = file.display().to_string();
            opened.map_err(|source| OpenError::Schema { place, source })?.close().await;
        }
        StateAt::Postgres(url) => {
            let opened = sql::postgres::open(url, Migrating::Allowed).await;
            let place = options.state.to_string();
            opened.map_err(|source| OpenError::Schema { place, source })?.close().await;
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("there is no state.db in {0}")]
    Nothing(String),
    #[error(transparent)]
    Copy(#[from] copy::CopyError),
}

/// Copies the state of a folder into an empty database. The folder stays as it is.
pub async fn move_to(
    folder: &Path,
    url: &str,
    said: impl FnMut(&'static str, u64),
) -> Result<Vec<(&'static str, copy::Fingerprint)>, MoveError> {
    let file = folder.join("state.db");
    if !file.exists() {
        return Err(MoveError::Nothing(folder.display().to_string()));
    }
    let _held = Lock::take(folder)?;
    let node = Node::of(folder, "")?;
    Ok(copy::copy(&file, node.id, url, said).await?)
}
