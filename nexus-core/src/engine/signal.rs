//! Telling the observers. Every function here begins by asking whether there is one.

use std::any::TypeId;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::active::{ActiveRun, LocalRun};
use super::recorded::RunJournal;
use crate::context::{Context, Names, RunHost};
use crate::observe::{Ended, Observer, RunEnd, RunEvent, Signals, StepEvent};
use crate::outcome::{Bypass, BypassKind, Exception, Failure, TaskOutcome};
use crate::panic;
use crate::plan::{Place, Pool};
use crate::report::Report;
#[cfg(feature = "durable")]
use crate::run::EndedBefore;
use crate::run::{Run, RunSignal, Task};
use crate::telemetry::{PoolInfo, TraceContext};
use crate::time::Clock;
use crate::value::Value;

impl RunHost for LocalRun {
    fn names(&self) -> &dyn Names {
        &*self.plan
    }
    fn clock(&self) -> &dyn Clock {
        &*self.engine.clock
    }
    fn resource(&self, ty: TypeId) -> Option<&Value> {
        self.engine.resources.get(&ty)
    }
    fn key(&self) -> Option<&str> {
        self.journal.as_deref().map(RunJournal::key)
    }
    fn progress(&self, context: &Context, done: u64, total: u64) {
        if let Some(tracker) = &self.tracker {
            tracker.parts(context, done, total);
        }
        let step = StepEvent { context };
        let tell = |observer: &dyn Observer| observer.event_execution_progress(&step, done, total);
        self.engine.observers.each_that_wants(Signals::NONE, tell);
    }
    fn trace(&self, context: &Context) -> Option<TraceContext> {
        let step = StepEvent { context };
        self.engine.observers.first(|observer| observer.trace_context(&step))
    }
    fn pool(&self, step: u32) -> Option<PoolInfo> {
        let Place::Pool(pool) = self.place_of(step) else { return None };
        let executor = &self.pools[pool as usize];
        let workers = panic::contain(|| executor.parallelism()).unwrap_or(1);
        // Behind those of the plan is the shared one, for mocks.
        let pool = self.plan.pools.get(pool as usize).unwrap_or(&Pool::Shared);
        Some(PoolInfo::new(pool.name(), workers))
    }
}

impl ActiveRun {
    /// Tells all observers of something that does not come often.
    fn each_observer(&self, call: impl Fn(&dyn Observer)) {
        self.engine.observers.each_that_wants(Signals::NONE, call);
    }

    /// What an observer wants who wants to be told this of a task of the step, if there may be one.
    #[inline]
    fn wanted_of_task(&self, step: u32, what: Signals) -> Option<Signals> {
        if !self.has_observers() {
            return None;
        }
        let of = match self.place(step) {
            Place::Inline => Signals::OWN_TASKS,
            Place::Pool(_) => Signals::POOL_TASKS,
        };
        let wanted = of.with(what);
        self.engine.observers.want(wanted).then_some(wanted)
    }

    /// Tells those who want to be told of tasks where this one runs.
    #[inline]
    fn tell_of_task(&self, context: &Context, tell: impl Fn(&dyn Observer, &StepEvent<'_>)) {
        if let Some(wanted) = self.wanted_of_task(context.step, Signals::NONE) {
            let step = StepEvent { context };
            self.engine.observers.each_that_wants(wanted, |observer| tell(observer, &step));
        }
    }

    fn context_of(self: &Arc<Self>, task: Task) -> Context {
        let mut context = Context::new(self.info());
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context
    }

    fn run_event(&self) -> RunEvent<'_> {
        RunEvent {
            id: self.id,
            pipeline: self.plan.name(),
            #[cfg(feature = "durable")]
            key: self.journal.as_ref().map(|journal| &*journal.key),
            steps: self.plan.len(),
        }
    }

    /// Gives the run's `traceparent`; `begun_in` is the one that it began with, if it goes on.
    pub(super) fn signal_run_init(&self, begun_in: Option<&str>) -> Option<String> {
        if !self.has_observers() {
            return None;
        }
        let (run, first) = (self.run_event(), Cell::new(None));
        self.each_observer(|observer| {
            let given = observer.pipeline_execution_init(&run, begun_in);
            first.set(first.take().or(given));
        });
        first.into_inner()
    }

