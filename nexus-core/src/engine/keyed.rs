//! Durable runs as users see them: keys, resuming, cancelling, reports of the past.

use std::sync::Arc;

use super::durable::{Begun, Recording, Resumed};
use super::engine::Engine;
use super::handle::RunHandle;
use super::keys::{CancelAsked, Durable};
use super::pending::Found;
use super::prepare::Prepared;
use super::progress::ProgressTracker;
use super::restore::{Unrecorded, can_go_on, inputs_of, plan_of};
use super::stored::{KeyGuard, cancel_stored};
use super::writer::Queued;
use crate::error::{Error, Result, StoreError};
use crate::journal::{Change, History, RunCounts, RunQuery, RunState, Store, StoredRun};
use crate::plan::Plan;
use crate::report::Report;
use crate::run::CancelCause;

impl Prepared {
    /// Makes the run durable under this key: what happens to it is safe in the engine's store
    /// before anything follows from it, and whatever ends the process, the run can go on.
    ///
    /// A store has one run of a key. If it has it already, with the same pipeline and equal inputs,
    /// this run *is* that one: it goes on where that one is, or ends at once with its report. So
    /// giving the same key again is safe.
    ///
    /// Run ids, jitter and idempotency keys follow from the key.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("charge", |_: &Context| Outcome::success(7_u32)).output_json();
    /// let plan = Flow::parse("charge")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// let charge = || engine.prepare_plan(&plan, Inputs::new())?.key("order-7").run();
    /// assert_eq!(charge()?.output::<u32>()?, &7);
    /// // The second time nothing is invoked: the run is over.
    /// assert_eq!(charge()?.output::<u32>()?, &7);
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.engine.watch_requests();
        self.recording = Some(Recording::under(Some(key.into())));
        self
    }
}

impl Prepared {
    /// Records the run under a key of its own, if the engine has a store.
    #[doc(hidden)]
    pub fn recorded_if_stored(mut self) -> Self {
        if self.engine.durable().is_ok() {
            self.engine.watch_requests();
            self.recording = Some(Recording::under(None));
        }
        self
    }
}

/// So many runs that begin together share a commit.
const TOGETHER: usize = 256;

impl Prepared {
    /// Runs them all in the background, as [`start`](Self::start) does each: the handles are in their
    /// order. That durable ones have begun is safe in the store when this returns, as it is after
    /// `start`; but many of them share a commit, so that the disk is waited for once, and not once for
    /// each.
    ///
    /// A run that cannot begin keeps no other from it.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Prepared, Registry};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("charge", |_: &Context| Outcome::success(7_u32)).output_json();
    /// let plan = Flow::parse("charge")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// let mut runs = Vec::new();
    /// for order in ["A-1", "A-2", "A-3"] {
    ///     runs.push(engine.prepare_plan(&plan, Inputs::new())?.key(order));
    /// }
    /// for run in Prepared::start_all(runs) {
    ///     assert!(run?.wait()?.is_success());
    /// }
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn start_all(runs: impl IntoIterator<Item = Self>) -> Vec<Result<RunHandle>> {
        // To give the next one is the caller's code, for which no run that has begun is to wait.
        let runs: Vec<Self> = runs.into_iter().collect();
        let mut handles = Vec::with_capacity(runs.len());
        let mut begun = Vec::new();
        for run in runs {
            // One of those that have begun may be the one that is waited for.
            if begun.len() == TOGETHER || run.may_wait() {
                handles.extend(begun.drain(..).map(Starting::start));
            }
            begun.push(run.begin_start());
        }
        handles.extend(begun.into_iter().map(Starting::start));
        handles
    }

    /// Whether to begin may be to wait for another run.
    fn may_wait(&self) -> bool {
        match (&self.recording, &self.engine.shared_state().durable) {
            (Some(recording), Some(durable)) => recording.may_wait(durable),
            _ => false,
        }
    }

