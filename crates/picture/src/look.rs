//! How the steps of a run ended, for its picture.

use std::ops::Range;
use std::time::Duration;

/// How a step of a finished run is drawn.
///
/// ```
/// use nexus_picture::{Picture, StepLook, StepOutcome};
/// use std::time::Duration;
///
/// let flow = nexus_pointy::parse("fetch |-> store").into_result()?;
/// let looks = [
///     StepLook::new(StepOutcome::Success).took(Duration::from_millis(12)).attempts(2),
///     StepLook::new(StepOutcome::Exception).note("the disk is full"),
/// ];
/// assert_eq!(Picture::of(&flow).with_steps(looks).text(), "\
/// ┌────────────────────┐
/// │      + fetch       │
/// │ 2 attempts, 12.0ms │
/// └──────────╥─────────┘
///            ║
///            ▼
///  ┌──────────────────┐
///  │     ! store      │
///  │ the disk is full │
///  └──────────────────┘
///
/// + success   ! exception
/// ");
/// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a look does nothing until `Picture::with_steps` takes it"]
pub struct StepLook {
    pub(crate) outcome: StepOutcome,
    pub(crate) attempts: u32,
    pub(crate) duration: Duration,
    pub(crate) note: String,
}

/// How a step ended. Pictures show it by a sign and by a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepOutcome {
    /// `+`, green: it succeeded.
    Success,
    /// `x`, orange: it ended with a failure.
    Failure,
    /// `!`, red: it ended with an exception.
    Exception,
    /// `>`, violet: it chose a branch.
    Goto,
    /// `~`, blue: it was skipped.
    Bypassed,
    /// `-`, grey: it did not run.
    NotRun,
}

impl StepOutcome {
    pub(crate) const ALL: [Self; 6] =
        [Self::Success, Self::Failure, Self::Exception, Self::Goto, Self::Bypassed, Self::NotRun];

    /// The sign, which needs no colour.
    pub const fn sign(self) -> char {
        match self {
            Self::Success => '+',
            Self::Failure => 'x',
            Self::Exception => '!',
            Self::Goto => '>',
            Self::Bypassed => '~',
            Self::NotRun => '-',
        }
    }

    /// The outcome in a word or two.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Exception => "exception",
            Self::Goto => "goto",
            Self::Bypassed => "bypassed",
            Self::NotRun => "not run",
        }
    }

    /// The name of its class in SVG and Mermaid.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Exception => "exception",
            Self::Goto => "goto",
            Self::Bypassed => "bypassed",
            Self::NotRun => "unrun",
        }
    }

    const fn has_failed(self) -> bool {
        matches!(self, Self::Failure | Self::Exception)
    }
}

impl StepLook {
    /// A step that ended so, at the first attempt.
    pub const fn new(outcome: StepOutcome) -> Self {
        Self { outcome, attempts: 0, duration: Duration::ZERO, note: String::new() }
    }

    /// How often it was tried; shown from 2 on.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long it ran; shown unless zero.
    pub const fn took(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }

    /// Why it ended so, in a sentence. A long one is cut; SVG shows all of it when one points at
    /// the step.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// The looks of all steps, in script order; empty for a flow that has not run.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepLooks {
    steps: Vec<StepLook>,
    /// For each step, how many before it ran.
    ran: Vec<u32>,
}

impl StepLooks {
    pub(crate) fn new(steps: Vec<StepLook>) -> Self {
        let mut count = 0;
        let mut ran = vec![0];
        ran.extend(steps.iter().map(|look| {
            count += u32::from(look.outcome != StepOutcome::NotRun);
            count
        }));
        Self { steps, ran }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn get(&self, step: u32) -> Option<&StepLook> {
        self.steps.get(step as usize)
    }

    pub(crate) fn range(&self, steps: &Range<u32>) -> &[StepLook] {
        let end = (steps.end as usize).min(self.steps.len());
        self.steps.get(steps.start as usize..end).unwrap_or_default()
    }

    /// Whether any of these steps ran; true for all steps of a flow that has not run, so that
    /// nothing of it is grey.
    pub(crate) fn ran(&self, steps: &Range<u32>) -> bool {
        let before = |step: u32| self.ran.get(step as usize).or(self.ran.last()).copied();
        self.is_empty() || before(steps.start) < before(steps.end)
    }

    /// Whether one of these steps has failed.
    pub(crate) fn has_failed(&self, steps: &Range<u32>) -> bool {
        self.range(steps).iter().any(|look| look.outcome.has_failed())
    }

    /// How often each outcome occurs among these steps; outcomes that do not occur are left out.
    pub(crate) fn outcome_counts(&self, steps: &Range<u32>) -> Vec<(StepOutcome, usize)> {
        let looks = self.range(steps);
        let count = |it: &StepOutcome| looks.iter().filter(|look| look.outcome == *it).count();
        let counts = StepOutcome::ALL.map(|outcome| (outcome, count(&outcome)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}
