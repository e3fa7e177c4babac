//! What moves a run: it is told what happened, and what it asks for is carried out or handed out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::active::ActiveRun;
use super::lease::{Lease, WorkerNext};
use super::mailbox::{Delivery, Outbox, Release};
use super::runs::Registered;
use super::work::{Notification, Work, WorkKind};
use crate::cancel::ChildRun;
use crate::context::Context;
use crate::executor::{Job, JobSource};
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::{NONE, Place, Then};
use crate::run::{Action, CancelCause, Halt, Run, Task};
use crate::time::{Wait, nanos};

/// So much work for pools is worth handing out at once.
const HAND_OUT_AT: usize = 128;

impl ActiveRun {
    /// Carries out what the run asks for, until it asks for nothing. With a context, tasks of the
    /// driving thread run right here as long as nobody else has anything to do for the run.
    pub(super) fn advance(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        inline: Option<&mut Context>,
    ) {
        self.advance_from(run, outbox, inline, &mut None);
    }

    /// The same, where `mark` is the time now, if it is known; and afterwards that of the last
    /// body's end. The last step's end is the next one's beginning: one look at the clock for each
    /// step.
    pub(super) fn advance_from(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        mut inline: Option<&mut Context>,
        mark: &mut Option<Duration>,
    ) {
        loop {
            self.collect_actions(run, outbox, inline.as_deref_mut(), mark);
            self.signal_run_signals(run);
            let Some(context) = &mut inline else { break };
            let is_alone = outbox.pooled.is_empty() && self.is_alone_with(run, outbox.inline.len());
            if !is_alone || self.is_cancelled() {
                break;
            }
            let Some((kind, task)) = outbox.inline.pop_front() else { break };
            match kind {
                _ if !run.is_wanted(task) => {}
                WorkKind::Body => {
                    self.run_inline(run, task, &mut outbox.inline, context, mark);
                }
                WorkKind::BypassCheck => self.check_inline(run, task, context, mark),
            }
            if run.is_finished() {
                // There is nothing to be asked.
                self.signal_run_signals(run);
                break;
            }
        }
        for task in run.take_abandoned() {
            if let Place::Pool(pool) = self.place(task.step) {
                outbox.abandoned.push((pool, task));
            }
        }
    }

    /// Whether the driving thread may keep the run while it runs bodies: nothing is under way but
    /// its own queue, and there is no timer that another thread watches.
    pub(super) fn is_alone_with(&self, run: &Run, queued: usize) -> bool {
        run.has_only_queued(queued) && !(self.plan.pooled_retries && run.has_waits())
    }

    /// Carries out what the run asks for or puts it into the outbox, until it asks for nothing.
    fn collect_actions(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        mut inline: Option<&mut Context>,
        mark: &mut Option<Duration>,
    ) {
        // Whoever cancels the run has left a notification for its holder.
        while !self.is_cancelled() && !self.is_draining() {
            if inline.is_some() && self.is_unwatched() {
                let visits = outbox.visits && !self.is_observed();
                run.start_plain(visits, |step| self.enqueue(outbox, step));
            }
            let Some(action) = run.next_action() else { return };
            match action {
                Action::Start(task) => match self.place(task.step) {
                    Place::Pool(pool) => {
                        self.signal_init(task);
                        if outbox.visits && self.plan.steps[task.step as usize].hints.visited {
                            outbox.short.push_back(task);
                        } else {
                            self.leave_to_pool(pool, task, run, outbox);
                        }
                    }
                    Place::Inline => {
                        self.signal_init(task);
                        match &mut inline {
                            Some(context) if run.is_alone() => {
                                self.run_inline(run, task, &mut outbox.inline, context, mark);
                            }
                            _ => outbox.inline.push_back((WorkKind::Body, task)),
                        }
                    }
                },
                Action::Check(task) => match &mut inline {
                    Some(context) if run.is_alone() => {
                        self.check_inline(run, task, context, mark);
                    }
                    _ => match self.plan.options_of(task.step).check {
                        Place::Pool(pool) => outbox.pooled.push(pool, Work::of_check(task)),
                        Place::Inline => outbox.inline.push_back((WorkKind::BypassCheck, task)),
                    },
                },
                Action::Wake(task, after) => {
                    let at = self.engine.clock.now().saturating_add(after);
                    outbox.timers.push((at, task));
                }
                Action::Await(task, limit) => self.watch_open(task, limit),
            }
        }
    }

