//! A run as a state machine, for whoever drives it.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::host::EventHost;
use super::task::{LocalTask, TaskEvent, TaskKind, Work, answer_json};
use crate::address::StepAddress;
use crate::cancel::Children;
use crate::context::{Context, Names, RunHost, RunId, RunInfo};
use crate::engine::{Inputs as Given, flow_difference, id_of, step_at};
use crate::error::{Error, Result};
use crate::event::{EventDef, Inputs, Param, ParamKind};
use crate::journal::{
    Answer, Body, LinkedPipeline, Record, RecordKind, Replay, RunStart, Timestamp, completed_json,
    exception_json,
};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome};
use crate::panic;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::remote::Since;
use crate::report::Report;
use crate::run::{Action, CancelCause, Halt, Run, Task};
use crate::telemetry::{PoolInfo, TraceContext};
use crate::time::Clock;
use crate::value::Value;
use crate::wire::{ErrorClassifier, TaskRequest, VALUE_LIMIT, to_json};

/// A run as a state machine: see the [module](super).
pub struct RunMachine {
    plan: Arc<Plan>,
    start: RunStart,
    id: RunId,
    fields: Vec<Value>,
    replay: Replay,
    records: Vec<Record>,
    trace: Option<TraceContext>,
}

/// Who ends a run before its flow does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Somebody cancels it.
    Cancelled,
    /// Its timeout is over.
    TimedOut,
}

impl RunMachine {
    /// How a run of this plan begins: its key, its flow and its inputs, all that another process
    /// needs to make its machine. `limit` is how long it may take.
    ///
    /// # Errors
    ///
    /// If an input is missing, unknown or of the wrong type, or a value of the run cannot be
    /// written down.
    pub fn start(
        plan: &Plan,
        key: impl Into<Arc<str>>,
        inputs: Given,
        at: Timestamp,
        limit: Option<Duration>,
    ) -> Result<RunStart> {
        begin(plan, key.into(), &inputs.arrange(plan)?, at, limit)
    }

    /// The same of a pipeline with its inputs, which may take as long as it says itself.
    ///
    /// # Errors
    ///
    /// See [`Pipeline::plan`]; and if a value of the run cannot be written down.
    pub fn start_of<P: Pipeline>(
        pipeline: P,
        key: impl Into<Arc<str>>,
        at: Timestamp,
    ) -> Result<RunStart> {
        let plan = P::plan()?;
        begin(plan, key.into(), &pipeline.into_values(), at, P::timeout())
    }

    /// The plan with which this program runs what began like this: of the durable pipelines that
    /// are linked into it. `None` if it has no such pipeline.
    ///
    /// # Errors
    ///
    /// If the flow that the run began with cannot be planned with the events of today.
    pub fn linked_plan(start: &RunStart) -> Result<Option<Arc<Plan>>> {
        let Some(pipeline) = LinkedPipeline::find(&start.pipeline) else { return Ok(None) };
        let today = (pipeline.plan)(None)?;
        if Self::is_plan_of(&today, start) {
            return Ok(Some(today));
        }
        (pipeline.plan)(Some(&start.flow.script)).map(Some)
    }

    /// Whether the plan is of the script that the run began with.
    pub fn is_plan_of(plan: &Plan, start: &RunStart) -> bool {
        plan.flow_record().script == start.flow.script
    }

