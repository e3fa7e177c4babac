//! Fires a run's timers while its driving thread is busy in an event's body.
//!
//! A driving thread watches its timers itself, except while it runs a body: then a retry of
//! another step, on a pool, would wait for that body. The alarm is one thread per engine, started
//! with the first such case.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::drive::Drive;
use crate::sync::{Condvar, Mutex, lock, thread, wait, wait_timeout};
use crate::time::{Clock, Wait};

pub(super) struct Alarm {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    set: BinaryHeap<Reverse<Entry>>,
    count: u64,
    runs: bool,
    closed: bool,
}

/// A run that wants to be woken.
struct Entry {
    at: Duration,
    order: u64,
    drive: Weak<Drive>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Alarm {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(State::default()), changed: Condvar::new() })
    }

    /// Has `drive` look at its timers at this time. Without a thread to be had, the timers wait
    /// for the driving thread.
    pub(super) fn set(self: &Arc<Self>, at: Duration, drive: &Arc<Drive>) {
        let mut state = lock(&self.state);
        state.count += 1;
        let entry = Entry { at, order: state.count, drive: Arc::downgrade(drive) };
        state.set.push(Reverse(entry));
        if !state.runs {
            let alarm = Arc::clone(self);
            let started = thread::Builder::new().name("nexus-alarm".to_owned());
            state.runs = started.spawn(move || alarm.watch()).is_ok();
        }
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.set.clear();
        self.changed.notify_one();
    }

    fn watch(self: &Arc<Self>) {
        self.wake_on_jumps();
        let mut state = lock(&self.state);
        while !state.closed {
            let wait_for = state.set.peek().map(|entry| self.clock.wait_until(entry.0.at, false));
            state = match wait_for {
                None | Some(Wait::ForNews) => wait(&self.changed, state),
                Some(Wait::AtMost(time)) => wait_timeout(&self.changed, state, time),
                Some(Wait::Over) => {
                    let due = state.set.pop();
                    drop(state);
                    if let Some(drive) = due.and_then(|entry| entry.0.drive.upgrade()) {
                        drive.fire_timers();
                    }
                    lock(&self.state)
                }
            };
        }
    }

    fn wake_on_jumps(self: &Arc<Self>) {
        struct Jumped(Weak<Alarm>);
        impl std::task::Wake for Jumped {
            fn wake(self: Arc<Self>) {
                if let Some(alarm) = self.0.upgrade() {
                    drop(lock(&alarm.state));
                    alarm.changed.notify_one();
                }
            }
        }
        self.clock.on_jump(Arc::new(Jumped(Arc::downgrade(self))).into());
    }
}
