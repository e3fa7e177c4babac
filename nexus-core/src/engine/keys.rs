//! The keys of the runs that are under way, each of which is one run's alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use super::drivers::Drivers;
use super::ticker::Ticker;
use super::timer::Timer;
use super::writer::{RecordedRun, Writer};
use crate::cancel::ChildRun;
use crate::context::RunId;
use crate::current;
use crate::hash::Fnv128;
use crate::journal::Store;
use crate::plan::Plan;
use crate::run::CancelCause;
use crate::sync::{Condvar, Mutex, lock, wait};

/// The id of the run with this key: the same after a crash and on another machine, and so are its
/// jitter and its idempotency keys.
pub(crate) fn id_of(key: &str) -> RunId {
    let mut hash = Fnv128::new();
    hash.write(key.as_bytes());
    RunId(hash.0)
}

/// What an engine with a store has beside others.
pub(super) struct Durable {
    pub(super) writer: Arc<Writer>,
    /// What drives runs in the background.
    pub(super) drivers: Arc<Drivers>,
    /// Plans made at run time whose runs can be resumed.
    pub(super) resumable: Vec<Arc<Plan>>,
    /// How long runs are kept that are over, if not for ever.
    pub(super) keep_finished: Option<Duration>,
    keys: Arc<Keys>,
    /// Looks at the requests of other processes.
    pub(super) requests: Arc<Ticker>,
}

#[derive(Default)]
struct Keys {
    state: Mutex<State>,
    /// A run is over, or somebody no longer waits for one.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: HashMap<Arc<str>, Taken>,
    /// Futures that wait for a run to be over.
    wakers: Vec<Waker>,
}

/// A key that somebody has.
#[derive(Default)]
struct Taken {
    /// The run; it is not there yet while it is brought back.
    run: Option<Weak<dyn RecordedRun>>,
    /// The key of the run whose event has begun this one.
    parent: Option<Arc<str>>,
    /// Whether events of it have begun runs here.
    has_children: bool,
    /// Somebody has cancelled the run before it was there.
    cancelled: Option<CancelCause>,
}

impl State {
    fn try_take(&mut self, key: &Arc<str>) -> bool {
        let is_free = !self.taken.contains_key(key);
        if is_free {
            self.taken.insert(Arc::clone(key), Taken::default());
        }
        is_free
    }

    fn run(&self, key: &str) -> Option<Arc<dyn RecordedRun>> {
        self.taken.get(key)?.run.as_ref()?.upgrade()
    }
}

/// A run is about to begin or to end, and whoever asks for it is not to wait.
pub(super) struct Busy;

/// What became of the wish to cancel a run.
pub(super) enum CancelAsked {
    /// It is under way, and is to be told.
    Run(Arc<dyn RecordedRun>),
    /// Somebody has its key: it is told when it is brought back, or cancelled when the key is free.
    Noted,
    /// Nobody has its key.
    Free,
}

/// Somebody who waits for a run to be over, as a part of the task that waits.
struct Waiter {
    keys: Arc<Keys>,
    /// The task is not wanted any more.
    is_unwanted: AtomicBool,
}

impl Waiter {
    fn stop(&self) {
        self.is_unwanted.store(true, Ordering::Release);
        drop(lock(&self.keys.state));
        self.keys.changed.notify_all();
    }
}

impl ChildRun for Waiter {
    fn cancel_with_parent(self: Arc<Self>) {
        self.stop();
    }

    fn leave_with_parent(self: Arc<Self>) {
        self.stop();
    }
}

impl Durable {
    /// `timer` goes by the system's clock.
    pub(super) fn new(
        writer: Arc<Writer>,
        timer: &Arc<Timer>,
        resumable: Vec<Arc<Plan>>,
        keep_finished: Option<Duration>,
    ) -> Self {
        let drivers = Drivers::new(&writer, timer);
        let (keys, requests) = (Arc::default(), Arc::default());
        Self { writer, drivers, resumable, keep_finished, keys, requests }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.writer.store
    }

    pub(super) fn is_taken(&self, key: &str) -> bool {
        lock(&self.keys.state).taken.contains_key(key)
    }

    /// Takes a key, if no run has it.
    pub(super) fn try_take(&self, key: &Arc<str>) -> bool {
        lock(&self.keys.state).try_take(key)
    }

    /// Takes a key; waits for the run that has it. `false` if the task that this thread runs is not
    /// wanted any more.
    pub(super) fn take(&self, key: &Arc<str>) -> bool {
        if self.try_take(key) {
            return true;
        }
        let keys = Arc::clone(&self.keys);
        let waiter = Arc::new(Waiter { keys, is_unwanted: AtomicBool::new(false) });
        current::adopt(&waiter);
        let mut state = lock(&self.keys.state);
        while !state.try_take(key) {
            if waiter.is_unwanted.load(Ordering::Acquire) {
                return false;
            }
            state = crate::executor::while_blocked(|| wait(&self.keys.changed, state));
        }
        true
    }

