//! The async driver: a run as a future, for any runtime.
//!
//! The future does what the blocking driver's thread does, but for one thing: it runs no plain
//! body, since that would block the runtime's thread. Those have their turn on the engine's shared
//! pool, and a stretch of them runs there as it would on a thread of its own. An async event that
//! runs alone is polled by the future itself; beside others it is a task of its executor.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as Polling, Poll};
use std::time::Duration;

use super::alarm::Call;
use super::drive::{Drive, Looked, Next};
use super::inbox::{Brought, News, Outbox, Slot, Turn};
use super::polling::{self, First};
use super::prepare::Prepared;
use super::task::Work;
use crate::context::Context;
use crate::error::Result;
use crate::event::Inputs;
use crate::executor::{self, Executor, Job, Source, Taken};
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::{NONE, Place, Pool, Step};
use crate::report::Report;
use crate::run::{Halt, Run, Task};
use crate::sync::{Mutex, lock};

impl Prepared {
    /// Runs it as a future, on whatever runtime polls it. Plain events run on the engine's threads,
    /// never on those of the runtime.
    ///
    /// Dropping the future cancels the run.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_async(mut self) -> impl Future<Output = Result<Report>> + Send + 'static {
        // Bodies that are polled here may need the runtime of their executor.
        let host = self.async_host();
        let mut run = Box::pin(async move {
            let drive = self.drive(None)?;
            let shared = drive.engine.executor_of(&Pool::Shared)?;
            let start = drive.engine.clock.now();
            // Also if this future is dropped, at whatever point it is.
            let ending = Ending(&drive, &shared);
            drive.set_out();
            let run = drive.new_run();
            let run = drive.until_finished_async(run, &shared).await;
            let report = drive.report(run, start);
            drop(ending);
            drop(self);
            Ok(report)
        });
        // An async event that waits for a run may have the place that the run needs.
        let mut place = None;
        poll_fn(move |cx| {
            let mut polled = Poll::Pending;
            let mut poll = || polled = run.as_mut().poll(cx);
            match &host {
                Ok(Some(host)) => host.within(&mut poll),
                _ => poll(),
            }
            match polled {
                Poll::Ready(_) => place = None,
                Poll::Pending if place.is_none() => place = executor::leave_place(),
                Poll::Pending => {}
            }
            polled
        })
    }
}

impl Prepared {
    /// The executor of the plan's async events.
    fn async_host(&self) -> Result<Option<Arc<dyn Executor>>> {
        let plan = &self.plan;
        let is_async = |step: &&Step| plan.events[step.event as usize].def.is_async;
        let Some(step) = plan.steps.iter().find(is_async) else { return Ok(None) };
        let Place::Pool(pool) = plan.options[step.options as usize].place else { return Ok(None) };
        self.engine.owner.0.executor_of(&plan.pools[pool as usize]).map(Some)
    }
}

/// Ends the run with the future.
struct Ending<'a>(&'a Arc<Drive>, &'a Arc<dyn Executor>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // The run may have been dropped with the future that held it; if not, it learns it here.
        self.0.halt(Halt::Cancelled);
        let slot = self.0.inbox.lock();
        let is_away = slot.away;
        for pool in Slot::close(slot) {
            self.0.give_up(pool);
        }
        if is_away {
            let _ = panic::contain(|| self.1.give_up());
        }
        self.0.engine.forget(self.0);
    }
}

impl Drive {
    async fn until_finished_async(
        self: &Arc<Self>,
        mut run: Box<Run>,
        shared: &Arc<dyn Executor>,
    ) -> Box<Run> {
        let mut context = Context::new(Arc::clone(&self.info));
        loop {
            let mut outbox = Outbox::default();
            self.advance(&mut run, &mut outbox, None);
            while let Some(work) = self.lone_async(&run, &mut outbox) {
                self.run_async_here(&mut run, work, &mut context).await;
                self.advance(&mut run, &mut outbox, None);
            }
            self.settle(run, outbox, None);
            run = loop {
                match poll_fn(|cx| self.poll_turn(cx)).await {
                    Next::Finished(run) => return run,
                    Next::Advance(run) => break run,
                    Next::Turn(work) => {
                        let (drive, pool) = (Arc::clone(self), Arc::clone(shared));
                        let turn = PooledTurn { drive, pool, work: Mutex::new(Some(work)) };
                        let job = Job::new(Arc::new(turn), 0);
                        let _ = panic::contain(|| shared.submit(job));
                    }
                }
            };
        }
    }

    /// The only work that there is, if it is an async body that nobody may have to end.
    fn lone_async(&self, run: &Run, outbox: &mut Outbox) -> Option<Work> {
        if outbox.work.len() != 1 || !outbox.turns.is_empty() || !run.is_alone() {
            return None;
        }
        let Turn::Task(task) = outbox.work.first()?.1.turn else { return None };
        let has_timeout = self.plan.options_of(task.step).timeout.is_some();
        if !self.plan.event_of(task.step).def.is_async || has_timeout || task.item.is_some() {
            return None;
        }
        outbox.work.pop().map(|(_, work)| work)
    }

