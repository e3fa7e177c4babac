//! Telling a task that its result is no longer wanted, and the runs inside of it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context as PollContext, Waker};

use crate::sync::{Mutex, lock};

const RUNNING: u8 = 1;
const RAISED: u8 = 2;
const ENDED: u8 = 4;

/// What a task and whoever runs it share: whether its body runs, and whether its result is still
/// wanted.
pub(crate) struct Token {
    state: AtomicU8,
    waker: Mutex<Option<Waker>>,
    pub(crate) children: Children,
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl Token {
    /// The token of a task that is wanted and does not run yet.
    pub(crate) const fn new() -> Self {
        Self { state: AtomicU8::new(0), waker: Mutex::new(None), children: Children::new() }
    }

    /// The body is about to run. `false` if its result is not wanted any more.
    pub(crate) fn start(&self) -> bool {
        self.state.fetch_or(RUNNING, Ordering::AcqRel) & RAISED == 0
    }

    /// The body has not begun after all. `false` if its result is not wanted any more.
    #[cfg(feature = "wire")]
    pub(crate) fn withdraw(&self) -> bool {
        self.state.fetch_and(!RUNNING, Ordering::AcqRel) & RAISED == 0
    }

    /// The body has ended. `false` if its result is not wanted any more.
    pub(crate) fn end(&self) -> bool {
        self.state.fetch_or(ENDED, Ordering::AcqRel) & RAISED == 0
    }

    /// The result is not wanted any more. Says whether the body runs.
    pub(crate) fn raise(&self) -> bool {
        let running = self.state.fetch_or(RAISED, Ordering::AcqRel) & (RUNNING | ENDED) == RUNNING;
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
        self.children.cancel();
        running
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.state.load(Ordering::Acquire) & RAISED != 0
    }

    /// Calls the waker when the token is raised; at once if it is already. A new waker replaces
    /// the old one.
    pub(crate) fn on_raise(&self, waker: &Waker) {
        let mut slot = lock(&self.waker);
        if !slot.as_ref().is_some_and(|old| old.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
        // The flag is set before the waker is taken, so one of the two sees the other.
        if self.is_raised()
            && let Some(waker) = slot.take()
        {
            drop(slot);
            waker.wake();
        }
    }
}

impl Token {
    /// Has whoever polls a body woken when its result is no longer wanted. Says whether that is so
    /// already.
    pub(crate) fn is_unwanted(&self, cx: &PollContext<'_>) -> bool {
        self.on_raise(cx.waker());
        self.is_raised()
    }
}

/// A run inside of a task or of another run, or something else that goes with it.
pub(crate) trait ChildRun: Send + Sync {
    /// It is a part of a task now, and goes on as long as the task does.
    fn adopted(&self) {}

    /// The parent is cancelled.
    fn cancel_with_parent(self: Arc<Self>);

    /// The parent is not wanted now, and may come back: a run that is recorded stays where it is,
    /// any other is cancelled.
    fn leave_with_parent(self: Arc<Self>);
}

/// How a task or a run went, and its children with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Cancelled,
    Left,
}

/// The runs that are cancelled together with a task or a run.
pub(crate) struct Children(Mutex<Vec<Child>>);

struct Child {
    run: Weak<dyn ChildRun>,
    /// Whether it is left where its parent is cancelled.
    stays: bool,
}

impl Children {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Adds a run; one that `stays` is left where others are cancelled. If the parent has gone
    /// already, so has the run.
    pub(crate) fn add(
        &self,
        run: Weak<dyn ChildRun>,
        stays: bool,
        gone: impl Fn() -> Option<Gone>,
    ) {
        let mut children = lock(&self.0);
        // A parent may run many, one after the other.
        children.retain(|known| known.run.strong_count() > 0);
        children.push(Child { run, stays });
        drop(children);
        // The parent is marked before its list is taken, so one of the two sees the other.
        if let Some(gone) = gone() {
            self.go(gone);
        }
    }

    /// The parent is marked as cancelled.
    pub(crate) fn cancel(&self) {
        self.go(Gone::Cancelled);
    }

    /// The parent is marked as gone.
    pub(crate) fn go(&self, gone: Gone) {
        let children = std::mem::take(&mut *lock(&self.0));
        for Child { run, stays } in children {
            let Some(run) = run.upgrade() else { continue };
            if stays || gone == Gone::Left {
                run.leave_with_parent();
            } else {
                run.cancel_with_parent();
            }
        }
    }
}
