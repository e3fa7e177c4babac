//! What a durable run is waiting for, read from its records.

use super::activity::RunActivity;
use super::engine::Engine;
use super::pending::known;
use super::restore::looked_at;
use crate::address::StepAddress;
use crate::context::Names;
use crate::error::Result;
use crate::journal::Timestamp;
use crate::run::Action;

/// A task of a durable run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnfinishedTask {
    /// The step, with the item of an `each` step.
    pub step: StepAddress,
    /// Which attempt it is, from 1; of one that waits, the next one.
    pub attempt: u32,
    /// Since when the run waits for it.
    pub since: Timestamp,
    /// What it does meanwhile.
    pub state: TaskState,
}

/// What a task does that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// Its event runs, or is about to. Of a run that nobody drives: it will be run when somebody
    /// resumes that, and may have been run in part.
    Started,
    /// It waits until then, and is tried again.
    Retrying {
        /// When that is.
        until: Timestamp,
    },
    /// It waits for the world outside.
    Pending {
        /// When its `timeout` is over, if it has one.
        until: Option<Timestamp>,
    },
}

impl Engine {
    /// What a durable run waits for, by its records, whoever drives it: what its tasks are that have not
    /// ended, in the order in which they began. Empty for a run that is over.
    ///
    /// Nothing is invoked, so this needs no resources of the events.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry, TaskState};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("approve", |_: &Context| Outcome::<String>::pending()).output_json();
    /// let plan = Flow::parse("approve")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).resumable(&plan).build()?;
    /// let run = engine.prepare_plan(&plan, Inputs::new())?.key("order-7").start()?;
    /// while engine.pending("order-7")?.is_empty() {
    ///     std::thread::yield_now();
    /// }
    /// let [task] = &*engine.unfinished("order-7")? else { panic!() };
    /// assert_eq!(task.step.to_string(), "approve");
    /// assert!(matches!(task.state, TaskState::Pending { .. }));
    /// # run.cancel();
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine has no store, the store cannot be read or has no such run, this program has not its
    /// pipeline, the run's records do not fit the flow of today, or an event with `checkpoint = false`
    /// would have to be run again.
    pub fn unfinished(&self, key: &str) -> Result<Vec<UnfinishedTask>> {
        let durable = self.durable()?;
        let stored = known(durable, key)?;
        if !stored.is_open() {
            return Ok(Vec::new());
        }
        let (plan, replay) = looked_at(self.shared_state(), durable, &stored)?;
        let task = |(action, since): (Action, Timestamp)| {
            let task = action.task();
            UnfinishedTask {
                step: StepAddress::new(plan.step_path(task.step), task.item),
                attempt: task.attempt,
                since,
                state: match action {
                    Action::Check(_) | Action::Start(_) => TaskState::Started,
                    Action::Wake(_, wait) => TaskState::Retrying { until: since.plus(wait) },
                    Action::Await(_, limit) => {
                        TaskState::Pending { until: limit.map(|limit| since.plus(limit)) }
                    }
                },
            }
        };
        Ok(replay.waits_for().into_iter().map(task).collect())
    }

    /// The durable runs that this engine drives, and what the threads which drive them do at the moment. To
    /// ask costs the runs nothing that they would notice.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// use nexus_core::journal::MemoryStore;
    /// let mut registry = Registry::new();
    /// registry.event("wait", |ctx: &Context| {
    ///     while !ctx.is_cancelled() {
    ///         std::thread::yield_now();
    ///     }
    ///     Outcome::success(())
    /// }).output_json();
    /// let plan = Flow::parse("wait")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().store(MemoryStore::new()).build()?;
    /// let run = engine.prepare_plan(&plan, Inputs::new())?.key("order-7").start()?;
    /// let task = loop {
    ///     if let Some(task) = engine.activity().into_iter().find_map(|run| run.running) {
    ///         break task;
    ///     }
    ///     std::thread::yield_now();
    /// };
    /// assert_eq!((&*task.event, task.attempt), ("wait", 1));
    /// # run.cancel();
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn activity(&self) -> Vec<RunActivity> {
        let Some(durable) = &self.shared_state().durable else { return Vec::new() };
        durable.all_active().into_iter().filter_map(|run| run.activity()).collect()
    }

    /// The same of the run with this key; `None` if this engine does not drive it.
    pub fn activity_of(&self, key: &str) -> Option<RunActivity> {
        self.shared_state().durable.as_ref()?.active(key)?.activity()
    }
}
