//! The thread that drives a run does the work of its pools itself where that is quicker.
//!
//! To hand a task to another thread and to hear of its end takes longer than many a task. So while
//! there is nothing to do but short tasks, the driving thread takes the place of a worker
//! (`Executor::visit`) and does them. It lends the run before each of them (`lending.rs`), so others
//! can go on with it, and do what is left, if one of the tasks is slow today
//! (`docs/decisions/0038`). Of tasks that are worth it, it gives others their share (`share.rs`).

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveRun;
use super::inline::enqueue;
use super::lending::Held;
use super::mailbox::Outbox;
use super::perform::CHUNK;
use super::work::{CHUNK_NANOS, Notification};
use crate::context::Context;
use crate::event::Inputs;
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::{Place, Then};
use crate::run::{CopiedInput, Run, Task};
use crate::time::nanos;

/// After so many tasks it is asked again how long they take.
const FEW: u32 = 64;

/// After so many tasks the worker's place is somebody else's, if there is one who waits for it.
const MANY: u32 = 256;

/// What a driving thread does in a worker's place.
struct Visit<'a> {
    pool: u32,
    context: &'a mut Context,
    /// The time now, if it is known.
    mark: &'a mut Option<Duration>,
    input: CopiedInput,
    /// How many tasks it may still do.
    left: u32,
    /// After how many tasks it looks what others have to do.
    until_look: u32,
    /// After how many tasks it is asked again how long they take, and the like.
    ask_at: u32,
    /// The body of the last tasks, how many there were, and since when.
    body: u32,
    tasks: u32,
    since: u64,
}

impl ActiveRun {
    /// Whether the thread that drives the run may do work of its pools. Not if the run may have to end
    /// early, by its timeout or its handle: nothing ends a body that turns out to be slow.
    pub(super) fn may_visit(&self) -> bool {
        let ends_early = self.deadline.is_some() || self.tracker.is_some();
        !self.pools.is_empty() && self.journal.is_none() && !ends_early
    }

    /// Puts a plain step where the driving thread finds it.
    #[inline]
    pub(super) fn enqueue(&self, outbox: &mut Outbox, step: u32) {
        if self.plan.steps[step as usize].hints.plain {
            enqueue(&mut outbox.inline, step);
        } else {
            outbox.short.push_back(Task { step, attempt: 1, item: None });
        }
    }

    /// Does the pools' short tasks, as long as there is nothing else to do; leaves the rest of them to
    /// the pools, and all that follows until the driving thread advances the run again. Gives the run
    /// back, unless somebody else goes on with it.
    pub(super) fn visit_pools(
        self: &Arc<Self>,
        run: Box<Run>,
        outbox: &mut Outbox,
        context: &mut Context,
    ) -> Option<Box<Run>> {
        let Some(task) = outbox.short.front().copied() else {
            outbox.visits = false;
            return Some(run);
        };
        let mut held = Some(Box::new(Held::new(run, std::mem::take(outbox), task)));
        let mut mark = None;
        while let Some(pool) = held.as_ref().and_then(|held| self.pool_to_visit(held)) {
            let work = &mut || {
                self.visit(pool, &mut held, context, &mut mark);
                held.as_ref().and_then(|held| self.pool_to_visit(held)) == Some(pool)
            };
            if !panic::contain(|| self.pools[pool as usize].visit(work)).unwrap_or(false) {
                break;
            }
            if let Some(held) = &mut held {
                self.advance_from(&mut held.run, &mut held.outbox, Some(context), &mut mark);
            }
        }
        let Held { mut run, outbox: found, shared, .. } = *held?;
        *outbox = found;
        // The pool has a place more now.
        outbox.wants_jobs |= shared;
        self.leave_to_pools(&mut run, outbox);
        Some(run)
    }

    /// The pool whose task comes next, if the driving thread is to do it.
    fn pool_to_visit(&self, held: &Held) -> Option<u32> {
        let Held { run, outbox, shared, .. } = held;
        let task = *outbox.short.front()?;
        let queued = outbox.short.len();
        let is_alone = if *shared {
            outbox.inline.is_empty() && !run.has_waits()
        } else {
            self.is_alone_with(run, outbox.inline.len() + queued)
        };
        let may = is_alone && outbox.pooled.is_empty() && !self.is_cancelled();
        match self.place(task.step) {
            Place::Pool(pool) if may && self.is_for_here(pool, task, queued) => Some(pool),
            _ => None,
        }
    }

