//! The flow as nodes and edges, for the forms that lay it out themselves.
//!
//! A group of several gets a node where it forks and, if anything follows, one where it joins: a
//! group of 1,000 before one of 1,000 has 2,000 edges, not a million.

use nexus_pointy::ArrowKind;

use crate::look::{StepLooks, StepOutcome};
use crate::model::{Content, Link, Sequence, Unit};
use crate::node_text::{self, NodeText};

/// A node's identity, such as `s4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) char, pub(crate) u32);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

#[derive(Debug)]
pub(crate) enum Item {
    Node {
        id: Id,
        node_text: NodeText,
        kind: NodeKind,
    },
    /// Where a group begins.
    Fork(Id),
    /// Where a group ends.
    Join(Id),
    /// The frame around some brackets begins.
    Open {
        id: Id,
        head: String,
    },
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Step,
    /// A step that runs once for each item.
    Each,
    Omitted,
    Hole,
}

impl NodeKind {
    pub(crate) const fn of(unit: &Unit) -> Self {
        match unit.content {
            Content::Step(_) if unit.each => Self::Each,
            Content::Step(_) => Self::Step,
            Content::Omitted(_) => Self::Omitted,
            Content::Hole | Content::Brackets(_) => Self::Hole,
        }
    }
}

/// Where an edge begins or ends: at a node, or at the frame that the node is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) node: Id,
    pub(crate) frame: Option<Id>,
}

#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) from: Endpoint,
    pub(crate) to: Endpoint,
    pub(crate) kind: ArrowKind,
    pub(crate) label: Option<Box<str>>,
    /// Whether the run, if this is one, went along it.
    pub(crate) taken: bool,
}

impl Edge {
    /// Whether it begins where a group forks.
    pub(crate) const fn leaves_fork(&self) -> bool {
        self.from.node.0 == FORK
    }

    /// Whether it leads to where a group joins; such edges have no head.
    pub(crate) const fn enters_join(&self) -> bool {
        self.to.node.0 == JOIN
    }
}

const FORK: char = 'f';
const JOIN: char = 'j';

pub(crate) struct Graph<'a> {
    looks: &'a StepLooks,
    pub(crate) items: Vec<Item>,
    pub(crate) edges: Vec<Edge>,
    last: Id,
    count: u32,
}

/// An end of a part of the flow, from which the flow may go on.
struct Exit {
    end: Endpoint,
    label: Option<Box<str>>,
    taken: bool,
}

impl<'a> Graph<'a> {
    pub(crate) fn of(root: &Sequence, looks: &'a StepLooks) -> Self {
        let mut graph =
            Self { looks, items: Vec::new(), edges: Vec::new(), last: Id('n', 0), count: 0 };
        graph.sequence(root, ArrowKind::Then, None);
        graph
    }

    /// The outcomes that occur, in the order of [`StepOutcome::ALL`].
    pub(crate) fn outcomes(&self) -> Vec<StepOutcome> {
        let mut seen = [false; StepOutcome::ALL.len()];
        for item in &self.items {
            if let Item::Node { node_text: NodeText { outcome: Some(outcome), .. }, .. } = item {
                seen[*outcome as usize] = true;
            }
        }
        StepOutcome::ALL.into_iter().filter(|it| seen[*it as usize]).collect()
    }

    fn id(&mut self, kind: char) -> Id {
        self.count += 1;
        Id(kind, self.count)
    }

    fn edge(&mut self, exit: Exit, to: Endpoint, kind: ArrowKind, to_taken: bool) {
        let Exit { end: from, label, taken } = exit;
        self.edges.push(Edge { from, to, kind, label, taken: taken && to_taken });
    }

