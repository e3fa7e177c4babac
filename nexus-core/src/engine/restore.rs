//! Bringing a run back from its records, and whether the flow of today lets it go on.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::active::{ActiveRun, LocalRun};
use super::keys::{Durable, id_of};
use super::recorded::RunJournal;
use super::shared::Shared;
use crate::cancel::Children;
use crate::context::{Context, RunInfo};
use crate::error::{Error, Result};
use crate::event::Inputs;
use crate::failure::Exception;
use crate::journal::{
    Change, FlowRecord, LinkedPipeline, RecordKind, Replay, RunState, Steps, StoredRun, each_record,
};
use crate::outcome::TaskOutcome;
use crate::panic;
use crate::plan::Plan;
use crate::report::{Report, Status};
use crate::run::{Halt, Run, Task};
use crate::value::Value;

/// What differs between the flow that a run began with and that of today, if something does.
pub(crate) fn flow_difference(then: &Arc<FlowRecord>, now: &Arc<FlowRecord>) -> Option<String> {
    let changed = || format!("its flow has changed since it began{}", then.changes_until(now));
    // The same one is often meant.
    (!Arc::ptr_eq(then, now) && then != now).then(changed)
}

fn cannot_go_on(key: &str, why: &str) -> Error {
    Error::Durable(format!("the run `{key}` cannot go on: {why}"))
}

/// Whether the run can go on with this plan, as far as one can tell without its records.
pub(super) fn can_go_on(stored: &StoredRun, plan: &Plan) -> Result<()> {
    let key = &stored.start.key;
    if stored.state == RunState::Damaged {
        return Err(cannot_go_on(
            key,
            stored.reason.as_deref().unwrap_or("its records are damaged"),
        ));
    }
    let (then, now) = (stored.flow(), plan.flow_record());
    if then.has_steps_of(now) {
        return Ok(());
    }
    let changes = then.changes_until(now);
    Err(cannot_go_on(key, &format!("its flow has changed since it began{changes}")))
}

impl ActiveRun {
    /// Brings the run back from its records, and from what is about to be written of it.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, a record of the run is damaged, or the run still needs an event
    /// that has changed.
    pub(super) fn replay(
        self: &Arc<Self>,
        stored: &StoredRun,
        change: Option<&Change>,
        unrecorded: Unrecorded,
    ) -> Result<()> {
        let (Some(durable), Some(journal)) = (&self.engine.durable, &self.journal) else {
            return Ok(());
        };
        let key = &stored.start.key;
        let mut replay = self.replayed(durable, stored, unrecorded)?;
        if let Some(Change::Revise { record, .. }) = change
            && record.kind == RecordKind::Retried
        {
            replay.retry(record).map_err(|why| {
                Error::Durable(format!("the run `{key}` cannot be tried again: {why}"))
            })?;
        }
        let now = self.engine.timestamp();
        let replayed = replay.finish(now);
        for (task, at) in replayed.starts {
            let clock = self.engine.clock.now();
            self.note_start_again(task, clock.saturating_sub(now.since(at)));
        }
        let mut run = replayed.run;
        run.ask_again(replayed.asked);
        if journal.had_ended() && !run.is_finished() {
            return Err(Error::Durable(format!(
                "the run `{key}` is over, but its records end before"
            )));
        }
        if !run.is_finished() {
            self.needs_nothing_changed(stored, &run)?;
        }
        // A decision that is about to be written is the last record.
        let decided = stored.revisions.last().map_or(0, |revision| revision.seq);
        journal.go_on_after(replayed.records.max(decided), run);
        Ok(())
    }

