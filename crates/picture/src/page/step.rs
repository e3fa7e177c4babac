//! A step of the page.

use std::time::Duration;

use crate::look::StepOutcome;

/// A step of a [`RunPage`](super::RunPage).
#[derive(Debug, Clone)]
#[must_use = "a step does nothing until `RunPage::step` takes it"]
pub struct PageStep {
    pub(super) path: String,
    pub(super) outcome: StepOutcome,
    pub(super) sentence: String,
    pub(super) attempts: u32,
    pub(super) took: Duration,
    pub(super) waited: Duration,
    /// Each with its sources.
    pub(super) errors: Vec<Vec<String>>,
    pub(super) spans: Vec<StepSpan>,
}

/// A stretch of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSpan {
    /// Its beginning, since the run's.
    pub from: Duration,
    /// Its end.
    pub to: Duration,
    /// How the attempt ended that ran then; `None` for a wait before a retry.
    pub ended: Option<StepOutcome>,
    /// What is shown where one points at it.
    pub label: String,
}

impl PageStep {
    /// A step with this place in the flow, that ended so.
    pub fn new(path: impl Into<String>, outcome: StepOutcome) -> Self {
        Self {
            path: path.into(),
            outcome,
            sentence: String::new(),
            attempts: 0,
            took: Duration::ZERO,
            waited: Duration::ZERO,
            errors: Vec::new(),
            spans: Vec::new(),
        }
    }

    /// Its place in the flow.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why it ended so, in a sentence.
    pub fn sentence(mut self, sentence: impl Into<String>) -> Self {
        self.sentence = sentence.into();
        self
    }

    /// How often it was tried; shown from 2 on.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long it ran; shown unless zero.
    pub const fn took(mut self, duration: Duration) -> Self {
        self.took = duration;
        self
    }

    /// How long it waited for retries; shown unless zero.
    pub const fn waited(mut self, duration: Duration) -> Self {
        self.waited = duration;
        self
    }

    /// An error, and then its sources, outermost first.
    pub fn error(mut self, chain: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let chain: Vec<String> = chain.into_iter().map(Into::into).collect();
        if !chain.is_empty() {
            self.errors.push(chain);
        }
        self
    }

    /// Says when it ran, or waited.
    pub fn span(&mut self, span: StepSpan) {
        self.spans.push(span);
    }
}
