//! The blocking driver: a thread that does a run's inline work and waits for the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::ActiveRun;
use super::mailbox::{Contents, Outbox};
use super::watch::LOOK_EVERY;
use super::work::{InlineQueue, Work};
use crate::context::Context;
use crate::current::{CurrentTask, running};
use crate::executor::while_blocked;
use crate::report::Report;
use crate::run::{Halt, Run};
use crate::sync::{MutexGuard, wait, wait_timeout};
use crate::time::Wait;

/// What the driver of a run does next.
pub(super) enum DriverStep {
    /// The run is over.
    Finish(Box<Run>),
    /// The driver holds the run, and carries out what it asks for and what is in the queue.
    Advance(Box<Run>, InlineQueue),
    /// The run's time is over.
    TimeOut(Box<Run>),
    /// A piece of inline work, without holding the run.
    Perform(Box<Work>),
}

/// What a driver finds to do.
pub(super) enum Polled<'a> {
    Ready(DriverStep),
    /// Nothing before a notification, or before so much time has passed.
    Nothing(MutexGuard<'a, Contents>, Option<Duration>),
}

impl ActiveRun {
    /// Drives the run on this thread until it is over.
    pub(super) fn drive(self: &Arc<Self>) -> Report {
        let start = self.engine.clock.now();
        self.begin_run();
        let run = running(CurrentTask::of(&self.info), || self.until_finished(self.new_run()));
        self.end_run(run, start)
    }

    /// What comes before a run's first step.
    pub(super) fn begin_run(self: &Arc<Self>) {
        self.signal_run_start();
        self.wake_on_jumps();
        if let Some(at) = self.info.deadline {
            self.engine.timer.set(at, self.when_alive(|run| run.halt(Halt::TimedOut)));
        }
    }

    /// What comes after a run's last step.
    pub(super) fn end_run(&self, run: Box<Run>, start: Duration) -> Report {
        let elapsed = self.engine.clock.now().saturating_sub(start);
        let report = Report::new(*run, self.info.id, elapsed);
        self.signal_run_end(&report);
        report
    }

    fn until_finished(self: &Arc<Self>, mut run: Box<Run>) -> Box<Run> {
        let mut context = Context::new(Arc::clone(&self.info));
        let mut outbox = Outbox::default();
        let mut looked = None;
        loop {
            self.advance(&mut run, &mut outbox, Some(&mut context));
            if self.was_never_shared(&run, &outbox) {
                return run;
            }
            self.release(run, &mut outbox, None);
            run = loop {
                match self.next_driver_step(&mut looked) {
                    DriverStep::Finish(run) => return run,
                    DriverStep::Advance(run, inline) => {
                        outbox.inline = inline;
                        break run;
                    }
                    DriverStep::TimeOut(run) => break self.time_run_out(run),
                    DriverStep::Perform(work) => {
                        // Others may have to wait meanwhile, for less time than this takes.
                        self.watch_timers();
                        self.watch_meanwhile();
                        let notification = work.perform_inline(self, &mut context);
                        self.mailbox.lock().driver_busy = false;
                        self.tell(notification);
                    }
                }
            };
        }
    }

    /// Whether the run is over, and nobody but this thread can have had a part in it.
    fn was_never_shared(&self, run: &Run, outbox: &Outbox) -> bool {
        let is_local = self.pools.is_empty() && !self.info.is_cancelled();
        is_local && run.is_finished() && outbox.is_empty()
    }

    /// The run's time is over; the caller holds it.
    pub(super) fn time_run_out(&self, mut run: Box<Run>) -> Box<Run> {
        run.cancel_all(Halt::TimedOut);
        self.info.cancel();
        run
    }

    /// A clock that jumps must wake the driver, lest it wait for a time that has passed.
    fn wake_on_jumps(self: &Arc<Self>) {
        struct Jumped(std::sync::Weak<ActiveRun>);
        impl std::task::Wake for Jumped {
            fn wake(self: Arc<Self>) {
                if let Some(run) = self.0.upgrade() {
                    run.wake();
                }
            }
        }
        let retries = self.plan.options.iter().any(|options| options.retry.is_some());
        if retries || self.info.deadline.is_some() {
            let jumped = Jumped(Arc::downgrade(self));
            self.engine.clock.on_jump(Arc::new(jumped).into());
        }
    }

