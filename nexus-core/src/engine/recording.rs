//! Recorded runs: what happens is written down first, and told to the run when it is safe.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::active::ActiveRun;
use super::activity::{OwnTask, OwnTasks, RunActivity};
use super::lease::{Lease, WorkerNext};
use super::mailbox::{Contents, Outbox};
use super::recorded::RunJournal;
use super::work::Notification;
use super::writer::RecordedRun;
use crate::address::StepAddress;
use crate::cancel::{ChildRun, Gone};
use crate::context::{Names, RunInfo};
use crate::error::{Result, StoreError};
use crate::journal::{Answer, Body, Timestamp};
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::run::{CancelCause, Halt, Look, Run, Task};
use crate::sync::MutexGuard;
use crate::wire::VALUE_LIMIT;

impl ActiveRun {
    /// Writes down what a worker brings. It does not wait for the disk, and goes on with other
    /// work.
    pub(super) fn record(
        self: &Arc<Self>,
        journal: &RunJournal,
        notifications: impl IntoIterator<Item = Notification>,
        lease: Option<Lease<'_>>,
    ) -> WorkerNext {
        for notification in notifications {
            self.record_one(journal, notification);
        }
        let next = self.mailbox.leave(lease);
        self.reclaim_abandoned(&next, lease);
        // What need not be safe before the run is told of it.
        Arc::clone(self).take_up();
        journal.writer.commit_soon();
        next
    }

    /// Tells the run what the thread that drives it has done. A recorded run is told when that is
    /// safe; this thread commits itself when it finds nothing else to do.
    pub(super) fn tell_inline(self: &Arc<Self>, notification: Notification) {
        match &self.journal {
            None => self.tell(notification),
            Some(journal) => {
                self.record_one(journal, notification);
                Arc::clone(self).take_up();
            }
        }
    }

    /// The same for a driver, which looks for what the run is to be told right afterwards.
    pub(super) fn record_inline(self: &Arc<Self>, notification: Notification) {
        if let Some(journal) = &self.journal {
            self.record_one(journal, notification);
        }
    }

    /// A run that is over is told nothing more, and nothing more is written of it. If something
    /// came meanwhile, it goes on.
    pub(super) fn seal<'a>(
        self: &'a Arc<Self>,
        run: Box<Run>,
        contents: MutexGuard<'a, Contents>,
    ) -> Result<(Box<Run>, MutexGuard<'a, Contents>), MutexGuard<'a, Contents>> {
        let Some(journal) = &self.journal else { return Ok((run, contents)) };
        // The writer's queue is not to be locked under the mailbox.
        let is_settled = contents.notifications.is_empty();
        drop(contents);
        if is_settled && journal.seal_if_settled() {
            return Ok((run, self.mailbox.lock()));
        }
        self.release(run, &mut Outbox::default(), None);
        Err(self.mailbox.lock())
    }

    /// Commits what waits for it. Says whether there was something, and nobody else commits.
    pub(super) fn commit_now(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.writer.commit_now())
    }

    fn record_one(self: &Arc<Self>, journal: &RunJournal, mut notification: Notification) {
        if journal.is_released() {
            return notification.discard();
        }
        let at = self.engine.timestamp();
        let run: Arc<dyn RecordedRun> = Arc::<Self>::clone(self);
        let written = if let Some(task) = self.computed(&notification) {
            journal.record_computed(&run, at, task, notification)
        } else {
            let bounded = notification.task().filter(|task| self.is_bounded(*task));
            let elapsed = bounded.map(|task| self.measured_elapsed(task));
            match self.body_of(&mut notification, elapsed.unwrap_or_default()) {
                Some(body) => journal.record(run, at, body, notification, elapsed),
                None => return notification.discard(),
            }
        };
        if let Err(why) = written {
            Arc::clone(self).store_failed(&why);
        }
    }

    /// The task of a success that need not be written down, since it can be computed again.
    fn computed(&self, notification: &Notification) -> Option<Task> {
        match notification {
            Notification::Completed { task, outcome: TaskOutcome::Success(_), .. }
                if !self.plan.options_of(task.step).checkpoint =>
            {
                Some(*task)
            }
            _ => None,
        }
    }

    /// What is written down of a notification. A value that cannot be is an exception of its event.
    fn body_of(&self, notification: &mut Notification, elapsed: Duration) -> Option<Body> {
        let exception = match Body::of(&self.plan, notification, elapsed, VALUE_LIMIT) {
            Ok(body) => return Some(body),
            Err(exception) => exception,
        };
        match notification {
            Notification::Completed { outcome, .. } => {
                panic::drop_quietly(std::mem::replace(outcome, exception.into()));
            }
            Notification::Checked { answer, .. } => {
                panic::drop_quietly(std::mem::replace(answer, Err(exception)));
            }
            _ => return None,
        }
        Body::of(&self.plan, notification, elapsed, VALUE_LIMIT).ok()
    }

    /// Ends the run because its engine ends, or whoever drives it has gone. A recorded run stays as
    /// it is recorded, for somebody to resume; others are cancelled.
    pub(super) fn let_go(self: &Arc<Self>) {
        match &self.journal {
            None => self.halt(Halt::Cancelled(CancelCause::Requested)),
            Some(journal) => {
                journal.release();
                if journal.is_released() {
                    self.end_unrecorded();
                }
            }
        }
    }

    /// Leaves a recorded run as it is recorded. It does not know of that yet.
    pub(super) fn leave_recorded(&self) {
        if let Some(journal) = &self.journal {
            journal.release();
        }
    }

    /// Whether nothing more is to be started of the run.
    pub(super) fn is_draining(&self) -> bool {
        self.journal.as_deref().is_some_and(RunJournal::is_draining)
    }

    /// Starts nothing more of a recorded run, so that it comes to rest. One that is a part of a
    /// task goes on, since the task does.
    pub(super) fn start_no_more(&self) {
        let Some(journal) = &self.journal else { return };
        if !self.is_nested.load(Ordering::Relaxed) {
            journal.drain();
            // What they hold is the user's, and so is its drop.
            self.mailbox.withdraw().into_iter().for_each(panic::drop_quietly);
        }
    }

    /// Leaves a recorded run that starts nothing more, if nothing of it runs any more.
    pub(super) fn let_go_at_rest(self: &Arc<Self>) {
        let Some(journal) = &self.journal else { return };
        if journal.is_draining() && !journal.is_in_flight() && self.mailbox.is_at_rest() {
            self.let_go();
        }
    }

    /// Cancels the recorded runs that events of this one have begun, whoever drives them: one that
    /// was resumed goes on by itself.
    pub(super) fn cancel_recorded_children(&self) {
        if let (Some(durable), Some(key)) = (&self.engine.durable, &self.key) {
            for child in durable.children_of(key) {
                child.go_with_parent(Gone::Cancelled);
            }
        }
    }

    fn end_unrecorded(self: &Arc<Self>) {
        self.mailbox.post(Notification::Halted(Halt::Cancelled(CancelCause::Requested)), || {});
        self.left.store(true, Ordering::SeqCst);
        self.set_cancelled();
        Arc::clone(self).take_up();
        self.wake();
    }
}

