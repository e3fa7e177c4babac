//! Carrying out one task: its inputs, its body, its time.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Context as Polling;
use std::time::Duration;

use super::alarm::{Call, Key};
use super::drive::Drive;
use super::inbox::{News, Turn};
use super::polling;
use crate::cancel::Token;
use crate::context::Context;
use crate::event::{Body, Inputs};
use crate::outcome::{Bypass, Exception, ExceptionKind, TaskOutcome};
use crate::panic;
use crate::piped::{OwnedPiped, Piped};
use crate::plan::NONE;
use crate::run::{Run, Task};
use crate::sync::{Mutex, lock};
use crate::value::Value;

/// When the tasks whose policy bounds the time of all attempts began.
#[derive(Default)]
pub(super) struct Beginnings(Mutex<HashMap<(u32, Option<u64>), Duration>>);

impl Beginnings {
    fn note(&self, task: Task, at: Duration) {
        if task.attempt == 1 {
            lock(&self.0).entry((task.step, task.item)).or_insert(at);
        }
    }

    fn elapsed(&self, task: Task, at: Duration) -> Duration {
        let began = lock(&self.0).get(&(task.step, task.item)).copied();
        began.map_or(Duration::ZERO, |began| at.saturating_sub(began))
    }
}

/// How a body ended, and when.
pub(super) struct Done {
    pub(super) outcome: TaskOutcome,
    pub(super) busy: Duration,
    pub(super) at: Duration,
}

impl Drive {
    pub(super) fn body(&self, step: u32) -> &dyn Body {
        let body = self.plan.steps[step as usize].body as usize;
        match &self.bodies {
            None => &*self.plan.bodies[body],
            Some(bodies) => &*bodies[body],
        }
    }

    fn is_bounded(&self, task: Task) -> bool {
        self.plan.steps[task.step as usize].hints.bounded
    }

    /// When a body begins whose time matters.
    pub(super) fn begin(&self, task: Task) -> Duration {
        let now = self.engine.clock.now();
        if self.is_bounded(task) {
            self.began.note(task, now);
        }
        now
    }

    pub(super) fn timeout(&self, task: Task) -> Option<Duration> {
        if !self.plan.steps[task.step as usize].hints.guarded {
            return None;
        }
        self.plan.options_of(task.step).timeout
    }

    /// Has the task called out when its time is over. Gives when that is.
    pub(super) fn limit(&self, task: Task, call: impl FnOnce() -> Call) -> Option<(Duration, Key)> {
        let limit = self.timeout(task)?;
        let at = self.engine.clock.now().saturating_add(limit);
        Some((at, self.engine.alarm.set(at, call())))
    }

    /// Runs the body. `mark` is the time now, where it is known already.
    #[inline]
    fn perform(
        &self,
        task: Task,
        piped: Piped<'_>,
        context: &Context,
        mark: Option<Duration>,
    ) -> Done {
        let bounded = self.is_bounded(task);
        let timed = bounded || self.engine.step_timings;
        let now = || if timed { self.engine.clock.now() } else { Duration::ZERO };
        let start = mark.unwrap_or_else(now);
        if bounded {
            self.began.note(task, start);
        }
        self.signal_start(context);
        let slots = &self.plan.event_of(task.step).slots;
        let inputs = Inputs { slots, piped, context };
        let body = self.body(task.step);
        let outcome = panic::contain(|| body.call(&inputs)).unwrap_or_else(TaskOutcome::Exception);
        self.signal_end(context, &outcome);
        let at = now();
        Done { outcome, busy: at.saturating_sub(start), at }
    }

