//! A pool of named threads over crossbeam's work-stealing deques.
//!
//! # How a job finds a worker
//!
//! A job submitted from outside goes to the injector, one submitted by a worker to that worker's
//! own deque. A worker takes from its own deque, then from the injector, then from the others'.
//!
//! A worker that finds nothing takes the lock, looks once more, and sleeps. Whoever submits first
//! pushes and then takes the lock. So either the submitter sees the sleeper and wakes it, or the
//! worker's second look sees the job: no wake-up is lost. Each wake-up is a signal that one
//! sleeper consumes, so several submissions wake several workers.
//!
//! Sleep and wake-up take longer than many a pause between two jobs, so a worker searches for a
//! moment before it sleeps. While one does, nobody is woken. Any worker that takes a job while there
//! are others wakes another worker for them, unless one searches, as if they were submitted then: a
//! searcher can miss a job that is on its way from the injector to a deque, and so is in neither.
//!
//! A job is the right to run tasks of one run. A worker runs a few short ones before it puts the
//! job at the end of the queue, so that runs take turns; and a run asks for no more jobs at a time
//! than there are workers, so that none has to wait behind all the tasks of another.
//!
//! # Visitors
//!
//! A thread that drives a run may do some of its short tasks itself, in place of a worker
//! (`visitor.rs`): only while there is a place that no worker needs, and nobody is woken for a place
//! that a visitor has. It wakes a worker when it goes, if there is work. A worker that searches has no
//! place: one that finds a job while a visitor has its place puts it back, and sleeps.
//!
//! # Workers that wait
//!
//! An event may run another pipeline, and so wait inside a worker for jobs of this very pool. While
//! it waits ([`while_blocked`]) a *spare* may run in its place: an extra thread that takes jobs
//! from the injector and from the others' deques until there are none, or until there are no more
//! waiting workers than spares. So nesting cannot exhaust the pool, whatever its size, and a
//! thread that waits inside user code never runs other user code on its stack.
//!
//! A body that outlived its timeout cannot be ended: threads have no such thing. Its worker counts
//! as one that waits, until the body returns by itself; `shutdown` does not wait for it.

#![cfg_attr(
    not(shuttle),
    expect(clippy::missing_const_for_thread_local, reason = "shuttle's macro has no such form")
)]

mod visitor;
mod worker;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use crossbeam::deque::{Injector, Stealer, Worker};

use super::{ConfigError, Executor, ExecutorInitializerConfig, Job};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, thread_local, wait};

thread_local! {
    /// The pool that this thread works for.
    static CURRENT: RefCell<Option<Current>> = RefCell::new(None);
}

/// Runs tasks on named threads (tutorial, "Using Thread Pool Executor").
///
/// Threads start when there is work for them. Settings: `max_workers` (default: the machine's
/// processors), `max_tasks_per_child` (the thread ends after so many tasks and a new one takes its
/// place), `thread_name_prefix` and `stack_size`.
pub struct ThreadPoolExecutor {
    shared: Arc<Shared>,
}

struct Shared {
    injector: Injector<Job>,
    stealers: Box<[Stealer<Job>]>,
    max_tasks: usize,
    prefix: String,
    stack_size: Option<usize>,
    /// Nobody can have said how its threads are to be.
    has_visitors: bool,
    state: Mutex<State>,
    /// Sleepers wait here for a signal.
    work: Condvar,
    /// `shutdown` waits here for the last worker.
    ended: Condvar,
}

struct State {
    /// The deques of workers that are not running, by their place among the stealers.
    vacant: Vec<Slot>,
    live: isize,
    sleeping: usize,
    /// Workers that look again for a moment before they sleep.
    searching: usize,
    /// Wake-ups that no sleeper has consumed yet; never more than `sleeping`.
    signals: usize,
    /// Threads that drive runs, and work in place of a worker meanwhile.
    visitors: usize,
    /// How many threads were ever started.
    started: usize,
    /// Workers that wait inside user code, and the threads that stand in for them.
    /// (A body may end before it is known here that it was abandoned: hence signed.)
    blocked: isize,
    spares: isize,
    /// Of those that wait, the workers whose body was abandoned.
    abandoned: isize,
    closing: bool,
}

/// A worker's deque; it outlives the threads that sit there one after the other.
struct Slot(Worker<Job>);

impl ThreadPoolExecutor {
    /// A pool with this configuration.
    ///
    /// # Errors
    ///
    /// If a count is 0, or the prefix holds a NUL.
    pub fn new(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_default_workers(config, processors, false)
    }

