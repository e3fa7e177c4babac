//! Big flows, made small enough to be read.
//!
//! Three things make a flow big, and each is shortened where it occurs: long chains of steps
//! without branches, groups (or branch lists) of many members, and brackets in brackets. Whatever
//! is left out becomes one box that says how many steps it stands for.

use std::borrow::Cow;
use std::ops::Range;

use nexus_pointy::{ArrowKind, MAX_DEPTH};

use crate::look::StepLooks;
use crate::model::{Branch, Content, Link, Sequence, Unit};

/// How many steps stay at each end of a chain that is shortened.
const KEPT_AT_ENDS: usize = 3;
/// How many steps inside of a shortened chain stay because they failed.
const MAX_KEPT_FAILURES: usize = 6;
/// The middle of a chain of more links than this is left out, whatever the links are.
const MAX_CHAIN: usize = 40;
/// A picture with more boxes beside each other than this has its deepest brackets folded, too.
const MAX_BREADTH: usize = 24;
/// A picture of more boxes than this has its deepest brackets and branches folded.
pub(crate) const MAX_BOXES: usize = 80;

/// The flow, or a shorter one if it has more than `max_steps` steps.
pub(crate) fn shorten<'a>(
    root: &'a Sequence,
    looks: &StepLooks,
    max_steps: usize,
) -> Cow<'a, Sequence> {
    if root.steps.len() <= max_steps {
        return Cow::Borrowed(root);
    }
    let mut depth = MAX_DEPTH * 2;
    loop {
        let mut shortener = Shortener { looks, depth, boxes: 0 };
        let short = shortener.sequence(root, 0);
        let fits = shortener.boxes <= MAX_BOXES && breadth(&short) <= MAX_BREADTH;
        if fits || depth == 1 {
            return Cow::Owned(short);
        }
        // The first bound is deeper than any flow, so a few tries are enough.
        depth = if depth > 8 { 8 } else { depth - 1 };
    }
}

/// The greatest number of boxes beside each other.
fn breadth(all: &Sequence) -> usize {
    let unit = |unit: &Unit| {
        let own = match &unit.content {
            Content::Brackets(flow) => breadth(flow),
            _ => 1,
        };
        own.max(unit.branches.iter().map(|branch| breadth(&branch.flow)).sum())
    };
    all.links.iter().map(|link| link.units.iter().map(unit).sum()).max().unwrap_or(0)
}

struct Shortener<'a> {
    looks: &'a StepLooks,
    /// Brackets and branches nested deeper than this are folded.
    depth: usize,
    boxes: usize,
}

impl Shortener<'_> {
    fn sequence(&mut self, all: &Sequence, depth: usize) -> Sequence {
        let straight = |at: usize| {
            let link = &all.links[at];
            matches!(&*link.units, [Unit { content: Content::Step(_), branches, .. }] if branches.is_empty())
        };
        let has_failed = |at: usize| self.looks.has_failed(&all.links[at].steps);
        let segments = omit_middle(segments(all.links.len(), straight, has_failed));
        let mut links = Vec::new();
        for segment in segments {
            links.push(match segment {
                Segment::Shown(at) => self.link(&all.links[at], depth),
                Segment::Omitted(range) => {
                    self.boxes += 1;
                    let arrow = all.links[range.start].arrow;
                    let steps = span(all.links[range.clone()].iter().map(|it| &it.steps));
                    let units = vec![Unit::omitted(range.len(), steps.clone())];
                    Link { arrow, units, steps }
                }
            });
        }
        Sequence { links, steps: all.steps.clone() }
    }

    fn link(&mut self, link: &Link, depth: usize) -> Link {
        let has_failed = |at: usize| self.looks.has_failed(&link.units[at].steps);
        let mut units = Vec::new();
        for segment in segments(link.units.len(), |_| true, has_failed) {
            units.push(match segment {
                Segment::Shown(at) => self.unit(&link.units[at], depth),
                Segment::Omitted(range) => {
                    self.boxes += 1;
                    let steps = span(link.units[range.clone()].iter().map(|it| &it.steps));
                    Unit::omitted(range.len(), steps)
                }
            });
        }
        Link { arrow: link.arrow, units, steps: link.steps.clone() }
    }

    fn unit(&mut self, unit: &Unit, depth: usize) -> Unit {
        let content = match &unit.content {
            Content::Brackets(flow) => Content::Brackets(Box::new(self.nested(flow, depth + 1))),
            other => {
                self.boxes += 1;
                other.clone()
            }
        };
        let mut branches = Vec::new();
        let has_failed = |at: usize| self.looks.has_failed(&unit.branches[at].flow.steps);
        for segment in segments(unit.branches.len(), |_| true, has_failed) {
            branches.push(match segment {
                Segment::Shown(at) => self.branch(&unit.branches[at], depth),
                Segment::Omitted(range) => self.branches(&unit.branches[range]),
            });
        }
        Unit {
            content,
            settings: unit.settings.clone(),
            each: unit.each,
            branches,
            own_steps: unit.own_steps.clone(),
            steps: unit.steps.clone(),
        }
    }

    fn branch(&mut self, branch: &Branch, depth: usize) -> Branch {
        Branch {
            arrow: branch.arrow,
            label: branch.label.clone(),
            for_success: branch.for_success,
            flow: self.nested(&branch.flow, depth + 1),
        }
    }

    /// Folds many branches into one. If the failure's or the success's is among them, the one
    /// counts as such.
    fn branches(&mut self, branches: &[Branch]) -> Branch {
        let steps = span(branches.iter().map(|it| &it.flow.steps));
        let flow = self.folded(branches.len(), steps);
        let for_success = branches.iter().find_map(|it| it.for_success);
        Branch { arrow: ArrowKind::Then, label: "…".into(), for_success, flow }
    }

    fn nested(&mut self, flow: &Sequence, depth: usize) -> Sequence {
        if depth < self.depth || flow.steps.len() <= 1 {
            self.sequence(flow, depth)
        } else {
            self.folded(flow.steps.len(), flow.steps.clone())
        }
    }

    /// A flow of which only one box is drawn.
    fn folded(&mut self, count: usize, steps: Range<u32>) -> Sequence {
        self.boxes += 1;
        let units = vec![Unit::omitted(count, steps.clone())];
        Sequence { links: vec![Link { arrow: None, units, steps: steps.clone() }], steps }
    }
}

