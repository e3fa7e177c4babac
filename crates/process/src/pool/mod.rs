//! A pool of worker processes, which re-execute this program.
//!
//! # The protocol
//!
//! Parent and worker talk over a pair of Unix sockets, in frames: a byte for the kind, eight for
//! the length, then the payload ([`frame`](crate::frame)). The worker's end is its standard input, the one
//! descriptor that every process has; it moves it elsewhere at once and puts `/dev/null` in its
//! place, so user code can neither eat frames nor write any: what it prints goes where the
//! parent's output goes.
//!
//! The parent begins with `SETUP`. The worker answers `HELLO`, then for each `REQUEST` it sends
//! any number of `PROGRESS` and one `DONE`. What requests and replies say is not this module's
//! business (see `nexus_core`); a process that dies without a `DONE` costs the task that it held.
//!
//! # Who does what
//!
//! Each worker process has one thread in the parent, which starts it, reads its frames, and reaps
//! it ([`supervisor`]). A job that finds an idle worker is written to its socket by whoever submits it.
//! When a reply arrives, the reading thread first gives the worker the next job that waits, or
//! marks it idle, and only then finishes the task; that drives the run on, which may submit the
//! next step to this very worker. So a step costs two switches between threads and no more: to
//! the worker, and back.
//!
//! A frame that fits the socket's buffer never blocks whoever writes it, since an idle worker has
//! read all that came before. A longer one is written by the reading thread, or by a helper thread
//! where a submission finds the worker idle.
//!
//! # The life of a worker
//!
//! It starts when a job finds no idle worker and there are fewer than `max_workers`. After
//! `max_tasks_per_child` tasks, and when the pool closes, the parent shuts its side of the socket;
//! the worker reads the end and exits; the thread reaps it, and starts the next one if jobs wait.
//! A worker that is not gone five seconds later is killed.
//!
//! A task whose result is no longer wanted (its token is raised) is ended by killing its worker,
//! together with the programs that it started, but only if the worker still runs that very task:
//! tasks have serial numbers, and the look at the number and the kill are under one lock. Under the
//! same lock a worker is marked as gone before it is reaped, so a process id that the system has
//! given to somebody else is never killed.
//!
//! The worker's main thread does nothing but watch the socket. When the parent is gone, however it
//! died, the socket hangs up, and the thread kills the process at once, whatever its body is doing.
//!
//! A worker that ends before its `HELLO` could not start. After three of them in a row, the jobs
//! that wait end as exceptions that say why; so a program whose `main` never reaches
//! `nexus::init()` cannot make the pool spin.

mod child;
pub(crate) mod entry;
mod supervisor;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nexus_core::{BodyKind, ClaimedTask, ConfigError, Executor, ExecutorInitializerConfig, Job};

use self::child::Process;
use self::entry::{Entry, is_adopted};
use self::supervisor::{Given, is_own_thread};

/// Runs tasks in worker processes (tutorial, "Using Process Pool Executor").
///
/// A worker is this program once more, which looks the event up by its name. So `main` begins with
/// [`nexus::init()`](crate::init), and a test binary has the line
/// [`nexus::test_workers!()`](crate::test_workers).
///
/// Workers start when there is work for them. One that is killed, aborts, overflows its stack or
/// exits costs the task that it held, and is replaced. Settings: `max_workers` (default: the
/// machine's processors; inside of a worker process, 1), `max_tasks_per_child` (the process is
/// replaced after so many tasks), `stack_size` and `thread_name_prefix` (of the thread in the
/// worker that runs the bodies).
pub struct ProcessPoolExecutor {
    shared: Arc<Shared>,
}

struct Shared {
    entry: Entry,
    max_workers: usize,
    max_tasks: usize,
    prefix: String,
    stack_size: Option<usize>,
    state: Mutex<State>,
    /// `shutdown` waits here for the last worker.
    ended: Condvar,
}

