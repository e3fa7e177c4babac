//! A run's work on an executor: on its threads ([`JobSource::run`]), or in its own way
//! ([`Claimed`]).

#![cfg_attr(
    not(feature = "tokio"),
    allow(dead_code, reason = "no executor of this build runs async bodies")
)]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::active::ActiveRun;
use super::mailbox::{Lease, WorkerNext};
use super::timer::TimerKey;
use super::work::{Notification, Work, WorkKind};
use crate::cancel::Token;
use crate::context::Context;
use crate::current::{CurrentTask, running};
#[cfg(feature = "wire")]
use crate::executor::RemoteRequest;
use crate::executor::{Claimed, JobSource};
use crate::outcome::{Exception, TaskOutcome};
use crate::panic;
use crate::run::Task;
use crate::sync::{Mutex, lock};
#[cfg(feature = "wire")]
use crate::wire::{ReplySeed, TaskRequest};

/// A worker that has worked so long for one run looks after others.
const LONG: Duration = Duration::from_micros(100);

impl JobSource for ActiveRun {
    fn run(self: Arc<Self>, pool: u32, most: usize) -> (usize, bool) {
        let Some(work) = self.mailbox.begin_job(pool) else { return (0, false) };
        running(CurrentTask::of(&self.info), || self.run_tasks(pool, most, work))
    }

    fn claim(self: Arc<Self>, pool: u32) -> Option<Box<dyn Claimed>> {
        let work = self.mailbox.begin_job(pool)?;
        let mut context = Context::new(Arc::clone(&self.info));
        work.enter(&mut context);
        // What a body hears that is about to begin elsewhere.
        let limit = self.timeout(work.task);
        context.deadline = limit.map(|limit| context.now().saturating_add(limit));
        let started = Mutex::new(None);
        Some(Box::new(ActiveTask { active: self, pool, work: Some(work), context, started }))
    }

    fn resubmit(self: Arc<Self>, pool: u32) {
        self.submit(pool);
    }

    fn job_dropped(self: Arc<Self>, pool: u32) {
        for work in self.mailbox.drop_job(pool) {
            let notification = self.lost(&work);
            panic::drop_quietly(work);
            self.tell(notification);
        }
    }
}

impl ActiveRun {
    /// Runs `work` and then other tasks of the queue, on this thread.
    fn run_tasks(self: &Arc<Self>, pool: u32, most: usize, mut work: Work) -> (usize, bool) {
        let mut context = Context::new(Arc::clone(&self.info));
        let (mut tasks, mut total) = (0, Duration::ZERO);
        loop {
            tasks += 1;
            let notification = work.perform(self, &mut context);
            if let Notification::Completed { busy, .. } = &notification {
                total += *busy;
            }
            let renewable = tasks < most && total < LONG;
            match self.finish_work(pool, work, notification, renewable) {
                WorkerNext::Continue(next) => work = next,
                WorkerNext::Resubmit => return (tasks, true),
                WorkerNext::Done | WorkerNext::Abandoned => return (tasks, false),
            }
        }
    }

    /// A worker has done its work: tells the run, and what the worker is to do next.
    fn finish_work(
        self: &Arc<Self>,
        pool: u32,
        work: Work,
        notification: Notification,
        renewable: bool,
    ) -> WorkerNext {
        let task = work.task;
        let wanted = work.end();
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(work);
        if wanted {
            let deferrable = renewable && self.is_deferrable(&notification);
            return self.deliver(notification, Some(Lease { pool, task, renewable, deferrable }));
        }
        panic::drop_quietly(notification);
        self.mailbox.abandoned_ended(task);
        self.reclaim(pool);
        WorkerNext::Abandoned
    }

    /// Whether nothing can follow from this before the other members of its group are done.
    fn is_deferrable(&self, notification: &Notification) -> bool {
        match notification {
            Notification::Completed { task, outcome: TaskOutcome::Success(_), .. } => {
                self.plan.steps[task.step as usize].hints.only_joins && !self.is_observed()
            }
            _ => false,
        }
    }

    /// What becomes of work that no executor will do.
    pub(super) fn lost(&self, work: &Work) -> Notification {
        let lost = Exception::not_run("the executor dropped the task without running it");
        let task = work.task;
        match work.kind {
            WorkKind::BypassCheck => Notification::Checked { task, answer: Err(lost) },
            WorkKind::Body => Notification::Completed {
                task,
                outcome: TaskOutcome::Exception(lost),
                busy: Duration::ZERO,
                at: self.engine.clock.now(),
            },
        }
    }
}

