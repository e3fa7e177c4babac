//! The observer that makes spans.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nexus_core::{
    Context, Ended, Exception, Failure, Observer, RunEnd, RunEvent, RunId, Signals, StepAddress,
    StepEvent, StopCondition, TraceContext,
};
use tracing::level_filters::LevelFilter;
use tracing::span::EnteredSpan;
use tracing::{Span, field};

use crate::{Propagator, results};

/// Makes a span for each run, step and attempt; see the [crate](crate).
///
/// It goes to the engine with `EngineBuilder::observer`.
#[derive(Default)]
pub struct Spans {
    open: Mutex<HashMap<RunId, OfRun>>,
    propagator: Option<Box<dyn Propagator>>,
}

/// The spans of a run that have not ended.
struct OfRun {
    run: Span,
    /// Whether it is driven elsewhere, and is known here by its attempts alone.
    is_elsewhere: bool,
    /// By path.
    steps: HashMap<String, Span>,
    attempts: HashMap<Attempt, OfAttempt>,
}

/// An attempt of a run: the step and item, and which one it is.
type Attempt = (StepAddress, u32);

struct OfAttempt {
    span: Span,
    /// The spans of its body in another process.
    #[cfg(feature = "process")]
    remote: crate::remote::RemoteSpans,
}

thread_local! {
    /// The spans that bodies on this thread have entered. One may run inside another.
    static ENTERED: RefCell<Vec<EnteredSpan>> = const { RefCell::new(Vec::new()) };
}

fn attempt_of(context: &Context) -> Attempt {
    (context.step_address(), context.attempt())
}

