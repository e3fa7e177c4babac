//! From a flow's tree to a plan's arrays.

use std::sync::Arc;

use nexus_pointy::binding_code as code;
use nexus_pointy::settings::Settings;
use nexus_pointy::{ArrowKind, Attr, Diagnostic, Flow, Name, Primary, suggest, unit_settings};

use super::options::{inherit, resolve};
use super::{
    Branch, Fields, FlowNode, Gives, Group, Hints, NONE, Owner, Place, Plan, PlanEvent, Pool,
    Source, Step, Unit, UnitKind, check, hints,
};
use crate::event::{Body, BodySource, EventDef, OwnValues, ParamKind};
use crate::executor::BodyKind;
use crate::registry::{Found, Registry};
use crate::settings::EventExecutionEvaluationState as Evaluation;

/// Checks a flow against the events of `registry` and the input `fields`, and lays it out.
///
/// # Errors
///
/// Every mistake of the flow, not only the first.
pub(crate) fn compile(
    name: &str,
    source: Flow,
    registry: &Registry,
    fields: &Fields,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut compiler = Compiler::new(name, registry, fields);
    let scope = Scope::default();
    compiler.flow(&source, Owner::Root, Source::Nothing, &scope);
    let mut mistakes = compiler.mistakes;
    check::arrows(&source, &compiler.plan, &compiler.uses, &mut mistakes);
    if !mistakes.is_empty() {
        mistakes.sort_by_key(|mistake| mistake.span.start);
        return Err(mistakes);
    }
    hints::fill(&mut compiler.plan);
    compiler.plan.states_needed = needed_states(&compiler.plan);
    compiler.plan.source = source;
    Ok(compiler.plan)
}

/// What the brackets around a unit say for everything inside.
#[derive(Default)]
struct Scope {
    /// Tells scopes apart, for the cache of options.
    id: u32,
    settings: Settings,
    /// Whether the steps inside may run beside others.
    parallel: bool,
    /// Whether another member's failure may cancel the steps inside.
    cancellable: bool,
}

/// What was worked out for an event on its first use.
struct Known {
    event: u32,
    /// The body of uses that set no fields of the event.
    body: u32,
    /// The scope and the options of the last use that had no settings of its own.
    last: Option<(u32, u32)>,
}

