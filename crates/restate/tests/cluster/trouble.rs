//! Workers that are not there, servers that are none, and what else is wrong.

use nexus::prelude::*;
use nexus_restate::{Cluster, Error};

use crate::program::SlowPipeline;
use crate::support::{WorkerProcess, admin, cluster, new_key, wait_until};

pub(crate) fn a_run_without_its_worker_waits_for_one() {
    let mut worker = WorkerProcess::start();
    worker.kill();
    let (cluster, key) = (cluster(), new_key("waits"));
    cluster.prepare(SlowPipeline { millis: 1 }).unwrap().key(&*key).send().unwrap();
    let state = || cluster.runs().unwrap().into_iter().find(|run| run.key == key).unwrap();
    wait_until("nobody says that there is no worker", || state().failure.is_some());
    worker.restart();
    let report = cluster.prepare(SlowPipeline { millis: 1 }).unwrap().key(&*key).run().unwrap();
    assert!(report.is_success(), "{report}");
}

/// What no worker offers.
#[derive(Pipeline)]
#[pipeline(durable, flow = excuse_nobody)]
struct LonelyPipeline {
    text: String,
}

#[event]
fn excuse_nobody(text: &str) -> Outcome<usize> {
    Outcome::success(text.len())
}

pub(crate) fn what_is_wrong_is_said() {
    let refused = |url: &str| Cluster::connect(url).unwrap_err().to_string();
    assert!(refused("http://127.0.0.1:1").contains("no server answers at http://127.0.0.1:1"));
    assert!(refused("https://example.org").contains("TLS"));
    assert!(refused("ftp://example.org").contains("http://"));
    assert!(refused("nonsense").contains("http://"));
    // The admin interface is no ingress.
    assert!(matches!(Cluster::connect(&admin()), Err(Error::Refused { status: 404, .. })));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = nexus_restate::Worker::new().listen(&address).run().unwrap_err().to_string();
    assert!(error.contains("cannot listen") && error.contains(&address), "{error}");
    let error = nexus_restate::Worker::new().listen("shop").run().unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:9080"), "{error}");
    let error = nexus_restate::Worker::new().listen("127.0.0.1:0").events(["nobody"]).run();
    assert!(error.unwrap_err().to_string().contains("no event `nobody`"));
    let error = nexus_restate::Worker::new().listen("127.0.0.1:0").identity_key("x").run();
    assert!(error.unwrap_err().to_string().contains("`x` is no identity key"));

    let lonely = |text: String| cluster().prepare(LonelyPipeline { text }).unwrap().run();
    let error = lonely(String::new()).unwrap_err().to_string();
    assert!(error.contains("no worker offers the pipeline `LonelyPipeline`"), "{error}");
    let error = lonely("x".repeat(33 << 20));
    assert!(matches!(error, Err(Error::TooLong { .. })), "{error:?}");
}
