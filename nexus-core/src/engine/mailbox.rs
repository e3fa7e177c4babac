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
//! notifications takes its next work in the same moment, so that a chunk of short tasks costs one
//! lock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use super::chunk::Chunk;
use super::lease::{Hold, Lease, WorkerNext};
use super::queue::PoolQueue;
pub(super) use super::work::Outbox;
use super::work::{InlineQueue, Notification, PooledWork, Work};
use crate::cancel::Token;
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

/// So many notifications may wait.
const MOST_DEFERRED: usize = 64;

/// The run, which the caller holds now, and what it must be told.
pub(super) type Acquired = (Box<Run>, Vec<Notification>);

/// Pools, and how many jobs each is to get.
pub(super) type NewJobs = Vec<(u32, usize)>;

/// Who looks at the chunks now and then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watcher {
    Nobody,
    /// Whoever drives the run: was told that it is to, or does it while it waits.
    Driver,
    /// The engine's timer, which has one call for it.
    Timer,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Contents {
    /// The run, unless somebody holds it.
    pub(super) run: Option<Box<Run>>,
    pub(super) notifications: Vec<Notification>,
    pub(super) inline: InlineQueue,
    pub(super) timers: BinaryHeap<Reverse<RetryTimer>>,
    timers_set: u64,
    pub(super) queues: Vec<PoolQueue>,
    /// How much work was taken back from the queues for good.
    #[cfg(feature = "durable")]
    pub(super) withdrawn: usize,
    watcher: Watcher,
    /// The driving thread runs a body, and does not watch the timers.
    pub(super) driver_busy: bool,
    /// The task whose body that is in a recorded run, and since when by the clock's timestamps.
    #[cfg(feature = "durable")]
    pub(super) own_task: Option<(Task, Duration)>,
    /// The driving thread waits for [`Exchange::changed`]. To notify nobody takes a system call.
    pub(super) driver_sleeps: bool,
    /// The driving thread does tasks of a pool, and lends the run meanwhile.
    pub(super) visiting: bool,
    /// The driver's work goes on on another thread, and its pool was told not to wait for it.
    driver_abandoned: bool,
    /// Called instead of the condition, where a future drives the run.
    pub(super) waker: Option<Waker>,
    /// A future drives the run. Nobody knows when it is polled, so it is not it that looks.
    pub(super) is_driven_by_future: bool,
    /// That future is polled by one of the engine's drivers.
    #[cfg(feature = "durable")]
    pub(super) has_driver: bool,
    /// Tasks that were abandoned, and whose bodies still run. A body may end before it is noted
    /// here that it was abandoned; hence numbers, and below zero for a moment.
    abandoned: BTreeMap<Task, i32>,
    /// The run is over: whatever still comes is discarded.
    pub(super) closed: bool,
}

/// What came of the attempt to release a run.
pub(super) enum Release {
    /// There are notifications; the caller still holds the run.
    Held(Box<Run>, Vec<Notification>),
    /// Pools that get so many new jobs, what the caller does if it is a worker, and whether it has to
    /// set the timer that looks at the chunks, since the driver cannot.
    Released { jobs: NewJobs, next: WorkerNext, sets_timer: bool },
}

/// What became of a notification.
pub(super) enum Delivery {
    /// The caller holds the run now, and must tell it all that it finds in place of what it
    /// delivered, in order.
    Acquired(Box<Run>),
    /// The run's holder will see to it.
    Left(WorkerNext),
    /// The run is over. The notifications are still the caller's, to be dropped outside of the lock.
    Late(WorkerNext),
}

/// The mailbox of a run. Most small runs end where they began, and never need one; so it is made
/// with its first use, unless there are pools to be asked.
pub(super) struct Mailbox(OnceLock<Box<Exchange>>);

/// What the run's holder and the others share.
pub(super) struct Exchange {
    contents: Mutex<Contents>,
    /// The driving thread waits here.
    pub(super) changed: Condvar,
    /// Counts how often it was woken.
    pub(super) notices: AtomicU32,
}