    /// The engine's own pool: its tasks may wait for each other's resources, so there are a few
    /// more workers than processors.
    pub(crate) fn shared_pool() -> Result<Self, ConfigError> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let config = ExecutorInitializerConfig::new().thread_name_prefix("nexus-shared-");
        Self::with_default_workers(&config, processors + 4, true)
    }

    fn with_default_workers(
        config: &ExecutorInitializerConfig,
        default: usize,
        is_shared: bool,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let prefix = config.name_prefix().unwrap_or("nexus-").to_owned();
        // A worker takes a slot only when there is work for it, so a huge number costs little;
        // the bound keeps the list of slots itself small.
        let workers = config.workers().unwrap_or(default).min(MOST_WORKERS);
        let vacant: Vec<Slot> = (0..workers).map(|_| Slot(Worker::new_fifo())).collect();
        Ok(Self {
            shared: Arc::new(Shared {
                injector: Injector::new(),
                stealers: vacant.iter().map(|slot| slot.0.stealer()).collect(),
                max_tasks: config.tasks_per_child().unwrap_or(usize::MAX),
                prefix,
                stack_size: config.stack_bytes(),
                has_visitors: is_shared || !config.describes_threads(),
                state: Mutex::new(State {
                    vacant,
                    live: 0,
                    sleeping: 0,
                    searching: 0,
                    signals: 0,
                    visitors: 0,
                    started: 0,
                    blocked: 0,
                    spares: 0,
                    abandoned: 0,
                    closing: false,
                }),
                work: Condvar::new(),
                ended: Condvar::new(),
            }),
        })
    }

    /// How many threads this pool has started so far, replacements included.
    pub fn threads_started(&self) -> usize {
        lock(&self.shared.state).started
    }
}

/// More threads than this in one pool are refused by most systems anyway.
const MOST_WORKERS: usize = 1 << 15;

/// Calls `waiting`, which waits for work that may be this thread's own pool's to do.
pub(super) fn while_blocked<T>(waiting: impl FnOnce() -> T) -> T {
    let pool = CURRENT
        .with(|current| current.borrow().as_ref().and_then(|current| current.pool.upgrade()));
    let Some(pool) = pool else { return waiting() };
    pool.block();
    let result = waiting();
    lock(&pool.state).blocked -= 1;
    result
}

impl Executor for ThreadPoolExecutor {
    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::new(config)
    }

    fn submit(&self, job: Job) {
        let shared = &self.shared;
        let own = CURRENT.with(|current| {
            let current = current.borrow();
            current.as_ref().filter(|current| current.is_of(shared))?.deque.clone()
        });
        match own {
            Some(deque) => deque.push(job),
            None => shared.injector.push(job),
        }
        shared.wake_worker(lock(&shared.state));
    }

    fn parallelism(&self) -> usize {
        self.shared.stealers.len()
    }

    fn abandon(&self) {
        lock(&self.shared.state).abandoned += 1;
        self.shared.block();
        // Whoever waits for the last worker need not wait for this one.
        self.shared.ended.notify_all();
    }

    fn reclaim(&self) {
        let mut state = lock(&self.shared.state);
        state.abandoned -= 1;
        state.blocked -= 1;
    }

    fn visit(&self, work: &mut dyn FnMut() -> bool) -> bool {
        self.shared.visit(work)
    }

    fn shutdown(&self) {
        let shared = &self.shared;
        let mut state = lock(&shared.state);
        state.closing = true;
        shared.work.notify_all();
        // A worker that drops the last handle of its own engine must not wait for itself.
        let own = CURRENT
            .with(|current| current.borrow().as_ref().is_some_and(|current| current.is_of(shared)));
        while state.live + state.spares > isize::from(own) + state.abandoned {
            state = wait(&shared.ended, state);
        }
    }
}

/// A worker's pool, and its deque; a spare has none.
struct Current {
    pool: Weak<Shared>,
    deque: Option<Rc<Worker<Job>>>,
}

impl Current {
    fn is_of(&self, pool: &Arc<Shared>) -> bool {
        std::ptr::eq(self.pool.as_ptr(), Arc::as_ptr(pool))
    }
}

impl Shared {
    /// Gets a worker for a job that was just pushed: a sleeper, or a new thread.
    fn wake_worker(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.searching > 0 {
            return;
        }
        if state.visitors > 0 && self.is_full(&state) {
            // The visitor wakes somebody when it goes.
            self.start_spare(&mut state);
            return;
        }
        if state.sleeping > state.signals {
            state.signals += 1;
            self.work.notify_one();
            return;
        }
        let Some(slot) = state.vacant.pop() else {
            self.start_spare(&mut state);
            return;
        };
        if let Err(slot) = self.start_worker(&mut state, slot) {
            state.vacant.push(slot);
            if state.live == 0 {
                drop(state);
                self.drop_all_jobs();
            }
        }
    }

    /// The system gives no thread and no worker is there: dropping the jobs ends their tasks as
    /// lost, which is better than waiting for ever.
    fn drop_all_jobs(&self) {
        loop {
            match self.injector.steal() {
                crossbeam::deque::Steal::Success(job) => drop(job),
                crossbeam::deque::Steal::Empty => return,
                crossbeam::deque::Steal::Retry => {}
            }
        }
    }

    fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.stealers.iter().any(|deque| !deque.is_empty())
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor")
            .field("prefix", &self.shared.prefix)
            .field("max_workers", &self.shared.stealers.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
