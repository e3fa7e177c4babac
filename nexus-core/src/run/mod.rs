//! The run core: a state machine over a plan, without threads, clock, input or output.
//!
//! A driver tells it what happened ([`Run::completed`], [`Run::woken`], [`Run::checked`]) and asks
//! it what to do ([`Run::next_action`]). Everything that a flow means is decided here, once:
//! order, joins, branches, retries, evaluation, stops, goto and bypass.

mod action;
mod cell;
mod copied;
mod each;
mod flow;
mod input;
mod notification;
mod open;
mod plain;
mod rare;
mod resume;
mod rewind;
mod short_queue;
mod taken;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

#[cfg_attr(
    not(feature = "durable"),
    expect(unreachable_pub, reason = "drivers elsewhere see them")
)]
pub use action::{Action, Task};
pub(crate) use cell::{Cell, Ending};
pub(crate) use copied::CopiedInput;
use each::EachSteps;
pub(crate) use notification::Notification;
#[cfg(feature = "durable")]
pub(crate) use notification::{Look, Reply};
use open::OpenTasks;
#[cfg(feature = "durable")]
pub(crate) use open::Standing;
use rare::Rare;
use rewind::Before;
pub(crate) use short_queue::ShortQueue;
pub(crate) use taken::Taken;
use tokens::Tokens;

use crate::cancel::Token;
use crate::event::typed_goto;
use crate::hash::Fnv128;
use crate::outcome::{
    Bypass, BypassKind, Descriptor, Exception, ExceptionKind, Failure, TaskOutcome,
};
use crate::plan::{NONE, Plan};
use crate::value::Value;

/// How many workers may die of a task before its input is called poisoned.
const MOST_CRASHES: u32 = 3;

/// The attempt had ended before its time was over.
#[derive(Debug)]
pub(crate) struct EndedBefore;

/// Which condition stopped a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCondition {
    /// `stop_on_success`.
    Success,
    /// `stop_on_error`.
    Error,
    /// `stop_on_exception`.
    Exception,
}

impl StopCondition {
    /// The condition as a flow writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "stop_on_success",
            Self::Error => "stop_on_error",
            Self::Exception => "stop_on_exception",
        }
    }
}

/// Why a run starts nothing new.
#[derive(Debug, Clone)]
pub(crate) enum Halt {
    Stopped {
        step: u32,
        condition: StopCondition,
    },
    /// The flow itself cannot go on from this step.
    Broken {
        step: u32,
        exception: Exception,
    },
    /// The run was cancelled.
    Cancelled(CancelCause),
    /// The run took longer than its timeout.
    TimedOut,
}

impl Halt {
    /// Why a step that was under way got no further.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut => "the run's timeout was over",
            Self::Cancelled(CancelCause::Requested) => "the run was cancelled",
            Self::Cancelled(CancelCause::Parent) => "the task that ran this pipeline was cancelled",
            Self::Stopped { .. } | Self::Broken { .. } => "the run had ended",
        }
    }
}

/// Why a run was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelCause {
    /// Somebody asked for it.
    Requested,
    /// The task that ran it was cancelled.
    Parent,
}

/// What a run did by itself, for its observers.
#[derive(Debug)]
pub(crate) enum RunSignal {
    /// A step has ended, with all its attempts and items.
    Ended { step: u32, is_success: bool },
    /// A step that was under way is not wanted any more.
    Cancelled { step: u32, reason: Failure },
    /// A stop condition holds: nothing new is started.
    Stopped { step: u32, condition: StopCondition },
}

/// The members of a `||` group that are not done, and how the others ended.
#[derive(Debug, Clone, Default)]
struct Join {
    left: u32,
    failed: u32,
    /// Whether the group's evaluation is decided already.
    decided: bool,
}