impl Spans {
    /// One without spans yet, for subscribers that know nothing of other systems' traces.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same where spans are exported to a system that knows their `traceparent`: see
    /// [`Propagator`].
    pub fn with(propagator: impl Propagator) -> Self {
        Self { propagator: Some(Box::new(propagator)), ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<RunId, OfRun>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The span of a run. Subscribers are called without the lock, since they may call anything.
    fn run_span(&self, run: RunId) -> Span {
        self.open().get(&run).map_or_else(Span::none, |of| of.run.clone())
    }

    /// Begins the span of a run, if it has none.
    fn begin_run(&self, run: &RunEvent<'_>, is_resumed: bool) -> Span {
        if let Some(of) = self.open().get(&run.run_id()) {
            return of.run.clone();
        }
        let span = tracing::info_span!(
            target: "nexus",
            "run",
            otel.name = run.pipeline(),
            otel.status_code = field::Empty,
            cicd.pipeline.name = run.pipeline(),
            cicd.pipeline.run.id = %run.run_id(),
            cicd.pipeline.result = field::Empty,
            nexus.run.key = field::Empty,
            nexus.run.resumed = is_resumed.then_some(true),
        );
        #[cfg(feature = "durable")]
        if let Some(key) = run.key() {
            span.record("nexus.run.key", key);
        }
        self.open().insert(run.run_id(), OfRun::new(span.clone(), false));
        span
    }

    /// The span of a step, which begins if it has none.
    fn step_span(&self, step: &StepEvent<'_>) -> Span {
        let (run, path) = (step.context().run_id(), step.context().step_path());
        let around = match self.open().get(&run) {
            None => return Span::none(),
            Some(of) => match of.steps.get(&path) {
                Some(span) => return span.clone(),
                None => of.run.clone(),
            },
        };
        let span = tracing::info_span!(
            target: "nexus",
            parent: &around,
            "step",
            otel.name = step.event(),
            otel.status_code = field::Empty,
            cicd.pipeline.task.name = step.event(),
            nexus.step = path,
            nexus.step.result = field::Empty,
        );
        match self.open().get_mut(&run) {
            // Another item of the step may have begun it meanwhile.
            Some(of) => of.steps.entry(path).or_insert(span).clone(),
            None => span,
        }
    }

    fn end_step(&self, step: &StepEvent<'_>, result: &'static str, status: Option<&'static str>) {
        let (run, path) = (step.context().run_id(), step.context().step_path());
        let span = self.open().get_mut(&run).and_then(|of| of.steps.remove(&path));
        let Some(span) = span else { return };
        span.record("nexus.step.result", result);
        if let Some(status) = status {
            span.record("otel.status_code", status);
        }
    }

    /// The span of an attempt, which begins if it has none.
    fn attempt_span(&self, step: &StepEvent<'_>) -> Span {
        let context = step.context();
        let attempt = attempt_of(context);
        if let Some(span) = self.begun_attempt(context.run_id(), &attempt) {
            return span;
        }
        let around = self.step_span(step);
        self.begin_attempt(step, &around)
    }

    /// Begins the span of an attempt in another one.
    fn begin_attempt(&self, step: &StepEvent<'_>, around: &Span) -> Span {
        let context = step.context();
        let attempt = attempt_of(context);
        let span = tracing::info_span!(
            target: "nexus",
            parent: around,
            "attempt",
            otel.name = step.event(),
            otel.status_code = field::Empty,
            cicd.pipeline.task.name = step.event(),
            cicd.pipeline.task.run.id = format!("{}#{}", attempt.0, attempt.1),
            cicd.pipeline.task.run.result = field::Empty,
            error.type = field::Empty,
            nexus.step = context.step_path(),
            nexus.attempt = context.attempt(),
            nexus.item = context.item(),
        );
        if let Some(of) = self.open().get_mut(&context.run_id()) {
            let of_attempt = OfAttempt {
                span: span.clone(),
                #[cfg(feature = "process")]
                remote: crate::remote::RemoteSpans::default(),
            };
            of.attempts.insert(attempt, of_attempt);
        }
        span
    }

    fn begun_attempt(&self, run: RunId, attempt: &Attempt) -> Option<Span> {
        Some(self.open().get(&run)?.attempts.get(attempt)?.span.clone())
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        self.propagator.as_ref()?.traceparent(span)
    }

    /// Takes what is left of a run.
    fn take(&self, run: RunId) -> Option<OfRun> {
        self.open().remove(&run)
    }
}

impl OfRun {
    fn new(run: Span, is_elsewhere: bool) -> Self {
        Self { run, is_elsewhere, steps: HashMap::new(), attempts: HashMap::new() }
    }

    /// Ends the spans of what the run did not wait for.
    fn end_rest(&mut self) {
        for (_, of_attempt) in self.attempts.drain() {
            of_attempt.span.record("cicd.pipeline.task.run.result", "cancellation");
        }
        for (_, span) in self.steps.drain() {
            span.record("nexus.step.result", "cancellation");
        }
    }
}

/// How much of what a body says somebody here wants to hear.
fn verbosity() -> u8 {
    let level = LevelFilter::current();
    let levels = [
        LevelFilter::OFF,
        LevelFilter::ERROR,
        LevelFilter::WARN,
        LevelFilter::INFO,
        LevelFilter::DEBUG,
        LevelFilter::TRACE,
    ];
    levels.iter().position(|known| *known == level).unwrap_or(0) as u8
}

impl Observer for Spans {
    fn signals(&self) -> Signals {
        Signals::ALL.without(Signals::COMMITS)
    }

    fn pipeline_execution_init(
        &self,
        run: &RunEvent<'_>,
        begun_in: Option<&str>,
    ) -> Option<String> {
        let span = self.begin_run(run, begun_in.is_some());
        if let (Some(propagator), Some(begun_in)) = (&self.propagator, begun_in) {
            propagator.link(&span, begun_in);
        }
        self.traceparent(&span)
    }

    fn pipeline_execution_start(&self, run: &RunEvent<'_>) {
        self.begin_run(run, false);
    }

    fn pipeline_execution_stop(
        &self,
        run: &RunEvent<'_>,
        step: &StepEvent<'_>,
        condition: StopCondition,
    ) {
        let span = self.run_span(run.run_id());
        let condition = format!("{condition:?}");
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path(), condition }, "stopped");
    }

    fn pipeline_execution_end(&self, run: &RunEvent<'_>, end: &RunEnd<'_>) {
        let Some(mut of) = self.take(run.run_id()) else { return };
        of.end_rest();
        if end.is_left() {
            // It is not over; another span goes on with it.
            of.run.record("cicd.pipeline.result", "left");
            return;
        }
        of.run.record("cicd.pipeline.result", results::of_run(end.status()));
        let is_success = end.reason().is_none();
        of.run.record("otel.status_code", if is_success { "OK" } else { "ERROR" });
    }

    fn pipeline_execution_gone(&self, run: &RunEvent<'_>) {
        if let Some(mut of) = self.take(run.run_id()) {
            of.end_rest();
            of.run.record("cicd.pipeline.result", "left");
        }
    }

    fn step_execution_end(&self, step: &StepEvent<'_>, is_success: bool) {
        let (result, status) = if is_success { ("success", "OK") } else { ("failure", "ERROR") };
        self.end_step(step, result, Some(status));
    }

    fn event_execution_init(&self, step: &StepEvent<'_>) {
        self.step_span(step);
    }