impl Mailbox {
    /// The mailbox of a run that the caller holds, with the parallelism of its pools, on a machine of
    /// so many processors.
    #[inline]
    pub(super) fn new(
        parallelism: impl ExactSizeIterator<Item = usize>,
        processors: impl FnOnce() -> usize,
    ) -> Self {
        if parallelism.len() == 0 {
            return Self(OnceLock::new());
        }
        let processors = processors();
        let queues = parallelism.map(|jobs| PoolQueue::new(jobs, processors)).collect();
        Self(OnceLock::from(Box::new(Exchange::new(queues))))
    }

    pub(super) fn exchange(&self) -> &Exchange {
        self.0.get_or_init(|| Box::new(Exchange::new(Vec::new())))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Contents> {
        lock(&self.exchange().contents)
    }

    /// Delivers notifications, of a worker's own tasks perhaps. They are moved out of their memory,
    /// which the caller can use again: a thread writes faster where it has written before.
    pub(super) fn deliver(
        &self,
        notifications: &mut Vec<Notification>,
        lease: Option<Lease<'_>>,
    ) -> Delivery {
        let mut contents = self.lock();
        let abandoned = lease.is_some_and(|lease| contents.leave_body(lease));
        if contents.closed {
            let next = if abandoned { WorkerNext::Abandoned } else { WorkerNext::Done };
            return Delivery::Late(next);
        }
        let may_wait = contents.notifications.len() < MOST_DEFERRED;
        contents.notifications.append(notifications);
        if may_wait
            && let Some(lease) = lease.filter(|lease| lease.deferrable)
            && let Some(next) = contents.take_more(lease)
        {
            return Delivery::Left(next);
        }
        match contents.run.take() {
            Some(run) => {
                std::mem::swap(&mut contents.notifications, notifications);
                Delivery::Acquired(run)
            }
            None => Delivery::Left(contents.next_of(lease)),
        }
    }

    /// Puts work into the queues while the caller holds the run. Gives the new jobs, and what
    /// notifications there are, in exchange for an empty list.
    pub(super) fn hand_out(&self, outbox: &mut Outbox, ended: &mut Vec<Notification>) -> NewJobs {
        let mut contents = self.lock();
        if contents.closed {
            return NewJobs::new();
        }
        contents.enqueue(&mut outbox.pooled);
        std::mem::swap(&mut contents.notifications, ended);
        contents.new_jobs()
    }

    /// Releases the run, unless there are notifications for it: then the caller still holds it.
    pub(super) fn release(
        &self,
        run: Box<Run>,
        outbox: &mut Outbox,
        lease: Option<Lease<'_>>,
    ) -> Release {
        let mut contents = self.lock();
        if contents.closed {
            drop(contents);
            // The future that drove the run is gone. Closing has seen to the bodies that run on.
            crate::panic::drop_quietly((run, std::mem::take(outbox)));
            return Release::Released {
                jobs: Vec::new(),
                next: WorkerNext::Done,
                sets_timer: false,
            };
        }
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
            contents.queues[*pool as usize].abandon(*task);
            contents.count_abandoned(*task, 1);
        }
        if !contents.notifications.is_empty() {
            return Release::Held(run, std::mem::take(&mut contents.notifications));
        }
        let waiting = run.is_idle() || !contents.inline.is_empty() || !contents.timers.is_empty();
        contents.run = Some(run);
        let next = contents.next_of(lease);
        let wants_jobs = std::mem::take(&mut outbox.wants_jobs);
        let jobs = if wants_jobs { contents.new_jobs() } else { Vec::new() };
        let unwatched = contents.watcher == Watcher::Nobody && contents.needs_watch();
        let cannot_look = contents.driver_busy || contents.is_driven_by_future;
        let sets_timer = unwatched && cannot_look && contents.timer_watches();
        let tell = unwatched && !sets_timer;
        if tell {
            contents.watcher = Watcher::Driver;
        }
        if waiting || tell {
            self.notify(contents);
        }
        Release::Released { jobs, next, sets_timer }
    }

