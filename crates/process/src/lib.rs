//! Worker processes for [nexus](nexus_core): [`ProcessPoolExecutor`] runs events in copies of the
//! program, so that one which crashes costs the task that it held and nothing else.
//!
//! Use it through the crate `nexus`, feature `process`. It is built on the public seam for
//! executors ([`nexus_core::Executor`], [`ClaimedTasks`](nexus_core::ClaimedTasks),
//! [`TaskHost`](nexus_core::TaskHost)) and on nothing else, so it is an example of how an executor
//! of your own may run bodies on other machines.

#[cfg(all(unix, target_pointer_width = "64"))]
mod child;
#[cfg(all(unix, target_pointer_width = "64"))]
mod entry;
#[cfg(all(unix, target_pointer_width = "64"))]
mod format;
#[cfg(all(unix, target_pointer_width = "64"))]
mod frame;
#[cfg(all(unix, target_pointer_width = "64"))]
mod incoming;
#[cfg(all(unix, target_pointer_width = "64"))]
mod outgoing;
#[cfg(all(unix, target_pointer_width = "64"))]
mod permits;
#[cfg(all(unix, target_pointer_width = "64"))]
mod pool;
#[cfg(not(all(unix, target_pointer_width = "64")))]
#[path = "unsupported.rs"]
mod pool;
#[cfg(all(unix, target_pointer_width = "64"))]
mod supervisor;
mod test_entry;
#[cfg(all(unix, target_pointer_width = "64"))]
mod worker;

pub use pool::ProcessPoolExecutor;

nexus_core::register_executor!(ProcessPoolExecutor);

/// Lets this program have worker processes: the first line of `main` where events run on a
/// [`ProcessPoolExecutor`].
///
/// A worker process is the same program, started once more. In it this function never returns: it
/// runs events until the parent is done with it. Anywhere else it returns at once.
///
/// Code before it in `main` runs in each worker as well, so there should be none. In a test
/// binary, whose `main` is not yours, write [`test_workers!`] instead.
///
/// ```
/// fn main() -> Result<(), nexus_core::Error> {
///     nexus_process::init();
///     // All else comes after.
///     Ok(())
/// }
/// ```
pub fn init() {
    #[cfg(all(unix, target_pointer_width = "64"))]
    match entry::become_worker() {
        Some(socket) => worker::serve(socket),
        None => entry::note_init_called(),
    }
}

/// Lets the tests of this binary have worker processes: one line beside them, outside of any
/// function.
///
/// It makes a test, `nexus_test_workers`, through which the processes begin; in the test run itself
/// that test does nothing. What an event prints in a worker goes to the standard error.
///
/// ```
/// # mod tests {
/// nexus_process::test_workers!();
/// # }
/// ```
#[macro_export]
macro_rules! test_workers {
    () => {
        #[cfg(test)]
        #[test]
        fn nexus_test_workers() {
            $crate::__private::test_worker();
        }

        #[cfg(test)]
        const _: () = {
            use $crate::__private as __nexus;
            __nexus::inventory::submit! {
                __nexus::TestEntry(::core::module_path!())
            }
        };
    };
}

/// What [`test_workers!`] expands to.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::test_entry::TestEntry;

    /// The test that worker processes of a test binary run.
    pub fn test_worker() {
        #[cfg(all(unix, target_pointer_width = "64"))]
        if let Some(socket) = crate::entry::become_worker() {
            // The harness prints to the standard output, which is closed; from now on it is the
            // user's.
            let _ = rustix::stdio::dup2_stdout(rustix::stdio::stderr());
            crate::worker::serve(socket);
        }
    }
}