    /// Polls an async event here, while this future holds the run; and those that follow straight.
    async fn run_async_here(&self, run: &mut Run, work: Work, context: &mut Context) {
        work.enter(self, context);
        let task = work.task();
        let straight = self.plan.steps[task.step as usize].hints.then != NONE;
        if straight && task.attempt == 1 && !self.is_heard() && self.bodies.is_none() {
            return self.run_async_straight(run, task.step, context).await;
        }
        let start = self.begin(task);
        self.signal_start(context);
        let (body, inputs) = (self.body(task.step), work.inputs(self, context));
        let ended = polling::to_end(body, inputs, |cx| self.is_unwanted(cx)).await;
        // Without an end the run is cancelled, and is about to hear of it.
        let Some(outcome) = ended else { return panic::drop_quietly(work) };
        self.signal_end(context, &outcome);
        panic::drop_quietly(work);
        let at = self.engine.clock.now();
        let elapsed = self.elapsed(task, at);
        self.complete(run, task, outcome, at.saturating_sub(start), elapsed);
    }

    async fn run_async_straight(&self, run: &mut Run, first: u32, context: &mut Context) {
        let now = || self.engine.step_now();
        let (mut step, mut start) = (first, now());
        let mut waker = polling::waker().await;
        loop {
            context.step = step;
            let this = &self.plan.steps[step as usize];
            let slots = &self.plan.events[this.event as usize].slots;
            let inputs = Inputs { slots, piped: run.straight_input(step), context };
            let body = &*self.plan.bodies[this.body as usize];
            let ended = match polling::first(body, inputs, &waker) {
                First::Ended(outcome) => Some(outcome),
                First::Waits(body) => {
                    let ended = polling::rest(body, |cx| self.is_unwanted(cx)).await;
                    waker = polling::waker().await;
                    ended
                }
            };
            let end = now();
            let busy = end.saturating_sub(start);
            match ended {
                Some(TaskOutcome::Success(value)) if this.hints.then != NONE => {
                    run.pass(step, value, busy);
                    (step, start) = (this.hints.then, end);
                }
                ended => {
                    run.begin_last(step);
                    let Some(outcome) = ended else { return };
                    let task = Task { step, attempt: 1, item: None };
                    // The stretch has only the token of its first task.
                    run.token(task);
                    return self.complete(run, task, outcome, busy, Duration::ZERO);
                }
            }
        }
    }

    /// Leaves the waker for whoever cancels the run, and says whether somebody has.
    fn is_unwanted(&self, cx: &Polling<'_>) -> bool {
        self.leave_waker(cx);
        // The flag is set before the waker is taken, so one of the two sees the other.
        self.info.is_cancelled()
    }

    /// What this future does next.
    fn poll_turn(self: &Arc<Self>, cx: &mut Polling<'_>) -> Poll<Next> {
        self.leave_waker(cx);
        match self.look(self.inbox.lock()) {
            Looked::Found(next) => Poll::Ready(next),
            Looked::Nothing(slot, limit) => {
                drop(slot);
                if let Some(time) = limit {
                    let at = self.engine.clock.now().saturating_add(time);
                    self.engine.alarm.set(at, Call::Driver(Arc::downgrade(self)));
                }
                Poll::Pending
            }
        }
    }

    /// Has this future woken when there is news. Wakers are the runtime's code, even their drop.
    fn leave_waker(&self, cx: &Polling<'_>) {
        let waker = cx.waker().clone();
        let old = self.inbox.lock().waker.replace(waker);
        drop(old);
    }

    /// Wakes whoever drives the run.
    pub(super) fn wake(&self) {
        self.inbox.notify(self.inbox.lock());
    }
}

/// A turn of the driver on a thread that may be blocked.
struct PooledTurn {
    drive: Arc<Drive>,
    pool: Arc<dyn Executor>,
    work: Mutex<Option<Box<Work>>>,
}

impl PooledTurn {
    /// Takes the work, and tells the run how it ended.
    fn end(&self, perform: impl FnOnce(Work, &mut Context) -> News) {
        let Some(work) = lock(&self.work).take() else { return };
        let drive = &self.drive;
        let mut context = Context::new(Arc::clone(&drive.info));
        drive.set_alarm();
        let news = perform(*work, &mut context);
        if self.drive.inbox.come_back() {
            let _ = panic::contain(|| self.pool.regain());
        }
        if let Brought::Run(mut run, earlier, news) = drive.inbox.bring(news, None) {
            let mut outbox = Outbox::default();
            for news in earlier.into_iter().chain([news]) {
                drive.apply(&mut run, news);
            }
            drive.advance(&mut run, &mut outbox, Some(&mut context));
            drive.settle(run, outbox, None);
        }
    }
}

impl Source for PooledTurn {
    fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
        self.end(|work, context| work.perform_here(&self.drive, context));
        (1, false)
    }

    fn take(self: Arc<Self>, _: u32) -> Option<Box<dyn Taken>> {
        None
    }

    fn submit_again(self: Arc<Self>, _: u32) {}

    fn lose(self: Arc<Self>, _: u32) {
        self.end(|work, _| self.drive.lost(&work));
    }
}
