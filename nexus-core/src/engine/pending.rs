//! Steps that wait for the world outside, as users see them: approvals, webhooks.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use serde::Serialize;

use super::engine::Engine;
use super::keys::{Busy, Durable};
use super::resolving::{ask, task_at};
use super::restore::{RunAtRest, Unrecorded};
use super::stored::KeyGuard;
use super::writer::RecordedRun;
use crate::address::StepAddress;
use crate::context::Names;
use crate::error::{Error, Result};
use crate::journal::{
    Answer, Body, Change, Record, RecordKind, RunState, Steps, StoredRun, Timestamp, each_record,
};
use crate::plan::Plan;
use crate::run::{Notification, Run, Task};
use crate::wire::{VALUE_LIMIT, to_json};

/// A step of a durable run that waits for the world outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingStep {
    /// Where it is: what [`Engine::resolve`] is given.
    pub step: StepAddress,
    /// The event's name.
    pub event: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Since when it waits.
    pub since: Timestamp,
    /// When its `timeout` is over, if it has one.
    pub until: Option<Timestamp>,
}

/// Where a run is that somebody asks for.
pub(super) enum Found {
    Active(Arc<dyn RecordedRun>),
    /// Nobody drives it, nor can somebody meanwhile.
    Stored(KeyGuard),
}

impl Engine {
    /// Says what a step yields that is [pending](crate::Outcome::pending). `step` is its path, or
    /// `path[3]` for the item with the index 3 of an `each` step: what
    /// [`Context::step_address`](crate::Context::step_address) gives. When this returns, the value is
    /// safe in the store.
    ///
    /// The run need not be under way: of one that its process left unfinished the value is recorded,
    /// and used when the run is resumed. A step that is under way and has not said yet that it is
    /// pending keeps the value until it does; so the world outside may answer before the body has
    /// returned.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("approve", |_: &Context| Outcome::<String>::pending()).output_json();
    /// let plan = Flow::parse("approve")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// let run = engine.prepare_plan(&plan, Inputs::new())?.key("order-7").start()?;
    /// // What somebody does hours later, with the key and the step that the body handed out.
    /// engine.resolve("order-7", "approve", "Ada says yes")?;
    /// assert_eq!(run.wait()?.output::<String>()?, "Ada says yes");
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the value is none that the step yields, and then the step stays pending; if there is no
    /// such run or step, or it waits for nothing; if the store fails.
    pub fn resolve<T: Serialize>(&self, key: &str, step: &str, value: T) -> Result<()> {
        let json = to_json(&value, VALUE_LIMIT).map_err(|error| {
            Error::Durable(format!("the value for `{step}` cannot be recorded: {error}"))
        })?;
        self.resolve_json(key, step, &json)
    }

