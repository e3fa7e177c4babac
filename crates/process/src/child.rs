//! A worker process as its parent sees it.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use nexus_core::{ClaimedTask, WorkerExit};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::frame;

/// How long a worker may take to exit when it is asked to.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// A worker process.
pub(crate) struct Process {
    pub(crate) socket: UnixStream,
    pid: Option<Pid>,
    /// Tasks that it has finished.
    pub(crate) finished: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    task: Option<ClaimedTask>,
    /// The serial number of the task that it runs; 0 for none.
    running: u64,
    last_serial: u64,
    /// The parent has asked it to exit.
    exit_requested: bool,
    /// It has ended and may have been reaped, so its process id may be that of another process.
    ended: bool,
}

impl Process {
    pub(crate) fn new(child: &Child, socket: UnixStream) -> Self {
        Self {
            socket,
            pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            finished: AtomicUsize::new(0),
            state: Mutex::new(State {
                task: None,
                running: 0,
                last_serial: 0,
                exit_requested: false,
                ended: false,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves the process for a task, and returns the task's serial number. `None` if the process
    /// has ended.
    pub(crate) fn reserve(&self) -> Option<u64> {
        let mut state = self.state();
        if state.ended {
            return None;
        }
        state.last_serial += 1;
        state.running = state.last_serial;
        Some(state.last_serial)
    }

    /// Keeps the task until it is done; returns it if the process has ended in the meantime.
    pub(crate) fn assign(&self, task: ClaimedTask) -> Result<(), ClaimedTask> {
        let mut state = self.state();
        if state.ended {
            return Err(task);
        }
        state.task = Some(task);
        Ok(())
    }

    /// Takes the task out: the process no longer runs it.
    pub(crate) fn take_task(&self) -> Option<ClaimedTask> {
        let mut state = self.state();
        state.running = 0;
        state.task.take()
    }

    /// Calls `with` with the task that runs, without a lock. Only the reading thread takes tasks
    /// away, and only it calls this.
    pub(crate) fn with_task(&self, with: impl FnOnce(&ClaimedTask)) {
        let task = self.state().task.take();
        if let Some(task) = task {
            with(&task);
            self.state().task = Some(task);
        }
    }

    pub(crate) fn count_finished(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes a request. Should the process be dead, its reading thread finds out.
    pub(crate) fn send(&self, request: &[u8]) {
        let _: io::Result<()> = frame::write(&self.socket, frame::REQUEST, request);
    }

    /// Asks the process to exit when it has finished its task.
    pub(crate) fn request_exit(&self) {
        self.state().exit_requested = true;
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(GRACE));
    }

    /// Kills the process if it was asked to exit and has not.
    pub(crate) fn kill_if_exit_requested(&self) {
        let state = self.state();
        if state.exit_requested && !state.ended {
            self.kill();
        }
    }

    /// A waker that kills the process if it still runs the task `serial`, and else does nothing.
    pub(crate) fn kill_waker(self: &Arc<Self>, serial: u64) -> Waker {
        Arc::new(KillWaker { process: Arc::downgrade(self), serial }).into()
    }

    /// The caller holds the lock, and has checked that the process has not ended.
    fn kill(&self) {
        let Some(pid) = self.pid else { return };
        // Each worker leads a process group, so the programs that the task started are killed too.
        if kill_process_group(pid, Signal::KILL).is_err() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Reaps the process, which has closed its socket; returns the task that it ran.
    pub(crate) fn reap(&self, child: &mut Child) -> (Option<ClaimedTask>, WorkerExit) {
        let mut state = self.state();
        state.ended = true;
        state.running = 0;
        let task = state.task.take();
        drop(state);
        // Usually the process has ended already. If it has only closed its socket, it is killed,
        // since nothing could reach it any more.
        let _ = child.kill();
        (task, worker_exit(child.wait()))
    }
}

pub(crate) fn worker_exit(status: io::Result<ExitStatus>) -> WorkerExit {
    status.map_or(WorkerExit::new(None, None), |status| {
        WorkerExit::new(status.signal(), status.code())
    })
}

struct KillWaker {
    process: Weak<Process>,
    serial: u64,
}

impl Wake for KillWaker {
    fn wake(self: Arc<Self>) {
        let Some(process) = self.process.upgrade() else { return };
        let state = process.state();
        if state.running == self.serial && !state.ended {
            process.kill();
        }
    }
}
