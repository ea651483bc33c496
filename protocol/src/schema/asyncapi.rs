//! The wire as an AsyncAPI 3 document: the socket with every frame, and each topic with what it pushes.
//! Schemas come from the types; only what a type cannot say (which reply answers what, which push belongs to which topic) stands here.

use crate::class::{ClassSummary, NewClass};
use crate::error::{CloseCode, ErrorCode};
use crate::report::OnWords;
use crate::session::{Request, Response};
use crate::tick::LAYOUT;
use crate::{SUBPROTOCOL, VERSION, limits};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const ABOUT: &str = "\
MessagePack in binary WebSocket frames. A client sends `[id, request]`, the server `[id, reply]` or, unasked, `[0, push]`; \
an id of 0 wants no reply. A body is a map whose key `t` names its type; unknown fields are ignored, unknown types are answered \
`unsupported`. UUIDs are a `bin` of 16 bytes. An empty frame is a heartbeat in both directions. \
A topic is followed by `subscribe`; its pushes carry the handle `h` that `subscribed` gave. \
Packed ticks are laid out as `x-layout` says; refusals and closes are listed in `x-errors` and `x-closes`.";

/// Which replies answer a request, besides `refused`.
const REPLIES: &[(&str, &[&str])] = &[
    ("hello", &["welcome"]),
    ("refresh", &["done"]),
    ("resume", &["resuming"]),
    ("subscribe", &["subscribed"]),
    ("unsubscribe", &["done"]),
    ("clock", &["clock"]),
    ("class", &["done", "joined", "booted", "planned", "foreseen"]),
    ("user", &["done"]),
    ("samples", &[]),
    ("seen", &[]),
    ("look", &["done"]),
    ("room", &["numbered"]),
    ("history", &["page"]),
    ("members", &["members"]),
    ("look_at", &[]),
    ("typing", &[]),
    ("got", &[]),
    ("five", &[]),
    ("hidden", &["hidden"]),
    ("here", &[]),
];

/// Frames that come unasked, outside any topic.
const PUSHES: &[&str] = &[
    "welcome",
    "subscribed",
    "refused",
    "mine",
    "acked",
    "unwanted",
    "whisper",
    "lagging",
    "go_away",
    "ended",
    "fives",
];

struct Topic {
    name: &'static str,
    address: &'static str,
    about: &'static str,
    /// The pushes that carry what it tells, and the events among them.
    pushes: &'static [&'static str],
    events: &'static str,
    snapshot: &'static str,
}

const TOPICS: &[Topic] = &[
    Topic {
        name: "class",
        address: "class:{class}",
        about: "Phase, plan and cues of a class.",
        pushes: &["event"],
        events: "ClassEvent",
        snapshot: "ClassSnapshot",
    },
    Topic {
        name: "class_board",
        address: "class:{class}:board",
        about: "The people of a class as TV and members may see them: redacted by each one's consent.",
        pushes: &["event", "tick"],
        events: "ClassEvent",
        snapshot: "BoardSnapshot",
    },
    Topic {
        name: "class_desk",
        address: "class:{class}:desk",
        about: "The people of a class as staff see them, with the list of what to look at.",
        pushes: &["event", "tick", "attention"],
        events: "ClassEvent",
        snapshot: "BoardSnapshot",
    },
    Topic {
        name: "user_me",
        address: "user:me",
        about: "One's own account on every device, and what classes left.",
        pushes: &["event"],
        events: "UserEvent",
        snapshot: "UserSnapshot",
    },
    Topic {
        name: "room",
        address: "room:{room}",
        about: "What happens in a room. Its offsets are the room's numbers, and all of them can be had again.",
        pushes: &["event", "typing", "presence", "marks"],
        events: "RoomEvent",
        snapshot: "RoomSnapshot",
    },
];

pub fn document() -> String {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<Request>();
    generator.subschema_for::<Response>();
    // Over HTTP only; the OpenAPI document takes its schemas from here.
    generator.subschema_for::<NewClass>();
    generator.subschema_for::<ClassSummary>();
    generator.subschema_for::<OnWords>();
    let schemas = generator.take_definitions(true);

    let requests = variants(&schemas, "Request");
    let responses = variants(&schemas, "Response");
    let mut messages = Map::new();
    for (tag, body) in &requests {
        messages.insert(format!("request.{tag}"), frame(&schemas, tag, body));
    }
    for (tag, body) in &responses {
        messages.insert(format!("response.{tag}"), frame(&schemas, tag, body));
    }
    for topic in TOPICS {
        messages.insert(format!("topic.{}.event", topic.name), event(&schemas, topic));
    }

    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "FitConnect realtime protocol",
            "version": format!("{}.{}.0", VERSION.0, VERSION.1),
            "description": ABOUT,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/vnd.msgpack",
        "servers": { "gym": {
            "host": "{host}",
            "protocol": "wss",
            "description": "Any FitConnect server; plain `ws` on a loopback address.",
            "variables": { "host": { "default": "localhost:8080", "description": "Host and port of the gym's server." } },
        } },
        "channels": channels(&requests, &responses),
        "operations": operations(&requests),
        "components": { "schemas": schemas, "messages": messages },
        "x-errors": ErrorCode::ALL.iter().map(|code| json!({ "code": code.as_str(), "meaning": code.meaning() })).collect::<Vec<_>>(),
        "x-closes": CloseCode::ALL.iter().map(close).collect::<Vec<_>>(),
        "x-layout": LAYOUT.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<_, _>>(),
        "x-limits": { "frame_bytes_max": limits::FRAME_BYTES_MAX, "heartbeat_ms": limits::HEARTBEAT_MS },
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a document of texts and numbers");
    text.push('\n');
    text
}