    /// A job's first work for an executor that runs it in its own way. Without any the job is done.
    pub(super) fn claim(&self, pool: u32) -> Option<Work> {
        self.lock().queues.get_mut(pool as usize)?.claim()
    }

    /// A job's first tasks for an executor that runs several of them in its own way, and the job's
    /// number. Without any the job is done.
    #[cfg(feature = "wire")]
    pub(super) fn claim_together(&self, pool: u32, most: usize) -> Option<(u32, Vec<Work>)> {
        self.lock().queues.get_mut(pool as usize)?.claim_together(most)
    }

    /// More tasks of the same job.
    #[cfg(feature = "wire")]
    pub(super) fn claim_more(&self, pool: u32, job: u32, most: usize) -> Vec<Work> {
        let mut contents = self.lock();
        let queue = contents.queues.get_mut(pool as usize);
        queue.map(|queue| queue.claim_more(job, most)).unwrap_or_default()
    }

    /// Work that was claimed together with other work has not begun, and somebody else may do it.
    /// Gives how many new jobs the pool is to get for it; the work itself if the run is over.
    #[cfg(feature = "wire")]
    pub(super) fn give_back(&self, pool: u32, work: Vec<Work>) -> Result<usize, Vec<Work>> {
        let mut contents = self.lock();
        if contents.closed {
            for work in &work {
                contents.count_abandoned(work.task, -1);
            }
            return Err(work);
        }
        let Some(queue) = contents.queues.get_mut(pool as usize) else { return Ok(0) };
        queue.give_back(work);
        Ok(queue.new_jobs())
    }

    /// A job's first work for a thread, `most` tasks at most. Without any the job is done.
    pub(super) fn begin_chunk(&self, pool: u32, most: usize) -> Option<Arc<Chunk>> {
        self.lock().queues.get_mut(pool as usize)?.begin_chunk(most)
    }

    /// Puts a claimed task into a chunk, together with others of its body; gives it back if the run
    /// is over.
    pub(super) fn chunk_of(&self, pool: u32, work: Work, most: usize) -> Result<Arc<Chunk>, Work> {
        let mut contents = self.lock();
        if contents.closed {
            return Err(work);
        }
        Ok(contents.queues[pool as usize].chunk_of(work, most))
    }

    /// The body of a chunk's task waits. Puts the rest of the chunk back into the queue, and outcomes
    /// `aside` if that is given. Gives the run, and what it must be told, if nobody holds it.
    pub(super) fn go_apart(
        &self,
        pool: u32,
        chunk: &Chunk,
        task: Task,
        token: &Arc<Token>,
        aside: Option<&mut Vec<Notification>>,
    ) -> Option<Acquired> {
        let mut contents = self.lock();
        if contents.closed {
            drop(contents);
            token.raise();
            return None;
        }
        let Contents { queues, notifications, run, .. } = &mut *contents;
        let done = aside.unwrap_or(&mut *notifications);
        queues[pool as usize].go_apart(chunk, task, done);
        notifications.push(Notification::Waits(task, Arc::clone(token)));
        run.take().map(|run| (run, std::mem::take(notifications)))
    }

    /// Takes back what does not move in the chunks. Gives the pools that get so many new jobs, and
    /// the run with its notifications, if there are any and nobody holds it.
    pub(super) fn look(&self) -> (NewJobs, Option<Acquired>) {
        let mut contents = self.lock();
        let Contents { queues, notifications, run, .. } = &mut *contents;
        for queue in queues {
            queue.look(notifications);
        }
        let acquired = if notifications.is_empty() { None } else { run.take() };
        let acquired = acquired.map(|run| (run, std::mem::take(notifications)));
        (contents.new_jobs(), acquired)
    }

    /// The same, but gives what the chunks have done instead of leaving it for the run.
    pub(super) fn look_aside(&self) -> (NewJobs, Vec<Notification>) {
        let mut contents = self.lock();
        let mut found = Vec::new();
        for queue in &mut contents.queues {
            queue.look(&mut found);
        }
        (contents.new_jobs(), found)
    }