    /// Nothing more is told of the run.
    pub(super) fn signal_run_gone(&self) {
        if self.has_observers() {
            let run = self.run_event();
            self.each_observer(|observer| observer.pipeline_execution_gone(&run));
        }
    }

    pub(super) fn signal_run_start(&self) {
        if self.has_observers() {
            let run = self.run_event();
            self.each_observer(|observer| observer.pipeline_execution_start(&run));
        }
    }

    pub(super) fn signal_run_end(&self, report: &Report) {
        if self.has_observers() {
            let run = self.run_event();
            let is_left = self.journal.as_deref().is_some_and(RunJournal::is_released);
            let end = RunEnd { report, is_left };
            self.each_observer(|observer| observer.pipeline_execution_end(&run, &end));
        }
    }

    #[inline]
    pub(super) fn signal_init(self: &Arc<Self>, task: Task) {
        if self.wanted_of_task(task.step, Signals::NONE).is_some() {
            let context = self.context_of(task);
            self.tell_of_task(&context, |observer, step| {
                observer.event_execution_init(step);
            });
        }
    }

    #[inline]
    pub(super) fn signal_start(&self, context: &Context) {
        if let Some(tracker) = &self.tracker {
            tracker.body_started(context);
        }
        self.tell_of_task(context, |observer, step| {
            observer.event_execution_start(step);
        });
    }

    #[inline]
    pub(super) fn signal_end(&self, context: &Context, outcome: &TaskOutcome) {
        if let Some(tracker) = &self.tracker {
            tracker.body_ended(context);
        }
        self.tell_of_task(context, |observer, step| {
            observer.event_execution_end(step, Ended::of(outcome));
        });
    }

    /// Calls what runs a body on this thread, or polls it, and contains its panics.
    #[inline]
    pub(super) fn around_body<T>(&self, context: &Context, run: impl FnOnce() -> T) -> T {
        let Some(wanted) = self.wanted_of_task(context.step, Signals::BODIES) else { return run() };
        let (step, observers) = (StepEvent { context }, &self.engine.observers);
        observers.each_that_wants(wanted, |observer| observer.event_body_enter(&step));
        let ran = run();
        observers.each_that_wants(wanted, |observer| observer.event_body_leave(&step));
        ran
    }

    /// The same for a future that polls a body, at each of its polls.
    pub(super) async fn around_polls<F: Future>(&self, context: &Context, polls: F) -> F::Output {
        let mut polls = pin!(polls);
        poll_fn(|cx| self.around_body(context, || polls.as_mut().poll(cx))).await
    }

    pub(super) fn signal_bypass(
        self: &Arc<Self>,
        task: Task,
        answer: &Result<Bypass<Value>, Exception>,
    ) {
        if let Ok(Bypass(BypassKind::Skip { reason, .. })) = answer
            && self.has_observers()
        {
            let context = self.context_of(task);
            let step = StepEvent { context: &context };
            self.each_observer(|observer| observer.event_execution_bypassed(&step, reason));
        }
    }

    /// A body that runs in another process has said something there.
    #[cfg(feature = "wire")]
    pub(super) fn signal_said(&self, context: &Context, said: &[u8]) {
        if self.has_observers() {
            let step = StepEvent { context };
            self.each_observer(|observer| observer.event_body_said(&step, said));
        }
    }

    /// Tells of what the run did by itself: steps that ended or that it cancelled, and why it stopped.
    #[inline]
    pub(super) fn signal_run_signals(self: &Arc<Self>, run: &mut Run) {
        if let Some(signals) = run.take_signals() {
            self.tell_run_signals(signals);
        }
    }

    #[cold]
    fn tell_run_signals(self: &Arc<Self>, signals: Vec<RunSignal>) {
        for signal in signals {
            let (RunSignal::Ended { step, .. }
            | RunSignal::Cancelled { step, .. }
            | RunSignal::Stopped { step, .. }) = signal;
            let context = self.context_of(Task { step, attempt: 1, item: None });
            let event = StepEvent { context: &context };
            let wanted = match &signal {
                RunSignal::Ended { .. } => Signals::STEP_ENDS,
                _ => Signals::NONE,
            };
            self.engine.observers.each_that_wants(wanted, |observer| match &signal {
                RunSignal::Ended { is_success, .. } => {
                    observer.step_execution_end(&event, *is_success);
                }
                RunSignal::Cancelled { reason, .. } => {
                    observer.event_execution_cancelled(&event, reason);
                }
                RunSignal::Stopped { condition, .. } => {
                    observer.pipeline_execution_stop(&self.run_event(), &event, *condition);
                }
            });
        }
    }

