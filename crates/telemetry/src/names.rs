//! The metrics by name. The table of the guide is compared with this one.

/// A metric; see [`METRICS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind it is.
    pub kind: MetricKind,
    /// Its unit, as OpenTelemetry writes it: `s` for seconds, `{run}` for a number of runs, `1` for a
    /// ratio.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

/// A kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

use MetricKind::{Counter, Gauge, Histogram};

pub(crate) const RUNS_ACTIVE: &str = "nexus_runs_active";
pub(crate) const RUNS: &str = "nexus_runs_total";
pub(crate) const RUN_SECONDS: &str = "nexus_run_duration_seconds";
pub(crate) const ATTEMPTS: &str = "nexus_attempts_total";
pub(crate) const ATTEMPT_SECONDS: &str = "nexus_attempt_duration_seconds";
pub(crate) const RETRIES: &str = "nexus_retries_total";
pub(crate) const WAITING: &str = "nexus_waiting_tasks";
pub(crate) const POOL_QUEUED: &str = "nexus_pool_queued_tasks";
pub(crate) const POOL_RUNNING: &str = "nexus_pool_running_tasks";
pub(crate) const POOL_WORKERS: &str = "nexus_pool_workers";
pub(crate) const POOL_UTILIZATION: &str = "nexus_pool_utilization";
pub(crate) const WORKERS_LOST: &str = "nexus_workers_lost_total";
pub(crate) const COMMIT_SECONDS: &str = "nexus_store_commit_duration_seconds";
pub(crate) const COMMIT_CHANGES: &str = "nexus_store_commit_changes";

const fn metric(
    name: &'static str,
    kind: MetricKind,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, help }
}

/// All metrics that [`Metrics`](crate::Metrics) has.
pub const METRICS: &[Metric] = &[
    metric(RUNS_ACTIVE, Gauge, "{run}", &["pipeline"], "Runs that have begun and not ended."),
    metric(RUNS, Counter, "{run}", &["pipeline", "result"], "Runs that have ended."),
    metric(RUN_SECONDS, Histogram, "s", &["pipeline", "result"], "How long runs took."),
    metric(
        ATTEMPTS,
        Counter,
        "{attempt}",
        &["pipeline", "task", "result"],
        "Attempts that have ended.",
    ),
    metric(
        ATTEMPT_SECONDS,
        Histogram,
        "s",
        &["pipeline", "task", "result"],
        "How long the bodies of events ran.",
    ),
    metric(
        RETRIES,
        Counter,
        "{retry}",
        &["pipeline", "task"],
        "Attempts that will be tried again.",
    ),
    metric(
        WAITING,
        Gauge,
        "{task}",
        &["pipeline", "for"],
        "Tasks that wait for their retry, or for the world outside.",
    ),
    metric(POOL_QUEUED, Gauge, "{task}", &["pool"], "Tasks that wait for a worker of the pool."),
    metric(POOL_RUNNING, Gauge, "{task}", &["pool"], "Tasks that run on the pool."),
    metric(POOL_WORKERS, Gauge, "{worker}", &["pool"], "How many tasks the pool runs at once."),
    metric(POOL_UTILIZATION, Gauge, "1", &["pool"], "Running tasks for each worker."),
    metric(WORKERS_LOST, Counter, "{worker}", &["pool"], "Workers that died of what they ran."),
    metric(COMMIT_SECONDS, Histogram, "s", &["result"], "How long the store took to write."),
    metric(COMMIT_CHANGES, Histogram, "{change}", &[], "How many changes were written together."),
];
