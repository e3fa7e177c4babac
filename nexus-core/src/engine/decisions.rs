//! What becomes of a run that cannot go on by itself: somebody decides.

use std::sync::Arc;

use super::durable::Resumed;
use super::engine::Engine;
use super::handle::RunHandle;
use super::restore::{Unrecorded, plan_of_today};
use super::stored::{KeyGuard, cancel_stored};
use crate::error::{Error, Result};
use crate::journal::{Change, Record, RecordKind, Revision, RunState};
use crate::run::CancelCause;

impl Engine {
    /// Goes on with a run by the flow of today, in the background: everything that is recorded of
    /// it still stands, and the rest is what the flow of today says. The run's list of records says
    /// from where on.
    ///
    /// It is what to do with a run of which [`resume`](Self::resume) says that it needs a decision,
    /// because its flow or one of its events has changed, if what it has done so far is what it
    /// would have done today: a step was added behind it, or an event has another version.
    ///
    /// ```
    /// use nexus_core::journal::{MemoryStore, RunQuery, RunState};
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, Shutdown};
    /// use std::sync::Arc;
    /// let store = Arc::new(MemoryStore::new());
    /// let mut registry = Registry::new();
    /// registry.event("pack", |_: &Context| Outcome::success(1_u32)).output_json();
    /// registry.event("ship", |_: &Context| Outcome::success(2_u32)).output_json();
    /// registry.event("bill", |_: &Context| Outcome::success(3_u32)).output_json();
    /// let plan = |flow: &str| Flow::parse(flow)?.plan(&registry, &Fields::new());
    /// # // A process that ends before the first step has.
    /// # let old = plan("pack -> ship")?;
    /// # let first = Engine::builder().store(Arc::clone(&store)).build()?;
    /// # first.shutdown(Shutdown::cancel());
    /// # use nexus_core::journal::{Change, FlowRecord, RunStart, Store, Timestamp};
    /// # let flow = FlowRecord { script: "pack -> ship".into(), steps: Vec::new() };
    /// # let start =
    /// #     RunStart::new("order-7", old.name(), Arc::new(flow), "{}".into(), Timestamp(0));
    /// # store.commit(&[Change::Start(start)])?;
    /// // The run `order-7` has begun with `pack -> ship`.
    /// let today = plan("pack -> ship -> bill")?;
    /// let engine = Engine::builder().store(Arc::clone(&store)).resumable(&today).build()?;
    /// assert!(engine.resume()?.is_empty());
    /// let waits = engine.runs(&RunQuery::all().state(RunState::NeedsDecision))?;
    /// println!("{}", waits[0].reason.as_deref().unwrap_or_default());
    /// assert!(engine.adopt("order-7")?.wait()?.is_success());
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a recorded step is none of today's flow, or its value cannot be read as what its event
    /// yields today: the error says which one, and the run stays as it is. If there is no such run,
    /// it is over, or it is under way.
    pub fn adopt(&self, key: &str) -> Result<RunHandle> {
        self.revise(&self.guard(key)?, RecordKind::Adopted)
    }

    /// Begins a run again from its first step, in the background: with the flow of today and the
    /// inputs that it had. What was recorded of it before stays where it is, as history.
    ///
    /// What was invoked before is invoked again, under the same idempotency keys. Its timeout, if
    /// it has one, counts from now.
    ///
    /// # Errors
    ///
    /// If there is no such run, it is over, or it is under way; or its inputs cannot be read as
    /// those of today's pipeline.
    pub fn restart(&self, key: &str) -> Result<RunHandle> {
        self.revise(&self.guard(key)?, RecordKind::Restarted)
    }

    /// Ends a run that needs a decision, as cancelled. Why it could not go on stays with it, as its
    /// [reason](crate::journal::StoredRun::reason).
    ///
    /// # Errors
    ///
    /// If there is no such run, or it needs no decision.
    pub fn abandon(&self, key: &str) -> Result<()> {
        let durable = self.durable()?;
        let stored = durable.store().run(key)?.ok_or_else(|| unknown(key))?;
        if stored.state != RunState::NeedsDecision {
            let state = stored.state.name();
            return Err(Error::Durable(format!(
                "the run `{key}` needs no decision, it is {state}; `cancel` ends one that is not over"
            )));
        }
        let (engine, cause) = (self.shared_state(), CancelCause::Requested);
        let is_cancelled = cancel_stored(engine, durable, &key.into(), cause, Unrecorded::Compute)?;
        if is_cancelled { Ok(()) } else { Err(under_way(key)) }
    }

    /// The key of a run that nobody drives.
    fn guard(&self, key: &str) -> Result<KeyGuard> {
        self.durable()?;
        self.watch_requests();
        KeyGuard::try_take(self.shared_state(), &key.into()).ok_or_else(|| under_way(key))
    }

    /// Goes on with a run by the flow of today.
    fn revise(&self, guard: &KeyGuard, kind: RecordKind) -> Result<RunHandle> {
        let (durable, key) = (self.durable()?, guard.key());
        let mut stored = durable.store().run(key)?.ok_or_else(|| unknown(key))?;
        if !stored.is_open() {
            let state = stored.state.name();
            return Err(Error::Durable(format!("the run `{key}` does not go on, it is {state}")));
        }
        let plan = plan_of_today(durable, &stored)?.ok_or_else(|| {
            let pipeline = &stored.start.pipeline;
            Error::Durable(format!(
                "the run `{key}` is one of `{pipeline}`, which this program does not have"
            ))
        })?;
        let (flow, at) = (Arc::clone(plan.flow_record()), self.shared_state().timestamp());
        let revision = Revision { seq: stored.records + 1, at, kind, flow };
        let change = Some(change(key, &revision));
        stored.revisions.push(revision);
        self.resumed(&plan, Resumed { guard: guard.clone(), stored, change })?.start()
    }

    /// Does what somebody has decided in another process, who learns of what stands in the way by
    /// the run's reason.
    ///
    /// # Errors
    ///
    /// What stands in the way; or if the store fails.
    pub(super) fn decide(&self, key: &str, kind: RecordKind) -> Result<()> {
        // Nobody else may have the key before the reason is written.
        let guard = self.guard(key)?;
        let Err(why) = self.revise(&guard, kind) else { return Ok(()) };
        let durable = self.durable()?;
        if durable.store().run(key)?.is_some_and(|stored| stored.is_open()) {
            let (key, reason) = (Arc::clone(guard.key()), Some(why.to_string()));
            durable.writer.write(Change::Decision { key, reason })?;
        }
        Err(why)
    }
}

/// What is written of a decision.
fn change(key: &Arc<str>, revision: &Revision) -> Change {
    let Revision { seq, at, kind, flow } = revision;
    let record = Record {
        seq: *seq,
        at: *at,
        kind: *kind,
        step: None,
        attempt: 0,
        item: None,
        body: flow.named_json(),
    };
    Change::Revise { key: Arc::clone(key), record, flow: Arc::clone(flow) }
}

fn unknown(key: &str) -> Error {
    Error::Durable(format!("the store has no run `{key}`"))
}

fn under_way(key: &str) -> Error {
    Error::Durable(format!("the run `{key}` is under way; nothing needs to be decided of it"))
}
