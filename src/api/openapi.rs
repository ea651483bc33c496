//! The OpenAPI document: paths and their own types from the handlers, wire types from the AsyncAPI document, which has them from
//! the protocol's Rust types. So nothing is described twice.

use super::assets::{Asset, Keep};
use actix_web::{HttpRequest, HttpResponse, get};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{OpenApi, PartialSchema, ToSchema};

/// Wire types by their names in the AsyncAPI document.
macro_rules! wire {
    ($($name:ident $wire:literal),+ $(,)?) => {$(
        pub struct $name;
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> { ObjectBuilder::new().into() }
        }
        impl ToSchema for $name {
            fn name() -> Cow<'static, str> { Cow::Borrowed($wire) }
        }
    )+};
}

wire! {
    Activity "Activity",
    ClassSummary "ClassSummary",
    Consent "Consent",
    JoinRule "JoinRule",
    // NewClass with its command: see `with_cmd`.
    MakeClass "MakeClass",
    MemberSummary "MemberSummary",
    OnWords "OnWords",
    Phase "Phase",
    Profile "Profile",
    Refused "Refusal",
    ReportReason "ReportReason",
    Role "Role",
    RoomKind "RoomKind",
    Segment "Segment",
    Verdict "Verdict",
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "FitConnect HTTP API",
        description = "Log-in, lists and what operators ask. Live classes run over the socket `GET /v1/ws`, which \
            `docs/protocol.md` and `docs/asyncapi.json` describe. A refusal is `{code, message, retry_after_ms?}`: codes are \
            stable words, messages are for developers. Times are Unix milliseconds unless they say otherwise.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "accounts", description = "Who you are"),
        (name = "screens", description = "Screens on the walls of the halls"),
        (name = "me", description = "One's own data"),
        (name = "classes", description = "Classes of one's gym"),
        (name = "rooms", description = "Rooms, besides what the socket tells"),
        (name = "reports", description = "Messages that members have pointed at"),
        (name = "server", description = "What the server is and how it does"),
    ),
    paths(
        super::login::login, super::login::refresh, super::accounts::list, super::accounts::make, super::accounts::reset, super::me::password, super::me::me, super::people::find, super::reports::list, super::reports::one, super::lists::list, super::lists::one, super::rooms::search, super::images::send, super::images::one, super::words::list, super::words::replace, super::me::summaries, super::import::import, super::rides::begin, super::classes::list,
        super::classes::make, super::classes::one, super::classes::summary, super::film::film, super::record::changes, super::record::events, super::record::own,
        super::record::samples, super::screens::offer, super::screens::claim, super::screens::list, super::screens::pair, super::screens::unpair, super::about::about, super::health::alive,
        super::health::ready, super::health::metrics,
    ),
)]
struct Document;

static DOCUMENT: LazyLock<Asset> = LazyLock::new(|| Asset::new("openapi.json", make().to_string()));

#[get("/v1/openapi.json")]
pub async fn document(request: HttpRequest) -> HttpResponse {
    DOCUMENT.answer(&request, Keep::Ask)
}

/// The whole document.
pub(super) fn make() -> Value {
    let mut made = serde_json::to_value(Document::openapi()).expect("a document is plain JSON");
    let asyncapi: Value =
        serde_json::from_str(include_str!("../../docs/asyncapi.json")).expect("a generated file is JSON");
    let wire = asyncapi["components"]["schemas"].as_object().expect("the AsyncAPI document has schemas");
    made["info"]["version"] = json!(crate::BUILD);
    made["components"]["securitySchemes"] =
        json!({ "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } });
    let schemas = made["components"]["schemas"].as_object_mut().expect("handlers have types");
    fill(schemas, wire);
    made
}

/// Puts the wire's schema in the place of each that is known by name only, and whatever those refer to.
fn fill(schemas: &mut Map<String, Value>, wire: &Map<String, Value>) {
    let mut wanted: Vec<String> = schemas.keys().filter(|name| wire.contains_key(*name)).cloned().collect();
    schemas.insert("MakeClass".into(), with_cmd(&wire["NewClass"]));
    refs(&schemas["MakeClass"], &mut wanted);
    let mut done: BTreeMap<String, Value> = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if let Some(schema) = wire.get(&name).filter(|_| !done.contains_key(&name)) {
            let schema = modern(schema.clone());
            refs(&schema, &mut wanted);
            done.insert(name, schema);
        }
    }
    schemas.extend(done);
}

/// A class to be made, with the command that makes it.
fn with_cmd(new_class: &Value) -> Value {
    let mut schema = modern(new_class.clone());
    schema["properties"]["cmd"] = json!({
        "type": "string", "format": "uuid",
        "description": "UUIDv7 stamped with the server's time: sent again, it makes the same class only once.",
    });
    schema["required"].as_array_mut().expect("a class has a name").push(json!("cmd"));
    schema
}

/// Names that a schema refers to.
pub(super) fn refs(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
                names.push(name.to_owned());
            }
            map.values().for_each(|each| refs(each, names));
        }
        Value::Array(list) => list.iter().for_each(|each| refs(each, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// From JSON Schema draft 7, which AsyncAPI reads, to 2020-12, which OpenAPI 3.1 reads: tuples have another key.
fn modern(schema: Value) -> Value {
    match schema {
        Value::Object(map) => {
            let is_tuple = map.get("items").is_some_and(Value::is_array);
            let rename = |key: String| match key.as_str() {
                "items" if is_tuple => "prefixItems".into(),
                "additionalItems" if is_tuple => "items".into(),
                _ => key,
            };
            map.into_iter().map(|(key, value)| (rename(key), modern(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.into_iter().map(modern).collect(),
        other => other,
    }
}
