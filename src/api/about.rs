//! `GET /v1/about`: what this server is, for the login page. In demo mode it says with which accounts one may look around.

use super::openapi::Role as RoleSchema;
use super::{Answer, ApiError, Server};
use actix_web::get;
use actix_web::web::Json;
use fitconnect_protocol::VERSION;
use fitconnect_protocol::user::Role;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use utoipa::ToSchema;

/// In the data folder: accounts that `fitconnect seed` made, with their password. Readable by its owner alone.
pub const DEMO_FILE: &str = "demo.json";

#[derive(Serialize, ToSchema)]
pub struct About {
    /// The gym's name; the product's where there are several or none.
    name: String,
    build: String,
    /// Major and minor version of the socket's protocol.
    protocol: (u16, u16),
    demo: bool,
    /// Only in demo mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<DemoAccount>>,
}

/// An account that everybody may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DemoAccount {
    pub email: String,
    pub password: String,
    #[schema(value_type = RoleSchema)]
    pub role: Role,
    pub name: String,
}

/// What this server is
#[utoipa::path(tag = "server", responses((status = 200, body = About)))]
#[get("/v1/about")]
pub async fn about(app: Server) -> Answer<About> {
    let gyms = app.state.gyms().await?;
    let name = match gyms.as_slice() {
        [(_, name)] => name.clone(),
        _ => "FitConnect".into(),
    };
    let demo = app.config.demo;
    let accounts = if demo { Some(accounts(&app.config.data)?) } else { None };
    Ok(Json(About { name, build: crate::BUILD.into(), protocol: VERSION, demo, accounts }))
}

/// None where nothing was seeded. Read anew each time: it is short, and only a demo's login page asks.
fn accounts(data: &Path) -> Result<Vec<DemoAccount>, ApiError> {
    let path = data.join(DEMO_FILE);
    match std::fs::read(&path) {
        Ok(text) => {
            serde_json::from_slice(&text).map_err(|error| ApiError::internal(&format!("{}: {error}", path.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ApiError::internal(&format!("{}: {error}", path.display()))),
    }
}
