//! Which task this thread is running, so that a run which its body starts is cancelled with it.

#![cfg_attr(
    not(shuttle),
    expect(clippy::missing_const_for_thread_local, reason = "shuttle's macro has no such form")
)]

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::cancel::{ChildRun, Token};
use crate::context::{Context, RunInfo};
use crate::sync::thread_local;

thread_local! {
    static CURRENT: RefCell<Option<CurrentTask>> = RefCell::new(None);
}

/// The task of a thread: its run, and its token where it has one.
pub(crate) struct CurrentTask {
    pub(crate) run: Arc<RunInfo>,
    pub(crate) token: Option<Arc<Token>>,
}

impl CurrentTask {
    /// A task of this run that has no token.
    pub(crate) fn of(run: Arc<RunInfo>) -> Self {
        Self { run, token: None }
    }

    /// The task of this context.
    pub(crate) fn of_context(context: &Context) -> Self {
        Self { run: Arc::clone(&context.run), token: context.token.clone() }
    }
}

/// Calls `body`, which runs this task; any other one is this thread's again afterwards.
#[inline]
pub(crate) fn running<T>(task: CurrentTask, body: impl FnOnce() -> T) -> T {
    running_again(&mut Some(task), body)
}

/// The same for a task that is lent, and is there to be lent again afterwards.
#[inline]
pub(crate) fn running_again<T>(task: &mut Option<CurrentTask>, body: impl FnOnce() -> T) -> T {
    /// Puts the other task back, also where `body` panics.
    struct Restore<'a>(&'a mut Option<CurrentTask>);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            swap(self.0);
        }
    }
    swap(task);
    let _restore = Restore(task);
    body()
}

/// Exchanges the thread's task for this one. The thread may be about to end; then nobody asks any
/// more.
fn swap(task: &mut Option<CurrentTask>) {
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), task));
}

/// Whether this thread is running a task.
pub(crate) fn is_running() -> bool {
    CURRENT.with(|current| current.borrow().is_some())
}

/// Whether this thread is running a task of the run with this id.
#[cfg(feature = "durable")]
pub(crate) fn is_inside(run: crate::context::RunId) -> bool {
    let id = CURRENT.with(|current| current.borrow().as_ref().map(|task| task.run.id));
    id == Some(run)
}

/// Has the run cancelled together with the task that this thread is running, if there is one.
pub(crate) fn adopt<R: ChildRun + 'static>(child: &Arc<R>) {
    let parent = CURRENT.with(|current| {
        let current = current.borrow();
        current.as_ref().map(|task| (Arc::clone(&task.run), task.token.clone()))
    });
    let Some((run, token)) = parent else { return };
    child.adopted();
    let child: Weak<R> = Arc::downgrade(child);
    run.children.add(child.clone(), || run.is_cancelled());
    if let Some(token) = token {
        token.children.add(child, || token.is_raised());
    }
}
