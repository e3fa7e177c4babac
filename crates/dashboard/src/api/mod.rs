//! The JSON API, `/api/v1`. `openapi.json` describes it; a test holds both equal.

mod events;
mod grid;
mod hints;
mod pools;
mod run;
mod runs;
mod schedules;
mod steps;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router, body::Bytes, extract::Query};
use nexus_core::journal::ActionTaken;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::Caller;
use crate::actions::Request;
use crate::app::App;
use crate::clock::now;
use crate::error::ApiError;
use crate::lock;
use crate::logs::LogsOf;

/// The document that describes this API.
const OPENAPI: &str = include_str!("../../openapi.json");

type Shared = State<Arc<App>>;
type Answer = Result<Response, ApiError>;

/// What there is, below `/api/v1`.
fn table() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        ("/info", get(info)),
        ("/runs", get(runs::list)),
        ("/counts", get(runs::counts)),
        ("/grid", get(grid::grid)),
        ("/runs/{key}", get(run::show)),
        ("/runs/{key}/steps", get(steps::list)),
        ("/runs/{key}/step", get(steps::one)),
        ("/runs/{key}/logs", get(logs)),
        ("/runs/{key}/picture", get(drawn)),
        ("/runs/{key}/actions", post(act)),
        ("/actions", get(actions)),
        ("/events", get(events::list)),
        ("/pools", get(pools::list)),
        ("/schedules", get(schedules::list)),
        ("/live", get(live)),
        ("/openapi.json", get(openapi)),
    ]
}

pub(crate) fn routes() -> Router<Arc<App>> {
    let routes = table().into_iter();
    routes.fold(Router::new(), |router, (path, handler)| {
        router.route(&format!("/api/v1{path}"), handler)
    })
}

pub(crate) async fn not_found(uri: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at `{}`", uri.path()))
}

pub(crate) async fn wrong_method() -> ApiError {
    let why = "this is not asked for with that method";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, why)
}

/// Reads the parameters behind the `?`. One that is not known is a mistake: it would be a filter that
/// filters nothing.
fn parameters<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    Query::try_from_uri(uri)
        .map(|Query(parameters)| parameters)
        .map_err(|error| ApiError::bad_request(error.body_text()))
}

/// Has an answer made that waits for the store, on a thread where waiting is allowed, and counts how long that
/// takes.
async fn blocking<T: IntoResponse>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, ApiError> + Send + 'static,
) -> Answer {
    let app = Arc::clone(app);
    let broke =
        |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be done");
    let counted = move || {
        let begun = Instant::now();
        let answer = work(&app).map(IntoResponse::into_response);
        lock(&app.live.rounds).work(begun.elapsed());
        answer
    };
    tokio::task::spawn_blocking(counted).await.map_err(broke)?
}

/// The same, of an answer in JSON.
async fn json<T: Serialize>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, ApiError> + Send + 'static,
) -> Answer {
    blocking(app, |app| work(app).map(Json)).await
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the JSON")]
struct Info {
    version: &'static str,
    /// Whether actions are allowed.
    actions: bool,
    /// Whether `/live` tells what happens.
    live: bool,
    /// Whether there are logs.
    logs: bool,
    /// Whether there are schedules.
    schedules: bool,
    /// Whose token this is.
    caller: Option<String>,
    /// How many runs are under way in this process.
    active: usize,
    now: nexus_core::journal::Timestamp,
}

async fn info(State(app): Shared, Extension(caller): Extension<Caller>) -> Json<Info> {
    Json(Info {
        version: env!("CARGO_PKG_VERSION"),
        actions: app.allows_actions,
        live: app.live.is_observed(),
        logs: app.logs.is_some(),
        schedules: app.schedules.is_some(),
        caller: caller.0.map(|name| name.to_string()),
        active: app.live.active_runs(),
        now: now(),
    })
}

async fn live(State(app): Shared, headers: HeaderMap) -> Response {
    app.streams.open(&app.engine, &app.live, &headers)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn drawn(State(app): Shared, Path(key): Path<String>) -> Answer {
    blocking(&app, move |app| {
        let history = app.history(&key)?;
        let svg = app.pictures.svg(&history).ok_or_else(|| {
            let why = "the run's flow is written in a language that this program does not know";
            ApiError::new(StatusCode::CONFLICT, why)
        })?;
        Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg))
    })
    .await
}

/// So many lines of a log are shown: the last ones.
const MOST_LINES: usize = 1000;

async fn logs(State(app): Shared, Path(key): Path<String>, uri: Uri) -> Answer {
    let of: LogsOf = parameters(&uri)?;
    let of = LogsOf { key, ..of };
    json(&app, move |app| {
        let mut lines = app.logs.as_ref().map(|source| source(&of)).unwrap_or_default();
        lines.drain(..lines.len().saturating_sub(MOST_LINES));
        Ok(lines)
    })
    .await
}

/// So many actions are shown: the last ones.
const MOST_ACTIONS: usize = 1000;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionsOf {
    key: Option<String>,
}

async fn actions(State(app): Shared, uri: Uri) -> Answer {
    let of: ActionsOf = parameters(&uri)?;
    let read = move |app: &App| Ok(app.engine.actions(of.key.as_deref(), MOST_ACTIONS)?);
    json(&app, read).await
}

/// `POST /runs/{key}/actions`.
async fn act(
    State(app): Shared,
    Path(key): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Answer {
    if !app.allows_actions {
        let why = "actions are off; `Dashboard::allow_actions` turns them on";
        return Err(ApiError::new(StatusCode::FORBIDDEN, why));
    }
    // A form of another site can send anything but this.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        let why = "an action is sent as `application/json`";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = body.map_err(|error| ApiError::new(error.status(), error.body_text()))?;
    let request: Request = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("that is no action: {error}")))?;
    if request.confirm != key {
        let why = format!("`confirm` must be the key of the run, `{key}`");
        return Err(ApiError::bad_request(why));
    }
    let named = |name: &String| !name.trim().is_empty();
    let by = caller.0.map(|name| name.to_string());
    let by =
        by.or_else(|| request.by.clone().filter(named)).unwrap_or_else(|| "unnamed".to_owned());
    json(&app, move |app| {
        let done = request.perform(&app.engine, &key);
        let error = done.as_ref().err().map(ToString::to_string);
        let mut taken = ActionTaken::new(now(), by, request.action.name(), key);
        (taken.step, taken.error) = (request.step, error);
        if let Some(call) = &app.on_action {
            call(&taken);
        }
        // Of runs that nobody knows anybody could have as many written down as he likes.
        let is_known = || Ok::<_, nexus_core::Error>(app.engine.stored_run(&taken.key)?.is_some());
        let noted = is_known()
            .and_then(|is_known| if is_known { app.engine.note_action(&taken) } else { Ok(()) });
        app.histories.forget(&taken.key);
        app.live.touch(&taken.key);
        done?;
        noted?;
        Ok(taken)
    })
    .await
}

#[cfg(test)]
mod tests;
