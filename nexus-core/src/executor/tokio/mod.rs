//! Async events on a tokio runtime of their own.
//!
//! **Order.** A job waits in a queue until fewer than `max_concurrency` tasks run, first come, first
//! served. A task that ends makes room for the next. Where its end leads to more work of the same
//! run, the tokio task goes on with that, so that a chain costs no spawn a step.
//!
//! **Waiting inside.** A task that waits for a run of its own, which may need this executor too,
//! does not count while it waits ([`Blocked`]); a thread that does gives its place among the
//! runtime's workers away (`block_in_place`).
//!
//! **End.** The runtime is made for the first job and ends after the last one once `shutdown` was
//! called. Whoever finds it idle then ends it, without waiting for its threads: that may be one of
//! them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use tokio::runtime::{Builder, Handle, Runtime};

use super::{BodyKind, ConfigError, Executor, ExecutorInitializerConfig, Job};
use crate::panic;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait};

thread_local! {
    /// The executor whose runtime this thread belongs to.
    static OWNER: RefCell<Weak<Shared>> = const { RefCell::new(Weak::new()) };
}

/// Runs `async fn` events on tokio; they need not name it.
///
/// It has a runtime of its own, whose threads run nothing but async events, and it starts with the
/// first of them. Settings: `max_concurrency` (how many tasks are under way at once; default: no
/// limit), `max_workers` (the runtime's threads; default: the machine's processors),
/// `thread_name_prefix` and `stack_size`.
pub struct AsyncExecutor {
    shared: Arc<Shared>,
}

struct Shared {
    config: ExecutorInitializerConfig,
    max_concurrency: usize,
    state: Mutex<State>,
    /// `shutdown` waits here for the last task.
    idle: Condvar,
}

#[derive(Default)]
struct State {
    runtime: Option<Runtime>,
    queue: VecDeque<Job>,
    /// Tasks that have left the queue and not ended.
    running: usize,
    /// Those of them that wait for a run of their own.
    blocked: usize,
    closing: bool,
}

/// More threads than this help nobody, and each is started with the runtime.
const MOST_WORKERS: usize = 1 << 10;

impl AsyncExecutor {
    /// An executor with this configuration.
    ///
    /// # Errors
    ///
    /// If a count is 0, the prefix holds a NUL, or a key makes no sense for async tasks.
    pub fn new(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::check_config(config)?;
        Ok(Self {
            shared: Arc::new(Shared {
                config: config.clone(),
                max_concurrency: config.concurrency().unwrap_or(usize::MAX),
                state: Mutex::new(State::default()),
                idle: Condvar::new(),
            }),
        })
    }
}

impl Executor for AsyncExecutor {
    const RUNS: BodyKind = BodyKind::Async;

    fn check_config(config: &ExecutorInitializerConfig) -> Result<(), ConfigError> {
        config.check()?;
        if config.tasks_per_child().is_some() {
            let message = "`AsyncExecutor` replaces no threads: remove `max_tasks_per_child`";
            return Err(ConfigError::Other(message.to_owned()));
        }
        Ok(())
    }

    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::new(config)
    }

    fn submit(&self, job: Job) {
        let mut state = lock(&self.shared.state);
        if state.closing && state.is_idle() {
            drop(state);
            // It ends as lost, and what that leads to takes locks of its own.
            return drop(job);
        }
        state.queue.push_back(job);
        drop(state);
        self.shared.start_tasks();
    }

    fn parallelism(&self) -> usize {
        self.shared.max_concurrency
    }

    /// Where there is no runtime, the body finds this executor's.
    fn enter(&self, poll: &mut dyn FnMut()) {
        if Handle::try_current().is_ok() {
            return poll();
        }
        let handle = self.shared.runtime(&mut lock(&self.shared.state));
        let _inside = handle.as_ref().map(Handle::enter);
        poll();
    }

    fn shutdown(&self) {
        let shared = &self.shared;
        shared.close();
        // A task that drops the last handle of its own engine must not wait for itself.
        if shared.is_owner() {
            return;
        }
        let mut state = lock(&shared.state);
        while !state.is_idle() {
            state = wait(&shared.idle, state);
        }
    }
}

