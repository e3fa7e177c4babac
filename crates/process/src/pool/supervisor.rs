//! What the threads of the pool do: start a process, read its frames, give it jobs, reap it.

use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nexus_core::{Exception, WorkerExit};

use super::child::{Process, exit};
use super::{Shared, State, Waiting};
use crate::format::{Reader as ValueReader, Writer};
use crate::frame::{self, Reader};

/// How long a worker may take until its `HELLO`: loading a large program from a slow disk counts.
const START: Duration = Duration::from_mins(1);

/// So many workers in a row that could not start are enough.
const STILLBORN: usize = 3;

thread_local! {
    /// The pool whose reading thread this is.
    static OWN: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

fn address(pool: &Arc<Shared>) -> *const () {
    Arc::as_ptr(pool).cast()
}

pub(super) fn is_own_thread(pool: &Arc<Shared>) -> bool {
    OWN.get() == address(pool)
}

/// What became of a job that was to go to a process.
pub(super) enum Given {
    /// The process runs it.
    Busy,
    /// There was nothing to run; the process can take another one.
    Free,
    /// The process has ended. The job waits for another one, or its task is finished.
    Gone,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread with a process for what is in the queue, if there may be one more.
    pub(super) fn call_worker(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.live >= self.max_workers || state.queue.len() <= state.starting {
            return;
        }
        state.live += 1;
        state.starting += 1;
        drop(state);
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("nexus-process".to_owned());
        if let Err(error) = thread.spawn(move || shared.work()) {
            let mut state = self.lock();
            state.live -= 1;
            state.starting -= 1;
            let alone = state.live == 0;
            drop(state);
            self.ended.notify_all();
            if alone {
                self.fail_waiting(&format!("the system gives no thread: {error}"));
            }
        }
    }

    /// A thread's life: one process after the other, as long as there is work.
    fn work(self: &Arc<Self>) {
        OWN.set(address(self));
        loop {
            match self.start() {
                Ok((process, child, reader)) => self.serve(&process, child, reader),
                Err(why) => self.could_not_start(&why),
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
    fn start(&self) -> Result<(Arc<Process>, Child, Reader<UnixStream>), String> {
        let mut state = self.lock();
        let number = state.started;
        state.started += 1;
        drop(state);
        let (mut child, socket) = self.spawn().map_err(|error| error.to_string())?;
        match self.greet(&socket, number) {
            Ok(reader) => {
                let process = Arc::new(Process::new(&child, socket));
                let mut state = self.lock();
                state.starting -= 1;
                state.stillborn = 0;
                state.processes.push(Arc::clone(&process));
                Ok((process, child, reader))
            }
            Err(error) => {
                let late =
                    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                if late {
                    let _ = child.kill();
                }
                let exit = exit(child.wait());
                Err(if late {
                    format!("it was not ready after {} seconds", START.as_secs())
                } else {
                    format!("it ended before it was ready ({exit})")
                })
            }
        }
    }

    fn spawn(&self) -> io::Result<(Child, UnixStream)> {
        // The command holds the worker's end of the socket, and must go for the end to be seen.
        let (mut command, socket) = self.entry.command()?;
        Ok((command.spawn()?, socket))
    }

    fn greet(&self, socket: &UnixStream, number: usize) -> io::Result<Reader<UnixStream>> {
        let setup = format!("{}\n{}{number}", self.stack_size.unwrap_or(0), self.prefix);
        frame::write(socket, frame::SETUP, setup.as_bytes())?;
        socket.set_read_timeout(Some(START))?;
        let mut reader = Reader::new(socket.try_clone()?);
        let hello = matches!(reader.next()?, Some((frame::HELLO, _)));
        socket.set_read_timeout(None)?;
        if hello { Ok(reader) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads what the process says, until it ends.
    fn serve(
        self: &Arc<Self>,
        process: &Arc<Process>,
        mut child: Child,
        mut reader: Reader<UnixStream>,
    ) {
        self.next_job(process, false);
        loop {
            match reader.next() {
                Ok(Some((frame::DONE, _))) => {
                    let reply = reader.take_payload();
                    let Some(task) = process.release() else { break };
                    process.count();
                    // First the next job, so that the process works while the run is driven on.
                    self.next_job(process, false);
                    task.complete(&mut ValueReader(&reply));
                }
                Ok(Some((frame::PROGRESS, numbers))) => {
                    if let Some((done, total)) = two_numbers(numbers) {
                        process.with_task(|task| task.progress(done, total));
                    }
                }
                // The end, or nothing that a worker says.
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

    /// Gives the process the next job, or marks it as idle, or lets it go.
    pub(super) fn next_job(self: &Arc<Self>, process: &Arc<Process>, submitting: bool) {
        loop {
            let mut state = self.lock();
            let used_up = process.done.load(Ordering::Relaxed) >= self.max_tasks;
            let job = if used_up { None } else { state.queue.pop_front() };
            let Some(job) = job else {
                if used_up || state.closing {
                    drop(state);
                    process.retire();
                } else {
                    state.idle.push(Arc::clone(process));
                }
                return;
            };
            drop(state);
            if !matches!(self.give(process, job, submitting), Given::Free) {
                return;
            }
        }
    }

    /// Gives the process a job. Where that may take long, somebody who is `submitting` it leaves it
    /// to a thread of its own.
    pub(super) fn give(
        self: &Arc<Self>,
        process: &Arc<Process>,
        job: Waiting,
        submitting: bool,
    ) -> Given {
        let Some(task) = job.claim() else { return Given::Free };
        let mut request = Vec::with_capacity(256);
        if let Err(exception) = task.write_request(&mut Writer(&mut request)) {
            task.fail(exception);
            return Given::Free;
        }
        let Some(serial) = process.reserve() else {
            // It died idle, which is not the task's fault.
            let mut state = self.lock();
            state.queue.push_front(Waiting::Again(task));
            self.call_worker(state);
            return Given::Gone;
        };
        if !task.start() {
            process.release();
            return Given::Free;
        }
        // If nobody wants the result any more, this kills the process right away.
        task.on_cancel(&process.killer(serial));
        if let Err(task) = process.hold(task) {
            task.fail(Exception::worker_lost(WorkerExit::new(None, None)));
            return Given::Gone;
        }
        if submitting && request.len() > frame::SHORT {
            let helper = Arc::clone(process);
            let request = Arc::new(request);
            let given = Arc::clone(&request);
            let thread = thread::Builder::new().name("nexus-process-write".to_owned());
            if thread.spawn(move || helper.send(&given)).is_err() {
                process.send(&request);
            }
        } else {
            process.send(&request);
        }
        Given::Busy
    }

    /// A process could not be started, or ended before it could take a request.
    fn could_not_start(&self, why: &str) {
        let mut state = self.lock();
        state.starting -= 1;
        state.stillborn += 1;
        if state.stillborn < STILLBORN {
            return;
        }
        state.stillborn = 0;
        drop(state);
        self.fail_waiting(why);
    }

    /// Ends the tasks of all jobs that wait for a worker.
    fn fail_waiting(&self, why: &str) {
        let waiting = std::mem::take(&mut self.lock().queue);
        for task in waiting.into_iter().filter_map(Waiting::claim) {
            let message = format!(
                "no worker process could be started: {why}; is `nexus::init();` the first line of \
                 `main`, before anything that may end the program?"
            );
            task.fail(Exception::not_run(message));
        }
    }
}

fn two_numbers(bytes: &[u8]) -> Option<(u64, u64)> {
    let (done, total) = bytes.split_at_checked(8)?;
    Some((u64::from_le_bytes(done.try_into().ok()?), u64::from_le_bytes(total.try_into().ok()?)))
}
