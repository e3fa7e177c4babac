//! How long the tasks of a body take, as measured: what decides how many a worker takes at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The usual time of a task, shared by all runs of a plan. It is a hint: readings and updates may
/// cross each other.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU32);

impl Pace {
    /// Nothing is known of the first tasks.
    pub(crate) fn nanos(&self) -> Option<u32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(nanos),
        }
    }

    /// Takes the usual time as known.
    pub(crate) fn assume(&self, nanos: u32) {
        self.0.store(nanos.max(1), Ordering::Relaxed);
    }

    /// So many tasks took so long. New measurements count a quarter, so that one odd task does not
    /// decide, and a change shows soon.
    pub(crate) fn measured(&self, tasks: u32, took: Duration) {
        let took = u32::try_from(took.as_nanos()).unwrap_or(u32::MAX);
        let each = (took / tasks.max(1)).max(1);
        let next = match self.nanos() {
            None => each,
            Some(known) => known - known / 4 + each / 4,
        };
        self.assume(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_what_is_measured() {
        let pace = Pace::default();
        assert_eq!(pace.nanos(), None);
        pace.measured(10, Duration::from_micros(1));
        assert_eq!(pace.nanos(), Some(100));
        pace.measured(1, Duration::from_secs(100));
        assert!(pace.nanos().is_some_and(|nanos| nanos > 1_000_000_000), "{pace:?}");
        (0..100).for_each(|_| pace.measured(4, Duration::ZERO));
        assert!(pace.nanos().is_some_and(|nanos| nanos < 10), "{pace:?}");
    }
}
