//! What a page says.

use std::time::Duration;

use super::step::PageStep;
use crate::look::StepOutcome;
use crate::picture::Picture;

/// A page about a finished run: its picture, a timeline of its steps, and their errors.
///
/// ```
/// use nexus_picture::{PageStep, Picture, RunPage, StepOutcome};
/// use std::time::Duration;
///
/// let flow = nexus_pointy::parse("fetch -> store").into_result()?;
/// let page = RunPage::new("Nightly", Picture::of(&flow))
///     .verdict(StepOutcome::Exception, "failed in 2s")
///     .fact("run", "7f3a")
///     .step(PageStep::new("fetch", StepOutcome::Success).took(Duration::from_millis(12)))
///     .step(PageStep::new("store", StepOutcome::Exception).error(["<disk> is full", "os error 28"]));
/// let html = page.html();
/// assert!(html.starts_with("<!doctype html>"));
/// assert!(html.contains("&lt;disk&gt; is full"));
/// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a page does nothing until `html()` writes it"]
pub struct RunPage {
    pub(super) title: String,
    pub(super) picture: Picture,
    pub(super) verdict: Option<(StepOutcome, String)>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) steps: Vec<PageStep>,
    pub(super) output: Option<String>,
}

impl RunPage {
    /// A page with this heading, and this picture of the run.
    pub fn new(title: impl Into<String>, picture: Picture) -> Self {
        Self {
            title: title.into(),
            picture,
            verdict: None,
            facts: Vec::new(),
            steps: Vec::new(),
            output: None,
        }
    }

    /// How the run ended, in a sentence below the heading, in the colour of such a step.
    pub fn verdict(mut self, look: StepOutcome, sentence: impl Into<String>) -> Self {
        self.verdict = Some((look, sentence.into()));
        self
    }

    /// Something that one wants to know of the run, under its name: when it began, its key.
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// The next step, in script order.
    pub fn step(mut self, step: PageStep) -> Self {
        self.steps.push(step);
        self
    }

    /// The steps, so that one can say when they ran: see [`PageStep::span`].
    pub fn steps_mut(&mut self) -> &mut [PageStep] {
        &mut self.steps
    }

    /// What the flow yielded.
    pub fn output(mut self, output: impl Into<String>) -> Self {
        self.output = Some(output.into());
        self
    }

    /// Where the timeline ends.
    pub(super) fn end(&self) -> Duration {
        self.steps.iter().flat_map(|step| &step.spans).map(|span| span.to).max().unwrap_or_default()
    }
}
