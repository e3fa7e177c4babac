//! What became of a run.

mod print;
mod step;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use step::error_chain;
pub use step::{NotRun, StepOutcome, StepReport};

use crate::context::RunId;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::outcome::Exception;
use crate::plan::Plan;
use crate::run::{CancelCause, Cell, Halt, Run, StopCondition, Taken};
use crate::value::{TypeInfo, Value};

/// What became of a run: its status, and every step in script order.
///
/// `Display` shows it to people; `serde` writes it for programs.
#[derive(Debug)]
pub struct Report {
    pub(crate) plan: Arc<Plan>,
    id: RunId,
    elapsed: Duration,
    status: Status,
    halt: Option<Halt>,
    cells: Vec<Cell>,
    taken: Taken,
    output: Option<u32>,
    /// The first step whose failure made the run fail.
    culprit: Option<u32>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Every failure was handled.
    Succeeded,
    /// A failure or an exception was left unhandled, even if later steps ran.
    Failed,
    /// A stop condition ended it.
    Stopped,
    /// Somebody cancelled it.
    Cancelled,
    /// It took longer than its timeout.
    TimedOut,
}

impl Status {
    const ALL: [Self; 5] =
        [Self::Succeeded, Self::Failed, Self::Stopped, Self::Cancelled, Self::TimedOut];

    /// The status in a word, as `serde` writes it.
    ///
    /// ```
    /// use nexus_core::Status;
    /// assert_eq!(Status::TimedOut.name(), "timed_out");
    /// assert_eq!(Status::from_name("timed_out"), Some(Status::TimedOut));
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl Report {
    /// The report of a run that is over.
    pub(crate) fn new(run: Run, id: RunId, elapsed: Duration) -> Self {
        let status = match &run.halt {
            Some(Halt::Stopped { .. }) => Status::Stopped,
            Some(Halt::Broken { .. }) => Status::Failed,
            Some(Halt::Cancelled(_)) => Status::Cancelled,
            Some(Halt::TimedOut) => Status::TimedOut,
            None if run.has_failed() => Status::Failed,
            None => Status::Succeeded,
        };
        let output = run.output_step();
        let culprit = if status == Status::Failed { run.first_unhandled() } else { None };
        let (plan, cells, taken, halt) = run.into_results();
        Self { plan, id, elapsed, status, halt, cells, taken, output, culprit }
    }

    /// How the run ended.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the run succeeded.
    pub fn is_success(&self) -> bool {
        self.status == Status::Succeeded
    }

    /// The run's identity.
    pub fn run_id(&self) -> RunId {
        self.id
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        self.plan.name()
    }

    /// How long the run took, by the engine's clock.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The step and the condition that stopped the run, if it was stopped.
    pub fn stopped_by(&self) -> Option<(StepReport<'_>, StopCondition)> {
        match self.halt {
            Some(Halt::Stopped { step, condition }) => Some((self.at(step), condition)),
            _ => None,
        }
    }

    /// Why the flow could not go on: the step, and an exception of kind
    /// [`Edge`](crate::ExceptionKind::Edge) or
    /// [`NoSuchDescriptor`](crate::ExceptionKind::NoSuchDescriptor).
    pub fn broken_at(&self) -> Option<(StepReport<'_>, &Exception)> {
        match &self.halt {
            Some(Halt::Broken { step, exception }) => Some((self.at(*step), exception)),
            _ => None,
        }
    }

    /// Every step in script order, those that did not run too.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepReport<'_>> {
        (0..self.cells.len() as u32).map(|step| self.at(step))
    }

