//! The observer that counts and measures.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Unit, counter, gauge, histogram};
use nexus_core::{
    Context, Ended, Exception, ExceptionKind, Failure, Observer, PoolInfo, RunEnd, RunEvent, RunId,
    Signals, StepAddress, StepEvent,
};

use crate::bounded::Bounded;
use crate::names::{self, METRICS, MetricKind};
use crate::results;

/// Counts and measures runs, attempts, pools and the store, for whichever recorder of the crate
/// `metrics` is installed: see [`METRICS`](crate::METRICS).
///
/// It goes to the engine with `EngineBuilder::observer`. Install the recorder first: what the metrics
/// mean is said to it when this is made.
///
/// ```
/// use nexus_core::Engine;
/// use nexus_telemetry::Metrics;
/// let engine = Engine::builder().observer(Metrics::new()).build()?;
/// # Ok::<(), nexus_core::Error>(())
/// ```
pub struct Metrics {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pipelines: Bounded,
    tasks: Bounded,
    pool_names: Bounded,
    runs: HashMap<RunId, OfRun>,
    pools: HashMap<Arc<str>, Pool>,
}

/// A run that has not ended.
struct OfRun {
    began: Instant,
    /// The attempts that a pool has, or that run.
    attempts: HashMap<Attempt, Placed>,
    /// The tasks that wait.
    waits: HashMap<StepAddress, Wait>,
}

/// An attempt of a run: the step and item, and which one it is.
type Attempt = (StepAddress, u32);

/// How far an attempt is, and the pool that has it.
struct Placed {
    pool: Option<Arc<str>>,
    /// When its body began, if it did.
    began: Option<Instant>,
}

struct Wait {
    pipeline: Arc<str>,
    is_retry: bool,
}

#[derive(Default)]
struct Pool {
    workers: usize,
    queued: usize,
    running: usize,
}