    /// The same for a future: without the key, it is woken when one is free.
    pub(super) fn poll_take(&self, key: &Arc<str>, waker: &Waker) -> bool {
        let mut state = lock(&self.keys.state);
        let taken = state.try_take(key);
        if !taken {
            state.wakers.push(waker.clone());
        }
        taken
    }

    /// The run with this key, if one is under way here; the key is taken otherwise. While neither can
    /// be, it waits, or gives [`Busy`] if it may not: a run is being brought back, what it has written
    /// is not safe yet, or it is the one of which the caller knows that it has `ended`.
    pub(super) fn active_or_take(
        &self,
        key: &Arc<str>,
        ended: Option<&Weak<dyn RecordedRun>>,
        may_wait: bool,
    ) -> Result<Option<Arc<dyn RecordedRun>>, Busy> {
        let mut state = lock(&self.keys.state);
        loop {
            if state.try_take(key) {
                return Ok(None);
            }
            let active = state.taken.get(key).and_then(|taken| taken.run.as_ref());
            let active = active.filter(|run| ended.is_none_or(|ended| !run.ptr_eq(ended)));
            if let Some(active) = active.and_then(Weak::upgrade) {
                return Ok(Some(active));
            }
            if !may_wait {
                return Err(Busy);
            }
            state = crate::executor::while_blocked(|| wait(&self.keys.changed, state));
        }
    }

    /// The run with this key, if one is under way here.
    pub(super) fn active(&self, key: &str) -> Option<Arc<dyn RecordedRun>> {
        lock(&self.keys.state).run(key)
    }

    /// The runs that are under way here.
    pub(super) fn all_active(&self) -> Vec<Arc<dyn RecordedRun>> {
        let state = lock(&self.keys.state);
        state.taken.values().filter_map(|taken| taken.run.as_ref()?.upgrade()).collect()
    }

    /// An event of the run `parent` begins a run, or goes on with one.
    pub(super) fn note_child(&self, parent: &str) {
        if let Some(parent) = lock(&self.keys.state).taken.get_mut(parent) {
            parent.has_children = true;
        }
    }

    /// Says which run has the key, which goes with its parent, and is told what came before.
    pub(super) fn set_run(
        &self,
        key: &Arc<str>,
        parent: Option<&Arc<str>>,
        run: &Arc<dyn RecordedRun>,
    ) {
        let mut state = lock(&self.keys.state);
        let parent_run = parent.and_then(|parent| state.run(parent));
        let Some(taken) = state.taken.get_mut(key) else { return };
        (taken.run, taken.parent) = (Some(Arc::downgrade(run)), parent.cloned());
        let cancelled = taken.cancelled.take();
        drop(state);
        self.keys.changed.notify_all();
        if let Some(cause) = cancelled {
            Arc::clone(run).cancel(cause);
        }
        if let Some(gone) = parent_run.and_then(|parent| parent.gone()) {
            Arc::clone(run).go_with_parent(gone);
        }
    }

    /// Has the run with this key cancelled.
    pub(super) fn ask_cancel(&self, key: &str, cause: CancelCause) -> CancelAsked {
        let mut state = lock(&self.keys.state);
        if let Some(run) = state.run(key) {
            return CancelAsked::Run(run);
        }
        let Some(taken) = state.taken.get_mut(key) else { return CancelAsked::Free };
        taken.cancelled = Some(cause);
        CancelAsked::Noted
    }

    /// The runs under way here that events of this one have begun.
    pub(super) fn children_of(&self, key: &str) -> Vec<Arc<dyn RecordedRun>> {
        let state = lock(&self.keys.state);
        if !state.taken.get(key).is_some_and(|taken| taken.has_children) {
            return Vec::new();
        }
        let of_it = |taken: &&Taken| taken.parent.as_deref() == Some(key);
        let children = state.taken.values().filter(of_it);
        children.filter_map(|taken| taken.run.as_ref()?.upgrade()).collect()
    }

    /// Whether events of the run have begun runs here.
    pub(super) fn has_children(&self, key: &str) -> bool {
        lock(&self.keys.state).taken.get(key).is_some_and(|taken| taken.has_children)
    }

    /// Whether the run `below`, or one above it, is that with this key.
    pub(super) fn is_above(&self, key: &str, below: Option<Arc<str>>) -> bool {
        let state = lock(&self.keys.state);
        let above = |below: &Arc<str>| state.taken.get(below)?.parent.clone();
        std::iter::successors(below, above).any(|above| *above == *key)
    }

    /// The run that had the key is over. Gives why it is to be cancelled all the same, if it was
    /// never told.
    pub(super) fn free(&self, key: &str) -> Option<CancelCause> {
        let mut state = lock(&self.keys.state);
        let taken = state.taken.remove(key);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.keys.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        taken.and_then(|taken| taken.cancelled)
    }
}
