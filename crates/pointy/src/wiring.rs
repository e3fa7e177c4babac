//! The data flow of a script: which event receives which output.

use crate::ast::{
    ArrowKind, Attr, Branch, Descriptor, Flow, Link, LiteralKind, Name, Primary, Unit,
};
use crate::span::Span;

/// The index of a use in [`Wiring::uses`].
pub type UseId = usize;
/// The index of a source in [`Wiring::sources`].
pub type SourceId = usize;

/// Which events a flow uses, and what each receives.
#[derive(Debug, Clone, PartialEq)]
pub struct Wiring<'f> {
    /// Every event's place in the flow, in script order. Holes are none.
    pub uses: Vec<Use<'f>>,
    /// The sources of values. Each is a list of alternatives, of which one is handed on in a run;
    /// see [`Wiring::alternatives`]. An entry refers only to entries before it.
    pub sources: Vec<Vec<End>>,
    /// The output of the whole flow.
    pub output: SourceId,
}

/// An event's place in the flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Use<'f> {
    /// The event.
    pub name: &'f Name,
    /// The unit that it is, with its attributes and branches.
    pub unit: &'f Unit,
    /// Whether it runs one task per item: it or a group around it is `[each]`, and no
    /// nearer one says `[each = false]`.
    pub each: bool,
    /// What it receives.
    pub input: Input,
}

/// What an event receives through the arrow before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing: it starts the flow, or is reached by `->`.
    Nothing,
    /// A value.
    Piped {
        /// The `|->`.
        arrow: Span,
        /// Where the value comes from.
        from: SourceId,
    },
}

/// One alternative of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The output of an event.
    Output(UseId),
    /// What `0 |-> X` hands on: a failure.
    Failure,
    /// The values of the members of `A || B`, in script order.
    Group(Vec<SourceId>),
    /// Any alternative of another source. Keeps nested branches linear in size;
    /// [`Wiring::alternatives`] resolves it.
    AnyOf(SourceId),
}

impl Wiring<'_> {
    /// The alternatives of a source, with each [`End::AnyOf`] replaced by the alternatives that it
    /// refers to. A hole has none, and neither has an id out of range.
    ///
    /// ```
    /// use nexus_pointy::{parse, wiring::{End, Input, wiring}};
    /// let flow = parse("A (0 -> X, 1 -> Y) |-> B").into_result()?;
    /// let wiring = wiring(&flow);
    /// let Input::Piped { from, .. } = wiring.uses[3].input else { panic!() };
    /// let ends: Vec<_> = wiring.alternatives(from).collect();
    /// assert_eq!(ends, [&End::Output(1), &End::Output(2)]);
    /// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
    /// ```
    pub fn alternatives(&self, source: SourceId) -> impl Iterator<Item = &End> {
        let mut open = vec![self.ends(source).iter()];
        std::iter::from_fn(move || {
            loop {
                match open.last_mut()?.next() {
                    None => {
                        open.pop();
                    }
                    Some(End::AnyOf(inner)) => open.push(self.ends(*inner).iter()),
                    Some(end) => return Some(end),
                }
            }
        })
    }

    fn ends(&self, source: SourceId) -> &[End] {
        self.sources.get(source).map_or(&[], Vec::as_slice)
    }
}

/// Finds what each event of a flow receives. Takes time linear in the size of the flow, and
/// recurses only into brackets.
///
/// - `A |-> B` hands B the end of A; to a group, every member receives it; to a bracketed
///   flow, its first link does. `->` hands on nothing.
/// - The end of an event is its output; of `A || B` the group of the members' ends; of a
///   bracketed flow that of its last link.
/// - The end of a unit with branches is that of any branch, or, unless both `0` and `1`
///   have one, the unit's own.
/// - `0 |-> X` hands X a failure, any other branch the unit's own end.
#[must_use]
pub fn wiring(flow: &Flow) -> Wiring<'_> {
    let mut builder = WiringBuilder { uses: Vec::new(), sources: Vec::new(), failure: None };
    let output = builder.flow(flow, Input::Nothing, false);
    Wiring { uses: builder.uses, sources: builder.sources, output }
}

