//! Writing down what happens to runs, before anything follows from it.
//!
//! Whoever has a notification of a recorded run leaves it in the queue and goes on with other work.
//! One thread at a time commits all that is in the queue, for all runs in one transaction, and only
//! then tells the runs: the engine's writer thread, or a run's driving thread that has nothing else
//! to do. While one commits, the queue grows, so that many runs share a commit.

#![cfg_attr(
    not(shuttle),
    expect(clippy::missing_const_for_thread_local, reason = "shuttle's macro has no such form")
)]

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::activity::RunActivity;
use crate::address::StepAddress;
use crate::cancel::Gone;
use crate::error::{Error, Result, StoreError};
use crate::journal::{Answer, Change, Store};
use crate::observe::Observer;
use crate::run::{CancelCause, Look, Notification};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, thread, thread_local, wait};

thread_local! {
    /// The writer, as its address, whose queue this thread commits before it waits for anything.
    static COMMITTER_OF: Cell<usize> = Cell::new(0);
}

/// The queue has room for so many changes at once, at about 300 bytes each.
const MOST_EXPECTED: usize = 256;

/// A run that is written down.
pub(super) trait RecordedRun: Send + Sync {
    /// Leaves a notification, which is safe now, for whoever holds the run.
    fn post(&self, notification: Notification);
    /// Sees to it that the run is told what was left for it.
    fn take_up(self: Arc<Self>);
    /// Ends the run: that is recorded, and nothing more starts.
    fn cancel(self: Arc<Self>, cause: CancelCause);
    /// The run whose event has begun it has gone.
    fn go_with_parent(self: Arc<Self>, gone: Gone);
    /// How it has gone itself, if it has.
    fn gone(&self) -> Option<Gone>;
    /// Has whoever holds the run call `look`, which is dropped instead if the run is over.
    fn have_looked_at(self: Arc<Self>, look: Look);
    /// Says how a task ended that is pending, and waits until that is safe and the run was told.
    /// `None` if the run is over, or is being left.
    fn resolve(self: Arc<Self>, address: &StepAddress, answer: Answer<'_>) -> Option<Result<()>>;
    /// What it does at the moment.
    fn activity(&self) -> Option<RunActivity>;
    /// What the run was about to be told could not be written.
    fn store_failed(self: Arc<Self>, why: &StoreError);
}

/// What follows when a change is safe.
pub(super) enum Then {
    Nothing,
    /// A run is told of it.
    Tell(Arc<dyn RecordedRun>, Notification),
    /// Somebody waits for it.
    Call(Box<dyn FnOnce(Written) + Send>),
}

/// Something in the queue.
pub(super) struct Entry {
    /// Nothing, where somebody only waits for what is before it.
    pub(super) change: Option<Change>,
    pub(super) then: Then,
}

impl Entry {
    pub(super) fn new(change: Change, then: Then) -> Self {
        Self { change: Some(change), then }
    }
}

pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    /// Who is told of commits.
    observers: Vec<Arc<dyn Observer>>,
    queue: Mutex<Queue>,
    /// The writer thread waits here.
    changed: Condvar,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is something else")]
struct Queue {
    entries: Entries,
    /// Whether somebody commits.
    committing: bool,
    /// Whether somebody waits for something in the queue.
    awaited: bool,
    has_thread: bool,
    /// The writer thread, for whoever waits for its end.
    thread: Option<thread::JoinHandle<()>>,
    closed: bool,
    /// How often somebody has committed.
    commits: u64,
    failed: Option<StoreError>,
}

/// What is in the queue, in its order: as the store takes it, and what follows.
#[derive(Default)]
struct Entries {
    changes: Vec<Change>,
    /// With the place of the change, if there is one.
    then: Vec<(Option<usize>, Then)>,
}

impl Entries {
    fn push(&mut self, Entry { change, then }: Entry) {
        let place = change.is_some().then_some(self.changes.len());
        self.then.push((place, then));
        self.changes.extend(change);
    }

    fn is_empty(&self) -> bool {
        self.then.is_empty()
    }

    /// Takes all of it. What comes next probably is about as much.
    fn take(&mut self) -> Self {
        let next = Self {
            changes: Vec::with_capacity(self.changes.len().min(MOST_EXPECTED)),
            then: Vec::with_capacity(self.then.len().min(MOST_EXPECTED)),
        };
        std::mem::replace(self, next)
    }
}

impl Writer {
    pub(super) fn new(store: Arc<dyn Store>, observers: Vec<Arc<dyn Observer>>) -> Arc<Self> {
        Arc::new(Self { store, observers, queue: Mutex::default(), changed: Condvar::new() })
    }