    /// Runs an async body to its end, or until its result is not wanted any more; then it is
    /// dropped where it waits.
    #[cfg_attr(
        not(all(feature = "process", feature = "tokio")),
        allow(dead_code, reason = "executors that take tasks out are left out of this build")
    )]
    pub(super) async fn perform_async(&self, work: &Work, context: &Context) -> TaskOutcome {
        let is_unwanted = |cx: &Polling<'_>| {
            work.token.as_ref().is_some_and(|token| {
                token.on_raise(cx.waker());
                token.is_raised()
            })
        };
        let (body, inputs) = (self.body(context.step), work.inputs(self, context));
        let ended = polling::to_end(body, inputs, is_unwanted).await;
        // Nobody waits for what a dropped body would have said.
        let dropped = || Exception::of_kind(ExceptionKind::Lost, "dropped".to_owned()).into();
        ended.unwrap_or_else(dropped)
    }

    /// Runs a task on the driving thread while it holds the run, so nothing needs to be copied;
    /// and the tasks after it, as long as there is nothing to decide between them.
    pub(super) fn run_here(
        &self,
        run: &mut Run,
        task: Task,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        self.signal_init(task);
        self.prepare(context, run, task);
        let straight = self.plan.steps[task.step as usize].hints.then != NONE;
        if straight && task.attempt == 1 && !self.is_heard() && self.bodies.is_none() {
            return self.run_straight(run, task.step, context, mark);
        }
        let done = self.perform_here(task, run.input(task), context, *mark);
        *mark = self.engine.step_timings.then_some(done.at);
        let elapsed = self.elapsed(task, done.at);
        self.complete(run, task, done.outcome, done.busy, elapsed);
    }

    /// Runs a step and those that follow it straight, until there is something to decide.
    fn run_straight(
        &self,
        run: &mut Run,
        first: u32,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        let now = || self.engine.step_now();
        let (mut step, mut start) = (first, mark.unwrap_or_else(now));
        // One guard for the whole stretch; `step` says whose panic it was.
        let outcome = panic::contain(|| {
            loop {
                context.step = step;
                let this = &self.plan.steps[step as usize];
                let inputs = Inputs {
                    slots: &self.plan.events[this.event as usize].slots,
                    piped: run.straight_input(step),
                    context,
                };
                let outcome = self.plan.bodies[this.body as usize].call(&inputs);
                let TaskOutcome::Success(value) = outcome else { return outcome };
                if this.hints.then == NONE || self.info.is_cancelled() {
                    return TaskOutcome::Success(value);
                }
                let end = now();
                run.pass(step, value, end.saturating_sub(start));
                (step, start) = (this.hints.then, end);
            }
        });
        let end = now();
        *mark = self.engine.step_timings.then_some(end);
        run.begin_last(step);
        let task = Task { step, attempt: 1, item: None };
        let outcome = outcome.unwrap_or_else(TaskOutcome::Exception);
        self.complete(run, task, outcome, end.saturating_sub(start), Duration::ZERO);
    }

    pub(super) fn elapsed(&self, task: Task, at: Duration) -> Duration {
        if self.is_bounded(task) { self.began.elapsed(task, at) } else { Duration::ZERO }
    }

    #[inline]
    fn prepare(&self, context: &mut Context, run: &mut Run, task: Task) {
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context.token = run.token(task);
        if self.wants_previous(task.step) {
            context.previous.clear();
            run.owned_task_input(task).flatten(&mut context.previous);
        }
    }

    /// Whether the body reads what came along from its context.
    fn wants_previous(&self, step: u32) -> bool {
        self.plan.steps[step as usize].hints.closure || self.bodies.is_some()
    }

    /// Runs a body for which the run waits anyway. Its timeout tells it so, and is judged when it
    /// returns.
    fn perform_here(
        &self,
        task: Task,
        piped: Piped<'_>,
        context: &mut Context,
        mark: Option<Duration>,
    ) -> Done {
        let token = context.token.clone();
        let limit = token.and_then(|token| self.limit(task, || Call::Body(token)));
        let Some((deadline, key)) = limit else {
            return self.perform(task, piped, context, mark);
        };
        context.deadline = Some(deadline);
        let mut done = self.perform(task, piped, context, None);
        context.deadline = None;
        self.engine.alarm.clear(key);
        if let Some(limit) = self.timeout(task)
            && self.engine.clock.now() >= deadline
        {
            let late = std::mem::replace(&mut done.outcome, Exception::timeout(limit).into());
            panic::drop_quietly(late);
        }
        done
    }

    /// Asks a step's bypass check, on the driving thread.
    pub(super) fn check(
        &self,
        run: &mut Run,
        step: u32,
        context: &mut Context,
    ) -> Result<Bypass<Value>, Exception> {
        let work = Work::new(Turn::Check(step), run);
        work.enter(self, context);
        work.check(self, context)
    }
}