    /// The step with this path, such as `validate_order/1/process_payment`.
    pub fn step(&self, path: &str) -> Option<StepReport<'_>> {
        // The event's name is the path's last part, so only a few paths need to be made.
        let name = path.rsplit('/').next()?.split('#').next()?;
        self.steps().find(|step| step.event() == name && step.path() == path)
    }

    fn at(&self, step: u32) -> StepReport<'_> {
        StepReport { report: self, step }
    }

    pub(crate) fn cell(&self, step: u32) -> &Cell {
        &self.cells[step as usize]
    }

    /// The steps at which event `E` stands, in script order.
    pub fn steps_of<E: Event>(&self) -> impl Iterator<Item = StepReport<'_>> {
        let handle = Some(std::any::TypeId::of::<E>());
        self.steps().filter(move |step| self.plan.event_of(step.step).def.handle == handle)
    }

    /// What event `E` yielded.
    ///
    /// # Errors
    ///
    /// If `E` does not stand in the flow or stands at several steps, did not run, did not
    /// succeed, or ran once for each of many items (then [`get_each`](Self::get_each) has its
    /// values).
    pub fn get<E: Event>(&self) -> Result<&E::Output> {
        self.value_of::<E, E::Output>()
    }

    /// What event `E` yielded for the items that succeeded, where it ran once for each item.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_each<E: Event>(&self) -> Result<&Vec<E::Output>> {
        self.value_of::<E, Vec<E::Output>>()
    }

    fn value_of<E: Event, T: 'static>(&self) -> Result<&T> {
        let mut steps = self.steps_of::<E>();
        let step = match (steps.next(), steps.next()) {
            (Some(step), None) => step,
            (None, _) => {
                return Err(Error::Report(format!("`{}` does not stand in this flow", E::NAME)));
            }
            (Some(_), Some(_)) => {
                return Err(Error::Report(format!(
                    "`{}` stands at several steps; use `steps_of` and `StepReport::value`",
                    E::NAME
                )));
            }
        };
        step.value()
    }

    /// The step that the flow ended with, whose value is [`output`](Self::output). `None` if it
    /// ends with several steps side by side.
    pub fn output_step(&self) -> Option<StepReport<'_>> {
        self.output.map(|step| self.at(step))
    }

    /// What the flow yielded: the value of the step that it ended with.
    ///
    /// # Errors
    ///
    /// If that step did not run or did not succeed, its value is no `T`, or the flow ends with
    /// several steps side by side.
    pub fn output<T: 'static>(&self) -> Result<&T> {
        let Some(step) = self.output else {
            let message = "the flow ends with several steps side by side; ask for each with `get`";
            return Err(Error::Report(message.to_owned()));
        };
        self.at(step).value()
    }

    /// The report itself if the run succeeded.
    ///
    /// # Errors
    ///
    /// If it did not: [`Error::Run`] with the step, its attempts and the error chain.
    pub fn ok(self) -> Result<Self> {
        if self.is_success() { Ok(self) } else { Err(Error::Run(self.failure_message())) }
    }

    /// The step that made the run fail or stop.
    pub(crate) fn ending_step(&self) -> Option<StepReport<'_>> {
        let halted = self.stopped_by().map(|(step, _)| step);
        let halted = halted.or_else(|| self.broken_at().map(|(step, _)| step));
        halted.or_else(|| self.culprit.map(|step| self.at(step)))
    }

    /// Why the run did not succeed, in a sentence.
    pub(crate) fn failure_message(&self) -> String {
        if let Some((step, condition)) = self.stopped_by() {
            return format!(
                "{} was stopped at `{}` by `{}`",
                self.pipeline(),
                step.path(),
                condition.name()
            );
        }
        match self.status {
            Status::Cancelled => {
                let with = match self.halt {
                    Some(Halt::Cancelled(CancelCause::Parent)) => " with the task that ran it",
                    _ => "",
                };
                return format!("{} was cancelled{with}", self.pipeline());
            }
            Status::TimedOut => {
                return format!("{} took longer than its timeout", self.pipeline());
            }
            _ => {}
        }
        if let Some((step, exception)) = self.broken_at() {
            return format!("{} failed at `{}`: {exception}", self.pipeline(), step.path());
        }
        match self.culprit.map(|step| self.at(step)) {
            Some(step) => {
                let tries = match step.attempts() {
                    0 | 1 => String::new(),
                    attempts => format!(" after {attempts} attempts"),
                };
                let why = step.error_chain().join(": ");
                format!("{} failed at `{}`{tries}: {why}", self.pipeline(), step.path())
            }
            None => format!("{} failed", self.pipeline()),
        }
    }
}

/// Downcasts a step's value, with an error that names both types.
fn typed<'a, T: 'static>(path: &str, value: &'a Value, has: TypeInfo) -> Result<&'a T> {
    value.get::<T>().ok_or_else(|| {
        let wanted = TypeInfo::of::<T>();
        Error::Report(format!("`{path}` yielded a `{has:?}`, not a `{wanted:?}`"))
    })
}
