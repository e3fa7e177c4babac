//! The run, while the thread that drives it runs a body that is a pool's.
//!
//! Before such a body the driving thread leaves the run here, with all that it was about to do, and
//! takes it back afterwards: one exchange each. If the body does not return, whoever looks now and
//! then takes the run instead, and goes on with it; what the body yields is then told to the run as
//! any worker's outcome is.

use std::sync::atomic::{AtomicU32, Ordering};

use super::work::{Notification, Outbox};
use crate::run::{Run, Task};
use crate::sync::Handover;

/// Short tasks are many more between two looks.
const FEW: u32 = 8;

/// A run in hand: with what its holder has found to be done, and the task whose body runs.
pub(super) struct Held {
    pub(super) run: Box<Run>,
    pub(super) outbox: Outbox,
    pub(super) task: Task,
    /// Whether others do tasks of the run meanwhile.
    pub(super) shared: bool,
    /// What others have ended, while the run is told of it.
    pub(super) ended: Vec<Notification>,
}

impl Held {
    pub(super) fn new(run: Box<Run>, outbox: Outbox, task: Task) -> Self {
        Self { run, outbox, task, shared: false, ended: Vec::new() }
    }
}

/// Where the driving thread leaves the run.
#[derive(Default)]
pub(super) struct Lending {
    lent: Handover<Box<Held>>,
    /// Counts the bodies, and what the count was at the last look.
    bodies: AtomicU32,
    seen: AtomicU32,
}

impl Lending {
    /// A body is about to run. Nobody but the driving thread lends.
    #[inline]
    pub(super) fn lend(&self, held: &mut Option<Box<Held>>) {
        let bodies = self.bodies.load(Ordering::Relaxed).wrapping_add(1);
        self.bodies.store(bodies, Ordering::Relaxed);
        self.lent.put(held.take());
    }

    /// It has returned. Nothing is held afterwards if somebody else has taken the run.
    #[inline]
    pub(super) fn take_back(&self, held: &mut Option<Box<Held>>) {
        *held = self.lent.take();
    }

    /// Takes the run from behind a body, if few have returned since this was asked last: that one
    /// may not, or they are not short after all.
    pub(super) fn take_stalled(&self) -> Option<Box<Held>> {
        let bodies = self.bodies.load(Ordering::Relaxed);
        let few = bodies.wrapping_sub(self.seen.swap(bodies, Ordering::Relaxed)) < FEW;
        // The model checker has no time that passes.
        if few || cfg!(shuttle) { self.lent.take() } else { None }
    }
}
