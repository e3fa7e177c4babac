//! A run's tasks that an executor runs elsewhere, one after the other ([`ClaimedTogether`]).

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use serde::{Deserializer, Serialize, Serializer};

use super::active::ActiveRun;
use super::lease::{Hold, Lease, WorkerNext};
use super::mailbox::Outbox;
use super::timer::TimerKey;
use super::work::{Notification, Work};
use crate::cancel::Token;
use crate::context::{Context, RunHost};
use crate::executor::{ClaimedTasks, ClaimedTogether};
use crate::outcome::{Exception, TaskOutcome};
use crate::panic;
use crate::run::Task;
use crate::telemetry::TraceContext;
use crate::wire::{ReplySeed, TaskRequest};

/// Tasks that their executor has claimed together, with the job that it has for them.
pub(super) struct ActiveTasks {
    active: Arc<ActiveRun>,
    pool: u32,
    job: u32,
    /// Those that have not ended, in order.
    tasks: VecDeque<Work>,
    /// When the first one's body began, and what is called at the end of its time.
    started: Option<(Duration, Option<TimerKey>)>,
    /// What has ended and was not delivered.
    ended: Vec<Task>,
    notifications: Vec<Notification>,
    /// The step of the last request that was written, which the next one need not describe.
    described: Option<u32>,
    /// How many replies there were, and how long their bodies took.
    replies: u32,
    took: Duration,
    /// Nothing is left, and the run knows it.
    left: bool,
    /// That of the task in hand.
    context: Context,
}

impl ActiveTasks {
    pub(super) fn new(active: Arc<ActiveRun>, pool: u32, job: u32, tasks: Vec<Work>) -> Self {
        Self {
            pool,
            job,
            started: None,
            ended: Vec::with_capacity(tasks.len()),
            notifications: Vec::with_capacity(tasks.len()),
            described: None,
            replies: 0,
            took: Duration::ZERO,
            left: false,
            tasks: tasks.into(),
            context: Context::new(active.info()),
            active,
        }
    }

    fn enter(&mut self, index: usize) -> Option<&Work> {
        let work = self.tasks.get(index)?;
        work.enter(&mut self.context);
        self.context.deadline = self.deadline(work.task);
        Some(work)
    }

    /// What a body is told that is about to begin elsewhere.
    fn deadline(&self, task: Task) -> Option<Duration> {
        let limit = self.active.timeout(task)?;
        Some(self.context.now().saturating_add(limit))
    }

    /// The first task runs no more; gives when it began, if it did.
    fn stop_first(&mut self) -> Option<Duration> {
        let (began, key) = self.started.take()?;
        if let Some(key) = key {
            self.active.engine.timer.clear(key);
        }
        Some(began)
    }

    fn ended(&mut self, work: Work, outcome: TaskOutcome, busy: Duration) {
        if self.active.is_observed() {
            work.enter(&mut self.context);
            self.active.signal_end(&self.context, &outcome);
        }
        let (task, wanted) = (work.task, work.end());
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(work);
        if wanted {
            self.ended.push(task);
            self.notifications.push(Notification::Completed { task, outcome, busy });
        } else {
            panic::drop_quietly(outcome);
            self.active.mailbox.abandoned_ended(task);
            self.active.reclaim(self.pool);
        }
    }

    /// Calls `with` with the request of a task, if there is such a task.
    fn with_request<T>(
        &mut self,
        index: usize,
        with: impl FnOnce(&TaskRequest<'_>) -> T,
    ) -> Option<T> {
        let (active, work) = (&self.active, self.tasks.get(index)?);
        // All that a request says of its task.
        let (task, deadline) = (work.task, self.deadline(work.task));
        (self.context.step, self.context.attempt) = (task.step, task.attempt);
        (self.context.item, self.context.deadline) = (task.item, deadline);
        let step = &active.plan.steps[work.task.step as usize];
        let def = &active.plan.events[step.event as usize].def;
        let number = Some(work.task.step);
        let is_known = index > 0 && self.described == number;
        self.described = number;
        let reference = (!is_known).then(|| &*active.plan.references[step.body as usize]);
        let inputs = work.inputs(active, &self.context);
        Some(with(&TaskRequest::new(def, reference, &self.context, inputs)))
    }

    /// The first task has ended elsewhere with this reply.
    fn complete<D: Deserializer<'static>>(&mut self, reply: D) {
        let Some(work) = self.tasks.pop_front() else { return };
        let _ = self.stop_first();
        let (took, outcome) = ReplySeed(&self.active.plan.event_of(work.task.step).def).read(reply);
        (self.replies, self.took) = (self.replies + 1, self.took.saturating_add(took));
        let busy = if self.active.engine.step_timings { took } else { Duration::ZERO };
        self.ended(work, outcome, busy);
    }

    /// Work that nobody waits for any more goes; it has not begun.
    fn drop_unwanted(&self, unwanted: Vec<Work>) {
        for work in unwanted {
            panic::drop_quietly(work);
            self.active.reclaim(self.pool);
        }
    }

    fn note_pace(&mut self) {
        let (Some(task), 1..) = (self.ended.first(), self.replies) else { return };
        // Tasks that are claimed together are of one body.
        let body = self.active.plan.steps[task.step as usize].body;
        self.active.plan.paces[body as usize].measured(self.replies, self.took);
        (self.replies, self.took) = (0, Duration::ZERO);
    }
}