pub(crate) struct Run {
    pub(crate) plan: Arc<Plan>,
    pub(crate) cells: Vec<Cell>,
    joins: Vec<Join>,
    taken: Taken,
    each: EachSteps,
    tokens: Tokens,
    /// If tasks may be pending at all: somebody can say how they ended.
    open: Option<Box<OpenTasks>>,
    /// What it has from before it was rewound, if it was or may be.
    before: Option<Box<Before>>,
    rare: Option<Box<Rare>>,
    actions: ShortQueue<Action>,
    /// Groups that are to start; a list instead of recursion.
    ready: ShortQueue<u32>,
    /// Checks, tasks and waits under way.
    outstanding: usize,
    /// Of those, the waits.
    waiting: usize,
    /// Steps that have ended.
    ended: u32,
    pub(crate) halt: Option<Halt>,
    seed: u64,
    /// What observers are to be told of; `None` where there are none.
    signals: Option<Vec<RunSignal>>,
    /// Whether the ends of steps are among them.
    signals_ends: bool,
}

impl Run {
    /// A run at its start: [`next_action`](Self::next_action) gives its first steps. If it is observed, it
    /// keeps signals, those of steps' ends if they are wanted.
    #[inline]
    pub(crate) fn new(plan: Arc<Plan>, seed: u64, observed: bool, signals_ends: bool) -> Self {
        let first = plan.flows.first().map_or(NONE, |flow| flow.first);
        let mut ready = ShortQueue::default();
        ready.push_back(first);
        Self {
            cells: plan.steps.iter().map(|_| Cell::UNTOUCHED).collect(),
            joins: plan
                .join_sizes
                .iter()
                .map(|size| Join { left: *size, ..Join::default() })
                .collect(),
            taken: Taken::default(),
            each: EachSteps::default(),
            tokens: Tokens::default(),
            open: None,
            before: None,
            rare: None,
            actions: ShortQueue::default(),
            ready,
            outstanding: 0,
            waiting: 0,
            ended: 0,
            halt: None,
            plan,
            seed,
            signals: observed.then(Vec::new),
            signals_ends,
        }
    }

