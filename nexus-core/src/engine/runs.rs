//! The runs of an engine, so that it can be shut down in order.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::current;
use crate::error::{Error, Result};
use crate::sync::{Condvar, Mutex, lock, wait, wait_timeout};

/// What a shutdown needs of a run.
pub(super) trait Registered: Send + Sync {
    /// Where it stands among the runs of its engine.
    fn place(&self) -> usize;
    fn set_place(&self, place: usize);
    fn name(&self) -> &str;
    /// The engine ends: nothing more is recorded of the run, which is cancelled soon.
    fn leave(&self);
    /// Starts nothing more of the run, if it can be resumed.
    fn drain(&self);
    /// Leaves a run of which nothing more is started to be resumed, if nothing of it runs any more.
    fn leave_if_at_rest(self: Arc<Self>);
    /// Ends the run: nothing more starts, and nothing is waited for.
    fn cancel(self: Arc<Self>);
    /// The steps whose bodies run on although nobody waits for them.
    fn abandoned_steps(&self) -> Vec<String>;
}

/// How often one looks whether a run has come to rest.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The runs of an engine, and what they left behind.
#[derive(Default)]
pub(super) struct Runs {
    state: Mutex<State>,
    /// The last run has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    admits: Admits,
    /// The runs under way, each at a place that it knows; places are used again.
    active: Vec<Option<Weak<dyn Registered>>>,
    /// The places that no run has.
    free: Vec<usize>,
    /// Runs that had bodies abandoned, so that one can say what still runs.
    with_abandoned: Vec<Weak<dyn Registered>>,
}

/// Which runs may begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Admits {
    #[default]
    All,
    /// Those that a task begins, which is under way.
    OfTasks,
    None,
}

impl State {
    fn is_idle(&self) -> bool {
        self.free.len() == self.active.len()
    }
}

impl Runs {
    /// A run begins.
    pub(super) fn add<R: Registered + 'static>(&self, run: Arc<R>) -> Result<Arc<R>> {
        let mut state = lock(&self.state);
        let admitted = match state.admits {
            Admits::All => true,
            Admits::OfTasks => current::is_running(),
            Admits::None => false,
        };
        if !admitted {
            drop(state);
            // Its inputs are the user's, and so is their drop.
            drop(run);
            return Err(Error::Engine("the engine is shut down; it starts no runs".to_owned()));
        }
        let place = state.free.pop().unwrap_or_else(|| {
            state.active.push(None);
            state.active.len() - 1
        });
        run.set_place(place);
        let registered: Weak<R> = Arc::downgrade(&run);
        state.active[place] = Some(registered);
        Ok(run)
    }

    /// A run is over. It may be said again.
    pub(super) fn remove(&self, run: &impl Registered) {
        let mut state = lock(&self.state);
        let place = run.place();
        // By now the place may be another's.
        let address = std::ptr::from_ref(run).cast::<()>();
        let own = |known: &mut Weak<dyn Registered>| known.as_ptr().cast::<()>() == address;
        if state.active[place].take_if(own).is_some() {
            state.free.push(place);
        }
        // Only who has closed the engine waits, and to notify nobody takes a system call.
        if state.admits != Admits::All && state.is_idle() {
            self.ended.notify_all();
        }
    }

    /// A body of the run was abandoned.
    pub(super) fn note_abandoned(&self, run: &Arc<impl Registered + 'static>) {
        let mut state = lock(&self.state);
        state.with_abandoned.retain(|known| known.strong_count() > 0);
        let address = Arc::as_ptr(run).cast::<()>();
        if !state.with_abandoned.iter().any(|known| known.as_ptr().cast::<()>() == address) {
            let run = Arc::downgrade(run);
            state.with_abandoned.push(run);
        }
    }

    /// Whether it takes runs.
    #[cfg(feature = "durable")]
    pub(super) fn is_open(&self) -> bool {
        lock(&self.state).admits == Admits::All
    }

    /// Takes no more runs.
    pub(super) fn close(&self) {
        lock(&self.state).admits = Admits::None;
    }

    /// Takes no more runs but those that tasks begin, and has nothing more started of those that can
    /// be resumed. Waits until no run is left. `false` if the time is over before.
    pub(super) fn drain(&self, deadline: Option<Instant>) -> bool {
        lock(&self.state).admits = Admits::OfTasks;
        self.active().iter().for_each(|run| run.drain());
        loop {
            self.active().into_iter().for_each(Registered::leave_if_at_rest);
            let next = Instant::now() + LOOK_EVERY;
            if self.wait(Some(deadline.map_or(next, |at| at.min(next)))) {
                return true;
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return false;
            }
        }
    }

    /// Waits for all runs. `false` if the time is over before.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.is_idle() {
            state = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => wait(&self.ended, state),
                Some(left) if left.is_zero() => return false,
                Some(left) => wait_timeout(&self.ended, state, left),
            };
        }
        true
    }

    fn active(&self) -> Vec<Arc<dyn Registered>> {
        lock(&self.state).active.iter().flatten().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn cancel_all(&self) {
        let active = self.active();
        // A run that ends cancels those inside of it, of which that is not to be recorded.
        for run in &active {
            run.leave();
        }
        for run in active {
            run.cancel();
        }
    }

    /// What still runs, by name.
    pub(super) fn still_running(&self) -> Vec<String> {
        let left: Vec<Arc<dyn Registered>> =
            lock(&self.state).with_abandoned.iter().filter_map(Weak::upgrade).collect();
        let mut names: Vec<String> = left.iter().flat_map(|run| run.abandoned_steps()).collect();
        // A run that was cancelled and goes on is in a body on its own thread.
        names.extend(self.active().iter().map(|run| run.name().to_owned()));
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Run {
        place: AtomicUsize,
        name: &'static str,
    }

    impl Registered for Run {
        fn place(&self) -> usize {
            self.place.load(Ordering::Relaxed)
        }
        fn set_place(&self, place: usize) {
            self.place.store(place, Ordering::Relaxed);
        }
        fn name(&self) -> &str {
            self.name
        }
        fn leave(&self) {}
        fn drain(&self) {}
        fn leave_if_at_rest(self: Arc<Self>) {}
        fn cancel(self: Arc<Self>) {}
        fn abandoned_steps(&self) -> Vec<String> {
            Vec::new()
        }
    }

    /// Otherwise a shutdown would not wait for the run that has the place now.
    #[test]
    fn a_run_that_is_removed_twice_leaves_the_next_one_at_its_place() -> Result<()> {
        let runs = Runs::default();
        let run = |name| Arc::new(Run { place: AtomicUsize::new(0), name });
        let first = runs.add(run("first"))?;
        let other = runs.add(run("other"))?;
        runs.remove(&*first);
        let next = runs.add(run("next"))?;
        assert_eq!(next.place(), first.place());
        runs.remove(&*first);
        assert_eq!(runs.still_running(), ["next", "other"]);
        let now = Some(Instant::now());
        assert!(!runs.wait(now));
        runs.remove(&*other);
        runs.remove(&*next);
        assert!(runs.wait(now));
        Ok(())
    }
}
