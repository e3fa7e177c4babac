//! Ctrl-C, and the signals that ask a program to end.

use std::sync::{Arc, Mutex, PoisonError};

use crate::output::{Exit, warn};

/// Lets Ctrl-C, SIGTERM and SIGHUP stop what the program does, and the second of them end the
/// program.
///
/// A program may have a handler for one of them already, and `nohup` sets one: then all stay as
/// they are.
#[derive(Default)]
pub(crate) struct Interrupt(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_interrupted: bool,
    stop: Option<Stop>,
}

/// What a signal does.
#[derive(Clone)]
struct Stop {
    /// What the user is told.
    notice: &'static str,
    call: Arc<dyn Fn() + Send + Sync>,
}

impl Stop {
    fn call(&self) {
        if !self.notice.is_empty() {
            warn(self.notice);
        }
        (self.call)();
    }
}

impl Interrupt {
    /// Installs the handler. A signal that comes before it is said [what to stop](Self::stops) is
    /// kept until then.
    pub(crate) fn listen() -> Self {
        let interrupt = Self::default();
        let state = Arc::clone(&interrupt.0);
        let handler = move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.is_interrupted {
                crate::progress::restore();
                std::process::exit(Exit::Cancelled as i32);
            }
            state.is_interrupted = true;
            let stop = state.stop.clone();
            drop(state);
            if let Some(stop) = stop {
                stop.call();
            }
        };
        let _ = ctrlc::try_set_handler(handler);
        interrupt
    }

    /// Says what a signal stops, and what the user is told then. It must be quick: the second signal
    /// is not heard before.
    pub(crate) fn stops(&self, notice: &'static str, call: impl Fn() + Send + Sync + 'static) {
        let stop = Stop { notice, call: Arc::new(call) };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stop = Some(stop.clone());
        let is_interrupted = state.is_interrupted;
        drop(state);
        if is_interrupted {
            stop.call();
        }
    }

    /// Whether a signal has come.
    pub(crate) fn has_come(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_interrupted
    }
}
