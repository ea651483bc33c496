//! What surrounds every answer: origins, headers, health, pages, the document.

use super::*;
use crate::api::guard::CONTENT_SECURITY_POLICY;
use crate::api::openapi;
use crate::api::pages::Pages;
use actix_web::body;
use actix_web::http::header;
use serde_json::json;
use std::collections::BTreeSet;

#[actix_web::test]
async fn a_foreign_page_is_refused_and_ours_is_not() {
    let bench = Bench::with(|config| config.origins = vec!["https://app.example".into()]).await;
    let from = |origin: &str| {
        TestRequest::get()
            .uri("/v1/about")
            .insert_header(("host", "gym.example"))
            .insert_header(("origin", origin.to_owned()))
    };
    let foreign = bench.send(from("https://evil.example")).await;
    assert_eq!(foreign.refused(), refusal(403, "forbidden"));
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    bench.send(from("https://gym.example")).await.ok();
    let listed = bench.send(from("https://app.example")).await;
    assert_eq!((listed.status.as_u16(), listed.header("access-control-allow-origin")), (200, "https://app.example"));

    let ask = TestRequest::default().method(actix_web::http::Method::OPTIONS).uri("/v1/login");
    let ask =
        ask.insert_header(("origin", "https://app.example")).insert_header(("access-control-request-method", "POST"));
    let asked = bench.send(ask).await;
    assert_eq!(
        (asked.status.as_u16(), asked.header("access-control-allow-headers")),
        (204, "authorization, content-type")
    );
}

#[actix_web::test]
async fn a_foreign_page_opens_no_socket() {
    let bench = Bench::new().await;
    let dial = TestRequest::get()
        .uri("/v1/ws")
        .insert_header(("host", "gym.example"))
        .insert_header(("origin", "https://evil.example"))
        .insert_header(("upgrade", "websocket"))
        .insert_header(("connection", "upgrade"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
        .insert_header(("sec-websocket-protocol", "fitconnect.v1"));
    assert_eq!(bench.send(dial).await.refused(), refusal(403, "forbidden"));
}

#[actix_web::test]
async fn every_answer_keeps_the_browser_in_bounds() {
    let bench = Bench::new().await;
    for path in ["/", "/docs", "/docs/reference.js", "/v1/about", "/v1/me", "/healthz", "/nowhere/at/all"] {
        let got = bench.get(path, None).await;
        assert_eq!(got.header("content-security-policy"), CONTENT_SECURITY_POLICY, "{path}");
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(got.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(got.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(got.header("x-trace-id").len(), 16, "{path}");
    }
    for wanted in
        ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    {
        assert!(CONTENT_SECURITY_POLICY.contains(wanted), "{wanted}");
    }
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
}

#[actix_web::test]
async fn our_own_pages_hold_nothing_inline() {
    for html in [
        include_str!("../pages/missing.html"),
        include_str!("../pages/not_found.html"),
        include_str!("../reference/index.html"),
    ] {
        assert!(
            !html.contains("style=") && !html.contains("<style") && !html.contains("http:") && !html.contains("https:"),
            "{html}"
        );
        assert_eq!(html.matches("<script").count(), html.matches("<script type=\"module\" src=\"/").count(), "{html}");
    }
    let script = include_str!("../reference/reference.js");
    assert!(!script.contains("innerHTML") && !script.contains("https://"));
}

#[actix_web::test]
async fn clients_may_come_when_server_store_and_log_are_ready() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/healthz", None).await.text(), "ok\n");
    assert_eq!(bench.get("/readyz", None).await.refused(), refusal(503, "shutting_down"));
    bench.app.telemetry.set_ready(true);
    assert_eq!(bench.get("/readyz", None).await.status, 200);
    bench.log.is_open.store(false, Ordering::Relaxed);
    assert_eq!(bench.get("/readyz", None).await.refused(), refusal(503, "busy"));
}

#[actix_web::test]
async fn requests_and_logins_are_counted_without_names() {
    let bench = Bench::new().await;
    let member = bench.person(Role::Member);
    bench.post("/v1/login", None, json!({ "email": member.email, "password": "wrong" })).await;
    bench.get("/v1/me", Some("nonsense")).await;
    let got = bench.get("/metrics", None).await;
    let text = got.text();
    assert!(got.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        "fitconnect_logins_total{outcome=\"wrong\"} 1",
        "fitconnect_tokens_refused_total 1",
        "fitconnect_http_requests_total{status=\"4xx\"} 2",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains(&member.email) && !text.contains(&member.user.to_string()));
}

#[actix_web::test]
async fn the_login_page_shows_accounts_in_a_demo_only() {
    let plain = Bench::new().await.get("/v1/about", None).await.ok();
    assert_eq!((&plain["name"], &plain["demo"], plain.get("accounts")), (&json!("Test Gym"), &json!(false), None));
    assert_eq!(plain["protocol"], json!([1, 0]));
    let bench = Bench::with(|config| config.demo = true).await;
    let about = bench.get("/v1/about", None).await.ok();
    let accounts = about["accounts"].as_array().expect("a demo");
    assert_eq!(accounts.len(), 7, "an administrator, two trainers, a screen, three members");
    for account in accounts {
        let body = json!({ "email": account["email"], "password": account["password"] });
        assert_eq!(bench.post("/v1/login", None, body).await.ok()["role"], account["role"]);
    }
}

#[actix_web::test]
async fn what_is_not_there_is_said_in_the_askers_language() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/v1/nothing", None).await.refused(), refusal(404, "not_found"));
    let page = bench.get("/assets/nothing.js", None).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"));
    let wrong = bench.send(TestRequest::delete().uri("/login")).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, "GET, HEAD"));
}

