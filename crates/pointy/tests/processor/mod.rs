//! How much of a processor work takes, which does not depend on what else the machine does.

use std::time::Duration;

/// How long this thread has run on a processor; others that run beside it do not count. Only Linux
/// says it.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Works, and does not need more of the processor than this.
pub(crate) fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let before = processor_time();
    let done = work();
    if let (Some(before), Some(after)) = (before, processor_time()) {
        let taken = after.saturating_sub(before);
        assert!(taken < limit, "{what} took {taken:?}");
    }
    done
}
