//! What nexus costs beside the bare SDK, on the same server, in the same shape, in turn: `ci/cluster.sh bench`, and
//! without the noise of a machine `ci/cluster.sh instructions`.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use nexus::prelude::*;
use nexus_restate::{Cluster, Worker};
use restate_sdk::endpoint::Endpoint;
use restate_sdk::http_server::HttpServer;
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Runtime};

use self::bare::{BareCalls, BareEvent, BareSteps};
use crate::support::{
    admin, cluster, free_address, ingress, new_key, wait_until, wait_until_known,
};

mod bare;

const STEPS: usize = 10;

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

thread_local! {
    /// The runtime of the requests of this thread, as the client has one for each thread that waits.
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

/// A request, answered over a connection of its own, with the library that the client has as well.
fn request(url: &str, method: &str, path: &str, body: &str) -> String {
    let host = url.strip_prefix("http://").unwrap();
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .unwrap();
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(host).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let response = sender.send_request(request).await.unwrap();
            let status = response.status();
            let answer = response.into_body().collect().await.unwrap().to_bytes();
            let answer = String::from_utf8(answer.to_vec()).unwrap();
            assert!(status.is_success(), "{path}: {answer}");
            answer
        })
    })
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

/// A run from its beginning to its end.
type Run<'a> = Box<dyn Fn() + Sync + 'a>;

/// What is measured.
struct Shape<'a> {
    name: &'static str,
    /// The shorter it is, the more often it is measured.
    rounds: usize,
    bare: Run<'a>,
    nexus: Run<'a>,
}

fn shapes(cluster: &Cluster) -> [Shape<'_>; 2] {
    [
        Shape {
            name: "ten calls",
            rounds: 7,
            bare: Box::new(|| bare("BareCalls")),
            nexus: Box::new(move || ours(cluster, NexusCalls { text: text() })),
        },
        Shape {
            name: "ten recorded steps",
            rounds: 21,
            bare: Box::new(|| bare("BareSteps")),
            nexus: Box::new(move || ours(cluster, NexusSteps { text: text() })),
        },
    ]
}

/// Serves both, as long as the runtime is there, and has the server know them.
fn serve() -> Runtime {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let (worker, bare_worker) = (free_address(), free_address());
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
    wait_until("the bare worker does not listen", || TcpStream::connect(&bare_worker).is_ok());
    let uri = format!("{{\"uri\":\"http://{bare_worker}\"}}");
    request(&admin(), "POST", "/deployments", &uri);
    wait_until_known(&worker);
    runtime
}

/// Runs each shape whose name contains this so often, so many beside each other, for who counts what that takes.
pub(crate) fn repeat(only: &str, whose: &str, times: usize, beside: usize) {
    let _serving = serve();
    let cluster = cluster();
    for Shape { bare, nexus, .. } in shapes(&cluster).iter().filter(|it| it.name.contains(only)) {
        let run = if whose == "bare" { bare } else { nexus };
        time(beside, times, run);
    }
}

/// Measures the shapes whose names contain this, and prints.
pub(crate) fn measure(only: &str) {
    let _serving = serve();
    let cluster = cluster();
    for Shape { name, rounds, bare, nexus } in
        shapes(&cluster).iter().filter(|it| it.name.contains(only))
    {
        for (beside, times) in [(1, 20), (64, 4)] {
            time(beside, 2, bare);
            time(beside, 2, nexus);
            // What one of them leaves to be done costs the one that comes next.
            let pair = |round| {
                let measure = |run| cost(beside, times, run);
                if round % 2 == 0 {
                    return (measure(bare), measure(nexus));
                }
                let nexus = measure(nexus);
                (measure(bare), nexus)
            };
            let (bare, nexus): (Vec<Cost>, Vec<Cost>) = (0..*rounds).map(pair).unzip();
            let (bare, nexus) = (median(bare), median(nexus));
            let steps = f64::from(u32::try_from(beside * times * STEPS).unwrap());
            println!(
                "{name}, {beside} beside each other: bare {}, nexus {}, {:.2} times the time",
                bare.by(steps),
                nexus.by(steps),
                nexus.time / bare.time
            );
        }
    }
}

/// What some runs cost, in seconds.
struct Cost {
    time: f64,
    /// The processor time of the server, and of this process with its workers and clients.
    server: f64,
    own: f64,
}

fn cost(beside: usize, times: usize, run: &Run<'_>) -> Cost {
    let server = &crate::support::addresses("NEXUS_CLUSTER_PIDS")[0];
    let before = [server, "self"].map(processor_time);
    let time = time(beside, times, run).as_secs_f64();
    let [of_server, own] = [server, "self"].map(processor_time);
    Cost { time, server: of_server - before[0], own: own - before[1] }
}

/// The processor time of a process so far, in seconds; 0 where the system does not say it like Linux.
fn processor_time(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The median of the times; the mean of the rest, which is told in hundredths of a second.
fn median(mut all: Vec<Cost>) -> Cost {
    all.sort_by(|one, other| one.time.total_cmp(&other.time));
    let count = f64::from(u32::try_from(all.len()).unwrap());
    let mean = |of: fn(&Cost) -> f64| all.iter().map(of).sum::<f64>() / count;
    let (server, own) = (mean(|cost| cost.server), mean(|cost| cost.own));
    Cost { time: all[all.len() / 2].time, server, own }
}

impl Cost {
    fn by(&self, steps: f64) -> String {
        let micros = |seconds: f64| seconds * 1e6 / steps;
        let (time, server, own) = (micros(self.time), micros(self.server), micros(self.own));
        format!("{time:.0} µs a step (processors: server {server:.0}, worker and client {own:.0})")
    }
}