    /// Tells the run of a task's end, and the observers of what the run makes of it.
    #[inline]
    pub(super) fn complete(
        self: &Arc<Self>,
        run: &mut Run,
        task: Task,
        outcome: TaskOutcome,
        busy: Duration,
        elapsed: Duration,
    ) {
        if !self.has_observers() {
            run.completed(task, outcome, busy, elapsed);
            self.track_steps(run);
            return;
        }
        // Not the value of a success: the run is to be its only holder.
        let (failure, exception) = match &outcome {
            TaskOutcome::Failure(failure) => (Some(failure.clone()), None),
            TaskOutcome::Exception(exception) => (None, Some(exception.clone())),
            TaskOutcome::Success(_) | TaskOutcome::Goto(..) | TaskOutcome::Pending => (None, None),
        };
        let is_pending = matches!(outcome, TaskOutcome::Pending);
        let retry = run.completed(task, outcome, busy, elapsed);
        self.track_steps(run);
        if !is_pending {
            self.signal_retries(task, retry, failure.as_ref(), exception.as_ref());
        }
        self.signal_run_signals(run);
        // A failure may carry a value of the user's; its Drop is user code.
        panic::drop_quietly((failure, exception));
    }

    /// The same for a task that was pending, and whose end somebody outside says.
    #[cfg(feature = "durable")]
    pub(super) fn complete_open(
        self: &Arc<Self>,
        run: &mut Run,
        task: Task,
        outcome: TaskOutcome,
        elapsed: Duration,
    ) -> Result<(), EndedBefore> {
        let exception = match &outcome {
            TaskOutcome::Exception(exception) => Some(exception.clone()),
            _ => None,
        };
        let retry = run.resolved(task, outcome, elapsed)?;
        self.track_steps(run);
        if self.has_observers() {
            let context = self.context_of(task);
            let step = StepEvent { context: &context };
            self.each_observer(|observer| observer.event_execution_resolved(&step));
            self.signal_retries(task, retry, None, exception.as_ref());
        }
        self.signal_run_signals(run);
        Ok(())
    }

    /// The same for an attempt whose time is over.
    pub(super) fn complete_late(self: &Arc<Self>, run: &mut Run, task: Task, elapsed: Duration) {
        let Ok(retry) = run.timed_out(task, elapsed) else { return };
        if let Some(tracker) = &self.tracker {
            tracker.body_abandoned(task);
        }
        self.track_steps(run);
        if self.has_observers() {
            let limit = self.plan.options_of(task.step).timeout.unwrap_or_default();
            self.signal_retries(task, retry, None, Some(&Exception::timeout(limit)));
        }
        self.signal_run_signals(run);
    }

    /// Tells the run's handle how many steps have ended.
    fn track_steps(&self, run: &Run) {
        if let Some(tracker) = &self.tracker {
            tracker.steps_ended(run.ended_steps());
        }
    }

    #[cold]
    fn signal_retries(
        self: &Arc<Self>,
        task: Task,
        retry: Option<Duration>,
        failure: Option<&Failure>,
        exception: Option<&Exception>,
    ) {
        if retry.is_none() && task.attempt == 1 {
            return;
        }
        let context = self.context_of(task);
        let step = StepEvent { context: &context };
        match (retry, exception) {
            (Some(wait), Some(exception)) => {
                self.each_observer(|observer| {
                    observer.event_execution_retry(&step, exception, wait);
                });
            }
            _ if task.attempt > 1 => {
                let ended = match (failure, exception) {
                    (Some(failure), _) => Ended::Failure(failure),
                    (_, Some(exception)) => Ended::Exception(exception),
                    (None, None) => Ended::Success,
                };
                self.each_observer(|observer| observer.event_execution_retry_done(&step, ended));
            }
            _ => {}
        }
    }
}
