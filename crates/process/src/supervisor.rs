//! The threads of the pool: each starts a process, reads its frames, sends it jobs, and reaps it.
//!
//! # Who does what
//!
//! Each worker process has one thread in the parent, which starts it, reads its frames, and reaps
//! it. A job that finds an idle worker is written to its socket by whoever submits it. When a reply
//! arrives, the reading thread first dispatches the next queued job to the worker, or marks it
//! idle, and only then finishes the task; that drives the run on, which may submit the next step to
//! this very worker. So a step costs two switches between threads and no more: to the worker, and
//! back.
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
//! A worker that still runs five seconds later is killed.
//!
//! A task whose result is no longer wanted (its token is cancelled) is ended by killing its worker,
//! together with the programs that it started, but only if the worker still runs that very task:
//! tasks have serial numbers, and the number is compared and the process killed under one lock.
//! Under the same lock a worker is marked as ended before it is reaped, so a process id that the
//! system has given to another process is never killed.
//!
//! The worker's main thread does nothing but watch the socket. When the parent is gone, however it
//! died, the socket hangs up, and the thread kills the process at once, whatever its body is doing.
//!
//! A worker that ends before its `HELLO` could not start. After three of them in a row, the jobs
//! that wait end as exceptions that say why; so a program whose `main` never reaches
//! `nexus::init()` cannot make the pool spin.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nexus_core::{ClaimedTask, Exception, Job, WorkerExit};

use crate::child::{Process, worker_exit};
use crate::entry::Entry;
use crate::format::{Reader, Writer};
use crate::frame::{self, FrameReader};

/// How long a worker may take until its `HELLO`, including the time to load a large program from a
/// slow disk.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// After so many workers in a row that could not start, the jobs that wait are failed.
const MAX_FAILED_STARTS: usize = 3;

