//! The positions of all boxes and lines, for the forms that draw themselves.
//!
//! Each part of a flow is a block with a *spine*: the vertical along which the flow enters it at
//! the top and leaves it at the bottom. A sequence stacks blocks along one spine. A group, and the
//! branches of a unit, stand side by side, and the spine runs through their middle, or past the
//! branches where the flow may go on without any.
//!
//! Blocks are measured from the inside out (`block`), then put in place from the outside in
//! (`place`). Both take time linear in the number of boxes.
//!
//! The unit of length is the form's: a pixel, or a character cell. Whatever is `h` high at `y`
//! covers `y..y + h`; lines begin and end at those bounds.

mod block;
mod place;

use nexus_pointy::ArrowKind;

use crate::graph::NodeKind;
use crate::look::StepLooks;
use crate::model::Sequence;
use crate::node_text::NodeText;

/// The sizes that a form gives to things.
pub(crate) struct Metrics {
    /// Between a block and the next below it.
    pub(crate) arrow: i64,
    /// How far below a block the lines of its exits meet.
    pub(crate) meet: i64,
    /// Between a unit and its branches.
    pub(crate) branch: i64,
    /// How far below the unit the middle of a branch's label is.
    pub(crate) label: i64,
    /// Between a group's members and the bar where they join.
    pub(crate) join: i64,
    /// Between neighbours.
    pub(crate) beside: i64,
    /// The height of a bar.
    pub(crate) bar: i64,
    /// How far a bar reaches beyond the outermost members' spines.
    pub(crate) bar_reach: i64,
    /// Inside a frame: to the left and right, above (where its words stand) and below.
    pub(crate) frame: (i64, i64, i64),
    /// The width and height of a box with these words.
    pub(crate) node: fn(&NodeText, NodeKind) -> (i64, i64),
    /// The width of a branch's label, with the room it needs on both sides.
    pub(crate) label_width: fn(&str) -> i64,
    /// The width that a frame needs for its words.
    pub(crate) frame_width: fn(&str) -> i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) w: i64,
    pub(crate) h: i64,
}

impl Rect {
    pub(crate) const fn right(&self) -> i64 {
        self.x + self.w
    }

    pub(crate) const fn bottom(&self) -> i64 {
        self.y + self.h
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) rect: Rect,
    pub(crate) text: NodeText,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) rect: Rect,
    pub(crate) head: String,
    pub(crate) ran: bool,
}

/// Where a group forks or joins.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) rect: Rect,
    pub(crate) ran: bool,
}

/// A line down from one box or bar to another, sideways at most once.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) from: (i64, i64),
    pub(crate) to: (i64, i64),
    /// The height at which it goes sideways, if the ends are not above each other.
    pub(crate) turn: i64,
    /// Whether other lines may begin where this one begins; else, others may end where it ends.
    pub(crate) is_fork: bool,
    pub(crate) kind: ArrowKind,
    /// Whether it has an arrow's head.
    pub(crate) head: bool,
    pub(crate) label: Option<Label>,
    /// Whether the run, if this is one, went along it.
    pub(crate) taken: bool,
}

/// Words on a line.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) text: Box<str>,
    /// Its middle.
    pub(crate) at: (i64, i64),
}

/// The boxes and lines with their positions. Outer frames come before inner ones.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    pub(crate) width: i64,
    pub(crate) height: i64,
    pub(crate) frames: Vec<Frame>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) lines: Vec<Line>,
}

pub(crate) fn lay_out(root: &Sequence, looks: &StepLooks, metrics: &Metrics) -> Drawing {
    let block = block::Measurer { looks, metrics }.sequence(root, ArrowKind::Then, None);
    place::place(block, metrics)
}
