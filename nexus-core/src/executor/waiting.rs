//! Waiting inside of a body for a run of its own, which may need the very executor that runs the
//! body.

use super::thread_pool;
#[cfg(feature = "tokio")]
use super::tokio::Blocked;

/// Calls `waiting`, which waits on this thread for work that may be its own executor's to do.
pub(crate) fn while_blocked<T>(waiting: impl FnOnce() -> T) -> T {
    #[cfg(feature = "tokio")]
    if let Some(blocked) = Blocked::here() {
        return blocked.wait(waiting);
    }
    thread_pool::while_blocked(waiting)
}

/// Until this is dropped, the async event that waits here does not count among the tasks of its
/// executor.
#[cfg(feature = "tokio")]
pub(crate) fn yield_slot() -> Option<impl Sized + Send> {
    Blocked::here()
}

/// Without async events there is no slot to give up.
#[cfg(not(feature = "tokio"))]
pub(crate) fn yield_slot() -> Option<()> {
    None
}
