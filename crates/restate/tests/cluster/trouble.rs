//! Workers that are not there, servers that are none, and what else is wrong.

use std::time::Duration;

use nexus::prelude::*;
use nexus_restate::{Cluster, Error};

use crate::program::{ApprovalPipeline, HeavyPipeline, HurriedPipeline, SlowPipeline, weigh};
use crate::support::{WorkerProcess, admin, cluster, ingress, new_key, wait_until};
use crate::three::nodes;

/// A client that soon loses patience with a run that does not go on.
fn impatient() -> Cluster {
    cluster().patience(Duration::from_secs(2))
}

/// Has somebody lose patience with a run until what does not go on is this.
fn is_stuck(run: impl Fn() -> nexus_restate::Result<Report>, with: &str) {
    // A busy server may not have tried yet.
    wait_until(&format!("nobody says `{with}`"), || match run() {
        Err(Error::Stuck { why, .. }) => {
            println!("{why}");
            why.contains(with)
        }
        other => panic!("it is not stuck: {other:?}"),
    });
}

/// Has to be first: the server remembers all events that anybody has offered.
pub(crate) fn an_event_that_no_worker_offers_is_said() {
    let worker = WorkerProcess::start_with(&["quick"]);
    let key = new_key("offered");
    let slow = |cluster: Cluster| cluster.prepare(SlowPipeline { millis: 1 }).unwrap().key(&*key);
    is_stuck(|| slow(impatient()).run(), "nexus.slow");
    drop(worker);
    // The run was kept for somebody who does.
    let _worker = WorkerProcess::start();
    assert!(slow(cluster()).run().unwrap().is_success());
}

pub(crate) fn an_event_of_another_version_is_said() {
    let _worker = WorkerProcess::start();
    let mut registry = Registry::new();
    let _ = registry.event("s", |_: &Context| Outcome::success(1_u32)).version(9).output_json();
    let plan = Flow::parse("s").unwrap().plan(&registry, &Fields::new()).unwrap();
    let run = || impatient().prepare_plan(&plan, Inputs::new()).unwrap().run();
    is_stuck(run, "cannot go on: its flow has changed since it began");
}

pub(crate) fn pipelines_have_their_own_keys() {
    let _worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("shared"));
    let slow = cluster.prepare(SlowPipeline { millis: 1 }).unwrap().key(&*key).run().unwrap();
    let hurried = cluster.prepare(HurriedPipeline { millis: 1 }).unwrap().key(&*key).run().unwrap();
    assert_eq!((slow.steps().count(), hurried.steps().count()), (10, 2));
}

pub(crate) fn a_worker_that_is_told_to_end_repeats_nothing() {
    let mut worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("ended"));
    let slow = || cluster.prepare(SlowPipeline { millis: 400 }).unwrap().key(&*key);
    slow().send().unwrap();
    wait_until("no body begins", || !worker.invoked().is_empty());
    assert!(worker.terminate().success());
    worker.restart();
    let report = slow().run().unwrap();
    assert!(report.is_success(), "{report}");
    let run = report.run_id().to_string();
    let invoked = worker.invoked().into_iter().filter(|line| line.starts_with(&run)).count();
    assert_eq!(invoked, 10, "each step once");
}

/// The server that was started again ends with the test.
pub(crate) fn a_client_waits_while_the_server_begins_again() {
    let worker = WorkerProcess::start();
    let cluster = cluster().patience(Duration::from_mins(3));
    let key = new_key("restarted");
    let run = cluster.prepare(SlowPipeline { millis: 100 }).unwrap().key(&*key);
    let waiting = std::thread::spawn(move || run.run());
    wait_until("no body begins", || !worker.invoked().is_empty());
    let mut node = nodes().remove(0);
    node.kill();
    node.restart_at_last();
    let report = waiting.join().unwrap().unwrap();
    assert!(report.is_success(), "{report}");
}

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
    // Nobody has said where that is.
    assert!(matches!(Cluster::connect(&ingress()).unwrap().runs(), Err(Error::NoAdmin { .. })));

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
    let error = lonely("x".repeat(17 << 20));
    assert!(matches!(error, Err(Error::TooLong { .. })), "{error:?}");
}

/// Otherwise a run that yields too much is tried again for ever, or a server breaks its connections.
pub(crate) fn a_message_may_have_16_mebibytes_and_a_run_32() {
    let _worker = WorkerProcess::start();
    let cluster = cluster();
    let run = |text: usize, called: usize, here: usize| {
        let pipeline = HeavyPipeline { text: "x".repeat(text), called, here };
        cluster.prepare(pipeline).unwrap().run()
    };
    // What nexus takes, servers take.
    let most = (16 << 20) - (70 << 10);
    assert_eq!(run(most, 1, 1).unwrap().get::<weigh>().unwrap(), &most);

    // A value that is too long is an exception of its event, in a call as in the run's handler.
    for (called, here, heavy, light) in
        [(17 << 20, 1, "heavy", "heavy_here"), (1, 17 << 20, "heavy_here", "heavy")]
    {
        let report = run(1, called, here).unwrap();
        let step = |name: &str| report.steps().find(|step| step.path().ends_with(name)).unwrap();
        let outcome = format!("{:?}", step(heavy).outcome());
        assert!(outcome.contains("longer than 16320 KiB"), "{outcome}");
        assert!(step(light).is_success(), "{report}");
    }
    // Together they are more than the run's output takes.
    let error = run(10 << 20, 15 << 20, 15 << 20).unwrap_err().to_string();
    assert!(error.contains("what the events of the run have yielded is 4"), "{error}");

    // What somebody says for whom a step has waited.
    let (approval, key) = ("x".repeat(17 << 20), new_key("heavy"));
    cluster.prepare(ApprovalPipeline { millis: 1 }).unwrap().key(&*key).send().unwrap();
    let plan = ApprovalPipeline::plan().unwrap();
    let error = cluster.resolve(plan, &key, "approve", approval);
    assert!(matches!(error, Err(Error::TooLong { .. })), "{error:?}");
    assert!(cluster.cancel("ApprovalPipeline", &key).unwrap());
}
