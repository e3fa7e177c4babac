//! Requests to a server, over HTTP/1.1.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::{Error, Result};
use crate::message::TRACEPARENT;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The address of a server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    url: Arc<str>,
    /// Host and port.
    authority: Arc<str>,
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Server {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let wrong = |why: &str| Error::Address { url: url.to_owned(), why: why.to_owned() };
        let uri: http::Uri = url.parse().map_err(|error| wrong(&format!("{error}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(wrong(
                    "it begins with `https`; servers are spoken to without TLS, so let a proxy do that",
                ));
            }
            _ => return Err(wrong("it does not begin with `http://`")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("it has a path"));
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("it names no host"))?;
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self { url: url.trim_end_matches('/').into(), authority: authority.into() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response> {
        self.send("GET", path, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Result<Response> {
        self.send("POST", path, body.into()).await
    }

    /// Posts from this place in a trace.
    pub(crate) async fn post_in(
        &self,
        traceparent: Option<&str>,
        path: &str,
        body: Bytes,
    ) -> Result<Response> {
        self.exchange("POST", path, traceparent, body).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Bytes) -> Result<Response> {
        self.exchange(method, path, None, body).await
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        traceparent: Option<&str>,
        body: Bytes,
    ) -> Result<Response> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &*self.authority)
            .header("content-type", "application/json")
            .header("accept", "application/json");
        let request = traceparent.into_iter().fold(request, |it, at| it.header(TRACEPARENT, at));
        self.answer(request, body)
            .await
            .map_err(|source| Error::Unreachable { url: self.url.to_string(), source })
    }

    async fn answer(&self, request: http::request::Builder, body: Bytes) -> io::Result<Response> {
        let request = request.body(Full::new(body)).map_err(io::Error::other)?;
        let connecting = TcpStream::connect(&*self.authority);
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "nobody accepted the connection");
        let stream = tokio::time::timeout(CONNECT, connecting).await.map_err(late)??;
        stream.set_nodelay(true)?;
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = shaken.await.map_err(io::Error::other)?;
        let answer = async {
            let response = sender.send_request(request).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            Ok(Response { status, body })
        };
        // The connection moves on as long as somebody polls it.
        let mut connection = std::pin::pin!(connection);
        let mut answer = std::pin::pin!(answer);
        let mut is_open = true;
        let ended: hyper::Result<Response> = std::future::poll_fn(|cx| {
            if is_open && connection.as_mut().poll(cx).is_ready() {
                is_open = false;
            }
            answer.as_mut().poll(cx)
        })
        .await;
        ended.map_err(io::Error::other)
    }
}

impl Response {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the server says, in a line.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let message = json.as_ref().and_then(|json| json.get("message")?.as_str());
        message.unwrap_or(&text).chars().take(2000).collect()
    }

    /// The error of a request that was refused.
    pub(crate) fn refusal(&self, what: impl Into<String>) -> Error {
        Error::Refused { what: what.into(), status: self.status, message: self.text() }
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T> {
        self.read(what, |body| serde_json::from_slice(body))
    }

    pub(crate) fn read<'a, T>(
        &'a self,
        what: &str,
        read: impl FnOnce(&'a [u8]) -> serde_json::Result<T>,
    ) -> Result<T> {
        if !self.is_success() {
            return Err(self.refusal(what));
        }
        read(&self.body)
            .map_err(|error| Error::Answer { what: what.to_owned(), why: error.to_string() })
    }
}

/// A text as a part of a path.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a text never fails.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}
