//! Pictures of plans and of reports.

pub use nexus_picture::{Format as PictureFormat, Picture, UnknownFormat as UnknownPictureFormat};

use nexus_picture::{StepLook, StepOutcome as Look};

use crate::plan::Plan;
use crate::report::{NotRun, Report, StepOutcome, StepReport};

impl Plan {
    /// The flow, to be drawn.
    ///
    /// ```
    /// use nexus_core::{Context, Fields, Flow, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// for name in ["fetch", "resize", "pack"] {
    ///     registry.event(name, |_: &Context| Outcome::success(()));
    /// }
    /// let plan = Flow::parse("fetch -> resize || pack")?.plan(&registry, &Fields::new())?;
    /// assert_eq!(format!("\n{}", plan.picture().titled("")), "
    ///       ┌───────┐
    ///       │ fetch │
    ///       └───┬───┘
    ///           │
    ///           ▼
    ///    ━━━━━━━━━━━━━━━━
    ///      │          │
    ///      ▼          ▼
    /// ┌────────┐  ┌──────┐
    /// │ resize │  │ pack │
    /// └────────┘  └──────┘
    /// ");
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn picture(&self) -> Picture {
        Picture::of(&self.source).titled(self.name())
    }
}

impl Report {
    /// The flow with what became of each step: its outcome, by a sign and a colour, its attempts,
    /// its duration and why it did not succeed. What was not run is grey.
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.event("validate", |_: &Context| Outcome::<()>::failure("no items"));
    /// registry.event("charge", |_: &Context| Outcome::success(()));
    /// let plan = Flow::parse("validate (1 -> charge)")?.plan(&registry, &Fields::new())?;
    /// let engine = Engine::builder().step_timings(false).build()?;
    /// let report = engine.run_plan(&plan, Inputs::new())?;
    /// assert_eq!(report.picture().titled("").text(), "\
    /// ┌────────────┐
    /// │ x validate │
    /// │  no items  │
    /// └──────┬─────┘
    ///        │
    ///    1 success
    ///        ▼
    ///  ┌──────────┐
    ///  │ - charge │
    ///  └──────────┘
    ///
    /// x failure   - not run
    /// ");
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn picture(&self) -> Picture {
        let title = format!("{} {} in {:.1?}", self.pipeline(), self.status(), self.elapsed());
        self.plan.picture().titled(title).with_steps(self.steps().map(|step| look(&step)))
    }
}

fn look(step: &StepReport<'_>) -> StepLook {
    let outcome = step.outcome();
    let drawn = match &outcome {
        StepOutcome::Success | StepOutcome::Each { verdict: None, .. } => Look::Success,
        StepOutcome::Failure(_)
        | StepOutcome::Goto { failed: true, .. }
        | StepOutcome::Each { verdict: Some(_), .. } => Look::Failure,
        StepOutcome::Exception(_) => Look::Exception,
        StepOutcome::Goto { failed: false, .. } => Look::Goto,
        StepOutcome::Bypassed { .. } => Look::Bypassed,
        StepOutcome::NotRun(_) => Look::NotRun,
    };
    let each = matches!(outcome, StepOutcome::Each { .. });
    // An `each` step counts the attempts of all its items, which the picture cannot say in a word.
    let attempts = if each { 1 } else { step.attempts() };
    let look = StepLook::new(drawn).took(step.duration()).attempts(attempts);
    match &outcome {
        StepOutcome::NotRun(NotRun::Cancelled { .. }) => look.note(step.sentence()),
        // The colour, or the grey, says it all.
        StepOutcome::Success | StepOutcome::NotRun(_) => look,
        _ => look.note(step.sentence()),
    }
}
