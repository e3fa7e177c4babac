//! The blocking driver: a thread that does a run's inline work and waits for the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::active::ActiveRun;
use super::mailbox::{Contents, Outbox};
use super::recorded::RunJournal;
use super::watch::LOOK_EVERY;
#[cfg(feature = "durable")]
use super::work::WorkKind;
use super::work::{InlineQueue, Notification, Work, take_all};
use crate::context::Context;
use crate::current::{CurrentTask, running_again};
use crate::report::Report;
use crate::run::{Halt, Run};
use crate::sync::MutexGuard;
use crate::time::Wait;

/// What the driver of a run does next.
pub(super) enum DriverStep {
    /// The run is over.
    Finish(Box<Run>),
    /// The driver holds the run, and carries out what it asks for and what is in the queue.
    Advance(Box<Run>, InlineQueue),
    /// The driver holds the run, and tells it this, and then the rest.
    Tell(Box<Run>, Notification, Vec<Notification>),
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
        let start = self.engine.clock.timestamp();
        self.begin_run();
        // What observers do is no step's time.
        let mut mark = (!self.is_observed()).then_some(start);
        let mut task = Some(CurrentTask::of(self.info()));
        let mut context = Context::new(self.info());
        let mut run = self.new_run();
        let mut outbox = Outbox { visits: self.may_visit(), ..Outbox::default() };
        running_again(&mut task, || {
            let context = self.context_of_run(&mut context);
            self.advance_from(&mut run, &mut outbox, context, &mut mark);
        });
        // Most small runs end here, and need no memory that others can reach.
        if self.was_never_shared(&run, &outbox) {
            return self.end_run(run, start, mark);
        }
        self.wake_on_jumps();
        let run = running_again(&mut task, || self.until_finished(run, outbox, context));
        self.end_run(*run, start, None)
    }

    /// What comes before a run's first step.
    pub(super) fn begin_run(self: &Arc<Self>) {
        self.signal_run_start();
        let Some(at) = self.deadline else { return };
        // A run that goes on may have had its time while nobody drove it: nothing starts then.
        if self.journal.is_some() && at <= self.engine.clock.now() {
            self.halt(Halt::TimedOut);
        } else {
            self.engine.timer.set(at, self.when_alive(|run| run.halt(Halt::TimedOut)));
        }
    }

    /// What comes after a run's last step, which ended at `end` if that is known.
    pub(super) fn end_run(&self, run: Run, start: Duration, end: Option<Duration>) -> Report {
        let elapsed = match &self.journal {
            None => end.unwrap_or_else(|| self.engine.clock.timestamp()).saturating_sub(start),
            // From its first start on, in whatever process that was.
            Some(journal) => journal.elapsed(&self.engine),
        };
        let report = Report::new(run, self.id, elapsed);
        self.signal_run_end(&report);
        report
    }

    /// Drives a run that others may have to tell something, as far as it has got.
    fn until_finished(
        self: &Arc<Self>,
        run: Run,
        mut outbox: Outbox,
        mut context: Context,
    ) -> Box<Run> {
        let mut run = Box::new(run);
        let mut looked = None;
        loop {
            if let Some(run) = self.visit_pools(run, &mut outbox, &mut context) {
                self.release(run, &mut outbox, None);
            }
            run = loop {
                match self.next_driver_step(&mut looked) {
                    DriverStep::Finish(run) => return run,
                    DriverStep::Advance(run, inline) => {
                        outbox.inline = inline;
                        break run;
                    }
                    DriverStep::Tell(run, first, rest) => break self.told(run, first, rest),
                    DriverStep::TimeOut(run) => break self.time_run_out(run),
                    DriverStep::Perform(work) => {
                        // Others may have to wait meanwhile, for less time than this takes.
                        self.watch_timers();
                        self.watch_meanwhile();
                        let notification = work.perform_inline(self, &mut context);
                        self.mailbox.lock().driver_busy = false;
                        self.tell_inline(notification);
                    }
                }
            };
            outbox.visits = self.may_visit();
            self.advance(&mut run, &mut outbox, self.context_of_run(&mut context));
            if self.was_never_shared(&run, &outbox) {
                return run;
            }
        }
    }

    /// The context with which steps run while this thread holds the run. What a recorded run is told
    /// must be safe before, so each of its steps takes the long way.
    fn context_of_run<'a>(&self, context: &'a mut Context) -> Option<&'a mut Context> {
        self.journal.is_none().then_some(context)
    }

    /// Whether the run is over, and nobody but this thread can have had a part in it.
    fn was_never_shared(&self, run: &Run, outbox: &Outbox) -> bool {
        let is_local = self.pools.is_empty() && !self.is_cancelled() && self.journal.is_none();
        is_local && run.is_finished() && outbox.is_empty()
    }

    /// The run has been told this; the caller holds it.
    pub(super) fn told(
        self: &Arc<Self>,
        mut run: Box<Run>,
        first: Notification,
        rest: Vec<Notification>,
    ) -> Box<Run> {
        self.apply(&mut run, first);
        for notification in rest {
            self.apply(&mut run, notification);
        }
        run
    }

    /// The run's time is over; the caller holds it.
    pub(super) fn time_run_out(&self, mut run: Box<Run>) -> Box<Run> {
        run.cancel_all(Halt::TimedOut);
        self.set_cancelled();
        run
    }

    /// A clock that jumps must wake the driver, lest it wait for a time that has passed.
    pub(super) fn wake_on_jumps(self: &Arc<Self>) {
        struct Jumped(std::sync::Weak<ActiveRun>);
        impl std::task::Wake for Jumped {
            fn wake(self: Arc<Self>) {
                if let Some(run) = self.0.upgrade() {
                    run.wake();
                }
            }
        }
        let retries = self.plan.options.iter().any(|options| options.retry.is_some());
        if retries || self.deadline.is_some() {
            let jumped = Jumped(Arc::downgrade(self));
            self.engine.clock.on_jump(Arc::new(jumped).into());
        }
    }

    /// While the driving thread is busy, the engine looks at the chunks.
    pub(super) fn watch_meanwhile(self: &Arc<Self>) {
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
        let mut commits_elsewhere = false;
        loop {
            if looked.is_some_and(|at| at.elapsed() >= LOOK_EVERY) {
                drop(contents);
                self.look_at_chunks();
                *looked = None;
                contents = self.mailbox.lock();
            }
            let limit = match self.poll_mailbox(contents, true) {
                Polled::Ready(step) => return step,
                Polled::Nothing(held, None)
                    if self.journal.is_none() && !std::mem::replace(&mut may_sleep, true) =>
                {
                    contents = self.mailbox.await_notice(held);
                    continue;
                }
                Polled::Nothing(held, limit) => {
                    contents = held;
                    limit
                }
            };
            if !commits_elsewhere && self.journal.as_deref().is_some_and(RunJournal::is_in_flight) {
                // There is nothing else to do, so this thread may as well wait for the disk. If
                // another one does that already, look once more and then wait for that one.
                drop(contents);
                commits_elsewhere = !self.commit_now();
                contents = self.mailbox.lock();
                continue;
            }
            let watches = contents.driver_watches();
            let limit = match limit {
                None if watches => Some(LOOK_EVERY),
                Some(time) if watches => Some(time.min(LOOK_EVERY)),
                limit => limit,
            };
            *looked = watches.then(|| looked.unwrap_or_else(Instant::now));
            contents = self.mailbox.sleep(contents, limit);
            commits_elsewhere = false;
        }
    }

    /// What there is to do for whoever drives the run. A driver that `may_block` runs bodies while
    /// it holds the run.
    pub(super) fn poll_mailbox<'a>(
        self: &'a Arc<Self>,
        mut contents: MutexGuard<'a, Contents>,
        may_block: bool,
    ) -> Polled<'a> {
        loop {
            let now = &mut *contents;
            let Some(run) = &mut now.run else { return Polled::Nothing(contents, None) };
            let journal = self.journal.as_deref();
            if journal.is_some()
                && let Some((first, rest)) = take_all(&mut now.notifications)
            {
                let Some(run) = now.run.take() else { continue };
                return Polled::Ready(DriverStep::Tell(run, first, rest));
            }
            let idle = run.is_idle() && !journal.is_some_and(RunJournal::is_in_flight);
            if run.is_finished() {
                if journal.is_some_and(RunJournal::is_in_flight) {
                    return Polled::Nothing(contents, None);
                }
                let Some(run) = contents.run.take() else { continue };
                let (run, contents) = match self.seal(run, contents) {
                    Ok(sealed) => sealed,
                    Err(unsealed) => {
                        contents = unsealed;
                        continue;
                    }
                };
                for pool in Contents::close(contents) {
                    self.abandon(pool);
                    self.engine.runs.note_abandoned(self);
                }
                return Polled::Ready(DriverStep::Finish(run));
            }
            if may_block
                && journal.is_none()
                && !now.inline.is_empty()
                && self.is_alone_with(run, now.inline.len())
            {
                let inline = std::mem::take(&mut now.inline);
                let Some(run) = now.run.take() else { continue };
                return Polled::Ready(DriverStep::Advance(run, inline));
            }
            if !self.is_draining()
                && let Some((kind, task)) = now.inline.pop_front()
            {
                if run.is_wanted(task) {
                    now.driver_busy = true;
                    #[cfg(feature = "durable")]
                    if journal.is_some() {
                        let is_body = kind == WorkKind::Body;
                        now.own_task = is_body.then(|| (task, self.engine.clock.timestamp()));
                    }
                    let work = self.work(kind, task, run);
                    return Polled::Ready(DriverStep::Perform(Box::new(work)));
                }
                continue;
            }
            let timer = now.timers.peek().map(|timer| timer.0);
            let next = timer.map(|timer| timer.at);
            // A recorded run that is told to end learns it when that is safe.
            let deadline = self.deadline;
            let deadline = deadline.filter(|_| journal.is_none() || !self.is_cancelled());
            let is_deadline = deadline.is_some_and(|at| next.is_none_or(|next| at < next));
            let Some(at) = (if is_deadline { deadline } else { next }) else {
                return Polled::Nothing(contents, None);
            };
            match self.engine.clock.wait_until(at, idle) {
                Wait::Over if journal.is_some() => {
                    let timer = timer.filter(|_| !is_deadline);
                    if timer.is_some() {
                        now.timers.pop();
                    }
                    drop(contents);
                    match timer {
                        Some(timer) => self.tell(Notification::Woken(timer.task())),
                        None => self.halt(Halt::TimedOut),
                    }
                    contents = self.mailbox.lock();
                }
                Wait::Over => {
                    let Some(mut run) = contents.run.take() else { continue };
                    let Some(timer) = timer.filter(|_| !is_deadline) else {
                        return Polled::Ready(DriverStep::TimeOut(run));
                    };
                    contents.timers.pop();
                    run.woken(timer.task());
                    return Polled::Ready(DriverStep::Advance(run, InlineQueue::default()));
                }
                Wait::AtMost(time) => return Polled::Nothing(contents, Some(time)),
                Wait::ForNews => return Polled::Nothing(contents, None),
            }
        }
    }
}
