//! Who holds the run, and what waits for whom.
//!
//! A run is advanced by whoever has news of it: the thread that drives it, or a worker that has
//! finished one of its tasks. Only one of them can hold the run at a time. The others leave their
//! news in the inbox and go on with other work; the holder reads the inbox before it puts the run
//! back. The lock is held for a few instructions, never while user code runs.
//!
//! What the run wants done is kept here until somebody has time: turns of the driving thread, and
//! for each pool a queue of work. An executor is given no work but *jobs*, each the right to take
//! from such a queue, and no more of them than it has use for. A worker that brings its news takes
//! its next work in the same moment, so that a task costs two short locks and no allocation.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::task::Waker;
use std::time::Duration;

use super::task::Work;
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::run::{Halt, Run, Task};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};
use crate::value::Value;

/// Something that happened to a run.
pub(super) enum News {
    Completed { task: Task, outcome: TaskOutcome, busy: Duration, at: Duration },
    Checked { step: u32, answer: Result<Bypass<Value>, Exception> },
    Woken(Task),
    TimedOut { task: Task, at: Duration },
    Halted(Halt),
}

/// A piece of work: for the thread that drives the run, or for a pool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Check(u32),
    Task(Task),
}

impl Turn {
    pub(super) fn task(self) -> Task {
        match self {
            Self::Check(step) => Task { step, attempt: 1, item: None },
            Self::Task(task) => task,
        }
    }
}

/// A wait before a retry, until a time of the engine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Duration,
    /// Tells timers of the same instant apart, in the order in which they were set.
    pub(super) order: u64,
    task: TaskKey,
}

impl Timer {
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
    breadth: usize,
    /// The jobs that it has, those whose work is running included.
    jobs: usize,
    running: Running,
}

/// The work that a pool is running. Only executors with few workers are asked what still runs.
struct Running {
    count: usize,
    named: Option<Vec<Task>>,
}

impl Running {
    fn add(&mut self, task: Task) {
        self.count += 1;
        if let Some(named) = &mut self.named {
            named.push(task);
        }
    }

    fn remove(&mut self, task: Task) {
        self.count -= 1;
        if let Some(named) = &mut self.named
            && let Some(at) = named.iter().position(|it| *it == task)
        {
            named.swap_remove(at);
        }
    }
}

/// An executor of more workers than this is asked for numbers only.
const NAMED_UP_TO: usize = 1024;

/// A worker that has finished `task` of a queue.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub(super) pool: u32,
    pub(super) task: Task,
    /// Whether it would go on with the next one.
    pub(super) stays: bool,
    /// Whether its news may wait until somebody has more.
    pub(super) patient: bool,
}

/// So much news may wait.
const MOST_WAITING: usize = 64;

/// What a worker does after it has brought its news.
pub(super) enum After {
    /// It goes on with this.
    Next(Work),
    /// It hands its job back to the executor: there is more to do.
    Again,
    /// Its job is done.
    Leave,
    /// It was given up meanwhile, job and all.
    GivenUp,
}

pub(super) struct Slot {
    /// The run, unless somebody holds it.
    pub(super) run: Option<Box<Run>>,
    news: Vec<News>,
    pub(super) turns: VecDeque<Turn>,
    pub(super) timers: BinaryHeap<Reverse<Timer>>,
    timers_set: u64,
    queues: Vec<Queue>,
    /// The driving thread runs a body, and does not watch the timers.
    pub(super) away: bool,
    /// Called instead of the condition, where a future drives the run.
    pub(super) waker: Option<Waker>,
    /// Tasks that were given up, and whose bodies still run. A body may end before it is noted
    /// here that it was given up; hence numbers, and below zero for a moment.
    stuck: HashMap<Task, i32>,
    /// The run is over: whatever still comes is discarded.
    closed: bool,
}

/// What a holder found to be done outside of the run.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) turns: Vec<Turn>,
    pub(super) timers: Vec<(Duration, Task)>,
    pub(super) work: Vec<(u32, Work)>,
    /// Tasks whose bodies cannot be ended, with their pools.
    pub(super) given_up: Vec<(u32, Task)>,
    /// Whether a pool may have use for more jobs.
    wants_jobs: bool,
}

/// What a run is put back with, or not.
pub(super) enum PutBack {
    /// There was news; the caller still holds the run.
    Held(Box<Run>, Vec<News>),
    /// Pools that get so many new jobs, and what the caller does if it is a worker.
    Done(Vec<(u32, usize)>, After),
}

