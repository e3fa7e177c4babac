//! The flow as the interpreter walks it: steps numbered in script order, settings resolved.

use nexus_pointy::{ArrowKind, Attr, Descriptor, Flow, LiteralKind, Primary, Unit};

use super::{Kind, Own, Reference, Step};

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) max_attempts: Option<u32>,
    /// Attempts, factor and maximum as the flow gives them.
    pub(super) policy: Option<(Option<u32>, Option<u64>, Option<u64>)>,
    pub(super) stops: [Option<bool>; 3],
    pub(super) evaluation: Option<Evaluation>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Evaluation {
    AllSuccess,
    PartialError,
    PartialSuccess,
    AllFailure,
}

pub(super) struct Sequence(pub(super) Vec<Group>);
pub(super) struct Group {
    pub(super) piped: bool,
    pub(super) evaluation: Evaluation,
    pub(super) units: Vec<Node>,
    pub(super) range: (usize, usize),
}
pub(super) struct Node {
    /// A step, or a flow in brackets.
    pub(super) what: Result<usize, Sequence>,
    pub(super) branches: Vec<(Descriptor, bool, Sequence)>,
}

impl Reference<'_> {
    pub(super) fn lay_out(&mut self, flow: &Flow, prefix: &str, scope: Options) -> Sequence {
        let mut groups: Vec<Group> = Vec::new();
        for link in &flow.links {
            let start = self.steps.len();
            let units =
                link.units.iter().map(|unit| self.lay_out_unit(unit, prefix, scope)).collect();
            let range = (start, self.steps.len());
            if let Some(before) = groups.last() {
                self.order.push((before.range, range));
            }
            let piped = link.arrow.is_some_and(|arrow| arrow.kind == ArrowKind::Pipe);
            let evaluation = scope.evaluation.unwrap_or(Evaluation::AllSuccess);
            groups.push(Group { piped, evaluation, units, range });
        }
        Sequence(groups)
    }

    fn lay_out_unit(&mut self, unit: &Unit, prefix: &str, outer: Options) -> Node {
        let mut scope = outer;
        let own = Options::read(&unit.attrs, unit.attempts.map(|attempts| attempts.count));
        scope.evaluation = own.evaluation.or(outer.evaluation);
        scope.policy = own.policy.or(outer.policy);
        // What is nearer wins, however it is spelt.
        let says_attempts = own.policy.is_some_and(|policy| policy.0.is_some());
        scope.max_attempts =
            own.max_attempts.or(if says_attempts { None } else { outer.max_attempts });
        for (inner, own) in scope.stops.iter_mut().zip(own.stops) {
            *inner = own.or(*inner);
        }
        let start = self.steps.len();
        let what = match &unit.primary {
            Primary::Event(name) => Ok(self.lay_out_step(&name.text, prefix, scope)),
            Primary::Flow(flow) => Err(self.lay_out(flow, prefix, scope)),
            Primary::Hole(_) => unreachable!("the flow has no mistakes"),
        };
        let mid = self.steps.len();
        let first = self.steps[start].path.rsplit('/').next().unwrap().to_owned();
        let name = if what.is_ok() { first } else { format!("{{{first}}}") };
        let branches = unit.branches.iter().map(|branch| {
            let from = self.steps.len();
            let prefix = format!("{prefix}{name}/{}/", branch.descriptor);
            let flow = self.lay_out(&branch.flow, &prefix, outer);
            self.order.push(((start, mid), (from, self.steps.len())));
            (branch.descriptor.clone(), branch.arrow.kind == ArrowKind::Pipe, flow)
        });
        let branches = branches.collect();
        Node { what, branches }
    }

    fn lay_out_step(&mut self, event: &str, prefix: &str, options: Options) -> usize {
        let nth = self.counts.entry(event.to_owned()).or_default();
        *nth += 1;
        let name = if *nth == 1 { event.to_owned() } else { format!("{event}#{nth}") };
        self.steps.push(Step {
            event: event.to_owned(),
            path: format!("{prefix}{name}"),
            kind: Kind::NotRun,
            attempts: 0,
            waits: Vec::new(),
            previous: Some(Vec::new()),
            certain: true,
            options,
            value: None,
            success: false,
        });
        self.steps.len() - 1
    }
}

impl Options {
    fn read(attrs: &[Attr], attempts: Option<u32>) -> Self {
        let mut this = Self { max_attempts: attempts, ..Self::default() };
        for attr in attrs {
            let value = attr.value.as_ref().map_or(&LiteralKind::Bool(true), |value| &value.kind);
            match (&*attr.key.text, value) {
                ("stop_on_success", LiteralKind::Bool(flag)) => this.stops[0] = Some(*flag),
                ("stop_on_error", LiteralKind::Bool(flag)) => this.stops[1] = Some(*flag),
                ("stop_on_exception", LiteralKind::Bool(flag)) => this.stops[2] = Some(*flag),
                ("max_attempts", LiteralKind::Int(count)) => {
                    this.max_attempts = Some(*count as u32);
                }
                ("retry_policy", LiteralKind::Map(keys)) => {
                    let get = |name: &str| {
                        let found = keys.iter().find(|(key, _)| &*key.text == name);
                        found.map(|(_, value)| match value.kind {
                            LiteralKind::Int(number) => number as f64,
                            LiteralKind::Float(number) => number,
                            _ => unreachable!("not a number"),
                        })
                    };
                    let millis = |name| get(name).map(|seconds| (seconds * 1000.0) as u64);
                    let attempts = get("max_attempts").map(|count| count as u32);
                    this.policy = Some((attempts, millis("backoff_factor"), millis("max_backoff")));
                }
                ("execution_evaluation_state", LiteralKind::Name(name)) => {
                    this.evaluation = Some(match &*name.text {
                        "SuccessOnAllEventsSuccess" => Evaluation::AllSuccess,
                        "FailureForPartialError" => Evaluation::PartialError,
                        "SuccessForPartialSuccess" => Evaluation::PartialSuccess,
                        _ => Evaluation::AllFailure,
                    });
                }
                (key, _) => unreachable!("the generator makes no `{key}`"),
            }
        }
        this
    }

    pub(super) fn policy(&self, own: Own) -> Option<(u32, u64, u64)> {
        let given = self.policy.map(|(attempts, factor, max)| {
            (attempts.unwrap_or(5), factor.unwrap_or(50), max.unwrap_or(100_000))
        });
        let policy = given.or(own.policy);
        match self.max_attempts {
            Some(attempts) => {
                policy.or(Some((5, 50, 100_000))).map(|(_, factor, max)| (attempts, factor, max))
            }
            None => policy,
        }
    }
}