    /// The run as its records alone have left it.
    fn replayed(
        self: &Arc<Self>,
        durable: &Durable,
        stored: &StoredRun,
        unrecorded: Unrecorded,
    ) -> Result<Replay> {
        let key = &stored.start.key;
        let restart = stored.restart();
        let (after, at) = restart.map_or((0, stored.start.at), |it| (it.seq, it.at));
        let mut replay = Replay::new(Box::new(self.new_run()), at, after);
        let (mut context, mut steps) = (Context::new(self.info()), Steps::of(stored));
        each_record(durable.store(), key, after, |record| {
            let seq = record.seq;
            let mut compute = |run: &mut Run, task: Task| match unrecorded {
                Unrecorded::Compute => self.compute(run, task, &mut context),
                Unrecorded::Refuse => Exception::not_run("it is not computed again").into(),
            };
            let applied = steps.translate(record).and_then(|record| {
                // Deserialize and what is computed again are user code.
                let apply = || replay.apply(&self.plan, &record, &mut compute);
                panic::contain(apply).unwrap_or_else(|panic| Err(panic.to_string()))
            });
            applied.map_err(|why| cannot_go_on(key, &format!("record {seq}: {why}")))
        })?;
        Ok(replay)
    }

    /// Refuses to go on where a step that has not ended is of an event that has changed since.
    fn needs_nothing_changed(&self, stored: &StoredRun, run: &Run) -> Result<()> {
        let (then, now) = (stored.flow(), self.plan.flow_record());
        let pairs = then.steps.iter().zip(&now.steps).zip(&run.cells);
        let mut needed = pairs.filter(|(_, cell)| !cell.ending.has_ended());
        if needed.all(|((then, now), _)| then == now) {
            return Ok(());
        }
        let changes = then.changes_until(now);
        let why = format!("an event that it still needs has changed since it began{changes}");
        Err(cannot_go_on(&stored.start.key, &why))
    }

    /// Runs a body again whose outcome was not recorded.
    fn compute(&self, run: &mut Run, task: Task, context: &mut Context) -> TaskOutcome {
        let input = run.owned_task_input(task);
        (context.step, context.attempt, context.item) = (task.step, task.attempt, task.item);
        context.previous =
            if self.wants_previous(task.step) { run.previous(task) } else { Vec::new() };
        let slots = &self.plan.event_of(task.step).slots;
        let inputs = Inputs { slots, piped: input.borrow(), context };
        let outcome = panic::contain(|| self.body(task.step).call(&inputs));
        outcome.unwrap_or_else(TaskOutcome::Exception)
    }
}

/// The inputs that the run began with, as the plan's fields.
pub(super) fn inputs_of(stored: &StoredRun, plan: &Plan) -> Result<Vec<Value>> {
    plan.fields.read_json(&stored.start.inputs).map_err(|error| {
        let key = &stored.start.key;
        Error::Durable(format!("the inputs of the run `{key}` cannot be read: {error}"))
    })
}

/// What to do about outcomes that are not recorded, but computed again by the user's code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unrecorded {
    Compute,
    /// Whoever brings the run back must not wait: then it cannot be brought back.
    Refuse,
}

/// A run that nobody drives, as its records left it.
pub(super) struct RunAtRest {
    pub(super) run: Box<Run>,
    active: Arc<ActiveRun>,
}

impl RunAtRest {
    /// Brings the run back, for somebody who has its key.
    ///
    /// # Errors
    ///
    /// If this program has not its pipeline, or the run cannot go on.
    pub(super) fn new(
        engine: &Arc<Shared>,
        durable: &Durable,
        stored: &StoredRun,
        unrecorded: Unrecorded,
    ) -> Result<Self> {
        let plan = plan_of(durable, stored)?.ok_or_else(|| lacking(stored))?;
        let states = engine.states(&plan)?;
        let active = inactive(engine, durable, stored, plan, states)?;
        active.replay(stored, None, unrecorded)?;
        let run = active.journal.as_deref().and_then(RunJournal::take_resumed);
        Ok(Self { run: run.ok_or_else(|| lacking(stored))?, active })
    }

    /// Whether the run has come to its end by its records.
    pub(super) fn is_over(&self) -> bool {
        self.run.is_finished()
    }

    /// How the run ends, if this ends it.
    pub(super) fn ended_by(mut self, halt: Option<Halt>) -> Status {
        if let Some(halt) = halt {
            self.run.cancel_all(halt);
        }
        Report::new(*self.run, self.active.id, Duration::ZERO).status()
    }

