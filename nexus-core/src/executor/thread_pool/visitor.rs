//! A thread that is not the pool's, and works in place of a worker for a moment.

use std::sync::Arc;

use super::{CURRENT, Current, Shared, State};
use crate::sync::lock;

/// A visitor's place, until it is dropped.
struct Seat<'a> {
    pool: &'a Arc<Shared>,
    /// The pool that the thread worked for before.
    before: Option<Current>,
}

impl Shared {
    /// Calls `work` on this thread, if a worker's place is free and no job waits for it; and again
    /// while it says that there is more and still none waits. Says whether it did.
    pub(super) fn visit(self: &Arc<Self>, work: &mut dyn FnMut() -> bool) -> bool {
        let Some(_seat) = self.take_seat() else { return false };
        while work() && !self.is_place_wanted() {}
        true
    }

    fn take_seat(self: &Arc<Self>) -> Option<Seat<'_>> {
        if !self.has_visitors || !self.injector.is_empty() {
            return None;
        }
        let mut state = lock(&self.state);
        if state.closing || self.is_full(&state) {
            return None;
        }
        state.visitors += 1;
        drop(state);
        // What waits inside of the work frees its place for somebody else, as a worker does.
        let current = Current { pool: Arc::downgrade(self), deque: None };
        Some(Seat { pool: self, before: CURRENT.with(|slot| slot.replace(Some(current))) })
    }

    /// Whether a job waits, and no worker is on its way to it.
    fn is_place_wanted(&self) -> bool {
        if self.injector.is_empty() {
            return false;
        }
        let state = lock(&self.state);
        state.searching == 0 && state.signals == 0
    }

    /// Whether as many threads work as there are places.
    pub(super) fn is_full(&self, state: &State) -> bool {
        Self::working(state) >= self.stealers.len().cast_signed()
    }

    /// Whether a visitor has the place of one of the threads that work. Nobody waits for it where the
    /// pool closes.
    pub(super) fn is_crowded(&self, state: &State) -> bool {
        let places = self.stealers.len().cast_signed();
        state.visitors > 0 && !state.closing && Self::working(state) > places
    }

    /// How many threads work. Those that wait inside user code do not, and one that searches asks
    /// before it does.
    fn working(state: &State) -> isize {
        let idle = state.sleeping + state.searching;
        let awake = state.live - idle.cast_signed() + state.signals.cast_signed();
        awake + state.visitors.cast_signed() + state.spares - state.blocked
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let before = self.before.take();
        CURRENT.with(|slot| slot.replace(before));
        let mut state = lock(&self.pool.state);
        state.visitors -= 1;
        if self.pool.has_work() {
            self.pool.wake_worker(state);
        }
    }
}
