//! What a worker process does: [`init`] turns the process into one, and never returns.
//!
//! The main thread watches the socket and nothing else, so that the process ends with its parent
//! whatever its body is doing; a thread of its own reads requests and runs the bodies, one after
//! the other. It makes an event's body on its first request and keeps it, as it keeps the
//! resources that it has built.

#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod task;

/// Lets this program have worker processes: the first line of `main` where events run on a
/// [`ProcessPoolExecutor`](crate::ProcessPoolExecutor).
///
/// A worker process is the same program, started once more. In it this function never returns: it
/// runs events until the parent is done with it. Anywhere else it returns at once.
///
/// What stands before it in `main` runs in each worker as well, so nothing should. In a test
/// binary, whose `main` is not yours, write [`test_workers!`](crate::test_workers) instead.
///
/// ```
/// fn main() -> Result<(), nexus_core::Error> {
///     nexus_core::init();
///     // All else comes after.
///     Ok(())
/// }
/// ```
pub fn init() {
    #[cfg(unix)]
    match crate::executor::process::adopt() {
        Some(socket) => serve::serve(&socket),
        None => crate::executor::process::note_init(),
    }
}

/// The test that worker processes of a test binary run.
#[doc(hidden)]
pub fn test_worker() {
    #[cfg(unix)]
    if let Some(socket) = crate::executor::process::adopt() {
        // The harness prints to the standard output, which is closed; from now on it is the user's.
        let _ = rustix::stdio::dup2_stdout(rustix::stdio::stderr());
        serve::serve(&socket);
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
/// nexus_core::test_workers!();
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