    /// Leaves the short tasks to the pools after all.
    fn leave_to_pools(self: &Arc<Self>, run: &mut Run, outbox: &mut Outbox) {
        // What follows goes to the pools as well.
        outbox.visits = false;
        if outbox.short.is_empty() {
            return;
        }
        while let Some(task) = outbox.short.pop_front() {
            if let Place::Pool(pool) = self.place(task.step)
                && run.is_wanted(task)
            {
                self.leave_to_pool(pool, task, run, outbox);
            }
        }
        // The run may have been told something meanwhile.
        self.advance(run, outbox, None);
    }

    /// Goes on with the run, if the driving thread has lent it to a body that does not return.
    pub(super) fn look_at_visit(self: &Arc<Self>) {
        let Some(held) = self.lending.take_stalled() else { return };
        let Held { mut run, mut outbox, task, shared, .. } = *held;
        outbox.wants_jobs |= shared;
        self.mailbox.lock().leave_visitor();
        begin_fully(&mut run, task);
        self.leave_to_pools(&mut run, &mut outbox);
        self.advance(&mut run, &mut outbox, None);
        self.release(run, &mut outbox, None);
    }

    /// Does tasks of one pool, in the place of one of its workers.
    fn visit(
        self: &Arc<Self>,
        pool: u32,
        held: &mut Option<Box<Held>>,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        if self.mailbox.lock().begin_visit(pool) {
            self.watch_chunks();
        }
        context.token = None;
        let since = mark.map_or_else(|| self.engine.clock.timestamp_nanos(), nanos);
        let input = CopiedInput::new();
        let mut visit = Visit {
            pool,
            context,
            mark,
            input,
            left: MANY,
            until_look: 0,
            ask_at: 0,
            body: 0,
            tasks: 0,
            since,
        };
        while visit.left > 0
            && let Some(holds) = held
        {
            if visit.is_to_ask() || holds.outbox.short.is_empty() {
                visit.measure(self);
                if visit.until_look == 0 || holds.shared {
                    visit.until_look = self.share(pool, holds);
                    // That was no task's time.
                    *visit.mark = None;
                    visit.measure(self);
                }
            }
            if self.pool_to_visit(holds) != Some(pool) {
                break;
            }
            let Some(task) = holds.outbox.short.pop_front() else { break };
            if !holds.run.is_wanted(task) {
                continue;
            }
            let hints = &self.plan.steps[task.step as usize].hints;
            let is_plain = hints.plain_visited && task.attempt == 1;
            let is_plain = is_plain && !self.is_observed() && self.mocked.is_none();
            match task.item {
                None if is_plain => self.visit_steps(task, held, &mut visit),
                Some(item)
                    if is_plain
                        && holds.outbox.inline.is_empty()
                        && (holds.shared
                            || holds.run.is_only_each(
                                task.step,
                                item,
                                holds.outbox.short.len(),
                            )) =>
                {
                    self.visit_items(task, held, &mut visit);
                }
                _ => self.visit_task(task, held, &mut visit),
            }
            if let Some(Held { run, outbox, .. }) = held.as_deref_mut()
                && run.has_requests()
            {
                self.advance_from(run, outbox, None, visit.mark);
            }
        }
        visit.measure(self);
        self.mailbox.lock().end_visit();
    }

