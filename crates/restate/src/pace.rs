//! Which bodies run on the threads of the runtime.
//!
//! A body may block, and then its thread must not be one that others need: tokio hands those that it would have
//! polled to another thread, which costs more than a short body. So an event whose body was quick the last
//! time runs where its handler is polled. One thread always stays free of such bodies, so that one that blocks
//! against all expectation delays no more than those that its own thread would have polled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

/// How long a quick body takes at most.
const QUICK: Duration = Duration::from_micros(200);

/// What is known of the bodies of a worker's events.
#[derive(Debug, Default)]
pub(crate) struct Paces {
    /// Of each event, whether its body was quick the last time.
    quick: Mutex<BTreeMap<String, Arc<AtomicBool>>>,
    /// How many bodies run on threads of the runtime at the moment.
    in_place: AtomicUsize,
}

impl Paces {
    /// Whether the body of an event was quick the last time.
    pub(crate) fn of(&self, event: &str) -> Arc<AtomicBool> {
        let mut quick = self.quick.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = quick.get(event) {
            return Arc::clone(known);
        }
        Arc::clone(quick.entry(event.to_owned()).or_default())
    }

    /// Runs the body of an event [of which](Self::of) this is known. It may block.
    pub(crate) fn run<T>(&self, quick: &AtomicBool, body: impl FnOnce() -> T) -> T {
        let was_quick = quick.load(Ordering::Relaxed);
        // The body's own time: handing on what the thread has to do takes as long as a body that is not quick.
        let timed = || {
            let begin = Instant::now();
            (body(), begin.elapsed())
        };
        let (done, took) = match was_quick.then(|| self.place()).flatten() {
            Some(_place) => timed(),
            None => tokio::task::block_in_place(timed),
        };
        let is_quick = took <= QUICK;
        if is_quick != was_quick {
            quick.store(is_quick, Ordering::Relaxed);
        }
        done
    }

    /// A place on a thread of the runtime, if another one stays free.
    fn place(&self) -> Option<Place<'_>> {
        let place = Place(&self.in_place);
        let others = self.in_place.fetch_add(1, Ordering::Relaxed);
        (others + 1 < Handle::current().metrics().num_workers()).then_some(place)
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the runtime has threads for what blocks beside the one that polls this.
pub(crate) fn can_block() -> bool {
    Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use std::sync::Barrier;

    use super::*;

    /// Otherwise bodies that block against all expectation stop a whole worker.
    #[test]
    fn quick_bodies_that_block_leave_a_thread_to_the_others() {
        let paces = Arc::new(Paces::default());
        paces.of("quick").store(true, Ordering::Relaxed);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        // Each waits for all the others.
        let barrier = Arc::new(Barrier::new(4));
        let bodies: Vec<_> = (0..4)
            .map(|_| {
                let (paces, barrier) = (Arc::clone(&paces), Arc::clone(&barrier));
                runtime.spawn(async move { paces.run(&paces.of("quick"), || _ = barrier.wait()) })
            })
            .collect();
        for body in bodies {
            runtime.block_on(body).unwrap();
        }
    }
}
