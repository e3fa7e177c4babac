//! Telling the observers. Every function here begins by asking whether there is one.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::drive::Drive;
use super::handle::Watch;
use crate::context::{Context, Hear};
use crate::observe::{Ended, Observer, RunEvent, StepEvent};
use crate::outcome::{Bypass, BypassKind, Exception, Failure, TaskOutcome};
use crate::panic;
use crate::run::{Run, Task};
use crate::value::Value;

fn ended(outcome: &TaskOutcome) -> Ended<'_> {
    match outcome {
        TaskOutcome::Success(_) | TaskOutcome::Goto(..) => Ended::Success,
        TaskOutcome::Failure(failure) => Ended::Failure(failure),
        TaskOutcome::Exception(exception) => Ended::Exception(exception),
    }
}

/// Whom an event reaches with `Context::progress`.
pub(super) struct Listeners {
    pub(super) engine: Arc<Shared>,
    pub(super) watch: Option<Arc<Watch>>,
}

impl Hear for Listeners {
    fn progress(&self, context: &Context, done: u64, total: u64) {
        if let Some(watch) = &self.watch {
            watch.parts(context, done, total);
        }
        let step = StepEvent { context };
        self.engine.each_observer(|observer| observer.event_execution_progress(&step, done, total));
    }
}

impl Shared {
    /// Calls every observer; a panic in one is that observer's matter.
    #[cold]
    fn each_observer(&self, call: impl Fn(&dyn Observer)) {
        for observer in &self.observers {
            let _ = panic::contain(|| call(&**observer));
        }
    }
}

impl Drive {
    #[inline]
    pub(super) fn is_heard(&self) -> bool {
        self.watch.is_some() || !self.engine.observers.is_empty()
    }

    #[cold]
    fn each_observer(&self, call: impl Fn(&dyn Observer)) {
        self.engine.each_observer(call);
    }

    fn context_of(&self, task: Task) -> Context {
        let mut context = Context::new(Arc::clone(&self.info));
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context
    }

    pub(super) fn signal_run(&self, call: impl Fn(&dyn Observer, &RunEvent<'_>)) {
        if self.is_heard() {
            let run = RunEvent {
                id: self.info.id,
                pipeline: &self.info.pipeline,
                steps: self.plan.len(),
            };
            self.each_observer(|observer| call(observer, &run));
        }
    }

    #[inline]
    pub(super) fn signal_init(&self, task: Task) {
        if self.is_heard() {
            let context = self.context_of(task);
            let step = StepEvent { context: &context };
            self.each_observer(|observer| observer.event_execution_init(&step));
        }
    }

    #[inline]
    pub(super) fn signal_start(&self, context: &Context) {
        if self.is_heard() {
            if let Some(watch) = &self.watch {
                watch.began(context);
            }
            let step = StepEvent { context };
            self.each_observer(|observer| observer.event_execution_start(&step));
        }
    }

    #[inline]
    pub(super) fn signal_end(&self, context: &Context, outcome: &TaskOutcome) {
        if self.is_heard() {
            if let Some(watch) = &self.watch {
                watch.ended(context);
            }
            let step = StepEvent { context };
            self.each_observer(|observer| observer.event_execution_end(&step, ended(outcome)));
        }
    }

    pub(super) fn signal_bypass(&self, step: u32, answer: &Result<Bypass<Value>, Exception>) {
        if let Ok(Bypass(BypassKind::Skip { reason, .. })) = answer
            && self.is_heard()
        {
            let context = self.context_of(Task { step, attempt: 1, item: None });
            let step = StepEvent { context: &context };
            self.each_observer(|observer| observer.event_execution_bypassed(&step, reason));
        }
    }

    /// Tells the run of a task's end, and the observers of what the run makes of it.
    #[inline]
    pub(super) fn complete(
        &self,
        run: &mut Run,
        task: Task,
        outcome: TaskOutcome,
        busy: Duration,
        elapsed: Duration,
    ) {
        if !self.is_heard() {
            run.completed(task, outcome, busy, elapsed);
            return;
        }
        // Not the value of a success: the run is to be its only holder.
        let (failure, exception) = match &outcome {
            TaskOutcome::Failure(failure) => (Some(failure.clone()), None),
            TaskOutcome::Exception(exception) => (None, Some(exception.clone())),
            TaskOutcome::Success(_) | TaskOutcome::Goto(..) => (None, None),
        };
        let retry = run.completed(task, outcome, busy, elapsed);
        self.signal_retries(run, task, retry, failure.as_ref(), exception.as_ref());
        // A failure may carry a value of the user's; its Drop is user code.
        panic::drop_quietly((failure, exception));
    }

    /// The same for an attempt whose time is over.
    pub(super) fn complete_late(&self, run: &mut Run, task: Task, elapsed: Duration) {
        let Ok(retry) = run.timed_out(task, elapsed) else { return };
        if self.is_heard() {
            if let Some(watch) = &self.watch {
                watch.given_up(task);
            }
            let limit = self.plan.options_of(task.step).timeout.unwrap_or_default();
            self.signal_retries(run, task, retry, None, Some(&Exception::timeout(limit)));
        }
    }

    #[cold]
    fn signal_retries(
        &self,
        run: &Run,
        task: Task,
        retry: Option<Duration>,
        failure: Option<&Failure>,
        exception: Option<&Exception>,
    ) {
        if let Some(watch) = &self.watch {
            watch.steps_ended(run.ended_steps());
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
