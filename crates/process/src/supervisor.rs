//! The threads of the pool: each starts a process, reads its frames, sends it jobs, and reaps it.
//!
//! # Who does what
//!
//! Each worker process has one thread in the parent, which starts it, reads its frames, and reaps
//! it. A job that finds an idle worker is written to its socket by whoever submits it. When replies
//! arrive, the reading thread first sends the worker its next tasks, or marks it idle, and only then
//! delivers the outcomes; that drives the run on, which may submit the next step to this very
//! worker. So a step costs two switches between threads and no more: to the worker, and back.
//!
//! # Several tasks at once
//!
//! The reading thread sends short tasks together, as many as a job gives it. It begins with a job
//! of another run if one waits, and otherwise goes on with its own. Since the worker may only begin
//! what it has a permit for ([`permits`](crate::permits)), the others can be taken back at any
//! time: if the worker is silent for a millisecond, if one of them is not wanted any more, and if it
//! dies. What was taken back goes to the front of the run's queue. Whoever submits a job to an idle
//! worker sends one task if the reading thread sleeps, which it then does until the reply, without
//! looking at the clock; and several if it is awake, as it mostly is while many tasks are under way.
//!
//! Of the tasks of a dead worker, the last one that it had begun is the one that it was in. Earlier
//! ones whose replies have not arrived had ended within the last moments; they are run again.
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
//! which one it runs is found out and the process killed under one lock. Under the same lock a worker
//! is marked as ended before it is reaped, so a process id that the system has given to another
//! process is never killed.
//!
//! The worker's main thread does nothing but watch the socket. When the parent is gone, however it
//! died, the socket hangs up, and the thread kills the process at once, whatever its body is doing.
//!
//! A worker that ends before its `HELLO` could not start. After three of them in a row, the jobs
//! that wait end as exceptions that say why; so a program whose `main` never reaches
//! `nexus::init()` cannot make the pool spin.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use nexus_core::{ClaimedTasks, Exception, Job};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::child::{Process, worker_exit};
use crate::entry::Entry;
use crate::format::{Reader, Writer};
use crate::frame::{self, FrameReader};
use crate::incoming::Incoming;
use crate::permits::{MOST as MOST_PERMITS, Permits};

/// How long a worker may take until its `HELLO`, including the time to load a large program from a
/// slow disk.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// After so many workers in a row that could not start, the jobs that wait are failed.
const MAX_FAILED_STARTS: usize = 3;

/// A worker that has several tasks and is silent for so long is slow: what it has not begun goes
/// elsewhere.
const SLOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

thread_local! {
    /// The pool whose reading thread this is.
    static OWN_POOL: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
    /// The process whose reading thread this is.
    static OWN_PROCESS: RefCell<Weak<Process>> = const { RefCell::new(Weak::new()) };
}

/// What a process sends.
type Replies = FrameReader<Incoming<UnixStream>>;

fn address(pool: &Arc<Shared>) -> *const () {
    Arc::as_ptr(pool).cast()
}

pub(crate) fn is_own_thread(pool: &Arc<Shared>) -> bool {
    OWN_POOL.get() == address(pool)
}

/// Whether this is the reading thread of the process.
fn is_own(process: &Arc<Process>) -> bool {
    OWN_PROCESS.with_borrow(|own| std::ptr::eq(own.as_ptr(), Arc::as_ptr(process)))
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
    queue: VecDeque<Job>,
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

/// What became of tasks that were dispatched to a process.
enum Dispatch {
    /// The process has them.
    Running,
    /// There was nothing to run; the process can take other tasks.
    Idle,
    /// The process has ended, and the tasks wait for another one.
    Ended,
}

/// A process has ended, or has sent what no worker sends.
struct Gone;

/// How a thread gives tasks to a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// It has a job for an idle process.
    Submitter,
    /// It reads the frames of the process, and sees if that is slow.
    Reader,
}

