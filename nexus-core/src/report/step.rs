//! One step of a report.

use std::time::Duration;

use super::{Report, typed};
use crate::context::Names;
use crate::error::{Error, Result};
use crate::outcome::{Exception, Failure};
use crate::plan::{Owner, UnitKind};
use crate::run::{Ending, Halt};

/// What became of a step.
#[derive(Debug, Clone, Copy)]
pub struct StepReport<'a> {
    pub(super) report: &'a Report,
    pub(super) step: u32,
}

/// How a step ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StepOutcome {
    /// It succeeded.
    Success,
    /// It said no.
    Failure(Failure),
    /// It broke, and its retries did not help.
    Exception(Exception),
    /// It went to a branch of its choice.
    Goto {
        /// The branch.
        descriptor: crate::Descriptor,
        /// Why.
        reason: String,
        /// Whether it counts as a failure.
        failed: bool,
    },
    /// Its bypass check skipped it.
    Bypassed {
        /// Why.
        reason: String,
    },
    /// It ran once for each of many items.
    #[non_exhaustive]
    Each {
        /// How many items ran.
        total: u64,
        /// The items that did not succeed, with their indexes from 0.
        failures: Vec<(u64, Failure)>,
        /// How many of the items were bypassed.
        bypassed: u64,
        /// The step's own failure, if its evaluation state makes it one.
        verdict: Option<Failure>,
    },
    /// It did not run.
    NotRun(NotRun),
}

/// Why a step did not run, or was not waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRun {
    /// It stands in a branch that was not taken.
    BranchNotTaken {
        /// The unit that has the branch.
        of: String,
        /// The branch.
        descriptor: crate::Descriptor,
    },
    /// The run was stopped, or could not go on, before.
    RunEnded {
        /// The step at which it ended.
        at: String,
    },
    /// It was cancelled.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// The step that leads here was not reached.
    NotReached,
}