/// A task whose body its executor runs in its own way.
struct ActiveTask {
    active: Arc<ActiveRun>,
    pool: u32,
    /// `None` once the task has ended.
    work: Option<Work>,
    context: Context,
    /// When the body began, and what is called at the end of its time.
    started: Mutex<Option<(Duration, Option<TimerKey>)>>,
}

impl ActiveTask {
    /// Ends the task; says what its worker does next.
    fn finish(&mut self, work: Work, notification: Notification, renewable: bool) -> WorkerNext {
        if let Some((_, Some(key))) = lock(&self.started).take() {
            self.active.engine.timer.clear(key);
        }
        self.active.finish_work(self.pool, work, notification, renewable)
    }

    /// Ends the task for a worker that goes back to its executor.
    fn leave(&mut self, work: Work, notification: Notification) {
        if let WorkerNext::Resubmit = self.finish(work, notification, false) {
            self.active.submit(self.pool);
        }
    }

    fn completed(&self, outcome: TaskOutcome) -> Notification {
        self.active.signal_end(&self.context, &outcome);
        let at = self.active.engine.clock.now();
        let began = lock(&self.started).as_ref().map_or(at, |(began, _)| *began);
        Notification::Completed { task: self.task(), outcome, busy: at.saturating_sub(began), at }
    }

    fn task(&self) -> Task {
        Task { step: self.context.step, attempt: self.context.attempt, item: self.context.item }
    }

    /// Runs the async body of this task, and then those that its end leads to.
    async fn run_async(mut self) {
        let mut in_a_row = 0;
        while let Some(work) = &self.work
            && self.start()
        {
            let outcome = self.active.call_async(work, &self.context).await;
            let Some(work) = self.work.take() else { return };
            let notification = self.completed(outcome);
            match self.finish(work, notification, true) {
                WorkerNext::Continue(next) => {
                    next.enter(&mut self.context);
                    let limit = self.active.timeout(next.task);
                    self.context.deadline = limit.map(|limit| self.context.now() + limit);
                    self.work = Some(next);
                }
                WorkerNext::Resubmit | WorkerNext::Done | WorkerNext::Abandoned => return,
            }
            in_a_row += 1;
            if in_a_row % MOST_IN_A_ROW == 0 {
                yield_now().await;
            }
        }
    }
}

/// How many async tasks follow each other before the thread may look after others.
const MOST_IN_A_ROW: usize = 64;

/// Lets other futures of the same thread have their turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Claimed for ActiveTask {
    #[cfg(feature = "wire")]
    fn request(&self) -> Option<Box<dyn RemoteRequest + '_>> {
        let (active, work) = (&self.active, self.work.as_ref()?);
        let step = &active.plan.steps[work.task.step as usize];
        let def = &active.plan.events[step.event as usize].def;
        let reference = &active.plan.references[step.body as usize];
        let inputs = work.inputs(active, &self.context);
        Some(Box::new(TaskRequest::new(def, reference, &self.context, inputs)))
    }

    #[cfg(feature = "wire")]
    fn complete_remote(self: Box<Self>, reply: &mut dyn erased_serde::Deserializer<'static>) {
        let outcome = ReplySeed(&self.active.plan.event_of(self.context.step).def).read(reply);
        self.complete(outcome);
    }

    fn token(&self) -> &Token {
        static NEVER_RAISED: Token = Token::new();
        self.context.token.as_deref().unwrap_or(&NEVER_RAISED)
    }

    fn start(&self) -> bool {
        if self.context.is_cancelled() {
            return false;
        }
        let task = self.task();
        let now = self.active.begin(task);
        let time_out = self.active.when_alive(move |run| run.time_out(task));
        let key = self.active.set_timeout(task, time_out).map(|(_, key)| key);
        *lock(&self.started) = Some((now, key));
        self.active.signal_start(&self.context);
        true
    }

    fn progress(&self, done: u64, total: u64) {
        self.context.progress(done, total);
    }

    fn complete(mut self: Box<Self>, outcome: TaskOutcome) {
        let Some(work) = self.work.take() else { return };
        let notification = self.completed(outcome);
        self.leave(work, notification);
    }

    fn into_future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.run_async())
    }
}

impl Drop for ActiveTask {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let notification = self.active.lost(&work);
            self.leave(work, notification);
        }
    }
}
