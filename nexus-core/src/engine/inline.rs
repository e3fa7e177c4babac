//! Tasks on the driving thread, one after the other, while it holds the run.

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveRun;
use super::work::{InlineQueue, WorkKind};
use crate::context::Context;
use crate::event::Inputs;
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::Then;
use crate::run::{Run, Task};
use crate::time::nanos;

impl ActiveRun {
    /// Whether plain steps need nothing but their bodies: nobody is told of them, and no mock stands
    /// in for one.
    #[inline]
    pub(super) fn is_unwatched(&self) -> bool {
        !self.are_own_steps_observed() && self.mocked.is_none()
    }

    /// Runs a task on the driving thread while it holds the run, so nothing needs to be copied;
    /// and the tasks after it, as long as there is nothing to decide between them. `queue` has what
    /// else there is to do on this thread; nothing is under way elsewhere.
    pub(super) fn run_inline(
        self: &Arc<Self>,
        run: &mut Run,
        task: Task,
        queue: &mut InlineQueue,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        self.enter_inline(context, run, task);
        if self.is_unwatched() {
            let hints = &self.plan.steps[task.step as usize].hints;
            match task.item {
                // Observers are told of the end of retries.
                None if hints.plain && (task.attempt == 1 || !self.has_observers()) => {
                    return self.run_plain(run, task.step, queue, context, mark);
                }
                Some(item)
                    if hints.plain_items
                        && task.attempt == 1
                        && run.is_only_each(task.step, item, queue.len()) =>
                {
                    return self.run_items(run, task.step, item, queue, context, mark);
                }
                _ => {}
            }
        }
        let done = self.call_inline(task, run.input(task), context, *mark);
        *mark = self.engine.step_timings.then_some(done.at);
        let elapsed = self.elapsed(task);
        self.complete(run, task, done.outcome, done.busy, elapsed);
    }

    fn is_plain(&self, task: Task) -> bool {
        self.plan.steps[task.step as usize].hints.plain && task.attempt == 1
    }

    /// Runs a plain step, which may be tried again, and what follows it: the next one where there is
    /// no other, otherwise the next one of the queue, which gets what follows. Ends where there is
    /// something to decide.
    fn run_plain(
        self: &Arc<Self>,
        run: &mut Run,
        first: u32,
        queue: &mut InlineQueue,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        let now = || self.engine.step_now_nanos();
        let marked = |at| self.engine.step_timings.then_some(Duration::from_nanos(at));
        let (mut step, mut start) = (first, mark.map_or_else(now, nanos));
        // One guard for the whole stretch; `step` says whose panic it was.
        let last = panic::contain(|| {
            loop {
                context.step = step;
                let this = &self.plan.steps[step as usize];
                let inputs = Inputs {
                    slots: &self.plan.events[this.event as usize].slots,
                    piped: run.step_input(step),
                    context,
                };
                let outcome = self.plan.bodies[this.body as usize].call(&inputs);
                inputs.piped.release();
                let then = this.hints.then;
                // The outcome stays where it is until then: a processor that is to move what was
                // just stored piece by piece waits for it.
                let end = now();
                match outcome {
                    TaskOutcome::Success(value) if then != Then::Decide && !self.is_cancelled() => {
                        run.pass(step, value, end.saturating_sub(start));
                    }
                    outcome => return Some((outcome, end)),
                }
                start = end;
                let is_alone = queue.is_empty();
                let follows = run.follow(step, then, is_alone, false, |step| enqueue(queue, step));
                step = match follows.or_else(|| self.next_plain(run, queue)) {
                    Some(next) => next,
                    None => return None,
                };
                context.attempt = 1;
            }
        });
        let last = last.unwrap_or_else(|panic| Some((panic.into(), now())));
        let Some((outcome, end)) = last else {
            *mark = marked(start);
            return;
        };
        *mark = marked(end);
        run.begin_last(step);
        let task = Task { step, attempt: context.attempt, item: None };
        let busy = Duration::from_nanos(end.saturating_sub(start));
        self.complete(run, task, outcome, busy, Duration::ZERO);
    }

    /// Runs an item of an `each` step and those after it, as long as they succeed: those that wait
    /// in the queue, which has nothing else, and then one after the other.
    fn run_items(
        self: &Arc<Self>,
        run: &mut Run,
        step: u32,
        first: u64,
        queue: &mut InlineQueue,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        let start = mark.unwrap_or_else(|| self.engine.step_now());
        let this = &self.plan.steps[step as usize];
        let slots = &self.plan.events[this.event as usize].slots;
        let body = &*self.plan.bodies[this.body as usize];
        let mut item = first;
        let last = panic::contain(|| {
            loop {
                context.item = Some(item);
                let inputs = Inputs { slots, piped: run.item_borrowed(step, item), context };
                let outcome = body.call(&inputs);
                inputs.piped.release();
                let value = match outcome {
                    TaskOutcome::Success(value) if !self.is_cancelled() => value,
                    outcome => return Some(outcome),
                };
                let after = Task { step, attempt: 1, item: Some(item + 1) };
                match queue.front() {
                    None => item = run.replace_item(step, value)?,
                    Some(next) if *next == (WorkKind::Body, after) => {
                        queue.pop_front();
                        run.pass_item(step, item, value);
                        item += 1;
                    }
                    Some(_) => return Some(TaskOutcome::Success(value)),
                }
            }
        });
        // The end of each is the beginning of the next one, so that their times are one.
        let end = self.engine.step_now();
        *mark = self.engine.step_timings.then_some(end);
        let busy = end.saturating_sub(start);
        match last.unwrap_or_else(|panic| Some(panic.into())) {
            None => run.passed_in(step, busy),
            Some(outcome) => {
                // What is tried again comes after those that would be under way by now.
                run.fill_window(step);
                let task = Task { step, attempt: 1, item: Some(item) };
                self.complete(run, task, outcome, busy, Duration::ZERO);
            }
        }
    }

    /// Takes the next task out of the queue if it is a plain step, and nothing comes before it.
    #[inline]
    fn next_plain(&self, run: &Run, queue: &mut InlineQueue) -> Option<u32> {
        while let Some(&(WorkKind::Body, task)) = queue.front()
            && self.is_plain(task)
            && !run.has_requests()
        {
            queue.pop_front();
            if run.is_wanted(task) {
                return Some(task.step);
            }
        }
        None
    }

    /// Makes `context` that of a task whose input stays in the run.
    #[inline]
    fn enter_inline(&self, context: &mut Context, run: &mut Run, task: Task) {
        context.step = task.step;
        context.attempt = task.attempt;
        context.item = task.item;
        context.token = run.token(task);
        if self.wants_previous(task.step) {
            context.previous = run.previous(task);
        }
    }
}

/// Puts a plain step at the end of the driving thread's queue.
#[inline]
pub(super) fn enqueue(queue: &mut InlineQueue, step: u32) {
    queue.push_back((WorkKind::Body, Task { step, attempt: 1, item: None }));
}
