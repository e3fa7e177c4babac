//! The async driver: a run as a future, for any runtime.
//!
//! The future does what the blocking driver's thread does, but for one thing: where it is polled by
//! somebody else's runtime it runs no plain body, since that would block the runtime's thread. Those
//! run on the engine's shared pool, and a stretch of them runs there as it would on a thread of its
//! own. Where the engine's own drivers poll it, they run here. An async event that runs alone is
//! polled by the future itself; beside others it is a task of its executor.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as PollContext, Poll};
use std::time::Duration;

use super::active::ActiveRun;
use super::driver::{DriverStep, Polled};
#[cfg(feature = "durable")]
use super::drivers::Drivers;
use super::mailbox::{Contents, Delivery, Outbox};
use super::polling::{self, FirstPoll};
use super::work::{Notification, Work, WorkKind};
use crate::context::Context;
use crate::current::{CurrentTask, running};
use crate::event::Inputs;
use crate::executor::{AnyExecutor, Claimed, Job, JobSource};
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::Then;
use crate::report::Report;
use crate::run::{Run, Task};
use crate::sync::{Mutex, lock};

/// Where the plain bodies of a run run.
pub(super) enum Bodies {
    /// On this executor, whose threads may be blocked.
    Elsewhere(Arc<dyn AnyExecutor>),
    /// Where the future is polled.
    #[cfg(feature = "durable")]
    Here(Arc<Drivers>),
}

/// Drives a run. Dropped before its end, it lets the run go.
pub(super) async fn drive(active: &Arc<ActiveRun>, bodies: &Bodies) -> Report {
    let start = active.engine.clock.timestamp();
    // Also if this future is dropped, at whatever point it is.
    let mut ending = EndWithFuture { active, bodies, ended: false };
    #[cfg(feature = "durable")]
    if let Bodies::Here(_) = bodies {
        active.mailbox.lock().has_driver = true;
    }
    active.begin_run();
    active.wake_on_jumps();
    let run = active.until_finished_async(Box::new(active.new_run()), bodies).await;
    let report = active.end_run(*run, start, None);
    ending.ended = true;
    drop(ending);
    report
}

/// Ends the run with the future.
struct EndWithFuture<'a> {
    active: &'a Arc<ActiveRun>,
    bodies: &'a Bodies,
    /// Whether the run is over.
    ended: bool,
}

impl Drop for EndWithFuture<'_> {
    fn drop(&mut self) {
        let Self { active, bodies, ended } = self;
        // The run may have been dropped with the future that held it; if not, it learns it here.
        if !*ended {
            active.let_go();
        }
        let mut contents = active.mailbox.lock();
        let is_busy = contents.abandon_driver();
        for pool in Contents::close(contents) {
            active.abandon(pool);
        }
        if is_busy && let Bodies::Elsewhere(pool) = bodies {
            let _ = panic::contain(|| pool.abandon());
        }
    }
}

impl ActiveRun {
    async fn until_finished_async(
        self: &Arc<Self>,
        mut run: Box<Run>,
        bodies: &Bodies,
    ) -> Box<Run> {
        let mut context = Context::new(self.info());
        let mut outbox = Outbox::default();
        loop {
            self.advance(&mut run, &mut outbox, None);
            while let Some(work) = self.lone_async(&run, &mut outbox) {
                self.run_async_inline(&mut run, work, &mut context).await;
                self.advance(&mut run, &mut outbox, None);
            }
            self.release(run, &mut outbox, None);
            run = loop {
                match poll_fn(|cx| self.poll_driver_step(cx)).await {
                    DriverStep::Finish(run) => return run,
                    DriverStep::Advance(run, _) => break run,
                    DriverStep::Tell(run, first, rest) => break self.told(run, first, rest),
                    DriverStep::TimeOut(run) => break self.time_run_out(run),
                    DriverStep::Perform(work) => match bodies {
                        Bodies::Elsewhere(pool) => {
                            let (active, pool) = (Arc::clone(self), Arc::clone(pool));
                            let (shared, work) = (Arc::clone(&pool), Mutex::new(Some(work)));
                            let job = Job::new(Arc::new(InlineJob { active, pool, work }), 0);
                            let _ = panic::contain(|| shared.submit(job));
                        }
                        #[cfg(feature = "durable")]
                        Bodies::Here(drivers) => self.perform_here(drivers, *work, &mut context),
                    },
                }
            };
        }
    }

