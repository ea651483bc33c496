//! Puts one server together, runs it, and takes it apart in order: no more work, tell the clients, flush, let go of the folder.

use crate::app::App;
use crate::auth::{Keys, KeysError, Logins, Pairings, Revoked};
use crate::clock::WallClock;
use crate::config::Config;
use crate::store::lease::Lease;
use crate::store::{self, OpenError, OwnError, Store};
use crate::telemetry::Telemetry;
use crate::{http, ws};
use actix::{Arbiter, ArbiterHandle};
use actix_web::web;
use fitconnect_actors::ports::{Clock, StoreError};
use fitconnect_actors::{House, Marks, Ports, Spawner};
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::limits::SCREEN_TOKEN_LIFE_S;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("the store does not answer: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error("another server has taken the database over: {0}; this one has stopped")]
    TakenOver(String),
    #[error("{addr} cannot be listened on: {source}")]
    Listen { addr: String, source: std::io::Error },
    #[error("the HTTP server failed: {0}")]
    Http(#[from] std::io::Error),
}

/// Actors live apart from the HTTP workers, each on the arbiter of its shard.
struct Arbiters(Vec<Arbiter>);

struct ByShard(Vec<ArbiterHandle>);

impl Spawner for ByShard {
    fn arbiter(&self, key: &ActorKey) -> ArbiterHandle {
        self.0[usize::from(key.shard()) % self.0.len()].clone()
    }
}

/// A server that has been put together but does not listen yet.
pub struct Server {
    pub app: web::Data<App>,
    store: Store,
    lease: Arc<Lease>,
    arbiters: Arbiters,
}

impl Server {
    /// Opens the folder, claims the shards, makes the keys on the first start.
    pub async fn open(config: Config) -> Result<Server, ServeError> {
        let clock: Arc<dyn Clock> = Arc::new(WallClock::start());
        let marks = Arc::new(Marks::default());
        let mut store = store::open(config.store(), marks.sink()).await?;
        let keys = Keys::open(&config.data.join("keys"), clock.now())?;
        let lease = store.own(&config.listen).await?;
        if let Some(behind) = store.behind(clock.now()).await? {
            tracing::error!(
                behind_s = behind.as_secs(),
                "the clock of this machine is behind what was stored: it was set back, or was ahead before. Nothing is lost; until it \
                 has caught up, commands of clients whose clocks are right are refused"
            );
        }
        // No token lives longer than a screen's.
        let since = Millis(clock.now().0.saturating_sub(SCREEN_TOKEN_LIFE_S * 1_000));
        let revoked = Revoked::new(store.state.revoked(since).await?);
        let arbiters = Arbiters((0..config.arbiters).map(|_| Arbiter::new()).collect());
        let handles: Vec<ArbiterHandle> = arbiters.0.iter().map(Arbiter::handle).collect();
        let ports = Ports {
            clock: clock.clone(),
            state: store.state.clone(),
            events: store.events.clone(),
            spawner: Box::new(ByShard(handles.clone())),
            marks,
        };
        let house = House::open(ports, &handles[0]);
        let telemetry = Telemetry::new();
        let stats = store.reader.clone();
        telemetry.watch_store(Box::new(move || stats.read()));
        let logins = Logins::new(config.workers);
        let app = App {
            clock,
            state: store.state.clone(),
            events: store.events.clone(),
            keys,
            logins,
            revoked,
            pairings: Pairings::default(),
            house,
            sockets: ws::Sockets::default(),
            telemetry,
            config,
        };
        Ok(Server { app: web::Data::new(app), store, lease, arbiters })
    }

    /// Listens until `stop` resolves, then goes away gracefully. Calls `ready` with the address that it got.
    pub async fn run(self, ready: impl FnOnce(SocketAddr), stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Server { app, store, lease, arbiters } = self;
        let listen = app.config.listen.clone();
        let (addr, server) =
            http::listen(app.clone(), &listen).map_err(|source| ServeError::Listen { addr: listen, source })?;
        let handle = server.handle();
        let serving = actix_web::rt::spawn(server);
        actix_web::rt::spawn(ws::reap(app.clone()));
        app.telemetry.set_ready(true);
        ready(addr);
        let taken_over = stop_or_lost(stop, &lease).await;
        match &taken_over {
            Some(by) => tracing::error!(by, "another server has taken the database over: going away"),
            None => tracing::info!("going away"),
        }
        app.telemetry.set_ready(false);
        app.house.go_away(app.config.drain_spread_ms);
        settle_sockets(&app).await;
        handle.stop(true).await;
        serving.await.map_err(std::io::Error::other)??;
        store.close().await;
        for arbiter in arbiters.0 {
            arbiter.stop();
            // An arbiter that panicked on its way out has nothing left to lose.
            let _ = arbiter.join();
        }
        taken_over.map_or(Ok(()), |by| Err(ServeError::TakenOver(by)))
    }
}

/// Waits until somebody wants us to stop, or somebody else owns what we served. Says who.
async fn stop_or_lost(stop: impl Future<Output = ()>, lease: &Lease) -> Option<String> {
    tokio::select! {
        () = stop => None,
        by = lease.lost() => Some(by),
    }
}

/// Waits until the sockets have been told and have closed, but not for ever.
async fn settle_sockets(app: &App) {
    let until = app.clock.now().plus(app.config.shutdown_grace_ms);
    while app.house.hub.sizes().0 > 0 && app.clock.now() < until {
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

/// SIGTERM or Ctrl-C.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be had in this process");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be had in this process");
    futures_util::future::select(Box::pin(terminate.recv()), Box::pin(interrupt.recv())).await;
}

/// Memory in pages of 4 KiB only. A huge page counts whole, and of the buffers of an idle connection half is never touched:
/// 21 KiB a connection instead of 29, for 5 % more processor time at 15,000 riders.
pub fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay allowed");
    }
}

/// Files and sockets are one limit, and a thousand riders are two thousand of them.
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
