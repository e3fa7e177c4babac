//! The threads that drive recorded runs in the background: a few of them for all runs.
//!
//! A run in the background is a task: a future that one of the threads polls whenever something has
//! happened to the run. A thread that finds no task ready commits what the runs have brought, which
//! makes tasks ready again. So a lone run stays on its thread, and many runs share their commits
//! without a switch between threads for each of them.
//!
//! The bodies of plain events run here as well, and may take long, or wait for another run that is
//! still to be driven. Nothing waits behind them: a body that is known to be slow, or of which
//! nothing is known yet, has another thread look after what is ready, and the writer's own thread
//! commit what is not safe yet. For a body that turns out to be slow the watch does both a moment
//! later. There are as many threads as processors until such a body makes others necessary.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context as PollContext, Poll, Wake, Waker};
use std::thread::available_parallelism;
use std::time::Duration;

use super::timer::Timer;
use super::writer::{Writer, as_committer_of, is_committer_of, without_committer};
use crate::error::{Error, Result};
use crate::panic;
use crate::sync::{Condvar, Mutex, MutexGuard, lock, thread, wait, wait_timeout};

/// A run that is driven; it says by itself how it ended.
type Driving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body of so many nanoseconds is slow: to wake a thread takes as long.
const SLOW_NANOS: u32 = 10_000;

/// How soon the watch looks for what waits behind a body.
const LOOK_AFTER: Duration = Duration::from_millis(1);

/// Bodies that take so many nanoseconds together are shared with another thread. Of fewer it costs
/// more than it saves: a thread is woken after every commit, and the two wait for each other's locks.
const WORTH_SHARING_NANOS: usize = 100_000;

/// Of a body that takes fewer nanoseconds one does not look whether there are enough to share.
const SHARED_NANOS: u32 = 1_000;

/// How long a thread beyond the usual ones waits for another body that needs it.
const KEEP: Duration = Duration::from_secs(2);

pub(super) struct Drivers {
    /// Not kept, so that the store is closed where the engine ends.
    writer: Weak<Writer>,
    /// By the system's clock.
    timer: Arc<Timer>,
    state: Mutex<State>,
    /// There is a task for an idle thread, or an end.
    changed: Condvar,
    /// Whether the watch is going to look.
    is_watched: AtomicBool,
    /// How many threads are in a body.
    in_bodies: AtomicUsize,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Arc<Task>>,
    /// The threads, for whoever waits for their end.
    handles: Vec<thread::JoinHandle<()>>,
    threads: usize,
    idle: usize,
    /// So many of the idle ones were called.
    called: usize,
    /// How many tasks were ever taken to be polled.
    taken: u64,
    closed: bool,
}

impl Drivers {
    pub(super) fn new(writer: &Arc<Writer>, timer: &Arc<Timer>) -> Arc<Self> {
        Arc::new(Self {
            writer: Arc::downgrade(writer),
            timer: Arc::clone(timer),
            state: Mutex::default(),
            changed: Condvar::new(),
            is_watched: AtomicBool::new(false),
            in_bodies: AtomicUsize::new(0),
        })
    }