    /// Runs plain steps, one after the other, as long as they succeed.
    fn visit_steps(
        self: &Arc<Self>,
        first: Task,
        held: &mut Option<Box<Held>>,
        visit: &mut Visit<'_>,
    ) {
        let now = || self.engine.step_now_nanos();
        let (mut step, mut start) = (first.step, visit.mark.map_or_else(now, nanos));
        // One guard for all of them; `step` says whose panic it was.
        let last = panic::contain(|| {
            loop {
                let outcome = self.lend_to(Task { step, ..first }, held, visit)?;
                let end = now();
                let then = self.plan.steps[step as usize].hints.then;
                let Some(Held { run, outbox, shared, .. }) = held.as_deref_mut() else {
                    return Some((outcome, end));
                };
                match outcome {
                    TaskOutcome::Success(value) if then != Then::Decide && !self.is_cancelled() => {
                        run.pass(step, value, end.saturating_sub(start));
                    }
                    outcome => return Some((outcome, end)),
                }
                let is_slow = end.saturating_sub(start) > u64::from(CHUNK_NANOS);
                start = end;
                let is_alone = !*shared && outbox.short.is_empty() && outbox.inline.is_empty();
                let follows =
                    run.follow(step, then, is_alone, true, |step| self.enqueue(outbox, step));
                step = follows.or_else(|| self.next_visited(run, outbox, visit.pool))?;
                let task = Task { step, ..first };
                let queued = outbox.short.len() + 1;
                if (is_slow || visit.is_to_ask()) && !self.goes_on(task, queued, visit) {
                    begin_fully(run, task);
                    outbox.short.push_front(task);
                    return None;
                }
            }
        });
        let last = last.unwrap_or_else(|panic| Some((panic.into(), now())));
        let at = last.as_ref().map_or(start, |(_, end)| *end);
        *visit.mark = self.engine.step_timings.then_some(Duration::from_nanos(at));
        if let Some((outcome, end)) = last {
            let busy = Duration::from_nanos(end.saturating_sub(start));
            self.end_visited(Task { step, ..first }, outcome, busy, held, visit);
        }
    }

    /// Runs an item of an `each` step and those after it, as long as they succeed: those that wait
    /// in the queue, which has nothing else, and then one after the other.
    fn visit_items(
        self: &Arc<Self>,
        first: Task,
        held: &mut Option<Box<Held>>,
        visit: &mut Visit<'_>,
    ) {
        let start = visit.mark.unwrap_or_else(|| self.engine.step_now());
        let (step, mut task) = (first.step, first);
        let last = panic::contain(|| {
            loop {
                let outcome = self.lend_to(task, held, visit)?;
                let Some(Held { run, outbox, shared, .. }) = held.as_deref_mut() else {
                    return Some(outcome);
                };
                let value = match outcome {
                    TaskOutcome::Success(value) if !self.is_cancelled() => value,
                    outcome => return Some(outcome),
                };
                let item = task.item.unwrap_or_default();
                match outbox.short.front() {
                    None if *shared => {
                        run.pass_item(step, item, value);
                        run.fill_window(step);
                        return None;
                    }
                    None => task.item = Some(run.replace_item(step, value)?),
                    Some(next) if is_next(*shared, task, *next) => {
                        let next = *next;
                        outbox.short.pop_front();
                        run.pass_item(step, item, value);
                        task = next;
                    }
                    Some(_) => return Some(TaskOutcome::Success(value)),
                }
                let window = self.plan.options_of(step).window;
                if visit.is_to_ask() && !self.goes_on(task, window, visit) {
                    begin_fully(run, task);
                    outbox.short.push_front(task);
                    return None;
                }
            }
        });
        // The end of each is the beginning of the next one, so that their times are one.
        let end = self.engine.step_now();
        *visit.mark = self.engine.step_timings.then_some(end);
        let busy = end.saturating_sub(start);
        match (last.unwrap_or_else(|panic| Some(panic.into())), held.as_deref_mut()) {
            (Some(outcome), _) => self.end_visited(task, outcome, busy, held, visit),
            (None, Some(Held { run, .. })) => run.passed_in(step, busy),
            (None, None) => {}
        }
    }

    /// Whether tasks like this one are still short, so many that wait, and there is time for them.
    #[cold]
    fn goes_on(&self, task: Task, count: usize, visit: &mut Visit<'_>) -> bool {
        visit.measure(self);
        visit.left > 0 && visit.until_look > 0 && self.is_for_here(visit.pool, task, count)
    }

    /// Runs a task that is no plain one.
    fn visit_task(
        self: &Arc<Self>,
        task: Task,
        held: &mut Option<Box<Held>>,
        visit: &mut Visit<'_>,
    ) {
        let Some(holds) = held else { return };
        holds.run.copy_input(task, &mut visit.input);
        holds.task = task;
        visit.count(self, task.step);
        let Visit { context, input, mark, .. } = visit;
        (context.step, context.attempt, context.item) = (task.step, task.attempt, task.item);
        let wants_previous = self.wants_previous(task.step);
        context.previous = if wants_previous { holds.run.previous(task) } else { Vec::new() };
        self.lending.lend(held);
        let done = self.call_body(task, input.borrow(), context, **mark);
        self.lending.take_back(held);
        **mark = self.engine.step_timings.then_some(done.at);
        if done.busy > CHUNK || visit.is_to_ask() {
            visit.measure(self);
        }
        self.end_visited(task, done.outcome, done.busy, held, visit);
    }

