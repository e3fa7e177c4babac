//! A task that is run in this process.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context as PollContext;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::current::{CurrentTask, running};
use crate::engine::to_end;
use crate::event::{Body, EventDef, Inputs};
use crate::journal::{checked_json, completed_json, exception_json};
use crate::observe::{Ended, Observer, StepEvent};
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::panic;
use crate::piped::OwnedPiped;
use crate::plan::Plan;
use crate::remote::LoadedEvent;
use crate::retry::{ErrorType, RetryPolicy};
use crate::value::Value;
use crate::wire::{ErrorClassifier, VALUE_LIMIT};

/// A task with all that its body takes, to be run in this process, on whatever thread.
///
/// What it gives is the JSON that [`RunMachine::completed`] or, of a bypass check,
/// [`RunMachine::checked`] is told. Panics of the body are outcomes as well.
///
/// [`RunMachine::completed`]: super::RunMachine::completed
/// [`RunMachine::checked`]: super::RunMachine::checked
#[must_use = "nothing runs until `run` or `run_async`"]
pub struct LocalTask {
    kind: TaskKind,
    /// What is run; or why that cannot be done here.
    work: Result<Box<Work>, Exception>,
    /// How long what it gives may be, in bytes.
    limit: usize,
    observers: Observers,
}

/// Who is told of a body that runs here.
#[derive(Default)]
struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    /// Calls every observer; a panic in one is that observer's matter.
    fn each(&self, call: impl Fn(&dyn Observer)) {
        for observer in &self.0 {
            _ = panic::contain(|| call(&**observer));
        }
    }

    /// Tells that the attempt begins, and at the latest when what this gives is dropped that it has
    /// ended.
    fn begin<'a>(&'a self, context: &'a Context) -> Observed<'a> {
        let step = StepEvent { context };
        let trace = context.run.host.trace(context);
        self.each(|observer| observer.event_execution_received(&step, trace.as_ref()));
        Observed { observers: self, step, is_over: false }
    }
}

/// An attempt under way, of which observers are told.
struct Observed<'a> {
    observers: &'a Observers,
    step: StepEvent<'a>,
    is_over: bool,
}

impl Observed<'_> {
    /// Calls what runs the body on this thread, or polls it.
    fn around<T>(&self, run: impl FnOnce() -> T) -> T {
        self.observers.each(|observer| observer.event_body_enter(&self.step));
        let ran = run();
        self.observers.each(|observer| observer.event_body_leave(&self.step));
        ran
    }

    fn end(mut self, outcome: &TaskOutcome) {
        self.is_over = true;
        self.tell(outcome);
    }

    fn tell(&self, outcome: &TaskOutcome) {
        self.observers
            .each(|observer| observer.event_execution_end(&self.step, Ended::of(outcome)));
    }
}

impl Drop for Observed<'_> {
    /// A future may be dropped before its body has ended.
    fn drop(&mut self) {
        if !self.is_over {
            self.tell(&nobody_waited());
        }
    }
}

fn nobody_waited() -> TaskOutcome {
    Exception::not_run("nobody waited for it").into()
}

/// What of an event is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskKind {
    Check,
    Body,
}

pub(super) struct Work {
    pub(super) event: TaskEvent,
    pub(super) input: OwnedPiped,
    pub(super) context: Context,
    /// The error types that policies of the program list.
    pub(super) errors: Arc<[ErrorType]>,
}

/// The event of a task, with the fields that its flow sets on it.
pub(super) enum TaskEvent {
    /// That of a step of a machine's plan.
    Planned(Arc<Plan>, u32),
    /// That of a request.
    Loaded(Arc<LoadedEvent>),
}

impl TaskEvent {
    fn def(&self) -> &EventDef {
        match self {
            Self::Planned(plan, step) => &plan.event_of(*step).def,
            Self::Loaded(event) => &event.def,
        }
    }

    fn body(&self) -> &dyn Body {
        match self {
            Self::Planned(plan, step) => &*plan.bodies[plan.steps[*step as usize].body as usize],
            Self::Loaded(event) => &*event.body,
        }
    }

    fn slots(&self) -> &[u32] {
        match self {
            Self::Planned(plan, step) => &plan.event_of(*step).slots,
            Self::Loaded(event) => &event.slots,
        }
    }

    /// The step's policy, which is asked about the errors where they are.
    fn policy(&self) -> Option<&RetryPolicy> {
        match self {
            Self::Planned(plan, step) => plan.options_of(*step).retry.as_ref(),
            Self::Loaded(event) => event.def.settings.retry.as_ref()?.as_ref().ok(),
        }
    }
}

