//! Steps that wait for the world outside.

use std::sync::Arc;

use nexus::Plan;
use nexus::prelude::*;
use nexus_restate::{Cluster, Prepared};

use crate::program::ApprovalPipeline;
use crate::support::{WorkerProcess, cluster, new_key, wait_until};

fn plan() -> &'static Arc<Plan> {
    ApprovalPipeline::plan().unwrap()
}

fn approval(cluster: &Cluster, key: &str, millis: u64) -> Prepared {
    let prepared = cluster.prepare(ApprovalPipeline { millis }).unwrap().key(key);
    cluster.prepare(ApprovalPipeline { millis }).unwrap().key(key).send().unwrap();
    prepared
}

fn wait_until_pending(cluster: &Cluster, key: &str) {
    wait_until("nothing is pending", || {
        cluster.pending("ApprovalPipeline", key).unwrap() == ["approve"]
    });
}

pub(crate) fn a_step_waits_for_the_world_outside() {
    let mut worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("approval"));
    let run = approval(&cluster, &key, 0);
    wait_until_pending(&cluster, &key);
    let refused = |step: &str, value: u32| {
        cluster.resolve(plan(), &key, step, value).unwrap_err().to_string()
    };
    assert!(refused("approve", 7).contains("yields `String`"), "a number is no text");
    assert!(refused("aprove", 7).contains("did you mean `approve`"));
    assert!(refused("approve[0]", 7).contains("has no items"));
    // Nobody has to be there meanwhile.
    worker.kill();
    worker.restart();
    cluster.resolve(plan(), &key, "approve", "Ada says yes").unwrap();
    cluster.resolve(plan(), &key, "approve", "Ada says yes").unwrap();
    let report = run.run().unwrap();
    assert_eq!(report.output::<String>().unwrap(), "announced: Ada says yes", "{report}");
    // What was left of other runs may come in between.
    let run = report.run_id().to_string();
    assert_eq!(worker.invoked().iter().filter(|line| line.starts_with(&run)).count(), 1);
    assert!(cluster.pending("ApprovalPipeline", &key).unwrap().is_empty());
    let late = cluster.resolve(plan(), &key, "approve", "Bob says no").unwrap_err().to_string();
    assert!(late.contains("the run is over"), "{late}");
    let nobody = cluster.resolve(plan(), "no such key", "approve", "yes").unwrap_err().to_string();
    assert!(nobody.contains("there is no such run"), "{nobody}");
}

pub(crate) fn an_answer_may_come_before_its_step_is_pending() {
    let worker = WorkerProcess::start();
    let cluster = cluster();
    // Where this process stands still meanwhile, the body ends first, and another one takes its time.
    for millis in [500, 2_000, 5_000] {
        let (key, before) = (new_key("early"), worker.invoked().len());
        let run = approval(&cluster, &key, millis);
        wait_until("the body does not begin", || worker.invoked().len() > before);
        cluster.resolve(plan(), &key, "approve", "already").unwrap();
        let other = cluster.resolve(plan(), &key, "approve", "other").unwrap_err().to_string();
        assert_eq!(run.run().unwrap().output::<String>().unwrap(), "announced: already");
        if !other.contains("the run is over") {
            assert!(other.contains("is resolved already"), "{other}");
            return;
        }
    }
    panic!("no answer came before its step was pending");
}

pub(crate) fn what_a_step_waits_for_may_fail() {
    let _worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("fails"));
    let run = approval(&cluster, &key, 0);
    wait_until_pending(&cluster, &key);
    cluster.fail(plan(), &key, "approve", "Ada is ill").unwrap();
    // Its second attempt is pending by and by; until then the first is the one that was answered.
    wait_until("the second attempt takes no answer", || {
        cluster.resolve(plan(), &key, "approve", "Bob says yes").is_ok()
    });
    let report = run.run().unwrap();
    assert_eq!(report.output::<String>().unwrap(), "announced: Bob says yes", "{report}");
    assert_eq!(report.step("approve").unwrap().attempts(), 2);
}
