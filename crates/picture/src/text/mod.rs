//! A drawing in box characters, or in plain ASCII.

mod grid;

use nexus_pointy::ArrowKind;

use self::grid::{Direction, Grid, Style};
use crate::fitted_text;
use crate::graph::NodeKind;
use crate::layout::{Drawing, Frame, Line, Metrics, Node, Rect, lay_out};
use crate::look::{StepLooks, StepOutcome};
use crate::model::Sequence;
use crate::node_text::NodeText;

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
    label_width: |text| fitted_text::width(text) + 2,
    frame_width: |text| fitted_text::width(text) + 6,
};

fn node_size(node_text: &NodeText, kind: NodeKind) -> (i64, i64) {
    let lines = node_text.details.iter().map(|detail| fitted_text::width(detail));
    let width = lines.chain([fitted_text::width(&node_text.title())]).max().unwrap_or(0);
    let height = i64::try_from(node_text.details.len()).unwrap_or(0) + 3;
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
    looks: &StepLooks,
    title: &str,
    ascii: bool,
    colored: bool,
) -> String {
    let drawing = lay_out(root, looks, &METRICS);
    let mut painter = Painter { chars: if ascii { &ASCII } else { &BOXES }, grid: Grid::default() };
    painter.paint(&drawing);
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
    let occurs = |it: &StepOutcome| drawing.nodes.iter().any(|node| node.text.outcome == Some(*it));
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
    fn paint(&mut self, drawing: &Drawing) {
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
                let x = label.at.0 - fitted_text::width(&label.text) / 2;
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
        let Node { rect, text: node_text, kind } = node;
        let style = match (kind, node_text.outcome) {
            (_, Some(outcome)) => Style::Outcome(outcome),
            (NodeKind::Omitted | NodeKind::Hole, None) => Style::Dim,
            (NodeKind::Step | NodeKind::Each, None) => Style::Plain,
        };
        let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
        for y in [rect.y, bottom] {
            self.grid.horizontal(rect.x, right, y, ArrowKind::Then, style);
        }
        // The sides of an `each` step are doubled: many of them stand behind each other.
        let sides = 1 + i64::from(*kind == NodeKind::Each);
        for inset in 0..sides {
            for x in [rect.x + inset, right - inset] {
                self.grid.line(x, rect.y, Direction::Down, ArrowKind::Then, style);
                for y in rect.y + 1..bottom {
                    self.grid.line(x, y, Direction::Up, ArrowKind::Then, style);
                    self.grid.line(x, y, Direction::Down, ArrowKind::Then, style);
                }
                self.grid.line(x, bottom, Direction::Up, ArrowKind::Then, style);
            }
        }
        for (y, line) in (rect.y + 1..).zip([node_text.title()].iter().chain(&node_text.details)) {
            let x = rect.x + (rect.w - fitted_text::width(line)) / 2;
            self.grid.text(x, y, line, style);
        }
    }

    fn line(&mut self, line: &Line) {
        let Line { from: (x0, y0), to: (x1, y1), turn, kind, .. } = *line;
        let style = if line.taken { Style::Plain } else { Style::Dim };
        // It leaves through the border of the box above.
        self.grid.line(x0, y0 - 1, Direction::Down, kind, style);
        let down = |grid: &mut Grid, x, from, to| {
            for y in from..to {
                grid.line(x, y, Direction::Up, kind, style);
                grid.line(x, y, Direction::Down, kind, style);
            }
        };
        if x0 == x1 {
            down(&mut self.grid, x0, y0, y1);
        } else {
            down(&mut self.grid, x0, y0, turn);
            self.grid.line(x0, turn, Direction::Up, kind, style);
            let (own, shared) = if line.is_fork { (x1, x0) } else { (x0, x1) };
            self.grid.horizontal(own, shared, turn, kind, style);
            self.grid.line(x1, turn, Direction::Down, kind, style);
            down(&mut self.grid, x1, turn + 1, y1);
        }
        if line.head {
            self.grid.put(x1, y1 - 1, self.chars.head, style);
        }
    }
}
