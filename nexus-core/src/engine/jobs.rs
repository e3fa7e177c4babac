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
use super::chunk::Chunk;
use super::mailbox::{Hold, Lease, WorkerNext};
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
        let Some(chunk) = self.mailbox.begin_chunk(pool, most) else { return (0, false) };
        running(CurrentTask::of(self.info()), || self.run_chunks(pool, most, &chunk))
    }

    fn claim(self: Arc<Self>, pool: u32) -> Option<Box<dyn Claimed>> {
        let work = self.mailbox.claim(pool)?;
        let mut context = Context::new(self.info());
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
            let notification = Self::lost(&work);
            panic::drop_quietly(work);
            self.tell(notification);
        }
    }
}

impl ActiveRun {
    /// Runs a chunk and then others of the queue, on this thread.
    fn run_chunks(self: &Arc<Self>, pool: u32, most: usize, chunk: &Chunk) -> (usize, bool) {
        let mut context = Context::new(self.info());
        let (mut tasks, mut total) = (0, Duration::ZERO);
        loop {
            let begin = self.engine.clock.timestamp();
            let Some(ran) = self.run_chunk(chunk, &mut context) else {
                self.reclaim(pool);
                return (tasks + 1, false);
            };
            let took = self.engine.clock.timestamp().saturating_sub(begin);
            (tasks, total) = (tasks + ran.tasks, total + took);
            if let Some(body) = ran.body {
                self.plan.paces[body as usize].measured(ran.tasks as u32, took);
            }
            let renewable = tasks < most && total < LONG;
            let hold = Hold::Chunk(chunk, most.saturating_sub(tasks));
            let rest = chunk.take_done();
            rest.unwanted.into_iter().for_each(panic::drop_quietly);
            let deferrable = renewable && rest.done.iter().all(|done| self.is_deferrable(done));
            match self.deliver(rest.done, Some(Lease { pool, hold, renewable, deferrable })) {
                WorkerNext::Continue(_) | WorkerNext::Refilled => {}
                WorkerNext::Resubmit => return (tasks, true),
                WorkerNext::Done | WorkerNext::Abandoned => return (tasks, false),
            }
        }
    }

    /// Runs what is in the chunk. `None` if the thread was abandoned with a task whose time is over.
    fn run_chunk(self: &Arc<Self>, chunk: &Chunk, context: &mut Context) -> Option<Ran> {
        let mut ran = Ran { tasks: 0, body: None };
        let mut done = None;
        while let Some(work) = chunk.next(done.take()) {
            ran.tasks += 1;
            ran.body = work.together;
            let notification = work.perform(self, context);
            let (task, wanted) = (work.task, work.end());
            // The input's last holder may be this task; its Drop is user code.
            panic::drop_quietly(work);
            if !wanted {
                panic::drop_quietly(notification);
                self.mailbox.abandoned_ended(task);
                return None;
            }
            done = Some(notification);
        }
        Some(ran)
    }

    /// A claimed task has ended: tells the run, and what its worker is to do next.
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
            let lease = Lease { pool, hold: Hold::Task(task), renewable, deferrable };
            return self.deliver([notification], Some(lease));
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
    pub(super) fn lost(work: &Work) -> Notification {
        let lost = Exception::not_run("the executor dropped the task without running it");
        let task = work.task;
        match work.kind {
            WorkKind::BypassCheck => Notification::Checked { task, answer: Err(lost) },
            WorkKind::Body => Notification::Completed {
                task,
                outcome: TaskOutcome::Exception(lost),
                busy: Duration::ZERO,
            },
        }
    }
}

/// What was run of a chunk: how many tasks, and the body that all of them have.
struct Ran {
    tasks: usize,
    body: Option<u32>,
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
        let at = self.active.engine.step_now();
        let began = lock(&self.started).as_ref().map_or(at, |(began, _)| *began);
        Notification::Completed { task: self.task(), outcome, busy: at.saturating_sub(began) }
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
            let outcome = self.active.call_async(self.pool, work, &self.context).await;
            let Some(work) = self.work.take() else { return };
            let notification = self.completed(outcome);
            match self.finish(work, notification, true) {
                WorkerNext::Continue(next) => {
                    next.enter(&mut self.context);
                    let limit = self.active.timeout(next.task);
                    self.context.deadline = limit.map(|limit| self.context.now() + limit);
                    self.work = Some(next);
                }
                WorkerNext::Refilled
                | WorkerNext::Resubmit
                | WorkerNext::Done
                | WorkerNext::Abandoned => return,
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
            let notification = ActiveRun::lost(&work);
            self.leave(work, notification);
        }
    }
}
