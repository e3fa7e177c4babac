//! Blocks put in place, and the lines between them.

use nexus_pointy::ArrowKind;

use super::block::{Block, Column, FallThrough, Shape, Size};
use super::{Bar, Drawing, Frame, Label, Line, Metrics, Node, Rect};

pub(super) fn place(root: Block, metrics: &Metrics) -> Drawing {
    let Size { left, right, height } = root.size;
    let drawing = Drawing { width: left + right, height, ..Drawing::default() };
    let mut placer = Placer { metrics, drawing };
    placer.block(root, left, 0);
    placer.drawing
}

struct Placer<'a> {
    metrics: &'a Metrics,
    drawing: Drawing,
}

/// A place from which the flow may go on.
struct Exit {
    at: (i64, i64),
    label: Option<Label>,
    taken: bool,
}

impl Exit {
    const fn plain(x: i64, y: i64, taken: bool) -> Self {
        Self { at: (x, y), label: None, taken }
    }
}

/// Where lines lead, and how.
struct Target {
    to: (i64, i64),
    turn: i64,
    kind: ArrowKind,
    head: bool,
    taken: bool,
}

impl Placer<'_> {
    /// Puts a block with its spine at `x` and its top at `y`.
    fn block(&mut self, block: Block, x: i64, y: i64) -> Vec<Exit> {
        let Block { size, ran, shape } = block;
        let rect = Rect { x: x - size.left, y, w: size.left + size.right, h: size.height };
        match shape {
            Shape::Node { node_text, kind } => {
                self.drawing.nodes.push(Node { rect, text: node_text, kind });
                vec![Exit::plain(x, rect.bottom(), ran)]
            }
            Shape::Frame { head, inner } => {
                self.drawing.frames.push(Frame { rect, head, ran });
                // The inner exits end inside of the frame; the flow goes on from the frame itself.
                self.block(*inner, x, y + self.metrics.frame.1);
                vec![Exit::plain(x, rect.bottom(), ran)]
            }
            Shape::Stack(blocks) => self.stack(blocks, x, y),
            Shape::Group { members, kind, join } => self.group(members, kind, join, ran, rect, x),
            Shape::Branches { head, columns, rest } => self.branches(*head, columns, rest, x, y),
        }
    }

    fn stack(&mut self, blocks: Vec<(ArrowKind, Block)>, x: i64, mut y: i64) -> Vec<Exit> {
        let mut exits = Vec::new();
        for (at, (kind, block)) in blocks.into_iter().enumerate() {
            if at > 0 {
                let turn = y + self.metrics.meet;
                y += self.metrics.arrow;
                let target = Target { to: (x, y), turn, kind, head: true, taken: block.ran };
                self.connect(std::mem::take(&mut exits), &target);
            }
            let height = block.size.height;
            exits = self.block(block, x, y);
            y += height;
        }
        exits
    }

    fn connect(&mut self, exits: Vec<Exit>, target: &Target) {
        let &Target { to, turn, kind, head, taken } = target;
        for Exit { at: from, label, taken: left } in exits {
            let taken = left && taken;
            let line = Line { from, to, turn, is_fork: false, kind, head, label, taken };
            self.drawing.lines.push(line);
        }
    }

    fn group(
        &mut self,
        members: Vec<Column>,
        kind: ArrowKind,
        join: Option<ArrowKind>,
        ran: bool,
        rect: Rect,
        x: i64,
    ) -> Vec<Exit> {
        let Metrics { arrow, bar, bar_reach, .. } = *self.metrics;
        let offset = |member: Option<&Column>| member.map_or(x, |it| x + it.offset);
        let (mut first, mut last) = (offset(members.first()), offset(members.last()));
        let bar_at = |y, first, last| {
            let rect =
                Rect { x: first - bar_reach, y, w: last - first + 2 * bar_reach + 1, h: bar };
            Bar { rect, ran }
        };
        self.drawing.bars.push(bar_at(rect.y, first, last));
        let top = rect.y + bar + arrow;
        let mut exits = Vec::new();
        for Column { offset, block, .. } in members {
            let to = (x + offset, top);
            let from = (x + offset, rect.y + bar);
            let taken = block.ran;
            let line = Line {
                from,
                to,
                turn: from.1,
                is_fork: false,
                kind,
                head: true,
                label: None,
                taken,
            };
            self.drawing.lines.push(line);
            exits.extend(self.block(block, to.0, to.1));
        }
        let Some(kind) = join else { return exits };
        let y = rect.bottom() - bar;
        for exit in exits {
            (first, last) = (first.min(exit.at.0), last.max(exit.at.0));
            let to = (exit.at.0, y);
            let target = Target { to, turn: y, kind, head: false, taken: true };
            self.connect(vec![exit], &target);
        }
        self.drawing.bars.push(bar_at(y, first, last));
        vec![Exit::plain(x, rect.bottom(), ran)]
    }

    fn branches(
        &mut self,
        head: Block,
        columns: Vec<Column>,
        rest: Option<FallThrough>,
        x: i64,
        y: i64,
    ) -> Vec<Exit> {
        let bottom = y + head.size.height;
        let ran = head.ran;
        self.block(head, x, y);
        let label = |text, x| Label { text, at: (x, bottom + self.metrics.label) };
        let rest = rest.map(|rest| Exit {
            at: (x, bottom),
            label: Some(label(rest.label, x)),
            taken: rest.taken,
        });
        let mut exits: Vec<Exit> = rest.into_iter().collect();
        for Column { offset, kind, label: text, block } in columns {
            let to = (x + offset, bottom + self.metrics.branch);
            self.drawing.lines.push(Line {
                from: (x, bottom),
                to,
                turn: bottom + self.metrics.meet,
                is_fork: true,
                kind,
                head: true,
                label: text.map(|text| label(text, to.0)),
                taken: ran && block.ran,
            });
            exits.extend(self.block(block, to.0, to.1));
        }
        exits
    }
}