struct WiringBuilder<'f> {
    uses: Vec<Use<'f>>,
    sources: Vec<Vec<End>>,
    failure: Option<SourceId>,
}

impl<'f> WiringBuilder<'f> {
    fn source(&mut self, ends: Vec<End>) -> SourceId {
        self.sources.push(ends);
        self.sources.len() - 1
    }

    /// Returns the flow's end. `first` is what the first link receives.
    fn flow(&mut self, flow: &'f Flow, first: Input, each: bool) -> SourceId {
        let mut end: Option<SourceId> = None;
        for link in &flow.links {
            let input = match (link.arrow, end) {
                (Some(arrow), Some(from)) if arrow.kind == ArrowKind::Pipe => {
                    Input::Piped { arrow: arrow.span, from }
                }
                (None, None) => first,
                _ => Input::Nothing,
            };
            end = Some(self.link(link, input, each));
        }
        end.unwrap_or_else(|| self.source(Vec::new()))
    }

    fn link(&mut self, link: &'f Link, input: Input, each: bool) -> SourceId {
        if let [unit] = link.units.as_slice() {
            return self.unit(unit, input, each);
        }
        let members = link.units.iter().map(|unit| self.unit(unit, input, each)).collect();
        self.source(vec![End::Group(members)])
    }

    fn unit(&mut self, unit: &'f Unit, input: Input, outer: bool) -> SourceId {
        let each = own_each(&unit.attrs).unwrap_or(outer);
        let own = match &unit.primary {
            Primary::Event(name) => {
                self.uses.push(Use { name, unit, each, input });
                let id = self.uses.len() - 1;
                self.source(vec![End::Output(id)])
            }
            Primary::Flow(flow) => self.flow(flow, input, each),
            Primary::Hole(_) => self.source(Vec::new()),
        };
        if unit.branches.is_empty() {
            return own;
        }
        self.branches(&unit.branches, own, outer)
    }

    fn branches(&mut self, branches: &'f [Branch], own: SourceId, each: bool) -> SourceId {
        let mut ends = Vec::with_capacity(branches.len() + 1);
        let (mut failure, mut success) = (false, false);
        for branch in branches {
            failure |= branch.descriptor == Descriptor::FAILURE;
            success |= branch.descriptor == Descriptor::SUCCESS;
            let input = match branch.arrow.kind {
                ArrowKind::Then => Input::Nothing,
                ArrowKind::Pipe => {
                    let from =
                        if branch.descriptor == Descriptor::FAILURE { self.failure() } else { own };
                    Input::Piped { arrow: branch.arrow.span, from }
                }
            };
            let end = self.flow(&branch.flow, input, each);
            ends.push(self.alternative(end));
        }
        if !(failure && success) {
            ends.push(self.alternative(own));
        }
        self.source(ends)
    }

    /// A source as an alternative of another: a single output or failure is copied, anything else
    /// is referred to.
    fn alternative(&self, source: SourceId) -> End {
        match self.sources.get(source).map(Vec::as_slice) {
            Some([end @ (End::Output(_) | End::Failure)]) => end.clone(),
            _ => End::AnyOf(source),
        }
    }

    fn failure(&mut self) -> SourceId {
        if let Some(source) = self.failure {
            return source;
        }
        let source = self.source(vec![End::Failure]);
        self.failure = Some(source);
        source
    }
}

fn own_each(attrs: &[Attr]) -> Option<bool> {
    let attr = attrs.iter().find(|attr| &*attr.key.text == "each")?;
    Some(!matches!(attr.value.as_ref().map(|value| &value.kind), Some(LiteralKind::Bool(false))))
}

#[cfg(test)]
mod tests;
