//! Who holds the run, and what waits for whom.
//!
//! A run is advanced by whoever has a notification for it: the thread that drives it, or a worker
//! that has finished one of its tasks. Only one of them can hold the run at a time. The others
//! leave their notifications in the mailbox and go on with other work; the holder reads the mailbox
//! before it releases the run. The lock is held for a few instructions, never while user code runs.
//!
//! What the run wants done is kept here until somebody has time: work of the driving thread, and
//! for each pool a queue of work. An executor is given no work but *jobs*, each the right to take
//! from such a queue, and no more of them than it has use for. A worker that delivers its
//! notification takes its next work in the same moment, so that a task costs two short locks and no
//! allocation.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use super::work::{InlineQueue, Notification, Work};
use crate::run::{Run, Task};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};

/// A wait before a retry, until a time of the engine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RetryTimer {
    pub(super) at: Duration,
    /// Tells timers of the same instant apart, in the order in which they were set.
    order: u64,
    task: TaskKey,
}

impl RetryTimer {
    pub(super) fn task(self) -> Task {
        let (step, attempt, item) = self.task;
        Task { step, attempt, item }
    }
}

/// A task in a form that has an order.
type TaskKey = (u32, u32, Option<u64>);

/// What waits for a pool, and what the pool is doing for this run.
struct Queue {
    waiting: VecDeque<Work>,
    /// Work that nobody wants any more: its drop is user code, and has to wait.
    unwanted: Vec<Work>,
    /// How many jobs the executor has use for.
    parallelism: usize,
    /// The jobs that it has, those whose work is running included.
    jobs: usize,
    running: Running,
}

/// The work that a pool is running. Only executors with few workers are asked what still runs.
struct Running {
    count: usize,
    tasks: Option<Vec<Task>>,
}

impl Running {
    fn add(&mut self, task: Task) {
        self.count += 1;
        if let Some(tasks) = &mut self.tasks {
            tasks.push(task);
        }
    }

    fn remove(&mut self, task: Task) {
        self.count -= 1;
        if let Some(tasks) = &mut self.tasks
            && let Some(at) = tasks.iter().position(|it| *it == task)
        {
            tasks.swap_remove(at);
        }
    }
}

/// The tasks of an executor with more workers than this are only counted.
const TRACKED_WORKERS: usize = 1024;

/// A worker's hold on a task of a queue that it has finished.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) pool: u32,
    pub(super) task: Task,
    /// Whether the worker would go on with the next task.
    pub(super) renewable: bool,
    /// Whether its notification may wait until somebody has more.
    pub(super) deferrable: bool,
}

/// So many notifications may wait.
const MOST_DEFERRED: usize = 64;

/// What a worker does after it has delivered its notification.
pub(super) enum WorkerNext {
    /// It goes on with this.
    Continue(Work),
    /// It hands its job back to the executor: there is more to do.
    Resubmit,
    /// Its job is done.
    Done,
    /// It was abandoned meanwhile, job and all.
    Abandoned,
}

pub(super) struct Contents {
    /// The run, unless somebody holds it.
    pub(super) run: Option<Box<Run>>,
    notifications: Vec<Notification>,
    pub(super) inline: InlineQueue,
    pub(super) timers: BinaryHeap<Reverse<RetryTimer>>,
    timers_set: u64,
    queues: Vec<Queue>,
    /// The driving thread runs a body, and does not watch the timers.
    pub(super) driver_busy: bool,
    /// Called instead of the condition, where a future drives the run.
    pub(super) waker: Option<Waker>,
    /// Tasks that were abandoned, and whose bodies still run. A body may end before it is noted
    /// here that it was abandoned; hence numbers, and below zero for a moment.
    abandoned: HashMap<Task, i32>,
    /// The run is over: whatever still comes is discarded.
    closed: bool,
}

/// What a holder found to be done outside of the run.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) inline: InlineQueue,
    pub(super) timers: Vec<(Duration, Task)>,
    pub(super) pooled: Vec<(u32, Work)>,
    /// Tasks whose bodies cannot be ended, with their pools.
    pub(super) abandoned: Vec<(u32, Task)>,
    /// Whether a pool may have use for more jobs.
    wants_jobs: bool,
}

/// What came of the attempt to release a run.
pub(super) enum Release {
    /// There are notifications; the caller still holds the run.
    Held(Box<Run>, Vec<Notification>),
    /// Pools that get so many new jobs, and what the caller does if it is a worker.
    Released(Vec<(u32, usize)>, WorkerNext),
}

/// What became of a notification.
pub(super) enum Delivery {
    /// The caller holds the run now, and must tell it what came before, and then its own.
    Acquired(Box<Run>, Vec<Notification>, Notification),
    /// The run's holder will see to it.
    Left(WorkerNext),
    /// The run is over. The notification is to be dropped, outside of the lock.
    Late(Notification, WorkerNext),
}