    /// Begins the run in the background, and leaves it to the writer to record that.
    fn begin_start(mut self) -> Starting {
        let tracker = Arc::new(ProgressTracker::default());
        let begun = self.begin_unwritten(Some(Arc::clone(&tracker)), false);
        let begun = begun.and_then(|mut begun| Ok((begun.queue_start()?, begun)));
        Starting(begun.map(|(queued, begun)| (self, begun, tracker, queued)))
    }
}

/// A run that is started together with others.
struct Starting(Result<(Prepared, Begun, Arc<ProgressTracker>, Option<Queued>)>);

impl Starting {
    /// Has the run driven, as soon as it is safe that it has begun.
    fn start(self) -> Result<RunHandle> {
        let (prepared, mut begun, tracker, queued) = self.0?;
        queued.map_or(Ok(()), Queued::wait)?;
        begun.write_trace()?;
        begun.announce();
        prepared.drive_in_background(begun, tracker)
    }
}

impl Engine {
    pub(super) fn durable(&self) -> Result<&Durable> {
        self.shared_state().durable.as_ref().ok_or_else(|| {
            Error::Durable(
                "the engine has no store; give it one with `Engine::builder().store(..)`"
                    .to_owned(),
            )
        })
    }

    /// The store that the engine keeps its runs in, if it has one: to read it, and to leave requests.
    /// What happens to runs is written by the engine alone.
    pub fn store(&self) -> Option<&dyn Store> {
        self.shared_state().durable.as_ref().map(Durable::store)
    }

    /// Goes on with every run that its process left unfinished, each in the background: of the
    /// durable pipelines that are linked into this program, and of the plans that were given to
    /// [`EngineBuilder::resumable`](crate::EngineBuilder::resumable).
    ///
    /// Steps that are recorded are not invoked again. A step that had started without a record
    /// starts again under the same attempt number; a wait goes on for what is left of it.
    ///
    /// A run that cannot go on, for its flow or an event's version has changed, keeps no other from
    /// it: it is listed as [`RunState::NeedsDecision`] with the reason.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read.
    pub fn resume(&self) -> Result<Vec<RunHandle>> {
        let durable = self.durable()?;
        self.watch_requests();
        let mut handles = Vec::new();
        let mut runs = durable.store().runs(&RunQuery::unfinished())?;
        // What stood in the way may be gone.
        runs.extend(durable.store().runs(&RunQuery::all().state(RunState::NeedsDecision))?);
        for listed in runs {
            let key = &listed.start.key;
            // Under the key, so that nobody else goes on with it meanwhile.
            let Found::Stored(guard) = self.found(durable, key)? else { continue };
            // Somebody may have, since it was listed.
            let stored = durable.store().run(key)?.filter(StoredRun::is_open);
            let Some(stored) = stored else { continue };
            if is_orphan(durable, &stored)? {
                // Told when the key is free.
                durable.ask_cancel(key, CancelCause::Parent);
                continue;
            }
            let before = stored.reason.clone();
            // Nobody else may have the key before the reason is written.
            match self.resume_run(durable, stored, guard.clone()) {
                Ok(resumed) => handles.extend(resumed),
                Err(Error::Store(why)) if !matches!(why, StoreError::Damaged { .. }) => {
                    return Err(Error::Store(why));
                }
                Err(why) => {
                    let (key, reason) = (Arc::clone(key), Some(why.to_string()));
                    if reason != before {
                        durable.writer.write(Change::Decision { key, reason })?;
                    }
                }
            }
        }
        Ok(handles)
    }

    fn resume_run(
        &self,
        durable: &Durable,
        stored: StoredRun,
        guard: KeyGuard,
    ) -> Result<Option<RunHandle>> {
        let Some(plan) = plan_of(durable, &stored)? else { return Ok(None) };
        self.resumed(&plan, Resumed::as_it_is(guard, stored))?.start().map(Some)
    }