impl<'a> StepReport<'a> {
    /// The event's name.
    pub fn event(&self) -> &'a str {
        self.report.plan.event_name(self.step)
    }

    /// The step's place in the flow, such as `validate_order/1/process_payment`.
    pub fn path(&self) -> String {
        self.report.plan.step_path(self.step)
    }

    /// Attempts made, over all items of an `each` step.
    pub fn attempts(&self) -> u32 {
        self.report.cell(self.step).attempts
    }

    /// The waits before retries, in order.
    pub fn waits(&self) -> &'a [Duration] {
        self.report.cell(self.step).waits()
    }

    /// How long the event's body ran, over all attempts; zero if the engine does not measure
    /// steps.
    pub fn duration(&self) -> Duration {
        self.report.cell(self.step).busy()
    }

    fn ending(&self) -> &'a Ending {
        &self.report.cell(self.step).ending
    }

    /// Whether the step ran, or was bypassed, and counts as a success.
    pub fn is_success(&self) -> bool {
        self.ending().is_success()
    }

    /// Whether the step ran.
    pub fn ran(&self) -> bool {
        !matches!(self.ending(), Ending::NotRun | Ending::Pending | Ending::Cancelled(_))
    }

    /// How the step ended.
    pub fn outcome(&self) -> StepOutcome {
        match self.ending() {
            Ending::Success(_) => StepOutcome::Success,
            Ending::Failure(failure) => StepOutcome::Failure(failure.clone()),
            Ending::Exception(exception) => StepOutcome::Exception(exception.clone()),
            Ending::Goto(goto) => StepOutcome::Goto {
                descriptor: goto.0.descriptor.clone(),
                reason: goto.0.reason.to_string(),
                failed: goto.0.failed,
            },
            Ending::Bypassed(bypass) => StepOutcome::Bypassed { reason: bypass.1.to_string() },
            Ending::Each(each) => StepOutcome::Each {
                total: each.total,
                failures: each.failures.clone(),
                bypassed: each.bypassed_total,
                verdict: each.verdict.clone(),
            },
            Ending::Cancelled(reason) => {
                StepOutcome::NotRun(NotRun::Cancelled { reason: reason.to_string() })
            }
            Ending::NotRun | Ending::Pending => StepOutcome::NotRun(self.why_not_run()),
        }
    }

    /// The first thing on the way from the flow's start to this step that kept it from running.
    fn why_not_run(&self) -> NotRun {
        let plan = &self.report.plan;
        let mut unit = plan.steps[self.step as usize].unit;
        let mut why = None;
        loop {
            let flow = plan.groups[plan.units[unit as usize].group as usize].flow;
            match plan.flows[flow as usize].owner {
                Owner::Root => break,
                Owner::Unit(outer) => unit = outer,
                Owner::Branch(outer) => {
                    let untaken = self.report.taken.of(plan, outer) != Some(flow);
                    if untaken && self.was_reached(outer) && !self.ended_in(outer) {
                        why = plan.branch_of(outer, flow).map(|branch| NotRun::BranchNotTaken {
                            of: plan.unit_name(outer),
                            descriptor: branch.descriptor.clone(),
                        });
                    }
                    unit = outer;
                }
            }
        }
        let ended = || match &self.report.halt {
            Some(Halt::Stopped { step, .. } | Halt::Broken { step, .. }) => {
                NotRun::RunEnded { at: plan.step_path(*step) }
            }
            Some(halt @ (Halt::Cancelled(_) | Halt::TimedOut)) => {
                NotRun::Cancelled { reason: halt.reason().to_owned() }
            }
            None => NotRun::NotReached,
        };
        why.unwrap_or_else(ended)
    }

    /// Whether the run ended at this unit, so that none of its branches had its turn.
    fn ended_in(&self, unit: u32) -> bool {
        let Some(Halt::Stopped { step, .. } | Halt::Broken { step, .. }) = &self.report.halt else {
            return false;
        };
        match self.report.plan.units[unit as usize].kind {
            UnitKind::Step(own) => own == *step,
            UnitKind::Flow(flow) => self.report.plan.flow_steps(flow).contains(step),
        }
    }

    /// Whether the unit ran to the point where it would have taken a branch.
    fn was_reached(&self, unit: u32) -> bool {
        match self.report.plan.units[unit as usize].kind {
            UnitKind::Step(step) => StepReport { step, ..*self }.ran(),
            UnitKind::Flow(flow) => {
                let mut steps = self.report.plan.flow_steps(flow);
                steps.any(|step| StepReport { step, ..*self }.ran())
            }
        }
    }

    /// What the step yielded.
    ///
    /// # Errors
    ///
    /// If it yielded nothing, or no `T`; for a step that ran once for each item, `T` is the
    /// `Vec` of its values.
    pub fn value<T: 'static>(&self) -> Result<&'a T> {
        let def = &self.report.plan.event_of(self.step).def;
        let each = matches!(self.ending(), Ending::Each(_));
        match self.ending().value() {
            Some(value) => {
                typed(&self.path(), value, if each { def.ports.list } else { def.output.ty })
            }
            None => Err(Error::Report(format!(
                "`{}` yielded nothing: {}",
                self.path(),
                self.sentence()
            ))),
        }
    }

    /// What the step yielded, as JSON: a list where it ran once for each item. `None` if it
    /// yielded nothing or its type is not serialisable.
    pub fn json(&self) -> Option<serde_json::Result<serde_json::Value>> {
        let def = &self.report.plan.event_of(self.step).def;
        def.output.json?(self.ending().value()?)
    }

    /// Why the step did not succeed: its reason, then each error's source, outermost first.
    pub fn error_chain(&self) -> Vec<String> {
        self.ending().failure().as_ref().map(error_chain).unwrap_or_default()
    }

    /// The outcome in a few words.
    pub fn sentence(&self) -> String {
        match self.outcome() {
            StepOutcome::Success => "success".to_owned(),
            StepOutcome::Failure(_) | StepOutcome::Exception(_) => self.error_chain().join(": "),
            StepOutcome::Goto { descriptor, reason, .. } => {
                format!("went to `{descriptor}` ({reason})")
            }
            StepOutcome::Bypassed { reason } => format!("bypassed ({reason})"),
            StepOutcome::Each { total, failures, bypassed, verdict } => {
                let failed = match (verdict, failures.len()) {
                    (Some(failure), _) => failure.to_string(),
                    (None, 0) => format!("{total} items"),
                    (None, failed) => format!("{total} items, {failed} of them without success"),
                };
                match bypassed {
                    0 => failed,
                    count => format!("{failed}, {count} bypassed"),
                }
            }
            StepOutcome::NotRun(why) => why.to_string(),
        }
    }
}

/// The reason, then each error's source, outermost first.
pub(crate) fn error_chain(failure: &Failure) -> Vec<String> {
    let mut chain = vec![failure.to_string()];
    if let Some(exception) = failure.exception() {
        // A source's Display is user code; one that panics is not to cost the whole report.
        let text = |error: &(dyn std::error::Error + 'static)| {
            crate::panic::contain(|| error.to_string())
                .unwrap_or_else(|panic| format!("(its Display {panic})"))
        };
        chain.extend(exception.chain().skip(1).map(text));
    }
    chain
}

impl std::fmt::Display for NotRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BranchNotTaken { of, descriptor } => {
                write!(f, "not run: branch {descriptor} of `{of}` was not taken")
            }
            Self::RunEnded { at } => write!(f, "not run: the run ended at `{at}`"),
            Self::Cancelled { reason } => write!(f, "cancelled: {reason}"),
            Self::NotReached => f.write_str("not run: not reached"),
        }
    }
}