impl Metrics {
    /// Describes all metrics to the recorder.
    pub fn new() -> Self {
        for metric in METRICS {
            let unit = match metric.unit {
                "s" => Unit::Seconds,
                _ => Unit::Count,
            };
            match metric.kind {
                MetricKind::Counter => metrics::describe_counter!(metric.name, unit, metric.help),
                MetricKind::Gauge => metrics::describe_gauge!(metric.name, unit, metric.help),
                MetricKind::Histogram => {
                    metrics::describe_histogram!(metric.name, unit, metric.help);
                }
            }
        }
        Self { state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step has ended or is not wanted any more: what of it was not begun never is, and what waited
    /// waits no more. A body that nobody waits for still has its worker.
    fn forget_step(&self, context: &Context) {
        let (mut state, path) = (self.state(), context.step_path());
        let Some(run) = state.runs.get_mut(&context.run_id()) else { return };
        let is_unbegun =
            |of: &Attempt, placed: &mut Placed| of.0.path() == path && placed.began.is_none();
        let unbegun: Vec<_> = run.attempts.extract_if(is_unbegun).collect();
        let waits: Vec<_> = run.waits.extract_if(|at, _| at.path() == path).collect();
        state.forget(unbegun, waits);
    }

    /// A run has ended.
    fn forget_run(&self, run: &RunEvent<'_>) -> Option<Instant> {
        let mut state = self.state();
        let OfRun { began, attempts, waits } = state.runs.remove(&run.run_id())?;
        state.forget(attempts, waits);
        let pipeline = state.pipelines.value(run.pipeline());
        gauge!(names::RUNS_ACTIVE, "pipeline" => pipeline).decrement(1.0);
        Some(began)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Wait {
    fn begin(pipeline: Arc<str>, is_retry: bool) -> Self {
        let wait = Self { pipeline, is_retry };
        wait.gauge().increment(1.0);
        wait
    }

    fn end(self) {
        self.gauge().decrement(1.0);
    }

    fn gauge(&self) -> metrics::Gauge {
        let what = if self.is_retry { "retry" } else { "outside" };
        gauge!(names::WAITING, "pipeline" => Arc::clone(&self.pipeline), "for" => what)
    }
}

impl State {
    fn forget(
        &mut self,
        attempts: impl IntoIterator<Item = (Attempt, Placed)>,
        waits: impl IntoIterator<Item = (StepAddress, Wait)>,
    ) {
        for (_, placed) in attempts {
            self.left_pool(&placed);
        }
        waits.into_iter().for_each(|(_, wait)| wait.end());
    }

    fn begin_wait(&mut self, context: &Context, is_retry: bool) {
        let pipeline = self.pipelines.value(context.pipeline());
        let Some(run) = self.runs.get_mut(&context.run_id()) else { return };
        let wait = Wait::begin(pipeline, is_retry);
        if let Some(before) = run.waits.insert(context.step_address(), wait) {
            before.end();
        }
    }

    fn end_wait(&mut self, context: &Context) {
        let run = self.runs.get_mut(&context.run_id());
        if let Some(wait) = run.and_then(|run| run.waits.remove(&context.step_address())) {
            wait.end();
        }
    }

    /// A pool has an attempt that waits for a worker.
    fn entered_pool(&mut self, pool: &PoolInfo) -> Arc<str> {
        let name = self.pool_names.value(&pool.name);
        let of = self.pools.entry(Arc::clone(&name)).or_default();
        of.workers = pool.workers;
        of.queued += 1;
        of.show(&name);
        name
    }

    /// The body of an attempt begins.
    fn began_in_pool(&mut self, name: &Arc<str>) {
        if let Some(pool) = self.pools.get_mut(name) {
            pool.queued = pool.queued.saturating_sub(1);
            pool.running += 1;
            pool.show(name);
        }
    }

    /// The pool does not have the attempt any more.
    fn left_pool(&mut self, placed: &Placed) {
        let Some(name) = &placed.pool else { return };
        let Some(pool) = self.pools.get_mut(name) else { return };
        let count = if placed.began.is_some() { &mut pool.running } else { &mut pool.queued };
        *count = count.saturating_sub(1);
        pool.show(name);
    }
}

impl Pool {
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many tasks")]
    fn show(&self, name: &Arc<str>) {
        let set = |metric: &'static str, value: f64| {
            gauge!(metric, "pool" => Arc::clone(name)).set(value);
        };
        set(names::POOL_QUEUED, self.queued as f64);
        set(names::POOL_RUNNING, self.running as f64);
        set(names::POOL_WORKERS, self.workers as f64);
        set(names::POOL_UTILIZATION, self.running as f64 / self.workers.max(1) as f64);
    }
}

fn attempt_of(context: &Context) -> Attempt {
    (context.step_address(), context.attempt())
}

impl Observer for Metrics {
    fn signals(&self) -> Signals {
        Signals::ALL.without(Signals::BODIES)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        let mut state = self.state();
        let pipeline = state.pipelines.value(run.pipeline());
        let (attempts, waits) = (HashMap::new(), HashMap::new());
        state.runs.insert(run.run_id(), OfRun { began: Instant::now(), attempts, waits });
        gauge!(names::RUNS_ACTIVE, "pipeline" => pipeline).increment(1.0);
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let Some(began) = self.forget_run(run) else { return };
        let pipeline = self.state().pipelines.value(run.pipeline());
        let result = if end.is_left() { "left" } else { results::of_run(end.status()) };
        let labels = [("pipeline", pipeline.to_string()), ("result", result.to_owned())];
        counter!(names::RUNS, &labels).increment(1);
        histogram!(names::RUN_SECONDS, &labels).record(began.elapsed());
    }

    fn pipeline_execution_gone(&self, run: &RunEvent<'_>) {
        self.forget_run(run);
    }

    fn step_execution_end(&self, step: &StepEvent<'_>, _: bool) {
        self.forget_step(step.context());
    }

    fn event_execution_init(&self, step: &StepEvent<'_>) {
        let context = step.context();
        let mut state = self.state();
        state.end_wait(context);
        let Some(pool) = step.pool() else { return };
        let placed = Placed { pool: Some(state.entered_pool(&pool)), began: None };
        if let Some(run) = state.runs.get_mut(&context.run_id()) {
            run.attempts.insert(attempt_of(context), placed);
        }
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        let mut state = self.state();
        let Some(run) = state.runs.get_mut(&step.context().run_id()) else { return };
        let unknown = Placed { pool: None, began: None };
        let placed = run.attempts.entry(attempt_of(step.context())).or_insert(unknown);
        // It may begin again, on another worker.
        let is_first = placed.began.replace(Instant::now()).is_none();
        let pool = placed.pool.clone().filter(|_| is_first);
        if let Some(pool) = pool {
            state.began_in_pool(&pool);
        }
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let context = step.context();
        let mut state = self.state();
        let result = results::of_attempt(ended);
        let labels = [
            ("pipeline", state.pipelines.value(context.pipeline()).to_string()),
            ("task", state.tasks.value(step.event()).to_string()),
            ("result", result.to_owned()),
        ];
        counter!(names::ATTEMPTS, &labels).increment(1);
        let run = state.runs.get_mut(&context.run_id());
        let placed = run.and_then(|run| run.attempts.remove(&attempt_of(context)));
        if let Some(began) = placed.as_ref().and_then(|placed| placed.began) {
            histogram!(names::ATTEMPT_SECONDS, &labels).record(began.elapsed());
        }
        if let Some(placed) = &placed {
            state.left_pool(placed);
        }
        let is_lost = |exception: &Exception| exception.kind() == ExceptionKind::WorkerLost;
        if let Ended::Exception(exception) = ended
            && is_lost(exception)
            && let Some(pool) = step.pool()
        {
            let pool = state.pool_names.value(&pool.name);
            counter!(names::WORKERS_LOST, "pool" => pool).increment(1);
        }
        if let Ended::Pending = ended {
            state.begin_wait(context, false);
        }
    }

    fn event_execution_resolved(&self, step: &StepEvent<'_>) {
        self.state().end_wait(step.context());
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, _: &Exception, wait: Duration) {
        let mut state = self.state();
        let pipeline = state.pipelines.value(step.context().pipeline());
        let task = state.tasks.value(step.event());
        counter!(names::RETRIES, "pipeline" => pipeline, "task" => task).increment(1);
        if !wait.is_zero() {
            state.begin_wait(step.context(), true);
        }
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        self.forget_step(step.context());
    }

    #[cfg(feature = "durable")]
    fn store_committed(
        &self,
        changes: usize,
        took: Duration,
        done: Result<(), &nexus_core::journal::StoreError>,
    ) {
        let result = if done.is_ok() { "success" } else { "error" };
        histogram!(names::COMMIT_SECONDS, "result" => result).record(took);
        #[expect(clippy::cast_precision_loss, reason = "nobody writes so many changes")]
        histogram!(names::COMMIT_CHANGES).record(changes as f64);
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Metrics")
            .field("runs", &state.runs.len())
            .field("pools", &state.pools.len())
            .finish_non_exhaustive()
    }
}
