//! Big flows, made small enough to be read.
//!
//! Three things make a flow big, and each is cut where it occurs: runs of straight steps, groups
//! (or branch lists) of many members, and brackets in brackets. Whatever is left out becomes one
//! box that says how much it stands for.

use std::borrow::Cow;
use std::ops::Range;

use nexus_pointy::{ArrowKind, MAX_DEPTH};

use crate::look::Looks;
use crate::model::{Branch, Link, Sequence, Unit, What};

/// How many neighbours stay at each end of a run that is cut.
const EDGE: usize = 3;
/// How many steps inside of a run stay because they failed.
const TROUBLES: usize = 6;
/// A chain of more links than this is cut in the middle, whatever the links are.
const LONGEST: usize = 40;
/// A picture with more boxes beside each other than this has its deepest brackets folded, too.
const WIDEST: usize = 24;
/// A picture of more boxes than this has its deepest brackets and branches folded.
pub(crate) const MOST_BOXES: usize = 80;

/// The flow, or a shorter one if it has more than `most` steps.
pub(crate) fn shorten<'a>(root: &'a Sequence, looks: &Looks, most: usize) -> Cow<'a, Sequence> {
    if root.steps.len() <= most {
        return Cow::Borrowed(root);
    }
    let mut depth = MAX_DEPTH * 2;
    loop {
        let mut shortener = Shortener { looks, depth, boxes: 0 };
        let short = shortener.sequence(root, 0);
        let fits = shortener.boxes <= MOST_BOXES && breadth(&short) <= WIDEST;
        if fits || depth == 1 {
            return Cow::Owned(short);
        }
        // Nothing is as deep as the first bound, so a few tries are enough.
        depth = if depth > 8 { 8 } else { depth - 1 };
    }
}

/// How many boxes stand beside each other where the flow is widest.
fn breadth(all: &Sequence) -> usize {
    let unit = |unit: &Unit| {
        let own = match &unit.what {
            What::Brackets(flow) => breadth(flow),
            _ => 1,
        };
        own.max(unit.branches.iter().map(|branch| breadth(&branch.flow)).sum())
    };
    all.links.iter().map(|link| link.units.iter().map(unit).sum()).max().unwrap_or(0)
}

struct Shortener<'a> {
    looks: &'a Looks,
    /// How deep brackets and branches are opened.
    depth: usize,
    boxes: usize,
}

impl Shortener<'_> {
    fn sequence(&mut self, all: &Sequence, depth: usize) -> Sequence {
        let straight = |at: usize| {
            let link = &all.links[at];
            matches!(&*link.units, [Unit { what: What::Step(_), branches, .. }] if branches.is_empty())
        };
        let trouble = |at: usize| self.looks.is_trouble(&all.links[at].steps);
        let pieces = halve(pieces(all.links.len(), straight, trouble));
        let mut links = Vec::new();
        for piece in pieces {
            links.push(match piece {
                Piece::One(at) => self.link(&all.links[at], depth),
                Piece::Many(range) => {
                    self.boxes += 1;
                    let arrow = all.links[range.start].arrow;
                    let steps = span(all.links[range.clone()].iter().map(|it| &it.steps));
                    let units = vec![Unit::more(range.len(), steps.clone())];
                    Link { arrow, units, steps }
                }
            });
        }
        Sequence { links, steps: all.steps.clone() }
    }

    fn link(&mut self, link: &Link, depth: usize) -> Link {
        let trouble = |at: usize| self.looks.is_trouble(&link.units[at].steps);
        let mut units = Vec::new();
        for piece in pieces(link.units.len(), |_| true, trouble) {
            units.push(match piece {
                Piece::One(at) => self.unit(&link.units[at], depth),
                Piece::Many(range) => {
                    self.boxes += 1;
                    let steps = span(link.units[range.clone()].iter().map(|it| &it.steps));
                    Unit::more(range.len(), steps)
                }
            });
        }
        Link { arrow: link.arrow, units, steps: link.steps.clone() }
    }

    fn unit(&mut self, unit: &Unit, depth: usize) -> Unit {
        let what = match &unit.what {
            What::Brackets(flow) => What::Brackets(Box::new(self.inner(flow, depth + 1))),
            other => {
                self.boxes += 1;
                other.clone()
            }
        };
        let mut branches = Vec::new();
        let trouble = |at: usize| self.looks.is_trouble(&unit.branches[at].flow.steps);
        for piece in pieces(unit.branches.len(), |_| true, trouble) {
            branches.push(match piece {
                Piece::One(at) => self.branch(&unit.branches[at], depth),
                Piece::Many(range) => self.branches(&unit.branches[range]),
            });
        }
        Unit {
            what,
            settings: unit.settings.clone(),
            each: unit.each,
            branches,
            own: unit.own.clone(),
            steps: unit.steps.clone(),
        }
    }

    fn branch(&mut self, branch: &Branch, depth: usize) -> Branch {
        Branch {
            arrow: branch.arrow,
            label: branch.label.clone(),
            taken_by: branch.taken_by,
            flow: self.inner(&branch.flow, depth + 1),
        }
    }

    /// Many branches as one, which stands for the failure's and the success's too if it has them.
    fn branches(&mut self, many: &[Branch]) -> Branch {
        let steps = span(many.iter().map(|it| &it.flow.steps));
        let flow = self.folded(many.len(), steps);
        let taken_by = many.iter().find_map(|it| it.taken_by);
        Branch { arrow: ArrowKind::Then, label: "…".into(), taken_by, flow }
    }

    fn inner(&mut self, flow: &Sequence, depth: usize) -> Sequence {
        if depth < self.depth || flow.steps.len() <= 1 {
            self.sequence(flow, depth)
        } else {
            self.folded(flow.steps.len(), flow.steps.clone())
        }
    }

    /// A flow of which only one box is drawn.
    fn folded(&mut self, count: usize, steps: Range<u32>) -> Sequence {
        self.boxes += 1;
        let units = vec![Unit::more(count, steps.clone())];
        Sequence { links: vec![Link { arrow: None, units, steps: steps.clone() }], steps }
    }
}