    fn event_execution_start(&self, step: &StepEvent<'_>) {
        self.attempt_span(step);
    }

    #[cfg(feature = "durable")]
    fn event_execution_received(&self, step: &StepEvent<'_>, trace: Option<&TraceContext>) {
        let run = step.context().run_id();
        self.open().entry(run).or_insert_with(|| OfRun::new(Span::none(), true));
        let span = self.begin_attempt(step, &Span::none());
        let traceparent = trace.and_then(|trace| trace.traceparent.as_deref());
        if let (Some(propagator), Some(traceparent)) = (&self.propagator, traceparent) {
            propagator.set_parent(&span, traceparent);
        }
    }

    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let (run, attempt) = (step.context().run_id(), attempt_of(step.context()));
        let mut open = self.open();
        let Some(of) = open.get_mut(&run) else { return };
        let Some(OfAttempt { span, .. }) = of.attempts.remove(&attempt) else { return };
        if of.is_elsewhere && of.attempts.is_empty() {
            open.remove(&run);
        }
        drop(open);
        span.record("cicd.pipeline.task.run.result", results::of_attempt(ended));
        if let Some(kind) = results::error_type(ended) {
            span.record("error.type", kind);
            span.record("otel.status_code", "ERROR");
        }
    }

    fn event_body_enter(&self, step: &StepEvent<'_>) {
        let span = self.begun_attempt(step.context().run_id(), &attempt_of(step.context()));
        let entered = span.unwrap_or_else(Span::none).entered();
        ENTERED.with_borrow_mut(|spans| spans.push(entered));
    }

    fn event_body_leave(&self, _: &StepEvent<'_>) {
        // A subscriber is told of it, so not while the list is borrowed.
        let left = ENTERED.with_borrow_mut(Vec::pop);
        drop(left);
    }

    fn trace_context(&self, step: &StepEvent<'_>) -> Option<TraceContext> {
        let verbosity = if cfg!(feature = "process") { verbosity() } else { 0 };
        let traceparent = self
            .propagator
            .as_ref()
            .and_then(|propagator| propagator.traceparent(&self.attempt_span(step)));
        let is_heard = traceparent.is_some() || verbosity > 0;
        is_heard.then(|| TraceContext::new(traceparent, verbosity))
    }

    #[cfg(feature = "process")]
    fn event_body_said(&self, step: &StepEvent<'_>, said: &[u8]) {
        let (run, attempt) = (step.context().run_id(), attempt_of(step.context()));
        let mut of_attempt = {
            let mut open = self.open();
            let Some(of) = open.get_mut(&run) else { return };
            let Some(of_attempt) = of.attempts.get_mut(&attempt) else { return };
            (of_attempt.span.clone(), std::mem::take(&mut of_attempt.remote))
        };
        of_attempt.1.say(&of_attempt.0, said);
        // Only the thread that reads what the process says comes here, so nothing was put there.
        if let Some(of) = self.open().get_mut(&run)
            && let Some(known) = of.attempts.get_mut(&attempt)
        {
            known.remote = of_attempt.1;
        }
    }

    fn event_execution_progress(&self, step: &StepEvent<'_>, done: u64, total: u64) {
        let span = self.begun_attempt(step.context().run_id(), &attempt_of(step.context()));
        let span = span.unwrap_or_else(Span::none);
        tracing::info!(target: "nexus", parent: &span, { nexus.done = done, nexus.total = total }, "progress");
    }

    fn event_execution_retry(&self, step: &StepEvent<'_>, exception: &Exception, wait: Duration) {
        let span = self.step_span(step);
        tracing::warn!(
            target: "nexus",
            parent: &span,
            {
                nexus.step = step.context().step_path(),
                nexus.attempt = step.context().attempt(),
                nexus.wait_seconds = wait.as_secs_f64(),
                error.type = results::error_type(Ended::Exception(exception)),
            },
            "retry"
        );
    }

    fn event_execution_bypassed(&self, step: &StepEvent<'_>, _: &str) {
        let span = self.step_span(step);
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path(), nexus.item = step.context().item() }, "bypassed");
    }

    fn event_execution_cancelled(&self, step: &StepEvent<'_>, _: &Failure) {
        let span = self.step_span(step);
        tracing::info!(target: "nexus", parent: &span, { nexus.step = step.context().step_path() }, "cancelled");
        self.end_step(step, "cancellation", None);
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open();
        f.debug_struct("Spans")
            .field("runs", &open.len())
            .field("attempts", &open.values().map(|of| of.attempts.len()).sum::<usize>())
            .finish_non_exhaustive()
    }
}