    /// Leaves a task to its pool, which begins with what there is before the run has said all that it
    /// wants.
    pub(super) fn leave_to_pool(
        self: &Arc<Self>,
        pool: u32,
        task: Task,
        run: &mut Run,
        outbox: &mut Outbox,
    ) {
        outbox.pooled.push(pool, self.work(WorkKind::Body, task, run));
        if outbox.pooled.len() >= HAND_OUT_AT {
            self.hand_out(run, outbox, &mut Vec::new());
        }
    }

    /// Asks a task's bypass check, on the driving thread.
    fn check_inline(
        self: &Arc<Self>,
        run: &mut Run,
        task: Task,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) {
        let work = Work::of_check(task);
        work.enter(context);
        let answer = work.check(self, context);
        self.apply(run, Notification::Checked { task, answer });
        // The check's time is not the body's.
        *mark = None;
    }

    /// Lets the pools begin with what there is, before the run has said all that it wants.
    /// `ended` is empty before and afterwards, and lends its memory.
    pub(super) fn hand_out(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        ended: &mut Vec<Notification>,
    ) {
        let jobs = self.mailbox.hand_out(outbox, ended);
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        self.apply_all(run, outbox, ended);
    }

    /// Gives the pool's executor one more job.
    pub(super) fn submit(self: &Arc<Self>, pool: u32) {
        let source: Arc<dyn JobSource> = Arc::<Self>::clone(self);
        let job = Job::new(source, pool);
        // A panic drops the job, which ends its task as lost.
        let _ = panic::contain(|| self.pools[pool as usize].submit(job));
    }

    /// Gives the pool's executor as many more jobs as it has use for now.
    pub(super) fn offer_jobs(self: &Arc<Self>, pool: u32) {
        (0..self.mailbox.new_jobs_of(pool)).for_each(|_| self.submit(pool));
    }

    /// Releases the run; stays with it while there are notifications. Gives what a worker does
    /// next.
    pub(super) fn release(
        self: &Arc<Self>,
        mut run: Box<Run>,
        outbox: &mut Outbox,
        lease: Option<Lease<'_>>,
    ) -> WorkerNext {
        let mut timers = !outbox.timers.is_empty();
        let mut abandoned = Vec::new();
        let (jobs, next, sets_timer) = loop {
            let released = self.mailbox.release(run, outbox, lease);
            abandoned.append(&mut outbox.abandoned);
            match released {
                Release::Released { jobs, next, sets_timer } => break (jobs, next, sets_timer),
                Release::Held(mut held, mut notifications) => {
                    self.apply_all(&mut held, outbox, &mut notifications);
                    self.advance(&mut held, outbox, None);
                    timers |= !outbox.timers.is_empty();
                    run = held;
                }
            }
        };
        for (pool, _) in abandoned {
            self.abandon(pool);
            self.engine.runs.note_abandoned(self);
        }
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        if timers {
            self.watch_timers();
        }
        if sets_timer {
            self.watch_chunks();
        }
        next
    }

    /// While the driving thread is busy, somebody else must watch the timers; but for those of
    /// its own steps, which have to wait for it anyway, and whose order must not depend on threads.
    pub(super) fn watch_timers(self: &Arc<Self>) {
        if !self.plan.pooled_retries {
            return;
        }
        let contents = self.mailbox.lock();
        let next = contents.timers.peek().filter(|_| contents.driver_busy).map(|timer| timer.0.at);
        drop(contents);
        if let Some(at) = next {
            self.engine.timer.set(at, self.when_alive(Self::fire_timers));
        }
    }