impl Drop for AsyncExecutor {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.queue.is_empty()
    }
}

impl Shared {
    /// Whether this is a thread of this executor's runtime.
    fn is_owner(&self) -> bool {
        OWNER.with_borrow(|owner| std::ptr::eq(owner.as_ptr(), self))
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.closing = true;
        self.end_if_idle(state);
    }

    fn end_if_idle(&self, mut state: MutexGuard<'_, State>) {
        if !state.closing || !state.is_idle() {
            return;
        }
        let runtime = state.runtime.take();
        drop(state);
        self.idle.notify_all();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }

    /// Starts the jobs that wait, as far as there is room.
    fn start_tasks(self: &Arc<Self>) {
        loop {
            let mut state = lock(&self.state);
            if state.running.saturating_sub(state.blocked) >= self.max_concurrency {
                return;
            }
            let Some(job) = state.queue.pop_front() else { return };
            let Some(handle) = self.runtime(&mut state) else {
                drop(state);
                // It ends as lost, which is better than waiting for ever.
                drop(job);
                self.end_if_idle(lock(&self.state));
                continue;
            };
            state.running += 1;
            drop(state);
            handle.spawn(work(Running(Arc::clone(self)), job));
        }
    }

    /// The runtime, made if need be; `None` if the system has no threads for one.
    fn runtime(self: &Arc<Self>, state: &mut State) -> Option<Handle> {
        if state.runtime.is_none() {
            let owner = Arc::downgrade(self);
            // Tokio panics where the system gives it no thread.
            state.runtime = panic::contain(|| build(&self.config, owner)).ok()?.ok();
        }
        Some(state.runtime.as_ref()?.handle().clone())
    }
}

fn build(config: &ExecutorInitializerConfig, owner: Weak<Shared>) -> std::io::Result<Runtime> {
    let prefix = config.name_prefix().unwrap_or("nexus-async-").to_owned();
    let started = AtomicUsize::new(0);
    let mut builder = Builder::new_multi_thread();
    builder
        .enable_all()
        // Threads for tasks that wait inside, and for `spawn_blocking`; started as they are needed.
        .max_blocking_threads(1 << 15)
        .thread_name_fn(move || format!("{prefix}{}", started.fetch_add(1, Ordering::Relaxed)))
        .on_thread_start(move || OWNER.set(owner.clone()));
    if let Some(workers) = config.workers() {
        builder.worker_threads(workers.min(MOST_WORKERS));
    }
    if let Some(bytes) = config.stack_bytes() {
        builder.thread_stack_size(bytes);
    }
    builder.build()
}

/// A task's place among the running ones.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.running -= 1;
        self.0.end_if_idle(state);
        self.0.start_tasks();
    }
}

/// Runs a job.
async fn work(place: Running, job: Job) {
    if let Some(task) = job.claim() {
        task.run_async().await;
    }
    drop(place);
}

/// A task that waits for a run of its own, and does not count meanwhile.
#[derive(Debug)]
pub(crate) struct Blocked(Arc<Shared>);

impl Blocked {
    /// The task on this thread waits from now on, until this is dropped. `None` if this is no thread
    /// of an async executor.
    pub(crate) fn here() -> Option<Self> {
        let shared = OWNER.with_borrow(Weak::upgrade)?;
        lock(&shared.state).blocked += 1;
        shared.start_tasks();
        Some(Self(shared))
    }

    /// Waits on this thread.
    pub(crate) fn wait<T>(self, waiting: impl FnOnce() -> T) -> T {
        // Inside of another runtime, which the user has started here, tokio knows no such place.
        let is_here = || {
            let current = Handle::try_current().ok()?;
            let state = lock(&self.0.state);
            Some(state.runtime.as_ref()?.handle().id() == current.id())
        };
        if is_here() == Some(true) { tokio::task::block_in_place(waiting) } else { waiting() }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        lock(&self.0.state).blocked -= 1;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for AsyncExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncExecutor").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