    /// `enter` is the arrow that leads to the sequence, `follow` the one that leads on from its end.
    fn sequence(
        &mut self,
        all: &Sequence,
        enter: ArrowKind,
        follow: Option<ArrowKind>,
    ) -> (Endpoint, Vec<Exit>) {
        let mut entry = None;
        let mut exits = Vec::new();
        for (at, link) in all.links.iter().enumerate() {
            let next = all.links.get(at + 1);
            let follow = next.map_or(follow, |next| next.arrow);
            let kind = link.arrow.unwrap_or(enter);
            let (start, ends) = self.link(link, kind, follow);
            let taken = self.looks.ran(&link.steps);
            for exit in std::mem::replace(&mut exits, ends) {
                self.edge(exit, start, kind, taken);
            }
            entry.get_or_insert(start);
        }
        (entry.unwrap_or(Endpoint { node: self.last, frame: None }), exits)
    }

    fn link(
        &mut self,
        link: &Link,
        kind: ArrowKind,
        follow: Option<ArrowKind>,
    ) -> (Endpoint, Vec<Exit>) {
        if let [unit] = &*link.units {
            return self.unit(unit, kind, follow);
        }
        let fork = self.bar_node(FORK, Item::Fork);
        let mut ends = Vec::new();
        for unit in &link.units {
            let (start, exits) = self.unit(unit, kind, follow);
            let taken = self.looks.ran(&unit.steps);
            self.edge(Exit { end: fork, label: None, taken }, start, kind, taken);
            ends.extend(exits);
        }
        let Some(kind) = follow else { return (fork, ends) };
        let join = self.bar_node(JOIN, Item::Join);
        for exit in ends {
            self.edge(exit, join, kind, true);
        }
        (fork, vec![Exit { end: join, label: None, taken: self.looks.ran(&link.steps) }])
    }

    fn bar_node(&mut self, kind: char, item: fn(Id) -> Item) -> Endpoint {
        let id = self.id(kind);
        self.items.push(item(id));
        self.last = id;
        Endpoint { node: id, frame: None }
    }

    fn unit(
        &mut self,
        unit: &Unit,
        enter: ArrowKind,
        follow: Option<ArrowKind>,
    ) -> (Endpoint, Vec<Exit>) {
        let (entry, end) = match &unit.content {
            Content::Brackets(flow) if unit.is_framed() => self.frame(unit, flow, enter),
            Content::Brackets(flow) => return self.sequence(flow, enter, follow),
            _ => {
                let end = self.node(unit);
                (end, end)
            }
        };
        let mut exits = Vec::new();
        let mut branched = false;
        for branch in &unit.branches {
            let (start, ends) = self.sequence(&branch.flow, branch.arrow, follow);
            let taken = self.looks.ran(&branch.flow.steps);
            branched |= taken && !self.looks.is_empty();
            let exit = Exit { end, label: Some(branch.label.clone()), taken };
            self.edge(exit, start, branch.arrow, taken);
            exits.extend(ends);
        }
        if unit.can_fall_through() {
            let label = (!unit.branches.is_empty()).then(|| "else".into());
            exits.push(Exit { end, label, taken: self.looks.ran(&unit.own_steps) && !branched });
        }
        (entry, exits)
    }

    fn frame(&mut self, unit: &Unit, flow: &Sequence, enter: ArrowKind) -> (Endpoint, Endpoint) {
        let id = self.id('g');
        self.items.push(Item::Open { id, head: node_text::frame_title(unit) });
        let (entry, _) = self.sequence(flow, enter, None);
        self.items.push(Item::Close);
        let frame = Some(id);
        (Endpoint { node: entry.node, frame }, Endpoint { node: self.last, frame })
    }

    fn node(&mut self, unit: &Unit) -> Endpoint {
        let id = match unit.content {
            Content::Step(_) => Id('s', unit.own_steps.start),
            _ => self.id('m'),
        };
        let node_text = node_text::of(unit, self.looks);
        self.items.push(Item::Node { id, node_text, kind: NodeKind::of(unit) });
        self.last = id;
        Endpoint { node: id, frame: None }
    }
}
