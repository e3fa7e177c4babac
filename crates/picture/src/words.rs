//! The words in the boxes.

use crate::fit::{clean, cut, cut_front, wrapped};
use crate::look::{Looks, StepOutcome};
use crate::model::{Unit, What};

const NAME_WIDTH: usize = 48;
const DETAIL_WIDTH: usize = 44;
/// How many lines of a note are shown.
const NOTE_LINES: usize = 3;
/// How many settings of a step are shown; the tooltip has them all.
const SETTINGS: usize = 5;

/// What stands in a box.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) sign: Option<StepOutcome>,
    pub(crate) name: String,
    pub(crate) details: Vec<String>,
    /// Everything, uncut.
    pub(crate) tip: String,
}

impl Words {
    /// The first line: the sign, if any, and the name.
    pub(crate) fn head(&self) -> String {
        match self.sign {
            Some(outcome) => format!("{} {}", outcome.sign(), self.name),
            None => self.name.clone(),
        }
    }
}

/// The words for a unit that is drawn as a box.
pub(crate) fn of(unit: &Unit, looks: &Looks) -> Words {
    let (name, look) = match &unit.what {
        What::Step(name) => (name.to_string(), looks.get(unit.own.start)),
        What::More(count) => return more(*count, unit, looks),
        What::Hole | What::Brackets(_) => ("?".to_owned(), None),
    };
    let mut tip = name.clone();
    let mut details = Vec::new();
    for (at, setting) in unit.settings.iter().enumerate() {
        if at < SETTINGS {
            details.push(cut(setting, DETAIL_WIDTH));
        }
        tip.push('\n');
        tip.push_str(setting);
    }
    if let Some(hidden) = unit.settings.len().checked_sub(SETTINGS).filter(|it| *it > 0) {
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
        tip.push('\n');
        tip.push_str(look.outcome.word());
        let note = clean(&look.note);
        for line in [figures.join(", "), note] {
            if !line.is_empty() {
                details.extend(wrapped(&line, DETAIL_WIDTH, NOTE_LINES));
                tip.push('\n');
                tip.push_str(&line);
            }
        }
    }
    Words { sign: look.map(|look| look.outcome), name: cut_front(&name, NAME_WIDTH), details, tip }
}

fn more(count: usize, unit: &Unit, looks: &Looks) -> Words {
    let name = format!("… {count} more");
    let mut details = Vec::new();
    let steps = unit.steps.len();
    if steps != count {
        details.push(format!("{steps} steps"));
    }
    let tally = looks.tally(&unit.steps);
    if !tally.is_empty() {
        let counts = tally.iter().map(|(outcome, count)| format!("{count} {}", outcome.sign()));
        details.push(counts.collect::<Vec<_>>().join("  "));
    }
    let tip = tally.iter().map(|(outcome, count)| format!("\n{count} {}", outcome.word()));
    let tip = format!("{name}{}", tip.collect::<String>());
    Words { sign: None, name, details, tip }
}

/// What stands at the top of a frame.
pub(crate) fn frame(unit: &Unit) -> String {
    cut(&unit.settings.join(", "), NAME_WIDTH)
}