/// What became of news.
pub(super) enum Brought {
    /// The caller holds the run now, and must tell it what came before, and then its own news.
    Run(Box<Run>, Vec<News>, News),
    /// The run's holder will see to it.
    Left(After),
    /// The run is over. The news is to be dropped, outside of the lock.
    Late(News, After),
}

pub(super) struct Inbox {
    slot: Mutex<Slot>,
    /// The driving thread waits here.
    pub(super) changed: Condvar,
}

impl Inbox {
    /// An inbox whose run is held by the caller.
    pub(super) fn new(breadths: impl Iterator<Item = usize>) -> Self {
        let queue = |breadth: usize| Queue {
            waiting: VecDeque::new(),
            unwanted: Vec::new(),
            breadth: breadth.max(1),
            jobs: 0,
            running: Running { count: 0, named: (breadth <= NAMED_UP_TO).then(Vec::new) },
        };
        Self {
            slot: Mutex::new(Slot {
                run: None,
                news: Vec::new(),
                turns: VecDeque::new(),
                timers: BinaryHeap::new(),
                timers_set: 0,
                queues: breadths.map(queue).collect(),
                away: false,
                waker: None,
                stuck: HashMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        lock(&self.slot)
    }

    /// Brings news, of a worker's own task perhaps.
    pub(super) fn bring(&self, news: News, seat: Option<Seat>) -> Brought {
        let mut slot = self.lock();
        let given_up = seat.is_some_and(|seat| slot.leave_body(seat));
        if slot.closed {
            return Brought::Late(news, if given_up { After::GivenUp } else { After::Leave });
        }
        if slot.news.len() < MOST_WAITING
            && let Some(work) = seat.and_then(|seat| slot.next_for_patient(seat))
        {
            slot.news.push(news);
            return Brought::Left(After::Next(work));
        }
        if let Some(run) = slot.run.take() {
            return Brought::Run(run, std::mem::take(&mut slot.news), news);
        }
        slot.news.push(news);
        Brought::Left(slot.after(seat))
    }

    /// Puts work into the queues while the caller holds the run. Gives the new jobs, and what news
    /// there is.
    pub(super) fn hand_out(&self, outbox: &mut Outbox) -> (Vec<(u32, usize)>, Vec<News>) {
        let mut slot = self.lock();
        slot.queue(&mut outbox.work);
        (slot.new_jobs(), std::mem::take(&mut slot.news))
    }

    /// Puts the run back, unless there is news for it: then the caller still holds it.
    pub(super) fn put_back(
        &self,
        run: Box<Run>,
        outbox: &mut Outbox,
        seat: Option<Seat>,
    ) -> PutBack {
        let mut slot = self.lock();
        slot.turns.extend(outbox.turns.drain(..));
        for (at, task) in outbox.timers.drain(..) {
            slot.timers_set += 1;
            let order = slot.timers_set;
            let task = (task.step, task.attempt, task.item);
            slot.timers.push(Reverse(Timer { at, order, task }));
        }
        outbox.wants_jobs |= !outbox.work.is_empty() || !outbox.given_up.is_empty();
        slot.queue(&mut outbox.work);
        for (pool, task) in &outbox.given_up {
            slot.queues[*pool as usize].running.remove(*task);
            slot.queues[*pool as usize].jobs -= 1;
            slot.count_stuck(*task, 1);
        }
        if !slot.news.is_empty() {
            return PutBack::Held(run, std::mem::take(&mut slot.news));
        }
        let waiting = run.is_idle() || !slot.turns.is_empty() || !slot.timers.is_empty();
        slot.run = Some(run);
        let after = slot.after(seat);
        let jobs = if outbox.wants_jobs { slot.new_jobs() } else { Vec::new() };
        if waiting {
            self.notify(slot);
        }
        PutBack::Done(jobs, after)
    }

    /// Wakes whoever drives the run. A waker is the runtime's code, and may do anything.
    pub(super) fn notify(&self, mut slot: MutexGuard<'_, Slot>) {
        let waker = slot.waker.take();
        drop(slot);
        match waker {
            Some(waker) => waker.wake(),
            None => self.changed.notify_one(),
        }
    }

    /// A job's first work. Without any the job is done.
    pub(super) fn begin(&self, pool: u32) -> Option<Work> {
        let mut slot = self.lock();
        let queue = slot.queues.get_mut(pool as usize)?;
        let work = queue.next();
        if work.is_none() {
            queue.jobs -= 1;
        }
        work
    }

    /// A job was lost. Gives its work; that of the whole queue if it was the pool's only job.
    pub(super) fn lose(&self, pool: u32) -> Vec<Work> {
        let mut slot = self.lock();
        let Some(queue) = slot.queues.get_mut(pool as usize) else { return Vec::new() };
        queue.jobs -= 1;
        let lost = if queue.jobs == 0 { queue.waiting.len() } else { 1 };
        queue.waiting.drain(..lost.min(queue.waiting.len())).collect()
    }

    /// The driver's turn on another thread is over. Says whether the run is too.
    pub(super) fn come_back(&self) -> bool {
        let mut slot = self.lock();
        std::mem::take(&mut slot.away) && slot.closed
    }

    /// A body that was given up has ended.
    pub(super) fn unstick(&self, task: Task) {
        self.lock().count_stuck(task, -1);
    }

    /// The tasks whose bodies run on although nobody waits for them.
    pub(super) fn stuck(&self) -> Vec<Task> {
        self.lock().stuck.iter().filter(|(_, count)| **count > 0).map(|(task, _)| *task).collect()
    }
}

impl Slot {
    /// Ends the exchange; what is in the inbox, or still comes, is discarded. Gives the pools
    /// whose workers still run bodies for this run, one by one.
    pub(super) fn close(mut slot: MutexGuard<'_, Self>) -> Vec<u32> {
        if std::mem::replace(&mut slot.closed, true) {
            return Vec::new();
        }
        let late = std::mem::take(&mut slot.news);
        let mut given_up = Vec::new();
        let mut unwanted = Vec::new();
        let mut stuck: Vec<Task> = Vec::new();
        for (pool, queue) in (0..).zip(&mut slot.queues) {
            unwanted.append(&mut queue.unwanted);
            unwanted.extend(queue.waiting.drain(..));
            given_up.extend(std::iter::repeat_n(pool, queue.running.count));
            stuck.extend(queue.running.named.iter().flatten().copied());
        }
        for task in stuck {
            slot.count_stuck(task, 1);
        }
        drop(slot);
        late.into_iter().for_each(crate::panic::drop_quietly);
        unwanted.into_iter().for_each(crate::panic::drop_quietly);
        given_up
    }

    fn queue(&mut self, work: &mut Vec<(u32, Work)>) {
        for (pool, work) in work.drain(..) {
            self.queues[pool as usize].waiting.push_back(work);
        }
    }

    /// A worker has come out of a body. Says whether it was given up with the run.
    fn leave_body(&mut self, seat: Seat) -> bool {
        let closed = self.closed;
        if let Some(queue) = self.queues.get_mut(seat.pool as usize) {
            queue.running.remove(seat.task);
            if closed {
                queue.jobs -= 1;
            }
        }
        if closed {
            self.count_stuck(seat.task, -1);
        }
        closed
    }

    fn count_stuck(&mut self, task: Task, by: i32) {
        let count = self.stuck.entry(task).or_default();
        *count += by;
        if *count == 0 {
            self.stuck.remove(&task);
        }
    }

    fn next_for_patient(&mut self, seat: Seat) -> Option<Work> {
        if seat.patient { self.queues.get_mut(seat.pool as usize)?.next() } else { None }
    }

    fn after(&mut self, seat: Option<Seat>) -> After {
        let Some(seat) = seat else { return After::Leave };
        let Some(queue) = self.queues.get_mut(seat.pool as usize) else { return After::Leave };
        if !seat.stays && !queue.waiting.is_empty() {
            return After::Again;
        }
        if let Some(work) = queue.next() {
            return After::Next(work);
        }
        queue.jobs -= 1;
        After::Leave
    }

    /// How many jobs each pool is to get, so that nothing waits that could run.
    fn new_jobs(&mut self) -> Vec<(u32, usize)> {
        let mut new = Vec::new();
        for (pool, queue) in (0..).zip(&mut self.queues) {
            let useful = queue.breadth.min(queue.running.count + queue.waiting.len());
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
                self.running.add(work.task());
                return Some(work);
            }
            self.unwanted.push(work);
        }
    }
}