    /// Wakes the tasks whose time has come, if the driving thread still cannot.
    fn fire_timers(self: &Arc<Self>) {
        let mut due = Vec::new();
        let mut contents = self.mailbox.lock();
        while let Some(timer) = contents.timers.peek().map(|timer| timer.0)
            && contents.driver_busy
            && self.engine.clock.wait_until(timer.at, false) == Wait::Over
        {
            contents.timers.pop();
            due.push(timer.task());
        }
        drop(contents);
        for task in due {
            self.tell(Notification::Woken(task));
        }
        self.watch_timers();
    }

    /// A task is pending; its time may be over before it is resolved.
    fn watch_open(self: &Arc<Self>, task: Task, limit: Option<Duration>) {
        if let (Some(journal), Some(limit)) = (&self.journal, limit) {
            let at = self.engine.clock.now().saturating_add(limit);
            journal.set_open_timer(task, at, self.when_alive(move |run| run.time_out(task)));
        }
    }

    /// An attempt has had its time.
    pub(super) fn time_out(self: &Arc<Self>, task: Task) {
        self.tell(Notification::TimedOut(task));
    }

    /// Ends the run: nothing more starts, and nothing is waited for.
    pub(super) fn halt(self: &Arc<Self>, halt: Halt) {
        // First the run and then the bodies: one that returns at once must not be heard of before
        // this.
        self.tell(Notification::Halted(halt));
        self.set_cancelled();
        self.cancel_recorded_children();
        // Its holder may be a future that waits for an async body.
        self.wake();
    }

    /// Tells the run what happened, from whatever thread it is known on.
    pub(super) fn tell(self: &Arc<Self>, notification: Notification) {
        self.deliver(&mut vec![notification], None, &mut Outbox::default());
    }

    /// The same for a worker, and what it does next. No notification is left afterwards, and the
    /// outbox is an empty one; the memory of both is used again.
    pub(super) fn deliver(
        self: &Arc<Self>,
        notifications: &mut Vec<Notification>,
        lease: Option<Lease<'_>>,
        outbox: &mut Outbox,
    ) -> WorkerNext {
        if let Some(journal) = &self.journal {
            return self.record(journal, std::mem::take(notifications), lease);
        }
        match self.mailbox.deliver(notifications, lease) {
            Delivery::Acquired(run) => self.go_on(run, notifications, lease, outbox),
            Delivery::Left(next) => next,
            Delivery::Late(next) => {
                // Results that came too late; their Drop is user code.
                notifications.drain(..).for_each(Notification::discard);
                self.reclaim_abandoned(&next, lease);
                next
            }
        }
    }

    /// If a worker was abandoned meanwhile, its bodies have ended now.
    pub(super) fn reclaim_abandoned(&self, next: &WorkerNext, lease: Option<Lease<'_>>) {
        if let (WorkerNext::Abandoned, Some(lease)) = (next, lease) {
            (0..lease.hold.bodies()).for_each(|_| self.reclaim(lease.pool));
        }
    }

    /// Tells the run what happened, carries out what it asks for then, and releases it.
    pub(super) fn go_on(
        self: &Arc<Self>,
        mut run: Box<Run>,
        notifications: &mut Vec<Notification>,
        lease: Option<Lease<'_>>,
        outbox: &mut Outbox,
    ) -> WorkerNext {
        self.apply_all(&mut run, outbox, notifications);
        self.advance(&mut run, outbox, None);
        self.release(run, outbox, lease)
    }

