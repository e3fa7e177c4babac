//! A drawing in box characters, or in plain ASCII.

mod grid;

use nexus_pointy::ArrowKind;

use self::grid::{Arm, Grid, Style};
use crate::fit;
use crate::graph::NodeKind;
use crate::layout::{Drawing, Frame, Line, Metrics, Node, Rect, lay_out};
use crate::look::{Looks, StepOutcome};
use crate::model::Sequence;
use crate::words::Words;

const METRICS: Metrics = Metrics {
    arrow: 2,
    meet: 0,
    branch: 3,
    label: 1,
    join: 1,
    beside: 2,
    bar: 1,
    bar_reach: 2,
    frame: (2, 1, 1),
    node: node_size,
    label_width: |text| fit::width(text) + 2,
    frame_width: |text| fit::width(text) + 6,
};

fn node_size(words: &Words, kind: NodeKind) -> (i64, i64) {
    let lines = words.details.iter().map(|detail| fit::width(detail));
    let width = lines.chain([fit::width(&words.head())]).max().unwrap_or(0);
    let height = i64::try_from(words.details.len()).unwrap_or(0) + 3;
    let behind = i64::from(kind == NodeKind::Each);
    (width + 4 + 2 * behind, height)
}

/// The characters of a drawing that are not made of arms.
struct Charset {
    head: char,
    bar: char,
    /// A frame's corners from the top left clockwise, its horizontals and its verticals.
    frame: [char; 6],
}

const BOXES: Charset =
    Charset { head: '▼', bar: '━', frame: ['╭', '╮', '╯', '╰', '╌', '╎'] };
const ASCII: Charset = Charset { head: 'v', bar: '*', frame: ['.', '.', '\'', '\'', '.', ':'] };

pub(crate) fn draw(
    root: &Sequence,
    looks: &Looks,
    title: &str,
    ascii: bool,
    colored: bool,
) -> String {
    let drawing = lay_out(root, looks, &METRICS);
    let mut painter = Painter { chars: if ascii { &ASCII } else { &BOXES }, grid: Grid::default() };
    painter.all(&drawing);
    let mut out = String::new();
    if !title.is_empty() {
        out.push_str(title);
        out.push_str("\n\n");
    }
    painter.grid.write(&mut out, ascii, colored);
    legend(&mut out, &drawing);
    out
}

fn legend(out: &mut String, drawing: &Drawing) {
    let occurs = |it: &StepOutcome| drawing.nodes.iter().any(|node| node.words.sign == Some(*it));
    let entries: Vec<String> = StepOutcome::ALL
        .into_iter()
        .filter(occurs)
        .map(|it| format!("{} {}", it.sign(), it.word()))
        .collect();
    if !entries.is_empty() {
        out.push('\n');
        out.push_str(&entries.join("   "));
        out.push('\n');
    }
}

struct Painter {
    chars: &'static Charset,
    grid: Grid,
}

impl Painter {
    fn all(&mut self, drawing: &Drawing) {
        for it in &drawing.frames {
            self.frame(it);
        }
        for it in &drawing.nodes {
            self.node(it);
        }
        for bar in &drawing.bars {
            let style = if bar.ran { Style::Plain } else { Style::Dim };
            for x in bar.rect.x..bar.rect.right() {
                self.grid.put(x, bar.rect.y, self.chars.bar, style);
            }
        }
        for taken in [false, true] {
            drawing.lines.iter().filter(|it| it.taken == taken).for_each(|it| self.line(it));
        }
        for line in &drawing.lines {
            if let Some(label) = &line.label {
                let x = label.at.0 - fit::width(&label.text) / 2;
                let style = if line.taken { Style::Plain } else { Style::Dim };
                self.grid.text(x, label.at.1, &label.text, style);
            }
        }
    }

    fn frame(&mut self, frame: &Frame) {
        let Rect { x, y, .. } = frame.rect;
        let (right, bottom) = (frame.rect.right() - 1, frame.rect.bottom() - 1);
        let [top_left, top_right, bottom_right, bottom_left, across, down] = self.chars.frame;
        for x in x + 1..right {
            self.grid.put(x, y, across, Style::Dim);
            self.grid.put(x, bottom, across, Style::Dim);
        }
        for y in y + 1..bottom {
            self.grid.put(x, y, down, Style::Dim);
            self.grid.put(right, y, down, Style::Dim);
        }
        for (x, y, corner) in [
            (x, y, top_left),
            (right, y, top_right),
            (right, bottom, bottom_right),
            (x, bottom, bottom_left),
        ] {
            self.grid.put(x, y, corner, Style::Dim);
        }
        if !frame.head.is_empty() {
            let style = if frame.ran { Style::Plain } else { Style::Dim };
            self.grid.text(x + 2, y, &format!(" {} ", frame.head), style);
        }
    }

    fn node(&mut self, node: &Node) {
        let Node { rect, words, kind } = node;
        let style = match (kind, words.sign) {
            (_, Some(outcome)) => Style::Outcome(outcome),
            (NodeKind::More | NodeKind::Hole, None) => Style::Dim,
            (NodeKind::Step | NodeKind::Each, None) => Style::Plain,
        };
        let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
        for y in [rect.y, bottom] {
            self.grid.across(rect.x, right, y, ArrowKind::Then, style);
        }
        // The sides of an `each` step are doubled: many of them stand behind each other.
        let sides = 1 + i64::from(*kind == NodeKind::Each);
        for inset in 0..sides {
            for x in [rect.x + inset, right - inset] {
                self.grid.arm(x, rect.y, Arm::Down, ArrowKind::Then, style);
                for y in rect.y + 1..bottom {
                    self.grid.arm(x, y, Arm::Up, ArrowKind::Then, style);
                    self.grid.arm(x, y, Arm::Down, ArrowKind::Then, style);
                }
                self.grid.arm(x, bottom, Arm::Up, ArrowKind::Then, style);
            }
        }
        for (y, line) in (rect.y + 1..).zip([words.head()].iter().chain(&words.details)) {
            let x = rect.x + (rect.w - fit::width(line)) / 2;
            self.grid.text(x, y, line, style);
        }
    }

    fn line(&mut self, line: &Line) {
        let Line { from: (x0, y0), to: (x1, y1), turn, kind, .. } = *line;
        let style = if line.taken { Style::Plain } else { Style::Dim };
        // It leaves through the border of the box above.
        self.grid.arm(x0, y0 - 1, Arm::Down, kind, style);
        let down = |grid: &mut Grid, x, from, to| {
            for y in from..to {
                grid.arm(x, y, Arm::Up, kind, style);
                grid.arm(x, y, Arm::Down, kind, style);
            }
        };
        if x0 == x1 {
            down(&mut self.grid, x0, y0, y1);
        } else {
            down(&mut self.grid, x0, y0, turn);
            self.grid.arm(x0, turn, Arm::Up, kind, style);
            let (own, shared) = if line.spreads { (x1, x0) } else { (x0, x1) };
            self.grid.across(own, shared, turn, kind, style);
            self.grid.arm(x1, turn, Arm::Down, kind, style);
            down(&mut self.grid, x1, turn + 1, y1);
        }
        if line.head {
            self.grid.put(x1, y1 - 1, self.chars.head, style);
        }
    }
}
