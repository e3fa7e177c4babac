//! What nexus costs beside the bare SDK, on the same server, in the same shape, in turn:
//! `ci/cluster.sh run 1 cargo test --release -p nexus-restate --features sdk --test cluster -- measure`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use nexus::prelude::*;
use nexus_restate::{Cluster, Worker};
use restate_sdk::endpoint::Endpoint;
use restate_sdk::http_server::HttpServer;
use tokio::net::TcpSocket;

use self::bare::{BareCalls, BareEvent, BareSteps};
use crate::support::{admin, cluster, ingress, new_key};

mod bare;

const STEPS: usize = 10;
const ROUNDS: usize = 7;

#[event]
fn hand_on(#[piped] text: &String) -> Outcome<String> {
    Outcome::success(text.clone())
}

#[event]
fn hand(text: &str) -> Outcome<String> {
    Outcome::success(text.to_owned())
}

#[derive(Pipeline)]
#[pipeline(durable, flow = hand |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on)]
struct NexusCalls {
    text: String,
}

#[derive(Pipeline)]
#[pipeline(durable, flow = {hand |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on |-> hand_on}[executor = DefaultExecutor])]
struct NexusSteps {
    text: String,
}

fn text() -> String {
    "x".repeat(100)
}

/// A request, answered over a connection of its own, as those of the client are.
fn request(url: &str, method: &str, path: &str, body: &str) -> String {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_nodelay(true).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{path}: {answer}");
    answer
}

fn bare(workflow: &str) {
    let (url, key) = (ingress(), new_key("bare"));
    request(&url, "POST", &format!("/{workflow}/{key}/run/send"), &format!("\"{}\"", text()));
    let path = format!("/restate/workflow/{workflow}/{key}/attach");
    assert!(request(&url, "GET", &path, "").contains(&text()));
}

fn ours<P: Pipeline>(cluster: &Cluster, pipeline: P) {
    let report = cluster.prepare(pipeline).unwrap().run().unwrap();
    assert_eq!(report.output::<String>().unwrap(), &text());
}

/// How long so many beside each other take, for each of them so many one after the other.
fn time(beside: usize, times: usize, run: &(dyn Fn() + Sync)) -> Duration {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..beside {
            scope.spawn(|| (0..times).for_each(|_| run()));
        }
    });
    begin.elapsed()
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A run from its beginning to its end.
type Run<'a> = Box<dyn Fn() + Sync + 'a>;

/// Measures, and prints.
pub(crate) fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (worker, bare_worker) = (free(), free());
    let serving = Worker::new()
        .pipelines(["NexusCalls", "NexusSteps"])
        .listen(&worker)
        .register(admin(), format!("http://{worker}"));
    runtime.spawn(async { serving.serve(std::future::pending()).await.unwrap() });
    let endpoint = Endpoint::builder().bind(BareEvent).bind(BareCalls).bind(BareSteps).build();
    // As a worker of nexus listens: without waiting for acknowledgements.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_nodelay(true).unwrap();
    socket.bind(bare_worker.parse().unwrap()).unwrap();
    runtime.spawn(async move {
        let listener = socket.listen(1024).unwrap();
        HttpServer::new(endpoint).serve_with_cancel(listener, std::future::pending::<()>()).await;
    });
    std::thread::sleep(Duration::from_secs(1));
    let uri = format!("{{\"uri\":\"http://{bare_worker}\"}}");
    request(&admin(), "POST", "/deployments", &uri);

    let cluster = &cluster();
    let shapes: [(&str, Run<'_>, Run<'_>); 2] = [
        (
            "ten calls",
            Box::new(|| bare("BareCalls")),
            Box::new(move || ours(cluster, NexusCalls { text: text() })),
        ),
        (
            "ten recorded steps",
            Box::new(|| bare("BareSteps")),
            Box::new(move || ours(cluster, NexusSteps { text: text() })),
        ),
    ];
    for (shape, bare, ours) in &shapes {
        for (beside, times) in [(1, 20), (64, 4)] {
            let (mut of_bare, mut of_ours) = (Vec::new(), Vec::new());
            time(beside, 2, bare);
            time(beside, 2, ours);
            for _ in 0..ROUNDS {
                of_bare.push(time(beside, times, bare));
                of_ours.push(time(beside, times, ours));
            }
            of_bare.sort();
            of_ours.sort();
            let (bare, ours) = (of_bare[ROUNDS / 2], of_ours[ROUNDS / 2]);
            let steps = u32::try_from(beside * times * STEPS).unwrap();
            let step = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(steps);
            println!(
                "{shape}, {beside} beside each other: bare {:.0} µs a step, nexus {:.0} µs, {:.2} times the time",
                step(bare),
                step(ours),
                ours.as_secs_f64() / bare.as_secs_f64()
            );
        }
    }
}
