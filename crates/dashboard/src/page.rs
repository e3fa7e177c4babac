//! The page, its script and its style, which are part of the program.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use nexus_picture::Picture;
use serde::Deserialize;

use crate::access::COOKIE;
use crate::app::App;
use crate::error::ApiError;

const PAGE: &str = include_str!("../page/index.html");
const LOGIN: &str = include_str!("../page/login.html");
const SCRIPT: &str = concat!(
    include_str!("../page/base.js"),
    include_str!("../page/runs.js"),
    include_str!("../page/run.js"),
    include_str!("../page/more.js"),
    include_str!("../page/main.js"),
);
const LOGIN_SCRIPT: &str = include_str!("../page/login.js");
const STYLE: &str = include_str!("../page/style.css");

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(page))
        .route("/script.js", get(async || javascript(SCRIPT)))
        .route("/login.js", get(async || javascript(LOGIN_SCRIPT)))
        .route("/style.css", get(style))
        .route("/login", post(login))
}

async fn page(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let base = escaped(uri.path().trim_end_matches('/'));
    if app.access.caller(&headers).is_some() {
        return Html(PAGE.replace("{base}", &base)).into_response();
    }
    (StatusCode::UNAUTHORIZED, Html(LOGIN.replace("{base}", &base))).into_response()
}

fn javascript(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text).into_response()
}

/// The page's own style, and that of pictures, which follows the page's switch between light and dark.
async fn style() -> Response {
    let (light, dark) = Picture::STYLE
        .split_once("@media (prefers-color-scheme:dark){")
        .unwrap_or((Picture::STYLE, "}"));
    let dark =
        dark.trim_end().trim_end_matches('}').replace(".nexus-picture ", ".dark .nexus-picture ");
    let style = format!("{light}{dark}{STYLE}");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

#[derive(Deserialize)]
struct Login {
    token: String,
}

/// Keeps a token in a cookie that scripts cannot read, if it is one.
async fn login(State(app): State<Arc<App>>, body: axum::body::Bytes) -> Result<Response, ApiError> {
    let Login { token } = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("a token was expected: {error}")))?;
    if app.access.owner(&token).is_none() {
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "that token is not known here"));
    }
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800");
    let cookie = HeaderValue::from_str(&cookie)
        .map_err(|_| ApiError::bad_request("a token has no such characters"))?;
    Ok(([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response())
}

/// For the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}
