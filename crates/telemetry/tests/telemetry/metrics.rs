//! Metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Recorder,
    SharedString, Unit,
};
use nexus::prelude::*;
use nexus_core::journal::MemoryStore;
use nexus_telemetry::{METRICS, MetricKind, Metrics};

/// Keeps the value of each metric by name and labels, and what was recorded in histograms.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, f64>>);

struct Cell(&'static Kept, String);

impl Cell {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        change(self.0.0.lock().unwrap().entry(self.1.clone()).or_default());
    }
}

impl CounterFn for Cell {
    fn increment(&self, by: u64) {
        self.change(|value| *value += by as f64);
    }
    fn absolute(&self, to: u64) {
        self.change(|value| *value = to as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, by: f64) {
        self.change(|value| *value += by);
    }
    fn decrement(&self, by: f64) {
        self.change(|value| *value -= by);
    }
    fn set(&self, to: f64) {
        self.change(|value| *value = to);
    }
}

impl HistogramFn for Cell {
    /// Counts; how long something takes is not the test's business.
    fn record(&self, _: f64) {
        self.change(|value| *value += 1.0);
    }
}

struct Global(&'static Kept);

impl Global {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels: Vec<_> =
            key.labels().map(|it| format!("{}={}", it.key(), it.value())).collect();
        Arc::new(Cell(self.0, format!("{}{{{}}}", key.name(), labels.join(","))))
    }
}

impl Recorder for Global {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &metrics::Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }
    fn register_gauge(&self, key: &Key, _: &metrics::Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }
    fn register_histogram(&self, key: &Key, _: &metrics::Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}

fn kept() -> &'static Kept {
    static KEPT: OnceLock<&'static Kept> = OnceLock::new();
    KEPT.get_or_init(|| {
        let kept: &'static Kept = Box::leak(Box::default());
        assert!(metrics::set_global_recorder(Global(kept)).is_ok());
        kept
    })
}

impl Kept {
    fn value(&self, metric: &str) -> f64 {
        let kept = self.0.lock().unwrap();
        *kept.get(metric).unwrap_or_else(|| panic!("no `{metric}` among {kept:#?}"))
    }
}

#[event(
    executor = ThreadPoolExecutor,
    executor_config = { max_workers: 3 },
    retry_policy = { max_attempts: 2, backoff_factor: 0.001 },
)]
fn measured(number: u32, ctx: &Context) -> Result<u32, std::io::Error> {
    let kept = kept();
    let pool = "{pool=ThreadPoolExecutor(max_workers: 3)}";
    assert_eq!(kept.value(&format!("nexus_pool_running_tasks{pool}")), 1.0);
    assert_eq!(kept.value(&format!("nexus_pool_queued_tasks{pool}")), 0.0);
    assert_eq!(kept.value("nexus_runs_active{pipeline=Measured}"), 1.0);
    if ctx.attempt() == 1 { Err(std::io::Error::other("busy")) } else { Ok(number) }
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 2 })]
fn dies_once(number: u32, ctx: &Context) -> Outcome<u32> {
    let mark = std::env::temp_dir().join(format!("nexus-metrics-{}", ctx.run_id()));
    if !mark.exists() {
        std::fs::write(&mark, "").unwrap();
        std::process::abort();
    }
    std::fs::remove_file(&mark).unwrap();
    Outcome::success(number)
}

#[derive(Pipeline)]
#[pipeline(flow = measured -> dies_once)]
struct Measured {
    number: u32,
}

/// Otherwise whoever watches would be told of queues that are not there, or not of those that are.
#[test]
fn runs_attempts_pools_and_lost_workers_are_counted() {
    let kept = kept();
    let engine = Engine::builder().observer(Metrics::new()).build().unwrap();
    assert!(engine.run(Measured { number: 3 }).unwrap().is_success());
    let of =
        |task: &str, result: &str| format!("{{pipeline=Measured,task={task},result={result}}}");
    for (metric, value) in [
        ("nexus_runs_active{pipeline=Measured}".to_owned(), 0.0),
        ("nexus_runs_total{pipeline=Measured,result=success}".to_owned(), 1.0),
        ("nexus_run_duration_seconds{pipeline=Measured,result=success}".to_owned(), 1.0),
        (format!("nexus_attempts_total{}", of("measured", "error")), 1.0),
        (format!("nexus_attempts_total{}", of("measured", "success")), 1.0),
        (format!("nexus_attempt_duration_seconds{}", of("measured", "success")), 1.0),
        ("nexus_retries_total{pipeline=Measured,task=measured}".to_owned(), 1.0),
        ("nexus_waiting_tasks{pipeline=Measured,for=retry}".to_owned(), 0.0),
        ("nexus_pool_workers{pool=ThreadPoolExecutor(max_workers: 3)}".to_owned(), 3.0),
        ("nexus_pool_utilization{pool=ThreadPoolExecutor(max_workers: 3)}".to_owned(), 0.0),
        ("nexus_pool_running_tasks{pool=ThreadPoolExecutor(max_workers: 3)}".to_owned(), 0.0),
        ("nexus_pool_running_tasks{pool=ProcessPoolExecutor(max_workers: 2)}".to_owned(), 0.0),
        ("nexus_pool_queued_tasks{pool=ProcessPoolExecutor(max_workers: 2)}".to_owned(), 0.0),
        ("nexus_workers_lost_total{pool=ProcessPoolExecutor(max_workers: 2)}".to_owned(), 1.0),
    ] {
        assert_eq!(kept.value(&metric), value, "{metric}");
    }
}

#[event]
fn answered_outside(number: u32) -> Outcome<u32> {
    _ = number;
    Outcome::pending()
}

#[derive(Pipeline)]
#[pipeline(flow = answered_outside, durable)]
struct Answered {
    number: u32,
}

/// Otherwise nobody would be told that approvals pile up, or that the disk is slow.
#[test]
fn what_waits_for_the_world_outside_and_the_commits_of_the_store_are_counted() {
    let kept = kept();
    let builder = Engine::builder().observer(Metrics::new()).store(MemoryStore::new());
    let engine = builder.build().unwrap();
    let handle = engine.prepare(Answered { number: 1 }).unwrap().key("answered").start().unwrap();
    while engine.pending("answered").unwrap().is_empty() {
        std::thread::yield_now();
    }
    let waiting = "nexus_waiting_tasks{pipeline=Answered,for=outside}";
    assert_eq!(kept.value(waiting), 1.0);
    engine.resolve("answered", "answered_outside", 5_u32).unwrap();
    assert!(handle.wait().unwrap().is_success());
    assert_eq!(kept.value(waiting), 0.0);
    // The beginning, that it is pending, the answer, and the end.
    assert!(kept.value("nexus_store_commit_duration_seconds{result=success}") >= 4.0);
    assert!(kept.value("nexus_store_commit_changes{}") >= 4.0);
}

/// Nobody could build an alert on a table that is not true.
#[test]
fn the_guide_lists_the_metrics_as_they_are() {
    let guide = include_str!("../../../../docs/src/watching.md");
    let table = guide.lines().skip_while(|line| !line.starts_with("| metric | kind")).skip(2);
    let rows: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
                _ => "histogram",
            };
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            format!(
                "| `{}` | {kind} | `{}` | {} | {} |",
                metric.name,
                metric.unit,
                labels.join(", "),
                metric.help
            )
        })
        .collect();
    assert_eq!(rows, expected, "{}", expected.join("\n"));
}
