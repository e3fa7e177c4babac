//! The threads that drive the runs of a batch.
//!
//! A run is driven by the thread that calls it, so a batch needs as many threads as it has runs
//! under way. They start as there is work for them, take one run after the other, and end with the
//! batch. Reports wait in `done` until the thread that pulls takes them.
//!
//! `cancel` and `start` may meet: whoever comes second under the lock sees what the other did, so
//! a run that begins while all are cancelled is cancelled too. No user code runs under the lock.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use crate::engine::Canceller;
use crate::error::{Error, Result};
use crate::executor::while_blocked;
use crate::panic::{contain, drop_quietly};
use crate::report::Report;
use crate::sync::{Condvar, Mutex, lock, thread, wait};

/// The threads of a batch. When it goes, what is under way is cancelled.
pub(super) struct Workers {
    shared: Arc<Shared>,
    most: usize,
    threads: usize,
}

/// What the threads and the one that pulls share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is a run to drive, or no more will come.
    work: Condvar,
    /// A run has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<BatchRun>,
    idle: usize,
    under_way: BTreeMap<u64, Canceller>,
    done: BTreeMap<u64, FinishedRun>,
    failed: bool,
    cancelled: bool,
    closed: bool,
}

/// A run that waits for a thread.
pub(super) struct BatchRun {
    pub(super) index: u64,
    pub(super) items: Range<u64>,
    pub(super) run: Box<dyn FnOnce() -> Result<Report> + Send>,
}

/// A run that has ended.
pub(super) struct FinishedRun {
    pub(super) items: Range<u64>,
    pub(super) report: Result<Report>,
}

impl Workers {
    /// At most so many threads.
    pub(super) fn new(most: usize) -> Self {
        Self { shared: Arc::new(Shared::default()), most, threads: 0 }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Begins a run; where there is to be one at a time, carries it out.
    pub(super) fn start(&mut self, run: BatchRun, canceller: Canceller) {
        let mut state = lock(&self.shared.state);
        state.under_way.insert(run.index, canceller.clone());
        let is_cancelled = state.cancelled;
        state.queue.push_back(run);
        let is_short = state.queue.len() > state.idle;
        drop(state);
        if is_cancelled {
            canceller.cancel();
        }
        drop(canceller);
        if is_short && self.threads < self.most && self.most > 1 && self.start_thread() {
            self.threads += 1;
        }
        if self.threads > 0 {
            self.shared.work.notify_one();
        } else {
            // There is to be no thread, or the system has none.
            self.shared.drive_queued();
        }
    }

    fn start_thread(&self) -> bool {
        let shared = Arc::clone(&self.shared);
        thread::Builder::new().name("nexus-batch".to_owned()).spawn(move || shared.serve()).is_ok()
    }

    /// What became of this run, or of any where none is named, if it has ended.
    pub(super) fn ended(&self, index: Option<u64>) -> Option<(u64, FinishedRun)> {
        lock(&self.shared.state).take(index)
    }

    /// The same, waiting for it.
    pub(super) fn wait_for(&self, index: Option<u64>) -> (u64, FinishedRun) {
        let mut state = lock(&self.shared.state);
        loop {
            if let Some(done) = state.take(index) {
                return done;
            }
            // This thread may be a pool's worker, if an event runs a batch.
            state = while_blocked(|| wait(&self.shared.ended, state));
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.work.notify_all();
        self.shared.cancel();
    }
}

impl Shared {
    /// Cancels what is under way, and whatever begins later.
    pub(super) fn cancel(&self) {
        let mut state = lock(&self.state);
        state.cancelled = true;
        let under_way: Vec<Canceller> = state.under_way.values().cloned().collect();
        drop(state);
        under_way.iter().for_each(Canceller::cancel);
        drop_quietly(under_way);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// Whether a run has not succeeded.
    pub(super) fn has_failed(&self) -> bool {
        lock(&self.state).failed
    }

    /// A thread's life.
    fn serve(&self) {
        loop {
            self.drive_queued();
            let mut state = lock(&self.state);
            while state.queue.is_empty() {
                if state.closed {
                    return;
                }
                state.idle += 1;
                state = wait(&self.work, state);
                state.idle -= 1;
            }
        }
    }

    fn drive_queued(&self) {
        loop {
            let next = lock(&self.state).queue.pop_front();
            match next {
                Some(run) => self.drive(run),
                None => return,
            }
        }
    }

    fn drive(&self, BatchRun { index, items, run }: BatchRun) {
        let report = contain(run).unwrap_or_else(|panic| {
            Err(Error::Engine(format!("the thread that drove the run has panicked: {panic}")))
        });
        // The batch's items go here, before anybody may make room for others.
        let canceller = lock(&self.state).under_way.remove(&index);
        drop_quietly(canceller);
        let mut state = lock(&self.state);
        state.failed |= !report.as_ref().is_ok_and(Report::is_success);
        state.done.insert(index, FinishedRun { items, report });
        drop(state);
        self.ended.notify_all();
    }
}

impl State {
    fn take(&mut self, index: Option<u64>) -> Option<(u64, FinishedRun)> {
        match index {
            Some(index) => self.done.remove(&index).map(|done| (index, done)),
            None => self.done.pop_first(),
        }
    }
}
