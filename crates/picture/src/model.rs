//! The flow's tree as it is drawn: without spans, and with its texts ready.

use std::ops::Range;

use nexus_pointy::{ArrowKind, Descriptor, Flow, Primary};

use crate::fitted_text::{self, single_line};

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
    pub(crate) content: Content,
    /// `key = value`, in script order.
    pub(crate) settings: Vec<Box<str>>,
    /// Whether it runs once for each item.
    pub(crate) each: bool,
    pub(crate) branches: Vec<Branch>,
    /// Its steps without those of its branches.
    pub(crate) own_steps: Range<u32>,
    pub(crate) steps: Range<u32>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// The event's name.
    Step(Box<str>),
    Brackets(Box<Sequence>),
    /// An event is missing in the script.
    Hole,
    /// Stands for this many links, members or branches, which are not drawn.
    Omitted(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) arrow: ArrowKind,
    pub(crate) label: Box<str>,
    /// `false` for the branch of a failure, `true` for that of a success, `None` for any other.
    pub(crate) for_success: Option<bool>,
    pub(crate) flow: Sequence,
}

impl Unit {
    /// Whether it is drawn as a frame around its flow. Brackets without settings and branches only
    /// group, which the lines show without a frame.
    pub(crate) fn is_framed(&self) -> bool {
        !(self.settings.is_empty() && self.branches.is_empty())
    }

    /// Whether the flow may go on after this unit without any of its branches.
    pub(crate) fn can_fall_through(&self) -> bool {
        let covers = |success| self.branches.iter().any(|it| it.for_success == Some(success));
        !(covers(false) && covers(true))
    }

    pub(crate) fn omitted(count: usize, steps: Range<u32>) -> Self {
        let content = Content::Omitted(count);
        let own_steps = steps.clone();
        Self { content, settings: Vec::new(), each: false, branches: Vec::new(), own_steps, steps }
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
    let content = match &unit.primary {
        Primary::Event(name) => {
            *next = next.saturating_add(1);
            Content::Step(fitted_text::name(&name.text))
        }
        Primary::Flow(flow) => Content::Brackets(Box::new(sequence(flow, next))),
        Primary::Hole(_) => Content::Hole,
    };
    let own_steps = first..*next;
    let branches = unit.branches.iter().map(|it| branch(it, next)).collect();
    let attempts = unit.attempts.map(|it| format!("max_attempts = {}", it.count).into());
    let settings = unit.attrs.iter().map(|it| single_line(&it.to_string()).into());
    Unit {
        content,
        settings: attempts.into_iter().chain(settings).collect(),
        each: unit.attrs.iter().any(is_each),
        branches,
        own_steps,
        steps: first..*next,
    }
}

fn is_each(attr: &nexus_pointy::Attr) -> bool {
    use nexus_pointy::LiteralKind::Bool;
    let off = attr.value.as_ref().is_some_and(|value| value.kind == Bool(false));
    &*attr.key.text == "each" && !off
}

fn branch(branch: &nexus_pointy::Branch, next: &mut u32) -> Branch {
    let (label, for_success) = match &branch.descriptor {
        &Descriptor::FAILURE => ("0 failure".into(), Some(false)),
        &Descriptor::SUCCESS => ("1 success".into(), Some(true)),
        other => (fitted_text::label(&other.to_string()), None),
    };
    Branch { arrow: branch.arrow.kind, label, for_success, flow: sequence(&branch.flow, next) }
}