    /// One without a thread: somebody else commits what is awaited.
    pub(super) fn without_thread(
        store: Arc<dyn Store>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Arc<Self> {
        let writer = Self::new(store, observers);
        lock(&writer.queue).has_thread = true;
        writer
    }

    /// Whether somebody waits for a commit, and nobody makes one.
    pub(super) fn is_awaited(&self) -> bool {
        let queue = lock(&self.queue);
        queue.awaited && !queue.committing
    }

    /// Puts a change into the queue, if `change` gives one. It is asked under the lock that gives
    /// the queue its order, and must be quick. Says whether it gave one.
    ///
    /// # Errors
    ///
    /// If the store has failed before; then nothing is written any more.
    pub(super) fn append(
        &self,
        change: impl FnOnce() -> Option<Entry>,
    ) -> std::result::Result<bool, StoreError> {
        let mut queue = lock(&self.queue);
        if let Some(why) = &queue.failed {
            return Err(why.clone());
        }
        let Some(entry) = change() else { return Ok(false) };
        queue.awaited |= !matches!(entry.then, Then::Nothing);
        queue.entries.push(entry);
        Ok(true)
    }

    /// Calls `look` under the lock that gives the queue its order.
    pub(super) fn between_appends<T>(&self, look: impl FnOnce() -> T) -> T {
        let _queue = lock(&self.queue);
        look()
    }

    /// Calls `then` when all that is in the queue now has been committed, or has failed.
    pub(super) fn after_all(self: &Arc<Self>, then: impl FnOnce(Written) + Send + 'static) {
        let mut queue = lock(&self.queue);
        if queue.failed.is_some() || (queue.entries.is_empty() && !queue.committing) {
            drop(queue);
            return then(Ok(()));
        }
        queue.awaited = true;
        queue.entries.push(Entry { change: None, then: Then::Call(Box::new(then)) });
        drop(queue);
        self.commit_soon();
    }

    /// Why nothing is written any more, if that is so.
    pub(super) fn check(&self) -> Result<()> {
        lock(&self.queue).failed.clone().map_or(Ok(()), |why| Err(Error::Store(why)))
    }

    /// Whether this thread commits by itself before it waits for anything.
    pub(super) fn has_committer_here(&self) -> bool {
        COMMITTER_OF.try_with(Cell::get) == Ok(std::ptr::from_ref(self).addr())
    }

    /// How often somebody has committed.
    pub(super) fn commits(&self) -> u64 {
        lock(&self.queue).commits
    }

    /// Has the writer thread commit what is awaited. Whoever cannot wait for the disk calls it
    /// after [`append`](Self::append).
    pub(super) fn commit_soon(self: &Arc<Self>) {
        if self.has_committer_here() {
            return;
        }
        let mut queue = lock(&self.queue);
        if queue.committing || !queue.awaited {
            return;
        }
        if !queue.has_thread {
            let writer = Arc::downgrade(self);
            let name = "nexus-store".to_owned();
            let thread = thread::Builder::new().name(name).spawn(move || work(&writer));
            queue.has_thread = thread.is_ok();
            queue.thread = thread.ok();
            if !queue.has_thread {
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
        self.queue(change)?.wait()
    }

    /// Puts one change into the queue, for this thread to wait for later, and commits nothing yet.
    pub(super) fn queue(self: &Arc<Self>, change: Change) -> Result<Queued> {
        let done = Arc::new((Mutex::new(None), Condvar::new()));
        let told = Arc::clone(&done);
        let then = Then::Call(Box::new(move |result| {
            *lock(&told.0) = Some(result);
            told.1.notify_all();
        }));
        self.append(|| Some(Entry::new(change, then))).map_err(Error::Store)?;
        Ok(Queued { writer: Arc::clone(self), done })
    }

    /// The same for a future, which must not block its thread.
    pub(super) async fn write_async(self: &Arc<Self>, change: Change) -> Result<()> {
        type Slot = (Option<Written>, Option<std::task::Waker>);
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
        self.append(|| Some(Entry::new(change, then))).map_err(Error::Store)?;
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

    /// Writes what is left, and ends the writer thread, unless it is this one.
    pub(super) fn close(self: &Arc<Self>) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        self.changed.notify_all();
        loop {
            if queue.committing {
                queue = wait(&self.changed, queue);
            } else if queue.entries.is_empty() {
                break;
            } else {
                self.commit(queue);
                queue = lock(&self.queue);
            }
        }
        let thread = queue.thread.take();
        drop(queue);
        // What it still tells keeps the store from being free.
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }

    /// Commits what is in the queue, and tells whoever waits for it.
    fn commit(&self, mut queue: MutexGuard<'_, Queue>) {
        let Entries { changes, then } = queue.entries.take();
        let failed = queue.failed.clone();
        (queue.awaited, queue.committing) = (false, true);
        queue.commits += 1;
        drop(queue);
        let results = match failed {
            Some(why) => Results { all: Err(why), refused: Vec::new() },
            None => self.write_all(&changes),
        };
        // Posted before the next one commits, so that each run is told in the order of its records.
        let mut runs: Vec<(Arc<dyn RecordedRun>, Written)> = Vec::with_capacity(then.len());
        let mut calls = Vec::new();
        for (place, then) in then {
            let result = results.of(place.and_then(|place| changes.get(place)));
            match then {
                Then::Nothing => {}
                Then::Call(call) => calls.push((call, result)),
                Then::Tell(run, notification) => {
                    match &result {
                        Ok(()) => run.post(notification),
                        Err(_) => crate::panic::drop_quietly(notification),
                    }
                    // Whoever is asked to take up what it has taken up already has nothing to do.
                    if runs.last().is_none_or(|(known, _)| !Arc::ptr_eq(known, &run)) {
                        runs.push((run, result));
                    }
                }
            }
        }
        let mut queue = lock(&self.queue);
        queue.committing = false;
        if let Err(why) = results.all {
            queue.failed.get_or_insert(why);
        }
        if queue.closed {
            self.changed.notify_all();
        } else if queue.awaited && !self.has_committer_here() {
            // What comes now may take a while, and is not to be waited for.
            self.changed.notify_one();
        }
        drop(queue);
        for (call, result) in calls {
            // It may be a waker, which is the runtime's code.
            let _ = crate::panic::contain(|| call(result));
        }
        for (run, result) in runs {
            match result {
                Ok(()) => run.take_up(),
                Err(why) => run.store_failed(&why),
            }
        }
    }

    /// Writes the changes. What the store refuses leaves nothing behind and says nothing of the
    /// others: they are written run by run then.
    fn write_all(&self, changes: &[Change]) -> Results {
        let mut results = Results { all: Ok(()), refused: Vec::new() };
        match self.write_batch(changes) {
            Ok(()) => {}
            Err(StoreError::Refused(_)) => {
                let mut keys: Vec<&Arc<str>> = changes.iter().map(Change::key).collect();
                keys.sort_unstable();
                keys.dedup();
                for key in keys {
                    let own = changes.iter().filter(|change| change.key() == key);
                    let own: Vec<Change> = own.cloned().collect();
                    match self.write_batch(&own) {
                        Ok(()) => {}
                        Err(why @ StoreError::Refused(_)) => {
                            results.refused.push((Arc::clone(key), why));
                        }
                        Err(why) => results.all = Err(why),
                    }
                }
            }
            Err(why) => results.all = Err(why),
        }
        results
    }

    fn write_batch(&self, changes: &[Change]) -> Written {
        if changes.is_empty() {
            return Ok(());
        }
        let begin = Instant::now();
        // A store of the user's may panic.
        let written = crate::panic::contain(|| self.store.commit(changes))
            .unwrap_or_else(|panic| Err(StoreError::io("the store panicked", panic)));
        let took = begin.elapsed();
        for observer in &self.observers {
            let told = written.as_ref().copied();
            _ = crate::panic::contain(|| observer.store_committed(changes.len(), took, told));
        }
        written
    }
}

type Written = std::result::Result<(), StoreError>;

/// A change in the queue, for whoever waits until it is safe.
pub(super) struct Queued {
    writer: Arc<Writer>,
    done: Arc<(Mutex<Option<Written>>, Condvar)>,
}

impl Queued {
    /// Commits what is in the queue, unless somebody does already, and waits until this is safe.
    pub(super) fn wait(self) -> Result<()> {
        self.writer.commit_now();
        let (result, is_set) = &*self.done;
        let mut result = lock(result);
        loop {
            match result.take() {
                Some(result) => return result.map_err(Error::Store),
                None => result = wait(is_set, result),
            }
        }
    }
}

/// What came of a batch.
struct Results {
    /// Without it nothing is safe.
    all: Written,
    /// The runs of which something was refused.
    refused: Vec<(Arc<str>, StoreError)>,
}

impl Results {
    fn of(&self, change: Option<&Change>) -> Written {
        self.all.clone()?;
        let key = change.map(Change::key);
        let refused = self.refused.iter().find(|(refused, _)| Some(refused) == key);
        refused.map_or(Ok(()), |(_, why)| Err(why.clone()))
    }
}

/// Calls `work` on a thread that commits by itself before it waits for anything.
pub(super) fn as_committer_of<T>(writer: &Weak<Writer>, work: impl FnOnce() -> T) -> T {
    with_committer_of(writer.as_ptr().addr(), work)
}

/// Whether this thread commits by itself before it waits for anything.
pub(super) fn is_committer_of(writer: &Weak<Writer>) -> bool {
    COMMITTER_OF.try_with(Cell::get) == Ok(writer.as_ptr().addr())
}

/// Calls `work`, which may wait for anything, on whatever thread this is.
pub(super) fn without_committer<T>(work: impl FnOnce() -> T) -> T {
    with_committer_of(0, work)
}

/// Calls `work` with this thread the committer of the writer with this address.
fn with_committer_of<T>(writer: usize, work: impl FnOnce() -> T) -> T {
    /// Says what the thread was before, also where `work` panics.
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _ = COMMITTER_OF.try_with(|known| known.set(self.0));
        }
    }
    let before = COMMITTER_OF.try_with(|known| known.replace(writer));
    let _restore = Restore(before.unwrap_or(0));
    work()
}

/// What the writer thread does: it commits whenever somebody waits for something.
fn work(writer: &Weak<Writer>) {
    while let Some(writer) = writer.upgrade() {
        let mut queue = lock(&writer.queue);
        while queue.committing || !queue.awaited {
            if queue.closed && queue.entries.is_empty() {
                return;
            }
            queue = wait(&writer.changed, queue);
        }
        writer.commit(queue);
    }
}
