//! What every request goes through, and what every answer carries.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::Caller;
use crate::app::App;
use crate::error::ApiError;

/// Nothing comes from elsewhere, no script and no style stands in the page, and no other page shows it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A request has so long to arrive whole and to be answered; an answer that goes on, such as that of
/// `/live`, may then take longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Checks a request, has it handled, and adds to the answer what keeps browsers careful.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_api = parts.uri.path().starts_with("/api/");
    let mut response = match app.access.check_source(&parts) {
        Err(refused) => refused.into_response(),
        Ok(()) => match app.access.caller(&parts.headers) {
            None if is_api => {
                let why =
                    "a token is needed: send `Authorization: Bearer ..`, or log in on the page";
                ApiError::new(StatusCode::UNAUTHORIZED, why).into_response()
            }
            caller => {
                parts.extensions.insert(caller.unwrap_or(Caller(None)));
                let answer = next.run(Request::from_parts(parts, body));
                tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
                    let why = "the request did not arrive, or was not answered, in time";
                    ApiError::new(StatusCode::REQUEST_TIMEOUT, why).into_response()
                })
            }
        },
    };
    for (name, value) in HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];