    /// The same with a value that is written as JSON.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_json(&self, key: &str, step: &str, json: &str) -> Result<()> {
        self.answer(key, step, Answer::Value(json))
    }

    /// Says that what a step waits for has failed. That is an exception of its event, which the
    /// event's retry policy treats as any other: if it is tried again, the body is invoked again.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn fail(&self, key: &str, step: &str, message: &str) -> Result<()> {
        self.answer(key, step, Answer::Failure(message))
    }

    /// Checks whether [`resolve_json`](Self::resolve_json) would do it, as far as the records say
    /// that are in the store: for who asks another process to do it.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn check_resolve_json(&self, key: &str, step: &str, json: &str) -> Result<()> {
        self.check_answer(key, step, Answer::Value(json))
    }

    /// The same for [`fail`](Self::fail).
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn check_fail(&self, key: &str, step: &str) -> Result<()> {
        self.check_answer(key, step, Answer::Failure(""))
    }

    /// The steps of a durable run that wait for the world outside, in the order of the flow.
    ///
    /// # Errors
    ///
    /// If the engine has no store, the store cannot be read or has no such run, or the run's records
    /// do not fit the flow of today.
    pub fn pending(&self, key: &str) -> Result<Vec<PendingStep>> {
        let (durable, key) = (self.durable()?, Arc::from(key));
        let open = |run: &Run| {
            let open: Vec<Task> = run.open_tasks().collect();
            (Arc::clone(&run.plan), open)
        };
        let mut ended = None;
        loop {
            let found = match self.found_beside(durable, &key, ended.as_ref())? {
                Found::Active(run) => {
                    ended = Some(Arc::downgrade(&run));
                    ask(|look| run.have_looked_at(look), open)
                }
                Found::Stored(_guard) => {
                    let stored = known(durable, &key)?;
                    if !stored.is_open() {
                        return Ok(Vec::new());
                    }
                    let rest = self.at_rest(durable, &stored)?;
                    Some(open(&rest.run))
                }
            };
            // Otherwise the run has ended meanwhile.
            if let Some((plan, open)) = found {
                return pending_steps(durable, &plan, &known(durable, &key)?, &open);
            }
        }
    }

    /// Says how a task ended that is pending.
    fn answer(&self, key: &str, step: &str, answer: Answer<'_>) -> Result<()> {
        let (durable, key) = (self.durable()?, Arc::from(key));
        let Ok(address) = step.parse::<StepAddress>();
        let mut ended = None;
        loop {
            match self.found_beside(durable, &key, ended.as_ref())? {
                Found::Active(run) => {
                    ended = Some(Arc::downgrade(&run));
                    if let Some(answered) = run.resolve(&address, answer) {
                        return answered;
                    }
                    // The run has ended meanwhile, and its key is about to be free.
                }
                Found::Stored(guard) => {
                    let answered = self.answer_stored(durable, guard.key(), &address, answer)?;
                    return durable.writer.write(answered);
                }
            }
        }
    }

    fn check_answer(&self, key: &str, step: &str, answer: Answer<'_>) -> Result<()> {
        let (durable, key) = (self.durable()?, Arc::from(key));
        let Ok(address) = step.parse::<StepAddress>();
        let Found::Stored(guard) = self.found(durable, &key)? else { return Ok(()) };
        self.answer_stored(durable, guard.key(), &address, answer).map(drop)
    }

    /// What is to be written of a run that nobody drives, which is told when it is resumed. Whoever
    /// calls this has the run's key.
    fn answer_stored(
        &self,
        durable: &Durable,
        key: &Arc<str>,
        address: &StepAddress,
        answer: Answer<'_>,
    ) -> Result<Change> {
        let stored = known(durable, key)?;
        if let RunState::Ended(status) = stored.state {
            let status = status.name();
            return Err(Error::Durable(format!(
                "nothing of the run `{key}` is pending: it is over ({status})"
            )));
        }
        let rest = self.at_rest(durable, &stored)?;
        let (plan, task) = (&rest.run.plan, task_at(&rest.run.plan, &rest.run, key, address)?);
        let outcome = answer.outcome(plan, task.step).map_err(Error::Durable)?;
        let notification = Notification::Resolved { task, outcome, reply: None };
        let body = Body::of(plan, &notification, rest.elapsed(task), VALUE_LIMIT)
            .map_err(|exception| Error::Durable(exception.to_string()))?;
        let record = Record {
            seq: stored.records + 1,
            at: self.shared_state().timestamp(),
            kind: body.kind,
            step: Some(task.step),
            attempt: task.attempt,
            item: task.item,
            body: body.json,
        };
        Ok(Change::Record { key: Arc::clone(key), record })
    }

    /// Brings a run back that nobody drives, and does not go on with it. Whoever calls this has the
    /// run's key.
    fn at_rest(&self, durable: &Durable, stored: &StoredRun) -> Result<RunAtRest> {
        RunAtRest::new(self.shared_state(), durable, stored, Unrecorded::Compute)
    }

    /// The run with this key, or the right to it.
    pub(super) fn found(&self, durable: &Durable, key: &Arc<str>) -> Result<Found> {
        self.found_beside(durable, key, None)
    }

    /// The same, of which the caller knows that one run that had the key has ended: waits until that
    /// run has freed it.
    fn found_beside(
        &self,
        durable: &Durable,
        key: &Arc<str>,
        ended: Option<&Weak<dyn RecordedRun>>,
    ) -> Result<Found> {
        // Without threads nothing happens while one waits.
        let may_wait = self.shared_state().stepped.is_none();
        match durable.active_or_take(key, ended, may_wait) {
            Ok(Some(run)) => Ok(Found::Active(run)),
            Ok(None) => Ok(Found::Stored(KeyGuard::taken(self.shared_state(), key))),
            Err(Busy) => {
                Err(Error::Durable(format!("the run `{key}` is about to begin or to end")))
            }
        }
    }
}

/// The run with this key, as the store has it.
pub(super) fn known(durable: &Durable, key: &str) -> Result<StoredRun> {
    let stored = durable.store().run(key)?;
    stored.ok_or_else(|| Error::Durable(format!("the store has no run `{key}`")))
}

/// What there is to know of tasks that are pending.
fn pending_steps(
    durable: &Durable,
    plan: &Plan,
    stored: &StoredRun,
    open: &[Task],
) -> Result<Vec<PendingStep>> {
    let mut since: BTreeMap<Task, Timestamp> = BTreeMap::new();
    let after = stored.restart().map_or(0, |restart| restart.seq);
    let mut steps = Steps::of(stored);
    each_record(durable.store(), &stored.start.key, after, |record| {
        let Ok(record) = steps.translate(record) else { return Ok(()) };
        let task =
            record.step.map(|step| Task { step, attempt: record.attempt, item: record.item });
        if let (RecordKind::Completed, Some(task)) = (record.kind, task) {
            since.extend(open.contains(&task).then_some((task, record.at)));
        }
        Ok::<(), Error>(())
    })?;
    let pending = open.iter().filter_map(|task| {
        let since = *since.get(task)?;
        let timeout = plan.options_of(task.step).timeout;
        Some(PendingStep {
            step: StepAddress::new(plan.step_path(task.step), task.item),
            event: plan.event_name(task.step).to_owned(),
            attempt: task.attempt,
            since,
            until: timeout.map(|timeout| since.plus(timeout)),
        })
    });
    Ok(pending.collect())
}