    /// How many more jobs a pool is to get: a worker that has one waits for something else.
    pub(super) fn new_jobs_of(&self, pool: u32) -> usize {
        self.lock().queues.get_mut(pool as usize).map_or(0, PoolQueue::new_jobs)
    }

    /// A job was dropped. Gives its work; that of the whole queue if it was the pool's only job.
    pub(super) fn drop_job(&self, pool: u32) -> Vec<Work> {
        let mut contents = self.lock();
        contents.queues.get_mut(pool as usize).map(PoolQueue::drop_job).unwrap_or_default()
    }

    /// Whether a task of the driver's may still begin on another thread: the run is not over and, if
    /// nobody holds it, wants the task.
    pub(super) fn may_begin(&self, task: Task) -> bool {
        let contents = self.lock();
        !contents.closed && contents.run.as_ref().is_none_or(|run| run.is_wanted(task))
    }

    /// The driver's work on another thread is over. Says whether it was abandoned.
    pub(super) fn driver_returns(&self) -> bool {
        let mut contents = self.lock();
        contents.driver_busy = false;
        std::mem::take(&mut contents.driver_abandoned)
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

impl Exchange {
    fn new(queues: Vec<PoolQueue>) -> Self {
        Self {
            contents: Mutex::new(Contents {
                run: None,
                notifications: Vec::new(),
                inline: InlineQueue::default(),
                timers: BinaryHeap::new(),
                timers_set: 0,
                queues,
                #[cfg(feature = "durable")]
                withdrawn: 0,
                watcher: Watcher::Nobody,
                driver_busy: false,
                #[cfg(feature = "durable")]
                own_task: None,
                driver_sleeps: false,
                visiting: false,
                driver_abandoned: false,
                waker: None,
                is_driven_by_future: false,
                #[cfg(feature = "durable")]
                has_driver: false,
                abandoned: BTreeMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
            notices: AtomicU32::new(0),
        }
    }
}

impl Contents {
    /// Ends the exchange; what is in the mailbox, or still comes, is discarded. Gives the pools
    /// whose workers still run bodies for this run, one by one.
    pub(super) fn close(mut contents: MutexGuard<'_, Self>) -> Vec<u32> {
        if std::mem::replace(&mut contents.closed, true) {
            return Vec::new();
        }
        let mut late = std::mem::take(&mut contents.notifications);
        let mut abandoned_by = Vec::new();
        let mut unwanted = Vec::new();
        for pool in 0..contents.queues.len() {
            let left = contents.queues[pool].close();
            unwanted.extend(left.unwanted);
            late.extend(left.late);
            abandoned_by.extend(std::iter::repeat_n(pool as u32, left.bodies));
            left.tasks.into_iter().for_each(|task| contents.count_abandoned(task, 1));
        }
        drop(contents);
        late.into_iter().for_each(Notification::discard);
        unwanted.into_iter().for_each(crate::panic::drop_quietly);
        abandoned_by
    }

    /// Nobody waits any more for the driver's work on another thread. Says whether there is any.
    pub(super) fn abandon_driver(&mut self) -> bool {
        self.driver_abandoned = self.driver_busy;
        self.driver_busy
    }

    fn enqueue(&mut self, work: &mut PooledWork) {
        work.drain(|pool, work| self.queues[pool as usize].append(work));
    }

    /// A worker has come out of a body. Says whether it was abandoned with the run.
    pub(super) fn leave_body(&mut self, lease: Lease<'_>) -> bool {
        let Some(queue) = self.queues.get_mut(lease.pool as usize) else { return false };
        match lease.hold {
            Hold::Task(task) => queue.leave_task(task),
            Hold::Together(job, tasks) => queue.leave_together(job, tasks),
            Hold::Chunk(..) => {}
        }
        if !self.closed {
            return false;
        }
        let of_chunk;
        let abandoned = match &lease.hold {
            Hold::Together(job, tasks) => {
                queue.leave_job(*job);
                tasks
            }
            Hold::Task(task) => {
                queue.end_job();
                std::slice::from_ref(task)
            }
            Hold::Chunk(chunk, _) => {
                queue.end_job();
                of_chunk = chunk.take_abandoned();
                of_chunk.as_slice()
            }
        };
        for task in abandoned {
            self.count_abandoned(*task, -1);
        }
        !abandoned.is_empty()
    }

    fn count_abandoned(&mut self, task: Task, by: i32) {
        let count = self.abandoned.entry(task).or_default();
        *count += by;
        if *count == 0 {
            self.abandoned.remove(&task);
        }
    }

    /// More work for a worker that stays.
    fn take_more(&mut self, lease: Lease<'_>) -> Option<WorkerNext> {
        let queue = self.queues.get_mut(lease.pool as usize)?;
        match lease.hold {
            Hold::Task(_) => queue.next_claim().map(WorkerNext::Continue),
            // It asks for more by itself, before it delivers.
            Hold::Together(..) => None,
            Hold::Chunk(chunk, most) => queue.fill(chunk, most).then_some(WorkerNext::Refilled),
        }
    }

    pub(super) fn next_of(&mut self, lease: Option<Lease<'_>>) -> WorkerNext {
        let Some(lease) = lease else { return WorkerNext::Done };
        if lease.renewable
            && let Some(next) = self.take_more(lease)
        {
            return next;
        }
        let Some(queue) = self.queues.get_mut(lease.pool as usize) else {
            return WorkerNext::Done;
        };
        match lease.hold {
            Hold::Chunk(chunk, _) => queue.leave_chunk(chunk),
            Hold::Task(_) => {}
            Hold::Together(job, _) if queue.take_job(job) => {}
            Hold::Together(..) => return WorkerNext::Done,
        }
        if !queue.is_empty() {
            return WorkerNext::Resubmit;
        }
        queue.end_job();
        WorkerNext::Done
    }

    /// Whether somebody has to look at the chunks now and then.
    fn needs_watch(&self) -> bool {
        // With nobody who holds the run, notifications wait for a worker that has more.
        let deferred = self.run.is_some() && !self.notifications.is_empty();
        // The model checker has no time that passes.
        let needs = || deferred || self.visiting || self.queues.iter().any(PoolQueue::needs_watch);
        !cfg!(shuttle) && needs()
    }

    /// The driver is about to wait. Says whether it has to look meanwhile.
    pub(super) fn driver_watches(&mut self) -> bool {
        if self.watcher != Watcher::Timer {
            self.watcher = if self.needs_watch() { Watcher::Driver } else { Watcher::Nobody };
        }
        self.watcher == Watcher::Driver
    }

    /// The driver cannot look. Says whether the timer is to be set, which it is once at most.
    pub(super) fn timer_watches(&mut self) -> bool {
        if self.watcher == Watcher::Timer {
            return false;
        }
        self.timer_looked()
    }

    /// The timer has called. Says whether it is to be set again.
    pub(super) fn timer_looked(&mut self) -> bool {
        let again = self.needs_watch();
        self.watcher = if again { Watcher::Timer } else { Watcher::Nobody };
        again
    }

    /// How many jobs each pool is to get, so that nothing waits that could run.
    pub(super) fn new_jobs(&mut self) -> NewJobs {
        let queues = (0..).zip(&mut self.queues);
        let new = queues.map(|(pool, queue)| (pool, queue.new_jobs()));
        new.filter(|(_, jobs)| *jobs > 0).collect()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use crate::engine::mailbox::{Contents, Mailbox};

    #[test]
    fn the_drivers_pool_gets_back_just_what_was_abandoned() {
        let busy = || {
            let mailbox = Mailbox::new(std::iter::empty(), || 1);
            mailbox.lock().driver_busy = true;
            assert!(Contents::close(mailbox.lock()).is_empty());
            mailbox
        };
        let abandoned = busy();
        assert!(abandoned.lock().abandon_driver());
        assert!(abandoned.driver_returns());
        // Its work may end between the end of the run and that of the future.
        let returned = busy();
        assert!(!returned.driver_returns());
        assert!(!returned.lock().abandon_driver());
    }
}