fn pages(files: &[(&str, &str)]) -> Pages {
    Pages::new(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned().into())))
}

async fn serve(pages: &Pages, request: TestRequest) -> Got {
    let response = pages.answer(&request.to_http_request());
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = body::to_bytes(response.into_body()).await.expect("in memory");
    Got { status, headers, bytes: bytes.into() }
}

#[actix_web::test]
async fn pages_are_asked_for_each_time_and_hashed_files_are_kept() {
    let script = "export {};\n".repeat(200);
    let pages = pages(&[
        ("login.html", "<p>log in"),
        ("tv.html", "<p>wall"),
        ("assets/tv-3f2a.js", &script),
        ("icon.svg", "<svg/>"),
    ]);
    let get = |path: &str| TestRequest::get().uri(path);
    for (path, text) in
        [("/", "<p>log in"), ("/login", "<p>log in"), ("/tv?class=1", "<p>wall"), ("/tv/hall/1", "<p>wall")]
    {
        let got = serve(&pages, get(path)).await;
        assert_eq!((got.text().as_str(), got.header("cache-control")), (text, "no-cache"), "{path}");
        assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
    }
    let plain = serve(&pages, get("/assets/tv-3f2a.js")).await;
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((plain.text(), plain.header("content-encoding")), (script.clone(), ""));
    let small = serve(&pages, get("/assets/tv-3f2a.js").insert_header(("accept-encoding", "gzip, br"))).await;
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.bytes.len() < 200 && small.bytes.starts_with(&[0x1f, 0x8b]));
    let again =
        get("/tv").insert_header((header::IF_NONE_MATCH, serve(&pages, get("/tv")).await.header("etag").to_owned()));
    assert_eq!(serve(&pages, again).await.status, 304);
    for missing in ["/coach", "/coach/today", "/../Cargo.toml", "/assets/../tv.html", "/assets/"] {
        assert_eq!(serve(&pages, get(missing)).await.status, 404, "{missing}");
    }
}

#[actix_web::test]
async fn pages_that_were_never_built_say_how_to_build_them() {
    let pages = pages(&[]);
    for path in ["/", "/login", "/tv"] {
        let got = serve(&pages, TestRequest::get().uri(path)).await;
        assert_eq!(got.status, 503);
        assert!(got.text().contains("cargo xtask web") && got.text().contains("Node.js 20"), "{path}");
    }
    assert_eq!(serve(&pages, TestRequest::get().uri("/assets/tv.js")).await.status, 404);
}

#[actix_web::test]
async fn the_document_describes_every_route_and_all_that_it_refers_to() {
    let document = openapi::make();
    let paths: BTreeSet<&str> = document["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    let routes = routes();
    assert!(routes.len() > 10, "{routes:?}");
    assert_eq!(paths, routes.iter().map(String::as_str).collect());
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut names = Vec::new();
    openapi::refs(&document, &mut names);
    assert!(names.len() > 40);
    for name in names {
        let schema = schemas.get(&name).unwrap_or_else(|| panic!("{name} is not described"));
        let says =
            ["properties", "oneOf", "anyOf", "enum", "allOf", "type"].iter().any(|key| schema.get(key).is_some());
        assert!(says, "{name} says nothing: {schema}");
    }
    for wire in ["MemberSummary", "ClassSummary", "Profile", "Consent", "MakeClass"] {
        assert!(schemas[wire]["properties"].as_object().is_some_and(|all| all.len() > 3), "{wire}: {}", schemas[wire]);
    }
    assert!(!document.to_string().contains("additionalItems"));
    let served = Bench::new().await.get("/v1/openapi.json", None).await;
    assert_eq!(served.json(), document);
}

/// Routes of all handlers, as their attributes have them; the reference and the document itself are not in the document.
fn routes() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api");
    let files = std::fs::read_dir(folder).expect("our own sources").map(|entry| entry.expect("an entry").path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let lines = sources.flat_map(|path| {
        let text = std::fs::read_to_string(path).expect("a source");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let route = |line: String| {
        let rest = ["#[get(\"", "#[post(\"", "#[put(\"", "#[delete(\""]
            .iter()
            .find_map(|attribute| line.strip_prefix(attribute))?;
        rest.strip_suffix("\")]").map(str::to_owned)
    };
    lines.filter_map(route).filter(|route| route != "/v1/openapi.json").collect()
}
