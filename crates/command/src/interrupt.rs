//! Ctrl-C, and the signals that ask a program to end.

use std::sync::{Arc, Mutex, PoisonError};

use nexus_core::Canceller;

use crate::output::{Exit, warn};

/// Lets Ctrl-C, SIGTERM and SIGHUP cancel a run, and the second of them end the program.
///
/// A program may have a handler for one of them already, and `nohup` sets one: then all stay as
/// they are.
#[derive(Default)]
pub(crate) struct Interrupt(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_interrupted: bool,
    run: Option<Canceller>,
}

impl Interrupt {
    /// Installs the handler. A signal that comes before the run begins cancels the run as it
    /// begins.
    pub(crate) fn listen() -> Self {
        let interrupt = Self::default();
        let state = Arc::clone(&interrupt.0);
        let handler = move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.is_interrupted {
                std::process::exit(Exit::Cancelled as i32);
            }
            state.is_interrupted = true;
            let run = state.run.clone();
            drop(state);
            warn("cancelling the run; press Ctrl-C again to end at once");
            if let Some(run) = run {
                run.cancel();
            }
        };
        let _ = ctrlc::try_set_handler(handler);
        interrupt
    }

    /// Sets the run that a signal cancels.
    pub(crate) fn set_run(&self, run: &Canceller) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.run = Some(run.clone());
        let is_interrupted = state.is_interrupted;
        drop(state);
        if is_interrupted {
            run.cancel();
        }
    }
}
