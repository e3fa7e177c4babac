//! Blocks and their sizes.

use nexus_pointy::ArrowKind;

use super::Metrics;
use crate::graph::NodeKind;
use crate::look::StepLooks;
use crate::model::{Content, Link, Sequence, Unit};
use crate::node_text::{self, NodeText};

/// A part of the flow with its size.
pub(super) struct Block {
    pub(super) size: Size,
    pub(super) ran: bool,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// From the left side to the spine.
    pub(super) left: i64,
    /// From the spine to the right side.
    pub(super) right: i64,
    pub(super) height: i64,
}

pub(super) enum Shape {
    Node {
        node_text: NodeText,
        kind: NodeKind,
    },
    Frame {
        head: String,
        inner: Box<Block>,
    },
    /// One below the other, each with the arrow that leads to it.
    Stack(Vec<(ArrowKind, Block)>),
    /// Beside each other between bars.
    Group {
        members: Vec<Column>,
        kind: ArrowKind,
        join: Option<ArrowKind>,
    },
    /// A unit above its branches.
    Branches {
        head: Box<Block>,
        columns: Vec<Column>,
        rest: Option<FallThrough>,
    },
}

pub(super) struct Column {
    /// From the block's spine to the column's.
    pub(super) offset: i64,
    pub(super) kind: ArrowKind,
    pub(super) label: Option<Box<str>>,
    pub(super) block: Block,
}

/// The line past the branches, on the block's spine: the flow may go on without any of them.
pub(super) struct FallThrough {
    pub(super) label: Box<str>,
    pub(super) taken: bool,
}

pub(super) struct Measurer<'a> {
    pub(super) looks: &'a StepLooks,
    pub(super) metrics: &'a Metrics,
}

impl Measurer<'_> {
    /// `enter` is the arrow that leads to the sequence, `follow` the one that leads on from its end.
    pub(super) fn sequence(
        &self,
        all: &Sequence,
        enter: ArrowKind,
        follow: Option<ArrowKind>,
    ) -> Block {
        let mut size = Size::default();
        let mut stack = Vec::with_capacity(all.links.len());
        for (at, link) in all.links.iter().enumerate() {
            let follow = all.links.get(at + 1).map_or(follow, |next| next.arrow);
            let kind = link.arrow.unwrap_or(enter);
            let block = self.link(link, kind, follow);
            size.left = size.left.max(block.size.left);
            size.right = size.right.max(block.size.right);
            size.height += block.size.height + if at > 0 { self.metrics.arrow } else { 0 };
            stack.push((kind, block));
        }
        Block { size, ran: self.looks.ran(&all.steps), shape: Shape::Stack(stack) }
    }

    fn link(&self, link: &Link, kind: ArrowKind, follow: Option<ArrowKind>) -> Block {
        if let [unit] = &*link.units {
            return self.unit(unit, kind, follow);
        }
        let members = link.units.iter().map(|unit| Column {
            offset: 0,
            kind,
            label: None,
            block: self.unit(unit, kind, follow),
        });
        let mut members: Vec<Column> = members.collect();
        let (left, right) = self.side_by_side(&mut members, None);
        let Metrics { arrow, bar, join, bar_reach, .. } = *self.metrics;
        let tallest = members.iter().map(|it| it.block.size.height).max().unwrap_or(0);
        let below = if follow.is_some() { join + bar } else { 0 };
        let reach = |member: Option<&Column>| member.map_or(0, |it| it.offset.abs()) + bar_reach;
        let size = Size {
            left: left.max(reach(members.first())),
            right: right.max(reach(members.last()) + 1),
            height: bar + arrow + tallest + below,
        };
        let shape = Shape::Group { members, kind, join: follow };
        Block { size, ran: self.looks.ran(&link.steps), shape }
    }

    fn unit(&self, unit: &Unit, enter: ArrowKind, follow: Option<ArrowKind>) -> Block {
        let head = match &unit.content {
            Content::Brackets(flow) if unit.is_framed() => self.frame(unit, flow, enter),
            Content::Brackets(flow) => return self.sequence(flow, enter, follow),
            _ => self.node(unit),
        };
        if unit.branches.is_empty() {
            return head;
        }
        let columns = unit.branches.iter().map(|branch| Column {
            offset: 0,
            kind: branch.arrow,
            label: Some(branch.label.clone()),
            block: self.sequence(&branch.flow, branch.arrow, follow),
        });
        let mut columns: Vec<Column> = columns.collect();
        let rest = (follow.is_some() && unit.can_fall_through()).then(|| {
            let branched = !self.looks.is_empty() && columns.iter().any(|it| it.block.ran);
            FallThrough { label: "else".into(), taken: head.ran && !branched }
        });
        let (left, right) = self.side_by_side(&mut columns, rest.as_ref());
        let tallest = columns.iter().map(|it| it.block.size.height).max().unwrap_or(0);
        let size = Size {
            left: left.max(head.size.left),
            right: right.max(head.size.right),
            height: head.size.height + self.metrics.branch + tallest,
        };
        let shape = Shape::Branches { head: Box::new(head), columns, rest };
        Block { size, ran: self.looks.ran(&unit.steps), shape }
    }

    /// Puts columns next to each other, right of the rest if there is one; returns how far they
    /// reach to the left and to the right of the spine.
    fn side_by_side(&self, columns: &mut [Column], rest: Option<&FallThrough>) -> (i64, i64) {
        let label = |text: &str| (self.metrics.label_width)(text);
        let half = rest.map(|rest| (label(&rest.label) + 1) / 2);
        let mut edge = half;
        let mut leftmost = half.map(|half| -half);
        for column in columns.iter_mut() {
            let size = column.block.size;
            let half = column.label.as_deref().map_or(0, |text| (label(text) + 1) / 2);
            let (left, right) = (size.left.max(half), size.right.max(half));
            column.offset = edge.map_or(left, |edge| edge + self.metrics.beside + left);
            leftmost.get_or_insert(column.offset - left);
            edge = Some(column.offset + right);
        }
        let (leftmost, edge) = (leftmost.unwrap_or(0), edge.unwrap_or(0));
        let spine = match (rest, &*columns) {
            (None, [first, .., last]) => i64::midpoint(first.offset, last.offset),
            (None, [only]) => only.offset,
            _ => 0,
        };
        for column in columns {
            column.offset -= spine;
        }
        (spine - leftmost, edge - spine)
    }

    fn node(&self, unit: &Unit) -> Block {
        let node_text = node_text::of(unit, self.looks);
        let kind = NodeKind::of(unit);
        let (width, height) = (self.metrics.node)(&node_text, kind);
        let size = Size { left: width / 2, right: width - width / 2, height };
        Block { size, ran: self.looks.ran(&unit.own_steps), shape: Shape::Node { node_text, kind } }
    }

    fn frame(&self, unit: &Unit, flow: &Sequence, enter: ArrowKind) -> Block {
        let inner = self.sequence(flow, enter, None);
        let head = node_text::frame_title(unit);
        let (beside, above, below) = self.metrics.frame;
        let width = inner.size.left + inner.size.right + 2 * beside;
        let spare = ((self.metrics.frame_width)(&head) - width).max(0);
        let left = inner.size.left + beside + spare / 2;
        let right = inner.size.right + beside + (spare - spare / 2);
        let size = Size { left, right, height: above + inner.size.height + below };
        let shape = Shape::Frame { head, inner: Box::new(inner) };
        Block { size, ran: self.looks.ran(&unit.own_steps), shape }
    }
}