pub(super) struct Mailbox {
    contents: Mutex<Contents>,
    /// The driving thread waits here.
    pub(super) changed: Condvar,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.inline.is_empty()
            && self.timers.is_empty()
            && self.pooled.is_empty()
            && self.abandoned.is_empty()
    }
}

impl Mailbox {
    /// The mailbox of a run that the caller holds.
    pub(super) fn new(parallelism: impl Iterator<Item = usize>) -> Self {
        let queue = |parallelism: usize| Queue {
            waiting: VecDeque::new(),
            unwanted: Vec::new(),
            parallelism: parallelism.max(1),
            jobs: 0,
            running: Running { count: 0, tasks: (parallelism <= TRACKED_WORKERS).then(Vec::new) },
        };
        Self {
            contents: Mutex::new(Contents {
                run: None,
                notifications: Vec::new(),
                inline: InlineQueue::new(),
                timers: BinaryHeap::new(),
                timers_set: 0,
                queues: parallelism.map(queue).collect(),
                driver_busy: false,
                waker: None,
                abandoned: HashMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }

    /// Delivers a notification, of a worker's own task perhaps.
    pub(super) fn deliver(&self, notification: Notification, lease: Option<Lease>) -> Delivery {
        let mut contents = self.lock();
        let abandoned = lease.is_some_and(|lease| contents.leave_body(lease));
        if contents.closed {
            let next = if abandoned { WorkerNext::Abandoned } else { WorkerNext::Done };
            return Delivery::Late(notification, next);
        }
        if contents.notifications.len() < MOST_DEFERRED
            && let Some(work) = lease.and_then(|lease| contents.next_if_deferrable(lease))
        {
            contents.notifications.push(notification);
            return Delivery::Left(WorkerNext::Continue(work));
        }
        if let Some(run) = contents.run.take() {
            let earlier = std::mem::take(&mut contents.notifications);
            return Delivery::Acquired(run, earlier, notification);
        }
        contents.notifications.push(notification);
        Delivery::Left(contents.next_of(lease))
    }

    /// Puts work into the queues while the caller holds the run. Gives the new jobs, and what
    /// notifications there are.
    pub(super) fn hand_out(&self, outbox: &mut Outbox) -> (Vec<(u32, usize)>, Vec<Notification>) {
        let mut contents = self.lock();
        contents.enqueue(&mut outbox.pooled);
        (contents.new_jobs(), std::mem::take(&mut contents.notifications))
    }

    /// Releases the run, unless there are notifications for it: then the caller still holds it.
    pub(super) fn release(
        &self,
        run: Box<Run>,
        outbox: &mut Outbox,
        lease: Option<Lease>,
    ) -> Release {
        let mut contents = self.lock();
        contents.inline.append(&mut outbox.inline);
        for (at, task) in outbox.timers.drain(..) {
            contents.timers_set += 1;
            let order = contents.timers_set;
            let task = (task.step, task.attempt, task.item);
            contents.timers.push(Reverse(RetryTimer { at, order, task }));
        }
        outbox.wants_jobs |= !outbox.pooled.is_empty() || !outbox.abandoned.is_empty();
        contents.enqueue(&mut outbox.pooled);
        for (pool, task) in &outbox.abandoned {
            contents.queues[*pool as usize].running.remove(*task);
            contents.queues[*pool as usize].jobs -= 1;
            contents.count_abandoned(*task, 1);
        }
        if !contents.notifications.is_empty() {
            return Release::Held(run, std::mem::take(&mut contents.notifications));
        }
        let waiting = run.is_idle() || !contents.inline.is_empty() || !contents.timers.is_empty();
        contents.run = Some(run);
        let next = contents.next_of(lease);
        let jobs = if outbox.wants_jobs { contents.new_jobs() } else { Vec::new() };
        if waiting {
            self.notify(contents);
        }
        Release::Released(jobs, next)
    }

    /// Wakes whoever drives the run. A waker is the runtime's code, and may do anything.
    pub(super) fn notify(&self, mut contents: MutexGuard<'_, Contents>) {
        let waker = contents.waker.take();
        drop(contents);
        match waker {
            Some(waker) => waker.wake(),
            None => self.changed.notify_one(),
        }
    }

    /// A job's first work. Without any the job is done.
    pub(super) fn begin_job(&self, pool: u32) -> Option<Work> {
        let mut contents = self.lock();
        let queue = contents.queues.get_mut(pool as usize)?;
        let work = queue.next();
        if work.is_none() {
            queue.jobs -= 1;
        }
        work
    }

    /// A job was dropped. Gives its work; that of the whole queue if it was the pool's only job.
    pub(super) fn drop_job(&self, pool: u32) -> Vec<Work> {
        let mut contents = self.lock();
        let Some(queue) = contents.queues.get_mut(pool as usize) else { return Vec::new() };
        queue.jobs -= 1;
        let lost = if queue.jobs == 0 { queue.waiting.len() } else { 1 };
        queue.waiting.drain(..lost.min(queue.waiting.len())).collect()
    }

    /// The driver's work on another thread is over. Says whether the run is too.
    pub(super) fn driver_returns(&self) -> bool {
        let mut contents = self.lock();
        std::mem::take(&mut contents.driver_busy) && contents.closed
    }

    /// A body that was abandoned has ended.
    pub(super) fn abandoned_ended(&self, task: Task) {
        self.lock().count_abandoned(task, -1);
    }

    /// The tasks whose bodies run on although nobody waits for them.
    pub(super) fn abandoned(&self) -> Vec<Task> {
        let contents = self.lock();
        let running = contents.abandoned.iter().filter(|(_, count)| **count > 0);
        running.map(|(task, _)| *task).collect()
    }
}

impl Contents {
    /// Ends the exchange; what is in the mailbox, or still comes, is discarded. Gives the pools
    /// whose workers still run bodies for this run, one by one.
    pub(super) fn close(mut contents: MutexGuard<'_, Self>) -> Vec<u32> {
        if std::mem::replace(&mut contents.closed, true) {
            return Vec::new();
        }
        let late = std::mem::take(&mut contents.notifications);
        let mut abandoned_by = Vec::new();
        let mut unwanted = Vec::new();
        let mut abandoned: Vec<Task> = Vec::new();
        for (pool, queue) in (0..).zip(&mut contents.queues) {
            unwanted.append(&mut queue.unwanted);
            unwanted.extend(queue.waiting.drain(..));
            abandoned_by.extend(std::iter::repeat_n(pool, queue.running.count));
            abandoned.extend(queue.running.tasks.iter().flatten().copied());
        }
        for task in abandoned {
            contents.count_abandoned(task, 1);
        }
        drop(contents);
        late.into_iter().for_each(crate::panic::drop_quietly);
        unwanted.into_iter().for_each(crate::panic::drop_quietly);
        abandoned_by
    }

    fn enqueue(&mut self, work: &mut Vec<(u32, Work)>) {
        for (pool, work) in work.drain(..) {
            self.queues[pool as usize].waiting.push_back(work);
        }
    }

    /// A worker has come out of a body. Says whether it was abandoned with the run.
    fn leave_body(&mut self, lease: Lease) -> bool {
        let closed = self.closed;
        if let Some(queue) = self.queues.get_mut(lease.pool as usize) {
            queue.running.remove(lease.task);
            if closed {
                queue.jobs -= 1;
            }
        }
        if closed {
            self.count_abandoned(lease.task, -1);
        }
        closed
    }

    fn count_abandoned(&mut self, task: Task, by: i32) {
        let count = self.abandoned.entry(task).or_default();
        *count += by;
        if *count == 0 {
            self.abandoned.remove(&task);
        }
    }

    fn next_if_deferrable(&mut self, lease: Lease) -> Option<Work> {
        if lease.deferrable { self.queues.get_mut(lease.pool as usize)?.next() } else { None }
    }

    fn next_of(&mut self, lease: Option<Lease>) -> WorkerNext {
        let Some(lease) = lease else { return WorkerNext::Done };
        let Some(queue) = self.queues.get_mut(lease.pool as usize) else {
            return WorkerNext::Done;
        };
        if !lease.renewable && !queue.waiting.is_empty() {
            return WorkerNext::Resubmit;
        }
        if let Some(work) = queue.next() {
            return WorkerNext::Continue(work);
        }
        queue.jobs -= 1;
        WorkerNext::Done
    }

    /// How many jobs each pool is to get, so that nothing waits that could run.
    fn new_jobs(&mut self) -> Vec<(u32, usize)> {
        let mut new = Vec::new();
        for (pool, queue) in (0..).zip(&mut self.queues) {
            let useful = queue.parallelism.min(queue.running.count + queue.waiting.len());
            let more = useful.saturating_sub(queue.jobs);
            if more > 0 {
                queue.jobs += more;
                new.push((pool, more));
            }
        }
        new
    }
}

impl Queue {
    /// The next work whose result is still wanted.
    fn next(&mut self) -> Option<Work> {
        loop {
            let work = self.waiting.pop_front()?;
            if work.start() {
                self.running.add(work.task);
                return Some(work);
            }
            self.unwanted.push(work);
        }
    }
}