/// A piece of work that leaves its run: everything that it needs.
pub(super) struct Work {
    pub(super) turn: Turn,
    input: OwnedPiped,
    token: Option<Arc<Token>>,
}

impl Work {
    pub(super) fn new(turn: Turn, run: &mut Run) -> Self {
        match turn {
            Turn::Task(task) => {
                Self { turn, input: run.owned_task_input(task), token: run.token(task) }
            }
            // The original's check sees the run, not what came along the arrow.
            Turn::Check(_) => Self { turn, input: OwnedPiped::Nothing, token: None },
        }
    }

    pub(super) fn task(&self) -> Task {
        self.turn.task()
    }

    /// The work is about to be done. `false` if nobody wants it any more.
    pub(super) fn start(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.start())
    }

    /// The work is done. `false` if nobody waits for it any more.
    pub(super) fn end(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.end())
    }

    /// Makes `context` that of this work.
    pub(super) fn enter(&self, drive: &Drive, context: &mut Context) {
        let task = self.task();
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context.token.clone_from(&self.token);
        context.deadline = None;
        if drive.wants_previous(task.step) {
            context.previous.clear();
            self.input.flatten(&mut context.previous);
        }
    }

    pub(super) fn inputs<'a>(&'a self, drive: &'a Drive, context: &'a Context) -> Inputs<'a> {
        let slots = &drive.plan.event_of(context.step).slots;
        Inputs { slots, piped: self.input.borrow(), context }
    }

    /// Does the work on the driving thread, without holding the run.
    pub(super) fn perform_here(self, drive: &Drive, context: &mut Context) -> News {
        self.enter(drive, context);
        let news = match self.turn {
            Turn::Check(step) => News::Checked { step, answer: self.check(drive, context) },
            Turn::Task(task) => {
                let done = drive.perform_here(task, self.input.borrow(), context, None);
                News::Completed { task, outcome: done.outcome, busy: done.busy, at: done.at }
            }
        };
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(self.input);
        news
    }

    /// Does the work on a worker's thread.
    pub(super) fn perform(&self, drive: &Arc<Drive>, context: &mut Context) -> News {
        self.enter(drive, context);
        let task = match self.turn {
            Turn::Check(step) => {
                return News::Checked { step, answer: self.check(drive, context) };
            }
            Turn::Task(task) => task,
        };
        let limit = drive.limit(task, || Call::Task(Arc::downgrade(drive), task));
        context.deadline = limit.map(|(at, _)| at);
        let done = drive.perform(task, self.input.borrow(), context, None);
        if let Some((_, key)) = limit {
            drive.engine.alarm.clear(key);
        }
        News::Completed { task, outcome: done.outcome, busy: done.busy, at: done.at }
    }

    pub(super) fn check(
        &self,
        drive: &Drive,
        context: &Context,
    ) -> Result<Bypass<Value>, Exception> {
        let inputs = self.inputs(drive, context);
        let step = context.step;
        // A mock stands in for the body alone; whether to skip is still the event's to say.
        let body = &drive.plan.bodies[drive.plan.steps[step as usize].body as usize];
        panic::contain(|| body.bypass(&inputs)).unwrap_or_else(Err)
    }
}
