//! Writing down what happens to runs, before anything follows from it.
//!
//! Whoever has a notification of a recorded run leaves it in the queue and goes on with other work.
//! One thread at a time commits all that is in the queue, for all runs in one transaction, and only
//! then tells the runs: the engine's writer thread, or a run's driving thread that has nothing else
//! to do. While one commits, the queue grows, so that many runs share a commit.

use std::sync::{Arc, Weak};

use crate::error::{Error, Result, StoreError};
use crate::journal::{Change, Store};
use crate::run::Notification;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, thread, wait};

/// A run that is written down.
pub(super) trait RecordedRun: Send + Sync {
    /// Leaves a notification, which is safe now, for whoever holds the run.
    fn post(&self, notification: Notification);
    /// Sees to it that the run is told what was left for it.
    fn take_up(self: Arc<Self>);
    /// Ends the run: that is recorded, and nothing more starts.
    fn cancel(self: Arc<Self>);
    /// What the run was about to be told could not be written.
    fn store_failed(self: Arc<Self>, why: &StoreError);
}

/// What follows when a change is safe.
pub(super) enum Then {
    Nothing,
    /// A run is told of it.
    Tell(Arc<dyn RecordedRun>, Notification),
    /// Somebody waits for it.
    Call(Box<dyn FnOnce(std::result::Result<(), StoreError>) + Send>),
}

pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    queue: Mutex<Queue>,
    /// The writer thread waits here.
    changed: Condvar,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
struct Queue {
    changes: Vec<Change>,
    then: Vec<Then>,
    /// Whether somebody commits.
    committing: bool,
    /// Whether somebody waits for something in the queue.
    awaited: bool,
    has_thread: bool,
    closed: bool,
    failed: Option<StoreError>,
}

impl Writer {
    pub(super) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, queue: Mutex::default(), changed: Condvar::new() })
    }

    /// Puts a change into the queue. `change` is asked for it under the lock that gives the queue
    /// its order, and must be quick.
    ///
    /// # Errors
    ///
    /// If the store has failed before; then nothing is written any more.
    pub(super) fn append(
        &self,
        change: impl FnOnce() -> (Change, Then),
    ) -> std::result::Result<(), StoreError> {
        let mut queue = lock(&self.queue);
        if let Some(why) = &queue.failed {
            return Err(why.clone());
        }
        let (change, then) = change();
        queue.awaited |= !matches!(then, Then::Nothing);
        queue.changes.push(change);
        queue.then.push(then);
        Ok(())
    }

    /// Has the writer thread commit what is awaited. Whoever cannot wait for the disk calls it
    /// after [`append`](Self::append).
    pub(super) fn commit_soon(self: &Arc<Self>) {
        let mut queue = lock(&self.queue);
        if queue.committing || !queue.awaited {
            return;
        }
        if !queue.has_thread {
            let writer = Arc::downgrade(self);
            let name = "nexus-store".to_owned();
            let thread = thread::Builder::new().name(name).spawn(move || work(&writer));
            queue.has_thread = thread.is_ok();
            if thread.is_err() {
                drop(queue);
                self.commit_now();
                return;
            }
        }
        self.changed.notify_one();
    }

    /// Commits on this thread what is awaited, unless somebody does already. Says whether it did.
    pub(super) fn commit_now(self: &Arc<Self>) -> bool {
        let queue = lock(&self.queue);
        if queue.committing || !queue.awaited {
            return false;
        }
        self.commit(queue);
        // What came meanwhile is for the writer thread: this one has its own work.
        self.commit_soon();
        true
    }

    /// Writes one change and waits until it is safe.
    pub(super) fn write(self: &Arc<Self>, change: Change) -> Result<()> {
        let done = Arc::new((Mutex::new(None), Condvar::new()));
        let told = Arc::clone(&done);
        let then = Then::Call(Box::new(move |result| {
            *lock(&told.0) = Some(result);
            told.1.notify_all();
        }));
        self.append(|| (change, then)).map_err(Error::Store)?;
        self.commit_now();
        let mut result = lock(&done.0);
        loop {
            match result.take() {
                Some(result) => return result.map_err(Error::Store),
                None => result = wait(&done.1, result),
            }
        }
    }

    /// The same for a future, which must not block its thread.
    pub(super) async fn write_async(self: &Arc<Self>, change: Change) -> Result<()> {
        type Slot = (Option<std::result::Result<(), StoreError>>, Option<std::task::Waker>);
        let done: Arc<Mutex<Slot>> = Arc::default();
        let told = Arc::clone(&done);
        let then = Then::Call(Box::new(move |result| {
            let mut slot = lock(&told);
            slot.0 = Some(result);
            let waker = slot.1.take();
            drop(slot);
            if let Some(waker) = waker {
                waker.wake();
            }
        }));
        self.append(|| (change, then)).map_err(Error::Store)?;
        self.commit_soon();
        std::future::poll_fn(|cx| {
            let mut slot = lock(&done);
            if let Some(result) = slot.0.take() {
                return std::task::Poll::Ready(result.map_err(Error::Store));
            }
            slot.1 = Some(cx.waker().clone());
            std::task::Poll::Pending
        })
        .await
    }

    /// Writes what is left, and ends the writer thread.
    pub(super) fn close(self: &Arc<Self>) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        self.changed.notify_all();
        loop {
            if queue.committing {
                queue = wait(&self.changed, queue);
            } else if queue.changes.is_empty() {
                return;
            } else {
                self.commit(queue);
                queue = lock(&self.queue);
            }
        }
    }

    /// Commits what is in the queue, and tells whoever waits for it.
    fn commit(&self, mut queue: MutexGuard<'_, Queue>) {
        let changes = std::mem::take(&mut queue.changes);
        let then = std::mem::take(&mut queue.then);
        let failed = queue.failed.clone();
        (queue.awaited, queue.committing) = (false, true);
        drop(queue);
        let result = match failed {
            Some(why) => Err(why),
            // A store of the user's may panic.
            None => crate::panic::contain(|| self.store.commit(&changes))
                .unwrap_or_else(|panic| Err(StoreError::io("the store panicked", panic))),
        };
        // Posted before the next one commits, so that each run is told in the order of its records.
        let mut runs: Vec<Arc<dyn RecordedRun>> = Vec::new();
        let mut calls = Vec::new();
        for then in then {
            match then {
                Then::Nothing => {}
                Then::Call(call) => calls.push(call),
                Then::Tell(run, notification) => {
                    match &result {
                        Ok(()) => run.post(notification),
                        Err(_) => crate::panic::drop_quietly(notification),
                    }
                    if !runs.iter().any(|known| Arc::ptr_eq(known, &run)) {
                        runs.push(run);
                    }
                }
            }
        }
        let mut queue = lock(&self.queue);
        queue.committing = false;
        if let Err(why) = &result {
            queue.failed.get_or_insert_with(|| why.clone());
        }
        if queue.closed {
            self.changed.notify_all();
        }
        drop(queue);
        for call in calls {
            call(result.clone());
        }
        for run in runs {
            match &result {
                Ok(()) => run.take_up(),
                Err(why) => run.store_failed(why),
            }
        }
    }
}

/// What the writer thread does: it commits whenever somebody waits for something.
fn work(writer: &Weak<Writer>) {
    while let Some(writer) = writer.upgrade() {
        let mut queue = lock(&writer.queue);
        while queue.committing || !queue.awaited {
            if queue.closed && queue.changes.is_empty() {
                return;
            }
            queue = wait(&writer.changed, queue);
        }
        writer.commit(queue);
    }
}