/// What reads and writes the messages. It is here, and not beside the type, since an executor is below
/// the messages: through a trait each part of one would cost some calls more.
impl ClaimedTasks {
    fn active(&mut self) -> Option<&mut ActiveTasks> {
        let tasks: &mut dyn Any = &mut *self.0;
        tasks.downcast_mut()
    }

    /// Serialises what another process needs to run a task: which event it is, what its context
    /// says, its parameters. A [`TaskHost`](crate::TaskHost) reads it. The requests are written in
    /// order, and each may leave out what the one before it has said; that of task 0 says all.
    ///
    /// # Errors
    ///
    /// If a part cannot be serialised: the exception to [`fail`](Self::fail) the task with.
    pub fn write_request<S: Serializer>(
        &mut self,
        index: usize,
        serializer: S,
    ) -> Result<S::Ok, Exception> {
        let written = self.active().and_then(|tasks| {
            tasks.with_request(index, |request| {
                // Serialize is user code.
                panic::contain(|| {
                    request.serialize(serializer).map_err(|why| request.explain(&why))
                })
            })
        });
        written.unwrap_or_else(|| Err(Exception::not_run("the task has ended already")))?
    }

    /// The first task has ended elsewhere, with this reply of a [`TaskHost`](crate::TaskHost). One
    /// that cannot be read is an exception of the event.
    pub fn complete<D: Deserializer<'static>>(&mut self, reply: D) {
        if let Some(tasks) = self.active() {
            tasks.complete(reply);
        }
    }
}

impl ClaimedTogether for ActiveTasks {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    fn start(&mut self) -> bool {
        let Some(task) = self.tasks.front().map(|work| work.task) else { return false };
        if self.active.is_cancelled() || self.is_cancelled(0) {
            return false;
        }
        let now = self.active.begin(task);
        let time_out = || self.active.when_alive(move |run| run.time_out(task));
        let key = self.active.set_timeout(task, time_out).map(|(_, key)| key);
        self.started = Some((now, key));
        if self.active.is_observed() && self.enter(0).is_some() {
            self.active.signal_start(&self.context);
        }
        true
    }

    fn is_cancelled(&self, index: usize) -> bool {
        let token = self.tasks.get(index).and_then(|work| work.token.as_deref());
        token.is_some_and(Token::is_raised)
    }

    fn on_cancel(&self, waker: &Waker) {
        for token in self.tasks.iter().filter_map(|work| work.token.as_deref()) {
            token.on_raise(waker);
        }
    }

    fn progress(&mut self, done: u64, total: u64) {
        if self.enter(0).is_some() {
            self.context.progress(done, total);
        }
    }

    fn trace(&mut self, index: usize) -> Option<TraceContext> {
        if !self.active.has_observers() {
            return None;
        }
        self.enter(index)?;
        self.active.trace(&self.context)
    }

    fn said(&mut self, said: &[u8]) {
        if self.enter(0).is_some() {
            self.active.signal_said(&self.context, said);
        }
    }

    fn end(&mut self, index: usize, outcome: TaskOutcome) {
        let Some(work) = self.tasks.remove(index) else { return };
        // Its request may not have been written.
        self.described = None;
        let began = if index == 0 { self.stop_first() } else { None };
        let now = self.active.engine.step_now();
        self.ended(work, outcome, now.saturating_sub(began.unwrap_or(now)));
    }

    fn give_back(&mut self, from: usize) {
        if from == 0 {
            let _ = self.stop_first();
        }
        let given = self.tasks.split_off(from.min(self.tasks.len()));
        if given.is_empty() {
            return;
        }
        let (wanted, unwanted): (Vec<Work>, _) = given.into_iter().partition(Work::withdraw);
        for work in &unwanted {
            self.active.mailbox.abandoned_ended(work.task);
        }
        self.drop_unwanted(unwanted);
        match self.active.mailbox.give_back(self.pool, wanted) {
            Ok(jobs) => (0..jobs).for_each(|_| self.active.submit(self.pool)),
            Err(late) => self.drop_unwanted(late),
        }
    }

    fn claim_more(&mut self, most: usize) -> Option<Box<dyn ClaimedTogether>> {
        let more = self.active.mailbox.claim_more(self.pool, self.job, most);
        let active = || Arc::clone(&self.active);
        (!more.is_empty())
            .then(|| Box::new(Self::new(active(), self.pool, self.job, more)) as Box<_>)
    }

    fn deliver(&mut self) {
        self.note_pace();
        let is_last = self.tasks.is_empty() && !self.left;
        if self.notifications.is_empty() && !is_last {
            return;
        }
        self.left |= is_last;
        let mut notifications = std::mem::take(&mut self.notifications);
        let hold = Hold::Together(self.job, &self.ended);
        let lease = Lease { pool: self.pool, hold, renewable: false, deferrable: false };
        let next = self.active.deliver(&mut notifications, Some(lease), &mut Outbox::default());
        self.ended.clear();
        if let WorkerNext::Resubmit = next {
            self.active.submit(self.pool);
        }
    }
}

impl Drop for ActiveTasks {
    fn drop(&mut self) {
        let _ = self.stop_first();
        while let Some(work) = self.tasks.pop_front() {
            self.ended(work, ActiveRun::not_run().into(), Duration::ZERO);
        }
        self.deliver();
    }
}
