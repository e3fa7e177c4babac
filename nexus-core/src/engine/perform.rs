//! Carrying out one task: its inputs, its body, its time.

use std::sync::Arc;
use std::task::Context as PollContext;
use std::time::Duration;

use super::active::ActiveRun;
use super::polling::{self, FirstPoll};
use super::work::{CHUNK_NANOS, Notification, Work, WorkKind};
use crate::context::Context;
use crate::current::{CurrentTask, running};
use crate::event::Inputs;
use crate::outcome::{Bypass, Exception, ExceptionKind, TaskOutcome};
use crate::panic;
use crate::piped::Piped;
use crate::run::Task;
use crate::value::Value;

/// As long as a task takes that is not to be followed by another one of its worker.
pub(super) const CHUNK: Duration = Duration::from_nanos(CHUNK_NANOS as u64);

/// How a body ended, how long it ran, and the reading of the clock at its end.
pub(super) struct Done {
    pub(super) outcome: TaskOutcome,
    pub(super) busy: Duration,
    pub(super) at: Duration,
}

impl ActiveRun {
    /// Notes that a body begins; gives the reading of the clock.
    pub(super) fn begin(&self, task: Task) -> Duration {
        self.begin_at(task, None)
    }

    /// The same where the reading may be known already.
    #[inline]
    pub(super) fn begin_at(&self, task: Task, mark: Option<Duration>) -> Duration {
        if self.is_bounded(task) {
            self.note_start(task, self.engine.clock.now());
        }
        mark.unwrap_or_else(|| self.engine.step_now())
    }

    /// Runs the body. `mark` is the time now, where it is known already.
    #[inline]
    pub(super) fn call_body(
        &self,
        task: Task,
        piped: Piped<'_>,
        context: &Context,
        mark: Option<Duration>,
    ) -> Done {
        let start = self.begin_at(task, mark);
        self.signal_start(context);
        let slots = &self.plan.event_of(task.step).slots;
        let inputs = Inputs { slots, piped, context };
        let body = self.body(task.step);
        let call = || self.around_body(context, || panic::contain(|| body.call(&inputs)));
        let outcome = match &context.token {
            None if context.nest.is_none() => call(),
            _ => running(CurrentTask::of_context(context), call),
        };
        let outcome = outcome.unwrap_or_else(TaskOutcome::Exception);
        self.signal_end(context, &outcome);
        let at = self.engine.step_now();
        Done { outcome, busy: at.saturating_sub(start), at }
    }

