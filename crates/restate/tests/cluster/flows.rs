//! What runs give where nothing goes wrong.

use std::time::Duration;

use nexus::prelude::*;

use crate::program::{HurriedPipeline, Order, OrderPipeline, SlowPipeline, TracedPipeline};
use crate::support::{WorkerProcess, cluster, new_key, wait_until};

fn order(lines: u32) -> OrderPipeline {
    OrderPipeline { order: Order { id: "A1".to_owned(), lines } }
}

/// What a report says of its steps.
fn told(report: &Report) -> Vec<(String, String, u32)> {
    report
        .steps()
        .map(|step| (step.path(), format!("{:?}", step.outcome()), step.attempts()))
        .collect()
}

pub(crate) fn every_kind_of_step_runs_on_the_cluster() {
    let worker = WorkerProcess::start();
    let cluster = cluster();
    for (lines, output) in [
        (3, "A1 charged by the gateway, stamp of A1"),
        (0, "free, stamp of A1"),
        (7, "sorry: too many lines: A1 charged by the gateway, stamp of A1"),
    ] {
        let report = cluster.prepare(order(lines)).unwrap().run().unwrap();
        assert_eq!(report.output::<String>().unwrap(), output, "{report}");
        assert!(report.is_success(), "{report}");
        let again = if lines >= 2 { vec![Duration::from_millis(200)] } else { Vec::new() };
        assert_eq!(report.step("price").unwrap().waits(), &*again);
        // What runs in the handler is in the report like anything else.
        assert_eq!(report.step("stamp").unwrap().value::<String>().unwrap(), "stamp of A1");
        let prices = (1..=lines).map(|line| 10 * line).sum::<u32>();
        assert_eq!(report.step("total").unwrap().value::<u32>().unwrap(), &prices);
    }
    assert_eq!(worker.invoked().iter().filter(|line| line.contains("charge")).count(), 2);
}

pub(crate) fn a_key_is_one_run_and_other_inputs_are_refused() {
    let worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("once"));
    let first = cluster.prepare(order(3)).unwrap().key(&*key).run().unwrap();
    let invoked = worker.invoked();
    let second = cluster.prepare(order(3)).unwrap().key(&*key).run().unwrap();
    assert_eq!((first.run_id(), told(&first)), (second.run_id(), told(&second)));
    assert_eq!(worker.invoked(), invoked, "it was run again");
    let error = cluster.prepare(order(4)).unwrap().key(&*key).run().unwrap_err();
    assert!(matches!(error, nexus_restate::Error::KeyTaken { .. }), "{error:?}");
    let error = error.to_string();
    assert!(error.contains("other inputs") && error.contains("\"lines\":4"), "{error}");
}

pub(crate) fn a_report_can_be_had_later() {
    let _worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("later"));
    let plan = OrderPipeline::plan().unwrap();
    assert!(cluster.report(plan, &key).unwrap().is_none());
    cluster.prepare(order(3)).unwrap().key(&*key).send().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        // In blocking form inside of a runtime, too.
        assert!(cluster.runs().unwrap().iter().any(|run| run.key == key));
        cluster.prepare(order(3)).unwrap().key(&*key).run_async().await.unwrap()
    });
    let later = cluster.report(plan, &key).unwrap().unwrap();
    assert_eq!(told(&later), told(&report));
}

pub(crate) fn a_run_is_cancelled_and_listed() {
    let worker = WorkerProcess::start();
    let (cluster, key) = (cluster(), new_key("cancelled"));
    let slow = || cluster.prepare(SlowPipeline { millis: 1500 }).unwrap().key(&*key);
    slow().send().unwrap();
    wait_until("the run does not begin", || !worker.invoked().is_empty());
    assert!(cluster.cancel("SlowPipeline", &key).unwrap());
    let report = slow().run().unwrap();
    assert_eq!(report.status(), Status::Cancelled);
    let listed = cluster.runs().unwrap().into_iter().find(|run| run.key == key).unwrap();
    assert_eq!((&*listed.pipeline, &*listed.state), ("SlowPipeline", "completed"));
    assert!(!cluster.cancel("SlowPipeline", &key).unwrap(), "it is over");
    assert!(!cluster.cancel("SlowPipeline", "no such key").unwrap());
}

pub(crate) fn a_run_and_an_event_have_their_time() {
    let _worker = WorkerProcess::start();
    let cluster = cluster();
    let report = cluster.prepare(HurriedPipeline { millis: 1500 }).unwrap().run().unwrap();
    let outcome = format!("{:?}", report.step("slow").unwrap().outcome());
    assert!(outcome.contains("200ms"), "{outcome}");
    assert!(report.is_success() && report.step("slow/0/quick").unwrap().ran(), "{report}");
    let slow = cluster.prepare(SlowPipeline { millis: 1500 }).unwrap();
    let report = slow.timeout(Duration::from_millis(500)).run().unwrap();
    assert_eq!(report.status(), Status::TimedOut);
}

/// Otherwise what an event calls is in no trace, or in another one each time.
pub(crate) fn an_event_knows_the_trace() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let _worker = WorkerProcess::start();
    let run = cluster().prepare(TracedPipeline {}).unwrap().traceparent(TRACE).run().unwrap();
    for step in run.steps() {
        let known = step.value::<Option<String>>().unwrap().as_deref().expect("a place in it");
        assert_eq!(known.split('-').nth(1), TRACE.split('-').nth(1), "{known}");
    }
}