    /// What to do next; `None` when nothing can be done before something happens.
    #[inline]
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                if self.is_current(&action) {
                    return Some(action);
                }
                continue;
            }
            let group = self.ready.pop_front()?;
            self.start_group(group);
        }
    }

    /// Whether a queued action still matters: its step may have been cancelled meanwhile.
    fn is_current(&self, action: &Action) -> bool {
        self.cells[action.task().step as usize].is_pending()
    }

    /// Whether a task that was put aside is still to be run.
    pub(crate) fn is_wanted(&self, task: Task) -> bool {
        self.cells[task.step as usize].is_pending()
    }

    /// Whether everything is done.
    pub(crate) fn is_finished(&self) -> bool {
        self.outstanding == 0 && self.actions.is_empty() && self.ready.is_empty()
    }

    /// Whether no task and no check is under way, so that only time can move the run on.
    pub(crate) fn is_idle(&self) -> bool {
        self.has_only_queued(0)
    }

    /// Whether all that is under way is so many tasks or checks that nobody has begun.
    pub(crate) fn has_only_queued(&self, queued: usize) -> bool {
        // An `each` step counts itself besides its items.
        self.outstanding == self.waiting + self.each.len() + queued
    }

    /// Whether nothing runs: all that is under way waits, is one of so many tasks or checks that
    /// nobody has begun, or was not asked for yet.
    #[cfg(feature = "durable")]
    pub(crate) fn is_at_rest(&self, unbegun: usize) -> bool {
        let is_work = |action: &&Action| matches!(action, Action::Check(_) | Action::Start(_));
        let unasked = self.actions.iter().filter(is_work).filter(|it| self.is_current(it)).count();
        self.has_only_queued(unbegun + unasked + self.open_tasks().count())
    }

    /// Whether a task waits for its retry.
    pub(crate) fn has_waits(&self) -> bool {
        self.waiting > 0
    }

    /// Whether this is the only task or check under way, and nothing waits.
    pub(crate) fn is_alone(&self) -> bool {
        self.outstanding <= 1
    }

    /// By what the task will learn that it is no longer wanted, if that can happen at all.
    #[inline]
    pub(crate) fn token(&mut self, task: Task) -> Option<Arc<Token>> {
        self.is_guarded(task.step).then(|| self.tokens.add(task))
    }

    /// A task whose body waits will learn by this token that it is no longer wanted.
    pub(crate) fn guard(&mut self, task: Task, token: Arc<Token>) {
        self.tokens.insert(task, token);
        if !self.cells[task.step as usize].is_pending() {
            self.tokens.raise(task);
        }
    }

    /// The tasks whose bodies run on although nobody waits for them; each is named once.
    pub(crate) fn take_abandoned(&mut self) -> Vec<Task> {
        self.tokens.take_abandoned()
    }

    /// What the run did by itself since this was asked last, if it has observers.
    #[inline]
    pub(crate) fn take_signals(&mut self) -> Option<Vec<RunSignal>> {
        self.signals.as_mut().filter(|signals| !signals.is_empty()).map(std::mem::take)
    }

    /// How many steps have ended.
    pub(crate) fn ended_steps(&self) -> u32 {
        self.ended
    }

    #[inline]
    fn is_guarded(&self, step: u32) -> bool {
        self.plan.steps[step as usize].hints.guarded
    }

    /// A task's bypass check has answered.
    pub(crate) fn checked(&mut self, task: Task, answer: Result<Bypass<Value>, Exception>) {
        let step = task.step;
        if !self.cells[step as usize].is_pending() {
            return;
        }
        match (answer.map(|bypass| bypass.0), task.item) {
            (Ok(BypassKind::No), _) => self.actions.push_back(Action::Start(task)),
            (Ok(BypassKind::Skip { value, reason }), item) => {
                let value = value.or_else(|| self.unit_value(step));
                match item {
                    Some(item) => self.item_bypassed(step, item, value, &reason),
                    None => self.end_step(step, Ending::Bypassed(Box::new((value, reason)))),
                }
            }
            (Err(exception), Some(item)) => {
                self.item_ended(step, item, TaskOutcome::Exception(exception));
            }
            (Err(exception), None) => self.end_step(step, Ending::Exception(exception)),
        }
    }

    /// An event without output has its `()` to pass on even when it is bypassed.
    fn unit_value(&self, step: u32) -> Option<Value> {
        let output = self.plan.event_of(step).def.output.ty;
        (output == crate::value::TypeInfo::of::<()>()).then(|| Value::new(()))
    }

    /// A task has ended. `busy` is how long its body ran, `elapsed` the time since its first
    /// attempt began; zero where nobody measured. Gives the wait if it is to be tried again.
    #[inline]
    pub(crate) fn completed(
        &mut self,
        task: Task,
        outcome: TaskOutcome,
        busy: Duration,
        elapsed: Duration,
    ) -> Option<Duration> {
        let had_token = !self.tokens.is_empty() && self.tokens.remove(task);
        let is_late = !had_token && self.is_guarded(task.step);
        if is_late || !self.cells[task.step as usize].is_pending() {
            // Cancelled meanwhile: a late result is discarded. Its Drop is user code.
            crate::panic::drop_quietly(outcome);
            return None;
        }
        self.conclude(task, outcome, busy, elapsed)
    }

    /// An attempt's timeout is over. Gives the wait if it is to be tried again.
    pub(crate) fn timed_out(
        &mut self,
        task: Task,
        elapsed: Duration,
    ) -> Result<Option<Duration>, EndedBefore> {
        let limit = self.plan.options_of(task.step).timeout.unwrap_or_default();
        let was_open = self.take_open(task);
        let is_wanted = was_open || self.tokens.raise(task);
        if !is_wanted || !self.cells[task.step as usize].is_pending() {
            return Err(EndedBefore);
        }
        let busy = if was_open { Duration::ZERO } else { limit };
        Ok(self.conclude(task, Exception::timeout(limit).into(), busy, elapsed))
    }

    /// Nothing more is wanted of the run: what is under way is told so, and nothing is waited for.
    pub(crate) fn cancel_all(&mut self, halt: Halt) {
        let reason = Failure::new(halt.reason());
        self.halt.get_or_insert(halt);
        self.cancel(0..self.cells.len() as u32, &reason);
        self.actions.clear();
        self.ready.clear();
    }

    /// A task that is still wanted has ended.
    #[inline]
    fn conclude(
        &mut self,
        task: Task,
        outcome: TaskOutcome,
        busy: Duration,
        elapsed: Duration,
    ) -> Option<Duration> {
        self.cells[task.step as usize].add_busy(busy);
        let outcome = match outcome {
            TaskOutcome::Exception(exception) if exception.kind() == ExceptionKind::WorkerLost => {
                match self.crashed(task, &exception) {
                    None => {
                        self.actions.push_back(Action::Start(task));
                        return Some(Duration::ZERO);
                    }
                    Some(poisoned) => TaskOutcome::Exception(poisoned),
                }
            }
            TaskOutcome::Pending if self.open.is_some() => self.leave_open(task, busy)?,
            outcome => outcome,
        };
        self.cells[task.step as usize].attempts += 1;
        self.note_attempt(task);
        let outcome = self.resolve_typed_goto(task.step, outcome);
        if let TaskOutcome::Exception(exception) = &outcome
            && let Some(wait) = self.next_wait(task, exception, elapsed)
        {
            self.retry(task, wait);
            return Some(wait);
        }
        self.forget_open(task.step, task.item);
        if let Some(item) = task.item {
            self.item_ended(task.step, item, outcome);
            return None;
        }
        let ending = match outcome {
            TaskOutcome::Success(value) => Ending::Success(value),
            TaskOutcome::Failure(failure) => Ending::Failure(failure),
            TaskOutcome::Exception(exception) => Ending::Exception(exception),
            TaskOutcome::Goto(goto) => Ending::Goto(goto),
            TaskOutcome::Pending => Ending::Exception(Exception::pending()),
        };
        self.end_step(task.step, ending);
        None
    }

    /// A worker has died of the task, which counts apart from the event's own attempts. Gives the
    /// exception that it ends with if that was once too often.
    fn crashed(&mut self, task: Task, exception: &Exception) -> Option<Exception> {
        let crashes =
            self.rare.get_or_insert_default().crashes.entry((task.step, task.item)).or_default();
        *crashes += 1;
        let event = &self.plan.event_of(task.step).def.name;
        (*crashes >= MOST_CRASHES).then(|| Exception::poisoned(event, *crashes, exception))
    }

    #[inline]
    fn resolve_typed_goto(&self, step: u32, outcome: TaskOutcome) -> TaskOutcome {
        match (self.plan.event_of(step).def.typed_goto, outcome) {
            (Some(branch_of), TaskOutcome::Success(value)) => match branch_of(&value) {
                Some(descriptor) => TaskOutcome::Goto(Box::new((typed_goto(descriptor), value))),
                None => TaskOutcome::Success(value),
            },
            (_, outcome) => outcome,
        }
    }

    fn next_wait(&self, task: Task, exception: &Exception, elapsed: Duration) -> Option<Duration> {
        if matches!(exception.kind(), ExceptionKind::Edge | ExceptionKind::Poisoned) {
            return None;
        }
        let policy = self.plan.options_of(task.step).retry.as_ref()?;
        let seed = || {
            let mut seed = Fnv128::new();
            seed.write(&self.seed.to_be_bytes());
            seed.write(&task.step.to_be_bytes());
            seed.write(&task.item.unwrap_or(u64::MAX).to_be_bytes());
            seed.write(&task.attempt.to_be_bytes());
            seed.0 as u64
        };
        // A predicate of the user's that panics agrees to nothing.
        let attempt = task.attempt.saturating_sub(self.attempts_before(task.step));
        let decide = || policy.next_wait(exception, attempt, elapsed, seed);
        crate::panic::contain(decide).ok().flatten()
    }

    fn retry(&mut self, task: Task, wait: Duration) {
        let again = Task { attempt: task.attempt + 1, ..task };
        self.cells[task.step as usize].note_wait(wait);
        if wait.is_zero() {
            self.actions.push_back(Action::Start(again));
        } else {
            self.waiting += 1;
            *self.rare.get_or_insert_default().waits.entry(task.step).or_default() += 1;
            self.actions.push_back(Action::Wake(again, wait));
        }
    }

    /// A wait is over.
    pub(crate) fn woken(&mut self, task: Task) {
        if !self.cells[task.step as usize].is_pending() {
            return;
        }
        self.waiting -= 1;
        if let Some(waits) = self.rare.as_mut().and_then(|rare| rare.waits.get_mut(&task.step)) {
            *waits -= 1;
        }
        self.actions.push_back(Action::Start(task));
    }

    /// Puts the step under way: once, or once for each item.
    fn dispatch(&mut self, step: u32) {
        if let Some(ending) = self.take_ending_of_before(step) {
            return self.settle(step, ending);
        }
        if self.plan.options_of(step).each {
            self.begin_each(step);
            return;
        }
        self.outstanding += 1;
        self.begin_task(step, None);
    }

    /// Begins a task, with its bypass check if it has one.
    fn begin_task(&mut self, step: u32, item: Option<u64>) {
        let task = Task { step, attempt: self.attempts_before(step) + 1, item };
        let can_bypass = self.plan.event_of(task.step).def.can_bypass;
        self.actions.push_back(if can_bypass { Action::Check(task) } else { Action::Start(task) });
    }

    /// Records how a step ended, and goes on from there.
    fn end_step(&mut self, step: u32, ending: Ending) {
        self.outstanding -= 1;
        self.settle(step, ending);
    }

    /// The same, for a step whose tasks are accounted for.
    fn settle(&mut self, step: u32, ending: Ending) {
        let (success, exception) = (ending.is_success(), ending.is_exception());
        let jump = match &ending {
            Ending::Goto(goto) => Some(goto.0.descriptor.clone()),
            _ => None,
        };
        let broken = match &ending {
            Ending::Exception(exception) if exception.kind() == ExceptionKind::Edge => {
                Some(exception.clone())
            }
            _ => None,
        };
        self.cells[step as usize].ending = ending;
        self.ended += 1;
        if self.signals_ends {
            self.signal(RunSignal::Ended { step, is_success: success });
        }
        if let Some(exception) = broken {
            let exception = self.with_source(step, exception);
            self.halt.get_or_insert(Halt::Broken { step, exception });
            return;
        }
        let stops = self.plan.options_of(step).stops;
        let condition = if success && stops.on_success {
            Some(StopCondition::Success)
        } else if !success && stops.on_error {
            Some(StopCondition::Error)
        } else if exception && stops.on_exception {
            Some(StopCondition::Exception)
        } else {
            None
        };
        if let Some(condition) = condition
            && self.halt.is_none()
        {
            self.halt = Some(Halt::Stopped { step, condition });
            self.signal(RunSignal::Stopped { step, condition });
        }
        if self.halt.is_none() {
            self.leave_step(step, success, jump);
        }
    }

    /// Withdraws every step of `steps` that is under way; its late results will be discarded.
    fn cancel(&mut self, steps: std::ops::Range<u32>, reason: &Failure) {
        let plan = Arc::clone(&self.plan);
        self.ready.retain(|group| !steps.contains(&plan.groups[*group as usize].steps.0));
        for step in steps {
            if !self.cells[step as usize].is_pending() {
                continue;
            }
            self.forget_tasks(step);
            self.cells[step as usize].ending = Ending::Cancelled(reason.clone());
            self.signal(RunSignal::Cancelled { step, reason: reason.clone() });
        }
    }

    fn signal(&mut self, signal: RunSignal) {
        if let Some(signals) = &mut self.signals {
            signals.push(signal);
        }
    }

    /// Takes a step's checks, tasks and waits out of the account.
    fn forget_tasks(&mut self, step: u32) {
        self.tokens.raise_step(step);
        self.forget_open_of(step);
        // An `each` step counts once for itself and once for each item.
        let each = self.each.remove(self.plan.steps[step as usize].hints.each);
        self.outstanding -= 1 + each.as_ref().map_or(0, |state| state.running());
        self.forget_waits(step);
        if let Some(mut state) = each {
            self.keep_items(step, &mut state);
        }
    }

    /// Waits are in the queue or with the driver; both look at the cell again.
    fn forget_waits(&mut self, step: u32) {
        let rare = self.rare.as_mut();
        self.waiting -= rare.and_then(|rare| rare.waits.remove(&step)).unwrap_or(0);
    }
}

/// The descriptor of the branch that an ending takes where it is no goto.
fn plain_descriptor(success: bool) -> Descriptor {
    if success { Descriptor::SUCCESS } else { Descriptor::FAILURE }
}
