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

/// How long a worker may take to exit when it is told to.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// A worker process.
pub(crate) struct Process {
    pub(crate) socket: UnixStream,
    pid: Option<Pid>,
    /// Tasks that it has finished.
    pub(crate) done: AtomicUsize,
    held: Mutex<Held>,
}

struct Held {
    task: Option<ClaimedTask>,
    /// The serial number of the task that it runs; 0 for none.
    running: u64,
    last: u64,
    /// It was told to exit.
    retired: bool,
    /// It has ended, and may be reaped: its process id is no longer its own.
    gone: bool,
}

impl Process {
    pub(crate) fn new(child: &Child, socket: UnixStream) -> Self {
        Self {
            socket,
            pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            done: AtomicUsize::new(0),
            held: Mutex::new(Held { task: None, running: 0, last: 0, retired: false, gone: false }),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets ready to run a task; gives its serial number. `None` if the process has ended.
    pub(crate) fn reserve(&self) -> Option<u64> {
        let mut held = self.held();
        if held.gone {
            return None;
        }
        held.last += 1;
        held.running = held.last;
        Some(held.last)
    }

    /// Keeps the task until it is done; gives it back if the process has ended meanwhile.
    pub(crate) fn hold(&self, task: ClaimedTask) -> Result<(), ClaimedTask> {
        let mut held = self.held();
        if held.gone {
            return Err(task);
        }
        held.task = Some(task);
        Ok(())
    }

    /// The task is no longer this process's.
    pub(crate) fn release(&self) -> Option<ClaimedTask> {
        let mut held = self.held();
        held.running = 0;
        held.task.take()
    }

    /// Calls `with` with the task that runs, without a lock. Only the reading thread takes tasks
    /// away, and only it calls this.
    pub(crate) fn with_task(&self, with: impl FnOnce(&ClaimedTask)) {
        let task = self.held().task.take();
        if let Some(task) = task {
            with(&task);
            self.held().task = Some(task);
        }
    }

    pub(crate) fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes a request. Should the process be dead, its reading thread finds out.
    pub(crate) fn send(&self, request: &[u8]) {
        let _: io::Result<()> = frame::write(&self.socket, frame::REQUEST, request);
    }

    /// Tells the process to exit when it has done what it does.
    pub(crate) fn retire(&self) {
        self.held().retired = true;
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = self.socket.set_read_timeout(Some(GRACE));
    }

    /// Kills the process if it should have exited.
    pub(crate) fn kill_retired(&self) {
        let held = self.held();
        if held.retired && !held.gone {
            self.kill();
        }
    }

    /// What ends the task `serial`, and nothing else.
    pub(crate) fn killer(self: &Arc<Self>, serial: u64) -> Waker {
        Arc::new(Killer { process: Arc::downgrade(self), serial }).into()
    }

    /// The caller holds the lock, and has seen that the process is not gone.
    fn kill(&self) {
        let Some(pid) = self.pid else { return };
        // What the task started goes with it: each worker leads a group of its own.
        if kill_process_group(pid, Signal::KILL).is_err() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Reaps the process, which has closed its socket; gives the task that it held.
    pub(crate) fn reap(&self, child: &mut Child) -> (Option<ClaimedTask>, WorkerExit) {
        let mut held = self.held();
        held.gone = true;
        held.running = 0;
        let task = held.task.take();
        drop(held);
        // It has ended already, or lives on without its socket and must not.
        let _ = child.kill();
        (task, exit(child.wait()))
    }
}

pub(crate) fn exit(status: io::Result<ExitStatus>) -> WorkerExit {
    status.map_or(WorkerExit::new(None, None), |status| {
        WorkerExit::new(status.signal(), status.code())
    })
}

struct Killer {
    process: Weak<Process>,
    serial: u64,
}

impl Wake for Killer {
    fn wake(self: Arc<Self>) {
        let Some(process) = self.process.upgrade() else { return };
        let held = process.held();
        if held.running == self.serial && !held.gone {
            process.kill();
        }
    }
}
