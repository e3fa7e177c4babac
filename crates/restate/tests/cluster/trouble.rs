//! Workers that are not there, or are killed; servers that are none.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use nexus::prelude::*;
use nexus_restate::{Cluster, Error};

use crate::program::SlowPipeline;
use crate::support::{WorkerProcess, admin, cluster, new_key};

pub(crate) fn a_run_without_its_worker_waits_for_one() {
    let mut worker = WorkerProcess::start();
    worker.kill();
    let (cluster, key) = (cluster(), new_key("waits"));
    cluster.prepare(SlowPipeline { millis: 1 }).unwrap().key(&*key).send().unwrap();
    let state = || cluster.runs().unwrap().into_iter().find(|run| run.key == key).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while state().failure.is_none() {
        assert!(Instant::now() < until, "nobody says that there is no worker");
        std::thread::sleep(Duration::from_millis(50));
    }
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

pub(crate) fn a_killed_worker_loses_nothing() {
    let kills: usize = std::env::var("NEXUS_CLUSTER_KILLS").map_or(5, |n| n.parse().unwrap());
    let mut worker = WorkerProcess::start();
    let cluster = cluster();
    let mut done = 0;
    while done < kills {
        let key = new_key("killed");
        let slow = || cluster.prepare(SlowPipeline { millis: 60 }).unwrap().key(&*key);
        slow().send().unwrap();
        for round in 0..3 {
            // At another moment each time.
            let moment = Duration::from_millis((done * 37 + round * 61) as u64 % 130);
            std::thread::sleep(moment);
            worker.kill();
            worker.restart();
            done += 1;
        }
        let report = slow().run().unwrap();
        assert!(report.is_success(), "{report}");
        let mut times: HashMap<String, usize> = HashMap::new();
        // What was left of other runs may come in between.
        let run = report.run_id().to_string();
        for line in worker.invoked().into_iter().filter(|line| line.starts_with(&run)) {
            *times.entry(line).or_default() += 1;
        }
        assert_eq!(times.len(), 10, "{times:?}");
        // Three kills can each hit a step once more.
        let again: usize = times.values().map(|times| times - 1).sum();
        assert!(again <= 3, "{times:?}");
        assert!(report.steps().all(|step| step.attempts() == 1), "a kill is no attempt");
    }
    println!("{done} kills, none lost");
}
