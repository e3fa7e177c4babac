//! Clocks: what a run's waits and durations are measured by.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time. The engine asks it what time it is, and how to wait.
///
/// Times are durations since the clock's own start, so they only ever grow.
///
/// ```
/// use nexus_core::{Clock, SystemClock};
/// let clock = SystemClock::new();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
///
/// A clock of one's own needs [`now`](Clock::now) and [`wait_until`](Clock::wait_until):
///
/// ```
/// # use std::{sync::atomic::{AtomicU64, Ordering::SeqCst}, time::Duration};
/// # use nexus_core::{Clock, Wait};
/// /// Runs a thousand times as fast as the wall clock.
/// #[derive(Debug)]
/// struct Hurried(nexus_core::SystemClock);
///
/// impl Clock for Hurried {
///     fn now(&self) -> Duration {
///         self.0.now() * 1000
///     }
///     fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
///         match at.checked_sub(self.now()) {
///             None | Some(Duration::ZERO) => Wait::Over,
///             Some(left) => Wait::AtMost(left / 1000),
///         }
///     }
/// }
/// ```
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time since this clock's start.
    fn now(&self) -> Duration;

    /// A reading for durations, which counts from any start: what reports say of how long runs and
    /// their steps took is the difference of two of them. Without this it is [`now`](Self::now).
    fn timestamp(&self) -> Duration {
        self.now()
    }

    /// The same in nanoseconds, which the engine's shortest loops count in: a `Duration` has to be
    /// taken apart for each sum.
    #[doc(hidden)]
    fn timestamp_nanos(&self) -> u64 {
        nanos(self.timestamp())
    }

    /// The time by the wall clock, since 1970 began in UTC: what durable runs are recorded with.
    /// Without this it is the system's.
    fn wall_time(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// The engine has nothing to do before `at`. `idle` says that no task is running anywhere
    /// either, so that only time can move the run on.
    fn wait_until(&self, at: Duration, idle: bool) -> Wait;

    /// A clock that can jump calls the waker after each jump, so that an engine which waits looks
    /// again. Clocks that flow by themselves need not.
    fn on_jump(&self, waker: Waker) {
        drop(waker);
    }
}

/// A time in nanoseconds, of which a `u64` holds those of 584 years.
#[inline]
pub(crate) fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(time.subsec_nanos()))
}

/// How an engine is to wait for a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The time has come.
    Over,
    /// Wait for this much real time at most, then ask again.
    AtMost(Duration),
    /// Wait until something happens or the clock jumps, then ask again.
    ForNews,
}

/// The system's monotonic clock; durations are read from the processor's cycle counter where it has
/// one that can be trusted, for less than half the price.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// The cycle counter, calibrated against the system's clock when it is first read, in less than a
/// millisecond. Where there is none, or a doubtful one, the crate falls back to the system's clock.
static COUNTER: LazyLock<quanta::Clock> = LazyLock::new(quanta::Clock::new);

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn timestamp(&self) -> Duration {
        Duration::from_nanos(self.timestamp_nanos())
    }

    #[inline]
    fn timestamp_nanos(&self) -> u64 {
        let counter = &*COUNTER;
        counter.delta_as_nanos(0, counter.raw())
    }

    fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
        match at.checked_sub(self.now()) {
            None | Some(Duration::ZERO) => Wait::Over,
            Some(left) => Wait::AtMost(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_agree_with_the_systems_clock() {
        let clock = SystemClock::new();
        let outer = Instant::now();
        let begin = clock.timestamp();
        let inner = Instant::now();
        while inner.elapsed() < Duration::from_millis(20) {}
        let least = inner.elapsed();
        let counted = clock.timestamp().saturating_sub(begin);
        let most = outer.elapsed();
        // However long this thread was without a processor, the counter was read between the two.
        assert!(counted >= least.mul_f64(0.999), "{counted:?} is less than {least:?}");
        assert!(counted <= most.mul_f64(1.001), "{counted:?} is more than {most:?}");
    }
}