    /// Runs an async body to its end, or until its result is not wanted any more; then it is
    /// dropped where it waits.
    #[cfg_attr(
        not(feature = "tokio"),
        allow(dead_code, reason = "no executor of this build runs async bodies")
    )]
    pub(super) async fn call_async(
        self: &Arc<Self>,
        pool: u32,
        work: &Work,
        context: &Context,
    ) -> TaskOutcome {
        let is_unwanted =
            |cx: &PollContext<'_>| work.token.as_ref().is_some_and(|token| token.is_unwanted(cx));
        let (body, inputs) = (self.body(context.step), work.inputs(self, context));
        let pace = &self.plan.paces[self.plan.steps[context.step as usize].body as usize];
        let begin = self.engine.clock.timestamp();
        let mut task = Some(CurrentTask::of_context(context));
        let waker = polling::waker().await;
        let first =
            self.around_body(context, || polling::first_poll(body, inputs, &waker, &mut task));
        let ended = match first {
            FirstPoll::Ready(outcome) => {
                pace.measured(1, self.engine.clock.timestamp().saturating_sub(begin));
                Some(outcome)
            }
            FirstPoll::Pending(body) => {
                // The others of its queue must not wait for it.
                pace.measured(1, CHUNK);
                self.offer_jobs(pool);
                let rest = polling::rest(body, || CurrentTask::of_context(context), is_unwanted);
                self.around_polls(context, rest).await
            }
        };
        ended.unwrap_or_else(Self::dropped)
    }

    /// What a body that was dropped would have said; nobody waits for it.
    #[cfg_attr(
        not(feature = "tokio"),
        allow(dead_code, reason = "no executor of this build runs async bodies")
    )]
    pub(super) fn dropped() -> TaskOutcome {
        Exception::of_kind(ExceptionKind::Lost, "dropped".to_owned()).into()
    }

    /// Runs a body for which the run waits anyway. Its timeout tells it so, and is judged when it
    /// returns.
    pub(super) fn call_inline(
        &self,
        task: Task,
        piped: Piped<'_>,
        context: &mut Context,
        mark: Option<Duration>,
    ) -> Done {
        let token = context.token.clone();
        let limit = token.and_then(|token| self.set_timeout(task, || move || _ = token.raise()));
        let Some((deadline, key)) = limit else {
            return self.call_body(task, piped, context, mark);
        };
        context.deadline = Some(deadline);
        let mut done = self.call_body(task, piped, context, None);
        context.deadline = None;
        self.engine.timer.clear(key);
        if let Some(limit) = self.timeout(task)
            && self.engine.clock.now() >= deadline
        {
            let late = std::mem::replace(&mut done.outcome, Exception::timeout(limit).into());
            panic::drop_quietly(late);
        }
        done
    }

    /// An attempt's end, as the run is told of it.
    fn completed(task: Task, done: Done) -> Notification {
        Notification::Completed { task, outcome: done.outcome, busy: done.busy }
    }
}

impl Work {
    /// Makes `context` that of this work.
    pub(super) fn enter(&self, context: &mut Context) {
        let task = self.task;
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context.token.clone_from(&self.token);
        context.deadline = None;
        context.enter_nest();
        if !self.previous.is_empty() || !context.previous.is_empty() {
            context.previous.clone_from(&self.previous);
        }
    }

    pub(super) fn inputs<'a>(&'a self, active: &'a ActiveRun, context: &'a Context) -> Inputs<'a> {
        let slots = &active.plan.event_of(context.step).slots;
        Inputs { slots, piped: self.input.borrow(), context }
    }

    /// Does the work on the driving thread, without holding the run.
    pub(super) fn perform_inline(self, active: &ActiveRun, context: &mut Context) -> Notification {
        self.enter(context);
        let task = self.task;
        let notification = match self.kind {
            WorkKind::BypassCheck => {
                Notification::Checked { task, answer: self.check(active, context) }
            }
            WorkKind::Body => ActiveRun::completed(
                task,
                active.call_inline(task, self.input.borrow(), context, None),
            ),
        };
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(self.input);
        notification
    }

    /// Does the work on a worker's thread. `mark` is the time now where it is known already, and
    /// afterwards.
    pub(super) fn perform(
        &self,
        active: &Arc<ActiveRun>,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) -> Notification {
        self.enter(context);
        let task = self.task;
        if self.kind == WorkKind::BypassCheck {
            *mark = None;
            return Notification::Checked { task, answer: self.check(active, context) };
        }
        let time_out = || active.when_alive(move |run| run.time_out(task));
        let limit = active.set_timeout(task, time_out);
        context.deadline = limit.as_ref().map(|(at, _)| *at);
        let done = active.call_body(task, self.input.borrow(), context, *mark);
        *mark = active.engine.step_timings.then_some(done.at);
        if let Some((_, key)) = limit {
            active.engine.timer.clear(key);
        }
        ActiveRun::completed(task, done)
    }

    pub(super) fn check(
        &self,
        active: &ActiveRun,
        context: &Context,
    ) -> Result<Bypass<Value>, Exception> {
        let inputs = self.inputs(active, context);
        // A mock stands in for the body alone; whether to skip is still the event's to say.
        let body = active.plan.steps[context.step as usize].body as usize;
        panic::contain(|| active.plan.bodies[body].bypass(&inputs)).unwrap_or_else(Err)
    }
}
