//! The steps of a flow and what its settings name.

use nexus_pointy::wiring::{Input, SourceId, Wiring, wiring};
use nexus_pointy::{
    ArrowKind, Attr, Branch, Descriptor, Diagnostic, Flow, Name, Primary, Span as Range, Unit,
    unit_settings,
};

/// Everything that the checks need to know of a flow.
pub(crate) struct Model<'f> {
    pub(crate) wiring: Wiring<'f>,
    /// One for each use of [`Wiring::uses`].
    pub(crate) steps: Vec<Step<'f>>,
    /// The executors that settings name, each once.
    pub(crate) executors: Vec<Name>,
    /// The error types that settings name, each once.
    pub(crate) errors: Vec<Name>,
    pub(crate) mistakes: Vec<Diagnostic>,
    /// Of each place where an event is missing, how many steps stand before it.
    pub(crate) holes: Vec<usize>,
}

/// An event's place in the flow.
pub(crate) struct Step<'f> {
    pub(crate) name: &'f Name,
    pub(crate) each: bool,
    pub(crate) input: StepInput,
    /// The keys that are no settings: the event's own fields.
    pub(crate) own: Vec<Attr>,
    pub(crate) branches: Vec<&'f Descriptor>,
    /// What the flow sets for it, or for brackets around it.
    pub(crate) set: Set,
}

/// What a flow sets for a step, as far as a check asks for it.
#[derive(Clone, Default)]
pub(crate) struct Set {
    pub(crate) executor: Option<Name>,
    pub(crate) checkpoint: Option<bool>,
}

/// How a step is reached, and what it receives.
#[derive(Clone, Copy)]
pub(crate) enum StepInput {
    /// It starts the flow.
    Start,
    /// `->`
    Then(Range),
    /// `|->`
    Piped(Range, SourceId),
}

pub(crate) fn model(flow: &Flow) -> Model<'_> {
    let mut visitor = StepVisitor::default();
    visitor.flow(flow, None, &Set::default());
    let wiring = wiring(flow);
    let steps =
        wiring.uses.iter().zip(visitor.steps).map(|(place, VisitedStep { arrow, own, set })| {
            Step {
                name: place.name,
                each: place.each,
                input: match (place.input, arrow) {
                    (Input::Piped { arrow, from }, _) => StepInput::Piped(arrow, from),
                    (Input::Nothing, Some(arrow)) => StepInput::Then(arrow),
                    (Input::Nothing, None) => StepInput::Start,
                },
                own,
                branches: place.unit.branches.iter().map(|branch| &branch.descriptor).collect(),
                set,
            }
        });
    Model {
        steps: steps.collect(),
        wiring,
        executors: visitor.executors,
        errors: visitor.errors,
        mistakes: visitor.mistakes,
        holes: visitor.holes,
    }
}

/// What the visitor has recorded for a step.
struct VisitedStep {
    arrow: Option<Range>,
    own: Vec<Attr>,
    set: Set,
}

/// Visits the units in the order of [`Wiring::uses`].
#[derive(Default)]
struct StepVisitor {
    steps: Vec<VisitedStep>,
    executors: Vec<Name>,
    errors: Vec<Name>,
    mistakes: Vec<Diagnostic>,
    holes: Vec<usize>,
}

impl StepVisitor {
    /// `arrow` leads to the first link, and `outer` is what the brackets around set, which bound the
    /// recursion.
    fn flow(&mut self, flow: &Flow, arrow: Option<Range>, outer: &Set) {
        for link in &flow.links {
            let arrow = link.arrow.map_or(arrow, |arrow| Some(arrow.span));
            for unit in &link.units {
                self.unit(unit, arrow, outer);
            }
        }
    }

    fn unit(&mut self, unit: &Unit, arrow: Option<Range>, outer: &Set) {
        let (own, set) = self.settings(unit, outer);
        match &unit.primary {
            Primary::Event(_) => {
                self.steps.push(VisitedStep { arrow, own, set });
            }
            Primary::Flow(flow) => self.flow(flow, arrow, &set),
            Primary::Hole(_) => self.holes.push(self.steps.len()),
        }
        for Branch { arrow, flow, .. } in &unit.branches {
            let arrow = (arrow.kind == ArrowKind::Then).then_some(arrow.span);
            self.flow(flow, arrow, outer);
        }
    }

    /// The unit's own keys, and what is set for it by itself or by the brackets around.
    fn settings(&mut self, unit: &Unit, outer: &Set) -> (Vec<Attr>, Set) {
        let (settings, mistakes) = unit_settings(unit);
        self.mistakes.extend(mistakes);
        push_unique(&mut self.executors, settings.executor.clone());
        for error in settings.retry_policy.into_iter().flat_map(|policy| policy.retry_on_exceptions)
        {
            push_unique(&mut self.errors, Some(error));
        }
        let set = Set {
            executor: settings.executor.or_else(|| outer.executor.clone()),
            checkpoint: settings.checkpoint.or(outer.checkpoint),
        };
        (settings.own, set)
    }
}

fn push_unique(names: &mut Vec<Name>, name: Option<Name>) {
    if let Some(name) = name
        && !names.iter().any(|known| known.text == name.text)
    {
        names.push(name);
    }
}
