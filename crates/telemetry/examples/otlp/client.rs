//! A client for collectors on `http://`, which is enough for one on the same machine. For another one,
//! take the exporter's own: leave `with_http_client` out, and give `opentelemetry-otlp` its default
//! features.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// Posts, and waits for the answer.
#[derive(Debug)]
pub(crate) struct PlainHttp;

impl HttpClient for PlainHttp {
    // What `async_trait` makes of `async fn send_bytes(..)`.
    fn send_bytes<'a, 'f>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move { post(&request) })
    }
}

fn post(request: &Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (uri, body) = (request.uri(), request.body());
    let (host, port) = (uri.host().ok_or("no host in the endpoint")?, uri.port_u16().unwrap_or(80));
    let mut head = format!("POST {} HTTP/1.1\r\nHost: {host}:{port}\r\n", uri.path());
    for (name, value) in request.headers() {
        write!(head, "{name}: {}\r\n", value.to_str()?)?;
    }
    write!(head, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    let mut stream = TcpStream::connect((host, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer that is cut off")?;
    let status: u16 = head.split(' ').nth(1).ok_or("an answer without a status")?.parse()?;
    Ok(Response::builder().status(status).body(Bytes::from(body.to_owned()))?)
}
