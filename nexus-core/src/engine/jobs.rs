//! A run's work on an executor: on its threads ([`JobSource::run`]), or in its own way
//! ([`Claimed`], and `claims` for what it runs elsewhere).

#![cfg_attr(
    not(feature = "tokio"),
    allow(dead_code, reason = "no executor of this build runs async bodies")
)]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use super::active::ActiveRun;
use super::chunk::Chunk;
#[cfg(feature = "wire")]
use super::claims::ActiveTasks;
use super::lease::{Hold, Lease, WorkerNext};
use super::mailbox::Outbox;
use super::perform::CHUNK;
use super::polling::{self, FirstPoll};
use super::timer::TimerKey;
use super::work::{Notification, Work, WorkKind};
use crate::cancel::Token;
use crate::context::Context;
use crate::current::{CurrentTask, running};
#[cfg(feature = "wire")]
use crate::executor::ClaimedTogether;
use crate::executor::{Claimed, JobSource};
use crate::outcome::{Exception, TaskOutcome};
use crate::panic;
use crate::run::Task;
use crate::sync::{Mutex, lock};

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
        let limit = self.timeout(work.task);
        context.deadline = limit.map(|limit| context.now().saturating_add(limit));
        let started = Mutex::new(None);
        let late_token = OnceLock::new();
        Some(Box::new(ActiveTask {
            active: self,
            pool,
            work: Some(work),
            context,
            started,
            late_token,
        }))
    }

    #[cfg(feature = "wire")]
    fn claim_together(self: Arc<Self>, pool: u32, most: usize) -> Option<Box<dyn ClaimedTogether>> {
        let (job, tasks) = self.mailbox.claim_together(pool, most)?;
        Some(Box::new(ActiveTasks::new(self, pool, job, tasks)))
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
        let mut stay = Stay::new(most);
        loop {
            let begin = self.engine.clock.timestamp();
            let mut mark = self.engine.step_timings.then_some(begin);
            let Some(ran) = self.run_chunk(chunk, &mut context, &mut mark) else {
                self.reclaim(pool);
                return (stay.tasks + 1, false);
            };
            match self.end_chunk(pool, chunk, &ran, (begin, mark), &mut stay) {
                WorkerNext::Continue(_) | WorkerNext::Refilled => {}
                WorkerNext::Resubmit => return (stay.tasks, true),
                WorkerNext::Done | WorkerNext::Abandoned => return (stay.tasks, false),
            }
        }
    }

    /// Delivers what was run of a chunk, which took from `begin` to `end`, or until now.
    fn end_chunk(
        self: &Arc<Self>,
        pool: u32,
        chunk: &Chunk,
        ran: &Ran,
        (begin, end): (Duration, Option<Duration>),
        stay: &mut Stay,
    ) -> WorkerNext {
        let end = end.unwrap_or_else(|| self.engine.clock.timestamp());
        let took = end.saturating_sub(begin);
        (stay.tasks, stay.total) = (stay.tasks + ran.tasks, stay.total + took);
        if let Some(body) = ran.body {
            self.plan.paces[body as usize].measured(ran.tasks as u32, took);
        }
        let left = stay.most.saturating_sub(stay.tasks);
        let renewable = left > 0 && stay.total < LONG;
        let unwanted = chunk.take_done(&mut stay.done);
        unwanted.into_iter().for_each(panic::drop_quietly);
        let deferrable = renewable && stay.done.iter().all(|done| self.is_deferrable(done));
        let lease = Lease { pool, hold: Hold::Chunk(chunk, left), renewable, deferrable };
        self.deliver(&mut stay.done, Some(lease), &mut stay.outbox)
    }

    /// The body of a chunk's task waits: it is no longer the chunk's, and what is left of the chunk is
    /// others' to do.
    fn go_apart(self: &Arc<Self>, pool: u32, chunk: &Chunk, task: Task, token: &Arc<Token>) {
        token.start();
        let mut aside = Vec::new();
        let recorded = self.journal.as_deref();
        let acquired =
            self.mailbox.go_apart(pool, chunk, task, token, recorded.map(|_| &mut aside));
        if let Some(journal) = recorded {
            self.record(journal, aside, None);
        }
        if let Some((run, mut notifications)) = acquired {
            self.go_on(run, &mut notifications, None, &mut Outbox::default());
        }
        self.offer_jobs(pool);
    }

    /// Runs what is in the chunk; the end of a task is the beginning of the next one, so that each
    /// costs one reading of the clock. `None` if the thread was abandoned with a task whose time is
    /// over.
    fn run_chunk(
        self: &Arc<Self>,
        chunk: &Chunk,
        context: &mut Context,
        mark: &mut Option<Duration>,
    ) -> Option<Ran> {
        let mut ran = Ran { tasks: 0, body: None };
        let (mut next, mut done) = (None, None);
        loop {
            chunk.next(&mut next, done.take());
            let Some(work) = &next else { return Some(ran) };
            ran.tasks += 1;
            ran.body = work.together;
            let notification = work.perform(self, context, mark);
            if !work.end() {
                let task = work.task;
                panic::drop_quietly((next, notification));
                self.mailbox.abandoned_ended(task);
                return None;
            }
            done = Some(notification);
        }
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
        work.discard();
        if wanted {
            let deferrable = renewable && self.is_deferrable(&notification);
            let lease = Lease { pool, hold: Hold::Task(task), renewable, deferrable };
            return self.deliver(&mut vec![notification], Some(lease), &mut Outbox::default());
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

    /// How a task ends that its executor has given up.
    pub(super) fn not_run() -> Exception {
        Exception::not_run("the executor dropped the task without running it")
    }

    /// What becomes of work that no executor will do.
    pub(super) fn lost(work: &Work) -> Notification {
        let (lost, task) = (Self::not_run(), work.task);
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

/// What a worker has done since it came to a run, and how many tasks it may do.
struct Stay {
    most: usize,
    tasks: usize,
    total: Duration,
    /// What it has not delivered: nothing between two chunks.
    done: Vec<Notification>,
    outbox: Outbox,
}

impl Stay {
    fn new(most: usize) -> Self {
        let (done, outbox) = (Vec::new(), Outbox::default());
        Self { most, tasks: 0, total: Duration::ZERO, done, outbox }
    }
}

/// What was run of a chunk: how many tasks, and the body that all of them have.
struct Ran {
    tasks: usize,
    body: Option<u32>,
}

/// A task whose async body its executor runs.
struct ActiveTask {
    active: Arc<ActiveRun>,
    pool: u32,
    /// `None` once the task has ended.
    work: Option<Work>,
    context: Context,
    /// When the body began, and what is called at the end of its time.
    started: Mutex<Option<(Duration, Option<TimerKey>)>>,
    /// The token of a body that has none from its beginning, and waits.
    late_token: OnceLock<Arc<Token>>,
}

impl ActiveTask {
    /// Ends the task; says what its worker does next.
    fn finish(
        &mut self,
        mut work: Work,
        notification: Notification,
        renewable: bool,
    ) -> WorkerNext {
        if let Some(token) = self.late_token.take() {
            work.token = Some(token);
        }
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

    /// The body begins. `false` if it is not wanted any more.
    fn start(&self) -> bool {
        if self.context.is_cancelled() {
            return false;
        }
        let task = self.task();
        let now = self.active.begin(task);
        let time_out = || self.active.when_alive(move |run| run.time_out(task));
        let key = self.active.set_timeout(task, time_out).map(|(_, key)| key);
        *lock(&self.started) = Some((now, key));
        self.active.signal_start(&self.context);
        true
    }

    /// Runs the async body of this task, and then those that its end leads to.
    async fn run_async(mut self) {
        let mut in_a_row = 0;
        while let Some(work) = &self.work {
            let goes_on = match work.together {
                Some(body) => self.run_together(body).await,
                None => self.run_alone().await,
            };
            if !goes_on {
                return;
            }
            in_a_row += 1;
            if in_a_row % MOST_IN_A_ROW == 0 {
                yield_now().await;
            }
        }
    }

    /// Runs the body of a task that may have to be told that it is not wanted any more. Says whether
    /// there is a next task.
    async fn run_alone(&mut self) -> bool {
        let Some(work) = &self.work else { return false };
        if work.kind == WorkKind::BypassCheck {
            if self.context.is_cancelled() {
                return false;
            }
            let (task, answer) = (work.task, work.check(&self.active, &self.context));
            return self.end(Notification::Checked { task, answer });
        }
        if !self.start() {
            return false;
        }
        let outcome = self.active.call_async(self.pool, work, &self.context).await;
        self.end(self.completed(outcome))
    }

    /// Ends the task, and enters the next one. Says whether there is one.
    fn end(&mut self, notification: Notification) -> bool {
        let Some(work) = self.work.take() else { return false };
        let WorkerNext::Continue(next) = self.finish(work, notification, true) else {
            return false;
        };
        next.enter(&mut self.context);
        let limit = self.active.timeout(next.task);
        self.context.deadline = limit.map(|limit| self.context.now() + limit);
        self.work = Some(next);
        true
    }

    /// Runs the task together with others of its body, as a thread does: each is polled once, and
    /// most need no more. One that waits goes on alone, and leaves the others to other workers. Says
    /// whether there is a next task.
    async fn run_together(&mut self, body: u32) -> bool {
        let waker = polling::waker().await;
        let (active, pool) = (Arc::clone(&self.active), self.pool);
        let Some(work) = self.work.take() else { return false };
        let chunk = match active.mailbox.chunk_of(pool, work, MOST_IN_A_ROW) {
            Ok(chunk) => chunk,
            Err(late) => {
                self.work = Some(late);
                return false;
            }
        };
        let pace = &active.plan.paces[body as usize];
        let mut current = Some(CurrentTask::of(active.info()));
        let mut stay = Stay::new(MOST_IN_A_ROW);
        loop {
            let begin = active.engine.clock.timestamp();
            let mut mark = active.engine.step_timings.then_some(begin);
            let (mut ran, mut done) = (Ran { tasks: 0, body: Some(body) }, None);
            loop {
                chunk.next(&mut self.work, done.take());
                let Some(work) = &self.work else { break };
                ran.tasks += 1;
                let task = work.task;
                work.enter(&mut self.context);
                if self.context.nest.is_some() {
                    current = Some(CurrentTask::of_context(&self.context));
                }
                let start = active.begin_at(task, mark);
                active.signal_start(&self.context);
                let (body, inputs) = (active.body(task.step), work.inputs(&active, &self.context));
                let first = || polling::first_poll(body, inputs, &waker, &mut current);
                let polled = match active.around_body(&self.context, first) {
                    FirstPoll::Ready(outcome) => Ok(outcome),
                    FirstPoll::Pending(body) => {
                        *lock(&self.started) = Some((start, None));
                        pace.measured(1, CHUNK);
                        let token = self.late_token.get_or_init(Arc::default);
                        active.go_apart(pool, &chunk, task, token);
                        let current = || CurrentTask::of_context(&self.context);
                        let rest = polling::rest(body, current, |cx| token.is_unwanted(cx));
                        let ended = active.around_polls(&self.context, rest).await;
                        Err(ended.unwrap_or_else(ActiveRun::dropped))
                    }
                };
                let outcome = match polled {
                    Ok(outcome) => outcome,
                    Err(outcome) => return self.end(self.completed(outcome)),
                };
                active.signal_end(&self.context, &outcome);
                let at = active.engine.step_now();
                mark = active.engine.step_timings.then_some(at);
                done =
                    Some(Notification::Completed { task, outcome, busy: at.saturating_sub(start) });
            }
            match active.end_chunk(pool, &chunk, &ran, (begin, mark), &mut stay) {
                WorkerNext::Refilled => {}
                WorkerNext::Resubmit => {
                    active.submit(pool);
                    return false;
                }
                WorkerNext::Continue(_) | WorkerNext::Done | WorkerNext::Abandoned => return false,
            }
        }
    }
}

/// How many async tasks follow each other before the thread may look after others.
const MOST_IN_A_ROW: usize = 256;

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
