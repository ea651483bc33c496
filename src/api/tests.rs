//! The HTTP side over a real store and a real house, request by request.

mod accounts;
mod classes;
mod people;
mod screens;
mod serving;
mod socket;

use super::configure;
use crate::app::App;
use crate::auth::{Claims, Keys, Logins, Pairings, Revoked};
use crate::config::Config;
use crate::seed::{self, Seeded};
use crate::store::sql;
use crate::telemetry::Telemetry;
use crate::ws::Sockets;
use actix::{Arbiter, ArbiterHandle};
use actix_web::body::to_bytes;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web;
use fitconnect_actors::ports::{Account, Checkpoint, Clock, Event, EventLog, StateStore, StoreError, Writer};
use fitconnect_actors::{House, Marks, Ports, Spawner};
use fitconnect_domain::class::StoredSample;
use fitconnect_domain::{ActorKey, Millis};
use fitconnect_protocol::user::Role;
use fitconnect_protocol::{ClassId, SourceId};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

const NOW_MS: u64 = 1_795_459_200_000;

/// A clock that stands until it is moved.
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// A log that is never written to here.
struct Log {
    is_open: AtomicBool,
}

impl EventLog for Log {
    fn append(&self, _: Writer, _: u64, _: Event) -> bool {
        self.is_open()
    }
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }
    fn samples(&self, _: ClassId, _: Option<Vec<SourceId>>) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn samples_since(&self, class: ClassId, _: Millis) -> BoxFuture<'_, Result<Vec<StoredSample>, StoreError>> {
        self.samples(class, None)
    }
    fn keep_checkpoint(&self, _: ClassId, _: Option<Checkpoint>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
    fn checkpoint(&self, _: ClassId) -> BoxFuture<'_, Result<Option<Checkpoint>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
    fn class_events(&self, _: ClassId) -> BoxFuture<'_, Result<Vec<(i64, String, Vec<u8>)>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

struct Here(ArbiterHandle);

impl Spawner for Here {
    fn arbiter(&self, _: &ActorKey) -> ArbiterHandle {
        self.0.clone()
    }
}

/// A server in a temporary folder, with a gym of two trainers, three members and a screen.
struct Bench {
    app: web::Data<App>,
    clock: Arc<Hand>,
    log: Arc<Log>,
    people: Vec<Seeded>,
    folder: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Bench {
    async fn new() -> Bench {
        Bench::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Bench {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fitconnect-api-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let mut config = Config { data: folder.clone(), ..Config::default() };
        change(&mut config);
        let clock = Arc::new(Hand(AtomicU64::new(NOW_MS)));
        let log = Arc::new(Log { is_open: AtomicBool::new(true) });
        let state: Arc<dyn StateStore> =
            Arc::new(sql::sqlite::open(&folder.join("state.db")).await.expect("a new store"));
        state.claim_shards().await.expect("ours");
        let keys = Keys::open(&config.keys_dir(), clock.now()).expect("a new key");
        let ports = Ports {
            clock: clock.clone(),
            state: state.clone(),
            events: log.clone(),
            spawner: Box::new(Here(Arbiter::current())),
            marks: Arc::new(Marks::default()),
        };
        let options = seed::Options {
            gym: "Test Gym".into(),
            hall: "Hall 1".into(),
            admins: 1,
            trainers: 2,
            members: 3,
            screens: 1,
            ..seed::Options::default()
        };
        let people = seed::seed(&*state, &folder, &options, clock.now()).await.expect("an empty store");
        let app = App {
            clock: clock.clone(),
            state,
            events: log.clone(),
            keys,
            logins: Logins::new(2),
            revoked: Revoked::default(),
            pairings: Pairings::default(),
            house: House::open(ports, &Arbiter::current()),
            sockets: Sockets::default(),
            telemetry: Telemetry::new(),
            config,
        };
        Bench { app: web::Data::new(app), clock, log, people, folder }
    }

    fn person(&self, role: Role) -> &Seeded {
        self.people.iter().find(|each| each.role == role).expect("seeded")
    }

    /// A token of the first person of this role, good for an hour.
    fn token(&self, role: Role) -> String {
        self.app.keys.mint(&self.claims(self.person(role)))
    }

    fn claims(&self, each: &Seeded) -> Claims {
        let account = Account {
            user: each.user,
            gym: each.gym,
            email: each.email.clone(),
            name: each.name.clone(),
            role: each.role,
            hall: each.hall.clone(),
            password: String::new(),
        };
        Claims::of(&account, self.clock.now(), 3_600)
    }

    fn pass(&self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    async fn send(&self, request: TestRequest) -> Got {
        let service = init_service(actix_web::App::new().app_data(self.app.clone()).configure(configure)).await;
        let response = call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body()).await.map_err(|_| "the body broke off").expect("a whole body");
        Got { status, headers, bytes: bytes.into() }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Got {
        self.send(signed(TestRequest::get().uri(path), token)).await
    }

    async fn delete(&self, path: &str, token: Option<&str>) -> Got {
        self.send(signed(TestRequest::delete().uri(path), token)).await
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Got {
        self.send(signed(TestRequest::post().uri(path), token).set_json(body)).await
    }
}

fn signed(request: TestRequest, token: Option<&str>) -> TestRequest {
    match token {
        Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
        None => request,
    }
}

struct Got {
    status: StatusCode,
    headers: actix_web::http::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
    fn made(self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text());
        self.json()
    }
    /// Status and code of a refusal.
    fn refused(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