thread_local! {
    /// The pool whose reading thread this is.
    static OWN_POOL: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

fn address(pool: &Arc<Shared>) -> *const () {
    Arc::as_ptr(pool).cast()
}

pub(crate) fn is_own_thread(pool: &Arc<Shared>) -> bool {
    OWN_POOL.get() == address(pool)
}

/// What the pool and its threads share.
pub(crate) struct Shared {
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
    queue: VecDeque<QueuedTask>,
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
    failed_starts: usize,
    closing: bool,
}

/// A job or task that waits for a worker.
enum QueuedTask {
    Job(Job),
    /// A task that is already claimed: its worker had ended before the task reached it.
    Requeued(ClaimedTask),
}

impl QueuedTask {
    fn claim(self) -> Option<ClaimedTask> {
        match self {
            Self::Job(job) => job.claim(),
            Self::Requeued(task) => Some(task),
        }
    }
}

/// What became of a job that was dispatched to a process.
enum Dispatch {
    /// The process runs it.
    Running,
    /// There was nothing to run; the process can take another job.
    Idle,
    /// The process has ended. The job waits for another one, or its task is finished.
    Ended,
}

impl Shared {
    pub(crate) fn new(
        entry: Entry,
        max_workers: usize,
        max_tasks: usize,
        prefix: String,
        stack_size: Option<usize>,
    ) -> Self {
        let state = State {
            queue: VecDeque::new(),
            idle: Vec::new(),
            processes: Vec::new(),
            live: 0,
            starting: 0,
            started: 0,
            failed_starts: 0,
            closing: false,
        };
        let (state, ended) = (Mutex::new(state), Condvar::new());
        Self { entry, max_workers, max_tasks, prefix, stack_size, state, ended }
    }

    pub(crate) fn max_workers(&self) -> usize {
        self.max_workers
    }

    /// How many processes were ever started.
    pub(crate) fn started(&self) -> usize {
        self.lock().started
    }

    /// Dispatches the job to an idle worker, or queues it. When the pool is closing, the job is
    /// dropped, which ends its task as lost.
    pub(crate) fn submit(self: &Arc<Self>, job: Job) {
        let mut state = self.lock();
        if state.closing {
            drop(state);
            return;
        }
        let Some(process) = state.idle.pop() else {
            state.queue.push_back(QueuedTask::Job(job));
            self.start_worker(state);
            return;
        };
        drop(state);
        if let Dispatch::Idle = self.dispatch(&process, QueuedTask::Job(job), true) {
            self.dispatch_next(&process, true);
        }
    }

    /// Takes no more jobs, and asks the idle workers to exit; the others follow when the queue is
    /// empty.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for process in idle {
            process.request_exit();
        }
    }

    /// Waits until no more than `own` threads are left. Processes that were asked to exit and have
    /// not done so after `grace` are killed; those that still run a task are waited for.
    pub(crate) fn wait_for_end(&self, own: usize, grace: Duration) {
        let mut state = self.lock();
        while state.live > own {
            let waited = self.ended.wait_timeout(state, grace);
            let (next, time) = waited.unwrap_or_else(PoisonError::into_inner);
            state = next;
            if time.timed_out() {
                for process in &state.processes {
                    process.kill_if_exit_requested();
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread with a process for what is in the queue, if there may be one more.
    fn start_worker(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.live >= self.max_workers || state.queue.len() <= state.starting {
            return;
        }
        state.live += 1;
        state.starting += 1;
        drop(state);
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("nexus-process".to_owned());
        if let Err(error) = thread.spawn(move || shared.run_thread()) {
            let mut state = self.lock();
            state.live -= 1;
            state.starting -= 1;
            let alone = state.live == 0;
            drop(state);
            self.ended.notify_all();
            if alone {
                self.fail_queued(&format!("the system gives no thread: {error}"));
            }
        }
    }

    /// What each thread does: it runs one process after the other, as long as jobs wait.
    fn run_thread(self: &Arc<Self>) {
        OWN_POOL.set(address(self));
        loop {
            match self.start() {
                Ok((process, child, reader)) => self.serve(&process, child, reader),
                Err(why) => self.start_failed(&why),
            }
            let mut state = self.lock();
            if state.queue.is_empty() {
                state.live -= 1;
                drop(state);
                self.ended.notify_all();
                return;
            }
            state.starting += 1;
        }
    }

    /// Starts a process and waits for its `HELLO`.
    fn start(&self) -> Result<(Arc<Process>, Child, FrameReader<UnixStream>), String> {
        let mut state = self.lock();
        let number = state.started;
        state.started += 1;
        drop(state);
        let (mut child, socket) = self.spawn().map_err(|error| error.to_string())?;
        match self.handshake(&socket, number) {
            Ok(reader) => {
                let process = Arc::new(Process::new(&child, socket));
                let mut state = self.lock();
                state.starting -= 1;
                state.failed_starts = 0;
                state.processes.push(Arc::clone(&process));
                Ok((process, child, reader))
            }
            Err(error) => {
                let late =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                if late {
                    let _ = child.kill();
                }
                let exit = worker_exit(child.wait());
                Err(if late {
                    format!("it was not ready after {} seconds", START_TIMEOUT.as_secs())
                } else {
                    format!("it ended before it was ready ({exit})")
                })
            }
        }
    }

    fn spawn(&self) -> io::Result<(Child, UnixStream)> {
        // The command holds the worker's end of the socket. It is dropped here, since otherwise the
        // parent would never see the worker close its end.
        let (mut command, socket) = self.entry.command()?;
        Ok((command.spawn()?, socket))
    }

    fn handshake(&self, socket: &UnixStream, number: usize) -> io::Result<FrameReader<UnixStream>> {
        let setup = format!("{}\n{}{number}", self.stack_size.unwrap_or(0), self.prefix);
        frame::write(socket, frame::SETUP, setup.as_bytes())?;
        socket.set_read_timeout(Some(START_TIMEOUT))?;
        let mut reader = FrameReader::new(socket.try_clone()?);
        let hello = matches!(reader.next()?, Some((frame::HELLO, _)));
        socket.set_read_timeout(None)?;
        if hello { Ok(reader) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads the frames of the process, until it ends.
    fn serve(
        self: &Arc<Self>,
        process: &Arc<Process>,
        mut child: Child,
        mut reader: FrameReader<UnixStream>,
    ) {
        self.dispatch_next(process, false);
        loop {
            match reader.next() {
                Ok(Some((frame::DONE, _))) => {
                    let reply = reader.take_payload();
                    let Some(task) = process.take_task() else { break };
                    process.count_finished();
                    // First the next job, so that the process works while the run is driven on.
                    self.dispatch_next(process, false);
                    task.complete(&mut Reader(&reply));
                }
                Ok(Some((frame::PROGRESS, numbers))) => {
                    if let Some((done, total)) = progress_numbers(numbers) {
                        process.with_task(|task| task.progress(done, total));
                    }
                }
                // The end, or a frame that no worker sends.
                _ => break,
            }
        }
        let (task, exit) = process.reap(&mut child);
        let mut state = self.lock();
        state.idle.retain(|idle| !Arc::ptr_eq(idle, process));
        state.processes.retain(|known| !Arc::ptr_eq(known, process));
        drop(state);
        if let Some(task) = task {
            task.fail(Exception::worker_lost(exit));
        }
    }

    /// Dispatches the next job to the process, or marks it as idle, or asks it to exit.
    fn dispatch_next(self: &Arc<Self>, process: &Arc<Process>, submitting: bool) {
        loop {
            let mut state = self.lock();
            let used_up = process.finished.load(Ordering::Relaxed) >= self.max_tasks;
            let job = if used_up { None } else { state.queue.pop_front() };
            let Some(job) = job else {
                if used_up || state.closing {
                    drop(state);
                    process.request_exit();
                } else {
                    state.idle.push(Arc::clone(process));
                }
                return;
            };
            drop(state);
            if !matches!(self.dispatch(process, job, submitting), Dispatch::Idle) {
                return;
            }
        }
    }

    /// Sends a job to the process. A long request may block until the process has read it, so a
    /// caller that is `submitting` leaves it to a helper thread.
    fn dispatch(
        self: &Arc<Self>,
        process: &Arc<Process>,
        job: QueuedTask,
        submitting: bool,
    ) -> Dispatch {
        let Some(task) = job.claim() else { return Dispatch::Idle };
        let mut request = Vec::with_capacity(256);
        if let Err(exception) = task.write_request(&mut Writer(&mut request)) {
            task.fail(exception);
            return Dispatch::Idle;
        }
        let Some(serial) = process.reserve() else {
            // The process ended while it was idle, so the task did not cause it and runs elsewhere.
            let mut state = self.lock();
            state.queue.push_front(QueuedTask::Requeued(task));
            self.start_worker(state);
            return Dispatch::Ended;
        };
        if !task.start() {
            process.take_task();
            return Dispatch::Idle;
        }
        // If the task was cancelled in the meantime, this kills the process right away.
        task.on_cancel(&process.kill_waker(serial));
        if let Err(task) = process.assign(task) {
            task.fail(Exception::worker_lost(WorkerExit::new(None, None)));
            return Dispatch::Ended;
        }
        if submitting && request.len() > frame::MAX_SINGLE_WRITE {
            let helper = Arc::clone(process);
            let request = Arc::new(request);
            let payload = Arc::clone(&request);
            let thread = thread::Builder::new().name("nexus-process-write".to_owned());
            if thread.spawn(move || helper.send(&payload)).is_err() {
                process.send(&request);
            }
        } else {
            process.send(&request);
        }
        Dispatch::Running
    }

    /// A process could not be started, or ended before it could take a request.
    fn start_failed(&self, why: &str) {
        let mut state = self.lock();
        state.starting -= 1;
        state.failed_starts += 1;
        if state.failed_starts < MAX_FAILED_STARTS {
            return;
        }
        state.failed_starts = 0;
        drop(state);
        self.fail_queued(why);
    }

    /// Ends the tasks of all jobs that wait for a worker.
    fn fail_queued(&self, why: &str) {
        let waiting = std::mem::take(&mut self.lock().queue);
        for task in waiting.into_iter().filter_map(QueuedTask::claim) {
            let message = format!(
                "no worker process could be started: {why}; is `nexus::init();` the first line of \
                 `main`, before anything that may end the program?"
            );
            task.fail(Exception::not_run(message));
        }
    }
}

fn progress_numbers(bytes: &[u8]) -> Option<(u64, u64)> {
    let (done, total) = bytes.split_at_checked(8)?;
    Some((u64::from_le_bytes(done.try_into().ok()?), u64::from_le_bytes(total.try_into().ok()?)))
}
