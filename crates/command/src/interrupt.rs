//! Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use nexus_core::Canceller;

use crate::say::{Exit, warn};

/// Lets Ctrl-C cancel the run, and a second one end the program.
///
/// A program may have a handler of its own already, which then stays.
pub(crate) fn cancels(run: Canceller) {
    let pressed = AtomicBool::new(false);
    let handler = move || {
        if pressed.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Cancelled as i32);
        }
        warn("cancelling the run; press Ctrl-C again to end at once");
        run.cancel();
    };
    let _ = ctrlc::try_set_handler(handler);
}