impl LocalTask {
    pub(super) fn new(kind: TaskKind, work: Result<Work, Exception>) -> Self {
        let observers = Observers::default();
        Self { kind, work: work.map(Box::new), limit: VALUE_LIMIT, observers }
    }

    pub(super) fn observed_by(mut self, observers: &[Arc<dyn Observer>]) -> Self {
        self.observers = Observers(observers.to_vec());
        self
    }

    /// Gives at most so many bytes of JSON; where a value is longer, the event ends with an exception
    /// that says so. Without this they are 64 MiB.
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The name of its event; empty if it cannot be run here.
    pub fn event(&self) -> &str {
        self.work.as_ref().map_or("", |work| &work.event.def().name)
    }

    /// Whether the body is a future, which only [`run_async`](Self::run_async) runs.
    pub fn is_async(&self) -> bool {
        self.work
            .as_ref()
            .is_ok_and(|work| self.kind == TaskKind::Body && work.event.def().is_async)
    }

    /// Runs it on this thread. Never panics.
    pub fn run(self) -> String {
        let begin = Instant::now();
        let work = match self.work {
            Ok(work) => work,
            Err(exception) => return refused(self.kind, &exception),
        };
        let (body, inputs) = (work.event.body(), work.inputs());
        match self.kind {
            TaskKind::Check => {
                let answer = panic::contain(|| body.bypass(&inputs)).unwrap_or_else(Err);
                drop(inputs);
                work.answer(answer, self.limit)
            }
            TaskKind::Body => {
                let context = &work.context;
                let observed = self.observers.begin(context);
                let call = || observed.around(|| panic::contain(|| body.call(&inputs)));
                let outcome = running(CurrentTask::of_context(context), call);
                drop(inputs);
                let outcome = outcome.unwrap_or_else(TaskOutcome::Exception);
                observed.end(&outcome);
                work.outcome(outcome, begin.elapsed(), self.limit)
            }
        }
    }

    /// Runs it as a future, on whatever runtime polls it; a body that is none is done at once, on
    /// the thread that polls it. Dropping the future drops the body where it waits.
    pub async fn run_async(self) -> String {
        if !self.is_async() {
            return self.run();
        }
        let begin = Instant::now();
        match self.work {
            Err(exception) => refused(self.kind, &exception),
            Ok(work) => {
                let observed = self.observers.begin(&work.context);
                let outcome = {
                    let mut body = pin!(to_end(work.event.body(), work.inputs(), |_| false));
                    let poll =
                        |cx: &mut PollContext<'_>| observed.around(|| body.as_mut().poll(cx));
                    poll_fn(poll).await
                };
                let outcome = outcome.unwrap_or_else(nobody_waited);
                observed.end(&outcome);
                work.outcome(outcome, begin.elapsed(), self.limit)
            }
        }
    }
}

/// What a task says that cannot be run here.
fn refused(kind: TaskKind, exception: &Exception) -> String {
    match kind {
        TaskKind::Check => answer_json(exception),
        TaskKind::Body => exception_json(exception),
    }
}

/// What a check says that ends with this exception.
pub(super) fn answer_json(exception: &Exception) -> String {
    let exception = serde_json::to_string(exception).unwrap_or_else(|_| "null".to_owned());
    format!("{{\"exception\":{exception}}}")
}

impl Work {
    fn inputs(&self) -> Inputs<'_> {
        let Self { event, input, context, .. } = self;
        Inputs { slots: event.slots(), piped: input.borrow(), context }
    }

    fn outcome(self: Box<Self>, outcome: TaskOutcome, busy: Duration, limit: usize) -> String {
        let write = |outcome: &TaskOutcome| {
            let Self { event, errors, .. } = &*self;
            let classifier = ErrorClassifier { types: errors, policy: event.policy() };
            completed_json(event.def(), outcome, classifier, busy, Duration::ZERO, limit)
        };
        // Serialize is user code.
        let written = panic::contain(|| write(&outcome)).and_then(|written| written);
        let json = written.unwrap_or_else(|exception| exception_json(&exception));
        // So is every Drop.
        panic::drop_quietly((outcome, self));
        json
    }

    fn answer(self: Box<Self>, answer: Result<Bypass<Value>, Exception>, limit: usize) -> String {
        let write = || checked_json(self.event.def(), &answer, limit);
        let written = panic::contain(write).and_then(|written| written);
        let json = written.unwrap_or_else(|exception| answer_json(&exception));
        panic::drop_quietly((answer, self));
        json
    }
}

impl fmt::Debug for LocalTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = self.work.as_ref().ok().map(|work| &work.context);
        f.debug_struct("LocalTask").field("context", &context).finish_non_exhaustive()
    }
}