    /// Does work of the driver's on this thread, which is one of the engine's drivers.
    #[cfg(feature = "durable")]
    fn perform_here(self: &Arc<Self>, drivers: &Arc<Drivers>, work: Work, context: &mut Context) {
        let (task, expected) = (work.task, work.expected);
        self.watch_timers();
        let notification = drivers.run_body(expected, || {
            running(CurrentTask::of(self.info()), || work.perform_inline(self, context))
        });
        if let Notification::Completed { busy, .. } = &notification {
            let body = self.plan.steps[task.step as usize].body;
            self.plan.paces[body as usize].measured(1, *busy);
        }
        self.mailbox.lock().driver_busy = false;
        self.record_inline(notification);
    }

    /// The only work that there is, if it is an async body that nobody may have to end.
    fn lone_async(&self, run: &Run, outbox: &mut Outbox) -> Option<Work> {
        if self.journal.is_some() || !outbox.inline.is_empty() || !run.is_alone() {
            return None;
        }
        let Work { kind: WorkKind::Body, task, .. } = *outbox.pooled.only()? else { return None };
        let has_timeout = self.plan.options_of(task.step).timeout.is_some();
        if !self.plan.event_of(task.step).def.is_async || has_timeout || task.item.is_some() {
            return None;
        }
        outbox.pooled.pop()
    }

    /// Polls an async event here, while this future holds the run; and those that follow straight.
    async fn run_async_inline(self: &Arc<Self>, run: &mut Run, work: Work, context: &mut Context) {
        work.enter(context);
        let task = work.task;
        let then = self.plan.steps[task.step as usize].hints.then;
        let straight = matches!(then, Then::Step(_));
        if straight && task.attempt == 1 && !self.is_observed() && self.mocked.is_none() {
            return self.run_async_straight(run, task.step, context).await;
        }
        let start = self.begin(task);
        self.signal_start(context);
        let (body, inputs) = (self.body(task.step), work.inputs(self, context));
        let polls = polling::to_end(body, inputs, |cx| self.is_unwanted(cx));
        let ended = self.around_polls(context, polls).await;
        // Without an end the run is cancelled, and is about to be told.
        let Some(outcome) = ended else { return panic::drop_quietly(work) };
        self.signal_end(context, &outcome);
        panic::drop_quietly(work);
        let busy = self.engine.step_now().saturating_sub(start);
        let elapsed = self.elapsed(task);
        self.complete(run, task, outcome, busy, elapsed);
    }

    async fn run_async_straight(
        self: &Arc<Self>,
        run: &mut Run,
        first: u32,
        context: &mut Context,
    ) {
        let now = || self.engine.step_now_nanos();
        let (mut step, mut start) = (first, now());
        let mut waker = polling::waker().await;
        let mut current = Some(CurrentTask::of_context(context));
        loop {
            context.step = step;
            let this = &self.plan.steps[step as usize];
            let slots = &self.plan.events[this.event as usize].slots;
            let inputs = Inputs { slots, piped: run.step_input(step), context };
            let body = &*self.plan.bodies[this.body as usize];
            let ended = match polling::first_poll(body, inputs, &waker, &mut current) {
                FirstPoll::Ready(outcome) => Some(outcome),
                FirstPoll::Pending(body) => {
                    let task = || CurrentTask::of(self.info());
                    let ended = polling::rest(body, task, |cx| self.is_unwanted(cx)).await;
                    waker = polling::waker().await;
                    ended
                }
            };
            let end = now();
            let busy = end.saturating_sub(start);
            match (ended, this.hints.then) {
                (Some(TaskOutcome::Success(value)), Then::Step(next)) => {
                    run.pass(step, value, busy);
                    (step, start) = (next, end);
                }
                (ended, _) => {
                    run.begin_last(step);
                    let Some(outcome) = ended else { return };
                    let task = Task { step, attempt: 1, item: None };
                    // The stretch has only the token of its first task.
                    run.token(task);
                    let busy = Duration::from_nanos(busy);
                    return self.complete(run, task, outcome, busy, Duration::ZERO);
                }
            }
        }
    }

