//! When the steps of a run ran and waited, as bars below each other.

use std::fmt::Write;

use nexus_core::journal::{History, Span, StepHistory, Timestamp};
use nexus_pointy::visible;
use nexus_terminal::cut;
use unicode_width::UnicodeWidthStr;

use super::look::Look;
use crate::table::{Color, Screen};
use crate::time;

/// How wide a file or a pipe is taken to be.
const WIDTH: usize = 120;
/// What a bar has at least and at most.
const BAR: std::ops::RangeInclusive<usize> = 10..=60;
/// What a path and the text behind the bar have at most, where there is not room for all.
const PATH: usize = 40;
const TEXT: usize = 40;
/// Of flows with more steps only those are shown of which something is recorded.
const MOST_STEPS: usize = 100;

/// The steps with their bars. `until` is where the time ends.
pub(crate) fn draw(history: &History, until: Timestamp, screen: Screen) -> String {
    let is_large = history.steps.len() > MOST_STEPS;
    let is_shown = |step: &&StepHistory| !is_large || step.ended_attempts > 0;
    let steps: Vec<&StepHistory> = history.steps.iter().filter(is_shown).collect();
    let path = |step: &StepHistory| cut(&visible(&step.path).on_one_line().to_string(), PATH);
    let path_width = steps.iter().map(|step| path(step).width()).max().unwrap_or(0);
    let room = screen.width.unwrap_or(WIDTH).saturating_sub(path_width + TEXT + 8);
    let bar_width = room.clamp(*BAR.start(), *BAR.end());
    let scale = Scale { from: history.run.start.at, to: until, columns: bar_width };

    let whole = Span::new(scale.from, scale.to).duration();
    let column = time::short(whole / u32::try_from(bar_width).unwrap_or(1));
    let mut out = screen.paint(Some(Color::Bold), "timeline");
    let _ = writeln!(out, " of {}; a column is {column}", time::short(whole));
    for step in &steps {
        let look = Look::of(step, &history.run);
        let (name, bar) = (path(step), bar(step, &scale, screen));
        let padding = " ".repeat(path_width - name.width());
        let sign = screen.paint(Some(look.color()), &look.outcome.sign().to_string());
        // The further lines of a sentence stand below its first.
        let indent = path_width + bar_width + 8;
        let text = visible(look.line(step)).indented(indent).to_string();
        let _ = writeln!(out, "  {sign} {name}{padding}  {bar}  {text}");
    }
    let left_out = history.steps.len() - steps.len();
    if left_out > 0 {
        let _ = writeln!(out, "  and {left_out} steps of which nothing is recorded");
    }
    let spans = |step: &&StepHistory| !step.waits.is_empty() || step.running.len() > 1;
    if steps.iter().any(spans) {
        let _ = writeln!(out, "  █ ran   ░ waited for a retry   · neither of them");
    }
    out
}

struct Scale {
    from: Timestamp,
    to: Timestamp,
    columns: usize,
}

impl Scale {
    /// The columns of a span: one at least.
    fn columns_of(&self, span: &Span) -> std::ops::Range<usize> {
        let first = self.column(span.from).min(self.columns - 1);
        let last = self.column(span.to).clamp(first + 1, self.columns);
        first..last
    }

    fn column(&self, at: Timestamp) -> usize {
        let whole = self.to.since(self.from).as_micros().max(1);
        let part = at.since(self.from).as_micros();
        usize::try_from(part * self.columns as u128 / whole).unwrap_or(self.columns)
    }
}

/// What a column of a bar shows; the later ones win.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Nothing,
    Between,
    Waited,
    Ran,
    Failed,
}

impl Mark {
    fn sign(self) -> char {
        match self {
            Self::Nothing => ' ',
            Self::Between => '·',
            Self::Waited => '░',
            Self::Ran | Self::Failed => '█',
        }
    }

    fn color(self) -> Color {
        match self {
            Self::Ran => Color::Green,
            Self::Failed => Color::Red,
            Self::Nothing | Self::Between | Self::Waited => Color::Grey,
        }
    }
}

fn bar(step: &StepHistory, scale: &Scale, screen: Screen) -> String {
    let mut marks = vec![Mark::Nothing; scale.columns];
    let mut set = |span: &Span, mark: Mark| {
        for column in scale.columns_of(span) {
            marks[column] = marks[column].max(mark);
        }
    };
    let spans = || step.running.iter().chain(&step.waits);
    let (first, last) = (spans().map(|span| span.from).min(), spans().map(|span| span.to).max());
    if let (Some(first), Some(last)) = (first, last) {
        set(&Span::new(first, last), Mark::Between);
    }
    step.waits.iter().for_each(|span| set(span, Mark::Waited));
    step.running.iter().for_each(|span| set(span, Mark::Ran));
    let failed = step.attempts.iter().filter(|attempt| !attempt.ended.is_success());
    failed.for_each(|attempt| set(&attempt.span, Mark::Failed));
    let alike = marks.chunk_by(|one, other| one == other);
    let painted = alike.filter_map(|marks| {
        let mark = marks.first()?;
        let text = mark.sign().to_string().repeat(marks.len());
        Some(if *mark == Mark::Nothing { text } else { screen.paint(Some(mark.color()), &text) })
    });
    painted.collect()
}