    /// While the driving thread is busy, the engine looks at the chunks.
    fn watch_meanwhile(self: &Arc<Self>) {
        let watch = self.mailbox.lock().timer_watches();
        if watch {
            self.watch_chunks();
        }
    }

    /// What the driving thread does next; sleeps until there is something. `looked` is when it has
    /// last looked at the chunks, or begun to wait with something to look at.
    fn next_driver_step(self: &Arc<Self>, looked: &mut Option<Instant>) -> DriverStep {
        let mut contents = self.mailbox.lock();
        let mut may_sleep = false;
        loop {
            if looked.is_some_and(|at| at.elapsed() >= LOOK_EVERY) {
                drop(contents);
                self.look_at_chunks();
                *looked = None;
                contents = self.mailbox.lock();
            }
            let limit = match self.poll_mailbox(contents, true) {
                Polled::Ready(step) => return step,
                Polled::Nothing(held, None) if !std::mem::replace(&mut may_sleep, true) => {
                    contents = self.mailbox.await_notice(held);
                    continue;
                }
                Polled::Nothing(held, limit) => {
                    contents = held;
                    limit
                }
            };
            let watches = contents.driver_watches();
            let limit = match limit {
                None if watches => Some(LOOK_EVERY),
                Some(time) if watches => Some(time.min(LOOK_EVERY)),
                limit => limit,
            };
            *looked = watches.then(|| looked.unwrap_or_else(Instant::now));
            // This thread may be a pool's worker, if an event runs a pipeline.
            contents = while_blocked(|| match limit {
                None => wait(&self.mailbox.changed, contents),
                Some(time) => wait_timeout(&self.mailbox.changed, contents, time),
            });
        }
    }

    /// What there is to do for whoever drives the run. A driver that `may_block` runs bodies while
    /// it holds the run.
    pub(super) fn poll_mailbox<'a>(
        self: &Arc<Self>,
        mut contents: MutexGuard<'a, Contents>,
        may_block: bool,
    ) -> Polled<'a> {
        loop {
            let now = &mut *contents;
            let Some(run) = &mut now.run else { return Polled::Nothing(contents, None) };
            let idle = run.is_idle();
            if run.is_finished() {
                let Some(run) = contents.run.take() else { continue };
                for pool in Contents::close(contents) {
                    self.abandon(pool);
                    self.engine.runs.note_abandoned(self);
                }
                return Polled::Ready(DriverStep::Finish(run));
            }
            if may_block && !now.inline.is_empty() && self.is_alone_with(run, now.inline.len()) {
                let inline = std::mem::take(&mut now.inline);
                let Some(run) = now.run.take() else { continue };
                return Polled::Ready(DriverStep::Advance(run, inline));
            }
            if let Some((kind, task)) = now.inline.pop_front() {
                if run.is_wanted(task) {
                    now.driver_busy = true;
                    let work = self.work(kind, task, run);
                    return Polled::Ready(DriverStep::Perform(Box::new(work)));
                }
                continue;
            }
            let timer = now.timers.peek().map(|timer| timer.0);
            let next = timer.map(|timer| timer.at);
            let is_deadline =
                self.info.deadline.is_some_and(|at| next.is_none_or(|next| at < next));
            let Some(at) = (if is_deadline { self.info.deadline } else { next }) else {
                return Polled::Nothing(contents, None);
            };
            match self.engine.clock.wait_until(at, idle) {
                Wait::Over => {
                    let Some(mut run) = contents.run.take() else { continue };
                    let Some(timer) = timer.filter(|_| !is_deadline) else {
                        return Polled::Ready(DriverStep::TimeOut(run));
                    };
                    contents.timers.pop();
                    run.woken(timer.task());
                    return Polled::Ready(DriverStep::Advance(run, InlineQueue::new()));
                }
                Wait::AtMost(time) => return Polled::Nothing(contents, Some(time)),
                Wait::ForNews => return Polled::Nothing(contents, None),
            }
        }
    }
}
