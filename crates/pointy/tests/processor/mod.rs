//! How much of a processor work takes, which does not depend on what else the machine does.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How long this thread has run on a processor; others that run beside it do not count. Only Linux
/// says it; elsewhere it is the time by the clock.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Works, and does not need more of the processor than this.
pub(crate) fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let before = processor_time();
    let done = work();
    let taken = processor_time().saturating_sub(before);
    assert!(taken < limit, "{what} took {taken:?}");
    done
}