    /// The run as its records left it, to be driven.
    pub(super) fn resumed(&self, plan: &Arc<Plan>, resumed: Resumed) -> Result<Prepared> {
        let stored = &resumed.stored;
        can_go_on(stored, plan)?;
        let fields = inputs_of(stored, plan)?;
        let mut prepared = self.prepared(plan, fields);
        prepared.recording = Some(Recording::resumed(resumed));
        Ok(prepared)
    }

    /// The report of a run that is over, from its records; `None` if it is not, the store has no
    /// run of that key, or this program has not its pipeline. Nothing is invoked but events with
    /// `checkpoint = false`.
    ///
    /// # Errors
    ///
    /// If the engine has no store, the store cannot be read, or the run's records do not fit the
    /// flow of today.
    pub fn report(&self, key: &str) -> Result<Option<Report>> {
        let durable = self.durable()?;
        let key: Arc<str> = key.into();
        // A run under way is not over.
        let Some(guard) = KeyGuard::try_take(self.shared_state(), &key) else { return Ok(None) };
        let Some(stored) = durable.store().run(&key)? else { return Ok(None) };
        let Some(plan) = plan_of(durable, &stored)? else { return Ok(None) };
        if !matches!(stored.state, RunState::Ended(_)) {
            return Ok(None);
        }
        // Of a run that is over only the records are read.
        self.resumed(&plan, Resumed::as_it_is(guard, stored))?.run().map(Some)
    }

    /// The runs that the store has.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read.
    pub fn runs(&self, query: &RunQuery) -> Result<Vec<StoredRun>> {
        Ok(self.durable()?.store().runs(query)?)
    }

    /// How many runs the store has of each state.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read.
    pub fn run_counts(&self, query: &RunQuery) -> Result<RunCounts> {
        Ok(self.durable()?.store().counts(query)?)
    }

    /// The run with this key as the store has it, if there is one.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read.
    pub fn stored_run(&self, key: &str) -> Result<Option<StoredRun>> {
        Ok(self.durable()?.store().run(key)?)
    }

    /// What is recorded of a run so far, read without its events; `None` if the store has no such run.
    ///
    /// # Errors
    ///
    /// If the engine has no store, the store cannot be read, or one of the run's records is damaged.
    pub fn history(&self, key: &str) -> Result<Option<History>> {
        Ok(History::read(self.durable()?.store(), key)?)
    }

    /// A history with what was recorded since it was read: see [`History::refreshed`].
    ///
    /// # Errors
    ///
    /// If the engine has no store, the store cannot be read, or one of the run's records is damaged.
    pub fn refresh_history(&self, known: History, run: StoredRun) -> Result<History> {
        Ok(known.refreshed(self.durable()?.store(), run)?)
    }

    /// Cancels a durable run, whether it is under way here or was left unfinished. Says whether there
    /// is such a run.
    ///
    /// Of a run that is under way, this only asks for it: its handle says when it is over.
    ///
    /// # Errors
    ///
    /// If the engine has no store, or the store cannot be read or written.
    pub fn cancel(&self, key: &str) -> Result<bool> {
        let durable = self.durable()?;
        let cause = CancelCause::Requested;
        match durable.ask_cancel(key, cause) {
            CancelAsked::Run(run) => run.cancel(cause),
            CancelAsked::Noted => {}
            CancelAsked::Free => {
                let engine = self.shared_state();
                return cancel_stored(engine, durable, &key.into(), cause, Unrecorded::Compute);
            }
        }
        Ok(true)
    }
}

/// Whether the run whose event has begun this one is over, so that nobody comes back to it.
fn is_orphan(durable: &Durable, stored: &StoredRun) -> Result<bool> {
    let Some(parent) = &stored.start.parent else { return Ok(false) };
    Ok(durable
        .store()
        .run(parent)?
        .is_some_and(|parent| matches!(parent.state, RunState::Ended(_))))
}
