//! Which task this thread is running, so that a run which its body starts is cancelled with it.

#![cfg_attr(
    not(shuttle),
    expect(clippy::missing_const_for_thread_local, reason = "shuttle's macro has no such form")
)]

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use crate::cancel::{ChildRun, Gone, Token};
use crate::context::{Context, Nest, RunInfo};
use crate::sync::thread_local;

thread_local! {
    static CURRENT: RefCell<Option<CurrentTask>> = RefCell::new(None);
}

/// The task of a thread: its run, and its token where it has one.
pub(crate) struct CurrentTask {
    pub(crate) run: Arc<RunInfo>,
    pub(crate) token: Option<Arc<Token>>,
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is recorded"))]
    nest: Option<Arc<Nest>>,
}

impl CurrentTask {
    /// A task of this run that has no token.
    pub(crate) fn of(run: Arc<RunInfo>) -> Self {
        Self { run, token: None, nest: None }
    }

    /// The task of this context.
    pub(crate) fn of_context(context: &Context) -> Self {
        let (token, nest) = (context.token.clone(), context.nest.clone());
        Self { run: Arc::clone(&context.run), token, nest }
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

/// The key of the recorded run that this thread is running a task of, if it does.
#[cfg(feature = "durable")]
pub(crate) fn recorded_run() -> Option<Arc<str>> {
    CURRENT.with(|current| current.borrow().as_ref()?.run.key.clone())
}

/// The key of the next run that begins inside of the task that this thread is running, if that is
/// one of a recorded run.
#[cfg(feature = "durable")]
pub(crate) fn next_key() -> Option<Arc<str>> {
    let nested = CURRENT.with(|current| {
        let current = current.borrow();
        let task = current.as_ref()?;
        Some((Arc::clone(task.nest.as_ref()?), Arc::clone(&task.run)))
    });
    nested.map(|(nest, run)| nest.next_key(&run))
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
    run.children.add(child.clone(), false, || run.gone());
    if let Some(token) = token {
        // Another attempt may come back to a run that is recorded.
        let stays = run.key.is_some();
        let gone = || token.is_raised().then_some(Gone::Cancelled);
        token.children.add(child, stays, gone);
    }
}