struct State {
    /// Jobs that found no idle worker.
    queue: VecDeque<Waiting>,
    /// The one that was used last is used first.
    idle: Vec<Arc<Process>>,
    /// All processes that were started and not reaped.
    processes: Vec<Arc<Process>>,
    /// Threads that have or start a process.
    live: usize,
    /// Those whose process has not said `HELLO`.
    starting: usize,
    /// How many processes were ever started.
    started: usize,
    /// How many in a row ended before their `HELLO`.
    stillborn: usize,
    closing: bool,
}

/// What waits for a worker.
enum Waiting {
    Job(Job),
    /// A task whose worker ended before it could be given to it.
    Again(ClaimedTask),
}

impl Waiting {
    fn claim(self) -> Option<ClaimedTask> {
        match self {
            Self::Job(job) => job.claim(),
            Self::Again(task) => Some(task),
        }
    }
}

/// More processes than this in one pool are refused by most systems anyway.
const MOST_WORKERS: usize = 1 << 15;

/// How long a worker may take to exit when it is told to.
const GRACE: Duration = Duration::from_secs(5);

impl ProcessPoolExecutor {
    /// A pool with this configuration. Its processes start with its first jobs.
    ///
    /// # Errors
    ///
    /// If a count is 0, the prefix holds a NUL, or the program does not have the line that its
    /// worker processes need; the message says what to write.
    pub fn new(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let prefix = config.name_prefix().unwrap_or("nexus-").to_owned();
        let default = if is_adopted() {
            1
        } else {
            std::thread::available_parallelism().map_or(1, usize::from)
        };
        Ok(Self {
            shared: Arc::new(Shared {
                entry: Entry::find()?,
                max_workers: config.workers().unwrap_or(default).min(MOST_WORKERS),
                max_tasks: config.tasks_per_child().unwrap_or(usize::MAX),
                prefix,
                stack_size: config.stack_bytes(),
                state: Mutex::new(State {
                    queue: VecDeque::new(),
                    idle: Vec::new(),
                    processes: Vec::new(),
                    live: 0,
                    starting: 0,
                    started: 0,
                    stillborn: 0,
                    closing: false,
                }),
                ended: Condvar::new(),
            }),
        })
    }

    /// How many processes this pool has started so far, replacements included.
    pub fn processes_started(&self) -> usize {
        self.shared.lock().started
    }

    /// Takes no more jobs, and lets the idle workers go; the others follow when the queue is empty.
    fn close(&self) {
        let mut state = self.shared.lock();
        state.closing = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for process in idle {
            process.retire();
        }
    }
}

impl Executor for ProcessPoolExecutor {
    const RUNS: BodyKind = BodyKind::Remote;

    fn from_config(config: &ExecutorInitializerConfig) -> Result<Self, ConfigError> {
        Self::new(config)
    }

    fn submit(&self, job: Job) {
        let shared = &self.shared;
        let mut state = shared.lock();
        if state.closing {
            drop(state);
            // Dropping it ends its task as lost.
            drop(job);
            return;
        }
        let Some(process) = state.idle.pop() else {
            state.queue.push_back(Waiting::Job(job));
            shared.call_worker(state);
            return;
        };
        drop(state);
        if let Given::Free = shared.give(&process, Waiting::Job(job), true) {
            shared.next_job(&process, true);
        }
    }

    fn parallelism(&self) -> usize {
        self.shared.max_workers
    }

    fn shutdown(&self) {
        self.close();
        // A thread of this pool that drops the last handle of its own engine must not wait for
        // itself.
        let own = usize::from(is_own_thread(&self.shared));
        let mut state = self.shared.lock();
        while state.live > own {
            let (next, time) = self
                .shared
                .ended
                .wait_timeout(state, GRACE)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            state = next;
            if time.timed_out() {
                // Those that still work for somebody are not retired.
                for process in &state.processes {
                    process.kill_retired();
                }
            }
        }
    }
}

impl Drop for ProcessPoolExecutor {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for ProcessPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPoolExecutor")
            .field("max_workers", &self.shared.max_workers)
            .field("started", &self.processes_started())
            .finish_non_exhaustive()
    }
}
