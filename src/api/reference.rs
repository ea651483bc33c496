//! `/docs`: the API reference, a small page of our own that draws the OpenAPI document. It needs no network and no Node.

use super::assets::{Asset, Keep};
use actix_web::{HttpRequest, HttpResponse, get};
use std::sync::LazyLock;

macro_rules! file {
    ($handler:ident $route:literal $name:literal) => {
        #[get($route)]
        pub async fn $handler(request: HttpRequest) -> HttpResponse {
            static FILE: LazyLock<Asset> =
                LazyLock::new(|| Asset::new($name, include_bytes!(concat!("reference/", $name)).as_slice()));
            FILE.answer(&request, Keep::Ask)
        }
    };
}

file!(page "/docs" "index.html");
file!(script "/docs/reference.js" "reference.js");
file!(style "/docs/reference.css" "reference.css");