    /// Leaves the waker for whoever cancels the run, and says whether somebody has.
    fn is_unwanted(&self, cx: &PollContext<'_>) -> bool {
        self.leave_waker(cx);
        // The flag is set before the waker is taken, so one of the two sees the other.
        self.is_cancelled()
    }

    /// What this future does next.
    fn poll_driver_step(self: &Arc<Self>, cx: &mut PollContext<'_>) -> Poll<DriverStep> {
        let waker = cx.waker().clone();
        match self.poll_mailbox(self.mailbox.lock(), false) {
            Polled::Ready(step) => Poll::Ready(step),
            Polled::Nothing(mut contents, limit) => {
                let watch = contents.timer_watches();
                // Under the lock under which nothing was found, so that whatever comes wakes it.
                let old = contents.leave_waker(waker);
                drop(contents);
                drop(old);
                if watch {
                    self.watch_chunks();
                }
                if let Some(time) = limit {
                    let at = self.engine.clock.now().saturating_add(time);
                    self.engine.timer.set(at, self.when_alive(|run| run.wake()));
                }
                Poll::Pending
            }
        }
    }

    /// Has this future woken when there is a notification.
    fn leave_waker(&self, cx: &PollContext<'_>) {
        self.mailbox.leave_waker(cx.waker().clone());
    }
}

/// A piece of the driver's inline work, on a thread that may be blocked.
struct InlineJob {
    active: Arc<ActiveRun>,
    pool: Arc<dyn AnyExecutor>,
    work: Mutex<Option<Box<Work>>>,
}

impl InlineJob {
    /// Takes the work, and tells the run how it ended.
    fn end(&self, perform: impl FnOnce(Work, &mut Context) -> Notification) {
        let Some(work) = lock(&self.work).take() else { return };
        let active = &self.active;
        let mut context = Context::new(active.info());
        active.watch_timers();
        let notification = perform(*work, &mut context);
        if active.mailbox.driver_returns() {
            let _ = panic::contain(|| self.pool.reclaim());
        }
        if active.journal.is_some() {
            return active.tell(notification);
        }
        let mut told = vec![notification];
        match active.mailbox.deliver(&mut told, None) {
            Delivery::Acquired(mut run) => {
                let mut outbox = Outbox::default();
                for notification in told {
                    active.apply(&mut run, notification);
                }
                active.advance(&mut run, &mut outbox, Some(&mut context));
                active.release(run, &mut outbox, None);
            }
            Delivery::Left(_) => {}
            // A result that came too late; its Drop is user code.
            Delivery::Late(_) => told.into_iter().for_each(Notification::discard),
        }
    }
}

impl JobSource for InlineJob {
    fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
        running(CurrentTask::of(self.active.info()), || {
            self.end(|work, context| {
                // It may have waited in the pool's queue for longer than the run went on.
                if self.active.is_cancelled() || !self.active.mailbox.may_begin(work.task) {
                    return ActiveRun::lost(&work);
                }
                work.perform_inline(&self.active, context)
            });
        });
        (1, false)
    }

    fn claim(self: Arc<Self>, _: u32) -> Option<Box<dyn Claimed>> {
        Some(Box::new(ClaimedInline(self)))
    }

    fn resubmit(self: Arc<Self>, _: u32) {}

    fn job_dropped(self: Arc<Self>, _: u32) {
        self.end(|work, _| ActiveRun::lost(&work));
    }
}

/// Inline work that its executor runs as a future, which blocks while it is polled.
struct ClaimedInline(Arc<InlineJob>);

impl Claimed for ClaimedInline {
    fn into_future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { _ = Arc::clone(&self.0).run(0, 1) })
    }
}

impl Drop for ClaimedInline {
    fn drop(&mut self) {
        Arc::clone(&self.0).job_dropped(0);
    }
}