/// A neighbour that is shown, or a run of them that is omitted.
enum Segment {
    Shown(usize),
    Omitted(Range<usize>),
}

/// Splits `count` neighbours into shown and omitted ones. Of each run that may be omitted, the ends
/// are shown, and the first few that have failed.
fn segments(
    count: usize,
    may_omit: impl Fn(usize) -> bool,
    has_failed: impl Fn(usize) -> bool,
) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut kept_failures = 0;
    let mut at = 0;
    while at < count {
        let end = (at..count).find(|it| !may_omit(*it)).unwrap_or(count);
        let mut from = at;
        // One box for a single step would save nothing.
        if end - at > 2 * KEPT_AT_ENDS + 1 {
            segments.extend((at..at + KEPT_AT_ENDS).map(Segment::Shown));
            let inner = at + KEPT_AT_ENDS..end - KEPT_AT_ENDS;
            from = inner.start;
            for failed in
                inner.clone().filter(|it| has_failed(*it)).take(MAX_KEPT_FAILURES - kept_failures)
            {
                kept_failures += 1;
                push_omitted(&mut segments, from..failed);
                segments.push(Segment::Shown(failed));
                from = failed + 1;
            }
            push_omitted(&mut segments, from..inner.end);
            from = end - KEPT_AT_ENDS;
        }
        segments.extend((from..end).map(Segment::Shown));
        if end < count {
            segments.push(Segment::Shown(end));
        }
        at = end + 1;
    }
    segments
}

fn push_omitted(segments: &mut Vec<Segment>, range: Range<usize>) {
    match range.len() {
        0 => {}
        1 => segments.push(Segment::Shown(range.start)),
        _ => segments.push(Segment::Omitted(range)),
    }
}

/// Omits the middle of a chain that is still too long.
fn omit_middle(mut segments: Vec<Segment>) -> Vec<Segment> {
    if segments.len() <= MAX_CHAIN {
        return segments;
    }
    let tail = segments.split_off(segments.len() - MAX_CHAIN / 2);
    let start = |segment: &Segment| match segment {
        Segment::Shown(at) => *at,
        Segment::Omitted(range) => range.start,
    };
    let middle = segments.get(MAX_CHAIN / 2).map_or(0, start)..tail.first().map_or(0, start);
    segments.truncate(MAX_CHAIN / 2);
    segments.push(Segment::Omitted(middle));
    segments.extend(tail);
    segments
}

/// The range from the first to the last of these neighbours.
fn span<'a>(mut ranges: impl Iterator<Item = &'a Range<u32>>) -> Range<u32> {
    let first = ranges.next().cloned().unwrap_or(0..0);
    first.start..ranges.last().map_or(first.end, |last| last.end)
}