    /// The names of the durable pipelines that are linked into this program.
    pub fn linked_pipelines() -> impl Iterator<Item = &'static str> {
        LinkedPipeline::all().map(|pipeline| pipeline.name)
    }

    /// A run at its start.
    ///
    /// # Errors
    ///
    /// If the plan is not that of the flow that the run begins with, an event has another version
    /// than it had, or the inputs cannot be read.
    pub fn new(plan: &Arc<Plan>, start: RunStart) -> Result<Self> {
        let key = &start.key;
        let unfit = |why: String| Error::Durable(format!("the run `{key}` cannot go on: {why}"));
        if let Some(difference) = flow_difference(&start.flow, plan.flow_record()) {
            return Err(unfit(difference));
        }
        let fields = plan.fields.read_json(&start.inputs);
        let fields = fields.map_err(|why| unfit(format!("its inputs cannot be read: {why}")))?;
        let id = id_of(key);
        let mut run = Box::new(Run::new(Arc::clone(plan), id.0 as u64, false, false));
        run.accept_pending();
        let replay = Replay::driven(run, start.at);
        let plan = Arc::clone(plan);
        let records = Vec::with_capacity(plan.len());
        Ok(Self { plan, id, fields, replay, records, start, trace: None })
    }

    /// Puts the tasks that run where the machine is into a trace: their events know the place as
    /// [`Context::traceparent`], and so do the observers of their [host](EventHost::observer).
    #[must_use]
    pub fn in_trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The run of which these things are recorded, in their order.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); or if a record is none that the run makes.
    pub fn replay(
        plan: &Arc<Plan>,
        start: RunStart,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Self> {
        let mut machine = Self::new(plan, start)?;
        for record in records {
            let key = &machine.start.key;
            let unfit = |why: String| {
                let seq = record.seq;
                Error::Durable(format!("the run `{key}` cannot go on: record {seq}: {why}"))
            };
            machine.replay.apply(plan, &record, &mut not_computed).map_err(unfit)?;
            // What was asked for and is recorded is not asked for again.
            machine.records.push(record);
        }
        Ok(machine)
    }

    /// What is to be done next; `None` before something more is told.
    pub fn next_action(&mut self) -> Option<Action> {
        self.replay.next_action()
    }

    /// Whether the run still waits for the end of this task, of its check or of its wait. What it no
    /// longer waits for may be given up.
    pub fn is_wanted(&self, task: Task) -> bool {
        self.replay.asked(task).is_some()
    }

    /// Whether everything is done.
    pub fn is_finished(&self) -> bool {
        self.replay.run().is_finished()
    }

    /// How the run began.
    pub fn begun(&self) -> &RunStart {
        &self.start
    }

    /// What was recorded so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The name of the task's event.
    pub fn event(&self, task: Task) -> &str {
        self.plan.event_name(task.step)
    }

    /// The step's place in the flow: see [`Context::step_path`].
    pub fn step_path(&self, task: Task) -> &str {
        let steps = &self.plan.flow_record().steps;
        steps.get(task.step as usize).map_or("", |step| &step.path)
    }

    /// The step's place in the flow, with the item of an `each` step.
    pub fn step_address(&self, task: Task) -> StepAddress {
        StepAddress::new(self.step_path(task), task.item())
    }

    /// How long an attempt may take: after that, say [`timed_out`](Self::timed_out).
    pub fn timeout(&self, task: Task) -> Option<Duration> {
        self.plan.options_of(task.step).timeout
    }

    /// When the run's own timeout is over, if it has one: say [`halted`](Self::halted) then.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.start.deadline
    }

    /// Whether the task is to run where the machine is: its event says `executor = DefaultExecutor`,
    /// or takes something that cannot be sent, as all events do that are made of closures.
    pub fn stays(&self, task: Task) -> bool {
        let def = &self.plan.event_of(task.step).def;
        let cannot_cross =
            |param: &Param| param.kind != ParamKind::State && param.part.is_unsendable();
        def.is_closure
            || self.plan.options_of(task.step).stays
            || def.params.iter().any(cannot_cross)
    }

    /// What an [`EventHost`] in another process needs to run the task, or to ask its check: at most
    /// so many bytes of JSON.
    ///
    /// # Errors
    ///
    /// If a part of it cannot be written down: the exception that the task [failed](Self::failed)
    /// with.
    pub fn request(&self, task: Task, most: usize) -> Result<String, Exception> {
        let def = &self.plan.event_of(task.step).def;
        // The same request each time: its time stands still.
        let mut context = self.context(task, Vec::new(), None);
        context.deadline = self.timeout(task);
        let input = self.replay.run().owned_task_input(task);
        let slots = &self.plan.event_of(task.step).slots;
        let inputs = Inputs { slots, piped: input.borrow(), context: &context };
        let reference = self.reference(def, task);
        let request = TaskRequest::new(def, Some(&reference), &context, inputs);
        to_json(&request, most).map_err(|why| request.explain(&why))
    }

    /// The event by its own name, with the fields that the flow sets on it.
    fn reference(&self, def: &EventDef, task: Task) -> String {
        let body = self.plan.steps[task.step as usize].body as usize;
        let own = self.plan.references[body].strip_prefix(def.path);
        let own = own.and_then(|own| own.strip_prefix('@')?.strip_prefix(&*def.place));
        format!("{}{}", def.name, own.unwrap_or_default())
    }

    /// The task, or its check, to be run in this process with the resources of `host`.
    pub fn task(&self, task: Task, host: &EventHost) -> LocalTask {
        let kind = match self.replay.asked(task) {
            Some(Action::Check(_)) => TaskKind::Check,
            _ => TaskKind::Body,
        };
        LocalTask::new(kind, self.work(task, host)).observed_by(&host.observers)
    }

    fn work(&self, task: Task, host: &EventHost) -> Result<Work, Exception> {
        let run = self.replay.run();
        let step = &self.plan.steps[task.step as usize];
        let event = self.plan.event_of(task.step);
        let mut states = vec![Value::new(()); self.plan.states.len()];
        for (param, slot) in event.def.params.iter().zip(&event.slots) {
            if param.kind == ParamKind::State {
                states[*slot as usize] = host.state_of(param)?;
            }
        }
        let mut context = self.context(task, states, Some(Instant::now()));
        context.deadline = self.timeout(task);
        if step.hints.closure {
            context.previous = run.previous(task);
        }
        Ok(Work {
            event: TaskEvent::Planned(Arc::clone(&self.plan), task.step),
            input: run.owned_task_input(task),
            context,
            errors: host.errors(),
        })
    }

    fn context(&self, task: Task, states: Vec<Value>, start: Option<Instant>) -> Context {
        let clock = Since { base: Duration::ZERO, start };
        let mut context = Context::new(Arc::new(RunInfo {
            id: self.id,
            fields: self.fields.clone(),
            states,
            deadline: None,
            cancelled: AtomicBool::new(false),
            left: AtomicBool::new(false),
            key: None,
            children: Children::new(),
            host: PlanHost {
                plan: Arc::clone(&self.plan),
                key: Arc::clone(&self.start.key),
                clock,
                trace: self.trace.clone(),
            },
        }));
        (context.step, context.attempt, context.item) = (task.step, task.attempt, task.item);
        context
    }

    /// A task has ended with this outcome, which a [`LocalTask`] gave. What is not wanted any more
    /// changes nothing; says whether it was wanted. One that cannot be read is an exception of the
    /// event.
    pub fn completed(&mut self, task: Task, outcome: impl Into<String>, at: Timestamp) -> bool {
        self.tell(Action::Start(task), RecordKind::Completed, outcome.into(), at)
    }

    /// A task or a check could not be run, or its worker was lost: it ends with this exception. That
    /// of a lost worker ([`Exception::worker_lost`]) uses up no attempt.
    pub fn failed(&mut self, action: Action, exception: &Exception, at: Timestamp) -> bool {
        match action {
            Action::Check(task) => self.checked(task, answer_json(exception), at),
            Action::Start(task) => self.completed(task, exception_json(exception), at),
            Action::Await(task, _) => self.resolved(task, exception_json(exception), at),
            Action::Wake(..) => false,
        }
    }

    /// A task's bypass check has answered, by a [`LocalTask`]; as [`completed`](Self::completed).
    pub fn checked(&mut self, task: Task, answer: impl Into<String>, at: Timestamp) -> bool {
        self.tell(Action::Check(task), RecordKind::Checked, answer.into(), at)
    }

    /// A wait is over.
    pub fn woken(&mut self, task: Task, at: Timestamp) -> bool {
        match self.replay.asked(task) {
            Some(action @ Action::Wake(..)) => {
                self.tell(action, RecordKind::Woken, String::new(), at)
            }
            _ => false,
        }
    }

    /// What a task has waited for that is [pending](Action::Await) is there:
    /// [`value_outcome`](Self::value_outcome) or [`failure_outcome`](Self::failure_outcome).
    pub fn resolved(&mut self, task: Task, outcome: impl Into<String>, at: Timestamp) -> bool {
        match self.replay.asked(task) {
            Some(action @ Action::Await(..)) => {
                self.tell(action, RecordKind::Resolved, outcome.into(), at)
            }
            _ => false,
        }
    }

    /// An attempt has taken as long as it [may](Self::timeout), or was pending as long.
    pub fn timed_out(&mut self, task: Task, at: Timestamp) -> bool {
        match self.replay.asked(task) {
            Some(action @ (Action::Start(_) | Action::Await(..))) => {
                self.tell(action, RecordKind::TimedOut, "{}".to_owned(), at)
            }
            _ => false,
        }
    }

    /// How a step ends that is pending if what it waits for is this value, written as JSON.
    ///
    /// # Errors
    ///
    /// If the plan has no such step, or the value is none that the step yields.
    pub fn value_outcome(plan: &Plan, step: &StepAddress, value: &str) -> Result<String> {
        let unfit = |why: String| Error::Durable(format!("`{step}` of `{}` {why}", plan.name()));
        let index = step_at(plan, step.path()).map_err(unfit)?;
        match (plan.options_of(index).each, step.item()) {
            (true, None) => {
                let example = StepAddress::new(step.path(), Some(0));
                return Err(unfit(format!("runs once for each item; name one, as in `{example}`")));
            }
            (false, Some(_)) => {
                return Err(unfit("has no items; name the step alone".to_owned()));
            }
            _ => {}
        }
        let def = &plan.event_of(index).def;
        // Deserialize is user code.
        let outcome = panic::contain(|| Answer::Value(value).outcome(plan, index))
            .unwrap_or_else(|panic| Err(panic.to_string()));
        let outcome = outcome.map_err(|why| unfit(format!("is not resolved: {why}")))?;
        let classifier = ErrorClassifier { types: &[], policy: None };
        let json =
            completed_json(def, &outcome, classifier, Duration::ZERO, Duration::ZERO, VALUE_LIMIT);
        json.map_err(|exception| unfit(format!("is not resolved: {exception}")))
    }

    /// How a step ends that is pending if what it waits for has failed: with an exception of its
    /// event.
    pub fn failure_outcome(message: &str) -> String {
        exception_json(&Exception::new(message.to_owned()))
    }

    /// Nothing more is wanted of the run. Says whether it was not over before.
    pub fn halted(&mut self, by: Ended, at: Timestamp) -> bool {
        if self.is_finished() {
            return false;
        }
        let body = Body::of_halt(&match by {
            Ended::Cancelled => Halt::Cancelled(CancelCause::Requested),
            Ended::TimedOut => Halt::TimedOut,
        });
        self.record(body.kind, None, body.json, at).is_ok()
    }

    /// What has become of the run.
    pub fn report(self) -> Report {
        let (_, last) = self.replay.last();
        let elapsed = last.since(self.start.at);
        Report::new(*self.replay.finish(last).run, self.id, elapsed)
    }

    /// Records what came of an action, if the run waits for that.
    fn tell(&mut self, of: Action, kind: RecordKind, body: String, at: Timestamp) -> bool {
        let task = of.task();
        if self.replay.asked(task) != Some(of) {
            return false;
        }
        let Err(unreadable) = self.record(kind, Some(task), body, at) else { return true };
        let event = self.plan.event_name(task.step);
        let message = format!("what `{event}` yielded cannot be read: {unreadable}");
        let unreadable = Exception::of_kind(ExceptionKind::Serialization, message);
        // That a time was over can always be read.
        let body = if kind == RecordKind::Checked {
            answer_json(&unreadable)
        } else {
            exception_json(&unreadable)
        };
        self.record(kind, Some(task), body, at).is_ok()
    }

    fn record(
        &mut self,
        kind: RecordKind,
        task: Option<Task>,
        body: String,
        at: Timestamp,
    ) -> Result<(), String> {
        let (last, before) = self.replay.last();
        let record = Record {
            seq: last + 1,
            at: at.max(before),
            kind,
            step: task.map(|task| task.step),
            attempt: task.map_or(0, |task| task.attempt),
            item: task.and_then(|task| task.item),
            body,
        };
        // Deserialize is user code, and so are the predicates of policies.
        let apply = || self.replay.apply(&self.plan, &record, &mut not_computed);
        panic::contain(apply).unwrap_or_else(|panic| Err(panic.to_string()))?;
        self.records.push(record);
        Ok(())
    }
}

