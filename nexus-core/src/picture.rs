//! Pictures of plans and of reports.

pub use nexus_picture::{
    Format as PictureFormat, PageStep, Picture, RunPage, StepOutcome as PictureOutcome, StepSpan,
    UnknownFormat as UnknownPictureFormat,
};

use nexus_picture::{StepLook, StepOutcome as Look};

use crate::plan::Plan;
use crate::report::{NotRun, Report, Status, StepOutcome, StepReport, error_chain};

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

    /// The run as a page for a browser, in one file that loads nothing: its picture, its steps, and
    /// their errors with what caused them.
    ///
    /// A report does not know when its steps ran. Who does may add a timeline, with
    /// [`PageStep::span`].
    ///
    /// ```
    /// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
    /// let mut registry = Registry::new();
    /// registry.event("charge", |_: &Context| Outcome::<()>::failure("<b>no money</b>"));
    /// let plan = Flow::parse("charge")?.plan(&registry, &Fields::new())?;
    /// let html = Engine::new().run_plan(&plan, Inputs::new())?.page().html();
    /// assert!(html.contains("&lt;b&gt;no money&lt;/b&gt;") && !html.contains("<b>"));
    /// # Ok::<(), nexus_core::Error>(())
    /// ```
    pub fn page(&self) -> RunPage {
        let look = match self.status() {
            Status::Succeeded => Look::Success,
            Status::Cancelled => Look::NotRun,
            Status::TimedOut => Look::Exception,
            Status::Failed | Status::Stopped => Look::Failure,
        };
        let mut verdict = format!("{} in {:.1?}", self.status(), self.elapsed());
        if !self.is_success() {
            verdict = format!("{verdict}: {}", self.failure_message());
        }
        let mut page = RunPage::new(self.pipeline(), self.picture())
            .verdict(look, verdict)
            .fact("run", self.run_id().to_string());
        let value = self.output_step().filter(StepReport::is_success).and_then(|it| it.json());
        if let Some(Ok(value)) =
            value.filter(|value| !matches!(value, Ok(value) if value.is_null()))
        {
            page = page.output(shortened(&format!("{value:#}")));
        }
        self.steps().fold(page, |page, step| page.step(page_step(&step)))
    }
}

/// A page is read by people: of a long value it shows the beginning.
fn shortened(text: &str) -> String {
    const MOST: usize = 20_000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// So many errors of a step's items are shown.
const MOST_ITEMS: usize = 20;

fn page_step(step: &StepReport<'_>) -> PageStep {
    let shown = PageStep::new(step.path(), outcome_look(&step.outcome()))
        .sentence(step.sentence())
        .attempts(step.attempts())
        .took(step.duration())
        .waited(step.waits().iter().sum());
    match step.outcome() {
        StepOutcome::Each { failures, .. } => {
            let items = failures.iter().take(MOST_ITEMS).map(|(item, failure)| {
                let mut chain = error_chain(failure);
                if let Some(first) = chain.first_mut() {
                    *first = format!("item {item}: {first}");
                }
                chain
            });
            items.fold(shown, PageStep::error)
        }
        _ => shown.error(step.error_chain()),
    }
}

fn outcome_look(outcome: &StepOutcome) -> Look {
    match outcome {
        StepOutcome::Success | StepOutcome::Each { verdict: None, .. } => Look::Success,
        StepOutcome::Failure(_)
        | StepOutcome::Goto { failed: true, .. }
        | StepOutcome::Each { verdict: Some(_), .. } => Look::Failure,
        StepOutcome::Exception(_) => Look::Exception,
        StepOutcome::Goto { failed: false, .. } => Look::Goto,
        StepOutcome::Bypassed { .. } => Look::Bypassed,
        StepOutcome::NotRun(_) => Look::NotRun,
    }
}

fn look(step: &StepReport<'_>) -> StepLook {
    let outcome = step.outcome();
    let drawn = outcome_look(&outcome);
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