struct Compiler<'a> {
    registry: &'a Registry,
    plan: Plan,
    /// For each event of the registry, what is known of it in this plan.
    known: Vec<Option<Known>>,
    /// How often each event of the plan was used.
    counts: Vec<u32>,
    /// For each event's use in script order, the event; `NONE` where the name is unknown.
    uses: Vec<u32>,
    scopes: u32,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Compiler<'a> {
    fn new(name: &str, registry: &'a Registry, fields: &Fields) -> Self {
        let nowhere = nexus_pointy::Span { start: 0, end: 0 };
        Self {
            registry,
            plan: Plan {
                name: Arc::from(name),
                fields: fields.clone(),
                field_names: fields.0.iter().map(|field| Arc::clone(&field.name)).collect(),
                states: Vec::new(),
                states_needed: Vec::new(),
                events: Vec::new(),
                bodies: Vec::new(),
                paces: Vec::new(),
                references: Vec::new(),
                options: Vec::new(),
                pools: Vec::new(),
                steps: Vec::new(),
                units: Vec::new(),
                groups: Vec::new(),
                flows: Vec::new(),
                branches: Vec::new(),
                join_sizes: Vec::new(),
                first_steps: Vec::new(),
                members: Vec::new(),
                output: Gives::Varies,
                each_steps: 0,
                pooled_retries: false,
                source: Flow { links: Vec::new(), span: nowhere },
                #[cfg(feature = "durable")]
                recorded: std::sync::OnceLock::new(),
            },
            known: (0..registry.len()).map(|_| None).collect(),
            counts: Vec::new(),
            uses: Vec::new(),
            scopes: 0,
            mistakes: Vec::new(),
        }
    }

    fn flow(&mut self, flow: &Flow, owner: Owner, input: Source, scope: &Scope) -> u32 {
        let index = self.plan.flows.len() as u32;
        self.plan.flows.push(FlowNode { first: NONE, last: NONE, owner });
        let mut previous = NONE;
        for link in &flow.links {
            let input = match link.arrow.map(|arrow| arrow.kind) {
                None => input,
                Some(ArrowKind::Then) => Source::Nothing,
                Some(ArrowKind::Pipe) => Source::Group(previous),
            };
            let group = self.group(&link.units, index, input, scope);
            match self.plan.groups.get_mut(previous as usize) {
                Some(previous) => previous.next = group,
                None => self.plan.flows[index as usize].first = group,
            }
            previous = group;
        }
        self.plan.flows[index as usize].last = previous;
        index
    }

    fn group(
        &mut self,
        members: &[nexus_pointy::Unit],
        flow: u32,
        input: Source,
        scope: &Scope,
    ) -> u32 {
        let index = self.plan.groups.len() as u32;
        let first = self.plan.units.len() as u32;
        let several = members.len() > 1;
        let evaluation = scope.settings.evaluation.unwrap_or_default();
        self.plan.groups.push(Group {
            units: (first, members.len() as u32),
            flow,
            next: NONE,
            input,
            evaluation,
            join: if several { self.plan.join_sizes.len() as u32 } else { NONE },
            steps: (self.plan.steps.len() as u32, 0),
            first_steps: (0, 0),
            starts_visited: false,
            members: (0, 0),
        });
        self.plan.join_sizes.extend(several.then_some(members.len() as u32));
        let unit = Unit { kind: UnitKind::Step(NONE), group: index, branches: (0, 0) };
        self.plan.units.resize(first as usize + members.len(), unit);

        let beside;
        let scope = if several {
            let cancels = evaluation == Evaluation::FailureForPartialError;
            beside = self.scope(scope.settings.clone(), true, scope.cancellable || cancels);
            &beside
        } else {
            scope
        };
        for (unit, member) in (first..).zip(members) {
            self.unit(unit, member, index, input, scope);
        }
        self.plan.groups[index as usize].steps.1 = self.plan.steps.len() as u32;
        index
    }

    fn scope(&mut self, settings: Settings, parallel: bool, cancellable: bool) -> Scope {
        self.scopes += 1;
        Scope { id: self.scopes, settings, parallel, cancellable }
    }

    fn unit(
        &mut self,
        unit: u32,
        member: &nexus_pointy::Unit,
        group: u32,
        input: Source,
        outer: &Scope,
    ) {
        let own;
        let scope = if member.attrs.is_empty() && member.attempts.is_none() {
            outer
        } else {
            let (settings, mistakes) = unit_settings(member);
            self.mistakes.extend(mistakes);
            let settings = inherit(settings, &outer.settings);
            own = self.scope(settings, outer.parallel, outer.cancellable);
            &own
        };
        let kind = match &member.primary {
            Primary::Event(name) => UnitKind::Step(self.step(unit, name, scope)),
            Primary::Flow(flow) => UnitKind::Flow(self.flow(flow, Owner::Unit(unit), input, scope)),
            // The parser reported it.
            Primary::Hole(_) => return,
        };
        let branches = self.branches(unit, &member.branches, outer);
        self.plan.units[unit as usize] = Unit { kind, group, branches };
    }

    fn branches(
        &mut self,
        unit: u32,
        branches: &[nexus_pointy::Branch],
        scope: &Scope,
    ) -> (u32, u32) {
        let first = self.plan.branches.len() as u32;
        for branch in branches {
            self.plan.branches.push(Branch { descriptor: branch.descriptor.clone(), flow: NONE });
        }
        for (index, branch) in (first as usize..).zip(branches) {
            let input = match branch.arrow.kind {
                ArrowKind::Then => Source::Nothing,
                ArrowKind::Pipe if branch.descriptor == nexus_pointy::Descriptor::FAILURE => {
                    Source::Reason(unit)
                }
                ArrowKind::Pipe => Source::Own(unit),
            };
            let flow = self.flow(&branch.flow, Owner::Branch(unit), input, scope);
            self.plan.branches[index].flow = flow;
        }
        (first, branches.len() as u32)
    }

    fn step(&mut self, unit: u32, name: &Name, scope: &Scope) -> u32 {
        let Some(known) = self.event(name, &scope.settings.own) else {
            self.uses.push(NONE);
            return NONE;
        };
        let event = self.known[known].as_ref().map_or(NONE, |known| known.event);
        let (body, options) = self.body_and_options(known, name, scope);
        self.uses.push(event);
        let count = &mut self.counts[event as usize];
        *count += 1;
        let step = Step { event, body, options, unit, nth: *count, hints: Hints::NOTHING };
        self.plan.steps.push(step);
        self.plan.steps.len() as u32 - 1
    }

    /// The index of the event in the registry, once its parameters are bound. `own` are the keys
    /// that can only be fields of the event.
    fn event(&mut self, name: &Name, own: &[Attr]) -> Option<usize> {
        match self.registry.find(&name.text) {
            Found::One(index, def) => {
                if self.known.get(index)?.is_none() {
                    let event = self.plan.events.len() as u32;
                    let slots = check::bind(def, name, &mut self.plan, &mut self.mistakes);
                    self.plan.events.push(PlanEvent { def: def.clone(), slots });
                    self.counts.push(0);
                    self.known[index] = Some(Known { event, body: NONE, last: None });
                }
                Some(index)
            }
            Found::Many(defs) => {
                let places: Vec<&str> = defs.iter().map(|def| &*def.place).collect();
                let message = format!("`{}` is the name of {} events", name.text, places.len());
                let help = format!(
                    "they are at {}; give one of them another name with `#[event(name = \"..\")]`",
                    places.join(" and ")
                );
                let mistake = Diagnostic::new(code::AMBIGUOUS_EVENT, message, name.span);
                self.mistakes.push(mistake.help(help));
                None
            }
            Found::None => {
                self.unknown_event(name, own);
                None
            }
        }
    }

    /// Says that there is no such event, and which of its settings could be none of any event: a
    /// field of the event that is likely to be meant is not one of them.
    fn unknown_event(&mut self, name: &Name, own: &[Attr]) {
        // The excerpt shows where it stands; a name as long as a file is not to be repeated.
        let shown: String = name.text.chars().take(80).collect();
        let more = if shown.len() < name.text.len() { ".." } else { "" };
        let message = format!("there is no event `{shown}{more}`");
        let near = suggest::nearest(&name.text, self.registry.names());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "register it: annotate a function with `#[event]`, and mention its \
                     crate in your program (`use my_steps as _;`)"
                .to_owned(),
        };
        let mistake = Diagnostic::new(code::UNKNOWN_EVENT, message, name.span);
        self.mistakes.push(mistake.help(help));
        let fields = match near.map(|near| self.registry.find(near)) {
            Some(Found::One(_, def)) => def.own_fields,
            _ => &[],
        };
        self.mistakes.extend(check::unknown_settings(fields, own));
    }

    fn body_and_options(&mut self, known: usize, name: &Name, scope: &Scope) -> (u32, u32) {
        let Some(seen) = &self.known[known] else { return (NONE, NONE) };
        let (event, mut body, last) = (seen.event, seen.body, seen.last);
        let def = &self.plan.events[event as usize].def;
        if body == NONE || !scope.settings.own.is_empty() {
            let reference = event_reference(def, &scope.settings.own);
            let made = match &def.body {
                BodySource::Ready(ready) if scope.settings.own.is_empty() => Ok(Arc::clone(ready)),
                _ => check::make_body(def, name, &OwnValues(&scope.settings.own)),
            };
            body = self.add_body(made, reference);
        }
        let options = match last {
            Some((id, options)) if id == scope.id => options,
            _ => {
                let def = self.plan.events[event as usize].def.clone();
                let mut options = resolve(
                    &def,
                    name,
                    &scope.settings,
                    scope.parallel,
                    self.registry,
                    &mut self.plan.pools,
                    &mut self.mistakes,
                );
                options.cancellable |= scope.cancellable;
                self.plan.options.push(options);
                self.plan.options.len() as u32 - 1
            }
        };
        if let Some(seen) = &mut self.known[known] {
            if scope.settings.own.is_empty() {
                seen.body = body;
            }
            seen.last = Some((scope.id, options));
        }
        (body, options)
    }

    fn add_body(
        &mut self,
        made: Result<Arc<dyn Body>, Vec<Diagnostic>>,
        reference: Arc<str>,
    ) -> u32 {
        match made {
            Ok(body) => {
                self.plan.references.push(reference);
                self.plan.bodies.push(body);
                self.plan.bodies.len() as u32 - 1
            }
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                NONE
            }
        }
    }
}

