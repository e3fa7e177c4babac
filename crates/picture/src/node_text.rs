//! The texts of the boxes and frames.

use crate::fitted_text::{single_line, truncate, truncate_start, wrap};
use crate::look::{StepLooks, StepOutcome};
use crate::model::{Content, Unit};

const NAME_WIDTH: usize = 48;
const DETAIL_WIDTH: usize = 44;
/// How many lines of a note are shown.
const MAX_NOTE_LINES: usize = 3;
/// How many settings of a step are shown; the tooltip has them all.
const MAX_SETTINGS: usize = 5;

/// The texts of a box.
#[derive(Debug)]
pub(crate) struct NodeText {
    /// The place of its step in script order, if it is a step.
    pub(crate) step: Option<u32>,
    pub(crate) outcome: Option<StepOutcome>,
    pub(crate) name: String,
    pub(crate) details: Vec<String>,
    /// The full text, not shortened.
    pub(crate) tooltip: String,
}

impl NodeText {
    /// The first line: the sign, if any, and the name.
    pub(crate) fn title(&self) -> String {
        match self.outcome {
            Some(outcome) => format!("{} {}", outcome.sign(), self.name),
            None => self.name.clone(),
        }
    }
}

/// The texts of a unit that is drawn as a box.
pub(crate) fn of(unit: &Unit, looks: &StepLooks) -> NodeText {
    let (name, look) = match &unit.content {
        Content::Step(name) => (name.to_string(), looks.get(unit.own_steps.start)),
        Content::Omitted(count) => return omitted(*count, unit, looks),
        Content::Hole | Content::Brackets(_) => ("?".to_owned(), None),
    };
    let mut tooltip = name.clone();
    let mut details = Vec::new();
    for (at, setting) in unit.settings.iter().enumerate() {
        if at < MAX_SETTINGS {
            details.push(truncate(setting, DETAIL_WIDTH));
        }
        tooltip.push('\n');
        tooltip.push_str(setting);
    }
    if let Some(hidden) = unit.settings.len().checked_sub(MAX_SETTINGS).filter(|it| *it > 0) {
        details.push(format!("… {hidden} more"));
    }
    if let Some(look) = look {
        let mut figures = Vec::new();
        if look.attempts > 1 {
            figures.push(format!("{} attempts", look.attempts));
        }
        if !look.duration.is_zero() {
            figures.push(format!("{:.1?}", look.duration));
        }
        tooltip.push('\n');
        tooltip.push_str(look.outcome.word());
        let note = single_line(&look.note);
        for line in [figures.join(", "), note] {
            if !line.is_empty() {
                details.extend(wrap(&line, DETAIL_WIDTH, MAX_NOTE_LINES));
                tooltip.push('\n');
                tooltip.push_str(&line);
            }
        }
    }
    NodeText {
        step: matches!(unit.content, Content::Step(_)).then_some(unit.own_steps.start),
        outcome: look.map(|look| look.outcome),
        name: truncate_start(&name, NAME_WIDTH),
        details,
        tooltip,
    }
}

fn omitted(count: usize, unit: &Unit, looks: &StepLooks) -> NodeText {
    let name = format!("… {count} more");
    let mut details = Vec::new();
    let steps = unit.steps.len();
    if steps != count {
        details.push(format!("{steps} steps"));
    }
    let outcome_counts = looks.outcome_counts(&unit.steps);
    if !outcome_counts.is_empty() {
        let counts =
            outcome_counts.iter().map(|(outcome, count)| format!("{count} {}", outcome.sign()));
        details.push(counts.collect::<Vec<_>>().join("  "));
    }
    let tooltip =
        outcome_counts.iter().map(|(outcome, count)| format!("\n{count} {}", outcome.word()));
    let tooltip = format!("{name}{}", tooltip.collect::<String>());
    NodeText { step: None, outcome: None, name, details, tooltip }
}

/// The text at the top of a frame.
pub(crate) fn frame_title(unit: &Unit) -> String {
    truncate(&unit.settings.join(", "), NAME_WIDTH)
}
