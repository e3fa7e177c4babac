//! Waking whoever drives a run.

use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use super::mailbox::{Contents, Mailbox};
use crate::executor::while_blocked;
use crate::sync::{MutexGuard, thread, wait, wait_timeout};

/// How often the driving thread looks for a notice before it sleeps, which makes some microseconds.
const LOOKS_BEFORE_SLEEP: usize = if cfg!(shuttle) { 0 } else { 64 };

impl Mailbox {
    /// Has the future that drives the run woken by this. Wakers are the runtime's code, even their
    /// drop.
    pub(super) fn leave_waker(&self, waker: Waker) {
        let mut contents = self.lock();
        let old = contents.leave_waker(waker);
        drop(contents);
        drop(old);
    }

    /// Wakes whoever drives the run. A waker is the runtime's code, and may do anything.
    pub(super) fn notify(&self, mut contents: MutexGuard<'_, Contents>) {
        let (waker, sleeps) = (contents.waker.take(), contents.driver_sleeps);
        self.exchange().notices.fetch_add(1, Ordering::Release);
        drop(contents);
        if let Some(waker) = waker {
            waker.wake();
        } else if sleeps {
            self.exchange().changed.notify_one();
        }
    }

    /// Waits a moment for a notice without sleep, and lets other threads have the processor
    /// meanwhile: to be woken takes as long.
    pub(super) fn await_notice<'a>(
        &'a self,
        contents: MutexGuard<'a, Contents>,
    ) -> MutexGuard<'a, Contents> {
        let seen = self.exchange().notices.load(Ordering::Acquire);
        drop(contents);
        for _ in 0..LOOKS_BEFORE_SLEEP {
            if self.exchange().notices.load(Ordering::Acquire) != seen {
                break;
            }
            thread::yield_now();
        }
        self.lock()
    }

    /// Sleeps until there is a notice, so long at most.
    pub(super) fn sleep<'a>(
        &self,
        mut contents: MutexGuard<'a, Contents>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, Contents> {
        contents.driver_sleeps = true;
        // This thread may be a pool's worker, if an event runs a pipeline.
        contents = while_blocked(|| match limit {
            None => wait(&self.exchange().changed, contents),
            Some(time) => wait_timeout(&self.exchange().changed, contents, time),
        });
        contents.driver_sleeps = false;
        contents
    }
}

impl Contents {
    /// The same where the lock is held already. Gives the waker that was left before, to be dropped
    /// without it.
    pub(super) fn leave_waker(&mut self, waker: Waker) -> Option<Waker> {
        self.is_driven_by_future = true;
        self.waker.replace(waker)
    }
}
