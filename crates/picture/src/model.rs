//! What there is to draw: the flow's tree, without places in the text and with ready words.

use std::ops::Range;

use nexus_pointy::{ArrowKind, Descriptor, Flow, Primary};

use crate::fit::{self, clean};

/// Links one below the other.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) links: Vec<Link>,
    pub(crate) steps: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The arrow that leads here.
    pub(crate) arrow: Option<ArrowKind>,
    /// One, or several beside each other.
    pub(crate) units: Vec<Unit>,
    pub(crate) steps: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) what: What,
    /// `key = value`, in script order.
    pub(crate) settings: Vec<Box<str>>,
    /// Whether it runs once for each item.
    pub(crate) each: bool,
    pub(crate) branches: Vec<Branch>,
    /// Its steps without those of its branches.
    pub(crate) own: Range<u32>,
    pub(crate) steps: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The event's name.
    Step(Box<str>),
    Brackets(Box<Sequence>),
    /// An event is missing in the script.
    Hole,
    /// So many links, members or branches, of one kind, that are not drawn.
    More(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) arrow: ArrowKind,
    pub(crate) label: Box<str>,
    /// Whether it is the one for failure, or for success.
    pub(crate) taken_by: Option<bool>,
    pub(crate) flow: Sequence,
}

impl Unit {
    /// Whether it is drawn as a frame around its flow: brackets of which nothing is said only
    /// group, and the lines show that.
    pub(crate) fn is_framed(&self) -> bool {
        !(self.settings.is_empty() && self.branches.is_empty())
    }

    /// Whether what follows may follow this unit itself, past its branches.
    pub(crate) fn has_rest(&self) -> bool {
        let covers = |success| self.branches.iter().any(|it| it.taken_by == Some(success));
        !(covers(false) && covers(true))
    }

    pub(crate) fn more(count: usize, steps: Range<u32>) -> Self {
        let what = What::More(count);
        let own = steps.clone();
        Self { what, settings: Vec::new(), each: false, branches: Vec::new(), own, steps }
    }
}

/// Numbers the steps in script order, as plans do: a unit's own, then those of its branches.
pub(crate) fn sequence(flow: &Flow, next: &mut u32) -> Sequence {
    let first = *next;
    let link = |link: &nexus_pointy::Link| {
        let first = *next;
        let units = link.units.iter().map(|it| unit(it, next)).collect();
        Link { arrow: link.arrow.map(|arrow| arrow.kind), units, steps: first..*next }
    };
    let links = flow.links.iter().map(link).collect();
    Sequence { links, steps: first..*next }
}

fn unit(unit: &nexus_pointy::Unit, next: &mut u32) -> Unit {
    let first = *next;
    let what = match &unit.primary {
        Primary::Event(name) => {
            *next = next.saturating_add(1);
            What::Step(fit::name(&name.text))
        }
        Primary::Flow(flow) => What::Brackets(Box::new(sequence(flow, next))),
        Primary::Hole(_) => What::Hole,
    };
    let own = first..*next;
    let branches = unit.branches.iter().map(|it| branch(it, next)).collect();
    let attempts = unit.attempts.map(|it| format!("max_attempts = {}", it.count).into());
    let settings = unit.attrs.iter().map(|it| clean(&it.to_string()).into());
    Unit {
        what,
        settings: attempts.into_iter().chain(settings).collect(),
        each: unit.attrs.iter().any(is_each),
        branches,
        own,
        steps: first..*next,
    }
}

fn is_each(attr: &nexus_pointy::Attr) -> bool {
    use nexus_pointy::LiteralKind::Bool;
    let off = attr.value.as_ref().is_some_and(|value| value.kind == Bool(false));
    &*attr.key.text == "each" && !off
}

fn branch(branch: &nexus_pointy::Branch, next: &mut u32) -> Branch {
    let (label, taken_by) = match &branch.descriptor {
        &Descriptor::FAILURE => ("0 failure".into(), Some(false)),
        &Descriptor::SUCCESS => ("1 success".into(), Some(true)),
        other => (fit::label(&other.to_string()), None),
    };
    Branch { arrow: branch.arrow.kind, label, taken_by, flow: sequence(&branch.flow, next) }
}
