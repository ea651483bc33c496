//! The pages, out of the binary: what `cargo xtask web` has built into web/dist. Without them the server runs all the same, and
//! its pages say how to build them.

use super::ApiError;
use super::assets::{Asset, Keep};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use fitconnect_protocol::ErrorCode;
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

static PAGES: LazyLock<Pages> = LazyLock::new(|| {
    Pages::new(Dist::iter().filter_map(|name| {
        let bytes = match Dist::get(&name)?.data {
            Cow::Borrowed(bytes) => bytes.into(),
            Cow::Owned(bytes) => bytes.into(),
        };
        Some((name.into_owned(), bytes))
    }))
});

/// Everything that no other route has: pages, their files, and what is not there.
pub async fn any(request: HttpRequest) -> HttpResponse {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD")).finish();
    }
    PAGES.answer(&request)
}

/// Files by their path below web/dist.
pub(super) struct Pages(BTreeMap<String, Asset>);

impl Pages {
    pub(super) fn new(files: impl Iterator<Item = (String, bytes::Bytes)>) -> Pages {
        Pages(files.map(|(name, bytes)| (name.clone(), Asset::new(&name, bytes))).collect())
    }

    pub(super) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let path = request.path().trim_start_matches('/');
        if path.starts_with("v1/") {
            return ApiError::new(ErrorCode::NotFound, "there is no such resource: see /docs").error_response();
        }
        match self.find(path) {
            Some((name, asset)) => {
                asset.answer(request, if name.starts_with("assets/") { Keep::ForEver } else { Keep::Ask })
            }
            None if is_page(path) && !self.are_built() => {
                page(StatusCode::SERVICE_UNAVAILABLE, include_str!("pages/missing.html"))
            }
            None => page(StatusCode::NOT_FOUND, include_str!("pages/not_found.html")),
        }
    }

    /// `/` is the first page, `/tv` is tv.html, a file is itself; what lies below a page, as `/app/history`, is its own affair.
    fn find(&self, path: &str) -> Option<(&String, &Asset)> {
        let names = match path {
            "" => vec!["index.html".to_owned(), "login.html".to_owned()],
            page if is_page(page) => vec![format!("{page}.html")],
            below if !below.contains('.') => vec![format!("{}.html", below.split('/').next().unwrap_or_default())],
            file => vec![file.to_owned()],
        };
        names.iter().find_map(|name| self.0.get_key_value(name))
    }

    fn are_built(&self) -> bool {
        self.0.keys().any(|name| name.ends_with(".html"))
    }
}

/// A name without a folder and an ending.
fn is_page(path: &str) -> bool {
    !path.contains(['.', '/'])
}

fn page(status: StatusCode, html: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}
