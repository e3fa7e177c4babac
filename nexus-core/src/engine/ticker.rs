//! Calls something every so often, on a thread of its own, by the system's clock.

use std::sync::Arc;
use std::time::Duration;

use crate::panic;
use crate::sync::{Condvar, Mutex, lock, thread, wait_timeout};

/// A thread that calls something every so often, once it is started.
#[derive(Default)]
pub(super) struct Ticker {
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Default)]
struct State {
    has_begun: bool,
    is_stopped: bool,
    thread: Option<thread::JoinHandle<()>>,
}

impl Ticker {
    /// Calls `tick` now and then every so often, until the ticker is stopped. Starting it again does
    /// nothing; without a thread to be had nothing is called.
    pub(super) fn start(
        self: &Arc<Self>,
        every: Duration,
        mut tick: impl FnMut() + Send + 'static,
    ) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.has_begun, true) {
            return;
        }
        let ticker = Arc::clone(self);
        let thread = thread::Builder::new().name("nexus-requests".to_owned()).spawn(move || {
            let mut state = lock(&ticker.state);
            while !state.is_stopped {
                drop(state);
                // A store of the user's may panic.
                let _ = panic::contain(&mut tick);
                state = lock(&ticker.state);
                if !state.is_stopped {
                    state = wait_timeout(&ticker.stopped, state, every);
                }
            }
        });
        state.thread = thread.ok();
    }

    /// Calls nothing more. A call under way is waited for, unless it is this one.
    pub(super) fn stop(&self) {
        let mut state = lock(&self.state);
        state.is_stopped = true;
        let thread = state.thread.take();
        drop(state);
        self.stopped.notify_all();
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