/// Every variant of a tagged enum: its tag and its schema.
fn variants(schemas: &Map<String, Value>, name: &str) -> Vec<(String, Value)> {
    let all = schemas[name]["oneOf"].as_array().expect("a tagged enum is a choice");
    let tag = |body: &Value| body["properties"]["t"]["const"].as_str().expect("a variant has its tag").to_owned();
    all.iter().map(|body| (tag(body), body.clone())).collect()
}

/// `[id, body]` as a message.
fn frame(schemas: &Map<String, Value>, tag: &str, body: &Value) -> Value {
    let inner =
        body["allOf"][0]["$ref"].as_str().and_then(|path| path.rsplit('/').next()).and_then(|name| schemas.get(name));
    let about = body.get("description").or_else(|| inner?.get("description")).cloned().unwrap_or_else(|| json!(tag));
    json!({
        "name": tag,
        "summary": about,
        "payload": {
            "type": "array",
            "items": [{ "type": "integer", "minimum": 0, "maximum": u32::MAX }, body],
            "minItems": 2,
            "maxItems": 2,
        },
    })
}

/// The push of a topic's event, with the events of that topic only.
fn event(schemas: &Map<String, Value>, topic: &Topic) -> Value {
    let body = json!({
        "type": "object",
        "description": format!("An event of {}; the first is preceded by a snapshot in `subscribed`.", topic.address),
        "required": ["t", "h", "o", "e"],
        "properties": {
            "t": { "const": "event" },
            "h": { "type": "integer", "description": "the topic's handle" },
            "o": { "type": "integer", "description": "offset: one more than the event before it" },
            "e": { "$ref": format!("#/components/schemas/{}", topic.events) },
        },
    });
    frame(schemas, "event", &body)
}

fn channels(requests: &[(String, Value)], responses: &[(String, Value)]) -> Value {
    let mut frames = Map::new();
    for (tag, _) in requests {
        frames.insert(format!("request.{tag}"), component(&format!("request.{tag}")));
    }
    for (tag, _) in responses {
        frames.insert(format!("response.{tag}"), component(&format!("response.{tag}")));
    }
    let mut channels = Map::new();
    channels.insert(
        "socket".into(),
        json!({
            "address": "/v1/ws",
            "title": "The socket",
            "description": format!(
                "Subprotocols `{SUBPROTOCOL}` and `bearer.<access token>`; a client that cannot set them sends `hello` within {} s.",
                limits::HELLO_MS_MAX / 1000
            ),
            "messages": frames,
            "bindings": { "ws": { "method": "GET" } },
        }),
    );
    for topic in TOPICS {
        channels.insert(topic.name.into(), channel(topic));
    }
    Value::Object(channels)
}

fn channel(topic: &Topic) -> Value {
    let mut messages = Map::new();
    for push in topic.pushes {
        let name = if *push == "event" { format!("topic.{}.event", topic.name) } else { format!("response.{push}") };
        messages.insert((*push).into(), component(&name));
    }
    let mut channel = json!({
        "address": topic.address,
        "description": format!("{} Followed by `subscribe` on the socket.", topic.about),
        "messages": messages,
        "x-snapshot": { "$ref": format!("#/components/schemas/{}", topic.snapshot) },
    });
    for noun in ["class", "room"] {
        if topic.address.contains(&format!("{{{noun}}}")) {
            channel["parameters"] = json!({ noun: { "description": format!("UUID of the {noun}.") } });
        }
    }
    channel
}

fn operations(requests: &[(String, Value)]) -> Value {
    let mut operations = Map::new();
    for (tag, _) in requests {
        let (_, replies) = REPLIES.iter().find(|(request, _)| request == tag).expect("every request is in REPLIES");
        let mut operation = json!({
            "action": "receive",
            "channel": { "$ref": "#/channels/socket" },
            "messages": [on_socket(&format!("request.{tag}"))],
        });
        if !replies.is_empty() {
            let mut all: Vec<_> = replies.iter().map(|reply| on_socket(&format!("response.{reply}"))).collect();
            all.push(on_socket("response.refused"));
            operation["reply"] = json!({ "channel": { "$ref": "#/channels/socket" }, "messages": all });
        }
        operations.insert(tag.clone(), operation);
    }
    let pushes: Vec<_> = PUSHES.iter().map(|push| on_socket(&format!("response.{push}"))).collect();
    operations.insert(
        "push".into(),
        json!({ "action": "send", "channel": { "$ref": "#/channels/socket" }, "messages": pushes }),
    );
    for topic in TOPICS {
        let channel = format!("#/channels/{}", topic.name);
        let all: Vec<_> =
            topic.pushes.iter().map(|push| json!({ "$ref": format!("{channel}/messages/{push}") })).collect();
        operations.insert(
            format!("push_{}", topic.name),
            json!({ "action": "send", "channel": { "$ref": channel }, "messages": all }),
        );
    }
    Value::Object(operations)
}

fn component(message: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{message}") })
}

fn on_socket(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/socket/messages/{message}") })
}

fn close(close: &CloseCode) -> Value {
    json!({ "code": close.code(), "reason": close.reason(), "meaning": close.meaning(), "may_return": close.may_return() })
}