    /// Lends the run to the body of a plain task. Gives no outcome if there is no run to lend.
    #[inline]
    fn lend_to(
        &self,
        task: Task,
        held: &mut Option<Box<Held>>,
        visit: &mut Visit<'_>,
    ) -> Option<TaskOutcome> {
        let holds = held.as_mut()?;
        holds.run.copy_input(task, &mut visit.input);
        holds.task = task;
        visit.count(self, task.step);
        let Visit { context, input, .. } = visit;
        (context.step, context.attempt, context.item) = (task.step, task.attempt, task.item);
        let this = &self.plan.steps[task.step as usize];
        let slots = &self.plan.events[this.event as usize].slots;
        self.lending.lend(held);
        let inputs = Inputs { slots, piped: input.borrow(), context };
        let outcome = self.plan.bodies[this.body as usize].call(&inputs);
        inputs.piped.release();
        self.lending.take_back(held);
        Some(outcome)
    }

    /// The last task of a stretch has ended, or one that was no plain one.
    fn end_visited(
        self: &Arc<Self>,
        task: Task,
        outcome: TaskOutcome,
        busy: Duration,
        held: &mut Option<Box<Held>>,
        visit: &mut Visit<'_>,
    ) {
        if held.is_none() {
            // It panicked, perhaps.
            self.lending.take_back(held);
        }
        let Some(Held { run, .. }) = held.as_deref_mut() else {
            // The run may be over, and this the last holder of the input; its Drop is user code.
            let input = std::mem::replace(&mut visit.input, CopiedInput::new());
            panic::drop_quietly((input, std::mem::take(&mut visit.context.previous)));
            return self.tell(Notification::Completed { task, outcome, busy });
        };
        begin_fully(run, task);
        self.complete(run, task, outcome, busy, self.elapsed(task));
    }

    /// Takes the next task out of the queue if it is a plain step, and nothing comes before it.
    #[inline]
    fn next_visited(&self, run: &Run, outbox: &mut Outbox, pool: u32) -> Option<u32> {
        while let Some(task) = outbox.short.front().copied()
            && task.attempt == 1
            && task.item.is_none()
            && !run.has_requests()
            && self.plan.steps[task.step as usize].hints.plain_visited
            && self.plan.options_of(task.step).place == Place::Pool(pool)
        {
            outbox.short.pop_front();
            if run.is_wanted(task) {
                return Some(task.step);
            }
        }
        None
    }
}

impl Visit<'_> {
    /// One more task is done.
    #[inline]
    fn count(&mut self, active: &ActiveRun, step: u32) {
        let body = active.plan.steps[step as usize].body;
        if body != self.body || self.tasks == FEW {
            self.measure(active);
            self.body = body;
        }
        self.tasks += 1;
    }

    /// Whether it is to be asked again how long the tasks take.
    #[inline]
    fn is_to_ask(&self) -> bool {
        self.tasks >= self.ask_at
    }

    /// Notes how long the last tasks took.
    fn measure(&mut self, active: &ActiveRun) {
        let now = active.engine.clock.timestamp_nanos();
        if self.tasks > 0 {
            let took = Duration::from_nanos(now.saturating_sub(self.since));
            active.plan.paces[self.body as usize].measured(self.tasks, took);
        }
        self.left = self.left.saturating_sub(self.tasks);
        self.until_look = self.until_look.saturating_sub(self.tasks);
        (self.since, self.tasks) = (now, 0);
        self.ask_at = FEW.min(self.left).min(self.until_look);
    }
}

/// Whether an item is done right after another one of its step: of those that are shared out, any
/// that nobody has tried yet.
fn is_next(shared: bool, task: Task, next: Task) -> bool {
    let after = task.item.map_or(0, |item| item + 1);
    let is_same = next.step == task.step && next.attempt == task.attempt;
    is_same && next.item.is_some_and(|item| shared || item == after)
}

