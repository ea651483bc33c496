//! The HTTP side: log-in, lists, what operators ask, the pages. One file a resource. What changes a class goes to its actor;
//! what is only read comes from the store. The document of all this is made in `openapi.rs`, from the handlers themselves.

mod about;
mod accounts;
mod assets;
mod classes;
mod error;
mod film;
mod guard;
mod health;
mod images;
mod import;
mod lists;
mod login;
mod me;
mod openapi;
mod pages;
mod people;
mod record;
mod reference;
mod reports;
mod rides;
mod rooms;
mod screens;
mod signed;
mod turns;
mod words;

pub use about::{DEMO_FILE, DemoAccount};
pub use error::ApiError;
pub use signed::{Admin, Signed, Staff};

use crate::app::App;
use crate::ws;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Json, ServiceConfig};
use fitconnect_protocol::limits::{HTTP_BODY_BYTES_MAX, IMPORT_BYTES_MAX};
use fitconnect_protocol::{ErrorCode, Refusal};

/// What a handler answers with.
pub type Answer<T> = Result<Json<T>, ApiError>;

/// Everything that is served. The server's `web::Data<App>` must be there.
pub fn configure(cfg: &mut ServiceConfig) {
    let body = web::JsonConfig::default().limit(HTTP_BODY_BYTES_MAX).error_handler(|error, _| malformed(&error).into());
    let file = web::PayloadConfig::new(IMPORT_BYTES_MAX);
    let query = web::QueryConfig::default().error_handler(|error, _| malformed(&error).into());
    let path = web::PathConfig::default().error_handler(|error, _| malformed(&error).into());
    let all = web::scope("")
        .wrap(from_fn(guard::guard))
        .app_data(body)
        .app_data(file)
        .app_data(query)
        .app_data(path)
        .route("/v1/ws", web::get().to(ws::open))
        .configure(services)
        .default_service(web::to(pages::any));
    cfg.service(all);
}

fn services(cfg: &mut ServiceConfig) {
    cfg.service(login::login)
        .service(login::refresh)
        .service(screens::offer)
        .service(screens::claim)
        .service(screens::list)
        .service(screens::pair)
        .service(screens::unpair)
        .service(about::about)
        .service(accounts::list)
        .service(accounts::make)
        .service(accounts::reset)
        .service(people::find)
        .service(reports::list)
        .service(reports::one)
        .service(lists::list)
        .service(lists::one)
        .service(rooms::search)
        .service(images::send)
        .service(images::one)
        .service(words::list)
        .service(words::replace)
        .service(me::me)
        .service(me::password)
        .service(me::summaries)
        .service(import::import)
        .service(rides::begin)
        .service(classes::list)
        .service(classes::make)
        .service(classes::one)
        .service(classes::summary)
        .service(film::film)
        .service(record::changes)
        .service(record::events)
        .service(record::own)
        .service(record::samples)
        .service(health::alive)
        .service(health::ready)
        .service(health::metrics)
        .service(openapi::document)
        .service(reference::page)
        .service(reference::script)
        .service(reference::style);
}

fn malformed(error: &dyn std::fmt::Display) -> ApiError {
    let words = error.to_string();
    let code = if words.contains("larger than") { ErrorCode::TooLarge } else { ErrorCode::Malformed };
    Refusal::new(code, words).into()
}

/// The server that answers.
type Server = web::Data<App>;

#[cfg(test)]
mod tests;
