//! What bodies log, beside their attempts.

use std::io;
use std::sync::{Arc, OnceLock};

use nexus::Secret;
use nexus::journal::{MemoryStore, Store};
use nexus::prelude::*;
use nexus::telemetry::{AttemptLogs, Spans};
use nexus_dashboard::Dashboard;
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Answer, EVIL, ask};

/// It must be found nowhere.
const CANARY: &str = "canary-5c27";

#[event(executor = ThreadPoolExecutor, retry_policy = { max_attempts: 2, backoff_factor: 0.001 })]
fn charge(password: State<Secret<String>>, ctx: &Context) -> Result<u32, io::Error> {
    assert_eq!(password.expose(), CANARY);
    let span = tracing::info_span!("bank", attempt = ctx.attempt(), password = ?*password);
    span.in_scope(
        || tracing::warn!(password = %*password, cents = 1900, "{EVIL}\n2026-01-01 ERROR forged"),
    );
    tracing::trace!("nobody asked for this");
    if ctx.attempt() == 1 { Err(io::Error::other("busy")) } else { Ok(1900) }
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 1 })]
fn print(#[piped] cents: &u32) -> Outcome<Vec<u32>> {
    let password = Secret::new(CANARY.to_owned());
    tracing::info_span!("printer", cents).in_scope(|| tracing::info!(?password, "from the worker"));
    Outcome::success(vec![1, 2])
}

#[event(executor = AsyncExecutor)]
async fn ship(#[piped] parcel: u32) -> Outcome<u32> {
    tokio::task::yield_now().await;
    tracing::info!("parcel {parcel}");
    Outcome::success(parcel)
}

/// What a run inside of a body logs is the body's, unless that run is durable itself.
#[event]
fn tell(engine: State<Engine>) -> Outcome<()> {
    tracing::info!("tell");
    assert!(engine.run(Inner {}).unwrap().is_success());
    Outcome::success(())
}

#[event]
fn inner() -> Outcome<()> {
    tracing::info!("inner");
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = inner)]
struct Inner {}

#[derive(Pipeline)]
#[pipeline(durable, flow = charge |-> print |-> ship[each] -> tell)]
struct Order {}

/// The one of this process, whose subscriber is installed with the first call.
fn logs() -> AttemptLogs {
    static LOGS: OnceLock<AttemptLogs> = OnceLock::new();
    let install = || {
        let logs = AttemptLogs::new();
        let subscriber = tracing_subscriber::registry().with(LevelFilter::DEBUG);
        tracing::subscriber::set_global_default(subscriber.with(logs.clone())).unwrap();
        logs
    };
    LOGS.get_or_init(install).clone()
}

fn texts(lines: &Value) -> Vec<(u64, Option<u64>, String)> {
    let line = |line: &Value| {
        let text =
            format!("{} {}", line["level"].as_str().unwrap(), line["text"].as_str().unwrap());
        (line["attempt"].as_u64().unwrap(), line["item"].as_u64(), text)
    };
    lines.as_array().unwrap().iter().map(line).collect()
}

/// Otherwise whoever looks at a failed attempt has to search another system for what it said; and a log
/// would be where a password leaks, or where a stranger's text plays tricks on who reads it.
#[test]
fn what_bodies_log_stands_beside_their_attempts_and_holds_no_secrets() {
    let (logs, store, dashboard) = (logs(), Arc::new(MemoryStore::new()), Dashboard::new());
    let inside = Engine::builder().observer(Spans::new()).build().unwrap();
    let builder = Engine::builder().store(Arc::clone(&store)).observer(dashboard.observer());
    let engine = builder
        .observer(Spans::new())
        .state(inside)
        .state(Secret::new(CANARY.to_owned()))
        .build()
        .unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let server = dashboard.attempt_logs(&logs).serve(&engine, any).unwrap();
    let report = engine.prepare(Order {}).unwrap().key("logged").run().unwrap();
    assert!(report.is_success(), "{report}");

    let get = |path: &str| -> Answer {
        let head = format!("GET /api/v1/runs/logged{path} HTTP/1.1\r\nHost: localhost\r\n");
        ask(server.address(), &head, "")
    };
    let of = |query: &str| texts(&get(&format!("/logs?path={query}")).json());
    let charged = of("charge");
    let said = "WARN bank attempt=1 password=***: <script>alert('x')</script> \\u{1b}[31m & \"quoted\"\n    2026-01-01 ERROR forged password=*** cents=1900";
    assert_eq!(charged[0], (1, None, said.to_owned()));
    assert_eq!(charged[1], (2, None, said.replace("attempt=1", "attempt=2")));
    assert_eq!(charged.len(), 2);
    assert_eq!(of("charge&attempt=2"), charged[1..]);
    let printed = (1, None, "INFO printer cents=1900: from the worker password=***".to_owned());
    assert_eq!(of("print"), [printed]);
    let mut shipped = of("ship");
    shipped.sort();
    let parcel = |item: u64| (1, Some(item), format!("INFO parcel {}", item + 1));
    assert_eq!(shipped, [parcel(0), parcel(1)]);
    assert_eq!(of("ship&item=1"), [parcel(1)]);
    let told = ["INFO tell", "INFO inner"].map(|text| (1, None, text.to_owned()));
    assert_eq!(of("tell"), told);

    let shown = ["", "/steps", "/step?path=charge", "/step?path=print", "/logs?path=charge"];
    let shown = shown.map(|path| get(path).body).concat();
    let records = format!("{:?}", store.records("logged", 0, 100).unwrap());
    let run = format!("{:?}", store.run("logged").unwrap());
    for place in [shown, records, run, report.to_string(), format!("{logs:?}")] {
        assert!(!place.contains(CANARY), "{place}");
    }
}