/// How a run of the plan begins.
fn begin(
    plan: &Plan,
    key: Arc<str>,
    values: &[Value],
    at: Timestamp,
    limit: Option<Duration>,
) -> Result<RunStart> {
    let name = plan.name();
    let mistakes = plan.durable_mistakes();
    if !mistakes.is_empty() {
        let mistakes = mistakes.join("; ");
        return Err(Error::Durable(format!("a run of `{name}` cannot be recorded: {mistakes}")));
    }
    let inputs = plan.fields.write_json(values, VALUE_LIMIT).map_err(|error| {
        Error::Durable(format!("the input of `{name}` cannot be recorded: {error}"))
    })?;
    let mut start = RunStart::new(key, name, Arc::clone(plan.flow_record()), inputs, at);
    start.deadline = limit.map(|limit| at.plus(limit));
    Ok(start)
}

/// A driver is told every outcome, so none is computed again.
fn not_computed(_: &mut Run, _: Task) -> TaskOutcome {
    Exception::not_run("its outcome was not recorded").into()
}

/// The run of a task that a driver runs.
struct PlanHost {
    plan: Arc<Plan>,
    key: Arc<str>,
    clock: Since,
    trace: Option<TraceContext>,
}

impl RunHost for PlanHost {
    fn names(&self) -> &dyn Names {
        &*self.plan
    }
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }
    fn resource(&self, _: TypeId) -> Option<&Value> {
        None
    }
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }
    fn progress(&self, _: &Context, _: u64, _: u64) {}
    fn trace(&self, _: &Context) -> Option<TraceContext> {
        self.trace.clone()
    }
    fn pool(&self, _: u32) -> Option<PoolInfo> {
        None
    }
}

impl fmt::Debug for RunMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunMachine")
            .field("key", &self.start.key)
            .field("plan", &self.plan)
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}