    /// Drives a run until it is over.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub(super) fn drive(
        self: &Arc<Self>,
        run: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let mut state = lock(&self.state);
        if state.threads == 0 {
            self.spawn(&mut state).map_err(|error| {
                Error::Engine(format!("the system has no thread for the run: {error}"))
            })?;
        }
        drop(state);
        let place = Mutex::new(Place::Queued(Box::pin(run)));
        self.push(Arc::new(Task { place, drivers: Arc::clone(self) }));
        Ok(())
    }

    /// Runs a body that is expected to take so many nanoseconds. Nothing waits for it but its run.
    pub(super) fn run_body<T>(self: &Arc<Self>, expected: u32, body: impl FnOnce() -> T) -> T {
        /// Counts the thread back, also where the body panics.
        struct InBody<'a>(&'a AtomicUsize);
        impl Drop for InBody<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.in_bodies.fetch_add(1, Ordering::AcqRel);
        let _in_body = InBody(&self.in_bodies);
        without_committer(|| {
            if expected >= SLOW_NANOS {
                let state = lock(&self.state);
                if !state.ready.is_empty() {
                    self.call(state);
                }
                self.commit_soon();
            } else {
                self.watch();
                self.share(expected);
            }
            body()
        })
    }

    /// Has another thread called for bodies that take so many nanoseconds each, if there are enough of
    /// them.
    fn share(self: &Arc<Self>, expected: u32) {
        if expected < SHARED_NANOS {
            return;
        }
        let state = lock(&self.state);
        if state.ready.len().saturating_mul(expected as usize) >= WORTH_SHARING_NANOS {
            self.call(state);
        }
    }

    /// Ends the threads, of which there is nothing left to be driven, and waits for them; but not for
    /// this one.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let handles = std::mem::take(&mut state.handles);
        drop(state);
        self.changed.notify_all();
        let this = thread::current().id();
        for handle in handles.into_iter().filter(|handle| handle.thread().id() != this) {
            let _ = handle.join();
        }
    }

    fn commit_soon(&self) {
        if let Some(writer) = self.writer.upgrade() {
            writer.commit_soon();
        }
    }

    /// How often somebody has committed.
    fn commits(&self) -> u64 {
        self.writer.upgrade().map_or(0, |writer| writer.commits())
    }

    /// A task is ready.
    fn push(self: &Arc<Self>, task: Arc<Task>) {
        let mut state = lock(&self.state);
        state.ready.push_back(task);
        // A driver that is in no body is about to look by itself.
        if !is_committer_of(&self.writer) {
            self.call(state);
        }
    }

    /// Has one more thread look for tasks.
    fn call(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.idle > state.called {
            state.called += 1;
            drop(state);
            self.changed.notify_one();
        } else if state.threads >= usual_threads() || self.spawn(&mut state).is_err() {
            drop(state);
            self.watch();
        }
    }

    fn spawn(self: &Arc<Self>, state: &mut MutexGuard<'_, State>) -> std::io::Result<()> {
        let drivers = Arc::clone(self);
        let builder = thread::Builder::new().name("nexus-driver".to_owned());
        let handle = builder.spawn(move || drivers.work())?;
        state.handles.push(handle);
        state.threads += 1;
        Ok(())
    }

    /// What a thread does.
    fn work(self: &Arc<Self>) {
        as_committer_of(&self.writer, || {
            while let Some(task) = self.next() {
                task.poll();
            }
        });
    }

    /// The next task that is ready; commits and waits until there is one. `None` if the thread is to
    /// end.
    fn next(self: &Arc<Self>) -> Option<Arc<Task>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(task) = state.ready.pop_front() {
                state.taken += 1;
                drop(state);
                self.watch();
                return Some(task);
            }
            if state.closed {
                break;
            }
            drop(state);
            let committed = self.writer.upgrade().is_some_and(|writer| writer.commit_now());
            state = lock(&self.state);
            if committed || !state.ready.is_empty() || state.closed {
                continue;
            }
            let is_extra = state.threads - state.idle > 1 && state.idle >= usual_threads();
            state.idle += 1;
            state = if is_extra {
                wait_timeout(&self.changed, state, KEEP)
            } else {
                wait(&self.changed, state)
            };
            state.idle -= 1;
            let was_called = state.called > 0;
            state.called = state.called.saturating_sub(1);
            if is_extra && !was_called && state.ready.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        let this = thread::current().id();
        state.handles.retain(|handle| handle.thread().id() != this);
        None
    }

    /// Has the watch look in a moment, if it is not going to.
    fn watch(self: &Arc<Self>) {
        // The model checker has no time that passes.
        if cfg!(shuttle)
            || self.is_watched.load(Ordering::Acquire)
            || self.is_watched.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let (taken, commits) = (lock(&self.state).taken, self.commits());
        let drivers = Arc::downgrade(self);
        self.timer.set_after(LOOK_AFTER, move || {
            if let Some(drivers) = drivers.upgrade() {
                drivers.look(taken, commits);
            }
        });
    }

    /// Finds threads for what has waited since so many tasks had been taken and so many commits
    /// been made.
    fn look(self: &Arc<Self>, taken: u64, commits: u64) {
        self.is_watched.store(false, Ordering::Release);
        if self.commits() == commits {
            self.commit_soon();
        }
        let is_awaited = self.writer.upgrade().is_some_and(|writer| writer.is_awaited());
        let mut state = lock(&self.state);
        if state.closed {
            return;
        }
        let waiting = state.ready.len();
        if waiting > 0 && state.taken == taken {
            // Twice as many each time, for as long as that does not help.
            for _ in 0..waiting.min(state.threads) {
                if state.idle > state.called {
                    state.called += 1;
                    self.changed.notify_one();
                } else if self.spawn(&mut state).is_err() {
                    break;
                }
            }
        }
        let working = state.threads - state.idle;
        drop(state);
        if waiting > 0 || is_awaited || working > self.in_bodies.load(Ordering::Acquire) {
            self.watch();
        }
    }
}

/// As many threads as this are enough for bodies that compute.
fn usual_threads() -> usize {
    static PROCESSORS: std::sync::LazyLock<usize> =
        std::sync::LazyLock::new(|| available_parallelism().map_or(1, usize::from));
    *PROCESSORS
}

/// A run in the background, for the threads that drive it.
struct Task {
    place: Mutex<Place>,
    drivers: Arc<Drivers>,
}

/// Where a run's future is.
enum Place {
    /// Here, until somebody wakes it.
    Waiting(Driving),
    /// Here, and the task is in the queue.
    Queued(Driving),
    /// With a thread that polls it, and looks again if it was woken meanwhile.
    Polled { woken: bool },
    /// The run is over.
    Over,
}

impl Task {
    fn poll(self: Arc<Self>) {
        let mut place = lock(&self.place);
        let mut future = match std::mem::replace(&mut *place, Place::Polled { woken: false }) {
            Place::Queued(future) => future,
            other => {
                *place = other;
                return;
            }
        };
        drop(place);
        let waker = Waker::from(Arc::clone(&self));
        let mut context = PollContext::from_waker(&waker);
        let polled = panic::contain(|| future.as_mut().poll(&mut context));
        if !matches!(polled, Ok(Poll::Pending)) {
            *lock(&self.place) = Place::Over;
            return panic::drop_quietly(future);
        }
        let mut place = lock(&self.place);
        if let Place::Polled { woken: true } = *place {
            *place = Place::Queued(future);
            drop(place);
            self.drivers.push(Arc::clone(&self));
        } else {
            *place = Place::Waiting(future);
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut place = lock(&self.place);
        match std::mem::replace(&mut *place, Place::Over) {
            Place::Waiting(future) => {
                *place = Place::Queued(future);
                drop(place);
                let drivers = Arc::clone(&self.drivers);
                drivers.push(self);
            }
            Place::Polled { .. } => *place = Place::Polled { woken: true },
            other => *place = other,
        }
    }
}
