//! An engine without threads: what they would do waits until somebody does it, one step after the
//! other on one thread. So a simulation decides what happens when.

use std::sync::Arc;
use std::time::Duration;

use super::timer::Timer;
use super::writer::Writer;
use crate::executor::AnyExecutor;
use crate::journal::Store;
use crate::observe::Observer;
use crate::plan::Pool;
use crate::time::{Clock, SystemClock};

type MakeExecutor = Box<dyn Fn(&Pool) -> Arc<dyn AnyExecutor> + Send + Sync>;

/// What stands in for the threads of an engine.
pub(crate) struct Stepped {
    executors: MakeExecutor,
}

impl Stepped {
    /// So many processors does the machine have, whichever it is.
    pub(super) const PROCESSORS: usize = 4;

    /// Executors that this makes stand in for those of all pools.
    pub(crate) fn new(
        executors: impl Fn(&Pool) -> Arc<dyn AnyExecutor> + Send + Sync + 'static,
    ) -> Self {
        Self { executors: Box::new(executors) }
    }

    pub(super) fn executor(&self, pool: &Pool) -> Arc<dyn AnyExecutor> {
        (self.executors)(pool)
    }

    /// The engine's two timers. Without threads both go by its own clock.
    pub(super) fn timers(
        stepped: Option<&Self>,
        clock: &Arc<dyn Clock>,
    ) -> (Arc<Timer>, Arc<Timer>) {
        let clock = || Arc::clone(clock);
        match stepped {
            Some(_) => (Timer::without_thread(clock()), Timer::without_thread(clock())),
            None => (Timer::new(clock()), Timer::new(Arc::new(SystemClock::new()))),
        }
    }

    pub(super) fn writer(
        stepped: Option<&Self>,
        store: Arc<dyn Store>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Arc<Writer> {
        match stepped {
            Some(_) => Writer::without_thread(store, observers),
            None => Writer::new(store, observers),
        }
    }
}

/// What an engine without threads has to do.
pub(crate) struct Steps {
    pub(super) writer: Arc<Writer>,
    pub(super) timer: Arc<Timer>,
    pub(super) real_timer: Arc<Timer>,
}

impl Steps {
    /// Whether somebody waits for a commit, and nobody makes one.
    pub(crate) fn wants_commit(&self) -> bool {
        self.writer.is_awaited()
    }

    /// Commits, and tells the runs what is safe then.
    pub(crate) fn commit(&self) {
        self.writer.commit_now();
    }

    /// When the first call of the engine's timer is due.
    pub(crate) fn next_call(&self) -> Option<Duration> {
        self.timer.next_due()
    }

    /// Makes the first call, if its time has come.
    pub(crate) fn call(&self) {
        self.timer.call_due();
    }

    /// When the engine looks next at what does not depend on its clock: requests, slow tasks.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        self.real_timer.next_due()
    }

    /// Looks, if it is time.
    pub(crate) fn look(&self) {
        self.real_timer.call_due();
    }
}