/// What another process of this program finds the event by: its path, where it is defined, and the
/// fields that the flow sets on it.
fn event_reference(def: &EventDef, own: &[Attr]) -> Arc<str> {
    let mut name = format!("{}@{}", def.path, def.place);
    for (index, attr) in own.iter().enumerate() {
        name.push_str(if index == 0 { "[" } else { ", " });
        name.push_str(&attr.to_string());
    }
    name.push_str(if own.is_empty() { "" } else { "]" });
    name.into()
}

/// Which of the plan's states a step takes in this process.
fn needed_states(plan: &Plan) -> Vec<bool> {
    let mut needed = vec![false; plan.states.len()];
    let is_here = |step: &&Step| match plan.options[step.options as usize].place {
        Place::Inline => true,
        Place::Pool(pool) => match &plan.pools[pool as usize] {
            Pool::Shared => true,
            Pool::Named(kind, _) => kind.runs() != BodyKind::Remote,
        },
    };
    for step in plan.steps.iter().filter(is_here) {
        let event = &plan.events[step.event as usize];
        for (param, slot) in event.def.params.iter().zip(&event.slots) {
            if param.kind == ParamKind::State
                && let Some(needed) = needed.get_mut(*slot as usize)
            {
                *needed = true;
            }
        }
    }
    needed
}