/// What the run does not note of a task that follows another one on the short way.
fn begin_fully(run: &mut Run, task: Task) {
    match task.item {
        None => run.begin_last(task.step),
        Some(_) => run.fill_window(task.step),
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use std::collections::HashSet;
    use std::sync::{Arc, Barrier, Mutex};
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use crate::{
        Clock, Context, Engine, ExecutorInitializerConfig, Fields, Flow, Inputs, Outcome, Plan,
        Registry, ThreadPoolExecutor, Wait,
    };

    fn two_workers() -> ExecutorInitializerConfig {
        ExecutorInitializerConfig::new().max_workers(2)
    }

    /// A plan of three tasks on a pool, whose body is known to take so long.
    fn plan(
        config: ExecutorInitializerConfig,
        nanos: u32,
        body: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Plan> {
        let mut registry = Registry::new();
        registry
            .event("A", move |_: &Context| {
                body();
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(config);
        let plan = Flow::parse("A || A -> A").unwrap().plan(&registry, &Fields::new()).unwrap();
        plan.paces[0].assume(nanos);
        plan
    }

    /// Whether the tasks ran on the thread that drove the run, for each of them.
    fn on_the_drivers(
        config: ExecutorInitializerConfig,
        nanos: u32,
        run: impl FnOnce(&Arc<Plan>) -> crate::Report,
    ) -> HashSet<bool> {
        let (driver, seen) = (thread::current().id(), Arc::new(Mutex::new(HashSet::new())));
        let threads: Arc<Mutex<HashSet<ThreadId>>> = Arc::clone(&seen);
        let plan = plan(config, nanos, move || {
            threads.lock().unwrap().insert(thread::current().id());
        });
        let report = run(&plan);
        assert!(report.is_success(), "{report}");
        let seen = seen.lock().unwrap();
        seen.iter().map(|thread| *thread == driver).collect()
    }

    /// By it, what bodies take on a busy machine says nothing of the next ones.
    #[derive(Debug)]
    struct StandsStill;

    impl Clock for StandsStill {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
            if at.is_zero() { Wait::Over } else { Wait::AtMost(at) }
        }
    }

    fn run(plan: &Arc<Plan>) -> crate::Report {
        let engine = Engine::builder().clock(StandsStill).build().unwrap();
        engine.run_plan(plan, Inputs::new()).unwrap()
    }

    #[test]
    fn nobody_is_woken_for_tasks_that_take_less_than_that() {
        assert_eq!(on_the_drivers(two_workers(), 100, run), HashSet::from([true]));
        assert_eq!(on_the_drivers(two_workers(), 20_000, run), HashSet::from([false]));
        let some_here = on_the_drivers(two_workers(), 12_000, run).contains(&true);
        assert!(some_here, "the driving thread waited for threads that had to be woken");
    }

    #[test]
    fn a_pool_whose_threads_are_described_keeps_its_tasks() {
        for config in [two_workers().thread_name_prefix("mine-"), two_workers().stack_size(1 << 20)]
        {
            assert_eq!(on_the_drivers(config, 100, run), HashSet::from([false]));
        }
    }

    #[test]
    fn a_run_that_may_have_to_end_early_keeps_its_thread_free() {
        let engine = Engine::new();
        let limited = |plan: &Arc<Plan>| {
            let prepared = engine.prepare_plan(plan, Inputs::new()).unwrap();
            prepared.timeout(Duration::from_mins(10)).run().unwrap()
        };
        assert_eq!(on_the_drivers(two_workers(), 100, limited), HashSet::from([false]));
    }

    /// The first of them would block the thread that drives the run for ever.
    #[test]
    fn tasks_that_were_expected_to_be_short_can_wait_for_each_other() {
        let meeting = Barrier::new(2);
        let mut first_two = (0..2).collect::<Vec<_>>();
        let turns = Mutex::new(std::iter::from_fn(move || first_two.pop()));
        let plan = plan(two_workers(), 100, move || {
            let turn = turns.lock().unwrap().next();
            if turn.is_some() {
                meeting.wait();
            }
        });
        assert!(run(&plan).is_success());
    }

    /// The only worker's place is the waiting thread's own.
    #[test]
    fn a_task_that_was_expected_to_be_short_can_run_a_pipeline_on_its_own_pool() {
        let engine = Engine::new();
        let one_worker = || ExecutorInitializerConfig::new().max_workers(1);
        let (inner, same) = (plan(one_worker(), 20_000, || {}), engine.clone());
        let outer = plan(one_worker(), 100, move || {
            assert!(same.run_plan(&inner, Inputs::new()).unwrap().is_success());
        });
        assert!(engine.run_plan(&outer, Inputs::new()).unwrap().is_success());
    }
}