    /// Tells the run what happened; of steps that succeed without more ado, on the short way. The
    /// items that follow are begun together.
    pub(super) fn apply_all(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        notifications: &mut Vec<Notification>,
    ) {
        let is_unseen = self.journal.is_none() && !self.is_observed() && self.mocked.is_none();
        let mut each = NONE;
        for notification in notifications.drain(..) {
            match notification {
                Notification::Completed { task, outcome: TaskOutcome::Success(value), busy }
                    if is_unseen && self.passes(run, task, outbox.visits) =>
                {
                    let step = task.step;
                    let Some(item) = task.item else {
                        run.pass(step, value, nanos(busy));
                        let then = self.plan.steps[step as usize].hints.then;
                        run.follow(step, then, false, outbox.visits, |step| {
                            self.enqueue(outbox, step);
                        });
                        continue;
                    };
                    if each != step && each != NONE {
                        run.fill_window(each);
                    }
                    each = step;
                    run.pass_item(step, item, value);
                    run.passed_in(step, busy);
                }
                other => self.apply(run, other),
            }
        }
        if each != NONE {
            run.fill_window(each);
        }
    }

    /// Whether the success of a task is nothing but noted. If so, an item's task has left the run then.
    fn passes(&self, run: &mut Run, task: Task, visits: bool) -> bool {
        let hints = &self.plan.steps[task.step as usize].hints;
        let is_light = match (task.item, hints.then) {
            (Some(_), _) => hints.plain_visited || hints.plain_claimed,
            // What follows in the same place is put into its queue by whoever visits.
            (None, Then::Step(_)) => visits && hints.plain_visited,
            (None, then) => then != Then::Decide && !hints.guarded,
        };
        let is_first = is_light && task.attempt == 1 && run.is_wanted(task);
        is_first && (task.item.is_none() || run.takes_item(task))
    }

    pub(super) fn apply(self: &Arc<Self>, run: &mut Run, notification: Notification) {
        match notification {
            Notification::Completed { task, outcome, busy } => {
                let elapsed = self.elapsed(task);
                self.complete(run, task, outcome, busy, elapsed);
            }
            Notification::Checked { task, answer } => {
                self.signal_bypass(task, &answer);
                run.checked(task, answer);
            }
            Notification::Waits(task, token) => run.guard(task, token),
            Notification::Woken(task) => run.woken(task),
            Notification::TimedOut(task) => {
                let elapsed = self.elapsed(task);
                if let Some(journal) = &self.journal {
                    journal.clear_open_timer(task);
                }
                self.complete_late(run, task, elapsed);
            }
            Notification::Halted(halt) => run.cancel_all(halt),
            #[cfg(feature = "durable")]
            Notification::Resolved { task, outcome, reply } => {
                self.apply_answer(run, task, outcome, reply);
            }
            #[cfg(feature = "durable")]
            Notification::Look(look) => drop(panic::contain(|| look(run))),
        }
        if self.journal.is_some() {
            run.start_ready();
        }
    }
}

impl ChildRun for ActiveRun {
    fn adopted(&self) {
        self.is_nested.store(true, Ordering::Relaxed);
    }
    fn cancel_with_parent(self: Arc<Self>) {
        self.halt(Halt::Cancelled(CancelCause::Parent));
    }

    fn leave_with_parent(self: Arc<Self>) {
        if self.journal.is_none() {
            self.halt(Halt::Cancelled(CancelCause::Parent));
        } else if !self.is_cancelled() {
            self.let_go();
        }
    }
}

impl Registered for ActiveRun {
    fn place(&self) -> usize {
        self.host.place.load(Ordering::Relaxed)
    }
    fn set_place(&self, place: usize) {
        self.host.place.store(place, Ordering::Relaxed);
    }
    fn name(&self) -> &str {
        self.plan.name()
    }
    fn leave(&self) {
        self.leave_recorded();
    }
    fn cancel(self: Arc<Self>) {
        self.let_go();
    }
    fn drain(&self) {
        self.start_no_more();
    }
    fn leave_if_at_rest(self: Arc<Self>) {
        self.let_go_at_rest();
    }
    fn abandoned_steps(&self) -> Vec<String> {
        self.abandoned_names()
    }
}
