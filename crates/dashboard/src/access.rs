//! Who may ask for anything, and under which name the dashboard may be reached.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::server::ServeError;

/// The cookie that a browser keeps a token in.
pub(crate) const COOKIE: &str = "nexus_dashboard";

const SHORTEST_TOKEN: usize = 16;

/// Who may use the dashboard, under which host names.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) tokens: Vec<Token>,
    pub(crate) hosts: Vec<String>,
}

/// A secret, and who has it.
pub(crate) struct Token {
    name: Arc<str>,
    secret: String,
}

/// Who has sent a request, if a token says so.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Option<Arc<str>>);

impl Token {
    pub(crate) fn new(name: String, secret: &str) -> Result<Self, ServeError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if secret.len() < SHORTEST_TOKEN || !secret.bytes().all(is_plain) {
            return Err(ServeError::WeakToken { name });
        }
        Ok(Self { name: name.into(), secret: secret.to_owned() })
    }
}

impl Access {
    /// Whose token this is. Every token is compared whole, so that the time says nothing of how much
    /// of a guess is right.
    pub(crate) fn owner(&self, secret: &str) -> Option<&Arc<str>> {
        let mut owner = None;
        for token in &self.tokens {
            if bool::from(token.secret.as_bytes().ct_eq(secret.as_bytes())) {
                owner = Some(&token.name);
            }
        }
        owner
    }

    /// Who has sent this, or `None` if that cannot be told and has to be.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if self.tokens.is_empty() {
            return Some(Caller(None));
        }
        let owner = bearer(headers).or_else(|| cookie(headers)).and_then(|it| self.owner(it));
        owner.map(|name| Caller(Some(Arc::clone(name))))
    }

    /// Whether the dashboard may be reached under this host. An address is always allowed: only a name
    /// can be made to lead somewhere else.
    fn allows_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = without_port(&host);
        let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        name == "localhost"
            || name.parse::<Ipv4Addr>().is_ok()
            || bare.is_some_and(|it| it.parse::<Ipv6Addr>().is_ok())
            || self.hosts.iter().any(|known| *known == name || *known == host)
    }

    /// Refuses what comes under a foreign name, or from a page of another origin.
    pub(crate) fn check_source(&self, parts: &Parts) -> Result<(), ApiError> {
        let forbidden = |why: String| Err(ApiError::new(StatusCode::FORBIDDEN, why));
        let Some(host) = host(parts) else {
            return Err(ApiError::bad_request("the request says no host"));
        };
        if !self.allows_host(host) {
            return forbidden(format!(
                "the dashboard is not reached under the host `{host}`; allow it with `Dashboard::host`"
            ));
        }
        let headers = &parts.headers;
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let of_origin = origin.split_once("://").map(|(_, authority)| authority);
            if !of_origin.is_some_and(|it| it.eq_ignore_ascii_case(host)) {
                return forbidden(format!("requests from the origin `{origin}` are refused"));
            }
        }
        // A link from elsewhere may lead to the page, and to nothing else.
        let header =
            |name: &'static str| headers.get(name).map_or("", |it| it.to_str().unwrap_or(""));
        let is_foreign = matches!(header("sec-fetch-site"), "cross-site" | "same-site");
        let is_link = parts.method == Method::GET && header("sec-fetch-mode") == "navigate";
        if is_foreign && !is_link {
            return forbidden("requests from pages of other sites are refused".to_owned());
        }
        Ok(())
    }
}

/// The host that a request is for.
fn host(parts: &Parts) -> Option<&str> {
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = all.flat_map(|it| it.split("; ")).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
