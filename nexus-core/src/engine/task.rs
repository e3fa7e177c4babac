//! Carrying out one task: its inputs, its body, its time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::drive::Drive;
use super::inbox::{News, Turn};
use crate::cancel::Token;
use crate::context::Context;
use crate::event::{Body, Inputs};
use crate::executor::{Runnable, Taken, thread_pool};
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
            lock(&self.0).insert((task.step, task.item), at);
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
    fn body(&self, step: u32) -> &dyn Body {
        let body = self.plan.steps[step as usize].body as usize;
        match &self.bodies {
            None => &*self.plan.bodies[body],
            Some(bodies) => &*bodies[body],
        }
    }

    fn is_bounded(&self, task: Task) -> bool {
        self.plan.steps[task.step as usize].hints.bounded
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
        let done = self.perform(task, run.input(task), context, *mark);
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
        let now =
            || if self.engine.step_timings { self.engine.clock.now() } else { Duration::ZERO };
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
                if this.hints.then == NONE {
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
        context.cancelled = run.token(task.step);
        if self.plan.steps[task.step as usize].hints.closure || self.bodies.is_some() {
            context.previous.clear();
            run.owned_task_input(task).flatten(&mut context.previous);
        }
    }

    /// Asks a step's bypass check, on the driving thread.
    pub(super) fn check(&self, run: &mut Run, step: u32) -> Result<Bypass<Value>, Exception> {
        Work::new(self, Turn::Check(step), run).check(self, step)
    }
}

/// A piece of work that leaves its run: everything that it needs.
pub(super) struct Work {
    turn: Turn,
    context: Context,
    input: OwnedPiped,
}

impl Work {
    pub(super) fn new(drive: &Drive, turn: Turn, run: &mut Run) -> Self {
        let mut context = Context::new(Arc::clone(&drive.info));
        drive.prepare(&mut context, run, turn.task());
        let input = match turn {
            Turn::Task(task) => run.owned_task_input(task),
            // The original's check sees the run, not what came along the arrow.
            Turn::Check(_) => OwnedPiped::Nothing,
        };
        Self { turn, context, input }
    }

    pub(super) fn perform(self, drive: &Drive) -> News {
        let task = match self.turn {
            Turn::Check(step) => return News::Checked { step, answer: self.check(drive, step) },
            Turn::Task(task) => task,
        };
        let done = drive.perform(task, self.input.borrow(), &self.context, None);
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(self.input);
        News::Completed { task, outcome: done.outcome, busy: done.busy, at: done.at }
    }

    fn check(&self, drive: &Drive, step: u32) -> Result<Bypass<Value>, Exception> {
        let slots = &drive.plan.event_of(step).slots;
        let inputs = Inputs { slots, piped: Piped::Nothing, context: &self.context };
        // A mock stands in for the body alone; whether to skip is still the event's to say.
        let body = &drive.plan.bodies[drive.plan.steps[step as usize].body as usize];
        panic::contain(|| body.bypass(&inputs)).unwrap_or_else(Err)
    }
}

/// Work on its way to an executor.
pub(super) struct PooledTask {
    drive: Arc<Drive>,
    work: Work,
}

impl PooledTask {
    pub(super) fn new(drive: Arc<Drive>, turn: Turn, run: &mut Run) -> Self {
        let work = Work::new(&drive, turn, run);
        Self { drive, work }
    }
}

/// A task that an executor runs in its own way.
struct TakenTask {
    task: Option<Box<PooledTask>>,
    token: Token,
}

impl TakenTask {
    fn request_of(task: &PooledTask) -> Option<Result<Vec<u8>, Exception>> {
        let PooledTask { drive, work } = task;
        let step = drive.plan.steps[work.context.step as usize];
        if drive.bodies.is_some() || matches!(work.turn, Turn::Check(_)) {
            return None;
        }
        let event = drive.plan.event_of(work.context.step);
        let inputs =
            Inputs { slots: &event.slots, piped: work.input.borrow(), context: &work.context };
        let name = &drive.plan.names[step.body as usize];
        Some(crate::wire::request(&event.def, name, &work.context, &inputs))
    }
}

impl Taken for TakenTask {
    fn request(&self) -> Option<Result<Vec<u8>, Exception>> {
        Self::request_of(self.task.as_ref()?)
    }
    fn outcome(&self, reply: &[u8]) -> TaskOutcome {
        let lost = || Exception::of_kind(ExceptionKind::Lost, String::new()).into();
        self.task.as_ref().map_or_else(lost, |task| {
            crate::wire::outcome(&task.drive.plan.event_of(task.work.context.step).def, reply)
        })
    }
    fn token(&self) -> &Token {
        &self.token
    }
    fn start(&self) -> bool {
        self.token.start()
    }
    fn progress(&self, _done: u64, _total: u64) {}
    fn finish(mut self: Box<Self>, outcome: TaskOutcome) {
        let Some(task) = self.task.take() else { return };
        let Turn::Task(turn) = task.work.turn else { return };
        let at = task.drive.engine.clock.now();
        panic::drop_quietly(task.work.input);
        task.drive.tell(News::Completed { task: turn, outcome, busy: Duration::ZERO, at });
    }
    fn run(mut self: Box<Self>) {
        if let Some(task) = self.task.take() {
            Runnable::run(task);
        }
    }
}

impl Drop for TakenTask {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.lost();
        }
    }
}

impl Runnable for PooledTask {
    fn take(self: Box<Self>) -> Option<Box<dyn Taken>> {
        Some(Box::new(TakenTask { task: Some(self), token: Token::default() }))
    }

    fn run(self: Box<Self>) {
        let Self { drive, work } = *self;
        let news = work.perform(&drive);
        thread_pool::hand_over(|| drive.tell(news));
    }

    fn lost(self: Box<Self>) {
        let message = "the executor dropped the task without running it".to_owned();
        let lost = Exception::of_kind(ExceptionKind::Lost, message);
        self.drive.tell(match self.work.turn {
            Turn::Check(step) => News::Checked { step, answer: Err(lost) },
            Turn::Task(task) => News::Completed {
                task,
                outcome: TaskOutcome::Exception(lost),
                busy: Duration::ZERO,
                at: self.drive.engine.clock.now(),
            },
        });
    }
}