impl RecordedRun for ActiveRun {
    fn post(&self, notification: Notification) {
        // Under the lock of the mailbox, so that whoever finds nothing there and nothing in flight
        // has been told of everything.
        let late = self.mailbox.post(notification, || {
            if let Some(journal) = &self.journal {
                journal.posted();
            }
        });
        if let Some(late) = late {
            late.discard();
        }
    }

    fn take_up(self: Arc<Self>) {
        // A driver that commits looks after the runs right afterwards, and not alone.
        let commits = self.journal.as_ref().is_some_and(|it| it.writer.has_committer_here());
        if commits && self.mailbox.wake_driver() {
            return;
        }
        if let Some((run, mut notifications)) = self.mailbox.take_up() {
            self.go_on(run, &mut notifications, None, &mut Outbox::default());
        }
    }

    fn cancel(self: Arc<Self>, cause: CancelCause) {
        self.halt(Halt::Cancelled(cause));
    }

    fn go_with_parent(self: Arc<Self>, gone: Gone) {
        match gone {
            Gone::Cancelled => self.cancel_with_parent(),
            Gone::Left => self.leave_with_parent(),
        }
    }

    fn gone(&self) -> Option<Gone> {
        RunInfo::gone(self)
    }

    fn have_looked_at(self: Arc<Self>, look: Look) {
        Self::have_looked_at(&self, look);
    }

    fn resolve(self: Arc<Self>, address: &StepAddress, answer: Answer<'_>) -> Option<Result<()>> {
        self.resolve_task(self.journal.as_deref()?, address, answer)
    }

    fn activity(&self) -> Option<RunActivity> {
        let (journal, clock) = (self.journal.as_deref()?, &self.engine.clock);
        let OwnTasks { running, retrying } = self.mailbox.own_tasks();
        let (today, now, count) = (clock.wall_time(), clock.now(), clock.timestamp());
        let own = |task: Task, at: Duration| OwnTask {
            step_index: task.step as usize,
            event: self.plan.event_name(task.step).to_owned(),
            item: task.item,
            attempt: task.attempt,
            at: Timestamp::since_epoch(at),
        };
        let since = |at: Duration| today.saturating_sub(count.saturating_sub(at));
        let until = |at: Duration| today.saturating_add(at.saturating_sub(now));
        Some(RunActivity {
            key: Arc::clone(&journal.key),
            run_id: self.id,
            records: journal.records(),
            is_settled: !journal.is_in_flight(),
            running: running.map(|(task, at)| own(task, since(at))),
            retrying: retrying.into_iter().map(|(task, at)| own(task, until(at))).collect(),
        })
    }

    fn store_failed(self: Arc<Self>, why: &StoreError) {
        if let Some(journal) = &self.journal
            && journal.fail(why)
        {
            self.end_unrecorded();
        }
    }
}
