//! The engine's own look at the clock: for timeouts, and for the timers of a run whose driving
//! thread is busy in an event's body.
//!
//! One thread per engine, started with the first such case.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::drive::Drive;
use crate::cancel::Token;
use crate::run::{Halt, Task};
use crate::sync::{Condvar, Mutex, lock, thread, wait, wait_timeout};
use crate::time::{Clock, Wait};

pub(super) struct Alarm {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

/// When to call, and which of those of the same instant is first.
pub(super) type Key = (Duration, u64);

#[derive(Default)]
struct State {
    set: BTreeMap<Key, Call>,
    count: u64,
    runs: bool,
    closed: bool,
}

/// Who wants to be called.
pub(super) enum Call {
    /// A run whose timers nobody watches.
    Timers(Weak<Drive>),
    /// A future that drives a run, and has to look then.
    Driver(Weak<Drive>),
    /// A run whose time is over then.
    Run(Weak<Drive>),
    /// A task whose attempt has had its time then.
    Task(Weak<Drive>, Task),
    /// A body on the driving thread, for which the run has to wait anyway.
    Body(Arc<Token>),
}

impl Call {
    fn make(self) {
        match self {
            Self::Timers(drive) => {
                if let Some(drive) = drive.upgrade() {
                    drive.fire_timers();
                }
            }
            Self::Driver(drive) => {
                if let Some(drive) = drive.upgrade() {
                    drive.wake();
                }
            }
            Self::Run(drive) => {
                if let Some(drive) = drive.upgrade() {
                    drive.halt(Halt::TimedOut);
                }
            }
            Self::Task(drive, task) => {
                if let Some(drive) = drive.upgrade() {
                    drive.time_out(task);
                }
            }
            Self::Body(token) => {
                token.raise();
            }
        }
    }
}

impl Alarm {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::new(State::default()), changed: Condvar::new() })
    }

    /// Calls at this time, unless it is [`clear`](Self::clear)ed before. Without a thread to be
    /// had nobody is called.
    pub(super) fn set(self: &Arc<Self>, at: Duration, call: Call) -> Key {
        let mut state = lock(&self.state);
        state.count += 1;
        let key = (at, state.count);
        let is_first = state.set.first_key_value().is_none_or(|(first, _)| key < *first);
        state.set.insert(key, call);
        if !state.runs {
            let alarm = Arc::clone(self);
            let started = thread::Builder::new().name("nexus-alarm".to_owned());
            state.runs = started.spawn(move || alarm.watch()).is_ok();
        }
        if is_first {
            self.changed.notify_one();
        }
        key
    }

    pub(super) fn clear(&self, key: Key) {
        let call = lock(&self.state).set.remove(&key);
        drop(call);
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let calls = std::mem::take(&mut state.set);
        self.changed.notify_one();
        drop(state);
        drop(calls);
    }

    fn watch(self: &Arc<Self>) {
        self.wake_on_jumps();
        let mut state = lock(&self.state);
        while !state.closed {
            let first = state.set.first_key_value().map(|(key, _)| key.0);
            state = match first.map(|at| self.clock.wait_until(at, false)) {
                None | Some(Wait::ForNews) => wait(&self.changed, state),
                Some(Wait::AtMost(time)) => wait_timeout(&self.changed, state, time),
                Some(Wait::Over) => {
                    let due = state.set.pop_first();
                    drop(state);
                    if let Some((_, call)) = due {
                        call.make();
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
