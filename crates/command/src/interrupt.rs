//! Ctrl-C, and the signals that ask a program to end.

use std::sync::{Arc, Mutex, PoisonError};

use crate::output::{Exit, warn};

/// Lets Ctrl-C, SIGTERM and SIGHUP stop what the program does, and the second of them end the
/// program.
///
/// A signal that is ignored already, as SIGHUP is under `nohup`, or for which the program has a
/// handler of its own, stays as it is; the others are heard.
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
        let on_signal = move || Self::signal_came(&state);
        // Without a handler a signal ends the program at once, as one that hears none expects.
        let _ = signals::handle(on_signal);
        interrupt
    }

    fn signal_came(state: &Mutex<State>) {
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

#[cfg(unix)]
mod signals {
    use std::io;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Calls this on a thread of its own for each signal that comes.
    pub(super) fn handle(on_signal: impl Fn() + Send + 'static) -> io::Result<()> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut signals = Signals::new(to_handle(&status))?;
        let listen = move || signals.forever().for_each(|_| on_signal());
        std::thread::Builder::new().name("nexus-signals".to_owned()).spawn(listen)?;
        Ok(())
    }

    /// The signals whose action is the system's own, by Linux's `/proc/self/status`. A system without
    /// it cannot be asked: there SIGHUP stays as it is, since `nohup` is the likeliest to have set one.
    fn to_handle(status: &str) -> Vec<i32> {
        let mask = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        let (Some(ignored), Some(caught)) = (mask("SigIgn:"), mask("SigCgt:")) else {
            return vec![SIGINT, SIGTERM];
        };
        let is_default = |signal: &i32| (ignored | caught) >> (signal - 1) & 1 == 0;
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_default).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_or_caught_stays_as_it_is() {
            let of = |ignored: &str, caught: &str| {
                to_handle(&format!("Name:\tx\nSigIgn:\t{ignored}\nSigCgt:\t{caught}\n"))
            };
            // The Rust runtime ignores SIGPIPE (bit 12) and catches SIGSEGV and SIGBUS.
            assert_eq!(of("0000000000001000", "0000000000000440"), [SIGINT, SIGTERM, SIGHUP]);
            assert_eq!(of("0000000000001001", "0000000000000440"), [SIGINT, SIGTERM], "nohup");
            assert_eq!(
                of("0000000000001006", "0000000000000000"),
                [SIGTERM, SIGHUP],
                "`&` of a shell"
            );
            assert_eq!(
                of("0000000000000000", "0000000000000002"),
                [SIGTERM, SIGHUP],
                "its own Ctrl-C"
            );
            assert_eq!(to_handle(""), [SIGINT, SIGTERM], "no such file");
        }
    }
}

#[cfg(not(unix))]
mod signals {
    /// Calls this on a thread of its own for each Ctrl-C.
    pub(super) fn handle(on_signal: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
        ctrlc::try_set_handler(on_signal)
    }
}