    /// The time since the task's first attempt began, where its policy bounds that.
    pub(super) fn elapsed(&self, task: Task) -> Duration {
        let is_bounded = self.active.is_bounded(task);
        if is_bounded { self.active.measured_elapsed(task) } else { Duration::ZERO }
    }
}

fn lacking(stored: &StoredRun) -> Error {
    let (key, pipeline) = (&stored.start.key, &stored.start.pipeline);
    Error::Durable(format!(
        "the run `{key}` is one of `{pipeline}`, which is no durable pipeline of this program"
    ))
}

/// What a run that nobody drives is brought back in.
fn inactive(
    engine: &Arc<Shared>,
    durable: &Durable,
    stored: &StoredRun,
    plan: Arc<Plan>,
    states: Vec<Value>,
) -> Result<Arc<ActiveRun>> {
    let start = &stored.start;
    can_go_on(stored, &plan)?;
    let (writer, key) = (Arc::clone(&durable.writer), Arc::clone(&start.key));
    let journal = RunJournal::new(writer, &engine.timer, key, start.at, stored.ended_at);
    let mocked = engine.mocked(&plan)?;
    let fields = inputs_of(stored, &plan)?;
    let journal = Some(Box::new(journal));
    Ok(Arc::new(RunInfo {
        id: id_of(&start.key),
        fields,
        states,
        deadline: None,
        key: Some(Arc::clone(&start.key)),
        cancelled: AtomicBool::new(false),
        left: AtomicBool::new(false),
        children: Children::new(),
        host: LocalRun::new(Arc::clone(engine), plan, Vec::new(), mocked, None, journal),
    }))
}

/// A run as its records left it, to be looked at. No body runs, so there is no need for what bodies take
/// from the engine.
pub(super) fn looked_at(
    engine: &Arc<Shared>,
    durable: &Durable,
    stored: &StoredRun,
) -> Result<(Arc<Plan>, Replay)> {
    let plan = plan_of(durable, stored)?.ok_or_else(|| lacking(stored))?;
    let active = inactive(engine, durable, stored, Arc::clone(&plan), Vec::new())?;
    let replay = active.replayed(durable, stored, Unrecorded::Refuse)?;
    Ok((plan, replay))
}

/// The plan that a run goes on with, of the events of today.
pub(super) fn plan_of(durable: &Durable, stored: &StoredRun) -> Result<Option<Arc<Plan>>> {
    let script = &stored.flow().script;
    let Some(today) = plan_of_today(durable, stored)? else { return Ok(None) };
    let linked = LinkedPipeline::find(&stored.start.pipeline);
    let (Some(pipeline), false) = (linked, today.flow_record().script == *script) else {
        return Ok(Some(today));
    };
    if durable.resumable.iter().any(|plan| Arc::ptr_eq(plan, &today)) {
        return Ok(Some(today));
    }
    // A run goes on with the flow that it began with, as long as that can still be planned.
    (pipeline.plan)(Some(script)).map(Some).map_err(|error| {
        let changes = stored.flow().changes_until(today.flow_record());
        Error::Durable(format!(
            "its flow has changed since it began, and the old one cannot be planned any more: {error}{changes}"
        ))
    })
}

/// The plan that a run of its pipeline begins with today.
pub(super) fn plan_of_today(durable: &Durable, stored: &StoredRun) -> Result<Option<Arc<Plan>>> {
    let (name, script) = (&*stored.start.pipeline, &stored.flow().script);
    let named = || durable.resumable.iter().filter(|plan| plan.name() == name);
    // Flows that were parsed from a text have no names of their own.
    let same = named().find(|plan| plan.flow_record().script == *script);
    if let Some(plan) = same.or_else(|| named().next()) {
        return Ok(Some(Arc::clone(plan)));
    }
    LinkedPipeline::find(name).map(|pipeline| (pipeline.plan)(None)).transpose()
}
