//! A collector: it keeps what is posted to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// What was received.
#[derive(Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<Vec<(String, Value)>>>);

/// A span as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received(Value);

impl Receiver {
    /// One on a free port, and its address.
    pub(crate) fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self::default();
        let keeps = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                keeps.receive(stream.unwrap());
            }
        });
        (receiver, address)
    }

    fn receive(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut path, mut length) = (String::new(), 0);
        for line in reader.by_ref().lines() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("POST ") {
                rest.split(' ').next().unwrap().clone_into(&mut path);
            }
            if let Some(given) = line.to_lowercase().strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        self.0.lock().unwrap().push((path, serde_json::from_slice(&body).unwrap()));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
    }

    /// All of it, as text.
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap())
    }

    fn parts(&self, path: &str, [outer, inner, last]: [&str; 3]) -> Vec<Value> {
        let all = self.0.lock().unwrap();
        let of = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|(posted, _)| posted == path)
            .flat_map(|(_, body)| of(body, outer))
            .flat_map(|value| of(&value, inner))
            .flat_map(|value| of(&value, last))
            .collect()
    }

    pub(crate) fn spans(&self) -> Vec<Received> {
        let parts = self.parts("/v1/traces", ["resourceSpans", "scopeSpans", "spans"]);
        parts.into_iter().map(Received).collect()
    }

    /// The names of the metrics.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let parts = self.parts("/v1/metrics", ["resourceMetrics", "scopeMetrics", "metrics"]);
        parts.iter().map(|metric| metric["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The span with this name for which this is true.
    pub(crate) fn the(&self, name: &str, is: impl Fn(&Received) -> bool) -> Received {
        let found = self.spans().into_iter().filter(|span| span.name() == name && is(span));
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), 1, "{name}: {:#?}", self.spans());
        found[0].clone()
    }

    /// The one with this name.
    pub(crate) fn only(&self, name: &str) -> Received {
        self.the(name, |_| true)
    }

    /// The span around another one.
    pub(crate) fn around(&self, span: &Received) -> Received {
        let parent = span.text("parentSpanId");
        let found = self.spans().into_iter().find(|it| it.text("spanId") == parent);
        found.unwrap_or_else(|| panic!("{span:?} has a parent that was not received"))
    }
}

impl Received {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    /// An attribute as text.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        attribute(&self.0, name)
    }

    /// The events of this name.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let events = self.0["events"].as_array().cloned().unwrap_or_default();
        events.into_iter().filter(|event| event["name"] == name).collect()
    }

    /// The spans that it is linked to: their traces and their ids.
    pub(crate) fn links(&self) -> Vec<(String, String)> {
        let links = self.0["links"].as_array().cloned().unwrap_or_default();
        let text = |link: &Value, name| link[name].as_str().unwrap().to_owned();
        links.iter().map(|link| (text(link, "traceId"), text(link, "spanId"))).collect()
    }

    /// 1 if it succeeded, 2 if not.
    pub(crate) fn status(&self) -> Option<u64> {
        self.0["status"]["code"].as_u64()
    }
}

/// An attribute of a span or an event, as text.
pub(crate) fn attribute(of: &Value, name: &str) -> Option<String> {
    let found = of["attributes"].as_array()?.iter().find(|it| it["key"] == name)?;
    let value = found["value"].as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
