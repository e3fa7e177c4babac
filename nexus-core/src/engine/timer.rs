//! The engine's own look at the clock: for timeouts, and for the retries of a run whose driving
//! thread is busy in an event's body.
//!
//! One thread per engine, started with the first such case.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, thread, wait, wait_timeout};
use crate::time::{Clock, Wait};

pub(super) struct Timer {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

/// When a call is due, and which of those of the same instant is first.
pub(super) type TimerKey = (Duration, u64);

/// What is called when its time has come, on the timer's thread.
type Call = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    calls: BTreeMap<TimerKey, Call>,
    count: u64,
    runs: bool,
    closed: bool,
}

impl Timer {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(State::default()), changed: Condvar::new() })
    }

    /// One without a thread: somebody else makes the calls, by [`call_due`](Self::call_due).
    #[cfg(feature = "durable")]
    pub(super) fn without_thread(clock: Arc<dyn Clock>) -> Arc<Self> {
        let timer = Self::new(clock);
        lock(&timer.state).runs = true;
        timer
    }

    /// When the first call is due.
    #[cfg(feature = "durable")]
    pub(super) fn next_due(&self) -> Option<Duration> {
        lock(&self.state).calls.first_key_value().map(|(key, _)| key.0)
    }

    /// Makes the first call, if its time has come.
    #[cfg(feature = "durable")]
    pub(super) fn call_due(&self) {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let is_due = state.calls.first_key_value().is_some_and(|(key, _)| key.0 <= now);
        let due = if is_due { state.calls.pop_first() } else { None };
        drop(state);
        if let Some((_, call)) = due {
            call();
        }
    }

    /// Calls at this time, unless it is [`clear`](Self::clear)ed before. Without a thread to be
    /// had nobody is called.
    pub(super) fn set(
        self: &Arc<Self>,
        at: Duration,
        call: impl FnOnce() + Send + 'static,
    ) -> TimerKey {
        let call: Call = Box::new(call);
        let mut state = lock(&self.state);
        state.count += 1;
        let key = (at, state.count);
        let is_first = state.calls.first_key_value().is_none_or(|(first, _)| key < *first);
        state.calls.insert(key, call);
        if !state.runs {
            let timer = Arc::clone(self);
            let started = thread::Builder::new().name("nexus-timer".to_owned());
            state.runs = started.spawn(move || timer.watch()).is_ok();
        }
        if is_first {
            self.changed.notify_one();
        }
        key
    }

    /// Calls after so long.
    pub(super) fn set_after(
        self: &Arc<Self>,
        wait: Duration,
        call: impl FnOnce() + Send + 'static,
    ) {
        self.set(self.clock.now().saturating_add(wait), call);
    }

    pub(super) fn clear(&self, key: TimerKey) {
        let call = lock(&self.state).calls.remove(&key);
        drop(call);
    }

    /// How many calls are due.
    #[cfg(all(test, not(shuttle)))]
    pub(super) fn pending(&self) -> usize {
        lock(&self.state).calls.len()
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let calls = std::mem::take(&mut state.calls);
        self.changed.notify_one();
        drop(state);
        drop(calls);
    }

    fn watch(self: &Arc<Self>) {
        self.wake_on_jumps();
        let mut state = lock(&self.state);
        while !state.closed {
            let first = state.calls.first_key_value().map(|(key, _)| key.0);
            state = match first.map(|at| self.clock.wait_until(at, false)) {
                None | Some(Wait::ForNews) => wait(&self.changed, state),
                Some(Wait::AtMost(time)) => wait_timeout(&self.changed, state, time),
                Some(Wait::Over) => {
                    let due = state.calls.pop_first();
                    drop(state);
                    if let Some((_, call)) = due {
                        call();
                    }
                    lock(&self.state)
                }
            };
        }
    }

    fn wake_on_jumps(self: &Arc<Self>) {
        struct Jumped(Weak<Timer>);
        impl std::task::Wake for Jumped {
            fn wake(self: Arc<Self>) {
                if let Some(timer) = self.0.upgrade() {
                    drop(lock(&timer.state));
                    timer.changed.notify_one();
                }
            }
        }
        self.clock.on_jump(Arc::new(Jumped(Arc::downgrade(self))).into());
    }
}
