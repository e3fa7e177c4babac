//! An engine with runs of all kinds, its dashboard, and a client without manners.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nexus_core::journal::MemoryStore;
use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Plan, Registry, RunHandle};
use nexus_dashboard::{Dashboard, Server};
use serde_json::Value;

/// What a user's text may look like.
pub(crate) const EVIL: &str = "<script>alert('x')</script> \u{1b}[31m & \"quoted\"";

/// An engine with a store, and what its events ask.
pub(crate) struct Shop {
    pub(crate) engine: Engine,
    pub(crate) order: Arc<Plan>,
    pub(crate) waiting: Arc<Plan>,
    pub(crate) fan_out: Arc<Plan>,
    pub(crate) long: Arc<Plan>,
    /// Whether the bank takes money.
    pub(crate) bank_is_open: Arc<AtomicBool>,
}

impl Shop {
    pub(crate) fn new(dashboard: &Dashboard) -> Self {
        let bank_is_open = Arc::new(AtomicBool::new(false));
        let mut registry = Registry::new();
        registry.event("reserve", |_: &Context| Outcome::success(7_u32)).output_json();
        let is_open = Arc::clone(&bank_is_open);
        registry
            .event("charge", move |_: &Context| {
                if is_open.load(Ordering::SeqCst) {
                    Outcome::success(String::from("paid"))
                } else {
                    Outcome::failure(EVIL)
                }
            })
            .output_json();
        registry.event("approve", |_: &Context| Outcome::<String>::pending()).output_json();
        registry
            .event("orders", |_: &Context| Outcome::success((0..100).collect::<Vec<u32>>()))
            .output_json();
        registry
            .event("ship", |ctx: &Context| match ctx.item() {
                Some(13) => Outcome::failure("no stock"),
                _ => Outcome::success(1_u32),
            })
            .output_json()
            .each_of::<u32>();
        let plan =
            |script: &str| Flow::parse(script).unwrap().plan(&registry, &Fields::new()).unwrap();
        let (order, waiting) = (plan("reserve (1 -> charge)"), plan("reserve -> approve"));
        let fan_out = plan("orders |-> ship[each]");
        let long = plan(&vec!["reserve"; 3000].join(" -> "));
        let engine = Engine::builder()
            .store(MemoryStore::new())
            .observer(dashboard.observer())
            .resumable(&order)
            .resumable(&waiting)
            .build()
            .unwrap();
        Self { engine, order, waiting, fan_out, long, bank_is_open }
    }

    /// Runs this under a key until it is over.
    pub(crate) fn run(&self, plan: &Arc<Plan>, key: &str) {
        drop(self.engine.prepare_plan(plan, Inputs::new()).unwrap().key(key).run().unwrap());
    }

    /// A run that waits for somebody at `approve`.
    pub(crate) fn pending(&self, key: &str) -> RunHandle {
        let run = self.engine.prepare_plan(&self.waiting, Inputs::new()).unwrap();
        let handle = run.key(key).start().unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        while self.engine.pending(key).unwrap().is_empty() {
            std::thread::yield_now();
            assert!(Instant::now() < until, "it does not wait");
        }
        handle
    }
}

/// A dashboard that is served on a free port.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) shop: Shop,
}

impl Site {
    pub(crate) fn new(set_up: impl FnOnce(Dashboard) -> Dashboard) -> Self {
        let dashboard = set_up(Dashboard::new());
        let shop = Shop::new(&dashboard);
        let any = "127.0.0.1:0".parse().unwrap();
        Self { server: dashboard.serve(&shop.engine, any).unwrap(), shop }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Asks for something of the API.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\n"), "")
    }

    /// What the API says, which must have worked.
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    pub(crate) fn act(&self, key: &str, body: &str) -> Answer {
        let head = format!(
            "POST /api/v1/runs/{key}/actions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        );
        self.send(&head, body)
    }

    /// Sends a request, of which `head` has no blank line yet, and reads all of the answer.
    pub(crate) fn send(&self, head: &str, body: &str) -> Answer {
        ask(self.address(), head, body)
    }
}

/// Sends a request, of which `head` has no blank line yet, and reads all of the answer.
pub(crate) fn ask(address: SocketAddr, head: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}Connection: close\r\n\r\n{body}").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    Answer::parse(&String::from_utf8(text).unwrap())
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {text:?}"));
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// Why it could not be done.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

/// Asks again until it is so.
pub(crate) fn until(site: &Site, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = site.json(path);
        if is_so(&answer) {
            return answer;
        }
        assert!(Instant::now() < until, "never so: {answer}");
        std::thread::yield_now();
    }
}
