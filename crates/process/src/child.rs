//! A worker process as its parent sees it.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use nexus_core::{ClaimedTasks, WorkerExit};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::permits::{Broken, Permits};

/// How long a worker may take to exit when it is asked to.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// A worker process.
pub(crate) struct Process {
    pub(crate) socket: UnixStream,
    pid: Option<Pid>,
    /// Tasks that it has finished.
    pub(crate) finished: AtomicUsize,
    /// Wakes when one of its tasks is not wanted any more.
    pub(crate) unwanted: Waker,
    state: Mutex<State>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct State {
    /// What it was sent and has not answered. `None` if there is nothing, or while its reading
    /// thread has them in hand.
    tasks: Option<ClaimedTasks>,
    permits: Permits,
    /// Of those tasks, how many of the last the parent has taken back.
    taken_back: usize,
    /// It was sent several at once, and may not have begun the last of them.
    may_have_unbegun: bool,
    /// Its reading thread sleeps, and does not see whether it is slow.
    reader_sleeps: bool,
    /// Somebody is about to send it several.
    several_come: bool,
    /// One of them may not be wanted any more, while they are in hand.
    may_be_unwanted: bool,
    /// The parent has asked it to exit.
    exit_requested: bool,
    /// It has ended and may have been reaped, so its process id may be that of another process.
    ended: bool,
}

impl Process {
    pub(crate) fn new(child: &Child, socket: UnixStream, permits: Permits) -> Arc<Self> {
        Arc::new_cyclic(|process| Self {
            socket,
            unwanted: Arc::new(UnwantedWaker(Weak::clone(process))).into(),
            pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            finished: AtomicUsize::new(0),
            state: Mutex::new(State {
                tasks: None,
                permits,
                taken_back: 0,
                may_have_unbegun: false,
                reader_sleeps: false,
                several_come: false,
                may_be_unwanted: false,
                exit_requested: false,
                ended: false,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody who has a job for the process, which is idle, may send it several tasks: its
    /// reading thread is awake, and stays so.
    pub(crate) fn expect_several(&self) -> bool {
        let mut state = self.state();
        state.several_come = !state.reader_sleeps;
        state.several_come
    }

    /// There were none to be sent.
    pub(crate) fn expect_none(&self) {
        self.state().several_come = false;
    }

    /// Whether its reading thread may sleep until something comes: there is nothing that could be
    /// taken back, nor anything that was and to which there will be no reply.
    pub(crate) fn may_sleep(&self) -> bool {
        let mut state = self.state();
        state.reader_sleeps = !state.several_come && !state.may_have_unbegun;
        state.reader_sleeps
    }

    /// Lets the process have the tasks, whose requests the caller sends then. Gives them back if the
    /// process has ended.
    pub(crate) fn assign(&self, tasks: ClaimedTasks) -> Result<(), ClaimedTasks> {
        let mut state = self.state();
        (state.several_come, state.may_have_unbegun) = (false, tasks.len() > 1);
        if state.ended {
            return Err(tasks);
        }
        if state.permits.give(tasks.len() - 1).is_err() {
            // It would wait for them for ever.
            self.kill();
            return Err(tasks);
        }
        state.tasks = Some(tasks);
        self.end_unwanted(&mut state);
        Ok(())
    }

    /// Takes the tasks in hand; only the reading thread does so.
    pub(crate) fn take_tasks(&self) -> Option<ClaimedTasks> {
        let mut state = self.state();
        let mut tasks = state.tasks.take()?;
        state.reader_sleeps = false;
        let taken_back = std::mem::take(&mut state.taken_back);
        drop(state);
        tasks.give_back(tasks.len() - taken_back);
        Some(tasks)
    }

    /// Lets the process go on with its tasks.
    pub(crate) fn put_back(&self, tasks: ClaimedTasks) {
        let mut state = self.state();
        state.tasks = Some(tasks);
        self.end_unwanted(&mut state);
    }

    /// The process is slow: it begins no other tasks, and somebody else may run them. Takes what is
    /// left in hand, if it has been sent anything.
    pub(crate) fn take_back_unbegun(&self) -> Option<ClaimedTasks> {
        let mut state = self.state();
        state.may_have_unbegun = false;
        if state.tasks.is_some() {
            self.stop_after_begun(&mut state);
        }
        drop(state);
        self.take_tasks()
    }

    /// How many tasks the process has begun; it begins no others.
    fn stop_after_begun(&self, state: &mut State) -> usize {
        match state.permits.take_back() {
            Ok(unbegun) => state.taken_back += unbegun,
            // Nobody knows what it does.
            Err(Broken) if !state.ended => self.kill(),
            Err(Broken) => {}
        }
        let sent = state.tasks.as_ref().map_or(0, ClaimedTasks::len);
        sent.saturating_sub(state.taken_back)
    }

    /// Ends what nobody wants any more: the body that runs, with the process, if it is that.
    fn end_unwanted(&self, state: &mut State) {
        if !std::mem::take(&mut state.may_be_unwanted) || state.ended {
            return;
        }
        let begun = self.stop_after_begun(state);
        let is_unwanted = |tasks: &ClaimedTasks| begun > 0 && tasks.is_cancelled(begun - 1);
        if state.tasks.as_ref().is_some_and(is_unwanted) {
            self.kill();
        }
    }

    pub(crate) fn count_finished(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes requests. Should the process be dead, its reading thread finds out.
    pub(crate) fn send(&self, requests: &[u8]) {
        let _: io::Result<()> = (&self.socket).write_all(requests);
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

    /// The caller holds the lock, and has checked that the process has not ended.
    fn kill(&self) {
        let Some(pid) = self.pid else { return };
        // Each worker leads a process group, so the programs that the task started are killed too.
        if kill_process_group(pid, Signal::KILL).is_err() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Reaps the process, which has closed its socket. Gives the tasks that it had, and how many of
    /// them it had begun.
    pub(crate) fn reap(&self, child: &mut Child) -> (Option<ClaimedTasks>, usize, WorkerExit) {
        self.state().ended = true;
        // Usually the process has ended already. If it has only closed its socket, it is killed,
        // since nothing could reach it any more.
        let _ = child.kill();
        let exit = worker_exit(child.wait());
        let mut state = self.state();
        let begun = self.stop_after_begun(&mut state);
        (state.tasks.take(), begun, exit)
    }
}

pub(crate) fn worker_exit(status: io::Result<ExitStatus>) -> WorkerExit {
    status.map_or(WorkerExit::new(None, None), |status| {
        WorkerExit::new(status.signal(), status.code())
    })
}

struct UnwantedWaker(Weak<Process>);

impl Wake for UnwantedWaker {
    fn wake(self: Arc<Self>) {
        let Some(process) = self.0.upgrade() else { return };
        let mut state = process.state();
        state.may_be_unwanted = true;
        // If they are in hand, the reading thread looks when it puts them back.
        if state.tasks.is_some() {
            process.end_unwanted(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn process() -> (Arc<Process>, Child, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Command::new("true").spawn().unwrap();
        let permits = Permits::send(&ours).unwrap();
        (Process::new(&child, ours, permits), child, theirs)
    }

    #[test]
    fn several_tasks_come_only_where_somebody_sees_that_the_first_is_slow() {
        let (process, mut child, _theirs) = process();
        // The thread looks for replies, and stays awake until they are sent, however late that is.
        assert!(process.expect_several() && !process.may_sleep());
        assert!(process.take_back_unbegun().is_none() && !process.may_sleep());
        process.expect_none();
        // From now on it sleeps.
        assert!(process.may_sleep());
        assert!(!process.expect_several() && process.may_sleep());
        child.wait().unwrap();
    }

    /// Whoever cancels a run takes back what the worker has not begun, and that may be all that is
    /// left: then there is no reply to wait for.
    #[test]
    fn nobody_waits_for_replies_to_what_another_thread_may_take_back() {
        let (process, mut child, _theirs) = process();
        process.state().may_have_unbegun = true;
        assert!(!process.may_sleep() && process.expect_several());
        process.expect_none();
        assert!(process.take_back_unbegun().is_none() && process.may_sleep());
        child.wait().unwrap();
    }
}