enum Piece {
    One(usize),
    Many(Range<usize>),
}

/// What is kept of `count` neighbours: in each stretch of those that may go, the ends, and the
/// first few that are in trouble.
fn pieces(
    count: usize,
    may_go: impl Fn(usize) -> bool,
    trouble: impl Fn(usize) -> bool,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut troubles = 0;
    let mut at = 0;
    while at < count {
        let end = (at..count).find(|it| !may_go(*it)).unwrap_or(count);
        let mut from = at;
        // One box for a single step would save nothing.
        if end - at > 2 * EDGE + 1 {
            pieces.extend((at..at + EDGE).map(Piece::One));
            let inner = at + EDGE..end - EDGE;
            from = inner.start;
            for hot in inner.clone().filter(|it| trouble(*it)).take(TROUBLES - troubles) {
                troubles += 1;
                skip(&mut pieces, from..hot);
                pieces.push(Piece::One(hot));
                from = hot + 1;
            }
            skip(&mut pieces, from..inner.end);
            from = end - EDGE;
        }
        pieces.extend((from..end).map(Piece::One));
        if end < count {
            pieces.push(Piece::One(end));
        }
        at = end + 1;
    }
    pieces
}

fn skip(pieces: &mut Vec<Piece>, range: Range<usize>) {
    match range.len() {
        0 => {}
        1 => pieces.push(Piece::One(range.start)),
        _ => pieces.push(Piece::Many(range)),
    }
}

/// Cuts the middle out of what is still too long.
fn halve(mut pieces: Vec<Piece>) -> Vec<Piece> {
    if pieces.len() <= LONGEST {
        return pieces;
    }
    let tail = pieces.split_off(pieces.len() - LONGEST / 2);
    let start = |piece: &Piece| match piece {
        Piece::One(at) => *at,
        Piece::Many(range) => range.start,
    };
    let middle = pieces.get(LONGEST / 2).map_or(0, start)..tail.first().map_or(0, start);
    pieces.truncate(LONGEST / 2);
    pieces.push(Piece::Many(middle));
    pieces.extend(tail);
    pieces
}

/// From the first to the last of neighbours.
fn span<'a>(mut ranges: impl Iterator<Item = &'a Range<u32>>) -> Range<u32> {
    let first = ranges.next().cloned().unwrap_or(0..0);
    first.start..ranges.last().map_or(first.end, |last| last.end)
}