impl State {
    /// An idle process: that of this thread if it is one.
    fn take_idle(&mut self) -> Option<Arc<Process>> {
        match self.idle.iter().rposition(is_own) {
            Some(at) => Some(self.idle.remove(at)),
            None => self.idle.pop(),
        }
    }
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
        let Some(process) = state.take_idle() else {
            state.queue.push_back(job);
            self.start_worker(state);
            return;
        };
        drop(state);
        let most = if process.expect_several() { self.tasks_left(&process) } else { 1 };
        let dispatched = match job.claim_together(most) {
            Some(tasks) => Self::dispatch(&process, tasks, Sender::Submitter),
            None => Dispatch::Idle,
        };
        if let Dispatch::Idle = dispatched {
            process.expect_none();
            self.dispatch_next(&process, Sender::Submitter);
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
    fn start(&self) -> Result<(Arc<Process>, Child, Replies), String> {
        let mut state = self.lock();
        let number = state.started;
        state.started += 1;
        drop(state);
        let (mut child, socket) = self.spawn().map_err(|error| error.to_string())?;
        match self.handshake(&socket, number) {
            Ok((reader, permits)) => {
                let process = Process::new(&child, socket, permits);
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

    fn handshake(&self, socket: &UnixStream, number: usize) -> io::Result<(Replies, Permits)> {
        let permits = Permits::send(socket)?;
        let setup = format!("{}\n{}{number}", self.stack_size.unwrap_or(0), self.prefix);
        frame::write(socket, frame::SETUP, setup.as_bytes())?;
        socket.set_read_timeout(Some(START_TIMEOUT))?;
        let mut reader = FrameReader::new(Incoming::new(socket.try_clone()?));
        let hello = matches!(reader.next()?, Some((frame::HELLO, _)));
        socket.set_read_timeout(None)?;
        if hello { Ok((reader, permits)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads the frames of the process, until it ends.
    fn serve(self: &Arc<Self>, process: &Arc<Process>, mut child: Child, mut reader: Replies) {
        OWN_PROCESS.set(Arc::downgrade(process));
        self.dispatch_next(process, Sender::Reader);
        loop {
            let is_slow = !reader.look(|socket| process.may_sleep() || is_readable(socket));
            let tasks = if is_slow {
                process.take_back_unbegun()
            } else {
                let Ok(tasks) = read_replies(process, &mut reader) else { break };
                tasks
            };
            let Some(mut tasks) = tasks else { continue };
            if tasks.is_empty() {
                // First the next tasks, so that the process works while the run is driven on.
                self.dispatch_more(process, &mut tasks);
                tasks.deliver();
            } else {
                tasks.deliver();
                process.put_back(tasks);
            }
        }
        let (tasks, begun, exit) = process.reap(&mut child);
        let mut state = self.lock();
        state.idle.retain(|idle| !Arc::ptr_eq(idle, process));
        state.processes.retain(|known| !Arc::ptr_eq(known, process));
        drop(state);
        if let Some(mut tasks) = tasks {
            tasks.give_back(begun);
            if let Some(last) = begun.checked_sub(1) {
                tasks.fail(last, Exception::worker_lost(exit));
            }
            tasks.give_back(0);
            tasks.deliver();
        }
    }

    /// Dispatches more tasks to the process after these, or marks it as idle, or asks it to exit.
    fn dispatch_more(self: &Arc<Self>, process: &Arc<Process>, tasks: &mut ClaimedTasks) {
        let most = self.tasks_left(process);
        // Other runs have their turn.
        let is_only = most > 0 && self.lock().queue.is_empty();
        if is_only
            && let Some(more) = tasks.claim_more(most)
            && let Dispatch::Running = Self::dispatch(process, more, Sender::Reader)
        {
            return;
        }
        self.dispatch_next(process, Sender::Reader);
    }

    /// How many more tasks the process may be sent.
    fn tasks_left(&self, process: &Process) -> usize {
        let left = self.max_tasks.saturating_sub(process.finished.load(Ordering::Relaxed));
        left.min(MOST_PERMITS)
    }

    /// Dispatches tasks of the next job to the process, or marks it as idle, or asks it to exit.
    fn dispatch_next(self: &Arc<Self>, process: &Arc<Process>, sender: Sender) {
        loop {
            let mut state = self.lock();
            let most = match sender {
                Sender::Submitter => self.tasks_left(process).min(1),
                Sender::Reader => self.tasks_left(process),
            };
            let job = if most == 0 { None } else { state.queue.pop_front() };
            let Some(job) = job else {
                if most == 0 || state.closing {
                    drop(state);
                    process.request_exit();
                } else {
                    state.idle.push(Arc::clone(process));
                }
                return;
            };
            drop(state);
            let Some(tasks) = job.claim_together(most) else { continue };
            match Self::dispatch(process, tasks, sender) {
                Dispatch::Running | Dispatch::Ended => return,
                Dispatch::Idle => {}
            }
        }
    }

    /// Sends tasks to the process. A long request may block until the process has read it, so a
    /// submitter leaves it to a helper thread.
    fn dispatch(process: &Arc<Process>, mut tasks: ClaimedTasks, sender: Sender) -> Dispatch {
        let requests = write_requests(&mut tasks);
        if tasks.is_empty() {
            tasks.deliver();
            return Dispatch::Idle;
        }
        // If one was cancelled in the meantime, this is noted at once.
        tasks.on_cancel(&process.unwanted);
        if let Err(mut tasks) = process.assign(tasks) {
            // The process ended while it was idle, so the tasks did not cause it and run elsewhere.
            tasks.give_back(0);
            tasks.deliver();
            return Dispatch::Ended;
        }
        if sender == Sender::Submitter && requests.len() > frame::MAX_SINGLE_WRITE {
            let helper = Arc::clone(process);
            let requests = Arc::new(requests);
            let same = Arc::clone(&requests);
            let thread = thread::Builder::new().name("nexus-process-write".to_owned());
            if thread.spawn(move || helper.send(&same)).is_err() {
                process.send(&requests);
            }
        } else {
            process.send(&requests);
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
        for mut tasks in waiting.into_iter().filter_map(|job| job.claim_together(1)) {
            let message = format!(
                "no worker process could be started: {why}; is `nexus::init();` the first line of \
                 `main`, before anything that may end the program?"
            );
            tasks.fail(0, Exception::not_run(message));
            tasks.deliver();
        }
    }
}

/// The requests of tasks that are sent together. What cannot be written ends so; what would make a
/// long message is given back.
fn write_requests(tasks: &mut ClaimedTasks) -> Vec<u8> {
    let mut requests = Vec::with_capacity(256 + 32 * tasks.len());
    let mut index = 0;
    while index < tasks.len() {
        if requests.len() > frame::MAX_SINGLE_WRITE {
            tasks.give_back(index);
            break;
        }
        if let Some(trace) = tasks.trace(index) {
            frame::append(&mut requests, frame::TRACE, &frame::trace_payload(&trace));
        }
        let kind = if index == 0 { frame::REQUEST } else { frame::QUEUED };
        let write = |out: &mut Vec<u8>| tasks.write_request(index, &mut Writer(out));
        match frame::append_with(&mut requests, kind, write) {
            Ok(()) if index == 0 && !tasks.start() => {
                requests.clear();
                tasks.fail(0, Exception::not_run("its result is not wanted"));
            }
            Ok(()) => index += 1,
            Err(exception) => tasks.fail(index, exception),
        }
    }
    requests
}

/// Reads a reply and those that have come with it, and takes the tasks of the process in hand, if it
/// has any.
fn read_replies(process: &Process, reader: &mut Replies) -> Result<Option<ClaimedTasks>, Gone> {
    let mut in_hand = None;
    loop {
        let (kind, payload) = reader.next().ok().flatten().ok_or(Gone)?;
        in_hand = in_hand.or_else(|| process.take_tasks());
        match (kind, &mut in_hand) {
            (frame::DONE, Some(tasks)) if !tasks.is_empty() => {
                tasks.complete(&mut Reader(payload));
                process.count_finished();
                // The next one has begun, or is about to.
                tasks.start();
            }
            (frame::PROGRESS, tasks) => {
                // A thread of a body may say something after the end of the task.
                if let (Some(tasks), Some((done, total))) = (tasks, progress_numbers(payload)) {
                    tasks.progress(done, total);
                }
            }
            (frame::SAID, tasks) => {
                if let Some(tasks) = tasks {
                    tasks.said(payload);
                }
            }
            _ => {
                if let Some(tasks) = in_hand {
                    process.put_back(tasks);
                }
                return Err(Gone);
            }
        }
        if in_hand.as_ref().is_some_and(ClaimedTasks::is_empty) || !reader.has_frame() {
            return Ok(in_hand);
        }
    }
}

/// Waits until something can be read, or the worker is slow, as one counts that disturbs the wait.
fn is_readable(socket: &UnixStream) -> bool {
    let mut watched = [PollFd::new(socket, PollFlags::IN)];
    matches!(poll(&mut watched, Some(&SLOW)), Ok(1..))
}

fn progress_numbers(bytes: &[u8]) -> Option<(u64, u64)> {
    let (done, total) = bytes.split_at_checked(8)?;
    Some((u64::from_le_bytes(done.try_into().ok()?), u64::from_le_bytes(total.try_into().ok()?)))
}
